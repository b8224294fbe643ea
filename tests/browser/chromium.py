"""What the tests in a browser share: Debian's chromium by its own driver, closed to every address but files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (pip install -e '.[dev]')")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NEEDED = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="chromium is not installed (apt-get install chromium chromium-driver)"
)

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTILE = """
id: "<script>document.title='owned'</script>"
place_of_service: "22"
date: 2021-03-09
access_sites: [{id: "</svg><script>document.title='owned'</script>", kind: peripheral}]
administrations:
  - {id: "a\\" onclick=\\"x", drug: "<script>document.title='owned'</script>", class: therapeutic, route: IV,
     method: infusion, site: "</svg><script>document.title='owned'</script>", start: "13:00", stop: "14:40"}
"""
"""A chart that would be markup if it could."""


def started(host: str = "") -> Iterator[Any]:
    """Give a browser that every address but files, and `host`, is closed to, and that keeps what it asked for."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"):
        options.add_argument(argument)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND" + (f", EXCLUDE {host}" if host else ""))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()


def opened(browser: Any, pages: Path, name: str, width: int = 1200) -> Any:
    """Open a page anew, at a width in CSS pixels."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(pages.joinpath(f"{name}.html").as_uri())
    return browser


def violations(browser: Any) -> list[str]:
    """What axe-core finds wrong with the page as it is shown: the rule, and where."""
    pytest.importorskip("axe_core_python", reason="axe-core is not installed (pip install -e '.[dev]')")
    browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    found: list[str] = browser.execute_async_script(
        "const told = arguments[0];"
        "axe.run(document, {resultTypes: ['violations']}).then((it) => told(it.violations.flatMap("
        "(one) => one.nodes.map((node) => `${one.id}: ${node.target.join(' ')}: ${node.html.slice(0, 200)}`))))"
        ".catch((error) => told([`axe: ${error}`]));"
    )
    return found
