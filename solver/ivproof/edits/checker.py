"""Claim edits: what a payer's claim scrubber says to a finished claim.

A second verdict, never mixed with the policy's: a claim can follow from the policy and fail an edit, or the
other way round. What decides is `asp/edits/edits.lp`; what it decides by are dated tables in the layouts that
CMS publishes (`tables.py`). This module reads the program's answer and puts it into words.

In: claim lines. Out: `Edit`s, in an order that the claim fixes. The program is run by the caller's `solve`,
so that every call to a solver stays in the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Annotated, Literal, cast

from ivproof.edits.files import OF_PAYER, EditFileError
from ivproof.edits.tables import Edition, EditLine, EditTables, Setting
from ivproof.formats.output import OPTIONAL, After, Called, Count, Described, Inside

__all__ = [
    "Edit",
    "EditChecker",
    "EditFileError",
    "EditLine",
    "EditTables",
    "Edition",
    "Setting",
    "edit_facts",
    "edits_from_atoms",
    "setting_of",
]

Kind = Literal["add-on", "pair", "units"]
Severity = Literal["fails", "appealable", "needs_modifier", "passes", "payer_decides"]
Facts = tuple[str, ...]
Solve = Callable[[Sequence[Facts]], Sequence[Iterable[str]]]
"""Decides several claims: for the facts of each, the atoms that `EditTables.program` derives from them."""

_EDIT = re.compile(r"edit\(l(\d+),(add_on|pair|units)\((.*)\),([a-z_]+)\)")
_CARRIES = re.compile(r"may_carry\(\d+,(.*),(.*)\)")
_DATED = re.compile(r"line_date\(l(\d+),(\d+)\)")
_KEPT = 100_000  # claims whose edits are remembered; a claim takes about a kilobyte


@dataclass(frozen=True)
class Edit(Described):
    """What a claim edit says of the claim: a second verdict, apart from the policy's.

    An add-on has no code that it may be added to, a pair is of two codes that exclude each other, units are too many.
    What `fails` will be denied, and so will what is `appealable`, which can be appealed with the chart. What
    `needs_modifier` will be denied unless a modifier applies, and none stands there; where it `passes` the modifier
    stands there, and the chart must support it. `payer_decides`: the payer names the codes that it may be added to.
    `lines` are places in the claim, from 0.
    """

    kind: Annotated[Kind, "Kind of edit.", Called("edit")]
    code: Annotated[str, "The code that would be denied; in a pair the one in column 2."]
    severity: Annotated[Severity, "How it ends.", After("limit")]
    message: Annotated[str, "One sentence.", After("severity")]
    lines: Inside[tuple[int, ...]] = field(default=(), compare=False)
    other: Annotated[str | None, "In a pair, the code in column 1.", Called("with"), OPTIONAL] = None
    indicator: Annotated[int | None, "Modifier indicator of a pair, adjudication indicator of units.", OPTIONAL] = None
    units: Annotated[Count | None, "Units billed on the date, by the line where the indicator is 1.", OPTIONAL] = None
    limit: Annotated[Count | None, "Units expected at most.", OPTIONAL] = None

    @property
    def short(self) -> str:
        """The edit in a few characters: `add-on 96411`, `pair 96365/96360 (1)`, `units 96413 2>1 (3)`."""
        if self.kind == "add-on":
            return f"add-on {self.code}"
        if self.kind == "pair":
            return f"pair {self.other}/{self.code} ({self.indicator})"
        return f"units {self.code} {self.units}>{self.limit} ({self.indicator})"


class EditChecker:
    """Checks claims, and remembers the answer for claims that no edit can tell apart."""

    def __init__(self, tables: EditTables, solve: Solve) -> None:
        """Keep the tables and the solver; nothing is solved yet."""
        self.tables = tables
        self._solve = solve
        self._known: dict[Facts, tuple[Edit, ...]] = {}

    def check(self, lines: Sequence[EditLine], setting: Setting, on: date) -> tuple[Edit, ...]:
        """Return the edits of one claim; see `check_many`."""
        return self.check_many([(lines, setting, on)])[0]

    def check_many(self, claims: Iterable[tuple[Sequence[EditLine], Setting, date]]) -> list[tuple[Edit, ...]]:
        """Return the edits of each claim (its lines, its setting, its date).

        The solver is called at most once, with the claims not seen before. A claim seen before costs the
        making of its facts, some tens of microseconds.
        """
        facts = [self.tables.facts(lines, setting, on) for lines, setting, on in claims]
        new = list(dict.fromkeys(one for one in facts if one not in self._known))
        if len(self._known) + len(new) > _KEPT:
            self._known.clear()
            new = list(dict.fromkeys(facts))
        if new:
            for one, atoms in zip(new, self._solve(new), strict=True):
                self._known[one] = edits_from_atoms(atoms, one)
        return [self._known[one] for one in facts]


def setting_of(claim_type: str) -> Setting:
    """Return whose edits a claim meets: the hospital's, if it is a facility's, else the practitioner's."""
    return "hospital" if claim_type == "facility" else "practitioner"


