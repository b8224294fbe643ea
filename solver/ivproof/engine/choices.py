"""What the law leaves to choose in a chart: the option of an open question, a fact that is not given, one of equals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ivproof.chart.facts import Facts
from ivproof.law.terms import Function, Term, parse

Atoms = Mapping[str, Sequence[tuple[Term, ...]]]
"""Atoms of one encounter by predicate: the arguments of each, in a fixed order."""

ClaimKey = frozenset[str]
"""What makes two claims the same: units by code, units by code and modifier, and what is not determined."""

CLAIM = {"total": 2, "total_with": 3, "undetermined": 1}
"""Predicates (with their arities) that a claim is compared by."""

DRUG_LINES = {"drug_line": 3, "line_modifier": 2, "discarded_line": 4}
"""Predicates (with their arities) of the lines for the drugs themselves."""

DIAGNOSES = {"diagnosis_rank": 3}
"""The predicate (with its arity) of the order of the diagnoses."""

FREE = "chosen"
"""The choice among services of equal rank."""

OPEN = "reading"
"""The choice among the options of an open question."""

CHOICES = {
    FREE: 3,
    OPEN: 3,
    "supposed_class": 3,
    "supposed_reason": 2,
    "supposed_sites": 2,
    "supposed_lesions": 2,
}
"""The predicates of the choices, with their arities, the encounter counted."""


def claim_of(atoms: Atoms) -> ClaimKey:
    """Give the claim among the atoms of an answer."""
    return frozenset(f"{name}({','.join(map(str, it))})" for name in CLAIM for it in atoms.get(name, ()))


@dataclass(frozen=True, slots=True, order=True)
class Resolution:
    """One way of settling a choice: of a question, of a fact that the chart does not give, or among equals.

    `predicate` names the choice, `subject` what it is about (a question's key, a drug, an access site) and `value` what
    is taken.
    """

    predicate: str
    subject: str
    value: str

    @property
    def choice(self) -> tuple[str, str]:
        """What is chosen: the predicate and what it is about."""
        return self.predicate, self.subject

    @property
    def arguments(self) -> str:
        """The arguments of the atom that says what is taken, without the encounter."""
        if self.predicate == FREE:
            return f"{self.value},{self.subject}"
        return f"{self.subject},{self.value}" if self.subject else self.value


def resolution_of(name: str, arguments: Sequence[str]) -> Resolution:
    """Give the way of settling a choice that an atom of its predicate is."""
    if name == FREE:
        return Resolution(name, arguments[1], arguments[0])
    return Resolution(name, "", arguments[0]) if len(arguments) == 1 else Resolution(name, arguments[0], arguments[1])


def candidate_rank(facts: Facts) -> Callable[[str], tuple[int, str]]:
    """Give what ranks the candidates of a chart's choices: the first of them is taken where nothing else decides."""
    pairs = (fact.arguments.split(",") for fact in facts.own if fact.predicate == "order_of")
    positions = {administration: int(position) for administration, position in pairs}
    return lambda value: (_position(positions, value), value)


def _position(positions: Mapping[str, int], subject: str) -> int:
    """The position of the first administration that a term names; 0 where it names none."""
    term = parse(subject)
    while isinstance(term, Function):
        if term.name in positions:
            return positions[term.name]
        if not term.arguments:
            break
        term = term.arguments[0]
    return 0
