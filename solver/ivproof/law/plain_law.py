"""A law as plain data and back: so that its rules can be kept between runs, without the solver's parser.

Constants stand as their name, variables with ``$`` in front, strings with ``"``, numbers as numbers; functions and
arithmetic are lists with the name or the operator first.

>>> from ivproof.law.language import load
>>> law = load({"law.lp": 'p(X,N+1) :- q(X,"a b"), N = #count{ Y : r(X,Y), not s(Y) }, N > 2.'})
>>> from_plain(to_plain(law)) == law
True
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

from ivproof.law.syntax import Aggregate, Choice, Comparison, Condition, Element, Header, Literal, Program, Rule
from ivproof.law.terms import Function, Operation, String, Term, Variable

Plain: TypeAlias = Any
"""What JSON can hold."""

_OPERATORS = frozenset("+-*/\\")
_COMPARISONS = frozenset(("=", "!=", "<", "<=", ">", ">="))
_FUNCTIONS = frozenset(("#count", "#sum", "#min", "#max"))
_NAME = re.compile(r"_*[a-z][A-Za-z0-9_]*", re.ASCII)
_VARIABLE = re.compile(r"_*[A-Z][A-Za-z0-9_]*|_", re.ASCII)


def to_plain(program: Program) -> Plain:
    """Give a program as plain data."""
    headers: dict[Header, int] = {}
    rules = []
    for rule in program.rules:
        header = None if rule.header is None else headers.setdefault(rule.header, len(headers))
        choice = isinstance(rule.head, Choice)
        head = (
            _condition((Literal(rule.atom), *rule.head.condition))
            if isinstance(rule.head, Choice)
            else _term(rule.atom)
        )
        body = [_aggregate(part) if isinstance(part, Aggregate) else _part(part) for part in rule.body]
        settled = _condition(rule.settled)
        rules.append([choice, head, body, header, rule.clause, rule.file, rule.line, rule.text, settled])
    listed = [[it.id, it.citation, it.sentence, it.file, it.line] for it in headers]
    return {"headers": listed, "rules": rules}


def from_plain(plain: Plain) -> Program:
    """Give back the program that `to_plain` made plain.

    Raises ValueError, TypeError, KeyError or IndexError for what it did not make, and for a name or an operator that
    the rule language does not have.
    """
    headers = [_header(*it) for it in plain["headers"]]
    return Program(tuple(_rule(it, headers) for it in plain["rules"]))


def _header(id_: Plain, citation: Plain, sentence: Plain, file: Plain, line: Plain) -> Header:
    if not all(isinstance(it, str) for it in (id_, citation, sentence, file)) or type(line) is not int:
        raise TypeError("no header of a rule")
    return Header(id_, citation, sentence, file, line)


def _one_of(known: Collection[str], found: Plain) -> str:
    if not isinstance(found, str) or found not in known:
        raise ValueError(f"no operator or function of the rule language: {found!r}")
    return found


def _like(pattern: re.Pattern[str], found: Plain) -> str:
    if not isinstance(found, str) or not pattern.fullmatch(found):
        raise ValueError(f"no name of the rule language: {found!r}")
    return found


def _term(term: Term) -> Plain:
    match term:
        case int():
            return term
        case String(value):
            return f'"{value}'
        case Variable(name):
            return f"${name}"
        case Function(name, ()) if name:
            return name
        case Function(name, arguments):
            return [name, *map(_term, arguments)]
    return [term.operator, _term(term.left), _term(term.right)]


def _part(part: Literal | Comparison) -> Plain:
    if isinstance(part, Comparison):
        return ["c", part.operator, _term(part.left), _term(part.right)]
    return ["n" if part.negated else "p", _term(part.atom)]


def _condition(parts: Sequence[Literal | Comparison]) -> Plain:
    return [_part(part) for part in parts]


def _aggregate(part: Aggregate) -> Plain:
    elements = [[list(map(_term, it.terms)), _condition(it.condition)] for it in part.elements]
    return ["a", part.function, elements, part.operator, _term(part.bound)]


def _rule(plain: Sequence[Plain], headers: Sequence[Header]) -> Rule:
    choice, head, body, header, clause, file, line, text, settled = plain
    parts = tuple(_read_aggregate(it) if it[0] == "a" else _read_part(it) for it in body)
    read: Function | Choice = _read_atom(head) if not choice else _read_choice(head)
    used = tuple(it for it in _read_condition(settled) if isinstance(it, Literal))
    return Rule(read, parts, None if header is None else headers[header], clause, file, line, text, used)


def _read_choice(plain: Sequence[Plain]) -> Choice:
    return Choice(_read_atom(plain[0][1]), _read_condition(plain[1:]))


def _read_aggregate(plain: Sequence[Plain]) -> Aggregate:
    _, function, elements, operator, bound = plain
    read = tuple(Element(tuple(map(_read_term, terms)), _read_condition(condition)) for terms, condition in elements)
    return Aggregate(_one_of(_FUNCTIONS, function), read, _one_of(_COMPARISONS, operator), _read_term(bound))


def _read_condition(plain: Sequence[Plain]) -> Condition:
    return tuple(map(_read_part, plain))


def _read_part(plain: Sequence[Plain]) -> Literal | Comparison:
    if plain[0] == "c":
        return Comparison(_read_term(plain[2]), _one_of(_COMPARISONS, plain[1]), _read_term(plain[3]))
    return Literal(_read_atom(plain[1]), plain[0] == "n")


def _read_atom(plain: Plain) -> Function:
    term = _read_term(plain)
    if not isinstance(term, Function):
        raise TypeError(f"no atom: {plain!r}")
    return term


_SIMPLE: dict[str, Term] = {}


def _read_term(plain: Plain) -> Term:
    if isinstance(plain, str):
        found = _SIMPLE.get(plain)
        if found is None:
            found = _SIMPLE.setdefault(plain, _read_simple(plain))
        return found
    if isinstance(plain, int):
        return plain
    if plain[0] in _OPERATORS:
        return Operation(plain[0], _read_term(plain[1]), _read_term(plain[2]))
    return Function(plain[0] and _like(_NAME, plain[0]), tuple(map(_read_term, plain[1:])))


def _read_simple(plain: str) -> Term:
    if plain.startswith("$"):
        return Variable(_like(_VARIABLE, plain[1:]))
    return String(plain[1:]) if plain.startswith('"') else Function(_like(_NAME, plain))
