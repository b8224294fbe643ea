"""Random charts in the input format, for properties, comparisons of the engines and measurements.

Four kinds. A *visit* is what a hospital's day has: 2 to 8 administrations, nearly everything charted. A *tangle* has
anything that the format allows, with times that fall on thresholds and a minute beside them. A *wild* chart is a tangle
of up to forty administrations in which every field of the format may stand. A *tally* is a long stay of so many
administrations, for growth.

Everything comes from one `random.Random`, and the plainest choice always comes first, so that Hypothesis (which puts
its own generator in the place of `random.Random`) shrinks a chart to a plain one.

>>> import random
>>> visit(random.Random(1))["place_of_service"]
'22'
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from ivproof.chart.encounter import Encounter
from ivproof.chart.reading import Source, parse

Chart = dict[str, Any]
T = TypeVar("T")

CHEMOTHERAPY = ["paclitaxel", "carboplatin", "doxorubicin", "fluorouracil", "oxaliplatin", "cyclophosphamide",
                "rituximab", "bortezomib", "J9355"]  # fmt: skip
DRUGS = ["ceftriaxone", "vancomycin", "ondansetron", "dexamethasone", "famotidine", "morphine", "ketorolac",
         "pantoprazole", "infliximab", "Zofran", "J0696", "metoclopramide",
         "diphenhydramine", "leucovorin"]  # fmt: skip
FLUIDS = ["normal saline", "lactated ringers", "dextrose 5%"]
ADDITIONS = ["potassium chloride", "magnesium sulfate", "multivitamin", "thiamine"]
OTHERS = ["leuprolide", "methotrexate", "heparin flush", "iohexol", "influenza vaccine", "mesna", "tocilizumab"]
UNKNOWN = ["study drug 7", "Unbekannt", "xq-12"]
ROUTES = ["IM", "SQ", "IA", "ID", "IT", "IP", "IPL", "IL", "PO"]
DIAGNOSES = ["E86.0", "C50.911", "J18.9", "R11.10", "D46.9", "M06.9", "Z51.11", "I10"]
DATES = ["2020-10-05", "2020-09-16", "2021-03-02", "2023-07-01", "2024-02-28"]
EARLY_DATES = ["2020-09-15", "2019-07-01", "2018-01-15"]
PLACES = ["22", "11", "19", "23", "24", "02", "12", "61", "49"]
INCLUDED = ["flush", "supplies", "iv_start", "monitoring", "education", "local_anesthesia", "port_access",
            "drug_preparation", "blood_draw", "transfusion", "reaction_treatment"]  # fmt: skip
SPECIAL = ["fluoroscopy", "lumbar_puncture", "thoracentesis", "declotting"]
PURPOSES = ["hydration", "keep_open", "carrier", "flush", "reaction_treatment", "premedication", "replacement"]
LENGTHS = [30, 60, 0, 2, 5, 15, 16, 17, 29, 31, 32, 45, 59, 61, 62, 75, 90, 91, 92, 120, 121, 150, 151, 152, 211,
           240, 479, 480, 481, 600]  # fmt: skip
GAPS = [0, 10, 31, -10, -31, 1, 4, 5, 6, 14, 15, 16, 29, 30, 32, 59, 60, 61, -1, -15, -16, -60, 120, 240]

DAY = 24 * 60


def sometimes(rng: random.Random, chance: float) -> bool:
    """True that often; the plainest outcome is False."""
    return rng.random() >= 1 - chance


def pick(rng: random.Random, *choices: tuple[float, T]) -> T:
    """Take one of the weighted choices; the plainest is the first."""
    at = rng.random() * sum(weight for weight, _ in choices)
    for weight, value in choices:
        at -= weight
        if at < 0:
            return value
    return choices[-1][1]


def clock(minute: int, seconds: int = 0) -> str:
    """Write a minute of the encounter's date as a clock time."""
    text = f"{minute // 60 % 24:02}:{minute % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


# --- A visit as a hospital's day has them


