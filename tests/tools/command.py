"""Charts and a way to run the command for the tests of the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from ivproof.cli import app


def chart(name: str, *administrations: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A hospital visit with one access site; without administrations, one infusion of forty minutes."""
    given = administrations or (given_iv("bag", "ceftriaxone", "09:00", "09:40"),)
    return {
        "id": name,
        "place_of_service": "22",
        "date": "2020-10-05",
        "diagnoses": ["E86.0"],
        "access_sites": [{"id": "left-arm"}],
        "administrations": list(given),
        **fields,
    }


def given_iv(name: str, drug: str, start: str | None, stop: str | None, **fields: Any) -> dict[str, Any]:
    return {"id": name, "drug": drug, "route": "IV", "site": "left-arm", "start": start, "stop": stop, **fields}


def two_of_equal_rank(name: str) -> dict[str, Any]:
    """The chart of question A9: the readings differ on which one is initial."""
    return chart(
        name,
        given_iv("ceftriaxone-1", "ceftriaxone", "10:00", "10:30", method="infusion"),
        given_iv("vancomycin-1", "vancomycin", "10:00", "13:00", method="infusion"),
    )


def write_lines(path: Path, *charts: Any) -> Path:
    """Write JSON Lines; text stands for a line as it is."""
    lines = (it if isinstance(it, str) else json.dumps(it, ensure_ascii=False) for it in charts)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def run(*arguments: str | Path, stdin: str | None = None, columns: int = 120) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, [str(it) for it in arguments], input=stdin, env={"COLUMNS": str(columns)})


def answers(result: Result) -> list[dict[str, Any]]:
    """The determinations that a run wrote as JSON Lines."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def units(claim: list[dict[str, Any]]) -> dict[str, int]:
    return {line["code"]: line["units"] for line in claim}
