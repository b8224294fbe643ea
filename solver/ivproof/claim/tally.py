"""Many charts in one view: how many have which status, which codes with how many units, and what is to be asked.

A tally is fed with digests, which hold of a chart only what is counted, so that it can be made in one process from
charts that many processes went through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.chart.encounter import Encounter
from ivproof.claim.determination import Determination
from ivproof.formats.spreadsheet import table

COLUMNS = ("kind", "name", "charts", "units")
"""The columns of a tally as CSV; what is no code has no units."""


def as_digest(encounter: Encounter, found: Determination) -> dict[str, Any]:
    """Give what is counted of an answer; of a chart with several claims what holds in all of them."""
    codes: Counter[str] = Counter()
    for line in found.claim:
        codes[line.code] += line.units
    asked = {it.field for it in found.missing if it.would_change}
    return {"status": found.status, "codes": dict(codes), "ask": sorted(asked)}


@dataclass
class Tally:
    """Counts charts; give it digests one by one. `ask` are the kinds of missing facts that can change a claim."""

    charts: int = 0
    empty: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    by_code: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    ask: Counter[str] = field(default_factory=Counter)

    def add(self, digest: Mapping[str, Any]) -> None:
        """Count one more chart."""
        self.charts += 1
        self.statuses[digest["status"]] += 1
        self.empty += not digest["codes"]
        self.by_code.update(digest["codes"].keys())
        self.units.update(digest["codes"])
        self.asked += bool(digest["ask"])
        self.ask.update(digest["ask"])

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain data: by status and kind the most frequent first, codes in their order."""
        return {
            "charts": self.charts,
            "statuses": dict(ranked(self.statuses)),
            "without_a_line": self.empty,
            "codes": [{"code": code, "charts": charts, "units": units} for code, charts, units in self.codes],
            "with_something_to_ask": self.asked,
            "ask": dict(ranked(self.ask)),
        }

    @property
    def codes(self) -> list[tuple[str, int, int]]:
        """Each code with the charts that have it and its units in all of them."""
        return [(code, self.by_code[code], self.units[code]) for code in sorted(self.by_code)]

    def csv(self) -> str:
        """The counts as a table: a row for each status, code and kind of missing fact."""
        return table([COLUMNS, *self._rows()])

    def _rows(self) -> Iterator[Sequence[object]]:
        yield from (("status", name, n, "") for name, n in ranked(self.statuses))
        yield from (("code", *it) for it in self.codes)
        yield from (("ask", name, n, "") for name, n in ranked(self.ask))


def ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counts, the largest first, those alike by name."""
    return sorted(counts.items(), key=lambda it: (-it[1], it[0]))
