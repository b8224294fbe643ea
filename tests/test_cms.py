"""The national rules: every case follows, every rule and every settled question is needed by one, proofs hold."""

from __future__ import annotations

import json
from dataclasses import replace

import case_files
import pytest
from case_files import Case
from command import run

from ivproof.cases.files import read_cases
from ivproof.cases.running import judge
from ivproof.checks.coverage import cases_folder, coverage
from ivproof.checks.lint import lint
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.law.overlay import Changes, laid_over, pins
from ivproof.law.policy import Policy, Question
from ivproof.proof.maker import Prover
from ivproof.recheck.checker import check, installed, read_law

POLICY = Policy.load("cms")
CASES = [it for it in read_cases([case_files.FOLDER / "cms"]) if isinstance(it, Case)]
CODER = Coder(POLICY)
SETTLED = sorted(
    (it for it in POLICY.questions.values() if any(ref.startswith("F") for ref in it.citation.split(", "))),
    key=lambda it: it.order,
)


def test_every_case_follows() -> None:
    assert [it.as_dict() for it in judge(CODER, CASES) if it.departures] == []


DECIDES_NOTHING = {"conditional-questions-national"}
"""What only keeps small what is tried."""


def test_both_engines_derive_every_case() -> None:
    CODER.code([it.encounter for it in CASES], "all", changes=False)  # raises where they differ


@pytest.mark.parametrize("rule", case_files.some([it for it in pins(POLICY.own) if it not in DECIDES_NOTHING], 9))
def test_every_rule_is_needed_by_a_case(rule: str) -> None:
    less = laid_over(POLICY.texts, {}, Changes(removes={rule: pins(POLICY.texts)[rule]}))
    assert any(it.departures for it in judge(Coder(replace(POLICY, texts=less)), CASES))


def test_the_list_of_drugs_would_be_noticed() -> None:
    below = Policy.load("out001").texts["out001/drug.lp"]
    listed = below[below.index("% [printed-drug]") : below.index("% [antineoplastic-drug]")]
    more = {**POLICY.texts, "cms/again.lp": listed}
    told = {it.case.name for it in judge(Coder(replace(POLICY, texts=more)), CASES) if it.departures}
    assert {"listed-antibody", "listed-antibody-under-the-skin"} <= told


def claims(found: Determination) -> list[object]:
    """Everything that can follow, with lines and drug lines."""
    told = found.as_dict()
    return [told["status"], told["claim"], told.get("alternatives"), told.get("drug_lines")]


@pytest.mark.parametrize("question", case_files.some(SETTLED, 8), ids=lambda it: it.number)
def test_a_settled_question_decides_its_example(question: Question) -> None:
    [*_, example] = [it for it in case_files.options() if it.file == f"readings/{question.number}.yaml"]
    [usual] = CODER.code([example.encounter])
    others = [it.name for it in question.options if it.name != question.default and not it.unexpressed]
    told = [claims(*CODER.under({question.key: it}).code([example.encounter])) for it in others]
    assert any(it != claims(usual) for it in told)


def test_a_proof_holds_under_this_law_and_no_other() -> None:
    [case] = [it for it in CASES if it.name == "rsv-antibody-with-its-codes"]
    proof = json.dumps(Prover(CODER).prove(case.encounter)).encode()
    verdict = check(proof, read_law(installed("cms")))
    assert verdict.accepted, verdict.reason
    assert not check(proof, read_law(installed("out001"))).accepted


def test_every_national_rule_is_encoded_or_says_why_not() -> None:
    found = coverage(POLICY, cases_folder(POLICY))
    assert (found.gaps, found.untested) == ([], [])
    assert {it.text.number for it in found.rules} > {"R1", "R103", "F1", "F50"}


def test_a_rule_is_shown_with_what_it_stands_in_place_of() -> None:
    shown = run("policy", "show", "antineoplastic-drug", "--policy", "cms").stdout
    assert shown.index("cms/drug.lp") < shown.index("It stands in place of:") < shown.index("out001/drug.lp")
    taken = run("policy", "show", "printed-drug", "--policy", "cms").stdout
    assert taken.startswith("Taken out by CMS")
    assert "chemotherapy_drug(I) :- printed(I)." in taken
    assert "in place of" not in run("policy", "show", "antineoplastic-drug").stdout


def test_a_day_from_which_a_rule_holds_is_an_edition() -> None:
    editions = tuple(it for it in POLICY.editions if it != "2023-10-01")
    [found] = lint(replace(POLICY, editions=editions))
    assert (found.rule, found.found) == ("modifiers-enforced", "a rule that begins on 2023-10-01")
