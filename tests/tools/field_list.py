"""The list of fields in docs/charts.md, from the model of a chart: ``python tests/tools/field_list.py`` puts it in."""

from __future__ import annotations

import re
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ivproof.chart.clock import Moment
from ivproof.chart.encounter import Denial, EarlierVisit, Encounter, Part, Pause, Vials
from ivproof.chart.fields import Measured
from ivproof.importers.columns import PARTS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "charts.md"
MARKED = re.compile(r"(?<=<!-- fields, from the model -->\n).*?(?=<!-- end of the fields -->)", re.DOTALL)
TITLES: dict[str, type[Part]] = {
    "A visit": Encounter,
    "`administrations`": PARTS["administrations"],
    "`access_sites`": PARTS["access_sites"],
    "`services`": PARTS["services"],
    "`billed`": PARTS["billed"],
    "`pauses` of an administration": Pause,
    "`vials` of an administration": Vials,
    "`denied` of a billed line": Denial,
    "`earlier_visit`": EarlierVisit,
}
MADE = ("`administrations`", "id")
"""What the model has in any case, and a chart need not: one is made."""

WORDS = {Moment: "time", bool: "true or false", int: "whole number", float: "number", Measured: "amount with its unit"}


def listed() -> str:
    """Give the tables of fields, one a part of a chart; what has to be there is bold."""
    parts = []
    for title, part in TITLES.items():
        rows = [
            f"| {f'**`{name}`**' if it.is_required() and (title, name) != MADE else f'`{name}`'} "
            f"| {_words(it.annotation)} | {it.description} |"
            for key, it in part.model_fields.items()
            for name in [it.alias or key]
        ]
        parts.append("\n".join([f"\n| {title} | what stands there | meaning |", "|---|---|---|", *rows, ""]))
    return "".join(parts) + "\n"


def _words(annotation: Any) -> str:
    while get_origin(annotation) in {Annotated, Union, UnionType}:
        annotation = next(it for it in get_args(annotation) if it is not NoneType)
    if get_origin(annotation) is tuple:
        return "list" if _is_part(get_args(annotation)[0]) else "list of text"
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{it}`" for it in get_args(annotation))
    return (
        "record"
        if _is_part(annotation)
        else WORDS.get(annotation, getattr(annotation, "__name__", "")).replace("str", "text")
    )


def _is_part(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return isinstance(annotation, type) and issubclass(annotation, Part)


if __name__ == "__main__":
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(MARKED.sub(lambda _: listed(), text), "utf-8")
