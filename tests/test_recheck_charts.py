"""The second engine knows a chart: it refuses what the reader of charts refuses, and makes the same of the rest."""

from __future__ import annotations

import doctest
import time
from copy import deepcopy
from typing import Any

import pytest
from case_files import options, worked
from chart_fuzz import compare, facts_differ, run

from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.reading import Source, parse
from ivproof.drugs.listing import DrugList
from ivproof.law.policy import law_folder
from ivproof.recheck import chart, times
from ivproof.recheck.chart import ChartError, normal
from ivproof.recheck.facts import FIELDS, WITHOUT_FACT
from ivproof.recheck.steps import same

CHARTS = 2500


def visit(**changes: Any) -> dict[str, Any]:
    """A chart with one infusion, `first`, and one injection, `second`; a name with a dot is a field of the infusion."""
    first = {"id": "first", "drug": "ceftriaxone", "route": "IV", "site": "arm", "start": "09:00", "stop": "09:40"}
    second = {"id": "second", "drug": "ketorolac", "route": "IM", "start": "10:00"}
    found: dict[str, Any] = {
        "id": "E",
        "place_of_service": "22",
        "date": "2021-05-04",
        "access_sites": [{"id": "arm"}, {"id": "port"}],
        "administrations": [first, second],
    }
    for name, value in changes.items():
        (first if name.startswith("its_") else found)[name.removeprefix("its_")] = value
    return found


def test_mutated_charts_are_accepted_by_both_readers_or_by_none_and_mean_the_same() -> None:
    counted, data, difference = run(0, CHARTS)
    assert not difference, (data, difference)
    assert min(counted["accepted"], counted["refused"]) > CHARTS / 10


MARKS = "\u0300\u0316"
"""Two accents whose order is not the one that Unicode gives them: to order many takes time by the square of them."""


@pytest.mark.parametrize(
    "changes",
    [
        {"its_drug": "a" + MARKS * 60_000},
        {"its_id": "a" + MARKS * 60_000},
        {"id": MARKS * 60_000},
        {"its_drug": "a" + " " * 60_000 + "b", "its_id": None},
        {"its_amount": "5" + " " * 60_000 + "!"},
        {"its_continues": MARKS * 60_000, "date": "never"},
        {"access_sites": [{"id": "arm", "replaces": MARKS * 60_000}]},
        {"administrations": [{"drug": "x", "route": "IV"} for _ in range(6_000)]},
        {"administrations": [{"id": f"a{n}", "drug": "x", "route": "IM", "continues": f"b{n}"} for n in range(3_000)]},
        {"primary_reason": ["first"] * 20_000},
    ],
    ids="-".join,
)
def test_no_chart_keeps_its_readers_busy(changes: dict[str, Any]) -> None:
    begin = time.process_time()
    assert compare(visit(**changes))[0] == ""
    assert time.process_time() - begin < 20


