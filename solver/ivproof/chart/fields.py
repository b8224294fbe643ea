"""What may stand in a field of a chart: the types that `ivproof.encounter` is made of.

Each type checks what it is given, says in words what it expected, and knows its JSON Schema. Nothing is
converted: text is not read as a number, nor a number as text, since ``08`` and ``8`` are one number but
two codes. The exception is null for a list, which is the empty list.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ivproof.chart.clock import EXPECTED, BadTimeError, Moment, read_date, read_stamp

LARGEST = 1_000_000
"""The largest number that a chart may hold: far from the 32 bits that the logic program reckons in."""


@dataclass(frozen=True)
class Shape:
    """Text of a pattern; a message says in words what was expected."""

    pattern: str
    expected: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic match the pattern and raise our words."""
        return core_schema.custom_error_schema(
            core_schema.str_schema(strict=True, pattern=f"^{self.pattern}$"),
            custom_error_type="shape",
            custom_error_message="expected {expected}",
            custom_error_context={"expected": self.expected},
        )


class NullIsEmpty:
    """A list that may be null, as it is in YAML where nothing follows the name of the field."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read null as the empty list."""
        return core_schema.no_info_before_validator_function(
            lambda value: () if value is None else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Allow null beside the list."""
        return {"anyOf": [handler(schema), {"type": "null"}]}


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else () if value is None else value


def _shape_error(expected: str) -> PydanticCustomError:
    return PydanticCustomError("shape", "expected {expected}", {"expected": expected})


def charted_time(value: object) -> Moment | None:
    """Take a time as written; the encounter gives it its date when it is complete."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise _shape_error(EXPECTED)
    try:
        return Moment(read_stamp(value).clock, 0, value)
    except BadTimeError as wrong:
        raise _shape_error(str(wrong)) from None


def charted_date(value: object) -> dt.date:
    """Take YYYY-MM-DD, or the date that a reader of YAML 1.1 has made of it."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = value.isoformat()
    try:
        return read_date(value if isinstance(value, str) else "")
    except BadTimeError as wrong:
        raise _shape_error(str(wrong)) from None


_CLOCK_PATTERN = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.0+)?)?"
_DATE_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ZONE_PATTERN = r"([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?(\[!?[A-Za-z][A-Za-z0-9_+/-]*\])?"
_TIME_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": rf"^\s*{_CLOCK_PATTERN}\s*$"},
        {"type": "string", "pattern": rf"^\s*{_DATE_PATTERN}[Tt ]{_CLOCK_PATTERN}{_ZONE_PATTERN}\s*$"},
        {"type": "null"},
    ]
}

T = TypeVar("T")
Items = Annotated[tuple[T, ...], NullIsEmpty()]
Text = Annotated[str, StringConstraints(strict=True, pattern=r"\S")]
Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(ge=0, le=LARGEST)]
Positive = Annotated[int, Strict(), Field(ge=1, le=LARGEST)]
Amount = Annotated[float, Strict(), Field(ge=0, le=LARGEST, allow_inf_nan=False)]
Time = Annotated[Moment | None, PlainValidator(charted_time), WithJsonSchema(_TIME_SCHEMA)]
Date = Annotated[
    dt.date,
    PlainValidator(charted_date),
    WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{_DATE_PATTERN}$"}),
]
References = Annotated[
    tuple[Text, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"\S"},
                {"type": "array", "items": {"type": "string", "pattern": r"\S"}},
                {"type": "null"},
            ]
        }
    ),
]
PlaceOfService = Annotated[str, Shape(r"[0-9]{2}", 'a two-digit text such as "22"')]
Diagnosis = Annotated[
    str,
    Shape(
        r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?",
        'text that is an ICD-10-CM code in capitals, with its dot, such as "E86.0"',
    ),
]
Code = Annotated[str, Shape(r"[0-9A-Z]{5}", "text that is a code of five digits or capitals")]
Modifier = Annotated[str, Shape(r"[0-9A-Z]{2}", 'a two-character text such as "59"')]

Order = Literal["signed", "verbal", "protocol", "none"]
Route = Literal["IV", "IM", "SQ", "IA", "ID", "IT", "IP", "IPL", "IL", "PO"]
DrugClass = Literal["chemotherapy", "therapeutic", "hydration"]
Form = Literal["solution", "suspension", "emulsion", "powder", "capsule", "tablet", "implant", "on_body_injector"]
Purpose = Literal["hydration", "keep_open", "carrier", "flush", "reaction_treatment", "premedication", "replacement"]
ServiceKind = Literal[
    "local_anesthesia",
    "iv_start",
    "port_access",
    "flush",
    "supplies",
    "drug_preparation",
    "monitoring",
    "education",
    "evaluation_and_management",
    "fluoroscopy",
    "lumbar_puncture",
    "thoracentesis",
    "declotting",
    "blood_draw",
    "reaction_treatment",
    "transfusion",
]
