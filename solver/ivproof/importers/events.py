"""Lists of administration events, as records of medication administrations are exported: from rows to charts.

`read_events` takes files and a mapping. Every row ends as used, voided or left out with a reason; what was noticed on
the way stands in the findings. The same rows in another order give the same charts.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic_core import PydanticCustomError

from ivproof.chart.consistency import VASCULAR
from ivproof.chart.fields import LARGEST, charted_amount
from ivproof.chart.refusal import Problem, Refusal, Source, UnreadableError, refuse, show
from ivproof.drugs.listing import DrugList
from ivproof.importers.account import Account, natural
from ivproof.importers.charts import Given, access_sites, checked, figures
from ivproof.importers.clock import NO_TIME, ClockReading, HouseClock, iso
from ivproof.importers.mapping import Condition, EventMapping
from ivproof.importers.printed import PrintedName, PrintedNames, nameless, ndc
from ivproof.importers.rows import Table, no_columns, place_of, read_table
from ivproof.importers.runs import Event, Machine, Run, RunPause
from ivproof.importers.words import Voices, Words, diagnosis, split_codes

_ESSENTIAL = {"encounter", "drug", "time", "action", "order", "line", "end", "chain"}
"""Columns without which a row means something else; the others may be missing from a file, and that is told."""

_CONTENT = ("encounter", "order", "chain", "drug", "time", "end", "action", "route", "component", "site", "takes_back")
"""Columns that say what was done: where copies differ in them, none of them counts."""

_WRITTEN = ("rate", "rate_unit", "dose", "dose_unit", "ordered_length", "ordered_length_unit", "reason")
"""Columns that a chart may have beside that: where copies differ in one, it is not written down."""

_RUNNING = {"start", "bag", "stop", "pause", "resume", "rate", "single", "push"}
A_ROW = "a row"
"""What stands for the word of an action where a row is an administration."""

_ANY_DAY = dt.date(2020, 10, 5)
"""The day on which a name is read where no row of its says a day; only codes as names depend on it."""


@dataclass(eq=False)
class _Row:
    """A row with what its columns say."""

    item: int
    encounter: str
    order: str
    drug: str
    words: list[str]
    kinds: list[str]
    time: ClockReading
    end: ClockReading | None
    line: str
    raw: Mapping[str, Any]
    routes: list[str]
    products: list[str] = field(default_factory=list)
    key: tuple[Any, ...] = ()

    @property
    def named(self) -> dict[str, Any]:
        """What a finding about the row names."""
        return {"encounter": self.encounter or None, "order": self.order or None}


@dataclass
class ImportedEvents:
    """The charts, as plain data, and the report."""

    charts: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)


def read_events(
    files: Sequence[str],
    mapping: EventMapping,
    drugs: DrugList,
    *,
    encounters: str | None = None,
    place_of_service: str | None = None,
    zone: str | None = None,
    keep_not_given: bool = False,
    mapped_by: str = "",
) -> ImportedEvents:
    """Read event lists; `refusals` are there where a file cannot be used, and then there is no chart.

    `mapped_by` is what the report calls the mapping.
    """
    found = ImportedEvents()
    tables: list[Table] = []
    for file in files:
        try:
            tables.append(read_table(file))
        except UnreadableError as wrong:
            found.refusals.append(refuse(Source(file, wrong.line), wrong.problem))
    reader = _Reader(mapping, drugs, place_of_service, zone or mapping.time.zone, keep_not_given=keep_not_given)
    for table in tables:
        try:
            reader.take(table)
        except UnreadableError as wrong:
            found.refusals.append(refuse(Source(table.file, wrong.line), wrong.problem))
    found.refusals += reader.unknown_words()
    if encounters is not None:
        try:
            reader.take_encounters(read_table(encounters))
        except UnreadableError as wrong:
            found.refusals.append(refuse(Source(encounters, wrong.line), wrong.problem))
    if not found.refusals:
        reader.finish(found)
        found.report["mapping"] = mapped_by
    return found


class _Reader:
    """Takes the rows of all files, and makes the charts when it has them all."""

    def __init__(
        self, mapping: EventMapping, drugs: DrugList, place: str | None, zone: str | None, *, keep_not_given: bool
    ) -> None:
        self._keep_not_given = keep_not_given
        self._not_given: dict[str, list[_Row]] = defaultdict(list)
        self._map = mapping
        self._kinds = mapping.kinds()
        self._names = PrintedNames(drugs)
        self._clock = HouseClock(mapping.time.format, zone)
        self._routes = Words(mapping.routes)
        self._methods = Words(mapping.methods)
        self._carriers = mapping.carriers.words()
        self._additives = mapping.additives.words()
        self._no_stop = [(it.words(), it.minutes, it.reason) for it in mapping.no_stop]
        self._reads_as = [(it.words(), it.is_) for it in mapping.reads_as]
        self._place = place
        self._rows: list[_Row] = []
        self._unknown: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._visits: dict[str, _Visit] = {}
        self._missing_columns: list[str] = []
        self._files: set[str] = set()
        self._holds: list[_Row] = []
        self._by_item: dict[int, _Row] = {}
        self.account = Account("rows")
        self.stops_by_new_bag = 0

    # --- Reading

    def take(self, table: Table) -> None:
        """Take the rows of a file."""
        self._files.add(table.file)
        places: dict[str, list[int]] = defaultdict(list)
        lacking: dict[str, str] = {}
        for ours, theirs in self._map.columns.named():
            if theirs in table.columns:
                places[ours].append(table.columns[theirs])
            elif ours in _ESSENTIAL or ours in self._map.rows.same:
                lacking[ours] = theirs
            else:
                self._missing_columns.append(theirs)
        if self._map.columns.route and not places["route"]:
            lacking["route"] = self._map.columns.route[0]
        if lacking:
            raise no_columns(table, lacking)
        for row in table.rows:
            raw = {ours: [row.values[it] for it in at] for ours, at in places.items()}
            found = self._row(table.file, row.number, raw)
            self._rows.append(found)
            self._by_item[found.item] = found

    def _row(self, file: str, number: int, raw: Mapping[str, list[Any]]) -> _Row:
        def text(name: str) -> str:
            return str(raw[name][0]).strip() if raw.get(name) else ""

        order, line, action = text("chain") or text("order"), text("line"), text("action")
        words, kinds = self._actions(file, number, action, raw)
        item = self.account.read(
            file, number, encounter=text("encounter"), order=order or None, line=line or None, action=action
        )
        routes = [str(it).strip() for it in raw.get("route", ())]
        end = self._clock.read(raw["end"][0]) if raw.get("end") else None
        time = self._clock.read(raw["time"][0])
        products = [text("product")] if text("product") else []
        row = _Row(item, text("encounter"), order, text("drug"), words, kinds, time, end, line, raw, routes, products)
        if self._map.rows.same:
            row.key = tuple(tuple(map(str, raw.get(it, ()))) for it in self._map.rows.same)
        else:
            row.key = tuple(tuple(map(str, it)) for it in raw.values())
        return row

    def _actions(self, file: str, number: int, action: str, raw: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """What a row says was done, in words and in kinds; a word that no mapping knows is noted."""
        if self._map.columns.action is None:
            words, kinds = [A_ROW], ["stop"]
        elif not action:
            return [], []
        else:
            words, kinds = self._words(file, number, action)
        for condition, kind in self._reads_as:
            if _fits(condition, raw):
                return [action or A_ROW], [kind]
        return words, kinds

    def _words(self, file: str, number: int, action: str) -> tuple[list[str], list[str]]:
        separator = self._map.rows.split_actions
        words = [action]
        if action not in self._kinds and separator:
            words = [it.strip() for it in action.split(separator) if it.strip()]
        for word in words:
            if word not in self._kinds:
                self._unknown[file, word].append(number)
        return words, [str(self._kinds.get(word)) for word in words]

    def unknown_words(self) -> Iterator[Refusal]:
        """Refuse a file for each word for an action that the mapping does not know."""
        for (file, word), numbers in self._unknown.items():
            times = "once" if len(numbers) == 1 else f"{len(numbers)} times"
            seen = f"the word {show(word)} for an action, {times}, first in row {numbers[0]}"
            problem = Problem((), seen, "a word that stands in [actions] of the mapping")
            yield refuse(Source(file, numbers[0]), problem)

    def take_encounters(self, table: Table) -> None:
        """Take the file of encounters."""
        columns = self._map.encounters
        if columns is None:
            problem = "a file of encounters, and the mapping has no table [encounters]"
            raise UnreadableError(problem, "a mapping that names its columns")
        at = place_of(table, columns.encounter, "encounter")
        where = None if columns.place_of_service is None else place_of(table, columns.place_of_service, "place")
        codes = [place_of(table, it, "diagnoses") for it in columns.diagnoses]
        payer = None if columns.payer is None else place_of(table, columns.payer, "payer")
        for row in table.rows:
            visit = self._visits.setdefault(str(row.values[at]).strip(), _Visit())
            if where is not None and str(row.values[where]).strip():
                visit.places.append(str(row.values[where]).strip())
            visit.diagnoses += [it for place in codes for it in split_codes(str(row.values[place]))]
            if payer is not None and str(row.values[payer]).strip():
                visit.payers.append(str(row.values[payer]).strip())

    # --- What counts

    def finish(self, found: ImportedEvents) -> None:
        """Make the charts and the report of all that was taken."""
        self._settle_offsets()
        rows = list(self._without_copies())
        rows = list(self._without_taken_back(rows))
        rows = list(self._events(rows))
        by_visit: dict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            by_visit[row.encounter].append(row)
        made: list[list[Given]] = []
        unknown: dict[str, set[int]] = defaultdict(set)
        for name in sorted(by_visit, key=natural):
            given = self._visit(name, by_visit[name], unknown)
            chart = self._chart(name, given, found) if given else None
            if chart is not None:
                found.charts.append(chart)
                made.append(given)
                for it in given:
                    for item in it.items:
                        self.account.use(item)
        sums = self.account.report()
        told: dict[str, Any] = {key: sums.pop(key) for key in ("rows", "voided", "left_out")}
        told["administrations"] = figures(made)
        if self._visits:
            without = len(set(self._visits) - {row.encounter for row in self._rows})
            told["encounters"] = {"listed": len(self._visits), "without_events": without}
        if self._map.new_bag_stops_the_old:
            told["stops_by_new_bag"] = self.stops_by_new_bag
        told["findings"] = sums["findings"]
        told["time_zone"] = self._clock.zone
        if self._clock.zone is None:
            told["says"] = "no zone is given: times are as written, and the date of a visit is that of its first time"
        told["drugs_not_found"] = [
            {"printed": printed, "rows": self._places(items)} for printed, items in sorted(unknown.items())
        ]
        told["columns_not_there"] = sorted(set(self._missing_columns))
        told["sources"] = [
            {
                "encounter": chart["id"],
                "administrations": [
                    {"id": it.fields["id"], "printed": it.printed, "rows": self._places(it.items)} for it in given
                ],
            }
            for chart, given in zip(found.charts, made, strict=True)
        ]
        told["fates"] = sums["fates"]
        found.report = told

    def _settle_offsets(self) -> None:
        """Where some times of a visit have an offset, those without are no times of the same axis."""
        mixed = {row.encounter for row in self._rows if any(it and it.has_offset for it in (row.time, row.end))}
        for row in self._rows:
            if row.encounter in mixed:
                row.time = row.time.without_offset()
                row.end = row.end and row.end.without_offset()

    def _places(self, items: Iterable[int]) -> list[Any]:
        """Where rows stand: their numbers, with the file where there are several."""
        places = [self.account.of(it) for it in sorted(items)]
        several = len(self._files) > 1
        return [{"file": it["file"], "row": it["row"]} if several else it["row"] for it in places]

    def _without_copies(self) -> Iterator[_Row]:
        """Of rows that agree in the columns of the mapping one counts; none where they say different things.

        A column in which a copy has nothing says nothing: emar_detail has what was given in other rows than the route.
        """
        alike: dict[tuple[Any, ...], list[_Row]] = defaultdict(list)
        for row in self._rows:
            alike[row.key].append(row)
        for rows in alike.values():
            if len(rows) == 1:
                yield rows[0]
                continue
            first, *copies = sorted(rows, key=lambda it: [list(map(str, values)) for values in it.raw.values()])
            said = {
                ours: [_said(it.raw[ours][n] for it in rows) for n in range(len(first.raw[ours]))] for ours in first.raw
            }
            differ = [ours for ours, places in said.items() if any(len(values) > 1 for values in places)]
            if not {*differ}.isdisjoint(_CONTENT):
                message = "rows that are copies of each other by the mapping say different things; all are left out"
                for row in rows:
                    self.account.leave_out(row.item, "copies_differ")
                self._tell(rows, "copies_differ", message)
                continue
            if asked := [ours for ours in differ if ours in _WRITTEN]:
                message = f"copies say different things in {', '.join(asked)}: none of it is written down"
                self._tell(rows, "copies_differ_beside", message)
            first.raw = {ours: [it[0] if len(it) == 1 else "" for it in places] for ours, places in said.items()}
            first.routes = [str(it).strip() for it in first.raw.get("route", ())]
            first.products = list(dict.fromkeys(text for it in (first, *copies) for text in it.products))
            yield first
            for copy in copies:
                self.account.void(copy.item, "second_copy")
                self.account.find("second_copies", "rows that are copies of another one", [copy.item], **copy.named)

    def _without_taken_back(self, rows: Sequence[_Row]) -> Iterator[_Row]:
        """Void what is taken back, and what takes it back; of what is replaced the row that it stands for."""
        taken: dict[int, str] = {}
        voiding = [it for it in rows if it.kinds == ["void"]]
        by_line: dict[tuple[str, str, str], list[_Row]] = defaultdict(list)
        by_time: dict[tuple[Any, ...], list[_Row]] = defaultdict(list)
        for row in rows:
            by_line[row.encounter, row.order, row.line].append(row)
            by_time[self._when(row)].append(row)
        for row in sorted(voiding, key=lambda it: (it.encounter, it.order, it.time.rank or 0.0, natural(it.line))):
            line = _text(row.raw, "takes_back")
            others = by_line[row.encounter, row.order, line] if line else by_time[self._when(row)]
            others = [it for it in others if it is not row and it.item not in taken and it.kinds != ["void"]]
            if not line and len(others) > 1:
                others = [it for it in others if _RUNNING & set(it.kinds)] or others
            if len(others) == 1:
                self.account.void(others[0].item, "taken_back")
                self.account.void(row.item, "takes_back")
                taken[others[0].item] = taken[row.item] = "voided"
                continue
            taken[row.item] = "left out"
            reason = "takes_back_unclear" if others else "takes_back_nothing"
            self.account.leave_out(row.item, reason)
            for it in others:
                taken[it.item] = "left out"
                self.account.leave_out(it.item, reason)
            which = "several rows, and which is not said; all are left out" if others else "a row that is not there"
            self._tell([row, *others], reason, f"{row.words[0]} takes back {which}")
        for row in sorted(rows, key=lambda it: (it.encounter, it.order, natural(it.line), it.item)):
            # a row of another action that names a line stands in its place
            line = _text(row.raw, "takes_back")
            if not line or taken.get(row.item, "replaced") != "replaced" or row.kinds == ["void"]:
                continue
            named = [it for it in by_line[row.encounter, row.order, line] if it is not row]
            others = [it for it in named if taken.get(it.item) is None]
            for it in others:
                taken[it.item] = "replaced"
                self.account.void(it.item, "replaced")
            if not others:
                kind, why = (
                    ("replaced_twice", "was replaced already") if named else ("replaces_nothing", "is not there")
                )
                word = row.words[0] if row.words else "a row"
                self._tell([row, *named], kind, f"{word} replaces a row that {why}; it is kept")
        yield from (it for it in rows if it.item not in taken)

    @staticmethod
    def _when(row: _Row) -> tuple[Any, ...]:
        return (row.encounter, row.order, row.drug, row.time.day, row.time.rank)

    def _events(self, rows: Iterable[_Row]) -> Iterator[_Row]:
        """Leave out the rows that are no event of an administration, each with its reason."""
        aside = {"not_given", "not_an_event", "nothing_new", "volume_record", "waste"}
        for row in rows:
            reason = None
            if not row.kinds:
                reason = "no_action"
            elif set(row.kinds) == {"rewritten"}:
                self.account.void(row.item, "rewritten")
                continue
            elif set(row.kinds) == {"site_changed"}:
                self.account.leave_out(row.item, "site_changed")
                message = f"{row.words[0]} {_clock(row.time)}: a chart has one site an administration"
                self._tell([row], "site_changed", message)
                continue
            elif not _RUNNING & set(row.kinds):
                reason = next(it for it in row.kinds if it in aside) if aside & set(row.kinds) else row.kinds[0]
            elif not row.encounter:
                reason = "no_encounter"
            elif nameless(row.drug):
                reason = "no_drug"
            if reason is None:
                yield row
                continue
            self.account.leave_out(row.item, reason)
            if reason in ("no_action", "no_encounter", "no_drug"):
                self._tell([row], reason, f"a row without {reason.removeprefix('no_')}")
            elif reason == "not_an_event":
                self._holds.append(row)
            elif reason == "not_given" and self._keep_not_given:
                self._not_given[row.encounter].append(row)

    def _tell(self, rows: Sequence[_Row], kind: str, message: str) -> None:
        self.account.find(kind, message, [it.item for it in rows], **rows[0].named)

    # --- Administrations

    def _visit(self, name: str, rows: Sequence[_Row], unknown: dict[str, set[int]]) -> list[Given]:
        """Give the administrations of a visit."""
        orders: dict[str, dict[str, list[_Row]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            orders[row.order][row.drug].append(row)
        ids: set[str] = set()
        bags: set[str] = set()
        given: list[Given] = []
        for order in sorted(orders, key=natural):
            given += self._order(name, order, self._by_drug(orders[order]), ids, bags)
        for it in given:
            if not it.found:
                unknown[it.printed].update(it.items)
        return given

    def _by_drug(self, printed: Mapping[str, Sequence[_Row]]) -> dict[str, list[_Row]]:
        """The rows of an order by their drug: names of one drug are one, as when the dose in the name was changed.

        But not where both names have the same event at the same time: then they are parts of one bag.
        """
        found: dict[str, list[_Row]] = {}
        merged: dict[str, list[str]] = defaultdict(list)
        for text in sorted(printed):
            rows = printed[text]
            day = min((it.time.day for it in rows if it.time.day is not None), default=_ANY_DAY)
            named = self._names.read(text, day).found
            done = {(it.time.rank, tuple(it.words)) for it in rows}
            for other in merged[named.drug.key] if named is not None else ():
                if done.isdisjoint((it.time.rank, tuple(it.words)) for it in found[other]):
                    found[other] += rows
                    break
            else:
                found[text] = list(rows)
                if named is not None:
                    merged[named.drug.key].append(text)
        return found

    def _order(
        self, name: str, order: str, drugs: Mapping[str, Sequence[_Row]], ids: set[str], taken: set[str]
    ) -> list[Given]:
        """The administrations of an order; `ids` and `taken` are the ids and the bags that others of the visit have."""
        main = {drug for drug, rows in drugs.items() if not all(_fits(self._carriers, it.raw) for it in rows)}
        runs = [(run, drug) for drug in sorted(drugs) for run in self._runs(name, order, drugs[drug])]
        runs.sort(key=lambda it: (it[0].begins, it[1] not in main, it[1]))
        self._report_holds(name, order, [run for run, _ in runs])
        found: list[_Found] = []
        for run, drug in runs:
            rows = [self._by_item[it.item] for it in run.events]
            route = self._route(name, order, rows)
            if route is not None and not self._two_drugs(name, order, run, rows):
                added = any(_fits(self._additives, row.raw) for row in rows)
                found.append(_Found(run, rows, drug, route, bool(main) and drug not in main, added))
        bags = _bags(found) if order else {}
        names: dict[int, str] = {}
        made: dict[int, list[Given]] = {}
        for it in found:
            some = made[id(it.run)] = self._given(it, _free(order or "MAR", 1, ids))
            if len(some) > 1 or id(it.run) in bags:
                number = bags.get(id(it.run), id(it.run))
                if number not in names:
                    names[number] = _free(order or "MAR", 0, taken)
                for one in some:
                    one.fields["bag"] = names[number]
            for old, new in zip(made.get(id(it.run.continues), ()), some, strict=False):
                new.fields["continues"] = old.fields["id"]
        return [one for some in made.values() for one in some]

    def _runs(self, name: str, order: str, rows: Sequence[_Row]) -> list[Run]:
        def tell(kind: str, message: str, events: Sequence[Event]) -> None:
            items = [it.item for it in events]
            self.account.find(kind, message, items, encounter=name, order=order or None)

        machine = Machine(tell, new_bag_stops=self._map.new_bag_stops_the_old)
        events = [it for row in rows for it in self._of(row)]
        runs = machine.follow(events)
        self.stops_by_new_bag += machine.stops_by_new_bag
        for event in events:
            if event.left_out:
                self.account.leave_out(event.item, event.left_out)
        return runs

    def _of(self, row: _Row) -> Iterator[Event]:
        """The events of a row: one, several where it says several, two where it is a stretch of time."""
        line = natural(row.line) if row.line else None
        no_stop = next(((minutes, why) for words, minutes, why in self._no_stop if _fits(words, row.raw)), None)
        reason = _text(row.raw, "reason") or None
        content = repr([list(map(str, values)) for values in row.raw.values()])
        make = partial(Event, row.item, line=line, no_stop=no_stop, reason=reason, content=content)
        stretch = row.end is not None and row.kinds[0] in ("stop", "rate", "pause")
        if stretch and row.end is not None:
            yield make("start", row.words[0], row.time, begins_row=True)
            if row.end.trouble != NO_TIME and (row.end.at is None or row.end.at != row.time.at):
                yield make(row.kinds[0], row.words[0], row.end, part=1, ends_row=True)
            return
        for part, (kind, word) in enumerate(zip(row.kinds, row.words, strict=True)):
            if kind in _RUNNING:
                starts = word in self._map.actions.resume_or_start
                yield make(kind, word, row.time, part=part, starts_without_run=starts)

    def _report_holds(self, name: str, order: str, runs: Sequence[Run]) -> None:
        """Report what is held for all orders while something of this one runs: it says nothing of the pump."""
        held = [it for it in self._holds if it.encounter == name and it.order == order and it.time.rank is not None]
        begins = [it for it in held if it.words[0] in self._map.actions.hold]
        ends = [it for it in held if it.words[0] in self._map.actions.unhold]
        for run in runs:
            if run.first.kind in ("single", "push") or run.start is None:
                continue
            until = run.stop.timestamp() if run.stop and run.stop.tzinfo else None
            if run.stop and not run.stop.tzinfo:
                until = run.stop.replace(tzinfo=dt.UTC).timestamp()
            inside = [
                [
                    it
                    for it in some
                    if run.begins <= (it.time.rank or 0.0) and (until is None or (it.time.rank or 0.0) <= until)
                ]
                for some in (begins, ends)
            ]
            if any(inside):
                rows = [*inside[0], *inside[1]]
                times = " to ".join(_clock(it.time) for it in rows)
                items = [it.item for it in rows]
                self.account.find(
                    "hold_while_running",
                    f"{rows[0].words[0]} {times} while it ran; it says nothing of the pump",
                    items,
                    encounter=name,
                    order=order or None,
                    count=max(len(inside[0]), 1),
                )

    def _route(self, name: str, order: str, rows: Sequence[_Row]) -> str | None:
        """The route of a run; None, with the rows left out and the reason told, where they do not agree on one."""
        voices = Voices()
        for row in rows:
            for column, text in zip(self._map.columns.route, row.routes, strict=False):
                voices.hear(column, text, self._routes.of(text))
        reason = "route_contradicted" if voices.differ else None if voices.says else "no_route"
        if reason is None:
            return voices.says
        for row in rows:
            self.account.leave_out(row.item, reason)
        message = (
            f"{voices.told}; left out"
            if voices.differ
            else f"no route that the mapping knows: {voices.told or 'none is given'}"
        )
        self.account.find(reason, message, [it.item for it in rows], encounter=name, order=order or None)
        return None

    def _named(self, rows: Sequence[_Row], run: Run) -> PrintedName:
        """The drug of a run: what its name says, or, where that is not known, what its NDC is of."""
        day = run.day or _ANY_DAY
        named, product = self._names.read(rows[0].drug, day), self._product(rows)
        if named.found is None and named.differ is None and product is not None:
            named = self._names.read(f"NDC {product}", day)
            if named.found is None:
                named = self._names.read(rows[0].drug, day)
        return replace(named, product=product or named.product)

    def _product(self, rows: Sequence[_Row]) -> str | None:
        """The NDC that rows give; None where they give none, several, or one that cannot be told."""
        codes = {ndc(text) for it in rows for text in it.products}
        return codes.pop() if len(codes) == 1 else None

    def _two_drugs(self, name: str, order: str, run: Run, rows: Sequence[_Row]) -> bool:
        """Whether a name, or a name and the NDC beside it, are of different drugs; the rows are then left out."""
        drug, day = rows[0].drug, run.day or _ANY_DAY
        named, product = self._names.read(drug, day), self._product(rows)
        differ = named.differ
        if differ is None and named.found is not None and product is not None:
            coded = self._names.read(f"NDC {product}", day).found
            if coded is not None and coded.drug is not named.found.drug:
                differ = (named.found.drug.name, f"NDC {product} ({coded.drug.name})")
        given = dict.fromkeys(text for it in rows for text in it.products)
        if given and product is None:
            why = "several" if len({ndc(it) for it in given}) > 1 else "no NDC of ten digits with dashes, or of eleven"
            message = f"{', '.join(map(show, given))}: {why}; not written down"
            items = [it.item for it in rows]
            self.account.find("product_unclear", message, items, encounter=name, order=order or None)
        if differ is None:
            return False
        for row in rows:
            self.account.leave_out(row.item, "drug_contradicted")
        message = f"{show(drug)} names {differ[0]} and {differ[1]}; left out"
        if named.differ is None:
            message = f"{show(drug)} is {differ[0]}, and the code beside it {differ[1]}; left out"
        self.account.find("drug_contradicted", message, [it.item for it in rows], encounter=name, order=order or None)
        return True

    def _given(self, it: _Found, label: str) -> list[Given]:
        """The administration of a run, and beside it the carrier that the name says."""
        run, first = it.run, it.rows[0]
        named = self._named(it.rows, run)
        both: dict[str, Any] = {
            "route": it.route,
            "method": self._method(run, it.rows),
            "start": iso(run.start),
            "stop": iso(run.stop),
            "pauses": [_pause(pause) for pause in run.pauses],
            "site": self._site(it.rows) if it.route in VASCULAR else None,
            "rate_ml_per_h": self._rate(first, run),
            "source": _source(it.rows),
            "note": None if named.drug == first.drug else f"printed as {first.drug}",
        }
        own: dict[str, Any] = {
            "id": label,
            "drug": named.drug,
            "product": named.product if not named.others else None,
            "ordered_minutes": _minutes(first.raw),
            "amount": _amount(first.raw) if not named.others else None,
            "purpose": "carrier" if it.carrier else None,
            "volume_ml": named.ml if named.carrier is None else None,
        }
        counted: dict[str, Any] = {
            "printed": first.drug,
            "found": named.found is not None,
            "items": {row.item for row in it.rows},
            "rate_changes": run.rate_changes,
            "ended_paused": run.ended_paused,
            "started_while_running": run.started_while_running,
            "begins": run.begins,
        }
        given = [Given({**own, **both}, **counted)]
        for number, other in enumerate(named.others, start=2):
            given.append(Given({"id": f"{label}-{number}", "drug": other.drug, **both}, **counted))
        if named.carrier is not None and not run.from_running and not it.carrier:
            beside = {
                "id": f"{label}-carrier",
                "drug": named.carrier,
                "purpose": None if named.added else "carrier",
                "volume_ml": named.ml,
            }
            given.append(Given({**beside, **both}, **counted))
        return given

    def _site(self, rows: Sequence[_Row]) -> str | None:
        named = [(it, site) for it in rows if (site := _text(it.raw, "site"))]
        if not named:
            return None
        if others := [it for it, site in named if site != named[0][1]]:
            message = f"{named[0][1]} at first, then another; a chart has one site an administration"
            self._tell(others, "site_changed", message)
        return named[0][1]

    def _method(self, run: Run, rows: Sequence[_Row]) -> str | None:
        if run.first.kind == "push":
            return "push"
        said = {it for row in rows for text in row.routes for it in self._methods.of(text)}
        if len(said) > 1 or (said == {"push"} and run.of_a_bag):
            message = "the route says one way of giving it, and the action or the route another; none is written down"
            self._tell(rows, "method_contradicted", message)
            return None
        return said.pop() if said else None

    def _rate(self, row: _Row, run: Run) -> float | None:
        unit, rate = _text(row.raw, "rate_unit"), _text(row.raw, "rate")
        if run.rate_changes or len(run.pauses) > 0 or not re.fullmatch(r"ml\s*/\s*(h|hr|hour)", unit, re.IGNORECASE):
            return None
        return _number(rate)

    # --- Charts

    def _chart(self, name: str, given: list[Given], found: ImportedEvents) -> dict[str, Any] | None:
        items = sorted({item for it in given for item in it.items})
        visit = self._visits.get(name, _Visit())
        rows = [self._by_item[it] for it in items]
        days = [(it.time.rank, it.time.day) for it in rows if it.time.day is not None and it.time.rank is not None]
        days += [(it.end.rank, it.end.day) for it in rows if it.end and it.end.day and it.end.rank is not None]
        place, reason, message = self._place_of(visit)
        if not days:
            reason, message = "no_date", "no row of the visit has a time or a date"
        if reason is not None:
            for item in items:
                self.account.leave_out(item, reason)
            self.account.find(reason, message, items, encounter=name)
            return None
        chart: dict[str, Any] = {
            "id": name,
            "place_of_service": place,
            "date": str(min(days)[1]),
            "payer": self._payer(name, visit, items),
            "diagnoses": self._diagnoses(name, visit, items),
            "access_sites": access_sites(sorted(given, key=lambda it: it.begins)),
            "time_zone": self._clock.zone,
            "administrations": [
                *(
                    {k: value for k, value in it.fields.items() if value not in (None, []) or k in ("start", "stop")}
                    for it in given
                ),
                *self._without_dose(name),
            ],
        }
        whole, refusals = checked(chart, Source(f"encounter {name}"))
        if whole is not None:
            return whole
        found.refusals += refusals
        for item in items:
            self.account.leave_out(item, "chart_refused")
        self.account.find("chart_refused", str(refusals[0].message), items, encounter=name)
        return None

    def _without_dose(self, name: str) -> Iterator[dict[str, Any]]:
        """What was charted and not given, as a chart has it: it decides nothing."""
        rows = sorted(
            self._not_given[name], key=lambda it: (natural(it.order), it.time.rank or 0.0, natural(it.line), it.drug)
        )
        for number, row in enumerate(rows, start=1):
            voices = Voices()
            for column, text in zip(self._map.columns.route, row.routes, strict=False):
                voices.hear(column, text, self._routes.of(text))
            if row.drug and voices.says is not None:
                named = self._names.read(row.drug, row.time.day or _ANY_DAY)
                yield {
                    "id": f"{row.order or 'MAR'}-not-given-{number}",
                    "drug": named.drug,
                    "route": voices.says,
                    "done": False,
                    "source": _source([row]),
                    "note": f"{row.words[0]} {_clock(row.time)}",
                }

    def _place_of(self, visit: _Visit) -> tuple[str | None, str | None, str]:
        """The place of service of a visit, or why there is none."""
        known = {key.casefold(): code for key, code in self._map.place_of_service.items()}
        codes = dict.fromkeys(
            known.get(word.casefold(), word if re.fullmatch(r"[0-9]{2}", word) else None) for word in visit.places
        )
        said = [it for it in codes if it is not None]
        if len(said) > 1:
            return None, "place_contradicted", f"several places of service: {', '.join(said)}"
        if said:
            return said[0], None, ""
        if self._place is not None:
            return self._place, None, ""
        if visit.places:
            return None, "place_not_mapped", f"the place {show(visit.places[0])} has no code in [place_of_service]"
        return None, "no_place_of_service", "nothing says where it was; --place-of-service gives it for such visits"

    def _payer(self, name: str, visit: _Visit, items: Sequence[int]) -> str | None:
        said = list(dict.fromkeys(it.casefold() for it in visit.payers))
        if len(said) > 1:
            self.account.find("payer_contradicted", "several payers; none is written down", items, encounter=name)
        return said[0] if len(said) == 1 else None

    def _diagnoses(self, name: str, visit: _Visit, items: Sequence[int]) -> list[str]:
        found = []
        for text in dict.fromkeys(visit.diagnoses):
            code = diagnosis(text)
            if code is None:
                message = f"{show(text)} is no ICD-10-CM code; left out of the diagnoses"
                self.account.find("diagnosis_not_icd10", message, items, encounter=name)
            else:
                found.append(code)
        return list(dict.fromkeys(found))


@dataclass(eq=False)
class _Found:
    """An administration as its rows tell of it: of which drug, by which route, and what it is in its bag."""

    run: Run
    rows: Sequence[_Row]
    drug: str
    route: str
    carrier: bool
    added: bool


@dataclass
class _Visit:
    """What the file of encounters says of a visit."""

    places: list[str] = field(default_factory=list)
    diagnoses: list[str] = field(default_factory=list)
    payers: list[str] = field(default_factory=list)


def _said(values: Iterable[Any]) -> list[Any]:
    """What values say that are not blank, each once."""
    return list({str(it): it for it in values if str(it).strip()}.values())


def _text(raw: Mapping[str, Any], name: str) -> str:
    return str(raw[name][0]).strip() if raw.get(name) else ""


def _fits(words: Mapping[str, Sequence[str]] | Condition, raw: Mapping[str, Any]) -> bool:
    """Whether a row has one of the words in each column of a condition; no condition fits nothing."""
    if isinstance(words, Condition):
        words = words.words()
    return bool(words) and all(
        any(word.casefold() in str(value).casefold() for value in raw.get(column, ()) for word in some)
        for column, some in words.items()
    )


def _bags(found: Sequence[_Found]) -> dict[int, int]:
    """Number the bags in which several drugs of one order are together: those that begin at one time, by one route.

    Single doses are together only where one of them is what the others are mixed into, or is added to a bag.
    """
    together: dict[object, list[_Found]] = defaultdict(list)
    for it in found:
        if not it.run.from_running and (it.run.start or it.run.stop):
            together[it.route, it.run.start, None if it.run.start else it.run.stop].append(it)
    numbers: dict[int, int] = {}
    for number, some in enumerate(together.values()):
        doses = all(it.run.first.kind in ("single", "push") for it in some)
        if len({it.drug for it in some}) > 1 and (not doses or any(it.carrier or it.added for it in some)):
            numbers.update({id(it.run): number for it in some})
    return numbers


def _free(name: str, number: int, taken: set[str]) -> str:
    """Give a name that nothing else of the visit has, with a number behind it; the first may do without (0)."""
    found = f"{name}-{number}" if number else name
    while found in taken or f"{found}-carrier" in taken:
        number = max(number, 1) + 1
        found = f"{name}-{number}"
    taken.add(found)
    return found


def _source(rows: Sequence[_Row]) -> str:
    """Where the record has an administration: its order, and the lines where they have numbers."""
    order = f"order {rows[0].order}" if rows[0].order else "no order"
    lines = sorted({it.line for it in rows if it.line}, key=natural)
    return f"MAR {order}" + (f", line {', '.join(lines)}" if lines else "")


def _amount(raw: Mapping[str, Any]) -> str | None:
    """The dose of a row, where it is an amount that a chart can have; a rate is none."""
    dose = f"{_text(raw, 'dose')} {_text(raw, 'dose_unit')}".strip()
    try:
        return charted_amount(dose).text
    except PydanticCustomError:
        return None


def _bag(order: str, number: int) -> str:
    return order if number == 1 else f"{order}-{number}"


def _pause(pause: RunPause) -> dict[str, Any]:
    times = {"from": iso(pause.begin), "to": iso(pause.end)}
    return times if pause.reason is None else {**times, "reason": pause.reason}


def _clock(time: ClockReading) -> str:
    if time.at is not None:
        return f"{time.at:%H:%M}"
    return "without a time" if time.day is None else f"on {time.day}"


def _number(text: str) -> float | None:
    try:
        found = float(text.replace(",", ""))
    except ValueError:
        return None
    return found if 0 <= found <= LARGEST else None


def _minutes(raw: Mapping[str, Any]) -> int | None:
    """The ordered length of a row in minutes, where it is a whole number of them."""
    length, unit = _number(_text(raw, "ordered_length")), _text(raw, "ordered_length_unit").casefold()
    if length is None or not unit:
        return None
    minutes = length * (1 if unit.startswith("min") else 60 if unit.startswith(("h", "hour")) else 0)
    return int(minutes) if minutes >= 1 and minutes == int(minutes) else None
