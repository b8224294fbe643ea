"""What applied rules counted, added, weighed or put in order, in words."""

from __future__ import annotations

from ivproof.law.syntax import Element, Literal, Rule
from ivproof.law.terms import Function, Operation, Term, Variable, parse
from ivproof.law.trace import Counted, ElementWay
from ivproof.why.naming import Names

PLACES = frozenset({"position", "order_of", "listed_at", "charted_position", "start_position", "access_order"})
"""Predicates whose second argument is a place in an order, of which the number itself says nothing."""

RANK = "rank"
PLACE = "place"


def counted_words(names: Names, counted: Counted) -> str:
    """An aggregate in words: each element with its value, and what they come to."""
    element = counted.source.elements[0]
    kind, function = kind_counted(names, counted), counted.source.function
    found = {it.terms: it for it in counted.alternatives}
    if function in {"#min", "#max"}:
        ordered = sorted(found.values(), key=lambda it: _number(it.terms[0]), reverse=function == "#max")
        if kind == PLACE:
            listed = [_about(names, element, it) for it in ordered]
            word = "first" if function == "#min" else "last"
            return f"{', '.join(listed)} → the {word}: {listed[0]}" if listed else "nothing"
        if kind == RANK:
            return f"in the order of the hierarchy: {_ranked(names, element, ordered)}"
        weighed = [_weighed(names, element, it, kind) for it in ordered]
        most = names.value(kind, counted.value)
        return f"{'; '.join(weighed) or 'nothing'} → the {_MOST[function, kind]}: {most}"
    listed = [_weighed(names, element, it, kind) for it in found.values()]
    return f"{'; '.join(listed) or 'nothing'} → {names.value(kind, counted.value)} in all"


def kind_counted(names: Names, counted: Counted) -> str:
    """What is counted: lengths, times, ranks, places in an order; "" for anything else."""
    element = counted.source.elements[0]
    term = element.terms[0]
    if isinstance(term, Operation):
        return "length"
    if counted.source.function == "#count" or not isinstance(term, Variable):
        return ""
    sources = {it.atom.name for it in element.condition if isinstance(it, Literal) and term in it.atom.arguments}
    if sources & PLACES:
        return PLACE
    return RANK if RANK in sources else names.kind_of(_as_rule(element), term.name)


def _ranked(names: Names, element: Element, ordered: list[ElementWay]) -> str:
    """What ranks before what; the numbers of the ranks are the law's own and tell nothing."""
    alike: dict[str, list[str]] = {}
    for it in ordered:
        alike.setdefault(it.terms[0], []).append(_about(names, element, it))
    return ", then ".join(" and ".join(it) for it in alike.values()) or "nothing"


def _weighed(names: Names, element: Element, it: ElementWay, kind: str) -> str:
    about = _about(names, element, it)
    value = names.value(kind, it.terms[0])
    return f"{about}: {value}" if about else value


def _about(names: Names, element: Element, it: ElementWay) -> str:
    """What a value belongs to: the other terms that are counted with it."""
    rule = _as_rule(element)
    others = zip(element.terms[1:], it.terms[1:], strict=True)
    return ", ".join(names.value(_kind(names, rule, term), text) for term, text in others)


def _kind(names: Names, rule: Rule, term: Term) -> str:
    return names.kind_of(rule, term.name) if isinstance(term, Variable) else ""


def _as_rule(element: Element) -> Rule:
    return Rule(Function("counted", ()), element.condition)


def _number(text: str) -> int:
    value = parse(text)
    return value if isinstance(value, int) else 0


_MOST = {
    ("#min", "length"): "shortest",
    ("#max", "length"): "longest",
    ("#min", "time"): "earliest",
    ("#max", "time"): "latest",
    ("#min", ""): "least",
    ("#max", ""): "greatest",
}
