"""Whole numbers under linear conditions: a point that satisfies them, or the word that there is none.

The only module that knows z3. What it says is not taken on trust: a point is tried on the conditions themselves
(`Condition.holds`), and that there is none is held against points drawn at random (see `cells`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ivproof.formats.extras import load
from ivproof.unknowns.affine import PathCondition

NEEDED_BY = "a comparison over all minutes"


class UndecidedError(RuntimeError):
    """The solver has no answer, neither a point nor that there is none."""


def _check(search: Any) -> Any:
    """Ask the solver. Raises KeyboardInterrupt where Ctrl-C ended it: z3 takes the signal and calls it unknown."""
    said = search.check()
    if search.reason_unknown() == "interrupted from keyboard" or search.reason_unknown().endswith("canceled"):
        raise KeyboardInterrupt
    return said


def _listed(unknowns: int, bounds: Sequence[PathCondition]) -> list[tuple[int, ...]] | None:
    """Every point within some bounds, of one unknown at most; None where there are more, or there is no end."""
    if unknowns == 0:
        return [()]
    ends = {it.slopes[0]: it.bound for it in bounds if it.operator == "<=" and it.slopes in ((1,), (-1,))}
    if unknowns > 1 or len(ends) < 2:
        return None
    return [(n,) for n in range(-ends[-1], ends[1] + 1) if all(it.holds((n,)) for it in bounds)]


class Space:
    """The points of so many unknown whole numbers within some bounds, without the cells that were taken out of it."""

    def __init__(self, unknowns: int, bounds: Iterable[PathCondition]) -> None:
        """Begin with all points within the bounds. Raises MissingExtraError where z3 is not installed."""
        self._z3: Any = load("z3", NEEDED_BY)
        self._unknowns = [self._z3.Int(f"x{n}") for n in range(unknowns)]
        self.bounds = tuple(bounds)
        self._written: dict[PathCondition, Any] = {}
        self._denied: dict[PathCondition, Any] = {}
        self._left = _listed(unknowns, self.bounds)
        if self._left is None:
            self._solver = self._z3.Solver()
            self._solver.set("random_seed", 0)
            self._solver.add(*map(self._write, self.bounds))

    def point(self) -> tuple[int, ...] | None:
        """Give a point that is left; None where there is none. Raises UndecidedError."""
        if self._left is not None:
            return self._left[0] if self._left else None
        said = _check(self._solver)
        if said == self._z3.unsat:
            return None
        if said != self._z3.sat:
            raise UndecidedError(self._solver.reason_unknown())
        return self._of(self._solver.model())

    def take_out(self, cell: Iterable[PathCondition]) -> None:
        """Leave only points at which some condition of a cell does not hold; of one without conditions, none."""
        if self._left is not None:
            conditions = list(cell)
            self._left = [point for point in self._left if not all(it.holds(point) for it in conditions)]
            return
        z3, context = self._z3, self._z3.main_ctx()
        parts = [self._denied[it] if it in self._denied else self._deny(it) for it in cell]
        # as z3.Or does it, which first looks at the sort of each part again
        written = (z3.Ast * len(parts))(*(it.as_ast() for it in parts))
        self._solver.add(z3.BoolRef(z3.Z3_mk_or(context.ref(), len(parts), written), context))

    def _deny(self, condition: PathCondition) -> Any:
        found = self._denied[condition] = self._z3.Not(self._write(condition))
        return found

    def roundest(self, cell: Iterable[PathCondition], spans: Sequence[Sequence[int]]) -> tuple[int, ...]:
        """Give the point of a cell that a person would write down: on the quarter, else on five minutes, and short.

        `spans` are sums of the unknowns, a factor each, that are to be round and small. Raises UndecidedError.
        """
        search = self._z3.Optimize()
        search.add(*map(self._write, self.bounds), *map(self._write, cell))
        lengths = [self._sum(it) for it in spans]
        either = self._z3.If
        search.minimize(self._z3.Sum([either(it % 15 == 0, 0, either(it % 5 == 0, 1, 3)) for it in lengths]))
        search.minimize(self._z3.Sum([either(it >= 0, it, -2 * it) for it in lengths]))
        if _check(search) != self._z3.sat:
            raise UndecidedError("the cell has no round point")
        return self._of(search.model())

    def implied(self, condition: PathCondition, others: Iterable[PathCondition]) -> bool:
        """Whether a condition holds wherever the bounds and some other conditions do."""
        search = self._z3.Solver()
        search.add(*map(self._write, self.bounds), *map(self._write, others))
        search.add(self._z3.Not(self._write(condition)))
        return bool(_check(search) == self._z3.unsat)

    def _of(self, model: Any) -> tuple[int, ...]:
        return tuple(model.eval(it, model_completion=True).as_long() for it in self._unknowns)

    def _sum(self, factors: Sequence[int]) -> Any:
        terms = [factor * it for factor, it in zip(factors, self._unknowns, strict=True) if factor]
        return self._z3.Sum([self._z3.IntVal(0), *terms])

    def _write(self, condition: PathCondition) -> Any:
        found = self._written.get(condition)
        if found is None:
            value = self._sum(condition.slopes)
            match condition.operator:
                case "<=":
                    found = value <= condition.bound
                case "=":
                    found = value == condition.bound
                case _:
                    found = value != condition.bound
            self._written[condition] = found
        return found
