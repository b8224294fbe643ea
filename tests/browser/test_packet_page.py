"""The page of a packet in a real browser, with no network to reach: it opens, it fits, and its marks are seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import EXAMPLES, HOSTILE, NEEDED, opened, started, violations
from command import run
from selenium.webdriver.common.by import By

from ivproof.chart.files import scan
from ivproof.law.policy import Policy
from ivproof.packet.maker import PacketMaker
from ivproof.packet.writing import document
from ivproof.render.html import packet_page

pytestmark = NEEDED

BILLED = 'billed: [{code: "96365"}, {code: "96361"}]\n'


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with packets: of a lost dispute, of a won one, of a chart that would be markup if it could."""
    folder = tmp_path_factory.mktemp("packets")
    folder.joinpath("hostile.yaml").write_text(HOSTILE + BILLED, "utf-8")
    maker = PacketMaker(Policy.load("out001"))
    files = {"lost": EXAMPLES / "11-lost-dispute.yaml", "won": EXAMPLES / "12-won-dispute.yaml"}
    for name, file in {**files, "hostile": folder / "hostile.yaml"}.items():
        [sheet] = scan([str(file)])
        encounter = sheet.chart().encounter
        assert encounter is not None
        folder.joinpath(f"{name}.html").write_text(
            packet_page(document([maker.make(encounter, str(file))], "internal")), "utf-8"
        )
        if name == "won":
            appeal = packet_page(document([maker.make(encounter, str(file))], "payer"))
            folder.joinpath("appeal.html").write_text(appeal, "utf-8")
    run("audit", *files.values(), "--summary", "--search", "none", "-o", folder / "audit.html")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from started()


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("name", ["lost", "won", "hostile", "appeal", "audit"])
def test_it_opens_without_a_request_or_an_error_and_fits(browser: Any, pages: Path, name: str, width: int) -> None:
    opened(browser, pages, name, width)
    asked = [it["message"] for it in browser.get_log("performance") if '"Network.requestWillBeSent"' in it["message"]]
    assert len(asked) == 1, asked
    assert browser.get_log("browser") == []
    assert {"appeal": "Appeal", "audit": "Audit of"}.get(name, "claim review") in browser.title
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    if width == 390 and name in {"lost", "appeal", "audit"}:
        assert violations(browser) == []


def test_the_cover_leads_to_each_line_and_the_bars_that_carry_it_stand_out(browser: Any, pages: Path) -> None:
    opened(browser, pages, "lost", 1100)
    for link in browser.find_elements(By.CSS_SELECTOR, "table.lines a"):
        target = browser.find_element(By.ID, link.get_attribute("href").rpartition("#")[2])
        assert target.is_displayed()
    rows = browser.find_elements(By.CSS_SELECTOR, ".row")
    lit = [it.get_attribute("data-key") for it in rows if "lit" in it.get_attribute("class").split()]
    assert len(lit) == len(rows) == 4
    assert [it.find_element(By.CSS_SELECTOR, ".bar, .mark").value_of_css_property("opacity") for it in rows] == [
        "1" if it.get_attribute("data-key") in lit else "0.38" for it in rows
    ]
    assert "none was found" in browser.find_element(By.TAG_NAME, "main").text


def test_it_is_readable_in_black_and_white(browser: Any, pages: Path) -> None:
    opened(browser, pages, "won", 1100)
    colours = browser.execute_script(
        "return [...new Set([...document.querySelectorAll('body, body *')].flatMap((it) => {"
        " const s = getComputedStyle(it); return [s.color, s.backgroundColor, s.fill, s.stroke]; }))]"
    )
    for it in colours:
        if it.startswith("rgb"):
            red, green, blue = (part.strip() for part in it.partition("(")[2].rstrip(")").split(",")[:3])
            assert red == green == blue, it
