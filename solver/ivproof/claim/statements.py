"""What stands behind a sentence: statements that a machine can evaluate on the chart, carried with the sentence.

A sentence that an explanation, an exclusion, a missing fact or a packet prints rests on statements: an atom that holds
or does not, a rule that applies with certain values or fails at a condition, an option that is held of a question. They
are data of a few strings. The second engine, which shares no code with the one that made the sentence, says whether
each is true, and which numbers and clock times it speaks of: a sentence has no other ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ivproof import recheck
from ivproof.recheck.support import Check, Failure, Instance, Support, substitute
from ivproof.recheck.syntax import Arithmetic, Comparison, Rule, Term
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


Units = tuple[tuple[str, int], ...]
"""A claim by code: its units; where modifiers are told, those by code and modifier (``96372-59``) as well."""


@dataclass(frozen=True, slots=True)
class Leads:
    """A chart that said otherwise, under these readings (number and letter), leads to these claims.

    `put` has what it would say: places, and what stands there as JSON. It leads to all of the claims and no other, or
    `among` others, where more is settled than readings.
    """

    put: tuple[tuple[str, str], ...]
    claims: tuple[Units, ...]
    read: tuple[tuple[str, str], ...] = ()
    among: bool = False

    def words(self, chart: Mapping[str, Any]) -> set[str]:
        """The numbers and clock times that it speaks of: of what would be said, and of the claims and how many."""
        lines = (line for claim in self.claims for line in claim)
        told = {word for code, units in lines for word in (*code.split("-"), str(units))}
        return _put_words(self.put, chart) | told | {str(len(self.claims))}


@dataclass(frozen=True, slots=True)
class Gains:
    """A chart that said otherwise has at least so many units of a code in every claim that it leads to."""

    put: tuple[tuple[str, str], ...]
    code: str
    units: int

    def words(self, chart: Mapping[str, Any]) -> set[str]:
        """The numbers and clock times that it speaks of."""
        return _put_words(self.put, chart) | {self.code, str(self.units)}


def put_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a chart says otherwise than another, both as plain data: places, and what stands there as JSON.

    >>> put_between({"date": "2020-10-05", "administrations": [{"id": "x"}]},
    ...     {"date": "2020-10-05", "administrations": [{"id": "x", "stop": "09:00"}]})
    (('administrations[0].stop', '"09:00"'),)
    """
    found = []
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if name == "administrations" and isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            for n, (was, then) in enumerate(zip(one, other, strict=True)):
                inner = sorted(it for it in {*was, *then} if was.get(it) != then.get(it))
                found += [(f"{name}[{n}].{it}", json.dumps(then.get(it))) for it in inner]
        else:
            found.append((name, json.dumps(other)))
    return tuple(found)


