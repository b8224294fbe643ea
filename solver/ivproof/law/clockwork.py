"""Which arguments of a law's predicates are seconds on the clock, found by following the times through the rules.

A time enters with the input ``at(Moment, Seconds)``. What a rule concludes is seconds again where it hands a time on or
adds and takes away times; a division (a day, a comparison with a threshold) ends it.

>>> from ivproof.law.language import load
>>> dict(seconds(load({"time.lp": "begin(S) :- at(M, S). day(S / 86400) :- at(M, S)."}).rules))
{('at', 2): frozenset({1}), ('begin', 1): frozenset({0})}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ivproof.law.syntax import Aggregate, Comparison, Literal, Rule, rule_conditions
from ivproof.law.terms import Function, Operation, Signature, Term, Variable

ENTRY: Mapping[Signature, frozenset[int]] = {("at", 2): frozenset({1})}
"""The inputs that give a time, and in which argument."""


def literals(rule: Rule) -> Iterator[Literal]:
    """Give every literal in the conditions of a rule."""
    for _, condition in rule_conditions(rule):
        yield from (part for part in condition if isinstance(part, Literal))


def terms(rule: Rule) -> Iterator[Term]:
    """Give every term of a rule: atoms, sides of comparisons, what aggregates count and compare with."""
    yield rule.atom
    for _, condition in rule_conditions(rule):
        for part in condition:
            if isinstance(part, Literal):
                yield part.atom
            else:
                yield part.left
                yield part.right
    for body in rule.body:
        if isinstance(body, Aggregate):
            yield body.bound
            for element in body.elements:
                yield from element.terms


def seconds(rules: Iterable[Rule]) -> Mapping[Signature, frozenset[int]]:
    """Give, by predicate, the arguments that are seconds according to these rules."""
    given = list(rules)
    found = dict(ENTRY)
    changed = True
    while changed:
        changed = False
        for rule in given:
            times = _times(rule, found)
            places = {n for n, term in enumerate(rule.atom.arguments) if _is_time(term, times)}
            known = found.get(rule.atom.signature, frozenset())
            if not places <= known:
                found[rule.atom.signature] = known | places
                changed = True
    return found


def _times(rule: Rule, found: Mapping[Signature, frozenset[int]]) -> set[str]:
    """The variables of a rule that stand for seconds."""
    times: set[str] = set()
    for literal in literals(rule):
        for n in found.get(literal.atom.signature, ()):
            argument = literal.atom.arguments[n]
            if isinstance(argument, Variable):
                times.add(argument.name)
    for part in rule.body:
        match part:
            case Comparison(Variable(name), "=", other) if _is_time(other, times):
                times.add(name)
            case Aggregate(function, elements, "=", Variable(name)) if function != "#count":
                if any(_is_time(element.terms[0], times) for element in elements):
                    times.add(name)
    return times


def _is_time(term: Term, times: set[str]) -> bool:
    match term:
        case Variable(name):
            return name in times
        case Operation("+" | "-", left, right):
            return _is_time(left, times) or _is_time(right, times)
        case Function("", arguments):
            return any(_is_time(argument, times) for argument in arguments)
    return False
