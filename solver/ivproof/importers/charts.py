"""What every importer does at the end: charts that `ivproof code` accepts, and their figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.chart.consistency import VASCULAR
from ivproof.chart.encounter import dumps
from ivproof.chart.reading import parse
from ivproof.chart.refusal import Refusal, Source


@dataclass(eq=False)
class Given:
    """One administration on its way into a chart: its fields, where they came from, and what is counted of it."""

    fields: dict[str, Any]
    printed: str = ""
    found: bool = True
    items: set[int] = field(default_factory=set)
    rate_changes: int = 0
    ended_paused: bool = False
    started_while_running: bool = False
    begins: float = 0.0


FIGURES = (
    "encounters",
    "administrations",
    "of_them_carriers",
    "with_pauses",
    "with_rate_changes",
    "without_start",
    "without_stop",
    "ended_paused",
    "started_while_running",
)


def figures(charts: Iterable[Sequence[Given]]) -> dict[str, int]:
    """Count the administrations of charts."""
    found = dict.fromkeys(FIGURES, 0)
    for given in charts:
        found["encounters"] += 1
        for it in given:
            found["administrations"] += 1
            found["of_them_carriers"] += it.fields.get("purpose") == "carrier"
            found["with_pauses"] += bool(it.fields.get("pauses"))
            found["with_rate_changes"] += it.rate_changes > 0
            found["without_start"] += it.fields.get("start") is None
            found["without_stop"] += it.fields.get("stop") is None
            found["ended_paused"] += it.ended_paused
            found["started_while_running"] += it.started_while_running
    return found


def access_sites(given: Iterable[Given]) -> list[dict[str, str]]:
    """List the vascular accesses that administrations name, in their order."""
    named = (it.fields.get("site") for it in given if it.fields["route"] in VASCULAR)
    return [{"id": it} for it in dict.fromkeys(it for it in named if it)]


def checked(chart: Mapping[str, Any], source: Source) -> tuple[dict[str, Any] | None, tuple[Refusal, ...]]:
    """Give a chart as it is written; or, where `ivproof code` would refuse it, every reason why."""
    plain = {key: value for key, value in chart.items() if value not in (None, [], ())}
    found = parse(plain, source)
    return (None, found.refusals) if found.encounter is None else (dumps(found.encounter), ())
