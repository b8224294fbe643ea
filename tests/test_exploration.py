"""Every claim over all readings: none missed, none invented, each with a way that leads to it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from itertools import product

import case_files
import pytest
from case_files import Case
from hypothesis import given, settings
from hypothesis import strategies as st

from ivproof import recheck
from ivproof.chart.facts import Facts
from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.engine import diagram
from ivproof.engine.choices import CLAIM, ClaimKey
from ivproof.engine.claims import Units, difference, in_words, units_of
from ivproof.engine.diagram import Diagram
from ivproof.engine.explorer import Exploration, Explorer
from ivproof.engine.second import SecondEngine
from ivproof.law.policy import Policy
from ivproof.whatif.readings import BESIDE, ReadingsOfCharts

POLICY = Policy.load("out001")
CODER = Coder(POLICY)
ALL = Explorer(POLICY)
SECOND = SecondEngine(POLICY)
OPTIONS = {key: [option.name for option in it.options] for key, it in POLICY.questions.items()}
CASES = [case for case in case_files.options() if len(case.encounter.administrations) <= 4]

Assignment = Mapping[str, str]


@cache
def facts(number: int) -> Facts:
    return CODER.facts(CASES[number].encounter)


@cache
def explored(number: int) -> Exploration:
    return ALL.explore([facts(number)])[0]


def derived(chart: Facts, assignment: Assignment) -> frozenset[ClaimKey]:
    """The claims of one full assignment, by the second engine."""
    held = "".join(f"reading({key},{option}).\n" for key, option in assignment.items())
    answers = SECOND.program.answers(recheck.parse_facts(f"{chart.text()}\n{held}"))
    return frozenset(
        frozenset(recheck.show(atom) for name, arity in CLAIM.items() for atom in answer.of(name, arity))
        for answer in answers
    )


def default(**other: str) -> dict[str, str]:
    settings_ = POLICY.settings()
    return {key: other.get(key, settings_[key] or names[0]) for key, names in OPTIONS.items()}


# --- against the second engine


@pytest.mark.parametrize("number", range(0, len(CASES), 17), ids=lambda it: CASES[it].name)
def test_every_combination_of_what_touches_a_chart_leads_where_the_diagram_says(number: int) -> None:
    """Brute force over the questions that touch the chart, where they are few; the others are drawn at random."""
    found, draw = explored(number), random.Random(number)
    touching = found.touched
    combinations = list(product(*(OPTIONS[key] for key in touching)))
    claims: set[ClaimKey] = set()
    for values in draw.sample(combinations, min(40, len(combinations))):
        others = {key: draw.choice(names) for key, names in OPTIONS.items()}
        assignment = {**others, **dict(zip(touching, values, strict=True))}
        claims |= derived(facts(number), assignment)
        assert found.under(assignment) == derived(facts(number), assignment)
    if len(combinations) <= 40:
        assert claims == {it.claim for it in found.claims}


@pytest.mark.parametrize("number", range(4, len(CASES), 41), ids=lambda it: CASES[it].name)
def test_each_claim_follows_from_its_readings_and_from_no_fewer(number: int) -> None:
    found = explored(number)
    unresolved = [key for key, held in POLICY.settings().items() if held is None]
    for it in found.claims[:6]:
        assert it.claim in derived(facts(number), default(**it.readings))
        for key in it.readings:
            fewer = {other: option for other, option in it.readings.items() if other != key}
            if key not in unresolved and not it.given and not it.initial:
                assert it.claim not in derived(facts(number), default(**fewer)) or set(fewer) & set(unresolved)


@pytest.mark.parametrize("number", range(2, len(CASES), 41), ids=lambda it: CASES[it].name)
def test_questions_that_do_not_decide_change_nothing(number: int) -> None:
    found, draw = explored(number), random.Random(number)
    idle = [key for key in OPTIONS if key not in found.mattering]
    for _ in range(5):
        before = {key: draw.choice(names) for key, names in OPTIONS.items()}
        after = {**before, **{key: draw.choice(OPTIONS[key]) for key in idle}}
        assert derived(facts(number), before) == derived(facts(number), after)


@pytest.mark.parametrize("number", range(3, len(CASES), 41), ids=lambda it: CASES[it].name)
def test_questions_that_decide_alone_do_and_the_others_need_company(number: int) -> None:
    found = explored(number)
    open_ = [key for key in found.touched if POLICY.questions[key].default is None]

    def under(**held: str) -> frozenset[ClaimKey]:
        """Every claim with these options held; what nothing is held of stays open."""
        every = product(*([(key, it) for it in ([held[key]] if key in held else OPTIONS[key])] for key in open_))
        return frozenset().union(*(derived(facts(number), default(**{**held, **dict(one)})) for one in every))

    base = under()
    assert not set(found.alone or {}) & set(found.together)
    for key in found.mattering:
        leads = (found.alone or {}).get(key, {})
        for option in OPTIONS[key]:
            claims = under(**{key: option})
            assert claims == leads.get(option, base), (key, option)
            assert option not in leads or claims != base


def test_a_fact_that_only_one_reading_asks_for_is_supposed_under_that_reading() -> None:
    """A fluid without a signed order can be the main reason only where such an order counts (A96)."""
    chart = parse(
        {
            "id": "E", "place_of_service": "11", "claim_type": "professional", "date": "2020-10-05",
            "access_sites": [{"id": "iv"}],
            "administrations": [
                {"id": "a", "drug": "ketorolac", "route": "IV", "site": "iv", "start": "09:00", "stop": "09:30"},
                {"id": "b", "drug": "normal saline", "route": "IV", "site": "iv", "purpose": "hydration",
                 "start": "10:00", "stop": "11:00", "order": "protocol"},
            ],
        },
        Source("visit.json"),
    ).encounter  # fmt: skip
    assert chart is not None
    open_ = Coder(POLICY, {"A7": "open"})
    answer = open_.engine.judge.answer([open_.facts(chart)])[0]
    open_.second.check(open_.facts(chart), answer)
    supposing = [way for it in answer.alternatives for way in (it.resolutions, *it.others)]
    assert any("a96" in {it.subject for it in way} and len(way) > 1 for way in supposing)


# --- properties


@settings(max_examples=12, deadline=None)
@given(st.integers(0, len(CASES) - 1), st.randoms(use_true_random=False))
def test_settling_a_question_adds_no_claim(number: int, draw: random.Random) -> None:
    key = draw.choice(list(OPTIONS))
    option = draw.choice(OPTIONS[key])
    [settled] = Explorer(POLICY, {key: option}).explore([facts(number)])
    claims = {it.claim for it in settled.claims}
    assert claims <= {it.claim for it in explored(number).claims}
    assert claims == explored(number).under({key: option})


@pytest.mark.parametrize("number", range(0, len(CASES), 23), ids=lambda it: CASES[it].name)
def test_what_is_certain_stands_in_every_claim(number: int) -> None:
    found = ReadingsOfCharts(POLICY).of(facts(number), ())
    for it in found.claims:
        assert all(it.claim.codes.get(code, 0) >= units for code, units in found.certain.items())
        assert all(found.possible[code] >= units for code, units in it.claim.codes.items())


def test_charts_are_explored_together_as_they_are_alone() -> None:
    numbers = range(0, len(CASES), 40)
    together = ALL.explore([facts(number) for number in numbers])
    for number, found in zip(numbers, together, strict=True):
        assert found == explored(number)


# --- every question on its example


BY_QUESTION: dict[str, list[Case]] = {}
for _case in case_files.options():
    BY_QUESTION.setdefault(_case.file.rpartition("/")[2].removesuffix(".yaml"), []).append(_case)


@pytest.fixture(scope="module")
def finder() -> ReadingsOfCharts:
    return ReadingsOfCharts(POLICY)


@pytest.mark.parametrize("number", case_files.some(list(BY_QUESTION), 3))
def test_each_question_decides_over_its_example_as_its_options_say(finder: ReadingsOfCharts, number: str) -> None:
    question = POLICY.question(number)
    cases = [case for case in BY_QUESTION[number] if "claim" in case.expect]
    decides = False
    for chart in {case.encounter.id: case.encounter for case in cases or BY_QUESTION[number]}.values():
        found = finder.of(CODER.facts(chart))
        decides |= number in {it.question.number for it in found.questions}.union(*found.beside.values())
        [exploration] = ALL.explore([CODER.facts(chart)])
        for case in (it for it in cases if it.encounter == chart):
            option = question.option(next(it for key, it in case.readings.items() if POLICY.question(key) == question))
            claims = [units_of(POLICY, it) for it in exploration.under({question.key: option.name})]
            if case.expect["claim"] is not None:
                assert case.expect["claim"] in [it.codes for it in claims]
            elif case.expect.get("status") == "undetermined":
                assert len(claims) > 1 or claims[0].undetermined
    # what is left out, and why, is told on demand
    assert decides or any(
        number in finder.of(CODER.facts(case.encounter), list(BESIDE)[-1:]).beside.get(list(BESIDE)[-1], ())
        for case in BY_QUESTION[number]
    )


# --- diagrams


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_an_ordered_diagram_says_what_the_first_one_said(size: int, draw: random.Random) -> None:
    names = [f"v{n}" for n in range(size)]
    it: Diagram[str, int] = Diagram(order=lambda variable: variable)

    def grow(left: tuple[str, ...]) -> int:
        if not left or draw.random() < 0.2:
            return it.leaf(draw.randrange(3))
        variable = draw.choice(left)
        rest = tuple(other for other in left if other != variable)
        return it.node(variable, {value: grow(rest) for value in "abc"[: draw.randint(2, 3)]})

    root = grow(tuple(names))
    ordered = it.ordered(root)
    base = dict.fromkeys(names, "a")
    ways = it.ways(ordered, base)
    fewest: dict[int, int] = {}
    for values in product("ab", repeat=size):
        assignment = dict(zip(names, values, strict=True))
        leaf = it.value(root, assignment)
        assert leaf == it.value(ordered, assignment)
        assert leaf is not None
        fewest[leaf] = min(fewest.get(leaf, size), values.count("b"))
    for leaf, way in ways.items():
        assert it.value(ordered, {**base, **dict(way)}) == leaf
        if leaf in fewest and all(value in "ab" for _, value in way):
            assert len(way) <= fewest[leaf]
    for variable in it.support(ordered):
        assert any(
            it.restrict(ordered, variable, one) != it.restrict(ordered, variable, other)
            for one in "abc"
            for other in "abc"
        )


def test_a_way_names_what_makes_its_steps_possible() -> None:
    """A value that is there only under some answer to another question is no way without that answer."""
    it: Diagram[str, str] = Diagram(order=lambda variable: variable)
    x, y, z = map(it.leaf, "xyz")
    without, with_it = it.node("given", {"1": x, "2": y}), it.node("given", {"1": x, "2": y, "3": z})
    root = it.ordered(it.node("asked", {"no": without, "yes": with_it}))
    assert it.paths(root)["z"] == [(("asked", "yes"), ("given", "3"))]
    assert it.paths(root)["x"] == [(("given", "1"),)]


def test_the_example_of_the_diagrams_holds() -> None:
    import doctest

    from ivproof.engine import explorer

    for module in (diagram, explorer):
        results = doctest.testmod(module)
        assert results.attempted and not results.failed


# --- words


def test_claims_and_differences_in_words() -> None:
    before = Units({"96365": 1, "96366": 2}, {"96365": {"59": 1}})
    after = Units({"96365": 1, "96366": 3, "96375": 1})
    assert in_words(before) == "96365 (59), 96366 ×2"
    assert difference(before, after) == "96365 without modifier instead of with 59, 96366 ×3 instead of ×2, and 96375"
    assert difference(after, before).endswith("no 96375")
    assert difference(before, before) == ""


def test_a_chart_with_too_many_ways_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivproof.engine.search.STATES", 1)
    chart = parse(
        {
            "id": "E",
            "place_of_service": "22",
            "date": "2020-10-05",
            "access_sites": [{"id": "iv"}],
            "administrations": [
                {"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "iv", "start": "09:00", "stop": "10:30"}
            ],
        },
        Source("visit.json"),
    ).encounter
    assert chart is not None
    found = ReadingsOfCharts(POLICY).of(CODER.facts(chart))
    assert not found.complete
    assert found.claims == ()
