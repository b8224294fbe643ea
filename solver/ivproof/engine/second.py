"""The second engine beside the first: the same question to both, and no answer where they differ.

`ivproof.recheck` reads the law's files itself and shares no code with the first engine. This module only puts the
question to it and compares what comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from ivproof import recheck
from ivproof.chart import bounds
from ivproof.chart.facts import Facts
from ivproof.engine.choices import CLAIM, ClaimKey, claim_of
from ivproof.engine.direct import named, program
from ivproof.engine.engine import Answer
from ivproof.law.policy import Policy

ANSWERS = 1000
"""So many answer sets of a chart are gone through; of a chart with more, those have to be among the first engine's."""


class DisagreementError(RuntimeError):
    """The engines differ on a chart: an error of this program, which takes the place of the answer.

    Its text shows both answers, in codes and units; nothing of the chart but the encounter's id is in it.
    """


class SecondEngine:
    """Derives the claims of charts again, by the policy's files as they stand."""

    def __init__(self, policy: Policy, readings: Mapping[str, str] | None = None) -> None:
        self.policy = policy
        self.settings = policy.settings(readings)
        self._settings = "".join(
            f"open({key}).\n" if option is None else f"reading({key},{option}).\n"
            for key, option in self.settings.items()
        )

    @cached_property
    def program(self) -> recheck.Program:
        """The law as the second engine reads it, which all settings of the questions share."""
        return program(self.policy)

    @cached_property
    def named(self) -> recheck.Program:
        """The law with the names of its rules, which what is kept between runs leaves out: by them statements speak."""
        return named(self.policy)

    def question(self, facts: Facts) -> list[recheck.Atom]:
        """Give the facts of a chart and the settings of the questions in the second engine's own form."""
        return recheck.parse_facts(self.question_text(facts))

    def question_text(self, facts: Facts) -> str:
        """Give them as a text of the law's language."""
        return f"{facts.text()}\n{self._settings}"

    def claims(self, facts: Facts) -> frozenset[ClaimKey]:
        """Give every claim that some answer set makes."""
        return frozenset(_claim(it) for it in self.program.answers(self.question(facts), work=bounds.current()))

    def _some_claims(self, facts: Facts) -> tuple[frozenset[ClaimKey], bool]:
        """Give the claims of as many answer sets as can be gone through, and whether these were all.

        After the first one they may take a share of the work that is left: the chart has more to be asked.
        """
        work = bounds.current()
        enough = work.left - work.left // bounds.SHARE
        found: set[ClaimKey] = set()
        for count, answer in enumerate(self.program.answers(self.question(facts), work=work), 1):
            if count > ANSWERS or (found and work.left < enough):
                return frozenset(found), False
            found.add(_claim(answer))
        return frozenset(found), True

    def check(self, facts: Facts, answer: Answer) -> None:
        """Compare an answer of the first engine with the second's. Raises DisagreementError where they differ."""
        first = claims_of(answer)
        second, complete = self._some_claims(facts)
        if not (first == second if complete else second <= first):
            raise DisagreementError(
                f"{facts.encounter.id}: the two engines differ; the first derives {_spell(first)}, "
                f"the second {_spell(second)}. Please report this as an error of ivproof."
            )


def same(facts: Facts, derived: frozenset[ClaimKey], again: frozenset[ClaimKey]) -> None:
    """Compare the claims of a chart that were derived in two ways. Raises DisagreementError where they differ."""
    if derived != again:
        raise DisagreementError(
            f"{facts.encounter.id}: derived in two ways, the claims differ: {_spell(derived)}, and {_spell(again)}. "
            "Please report this as an error of ivproof."
        )


def _claim(answer: recheck.Answer) -> ClaimKey:
    return frozenset(recheck.show(atom) for name, arity in CLAIM.items() for atom in answer.of(name, arity))


def claims_of(answer: Answer) -> frozenset[ClaimKey]:
    """Give the claims of an answer of the first engine."""
    if answer.alternatives:
        return frozenset(alternative.claim for alternative in answer.alternatives)
    return frozenset([claim_of(answer.atoms)])


def _spell(claims: frozenset[ClaimKey]) -> str:
    return " or ".join(sorted("{" + ", ".join(sorted(claim)) + "}" for claim in claims)) or "nothing"
