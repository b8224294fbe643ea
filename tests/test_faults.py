"""The faults that were found in answers, each as the smallest charts that show it, are mended."""

from __future__ import annotations

import case_files
import pytest

from ivproof.cases import Case, Settled, judge, read_cases
from ivproof.chart.refusal import Refusal
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy

NAMES = [(file, data["case"]) for file, data in case_files.documents("faults")]
READ = dict(zip(NAMES, read_cases([case_files.FOLDER / "faults"]), strict=True))


@pytest.fixture(scope="module")
def found() -> dict[int, tuple[str, ...]]:
    coder = Coder(Policy.load("out001"))
    cases = [it for it in READ.values() if isinstance(it, Case | Settled)]
    return {id(it.case): it.departures for it in judge(coder, cases)}


@pytest.mark.parametrize(
    "it", [pytest.param(it, id=":".join(name), marks=case_files.failing(*name)) for name, it in READ.items()]
)
def test_fault_is_mended(it: Case | Settled | tuple[Refusal, ...], found: dict[int, tuple[str, ...]]) -> None:
    assert isinstance(it, Case | Settled), "\n".join(map(str, it))
    assert found[id(it)] == ()


def test_every_open_case_is_a_case() -> None:
    published = {(case.file, case.name) for case in case_files.worked("published")}
    assert {*NAMES, *published} >= case_files.FAILING


def test_no_two_faults_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)
