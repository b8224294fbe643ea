"""Every option of every open question leads where its file says; a question without a supported option is ambiguous."""

from __future__ import annotations

import case_files
import pytest
from case_files import Case

from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")
BASE = Coder(POLICY)
CASES = case_files.options()
FOUND = case_files.Determinations(BASE, CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_option(case: Case) -> None:
    assert case_files.departures(case, FOUND.of(case)) == []


def test_every_question_and_option_has_a_case() -> None:
    listed = {data["question"]: set(data["options"]) for _, data in case_files.documents("readings")}
    held = {question.number: {option.letter for option in question.options} for question in POLICY.questions.values()}
    assert listed == held


def test_the_supported_option_is_the_default() -> None:
    for _, data in case_files.documents("readings"):
        question = POLICY.question(data["question"])
        supported = None if data["supported"] == "unresolved" else question.option(data["supported"]).name
        assert question.default == supported, question.number
