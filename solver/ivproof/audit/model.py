"""What an audit finds: a verdict on the billed claim, and one on each of its lines.

Plain data, made by `ivproof.audit.auditor` and put into words and tables by others. Lines are bundles: billed lines of
one code with the same modifiers count as one, and so do the lines that the chart supports. A bundle of which only some
units stand is split, so that each line of the audit has one verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from ivproof.chart.encounter import Denial
from ivproof.claim.determination import ClaimLine, Determination, Exclusion, Mark, MissingFact, Policy, Rules
from ivproof.claim.statements import Statement
from ivproof.edits.checker import Edit
from ivproof.formats.notebook import shown
from ivproof.formats.output import OPTIONAL, After, Amount, Called, Count, Date, Described, Inside
from ivproof.importers.submitted import Submitted


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
class Billed(Described):
    """Units of one code with the same modifiers, as billed."""

    code: Annotated[str, "The code."]
    units: Annotated[Count, "Units."]
    modifiers: Annotated[tuple[str, ...], "Modifiers as billed."] = ()
    positions: Annotated[tuple[int, ...], "Places of the lines, from 0."] = ()
    denied: Annotated[tuple[Denial, ...], "What the payer said of those that it did not pay."] = ()


@dataclass(frozen=True, slots=True)
class Supported(Described):
    """Units of one code with the same modifiers, as the chart supports them.

    Drug lines have neither role nor site. `marks` tell why it carries its modifiers.
    """

    code: Annotated[str, "The code."]
    units: Annotated[Amount, "Units; those of a drug need not be whole."]
    modifiers: Annotated[tuple[str, ...], "Modifiers that are due."] = ()
    roles: Annotated[tuple[str, ...], "What the services are in this claim: initial, further_hour …"] = ()
    sites: Annotated[tuple[str, ...], "Ids of the access sites."] = ()
    dates: Annotated[tuple[str, ...], "Dates of service."] = ()
    administrations: Annotated[tuple[str, ...], "Ids of the administrations that the units are for."] = ()
    rules: Rules = ()
    marks: Inside[tuple[Mark, ...]] = ()


@dataclass(frozen=True, slots=True)
class Way(Described):
    """What would have to be so; empty where nothing more is needed than what holds anyway."""

    readings: Annotated[
        Mapping[str, str], "Readings: the number of a question, and the letter of its option.", OPTIONAL
    ] = field(default_factory=dict)
    given: Annotated[Mapping[str, str], "Facts that the chart does not give, by path.", OPTIONAL] = field(
        default_factory=dict
    )
    initial: Annotated[Mapping[str, str], "Which of equals is the initial service, by access site.", OPTIONAL] = field(
        default_factory=dict
    )
    until: Annotated[
        Mapping[str, str], "Of a time in `given` the last one, by path: all between lead to the same.", OPTIONAL
    ] = field(default_factory=dict, compare=False)

    @property
    def times(self) -> Mapping[str, str]:
        """The facts by path, a range of times as such: ``09:31 to 10:30``."""
        return {path: f"{it} to {self.until[path]}" if path in self.until else it for path, it in self.given.items()}

    @property
    def size(self) -> int:
        """How much would have to be so."""
        return len(self.readings) + len(self.given) + len(self.initial)


@dataclass(frozen=True, slots=True)
class LineVerdict(Described):
    """What is said of one line, billed, supported or both.

    `says` are the statements behind the message. The rules, the claim edits and what was left out are those
    that concern the line; `hangs_on` is what coding the chart names as deciding.
    """

    kind: Annotated[Kind, "The verdict.", Called("verdict")]
    billed: Annotated[Billed | None, "The line as billed; null where it was not."]
    supported: Annotated[Supported | None, "The line as supported; null where it is not."]
    message: Annotated[str, "One sentence."]
    rules: Rules = ()
    excluded: Annotated[tuple[Exclusion, ...], "What the policy left out that the line is about."] = ()
    edits: Annotated[tuple[Edit, ...], "Claim edits that concern the line."] = ()
    hangs_on: Annotated[
        tuple[str, ...],
        "Questions of which another option gives other units of its codes, another line, or no one claim.",
    ] = ()
    drug: Annotated[bool, "Whether it is the line of a drug itself.", After("code")] = False
    over: Annotated[Amount, "Units beyond what is supported.", After("supported")] = 0
    under: Annotated[Amount, "Units short of what is supported.", After("over")] = 0
    otherwise: Annotated[
        Kind | None,
        "Where it is supported under a reading or if documented: what it is without that.",
        After("under"),
    ] = None
    way: Annotated[
        Way | None,
        "The smallest way under which the line would be right, where it is not as it stands; null where none was found "
        "or looked for.",
        After("otherwise"),
    ] = None
    says: Inside[tuple[Statement, ...]] = field(default=(), compare=False, repr=False)

    @property
    def code(
        self,
    ) -> Annotated[str, "The code as billed, or where it was not billed as supported.", After("kind")]:
        """The code as billed, or where it was not billed as supported."""
        part = self.billed or self.supported
        return part.code if part else ""

    @property
    def disputed(self) -> bool:
        """Whether the line is anything but supported."""
        return self.kind not in {Kind.SUPPORTED, Kind.NOT_JUDGED}


@dataclass(frozen=True, slots=True)
class ByCode(Described):
    """Units by code."""

    over: Annotated[Mapping[str, int | float], "Billed and not supported."]
    under: Annotated[Mapping[str, int | float], "Supported and not billed."]


@dataclass(frozen=True, slots=True)
class BothEdits(Described):
    """Claim edits, a verdict apart from the policy's."""

    billed: Annotated[tuple[Edit, ...], "Of what was billed."]
    supported: Annotated[tuple[Edit, ...], "Of what is supported."]


