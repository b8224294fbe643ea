"""What is written of packets, for one of two readers: the payer, or those who decide whether and how to appeal.

The payer gets what the record supports of the lines that it denied, the answer to each reason, the exhibits and the
authority. What could be held against it (other readings, warnings of claim edits, gaps of the chart) is for the inside
alone, and so is what the chart does not support. Every sentence about the chart comes from the packet.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ivproof.packet.answers import sentences
from ivproof.packet.blocks import (
    Block,
    Document,
    Figure,
    Heading,
    Item,
    Items,
    NamedValues,
    Signature,
    TableBlock,
    Text,
    TypedLines,
)
from ivproof.packet.model import Assumption, CitedRule, LineFinding, Packet, Point, Refused
from ivproof.report.legend import KINDS, SEVERITIES

Edition = Literal["payer", "internal"]

_TAGGED = frozenset({"measure", "counted", "against", "lacking", "needed", "fact"})
_EVIDENCE = frozenset({"measure", "counted", "fact"})
_NUMBER = re.compile(r"\b[FR]\d+\b")

SO_READ = {"supported_under_reading": ", so read", "supported_if_documented": ", so documented"}
AS_IT_IS = {"supported_under_reading": ", as it is read here", "supported_if_documented": ", as it stands"}
"""What the argument of a line is about that would be right under something: that, or what holds without it."""


class CoverError(ValueError):
    """A file for the cover that cannot be used; the message says what was found and what was expected."""


class NothingToArgueError(ValueError):
    """No line of a claim that the chart supports as it was billed: there is nothing to send."""


@dataclass(frozen=True)
class Cover:
    """What a cover says that neither the chart nor a remittance has; what is empty is left to be filled in by hand.

    `numbers` are the payer's numbers of claims by encounter.
    """

    level: str = ""
    provider: str = ""
    provider_id: str = ""
    patient: str = ""
    member_id: str = ""
    to: str = ""
    due: str = ""
    contact: str = ""
    signed_by: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def read(text: str) -> Cover:
        """Read a cover from TOML: these names with texts, and a table ``numbers``. Raises CoverError."""
        known = list(Cover.__dataclass_fields__)
        try:
            given: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise CoverError(f"found no TOML ({error}), expected some of {', '.join(known)}") from None
        for name, value in given.items():
            if name not in known:
                raise CoverError(f"{name}: found a name that is not known here, expected some of {', '.join(known)}")
            if name == "numbers":
                if not isinstance(value, dict) or not all(isinstance(it, str) for it in value.values()):
                    raise CoverError('numbers: found no table of texts, expected "ENCOUNTER" = "number" in each line')
            elif not isinstance(value, str):
                raise CoverError(f"{name}: found no text, expected it in quotes")
        return Cover(**given)


def argued(packet: Packet) -> tuple[LineFinding, ...]:
    """The lines that are argued to a payer: the denied ones that the chart supports; without a denial, all of these."""
    lines = packet.denied or packet.findings
    return tuple(it for it in lines if it.verdict == "supported" and it.billed)


def left_to_payer(packet: Packet) -> tuple[LineFinding, ...]:
    """The denied lines that are not argued, because the chart does not support them as they were billed."""
    return tuple(it for it in packet.denied if it not in argued(packet))


def document(packets: Sequence[Packet], edition: Edition, cover: Cover | None = None) -> Document:
    """Write packets, all of one payer, as one document. Raises NothingToArgueError for a payer without such a line."""
    writer = _ForPayer if edition == "payer" else _Internal
    return writer(packets, cover or Cover()).document()


class _Writer:
    """What both editions have."""

    def __init__(self, packets: Sequence[Packet], cover: Cover) -> None:
        self.packets = packets
        self.cover = cover
        self.several = len(packets) > 1
        self._told: set[str] = set()

    def anchor(self, number: int, line: int) -> str:
        """The name of the heading of a line."""
        return f"line-{number}-{line}" if self.several else f"line-{line}"

    def exhibits(self, number: int) -> dict[str, str]:
        """The numbers of the exhibits of a claim, by what they are about."""
        front = f"{number}." if self.several else ""
        return {it.subject: f"{front}{n}" for n, it in enumerate(self.packets[number - 1].facts, 1)}

    def points(self, number: int, points: Iterable[Point]) -> Iterator[Item]:
        """The points of an argument; what was told before is not told again, but for what is said first and lengths."""
        exhibits = self.exhibits(number)
        for it in points:
            key = f"{number} {it.text}"
            if it.depth and key in self._told:
                continue
            self._told.add(key)
            tag = KINDS[it.kind] if it.kind in _TAGGED else ""
            shown = (
                [exhibits[name] for name in it.on if name in exhibits] if it.kind in _EVIDENCE or not it.depth else []
            )
            cite = "; ".join(filter(None, (self.cited(it), _exhibits(shown))))
            yield Item(min(it.depth, 3), it.text, tag, cite, it.kind == "measure")

    def cited(self, point: Point) -> str:
        """What a point cites."""
        raise NotImplementedError

    def figure(self, number: int, packet: Packet) -> Iterator[Block]:
        """The drawing of a claim."""
        if packet.drawn is None:
            return
        rows = [row.key for lane in packet.drawn.lanes for row in lane.rows]
        marked = tuple(dict.fromkeys(key for it in self.shown(packet) for key in it.carried if key in rows))
        more = len(packet.audit.determination.claim) and self._not_drawn(packet, rows)
        said = f"Further administrations of the visit that are not drawn: {more}." if more else ""
        yield Figure(packet.drawn, marked, said, f"t{number}")

    def _not_drawn(self, packet: Packet, rows: Sequence[str]) -> int:
        left = [
            it.left_out + sum(map(len, (lane.rows for lane in it.drawn.lanes))) for it in packet.findings if it.drawn
        ]
        return max(left, default=len(rows)) - len(rows)

    def shown(self, packet: Packet) -> tuple[LineFinding, ...]:
        """The lines that are argued."""
        raise NotImplementedError

    def proofs(self) -> Iterator[Block]:
        """How to check."""
        yield Text(
            "The claim that the record supports was derived by a program and proved step by step. Who has the chart "
            "can make the same proof and check it by a second program, which shares no code with the first:"
        )
        for it in self.packets:
            yield TypedLines(it.proof.commands)
            yield Text(f"SHA-256 of {it.proof.file}: {it.proof.sha256}", "quiet")

    def dates(self) -> str:
        """The dates of service."""
        days = sorted({it.date for it in self.packets})
        return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


class _ForPayer(_Writer):
    def document(self) -> Document:
        if not any(argued(it) for it in self.packets):
            raise NothingToArgueError(
                "found no line that the chart supports as it was billed among those in dispute, expected one to "
                "argue for"
            )
        denied = any(it.denied for it in self.packets)
        what = "Appeal of denied lines" if denied else "Support for a claim as billed"
        first = self.packets[0]
        about = f"encounter {first.encounter}" if not self.several else f"{len(self.packets)} claims"
        blocks = (
            *self._cover(denied),
            *(block for n, it in enumerate(self.packets, 1) for block in self._claim(n, it)),
            *self._exhibits(),
            *self._authority(),
            Heading(2, "How to check this"),
            *self.proofs(),
        )
        return Document(
            f"{what}, {about}",
            "Appeal" if denied else "Claim support",
            (f"{what}, {about}", first.payer),
            f"{about[:1].upper()}{about[1:]}, {self.dates()}",
            blocks,
        )

    def shown(self, packet: Packet) -> tuple[LineFinding, ...]:
        return argued(packet)

    # --- the cover

    def _cover(self, denied: bool) -> Iterator[Block]:
        cover, first = self.cover, self.packets[0]
        yield Heading(1, "Appeal of denied lines" if denied else "Support for a claim as billed")
        pairs = [
            ("To", cover.to or first.payer),
            ("Level of appeal", cover.level),
            ("Provider", cover.provider),
            ("Provider number", cover.provider_id),
            ("Patient", cover.patient),
            ("Member number", cover.member_id),
        ]
        if not self.several:
            pairs += [
                ("Claim number", self._number(first)),
                ("Account", first.encounter),
                ("Date of service", first.date),
                *([("Diagnoses", value)] if (value := dict(first.about).get("Diagnoses")) else []),
            ]
        said = sorted({it.date for one in self.packets for line in one.denied for it in line.refused if it.date})
        pairs += [("Date of the denial", " and ".join(said))] if denied else []
        pairs += [("To be filed by", cover.due)] if cover.due else []
        yield NamedValues(tuple(pairs if denied else pairs[:1] + pairs[2:]))
        yield Text(self._asks(denied), "box")
        yield self._summary(denied)
        left = [(n, it, line) for n, it in enumerate(self.packets, 1) for line in left_to_payer(it)]
        if left:
            named = ", ".join(f"{it.encounter + ': ' if self.several else ''}{line.billed}" for _, it, line in left)
            yield Text(f"Not contested: {named}.")
        yield Signature((f"Signed{f', {cover.signed_by}' if cover.signed_by else ''}", "Date"))
        if cover.contact:
            yield Text(f"Questions to {cover.contact}.", "quiet")

    def _number(self, packet: Packet) -> str:
        return self.cover.numbers.get(packet.encounter, "") or packet.claim_number

    def _asks(self, denied: bool) -> str:
        lines = sum(len(argued(it)) for it in self.packets)
        what = "the line below as it was billed" if lines == 1 else f"the {lines} lines below as they were billed"
        return f"The medical record supports {what}.{' We ask that the denial be reversed.' if denied else ''}"

    def _summary(self, denied: bool) -> TableBlock:
        """The lines with the payer's reasons and the amounts."""
        rows, anchors = [], []
        amounts: dict[tuple[int, int], float] = {}
        for n, packet in enumerate(self.packets, 1):
            for line in argued(packet):
                own = {(n, it.position): it.amount for it in line.refused if it.amount is not None}
                shared = any(key in amounts for key in own)
                amounts |= own
                money = "" if not own else "with the line above" if shared else f"{sum(own.values()):.2f}"
                claim = [packet.encounter, packet.date, self._number(packet)] if self.several else []
                said = [_codes(line.refused), money] if denied else []
                rows.append((*claim, line.billed, line.label, *said))
                anchors.append(self.anchor(n, line.number))
        head = [*(("Account", "Date", "Claim number") if self.several else ()), "Billed", "Service"]
        head += ["Denied by", "Not paid"] if denied else []
        total = bool(amounts) and len(rows) > 1
        if total:
            rows.append((*[""] * (len(head) - 2), "Together", f"{sum(amounts.values()):.2f}"))
        widths = [*((0, 0, 0) if self.several else ()), 0, 1, *((1, 0) if denied else ())]
        return TableBlock(tuple(head), tuple(rows), tuple(widths), "lines", tuple(anchors), total=total)

    # --- the argument

    def _claim(self, number: int, packet: Packet) -> Iterator[Block]:
        lines = argued(packet)
        if not lines:
            return
        yield Heading(2, f"Account {packet.encounter}, {packet.date}" if self.several else "What the record shows")
        yield from self.figure(number, packet)
        for it in lines:
            yield Heading(3, f"Line {it.number}: {it.billed}", it.label, self.anchor(number, it.number))
            for said in it.refused:
                yield Text(_said(said), lead="The payer:")
            for about, answer in sentences(it.answers):
                yield Text(answer, lead=f"Answer on {about}:")
            yield Items(tuple(self.points(number, it.points)))

    def cited(self, point: Point) -> str:
        numbers = _NUMBER.findall(point.citation)
        rules = {it.number: it for one in self.packets for it in one.rules}
        sections: dict[str, dict[str, None]] = {}
        for it in numbers:
            if it in rules and rules[it].text:
                sections.setdefault(rules[it].text, {})[rules[it].section] = None
        told = [f"{text} {', '.join(parts)}" for text, parts in sections.items()]
        national = [self._national()[it] for it in dict.fromkeys(numbers) if it in self._national()]
        return "; ".join((*told, *national))

    # --- exhibits and authority

    def _exhibits(self) -> Iterator[Block]:
        rows = []
        for n, packet in enumerate(self.packets, 1):
            numbers = {it.number for it in argued(packet)}
            exhibits = self.exhibits(n)
            for it in packet.facts:
                if not numbers & set(it.lines):
                    continue
                facts = "; ".join(text for text, _ in it.facts)
                source = it.source if it.subject else "face sheet and claim"
                rows.append((exhibits[it.subject], it.subject or "the visit", facts, source if it.subject else ""))
        if rows:
            yield Heading(2, "Exhibits: what the record says, and where")
            yield TableBlock(
                ("Exhibit", "About", "What the record says", "Page of the record"), tuple(rows), (0, 0, 3, 1)
            )

    def _used(self) -> tuple[list[CitedRule], list[CitedRule]]:
        """The rules that the argued lines rest on: those of the text, and the national ones with those that confirm."""
        text: dict[str, CitedRule] = {}
        national: dict[str, CitedRule] = {}
        for packet in self.packets:
            numbers = {it.number for it in argued(packet)}
            for rule in packet.rules:
                if numbers & set(rule.lines):
                    (text if rule.text else national).setdefault(rule.number, rule)
            for rule in packet.beside:
                if numbers & set(rule.lines):
                    national.setdefault(rule.number, rule)
        return list(text.values()), list(national.values())

    def _national(self) -> dict[str, str]:
        return {it.number: f"N{n}" for n, it in enumerate(self._used()[1], 1)}

    def _authority(self) -> Iterator[Block]:
        text, national = self._used()
        first = self.packets[0]
        yield Heading(2, "Authority")
        texts = list(dict.fromkeys(rule.text for rule in text))
        marks = [f"{' and '.join(texts)} is cited by its sections"] if texts else []
        marks += [_national_marks(len(national))] if national else []
        marked = f"{'; '.join(marks)}. " if marks else ""
        below = f"{first.stands_on} " if first.stands_on else ""
        yield Text(f"{first.policy}, edition {first.edition}. {below}{marked}What is cited is given in our words.")
        sections: dict[str, list[str]] = {}
        for rule in text:
            sections.setdefault(f"{rule.text} {rule.section}", []).append(rule.says)
        rows = [(section, " ".join(says)) for section, says in sections.items()]
        names = self._national()
        confirming = {rule for one in self.packets for rule in one.beside}
        for rule in national:
            rows.append((f"{names[rule.number]}{f' (with {rule.section})' if rule in confirming else ''}", rule.says))
        yield TableBlock(("Source", "What it says"), tuple(rows), (1, 4), "rules")
        stands = [stand for one in self.packets for it in argued(one) for stand in it.other_side.stands]
        said = dict.fromkeys(
            f"{it.title}{'' if it.title.endswith('?') else ':'} {it.held_says}." for it in stands if it.held_says
        )
        if said:
            yield Text(" ".join(said), lead="How the text is read where this claim turns on it:")


