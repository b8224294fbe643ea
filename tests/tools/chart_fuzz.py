"""Mutates charts, and holds the reader of charts and the second engine's own validator against each other.

    python tests/tools/chart_fuzz.py 200000 --seed 7

Of every mutated chart: `encounter.parse` accepts it just where `recheck.chart.normal` does; both give it the same
normal form; and both translate that into the same facts. The first that differs is printed, and the status is 1.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import unicodedata
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import generate

from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.facts import facts_of
from ivproof.chart.reading import Source, parse
from ivproof.drugs.listing import DrugList
from ivproof.law.policy import law_folder
from ivproof.proof.maker import pointer
from ivproof.recheck.chart import ChartError, normal
from ivproof.recheck.facts import Listed, translate
from ivproof.recheck.steps import atom, same

SOURCE = Source("mutated")
PAYERS = frozenset({"medicare"})
NOTHING = DrugList({}, {}, {})

ZONES = ["America/New_York", "Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "Asia/Beirut", "Pacific/Apia",
         "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "America/St_Johns", "America/Havana"]  # fmt: skip
NO_ZONES = ["America", "localtime", "posixrules", "Nowhere/Land", "america/new_york", "posix/UTC", "right/UTC", "A" * 9]
OFFSETS = ["Z", "z", "-04:00", "-05:00", "+02:00", "+0100", "-03", "+09:00", "+18:00", "-18:59", "+19:00", "+23:59",
           "+05:45", "-02:60", "+00:00", "-00:00"]  # fmt: skip
DAYS = ["2020-10-05", "2020-10-06", "2020-10-04", "2020-11-01", "2020-10-31", "2021-03-14", "2021-03-13", "2021-10-05",
        "2021-10-07", "2022-10-05", "2018-11-04", "2018-11-03", "2022-04-29", "2011-12-30", "2011-12-29", "1900-01-01",
        "1899-12-31", "2199-12-31", "2200-01-01", "2020-02-30", "2021-02-29", "2020-2-9", "20201005", "2020-W40-1",
        "0001-01-01", "9999-12-31"]  # fmt: skip
CLOCKS = ["09:00", "09:20", "10:00", "00:00", "00:30", "01:30", "02:30", "03:00", "23:30", "23:59", "09:00:30", "9:00",
          "24:00", "25:00", "09:60", "09:00:60", "09:00:00.000", "09:00:00.5", " 09:00 ", "09:00\n", "\u0660\u0669:00",
          "09.00", "0900", ""]  # fmt: skip
LONG = ["x" * 1000, "x" * 1001, "x" * 100_000, "x" * 100_001, "\u0300\u0316" * 500, "\u0300\u0316" * 501,
        "\U0001f489" * 1000, "\u00df" * 999, "\u00df" * 1001,
        "1" + " " * 998 + "g", "1" + " " * 999 + "g"]  # fmt: skip
CHARACTERS = [*" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x7f\x85\xa0\u00ad\u0300\u034f\u0345\u1680\u180e\u200b\u200d\u2028",
              *"\u202e\u3000\ufeff\ufffe\ud800\udfff\uff11\u0661\u00b2\u2160\u212a\u017f\u0131\u00b5\u03bc\u1e9e\u0130",
              *"0129,.:;+-/T[]!_%'\"\\{}()<>&#@aZ\U0001d7d8\U00010400"]  # fmt: skip
TEXTS = ["", "\x1c", "\x85", "\u2003", "\ufeff", "x", "a1", " a1", "a1 ", "A1", "site1", "arm", "arm\u0301", "\u00e1rm",
         "a\u0301rm", "\ud800", "x\ud83d", "\U0001f489", "%*#script (python)", 'x"). y(', "\x00", "\u202e", "reaction",
         "Allergic Reaction", "Medicare", "medicare ", "22", "11", "E86.0", "99213", "59", "IV", "iv", "\u0130V",
         "normal saline", "hydration", "true", "0", "ordered", "\uff12\uff12", "0409-7332-01", "NDC 00409733201",
         "0409733201", "ceftriaxone (NDC 0409-7332-01)", "RxNorm 1807507", "ndc:\u20030409-7332-01",
         "NDC \uff10409-7332-01"]  # fmt: skip
HUGE = [10**902, 10**904]
ODD: list[Any] = [None, True, False, 0, 1, -1, 2, 22, 11, 0.0, -0.0, 1.0, 0.5, 1.5, 29.9, 1e6, 1_000_000, 1_000_001,
                  1e400, -1e400,
       10**30, *HUGE, 1e-320, [], {}, [None], [[]], [{}], {"id": "x"}, ["a1"], [["a1"]], [1], "1", "1.0", "1e3",
                  ]  # fmt: skip


def moment(rng: random.Random) -> str:
    """A time, often with date, offset and zone, and often none at all."""
    clock = rng.choice(CLOCKS)
    if rng.random() < 0.4:
        return clock
    written = rng.choice(DAYS[:14] if rng.random() < 0.9 else DAYS) + rng.choice("TTTt _") + clock
    written += rng.choice(OFFSETS) if rng.random() < 0.4 else ""
    if rng.random() < 0.4:
        written += f"[{rng.choice('!' * 1 + ' ' * 9).strip()}{rng.choice(ZONES if rng.random() < 0.9 else NO_ZONES)}]"
    return written


def mutate(rng: random.Random, chart: dict[str, Any]) -> Any:
    """The chart with up to four things changed; sometimes it is no chart at all."""
    changed: Any = deepcopy(chart)
    if rng.random() < 0.15:
        _move_to_zone(rng, changed)
    elif rng.random() < 0.1:
        _move_to_a_change_of_clocks(rng, changed)
    if rng.random() < 0.1:
        _splice(rng, changed)
    for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 2, 2, 3, 4])):
        parts = list(_parts(changed))
        if not parts or rng.random() < 0.002:
            return rng.choice([*ODD, [changed], {"encounter": changed}])
        _change(rng, rng.choice(parts), parts)
    return changed


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _parts(item)


def _change(rng: random.Random, part: Any, parts: list[Any]) -> None:
    if isinstance(part, list):
        _change_list(rng, part, parts)
        return
    names = sorted(part)
    at = rng.random()
    if at < 0.15 and names:
        del part[rng.choice(names)]
    elif at < 0.2 and names:
        name = rng.choice(names)
        part[rng.choice([name.upper(), f"{name}s", f" {name}", name.replace("e", "\u0435"), ""])] = part[name]
    elif at < 0.35:
        name = rng.choice(_fields(part))
        part[name] = value(rng, name if rng.random() < 0.5 else "", parts)
    elif names and at < 0.55:
        name = rng.choice(names)
        part[name] = nudged(rng, part[name])
    elif names:
        timed = [name for name in names if name in TIMED]
        name = rng.choice(timed if timed and rng.random() < 0.4 else names)
        part[name] = value(rng, name, parts)


def _change_list(rng: random.Random, part: list[Any], parts: list[Any]) -> None:
    at = rng.random()
    if part and at < 0.2:
        part.pop(rng.randrange(len(part)))
    elif part and at < 0.4:
        part.insert(rng.randrange(len(part) + 1), deepcopy(rng.choice(part)))
    elif part and at < 0.5:
        rng.shuffle(part)
    elif part and at < 0.6:
        n = rng.randrange(len(part))
        part[n] = nudged(rng, part[n])
    elif part and at < 0.65 and all(isinstance(it, dict) for it in part):
        for it in part:  # ids are made where they are left out
            if rng.random() < 0.7:
                it.pop("id", None)
    else:
        part.append(value(rng, "", parts))


TIMED = ("start", "stop", "from", "to", "inpatient_order_at", "date")
WORDS: dict[str, list[Any]] = {
    "date": DAYS,
    "claim_type": ["professional", "facility", "FACILITY"],
    "order": ["signed", "verbal", "protocol", "none", "None"],
    "class": ["chemotherapy", "therapeutic", "hydration", "biologic", "a,b"],
    "purpose": ["hydration", "keep_open", "carrier", "premedication", "replacement", "other"],
    "route": ["IV", "IM", "SQ", "IA", "ID", "IT", "IP", "IPL", "IL", "PO", "iv", "SC"],
    "form": ["solution", "powder", "tablet", "gas"],
    "time_zone": [*ZONES, *NO_ZONES],
    "services": [["flush"], ["IV start", "iv-start"], ["flush", {"kind": "supplies"}], ["fly"], "flush"],
    "amount": [
        "679 mg",
        "1,250 mg",
        "1 g",
        "0 mg",
        "10 µg",
        "2 million units",
        "1.5 mL",
        "5",
        "mg",
        "1,25 mg",
        "3 parsecs",
        "1000001 mg",
        "\u0661 mg",
        "5\u00a0mg",
        "10 UNITS ",
        "1. mg",
        "7cc",
    ],
    "size": ["500 mg", "1 g", "0.5 ml", "many"],
    "vials": [[{"size": "500 mg", "count": 2}], [{"size": "1 g"}], [{"count": 1}], [{"size": None}]],
    "denied": [
        {"group": "CO", "reason": 97, "remark": "M15"},
        {"reason": "B7", "remark": ["M15", "N130"]},
        {"group": "X"},
    ],
    "reason": [97, "97", "B15", "P1234", "reaction"],
    "remark": ["M15", ["MA130"], "15"],
    "code": ["99213", "J0696", "9921", "j0696", "992133"],
}


def value(rng: random.Random, name: str, parts: list[Any]) -> Any:
    """A value to stand there: often one of the right kind, often one from elsewhere."""
    at = rng.random()
    if name in TIMED[:5] and at < 0.75:
        return moment(rng)
    if name in WORDS and at < 0.6:
        return rng.choice(WORDS[name])
    if at < 0.3:
        return rng.choice(TEXTS)
    if at < 0.5:
        return deepcopy(rng.choice(ODD))
    if at < 0.6:
        return moment(rng)
    if at < 0.7:
        return [{"from": moment(rng), "to": moment(rng)} for _ in range(rng.randint(0, 3))]
    found = [it for part in parts for it in (part.values() if isinstance(part, dict) else part)]
    return deepcopy(rng.choice(found)) if found else None


def nudged(rng: random.Random, found: Any) -> Any:
    """A value that is nearly the same: a character or a digit more, less or otherwise, a number beside it."""
    if isinstance(found, bool) or found is None:
        return rng.choice([not found, str(found).lower(), int(bool(found))])
    if isinstance(found, int) and abs(found) > 10**300:
        return rng.choice([found * 10, found // 10, str(found)])
    if isinstance(found, int | float):
        return rng.choice([found + 1, found - 1, -found, found + 1e-9, found * 10, float(found), str(found), found / 3])
    if not isinstance(found, str):
        return deepcopy(found)
    if rng.random() < 0.1:
        return rng.choice(LONG)
    if rng.random() < 0.15:
        forms: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
        form = unicodedata.normalize(rng.choice(forms), found)
        return rng.choice([found.upper(), found.casefold(), found.title(), form])
    at, more = rng.randrange(len(found) + 1), rng.choice(CHARACTERS)
    return rng.choice(
        [found[:at] + more + found[at:], found[:at] + found[at + 1 :], found[:at] + more + found[at + 1 :]]
    )


def _splice(rng: random.Random, chart: dict[str, Any]) -> None:
    """Take a part over from another chart."""
    other = generate.chart(rng, range(1, 4))
    name = rng.choice(sorted(other))
    mine = chart.get(name)
    if isinstance(mine, list) and isinstance(other[name], list) and rng.random() < 0.7:
        at = rng.randrange(len(mine) + 1)
        mine[at : at + rng.randrange(2)] = other[name][: rng.randint(1, 2)]
    else:
        chart[name] = other[name]


@cache
def _every_zone() -> list[str]:
    return sorted(zoneinfo.available_timezones())


def _move_to_a_change_of_clocks(rng: random.Random, chart: dict[str, Any]) -> None:
    """Write its times around an hour at which the clocks of any zone change, in any year."""
    zone = rng.choice(_every_zone())
    place = zoneinfo.ZoneInfo(zone)
    begin = datetime(rng.randint(1900, 2199), rng.randint(1, 12), 1, tzinfo=UTC)
    hours = [begin + timedelta(hours=n) for n in range(0, 24 * 40, 6)]
    moved = [
        it for it, then in pairwise(hours) if it.astimezone(place).utcoffset() != then.astimezone(place).utcoffset()
    ]
    at = (rng.choice(moved) if moved else begin).astimezone(place)
    chart["date"] = at.date().isoformat()
    if rng.random() < 0.5:
        chart["time_zone"] = zone
    for it in chart.get("administrations", ()):
        for name in ("start", "stop"):
            at += timedelta(minutes=rng.choice([0, 1, 29, 30, 60, 61, 180]))
            wall = at.replace(tzinfo=None).isoformat(timespec="minutes")
            offset = rng.choice(["", "", at.isoformat()[-6:] if rng.random() < 0.8 else rng.choice(OFFSETS)])
            it[name] = rng.choice(
                [wall[-5:], wall, wall + offset, f"{wall}{offset}[{zone}]", f"{wall}{offset}[{zone}]"]
            )


def _fields(part: dict[str, Any]) -> list[str]:
    from ivproof.recheck import chart

    shapes: tuple[chart.Fields, ...] = (chart._CHART, chart._ADMINISTRATION, chart._SITE)
    shapes += (chart._PAUSE, chart._SERVICE, chart._BILLED, chart._DENIED, chart._VIALS)
    return sorted(max(shapes, key=lambda it: len(set(it) & set(part))))


def _move_to_zone(rng: random.Random, chart: dict[str, Any]) -> None:
    """Write its times as date-times of one zone or offset, around a night in which the clocks change."""
    day, zone = rng.choice([("2020-10-31", ZONES[0]), ("2021-03-13", ZONES[0]), ("2020-10-24", ZONES[1]),
                            ("2018-11-03", ZONES[2]), ("2018-02-17", ZONES[2]), ("2011-12-29", ZONES[5]),
                            ("2023-04-27", ZONES[3]), ("2022-03-26", ZONES[4]), ("2020-04-04", ZONES[6])])  # fmt: skip
    chart["date"] = day
    if rng.random() < 0.4:
        chart["time_zone"] = zone
    for it in chart.get("administrations", ()):
        for name in ("start", "stop"):
            clock = it.get(name)
            if isinstance(clock, str) and len(clock) == 5 and rng.random() < 0.8:
                later = day[:-2] + f"{int(day[-2:]) + rng.choice([0, 1]):02}"
                it[name] = f"{later}T{clock}" + rng.choice([f"[{zone}]", f"[{zone}]", "", "-03:00", f"Z[{zone}]"])


@cache
def drugs() -> DrugList:
    return DrugList.load(law_folder() / "drugs")


def compare(data: Any, listed: DrugList = NOTHING) -> tuple[str, bool]:
    """What is different, "" if nothing; and whether the chart is accepted."""
    encounter = parse(deepcopy(data), SOURCE).encounter
    try:
        ours = normal(data)
    except ChartError as error:
        return (f"only the reader accepts it: {error}" if encounter is not None else ""), False
    if encounter is None:
        return f"only the second engine accepts it: {parse(data, SOURCE).refusals[0]}", True
    if not same(ours, dumps(encounter)):
        return f"normal forms: {ours} and {dumps(encounter)}", True
    if not same(normal(ours), ours):
        return f"the normal form of a normal form is {normal(ours)}", True
    return facts_differ(encounter, ours, listed), True


def facts_differ(encounter: Encounter, ours: dict[str, Any], listed: DrugList) -> str:
    facts = facts_of(encounter, listed, PAYERS)
    theirs = sorted((str(it), pointer(it.place)) for it in facts.own)
    found = sorted(translate(ours, Listed(atom(text) for text, _ in theirs), PAYERS))
    differing = sorted(set(theirs) ^ set(found))
    return f"facts: {differing}" if differing or len(theirs) != len(found) else ""


def charts(seed: int, number: int) -> Iterator[Any]:
    """So many mutated charts."""
    rng = random.Random(seed)
    for n in range(number):
        kind = generate.chart if n % 3 else generate.visit
        yield mutate(rng, kind(rng, range(1, 3) if n % 2 else range(1, 5)))


def run(seed: int, number: int) -> tuple[Counter[str], Any, str]:
    """Compare so many charts; give how many were accepted, and the first that differs with its difference."""
    counted: Counter[str] = Counter()
    for n, data in enumerate(charts(seed, number)):
        difference, accepted = compare(data, drugs() if n % 20 == 0 else NOTHING)
        if difference:
            return counted, data, difference
        counted["accepted" if accepted else "refused"] += 1
    return counted, None, ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold the two readers of charts against each other.")
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    begun = time.perf_counter()
    counted, data, difference = run(asked.seed, asked.number)
    if difference:
        print(json.dumps(data), difference, sep="\n")
    print(f"{sum(counted.values())} charts, {counted['accepted']} accepted, {time.perf_counter() - begun:.0f} s")
    sys.exit(bool(difference))


if __name__ == "__main__":
    main()
