"""What people write where the format has another form for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ivproof.chart.encounter import dumps
from ivproof.chart.files import read
from ivproof.chart.written import in_format

CHART = """
id: A
place_of_service: "22"
date: {date}
administrations:
  - {{id: x, drug: ceftriaxone, route: {route}, start: {start}, {stop}}}
"""


def read_as(tmp_path: Path, **fields: str) -> Any:
    written = {"date": "2024-03-02", "route": "IV", "start": '"09:00"', "stop": 'stop: "10:00"', **fields}
    file = tmp_path / "chart.yaml"
    file.write_text(CHART.format(**written), "utf-8")
    [chart] = read([str(file)])
    return chart


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"0900"', "09:00"),
        ("0900", "09:00"),
        ('"2359"', "23:59"),
        ('"9:05 am"', "09:05"),
        ("9 AM", "09:00"),
        ('"12:30 a.m."', "00:30"),
        ('"12:30pm"', "12:30"),
        ('"2024-03-02 0905"', "2024-03-02 09:05"),
        ('"2024-03-02T9:05 AM"', "2024-03-02T09:05"),
        ("9:05a", "09:05"),
        ('"1:05:30 PM"', "13:05:30"),
        ("0905h", "09:05"),
        ("0905 hrs", "09:05"),
        ("3/25/2024 1:30 PM", "2024-03-25 13:30"),
        ("25-Mar-2024 0905", "2024-03-25 09:05"),
        ("2024-03-02 09:05:00", "2024-03-02 09:05:00"),
    ],
)
def test_a_time_with_one_meaning_is_taken(tmp_path: Path, written: str, meant: str) -> None:
    chart = read_as(tmp_path, start=written, stop="done: true")
    assert chart.refusals == ()
    assert dumps(chart.encounter)["administrations"][0]["start"] == meant


@pytest.mark.parametrize(
    "written", ["30", "930", '"2400"', '"0960"', "23.00", '"13:05 pm"', '"0 am"', '"9:30"', "true", "2400"]
)
def test_another_time_is_refused_at_its_place(tmp_path: Path, written: str) -> None:
    [refusal] = read_as(tmp_path, start=written, stop="done: true").refusals
    assert "chart.yaml:6: A: administrations[0].start: found" in str(refusal)


@pytest.mark.parametrize("written", ['""', '"?"', "unknown", "not documented", "N/A", "--"])
def test_a_word_for_a_time_that_is_not_documented_is_none(tmp_path: Path, written: str) -> None:
    chart = read_as(tmp_path, stop=f"stop: {written}")
    assert chart.refusals == ()
    assert "stop" not in dumps(chart.encounter)["administrations"][0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3/25/2024", "2024-03-25"),
        ("25/3/2024", "2024-03-25"),
        ("4/4/2024", "2024-04-04"),
        ("03-25-2024", "2024-03-25"),
        ("2024/3/2", "2024-03-02"),
        ("20240302", "2024-03-02"),
        ("2 Mar 2024", "2024-03-02"),
        ("'March 2, 2024'", "2024-03-02"),
        ("02-MAR-2024", "2024-03-02"),
    ],
)
def test_a_date_is_taken_where_it_has_one_meaning(tmp_path: Path, written: str, meant: str) -> None:
    assert dumps(read_as(tmp_path, date=written).encounter)["date"] == meant


@pytest.mark.parametrize("field", ["date", "start"])
@pytest.mark.parametrize(
    ("written", "ending"), [("3/2/2024", "2024-03-02, or 2024-02-03?"), ("3-25-24", ": 2024-03-25?")]
)
def test_a_date_with_two_meanings_is_refused_with_both(tmp_path: Path, field: str, written: str, ending: str) -> None:
    found = f"{written} 10:00" if field == "start" else written
    [refusal] = read_as(tmp_path, **{field: found}).refusals
    assert f'found "{found}"' in str(refusal)
    assert str(refusal).endswith(ending)


@pytest.mark.parametrize(
    ("written", "route", "method"),
    [
        ("IVP", "IV", "push"),
        ("IV  Push", "IV", "push"),
        ("ivpb", "IV", "infusion"),
        ("SC", "SQ", None),
        ("SubQ", "SQ", None),
        ("iv", "IV", None),
        ("I.V. push", "IV", "push"),
        ("intralesional", "IL", None),
    ],
)
def test_a_word_for_a_route_says_the_method_as_well(
    tmp_path: Path, written: str, route: str, method: str | None
) -> None:
    [given] = dumps(read_as(tmp_path, route=written).encounter)["administrations"]
    assert (given["route"], given.get("method")) == (route, method)


def test_a_word_for_a_route_beside_another_method_is_refused(tmp_path: Path) -> None:
    [refusal] = read_as(tmp_path, route="IVPB", stop="method: push").refusals
    assert 'administrations[0].route: found "IVPB"' in str(refusal)


def test_the_end_is_the_stop_unless_both_are_there(tmp_path: Path) -> None:
    [given] = dumps(read_as(tmp_path, stop="end: '1030'").encounter)["administrations"]
    assert given["stop"] == "10:30"
    [refusal] = read_as(tmp_path, stop='stop: "10:00", end: "10:30"').refusals
    assert "administrations[0].end" in str(refusal)


@pytest.mark.parametrize(
    "odd",
    [
        None,
        7,
        [],
        {"administrations": 3},
        {"administrations": [None, {"route": [], "method": [], "pauses": [1]}]},
        {1: 2},
    ],
)
def test_what_is_no_chart_is_left_for_the_reader_to_refuse(odd: object) -> None:
    assert in_format(odd) == odd


def test_what_is_in_the_format_stays_as_it_is() -> None:
    chart = {
        "date": "2024-03-02",
        "administrations": [{"route": "IV", "start": "09:00", "stop": None, "method": "push"}],
    }
    assert in_format(chart) == chart


def plain(text: str, tmp_path: Path) -> Any:
    file = tmp_path / "chart.yaml"
    file.write_text(f"id: A\nplace_of_service: 22\ndate: 2024-03-02\n{text}", "utf-8")
    [chart] = read([str(file)])
    return chart


GIVEN = "administrations: [{drug: zofran, route: IVP, "


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("access_sites: [left arm, port]", "access_sites: [{id: left arm}, {id: port}]"),
        ("access_sites: left arm", "access_sites: [{id: left arm}]"),
        ("access_sites: {id: a, kind: PIV}", "access_sites: [{id: a, kind: peripheral}]"),
        ("diagnoses: 'E86.0, R11.2'", "diagnoses: [E86.0, R11.2]"),
        ("diagnoses: e860 r112", "diagnoses: [E86.0, R11.2]"),
        ("diagnoses: [E860, I10]", "diagnoses: [E86.0, I10]"),
        ("services: IV start; flush", "services: [{kind: iv_start}, {kind: flush}]"),
        ("billed: '96365, 96375-59 x2'", "billed: [{code: '96365'}, {code: '96375', units: 2, modifiers: ['59']}]"),
        (
            "billed: [96365, {code: j0696, units: '4', modifiers: jz}]",
            "billed: [96365, {code: J0696, units: 4, modifiers: [JZ]}]",
        ),
        ("billed: [{code: 96365, modifiers: 59}]", "billed: [{code: '96365', modifiers: ['59']}]"),
        ("Claim type: Facility", "claim_type: facility"),
        (GIVEN + "Start: 0900, Stop time: 0910}]", GIVEN + "start: '09:00', stop: '09:10'}]"),
        (GIVEN + "volume_ml: 50 mL, rate_ml_per_h: 100 mL/hr}]", GIVEN + "volume_ml: 50, rate_ml_per_h: 100}]"),
        (GIVEN + "ordered_minutes: 30 min, billing_units: '4'}]", GIVEN + "ordered_minutes: 30, billing_units: 4}]"),
        (GIVEN + "vials: [500 mg, 100 mg]}]", GIVEN + "vials: [{size: 500 mg}, {size: 100 mg}]}]"),
        (GIVEN + "pauses: 0930-0945}]", GIVEN + "pauses: [{from: '09:30', to: '09:45'}]}]"),
        (GIVEN + "pauses: {start: 0930, end: 0945}}]", GIVEN + "pauses: [{from: '09:30', to: '09:45'}]}]"),
        (
            GIVEN + "premixed: yes, purpose: KVO, class: Therapeutic}]",
            GIVEN + "premixed: true, purpose: keep_open, class: therapeutic}]",
        ),
    ],
)
def test_what_has_one_meaning_is_the_same_chart(written: str, same: str, tmp_path: Path) -> None:
    found, meant = plain(written, tmp_path), plain(same, tmp_path)
    assert (found.refusals, meant.refusals) == ((), ())
    assert found.encounter == meant.encounter


@pytest.mark.parametrize(
    ("written", "refused"),
    [
        ("access_sites: 'left arm, 20 gauge'", "access_sites: found text"),
        ("access_sites: [a, A a, a]", "access_sites[2].id"),
        ("diagnoses: E86.0 dehydration", "diagnoses: found text"),
        ("billed: [9636]", "billed[0].code: found 9636"),
        ("billed: [{code: '96365', modifiers: 5}]", "billed[0].modifiers[0]: found 5"),
        (GIVEN + "volume_ml: 50 mg}]", 'volume_ml: found "50 mg"'),
        (GIVEN + "billing_units: '4.5'}]", "billing_units: found 4.5"),
        (GIVEN + "method: bolus}]", 'method: found "bolus"'),
        (GIVEN + "end: 0910, stopped: 0920}]", "administrations[0].stopped"),
        (GIVEN + "start: 0900, Start: 0910}]", "administrations[0].Start"),
        (GIVEN + "route: drip}]", "this field a second time"),
        ("administrations: {a: {drug: zofran, route: IV}}", "administrations: found fields, expected a list"),
    ],
)
def test_what_has_two_meanings_or_none_is_refused_at_its_place(written: str, refused: str, tmp_path: Path) -> None:
    assert any(refused in str(it) for it in plain(written, tmp_path).refusals)


def test_a_word_of_another_kind_is_not_taken_for_a_route(tmp_path: Path) -> None:
    [refusal] = plain("administrations: [{drug: zofran, route: drip}]", tmp_path).refusals
    assert "did you mean" not in str(refusal)
