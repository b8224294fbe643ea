"""Names for what a derivation speaks of: from the constants of the program back to the chart, as a reader knows it.

Nothing here decides anything. The tables say of which kind a number in an atom is (a length, a time of day, a day), so
that 1800 becomes ``30 minutes`` and 32400 becomes ``09:00``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ivproof.chart.clock import DAY, Moment
from ivproof.encounter import Administration
from ivproof.facts import Facts, day_of
from ivproof.law.syntax import Aggregate, Literal, Rule, rule_atoms
from ivproof.law.terms import Function, String, Term, Variable, parse

LENGTHS = {
    ("ran", 1),
    ("run_time", 1),
    ("administration_time", 1),
    ("own_time", 1),
    ("own_time_after", 2),
    ("counted_time", 1),
    ("weighed_time", 1),
    ("longest_time", 1),
    ("piece_time", 1),
    ("push_off", 2),
    ("chain_time", 1),
    ("bout_time", 1),
}
"""Arguments (of a predicate, from 0) that are lengths in seconds."""

TIMES = {
    ("at", 1),
    ("clock", 1),
    *(
        (name, n)
        for name in ("span", "run_span", "piece_span", "fluid_segment", "shared_segment", "own_segment")
        for n in (1, 2)
    ),
    *((name, n) for name in ("segment",) for n in (2, 3)),
    *((name, 1) for name in ("service_start", "service_end", "run_start", "initial_start", "service_moment")),
    *((name, 1) for name in ("chain_start", "chain_end", "fluid_cut", "shared_cut", "own_cut")),
    *(("flows_in", n) for n in (1, 2)),
    ("not_alone", 1),
}
"""Arguments that are times, in seconds since 00:00 of the date of service."""

DAYS = {
    ("unit", 4),
    ("day_of", 1),
    ("began_on", 1),
    ("service_day", 1),
    ("bout_day", 1),
    ("completed", 3),
    ("on_day", 1),
}
"""Arguments that are days, 0 being the date of service."""

UNKNOWN = "something"
"""What stands for a variable without a value."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}( seconds)?")
_SECOND = "at second "
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d)?")


