"""The JSON Schema of an audit: what each line of ``ivproof audit --format json`` holds.

Fields may be added in later versions, so readers should pass over those that they do not know.

>>> schema()["properties"]["verdict"]["enum"][:2]
['correct', 'correct_under_reading']
"""

from __future__ import annotations

from typing import Any

from ivproof import determination_schema
from ivproof.audit.model import Kind, Verdict

_Schema = dict[str, Any]

_SHARED = ("line", "exclusion", "edit", "missing")
"""What an audit holds as a determination does."""


def _text(description: str, **more: Any) -> _Schema:
    return {"type": "string", "description": description, **more}


def _texts(description: str) -> _Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _units(description: str) -> _Schema:
    return {"type": "number", "minimum": 0, "description": description}


def _list(of: str, description: str) -> _Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}, "description": description}


def _map(description: str, of: str = "string") -> _Schema:
    return {"type": "object", "additionalProperties": {"type": of}, "description": description}


def _record(description: str, optional: tuple[str, ...] = (), **fields: _Schema) -> _Schema:
    required = [name for name in fields if name not in optional]
    return {"type": "object", "description": description, "properties": fields, "required": required}


def _or_null(of: str) -> _Schema:
    return {"oneOf": [{"$ref": f"#/$defs/{of}"}, {"type": "null"}]}


_KINDS = [it.value for it in Kind]

_DEFS: _Schema = {
    "billed": _record(
        "Units of one code with the same modifiers, as billed.",
        code=_text("The code."),
        units=_units("Units."),
        modifiers=_texts("Modifiers as billed."),
        positions={"type": "array", "items": {"type": "integer"}, "description": "Places of the lines, from 0."},
    ),
    "supported": _record(
        "Units of one code with the same modifiers, as the chart supports them.",
        code=_text("The code."),
        units=_units("Units; those of a drug need not be whole."),
        modifiers=_texts("Modifiers that are due."),
        roles=_texts("What the services are in this claim: initial, further_hour …"),
        sites=_texts("Ids of the access sites."),
        dates=_texts("Dates of service."),
        administrations=_texts("Ids of the administrations that the units are for."),
        rules=_texts("Numbers of the policy's rules behind them."),
    ),
    "way": _record(
        "What would have to be so; empty where nothing more is needed.",
        optional=("readings", "given", "initial"),
        readings=_map("Readings: the number of a question, and the letter of its option."),
        given=_map("Facts that the chart does not give, by path."),
        initial=_map("Which of equals is the initial service, by access site."),
    ),
    "verdict": _record(
        "What is said of one line, billed, supported or both.",
        verdict=_text("The verdict.", enum=_KINDS),
        code=_text("The code as billed, or where it was not billed as supported."),
        drug={"type": "boolean", "description": "Whether it is the line of a drug itself."},
        billed=_or_null("billed"),
        supported=_or_null("supported"),
        over=_units("Units beyond what is supported."),
        under=_units("Units short of what is supported."),
        otherwise={
            "enum": [*_KINDS, None],
            "description": "Where it is supported under a reading or if documented only: what it is without that.",
        },
        way={**_or_null("way"), "description": "Under what the line would be right, where it is not as it stands."},
        message=_text("One sentence."),
        rules=_texts("Numbers of the policy's rules behind it."),
        excluded=_list("exclusion", "What the policy left out that the line is about."),
        edits=_list("edit", "Claim edits that concern the line."),
    ),
}


def schema() -> _Schema:
    """Give the JSON Schema (draft 2020-12) of an audit, with a description of every field."""
    known = determination_schema.schema()
    plain = _record(
        "What is said of a billed claim.",
        encounter=_text("Id of the encounter."),
        date=_text("Date of service.", format="date"),
        payer={"type": ["string", "null"], "description": "Payer as charted."},
        policy=known["properties"]["policy"],
        verdict=_text("The verdict on the claim.", enum=[it.value for it in Verdict]),
        message=_text("The verdict in a sentence or two."),
        status=_text("Whether one claim follows from the chart, several, or none without a missing fact."),
        lines=_list("verdict", "The lines: those billed in their order, then those that are missing from the claim."),
        units=_record(
            "Units by code.",
            over=_map("Billed and not supported.", "number"),
            under=_map("Supported and not billed.", "number"),
        ),
        way={
            **_or_null("way"),
            "description": "The smallest way under which the whole claim follows; null where there is none.",
        },
        searched={"type": "boolean", "description": "Whether all was looked at that could make the claim right."},
        edits=_record(
            "Claim edits, a verdict apart from the policy's.",
            billed=_list("edit", "Of what was billed."),
            supported=_list("edit", "Of what is supported."),
        ),
        claim=_list("line", "The claim that follows from the chart."),
        missing=_list("missing", "Facts that the chart does not give."),
        notes=_texts("Further remarks."),
    )
    shared = {name: known["$defs"][name] for name in _SHARED}
    return {"$schema": known["$schema"], "title": "Audit", **plain, "$defs": {**shared, **_DEFS}}
