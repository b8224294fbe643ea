"""All differences that were found as sentences: of what is given, what changes and when, as weakly as it can be said.

Cells of one kind with one change are one family. Its conditions are those that hold in every one of its cells; where
no other point within the bounds satisfies them, it is said "whenever", otherwise "only if".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivproof.lab.cells import Cell
from ivproof.lab.kinds import Kind, Slot
from ivproof.lab.pair import claims_of, units_of
from ivproof.lab.search import Difference
from ivproof.lab.solver import Space
from ivproof.unknowns.affine import Condition

MOST_CONDITIONS = 80
"""Of a family with more different conditions in its cells, no condition is told."""

SECONDS = 10.0
"""So long conditions are looked for; families after that have none told."""

ORDINAL = ("first", "second", "third")


@dataclass(frozen=True)
class Family:
    """Differences of one change: the kinds of chart, the change by code, and when; `exact` where it is always then."""

    kinds: tuple[str, ...]
    features: tuple[str, ...]
    change: Mapping[str, int]
    becomes: str
    """The change in words, where a law gives several claims or the units do not tell it."""
    conditions: tuple[str, ...]
    exact: bool

    @property
    def sentence(self) -> str:
        """The family in a sentence."""
        what = ", ".join(f"{code} {n:+d}" for code, n in self.change.items()) or self.becomes
        given = " or ".join(self.kinds)
        more = f" ({', '.join(self.features)})" if self.features else ""
        when = f", {'whenever' if self.exact else 'only if'} {' and '.join(self.conditions)}" if self.conditions else ""
        at_all = ", at any time" if self.exact and not self.conditions else ""
        return f"{given}{more}{when}{at_all}: {what}"

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "sentence": self.sentence,
            "change": dict(self.change),
            "kinds": list(self.kinds),
            "features": list(self.features),
            "conditions": list(self.conditions),
            "exact": self.exact,
        }


def families(differences: Sequence[Difference]) -> list[Family]:
    """Gather differences."""
    groups: dict[tuple[Any, ...], list[Difference]] = {}
    for it in differences:
        kind = it.kind.case or it.kind.words
        groups.setdefault((kind, it.kind.features, tuple(it.change.items()), _becomes(it)), []).append(it)
    until = time.process_time() + SECONDS
    merged: dict[tuple[Any, ...], list[str]] = {}
    for (words, features, change, becomes), cells in groups.items():
        conditions, exact = conditions_of(cells[0].kind, [it.cell for it in cells], until)
        merged.setdefault((features, change, becomes, conditions, exact), []).append(words)
    return [
        Family(tuple(dict.fromkeys(kinds)), features, dict(change), becomes, conditions, exact)
        for (features, change, becomes, conditions, exact), kinds in merged.items()
    ]


def _becomes(found: Difference) -> str:
    if found.change:
        return ""
    old, new = (
        " or ".join(
            sorted(
                ", ".join(f"{code} ×{n}" for code, n in sorted(units_of(it).items())) or "nothing"
                for it in claims_of(side)
            )
        )
        for side in (found.before, found.after)
    )
    return f"{new} instead of {old}" if old != new else f"{old} with other modifiers or another status"


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


def _in_words(kind: Kind, conditions: Sequence[Condition]) -> Iterator[str]:
    """Conditions in words; a least and a most of one stretch together."""
    stretches: dict[tuple[Slot, Slot], dict[str, int]] = {}
    others: list[str] = []
    by_unknown: dict[int | None, Slot] = {slot.unknown: slot for slot in kind.slots}
    for it in conditions:
        ends = [(n, factor) for n, factor in enumerate(it.slopes) if factor]
        factors = [factor for _, factor in ends]
        if sorted(factors) in ([-1], [1], [-1, 1]):
            plus = next((by_unknown[n] for n, factor in ends if factor > 0), by_unknown[None])
            minus = next((by_unknown[n] for n, factor in ends if factor < 0), by_unknown[None])
            one, other = (minus, plus) if (minus.at, _rank(minus)) <= (plus.at, _rank(plus)) else (plus, minus)
            sign = 1 if one is minus else -1  # what is bounded is sign times (other - one)
            if it.operator == "!=":
                others.append(f"{_stretch(kind, one, other)} not {sign * it.bound} minutes")
                continue
            known = stretches.setdefault((one, other), {})
            if it.operator == "<=" and sign > 0:
                known["most"] = min(it.bound, known.get("most", it.bound))
            elif it.operator == "<=":
                known["least"] = max(-it.bound, known.get("least", -it.bound))
            else:
                known["least"] = known["most"] = sign * it.bound
        else:
            left = " + ".join(f"{factor} × {_moment(kind, by_unknown[n])}" for n, factor in ends)
            others.append(f"{left} {it.operator} {it.bound} (in minutes from {_moment(kind, by_unknown[None])})")
    for (one, other), known in stretches.items():
        least, most = known.get("least"), known.get("most")
        if least is not None and least == most:
            amount = f"{least} minutes"
        elif least is not None and most is not None:
            amount = f"{least} to {most} minutes"
        elif least is not None:
            amount = f"{least} minutes or more"
        else:
            amount = f"{most} minutes or less"
        yield f"{_stretch(kind, one, other)} {amount}"
    yield from others


def _rank(slot: Slot) -> int:
    return ("start", "from", "to", "stop").index(slot.field)


def _stretch(kind: Kind, one: Slot, other: Slot) -> str:
    if one.at == other.at and (one.field, other.field) == ("start", "stop"):
        return f"{_of(kind, one)} runs"
    return f"from {_moment(kind, one)} to {_moment(kind, other)} it is"


def _moment(kind: Kind, slot: Slot) -> str:
    name = {"from": "the begin of the pause", "to": "the end of the pause"}.get(slot.field, f"the {slot.field}")
    return f"{name} of {_of(kind, slot)}" if kind.size > 1 else name


def _of(kind: Kind, slot: Slot) -> str:
    return f"the {ORDINAL[slot.at]}" if kind.size > 1 else "it"
