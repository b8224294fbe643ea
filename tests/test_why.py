"""Why not: what fails, and the least change, which really flips the claim while nothing smaller does."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from rich.console import Console
from visits import EQUALS, LONG_DAY, visit

from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy
from ivproof.render.words import why_not_words
from ivproof.whatif.least import Change, is_possible, moment
from ivproof.why.attempts import Attempt, tries
from ivproof.why.explanation import Line
from ivproof.why.why import Explainer, NoSuchCodeError
from ivproof.why.whynot import NoSuchAdministrationError, why_not


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(Policy.load("out001"))


@pytest.fixture(autouse=True)
def _short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look through a few pairs only: the searches of these tests find what they look for before."""
    monkeypatch.setattr("ivproof.whatif.least.PAIRS", 20)


def lines_of(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        if line.step is not None:
            yield from lines_of(line.step.lines)


def attempt(attempts: Iterable[Attempt], rule: str) -> Attempt:
    return next(it for it in attempts if it.rule == rule)


def most(coder: Coder, encounters: Sequence[Encounter], code: str) -> int:
    """The most units of a code that one of the charts has on its claim, or on each of its rival claims."""
    found = [0]
    for it in coder.code(encounters):
        claims = [rival.lines for rival in it.alternatives] or [it.claim]
        if it.status != "undetermined":
            found.append(min(sum(line.units for line in lines if line.code == code) for lines in claims))
    return max(found)


def units(coder: Coder, encounter: Encounter, code: str) -> int:
    """The units of a code on the claim."""
    return most(coder, [encounter], code)


def shifted(encounter: Encounter, minutes: int) -> Iterator[Encounter]:
    """The chart with one charted time moved."""
    for at, it in enumerate(encounter.administrations):
        for field in ("start", "stop"):
            charted = getattr(it, field)
            if charted is not None:
                given = list(encounter.administrations)
                given[at] = it.model_copy(update={field: moment(charted.seconds + 60 * minutes)})
                changed = encounter.model_copy(update={"administrations": tuple(given)})
                if is_possible(changed):
                    yield changed


def infusion(minutes: int, **more: Any) -> Encounter:
    stop = f"{9 + minutes // 60:02}:{minutes % 60:02}"
    return visit({"id": "x", "drug": "ceftriaxone", "start": "09:00", "stop": stop, **more})


@pytest.mark.parametrize(
    ("chart", "code", "minutes"),
    [
        (infusion(15), "96365", 1),
        (infusion(80), "96366", 11),
        (
            visit({"id": "x", "drug": "normal saline", "purpose": "hydration", "start": "09:00", "stop": "09:25"}),
            "96360",
            6,
        ),
        (
            visit(
                {"id": "x", "drug": "ketorolac", "method": "push", "start": "09:00", "stop": "09:01"},
                {"id": "y", "drug": "ketorolac", "method": "push", "start": "09:28"},
            ),
            "96376",
            4,
        ),
    ],
)
def test_the_least_change_of_a_time_flips_the_claim_and_nothing_smaller_does(
    explainer: Explainer, chart: Encounter, code: str, minutes: int
) -> None:
    before = units(explainer.coder, chart, code)
    change = why_not(explainer, chart, code).search.change
    assert change is not None
    assert [abs(edit.minutes) for edit in change.edits] == [minutes]
    assert units(explainer.coder, change.encounter, code) > before
    smaller = [it for fewer in range(1, minutes) for sign in (1, -1) for it in shifted(chart, sign * fewer)]
    assert most(explainer.coder, smaller, code) <= before


@pytest.mark.parametrize(
    ("chart", "code", "place"),
    [
        (
            visit({"id": "x", "drug": "ceftriaxone", "start": "09:00", "stop": None}),
            "96365",
            "administrations[x].stop",
        ),
        (infusion(30, order="none"), "96365", "administrations[x].order"),
        (
            visit(
                {"id": "x", "drug": "ceftriaxone", "start": "09:00", "stop": "09:40"},
                {"id": "y", "drug": "vancomycin", "site": "port", "start": "09:00", "stop": "10:00"},
                access_sites=[{"id": "arm"}, {"id": "port"}],
            ),
            "96365",
            # either one is a further site beside the other, and the first is told
            "access_sites[arm].necessity",
        ),
    ],
)
def test_what_is_not_documented_comes_before_a_time_that_would_have_to_be_another(
    explainer: Explainer, chart: Encounter, code: str, place: str
) -> None:
    before = units(explainer.coder, chart, code)
    change = why_not(explainer, chart, code).search.change
    assert change is not None
    assert [edit.place for edit in change.edits] == [place]
    assert units(explainer.coder, change.encounter, code) > before


def test_a_second_site_takes_two_facts(explainer: Explainer) -> None:
    chart = visit(
        {"id": "x", "drug": "ceftriaxone", "start": "09:00", "stop": "09:40"},
        {"id": "y", "drug": "vancomycin", "start": "10:00", "stop": "10:40"},
    )
    change = why_not(explainer, chart, "96365").search.change
    assert isinstance(change, Change)
    assert units(explainer.coder, change.encounter, "96365") == 2


def test_there_may_be_no_change_and_that_is_said(explainer: Explainer) -> None:
    found = why_not(explainer, infusion(30), "96420")
    assert found.search.change is None
    assert found.search.tried > 0
    out = io.StringIO()
    for words in why_not_words(found):
        Console(file=out, width=100).print(words)
    assert str(found.search.tried) in out.getvalue()


def test_the_first_failing_condition_is_the_threshold(explainer: Explainer) -> None:
    found = why_not(explainer, infusion(15), "96365", "x")
    obstacles = list(lines_of(attempt(found.attempts, "initial-infusion").obstacles))
    assert any("15 minutes" in line.text and "16 or more" in line.text for line in obstacles if line.kind == "measure")


def test_what_stands_against_a_code_is_told_with_its_reasons(explainer: Explainer) -> None:
    found = why_not(explainer, LONG_DAY, "96367", "mag")
    against = [line for line in attempt(found.attempts, "sequential-infusion").obstacles if line.kind == "against"]
    assert against
    assert any("pacli" in line.text for line in lines_of(against))


def test_the_class_of_the_drug_is_told_where_it_is_what_fails(explainer: Explainer) -> None:
    found = why_not(explainer, infusion(30), "96413", "x")
    wrong = attempt(found.attempts, "class")
    assert any("therapeutic" in line.text for line in wrong.obstacles)


def test_what_the_determination_says_of_it_is_told_too(explainer: Explainer) -> None:
    chart = visit({"id": "x", "drug": "ceftriaxone", "route": "PO", "site": None})
    found = why_not(explainer, chart, "96365", "x")
    assert found.units == 0
    assert [it.name for it in found.excluded] == ["by-mouth"]


@pytest.mark.parametrize(
    ("code", "rule", "given"),
    [
        ("96375", "not-given", [{"id": "y", "drug": "ondansetron", "method": "push", "start": "10:05", "done": False}]),
        (
            "96361",
            "carrier-in-bag",
            [{"id": "y", "drug": "normal saline", "method": "infusion", "bag": "b", "start": "09:00", "stop": "10:00"}],
        ),
    ],
)
def test_what_keeps_from_a_code_what_is_no_service_of_its_own_is_told(
    explainer: Explainer, code: str, rule: str, given: list[dict[str, Any]]
) -> None:
    drug = {"id": "x", "drug": "vancomycin", "method": "infusion", "bag": "b", "start": "09:00", "stop": "10:00"}
    found = why_not(explainer, visit(drug, *given), code)
    assert found.attempts[0].rule == rule and found.attempts[0].left_out


def test_no_service_that_is_no_drug_would_have_to_be_one(explainer: Explainer) -> None:
    drug = {"id": "x", "drug": "vancomycin", "method": "infusion", "start": "09:00", "stop": "10:00"}
    found = why_not(explainer, visit(drug, services=[{"kind": "iv_start"}]), "96365")
    assert not found.attempts


def test_that_another_is_initial_is_told_by_what_puts_it_first(explainer: Explainer) -> None:
    long = {"id": "x", "drug": "vancomycin", "method": "infusion", "start": "09:00", "stop": "10:00"}
    short = {"id": "y", "drug": "ceftriaxone", "method": "infusion", "start": "09:00", "stop": "09:30"}
    found = why_not(explainer, visit(long, short), "96365", "y")
    told = [line.text for it in found.attempts for line in lines_of(it.obstacles)]
    assert any("The longest of the equals" in it for it in told) and not any("no rule for" in it for it in told)


def test_a_push_of_one_time_is_not_said_to_end(explainer: Explainer) -> None:
    one = {"id": "x", "drug": "morphine", "method": "push", "start": "09:00"}
    again = {"id": "y", "drug": "morphine", "method": "push", "start": "09:20"}
    for first, said in ((one, "from x (09:00) to"), ({**one, "stop": "09:05"}, "from the end of x (09:05) to")):
        lines = [
            line for it in why_not(explainer, visit(first, again), "96376").attempts for line in lines_of(it.obstacles)
        ]
        assert any(said in line.text for line in lines if line.kind == "measure")


def test_a_code_on_the_claim_is_asked_for_one_unit_more(explainer: Explainer) -> None:
    found = why_not(explainer, infusion(95), "96366")
    assert found.units == 1
    change = found.search.change
    assert change is not None
    assert units(explainer.coder, change.encounter, "96366") == 2


def test_asked_for_one_administration_the_unit_has_to_be_its_own(explainer: Explainer) -> None:
    other = "two" if "one" in explainer.coder.code([EQUALS])[0].claim[0].administrations else "one"
    found = why_not(explainer, EQUALS, "96374", other)
    assert found.administration == other
    assert found.units == 0
    if found.search.change is not None:
        [after] = explainer.coder.code([found.search.change.encounter])
        assert any(line.code == "96374" and other in line.administrations for line in after.claim)


def test_wrong_codes_and_administrations_are_refused(explainer: Explainer) -> None:
    with pytest.raises(NoSuchCodeError):
        why_not(explainer, infusion(30), "99999")
    with pytest.raises(NoSuchAdministrationError, match="x"):
        why_not(explainer, infusion(30), "96365", "y")


def test_the_result_is_plain_data_and_the_same_each_time(explainer: Explainer) -> None:
    first = json.dumps(why_not(explainer, infusion(15), "96365").as_dict())
    assert first == json.dumps(why_not(Explainer(explainer.policy), infusion(15), "96365").as_dict())


PUMP = {"id": "pump", "drug": "fluorouracil", "pump": "portable", "start": "09:00", "stop": "19:00"}
BESIDE_THE_PUMP = {"id": "ns", "drug": "normal saline", "purpose": "hydration", "start": "10:00", "stop": "11:30"}
LESION = {"drug": "bleomycin", "route": "IL", "site": None, "start": "10:00"}


@pytest.mark.parametrize(
    ("given", "code", "rule"),
    [
        ([PUMP, BESIDE_THE_PUMP], "96360", "never-alone"),
        ([PUMP, BESIDE_THE_PUMP], "96361", "never-alone"),
        ([{**PUMP, "stop": None, "ordered_minutes": 2760}, BESIDE_THE_PUMP], "96361", "never-alone"),
        ([{"id": "t", **LESION, "lesions": 3}], "96406", "many-lesions-code"),
        ([{"id": "t", **LESION, "lesions": 3}, {"id": "u", **LESION, "lesions": 2}], "96406", "many-lesions-code"),
        ([{"id": "t", **LESION, "lesions": 3}, {"id": "u", **LESION, "lesions": 2}], "96405", "counted-by-lesions"),
        ([{"id": "t", **LESION, "drug": "triamcinolone", "lesions": 3}], "96405", "drug-into-lesion"),
        ([{"id": "t", "drug": "ceftriaxone", "method": "push", "start": "09:00"}], "96365", "infusion-by-time"),
    ],
)
def test_the_main_reason_comes_first(explainer: Explainer, given: list[dict[str, Any]], code: str, rule: str) -> None:
    case = explainer.case(visit(*given))
    derivation = case.derivation(None)
    first = next(tries(case.teller(derivation), code, None))
    assert rule in {first.rule, *(line.rule for line in first.obstacles)}


@pytest.mark.parametrize(
    ("chart", "code", "missing"),
    [
        (
            visit({"id": "x", "drug": "bleomycin", "route": "IL", "site": None, "method": "push", "start": "10:00"}),
            "96406",
            ["administrations[x].lesions"],
        ),
        (
            visit(
                {"id": "x", "drug": "iron sucrose", "method": "infusion", "start": "14:02", "stop": "14:40"},
                {"id": "y", "drug": "ondansetron", "method": "push", "start": "14:50"},
                place_of_service="11",
                claim_type="professional",
            ),
            "96374",
            ["primary_reason"],
        ),
        (
            visit({"id": "x", "drug": "iron sucrose", "method": "infusion", "start": "10:00"}),
            "96366",
            ["administrations[x].stop"],
        ),
        (visit({"id": "x", "drug": "iron sucrose", "method": "infusion", "start": "10:00"}), "96409", []),
    ],
)
def test_what_is_not_charted_and_would_give_a_code_is_named(
    explainer: Explainer, chart: Encounter, code: str, missing: list[str]
) -> None:
    found = why_not(explainer, chart, code)
    assert [it.fact for it in found.missing] == missing
    assert all(it.would_change for it in found.missing)


def test_what_is_a_part_of_an_administration_is_not_said_to_be_none_and_a_further_hour_has_its_number(
    explainer: Explainer,
) -> None:
    """Of saline that runs on alone after two drugs, 90 minutes count: the next hour is its first further one."""
    chart = visit(
        {"id": "pac", "drug": "paclitaxel", "start": "09:00", "stop": "11:00"},
        {"id": "carbo", "drug": "carboplatin", "start": "10:00", "stop": "11:30"},
        {"id": "ns", "drug": "normal saline", "purpose": "hydration", "start": "10:30", "stop": "13:00"},
        diagnoses=["C50.911", "E86.0"],
    )
    fluid, drug = why_not(explainer, chart, "96361"), why_not(explainer, chart, "96415")
    told = [line.text for it in fluid.attempts for line in it.obstacles]
    assert not any("has no administration" in text for text in told)
    assert not any(it.rule == "further-hour-of-sequential" and it.subject.startswith("ns") for it in fluid.attempts)
    assert fluid.attempts[0].sentence.endswith("stands beside another service and reached further hour 1")
    # paclitaxel ran for two hours, of which the second has its code
    assert (drug.attempts[0].sentence, drug.attempts[0].obstacles[0].text) == (
        "The initial infusion pac reached further hour 2",
        "counted for pac: 120 minutes; 151 or more needed",
    )
    assert not [it.sentence for it in (*fluid.attempts, *drug.attempts) if it.sentence.endswith("reached further hour")]


def test_nothing_is_said_to_end_as_it_begins(explainer: Explainer) -> None:
    """A pump that ran for no time would leave the fluid beside it alone, and is a slip of the pen."""
    chart = visit(
        {"id": "fu", "drug": "fluorouracil", "pump": "portable", "start": "11:00", "ordered_minutes": 2760},
        {"id": "ns", "drug": "normal saline", "purpose": "hydration", "start": "11:10", "stop": "12:10"},
        diagnoses=["C18.9", "E86.0"],
    )
    change = why_not(explainer, chart, "96361").search.change
    assert change is not None
    assert [(it.place, it.after) for it in change.edits] == [("administrations[fu].stop", "11:01")]
