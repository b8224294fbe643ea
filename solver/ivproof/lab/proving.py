"""Whether invariants hold over every chart to a bound: proved, a chart on which one is broken, or what was left.

A chart that breaks one is shown only after clingo and the second engine, each by its own reading of the law and of the
invariant, have found it broken there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import mul
from typing import Any

from ivproof import recheck
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.engine.choices import CHOICES
from ivproof.engine.grounding import grounded
from ivproof.engine.second import ANSWERS, DisagreementError
from ivproof.lab.alike import Alike
from ivproof.lab.alphabet import alphabet, broadly
from ivproof.lab.cells import Cell, TimeIsUpError, cells
from ivproof.lab.invariants import (
    BROKEN,
    EARLIER,
    MOVED,
    Breach,
    Invariant,
    Invariants,
    Watched,
    Way,
    broken_between,
    settled_alike,
    taken_of,
)
from ivproof.lab.kinds import Kind, Slot, Template
from ivproof.lab.search import ONE_KIND, told
from ivproof.lab.solver import Space, UndecidedError
from ivproof.lab.witness import Said
from ivproof.recheck import Atom
from ivproof.recheck.syntax import text
from ivproof.unknowns.affine import Region

MORE_CELLS = 50
"""So many cells are looked at after all that is looked for was found broken in a kind: for a rounder chart."""

HOLDS, IS_BROKEN, UNFINISHED = "holds", "broken", "unfinished"


@dataclass(frozen=True)
class Breaking:
    """A chart that breaks an invariant, with its claims; `earlier` is the one with the earlier stop, if it moves one.

    `about` is what the invariant's rule names, as terms of the law.
    """

    encounter: Mapping[str, Any]
    said: Said
    about: str
    earlier: tuple[Mapping[str, Any], Said] | None

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        earlier = None if self.earlier is None else {"encounter": dict(self.earlier[0]), **self.earlier[1].as_dict()}
        return {"encounter": dict(self.encounter), **self.said.as_dict(), "about": self.about, "earlier": earlier}


@dataclass
class Proving:
    """What was gone through, and of each invariant what came of it."""

    invariants: Invariants
    up_to: int
    broken: dict[str, Breaking] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)
    """What was not gone through, of all invariants that are not broken."""
    unseen: dict[str, list[str]] = field(default_factory=dict)
    """Of each invariant the conditions that were met on no chart: nothing shows that it says anything."""
    kinds: int = 0
    cells: int = 0
    cases: int = 0
    given: dict[str, None] = field(default_factory=dict)
    features: dict[str, None] = field(default_factory=dict)
    paired_features: dict[str, None] = field(default_factory=dict)

    def verdict(self, one: Invariant) -> str:
        """Say what came of an invariant."""
        if one.id in self.broken:
            return IS_BROKEN
        return UNFINISHED if self.unfinished or one.id in self.unseen else HOLDS

    @property
    def complete(self) -> bool:
        """Whether everything to the bound was gone through, and every invariant said something on some chart."""
        return not self.unfinished and not self.unseen

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "complete": self.complete,
            "bound": {
                "administrations": self.up_to,
                "kinds": list(self.given),
                "features": list(self.features),
                "features_of_two": list(self.paired_features),
                "kinds_of_chart": self.kinds,
                "cells": self.cells,
                "cases": self.cases,
            },
            "unfinished": list(self.unfinished),
            "invariants": [
                {
                    "id": it.id,
                    "rules": it.citation,
                    "sentence": it.sentence,
                    "verdict": self.verdict(it),
                    "never_met": self.unseen.get(it.id, []),
                    "counterexample": self.broken[it.id].as_dict() if it.id in self.broken else None,
                }
                for it in self.invariants.listed
            ],
        }


def prove(
    coder: Coder,
    invariants: Invariants,
    up_to: int,
    seconds: float,
    *,
    seeds: Iterable[Kind] = (),
    kinds: Iterable[Kind] | None = None,
) -> Proving:
    """Go through all kinds of chart of up to so many administrations, then `seeds`, until the seconds are over.

    An invariant that is broken is not looked at any more. `kinds` take the place of those of the alphabet. Raises
    PolicyError, DisagreementError, MissingExtraError, UncoveredError.
    """
    until = time.process_time() + seconds
    watched, gone = Watched(coder, invariants), Proving(invariants, up_to)
    alike = Alike(watched.patterns, [watched.law])
    covered: set[object] = set()
    for kind in _everything(coder, watched, up_to, seeds) if kinds is None else kinds:
        if len(gone.broken) == len(invariants.listed):
            break
        if time.process_time() > until:
            gone.unfinished.append("the time was up before every kind of chart was gone through")
            break
        template = watched.template(kind)
        if template is None:
            continue
        _note(gone, kind)
        key = alike.key(kind, [template])
        if key not in covered:
            try:
                for stop in (None, *watched.stops(template)):
                    _through(watched, gone, template, stop, min(until, time.process_time() + ONE_KIND))
                covered.add(key)
            except (TimeIsUpError, UndecidedError, TooManyWaysError):
                gone.unfinished.append(f"{told(kind)}: the time or the ways that it may take were up")
        gone.kinds += 1
    for id_, pattern in watched.unseen:
        gone.unseen.setdefault(id_, []).append(text(pattern))
    for id_ in gone.broken.keys() & gone.unseen.keys():
        del gone.unseen[id_]
    return gone


def _everything(coder: Coder, watched: Watched, up_to: int, seeds: Iterable[Kind]) -> Iterator[Kind]:
    letters = alphabet(coder.drugs, [watched.law], coder.policy.payers, coder.policy.codes)
    yield from broadly(letters, up_to)
    yield from seeds


def _note(gone: Proving, kind: Kind) -> None:
    if kind.case:
        gone.cases += 1
        return
    if kind.size <= 1 and not kind.features:
        gone.given[kind.words] = None
    (gone.features if kind.size <= 1 else gone.paired_features).update(dict.fromkeys(kind.features))


def _through(watched: Watched, gone: Proving, template: Template, stop: Slot | None, until: float) -> None:
    """Go through the cells of a kind, for what is looked for on one chart or with a stop moved."""
    waiting = {
        it.id: it for it in watched.invariants.listed if it.moves is (stop is not None) and it.id not in gone.broken
    }
    if not waiting:
        return
    kind = template.kind

    def ask(region: Region) -> frozenset[Breach]:
        found = watched.broken(template, region) if stop is None else watched.broken_by(template, region, stop)
        return frozenset(it for it in found if it[0] in waiting)

    found: list[Cell[frozenset[Breach]]] = []
    last: int | None = None
    try:
        for cell in cells(Space(kind.unknowns, kind.bounds), kind.reach, ask, until, kind.staggered):
            gone.cells += 1
            found += [cell] if cell.value else []
            if last is None and len({it for one in found for it, _ in one.value}) == len(waiting):
                last = gone.cells + MORE_CELLS
            if gone.cells == last:
                break
    finally:
        for id_, one in waiting.items():
            some = [it for it in found if any(breach[0] == id_ for breach in it.value)]
            if some:
                gone.broken[id_] = _smallest(watched, one, kind, some, stop)


def _smallest(
    watched: Watched, one: Invariant, kind: Kind, found: Sequence[Cell[frozenset[Breach]]], stop: Slot | None
) -> Breaking:
    """Give of the charts of a kind that break an invariant the roundest and then shortest, replayed by both engines."""
    spans = list(kind.spans())
    points: list[tuple[int, tuple[int, ...], str]] = []
    for cell in found:
        point = Space(kind.unknowns, kind.bounds).roundest(cell.conditions, spans) if kind.unknowns else cell.point
        lengths = [abs(sum(map(mul, it, point))) for it in spans]
        odd = sum(0 if it % 15 == 0 else 1 if it % 5 == 0 else 3 for it in lengths)
        points.append((1000 * odd + sum(lengths), point, min(about for id_, about in cell.value if id_ == one.id)))
    _, point, about = min(points)
    coder = watched.coder
    documents = [kind.written(point)] + ([] if stop is None else [kind.written(point, stop)])
    charts = [it for it in (kind.read(point), kind.read(point, stop) if stop else None) if it is not None]
    moved = "" if stop is None else f"a{stop.at + 1}"
    if len(charts) < len(documents) or not all(
        engine(coder, watched.invariants, one, charts, moved) for engine in (_by_clingo, _by_second)
    ):
        raise DisagreementError(
            f"the search finds {one.id} broken on {documents[0]}, and the format or an engine does not. "
            "Please report this as an error of ivproof."
        )
    said = [Said.of(it.as_dict()) for it in coder.code(charts, "all", changes=False)]
    return Breaking(documents[0], said[0], about, None if stop is None else (documents[1], said[1]))


# --- both engines again, each by its own reading of the files


def _by_second(coder: Coder, invariants: Invariants, one: Invariant, charts: Sequence[Encounter], moved: str) -> bool:
    single = [it for it in invariants.single if it.head.name != BROKEN or it.id == one.id]
    program = recheck.Program([*coder.second.program.rules, *single])
    ways = [
        [_way(it.atoms) for it in islice(program.answers(coder.second.question(coder.facts(chart))), ANSWERS)]
        for chart in charts
    ]
    if not moved:
        return any(atom[0] == BROKEN for atoms, _ in ways[0] for atom in atoms)
    moving = recheck.Program(it for it in invariants.moving if it.head.name != BROKEN or it.id == one.id)
    return any(any(True for _ in broken_between(moving, here, there, moved)) for here, there in settled_alike(*ways))


def _by_clingo(coder: Coder, invariants: Invariants, one: Invariant, charts: Sequence[Encounter], moved: str) -> bool:
    law = [*coder.policy.texts.values(), invariants.written(one, invariants.single)]
    ways = []
    for chart in charts:
        control = grounded([*law, coder.second.question_text(coder.facts(chart))], [f"{ANSWERS}"])
        ways.append([_way(recheck.parse_facts(" ".join(f"{it}." for it in some))) for some in _models(control)])
    if not moved:
        return any(atom[0] == BROKEN for atoms, _ in ways[0] for atom in atoms)
    moving = invariants.written(one, invariants.moving)
    for here, there in settled_alike(*ways):
        facts = [f"{recheck.show(it)}." for it in here] + [f"{EARLIER[0]}({recheck.show(it)})." for it in there]
        control = grounded([moving, " ".join([*facts, f"{MOVED[0]}({moved})."])])
        if any(str(it.symbol).startswith(BROKEN) for it in control.symbolic_atoms if it.is_fact):
            return True
    return False


def _models(control: Any) -> list[list[str]]:
    with control.solve(yield_=True) as handle:
        return [[str(it) for it in model.symbols(atoms=True)] for model in handle]


def _way(atoms: Iterable[Atom]) -> Way:
    found = frozenset(atoms)
    return found, taken_of(it for it in found if CHOICES.get(str(it[0])) == len(it))
