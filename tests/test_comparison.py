"""``ivproof policy compare``: the rules that differ, the charts that feel it, and the rules that it is owed to."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from case_files import some, worked
from command import chart, given_iv, run, write_lines

from ivproof.chart.encounter import Encounter
from ivproof.comparison import Compared, Comparing, law_changes
from ivproof.comparison.law import ADDED, CHANGED, REMOVED, REWORDED
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")
Edit = Callable[..., Policy]

HYDRATION = ("time.lp", "threshold(hydration, 31).", "threshold(hydration, 30).")
INFUSION = ("time.lp", "threshold(infusion, 16).", "threshold(infusion, 17).")
_BOTH = ([HYDRATION], [INFUSION], [HYDRATION, INFUSION])


def without(rule: str) -> tuple[str, str, str]:
    """Deletes a rule, with all its clauses and its header."""
    rules = POLICY.program.by_id[rule]
    text = POLICY.texts[rules[0].file]
    begin = text.index(f"% [{rule}] ")
    end = text.find("\n% [", begin)
    return rules[0].file, text[begin : end if end > 0 else len(text)], ""


@cache
def encounters(*numbers: str) -> list[Encounter]:
    """Cases of the law that rest on one of these rules of the text, as far as questions stand as by default."""
    found = [case for case in worked("law") if not case.readings and set(case.rules) & set(numbers)]
    return [case.encounter for case in some(found, max(1, len(found) // 12))]


def compared(new: Policy, *numbers: str) -> list[Compared]:
    return Comparing(new)(POLICY, {}).code(encounters(*numbers), "none")


def ids(found: list[Compared]) -> set[str]:
    return {it.encounter for it in found if it.kind == "claim"}


# --- the law


def test_a_law_is_no_different_from_itself(edited: Edit) -> None:
    assert law_changes(POLICY, edited()) == ()


def test_rules_are_compared_by_what_they_say_and_not_by_their_layout(edited: Edit) -> None:
    new = edited(
        ("time.lp", "threshold(hydration, 31).", "threshold(hydration,   30)."),
        (
            "out001/site.lp",
            "counts_as(S, S) :- needed(S), not restarted(S).",
            "counts_as(S,S):-needed(S),\n  not restarted(S).",
        ),
        ("out001/site.lp", "% Site {S} was required: {N}.", "% Site {S} was necessary: {N}."),
        without("keep-open"),
        (
            "out001/included.lp",
            "% [by-mouth]",
            "% [by-ear] R18 (II)\n% {A} was taken by ear.\nleft_out(A, by_ear) :- considered(A), route(A, ear).\n\n"
            "% [by-mouth]",
        ),
    )
    found = {it.id: it for it in law_changes(POLICY, new)}
    assert {name: it.kind for name, it in found.items()} == {
        "threshold-hydration": CHANGED,
        "needed-site": REWORDED,
        "keep-open": REMOVED,
        "by-ear": ADDED,
    }
    assert found["threshold-hydration"].before == ("threshold(hydration, 31).",)
    assert found["threshold-hydration"].after == ("threshold(hydration,   30).",)
    assert found["by-ear"].before == found["keep-open"].after == ()
    assert found["needed-site"].after[0].endswith("Site {S} was necessary: {N}.")
    assert law_changes(new, POLICY)[-1].kind == REMOVED


# --- charts


def test_nothing_is_different_under_the_same_law(edited: Edit) -> None:
    assert {it.kind for it in compared(edited(), "R31", "R11")} == {"same"}


EDITS = some(
    [
        ("threshold-hydration", "R31", HYDRATION),
        ("threshold-infusion", "R30", INFUSION),
        (
            "a44-sequential-minimum",
            "R77",
            ("out001/readings.lp", "default(a44, infusions_only).", "default(a44, pushes_too)."),
        ),
        ("needed-site", "R11", without("needed-site")),
        ("undocumented-need", "R11", without("undocumented-need")),
        ("keep-open", "R62", without("keep-open")),
        ("after-inpatient-order", "R1", without("after-inpatient-order")),
        ("fluid-by-hand", "R62", without("fluid-by-hand")),
        ("interval-in-doubt", "R34", without("interval-in-doubt")),
        ("codes-further-push-therapeutic", "R77", without("codes-further-push-therapeutic")),
    ],
    2,
)


@pytest.mark.parametrize(("rule", "number", "edit"), EDITS)
def test_every_other_claim_is_owed_to_the_rule_that_was_changed(
    rule: str, number: str, edit: tuple[str, str, str], edited: Edit
) -> None:
    found = [it for it in compared(edited(edit), number) if it.kind == "claim"]
    assert found
    assert {it.because for it in found} == {(rule,)}
    assert all(it.differences for it in found)


def test_of_two_changes_each_claim_names_those_that_it_is_owed_to(edited: Edit) -> None:
    one, other, both = (compared(edited(*edits), "R30", "R31") for edits in _BOTH)
    alone = {it.encounter: it for it in (*one, *other) if it.kind == "claim"}
    only = (ids(one) | ids(other)) - (ids(one) & ids(other))
    seen = [it for it in both if it.encounter in only and it.kind == "claim"]
    assert len({it.because for it in seen}) > 1
    for it in seen:
        assert it.because == alone[it.encounter].because
        assert it.differences == alone[it.encounter].differences


def test_what_is_asked_for_is_no_other_claim(edited: Edit) -> None:
    found = compared(edited(without("hydration-stop-missing")), "R61")
    assert {it.kind for it in found} == {"same", "reasons"}
    assert {it.because for it in found} == {()}


# --- the command


def test_the_command_tells_rules_charts_and_units(edited: Edit, tmp_path: Path) -> None:
    new = edited(HYDRATION)
    file = write_lines(
        tmp_path / "visits.jsonl",
        chart("SHORT", given_iv("fluid", "normal saline", "09:00", "09:30", purpose="hydration")),
        chart("LONG", given_iv("fluid", "normal saline", "09:00", "10:00", purpose="hydration")),
    )
    result = run("policy", "compare", "out001", str(new.folder), file, "--format", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["charts"], found["other_claim"], found["units"]) == (2, 1, {"96360": 1})
    assert [(it["rule"], it["charts"]) for it in found["rules"]] == [("threshold-hydration", 1)]
    [changed] = found["changed"]
    assert (changed["encounter"], changed["because"]) == ("SHORT", ["threshold-hydration"])
    assert (changed["before"]["claim"], [it["code"] for it in changed["after"]["claim"]]) == ([], ["96360"])

    told = run("policy", "compare", "out001", str(new.folder), file).stdout
    for part in (
        "- threshold(hydration, 31).",
        "+ threshold(hydration, 30).",
        "2 charts; 1 has another claim",
        "SHORT",
    ):
        assert part in told
    assert run("policy", "compare", "out001", str(new.folder), file, "--fail-on-change").exit_code == 1
    assert run("policy", "compare", "out001", "out001", file, "--fail-on-change").exit_code == 0


def test_without_charts_only_the_rules_are_compared(edited: Edit) -> None:
    new = edited(without("keep-open"))
    result = run("policy", "compare", "out001", str(new.folder))
    assert result.exit_code == 0
    assert "1 rule of the law is different" in result.stdout
    assert "chart" not in result.stdout
    assert "0 rules of the law are different" in run("policy", "compare", "out001", "out001").stdout


def test_a_reading_has_to_be_one_of_both_policies(edited: Edit, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("A"))
    new = edited(("out001/readings.lp", "option(a44, b, pushes_too,", "option(a44, b, all_services,"))
    assert run("policy", "compare", "out001", str(new.folder), file, "--reading", "A44=pushes_too").exit_code == 2
    other = run("policy", "compare", "out001", str(new.folder), file, "--reading", "A9=first", "--unchecked")
    assert other.exit_code == 0  # unchecked, since rules go on asking for the option under its old name


def test_a_law_that_cannot_be_read_and_a_chart_that_is_refused_are_told(edited: Edit, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("A", date="today"), chart("B"))
    result = run("policy", "compare", "out001", "out001", file)
    assert result.exit_code == 1
    assert "date" in result.stderr
    assert "1 chart; 0 have another claim" in result.stdout
    new = edited(("time.lp", "threshold(hydration, 31).", "threshold(hydration, 31"))
    result = run("policy", "compare", "out001", str(new.folder), file)
    assert result.exit_code == 2
    assert "time.lp" in result.stderr


def test_the_number_of_processes_changes_nothing(edited: Edit, tmp_path: Path) -> None:
    new = edited(HYDRATION)
    fluids = [
        chart(f"V{n}", given_iv("fluid", "normal saline", "09:00", f"09:{n % 60:02}", purpose="hydration"))
        for n in range(420)
    ]
    file = write_lines(tmp_path / "visits.jsonl", *fluids)
    command = ("policy", "compare", "out001", str(new.folder), file, "--format", "json", "--recheck", "none")
    one, two = (run(*command, "--jobs", jobs).stdout for jobs in ("1", "2"))
    assert one == two
    assert json.loads(one)["other_claim"] == 7


def test_many_charts_with_the_same_difference_are_told_together(edited: Edit, tmp_path: Path) -> None:
    fluid = given_iv("fluid", "normal saline", "09:00", "09:30", purpose="hydration")
    push = given_iv("push", "ondansetron", "10:00", None, method="push")
    charts = [chart(f"V{n:02}", *([push, fluid] if n % 3 == 0 else [fluid])) for n in range(30)]
    file = write_lines(tmp_path / "visits.jsonl", *charts)
    told = run("policy", "compare", "out001", str(edited(HYDRATION).folder), file).stdout
    rows = [line.split() for line in told.splitlines() if "threshold-hydration" in line][1:]
    assert [(row[0], row[1], row[3]) for row in rows] == [("20", "V01", "96360"), ("10", "V00", "96361")]
