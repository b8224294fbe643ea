"""Why an atom is true, and why it is not: rule by rule, step by step, straight from the rules and the answer.

Nothing here uses the compiled functions of `codegen`: what they derive is looked at a second time, slowly.

>>> from .evaluator import Program
>>> from .parser import parse
>>> law = Program(parse("push(A) :- route(A, iv), ran(A, M), M < 16, not pump(A)."))
>>> support = Support(law, law.derive([("route", "a1", "iv"), ("ran", "a1", 20)]))
>>> [failure] = support.why_not(("push", "a1"))
>>> text(failure.failed.element), failure.failed.values
('M < 16', (20, 16))
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import eq
from typing import Any, TypeAlias

from .budget import SLOWLY, Budget, sized
from .evaluator import Answer, Program
from .plan import sequence
from .syntax import (
    Aggregate,
    Arithmetic,
    Comparison,
    Element,
    Function,
    Literal,
    Pattern,
    Rule,
    Term,
    Variable,
    arithmetic_in,
    names,
    shared_names,
    text,
)
from .terms import AGGREGATES, Atom, Signature, Value, calculate, compare

__all__ = ["Check", "Failure", "Instance", "Support", "match", "substitute", "text"]

Binding: TypeAlias = Mapping[str, Value]
Wanted: TypeAlias = Sequence[Value | None]  # an atom; None stands for any argument
Counted: TypeAlias = Mapping[tuple[Value, ...], tuple[Atom, ...]]  # what is counted, and for which atoms


@dataclass(frozen=True, slots=True)
class Check:
    """One element of a rule under some values of its variables, and what decides it."""

    element: Element | None  # None: a choice could have made the atom true, but fell on another
    holds: bool
    atoms: tuple[Atom, ...] = ()  # the true atoms that decide it; where none fits, those that come nearest
    values: tuple[Value, ...] = ()  # both sides of a comparison or aggregate; nothing if one is undefined
    counted: Counted = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instance:
    """A rule that applies: the values of its variables, and why each element of its body holds."""

    rule: Rule
    binding: Binding
    head: Atom
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that does not apply: what holds of its body, one after the other, and what then does not."""

    rule: Rule
    binding: Binding
    checks: tuple[Check, ...]
    failed: Check


class Support:
    """The reasons in one answer of one program."""

    def __init__(self, program: Program, answer: Answer, work: Budget | None = None) -> None:
        """Look into `answer`, which `program` gave; LimitError is raised where it takes more than `work`."""
        self.answer = answer
        self.work = work or Budget()
        self._rules: dict[Signature, list[Rule]] = defaultdict(list)
        for rule in program.rules:
            self._rules[rule.head.signature].append(rule)

    def instances(self, atom: Wanted) -> Iterator[Instance]:
        """Every rule instance that derives the atom; a fact of the chart needs none."""
        return (end for end in self._ends_of(atom) if isinstance(end, Instance))

    def failures(self, atom: Wanted) -> Iterator[Failure]:
        """For each rule that could derive the atom, every way to try it, up to where it fails.

        If the atom is false this is complete evidence that no rule derives it.
        """
        return (end for end in self._ends_of(atom) if isinstance(end, Failure))

    def why_not(self, atom: Wanted) -> list[Failure]:
        """For each rule that could derive the atom, the try that gets furthest; of equals, the first."""
        furthest: dict[int, Failure] = {}
        for failure in self.failures(atom):
            best = furthest.setdefault(id(failure.rule), failure)
            if len(failure.checks) > len(best.checks):
                furthest[id(failure.rule)] = failure
        return list(furthest.values())

    def apply(self, rule: Rule, binding: Binding) -> Instance | Failure:
        """The rule under the given values of its variables: the instance, or where it fails."""
        ends = list(self._ends(rule, binding))
        return next((end for end in ends if isinstance(end, Instance)), ends[0])

    def _ends_of(self, atom: Wanted) -> Iterator[Instance | Failure]:
        name, *arguments = atom
        for rule in self._rules.get((str(name), len(arguments)), ()):
            wanted = [(t, v) for t, v in zip(rule.head.arguments, arguments, strict=True) if v is not None]
            binding = match([(t, v) for t, v in wanted if not list(arithmetic_in(t))], {})
            if binding is not None:
                calculated = [Comparison(t, "=", v) for t, v in wanted if list(arithmetic_in(t))]
                yield from self._ends(rule, binding, calculated)

    def _ends(self, rule: Rule, binding: Binding, extra: Sequence[Element] = ()) -> Iterator[Instance | Failure]:
        """Where each way to try the rule ends; `extra` must hold in addition to its body."""
        shared = shared_names(rule)
        elements, _ = sequence([*extra, *rule.body, *(rule.condition or ())], set(binding), shared)
        for values, checks in self._tries(elements, binding, shared):
            named = {name: value for name, value in values.items() if not Variable(name).anonymous}
            if checks and not checks[-1].holds:
                yield Failure(rule, named, checks[:-1], checks[-1])
                continue
            head = substitute(rule.head, values)
            if head is None:
                yield Failure(rule, named, checks, Check(Literal(rule.head), False))
            elif rule.condition is not None and head not in self.answer:
                yield Failure(rule, named, checks, Check(None, False, self._chosen(rule, values)))
            else:
                yield Instance(rule, named, head, checks)

    def _chosen(self, rule: Rule, values: Binding) -> tuple[Atom, ...]:
        """What a choice fell on, for these values of its body's variables."""
        made = (choice for choice in self.answer.choices if choice.rule is rule)
        return tuple(c.chosen for c in made if c.chosen and c.binding.items() <= values.items())

    def _tries(
        self, elements: Sequence[Element], binding: Binding, shared: set[str], done: tuple[Check, ...] = ()
    ) -> Iterator[tuple[Binding, tuple[Check, ...]]]:
        """Each way to satisfy the elements one after the other; it came through if the last check holds."""
        if not elements:
            yield binding, done
            return
        for values, check in self._ways(elements[0], binding, shared):
            if check.holds:
                yield from self._tries(elements[1:], values, shared, (*done, check))
            else:
                yield values, (*done, check)

    def _ways(self, element: Element, binding: Binding, shared: set[str]) -> Iterator[tuple[Binding, Check]]:
        """Each way in which the element holds, with the variables it binds; or the one in which it fails."""
        match element:
            case Literal(atom, negated):
                fitting = list(self._fitting(atom, binding))
                if negated:
                    defined = all(substitute(term, binding) is not None for term in arithmetic_in(atom))
                    rows = tuple(row for row, _ in fitting)
                    yield binding, Check(element, defined and not fitting, rows)
                for row, values in () if negated else fitting:
                    yield values, Check(element, True, (row,))
                if not negated and not fitting:
                    yield binding, Check(element, False, self._nearest(atom, binding))
            case Comparison(left, _, right):
                if not names([left]) <= binding.keys():
                    left, right = right, left  # only with = may one side be open
                yield _compared(element, substitute(left, binding), right, binding)
            case Aggregate(function, cases, _, bound):
                outer = {name: value for name, value in binding.items() if name in shared}
                counted: dict[tuple[Value, ...], tuple[Atom, ...]] = {}
                for case in cases:
                    condition, _ = sequence(case.condition, set(outer), shared)
                    for values, checks in self._tries(condition, outer, shared):
                        terms = substitute(Function("", case.terms), values) if checks[-1].holds else None
                        if terms is not None:
                            counted.setdefault(terms[1:], tuple(atom for c in checks for atom in c.atoms))
                yield _compared(element, AGGREGATES[function](counted), bound, binding, counted)

    def _fitting(self, atom: Pattern, binding: Binding) -> Iterator[tuple[Atom, Binding]]:
        """The true atoms that fit, with the variables that they bind."""
        known = {i: v for i, v in enumerate(_known(atom, binding), 1) if v is not None}
        relation = self.answer.relations.get(atom.signature)
        if relation is None:
            return
        key = tuple(known.values())
        rows = relation.index(self.work, *known).get(key if len(key) > 1 else key[0], ()) if key else relation.rows
        self.work.spend(SLOWLY * (1 + len(rows)))
        for row in rows:
            fits = match(zip(atom.arguments, row[1:], strict=True), binding)
            if fits is not None:
                yield row, fits

    def _nearest(self, atom: Pattern, binding: Binding) -> tuple[Atom, ...]:
        """The true atoms that come nearest to one that is missing: that agree in the first arguments, if they can."""
        known = _known(atom, binding)
        self.work.spend(len(self.answer.of(*atom.signature)))
        agree = {row: tuple(map(eq, known, row[1:])) for row in self.answer.of(*atom.signature)}
        most = max(agree.values(), default=())
        return tuple(row for row, where in agree.items() if where == most and any(most))


