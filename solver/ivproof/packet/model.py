"""What is in a packet: everything that a payer or an auditor is told of one claim, and nothing that is drawn yet.

Plain data, made by `ivproof.packet.maker` and put on paper by `ivproof.render`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from ivproof.audit.model import Audit
from ivproof.claim.statements import Statement
from ivproof.report.timeline import Timeline

FORMAT = "ivproof packet"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that an argument says: a step with its citation, or a length against its threshold.

    `depth` tells under which point it stands, 0 for what is said first. `kind` is as in
    `ivproof.why.explanation.Line`, and so are the statements that it `says`, which stay within the program. `on`
    are the ids of the administrations and sites that it speaks of.
    """

    depth: int
    kind: str
    text: str
    citation: str = ""
    says: tuple[Statement, ...] = field(default=(), compare=False, repr=False)
    on: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Cited:
    """A rule of the policy's text: its number, its section and what it says in our words; or a national rule."""

    number: str
    section: str
    says: str


@dataclass(frozen=True, slots=True)
class Rule(Cited):
    """A rule with the numbers of the lines that rest on it; `text` is the policy in whose text it stands, if any."""

    lines: tuple[int, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Nearest:
    """What comes nearest to earning a billed code: what would have to hold, by which rules, and what fails."""

    code: str
    sentence: str
    citation: str
    fails: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Stand:
    """A reading on which the other side could stand: the question, the option, and what is held instead.

    `source` is ``default`` (held as supported), ``set`` (settled for this audit) or ``open`` (nobody holds an option).
    `effect` is what it would make of the line.
    """

    question: str
    name: str
    title: str
    citation: str
    letter: str
    says: str
    held_letter: str
    held_says: str
    source: str
    note: str
    effect: str


@dataclass(frozen=True, slots=True)
class OtherSide:
    """The strongest argument against what is found of a line, and why it holds or does not.

    `holds` says it in a few words, `argument` and `answer` in sentences; `stands` are the readings that the argument
    needs, `given` the facts that it would take, by path.
    """

    holds: str
    argument: str
    answer: str
    stands: tuple[Stand, ...] = ()
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """What the payer said of one billed line: its place on the claim from 0, the codes, its words, dollars not paid.

    `kinds` say what the codes are about (`ivproof.edits.denials.KINDS`), `labels` what each code says, in our words.
    """

    position: int
    group: str
    reason: str
    remarks: tuple[str, ...]
    words: str
    date: str
    amount: float | None
    kinds: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the record says to one kind of reason for a denial; `flanks` are what could be held against it, for us."""

    kind: str
    sentences: tuple[str, ...]
    flanks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What is found of one line, with its argument; `drawn` is the part of the timeline that it rests on.

    `carried` are the keys of the administrations that carry the line, `left_out` counts the administrations of the
    visit that are not drawn. `denied` is what the payer said of it, a sentence each time; `refused` the same as data,
    and `answers` what the record says to it, where it supports the line. `positions` are its places on the claim
    from 0, `modifiers` those that were billed.
    """

    number: int
    verdict: str
    heading: str
    disputed: bool
    code: str
    label: str
    billed: str
    supported: str
    over: int | float
    under: int | float
    message: str
    points: tuple[Point, ...]
    nearest: tuple[Nearest, ...]
    rules: tuple[Cited, ...]
    other_side: OtherSide
    edits: tuple[tuple[str, str], ...]
    drawn: Timeline | None = None
    carried: tuple[str, ...] = ()
    left_out: int = 0
    denied: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    answers: tuple[Answer, ...] = ()
    positions: tuple[int, ...] = ()
    modifiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relied:
    """What the chart says of one subject, and the numbers of the lines that rest on it: an exhibit.

    Each fact comes with its field; `place` is where the subject stands in the chart, "" for the visit as a whole, and
    `source` where the record has it, "" where the chart does not say.
    """

    subject: str
    place: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[int, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Assumption:
    """An option that is held of an open question and on which the claim depends.

    `otherwise` has for each other option that gives another claim its letter, what it says, and the difference.
    """

    question: str
    name: str
    title: str
    citation: str
    letter: str
    says: str
    source: str
    note: str
    otherwise: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Enclosed:
    """The proof that goes with the packet: the name of its file, its hash and size, and the commands that check it."""

    file: str
    sha256: str
    seal: str
    size: int
    commands: tuple[str, ...]
    content: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class Packet:
    """Everything that is sent of one claim.

    `about` are the pairs of the cover, `identity` what was used, by hash; `sentence` is the verdict in words. Claim
    edits come as severity and message; what is undocumented as fact, what follows, and what weight it has. `drawn` is
    the part of the timeline that its argued lines rest on, `beside` are national rules that confirm cited ones of the
    text, `claim_number` is the payer's, where a remittance gave it. `stands_on` says on what policy this one stands, if
    it does, and where it differs.
    """

    encounter: str
    date: str
    policy: str
    edition: str
    about: tuple[tuple[str, str], ...]
    identity: tuple[tuple[str, str], ...]
    verdict: str
    sentence: str
    message: str
    findings: tuple[Finding, ...]
    rules: tuple[Rule, ...]
    edits_billed: tuple[tuple[str, str], ...]
    edits_supported: tuple[tuple[str, str], ...]
    facts: tuple[Relied, ...]
    assumed: tuple[Assumption, ...]
    undocumented: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    proof: Enclosed
    audit: Audit = field(repr=False)
    payer: str = ""
    claim_number: str = ""
    drawn: Timeline | None = None
    beside: tuple[Rule, ...] = ()
    stands_on: str = ""

    @property
    def denied(self) -> tuple[Finding, ...]:
        """The lines that the payer denied, whatever the chart supports."""
        return tuple(it for it in self.findings if it.denied)

    @property
    def disputed(self) -> tuple[Finding, ...]:
        """The other lines that are anything but supported."""
        return tuple(it for it in self.findings if it.disputed and not it.denied)

    @property
    def standing(self) -> tuple[Finding, ...]:
        """The other lines that stand, or that nobody can judge."""
        return tuple(it for it in self.findings if not it.disputed and not it.denied)

    def as_dict(self) -> dict[str, Any]:
        """The packet as plain data, in a fixed order; the proof itself is a file beside it."""
        names = [it.name for it in fields(self) if it.name != "audit"]
        plain = {name: _plain(getattr(self, name)) for name in names}
        return {"format": FORMAT, "version": VERSION, **plain, "audit": self.audit.as_dict()}


def _plain(value: object) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(it) for name, it in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(it) for it in value]
    if is_dataclass(value):
        # the statements behind a point stay within the program; elsewhere `says` is text
        left_out = {"content", "says", "on"} if isinstance(value, Point) else {"content"}
        return {it.name: _plain(getattr(value, it.name)) for it in fields(value) if it.name not in left_out}
    raise TypeError(f"no plain data: {type(value).__name__}")
