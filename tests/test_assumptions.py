"""What a claim depends on stands in its determination, and nothing else; and summaries of many charts count it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import case_files
import pytest
from command import run

from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.engine.choices import CLAIM, DIAGNOSES, DRUG_LINES
from ivproof.engine.explorer import Explorer
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")
CODER = Coder(POLICY, assumptions=True)
EXAMPLES = Path(__file__).parent.parent / "examples"
CHARTS = [case.encounter for case in case_files.some(case_files.options(), 15)]


@pytest.fixture(scope="module")
def found() -> list[tuple[Encounter, Determination]]:
    return list(zip(CHARTS, CODER.code(CHARTS), strict=True))


def units(coder: Coder, chart: Encounter) -> list[dict[str, int]]:
    [answer] = coder.code([chart])
    claims = [rival.lines for rival in answer.alternatives] or [answer.claim]
    return [{line.code: sum(it.units for it in claim if it.code == line.code) for line in claim} for claim in claims]


def test_a_claim_depends_on_the_readings_that_are_named_and_on_no_other(
    found: list[tuple[Encounter, Determination]],
) -> None:
    """The whole search through all readings, which is made in another way, says the same."""
    explored = Explorer(POLICY, outcome={**CLAIM, **DRUG_LINES, **DIAGNOSES}).explore(
        [CODER.facts(chart) for chart, _ in found]
    )
    for (chart, determination), whole in zip(found, explored, strict=True):
        named = {it.question.lower() for it in determination.readings if it.source == "default"}
        settled = {key for key in whole.alone or {} if POLICY.questions[key].default is not None}
        assert named >= settled, chart.id
        if not determination.alternatives:
            assert named == settled, chart.id


def test_another_option_gives_the_claim_that_is_told(found: list[tuple[Encounter, Determination]]) -> None:
    told = [
        (chart, it.question, letter, dict(codes))
        for chart, determination in found
        if determination.status == "determined"
        for it in determination.readings
        for letter, codes in it.otherwise.items()
    ]
    assert len(told) > 10
    for chart, question, letter, codes in told[::4]:
        assert codes in units(CODER.assuming(False).under({question: letter}), chart)


def test_an_assumption_is_told_in_words_with_what_it_rests_on(found: list[tuple[Encounter, Determination]]) -> None:
    for _, determination in found:
        for it in determination.readings:
            if it.source == "default":
                assert it.matters
                assert it.says == POLICY.question(it.question).option(str(it.option)).says
                assert it.rests_on


def test_a_reading_that_was_set_says_what_another_would_give() -> None:
    chart = EXAMPLES / "01-ed-dehydration.yaml"
    line = json.loads(run("code", chart, "--format", "json", "--reading", "A62=C").stdout)
    held = next(it for it in line["readings"] if it["question"] == "A62")
    assert held["source"] == "set"
    assert held["otherwise"]["A"]["96361"] == 2


def test_without_assumptions_nothing_is_looked_into() -> None:
    line = json.loads(run("code", EXAMPLES / "01-ed-dehydration.yaml", "--format", "json", "--no-assumptions").stdout)
    assert line["readings"] == []


# --- readings and missing facts of files


def test_the_readings_of_a_chart_from_the_command_line() -> None:
    [line] = run("readings", EXAMPLES / "08-overnight-observation.yaml", "--format", "json").stdout.splitlines()
    found = json.loads(line)
    asked = {it["question"]: it for it in found["questions"]}
    assert asked["A26"]["held"] is None
    assert asked["A26"]["matters"] == "alone"
    assert {it["letter"] for it in asked["A62"]["options"]} == {"A", "B", "C"}
    assert found["certain"]["96365"] == 1
    claims = [json.dumps(it["claim"], sort_keys=True) for it in found["claims"]]
    assert len(set(claims)) == len(claims) > 50


def test_settled_readings_are_no_longer_open() -> None:
    chart = EXAMPLES / "08-overnight-observation.yaml"
    [line] = run("readings", chart, "--unresolved", "--format", "json").stdout.splitlines()
    assert {it["question"] for it in json.loads(line)["questions"]} == {"A26"}
    [line] = run("readings", chart, "--unresolved", "--reading", "A26=B", "--format", "json").stdout.splitlines()
    assert json.loads(line)["questions"] == []


@pytest.mark.parametrize(("question", "words"), [("A62", "It changes nothing"), ("A44", "decides over ONC-311, alone")])
def test_why_a_question_does_not_decide(question: str, words: str) -> None:
    shown = run("readings", EXAMPLES / "07-interrupted-infusion.yaml", "--why", question).stdout
    assert words in shown
    if question == "A62":
        assert "push-minutes-off" in shown


def test_refused_charts_are_told_and_the_others_answered(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("id: A\n", "utf-8")
    (tmp_path / "b.yaml").write_text((EXAMPLES / "04-rheumatology-biologic.yaml").read_text("utf-8"), "utf-8")
    result = run("readings", tmp_path, "--format", "json")
    assert result.exit_code == 1
    assert "place_of_service" in result.stderr
    assert [json.loads(line)["encounter"] for line in result.stdout.splitlines()] == ["RHEUM-77"]


def summary(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, EXAMPLES, "--summary", "--format", "json")
    assert result.exit_code == 0, result.stderr
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def test_a_summary_counts_charts_by_question() -> None:
    found = summary("readings")
    counted = {it["name"]: it for it in found["questions"]}
    lines = [json.loads(line) for line in run("readings", EXAMPLES, "--format", "json").stdout.splitlines()]
    assert found["charts"] == len(lines)
    for number, entry in counted.items():
        charts = [
            it for it in lines if any(q["question"] == number and q["matters"] == "alone" for q in it["questions"])
        ]
        assert entry["charts"] == len(charts)
        assert entry["smallest_example"] in {it["encounter"] for it in charts}
    assert {q["question"] for it in lines for q in it["questions"] if q["matters"] == "alone"} == set(counted)


def test_the_table_of_a_summary_has_a_line_for_each_difference() -> None:
    shown = run("readings", EXAMPLES, "--summary").stdout
    assert "\\n" not in shown
    assert any(line.split()[:2] == ["no", "96375,"] or " no 96375, " in line for line in shown.splitlines())


def test_a_summary_is_the_same_whatever_the_number_of_processes() -> None:
    some = [EXAMPLES / f"{name}.yaml" for name in ("01-ed-dehydration", "04-rheumatology-biologic", "09-office-visit")]
    one, two = (run("readings", *some, "--summary", "--format", "csv", "--jobs", n).stdout for n in ("1", "2"))
    assert one == two
    rows = list(csv.DictReader(io.StringIO(one)))
    assert {"name", "charts", "difference", "smallest_example"} <= rows[0].keys()


def test_a_summary_counts_missing_facts() -> None:
    found = summary("missing")
    [stop] = found["missing_facts"]
    assert stop["name"] == "stop"
    assert stop["charts"] == 2
    assert stop["smallest_example"] == "ED-2077"
