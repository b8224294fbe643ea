"""Both engines on generated charts: ``python tests/differential.py [--charts 100000] [--jobs 2] [--seed 0]``.

Of three charts one is a visit as a hospital's day has them and two hold anything that the format allows. The engines
agree on a chart where they give the same set of claims, over every answer set. Prints how many charts were compared,
how many of them have more than one claim, the charts on which the engines differ (cut down to the smallest that still
shows it), and the time. Exits with 1 where they differ.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple

import generate

from ivproof.coding import Coder
from ivproof.encounter import Source, parse
from ivproof.policy import Policy
from ivproof.second import claims_of

Chart = dict[str, Any]

CHUNK = 50
"""Charts that the first engine grounds together."""


class Outcome(NamedTuple):
    """What comparing some charts gave: how many, how many with rival claims, and the charts with a difference."""

    charts: int
    rivals: int
    administrations: int
    different: list[Chart]


@cache
def coder() -> Coder:
    return Coder(Policy.load("out001"))


def generated(seed: int) -> Chart:
    """Give the chart of a seed."""
    rng = random.Random(seed)
    if seed % 3 == 0:
        return generate.visit(rng, name=f"E{seed}")
    return generate.chart(rng, range(0, 6), name=f"E{seed}")


def compare(seeds: Sequence[int]) -> Outcome:
    """Compare the engines on the charts of some seeds."""
    charts = [generated(seed) for seed in seeds]
    facts = [coder().facts(generate.encounter(chart)) for chart in charts]
    answers = coder().engine.answer(facts)
    different = [
        chart
        for chart, fact, answer in zip(charts, facts, answers, strict=True)
        if claims_of(answer) != coder().second.claims(fact)
    ]
    rivals = sum(bool(answer.alternatives) for answer in answers)
    return Outcome(len(charts), rivals, sum(len(it["administrations"]) for it in charts), different)


def differ(chart: Chart) -> bool:
    """Whether the engines differ on a chart; on one that is refused they do not."""
    encounter = parse(deepcopy(chart), Source("generated")).encounter
    if encounter is None:
        return False
    facts = coder().facts(encounter)
    return claims_of(coder().engine.answer([facts])[0]) != coder().second.claims(facts)


def smallest(chart: Chart) -> Chart:
    """Leave out of a chart whatever is not needed for the difference."""
    shorter = next((it for it in _shorter(chart) if differ(it)), None)
    return chart if shorter is None else smallest(shorter)


def _shorter(chart: Chart) -> Iterator[Chart]:
    for part in ("administrations", "services", "access_sites", "diagnoses"):
        for n in range(len(chart.get(part, []))):
            yield chart | {part: [*chart[part][:n], *chart[part][n + 1 :]]}
    for key in chart:
        yield {name: value for name, value in chart.items() if name != key}
    for part in ("administrations", "services", "access_sites"):
        for n, it in enumerate(chart.get(part, [])):
            for key in it:
                less = {name: value for name, value in it.items() if name != key}
                yield chart | {part: [*chart[part][:n], less, *chart[part][n + 1 :]]}


def run(charts: int, jobs: int, seed: int, seconds: float | None = None) -> tuple[Outcome, float]:
    """Compare so many charts, or as many as the time allows; gives the sum and the seconds."""
    begin = time.perf_counter()
    total: Counter[str] = Counter()
    different: list[Chart] = []
    chunks = (range(at, min(at + CHUNK, seed + charts)) for at in range(seed, seed + charts, CHUNK))
    for outcome in _outcomes(chunks, jobs):
        total.update(charts=outcome.charts, rivals=outcome.rivals, administrations=outcome.administrations)
        different += outcome.different
        if seconds is not None and time.perf_counter() - begin > seconds:
            break
    whole = Outcome(total["charts"], total["rivals"], total["administrations"], different)
    return whole, time.perf_counter() - begin


def _outcomes(chunks: Iterable[Sequence[int]], jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(compare, chunks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(compare, chunk) for _, chunk in zip(range(2 * jobs), chunks, strict=False)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(compare, chunk) for _, chunk in zip(range(1), chunks, strict=False)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Compare the two engines on generated charts.")
    parser.add_argument("--charts", type=int, default=100_000, help="how many charts (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first chart; the next has the next")
    parser.add_argument("--seconds", type=float, help="stop after this time, whatever is left")
    chosen = parser.parse_args(arguments)
    outcome, seconds = run(chosen.charts, chosen.jobs, chosen.seed, chosen.seconds)
    for chart in outcome.different:
        print(f"the engines differ on {chart['id']}; smallest chart:\n{json.dumps(smallest(chart))}")
    print(
        f"{outcome.charts} charts with {outcome.administrations} administrations compared (seeds from {chosen.seed}), "
        f"{outcome.rivals} with more than one claim, {len(outcome.different)} differences, {seconds:.0f} s"
    )
    return 1 if outcome.different else 0


if __name__ == "__main__":
    sys.exit(main())
