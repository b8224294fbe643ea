"""Codes the same charts from JSON Lines and from two Parquet tables, and imports the same events from CSV and Parquet.

    nice python tests/tools/by_tables.py 100000 --jobs 2

So many administrations in generated visits, one chart in fifty with every field of the format; claims without the
readings that they depend on. Every determination has to be the same to the byte, in the same order, and every imported
chart, too. The first that differs is printed, and the status is 1.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import as_tables
import generate
from pyarrow import csv as arrow_csv  # type: ignore[import-untyped]
from pyarrow import parquet

from ivproof.chart.encounter import dumps

EVENTS = ["PAT_ENC_CSN_ID", "ORDER_MED_ID", "LINE", "DISPLAY_NAME", "TAKEN_TIME", "MAR_ACTION_C_NAME", "ROUTE_C_NAME"]
WAYS = {"IV": "Intravenous", "IM": "Intramuscular", "SQ": "Subcutaneous"}


def charts(number: int, seed: int) -> Iterator[dict[str, Any]]:
    """Give charts with at least so many administrations."""
    done, n = 0, 0
    while done < number:
        rng, name = random.Random(seed + n), f"V{n:06}"
        made = generate.chart(rng, name=name) if n % 50 == 49 else generate.visit(rng, name=name)
        found = dumps(generate.encounter(made))
        done += len(found.get("administrations", ()))
        n += 1
        yield found


def events(some: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the events that an event list has of charts: a bag that is hung and stopped, a dose that is given."""
    for chart in some:
        for n, it in enumerate(chart.get("administrations", ())):
            for line, (action, at) in enumerate(_acts(it), start=1):
                when = at if len(at) > 8 else f"{chart['date']} {at}"
                values = chart["id"], n, line, it["drug"], when, action, WAYS.get(it["route"], it["route"])
                yield dict(zip(EVENTS, map(str, values), strict=True))


def _acts(it: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "start" in it:
        yield ("New Bag" if "stop" in it else "Given"), it["start"]
    for pause in it.get("pauses", ()):
        yield from ((word, pause[key]) for word, key in (("Paused", "from"), ("Restarted", "to")) if key in pause)
    if "stop" in it:
        yield "Stopped", it["stop"]


def run(*arguments: object) -> float:
    """Run a command; give the seconds that it took. Raises SystemExit where it failed."""
    begun = time.perf_counter()
    done = subprocess.run(["ivproof", *map(str, arguments)], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"ivproof {arguments[0]}: status {done.returncode}\n{done.stderr[-2000:]}")
    return time.perf_counter() - begun


def same(one: Iterator[str], other: Iterator[str]) -> int:
    """Count lines that are the same; ends where two differ."""
    count = 0
    for here, there in zip_longest(one, other):
        if here != there:
            sys.exit(f"differ:\n{here}\n{there}")
        count += 1
    return count


def main() -> None:
    """Compare, and say how much was compared."""
    parser = argparse.ArgumentParser(description="Hold charts from JSON Lines and from tables against each other.")
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        some = list(charts(asked.number, asked.seed))
        given = sum(len(it.get("administrations", ())) for it in some)
        (folder / "charts.jsonl").write_text("".join(f"{json.dumps(it)}\n" for it in some), "utf-8")
        for table, rows in zip(("encounters", "administrations"), as_tables.rows_of(some), strict=True):
            parquet.write_table(as_tables.arrow(rows, table), folder / f"{table}.parquet")
        tables = [folder / f"{it}.parquet" for it in ("encounters", "administrations")]
        how = ("--recheck", "none", "--no-assumptions", "--jobs", asked.jobs)
        lines = run("code", folder / "charts.jsonl", "--format", "json", "-o", folder / "lines.jsonl", *how)
        columns = run("code", *tables, "-o", folder / "out.parquet", *how)
        with (folder / "lines.jsonl").open(encoding="utf-8") as stream:
            told = parquet.read_table(folder / "out.parquet", columns=["json"])["json"].to_pylist()
            count = same((it.rstrip("\n") for it in stream), iter(told))
        print(f"{count} charts, {given} administrations: every determination the same; JSON Lines {lines:.0f} s, "
              f"tables {columns:.0f} s")  # fmt: skip
        with (folder / "events.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, EVENTS)
            writer.writeheader()
            writer.writerows(events(some))
        parquet.write_table(arrow_csv.read_csv(folder / "events.csv"), folder / "events.parquet")
        took = [
            run("import", "mar", folder / f"events.{it}", "--preset", "epic-mar", "--place-of-service", "22",
                "-o", folder / f"{it}.jsonl", "--report", folder / f"{it}.json")
            for it in ("csv", "parquet")
        ]  # fmt: skip
        with (folder / "csv.jsonl").open() as one, (folder / "parquet.jsonl").open() as other:
            count = same(iter(one), iter(other))
        report = json.loads((folder / "csv.json").read_text("utf-8"))
        print(f"{report['rows']['read']} events: {report['rows']}, {count} charts, each the same; CSV {took[0]:.0f} s, "
              f"Parquet {took[1]:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
