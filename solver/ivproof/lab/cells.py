"""All cells of a kind of chart: every point of its times lies in exactly one, and in it the law goes one way.

A point in no cell yet is asked for, the law is applied there, and what it compared on the way is the cell; until there
is no such point. That there is none is the proof over all whole minutes within the bounds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ivproof.lab.solver import Space
from ivproof.unknowns.affine import PathCondition, Region

T = TypeVar("T")

DRAWN = 8
"""At so many points drawn at random it is looked, of every kind, whether each lies in exactly one cell."""

MISSED = 40
"""So often at most is a point drawn anew that lies outside the bounds."""


@dataclass(frozen=True, slots=True)
class Cell(Generic[T]):
    """Where the law goes one way: a point in it, the conditions that make it, and what follows."""

    point: tuple[int, ...]
    conditions: tuple[PathCondition, ...]
    value: T

    def holds(self, point: Sequence[int]) -> bool:
        """Whether a point lies in the cell."""
        return all(it.holds(point) for it in self.conditions)


class TimeIsUpError(RuntimeError):
    """A kind of chart took longer than it may: nothing is known of what is left of it."""


class UncoveredError(RuntimeError):
    """Cells that should cover all points once do not: an error of this program, which takes the place of an answer."""


def cells(
    space: Space,
    reach: Sequence[tuple[int, int]],
    ask: Callable[[Region], T],
    until: float | None = None,
    first: Iterable[tuple[int, ...]] = (),
) -> Iterator[Cell[T]]:
    """Give the cells one by one, as they are found; when they end, they cover every point within the bounds.

    `reach` has the first and the last value of each unknown, `ask` applies the law where a region stands; it is first
    applied at some points. Raises TimeIsUpError after `until` (of time.process_time), and UncoveredError.
    """
    found: list[Cell[T]] = []

    def points() -> Iterator[tuple[int, ...]]:
        for point in first:
            if all(it.holds(point) for it in space.bounds) and not any(it.holds(point) for it in found):
                yield point
        while (point_left := space.point()) is not None:
            yield point_left

    for point in points():
        if until is not None and time.process_time() > until:
            raise TimeIsUpError
        region = Region(point)
        value = ask(region)
        cell = Cell(point, tuple(region.conditions), value)
        if not cell.holds(point) or not all(it.holds(point) for it in space.bounds):
            raise UncoveredError(f"a point is outside its own cell: {point}")
        found.append(cell)
        yield cell
        space.take_out(cell.conditions)
    for point in drawn(space.bounds, reach, DRAWN):
        holders = sum(cell.holds(point) for cell in found)
        if holders != 1:
            raise UncoveredError(f"a point lies in {holders} cells: {point}")


def drawn(
    bounds: Sequence[PathCondition], reach: Sequence[tuple[int, int]], most: int, seed: int = 0
) -> Iterator[tuple[int, ...]]:
    """Draw points within bounds, the same ones each time."""
    rng = random.Random(seed)
    for _ in range(most):
        for _ in range(MISSED):
            point = tuple(rng.randint(*it) for it in reach)
            if all(it.holds(point) for it in bounds):
                yield point
                break
