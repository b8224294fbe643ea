"""The JSON Schema of a proof: what every part of the document is, for those who read or check proofs themselves."""

from __future__ import annotations

from typing import Any

from ivproof.proof.maker import FORMAT, VERSION


def schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a proof, with a description of every part."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        "description": "A proof of the claim of one encounter. Atoms, terms and conditions are written as in the law.",
        **_object(
            {
                "format": {"const": FORMAT},
                "version": {"const": VERSION},
                "made_with": _object(
                    {"ivproof": _text("Version of ivproof."), "clingo": _text("Version of clingo.")},
                    "What made the proof; nothing rests on it.",
                ),
                "policy": _POLICY,
                "chart": _object(
                    {
                        "encounter": _text("Id of the encounter."),
                        "digest": _digest("SHA-256 of the chart's JSON with sorted keys and without spaces."),
                        "content": {"type": "object", "description": "The chart, as `ivproof schema encounter` says."},
                    },
                    "The chart that the proof is about.",
                ),
                "facts": _list(
                    _object(
                        {
                            "atom": _text("The fact."),
                            "place": _text("Where in the chart it stands, as a JSON Pointer (RFC 6901)."),
                        }
                    ),
                    "What the law may know of the chart, by place and atom.",
                ),
                "drug_list": _list(_ATOM, "What the drug list says of the drugs of the chart."),
                "settings": _list(
                    _object(
                        {
                            "question": _text("Key of the question in the law, such as a9."),
                            "source": {"enum": ["default", "set", "open"], "description": "Who settled it."},
                        },
                        optional={"option": _text("The option that is held; absent where the question is open.")},
                    ),
                    "What is held of each question that the policy's text leaves open.",
                ),
                "outcome": _object(
                    {
                        "status": {"enum": ["determined", "ambiguous", "undetermined"]},
                        "claims": _list(_list(_ATOM, "A claim."), "Every claim that the law leads to."),
                    },
                    "What is proved.",
                ),
                "answers": _list(_ANSWER, "For each claim one way to settle the choices, and all that follows."),
                "seal": _digest("SHA-256 of the document without its seal, as JSON with sorted keys, without spaces."),
            }
        ),
    }


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _digest(description: str) -> dict[str, Any]:
    return {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$", "description": description}


def _list(items: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": items}


def _object(
    required: dict[str, Any], description: str = "", *, optional: dict[str, Any] | None = None
) -> dict[str, Any]:
    found = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
        "additionalProperties": False,
    }
    return {**found, "description": description} if description else found


_ATOM: dict[str, Any] = {"type": "string", "description": "An atom."}
_CLAUSE: dict[str, Any] = {
    "rule": _text("Id of the rule in the law."),
    "clause": {"type": "integer", "minimum": 1, "description": "Which of the clauses under that id, from 1."},
}
_VALUES: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": "Variables with their values.",
}
_USES = _list(_ATOM, "The atoms that the conditions asked for, in the order of the text; each stands before.")
_ABSENT = _list(_ATOM, "The atoms that are denied, `_` for any value; their evidence stands under `absent`.")
_COMPARES: dict[str, Any] = {
    "type": "array",
    "prefixItems": [_text("Left side."), {"enum": ["=", "!=", "<", "<=", ">", ">="]}, _text("Right side.")],
    "minItems": 3,
    "maxItems": 3,
    "description": "A comparison with the values of its sides.",
}
_POLICY = _object(
    {
        "id": _text("Id of the policy."),
        "edition": _text("Edition of its text."),
        "digest": _digest("SHA-256 over name, length and text of each file of the law, in order."),
        "law": _list(_object({"file": _text("Name of the file."), "text": _text("Its text.")}), "The whole law."),
    },
    "The policy by which the chart was coded.",
)
_STEP = _object(
    {"atom": _text("What follows."), **_CLAUSE, "with": _VALUES},
    "A rule as it was applied. Parts that would be empty are left out.",
    optional={
        "uses": _USES,
        "absent": _ABSENT,
        "compares": _list(_COMPARES, "The comparisons, in the order of the text."),
        "counts": _list(
            _object(
                {
                    "compares": _COMPARES,
                    "counted": _list(
                        _object(
                            {"terms": _list(_ATOM, "What counts once."), "uses": _USES, "absent": _ABSENT},
                        ),
                        "Every different tuple with one way to it.",
                    ),
                },
            ),
            "The aggregates: what they came to, and all that was counted.",
        ),
        "candidates": _list(_ATOM, "Of a choice: the atoms of which exactly one is chosen."),
    },
)
_ANSWER = _object(
    {
        "claim": _list(_ATOM, "The claim."),
        "lines": _list(_ATOM, "Units, modifiers and drug lines of the claim, and what was left out."),
        "chosen": _list(_ATOM, "How the choices are settled."),
        "steps": _list(_STEP, "Every atom that holds, each after all that it rests on: by depth, then by atom."),
        "absent": _list(
            _object(
                {
                    "atom": _text("What is denied."),
                    "clauses": _list(
                        _object(
                            {
                                **_CLAUSE,
                                "fails": {
                                    "type": "integer",
                                    "minimum": 0,
                                    "description": "The condition that fails, from 1 in the order of the text, those "
                                    "of a choice after those of the body; 0: the head, or another was chosen.",
                                },
                                "condition": _text("That condition as the law has it."),
                                "tried": _list(_VALUES, "The ways to satisfy the conditions looked at before."),
                            }
                        ),
                        "Each clause that could conclude it, and why it does not.",
                    ),
                }
            ),
            "The evidence of every `not`.",
        ),
    }
)
