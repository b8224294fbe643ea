"""Worked cases as tests of pytest, and charts written as cases."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from command import chart, given_iv, run, two_of_equal_rank, write_lines

from ivproof.cases import Case, read_cases
from ivproof.chart.files import read

ROOT = Path(__file__).parents[1]
pytest_plugins = ["pytester"]

# by its module's name, and not as what is installed: an older installation lacks the entry point
PLUGIN = ("-p", "no:ivproof", "-p", "ivproof.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:randomly")

CASES = [
    {"case": "right", "encounter": chart("A"), "expect": {"claim": {"96365": 1}}},
    {"case": "wrong", "encounter": chart("B"), "expect": {"claim": {"96365": 1, "96366": 1}}},
    {"case": "misspelt", "encounter": chart("C"), "expekt": {}},
    {"case": "no such option", "encounter": chart("D"), "readings": {"A9": "moon"}, "expect": {"claim": {"96365": 1}}},
    {"case": "no place", "encounter": {"id": "E", "date": "2021-03-01"}, "expect": {"claim": {}}},
]


def cases_file(pytester: pytest.Pytester, name: str = "visit.ivproof.yaml", cases: object = CASES) -> Path:
    path = pytester.path / name
    path.write_text(json.dumps(cases, indent=1), "utf-8")
    return path


def test_each_case_is_a_test_and_one_that_is_refused_fails(pytester: pytest.Pytester) -> None:
    cases_file(pytester)
    done = pytester.runpytest_inprocess(*PLUGIN, "-v")
    done.assert_outcomes(passed=1, failed=4)
    done.stdout.fnmatch_lines(
        [
            "*visit.ivproof.yaml::right PASSED*",
            'claim: found {"96365": 1}, expected {"96365": 1, "96366": 1}',
            "  96366: further-hour-of-initial, R33, *, does not give it: *: 40 minutes; 91 or more needed",
            "visit.ivproof.yaml:33  by OUT001, edition *",
            "refused: visit.ivproof.yaml:*: misspelt: *.expekt: found a field that is not known here*",
            "refused: *: no such option: readings: A9 *'moon'*",
            "refused: visit.ivproof.yaml:*: E: *.place_of_service: found nothing*",
        ]
    )
    assert "Traceback" not in done.stdout.str() and "judge(" not in done.stdout.str()


def test_a_unit_too_many_is_told_with_the_rules_it_rests_on(pytester: pytest.Pytester) -> None:
    cases_file(
        pytester, cases=[{"case": "x", "encounter": chart("A"), "expect": {"status": "determined", "claim": {}}}]
    )
    done = pytester.runpytest_inprocess(*PLUGIN)
    done.stdout.fnmatch_lines(['claim: found {"96365": 1}, expected {}', "  96365 ×1 rests on R9, *"])


def test_a_file_that_is_no_case_is_an_error_with_its_place(pytester: pytest.Pytester) -> None:
    (pytester.path / "broken.ivproof.yaml").write_text("- case: x\n  encounter: [\n", "utf-8")
    (pytester.path / "empty.ivproof.yaml").write_text("", "utf-8")
    cases_file(pytester, "good.ivproof.yaml", CASES[:1])
    done = pytester.runpytest_inprocess(*PLUGIN, "--continue-on-collection-errors")
    done.assert_outcomes(passed=1, errors=2)
    done.stdout.fnmatch_lines(
        ["*broken.ivproof.yaml:3: found text that is not YAML*", "*empty.ivproof.yaml: found an empty*"]
    )
    assert "Traceback" not in done.stdout.str()


def test_the_cases_are_judged_by_the_policy_that_is_named(pytester: pytest.Pytester) -> None:
    law = pytester.path / "law"
    shutil.copytree(ROOT / "asp", law)
    time = law / "time.lp"
    time.write_text(time.read_text("utf-8").replace("threshold(infusion, 16)", "threshold(infusion, 41)"), "utf-8")
    cases_file(pytester, cases=CASES[:1])
    done = pytester.runpytest_inprocess(*PLUGIN, f"--ivproof-policy={law / 'out001'}")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            'claim: found {"96374": 1}, expected {"96365": 1}',
            "  other than by OUT001, edition *: *96374*",
            "  first changed rule behind it: threshold-infusion, R29*, time.lp:*",
            "    - threshold(infusion, 16).",
            "    + threshold(infusion, 41).",
            "visit.ivproof.yaml:2  by changed copy of OUT001*",
        ]
    )


def test_a_policy_that_cannot_be_used_is_said_and_nothing_is_judged(pytester: pytest.Pytester) -> None:
    cases_file(pytester, cases=CASES[:1])
    done = pytester.runpytest_inprocess(*PLUGIN, "--ivproof-policy=moon")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*--ivproof-policy moon: *"])


def test_the_plugin_is_an_entry_point_and_loads_no_part_of_the_solver() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    name = project["entry-points"]["pytest11"]["ivproof"]
    assert importlib.import_module(name).CaseFile
    code = f"import sys, {name}; print([m for m in sys.modules if m == 'clingo' or m.startswith('ivproof.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"['{name}']\n"


def test_charts_written_as_cases_are_accepted_as_they_stand(tmp_path: Path) -> None:
    """Whatever the answer is like: determined or open, with what is missing, left out, or a drug's lines."""
    odd = chart('K: "a" - #1', given_iv("bag", "ceftriaxone", "09:00", None), note="two\nlines: {x}\n\n- more")
    more = write_lines(tmp_path / "more.jsonl", odd, two_of_equal_rank("no"), chart("07"))
    written = tmp_path / "all.ivproof.yaml"
    assert run("code", ROOT / "examples", more, "--as-case", "-o", written).exit_code == 0
    cases = [it for it in read_cases([written]) if isinstance(it, Case)]
    charts = [it.encounter for it in read([ROOT / "examples", more])]
    assert [it.encounter for it in cases] == charts and len(charts) > 12
    assert {"determined", "ambiguous"} <= {it.expect["status"] for it in cases}
    done = run("policy", "test", written)
    assert (done.exit_code, done.stdout) == (0, f"{len(charts)} cases: all as expected\n")


