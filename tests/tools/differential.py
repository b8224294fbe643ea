"""The engines on generated charts: ``python tests/tools/differential.py [--charts 100000] [--jobs 2] [--seed 0]``.

Of three charts one is a visit as a hospital's day has them, one a small chart of anything that the format allows, and
one a wild chart of up to forty administrations with every field. One chunk of charts in forty is coded with the
questions as they stand by default, so that open ones are gone through; every other chunk has a setting of its own, in
which no question is open and many are not as by default. The engines agree on a chart where clingo and the second
engine give the same set of claims, over every answer set, and the compiled law gives clingo's whole answer.
What takes them more work than a bound is undecided, and counted. Prints how many charts were compared, of how many
administrations, how many have more than one claim, the charts on which the engines differ (cut down to the smallest
that still shows it), and the time. Exits with 1 where they differ.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from functools import cache, partial
from typing import Any, NamedTuple

import generate

from ivproof.chart import bounds
from ivproof.chart.facts import facts_of
from ivproof.chart.reading import Source, parse
from ivproof.drugs.listing import DrugList
from ivproof.engine.choices import ClaimKey
from ivproof.engine.engine import Answer, Engine
from ivproof.engine.second import SecondEngine, claims_of
from ivproof.law.policy import Policy, law_folder
from ivproof.recheck.budget import LimitError

Chart = dict[str, Any]
Readings = Mapping[str, str]
Answers = tuple[Answer, Answer, frozenset[ClaimKey]]
"""What clingo, the compiled law and the second engine give of a chart."""

CHUNK = 200
"""Charts that are coded by one setting of the questions, and that the first engine grounds together."""

DEFAULTS = 40
"""One chunk in this many keeps the questions as they are by default."""

OTHERWISE = 0.15
"""How often a setting departs from a default."""


TOGETHER = 5
"""Charts of so many administrations are grounded together; a larger one is answered alone."""

LARGE = 8
"""Charts of so many administrations are counted as large."""

WORK = 20_000_000
"""Atoms that all engines together may take for a chart that is answered alone."""


class Outcome(NamedTuple):
    """What comparing some charts gave: what was counted, and the charts with a difference."""

    counts: Counter[str]
    different: list[tuple[Chart, Readings]]


@cache
def policy() -> Policy:
    return Policy.load("out001")


@cache
def drugs() -> DrugList:
    return DrugList.load(law_folder() / "drugs")


def setting(chunk: int) -> Readings:
    """Give the readings of a chunk."""
    if chunk % DEFAULTS == 0:
        return {}
    rng = random.Random(chunk)
    return {
        question.number: rng.choice(question.options).name
        for question in policy().questions.values()
        if question.default is None or rng.random() < OTHERWISE
    }


class Engines:
    """clingo, the compiled law and the second engine with one setting of the questions."""

    def __init__(self, readings: Readings) -> None:
        self.compiled = Engine(policy(), readings)
        self.compiled.direct.prepare()
        self.first = self.compiled.judge
        self.second = SecondEngine(policy(), readings)

    def differing(self, charts: Sequence[Chart]) -> tuple[list[Chart], Counter[str]]:
        """Give the charts on which the engines differ; how many have more than one claim, how many were left."""
        counts: Counter[str] = Counter()
        different = []
        alone = [[it] for it in charts if len(it["administrations"]) > TOGETHER]
        for some in ([it for it in charts if len(it["administrations"]) <= TOGETHER], *alone):
            for chart, it in self._answers(some):
                if it is None:
                    counts["undecided"] += 1
                    continue
                answer, other, claims = it
                counts["rivals"] += bool(answer.alternatives)
                if claims_of(answer) != claims or answer != other:
                    different.append(chart)
        return different, counts

    def _answers(self, charts: Sequence[Chart]) -> Iterator[tuple[Chart, Answers | None]]:
        """Give each chart with what the three engines answer; None where it takes more work than is allowed."""
        facts = [facts_of(generate.encounter(chart), drugs(), policy().payers) for chart in charts]
        try:
            with bounds.bounded(WORK * len(charts)):
                answers, compiled = self.first.answer(facts), self.compiled.answer(facts)
                found: list[Answers | None] = [*zip(answers, compiled, map(self.second.claims, facts), strict=True)]
        except (bounds.TooManyWaysError, LimitError):
            if len(charts) > 1:
                for chart in charts:
                    yield from self._answers([chart])
                return
            found = [None]
        yield from zip(charts, found, strict=True)


def generated(seed: int) -> Chart:
    """Give the chart of a seed."""
    rng = random.Random(seed)
    if seed % 3 == 0:
        return generate.visit(rng, name=f"E{seed}")
    if seed % 3 == 1:
        return generate.wild(rng, name=f"E{seed}")
    return generate.chart(rng, range(0, 6), name=f"E{seed}")


def compare(seeds: Sequence[int]) -> Outcome:
    """Compare the engines on the charts of some seeds, which begin with a chunk."""
    charts, readings = [generated(seed) for seed in seeds], setting(seeds[0] // CHUNK)
    different, counts = Engines(readings).differing(charts)
    sizes = [len(it["administrations"]) for it in charts]
    counts.update(charts=len(charts), administrations=sum(sizes), large=sum(size >= LARGE for size in sizes))
    return Outcome(counts, [(chart, readings) for chart in different])


def differ(chart: Chart, engines: Engines) -> bool:
    """Whether the engines differ on a chart; on one that is refused they do not."""
    readable = parse(deepcopy(chart), Source("generated")).encounter is not None
    return readable and bool(engines.differing([chart])[0])


def smallest(chart: Chart, differs: Callable[[Chart], bool]) -> Chart:
    """Leave out of a chart whatever is not needed for the difference."""
    shorter = next((it for it in _shorter(chart) if differs(it)), None)
    return chart if shorter is None else smallest(shorter, differs)


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
    different: list[tuple[Chart, Readings]] = []
    chunks = (range(at, min(at + CHUNK, seed + charts)) for at in range(seed, seed + charts, CHUNK))
    for outcome in _outcomes(chunks, jobs):
        total += outcome.counts
        different += outcome.different
        print(_told(Outcome(total, different), seed, time.perf_counter() - begin), file=sys.stderr, flush=True)
        if seconds is not None and time.perf_counter() - begin > seconds:
            break
    return Outcome(total, different), time.perf_counter() - begin


def _told(outcome: Outcome, seed: int, seconds: float) -> str:
    """Say what was compared so far."""
    counts = outcome.counts
    return (
        f"{counts['charts']} charts with {counts['administrations']} administrations compared (seeds from {seed}; "
        f"{counts['large']} of {LARGE} or more), {counts['rivals']} with more than one claim, {counts['undecided']} "
        f"undecided, {len(outcome.different)} differences, {seconds:.0f} s"
    )


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
    os.environ["IVPROOF_CACHE"] = ""  # hundreds of settings are tried once each
    outcome, seconds = run(chosen.charts, chosen.jobs, chosen.seed, chosen.seconds)
    for chart, readings in outcome.different:
        cut = smallest(chart, partial(differ, engines=Engines(readings)))
        print(f"the engines differ on {chart['id']} with readings {readings}; smallest chart:\n{json.dumps(cut)}")
    print(_told(outcome, chosen.seed, seconds))
    return 1 if outcome.different else 0


if __name__ == "__main__":
    sys.exit(main())
