"""Makes the pictures of the README anew: the page of a visit, the first page of a packet, and a chart of the desk.

    python tests/tools/pictures.py

It needs Chromium and pdftoppm (Debian: chromium, chromium-driver, poppler-utils). What is pictured are the examples, as
the commands write them now.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
REPORT = "examples/02-chemotherapy-day.yaml"
PACKET = "examples/12-won-dispute.yaml"
DESK = "examples/10-missing-stop-times.yaml"


def ivproof(*words: str) -> None:
    """Run a command of ivproof on an example."""
    code = "from ivproof.cli import app; app()"
    # an audit that finds something wrong ends with a status of its own
    subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, check=False, stdout=subprocess.DEVNULL)


def desk() -> None:
    """Picture the desk with the first stop that a chart lacks answered."""
    code = "from ivproof.cli import app; app()"
    words = [sys.executable, "-c", code, "serve", "--port", "0", DESK]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True) as service:
        assert service.stderr is not None
        address = service.stderr.readline().partition("listening on ")[2].partition(" ")[0]
        options = webdriver.ChromeOptions()
        for it in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,1200"):
            options.add_argument(it)
        options.binary_location = "/usr/bin/chromium"
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        try:
            driver.get(f"{address}chart/1")
            driver.find_element(By.CSS_SELECTOR, "input[data-field=stop]").send_keys("15:31")
            for it in ("#visit .row[data-key=a1] rect.b-infusion", "#margins li"):
                there = expected_conditions.presence_of_element_located((By.CSS_SELECTOR, it))
                WebDriverWait(driver, 60).until(there)
            driver.save_screenshot(str(PICTURES / "desk.png"))
        finally:
            driver.quit()
            service.terminate()


def main() -> None:
    """Write the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page, packet = Path(folder) / "visit.html", Path(folder) / "packet.pdf"
        ivproof("report", REPORT, "-o", str(page))
        ivproof("audit", PACKET, "--for", "payer", "-o", str(packet))
        shot = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1100,1150"]
        shown = [f"--screenshot={PICTURES / 'visit.png'}", page.as_uri()]
        subprocess.run(["chromium", *shot, *shown], check=True, capture_output=True)
        whole = ["pdftoppm", "-png", "-r", "80", "-f", "1", "-l", "1", "-singlefile"]
        subprocess.run([*whole, str(packet), str(PICTURES / "packet")], check=True)
    desk()


if __name__ == "__main__":
    main()
