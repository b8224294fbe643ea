"""Reads claim-edit files in the column layouts that CMS publishes.

In: a `.csv` file, or a tab-separated `.txt`, of the NCCI procedure-to-procedure (PTP), medically unlikely
(MUE) or add-on code edits, with the copyright lines and the header that CMS puts above the rows. Out: rows
with checked codes and with dates as numbers (20240701). What cannot be read raises `EditFileError`, which
names the file, the line, what was found and what was expected; no row is skipped silently.

Source: CMS, Medicare NCCI edit files (PTP, MUE, add-on code), as published each quarter.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

ALWAYS, NEVER = 0, 99_999_999
"""The dates of a row without a beginning and of a row without an end."""

_CODE = re.compile(r"[0-9A-Z]{5}")
_MODIFIER = re.compile(r"[0-9A-Z]{2}")
_NUMBER = re.compile(r"[0-9]{1,7}")
_HEADER_WITHIN = 60  # CMS puts some ten lines of copyright above the header


class EditFileError(ValueError):
    """A file of edits that cannot be read: `file`, `line` (0: the file as a whole), `found`, `expected`."""

    def __init__(self, file: Path, line: int, found: str, expected: str) -> None:
        """Say what is wrong where; the message is one line."""
        self.file, self.line, self.found, self.expected = file, line, found, expected
        place = f"{file}, line {line}" if line else str(file)
        super().__init__(f"{place}: found {found}; expected {expected}")


class InForce(NamedTuple):
    """From which day to which a row holds, both included, as numbers like 20240701."""

    first: int
    last: int

    def on(self, day: int) -> bool:
        """Tell whether the row holds on the day."""
        return self.first <= day <= self.last


class Pair(NamedTuple):
    """Two codes that exclude each other; indicator 0 never together, 1 with a modifier, 9 not in use."""

    column_1: str
    column_2: str
    indicator: int
    dates: InForce


OF_PAYER = 4
"""Stands for an adjudication indicator of CMS where a limit is a payer's own, of which no file of CMS says anything."""


class Limit(NamedTuple):
    """The units of a code that are expected at most, and how that is judged: 1 by line, 2 to 4 by date."""

    code: str
    units: int
    indicator: int


class AddOn(NamedTuple):
    """A code and one that it may be added to; `primary` is empty where the payer names the primary codes."""

    code: str
    primary: str
    type: int
    dates: InForce


class Opens(NamedTuple):
    """A modifier that lets both codes of a pair be paid: on which kind of code, in which of the columns."""

    modifier: str
    setting: str
    kind: str
    counts_on: str
    dates: InForce


class CodeRange(NamedTuple):
    """A run of codes, both ends included."""

    first: str
    last: str

    def __contains__(self, code: object) -> bool:
        """Tell whether the code lies in the run."""
        return isinstance(code, str) and len(code) == len(self.first) and self.first <= code <= self.last


class _Row(NamedTuple):
    """A row under the header: its cells by column name, and its place for errors."""

    file: Path
    line: int
    cells: list[str]
    places: dict[str, int]

    def cell(self, column: str) -> str:
        return self.cells[self.places[column]].strip()

    def error(self, column: str, expected: str) -> EditFileError:
        return EditFileError(self.file, self.line, f"{column} {self.cell(column)!r}", expected)

    def matching(self, column: str, pattern: re.Pattern[str], expected: str) -> str:
        if not pattern.fullmatch(self.cell(column)):
            raise self.error(column, expected)
        return self.cell(column)

    def code(self, column: str) -> str:
        return self.matching(column, _CODE, "a code of five letters and digits")

    def number(self, column: str) -> int:
        return int(self.matching(column, _NUMBER, "a whole number"))

    def indicator(self, column: str, allowed: str) -> int:
        # CMS writes the MUE indicator with its meaning behind it: "3 Date of Service Edit: Clinical"
        number = self.cell(column).partition(" ")[0]
        if len(number) != 1 or number not in allowed:
            raise self.error(column, f"one of {', '.join(allowed)}")
        return int(number)

    def word(self, column: str, allowed: Sequence[str]) -> str:
        if self.cell(column) not in allowed:
            raise self.error(column, f"one of {', '.join(allowed)}")
        return self.cell(column)

    def dates(self, first: str, *lasts: str) -> InForce:
        return InForce(self._day(first, ALWAYS), min(self._day(last, NEVER) for last in lasts))

    def _day(self, column: str, absent: int) -> int:
        cell = self.cell(column)
        if cell in {"", "*"}:
            return absent
        day = _day_number(cell)
        if day is not None:
            return day
        raise self.error(column, "a date as YYYYMMDD or YYYYDDD, or nothing")


@lru_cache(maxsize=4096)
def _day_number(text: str) -> int | None:
    """Return 20240701 for that text, and for 2024183, the day of the year that add-on code files have."""
    layout = {8: "%Y%m%d", 7: "%Y%j"}.get(len(text))
    with suppress(ValueError):
        if layout is not None:
            day = datetime.strptime(text, layout)
            # day 366 of a common year would run on into the next
            return int(day.strftime("%Y%m%d")) if text.startswith(day.strftime("%Y")) else None
    return None


