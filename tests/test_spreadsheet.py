"""CSV for a spreadsheet: no text of a chart becomes a formula, and what is read back is what was written."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from command import chart, given_iv, run, write_lines
from hypothesis import given
from hypothesis import strategies as st

from ivproof.formats.spreadsheet import as_written, guarded, table

EVIL = '=HYPERLINK("x")'


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"])), min_size=1))
def test_what_is_read_back_is_what_was_written(row: list[str]) -> None:
    [read] = csv.reader(io.StringIO(table([row]), newline=""))
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in read)
    assert [as_written(cell) for cell in read] == row


@pytest.mark.parametrize("text", ["=1", "'=1", "''@x", "'quoted'", "-"])
def test_an_apostrophe_of_its_own_is_kept(text: str) -> None:
    assert as_written(guarded(text)) == text


def test_no_csv_of_the_command_line_has_a_formula(tmp_path: Path) -> None:
    bag = given_iv("bag", "ceftriaxone", "09:00", "09:40")
    push = given_iv("push", "Zofran", "09:10", None, method="push")
    fluid = given_iv("fluid", "normal saline", "10:00", None, purpose="hydration")
    file = write_lines(tmp_path / "visit.jsonl", chart(EVIL, bag, push, fluid, billed=[{"code": "96366"}]))
    for arguments in (
        ("audit", "--format", "csv"),
        ("audit", "--summary", "--format", "csv"),
        ("readings", "--summary", "--format", "csv"),
        ("missing", "--summary", "--format", "csv"),
    ):
        command, *rest = arguments
        rows = list(csv.reader(io.StringIO(run(command, file, *rest).stdout, newline="")))
        cells = [cell for row in rows for cell in row]
        assert f"'{EVIL}" in cells, arguments
        assert EVIL not in cells
