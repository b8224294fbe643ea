"""What is said of two laws over all charts: the verdict, never without its bound, and what was not gone through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ivproof.lab.families import Family, families
from ivproof.lab.kinds import Kind
from ivproof.lab.named import Named, read_kinds
from ivproof.lab.pair import Pair, Side
from ivproof.lab.reasons import Reasons, reasons
from ivproof.lab.search import FEWER, MORE, Difference, Gone, Search
from ivproof.lab.witness import Replay, Witness, smallest, witness
from ivproof.law.policy import Policy

EQUIVALENT, NEVER_MORE, NEVER_LESS = "equivalent", "never_more", "never_less"
INCOMPARABLE, UNFINISHED = "incomparable", "unfinished"

STOPPED = "it was not gone on after the new law had given more on one chart and less on another (--all goes on)"


@dataclass(frozen=True)
class OverAllCharts:
    """A comparison over all charts to a bound; what is `unfinished` says why it is not complete."""

    verdict: str
    gone: Gone
    witness: Witness | None
    families: Sequence[Family]
    settings: tuple[Mapping[str, str], Mapping[str, str]]
    rules_differ: bool
    """Whether some rule on which claims rest differs at all; where none does, no chart can."""
    beside: tuple[str, ...] = ()
    """What else can differ, on which no claim rests: lines of drugs, diagnoses, reasons, questions asked."""
    named: Named | None = None
    """The kinds of chart that were gone through, where a file names them."""
    reasons: Reasons | None = None
    """What else is said of charts with the same claims, where it was asked for."""

    @property
    def complete(self) -> bool:
        """Whether every kind of chart of the alphabet was gone through to the end."""
        return not self.gone.unfinished

    @property
    def bound(self) -> dict[str, Any]:
        """To what the verdict is bound."""
        return {
            **self.gone.bound,
            "readings": {"old": dict(self.settings[0]), "new": dict(self.settings[1])},
            "any_chart": not self.rules_differ,
            "compared": ["status", "claim"],
            "beside": list(self.beside),
            "named": None if self.named is None else self.named.as_dict(),
        }

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "verdict": self.verdict,
            "complete": self.complete,
            "bound": self.bound,
            "unfinished": list(self.gone.unfinished),
            "witness": None if self.witness is None else self.witness.as_dict(),
            "families": [it.as_dict() for it in self.families],
            "reasons": None if self.reasons is None else self.reasons.as_dict(),
        }


def compare(
    old: Policy,
    new: Policy,
    readings: tuple[Mapping[str, str], Mapping[str, str]],
    up_to: int,
    seconds: float,
    *,
    everything: bool = False,
    seeds: Callable[[], Iterable[Kind]] = tuple,
    first: Callable[[Witness], None] = lambda _: None,
    kinds: Path | None = None,
    charts: int = 0,
    beside: bool = False,
) -> OverAllCharts:
    """Compare two laws over all kinds of chart of up to so many administrations.

    `readings` are the settings of the questions under each. It ends after so many seconds; without `everything`, too,
    as soon as the new law gives more on one chart and less on another. `seeds` gives charts to go through beside the
    kinds. `first` is given the first chart that differs as soon as it is found. `kinds` is a file that names the
    kinds to go through, and then no seeds are. So many families get a chart as both laws code it as `charts` says. With
    `beside` it is gone on, for as many seconds again, to charts with the same claims of which something else is said.
    Raises DisagreementError, KindsError, MissingExtraError, UncoveredError.
    """
    until = time.process_time() + seconds
    replay = Replay(old, new, *readings)
    pair = Pair(Side(replay.both.old.coder), Side(replay.both.new.coder))
    search = Search(pair, up_to, replay.same)
    named = None if kinds is None else read_kinds(kinds, search.alphabet)
    shown: list[Witness] = []

    def found(difference: Difference) -> bool:
        if not shown:
            shown.append(witness(pair, replay, difference))
            first(shown[0])
        return not everything and search.gone.ways == {MORE, FEWER}

    gone = search.run(until, seeds() if named is None else (), found, named=named)
    stopped = bool(gone.differences) and not everything and gone.ways == {MORE, FEWER}
    if stopped:
        gone.unfinished.append(STOPPED)
    return OverAllCharts(
        _verdict(gone),
        gone,
        shown[0] if shown else None,
        [
            replace(it, shown=smallest(pair, replay, it.example)) if n < charts else it
            for n, it in enumerate(families(gone.differences))
        ],
        readings,
        bool(pair.heads),
        tuple(name for name, _ in pair.beside),
        named,
        reasons(replay, up_to, seconds, seeds() if named is None else (), named) if beside else None,
    )


def _verdict(gone: Gone) -> str:
    if gone.ways == {MORE, FEWER}:
        return INCOMPARABLE
    if gone.unfinished:
        return UNFINISHED
    if not gone.differences:
        return EQUIVALENT
    return NEVER_LESS if MORE in gone.ways else NEVER_MORE
