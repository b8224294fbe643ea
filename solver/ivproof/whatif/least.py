"""The least change of a chart after which a code is on its claim: found by coding changed charts, not by guessing.

A change is one fact or several. Fewer facts come first. Among as many facts, what the chart leaves out and could
document comes before a time that would have to be another, and that before something charted otherwise; among times,
fewer minutes come first. One time is looked for over every minute by which it can move in four hours; of two facts some
pairs are tried. Each change that is told is coded again, so that it really leads to the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations
from typing import Any, NamedTuple

from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.clock import DAY, Moment
from ivproof.chart.encounter import AccessSite, Administration, Encounter
from ivproof.chart.facts import Facts
from ivproof.claim.coding import Coder
from ivproof.engine.choices import Atoms
from ivproof.engine.engine import SHOWN, Alternative, Answer
from ivproof.formats.output import Described
from ivproof.law.terms import Function, Term, parse
from ivproof.recheck import show
from ivproof.unknowns.claims import Claims, OutOfReachError
from ivproof.unknowns.evaluator import Claim
from ivproof.unknowns.gaps import ORDERED, Length, Time
from ivproof.unknowns.moments import CLOCKS_REACHED, Charted, charted
from ivproof.unknowns.values import closed

Goal = Callable[[Answer], bool]
"""What is wished for: tells of an answer whether every claim that it allows has it."""


MOST = 2000
"""So often at most is the law applied while times move."""

PAIRS = 300
"""How many pairs of changes of each kind are looked through at most."""

BATCH = 200
"""How many changed charts are coded together."""

TOGETHER = 30
"""How many of these are answered in full together: where a question is open, each model costs as much as all charts."""

FAR = 240
"""By so many minutes at most a charted time is another: what is further off makes it another visit."""

LATER, EARLIER = 1, -1

SEARCHED = (
    "one fact: a site that is listed, its kind where it has none, a signed order, the main reason, why a further site "
    "was needed; every value of what the format lists the values of; each charted time over every minute within four "
    "hours, and each missing one, and the length ordered of a pump without a stop, within a day",
    "two facts: some pairs of these; an administration moved as a whole; a further site that was needed",
)
"""What is gone through, in words."""

NOT_TRIED = (
    "another drug, form, route, place, payer, claim type, date, diagnosis or service; the class of a drug that the "
    "list knows; that something was given which was not, for a test or without an order; amounts, another "
    "number of lesions; what entries share or continue; another kind of a site that has one; a site that replaces "
    "another; a run of no minutes; three facts and more"
)
"""What is not, in words: what makes it another visit, and what anything can stand in."""

DOCUMENTED, MOVED, CORRECTED = 0, 1, 2
"""Kinds of changes, in the order in which they are preferred."""


class FactChange(NamedTuple):
    """One fact of the chart that would be another: its place, what the chart says, and what it would say."""

    place: str
    before: str
    after: str
    minutes: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The edit as plain data."""
        return dict(self._asdict())


class Cost(NamedTuple):
    """What changes are compared by; of two that are alike, a stop comes before a start, and then their texts decide."""

    facts: int
    kind: int
    minutes: int
    length: int
    rest: str


@dataclass(frozen=True)
class Change:
    """A change of a chart: its edits, its kind, and the chart that it makes.

    `length` is how many minutes something runs by a time that the chart leaves out.
    """

    edits: tuple[FactChange, ...]
    kind: int
    encounter: Encounter
    length: int = 0

    @cached_property
    def cost(self) -> Cost:
        """How this change compares with others."""
        starts = sum(it.place.endswith(".start") for it in self.edits)
        minutes = sum(abs(it.minutes) for it in self.edits)
        given = any(it.place.startswith("administrations") for it in self.edits)  # of equals rather what leaves these
        return Cost(len(self.edits), self.kind, minutes, self.length, f"{starts}{given:d}{self.edits}")


@dataclass(frozen=True)
class LeastChange(Described):
    """What a search came to: the least change, or None where none was found, and how many changed charts were coded.

    `complete` says that of what is `searched` nothing is left out that would come before the change; it is never so
    where there is none, since what is `not_tried` might give it.
    """

    change: Change | None
    tried: int
    complete: bool
    searched: tuple[str, ...] = SEARCHED
    not_tried: str = NOT_TRIED

    def as_dict(self) -> dict[str, Any]:
        """The search as plain data."""
        edits = None if self.change is None else [edit.as_dict() for edit in self.change.edits]
        return {
            "change": edits,
            "tried": self.tried,
            "complete": self.complete,
            "searched": list(self.searched),
            "not_tried": self.not_tried,
        }


