"""What a change of units is worth by a list of line rates, chart by chart and by the changed rules behind it.

In: a list of prices, as an audit takes it beside its claims. Out: amounts in dollars, units times price
and nothing else: no packaging, no limit on units, no payer's own contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ivproof.audit.beside import Prices

CENT = Decimal("0.01")

CAUTIONS = (
    "An amount is units times the line rate of a file: before packaging, before a payment for the whole visit such as "
    "that of observation (C-APC 8011), and before limits on units (MUE).",
    "Outpatient hospitals of Maryland are rate-regulated (F44): national outpatient rates are not what Johns Hopkins "
    "receives.",
)
"""What has to be known with every amount."""


@dataclass(frozen=True)
class ByRule:
    """What the charts are worth behind which changed rules stand together: how many, and from what to what each."""

    rules: tuple[str, ...]
    charts: int
    least: Decimal
    most: Decimal
    sum: Decimal

    def as_dict(self) -> dict[str, object]:
        """Give it as plain data, amounts in dollars."""
        return {
            "rules": list(self.rules),
            "charts": self.charts,
            "least": float(self.least),
            "most": float(self.most),
            "sum": float(self.sum),
        }


@dataclass(frozen=True)
class Worth:
    """What units are worth by the prices of a file, in dollars a unit by code."""

    file: str
    by_code: Mapping[str, Decimal]

    @staticmethod
    def read(path: Path) -> Worth:
        """Read a file of prices. Raises TableError."""
        return Worth(str(path), Prices.read(path).by_code)

    def amount(self, change: Mapping[str, int]) -> Decimal | None:
        """What a change of units is worth in dollars; None where no units change, or one of the codes has no rate."""
        if not change or not change.keys() <= self.by_code.keys():
            return None
        return sum((n * self.by_code[code] for code, n in change.items()), Decimal(0)).quantize(CENT)

    def lacking(self, changes: Iterable[Mapping[str, int]]) -> list[str]:
        """The codes of some changes that have no rate."""
        return sorted({code for change in changes for code in change} - self.by_code.keys())

    def by_rule(self, changes: Iterable[tuple[tuple[str, ...], Mapping[str, int]]]) -> list[ByRule]:
        """Gather changes of charts by the rules behind them; what several rules do together stands by itself."""
        found: dict[tuple[str, ...], list[Decimal]] = {}
        for rules, change in changes:
            if (amount := self.amount(change)) is not None:
                found.setdefault(rules, []).append(amount)
        return [ByRule(rules, len(it), min(it), max(it), sum(it, Decimal(0))) for rules, it in sorted(found.items())]
