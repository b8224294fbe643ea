"""What worked cases hold a law to: the changes that they notice, as the first engine has it, and charts that would."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from case_files import Case, some, worked
from command import run
from mutation_judge import Judge as ByClingo
from small_policy import small_policy
from test_lab import BOTH, given, kind

from ivproof.claim.coding import Coder
from ivproof.engine.cover import least_cover
from ivproof.law.policy import Policy
from ivproof.law.syntax import Choice
from ivproof.suites.adequacy import changes_of
from ivproof.suites.judge import Judge
from ivproof.suites.mutants import Mutant, Notes, Operator, mutants

POLICY = Policy.load("out001")
CODER = Coder(POLICY)


def some_cases() -> list[Case]:
    return [it for it in worked("law") if it.file.endswith("/pushes.yaml") and not it.readings][:10]


def test_the_same_cases_notice_a_change_as_by_the_first_engine() -> None:
    ours, first = Judge(CODER, some_cases()), ByClingo(CODER, some_cases())
    numbered = {(it.file, it.line, str(it)): n for n, it in enumerate(POLICY.program.rules)}
    listed = [it for it in mutants(first.program, Notes.of(POLICY)) if it.rule.file.endswith(("push.lp", "time.lp"))]
    found: dict[bool, list[Mutant]] = {True: [], False: []}
    for it in listed[::9]:
        mine = replace(it, at=numbered[it.rule.file, it.rule.line, str(it.rule)])
        found[bool(ours.noticing(mine))].append(it)
    assert found[True] and found[False]
    for noticed, these in found.items():
        for it in these[:: max(1, len(these) // 3)]:
            assert (first.noticed(it) is not None) is noticed, it.key


def test_every_operator_changes_a_rule_and_an_explained_change_is_left_out() -> None:
    changes, explained = changes_of(CODER, tuple(Operator))
    assert {it.operator for it in changes} == {*Operator, "option"}
    assert 0 < explained <= len(Notes.of(POLICY).explained)
    texts = [(it.mutant.at, str(it.mutant.instead)) for it in changes if it.mutant is not None]
    assert len(set(texts)) > 0.98 * len(texts)
    assert all(str(it.mutant.instead) != str(it.mutant.rule) for it in changes if it.mutant is not None)


CASE = """
- case: bag
  encounter: {id: E, place_of_service: "22", date: 2021-01-05, access_sites: [{id: iv}], administrations: [
    {id: x, drug: ceftriaxone, route: IV, site: iv, start: "12:00", stop: "12:20"}]}
  expect: {claim: {"96365": 1}}
- case: wrong
  encounter: {id: F, place_of_service: "22", date: 2021-01-05, administrations: []}
  expect: {claim: {"96365": 1}}
"""


def small(tmp_path: Path) -> Path:
    """A law of which a case can be told from everything: hours by a threshold, and one rule that nothing needs."""
    folder = small_policy(tmp_path)
    (folder / "law.lp").write_text(
        """% [minutes] R29 (III.B)
% How many minutes an infusion needs.
threshold(infusion, 16).

% [enough] R29 (III.B)
% {A} runs long enough.
enough(A) :- at(start(A), S), at(stop(A), T), threshold(infusion, N), T - S >= 60 * N.

% [unit] R30 (III.B)
% {A} has a unit.
unit("96365", initial_infusion, A, 1, 0) :- enough(A).

% [push] R30 (III.B)
% {A} is a push.
unit("96374", initial_push, A, 1, 0) :- charted_method(A, push).

% [total] R30 (III.B)
% Units of {C}: {N}.
total(C, N) :- unit(C, R, S, K, D), N = #count { R1, S1, K1 : unit(C, R1, S1, K1, D1) }.
""",
        "utf-8",
    )
    return folder


def test_what_a_case_does_not_tell_apart_is_shown_with_a_chart_that_does(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(CASE, "utf-8")
    law = small(tmp_path)
    arguments = ("policy", "adequacy", tmp_path / "ours.yaml", "--policy", law, "--jobs", "1", "--format", "json")
    done = run(*arguments)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == 1 and found["cases"] == 1 and len(found["left_out"]) == 1 and found["complete"]
    holes = {(it["rule"], it["change"]): it["chart"] for it in found["holes"]}
    assert (
        set(holes) == {("minutes", "16 to 17"), ("minutes", "16 to 15"), ("push", "deleted"), ("push", "1 to 0")}
        or holes
    )
    shown = holes["push", "deleted"]
    assert shown["law"]["claim"] == {"96374": 1} and shown["changed"]["claim"] == {}
    told = run(*arguments[:-2])
    assert told.exit_code == 1 and "Rules that no case needs: 2" in told.stdout and "left out" in told.stdout


def test_no_cases_are_refused(tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text("[]\n", "utf-8")
    assert run("policy", "adequacy", tmp_path / "none.yaml").exit_code == 2


def test_a_suite_is_small_and_right_and_says_what_it_does_not_notice(tmp_path: Path) -> None:
    law, folder = small(tmp_path), tmp_path / "cases"
    arguments = ("policy", "suite", "-o", folder, "--policy", law, "--jobs", "1", "--minimum")
    done = run(*arguments)
    file = folder / "suite.ivproof.yaml"
    assert done.exit_code == 1 and "not noticed: total: deleted" in done.stdout
    assert run("policy", "test", file, "--policy", law).exit_code == 0
    judged = json.loads(run("policy", "adequacy", file, "--policy", law, "--up-to", "0", "--format", "json").stdout)
    assert f"notice {judged['noticed']} of {judged['changes']} changes" in done.stdout
    assert [(it["rule"], it["change"]) for it in judged["holes"]] == [("total", "deleted")]
    assert judged["cases"] == 3 and "They are the fewest of" in done.stdout
    again = run(*arguments)
    assert again.exit_code == 2 and "nothing is written over" in again.stderr


def test_the_smallest_cover_is_found_and_said_to_be_it() -> None:
    assert least_cover({1: [1, 2], 2: [2, 3], 3: [3, 4], 4: [4]}, 10) == ([2, 4], True)
    assert least_cover({1: [1, 2], 2: [2, 3], 3: [3, 4], 4: [4]}, float("inf")) == ([2, 4], True)
    assert least_cover({}, 10) == ([], True)


def test_every_change_of_the_law_can_be_asked_of_a_chart() -> None:
    [case] = some_cases()[:1]
    judge = Judge(CODER, [case])
    changes, _ = changes_of(CODER, tuple(Operator))
    for change in some(changes, 31):
        if change.mutant is not None and change.mutant.instead is not None:
            judge.noticing(change.mutant)


def test_a_law_without_a_choice_is_asked_of_a_chart_that_needs_it() -> None:
    unlisted = kind(given("drug that no list has", BOTH))
    chart = unlisted.read(unlisted.sample)
    assert chart is not None
    judge = Judge(CODER, [Case("x", "", chart, {}, {"status": "ambiguous"})])
    changes, _ = changes_of(CODER, (Operator.DELETED,))
    gone = [it.mutant for it in changes if it.mutant is not None and isinstance(it.mutant.rule.head, Choice)]
    named = {it.rule.id for it in gone if judge.noticing(it)}
    assert named == {"supposed-class"}