def least_change(coder: Coder, encounter: Encounter, goal: Goal, focus: Iterable[str] = ()) -> LeastChange:
    """Look for the least change after which `goal` holds; pairs are about the administrations in `focus` first."""
    sweep = _Sweep(coder, encounter, goal)
    tried = 0

    def least(changes: Iterable[Change]) -> Change | None:
        nonlocal tried
        possible = [it for it in changes if is_possible(it.encounter) and not _emptied(encounter, it.encounter)]
        tried += len(possible)
        found = (possible[at] for at in reached(coder, [it.encounter for it in possible], goal))
        return min(found, key=lambda it: it.cost, default=None)

    groups: tuple[Callable[[], Iterable[Change]], ...] = (
        lambda: chain(_documented(encounter), _kinds_of_site(encounter)),
        lambda: (*sweep.documented(), *sweep.ordered()),
        sweep.moved,
        lambda: _corrected(coder, encounter),
    )
    for group in groups:
        found = least(group())
        if found is not None:
            return LeastChange(found, tried + sweep.asked, sweep.complete)
    pairs = sorted([*_pairs(coder, encounter, set(focus)), *sweep.moved_whole(set(focus))], key=lambda it: it.cost)
    for start in range(0, len(pairs), BATCH):
        found = least(pairs[start : start + BATCH])
        if found is not None:
            return LeastChange(found, tried + sweep.asked, False)
    return LeastChange(None, tried + sweep.asked, False)


def reached(coder: Coder, charts: Sequence[Encounter], goal: Goal) -> list[int]:
    """The positions of the charts of which the goal holds, in their order."""
    hopeful: list[tuple[int, Facts]] = []
    for start in range(0, len(charts), BATCH):
        facts = [coder.facts(it) for it in charts[start : start + BATCH]]
        # the first claim of each is there sooner; where it has not what is wished for, the others need not be known
        plain = zip(facts, coder.engine.plain(facts), strict=True)
        hopeful += [(start + n, its) for n, (its, atoms) in enumerate(plain) if goal(Answer(atoms))]
    found = []
    for start in range(0, len(hopeful), TOGETHER):
        near = hopeful[start : start + TOGETHER]
        answers = coder.engine.answer([facts for _, facts in near])
        found += [at for (at, _), answer in zip(near, answers, strict=True) if goal(answer)]
    return found


def is_possible(encounter: Encounter) -> bool:
    """Whether the times of a changed chart can be: nothing stops before it starts, no pause lies outside."""
    for it in encounter.administrations:
        ends = [moment.seconds for moment in (it.start, it.stop) if moment is not None]
        if ends != sorted(ends) or any(moment < 0 for moment in ends):
            return False
        for pause in it.pauses:
            times = (it.start, pause.from_, pause.to, it.stop)
            known = [moment.seconds for moment in times if moment is not None]
            if known != sorted(known):
                return False
    return True


def _emptied(before: Encounter, after: Encounter) -> bool:
    """Whether something that is no push would end as it begins, which a chart says by a slip of the pen alone."""
    return any(
        it.start is not None
        and it.start == it.stop
        and it.method != "push"
        and (it.start, it.stop) != (was.start, was.stop)
        for was, it in zip(before.administrations, after.administrations, strict=True)
    )


# --- candidates


