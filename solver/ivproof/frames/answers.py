"""A determination as rows of tables: the answers themselves, their lines, what was left out, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ivproof.chart.encounter import Encounter
from ivproof.claim.batch import as_line
from ivproof.claim.determination import Determination
from ivproof.formats.spreadsheet import table

_TEXT, _TEXTS = "string", "list<string>"

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "determinations": {"encounter": _TEXT, "status": _TEXT, "policy_digest": _TEXT, "json": _TEXT},
    "lines": {
        "encounter": _TEXT,
        "line": "int64",
        "code": _TEXT,
        "units": "int64",
        "modifiers": _TEXTS,
        "role": _TEXT,
        "site": _TEXT,
        "date": "date32[day]",
        "administrations": _TEXTS,
        "rules": _TEXTS,
    },
    "drug_lines": {
        "encounter": _TEXT,
        "line": "int64",
        "code": _TEXT,
        "units": "double",
        "modifiers": _TEXTS,
        "date": "date32[day]",
        "administrations": _TEXTS,
    },
    "excluded": {"encounter": _TEXT, "subject": _TEXT, "code": _TEXT, "reason": _TEXT, "rules": _TEXTS, "name": _TEXT},
    "missing": {
        "encounter": _TEXT,
        "fact": _TEXT,
        "would_change": "bool",
        "searched": _TEXT,
        "message": _TEXT,
        "rules": _TEXTS,
    },
    "refused": {
        "table": _TEXT,
        "row": "int64",
        "column": _TEXT,
        "encounter": _TEXT,
        "found": _TEXT,
        "expected": _TEXT,
        "message": _TEXT,
    },
}
"""The tables that come out, and the Arrow type of each column."""

Row = dict[str, Any]


def rows_of(encounter: Encounter, found: Determination) -> dict[str, list[Row]]:
    """Give the rows of every table that say what follows for an encounter; lines are numbered from 1."""
    name = found.encounter
    return {
        "determinations": [determination_row(encounter, found)],
        "lines": [{"encounter": name, "line": n, **it.as_dict()} for n, it in enumerate(found.claim, start=1)],
        "drug_lines": [_drug_line(name, n, it.as_dict()) for n, it in enumerate(found.drug_lines, start=1)],
        "excluded": [{"encounter": name, **it.as_dict()} for it in found.excluded],
        "missing": [
            {"encounter": name, **{key: it.as_dict().get(key) for key in COLUMNS["missing"] if key != "encounter"}}
            for it in found.missing
        ],
    }


def _drug_line(name: str, number: int, line: Row) -> Row:
    return {"encounter": name, "line": number, **{key: it for key, it in line.items() if key != "administration"}}


def determination_row(encounter: Encounter, found: Determination) -> Row:
    """Give an answer as a row: what most ask for, and under `json` all of it, as ``--format json`` writes it."""
    return {
        "encounter": found.encounter,
        "status": found.status,
        "policy_digest": found.policy["digest"],
        "json": as_line(encounter, found).decode().rstrip("\n"),
    }


# --- Claims as CSV

CLAIM_COLUMNS = ("encounter", "status", *(it for it in COLUMNS["lines"] if it != "encounter"))
"""The columns of claims as CSV: those of the lines, and the status of the answer that they stand in."""

DRUG = "drug"
"""The role of a line for a drug itself, in claims as CSV."""


def claim_header() -> bytes:
    """Give the row with the names of the columns."""
    return table([CLAIM_COLUMNS]).encode()


def claim_rows(_: Encounter, found: Determination) -> bytes:
    """Give a claim as rows of CSV: its lines, then those for drugs; one without a line has a row all the same."""
    lines = [it.as_dict() for it in found.claim] + [{**it.as_dict(), "role": DRUG} for it in found.drug_lines]
    return table(
        [found.encounter, found.status, *_cells(n, it)] for n, it in enumerate(lines or [{}], start=1 if lines else 0)
    ).encode()


def _cells(number: int, line: Row) -> Iterable[object]:
    for column in CLAIM_COLUMNS[2:]:
        value: object = (number or "") if column == "line" else line.get(column)
        if isinstance(value, list):
            value = (" " if column == "modifiers" else ", ").join(value)
        yield "" if value is None else value
