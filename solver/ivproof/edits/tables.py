"""The tables of the claim edits, and the rows that concern a claim, as facts for `asp/edits/edits.lp`.

In: a folder with `edits.toml` (asp/edits), or a user's own CMS files; then claims. Out: facts. Nothing is
decided here: rows are looked up by code and date.

Nothing of the chart's text reaches the logic program: a line is l1, l2, ...; a code or modifier is handed
over only when a table has it, and then as the table spells it. A code that no table has can meet no edit.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from ivproof.edits.files import (
    OF_PAYER,
    AddOn,
    CodeRange,
    EditFileError,
    InForce,
    Limit,
    Opens,
    read_add_on,
    read_modifiers,
    read_mue,
    read_ptp,
    read_ranges,
)

Setting = Literal["hospital", "practitioner"]
Layout = Literal["ptp", "mue", "add-on"]


class EditLine(NamedTuple):
    """A line of a claim; a line without a date is of the claim's date."""

    code: str
    units: int = 1
    modifiers: tuple[str, ...] = ()
    date: date | None = None


@dataclass(frozen=True)
class Edition:
    """Which publication a table is of, and from which day to which it is the current one."""

    name: str
    first: date = date.min
    last: date = date.max
    source: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EditFiles:
    """A user's newer files of CMS, to be used in place of the tables as shipped.

    `setting` says whose they are: the hospital's or the practitioner's; None, both. A file of units names its setting
    itself. `limits` are a payer's own: a code and the units a day that it pays at most.
    """

    ptp: tuple[Path, ...] = ()
    mue: tuple[Path, ...] = ()
    add_on: tuple[Path, ...] = ()
    setting: Setting | None = None
    limits: tuple[tuple[str, int], ...] = ()

    def into(self, tables: EditTables) -> EditTables:
        """Give the tables with these files in place of theirs. Raises EditFileError where one cannot be read."""
        for setting in get_args(Setting) if self.setting is None else (self.setting,):
            limits = [file for file in self.mue if self.setting is not None or setting in _settings_of(file)]
            tables = tables.with_files(setting, ptp=self.ptp, mue=limits, add_on=self.add_on)
        return tables.with_limits(self.limits) if self.limits else tables


@dataclass(frozen=True)
class _Tables:
    """The rows by code; of one layout as read, of all three as a claim is judged by them."""

    pairs: Mapping[str, Mapping[str, Sequence[tuple[InForce, int]]]] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    add_ons: Mapping[str, Sequence[AddOn]] = field(default_factory=dict)

    @cached_property
    def codes(self) -> frozenset[str]:
        """Every code that some row names."""
        primaries = (row.primary for rows in self.add_ons.values() for row in rows if row.primary)
        return frozenset(chain(self.pairs, *self.pairs.values(), self.limits, self.add_ons, primaries))


_Published = dict[tuple[Setting, Layout], list[tuple[Edition, _Tables]]]


