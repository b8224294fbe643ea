"""A chart on which two laws part: made round, made at the edge, and coded by both engines under both laws.

What the search found is shown only after the first engine and the second one have derived it again.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ivproof.chart.encounter import dumps
from ivproof.comparison import Compared, Comparing
from ivproof.engine.second import DisagreementError
from ivproof.lab.cells import Cell
from ivproof.lab.kinds import Kind
from ivproof.lab.pair import Answers, Pair, claims_of, units_of
from ivproof.lab.search import Difference
from ivproof.lab.solver import Space
from ivproof.law.policy import Policy
from ivproof.unknowns.affine import Region

LISTS = ("administrations", "services", "diagnoses", "access_sites", "billed")
KEPT = {"id", "place_of_service", "date", *LISTS}
STAYS = {"id", "drug", "route"}

QUARTER = 15
TRIED = 200
"""So many shorter charts, with all their times on the quarter, are tried for one that shows the same."""


class Replay:
    """Codes a chart by both laws, each answer by both engines."""

    def __init__(self, old: Policy, new: Policy, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Take both laws with the settings of their questions."""
        self.both = Comparing(new, after)(old, before)

    def __call__(self, kind: Kind, point: Sequence[int]) -> Compared:
        """Code a kind of chart at a point. Raises DisagreementError where the engines differ."""
        encounter = kind.read(point)
        if encounter is None:
            raise DisagreementError(
                "the format refuses a chart that was searched. Please report this as an error of ivproof."
            )
        [found] = self.both.code([encounter], "all")
        return found

    def same(self, kind: Kind, point: Sequence[int]) -> bool:
        """Whether both laws give a chart the same status and claims."""
        one, other = self.said(kind, point)
        return one == other

    def said(self, kind: Kind, point: Sequence[int]) -> tuple[Said, Said]:
        """Give what each law makes of a chart."""
        encounter = kind.read(point)
        assert encounter is not None
        laws = (self.both.old, self.both.new)
        one, other = (Said.of(law.coder.code([encounter], changes=False)[0].as_dict()) for law in laws)
        return one, other


@dataclass(frozen=True)
class Said:
    """What a law makes of a chart: the status and every claim, line by line."""

    status: str
    claims: tuple[tuple[tuple[str, int, tuple[str, ...]], ...], ...]

    @staticmethod
    def of(plain: Mapping[str, Any]) -> Said:
        """Take it from a determination as plain data."""
        claims = [it["claim"] for it in plain["alternatives"]] or [plain["claim"]]
        lines = [
            tuple(sorted((it["code"], it["units"], tuple(it.get("modifiers", ()))) for it in claim)) for claim in claims
        ]
        return Said(plain["status"], tuple(sorted(set(lines))))

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        claims = [
            [{"code": code, "units": units, "modifiers": list(marks)} for code, units, marks in claim]
            for claim in self.claims
        ]
        return {"status": self.status, "claims": claims}


