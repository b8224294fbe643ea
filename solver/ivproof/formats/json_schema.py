"""The parts that the published JSON Schemas are built of, each with its description.

>>> record("A line.", code=text("The code."))["required"]
['code']
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def text(description: str, **more: Any) -> Schema:
    """A text."""
    return {"type": "string", "description": description, **more}


def texts(description: str) -> Schema:
    """A list of texts."""
    return {"type": "array", "items": {"type": "string"}, "description": description}


def flag(description: str) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": description}


def count(description: str, kind: str = "integer") -> Schema:
    """A number from 0."""
    return {"type": kind, "minimum": 0, "description": description}


def record(description: str, optional: tuple[str, ...] = (), **fields: Schema) -> Schema:
    """An object with fields, all of them required but the optional ones."""
    required = [name for name in fields if name not in optional]
    return {"type": "object", "description": description, "properties": fields, "required": required}


def listed(of: str, description: str) -> Schema:
    """A list of what stands under `of` among the definitions."""
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}, "description": description}


def rows(description: str, *columns: Schema) -> Schema:
    """A list of rows, each with the same columns."""
    row = {"type": "array", "prefixItems": list(columns), "minItems": len(columns), "maxItems": len(columns)}
    return {"type": "array", "items": row, "description": description}


def mapping(description: str, of: str = "string") -> Schema:
    """An object with values of one type under any names."""
    return {"type": "object", "additionalProperties": {"type": of}, "description": description}


def or_null(found: Schema) -> Schema:
    """The same, or null."""
    return {**found, "type": [found["type"], "null"]}


def defined_or_null(of: str, description: str = "") -> Schema:
    """What stands under `of` among the definitions, or null."""
    found: Schema = {"oneOf": [{"$ref": f"#/$defs/{of}"}, {"type": "null"}]}
    return {**found, "description": description} if description else found


def document(title: str, found: Schema, parts: Schema) -> Schema:
    """A whole schema (draft 2020-12), with what its references stand for."""
    return {"$schema": DRAFT, "title": title, **found, "$defs": parts}
