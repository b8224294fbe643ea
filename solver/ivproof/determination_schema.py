"""The JSON Schema of a determination: what each line of ``ivproof code --format json`` holds.

Fields may be added in later versions, so readers should pass over those that they do not know.

>>> schema()["required"][:4]
['encounter', 'policy', 'status', 'claim']
"""

from __future__ import annotations

from typing import Any

_Schema = dict[str, Any]


def _text(description: str, **more: Any) -> _Schema:
    return {"type": "string", "description": description, **more}


def _count(description: str, kind: str = "integer") -> _Schema:
    return {"type": kind, "minimum": 0, "description": description}


def _texts(description: str) -> _Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _list(of: str, description: str) -> _Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}, "description": description}


def _record(description: str, optional: tuple[str, ...] = (), **fields: _Schema) -> _Schema:
    required = [name for name in fields if name not in optional]
    return {"type": "object", "description": description, "properties": fields, "required": required}


def _map(description: str) -> _Schema:
    return {"type": "object", "additionalProperties": {"type": "string"}, "description": description}


def _or_null(found: _Schema) -> _Schema:
    return {**found, "type": [found["type"], "null"]}


_RULES = _texts("Numbers of the policy's rules behind it: R30; F23 for a national rule where the text is silent.")
_DATE = _text("ISO date.", format="date")

_LINE = _record(
    "One line of a claim.",
    code=_text("CPT or HCPCS code."),
    units=_count("HCPCS units."),
    modifiers=_texts("Modifiers of the line."),
    role=_text("What the service is in this claim: initial, further_hour, sequential_infusion …"),
    site=_or_null(_text("Id of the access site, with the lumen where that counts; null where none is documented.")),
    date=_DATE,
    administrations=_texts("Ids of the administrations that the line is for, in the order of the chart."),
    rules=_RULES,
)
_EXCLUSION = _record(
    "Something that is not on the claim, or a finding beside it.",
    subject=_text("Id of the administration, or the service."),
    code=_or_null(_text("The code that it would have had; null where there is none.")),
    reason=_text("One sentence that says why."),
    rules=_RULES,
    name=_text("Id of the rule of the law behind it, as `ivproof policy show` knows it."),
)
_EDIT = _record(
    "What a claim edit says of the claim: a second verdict, apart from the policy's.",
    optional=("with", "indicator", "units", "limit"),
    edit=_text("Kind of edit.", enum=["add-on", "pair", "units"]),
    code=_text("The code that would be denied."),
    **{"with": _text("In a pair, the code in column 1.")},
    indicator={"type": "integer", "description": "Modifier indicator of a pair, adjudication indicator of units."},
    units=_count("Units billed."),
    limit=_count("Units expected at most."),
    severity=_text("How it ends.", enum=["fails", "appealable", "needs_modifier", "passes", "payer_decides"]),
    message=_text("One sentence."),
)
_DRUG_LINE = _record(
    "A line for the drug itself.",
    code=_text("HCPCS code of the drug."),
    units=_count("HCPCS units.", "number"),
    modifiers=_texts("Modifiers, such as JW and JZ."),
    administration=_text("Id of the administration."),
)
_READING = _record(
    "What is held of a question that the policy leaves open.",
    optional=("otherwise",),
    question=_text("Its number: A9."),
    name=_text("Its short name: tie_break."),
    option=_or_null(_text("Name of the option held; null where every one is tried.")),
    source=_text("Who holds it.", enum=["default", "set", "open"]),
    matters={"type": "boolean", "description": "Whether another option gives this encounter another claim."},
    says=_text("The option in words."),
    rests_on=_text("The rules of the policy that leave the question open."),
    otherwise={
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}},
        "description": "The claims that other options give by themselves: units by code, by letter of the option.",
    },
)
_ALTERNATIVE = _record(
    "One of several claims, and what leads to it.",
    optional=("given", "initial", "also", "excluded"),
    readings=_map("Letter of the option by number of the question."),
    given=_map("What is supposed of a fact that the chart does not give, by fact."),
    initial=_map("Which of several equals is initial, by access site."),
    also={"type": "array", "items": _map("Question or fact, and what is taken."), "description": "Further ways to it."},
    claim=_list("line", "The claim."),
    excluded=_list("exclusion", "What is not on this claim, and why."),
)
_MISSING = _record(
    "A fact that the chart does not give.",
    fact=_text("Its path in the chart, with ids in the brackets: administrations[ceftriaxone-1].stop."),
    would_change={"type": "boolean", "description": "Whether some value of it leads to another claim."},
    message=_text("What follows without it."),
    rules=_RULES,
)


def schema() -> _Schema:
    """Give the JSON Schema (draft 2020-12)."""
    found = _record(
        "What follows for one encounter from one policy. The order of everything in it is fixed by the input.",
        encounter=_text("Id of the encounter."),
        policy=_record(
            "The policy that it follows from.",
            id=_text("Id of the policy."),
            edition=_text("Edition of its text."),
            digest=_text("Digest of the law's files.", pattern="^sha256:[0-9a-f]{64}$"),
        ),
        status=_text(
            "determined: one claim follows, which may be empty. ambiguous: an open question or a free choice changes "
            "it; `claim` is what holds in every case. undetermined: it depends on a fact that is missing.",
            enum=["determined", "ambiguous", "undetermined"],
        ),
        claim=_list("line", "The claim."),
        excluded=_list("exclusion", "What is not on the claim, and why."),
        edits=_list("edit", "The claim edits."),
        drug_lines=_list("drug_line", "Lines for the drugs themselves."),
        diagnoses=_record(
            "The diagnoses in their sequence.",
            first_listed=_or_null(_text("ICD-10-CM code.")),
            then=_texts("The others in order."),
        ),
        readings=_list("reading", "Questions that were set, or on whose answer this claim depends."),
        alternatives=_list("alternative", "Every claim that can follow, where there are several."),
        missing=_list("missing", "Facts that the chart does not give."),
        findings=_list("exclusion", "Findings that change no code."),
        notes=_texts("Further remarks."),
    )
    parts = {
        "line": _LINE,
        "exclusion": _EXCLUSION,
        "edit": _EDIT,
        "drug_line": _DRUG_LINE,
        "reading": _READING,
        "alternative": _ALTERNATIVE,
        "missing": _MISSING,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Determination",
        **found,
        "$defs": parts,
    }
