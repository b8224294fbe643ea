"""The page of a report in a real browser: Debian's chromium, by its own driver, with no network to reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import EXAMPLES, HOSTILE, NEEDED, opened, started, violations
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ivproof.chart.files import scan
from ivproof.law.policy import Policy
from ivproof.render.html import page
from ivproof.report.page import report
from ivproof.why.why import Explainer

pytestmark = NEEDED


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages of some examples and of a chart that would be markup if it could."""
    folder = tmp_path_factory.mktemp("pages")
    folder.joinpath("hostile.yaml").write_text(HOSTILE, "utf-8")
    explainer = Explainer(Policy.load("out001"))
    names = {
        "ed": "01-ed-dehydration",
        "chemo": "02-chemotherapy-day",
        "sites": "05-two-lines",
        "night": "08-overnight-observation",
    }
    files = {**{name: EXAMPLES / f"{file}.yaml" for name, file in names.items()}, "hostile": folder / "hostile.yaml"}
    for name, file in files.items():
        [sheet] = scan([str(file)])
        encounter = sheet.chart().encounter
        assert encounter is not None
        folder.joinpath(f"{name}.html").write_text(page(report(explainer, encounter, least_change=False)), "utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from started()


def line(browser: Any, code: str) -> Any:
    """The line of a claim with that code."""
    return next(it for it in browser.find_elements(By.CSS_SELECTOR, ".line") if it.text.startswith(code))


def lit(browser: Any) -> list[str]:
    return [it.get_attribute("data-key") for it in browser.find_elements(By.CSS_SELECTOR, ".row.lit")]


@pytest.mark.parametrize("name", ["ed", "chemo", "sites", "night", "hostile"])
def test_it_opens_without_a_request_or_an_error(browser: Any, pages: Path, name: str) -> None:
    opened(browser, pages, name)
    browser.execute_script("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    asked = [it["message"] for it in browser.get_log("performance") if '"Network.requestWillBeSent"' in it["message"]]
    assert len(asked) == 1, asked
    assert pages.as_uri() in asked[0]
    assert browser.get_log("browser") == []
    if name in {"chemo", "night"}:
        assert violations(browser) == []


def test_a_click_opens_a_proof_and_marks_the_bars_that_carry_it(browser: Any, pages: Path) -> None:
    opened(browser, pages, "ed")
    hydration = line(browser, "96361")
    assert hydration.get_attribute("open") is None
    hydration.find_element(By.TAG_NAME, "summary").click()
    assert hydration.get_attribute("open") == "true"
    assert "103 minutes; 91 or more needed" in hydration.text
    assert lit(browser) == ["a1"]


def test_a_reference_opens_the_step_that_it_names(browser: Any, pages: Path) -> None:
    opened(browser, pages, "ed")
    hydration = line(browser, "96361")
    hydration.find_element(By.TAG_NAME, "summary").click()
    reference = next(it for it in hydration.find_elements(By.CSS_SELECTOR, "a.see") if it.is_displayed())
    target = reference.get_attribute("href").rpartition("#")[2]
    reference.click()
    step = browser.find_element(By.ID, target)
    assert step.is_displayed()
    assert step.get_attribute("open") == "true"


def test_the_keyboard_is_enough(browser: Any, pages: Path) -> None:
    opened(browser, pages, "ed")
    body = browser.switch_to.active_element
    for _ in range(60):
        body.send_keys(Keys.TAB)
        body = browser.switch_to.active_element
        if body.find_elements(By.XPATH, "self::summary[parent::details[contains(@class,'line')]]"):
            break
    else:
        pytest.fail("no line of the claim can be reached by the keyboard")
    style = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"
    body.send_keys(Keys.ENTER)
    assert body.find_element(By.XPATH, "..").get_attribute("open") == "true"
    body.send_keys(Keys.ARROW_DOWN)
    following = browser.switch_to.active_element
    assert following.text.startswith("96361")
    following.send_keys(Keys.ENTER)
    assert following.find_element(By.XPATH, "..").get_attribute("open") == "true"


def test_what_a_chart_says_is_shown_as_text(browser: Any, pages: Path) -> None:
    opened(browser, pages, "hostile")
    script = "<script>document.title='owned'</script>"
    assert browser.title.startswith(script)
    assert script in browser.find_element(By.CSS_SELECTOR, ".row .name").text
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 1


@pytest.mark.parametrize("width", [360, 768, 1200])
@pytest.mark.parametrize("name", ["ed", "chemo", "sites", "night", "hostile"])
def test_nothing_runs_out_of_the_window(browser: Any, pages: Path, name: str, width: int) -> None:
    opened(browser, pages, name, width)
    browser.execute_script("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_a_screen_reader_gets_names_and_a_table(browser: Any, pages: Path) -> None:
    opened(browser, pages, "ed")
    drawings = browser.find_elements(By.CSS_SELECTOR, "svg[role=img]")
    assert len(drawings) == 5
    assert any("saline-1" in it.accessible_name and "hydration" in it.accessible_name for it in drawings)
    table = browser.find_element(By.XPATH, "//details[summary[text()='Timeline as a table']]//table")
    assert "96361" in table.get_attribute("textContent")


def test_thresholds_are_drawn_on_the_bars_and_told(browser: Any, pages: Path) -> None:
    opened(browser, pages, "chemo")
    row = next(it for it in browser.find_elements(By.CSS_SELECTOR, ".row") if "paclitaxel" in it.text)
    limits = row.find_elements(By.CSS_SELECTOR, ".limit")
    titles = [it.find_element(By.TAG_NAME, "title").get_attribute("textContent") for it in limits]
    assert [it.split(": ")[1] for it in titles] == ["Minute 16", "Minute 91", "Minute 151"]
    bar = row.find_element(By.CSS_SELECTOR, ".bar").rect
    places = [it.find_element(By.CSS_SELECTOR, ".edge").rect for it in limits]
    assert all(bar["x"] < it["x"] < bar["x"] + bar["width"] and it["height"] > bar["height"] for it in places)
    for limit, title in zip(limits, titles, strict=True):  # what the pointer meets there tells the threshold
        edge = limit.find_element(By.CSS_SELECTOR, ".edge").rect
        browser.execute_script("scrollTo(0, 0)")
        script = (
            "return document.elementFromPoint(arguments[0], arguments[1]).parentNode.querySelector('title').textContent"
        )
        assert browser.execute_script(script, edge["x"] + 3, edge["y"] + edge["height"] / 2) == title
    told = row.find_element(By.TAG_NAME, "desc").get_attribute("textContent")
    assert all(title.partition(": ")[2] in told for title in titles)


def test_on_paper_every_proof_is_open(browser: Any, pages: Path) -> None:
    opened(browser, pages, "ed")
    folded = "return document.querySelectorAll('.line:not([open]), .step:not([open])').length"
    assert browser.execute_script(folded) > 0
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(folded) == 0
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(folded) > 0
