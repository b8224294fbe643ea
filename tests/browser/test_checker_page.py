"""The checker in a real browser, opened from a disk with no network: it starts, accepts, rejects, and asks nobody."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import EXAMPLES, NEEDED, opened, started, violations
from command import run
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

PYODIDE = os.environ.get("IVPROOF_PYODIDE", "")
pytestmark = [
    NEEDED,
    pytest.mark.skipif(
        not Path(PYODIDE or "/nowhere").exists(),
        reason="Pyodide is not at hand (npm pack pyodide; IVPROOF_PYODIDE=pyodide-314.0.7.tgz)",
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from started()


def test_it_says_what_the_command_says_and_asks_nobody(browser: Any, tmp_path: Path) -> None:
    assert run("checker", "-o", tmp_path / "page", "--pyodide", Path(PYODIDE)).exit_code == 0
    proof, changed = tmp_path / "proof.json", tmp_path / "changed.json"
    assert run("prove", EXAMPLES / "12-won-dispute.yaml", "-o", proof).exit_code == 0
    changed.write_text(proof.read_text("utf-8").replace('"incompatible"', '"condition"'), "utf-8")
    about = json.loads(proof.read_text("utf-8"))["chart"]["content"]
    chart, other = tmp_path / "chart.json", tmp_path / "other.json"
    chart.write_text(json.dumps(about), "utf-8")
    other.write_text(json.dumps({**about, "date": "2022-05-18"}), "utf-8")
    opened(browser, tmp_path / "page", "index")
    wait = WebDriverWait(browser, 180)
    wait.until(lambda it: it.execute_script("return document.body.dataset.ready || document.body.dataset.failed"))
    state = browser.find_element(By.ID, "state").text
    assert state == "Ready.", (state, browser.get_log("browser"))
    assert violations(browser) == []
    yaml = EXAMPLES / "12-won-dispute.yaml"
    steps = (("proof", proof, "Accepted"), ("chart", yaml, "Accepted"), ("chart", other, "Rejected"))
    for name, file, word in (*steps, ("chart", chart, "Accepted"), ("proof", changed, "Rejected")):
        browser.execute_script("document.getElementById('state').textContent = ''")
        browser.find_element(By.ID, name).send_keys(str(file))
        wait.until(expected_conditions.text_to_be_present_in_element((By.ID, "state"), "Checked"))
        assert browser.find_element(By.ID, "verdict").text == word, browser.find_element(By.ID, "told").text
        assert violations(browser) == []
        if file == proof:
            assert browser.find_element(By.ID, "told").text.split() == run("check", proof).stdout.split()
    asked = [json.loads(it["message"])["message"] for it in browser.get_log("performance")]
    urls = [it["params"]["request"]["url"] for it in asked if it["method"] == "Network.requestWillBeSent"]
    assert urls and all(it.startswith(("file:", "blob:", "data:")) for it in urls), urls
