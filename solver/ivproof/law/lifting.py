"""The law for many charts at once, under one setting of its questions after another.

A setting touches the rules that ask for a reading, one in a dozen. All others are rewritten once, and stand in the law
of every setting as the same rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from ivproof.law import dependencies, rewrite
from ivproof.law.syntax import Literal, Program, Rule
from ivproof.law.terms import Function, Operation, Signature, Term, Variable

QUESTION_PREDICATES = {
    *(("question", 3), ("default", 2), ("unresolved", 1), ("note", 2), ("unexpressed", 3), ("defined", 2)),
}
"""Facts about the questions that no rule reads: they serve people, and stay out of the solver."""

DRUG_PREDICATES = frozenset(
    {("drug_kind", 2), ("printed", 1), ("hormonal", 1), ("immunotherapy", 1), ("own_codes", 6), ("open", 1)}
)
"""Inputs that are the same for every chart of a batch: the drug list, and which questions are open."""


Pattern: TypeAlias = tuple[str, ...]
"""What an atom looks like: its predicate, and for each argument its constant or functor, or `ANYTHING`."""

ANYTHING = ""


class BatchRule(NamedTuple):
    """A rule of the batch rewriting: what it concludes and what it needs, as patterns, and its text."""

    head: Sequence[str]
    needs: Sequence[Sequence[str]]
    text: str

    @staticmethod
    def of(rule: Rule) -> BatchRule:
        """Write a rewritten rule."""
        return BatchRule(*patterns(rule), str(rule))


def patterns(rule: Rule) -> tuple[Pattern, list[Pattern]]:
    """Give what a rule concludes and what it needs, as patterns."""
    needs = {pattern(it.atom) for it in rule.body if isinstance(it, Literal) and not it.negated}
    return pattern(rule.atom), sorted(needs)


def pattern(atom: Function) -> Pattern:
    """Give what every atom that an atom of a rule can stand for looks like."""
    return (atom.name, *map(shape, atom.arguments))


def shape(term: Term) -> str:
    """Give the constant or the functor of a term; `ANYTHING` of one that is worked out only when the rule applies."""
    match term:
        case Function(name, arguments):
            return f"{name}/{len(arguments)}" if arguments else name
        case Variable() | Operation():
            return ANYTHING
        case _:
            return str(term)


class Lifting:
    """A law that is made fit for many charts; `inputs` are the predicates of the facts of one chart."""

    def __init__(self, program: Program, inputs: Collection[Signature]) -> None:
        self._rules = tuple(it for it in program.rules if it.atom.signature not in QUESTION_PREDICATES)
        self._lasting = {id(it) for it in self._rules}
        self._own = {*inputs, rewrite.SETTLED}
        self._made: dict[tuple[int, frozenset[Signature]], BatchRule] = {}

    def rules(self, fixed: Mapping[str, str]) -> list[BatchRule]:
        """Give the rules with the questions in `fixed` (question to option) settled; what no rule reads is left out."""
        asked = (it for it in self._rules if it.atom.signature != OPTION or str(it.atom.arguments[0]) not in fixed)
        law = rewrite.settleable(rewrite.specialise(Program(tuple(asked)), fixed))
        # the drug list gives its facts only with the charts: for telling what is shared, they count as the law's
        listed = tuple(Rule(Function(name, (Function("any"),) * arity)) for name, arity in DRUG_PREDICATES)
        lone = rewrite.own_predicates(law, dependencies.shared(Program((*law.rules, *listed)), self._own))
        return [self._lifted(rule, lone) for rule in law.rules]

    def _lifted(self, rule: Rule, lone: frozenset[Signature]) -> BatchRule:
        if id(rule) not in self._lasting:
            return BatchRule.of(rewrite.lift(rule, lone))
        key = id(rule), rule.signatures & lone
        if key not in self._made:
            self._made[key] = BatchRule.of(rewrite.lift(rule, lone))
        return self._made[key]


OPTION: Signature = ("option", 4)
"""An option of a question; a rule reads it where the question is open."""
