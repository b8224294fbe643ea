"""Writes a chart and what follows from it as a worked case, which `ivproof policy test` accepts as it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from ivproof.cases.judging import units
from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.yaml12 import text_of
from ivproof.claim.determination import UNDECIDED, Determination, Exclusion
from ivproof.claim.profiles import Profiles


def case_of(encounter: Encounter, found: Determination, readings: Mapping[str, str]) -> dict[str, Any]:
    """Give the case of a chart, as plain data: the chart, the readings that were set, and what follows."""
    held = {"readings": dict(readings)} if readings else {}
    return {"case": encounter.id, "encounter": dumps(encounter), **held, "expect": expectation(found)}


def expectation(found: Determination) -> dict[str, Any]:
    """Give what a case can expect of a determination: everything that is sent, left out, missing or open.

    Texts are not part of it: a reworded sentence is no other answer.
    """
    first, *then = found.diagnoses or (None,)
    expect: dict[str, Any] = {"status": found.status, "claim": units(found.claim)}
    if found.alternatives:
        claims = {json.dumps(units(it.lines), sort_keys=True): units(it.lines) for it in found.alternatives}
        expect["claims"] = list(claims.values())
    marks: dict[str, list[str]] = {}
    for line in found.claim:
        held = marks.setdefault(line.code, [])
        held += [it for it in line.modifiers if it not in held]
    return expect | {
        "modifiers": marks,
        "drug_lines": [
            {key: it[key] for key in ("code", "units", "modifiers")}
            for it in (line.as_dict() for line in found.drug_lines)
        ],
        "diagnoses": {"first_listed": first, "then": then},
        "excluded": list(map(_named, found.excluded)),
        "findings": list(map(_named, found.findings)),
        "missing": [
            it.fact if it.would_change is None else {"fact": it.fact, "would_change": it.would_change}
            for it in found.missing
        ],
    }


def _named(it: Exclusion) -> dict[str, Any]:
    return {"subject": it.subject, "name": it.name}


def as_item(case: Mapping[str, Any]) -> str:
    """Write a case as YAML, as one item of a list, so that one can be put below another.

    >>> print(as_item({"case": "A", "expect": {"claim": {"96365": 1}}}), end="")
    - case: A
      expect:
        claim: {'96365': 1}
    """
    return "- " + indent(text_of(dict(case)), "  ").removeprefix("  ")


@dataclass(frozen=True, slots=True)
class AsCase:
    """A form of answers (see `batch.Job`): the case of a chart, coded by these profiles."""

    profiles: Profiles

    def __call__(self, encounter: Encounter, found: Determination) -> bytes:
        """Give the case as YAML; nothing for a chart that was left undecided, which is told elsewhere."""
        if found.status == UNDECIDED:
            return b""
        readings = self.profiles.of(encounter.payer).readings
        return as_item(case_of(encounter, found, readings)).encode()
