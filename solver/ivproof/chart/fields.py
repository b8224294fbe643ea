"""What may stand in a field of a chart: the types that `ivproof.chart.encounter` is made of.

Each type checks what it is given, says in words what it expected, and knows its JSON Schema. Nothing is
converted of which there could be two meanings: text is not read as a number, nor a number as a code, since
``08`` and ``8`` are one number but two codes. What has one meaning is taken: a whole number as an id or as a
place of service, which has two digits; a word as a service; null for a list, which is the empty list.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

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

from ivproof.chart.clock import EXPECTED, BadTimeError, Moment, known_zone, read_date, read_stamp

LARGEST = 1_000_000
"""The largest number that a chart may hold: far from the 32 bits that the logic program reckons in."""


LONGEST, LONGEST_NOTE = 1_000, 100_000
"""The most characters that a text of a chart may have, and one for people: longer ones take too long to compare."""


def compare_key(text: str) -> str:
    """Give what ids, references and names are compared by: trimmed, and one spelling of each accent.

    What is longer than a chart may hold is trimmed alone: to normalize it takes time by the square of its length.

    >>> compare_key(" left-arm ") == compare_key("left-arm")
    True
    """
    return text.strip() if text.isascii() or len(text) > LONGEST else unicodedata.normalize("NFC", text).strip()


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
    if value is None:
        return ()
    return (value,) if isinstance(value, str) or _is_whole(value) else value


def _is_whole(value: object) -> bool:
    """Whether it is a whole number, and none of more digits than a text may have."""
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= 3 * LONGEST


def number_as_text(value: object) -> object:
    """Take a whole number as the text that it is written as; any other value as it is."""
    return str(value) if _is_whole(value) else value


def _number_as_place(value: object) -> object:
    """Take a whole number as the two digits of a place of service; any other value as it is."""
    return f"{value:02}" if _is_whole(value) else value


@dataclass(frozen=True)
class NumberToo:
    """Text that may be written as a whole number, in YAML without quotes; `most` is the largest that it may be."""

    read: Any = number_as_text
    most: int | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read a number as the text that it stands for."""
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Allow a whole number beside the text."""
        number: dict[str, Any] = {"type": "integer"}
        if self.most is not None:
            number |= {"minimum": 0, "maximum": self.most}
        return {"anyOf": [handler(schema), number]}


def _shape_error(expected: str) -> PydanticCustomError:
    return PydanticCustomError("shape", "expected {expected}", {"expected": expected})


def charted_time(value: object) -> Moment | None:
    """Take a time as written; the encounter gives it its date when it is complete."""
    if value is None:
        return None
    if not isinstance(value, str):
        likely = _clock_of(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        raise _shape_error(EXPECTED if likely is None else f"{EXPECTED}, perhaps {likely}")
    try:
        return Moment(read_stamp(value).clock, 0, value)
    except BadTimeError as wrong:
        raise _shape_error(str(wrong)) from None


def _clock_of(number: float) -> str | None:
    """Give the time that a number may be meant as, in quotes: 930 as 09:30, 23.0 as 23:00; it may be minutes, too."""
    if not 0 <= number < 2400:
        return None
    hours, minutes = divmod(number if isinstance(number, int) and number >= 100 else round(number * 100), 100)
    return f'"{int(hours):02}:{int(minutes):02}"' if hours < 24 and minutes < 60 else None


def charted_date(value: object) -> dt.date:
    """Take YYYY-MM-DD, or the date that a reader of YAML 1.1 has made of it."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = value.isoformat()
    try:
        return read_date(value if isinstance(value, str) else "")
    except BadTimeError as wrong:
        raise _shape_error(str(wrong)) from None


def charted_zone(value: object) -> str | None:
    """Take the name of a time zone."""
    if value is None:
        return None
    try:
        return known_zone(value if isinstance(value, str) else "")
    except BadTimeError as wrong:
        raise _shape_error(str(wrong) if isinstance(value, str) else "the name of a time zone") from None


class Measured(NamedTuple):
    """An amount of a drug: `number` of `unit`; `text` is what the chart says."""

    number: Decimal
    unit: str
    text: str