@dataclass(frozen=True)
class Audit(Described):
    """What is said of a billed claim.

    `over` and `under` are units by code, beyond and short of what the chart supports. `determination` is what the law
    gives for the chart.
    """

    encounter: Annotated[str, "Id of the encounter."]
    date: Annotated[Date, "Date of service."]
    payer: Annotated[str | None, "Payer as charted."]
    policy: Policy
    verdict: Annotated[Verdict, "The verdict on the claim."]
    message: Annotated[str, "The verdict in a sentence or two."]
    lines: Annotated[
        tuple[LineVerdict, ...],
        "The lines: those billed in their order, then those that are missing from the claim.",
    ]
    over: Inside[Mapping[str, int | float]]
    under: Inside[Mapping[str, int | float]]
    way: Annotated[Way | None, "The smallest way under which the whole claim follows; null where none was found."]
    searched: Annotated[
        bool,
        "Whether all readings were gone through, every combination. Of a fact that the chart does not give, values are "
        "tried; of a time, those at which something runs as long as a threshold of the law.",
    ]
    edits_billed: Inside[tuple[Edit, ...]]
    edits_supported: Inside[tuple[Edit, ...]]
    determination: Inside[Determination]
    within: Annotated[
        Count | None,
        "Where not all was looked at: so many questions at most were read otherwise at once (0: the chart leads to too "
        "much). Null where all was looked at, or nothing.",
    ] = None
    notes: Annotated[tuple[str, ...], "Further remarks."] = ()
    submitted: Annotated[Submitted | None, "What an 837 or 835 file says of the claim; null without one."] = None

    @property
    def status(
        self,
    ) -> Annotated[
        str,
        "Whether one claim follows from the chart, several, or none without a missing fact.",
        After("message"),
    ]:
        """The status of the determination."""
        return self.determination.status

    @property
    def units(self) -> Annotated[ByCode, "Units by code.", After("lines")]:
        """The units by code that are beyond and short of what is supported."""
        return ByCode(self.over, self.under)

    @property
    def edits(self) -> Annotated[BothEdits, "Claim edits, a verdict apart from the policy's.", After("within")]:
        """The claim edits of both claims."""
        return BothEdits(self.edits_billed, self.edits_supported)

    @property
    def claim(self) -> Annotated[tuple[ClaimLine, ...], "The claim that follows from the chart.", After("edits")]:
        """The claim that follows from the chart."""
        return self.determination.claim

    @property
    def missing(self) -> Annotated[tuple[MissingFact, ...], "Facts that the chart does not give.", After("claim")]:
        """What is missing."""
        return self.determination.missing

    @property
    def disputed(self) -> tuple[LineVerdict, ...]:
        """The lines that are anything but supported."""
        return tuple(line for line in self.lines if line.disputed)

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        lines = [(_words(it.kind), _part(it.billed), _part(it.supported), it.message, it.rules) for it in self.lines]
        return shown(
            f"{self.encounter}: {_words(self.verdict)}. {self.message}",
            ("Verdict", "Billed", "Supported", "Finding", "Rules"),
            lines,
            {
                "Claim edits": [it.message for it in self.edits_billed],
                "Missing": [f"{it.fact}: {it.message}" for it in self.missing],
                "Notes": list(self.notes),
            },
        )


def _words(verdict: StrEnum) -> str:
    return verdict.value.replace("_", " ")


def _part(part: Billed | Supported | None) -> str:
    return "" if part is None else f"{'-'.join((part.code, *part.modifiers))} × {part.units}"
