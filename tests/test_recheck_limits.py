"""Whatever a proof and its law hold, the checker ends: at the first wrong claim, or at a limit; it raises nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from command import two_of_equal_rank
from typer.testing import CliRunner

from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.cli import app
from ivproof.law.policy import Policy
from ivproof.proof.maker import canonical, prove, seal
from ivproof.recheck import Program, checker
from ivproof.recheck import parse as parse_law
from ivproof.recheck.budget import Budget, LimitError
from ivproof.recheck.checker import FAULT, REJECTED, UNDECIDED, check, digest_of, installed, read_law

LAW = read_law(installed("out001"))
SECONDS = 60
"""Far more than any of these takes alone on a slow machine, far less than going through it all."""

ALL = ", ".join(f"few({name})" for name in "ABCDE")
FEW = " ".join(f"few({n})." for n in range(80))
DOUBLED = ", ".join(f"X{n + 1} = f(X{n},X{n})" for n in range(40))
LAWS = {
    "a product of five sets": f"{FEW} all(A,B,C,D,E) :- {ALL}.",
    "a product of five sets, of which nothing is kept": f"{FEW} none(A) :- {ALL}, A + B + C + D + E < 0.",
    "a sum over a product": f"{FEW} sum(N) :- N = #sum {{ A,B,C,D,E : {ALL} }}.",
    "digits that double": "big(3). big(X*X) :- big(X).",
    "sums of thousands of digits": 'd(0,1). d(N+1,X+X) :- d(N,X), N < 16000. total("99999",X) :- d(16000,X).',
    "numbers without end": "big(1). big(X+1) :- big(X).",
    "terms that double": "term(a). term(f(X,X)) :- term(X).",
    "terms that double in one rule": f"term(a). other(X40) :- term(X0), {DOUBLED}.",
    "as many answers as there are atoms": FEW + " { pick(A,B) : side(B) } = 1 :- few(A). side(0). side(1).",
    "a rule of 20,000 literals": f"term(a). long(X) :- {', '.join(['term(X)'] * 20_000)}.",
    "a rule of 150 literals": f"{FEW} long(A) :- {', '.join(f'few(A{n})' for n in range(150))}, few(A).",
    "30,000 rules of one predicate": " ".join(f"p({n}) :- p({n + 1})." for n in range(30_000)),
}


@pytest.fixture(scope="module")
def honest() -> dict[str, Any]:
    encounter = parse(two_of_equal_rank("E"), Source("test")).encounter
    assert encounter is not None
    return prove(Coder(Policy.load("out001")), encounter)


def by_another_law(honest: dict[str, Any], rules: str) -> bytes:
    """The proof with a law that has these rules too, its digest and the seal made anew."""
    proof: dict[str, Any] = json.loads(canonical(honest))
    proof["policy"]["law"][-1]["text"] += f"\n{rules}\n"
    proof["policy"]["digest"] = digest_of({it["file"]: it["text"] for it in proof["policy"]["law"]})
    return canonical({**proof, "seal": seal(proof)})


@pytest.mark.parametrize("rules", LAWS.values(), ids=LAWS)
def test_a_law_that_cannot_be_gone_through_is_left_undecided(honest: dict[str, Any], rules: str) -> None:
    begun = time.perf_counter()
    verdict = check(by_another_law(honest, rules), limit=20_000_000)
    assert time.perf_counter() - begun < SECONDS
    assert (verdict.accepted, verdict.verdict) == (False, UNDECIDED), verdict


def test_a_law_that_can_is_not(honest: dict[str, Any]) -> None:
    assert check(by_another_law(honest, "")).accepted
    more = check(by_another_law(honest, f"{FEW} pair(A,B) :- few(A), few(B), A < B."))
    assert "no step concludes it" in more.reason
    assert more.verdict == REJECTED


def test_with_every_question_open_the_first_claim_that_is_not_stated_ends_it(
    honest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    proof: dict[str, Any] = json.loads(canonical(honest))
    for setting in proof["settings"]:
        setting.pop("option", None)
        setting["source"] = "open"
    looked_at = []
    texts = checker._texts

    def noted(*given: Any) -> list[str]:
        looked_at.append(given)
        return texts(*given)

    monkeypatch.setattr(checker, "_texts", noted)
    proof["outcome"]["claims"] = [[]]
    for answer in proof["answers"]:
        answer["claim"] = []
    verdict = check({**proof, "seal": seal(proof)}, LAW)
    assert (verdict.verdict, verdict.step) == (REJECTED, "outcome")
    assert len(looked_at) == 1


def test_a_limit_is_met_in_every_part_of_the_work(honest: dict[str, Any]) -> None:
    met = {check(honest, LAW, limit=10**power).verdict for power in range(8)}
    assert met == {UNDECIDED, "accepted"}


def test_a_document_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivproof.recheck.document.LARGEST", 1000)
    assert check(b" " * 1001 + b"{}").verdict == UNDECIDED


def test_a_document_of_very_many_small_parts_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivproof.recheck.document.PARTS", 1_000)
    verdict = check(b"[" + b"[]," * 1_000 + b"[]]", LAW)
    assert (verdict.verdict, verdict.reason) == (UNDECIDED, "the document has more than 1000 parts")


def test_to_make_rules_ready_is_work_too() -> None:
    long = parse_law("\n".join(f"q{n} :- {', '.join(['p'] * 900)}." for n in range(6)))
    with pytest.raises(LimitError):
        Program(long, Budget(5_000_000))
    Program(long[:1], Budget(5_000_000))


def test_a_number_of_hundreds_of_digits_is_refused(honest: dict[str, Any]) -> None:
    given = {"id": "x", "drug": "x", "route": "IM", "volume_ml": 10**400}
    for place, value in (("id", 10**5_000), ("place_of_service", 10**5_000), ("administrations", [given])):
        content = {**honest["chart"]["content"], place: value}
        assert check({**honest, "chart": {**honest["chart"], "content": content}}, LAW).verdict == REJECTED
        assert parse(content, Source("test")).encounter is None


def test_what_fails_in_the_checker_is_in_its_verdict(honest: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(checker, "_outcome", fails)
    assert check(honest, LAW).verdict == FAULT
    done = CliRunner().invoke(app, ["check", "-"], input=canonical(honest))
    assert (done.exit_code, done.stdout.split(":")[0]) == (4, "fault")


def test_a_limit_on_the_command_line_has_its_own_status(honest: dict[str, Any]) -> None:
    law = by_another_law(honest, LAWS["a product of five sets"])
    done = CliRunner().invoke(app, ["check", "-", "--embedded", "--limit", "2"], input=law)
    assert (done.exit_code, done.stdout.split(":")[0]) == (3, "undecided")
    assert CliRunner().invoke(app, ["check", "-", "--limit", "0"], input=law).exit_code == 2
