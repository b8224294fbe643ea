"""Why something does not hold: for each rule that could conclude it, the first condition that fails.

This reads the rules as they stand in the law, with the held options as facts, so that a rule which only another reading
would apply is found too. It tries every way to satisfy a body and keeps the one that gets furthest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ivproof.law.policy import Policy
from ivproof.law.syntax import ANONYMOUS, Aggregate, Choice, Comparison, Literal, Rule, part_variables
from ivproof.law.terms import Function, Operation, Signature, Term, TermError, Variable, order, substitute, variables
from ivproof.why.derivation import Derivation

TRIES = 5000
"""Ways to satisfy a body that are looked at; a law whose bodies have more is looked at in part."""

READING = ("reading", 2)

Bindings = Mapping[str, Term]
Part = Literal | Comparison | Aggregate


@dataclass(frozen=True, slots=True)
class Failure:
    """A rule that does not apply: how far it gets, with what values, and what then fails.

    `failed` is the failing part with its values filled in, `source` the part as it stands in the rule; `held` are the
    atoms that hold before it. Where a choice could have taken the atom and took another, `failed` is None. Of a rule
    that another reading would apply, `otherwise_holds` says whether the rest of its conditions hold.
    """

    rule: Rule
    bindings: Bindings
    held: tuple[Function, ...]
    source: Part | None
    failed: Part | None
    passed: int
    otherwise_holds: bool = False
    by_reading: bool = False

    @property
    def nearness(self) -> tuple[bool, bool, int]:
        """What failures are compared by: that the reading is held, that something holds, how little is left."""
        return not self.under_other_reading, self.passed > 0, self.passed - len(self.rule.body)

    @property
    def under_other_reading(self) -> bool:
        """Whether the rule fails because another option of a question is held."""
        return isinstance(self.failed, Literal) and self.failed.atom.signature == READING


class Absence:
    """Finds out why atoms do not hold in one derivation."""

    def __init__(self, policy: Policy, derivation: Derivation) -> None:
        self.derivation = derivation
        self._readings = {key: it.option for key, it in derivation.held.items()}
        self._rules: dict[Signature, list[Rule]] = {}
        for rule in policy.program.rules:
            self._rules.setdefault(rule.atom.signature, []).append(rule)

    def rules(self, signature: Signature) -> Sequence[Rule]:
        """The rules of the law that conclude a predicate."""
        return self._rules.get(signature, ())

    def could_be(self, rule: Rule, wanted: Function) -> bool:
        """Whether the head of a rule can be an atom."""
        return _against(rule.atom, wanted) is not None

    def failures(self, wanted: Function) -> list[Failure]:
        """For each rule that could conclude an atom (variables stand for anything), the try that gets furthest."""
        found = []
        for rule in self.rules(wanted.signature):
            start = _against(rule.atom, wanted)
            if start is None:
                continue
            tried = islice(self._failures(rule, start, wanted), TRIES)
            best = max(tried, key=lambda it: (not self._is_another(it), it.passed), default=None)
            if best is not None:
                found.append(replace(best, by_reading=self._by_reading(best)))
        return found

    def _by_reading(self, failure: Failure) -> bool:
        """Whether what fails could hold under another reading only."""
        failed = failure.failed
        if failure.under_other_reading or not isinstance(failed, Literal) or failed.negated:
            return failure.under_other_reading
        rules = self.rules(failed.atom.signature)
        return bool(rules) and all(self._asks_otherwise(rule) for rule in rules)

    def _asks_otherwise(self, rule: Rule) -> bool:
        """Whether a rule asks for a reading that is not held."""
        asked = (
            it.atom for it in rule.body if isinstance(it, Literal) and it.atom.signature == READING and not it.negated
        )
        return any(self._readings.get(str(it.arguments[0])) != str(it.arguments[1]) for it in asked)

    def _is_another(self, failure: Failure) -> bool:
        """Whether a try fails since its subject has another number than that of what was tried: it is not the one."""
        failed = failure.failed
        if not isinstance(failed, Literal) or failed.negated or not self.rules(failed.atom.signature):
            return False
        subject, *rest = failed.atom.arguments or (None,)
        if not (rest and all(isinstance(it, int) for it in rest)):
            return False
        return any(it.arguments[0] == subject for it in self._candidates(failed.atom))

    def apart_from_readings(self, failure: Failure) -> Failure | None:
        """Where the conditions of a rule fail, apart from those that ask for readings; None where they hold."""
        rest = [it for it in failure.rule.body if not (isinstance(it, Literal) and it.atom.signature == READING)]
        best: Failure | None = None
        for bindings, held, failed in islice(self._tries(rest, dict(failure.bindings), ()), TRIES):
            if failed is None:
                return None
            if best is None or failed[2] > best.passed:
                best = Failure(failure.rule, bindings, held, *failed)
        return best

    def furthest(self, rule: Rule) -> Failure | None:
        """Give the try of one rule that gets furthest; None where its conditions hold."""
        best: Failure | None = None
        for bindings, held, failed in islice(self._tries(list(rule.body), {}, ()), TRIES):
            if failed is None:
                return None
            if best is None or failed[2] > best.passed:
                best = Failure(rule, bindings, held, *failed)
        return best

    def matches(self, pattern: Function, bindings: Bindings) -> Iterator[tuple[Function, dict[str, Term]]]:
        """The atoms that hold and fit, with the values that they give to variables."""
        for atom in self._candidates(pattern):
            values = match(pattern, atom, bindings)
            if values is not None:
                yield atom, values

    def _candidates(self, pattern: Function) -> Sequence[Function]:
        if pattern.signature == READING:
            return [Function("reading", (Function(key), Function(it))) for key, it in self._readings.items()]
        return [atom for atom in self.derivation.of(pattern.name) if len(atom.arguments) == len(pattern.arguments)]

    def _failures(self, rule: Rule, start: Bindings, wanted: Function) -> Iterator[Failure]:
        parts: list[Part] = list(rule.body)
        if isinstance(rule.head, Choice):
            parts += rule.head.condition
        # what is held of the questions is looked at first: a rule of another reading fails for no other reason
        parts.sort(key=_first)
        for bindings, held, failed in self._tries(parts, dict(start), ()):
            if failed is None:
                head = filled_in(rule.atom, bindings)
                if match(wanted, head, {}) is None or str(head) in self.derivation.atoms:
                    continue
                yield Failure(rule, bindings, held, None, None, len(parts))
                continue
            source, filled, passed = failed
            failure = Failure(rule, bindings, held, source, filled, passed)
            if failure.under_other_reading:
                rest = [it for it in parts if not (isinstance(it, Literal) and it.atom.signature == READING)]
                holds = any(it is None for _, _, it in islice(self._tries(rest, dict(start), ()), TRIES))
                failure = replace(failure, otherwise_holds=holds)
            yield failure

    def _tries(
        self, parts: list[Part], bindings: dict[str, Term], held: tuple[Function, ...], passed: int = 0
    ) -> Iterator[tuple[dict[str, Term], tuple[Function, ...], tuple[Part, Part, int] | None]]:
        if not parts:
            yield bindings, held, None
            return
        n = next((n for n, part in enumerate(parts) if _ready(part, bindings)), 0)
        part, rest = parts[n], parts[:n] + parts[n + 1 :]
        match part:
            case Literal(atom, False):
                found = False
                for fitting, values in self.matches(atom, bindings):
                    found = True
                    yield from self._tries(rest, values, (*held, fitting), passed + 1)
                if not found:
                    yield bindings, held, (part, Literal(filled_in(atom, bindings)), passed)
            case Literal(atom, True):
                if any(True for _ in self.matches(atom, bindings)):
                    yield bindings, held, (part, Literal(filled_in(atom, bindings), True), passed)
                else:
                    yield from self._tries(rest, bindings, held, passed + 1)
            case Comparison():
                given = _compare(part, bindings)
                if given is None:
                    filled = Comparison(_value(part.left, bindings), part.operator, _value(part.right, bindings))
                    yield bindings, held, (part, filled, passed)
                else:
                    yield from self._tries(rest, given, held, passed + 1)
            case Aggregate():
                counted = self.count(part, bindings)
                given = _compare(Comparison(counted, part.operator, part.bound), bindings)
                if given is None:
                    filled = Comparison(counted, part.operator, _value(part.bound, bindings))
                    yield bindings, held, (part, filled, passed)
                else:
                    yield from self._tries(rest, given, held, passed + 1)

    def count(self, aggregate: Aggregate, bindings: Bindings) -> Term:
        """The value of an aggregate under some values of its outer variables."""
        tuples: set[tuple[Term, ...]] = set()
        for element in aggregate.elements:
            for values, _, failed in self._tries(list(element.condition), dict(bindings), ()):
                if failed is None:
                    tuples.add(tuple(_value(term, values) for term in element.terms))
        first = [it[0] for it in tuples]
        match aggregate.function:
            case "#count":
                return len(tuples)
            case "#sum":
                return sum(it for it in first if isinstance(it, int))
            case "#min":
                return min(first, key=order, default=Function("#sup"))
        return max(first, key=order, default=Function("#inf"))


def match(pattern: Term, ground: Term, bindings: Bindings) -> dict[str, Term] | None:
    """The bindings, extended so that the pattern becomes the ground term; None where that cannot be."""
    found = dict(bindings)
    waiting = [(pattern, ground)]
    while waiting:
        left, right = waiting.pop()
        match left:
            case Variable(name):
                if name != ANONYMOUS and found.setdefault(name, right) != right:
                    return None
            case Function():
                if not isinstance(right, Function) or left.signature != right.signature:
                    return None
                waiting += zip(left.arguments, right.arguments, strict=True)
            case Operation():
                value = _value(left, found)
                if not isinstance(value, Operation) and value != right:
                    return None
            case _:
                if left != right:
                    return None
    return found


def _first(part: Part) -> int:
    if isinstance(part, Aggregate):
        return 2
    return 0 if isinstance(part, Literal) and part.atom.signature == READING else 1


def _against(head: Function, wanted: Function) -> dict[str, Term] | None:
    """The values that the head's variables must have; None where the head can never be what is wanted."""
    found: dict[str, Term] = {}
    for own, asked in zip(head.arguments, wanted.arguments, strict=True):
        if any(variables(asked)):
            continue
        if isinstance(own, Operation):
            continue
        values = match(own, asked, found)
        if values is None:
            return None
        found = values
    return found


