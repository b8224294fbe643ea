"""Tables of charts: a row an encounter, a row an administration, joined to charts as JSON Lines would have them.

Columns and their types stand in `ivproof.importers.columns`. A file that is no such table is refused as a whole; a row
that cannot be used refuses its encounter, with file, row and column, and the others are answered. Rows may come in any
order: the encounters keep theirs, and what belongs to one is in the order of its `position`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import Any, Protocol

from ivproof.chart.fields import compare_key, number_as_text
from ivproof.chart.files import AnySheet, Sheet
from ivproof.chart.reading import Chart, parse
from ivproof.chart.refusal import Problem, Refusal, Source, UnreadableError, choices, refuse, show
from ivproof.chart.strict_json import read_line
from ivproof.chart.written import in_format
from ivproof.formats.extras import load
from ivproof.importers.columns import OWN_TABLE, Column, columns_of
from ivproof.importers.rows import FIRST, Table, arrow_table, content, csv_table, is_arrow, name_places

ENDINGS = (".parquet", ".arrow", ".feather", ".csv", ".tsv", ".csv.gz", ".tsv.gz")
"""What the name of a file with a table ends in."""

WHOLE = Column(OWN_TABLE, "record", "list<struct>", False, "The administrations, where a row is a whole chart.")
"""The column that makes a row of encounters a whole chart."""

CHUNK = 200
"""So many encounters are joined at a time: a table in Arrow is not unpacked as a whole."""

_EXPECTED = (
    "a table of encounters (id, place_of_service, date), or one of administrations (encounter, drug, route), "
    "services, access sites or billed lines"
)


class TableError(ValueError):
    """A table that cannot be used at all; `refusal` names file, column, what was found and what was expected."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep the refusal."""
        super().__init__(str(refusal))
        self.refusal = refusal


class Frame(Protocol):
    """The rows of one table, wherever they are."""

    @property
    def file(self) -> str:
        """What it is called in messages: a file, or the name of an argument."""

    @property
    def names(self) -> Sequence[str]:
        """The names of its columns."""

    def column(self, name: str) -> Sequence[Any]:
        """Give what stands in a column, row by row."""

    def number(self, index: int) -> int:
        """Give the number that messages have for the row at `index`."""

    def rows(self, names: Sequence[str], indices: Sequence[int]) -> Iterable[Sequence[Any]]:
        """Give what stands in some columns of some rows."""


@dataclass(frozen=True)
class ArrowFrame:
    """A table of pyarrow; `first` is the number of its first row."""

    file: str
    table: Any
    first: int

    @property
    def names(self) -> Sequence[str]:
        """The names of its columns."""
        return [it for it in self.table.column_names if not _INDEX.fullmatch(it)]

    def column(self, name: str) -> Sequence[Any]:
        """Give what stands in a column, row by row."""
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def number(self, index: int) -> int:
        """Give the number that messages have for the row at `index`."""
        return self.first + index

    def rows(self, names: Sequence[str], indices: Sequence[int]) -> Iterable[Sequence[Any]]:
        """Give what stands in some columns of some rows."""
        if not indices:
            return ()
        some = self.table.select(names).take(list(indices))
        return zip(*(it.to_pylist() for it in some.columns), strict=True)


_INDEX = re.compile(r"__index_level_\d+__")
"""The index of a frame of pandas, as it is written beside the columns."""


@dataclass(frozen=True)
class TextFrame:
    """The rows of a CSV file."""

    table: Table

    @property
    def file(self) -> str:
        """The file."""
        return self.table.file

    @property
    def names(self) -> Sequence[str]:
        """The names of its columns."""
        return list(self.table.columns)

    def column(self, name: str) -> Sequence[Any]:
        """Give what stands in a column, row by row."""
        place = self.table.columns[name]
        return [it.values[place] for it in self.table.rows]

    def number(self, index: int) -> int:
        """Give the number that messages have for the row at `index`."""
        return self.table.rows[index].number

    def rows(self, names: Sequence[str], indices: Sequence[int]) -> Iterable[Sequence[Any]]:
        """Give what stands in some columns of some rows."""
        places = [self.table.columns[it] for it in names]
        return ([self.table.rows[index].values[place] for place in places] for index in indices)


