"""Claims (837) and remittances (835) in X12: what was billed, and what was paid or denied with its reasons.

Segments are split by pyx12's reader, which also counts them; which segment belongs to which claim is said here. Names,
addresses, birth dates and member numbers are passed over: they stand in nothing that is given back. What cannot be
used is left out with its reason, and a file that breaks off or is not well formed is refused with the segment.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ivproof.chart.fields import compare_key
from ivproof.formats.extras import load
from ivproof.importers.submitted import Adjustment, LeftOut, Submitted, SubmittedLine

LOOKS_LIKE = re.compile(rb"^(?:\xef\xbb\xbf)?\s*(?:ISA|GS|ST|BHT|BPR|CLM|CLP|[A-Z][A-Z0-9]{1,2}(?=\*))[^\sA-Za-z0-9,;]")
"""The first bytes of a file that is X12, whether its ISA segment is there or was lost."""

FREQUENCIES = {"0", "1", "2", "3", "4", "5", "7", "8", "9"}
"""Frequency codes that are read: a claim by itself, parts of one (2 to 5, 9), one that replaces (7), voids (8)."""

_COSMETIC = {"HL1", "HL2", "LX", "SEG1", "025", "6", "23"}
"""Kinds of the reader's errors that lose nothing: numbering of levels and lines, numbers used twice, empty elements."""

_ERRORS = {
    ("isa", "001"): "an IEA with another control number than its ISA",
    ("isa", "021"): "a count of groups that is not the number of groups",
    ("isa", "024"): "an IEA inside a group that has not ended",
    ("gs", "3"): "a GE inside a transaction that has not ended",
    ("gs", "4"): "a GE with another control number than its GS",
    ("gs", "5"): "a count of transactions that is not the number of transactions",
    ("st", "3"): "an SE that is not that of the transaction before it",
    ("st", "4"): "a count of segments that is not the number of segments: some are lost or added",
    ("seg", "1"): "a segment whose name is none",
    ("seg", "8"): "a segment without elements",
}


class X12Error(ValueError):
    """A file that cannot be used; the message names the segment, what was found and what was expected."""


@dataclass(frozen=True)
class X12File:
    """What became of a file: claims by encounter (as charts compare ids), and the account of lines and claims.

    `refused` are the claims that cannot be used, by encounter, each with why.
    """

    claims: Mapping[str, Submitted]
    lines: int = 0
    used: int = 0
    voided: int = 0
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """The account in one sentence."""
        reasons = Counter(it.reason for it in self.left_out)
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        left = self.lines - self.used - self.voided
        claims = f"{len(self.claims)} claim{'s' * (len(self.claims) != 1)}"
        return (
            f"{claims}, {self.lines} line{'s' * (self.lines != 1)} read: {self.used} used, {self.voided} voided, "
            f"{left} left out" + (f" (left out: {why})" if why else "")
        )


def read(content: bytes) -> X12File:
    """Read the bytes of an 837 or 835 file. Raises X12Error, and MissingExtraError where pyx12 is not installed."""
    return _Reading().file(_segments(content))


# --- Segments


@dataclass(frozen=True, slots=True)
class _Segment:
    number: int
    name: str
    elements: tuple[tuple[str, ...], ...]
    """Each element in its components."""

    def text(self, place: int) -> str:
        """An element from 1, as text that has no components; empty where it is not there."""
        parts = self.parts(place)
        return parts[0].strip() if parts else ""

    def parts(self, place: int) -> tuple[str, ...]:
        return self.elements[place - 1] if place <= len(self.elements) else ()

    def number_at(self, place: int) -> Decimal | None:
        """A number; None where there is none. Raises X12Error for what is no number."""
        text = self.text(place)
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise X12Error(
                f"segment {self.number} ({self.name}): found no number in {self.name}{place:02}, expected one"
            )
        return number


