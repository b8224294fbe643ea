"""Which billed units are meant for which supported ones: lines are matched to services, not only to codes.

Units of one code with the same modifiers match first, then those of one code with other modifiers, and what is left is
matched to kindred codes at the least cost: as many units as can be, each to the nearest code.

>>> bundles = [Billed("A", 2, ()), Billed("B", 1, ())], [Supported("A", 1), Supported("C", 1), Supported("D", 1)]
>>> near = {("A", "C"): 1, ("B", "C"): 1, ("B", "D"): 1}
>>> [(it.billed, it.supported, it.units) for it in match(*bundles, lambda one, other: near.get((one.code, other.code)))]
[(0, 0, 1), (0, 1, 1), (1, 2, 1)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from ivproof.audit.kinship import Kinship
from ivproof.audit.model import Billed, Supported
from ivproof.chart.encounter import BilledLine
from ivproof.claim.determination import ClaimLine, DrugLine

_T = TypeVar("_T")

Cost = Callable[[Billed, Supported], int | None]
"""What it costs to take a billed unit for a supported one of another code; None where it cannot be."""

UNMATCHED = 1_000
"""What a unit costs that nothing matches: more than any that something does."""

NOTHING: Mapping[str, int] = {}

OTHER_MODIFIERS = 1
"""What a unit costs that matches but for its modifiers."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Units of a billed bundle that are meant for a supported one; on one side None where nothing matches.

    `exact` says that neither code nor modifiers differ.
    """

    billed: int | None
    supported: int | None
    units: int | float
    exact: bool = False
    cost: int = 0


def bill(lines: Iterable[tuple[int, BilledLine]], kinship: Kinship) -> list[Billed]:
    """Bundle billed lines, each with its place: one bundle for each code and what its modifiers say."""
    found: dict[tuple[str, tuple[str, ...]], Billed] = {}
    for place, line in lines:
        key = line.code, kinship.known(line.modifiers)
        it = found.get(key, Billed(line.code, 0))
        modifiers = tuple(dict.fromkeys((*it.modifiers, *line.modifiers)))
        denied = it.denied if line.denied is None else (*it.denied, line.denied)
        found[key] = Billed(line.code, it.units + line.units, modifiers, (*it.positions, place), denied)
    return list(found.values())


def support(lines: Iterable[ClaimLine]) -> list[Supported]:
    """Bundle the lines of a claim: one bundle for each code with its modifiers, whatever site and date."""
    found: dict[tuple[str, tuple[str, ...]], list[ClaimLine]] = {}
    for line in lines:
        found.setdefault((line.code, line.modifiers), []).append(line)
    return [
        Supported(
            code,
            sum(it.units for it in alike),
            modifiers,
            _once(it.role for it in alike),
            _once(it.site for it in alike if it.site),
            _once(it.date for it in alike),
            _once(name for it in alike for name in it.administrations),
            _once(rule for it in alike for rule in it.rules),
            _once(mark for it in alike for mark in it.marks),
        )
        for (code, modifiers), alike in found.items()
    ]


def support_drugs(lines: Iterable[DrugLine], kinship: Kinship) -> list[Supported]:
    """Bundle drug lines in the same way."""
    found: dict[tuple[str, tuple[str, ...]], list[DrugLine]] = {}
    for line in lines:
        found.setdefault((line.code, tuple(sorted(line.modifiers))), []).append(line)
    bundles = []
    for (code, modifiers), alike in found.items():
        names = _once(name for it in alike for name in it.administrations)
        bundles.append(
            Supported(
                code,
                _whole(sum(it.units for it in alike)),
                modifiers,
                administrations=names,
                rules=kinship.marks.of_drug(modifiers),
                marks=tuple(mark for it in modifiers for mark in kinship.marks.on_drug(it, names)),
            )
        )
    return bundles


def match(
    billed: Sequence[Billed],
    supported: Sequence[Supported],
    cost: Cost,
    kinship: Kinship | None = None,
    meant: Mapping[str, int] = NOTHING,
) -> list[Piece]:
    """Match the units of two lists of bundles; the pieces stand in the order of the billed, then of the supported.

    `meant` says by code how many units are meant for services of which nothing is supported: nothing else takes them.
    """

    def says(it: Billed) -> tuple[str, ...]:
        return kinship.known(it.modifiers) if kinship else it.modifiers

    left = [Fraction(str(it.units)) for it in billed]
    open_ = [Fraction(str(it.units)) for it in supported]
    aside = [Fraction(0)] * len(billed)
    pieces: list[Piece] = []

    def take(n: int, m: int, units: Fraction, of: int) -> None:
        left[n] -= units
        open_[m] -= units
        exact = billed[n].code == supported[m].code and says(billed[n]) == supported[m].modifiers
        pieces.append(Piece(n, m, _whole(units), exact, of))

    for same in (True, False):
        for n, one in enumerate(billed):
            for m, other in enumerate(supported):
                if one.code == other.code and (says(one) == other.modifiers) is same and left[n] and open_[m]:
                    take(n, m, min(left[n], open_[m]), 0 if same else OTHER_MODIFIERS)
    unheld = {code: Fraction(units) for code, units in meant.items()}
    for n, one in enumerate(billed):
        aside[n] = min(left[n], unheld.get(one.code, Fraction(0)))
        left[n] -= aside[n]
        unheld[one.code] = unheld.get(one.code, Fraction(0)) - aside[n]
    for n, m, units, of in _cheapest(billed, supported, left, open_, cost):
        take(n, m, units, of)
    pieces += [
        Piece(n, None, _whole(units), cost=UNMATCHED) for n, rest in enumerate(left) if (units := rest + aside[n])
    ]
    pieces += [Piece(None, m, _whole(units), cost=UNMATCHED) for m, units in enumerate(open_) if units]
    last = len(billed) + len(supported)
    return sorted(
        pieces,
        key=lambda it: (last if it.billed is None else it.billed, last if it.supported is None else it.supported),
    )


def cost_of(pieces: Iterable[Piece]) -> float:
    """What a matching costs: the claim that is nearest to what was billed costs least."""
    return sum(it.cost * it.units for it in pieces)


def _cheapest(
    billed: Sequence[Billed],
    supported: Sequence[Supported],
    left: Sequence[Fraction],
    open_: Sequence[Fraction],
    cost: Cost,
) -> list[tuple[int, int, Fraction, int]]:
    """Match what is left: as many units as can be, at the least cost; of equals, those that come first."""
    pairs = {
        (n, m): near
        for n, one in enumerate(billed)
        for m, other in enumerate(supported)
        if left[n] and open_[m] and (near := cost(one, other)) is not None
    }
    if len(pairs) < 2:
        return [(n, m, min(left[n], open_[m]), near) for (n, m), near in pairs.items()]
    return _by_flow(pairs, left, open_)


def _by_flow(
    pairs: dict[tuple[int, int], int], left: Sequence[Fraction], open_: Sequence[Fraction]
) -> list[tuple[int, int, Fraction, int]]:
    import networkx as nx  # noqa: PLC0415 - takes longer to load than all else here, and few claims need it

    # the flow wants whole numbers: units come in tenths, and of equal costs the earlier pair is to win
    tenths = 10
    ties = 1 + len(left) + len(open_)
    graph: Any = nx.DiGraph()
    for (n, m), near in pairs.items():
        graph.add_edge("from", ("billed", n), capacity=int(left[n] * tenths), weight=0)
        graph.add_edge(("billed", n), ("supported", m), weight=near * ties * ties + abs(n - m))
        graph.add_edge(("supported", m), "to", capacity=int(open_[m] * tenths), weight=0)
    flow = nx.max_flow_min_cost(graph, "from", "to")
    return [
        (n, m, Fraction(units, tenths), near)
        for (n, m), near in pairs.items()
        if (units := flow["billed", n].get(("supported", m), 0))
    ]


def _whole(units: Fraction | float) -> int | float:
    return int(units) if units == int(units) else float(units)


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