# --- One chart


@dataclass(frozen=True, slots=True)
class TableSheet:
    """One chart that is joined from rows, not yet checked; it can be sent to another process.

    `rows` has the file and the number of the row of each part, in the order of the chart; `refusals` are what was found
    before: it is then not answered.
    """

    source: Source
    content: Mapping[str, Any]
    rows: Mapping[str, tuple[str, tuple[int, ...]]]
    refusals: tuple[Refusal, ...] = ()

    def data(self) -> tuple[object, tuple[Problem, ...]]:
        """Give the chart as plain data."""
        return self.content, ()

    def chart(self) -> Chart:
        """Check the chart; what is wrong with it is told with file, row and column."""
        if not self.content:
            return Chart(self.source, None, self.refusals)
        found = parse(in_format(self.content), self.source)
        if not (self.refusals or found.refusals):
            return found
        return Chart(self.source, None, (*self.refusals, *map(self._placed, found.refusals)))

    def _placed(self, refusal: Refusal) -> Refusal:
        """Say by file, row and column what the chart says by its path."""
        part = _PART.fullmatch(refusal.place)
        if part is None or part["table"] not in self.rows:
            return replace(refusal, place=_column(refusal.place))
        file, numbers = self.rows[part["table"]]
        return replace(refusal, file=file, line=numbers[int(part["at"])], place=_column(part["rest"]))


_PART = re.compile(r"(?P<table>\w+)\[(?P<at>\d+)\]\.?(?P<rest>.*)", re.DOTALL)


def _column(place: str) -> str:
    return f"column {place}" if place else ""


def _refuse(frame: Frame, index: int, column: str, problem: Problem, encounter: object = None) -> Refusal:
    source = Source(frame.file, frame.number(index))
    return replace(refuse(source, problem, encounter=encounter), place=_column(column))


# --- Joining


@dataclass(frozen=True)
class Tables:
    """A table of encounters, and those of what belongs to them by name."""

    encounters: Frame
    parts: Mapping[str, Frame]

    def sheets(self) -> Iterator[TableSheet]:
        """Give the charts in the order of the encounters, then what belongs to no encounter, each with its refusal."""
        keys = [key_of(it) for it in self.encounters.column("id")]
        counted = Counter(keys)
        joined = {name: _Joined(name, frame, counted) for name, frame in self.parts.items()}
        for start in range(0, len(keys), CHUNK):
            indices = range(start, min(start + CHUNK, len(keys)))
            charts = list(_rows_of("encounters", self.encounters, indices))
            names = keys[start : start + CHUNK]
            given = {name: it.of(names) for name, it in joined.items()}
            for at, (index, (chart, wrong)) in enumerate(zip(indices, charts, strict=True)):
                its = {name: some[at] for name, some in given.items()}
                yield self._sheet(index, chart, wrong, its, counted[keys[index]])
        for it in joined.values():
            yield from it.orphans(self.encounters.file)

    def _sheet(
        self, index: int, chart: dict[str, Any], wrong: Sequence[_Wrong], parts: Mapping[str, _Some], times: int
    ) -> TableSheet:
        name = number_as_text(chart.get("id"))
        refusals = [_refuse(self.encounters, index, it.column, it.problem, name) for it in wrong]
        if times > 1 and name is not None:
            problem = Problem((), f"{show(name)} in {times} rows", "an id that no other row has")
            refusals.append(_refuse(self.encounters, index, "id", problem, name))
        for part, some in parts.items():
            frame = self.parts[part]
            if some.rows and chart.get(part):
                problem = Problem((), f"a list, and rows of {frame.file} as well", "one of them")
                refusals.append(_refuse(self.encounters, index, part, problem, name))
            refusals += (_refuse(frame, at, it.column, it.problem, name) for at, it in some.wrong)
            if some.rows:
                chart[part] = some.rows
        places = {
            part: (self.parts[part].file, tuple(self.parts[part].number(it) for it in some.indices))
            for part, some in parts.items()
            if some.rows
        }
        return TableSheet(Source(self.encounters.file, self.encounters.number(index)), chart, places, tuple(refusals))


