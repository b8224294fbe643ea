"""Parsed rules as plain data that JSON can hold, and back: reading that is many times sooner than parsing.

>>> from ivproof.recheck.parser import parse
>>> rules = parse("p(X) :- q(X, f(a), 7), not r(X).")
>>> rebuilt(plain(rules)) == rules
True
"""

from collections.abc import Sequence
from dataclasses import fields
from sys import intern
from typing import Any

from .syntax import Aggregate, Arithmetic, Case, Comparison, Function, Literal, Pattern, Rule, Variable

_TUPLE = -1
_NODES: tuple[type[Any], ...] = (Variable, Function, Arithmetic, Pattern, Literal, Comparison, Case, Aggregate, Rule)
_FIELDS = [tuple(field.name for field in fields(node)) for node in _NODES]
_NUMBERS = {node: number for number, node in enumerate(_NODES)}


def plain(value: object) -> Any:
    """Give rules, or a part of one, as lists of numbers and texts; the first number tells what the others are."""
    if isinstance(value, tuple):
        return [_TUPLE, *map(plain, value)]
    number = _NUMBERS.get(type(value))
    if number is None:
        return value
    return [number, *(plain(getattr(value, name)) for name in _FIELDS[number])]


def rebuilt(data: Any) -> Any:
    """Give back what `plain` was given. Raises ValueError for anything else."""
    if not isinstance(data, Sequence) or isinstance(data, str):
        return intern(data) if isinstance(data, str) else data
    number, *parts = data
    found = tuple([rebuilt(part) for part in parts])
    if number == _TUPLE:
        return found
    if not isinstance(number, int) or not 0 <= number < len(_NODES) or len(found) != len(_FIELDS[number]):
        raise ValueError("these are no stored rules")
    return _NODES[number](*found)