def _national_marks(number: int) -> str:
    return "N1 is a national rule" if number == 1 else f"N1 to N{number} are national rules"


class _Internal(_Writer):
    def document(self) -> Document:
        first = self.packets[0]
        about = f"encounter {first.encounter}" if not self.several else f"{len(self.packets)} claims"
        title = f"{first.encounter}, {first.date}: claim review" if not self.several else f"{about}: claim review"
        blocks = [block for n, it in enumerate(self.packets, 1) for block in self._claim(n, it)]
        if self.several:
            blocks = [*self._summary(), *blocks]
        blocks += [*self._rules(), Heading(2, "The proof, and how to check it"), *self.proofs(), *self._identity()]
        return Document(
            title,
            "Claim review, internal: not to be sent",
            (f"Claim review, {about}: internal, not to be sent", f"{first.policy}, edition {first.edition}"),
            f"{about[:1].upper()}{about[1:]}, {self.dates()}",
            tuple(blocks),
        )

    def shown(self, packet: Packet) -> tuple[LineFinding, ...]:
        return packet.findings

    def cited(self, point: Point) -> str:
        return point.citation if point.kind != "fact" else ""

    def _summary(self) -> Iterator[Block]:
        yield Heading(1, f"{len(self.packets)} claims of {self.packets[0].payer or 'one payer'}")
        rows, total, argued_ = [], 0.0, 0.0
        for it in self.packets:
            refused = {one.position: one.amount or 0 for line in it.denied for one in line.refused}
            lost = {one.position for line in left_to_payer(it) for one in line.refused}
            whole = sum(amount for place, amount in refused.items() if place not in lost)
            total, argued_ = total + sum(refused.values()), argued_ + whole
            money = f"{sum(refused.values()):.2f}", f"{whole:.2f}"
            rows.append((it.encounter, it.date, it.verdict.replace("_", " "), str(len(it.denied)), *money))
        rows.append(("Together", "", "", "", f"{total:.2f}", f"{argued_:.2f}"))
        head = ("Account", "Date", "Verdict", "Lines denied", "Not paid", "Of it on lines that the chart supports")
        yield TableBlock(head, tuple(rows), (0, 0, 1, 0, 0, 0), total=True)

    def _claim(self, number: int, packet: Packet) -> Iterator[Block]:
        yield Heading(1, f"Encounter {packet.encounter}")
        yield NamedValues(
            (
                *(it for it in packet.about if not it[0].startswith("Record of ")),
                ("Policy", packet.policy),
                ("Edition", packet.edition),
            )
        )
        yield Text(packet.message, "box", packet.sentence)
        yield Heading(2, "The claim beside what the chart supports")
        if packet.findings:
            yield self._lines(number, packet)
        else:
            yield Text("Nothing was billed and nothing is supported.")
        yield from self.figure(number, packet)
        yield from self._edits(packet)
        alone = not packet.disputed and not packet.denied
        parts = (
            ("Lines that the payer denied", packet.denied, True),
            ("Other lines in dispute" if packet.denied else "Lines in dispute", packet.disputed, True),
            ("Why each line stands" if alone else "Lines that stand", packet.standing, alone),
        )
        for title, lines, full in parts:
            if lines:
                yield Heading(2, title)
            for it in lines:
                yield from self._argued(number, it, full)
        yield from self._facts(number, packet)
        yield from self._assumed(packet)

    def _lines(self, number: int, packet: Packet) -> TableBlock:
        rows = tuple(
            (
                str(it.number),
                it.billed or "–",
                it.label,
                it.supported or "–",
                f"{it.heading}{'; denied by the payer' if it.denied else ''}",
            )
            for it in packet.findings
        )
        marked = tuple(n for n, it in enumerate(packet.findings) if it.disputed)
        anchors = tuple(self.anchor(number, it.number) for it in packet.findings)
        head = ("#", "Billed", "What it is", "Supported", "Verdict")
        return TableBlock(head, rows, (0, 0, 1, 0, 1), "lines", anchors, marked)

    def _edits(self, packet: Packet) -> Iterator[Block]:
        yield Heading(2, "Claim edits: a second verdict, apart from the policy")
        billed, supported = packet.edits_billed, packet.edits_supported
        if not billed and not supported:
            yield Text("No claim edit meets the claim as billed, and none the claim that the chart supports.")
        elif billed == supported:
            yield Text("Of the claim as billed, and of the claim that the chart supports:")
            yield _edits(billed)
        else:
            for what, found in (("claim as billed", billed), ("claim that the chart supports", supported)):
                yield Text(f"Of the {what}:" if found else f"No claim edit meets the {what}.")
                if found:
                    yield _edits(found)
        for note in packet.notes:
            yield Text(note, "quiet")

    def _argued(self, number: int, it: LineFinding, full: bool) -> Iterator[Block]:
        title = it.billed or f"{it.supported}, not billed"
        if it.billed and it.supported and it.billed != it.supported:
            title = f"{it.billed} billed, {it.supported} supported"
        yield Heading(3, f"Line {it.number}: {title}", it.heading, self.anchor(number, it.number))
        for said in it.denied:
            yield Text(said, "strong")
        for one in it.refused:
            if meant := ", ".join(f"{code}: {label}" for code, label in one.labels):
                yield Text(f"{meant}.", "quiet")
        yield Text(it.message)
        for about, answer in sentences(it.answers):
            yield Text(answer, lead=f"Answer on {about}:")
        if it.denied and not it.answers:
            yield Text(self._unanswered(it))
        if flanks := [flank for answer in it.answers for flank in answer.flanks]:
            yield Text(" ".join(flanks), lead="Open flank:")
        for near in it.nearest:
            rule = f"the rule “{near.sentence.rstrip('.')}” ({near.citation})" if near.citation else near.sentence
            yield Text(f"What comes nearest to {near.code} is {rule.rstrip('.')}. It fails here:")
            yield Items(tuple(self.points(number, near.fails)))
        if it.points:
            # what is billed and supported alike is argued as that one of the claims that has it
            so = SO_READ if it.billed == it.supported else AS_IT_IS
            yield Text(f"What follows from the chart{so.get(it.verdict, '')}:")
            yield Items(tuple(self.points(number, it.points)))
        if it.rules:
            yield Text(f"Rests on {', '.join(rule.number for rule in it.rules)}.", "quiet")
        if full or it.other_side.holds != "none was found":
            lead = f"The other side's strongest argument: {it.other_side.holds}."
            yield Text(" ".join(filter(None, (it.other_side.argument, it.other_side.answer))), "aside", lead)
        if it.edits:
            yield Text("Claim edits that concern this line, apart from the policy:")
            yield _edits(it.edits)

    def _unanswered(self, it: LineFinding) -> str:
        if it.verdict != "supported":
            return "The chart does not support the line as it was billed: the edition for the payer leaves it out."
        return "What the codes of the denial are about is not known here: the argument below is the answer."

    def _facts(self, number: int, packet: Packet) -> Iterator[Block]:
        yield Heading(2, "Facts relied on: the exhibits")
        if not packet.facts:
            yield Text("No fact of the chart carries a line.")
            return
        exhibits = self.exhibits(number)
        rows = tuple(
            (
                exhibits[it.subject],
                it.subject or "the visit",
                f"{'; '.join(text for text, _ in it.facts)}.",
                f"{it.place}{': ' if it.place and it.source else ''}{it.source}",
                ", ".join(map(str, it.lines)),
            )
            for it in packet.facts
        )
        head = ("Exhibit", "About", "What the chart says", "Place in the chart, and in the record", "Lines")
        yield TableBlock(head, rows, (0, 0, 3, 2, 0), "relied")
        bare = [it.subject for it in packet.facts if it.subject and not it.source]
        if bare:
            yield Text(f"No page of the record is given (`source`) for: {', '.join(bare)}.")

    def _assumed(self, packet: Packet) -> Iterator[Block]:
        yield Heading(2, "What was assumed")
        if not packet.assumed and not packet.undocumented:
            yield Text(
                "No open question of the policy decides over this claim, and nothing is missing that it depends on."
            )
        if packet.assumed:
            yield Text(
                "The text of the policy leaves these questions open, and this claim depends on the answer. For every "
                "other option it is told what the claim would be with it alone."
            )
        for it in packet.assumed:
            yield Text(_held(it), lead=f"{it.question} {it.title}")
            yield Items(tuple(Item(1, _other(it, *other)) for other in it.otherwise))
        if packet.undocumented:
            yield Heading(3, "What the chart does not give")
            yield TableBlock(("Fact", "What follows", "Weight"), packet.undocumented, (0, 2, 1), "relied")

    def _rules(self) -> Iterator[Block]:
        rules: dict[str, CitedRule] = {it.number: it for one in self.packets for it in one.rules}
        if not rules:
            return
        yield Heading(2, f"The rules that are cited, edition {self.packets[0].edition}")
        yield Text(
            "The numbers (R for the text, F for national rules, A for questions) are this program's own.", "quiet"
        )
        rows = tuple(
            (
                it.number,
                it.section,
                it.says,
                "" if self.several else ", ".join(map(str, it.lines)),
            )
            for it in rules.values()
        )
        yield TableBlock(
            ("Rule", "Section", "What it says", "" if self.several else "Lines"), rows, (0, 0, 1, 0), "rules",
            ids=tuple(f"rule-{it}" for it in rules),
        )  # fmt: skip

    def _identity(self) -> Iterator[Block]:
        for packet in self.packets:
            yield NamedValues((("Seal of the proof", packet.proof.seal), *packet.identity))


