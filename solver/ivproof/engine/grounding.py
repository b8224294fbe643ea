"""The one place that lets clingo ground: interruptible, and within the work that is allowed.

Programs without choices only have to be grounded, and everything that is true is a fact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import clingo

from ivproof.chart import bounds
from ivproof.engine.interruptible import apart
from ivproof.recheck.budget import KEPT, Budget


def consequences(program: str) -> dict[str, list[str]]:
    """Give what a program derives, by predicate, as the text of the atoms. Raises LimitError."""
    found: dict[str, list[str]] = {}
    control = grounded([program])  # named, since the atoms do not keep it alive
    for atom in control.symbolic_atoms:
        found.setdefault(atom.symbol.name, []).append(str(atom.symbol))
    return found


def derive(program: str, predicates: Mapping[str, int]) -> dict[str, dict[str, list[str]]]:
    """Give what a program derives: by first argument and predicate, the text of the other arguments.

    Raises LimitError.
    """
    control = grounded([program])  # named, since the atoms do not keep it alive
    atoms = control.symbolic_atoms
    found: dict[str, dict[str, list[str]]] = {}
    for name, arity in predicates.items():
        for atom in atoms.by_signature(name, arity):
            inner = str(atom.symbol)[len(name) + 1 : -1]
            first, _, rest = inner.partition(",")
            found.setdefault(first, {}).setdefault(name, []).append(rest)
    return found


def grounded(parts: Sequence[str], options: Sequence[str] = (), *, watched: bool = False) -> clingo.Control:
    """Ground a program that is given in parts. Raises LimitError where it has more atoms than are allowed.

    A program that may have very many is `watched`: it is stopped as soon as there are too many. That takes as long
    again, so others are only counted when they are grounded.
    """
    control = clingo.Control(["--warn=none", *options])
    watch = _Watch(bounds.current())
    if watched:
        control.register_observer(watch)  # type: ignore[arg-type]  # what an observer does not have is not told it

    def ground() -> None:
        for part in parts:
            control.add("base", [], part)
        control.ground([("base", [])])

    apart(ground, watch.stop)
    if not watched:
        bounds.keep(len(control.symbolic_atoms))
    return control


class _Watch:
    """Is told of each rule while a program is grounded, which is no longer than the budget allows."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def rule(self, choice: bool, head: Sequence[int], body: Sequence[int]) -> None:
        """Count a rule. Raises LimitError, which ends the grounding."""
        self._budget.spend(KEPT)

    def stop(self) -> None:
        """Let the grounding end at the next rule."""
        self._budget = Budget(0)


def shown(control: clingo.Control, assumptions: Sequence[Any] = ()) -> list[str] | None:
    """Give the shown atoms of the first answer set under some assumptions; None where there is none."""

    def solve() -> list[str] | None:
        with control.solve(assumptions=assumptions, yield_=True) as handle:
            model = handle.model()
            return None if model is None else [str(symbol) for symbol in model.symbols(shown=True)]

    return apart(solve)
