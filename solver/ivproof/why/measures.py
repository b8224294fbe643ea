"""The comparisons of applied rules in words: what was measured, from which moments, against which threshold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from ivproof.claim.statements import Holds, Spans, Statement
from ivproof.law.syntax import Aggregate, Comparison, Literal, Rule
from ivproof.law.terms import Function, Operation, Term, TermError, Variable, parse, substitute, variables
from ivproof.law.trace import Instance
from ivproof.why.chart_words import parts
from ivproof.why.derivation import Derivation
from ivproof.why.naming import Names, minutes

LIMITS = frozenset({"threshold", "hour_mark", "limit"})
"""The law's tables of numbers that something is compared with."""

DAY = 86400
"""Seconds."""


class Measures:
    """Says what was compared in one derivation."""

    def __init__(self, derivation: Derivation, names: Names) -> None:
        self.derivation = derivation
        self.names = names
        self.behind: list[Statement] = []
        """What the last comparison was told by, besides the rule."""

    def of(self, instance: Instance, *, all_of_them: bool = False) -> Iterator[str]:
        """The comparisons of an applied rule with a threshold; with `all_of_them` those of times and lengths too."""
        rule, bindings = instance.rule, instance.bindings
        for compared in instance.comparisons:
            text = self.measure(rule, bindings, compared.source, compared.left, compared.right)
            if not text and all_of_them:
                text = self._between(rule, bindings, compared.source, compared.left, compared.right)
            if text:
                yield text

    def measure(
        self, rule: Rule, bindings: Mapping[str, str], source: Comparison | Aggregate, left: str, right: str
    ) -> str:
        """A comparison with a threshold in words: ``x ran 30 minutes; 16 or more needed``; "" for any other one."""
        self.behind.clear()
        if isinstance(source, Aggregate) or not (_is_number(left) and _is_number(right)):
            return ""
        if _defines(source):
            return self._dated(rule, bindings, source)
        if not _with_limit(rule, source):
            return ""
        difference = isinstance(source.left, Operation) and source.left.operator == "-"
        if isinstance(source.left, Operation) and not difference:
            return ""
        if difference and int(left) < 0 and source.operator in {"<", "<="}:
            # of two moments that may stand in either order, the comparison the other way round says it
            return ""
        if difference and int(left) < 0:
            return self._measured(rule, bindings, source, minutes(int(left)))
        kind = "length" if isinstance(source.right, Operation) else self._kind_of_left(rule, source)
        needed = _amount(kind, int(right))
        value = minutes(int(left)) if kind == "length" else f"{_amount(kind, int(left))}{_unit(rule)}"
        wanted = _NEEDED[source.operator].format(needed)
        return f"{self._measured(rule, bindings, source, value)}; {wanted}"

    def _kind_of_left(self, rule: Rule, source: Comparison) -> str:
        return self.names.kind_of(rule, source.left.name) if isinstance(source.left, Variable) else ""

    # --- what was measured

    def _measured(self, rule: Rule, bindings: Mapping[str, str], source: Comparison, value: str) -> str:
        """What was measured: an administration that ran so long, or two moments so far apart."""
        if isinstance(source.left, Operation):
            earlier, later = (self._moment(rule, bindings, it) for it in (source.left.right, source.left.left))
            if value.startswith("-"):
                return f"{later} lies {value[1:]} before {earlier}"
            return f"from {earlier} to {later} it is {value}"
        name = next((it.atom.name for it in _literals(rule) if it.atom.name in _MEASURED), "")
        # where the rule measures something, it is what that literal speaks of first
        about = next((it.atom.arguments[0] for it in _literals(rule) if it.atom.name == name), None)
        subject = about if isinstance(about, Variable) and name else _first_variable(rule)
        term = parse(bindings[subject.name]) if subject is not None and subject.name in bindings else None
        if term is None:
            return f"it is {value}"
        return _MEASURED.get(name, "{0} has {1}").format(self._who(name, term), value)

    def _who(self, name: str, term: Term) -> str:
        """Whom a length is of, and which times make it up."""
        if name in {"chain_time", "bout_time"}:
            return self._alone(term, name)
        who = self.names.term(term)
        if name == "own_time":
            return f"{who} has {self._own(term)}"
        others = self._others(term) if name in {"ran", "counted_time"} else []
        return f"{who} with {' and '.join(others)}" if others else who

    def _others(self, service: Term) -> list[str]:
        """The further administrations of a service, whose time counts with that of the first."""
        first = self.names.subject(str(service))
        members = (it.arguments[1] for it in self.derivation.of("includes") if it.arguments[0] == service)
        return [self.names.term(it) for it in members if str(it) != first]

    def _alone(self, chain: Term, name: str) -> str:
        """The stretches in which hydration ran alone, and what pushes take off them."""
        chains = [it.arguments[1] for it in self.derivation.of("bout_holds") if it.arguments[0] == chain]
        held = chains if name == "bout_time" and chains else [chain]
        pieces = [it.arguments[1] for it in self.derivation.of("chain") if it.arguments[0] in held]
        fluids = [it.arguments[1] for it in self.derivation.of("piece_of") if it.arguments[0] in pieces]
        spans = self._spans("piece_span", lambda it: it.arguments[0] in pieces, 1)
        if not spans or not fluids:
            return f"{self.names.term(chain)} ran alone"
        who = " and ".join(dict.fromkeys(map(self.names.term, fluids)))
        return f"{who} ran alone {spans}{self._taken_off(pieces)}"

    def _taken_off(self, pieces: Collection[Term]) -> str:
        """What pushes take off stretches of hydration."""
        off = [it for it in self.derivation.of("push_off") if it.arguments[0] in pieces]
        ends = [it.arguments[1:] for it in off]
        seconds = sum(end - begin for begin, end in ends if isinstance(begin, int) and isinstance(end, int))
        self.behind.append(Spans(tuple(map(str, off)), seconds))
        pushes = [it.arguments[1] for it in self.derivation.of("push_within") if it.arguments[0] in pieces]
        names = " and ".join(dict.fromkeys(map(self.names.term, pushes)))
        return f", less {minutes(seconds)} of {names}" if seconds else ""

    def _own(self, service: Term) -> str:
        """The stretches that something has for itself."""
        others = next((it.arguments[1] for it in self.derivation.of("sharers") if it.arguments[0] == service), 0)
        own = {
            it.arguments[1]
            for it in self.derivation.of("segment_after")
            if it.arguments[0] == service and it.arguments[2] == others and str(it.arguments[3]) == "own"
        }
        spans = self._spans("segment", lambda it: it.arguments[0] == service and it.arguments[1] in own, 2)
        return f"{spans} for itself" if spans else "no time for itself"

    def _spans(self, predicate: str, wanted: Callable[[Function], bool], at: int) -> str:
        """Stretches in words, those that touch joined; `at` is the place of their begin among the arguments."""
        found: list[list[int]] = []
        atoms = [it for it in self.derivation.of(predicate) if wanted(it)]
        self.behind += (Holds(str(it)) for it in atoms)
        ends = [it.arguments[at : at + 2] for it in atoms]
        for begin, end in sorted((b, e) for b, e in ends if isinstance(b, int) and isinstance(e, int)):
            if found and found[-1][1] == begin:
                found[-1][1] = end
            else:
                found.append([begin, end])
        return " and ".join(f"{self.names.clock(begin)}–{self.names.clock(end)}" for begin, end in found)

    def _moment(self, rule: Rule, bindings: Mapping[str, str], term: Term) -> str:
        """The moment whose seconds a variable has, with its time."""
        when = self.names.clock(int(bindings[term.name])) if isinstance(term, Variable) else ""
        for literal in _literals(rule):
            if literal.atom.name in {"service_moment", "clock", "at"} and literal.atom.arguments[1] == term:
                moment = _bound(literal.atom.arguments[0], bindings)
                name = self.names.term(self._of_one_time(moment) or moment)
                return name if when in name else f"{name} ({when})"
        return when

    def _of_one_time(self, moment: Term) -> Term | None:
        """Whose end it is, where only one time of it is charted: no end of it is told then."""
        if not isinstance(moment, Function) or moment.name != "end_of":
            return None
        [subject] = moment.arguments
        return None if any(it.arguments == (subject,) for it in self.derivation.of("has_run")) else subject

    # --- times and lengths that are compared with each other

    def _between(self, rule: Rule, bindings: Mapping[str, str], source: Comparison, left: str, right: str) -> str:
        """Two times or lengths that were compared; "" for anything else."""
        kinds = {self.names.kind_of(rule, name) for side in (source.left, source.right) for name in variables(side)}
        if not (_is_number(left) and _is_number(right)) or _defines(source):
            return ""
        sides = (source.left, source.right)
        if kinds == {"time"} and all(isinstance(it, Operation) and it.operator == "/" for it in sides):
            both = (self.names.clock(int(bindings[it])) for side in sides for it in variables(side))
            return f"{' and '.join(both)} are in the same minute"
        if kinds == {"time"} and not isinstance(source.left, Operation):
            return f"{self.names.clock(int(left))} {_IS[source.operator]} {self.names.clock(int(right))}"
        if kinds == {"length"} and not isinstance(source.left, Operation):
            return f"{minutes(int(left))}, which is {_MORE[source.operator]} {minutes(int(right))}"
        return ""

    def _dated(self, rule: Rule, bindings: Mapping[str, str], source: Comparison) -> str:
        """What a rule that works out a day says of it, with the moment; "" on the date of service, and of other values.

        The moment is what the rule's own sentence says: a beginning, or when something was completed.
        """
        right = source.right
        if not isinstance(right, Operation) or right.operator != "/" or right.right != DAY:
            return ""
        try:
            moment = substitute(right.left, {name: parse(value) for name, value in bindings.items()})
        except TermError:
            return ""
        if not isinstance(moment, int) or not moment // DAY:
            return ""
        said = self.names.sentence(rule, bindings).rstrip(".")
        return f"{said}, at {self.names.clock(moment).partition(' on ')[0]}"


