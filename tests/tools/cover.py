"""Holds cells against what does not know how they were found: another solver, points drawn at random, and clingo.

    python tests/tools/cover.py --kinds 50 --points 2000 --seed 1

For so many kinds of chart, drawn from the alphabet of the law: clingcon, which shares nothing with z3, finds no minutes
outside the cells, and finds some as soon as a cell is left out; each point drawn lies in exactly one cell; and clingo
derives the claims of that cell from the chart with those minutes.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from typing import Any, cast

from clingcon import ClingconTheory
from clingo import Control
from clingo.ast import ProgramBuilder, parse_string

from ivproof.claim.coding import Coder
from ivproof.engine.choices import ClaimKey
from ivproof.engine.second import claims_of as first_claims
from ivproof.lab.alphabet import alphabet, kinds
from ivproof.lab.cells import Cell, TimeIsUpError, cells, drawn
from ivproof.lab.kinds import Kind, Template
from ivproof.lab.pair import NO_ANSWER, ORDER, Answers, Side, claims_of
from ivproof.lab.solver import Space
from ivproof.law.policy import Policy
from ivproof.recheck import show
from ivproof.unknowns.affine import PathCondition

TOGETHER = 200
"""So many charts are derived by clingo at once."""


def point_outside(
    bounds: Sequence[PathCondition], reach: Sequence[tuple[int, int]], found: Sequence[Sequence[PathCondition]]
) -> tuple[int, ...] | None:
    """Give a point within the bounds that lies in none of the cells, by clingcon; None where there is none."""
    theory = cast(Any, ClingconTheory)()
    control = Control(["1", "--warn=none"])
    theory.register(control)
    lines = [f"&dom {{ {first}..{last} }} = x({n})." for n, (first, last) in enumerate(reach)]
    lines += [f"{_written(it)}." for it in bounds]
    lines += [f":- {', '.join(map(_written, cell))}." for cell in found]
    with ProgramBuilder(control) as builder:
        parse_string("\n".join(lines), lambda statement: theory.rewrite_ast(statement, builder.add))
    control.ground([("base", [])])
    theory.prepare(control)
    points: list[tuple[int, ...]] = []
    with control.solve(yield_=True, on_model=theory.on_model) as models:
        for model in models:
            values = {str(name): int(str(value)) for name, value in theory.assignment(model.thread_id)}
            points.append(tuple(values[f"x({n})"] for n in range(len(reach))))
    return points[0] if points else None


def _written(condition: PathCondition) -> str:
    terms = "; ".join(f"{slope}*x({n})" for n, slope in enumerate(condition.slopes) if slope)
    return f"&sum {{ {terms} }} {condition.operator} {condition.bound}"


def keys(answers: Answers) -> frozenset[ClaimKey]:
    """The claims of a cell in the form in which those of a chart are compared."""
    return frozenset(frozenset(show(atom) for atom in claim) for claim in claims_of(answers))


def _without_reasons(claim: ClaimKey) -> ClaimKey:
    """A claim as cells have it: where there is no answer, only that."""
    return frozenset([NO_ANSWER]) if any(it.startswith(f"{NO_ANSWER}(") for it in claim) else claim


def cover(side: Side, kind: Kind, seconds: float | None = None) -> list[Cell[Answers]]:
    """Give the cells of a kind of chart. Raises TimeIsUpError after so many seconds of the processor."""
    encounter, atoms = side.atoms(kind) or (None, None)
    assert encounter is not None and atoms is not None, f"the format has no such chart: {kind.words}"
    template = Template.of(kind, encounter, atoms, ordered=ORDER in side.whole.law.reads)
    until = None if seconds is None else time.process_time() + seconds
    space = Space(kind.unknowns, kind.bounds)
    return list(cells(space, kind.reach, lambda at: side.whole.outcomes(template.at(at)), until))


def faults(side: Side, kind: Kind, found: Sequence[Cell[Answers]], points: int, seed: int) -> list[str]:
    """What is wrong with the cells of a kind of chart; nothing where they are right as far as was looked.

    `points` are tried, as many as the bounds leave of those drawn.
    """
    wrong: list[str] = []
    conditions = [it.conditions for it in found]
    left = point_outside(kind.bounds, kind.reach, conditions)
    if left is not None:
        wrong.append(f"{left} lies in no cell")
    out = random.Random(seed).randrange(len(found))
    left = point_outside(kind.bounds, kind.reach, [*conditions[:out], *conditions[out + 1 :]])
    if left is None or not found[out].holds(left):
        wrong.append(f"without its cell, {left} was found in the place of a point of it, such as {found[out].point}")
    tried = list(dict.fromkeys(drawn(kind.bounds, kind.reach, points, seed)))
    for first in range(0, len(tried), TOGETHER):
        some = tried[first : first + TOGETHER]
        charts = [it for point in some if (it := kind.read(point)) is not None]
        if len(charts) != len(some):
            wrong.append("within the bounds there is a point of which the format has no chart")
            continue
        answers = side.coder.engine.judge.answer([side.coder.facts(it) for it in charts])
        for point, answer in zip(some, answers, strict=True):
            holders = [it for it in found if it.holds(point)]
            if len(holders) != 1:
                wrong.append(f"{point} lies in {len(holders)} cells")
            elif keys(holders[0].value) != frozenset(map(_without_reasons, first_claims(answer))):
                wrong.append(f"{point}: clingo derives other claims than the cell has")
    return wrong


def of_alphabet(side: Side, up_to: int) -> list[Kind]:
    """Every kind of chart of up to so many administrations that the law's alphabet has, each feature tried with two."""
    policy = side.policy
    found = alphabet(side.coder.drugs, [side.law, side.law], sorted(policy.payers), policy.codes)
    return [it for it in kinds(found, up_to, lambda *_: 0) if it.unknowns and side.atoms(it) is not None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as long as one likes; the status is 0 only where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--policy", default="out001")
    parser.add_argument("--kinds", type=int, default=50)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--up-to", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60, help="of the processor, for the cells of one kind")
    options: Any = parser.parse_args(arguments)
    side = Side(Coder(Policy.load(options.policy)))
    rng = random.Random(options.seed)
    waiting = of_alphabet(side, options.up_to)
    print(f"law {side.policy.digest[:19]}: {len(waiting)} kinds of chart with a time that is not fixed", flush=True)
    # small charts with one odd field are most of the alphabet: as many of each number of administrations are drawn
    sizes = {size: [it for it in waiting if it.size == size] for size in sorted({it.size for it in waiting})}
    chosen = [it for some in sizes.values() for it in rng.sample(some, min(options.kinds // len(sizes), len(some)))]
    number = tried = unfinished = wrong = 0
    for kind in chosen:
        try:
            found = cover(side, kind, options.seconds)
        except TimeIsUpError:
            unfinished += 1
            continue
        told = faults(side, kind, found, options.points, options.seed)
        wrong += len(told)
        number += len(found)
        tried += len(set(drawn(kind.bounds, kind.reach, options.points, options.seed)))
        print(f"{len(found):6} cells  {', '.join((kind.words, *kind.features))}", *told[:3], sep="\n  ", flush=True)
    done = len(chosen) - unfinished
    print(f"{done} kinds of chart, {number} cells, {tried} points, {wrong} faults; {unfinished} not to the end")
    return 1 if wrong or unfinished else 0


if __name__ == "__main__":
    sys.exit(main())
