"""What two laws say in the same way, though one says it in more rules: read without the rules that only divide others.

A predicate that only one of two laws has, and that is read only as a condition, can be put where it is read: its own
conditions stand there in place of it, one rule for each way to conclude it. Two rules that differ in one condition,
which the one denies, are one without it, and a rule with more conditions than another adds nothing. All of that
concludes what the law concludes of everything else, of any chart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from itertools import combinations, count
from typing import Any

from ivproof.lab.rewriting import KEPT, canonical, mapped, only_one_has
from ivproof.recheck.syntax import (
    Aggregate,
    Arithmetic,
    Comparison,
    Element,
    Literal,
    Rule,
    Variable,
    arithmetic_in,
    asked,
    names,
    nodes,
)
from ivproof.recheck.terms import Signature
from ivproof.unknowns.law import Law, Ready, Step, asks, holds, waits

DENIED = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

MOST_RULES = 64
"""So many rules at most may one become in which a predicate is put where it is read."""

LEFT_OUT = 2
"""A rule is looked for that has so many conditions less at most."""


def put_together(old: Law, new: Law, inputs: Iterable[Signature]) -> tuple[Law, Law]:
    """Give two laws without the rules that only divide others, as far as they differ; each concludes what it did.

    But for predicates that one of them alone has. `inputs` are those of the facts of a chart.
    """
    kept = {*inputs, *((name, arity) for name in KEPT for arity in range(8))}
    # by these it is told which options of a question are to be tried
    kept |= {of(key) for key in {*old.open, *new.open} for of in (asks, holds, waits)}
    # what the other law reads, though it never concludes it, is no piece of a rule: there the rule never holds
    here, there = (set(law.signatures()) for law in (old, new))
    laws = _unfolded(old, here - there - kept), _unfolded(new, there - here - kept)
    own = only_one_has(*laws)
    one, other = (_fewer(law, some) for law, some in zip(laws, own, strict=True))
    return one, other


# --- a predicate is put where it is read


def _unfolded(law: Law, some: Collection[Signature]) -> Law:
    for signature in sorted(some):
        law = _without(law, signature) or law
    return law


def _without(law: Law, signature: Signature) -> Law | None:
    """The law with a predicate put where it is read; None where that cannot be done."""
    ways = [it for it in law.rules if it.head == signature]
    readers = [it for it in law.rules if any(atom.signature == signature for atom, _ in asked(it.rule))]
    if any((str(fact[0]), len(fact) - 1) == signature for fact in law.facts) or not all(map(_plain, ways)):
        return None
    if any(it.head == signature or not _reads_plainly(it.rule, signature) for it in readers):
        return None
    put: dict[int, list[Ready]] = {}
    for it in readers:
        waiting, done = [it], list[Ready]()
        while waiting:
            rule = waiting.pop()
            at = next((n for n, part in enumerate(rule.rule.body) if _is_of(part, signature)), None)
            if at is None:
                done.append(rule)
                continue
            waiting += (found for way in ways if (found := _put(rule, at, way)) is not None)
            if len(waiting) + len(done) > MOST_RULES:
                return None
        put[id(it)] = done
    return _with(law, lambda rule: [] if rule.head == signature else put.get(id(rule), [rule]))


def _plain(way: Ready) -> bool:
    """Whether a rule concludes something of variables, each another one, from plain conditions."""
    arguments = way.rule.head.arguments
    variables = {it.name for it in arguments if isinstance(it, Variable)}
    return (
        way.rule.condition is None
        and len(variables) == len(arguments)
        and not any(isinstance(it, Aggregate) for it in way.rule.body)
    )


def _is_of(part: Element, signature: Signature) -> bool:
    return isinstance(part, Literal) and part.atom.signature == signature


def _reads_plainly(rule: Rule, signature: Signature) -> bool:
    """Whether a rule reads a predicate as a condition alone, which is not denied, with nothing but variables in it."""
    if rule.condition is not None or any(isinstance(it, Aggregate) for it in rule.body):
        return False
    return all(
        not part.negated and all(isinstance(it, Variable) for it in part.atom.arguments)
        for part in rule.body
        if isinstance(part, Literal) and part.atom.signature == signature
    )


def _put(host: Ready, at: int, way: Ready) -> Ready | None:
    """A rule in which the conditions of another stand in place of what that concludes; None where it never holds."""
    if any(way.wants.get(question, option) != option for question, option in host.wants.items()):
        return None
    literal = host.rule.body[at]
    assert isinstance(literal, Literal)
    used = {it.name for it in nodes(host.rule) if isinstance(it, Variable)}
    values: dict[str, Variable] = {}

    def value(of: Variable) -> Variable:
        """The variable that stands for one of the other rule: another one for each, and each `_` is one of its own."""
        if of.name not in values:
            stem = "_" if of.anonymous else f"{of.name}_"
            values[of.name] = Variable(next(it for n in count(1) if (it := f"{stem}{n}") not in used))
            used.add(values[of.name].name)
        return values[of.name]

    for variable, argument in zip(way.rule.head.arguments, literal.atom.arguments, strict=True):
        assert isinstance(variable, Variable) and isinstance(argument, Variable)
        if not argument.anonymous:
            values[variable.name] = argument
    body = (mapped(part, value) for part in way.rule.body)
    rule = replace(host.rule, body=(*host.rule.body[:at], *body, *host.rule.body[at + 1 :]))
    return Ready(rule, {**host.wants, **way.wants})


# --- rules that are one, and rules that add nothing


def _fewer(law: Law, own: Sequence[Ready]) -> Law:
    """The law with as few rules in place of some of its own as are known to conclude the same."""
    own = [it for it in own if it.rule.condition is None]
    while True:
        step = next(_steps(law, own), None)
        if step is None:
            return law
        gone, instead = step
        come = [] if instead is None else [instead]
        put = {id(it): come if n == 0 else [] for n, it in enumerate(gone)}
        law = _with(law, lambda it, put=put: put.get(id(it), [it]))
        own = [it for it in own if id(it) not in put] + come


def _steps(law: Law, own: Sequence[Ready]) -> Iterator[tuple[list[Ready], Ready | None]]:
    """Rules that can go, and the one that comes in place of them if one does."""
    for it in own:
        written = {canonical(other) for other in law.rules if other.head == it.head and other is not it}
        if canonical(it) in written or any(canonical(less) in written for less in _with_less(it)):
            yield [it], None
        for part in it.rule.body:
            rest = Ready(replace(it.rule, body=tuple(one for one in it.rule.body if one is not part)), it.wants)
            denied = _denied(part, rest)
            if denied is None:
                continue
            turned = canonical(Ready(replace(rest.rule, body=(*rest.rule.body, denied)), it.wants))
            for other in own:
                if other is not it and other.head == it.head and canonical(other) == turned:
                    yield [it, other], rest


def _with_less(it: Ready) -> Iterator[Ready]:
    body = it.rule.body
    for fewer in range(1, min(LEFT_OUT, len(body) - 1) + 1):
        for left in combinations(range(len(body)), fewer):
            yield Ready(replace(it.rule, body=tuple(one for n, one in enumerate(body) if n not in left)), it.wants)


def _denied(part: Element, rest: Ready) -> Element | None:
    """A condition that holds exactly where another does not, whatever the rest of its rule binds; None without one."""
    if isinstance(part, Aggregate) or any(isinstance(it, Aggregate) for it in rest.rule.body):
        return None
    bound = names((it for it in rest.rule.body if isinstance(it, Literal) and not it.negated), arithmetic=False)
    if any(Variable(it).anonymous or it not in bound for it in names([part])):
        return None
    if isinstance(part, Literal):
        return None if any(arithmetic_in(part.atom)) else Literal(part.atom, not part.negated)
    if any(isinstance(it, Arithmetic) or any(arithmetic_in(it)) for it in (part.left, part.right)):
        return None
    return Comparison(part.left, DENIED[part.operator], part.right)


def _with(law: Law, rules: Any) -> Law:
    """The law with other rules in place of each."""
    found = copy(law)
    steps = (Step(tuple(new for it in step.rules for new in rules(it)), step.recursive) for step in law.steps)
    found.steps = [step for step in steps if step.rules]
    return found
