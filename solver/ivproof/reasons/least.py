"""The least change of a chart after which a code is on its claim: found by coding changed charts, not by guessing.

A change is one fact or several. Fewer facts come first. Among as many facts, what the chart leaves out and could
document comes before a time that would have to be another, and that before something charted otherwise; among times,
fewer minutes come first. Each candidate is coded again, so a change that is told really leads to the code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

from ivproof.chart.clock import DAY, Moment
from ivproof.coding import Coder
from ivproof.encounter import AccessSite, Encounter
from ivproof.engine import Answer
from ivproof.facts import Facts

Goal = Callable[[Answer], bool]
"""What is wished for: tells of an answer whether every claim that it allows has it."""


NEAR = 60
"""Up to how many minutes every single minute is tried; beyond, only lengths at the thresholds of the law."""

PAIRS = 300
"""How many pairs of changes of each kind are looked through at most."""

BATCH = 200
"""How many changed charts are coded together."""

TOGETHER = 30
"""How many of these are answered in full together: where a question is open, each model costs as much as all charts."""

STEPS = (5, 15, 35, NEAR)
"""Minutes after which it is seen whether something was found already."""

DOCUMENTED, MOVED, CORRECTED = 0, 1, 2
"""Kinds of changes, in the order in which they are preferred."""


class Edit(NamedTuple):
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

    edits: tuple[Edit, ...]
    kind: int
    encounter: Encounter
    length: int = 0

    @cached_property
    def cost(self) -> Cost:
        """How this change compares with others."""
        starts = sum(it.place.endswith(".start") for it in self.edits)
        minutes = sum(abs(it.minutes) for it in self.edits)
        return Cost(len(self.edits), self.kind, minutes, self.length, f"{starts}{self.edits}")


@dataclass(frozen=True)
class Search:
    """What a search came to: the least change, or None where none was found, and how many were coded."""

    change: Change | None
    tried: int
    complete: bool

    def as_dict(self) -> dict[str, Any]:
        """The search as plain data."""
        edits = None if self.change is None else [edit.as_dict() for edit in self.change.edits]
        return {"change": edits, "tried": self.tried, "complete": self.complete}


def least_change(coder: Coder, encounter: Encounter, goal: Goal, focus: Iterable[str] = ()) -> Search:
    """Look for the least change after which `goal` holds; pairs are about the administrations in `focus` first."""
    tried = 0
    for group in _singles(coder, encounter):
        changes = [it for it in group if is_possible(it.encounter)]
        tried += len(changes)
        found = _reached(coder, changes, goal)
        if found:
            return Search(min(found, key=lambda it: it.cost), tried, True)
    pairs, all_of_them = _pairs(coder, encounter, set(focus))
    possible = [it for it in pairs if is_possible(it.encounter)]
    for start in range(0, len(possible), BATCH):
        batch = possible[start : start + BATCH]
        tried += len(batch)
        found = _reached(coder, batch, goal)
        if found:
            return Search(min(found, key=lambda it: it.cost), tried, all_of_them)
    return Search(None, tried, all_of_them)


def _reached(coder: Coder, changes: Sequence[Change], goal: Goal) -> list[Change]:
    """The changes after which the goal holds."""
    hopeful: list[tuple[Change, Facts]] = []
    for start in range(0, len(changes), BATCH):
        some = changes[start : start + BATCH]
        facts = [coder.facts(change.encounter) for change in some]
        # the first claim of each is there sooner; where it has not what is wished for, the others need not be known
        plain = zip(some, facts, coder.engine.plain(facts), strict=True)
        hopeful += [(change, its) for change, its, atoms in plain if goal(Answer(atoms))]
    found = []
    for start in range(0, len(hopeful), TOGETHER):
        near = hopeful[start : start + TOGETHER]
        answers = coder.engine.answer([facts for _, facts in near])
        found += [change for (change, _), answer in zip(near, answers, strict=True) if goal(answer)]
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


# --- candidates


def _singles(coder: Coder, encounter: Encounter) -> Iterator[list[Change]]:
    """Changes of one fact, in groups of rising cost."""
    yield list(_documented(coder, encounter))
    last = 0
    for step in STEPS:
        yield [
            it for minutes in range(last + 1, step + 1) for sign in (1, -1) for it in _moved(encounter, sign * minutes)
        ]
        last = step
    yield [it for it in _lengths(coder, encounter) if it.cost.minutes > NEAR]
    yield list(_corrected(coder, encounter))


def _pairs(coder: Coder, encounter: Encounter, focus: set[str]) -> tuple[list[Change], bool]:
    """The cheapest changes of two facts, and whether these are all; at least one fact is about the focus."""
    documented = _documented(coder, encounter, lengths=sorted(coder.policy.probes))
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
    moved = [it for it in _moved_whole(encounter) if about(it)]
    return sorted([*found, *moved, *_second_site(encounter)], key=lambda it: it.cost), len(couples) == len(cheapest)


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
    edit = Edit(place, _said(getattr(it, field)), _said(value), minutes)
    return Change((edit,), kind, _with(encounter, at, **{field: value}), length)


def _said(value: object) -> str:
    if value is None:
        return "not charted"
    if isinstance(value, Moment):
        later = "" if not value.day else " on the next day" if value.day == 1 else f" {value.day} days later"
        return value.text if later and "T" in value.text else f"{value.text}{later}"
    return str(value)


def _documented(coder: Coder, encounter: Encounter, *, lengths: Sequence[int] = ()) -> Iterator[Change]:
    """What the chart leaves out and could say; times so that a run lasts `lengths`, or those at all thresholds."""
    lengths = lengths or coder.policy.minutes
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
            edit = Edit("primary_reason", "not charted", it.id)
            yield Change((edit,), DOCUMENTED, encounter.model_copy(update={"primary_reason": (it.id,)}))
    for at, site in enumerate(encounter.access_sites):
        if at > 0 and site.necessity is None:
            sites = list(encounter.access_sites)
            sites[at] = site.model_copy(update={"necessity": "protocol"})
            edit = Edit(f"access_sites[{site.id}].necessity", "not charted", "protocol")
            yield Change((edit,), DOCUMENTED, encounter.model_copy(update={"access_sites": tuple(sites)}))


def _moved(encounter: Encounter, minutes: int) -> Iterator[Change]:
    """Each charted start and stop, so many minutes later (or earlier)."""
    for at, it in enumerate(encounter.administrations):
        for field in ("stop", "start"):
            charted: Moment | None = getattr(it, field)
            if charted is not None:
                yield _edit(encounter, at, field, moment(charted.seconds + 60 * minutes), MOVED, minutes=minutes)


def _moved_whole(encounter: Encounter) -> Iterator[Change]:
    """Each administration as a whole, so many minutes later or earlier."""
    for minutes in range(1, NEAR + 1):
        for sign in (1, -1):
            for at, it in enumerate(encounter.administrations):
                if it.start is not None and it.stop is not None:
                    shift = sign * minutes
                    one = _edit(encounter, at, "start", moment(it.start.seconds + 60 * shift), MOVED, minutes=shift)
                    other = _edit(encounter, at, "stop", moment(it.stop.seconds + 60 * shift), MOVED, minutes=shift)
                    merged = _merge(encounter, one, other)
                    yield Change((*one.edits, *other.edits), MOVED, merged)


def _lengths(coder: Coder, encounter: Encounter) -> Iterator[Change]:
    """Each charted stop (or start) so that the administration lasts one of the lengths at the law's thresholds."""
    for at, it in enumerate(encounter.administrations):
        if it.start is None or it.stop is None:
            continue
        for length in coder.policy.minutes:
            change = length - (it.stop.seconds - it.start.seconds) // 60
            if change:
                yield _edit(encounter, at, "stop", moment(it.start.seconds + 60 * length), MOVED, minutes=change)
                if it.stop.seconds >= 60 * length:
                    yield _edit(encounter, at, "start", moment(it.stop.seconds - 60 * length), MOVED, minutes=-change)


