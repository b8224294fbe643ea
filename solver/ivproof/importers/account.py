"""The account that an importer gives: what became of each row, what was noticed, and the sums.

>>> account = Account("rows")
>>> account.read("visit.csv", 2, order="17", action="New Bag")
0
>>> account.use(0)
>>> account.report()["rows"]
{'read': 1, 'used': 1, 'voided': 0, 'left_out': 0}
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.chart.refusal import Refusal

USED = "used"


Natural = tuple[tuple[int, int, str], ...]


def natural(text: str) -> Natural:
    """Give what texts are sorted by so that numbers in them count as numbers: ``9`` before ``10``.

    >>> sorted(["10", "9", "a-2", "a-10"], key=natural)
    ['9', '10', 'a-2', 'a-10']
    """
    # by length and digits: a number may have more digits than Python reads
    digits = frozenset("0123456789")
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    keys = [(0, len(it.lstrip("0")), it.lstrip("0")) if it[0] in digits else (1, 0, it) for it in parts]
    return (*keys, (2, 0, text))  # 7 and 07 are not one


@dataclass
class ImportFinding:
    """Something about an order of an encounter that its reader should know; `items` are the rows it was seen in."""

    kind: str
    message: str
    encounter: str | None = None
    order: str | None = None
    resource: str | None = None
    count: int = 0
    items: list[int] = field(default_factory=list)


@dataclass
class _Item:
    about: dict[str, Any]
    fate: str | None = None


class Account:
    """Keeps what became of each item of an input; `unit` is what an item is called: rows, resources."""

    def __init__(self, unit: str) -> None:
        """Begin with nothing read."""
        self.unit = unit
        self._items: list[_Item] = []
        self._findings: dict[tuple[str, str | None, str | None, str | None], ImportFinding] = {}
        self.refusals: list[Refusal] = []

    def read(self, file: str, number: int | None, **about: str | None) -> int:
        """Take note of an item of the input; give the number by which the account knows it."""
        place = {"file": file, "row": number}
        self._items.append(_Item({**place, **{key: value for key, value in about.items() if value is not None}}))
        return len(self._items) - 1

    def use(self, item: int) -> None:
        """Say that something of the item stands in a chart."""
        self._items[item].fate = USED

    def void(self, item: int, reason: str) -> None:
        """Say that the item counts for nothing: a copy of another one, or taken back."""
        self._items[item].fate = f"voided: {reason}"

    def leave_out(self, item: int, reason: str) -> None:
        """Say why the item is in no chart; what is used already stays used."""
        if self._items[item].fate != USED:
            self._items[item].fate = f"left_out: {reason}"

    def unused(self, item: int, reason: str) -> None:
        """Say why an item that had been used is in no chart after all."""
        self._items[item].fate = f"left_out: {reason}"

    def find(
        self,
        kind: str,
        message: str,
        items: Iterable[int],
        *,
        encounter: str | None = None,
        order: str | None = None,
        resource: str | None = None,
        count: int = 1,
    ) -> None:
        """Note something; of one kind there is one finding for an order, with how often it was seen."""
        key = (kind, encounter, order, resource)
        finding = self._findings.setdefault(key, ImportFinding(kind, message, encounter, order, resource))
        finding.count += count
        finding.items += items

    def of(self, item: int) -> Mapping[str, Any]:
        """Give what an item is known by."""
        return self._items[item].about

    def fate(self, item: int) -> str | None:
        """Give what became of an item, as far as that is known."""
        return self._items[item].fate

    @property
    def findings(self) -> Sequence[ImportFinding]:
        """Give what was noticed, by encounter, order and kind."""
        return sorted(
            self._findings.values(),
            key=lambda it: (natural(it.encounter or ""), natural(it.order or it.resource or ""), it.kind),
        )

    def report(self) -> dict[str, Any]:
        """Give the sums, the findings and what became of each item, as plain data."""
        if forgotten := [it.about for it in self._items if it.fate is None]:
            raise AssertionError(f"{len(forgotten)} {self.unit} are not accounted for")
        reasons: dict[str, Counter[str]] = {"voided": Counter(), "left_out": Counter()}
        used = 0
        for item in self._items:
            state, _, reason = str(item.fate).partition(": ")
            if reason:
                reasons[state][reason] += 1
            else:
                used += 1
        sums = {state: sum(counted.values()) for state, counted in reasons.items()}
        several = len({it.about["file"] for it in self._items}) > 1
        return {
            self.unit: {"read": len(self._items), "used": used, **sums},
            **{state: dict(sorted(counted.items())) for state, counted in reasons.items()},
            "findings": [self._told(it, several) for it in self.findings],
            "fates": [
                {key: value for key, value in it.about.items() if value is not None and (several or key != "file")}
                | {"fate": it.fate}
                for it in self._items
            ],
        }

    def _told(self, finding: ImportFinding, several: bool) -> dict[str, Any]:
        about = {"kind": finding.kind, "encounter": finding.encounter, "order": finding.order}
        told: dict[str, Any] = {key: value for key, value in about.items() if value is not None}
        if finding.resource is not None:
            told["resource"] = finding.resource
        told["count"] = finding.count
        places = [self._items[it].about for it in sorted(set(finding.items))]
        rows = [place["row"] for place in places if place["row"] is not None]
        if several:
            told["files"] = [place["file"] for place in places]
        if rows:
            told["rows"] = rows
        told["message"] = finding.message
        return told
