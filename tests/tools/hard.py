"""Charts that are large in one way each: for the bounds on work, and for the benchmark of growth."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

DRUGS = [
    "ceftriaxone",
    "ondansetron",
    "vancomycin",
    "famotidine",
    "methylprednisolone",
    "diphenhydramine",
    "normal saline",
    "carboplatin",
    "paclitaxel",
    "dexamethasone",
    "ampicillin",
    "cefepime",
]
DAY = 24 * 60
TEN = 10 * 60

Chart = dict[str, Any]


def moment(minute: int) -> str:
    """Minutes after the begin of the date of service, as a chart writes them."""
    return (datetime(2021, 5, 4) + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M")


def chart(name: str, administrations: list[Chart], **fields: Any) -> Chart:
    about = {"id": name, "place_of_service": "22", "date": "2021-05-04", "access_sites": [{"id": "arm"}]}
    return {**about, "administrations": administrations, **fields}


def given(n: int, drug: str, start: int | None = None, stop: int | None = None, **fields: Any) -> Chart:
    times = {name: moment(it) for name, it in (("start", start), ("stop", stop)) if it is not None}
    return {"id": f"a{n}", "drug": drug, "route": "IV", "site": "arm", **times, **fields}


def long_run(days: int, **fields: Any) -> Chart:
    """One infusion of many days."""
    return chart(f"long-{days}", [given(1, "ceftriaxone", TEN, TEN + DAY * days, **fields)])


def paused(days: int) -> Chart:
    """One infusion of many days that stands still for fifteen minutes in each half hour."""
    starts = range(TEN + 10, TEN + DAY * days - 30, 30)
    pauses = [{"from": moment(it), "to": moment(it + 15)} for it in starts]
    return long_run(days, pauses=pauses) | {"id": f"paused-{days}"}


def overlapping(count: int, *, missing: float = 0.3, seed: int = 1) -> Chart:
    """So many administrations that overlap at random within ten hours; of some the stop is missing."""
    rng = random.Random(seed)
    found = []
    for n in range(count):
        start = TEN + rng.randrange(600)
        stop = None if rng.random() < missing else start + rng.choice([3, 10, 15, 16, 30, 31, 60, 91, 120])
        found.append(given(n, rng.choice(DRUGS), start, stop))
    return chart(f"overlapping-{count}", found)


def together(count: int) -> Chart:
    """So many administrations all at the same time, the stops missing."""
    return chart(f"together-{count}", [given(n, DRUGS[n % len(DRUGS)], TEN) for n in range(count)])


def in_sequence(count: int, seed: int = 3) -> Chart:
    """So many administrations one after the other; of a quarter the stop is missing, of a fifth the site."""
    rng = random.Random(seed)
    found = []
    for n in range(count):
        start = TEN + 45 * n
        stop = start + rng.choice([5, 20, 40, 90]) if n % 4 else None
        found.append(given(n, DRUGS[n % len(DRUGS)], start, stop, **({"site": None} if n % 5 == 2 else {})))
    return chart(f"sequence-{count}", found)


def unknown(count: int) -> Chart:
    """So many drugs that the drug list does not know."""
    drugs = (f"xyzam{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(count))
    return chart(f"unknown-{count}", [given(n, it, TEN + 60 * n, TEN + 60 * n + 40) for n, it in enumerate(drugs)])


def without_site(count: int) -> Chart:
    """So many administrations with four access sites, none of which is documented of any."""
    found = [given(n, DRUGS[n % len(DRUGS)], TEN + 20 * n, TEN + 20 * n + 5 + n % 3 * 15) for n in range(count)]
    for it in found:
        del it["site"]
    sites = [{"id": f"s{n}", "necessity": "protocol"} for n in range(4)]
    return chart(f"without-site-{count}", found, access_sites=sites)


def without_start(count: int) -> Chart:
    """So many administrations without any time."""
    return chart(f"without-start-{count}", [given(n, DRUGS[n % len(DRUGS)]) for n in range(count)])


def beside_hydration(count: int) -> Chart:
    """Hydration, and so many short infusions while it runs."""
    short = [given(n, DRUGS[n % 6], TEN + 30 * n - 25, TEN + 30 * n - 5) for n in range(1, count + 1)]
    fluid = given(0, "normal saline", TEN, TEN + 30 * count, purpose="hydration")
    return chart(f"beside-hydration-{count}", [fluid, *short])


def many_sites(count: int) -> Chart:
    """One infusion, and so many access sites of which one is used."""
    return chart(f"sites-{count}", [given(1, "ceftriaxone", TEN, TEN + 60)]) | {
        "access_sites": [{"id": "arm"}, *({"id": f"s{n}"} for n in range(count))]
    }


HARD: dict[str, Callable[[], Chart]] = {
    "a run of 366 days": lambda: long_run(366),
    "366 days with a pause each half hour": lambda: paused(366),
    "200 overlapping, stops missing": lambda: overlapping(200),
    "200 at once, stops missing": lambda: together(200),
    "15 unknown drugs": lambda: unknown(15),
    "20 without a site": lambda: without_site(20),
    "40 without a start": lambda: without_start(40),
    "20,000 access sites": lambda: many_sites(20_000),
    "3000 administrations": lambda: in_sequence(3000),
    "hydration beside 100 infusions": lambda: beside_hydration(100),
}
"""The smallest charts of each kind that took minutes, or more memory than there is."""


def every() -> Iterator[tuple[str, Chart]]:
    """Give each hard chart with what makes it hard."""
    for name, make in HARD.items():
        yield name, make()
