"""The JSON Schema of an audit: what each line of ``ivproof audit --format json`` holds.

Fields may be added in later versions, so readers should pass over those that they do not know.

>>> schema()["properties"]["verdict"]["enum"][:2]
['correct', 'correct_under_reading']
"""

from __future__ import annotations

from ivproof.audit.model import Kind, Verdict
from ivproof.claim import determination_schema
from ivproof.formats.json_schema import (
    Schema,
    count,
    defined_or_null,
    document,
    flag,
    listed,
    mapping,
    or_null,
    record,
    text,
    texts,
)

_SHARED = ("line", "exclusion", "edit", "missing")
"""What an audit holds as a determination does."""


_KINDS = [it.value for it in Kind]

_DEFS: Schema = {
    "billed": record(
        "Units of one code with the same modifiers, as billed.",
        code=text("The code."),
        units=count("Units.", "number"),
        modifiers=texts("Modifiers as billed."),
        positions={"type": "array", "items": {"type": "integer"}, "description": "Places of the lines, from 0."},
        denied=listed("denial", "What the payer said of those that it did not pay."),
    ),
    "denial": record(
        "What the payer said of a line that it did not pay.",
        optional=("group", "reason", "remark", "text", "date", "amount"),
        group=or_null(text("Group of the adjustment: CO, CR, OA, PI or PR.")),
        reason=or_null(text("Code of the adjustment reason (CARC).")),
        remark=texts("Codes of remarks (RARC)."),
        text=or_null(text("The reason in words, or all reasons where one cannot be told from the others.")),
        date=or_null(text("Date of the denial.", format="date")),
        amount=or_null(count("Dollars that were not paid.", "number")),
    ),
    "adjustment": record(
        "Why less was paid than billed.",
        group=text("Group of the adjustment."),
        reason=text("Code of the adjustment reason (CARC)."),
        amount=count("Dollars; below 0 where they were added.", "number"),
        units=or_null(count("Units, where the remittance counts them.", "number")),
    ),
    "submitted": record(
        "What an 837 or 835 file says of the claim, after replacements and voids.",
        kind=text("Kind of the transaction.", enum=["837P", "837I", "835"]),
        number=or_null(text("The payer's number of the claim; null in a claim.")),
        claim_type=or_null(text("Whose claim it is; null in a remittance.", enum=["facility", "professional", None])),
        place_of_service=or_null(text("Place of service of a professional claim.")),
        bill_type=or_null(text("Type of bill of an institutional claim, with its frequency code.")),
        diagnoses=texts("ICD-10-CM codes in the order of the claim."),
        replaces_an_earlier_claim=flag("Whether it takes the place of an earlier one."),
        voided=flag("Whether it was voided and nothing of it holds."),
        date=or_null(text("Date of the claim in a remittance.", format="date")),
        remitted=or_null(text("Date of the remittance.", format="date")),
        charge=or_null(count("Dollars charged.", "number")),
        paid=or_null(count("Dollars paid; null in a claim.", "number")),
        adjustments=listed("adjustment", "Adjustments of the whole claim."),
        remarks=texts("Codes of remarks on the whole claim."),
        lines=listed("submitted_line", "Its lines, in the order of `positions`."),
        left_out=listed("left_out", "Lines that cannot be held against a chart."),
    ),
    "submitted_line": record(
        "A line as it was submitted, and what was paid of it.",
        code=text("The code."),
        units=count("Units that were billed."),
        modifiers=texts("Modifiers as billed."),
        date=or_null(text("Date of service.", format="date")),
        ndc=or_null(text("NDC as it stands there.")),
        charge=or_null(count("Dollars charged.", "number")),
        paid=or_null(
            record(
                "What was paid; null in a claim.",
                units=or_null(count("Units paid; null where none are given.", "number")),
                amount=count("Dollars paid.", "number"),
                code=or_null(text("The code under which it was paid, where that is another one.")),
            )
        ),
        adjustments=listed("adjustment", "Why less was paid than billed."),
        remarks=texts("Codes of remarks (RARC)."),
        denied=or_null(
            record(
                "Units that were not paid; null where all were.",
                units=count("So many units.", "number"),
                group=or_null(text("Group, where one adjustment can be meant.")),
                reason=or_null(text("Code of the reason (CARC), where one can be meant.")),
                remark=texts("Codes of remarks (RARC)."),
                text=or_null(text("All adjustments, where several can be meant.")),
                amount=or_null(count("Dollars that were not paid.", "number")),
            )
        ),
        segment=count("Number of its segment in the file."),
    ),
    "left_out": record(
        "A line that is not used.", segment=count("Number of its segment in the file."), reason=text("Why.")
    ),
    "supported": record(
        "Units of one code with the same modifiers, as the chart supports them.",
        code=text("The code."),
        units=count("Units; those of a drug need not be whole.", "number"),
        modifiers=texts("Modifiers that are due."),
        roles=texts("What the services are in this claim: initial, further_hour …"),
        sites=texts("Ids of the access sites."),
        dates=texts("Dates of service."),
        administrations=texts("Ids of the administrations that the units are for."),
        rules=texts("Numbers of the policy's rules behind them."),
    ),
    "way": record(
        "What would have to be so; empty where nothing more is needed.",
        optional=("readings", "given", "initial", "until"),
        readings=mapping("Readings: the number of a question, and the letter of its option."),
        given=mapping("Facts that the chart does not give, by path."),
        initial=mapping("Which of equals is the initial service, by access site."),
        until=mapping("Of a time in `given` the last one, by path: all between lead to the same."),
    ),
    "verdict": record(
        "What is said of one line, billed, supported or both.",
        verdict=text("The verdict.", enum=_KINDS),
        code=text("The code as billed, or where it was not billed as supported."),
        drug=flag("Whether it is the line of a drug itself."),
        billed=defined_or_null("billed"),
        supported=defined_or_null("supported"),
        over=count("Units beyond what is supported.", "number"),
        under=count("Units short of what is supported.", "number"),
        otherwise={
            "enum": [*_KINDS, None],
            "description": "Where it is supported under a reading or if documented: what it is without that.",
        },
        way=defined_or_null("way", "Under what the line would be right, where it is not as it stands."),
        message=text("One sentence."),
        rules=texts("Numbers of the policy's rules behind it."),
        excluded=listed("exclusion", "What the policy left out that the line is about."),
        edits=listed("edit", "Claim edits that concern the line."),
        hangs_on=texts(
            "Questions of which another option gives other units of its codes, another line, or no one claim."
        ),
    ),
}


