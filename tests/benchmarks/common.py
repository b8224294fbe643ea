"""What the benchmarks share: medians, charts in files, and the same law given to clingo without anything of ivproof.

The baseline grounds and solves what the first engine grounds and solves (the same rules, the same facts, the same
charts together), by clingo's own interface and nothing else: no chart is read, nothing is made of the answer.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import clingo

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import as_tables
import generate
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.facts import Facts
from ivproof.chart.reading import Chart
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy

CHUNK = 200
"""Charts that `ivproof code` answers together."""


@cache
def coder() -> Coder:
    """Give a coder by the policy and its defaults."""
    return Coder(Policy.load("out001"))


@cache
def settled() -> Coder:
    """Give a coder with every question settled: the default, or the first option where there is none."""
    policy = Policy.load("out001")
    first = {it.number: it.options[0].name for it in policy.questions.values() if it.default is None}
    return Coder(policy, first)


def visits(count: int, first: int = 0) -> Iterator[dict[str, Any]]:
    """Give visits of 2 to 8 administrations."""
    for seed in range(first, first + count):
        yield generate.visit(random.Random(seed), name=f"E{seed}")


def write_visits(path: Path, count: int) -> None:
    """Write so many visits as JSON Lines."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(chart) + "\n" for chart in visits(count))


def write_tables(folder: Path, charts: Iterable[Chart]) -> list[Path]:
    """Write charts as Parquet: a table of encounters, one of administrations."""
    rows = as_tables.rows_of(dumps(it.encounter) for it in charts if it.encounter is not None)
    paths = [folder / "encounters.parquet", folder / "administrations.parquet"]
    for path, some in zip(paths, rows, strict=True):
        pq.write_table(as_tables.arrow(some, path.stem), path)
    print(f"    {len(rows[0])} visits, {len(rows[1])} administrations")
    return paths


def encounters(count: int) -> list[Encounter]:
    """Read so many visits."""
    return [generate.encounter(chart) for chart in visits(count)]


def chunks(items: Sequence[Any], size: int = CHUNK) -> list[Sequence[Any]]:
    """Cut into chunks."""
    return [items[at : at + size] for at in range(0, len(items), size)]


class Clock:
    """What time is taken by: the wall clock, or this process's own time where other work shares the machine."""

    now = staticmethod(time.perf_counter)

    @classmethod
    def by_processor(cls) -> None:
        """Take the processor's time from now on."""
        cls.now = staticmethod(time.process_time)


def seconds(act: Callable[[], object]) -> float:
    """Give how long something takes, once."""
    begin = Clock.now()
    act()
    return Clock.now() - begin


def median(act: Callable[[], object], times: int) -> float:
    """Give the median of how long something takes."""
    return statistics.median(seconds(act) for _ in range(times))


def command() -> str:
    """Give the ivproof command of this Python."""
    beside = Path(sys.executable).with_name("ivproof")
    found = str(beside) if beside.exists() else shutil.which("ivproof")
    if found is None:
        raise SystemExit("the command ivproof is not installed for this Python: pip install -e .")
    return found


# --- The baseline


def program(charts: Sequence[Facts], by: Coder | None = None) -> str:
    """Give the text that the first engine gives clingo for charts answered together."""
    return (by or coder()).engine.program_text(charts)


def bare(text: str) -> None:
    """Let clingo alone ground a text and find one answer set."""
    control = clingo.Control(["--warn=none"])
    control.add("base", [], text)
    control.ground([("base", [])])
    control.solve()
