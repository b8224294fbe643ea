"""The checked model of a chart: one outpatient encounter with its infusions, injections and services.

`parse` takes one chart that is already plain data and gives an `Encounter`, or every reason why it is
refused. What a chart leaves out stays None: the policy, not the model, says what follows from that.

>>> chart = parse(
...     {
...         "id": "ENC-1",
...         "place_of_service": "22",
...         "date": "2020-10-05",
...         "administrations": [
...             {"id": "a", "drug": "ceftriaxone", "route": "IV", "start": "23:50", "stop": "00:20"}
...         ],
...     },
...     Source("visit.json"),
... )
>>> chart.encounter.administrations[0].stop
Moment(seconds=87600, day=1, text='00:20')

Files, folders and streams of charts are read by `ivproof.chart.files`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import count
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

from ivproof.chart.clock import Moment, read_stamp
from ivproof.chart.consistency import charted_times, check, compare_key
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
    charted_date,
    charted_time,
    charted_zone,
    number_as_text,
)
from ivproof.chart.refusal import Place, Problem, Refusal, Source, problem_of, refuse

__all__ = [
    "AccessSite",
    "Administration",
    "BilledLine",
    "Chart",
    "Denial",
    "EarlierVisit",
    "Encounter",
    "Moment",
    "Pause",
    "Refusal",
    "Service",
    "Source",
    "Vials",
    "compare_key",
    "digest",
    "dumps",
    "for_people",
    "parse",
    "schema",
]


class Part(BaseModel):
    """Any part of a chart: it does not change once read, and has no fields but the known ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    drug: Text = Field(description="Ingredient, brand or HCPCS code; fluids too, such as normal saline.")
    done: Flag = Field(
        True,
        description="False: charted and not given (held, refused). It is left out with its reason and decides nothing.",
    )
    product: Text | None = Field(
        None, description="NDC or another product key, where two products share an ingredient."
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
    amount: Measure | None = Field(None, description="What was given, with its unit, such as 679 mg.")
    vials: Items[Vials] = Field(
        (), description="Containers opened, by size; with `amount` they say what was discarded."
    )
    source: Text | None = Field(
        None, description="Where the record has it, such as MAR p. 3, RN, 11:04; kept out of the law."
    )
    note: Text | None = Field(None, description="Free text for people; kept out of the law.")


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
    text: Text | None = Field(None, description="The reason in the payer's words.")
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
    note: Text | None = Field(None, description="Free text for people; kept out of the law.")
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

    @model_validator(mode="after")
    def _settle(self) -> Self:
        """Give every time its place on the axis of the encounter, and compare the parts with each other."""
        problems = check(self)
        if problems:
            raise PydanticCustomError("inconsistent", "the parts do not agree", {"problems": problems})
        return self


# --- Reading


class Chart(NamedTuple):
    """What became of one chart: the encounter, or every reason why it is refused."""

    source: Source
    encounter: Encounter | None
    refusals: tuple[Refusal, ...] = ()


def parse(
    data: object,
    source: Source,
    lines: Mapping[Place, int] | None = None,
    problems: Sequence[Problem] = (),
) -> Chart:
    """Check one chart that is plain data, as a reader of JSON or YAML gives it.

    `source` says where it came from and `lines` which line each place inside it has, for the messages;
    `problems` are those its reader has found already. Nothing is raised and nothing changed: all that is
    wrong with the chart is in the refusals.
    """
    data = _with_ids(data)
    try:
        encounter = Encounter.model_validate(data)
    except ValidationError as error:
        problems = [*problems, *_problems(data, error)]
    if not problems:
        return Chart(source, encounter)
    name = data.get("id") if isinstance(data, Mapping) else None
    refusals = [refuse(source, it, line=_line(it.path, lines), encounter=name) for it in problems]
    return Chart(source, None, tuple(sorted(refusals, key=lambda it: it.line or 0)))


def _with_ids(data: object) -> object:
    """Give a chart in which each administration without an id has one that is made of its drug and a number."""
    given = data.get("administrations") if isinstance(data, Mapping) else None
    if not isinstance(given, list) or all(not isinstance(it, Mapping) or it.get("id") is not None for it in given):
        return data
    taken = {compare_key(str(it["id"])) for it in given if isinstance(it, Mapping) and it.get("id") is not None}
    named = []
    for it in given:
        if isinstance(it, Mapping) and it.get("id") is None and isinstance(it.get("drug"), str):
            stem = _stem(it["drug"])
            name = next(name for n in count(1) if (name := f"{stem}-{n}") not in taken)
            taken.add(name)
            it = {"id": name, **{key: value for key, value in it.items() if key != "id"}}  # noqa: PLW2901
        named.append(it)
    return {**data, "administrations": named}  # type: ignore[dict-item]


_REST = re.compile(r"(?:\s+(?:\d|\(|in\b)|\s*[,;/]).*", re.DOTALL)
"""What a printed name has after the drug: strength or dose, a brand in brackets, the carrier."""


def _stem(drug: str) -> str:
    """Give the beginning of a drug's name in the form of an id: ``ceftriaxone`` of ``cefTRIAXone 1 g in NS 50 mL``."""
    name = compare_key(drug).casefold().strip()
    short, whole = (re.sub(r"[\W_]+", "-", it).strip("-") for it in (_REST.sub("", name), name))
    return short or whole or "drug"


def _line(path: Place, lines: Mapping[Place, int] | None) -> int | None:
    """Find the line of a place, or of what it would stand in if it were there."""
    while lines and path and path not in lines:
        path = path[:-1]
    return lines.get(path) if lines else None


def _problems(data: object, error: ValidationError) -> list[Problem]:
    """List everything that is wrong with a chart, given what pydantic found."""
    if not isinstance(data, Mapping):
        return [problem_of(detail, ()) for detail in error.errors()]
    if "encounter" in data and "place_of_service" not in data:
        return [Problem((), "a worked case", "a chart, which in a case is what stands under `encounter`")]
    problems: list[Problem] = []
    for detail in error.errors(include_url=False):
        if detail["type"] == "inconsistent":
            return list(detail["ctx"]["problems"])
        problems.append(problem_of(detail, _fields_at(detail["loc"])))
    # pydantic compares the parts only when each is in order; nobody should need a second round for that
    return problems + check(_as_far_as_readable(data))


def _fields_at(path: Place) -> list[str]:
    """List the fields that are known where `path` points into a chart."""
    part = next((_PARTS[step] for step in reversed(path[:-1]) if step in _PARTS), Encounter)
    return [field.alias or name for name, field in part.model_fields.items()]


_PARTS: dict[str | int, type[Part]] = {
    "access_sites": AccessSite,
    "administrations": Administration,
    "pauses": Pause,
    "vials": Vials,
    "denied": Denial,
    "services": Service,
    "billed": BilledLine,
    "earlier_visit": EarlierVisit,
}


def _as_far_as_readable(data: Mapping[str, Any]) -> Encounter:
    """Make an encounter, for checking only, of what can be read in a chart that is not in order.

    It has what `check` compares: ids, references and times. Any of them is None where it cannot be read.
    """

    def text(raw: Mapping[str, Any], name: str) -> Any:
        value = number_as_text(raw.get(name))
        return value if isinstance(value, str) and value.strip() else None

    def time(raw: Mapping[str, Any], name: str) -> Moment | None:
        try:
            return charted_time(raw.get(name))
        except PydanticCustomError:
            return None

    def parts(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        value = raw.get(name)
        return [it if isinstance(it, Mapping) else {} for it in value] if isinstance(value, list) else []

    given = tuple(
        Administration.model_construct(
            id=text(raw, "id"),
            route=raw.get("route"),
            site=text(raw, "site"),
            continues=text(raw, "continues"),
            start=time(raw, "start"),
            stop=time(raw, "stop"),
            pauses=tuple(
                Pause.model_construct(from_=time(pause, "from"), to=time(pause, "to")) for pause in parts(raw, "pauses")
            ),
        )
        for raw in parts(data, "administrations")
    )
    sites = (
        AccessSite.model_construct(id=text(raw, "id"), replaces=text(raw, "replaces"))
        for raw in parts(data, "access_sites")
    )
    reasons = data.get("primary_reason")
    reasons = reasons if isinstance(reasons, list) else [reasons]
    try:
        zone = charted_zone(data.get("time_zone"))
    except PydanticCustomError:
        zone = None
    encounter = Encounter.model_construct(
        time_zone=zone,
        primary_reason=tuple(it for it in map(number_as_text, reasons) if isinstance(it, str)),
        inpatient_order_at=time(data, "inpatient_order_at"),
        access_sites=tuple(sites),
        administrations=given,
    )
    return encounter.model_copy(update={"date": _date_of(data, charted_times(encounter))})


ANY_DATE = date(2000, 1, 1)
"""Stands for the date of a chart that names none, where it decides nothing."""


def _date_of(data: Mapping[str, Any], times: Iterable[Moment]) -> date:
    """Read the date; where it is wrong take the first that a time names, so as not to blame both."""
    try:
        return charted_date(data.get("date"))
    except PydanticCustomError:
        days = [day for moment in times if (day := read_stamp(moment.text).day) is not None]
        return date.fromordinal(min(days)) if days else ANY_DATE


# --- Writing


def for_people(encounter: Encounter) -> Iterator[tuple[str, str]]:
    """Give what a chart says to people and not to the law, in pairs to be shown: notes, where the record has what."""
    if encounter.time_zone is not None:
        yield "Time zone", encounter.time_zone
    if encounter.note is not None:
        yield "Note", encounter.note
    for it in encounter.administrations:
        if it.source is not None:
            yield f"Record of {it.id}", it.source
        if it.note is not None:
            yield f"Note on {it.id}", it.note


def dumps(encounter: Encounter) -> dict[str, Any]:
    """Give a chart back in the format it is read in, without the fields that have their default.

    ``parse(dumps(encounter), source).encounter == encounter``; texts are as charted.
    """
    return _plain_part(encounter)


def _plain_part(part: Part) -> dict[str, Any]:
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
            return _plain_part(value)
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


def schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a chart, with a description of every field.

    What one field says about another, such as a reference or a stop before its start, is not in it.
    """
    plain = Encounter.model_json_schema(by_alias=True, schema_generator=WithoutTitles)
    plain["$defs"]["Administration"]["required"].remove("id")  # one is made where it is left out
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": "ivproof encounter", **plain}
