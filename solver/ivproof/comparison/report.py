"""A change of the law over many charts: counted as they come, with the charts that have another claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.comparison.charts import CLAIM, REASONS, Compared
from ivproof.comparison.law import REWORDED, RuleChange
from ivproof.law.policy import Policy


@dataclass
class Comparison:
    """What a new law does; give it charts one by one.

    `changed` are the charts with another claim, in their order; of `charts` in all, `reasoned` have the same claim for
    other reasons.
    """

    old: Mapping[str, str]
    new: Mapping[str, str]
    rules: Sequence[RuleChange]
    charts: int = 0
    reasoned: int = 0
    changed: list[Compared] = field(default_factory=list)
    corpus: Mapping[str, Any] | None = None
    """What the charts are, where they are those of a stored corpus: a sample, of which only other claims are told."""

    @staticmethod
    def of(old: Policy, new: Policy, rules: Sequence[RuleChange]) -> Comparison:
        """Begin a comparison of two policies."""
        return Comparison(_about(old), _about(new), rules)

    def add(self, compared: Compared) -> None:
        """Count a chart."""
        self.charts += 1
        self.reasoned += compared.kind == REASONS
        if compared.kind == CLAIM:
            self.changed.append(compared)

    @property
    def units(self) -> dict[str, int]:
        """The units by code that the new law gives more, or fewer, over charts with one claim under each law."""
        found: Counter[str] = Counter()
        for compared in self.changed:
            for code, n in compared.units:
                found[code] += n
        return {code: n for code, n in sorted(found.items()) if n}

    @property
    def touched(self) -> dict[str, int]:
        """On how many charts each changed rule stands behind another claim."""
        counted = Counter(name for compared in self.changed for name in compared.because)
        return {rule.id: counted[rule.id] for rule in self.rules}

    @property
    def unseen(self) -> list[str]:
        """The changed rules that stand behind no other claim."""
        touched = self.touched
        return [rule.id for rule in self.rules if rule.kind != REWORDED and not touched[rule.id]]

    @property
    def grouped(self) -> list[tuple[int, Compared]]:
        """Charts with the same difference for the same reason: how many, and the smallest; the most frequent first."""
        groups: dict[tuple[object, ...], list[Compared]] = {}
        for compared in self.changed:
            groups.setdefault((compared.differences, compared.because), []).append(compared)
        found = [(len(it), min(it, key=lambda one: (one.size, one.encounter))) for it in groups.values()]
        return sorted(found, key=lambda it: (-it[0], it[1].differences, it[1].because))

    def as_dict(self) -> dict[str, Any]:
        """Give the comparison as plain data."""
        touched = self.touched
        return {
            "old": dict(self.old),
            "new": dict(self.new),
            "rules": [{**rule.as_dict(), "charts": touched[rule.id]} for rule in self.rules],
            "charts": self.charts,
            "other_claim": len(self.changed),
            "other_reasons": self.reasoned,
            "units": self.units,
            "changed": [it.as_dict() for it in self.changed],
            **({} if self.corpus is None else {"corpus": dict(self.corpus)}),
        }


def _about(policy: Policy) -> dict[str, str]:
    return {**policy.about, "name": policy.told}
