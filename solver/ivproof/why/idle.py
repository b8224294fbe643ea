"""Why a question does not decide over a chart: no rule that asks it can apply, or what it changes leaves the claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ivproof.formats.output import Described
from ivproof.law.policy import Policy, Question
from ivproof.law.syntax import Literal, Rule, rule_conditions
from ivproof.why.absence import READING
from ivproof.why.explanation import Line, Teller
from ivproof.why.follow import Follow


@dataclass(frozen=True, slots=True)
class Asking(Described):
    """A rule that asks the question: whether it can apply under some reading, and if not, what it lacks."""

    rule: str
    citation: str
    sentence: str
    applies: bool
    obstacles: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Idle(Described):
    """Why a question does not decide over a chart.

    `touches` says whether it changes anything on the way to the claim, under some answers to the other questions.
    """

    question: Question
    touches: bool
    rules: tuple[Asking, ...]

    def as_dict(self) -> dict[str, Any]:
        """The reason as plain data."""
        return {
            "question": self.question.number,
            "name": self.question.name,
            "matters": False,
            "touches": self.touches,
            "rules": [it.as_dict() for it in self.rules],
        }


def why_idle(policy: Policy, teller: Teller, question: Question, *, touches: bool) -> Idle:
    """Explain why a question does not decide over the chart of a derivation."""
    best: dict[str, Asking] = {}
    for rule in policy.program.rules:
        if rule.atom.signature != READING and question.key in _asked(rule):
            asking = _asking(teller, rule)
            # of the clauses of a rule the one that applies, or gets furthest
            if rule.id not in best or asking.applies:
                best[rule.id] = asking
    return Idle(question, touches, tuple(best.values()))


def _asked(rule: Rule) -> Iterator[str]:
    for _, condition in rule_conditions(rule):
        for part in condition:
            if isinstance(part, Literal) and part.atom.signature == READING:
                yield str(part.atom.arguments[0])


def _asking(teller: Teller, rule: Rule) -> Asking:
    rest = tuple(it for it in rule.body if not (isinstance(it, Literal) and it.atom.signature == READING))
    failure = teller.absence.furthest(replace(rule, body=rest))
    citation = rule.header.citation if rule.header else ""
    if failure is None:
        sentence = teller.lacking.unfounded(rule, rule.atom, {})
        return Asking(rule.id, citation, sentence, True, ())
    sentence = teller.lacking.unfounded(rule, rule.atom, failure.bindings)
    return Asking(rule.id, citation, sentence, False, tuple(Follow(teller).down(failure)))
