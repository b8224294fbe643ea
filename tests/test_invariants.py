"""Invariants of a law: proved over every minute, broken with a chart that both engines code, or said to be open."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import run
from test_lab import BEGIN, BOTH, given, kind

from ivproof.claim.coding import Coder
from ivproof.lab.invariants import Invariants, default_file, read_invariants
from ivproof.lab.kinds import Kind
from ivproof.lab.proving import HOLDS, IS_BROKEN, UNFINISHED, Proving, prove
from ivproof.law.policy import Policy, law_folder

POLICY = Policy.load("out001")
CODER = Coder(POLICY)
Edit = Callable[..., Policy]

BAGS = kind(*[given(drug, BOTH) for drug in ("ceftriaxone", "vancomycin")])


def proved(policy: Policy, *kinds: Kind, file: Path | None = None) -> Proving:
    invariants = read_invariants(file or default_file(POLICY), policy)
    return prove(CODER if policy is POLICY else Coder(policy), invariants, 2, 60, kinds=kinds)


def own(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "ours.lp"
    file.write_text(text, "utf-8")
    return file


def verdicts(found: Proving) -> dict[str, str]:
    return {it.id: found.verdict(it) for it in found.invariants.listed}


def test_the_laws_own_invariants_hold_in_every_cell_of_some_kinds() -> None:
    found = proved(POLICY, BAGS)
    assert not found.broken and not found.unfinished
    assert {it for it, verdict in verdicts(found).items() if verdict == UNFINISHED} == {"chemotherapy-before-drugs"}
    assert list(found.unseen) == ["chemotherapy-before-drugs"]
    assert found.cells > 300 and found.kinds == 1


def test_what_is_met_on_no_chart_is_not_called_proved() -> None:
    found = proved(POLICY, kind(given("ondansetron", BEGIN, method="push")))
    assert verdicts(found)["concurrent-once"] == UNFINISHED and not found.complete
    assert found.unseen["concurrent-once"] == ['unit("96368",R,S,K,D)']


def test_two_initials_at_one_site_are_found_where_three_bags_overlap_pairwise(edited: Edit, tmp_path: Path) -> None:
    law = """

% [planted] R11 (II)
% {S} is paid as initial where it overlaps two others that overlap.
earns(S, initial_infusion, 1) :- infusion(S), infusion(T), infusion(U), S != T, S != U, T != U,
    shares_time(S, T), shares_time(T, U), shares_time(S, U).
