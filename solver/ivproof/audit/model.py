"""What an audit finds: a verdict on the billed claim, and one on each of its lines.

Plain data, made by `ivproof.audit.auditor` and put into words and tables by others. Lines are bundles: billed lines of
one code with the same modifiers count as one, and so do the lines that the chart supports. A bundle of which only some
units stand is split, so that each line of the audit has one verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ivproof.chart.encounter import Denial, dumped
from ivproof.claim.determination import Determination, Exclusion, Mark
from ivproof.claim.statements import Statement
from ivproof.formats.notebook import shown
from ivproof.importers.x12 import Submitted


class Verdict(StrEnum):
    """What is said of a whole claim; undetermined where the policy gives no claim to compare it with.

    Of modifiers alone that are not right the claim bills neither more nor less, unless they say how much was done.
    """

    CORRECT = "correct"
    UNDER_READING = "correct_under_reading"
    IF_DOCUMENTED = "correct_if_documented"
    OVERCODED = "overcoded"
    UNDERCODED = "undercoded"
    BOTH = "overcoded_and_undercoded"
    MODIFIERS = "modifiers_wrong"
    UNDETERMINED = "undetermined"


class Kind(StrEnum):
    """What is said of a line."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    TOO_MANY = "units_too_many"
    TOO_FEW = "units_too_few"
    MISSING = "missing_from_claim"
    MODIFIER_MISSING = "modifier_missing"
    MODIFIER_WRONG = "modifier_wrong"
    WRONG_CODE = "wrong_code"
    UNDER_READING = "supported_under_reading"
    IF_DOCUMENTED = "supported_if_documented"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True)