@dataclass(frozen=True)
class _Wrong:
    """What is wrong in a column of a row."""

    column: str
    problem: Problem


@dataclass(frozen=True)
class _Some:
    """What belongs to one encounter: the rows as parts of its chart, their places in the table, what is wrong."""

    rows: list[dict[str, Any]]
    indices: Sequence[int]
    wrong: Sequence[tuple[int, _Wrong]]


class _Joined:
    """A table of parts, its rows found by the encounter that they belong to."""

    def __init__(self, name: str, frame: Frame, known: Mapping[str | None, int]) -> None:
        self.name, self.frame = name, frame
        self.known = known
        self._by_encounter: dict[str | None, list[int]] = {}
        self._written: dict[str, object] = {}
        for index, value in enumerate(frame.column("encounter")):
            key = key_of(value)
            self._by_encounter.setdefault(key, []).append(index)
            if key is not None:
                self._written.setdefault(key, value)

    @cached_property
    def _positions(self) -> Sequence[Any] | None:
        """What the rows say of their place in the chart; None where the table says nothing of it."""
        if "position" not in self.frame.names:
            return None
        column = next(it for it in columns_of(self.name) if it.name == "position")
        return [_plain(it, column) for it in self.frame.column("position")]

    def of(self, encounters: Sequence[str | None]) -> list[_Some]:
        """Give what belongs to some encounters."""
        found = [self._ordered([] if it is None else self._by_encounter.get(it, [])) for it in encounters]
        indices = [index for some, _ in found for index in some]
        rows = iter(_rows_of(self.name, self.frame, indices))
        given = []
        for some, misplaced in found:
            parts, wrong = [], [(at, _Wrong("position", it)) for at, it in misplaced]
            for index in some:
                row, its = next(rows)
                parts.append(row)
                wrong += ((index, it) for it in its)
            given.append(_Some(parts, some, wrong))
        return given

    def _ordered(self, indices: list[int]) -> tuple[list[int], list[tuple[int, Problem]]]:
        """Put the rows of an encounter in the order of their positions, and tell which have none of their own."""
        if self._positions is None or not indices:
            return indices, []
        order, wrong = in_order([self._positions[it] for it in indices])
        return [indices[it] for it in order], [(indices[it], problem) for it, problem in wrong]

    def orphans(self, file: str) -> Iterator[TableSheet]:
        """Refuse what belongs to no encounter, once an id."""
        for key, indices in self._by_encounter.items():
            if key is not None and key in self.known:
                continue
            times = f", in {len(indices)} rows" if len(indices) > 1 else ""
            found = "nothing" if key is None else show(self._written[key])
            problem = Problem((), found + times, f"the id of an encounter of {file}")
            refusal = _refuse(self.frame, indices[0], "encounter", problem)
            yield TableSheet(Source(self.frame.file, self.frame.number(indices[0])), {}, {}, (refusal,))


def in_order(positions: Sequence[Any]) -> tuple[list[int], list[tuple[int, Problem]]]:
    """Give the order of the rows of one encounter by their positions, and what is wrong with these."""
    wrong, seen = [], set()
    for index, place in enumerate(positions):
        if not isinstance(place, int) or isinstance(place, bool) or place < 0:
            wrong.append((index, Problem((), show(place), "a whole number of 0 or more")))
        elif place in seen:
            wrong.append((index, Problem((), f"{place} a second time", "a place that no other row of it has")))
        else:
            seen.add(place)
    rows = list(range(len(positions)))
    return (rows, wrong) if wrong else (sorted(rows, key=positions.__getitem__), [])


def whole_charts(frame: Frame) -> Iterator[tuple[int, TableSheet]]:
    """Give rows of encounters that have their administrations in a column, each a chart, with its place in the frame.

    Whether an id is there twice is for the caller to see.
    """
    count = len(frame.column("id"))
    for start in range(0, count, CHUNK):
        indices = range(start, min(start + CHUNK, count))
        for index, (chart, wrong) in zip(indices, _rows_of("encounters", frame, indices), strict=True):
            name = number_as_text(chart.get("id"))
            refusals = tuple(_refuse(frame, index, it.column, it.problem, name) for it in wrong)
            yield index, TableSheet(Source(frame.file), chart, {}, refusals)


