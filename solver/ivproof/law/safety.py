"""Whether every variable of a rule is bound: by a positive literal, by an equation with what is bound, or by a count.

A rule in which one is not stands for endlessly many instances, and no engine takes it.

>>> from ivproof.law.language import load
>>> [rule] = load({"a.lp": "late(A, B) :- given(A), not early(B)."}).rules
>>> unbound(rule)
('B',)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ivproof.law.syntax import ANONYMOUS, Aggregate, Choice, Comparison, Literal, Rule, part_variables
from ivproof.law.terms import variables

Parts = Iterable[Literal | Comparison | Aggregate]


def unbound(rule: Rule) -> tuple[str, ...]:
    """Give the variables of a rule that nothing binds, in order of occurrence; ``_`` where it asks for any value."""
    bound = _bound(rule.body, frozenset())
    found = dict.fromkeys(_lacking(rule.body, bound))
    for part in rule.body:
        if isinstance(part, Aggregate):
            for element in part.elements:
                within = _bound(element.condition, bound)
                found.update(dict.fromkeys(_lacking(element.condition, within)))
                found.update((name, None) for term in element.terms for name in variables(term) if name not in within)
    if isinstance(rule.head, Choice):
        bound = _bound(rule.head.condition, bound)
        found.update(dict.fromkeys(_lacking(rule.head.condition, bound)))
    found.update((name, None) for name in variables(rule.atom) if name not in bound)
    return tuple(found)


def _bound(parts: Parts, already: frozenset[str]) -> frozenset[str]:
    """The variables that parts of a rule bind, with those that are bound already."""
    bound = set(already)
    for part in parts:
        if isinstance(part, Literal) and not part.negated:
            bound.update(name for name in variables(part.atom) if name != ANONYMOUS)
    more = True
    while more:
        more = False
        for part in parts:
            for name in _settles(part, bound) - bound:
                bound.add(name)
                more = True
    return frozenset(bound)


def _settles(part: Literal | Comparison | Aggregate, bound: set[str]) -> set[str]:
    """The variables that an equation gives a value where those in `bound` have one."""
    if isinstance(part, Aggregate):
        return set(variables(part.bound)) - {ANONYMOUS} if part.operator == "=" else set()
    if not isinstance(part, Comparison) or part.operator != "=":
        return set()
    left, right = set(variables(part.left)), set(variables(part.right))
    if left <= bound:
        return right - {ANONYMOUS}
    return left - {ANONYMOUS} if right <= bound else set()


def _lacking(parts: Parts, bound: frozenset[str]) -> Iterator[str]:
    for part in parts:
        for name in part_variables(part):
            # in a literal _ stands for whatever there is, or is not
            if name not in bound and not (name == ANONYMOUS and isinstance(part, Literal)):
                yield name
