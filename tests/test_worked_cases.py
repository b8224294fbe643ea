"""``ivproof policy test``: worked cases are read strictly, and every expectation in them can fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from case_files import FOLDER, documents, worked
from command import chart, given_iv, run, two_of_equal_rank
from ruamel.yaml import YAML

from ivproof.cases import Case, read_cases
from ivproof.cases.judging import _CHECKS, ELSEWHERE

VISIT = chart(
    "V",
    given_iv("drug", "ceftriaxone", "09:00", "09:40", billing_units=4, container="single_dose"),
    given_iv("push", "ondansetron", "10:00", None, method="push"),
    given_iv("open", "normal saline", "10:30", None, purpose="hydration"),
    {"id": "shot", "drug": "ketorolac", "route": "IM"},
    services=[{"kind": "supplies"}],
)
OPEN = chart("O", given_iv("one", "cefepime", "08:00", "08:30"), given_iv("two", "cefepime", "20:00", "20:30"))

RIGHT: dict[str, Any] = {
    "status": "determined",
    "claim": {"96365": 1, "96375": 1, "96372": 1},
    "absent": ["96360"],
    "modifiers": {"96372": ["59"], "96365": []},
    "lines": [{"code": "96365", "units": 1, "site": "left-arm", "administrations": ["drug"]}],
    "diagnoses": {"first_listed": "E86.0", "then": []},
    "excluded": [{"subject": "open"}, {"subject": "services[0] (supplies)"}],
    "findings": [],
    "drug_lines": {"J0696": {"units": 4}},
    "missing": [{"fact": "administrations[open].stop", "would_change": True}],
    "raises": [],
    "supplies": "bundled",
    "edits": ["pair 96365/96372 (1)"],
}

WRONG: dict[str, Any] = {
    "status": "ambiguous",
    "claim": {"96365": 1, "96375": 2, "96372": 1},
    "absent": ["96375"],
    "modifiers": {"96375": ["59"]},
    "lines": [{"code": "96365", "units": 1, "site": "right-arm"}],
    "diagnoses": {"first_listed": "R11.10"},
    "excluded": [{"subject": "open", "name": "no-order"}],
    "findings": [{"subject": "drug"}],
    "drug_lines": {"J0696": {"units": 5}},
    "missing": [{"fact": "administrations[open].stop", "would_change": False}],
    "raises": ["A26"],
    "supplies": "undetermined",
    "edits": ["pair 96365/96375 (1)"],
}

KEPT = chart(
    "K",
    given_iv("drug", "ceftriaxone", "09:00", "09:40"),
    given_iv("shot", "ondansetron", "10:00", None, method="push"),
    billed=[{"code": "96365", "units": 1}, {"code": "96375", "units": 1}, {"code": "96360", "units": 1}],
)
ONE_HOUR_MORE = {"96365": 1, "96366": 1, "96367": 1}

FURTHER: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("claims", OPEN, [{"96365": 1}, {"96365": 1, "96366": 1}, {"96365": 1, "96376": 1}], [{"96365": 1}]),
    ("never", OPEN, ["96367"], ["96376"]),
    ("modifiers_absent", VISIT, {"96372": ["25"]}, {"96372": ["59"]}),
    ("not_drug_lines", VISIT, [{"code": "J0696", "units": 5}], [{"code": "J0696"}]),
    ("missing", VISIT, {"administrations[open].stop": True}, {"administrations[open].stop": False}),
    ("missing", VISIT, {"administrations[open].stop": None}, {"administrations[drug].stop": None}),
    ("asked", OPEN, ["A26"], ["A26", "A9"]),
    ("asked_one_of", OPEN, ["A9", "A26"], ["A9", "A10"]),
    ("named_or_said", OPEN, ["A26", "no such text"], ["A9", "no such text"]),
    ("named_or_said", VISIT, ["A9", "STOP (time )?is not documented"], ["A9", "start is not documented"]),
    ("said", VISIT, ["Stop (time )?is not documented"], ["the moon"]),
    ("not_said", VISIT, ["the moon"], ["Stop (time )?is not documented"]),
    ("not_cited", VISIT, ["R79"], ["R61"]),
    ("not_otherwise", two_of_equal_rank("T"), {"A9": {"B": {"96365": 9}}}, {"A9": {"B": ONE_HOUR_MORE}}),
    (
        "audit_lines",
        KEPT,
        [{"code": "96360", "verdict": "unsupported", "not_said": "the moon"}],
        [{"code": "96360", "verdict": "supported"}],
    ),
    ("audit_lines", KEPT, [{"code": "96375", "of": ["shot"]}], [{"code": "96375", "of": ["drug"]}]),
    ("audit_lines", KEPT, [{"code": "96360", "rules": ["R56"]}], [{"code": "96360", "rules": ["R62"]}]),
    ("audit_lines", KEPT, [{"code": "96360", "said": "the chart earns it"}], [{"code": "96360", "said": "the moon"}]),
    ("reason_rules", KEPT, {"96360": ["R56"]}, {"96360": ["R62"]}),
    ("packet_not_said", KEPT, ["the moon"], ["not supported"]),
    ("also", KEPT, [{"diagnoses": []}], [{"administrations": []}]),
    ("refused", {**KEPT, "date": "someday"}, True, False),
]
"""Keys of an expectation, each with a chart, what holds of it, and what does not."""


def case(name: str, visit: dict[str, Any], expect: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"case": name, "encounter": visit, "expect": expect, **more}


def write(path: Path, *cases: dict[str, Any]) -> str:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(list(cases), file)
    return str(path)


def outcome(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("policy", "test", *arguments, "--format", "json").stdout)
    return found


def test_what_follows_is_as_expected(tmp_path: Path) -> None:
    result = run("policy", "test", write(tmp_path / "cases.yaml", case("all", VISIT, RIGHT)))
    assert (result.exit_code, result.stdout) == (0, "1 case: all as expected\n"), result.stdout


@pytest.mark.parametrize("key", WRONG)
def test_every_expectation_can_fail(key: str, tmp_path: Path) -> None:
    found = outcome(write(tmp_path / "cases.yaml", case("one", VISIT, {key: WRONG[key]})))
    [departed] = found["departures"]
    assert (departed["case"], departed["line"]) == ("one", 1)
    assert departed["departures"]


def test_claims_that_can_follow_are_compared_with_what_leads_to_them(tmp_path: Path) -> None:
    def expect(**leads: Any) -> dict[str, Any]:
        claims = {"A": {"96365": 1}, "B": {"96365": 1, "96366": 1}, "C": {"96365": 1, "96376": 1}}
        rivals = [{"claim": claim, "readings": {"A26": leads.get(at, at)}} for at, claim in claims.items()]
        return {"status": "ambiguous", "alternatives": rivals[: leads.get("of", 3)]}

    cases = [
        case("right", OPEN, expect()),
        case("other-reading", OPEN, expect(B="C")),
        case("too-few", OPEN, expect(of=2)),
        case("set", OPEN, {"claim": {"96365": 1, "96366": 1}}, readings={"A26": "B"}),
        case("partly", OPEN, {"status": "ambiguous", "claim": {"96365": 1}, "partial": True}),
    ]
    found = outcome(write(tmp_path / "cases.yaml", *cases))
    assert [it["case"] for it in found["departures"]] == ["other-reading", "too-few"]


@pytest.mark.parametrize(
    ("key", "visit", "right", "wrong"), FURTHER, ids=[f"{n}-{it[0]}" for n, it in enumerate(FURTHER)]
)
def test_a_further_expectation_holds_and_can_fail(
    key: str, visit: dict[str, Any], right: Any, wrong: Any, tmp_path: Path
) -> None:
    cases = [case("right", visit, {key: right}), case("wrong", visit, {key: wrong})]
    found = outcome(write(tmp_path / "cases.yaml", *cases))
    if key == "refused":
        assert (found["cases"], found["refused"]) == (1, 1)
    else:
        assert [it["case"] for it in found["departures"]] == ["wrong"], found
    assert not any(it["departures"] for it in found["departures"] if it["case"] == "right")


def test_every_check_is_tested_here() -> None:
    further = {it[0] for it in FURTHER}
    assert set(_CHECKS) == {*WRONG, *further, "partial", "alternatives"} - ELSEWHERE
    assert {*WRONG, *further} >= ELSEWHERE


def test_a_chart_that_was_to_be_refused_and_is_read_departs(tmp_path: Path) -> None:
    found = outcome(write(tmp_path / "cases.yaml", case("read", VISIT, {"refused": True})))
    assert [it["case"] for it in found["departures"]] == ["read"]


def test_another_chart_with_another_claim_departs_though_all_else_holds(tmp_path: Path) -> None:
    swapped = [given_iv("shot", "ondansetron", "10:00", None, method="push")]
    expect = {"claim": None, "also": [{"administrations": swapped}], "never": ["96360"]}
    found = outcome(write(tmp_path / "cases.yaml", case("other", KEPT, expect)))
    [departed] = found["departures"]
    assert all(it.startswith("also[0]") for it in departed["departures"])


def test_what_is_to_be_imported_is_imported_and_judged(tmp_path: Path) -> None:
    dose = {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": {"text": "ketorolac 30 mg"},
        "dosage": {"route": {"text": "IM"}},
        "effectiveDateTime": "2020-10-05T10:00:00-04:00",
    }
    shot = {"case": "shot", "resource": dose, "expect": {"claim": {"96372": 1}}}
    wrong = {**shot, "case": "wrong", "expect": {"claim": {"96374": 1}}}
    empty = {"case": "empty", "resource": {"resourceType": "MedicationAdministration"}, "expect": {"claim": {}}}
    refused = {**empty, "case": "refused", "expect": {"refused": True}}
    both = {**shot, "case": "both", "encounter": VISIT}
    neither = {"case": "neither", "expect": {"claim": {}}}
    path = write(tmp_path / "cases.yaml", shot, wrong, empty, refused, both, neither, case("right", VISIT, RIGHT))
    found = outcome(path)
    assert (found["cases"], found["departed"], found["refused"]) == (5, 2, 2)
    assert [it["case"] for it in found["departures"]] == ["wrong", "empty"]


def test_nothing_judged_is_not_all_as_expected(tmp_path: Path) -> None:
    path = write(tmp_path / "cases.yaml", case("a", VISIT, {"clame": {}}), case("b", VISIT, {"clame": {}}))
    assert run("policy", "test", path).stdout == "2 cases refused, 0 judged\n"
    (tmp_path / "empty").mkdir()
    empty = run("policy", "test", tmp_path / "empty")
    assert (empty.exit_code, "as expected" in empty.stdout) == (1, False)


def test_an_expression_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    result = run("policy", "test", write(tmp_path / "cases.yaml", case("bad", VISIT, {"said": ["("]})))
    assert result.exit_code == 1
    assert "expect.said[0]" in result.stderr
    assert "regular expression" in result.stderr


def test_what_nothing_would_look_at_is_refused_with_its_place(tmp_path: Path) -> None:
    cases = [
        case("misspelt", VISIT, {"clame": {}}),
        case("also-misspelt", VISIT, {"claim": {}}, reading={}),
        case("bad-chart", {**VISIT, "date": "today"}, {"claim": {}}),
        case("bad-reading", VISIT, {"claim": {}}, readings={"A9": "longish"}),
        VISIT,
        case("right", VISIT, RIGHT),
    ]
    path = write(tmp_path / "cases.yaml", *cases)
    result = run("policy", "test", path, "--format", "json")
    assert result.exit_code == 1
    assert (json.loads(result.stdout)["cases"], json.loads(result.stdout)["refused"]) == (1, 5)
    lines = result.stderr.splitlines()
    assert len(lines) == 5
    assert all(line.startswith(f"{path}:") for line in lines)
    for line, part in zip(lines, ("expect.clame", "reading", "date", "readings: A9", "a worked case"), strict=True):
        assert part in line


def test_cases_may_be_lines_of_json_and_come_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    wrong = [case(f"c{n}", OPEN, {"claim": {}}, readings={"A26": "AB"[n % 2]}) for n in range(6)]
    path.write_text("".join(json.dumps(it) + "\n" for it in wrong), "utf-8")
    found = outcome(str(path))
    assert [(it["case"], it["line"]) for it in found["departures"]] == [(f"c{n}", n + 1) for n in range(6)]
    assert run("policy", "test", str(path)).exit_code == 1


def test_the_schema_takes_every_case_of_ours_and_no_misspelt_one() -> None:
    schema = json.loads(run("schema", "case").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for _, data in documents("law"):
        plain = json.loads(json.dumps(data, default=str))
        assert not list(validator.iter_errors(plain)), data["case"]
    assert validator.is_valid(case("right", VISIT, RIGHT))
    for wrong in (case("x", VISIT, {"clame": {}}), case("x", {**VISIT, "dates": 1}, RIGHT), case("", VISIT, RIGHT)):
        assert not validator.is_valid(wrong)


@pytest.mark.parametrize(("folder", "number"), [("published", 76), ("readings", 220), ("faults", 61)])
def test_every_case_of_ours_can_be_judged(folder: str, number: int) -> None:
    read = list(read_cases([FOLDER / folder]))
    assert [it for it in read if isinstance(it, tuple)] == []
    assert len(read) >= number


def test_what_is_known_of_a_case_besides_is_taken_and_a_difference_is_judged_by_what_the_policy_gives(
    tmp_path: Path,
) -> None:
    known = {"level": "disputed", "topic": "push", "about": {"anything": ["at", "all"]}, "out001": "differs"}
    wrong = {"claim": {"96365": 7}}
    cases = [
        case("agrees", VISIT, RIGHT, **known),
        case("differs", VISIT, wrong, difference="the source counts otherwise", out001_claim=RIGHT["claim"]),
        case("says-nothing", VISIT, wrong, difference="the policy leaves it open", out001_claim=None),
        case("of-the-source", OPEN, {"claim": {"96365": 1, "96366": 1}}, source_readings={"A26": "B"}),
    ]
    found = outcome(write(tmp_path / "cases.yaml", *cases))
    assert found["refused"] == 0
    assert [it["case"] for it in found["departures"]] == ["says-nothing"]


def test_an_example_of_a_question_is_a_case_for_each_option(tmp_path: Path) -> None:
    example = {
        "question": "A26",
        "encounter": OPEN,
        "supported": "unresolved",
        "options": {
            "A": {"says": "one infusion", "claim": {"96365": 1}},
            "B": {"says": "minutes are added", "claim": {"96365": 2}},
            "C": {"says": "a repeat", "claim": {"96365": 1, "96376": 1}},
        },
    }
    found = outcome(write(tmp_path / "cases.yaml", example, {**example, "options": {"A": {"said": "x"}}}))
    assert (found["cases"], found["refused"]) == (4, 1)
    assert [it["case"] for it in found["departures"]] == ["A26=B", "A26 open"]


def test_every_law_case_of_ours_is_read() -> None:
    ours = list(read_cases([FOLDER / "law"]))
    assert len(ours) == len(worked("law"))
    assert all(isinstance(it, Case) for it in ours)