class Names:
    """Says what terms and numbers stand for in one chart."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._given = {f"a{n}": it for n, it in enumerate(facts.encounter.administrations, 1)}
        self._introduced: set[str] = set()

    def administration(self, key: str, *, full: bool = False) -> str:
        """An administration by its id; `full` adds drug and times when it is first named: ``x (drug, 09:00–09:30)``."""
        it = self._given[key]
        if not full or key in self._introduced:
            return it.id
        self._introduced.add(key)
        times = self._times(it)
        drug = "" if it.drug.casefold() == it.id.casefold() else f"{it.drug}, "
        return f"{it.id} ({drug}{times})"

    def _times(self, it: Administration) -> str:
        """When something was given; with the date where that is not the day of service."""
        if it.start is None and it.stop is None:
            return "no times"
        if it.start is not None and it.stop is None and it.method == "push":
            return self._time(it.start)
        if it.start is not None and it.stop is not None and it.start.day == it.stop.day != 0:
            return f"{_clock(it.start)}–{self._time(it.stop)}"
        return f"{self._time(it.start)}–{self._time(it.stop)}"

    def _time(self, moment: Moment | None) -> str:
        if moment is None:
            return "?"
        return f"{_clock(moment)} on {self.day(moment.day)}" if moment.day else _clock(moment)

    def subject(self, text: str) -> str:
        """The key of the administration or other service that a term is about; the text itself where there is none."""
        term = parse(text)
        while isinstance(term, Function) and str(term) not in self.facts.places and term.arguments:
            term = term.arguments[0]
        return str(term)

    def term(self, term: Term, *, full: bool = False) -> str:
        """A term in words."""
        if isinstance(term, String):
            return term.value
        if not isinstance(term, Function):
            return str(term)
        text = str(term)
        if text in self._given:
            return self.administration(text, full=full)
        if text in self.facts.names:
            return self.facts.names[text]
        if not term.arguments:
            return _CONSTANTS.get(text, text.replace("_", " "))
        parts = [self.term(it, full=full) for it in term.arguments]
        match term.name, term.arguments:
            case ("start" | "stop" | "paused" | "resumed", _):
                return f"{_MOMENTS[term.name]} of {parts[0]}{self._charted(text)}"
            case "midnight", (int(day),):
                return f"midnight before {self.day(day)}"
            case ("start_of" | "end_of", _):
                return f"{_MOMENTS[term.name]} of {parts[0]}"
            case "piece", (_, int(number)):
                return f"part {number + 1} of {parts[0]}"
            case "day", (_, int(day)):
                return f"{parts[0]} on {self.day(day)}"
            case "alone", (_, int(seconds)):
                return f"{parts[0]} alone from {self.clock(seconds)}"
            case "on_date", (_, int(day)):
                return f"{parts[0]} on {self.day(day)}"
            case "own", _:
                return f"a site of its own for {parts[0]}"
            case "mixture", _:
                return f"the mixture of {parts[0]}"
            case "lumen", _:
                return f"{parts[0]} ({parts[1]})"
        return f"{term.name.replace('_', ' ')} {', '.join(parts)}".strip()

    def _charted(self, moment: str) -> str:
        for fact in self.facts.own:
            if fact.predicate == "at" and fact.arguments.startswith(f"{moment},"):
                return f" ({self.clock(int(fact.arguments.rpartition(',')[2]))})"
        return ""

    def day(self, number: int) -> str:
        """A calendar day."""
        return day_of(self.facts.encounter.date, number).isoformat()

    def clock(self, seconds: int) -> str:
        """A time of day; with the date where it is another day than that of service."""
        day, rest = divmod(seconds, DAY)
        text = f"{rest // 3600:02}:{rest % 3600 // 60:02}" + (f":{rest % 60:02}" if rest % 60 else "")
        return f"{text} on {self.day(day)}" if day else text

    def value(self, kind: str, text: str, *, full: bool = False) -> str:
        """A value of a variable, by the kind of number that it is (see `kind_of`)."""
        term = parse(text)
        if isinstance(term, int):
            match kind:
                case "length":
                    return minutes(term)
                case "time":
                    return self.clock(term)
                case "day":
                    return self.day(term)
        return self.term(term, full=full)

    def sentence(self, rule: Rule, bindings: Mapping[str, str], head: str = "", *, full: bool = False) -> str:
        """The sentence of a rule with the values of its variables."""
        wording = rule.header.sentence if rule.header else rule.id
        rest = [str(it) for it in _arguments(head)]

        def fill(found: re.Match[str]) -> str:
            name = found[1]
            # where the head has arithmetic, the sentence may name its result by a variable of its own
            value = bindings.get(name) or _at_head(rule, name, rest) or (rest[-1] if rest else "")
            kind = kind_of(rule, name)
            if not value:
                return UNKNOWN
            return self.value(kind, value, full=full) + ("" if kind == "length" else found[2] or "")

        return _PLACEHOLDER.sub(fill, wording).replace(_SECOND, "at ")

    def atom(self, atom: Function) -> str:
        """An atom for which there is no sentence, in words."""
        if not atom.arguments:
            return atom.name.replace("_", " ")
        values = [
            self.value(_kind_at(atom.name, n), str(it)) if not isinstance(it, Variable) else "anything"
            for n, it in enumerate(atom.arguments)
        ]
        if len(values) == 1:
            return f"{values[0]}: {atom.name.replace('_', ' ')}"
        return f"{values[0]}: {atom.name.replace('_', ' ')} {', '.join(values[1:])}"

    def fact(self, predicate: str, arguments: str) -> str:
        """A fact of the chart in words."""
        term = parse(f"{predicate}({arguments})") if arguments else Function(predicate)
        if not isinstance(term, Function):
            return predicate
        if predicate == "at" and isinstance(term.arguments[1], int):
            moment = term.arguments[0]
            if isinstance(moment, Function) and moment.arguments:
                verb = _VERBS.get(moment.name, moment.name)
                return f"{self.term(moment.arguments[0])} {verb} {self.clock(term.arguments[1])}"
            return f"{self.term(moment)} at {self.clock(term.arguments[1])}"
        pattern = _FACTS.get(predicate)
        if pattern is not None:
            return pattern.format(*(self.term(it) for it in term.arguments))
        return self.atom(term)


def minutes(seconds: int) -> str:
    """A length in minutes, with the seconds where there are some."""
    whole, rest = divmod(abs(seconds), 60)
    sign = "-" if seconds < 0 else ""
    text = f"{sign}{whole} minute{'' if whole == 1 else 's'}"
    return f"{text} {rest} second{'' if rest == 1 else 's'}" if rest else text


def kind_of(rule: Rule, name: str) -> str:
    """The kind of a variable of a rule: length, time or day; "" for anything else."""
    atoms: Iterable[Function] = rule_atoms(rule)
    for atom in atoms:
        for n, argument in enumerate(atom.arguments):
            if argument == Variable(name) and (kind := _kind_at(atom.name, n)):
                return kind
    if any(isinstance(part, Aggregate) and part.bound == Variable(name) for part in rule.body):
        return _kind_of_head(rule, name)
    return ""


def _kind_of_head(rule: Rule, name: str) -> str:
    return next((_kind_at(rule.atom.name, n) for n, it in enumerate(rule.atom.arguments) if it == Variable(name)), "")


def _kind_at(predicate: str, n: int) -> str:
    if (predicate, n) in LENGTHS:
        return "length"
    if (predicate, n) in TIMES:
        return "time"
    return "day" if (predicate, n) in DAYS else ""


def _arguments(head: str) -> tuple[Term, ...]:
    term = parse(head) if head else None
    return term.arguments if isinstance(term, Function) else ()


def _at_head(rule: Rule, name: str, values: list[str]) -> str:
    for argument, value in zip(rule.atom.arguments, values, strict=False):
        if argument == Variable(name):
            return value
    return ""


def _clock(moment: Moment) -> str:
    """The time of day as charted."""
    found = _CLOCK.search(moment.text)
    return found[0] if found else moment.text


def literals(rule: Rule) -> list[Literal]:
    """The literals of a rule's body outside aggregates."""
    return [part for part in rule.body if isinstance(part, Literal)]


