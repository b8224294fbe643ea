"""What did not hold in words: what a rule would have said, the condition that fails, what the chart says instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ivproof.claim.statements import Applies, Fails, Statement, with_values
from ivproof.law.lifting import DRUG_PREDICATES
from ivproof.law.syntax import Comparison, Literal, Rule
from ivproof.law.terms import Function, Operation, Term, Variable, parse, variables
from ivproof.why.absence import Absence, Failure, filled_in, match
from ivproof.why.derivation import Derivation
from ivproof.why.measures import Measures
from ivproof.why.naming import UNKNOWN, Names

OTHER = "another"
"""What stands in a sentence for what is not known."""

DEEP = 8
"""So many rules deep it is looked for what fails in the end."""


@dataclass(frozen=True, slots=True)
class Negation:
    """Something that did not hold: what it would have said, why it did not, and by which rule.

    A fact says nothing by itself (`said` is empty), and `kind` is where it is missing: in the chart (``fact``) or in
    the drug list (``list``). `silent` is a reason that is only that nothing is charted, `measured` one that is a length
    against its threshold, `between` one that says how two moments stand to each other.
    """

    said: str
    reason: str
    rule: str
    kind: str = "not"
    silent: bool = False
    measured: bool = False
    between: bool = False
    says: tuple[Statement, ...] = ()


class Lacking:
    """Says what did not hold in one derivation, and why."""

    def __init__(self, derivation: Derivation, absence: Absence, names: Names, measures: Measures) -> None:
        self.derivation = derivation
        self.absence = absence
        self.names = names
        self.measures = measures
        self._nearest: dict[str, Failure | None] = {}

    def negation(self, atom: str) -> Negation:
        """Give what something that did not hold would have said, and why it did not hold."""
        pattern = pattern_of(atom)
        rules = self.absence.rules(pattern.signature)
        if not rules:
            return Negation("", self.uncharted(pattern), "", "list" if pattern.signature in DRUG_PREDICATES else "fact")
        nearest = self.nearest(pattern)
        rule = nearest.rule if nearest is not None else rules[0]
        bindings = nearest.bindings if nearest is not None else None
        said = self.told(rule, pattern, bindings)
        if rule.is_fact:
            said = f"{', '.join(map(self.names.term, pattern.arguments))}: {said}"
        if nearest is None:
            return Negation(said, "", rule.id)
        last = self._compared(nearest) or self._elsewhere(pattern)
        length = self.shortfall(last) if last is not None else ""
        behind = tuple(self.measures.behind) if length else self._behind(nearest)
        return Negation(
            said,
            length or self.shortfall(nearest) or self._instead_below(nearest),
            rule.id,
            silent=self._is_silent(nearest),
            measured=bool(length),
            between=bool(length) and last is not None and _of_moments(last),
            says=(*dict.fromkeys(map(fails, (nearest, last or nearest))), *behind),
        )

    def completed(self, failure: Failure) -> dict[str, Term]:
        """The values of a rule that fails, with those that its other conditions give, or what comes nearest to them."""
        found = dict(failure.bindings)
        for part in failure.rule.body:
            if not isinstance(part, Literal) or part.negated or all(it in found for it in variables(part.atom)):
                continue
            atom = filled_in(part.atom, found)
            held = next(self.absence.matches(part.atom, found), None)
            below = None if held is not None else self.nearest(atom)
            nearest = None if below is None else match(part.atom, filled_in(below.rule.atom, below.bindings), found)
            given = held[1] if held is not None else nearest or {}
            found |= {name: it for name, it in given.items() if not any(variables(it))}
        return found

    def _is_silent(self, failure: Failure) -> bool:
        """Whether a rule fails only because the chart says nothing."""
        failed = failure.failed
        if not isinstance(failed, Literal) or failed.negated or self.absence.rules(failed.atom.signature):
            return False
        return not self.is_otherwise(failed.atom)

    def is_otherwise(self, atom: Function) -> bool:
        """Whether the chart says something else instead of a fact."""
        return next(self._instead(atom), None) is not None

    def nearest(self, pattern: Function) -> Failure | None:
        """Of the rules that could conclude something, under the held readings, the one that gets furthest."""
        key = str(pattern)
        if key not in self._nearest:
            failures = (it for it in self.absence.failures(pattern) if not it.under_other_reading)
            self._nearest[key] = max(failures, key=lambda it: (not it.by_reading, it.nearness), default=None)
        return self._nearest[key]

    def _elsewhere(self, pattern: Function) -> Failure | None:
        """The comparison that another rule for the same comes down to, of those that the held readings let apply."""
        rivals = (it for it in self.absence.failures(pattern) if not it.under_other_reading and not it.by_reading)
        found = (self._compared(it) for it in sorted(rivals, key=lambda it: it.nearness, reverse=True))
        return next((it for it in found if it is not None and _of_moments(it)), None)

    def _compared(self, failure: Failure | None) -> Failure | None:
        """The comparison that a failure comes down to, over the rules below it; None where it is no comparison."""
        seen: set[str] = set()
        while failure is not None and len(seen) < DEEP:
            if isinstance(failure.failed, Comparison):
                return failure
            if not isinstance(failure.failed, Literal) or failure.failed.negated or str(failure.failed) in seen:
                return None
            seen.add(str(failure.failed))
            failure = self.nearest(failure.failed.atom)
        return None

    def _instead_below(self, failure: Failure) -> str:
        """What the chart says instead of the fact that a failure comes down to; "" where it says nothing of it."""
        it: Failure | None = failure
        for _ in range(DEEP):
            if it is None or not isinstance(it.failed, Literal) or it.failed.negated:
                return ""
            if not self.absence.rules(it.failed.atom.signature):
                return self.uncharted(it.failed.atom) if self.is_otherwise(it.failed.atom) else ""
            it = self.nearest(it.failed.atom)
        return ""

    def unfounded(self, rule: Rule, pattern: Function, bindings: Mapping[str, Term] | None = None) -> str:
        """The sentence of a rule that does not apply, with the values that are known."""
        known = {name: str(value) for name, value in (bindings or {}).items() if not any(variables(value))}
        for own, asked in zip(rule.atom.arguments, pattern.arguments, strict=True):
            if isinstance(own, Variable) and not any(variables(asked)):
                known.setdefault(own.name, str(asked))
        return self.names.sentence(rule, known).rstrip(".")

    def told(self, rule: Rule, pattern: Function, bindings: Mapping[str, Term] | None = None) -> str:
        """That sentence without blanks: what is not known is left out, or "another" stands for it."""
        text = re.sub(rf" {UNKNOWN}(?=[.,;:]|$)", "", self.unfounded(rule, pattern, bindings))
        return text.replace(UNKNOWN, OTHER)

    def shortfall(self, failure: Failure) -> str:
        """The failing condition of a rule in words; "" where it says nothing to a reader."""
        failed, source = failure.failed, failure.source
        if isinstance(failed, Comparison) and isinstance(source, Comparison):
            bindings = {name: str(value) for name, value in failure.bindings.items()}
            return self.measures.measure(failure.rule, bindings, source, str(failed.left), str(failed.right))
        if not isinstance(failed, Literal):
            return ""
        if failed.negated:
            return "" if any(variables(failed.atom)) else self._said(str(failed.atom))
        if not self.absence.rules(failed.atom.signature):
            return self.uncharted(failed.atom)
        return ""

    def _behind(self, failure: Failure) -> tuple[Statement, ...]:
        """That what a rule must not find holds, with the values that it is told with."""
        failed = failure.failed
        if not isinstance(failed, Literal) or not failed.negated or any(variables(failed.atom)):
            return ()
        reasons = self.derivation.reasons(str(failed.atom))[:1]
        return tuple(Applies(it.rule.id, it.rule.clause, with_values(it.bindings)) for it in reasons)

    def _said(self, atom: str) -> str:
        """What something that holds says."""
        reasons = self.derivation.reasons(atom)
        if not reasons:
            name, _, rest = atom.partition("(")
            return self.names.fact(name, rest[:-1])
        return self.names.sentence(reasons[0].rule, reasons[0].bindings, atom).rstrip(".")

    def uncharted(self, atom: Function) -> str:
        """What the chart says instead of a fact that it does not have."""
        it = next(self._instead(atom), None)
        if it is None:
            return self.names.absent(atom)
        _, _, rest = str(it).partition("(")
        return self.names.fact(it.name, rest[:-1])

    def _instead(self, atom: Function) -> Iterator[Function]:
        """Facts of the same kind about the same subject, with other values."""
        single = atom.name in ONE_OF_A_VISIT
        for it in self.derivation.of(atom.name):
            if single or (len(it.arguments) == len(atom.arguments) > 1 and it.arguments[0] == atom.arguments[0]):
                yield it


def fails(failure: Failure) -> Fails:
    """That a rule does not apply, with the values up to where it fails."""
    known = {name: value for name, value in failure.bindings.items() if not any(variables(value))}
    return Fails(failure.rule.id, failure.rule.clause, with_values(known))


def _of_moments(failure: Failure) -> bool:
    """Whether what fails is how far two moments lie apart."""
    return isinstance(failure.source, Comparison) and isinstance(failure.source.left, Operation)


ONE_OF_A_VISIT = frozenset({"claim_type", "place", "payer", "service_date"})
"""Facts of which a visit has one."""


def pattern_of(atom: str) -> Function:
    """An atom from its text, in which ``_`` stands for anything."""
    term = parse(atom.replace("(_", "(any_").replace(",_", ",any_"))
    if not isinstance(term, Function):
        raise TypeError(f"no atom: {atom}")
    return Function(term.name, tuple(_open(it) for it in term.arguments))


def _open(term: Term) -> Term:
    if isinstance(term, Function):
        if term.name == "any_":
            return Variable("_")
        return Function(term.name, tuple(_open(it) for it in term.arguments))
    return term
