"""Names for what a derivation speaks of: from the constants of the program back to the chart, as a reader knows it.

Nothing here decides anything. Numbers are written by their kind (a length, a time of day, a day), so that 1800 becomes
``30 minutes`` and 32400 becomes ``09:00``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ivproof.chart.clock import DAY, Moment, wall_clock
from ivproof.chart.encounter import Administration
from ivproof.chart.facts import Facts, day_of
from ivproof.law.syntax import Aggregate, Rule, rule_atoms
from ivproof.law.terms import Function, String, Term, Variable, parse, variables
from ivproof.why.chart_words import ABSENT, CONSTANTS, FACTS, KINDS, ORDINALS, VALUES, ordinal, parts

UNKNOWN = "…"
"""What stands for a variable without a value."""

_PLACEHOLDER = re.compile(r"(day )?\{(\w+)\}( seconds| tenths of a unit|th\b)?")
_SECOND = "at second "
_CLOCK = re.compile(r"\d\d:\d\d(?::\d\d)?")


class Names:
    """Says what terms and numbers stand for in one chart.

    `merged` has the sites that count as one access with others, by the constant of the access, `clock` which arguments
    of the law's predicates are times or lengths (`Policy.clock`); without it none is written as one.
    """

    def __init__(
        self,
        facts: Facts,
        merged: Mapping[str, Sequence[str]] | None = None,
        clock: Mapping[str, str] | None = None,
    ) -> None:
        self.facts = facts
        self._seconds = clock or {}
        self._merged = merged or {}
        self._given = {f"a{n}": it for n, it in enumerate(facts.encounter.administrations, 1)}
        self._introduced: set[str] = set()

    def administration(self, key: str, *, full: bool = False) -> str:
        """An administration by its id; `full` adds drug and times when it is first named: ``x (drug, 09:00–09:30)``.

        What shares its bag or syringe is named with it: ``x (vancomycin with normal saline, 09:00–10:00)``.
        """
        it = self._given[key]
        if not full or key in self._introduced:
            return it.id
        self._introduced.add(key)
        times = self._times(it)
        bag = [other.drug for other in self._given.values() if it.bag is not None and other.bag == it.bag]
        beside = [drug for drug in dict.fromkeys(bag) if drug != it.drug]
        drug = f"{it.drug} with {' and '.join(beside)}" if beside else it.drug
        drug = "" if drug.casefold() == it.id.casefold() else f"{drug}, "
        return f"{it.id} ({drug}{times})"

    def introduced(self, key: str) -> str:
        """An administration with its drug and times, whether it was named before or not."""
        self._introduced.discard(key)
        return self.administration(key, full=True)

    def _times(self, it: Administration) -> str:
        """When something was given; with the date where that is not the day of service, and with its pauses."""
        if not it.done:
            return "not given"
        if it.start is None and it.stop is None:
            return "no times charted"
        if it.start is None:
            return f"until {self.time(it.stop)}"
        if it.stop is None:
            # what runs may have run on; anything else is done when it begins
            runs = it.method != "push" and it.route.upper() == "IV"
            return f"from {self.time(it.start)}" if runs else self.time(it.start)
        clocks = ((self._clock(pause.from_), self._clock(pause.to)) for pause in it.pauses if pause.from_ and pause.to)
        stood = [f"{begin}–{end}" for begin, end in clocks]
        still = f", stood still {' and '.join(stood)}" if stood else ""
        return f"{self.span(it.start, it.stop)}{still}"

    def span(self, start: Moment, stop: Moment) -> str:
        """From when to when, with the dates where they are others than that of service."""
        return f"{self._clock(start) if start.day == stop.day else self.time(start)}–{self.time(stop)}"

    def time(self, moment: Moment | None) -> str:
        """The time of day as charted; with the date where it is another day than that of service."""
        if moment is None:
            return "?"
        return f"{self._clock(moment)} on {self.day(moment.day)}" if moment.day else self._clock(moment)

    def _clock(self, moment: Moment) -> str:
        zone = self.facts.encounter.time_zone
        if zone is not None:
            # it may have been written on the clocks of another zone
            return self.clock(moment.seconds).partition(" on ")[0]
        found = _CLOCK.search(moment.text)
        return found[0] if found else moment.text

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
            return CONSTANTS.get(text, text.replace("_", " "))
        inner = [self.term(it, full=full) for it in term.arguments]
        match term.name, term.arguments:
            case ("start" | "stop" | "paused" | "resumed", _):
                return f"{_MOMENTS[term.name]} of {inner[0]}{self._charted(text)}"
            case "midnight", (int(day),):
                return f"midnight before {self.day(day)}"
            case ("start_of" | "end_of", _):
                return f"{_MOMENTS[term.name]} of {inner[0]}"
            case "piece", (_, int(number)):
                return f"part {number + 1} of {inner[0]}"
            case "day", (int(day),):
                return self.day(day)
            case "day" | "on_date", (_, int(day)):
                return f"{inner[0]} on {self.day(day)}"
            case "alone", (_, int(seconds)):
                return f"{inner[0]} from {self.clock(seconds)}"
            case "pause", (_, int(number)):
                return f"pause {number} of {inner[0]}"
            case "own", _:
                return f"a site of its own for {inner[0]}"
            case "lumen", _:
                return f"{inner[0]} ({inner[1]})"
        return f"{term.name.replace('_', ' ')} {', '.join(inner)}".strip()

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
        zone = self.facts.encounter.time_zone
        day, rest = wall_clock(self.facts.encounter.date, zone, seconds) if zone else divmod(seconds, DAY)
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
                case "date":
                    return f"{term // 10000}-{term // 100 % 100:02}-{term % 100:02}"
                case "tenths":
                    return parts(term, 10)
                case "thousandths":
                    return parts(term, 1000)
                case "place":
                    return f"{term // 1000}, part {term % 1000 + 1}" if term % 1000 else str(term // 1000)
        return self.access(term) if kind == "access" else self.term(term, full=full)

    def kind_at(self, predicate: str, n: int) -> str:
        """The kind of number that an argument of a predicate is, from 0: length, time, day …; "" for anything else."""
        return self._seconds.get(f"{predicate}/{n}") or KINDS.get((predicate, n), "")

    def kind_of(self, rule: Rule, name: str) -> str:
        """The kind of a variable of a rule; "" for anything else."""
        atoms = [*rule_atoms(rule)]
        if any(isinstance(part, Aggregate) and part.bound == Variable(name) for part in rule.body):
            atoms.append(rule.atom)
        kinds = (
            self.kind_at(atom.name, n) for atom in atoms for n, it in enumerate(atom.arguments) if it == Variable(name)
        )
        return next(filter(None, kinds), "")

    def access(self, term: Term) -> str:
        """An access: the site, with those that count as one with it and were used: ``left with right``."""
        match term:
            case Function("on_date", (where, int(day))):
                return f"{self.access(where)} on {self.day(day)}"
            case Function("lumen", (where, lumen)):
                return f"{self.access(where)} ({self.term(lumen)})"
        others = [self.facts.names[it] for it in self._merged.get(str(term), ())]
        return " with ".join([self.term(term), *others])

    def sentence(self, rule: Rule, bindings: Mapping[str, str], head: str = "", *, full: bool = False) -> str:
        """The sentence of a rule with the values of its variables."""
        wording = rule.header.sentence if rule.header else rule.id
        rest = [str(it) for it in _arguments(head)]

        def fill(found: re.Match[str]) -> str:
            day, name, unit = found.groups(default="")
            # where the head has arithmetic, the sentence may name its result by a variable of its own
            value = bindings.get(name) or _at_head(rule, name, rest) or (rest[-1] if rest else "")
            if not value:
                return f"{day}{UNKNOWN}"
            kind, counts = self.kind_of(rule, name), value.isdigit()
            if unit == "th" and counts:
                return day + ordinal(int(value))
            said = self.value(kind, value, full=full)
            if unit == " tenths of a unit" and counts:
                return f"{day}{parts(int(value), 10)} units"
            return ("" if kind == "day" and counts else day) + said + ("" if kind == "length" else unit)

        text = _PLACEHOLDER.sub(fill, wording).replace(_SECOND, "at ")
        # a moment may begin a sentence; the ids of a chart stay as they are
        return f"T{text[1:]}" if text.startswith("the ") and wording.startswith("{") else text

    def atom(self, atom: Function) -> str:
        """An atom for which there are no words of its own: the name of the predicate, and its arguments."""
        values = [
            self.value(self.kind_at(atom.name, n), str(it)) if not isinstance(it, Variable) else "anything"
            for n, it in enumerate(atom.arguments)
        ]
        return f"{atom.name.replace('_', ' ')} {', '.join(values)}".strip()

    def fact(self, predicate: str, arguments: str) -> str:
        """A fact of the chart, of the drug list or of the law's tables in words."""
        term = parse(f"{predicate}({arguments})") if arguments else Function(predicate)
        if not isinstance(term, Function):
            return predicate
        if predicate == "at" and isinstance(term.arguments[1], int):
            return self._moment(term.arguments[0], self.clock(term.arguments[1]))
        pattern = FACTS.get(predicate)
        return self.atom(term) if pattern is None else pattern.format(*self._values(term))

    def absent(self, atom: Function) -> str:
        """What is said where there is no such fact; arguments that are not known are variables."""
        pattern = ABSENT.get(atom.name)
        if pattern is not None and not any(
            any(variables(it)) for n, it in enumerate(atom.arguments) if f"{{{n}}}" in pattern
        ):
            return pattern.format(*self._values(atom))
        known = [it for it in atom.arguments if not any(variables(it))]
        about = f" for {self.term(known[0])}" if known else ""
        return f"the chart has no {atom.name.replace('charted_', '').replace('_', ' ')}{about}"

    def _values(self, atom: Function) -> list[str]:
        """The arguments of a fact in words."""
        words = VALUES.get(atom.name, {})
        found = []
        for n, it in enumerate(atom.arguments):
            text = str(it)
            if any(variables(it)):
                found.append(UNKNOWN)
            elif n == 1 and atom.name in ORDINALS and isinstance(it, int):
                found.append(ordinal(it))
            else:
                found.append(words.get(text) or self.value(self.kind_at(atom.name, n), text))
        return found

    def _moment(self, moment: Term, when: str) -> str:
        """A moment of the chart and its time."""
        match moment:
            case Function("midnight", (int(day),)):
                return f"{self.day(day)} begins at midnight, {when}"
            case Function(name, (subject, *_)):
                return f"{self.term(subject)} {_VERBS.get(name, name)} {when}"
        return f"{self.term(moment)} was given at {when}"


def minutes(seconds: int) -> str:
    """A length in minutes, with the seconds where there are some."""
    whole, rest = divmod(abs(seconds), 60)
    sign = "-" if seconds < 0 else ""
    text = f"{sign}{whole} minute{'' if whole == 1 else 's'}"
    return f"{text} {rest} second{'' if rest == 1 else 's'}" if rest else text


def _arguments(head: str) -> tuple[Term, ...]:
    term = parse(head) if head else None
    return term.arguments if isinstance(term, Function) else ()


def _at_head(rule: Rule, name: str, values: list[str]) -> str:
    for argument, value in zip(rule.atom.arguments, values, strict=False):
        if argument == Variable(name):
            return value
    return ""


_MOMENTS = {
    "start": "the start",
    "stop": "the stop",
    "paused": "a pause",
    "resumed": "the end of a pause",
    "start_of": "the start",
    "end_of": "the end",
}
_VERBS = {"start": "began at", "stop": "stopped at", "paused": "paused at", "resumed": "went on at"}
