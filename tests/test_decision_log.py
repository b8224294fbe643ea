"""The log of decisions: what is in it, that no change of it goes unseen, and that without it no answer is given."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import chart, given_iv, run

from ivproof.chart.encounter import digest
from ivproof.chart.reading import Source, parse
from ivproof.commands import log as command
from ivproof.law.policy import Policy
from ivproof.serve.answering import Service
from ivproof.serve.asking import AboutPresence, AboutProof, Asked
from ivproof.serve.log import FIRST, DecisionLog, LogError, hash_of, outcome, verify

CANARY = "Kanarienvogel-7391"
CHART = chart(CANARY, given_iv(f"{CANARY}-a", "ceftriaxone", "09:00", "10:31", note=CANARY), payer=CANARY, note=CANARY)


def lines(count: int = 4) -> list[bytes]:
    written: list[bytes] = []
    log = DecisionLog(written.append, clock=lambda: "2026-01-02T03:04:05+00:00")
    for n in range(count):
        log.add({"decision": f"d{n}", "question": "code", "status": "determined"})
    return written


def test_a_decision_is_written_with_its_law_and_nothing_of_the_chart_but_its_claim(tmp_path: Path) -> None:
    service = Service(Policy.load("out001"))
    file = tmp_path / "decisions.jsonl"
    log = command.opened(file)
    service.decided = lambda question, decided: log.add(outcome(question, decided))
    answer = service.code(Asked(chart=CHART, readings={"A9": "first"}))
    service.why(AboutPresence(chart=CHART, code="96365"))
    proof = service.prove(Asked(chart=CHART))["answer"]
    service.check(AboutProof(proof=proof))
    raw = file.read_bytes()
    assert CANARY.encode() not in raw
    first, *others = [json.loads(it) for it in raw.splitlines()]
    encounter = parse(CHART, Source("chart")).encounter
    assert encounter is not None
    assert first["decision"] == answer["decision"] and first["chart"] == digest(encounter)
    assert first["policy"] == Policy.load("out001").about and first["readings"]["set"] == {"A9": "first"}
    assert first["claim"] == {"96365": 1, "96366": 1} and first["status"] == "determined"
    assert first["before"] == FIRST and "T" in first["time"]
    assert [(it["question"], it["status"]) for it in others] == [
        ("why", "determined"),
        ("prove", "determined"),
        ("check", "accepted"),
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = run("log", "verify", file)
    assert done.exit_code == 0 and "4 decisions" in done.stdout and log.last in done.stdout.replace("\n", "")


def test_without_its_line_no_answer_is_given() -> None:
    service = Service(Policy.load("out001"))

    def full(_line: bytes) -> None:
        raise OSError(28, "No space left on device")

    log = DecisionLog(full)
    service.decided = lambda question, decided: log.add(outcome(question, decided))
    with pytest.raises(OSError, match="No space"):
        service.code(Asked(chart=CHART))
    assert log.count == 0 and log.last == FIRST


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a line changed": lambda it: [it[0], it[1].replace(b"determined", b"ambiguous!"), *it[2:]],
    "a line taken out": lambda it: [it[0], *it[2:]],
    "the first taken out": lambda it: it[1:],
    "two exchanged": lambda it: [it[1], it[0], *it[2:]],
    "one twice": lambda it: [it[0], it[0], *it[1:]],
    "one put between": lambda it: [it[0], lines(2)[1].replace(b"d1", b"dx"), *it[1:]],
    "a space more": lambda it: [it[0].replace(b"{", b"{ "), *it[1:]],
    "no end": lambda it: [*it[:-1], it[-1][:-1]],
    "half a line": lambda it: [*it[:-1], it[-1][:20]],
    "no object": lambda it: [*it, b"[]\n"],
    "an empty line": lambda it: [*it, b"\n"],
    "levels": lambda it: [*it, b"[" * 100_000 + b"\n"],
    "true for a number": lambda it: [it[0].replace(b'"number":1', b'"number":true'), *it[1:]],
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_within_a_log_goes_unseen(change: str, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"".join(lines()))
    assert run("log", "verify", file).exit_code == 0
    file.write_bytes(b"".join(CHANGES[change](lines())))
    done = run("log", "verify", file)
    assert done.exit_code == 1 and "line " in done.stderr and "expected" in done.stderr
    # and the service does not go on with it
    with pytest.raises(Exception) as refused:
        command.opened(file)
    assert getattr(refused.value, "exit_code", None) == 2


def test_of_a_changed_line_the_one_behind_it_tells_that_it_may_be_either() -> None:
    whole = lines()
    with pytest.raises(LogError, match=r"line 3: found before .*line 2: one of the two"):
        verify([whole[0], whole[1].replace(b"d1", b"dx"), *whole[2:]])


def test_what_only_a_noted_hash_can_show() -> None:
    whole = lines()
    noted = hash_of(whole[2])
    assert verify(whole, noted).count == 4
    for other in (whole[:2], lines(3)[:2], []):  # cut off, and written anew with one decision less
        assert verify(other).count == len(other)
        with pytest.raises(LogError, match="noted"):
            verify(other, noted)
    assert verify(whole[:3], noted).last == noted
    assert verify([], FIRST).count == 0


def test_a_log_is_gone_on_with_by_one_service_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "log"
    first = command.opened(file)
    first.add({"decision": "d1"})
    with pytest.raises(Exception) as refused:
        command.opened(file)
    assert getattr(refused.value, "exit_code", None) == 2 and "another run" in capsys.readouterr().err
    del first
    second = command.opened(file)
    second.add({"decision": "d2"})
    assert verify(file.read_bytes().splitlines(keepends=True)).count == 2
    link = tmp_path / "link"
    link.symlink_to(file)
    with pytest.raises(Exception) as refused:
        command.opened(link)
    assert getattr(refused.value, "exit_code", None) == 2


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    told: Any = run("log", "verify", tmp_path / "nothing")
    assert told.exit_code == 2 and "cannot read" in told.stderr