def _segments(content: bytes) -> Iterator[_Segment]:
    reads = load("pyx12.x12file", "an X12 file")
    wrong = load("pyx12.errors", "an X12 file").X12Error
    text = _decoded(content).lstrip()
    if not text.startswith("ISA"):
        raise X12Error("segment 1: found no ISA, expected an interchange, which begins with it")
    number = 0
    try:
        reader = reads.X12Reader(io.StringIO(text, newline=""))
        for number, it in enumerate(reader, start=1):
            for kind, error, *_ in reader.pop_errors():
                if error not in _COSMETIC:
                    found = _ERRORS.get((kind, error), "an error of its envelope")
                    raise X12Error(f"segment {number} ({_name(it)}): found {found}, expected a whole file")
            elements = (tuple(part.get_value() or "" for part in whole.elements) for whole in it.elements)
            yield _Segment(number, _name(it), tuple(elements))
        rest = (reader.raw.buffer + reader.fd_in.read()).strip()
    except (wrong, IndexError):
        raise X12Error(
            f"segment {number + 1}: found a segment that its envelope does not allow, expected a whole file with an "
            "ISA of 106 characters (version 00501 or 00401)"
        ) from None
    if rest:
        raise X12Error(f"segment {number + 1}: found text after the last whole segment, expected the file to end there")
    if reader.loops:
        missing = {"ISA": "IEA", "GS": "GE", "ST": "SE"}[reader.loops[-1][0]]
        raise X12Error(f"segment {number + 1}: found the end of the file, expected {missing}; the file breaks off")


def _name(it: Any) -> str:
    name = str(it.get_seg_id() or "")
    return name if re.fullmatch(r"[A-Z][A-Z0-9]{1,2}", name) else "not a name"


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # names in another encoding; none of them is kept
        return content.decode("latin-1")


# --- Claims