def _corrected(coder: Coder, encounter: Encounter) -> Iterator[Change]:
    """What the chart says, said otherwise; the class only of what the drug list does not know."""
    for at, it in enumerate(encounter.administrations):
        known = it.drug_class is None and coder.drugs.find(it.drug, encounter.date) is not None
        for field, values in _CHARTED.items():
            charted = getattr(it, field)
            for value in () if known and field == "drug_class" else values:
                # these say something of what is charted even where they are not charted themselves
                if value != charted and (charted is not None or field in _ALWAYS):
                    yield _edit(encounter, at, field, value, CORRECTED)
        for site in encounter.access_sites:
            if it.site is not None and it.site != site.id:
                yield _edit(encounter, at, "site", site.id, CORRECTED)
        if it.integral_to is not None:
            yield _edit(encounter, at, "integral_to", None, CORRECTED)
    for it in encounter.administrations:
        if encounter.primary_reason and encounter.primary_reason != (it.id,):
            edit = Edit("primary_reason", ", ".join(encounter.primary_reason), it.id)
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
        moved = Edit(f"administrations[{it.id}].site", _said(it.site), name)
        need = Edit(f"access_sites[{name}]", "not listed", "a further site that was required: protocol")
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
_CHARTED: dict[str, tuple[object, ...]] = {
    "method": ("push", "infusion", None),
    "purpose": ("hydration", None),
    "drug_class": ("chemotherapy", "therapeutic", "hydration", None),
    "route": ("IV", "IM", "SQ"),
    "diagnostic": (None,),
    "discontinued": (None,),
}
_ALWAYS = frozenset({"drug_class", "route", "method"})
