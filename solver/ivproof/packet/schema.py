"""The JSON Schema of a packet: what ``ivproof audit -o packet.json`` writes.

Fields may be added in later versions, so readers should pass over those that they do not know.

>>> schema()["required"][:3]
['format', 'version', 'encounter']
"""

from __future__ import annotations

from ivproof.audit import schema as audits
from ivproof.audit.model import Kind, Verdict
from ivproof.edits.denials import KINDS
from ivproof.formats.json_schema import (
    Schema,
    count,
    defined_or_null,
    document,
    flag,
    listed,
    or_null,
    record,
    rows,
    text,
    texts,
)
from ivproof.packet.model import FORMAT, VERSION

_SOURCES = ["default", "set", "open"]
_SHARE = {"type": "number", "minimum": 0, "maximum": 1, "description": "A place on the axis, from 0 to 1."}
_EDITS = (text("How it ends: fails, appealable …"), text("The edit in a sentence."))

_DEFS: Schema = {
    "point": record(
        "One thing that an argument says.",
        depth={"type": "integer", "minimum": 0, "description": "Under which point it stands; 0 is said first."},
        kind=text("step, or what it rests on: fact, measure, counted, against, lacking, needed, not …"),
        text=text("What is said."),
        citation=text("The rules of the policy that it cites; empty for what a step rests on."),
    ),
    "cited": record(
        "A rule that is cited.",
        number=text("Its number: R54; F23 for a national rule."),
        section=text("Its section in the policy's text; `national` for a national rule."),
        says=text("What it says, in our words."),
    ),
    "rule": record(
        "A rule that is cited, with the lines that rest on it.",
        number=text("Its number: R54; F23 for a national rule."),
        section=text("Its section in the policy's text; `national` for a national rule."),
        says=text("What it says, in our words."),
        lines={"type": "array", "items": {"type": "integer"}, "description": "Numbers of the lines that rest on it."},
        text=text("The policy in whose text it stands; empty for a national rule."),
    ),
    "nearest": record(
        "What comes nearest to earning a billed code.",
        code=text("The code."),
        sentence=text("What would have to hold."),
        citation=text("The rules that it cites."),
        fails=listed("point", "What fails."),
    ),
    "stand": record(
        "A reading on which the other side could stand.",
        question=text("Number of the question: A19."),
        name=text("Its short name."),
        title=text("What is asked."),
        citation=text("The rules that leave it open."),
        letter=text("Letter of the option."),
        says=text("What the option says."),
        held_letter=text("Letter of the option that is held; empty where none is."),
        held_says=text("What is held."),
        source=text("Who holds it.", enum=_SOURCES),
        note=text("A remark on the question."),
        effect=text("What the option would make of the line."),
    ),
    "other_side": record(
        "The strongest argument against what is found of a line.",
        holds=text("Whether it holds, in a few words."),
        argument=text("The argument."),
        answer=text("Why it holds or does not."),
        stands=listed("stand", "The readings that it needs."),
        given=rows("Facts that it would take.", text("Path in the chart."), text("Value.")),
    ),
    "finding": record(
        "What is found of one line, with its argument.",
        number={"type": "integer", "minimum": 1, "description": "Number of the line in the packet."},
        verdict=text("The verdict.", enum=[it.value for it in Kind]),
        heading=text("The verdict in a few words."),
        disputed=flag("Whether the line is anything but supported."),
        code=text("The code as billed, or where it was not billed as supported."),
        label=text("What the code stands for."),
        billed=text("Code, modifiers and units as billed; empty where it was not billed."),
        supported=text("Code, modifiers and units as supported; empty where nothing is."),
        over=count("Units beyond what is supported.", "number"),
        under=count("Units short of what is supported.", "number"),
        message=text("The finding in a sentence or two."),
        points=listed("point", "The argument, from what is concluded down to what it rests on."),
        nearest=listed("nearest", "What comes nearest to earning what was billed beyond what is supported."),
        rules=listed("cited", "The rules that the argument cites."),
        other_side={"$ref": "#/$defs/other_side"},
        edits=rows("Claim edits that concern the line.", *_EDITS),
        drawn=defined_or_null("timeline", "The part of the timeline that the line rests on."),
        carried=texts("Keys of the administrations that carry the line, as the timeline has them."),
        left_out=count("Administrations of the visit that are not drawn."),
        denied=texts("What the payer said of the line, where it denied it."),
        refused=listed("refused", "The same as data: each denial of a billed line."),
        answers=listed("answer", "What the record says to the reasons of denials, where it supports the line."),
        positions={"type": "array", "items": {"type": "integer"}, "description": "Places on the claim, from 0."},
        modifiers=texts("Modifiers as billed."),
    ),
    "refused": record(
        "What the payer said of one billed line.",
        position={"type": "integer", "minimum": 0, "description": "Its place on the claim."},
        group=text("Group of the adjustment: CO, PR …"),
        reason=text("Code of the reason (CARC)."),
        remarks=texts("Codes of remarks (RARC)."),
        words=text("The payer's words."),
        date=text("Date of the denial; empty where it is not known."),
        amount=or_null(count("Dollars not paid.", "number")),
        kinds=texts(f"What the codes are about: {', '.join(KINDS)}."),
        labels=rows("What the codes say.", text("Code."), text("What it says, in our words.")),
    ),
    "answer": record(
        "What the record says to one kind of reason for a denial.",
        kind=text("What the reason is about.", enum=list(KINDS)),
        sentences=texts("The answer."),
        flanks=texts("What could be held against it."),
    ),
    "timeline": record(
        "The lanes of a visit on one axis.",
        begins=text("Where the axis begins."),
        ends=text("Where it ends."),
        ticks={
            "type": "array",
            "items": record("A mark on the axis.", at=_SHARE, label=text("The time of day, or the day.")),
            "description": "Marks on the axis.",
        },
        lanes=listed("lane", "The lanes."),
    ),
    "lane": record(
        "What went through one access site, or by a way that needs none.",
        title=text("The site."),
        about=text("What is charted of it."),
        rows=listed("row", "The administrations."),
    ),
    "row": record(
        "One administration.",
        key=text("Its key."),
        name=text("Its id."),
        drug=text("The drug as charted."),
        technique=text("How it was given, as the law sees it."),
        when=text("When, in words."),
        bars=listed("bar", "Stretches of time."),
        marks={"type": "array", "items": _SHARE, "description": "Moments."},
        carries=texts("The lines of the claim that it carries."),
        measures=texts("Lengths that were compared with thresholds."),
        limits={
            "type": "array",
            "items": record(
                "Where a length was reached.",
                at=_SHARE,
                when=text("The time of day."),
                text=text("What it made of what flows."),
            ),
            "description": "Where thresholds were reached.",
        },
    ),
    "bar": record(
        "A stretch of time.",
        kind=text("What flows and counts (infusion, hydration, push, other), or what does not, or is open."),
        at=_SHARE,
        width=_SHARE,
        when=text("From when to when."),
        text=text("What is to be known of it."),
    ),
    "relied": record(
        "What the chart says of one subject.",
        subject=text("Id of the administration or site; empty for the visit as a whole."),
        place=text("Where it stands in the chart."),
        facts=rows("What it says.", text("The fact."), text("The field.")),
        lines={"type": "array", "items": {"type": "integer"}, "description": "Numbers of the lines that rest on it."},
        source=text("Where the record has it; empty where the chart does not say."),
    ),
    "assumption": record(
        "What is held of an open question on which the claim depends.",
        question=text("Its number."),
        name=text("Its short name."),
        title=text("What is asked."),
        citation=text("The rules that leave it open."),
        letter=text("Letter of the option that is held; empty where none is."),
        says=text("What is held."),
        source=text("Who holds it.", enum=_SOURCES),
        note=text("A remark on the question."),
        otherwise=rows(
            "Other options.", text("Letter."), text("What it says."), text("What is different in the claim.")
        ),
    ),
    "enclosed": record(
        "The proof that goes with the packet.",
        file=text("Name of its file."),
        sha256=text("Hash of the file.", pattern="^[0-9a-f]{64}$"),
        seal=text("The proof's own seal."),
        size=count("Bytes."),
        commands=texts("Commands that make it again, hash it and check it."),
    ),
}