def edit_facts(lines: Sequence[EditLine], tables: EditTables, setting: Setting, on: date) -> list[str]:
    """Return the facts of a claim for `edits.lp`, without full stops; see `EditTables.facts`."""
    return list(tables.facts(lines, setting, on))


def edits_from_atoms(atoms: Iterable[str], facts: Iterable[str] = ()) -> tuple[Edit, ...]:
    """Read the edits out of an answer of `edits.lp`.

    Parameters:
        atoms: the answer, or its `edit` atoms only.
        facts: what was asked, where the answer does not repeat it; the primary codes and the dates are there.

    Returns:
        One edit for each finding on a date, with all lines it concerns; first those of the first line.
    """
    lines: dict[tuple[str, tuple[str, ...], str, str], set[int]] = {}
    found: list[re.Match[str]] = []
    primaries: dict[str, set[str]] = {}
    dates: dict[str, str] = {}
    for atom in chain(facts, atoms):
        if match := _EDIT.fullmatch(atom):
            found.append(match)
        elif match := _CARRIES.fullmatch(atom):
            primaries.setdefault(match[1].strip('"'), set()).add(match[2].strip('"'))
        elif match := _DATED.fullmatch(atom):
            dates[match[1]] = match[2]
    for match in found:
        arguments = tuple(part.strip('" ') for part in match[3].split(","))
        lines.setdefault((match[2], arguments, match[4], dates.get(match[1], "")), set()).add(int(match[1]) - 1)
    edits = [
        _edit(
            what,
            arguments,
            cast(Severity, severity),
            tuple(sorted(of)),
            sorted(primaries.get(arguments[0], ())),
        )
        for (what, arguments, severity, _), of in lines.items()
    ]
    return tuple(sorted(edits, key=lambda one: (one.lines, one.short)))


def _edit(
    what: str,
    arguments: tuple[str, ...],
    severity: Severity,
    lines: tuple[int, ...],
    primaries: Sequence[str],
) -> Edit:
    if what == "add_on":
        (code,) = arguments
        return Edit("add-on", code, severity, _of_add_on(code, severity, primaries), lines)
    if what == "pair":
        column_1, code, indicator = arguments
        message = _of_pair(column_1, code, indicator, severity)
        return Edit("pair", code, severity, message, lines, other=column_1, indicator=int(indicator))
    code, *numbers = arguments
    units, limit, indicator_of_units = map(int, numbers)
    message = _of_units(code, units, limit, indicator_of_units, severity)
    return Edit("units", code, severity, message, lines, indicator=indicator_of_units, units=units, limit=limit)


def _of_add_on(code: str, severity: Severity, primaries: Sequence[str]) -> str:
    listed = f" ({', '.join(primaries)})" if primaries else ""
    if severity == "payer_decides":
        return f"{code} is an add-on code, and no code it is listed with{listed} is billed; the payer decides."
    return f"{code} is an add-on code, and none of the codes it may be added to{listed} is billed with it."


def _of_pair(column_1: str, code: str, indicator: str, severity: Severity) -> str:
    beside = f"{code} is column 2 to {column_1} (indicator {indicator})"
    if severity == "fails":
        return f"{beside}: the two are never paid together on one date, with or without a modifier."
    if severity == "needs_modifier":
        return f"{beside}: it is denied unless a modifier says that it was separate, and none stands there."
    return f"{beside}: the modifier that says it was separate stands there, and the chart must support it."


def _of_units(code: str, units: int, limit: int, indicator: int, severity: Severity) -> str:
    where = "on one line" if indicator == 1 else "on one date"
    expected = f"at most {limit}" if limit else "none"
    if indicator == OF_PAYER:
        return f"Units of {code} {where}: {units}, expected {expected}, the payer's own limit as it was set."
    over = f"Units of {code} {where}: {units}, expected {expected} (MUE {limit}, MAI {indicator})"
    if severity == "fails":
        return f"{over}; the limit is absolute, and all of them are denied."
    return f"{over}; all of them are denied, and the denial can be appealed with the chart."
