"""Mutants of a law: small changes of it, each of which some worked case should notice.

In: a program, and what stands in `mutants.toml` beside it (predicates whose numbers only order, and changes that change
nothing, each with the reason). Out: the changes, one at a time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from ivproof.law.policy import Policy, PolicyError
from ivproof.law.safety import unbound
from ivproof.law.syntax import Choice, Comparison, Literal, Program, Rule
from ivproof.law.terms import Function, Operation, Term, operations

FILE = "mutants.toml"

FIRST_DAY, LAST_DAY = 19000101, 22991231
"""Numbers from the one to the other are days, YYYYMMDD."""


class Operator(StrEnum):
    """The ways in which a law is changed."""

    DELETED = "deleted"
    NUMBER = "number"
    COMPARISON = "comparison"
    CONDITION = "condition"


@dataclass(frozen=True)
class Mutant:
    """A change of the law: rule number `at` is gone, or another stands in its place."""

    at: int
    rule: Rule
    change: str
    instead: Rule | None = None
    operator: Operator = Operator.DELETED

    @property
    def key(self) -> tuple[str, int, str]:
        """What `mutants.toml` names it by: the id of the rule, its clause and the change."""
        return self.rule.id, self.rule.clause, self.change


@dataclass(frozen=True)
class Notes:
    """What a policy says of its mutants.

    `orders` are groups of predicates whose numbers only order, each against the others of its group: moving one by one
    means past its neighbour. The facts of `unread` are words, or keep small what is tried. `explained` are changes that
    change nothing, by key, with the reason.
    """

    orders: Sequence[Sequence[str]] = ()
    unread: Sequence[str] = ()
    explained: Mapping[tuple[str, int, str], str] = field(default_factory=dict)

    @staticmethod
    def of(policy: Policy) -> Notes:
        """Read `mutants.toml` of a policy; without one nothing is said. Raises PolicyError."""
        file = policy.folder / FILE
        if not file.exists():
            return Notes()
        try:
            plain = tomllib.loads(file.read_text("utf-8"))
            listed = plain.get("mutant", [])
            explained = {(it["rule"], it.get("clause", 1), it["change"]): it["reason"] for it in listed}
            return Notes(plain.get("orders", []), plain.get("unread", []), explained)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            expected = "orders and unread as lists, and of each mutant rule, change and reason"
            raise PolicyError(f"{file}: found {error}; expected {expected}") from None


def mutants(program: Program, notes: Notes, operators: Sequence[Operator] = tuple(Operator)) -> Iterator[Mutant]:
    """Give every change of a law by some operators, rule by rule."""
    pools: dict[str, list[int]] = {}
    for group in notes.orders:
        for name in group:
            # each group stands by its first predicate beside the others, never one of the others beside another
            others = group if name == group[0] else (name, group[0])
            pools[name] = sorted({it for other in others for it in _numbers_of(program, other)})
    for at, rule in enumerate(program.rules):
        if rule.is_fact and rule.file.endswith(tuple(notes.unread)):
            continue
        if Operator.DELETED in operators:
            yield Mutant(at, rule, "deleted")
        if Operator.NUMBER in operators:
            for changed, old, new in _moved(rule, pools):
                yield Mutant(at, rule, f"{old} to {new}", changed, Operator.NUMBER)
        if Operator.COMPARISON in operators:
            for changed, change in _flipped(rule):
                yield Mutant(at, rule, change, changed, Operator.COMPARISON)
        if Operator.CONDITION in operators:
            for changed, change in _without_one(rule):
                yield Mutant(at, rule, change, changed, Operator.CONDITION)


def _numbers_of(program: Program, name: str) -> Iterator[int]:
    for rule in program.rules:
        if rule.atom.name == name:
            yield from (it for it in rule.atom.arguments if isinstance(it, int))


def _moved(rule: Rule, pools: Mapping[str, Sequence[int]]) -> Iterator[tuple[Rule, int, int]]:
    """Give the rule with each of its numbers moved: those of a fact, of a rank, and alone beside a comparison."""
    pool = pools.get(rule.atom.name)
    if not isinstance(rule.head, Choice) and (rule.is_fact or pool is not None):
        for head, old, new in _with_numbers_moved(rule.head, pool):
            if isinstance(head, Function):
                yield replace(rule, head=head), old, new
    for place, part in enumerate(rule.body):
        if isinstance(part, Comparison):
            for side in ("left", "right"):
                value = getattr(part, side)
                if isinstance(value, int):
                    for new in (value - 1, value + 1):
                        changed = replace(part, left=new) if side == "left" else replace(part, right=new)
                        yield _with(rule, place, changed), value, new


def _with(rule: Rule, place: int, *parts: Comparison) -> Rule:
    """The rule with other parts in place of one of its body."""
    return replace(rule, body=(*rule.body[:place], *parts, *rule.body[place + 1 :]))


def _with_numbers_moved(term: Term, pool: Sequence[int] | None) -> Iterator[tuple[Term, int, int]]:
    match term:
        case int():
            yield from ((new, term, new) for new in _neighbours(term, pool))
        case Function(function, arguments):
            for place, argument in enumerate(arguments):
                for changed, old, new in _with_numbers_moved(argument, pool):
                    yield Function(function, (*arguments[:place], changed, *arguments[place + 1 :])), old, new
        case Operation(operator, left, right):
            for changed, old, new in _with_numbers_moved(left, pool):
                yield Operation(operator, changed, right), old, new
            for changed, old, new in _with_numbers_moved(right, pool):
                yield Operation(operator, left, changed), old, new


def _neighbours(number: int, pool: Sequence[int] | None) -> list[int]:
    if pool is not None and number in pool:
        at = pool.index(number)
        return [*([pool[at - 1] - 1] if at else []), *([pool[at + 1] + 1] if at + 1 < len(pool) else [])]
    if FIRST_DAY <= number <= LAST_DAY:
        try:
            day = date(number // 10000, number // 100 % 100, number % 100)
        except ValueError:
            return [number - 1, number + 1]
        return [int((day + timedelta(days=step)).strftime("%Y%m%d")) for step in (-1, 1)]
    return [number - 1, number + 1]


FLIPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
"""A comparison, and the one that stands on the other side of equality."""


def _flipped(rule: Rule) -> Iterator[tuple[Rule, str]]:
    for place, part in enumerate(rule.body):
        if isinstance(part, Comparison) and part.operator in FLIPPED:
            changed = replace(part, operator=FLIPPED[part.operator])
            yield _with(rule, place, changed), f"{part} to {changed}"


def _without_one(rule: Rule) -> Iterator[tuple[Rule, str]]:
    """The rule without one of its comparisons or of what must not be, where no variable loses its value by that.

    A rule that calculates keeps all: one of them may be what ends a recursion.
    """
    if any(True for term in _terms(rule) for _ in operations(term)):
        return
    for place, part in enumerate(rule.body):
        if len(rule.body) > 1 and (isinstance(part, Comparison) or (isinstance(part, Literal) and part.negated)):
            changed = _with(rule, place)
            if not unbound(changed):
                yield changed, f"without {part}"


def _terms(rule: Rule) -> Iterator[Term]:
    yield rule.atom
    for part in rule.body:
        if isinstance(part, Comparison):
            yield from (part.left, part.right)
