"""Answers as FHIR: every resource is one of R4, says what the determination says, and invents no party."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from command import answers, chart, given_iv, run, two_of_equal_rank, write_lines

from ivproof.recheck.checker import check

EXAMPLES = Path(__file__).parents[1] / "examples"
AT = ("--at", "2021-03-01T12:00:00Z")
PARTIES = ("--patient", "Patient/1", "--provider", "Organization/2", "--coverage", "Coverage/3")
MISSING = EXAMPLES / "10-missing-stop-times.yaml"


def resources(text: str, kind: str) -> list[dict[str, Any]]:
    entries = [it for line in text.splitlines() for it in json.loads(line).get("entry", ())]
    assert len({it["fullUrl"] for it in entries}) == len(entries)
    return [it["resource"] for it in entries if it["resource"]["resourceType"] == kind]


def code_of(concept: dict[str, Any]) -> str:
    [coding] = concept["coding"]
    return str(coding["code"])


def test_a_claim_has_the_lines_and_each_missing_fact_is_a_task() -> None:
    [found] = answers(run("code", MISSING, "--format", "json", "--no-assumptions"))
    done = run("export", "fhir", MISSING, *AT, *PARTIES)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == run("export", "fhir", MISSING, *AT, *PARTIES).stdout
    [claim] = resources(done.stdout, "Claim")
    items = [
        (
            code_of(it["productOrService"]),
            it["quantity"]["value"],
            it["servicedDate"],
            code_of(it["locationCodeableConcept"]),
        )
        for it in claim["item"]
    ]
    lines = [*found["claim"], *found["drug_lines"]]
    assert items == [(it["code"], it["units"], it["date"], "23") for it in lines]
    assert [code_of(it["diagnosisCodeableConcept"]) for it in claim["diagnosis"]] == ["A41.9", "E86.0"]
    assert (claim["patient"], claim["provider"]) == ({"reference": "Patient/1"}, {"reference": "Organization/2"})
    tasks = resources(done.stdout, "Task")
    assert [(it["description"], it["input"][0]["valueString"]) for it in tasks] == [
        (it["message"], it["fact"]) for it in found["missing"]
    ]
    assert tasks and tasks[0]["focus"]["identifier"] == {"value": "vancomycin-1"}
    assert all(it["status"] == "requested" and it["for"] == {"reference": "Patient/1"} for it in tasks)


def test_the_proof_goes_along_and_is_accepted() -> None:
    done = run("export", "fhir", MISSING, *AT, "--as", "provenance")
    assert done.exit_code == 0
    [binary], [provenance] = resources(done.stdout, "Binary"), resources(done.stdout, "Provenance")
    proof = json.loads(base64.b64decode(binary["data"]))
    assert check(proof).accepted
    assert provenance["entity"][0]["what"]["identifier"]["value"] == proof["chart"]["digest"]
    assert provenance["policy"][0].endswith(proof["policy"]["digest"])
    entries = json.loads(done.stdout)["entry"]
    assert provenance["entity"][1]["what"]["reference"] == entries[0]["fullUrl"]


def test_without_parties_or_without_one_claim_there_is_no_claim_and_that_is_told(tmp_path: Path) -> None:
    lines = write_lines(
        tmp_path / "c.jsonl",
        chart("A"),
        two_of_equal_rank("B"),
        chart("A"),
        chart("N", {"id": "x", "drug": "aspirin", "route": "PO"}),
    )
    done = run("export", "fhir", lines, *AT, "--as", "claim", "--reading", "A9=open", columns=400)
    assert done.exit_code == 1 and done.stdout == '{"resourceType":"Bundle","type":"collection"}\n'
    assert done.stderr.splitlines() == [
        f"{lines}:1: A: no Claim: found no patient, no provider, no coverage, expected a reference to each",
        f"{lines}:2: B: no Claim: the chart is ambiguous",
        f'{lines}:3: A: id: found "A", expected an id that no earlier encounter of the batch has',
        f"{lines}:4: N: no Claim: nothing is on it",
    ]
    assert run("export", "fhir", lines, "--at", "yesterday").exit_code == 2


def test_what_a_chart_came_from_says_the_parties(tmp_path: Path) -> None:
    subject = {"reference": "Patient/7"}
    dose = {
        "resourceType": "MedicationAdministration",
        "id": "m1",
        "status": "completed",
        "subject": subject,
        "context": {"reference": "Encounter/e1"},
        "medicationCodeableConcept": {"text": "ceftriaxone"},
        "effectivePeriod": {"start": "2021-03-01T09:00:00Z"},
        "dosage": {"route": {"text": "Intravenous"}},
    }
    given: list[dict[str, Any]] = [
        dose,
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": subject,
            "serviceProvider": {"reference": "Organization/9"},
        },
        {
            "resourceType": "Coverage",
            "id": "c1",
            "status": "active",
            "beneficiary": subject,
            "payor": [{"display": "Medicare"}],
        },
    ]
    record = tmp_path / "record.json"
    record.write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in given]})
    )
    charts = tmp_path / "charts.jsonl"
    assert (
        run(
            "import", "fhir", record, "--place-of-service", "22", "-o", charts, "--report", tmp_path / "r.json"
        ).exit_code
        == 0
    )
    done = run("export", "fhir", charts, *AT, "--from", record, "--as", "claim", "--as", "task")
    assert done.exit_code == 0, done.stderr
    [claim] = resources(done.stdout, "Claim")
    assert claim["patient"] == {"reference": "Patient/7"} and claim["provider"] == {"reference": "Organization/9"}
    assert claim["insurance"][0]["coverage"] == {"reference": "Coverage/c1"}
    assert claim["item"][0]["encounter"] == [{"reference": "Encounter/e1"}]
    [task] = [it for it in resources(done.stdout, "Task") if it["input"][0]["valueString"].endswith(".stop")]
    assert task["focus"] == {"reference": "MedicationAdministration/m1"}
    given.append({**given[2], "id": "c2"})
    record.write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in given]})
    )
    done = run("export", "fhir", charts, *AT, "--from", record, "--as", "claim", columns=200)
    assert done.exit_code == 1 and "found no coverage, expected a reference to each" in done.stderr


def test_edits_and_disputed_lines_are_issues(tmp_path: Path) -> None:
    billed = [{"code": "96365", "units": 3}, {"code": "96375"}]
    lines = write_lines(tmp_path / "c.jsonl", chart("A", given_iv("x", "ceftriaxone", "09:00", "09:40"), billed=billed))
    out = tmp_path / "out.ndjson"
    assert run("export", "fhir", lines, *AT, "--as", "issue", "-o", out).exit_code == 0
    [audit] = [json.loads(it) for it in run("audit", lines, "--format", "json").stdout.splitlines()]
    issues = resources(out.read_text("utf-8"), "DetectedIssue")
    disputed = [it["message"] for it in audit["lines"] if it["verdict"] not in {"supported", "not_judged"}]
    assert disputed and [it["detail"] for it in issues] == disputed
    assert all(it["implicated"] == [{"type": "Encounter", "identifier": {"value": "A"}}] for it in issues)


@pytest.mark.parametrize("wanted", ["task", "issue"])
def test_resources_are_checked_by_the_library(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ivproof.exports import fhir

    full = fhir._full
    monkeypatch.setattr(fhir, "_full", lambda fields: full({**fields, "colour": "red"}))
    done = run(
        "export", "fhir", EXAMPLES / "11-lost-dispute.yaml" if wanted == "issue" else MISSING, *AT, "--as", wanted
    )
    assert done.exit_code == 4 and "internal error: ValidationError" in done.stderr
