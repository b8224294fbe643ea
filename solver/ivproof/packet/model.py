"""What is in a packet: everything that a payer or an auditor is told of one claim, and nothing that is drawn yet.

Plain data, made by `ivproof.packet.maker` and put on paper by `ivproof.render`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from ivproof.audit.model import Audit, Verdict
from ivproof.audit.model import Kind as LineKind
from ivproof.claim.statements import Statement
from ivproof.edits.denials import KINDS
from ivproof.formats.output import Amount, Count, Date, Described, Inside, Keywords
from ivproof.report.timeline import VisitTimeline

FORMAT = "ivproof packet"
VERSION = 1


Severity = Annotated[str, "How it ends: fails, appealable …"]
Edits = tuple[tuple[Severity, Annotated[str, "The edit in a sentence."]], ...]
Pairs = tuple[tuple[Annotated[str, "What."], Annotated[str, "Value."]], ...]
Source = Annotated[str, "Who holds it.", Keywords(enum=["default", "set", "open"])]
Lines = Annotated[tuple[int, ...], "Numbers of the lines that rest on it."]
Citation = Annotated[str, "The rules of the policy that it rests on."]


@dataclass(frozen=True, slots=True)
class Point(Described):
    """One thing that an argument says.

    `kind` is as in `ivproof.why.explanation.Line`, and so are the statements that it `says`, which stay within the
    program. `on` are the ids of the administrations and sites that it speaks of.
    """

    depth: Annotated[Count, "Under which point it stands; 0 is said first."]
    kind: Annotated[str, "step, or what it rests on: fact, measure, counted, against, lacking, needed, not …"]
    text: Annotated[str, "What is said."]
    citation: Annotated[str, "The rules of the policy that it cites; empty for what a step rests on."] = ""
    says: Inside[tuple[Statement, ...]] = field(default=(), compare=False, repr=False)
    on: Inside[tuple[str, ...]] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Cited(Described):
    """A rule that is cited."""

    number: Annotated[str, "Its number: R54; F23 for a national rule."]
    section: Annotated[str, "Its section in the policy's text; `national` for a national rule."]
    says: Annotated[str, "What it says, in our words."]


@dataclass(frozen=True, slots=True)
class CitedRule(Cited):
    """A rule that is cited, with the lines that rest on it."""

    lines: Lines
    text: Annotated[str, "The policy in whose text it stands; empty for a national rule."] = ""


@dataclass(frozen=True, slots=True)
class Nearest(Described):
    """What comes nearest to earning a billed code."""

    code: Annotated[str, "The code."]
    sentence: Annotated[str, "What would have to hold."]
    citation: Citation
    fails: Annotated[tuple[Point, ...], "What fails."]


@dataclass(frozen=True, slots=True)
class Stand(Described):
    """A reading on which the other side could stand."""

    question: Annotated[str, "Number of the question: A19."]
    name: Annotated[str, "Its short name."]
    title: Annotated[str, "What is asked."]
    citation: Annotated[str, "The rules that leave it open."]
    letter: Annotated[str, "Letter of the option."]
    says: Annotated[str, "What the option says."]
    held_letter: Annotated[str, "Letter of the option that is held; empty where none is."]
    held_says: Annotated[str, "What is held."]
    source: Source
    note: Annotated[str, "A remark on the question."]
    effect: Annotated[str, "What the option would make of the line."]


@dataclass(frozen=True, slots=True)
class OtherSide(Described):
    """The strongest argument against what is found of a line."""

    holds: Annotated[str, "Whether it holds, in a few words."]
    argument: Annotated[str, "The argument."]
    answer: Annotated[str, "Why it holds or does not."]
    stands: Annotated[tuple[Stand, ...], "The readings that it needs."] = ()
    given: Annotated[
        tuple[tuple[Annotated[str, "Path in the chart."], Annotated[str, "Value."]], ...],
        "Facts that it would take.",
    ] = ()


@dataclass(frozen=True, slots=True)
class Refused(Described):
    """What the payer said of one billed line."""

    position: Annotated[Count, "Its place on the claim, from 0."]
    group: Annotated[str, "Group of the adjustment: CO, PR …"]
    reason: Annotated[str, "Code of the reason (CARC)."]
    remarks: Annotated[tuple[str, ...], "Codes of remarks (RARC)."]
    words: Annotated[str, "The payer's words."]
    date: Annotated[str, "Date of the denial; empty where it is not known."]
    amount: Annotated[Amount | None, "Dollars not paid."]
    kinds: Annotated[tuple[str, ...], f"What the codes are about: {', '.join(KINDS)}."]
    labels: Annotated[
        tuple[tuple[Annotated[str, "Code."], Annotated[str, "What it says, in our words."]], ...],
        "What the codes say.",
    ]


@dataclass(frozen=True, slots=True)
class DenialAnswer(Described):
    """What the record says to one kind of reason for a denial."""

    kind: Annotated[str, "What the reason is about.", Keywords(enum=[*KINDS])]
    sentences: Annotated[tuple[str, ...], "The answer."]
    flanks: Annotated[tuple[str, ...], "What could be held against it, for the inside."] = ()


@dataclass(frozen=True, slots=True)
class LineFinding(Described):
    """What is found of one line, with its argument."""

    number: Annotated[int, "Number of the line in the packet.", Keywords(minimum=1)]
    verdict: Annotated[str, "The verdict.", Keywords(enum=[it.value for it in LineKind])]
    heading: Annotated[str, "The verdict in a few words."]
    disputed: Annotated[bool, "Whether the line is anything but supported."]
    code: Annotated[str, "The code as billed, or where it was not billed as supported."]
    label: Annotated[str, "What the code stands for."]
    billed: Annotated[str, "Code, modifiers and units as billed; empty where it was not billed."]
    supported: Annotated[str, "Code, modifiers and units as supported; empty where nothing is."]
    over: Annotated[Amount, "Units beyond what is supported."]
    under: Annotated[Amount, "Units short of what is supported."]
    message: Annotated[str, "The finding in a sentence or two."]
    points: Annotated[tuple[Point, ...], "The argument, from what is concluded down to what it rests on."]
    nearest: Annotated[tuple[Nearest, ...], "What comes nearest to earning what was billed beyond what is supported."]
    rules: Annotated[tuple[Cited, ...], "The rules that the argument cites."]
    other_side: OtherSide
    edits: Annotated[Edits, "Claim edits that concern the line."]
    drawn: Annotated[VisitTimeline | None, "The part of the timeline that the line rests on."] = None
    carried: Annotated[
        tuple[str, ...], "Keys of the administrations that carry the line, as the timeline has them."
    ] = ()
    left_out: Annotated[Count, "Administrations of the visit that are not drawn."] = 0
    denied: Annotated[tuple[str, ...], "What the payer said of the line, a sentence each time that it denied it."] = ()
    refused: Annotated[tuple[Refused, ...], "The same as data: each denial of a billed line."] = ()
    answers: Annotated[
        tuple[DenialAnswer, ...], "What the record says to the reasons of denials, where it supports the line."
    ] = ()
    positions: Annotated[tuple[int, ...], "Places on the claim, from 0."] = ()
    modifiers: Annotated[tuple[str, ...], "Modifiers as billed."] = ()


@dataclass(frozen=True, slots=True)
class Relied(Described):
    """What the chart says of one subject: an exhibit."""

    subject: Annotated[str, "Id of the administration or site; empty for the visit as a whole."]
    place: Annotated[str, "Where it stands in the chart; empty for the visit as a whole."]
    facts: Annotated[tuple[tuple[Annotated[str, "The fact."], Annotated[str, "The field."]], ...], "What it says."]
    lines: Lines
    source: Annotated[str, "Where the record has it; empty where the chart does not say."] = ""


@dataclass(frozen=True, slots=True)
class Assumption(Described):
    """What is held of an open question on which the claim depends."""

    question: Annotated[str, "Its number."]
    name: Annotated[str, "Its short name."]
    title: Annotated[str, "What is asked."]
    citation: Annotated[str, "The rules that leave it open."]
    letter: Annotated[str, "Letter of the option that is held; empty where none is."]
    says: Annotated[str, "What is held."]
    source: Source
    note: Annotated[str, "A remark on the question."]
    otherwise: Annotated[
        tuple[
            tuple[
                Annotated[str, "Letter."],
                Annotated[str, "What it says."],
                Annotated[str, "What is different in the claim."],
            ],
            ...,
        ],
        "Other options that give another claim.",
    ]


@dataclass(frozen=True, slots=True)
class Enclosed(Described):
    """The proof that goes with the packet."""

    file: Annotated[str, "Name of its file."]
    sha256: Annotated[str, "Hash of the file.", Keywords(pattern="^[0-9a-f]{64}$")]
    seal: Annotated[str, "The proof's own seal."]
    size: Annotated[Count, "Bytes."]
    commands: Annotated[tuple[str, ...], "Commands that make it again, hash it and check it."]
    content: Inside[bytes] = field(repr=False, default=b"")


@dataclass(frozen=True, kw_only=True)
class Packet(Described):
    """Everything that is sent of one claim; the proof itself is a file beside it."""

    format: Annotated[str, Keywords(const=FORMAT)] = FORMAT
    version: Annotated[int, Keywords(const=VERSION)] = VERSION
    encounter: Annotated[str, "Id of the encounter."]
    date: Annotated[Date, "Date of service."]
    policy: Annotated[str, "The policy by which the claim is judged."]
    edition: Annotated[str, "Its edition."]
    about: Annotated[Pairs, "The visit on the cover."]
    identity: Annotated[Pairs, "What was used, by hash."]
    verdict: Annotated[str, "The verdict on the claim.", Keywords(enum=[it.value for it in Verdict])]
    sentence: Annotated[str, "The verdict in a sentence."]
    message: Annotated[str, "What it rests on; empty where the sentence says it all."]
    findings: Annotated[
        tuple[LineFinding, ...], "The lines: those billed in their order, then those that were not billed."
    ]
    rules: Annotated[tuple[CitedRule, ...], "Every rule that is cited, once."]
    edits_billed: Annotated[Edits, "Claim edits of what was billed."]
    edits_supported: Annotated[Edits, "Claim edits of what is supported."]
    facts: Annotated[tuple[Relied, ...], "What is relied on, with its places in the chart."]
    assumed: Annotated[tuple[Assumption, ...], "What was assumed."]
    undocumented: Annotated[
        tuple[
            tuple[
                Annotated[str, "Path."],
                Annotated[str, "What follows."],
                Annotated[str, "What weight it has."],
            ],
            ...,
        ],
        "Facts that the chart does not give.",
    ]
    notes: Annotated[tuple[str, ...], "Further remarks."]
    proof: Enclosed
    payer: Annotated[str, "The payer; empty where the chart names none."] = ""
    claim_number: Annotated[str, "The payer's number of the claim, where a remittance gave it."] = ""
    drawn: Annotated[VisitTimeline | None, "The part of the timeline that its argued lines rest on."] = None
    beside: Annotated[
        tuple[CitedRule, ...], "National rules that confirm cited rules of the text; the section is that of those."
    ] = ()
    stands_on: Annotated[str, "On what policy this one stands, if it does, and where it differs."] = ""
    audit: Annotated[Audit, "The audit, as `ivproof schema audit` has it."] = field(repr=False)

    @property
    def denied(self) -> tuple[LineFinding, ...]:
        """The lines that the payer denied, whatever the chart supports."""
        return tuple(it for it in self.findings if it.denied)

    @property
    def disputed(self) -> tuple[LineFinding, ...]:
        """The other lines that are anything but supported."""
        return tuple(it for it in self.findings if it.disputed and not it.denied)

    @property
    def standing(self) -> tuple[LineFinding, ...]:
        """The other lines that stand, or that nobody can judge."""
        return tuple(it for it in self.findings if not it.disputed and not it.denied)
