"""Reads law files into rules; refuses everything outside the rule language, with file and line.

>>> [rule] = parse('''
... % [drug-infusion] R30 (III.B)
... % {A} ran at least {T} minutes: an infusion.
... technique(A, infusion) :- drug(A), ran_at_least(A, T), threshold(infusion, T).
... ''')
>>> rule.id, rule.citation, rule.line
('drug-infusion', 'R30 (III.B)', 4)
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice, takewhile
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any

from .syntax import (
    Aggregate,
    Arithmetic,
    Case,
    Comparison,
    Function,
    LawError,
    Literal,
    Pattern,
    Rule,
    Term,
    Variable,
    text,
)
from .terms import DEEPEST, FactError, calculate, number

if TYPE_CHECKING:
    from lark import Lark, Token

_GRAMMAR = Path(__file__).with_name("grammar.lark")
_HEADER = re.compile(r"\s*%\s*\[([a-z0-9][a-z0-9-]*)\](.*)", re.DOTALL)
_COMMENT = re.compile(r"\s*%")
_SENTENCE = re.compile(r"\s*%(?!\s*\[[a-z0-9-]+\])")  # a comment that is no header
_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

# What may stand where parsing stops, and why it is refused. The first that matches is said.
_REFUSED = (
    (r":-|:~", "every statement has one head; derive violation(..) instead of forbidding something"),
    (r"\.\.", "intervals are not in the rule language: write the facts out"),
    (r"[;|]", "pools and disjunctions are not in the rule language: write a rule for each"),
    (r":", "conditional literals are not in the rule language"),
    (r"#(count|sum|min|max)\b", "an aggregate stands in a body, without `not`, with one comparison"),
    (r"[#@&^?~]", "directives, scripts, theory atoms and bit operators are not in the rule language"),
    (r"not\b", "`not` stands once, before an atom of a body"),
    (r"-", "classical negation, and a minus before anything but a number, are not in the rule language"),
    (r"%\*", "block comments are not in the rule language"),
    (r"0[0-9A-Za-z]|[0-9]+[A-Za-z_]", "a number is written in decimal, without leading zeros"),
    (r'"', 'a string ends on its line; its escapes are \\\\, \\" and \\n'),
    (r"[=!<>*/\\+]", "a comparison is two terms with one of = != < <= > >= between them"),
    (r"$", "the last statement has no full stop"),
)


def read(paths: Iterable[Path | str]) -> tuple[Rule, ...]:
    """The rules of law files, in order. Raises LawError, or OSError for a file that cannot be read."""
    return tuple(rule for path in paths for rule in parse(Path(path).read_text("utf-8"), str(path)))


def parse(source: str, file: str = "law") -> tuple[Rule, ...]:
    """The rules of a law text; `file` is how messages call it. Raises LawError."""
    from lark import UnexpectedInput  # noqa: PLC0415

    if "\0" in source:
        raise LawError(file, source.count("\n", 0, source.index("\0")) + 1, "found a NUL character")
    _BUILDER.anonymous_seen = 0
    try:
        rules: Any = _lark().parse(source)
    except UnexpectedInput as error:
        at_end = getattr(getattr(error, "token", None), "type", "") == "$END"
        place = len(source) if at_end else error.pos_in_stream or 0
        rest, line = source[place:], source.count("\n", 0, place) + 1
        found = repr(rest[:20].split("\n")[0]) if rest else "the end of the text"
        before = source[:place].rstrip()[-1:]  # a minus is taken before what follows it is refused
        refused = (why for pattern, why in _REFUSED if pattern == before or re.match(pattern, rest))
        raise LawError(file, line, f"found {found}: {next(refused, 'it cannot stand here')}") from None
    except LawError as error:
        raise LawError(file, error.line, error.message) from None
    return tuple(_with_headers(rules, source.split("\n"), file))


def _with_headers(rules: Iterable[Rule], lines: list[str], file: str) -> Iterator[Rule]:
    """Give each rule its file, and the id, citation and sentence of its header.

    A header is a comment `% [id] citation`; the comment lines right below it are the sentence. It belongs to the next
    rule, and to those after it that have none: facts after a fact, and rules with the same head right below.
    """
    headers = deque((place, found) for place, line in enumerate(lines, 1) if (found := _HEADER.match(line)))
    previous = Rule(Pattern(""))
    for rule in rules:
        between = lines[previous.end_line : rule.line - 1]
        adjoins = all(map(_COMMENT.match, between)) and rule.head.signature == previous.head.signature
        source = previous if adjoins or (rule.is_fact and previous.is_fact) else rule
        header, clause = (source.id, source.citation, source.sentence), source.clause + (source is previous)
        while headers and headers[0][0] < rule.line:
            place, found = headers.popleft()
            if place > previous.end_line:  # not a comment inside the previous rule
                below = takewhile(_SENTENCE.match, islice(lines, place, None))
                header, clause = (found[1], found[2].strip(), " ".join(line.strip(" \t\r%") for line in below)), 1
        name, citation, sentence = header
        previous = replace(rule, file=file, id=name, citation=citation, sentence=sentence, clause=clause)
        yield previous


class _Builder:
    """What each production of the grammar makes of its parts; called by the parser as it goes."""

    def __init__(self) -> None:
        self.anonymous_seen = 0

    # statements

    def rule(self, parts: list[Any]) -> Rule:
        (head, line), *body, stop = parts
        return self._statement(Rule(head, None, body[0] if body else (), line=line, end_line=stop.line))

    def choice(self, parts: list[Any]) -> Rule:
        (head, line), condition, bound, *body, stop = parts
        if bound != "1":
            raise LawError("", line, f"found the bound {bound} of a choice: it is = 1")
        return self._statement(Rule(head, condition, body[0] if body else (), line=line, end_line=stop.line))

    def _statement(self, rule: Rule) -> Rule:
        self.anonymous_seen = 0
        for part in (rule.head, *(rule.condition or ()), *rule.body):
            _check(part, rule.line)
        return rule

    def head(self, parts: list[Any]) -> tuple[Pattern, int]:
        return self.atom(parts), parts[0].line

    law = body = condition = cases = terms = staticmethod(tuple)

    # bodies

    def positive(self, parts: list[Pattern]) -> Literal:
        return Literal(parts[0])

    def negative(self, parts: list[Pattern]) -> Literal:
        return Literal(parts[0], negated=True)

    def comparison(self, parts: list[Any]) -> Comparison:
        return Comparison(*parts)

    def comparator(self, parts: list["Token"]) -> str:
        return str(parts[0])

    def aggregate(self, parts: list[Any]) -> Aggregate:
        function, cases, operator, bound = parts
        return Aggregate(function[1:], cases, operator, bound)

    def flipped_aggregate(self, parts: list[Any]) -> Aggregate:
        bound, operator, function, cases = parts
        return Aggregate(function[1:], cases, _FLIPPED[operator], bound)

    def case(self, parts: list[Any]) -> Case:
        return Case(*parts)

    def atom(self, parts: list[Any]) -> Pattern:
        return Pattern(intern(parts[0].value), *parts[1:])

    # terms

    def number(self, parts: list["Token"]) -> int:
        try:
            return number("".join(parts))
        except FactError as error:
            raise LawError("", parts[0].line or 0, str(error)) from None

    def string(self, parts: list["Token"]) -> str:
        return intern(parts[0].value)

    def variable(self, parts: list["Token"]) -> Variable:
        return Variable(intern(parts[0].value))

    def anonymous(self, _: list["Token"]) -> Variable:
        self.anonymous_seen += 1
        return Variable(f"_{self.anonymous_seen}")

    def function(self, parts: list[Any]) -> Term:
        name = intern(parts[0].value)
        return _function(name, parts[1]) if len(parts) > 1 else name

    def pair(self, parts: list[Any]) -> Term:
        return _function("", (parts[0], *(parts[1] if len(parts) > 1 else ())))

    def arithmetic(self, parts: list[Any]) -> Term:
        left, operator, right = parts
        if right == 0 and operator in ("/", "\\"):
            raise LawError("", operator.line, "found a division by zero")
        if isinstance(left, int) and isinstance(right, int):
            return calculate(operator.value, left, right)
        return Arithmetic(operator.value, left, right)


def _function(name: str, arguments: tuple[Any, ...]) -> Term:
    if any(isinstance(argument, Variable | Function | Arithmetic) for argument in arguments):
        return Function(name, arguments)
    return (name, *arguments)


def _check(node: Any, line: int, depth: int = 0) -> None:
    """Refuse arithmetic on what can never be a number, and terms too deep to be handled safely."""
    if depth > DEEPEST:
        raise LawError("", line, f"found terms nested more than {DEEPEST} deep")
    parts: Iterable[Any] = ()
    match node:
        case Arithmetic(operator, left, right):
            for part in (left, right):
                if not isinstance(part, int | Variable | Arithmetic):
                    raise LawError("", line, f"found {text(part)} beside {operator}: it is no number")
            parts = (left, right)
        case Literal(atom):
            parts = (atom,)
        case Comparison(left, _, right):
            parts = (left, right)
        case Case(terms, condition):
            parts = (*terms, *condition)
        case Aggregate(_, cases, _, bound):
            parts = (*cases, bound)
        case Function(_, parts) | Pattern(_, parts) | (_, *parts):
            pass
    for part in parts:
        _check(part, line, depth + 1)


_BUILDER = _Builder()


@cache
def _lark() -> "Lark":
    from lark import Lark  # noqa: PLC0415 (only those who parse pay for it)

    grammar = _GRAMMAR.read_text("utf-8")
    return Lark(grammar, parser="lalr", start="law", maybe_placeholders=False, transformer=_BUILDER)
