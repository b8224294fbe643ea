"""Exports as houses have them, by the presets of the package: each with the charts that it has to become."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import imported
import pytest
from command import run
from ruamel.yaml import YAML

from ivproof.importers import mapping
from ivproof.importers.events import ImportedEvents, read_events

EXPORTS = Path(__file__).parent / "records" / "exports"
CASES = YAML(typ="safe").load((EXPORTS / "expected.yaml").read_text("utf-8"))


def read(case: dict[str, Any], files: list[Path]) -> ImportedEvents:
    preset = mapping.load(mapping.preset_text(case["preset"]), case["preset"]).model_dump(by_alias=True)
    for key, value in case.get("map", {}).items():
        part, _, name = key.partition(".")
        preset[part][name] = value
    by = mapping.EventMapping.model_validate(preset)
    found = read_events([*map(str, files)], by, imported.drugs(), place_of_service="22", zone=case.get("zone"))
    assert found.refusals == []
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["export"])
def test_an_export_becomes_what_it_has_to(case: dict[str, Any]) -> None:
    found = read(case, [EXPORTS / it for it in case["files"]])
    report = found.report
    assert {it["id"]: imported.told(it["administrations"]) for it in found.charts} == {
        name: sorted(given) for name, given in case["given"].items()
    }
    assert {it["id"]: it["date"] for it in found.charts} == case["dates"]
    assert (report["voided"], report["left_out"]) == (case["voided"], case["left_out"])
    rows = report["rows"]
    assert rows["read"] == rows["used"] + rows["voided"] + rows["left_out"] == len(report["fates"])
    assert report["drugs_not_found"] == case.get("drugs_not_found", [])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["export"])
def test_the_order_of_rows_and_columns_decides_nothing(case: dict[str, Any], tmp_path: Path) -> None:
    files = []
    for name in case["files"]:
        head, *rows = (EXPORTS / name).read_text("utf-8").splitlines()
        random.Random(3).shuffle(rows)
        files.append(tmp_path / name)
        files[-1].write_text("\n".join([head, *rows]) + "\n", "utf-8")
    assert read(case, files).charts == read(case, [EXPORTS / it for it in case["files"]]).charts


def test_how_a_time_is_written_that_no_format_reads_is_told_without_the_time(tmp_path: Path) -> None:
    text = (EXPORTS / "cerner-utc.csv").read_text("utf-8")
    events, charts, report = (tmp_path / it for it in ("events.csv", "charts.jsonl", "report.json"))
    events.write_text(text.replace("T04:40:00Z", " at 4.40 h"), "utf-8")
    where: list[str | Path] = ["--place-of-service", "22", "-o", charts, "--report", report]
    assert run("import", "mar", events, "--preset", "cerner", *where).exit_code == 0
    told = [it["message"] for it in json.loads(report.read_text("utf-8"))["findings"]]
    assert any("written like 0000-00-00 aa 0.00 a" in it for it in told) and not any("4.40" in it for it in told)


def test_of_copies_that_differ_in_a_dose_none_is_written_down(tmp_path: Path) -> None:
    head, row, *_ = (EXPORTS / "clif-intermittent.csv").read_text("utf-8").splitlines()
    events, charts, report = (tmp_path / it for it in ("events.csv", "charts.jsonl", "report.json"))
    events.write_text("\n".join([head, row, row.replace(",4,", ",8,")]) + "\n", "utf-8")
    where: list[str | Path] = ["--place-of-service", "22", "-o", charts, "--report", report]
    assert run("import", "mar", events, "--preset", "clif", *where).exit_code == 0
    [given] = json.loads(charts.read_text("utf-8"))["administrations"]
    assert "amount" not in given
    [told] = [it for it in json.loads(report.read_text("utf-8"))["findings"] if it["kind"] == "copies_differ_beside"]
    assert told["rows"] == [2, 3] and "dose" in told["message"]


def test_a_workbook_is_told_wherever_a_table_or_a_chart_is_read(tmp_path: Path) -> None:
    book, chart = tmp_path / "export.xlsx", tmp_path / "chart.yaml"
    chart.write_text(CHART, "utf-8")
    assert run("code", chart, "-o", book).exit_code == 0
    commands: list[list[str | Path]] = [
        ["import", "mar", book, "--preset", "cerner", "--check"],
        ["import", "fhir", book, "--place-of-service", "22", "-o", tmp_path / "charts.jsonl"],
        ["code", book],
        ["audit", chart, "--claim", book],
    ]
    for command in commands:
        done = run(*command, columns=200)
        assert done.exit_code in (1, 2) and "found an Excel workbook" in done.stderr and "CSV" in done.stderr, command


CHART = """{id: A, place_of_service: 22, date: 2021-03-01, administrations: [
  {drug: ceftriaxone, route: IV, start: "09:00", stop: "09:40"}]}
