r"""Ground terms: what atoms are made of, how they are written, compared, counted and read.

A value is a Python object that compares and hashes as the term does:

- an integer is an `int`, a constant is its name, a string is its source text with the quotes: `"a"` is
  the Python text `'"a"'` and never equals the constant `a`;
- `start(a1)` is `('start', 'a1')`, the tuple `(a, 1)` is `('', 'a', 1)`: the name comes first, if only an
  empty one.

An atom is such a tuple too, also without arguments: `('encounter',)`.

>>> parse_facts(r'encounter. at(start(a1), 32400). payer("the \"big\" one").')
[('encounter',), ('at', ('start', 'a1'), 32400), ('payer', '"the \\"big\\" one"')]
>>> show(('at', ('start', 'a1'), 32400))
'at(start(a1),32400)'
"""

import re
from collections.abc import Callable, Iterable
from sys import intern
from typing import Any, TypeAlias, Union

from .budget import product, written

Value: TypeAlias = Union[int, str, tuple["Value", ...]]  # noqa: UP007 (`|` does not take a name in quotes)
Atom: TypeAlias = tuple[Value, ...]
Signature: TypeAlias = tuple[str, int]  # name and number of arguments

INFIMUM: Value = ("#inf",)  # #max of nothing
SUPREMUM: Value = ("#sup",)  # #min of nothing
LARGEST = 2**31 - 1  # clingo's integers have 32 bits
DEEPEST = 50  # nesting of a term that is read: no law and no chart comes near it


class FactError(ValueError):
    """Text that is not a list of ground facts; says where."""


def signature(atom: Atom) -> Signature:
    """Name and number of arguments of an atom."""
    return str(atom[0]), len(atom) - 1


def show(value: Value) -> str:
    """The term as it is written in a law."""
    if not isinstance(value, tuple):
        return value if isinstance(value, str) else written(value)
    name, *arguments = value
    inner = ",".join(map(show, arguments)) + "," * (not name and len(arguments) == 1)
    return f"{name}({inner})" if arguments or not name else str(name)


# Order and arithmetic


_ESCAPE = re.compile(r"\\(.)")


def order(value: Value) -> tuple[object, ...]:
    """A key that sorts as clingo does: #inf, integers, constants, strings, functions by size, #sup."""
    if isinstance(value, int):
        return 1, value
    if isinstance(value, str):
        if value[0] != '"':
            return 2, value
        return 3, _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value[1:-1])
    if value in (INFIMUM, SUPREMUM):
        return (0,) if value == INFIMUM else (5,)
    return 4, len(value), value[0], tuple(map(order, value[1:]))


def below(left: Value, right: Value) -> bool:
    """Is left < right in the order of terms?"""
    if isinstance(left, int) and isinstance(right, int):
        return left < right
    return order(left) < order(right)


def compare(left: Value, operator: str, right: Value) -> bool:
    """Does `left operator right` hold?"""
    match operator:
        case "<":
            return below(left, right)
        case ">":
            return below(right, left)
        case "<=":
            return not below(right, left)
        case ">=":
            return not below(left, right)
    return (left == right) == (operator == "=")


def calculate(operator: str, left: int, right: int) -> int:
    """`left operator right`; / and the remainder go towards zero as clingo's do, where Python's go down."""
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return product(left, right)
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient if operator == "/" else left - right * quotient


# Aggregates: what each makes of the different tuples that were found; the first terms are added or compared

Tuples: TypeAlias = Iterable[tuple[Value, ...]]


def total(tuples: Tuples) -> int:
    """#sum: first terms that are no integers do not count."""
    return sum(first for first, *_ in tuples if isinstance(first, int))


def least(tuples: Tuples) -> Value:
    """#min in the order of terms."""
    return min((first for first, *_ in tuples), key=order, default=SUPREMUM)


def greatest(tuples: Tuples) -> Value:
    """#max in the order of terms."""
    return max((first for first, *_ in tuples), key=order, default=INFIMUM)


AGGREGATES: dict[str, Callable[[Any], Value]] = {"count": len, "sum": total, "min": least, "max": greatest}


# Reading


_TOKEN = re.compile(
    r"""(?P<integer>-?(?:0|[1-9][0-9]*)(?![0-9A-Za-z_]))
      | (?P<string>"(?:[^"\\\n\0]|\\["\\n])*")
      | (?P<open>(?:_*[a-z][A-Za-z0-9_]*)?\()        # a function or a tuple
      | (?P<name>(?!not\b)_*[a-z][A-Za-z0-9_]*)
      | (?P<mark>[,).])
      | (?P<other>[^ \t\r\n])
    """,
    re.VERBOSE,
)


def parse_facts(text: str) -> list[Atom]:
    """Ground facts, each closed by a full stop, in the order of the text. Raises FactError."""
    atoms: list[Atom] = []
    frames: list[list[Value]] = [[]]  # the terms that are open, each as its name and its arguments so far
    wanted = "a fact"
    for token in _TOKEN.finditer(text):
        kind, part, frame = token.lastgroup, token[0], frames[-1]
        inside = len(frames) > 1
        if wanted and kind == "open" and len(frames) <= DEEPEST and (inside or part != "("):
            frames.append([intern(part[:-1])])
            wanted = "a ground term"
        elif wanted and (kind == "name" or (inside and kind in ("integer", "string"))):
            frame.append(number(part) if kind == "integer" else intern(part))
            wanted = ""
        elif part == "," and inside and not wanted:
            wanted = "a ground term"
        elif part == ")" and inside and bool(wanted) == (len(frame) == 2 and not frame[0]):  # (a,) is a tuple
            frames.pop()
            frames[-1].append(tuple(frame))
            wanted = ""
        elif part == "." and not inside and not wanted:
            [fact] = frame
            atoms.append(fact if isinstance(fact, tuple) else (fact,))
            frame.clear()
            wanted = "a fact"
        else:
            line = text.count("\n", 0, token.start()) + 1
            found = text[token.start() :][:20]
            raise FactError(f"line {line}: found {found!r}, expected {wanted or 'the end of the term'}")
    if wanted != "a fact":
        raise FactError(f"the text ends where {wanted or 'a full stop'} was expected")
    return atoms


def number(text: str) -> int:
    """An integer. Raises FactError if it does not fit into 32 bits."""
    value = int(text) if len(text) < 12 else LARGEST + 1
    if abs(value) > LARGEST:
        raise FactError(f"found {text[:20]}, which does not fit into 32 bits")
    return value
