"""Holds what an importer made against what a sample expects, as the records' README says that charts are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from ivproof.drugs.listing import DrugList
from ivproof.law.policy import law_folder

ON = date(2020, 10, 5)


@cache
def drugs() -> DrugList:
    return DrugList.load(law_folder() / "drugs")


def report_differs(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Where the figures of a report are others than expected."""
    return [
        f"{key}: {found.get(key)} and not {value}"
        for key, value in expected.items()
        if {name: found.get(key, {}).get(name) for name in value} != value
        or (key in ("voided", "left_out") and set(found[key]) != set(value))
    ]


def findings(told: Iterable[Mapping[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Kind, place and count of findings."""
    return Counter(
        {(it["kind"], it.get("encounter"), it.get("order"), it.get("resource")): it.get("count", 1) for it in told}
    )


def charts(some: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What has to agree of charts, by encounter; administrations in an order of their own and without their ids."""
    return {it["id"]: _chart(it) for it in some}


def _chart(chart: Mapping[str, Any]) -> dict[str, Any]:
    given = chart["administrations"]
    by_id = {it["id"]: it for it in given}
    bags: dict[str, list[Any]] = {}
    for it in given:
        if it.get("bag"):
            bags.setdefault(it["bag"], []).append(_short(it))
    told = [
        {
            "what": _short(it),
            "method": it.get("method"),
            "stop": _instant(it.get("stop")),
            "pauses": [(_instant(p["from"]), _instant(p["to"])) for p in it.get("pauses", ())],
            "purpose": it.get("purpose"),
            "volume": it.get("volume_ml") if it.get("purpose") == "carrier" else None,
            "bag": sorted(bags[it["bag"]]) if it.get("bag") else None,
            "continues": _short(by_id[it["continues"]]) if it.get("continues") else None,
            "site": it.get("site"),
        }
        for it in given
    ]
    return {
        **{key: chart.get(key) for key in ("place_of_service", "date", "payer")},
        "diagnoses": chart.get("diagnoses", []),
        "access_sites": sorted(it["id"] for it in chart.get("access_sites", ())),
        "administrations": sorted(told, key=repr),
    }


def _short(it: Mapping[str, Any]) -> tuple[str, str, str]:
    return (drug(it["drug"]), it["route"], str(_instant(it.get("start"))))


def drug(text: str) -> str:
    """The drug that a name is found as, or the name."""
    found = drugs().find(text, ON)
    return text.casefold() if found is None else found.drug.key


def _instant(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def told(given: Sequence[Mapping[str, Any]]) -> list[str]:
    """Administrations in the notation of the cases: drug, start and stop (? where there is none), pauses, and more."""
    starts = {it["id"]: clock(it.get("start")) for it in given}
    found = []
    for it in given:
        parts = [f"{it['drug']} {clock(it.get('start'))}-{clock(it.get('stop'))}"]
        parts += [f"({clock(pause['from'])}-{clock(pause['to'])})" for pause in it.get("pauses", ())]
        parts += ["push"] if it.get("method") == "push" else []
        parts += [f"continues {starts[it['continues']]}"] if "continues" in it else []
        parts += ["bag"] if "bag" in it else []
        parts += ["carrier"] if it.get("purpose") == "carrier" else []
        parts += [str(it["volume_ml"])] if it.get("purpose") == "carrier" and "volume_ml" in it else []
        parts += [f"at {it['site']}"] if "site" in it else []
        found.append(" ".join(parts))
    return sorted(found)


def clock(text: str | None) -> str:
    """The time of day of a date-time."""
    return "?" if text is None else text[11:16]
