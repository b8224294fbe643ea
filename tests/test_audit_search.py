"""How far an audit looks for what would make a claim right: one question read otherwise, two at once, any number."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import generate
import pytest
from command import chart, given_iv, run, write_lines

from ivproof.audit.auditor import Auditor, Look
from ivproof.audit.model import Audit, Kind, Verdict
from ivproof.audit.search import WaySearch
from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.engine.explorer import Exploration, Explorer
from ivproof.engine.nearby import FAR, TWO, NearExplorer
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")
CODER = Coder(POLICY)
HELD = {key: option for key, option in POLICY.settings().items() if option is not None}

DATA = chart(
    "D",
    given_iv("one", "ceftriaxone", "09:00", "10:31", method="infusion"),
    given_iv("two", "vancomycin", "09:00", "10:31", method="infusion"),
    given_iv("three", "famotidine", "10:40", "11:00"),
    given_iv("saline", "normal saline", "12:40", "14:11", purpose="hydration"),
)
"""Infusions whose lengths lie on thresholds: eleven questions touch the claim."""

BY_ONE = {"96365": 1, "96367": 1, "96368": 1, "96361": 1}
BY_TWO = {"96365": 1, "96367": 1, "96368": 1, "96360": 1}
"""The initial hydration stands beside an initial infusion, from which the pair file keeps it apart: see `MARKS`."""

BY_THREE = {"96367": 1}
BY_NONE = {"96367": 1, "96415": 2}

MARKS = {"96360": ("59",)}
"""The modifiers of the codes that are billed with one."""


def visit(units: dict[str, int]) -> Encounter:
    found = parse(DATA, Source("visit.json")).encounter
    assert found is not None
    lines = tuple(BilledLine(code=code, units=number, modifiers=MARKS.get(code, ())) for code, number in units.items())
    return found.model_copy(update={"billed": lines})


@cache
def auditor(look: Look) -> Auditor:
    return Auditor(POLICY, coder=CODER, search=look)


def audited(units: dict[str, int], look: Look) -> Audit:
    [found] = auditor(look).audit([visit(units)])
    return found


# --- what is found near


@pytest.mark.parametrize("seed", [None, 8, 10, 11, 24])
def test_what_is_near_is_all_that_few_readings_lead_to(seed: int | None) -> None:
    encounter = visit({}) if seed is None else generate.encounter(generate.visit(random.Random(seed), name="E"))
    facts = CODER.facts(encounter)
    [all_] = Explorer(POLICY).explore([facts])
    sizes = {it.claim: sum(key in HELD for key in it.readings) for it in all_.claims}
    for most in (1, 2):
        [near] = NearExplorer(POLICY, most=most).explore([facts])
        found = {it.claim: it for it in near.claims}
        assert {claim for claim, size in sizes.items() if size <= most} <= set(found) <= set(sizes)
        for claim, it in found.items():
            departing = {key: option for key, option in it.readings.items() if key in HELD}
            assert len(departing) <= most
            # and each way leads where it says, however the diagram was cut
            assert claim in all_.under({**HELD, **it.readings})
    [far] = NearExplorer(POLICY, most=FAR).explore([facts])
    assert far.complete and [it.claim for it in far.claims] == [it.claim for it in all_.claims]


def test_a_cut_is_told() -> None:
    facts = CODER.facts(visit({}))
    [near] = NearExplorer(POLICY, most=2).explore([facts])
    assert not near.complete
    plain = parse(chart("plain", given_iv("p", "Zofran", "10:00", None, method="push")), Source("v")).encounter
    assert plain is not None
    [found] = NearExplorer(POLICY, most=2).explore([CODER.facts(plain)])
    assert found.claims


# --- how far an audit goes


@pytest.mark.parametrize(
    ("units", "needed", "readings"),
    [(BY_ONE, 1, {"A3", "A17"}), (BY_TWO, 2, {"A3", "A17"}), (BY_THREE, 3, {"A17", "A20", "A39"})],
)
def test_a_claim_is_right_under_as_many_readings_as_it_needs_where_so_many_are_tried(
    units: dict[str, int], needed: int, readings: set[str]
) -> None:
    reach: dict[Look, int] = {"none": 0, "one": 1, "two": 2, "all": 3}
    for look, most in reach.items():
        found = audited(units, look)
        if most >= needed:
            assert found.verdict is Verdict.UNDER_READING, look
            assert found.way is not None and len(found.way.readings) == needed
            assert set(found.way.readings) <= readings
        else:
            assert found.verdict is not Verdict.UNDER_READING and found.way is None
            assert not found.searched and found.within == (most or None)


def test_what_was_tried_is_said_of_a_claim_that_nothing_makes_right() -> None:
    said = {look: audited(BY_NONE, look) for look in ("none", "one", "two", "all")}
    assert "No reading of the policy gives the whole claim by itself." in said["one"].message
    assert "nor do two together" in said["two"].message
    assert said["all"].searched and said["all"].within is None
    assert said["all"].message.endswith("No reading of the policy gives the whole claim.")
    assert "reading" not in said["none"].message
    assert len({it.verdict for it in said.values()}) == 1


def test_where_more_is_too_much_it_is_told_by_what_was_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else no open question is left out of a way: 'right with A26 read as A and A52 as B', where A52 is enough."""
    encounter, search = visit({}), WaySearch(CODER)
    found = CODER.code([encounter])
    before = search.one([encounter], found)
    monkeypatch.setattr(search._explorer(TWO), "explore", lambda charts: [Exploration(complete=False) for _ in charts])
    [further] = search.further([encounter], found, before, TWO)
    assert further.explored is before[0].explored is not None
    assert further.within == 1
    assert not further.complete