def test_a_case_has_the_readings_by_which_it_was_coded(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "c.jsonl", two_of_equal_rank("T"))
    done = run("code", path, "--as-case", "--reading", "A9=longest")
    [case] = read_cases([_kept(tmp_path, done.stdout)])
    assert isinstance(case, Case) and case.readings == {"A9": "longest"} and case.expect["status"] == "determined"
    assert run("policy", "test", tmp_path / "case.yaml").exit_code == 0
    other = done.stdout.replace("A9: longest", "A9: open")
    assert other != done.stdout and run("policy", "test", _kept(tmp_path, other)).exit_code == 1


def _kept(folder: Path, text: str) -> Path:
    path = folder / "case.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("beside", [("--summary",), ("--format", "json"), ("-o", "cases.csv")])
def test_a_case_has_one_form(beside: tuple[str, ...]) -> None:
    done = run("code", ROOT / "examples", "--as-case", *beside)
    assert done.exit_code == 2 and not done.stdout and "expected" in done.stderr


def changed_law(at: Path) -> Path:
    shutil.copytree(ROOT / "asp", at)
    file = at / "time.lp"
    text = file.read_text("utf-8")
    file.write_text(text.replace("threshold(infusion, 16).", "threshold(infusion, 61)."), "utf-8")
    return at / "out001"


