"""The smallest choice that covers everything, by clingo's own optimisation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ivproof.engine.grounding import grounded

COVER = """
{ taken(C) } :- covers(C, _).
:- covers(_, M), not taken(C) : covers(C, M).
#minimize { 1, C : taken(C) }.
#show taken/1.
"""


A_WHILE = 0.5
"""So many seconds a key that interrupts is not seen at most."""


def least_cover(covers: Mapping[int, Sequence[int]], seconds: float) -> tuple[list[int], bool]:
    """Give as few candidates as cover every thing, and whether no fewer do; what was found when the time is up.

    `covers` has the candidates that cover each thing, one at least; `seconds` may be without end.
    """
    if not covers:
        return [], True
    facts = " ".join(f"covers({it},{thing})." for thing, candidates in covers.items() for it in candidates)
    control = grounded([COVER, facts], ["--opt-mode=opt"])
    best: list[int] = []

    def take(model: Any) -> None:
        best[:] = sorted(it.arguments[0].number for it in model.symbols(shown=True))

    with control.solve(on_model=take, async_=True) as handle:
        until, ended = time.monotonic() + seconds, False
        while not ended and time.monotonic() < until:
            ended = handle.wait(max(0.0, min(A_WHILE, until - time.monotonic())))
        handle.cancel()
        exhausted = bool(handle.get().exhausted)
    return best or _greedy(covers), ended and exhausted


def _greedy(covers: Mapping[int, Sequence[int]]) -> list[int]:
    found: set[int] = set()
    for candidates in covers.values():
        if found.isdisjoint(candidates):
            found.add(candidates[0])
    return sorted(found)
