"""Charts from which suites are made, and by which it is shown what cases do not tell apart.

They are the kinds of chart of the policy laboratory at times that stand on both sides of every threshold of the law,
alone, one after the other and overlapping, each with what the law says of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from ivproof.cases.files import Case
from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.lab.alike import Alike
from ivproof.lab.alphabet import alphabet, broadly
from ivproof.lab.kinds import Kind, Template
from ivproof.lab.pair import Side
from ivproof.lab.search import told
from ivproof.recheck.syntax import asked

LENGTHS = (20, 45, 95)
"""Minutes that something runs in a chart with a feature."""

STEPS = (0, 15, 31, 60)
"""Minutes after which the second of two begins."""


def pool(coder: Coder, up_to: int) -> Iterator[tuple[Case, str]]:
    """Give charts of up to so many administrations as cases that expect nothing yet, small ones first.

    Beside each stands its kind, empty where every one of its times may tell something that the others do not.
    """
    side = Side(coder)
    letters = alphabet(coder.drugs, [side.law], coder.policy.payers, coder.policy.codes)
    core = {it.words for it in letters.core}
    number = 0
    alike = Alike([atom for rule in side.law.rules for atom, _ in asked(rule.rule)], [side.law])
    known: set[object] = set()
    for kind in broadly(letters, up_to):
        atoms = side.atoms(kind)
        key = atoms and alike.key(kind, [Template.of(kind, *atoms, ordered=True)])
        if key is None or key in known:
            continue
        known.add(key)
        seen: set[str] = set()
        for point in _points(kind, coder.policy.minutes, near=kind.words in core):
            if not all(it.holds(point) for it in kind.bounds):
                continue
            chart = kind.read(point)
            if chart is None or repr(chart) in seen:
                continue
            seen.add(repr(chart))
            number += 1
            plain = kind.words in core and not kind.features
            yield as_case(chart, f"chart-{number}"), "" if plain else told(kind)


def as_case(chart: Encounter, name: str) -> Case:
    """Give a chart as a case of this name that expects nothing."""
    return Case(name, "", chart.model_copy(update={"id": name}), {}, {})


def _points(kind: Kind, minutes: Sequence[int], *, near: bool) -> Iterator[tuple[int, ...]]:
    """Times of a kind: everything runs equally long and begins in turn, at steps and for lengths that decide."""
    if not kind.unknowns:
        yield ()
        return
    alone = kind.size <= 1
    lengths = minutes if alone and near and not kind.features else LENGTHS
    steps = (0,) if alone else tuple(sorted({*STEPS, *minutes})) if kind.unknowns == 1 else STEPS
    for length, step in itertools.product(lengths, steps):
        yield kind.in_turn(length, step)