def _known(atom: Pattern, binding: Binding) -> list[Value | None]:
    """The arguments that have values."""
    return [substitute(t, binding) if names([t]) <= binding.keys() else None for t in atom.arguments]


def _compared(
    element: Comparison | Aggregate,
    left: Value | None,
    right: Term,
    binding: Binding,
    counted: Counted | None = None,
) -> tuple[Binding, Check]:
    """Compare a value with a term; with = a term without value takes it."""
    if left is not None and not names([right]) <= binding.keys():
        fits = match([(right, sized(left))], binding)
        return fits or binding, Check(element, fits is not None, (), (left,), counted or {})
    value = None if left is None else substitute(right, binding)
    if left is None or value is None:
        return binding, Check(element, False, counted=counted or {})
    holds = compare(left, element.operator, value)
    return binding, Check(element, holds, (), (left, value), counted or {})


def match(pairs: Iterable[tuple[Term, Value]], binding: Binding) -> dict[str, Value] | None:
    """The binding, extended so that each term stands for its value; None if that cannot be."""
    values, waiting = dict(binding), list(pairs)
    calculated: list[tuple[Term, Value]] = []
    while waiting:
        term, value = waiting.pop()
        if isinstance(term, Variable):
            if values.setdefault(term.name, value) != value:
                return None
        elif isinstance(term, Arithmetic):
            calculated.append((term, value))
        elif isinstance(term, Function):
            if not isinstance(value, tuple) or (len(value), value[0]) != (len(term.arguments) + 1, term.name):
                return None
            waiting += zip(term.arguments, value[1:], strict=True)
        elif term != value:
            return None
    return values if all(substitute(term, values) == value for term, value in calculated) else None


def substitute(term: Term | Pattern, binding: Binding) -> Any:
    """The value of a term, or the atom of a pattern; None where arithmetic has no value.

    Raises KeyError for a variable without value.
    """
    match term:
        case Variable(name):
            return binding[name]
        case Function(name, arguments) | Pattern(name, arguments):
            values = [substitute(argument, binding) for argument in arguments]
            return None if None in values else (name, *values)
        case Arithmetic(operator):
            left, right = substitute(term.left, binding), substitute(term.right, binding)
            numbers = isinstance(left, int) and isinstance(right, int)
            return calculate(operator, left, right) if numbers and (right or operator in "+-*") else None
    return term
