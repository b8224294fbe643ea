"""The JSON Schema of a determination: what each line of ``ivproof code --format json`` holds.

Fields may be added in later versions, so readers should pass over those that they do not know.

>>> schema()["required"][:4]
['encounter', 'policy', 'status', 'claim']
"""

from __future__ import annotations

from ivproof.formats.json_schema import Schema, count, document, flag, listed, mapping, or_null, record, text, texts

_RULES = texts("Numbers of the policy's rules behind it: R30; F23 for a national rule where the text is silent.")
_DATE = text("ISO date.", format="date")

_LINE = record(
    "One line of a claim.",
    code=text("CPT or HCPCS code."),
    units=count("HCPCS units."),
    modifiers=texts("Modifiers of the line."),
    role=text("What the service is in this claim: initial, further_hour, sequential_infusion …"),
    site=or_null(
        text(
            "Id of the access site as charted, or of the one that is taken for it; of several that count as one all "
            "ids, with commas. With the lumen where that counts; null where none is documented."
        )
    ),
    date=_DATE,
    administrations=texts("Ids of the administrations that the line is for, in the order of the chart."),
    rules=_RULES,
)
_EXCLUSION = record(
    "Something that is not on the claim, or a finding beside it.",
    subject=text("Id of the administration, or the service."),
    code=or_null(text("The code that it would have had; null where there is none.")),
    reason=text("One sentence that says why."),
    rules=_RULES,
    name=text("Id of the rule of the law behind it, as `ivproof policy show` knows it."),
)
_EDIT = record(
    "What a claim edit says of the claim: a second verdict, apart from the policy's.",
    optional=("with", "indicator", "units", "limit"),
    edit=text("Kind of edit.", enum=["add-on", "pair", "units"]),
    code=text("The code that would be denied."),
    **{"with": text("In a pair, the code in column 1.")},
    indicator={"type": "integer", "description": "Modifier indicator of a pair, adjudication indicator of units."},
    units=count("Units billed."),
    limit=count("Units expected at most."),
    severity=text("How it ends.", enum=["fails", "appealable", "needs_modifier", "passes", "payer_decides"]),
    message=text("One sentence."),
)
_DRUG_LINE = record(
    "A line for the drug itself.",
    code=text("HCPCS code of the drug."),
    units=count("HCPCS units.", "number"),
    modifiers=texts("Modifiers, such as JW and JZ."),
    administration=text("Id of the first administration that it is for."),
    administrations=texts("Ids of all of them, in the order of the chart."),
    date=_DATE,
)
_TAKEN = record(
    "What a charted name was taken for.",
    administration=text("Id of the administration."),
    name=text("The drug as charted."),
    drug=or_null(text("Key of the drug in the drug list; null where the list does not know it, or it was not given.")),
    kind=or_null(text("Kind of the drug in the drug list.")),
    product=or_null(text("Key of the product that the name, or the product charted beside it, settles; or null.")),
    carrier=or_null(text("Key of the fluid that the name says it was mixed into; null where it names none.")),
    carrier_ml=or_null(count("Millilitres of that fluid; null where the name does not tell it.", "number")),
    also=texts("Keys of the electrolytes and vitamins that the name says are in it as well."),
)
_READING = record(
    "What is held of a question that the policy leaves open.",
    optional=("otherwise", "otherwise_status", "otherwise_why", "otherwise_beside"),
    question=text("Its number: A9."),
    name=text("Its short name: tie_break."),
    option=or_null(text("Name of the option held; null where every one is tried.")),
    source=text("Who holds it.", enum=["default", "set", "open"]),
    matters=flag("Whether another option gives another claim, other lines of drugs or another order of diagnoses."),
    says=text("The option in words."),
    rests_on=text("The rules of the policy that leave the question open."),
    otherwise={
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}},
        "description": "The claims that other options give by themselves: units by code, by letter of the option.",
    },
    otherwise_status=mapping(
        "The status that other options by themselves lead to, where that is not one claim: by letter of the option."
    ),
    otherwise_why=mapping("What they leave open: the reason, or the claims that can follow."),
    otherwise_beside={
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {
                what: {"type": "array", "items": {"type": "string"}} for what in ("drug_lines", "diagnoses")
            },
            "additionalProperties": False,
        },
        "description": "What other options change beside the services, by letter; several if more is open.",
    },
)
_ALTERNATIVE = record(
    "One of several claims, and what leads to it.",
    optional=("given", "initial", "also", "excluded"),
    readings=mapping("Letter of the option by number of the question."),
    given=mapping("What is supposed of a fact that the chart does not give, by fact."),
    initial=mapping("Which of several equals is initial, by access site."),
    also={
        "type": "array",
        "items": mapping("Question or fact, and what is taken."),
        "description": "Further ways to it.",
    },
    claim=listed("line", "The claim."),
    excluded=listed("exclusion", "What is not on this claim, and why."),
)
_MISSING = record(
    "A fact that the chart does not give.",
    optional=("searched", "charted"),
    fact=text("Its path in the chart, with ids in the brackets: administrations[ceftriaxone-1].stop."),
    would_change=or_null(
        flag(
            "Whether the claim hangs on it: some value of it, by itself, leads to another claim (of a site: what else "
            "has none being at the first one), or the alternatives suppose different values of it. Null where that is "
            "not known: not every value could be tried."
        )
    ),
    charted=text("What the chart has there, where it gives the fact and it may be a slip of the pen."),
    searched=text("Where it is not true: which values were tried. None of them leads to another claim."),
    message=text("What follows without it."),
    rules=_RULES,
)


def schema() -> Schema:
    """Give the JSON Schema (draft 2020-12)."""
    found = record(
        "What follows for one encounter from one policy. The order of everything in it is fixed by the input.",
        encounter=text("Id of the encounter."),
        policy=record(
            "The policy that it follows from.",
            id=text("Id of the policy."),
            edition=text("Edition of its text."),
            digest=text("Digest of the law's files.", pattern="^sha256:[0-9a-f]{64}$"),
        ),
        status=text(
            "determined: one claim follows, which may be empty. ambiguous: an open question or a free choice changes "
            "it; `claim` is what holds in every case. undetermined: it depends on a fact that is missing. "
            "undecided: it takes more work than --limit allows to tell; `notes` has what makes the chart so large.",
            enum=["determined", "ambiguous", "undetermined", "undecided"],
        ),
        claim=listed("line", "The claim."),
        excluded=listed("exclusion", "What is not on the claim, and why."),
        edits=listed("edit", "The claim edits."),
        drug_lines=listed("drug_line", "Lines for the drugs themselves."),
        drugs=listed("taken", "What the name of each administration was taken for."),
        diagnoses=record(
            "The diagnoses in their sequence.",
            first_listed=or_null(text("ICD-10-CM code.")),
            then=texts("The others in order."),
        ),
        readings=listed("reading", "Questions that were set, or on whose answer this claim depends."),
        alternatives=listed("alternative", "Every claim that can follow, where there are several."),
        missing=listed("missing", "Facts that the chart does not give."),
        findings=listed("exclusion", "Findings that change no code."),
        notes=texts("Further remarks."),
    )
    parts = {
        "line": _LINE,
        "exclusion": _EXCLUSION,
        "edit": _EDIT,
        "drug_line": _DRUG_LINE,
        "taken": _TAKEN,
        "reading": _READING,
        "alternative": _ALTERNATIVE,
        "missing": _MISSING,
    }
    return document("Determination", found, parts)
