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


def kinds(rules: Iterable[Rule]) -> dict[str, str]:
    """Say of each argument that is seconds whether it is a ``time`` of day or a ``length``; arguments count from 0.

    A time less a time is a length, and so is a sum of lengths; a time and a length are a time again.

    >>> from ivproof.law.language import load
    >>> kinds(load({"time.lp": "ran(S, N - B) :- at(start(S), B), at(stop(S), N). end(S, N) :- at(stop(S), N)."}).rules)
    {'at/1': 'time', 'ran/1': 'length', 'end/1': 'time'}
    """
    given = list(rules)
    clock = seconds(given)
    of_day = dict.fromkeys((f"{name}/{n}" for (name, _), places in ENTRY.items() for n in places), 1)
    known = 0
    while len(of_day) > known:
        known = len(of_day)
        for rule in given:
            values = _values(rule, of_day)
            for n in clock.get(rule.atom.signature, ()):
                value = _value(rule.atom.arguments[n], values)
                if value is not None:
                    of_day.setdefault(f"{rule.atom.name}/{n}", value)
    return {place: "time" if value else "length" for place, value in of_day.items()}


def _values(rule: Rule, of_day: Mapping[str, int]) -> dict[str, int]:
    """How many times of day the variables of a rule hold, as far as that is known: 1, or 0 for a length or a number."""
    values: dict[str, int] = {}
    for literal in literals(rule):
        for n, argument in enumerate(literal.atom.arguments):
            if isinstance(argument, Variable) and (place := f"{literal.atom.name}/{n}") in of_day:
                values[argument.name] = of_day[place]
    for part in rule.body:
        match part:
            case Comparison(Variable(name), "=", other):
                value = _value(other, values)
            case Aggregate(_, elements, "=", Variable(name)):
                value = _value(elements[0].terms[0], values)
            case _:
                continue
        if value is not None:
            values.setdefault(name, value)
    return values


def _value(term: Term, values: Mapping[str, int]) -> int | None:
    """How many times of day a term holds, those that are taken away taken off; None where that is not known."""
    match term:
        case Variable(name):
            return values.get(name)
        case int():
            return 0
        case Operation("+" | "-" as sign, left, right):
            first, second = _value(left, values), _value(right, values)
            if first is None or second is None:
                return None
            return first + second if sign == "+" else first - second
    return None
