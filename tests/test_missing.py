"""What a chart does not say: what each possible value leads to, what matters, and the fewest facts to ask for."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import generate
import pytest
from command import chart as plain_chart
from command import given_iv, run
from hypothesis import given, settings
from hypothesis import strategies as st

from ivproof.chart.encounter import Administration, Encounter, dumps
from ivproof.chart.facts import Facts
from ivproof.chart.files import scan
from ivproof.claim.coding import Coder
from ivproof.claim.determination import MissingFact
from ivproof.engine.choices import Atoms, ClaimKey
from ivproof.engine.second import claims_of
from ivproof.law.policy import Policy
from ivproof.unknowns import changes
from ivproof.unknowns.gaps import FURTHER, ONE, Time, acceptable, gaps
from ivproof.unknowns.values import closed
from ivproof.whatif.joint import joint
from ivproof.whatif.least import moment
from ivproof.whatif.missing import Missing, MissingReport, ValueOutcome, missing_facts

EXAMPLES = Path(__file__).parents[1] / "examples"


@cache
def coder() -> Coder:
    return Coder(Policy.load("out001"))


def visit(*administrations: dict[str, Any], **fields: Any) -> Encounter:
    return generate.encounter(plain_chart("E", *administrations, **fields))


def report(*administrations: dict[str, Any], **fields: Any) -> MissingReport:
    return missing_facts(coder(), visit(*administrations, **fields))


def first_engine(charts: list[Encounter]) -> list[frozenset[ClaimKey]]:
    return [claims_of(answer) for answer in coder().engine.answer([coder().facts(it) for it in charts])]


def units(claim: ClaimKey) -> frozenset[tuple[str, int]]:
    found = (text[len("total(") : -1].split(",") for text in claim if text.startswith("total("))
    return frozenset((code.strip('"'), int(count)) for code, count in found)


def stops(fact: Missing) -> list[tuple[str | None, str | None, list[dict[str, int]]]]:
    return [(it.first, it.last, [dict(claim.units) for claim in it.claims]) for it in fact.outcomes]


# --- times


def test_a_missing_stop_leads_to_ranges_that_meet_without_a_gap() -> None:
    found = report(given_iv("a", "ceftriaxone", "10:00", None)).fact("administrations[a].stop")
    assert found.matters == "alone"
    assert stops(found)[:3] == [
        ("10:00", "10:15", [{"96374": 1}]),
        ("10:16", "11:30", [{"96365": 1}]),
        ("11:31", "12:30", [{"96365": 1, "96366": 1}]),
    ]
    assert found.outcomes[-1].last == "2020-10-06T10:00"
    assert found.rules
    assert "stop" in found.messages[0]


def test_every_minute_of_a_missing_stop_is_in_the_range_that_the_first_engine_puts_it_in() -> None:
    chart = visit(
        given_iv("a", "normal saline", "09:00", None, purpose="hydration"),
        given_iv("b", "ceftriaxone", "09:50", "10:20"),
    )
    fact = missing_facts(coder(), chart).fact("administrations[a].stop")
    where = Time("administrations[a].stop", 0, "stop")
    seconds = [9 * 3600 + 60 * minute for minute in range(200)]
    solved = first_engine([where.put(chart, moment(at)) for at in seconds])
    for at, claims in zip(seconds, solved, strict=True):
        text = moment(at).text
        same_day = [it for it in fact.outcomes if it.first is not None and "T" not in it.first]
        [told] = [it for it in same_day if str(it.first) <= text <= str(it.last)]
        assert {frozenset(claim.units.items()) for claim in told.claims} == {units(claim) for claim in claims}


@settings(max_examples=10, deadline=None)
@given(generate.visits(range(1, 4)), st.integers(0, 3))
def test_at_both_ends_of_every_range_the_first_engine_has_the_claims_of_the_range(
    data: dict[str, Any], at: int
) -> None:
    timed = [it for it in data["administrations"] if it.get("start") and it.get("stop") and not it.get("pauses")]
    if not timed:
        return
    name = timed[at % len(timed)]["id"]
    timed[at % len(timed)]["stop"] = None
    chart = generate.encounter(data)
    given_ = next(n for n, it in enumerate(chart.administrations) if it.id == name)
    found = missing_facts(coder(), chart)
    where = Time(f"administrations[{name}].stop", given_, "stop")
    fact = next((it for it in found.facts if it.place == where.place), None)
    start = where.supposed(chart)
    if fact is None or start is None:
        return  # a push that is charted with one time lacks nothing
    assert fact.outcomes[0].first == start.moment.text
    charts, told = [], []
    minute = 0
    for it in fact.outcomes[:5]:
        claims = {frozenset(claim.units.items()) for claim in it.claims}
        charts.append(start.moved(chart, minute))
        while start.time(start.moved(chart, minute)).text != it.last:
            minute += 1
        charts.append(start.moved(chart, minute))
        told += [claims, claims]
        minute += 1
    solved = [{units(claim) for claim in claims} for claims in first_engine(charts)]
    assert solved == told


def test_a_missing_start_is_looked_for_before_the_stop() -> None:
    found = report(given_iv("a", "ceftriaxone", None, "10:31")).fact("administrations[a].start")
    assert (found.outcomes[-1].first, found.outcomes[-1].last) == ("10:16", "10:31")
    assert found.outcomes[0].first == "00:00"
    assert {"96366": 1, "96365": 1} in [dict(it.claims[0].units) for it in found.outcomes]


def test_without_both_times_each_matters_only_with_the_other() -> None:
    found = report(given_iv("a", "ceftriaxone", None, None))
    assert {it.field for it in found.facts} >= {"start", "stop"}
    assert set(found.ask) == {"administrations[a].start", "administrations[a].stop"}


@pytest.mark.parametrize(("start", "stop"), [(None, "09:30"), ("09:00", None), (None, None)])
def test_the_technique_matters_beside_a_time_that_is_missing(start: str | None, stop: str | None) -> None:
    """Without both times it can only be a push; a long push by hand stays one."""
    found = report(given_iv("a", "ceftriaxone", start, stop))
    fact = found.fact("administrations[a].method")
    assert fact.matters == "together"
    assert set(fact.when) == {it for it in found.ask if it.endswith((".start", ".stop"))} == set(found.ask)
    data = plain_chart("E", given_iv("a", "ceftriaxone", start, stop) | {it[19:]: at for it, at in fact.when.items()})
    charts = []
    for method in ({}, {"method": "push"}):
        data["administrations"][0].update(method)
        charts.append(generate.encounter(data))
    one, other = first_engine(charts)
    assert one != other


def test_the_end_of_a_pause_can_be_missing() -> None:
    found = report(given_iv("a", "vancomycin", "09:00", "10:40", pauses=[{"from": "09:20"}]))
    fact = found.fact("administrations[a].pauses[0].to")
    assert fact.outcomes[0].first == "09:20"
    assert fact.outcomes[-1].last == "10:40"


def test_a_start_to_the_second_has_stops_in_whole_minutes() -> None:
    fact = report(given_iv("a", "ceftriaxone", "10:00:20", None)).fact("administrations[a].stop")
    assert fact.outcomes[0].first == "10:01"


# --- other facts


@pytest.mark.parametrize(
    ("place", "administration", "fields"),
    [
        ("administrations[a].class", {"drug": "Unbekannt"}, {}),
        ("administrations[a].order", {"order": "none"}, {}),
        ("order", {}, {"order": "none"}),
        ("administrations[a].spinal_puncture", {"drug": "methotrexate", "route": "IT", "site": None}, {}),
        ("administrations[a].lesions", {"drug": "bleomycin", "route": "IL", "site": None}, {}),
    ],
)
def test_each_kind_of_fact_is_gone_through_value_by_value(
    place: str, administration: dict[str, Any], fields: dict[str, Any]
) -> None:
    chart = visit(given_iv("a", "ceftriaxone", "09:00", "09:40") | administration, **fields)
    fact = missing_facts(coder(), chart).fact(place)
    assert fact.matters == "alone"
    reported = [
        (str(it[0]), str(it[1]), str(it[2]))
        for it in coder().engine.plain([coder().facts(chart)])[0].get("missing", ())
    ]
    [gap] = [it for it in gaps(coder().policy, coder().facts(chart), reported) if it.place == place]
    solved = first_engine([value.put(chart) for value in gap.values])
    told = [{frozenset(claim.units.items()) for claim in it.claims} for it in fact.outcomes]
    assert {frozenset(it) for it in told} == {frozenset(units(claim) for claim in claims) for claims in solved}


def test_numbers_that_lead_to_the_same_stand_together() -> None:
    chart = visit(given_iv("a", "bleomycin", "09:00", "09:40") | {"route": "IL", "site": None})
    fact = missing_facts(coder(), chart).fact("administrations[a].lesions")
    assert [it.text.partition("–")[0] for it in fact.outcomes] == ["1", "8"]


def test_the_main_reason_of_an_office_visit() -> None:
    found = report(
        given_iv("a", "ceftriaxone", "09:00", "09:40"),
        given_iv("b", "infliximab", "09:40", "11:00"),
        place_of_service="11",
    )
    fact = found.fact("primary_reason")
    assert [it.text for it in fact.outcomes] == ["a", "b"]
    assert fact.outcomes[0].claims != fact.outcomes[1].claims
    assert found.ask == ("primary_reason",)


def test_a_site_that_is_not_documented_may_be_a_further_one() -> None:
    found = report(
        given_iv("a", "ceftriaxone", "09:00", "09:40"), given_iv("b", "vancomycin", "09:50", "10:50") | {"site": None}
    )
    fact = found.fact("administrations[b].site")
    assert fact.matters == "alone"
    assert [it.text for it in fact.outcomes] == ["left-arm", "a further access that was needed"]
    assert dict(fact.outcomes[1].claims[0].units) == {"96365": 2}


def test_why_a_further_access_was_needed() -> None:
    found = report(
        given_iv("a", "ceftriaxone", "09:00", "09:40"),
        given_iv("b", "vancomycin", "09:10", "10:10") | {"site": "right-arm"},
        access_sites=[{"id": "left-arm"}, {"id": "right-arm"}],
    )
    assert found.fact("access_sites[right-arm].necessity").matters == "alone"


def test_the_need_of_a_site_is_asked_for_wherever_it_stands_in_the_list() -> None:
    given = [
        given_iv("a", "ceftriaxone", "09:00", "09:40"),
        given_iv("b", "vancomycin", "09:10", "10:10") | {"site": "right-arm"},
    ]
    sites = [{"id": "left-arm"}, {"id": "right-arm"}]
    one, other = (report(*given, access_sites=it) for it in (sites, sites[::-1]))
    assert [(it.place, it.matters) for it in one.facts] == [("access_sites[right-arm].necessity", "alone")]
    assert [(it.place, it.matters) for it in other.facts] == [("access_sites[right-arm].necessity", "alone")]
    [determination] = coder().code([visit(*given, access_sites=sites[::-1])])
    assert [it.fact for it in determination.missing] == ["access_sites[right-arm].necessity"]
    with pytest.raises(KeyError):
        one.fact("access_sites[left-arm].necessity")


def test_an_unknown_drug_has_the_classes_that_the_law_tries() -> None:
    fact = report(given_iv("a", "Unbekannt", "09:00", "09:40")).fact("administrations[a].class")
    assert sorted(it.text for it in fact.outcomes) == ["chemotherapy", "therapeutic"]


def test_what_can_be_anything_is_named_and_not_tried() -> None:
    found = report(services=[{"kind": "evaluation_and_management", "separately_identifiable": True}])
    assert found.fact("services[0].code").matters == "not tried"
    assert found.ask == ()


def test_a_whole_chart_has_nothing_to_ask_for() -> None:
    found = report()
    assert found.facts == ()
    assert found.ask == ()
    assert found.complete


def test_a_push_with_one_time_lacks_nothing() -> None:
    assert report(given_iv("a", "ketorolac", "09:00", None, method="push")).facts == ()


# --- facts together


def test_an_emergency_chart_with_three_missing_stops_comes_back_as_two_questions() -> None:
    file = EXAMPLES / "13-what-to-ask.yaml"
    shown = run("missing", file, columns=110).stdout
    lines = [line.strip() for line in shown.splitlines()]
    begin = next(n for n, line in enumerate(lines) if "ask for" in line)
    asked = lines[begin + 1 : lines.index("", begin)]
    assert len(asked) == 2
    assert "saline-1" in asked[0]
    assert "ceftriaxone-1" in asked[1]
    found = json.loads(run("missing", file, "--format", "json").stdout)
    assert found["ask"] == ["administrations[saline-1].stop", "administrations[ceftriaxone-1].stop"]
    assert found["complete"]
    matters = {it["fact"]: it["matters"] for it in found["facts"]}
    assert matters["administrations[saline-2].stop"] == "no"


def test_the_facts_to_ask_for_settle_the_claim_and_no_fewer_do() -> None:
    chart = next(sheet.chart().encounter for sheet in scan([str(EXAMPLES / "10-missing-stop-times.yaml")]))
    assert chart is not None
    found = missing_facts(coder(), chart)
    assert set(found.ask) == {"administrations[vancomycin-1].stop", "administrations[saline-1].stop"}
    vancomycin, saline = Time("", 0, "stop"), Time("", 2, "stop")
    late = [None, *(moment(3600 * 14 + 60 * minute) for minute in (5, 40, 100))]
    charts = {
        (one, other): chart_with
        for one, other in product(late, late)
        for chart_with in [_with(_with(chart, vancomycin, one), saline, other)]
        if acceptable(chart_with)
    }
    solved = dict(zip(charts, first_engine(list(charts.values())), strict=True))
    # with one of them documented the claim still hangs on the other, so both have to be asked
    assert any(solved[one, late[1]] != solved[one, late[3]] for one in late[1:])
    assert any(solved[late[1], other] != solved[late[3], other] for other in late[1:])


def _with(chart: Encounter, where: Time, at: Any) -> Encounter:
    return chart if at is None else where.put(chart, at)


def test_a_fact_that_matters_only_with_another_is_found() -> None:
    # two facts, each of which changes the claim only where the other is documented as 1
    claims = {(1, 1): frozenset([frozenset([("total", "x", 1)])])}
    nothing = frozenset([frozenset([("total", "x", 2)])])
    found = joint([2, 1], [], lambda cell: claims.get((cell[0], cell[1]), nothing))
    assert found.complete
    assert found.matters == {0: {1: 1}, 1: {0: 1}}
    assert found.ask == (0, 1)


def test_what_matters_only_while_another_fact_is_not_documented_is_not_asked_for() -> None:
    # as with the technique of what has no stop: once the stop is there, the times tell it
    def claims(cell: tuple[int, ...]) -> frozenset[frozenset[tuple[str, ...]]]:
        return frozenset([frozenset([("total", f"code{cell[0] or 10 + cell[1]}", "1")])])

    found = joint([2, 2], [], claims)
    assert found.matters == {0: {}, 1: {}}
    assert found.ask == (0,)


def test_facts_that_nobody_asks_for_are_not_in_the_list() -> None:
    def claims(cell: tuple[int, ...]) -> frozenset[frozenset[tuple[str, ...]]]:
        return frozenset([frozenset([("total", f"code{cell}", "1")])])

    assert joint([2, 2], [0], claims).ask == (1,)


def test_too_many_facts_are_looked_at_in_pairs_and_it_is_said() -> None:
    def claims(cell: tuple[int, ...]) -> frozenset[frozenset[tuple[str, ...]]]:
        return frozenset([frozenset([("total", f"code{cell[2]}", "1")])])

    found = joint([5] * 8, [], claims)
    assert not found.complete
    assert found.ask == (2,)


def test_a_determination_says_of_a_missing_fact_what_the_report_does() -> None:
    rng = random.Random(2)
    seen = 0
    for n in range(24):
        chart = generate.encounter(generate.chart(rng, range(1, 4), f"C{n}"))
        if any(it.start is None and it.stop is None for it in chart.administrations):
            continue  # there either time changes the claim, but only with the other
        [determination] = coder().code([chart])
        if not determination.missing:
            continue
        found = missing_facts(coder(), chart)
        for it in determination.missing:
            fact = found.fact(it.fact)
            if it.would_change is not None and fact.field != "site":
                assert it.would_change == (fact.matters == "alone"), (chart.id, it.fact)
                seen += 1
    assert seen > 4


def test_a_drug_that_the_list_does_not_know_is_noted() -> None:
    found = report({"id": "x", "drug": "cefriaxone", "route": "IV", "start": "09:00", "stop": "10:00"})
    assert found.notes == (
        'administrations[x].drug: "cefriaxone" is not on the drug list; perhaps ceftriaxone is meant.',
    )
    assert found.as_dict()["notes"] == list(found.notes)


# --- each value that is told, put into the chart by whoever reads it


def filled(chart: Encounter, fact: Missing, text: str) -> Encounter:
    """The chart with a value of a missing fact, by the path and the words that the report tells."""
    data = dumps(chart)
    [*path, last] = filter(None, re.split(r"[][.]+", fact.place))
    at: Any = data
    for step in path:
        if isinstance(at, list):
            at = next((it for it in at if it.get("id") == step), None) or at[int(step)]
        else:
            at = at.setdefault(step, [])
    value: Any = {"yes": True, "no": False}.get(text, int(text) if text.isdecimal() else text)
    if last == "diagnoses":
        value = [text]
    if last == "access_sites":
        value = [{"id": ONE, "kind": text}]
    if text == "yes, by another":
        at["puncture_by"], value = "another", True
    if last == "site":
        sites = data.setdefault("access_sites", [])
        if not sites:
            sites.append({"id": ONE})
        if text == FURTHER and all(site["id"] != FURTHER for site in sites):
            sites.append({"id": FURTHER, "necessity": "protocol"})
    same = [at]
    if last == "class":  # an unknown drug has one class
        same = [it for it in data["administrations"] if it["drug"] == at["drug"] and "class" not in it]
    for it in same:
        it[last] = value
    return generate.encounter(data)


def claims_told(outcome: ValueOutcome) -> set[frozenset[tuple[str, int]]]:
    return {frozenset(it.units.items()) for it in outcome.claims}


@pytest.mark.parametrize("seed", [3, 4, pytest.param(5, marks=pytest.mark.slow)])
def test_each_value_that_is_told_gives_the_claims_that_are_told(seed: int) -> None:
    rng = random.Random(seed)
    told: list[tuple[Encounter, set[frozenset[tuple[str, int]]], str]] = []
    for n in range(12):
        chart = generate.encounter(generate.chart(rng, range(1, 4), f"C{seed}-{n}"))
        for fact in missing_facts(coder(), chart).facts:
            for outcome in fact.outcomes[:6]:
                texts = [outcome.first, outcome.last] if outcome.first else re.split("(?<=[0-9])–", outcome.text)
                for text in dict.fromkeys(filter(None, texts)):
                    told.append((filled(chart, fact, text), claims_told(outcome), f"{chart.id} {fact.place} {text}"))
    assert len(told) > 20
    for (_, claims, where), found in zip(told, first_engine([it for it, _, _ in told]), strict=True):
        assert {units(it) for it in found} == claims, where


# --- what every determination says of what is missing


def hanging(*administrations: dict[str, Any], **fields: Any) -> dict[str, MissingFact]:
    [determination] = coder().code([visit(*administrations, **fields)])
    return {it.fact: it for it in determination.missing}


TWO_UNPLACED = (
    {"id": "a", "drug": "ceftriaxone", "route": "IV", "method": "infusion", "start": "09:00", "stop": "09:30"},
    {"id": "b", "drug": "vancomycin", "route": "IV", "method": "infusion", "start": "09:00", "stop": "10:00"},
)


@pytest.mark.parametrize("sites", [[], [{"id": "arm"}], [{"id": "arm"}, {"id": "port"}]])
@pytest.mark.parametrize("diagnoses", [[], ["E86.0"]])
def test_a_fact_that_changes_nothing_does_not_hide_one_that_does(
    diagnoses: list[str], sites: list[dict[str, str]]
) -> None:
    found = hanging(*TWO_UNPLACED, diagnoses=diagnoses, access_sites=sites)
    assert found["administrations[a].site"].would_change is True
    assert found["administrations[b].site"].would_change is True
    if not diagnoses:
        assert found["diagnoses"].would_change is False
        assert "each kind that the law names" in found["diagnoses"].searched


def test_where_every_value_was_gone_through_none_is_solved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    plain = coder().engine.plain

    def counted(charts: Sequence[Facts]) -> list[Atoms]:
        tried.append(len(charts))
        return plain(charts)

    monkeypatch.setattr(coder().engine, "plain", counted)
    found = hanging(given_iv("x", "ceftriaxone", "09:00", None, method="infusion"))
    assert found["administrations[x].stop"].would_change is True
    assert tried == []


def beside_a_long_infusion(oral: int) -> dict[str, MissingFact]:
    """Saline without a stop outlasts a drug of more than eight hours only after the last threshold of a run."""
    tablets = [{"id": f"t{n}", "drug": "acetaminophen", "route": "PO", "start": "10:00"} for n in range(oral)]
    return hanging(
        {"id": "drug", "drug": "ceftriaxone", "route": "IV", "site": "arm", "start": "08:00", "stop": "17:30"},
        {"id": "saline", "drug": "normal saline", "route": "IV", "site": "arm", "start": "09:00"},
        *tablets,
        access_sites=[{"id": "arm"}],
        diagnoses=["E86.0"],
    )


@pytest.mark.parametrize("oral", [0, 9, 10, 11, 25])
def test_how_long_a_chart_is_does_not_decide_what_changes_its_claim(oral: int) -> None:
    assert beside_a_long_infusion(oral)["administrations[saline].stop"].would_change is True


def test_of_what_can_say_anything_it_is_not_known_whether_it_changes_the_claim() -> None:
    found = hanging(*TWO_UNPLACED, services=[{"kind": "evaluation_and_management", "separately_identifiable": True}])
    visit = found["services[0].code"]
    assert visit.would_change is None
    assert "anything" in visit.searched


def test_where_the_law_would_be_applied_too_often_it_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST", 2)
    found = hanging(*TWO_UNPLACED, diagnoses=[])
    assert found["diagnoses"].would_change is None
    assert "some values only" in found["diagnoses"].searched


def test_the_fields_of_which_the_format_lists_the_values_have_them_all() -> None:
    assert closed(Administration, "spinal_puncture") == (True, False)
    assert len(closed(Administration, "purpose")) == 7
    assert closed(Administration, "start") == closed(Administration, "billing_units") == ()
    with_schema = {
        name
        for name, it in Administration.model_json_schema(by_alias=False)["properties"].items()
        if "enum" in json.dumps(it) or "boolean" in json.dumps(it)
    }
    assert with_schema == {name for name in Administration.model_fields if closed(Administration, name)}


def test_the_product_is_asked_for_by_the_codes_that_may_be_meant() -> None:
    fact = report(given_iv("a", "bortezomib", "09:00", "09:10", billing_units=30), diagnoses=["C90.00"]).fact(
        "administrations[a].product"
    )
    assert fact.matters == "alone"
    lines = {it.text: [dict(claim.drugs) for claim in it.claims] for it in fact.outcomes}
    assert lines == {"J9041": [{"J9041 for a": 30}], "J9044": [{"J9044 for a": 30}]}


def test_the_container_of_what_was_discarded_is_asked_for() -> None:
    fact = report(given_iv("a", "pembrolizumab", "09:00", "09:30", billing_units=180, discarded_units=20)).fact(
        "administrations[a].container"
    )
    lines = {it.text: sorted(line for claim in it.claims for line in claim.drugs) for it in fact.outcomes}
    assert lines == {"single_dose": ["J9271 for a", "J9271-JW for a"], "multi_dose": ["J9271 for a"]}