def key_of(value: object) -> str | None:
    """Give what ids are compared by; None for what is no id."""
    text = number_as_text(_number(value))
    return compare_key(text) or None if isinstance(text, str) else None


# --- What stands in a row


def _rows_of(table: str, frame: Frame, indices: Sequence[int]) -> Iterator[tuple[dict[str, Any], Sequence[_Wrong]]]:
    """Give rows as parts of charts, without what is null, and what in them cannot be read."""
    columns = {it.name: it for it in (*columns_of(table), WHOLE)}
    names = [it for it in frame.names if it not in ("encounter", "position") or table == "encounters"]
    known = [columns[it] for it in names]
    for values in frame.rows(names, indices) if names else ([] for _ in indices):
        row, wrong = {}, []
        for column, value in zip(known, values, strict=True):
            if value is None or value == "":
                continue
            try:
                plain = _plain(value, column)
            except UnreadableError as error:
                wrong.append(_Wrong(column.name, error.problem))
                continue
            if plain is not None:
                row[column.name] = plain
        yield row, wrong


_NUMBER = re.compile(r"\s*-?\d{1,15}(\.\d+)?\s*", re.ASCII)
_BETWEEN = re.compile(r"[\s,;|]+")


def _plain(value: Any, column: Column) -> Any:
    """Give what stands in a cell as a chart has it; raise UnreadableError where it was to be JSON and is none."""
    if isinstance(value, str):
        return _from_text(value, column)
    if column.kind == "date" and isinstance(value, dt.datetime) and value.tzinfo is None and value.time() == dt.time():
        return value.date()
    return _nested(value) if column.kind in ("record", "words", "names") else _scalar(value)


def _from_text(text: str, column: Column) -> Any:
    match column.kind:
        case "number" if _NUMBER.fullmatch(text):
            return float(text) if "." in text else int(text)
        case "flag" if text.strip().casefold() in ("true", "false"):
            return text.strip().casefold() == "true"
        case "words" if not text.lstrip().startswith("["):
            return [it for it in _BETWEEN.split(text) if it]
        case "names" if not text.lstrip().startswith("["):
            return text
        case "record" | "words" | "names":
            data, problems = read_line(text.strip().encode())
            if problems:
                raise UnreadableError(problems[0].found, problems[0].expected)
            return data
    return text