def strongest(texts: Iterable[str]) -> list[str]:
    """The texts without those that ask less of the same length than another one."""
    found: dict[str, str] = {}
    for text in texts:
        value, _, wanted = text.partition("; ")
        key = value if wanted.endswith(_OR_MORE) else text
        if key not in found or _needed(found[key]) < _needed(text):
            found[key] = text
    return list(found.values())


def _needed(text: str) -> float:
    number = text.rpartition("; ")[2].removesuffix(_OR_MORE)
    return float(number) if number.replace(".", "", 1).isdigit() else 0


def _defines(source: Comparison) -> bool:
    """Whether a comparison only gives a name to what is worked out."""
    return source.operator == "=" and isinstance(source.left, Variable) and isinstance(source.right, Operation)


def _with_limit(rule: Rule, source: Comparison) -> bool:
    """Whether a comparison is with a number of the law's tables."""
    limits = {str(it.atom.arguments[1]) for it in _literals(rule) if it.atom.name in LIMITS}
    return any(name in limits for name in variables(source.right))


def _amount(kind: str, number: int) -> str:
    if kind == "length":
        return str(number // 60)
    return parts(number, 10) if kind == "tenths" else str(number)


def _unit(rule: Rule) -> str:
    return next((_UNITS[it.atom.name] for it in _literals(rule) if it.atom.name in _UNITS), "")


def _first_variable(rule: Rule) -> Variable | None:
    return next((it for it in rule.atom.arguments if isinstance(it, Variable)), None)


def _literals(rule: Rule) -> Sequence[Literal]:
    return [part for part in rule.body if isinstance(part, Literal) and not part.negated]


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdigit()


def _bound(term: Term, bindings: Mapping[str, str]) -> Term:
    if isinstance(term, Variable):
        return parse(bindings[term.name]) if term.name in bindings else term
    if isinstance(term, Function):
        return Function(term.name, tuple(_bound(it, bindings) for it in term.arguments))
    return term


_OR_MORE = " or more needed"
_NEEDED = {
    ">=": f"{{}}{_OR_MORE}",
    ">": "more than {} needed",
    "<": "less than {} needed",
    "<=": "{} or less needed",
    "=": "exactly {} needed",
    "!=": "anything but {} needed",
}
_IS = {
    "<": "is before",
    "<=": "is not after",
    ">": "is after",
    ">=": "is not before",
    "=": "is also",
    "!=": "is not",
}
_MORE = {
    "<": "less than",
    "<=": "not more than",
    ">": "more than",
    ">=": "not less than",
    "=": "as much as",
    "!=": "not",
}
_MEASURED = {
    "ran": "{0} ran {1}",
    "run_time": "{0} ran {1}",
    "administration_time": "{0} ran {1}",
    "own_time": "{0}: {1}",
    "counted_time": "counted for {0}: {1}",
    "chain_time": "{0}: {1}",
    "bout_time": "{0}: {1}",
    "first_short_chain": "the short stretches at {0} come to {1}",
    "ordered_minutes": "{0} was ordered to run for {1}",
    "rate": "{0} ran at {1}",
    "lesions_injected": "lesions that were injected: {1}",
}
_UNITS = {"ordered_minutes": " minutes", "rate": " ml an hour"}