def test_a_baseline_stands_in_place_of_what_is_expected_and_more_units_alone_may_fail(
    pytester: pytest.Pytester,
) -> None:
    law = changed_law(pytester.path / "law")
    cases_file(pytester, cases=CASES[:2])
    arguments = (*PLUGIN, "--ivproof-policy", str(law), "--ivproof-baseline", "out001")
    done = pytester.runpytest_inprocess(*arguments)
    done.assert_outcomes(failed=2)
    done.stdout.fnmatch_lines(["more units of 96374", "baseline: determined: 96365 ×1", "policy: determined: 96374 ×1"])
    pytester.runpytest_inprocess(*PLUGIN, "--ivproof-baseline", "out001").assert_outcomes(passed=2)
    backwards = (
        *PLUGIN,
        "--ivproof-policy",
        "out001",
        "--ivproof-baseline",
        str(law),
        "--ivproof-fail-on",
        "more-units",
    )
    pytester.runpytest_inprocess(*backwards).assert_outcomes(failed=2)
    less = pytester.path / "law/out001/claim.lp"
    text = less.read_text("utf-8")
    less.write_text(text.replace('code(initial_push, therapeutic, "96374").', ""), "utf-8")
    pytester.runpytest_inprocess(*arguments, "--ivproof-fail-on", "more-units").assert_outcomes(passed=2)


def test_more_units_need_a_baseline_and_one_that_is_none_is_told(pytester: pytest.Pytester) -> None:
    cases_file(pytester, cases=CASES[:1])
    done = pytester.runpytest_inprocess(*PLUGIN, "--ivproof-fail-on", "more-units")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*found no baseline, expected --ivproof-baseline beside it*"])
    done = pytester.runpytest_inprocess(*PLUGIN, "--ivproof-baseline", "nowhere")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*--ivproof-baseline nowhere: *"])


def test_the_hooks_and_the_action_name_commands_that_there_are(tmp_path: Path) -> None:
    from ruamel.yaml import YAML

    reader = YAML(typ="safe")
    hooks = reader.load(ROOT / ".pre-commit-hooks.yaml")
    action = reader.load(ROOT / "action.yml")
    lines = [it["entry"] for it in hooks] + [
        it["run"] for it in action["runs"]["steps"] if "ivproof policy" in it["run"]
    ]
    assert len(lines) == 4
    for line in lines:
        words = line.split()[1:3]
        assert run(*words, "--help").exit_code == 0, line
    assert all(f"inputs.{name}" in str(action["runs"]) for name in action["inputs"])


WRONG = """\
# What stays
- case: wrong   # this one
  why: "It was otherwise."
  encounter: {id: B, place_of_service: "22", date: 2021-03-01, access_sites: [{id: iv}], administrations: [
    {id: b, drug: ceftriaxone, route: IV, site: iv, start: "09:00", stop: "09:40"}]}
  expect:
    # all of it
    excluded:
    - {subject: b, name: not-given}
    claim:   # units
      "96365": 1
      "96366": 1   # an hour more
    modifiers: {"96365": ["59"]}
---
case: right
encounter: {id: B, place_of_service: "22", date: 2021-03-01, administrations: []}
expect: {claim: {}, said: [no such words]}   # the end
"""
RIGHT = """\
# What stays
- case: wrong   # this one
  why: "It was otherwise."
  encounter: {id: B, place_of_service: "22", date: 2021-03-01, access_sites: [{id: iv}], administrations: [
    {id: b, drug: ceftriaxone, route: IV, site: iv, start: "09:00", stop: "09:40"}]}
  expect:
    # all of it
    excluded: []
    claim: {"96365": 1}   # units   # an hour more
    modifiers: {"96365": []}
---
case: right
encounter: {id: B, place_of_service: "22", date: 2021-03-01, administrations: []}
expect: {claim: {}, said: [no such words]}   # the end
"""


def test_an_expectation_is_written_anew_and_nothing_else_of_the_file(pytester: pytest.Pytester) -> None:
    file = pytester.path / "own.ivproof.yaml"
    file.write_text(WRONG, "utf-8")
    done = pytester.runpytest_inprocess(*PLUGIN, "--ivproof-update")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["not written anew: said: *", "*own.ivproof.yaml: wrong: * written anew"])
    assert file.read_text("utf-8") == RIGHT
    assert pytester.runpytest_inprocess(*PLUGIN, "-k", "wrong").ret == 0