def schema() -> Schema:
    """Give the JSON Schema (draft 2020-12) of an audit, with a description of every field."""
    known = determination_schema.schema()
    plain = record(
        "What is said of a billed claim.",
        encounter=text("Id of the encounter."),
        date=text("Date of service.", format="date"),
        payer={"type": ["string", "null"], "description": "Payer as charted."},
        policy=known["properties"]["policy"],
        verdict=text("The verdict on the claim.", enum=[it.value for it in Verdict]),
        message=text("The verdict in a sentence or two."),
        status=text("Whether one claim follows from the chart, several, or none without a missing fact."),
        lines=listed("verdict", "The lines: those billed in their order, then those that are missing from the claim."),
        units=record(
            "Units by code.",
            over=mapping("Billed and not supported.", "number"),
            under=mapping("Supported and not billed.", "number"),
        ),
        way=defined_or_null("way", "The smallest way under which the whole claim follows; null where none was found."),
        searched=flag(
            "Whether all readings were gone through, every combination. Of a fact that the chart does not give, values "
            "are tried; of a time, those at which something runs as long as a threshold of the law."
        ),
        within={
            "type": ["integer", "null"],
            "minimum": 0,
            "description": "Where not all was looked at: so many questions at most were read otherwise at once (0: the "
            "chart leads to too much). Null where all was looked at, or nothing.",
        },
        edits=record(
            "Claim edits, a verdict apart from the policy's.",
            billed=listed("edit", "Of what was billed."),
            supported=listed("edit", "Of what is supported."),
        ),
        claim=listed("line", "The claim that follows from the chart."),
        missing=listed("missing", "Facts that the chart does not give."),
        notes=texts("Further remarks."),
        submitted=defined_or_null("submitted", "What an 837 or 835 file says of the claim; null without one."),
    )
    shared = {name: known["$defs"][name] for name in _SHARED}
    return document("Audit", plain, {**shared, **_DEFS})