def test_a_claim_of_the_chart_itself_needs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    again = [given_iv(f"c{n}", "cefazolin", f"{n:02}:00", f"{n:02}:40") for n in (8, 14)]
    found = parse(chart("open", *again), Source("v")).encounter
    assert found is not None
    by = Auditor(POLICY, coder=CODER)
    monkeypatch.setattr(by, "_look", lambda drafts, drugs: [] if not drafts else pytest.fail("looked"))
    lines = (BilledLine(code="96365", units=1, modifiers=()), BilledLine(code="96376", units=1, modifiers=()))
    [audit] = by.audit([found.model_copy(update={"billed": lines})])
    assert audit.verdict is Verdict.UNDER_READING and audit.way is not None and audit.way.readings == {"A26": "C"}


# --- the command


LATE = chart(
    "L",
    given_iv("fluid", "lactated ringers", "22:10", None, method="infusion", purpose="hydration"),
    given_iv("drug", "vancomycin", "22:20", "00:31", method="infusion"),
)
"""A stop that is missing, and counts only where it lies after the drug beside it: at no length of its own."""


def test_every_minute_of_a_missing_stop_is_gone_through_where_its_lengths_tell_nothing() -> None:
    found = parse(LATE, Source("late.json")).encounter
    assert found is not None
    units = {"96365": 1, "96366": 1, "96361": 1}
    billed = tuple(BilledLine(code=code, units=number, modifiers=()) for code, number in units.items())
    [told] = auditor("two").audit([found.model_copy(update={"billed": billed})])
    assert told.verdict == Verdict.IF_DOCUMENTED
    assert told.way is not None
    assert told.way.given == {"administrations[fluid].stop": "2020-10-06T01:02"}


def test_a_line_that_several_values_of_a_fact_give_is_not_said_to_need_one_of_them() -> None:
    """With the injection as main reason the infusion is initial, too: 'only if it is the infusion' was not so."""
    data = chart(
        "R",
        {"id": "b12", "drug": "cyanocobalamin", "route": "IM", "start": "13:05"},
        given_iv("iron", "iron sucrose", "13:10", "13:26", method="infusion"),
        given_iv("push", "diphenhydramine", "13:30", None, method="push"),
        claim_type="professional",
        place_of_service="11",
    )
    found = parse(data, Source("reason.json")).encounter
    assert found is not None
    [told] = auditor("one").audit(
        [found.model_copy(update={"billed": (BilledLine(code="96365", units=1, modifiers=()),)})]
    )
    [line] = [it for it in told.lines if it.code == "96365"]
    assert line.kind is Kind.IF_DOCUMENTED
    assert line.message.startswith("96365 × 1 is supported for iron (initial, left-arm) if primary_reason is iron")


def charts(tmp_path: Path, count: int) -> Path:
    billed = [{"code": code, "units": units, "modifiers": [*MARKS.get(code, ())]} for code, units in BY_TWO.items()]
    return write_lines(tmp_path / "visits.jsonl", *({**DATA, "id": f"D{n}", "billed": billed} for n in range(count)))


def verdicts(file: Path, *options: str) -> set[tuple[str, Any]]:
    result = run("audit", file, "--format", "json", "--recheck", "none", "--jobs", "1", *options)
    assert result.exit_code == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {(it["verdict"], it["within"]) for it in found}


def test_of_many_claims_each_is_looked_into_less_far_unless_it_is_asked_for(tmp_path: Path) -> None:
    few, many = charts(tmp_path, 2), charts(tmp_path / "..", 21)
    assert verdicts(few) == {("correct_under_reading", 2)}
    assert verdicts(many) == {("overcoded_and_undercoded", 1)}
    assert verdicts(many, "--search", "two") == {("correct_under_reading", 2)}
    assert verdicts(few, "--search", "none") == {("overcoded_and_undercoded", None)}
    assert run("audit", few, "--search", "some").exit_code == 2
