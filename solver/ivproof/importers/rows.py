"""Rows of CSV and Parquet files, as the importers of event lists take them.

A file is CSV unless it is Parquet by its first bytes. What separates the columns is found from the first line.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from ivproof.chart.refusal import UnreadableError, choices, show
from ivproof.chart.strict_json import decode
from ivproof.formats.extras import MissingExtraError, load

_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
_SEPARATORS = ",\t;|"
_EXPECTED = "a table with one row an event, in CSV or Parquet"


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
    if raw.startswith(_PARQUET):
        return _parquet(path, raw)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError("text in UTF-16", "text in UTF-8")
    return _csv(path, decode(raw.removeprefix(b"\xef\xbb\xbf")))


def _csv(path: str, text: str) -> Table:
    if not text.strip():
        raise UnreadableError("an empty file", _EXPECTED)
    if "\0" in text:
        raise UnreadableError("a null character", "text in UTF-8", text.count("\n", 0, text.index("\0")) + 1)
    first = text.lstrip("\r\n").partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = next(it for it in reader if it)
        columns = _columns(names)
        rows = list(_records(reader, len(names)))
    except csv.Error as wrong:
        raise UnreadableError(f"a row that is no CSV: {wrong}", "fields in pairs of quotes", reader.line_num) from None
    return Table(path, columns, rows)


def _records(reader: Any, width: int) -> Iterator[Row]:
    for number, record in enumerate(reader, start=2):
        if not record:
            continue
        if len(record) != width:
            raise UnreadableError(f"{len(record)} fields", f"{width}, as the first line has", reader.line_num)
        yield Row(number, record)


def _columns(names: Sequence[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for place, name in enumerate(names):
        if columns.setdefault(name.strip(), place) != place and name.strip():
            raise UnreadableError(f"the column {show(name.strip())} a second time", "each column once", 1)
    return columns


def _parquet(path: str, raw: bytes) -> Table:
    try:
        arrow, parquet = load("pyarrow", "a Parquet file"), load("pyarrow.parquet", "a Parquet file")
    except MissingExtraError as error:
        raise UnreadableError(error.found, f"{error.expected}; or the table as CSV") from None
    try:
        table = parquet.read_table(arrow.BufferReader(raw))
    except (arrow.ArrowException, OSError):
        raise UnreadableError("a damaged Parquet file", "a whole one") from None
    columns = _columns(table.column_names)
    values = zip(*(_plain(column) for column in table.columns), strict=True) if table.column_names else iter(())
    return Table(path, columns, [Row(number, it) for number, it in enumerate(values, start=2)])


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
        known = choices(name, [it for it in table.columns if it] or ["none"])
        raise UnreadableError(f"no column {show(name)}, which gives the {what}", f"one of {known}", 1)
    return table.columns[name]
