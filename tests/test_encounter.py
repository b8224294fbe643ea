"""The checked model of a chart: what it keeps, what it makes of times, and that it comes back whole."""

from __future__ import annotations

import copy
import datetime as dt
import doctest
import json
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ivproof.chart import clock, consistency, refusal, strict_json, yaml12
from ivproof.chart import encounter as encounter_module
from ivproof.chart import files as charts_module
from ivproof.chart.encounter import Encounter, Moment, digest, dumps, schema
from ivproof.chart.fields import compare_key
from ivproof.chart.reading import Source, parse

SOURCE = Source("visit.yaml")
MINUTE, HOUR, DAY = 60, 3600, 86400
BY_SCHEMA = jsonschema.Draft202012Validator(schema())


def chart(*administrations: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Make a chart of administrations that need to say only what a test is about."""
    given_ = [{"id": f"a{i}", "drug": "ceftriaxone", "route": "IV", **it} for i, it in enumerate(administrations)]
    return {
        "id": "ENC-1",
        "place_of_service": "22",
        "date": "2020-10-05",
        "administrations": given_,
        **fields,
    }


def accepted(data: dict[str, Any]) -> Encounter:
    read = parse(data, SOURCE)
    assert read.encounter is not None, [str(refusal) for refusal in read.refusals]
    return read.encounter


def refused(data: object) -> list[str]:
    read = parse(data, SOURCE)
    assert read.encounter is None
    return [f"{refusal.place}: {refusal.message}" for refusal in read.refusals]


# --- What is kept


def test_what_a_chart_leaves_out_stays_open() -> None:
    encounter = accepted({"id": "ENC-1", "place_of_service": "22", "date": "2020-10-05"})
    assert (encounter.claim_type, encounter.order, encounter.regulated_facility) == (
        "facility",
        "signed",
        False,
    )
    assert encounter.payer is None
    assert encounter.administrations == ()
    assert encounter.access_sites == ()
    assert encounter.primary_reason == ()
    [it] = accepted(chart({})).administrations
    assert (it.start, it.stop, it.site, it.method, it.drug_class, it.order) == (None,) * 6


def test_lists_may_be_null_as_in_a_template() -> None:
    names = ["diagnoses", "access_sites", "administrations", "services", "billed", "primary_reason"]
    encounter = accepted(chart() | dict.fromkeys(names))
    assert [getattr(encounter, name) for name in names] == [()] * 6


def test_fields_that_are_words_of_python_have_other_names() -> None:
    [it] = accepted(chart({"class": "hydration", "pauses": [{"from": "09:00"}]})).administrations
    assert it.drug_class == "hydration"
    assert it.pauses[0].from_ == Moment(9 * HOUR, 0, "09:00")


def test_main_reasons_are_one_or_many() -> None:
    assert accepted(chart({}, {}, primary_reason="a1")).primary_reason == ("a1",)
    assert accepted(chart({}, {}, primary_reason=["a0", "a1"])).primary_reason == ("a0", "a1")


def test_text_is_compared_trimmed_and_composed_but_kept_as_charted() -> None:
    decomposed = "Bra\u0308unule "
    encounter = accepted(chart({"site": decomposed}, access_sites=[{"id": "Br\u00e4unule"}]))
    assert encounter.administrations[0].site == decomposed
    assert compare_key(decomposed) == compare_key(encounter.access_sites[0].id)
    assert refused(chart({"id": "a"}, {"id": " a"})) != []


def test_text_may_hold_anything_but_nothing() -> None:
    odd = 'x"). %* #script (python) \n\u202e\u0000'
    encounter = accepted(chart({"id": odd, "drug": odd}, primary_reason=odd))
    assert encounter.administrations[0].drug == odd


def test_a_site_is_a_reference_on_vascular_routes_only() -> None:
    accepted(chart({"route": "IM", "site": "left deltoid"}))
    for route in ("IV", "IA"):
        assert "access site" in refused(chart({"route": route, "site": "left deltoid"}))[0]


def test_an_access_site_may_be_listed_after_what_it_was_replaced_by() -> None:
    accepted(chart(access_sites=[{"id": "second", "replaces": "first"}, {"id": "first"}]))


def test_a_chart_is_frozen_and_its_data_left_alone() -> None:
    data = chart({"start": "09:00", "pauses": None})
    before = copy.deepcopy(data)
    encounter = accepted(data)
    assert data == before
    with pytest.raises(ValidationError):
        encounter.payer = "another"
    hash(encounter)


def test_a_date_may_come_from_a_reader_that_knows_dates() -> None:
    assert accepted(chart(date=dt.date(2020, 10, 5))).date == dt.date(2020, 10, 5)
    assert refused(chart(date=dt.datetime(2020, 10, 5))) != []


# --- Times


@pytest.mark.parametrize(
    ("start", "stop", "seconds"),
    [
        ("09:00", "09:30", 30 * MINUTE),
        ("09:00", "09:00", 0),
        ("09:00:00", "09:15:59", 15 * MINUTE + 59),
        ("09:00", "08:59", 23 * HOUR + 59 * MINUTE),
        ("23:30", "00:00", 30 * MINUTE),
        ("00:00", "23:59", 23 * HOUR + 59 * MINUTE),
        ("09:00:30", "09:00:00", 24 * HOUR - 30),
        (" 09:00 ", "09:30", 30 * MINUTE),
        ("2020-10-05T09:00", "09:30", 30 * MINUTE),
        ("2020-10-06T23:30", "00:10", 40 * MINUTE),
        ("23:30", "2020-10-06T00:10", 40 * MINUTE),
        ("2020-10-05T09:00", "2020-10-07T10:00", 49 * HOUR),
        ("2020-10-05 09:00", "2020-10-05t09:00:30.000", 30),
        ("2020-10-05T09:00+02:00", "2020-10-05T08:00Z", HOUR),
        ("2020-10-05T09:00-0400", "2020-10-05T09:00-05", HOUR),
        ("2020-10-05T23:00-04:00", "00:30", 90 * MINUTE),
        ("2020-10-05T13:00Z[America/New_York]", "09:30", 30 * MINUTE),
        ("2020-10-05T09:00[America/New_York]", "2020-10-05T09:30-04:00[!America/New_York]", 30 * MINUTE),
    ],
)
def test_a_run_lasts_from_start_to_stop(start: str, stop: str, seconds: int) -> None:
    [it] = accepted(chart({"start": start, "stop": stop})).administrations
    assert it.start is not None
    assert it.stop is not None
    assert it.stop.seconds - it.start.seconds == seconds
    assert (it.start.text, it.stop.text) == (start, stop)


@pytest.mark.parametrize(
    ("date", "start", "stop", "hours"),
    [
        ("2020-10-31", "2020-10-31T23:00[America/New_York]", "2020-11-01T03:00[America/New_York]", 5),
        ("2020-10-31", "2020-10-31T23:00[America/New_York]", "03:00", 5),
        ("2020-10-31", "2020-10-31T23:00-04:00", "2020-11-01T03:00-05:00", 5),
        ("2020-10-31", "2020-10-31T23:00", "2020-11-01T03:00", 4),
        (
            "2020-11-01",
            "2020-11-01T01:30-04:00[America/New_York]",
            "2020-11-01T01:30-05:00[America/New_York]",
            1,
        ),
        ("2021-03-13", "2021-03-13T23:00[America/New_York]", "2021-03-14T03:00[America/New_York]", 3),
        ("2021-03-13", "2021-03-13T23:00", "2021-03-14T03:00", 4),
    ],
)
def test_in_the_night_of_the_clock_change_the_time_that_went_by_counts(
    date: str, start: str, stop: str, hours: int
) -> None:
    [it] = accepted(chart({"start": start, "stop": stop}, date=date)).administrations
    assert it.start is not None
    assert it.stop is not None
    assert it.stop.seconds - it.start.seconds == hours * HOUR


def test_all_administrations_are_on_one_axis() -> None:
    encounter = accepted(
        chart(
            {"start": "2020-10-05T09:00-04:00[America/New_York]"},
            {"start": "10:00"},
            {"start": "2020-10-05T15:00Z"},
            inpatient_order_at="12:00",
        )
    )
    starts = [it.start.seconds for it in encounter.administrations if it.start is not None]
    assert starts == [9 * HOUR, 10 * HOUR, 11 * HOUR]
    assert encounter.inpatient_order_at == Moment(12 * HOUR, 0, "12:00")


def test_the_day_is_that_of_the_wall_clock() -> None:
    [it] = accepted(
        chart({"start": "2020-10-06T01:00Z[America/New_York]", "stop": "2020-10-06T05:00Z"})
    ).administrations
    assert it.start == Moment(21 * HOUR, 0, "2020-10-06T01:00Z[America/New_York]")
    assert it.stop == Moment(25 * HOUR, 1, "2020-10-06T05:00Z")


def test_a_stop_without_a_start_belongs_to_the_date() -> None:
    [it] = accepted(chart({"stop": "00:30"})).administrations
    assert it.stop == Moment(30 * MINUTE, 0, "00:30")


def test_pauses_follow_their_administration_over_midnight() -> None:
    pauses = [{"from": "00:10", "to": "00:20"}, {"from": "23:50", "to": "00:05"}]
    [it] = accepted(chart({"start": "23:30", "stop": "01:00", "pauses": pauses})).administrations
    spans = [(pause.from_, pause.to) for pause in it.pauses]
    assert spans[0] == (Moment(DAY + 600, 1, "00:10"), Moment(DAY + 1200, 1, "00:20"))
    assert spans[1] == (Moment(DAY - 600, 0, "23:50"), Moment(DAY + 300, 1, "00:05"))


def test_pauses_may_touch_each_other_and_the_ends() -> None:
    pauses = [{"from": "09:00", "to": "09:10"}, {"from": "09:10", "to": "09:30"}]
    accepted(chart({"start": "09:00", "stop": "09:30", "pauses": pauses}))


def test_a_pause_whose_ends_are_not_documented_is_kept() -> None:
    pauses = [{"from": "09:10", "reason": "reaction"}, {"reason": "pump alarm"}]
    [it] = accepted(chart({"start": "09:00", "stop": "09:30", "pauses": pauses})).administrations
    assert it.pauses[0].to is None
    assert it.pauses[1].from_ is None


def test_an_inpatient_order_may_precede_the_date() -> None:
    order = accepted(chart({"start": "09:00"}, inpatient_order_at="2020-10-04T22:00")).inpatient_order_at
    assert order == Moment(-2 * HOUR, -1, "2020-10-04T22:00")


def test_the_same_times_on_another_date_give_the_same_run() -> None:
    for start, stop in (("09:00", "10:31"), ("2020-12-31T23:50", "2021-01-01T00:10")):
        [it] = accepted(chart({"start": start, "stop": stop}, date="2020-12-31")).administrations
        assert it.start is not None
        assert it.stop is not None
        assert it.stop.seconds > it.start.seconds


# --- What is refused; the files in broken/ have the rest


def test_nothing_else_is_said_of_a_worked_case() -> None:
    [said] = refused({"case": "x", "encounter": chart(), "expect": {}})
    assert "worked case" in said
    [said] = refused({"encounter": "E-1", "status": "determined", "claim": []})
    assert "answer about a chart" in said


def test_a_missing_drug_is_told_once_although_the_id_would_be_made_of_it() -> None:
    for one in ({"route": "IV"}, {"id": None, "route": "IV"}):
        [said] = refused(chart() | {"administrations": [one]})
        assert "drug" in said and "id," not in said


def test_every_pause_inside_another_is_told() -> None:
    spans = [("09:00", "09:50"), ("09:10", "09:20"), ("09:30", "09:40"), ("09:50", "09:55")]
    pauses = [{"from": begin, "to": end} for begin, end in spans]
    said = refused(chart({"start": "09:00", "stop": "10:00", "pauses": pauses}))
    assert len(said) == 2
    assert all("pauses[0]" in it for it in said)


@pytest.mark.parametrize("data", [None, 7, True, "text", [], [1], {1: 2}, {}, {"administrations": {"a": 1}}])
def test_data_of_any_kind_is_refused_and_not_raised(data: object) -> None:
    assert refused(data)


def test_what_is_shown_cannot_break_the_line() -> None:
    read = parse(chart({"route": "\n\u001b[2J\u202e"}, id="a\nb"), SOURCE)
    said = str(read.refusals[0])
    assert said.isprintable()
    assert "\\n" in said


def test_free_text_is_not_repeated_where_structure_was_expected() -> None:
    assert "Doe" not in refused(chart(administrations=["Jane Doe had 1 l of saline"]))[0]
    assert "Doe" not in refused(chart(remarks="Jane Doe"))[0]
    assert "Doe" not in refused(chart(services=["Jane Doe had 1 l of saline"]))[0]


# --- What is taken in more than one form


def test_numbers_stand_for_ids_and_places() -> None:
    given_ = [{"id": 1, "drug": "x", "route": "IV", "site": 7}, {"id": "2", "drug": "x", "route": "IV", "continues": 1}]
    encounter = accepted(
        {"id": 1001, "place_of_service": 2, "date": "2020-10-05", "primary_reason": 1, "access_sites": [{"id": 7}]}
        | {"administrations": given_}
    )
    assert (encounter.id, encounter.place_of_service, encounter.primary_reason) == ("1001", "02", ("1",))
    first, second = encounter.administrations
    assert (first.id, first.site, second.continues) == ("1", "7", "1")
    assert dumps(encounter)["place_of_service"] == "02"


@pytest.mark.parametrize("fields", [{"id": True}, {"id": 1.0}, {"place_of_service": True}, {"place_of_service": 100}])
def test_what_is_no_whole_number_of_its_kind_is_no_id_and_no_place(fields: dict[str, Any]) -> None:
    assert refused(chart(**fields))


def test_an_administration_without_an_id_gets_one_of_its_drug() -> None:
    bare = {"route": "IV"}
    data = {**chart(), "administrations": [{"drug": "Ceftriaxone", **bare}, {"drug": "NS 0.9%", **bare}]}
    data["administrations"] += [
        {"id": "ceftriaxone-2", "drug": "x", **bare},
        {"id": None, "drug": "ceftriaxone", **bare},
    ]
    before = copy.deepcopy(data)
    encounter = accepted(data)
    assert data == before
    names = [it.id for it in encounter.administrations]
    assert names == ["ceftriaxone-1", "ns-1", "ceftriaxone-2", "ceftriaxone-3"]
    assert accepted(dumps(encounter)) == encounter
    printed = ["cefTRIAXone (ROCEPHIN) 1 g in NS 50 mL", "5-FU", "0.9% saline", "%%", "/x", "insulin, regular"]
    encounter = accepted({**chart(), "administrations": [{"drug": it, **bare} for it in printed]})
    assert [it.id for it in encounter.administrations] == [
        *("ceftriaxone-1", "5-fu-1", "0-9-saline-1", "drug-1", "x-1", "insulin-1")
    ]
    assert accepted({**data, "primary_reason": "ceftriaxone-1"}).primary_reason == ("ceftriaxone-1",)


def test_a_field_of_another_place_is_told_where_it_belongs() -> None:
    told = refused({**chart({"primary_reason": True, "frobnicate": 1}), "start": "09:00", "kind": "port"})
    assert any(
        it.endswith("primary_reason: found a field that is not known here, expected it as a field of the encounter")
        for it in told
    )
    assert any(
        it.endswith("start: found a field that is not known here, expected it in administrations") for it in told
    )
    assert any(it.endswith("kind: found a field that is not known here, expected it in access_sites") for it in told)
    assert any("frobnicate: found a field that is not known here, expected one of id, drug" in it for it in told)


def test_services_may_be_words() -> None:
    encounter = accepted(chart(services=["IV start", "blood-draw", {"kind": "flush", "done": False}]))
    assert [it.kind for it in encounter.services] == ["iv_start", "blood_draw", "flush"]
    assert dumps(encounter)["services"][0] == {"kind": "iv_start"}
    assert "did you mean iv_start?" in refused(chart(services=["iv strat"]))[0]


def test_amounts_have_a_number_and_a_unit() -> None:
    encounter = accepted(chart({"amount": "1,250.5 mg", "vials": [{"size": "1 Gram", "count": 2}, {"size": "500 mg"}]}))
    [it] = encounter.administrations
    assert it.amount is not None
    assert (str(it.amount.number), it.amount.unit) == ("1250.5", "mg")
    assert [(str(vial.size.number), vial.size.unit, vial.count) for vial in it.vials] == [
        ("1", "g", 2),
        ("500", "mg", 1),
    ]
    assert dumps(encounter)["administrations"][0]["amount"] == "1,250.5 mg"
    for wrong in (679, "679", "mg", "0 mg", "-5 mg", "5 parsecs", "1,25 mg", ""):
        assert "administrations[0].amount" in refused(chart({"amount": wrong}))[0], wrong
    assert "administrations[0].vials[0].size" in refused(chart({"vials": [{"count": 2}]}))[0]


def test_a_denial_is_kept_with_its_line() -> None:
    denied = {"group": "CO", "reason": 97, "remark": "M15", "text": "bundled", "date": "2024-03-02", "amount": 74.0}
    [line] = accepted(chart(billed=[{"code": "96361", "denied": denied}])).billed
    assert line.denied is not None
    assert (line.denied.reason, line.denied.remark, line.denied.amount) == ("97", ("M15",), 74)
    for wrong in ({"group": "XX"}, {"reason": "ninety"}, {"remark": "15"}, {"date": "03/02/2024"}, {"amount": -1}):
        assert "billed[0].denied" in refused(chart(billed=[{"code": "96361", "denied": wrong}]))[0]


# --- The time zone of the house

NEW_YORK = "America/New_York"


def times_of(data: dict[str, Any]) -> list[tuple[int, int]]:
    [it] = accepted(data).administrations
    return [(time.seconds, time.day) for time in (it.start, it.stop) if time is not None]


def test_a_date_time_with_an_offset_is_dated_in_the_zone() -> None:
    late = {"start": "2020-10-06T01:30:00Z", "stop": "2020-10-05T19:45-07:00"}
    assert times_of(chart(late, time_zone=NEW_YORK)) == [(77400, 0), (81900, 0)]
    assert times_of(chart(late))[0] == (86400 + 5400, 1)


def test_clock_times_are_read_in_the_zone_beside_date_times() -> None:
    mixed = {"start": "2020-10-06T01:30:00Z", "stop": "22:15"}
    assert times_of(chart(mixed, time_zone=NEW_YORK)) == [(77400, 0), (80100, 0)]
    after_midnight = {"start": "2020-10-06T03:30:00Z", "stop": "00:10"}
    assert times_of(chart(after_midnight, time_zone=NEW_YORK)) == [(84600, 0), (87000, 1)]
    without_offset = {"start": "2020-10-05T21:30", "stop": "2020-10-06T02:30Z"}
    assert times_of(chart(without_offset, time_zone=NEW_YORK)) == [(77400, 0), (81000, 0)]


def test_the_night_of_the_clock_change_is_counted_as_it_was() -> None:
    autumn = chart({"start": "23:00", "stop": "03:00"}, date="2020-10-31", time_zone=NEW_YORK)
    assert times_of(autumn) == [(23 * HOUR, 0), (28 * HOUR, 1)]
    spring = chart({"start": "23:00", "stop": "03:00"}, date="2021-03-13", time_zone=NEW_YORK)
    assert times_of(spring) == [(23 * HOUR, 0), (26 * HOUR, 1)]
    twice = chart({"start": "2020-11-01T01:30"}, date="2020-11-01", time_zone=NEW_YORK)
    assert "twice" in refused(twice)[0]
    never = chart({"start": "02:30"}, date="2021-03-14", time_zone=NEW_YORK)
    assert "skip" in refused(never)[0]


def test_a_zone_that_is_none_is_refused() -> None:
    for wrong in ("Eastern", "localtime", "", 5):
        assert refused(chart(time_zone=wrong))[0].startswith("time_zone"), wrong


@given(st.integers(0, 20 * 60), st.integers(0, 180), st.sampled_from(["Z", "-07:00", "+05:45"]))
def test_a_chart_in_utc_is_the_chart_of_the_house(begin: int, length: int, offset: str) -> None:
    """Outside nights of a clock change, the zone and the offset of a time change neither its date nor its seconds."""
    east = {"Z": 0, "-07:00": -420, "+05:45": 345}[offset]

    def written(minutes: int) -> str:
        there = dt.datetime(2020, 10, 5, 4) + dt.timedelta(minutes=minutes + east)
        return there.isoformat(timespec="minutes") + offset

    local = [f"{it // 60:02}:{it % 60:02}" for it in (begin, begin + length)]
    house = chart({"start": local[0], "stop": local[1]})
    away = chart({"start": written(begin), "stop": written(begin + length)}, time_zone=NEW_YORK)
    assert times_of(away) == times_of(house)


# --- In and out again


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)


def clock_times() -> st.SearchStrategy[str]:
    return st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in fields.items()})


ADMINISTRATIONS = st.builds(
    dict.__or__,
    st.fixed_dictionaries({"drug": texts(), "route": st.sampled_from(["IV", "IM", "SQ", "IL", "PO"])}),
    optional(
        start=clock_times(),
        stop=clock_times() | clock_times().map("2020-10-06T{}".format),
        lumen=texts(),
        dose=texts(),
        method=st.sampled_from(["push", "infusion"]),
        premixed=st.booleans(),
        volume_ml=st.floats(0, 5000) | st.integers(0, 5000),
        billing_units=st.integers(0, 999),
        order=st.sampled_from(["signed", "none"]),
        pauses=st.just([{"reason": "reaction"}]),
        **{"class": st.sampled_from(["chemotherapy", "hydration"])},
    ),
)


@st.composite
def charts(draw: st.DrawFn) -> dict[str, Any]:
    parts = draw(st.lists(ADMINISTRATIONS, max_size=4))
    ids = draw(st.lists(texts(), min_size=len(parts), max_size=len(parts), unique_by=compare_key))
    data = {
        "id": draw(texts()),
        "place_of_service": draw(st.sampled_from(["11", "22", "23"])),
        "date": "2020-10-05",
        "administrations": [{"id": id_, **part} for id_, part in zip(ids, parts, strict=True)],
        "primary_reason": draw(st.lists(st.sampled_from(ids), max_size=2)) if ids else None,
        "diagnoses": draw(st.lists(st.sampled_from(["E86.0", "Z51.11", "G35"]), max_size=3)),
        "services": draw(st.lists(st.sampled_from([{"kind": "flush"}, {"kind": "iv_start", "done": False}]))),
        "billed": draw(st.lists(st.just({"code": "A0000", "units": 2, "modifiers": ["59"]}), max_size=1)),
    }
    return data | draw(optional(payer=texts(), inpatient_order_at=clock_times()))


@settings(max_examples=60, deadline=None)
@given(charts())
def test_a_chart_comes_back_whole(data: dict[str, Any]) -> None:
    encounter = accepted(data)
    plain = dumps(encounter)
    assert parse(json.loads(json.dumps(plain)), SOURCE).encounter == encounter
    assert dumps(accepted(plain)) == plain
    assert digest(accepted(plain)) == digest(encounter)
    BY_SCHEMA.validate(data)
    BY_SCHEMA.validate(plain)


def test_what_is_written_is_what_was_charted() -> None:
    data = chart(
        {"start": "9:00".zfill(5), "stop": "2020-10-05T09:30:00", "class": "therapeutic", "volume_ml": 100},
        primary_reason=["a0"],
    )
    assert dumps(accepted(data)) == data


def test_the_digest_is_that_of_the_content() -> None:
    same = chart({"volume_ml": 100.0, "method": None}, order="signed")
    reordered = dict(reversed(chart({"volume_ml": 100}).items()))
    assert digest(accepted(same)) == digest(accepted(reordered))
    assert digest(accepted(same)) != digest(accepted(chart({"volume_ml": 101})))
    assert digest(accepted(same)).startswith("sha256:")


def test_the_examples_in_the_documentation_run() -> None:
    for module in (charts_module, clock, consistency, encounter_module, refusal, strict_json, yaml12):
        assert doctest.testmod(module).failed == 0


# --- The schema


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Give every part of a schema that describes an object."""
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for child in node.values():
            yield from objects(child)


def test_the_schema_is_one_and_describes_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    parts = list(objects(schema()))
    assert len(parts) == 9
    for part in parts:
        assert part["description"]
        assert part["additionalProperties"] is False
        for name, field in part["properties"].items():
            assert len(field.get("description", "")) > 10, name


def test_the_schema_has_the_names_of_the_format() -> None:
    administration = schema()["$defs"]["Administration"]["properties"]
    assert {"class", "hormonal", "rate_ml_per_h", "discarded_units"} < set(administration)
    assert not {"drug_class", "from_"} & {name for part in objects(schema()) for name in part["properties"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"place_of_service": 222},
        {"date": "10/05/2020"},
        {"order": None},
        {"diagnoses": ["E860"]},
        {"remarks": "unknown"},
        {"time_zone": 5},
        {"services": [5]},
        {"inpatient_order_at": "9:00"},
        {"administrations": [{"id": "a", "drug": "x"}]},
        {"administrations": [{"id": "a", "drug": "x", "route": "iv"}]},
        {"administrations": [{"id": " ", "drug": "x", "route": "IV"}]},
        {"administrations": [{"id": "a", "drug": "x", "route": "IV", "billing_units": -1}]},
        {"administrations": [{"id": "a", "drug": "x", "route": "IV", "start": "24:00"}]},
        {"billed": [{"code": 96365}]},
    ],
)
def test_the_schema_and_the_reader_refuse_the_same_shapes(fields: dict[str, Any]) -> None:
    data = chart() | fields
    assert refused(data)
    assert list(BY_SCHEMA.iter_errors(data))
