"""A kind of chart: what was given, how and where, with the times as unknowns.

The first time of a chart is fixed at noon of the date of service; every other one is a number of whole minutes from
it. Within the bounds all of them lie on that date.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import in_order
from ivproof.chart.reading import Source, parse
from ivproof.recheck import Atom
from ivproof.unknowns.affine import MINUTE, PathCondition, Region

NOON = 12 * 60
"""The minute of the day at which the first time of a chart is fixed."""

ALONE, LONGEST = 600, 170
"""So many minutes at most does an administration run: one alone with one unknown time, and any other."""

TIMES = "times"
"""The key under which a document of a kind says which times of an administration are charted, in place of the times."""

PAUSED = ("from", "to")

STAGGERED = ((40, 100), (10, 0, 40, 100))
"""So many minutes everything runs, and begins after the one before, at points that are looked at first."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A time of a chart: the administration's place, the field (of its pause `from` or `to`), and the unknown.

    `unknown` is None for the time that is fixed at noon.
    """

    at: int
    field: str
    unknown: int | None

    @property
    def term(self) -> Atom:
        """The constant of the law for it, as the second engine has it."""
        name = f"a{self.at + 1}"
        match self.field:
            case "from":
                return ("paused", name, 1)
            case "to":
                return ("resumed", name, 1)
        return (self.field, name)


@dataclass(frozen=True)
class Kind:
    """A kind of chart, made of a document in the format in which `times` stands for the times that are charted.

    `words` say what is given, `features` in which ways the chart is not the plain one.
    """

    document: Mapping[str, Any]
    words: str
    features: tuple[str, ...] = ()
    case: str = ""
    """The case that the chart comes from, with its times as they are; empty for a kind of the alphabet."""

    @property
    def size(self) -> int:
        """The number of administrations."""
        return len(self.document.get("administrations", ()))

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Its times, in the order of the chart."""
        named = [
            (at, field) for at, it in enumerate(self.document.get("administrations", ())) for field in it.get(TIMES, ())
        ]
        return tuple(Slot(at, field, n - 1 if n else None) for n, (at, field) in enumerate(named))

    @property
    def unknowns(self) -> int:
        """How many of its times are unknown."""
        return max(0, len(self.slots) - 1)

    @property
    def longest(self) -> int:
        """How many minutes an administration runs at most, and begins before or after the one charted before it."""
        return ALONE if self.unknowns <= 1 else LONGEST

    @cached_property
    def bounds(self) -> tuple[PathCondition, ...]:
        """Where the unknowns lie, as conditions on them."""
        found: list[PathCondition] = []
        by_name = {(it.at, it.field): it for it in self.slots}
        apart = self.longest * max(0, self.size - 1)
        for at in range(self.size):
            own = [by_name[at, field] for field in ("start", *PAUSED, "stop") if (at, field) in by_name]
            if not own:
                continue
            found += self._between(None, own[0], -apart, apart)
            for one, other in itertools.pairwise(own):
                found += self._between(one, other, 0, None)
            found += self._between(own[0], own[-1], None, self.longest)
        for first, second in self._alike:
            found += self._between(by_name[first], by_name[second], 0, None)
        return tuple(dict.fromkeys(found))

    @property
    def _alike(self) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
        """First times of administrations that are the same but for their times: the earlier one stands first."""
        given = [
            {key: value for key, value in it.items() if key != "id"} for it in self.document.get("administrations", ())
        ]
        whole = json.dumps({key: it for key, it in self.document.items() if key != "administrations"})
        for at in range(1, self.size):
            names = (self.document["administrations"][at - 1]["id"], self.document["administrations"][at]["id"])
            named = any(json.dumps(name) in whole for name in names) or any("continues" in it for it in given)
            if given[at] == given[at - 1] and given[at].get(TIMES) and not named:
                field = given[at][TIMES][0]
                yield (at - 1, field), (at, field)

    def _between(self, one: Slot | None, other: Slot, least: int | None, most: int | None) -> Iterator[PathCondition]:
        """How many minutes one time lies after another, or after noon."""
        slopes = [0] * self.unknowns
        for sign, slot in ((-1, one), (1, other)):
            if slot is not None and slot.unknown is not None:
                slopes[slot.unknown] += sign
        if any(slopes):
            if most is not None:
                yield PathCondition(tuple(slopes), "<=", most)
            if least is not None:
                yield PathCondition(tuple(-it for it in slopes), "<=", -least)

    @property
    def reach(self) -> tuple[tuple[int, int], ...]:
        """The first and the last minute of each unknown."""
        apart = self.longest * max(0, self.size - 1)
        return tuple((-apart, apart + self.longest) for _ in range(self.unknowns))

    def spans(self) -> Iterator[tuple[int, ...]]:
        """What a person reads of its times: when each begins, and how long it runs; a factor for each unknown."""
        first: dict[int, Slot] = {}
        for slot in self.slots:
            begin = first.setdefault(slot.at, slot)
            factors = [0] * self.unknowns
            if slot.unknown is not None:
                factors[slot.unknown] += 1
            if slot is not begin and begin.unknown is not None:
                factors[begin.unknown] -= 1
            if any(factors):
                yield tuple(factors)

    def short(self, below: int, step: int) -> Iterator[tuple[int, ...]]:
        """Give the points at which all `spans` are whole steps and together below so many minutes, short ones first."""
        begins: dict[int, Slot] = {}
        after: list[int | None] = []  # the unknown from which each one is counted
        for slot in self.slots:
            begin = begins.setdefault(slot.at, slot)
            if slot.unknown is not None:
                after.append(None if begin is slot else begin.unknown)

        def point(steps: Sequence[int]) -> tuple[int, ...]:
            found: list[int] = []
            for it, base in zip(steps, after, strict=True):
                found.append(step * it + (0 if base is None else found[base]))
            return tuple(found)

        for whole in itertools.takewhile(lambda it: it * step < below, itertools.count()):
            yield from sorted(map(point, _parted(whole, self.unknowns)))

    def written(self, point: Sequence[int], earlier: Slot | None = None) -> dict[str, Any]:
        """Give the chart at a point, as a document of the format; a time of it a minute earlier."""
        found: dict[str, Any] = json.loads(json.dumps(self.document))
        for it in found.get("administrations", ()):
            it.pop(TIMES, None)
        for slot in self.slots:
            minute = NOON + (0 if slot.unknown is None else point[slot.unknown]) - (slot == earlier)
            clock = f"{minute // 60:02}:{minute % 60:02}"
            part = found["administrations"][slot.at]
            if slot.field in PAUSED:
                part.setdefault("pauses", [{}])[0][slot.field] = clock
            else:
                part[slot.field] = clock
        return found

    def read(self, point: Sequence[int], earlier: Slot | None = None) -> Encounter | None:
        """Read the chart at a point; None where the format refuses it."""
        return parse(self.written(point, earlier), Source("chart")).encounter

    def in_turn(self, run: int, step: int) -> tuple[int, ...]:
        """Give the point at which everything runs so many minutes and begins so many after the one before."""
        found = [0] * self.unknowns
        begins: dict[int, int] = {}
        for slot in self.slots:
            own = [it.field for it in self.slots if it.at == slot.at]
            begin = begins.setdefault(slot.at, step * len(begins))
            if slot.unknown is not None:
                found[slot.unknown] = begin + run * own.index(slot.field) // max(1, len(own) - 1)
        return tuple(found)

    @property
    def staggered(self) -> Iterator[tuple[int, ...]]:
        """Some of these points: everything at once, overlapping, one after the other."""
        yield from (self.in_turn(*it) for it in itertools.product(*STAGGERED))

    @cached_property
    def sample(self) -> tuple[int, ...]:
        """A point within the bounds at which the chart can be read: everything one after the other, 20 minutes each."""
        found: list[int] = [0] * self.unknowns
        at = 0
        for slot in self.slots:
            if slot.unknown is not None:
                found[slot.unknown] = at
            at += 5
        return tuple(found)


