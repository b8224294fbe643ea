"""Parsed rules as plain data, and back: reading that is sooner than parsing, and takes nobody's word for it.

Data may come from a file that somebody changed. So every name, number and operator in it has to be one of the grammar,
and the rules are written out again and compared with the law's text: they are given back only where they say the same.

>>> from ivproof.recheck.parser import parse
>>> law = "p(X) :- q(X, f(a), 7), not r(X, _), N = #count { Y : s(Y) }, N + 2 * X > 16."
>>> data = plain(parse(law))
>>> [rule.body for rule in rebuilt(data, law)] == [rule.body for rule in parse(law)]
True
>>> rebuilt(data, law.replace("16", "15"))
Traceback (most recent call last):
ValueError: the stored rules are not those of the text
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from sys import intern
from typing import Any, TypeAlias

from .syntax import (
    Aggregate,
    Arithmetic,
    Case,
    Comparison,
    Condition,
    Element,
    Function,
    Literal,
    Pattern,
    Rule,
    Term,
    Variable,
)
from .terms import AGGREGATES, LARGEST, show

Plain: TypeAlias = Any
"""What JSON can hold."""

_NAME = re.compile(r"(?!not$)_*[a-z][A-Za-z0-9_]*", re.ASCII)
_VARIABLE = re.compile(r"_*[A-Z][A-Za-z0-9_]*|_[1-9][0-9]*", re.ASCII)
_STRING = re.compile(r'"([^"\\\n\0]|\\["\\n])*"')
_OPERATORS = {"+": 1, "-": 1, "*": 2, "/": 2, "\\": 2}  # and how closely they bind
_COMPARISONS = {"=", "!=", "<", "<=", ">", ">="}


# --- to plain data


def plain(rules: Iterable[Rule]) -> list[Plain]:
    """Give what the rules of one file say as lists, numbers and texts."""
    return [[_atom(it.head), None if it.condition is None else _all_of(it.condition), _all_of(it.body)] for it in rules]


def _all_of(elements: Iterable[Element]) -> list[Plain]:
    return list(map(_element, elements))


def _term(term: Term) -> Plain:
    match term:
        case Variable(name):
            return ["v", name]
        case Function(name, arguments):
            return ["f", name, *map(_term, arguments)]
        case Arithmetic(operator, left, right):
            return ["a", operator, _term(left), _term(right)]
        case tuple():
            return ["f", *map(_term, term)]
    return term


def _atom(atom: Pattern) -> list[Plain]:
    return [atom.name, *map(_term, atom.arguments)]


def _element(element: Element) -> list[Plain]:
    match element:
        case Literal(atom, negated):
            return ["n" if negated else "p", *_atom(atom)]
        case Comparison(left, operator, right):
            return ["c", operator, _term(left), _term(right)]
    cases = [[list(map(_term, it.terms)), _all_of(it.condition)] for it in element.cases]
    return ["g", element.function, element.operator, _term(element.bound), *cases]


# --- from plain data


def rebuilt(data: Plain, source: str, file: str = "law") -> tuple[Rule, ...]:
    """Give back the rules of a text, without lines and headers.

    Raises ValueError where the data are anything else than what `plain` makes of them.
    """
    try:
        rules = tuple(_rule(it, file) for it in data)
    except (TypeError, IndexError, RecursionError) as error:
        raise ValueError("these are no stored rules") from error
    if _squeezed("".join(map(_written, rules))) != _squeezed(source):
        raise ValueError("the stored rules are not those of the text")
    return rules


def _rule(data: Plain, file: str) -> Rule:
    head, condition, body = data
    anonymous: set[str] = set()
    choice = None if condition is None else _read_condition(condition, anonymous)
    read = tuple(_read_element(it, anonymous) for it in body)
    return Rule(_read_atom(head, anonymous), choice, read, file)


def _read_condition(data: Plain, anonymous: set[str]) -> Condition:
    parts = [_read_element(it, anonymous) for it in data]
    if any(isinstance(part, Aggregate) for part in parts):
        raise ValueError("an aggregate inside a condition")
    return tuple(parts)  # type: ignore[arg-type]


def _read_element(data: Plain, anonymous: set[str]) -> Element:
    kind, *rest = data
    if kind in {"p", "n"}:
        return Literal(_read_atom(rest, anonymous), kind == "n")
    if kind == "c":
        operator, left, right = rest
        return Comparison(_read_term(left, anonymous), _one_of(_COMPARISONS, operator), _read_term(right, anonymous))
    if kind != "g":
        raise ValueError("no element of a rule")
    function, operator, bound, *cases = rest
    read = tuple(Case(_read_terms(it[0], anonymous), _read_condition(it[1], anonymous)) for it in cases)
    return Aggregate(_one_of(AGGREGATES, function), read, _one_of(_COMPARISONS, operator), _read_term(bound, anonymous))


def _read_atom(data: Plain, anonymous: set[str]) -> Pattern:
    return Pattern(_like(_NAME, data[0]), _read_terms(data[1:], anonymous))


def _read_terms(data: Plain, anonymous: set[str]) -> tuple[Term, ...]:
    return tuple([_read_term(it, anonymous) for it in data])


def _read_term(data: Plain, anonymous: set[str]) -> Term:
    if isinstance(data, str):
        return _like(_STRING if data[:1] == '"' else _NAME, data)
    if type(data) is int:
        if abs(data) > LARGEST:
            raise ValueError("a number that is too large")
        return data
    kind, name, *rest = data
    if kind == "v":
        variable, own = _variable(name)
        if own:
            if name in anonymous or rest:  # each `_` is a variable of its own
                raise ValueError("an anonymous variable that stands twice")
            anonymous.add(name)
        return variable
    arguments = _read_terms(rest, anonymous)
    if kind == "a":
        left, right = arguments
        return Arithmetic(_one_of(_OPERATORS, name), left, right)
    if kind != "f" or not arguments:
        raise ValueError("no term")
    name = "" if name == "" else _like(_NAME, name)
    if any(isinstance(it, Variable | Function | Arithmetic) for it in arguments):
        return Function(name, arguments)
    ground: tuple[Any, ...] = arguments
    return (name, *ground)


@lru_cache(maxsize=1000)
def _variable(name: Plain) -> tuple[Variable, bool]:
    """A variable, and whether it is one of its own."""
    variable = Variable(_like(_VARIABLE, name))
    return variable, variable.anonymous


@lru_cache(maxsize=5000)
def _like(pattern: re.Pattern[str], found: Plain) -> str:
    if not isinstance(found, str) or not pattern.fullmatch(found):
        raise ValueError("a name that the grammar does not have")
    return intern(found)


def _one_of(known: Iterable[str], found: Plain) -> str:
    if not isinstance(found, str) or found not in known:
        raise ValueError("an operator or a function that the grammar does not have")
    return found


# --- as text, to be compared


def _written(rule: Rule) -> str:
    """A rule as a law is usually written: what an aggregate comes to before it, no bracket that is not needed."""
    head = _text(rule.head)
    if rule.condition is not None:
        head = f"{{ {head} : {_all(rule.condition)} }} = 1"
    return f"{head} :- {_all(rule.body)}." if rule.body else f"{head}."


def _all(elements: Iterable[Element]) -> str:
    return ", ".join(map(_text_of, elements))


def _text_of(element: Element) -> str:
    match element:
        case Literal(atom, negated):
            return "not " * negated + _text(atom)
        case Comparison(left, operator, right):
            return f"{_text(left)} {operator} {_text(right)}"
    cases = "; ".join(f"{','.join(map(_text, it.terms))} : {_all(it.condition)}" for it in element.cases)
    if element.operator == "=":
        return f"{_text(element.bound)} = #{element.function} {{ {cases} }}"
    return f"#{element.function} {{ {cases} }} {element.operator} {_text(element.bound)}"


def _text(term: Term | Pattern) -> str:
    if isinstance(term, str):
        return term
    if isinstance(term, Variable):
        return "_" if term.anonymous else term.name
    if isinstance(term, Function | Pattern):
        return show((term.name, *map(_text, term.arguments)))
    if isinstance(term, Arithmetic):
        return _side(term.left, term.operator, 0) + term.operator + _side(term.right, term.operator, 1)
    return show(term)


def _side(term: Term, operator: str, right: int) -> str:
    needs = isinstance(term, Arithmetic) and _OPERATORS[term.operator] < _OPERATORS[operator] + right
    return f"({_text(term)})" if needs else _text(term)


_PART = re.compile(r'("(?:[^"\\\n]|\\["\\n])*")|%[^\n]*')
_NOT = re.compile(r"\bnot\b", re.ASCII)
_ADJOINING = re.compile(r"[A-Za-z0-9_][ \t\r\n]+[A-Za-z0-9_]")
_SPACES = dict.fromkeys(map(ord, " \t\r\n"))


def _squeezed(source: str) -> str:
    """A law's text without comments and spaces, so that two are equal where they have the same tokens.

    Raises ValueError where two names adjoin, as in no law.
    """
    strings = _PART.split(source)[1::2]
    rest = _NOT.sub("~", _PART.sub(lambda found: '"' if found[1] else "\n", source))
    if _ADJOINING.search(rest):
        raise ValueError("two names adjoin")
    return "\n".join([rest.translate(_SPACES), *filter(None, strings)])
