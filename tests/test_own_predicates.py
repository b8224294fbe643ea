"""A policy with predicates of its own is explained by what it says itself: nothing of it stands in Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import chart, given_iv, run, write_lines
from small_policy import small_policy

from ivproof.law.policy import Policy

LAW = """
% [dwell] R30 (III.B)
% {A} dwelt for {N} seconds.
dwelt(A, N) :- at(start(A), B), at(stop(A), E), N = E - B.

% [arrival] R30 (III.B)
% {A} arrived at second {T}.
arrived(A, T) :- at(start(A), T).

% [dwelt-in-all] R30 (III.B)
% All that was given dwelt for {N} seconds.
all_dwelt(N) :- encounter, N = #sum { M, A : dwelt(A, M) }.

% [long-enough] R30 (III.B)
% {A} dwelt long enough, having arrived at second {T}, of {N} seconds in all.
unit("96365", stay, A, 1, 0) :- dwelt(A, M), M >= 1800, arrived(A, T), all_dwelt(N).

% [in-all] R30 (III.B)
% Units of {Code}.
total(Code, N) :- unit(Code, R, S, K, D), N = #count { T, J, I : unit(Code, I, T, J, V) }.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = small_policy(tmp_path)
    (found / "law.lp").write_text(LAW, "utf-8")
    return found


def test_its_times_and_lengths_are_told_as_such(folder: Path, tmp_path: Path) -> None:
    assert Policy.load(folder).clock == {
        "at/1": "time",
        "dwelt/1": "length",
        "arrived/1": "time",
        "all_dwelt/0": "length",
    }
    visit = chart(
        "visit", given_iv("bag", "ceftriaxone", "09:00", "09:40"), given_iv("rider", "cefazolin", "10:00", "10:05")
    )
    file = write_lines(tmp_path / "visit.jsonl", visit)
    told = run("why", file, "96365", "--policy", folder)
    assert told.exit_code == 0, told.stderr
    text = " ".join(told.stdout.split())
    assert "All that was given dwelt for 45 minutes." in text
    assert "bag: 40 minutes; rider: 5 minutes → 45 minutes in all" in text
    assert "dwelt for 40 minutes." in text
    assert "arrived at 09:00." in text
    assert not [it for it in ("2400", "32400", "2700", "second") if it in text]