def _parted(whole: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to make a number of so many others, none of them negative."""
    if parts == 1:
        yield (whole,)
        return
    for first in range(whole + 1):
        yield from ((first, *rest) for rest in _parted(whole - first, parts - 1))


@dataclass(frozen=True)
class Template:
    """The facts of a kind of chart for one law: those that stay, and those that its times decide."""

    kind: Kind
    stays: tuple[Atom, ...]
    names: Mapping[int, tuple[str, str]]
    """Drug and id of each administration that was given, by its place."""
    ordered: bool
    """Whether the law asks for the order of the administrations."""

    @staticmethod
    def of(kind: Kind, encounter: Encounter, atoms: Sequence[Atom], *, ordered: bool) -> Template:
        """Take the facts of the chart at some point."""
        if not kind.slots:
            return Template(kind, tuple(atoms), {}, ordered=False)
        moving = {slot.term for slot in kind.slots}
        stays = tuple(it for it in atoms if it[0] != "order_of" and not (it[0] == "at" and it[1] in moving))
        names = {n: (it.drug, it.id) for n, it in enumerate(encounter.administrations) if it.done}
        return Template(kind, stays, names, ordered)

    def at(self, region: Region, earlier: Slot | None = None) -> list[Atom]:
        """Give the facts where a region stands; what is compared to put them in order is noted.

        `earlier` is a time that is taken a minute earlier than it stands there.
        """
        return [*self.stays, *self.moving(region, earlier)]

    def moving(self, region: Region, earlier: Slot | None = None) -> list[Atom]:
        """Give the facts that times decide, likewise."""
        times: dict[tuple[int, str], int] = {}
        found: list[Atom] = []
        for slot in self.kind.slots:
            if slot.unknown is None:
                time = MINUTE * NOON
            else:
                time = region.time(slot.unknown, MINUTE * (NOON + region.here[slot.unknown]))
            if slot == earlier:
                time = time - MINUTE
            if slot.at in self.names:
                times[slot.at, slot.field] = time
                found.append(("at", slot.term, time))
        if self.ordered:
            seen = [(n, times.get((n, "start")), times.get((n, "stop")), *of) for n, of in self.names.items()]
            found += [("order_of", f"a{n + 1}", position) for position, n in enumerate(in_order(seen), 1)]
        return found
