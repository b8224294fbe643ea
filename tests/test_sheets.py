"""Worksheets: the rows of the CSV, with text as text and units as numbers, and never a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

from command import chart, given_iv, run, write_lines

NAMES = {"": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def cells(path: Path) -> list[list[tuple[str, str]]]:
    """The cells of the first worksheet, row by row: the type that the file gives each (s: text), and its value."""
    with zipfile.ZipFile(path) as book:
        texts = ElementTree.fromstring(book.read("xl/sharedStrings.xml")).findall("si", NAMES)
        sheet = book.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    shared = ["".join(part.text or "" for part in it.iter() if part.tag.endswith("}t")) for it in texts]
    rows = []
    for row in ElementTree.fromstring(sheet).iter(f"{{{NAMES['']}}}row"):
        found: list[tuple[str, str]] = []
        for cell in row.findall("c", NAMES):
            column = (
                sum((ord(it) - 64) * 26**n for n, it in enumerate(reversed(re.sub(r"\d", "", cell.attrib["r"])))) - 1
            )
            found += [("", "")] * (column - len(found))
            value = cell.findtext("v", "", NAMES)
            kind = cell.attrib.get("t", "n")
            found.append((kind, shared[int(value)] if kind == "s" else value))
        rows.append(found)
    return rows


def of_csv(text: str) -> list[list[str]]:
    return [list(row) for row in csv.reader(io.StringIO(text, newline=""))]


BILLED = [{"code": "96365", "units": 2}, {"code": "96375"}]


def test_a_worksheet_has_the_rows_of_the_csv(tmp_path: Path) -> None:
    hostile = chart("=1+1", given_iv("+a", "ceftriaxone", "09:00", "10:31", billing_units=4), billed=BILLED)
    lines = write_lines(tmp_path / "c.jsonl", hostile, chart("none", billed=BILLED[:1]))
    for command in ("code", "audit"):
        path = tmp_path / f"{command}.xlsx"
        assert run(command, lines, "-o", path).exit_code == 0
        first = path.read_bytes()
        assert run(command, lines, "-o", path).exit_code == 0
        assert path.read_bytes() == first, "the same bytes"
        expected = of_csv(run(command, lines, "--format", "csv").stdout)
        found = cells(path)
        width = len(expected[0])
        told = [[text for _, text in row] + [""] * (width - len(row)) for row in found]
        plain = [[it[1:] if it.startswith(("'=", "'+")) else it for it in row] for row in expected]
        numbers = {
            n for n, name in enumerate(expected[0]) if name.endswith(("units", "units_over", "units_under", "amount"))
        }
        for row, other in zip(told, plain, strict=True):
            assert [float(it) if n in numbers and _is_number(it) else it for n, it in enumerate(row)] == [
                float(it) if n in numbers and _is_number(it) else it for n, it in enumerate(other)
            ]
        kinds = {expected[0][n]: row[n][0] for row in found[1:2] for n in range(len(row)) if row[n][1]}
        assert kinds["encounter"] == "s" and kinds["code" if command == "code" else "billed_code"] == "s"
        assert kinds["units" if command == "code" else "billed_units"] == "n"
        assert not list(tmp_path.glob("*incomplete*"))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def test_a_worksheet_is_of_lines_only(tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "c.jsonl", chart("A", billed=BILLED))
    path = tmp_path / "a.xlsx"
    for arguments in (
        ("audit", lines, "-o", path, "--summary"),
        ("audit", lines, "-o", path, "--resume"),
        ("audit", lines, "-o", path, "--format", "json"),
        ("code", lines, "-o", path, "--format", "json"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2 and not path.exists()
