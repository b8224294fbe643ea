"""What a chart does not say: for each gap the claims that each possible value leads to, and what to ask for.

Times are gone through over all whole minutes, other facts value by value; what is told was solved again with the first
engine, for times on both sides of every boundary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

from ivproof.chart.clock import Moment
from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.facts import Facts
from ivproof.claim.statements import Leads, put_between
from ivproof.engine.engine import Answer
from ivproof.formats.output import After, Called, Described, Inside
from ivproof.unknowns.check import Checked
from ivproof.unknowns.claims import ChartMinutes, Claims, Settling
from ivproof.unknowns.gaps import Change, Gap, Length, acceptable, gaps, reported
from ivproof.unknowns.lines import ClaimLines, Reader
from ivproof.unknowns.moments import WINDOW, Charted
from ivproof.unknowns.ranges import Range
from ivproof.whatif.joint import Cell, Joint, joint

if TYPE_CHECKING:
    from ivproof.claim.coding import Coder

ALONE, TOGETHER, NEVER, UNTRIED, OPTIONAL = "alone", "together", "no", "not tried", "not asked for"

NEAR = 240
"""Of a missing time, only the ranges within so many minutes of its earliest moment are combined with other facts."""

RANGES = 8
"""And at most so many of them."""


@dataclass(frozen=True)
class ValueOutcome(Described):
    """What a value leads to. A range of times has `first` and `last` as a chart would write them.

    `says` is what stands behind it: what the chart with that value, or at both ends of the range, leads to.
    """

    text: str
    claims: tuple[ClaimLines, ...]
    first: str | None = None
    last: str | None = None
    says: tuple[Leads, ...] = field(default=(), compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The outcome as plain data."""
        found: dict[str, Any] = {"value": self.text}
        if self.first is not None:
            found = {"from": self.first, "to": self.last}
        return {**found, "claims": [it.as_dict() for it in self.claims]}


@dataclass(frozen=True)
class Missing(Described):
    """A fact that the chart does not give, and what hangs on it.

    `matters` says whether it changes the claim: alone; only together with others, an example of which is in `when`; or
    with none of the values that were tried; it was not tried; or it would, but the policy does without it.
    `messages` are the sentences of the law's rules that report it, if any does. `says` is what stands behind `when`:
    two charts of that case in which nothing but this fact differs.
    """

    place: Annotated[str, Called("fact")]
    subject: Inside[str]
    field: Inside[str]
    matters: str
    when: Mapping[str, str]
    outcomes: Annotated[tuple[ValueOutcome, ...], Called("values")]
    messages: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    says: Inside[tuple[Leads, ...]] = ()


@dataclass(frozen=True)
class MissingReport(Described):
    """What one chart does not say.

    `claims` are those of the chart as it is, `ask` the places of the fewest facts that settle the claim, leaving aside
    times that the policy does without, and `raises` those of facts that the law asks for only once some value of one of
    these is documented. `complete` says whether all `combinations` of values were looked at, of a
    missing time one minute of each of at most `combined_ranges` that begin within `combined_minutes`; where not, only
    pairs were. `notes` are what an answer says of the chart besides: what may be a slip, and
    what the drug list has to say on its names.
    """

    encounter: str
    policy: Mapping[str, str]
    status: str
    claims: tuple[ClaimLines, ...]
    facts: Annotated[tuple[Missing, ...], After("combined_ranges")]
    ask: tuple[str, ...]
    complete: bool
    combinations: int
    combined_minutes: int = NEAR
    combined_ranges: int = RANGES
    notes: tuple[str, ...] = ()
    raises: Annotated[tuple[str, ...], After("ask")] = ()
    asked: Inside[int] = field(default=0, compare=False)
    checked: Inside[int] = field(default=0, compare=False)

    def fact(self, place: str) -> Missing:
        """The missing fact at a place. Raises KeyError where there is none."""
        return {it.place: it for it in self.facts}[place]


def missing_facts(coder: Coder, encounter: Encounter, answer: Answer | None = None) -> MissingReport:
    """Find what a chart does not say, and what hangs on it; `answer` is the first engine's, where it is known.

    Raises TooManyWaysError for a chart with too many choices, and DisagreementError where the engines differ.
    """
    facts = coder.facts(encounter)
    answer = answer or coder.engine.answer([facts])[0]
    return _Search(coder, facts, answer).report()


@dataclass(frozen=True)
class _Choice:
    """One value of a gap among those that are combined with others'."""

    text: str
    put: Change