def visit(rng: random.Random, size: range = range(2, 9), name: str = "E") -> Chart:
    """Give a plain visit: one line, fluids, pushes and infusions one after the other, little missing."""
    minute = 480 + rng.randrange(0, 300)
    sites: list[Chart] = [{"id": "arm", "kind": pick(rng, (5, "peripheral"), (2, "port"), (1, "picc"))}]
    if sometimes(rng, 0.08):
        sites.append({"id": "other-arm", "kind": "peripheral", "necessity": rng.choice(["incompatible", "condition"])})
    oncology = sometimes(rng, 0.3)
    given: list[Chart] = []
    for n in range(1, rng.choice(size) + 1):
        kind = pick(rng, (4, "push"), (4, "infusion"), (2, "fluid"), (1, "injection"), (2.0 * oncology, "chemotherapy"))
        it: Chart = {"id": f"a{n}", "drug": rng.choice(DRUGS), "route": "IV", "site": rng.choice(sites)["id"]}
        length = 2
        if kind == "push":
            it["method"] = "push"
        elif kind == "injection":
            it["route"] = "IM"
            del it["site"]
        elif kind == "infusion":
            length = pick(rng, (4, 30), (3, 60), (1, 90), (1, 20), (1, 120), (1, 45))
        elif kind == "chemotherapy":
            it["drug"], length = rng.choice(CHEMOTHERAPY[:6]), pick(rng, (3, 60), (1, 30), (2, 120), (1, 180))
        else:
            it["drug"], length = "normal saline", pick(rng, (3, 60), (1, 30), (1, 120), (1, 250))
            it["purpose"] = "hydration"
        it["start"], it["stop"] = clock(minute), clock(minute + length)
        if sometimes(rng, 0.04):
            del it["stop"]
        given.append(it)
        minute += pick(rng, (6, length), (2, length + 5), (1, length // 2), (1, length + 35), (1, 0))
    chart: Chart = {"id": name, "place_of_service": pick(rng, (8, "22"), (1, "19"), (2, "23"), (1, "11")),
                    "date": rng.choice(DATES), "diagnoses": ["C50.911"] if oncology else ["E86.0"],
                    "access_sites": sites, "administrations": given}  # fmt: skip
    if chart["place_of_service"] == "11":
        chart["claim_type"], chart["primary_reason"] = "professional", given[0]["id"]
    if sometimes(rng, 0.4):
        chart["services"] = [{"kind": rng.choice(INCLUDED)}]
    if sometimes(rng, 0.2):
        visit_ = {"kind": "evaluation_and_management", "code": "99213", "separately_identifiable": sometimes(rng, 0.5)}
        chart.setdefault("services", []).append(visit_)
    return chart


def tally(rng: random.Random, size: int, name: str = "E") -> Chart:
    """Give a stay of that many administrations over as many days as they need, for growth."""
    chart = visit(rng, range(size, size + 1), name)
    chart["date"], minute = "2020-10-05", 0
    for it in chart["administrations"]:
        length = pick(rng, (3, 30), (2, 60), (2, 2))
        it["start"] = f"2020-10-{5 + minute // DAY:02}T{clock(minute)}"
        it["stop"] = f"2020-10-{5 + (minute + length) // DAY:02}T{clock(minute + length)}"
        minute += length + 5
    return chart


# --- Anything that the format allows


def chart(rng: random.Random, size: range = range(0, 7), name: str = "E") -> Chart:
    """Give a chart that may hold anything the format allows, impossible times and references excepted."""
    found: Chart = {
        "id": name,
        "place_of_service": pick(rng, (8, "22"), (3, "11"), *((0.4, place) for place in PLACES[2:])),
        "date": rng.choice(DATES) if not sometimes(rng, 0.03) else rng.choice(EARLY_DATES),
    }
    if sometimes(rng, 0.15):
        found["claim_type"] = "professional"
    sites = _sites(rng)
    if sites:
        found["access_sites"] = sites
    found["administrations"] = _given(rng, rng.choice(size), sites)
    services = _services(rng)
    if services:
        found["services"] = services
    _about(rng, found)
    return found


def _sites(rng: random.Random) -> list[Chart]:
    sites: list[Chart] = []
    for n in range(pick(rng, (6, 1), (2, 0), (3, 2), (1, 3))):
        site: Chart = {"id": f"site{n + 1}"}
        if sometimes(rng, 0.5):
            site["kind"] = rng.choice(["peripheral", "port", "picc", "central", "arterial"])
        if n and sometimes(rng, 0.5):
            site["necessity"] = rng.choice(["incompatible", "protocol", "condition"])
        if n and sometimes(rng, 0.25):
            site["replaces"] = f"site{n}"
        sites.append(site)
    return sites


def _given(rng: random.Random, size: int, sites: Sequence[Chart]) -> list[Chart]:
    minute = pick(rng, (6, 540), (1, 0), (1, 1290), (1, 1410))
    pool = rng.sample(DRUGS, k=2) if sometimes(rng, 0.5) else DRUGS
    given: list[Chart] = []
    for n in range(1, size + 1):
        start = max(0, minute)
        length = rng.choice(LENGTHS)
        it = _administration(rng, f"a{n}", pool, sites)
        _times(rng, it, start, length)
        _links(rng, it, given)
        _extras(rng, it)
        given.append(it)
        minute = start + pick(rng, (3, length), (2, 0)) + rng.choice(GAPS)
    if sometimes(rng, 0.3):
        rng.shuffle(given)
    return given


def _administration(rng: random.Random, name: str, pool: Sequence[str], sites: Sequence[Chart]) -> Chart:
    drugs = pick(rng, (6, pool), (3, FLUIDS), (2.5, CHEMOTHERAPY), (0.7, ADDITIONS), (0.7, OTHERS), (0.15, UNKNOWN))
    it: Chart = {"id": name, "drug": rng.choice(drugs), "route": "IV"}
    if sometimes(rng, 0.2):
        it["route"] = rng.choice(ROUTES)
    if sites and it["route"] in {"IV", "IA"} and not sometimes(rng, 0.07):
        it["site"] = rng.choice(sites)["id"]
        if sometimes(rng, 0.08):
            it["lumen"] = rng.choice(["distal", "proximal"])
    if sometimes(rng, 0.4):
        it["method"] = pick(rng, (2, "push"), (1, "infusion"))
    if sometimes(rng, 0.04):
        it["class"] = rng.choice(["therapeutic", "chemotherapy", "hydration"])
    if drugs is FLUIDS:
        if sometimes(rng, 0.5):
            it["purpose"] = pick(rng, (6, "hydration"), *((1, purpose) for purpose in PURPOSES[1:]))
        if sometimes(rng, 0.3):
            it["rate_ml_per_h"] = rng.choice([100, 20, 29.9, 30, 30.1, 0, 500])
            it["volume_ml"] = rng.choice([1000, 500, 50, 0, 250.5])
        if sometimes(rng, 0.2):
            it["premixed"] = sometimes(rng, 0.5)
    return it


def _times(rng: random.Random, it: Chart, start: int, length: int) -> None:
    """Chart the times: mostly to the minute; on a later day as date-times, which a tangle's `date` gets in `_about`."""
    second = rng.choice([1, 30, 59]) if sometimes(rng, 0.04) else 0
    if not sometimes(rng, 0.05):
        it["start"] = (start, 0)
    if not sometimes(rng, 0.1):
        it["stop"] = (start + length, second)
    if length > 4 and len(it.keys() & {"start", "stop"}) == 2 and sometimes(rng, 0.12):
        first = start + rng.choice([1, length // 3, length // 2])
        last = min(start + length, first + rng.choice([1, 5, 6, length // 3]))
        it["pauses"] = [{"from": (first, 0), "to": (last, 0)}]
        if sometimes(rng, 0.4):
            it["pauses"][0]["reason"] = rng.choice(["reaction", "bathroom"])
        if last + 2 < start + length and sometimes(rng, 0.2):
            it["pauses"].append({"from": (last + 1, 0), "to": (last + 2, 0)})


def _links(rng: random.Random, it: Chart, given: Sequence[Chart]) -> None:
    if given and sometimes(rng, 0.12):
        other = rng.choice(given)
        other.setdefault("bag", f"bag{len(given)}")
        it["bag"] = other["bag"]
        if sometimes(rng, 0.6):
            it.update({key: other[key] for key in ("route", "site", "start", "stop") if key in other})
            for key in {"start", "stop", "site"} - other.keys():
                it.pop(key, None)
            it.pop("pauses", None)
    if given and sometimes(rng, 0.06):
        other = rng.choice(given)
        it["continues"] = other["id"]
        if sometimes(rng, 0.7):
            it["drug"] = other["drug"]
    if sometimes(rng, 0.05):
        it["dose"] = rng.choice(["one", "two"])


def _extras(rng: random.Random, it: Chart) -> None:
    """Chart what is seldom charted."""
    if it["route"] == "IL" and not sometimes(rng, 0.2):
        it["lesions"] = rng.choice([1, 7, 8])
    if it["route"] == "IT":
        if sometimes(rng, 0.5):
            it["spinal_puncture"] = not sometimes(rng, 0.5)
        if sometimes(rng, 0.3):
            it["puncture_by"] = rng.choice(["this_biller", "another"])
        if sometimes(rng, 0.3):
            it["reservoir"] = sometimes(rng, 0.5)
    if it["route"] == "SQ" and sometimes(rng, 0.4):
        it["method"] = "infusion"
    rare: list[tuple[str, Any]] = [
        ("pump", lambda: rng.choice(["portable", "stationary", "implantable"])),
        ("pump_supplied_by", lambda: rng.choice(["clinic", "supplier"])),
        ("ordered_minutes", lambda: rng.choice([60, 480, 481, 2760])),
        ("hormonal", lambda: sometimes(rng, 0.5)),
        ("form", lambda: rng.choice(["solution", "capsule", "implant", "on_body_injector"])),
        ("integral_to", lambda: rng.choice(["transfusion", "protocol"])),
        ("diagnostic", lambda: sometimes(rng, 0.7)),
        ("discontinued", lambda: "patient asked"),
        ("order", lambda: rng.choice(["signed", "none", "verbal", "protocol"])),
        ("product", lambda: rng.choice(["0001-1", "0002-2"])),
        ("purpose", lambda: rng.choice(PURPOSES)),
    ]
    for name, value in rare:
        if sometimes(rng, 0.02):
            it.setdefault(name, value())
    if sometimes(rng, 0.1):
        it["container"] = rng.choice(["single_dose", "multi_dose"])
        it["billing_units"] = rng.choice([1, 4, 0, 100])
        if sometimes(rng, 0.5):
            it["discarded_units"] = rng.choice([0, 1, 6])


def _services(rng: random.Random) -> list[Chart]:
    services: list[Chart] = []
    for _ in range(pick(rng, (6, 0), (3, 1), (1, 3))):
        kind = pick(rng, (4, rng.choice(INCLUDED)), (2, "evaluation_and_management"), (1, rng.choice(SPECIAL)))
        service: Chart = {"kind": kind}
        if kind == "evaluation_and_management":
            if not sometimes(rng, 0.2):
                service["code"] = rng.choice(["99213", "99211", "99285"])
            if sometimes(rng, 0.6):
                service["separately_identifiable"] = True
        elif kind == "thoracentesis" and sometimes(rng, 0.5):
            service["done"] = False
        services.append(service)
    return services


def _about(rng: random.Random, found: Chart) -> None:
    """Chart what is about the encounter, and write the times now that its date is known."""
    given = found["administrations"]
    if given and sometimes(rng, 0.5 if found["place_of_service"] == "11" else 0.05):
        found["primary_reason"] = rng.choice(given)["id"] if not sometimes(rng, 0.2) else [it["id"] for it in given[:2]]
    if not sometimes(rng, 0.2):
        found["diagnoses"] = [rng.choice(DIAGNOSES), *([rng.choice(DIAGNOSES)] if sometimes(rng, 0.3) else [])]
    if sometimes(rng, 0.06):
        found["order"] = rng.choice(["verbal", "protocol", "none"])
    if sometimes(rng, 0.06):
        found["inpatient_order_at"] = stamp(found, (rng.choice([600, 555, 1439, 0, 660, 1500]), 0), dated=True)
    if sometimes(rng, 0.05):
        found["earlier_visit"] = {"initial_reported": not sometimes(rng, 0.4), "line_left_in": sometimes(rng, 0.5)}
    if sometimes(rng, 0.1):
        found["payer"] = rng.choice(["Medicare", "another"])
    if sometimes(rng, 0.05):
        found["regulated_facility"] = True
    for it in given:
        write_times(found, it)


# --- Every field of the format

VISIT_CODES = ["99213", "99211", "99285", "G0463", "62270"]
BILLED = ["96365", "96366", "96374", "96375", "96413", "96360", "J0696", "99213"]
NOTES = ["MAR p. 3, RN, 11:04", "as told by the patient", "%* no comment *% #script", "Nachtdienst, 3 °C"]

Values = Mapping[str, Any]

EVERY_SITE: Values = {
    "source": lambda rng: rng.choice(NOTES),
    "note": lambda rng: rng.choice(NOTES),
}
PRINTED = ["vancomycin 1 g in dextrose 5%", "ceftriaxone/normal saline", "Taxol", "NORMAL SALINE 1000 ML", "J1885",
           "J9999", "magnesium sulfate in lactated ringers", "potassium chloride 20 mEq in normal saline"]  # fmt: skip

EVERY_ADMINISTRATION: Values = {
    "drug": lambda rng: rng.choice(PRINTED),
    "done": lambda rng: not sometimes(rng, 0.7),
    "product": lambda rng: rng.choice(["0001-1", "0002-2"]),
    "class": lambda rng: rng.choice(["therapeutic", "chemotherapy", "hydration"]),
    "hormonal": lambda rng: sometimes(rng, 0.5),
    "method": lambda rng: rng.choice(["push", "infusion"]),
    "lumen": lambda rng: rng.choice(["distal", "proximal"]),
    "premixed": lambda rng: sometimes(rng, 0.5),
    "dose": lambda rng: rng.choice(["one", "two"]),
    "ordered_minutes": lambda rng: rng.choice([60, 480, 481, 2760]),
    "form": lambda rng: rng.choice(["solution", "capsule", "implant", "on_body_injector"]),
    "purpose": lambda rng: rng.choice(PURPOSES),
    "volume_ml": lambda rng: rng.choice([1000, 500, 50, 0, 250.5]),
    "rate_ml_per_h": lambda rng: rng.choice([100, 20, 29.9, 30, 30.1, 0, 500]),
    "pump": lambda rng: rng.choice(["portable", "stationary", "implantable"]),
    "pump_supplied_by": lambda rng: rng.choice(["clinic", "supplier"]),
    "lesions": lambda rng: rng.choice([1, 7, 8]),
    "spinal_puncture": lambda rng: sometimes(rng, 0.5),
    "puncture_by": lambda rng: rng.choice(["this_biller", "another"]),
    "reservoir": lambda rng: sometimes(rng, 0.5),
    "integral_to": lambda rng: rng.choice(["transfusion", "protocol"]),
    "diagnostic": lambda rng: sometimes(rng, 0.7),
    "discontinued": lambda _: "patient asked",
    "order": lambda rng: rng.choice(["signed", "none", "verbal", "protocol"]),
    "container": lambda rng: rng.choice(["single_dose", "multi_dose"]),
    "billing_units": lambda rng: rng.choice([0, 1, 4, 100]),
    "discarded_units": lambda rng: rng.choice([0, 1, 6]),
    "amount": lambda rng: rng.choice(["1 g", "679 mg", "0.5 mg", "250 mL", "2 units"]),
    "vials": lambda rng: [
        {"size": rng.choice(["500 mg", "100 mg"]), "count": n} for n in range(1, pick(rng, (1, 2), (1, 3)))
    ],
    "source": lambda rng: rng.choice(NOTES),
    "note": lambda rng: rng.choice(NOTES),
}
EVERY_ENCOUNTER: Values = {
    "time_zone": lambda rng: rng.choice(["America/New_York", "Europe/Berlin", "Asia/Kathmandu"]),
    "note": lambda rng: rng.choice(NOTES),
    "payer": lambda rng: rng.choice(["Medicare", "another"]),
    "order": lambda rng: rng.choice(["verbal", "protocol", "none"]),
    "earlier_visit": lambda rng: {"initial_reported": sometimes(rng, 0.5), "line_left_in": sometimes(rng, 0.5)},
    "regulated_facility": lambda rng: sometimes(rng, 0.5),
    "billed": lambda rng: [_billed(rng) for _ in range(rng.choice([1, 2, 4]))],
}
"""What may stand in a field of a wild chart, beside what a tangle has there."""


def wild(rng: random.Random, name: str = "E") -> Chart:
    """Give a tangle of up to forty administrations, in which every field may stand."""
    found = chart(rng, pick(rng, (4, range(8)), (3, range(8, 16)), (2, range(16, 41))), name)
    some = pick(rng, (3, 0.02), (2, 0.1), (1, 0.4))
    if sometimes(rng, some):
        found["claim_type"] = rng.choice(["facility", "professional"])
    for parts, fields in (
        ([found], EVERY_ENCOUNTER),
        (found.get("access_sites", []), EVERY_SITE),
        (found["administrations"], EVERY_ADMINISTRATION),
    ):
        for part in parts:
            part.update({key: value(rng) for key, value in fields.items() if sometimes(rng, some / 2)})
    for pause in (pause for it in found["administrations"] for pause in it.get("pauses", ())):
        if sometimes(rng, some):
            pause[rng.choice(["from", "to"])] = None
    for kind in [*INCLUDED, *SPECIAL]:
        if sometimes(rng, some / 4):
            service = {"kind": kind, "done": not sometimes(rng, 0.5), "code": rng.choice(VISIT_CODES)}
            found.setdefault("services", []).append(service)
    return found


def _billed(rng: random.Random) -> Chart:
    """Give a billed line, sometimes one that was denied."""
    line: Chart = {"code": rng.choice(BILLED)}
    if sometimes(rng, 0.5):
        line |= {"units": rng.choice([1, 2, 8]), "modifiers": rng.choice([[], ["59"], ["25", "XU"]])}
    if sometimes(rng, 0.3):
        line["denied"] = {"group": "CO", "reason": "97", "remark": ["M15"], "text": rng.choice(NOTES),
                          "date": "2024-03-02", "amount": rng.choice([0, 74.5])}  # fmt: skip
    return line


# --- Times, kept as (minute, second) until the chart is complete


def stamp(found: Mapping[str, Any], at: tuple[int, int], dated: bool = False) -> str:
    """Write a minute since 00:00 of the chart's date, as a date-time where it is `dated`."""
    from datetime import date, timedelta

    text = clock(*at)
    if not dated:
        return text
    return f"{date.fromisoformat(found['date']) + timedelta(days=at[0] // DAY)}T{text}"


def write_times(found: Mapping[str, Any], it: Chart) -> None:
    """Write the times of an administration: clock times on the first day, date-times where a later day is touched."""
    pauses = it.get("pauses", [])
    moments = [it[key] for key in ("start", "stop") if key in it]
    moments += [pause[key] for pause in pauses for key in ("from", "to")]
    dated = any(minute >= DAY for minute, _ in moments)
    for part, keys in ((it, ("start", "stop")), *((pause, ("from", "to")) for pause in pauses)):
        for key in keys:
            if key in part:
                part[key] = stamp(found, part[key], dated)


# --- For the tests


def encounter(data: Mapping[str, Any]) -> Encounter:
    """Read a generated chart, which is never refused."""
    read = parse(dict(data), Source("generated"))
    if read.encounter is None:
        raise AssertionError([str(it) for it in read.refusals])
    return read.encounter


def visits(size: range = range(1, 5)) -> st.SearchStrategy[Chart]:
    """Plain visits that shrink."""
    return st.randoms(use_true_random=False).map(lambda rng: visit(rng, size))


def charts(size: range = range(0, 5)) -> st.SearchStrategy[Chart]:
    """Tangles that shrink."""
    return st.randoms(use_true_random=False).map(lambda rng: chart(rng, size))
