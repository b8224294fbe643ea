"""Terms of the rule language, and a small reader for the text in which clingo prints ground terms.

Results cross from the solver as text: taking ``str(symbol)`` once and reading it here is many times faster
than walking a symbol argument by argument. Texts are interned: the same text gives the same object. Nothing
here knows clingo.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias, TypeGuard


@dataclass(frozen=True, slots=True)
class String:
    """A quoted string; ``value`` is what stands between the quotes, with escapes resolved."""

    value: str

    def __str__(self) -> str:
        """The string as the solver prints it: only backslash, quote and newline are escaped."""
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a rule; ``_`` is the anonymous one."""

    name: str

    def __str__(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Function:
    """``name(arguments)``; a constant has no arguments, a tuple has the name "". Atoms are written so too."""

    name: str
    arguments: tuple["Term", ...] = ()

    @property
    def signature(self) -> "Signature":
        """Name and arity."""
        return self.name, len(self.arguments)

    def __str__(self) -> str:
        """The term as the solver prints it: no spaces, a comma in the tuple of one."""
        if not self.arguments and self.name:
            return self.name
        inner = ",".join(map(str, self.arguments))
        comma = "," if not self.name and len(self.arguments) == 1 else ""
        return f"{self.name}({inner}{comma})"


@dataclass(frozen=True, slots=True)
class Operation:
    """Integer arithmetic: ``left operator right`` with one of ``+ - * / \\``."""

    operator: str
    left: "Term"
    right: "Term"

    def __str__(self) -> str:
        """The operation in brackets."""
        return f"({self.left}{self.operator}{self.right})"


Term: TypeAlias = int | String | Function | Variable | Operation
Signature: TypeAlias = tuple[str, int]

INFIMUM = Function("#inf")
SUPREMUM = Function("#sup")


class TermError(ValueError):
    """A text that is no ground term, or arithmetic on what is not a number."""


_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(
    rf"(?P<number>-?[0-9]+)|(?P<name>_*[a-z][A-Za-z0-9_']*|#inf|#sup)|(?P<string>{_QUOTED})|[(),]", re.DOTALL
)
_FLAT = rf'(?:[^()"]++|{_QUOTED})*+'
_SHALLOW = re.compile(rf'(?:[^,()"]++|{_QUOTED}|\((?:[^()"]++|{_QUOTED}|\({_FLAT}\))*+\))++', re.DOTALL)
_STRUCTURE = re.compile(rf"{_QUOTED}|[(),]", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@lru_cache(maxsize=1 << 16)
def parse(text: str) -> Term:
    """The ground term (or atom) that ``text`` writes, as the solver prints it.

    Raises ``TermError`` when the text is anything else.
    """
    if text.isascii() and text.isidentifier() and text[0].islower():
        return Function(text)
    term, end = _parse(text, 0)
    if end != len(text):
        raise TermError(f"no ground term: {text!r} goes on after position {end}")
    return term


def atom(text: str) -> Function:
    """Like ``parse`` for the text of an atom. Raises ``TermError`` for a number or a string."""
    term = parse(text)
    if not isinstance(term, Function) or not term.name:
        raise TermError(f"no atom: {text!r}")
    return term


def arguments_in(text: str) -> tuple[Term, ...]:
    """Parse the arguments of an atom, as they stand between its parentheses; raises `TermError` where they are none.

    >>> arguments_in('a1,"96365"')
    (Function(name='a1', arguments=()), String(value='96365'))
    """
    return atom(f"atom({text})").arguments


def text_of(term: Term) -> str:
    """Give a term as people write it: a string without its quotes."""
    return term.value if isinstance(term, String) else str(term)


def _parse(text: str, start: int) -> tuple[Term, int]:
    """The term that begins at ``start`` and the position behind it."""
    token = _TOKEN.match(text, start)
    if token is None:
        raise TermError(f"no ground term: {text!r} at position {start}")
    end = token.end()
    if token.lastgroup == "number":
        return int(token[0]), end
    if token.lastgroup == "string":
        return String(_ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], token[0][1:-1])), end
    name = token[0] if token.lastgroup == "name" else ""
    if name and not text.startswith("(", end):
        return Function(name), end
    if not name and token[0] != "(":
        raise TermError(f"no ground term: {text!r} at position {start}")
    return _parse_arguments(text, name, end + 1 if name else end)


def _parse_arguments(text: str, name: str, position: int) -> tuple[Term, int]:
    """The function or tuple whose arguments begin at ``position``, and the position behind its bracket."""
    arguments: list[Term] = []
    while not text.startswith(")", position):
        argument, position = _parse(text, position)
        arguments.append(argument)
        if text.startswith(",", position):
            position += 1
            if text.startswith(")", position) and (name or len(arguments) > 1):
                raise TermError(f"no ground term: {text!r} at position {position}")
        elif not text.startswith(")", position):
            raise TermError(f"no ground term: {text!r} at position {position}")
        elif not name and len(arguments) == 1:
            return argument, position + 1  # brackets around one term
    return Function(name, tuple(arguments)), position + 1