def with_put(chart: Mapping[str, Any], put: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A chart as plain data that says what is put into it; what is put as ``null`` it does not say."""
    found: dict[str, Any] = json.loads(json.dumps(chart))
    for place, text in put:
        at, name = found, place
        if inner := re.fullmatch(r"administrations\[(\d+)\]\.(\w+)", place):
            at, name = found["administrations"][int(inner[1])], inner[2]
        if text == "null":
            at.pop(name, None)
        else:
            at[name] = json.loads(text)
    return found


def _put_words(put: Iterable[tuple[str, str]], chart: Mapping[str, Any]) -> set[str]:
    """What is put, and by how much it differs from what stands there: times in minutes, and how long something ran."""
    found: set[str] = set()
    then = with_put(chart, put)
    for place, text in put:
        found |= spoken(text)
        was, now = chart, then
        if n := re.match(r"administrations\[(\d+)\]", place):
            was, now = (it["administrations"][int(n[1])] for it in (chart, then))
            ran = [_apart(it.get("start"), it.get("stop"), run=True) for it in (was, now)]
            found |= {word for it in ran if it is not None for word in (str(it // 60), str(it % 60))}
            if ran[0] is not None and ran[1] is not None:
                found.add(str(abs(ran[1] - ran[0]) // 60))
        name = place.rpartition(".")[2]
        for one, other in zip(_times(was.get(name)), _times(now.get(name)), strict=False):
            apart = _apart(one, other)
            found |= set() if apart is None else {str(apart // 60), str(apart % 60)}
    return found


def _times(value: object) -> Iterator[str]:
    """The times that stand in a field, in its parts those of a pause."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for it in value:
            yield from _times(it)
    elif isinstance(value, dict):
        for name in ("from", "to"):
            yield str(value.get(name))


def _apart(one: object, other: object, *, run: bool = False) -> int | None:
    """The seconds between two times as charted, of which one without a date may be that of the next day.

    Of a `run` the second without a date is the next one after the first.
    """
    times = [_STAMP.fullmatch(str(it)) for it in (one, other)]
    if times[0] is None or times[1] is None:
        return None
    begin, end = (
        (date.fromisoformat(it[1]).toordinal() * DAY if it[1] else 0)
        + int(it[2]) * 3600
        + int(it[3]) * 60
        + int(it[4] or 0)
        for it in times
        if it is not None
    )
    dated = [bool(it[1]) for it in times if it is not None]
    if run and not all(dated):
        return (end - begin) % DAY
    return abs(end - begin) if dated[0] == dated[1] else abs(end - begin) % DAY


_STAMP = re.compile(r"(?:(\d{4}-\d\d-\d\d)[T ])?(\d\d):(\d\d)(?::(\d\d))?\S*")


@dataclass(frozen=True, slots=True)
class Supports:
    """The claim has at least so many units of a code with just these modifiers; of a drug, its lines have."""

    code: str
    modifiers: tuple[str, ...]
    units: int | float
    drug: bool = False


@dataclass(frozen=True, slots=True)
class Bills:
    """At least so many units of a code are billed that carry no modifiers but some of these."""

    code: str
    modifiers: tuple[str, ...]
    units: int | float


@dataclass(frozen=True, slots=True)
class Apart:
    """So many units are billed beyond what is supported, or (less than none) short of it."""

    bills: Bills
    units: Supports
    by: int | float


Statement = Supports | Bills | Apart | Spans | Holds | Absent | Applies | Fails | Reads


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
        case Supports(code, modifiers, units) | Bills(code, modifiers, units):
            return {kind: code, "modifiers": list(modifiers), "units": units}
        case Apart(bills, has, by):
            return {kind: [as_dict(bills), as_dict(has)], "by": by}
        case Applies(rule, clause, values) | Fails(rule, clause, values):
            return {kind: rule, "clause": clause, "with": dict(values)}


def with_values(values: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Values of variables as a statement has them, without those of variables that have no name of their own."""
    return tuple(sorted((name, str(value)) for name, value in values.items() if not re.fullmatch(r"Any\d*", name)))


class Judge:
    """Says of statements whether they are true in one answer of the second engine."""

    def __init__(
        self,
        program: recheck.Program,
        answer: recheck.Answer,
        billed: Iterable[tuple[str, int | float, tuple[str, ...]]] = (),
    ) -> None:
        """`billed` are code, units and modifiers of the lines of a claim, where one is spoken of."""
        self._answer = answer
        self._billed = tuple(billed)
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
            case Supports(code, modifiers, units, drug):
                return self.units(code, modifiers, drug=drug) >= units
            case Bills(code, modifiers, units):
                lines = [it for it in self._billed if it[0] == code and set(it[2]) <= set(modifiers)]
                return sum(it[1] for it in lines) >= units
            case Apart(bills, has, by):
                return bills.units - has.units == by and self.holds(bills) and self.holds(has)
            case Applies(rule, clause, values):
                return any(not isinstance(it, Failure) for it in self._tried(rule, clause, values))
            case Fails(rule, clause, values):
                tried = list(self._tried(rule, clause, values))
                return bool(tried) and all(isinstance(it, Failure) for it in tried)

    def units(self, code: str, modifiers: tuple[str, ...], *, drug: bool = False) -> float:
        """How many units of a code with just these modifiers the claim has, or the lines of the drugs have."""
        if drug:
            marks: dict[Value, set[str]] = {}
            for _, subject, modifier in self._answer.of("line_modifier", 2):
                marks.setdefault(subject, set()).add(_plain(modifier))
            given = [
                (it[3], marks.get(it[1], set())) for it in self._answer.of("drug_line", 3) if _plain(it[2]) == code
            ]
            given += [(it[3], {_plain(it[4])}) for it in self._answer.of("discarded_line", 4) if _plain(it[2]) == code]
            tenths = sum(units for units, mine in given if mine == set(modifiers) and isinstance(units, int))
            return tenths / 10
        carried: dict[Value, set[str]] = {}
        for _, subject, of, modifier, _why in self._answer.of("modifier", 4):
            if _plain(of) == code:
                carried.setdefault(subject, set()).add(_plain(modifier))
        found = [it for it in self._answer.of("unit", 5) if _plain(it[1]) == code]
        return sum(carried.get(it[3], set()) == set(modifiers) for it in found)

    def _tried(self, rule: str, clause: int, values: Iterable[tuple[str, str]]) -> Iterator[Instance | Failure]:
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

        With a rule go the numbers of its own sentence, and the values by which it is decided: both sides of its
        comparisons, and what they are worked out from; with anything that was given, its times in the chart.
        """
        match statement:
            case Holds(atom) | Absent(atom):
                values: list[Value] = [_atom(atom.replace("(_", f"({ANY}").replace(",_", f",{ANY}"))]
            case Reads():
                return set()
            case Spans(_, seconds):
                values = [seconds]
            case Supports(code, _, units) | Bills(code, _, units):
                return {code, f"{units:g}"}
            case Apart(bills, has, by):
                return {*self.words(bills), *self.words(has), f"{abs(by):g}"}
            case Applies(rule, clause, given) | Fails(rule, clause, given):
                values = [_term(value) for _, value in given]
                for tried in self._tried(rule, clause, given):
                    checks = [*tried.checks, *([tried.failed] if isinstance(tried, Failure) else [])]
                    values += [value for check in checks for value in (*check.values, *_worked_out(check, tried))]
                    values += [it for check in checks for it in check.atoms]
                    values += [it for check in checks for found in check.counted.values() for it in found]
        flat = set(_parts(values))
        keys = {it for it in flat if isinstance(it, str)}
        times = [row[2] for row in self._answer.of("at", 2) if isinstance(row[1], tuple) and row[1][1] in keys]
        numbers = {it for it in (*flat, *times) if isinstance(it, int)}
        return {spelled for number in numbers for spelled in _spellings(number)}


def _worked_out(check: Check, tried: Instance | Failure) -> Iterator[Value]:
    """What the calculations of a comparison are made of: of the day ``T / 86400`` the moment T."""
    if isinstance(check.element, Comparison):
        inner: list[Term] = [check.element.left, check.element.right]
        while inner:
            term = inner.pop()
            if isinstance(term, Arithmetic):
                inner += (term.left, term.right)
                value = substitute(term, tried.binding)
                if value is not None:
                    yield value


def _plain(value: Value) -> str:
    return str(value).strip('"')


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
    """How a number may be written: as it is, in minutes, as a time of day, in parts, as a position and its part."""
    yield str(abs(number))
    yield str(abs(number) // 60)
    yield str(abs(number) % 60)
    rest = number % DAY
    yield f"{rest // 3600:02}:{rest % 3600 // 60:02}"
    yield f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    for parts in (10, 1000):
        yield f"{number / parts:g}"
    yield from (str(number // 1000), str(number % 1000 + 1))


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