def read_ptp(file: Path, keep: Callable[[str, str], bool] | None = None) -> Iterator[Pair]:
    """Yield the pairs of an NCCI PTP file; with `keep`, only those whose two codes it accepts.

    The files of CMS have millions of rows: `keep` is asked before a row is looked at any further.
    """
    columns = ("column 1", "column 2", "effective", "deletion", "modifier")
    for row in _rows(file, columns, "an NCCI PTP file"):
        if keep is None or keep(row.cell("column 1"), row.cell("column 2")):
            dates = row.dates("effective", "deletion")
            yield Pair(row.code("column 1"), row.code("column 2"), row.indicator("modifier", "019"), dates)


def read_mue(file: Path, setting: str | None = None) -> Iterator[Limit]:
    """Yield the limits of an MUE file; a header that names another setting than `setting` is refused."""
    for row in _rows(file, ("hcpcs", "mue value", "adjudication"), "an MUE file", setting):
        yield Limit(row.code("hcpcs"), row.number("mue value"), row.indicator("adjudication", "123"))


def read_add_on(file: Path) -> Iterator[AddOn]:
    """Yield the add-on codes of an add-on code file, one for each code they may be added to."""
    last_days = ("aoc deldt", "primary code deldt", "aoc edit deldt")
    columns = ("aoc edit type", "add on code", "primary code", "aoc edit effdt", *last_days)
    for row in _rows(file, columns, "an add-on code file"):
        # CCCCC: the contractor, that is the payer, says what the primary codes are
        primary = "" if row.cell("primary code") == "CCCCC" else row.code("primary code")
        kind = row.indicator("aoc edit type", "123")
        yield AddOn(row.code("add on code"), primary, kind, row.dates("aoc edit effdt", *last_days))


def read_modifiers(file: Path) -> Iterator[Opens]:
    """Yield the modifiers that open a pair (a layout of ours: CMS publishes them as text only)."""
    columns = ("modifier", "setting", "kind", "counts on", "effective", "deletion")
    for row in _rows(file, columns, "a list of modifiers"):
        yield Opens(
            row.matching("modifier", _MODIFIER, "a modifier of two letters and digits"),
            row.word("setting", ("hospital", "practitioner")),
            row.word("kind", ("evaluation", "procedure")),
            row.word("counts on", ("column 2", "either")).replace("column 2", "column_two"),
            row.dates("effective", "deletion"),
        )


def read_ranges(file: Path) -> Iterator[CodeRange]:
    """Yield runs of codes (a layout of ours: first code, last code)."""
    for row in _rows(file, ("first code", "last code"), "a list of code ranges"):
        yield CodeRange(row.code("first code"), row.code("last code"))


def _rows(file: Path, columns: Sequence[str], what: str, setting: str | None = None) -> Iterator[_Row]:
    """Yield the rows under the header that has all the columns."""
    with _opened(file, what) as stream:
        head = [stream.readline() for _ in range(_HEADER_WITHIN)]
        tabs, commas = (sum(line.count(sign) for line in head) for sign in "\t,")
        stream.seek(0)
        reader = csv.reader(stream, delimiter="\t" if tabs > commas else ",")
        try:
            places = _header(file, reader, columns, what, setting)
            width = max(places.values()) + 1
            seen = False
            for cells in reader:
                # the words of a CMS header may run on in the lines below it, where the first cell is empty
                if not any(cells) or (not seen and not cells[0].strip()):
                    continue
                seen = True
                if len(cells) < width:
                    found = f"{len(cells)} columns ({' '.join(cells)[:60]})"
                    raise EditFileError(file, reader.line_num, found, f"{width} columns")
                yield _Row(file, reader.line_num, cells, places)
        except csv.Error as error:
            raise EditFileError(file, reader.line_num, str(error), what) from None
    if not seen:
        raise EditFileError(file, 0, "no row under the header", what)


def _header(
    file: Path, rows: Iterator[list[str]], columns: Sequence[str], what: str, setting: str | None
) -> dict[str, int]:
    """Find the header below the copyright lines; return the place of each column."""
    missing = list(columns)
    for cells in islice(rows, _HEADER_WITHIN):
        names = [re.sub(r"[^a-z0-9]+", " ", cell.lower()).strip() for cell in cells]
        places = {column: _place(column, names) for column in columns}
        if all(place is not None for place in places.values()):
            named = [one for one in ("hospital", "practitioner", "dme") if one in " ".join(names)]
            if setting is not None and named and setting not in named:
                raise EditFileError(file, 0, f"values for {named[0]} services", f"values for {setting} services")
            return {column: place for column, place in places.items() if place is not None}
        missing = min(missing, [column for column, place in places.items() if place is None], key=len)
    found = "no header" if len(missing) == len(columns) else f"a header without {', '.join(missing)}"
    raise EditFileError(file, 0, found, f"{what} with the columns {', '.join(columns)}")


def _place(column: str, names: Sequence[str]) -> int | None:
    """Find the column: the same name, else one that begins with it, else one that contains it."""
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for place, name in enumerate(names):
            if fits(name, column):
                return place
    return None


@contextmanager
def _opened(file: Path, what: str) -> Iterator[IO[str]]:
    """Open a text file, or say why it is none."""
    if file.suffix.lower() not in {".csv", ".txt", ".tsv"}:
        expected = f"{what} as .csv, or tab-separated as .txt (unpack an archive, save a spreadsheet as CSV)"
        raise EditFileError(file, 0, f"the file name ending {file.suffix!r}", expected)
    try:
        # the files are ASCII but for the rationale, which is not read: a stray byte there is harmless
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            yield stream
    except OSError as error:
        raise EditFileError(file, 0, error.strerror or str(error), f"{what} that can be read") from None
