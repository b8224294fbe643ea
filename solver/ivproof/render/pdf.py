"""Reports and packets as documents, typeset by Typst with the fonts that it brings along.

The template gets them as data: nothing from a chart is ever read as markup. The same report gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.resources import files
from typing import Any

from ivproof.claim.determination import MissingFact
from ivproof.formats.extras import load
from ivproof.formats.plain import plain
from ivproof.packet.blocks import Document, Figure
from ivproof.report.legend import BARS, KINDS, SEVERITIES, SOURCES
from ivproof.report.page import Report, ReportClaim, steps
from ivproof.whatif.least import LeastChange

WORDS = {"kinds": KINDS, "severities": SEVERITIES, "bars": BARS, "sources": SOURCES}
"""What a document calls things, the same as a page."""

NEVER = 0
"""The moment that the document says it was made at: it does not depend on when that was."""


def document(report: Report) -> bytes:
    """Give the document of a report, as PDF."""
    return _typeset("report.typ", {"report": _data(report)})


def packet_document(paper: Document) -> bytes:
    """Give the document of a packet, as PDF."""
    return _typeset("packet.typ", {"document": _data(paper)})


def picture(figure: Figure) -> bytes:
    """Give the drawing of a timeline, as PNG."""
    return _typeset("figure.typ", {"figure": _data(figure)}, "png")


def _typeset(template: str, given: Mapping[str, Any], form: str = "pdf") -> bytes:
    folder = files("ivproof.render").joinpath("templates")
    sources = {"main.typ": template, "timeline.typ": "timeline.typ"}
    found: bytes = load("typst", "a PDF or a picture").compile(
        {name: folder.joinpath(file).read_bytes() for name, file in sources.items()},
        format=form,
        ppi=200.0 if form == "png" else None,
        ignore_system_fonts=True,
        sys_inputs={"given": json.dumps({**given, "words": WORDS}, ensure_ascii=False)},
        timestamp=NEVER,
    )
    return found


def _data(value: object) -> Any:
    """Anything of a report as plain data, every character in it visible."""
    match value:
        case str():
            return plain(value)
        case None | bool() | int() | float():
            return value
        case MissingFact():
            return {**_fields(value), "weight": plain(value.weight)}
        case LeastChange():
            edits = [edit.as_dict() for edit in value.change.edits] if value.change else []
            return {"edits": _data(edits), "tried": value.tried, "complete": value.complete}
        case ReportClaim():
            proofs = [*(proof for line in value.lines for proof in line.proofs)]
            proofs += [*(proof for _, proof in value.drug_lines), *(it.proof for it in value.omitted)]
            told = sorted({step.number for proof in proofs for step in steps(proof.lines)})
            return {**_fields(value), "told": told}
        case bytes():
            return None
        case Mapping():
            return {str(key): _data(it) for key, it in value.items()}
        case Sequence():
            return [_data(it) for it in value]
    return _fields(value)


def _fields(value: object) -> dict[str, Any]:
    if not is_dataclass(value):
        raise TypeError(f"no plain data: {type(value).__name__}")
    return {it.name: _data(getattr(value, it.name)) for it in fields(value)}