"""
    last = (law_folder() / "out001/sequence.lp").read_text("utf-8").rstrip().rpartition("\n\n")[2]
    planted = edited(("out001/sequence.lp", last, last + law))
    three = kind(*[given(drug, BOTH) for drug in ("ceftriaxone", "vancomycin", "ampicillin")])
    text = default_file(POLICY).read_text("utf-8")
    found = proved(planted, three, file=own(tmp_path, text[: text.index("% Roles whose code is added")]))
    assert verdicts(found) == {"one-initial-per-site": IS_BROKEN}
    chart = found.broken["one-initial-per-site"].encounter["administrations"]
    times = [(it["start"], it["stop"]) for it in chart]
    assert len(times) == 3 and max(begin for begin, _ in times) < min(end for _, end in times)


def test_an_earlier_stop_that_adds_units_is_shown_with_both_charts(edited: Edit) -> None:
    rule = "earns(S, further_hour, K) :- infusion(S), initial_service(S), reaches_hour(S, K)."
    more = "".join(rule.replace("reaches_hour(S, K)", "not reaches_hour(S, 1)").replace("K)", f"{k})") for k in (8, 9))
    found = proved(edited(("out001/sequence.lp", rule, rule + more)), kind(given("ceftriaxone", BOTH)))
    assert [it for it, verdict in verdicts(found).items() if verdict == IS_BROKEN] == ["earlier-stop-never-adds"]
    shown = found.broken["earlier-stop-never-adds"].as_dict()
    stops = [it["administrations"][0]["stop"] for it in (shown["encounter"], shown["earlier"]["encounter"])]
    assert stops == ["13:31", "13:30"] and shown["about"] == "a1, 2, 3"
    assert shown["claims"] != shown["earlier"]["claims"]


HEADER = "% [ours] R29 (III.B)\n% Ours.\n"


def test_an_invariant_may_compare_times_of_one_chart(tmp_path: Path) -> None:
    rule = (
        'broken(A, U - T) :- total("96365", N), at(start(A), T), at(stop(A), U), U - T < {seconds}.\n'
        "long(A) :- at(start(A), T), at(stop(A), U), U - T >= 960.\n"
    )
    right = proved(POLICY, kind(given("ceftriaxone", BOTH)), file=own(tmp_path, HEADER + rule.format(seconds=960)))
    assert verdicts(right) == {"ours": HOLDS}
    wrong = proved(POLICY, kind(given("ceftriaxone", BOTH)), file=own(tmp_path, HEADER + rule.format(seconds=961)))
    [given_] = wrong.broken["ours"].encounter["administrations"]
    assert (given_["start"], given_["stop"]) == ("12:00", "12:16") and wrong.broken["ours"].about.startswith("a1, ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("broken(X) :- total(X, N).\n", "ours.lp:1: found broken without a header"),
        (HEADER + "broken(X) :- totally(X, N).\n", "ours.lp:3: found totally/2"),
        (HEADER + "total(X, 1) :- encounter, X = 1.\n", "ours.lp:3: found a rule for total/2"),
        (HEADER + "broken(A) :- moved(A), earlier(at(stop(A), T)).\n", "found at/2, which holds times"),
        (HEADER + "broken(A) :- moved(A), earlier(A).\n", "ours.lp:3: found earlier of a variable"),
        (HEADER + "broken(A) :- moved(A), earlier(nothing(A)).\n", "ours.lp:3: found nothing/1"),
        ("p(1).\n", "ours.lp:1: found no rule for broken(..)"),
        (HEADER + "broken(X) :- total(X, N)", "ours.lp:4: found syntax error"),
        (HEADER + "broken(X) :- not total(Y, X), encounter.\n", "ours.lp:3"),
    ],
)
def test_a_file_that_holds_no_invariants_is_refused_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    done = run("policy", "prove", own(tmp_path, text))
    assert done.exit_code == 2 and said in done.stderr and not done.stdout


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = run("policy", "prove", tmp_path / "none.lp")
    assert done.exit_code == 2 and "none.lp" in done.stderr and "expected a file of invariants" in done.stderr


def test_the_command_tells_each_verdict_with_its_bound(tmp_path: Path) -> None:
    file = own(
        tmp_path, HEADER + 'broken(N) :- total("96365", N).\n\n% [none] R1 (I)\n% None.\nbroken(N) :- total("1", N).\n'
    )
    done = run("policy", "prove", file, "--up-to", "1", "--time-limit", "2", "--format", "json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == 1 and [it["verdict"] for it in found["invariants"]] == [IS_BROKEN, UNFINISHED]
    assert found["invariants"][1]["never_met"] == ['total("1",N)'] and not found["complete"]
    assert (
        found["bound"]["administrations"] == 1 and found["bound"]["kinds"] and found["invariants"][0]["counterexample"]
    )
    # cases are gone through, too, and may break the first one with more than was asked for
    never = own(tmp_path, '% [none] R1 (I)\n% None.\nbroken(N) :- total("1", N).\n')
    told = run("policy", "prove", never, "--up-to", "0", "--time-limit", "2")
    assert told.exit_code == 3 and "met on no chart" in told.stdout and "Gone through" in told.stdout


def test_the_codes_that_may_be_added_are_those_of_the_public_table() -> None:
    with (law_folder() / "edits/add-on.csv").open(encoding="utf-8") as file:
        table = {(it["Add-On_Code"], it["Primary_Code"]) for it in csv.DictReader(file)}
    text = default_file(POLICY).read_text("utf-8")
    assert set(re.findall(r'^added_to\("(\w+)", "(\w+)"\)\.$', text, re.MULTILINE)) == table


def test_the_invariants_that_ship_have_a_citation_of_the_text() -> None:
    found: Invariants = read_invariants(default_file(POLICY), POLICY)
    assert len(found.listed) >= 6 and all(re.match(r"R\d+.* \(.+\)$", it.citation) for it in found.listed)
