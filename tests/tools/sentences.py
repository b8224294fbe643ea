"""Holds every sentence about every worked case against the statements behind it, by the second engine.

    PYTHONPATH=tests python tests/tools/sentences.py [--part 1/2] [--jobs 2] [--codes 1] [--generated 1000]

What is held is what `test_statements` and `test_whatif_statements` hold of some cases: reasons, determinations, packets
and audits of changed claims; missing facts, margins, readings, and least changes for some codes, which go round over
the cases. With `--generated` so many generated charts take the place of the cases. What is found goes to standard
output as it is found, how far it is to standard error. Exits with 1 where something is found.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import case_files
import generate
import test_statements as told
import test_whatif_statements as whatif
from differential import generated

from ivproof.audit.auditor import Auditor
from ivproof.cases.files import Setting
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter, dumps
from ivproof.packet.maker import PacketMaker
from ivproof.whatif.readings import ReadingsOfCharts
from ivproof.why.why import Case, Explainer

EVERY = 10
"""It is told how far it is after so many charts."""


class Chart(NamedTuple):
    """A chart to be looked at, its readings, and its place among all."""

    number: int
    name: str
    encounter: Encounter
    setting: Setting


class Found(NamedTuple):
    """What was found of a chart, how many sentences were held, and the seconds of this processor that it took."""

    chart: Chart
    departures: list[str]
    held: Counter[str]
    seconds: float


class Keeping(Explainer):
    """Explains a chart by one answer, as often as it is asked."""

    kept: Case | None = None

    def case(self, encounter: Encounter) -> Case:
        """Give what was answered of it."""
        if self.kept is None or self.kept.encounter is not encounter:
            self.kept = super().case(encounter)
        return self.kept


class Tellers:
    """All that says something of charts, under one setting of the questions."""

    def __init__(self, setting: Setting) -> None:
        readings = dict(setting)
        self.explainer = Keeping(told.POLICY, readings)
        self.coder = self.explainer.coder
        self.auditor = Auditor(told.POLICY, readings, coder=self.coder, search="one")
        self.maker = PacketMaker(told.POLICY, readings, search="none")
        self.readings = ReadingsOfCharts(told.POLICY, whatif._given(self.coder))


@lru_cache(maxsize=2)
def tellers(setting: Setting) -> Tellers:
    """Give what tells under a setting; charts of one setting stand together."""
    return Tellers(setting)


def look(chart: Chart, codes: int) -> Found:
    """Hold all that is said of a chart."""
    told.HELD.clear()
    begun = time.process_time()
    departures = list(dict.fromkeys(_departures(chart, codes)))
    return Found(chart, departures, Counter(told.HELD), time.process_time() - begun)


def _departures(chart: Chart, codes: int) -> Iterator[str]:
    by, encounter = tellers(chart.setting), chart.encounter
    try:
        seen = told.Charted(by.coder, encounter)
    except TooManyWaysError:
        return
    all_codes = list(told.POLICY.codes)
    asked = [all_codes[(chart.number * codes + n) % len(all_codes)] for n in range(codes)]
    kinds: list[Callable[[], Iterator[str]]] = [
        lambda: told.told(by.explainer, encounter),
        lambda: told.determined(seen),
        lambda: told.packet(by.maker, seen),
        lambda: _audits(by.auditor, seen),
        lambda: whatif.missing_told(by.coder, encounter),
        lambda: whatif.margins_told(by.coder, encounter),
        lambda: whatif.readings_told(by.readings, by.coder, encounter),
        *(lambda code=code: whatif.change_told(by.explainer, encounter, code) for code in asked),
    ]
    for kind in kinds:
        try:
            yield from kind()
        except TooManyWaysError:
            told.HELD["refused: too many ways"] += 1
        except Exception as error:  # a sentence that cannot be held must not end the run
            yield f"{type(error).__name__}: {error}"


def _audits(auditor: Auditor, seen: told.Charted) -> Iterator[str]:
    for seed in range(told.CLAIMS):
        yield from told.audited(auditor, seen, told.changed(seen.encounter, seen.found, seed))


def charts(of_generated: int) -> list[Chart]:
    """Give the charts to be looked at, those of one setting together; the same chart is looked at once."""
    if of_generated:
        return [
            Chart(seed, f"generated {seed}", generate.encounter(generated(seed)), ()) for seed in range(of_generated)
        ]
    cases = [*case_files.worked("published"), *case_files.worked("law"), *case_files.options()]
    once: dict[tuple[Setting, str], Chart] = {}
    for case in cases:
        setting = case.setting(told.POLICY)
        key = setting, json.dumps({**dumps(case.encounter), "id": ""})
        once.setdefault(key, Chart(len(once), f"{case.file} {case.name}", case.encounter, setting))
    return sorted(once.values(), key=lambda it: it.setting)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="1/1", metavar="I/N", help="the charts of one of so many parts")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    parser.add_argument("--codes", type=int, default=1, help="codes whose least change is looked for in each chart")
    parser.add_argument("--generated", type=int, default=0, metavar="N", help="generated charts in place of the cases")
    chosen = parser.parse_args(arguments)
    at, parts = map(int, chosen.part.split("/"))
    os.environ["IVPROOF_CACHE"] = ""  # many settings are tried once each
    some = charts(chosen.generated)[at - 1 :: parts]
    begun, held, wrong, seconds = time.monotonic(), Counter[str](), 0, 0.0
    with multiprocessing.get_context("fork").Pool(chosen.jobs) as pool:
        waiting = (pool.apply_async(look, (it, chosen.codes)) for it in some)
        for n, found in enumerate(_in_turn(waiting, 2 * chosen.jobs), 1):
            for it in found.departures:
                print(f"{found.chart.name}: {it}", flush=True)
            held += found.held
            wrong += len(found.departures)
            seconds += found.seconds
            if n % EVERY == 0 or n == len(some) or found.departures:
                ran = time.monotonic() - begun
                print(
                    f"{n} of {len(some)} charts, {sum(held.values())} sentences, {wrong} found, "
                    f"{ran:.0f} s ({seconds:.0f} s of processors)",
                    file=sys.stderr,
                    flush=True,
                )
    print(f"{len(some)} charts, {wrong} found; sentences: {dict(sorted(held.items()))}")
    return 1 if wrong else 0


def _in_turn(waiting: Iterator[multiprocessing.pool.AsyncResult[Found]], ahead: int) -> Iterator[Found]:
    """Give results in their order, with so many under way."""
    under_way = [it for _, it in zip(range(ahead), waiting, strict=False)]
    while under_way:
        yield under_way.pop(0).get()
        under_way += [it for _, it in zip(range(1), waiting, strict=False)]


if __name__ == "__main__":
    sys.exit(main())
