"""What one question changes by itself: a chart under what is held, beside the same chart with one option changed.

This is the part of the search through all readings that needs no combination, and so the one that can be had for every
chart of a batch. What holds of a chart is known from its answer; a departure enters only the rooms that ask its
question or use something that it has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ivproof.exploration.felt import FELT
from ivproof.exploration.rooms import CANDIDATE, Room
from ivproof.exploration.search import Rank
from ivproof.exploration.solving import EMPTY, Choice, Held, Outcome, RoomSolver, True_
from ivproof.facts import Facts

Departure = tuple[str, str]
"""A question, and the option that is held instead."""


@dataclass(frozen=True)
class Start:
    """A chart and what is held: of every question, and of its other choices where that is not what comes first.

    `holds` is what follows: the text of the arguments of atoms, by predicate, and among it what departures are felt.
    """

    facts: Facts
    rank: Rank
    held: Mapping[str, str]
    holds: Mapping[str, Sequence[str]]
    taken: Mapping[Choice, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Departed:
    """The outcome of a chart under what is held, and that of each departure that changes it."""

    base: Outcome
    changed: Mapping[Departure, Outcome]


@dataclass(slots=True, eq=False)
class _UnderWay:
    """A chart under one departure: `other` has the predicates whose extension is not that of the base."""

    start: Start
    base: True_
    departure: Departure
    other: dict[str, int]

    def true(self) -> True_:
        """What is true, as far as it is known."""
        found = self.base | self.other
        for name, number in self.other.items():
            if number == EMPTY:
                del found[name]
        return found

    def held(self, key: str) -> str:
        """What is held of a question."""
        return self.departure[1] if key == self.departure[0] else self.start.held[key]


class Departures:
    """Finds what departures change, for many charts together."""

    def __init__(self, solver: RoomSolver, options: Mapping[str, tuple[str, ...]]) -> None:
        """`options` are what may be held of each question; one that has a single option is not departed from."""
        self._solver = solver
        self._options = options
        self._asking: dict[str, dict[int, None]] = {}
        self._using: dict[str, dict[int, None]] = {}
        for at, room in enumerate(solver.rooms.order):
            for key in dict.fromkeys(key for rule in room.rules for key in rule.asks):
                self._asking.setdefault(key, {})[at] = None
            for name in room.inputs:
                self._using.setdefault(name, {})[at] = None

    def run(self, starts: Sequence[Start]) -> list[Departed]:
        """Give what departures change in each chart, in the order given."""
        order = self._solver.rooms.order
        bases = [self._solver.begin(it.facts, it.holds) for it in starts]
        # which departures are to enter which room
        waiting: list[dict[_UnderWay, None]] = [{} for _ in order]
        under_way: list[list[_UnderWay]] = []
        for start, base in zip(starts, bases, strict=True):
            mine = [
                _UnderWay(start, base, (key, option), {})
                for key, _, option in (it.partition(",") for it in start.holds.get(FELT, ()))
                if option != start.held[key] and option in self._options[key] and key in self._asking
            ]
            under_way.append(mine)
            for it in mine:
                for at in self._asking[it.departure[0]]:
                    waiting[at][it] = None
        for at, room in enumerate(order):
            entering = [(it, *self._brought(room, it)) for it in waiting[at]]
            self._solver.solve(room, (brought for _, brought, _ in entering if brought is not None))
            for it, brought, true in entering:
                for name in self._advance(room, it, brought, true):
                    for later in self._using.get(name, ()):
                        waiting[later][it] = None
        return [self._read(base, mine) for base, mine in zip(bases, under_way, strict=True)]

    def _brought(self, room: Room, it: _UnderWay) -> tuple[tuple[tuple[int, ...], Held] | None, True_]:
        """What a departure brings to a room, if anything can be concluded there or was; and all that is true of it."""
        true = it.true() if it.other else it.base
        given, asked = self._solver.asked(room, true)
        if asked is None or not (it.other or it.departure[0] in asked):
            return None, true
        return (given, tuple([(key, it.held(key)) for key in asked])), true

    def _advance(
        self, room: Room, it: _UnderWay, brought: tuple[tuple[int, ...], Held] | None, true: True_
    ) -> list[str]:
        """Take a departure through a room; give the predicates that are not what they are in the base."""
        if brought is None and not it.other:
            return []  # its question is not asked here
        found = dict(self._solver.concluded(room, *brought)) if brought is not None else {}
        for name in room.choices:
            for candidates in self._solver.candidates(name, found):
                wanted = it.start.taken.get(candidates[0].choice)
                ranked = sorted(candidates, key=lambda at: (at.value != wanted, it.start.rank(at.value)))
                self._solver.choose(name, ranked[0], found)
        changed = []
        for name in (*(name for name, _ in room.heads if not name.startswith(CANDIDATE)), *room.choices):
            number = found.get(name, EMPTY)
            if number != it.base.get(name, EMPTY):
                it.other[name] = number
                changed.append(name)
        return changed

    def _read(self, base: True_, under_way: Sequence[_UnderWay]) -> Departed:
        usual = self._solver.outcome(base)
        found = {it.departure: self._solver.outcome(it.true()) for it in under_way if it.other}
        return Departed(usual, {departure: it for departure, it in sorted(found.items()) if it != usual})
