"""Random event lists and changed FHIR resources: whatever comes in, all is accounted for and nothing is invented."""

from __future__ import annotations

import csv
import json
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import imported
import pytest

from ivproof.chart.reading import Source, parse
from ivproof.importers import mapping
from ivproof.importers.events import ImportedEvents, read_events
from ivproof.importers.fhir import import_resources
from ivproof.importers.resources import Resource

FHIR = Path(__file__).parent / "records" / "fhir"
WORDS = (
    *["New Bag", "Stopped"] * 4,
    *["Paused", "Restarted"] * 2,
    *["Rate Change", "Given", "Push", "Bolus", "Held", "MAR Hold", "MAR Unhold", "Canceled Entry", "Rate Verify"],
)
DRUGS = (
    "ceftriaxone 1 g",
    "vancomycin 1 g in sodium chloride 0.9 % 250 mL IVPB",
    "Rocephin 2 g",
    "sodium chloride 0.9 % 1,000 mL",
    "mystery juice",
    "ondansetron (TORADOL) 4 mg",
)
COLUMNS = {
    "PAT_ENC_CSN_ID": ("1", "2"),
    "ORDER_MED_ID": ("7", "7", "7", "8", "7-2", ""),
    "DISPLAY_NAME": DRUGS,
    "MAR_ACTION_C_NAME": WORDS,
    "ROUTE_C_NAME": (*["Intravenous"] * 8, "Intramuscular", "", "Rectal"),
    "SITE_C_NAME": ("", "Left Hand", "Right Hand"),
    "EDITED_LINE": ("", "", "", "1", "3"),
    "INFUSION_RATE": ("", "100"),
}


def rows(seed: int) -> list[dict[str, str]]:
    draw = random.Random(seed)
    found = []
    for number in range(draw.randint(1, 14)):
        day = draw.choice([*["2024-05-06"] * 6, "2024-05-07", "2024-11-03", "2024-03-10"])
        clock = f"{day} {draw.randint(0, 3):02}:{draw.choice((0, 15, 30)):02}"
        row = {column: draw.choice(values) for column, values in COLUMNS.items()}
        row["TAKEN_TIME"] = draw.choice([*[clock] * 9, day, "", "nonsense"])
        row["LINE"] = draw.choice([str(number), str(number), str(draw.randint(1, 5)), ""])
        found.append(row)
    return found


def read(events: list[dict[str, str]], by: mapping.EventMapping, zone: str | None, folder: Path) -> ImportedEvents:
    path = folder / "events.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(events[0]))
        writer.writeheader()
        writer.writerows(events)
    return read_events([str(path)], by, imported.drugs(), place_of_service="22", zone=zone)


def without_lines() -> mapping.EventMapping:
    changed = mapping.load(mapping.preset_text("epic-mar"), "epic-mar").model_dump(by_alias=True)
    changed["columns"]["line"] = None
    changed["rows"]["same"] = ["encounter", "order", "drug", "time", "action"]
    changed["new_bag_stops_the_old"] = True
    return mapping.EventMapping.model_validate(changed)


@pytest.mark.parametrize("zone", [None, "America/New_York"])
@pytest.mark.parametrize("lines", [True, False])
def test_every_row_of_any_list_is_accounted_for(*, lines: bool, zone: str | None, tmp_path: Path) -> None:
    by = mapping.load(mapping.preset_text("epic-mar"), "epic-mar") if lines else without_lines()
    for seed in range(40):
        events = rows(seed)
        found = read(events, by, zone, tmp_path)
        assert found.refusals == []
        sums = found.report["rows"]
        assert sums["read"] == len(events) == sums["used"] + sums["voided"] + sums["left_out"]
        used = {it["row"] for it in found.report["fates"] if it["fate"] == "used"}
        sources = (it for chart in found.report["sources"] for it in chart["administrations"])
        assert used == {row for it in sources for row in it["rows"]}, seed
        times = {it["TAKEN_TIME"].replace(" ", "T") for it in events}
        for chart in found.charts:
            assert parse(chart, Source("chart")).refusals == ()
            given = [it for one in chart["administrations"] for it in (one.get("start"), one.get("stop")) if it]
            assert {it[:16] for it in given} <= times, seed
        random.Random(seed).shuffle(events)
        again = read(events, by, zone, tmp_path)
        assert json.dumps(again.charts) == json.dumps(found.charts), seed
        assert again.report["rows"] == sums


THINGS: tuple[Any, ...] = (
    *(None, "", 7, -1, 1.5, True, [], {}, "x", "2021-01-01", "2015-01-15T10:00:00Z", "entered-in-error", "completed"),
    *("Encounter/f001", "#med0301", [{}], {"value": 3, "code": "min"}, {"value": 1e400, "code": "mL"}),
    *({"value": 0, "code": "h"}, {"text": "IV"}, "IM", "9" * 5000, {"value": 10**30, "code": "mg"}),
)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(it for key, value in inside for it in places(value, (*path, key)))]


def changed(data: Any, draw: random.Random) -> Any:
    data = deepcopy(data)
    for _ in range(draw.randint(1, 4)):
        *path, last = draw.choice([it for it in places(data) if it] or [("id",)])
        at = data
        for step in path:
            at = at[step]
        if draw.random() < 0.3:
            at.pop(last)
        else:
            at[last] = deepcopy(draw.choice(THINGS))
    return data


def test_every_resource_of_any_shape_is_accounted_for() -> None:
    samples = [json.loads(path.read_text("utf-8")) for path in sorted(FHIR.glob("*.json"))]
    for seed in range(400):
        draw = random.Random(seed)
        some = [changed(draw.choice(samples), draw) for _ in range(draw.randint(1, 5))]
        some = [it for it in some if isinstance(it.get("resourceType"), str)]
        found = import_resources([Resource(it, "file") for it in some], imported.drugs(), place_of_service="22")
        sums = found.report["resources"]
        assert sums["read"] == len(some) == sums["used"] + sums["voided"] + sums["left_out"]
        assert all("within 366 days" in str(it) for it in found.refusals)
        for chart in found.charts:
            assert parse(chart, Source("chart")).refusals == ()
        json.dumps(found.report)