class _Sweep:
    """Looks over all whole minutes for the nearest at which the goal holds when a time moves."""

    def __init__(self, coder: Coder, encounter: Encounter, goal: Goal) -> None:
        self._encounter = encounter
        self._goal = goal
        self._chart = coder.minutes.chart(encounter, SHOWN)
        self._chart.most = MOST
        self._known: dict[Claims, bool] = {}
        self._atoms: dict[Claim, Atoms] = {}
        self.complete = True

    @property
    def asked(self) -> int:
        """How often the law was applied to a changed chart."""
        return self._chart.asked

    def documented(self) -> Iterator[Change]:
        """Of what has a start and no stop, or a stop and no start, the other time: the shortest run that is enough."""
        for at, it in enumerate(self._encounter.administrations):
            if (it.start is None) == (it.stop is None):
                continue
            field = "stop" if it.stop is None else "start"
            missing = Time(f"administrations[{it.id}].{field}", at, field)
            time = missing.supposed(self._encounter)
            # what ends as it begins would be a slip of the pen
            none = 1 if time is not None and time.moment == (it.start or it.stop) and it.method != "push" else 0
            for minutes in self._nearest([time], begin=none) if time is not None else ():
                assert time is not None
                changed = time.moved(self._encounter, minutes)
                then = changed.administrations[at]
                assert then.start is not None
                assert then.stop is not None
                edit = FactChange(time.place, _said(None), _then(it.start or it.stop, time.time(changed)))
                yield Change((edit,), DOCUMENTED, changed, (then.stop.seconds - then.start.seconds) // 60)

    def ordered(self) -> Iterator[Change]:
        """Of a pump whose stop and ordered length are not charted, the length: the shortest that is enough."""
        for at, it in enumerate(self._encounter.administrations):
            if it.pump is None or it.stop is not None or it.ordered_minutes is not None:
                continue
            missing = Length(f"administrations[{it.id}].{ORDERED}", at, ORDERED)
            time = missing.supposed(self._encounter)
            for minutes in self._nearest([time]) if time is not None else ():
                assert time is not None
                changed = time.moved(self._encounter, minutes)
                then = changed.administrations[at].ordered_minutes
                assert then is not None
                yield Change((FactChange(time.place, _said(None), _said(then)),), DOCUMENTED, changed, then)

    def moved(self) -> Iterator[Change]:
        """Each charted time, by the fewest minutes either way."""
        best = FAR
        for time in charted(self._encounter):
            for minutes in self._nearest([time], best):
                best = abs(minutes)
                changed = time.moved(self._encounter, minutes)
                yield Change((_moved(time, changed, minutes),), MOVED, changed)

    def moved_whole(self, focus: set[str]) -> Iterator[Change]:
        """Each administration as a whole, its start and its stop by as much; its pauses would be further facts."""
        times = [*charted(self._encounter)]
        for at, it in enumerate(self._encounter.administrations):
            mine = [time for time in times if time.at == at]
            if [time.field for time in mine] != ["start", "stop"] or (focus and it.id not in focus):
                continue
            start, stop = mine
            later = start.later if start.later.reason == CLOCKS_REACHED else stop.later
            earlier = stop.earlier if stop.earlier.reason == CLOCKS_REACHED else start.earlier
            for minutes in self._nearest([replace(start, later=later, earlier=earlier), stop], FAR):
                changed = stop.moved(start.moved(self._encounter, minutes), minutes)
                yield Change(tuple(_moved(time, changed, minutes) for time in mine), MOVED, changed)

    def _nearest(self, times: Sequence[Charted], within: int | None = None, begin: int = 0) -> list[int]:
        """The nearest minutes, from `begin` on, later and earlier, at which the goal holds when these times move."""
        first, *others = times
        found = []
        try:
            ranges = self._chart.along(first, also=others)
            for way, bound in ((LATER, first.later), (EARLIER, first.earlier)):
                limit = bound.minutes if within is None else min(bound.minutes, within)
                minutes = ranges.first(limit, way, self._holds, begin)
                if minutes is not None:
                    found.append(minutes)
                    within = abs(minutes)
        except (OutOfReachError, TooManyWaysError):
            self.complete = False
        return found

    def _holds(self, claims: Claims) -> bool:
        known = self._known.get(claims)
        if known is None:
            first, *others = (self._read(it) for it in sorted(claims, key=lambda it: sorted(map(show, it))))
            rivals = tuple(Alternative(frozenset(), it, ()) for it in (first, *others)) if others else ()
            known = self._known[claims] = self._goal(Answer(first, rivals))
        return known

    def _read(self, claim: Claim) -> Atoms:
        found = self._atoms.get(claim)
        if found is None:
            by: dict[str, list[tuple[Term, ...]]] = {}
            for text in sorted(map(show, claim)):
                term = parse(text)
                assert isinstance(term, Function)
                by.setdefault(term.name, []).append(term.arguments)
            found = self._atoms[claim] = by
        return found


def _moved(time: Charted, changed: Encounter, minutes: int) -> FactChange:
    return FactChange(time.place, _said(time.moment), _then(time.moment, time.time(changed)), minutes)


def _then(like: Moment | None, then: Moment) -> str:
    """A time as said of a chart that writes its times so."""
    return _said(moment(then.seconds) if like is None or "T" not in like.text else then)


def _pairs(coder: Coder, encounter: Encounter, focus: set[str]) -> list[Change]:
    """The cheapest changes of two facts, as far as they are looked through; at least one fact is about the focus.

    Of times, those are taken that let something run as long as a threshold of the law.
    """
    documented = _documented(encounter, lengths=sorted(coder.policy.probes))
    singles = [*documented, *_corrected(coder, encounter), *_lengths(coder, encounter)]

    def about(change: Change) -> bool:
        return not focus or any(f"[{id_}]" in change.edits[0].place for id_ in focus)

    def cost(pair: tuple[Change, Change]) -> tuple[int, int, int, str, str]:
        first, second = pair[0].cost, pair[1].cost
        length = first.length + second.length
        return max(first.kind, second.kind), first.minutes + second.minutes, length, first.rest, second.rest

    couples = [
        (first, second)
        for first, second in combinations(singles, 2)
        if first.edits[0].place != second.edits[0].place and (about(first) or about(second))
    ]
    by_kind: dict[int, list[tuple[Change, Change]]] = {}
    for couple in sorted(couples, key=cost):
        by_kind.setdefault(max(it.kind for it in couple), []).append(couple)
    cheapest = [couple for some in by_kind.values() for couple in some[:PAIRS]]
    found = [
        Change(
            (*first.edits, *second.edits),
            max(first.kind, second.kind),
            _merge(encounter, first, second),
            first.length + second.length,
        )
        for first, second in cheapest
    ]
    return [*found, *_second_site(encounter)]


def _merge(base: Encounter, one: Change, other: Change) -> Encounter:
    """Both changes of one chart together."""
    first, second = one.encounter, other.encounter
    fields = {
        name: getattr(second, name)
        for name in type(base).model_fields
        if name != "administrations" and getattr(second, name) != getattr(base, name)
    }
    merged = []
    for n, it in enumerate(base.administrations):
        given = second.administrations[n]
        changed = {
            name: getattr(given, name) for name in type(it).model_fields if getattr(given, name) != getattr(it, name)
        }
        merged.append(first.administrations[n].model_copy(update=changed))
    return first.model_copy(update={**fields, "administrations": tuple(merged)})


def _with(encounter: Encounter, at: int, **fields: object) -> Encounter:
    given = list(encounter.administrations)
    given[at] = given[at].model_copy(update=fields)
    return encounter.model_copy(update={"administrations": tuple(given)})


def _edit(
    encounter: Encounter, at: int, field: str, value: object, kind: int, *, minutes: int = 0, length: int = 0
) -> Change:
    """A change of one field of one administration; `field` is its name in the model."""
    it = encounter.administrations[at]
    shown = {"drug_class": "class"}.get(field, field)
    place = f"administrations[{it.id}].{shown}"
    edit = FactChange(place, _said(getattr(it, field)), _said(value), minutes)
    return Change((edit,), kind, _with(encounter, at, **{field: value}), length)


def _said(value: object) -> str:
    if value is None:
        return "not charted"
    if isinstance(value, Moment):
        later = "" if not value.day else " on the next day" if value.day == 1 else f" {value.day} days later"
        return value.text if later and "T" in value.text else f"{value.text}{later}"
    return str(value)


def _documented(encounter: Encounter, *, lengths: Sequence[int] = ()) -> Iterator[Change]:
    """What the chart leaves out and could say; times so that a run lasts one of the lengths."""
    for at, it in enumerate(encounter.administrations):
        if it.stop is None and it.start is not None:
            for length in lengths:
                yield _edit(encounter, at, "stop", moment(it.start.seconds + 60 * length), DOCUMENTED, length=length)
        if it.start is None and it.stop is not None:
            for length in lengths:
                if it.stop.seconds >= 60 * length:
                    yield _edit(
                        encounter, at, "start", moment(it.stop.seconds - 60 * length), DOCUMENTED, length=length
                    )
        if it.site is None:
            for site in encounter.access_sites:
                yield _edit(encounter, at, "site", site.id, DOCUMENTED)
        for field, values in _MISSING.items():
            if getattr(it, field) is None:
                for value in values:
                    yield _edit(encounter, at, field, value, DOCUMENTED)
        if (it.order or encounter.order) != "signed":
            yield _edit(encounter, at, "order", "signed", DOCUMENTED)
    if not encounter.primary_reason:
        for it in encounter.administrations:
            edit = FactChange("primary_reason", "not charted", it.id)
            yield Change((edit,), DOCUMENTED, encounter.model_copy(update={"primary_reason": (it.id,)}))
    for at, site in enumerate(encounter.access_sites):
        if len(encounter.access_sites) > 1 and site.necessity is None and site.replaces is None:
            yield _of_site(encounter, at, "necessity", "protocol")


def _kinds_of_site(encounter: Encounter) -> Iterator[Change]:
    """Each kind of a site whose kind is not documented; it decides alone, beside nothing else that is tried."""
    for at, site in enumerate(encounter.access_sites):
        if site.kind is None:
            yield from (_of_site(encounter, at, "kind", it) for it in closed(AccessSite, "kind"))


def _of_site(encounter: Encounter, at: int, field: str, value: object) -> Change:
    """A field of a site that is not documented, as if it were."""
    sites = list(encounter.access_sites)
    sites[at] = sites[at].model_copy(update={field: value})
    edit = FactChange(f"access_sites[{sites[at].id}].{field}", "not charted", str(value))
    return Change((edit,), DOCUMENTED, encounter.model_copy(update={"access_sites": tuple(sites)}))


def _lengths(coder: Coder, encounter: Encounter) -> Iterator[Change]:
    """Each charted stop (or start) so that the administration lasts as long as one of the law's thresholds."""
    for at, it in enumerate(encounter.administrations):
        if it.start is None or it.stop is None:
            continue
        for length in coder.policy.minutes:
            change = length - (it.stop.seconds - it.start.seconds) // 60
            if change and abs(change) <= FAR:
                yield _edit(encounter, at, "stop", moment(it.start.seconds + 60 * length), MOVED, minutes=change)
                if it.stop.seconds >= 60 * length:
                    yield _edit(encounter, at, "start", moment(it.stop.seconds - 60 * length), MOVED, minutes=-change)


def _corrected(coder: Coder, encounter: Encounter) -> Iterator[Change]:
    """What the chart says, said otherwise: every other value of what the format lists the values of.

    The class only of what the drug list does not know.
    """
    for at, it in enumerate(encounter.administrations):
        known = it.drug_class is None and coder.drugs.find(it.drug, encounter.date) is not None
        for field, about in Administration.model_fields.items():
            if field in _NEVER or about.is_required() or (known and field == "drug_class"):
                continue
            charted = getattr(it, field)
            values = closed(Administration, field)
            nothing = (None,) if about.default is None and (values or field in _REASONS) else ()
            for value in (*values, *nothing):
                said_before = charted is None and value in _MISSING.get(field, ())
                if value != charted and not said_before and (field, value) not in _NEVER_SAID:
                    yield _edit(encounter, at, field, value, CORRECTED)
        for site in encounter.access_sites:
            if it.site is not None and it.site != site.id:
                yield _edit(encounter, at, "site", site.id, CORRECTED)
    for it in encounter.administrations:
        if encounter.primary_reason and encounter.primary_reason != (it.id,):
            edit = FactChange("primary_reason", ", ".join(encounter.primary_reason), it.id)
            yield Change((edit,), CORRECTED, encounter.model_copy(update={"primary_reason": (it.id,)}))


def _second_site(encounter: Encounter) -> Iterator[Change]:
    """An administration at a further site, listed with the reason why it was required."""
    taken = {site.id for site in encounter.access_sites}
    name = next(f"site-{n}" for n in range(2, 1000) if f"site-{n}" not in taken)
    if not encounter.access_sites:
        return
    sites = (*encounter.access_sites, AccessSite(id=name, kind=None, necessity="protocol", replaces=None))
    wider = encounter.model_copy(update={"access_sites": sites})
    for at, it in enumerate(encounter.administrations):
        moved = FactChange(f"administrations[{it.id}].site", _said(it.site), name)
        need = FactChange(f"access_sites[{name}]", "not listed", "a further site that was required: protocol")
        yield Change((moved, need), CORRECTED, _with(wider, at, site=name))


def moment(seconds: int) -> Moment:
    """A moment of the encounter, as a chart would write its time."""
    day, rest = divmod(seconds, DAY)
    text = f"{rest // 3600:02}:{rest % 3600 // 60:02}" + (f":{rest % 60:02}" if rest % 60 else "")
    return Moment(seconds, day, text)


_MISSING: dict[str, tuple[object, ...]] = {
    "purpose": ("hydration", "replacement"),
    "method": ("infusion",),
}

# a drug by a way that it does not have kills, in another form it is another product, and a dose that was not given was
# not, nor is one a part of a test for which it was not given: nothing that can be read as advice may say otherwise.
# That an order was signed is tried as what is not documented; that there was none only takes something off the claim
_NEVER = frozenset({"route", "form", "done", "order"})
_NEVER_SAID = frozenset({("diagnostic", True)})
_REASONS = frozenset({"integral_to", "discontinued"})