_CONSTANTS = {
    "encounter": "the encounter",
    "assumed": "the one assumed site",
    "inpatient_order": "the inpatient order",
    "iv": "IV",
    "im": "IM",
    "sq": "SQ",
    "ia": "IA",
    "it": "IT",
    "ip": "IP",
    "ipl": "IPL",
    "il": "IL",
    "id": "ID",
    "po": "PO",
}
_MOMENTS = {
    "start": "the start",
    "stop": "the stop",
    "paused": "a pause",
    "resumed": "the end of a pause",
    "start_of": "the start",
    "end_of": "the end",
}
_VERBS = {"start": "began at", "stop": "stopped at", "paused": "paused at", "resumed": "went on at"}
_FACTS = {
    "drug": "{0} gives {1}",
    "route": "{0} was given {1}",
    "site": "{0} was given at {1}",
    "charted_method": "{0} is charted as {1}",
    "charted_class": "the chart gives {0} the class {1}",
    "purpose": "the purpose of {0} is charted as {1}",
    "place": "the place of service is {0}",
    "claim_type": "the claim is a {0} claim",
    "payer": "the payer is {0}",
    "main_reason": "{0} is charted as the main reason of the visit",
    "ordered": "the order of {0}: {1}",
    "diagnosis": "diagnosis {1}",
    "other_service": "{0} is charted as {1}",
    "necessity": "site {0} was required: {1}",
    "replaces": "site {0} is a restart of {1}",
    "access_site": "site {0} is listed",
    "drug_kind": "{0} is listed as {1}",
    "printed": "{0} is on the policy's printed list",
    "hormonal": "{0} is listed as hormonal",
    "dose": "{0} belongs to dose {1}",
    "bag": "{0} came from bag {1}",
    "lumen": "{0} ran through lumen {1}",
    "site_kind": "site {0} is charted as {1}",
    "pump": "{0} ran by a {1} pump",
    "earlier_visit": "an earlier visit on the same date: {0}",
    "continues": "{0} goes on with {1}",
    "code": "{0} of class {1}: code {2}",
}
