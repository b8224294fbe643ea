"""The checked model of a chart: one outpatient encounter with its infusions, injections and services.

What a chart leaves out stays None: the policy, not the model, says what follows from that. A chart is read, and its
parts compared with each other, by `ivproof.chart.reading.parse`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema

from ivproof.chart.clock import Moment
from ivproof.chart.fields import (
    Amount,
    Code,
    Count,
    Date,
    Diagnosis,
    DrugClass,
    Flag,
    Form,
    Id,
    Items,
    Measure,
    Measured,
    Modifier,
    Note,
    Order,
    PlaceOfService,
    Positive,
    Purpose,
    Reason,
    References,
    Remarks,
    Route,
    ServiceKind,
    Text,
    Time,
    WordToo,
    Zone,
)
from ivproof.formats.output import Described, Schema

__all__ = [
    "AccessSite",
    "Administration",
    "BilledLine",
    "Denial",
    "EarlierVisit",
    "Encounter",
    "Moment",
    "Pause",
    "Service",
    "Vials",
    "digest",
    "dumped",
    "dumps",
    "for_people",
    "schema",
    "template",
]


class Part(BaseModel, Described):
    """Any part of a chart: it does not change once read, and has no fields but the known ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_dict(self) -> dict[str, Any]:
        """Give it as it is read."""
        return dumped(self)

    @classmethod
    def record(cls, below: Schema) -> Schema:
        """Give its JSON Schema as it is read; what it refers to is put below."""
        found = cls.model_json_schema(by_alias=True, schema_generator=WithoutTitles)
        below |= found.pop("$defs", {})
        return found


class AccessSite(Part):
    """A vascular access: the catheter, not its lumen."""

    id: Id = Field(description="Names the access; administrations refer to it. Unique in the encounter.")
    kind: Literal["peripheral", "picc", "port", "central", "arterial"] | None = Field(
        None, description="Kind of catheter; null where not documented."
    )
    necessity: Literal["protocol", "incompatible", "condition"] | None = Field(
        None, description="Why a further access was required; null where not documented."
    )
    replaces: Id | None = Field(
        None, description="Id of the access that this one is a restart of, after it had failed."
    )
    source: Note | None = Field(
        default=None, description="Where the record has it, such as flow sheet p. 2, RN; kept out of the law."
    )
    note: Note | None = Field(default=None, description="Free text for people; kept out of the law.")


class Pause(Part):
    """A stretch in which the infusion stood still."""

    from_: Time = Field(None, alias="from", description="When it stopped; null where not documented.")
    to: Time = Field(None, description="When it went on; null where not documented.")
    reason: Text | None = Field(None, description="Why it stood still, in free text.")


class Vials(Part):
    """Containers of one size that were opened."""

    size: Measure = Field(description="What one holds, with its unit: 500 mg.")
    count: Positive = Field(1, description="How many were opened.")


