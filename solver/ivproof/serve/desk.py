"""The work queue of a coder: charts of files, what is known of each, and what the coder makes of them.

Charts are kept in memory as long as the service runs, and written nowhere: no file of theirs is changed. What is said
of a chart is worked out when it is first asked for, and again when the chart is another one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from ivproof.audit.model import Audit
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.files import STDIN, AnySheet, Sheet, scan
from ivproof.chart.reading import Chart
from ivproof.chart.refusal import Problem, Refusal, refuse
from ivproof.claim.determination import ClaimLine, Determination
from ivproof.engine.claims import Units, difference, in_words
from ivproof.engine.faults import bare_place_of
from ivproof.exports.fhir import FhirExport, Parties, bundle
from ivproof.formats.extras import need
from ivproof.formats.plain import json_text
from ivproof.formats.spreadsheet import table
from ivproof.frames.answers import CLAIM_COLUMNS, claim_header, claim_rows
from ivproof.law.policy import Option, Question
from ivproof.render.margins import sentence
from ivproof.report.page import Report, label_of, report, verdict_of
from ivproof.serve import forms
from ivproof.serve.answering import Service, Setting
from ivproof.serve.asking import CHART
from ivproof.serve.log import now
from ivproof.whatif.margins import Margin, margins_of
from ivproof.whatif.missing import MissingReport, missing_facts
from ivproof.whatif.readings import ChartReadings
from ivproof.why.why import units_by_code

T = TypeVar("T")

MOST = 2000
"""So many charts are taken into a queue."""

AT_ONCE = 0.7
"""For so many seconds rows of the queue are worked out before the page is given what there is."""

EMPTY: Mapping[str, Any] = {"id": "", "date": "", "place_of_service": "", "administrations": []}
"""A chart that is begun on the page."""


@dataclass(frozen=True)
class Row:
    """What the queue says of a chart: its status, the claim, what to ask, the closest call, and billed against derived.

    `status` is that of the determination, ``refused``, or ``failed`` where this program did; `said` is why.
    """

    status: str
    encounter: str = ""
    date: str = ""
    claim: str = ""
    ask: tuple[str, ...] = ()
    near: int | None = None
    nearest: str = ""
    billed: str = ""
    said: str = ""
    found: Determination | None = None


@dataclass
class Entry:
    """A chart of the queue: where it came from, as charted, and as it stands now: data, or the text that was typed.

    `readings` are the questions of the policy that the coder settles for this chart, by key.
    """

    number: int
    where: str
    charted: Any
    data: Any
    text: str | None = None
    refusals: tuple[Refusal, ...] = ()
    done: bool = False
    readings: Mapping[str, str] = field(default_factory=dict)
    row: Row | None = None
    unreadable: tuple[Refusal, ...] = ()
    before: Units | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The id of the chart, as far as it can be read; of what cannot be read at all, where it stands."""
        if self.is_no_chart and self.data is None:
            return self.where
        found = self.data.get("id") if isinstance(self.data, Mapping) else None
        return str(found) if found else f"chart {self.number}"

    @property
    def is_no_chart(self) -> bool:
        """Whether its file has no chart there: it is missing, empty, or text from which none can be taken."""
        return bool(self.unreadable) and not any(it.encounter or it.place for it in self.unreadable)

    @property
    def changed(self) -> bool:
        """Whether it is not as its file has it."""
        return self.text is not None or self.data != self.charted


@dataclass(frozen=True)
class Settled:
    """A question that the coder settles: for one chart, or for `every` one."""

    question: Question
    option: Option
    every: bool

    def __str__(self) -> str:
        """Say it in a word: ``A26 is B (further_hour)``."""
        return f"{self.question.number} is {self.option.letter} ({self.option.name})"


@dataclass(frozen=True)
class Now:
    """What is said of a chart while it is being typed: its claim, and what is another than as charted."""

    status: str
    said: str
    lines: tuple[tuple[ClaimLine, str], ...] = ()
    charted: str = ""
    change: str = ""
    rivals: int = 0
    refusals: tuple[Refusal, ...] = ()
    reasons: tuple[str, ...] = ()
    settled: tuple[Settled, ...] = ()
    open: tuple[str, ...] = ()


