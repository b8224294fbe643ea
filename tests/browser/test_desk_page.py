"""The desk in a real browser: a coder's way by the keyboard alone, from charts with missing stops to their claims."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from chromium import EXAMPLES, NEEDED, started, violations
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytest.importorskip("fastapi", reason="FastAPI is not installed (pip install -e '.[dev]')")

pytestmark = NEEDED

MISSING = {
    "a": '{id: vancomycin-1, drug: vancomycin, route: IV, method: infusion, site: left-arm, start: "14:00"}',
    "b": '{id: saline-1, drug: normal saline, route: IV, method: infusion, site: left-arm, start: "09:00"}',
    "c": '{id: ceftriaxone-1, drug: Rocephin, route: IV, method: infusion, site: left-arm, start: "10:00"}',
}
"""Three charts, each without its stop."""

STOPS = {"a": "15:31", "b": "11:31", "c": "10:20"}
CLAIMS = {"a": "96365 ×1; 96366 ×1", "b": "96360 ×1; 96361 ×2", "c": "96365 ×1"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("charts")
    for name, given in MISSING.items():
        text = (
            f'id: VISIT-{name}\nplace_of_service: "22"\ndate: 2021-01-12\ndiagnoses: [E86.0]\n'
            f"access_sites: [{{id: left-arm}}]\nadministrations:\n  - {given}\n"
        )
        folder.joinpath(f"{name}.yaml").write_text(text, "utf-8")
    shutil.copy(EXAMPLES / "08-overnight-observation.yaml", folder / "d.yaml")
    shutil.copy(EXAMPLES / "01-ed-dehydration.yaml", folder / "e.yaml")
    command = [sys.executable, "-m", "ivproof", "serve", "--port", "0", str(folder)]
    environment = {**os.environ, "IVPROOF_TOKEN": ""}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        yield process.stderr.readline().partition("listening on ")[2].partition(" ")[0]
        process.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from started("127.0.0.1")


def until(true: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while True:
        try:
            if found := true():
                return found
        except Exception:
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, "it did not come to be so"
        time.sleep(0.05)


def tab_to(browser: Any, selector: str, key: str = Keys.TAB) -> Any:
    """Go on by the keyboard until what is wanted has the focus, and its focus is seen."""
    for _ in range(80):
        browser.switch_to.active_element.send_keys(key)
        if browser.execute_script("return document.activeElement.matches(arguments[0])", selector):
            return browser.switch_to.active_element
    pytest.fail(f"{selector} cannot be reached by the keyboard")


def wide(browser: Any, width: int, height: int = 900) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def now(browser: Any) -> str:
    """The claim beside the chart, in one line."""
    lines = browser.find_elements(By.CSS_SELECTOR, "#now .brief tr")
    return "; ".join(" ".join(it.text.split()[:2]) for it in lines)


def answer_and_go_on(browser: Any, name: str, stop: str) -> None:
    """Answer the question of a chart, see its claim, and go on to the next; all by the keyboard."""
    until(lambda: browser.find_element(By.TAG_NAME, "h1").text == f"VISIT-{name}")
    until(lambda: browser.find_element(By.ID, "now").text.strip() not in {"", "…"})
    # what is not documented is asked for
    until(lambda: "can change the claim" in browser.find_element(By.CSS_SELECTOR, "#visit .ask").text)
    field = tab_to(browser, "input[data-field=stop]")
    assert field.accessible_name.startswith("Stop of ")
    field.send_keys(stop)
    until(lambda: now(browser) == CLAIMS[name])
    assert "As charted" in browser.find_element(By.ID, "now").text
    if name == "a":
        # a minute less is another claim, and the margin says so
        until(lambda: "one less (stop 15:30) loses 96366" in browser.find_element(By.ID, "margins").text)
        field.send_keys(Keys.ARROW_DOWN)
        assert field.get_attribute("value") == "15:30"
        until(lambda: now(browser) == "96365 ×1")
        field.send_keys(Keys.ARROW_UP)
        until(lambda: now(browser) == CLAIMS["a"])
    tab_to(browser, "button.main").send_keys(Keys.ENTER)


def answered(browser: Any, address: str, name: str) -> None:
    """Open a chart with its stop, which a test before this one in the same process may have put there."""
    page = f"{address}chart/{list(STOPS).index(name) + 1}"
    browser.get(page)
    until(lambda: now(browser))
    if now(browser) != CLAIMS[name]:
        field = browser.find_element(By.CSS_SELECTOR, "input[data-field=stop]")
        field.send_keys(Keys.CONTROL + "a")  # a bar may have been dragged: what stands there is written over
        field.send_keys(STOPS[name])
        until(lambda: now(browser) == CLAIMS[name])
        browser.get(page)  # as it is found by who comes back: nothing is under way
    until(lambda: now(browser) == CLAIMS[name])


def test_a_coder_needs_no_mouse(browser: Any, address: str) -> None:
    wide(browser, 1280)
    browser.get(address)
    assert browser.find_element(By.TAG_NAME, "h1").text == "Charts"
    until(lambda: "being worked out" not in browser.find_element(By.CSS_SELECTOR, ".counts").text)
    first = tab_to(browser, "table.queue a")
    assert first.text == "VISIT-a"
    style = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(style) == "solid"
    first.send_keys(Keys.ARROW_DOWN)
    assert browser.switch_to.active_element.text == "VISIT-b"
    browser.switch_to.active_element.send_keys(Keys.ARROW_UP)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    for name, stop in STOPS.items():
        answer_and_go_on(browser, name, stop)
    until(lambda: browser.find_element(By.TAG_NAME, "h1").text == "OBS-90")
    assert browser.title == "Chart 4 · ivproof"
    tab_to(browser, ".top a").send_keys(Keys.ENTER)
    until(lambda: "3 done" in browser.find_element(By.CSS_SELECTOR, ".counts").text)
    tab_to(browser, "input[name=done]").send_keys(Keys.SPACE)
    # the file is fetched as the button would, so that nothing is left in a folder for downloads
    text = browser.execute_async_script(
        "const told = arguments[0], form = document.querySelector('form.out'), sent = new FormData(form);"
        "sent.append('what', 'claims.csv');"
        "fetch(form.action, {method: 'POST', body: new URLSearchParams(sent)}).then((it) => it.text()).then(told);"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    found: dict[str, list[str]] = {}
    for it in rows:
        found.setdefault(it["encounter"].removeprefix("VISIT-"), []).append(f"{it['code']} ×{it['units']}")
    assert {name: "; ".join(lines) for name, lines in found.items()} == CLAIMS


def test_a_line_is_proved_and_the_end_of_a_bar_is_dragged(browser: Any, address: str) -> None:
    wide(browser, 1280)
    answered(browser, address, "a")
    line = until(lambda: browser.find_element(By.CSS_SELECTOR, "#visit .line summary"))
    line.send_keys(Keys.ENTER)
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#visit .row.lit[data-key=a1]"))
    assert "91 minutes; 16 or more needed" in line.find_element(By.XPATH, "..").text
    # what comes last moves all that is below it, and the bar with it
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#margins > :not(.hint)"))
    bar = browser.find_element(By.CSS_SELECTOR, '.row[data-key="a1"] rect.bar')
    browser.execute_script(
        "arguments[0].scrollIntoView({block: 'center'});"
        "const visit = document.getElementById('visit');"
        "new MutationObserver(() => { if (visit.ariaBusy === 'true') window.wasBusy = true; })"
        ".observe(visit, {attributes: true})",
        bar,
    )
    where = partial(
        browser.execute_script,
        "const it = arguments[0].getBoundingClientRect(); return [it.right, it.top + it.height / 2]",
        bar,
    )
    until(lambda: where() == where())
    right, middle = where()
    field = browser.find_element(By.CSS_SELECTOR, "input[data-field=stop]")
    for kind, x in (("mousePressed", right - 1), ("mouseMoved", right - 40), ("mouseReleased", right - 40)):
        of = {"type": kind, "x": x, "y": middle, "button": "left", "buttons": 1, "clickCount": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", of)
    until(lambda: "14:30" < field.get_attribute("value") < "15:31")
    assert browser.execute_script("return window.wasBusy"), "what stands below was not marked as old"
    until(lambda: now(browser) == "96365 ×1")
    assert browser.find_element(By.CSS_SELECTOR, '.row[data-key="a1"]').get_attribute("open") is None


def test_a_reading_is_settled_by_the_keyboard(browser: Any, address: str) -> None:
    wide(browser, 1280)
    browser.get(f"{address}chart/5")
    fold = "details.ask-further:has([hx-post$='/readings'])"
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#margins > :not(.hint)"))
    before = now(browser)
    browser.find_element(By.CSS_SELECTOR, f"{fold} summary").send_keys(Keys.ENTER)
    until(lambda: browser.find_elements(By.CSS_SELECTOR, f"{fold} .settle"))
    button = tab_to(browser, f"{fold} .settle")
    assert button.accessible_name.startswith("Read so here: A")
    button.send_keys(Keys.ENTER)
    until(lambda: "You settled: A" in browser.find_element(By.ID, "now").text)
    # the panel stays open, and the focus is there
    until(lambda: "Settled by you" in browser.find_element(By.CSS_SELECTOR, fold).text)
    assert browser.execute_script("return document.activeElement.matches(arguments[0])", f"{fold} summary")
    back = tab_to(browser, f"{fold} .settle")
    assert back.text == "Take back"
    back.send_keys(Keys.ENTER)
    until(lambda: "You settled" not in browser.find_element(By.ID, "now").text and now(browser) == before)


def test_rows_are_added_and_what_is_wrong_is_marked(browser: Any, address: str) -> None:
    answered(browser, address, "c")
    tab_to(browser, "input[data-field=stop]").send_keys(Keys.ENTER)
    drug = browser.switch_to.active_element
    assert drug.get_attribute("data-field") == "drug" and not drug.get_attribute("value")
    drug.send_keys("Zofran")
    until(lambda: "96375 ×1" in now(browser) or "Zofran" in browser.find_element(By.ID, "now").text)
    start = tab_to(browser, "input[data-field=start]")
    start.send_keys("10:99")
    until(lambda: start.get_attribute("aria-invalid") == "true")
    told = browser.find_element(By.ID, start.get_attribute("aria-describedby")).text
    assert "administrations[1].start" in told and "10:99" in told
    row = browser.find_elements(By.CSS_SELECTOR, "#rows-given tbody tr")[1]
    row.find_element(By.CSS_SELECTOR, ".remove-row").send_keys(Keys.ENTER)
    until(lambda: now(browser) == CLAIMS["c"])


@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_and_asks_nobody_else(browser: Any, address: str, width: int) -> None:
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    wide(browser, width)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if width == 320 else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    for path in ("", "chart/4"):
        browser.get(f"{address}{path}")
        wanted = "#visit .row" if path else "table.queue"
        until(partial(browser.find_elements, By.CSS_SELECTOR, wanted))
        browser.execute_script(
            "document.querySelectorAll('details:not(.ask-further)').forEach((it) => { it.open = true; })"
        )
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        assert violations(browser) == []
    assert browser.get_log("browser") == []
    messages = (json.loads(it["message"])["message"] for it in browser.get_log("performance"))
    asked = [it["params"]["request"]["url"] for it in messages if it["method"] == "Network.requestWillBeSent"]
    assert asked and all(it.startswith((address, "data:")) for it in asked), asked


def test_every_field_and_button_has_a_name(browser: Any, address: str) -> None:
    answered(browser, address, "a")
    for path in ("", "chart/1"):
        browser.get(f"{address}{path}")
        wanted = "#margins li" if path else "table.queue"
        until(partial(browser.find_elements, By.CSS_SELECTOR, wanted))
        every = browser.find_elements(By.CSS_SELECTOR, "input:not([type=hidden]), select, textarea, button, a[href]")
        fields = [it for it in every if it.is_displayed()]
        assert len(fields) > 5
        for it in fields:
            assert it.accessible_name, it.get_attribute("outerHTML")
        ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map((it) => it.id)")
        assert len(ids) == len(set(ids))
        assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1
        assert browser.execute_script("return document.documentElement.lang") == "en"
