"""What two laws say in the same way: rules that differ in names of variables and predicates, and in their order.

Rules with one canonical text conclude the same of every chart. The opposite is not said: rules that are written
otherwise may still conclude the same, and then charts are searched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any

from ivproof.engine.choices import CHOICES, CLAIM, DIAGNOSES, DRUG_LINES
from ivproof.recheck.syntax import (
    Aggregate,
    Arithmetic,
    Case,
    Comparison,
    Element,
    Function,
    Literal,
    Pattern,
    Variable,
    nodes,
    text,
)
from ivproof.recheck.syntax import names as names_of
from ivproof.recheck.terms import Signature
from ivproof.unknowns.law import Law, Ready, Step

Names = Mapping[Signature, str]
"""Other names of predicates."""

TURNED = {">": "<", ">=": "<="}
"""Comparisons that are written with their sides turned."""

KEPT = {*CLAIM, *DRUG_LINES, *DIAGNOSES, *CHOICES}
"""Predicates that claims and their status are made of: their names are no matter of taste."""


def canonical(rule: Ready, names: Names | None = None) -> str:
    """Write a rule so that the order of its conditions, the names of its variables and their sides do not matter.

    `names` gives predicates other names.
    """
    it = _under(rule, names).rule if names else rule.rule
    # a variable that stands nowhere else is as good as one without a name
    counted = Counter(node.name for node in nodes(it) if isinstance(node, Variable))
    once = {name for name in names_of(_positive(it.body), arithmetic=False) if counted[name] == 1}
    body = [_turned(element) for element in it.body]
    order: dict[str, str] = dict.fromkeys(once, "_")
    # first by what the conditions are without their variables, then as the variables come
    first = sorted(body, key=lambda element: text(_mapped(element, lambda name: "V")))
    for element in (Literal(it.head), *(it.condition or ()), *first):
        _mapped(element, lambda name: order.setdefault(name, f"V{len(order)}"))

    def written(element: Any) -> str:
        return text(_mapped(element, lambda name: order[name]))

    chosen = None if it.condition is None else [written(element) for element in it.condition]
    parts = sorted({written(element) for element in body})
    return repr((written(Literal(it.head)), chosen, parts, sorted(rule.wants.items())))


def _positive(body: Iterable[Element]) -> list[Element]:
    return [it for it in body if isinstance(it, Literal) and not it.negated]


def _turned(element: Element) -> Element:
    """A condition with its sides turned so that it is written in one way."""
    if isinstance(element, Comparison) and element.operator in TURNED:
        return Comparison(element.right, TURNED[element.operator], element.left)
    return element


def _under(rule: Ready, names: Names) -> Ready:
    """A rule with other names of predicates."""
    it = rule.rule
    condition = None if it.condition is None else tuple(_renamed(element, names) for element in it.condition)
    head = _renamed(Literal(it.head), names).atom
    body = tuple(_renamed(element, names) for element in it.body)
    return Ready(replace(it, head=head, condition=condition, body=body), rule.wants)


def _renamed(element: Any, names: Names) -> Any:
    match element:
        case Literal(atom, negated):
            return Literal(Pattern(names.get(atom.signature, atom.name), atom.arguments), negated)
        case Aggregate(function, cases, operator, bound):
            inner = (Case(it.terms, tuple(_renamed(one, names) for one in it.condition)) for it in cases)
            return Aggregate(function, tuple(inner), operator, bound)
    return element


def _mapped(node: Any, name: Callable[[str], str]) -> Any:
    """A part of a rule with other names of variables; those written `_` keep theirs."""
    return mapped(node, lambda it: it if it.anonymous else Variable(name(it.name)))


def mapped(node: Any, put: Callable[[Variable], Any]) -> Any:
    """A part of a rule with something in place of each variable."""
    match node:
        case Variable():
            return put(node)
        case Function(called, arguments):
            return Function(called, tuple(mapped(it, put) for it in arguments))
        case Arithmetic(operator, left, right):
            return Arithmetic(operator, mapped(left, put), mapped(right, put))
        case Literal(atom, negated):
            return Literal(Pattern(atom.name, tuple(mapped(it, put) for it in atom.arguments)), negated)
        case Comparison(left, operator, right):
            return Comparison(mapped(left, put), operator, mapped(right, put))
        case Aggregate(function, cases, operator, bound):
            return Aggregate(function, tuple(mapped(it, put) for it in cases), operator, mapped(bound, put))
        case Case(terms, condition):
            return Case(tuple(mapped(it, put) for it in terms), tuple(mapped(it, put) for it in condition))
    return node


def renaming(old: Law, new: Law, inputs: Iterable[Signature]) -> Names:
    """Which predicates of a new law are predicates of the old one under another name; empty where none is sure to be.

    A predicate only of the new law is one of the old one's where the rules that conclude it are, up to such names, the
    rules that conclude the other, and no second one is.
    """
    kept = {*inputs, *((name, arity) for name in KEPT for arity in range(8))}
    here, there = _concluded(old) - kept, _concluded(new) - kept
    gone, come = here - there, there - here
    if not gone or not come:
        return {}
    before, after = _by_definition(old, gone), _by_definition(new, come)
    return {
        signatures[0]: before[definition][0][0]
        for definition, signatures in after.items()
        if len(signatures) == 1
        and len(before.get(definition, ())) == 1
        and before[definition][0][1] == signatures[0][1]
    }


def _concluded(law: Law) -> set[Signature]:
    return {it.head for it in law.rules} | {(str(fact[0]), len(fact) - 1) for fact in law.facts}


def _by_definition(law: Law, own: set[Signature]) -> dict[object, list[Signature]]:
    masked = dict.fromkeys(own, "?")
    found: dict[object, list[Signature]] = {}
    for signature in sorted(own):
        rules = sorted(canonical(it, masked) for it in law.rules if it.head == signature)
        facts = sorted(repr(it[1:]) for it in law.facts if (it[0], len(it) - 1) == signature)
        found.setdefault((signature[1], tuple(rules), tuple(facts)), []).append(signature)
    return found


def renamed(law: Law, names: Names) -> Law:
    """A law with other names of predicates, which concludes the same under them."""
    if not names:
        return law
    found = copy(law)
    found.timed = {(names.get(key, key[0]), key[1]): places for key, places in law.timed.items()}
    found.facts = [(names.get((str(it[0]), len(it) - 1), it[0]), *it[1:]) for it in law.facts]
    found.steps = [Step(tuple(_under(it, names) for it in step.rules), step.recursive) for step in law.steps]
    return found


def only_one_has(old: Law, new: Law) -> tuple[list[Ready], list[Ready]]:
    """The rules of each law that the other does not have."""
    sides = [{(it.rule, *sorted(it.wants.items())): it for it in law.rules} for law in (old, new)]
    left = [[it for key, it in mine.items() if key not in theirs] for mine, theirs in (sides, sides[::-1])]
    heads = {it.head for some in left for it in some}
    written = [{canonical(it) for it in law.rules if it.head in heads} for law in (old, new)]
    one, other = (
        [it for it in some if canonical(it) not in theirs] for some, theirs in zip(left, written[::-1], strict=True)
    )
    return one, other


def without(rule: Ready, element: Element) -> Ready:
    """A rule without one of its conditions."""
    return Ready(replace(rule.rule, body=tuple(it for it in rule.rule.body if it is not element)), rule.wants)
