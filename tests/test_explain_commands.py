"""``ivproof why``, ``whynot`` and ``explain`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivproof.cli import app

CHART = """
id: {id}
place_of_service: "22"
date: 2020-10-05
diagnoses: [E86.0]
access_sites: [{{id: arm}}]
administrations:
  - {{id: x, drug: ceftriaxone, route: IV, site: arm, start: "09:00", stop: "09:15"}}
"""


@pytest.fixture
def chart(tmp_path: Path) -> str:
    path = tmp_path / "visit.yaml"
    path.write_text(CHART.format(id="A"), "utf-8")
    return str(path)


def run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, list(arguments))
    return found.exit_code, found.stdout, found.stderr


def test_why_names_rule_and_threshold(chart: str) -> None:
    status, text, _ = run("why", chart, "96374")
    assert status == 0
    assert "initial-push" in text
    assert "ceftriaxone" in text


def test_whynot_names_what_is_short_and_the_least_change(chart: str) -> None:
    status, text, _ = run("whynot", chart, "96365", "--for", "x")
    assert status == 0
    assert "15 minutes" in text
    assert "09:16" in text


def test_whynot_asks_for_no_second_run_of_what_has_no_stop(tmp_path: Path) -> None:
    """A further hour lacks a stop; that no two runs of it overlap is not what keeps it from one."""
    text = CHART.format(id="A").replace("ceftriaxone", "docetaxel").replace("09:15", "10:30")
    path = tmp_path / "visit.yaml"
    path.write_text(text + '  - {id: y, drug: carboplatin, route: IV, method: infusion, site: arm, start: "10:35"}\n')
    status, told, _ = run("whynot", str(path), "96415")
    assert status == 0
    assert "y ran long enough for an infusion" in told
    assert "another one than" not in told


def test_explain_has_the_claim(chart: str) -> None:
    status, text, _ = run("explain", chart)
    assert status == 0
    assert "96374" in text


def test_json_is_plain_data(chart: str) -> None:
    _, text, _ = run("explain", chart, "--format", "json")
    assert json.loads(text)["versions"][0]["claim"][0]["code"] == "96374"


@pytest.mark.parametrize(("form", "beginning"), [("dot", "digraph"), ("mermaid", "flowchart"), ("graphml", "<")])
def test_the_derivation_as_a_graph(chart: str, form: str, beginning: str) -> None:
    status, text, _ = run("why", chart, "96374", "--format", form)
    assert status == 0
    assert text.startswith(beginning)


def test_a_wrong_code_or_administration_is_a_wrong_command(chart: str) -> None:
    status, _, said = run("why", chart, "12345")
    assert status == 2
    assert "12345" in said
    assert run("whynot", chart, "96365", "--for", "nobody")[0] == 2


def test_of_several_encounters_one_is_picked(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    both = [CHART.format(id=name).strip().replace("\n", "\n  ") for name in ("A", "B")]
    path.write_text("".join(f"- {text}\n" for text in both), "utf-8")
    status, _, said = run("explain", str(path))
    assert status == 2
    assert "--encounter" in said
    assert run("explain", str(path), "--encounter", "B")[0] == 0
