"""Which rules of a law can apply where certain facts are given, by their predicates and the constants in them.

Preparing a rule costs the solver the same whether it can apply or not, and for a single chart that is most of the time.
What is left out could not have applied; what is kept may not apply either: variables are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TypeAlias

from ivproof.chart.facts import Facts
from ivproof.law.lifting import ANYTHING, Pattern, shape
from ivproof.law.terms import parse, split

Patterns: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]]]
"""What a rule concludes, and what it needs."""


class Selection:
    """The rules of a law, ready to be chosen from; what they need is known by numbers of patterns."""

    def __init__(self, rules: Iterable[Patterns]) -> None:
        """Number what the rules need."""
        self._numbers: dict[Pattern, int] = {}
        self._heads: list[Pattern] = []
        self._needs: list[list[int]] = []
        for head, needs in rules:
            self._heads.append(tuple(head))
            self._needs.append(sorted({self._number(it) for it in needs}))
        self._needing: list[list[int]] = [[] for _ in self._numbers]
        for n, numbers in enumerate(self._needs):
            for it in numbers:
                self._needing[it].append(n)
        self._of: dict[str, list[tuple[int, Pattern]]] = {}
        for pattern, number in self._numbers.items():
            self._of.setdefault(pattern[0], []).append((number, pattern))
        self._told: dict[Pattern, tuple[int, ...]] = {}

    def _number(self, pattern: Sequence[str]) -> int:
        return self._numbers.setdefault(tuple(pattern), len(self._numbers))

    def present(self, charts: Iterable[Facts], *, lifted: bool) -> set[int]:
        """Give the numbers that the facts of charts meet; `lifted` rules have the chart as a further first argument."""
        found: set[int] = set()
        shared: dict[str, None] = {}
        for facts in charts:
            for fact in facts.own:
                found.update(self.met(fact.predicate, fact.arguments, own=lifted))
            shared |= dict.fromkeys(facts.shared)
        for it in shared:
            name, _, arguments = it.removesuffix(")").partition("(")
            found.update(self.met(name, arguments))
        return found

    def whatever(self, predicate: str) -> Iterable[int]:
        """Give the numbers that some atom of a predicate may meet."""
        return (number for number, _ in self._of.get(predicate, ()))

    def met(self, predicate: str, arguments: str, *, own: bool = False) -> Iterable[int]:
        """Give the numbers that a fact meets; one of a chart's `own` has the chart as a further first argument."""
        wanted = self._of.get(predicate, ())
        if all(part == ANYTHING for _, pattern in wanted for part in pattern[1:]):
            return [number for number, _ in wanted]
        parts = [shape(parse(it)) for it in split(f"({arguments})")] if arguments else []
        return self._meeting((predicate, *([ANYTHING] if own else []), *parts))

    def _meeting(self, pattern: Pattern) -> tuple[int, ...]:
        """The numbers of what an atom of this pattern may meet."""
        if pattern not in self._told:
            self._told[pattern] = tuple(n for n, it in self._of.get(pattern[0], ()) if _alike(it, pattern))
        return self._told[pattern]

    @cached_property
    def _gives(self) -> Sequence[tuple[int, ...]]:
        return [self._meeting(head) for head in self._heads]

    def possible(self, present: Iterable[int]) -> list[int]:
        """Give the places of the rules that can apply where facts meet the patterns of these numbers, in order."""
        missing = [len(needs) for needs in self._needs]
        kept = [n for n, needs in enumerate(self._needs) if not needs]
        met = {*present, *(it for n in kept for it in self._gives[n])}
        new = [*met]
        while new:
            for n in self._needing[new.pop()]:
                missing[n] -= 1
                if not missing[n]:
                    kept.append(n)
                    more = [it for it in self._gives[n] if it not in met]
                    met.update(more)
                    new += more
        return sorted(kept)


def _alike(one: Pattern, other: Pattern) -> bool:
    """Whether an atom may be of both patterns."""
    return len(one) == len(other) and all(a == b or ANYTHING in {a, b} for a, b in zip(one, other, strict=True))
