"""What stands behind a sentence: statements that a machine can evaluate on the chart, carried with the sentence.

A sentence that an explanation, an exclusion, a missing fact or a packet prints rests on statements: an atom that holds
or does not, a rule that applies with certain values or fails at a condition, an option that is held of a question. They
are data of a few strings. The second engine, which shares no code with the one that made the sentence, says whether
each is true, and which numbers and clock times it speaks of: a sentence has no other ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ivproof import recheck
from ivproof.recheck.support import Failure, Support
from ivproof.recheck.syntax import Rule
from ivproof.recheck.terms import Atom, Value

ANY = "any_"
"""What stands for anything in an atom that does not hold."""

DAY = 86400


@dataclass(frozen=True, slots=True)
class Holds:
    """An atom holds in the answer: a fact of the chart, of the drug list or of the law, or what follows."""

    atom: str


@dataclass(frozen=True, slots=True)
class Absent:
    """No atom like this holds; ``_`` stands for anything."""

    atom: str


@dataclass(frozen=True, slots=True)
class Applies:
    """A rule of the law applies with these values of its variables (name and value), or with some of the others."""

    rule: str
    clause: int
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Fails:
    """A rule of the law does not apply with these values of its variables."""

    rule: str
    clause: int
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """An option is held of a question, both by their keys in the law."""

    question: str
    option: str


@dataclass(frozen=True, slots=True)
class Spans:
    """Atoms hold whose last two arguments are the ends of spans, and these come to so many seconds in all."""

    atoms: tuple[str, ...]
    seconds: int


@dataclass(frozen=True, slots=True)
class Gives:
    """Another option of a question (number and letter) by itself gives a claim with these units of these codes."""

    question: str
    option: str
    codes: tuple[tuple[str, int], ...]


Statement = Spans | Holds | Absent | Applies | Fails | Reads


def as_dict(statement: Statement) -> dict[str, Any]:
    """A statement as plain data."""
    kind = type(statement).__name__.lower()
    match statement:
        case Holds(atom) | Absent(atom):
            return {kind: atom}
        case Reads(question, option):
            return {kind: question, "option": option}
        case Spans(atoms, seconds):
            return {kind: list(atoms), "seconds": seconds}
        case Applies(rule, clause, values) | Fails(rule, clause, values):
            return {kind: rule, "clause": clause, "with": dict(values)}


def with_values(values: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Values of variables as a statement has them, without those of variables that have no name of their own."""
    return tuple(sorted((name, str(value)) for name, value in values.items() if not re.fullmatch(r"Any\d*", name)))


class Judge:
    """Says of statements whether they are true in one answer of the second engine."""

    def __init__(self, program: recheck.Program, answer: recheck.Answer) -> None:
        self._answer = answer
        self._support = Support(program, answer)
        self._rules: dict[tuple[str, int], list[Rule]] = {}
        for rule in program.rules:
            self._rules.setdefault((rule.id, rule.clause), []).append(rule)

    def holds(self, statement: Statement) -> bool:
        """Whether a statement is true."""
        match statement:
            case Holds(atom):
                return _atom(atom) in self._answer
            case Absent(atom):
                return not any(True for _ in self._fitting(atom))
            case Reads(question, option):
                return ("reading", question, option) in self._answer
            case Spans(atoms, seconds):
                spans = [_atom(it) for it in atoms]
                ends = [it[-2:] for it in spans]
                lengths = [end - begin for begin, end in ends if isinstance(begin, int) and isinstance(end, int)]
                return all(it in self._answer for it in spans) and sum(lengths) == seconds
            case Applies(rule, clause, values):
                return any(not isinstance(it, Failure) for it in self._tried(rule, clause, values))
            case Fails(rule, clause, values):
                tried = list(self._tried(rule, clause, values))
                return bool(tried) and all(isinstance(it, Failure) for it in tried)

    def _tried(self, rule: str, clause: int, values: Iterable[tuple[str, str]]) -> Iterator[object]:
        binding = {name: _term(value) for name, value in values}
        for it in self._rules.get((rule, clause), ()):
            yield self._support.apply(it, binding)

    def _fitting(self, atom: str) -> Iterator[Atom]:
        wanted = _atom(atom.replace("(_", f"({ANY}").replace(",_", f",{ANY}"))
        for row in self._answer.of(str(wanted[0]), len(wanted) - 1):
            if all(_fits(want, has) for want, has in zip(wanted[1:], row[1:], strict=True)):
                yield row

    def words(self, statement: Statement) -> set[str]:
        """The numbers and clock times that a statement speaks of, as a sentence may spell them.

        With a rule go the numbers of its own sentence, and the values by which it is decided, from both sides of its
        comparisons; with anything that was given, the times that the chart has of it.
        """
        match statement:
            case Holds(atom) | Absent(atom):
                values: list[Value] = [_atom(atom.replace("(_", f"({ANY}").replace(",_", f",{ANY}"))]
            case Reads():
                return set()
            case Spans(_, seconds):
                values = [seconds]
            case Applies(rule, clause, given) | Fails(rule, clause, given):
                values = [_term(value) for _, value in given]
                for tried in self._tried(rule, clause, given):
                    checks = [*tried.checks, *([tried.failed] if isinstance(tried, Failure) else [])]  # type: ignore[attr-defined]
                    values += [value for check in checks for value in check.values]
                    values += [it for check in checks for it in check.atoms]
                    values += [it for check in checks for found in check.counted.values() for it in found]
        flat = set(_parts(values))
        keys = {it for it in flat if isinstance(it, str)}
        times = [row[2] for row in self._answer.of("at", 2) if isinstance(row[1], tuple) and row[1][1] in keys]
        numbers = {it for it in (*flat, *times) if isinstance(it, int)}
        return {spelled for number in numbers for spelled in _spellings(number)}


def _fits(want: Value, has: Value) -> bool:
    if want == ANY:
        return True
    if isinstance(want, tuple) and isinstance(has, tuple):
        return len(want) == len(has) and all(_fits(w, h) for w, h in zip(want, has, strict=True))
    return want == has


def _parts(values: Iterable[Value]) -> Iterator[Value]:
    for it in values:
        if isinstance(it, tuple):
            yield from _parts(it)
        else:
            yield it


def _spellings(number: int) -> Iterator[str]:
    """How a number may be written: as it is, in minutes, as a time of day, in tenths and thousandths, as a date."""
    yield str(abs(number))
    yield str(abs(number) // 60)
    yield str(abs(number) % 60)
    rest = number % DAY
    yield f"{rest // 3600:02}:{rest % 3600 // 60:02}"
    yield f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    for parts in (10, 1000):
        yield f"{number / parts:g}"


def _atom(text: str) -> Atom:
    [found] = recheck.parse_facts(f"{text}.")
    return found


def _term(text: str) -> Value:
    [(_, found)] = recheck.parse_facts(f"term({text}).")
    return found


CLOCK = re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?\b")
DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])")


def spoken(text: str) -> set[str]:
    """The clock times and numbers that stand in a sentence."""
    clocks = set(CLOCK.findall(text))
    return clocks | set(NUMBER.findall(DATE.sub(" ", CLOCK.sub(" ", text))))