class Billed:
    """Units of one code with the same modifiers, as billed; `positions` are the places of the lines, from 0.

    `denied` is what the payer said of those of the lines that it did not pay.
    """

    code: str
    units: int
    modifiers: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    denied: tuple[Denial, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The line as plain data."""
        return {
            "code": self.code,
            "units": self.units,
            "modifiers": list(self.modifiers),
            "positions": list(self.positions),
            "denied": [dumped(it) for it in self.denied],
        }


@dataclass(frozen=True, slots=True)
class Supported:
    """Units of one code with the same modifiers, as the chart supports them: in which roles, where, when, for what.

    Drug lines have neither role nor site, and their units need not be whole. `rules` are those of the code and of its
    modifiers; `marks` tell why it carries these.
    """

    code: str
    units: int | float
    modifiers: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    administrations: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The line as plain data."""
        return {
            "code": self.code,
            "units": self.units,
            "modifiers": list(self.modifiers),
            "roles": list(self.roles),
            "sites": list(self.sites),
            "dates": list(self.dates),
            "administrations": list(self.administrations),
            "rules": list(self.rules),
        }


@dataclass(frozen=True, slots=True)
class Way:
    """What would have to be so: readings by number (A26: C), facts by path, which of equals is initial, by site.

    Empty, nothing more is needed than what holds anyway. Of a time in `given`, which is then the first of a range, all
    of which leads to the same, `until` has the last.
    """

    readings: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    initial: Mapping[str, str] = field(default_factory=dict)
    until: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def times(self) -> Mapping[str, str]:
        """The facts by path, a range of times as such: ``09:31 to 10:30``."""
        return {path: f"{it} to {self.until[path]}" if path in self.until else it for path, it in self.given.items()}

    @property
    def size(self) -> int:
        """How much would have to be so."""
        return len(self.readings) + len(self.given) + len(self.initial)

    def as_dict(self) -> dict[str, Any]:
        """The way as plain data, without what is empty."""
        parts = {"readings": self.readings, "given": self.given, "initial": self.initial, "until": self.until}
        return {name: dict(part) for name, part in parts.items() if part}


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """What is said of one line: billed, supported, or both.

    `otherwise` is what the line would be without its `way`, where the kind is one of the two that need a way. Of other
    kinds, `way` is the smallest one under which this line alone would be right, although the claim would not be; None
    where none was found or none was looked for. `message` says it in one sentence, `rules` are the policy's rules (R…)
    behind it, `excluded` is what the policy left out and the line is about, `edits` are those of the billed claim that
    concern the line. `over` and `under` are its units beyond and short of what is supported; `says` are the statements
    behind the message. `hangs_on` are the questions of which another option by itself gives other units of the codes of
    a disputed line, or no one claim, and of a line for a drug those that give another line: what coding the chart names
    as deciding.
    """

    kind: Kind
    billed: Billed | None
    supported: Supported | None
    message: str
    rules: tuple[str, ...] = ()
    otherwise: Kind | None = None
    way: Way | None = None
    excluded: tuple[Exclusion, ...] = ()
    edits: tuple[Mapping[str, Any], ...] = ()
    over: int | float = 0
    under: int | float = 0
    drug: bool = False
    says: tuple[Statement, ...] = field(default=(), compare=False, repr=False)
    hangs_on: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The code as billed, or where it was not billed as supported."""
        part = self.billed or self.supported
        return part.code if part else ""

    @property
    def disputed(self) -> bool:
        """Whether the line is anything but supported."""
        return self.kind not in {Kind.SUPPORTED, Kind.NOT_JUDGED}

    def as_dict(self) -> dict[str, Any]:
        """The line as plain data."""
        return {
            "verdict": self.kind.value,
            "code": self.code,
            "drug": self.drug,
            "billed": None if self.billed is None else self.billed.as_dict(),
            "supported": None if self.supported is None else self.supported.as_dict(),
            "over": self.over,
            "under": self.under,
            "otherwise": None if self.otherwise is None else self.otherwise.value,
            "way": None if self.way is None else self.way.as_dict(),
            "message": self.message,
            "rules": list(self.rules),
            "excluded": [it.as_dict() for it in self.excluded],
            "edits": [dict(it) for it in self.edits],
            "hangs_on": list(self.hangs_on),
        }


@dataclass(frozen=True)
class Audit:
    """What is said of a billed claim.

    `over` and `under` are units by code, beyond and short of what the chart supports. `way` is the smallest way under
    which the whole claim would follow (empty where it follows as it is); None where there is none, or, if `searched` is
    False, none among what was looked at: up to `within` questions read otherwise at once. `edits_billed` and
    `edits_supported` are the claim edits of what was billed and of what is supported, a second verdict. `determination`
    is what the law gives for the chart. `submitted` is what an 837 or 835 file says, where the claim
    came from one.
    """

    encounter: str
    policy: Mapping[str, str]
    verdict: Verdict
    message: str
    lines: tuple[LineVerdict, ...]
    over: Mapping[str, int | float]
    under: Mapping[str, int | float]
    way: Way | None
    searched: bool
    edits_billed: tuple[Mapping[str, Any], ...]
    edits_supported: tuple[Mapping[str, Any], ...]
    determination: Determination
    notes: tuple[str, ...] = ()
    date: str = ""
    payer: str | None = None
    within: int | None = None
    submitted: Submitted | None = None

    @property
    def disputed(self) -> tuple[LineVerdict, ...]:
        """The lines that are anything but supported."""
        return tuple(line for line in self.lines if line.disputed)

    def as_dict(self) -> dict[str, Any]:
        """The audit as plain data, in a fixed order; of the determination, what an auditor asks for."""
        return {
            "encounter": self.encounter,
            "date": self.date,
            "payer": self.payer,
            "policy": dict(self.policy),
            "verdict": self.verdict.value,
            "message": self.message,
            "status": self.determination.status,
            "lines": [line.as_dict() for line in self.lines],
            "units": {"over": dict(self.over), "under": dict(self.under)},
            "way": None if self.way is None else self.way.as_dict(),
            "searched": self.searched,
            "within": self.within,
            "edits": {
                "billed": [dict(it) for it in self.edits_billed],
                "supported": [dict(it) for it in self.edits_supported],
            },
            "claim": [line.as_dict() for line in self.determination.claim],
            "missing": [it.as_dict() for it in self.determination.missing],
            "notes": list(self.notes),
            "submitted": None if self.submitted is None else self.submitted.as_dict(),
        }

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        lines = [(_words(it.kind), _part(it.billed), _part(it.supported), it.message, it.rules) for it in self.lines]
        return shown(
            f"{self.encounter}: {_words(self.verdict)}. {self.message}",
            ("Verdict", "Billed", "Supported", "Finding", "Rules"),
            lines,
            {
                "Claim edits": [str(it["message"]) for it in self.edits_billed],
                "Missing": [f"{it.fact}: {it.message}" for it in self.determination.missing],
                "Notes": list(self.notes),
            },
        )


def _words(verdict: StrEnum) -> str:
    return verdict.value.replace("_", " ")


def _part(part: Billed | Supported | None) -> str:
    return "" if part is None else f"{'-'.join((part.code, *part.modifiers))} × {part.units}"
