"""Small visits for tests of explanations."""

from __future__ import annotations

from typing import Any

from ivproof.chart.encounter import Encounter
from ivproof.chart.reading import Source, parse


def visit(*administrations: dict[str, Any], **more: Any) -> Encounter:
    """A visit to a hospital outpatient clinic, everything given IV at one site unless it is said otherwise."""
    given = [{"route": "IV", "site": "arm", **it} for it in administrations]
    data = {
        "id": "E",
        "place_of_service": "22",
        "date": "2020-10-05",
        "diagnoses": ["C50.911"],
        "access_sites": [{"id": "arm"}],
        "administrations": given,
        **more,
    }
    found = parse(data, Source("visit.yaml"))
    assert found.encounter is not None, found.refusals
    return found.encounter


LONG_DAY = visit(
    {"id": "onda", "drug": "ondansetron", "start": "09:00", "stop": "09:20"},
    {"id": "dexa", "drug": "dexamethasone", "method": "push", "start": "09:22", "stop": "09:24"},
    {"id": "pacli", "drug": "paclitaxel", "start": "09:30", "stop": "12:35"},
    {"id": "carbo", "drug": "carboplatin", "start": "12:40", "stop": "13:40"},
    {"id": "saline", "drug": "normal saline", "purpose": "hydration", "start": "13:40", "stop": "14:20"},
    {"id": "mag", "drug": "magnesium sulfate", "start": "09:35", "stop": "10:35"},
)
"""Six administrations of every kind."""

EQUALS = visit(
    {"id": "one", "drug": "ceftriaxone", "method": "push", "start": "09:00", "stop": "09:02"},
    {"id": "two", "drug": "ketorolac", "method": "push", "start": "09:10", "stop": "09:12"},
)
"""Two pushes of equal rank and length."""
