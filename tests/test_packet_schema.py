"""The published schema of packets says what packets hold: no more and no less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from case_files import some
from command import chart, given_iv, run

from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.chart.files import scan
from ivproof.chart.reading import Source, parse
from ivproof.formats.output import schema
from ivproof.law.policy import Policy
from ivproof.packet.maker import PacketMaker
from ivproof.packet.model import Packet

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.yaml"))
MAKER = PacketMaker(Policy.load("out001"), search="none")


def billed(encounter: Encounter) -> Encounter:
    """An encounter with what was billed; where nothing is said, with a claim that is right but for one line."""
    if "billed" in encounter.model_fields_set:
        return encounter
    [found] = MAKER.coder.code([encounter])
    lines = [BilledLine(code=it.code, units=it.units, modifiers=it.modifiers) for it in found.claim[1:]]
    return encounter.model_copy(update={"billed": (*lines, BilledLine(code="96376", units=1, modifiers=()))})


def strict(found: Any) -> Any:
    """The schema with no field beyond those that it names."""
    if isinstance(found, dict):
        tight = {name: strict(it) for name, it in found.items()}
        return {**tight, "additionalProperties": False} if "properties" in found else tight
    return [strict(it) for it in found] if isinstance(found, list) else found


SCHEMAS = [jsonschema.Draft202012Validator(it) for it in (schema(Packet), strict(schema(Packet)))]


def keeps_to_the_schema(encounter: Encounter, maker: PacketMaker = MAKER) -> dict[str, Any]:
    packet: dict[str, Any] = json.loads(json.dumps(maker.make(encounter, "visit.yaml").as_dict()))
    for found in SCHEMAS:
        found.validate(packet)
    return packet


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema(Packet))
    assert json.loads(run("schema", "packet").stdout) == schema(Packet)


@pytest.mark.parametrize("file", some(EXAMPLES, 3), ids=lambda it: it.stem)
def test_the_packet_of_every_example_keeps_to_it(file: Path) -> None:
    [sheet] = scan([str(file)])
    found = sheet.chart().encounter
    assert found is not None
    keeps_to_the_schema(billed(found))


def test_packets_with_readings_missing_facts_and_drugs_keep_to_it() -> None:
    maker = PacketMaker(Policy.load("out001"))
    again = [given_iv(f"c{n}", "cefazolin", f"{n:02}:00", f"{n:02}:40") for n in (8, 14)]
    dose = given_iv("dose", "ceftriaxone", "09:00", None, container="single_dose", billing_units=4, discarded_units=1)
    charts = [
        chart("open", *again, billed=[{"code": "96365"}, {"code": "96376"}], payer="Medicare"),
        chart("drug", dose, date="2023-09-12", billed=[{"code": "96365"}, {"code": "J0696"}, {"code": "80053"}]),
        {"id": "nothing", "place_of_service": "22", "date": "2020-10-05", "billed": []},
    ]
    seen = []
    for data in charts:
        found = parse(data, Source("visit.json")).encounter
        assert found is not None
        seen.append(keeps_to_the_schema(found, maker))
    assert [it["verdict"] for it in seen[:1]] == ["correct_under_reading"]
    assert any(line["other_side"]["stands"] for line in seen[0]["findings"])
    assert seen[1]["undocumented"]