class Desk:
    """The queue, and what can be asked of its charts."""

    def __init__(self, service: Service, sheets: Iterable[AnySheet] = ()) -> None:
        """Take charts from their files."""
        self.service = service
        self.entries: list[Entry] = []
        self.held: Mapping[str, str] = {}
        self.left_out = 0
        self._lock = Lock()
        for sheet in sheets:
            if len(self.entries) == MOST:
                self.left_out += 1
                continue
            if isinstance(sheet, Sheet):
                data, problems = sheet.data()
                refused = () if data is not None or not problems else sheet.chart().refusals
            else:  # rows of tables have no text of their own
                found = sheet.chart()
                data, refused = (dumps(found.encounter), ()) if found.encounter else (None, found.refusals)
            self._add(sheet.source.where, data, refused)

    def without_chart(self) -> list[Refusal]:
        """Say of each row of the queue from which no chart at all could be taken why: nothing in it is of a chart."""
        return [refusal for it in self.entries if it.is_no_chart for refusal in it.unreadable]

    def has_charts(self) -> bool:
        """Whether a chart could be taken from any of the files, be it one that is refused."""
        return not all(it.is_no_chart for it in self.entries)

    def _add(self, where: str, data: Any, refusals: Sequence[Refusal] = ()) -> Entry:
        with self._lock:
            why = tuple(refusals)
            found = Entry(len(self.entries) + 1, where, data, data, refusals=why, unreadable=why)
            self.entries.append(found)
        return found

    def begin(self) -> Entry:
        """Begin a chart that no file has."""
        return self._add("begun here", {**EMPTY, "id": f"NEW-{len(self.entries) + 1}"})

    def entry(self, number: int) -> Entry | None:
        """Give the chart with that number, if there is one."""
        return self.entries[number - 1] if 0 < number <= len(self.entries) else None

    def after(self, entry: Entry) -> Entry | None:
        """Give the next chart that is not done: below it, or else from the top."""
        order = [*self.entries[entry.number :], *self.entries[: entry.number - 1]]
        return next((it for it in order if not it.done), None)

    # --- a chart as it is sent

    def take(self, entry: Entry, sent: Mapping[str, str]) -> None:
        """Take what a form has of a chart: its fields, or its text."""
        if sent.get("tab") == "text":
            self._take_text(entry, sent.get("text", ""))
            return
        try:
            base = json.loads(sent.get("base", "null"))
        except ValueError:
            return
        if isinstance(base, dict):
            self._put(entry, forms.chart(base, sent), None, ())

    def _take_text(self, entry: Entry, text: str) -> None:
        # a browser ends lines with two characters
        raw = text.replace("\r\n", "\n").encode(errors="surrogatepass")
        sheets = [it._replace(source=it.source._replace(file=CHART.file)) for it in scan([STDIN], BytesIO(raw))]
        if len(sheets) > 1:
            several = refuse(CHART, Problem((), f"{len(sheets)} charts", "one chart"))
            self._put(entry, entry.data, text, (several,))
            return
        [sheet] = sheets
        data, problems = sheet.data()
        if isinstance(data, dict) and not problems:
            chart = sheet.chart()
            self._put(entry, data, text if chart.refusals else None, chart.refusals)
        else:
            self._put(entry, entry.data, text, sheet.chart().refusals)

    def _put(self, entry: Entry, data: Any, text: str | None, refusals: Sequence[Refusal]) -> None:
        with self._lock:
            if (data, text) != (entry.data, entry.text):
                entry.row = None
            entry.data, entry.text, entry.refusals = data, text, tuple(refusals)

    def settle(self, entry: Entry, question: str, option: str | None, *, every: bool) -> None:
        """Settle a question of the policy for a chart, or for each without an own option; with none take that back.

        Raises PolicyError where there is no such question or option.
        """
        asked = self.service.policy.question(question)
        chosen = {} if option is None else {asked.key: asked.option(option).name}
        with self._lock:
            own = asked.key in entry.readings
            if every or own:
                entry.readings = {key: it for key, it in entry.readings.items() if key != asked.key}
            if every or (option is None and not own):
                self.held = {key: it for key, it in self.held.items() if key != asked.key} | chosen
                for it in self.entries:
                    it.row = None
            else:
                entry.readings = {**entry.readings, **chosen}
            entry.row = None

    def settled(self, entry: Entry) -> tuple[Settled, ...]:
        """Give what the coder settles of the policy for a chart, in the order of the questions."""
        held = {**self.held, **entry.readings}
        questions = (it for key, it in self.service.policy.questions.items() if key in held)
        return tuple(Settled(it, it.option(held[it.key]), it.key not in entry.readings) for it in questions)

    def _ask(self, entry: Entry, chart: Encounter, answer: Callable[[Setting], T]) -> T:
        """Do work for a chart, with what the coder settles for it."""
        held = {**self.held, **entry.readings}
        return self.service.ask(chart, answer, self.service.setting(held, chart.payer) if held else None)

    def put_back(self, entry: Entry) -> None:
        """Make a chart again what its file has."""
        entry.done = False
        entry.readings = {}
        self._put(entry, entry.charted, None, entry.unreadable)

    def chart(self, entry: Entry) -> Chart:
        """Read a chart as it stands now."""
        if entry.refusals:
            return Chart(CHART, None, entry.refusals)
        return Sheet(CHART, entry.data).chart()

    # --- what is said of it

    def now(self, entry: Entry) -> Now:
        """Say what follows from a chart as it stands, and what is another than as charted; derived by both engines."""
        chart = self.chart(entry)
        if chart.encounter is None:
            return Now("refused", "The chart cannot be coded as it stands.", refusals=chart.refusals)
        encounter = chart.encounter
        [found] = self._ask(entry, encounter, lambda by: by.plain.code([encounter], "all", changes=False))
        units = Units(units_by_code(found.claim))
        before = self._before(entry)
        policy = self.service.policy
        return Now(
            found.status,
            verdict_of(found),
            tuple((line, label_of(policy, line.code) or line.role) for line in found.claim),
            "" if before is None else in_words(before),
            "" if before is None else difference(before, units),
            len(found.alternatives),
            reasons=(*found.why_undetermined, *found.notes),
            settled=self.settled(entry),
            open=tuple(dict.fromkeys(number for it in found.alternatives for number in it.readings)),
        )

    def _before(self, entry: Entry) -> Units | None:
        """What holds in every claim of the chart as charted, with nothing settled by the coder.

        None where nothing was changed or settled, or where it had no claim.
        """
        if not entry.changed and not self.settled(entry):
            return None
        if entry.before is None:
            charted = Sheet(CHART, entry.charted).chart().encounter
            if charted is None:
                return None
            [found] = self.service.ask(charted, lambda by: by.plain.code([charted], "all", changes=False))
            entry.before = Units(units_by_code(found.claim))
        return entry.before

    def visit(self, entry: Entry) -> Report | None:
        """Give the report of a chart as it stands; None where it is refused."""
        encounter = self.chart(entry).encounter
        if encounter is None:
            return None
        return self._ask(entry, encounter, lambda by: report(by.explainer, encounter, least_change=False))

    def is_billed(self, entry: Entry) -> bool:
        """Whether the chart says what was billed."""
        return isinstance(entry.data, Mapping) and entry.data.get("billed") is not None

    def audit(self, entry: Entry) -> Audit | None:
        """Hold what was billed against the chart, with all that is gone through; None where there is nothing to."""
        encounter = self.chart(entry).encounter
        if encounter is None or not self.is_billed(entry):
            return None
        [found] = self._ask(entry, encounter, lambda by: by.auditor("all").code([encounter], "all"))
        return found

    def missing(self, entry: Entry) -> tuple[MissingReport, Encounter] | None:
        """Tell what each value of what is missing leads to; None where the chart is refused."""
        encounter = self.chart(entry).encounter
        if encounter is None:
            return None
        return self._ask(entry, encounter, lambda by: missing_facts(by.plain, encounter)), encounter

    def margins(self, entry: Entry) -> list[Margin] | None:
        """Give the moves of a time that make the claim another one, the smallest first; None where it is refused."""
        encounter = self.chart(entry).encounter
        if encounter is None:
            return None
        return self._ask(entry, encounter, lambda by: _close(by, encounter))

    def readings(self, entry: Entry) -> ChartReadings | None:
        """Tell which questions decide over a chart; None where it is refused."""
        encounter = self.chart(entry).encounter
        if encounter is None:
            return None
        return self._ask(entry, encounter, lambda by: by.finder.of(by.plain.facts(encounter)))

    def finish(self, entry: Entry) -> None:
        """Take a chart as done; what was decided of it is told."""
        row, chart = self._worked(entry), self.chart(entry).encounter
        if chart is not None and row.found is not None:
            self.service.done(chart, row.found, {**self.held, **entry.readings})
        entry.done = True

    # --- the queue

    def rows(self, seconds: float = AT_ONCE) -> bool:
        """Work out rows of the queue for so long; give whether all are there."""
        until = monotonic() + seconds
        for entry in self.entries:
            if entry.row is None:
                if monotonic() > until:
                    return False
                entry.row = self._row(entry)
        return True

    def _row(self, entry: Entry) -> Row:
        try:
            chart = self.chart(entry)
            if chart.encounter is None:
                return Row(
                    "refused",
                    entry.name,
                    said="; ".join(": ".join(filter(None, (it.place, it.message))) for it in chart.refusals),
                )
            encounter = chart.encounter
            try:
                row = self._ask(entry, encounter, lambda by: _worked_out(by, encounter))
                said = [f"You settled: {', '.join(map(str, settled))}."] if (settled := self.settled(entry)) else []
                return replace(row, said="; ".join(filter(None, (*said, row.said))))
            except TooManyWaysError as error:
                return Row("undecided", encounter.id, encounter.date.isoformat(), said=str(error))
        except Exception as error:  # whatever it is, the other charts are to be answered
            return Row("failed", entry.name, said=f"internal error: {bare_place_of(error)}")

    # --- what is taken out of it

    def claims(self, entries: Sequence[Entry]) -> bytes:
        """Give the claims of charts as CSV, as `ivproof code --format csv` does; one that has none has its status."""
        return claim_header() + b"".join(map(self._claim, entries))

    def _claim(self, entry: Entry) -> bytes:
        row, encounter = self._worked(entry), self.chart(entry).encounter
        if encounter is not None and row.found is not None:
            return claim_rows(encounter, row.found)
        return table([[row.encounter, row.status, *[""] * (len(CLAIM_COLUMNS) - 2)]]).encode()

    def questions(self, entries: Sequence[Entry]) -> bytes:
        """Give what is missing from charts as CSV: what to ask for, and whether the claim hangs on it."""
        found: list[Sequence[object]] = [("encounter", "fact", "weight", "message", "rules")]
        for it in entries:
            row = self._worked(it)
            facts = row.found.missing if row.found else ()
            found += [(row.encounter, fact.fact, fact.weight, fact.message, " ".join(fact.rules)) for fact in facts]
        return table(found).encode()

    def settlements(self, entries: Sequence[Entry]) -> bytes:
        """Give what the coder settled of the policy for charts as CSV."""
        found: list[Sequence[object]] = [("encounter", "question", "name", "option", "says", "for")]
        for it in entries:
            for one in self.settled(it):
                asked, option = one.question, one.option
                whom = "every chart" if one.every else "this chart"
                found.append((it.name, asked.number, asked.name, option.letter, option.says, whom))
        return table(found).encode()

    def tasks(self, entries: Sequence[Entry]) -> bytes:
        """Give what is missing as FHIR: a Task for each fact. Raises MissingExtraError."""
        made: list[dict[str, Any]] = []
        for it in entries:
            row, encounter = self._worked(it), self.chart(it).encounter
            if encounter is not None and row.found is not None:
                made += self._tasks.export(encounter, row.found, Parties()).entries
        return bundle(made) + b"\n"

    @cached_property
    def _tasks(self) -> FhirExport:
        need("fhir", "FHIR")
        return FhirExport(self.service.coder, now(), ["task"])

    def charts(self, entries: Sequence[Entry]) -> bytes:
        """Give charts as they stand now as JSON Lines; those that are refused are left out."""
        found = [it for entry in entries if (it := self.chart(entry).encounter) is not None]
        return "".join(json_text(json.dumps(dumps(it), ensure_ascii=False)) + "\n" for it in found).encode()

    def _worked(self, entry: Entry) -> Row:
        if entry.row is None:
            entry.row = self._row(entry)
        return entry.row


def _close(by: Setting, encounter: Encounter) -> list[Margin]:
    found = [it for one in margins_of(by.plain, encounter).settled for it in one.margins if it.minutes is not None]
    # several claims of a chart can share a call, which is told once
    told: dict[str, Margin] = {}
    for it in found:
        told.setdefault(sentence(it), it)
    return sorted(told.values(), key=lambda it: it.minutes or 0)


def _worked_out(by: Setting, encounter: Encounter) -> Row:
    [found] = by.plain.code([encounter], "all")
    near = _close(by, encounter)
    billed = ""
    if "billed" in encounter.model_fields_set:
        [audit] = by.auditor("none").judge([(encounter, found, encounter.billed)])
        billed = audit.verdict.value.replace("_", " ")
    return Row(
        found.status,
        encounter.id,
        encounter.date.isoformat(),
        in_words(Units(units_by_code(found.claim))),
        tuple(f"{it.field.replace('_', ' ')} of {it.subject}" for it in found.missing if it.would_change),
        near[0].minutes if near else None,
        sentence(near[0]) if near else "",
        billed,
        "; ".join((*found.why_undetermined, *found.notes)),
        found,
    )
