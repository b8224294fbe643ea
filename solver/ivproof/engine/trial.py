"""Tries every way of settling what is left open in charts, where the ways are few.

Each way is solved by itself, all of a call together. Up to a dozen ways or so this takes less than the search room by
room (see `search`), which is made for charts that leave much open; both give the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from ivproof.chart.facts import Facts
from ivproof.engine.choices import OPEN, Atoms, ClaimKey, Resolution, claim_of
from ivproof.engine.diagram import Diagram
from ivproof.engine.search import Found, Rank, diagram_of
from ivproof.engine.solving import Choice, Outcome

FEW = 16
"""A chart with more ways than this is left to the search."""

Way = tuple[Resolution, ...]
"""Choices with what each takes."""


@dataclass(frozen=True, slots=True)
class Solved:
    """What came of a chart with some choices settled, and the first candidate taken for the others.

    `left` has those others, with their candidates in order, and with `decided` none of them bears on the claim.
    `predicates`, where it is told, has every predicate of which something can hold, whatever the others take.
    """

    atoms: Atoms
    left: Mapping[Choice, Sequence[str]]
    decided: bool
    predicates: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A way that was tried: `path` has the choices with something to choose, `way` all that are settled."""

    path: Way
    way: Way
    solved: Solved


@dataclass(frozen=True)
class Tried:
    """All ways of a chart, in the order in which what comes first is preferred."""

    found: Found
    leaves: Sequence[Leaf] = field(repr=False)

    def leaf(self, claim: ClaimKey, way: Way) -> Leaf | None:
        """Give the first way that settles these choices so, among others; None where it gives another claim."""
        for leaf in self.leaves:
            if set(way).issubset(leaf.path):
                return leaf if claim_of(leaf.solved.atoms) == claim else None
        return None


class Trial:
    """Tries the ways of many charts together."""

    def __init__(
        self,
        solve: Callable[[Sequence[Facts], Sequence[Way]], list[Solved]],
        options: Mapping[str, Sequence[str]],
        levels: Sequence[Sequence[str]],
    ) -> None:
        """`solve` solves charts with choices settled, `options` are those of the open questions, and `levels` the
        predicates of the other choices, in an order in which none depends on a later one."""
        self._solve = solve
        self._options = options
        self._level = {name: n for n, names in enumerate(levels) for name in names}
        self._levels = len(levels)

    def run(
        self, charts: Sequence[Facts], asked: Sequence[Sequence[str]], first: Sequence[Solved], ranks: Sequence[Rank]
    ) -> list[Tried | None]:
        """Give what each chart leads to, or None where it has too many ways.

        `asked` are the open questions that it raises, and `first` what comes of it with the first option of each.
        """
        leaves = self._answered(charts, asked, first)
        for level in range(self._levels):
            leaves = self._settled(charts, leaves, level)
        return [
            None if mine is None else Tried(self._found(mine, rank), mine)
            for mine, rank in zip(leaves, ranks, strict=True)
        ]

    def _answered(
        self, charts: Sequence[Facts], asked: Sequence[Sequence[str]], first: Sequence[Solved]
    ) -> list[list[Leaf] | None]:
        """The charts with every answer to their open questions."""
        ways: list[list[Way] | None] = []
        for keys in asked:
            many = prod(len(self._options[key]) for key in keys) > FEW
            answers = product(*([Resolution(OPEN, key, it) for it in self._options[key]] for key in keys))
            ways.append(None if many else list(answers))
        waiting = [(n, way) for n, mine in enumerate(ways) for way in (mine or ())[1:]]
        solved = iter(self._solve([charts[n] for n, _ in waiting], [way for _, way in waiting]))
        return [
            None if mine is None else [Leaf(way, way, next(solved) if n else first[at]) for n, way in enumerate(mine)]
            for at, mine in enumerate(ways)
        ]

    def _settled(
        self, charts: Sequence[Facts], leaves: Sequence[list[Leaf] | None], level: int
    ) -> list[list[Leaf] | None]:
        """The charts with the choices of one level settled, wherever the claim still depends on some choice."""
        ends: list[list[tuple[Way, Way] | Leaf] | None] = []
        for mine in leaves:
            parted = None if mine is None else [end for leaf in mine for end in self._part(leaf, level)]
            ends.append(None if parted is None or len(parted) > FEW else parted)
        waiting = [(n, end[1]) for n, mine in enumerate(ends) for end in mine or () if not isinstance(end, Leaf)]
        solved = iter(self._solve([charts[n] for n, _ in waiting], [way for _, way in waiting]))
        return [
            None if mine is None else [end if isinstance(end, Leaf) else Leaf(*end, next(solved)) for end in mine]
            for mine in ends
        ]

    def _part(self, leaf: Leaf, level: int) -> list[tuple[Way, Way] | Leaf]:
        """Part a way by what the choices of a level may take: what is to be solved, or is known already."""
        # a choice on which no claim depends is of no level, and takes its first candidate
        here = {choice: it for choice, it in leaf.solved.left.items() if self._level.get(choice[0]) == level}
        if leaf.solved.decided or not here:
            return [leaf]
        later = any(self._level.get(choice[0], level) > level for choice in leaf.solved.left)
        ends: list[tuple[Way, Way] | Leaf] = []
        candidates = ([Resolution(*choice, value) for value in values] for choice, values in sorted(here.items()))
        for taken in product(*candidates):
            path = (*leaf.path, *(it for it in taken if len(here[it.choice]) > 1))
            if not ends and not later:
                # what is left open takes its first candidate: that is the parent
                ends.append(Leaf(path, (*leaf.way, *taken), leaf.solved))
            else:
                ends.append((path, (*leaf.way, *taken)))
            if len(ends) > FEW:
                break
        return ends

    def _found(self, leaves: Sequence[Leaf], rank: Rank) -> Found:
        diagram = diagram_of(self._options, rank)
        root = diagram.ordered(_node(diagram, [(leaf.path, claim_of(leaf.solved.atoms)) for leaf in leaves]))
        # a choice that every way settles is left by none of them
        met = frozenset(it for leaf in leaves for it in (*leaf.solved.left, *(one.choice for one in leaf.way)))
        return Found(diagram, root, frozenset(), met)


def _node(diagram: Diagram[Choice, Outcome], paths: Sequence[tuple[Way, ClaimKey]]) -> int:
    """The node that leads from what is chosen along each path to its claim."""
    path, claim = paths[0]
    if not path:
        return diagram.leaf(claim)
    children: dict[str, list[tuple[Way, ClaimKey]]] = {}
    for way, it in paths:
        children.setdefault(way[0].value, []).append((way[1:], it))
    return diagram.node(path[0].choice, {value: _node(diagram, inner) for value, inner in children.items()})
