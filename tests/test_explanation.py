"""Explanations: what they name and rest on, not how they are worded."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator

import pytest
from rich.console import Console
from visits import EQUALS, LONG_DAY, visit

from ivproof.law.policy import Policy
from ivproof.render.words import visit_words, why_not_words, why_words
from ivproof.why.explanation import Line, Step
from ivproof.why.why import Explainer, NoSuchCodeError, Why
from ivproof.why.whynot import why_not


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(Policy.load("out001"))


def lines_of(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        if line.step is not None:
            yield from lines_of(line.step.lines)


def told(why: Why) -> list[Line]:
    """Every line of an explanation with one version."""
    [version] = why.versions
    reasons = [line for unit in version.units for line in unit.lines]
    return list(lines_of([*reasons, *version.modifiers, *(line for _, line in version.excluded)]))


def rules(lines: Iterable[Line]) -> set[str]:
    return {line.step.rule for line in lines if line.step is not None} | {line.rule for line in lines}


def texts(lines: Iterable[Line], kind: str) -> list[str]:
    return [line.text for line in lines if line.kind == kind]


@pytest.mark.parametrize(
    ("code", "subject", "rule", "threshold"),
    [
        ("96413", "pacli", "initial-infusion", ("185 minutes", "16 or more")),
        ("96415", "pacli", "further-hour-of-initial", ("185 minutes", "151 or more")),
        ("96417", "carbo", "sequential-infusion", ("60 minutes", "16 or more")),
        ("96367", "onda", "sequential-infusion", ("20 minutes", "16 or more")),
        ("96361", "saline", "added-hydration", ("40 minutes", "31 or more")),
    ],
)
def test_a_unit_names_its_administration_rule_and_threshold(
    explainer: Explainer, code: str, subject: str, rule: str, threshold: tuple[str, str]
) -> None:
    lines = told(explainer.why(LONG_DAY, code))
    assert any(subject in line.text for line in lines if line.step is not None)
    assert rule in rules(lines)
    assert any(all(part in text for part in (subject, *threshold)) for text in texts(lines, "measure"))


def test_every_unit_of_every_line_is_accounted_for(explainer: Explainer) -> None:
    [version] = explainer.explain(LONG_DAY).versions
    found: dict[str, int] = {}
    for unit in version.units:
        found[unit.code] = found.get(unit.code, 0) + 1
        assert any(line.step is not None or line.kind == "see" for line in unit.lines)
    assert found == {line.code: line.units for line in version.claim}


def test_a_shared_part_is_told_once_and_referred_to(explainer: Explainer) -> None:
    lines = told(explainer.explain(LONG_DAY))
    steps = [line.step for line in lines if line.step is not None]
    assert len({step.atom for step in steps}) == len(steps)
    assert [step.number for step in steps] == sorted(step.number for step in steps)
    referred = [line.number for line in lines if line.kind == "see"]
    assert referred
    assert set(referred) <= {step.number for step in steps}


def test_a_reference_never_comes_before_what_it_refers_to(explainer: Explainer) -> None:
    seen: set[int] = set()
    for line in told(explainer.explain(LONG_DAY)):
        if line.step is not None:
            seen.add(line.step.number)
        elif line.kind == "see":
            assert line.number in seen


def test_facts_have_their_places_in_the_chart(explainer: Explainer) -> None:
    lines = told(explainer.why(LONG_DAY, "96367"))
    places = {place for line in lines if line.kind == "fact" for place in line.places}
    assert {"administrations[onda].start", "administrations[onda].stop", "administrations[onda].drug"} <= places


def test_each_step_has_a_rule_with_its_citation(explainer: Explainer) -> None:
    lines = told(explainer.explain(LONG_DAY))
    for step in (line.step for line in lines if line.step is not None):
        assert isinstance(step, Step)
        assert step.rule in explainer.policy.program.by_id
        assert step.citation
        assert ".lp:" in step.source


def test_an_administration_is_introduced_with_drug_and_times(explainer: Explainer) -> None:
    sentences = [line.text for line in told(explainer.explain(LONG_DAY))]
    assert sum("onda (ondansetron, 09:00–09:20)" in text for text in sentences) == 1


def test_what_was_compared_is_listed(explainer: Explainer) -> None:
    lines = told(explainer.why(LONG_DAY, "96413"))
    [lengths] = [text for text in texts(lines, "counted") if "minutes" in text]
    assert "pacli: 185 minutes" in lengths
    assert "carbo: 60 minutes" in lengths


def test_a_free_choice_names_the_others_and_says_that_it_does_not_matter(explainer: Explainer) -> None:
    lines = told(explainer.why(EQUALS, "96374"))
    [choice] = texts(lines, "choice")
    assert "one" in choice
    assert "two" in choice
    assert "the claim is the same" in choice


def test_held_readings_are_named_with_their_source(explainer: Explainer) -> None:
    [version] = explainer.why(LONG_DAY, "96413").versions
    held = {it.question: it for it in version.assumed}
    assert held["A1"].option == "class_first"
    assert held["A1"].source == "default"
    [version] = Explainer(explainer.policy, {"A1": "A"}).why(LONG_DAY, "96413").versions
    assert {it.question: it.source for it in version.assumed}["A1"] == "set"


def test_a_negation_is_told_with_what_stands_in_its_place(explainer: Explainer) -> None:
    charted = visit({"id": "x", "drug": "ceftriaxone", "method": "infusion", "start": "09:00", "stop": "09:40"})
    lines = told(explainer.why(charted, "96365"))
    [negation] = [text for text in texts(lines, "not") if "push" in text]
    assert "infusion" in negation


def test_every_exclusion_has_an_explanation(explainer: Explainer) -> None:
    chart = visit(
        {"id": "drug", "drug": "ceftriaxone", "start": "09:00", "stop": "10:00"},
        {"id": "carrier", "drug": "normal saline", "purpose": "carrier", "start": "09:00", "stop": "10:00"},
        {"id": "short", "drug": "normal saline", "purpose": "hydration", "start": "10:00", "stop": "10:20"},
        {"id": "pill", "drug": "ondansetron", "route": "PO", "site": None},
        {"id": "unordered", "drug": "ketorolac", "order": "none", "start": "10:30", "stop": "10:31"},
        services=[{"kind": "flush"}, {"kind": "iv_start"}],
    )
    [version] = explainer.explain(chart).versions
    determination = explainer.case(chart).determination
    assert [it for it, _ in version.excluded] == list(determination.excluded)
    for exclusion, line in version.excluded:
        assert line.step is not None or line.kind == "see"
        assert exclusion.subject.partition(" ")[0] in line.text
    short = next(line for it, line in version.excluded if it.subject == "short")
    assert (
        any("20 minutes" in text and "31" in text for text in texts(lines_of([short]), "measure")) or "31" in short.text
    )


def test_rival_claims_are_told_each_with_what_leads_to_it(explainer: Explainer) -> None:
    rival = Explainer(explainer.policy, {"A26": "open"})
    chart = visit(
        {"id": "first", "drug": "ceftriaxone", "start": "09:00", "stop": "09:40"},
        {"id": "again", "drug": "ceftriaxone", "start": "11:00", "stop": "11:40"},
    )
    why = rival.explain(chart)
    assert why.status == "ambiguous"
    assert len(why.versions) > 1
    assert all(any("A26" in lead for lead in version.leads) for version in why.versions)
    for version in why.versions:
        assert len(version.units) == sum(line.units for line in version.claim)


def test_detail_tells_what_is_folded_otherwise(explainer: Explainer) -> None:
    short = rules(told(explainer.why(LONG_DAY, "96367")))
    everything = rules(told(explainer.why(LONG_DAY, "96367", detail=True)))
    assert "outpatient-time" not in short
    assert short - {""} <= everything | {"ran-at-least"}
    assert {"outpatient-time", "run-of-administration"} <= everything


def test_a_code_that_the_policy_does_not_have_is_refused(explainer: Explainer) -> None:
    with pytest.raises(NoSuchCodeError, match="96365"):
        explainer.why(LONG_DAY, "12345")


def test_a_code_that_is_not_on_the_claim_has_no_units(explainer: Explainer) -> None:
    [version] = explainer.why(LONG_DAY, "96374").versions
    assert version.units == ()


def test_explanations_are_plain_data_and_the_same_each_time(explainer: Explainer) -> None:
    first = json.dumps(explainer.explain(LONG_DAY).as_dict())
    again = json.dumps(Explainer(explainer.policy).explain(LONG_DAY).as_dict())
    assert first == again


def test_nothing_of_a_chart_reaches_the_terminal_as_a_command(explainer: Explainer) -> None:
    chart = visit(
        {"id": "x\x1b[31m", "drug": "[bold]y\x07[/bold]", "class": "therapeutic", "start": "09:00", "stop": "09:40"}
    )
    out = io.StringIO()
    console = Console(file=out, width=100, markup=False)
    for words in (*visit_words(explainer.explain(chart)), *why_words(explainer.why(chart, "96365"))):
        console.print(words)
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "[bold]" in out.getvalue()


def test_a_listed_drug_cites_the_list_and_a_class_by_reading_names_the_question(explainer: Explainer) -> None:
    def given(drug: str) -> Why:
        return explainer.why(visit({"id": "x", "drug": drug, "start": "09:00", "stop": "10:00"}), code[drug])

    code = {"infliximab": "96413", "natalizumab": "96365"}
    cited = [
        line.step.citation for line in told(given("infliximab")) if line.step and line.step.rule == "chemotherapy-class"
    ]
    assert "R17" in cited[0]
    assert not {"R18", "R20"} & set(re.findall(r"R\d+", cited[0]))
    assert "Appendix A" in cited[0]
    [version] = given("natalizumab").versions
    assert {it.question for it in version.assumed if it.matters} == {"A79"}


def test_a_new_drug_tells_what_came_before_and_what_is_initial(explainer: Explainer) -> None:
    lines = told(explainer.why(LONG_DAY, "96417"))
    said = [line for line in lines if line.kind == "not"]
    assert any("not the initial service; pacli is" in line.text for line in said)
    assert any("carboplatin was not infused before" in line.text and "pacli" in line.text for line in said)
    assert all(line.says for line in said)


def test_the_initial_service_comes_first(explainer: Explainer) -> None:
    [version] = explainer.explain(LONG_DAY).versions
    assert version.units[0].code == version.claim[0].code == "96413"


def test_sites_that_count_as_one_access_are_named_together(explainer: Explainer) -> None:
    chart = visit(
        {"id": "x", "drug": "vancomycin", "start": "09:00", "stop": "10:00"},
        {"id": "y", "drug": "cefepime", "start": "10:00", "stop": "10:30", "site": "hand"},
        access_sites=[{"id": "arm"}, {"id": "hand"}],
    )
    [version] = explainer.explain(chart).versions
    assert [line.site for line in version.claim] == ["arm", "hand"]
    assert any("leads alone at arm with hand" in line.text for line in told(explainer.why(chart, "96365")))


def test_where_the_policy_gives_no_claim_that_is_said_and_no_rule_is_tried(explainer: Explainer) -> None:
    chart = visit({"id": "x", "drug": "vancomycin", "start": "09:00", "stop": "10:00"}, date="2020-05-05")
    console = Console(file=io.StringIO(), width=200)
    for part in (*visit_words(explainer.explain(chart)), *why_not_words(why_not(explainer, chart, "96365"))):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "the policy gives no claim for this chart" in text
    assert text.count("The text that applied on this date is not at hand") == 2
    assert "fact is missing" not in text and "needed:" not in text
