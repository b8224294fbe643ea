"""Many charts in one view: which questions, and which missing facts, decide over how many of them, and what they cost.

A summary is fed with digests, which hold of a chart only what is counted, so that it can be made in one process from
charts that many processes went through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.claim.tally import ranked
from ivproof.engine.claims import Units, difference
from ivproof.formats.spreadsheet import table

COLUMNS = ("name", "title", "charts", "difference", "charts_with_it", "more", "fewer", "smallest_example")
"""The columns of a summary as CSV."""

DIFFERENCES = 3
"""So many differences of claims are shown of an entry; the data has all of them."""


def changes(before: Units, name: str, after: Iterable[Units]) -> list[Any]:
    """Give what another answer changes in a claim, as plain data: the answer, the difference, units more, units fewer.

    An answer may lead to several claims; of the units those of the claim that has most more, or most fewer.
    """
    said: dict[str, None] = {}
    more = fewer = 0
    for claim in after:
        said[difference(before, claim)] = None
        more = max(more, sum(max(0, units - before.codes.get(code, 0)) for code, units in claim.codes.items()))
        fewer = max(fewer, sum(max(0, units - claim.codes.get(code, 0)) for code, units in before.codes.items()))
    several = len(said) > 1
    return [name, " or ".join(it or "the same" for it in said) if several else next(iter(said)), more, fewer]


@dataclass
class Entry:
    """What one question, or one kind of missing fact, does to the charts that were counted.

    `answers` counts charts by answer (the option of a question, the missing fact's value), `differences` by what it
    changes; `more` and `fewer` are the units, at most, that an answer adds or takes away in all; `example` is the
    smallest chart, as the number of its administrations and its id.
    """

    charts: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)
    more: int = 0
    fewer: int = 0
    example: tuple[int, str] | None = None

    def add(self, size: int, encounter: str, found: Sequence[Sequence[Any]]) -> None:
        """Count a chart over which this decides."""
        self.charts += 1
        self.answers.update({name for name, *_ in found})
        self.differences.update({text for _, text, _, _ in found})
        self.more += max((more for *_, more, _ in found), default=0)
        self.fewer += max((fewer for *_, fewer in found), default=0)
        self.example = min(self.example or (size, encounter), (size, encounter))

    def as_dict(self) -> dict[str, Any]:
        """The counts as plain data, the most frequent first."""
        return {
            "charts": self.charts,
            "answers": dict(ranked(self.answers)),
            "differences": dict(ranked(self.differences)),
            "units_more_at_most": self.more,
            "units_fewer_at_most": self.fewer,
            "smallest_example": None if self.example is None else self.example[1],
        }


@dataclass
class Summary:
    """Counts charts; give it digests one by one. `titles` puts the names of entries into words."""

    what: str
    titles: Mapping[str, str] = field(default_factory=dict)
    charts: int = 0
    decided: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, digest: Mapping[str, Any]) -> None:
        """Count one more chart: its id, its size, and what changes its claim, by entry."""
        self.charts += 1
        self.decided += not digest["changes"]
        for name, found in digest["changes"].items():
            self.entries.setdefault(name, Entry()).add(digest["size"], digest["encounter"], found)

    @property
    def ranked(self) -> list[tuple[str, Entry]]:
        """The entries, those that decide over most charts first."""
        return sorted(self.entries.items(), key=lambda it: (-it[1].charts, it[0]))

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data."""
        return {
            "charts": self.charts,
            f"without_{self.what}": self.decided,
            self.what: [{"name": name, "title": self.titles.get(name, ""), **it.as_dict()} for name, it in self.ranked],
        }

    def csv(self) -> str:
        """The summary as a table: one row for each difference that an entry makes."""
        rows: list[list[object]] = []
        for name, it in self.ranked:
            for text, charts in ranked(it.differences):
                example = it.example[1] if it.example else ""
                rows.append([name, self.titles.get(name, ""), it.charts, text, charts, it.more, it.fewer, example])
        return table([COLUMNS, *rows])

    def rows(self) -> Iterator[tuple[str, str, str, list[str], str]]:
        """The summary for a table: name, title, charts, lines of what most often changes, the smallest example."""
        for name, it in self.ranked:
            shown = [f"{text} ({charts})" for text, charts in ranked(it.differences)[:DIFFERENCES]]
            if len(it.differences) > DIFFERENCES:
                shown.append(f"and {len(it.differences) - DIFFERENCES} other differences")
            example = it.example[1] if it.example else ""
            yield name, self.titles.get(name, ""), str(it.charts), shown, example