MEASURES = {
    **dict.fromkeys(("mg", "milligram", "milligrams"), "mg"),
    **dict.fromkeys(("mcg", "µg", "μg", "ug", "microgram", "micrograms"), "mcg"),
    **dict.fromkeys(("g", "gm", "gram", "grams"), "g"),
    **dict.fromkeys(("ml", "milliliter", "milliliters", "cc"), "ml"),
    **dict.fromkeys(("unit", "units", "iu", "u"), "unit"),
    **dict.fromkeys(("million unit", "million units", "million iu"), "million_unit"),
    **dict.fromkeys(("meq",), "meq"),
    **dict.fromkeys(("mmol",), "mmol"),
    **dict.fromkeys(("vial", "vials"), "vial"),
    **dict.fromkeys(("dose", "doses"), "dose"),
    **dict.fromkeys(("implant", "implants"), "implant"),
    **dict.fromkeys(("million pfu",), "million_pfu"),
}
"""How the unit of an amount may be written, in lower case, and what it is."""

_MEASURED = re.compile(r"\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*([a-zµμ ]+?)\s*", re.ASCII | re.IGNORECASE)
_MEASURE_EXPECTED = 'an amount with its unit, such as "679 mg": mg, mcg, g, mL, units, million units, mEq, mmol'


def charted_amount(value: object) -> Measured:
    """Take an amount as written, a number with its unit."""
    found = _MEASURED.fullmatch(value) if isinstance(value, str) and len(value) <= LONGEST else None
    unit = MEASURES.get(" ".join(found[2].casefold().split())) if found else None
    if found is None or unit is None:
        raise _shape_error(_MEASURE_EXPECTED)
    number = Decimal(found[1].replace(",", ""))
    if not 0 < number <= LARGEST:
        raise _shape_error(f"an amount above 0, at most {LARGEST:,}")
    return Measured(number, unit, str(value))


class WordToo:
    """A service that may be written as a word: IV start for {kind: iv_start}."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read a word as the kind of the service."""
        return core_schema.no_info_before_validator_function(_service_of, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Allow a word beside the fields."""
        return {"anyOf": [handler(schema), {"type": "string"}]}


def _service_of(value: object) -> object:
    """Take the words for a service, or nearly these; other text stays as it is: it may be a note about a patient."""
    kind = re.sub(r"[\s-]+", "_", value.strip().casefold()) if isinstance(value, str) else ""
    return {"kind": kind} if get_close_matches(kind, get_args(ServiceKind), n=1, cutoff=0.7) else value


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
Text = Annotated[str, StringConstraints(strict=True, pattern=r"\S", max_length=LONGEST)]
Note = Annotated[str, StringConstraints(strict=True, pattern=r"\S", max_length=LONGEST_NOTE)]
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
    tuple[Annotated[Text, NumberToo()], ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"\S"},
                {"type": "integer"},
                {"type": "array", "items": {"anyOf": [{"type": "string", "pattern": r"\S"}, {"type": "integer"}]}},
                {"type": "null"},
            ]
        }
    ),
]
Id = Annotated[Text, NumberToo()]
PlaceOfService = Annotated[
    str, Shape(r"[0-9]{2}", 'a code of two digits such as "22"'), NumberToo(_number_as_place, 99)
]
Zone = Annotated[
    str | None,
    PlainValidator(charted_zone),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9_+/-]*$"}, {"type": "null"}]}),
]
Measure = Annotated[
    Measured,
    PlainValidator(charted_amount),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9][0-9,]*(\.[0-9]+)?\s*[A-Za-zµμ]"}),
]
Diagnosis = Annotated[
    str,
    Shape(
        r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?",
        'text that is an ICD-10-CM code in capitals, with its dot, such as "E86.0"',
    ),
]
Reason = Annotated[
    str,
    Shape(r"[A-Z]?[0-9]{1,3}", 'the code of an adjustment reason (CARC), such as "97"'),
    NumberToo(most=999),
]
Remark = Annotated[str, Shape(r"[A-Z]{1,2}[0-9]{1,4}", 'the code of a remark (RARC), such as "M15"')]
Remarks = Annotated[tuple[Remark, ...], BeforeValidator(_one_or_more)]
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