@dataclass(slots=True)
class _Draft:
    """A claim while its segments come."""

    encounter: str
    segment: int
    kind: str
    frequency: str
    claim_type: str | None = None
    place: str | None = None
    bill_type: str | None = None
    diagnoses: list[str] = field(default_factory=list)
    lines: list[_DraftLine] = field(default_factory=list)
    date: str | None = None
    produced: str | None = None
    number: str | None = None
    status: str = ""
    charge: Decimal | None = None
    paid: Decimal | None = None
    adjustments: list[Adjustment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def called(self) -> str:
        return "remittance" if self.kind == "835" else "claim"


@dataclass(slots=True)
class _DraftLine:
    segment: int
    code: tuple[str, ...] = ()
    """Qualifier, code, modifiers, as in a composite."""
    units: Decimal | None = None
    unit: str = ""
    date: str | None = None
    ndc: str | None = None
    charge: Decimal | None = None
    paid: Decimal | None = None
    paid_units: Decimal | None = None
    paid_as: str | None = None
    adjustments: list[Adjustment] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    service: str = ""


class _Reading:
    """Goes through the segments of a file, and then through its claims in their order."""

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._kind = ""
        self._claim: _Draft | None = None
        self._line: _DraftLine | None = None
        self._produced: str | None = None

    def file(self, segments: Iterator[_Segment]) -> X12File:
        for it in segments:
            self._segment(it)
        if not self._kind:
            raise X12Error("found no transaction, expected an 837 or an 835")
        return _Settling(self._drafts).file()

    def _segment(self, it: _Segment) -> None:
        if it.name == "ST":
            kind = it.text(1)
            if kind not in {"837", "835"} or (self._kind and kind != self._kind):
                one = self._kind or "837 or 835"
                raise X12Error(f"segment {it.number} (ST): found a transaction of another kind, expected {one}")
            self._kind = kind
            self._claim = self._line = self._produced = None
        elif it.name in {"SE", "HL"}:
            self._claim = self._line = None
        elif self._kind == "837":
            self._of_837(it)
        else:
            self._of_835(it)

    # --- 837

    def _of_837(self, it: _Segment) -> None:
        match it.name:
            case "CLM":
                self._begin_837(it)
            case "HI" if self._claim and not self._line:
                for composite in it.elements:
                    self._diagnosis(it, composite)
            case "LX":
                self._line = _DraftLine(it.number)
                self._open(it).lines.append(self._line)
            case "SV1" | "SV2" | "SV3" | "SV5":
                self._service(it)
            case "DTP" if self._line and it.text(1) == "472":
                self._line.date = _first_date(it.text(3))
            case "LIN" if self._line and it.text(2) == "N4":
                self._line.ndc = it.text(3) or None

    def _begin_837(self, it: _Segment) -> None:
        place = it.parts(5)
        if not it.text(1) or not place:
            raise X12Error(f"segment {it.number} (CLM): found no claim number or no place, expected CLM01 and CLM05")
        code, qualifier, frequency = (*(part.strip() for part in place), "", "", "")[:3]
        institutional = qualifier == "A"
        self._claim = _Draft(
            it.text(1),
            it.number,
            "837I" if institutional else "837P",
            frequency or "1",
            "facility" if institutional else "professional",
            None if institutional else code or None,
            code + frequency if institutional else None,
            charge=it.number_at(2),
        )
        self._drafts.append(self._claim)
        self._line = None

    def _open(self, it: _Segment) -> _Draft:
        if self._claim is None:
            raise X12Error(f"segment {it.number} ({it.name}): found it outside of a claim, expected a claim before it")
        return self._claim

    def _diagnosis(self, it: _Segment, composite: tuple[str, ...]) -> None:
        claim = self._open(it)
        if composite[:1] not in {("ABK",), ("ABF",)} or len(composite) < 2:
            return
        code = composite[1].strip().upper().replace(".", "")
        if not re.fullmatch(r"[A-Z][0-9][0-9A-Z][0-9A-Z]{0,4}", code):
            claim.notes.append(f"segment {it.number}: a diagnosis that is no ICD-10-CM code is not read")
            return
        claim.diagnoses.append(code if len(code) == 3 else f"{code[:3]}.{code[3:]}")

    def _service(self, it: _Segment) -> None:
        self._open(it)
        if self._line is None or self._line.service:
            raise X12Error(
                f"segment {it.number} ({it.name}): found a service without its own LX, expected LX before it"
            )
        line = self._line
        line.segment, line.service = it.number, it.name
        shift = 1 if it.name == "SV2" else 0  # SV201 is the revenue code
        line.code = it.parts(1 + shift)
        if it.name in {"SV1", "SV2"}:
            line.charge, line.unit, line.units = it.number_at(2 + shift), it.text(3 + shift), it.number_at(4 + shift)

    # --- 835

    def _of_835(self, it: _Segment) -> None:
        match it.name:
            case "DTM" if it.text(1) == "405":
                self._produced = _first_date(it.text(2))
            case "CLP":
                self._begin_835(it)
            case "SVC":
                self._payment(it)
            case "DTM" if self._line and it.text(1) in {"472", "150"}:
                self._line.date = _first_date(it.text(2))
            case "DTM" if self._claim and not self._line and it.text(1) == "232":
                self._claim.date = _first_date(it.text(2))
            case "CAS" if self._claim:
                (self._line or self._claim).adjustments.extend(_adjustments(it))
            case "LQ" if self._line and it.text(1) == "HE":
                self._remark(it, self._line.remarks, [it.text(2)])
            case "MOA" | "MIA" if self._claim:
                places = range(3, 8) if it.name == "MOA" else (5, 20, 21, 22, 23)
                self._remark(it, self._claim.remarks, [it.text(n) for n in places])
            case "PLB":
                self._claim = self._line = None

    def _remark(self, it: _Segment, remarks: list[str], found: list[str]) -> None:
        for code in filter(None, found):
            if re.fullmatch(r"[A-Z]{1,2}[0-9]{1,4}", code):
                remarks.append(code)
            else:
                self._open(it).notes.append(f"segment {it.number}: a remark that is no remark code is not read")

    def _begin_835(self, it: _Segment) -> None:
        if not it.text(1) or not it.text(2):
            raise X12Error(f"segment {it.number} (CLP): found no claim number or no status, expected CLP01 and CLP02")
        self._claim = _Draft(
            it.text(1),
            it.number,
            "835",
            it.text(9) or "1",
            status=it.text(2),
            charge=it.number_at(3),
            paid=it.number_at(4),
            produced=self._produced,
            number=it.text(7) or None,
        )
        self._drafts.append(self._claim)
        self._line = None

    def _payment(self, it: _Segment) -> None:
        claim = self._open(it)
        paid_units = it.number_at(5)
        adjudicated = it.parts(1)
        submitted = it.parts(6) if it.text(6) else ()
        self._line = _DraftLine(
            it.number,
            submitted or adjudicated,
            # the guide: units are one where they are not given, and those billed stand there where they differ
            it.number_at(7) if it.text(7) else paid_units if paid_units is not None else Decimal(1),
            charge=it.number_at(2),
            paid=it.number_at(3),
            paid_units=paid_units,
            paid_as=_code(adjudicated) if submitted and _code(submitted) != _code(adjudicated) else None,
            service="SVC",
        )
        claim.lines.append(self._line)


def _code(composite: tuple[str, ...]) -> str:
    return composite[1].strip() if len(composite) > 1 else ""


def _adjustments(it: _Segment) -> Iterator[Adjustment]:
    group = it.text(1)
    if group not in {"CO", "CR", "OA", "PI", "PR"}:
        raise X12Error(f"segment {it.number} (CAS): found no group of adjustments, expected CO, CR, OA, PI or PR")
    for place in range(2, len(it.elements) + 1, 3):
        amount = it.number_at(place + 1)
        if it.text(place) and not re.fullmatch(r"[A-Z]?[0-9]{1,3}", it.text(place)):
            raise X12Error(f"segment {it.number} (CAS): found no reason of an adjustment, expected one such as 97")
        if it.text(place) and amount is not None:
            units = it.number_at(place + 2)
            yield Adjustment(group, it.text(place), float(amount), _count(units))


def _first_date(text: str) -> str | None:
    """The day, or the first of a range, as YYYY-MM-DD; None for what is no day."""
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date().isoformat()
    except ValueError:
        return None


# --- What holds in the end


class _Settling:
    """Goes through claims in their order: which replaces, voids, adds to or repeats which, and what of each is used."""

    def __init__(self, drafts: list[_Draft]) -> None:
        self._drafts = drafts
        self._held: dict[str, list[_Draft]] = {}
        self._replacing: set[str] = set()
        self._void: set[str] = set()
        self._names: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._voided = 0
        self._left_out: list[LeftOut] = []
        self._notes: list[tuple[str, str]] = []
        self._refused: dict[str, str] = {}

    def file(self) -> X12File:
        for it in self._drafts:
            key = compare_key(it.encounter)
            self._names.setdefault(key, it.encounter)
            self._kinds.setdefault(key, it.kind)
            (self._remittance if it.kind == "835" else self._claim)(key, it)
        for key in self._refused:
            for it in self._held.pop(key, ()):
                self._leave_out(it, "of a claim that the file has twice, and not alike")
        claims = {key: self._submitted(key, held) for key, held in self._held.items()}
        return X12File(
            claims,
            sum(len(it.lines) for it in self._drafts),
            sum(len(it.lines) for it in claims.values()),
            self._voided,
            tuple(self._left_out),
            tuple(f"{self._names[key]}: {note}" for key, note in self._notes),
            self._refused,
        )

    def _claim(self, key: str, it: _Draft) -> None:
        held = self._held.get(key)
        if it.frequency not in FREQUENCIES:
            self._leave_out(it, "of a claim whose frequency code is not known")
        elif it.frequency == "8":
            self._note(it, "voids the claim", "the claim that it voids is not in the file" if held is None else "")
            self._end(key, it)
            self._refused.pop(key, None)
        elif it.frequency == "7":
            self._note(it, "replaces an earlier claim", "that one is not in the file" if not held else "")
            self._void_held(key)
            self._refused.pop(key, None)
            self._replacing.add(key)
            self._begin(key, it)
        elif it.frequency in "3459" and held:
            held.append(it)
            self._note(it, "adds to the claim before it", "")
        else:
            self._by_itself(key, it)

    def _remittance(self, key: str, it: _Draft) -> None:
        held = self._held.get(key)
        if it.status == "25":
            self._leave_out(it, "of a predetermination, by which nothing is paid")
        elif it.status == "22":
            self._note(it, "takes an earlier payment back", "" if held else "that one is not in the file")
            self._end(key, it)
        else:
            if key in self._void:  # nothing is held of what was taken back
                self._replacing.add(key)
            self._by_itself(key, it)

    def _by_itself(self, key: str, it: _Draft) -> None:
        held = self._held.get(key)
        if not held:
            self._begin(key, it)
        elif not self._again(key, it):
            # two by themselves, of one number and not alike: which of them holds is not said
            held.append(it)
            self._refuse(key, it)

    def _begin(self, key: str, it: _Draft) -> None:
        self._held[key] = [it]
        self._void.discard(key)

    def _end(self, key: str, it: _Draft) -> None:
        """Nothing of a claim holds, nor of what ends it."""
        self._void_held(key)
        self._voided += len(it.lines)
        self._held[key] = []
        self._void.add(key)

    def _void_held(self, key: str) -> None:
        self._voided += sum(len(old.lines) for old in self._held.get(key, ()))

    def _again(self, key: str, it: _Draft) -> bool:
        """Whether a claim is there already, alike to the last word that is read: a copy, which is voided."""
        if any(_content(it) == _content(old) for old in self._held[key]):
            self._voided += len(it.lines)
            self._note(it, "is the same claim again", "")
            return True
        return False

    def _refuse(self, key: str, it: _Draft) -> None:
        places = ", ".join(str(old.segment) for old in self._held[key])
        self._refused[key] = (
            f"segment {it.segment}: {it.encounter}: found claims of one number that are not alike (segments {places}), "
            "expected one, or a frequency code or status that says which replaces which"
        )

    def _note(self, it: _Draft, what: str, but: str) -> None:
        told = f"segment {it.segment}: this {it.called} {what}" + (f"; {but}" if but else "")
        self._notes.append((compare_key(it.encounter), told))

    def _leave_out(self, it: _Draft, reason: str) -> None:
        self._left_out.extend(LeftOut(line.segment, reason, it.encounter) for line in it.lines)

    def _submitted(self, key: str, held: list[_Draft]) -> Submitted:
        encounter = self._names[key]
        lines: list[SubmittedLine] = []
        left: list[LeftOut] = []
        for draft in held:
            self._notes += [(key, note) for note in (*draft.notes, *_balance(draft))]
            for it in draft.lines:
                reason = _unusable(it)
                if reason:
                    billed = _code(it.code) if it.code[:1] == ("HC",) else ""
                    left.append(LeftOut(it.segment, reason, encounter, billed or None))
                else:
                    lines.append(_line(it, draft))
        self._left_out += left
        # of a voided claim nothing holds but its kind
        head = held[-1] if held else _Draft(encounter, 0, self._kinds[key], "")
        return Submitted(
            encounter,
            head.kind,
            head.number,
            head.claim_type,
            head.place,
            head.bill_type,
            tuple(dict.fromkeys(code for draft in held for code in draft.diagnoses)),
            key in self._replacing,
            not held,
            head.date,
            head.produced,
            _dollars(head.charge),
            _dollars(head.paid),
            tuple(it for draft in held for it in draft.adjustments),
            tuple(it for draft in held for it in draft.remarks),
            tuple(lines),
            tuple(left),
            tuple(note for name, note in self._notes if name == key),
        )


def _content(it: _Draft) -> object:
    """What of a claim is compared: all that is read but the numbers of the segments."""
    head = it.frequency, it.claim_type, it.place, it.bill_type, it.status, it.charge, it.paid
    lines = [replace(line, segment=0) for line in it.lines]
    return head, it.diagnoses, it.adjustments, it.remarks, lines


def _unusable(it: _DraftLine) -> str | None:
    """Why a line cannot be held against a chart; None where it can."""
    if not it.service:
        return "line without a service"
    if it.service not in {"SV1", "SV2", "SVC"}:
        return "line of a dental or equipment claim"
    if it.code[:1] != ("HC",) or not re.fullmatch(r"[0-9A-Z]{5}", _code(it.code)):
        return "no CPT or HCPCS code"
    if it.unit and it.unit != "UN":
        return "counted in other than units"
    if it.units is None:
        return "no units"
    if it.units != int(it.units) or it.units < 1:
        return "units are no whole number from 1"
    if any(not re.fullmatch(r"[0-9A-Z]{2}", part.strip()) for part in it.code[2:6] if part.strip()):
        return "a modifier that is none"
    return None


def _line(it: _DraftLine, draft: _Draft) -> SubmittedLine:
    assert it.units is not None  # else it was left out
    paid = it.paid_units
    denied: Decimal | None = None
    if draft.kind == "835":
        if paid is not None and paid < it.units:
            denied = it.units - paid
        elif not it.paid and it.charge and not any(adjusted.group == "PR" for adjusted in it.adjustments):
            # nothing was paid, and nothing of it is for the patient to pay
            denied = it.units
    return SubmittedLine(
        _code(it.code),
        int(it.units),
        tuple(part.strip() for part in it.code[2:6] if part.strip()),
        it.date or draft.date,
        it.segment,
        it.ndc,
        _dollars(it.charge),
        _dollars(it.paid) if draft.kind == "835" else None,
        _count(paid) if draft.kind == "835" else None,
        it.paid_as,
        tuple(it.adjustments),
        tuple(dict.fromkeys(it.remarks)),
        _count(denied),
    )


def _balance(draft: _Draft) -> Iterator[str]:
    """Lines whose charge is not what was paid and adjusted."""
    if draft.kind != "835":
        return
    for it in draft.lines:
        gone = sum((Decimal(str(adjusted.amount)) for adjusted in it.adjustments), Decimal(0))
        if it.charge is not None and it.charge != (it.paid or Decimal(0)) + gone:
            paid = it.paid or Decimal(0)
            yield (
                f"segment {it.segment}: charged {it.charge:.2f}, paid {paid:.2f}, adjusted {gone:.2f}, which does not "
                "add up"
            )


def _dollars(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _count(units: Decimal | None) -> float | None:
    return None if units is None else int(units) if units == int(units) else float(units)
