"""The other side's strongest argument about a line, and why it holds or does not.

It is a reading of the policy that is not held, or a fact that the chart does not give; the audit has looked for them.
"""

from __future__ import annotations

from collections.abc import Collection

from ivproof.audit.model import Audit, Kind, LineVerdict, Way
from ivproof.audit.verdicts import times
from ivproof.claim.determination import Reading
from ivproof.law.policy import Policy
from ivproof.packet.model import OtherSide, Stand

STANDS = 3
"""So many readings are told that would take a line away; further ones are in the list of what was assumed."""


GAPS = (
    "of facts that the chart does not give, values were tried: of a time, those at which something runs as long as a "
    "threshold of the law"
)
"""How far the facts that a chart does not give were gone through."""


class OtherSides:
    """Finds the strongest argument against what an audit says of its lines."""

    def __init__(self, policy: Policy, audit: Audit, settled: Collection[str]) -> None:
        self._policy = policy
        self._audit = audit
        self._settled = settled
        self._readings = {it.question: it for it in audit.determination.readings}
        self._answered: dict[str, int] = {}
        self._number = 0

    def of(self, line: LineVerdict, number: int) -> OtherSide:
        """The other side's strongest argument about the line of that number; what was answered before is not again."""
        self._number = number
        if line.kind is Kind.NOT_JUDGED:
            return OtherSide("not judged", "The line is not judged, so nothing is held against it.", "")
        if not line.disputed:
            return self._against_supported(line)
        if line.way is not None and line.way.size:
            return self._under(line, line.way)
        if self._audit.within:
            tried = "by itself" if self._audit.within == 1 else "by itself and with one other"
            return OtherSide(
                "none was found",
                f"Every option of every open question of the policy was tried, {tried}; {GAPS}.",
                "None of these gives this line.",
            )
        if not self._audit.searched:
            why = "Readings and missing facts were not looked for, or there were more than could be gone through."
            return OtherSide("not looked for", why, "")
        return OtherSide(
            "none was found",
            f"Every option of every open question of the policy was tried, together with the others; {GAPS}.",
            "No reading of the policy gives this line as it was billed, and no missing fact as far as it was tried.",
        )

    def _under(self, line: LineVerdict, way: Way) -> OtherSide:
        """The smallest set of readings and facts under which a disputed line would be right."""
        billed = times(line.billed) if line.billed else f"a claim without {line.code}"
        stands = tuple(
            self._stand(number, letter, f"{billed} would be right") for number, letter in way.readings.items()
        )
        given = tuple(way.times.items())
        parts = [_read_as(it) for it in stands]
        parts += [f"the chart gave {path} as {value}" for path, value in given]
        parts += [f"{service} were taken as the initial service at {site}" for site, service in way.initial.items()]
        answers = [self._answer(it) for it in stands]
        if given:
            answers.append("The chart does not document this. On the chart as it stands, the line is not right.")
        if way.initial and not stands and not given:
            answers.append("The policy leaves open which of these equals is the initial service.")
        if line.kind not in {Kind.UNDER_READING, Kind.IF_DOCUMENTED}:
            answers.append("Even so only this line would be right, and the claim as a whole would not.")
        held = any(it.source != "open" for it in stands)
        holds = "does not hold" if held else "not documented" if given else "unresolved"
        said = f"If {_joined(parts)}, {billed} would be right."
        return OtherSide(holds, said, " ".join(answers), stands, given)

    def _against_supported(self, line: LineVerdict) -> OtherSide:
        """The readings, not held, under which a line that stands would have fewer units."""
        if line.drug:
            return OtherSide("not looked for", "Readings were not tried on a line of a drug that is supported.", "")
        if not self._audit.determination.claim:
            return OtherSide("not looked for", "The chart leads to several claims; each has this line.", "")
        held = sum(it.units for it in self._audit.determination.claim if it.code == line.code)
        stands = [
            self._stand(reading.question, letter, _left(line.code, codes.get(line.code, 0)))
            for reading in self._readings.values()
            for letter, codes in reading.otherwise.items()
            if codes.get(line.code, 0) < held
        ]
        stands += [
            self._stand(reading.question, letter, "no one answer")
            for reading in self._readings.values()
            for letter in reading.otherwise_status
        ]
        if not stands:
            why = "No other option of any open question, read by itself, takes a unit of this line away."
            return OtherSide("none was found", why, "")
        first, more = stands[:STANDS], len(stands) - STANDS
        said = " ".join(f"If {_read_as(it)}, the claim would have {it.effect}." for it in first)
        rest = f" Further readings ({more}) are told under what was assumed." if more > 0 else ""
        answer = " ".join(dict.fromkeys(map(self._answer, first)))
        return OtherSide("does not hold", said + rest, answer, tuple(first))

    def _answer(self, stand: Stand) -> str:
        """Why a reading does not decide, or that it is not settled; of a question once in a packet."""
        before = self._answered.setdefault(stand.question, self._number)
        return (
            _why_not(stand)
            if before == self._number
            else f"What is said of {stand.question} under line {before} holds here, too."
        )

    def _stand(self, number: str, letter: str, effect: str) -> Stand:
        question = self._policy.question(number)
        option = question.option(letter)
        reading: Reading | None = self._readings.get(number)
        name = reading.option if reading is not None else question.default
        held = question.option(name) if name else None
        source = "open" if held is None else "set" if question.key in self._settled else "default"
        return Stand(
            question.number,
            question.name,
            question.title,
            question.citation,
            option.letter,
            option.says.rstrip("."),
            held.letter if held else "",
            held.says.rstrip(".") if held else "",
            source,
            question.note,
            effect,
        )


def _left(code: str, units: int) -> str:
    return f"{code} × {units}" if units else f"no {code}"


def _read_as(stand: Stand) -> str:
    """What would have to be read, in words."""
    return f"{stand.question} ({_lower(stand.title)}) were read as option {stand.letter}, “{stand.says}”"


def _why_not(stand: Stand) -> str:
    """Why a reading does not decide, or that it is not settled."""
    rests = f"The question rests on {stand.citation}." if stand.citation else ""
    note = f"{stand.note.rstrip('.')}." if stand.note else ""
    match stand.source:
        case "open":
            said = (
                f"{stand.question} is unresolved: the policy leaves it open, no option is supported over the others "
                "and none is held here, so the line stands or falls with the answer."
            )
        case "set":
            said = f"For this audit {stand.question} was settled as option {stand.held_letter}, “{stand.held_says}”."
        case _:
            said = (
                f"{stand.question} is read as option {stand.held_letter}, “{stand.held_says}”, the supported answer "
                "and the default of this audit."
            )
    return " ".join(filter(None, (said, note, rests)))


def _joined(parts: list[str]) -> str:
    return " and if ".join(parts)


def _lower(text: str) -> str:
    """A title within a sentence, unless it begins with an abbreviation."""
    return text if text[1:2].isupper() else f"{text[:1].lower()}{text[1:]}"