class Administration(Part):
    """One drug or fluid given once, as charted."""

    id: Id = Field(
        description="Names the administration. Unique in the encounter; where it is left out, one is made of the drug, "
        "such as ceftriaxone-1."
    )
    drug: Text = Field(
        description="Ingredient, brand or HCPCS code; fluids too, such as normal saline. Or a code that the drug list "
        "knows, an NDC or RxNorm and its number; a name beside it has to be of the same drug."
    )
    done: Flag = Field(
        True,
        description="False: charted and not given (held, refused). It is left out with its reason and decides nothing.",
    )
    product: Text | None = Field(
        None,
        description="NDC or another product key, where two products share an ingredient; one of another drug "
        "contradicts the name, and neither is taken.",
    )
    drug_class: DrugClass | None = Field(None, alias="class", description="Class of the drug; overrides the drug list.")
    hormonal: Flag | None = Field(None, description="Whether an antineoplastic is hormonal; overrides the drug list.")
    route: Route = Field(
        description="Way in: IV, IM, SQ (subcutaneous), IA (arterial), ID (intradermal), "
        "IT (intrathecal or CNS), IP (peritoneal), IPL (pleural), IL (intralesional), PO (oral)."
    )
    method: Literal["push", "infusion"] | None = Field(
        None, description="How it was charted; null where it was not, so that the time decides."
    )
    site: Id | None = Field(
        None,
        description="For the vascular routes IV and IA the id of an access site; for the others the place of "
        "the injection in free text. Null where not documented.",
    )
    lumen: Text | None = Field(
        None, description="Lumen of the catheter, in free text: distal, proximal. Never a site of its own."
    )
    bag: Id | None = Field(
        None,
        description="Id of a shared bag or syringe. Another drug under the same id was mixed in and given "
        "together; the same drug under the same id is one bag charted in several entries.",
    )
    premixed: Flag | None = Field(
        None, description="True: pre-packaged. False: mixed by the pharmacy. Null: not documented."
    )
    dose: Id | None = Field(None, description="Id that ties the injections of one dose together.")
    continues: Id | None = Field(
        None, description="Id of the administration that this one goes on with: a restart, a bag change."
    )
    ordered_minutes: Positive | None = Field(None, description="How many minutes it was ordered to run.")
    form: Form | None = Field(None, description="Form of the drug as given.")
    start: Time = Field(
        None,
        description="Begin: HH:MM or HH:MM:SS on the encounter's date, or an ISO 8601 date-time. "
        "Null where not documented.",
    )
    stop: Time = Field(
        None,
        description="End, written like the start. A clock time belongs to the day of the start, or to the "
        "next day where it is earlier than the start. Null where not documented.",
    )
    pauses: Items[Pause] = Field((), description="When the infusion stood still.")
    purpose: Purpose | None = Field(None, description="What it was given for, where the chart says so.")
    volume_ml: Amount | None = Field(None, description="Volume given, in millilitres.")
    rate_ml_per_h: Amount | None = Field(None, description="Rate, in millilitres an hour.")
    pump: Literal["portable", "stationary", "implantable"] | None = Field(
        None, description="Kind of pump; null where none is charted."
    )
    pump_supplied_by: Literal["clinic", "supplier"] | None = Field(
        None, description="Who supplied the pump: the clinic, or a supplier of equipment."
    )
    lesions: Positive | None = Field(None, description="Number of lesions injected (route IL).")
    spinal_puncture: Flag | None = Field(
        None, description="Whether the drug was given by a spinal puncture (route IT)."
    )
    puncture_by: Literal["this_biller", "another"] | None = Field(
        None, description="Who did the puncture: the one whose claim this is, or another."
    )
    reservoir: Flag | None = Field(
        None, description="Whether the drug was given through an implanted reservoir (route IT)."
    )
    integral_to: Text | None = Field(
        None,
        description="Procedure, transfusion or chemotherapy protocol that this is part of, in free text.",
    )
    diagnostic: Flag | None = Field(None, description="True for contrast and the like.")
    discontinued: Text | None = Field(None, description="Why an ordered infusion was given up early, in free text.")
    order: Order | None = Field(None, description="The order for this administration; overrides the encounter's.")
    container: Literal["single_dose", "multi_dose"] | None = Field(None, description="Container that the drug came in.")
    billing_units: Count | None = Field(None, description="HCPCS units administered.")
    discarded_units: Count | None = Field(None, description="HCPCS units discarded from a single-dose container.")
    amount: Measure | None = Field(
        None, description="What was given, with its unit, such as 679 mg; in vials where the drug list has their NDC."
    )
    vials: Items[Vials] = Field(
        (), description="Containers opened, by size; with `amount` they say what was discarded."
    )
    source: Note | None = Field(
        None, description="Where the record has it, such as MAR p. 3, RN, 11:04; kept out of the law."
    )
    note: Note | None = Field(None, description="Free text for people; kept out of the law.")


class Service(Part):
    """Something else that was done at the visit."""

    kind: ServiceKind = Field(description="What was done.")
    done: Flag = Field(True, description="False: it was expected and not done, such as a drainage.")
    code: Code | None = Field(None, description="CPT or HCPCS code, where the chart gives one.")
    separately_identifiable: Flag | None = Field(
        None, description="Whether it stands apart from the injections and infusions of the visit."
    )


class Denial(Part):
    """What the payer said of a billed line that it did not pay."""

    group: Literal["CO", "CR", "OA", "PI", "PR"] | None = Field(
        None,
        description="Group of the adjustment: CO (contract), PR (patient), OA (other), PI (payer), CR (correction).",
    )
    reason: Reason | None = Field(None, description="Code of the adjustment reason (CARC), such as 97.")
    remark: Remarks = Field((), description="Codes of remarks (RARC), one such as M15 or several.")
    text: Note | None = Field(None, description="The reason in the payer's words.")
    date: Date | None = Field(None, description="Date of the denial, YYYY-MM-DD.")
    amount: Amount | None = Field(None, description="Amount that was not paid, in dollars.")


class BilledLine(Part):
    """A line of the claim to audit against."""

    code: Code = Field(description="CPT or HCPCS code that was billed.")
    units: Positive = Field(1, description="Units that were billed.")
    modifiers: Items[Modifier] = Field((), description="Modifiers on the line, in their order.")
    denied: Denial | None = Field(default=None, description="What the payer said, where it did not pay the line.")


