"""No chart keeps anybody busy for ever: what takes more work than is allowed is told in words, the rest answered."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import hard
import pytest
from command import answers, chart, run, write_lines

from ivproof import Coder, Policy, Source, parse
from ivproof.chart import bounds
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import TOO_LARGE
from ivproof.engine.grounding import grounded
from ivproof.engine.interruptible import apart
from ivproof.proof.maker import canonical, prove
from ivproof.recheck.budget import KEPT, WORK, LimitError

LARGE = {**hard.overlapping(25), "billed": [{"code": "96365"}]}


@pytest.fixture(scope="module")
def coder() -> Coder:
    return Coder(Policy.load("out001"))


def encounter(data: hard.Chart) -> Encounter:
    found = parse(data, Source("hard.json")).encounter
    assert found is not None
    return found


def test_of_a_batch_the_charts_that_are_small_enough_are_answered(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "charts.jsonl", chart("A"), LARGE, chart("B"))
    done = run("code", file, "--format", "json", "--limit", "1")
    assert done.exit_code == 3
    assert [it["status"] for it in answers(done)] == ["determined", "undecided", "determined"]
    assert answers(done)[1]["claim"] == []
    [note] = answers(done)[1]["notes"]
    assert "25 administrations; 5 without a stop (a" in note
    assert "--limit" in note
    assert done.stderr == f"{file}:2: {note}\n"


def test_a_refusal_weighs_more_than_a_limit(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "charts.jsonl", LARGE, {"id": "no chart"})
    assert run("code", file, "--limit", "1", "--no-assumptions").exit_code == 1


@pytest.mark.parametrize(
    "command",
    ["why 96365", "whynot 96367", "explain", "margins", "missing", "prove", "report -o page.html", "audit",
     "audit --format json", "audit -o packet.html", "readings", "code"],
)  # fmt: skip
def test_every_command_tells_the_limit_in_words(command: str, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "large.jsonl", LARGE)
    name, *rest = command.split()
    options = [str(tmp_path / it) if it.endswith(".html") else it for it in rest]
    done = run(name, str(file), *options, "--limit", "1")
    assert done.exit_code == 3, done.output
    assert "overlapping-25: it takes more work than is allowed (1 million atoms)" in " ".join(done.stderr.split())
    assert "internal error" not in done.output
    assert [it.name for it in tmp_path.iterdir()] == ["large.jsonl"]


def test_what_would_change_is_left_out_before_the_claim_is(coder: Coder, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = encounter(hard.in_sequence(6))
    [whole] = coder.code([visit])
    monkeypatch.setattr(bounds, "SHARE", WORK)
    with bounds.for_chart(visit):
        [short] = coder.code([visit])
    assert short.claim == whole.claim
    assert short.status == whole.status
    assert {it.searched for it in short.missing} == {TOO_LARGE}


def test_what_makes_a_chart_large_is_named() -> None:
    assert bounds.large(encounter(hard.paused(40))) == ["1 administration", "1919 pauses", "a run of 40 days"]
    assert bounds.large(encounter(hard.without_site(5)), ["A9"]) == [
        "5 administrations",
        "5 without a site (a0, a1, a2 and 2 more)",
        "questions held open: A9",
    ]
    assert bounds.large(encounter(hard.many_sites(100))) == ["1 administration", "101 access sites"]
    with pytest.raises(TooManyWaysError, match="x: too many ways"), bounds.for_chart(encounter(chart("x"))):
        raise TooManyWaysError("x: too many ways")


@pytest.mark.parametrize(
    ("data", "atoms"),
    [
        (hard.long_run(30), 6_000),
        (hard.paused(2), 6_000),
        (hard.beside_hydration(40), 9_000),
        (hard.together(60), 12_000),
    ],
    ids=lambda it: it["id"] if isinstance(it, dict) else str(it),
)
def test_what_is_grounded_grows_with_the_chart_and_no_faster(coder: Coder, data: hard.Chart, atoms: int) -> None:
    facts = coder.facts(encounter(data))
    with bounds.bounded(KEPT * atoms):
        coder.engine.plain([facts])


def test_a_long_run_is_grounded_in_proportion(coder: Coder) -> None:
    taken = []
    for days in (10, 20):
        with bounds.bounded(WORK):
            coder.engine.plain([coder.facts(encounter(hard.long_run(days)))])
            taken.append(WORK - bounds.current().left)
    assert taken[1] < 2.2 * taken[0]


def test_the_pauses_of_a_run_are_not_kept_in_pairs(coder: Coder) -> None:
    """By the second engine, which counts what an aggregate keeps, too: it took 46 million atoms for 200 pauses."""
    facts = coder.facts(encounter(hard.paused(4)))  # 191 pauses
    with bounds.bounded(WORK) as work:
        next(iter(coder.second.program.answers(coder.second.question(facts), work=work)))
        assert WORK - work.left < 1_000_000


def test_a_proof_has_no_evidence_for_each_pair_of_pauses(coder: Coder) -> None:
    """With one for each it is of some eight million bytes."""
    assert len(canonical(prove(coder, encounter(hard.paused(4))))) < 3_000_000


@pytest.mark.parametrize("data", [hard.paused(120), hard.many_sites(20_000)], ids=lambda it: it["id"])
def test_what_is_compared_pair_by_pair_and_concludes_nothing_is_counted(coder: Coder, data: hard.Chart) -> None:
    with pytest.raises(LimitError), bounds.bounded(WORK):
        coder.facts(encounter(data))


def test_a_name_that_is_cut_in_very_many_ways_is_counted(coder: Coder) -> None:
    usual, wordy = ([hard.given(n, f"abc{n} " + "in " * many) for n in range(20)] for many in (5, 300))
    with bounds.bounded(WORK):
        coder.facts(encounter(hard.chart("usual", usual)))
        assert bounds.current().left == WORK
    with pytest.raises(LimitError), bounds.bounded(WORK):
        coder.facts(encounter(hard.chart("wordy", wordy)))


@pytest.mark.parametrize("watched", [True, False])
def test_a_program_with_too_many_atoms_is_not_grounded(*, watched: bool) -> None:
    begin = time.monotonic()
    with pytest.raises(LimitError), bounds.bounded(KEPT * 10_000):
        grounded(["p(1..400). q(X,Y) :- p(X), p(Y)." if not watched else "p(1). p(X+1) :- p(X)."], watched=watched)
    assert time.monotonic() - begin < 60


def test_ctrl_c_is_heard_while_clingo_works() -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        apart(lambda: time.sleep(20))
    assert time.monotonic() - begin < 10


def test_an_error_is_raised_where_it_was_asked_for() -> None:
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 // 0)
