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


@pytest.mark.parametrize(
    ("written", "meant"), [("3/25/2024", "2024-03-25"), ("25/3/2024", "2024-03-25"), ("4/4/2024", "2024-04-04")]
)
def test_a_date_with_slashes_is_taken_where_one_number_is_no_month(tmp_path: Path, written: str, meant: str) -> None:
    assert dumps(read_as(tmp_path, date=written).encounter)["date"] == meant


def test_a_date_with_two_meanings_is_refused_with_both(tmp_path: Path) -> None:
    [refusal] = read_as(tmp_path, date="3/2/2024").refusals
    assert 'found "3/2/2024"' in str(refusal)
    assert str(refusal).endswith("2024-03-02, or 2024-02-03?")


@pytest.mark.parametrize(
    ("written", "route", "method"),
    [
        ("IVP", "IV", "push"),
        ("IV  Push", "IV", "push"),
        ("ivpb", "IV", "infusion"),
        ("SC", "SQ", None),
        ("SubQ", "SQ", None),
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
