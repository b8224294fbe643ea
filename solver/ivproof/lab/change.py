"""What a change of the law does as the data of one page: rules, differences with a chart each, what they are worth.

In: a comparison of two laws, over charts, over all charts to a bound, or both. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from ivproof.chart.reading import Source, parse
from ivproof.comparison import Compared, Comparison, RuleChange
from ivproof.comparison.law import REWORDED
from ivproof.comparison.prices import CAUTIONS, ByRule, Worth
from ivproof.lab.result import OverAllCharts
from ivproof.law.policy import Policy
from ivproof.report.page import Report, report
from ivproof.why.why import Explainer

DRAWN = 12
"""So many differences are shown with a chart that is drawn; of others it is told what they are."""


@dataclass(frozen=True)
class Drawn:
    """A difference with a chart as both laws code it: of which charts it is, the change by code, the rules behind it.

    `kinds` are those charts where they are too many to be named in `where`, `also` features with which it is the same.
    `becomes` says the change in words where units do not tell it, `amount` what it is worth on this chart in dollars.
    """

    where: str
    kinds: Sequence[str]
    also: Sequence[str]
    chart: Mapping[str, Any]
    change: Mapping[str, int]
    becomes: str
    rules: Sequence[str]
    amount: Decimal | None
    old: Report
    new: Report


@dataclass(frozen=True)
class Change:
    """A comparison of two laws with all that a page says of it."""

    old: Policy
    new: Policy
    settings: tuple[Mapping[str, str], Mapping[str, str]]
    compared: Comparison
    over_all: OverAllCharts | None
    prices: Worth | None

    @cached_property
    def _explainers(self) -> tuple[Explainer, Explainer]:
        return Explainer(self.old, self.settings[0]), Explainer(self.new, self.settings[1])

    @property
    def rules(self) -> list[tuple[RuleChange, str]]:
        """The rules that differ, each with its sentence: those that conclude otherwise, then those only reworded."""
        found = []
        for it in sorted(self.compared.rules, key=lambda it: it.kind == REWORDED):
            [first, *_] = self.new.program.by_id.get(it.id) or self.old.program.by_id.get(it.id) or (None,)
            found.append((it, first.header.sentence if first is not None and first.header else ""))
        return found

    def drawn(self) -> Iterator[Drawn]:
        """Give the differences over all charts that have a chart to show. Raises as `report` does."""
        for it in self.over_all.families if self.over_all is not None else ():
            if it.shown is not None:
                encounter = parse(it.shown.encounter, Source("chart")).encounter
                assert encounter is not None
                old, new = (report(by, encounter, least_change=False) for by in self._explainers)
                yield Drawn(
                    it.where(MOST_KINDS),
                    it.kinds if len(it.kinds) > MOST_KINDS else (),
                    [" and ".join(features) for features in it.also],
                    it.shown.encounter,
                    it.change,
                    it.becomes,
                    it.shown.rules,
                    self.amount(it.change),
                    old,
                    new,
                )

    def amount(self, change: Mapping[str, int]) -> Decimal | None:
        """What a change of units is worth in dollars; None where that is not known."""
        return None if self.prices is None else self.prices.amount(change)

    @property
    def families_by_rule(self) -> list[ByRule]:
        """The charts of the differences over all charts by the changed rules behind them, one of each difference."""
        if self.prices is None or self.over_all is None:
            return []
        shown = [it for it in self.over_all.families if it.shown is not None]
        return self.prices.by_rule((it.shown.rules, it.change) for it in shown if it.shown is not None)

    @property
    def charts_by_rule(self) -> list[ByRule]:
        """The charts that have another claim by the changed rules behind it."""
        return [] if self.prices is None else self.prices.by_rule(map(_of, self.compared.changed))

    @property
    def without_rate(self) -> list[str]:
        """The codes that change and have no rate: differences with them have no amount."""
        if self.prices is None:
            return []
        families = self.over_all.families if self.over_all is not None else ()
        return self.prices.lacking([*(it.change for it in families), *(_of(it)[1] for it in self.compared.changed)])

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data: the comparison, over all charts the verdict and the rest, and what it is worth."""
        found = self.compared.as_dict()
        if self.over_all is not None:
            found |= self.over_all.as_dict()
        if self.prices is None:
            return found
        for plain in (*found["changed"], *found.get("families", ())):
            amount = self.amount(plain.get("change", plain.get("units")))
            plain["amount"] = None if amount is None else float(amount)
        found["prices"] = {
            "file": self.prices.file,
            "cautions": list(CAUTIONS),
            "without_rate": self.without_rate,
            "charts": [it.as_dict() for it in self.charts_by_rule],
            "families": [it.as_dict() for it in self.families_by_rule],
        }
        return found


MOST_KINDS = 3
"""So many kinds of chart are named in the heading of a difference."""


def _of(compared: Compared) -> tuple[tuple[str, ...], dict[str, int]]:
    return compared.because, dict(compared.units)
