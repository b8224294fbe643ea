"""The pairs of features that worked cases have, and those that none has."""

from __future__ import annotations

from typing import Any

from command import run

from ivproof.cases.pairs import pairs_of

PUMP = {"id": "x", "drug": "fluorouracil", "route": "IV", "pump": "portable", "start": "09:00"}
FLUID = {"id": "y", "drug": "normal saline", "route": "IV", "start": "10:00", "stop": "10:30"}


def chart(*administrations: dict[str, Any]) -> dict[str, Any]:
    return {"id": "E", "place_of_service": "22", "date": "2020-10-05", "administrations": list(administrations)}


def test_a_pair_is_counted_where_both_features_stand_in_one_chart() -> None:
    found = pairs_of([chart(PUMP), chart(FLUID), chart(PUMP, FLUID)])
    assert found.count("pump", "fluid") == found.count("fluid", "pump") == 1
    assert ("fluid", "pump") not in found.without
    assert ("midnight", "pump") in found.without


def test_every_feature_has_a_meaning_and_a_name_of_its_own() -> None:
    found = pairs_of([])
    assert len(found.features) == 35
    assert all(meaning.endswith(".") for meaning in found.features.values())
    assert len(found.without) == 35 * 34 // 2


def test_a_chart_that_is_refused_has_no_features() -> None:
    assert not pairs_of([{"id": "E"}]).cases


def test_the_command_names_the_pairs_without_a_case(tmp_path: Any) -> None:
    law = tmp_path / "law"
    law.mkdir()
    (law / "one.yaml").write_text(
        """case: one
encounter:
  {id: E, place_of_service: "11", date: 2020-10-05,
   administrations: [{id: x, drug: ceftriaxone, route: IV, method: push}]}
expect: {claim: {"96374": 1}}
""",
        "utf-8",
    )
    found = run("policy", "coverage", "--cases", tmp_path)
    assert found.exit_code == 0
    output = found.output
    assert "pairs of 35 features" in output
    assert "not tested together: midnight, pump" in output
    assert "not tested together: office, push" not in output
