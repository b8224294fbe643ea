"""What a change of units is worth by a list of line rates, chart by chart and by the changed rules behind it.

In: a CSV file with the columns `code` and `rate`, the rate of one unit in dollars. Out: amounts in dollars, units times
rate and nothing else: no packaging, no limit on units, no payer's own contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ivproof.chart.refusal import UnreadableError, show
from ivproof.importers.rows import content, csv_table

CENT = Decimal("0.01")
_RATE = re.compile(r"\d{1,9}(\.\d{1,4})?")
_CODE = re.compile(r"[0-9A-Z]{5}")

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
class Prices:
    """The rates of a file, in dollars a unit by code."""

    file: str
    rates: Mapping[str, Decimal]

    @staticmethod
    def read(file: str) -> Prices:
        """Read a file. Raises UnreadableError, with the line where it has one."""
        table = csv_table(file, content(file))
        if not {"code", "rate"} <= table.columns.keys():
            found = ", ".join(map(show, filter(None, table.columns)))
            raise UnreadableError(f"the columns {found}", "among them code and rate", 1)
        code_at, rate_at = table.columns["code"], table.columns["rate"]
        rates: dict[str, Decimal] = {}
        for row in table.rows:
            code, rate = (str(row.values[at]).strip() for at in (code_at, rate_at))
            if not _CODE.fullmatch(code):
                raise UnreadableError(f"the code {show(code)}", "five letters and digits", row.number)
            if not _RATE.fullmatch(rate):
                raise UnreadableError(f"the rate {show(rate)} of {code}", "dollars like 47.84", row.number)
            if code in rates:
                raise UnreadableError(f"{code} a second time", "each code once", row.number)
            rates[code] = Decimal(rate)
        return Prices(file, rates)

    def amount(self, change: Mapping[str, int]) -> Decimal | None:
        """What a change of units is worth in dollars; None where no units change, or one of the codes has no rate."""
        if not change or not change.keys() <= self.rates.keys():
            return None
        return sum((n * self.rates[code] for code, n in change.items()), Decimal(0)).quantize(CENT)

    def lacking(self, changes: Iterable[Mapping[str, int]]) -> list[str]:
        """The codes of some changes that have no rate."""
        return sorted({code for change in changes for code in change} - self.rates.keys())

    def by_rule(self, changes: Iterable[tuple[tuple[str, ...], Mapping[str, int]]]) -> list[ByRule]:
        """Gather changes of charts by the rules behind them; what several rules do together stands by itself."""
        found: dict[tuple[str, ...], list[Decimal]] = {}
        for rules, change in changes:
            if (amount := self.amount(change)) is not None:
                found.setdefault(rules, []).append(amount)
        return [ByRule(rules, len(it), min(it), max(it), sum(it, Decimal(0))) for rules, it in sorted(found.items())]
