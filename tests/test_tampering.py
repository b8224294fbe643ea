"""A changed proof is rejected: a few of each kind here, as many as one likes with ``python tests/tamper.py``."""

from __future__ import annotations

import pytest
from tamper import KINDS, Bench, small_cases

FEW = 24


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(small_cases())


def test_what_is_changed_was_accepted_before(bench: Bench) -> None:
    for proof in bench.proofs:
        assert bench.check(proof).accepted
    assert any(len(proof["answers"]) > 1 for proof in bench.proofs)
    assert any(step.get("candidates") for proof in bench.proofs for step in proof["answers"][0]["steps"])


@pytest.mark.parametrize("name", KINDS)
def test_a_changed_proof_is_rejected_with_a_reason(bench: Bench, name: str) -> None:
    tried = 0
    for changed in bench.changed(name, FEW):
        verdict = bench.check(changed)
        assert not verdict.accepted
        assert verdict.reason
        tried += 1
    assert tried == FEW


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a variable has another value", "step"),
        ("a step cites another rule", "step"),
        ("a step uses less", "step"),
        ("a negation is left out", "step"),
        ("a comparison has other values", "step"),
        ("evidence is changed", "absent"),
        ("a fact is left out", "facts"),
    ],
)
def test_the_verdict_says_where(bench: Bench, name: str, place: str) -> None:
    for changed in bench.changed(name, 5, seed=1):
        verdict = bench.check(changed)
        assert place in verdict.step or verdict.step == "chart"
        assert "not in order" not in verdict.reason