class _Search:
    def __init__(self, coder: Coder, facts: Facts, answer: Answer) -> None:
        self.coder = coder
        self.facts = facts
        self.answer = answer
        self.chart: ChartMinutes = coder.minutes.chart(facts.encounter)
        self.reader = Reader(coder.policy, facts)
        self.checked = Checked(self.chart)
        self.gaps = gaps(coder.policy, facts, reported(answer))
        self.now = self.chart.claims(facts.encounter)
        self.choices: list[list[_Choice]] = []
        self._plain = dumps(facts.encounter)

    def report(self) -> MissingReport:
        encounter = self.facts.encounter
        outcomes = [self._alone(gap) for gap in self.gaps]
        self._refine()
        optional = [n for n, gap in enumerate(self.gaps) if gap.optional]
        found = joint([len(it) for it in self.choices], optional, self._claims)
        missing = tuple(
            self._missing(n, gap, tuple(outcomes[n][0]), found, varied=outcomes[n][1])
            for n, gap in enumerate(self.gaps)
        )
        self.checked.compare()
        # a time may matter only so late that it was not combined with others
        late = {n for n, (_, varied) in enumerate(outcomes) if varied and n not in found.matters}
        ask = {*found.ask, *(n for n in late if not self.gaps[n].optional)}
        determination = self.coder.determiner.determine(self.facts, self.answer, {})
        return MissingReport(
            encounter.id,
            determination.policy,
            determination.status,
            self.reader.all(self.now),
            missing,
            tuple(gap.place for n, gap in enumerate(self.gaps) if n in ask),
            found.complete,
            len(found.table),
            notes=determination.notes,
            raises=self._raised(ask),
            asked=self.chart.asked,
            checked=self.checked.count,
        )

    def _missing(self, n: int, gap: Gap, outcomes: tuple[ValueOutcome, ...], found: Joint, *, varied: bool) -> Missing:
        wordings = [self.coder.policy.wordings[rule] for rule in gap.why if rule in self.coder.policy.wordings]
        case = {} if varied else found.matters[n] if n in found.matters else self._beside_times(n)
        matters = ALONE if varied or case == {} else NEVER if case is None else TOGETHER
        if not outcomes:
            matters = UNTRIED
        elif matters != NEVER and gap.optional:
            matters = OPTIONAL
        return Missing(
            gap.place,
            gap.subject,
            gap.field,
            matters,
            {self.gaps[at].place: self.choices[at][value - 1].text for at, value in (case or {}).items()},
            outcomes,
            tuple(it.sentence.replace("{" + it.variable + "}", gap.subject) for it in wordings),
            tuple(dict.fromkeys(rule for it in wordings for rule in it.references)),
            self._case(n, case) if case else (),
        )

    def _raised(self, asked: Iterable[int]) -> tuple[str, ...]:
        """What the law asks for once a value of what is asked for is documented, and does not ask for as it is."""
        charts = [choice.put(self.facts.encounter) for n in sorted(asked) for choice in self.choices[n]]
        variants = [self.coder.facts(it) for it in charts if acceptable(it)]
        known = {gap.place for gap in self.gaps}
        found: dict[str, None] = {}
        for facts, atoms in zip(variants, self.coder.engine.plain(variants), strict=True):
            reported = [(str(it[0]), str(it[1]), str(it[2])) for it in atoms.get("missing", ())]
            places = (gap.place for gap in gaps(self.coder.policy, facts, reported) if gap.why)
            found |= dict.fromkeys(it for it in places if it not in known)
        return tuple(found)

    def _leads(self, encounter: Encounter, claims: Claims) -> Leads:
        """That a chart leads to these claims."""
        put = put_between(self._plain, dumps(encounter))
        return Leads(put, tuple(tuple(it.units.items()) for it in self.reader.all(claims)))

    def _case(self, n: int, case: Mapping[int, int]) -> tuple[Leads, ...]:
        """Two charts with these values of other facts that differ in one fact and in their claims."""
        base = self.facts.encounter
        for late in (False, True):
            for at, value in case.items():
                if self.gaps[at].late == late:
                    base = self.choices[at][value - 1].put(base)
        charts = [it for it in (base, *(choice.put(base) for choice in self.choices[n])) if acceptable(it)]
        found: dict[Claims, Encounter] = {}
        for it in charts:
            found.setdefault(self.chart.claims(it), it)
        return tuple(self._leads(it, claims) for claims, it in list(found.items())[:2])

    def _beside_times(self, n: int) -> Mapping[int, int] | None:
        """The times of an administration beside which its technique matters, although nobody asks for it then."""
        gap = self.gaps[n]
        times = [at for at, it in enumerate(self.gaps) if it.time is not None and it.subject == gap.subject]
        if not gap.late:
            return None
        for values in product(*(range(1, len(self.choices[at]) + 1) for at in times)):
            encounter = self.facts.encounter
            for at, value in zip(times, values, strict=True):
                encounter = self.choices[at][value - 1].put(encounter)
            if acceptable(encounter):
                claims = self.chart.claims(encounter)
                for choice in self.choices[n]:
                    changed = choice.put(encounter)
                    if self.chart.claims(changed) != claims:
                        self.checked.add(encounter, claims, Settling())
                        self.checked.add(changed, self.chart.claims(changed), Settling())
                        return dict(zip(times, values, strict=True))
        return None

    # --- one gap

    def _alone(self, gap: Gap) -> tuple[list[ValueOutcome], bool]:
        """What each value of a gap leads to while the others stay, and whether any of it is another claim."""
        if gap.time is None:
            return self._values(gap)
        moment = gap.time.supposed(self.facts.encounter)
        self.choices.append([])
        if moment is None:
            return [], False
        ranges = self._ranges(moment, self.facts.encounter)
        self._choose(gap, moment, ranges)
        outcomes = []
        for n, it in enumerate(ranges):
            first, last = self._written(moment, it.first), self._written(moment, it.last)
            ends = (self._with(moment, minute) for minute in dict.fromkeys((it.first, it.last)))
            says = tuple(self._leads(end, it.value) for end in ends)
            outcomes.append(ValueOutcome(f"{first}–{last}", self.reader.all(it.value), first, last, says))
            for minute in {it.first, it.last} if n else {it.last}:
                self.checked.add(self._with(moment, minute), it.value, Settling())
        return outcomes, any(it.value != self.now for it in ranges)

    def _values(self, gap: Gap) -> tuple[list[ValueOutcome], bool]:
        self.choices.append([_Choice(value.text, value.put) for value in gap.values])
        merged: list[tuple[str, str, Claims, tuple[Leads, ...]]] = []
        varied = False
        for value in gap.values:
            variant = value.put(self.facts.encounter)
            claims = self.chart.claims(variant)
            self.checked.add(variant, claims, Settling())
            varied = varied or claims != self.now
            says = self._leads(variant, claims)
            if value.text.isdecimal() and merged and merged[-1][2] == claims:
                # a number among numbers that lead to the same
                merged[-1] = (merged[-1][0], value.text, claims, (*merged[-1][3], says))
            else:
                merged.append((value.text, value.text, claims, (says,)))
        return [
            ValueOutcome(first if first == last else f"{first}–{last}", self.reader.all(claims), says=behind)
            for first, last, claims, behind in merged
        ], varied

    def _ranges(self, moment: Charted, encounter: Encounter, near: int | None = None) -> list[Range[Claims]]:
        first, last = -moment.earlier.minutes, moment.later.minutes
        if near is not None:
            first, last = max(first, -near), min(last, near)
        return self.chart.along(moment, encounter).between(first, last)

    def _with(self, moment: Charted, minute: int) -> Encounter:
        return moment.moved(self.facts.encounter, minute)

    def _written(self, moment: Charted, minute: int) -> str:
        return moment.time(self._with(moment, minute)).text

    # --- gaps together

    def _choose(self, gap: Gap, moment: Charted, ranges: Iterable[Range[Claims]]) -> None:
        """Take one minute of each range among the values to be combined."""
        assert gap.time is not None
        held = self.choices[self.gaps.index(gap)]
        far = WINDOW if isinstance(gap.time, Length) else NEAR
        near = sorted((it for it in ranges if max(it.first, -far) <= min(it.last, far)), key=_distance)
        for it in near:
            minute = min(max(0, it.first), it.last)
            text = self._written(moment, minute)
            if len(held) < RANGES and all(other.text != text for other in held):
                time = moment.time(self._with(moment, minute))
                held.append(_Choice(text, _putting(gap, time)))

    def _refine(self) -> None:
        """Look for times at which another claim begins only where another fact is documented."""
        for n, gap in enumerate(self.gaps):
            if gap.time is None:
                continue
            for other, choices in enumerate(self.choices):
                for choice in choices[:RANGES] if other != n else ():
                    base = choice.put(self.facts.encounter)
                    moment = gap.time.supposed(base) if acceptable(base) else None
                    if moment is not None:
                        self._choose(gap, moment, self._ranges(moment, base, NEAR))

    def _claims(self, cell: Cell) -> Claims | None:
        """The claims of a combination of values; None where its times cannot be together."""
        encounter = self.facts.encounter
        given = [n for n, value in enumerate(cell) if value]
        for late in (False, True):
            # the technique comes last: it is not looked at where times tell it
            for n in given:
                if self.gaps[n].late == late and not (late and self.gaps[n].moot(encounter)):
                    encounter = self.choices[n][cell[n] - 1].put(encounter)
        return self.chart.claims(encounter) if acceptable(encounter) else None


def _distance(it: Range[Claims]) -> int:
    return 0 if it.first <= 0 <= it.last else min(abs(it.first), abs(it.last))


def _putting(gap: Gap, time: Moment) -> Change:
    assert gap.time is not None
    where = gap.time
    return lambda encounter: where.put(encounter, time)
