"""The published schema of determinations says what determinations hold: no more and no less."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from command import answers, run
from ruamel.yaml import YAML

from ivproof.claim.determination import Determination
from ivproof.formats.output import schema

CASES = Path(__file__).parent / "cases"
CHOSEN = [
    *(f"published/we-{n}" for n in ("001", "022", "045")),
    *(f"readings/A{n}" for n in (7, 13, 26, 72, 87, 100)),
]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Determinations of each status, with edits, findings, drug lines and notes."""
    folder = tmp_path_factory.mktemp("charts")
    for name in CHOSEN:
        case = YAML(typ="safe", pure=True).load((CASES / f"{name}.yaml").read_text("utf-8"))
        path = folder / f"{Path(name).name}.json"
        path.write_text(json.dumps(case["encounter"], default=str), "utf-8")
    result = run("code", folder, "--format", "json", "--recheck", "none")
    assert result.exit_code == 0, result.stderr
    return answers(result)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema(Determination))
    assert json.loads(run("schema", "determination").stdout) == schema(Determination)


def test_every_determination_keeps_to_the_schema(lines: list[dict[str, Any]]) -> None:
    validator = jsonschema.Draft202012Validator(schema(Determination))
    assert {line["status"] for line in lines} == {"determined", "ambiguous", "undetermined"}
    for line in lines:
        validator.validate(line)


def test_no_field_is_missing_from_the_schema(lines: list[dict[str, Any]]) -> None:
    strict = json.loads(json.dumps(schema(Determination)))
    for part in (strict, *strict["$defs"].values(), *strict["properties"].values()):
        if "properties" in part:
            part["additionalProperties"] = False
    validator = jsonschema.Draft202012Validator(strict)
    for line in lines:
        validator.validate(line)
