"""The claim edits of what was billed, beside those of what is supported: a second verdict, never mixed with the first.

A billed line has no date in the chart. Its units take the dates of the services that they are meant for, since edits
count by date; units that are meant for none take the date of the encounter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ivproof.audit.matching import Piece
from ivproof.audit.model import Audit, Billed, LineVerdict, Supported
from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.claim.determination import ClaimLine
from ivproof.edits.checker import Edit, EditChecker, EditLine, setting_of


@dataclass(frozen=True, slots=True)
class Matched:
    """What was billed of a chart and which services it is meant for."""

    encounter: Encounter
    lines: tuple[BilledLine, ...]
    claim: Sequence[ClaimLine]
    billed: Sequence[Billed]
    supported: Sequence[Supported]
    pieces: Sequence[Piece]


class BilledEdits:
    """Adds the claim edits to audits."""

    def __init__(self, checker: EditChecker) -> None:
        self._checker = checker

    def add(self, audits: Sequence[Audit], matched: Sequence[Matched]) -> list[Audit]:
        """Give the audits with the edits of both claims, on the whole and by line."""
        dated = [list(_dated(it)) for it in matched]
        claims = []
        for it, lines in zip(matched, dated, strict=True):
            setting, on = setting_of(it.encounter.claim_type), it.encounter.date
            claims.append(([line for line, _ in lines], setting, on))
            supported = [EditLine(one.code, one.units, one.modifiers, _day(one.date)) for one in it.claim]
            claims.append((supported, setting, on))
        found = self._checker.check_many(claims)
        return [
            self._with(audit, it, [places for _, places in lines], found[2 * n], found[2 * n + 1])
            for n, (audit, it, lines) in enumerate(zip(audits, matched, dated, strict=True))
        ]

    def _with(
        self,
        audit: Audit,
        matched: Matched,
        places: Sequence[tuple[int, ...]],
        billed: tuple[Edit, ...],
        supported: tuple[Edit, ...],
    ) -> Audit:
        if not billed and not supported:
            return replace(audit, edits_supported=())
        lines = tuple(_with_edits(line, billed, places) for line in audit.lines)
        caveat = self._checker.tables.caveat(setting_of(matched.encounter.claim_type), matched.encounter.date)
        return replace(
            audit,
            lines=lines,
            edits_billed=billed,
            edits_supported=supported,
            notes=(*audit.notes, *([caveat] if caveat else [])),
        )


def _with_edits(line: LineVerdict, edits: Sequence[Edit], places: Sequence[tuple[int, ...]]) -> LineVerdict:
    if line.billed is None or not edits:
        return line
    own = set(line.billed.positions)
    found = tuple(it for it in edits if any(own & set(places[n]) for n in it.lines))
    return replace(line, edits=found) if found else line


@dataclass
class _Slot:
    """Units of a line of the claim, with their date, that no billed units have taken yet."""

    units: int
    day: date


def _dated(it: Matched) -> Iterator[tuple[EditLine, tuple[int, ...]]]:
    """The billed lines as the edits see them, with their dates and their places on the claim."""
    slots: dict[tuple[str, tuple[str, ...]], list[_Slot]] = {}
    for one in it.claim:
        slots.setdefault((one.code, one.modifiers), []).append(_Slot(one.units, _day(one.date)))
    for piece in sorted(it.pieces, key=lambda piece: not piece.exact):
        if piece.billed is None:
            continue
        line, units = it.billed[piece.billed], int(piece.units)
        if piece.supported is not None:
            meant = it.supported[piece.supported]
            for slot in slots[meant.code, meant.modifiers]:
                taken = min(units, slot.units)
                slot.units -= taken
                units -= taken
                if taken:
                    yield EditLine(line.code, taken, line.modifiers, slot.day), line.positions
        if units:
            yield EditLine(line.code, units, line.modifiers, it.encounter.date), line.positions
    bundled = {place for line in it.billed for place in line.positions}
    for place, other in enumerate(it.lines):
        if place not in bundled:
            yield EditLine(other.code, other.units, tuple(other.modifiers), it.encounter.date), (place,)


def _day(text: str) -> date:
    return date.fromisoformat(text)
