"""The second engine's law, made ready to be applied many times to one chart while a time of it moves.

Settled questions are worked into the rules. Of an open question each rule keeps which option it wants, so that options
are told apart only where they lead to something different. And it is told which arguments can hold a time: only these
have to be watched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from ivproof.recheck import Program, Rule
from ivproof.recheck.codegen import source
from ivproof.recheck.strata import stratify
from ivproof.recheck.syntax import (
    Aggregate,
    Arithmetic,
    Comparison,
    Element,
    Function,
    Literal,
    Pattern,
    Variable,
    asked,
)
from ivproof.recheck.terms import Signature, below, calculate
from ivproof.unknowns.affine import stays_exact
from ivproof.unknowns.relations import AGGREGATES_NOTED

READING = ("reading", 2)
"""Which option is held of a question."""

TIMES = {("at", 2): (2,), ("ordered_minutes", 2): (2,)}
"""Where a time or a length enters: which argument of these predicates."""

NESTED = 4
"""How deep inside a term a time is followed."""

LAWS, FUNCTIONS = 4, 10_000
"""Of so many laws it is kept in memory where a time can stand, and so many rules are kept as functions."""

Path = tuple[int, ...]
"""Where in an atom or a term a time can stand: the number of an argument, of an argument in that, and so on."""


@dataclass
class Ready:
    """A rule that is ready to be applied: `wants` are the options of open questions under which it holds."""

    rule: Rule
    wants: Mapping[str, str]
    head: Signature = field(init=False)
    needs: tuple[Signature, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.head = self.rule.head.signature
        self.needs = tuple(it.atom.signature for it in self.rule.body if isinstance(it, Literal) and not it.negated)

    @cached_property
    def fire(self) -> Any:
        """The rule as a function, as `ivproof.recheck.codegen` writes it."""
        return _function(self.rule)


@dataclass
class Step:
    """Rules that are applied together, after all that they depend on."""

    rules: tuple[Ready, ...]
    recursive: bool

    @cached_property
    def choice(self) -> bool:
        """Whether this is a choice among candidates."""
        return any(it.rule.condition is not None for it in self.rules)

    @cached_property
    def questions(self) -> tuple[str, ...]:
        """The open questions on which the step hangs."""
        return tuple(dict.fromkeys(key for it in self.rules for key in it.wants))

    @cached_property
    def touches(self) -> tuple[Signature, ...]:
        """The predicates that the step reads or adds to."""
        found = dict.fromkeys(it.head for it in self.rules)
        found.update(dict.fromkeys(atom.signature for it in self.rules for atom, _ in asked(it.rule)))
        return tuple(found)


class Law:
    """The rules of a policy under settings of its questions; None leaves a question open."""

    def __init__(self, program: Program, settings: Mapping[str, str | None]) -> None:
        """Work the settings into the rules and order them."""
        self.open = [key for key, option in settings.items() if option is None]
        self.timed = _timed(program)
        ready = [it for rule in program.rules if (it := settled(rule, settings)) is not None]
        for key in self.open:
            ready += [Ready(rule, {}) for rule in _about(key, program.rules)]
        self.facts = [it.rule.fact for it in ready if it.rule.is_fact]
        waiting = {id(it.rule): it for it in ready if not it.rule.is_fact}
        self.steps = [
            Step(tuple(waiting[id(rule)] for rule in stratum.rules), stratum.recursive)
            for stratum in stratify([it.rule for it in waiting.values()])
        ]

    @property
    def rules(self) -> list[Ready]:
        """The rules that are no facts, in the order in which they are applied."""
        return [it for step in self.steps for it in step.rules]

    def only(self, heads: Collection[Signature]) -> Law:
        """Give the law with those rules alone that conclude one of these predicates; its facts stay."""
        found = copy(self)
        steps = (Step(tuple(it for it in step.rules if it.head in heads), step.recursive) for step in self.steps)
        found.steps = [step for step in steps if step.rules]
        return found

    def signatures(self) -> Sequence[Signature]:
        """Every predicate that a rule reads or adds to."""
        found = dict.fromkeys((fact[0], len(fact) - 1) for fact in self.facts)
        found.update(dict.fromkeys(it for step in self.steps for it in step.touches))
        for key in self.open:
            found.update(dict.fromkeys((asks(key), holds(key))))
        return tuple((str(name), arity) for name, arity in found)


def asks(key: str) -> Signature:
    """The predicate that says that every option of an open question is to be tried."""
    return f"asks {key}", 0


def holds(key: str) -> Signature:
    """The predicate that says which option of an open question the law itself takes."""
    return f"holds {key}", 1


def waits(key: str) -> Signature:
    """The predicate that stands in a rule in place of an open question: the rule comes after all that decides it."""
    return f"waits for {key}", 0


def _about(key: str, rules: Iterable[Rule]) -> Iterator[Rule]:
    """The rules that decide an open question, for that question alone."""
    yield Rule(Pattern(waits(key)[0]), None, (Literal(Pattern(asks(key)[0])),))
    yield Rule(Pattern(waits(key)[0]), None, (Literal(Pattern(holds(key)[0], (Variable("O"),))),))
    for rule in rules:
        if rule.head.signature != READING:
            continue
        question, option = rule.head.arguments
        if question != key and not isinstance(question, Variable):
            continue
        values = {question.name: key} if isinstance(question, Variable) else {}
        body = tuple(_put(it, values, rule) for it in rule.body if not _opens(it))
        if rule.condition is not None:
            yield Rule(Pattern(asks(key)[0]), None, body, rule.file, rule.line)
        else:
            yield Rule(Pattern(holds(key)[0], (option,)), None, body, rule.file, rule.line)


def _opens(element: Element) -> bool:
    """Whether an element says that a question is open, which is known here."""
    return isinstance(element, Literal) and not element.negated and element.atom.signature == ("open", 1)


def _put(element: Element, values: Mapping[str, str], rule: Rule) -> Element:
    """An element of a rule with values for variables; the rules that decide questions are plain."""
    if not isinstance(element, Literal) or any(isinstance(it, Function | Arithmetic) for it in element.atom.arguments):
        raise rule.error("a rule that decides a question needs plain literals")
    put = (values.get(it.name, it) if isinstance(it, Variable) else it for it in element.atom.arguments)
    return Literal(Pattern(element.atom.name, tuple(put)), element.negated)


def settled(rule: Rule, settings: Mapping[str, str | None]) -> Ready | None:
    """A rule under these settings; None where it can conclude nothing that is asked for."""
    if rule.head.signature == READING:
        return None
    wants: dict[str, str] = {}
    body: list[Element] = []
    for element in rule.body:
        if not isinstance(element, Literal) or element.atom.signature != READING:
            body.append(element)
            continue
        key, option = map(str, element.atom.arguments)
        held = settings[key]
        if element.negated or (held is not None and held != option) or wants.get(key, option) != option:
            if element.negated:
                raise rule.error("a question is asked for by `not`")
            return None
        if held is None:
            wants[key] = option
            body.append(Literal(Pattern(waits(key)[0])))
    return Ready(replace(rule, body=tuple(body)), wants)


@lru_cache(maxsize=FUNCTIONS)
def _function(rule: Rule) -> Any:
    """A rule as a function; most are the same under every setting."""
    space: dict[str, Any] = {"below": below, "calculate": calculate, **AGGREGATES_NOTED}
    exec(compile(source(rule, bounded=False), f"<{rule.file}:{rule.line}>", "exec"), space)
    return space["rule"]


# --- Where times can stand


@lru_cache(maxsize=LAWS)
def _timed(program: Program) -> dict[Signature, frozenset[int]]:
    """The arguments of each predicate, counted from 1, that can hold a time under some setting of the questions."""
    rules = [rule for rule in program.rules if not rule.is_fact]
    found: dict[Signature, set[Path]] = {signature: {path} for signature, path in TIMES.items()}
    changed = True
    while changed:
        changed = False
        for rule in rules:
            paths = found.setdefault(rule.head.signature, set())
            before = len(paths)
            paths |= _paths(rule.head.arguments, _variables(rule, found))
            changed = changed or len(paths) > before
    return {signature: frozenset(path[0] for path in paths) for signature, paths in found.items() if paths}


def _variables(rule: Rule, found: Mapping[Signature, set[Path]]) -> dict[str, set[Path]]:
    """Where in the value of each variable of a rule a time can stand; the empty path is the value itself."""
    variables: dict[str, set[Path]] = {}
    elements: list[Element] = [*rule.body, *(rule.condition or ())]
    elements += [part for it in rule.body if isinstance(it, Aggregate) for case in it.cases for part in case.condition]
    for it in elements:
        if isinstance(it, Literal) and not it.negated:
            _bind(it.atom.arguments, found.get(it.atom.signature, set()), variables)
    size = -1
    while size != (size := sum(map(len, variables.values()))):
        for it in elements:
            if isinstance(it, Comparison) and it.operator == "=":
                for to, value in ((it.left, it.right), (it.right, it.left)):
                    if isinstance(to, Variable):
                        variables.setdefault(to.name, set()).update(_within(value, variables))
            elif isinstance(it, Aggregate) and it.function != "count" and isinstance(it.bound, Variable):
                for case in it.cases:
                    variables.setdefault(it.bound.name, set()).update(_within(case.terms[0], variables))
    return variables


def _bind(arguments: Sequence[Any], paths: Iterable[Path], variables: dict[str, set[Path]]) -> None:
    for at, term in enumerate(arguments, 1):
        inner = {path[1:] for path in paths if path[:1] == (at,)}
        if isinstance(term, Variable):
            variables.setdefault(term.name, set()).update(inner)
        elif isinstance(term, Function):
            _bind(term.arguments, inner, variables)


def _paths(arguments: Sequence[Any], variables: Mapping[str, set[Path]]) -> set[Path]:
    return {(at, *path) for at, term in enumerate(arguments, 1) for path in _within(term, variables)}


def _within(term: object, variables: Mapping[str, set[Path]]) -> set[Path]:
    """Where in the value of a term a time can stand."""
    match term:
        case Variable(name):
            return variables.get(name, set())
        case Function(_, arguments):
            return {path for path in _paths(arguments, variables) if len(path) <= NESTED}
        case Arithmetic("/", left, int(divisor)) if not stays_exact(divisor):
            return set()
        case Arithmetic(_, left, right):
            return {()} if () in _within(left, variables) or () in _within(right, variables) else set()
    return set()