"""


def test_every_column_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text("Encounter,Medication,At,Action,Route\n1,ceftriaxone,2024-05-06 09:00,Begin Bag,IV\n", "utf-8")
    done = run("import", "mar", events, "--preset", "cerner", "--check", columns=400)
    assert done.exit_code == 1
    assert '"ENCNTR_ID", "ORDER_MNEMONIC", "EVENT_DT_TM", "EVENT_TYPE", "ORDER_ID", "ADMIN_ROUTE"' in done.stderr
    assert "which give the encounter, drug, time, action, order, route" in done.stderr


ROWS = """Visit,Order,Drug,Start,Stop,Route
1,1,ceftriaxone 2 g in sodium chloride 0.9 % 50 mL IVPB,2024-05-06 23:40,2024-05-07 00:11,IV
1,2,ondansetron 4 mg,2024-05-06 23:45,,IV
1,3,ketorolac 15 mg,2024-05-06 23:50,2024-05-06 23:50,IV
1,4,famotidine 20 mg,,2024-05-07 00:20,IV
"""
ROWS_BY = """[columns]
encounter = "Visit"
order = "Order"
drug = "Drug"
time = "Start"
end = "Stop"
route = "Route"

[routes]
IV = "IV"
"""


def test_a_row_may_be_an_administration_without_a_word_for_what_was_done(tmp_path: Path) -> None:
    events = tmp_path / "rows.csv"
    events.write_text(ROWS, "utf-8")
    found = read_events(
        [str(events)], mapping.load(ROWS_BY, "rows.toml"), imported.drugs(), place_of_service="22", zone=None
    )
    assert imported.told(found.charts[0]["administrations"]) == [
        "ceftriaxone 23:40-00:11 bag",
        "famotidine ?-00:20",
        "ketorolac 23:50-?",
        "normal saline 23:40-00:11 bag carrier 50",
        "ondansetron 23:45-?",
    ]
    assert found.report["rows"] == {"read": 4, "used": 4, "voided": 0, "left_out": 0}
    assert sorted((it["kind"], it["order"]) for it in found.report["findings"]) == [
        *[("no_stop", "2"), ("no_stop", "3"), ("no_time", "4"), ("stop_without_start", "4")]
    ]
    with pytest.raises(mapping.MappingError, match="required where there is no end"):
        mapping.load(ROWS_BY.replace('end = "Stop"\n', ""), "rows.toml")


def test_rows_that_overlap_keep_each_its_own_stop(tmp_path: Path) -> None:
    events = tmp_path / "rows.csv"
    head = ROWS.partition("\n")[0]
    times = [("09:00", "10:00"), ("09:30", "10:30"), ("13:00", ""), ("14:00", "14:40")]
    rows = [f"1,1,ceftriaxone 1 g,2024-05-06 {start},{stop and f'2024-05-06 {stop}'},IV" for start, stop in times]
    events.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    found = read_events(
        [str(events)], mapping.load(ROWS_BY, "rows.toml"), imported.drugs(), place_of_service="22", zone=None
    )
    given = [f"ceftriaxone {start}-{stop or '?'}" for start, stop in times]
    assert imported.told(found.charts[0]["administrations"]) == given
    assert [it["kind"] for it in found.report["findings"]] == ["start_while_running"]
