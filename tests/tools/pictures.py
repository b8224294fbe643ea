"""Makes the pictures of the README and the documents anew: pages of visits, a packet, an audit, a chart of the desk.

    python tests/tools/pictures.py [gallery]

With `gallery` only the pages of the examples and docs/gallery.md, which shows them. It needs Chromium and pdftoppm
(Debian: chromium, chromium-driver, poppler-utils), and pillow, which makes the files small. What is pictured are the
examples, as the commands write them now.
"""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image  # type: ignore[import-not-found, unused-ignore]
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
REPORT = "examples/02-chemotherapy-day.yaml"
PACKET = "examples/12-won-dispute.yaml"
DESK = "examples/10-missing-stop-times.yaml"
AUDITED = ("tests/records/x12/charts.yaml", "examples/11-lost-dispute.yaml", PACKET)
REMITTANCE = "tests/records/x12/remittance-835.txt"


def ivproof(*words: str) -> None:
    """Run a command of ivproof on an example."""
    code = "from ivproof.cli import app; app()"
    # an audit that finds something wrong ends with a status of its own
    subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)


@contextmanager
def browser(width: int, height: int) -> Iterator[Any]:
    """Start Chromium with a window of that size in CSS pixels."""
    options = webdriver.ChromeOptions()
    for it in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(it)
    options.binary_location = "/usr/bin/chromium"
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield driver
    finally:
        driver.quit()


def picture(driver: Any, name: str, most: int, scale: float = 1) -> None:
    """Picture what a page shows, so many CSS pixels from its top at most."""
    size = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], most), "scale": scale}
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    save(name, base64.b64decode(shot["data"]))


def save(name: str, content: bytes) -> None:
    """Keep a picture with as few colours as these pages need."""
    with Image.open(io.BytesIO(content)) as full:
        full.convert("RGB").quantize(192).save(PICTURES / f"{name}.png", optimize=True)


def desk() -> None:
    """Picture the desk with the first stop that a chart lacks answered."""
    code = "from ivproof.cli import app; app()"
    words = [sys.executable, "-c", code, "serve", "--port", "0", DESK]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) as service:
        assert service.stderr is not None
        address = service.stderr.readline().partition("listening on ")[2].partition(" ")[0]
        with browser(1280, 1000) as driver:
            driver.get(f"{address}chart/1")
            driver.find_element(By.CSS_SELECTOR, "input[data-field=stop]").send_keys("15:31")
            for it in ("#visit .row[data-key=a1] rect.b-infusion", "#margins li"):
                there = expected_conditions.presence_of_element_located((By.CSS_SELECTOR, it))
                WebDriverWait(driver, 60).until(there)
            picture(driver, "desk", 1150)
        service.terminate()


def gallery() -> None:
    """Picture the pages of the examples, and write the document that shows them."""
    table = re.findall(r"^\| \[(.+?)\]\((examples/\S+?)\) \| (.+?) \|$", (ROOT / "README.md").read_text("utf-8"), re.M)
    parts = [GALLERY]
    with tempfile.TemporaryDirectory() as folder, browser(1000, 800) as driver:
        for title, example, shows in table:
            page = Path(folder) / "visit.html"
            ivproof("report", example, "-o", str(page), "--no-least-change")
            driver.get(page.as_uri())
            name = f"gallery-{Path(example).stem}"
            picture(driver, name, SHOWN, SMALL)
            story = (ROOT / example).read_text("utf-8").partition("\n")[0].removeprefix("# ")
            shown = f"![The page of the example {title}](pictures/{name}.png)"
            parts.append(f"## {title}\n\n{story} Shows: {shows} ([the chart](../{example})).\n\n{shown}\n")
    (ROOT / "docs" / "gallery.md").write_text("\n".join(parts), "utf-8")


GALLERY = """# The examples as pages

The beginning of the page that `ivproof report EXAMPLE -o visit.html` writes of each example. In the page itself a click
on a line opens its proof and marks the bars that carry it. Written by `python tests/tools/pictures.py gallery`.
"""

SHOWN, SMALL = 1150, 0.62
"""How many CSS pixels of a page the gallery shows, and how small."""


def main() -> None:
    """Write the pictures."""
    PICTURES.mkdir(exist_ok=True)
    gallery()
    if sys.argv[1:] == ["gallery"]:
        return
    with tempfile.TemporaryDirectory() as folder, browser(1100, 900) as driver:
        page, packet, audit = Path(folder) / "visit.html", Path(folder) / "packet.pdf", Path(folder) / "audit.html"
        ivproof("report", REPORT, "-o", str(page))
        ivproof("audit", PACKET, "--for", "payer", "-o", str(packet))
        ivproof("audit", *AUDITED, "--claim", REMITTANCE, "--summary", "--search", "none", "-o", str(audit))
        for name, it, most in (("visit", page, 1050), ("audit", audit, 1050)):
            driver.get(it.as_uri())
            picture(driver, name, most, 0.9)
        whole = ["pdftoppm", "-png", "-gray", "-r", "80", "-f", "1", "-l", "1", "-singlefile"]
        subprocess.run([*whole, str(packet), str(PICTURES / "packet")], check=True)
        save("packet", (PICTURES / "packet.png").read_bytes())
    desk()


if __name__ == "__main__":
    main()
