"""Many charts: what a process needs to find what questions and missing facts decide over each (see `batch.Job`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder, Recheck
from ivproof.engine.choices import claim_of
from ivproof.engine.claims import units_of
from ivproof.engine.nearby import ONE, NearExplorer
from ivproof.law.policy import Policy
from ivproof.unknowns.gaps import probes
from ivproof.whatif.summary import changes

Digest = dict[str, Any]
"""Of a chart what a summary counts."""


@dataclass(frozen=True)
class Questions:
    """Makes what finds the questions that decide over charts by themselves.

    With `unresolved` only questions that nothing is held of by default are looked at.
    """

    unresolved: bool = False

    def __call__(self, policy: Policy, readings: Mapping[str, str]) -> _Questions:
        """Make it, for a policy and a setting of its questions."""
        settled = {
            question.key: question.default
            for question in policy.questions.values()
            if self.unresolved and question.default is not None
        }
        given = {policy.question(name).key: option for name, option in readings.items()}
        return _Questions(policy, {**settled, **given})


class _Questions:
    def __init__(self, policy: Policy, readings: Mapping[str, str]) -> None:
        self._policy = policy
        self._coder = Coder(policy, readings)
        self._explorer = NearExplorer(policy, readings, most=ONE)

    def code(self, encounters: Sequence[Encounter], recheck: Recheck) -> list[Digest]:
        """Give what single questions change in each encounter."""
        charts = [self._coder.facts(encounter) for encounter in encounters]
        found = []
        for encounter, departed in zip(encounters, self._explorer.depart(charts), strict=True):
            if not departed.complete:
                raise TooManyWaysError(f"{encounter.id}: the readings lead to more claims than can be gone through")
            base = units_of(self._policy, departed.base.first)
            by: dict[str, list[list[Any]]] = {}
            for (key, option), reached in departed.changed.items():
                question = self._policy.questions[key]
                name = f"{question.option(option).letter} {option}"
                claims = [units_of(self._policy, claim) for claim in sorted(reached.ways, key=sorted)]
                by.setdefault(question.number, []).append(changes(base, name, claims))
            found.append(_digest(encounter, by))
        return found

    def undecided(self, encounter: Encounter, why: str) -> None:
        """Nothing stands for a chart that takes too much work: it is told, and not counted."""


@dataclass(frozen=True)
class Gaps:
    """Makes what finds the missing facts that decide over charts by themselves."""

    def __call__(self, policy: Policy, readings: Mapping[str, str]) -> _Gaps:
        """Make it, for a policy and a setting of its questions."""
        return _Gaps(policy, readings)


class _Gaps:
    def __init__(self, policy: Policy, readings: Mapping[str, str]) -> None:
        self._policy = policy
        self._coder = Coder(policy, readings)

    def code(self, encounters: Sequence[Encounter], recheck: Recheck) -> list[Digest]:
        """Give what missing facts change in each encounter: a value is tried on each side of every threshold."""
        charts = [self._coder.facts(encounter) for encounter in encounters]
        bases = self._coder.engine.plain(charts)
        waiting = [
            (n, str(field), supposed)
            for n, (facts, atoms) in enumerate(zip(charts, bases, strict=True))
            for subject, field, _ in atoms.get("missing", ())
            for supposed in probes(self._policy, facts, str(subject), str(field))
        ]
        claims = self._coder.engine.plain([self._coder.facts(supposed) for _, _, supposed in waiting])
        found: list[dict[str, list[list[Any]]]] = [{} for _ in encounters]
        for (n, field, _), atoms in zip(waiting, claims, strict=True):
            before, after = (units_of(self._policy, claim_of(it)) for it in (bases[n], atoms))
            change = changes(before, "", [after])
            others = found[n].setdefault(field, [])
            if change[1] and change not in others:
                others.append(change)
        return [
            _digest(encounter, {field: others for field, others in by.items() if others})
            for encounter, by in zip(encounters, found, strict=True)
        ]

    def undecided(self, encounter: Encounter, why: str) -> None:
        """Nothing stands for a chart that takes too much work: it is told, and not counted."""


def _digest(encounter: Encounter, by: Mapping[str, list[list[Any]]]) -> Digest:
    return {"encounter": encounter.id, "size": len(encounter.administrations), "changes": dict(by)}


def as_digest(_: Encounter, digest: Digest) -> Digest:
    """Give the digest as it is: it is small, and goes from process to process."""
    return digest