def _nested(value: Any) -> Any:
    """Give lists and records as a chart has them; a field of a record that is null is left out."""
    if isinstance(value, Mapping):
        return {key: _nested(it) for key, it in value.items() if it is not None}
    if isinstance(value, list | tuple):
        return [_nested(it) for it in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case dt.datetime():
            return _moment(value)
        case dt.date() | dt.time():
            return value.isoformat()
    return _number(value)


def _number(value: Any) -> Any:
    """Give a number as a chart has it: whole numbers of which one is missing are floats in many tools."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return None if isnan(value) else int(value) if value.is_integer() else value
    return value


def _moment(value: dt.datetime) -> str:
    """Write a time as a chart does: without a zone the wall time of the place, else with the offset and the zone."""
    wall = value.replace(tzinfo=None)
    text = wall.isoformat(timespec="minutes" if not (wall.second or wall.microsecond) else "auto")
    if value.tzinfo is None:
        return text
    zone = str(value.tzinfo)
    offset = value.isoformat()[len(wall.isoformat()) :]
    return f"{text}{offset}[{zone}]" if "/" in zone and not zone.startswith("Etc/") else text + offset


# --- Which table is which


def tables_of(frames: Iterable[Frame]) -> Tables:
    """Tell tables apart by their columns. Raises TableError where one is none, or is there twice, or lacks a column."""
    found: dict[str, Frame] = {}
    last: Frame | None = None
    for frame in frames:
        last = frame
        kind = _kind_of(frame.names)
        if kind is None:
            listed = ", ".join(map(show, frame.names)) or "no columns"
            raise _error(frame.file, "", f"the columns {listed}", _EXPECTED)
        if kind in found:
            raise _error(frame.file, "", f"a second table of {kind} beside {found[kind].file}", "one of each")
        found[kind] = frame
        check_columns(kind, frame)
    if "encounters" not in found:
        file = last.file if last is not None else "the tables"
        raise _error(file, "", "no table of encounters beside it", "one with the columns id, place_of_service and date")
    if OWN_TABLE not in found:
        # without it every visit would be one at which nothing was given
        expected = "one with the columns encounter, drug and route"
        raise _error(found["encounters"].file, "", "no table of administrations beside it", expected)
    return Tables(found["encounters"], {name: it for name, it in found.items() if name != "encounters"})


def check_columns(kind: str, frame: Frame, *also: Column) -> None:
    """Raise TableError where a table has a column that is not known, or lacks one that has to be there.

    `also` are further columns that are known.
    """
    names = frame.names
    known = [it.name for it in (*columns_of(kind), *also)]
    for name in names:
        if name not in known:
            raise _error(frame.file, name, "a column that is not known here", f"one of {choices(name, known)}")
    for it in columns_of(kind):
        if it.required and it.name not in names:
            raise _error(frame.file, it.name, "no such column", f"it in a table of {kind.replace('_', ' ')}")


def _kind_of(names: Sequence[str]) -> str | None:
    has = set(names)
    if "encounter" not in has:
        return "encounters" if has & {"id", "place_of_service"} else None
    if has & {"drug", "route"}:
        return OWN_TABLE
    return next((table for column, table in _TOLD_BY if column in has), None)


_TOLD_BY = (("id", "access_sites"), ("kind", "services"), ("code", "billed"))
"""The tables that a column tells apart, where it is none of administrations."""


def _error(file: str, column: str, found: str, expected: str) -> TableError:
    return TableError(replace(refuse(Source(file), Problem((), found, expected)), place=_column(column)))


# --- Files


def is_table(path: str) -> bool:
    """Whether the name of a file says that it holds a table."""
    return path.casefold().endswith(ENDINGS) and not Path(path).is_dir()


def read_tables(paths: Iterable[str]) -> Tables:
    """Read files of tables. Raises TableError where one of them cannot be used."""
    frames = []
    for path in paths:
        try:
            raw = content(path)
            frames.append(
                arrow_frame(path, arrow_table(raw), FIRST) if is_arrow(raw) else TextFrame(csv_table(path, raw))
            )
        except UnreadableError as wrong:
            raise TableError(refuse(Source(path, wrong.line), wrong.problem)) from None
    return tables_of(frames)


def arrow_frame(file: str, table: Any, first: int) -> ArrowFrame:
    """Take a table of pyarrow; raise UnreadableError where a column is there twice."""
    arrow = load("pyarrow", "a table")
    name_places(table.column_names)
    schema = arrow.schema([(it.name, _taken(arrow, it.type)) for it in table.schema])
    try:
        return ArrowFrame(file, table.cast(schema), first)
    except arrow.ArrowInvalid:
        raise UnreadableError("times with parts of a microsecond", "times in whole seconds") from None


def _taken(arrow: Any, kind: Any) -> Any:
    """Give a type of which pyarrow can take single rows, which text as views is not, and times that Python has."""
    if arrow.types.is_timestamp(kind) and kind.unit == "ns":
        return arrow.timestamp("us", kind.tz)
    if arrow.types.is_string_view(kind):
        return arrow.large_string()
    if arrow.types.is_list(kind) or arrow.types.is_large_list(kind):
        return arrow.large_list(_taken(arrow, kind.value_type))
    if arrow.types.is_struct(kind):
        return arrow.struct([(it.name, _taken(arrow, it.type)) for it in kind])
    return kind


def scan_tables(paths: Iterable[str]) -> Iterator[AnySheet]:
    """Give the charts of files of tables; files that cannot be used are one sheet that is refused."""
    try:
        tables = read_tables(paths)
    except TableError as error:
        it = error.refusal
        place = (it.place,) if it.place else ()
        yield Sheet(Source(it.file, it.line), None, problems=(Problem(place, it.found, it.expected),))
        return
    none = True
    for sheet in tables.sheets():
        none = False
        yield sheet
    if none:
        file = tables.encounters.file
        yield Sheet(Source(file), None, problems=(Problem((), "an empty table", "at least one chart"),))
