"""The published schema of audits says what audits hold: no more and no less."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from command import chart, given_iv, run, write_lines

from ivproof.audit.model import Audit
from ivproof.formats.output import schema


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Audits with lines of all sorts: readings, missing facts, equals, drugs, edits, what was left out."""
    saline = given_iv("saline", "normal saline", "09:00", "09:20", purpose="hydration")
    dose = given_iv(
        "dose", "ceftriaxone", "09:00", "09:40", container="single_dose", billing_units=4, discarded_units=1
    )
    again = [given_iv(f"c{n}", "cefazolin", f"{n:02}:00", f"{n:02}:40") for n in (8, 14)]
    charts = [
        chart("open", *again, billed=[{"code": "96365"}, {"code": "96376"}], payer="Medicare"),
        chart("stop", given_iv("bag", "ceftriaxone", "09:00", None), billed=[{"code": "96365"}]),
        chart("left-out", saline, billed=[{"code": "96360"}, {"code": "96361", "modifiers": ["59"]}]),
        chart(
            "drug",
            dose,
            date="2023-09-12",
            billed=[{"code": "96365"}, {"code": "J0696", "units": 6}, {"code": "80053"}],
        ),
        chart("early", date="2018-01-01", billed=[{"code": "96365"}]),
    ]
    file = write_lines(tmp_path_factory.mktemp("charts") / "visits.jsonl", *charts)
    result = run("audit", file, "--format", "json", "--recheck", "none")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema(Audit))
    assert json.loads(run("schema", "audit").stdout) == schema(Audit)


def test_every_audit_keeps_to_the_schema_and_no_field_is_missing_from_it(audits: list[dict[str, Any]]) -> None:
    strict = json.loads(json.dumps(schema(Audit)))
    for part in (strict, *strict["$defs"].values(), *strict["properties"].values()):
        if "properties" in part:
            part["additionalProperties"] = False
    assert {it["verdict"] for it in audits} >= {"correct_under_reading", "correct_if_documented", "undetermined"}
    for found in (schema(Audit), strict):
        for audit in audits:
            jsonschema.Draft202012Validator(found).validate(audit)
