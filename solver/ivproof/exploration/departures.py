"""What one question changes by itself: a chart under what is held, beside the same chart with one option changed.

This is the part of the search through all readings that needs no combination, and so the one that can be had for every
chart of a batch. A state that departs from what is held is followed only as long as it differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ivproof.exploration.rooms import CANDIDATE, Room
from ivproof.exploration.search import Rank
from ivproof.exploration.solving import Choice, Held, Outcome, RoomSolver, True_
from ivproof.facts import Facts

Departure = tuple[str, str]
"""A question, and the option that is held instead."""


@dataclass(frozen=True)
class Start:
    """A chart and what is held: of every question, and of its other choices where that is not what comes first."""

    facts: Facts
    rank: Rank
    held: Mapping[str, str]
    taken: Mapping[Choice, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Departed:
    """The outcome of a chart under what is held, and that of each departure that changes it."""

    base: Outcome
    changed: Mapping[Departure, Outcome]


@dataclass(slots=True, eq=False)
class _UnderWay:
    """A chart on its way: what is true of it, and what is under each departure that has made a difference."""

    start: Start
    base: True_
    departed: dict[Departure, True_]


@dataclass(slots=True)
class _Step:
    """What the states of a chart bring to a room: given and held, of the base and of departures."""

    base: tuple[tuple[int, ...], Held] | None
    tried: dict[Departure, tuple[tuple[int, ...], Held]]


class Departures:
    """Finds what departures change, for many charts together."""

    def __init__(self, solver: RoomSolver, options: Mapping[str, tuple[str, ...]]) -> None:
        """`options` are what may be held of each question; one that has a single option is not departed from."""
        self._solver = solver
        self._options = options

    def run(self, starts: Sequence[Start]) -> list[Departed]:
        """Give what departures change in each chart, in the order given."""
        under_way = [_UnderWay(it, self._solver.begin(it.facts), {}) for it in starts]
        for at, room in enumerate(self._solver.rooms.order):
            steps = [self._step(room, chart) for chart in under_way]
            self._solver.solve(room, (it for step in steps for it in _wanted(step)))
            for chart, step in zip(under_way, steps, strict=True):
                self._advance(room, chart, step)
                self._forget(self._solver.rooms.forgotten.get(at, ()), chart)
        return [self._read(chart) for chart in under_way]

    def _step(self, room: Room, chart: _UnderWay) -> _Step:
        given, asked = self._solver.asked(room, chart.base)
        held = chart.start.held
        step = _Step(None, {})
        if asked is not None:
            usual = tuple([(key, held[key]) for key in asked])
            step.base = (given, usual)
            for n, key in enumerate(asked):
                for option in self._options[key]:
                    if option != held[key] and (key, option) not in chart.departed:
                        step.tried[key, option] = (given, (*usual[:n], (key, option), *usual[n + 1 :]))
        for departure, true in chart.departed.items():
            given, asked = self._solver.asked(room, true)
            if asked is not None:
                other = dict([departure])
                step.tried[departure] = (given, tuple([(key, other.get(key) or held[key]) for key in asked]))
        return step

    def _advance(self, room: Room, chart: _UnderWay, step: _Step) -> None:
        before = chart.base
        after = before if step.base is None else self._follow(room, chart, before, step.base)
        for departure, brought in step.tried.items():
            true = chart.departed.get(departure)
            if true is not None:
                chart.departed[departure] = self._follow(room, chart, true, brought)
            elif self._solver.concluded(room, *brought) != (
                self._solver.concluded(room, *step.base) if step.base is not None else {}
            ):
                chart.departed[departure] = self._follow(room, chart, before, brought)
        chart.base = after

    def _follow(self, room: Room, chart: _UnderWay, true: True_, brought: tuple[tuple[int, ...], Held]) -> True_:
        """What is true after a room."""
        found = {**true, **self._solver.concluded(room, *brought)}
        for name in room.choices:
            for candidates in self._solver.candidates(name, found):
                wanted = chart.start.taken.get(candidates[0].choice)
                ranked = sorted(candidates, key=lambda it: (it.value != wanted, chart.start.rank(it.value)))
                self._solver.choose(name, ranked[0], found)
            found.pop(CANDIDATE + name, None)
        return found

    def _forget(self, names: Sequence[str], chart: _UnderWay) -> None:
        """Forget what is not used any more, and departures that make no difference any more."""
        if not names:
            return
        for true in (chart.base, *chart.departed.values()):
            for name in names:
                true.pop(name, None)
        same = [departure for departure, true in chart.departed.items() if true == chart.base]
        for departure in same:
            del chart.departed[departure]

    def _read(self, chart: _UnderWay) -> Departed:
        base = self._solver.outcome(chart.base)
        found = {departure: self._solver.outcome(true) for departure, true in chart.departed.items()}
        return Departed(base, {departure: it for departure, it in sorted(found.items()) if it != base})


def _wanted(step: _Step) -> Iterator[tuple[tuple[int, ...], Held]]:
    if step.base is not None:
        yield step.base
    yield from step.tried.values()
