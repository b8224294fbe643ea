"""When a code follows, over all plain charts to a bound: general conditions on what is given and on the times.

Plain are the charts of `alphabet.plain`: nothing is missing, and no field says more than what is given.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.chart.bounds import TooManyWaysError
from ivproof.claim.coding import Coder
from ivproof.engine.second import DisagreementError
from ivproof.lab.alphabet import alphabet, couples, plain
from ivproof.lab.cells import Cell, TimeIsUpError, cells
from ivproof.lab.families import SECONDS, conditions_of
from ivproof.lab.kinds import Kind, Template
from ivproof.lab.pair import ORDER, Answers, Side, claims_of, units_of
from ivproof.lab.search import ONE_KIND, told
from ivproof.lab.solver import Space, UndecidedError


@dataclass(frozen=True)
class Followed:
    """Where a code follows with so many units: kinds of chart, conditions, and a chart that both engines coded.

    `units` is the fewest and the most of the claims that can follow. `exact` says that it is so wherever the conditions
    hold.
    """

    units: tuple[int, int]
    kinds: tuple[str, ...]
    conditions: tuple[str, ...]
    exact: bool
    encounter: Mapping[str, Any]

    def sentence(self, code: str, most: int | None = None) -> str:
        """Tell it of a code; of more kinds than `most` the first ones."""
        least, most = self.units
        if least == most:
            what = f"{code} ×{most}"
        else:
            what = f"{code} ×{least} to ×{most}, by how a question is read or an equal is chosen"
        when = f", {'whenever' if self.exact else 'only if'} {' and '.join(self.conditions)}" if self.conditions else ""
        always = ", at any time" if self.exact and not self.conditions else ""
        left = 0 if most is None else len(self.kinds) - most
        given = " or ".join(self.kinds[:most]) + (f" or {left} others" if left > 0 else "")
        return f"{what}: {given}{when}{always}"

    def as_dict(self, code: str) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "sentence": self.sentence(code),
            "units": list(self.units),
            "kinds": list(self.kinds),
            "conditions": list(self.conditions),
            "exact": self.exact,
            "encounter": dict(self.encounter),
        }


@dataclass
class When:
    """All of it, with what was gone through and what was not."""

    code: str
    up_to: int
    followed: list[Followed] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    cells: int = 0
    unfinished: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "code": self.code,
            "complete": not self.unfinished,
            "bound": {"administrations": self.up_to, "kinds": list(self.kinds), "cells": self.cells},
            "unfinished": list(self.unfinished),
            "when": [it.as_dict(self.code) for it in self.followed],
        }


def when(coder: Coder, code: str, up_to: int, seconds: float, kinds: Iterable[Kind] | None = None) -> When:
    """Say when a code follows; ends after so many seconds of computing. Raises DisagreementError, UncoveredError.

    `kinds` are gone through in place of the plain charts of the alphabet.
    """
    until = time.process_time() + seconds
    side, found = Side(coder), When(code, up_to)
    groups: dict[tuple[Any, ...], list[tuple[Kind, tuple[int, ...]]]] = {}
    for kind in _plain(side, up_to) if kinds is None else kinds:
        if time.process_time() > until:
            found.unfinished.append("the time was up before every kind of chart was gone through")
            break
        try:
            everything = list(_cells(side, kind, min(until, time.process_time() + ONE_KIND)))
        except (TimeIsUpError, UndecidedError, TooManyWaysError):
            found.unfinished.append(f"{told(kind)}: the time or the ways that it may take were up")
            continue
        found.kinds.append(kind.words)
        found.cells += len(everything)
        by_units: dict[tuple[int, int], list[Cell[Answers]]] = {}
        for cell in everything:
            units = [units_of(claim).get(code, 0) for claim in claims_of(cell.value)]
            if max(units):
                by_units.setdefault((min(units), max(units)), []).append(cell)
        for some, its in sorted(by_units.items()):
            conditions, exact = conditions_of(kind, its, time.process_time() + SECONDS / 10)
            groups.setdefault((some, conditions, exact), []).append((kind, _round(kind, its[0])))
    for (units, conditions, exact), charts in groups.items():
        kind, point = charts[0]
        _replayed(coder, code, kind, point, units)
        given = tuple(dict.fromkeys(it.words for it, _ in charts))
        found.followed.append(Followed(units, given, conditions, exact, kind.written(point)))
    return found


def _plain(side: Side, up_to: int) -> Iterator[Kind]:
    letters = alphabet(side.coder.drugs, [side.law], side.policy.payers, side.policy.codes)
    if up_to >= 1:
        for it in {it.words: it for it in (*letters.core, *letters.given)}.values():
            yield Kind(plain(it), it.words)
    if up_to >= 2:
        yield from couples(letters)


def _cells(side: Side, kind: Kind, until: float) -> Iterator[Cell[Answers]]:
    read = side.atoms(kind)
    if read is None:
        return
    template = Template.of(kind, *read, ordered=ORDER in side.whole.law.reads)
    space = Space(kind.unknowns, kind.bounds)
    yield from cells(space, kind.reach, lambda at: side.whole.outcomes(template.at(at)), until)


def _round(kind: Kind, cell: Cell[Answers]) -> tuple[int, ...]:
    if not kind.unknowns:
        return cell.point
    return Space(kind.unknowns, kind.bounds).roundest(cell.conditions, list(kind.spans()))


def _replayed(coder: Coder, code: str, kind: Kind, point: Sequence[int], units: tuple[int, int]) -> None:
    """Code a chart that is to be shown by both engines. Raises DisagreementError where they say something else."""
    encounter = kind.read(point)
    assert encounter is not None
    [said] = coder.code([encounter], "all", changes=False)
    claims = [it.lines for it in said.alternatives] or [said.claim]
    counted = [sum(line.units for line in lines if line.code == code) for lines in claims]
    if (min(counted), max(counted)) != units:
        raise DisagreementError(
            f"the search has {units} units of {code} where the first engine has {counted}. "
            "Please report this as an error of ivproof."
        )
