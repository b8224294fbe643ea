"""Holds every sentence about every worked case against the statements behind it, by the second engine.

    PYTHONPATH=tests python tests/tools/sentences.py [--part 1/2] [--jobs 2] [--kinds reasons,margins] [--generated 900]

What is held is what `test_statements` and `test_whatif_statements` hold of some cases: reasons, determinations, packets
and audits of changed claims; missing facts, margins, readings, and the least change for one code, another of each
chart. With `--generated` so many generated charts take the place of the cases. What is found goes to standard
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import case_files
import generate
import test_statements as told
import test_whatif_statements as whatif
from differential import generated

from ivproof.audit.auditor import Auditor
from ivproof.audit.search import Candidates
from ivproof.cases.files import Setting
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter, dumps
from ivproof.claim.determination import Determination
from ivproof.packet.maker import PacketMaker
from ivproof.packet.model import Enclosed
from ivproof.whatif.readings import ReadingsOfCharts
from ivproof.why.why import ExplainedChart, Explainer

EVERY = 20
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

    kept: ExplainedChart | None = None

    def case(self, encounter: Encounter) -> ExplainedChart:
        """Give what was answered of it."""
        if self.kept is None or self.kept.encounter is not encounter:
            self.kept = super().case(encounter)
        return self.kept


class Auditing(Auditor):
    """Audits claims of one chart by what it can lead to, which is looked for once."""

    kept: tuple[Encounter, dict[bool, list[Candidates]]] | None = None

    def candidates(self, charts: Sequence[tuple[Encounter, Determination]], *, drugs: bool = False) -> list[Candidates]:
        """Give what was found of it."""
        if len(charts) != 1:
            return super().candidates(charts, drugs=drugs)
        if self.kept is None or self.kept[0] is not charts[0][0]:
            self.kept = charts[0][0], {}
        if drugs not in self.kept[1]:
            self.kept[1][drugs] = super().candidates(charts, drugs=drugs)
        return list(self.kept[1][drugs])


class Arguing(PacketMaker):
    """Makes packets without the proof, which has no sentences."""

    def _proof(self, encounter: Encounter, file: str, name: str) -> Enclosed:
        return Enclosed(name, "", "", 0, (), b"")


class Tellers:
    """All that says something of charts, under one setting of the questions."""

    def __init__(self, setting: Setting) -> None:
        readings = dict(setting)
        self.explainer = Keeping(told.POLICY, readings)
        self.coder = self.explainer.coder
        self.auditor = Auditing(told.POLICY, readings, coder=self.coder, search="one")
        self.maker = Arguing(told.POLICY, readings, search="none")
        self.readings = ReadingsOfCharts(told.POLICY, whatif._given(self.coder))


@lru_cache(maxsize=2)
def tellers(setting: Setting) -> Tellers:
    """Give what tells under a setting; charts of one setting stand together."""
    return Tellers(setting)


def _audits(by: Tellers, seen: told.Charted, _: int) -> Iterator[str]:
    for seed in range(told.CLAIMS):
        yield from told.audited(by.auditor, seen, told.changed(seen.encounter, seen.found, seed))


def _change(by: Tellers, seen: told.Charted, number: int) -> Iterator[str]:
    codes = list(told.POLICY.codes)
    return whatif.change_told(by.explainer, seen.encounter, codes[number % len(codes)])


KINDS: Mapping[str, Callable[[Tellers, told.Charted, int], Iterator[str]]] = {
    "reasons": lambda by, seen, _: told.told(by.explainer, seen.encounter),
    "determinations": lambda _, seen, __: told.determined(seen),
    "audits": _audits,
    "packets": lambda by, seen, _: told.packet(by.maker, seen),
    "missing": lambda by, seen, _: whatif.missing_told(by.coder, seen.encounter),
    "margins": lambda by, seen, _: whatif.margins_told(by.coder, seen.encounter),
    "readings": lambda by, seen, _: whatif.readings_told(by.readings, by.coder, seen.encounter),
    "change": _change,
}
"""What is held, each kind of a chart and its number."""


def look(chart: Chart, kinds: Sequence[str]) -> Found:
    """Hold what is said of a chart."""
    told.HELD.clear()
    begun = time.process_time()
    departures = list(dict.fromkeys(_departures(chart, kinds)))
    return Found(chart, departures, Counter(told.HELD), time.process_time() - begun)


def _departures(chart: Chart, kinds: Sequence[str]) -> Iterator[str]:
    by = tellers(chart.setting)
    seen = told.Charted(by.coder, chart.encounter)
    for kind in kinds:
        try:
            yield from KINDS[kind](by, seen, chart.number)
        except TooManyWaysError:
            told.HELD["refused: too many ways"] += 1
        except Exception as error:  # a chart that fails must not end the run
            yield f"{kind}: {type(error).__name__}: {error}"


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
    parser.add_argument("--kinds", default=",".join(KINDS), help="what is held (default: %(default)s)")
    parser.add_argument("--generated", type=int, default=0, metavar="N", help="generated charts in place of the cases")
    chosen = parser.parse_args(arguments)
    at, parts = map(int, chosen.part.split("/"))
    kinds = chosen.kinds.split(",")
    if unknown := set(kinds) - KINDS.keys():
        parser.error(f"found {', '.join(sorted(unknown))}, expected some of: {', '.join(KINDS)}")
    os.environ["IVPROOF_CACHE"] = ""  # many settings are tried once each
    some = charts(chosen.generated)[at - 1 :: parts]
    begun, held, wrong, seconds = time.monotonic(), Counter[str](), 0, 0.0
    with multiprocessing.get_context("fork").Pool(chosen.jobs) as pool:
        waiting = (pool.apply_async(look, (it, kinds)) for it in some)
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