@pytest.mark.parametrize(("field", "most"), [("its_drug", 1000), ("its_lumen", 1000), ("payer", 1000), ("note", 10**5)])
def test_a_text_has_a_length(field: str, most: int) -> None:
    for length, accepted in ((most, True), (most + 1, False)):
        assert compare(visit(**{field: "x" * length})) == ("", accepted)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"its_pauses": [{"from": "12:00", "to": "14:00"}]}, "administrations[0].pauses[0]"),
        ({"its_pauses": [{"from": "08:00", "to": "09:10"}]}, "administrations[0].pauses[0]"),
        ({"its_pauses": [{"from": "2021-05-04T09:30", "to": "2021-05-04T09:10"}]}, "administrations[0].pauses[0]"),
        ({"its_pauses": [{"from": "09:05", "to": "09:20"}, {"from": "09:10", "to": "09:25"}]}, "administrations[0].p"),
        ({"its_start": "2021-05-04T10:00", "its_stop": "2021-05-04T09:00"}, "administrations[0].stop"),
        ({"its_start": "2021-05-04T09:00+09:00[America/New_York]"}, "administrations[0].start"),
        ({"its_start": "2021-05-04T09:00+23:59"}, "administrations[0].start"),
        ({"its_start": "2021-05-04T09:00[America]"}, "administrations[0].start"),
        ({"its_start": "2021-05-04T09:00-04:00", "its_stop": "2021-05-04T10:00"}, "administrations[0].stop"),
        ({"date": "2021-03-14", "its_start": "2021-03-14T02:30[America/New_York]"}, "administrations[0].start"),
        ({"date": "2021-11-07", "its_start": "2021-11-07T01:30[America/New_York]"}, "administrations[0].start"),
        ({"its_start": "2022-05-06T09:00"}, "administrations[0].start"),
        ({"its_diagnostic": "false"}, "administrations[0].diagnostic"),
        ({"its_diagnostic": 0}, "administrations[0].diagnostic"),
        ({"regulated_facility": "no"}, "regulated_facility"),
        ({"its_class": "biologic"}, "administrations[0].class"),
        ({"its_class": "a,b"}, "administrations[0].class"),
        ({"its_lesions": -3}, "administrations[0].lesions"),
        ({"its_lesions": True}, "administrations[0].lesions"),
        ({"its_volume_ml": "abc"}, "administrations[0].volume_ml"),
        ({"its_volume_ml": "1e3000000"}, "administrations[0].volume_ml"),
        ({"its_volume_ml": float("inf")}, "administrations[0].volume_ml"),
        ({"its_volume_ml": {}}, "administrations[0].volume_ml"),
        ({"its_continues": "first"}, "administrations[0].continues"),
        ({"its_site": "leg"}, "administrations[0].site"),
        ({"its_purpose": "unheard-of"}, "administrations[0].purpose"),
        ({"its_route": "iv"}, "administrations[0].route"),
        ({"access_sites": [{"id": "arm", "replaces": "arm"}]}, "access_sites[0].replaces"),
        (
            {"access_sites": [{"id": "arm", "replaces": "port"}, {"id": "port", "replaces": "arm"}]},
            "access_sites[0].replaces",
        ),
        ({"access_sites": [{"id": "arm"}, {"id": " arm"}]}, "access_sites[1].id"),
        ({"place_of_service": "xx"}, "place_of_service"),
        ({"place_of_service": '22"'}, "place_of_service"),
        ({"place_of_service": "\uff12\uff12"}, "place_of_service"),
        ({"date": "20210504"}, "date"),
        ({"date": "2021-02-29"}, "date"),
        ({"billed": "whatever"}, "billed"),
        ({"billed": [{"code": "96365", "units": 0}]}, "billed[0].units"),
        ({"pla\u0441e_of_service": "11"}, "the chart"),
        ({"primary_reason": ["nobody"]}, "primary_reason[0]"),
        ({"id": "\ud800"}, "id"),
        ({"time_zone": "Europe/\ud800"}, "time_zone"),
    ],
)
def test_what_no_visit_can_be_is_refused_where_it_stands(changes: dict[str, Any], place: str) -> None:
    assert normal(visit()) == visit()
    with pytest.raises(ChartError) as error:
        normal(visit(**changes))
    assert str(error.value).startswith(place)
    assert parse(visit(**changes), Source("test")).encounter is None


def test_equal_charts_have_one_form() -> None:
    said = visit(claim_type="facility", payer=None, services=None, primary_reason="first", its_volume_ml=250.0)
    assert same(normal(said), visit(primary_reason=["first"], its_volume_ml=250))
    assert normal(said) == dumps(_encounter(said))


@pytest.mark.parametrize("changes", [{}, {"payer": None}, {"its_hormonal": None}, {"diagnoses": []}])
def test_a_chart_is_left_as_it_was(changes: dict[str, Any]) -> None:
    data = visit(**changes)
    before = deepcopy(data)
    normal(data)
    assert data == before


def test_every_field_of_the_format_has_a_fact_or_is_named_among_those_without() -> None:
    shapes = {
        "": chart._CHART,
        "administrations": chart._ADMINISTRATION,
        "access_sites": chart._SITE,
        "services": chart._SERVICE,
        "pauses": chart._PAUSE,
        "earlier_visit": chart._EARLIER,
    }
    for part, fields in shapes.items():
        assert {*FIELDS[part].split(), *WITHOUT_FACT[part]} == fields.keys(), part


def test_the_charts_of_all_worked_cases_mean_the_same_to_both_engines() -> None:
    drugs = DrugList.load(law_folder() / "drugs")
    for case in [*worked("law"), *worked("published"), *options()]:
        content = dumps(case.encounter)
        assert same(normal(content), content), case.name
        assert not facts_differ(case.encounter, content, drugs), case.name


@pytest.mark.parametrize("data", [None, 7, "x", [], {}, [visit()], {"encounter": visit()}, {"id": []}])
def test_what_is_no_chart_is_refused(data: object) -> None:
    assert compare(data) == ("", False)


def test_the_examples_in_the_modules_are_true() -> None:
    for module in (chart, times):
        assert doctest.testmod(module).failed == 0


def _encounter(data: dict[str, Any]) -> Encounter:
    found = parse(data, Source("test")).encounter
    assert found is not None
    return found
