"""What a rule of the law is made of, after parsing: immutable, comparable, printable.

A term is a ground value (see `terms`) or a `Variable`, `Function` or `Arithmetic`. A function without
variables is always a ground value: a `Function` has something left to bind.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, Union

from .terms import Atom, Signature, Value, show


class LawError(ValueError):
    """Text outside the rule language, or a program that cannot be evaluated; says file and line."""

    def __init__(self, file: str, line: int, message: str) -> None:
        """Say what is wrong, and where."""
        super().__init__(f"{file}:{line}: {message}")
        self.file, self.line, self.message = file, line, message


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable; every `_` of a rule is one of its own, named `_1`, `_2`, …"""

    name: str

    @property
    def anonymous(self) -> bool:
        """Was it written `_`?"""
        return self.name[0] == "_" and self.name[1:].isdigit()


@dataclass(frozen=True, slots=True)
class Function:
    """`name(arguments)` with a variable in it; a tuple has the name ''."""

    name: str
    arguments: tuple["Term", ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left operator right`; the operator is one of + - * / and the remainder, a backslash."""

    operator: str
    left: "Term"
    right: "Term"


Term: TypeAlias = Union[Value, Variable, Function, Arithmetic]  # noqa: UP007 (the alias is recursive)


@dataclass(frozen=True, slots=True)
class Pattern:
    """An atom of a rule: `name(arguments)`, ground or not."""

    name: str
    arguments: tuple[Term, ...] = ()

    @property
    def signature(self) -> Signature:
        """Name and number of arguments."""
        return self.name, len(self.arguments)


@dataclass(frozen=True, slots=True)
class Literal:
    """An atom, or `not` an atom."""

    atom: Pattern
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right` with one of = != < <= > >=."""

    left: Term
    operator: str
    right: Term


Condition: TypeAlias = tuple[Literal | Comparison, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """`terms : condition` in an aggregate: each different tuple for which the condition holds counts once."""

    terms: tuple[Term, ...]
    condition: Condition


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`#function { cases } operator bound`; with = an unbound variable takes the value."""

    function: str  # count, sum, min or max
    cases: tuple[Case, ...]
    operator: str
    bound: Term


Element: TypeAlias = Literal | Comparison | Aggregate


@dataclass(frozen=True, slots=True)
class Rule:
    """`head :- body.`, or with a condition the choice `{ head : condition } = 1 :- body.`"""

    head: Pattern
    condition: Condition | None = None
    body: tuple[Element, ...] = ()
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    end_line: int = field(default=0, compare=False)
    id: str = ""
    citation: str = ""
    sentence: str = ""
    clause: int = 1  # of the rules that share one id

    @property
    def is_fact(self) -> bool:
        """Has it neither body nor choice?"""
        return not self.body and self.condition is None

    @property
    def fact(self) -> Atom:
        """The atom of a fact."""
        arguments: tuple[Any, ...] = self.head.arguments
        return (self.head.name, *arguments)

    def error(self, message: str) -> LawError:
        """An error about this rule."""
        return LawError(self.file, self.line, message)


Node: TypeAlias = Term | Pattern | Element | Case

_GROUND, _NAMED = (str, int, tuple), (Pattern, Function)


def names(nodes: Iterable[Node], *, arithmetic: bool = True) -> set[str]:
    """The names of all variables in the nodes; without those inside arithmetic if `arithmetic` is false."""
    found: set[str] = set()
    waiting: list[Node] = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Variable):
            found.add(node.name)
        elif isinstance(node, _GROUND):
            continue
        elif isinstance(node, Literal):
            waiting.append(node.atom)
        elif isinstance(node, _NAMED):
            waiting += node.arguments
        elif isinstance(node, Comparison) or (isinstance(node, Arithmetic) and arithmetic):
            waiting += (node.left, node.right)
        elif isinstance(node, Case):
            waiting += (*node.terms, *node.condition)
        elif isinstance(node, Aggregate):
            waiting += (*node.cases, node.bound)
    return found


def size(rule: Rule) -> int:
    """How many names, numbers and conditions a rule has."""
    return sum(1 for _ in nodes(rule))


def nodes(rule: Rule) -> Iterator[Any]:
    """Everything that a rule is made of, down to its names and numbers."""
    waiting: list[Any] = [rule.head, *(rule.condition or ()), *rule.body]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case Literal(atom):
                waiting.append(atom)
            case Pattern(_, parts) | Function(_, parts):
                waiting += parts
            case Comparison(left, _, right) | Arithmetic(_, left, right):
                waiting += (left, right)
            case Aggregate(_, cases, _, bound):
                waiting += (*cases, bound)
            case Case(terms, condition):
                waiting += (*terms, *condition)
            case tuple():
                waiting += node


def arithmetic_in(node: Term | Pattern) -> Iterator[Arithmetic]:
    """The calculations in a term or an atom."""
    if isinstance(node, Arithmetic):
        yield node
    elif isinstance(node, Function | Pattern):
        for argument in node.arguments:
            yield from arithmetic_in(argument)


def shared_names(rule: Rule) -> set[str]:
    """The variables that all of the rule shares; others belong to a case of an aggregate or to the choice."""
    nodes: list[Node] = [part.bound if isinstance(part, Aggregate) else part for part in rule.body]
    return names(nodes if rule.condition is not None else [*nodes, rule.head])


def asked(rule: Rule) -> Iterator[tuple[Pattern, bool]]:
    """The atoms that a rule asks for, and whether all of them must be known before it is applied."""
    conditions = [rule.condition] if rule.condition is not None else []
    for element in rule.body:
        if isinstance(element, Literal):
            yield element.atom, element.negated or rule.condition is not None
        elif isinstance(element, Aggregate):
            conditions += (case.condition for case in element.cases)
    for condition in conditions:
        for part in condition:
            if isinstance(part, Literal):
                yield part.atom, True


def text(node: Node) -> str:
    """The node as it is written in a law."""
    match node:
        case Variable(name):
            return "_" if node.anonymous else name
        case Function(name, parts) | Pattern(name, parts):
            return show((name, *map(text, parts)))
        case Arithmetic(operator):
            sides = [(side, text(side)) for side in (node.left, node.right)]
            return operator.join(f"({t})" if isinstance(side, Arithmetic) else t for side, t in sides)
        case Literal(atom, negated):
            return "not " * negated + text(atom)
        case Comparison(left, operator, right):
            return f"{text(left)} {operator} {text(right)}"
        case Case(terms, condition):
            return f"{','.join(map(text, terms))} : {', '.join(map(text, condition))}"
        case Aggregate(function, cases, operator, bound):
            return f"#{function} {{ {'; '.join(map(text, cases))} }} {operator} {text(bound)}"
    return show(node)
