"""Why one code and not another: where the way to the other code ends, for each service that has the one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run

from ivproof.chart.files import read
from ivproof.law.policy import Policy
from ivproof.why.rather import Rather, rather
from ivproof.why.why import Explainer, NoSuchCodeError
from ivproof.why.whynot import NoSuchAdministrationError, why_not

EXAMPLES = Path(__file__).parents[1] / "examples"
ED, SITES, PAUSED = (EXAMPLES / f"{it}.yaml" for it in ("01-ed-dehydration", "05-two-lines", "07-interrupted-infusion"))


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(Policy.load("out001"))


def told(explainer: Explainer, file: Path, *words: str) -> Rather:
    encounter = next(read([file])).encounter
    assert encounter is not None
    return rather(explainer, encounter, *words)


def test_a_repeat_push_is_no_new_one_since_the_drug_was_pushed_before(explainer: Explainer) -> None:
    [found] = told(explainer, ED, "96376", "96375").partings
    assert found.subject == "morphine-2" and found.because.rule == "repeat-push-code"
    assert found.attempt is not None and found.attempt.rule == "further-push" and found.also == 0
    needed, against = found.fails
    assert needed.kind == "needed" and "first push of its drug" in needed.text
    assert against.step is not None and "morphine was pushed before morphine-2" in against.text
    assert "R52" in against.step.citation


def test_a_length_is_told_with_what_it_would_have_to_be(explainer: Explainer) -> None:
    [found] = told(explainer, SITES, "96367", "96368").partings
    assert found.subject == "potassium-1" and found.fails[-1].kind == "measure"
    assert "20 minutes; 15 or less needed" in found.fails[-1].text


def test_another_class_is_told_as_that(explainer: Explainer) -> None:
    [found] = told(explainer, PAUSED, "96413", "96365").partings
    assert [it.text for it in found.fails] == ["rituximab-1 is coded as chemotherapy"]


def test_it_says_nothing_that_whynot_does_not(explainer: Explainer) -> None:
    encounter = next(read([SITES])).encounter
    assert encounter is not None
    [found] = rather(explainer, encounter, "96367", "96368").partings
    attempts = why_not(explainer, encounter, "96368", "potassium-1").attempts
    assert found.attempt is not None and found.attempt.as_dict() in [it.as_dict() for it in attempts]


def test_what_is_not_on_the_claim_is_told(explainer: Explainer) -> None:
    with pytest.raises(NoSuchCodeError, match="found no 96360 on the claim, expected"):
        told(explainer, ED, "96360", "96361")
    with pytest.raises(NoSuchCodeError, match="for saline-1"):
        told(explainer, ED, "96375", "96376", "saline-1")
    with pytest.raises(NoSuchCodeError, match="twice"):
        told(explainer, ED, "96361", "96361")
    with pytest.raises(NoSuchAdministrationError, match="morphine-1"):
        told(explainer, ED, "96375", "96376", "nobody")


def test_the_command_tells_it_in_words_and_as_data() -> None:
    words = run("why", ED, "96376", "--rather-than", "96375", "--for", "morphine-2")
    text = " ".join(words.stdout.split())
    assert words.exit_code == 0
    assert text.startswith(
        "96376 rather than 96375 for morphine-2 morphine-2 (morphine, 11:00) is reported as a repeat push."
    )
    assert "96375 would take this: morphine-2 is the push of a new drug [further-push] R51, R52" in text
    assert "It fails here: needed: morphine-2 is the first push of its drug" in text
    plain = json.loads(run("why", ED, "96376", "--rather-than", "96375", "--format", "json").stdout)
    assert plain["rather_than"] == "96375" and plain["partings"][0]["fails"][-1]["kind"]
    for wrong in (("--for", "morphine-2"), ("--rather-than", "96375", "--format", "dot"), ("--rather-than", "1")):
        assert run("why", ED, "96376", *wrong).exit_code == 2
