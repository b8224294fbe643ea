"""The columns of tables of charts: those of the model, each with its Arrow type and what stands there.

>>> [it.name for it in columns_of("services")]
['encounter', 'position', 'kind', 'done', 'code', 'separately_identifiable']
>>> {it.name: it.arrow for it in columns_of("administrations")}["pauses"]
'list<struct<from: timestamp[s], to: timestamp[s], reason: string>>'
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from ivproof.chart.clock import Moment
from ivproof.chart.encounter import AccessSite, Administration, BilledLine, Encounter, Part, Service, schema

Kind = Literal["text", "number", "flag", "time", "date", "words", "names", "record"]
"""What stands in a column: `words` are a list of words, `names` one id or a list of them, `record` a record or a list
of records."""

PARTS: dict[str, type[Part]] = {
    "encounters": Encounter,
    "administrations": Administration,
    "services": Service,
    "access_sites": AccessSite,
    "billed": BilledLine,
}
"""The tables of charts, and the part of a chart that a row of each is. All but the first may be columns of it, too."""

OWN_TABLE = "administrations"
"""What has a table of its own and is no column of the encounters."""


class Column(NamedTuple):
    """A column: its name, what stands there, its Arrow type, whether it has to be there, and what it means."""

    name: str
    kind: Kind
    arrow: str
    required: bool
    description: str


@cache
def columns_of(table: str) -> tuple[Column, ...]:
    """Give the columns of a table of charts, in the order of the model."""
    part = PARTS[table]
    own = tuple(
        Column(
            name := field.alias or key,
            _kind(field.annotation),
            arrow_type(field.annotation),
            field.is_required() and (table, name) != (OWN_TABLE, "id"),  # one is made where it is left out
            field.description or "",
        )
        for key, field in part.model_fields.items()
        if key != OWN_TABLE
    )
    if part is Encounter:
        return own
    return (
        Column("encounter", "text", "string", True, "Id of the encounter that the row belongs to."),
        Column(
            "position",
            "number",
            "int64",
            False,
            "Place in the chart, from 0; rows may come in any order. Without this column their order is that of the "
            "chart.",
        ),
        *own,
    )


def arrow_type(annotation: Any) -> str:
    """Name the Arrow type of what a field of the model holds, as pyarrow writes it."""
    plain = _bare(annotation)
    if get_origin(plain) is tuple:
        return f"list<{arrow_type(get_args(plain)[0])}>"
    if isinstance(plain, type) and issubclass(plain, Part):
        fields = (f"{it.alias or key}: {arrow_type(it.annotation)}" for key, it in plain.model_fields.items())
        return f"struct<{', '.join(fields)}>"
    return _ARROW.get(plain, "string")


_ARROW = {Moment: "timestamp[s]", dt.date: "date32[day]", bool: "bool", int: "int64", float: "double"}
_KINDS: dict[Any, Kind] = {Moment: "time", dt.date: "date", bool: "flag", int: "number", float: "number"}


def _bare(annotation: Any) -> Any:
    """Give a type without what is annotated on it, and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in {Union, UnionType}:
            annotation = next(it for it in get_args(annotation) if it is not NoneType)
        else:
            return annotation


def _kind(annotation: Any) -> Kind:
    plain = _bare(annotation)
    if get_origin(plain) is tuple:
        item = _bare(get_args(plain)[0])
        if isinstance(item, type) and issubclass(item, Part):
            return "record"
        return "names" if annotation == Encounter.model_fields["primary_reason"].annotation else "words"
    return "record" if isinstance(plain, type) and issubclass(plain, Part) else _KINDS.get(plain, "text")


def tables_schema() -> dict[str, Any]:
    """Give the JSON Schema of tables of charts as lists of rows, with the Arrow type of each column under `arrow`.

    What is allowed in a field of a chart, and null, is allowed in its column.
    """
    chart = schema()
    definitions = chart["$defs"]
    tables = {}
    for table, part in PARTS.items():
        properties = chart["properties"] if part is Encounter else definitions[part.__name__]["properties"]
        rows = {
            it.name: {**properties.get(it.name, _OF_ROWS.get(it.name, {})), "description": it.description}
            | {"arrow": it.arrow}
            for it in columns_of(table)
        }
        required = [it.name for it in columns_of(table) if it.required]
        tables[table] = {
            "type": "array",
            "items": {"type": "object", "properties": rows, "required": required, "additionalProperties": False},
        }
    return {
        "$schema": chart["$schema"],
        "title": "ivproof tables",
        "type": "object",
        "properties": tables,
        "required": ["encounters"],
        "$defs": {name: it for name, it in definitions.items() if name != Administration.__name__},
    }


_OF_ROWS: dict[str, dict[str, Any]] = {
    "encounter": {"anyOf": [{"type": "string", "pattern": r"\S"}, {"type": "integer"}]},
    "position": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
}
