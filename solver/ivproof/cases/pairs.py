"""Pairs of features: which two features of the chart format stand together in a worked case.

Faults are found where two features meet (a shared bag and the same drug again, a pump and hydration). What a feature is
says ``asp/features.lp``, rules over the facts of a chart; the second engine asks them of each case.

>>> found = pairs_of([{"id": "E", "place_of_service": "11", "date": "2020-10-05", "administrations": [
...     {"id": "x", "drug": "ceftriaxone", "route": "IV", "method": "push", "start": "09:00"}]}])
>>> found.count("office", "push"), found.count("office", "pump")
(1, 0)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from ivproof import recheck
from ivproof.chart.facts import facts_of
from ivproof.chart.reading import parse
from ivproof.chart.refusal import Source
from ivproof.checks.coverage import documents
from ivproof.drugs.listing import DrugList
from ivproof.law.policy import law_folder

_RULE = re.compile(r"^% (?P<sentence>.+)\n(?P<rules>(?:feature\(\w+\) :-.*\n)+)", re.MULTILINE)
_NAME = re.compile(r"^feature\((\w+)\)")


@dataclass(frozen=True)
class Pairs:
    """The features of the format, each with what it means, and how many cases have both of a pair of them."""

    features: Mapping[str, str]
    cases: Mapping[tuple[str, str], int]

    def count(self, one: str, other: str) -> int:
        """Say how many cases have both features."""
        return self.cases.get((min(one, other), max(one, other)), 0)

    @property
    def without(self) -> list[tuple[str, str]]:
        """The pairs that stand together in no case."""
        return [pair for pair in combinations(sorted(self.features), 2) if not self.cases.get(pair)]

    def as_dict(self) -> dict[str, Any]:
        """Give the pairs as plain data."""
        return {
            "features": dict(self.features),
            "pairs": len(self.features) * (len(self.features) - 1) // 2,
            "without_case": [list(pair) for pair in self.without],
        }


def pairs_of_cases(folder: Path) -> Pairs:
    """Count the pairs of features in all cases of a folder of worked cases. Raises PolicyError where one is no YAML."""
    return pairs_of(data["encounter"] for data in documents(folder) if isinstance(data.get("encounter"), Mapping))


def pairs_of(charts: Iterable[Mapping[str, Any]]) -> Pairs:
    """Count the pairs of features in charts as plain data; a chart that the format refuses has none."""
    text = (law_folder() / "features.lp").read_text("utf-8")
    program = recheck.Program(recheck.parse(text, "features.lp"))
    drugs = DrugList.load(law_folder() / "drugs")
    found: Counter[tuple[str, str]] = Counter()
    for chart in charts:
        encounter = parse(chart, Source("case")).encounter
        if encounter is None:
            continue
        answer = program.derive(recheck.parse_facts(facts_of(encounter, drugs, ()).text()))
        found.update(combinations(sorted(str(atom[1]) for atom in answer.of("feature", 1)), 2))
    meanings = {_NAME.match(it["rules"])[1]: it["sentence"] for it in _RULE.finditer(text)}  # type: ignore[index]
    return Pairs(meanings, found)
