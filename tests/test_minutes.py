"""The law over all minutes at once: what one application says of a range holds at every minute of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from operator import eq, ge, gt, le, lt, ne

import generate
import pytest
from case_files import documents, encounter_of
from hypothesis import given, settings
from hypothesis import strategies as st

from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.engine.choices import CLAIM, ClaimKey
from ivproof.engine.direct import atoms_of
from ivproof.engine.second import claims_of
from ivproof.law.policy import Policy
from ivproof.recheck import show
from ivproof.recheck.terms import calculate
from ivproof.unknowns.affine import MINUTE, Reach, moves
from ivproof.unknowns.claims import Claims
from ivproof.unknowns.moments import charted
from ivproof.unknowns.ranges import Ranges
from ivproof.unknowns.relations import AGGREGATES_NOTED, Relation


@cache
def coder() -> Coder:
    return Coder(Policy.load("out001"))


def keys(claims: Claims) -> frozenset[ClaimKey]:
    """Claims as the engines compare them."""
    return frozenset(frozenset(show(atom) for atom in claim if atom[0] in CLAIM) for claim in claims)


def first_engine(charts: list[Encounter]) -> list[frozenset[ClaimKey]]:
    return [claims_of(answer) for answer in coder().engine.judge.answer([coder().facts(it) for it in charts])]


# --- numbers that move

numbers = st.tuples(st.integers(-200, 200), st.sampled_from([-120, -60, 0, 1, 60, 120]))


@settings(max_examples=300)
@given(numbers, numbers, st.sampled_from([lt, le, gt, ge, eq, ne]))
def test_a_comparison_holds_to_the_end_of_its_reach_and_no_further(
    one: tuple[int, int], other: tuple[int, int], compare: Callable[[int, int], bool]
) -> None:
    reach = Reach()
    now = compare(reach.number(*one), reach.number(*other))
    assert now == compare(one[0], other[0])

    def at(step: int) -> bool:
        return compare(one[0] + step * one[1], other[0] + step * other[1])

    first, last = reach.first, reach.last
    assert all(at(step) == now for step in range(-500 if first is None else first, (500 if last is None else last) + 1))
    assert first is None or at(first - 1) != now
    assert last is None or at(last + 1) != now


@settings(max_examples=200)
@given(numbers, st.sampled_from([3, 7, 60, 90, 86400]), st.sampled_from(["/", "\\", "+", "-", "*"]))
def test_arithmetic_follows_the_number_as_long_as_it_says(one: tuple[int, int], by: int, operator: str) -> None:
    reach = Reach()
    found = calculate(operator, reach.number(*one), by)
    first = -50 if reach.first is None else max(reach.first, -50)
    last = 50 if reach.last is None else min(reach.last, 50)
    slope = getattr(found, "slope", 0)
    assert first <= 0 <= last
    for step in range(first, last + 1):
        assert int(found) + step * slope == calculate(operator, one[0] + step * one[1], by)


def test_looking_up_notes_when_something_else_would_be_found() -> None:
    reach = Reach()
    relation = Relation([("ran", "a1", 600), ("ran", "a2", 1800)], frozenset({2}))
    assert ("ran", "a1", reach.number(900, MINUTE)) not in relation.rows
    assert (reach.first, reach.last) == (-4, None)  # 5 minutes earlier it is there; a2's is another administration's

    reach = Reach()
    moving = Relation([("ran", "a1", reach.number(900, MINUTE))], frozenset({2}))
    assert moving.moving
    assert not moving.index(2).get(1200, ())
    assert (reach.first, reach.last) == (None, 4)


def test_an_aggregate_notes_when_two_tuples_would_be_one() -> None:
    reach = Reach()
    tuples = {(reach.number(900, MINUTE), "p"): None, (600, "p"): None, (300, "q"): None}
    assert int(AGGREGATES_NOTED["sum"](tuples)) == 1800
    assert reach.first == -4  # 5 minutes earlier the two about p are one; the one about q stays another


def test_a_term_moves_if_anything_in_it_does() -> None:
    reach = Reach()
    assert moves(("alone", "a1", reach.number(0, MINUTE)))
    assert not moves(("alone", "a1", 0))
    assert type(reach.number(5, 0)) is int


def test_ranges_ask_once_for_each_stretch_and_join_what_is_the_same() -> None:
    asked = []

    def ask(minute: int) -> tuple[str, int | None, int | None]:
        asked.append(minute)
        return ("x" if minute < 20 else "y"), minute // 10 * 10, minute // 10 * 10 + 9

    ranges = Ranges(ask)
    assert [(it.first, it.last, it.value) for it in ranges.between(5, 34)] == [(5, 19, "x"), (20, 34, "y")]
    assert len(asked) == 4
    assert ranges.change(100, 1) == (20, "y")
    assert ranges.change(15, 1) is None
    assert ranges.change(30, -1) is None


# --- the law


def some_cases(count: int, seed: int) -> list[Encounter]:
    """Charts of the worked cases, in an order that the seed decides."""
    found = [(file, data) for folder in ("law", "published") for file, data in documents(folder)]
    random.Random(seed).shuffle(found)
    return [encounter_of(data["encounter"], file) for file, data in found[:count]]


def test_the_claims_are_those_of_the_second_engine() -> None:
    rng = random.Random(3)
    charts = [generate.encounter(generate.chart(rng, range(4), f"E{n}")) for n in range(20)]
    for chart in charts + some_cases(20, 1):
        found = coder().minutes.chart(chart).claims(chart)
        assert keys(found) == coder().second.claims(coder().facts(chart)), chart.id


@pytest.mark.parametrize("seed", range(3))
def test_every_minute_of_a_range_has_the_claims_of_the_range(seed: int) -> None:
    rng = random.Random(seed)
    charts = [generate.encounter(generate.visit(rng, range(1, 5), f"V{n}")) for n in range(2)]
    charts += [generate.encounter(generate.chart(rng, range(1, 4), f"C{n}")) for n in range(2)]
    charts += some_cases(3, seed)
    for chart in charts:
        looked, each = coder().minutes.chart(chart), coder().minutes.chart(chart)
        moments = list(charted(chart))
        for moment in rng.sample(moments, min(2, len(moments))):
            ranges = looked.along(moment)
            for minute in range(-min(moment.earlier.minutes, 70), min(moment.later.minutes, 70) + 1):
                assert ranges.at(minute).value == each.claims(moment.moved(chart, minute)), (chart.id, moment, minute)


def test_a_time_stands_nowhere_but_where_it_is_watched() -> None:
    rng = random.Random(5)
    for n in range(8):
        chart = generate.encounter(generate.chart(rng, range(2, 6), f"C{n}"))
        looked = coder().minutes.chart(chart)
        evaluator = looked.evaluator
        reach = Reach()
        facts = atoms_of(coder().facts(chart))
        moving = [("at", it[1], reach.number(int(str(it[2])), MINUTE)) if it[0] == "at" else it for it in facts]
        for state, _ in evaluator.states(moving, {}):
            for relation in state:
                for row in relation.rows:
                    assert {at for at, value in enumerate(row) if moves(value)} <= relation.timed, row


def test_the_first_engine_agrees_at_every_minute() -> None:
    rng = random.Random(7)
    for n in range(2):
        chart = generate.encounter(generate.visit(rng, range(2, 4), f"V{n}"))
        looked = coder().minutes.chart(chart)
        moment = rng.choice(list(charted(chart)))
        minutes = range(-min(moment.earlier.minutes, 50), min(moment.later.minutes, 50) + 1)
        found = first_engine([moment.moved(chart, minute) for minute in minutes])
        ranges = looked.along(moment)
        assert [keys(ranges.at(minute).value) for minute in minutes] == found


def test_too_many_choices_are_refused_not_half_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivproof.unknowns.evaluator.WAYS", 0)
    chart = generate.encounter(generate.visit(random.Random(1), range(2, 3)))
    with pytest.raises(TooManyWaysError):
        coder().minutes.chart(chart).claims(chart)
