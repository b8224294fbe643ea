"""Many charts: the same answers however they are cut and spread, and no chart that costs another its answer."""

import io
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import chart, given_iv, write_lines

from ivproof.chart.encounter import Encounter
from ivproof.chart.files import Sheet, scan
from ivproof.claim import batch
from ivproof.claim.batch import Job, Outcome, as_line, outcomes
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.law.language import LawError
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")


def job(form: batch.Form = as_line) -> Job:
    return Job(POLICY, {}, form, "none")


def sheets(*charts: Any) -> Iterator[Sheet]:
    lines = (it if isinstance(it, str) else json.dumps(it) for it in charts)
    return scan(["-"], io.BytesIO("".join(f"{line}\n" for line in lines).encode()))


def visits(count: int) -> list[Any]:
    """Visits of several kinds: other lengths and times, an unknown drug, no stop time, a broken one."""
    found: list[Any] = []
    for n in range(count):
        stop = f"{10 + n % 5}:{n % 60:02}"
        more = [
            given_iv("p", "ondansetron", "16:00", "16:02", method="push"),
            given_iv("p", "nobody-knows-it", "16:00", "16:40"),
            given_iv("p", "famotidine", "16:00", None),
        ]
        found.append(chart(f"E-{n}", given_iv("bag", "ceftriaxone", "09:30", stop), more[n % 3]))
    found[count // 2] = "{broken"
    return found


# --- forms that processes are sent


def fails_on_number_three(encounter: Encounter, determination: Determination) -> bytes:
    if encounter.id == "E-3":
        raise ValueError("patient Jane Roe")
    return as_line(encounter, determination)


def ends_the_process_on_number_three(encounter: Encounter, determination: Determination) -> bytes:
    if encounter.id == "E-3":
        os._exit(1)
    return as_line(encounter, determination)


def process_id(_encounter: Encounter, _determination: Determination) -> int:
    return os.getpid()


# --- the same bytes


@pytest.fixture(scope="module")
def one_by_one() -> list[Outcome]:
    return list(outcomes(sheets(*visits(40)), job(), jobs=1, chunk=1))


@pytest.mark.parametrize(("jobs", "chunk"), [(1, 7), (2, 9), (3, 25)])
def test_processes_and_chunks_change_no_byte(one_by_one: list[Outcome], jobs: int, chunk: int) -> None:
    assert list(outcomes(sheets(*visits(40)), job(), jobs=jobs, chunk=chunk, few=0)) == one_by_one
    assert sum(it.result is not None for it in one_by_one) == 39


def test_positions_count_what_was_refused_too(one_by_one: list[Outcome]) -> None:
    assert [it.position for it in one_by_one] == list(range(1, 41))
    [refused] = [it for it in one_by_one if it.refusals]
    assert refused.position == 21 and refused.result is None and "standard input:21" in refused.problems[0]


def test_an_id_that_comes_again_is_refused_wherever_it_was_coded() -> None:
    charts = [chart(f"E-{n % 8}") for n in range(12)]
    found = list(outcomes(sheets(*charts), job(), jobs=2, chunk=2, few=0))
    assert [it.result is None for it in found] == [False] * 8 + [True] * 4
    assert all("no earlier encounter" in it.problems[0] for it in found[8:])


def test_no_charts_are_no_error() -> None:
    assert list(outcomes(iter(()), job())) == []


# --- processes


def test_few_charts_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_process(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(batch, "_Process", no_process)
    assert len(list(outcomes(sheets(*visits(50)), job(), jobs=8))) == 50


def test_many_charts_are_spread_over_processes() -> None:
    found = {
        it.result for it in outcomes(sheets(*(chart(f"E-{n}") for n in range(30))), job(process_id), jobs=2, few=0)
    }
    assert os.getpid() not in found


def test_stopping_early_ends_the_processes() -> None:
    found = outcomes(sheets(*(chart(f"E-{n}") for n in range(600))), job(), jobs=2, chunk=20, few=0)
    assert next(found).position == 1
    found.close()
    assert not multiprocessing.active_children()


def test_only_a_few_chunks_are_read_ahead() -> None:
    taken = 0

    def counted() -> Iterator[Sheet]:
        nonlocal taken
        for sheet in sheets(*(chart(f"E-{n}") for n in range(600))):
            taken += 1
            yield sheet

    found = outcomes(counted(), job(), jobs=2, chunk=5, few=0)
    next(found)
    assert taken <= max(batch.RECHECKED + 1, 5 * 2 * batch.UNDER_WAY + 5)
    found.close()


def test_processes_are_sent_a_law_that_was_used_before(one_by_one: list[Outcome]) -> None:
    [*outcomes(sheets(*visits(3)), job()._replace(recheck="all"), jobs=1)]
    assert list(outcomes(sheets(*visits(40)), job(), jobs=2, chunk=20, few=1)) == one_by_one


# --- failures


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_chart_on_which_the_engine_fails_costs_no_other_its_answer(jobs: int) -> None:
    charts = [chart(f"E-{n}") for n in range(10)]
    found = list(outcomes(sheets(*charts), job(fails_on_number_three), jobs=jobs, chunk=4, few=0))
    assert [it.position for it in found if it.result is None] == [4]
    [said] = found[3].problems
    assert "E-3" in said and "chart 4 of the input" in said and "ValueError" in said
    assert "Jane Roe" not in said


def test_an_engine_that_fails_on_a_chunk_is_asked_for_each_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    code = Coder.code

    def fails(self: Coder, encounters: list[Encounter], *rest: Any) -> list[Determination]:
        if any(it.id == "E-2" for it in encounters):
            raise RuntimeError("patient Jane Roe")
        return code(self, encounters, *rest)

    monkeypatch.setattr(Coder, "code", fails)
    found = list(outcomes(sheets(*(chart(f"E-{n}") for n in range(5))), job(), jobs=1))
    assert [it.failure is None for it in found] == [True, True, False, True, True]
    assert "Jane Roe" not in found[2].problems[0]


def test_a_process_that_dies_takes_only_one_chart_with_it() -> None:
    charts = [chart(f"E-{n}") for n in range(8)]
    found = list(outcomes(sheets(*charts), job(ends_the_process_on_number_three), jobs=2, chunk=4, few=0))
    assert [it.position for it in found] == list(range(1, 9))
    assert [it.position for it in found if it.result is None] == [4]
    assert "chart 4 of the input" in found[3].problems[0]


def test_a_law_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    policy = Policy("broken", "Broken", "2020", (), {"rules.lp": "a :- b, #minimize."}, tmp_path)
    with pytest.raises(LawError):
        list(outcomes(sheets(*(chart(f"E-{n}") for n in range(5))), Job(policy, {}, as_line, "none"), jobs=2, few=0))


# --- memory


def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        file = write_lines(tmp_path / f"{count}.jsonl", *(chart(f"E-{n}") for n in range(count)))
        command = [sys.executable, "-c", "from ivproof.cli import app; app()", "code", str(file)]
        more = ["--format", "json", "--jobs", "1", "--recheck", "none", "--output", os.devnull]
        with subprocess.Popen([*command, *more]) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = status
        assert status == 0
        return used.ru_maxrss

    few, many = peak(250), peak(1000)
    assert many < few * 1.2 + 10_000, "kilobytes"


def test_a_process_that_has_grown_makes_way_for_another(
    one_by_one: list[Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    def served() -> int:
        found = list(outcomes(sheets(*visits(20)), job(process_id), jobs=2, chunk=5, few=1))
        return len({it.result for it in found if it.result is not None})

    assert served() <= 2
    monkeypatch.setattr(batch, "GROWN", -1)
    assert served() > 2
    again = list(outcomes(sheets(*visits(40)), job(), jobs=2, chunk=10, few=1))
    assert again == one_by_one
