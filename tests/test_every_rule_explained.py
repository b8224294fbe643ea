"""Each rule of the law that takes part in a case is told with whom it is about, when that was, and by its own name.

A sample of the cases, since a record of each of them takes minutes: `EVERY` in `sample` tells how many are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import case_files
import pytest
from case_files import Case

from ivproof.derivation import Derivation
from ivproof.explanation import Line
from ivproof.law.trace import Instance
from ivproof.policy import Policy
from ivproof.reasons import why
from ivproof.reasons.why import Explainer

POLICY = Policy.load("out001")
EVERY = 14
SETTINGS = 24
RULES = 300
"""At least so many rules of the law have to take part, so that the sample stays one."""

Told = dict[str, tuple[str, why.Case, Derivation, Instance, Line]]


def sample() -> Iterator[tuple[Explainer, Case]]:
    """Give some cases by the usual readings, and one for each of some other settings."""
    usual = Explainer(POLICY)
    cases = [*case_files.worked("law"), *case_files.options()]
    yield from ((usual, case) for case in [it for it in cases if not it.setting(POLICY)][::EVERY])
    others = {case.setting(POLICY): case for case in cases if case.setting(POLICY)}
    for setting, case in list(others.items())[:: max(1, len(others) // SETTINGS)]:
        yield Explainer(POLICY, dict(setting)), case


@pytest.fixture(scope="module")
def told() -> Told:
    """The first step that each rule founds, with every detail."""
    found: Told = {}
    for explainer, case in sample():
        answered = explainer.case(case.encounter)
        derivation = answered.derivation(answered.alternatives[0])
        for head in derivation.ways:
            reasons = derivation.reasons(head)
            if reasons and reasons[0].rule.id not in found:
                line = answered.teller(derivation, detail=True).step(head)
                found[reasons[0].rule.id] = (f"{case.file}:{case.name}", answered, derivation, reasons[0], line)
    return found


def below(line: Line) -> Iterator[Line]:
    """A line and all lines that it rests on."""
    yield line
    if line.step is not None:
        for it in line.step.lines:
            yield from below(it)


def test_many_rules_take_part(told: Told) -> None:
    assert len(told) >= RULES, len(told)


def test_a_step_cites_its_rule(told: Told) -> None:
    for rule, (case, _, _, instance, line) in told.items():
        assert line.step is not None, (rule, case)
        assert line.step.rule == rule, case
        assert instance.rule.header is not None
        assert line.step.citation == instance.rule.header.citation, (rule, case)


def test_a_step_names_the_administrations_and_sites_that_it_is_about(told: Told) -> None:
    for rule, (case, answered, _, instance, line) in told.items():
        assert line.step is not None
        assert instance.rule.header is not None
        named = set(re.findall(r"\{(\w+)\}", instance.rule.header.sentence))
        for variable, value in instance.bindings.items():
            for key in re.findall(r"\b[as]\d+\b", value) if variable in named else ():
                assert answered.facts.names[key] in line.step.sentence, (rule, case, line.step.sentence)


def test_a_step_rests_on_the_moments_and_facts_of_the_chart(told: Told) -> None:
    for rule, (case, _, derivation, instance, line) in told.items():
        assert line.step is not None
        places = {place for it in below(line) for place in it.places}
        for atom in instance.positive:
            if derivation.origin(atom) == "chart":
                expected = {derivation.place(fact.place) for fact in derivation.chart[atom]}
                assert expected & places, (rule, case, atom)


def test_a_moment_is_told_by_the_clock(told: Told) -> None:
    for rule, (case, _, derivation, instance, line) in told.items():
        text = " ".join(it.text for it in below(line))
        for atom in instance.positive:
            if atom.startswith("at(") and derivation.origin(atom) == "chart" and "midnight" not in atom:
                assert re.search(r"\d\d:\d\d", text), (rule, case, atom)
