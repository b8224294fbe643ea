"""A chart as the fields of a form, and back: one row an administration, what the form does not show is kept.

In: a chart as plain data, as its file has it. Out: the fields by name and their text; and from what a browser sends the
chart again, in which only fields whose text was changed are other than they were.

>>> base = {"id": "E", "administrations": [{"drug": "Zofran", "route": "IVP", "volume_ml": 4}]}
>>> sent = {**fields(base), "given.0.of": "0", "given.0.start": "10:10", "given.0.route": "IVP"}
>>> chart(base, sent)["administrations"]
[{'drug': 'Zofran', 'route': 'IVP', 'volume_ml': 4, 'start': '10:10'}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ivproof.chart.written import billed_line, span

VISIT = ("id", "date", "place_of_service", "claim_type", "payer", "primary_reason", "diagnoses", "billed")
SITE = ("id", "kind", "necessity")
GIVEN = ("drug", "route", "method", "site", "start", "stop", "pauses")
"""Fields that the form shows: of the visit, of an access site, of an administration."""

LISTS = {"primary_reason", "diagnoses"}
"""Fields that are lists, and stand in one line of text."""

ROWS = 400
"""So many rows of a kind are taken from a form."""

PARTS = {"site": ("access_sites", SITE), "given": ("administrations", GIVEN)}
"""The kinds of rows: the field of the chart that holds them, and what the form shows of each."""


def fields(base: Mapping[str, Any]) -> dict[str, str]:
    """Give the text of each field of a chart: ``visit.date``, ``site.0.kind``, ``given.2.start``."""
    found = {f"visit.{name}": shown(name, base.get(name)) for name in VISIT}
    for kind, (part, names) in PARTS.items():
        for n, row in enumerate(rows(base, part)):
            found |= {f"{kind}.{n}.{name}": shown(name, row.get(name)) for name in names}
    return found


def rows(base: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    """Give the rows of a part of a chart that is plain data, and may not be in order."""
    given = base.get(part)
    return [it if isinstance(it, Mapping) else {} for it in given] if isinstance(given, list) else []


def shown(name: str, value: Any) -> str:
    """Give the text of a field's value."""
    if value is None:
        return ""
    if name == "pauses" and isinstance(value, list):
        spans = (it if isinstance(it, Mapping) else {} for it in value)
        return ", ".join(f"{it.get('from') or '?'}–{it.get('to') or '?'}" for it in spans)
    if name == "billed" and isinstance(value, list):
        return ", ".join(_line(it if isinstance(it, Mapping) else {"code": it}) for it in value)
    if isinstance(value, list):
        return ", ".join(str(it) for it in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(billed: Mapping[str, Any]) -> str:
    """A billed line as text: ``96365-59 ×2``."""
    modifiers = billed.get("modifiers")
    code = "-".join(map(str, (billed.get("code"), *(modifiers if isinstance(modifiers, list) else ()))))
    return code if billed.get("units", 1) == 1 else f"{code} ×{billed.get('units')}"


def chart(base: Mapping[str, Any], sent: Mapping[str, str]) -> dict[str, Any]:
    """Put what a form has into a chart: rows in the order of the form, those without any text left out.

    Of each row ``given.N.of`` says which of the chart it was; without it, it is a new one.
    """
    found = _put(base, {name: sent.get(f"visit.{name}") for name in VISIT})
    for kind, (part, names) in PARTS.items():
        if f"{kind}.rows" not in sent and not any(name.startswith(f"{kind}.") for name in sent):
            continue
        held = rows(base, part)
        listed = []
        for n in _numbers(kind, sent):
            of = sent.get(f"{kind}.{n}.of", "")
            row = held[int(of)] if of.isascii() and of.isdigit() and int(of) < len(held) else {}
            texts = {name: sent.get(f"{kind}.{n}.{name}") for name in names}
            said = [it for name, it in texts.items() if it and it.strip() and (row or name != "route")]
            if said:  # the way is set beforehand in a new row, and says nothing by itself
                listed.append(_put(row, texts))
        if listed or part in found:
            found[part] = listed
    return found


def _numbers(kind: str, sent: Mapping[str, str]) -> Iterable[int]:
    """The rows of a kind that a form has, in their order."""
    found = {int(it[1]) for name in sent if (it := re.fullmatch(rf"{kind}\.(\d{{1,4}})\.\w+", name, re.ASCII))}
    return sorted(found)[:ROWS]


def _put(row: Mapping[str, Any], texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Give a row with the texts that are other than what it shows; without text, a field is not documented."""
    found = dict(row)
    for name, text in texts.items():
        if text is None or _one_line(text) == _one_line(shown(name, row.get(name))):
            continue
        if text.strip():
            found[name] = _read(name, text.strip(), row.get(name))
        else:
            found.pop(name, None)
    return found


def _one_line(text: str) -> str:
    """A text as a field of a form holds it."""
    return text.replace("\r", "").replace("\n", "").strip()


def _read(name: str, text: str, before: Any) -> Any:
    if name in LISTS:
        return [it for it in re.split(r"[,;\s]+", text) if it]
    if name == "billed":
        return _billed(text, before)
    if name != "pauses":
        return text
    held = before if isinstance(before, list) else []
    spans = []
    for n, text_of_one in enumerate(it for it in re.split(r"\s*[,;]\s*", text) if it):
        kept = held[n] if n < len(held) and isinstance(held[n], Mapping) else {}
        spans.append({**kept, **span(text_of_one)})
    return spans


def _billed(text: str, before: Any) -> list[dict[str, Any]]:
    """Read billed lines; what else the chart says of a line of that code, such as its denial, is kept with it."""
    held = [it for it in (before if isinstance(before, list) else []) if isinstance(it, Mapping)]
    found = []
    for part in (it for it in re.split(r"\s*[,;]\s*", text) if it):
        known = next((it for it in held if _line(it) == part), None)
        if known is not None:
            found.append(dict(known))
            continue
        line = billed_line(part)
        kept = next((it for it in held if it.get("code") == line["code"]), {})
        found.append({**line, "denied": kept["denied"]} if "denied" in kept else line)
    return found