class EarlierVisit(Part):
    """An earlier, separate visit of this patient on the same date."""

    initial_reported: Flag | None = Field(
        None, description="Whether an initial service was reported for it; null where not documented."
    )
    line_left_in: Flag | None = Field(
        None, description="Whether the access was left in place; null where not documented."
    )


class Encounter(Part):
    """One outpatient encounter as charted."""

    id: Id = Field(description="Names the encounter. Unique in a batch.")
    claim_type: Literal["facility", "professional"] = Field(
        "facility", description="Whose claim it is: the facility's or the physician's."
    )
    place_of_service: PlaceOfService = Field(description="CMS place-of-service code, two digits.")
    date: Date = Field(description="Date of service of the first event, YYYY-MM-DD.")
    time_zone: Zone = Field(
        None,
        description="Time zone, an IANA name such as America/New_York: date-times with an offset are dated there, "
        "clock times are read there.",
    )
    note: Note | None = Field(None, description="Free text for people; kept out of the law.")
    payer: Text | None = Field(
        None, description="Payer, in free text and compared ignoring case; few policies look at it."
    )
    primary_reason: References = Field(
        (),
        description="Id of the administration, or list of ids, that is the main reason for the visit.",
    )
    diagnoses: Items[Diagnosis] = Field((), description="ICD-10-CM codes, in the order charted.")
    order: Order = Field("signed", description="The order for what was given.")
    inpatient_order_at: Time = Field(
        None, description="When an inpatient admission was ordered, if that ended the outpatient stay."
    )
    earlier_visit: EarlierVisit | None = Field(
        None, description="An earlier, separate visit of this patient on the same date."
    )
    regulated_facility: Flag = Field(
        False, description="A facility that follows its own guidelines for chargeable supplies."
    )
    access_sites: Items[AccessSite] = Field(
        (), description="Vascular accesses; where none is listed, one is assumed for every IV administration."
    )
    administrations: Items[Administration] = Field(
        (), description="Drugs and fluids given; empty for a visit without any."
    )
    services: Items[Annotated[Service, WordToo()]] = Field(
        (), description="Other things done at the visit; one of which no more is said may be a word: iv_start."
    )
    billed: Items[BilledLine] = Field((), description="The claim to audit against.")

    @property
    def recorded(self) -> tuple[AccessSite | Administration, ...]:
        """The accesses and administrations: what a record has a page for."""
        return (*self.access_sites, *self.administrations)


# --- Writing


def for_people(encounter: Encounter) -> Iterator[tuple[str, str]]:
    """Give what a chart says to people and not to the law, in pairs to be shown: notes, where the record has what."""
    if encounter.time_zone is not None:
        yield "Time zone", encounter.time_zone
    if encounter.note is not None:
        yield "Note", encounter.note
    for it in encounter.recorded:
        if it.source is not None:
            yield f"Record of {it.id}", it.source
        if it.note is not None:
            yield f"Note on {it.id}", it.note


def dumps(encounter: Encounter) -> dict[str, Any]:
    """Give a chart back in the format it is read in, without the fields that have their default.

    ``parse(dumps(encounter), source).encounter == encounter``; texts are as charted.
    """
    return dumped(encounter)


def dumped(part: Part) -> dict[str, Any]:
    """Give a part of a chart back in the format it is read in, without the fields that have their default."""
    plain = {}
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if field.is_required() or value != field.default:
            plain[field.alias or name] = _plain(value)
    return plain


def _plain(value: object) -> object:
    match value:
        case Moment() | Measured():  # themselves tuples, so they come first
            return value.text
        case Part():
            return dumped(value)
        case tuple():
            return [_plain(item) for item in value]
        case date():
            return value.isoformat()
        case float() if value.is_integer():
            return int(value)
    return value


def digest(encounter: Encounter) -> str:
    """Give ``sha256:`` and the hash of the chart's canonical JSON, by which a proof knows its chart.

    Equal encounters have equal digests, however their files are laid out.
    """
    canonical = json.dumps(dumps(encounter), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


class WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles that only repeat the names of the fields."""

    def field_title_should_be_set(self, schema: CoreSchema) -> bool:
        """Set none."""
        return False


def template() -> str:
    """Give a chart in YAML to begin with: it can be read as it stands, and as it is with the lines behind a ``#``."""
    return Path(__file__).with_name("template.yaml").read_text("utf-8")


def schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a chart, with a description of every field.

    What one field says about another, such as a reference or a stop before its start, is not in it.
    """
    plain = Encounter.model_json_schema(by_alias=True, schema_generator=WithoutTitles)
    plain["$defs"]["Administration"]["required"].remove("id")  # one is made where it is left out
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": "ivproof encounter", **plain}
