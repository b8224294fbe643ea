"""The record that a proof is made of: every rule of the law that applied, none worked into another, none left out.

The record for explanations (`record.Recorder`) settles the questions beforehand and passes over rules on which no claim
depends. A proof shows the law as it is written: the settings of the questions stand beside the chart's facts, and what
is left open is chosen in the answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from ivproof.chart.facts import Facts
from ivproof.engine.selection import Selection
from ivproof.law.lifting import QUESTION_PREDICATES, patterns
from ivproof.law.policy import Policy
from ivproof.law.syntax import Literal, Rule
from ivproof.law.terms import Function
from ivproof.why.record import Recorder, Settings, Traced, compiled_before

QUESTIONS = frozenset({*QUESTION_PREDICATES, ("option", 4)})
"""The tables of questions: a proof has them in the law's text and does not repeat them."""


class FullRecorder(Recorder):
    """Records answers with every rule as the law has it."""

    def __init__(self, policy: Policy, readings: Mapping[str, str] | None = None) -> None:
        super().__init__(policy, readings)
        self.given = given_settings(self.settings)
        self._rules = (*_possible(policy, self.settings), *map(Rule, self.given))
        self._selection = Selection(map(patterns, self._rules))
        self._by_facts: dict[frozenset[int], Traced] = {}

    def _program(self, facts: Facts, settings: Settings, possible: frozenset[str] | None) -> Traced:
        # an answer tells what can hold with the first option of each open question, and a proof goes through all
        present = frozenset(self._selection.present([facts], lifted=False))
        if present not in self._by_facts:
            kept = tuple(self._rules[n] for n in self._selection.possible(present))
            self._by_facts[present] = Traced.of(kept, compiled_before())
        return self._by_facts[present]


def given_settings(settings: Mapping[str, str | None]) -> tuple[Function, ...]:
    """Give the facts that say which option is held of each question, and which questions are open."""
    return tuple(
        Function("open", (Function(key),)) if option is None else Function("reading", (Function(key), Function(option)))
        for key, option in settings.items()
    )


def _possible(policy: Policy, settings: Mapping[str, str | None]) -> list[Rule]:
    """The rules of the law that can apply under the settings, and the options of open questions only."""

    def held(part: Literal) -> bool:
        if part.negated or part.atom.signature != ("reading", 2):
            return True
        question, option = map(str, part.atom.arguments)
        return settings.get(question) in {None, option}

    def wanted(rule: Rule) -> bool:
        if rule.atom.signature in QUESTION_PREDICATES:
            return False
        if rule.is_fact and rule.atom.signature == ("option", 4):
            return settings.get(str(rule.atom.arguments[0])) is None
        return all(held(part) for part in rule.body if isinstance(part, Literal))

    return [rule for rule in policy.program.rules if wanted(rule)]
