"""Sequences of events, each with what follows from it by the rules for importers."""

from __future__ import annotations

import csv
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import imported
import pytest
from ruamel.yaml import YAML

from ivproof.importers import mapping
from ivproof.importers.events import ImportedEvents, read_events

RECORDS = Path(__file__).parent / "records"
CASES = YAML(typ="safe").load((RECORDS / "own-sequences.yaml").read_text("utf-8"))
COLUMNS = {
    "encounter": "PAT_ENC_CSN_ID",
    "order": "ORDER_MED_ID",
    "line": "LINE",
    "drug": "DISPLAY_NAME",
    "at": "TAKEN_TIME",
    "action": "MAR_ACTION_C_NAME",
    "route": "ROUTE_C_NAME",
    "site": "SITE_C_NAME",
    "takes_back": "EDITED_LINE",
}


def by(case: dict[str, Any]) -> mapping.EventMapping:
    """Epic's mapping, with what the case says otherwise."""
    found = mapping.load(mapping.preset_text("epic-mar"), "epic-mar")
    changed = found.model_dump(by_alias=True)
    for key, value in case.get("map", {}).items():
        part, _, name = key.partition(".")
        if name:
            changed[part][name] = value
        else:
            changed[part] = value
    if not case.get("lines", True):
        changed["columns"]["line"] = None
        changed["rows"]["same"] = ["encounter", "order", "drug", "time", "action"]
    return mapping.EventMapping.model_validate(changed)


def rows(case: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    counted: dict[Any, int] = {}
    for written in case["events"]:
        event = dict(zip(("at", "action"), written.split(" ", 1), strict=True)) if isinstance(written, str) else written
        order = event.get("order", 7)
        counted[order] = counted.get(order, 0) + 1
        whole = {
            "encounter": "1",
            "order": order,
            "line": counted[order],
            "drug": case.get("drug", "ceftriaxone 1 g"),
            "route": "Intravenous",
            **event,
        }
        if len(str(whole["at"])) == 5:
            whole["at"] = f"2024-05-06 {whole['at']}"
        found.append({theirs: whole.get(ours, "") for ours, theirs in COLUMNS.items()})
    return found


def read(case: dict[str, Any], events: list[dict[str, Any]], path: Path) -> ImportedEvents:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(COLUMNS.values()))
        writer.writeheader()
        writer.writerows(events)
    found = read_events([str(path)], by(case), imported.drugs(), place_of_service="22", zone="America/New_York")
    assert found.refusals == []
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_what_follows_from_a_sequence(case: dict[str, Any], tmp_path: Path) -> None:
    found = read(case, rows(case), tmp_path / "events.csv")
    report = found.report
    [given] = [chart["administrations"] for chart in found.charts] or [[]]
    assert imported.told(given) == sorted(case["given"])
    kinds = {kind: 0 for it in report["findings"] for kind in [it["kind"]]}
    for it in report["findings"]:
        kinds[it["kind"]] += it["count"]
    assert kinds == case.get("findings", {})
    assert (report["voided"], report["left_out"]) == (case.get("voided", {}), case.get("left_out", {}))
    assert report["rows"]["read"] == len(case["events"])
    assert report["rows"]["read"] == sum(report["rows"][it] for it in ("used", "voided", "left_out"))
    assert len(report["fates"]) == len(case["events"])
    assert report["administrations"]["with_rate_changes"] == case.get("with_rate_changes", 0)
    if "minutes" in case:
        times = [(it["start"], it["stop"]) for chart in found.charts for it in chart["administrations"]]
        lasted = [(datetime.fromisoformat(stop) - datetime.fromisoformat(start)).seconds / 60 for start, stop in times]
        assert lasted == case["minutes"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_order_of_the_rows_decides_nothing(case: dict[str, Any], tmp_path: Path) -> None:
    events = rows(case)
    before = read(case, events, tmp_path / "events.csv")
    for seed in range(4):
        random.Random(seed).shuffle(events)
        after = read(case, events, tmp_path / "events.csv")
        assert after.charts == before.charts
        assert after.report["rows"] == before.report["rows"]
        assert imported.findings(after.report["findings"]) == imported.findings(before.report["findings"])


def test_bags_of_orders_with_like_names_are_kept_apart(tmp_path: Path) -> None:
    named = "vancomycin 1 g in sodium chloride 0.9 % 250 mL IVPB"
    events: list[Any] = ["10:00 New Bag", "11:00 Stopped", "12:00 New Bag", "13:00 Stopped"]
    other = [{"at": f"{hour}:30", "action": what, "order": "7-2"} for hour, what in ((14, "New Bag"), (15, "Stopped"))]
    case = {"drug": named, "events": [*events, *other]}
    found = read(case, rows(case), tmp_path / "events.csv")
    given = found.charts[0]["administrations"]
    assert len({it["id"] for it in given}) == len(given) == 6
    by_bag: dict[str, set[str]] = {}
    for it in given:
        by_bag.setdefault(it["bag"], set()).add(it["start"])
    assert [len(starts) for starts in by_bag.values()] == [1, 1, 1]
