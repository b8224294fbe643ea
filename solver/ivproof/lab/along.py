"""Kinds of chart that go the way of another one: the same times, and facts beside them that lead nowhere new.

The cells of a kind cover its points. Where a second kind with the same unknown times is tried in each of these cells,
and nothing is compared there that was not compared for the first, they cover it, too: no solver is asked, and only what
the other facts touch is applied again. A cell in which more is compared is gone through for the second kind alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from ivproof.chart.bounds import TooManyWaysError
from ivproof.lab.cells import Cell, TimeIsUpError, cells
from ivproof.lab.kinds import Kind
from ivproof.lab.solver import Space, UndecidedError
from ivproof.unknowns.affine import Region
from ivproof.unknowns.evaluator import Standing

Silent = Callable[[Region, Standing | None], bool]
"""Applies two laws to a kind of chart where a region stands, and says whether they conclude the same."""

Point = tuple[int, ...]

ONE_IN = 4
"""A kind that compares more than another in more than one of so many of its cells is gone through by itself."""


@dataclass(frozen=True)
class _Gone:
    """A kind that was gone through to the end without a difference."""

    silent: Silent
    cells: tuple[Cell[None], ...]


class Along:
    """Remembers kinds that were gone through without a difference, and lets others go along with them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._gone: dict[Hashable, _Gone] = {}
        self._here: tuple[_Gone, list[tuple[Region, Standing]]] | None = None

    def remember(self, kind: Kind, silent: Silent, found: Iterable[Cell[None]]) -> None:
        """Keep a kind with all its cells; of those with the same times the first."""
        if kind.unknowns:
            self._gone.setdefault(_times(kind), _Gone(silent, tuple(found)))

    def goes(self, kind: Kind, silent: Silent, until: float) -> list[Point] | None:
        """Go through a kind along with one that is remembered: a point of each cell where nothing differs anywhere.

        None where there is no such kind, where something differs, and where it takes too long: nothing is known then.
        """
        first = self._gone.get(_times(kind))
        if first is None:
            return None
        found: list[Point] = []
        parted = 0
        try:
            for tried, ((region, here), cell) in enumerate(zip(self._standing(first), first.cells, strict=True)):
                if time.process_time() > until:
                    return None
                known, mark = len(region.conditions), here.mark()
                same = silent(region, here)
                more = len(region.conditions) - known
                for _ in range(more):
                    region.conditions.popitem()
                here.back(mark)
                parted += more > 0
                if not same or parted > 1 + tried // ONE_IN:
                    return None
                found += _within(kind, cell, silent, until) if more else [cell.point]
        except (TimeIsUpError, UndecidedError, TooManyWaysError, _DifferentError):
            self._here = None
            return None
        return found

    def _standing(self, first: _Gone) -> list[tuple[Region, Standing]]:
        """What is known at a point of each cell of a kind, as its times stand there; kept while others go along."""
        if self._here is None or self._here[0] is not first:
            here = [(Region(cell.point), Standing()) for cell in first.cells]
            for region, standing in here:
                first.silent(region, standing)
            self._here = first, here
        return self._here[1]


class _DifferentError(Exception):
    """Two laws conclude something else."""


def _within(kind: Kind, cell: Cell[None], silent: Silent, until: float) -> list[Point]:
    """A point of each of the cells into which a kind parts one cell. Raises _DifferentError."""

    def ask(region: Region) -> None:
        if not silent(region, None):
            raise _DifferentError

    space = Space(kind.unknowns, (*kind.bounds, *cell.conditions))
    return [it.point for it in cells(space, kind.reach, ask, until, [cell.point])]


def _times(kind: Kind) -> Hashable:
    return kind.words, kind.slots, kind.bounds
