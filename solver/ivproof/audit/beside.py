"""Tables beside an audit of many: what a unit of a code is worth, and who coded what where.

Both are CSV with a first row of names. A table that cannot be used is refused as a whole, with the line, what was found
and what was expected.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ivproof.audit.claims import CODE, ENCOUNTER
from ivproof.chart.fields import compare_key
from ivproof.formats.plain_file import FileError, read_text

PRICE = ("price", "amount", "rate", "fee", "allowed", "payment")
"""Names that the column of dollars may have, the likeliest first."""


_CODE = re.compile(r"[0-9A-Z]{5}")
_DOLLARS = re.compile(r"\$?(\d{1,9}(\.\d{0,4})?|\.\d{1,4})")


class BesideError(ValueError):
    """A table that cannot be used."""


@dataclass(frozen=True)
class Prices:
    """Dollars a unit, by code."""

    by_code: Mapping[str, Decimal]

    @staticmethod
    def read(path: Path) -> Prices:
        """Read a table with a column of codes and one of dollars a unit. Raises TableError."""
        found: dict[str, Decimal] = {}
        for place, row in _rows(path):
            code, text = _cell(place, row, CODE, "codes"), _cell(place, row, PRICE, "prices").replace(",", "")
            if not _CODE.fullmatch(code):
                raise BesideError(f"{place}: found the code {code!r}, expected five letters and digits")
            if not _DOLLARS.fullmatch(text):
                raise BesideError(f"{place}: found the price {text!r}, expected dollars such as 74.50, 0 or more")
            if code in found:
                raise BesideError(f"{place}: found {code} a second time, expected each code once")
            found[code] = Decimal(text.removeprefix("$"))
        return Prices(found)

    def of(self, units: Mapping[str, float]) -> float:
        """The dollars of units by code; a code without a price counts nothing."""
        return sum(float(self.by_code.get(code, 0)) * count for code, count in units.items())


@dataclass(frozen=True)
class Groups:
    """Who coded a claim, in which unit, and the like: by encounter, for each column its word."""

    columns: tuple[str, ...]
    by_encounter: Mapping[str, Mapping[str, str]]

    @staticmethod
    def read(path: Path) -> Groups:
        """Read a table with a column of encounters and one for each way to group. Raises TableError."""
        found: dict[str, Mapping[str, str]] = {}
        columns: tuple[str, ...] = ()
        for place, row in _rows(path):
            name = _cell(place, row, ENCOUNTER, "encounters")
            own = next(it for it in ENCOUNTER if it in row)
            columns = tuple(it for it in row if it and it != own)
            if not columns:
                raise BesideError(f"{place}: found no column but the encounter, expected one such as coder or unit")
            if compare_key(name) in found:
                raise BesideError(f"{place}: found {name} a second time, expected each encounter once")
            found[compare_key(name)] = {column: row[column] for column in columns}
        return Groups(columns, found)

    def of(self, encounter: str) -> Mapping[str, str]:
        """The words of an encounter; empty ones where the table does not have it."""
        return self.by_encounter.get(compare_key(encounter), dict.fromkeys(self.columns, ""))


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        text = read_text(path)
    except OSError as error:
        raise BesideError(f"{path}: {error.strerror or error}") from None
    except FileError as error:
        raise BesideError(f"{path}: {error}") from None
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=max(",;\t", key=head.count))
    names = [re.sub(r"[^a-z0-9]+", "_", it.strip().lower()).strip("_") for it in next(rows, [])]
    twice = next((it for n, it in enumerate(names) if it and it in names[:n]), None)
    if twice is not None:
        raise BesideError(f"{path}:1: found the column {twice} a second time, expected each column once")
    none = True
    for cells in rows:
        if any(it.strip() for it in cells):
            if len(cells) > len(names):
                raise BesideError(f"{path}:{rows.line_num}: found {len(cells)} cells, expected {len(names)}")
            whole = [it.strip() for it in cells] + [""] * (len(names) - len(cells))
            none = False
            yield f"{path}:{rows.line_num}", dict(zip(names, whole, strict=True))
    if none:
        raise BesideError(f"{path}: found no row, expected a first row of names and rows below it")


def _cell(place: str, row: Mapping[str, str], known: tuple[str, ...], what: str) -> str:
    name = next((it for it in known if it in row), None)
    if name is None:
        raise BesideError(f"{place}: found no column of {what}, expected one of {', '.join(known)}")
    if not row[name]:
        raise BesideError(f"{place}: found nothing under {name}, expected it in every row")
    return row[name]
