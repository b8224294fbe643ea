"""Rows of CSV, Parquet and Arrow files, as the importers take them.

A file is CSV unless it is another by its first bytes. What separates the columns is found from the first line.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from ivproof.chart.refusal import UnreadableError, choices, show
from ivproof.chart.strict_json import decode
from ivproof.formats.extras import MissingExtraError, load

_PARQUET = b"PAR1"
_ARROW = b"ARROW1"
_GZIP = b"\x1f\x8b"
_SEPARATORS = ",\t;|"
_EXPECTED = "a table in CSV, Parquet or Arrow"

FIRST = 2
"""The number of the first row of a file: that with the names of the columns is 1."""


class Row(NamedTuple):
    """A row of a table: its number, where the line with the names of the columns is 1, and what stands in it."""

    number: int
    values: Sequence[Any]


@dataclass(frozen=True)
class Table:
    """The rows of one file, and the place of each column in them."""

    file: str
    columns: dict[str, int]
    rows: Sequence[Row]


def read_table(path: str) -> Table:
    """Read a file; raise UnreadableError where it is no table that can be read whole."""
    raw = content(path)
    return _arrow_rows(path, arrow_table(raw)) if is_arrow(raw) else csv_table(path, raw)


def content(path: str) -> bytes:
    """Give what stands in a file, plain or gzipped; raise UnreadableError where it cannot be read."""
    try:
        raw = Path(path).read_bytes()
        if raw.startswith(_GZIP):
            raw = gzip.decompress(raw)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UnreadableError("a damaged gzip file", "a whole one") from None
    except FileNotFoundError:
        raise UnreadableError("no such file", _EXPECTED) from None
    except (OSError, ValueError) as wrong:
        raise UnreadableError(getattr(wrong, "strerror", None) or "an unreadable file", _EXPECTED) from None
    return raw


def is_arrow(raw: bytes) -> bool:
    """Whether a file is Parquet or Arrow by its first bytes."""
    return raw.startswith((_PARQUET, _ARROW))


def csv_table(path: str, raw: bytes) -> Table:
    """Read CSV; raise UnreadableError where it is none."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError("text in UTF-16", "text in UTF-8")
    text = decode(raw.removeprefix(b"\xef\xbb\xbf"))
    if not text.strip():
        raise UnreadableError("an empty file", _EXPECTED)
    if "\0" in text:
        raise UnreadableError("a null character", "text in UTF-8", text.count("\n", 0, text.index("\0")) + 1)
    first = text.lstrip("\r\n").partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = next(it for it in reader if it)
        columns = name_places(names)
        rows = list(_records(reader, len(names)))
    except csv.Error as wrong:
        raise UnreadableError(f"a row that is no CSV: {wrong}", "fields in pairs of quotes", reader.line_num) from None
    return Table(path, columns, rows)


def _records(reader: Any, width: int) -> Iterator[Row]:
    for number, record in enumerate(reader, start=FIRST):
        if not record:
            continue
        if len(record) != width:
            raise UnreadableError(f"{len(record)} fields", f"{width}, as the first line has", reader.line_num)
        yield Row(number, record)


def name_places(names: Sequence[str]) -> dict[str, int]:
    """Give the place of each column; raise UnreadableError where a name comes twice."""
    columns: dict[str, int] = {}
    for place, name in enumerate(names):
        if columns.setdefault(name.strip(), place) != place and name.strip():
            raise UnreadableError(f"the column {show(name.strip())} a second time", "each column once", 1)
    return columns


def arrow_table(raw: bytes) -> Any:
    """Give a Parquet or an Arrow file as a table of pyarrow; raise UnreadableError where it is damaged."""
    what = "a Parquet file" if raw.startswith(_PARQUET) else "an Arrow file"
    try:
        arrow = load("pyarrow", what)
        reader = load("pyarrow.parquet" if raw.startswith(_PARQUET) else "pyarrow.ipc", what)
    except MissingExtraError as error:
        raise UnreadableError(error.found, f"{error.expected}; or the table as CSV") from None
    try:
        buffer = arrow.BufferReader(raw)
        return reader.read_table(buffer) if raw.startswith(_PARQUET) else reader.open_file(buffer).read_all()
    except (arrow.ArrowException, OSError):
        raise UnreadableError(f"a damaged {what.partition(' ')[2]}", "a whole one") from None


def _arrow_rows(path: str, table: Any) -> Table:
    columns = name_places(table.column_names)
    values = zip(*(_plain(column) for column in table.columns), strict=True) if table.column_names else iter(())
    return Table(path, columns, [Row(number, it) for number, it in enumerate(values, start=FIRST)])


def _plain(column: Any) -> list[Any]:
    """Give a column's values: times and dates as such, all else as text."""
    return [_value(it) for it in column.to_pylist()]


def _value(value: Any) -> Any:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return value
    if isinstance(value, float):
        # a column of whole numbers in which one is missing is a column of floats in many tools
        return "" if isnan(value) else str(int(value)) if value.is_integer() else str(value)
    return str(value)


def place_of(table: Table, name: str, what: str) -> int:
    """Give the place of a column; raise UnreadableError, with what it was to give, where there is none."""
    if name not in table.columns:
        raise no_columns(table, {what: name})
    return table.columns[name]


def no_columns(table: Table, lacking: Mapping[str, str]) -> UnreadableError:
    """Give the error for columns that are not there: what each was to give, and its name."""
    which = "which gives" if len(lacking) == 1 else "which give"
    names, given = ", ".join(map(show, lacking.values())), ", ".join(lacking)
    known = choices(next(iter(lacking.values())), [it for it in table.columns if it] or ["none"])
    return UnreadableError(f"no column {names}, {which} the {given}", f"one of {known}", 1)