class EditTables:
    """The program and the tables of the claim edits; made by `load` and `with_files`.

    `administrations` are the codes of giving drugs and of what goes with it: all those of the tables as shipped.
    """

    def __init__(
        self,
        program: Path,
        opens: Iterable[Opens],
        visits: Iterable[CodeRange],
        published: _Published,
        administrations: frozenset[str],
    ) -> None:
        """Keep what was read; `published` has the editions of a table in the order of their first days."""
        self.program = program
        self.administrations = administrations
        self._visits = tuple(visits)
        self._published = published
        self._opens: dict[tuple[str, str], list[Opens]] = {}
        for row in opens:
            self._opens.setdefault((row.setting, row.modifier), []).append(row)
        self._judged_by: dict[tuple[int, int, int], _Tables] = {}

    @classmethod
    def load(cls, folder: Path) -> EditTables:
        """Read a folder with `edits.toml`, such as asp/edits.

        Raises:
            EditFileError: a file is missing or cannot be read; it names the file, the line and what is wrong.
        """
        index = folder / "edits.toml"
        try:
            about = tomllib.loads(index.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EditFileError(index, 0, str(error), "the list of the edit tables") from None
        published: _Published = {}
        try:
            for table in about["table"]:
                notes = tuple(table.get("notes", ()))
                edition = Edition(table["edition"], table["from"], table["until"], table["source"], notes)
                _check(index, table)
                for setting in table["settings"]:
                    rows = _read(table["layout"], [folder / table["file"]], setting)
                    published.setdefault((setting, table["layout"]), []).append((edition, rows))
            opens = list(read_modifiers(folder / about["modifiers"]))
            visits = list(read_ranges(folder / about["evaluation"]))
            program = folder / about["program"]
        except KeyError as error:
            expected = "program, modifiers, evaluation; of each table layout, file, settings, edition, source, dates"
            raise EditFileError(index, 0, f"nothing under {error}", expected) from None
        for editions in published.values():
            editions.sort(key=lambda one: one[0].first)
        codes = frozenset[str]().union(*(rows.codes for editions in published.values() for _, rows in editions))
        return cls(program, opens, visits, published, codes)

    def with_files(
        self,
        setting: Setting,
        *,
        ptp: Sequence[Path] = (),
        mue: Sequence[Path] = (),
        add_on: Sequence[Path] = (),
        edition: str = "files of the user",
        every_code: bool = False,
    ) -> EditTables:
        """Return the same tables with a user's newer CMS files in place of the ones given.

        The files hold for claims of any date. Of the pairs only those are kept in which one of the two codes
        has a limit or is an add-on code in the present tables, that is, administers drugs; `every_code` keeps
        them all.

        Raises:
            EditFileError: a file cannot be read; it names the file, the line and what is wrong.
        """
        published = dict(self._published)
        present = [rows for editions in published.values() for _, rows in editions]
        known = {code for rows in present for code in chain(rows.limits, rows.add_ons)}
        files: dict[Layout, Sequence[Path]] = {"ptp": ptp, "mue": mue, "add-on": add_on}
        for layout, paths in files.items():
            if paths:
                named = Edition(edition, source=", ".join(path.name for path in paths))
                rows = _read(layout, paths, setting, None if every_code else known)
                published[setting, layout] = [(named, rows)]
        opens = chain.from_iterable(self._opens.values())
        return EditTables(self.program, opens, self._visits, published, self.administrations)

    def with_limits(self, limits: Iterable[tuple[str, int]]) -> EditTables:
        """Return the same tables with a payer's own units a day in place of what they have for these codes."""
        own = {code: Limit(code, units, OF_PAYER) for code, units in limits}
        published = dict(self._published)
        for setting in get_args(Setting):
            editions = published.get((setting, "mue"), [(Edition("limits of the payer"), _NO_ROWS)])
            published[setting, "mue"] = [(named, _Tables(limits={**rows.limits, **own})) for named, rows in editions]
        opens = chain.from_iterable(self._opens.values())
        return EditTables(self.program, opens, self._visits, published, self.administrations)

    def edition(self, setting: Setting, layout: Layout, on: date) -> Edition | None:
        """The edition that a claim of the date is judged by: the last that has begun, else the first."""
        return self._chosen(setting, layout, on)[0]

    def caveat(self, setting: Setting, on: date) -> str | None:
        """A sentence for a claim that is judged by editions of another time; None where they fit."""
        editions = [self.edition(setting, layout, on) for layout in get_args(Layout)]
        others = {one.name: one for one in editions if one is not None and not one.first <= on <= one.last}
        if not others:
            return None
        names = "; ".join(f"{one.name} ({one.first} to {one.last})" for one in others.values())
        return f"The claim of {on} is judged by the edits of {names}."

    def primaries(self, code: str, setting: Setting, on: date) -> tuple[str, ...]:
        """The codes that an add-on code may be added to on a date; empty for any other code."""
        rows = self._at(setting, on).add_ons.get(code, ())
        return tuple(row.primary for row in rows if row.primary and row.dates.on(_number(on)))

    def is_visit(self, code: str) -> bool:
        """Tell whether a code is that of a visit (evaluation and management)."""
        return any(code in run for run in self._visits)

    def open_alike(self, one: str, other: str) -> bool:
        """Tell whether two modifiers belong on the same kind of code, one that is no visit, and open its pairs."""
        return self._kinds(one) == self._kinds(other) == {"procedure"}

    def _kinds(self, modifier: str) -> set[str]:
        return {row.kind for (_, name), rows in self._opens.items() if name == modifier for row in rows}

    def facts(self, lines: Sequence[EditLine], setting: Setting, on: date) -> tuple[str, ...]:
        """The facts of `edits.lp` for a claim: its lines, and the rows of the tables that concern them.

        Parameters:
            lines: the claim; a code or modifier that no table has is left out.
            setting: hospital or practitioner.
            on: the date of the claim; it chooses the edition, and a line without a date is of this date.

        Returns:
            Atoms without a full stop, in an order that the claim fixes. Claims that differ only in what no
            edit looks at, such as the day within a quarter, have the same facts.
        """
        tables = self._at(setting, on)
        dates = sorted({line.date or on for line in lines})
        facts = [f"setting({setting})"]
        for place, line in enumerate(lines, start=1):
            if line.code in tables.codes:
                facts.append(f'billed(l{place},"{line.code}",{line.units:d})')
                facts.append(f"line_date(l{place},{dates.index(line.date or on)})")
                known = sorted(one for one in set(line.modifiers) if (setting, one) in self._opens)
                facts.extend(f'carries(l{place},"{one}")' for one in known)
        codes = sorted({line.code for line in lines} & tables.codes)
        facts.extend(f'evaluation("{code}")' for code in codes if any(code in run for run in self._visits))
        for number, day in enumerate(dates):
            of_day = [line for line in lines if (line.date or on) == day]
            facts.extend(_rows(tables, of_day, number, _number(day)))
            facts.extend(self._openings(of_day, setting, number, _number(day)))
        return tuple(facts)

    def _openings(self, lines: Sequence[EditLine], setting: Setting, number: int, day: int) -> Iterator[str]:
        """Yield what the modifiers of one date's lines open on that date."""
        for modifier in sorted({one for line in lines for one in line.modifiers}):
            for row in self._opens.get((setting, modifier), ()):
                if row.dates.on(day):
                    yield f'opens({number},"{modifier}",{row.kind},{row.counts_on})'

    def _chosen(self, setting: Setting, layout: Layout, on: date) -> tuple[Edition | None, _Tables]:
        """The edition and the rows for a claim of the date."""
        editions = self._published.get((setting, layout))
        if not editions:
            return None, _NO_ROWS
        return next((one for one in reversed(editions) if one[0].first <= on), editions[0])

    def _at(self, setting: Setting, on: date) -> _Tables:
        """All tables for a claim of the date; the same object for the same editions."""
        ptp, mue, add_on = (self._chosen(setting, layout, on)[1] for layout in get_args(Layout))
        key = (id(ptp), id(mue), id(add_on))
        if key not in self._judged_by:
            self._judged_by[key] = _Tables(ptp.pairs, mue.limits, add_on.add_ons)
        return self._judged_by[key]


def _rows(tables: _Tables, lines: Sequence[EditLine], number: int, day: int) -> Iterator[str]:
    """Yield the rows in force on a day that concern its lines; `number` stands for the day in the facts."""
    codes = sorted({line.code for line in lines} & tables.codes)
    for code in codes:
        add_on = [row for row in tables.add_ons.get(code, ()) if row.dates.on(day)]
        yield from (f'add_on({number},"{code}",{kind})' for kind in sorted({row.type for row in add_on}))
        yield from (f'may_carry({number},"{code}","{row.primary}")' for row in add_on if row.primary)
        beside = tables.pairs.get(code, {})
        for other in codes if beside else ():
            for dates, indicator in beside.get(other, ()):
                if dates.on(day):
                    yield f'pair({number},"{code}","{other}",{indicator})'
        if code in tables.limits:
            limit = tables.limits[code]
            yield f'limit({number},"{code}",{limit.units},{limit.indicator})'


def _check(index: Path, table: Mapping[str, object]) -> None:
    """Refuse a table entry of `edits.toml` with a word or a date that means nothing."""
    settings = table["settings"] if isinstance(table["settings"], list) else [table["settings"]]
    for name, value in [("layout", table["layout"]), *(("settings", one) for one in settings)]:
        known = get_args(Layout if name == "layout" else Setting)
        if value not in known:
            raise EditFileError(index, 0, f"{name} {value!r}", f"one of {', '.join(known)}")
    for name in ("from", "until"):
        if type(table[name]) is not date:
            raise EditFileError(index, 0, f"{name} {table[name]!r}", "a date without quotes, as 2024-07-01")


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _read(layout: Layout, files: Sequence[Path], setting: Setting, about: Collection[str] | None = None) -> _Tables:
    """Read the files of one layout; of pairs those only that concern a code of `about`."""
    if layout == "ptp":
        pairs: dict[str, dict[str, list[tuple[InForce, int]]]] = {}
        keep = None if about is None else (lambda one, two: one in about or two in about)
        for pair in chain.from_iterable(read_ptp(file, keep) for file in files):
            pairs.setdefault(pair.column_1, {}).setdefault(pair.column_2, []).append((pair.dates, pair.indicator))
        return _Tables(pairs=pairs)
    if layout == "mue":
        limits = {row.code: row for file in files for row in read_mue(file, setting)}
        return _Tables(limits=limits)
    add_ons: dict[str, list[AddOn]] = {}
    for row in chain.from_iterable(read_add_on(file) for file in files):
        add_ons.setdefault(row.code, []).append(row)
    return _Tables(add_ons=add_ons)


_NO_ROWS = _Tables()


def _settings_of(file: Path) -> list[Setting]:
    """The settings that a file of limits is for: both, unless its header names one."""
    found: list[Setting] = []
    refused: EditFileError | None = None
    for setting in get_args(Setting):
        try:
            next(read_mue(file, setting))
            found.append(setting)
        except EditFileError as error:
            refused = error
    if refused is not None and not found:
        raise refused
    return found
