"""Which rules of a law can apply where certain facts are given, by their predicates and the constants in them.

Preparing a rule costs the solver the same whether it can apply or not, and for a single chart that is most of the time.
What is left out could not have applied; what is kept may not apply either: variables are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from ivproof.law.lifting import ANYTHING, BatchRule, Pattern, shape
from ivproof.law.terms import parse, split


class Selection:
    """The rules of a law, ready to be chosen from; what rules need is known by numbers of patterns."""

    def __init__(self, rules: Sequence[BatchRule]) -> None:
        """Number what the rules need."""
        self.rules = rules
        self._numbers: dict[Pattern, int] = {}
        self._needs = [sorted({self._number(it) for it in rule.needs}) for rule in rules]
        self._needing: list[list[int]] = [[] for _ in self._numbers]
        for n, needs in enumerate(self._needs):
            for it in needs:
                self._needing[it].append(n)
        self._of: dict[str, list[tuple[int, Pattern]]] = {}
        for pattern, number in self._numbers.items():
            self._of.setdefault(pattern[0], []).append((number, pattern))
        self._told: dict[Pattern, tuple[int, ...]] = {}

    def _number(self, pattern: Sequence[str]) -> int:
        return self._numbers.setdefault(tuple(pattern), len(self._numbers))

    def whatever(self, predicate: str) -> Iterable[int]:
        """Give the numbers that some atom of a predicate may meet."""
        return (number for number, _ in self._of.get(predicate, ()))

    def met(self, predicate: str, arguments: str, *, own: bool) -> Iterable[int]:
        """Give the numbers that a fact meets; one that is a chart's `own` has the chart as a further first argument."""
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
        return [self._meeting(tuple(rule.head)) for rule in self.rules]

    def possible(self, present: Iterable[int]) -> list[BatchRule]:
        """Give the rules that can apply where facts meet the patterns of these numbers, in their order."""
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
        return [self.rules[n] for n in sorted(kept)]


def _alike(one: Pattern, other: Pattern) -> bool:
    """Whether an atom may be of both patterns."""
    return len(one) == len(other) and all(a == b or ANYTHING in {a, b} for a, b in zip(one, other, strict=True))