@lru_cache(maxsize=1 << 16)
def split(text: str) -> tuple[str, ...]:
    """The texts of the arguments of a function or tuple: ``a`` and ``g(b,c)`` of ``f(a,g(b,c))``."""
    start, end = text.find("(") + 1, len(text) - 1
    if not start or start == end:
        return ()
    if text[end - 1] == ",":  # the tuple of one
        end -= 1
    if text.find("(", start) < 0 and text.find('"', start) < 0:
        return tuple(text[start:end].split(","))
    parts = _SHALLOW.findall(text, start, end)
    if sum(map(len, parts)) + len(parts) - 1 == end - start:
        return tuple(parts)
    cuts, depth = [start - 1], 0
    for found in _STRUCTURE.finditer(text, start, end):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if found[0] == "," and depth == 0:
            cuts.append(found.start())
    return tuple(text[cut + 1 : stop] for cut, stop in pairwise([*cuts, end]))


def order(term: Term) -> tuple[object, ...]:
    """A sort key for ground terms in the solver's order: numbers, constants, strings, then functions."""
    match term:
        case int():
            return 1, term
        case String():
            return 3, term.value.encode()
        case Function("#inf", ()):
            return (0,)
        case Function("#sup", ()):
            return (5,)
        case Function(name, ()):  # the empty tuple too
            return 2, name.encode()
        case Function():
            return 4, len(term.arguments), term.name.encode(), tuple(map(order, term.arguments))
    raise TermError(f"not ground: {term}")


def variables(term: Term) -> Iterator[str]:
    """The names of the variables of ``term`` in the order of their occurrence, with repetitions."""
    match term:
        case Variable(name):
            yield name
        case Function():
            for argument in term.arguments:
                yield from variables(argument)
        case Operation():
            yield from variables(term.left)
            yield from variables(term.right)


def operations(term: Term) -> Iterator[Operation]:
    """The outermost arithmetic in ``term``."""
    match term:
        case Operation():
            yield term
        case Function():
            for argument in term.arguments:
                yield from operations(argument)


def substitute(term: Term, values: Mapping[str, Term]) -> Term:
    """``term`` with ``values`` for its variables and its arithmetic carried out.

    A variable without a value stays (the ``_`` of a negative literal). Raises ``TermError`` where arithmetic
    meets something else than numbers, or divides by zero.
    """
    match term:
        case Variable(name):
            return values.get(name, term)
        case Function() if term.arguments:
            return Function(term.name, tuple(substitute(argument, values) for argument in term.arguments))
        case Operation():
            left, right = substitute(term.left, values), substitute(term.right, values)
            return _calculate(term.operator, left, right)
    return term


def _calculate(operator: str, left: Term, right: Term) -> Term:
    if not (is_number(left) and is_number(right)) or (operator in "/\\" and right == 0):
        raise TermError(f"no number: {left}{operator}{right}")
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    # As in the solver, and not in Python, division goes towards zero; the remainder has the dividend's sign.
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient if operator == "/" else left - quotient * right


def is_number(term: Term) -> TypeGuard[int]:
    """Whether ``term`` is an integer."""
    return isinstance(term, int)


class Template:
    """The text of a term with places for the values of its variables: compiled when first filled, filled many times."""

    __slots__ = ("_names", "_operations", "_pattern", "_term")

    def __init__(self, term: Term, names: Sequence[str]) -> None:
        """``names`` are the variables in the order in which ``fill`` gets their values."""
        self._term = term
        self._names = tuple(names)
        self._operations: list[Operation] = []
        # most rules of a law never apply to a chart
        self._pattern: str | None = None

    def _compile(self, term: Term) -> str:
        match term:
            case Variable(name) if name in self._names:
                return f"{{{self._names.index(name)}}}"
            case Operation():
                self._operations.append(term)
                return f"{{{len(self._names) + len(self._operations) - 1}}}"
            case Function() if term.arguments:
                inner = ",".join(map(self._compile, term.arguments))
                return f"{term.name}({inner}{',' if not term.name and len(term.arguments) == 1 else ''})"
        return str(term).replace("{", "{{").replace("}", "}}")

    def fill(self, bindings: Sequence[str]) -> str:
        """The term's text with ``bindings`` in place of its variables, as the solver would print it."""
        if self._pattern is None:
            self._pattern = self._compile(self._term)
        if not self._operations:
            return self._pattern.format(*bindings)
        values = {name: parse(text) for name, text in zip(self._names, bindings, strict=True)}
        results = (substitute(operation, values) for operation in self._operations)
        return self._pattern.format(*bindings, *map(str, results))
