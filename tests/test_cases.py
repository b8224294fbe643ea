"""Every worked case, published and our own, is answered as it says."""

from __future__ import annotations

import case_files
import pytest
from case_files import Case

from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")
BASE = Coder(POLICY)
CASES = [*case_files.worked("published"), *case_files.worked("law")]

FOUND = case_files.Determinations(BASE, CASES)


@pytest.mark.parametrize(
    "case",
    [pytest.param(it, id=f"{it.file}:{it.name}", marks=case_files.failing(it.file, it.name)) for it in CASES],
)
def test_case(case: Case) -> None:
    assert case_files.departures(case, FOUND.of(case)) == []


def test_a_case_raises_the_open_questions_that_it_lists() -> None:
    listed = [case for case in CASES if "raises" in case.expect]
    rules = [rule.text for rule in POLICY.batch_rules(POLICY.settings())]
    raised = case_files.raised(rules, [BASE.facts(case.encounter) for case in listed])
    for case, questions in zip(listed, raised, strict=True):
        assert questions == set(case.expect["raises"]), f"{case.file}:{case.name}"


def test_no_two_cases_have_one_name() -> None:
    assert len({(case.file, case.name) for case in CASES}) == len(CASES)


def test_a_difference_is_listed_with_its_reason() -> None:
    listed = {
        data["case"][:6]: data["difference"] for _, data in case_files.documents("published") if "difference" in data
    }
    assert set(listed) == {"we-022", "we-028", "we-050", "we-051", "we-066"}
    assert all(listed.values())
