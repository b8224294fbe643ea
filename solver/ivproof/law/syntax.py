"""The rule language as data: what a rule of the law is, and how it is written as text for the solver.

A program is an immutable list of rules. Everything here can be compared, hashed and pickled.
``language.load`` makes it from law files, the rewritings turn one program into another, and
``Program.text`` is what the solver gets.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from ivproof.law.terms import Function, Signature, Term, variables

ANONYMOUS = "_"
_REFERENCE = re.compile(r"\b[A-Z]\d+\b")


@dataclass(frozen=True, slots=True)
class Literal:
    """An atom, or ``not`` an atom."""

    atom: Function
    negated: bool = False

    def __str__(self) -> str:
        """The literal as rule text."""
        return f"not {self.atom}" if self.negated else str(self.atom)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right`` with one of ``= != < <= > >=``."""

    left: Term
    operator: str
    right: Term

    def __str__(self) -> str:
        """The comparison as rule text."""
        return f"{self.left} {self.operator} {self.right}"


Condition: TypeAlias = tuple[Literal | Comparison, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """``terms : condition``, one alternative of what an aggregate counts."""

    terms: tuple[Term, ...]
    condition: Condition

    def __str__(self) -> str:
        """The element as rule text."""
        terms = ",".join(map(str, self.terms))
        return f"{terms} : {', '.join(map(str, self.condition))}" if self.condition else terms


@dataclass(frozen=True, slots=True)
class Aggregate:
    """``function { elements } operator bound``; with ``=`` the bound may be a new variable."""

    function: str
    elements: tuple[Element, ...]
    operator: str
    bound: Term

    def __str__(self) -> str:
        """The aggregate as rule text."""
        return f"{self.function} {{ {'; '.join(map(str, self.elements))} }} {self.operator} {self.bound}"


@dataclass(frozen=True, slots=True)
class Choice:
    """``{ atom : condition } = 1``: exactly one of the atoms whose condition holds."""

    atom: Function
    condition: Condition

    def __str__(self) -> str:
        """The choice as rule text."""
        condition = f" : {', '.join(map(str, self.condition))}" if self.condition else ""
        return f"{{ {self.atom}{condition} }} = 1"


Head: TypeAlias = Function | Choice
Body: TypeAlias = tuple[Literal | Comparison | Aggregate, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The comment above a rule: its id, what it rests on, and its wording."""

    id: str
    citation: str
    sentence: str
    file: str
    line: int

    @property
    def references(self) -> tuple[str, ...]:
        """The numbers that the citation names: rules (R30), readings (A9), national findings (F23)."""
        return tuple(_REFERENCE.findall(self.citation))


@dataclass(frozen=True)
class Rule:
    """One rule or fact of the law, and where it comes from.

    ``header`` is the comment it stands under (facts of one table share it) and ``clause`` its number there,
    from 1. ``text`` is the wording in the file, ``str(rule)`` the rule as it stands after rewriting.
    ``settled`` are the literals that ``rewrite.specialise`` took out because the setting of a question
    makes them true.
    """

    head: Head
    body: Body = ()
    header: Header | None = None
    clause: int = 1
    file: str = ""
    line: int = 0
    text: str = ""
    settled: tuple[Literal, ...] = ()

    @property
    def id(self) -> str:
        """The id in the header; "" where a header is missing."""
        return self.header.id if self.header else ""

    @property
    def atom(self) -> Function:
        """The atom that the rule concludes, or the pattern of those it chooses from."""
        return self.head.atom if isinstance(self.head, Choice) else self.head

    @property
    def is_fact(self) -> bool:
        """Whether the rule holds without a condition."""
        return not self.body and not isinstance(self.head, Choice)

    @cached_property
    def signatures(self) -> frozenset[Signature]:
        """Every predicate in the head, the conditions and the aggregates."""
        return frozenset(atom.signature for atom in rule_atoms(self))

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"

    def __str__(self) -> str:
        """The rule as text for the solver."""
        return f"{self.head} :- {', '.join(map(str, self.body))}." if self.body else f"{self.head}."


@dataclass(frozen=True)
class Program:
    """The rules of a policy in the order of their files."""

    rules: tuple[Rule, ...]

    @cached_property
    def text(self) -> str:
        """The program for the solver: one rule a line, without comments."""
        return "".join(f"{rule}\n" for rule in self.rules)

    @cached_property
    def by_id(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules under each id."""
        groups: dict[str, tuple[Rule, ...]] = {}
        for rule in self.rules:
            groups[rule.id] = (*groups.get(rule.id, ()), rule)
        return groups

    @cached_property
    def without_header(self) -> tuple[Rule, ...]:
        """The rules that no header covers."""
        return tuple(rule for rule in self.rules if rule.header is None)

    @cached_property
    def signatures(self) -> frozenset[Signature]:
        """Every predicate that occurs in a head or a body."""
        return frozenset().union(*(rule.signatures for rule in self.rules))


def rule_conditions(rule: Rule) -> Iterator[tuple[str, Condition]]:
    """The conditions of a rule: of its "body", a "choice" and each element of an "aggregate"."""
    yield "body", tuple(part for part in rule.body if not isinstance(part, Aggregate))
    if isinstance(rule.head, Choice):
        yield "choice", rule.head.condition
    for part in rule.body:
        if isinstance(part, Aggregate):
            yield from (("aggregate", element.condition) for element in part.elements)


def rule_atoms(rule: Rule) -> Iterator[Function]:
    """All atoms of a rule: of the head, the body, a choice and the aggregates."""
    yield rule.atom
    for _, condition in rule_conditions(rule):
        yield from (part.atom for part in condition if isinstance(part, Literal))


def part_variables(part: Literal | Comparison | Aggregate | Element) -> Iterator[str]:
    """The variables of a part of a rule in order of occurrence, with repetitions.

    Of an aggregate only those of the bound: what stands in its elements is asked for element by element.
    """
    match part:
        case Literal():
            yield from variables(part.atom)
        case Comparison():
            yield from variables(part.left)
            yield from variables(part.right)
        case Aggregate():
            yield from variables(part.bound)
        case Element():
            for term in part.terms:
                yield from variables(term)
            for condition in part.condition:
                yield from part_variables(condition)


def global_variables(rule: Rule) -> tuple[str, ...]:
    """The named variables of a rule's body outside aggregate elements, each once, in order of occurrence."""
    names = (name for part in rule.body for name in part_variables(part))
    return tuple(dict.fromkeys(name for name in names if name != ANONYMOUS))


def all_variables(rule: Rule) -> frozenset[str]:
    """Every variable name in the rule."""
    names = set(variables(rule.atom))
    if isinstance(rule.head, Choice):
        names.update(name for part in rule.head.condition for name in part_variables(part))
    for part in rule.body:
        names.update(part_variables(part))
        if isinstance(part, Aggregate):
            names.update(name for element in part.elements for name in part_variables(element))
    return frozenset(names)


def fresh(name: str, taken: Iterable[str]) -> str:
    """``name``, with a number behind it if it is taken already."""
    used = set(taken)
    candidates = (name, *(f"{name}{number}" for number in range(1, len(used) + 2)))
    return next(candidate for candidate in candidates if candidate not in used)


def choice_key(rule: Rule) -> tuple[str, ...]:
    """The variables that a choice shares with its body: their values tell one choice from another."""
    assert isinstance(rule.head, Choice)
    inside = {*variables(rule.head.atom), *(v for part in rule.head.condition for v in part_variables(part))}
    return tuple(name for name in global_variables(rule) if name in inside)
