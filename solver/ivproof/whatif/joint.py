"""Missing facts together: which of them matter, and the fewest to document after which the rest changes nothing.

Each fact is left undocumented or given one of its values in turn; of a time, one minute of every range that leads to
another claim. All combinations are coded where there are not too many; otherwise only pairs are, and it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

from ivproof.unknowns.claims import Claims

MOST = 1500
"""Up to so many combinations of values are coded for one chart."""

Cell = tuple[int, ...]
"""For each fact the number of its value; 0 leaves it undocumented."""


@dataclass(frozen=True)
class Joint:
    """What the facts do together.

    `table` holds the claims of each combination that can be, `matters` for each fact that matters the values of the
    others (by fact) in the plainest case in which it does, `ask` the facts to document. `complete` says whether all
    combinations were looked at.
    """

    table: Mapping[Cell, Claims]
    matters: Mapping[int, Mapping[int, int]]
    ask: tuple[int, ...]
    complete: bool


def joint(sizes: Sequence[int], optional: Sequence[int], claims: Callable[[Cell], Claims | None]) -> Joint:
    """Look at facts with so many values each; nobody asks for the optional ones.

    `claims` gives what a combination leads to, None where it cannot be.
    """
    complete = prod(size + 1 for size in sizes) <= MOST
    cells = list(product(*(range(size + 1) for size in sizes))) if complete else _pairs(sizes)
    table = {cell: made for cell in cells if (made := claims(cell)) is not None}
    matters = {n: case for n in range(len(sizes)) if (case := _case(n, table)) is not None}
    wanted = [n for n, size in enumerate(sizes) if size and n not in optional]
    if not complete:
        # what changes nothing alone or with one other is left out, and the rest combined as far as can be
        wanted = [n for n in wanted if n in matters]
        if prod(sizes[n] + 1 for n in wanted) > MOST:
            return Joint(table, matters, tuple(wanted), complete)
        some = product(*(range(size + 1) if n in wanted else (0,) for n, size in enumerate(sizes)))
        table |= {cell: made for cell in some if cell not in table and (made := claims(cell)) is not None}
    others = [n for n in range(len(sizes)) if n not in wanted]
    without = {cell: made for cell, made in table.items() if complete or not any(cell[n] for n in others)}
    without = {cell: made for cell, made in without.items() if not any(cell[n] for n in optional)}
    return Joint(table, matters, _smallest(wanted, without), complete)


def _pairs(sizes: Sequence[int]) -> list[Cell]:
    """The combinations in which at most two facts are documented, as far as there is room."""
    nothing = (0,) * len(sizes)
    found: dict[Cell, None] = {nothing: None}
    for count in (1, 2):
        for some in combinations(range(len(sizes)), count):
            for values in product(*(range(1, sizes[n] + 1) for n in some)):
                if count == 1 or len(found) < MOST:
                    cell = list(nothing)
                    for n, value in zip(some, values, strict=True):
                        cell[n] = value
                    found[tuple(cell)] = None
    return list(found)


def _case(n: int, table: Mapping[Cell, Claims]) -> Mapping[int, int] | None:
    """The values of the other facts in the plainest case in which a fact matters; None where it never does."""
    by: dict[Cell, Claims] = {}
    found: list[Cell] = []
    for cell, claims in table.items():
        rest = (*cell[:n], -1, *cell[n + 1 :])
        if by.setdefault(rest, claims) != claims:
            found.append(rest)
    if not found:
        return None
    plainest = min(found, key=lambda cell: (sum(value > 0 for value in cell), cell))
    return {at: value for at, value in enumerate(plainest) if value > 0}


def _smallest(facts: Sequence[int], table: Mapping[Cell, Claims]) -> tuple[int, ...]:
    """The fewest facts whose values settle the claim, whatever is documented of the others; of equals, the first."""
    # what matters where everything else is documented has to be asked in any case
    needed = {n for n in facts if _matters_last(n, facts, table)}
    others = [n for n in facts if n not in needed]
    for size in range(len(others) + 1):
        for more in combinations(others, size):
            asked = tuple(sorted({*needed, *more}))
            if _settles(asked, table):
                return asked
    return tuple(facts)


def _matters_last(n: int, facts: Sequence[int], table: Mapping[Cell, Claims]) -> bool:
    by: dict[Cell, Claims] = {}
    return any(
        by.setdefault((*cell[:n], *cell[n + 1 :]), claims) != claims
        for cell, claims in table.items()
        if all(cell[at] for at in facts)
    )


def _settles(asked: Sequence[int], table: Mapping[Cell, Claims]) -> bool:
    """Whether every way of documenting these facts leaves one answer, whatever there is of the others."""
    by: dict[Cell, Claims] = {}
    for cell, claims in table.items():
        values = tuple(cell[n] for n in asked)
        if all(values) and by.setdefault(values, claims) != claims:
            return False
    return True
