"""Turns a rule into Python: a loop or a test for each element of its body, one inside the other.

>>> from .parser import parse
>>> print(source(*parse("iv_drug(A) :- drug(A), route(A, iv), not excluded(A).")))
def rule(db, out, work, new=()):
    r0 = db[('route', 2)].index(work, 2)
    r1 = db[('drug', 1)].rows
    r2 = db[('excluded', 1)].rows
    left = work.left
    n1 = r0.get('iv', ())
    left -= len(n1)
    if left < 0: work.over()
    for _, v_A, _ in n1:
        if ('drug', v_A) in r1:
            if ('excluded', v_A) not in r2:
                left -= 100
                out[('iv_drug', v_A)] = None
    work.left = left

`db` gives the relation of each predicate (see `evaluator.Relation`), and `out` takes what is derived as keys.
For a choice, `out` takes the values of `choice_key`, and under them the candidates as keys. `work` is the budget.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from .budget import KEPT, product, sized
from .plan import choice_key, sequence
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
)
from .terms import AGGREGATES, below, calculate

Fire = Callable[..., None]


def within(term: Term, bound: set[str]) -> bool:
    """Whether every variable of a term is one of those."""
    if isinstance(term, Variable):
        return term.name in bound
    return not isinstance(term, Function | Arithmetic) or names([term]) <= bound


def compiled(rule: Rule, over_new: Literal | None = None) -> Fire:
    """The rule as a function; the literal `over_new` of its body ranges over the atoms of `new` only."""
    space: dict[str, Any] = {"below": below, "calculate": calculate, "product": product, "sized": sized}
    space |= AGGREGATES
    try:
        exec(compile(source(rule, over_new), f"<{rule.file}:{rule.line}>", "exec"), space)
    except SyntaxError as error:  # Python nests 20 loops at most
        raise rule.error(f"the rule is too long to be evaluated ({error.msg})") from None
    fire: Fire = space["rule"]
    return fire


def source(rule: Rule, over_new: Literal | None = None, *, bounded: bool = True) -> str:
    """The Python text of `compiled`; if not `bounded`, without `work`, for those who answer for the law themselves."""
    return _Writer(rule, over_new, bounded).text()


class _Writer:
    """The text of one rule as it grows: first the relations it needs, then its loops and tests."""

    def __init__(self, rule: Rule, over_new: Literal | None, bounded: bool) -> None:
        self.rule, self.over_new, self.shared = rule, over_new, shared_names(rule)
        self.bounded = bounded
        self.relations: dict[str, str] = {}
        self.guards: list[str] = []
        self.lines: list[str] = []
        self.depth = 1
        self.bound: set[str] = set()
        self.numbers = count(1)

    def text(self) -> str:
        body = [part for part in self.rule.body if not self.guard(part)]
        self.all(body)
        if self.rule.condition is not None:
            key = "".join(f"v_{name}, " for name in choice_key(self.rule))
            self.line(f"candidates = out.setdefault(({key}), {{}})")
            self.all(self.rule.condition)
        head = self.atom(self.rule.head)
        if self.bounded and any(isinstance(argument, Function) for argument in self.rule.head.arguments):
            head = f"sized({head})"
        self.spend(str(KEPT))
        self.line(f"{'out' if self.rule.condition is None else 'candidates'}[{head}] = None")
        fetched = self.guards + [f"    {name} = {relation}" for relation, name in self.relations.items()]
        if not self.bounded:
            return "\n".join(["def rule(db, out, new=()):", *fetched, *self.lines])
        begin = ["def rule(db, out, work, new=()):", *fetched, "    left = work.left"]
        return "\n".join([*begin, *self.lines, "    work.left = left"])

    def guard(self, part: Element) -> bool:
        """A condition without variables is tested before any relation is looked up; false where it is no such."""
        if not isinstance(part, Literal) or part is self.over_new or names([part]) or [*arithmetic_in(part.atom)]:
            return False
        atom = part.atom
        self.guards.append(
            f"    if {self.atom(atom)} {'' if part.negated else 'not '}in db[{atom.signature}].rows: return"
        )
        return True

    def spend(self, work: str) -> None:
        if self.bounded:
            self.line(f"left -= {work}")

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)
        self.depth += text.endswith(":")

    def test(self, *conditions: str) -> None:
        if conditions:
            self.line(f"if {' and '.join(conditions)}:")

    def relation(self, atom: Pattern, part: str) -> str:
        return self.relations.setdefault(f"db[{atom.signature}].{part}", f"r{len(self.relations)}")

    @contextmanager
    def inner(self) -> Iterator[None]:
        """What is written inside is nested deeper; what it binds is forgotten afterwards."""
        depth, bound = self.depth, set(self.bound)
        yield
        self.depth, self.bound = depth, bound

    # terms

    def known(self, term: Term) -> bool:
        return within(term, self.bound)

    def value(self, term: Term) -> str:
        """An expression for a term whose variables have values; writes tests that the term has one, too."""
        match term:
            case Variable(name):
                return f"v_{name}"
            case Function(name, arguments):
                return self.atom(Pattern(name, arguments))
            case Arithmetic(operator, left, right):
                first, second = self.value(left), self.value(right)
                sides = ((first, left), (second, right))
                self.test(*(f"isinstance({side}, int)" for side, part in sides if isinstance(part, Variable)))
                if operator == "*" and self.bounded:
                    return f"product({first}, {second})"
                if operator in "+-*":
                    return f"({first} {operator} {second})"
                self.test(f"{second} != 0")
                return f"calculate({operator!r}, {first}, {second})"
        return repr(term)

    def atom(self, atom: Pattern) -> str:
        values = ", ".join([repr(atom.name), *map(self.value, atom.arguments)])
        return f"({values})" if atom.arguments else f"({values},)"

    def unpack(self, terms: Iterable[Term], left: list[tuple[str, Term]]) -> str:
        """Names that take the values of the terms, one by one; `left` gets what is still to be compared."""
        targets = []
        for term in terms:
            if isinstance(term, Variable) and term.anonymous:
                targets.append("_")
            elif isinstance(term, Variable) and term.name not in self.bound:
                self.bound.add(term.name)
                targets.append(f"v_{term.name}")
            else:
                targets.append(f"t{next(self.numbers)}")
                left.append((targets[-1], term))
        return ", ".join(targets)

    def fit(self, left: list[tuple[str, Term]]) -> None:
        """Tests that named values are those of the terms; binds the variables inside functions."""
        while left:
            can = (i for i, (_, term) in enumerate(left) if isinstance(term, Function) or self.known(term))
            name, term = left.pop(next(can))
            if self.known(term):
                self.test(f"{name} == {self.value(term)}")
            elif isinstance(term, Function):
                size = len(term.arguments) + 1
                self.test(f"type({name}) is tuple", f"len({name}) == {size}", f"{name}[0] == {term.name!r}")
                self.line(f"_, {self.unpack(term.arguments, left)} = {name}")

    # elements

    def all(self, elements: Iterable[Element]) -> None:
        for element in sequence(elements, self.bound, self.shared, self.rank)[0]:
            match element:
                case Literal(atom, negated):
                    self.literal(atom, negated, over_new=element is self.over_new)
                case Comparison(left, operator, right):
                    self.comparison(left, operator, right)
                case Aggregate():
                    self.aggregate(element)

    def rank(self, element: Element, bound: set[str]) -> tuple[int, ...]:
        """What is new, tests, values, aggregates, and last what multiplies: most bound first, least free."""
        if element is self.over_new:
            return (0,)
        if isinstance(element, Aggregate):
            return (3,)
        if names([element]) <= bound:
            return (1,)
        if isinstance(element, Comparison):
            return (2,)
        known = sum(within(argument, bound) for argument in element.atom.arguments)
        return 4, -known, len(element.atom.arguments)

    def literal(self, atom: Pattern, negated: bool, over_new: bool) -> None:
        if over_new:
            self.loop(atom, "new")
        elif all(map(self.known, atom.arguments)):
            value = self.atom(atom)
            self.test(f"{value} {'not ' if negated else ''}in {self.relation(atom, 'rows')}")
        elif not negated:
            self.loop(atom)
        else:
            for term in arithmetic_in(atom):  # where it has no value, the literal is neither true nor false
                self.value(term)
            absent = f"absent{next(self.numbers)}"
            self.line(f"{absent} = True")
            with self.inner():
                self.loop(atom)
                self.line(f"{absent} = False")
            self.test(absent)

    def loop(self, atom: Pattern, rows: str = "") -> None:
        """A loop over the atoms that fit, found by the arguments that have values."""
        keys = [i for i, argument in enumerate(atom.arguments, 1) if self.known(argument) and not rows]
        if keys:
            index = self.relation(atom, f"index({', '.join(['work'] * self.bounded + list(map(str, keys)))})")
            values = ", ".join(self.value(atom.arguments[i - 1]) for i in keys)
            rows = f"{index}.get({values if len(keys) == 1 else f'({values})'}, ())"
        left: list[tuple[str, Term]] = []
        others = (Variable("_0") if i in keys else term for i, term in enumerate(atom.arguments, 1))
        name = f"n{next(self.numbers)}"
        self.line(f"{name} = {rows or self.relation(atom, 'rows')}")
        self.spend(f"len({name})")
        if self.bounded:
            self.line("if left < 0: work.over()")
        self.line(f"for _, {self.unpack(others, left)} in {name}:")
        self.fit(left)

    def comparison(self, left: Term, operator: str, right: Term) -> None:
        if not self.known(left):
            left, right = right, left  # only with = may one side be open
        value = self.value(left)
        if self.bounded and isinstance(left, Function):
            value = f"sized({value})"
        if self.known(right):
            self.compare(value, operator, right, numbers=isinstance(left, int | Arithmetic))
        else:
            unknown: list[tuple[str, Term]] = []
            self.line(f"{self.unpack([right], unknown)} = {value}")
            self.fit(unknown)

    def compare(self, left: str, operator: str, term: Term, *, numbers: bool) -> None:
        """A test; `numbers` if the left side can only be an integer."""
        right = self.value(term)
        if operator in ("=", "!=") or (numbers and isinstance(term, int | Arithmetic)):
            return self.test(f"{left} {'==' if operator == '=' else operator} {right}")
        pair = f"{left}, {right}" if operator in ("<", ">=") else f"{right}, {left}"
        return self.test(f"{'not ' if '=' in operator else ''}below({pair})")

    def aggregate(self, aggregate: Aggregate) -> None:
        number = next(self.numbers)
        self.line(f"tuples{number} = {{}}")
        for case in aggregate.cases:
            with self.inner():
                self.all(case.condition)
                terms = "".join([self.value(term) + ", " for term in case.terms])
                self.spend(str(KEPT))
                self.line(f"tuples{number}[({terms})] = None")
        value = f"{aggregate.function}(tuples{number})"
        if self.known(aggregate.bound):
            self.line(f"t{number} = {value}")
            self.compare(f"t{number}", aggregate.operator, aggregate.bound, numbers=False)
        else:
            self.line(f"{self.unpack([aggregate.bound], [])} = {value}")
