"""All differences that were found as sentences: of what is given, what changes and when, as weakly as it can be said.

Cells of one kind with one change are one family. Its conditions are those that hold in every one of its cells; where
no other point within the bounds satisfies them, it is said "whenever", otherwise "only if".
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from ivproof.lab.cells import Cell
from ivproof.lab.kinds import Kind, Slot
from ivproof.lab.pair import NO_ANSWER, claims_of, units_of
from ivproof.lab.search import Difference
from ivproof.lab.solver import Space
from ivproof.lab.witness import Shown
from ivproof.unknowns.affine import PathCondition

MOST_CONDITIONS = 80
"""Of a family with more different conditions in its cells, no condition is told."""

SECONDS = 10.0
"""So long conditions are looked for; families after that have none told."""

AND = " and "
"""What stands between the administrations of a kind of chart in words."""

ORDINAL = ("first", "second", "third")


@dataclass(frozen=True)
class Family:
    """Differences of one change: the kinds of chart, the change by code, and when; `exact` where it is always then.

    `also` are other features with which the same is so. `example` is the first of them that was found, on a chart as
    small as any; `shown` is that chart as both laws code it, where it was asked for.
    """

    kinds: tuple[str, ...]
    features: tuple[str, ...]
    change: Mapping[str, int]
    becomes: str
    """The change in words, where a law gives several claims or the units do not tell it."""
    conditions: tuple[str, ...]
    exact: bool
    example: Difference = field(compare=False, repr=False)
    shown: Shown | None = None
    also: tuple[tuple[str, ...], ...] = ()

    def sentence(self, most: int | None = None) -> str:
        """The family in a sentence; of more than `most` kinds, or features with which the same is so, the first."""
        what = ", ".join(f"{code} {n:+d}" for code, n in self.change.items()) or self.becomes
        also = [" and ".join(it) for it in self.also]
        same = f" (the same of some of these with {_listed([f'“{it}”' for it in also], ', ', most)})" if also else ""
        return f"{self.where(most)}{same}: {what}"

    def where(self, most: int | None = None) -> str:
        """Of which charts it is, likewise."""
        more = f" ({', '.join(self.features)})" if self.features else ""
        when = f", {'whenever' if self.exact else 'only if'} {' and '.join(self.conditions)}" if self.conditions else ""
        at_all = ", at any time" if self.exact and not self.conditions else ""
        return f"{_together(self.kinds, most)}{more}{when}{at_all}"

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "sentence": self.sentence(),
            "change": dict(self.change),
            "kinds": list(self.kinds),
            "features": list(self.features),
            "also": [list(it) for it in self.also],
            "conditions": list(self.conditions),
            "exact": self.exact,
            "chart": None if self.shown is None else self.shown.as_dict(),
        }


def _together(kinds: Sequence[str], most: int | None) -> str:
    """Kinds of chart; what all of one administration have in common is said once.

    Where two administrations are any of some and any of others, these are listed, and not every pair of them.
    """
    pairs = [tuple(it.split(AND)) for it in kinds]
    if len(kinds) > 1 and all(len(it) == 2 for it in pairs):
        sides = [list(dict.fromkeys(side)) for side in zip(*pairs, strict=True)]
        if set(product(*sides)) == set(pairs):
            return AND.join(_alike(side, most) for side in sides)
    return _alike(kinds, most)


def _alike(kinds: Sequence[str], most: int | None) -> str:
    """Kinds one after the other; of single administrations the words that all end with stand once."""
    words = [it.split() for it in kinds]
    common = 0
    if len(kinds) > 1 and not any(AND in it for it in kinds):
        while all(len(it) > common + 1 and it[-common - 1] == words[0][-common - 1] for it in words):
            common += 1
    heads = [" ".join(it[: len(it) - common]) for it in words]
    tail = f" {' '.join(words[0][len(words[0]) - common :])}" if common else ""
    return f"{_listed(heads, ', ' if common else ' or ', most)}{tail}"


def _listed(words: Sequence[str], mark: str, most: int | None) -> str:
    """Words one after the other, of more than `most` the first ones."""
    shown, left = list(words[:most]), len(words) - len(words[:most])
    last = [f"{left} others"] if left > 0 else []
    *first, end = [*shown, *last]
    return f"{mark.join(first)} or {end}" if first else end


def families(differences: Sequence[Difference]) -> list[Family]:
    """Gather differences."""
    groups: dict[tuple[Any, ...], list[Difference]] = {}
    for it in differences:
        kind = it.kind.case or it.kind.words
        groups.setdefault((kind, it.kind.features, tuple(it.change.items()), _becomes(it)), []).append(it)
    until = time.process_time() + SECONDS
    known: dict[object, tuple[tuple[str, ...], bool]] = {}
    merged: dict[tuple[Any, ...], dict[str, Difference]] = {}
    for (words, features, change, becomes), cells in groups.items():
        one = cells[0].kind
        # what a feature does not touch is the same in other words
        key = (one.slots, one.bounds, bool(one.case), frozenset(it.cell.conditions for it in cells))
        if key not in known:
            known[key] = conditions_of(one, [it.cell for it in cells], until)
        merged.setdefault((features, change, becomes, *known[key]), {}).setdefault(words, cells[0])
    found: list[Family] = []
    for (features, change, becomes, conditions, exact), kinds in merged.items():
        family = Family(tuple(kinds), features, dict(change), becomes, conditions, exact, next(iter(kinds.values())))
        host = next((n for n, other in enumerate(found) if exact and _same_with(other, family)), None)
        if host is None:
            found.append(family)
        else:
            found[host] = replace(found[host], also=(*found[host].also, features))
    # the first of each change stands before the second of any
    seen: Counter[object] = Counter()
    ranks = []
    for family in found:
        changed = (*family.change.items(), family.becomes)
        seen[changed] += 1
        ranks.append(seen[changed])
    return [it for _, it in sorted(zip(ranks, found, strict=True), key=lambda pair: pair[0])]


def _same_with(host: Family, it: Family) -> bool:
    """Whether a family says of some kinds with a feature what another says of them without it, or with another one."""
    same = (host.change, host.becomes, host.conditions, host.exact) == (
        it.change,
        it.becomes,
        it.conditions,
        it.exact,
    )
    return same and (set(it.kinds) <= set(host.kinds) if not host.features else it.kinds == host.kinds)


def _becomes(found: Difference) -> str:
    """The change in words, where one of units does not tell it: what follows by each law."""
    if found.change:
        return ""
    old, new = (" or ".join(sorted(map(_told, claims_of(side)))) for side in (found.before, found.after))
    return f"{new} instead of {old}" if old != new else f"{old} with another status"


def _told(claim: Iterable[Any]) -> str:
    """A claim: units by code, with the modifiers that any of them bears."""
    atoms = list(claim)
    if (NO_ANSWER,) in atoms:
        return "no answer"
    marks: dict[str, list[str]] = {}
    for code, mark, _ in sorted(it[1:] for it in atoms if it[0] == "total_with"):
        marks.setdefault(str(code).strip('"'), []).append(str(mark).strip('"'))
    lines = [
        f"{code} ×{n}" + (f" ({', '.join(marks[code])})" if code in marks else "")
        for code, n in sorted(units_of(atoms).items())
    ]
    return ", ".join(lines) or "nothing"


def conditions_of(kind: Kind, cells: Sequence[Cell[Any]], until: float) -> tuple[tuple[str, ...], bool]:
    """The conditions that hold in every one of some cells, in words, and whether no other point satisfies them.

    They are looked for until a time (of time.process_time).
    """
    if not kind.unknowns:
        return (), not kind.case
    candidates = dict.fromkeys(it for found in cells for it in found.conditions)
    if len(candidates) > MOST_CONDITIONS or time.process_time() > until:
        return (), False
    space = Space(kind.unknowns, kind.bounds)
    held = [
        it
        for it in candidates
        if time.process_time() <= until
        and all(it in found.conditions or space.implied(it, found.conditions) for found in cells)
    ]
    needed = list(held)
    for it in held:
        rest = [other for other in needed if other is not it]
        if time.process_time() <= until and space.implied(it, rest):
            needed = rest
    left = Space(kind.unknowns, (*kind.bounds, *needed))
    for found in cells:
        left.take_out(found.conditions)
    return tuple(_in_words(kind, needed)), left.point() is None


def _in_words(kind: Kind, conditions: Sequence[PathCondition]) -> Iterator[str]:
    """Conditions in words; a least and a most of one stretch together."""
    stretches: dict[str, dict[str, int]] = {}
    others: list[str] = []
    by_unknown: dict[int | None, Slot] = {slot.unknown: slot for slot in kind.slots}
    for it in conditions:
        found = _bounded(kind, it, by_unknown)
        if found is None:
            ends = [(n, factor) for n, factor in enumerate(it.slopes) if factor]
            left = " + ".join(f"{factor} × {_moment(kind, by_unknown[n])}" for n, factor in ends)
            others.append(f"{left} {it.operator} {it.bound} (in minutes from {_moment(kind, by_unknown[None])})")
            continue
        stretch, sign = found  # what is bounded is sign times the stretch
        if it.operator == "!=":
            others.append(f"{stretch} not {sign * it.bound} minutes")
            continue
        known = stretches.setdefault(stretch, {})
        if it.operator == "<=" and sign > 0:
            known["most"] = min(it.bound, known.get("most", it.bound))
        elif it.operator == "<=":
            known["least"] = max(-it.bound, known.get("least", -it.bound))
        else:
            known["least"] = known["most"] = sign * it.bound
    for stretch, known in stretches.items():
        least, most = known.get("least"), known.get("most")
        if least is not None and least == most:
            amount = f"{least} minutes"
        elif least is not None and most is not None:
            amount = f"{least} to {most} minutes"
        elif least is not None:
            amount = f"{least} minutes or more"
        else:
            amount = f"{most} minutes or less"
        yield f"{stretch} {amount}"
    yield from others


def _bounded(kind: Kind, condition: PathCondition, by_unknown: Mapping[int | None, Slot]) -> tuple[str, int] | None:
    """The stretch of time that a condition bounds, in words, and its sign there; None where it is not one stretch."""
    ends = [(by_unknown[n], factor) for n, factor in enumerate(condition.slopes) if factor]
    factors = [factor for _, factor in ends]
    if sorted(factors) in ([-1], [1], [-1, 1]):
        plus = next((slot for slot, factor in ends if factor > 0), by_unknown[None])
        minus = next((slot for slot, factor in ends if factor < 0), by_unknown[None])
        one, other = (minus, plus) if (minus.at, _rank(minus)) <= (plus.at, _rank(plus)) else (plus, minus)
        return _stretch(kind, one, other), 1 if one is minus else -1
    fixed = [] if sum(factors) == 0 else [(by_unknown[None], -sum(factors))]
    whole = {(slot.at, slot.field): factor for slot, factor in (*ends, *fixed)}
    at = ends[0][0].at
    for sign in (1, -1):
        if whole == {(at, "start"): -sign, (at, "from"): sign, (at, "to"): -sign, (at, "stop"): sign}:
            return f"{_of(kind, ends[0][0])} runs, without the pause,", sign
    return None


def _rank(slot: Slot) -> int:
    return ("start", "from", "to", "stop").index(slot.field)


def _stretch(kind: Kind, one: Slot, other: Slot) -> str:
    if one.at == other.at and (one.field, other.field) == ("start", "stop"):
        return f"{_of(kind, one)} runs"
    return f"from {_moment(kind, one)} to {_moment(kind, other)} it is"


def _moment(kind: Kind, slot: Slot) -> str:
    name = {"from": "the beginning of the pause", "to": "the end of the pause"}.get(slot.field, f"the {slot.field}")
    return f"{name} of {_of(kind, slot)}" if kind.size > 1 else name


def _of(kind: Kind, slot: Slot) -> str:
    return f"the {ORDINAL[slot.at]}" if kind.size > 1 else "it"
