"""Charts, as `dumps` gives them, as tables: a row an encounter and a row an administration, as an export has them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from ivproof.importers.columns import columns_of

Chart = Mapping[str, Any]
Rows = list[dict[str, Any]]


def rows_of(charts: Iterable[Chart]) -> tuple[Rows, Rows]:
    """Give charts as rows of encounters and of administrations, with their places."""
    encounters, administrations = [], []
    for chart in charts:
        encounters.append({key: it for key, it in chart.items() if key != "administrations"})
        for position, it in enumerate(chart.get("administrations") or ()):
            administrations.append({"encounter": chart["id"], "position": position, **it})
    return encounters, administrations


def arrow(rows: Rows, table: str, *, times: str = "text", fields: Sequence[str] = ()) -> pa.Table:
    """Give rows as a table of pyarrow: the columns that some row has, and `fields`.

    Times are text as it is charted, or with `times="timestamps"` what `stamped` has made of it.
    """
    names = [it.name for it in columns_of(table)]
    used = [it for it in names if it in fields or any(it in row for row in rows)]
    assert all(key in names for row in rows for key in row), "a key that is no column"
    known = {it.name: it.arrow for it in columns_of(table)}
    arrays = [pa.array([_cell(row.get(it), known[it]) for row in rows], _type(known[it], times)) for it in used]
    return pa.table(arrays, names=used)


def csv_text(rows: Rows, table: str, fields: Sequence[str] = ()) -> str:
    """Give rows as CSV: lists and records as JSON in a cell."""
    used = [it.name for it in columns_of(table) if it.name in fields or any(it.name in row for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(used)
    writer.writerows([_text(row.get(it)) for it in used] for row in rows)
    return text.getvalue()


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | list | dict):
        return "" if value is None else json.dumps(value, default=str)
    return str(value)


def _cell(value: Any, arrow_type: str) -> Any:
    if arrow_type == "date32[day]" and value is not None:
        return dt.date.fromisoformat(value)
    return [_record(it) for it in value] if isinstance(value, list) else value


def _record(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: dt.date.fromisoformat(it) if key == "date" else _record(it) for key, it in value.items()}


def _type(name: str, times: str) -> pa.DataType:
    """Read the name of an Arrow type; times as text where `times` is text."""
    if name.startswith("list<"):
        return pa.list_(_type(name[5:-1], times))
    if name.startswith("struct<"):
        return pa.struct([(key, _type(it, times)) for key, it in _fields(name[7:-1])])
    if name == "timestamp[s]" and times == "text":
        return pa.string()
    return {"date32[day]": pa.date32(), "timestamp[s]": pa.timestamp("s")}.get(name) or pa.type_for_alias(name)


def _fields(text: str) -> Iterable[tuple[str, str]]:
    """Cut the fields of a record apart, at commas that stand in no bracket."""
    depth, begin = 0, 0
    for at, it in enumerate(f"{text}, "):
        depth += (it == "<") - (it == ">")
        if it == "," and not depth:
            key, _, name = text[begin:at].strip().partition(": ")
            yield key, name
            begin = at + 1


def stamped(chart: Chart) -> dict[str, Any]:
    """Give a chart with its clock times as date-times: what a column of timestamps holds."""
    return {
        **chart,
        "administrations": [_stamped(it, str(chart["date"])) for it in chart.get("administrations") or ()],
    }


def _stamped(given: Mapping[str, Any], date: str) -> dict[str, Any]:
    start = _at(given.get("start"), date, None)
    found = {**given, "start": start, "stop": _at(given.get("stop"), date, start)}
    if given.get("pauses"):
        found["pauses"] = [
            {**it, **{key: _at(it.get(key), date, start) for key in ("from", "to")}} for it in given["pauses"]
        ]
    return found


def _at(text: str | None, date: str, start: dt.datetime | None) -> dt.datetime | None:
    if text is None:
        return None
    if len(text) > 8:
        return dt.datetime.fromisoformat(text)
    day = start.date() if start is not None else dt.date.fromisoformat(date)
    at = dt.datetime.combine(day, dt.time.fromisoformat(text))
    return at + dt.timedelta(days=1) if start is not None and at < start else at
