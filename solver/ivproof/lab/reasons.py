"""The second level: charts of which two laws give the same claims, and say something else beside them.

Beside the claims stand what is left out and why, findings, missing facts, questions that are open and change the claim,
lines of drugs, and the order of the diagnoses. It has a verdict and a bound of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.engine.choices import DIAGNOSES, DRUG_LINES
from ivproof.engine.second import DisagreementError
from ivproof.lab.kinds import Kind
from ivproof.lab.named import Named
from ivproof.lab.pair import WHOLE, Pair, Side
from ivproof.lab.search import Difference, Gone, Search
from ivproof.lab.solver import Space
from ivproof.lab.witness import Replay, Said

BESIDE = (
    *WHOLE,
    *{"excluded": 3, "missing": 3, "finding": 2, "raised": 1, **DRUG_LINES, **DIAGNOSES}.items(),
)
"""What answers are made of, beside the claims, as the law concludes it."""

SAME, DIFFERENT, UNFINISHED = "same", "different", "unfinished"

Answer = Mapping[str, tuple[str, ...]]
"""What an answer says beside the claims, by what it is; see the module."""


@dataclass(frozen=True)
class Otherwise:
    """A chart with the same claims by both laws, and what else each says that the other does not."""

    encounter: Mapping[str, Any]
    said: Said
    old: Answer
    new: Answer

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        sides = ({what: list(words) for what, words in it.items() if words} for it in (self.old, self.new))
        return {
            "encounter": dict(self.encounter),
            **self.said.as_dict(),
            **dict(zip(("old", "new"), sides, strict=True)),
        }


@dataclass(frozen=True)
class Reasons:
    """What came of it: the first chart that was found, if there is one, and what was gone through."""

    gone: Gone
    witness: Otherwise | None

    @property
    def verdict(self) -> str:
        """`same` to the bound, `different`, or `unfinished`."""
        if self.witness is not None:
            return DIFFERENT
        return UNFINISHED if self.gone.unfinished else SAME

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "verdict": self.verdict,
            "complete": not self.gone.unfinished,
            "bound": {**self.gone.bound, "compared": list(WORDS)},
            "unfinished": list(self.gone.unfinished),
            "witness": None if self.witness is None else self.witness.as_dict(),
        }


STOPPED = "it was not gone on after the first chart that differs"

WORDS = ("left_out", "findings", "missing", "questions", "drug_lines", "diagnoses")


def reasons(replay: Replay, up_to: int, seconds: float, seeds: Iterable[Kind], named: Named | None) -> Reasons:
    """Look for a chart with the same claims by both laws of which something else is said; the first one ends it.

    It takes up to so many seconds of computing. Raises DisagreementError, UncoveredError.
    """
    laws = replay.both.old.coder, replay.both.new.coder
    pair = Pair(Side(laws[0], BESIDE), Side(laws[1], BESIDE))

    def same(kind: Kind, point: Sequence[int]) -> bool:
        return _otherwise(laws, kind, point) is None

    found: list[Difference] = []

    def first(difference: Difference) -> bool:
        found.append(difference)
        return True

    search = Search(pair, up_to, same, beside=True)
    gone = search.run(time.process_time() + seconds, seeds, first, named=named)
    if not found:
        return Reasons(gone, None)
    gone.unfinished.append(STOPPED)
    [it] = found
    point = it.cell.point
    if it.kind.unknowns:
        round_one = Space(it.kind.unknowns, it.kind.bounds).roundest(it.cell.conditions, list(it.kind.spans()))
        point = round_one if _otherwise(laws, it.kind, round_one) is not None else point
    witness = _otherwise(laws, it.kind, point, checked=True)
    if witness is None:
        raise DisagreementError(
            "the search and the first engine differ on what is said of a chart beside its claims. "
            "Please report this as an error of ivproof."
        )
    return Reasons(gone, witness)


def _otherwise(
    laws: tuple[Coder, Coder], kind: Kind, point: Sequence[int], *, checked: bool = False
) -> Otherwise | None:
    """What both laws say of a chart where the claims are the same and the rest is not; None otherwise."""
    encounter = kind.read(point)
    assert encounter is not None
    one, other = (_answered(it, encounter, checked=checked) for it in laws)
    if one[0] != other[0] or one[1] == other[1]:
        return None
    apart = [
        {what: tuple(it for it in mine[what] if it not in theirs[what]) for what in WORDS}
        for mine, theirs in ((one[1], other[1]), (other[1], one[1]))
    ]
    if not any(any(side.values()) for side in apart):  # the same in another order
        apart = [dict(one[1]), dict(other[1])]
    return Otherwise(kind.written(point), one[0], apart[0], apart[1])


def _answered(coder: Coder, encounter: Encounter, *, checked: bool) -> tuple[Said, Answer]:
    [found] = coder.code([encounter], "all" if checked else "none", changes=False)
    return Said.of(found.as_dict()), {
        "left_out": tuple(sorted({_named(it.subject, it.code, it.name) for it in found.excluded})),
        "findings": tuple(sorted({_named(it.subject, it.code, it.name) for it in found.findings})),
        "missing": tuple(sorted({it.fact for it in found.missing})),
        "questions": tuple(sorted({it.question for it in found.readings if it.matters and it.option is None})),
        "drug_lines": tuple(sorted(it.text for it in found.drug_lines)),
        "diagnoses": tuple(found.diagnoses),
    }


def _named(subject: str, code: str | None, name: str) -> str:
    return f"{subject}{f' {code}' if code else ''}: {name}"
