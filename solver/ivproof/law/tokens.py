r"""What may stand in a file of a law at all, looked at before any parser sees it.

The solver's parser opens the file of an ``#include``, and knows scripts, theories, heuristics and weak constraints. A
law may come from somebody else, so its text is gone through first, character by character. What makes the parser do
more than read this text, or read it differently, is refused with its line; so is what is too large or too deep for it.

>>> [str(it) for it in outside("a.lp", 'p("#include").  % #script\n#include "b.lp".')]
['a.lp:2: found #include; expected a fact, a rule, or a choice { h(..) : lit, .. } = 1 :- body']
>>> [it.found for it in outside("a.lp", "p(10000000000).")]
['a number of 11 digits']
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

STATEMENT = "a fact, a rule, or a choice { h(..) : lit, .. } = 1 :- body"
"""What a law is made of."""

LARGEST_NUMBER = 2**31 - 1
"""The largest number that the solver holds."""

DEEPEST = 50
"""So many brackets may be inside each other, and so many signs follow each other: a parser calls itself for each."""

_SIGNS = frozenset("+-*/\\|~&?!^@$'")
"""Signs that may be inside each other without a bracket, as `-` is in `--1`."""

LONGEST = 2_000
"""So many names and numbers may be in one statement."""

_READ = frozenset({"#count", "#sum", "#min", "#max", "#inf", "#sup", "#true", "#false", "#minimize", "#program"})
"""Words that make the parser do nothing but read; what is no rule of a law among them it is told to refuse."""

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+) | (?P<block>%\*) | (?P<comment>%[^\n]*) | (?P<string>"(?:[^"\\\n]|\\["\\n])*")
    | (?P<number>[0-9]+(?![A-Za-z_'])) | (?P<name>[A-Za-z_][A-Za-z0-9_']*) | (?P<directive>\#[A-Za-z_]*)
    | (?P<range>\.\.) | (?P<end>\.) | (?P<sign>[][(){},;:=<>!+*/\\@&|~?^$'-])
    """,
    re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class TokenProblem:
    """Something in a law file that is outside the rule language."""

    file: str
    line: int
    found: str
    expected: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.file}:{self.line}: found {self.found}; expected {self.expected}"


def outside(file: str, text: str) -> list[TokenProblem]:
    """Give what may not stand in a law, in the order of lines; with anything there, no parser should see the text."""
    return [TokenProblem(file, text.count("\n", 0, at) + 1, found, expected) for at, found, expected in _faults(text)]


def _faults(text: str) -> Iterator[tuple[int, str, str]]:
    """Where, what was found, and what was expected."""
    if control := _CONTROL.search(text):
        yield control.start(), f"a control character, \\x{ord(control[0]):02x}", "text"
        return
    at = deep = parts = signs = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            found = "a text that does not end on its line" if text[at] == '"' else _shown(text[at])
            yield at, found, STATEMENT
            return
        kind, value = token.lastgroup, token[0]
        match kind:
            case "block":
                yield at, value, "a % comment"
                return  # where it ends is for the parser to know
            case "directive" if value not in _READ:
                yield at, value, STATEMENT
            case "number" if len(value) > len(str(LARGEST_NUMBER)) or int(value) > LARGEST_NUMBER:
                yield at, f"a number of {len(value)} digits", f"a number of at most {LARGEST_NUMBER}"
            case "sign":
                deep += (value in "({") - (value in ")}")
        if kind not in {"space", "comment"}:
            signs = signs + 1 if value in _SIGNS else 0
        if signs > DEEPEST:
            yield at, "too many signs", f"at most {DEEPEST} of them in a row"
            return
        parts += kind in {"number", "name", "string"}
        if deep > DEEPEST or parts > LONGEST:
            limit = f"at most {DEEPEST} brackets inside each other" if deep > DEEPEST else f"at most {LONGEST} of them"
            yield at, "too many brackets" if deep > DEEPEST else "a statement of too many names and numbers", limit
            return
        if kind == "end":
            deep = parts = 0
        at = token.end()


def _shown(character: str) -> str:
    return character if character.isprintable() else f"U+{ord(character):04X}"
