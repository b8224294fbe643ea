"""Event lists: the samples of the records' folder, in whole, and as the command reads them."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import imported
import pytest
from command import run
from ruamel.yaml import YAML

RECORDS = Path(__file__).parent / "records"
COMMANDS = {
    "epic-mar": ["--map", "epic.toml", "--encounters", "epic-encounters.csv"],
    "cerner-clif-mar": ["--map", "cerner-clif.toml", "--place-of-service", "22", "--zone", "America/Chicago"],
}


def imports(tmp_path: Path, name: str, events: Path | None = None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    options = [str(RECORDS / it) if (RECORDS / it).is_file() else it for it in COMMANDS[name]]
    charts, report = tmp_path / f"{name}.jsonl", tmp_path / f"{name}.json"
    done = run("import", "mar", events or RECORDS / f"{name}.csv", *options, "-o", charts, "--report", report)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in charts.read_text("utf-8").splitlines()], json.loads(report.read_text("utf-8"))


def expected(name: str) -> Any:
    return YAML(typ="safe").load((RECORDS / f"{name}.expected.yaml").read_text("utf-8"))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_samples_become_what_they_have_to(name: str, tmp_path: Path) -> None:
    charts, report = imports(tmp_path, name)
    wanted = expected(name)
    assert imported.report_differs(report, wanted["report"]) == []
    assert imported.findings(report["findings"]) == imported.findings(wanted["findings"])
    assert imported.charts(charts) == imported.charts(wanted["charts"])
    fates = {it["row"]: it["fate"] for it in report["fates"]}
    assert fates == {it["row"]: it["fate"] for it in wanted["fates"]}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_chart_that_is_written_is_accepted(name: str, tmp_path: Path) -> None:
    charts, _ = imports(tmp_path, name)
    done = run("code", tmp_path / f"{name}.jsonl", "--format", "json", "--no-assumptions", "--recheck", "none")
    assert done.exit_code == 0
    assert [json.loads(line)["encounter"] for line in done.stdout.splitlines()] == [it["id"] for it in charts]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_order_of_the_rows_changes_no_byte_of_the_charts(name: str, tmp_path: Path) -> None:
    with (RECORDS / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    before, _ = imports(tmp_path, name)
    whole = (tmp_path / f"{name}.jsonl").read_bytes()
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        other = tmp_path / "shuffled.csv"
        with other.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([head, *rows])
        after, report = imports(tmp_path, name, other)
        assert after == before
        assert (tmp_path / f"{name}.jsonl").read_bytes() == whole
        assert imported.report_differs(report, expected(name)["report"]) == []


def test_no_name_and_no_birth_date_is_written_anywhere(tmp_path: Path) -> None:
    imports(tmp_path, "epic-mar")
    written = "".join(path.read_text("utf-8") for path in tmp_path.iterdir())
    for secret in ("Example", "Alpha", "1950-01-01", "1983"):
        assert secret not in written


def test_an_account_that_would_replace_a_record_is_told_by_its_option(tmp_path: Path) -> None:
    record = tmp_path / "mar.csv"
    record.write_text("mine", "utf-8")
    for name, said in ((str(record), "found an input, which it would replace"), ("-", "expected the name of a file\n")):
        done = run("import", "mar", record, "--preset", "epic-mar", "--check", "--report", name)
        assert done.exit_code == 2 and f"--report {name}: " in done.stderr and said in done.stderr
    assert record.read_text("utf-8") == "mine"