def _ready(part: Part, bindings: Bindings) -> bool:
    """Whether a part can be looked at: its variables have values, or it gives them."""
    match part:
        case Literal(_, False):
            return True
        case Literal(atom, True):
            return all(name == ANONYMOUS or name in bindings for name in variables(atom))
        case Comparison():
            names = set(part_variables(part)) - bindings.keys()
            return not names or (part.operator == "=" and isinstance(part.left, Variable) and names == {part.left.name})
    return True


def _value(term: Term, bindings: Bindings) -> Term:
    try:
        return substitute(term, bindings)
    except TermError:
        return term


def filled_in(atom: Function, bindings: Bindings) -> Function:
    """An atom with the values of its variables, as far as they are known."""
    filled = _value(atom, bindings)
    return filled if isinstance(filled, Function) else atom


_HOLDS = {
    "=": lambda order_: order_ == 0,
    "!=": lambda order_: order_ != 0,
    "<": lambda order_: order_ < 0,
    "<=": lambda order_: order_ <= 0,
    ">": lambda order_: order_ > 0,
    ">=": lambda order_: order_ >= 0,
}


def _compare(comparison: Comparison, bindings: Bindings) -> dict[str, Term] | None:
    """The bindings where a comparison holds, with the value of a variable that it gives; None where it fails."""
    left, right = _value(comparison.left, bindings), _value(comparison.right, bindings)
    if comparison.operator == "=":
        for unknown, known in ((left, right), (right, left)):
            if isinstance(unknown, Variable) and not any(variables(known)):
                return {**bindings, unknown.name: known}
    if any(variables(left)) or any(variables(right)):
        return None
    low, high = order(left), order(right)
    return dict(bindings) if _HOLDS[comparison.operator]((low > high) - (low < high)) else None
