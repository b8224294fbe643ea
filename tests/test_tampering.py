"""A changed proof is rejected: a few of each kind here, as many as one likes with ``python tests/tools/tamper.py``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import forged_documents
import forgeries
import pytest
from tamper import KINDS, Bench, small_cases

from ivproof.proof.maker import canonical, seal
from ivproof.recheck.checker import REJECTED, hash_of

FEW = 8
FEWER = 2
ANEW = 1
"""Of the kinds that prove everything anew, which takes longer."""


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
    tried, few = 0, ANEW if name in forgeries.KINDS else FEWER if name in forged_documents.KINDS else FEW
    for changed in bench.changed(name, few):
        verdict = bench.check(changed)
        assert not verdict.accepted
        assert verdict.verdict == REJECTED, verdict
        assert verdict.reason
        assert verdict.step == "chart" or name not in forgeries.CHARTS
        tried += 1
    assert tried == few


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


def sealed(proof: dict[str, Any]) -> dict[str, Any]:
    return {**proof, "seal": seal(proof)}


def of_other_versions(proof: dict[str, Any]) -> None:
    proof["made_with"]["clingo"] = "9.9"


def settled_by_the_user(proof: dict[str, Any]) -> None:
    setting = next(it for it in proof["settings"] if it["source"] == "default")
    setting["source"] = "set"


def about_a_chart_with_another_billed_line(proof: dict[str, Any]) -> None:
    proof["chart"]["content"]["billed"] = [{"code": "96365"}]
    proof["chart"]["digest"] = hash_of(proof["chart"]["content"])


@pytest.mark.parametrize(
    "change",
    [of_other_versions, settled_by_the_user, about_a_chart_with_another_billed_line],
    ids=lambda it: it.__name__,
)
def test_what_changes_nothing_that_is_proved_needs_a_new_seal(
    bench: Bench, change: Callable[[dict[str, Any]], None]
) -> None:
    proof = json.loads(canonical(bench.proofs[0]))
    change(proof)
    assert bench.check(proof).reason.startswith("seal")
    assert bench.check(sealed(proof)).accepted


def test_spaces_between_the_parts_do_not_matter(bench: Bench) -> None:
    assert bench.check(json.dumps(bench.proofs[0]).encode()).accepted


def test_a_part_that_is_there_twice_is_noticed(bench: Bench) -> None:
    data = canonical(bench.proofs[0]).decode().rstrip().removesuffix("}").rstrip()
    assert "twice" in bench.check(f'{data}, "version": 1}}'.encode()).reason


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"\xff", b'{"seal": NaN}', b"[" * 100_000])
def test_what_is_no_proof_is_rejected(bench: Bench, data: bytes) -> None:
    assert not bench.check(data).accepted
