"""Writes what `code` says of every case, example and generated chart, so that two versions can be compared by bytes.

    python tests/tools/same_lines.py before.jsonl [--visits 300] [--readings]
    cmp before.jsonl after.jsonl

Cases are coded under their own readings. Generated charts come from `generate`, with a seed each.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import case_files
import generate

from ivproof.chart.files import read
from ivproof.claim.batch import as_line
from ivproof.claim.coding import TOGETHER, Coder
from ivproof.law.policy import Policy

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def lines(visits: int, *, readings: bool) -> Iterator[bytes]:
    """Give a line for each chart: cases by setting, then examples, visits and charts that leave much open."""
    base = Coder(Policy.load("out001"), assumptions=readings)
    cases = [*case_files.worked("published"), *case_files.worked("law"), *case_files.options()]
    settings: dict[case_files.Setting, list[case_files.Case]] = {}
    for case in cases:
        settings.setdefault(case.setting(base.policy), []).append(case)
    groups = [(base.under(dict(it)), [case.encounter for case in some]) for it, some in settings.items()]
    examples = [chart.encounter for chart in read(sorted(EXAMPLES.glob("*.yaml")))]
    groups.append((base, [it for it in examples if it is not None]))
    made = [generate.visit(random.Random(seed)) for seed in range(visits)]
    made += [generate.chart(random.Random(seed)) for seed in range(visits // 3)]
    groups.append((base, [generate.encounter(it) for it in made]))
    for coder, encounters in groups:
        for start in range(0, len(encounters), TOGETHER):
            some = encounters[start : start + TOGETHER]
            yield from map(as_line, some, coder.code(some))


def main() -> None:
    """Write the file."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("file", type=Path)
    options.add_argument("--visits", type=int, default=300)
    options.add_argument("--readings", action="store_true", help="with the readings that each claim depends on")
    given = options.parse_args()
    with given.file.open("wb") as file:
        file.writelines(lines(given.visits, readings=given.readings))


if __name__ == "__main__":
    main()
