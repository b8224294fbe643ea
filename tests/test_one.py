"""One encounter of a file, as every command picks it that looks at a single visit."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import chart, run, write_lines

BROKEN = {"id": "BROKEN", "place_of_service": "22"}


def arguments(command: str, file: Path) -> list[str | Path]:
    further: dict[str, list[str | Path]] = {
        "explain": [],
        "why": ["96365"],
        "report": ["-o", file.with_suffix(".html"), "--no-least-change"],
    }
    return [command, file, *further[command]]


COMMANDS = pytest.mark.parametrize("command", ["explain", "why", "report"])


@COMMANDS
def test_a_file_with_a_broken_chart_is_refused_until_one_is_named(tmp_path: Path, command: str) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("E-1"), BROKEN)
    result = run(*arguments(command, file))
    assert result.exit_code == 1
    assert "date" in result.stderr
    result = run(*arguments(command, file), "--encounter", "E-1")
    assert result.exit_code == 0, result.stderr


@COMMANDS
def test_of_two_encounters_none_is_guessed(tmp_path: Path, command: str) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("E-1"), chart("E-2"))
    result = run(*arguments(command, file))
    assert result.exit_code == 2
    assert "E-1, E-2" in result.stderr


@COMMANDS
def test_an_encounter_that_is_not_there_is_told(tmp_path: Path, command: str) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("E-1"), chart("E-1"))
    assert "no encounter" in run(*arguments(command, file), "--encounter", "E-9").stderr
    assert "more than one encounter" in run(*arguments(command, file), "--encounter", "E-1").stderr


@COMMANDS
def test_a_file_without_a_chart_is_told(tmp_path: Path, command: str) -> None:
    file = tmp_path / "visits.json"
    file.write_text("[]", "utf-8")
    result = run(*arguments(command, file))
    assert result.exit_code in {1, 2}
    assert str(file) in result.stderr


@COMMANDS
def test_a_table_is_no_visit(tmp_path: Path, command: str) -> None:
    file = tmp_path / "encounters.csv"
    file.write_text("id,place_of_service,date\nE-1,22,2021-03-01\n", "utf-8")
    result = run(*arguments(command, file))
    assert result.exit_code == 2 and "one visit" in result.stderr
