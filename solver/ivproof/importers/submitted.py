"""A claim as it was submitted and paid: what an 837 or 835 file says of it, as data; amounts are in dollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ivproof.formats.output import After, Amount, Called, Count, Date, Described, Inside, Keywords


@dataclass(frozen=True, slots=True)
class Adjustment(Described):
    """Why less was paid than billed."""

    group: Annotated[str, "Group of the adjustment: CO, PR, OA, PI or CR."]
    reason: Annotated[str, "Code of the adjustment reason (CARC)."]
    amount: Annotated[float, "Dollars; below 0 where they were added."]
    units: Annotated[Amount | None, "Units, where the remittance counts them."] = None


@dataclass(frozen=True, slots=True)
class Payment(Described):
    """What was paid of a line."""

    units: Annotated[Amount | None, "Units paid; null where none are given."]
    amount: Annotated[float, "Dollars paid."]
    code: Annotated[str | None, "The code under which it was paid, where that is another one."]


@dataclass(frozen=True, slots=True)
class Unpaid(Described):
    """What the payer said of units that were not paid.

    Group and reason stand there only where they are the only ones that can be meant: of several adjustments the one
    that counts units.
    """

    units: Annotated[Amount, "So many units."]
    group: Annotated[str | None, "Group, where one adjustment can be meant."]
    reason: Annotated[str | None, "Code of the reason (CARC), where one can be meant."]
    remark: Annotated[tuple[str, ...], "Codes of remarks (RARC)."]
    text: Annotated[str | None, "All adjustments, where several can be meant."]
    amount: Annotated[Amount | None, "Dollars that were not paid."]


@dataclass(frozen=True, slots=True)
class SubmittedLine(Described):
    """A line as it was submitted, and what was paid of it.

    `paid_units` and `paid` are None in a claim, and units also where the remittance gives none for a line that was not
    paid. `denied` is how many units were not paid, or None.
    """

    code: Annotated[str, "The code."]
    units: Annotated[Count, "Units that were billed."]
    modifiers: Annotated[tuple[str, ...], "Modifiers as billed."]
    date: Annotated[Date | None, "Date of service."]
    segment: Annotated[Count, "Number of its segment in the file.", After("denial")]
    ndc: Annotated[str | None, "NDC as it stands there."] = None
    charge: Annotated[Amount | None, "Dollars charged."] = None
    paid: Inside[float | None] = None
    paid_units: Inside[float | None] = None
    paid_as: Inside[str | None] = None
    adjustments: Annotated[tuple[Adjustment, ...], "Why less was paid than billed."] = ()
    remarks: Annotated[tuple[str, ...], "Codes of remarks (RARC)."] = ()
    denied: Inside[float | None] = None

    @property
    def payment(self) -> Annotated[Payment | None, "What was paid; null in a claim.", Called("paid"), After("charge")]:
        """What was paid; None in a claim."""
        return None if self.paid is None else Payment(self.paid_units, self.paid, self.paid_as)

    @property
    def denial(
        self,
    ) -> Annotated[Unpaid | None, "Units that were not paid; null where all were.", Called("denied"), After("remarks")]:
        """What the payer said where units were not paid; None elsewhere."""
        if self.denied is None:
            return None
        counted = [it for it in self.adjustments if it.units is not None]
        meant = counted or list(self.adjustments)
        one = meant[0] if len(meant) == 1 else None
        told = ", ".join(f"{it.group} {it.reason}: {it.amount:.2f}" for it in meant)
        amount = round(sum(it.amount for it in meant), 2) if meant else -1
        return Unpaid(
            self.denied,
            one.group if one else None,
            one.reason if one else None,
            self.remarks,
            told if len(meant) > 1 else None,
            amount if amount >= 0 else None,
        )


@dataclass(frozen=True, slots=True)
class LeftOut(Described):
    """A line, a claim or a part of one that is not used.

    `code` is the code that a line bills all the same, of which its units or modifiers cannot be told.
    """

    segment: Annotated[Count, "Number of its segment in the file."]
    reason: Annotated[str, "Why."]
    encounter: Inside[str | None] = None
    code: Inside[str | None] = None


@dataclass(frozen=True, slots=True)
class Submitted(Described):
    """What a file says of the claim of one encounter, as far as it holds after replacements and voids."""

    encounter: Inside[str]
    kind: Annotated[str, "Kind of the transaction.", Keywords(enum=["837P", "837I", "835"])]
    number: Annotated[str | None, "The payer's number of the claim, in a remittance; null in a claim."] = None
    claim_type: Annotated[
        str | None, "Whose claim it is; null in a remittance.", Keywords(enum=["facility", "professional", None])
    ] = None
    place_of_service: Annotated[str | None, "Place of service of a professional claim."] = None
    bill_type: Annotated[str | None, "Type of bill of an institutional claim, with its frequency code."] = None
    diagnoses: Annotated[tuple[str, ...], "ICD-10-CM codes in the order of the claim."] = ()
    replaces: Annotated[bool, "Whether it takes the place of an earlier one.", Called("replaces_an_earlier_claim")] = (
        False
    )
    voided: Annotated[bool, "Whether it was voided and nothing of it holds."] = False
    date: Annotated[Date | None, "Date of the claim in a remittance."] = None
    produced: Annotated[Date | None, "Date of the remittance.", Called("remitted")] = None
    charge: Annotated[Amount | None, "Dollars charged."] = None
    paid: Annotated[Amount | None, "Dollars paid; null in a claim."] = None
    adjustments: Annotated[tuple[Adjustment, ...], "Adjustments of the whole claim."] = ()
    remarks: Annotated[tuple[str, ...], "Codes of remarks on the whole claim."] = ()
    lines: Annotated[tuple[SubmittedLine, ...], "Its lines, in the order of `positions`."] = ()
    left_out: Annotated[tuple[LeftOut, ...], "Lines that cannot be held against a chart."] = ()
    notes: Inside[tuple[str, ...]] = ()