# --- sentences


def _codes(refused: Iterable[Refused]) -> str:
    """The codes of a denial, with what they say."""
    parts = []
    for it in refused:
        codes = " ".join(filter(None, (it.group, it.reason, *it.remarks)))
        labels = "; ".join(label for _, label in it.labels)
        parts.append(f"{codes}{': ' if codes and labels else ''}{labels}" or it.words)
    return "; ".join(parts)


def _said(it: Refused) -> str:
    """What the payer said of a line."""
    words = f"“{it.words}”" if it.words else ""
    amount = f"{it.amount:.2f} not paid" if it.amount is not None else ""
    labels = "; ".join(f"{code}, {label}" for code, label in it.labels)
    codes = f"{it.group} {labels}".strip() if labels else " ".join(filter(None, (it.group, it.reason, *it.remarks)))
    return f"{'; '.join(filter(None, (codes, words, amount)))}."


def _exhibits(numbers: Sequence[str]) -> str:
    return f"Exhibit{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}" if numbers else ""


def _edits(edits: Iterable[tuple[str, str]]) -> Items:
    return Items(tuple(Item(0, message, SEVERITIES.get(severity, severity)) for severity, message in edits))


def _held(it: Assumption) -> str:
    held = "Unresolved: no option is held."
    if it.source != "open":
        how = "as set for this audit" if it.source == "set" else "by default"
        held = f"Held, {how}: option {it.letter}, “{it.says}”."
    return " ".join(filter(None, (f"({it.citation})" if it.citation else "", held, it.note)))


def _other(it: Assumption, letter: str, says: str, gives: str) -> str:
    leads = "leads to" if it.source == "open" else "would give"
    return f"Option {letter}, “{says}”{f' {leads} {gives}' if gives else ''}."