def schema() -> Schema:
    """Give the JSON Schema (draft 2020-12) of a packet, with a description of every field."""
    audit = audits.schema()
    inside = {name: part for name, part in audit.items() if name not in {"$schema", "title", "$defs"}}
    return document(
        FORMAT,
        record(
            "Everything that is sent of one claim; the proof itself is a file beside it.",
            format={"const": FORMAT},
            version={"const": VERSION},
            encounter=text("Id of the encounter."),
            date=text("Date of service.", format="date"),
            policy=text("The policy by which the claim is judged."),
            edition=text("Its edition."),
            stands_on=text("On what policy this one stands, if it does, and where it differs."),
            about=rows("The visit on the cover.", text("What."), text("Value.")),
            identity=rows("What was used, by hash.", text("What."), text("Value.")),
            verdict=text("The verdict on the claim.", enum=[it.value for it in Verdict]),
            sentence=text("The verdict in a sentence."),
            message=text("What it rests on; empty where the sentence says it all."),
            findings=listed("finding", "The lines: those billed in their order, then those that were not billed."),
            rules=listed("rule", "Every rule that is cited, once."),
            edits_billed=rows("Claim edits of what was billed.", *_EDITS),
            edits_supported=rows("Claim edits of what is supported.", *_EDITS),
            facts=listed("relied", "What is relied on, with its places in the chart."),
            assumed=listed("assumption", "What was assumed."),
            undocumented=rows(
                "Facts that the chart does not give.", text("Path."), text("What follows."), text("What weight it has.")
            ),
            notes=texts("Further remarks."),
            proof={"$ref": "#/$defs/enclosed"},
            payer=text("The payer; empty where the chart names none."),
            claim_number=text("The payer's number of the claim, where a remittance gave it."),
            drawn=defined_or_null("timeline", "The part of the timeline that its argued lines rest on."),
            beside=listed("rule", "National rules that confirm cited rules of the text; the section is that of those."),
            audit={**inside, "description": "The audit, as `ivproof schema audit` has it."},
        ),
        {**audit["$defs"], **_DEFS},
    )
