"""What makes no difference to a claim, and what does: the same visit charted otherwise, and what was missing filled in.

Here are those that change how a visit is charted. In `test_properties` are the order of entries, other names and other
times; in `test_missing` that each value that is told gives what is told of it, in `test_departures` that each option
does, in `test_audit` and `test_audit_matching` that the order of billed lines decides nothing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import generate
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_missing import filled
from test_properties import CLOCK, Chart, coder, either, found, trying

from ivproof.claim.coding import Coder
from ivproof.engine.claims import units_of
from ivproof.engine.second import claims_of
from ivproof.whatif.missing import missing_facts

visits = generate.visits(range(1, 5))
some = st.randoms(use_true_random=False)

IN_NO_CODE = ("supplies", "iv_start", "monitoring", "education", "local_anesthesia", "drug_preparation")
"""Services that are part of every infusion and never have a code of their own."""

DILUENT = "normal saline"


@trying(12)
@given(either, some)
def test_the_order_of_sites_and_of_diagnoses_changes_no_code(chart: Chart, rng: random.Random) -> None:
    other = deepcopy(chart)
    for part in ("access_sites", "diagnoses"):
        rng.shuffle(other.get(part, []))
    assert len(set(map(repr, found([chart, other])))) == 1


def minute(text: str) -> int:
    match = CLOCK.match(text)
    assert match is not None
    return 60 * int(match["hour"]) + int(match["minute"])


def one_bag(it: Mapping[str, Any]) -> bool:
    """Whether an administration is a plain infusion, charted with clock times of one day."""
    times = [str(it.get(key)) for key in ("start", "stop")]
    plain = not {"bag", "pauses", "continues", "dose", "method"} & it.keys() and it["route"] == "IV"
    return plain and all(len(text) == 5 for text in times) and minute(times[1]) - minute(times[0]) > 1


@trying(12)
@given(visits, some)
def test_a_bag_may_be_charted_in_two_entries(chart: Chart, rng: random.Random) -> None:
    """As where its rate was changed: the entries follow one another and have one bag."""
    other = deepcopy(chart)
    bags = [it for it in other["administrations"] if one_bag(it)]
    assume(bags)
    first = rng.choice(bags)
    at = rng.randrange(minute(first["start"]) + 1, minute(first["stop"]))
    second = {**first, "id": "rest", "start": generate.clock(at), "bag": "one-bag"}
    first |= {"stop": generate.clock(at), "bag": "one-bag"}
    place = other["administrations"].index(first)
    other["administrations"].insert(place + 1, second)
    if other.get("primary_reason") == first["id"]:
        other["primary_reason"] = [first["id"], "rest"]
    assert len(set(map(repr, found([chart, other])))) == 1


@trying(12)
@given(visits, some)
def test_a_drug_and_its_fluid_may_be_one_entry_or_two(chart: Chart, rng: random.Random) -> None:
    one, two = deepcopy(chart), deepcopy(chart)
    drugs = [n for n, it in enumerate(chart["administrations"]) if one_bag(it) and it["drug"] in generate.DRUGS[:8]]
    assume(drugs)
    at = rng.choice(drugs)
    mixed = one["administrations"][at]
    mixed["drug"] = f"{mixed['drug']} in {DILUENT} 100 mL"
    drug = two["administrations"][at]
    drug["bag"] = "mixed"
    fluid = {key: drug[key] for key in ("route", "site", "start", "stop", "bag") if key in drug}
    two["administrations"].insert(at + rng.randrange(2), {"id": "fluid", "drug": DILUENT, **fluid})
    assert len(set(map(repr, found([chart, one, two])))) == 1


@trying(12)
@given(either, st.sampled_from(IN_NO_CODE), some)
def test_a_service_that_is_part_of_every_infusion_changes_no_code(chart: Chart, kind: str, rng: random.Random) -> None:
    other = deepcopy(chart)
    services = other.setdefault("services", [])
    services.insert(rng.randrange(len(services) + 1), {"kind": kind})
    assert len(set(map(repr, found([chart, other])))) == 1


@pytest.mark.parametrize("seed", [23])
def test_what_is_asked_for_and_filled_in_is_settled_and_raises_what_is_told(seed: int) -> None:
    """Whatever value is taken of each: what was told of it follows, and nothing else is left to ask in the end."""
    rng = random.Random(seed)
    asked = 0
    for n in range(30):
        if asked > 2:
            return
        chart = generate.encounter(generate.chart(rng, range(1, 4), f"C{seed}-{n}"))
        report = missing_facts(coder(), chart)
        while report.ask and report.complete:
            fact = report.fact(report.ask[0])
            outcome = rng.choice(fact.outcomes[:6])
            chart = filled(chart, fact, outcome.first or outcome.text.partition("–")[0])
            before, report = report, missing_facts(coder(), chart)
            told = {frozenset(it.units.items()) for it in outcome.claims}
            assert {frozenset(it.units.items()) for it in report.claims} == told, (chart.id, fact.place)
            assert set(report.ask) < {*before.ask, *before.raises}, (chart.id, fact.place)
            assert fact.place not in report.ask
            asked += 1
    pytest.fail("too few of these charts have anything to ask for")


@trying(8)
@given(generate.visits(range(1, 4)))
def test_each_option_that_would_give_another_claim_gives_it(chart: Chart) -> None:
    encounter = generate.encounter(chart)
    policy = coder().policy
    [determination] = assuming().code([encounter])
    assume(not determination.alternatives)
    for it in determination.readings:
        for letter, codes in it.otherwise.items():
            under = coder().under({it.question: letter})
            [answer] = under.engine.answer([under.facts(encounter)])
            claims = [dict(units_of(policy, claim).codes) for claim in claims_of(answer)]
            assert claims == [dict(codes)], (it.question, letter)


@cache
def assuming() -> Coder:
    """A coder that tells what other options would give."""
    return Coder(coder().policy, assumptions=True)
