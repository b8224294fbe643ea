"""``ivproof readings`` over files: what is refused, what fails, and that the rest is answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import chart, run, write_lines

from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder


def names(output: str) -> list[str]:
    return [json.loads(line)["encounter"] for line in output.splitlines()]


def test_an_id_that_comes_twice_is_refused_as_by_code(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("A"), chart("A"), chart("B"))
    for command in ("readings", "code"):
        result = run(command, file, "--format", "json")
        assert result.exit_code == 1
        assert names(result.stdout) == ["A", "B"]
        assert f"{file}:2" in result.stderr


def test_of_a_chart_that_fails_nothing_is_told_but_where_and_the_rest_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Coder.facts

    def fail(coder: Coder, encounter: Encounter, *more: Any) -> Any:
        if encounter.id == "A":
            raise KeyError("Mrs Miller")
        return facts(coder, encounter, *more)

    monkeypatch.setattr(Coder, "facts", fail)
    file = write_lines(tmp_path / "visits.jsonl", chart("A"), chart("B"))
    result = run("readings", file, "--format", "json")
    assert result.exit_code == 4
    assert names(result.stdout) == ["B"]
    assert f"{file}:1: A: internal error: KeyError" in result.stderr
    assert "Miller" not in result.stderr


def test_an_encounter_is_found_however_its_id_is_spaced(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart(" A "), chart("B"))
    assert names(run("readings", file, "--encounter", "A", "--format", "json").stdout) == [" A "]
    assert run("readings", file, "--encounter", "C").exit_code == 2


@pytest.mark.parametrize("arguments", [("readings", "--encounter", "A"), ("missing", "--encounter", "A")])
def test_a_summary_is_of_all_charts(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("A"))
    command, *rest = arguments
    result = run(command, file, "--summary", *rest)
    assert result.exit_code == 2
    assert "--summary" in result.stderr


def test_why_a_question_does_not_decide_is_told_with_names_of_the_chart(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visit.jsonl", chart("A"))
    shown = " ".join(run("readings", file, "--why", "same_drug_again").stdout.split())
    assert "it would take another one than bag" in shown
    assert "a1" not in shown