@dataclass(frozen=True)
class Shown:
    """A chart as both laws code it."""

    encounter: Mapping[str, Any]
    old: Said
    new: Said
    rules: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether status or claims are others."""
        return self.old != self.new

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "encounter": dict(self.encounter),
            "old": self.old.as_dict(),
            "new": self.new.as_dict(),
            "rules": list(self.rules),
        }


@dataclass(frozen=True)
class Witness:
    """A chart that differs; at the edge of where it does; and a minute further, where it no longer does.

    `edge` and `beyond` are None where the times make no difference, within the bounds. `case` is the case of which it
    is what was needed.
    """

    shown: Shown
    edge: Shown | None
    beyond: Shown | None
    case: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        edge = None if self.edge is None else {**self.edge.as_dict(), "beyond": self.beyond and self.beyond.as_dict()}
        return {**self.shown.as_dict(), "edge": edge, "case": self.case or None}


def witness(pair: Pair, replay: Replay, found: Difference) -> Witness:
    """Make a difference a chart to show. Raises DisagreementError where an engine does not say what was found."""
    kind, point, shown = _made(pair, replay, found, lambda answers: answers is not None)
    if kind.case:
        return Witness(shown, None, None, kind.case)
    edges = _edges(pair, kind, point)
    if edges is None:
        return Witness(shown, None, None)
    last, first = edges
    edge, beyond = _differing(replay, kind, last), _shown(replay, kind, first)
    if beyond.differs:
        raise _disagreement(beyond)
    return Witness(shown, edge, beyond)


def smallest(pair: Pair, replay: Replay, found: Difference) -> Shown:
    """Make a difference a chart, round and without what is not needed for the same change of the units of each code.

    Raises DisagreementError as `witness` does.
    """

    def units(answers: tuple[Answers, Answers]) -> list[set[frozenset[tuple[str, int]]]]:
        return [{frozenset(units_of(it).items()) for it in claims_of(side)} for side in answers]

    def same(answers: tuple[Answers, Answers] | None) -> bool:
        if answers is None:
            return False
        change = replace(found, before=answers[0], after=answers[1]).change
        return change == found.change and bool(change or units(answers) == units((found.before, found.after)))

    return _made(pair, replay, found, same)[2]


def _made(
    pair: Pair, replay: Replay, found: Difference, enough: Callable[[tuple[Answers, Answers] | None], bool]
) -> tuple[Kind, tuple[int, ...], Shown]:
    """The kind of a difference, a point of it and the chart there; of a case what is `enough` of it."""
    kind, point = found.kind, found.cell.point
    if kind.case:
        kind = _shrunk(kind, lambda it: enough(_parts(pair, it, Region(()))))
    elif kind.unknowns:
        point = Space(kind.unknowns, kind.bounds).roundest(found.cell.conditions, list(kind.spans()))
        point = _shorter(pair, kind, point, enough) or point
    return kind, point, _differing(replay, kind, point)


def _shorter(
    pair: Pair, kind: Kind, point: tuple[int, ...], enough: Callable[[tuple[Answers, Answers] | None], bool]
) -> tuple[int, ...] | None:
    """The shortest of the points on the quarter, as many as are tried, that are shorter than one and `enough`.

    What is charted from a start to a stop takes some time in them; a point at which it takes none may be shorter.
    """
    spans = list(kind.spans())
    length = sum(abs(sum(factor * it for factor, it in zip(span, point, strict=True))) for span in spans)

    def goes_on(of: Sequence[int]) -> bool:
        minutes = [(slot.at, 0 if slot.unknown is None else of[slot.unknown]) for slot in kind.slots]
        return all(one != other for one, other in itertools.pairwise(minutes))

    if not goes_on(point):  # of no minutes: a chart that runs is to be found, which is longer
        length += QUARTER * len(spans) + 1
    within = (it for it in kind.short(length, QUARTER) if max(it) <= kind.longest and goes_on(it))
    shorter = (it for it in within if all(bound.holds(it) for bound in kind.bounds))
    silent: list[Cell[None]] = []
    for at in itertools.islice(shorter, TRIED):
        if any(it.holds(at) for it in silent):
            continue
        region = Region(at)
        if enough(_parts(pair, kind, region)):
            return at
        silent.append(Cell(at, tuple(region.conditions), None))
    return None


def _shown(replay: Replay, kind: Kind, point: Sequence[int]) -> Shown:
    coded = replay(kind, point)
    if coded.kind == "same" or not coded.before:
        said = replay.said(kind, point)
    else:
        said = Said.of(coded.before), Said.of(coded.after)
    return Shown(kind.written(point), said[0], said[1], coded.because)


def _differing(replay: Replay, kind: Kind, point: Sequence[int]) -> Shown:
    found = _shown(replay, kind, point)
    if not found.differs:
        raise _disagreement(found)
    return found


def _disagreement(shown: Shown) -> DisagreementError:
    return DisagreementError(
        f"the search and the first engine differ on whether two laws part on {json.dumps(shown.encounter)}. "
        "Please report this as an error of ivproof."
    )


def _parts(pair: Pair, kind: Kind, region: Region) -> tuple[Answers, Answers] | None:
    """Both answers where they differ; None where they do not, or the format refuses the chart."""
    found = pair.templates(kind)
    if found is None:
        return None
    stage, whole = found
    if not pair.stage(stage, region):
        return None
    before, after = pair.answers(whole, region)
    return (before, after) if claims_of(before) != claims_of(after) else None


def _edges(pair: Pair, kind: Kind, point: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The nearest minute at which the laws no longer part, when one time moves, and the one before it."""
    found: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = []
    for n in reversed(range(kind.unknowns)):
        for step in (-1, 1):
            walked = _walk(pair, kind, point, n, step)
            if walked is not None:
                found.append(walked)
    if not found:
        return None
    _, last, first = min(found, key=lambda it: it[0])
    return last, first


def _walk(
    pair: Pair, kind: Kind, point: Sequence[int], n: int, step: int
) -> tuple[int, tuple[int, ...], tuple[int, ...]] | None:
    here = tuple(point)
    region = Region(here)
    if _parts(pair, kind, region) is None:
        return None
    cell: Cell[None] = Cell(here, tuple(region.conditions), None)
    moved = 0
    while True:
        after = tuple(it + step if m == n else it for m, it in enumerate(here))
        moved += 1
        if not all(it.holds(after) for it in kind.bounds):
            return None
        if not cell.holds(after):
            region = Region(after)
            if _parts(pair, kind, region) is None:
                return moved, here, after
            cell = Cell(after, tuple(region.conditions), None)
        here = after


# --- a case, with all that is not needed left out


def _shrunk(kind: Kind, enough: Callable[[Kind], bool]) -> Kind:
    while (smaller := next(filter(enough, _smaller(kind)), None)) is not None:
        kind = smaller
    return kind


def _smaller(kind: Kind) -> Iterator[Kind]:
    """The charts that lack one thing."""

    def copy() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(kind.document))
        return found

    for name in LISTS:
        for at in range(len(kind.document.get(name) or ())):
            found = copy()
            found[name].pop(at)
            yield replace(kind, document=found)
    for name in sorted(kind.document.keys() - KEPT):
        found = copy()
        found.pop(name)
        yield replace(kind, document=found)
    for at, given in enumerate(kind.document.get("administrations", ())):
        for name in sorted(given.keys() - STAYS):
            found = copy()
            found["administrations"][at].pop(name)
            yield replace(kind, document=found)


def of_case(name: str, encounter: Any) -> Kind:
    """A worked case as a kind of chart, with its times as they are."""
    document = dumps(encounter)
    document.pop("billed", None)
    return Kind(document, name, case=name)
