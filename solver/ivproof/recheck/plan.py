"""The order in which a body is evaluated: which elements can be decided once some variables have values.

Compiled evaluation and the step-by-step search of `support` both follow it. A rule for which there is no
order is unsafe, and refused.
"""

from collections.abc import Callable, Iterable
from typing import Any

from .syntax import Aggregate, Comparison, Element, Literal, Rule, Variable, names, shared_names

Mode = tuple[set[str], set[str]]  # variables that must have values before, and those that get one


def modes(element: Element, shared: set[str]) -> list[Mode]:
    """The ways to evaluate an element of a rule; `shared` as in `shared_names`."""
    match element:
        case Literal(atom, negated):
            seen, found = names([atom]), names([atom], arithmetic=False)
            if negated:  # there, _ needs no value: `not p(_)` means that there is no p at all
                return [({name for name in seen if name not in found or not Variable(name).anonymous}, set())]
            return [(seen - found, found)]
        case Comparison(left, operator, right):
            ways: list[Mode] = [(names([left, right]), set())]
            for known, pattern in ((left, right), (right, left)) if operator == "=" else ():
                found = names([pattern], arithmetic=False)
                ways.append((names([known]) | names([pattern]) - found, found))
            return ways
        case Aggregate(_, cases, operator, bound):
            inside, outside = names(cases) & shared, names([bound])
            assigns = operator == "=" and isinstance(bound, Variable)
            return [(inside | outside, set()), *([(inside, outside)] if assigns else [])]


def sequence(
    elements: Iterable[Element],
    bound: set[str],
    shared: set[str],
    rank: Callable[[Element, set[str]], Any] = lambda element, bound: 0,
) -> tuple[list[Element], set[str]]:
    """The elements in an order in which each can be evaluated, and the variables that have values at the end.

    Of the elements that can come next the one with the lowest rank does; of equals, the first in the text.
    Raises ValueError with the names of variables that get no value.
    """
    todo = [(element, modes(element, shared)) for element in elements]
    order: list[Element] = []
    while todo:
        ready = [item for item in todo if any(needs <= bound for needs, _ in item[1])]
        if not ready:
            raise ValueError(_written({name for _, ways in todo for name in ways[0][0] - bound}))
        chosen = min(ready, key=lambda item: rank(item[0], bound))
        todo = [item for item in todo if item is not chosen]
        order.append(chosen[0])
        bound = bound.union(*(gives for needs, gives in chosen[1] if needs <= bound))
    return order, bound


def check(rule: Rule) -> None:
    """Refuse a rule in which a variable gets no value from a positive part of the body. Raises LawError."""
    shared = shared_names(rule)
    try:
        _, bound = sequence(rule.body, set(), shared)
        cases = [case for part in rule.body if isinstance(part, Aggregate) for case in part.cases]
        uses = [(rule.condition or (), [rule.head]), *((case.condition, case.terms) for case in cases)]
        for condition, used in uses:
            if missing := names(used) - sequence(condition, bound, shared)[1]:
                raise ValueError(_written(missing))
    except ValueError as error:
        raise rule.error(f"unsafe: nothing gives a value to {error}") from None


def choice_key(rule: Rule) -> list[str]:
    """The variables that tell one resolution of a choice from another: those it shares with its body."""
    return sorted(names([rule.head, *(rule.condition or ())]) & shared_names(rule))


def _written(missing: set[str]) -> str:
    return ", ".join(sorted({"_" if Variable(name).anonymous else name for name in missing}))
