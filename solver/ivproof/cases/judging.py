"""Judging: where a determination departs from what a worked case expects (section 3 of the format).

Each key of `expect` is compared by its own rule; what a case does not mention is not compared.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.cases.files import Case
from ivproof.determination import ClaimLine, Determination


@dataclass
class Departures:
    """What a determination says otherwise than the case."""

    found: list[str] = field(default_factory=list)

    def compare(self, what: str, found: object, expected: object) -> None:
        """Note a difference."""
        if found != expected:
            self.found.append(f"{what}: found {_told(found)}, expected {_told(expected)}")


def _told(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=list)


def departures(case: Case, found: Determination) -> list[str]:
    """Compare a determination with every key that the case expects; empty where they agree.

    `raises` is not told by a determination: whoever has the chart's facts compares it (`cases.running`).
    """
    notes = Departures()
    for key in case.expect:
        if key not in _CHECKS:
            notes.found.append(f"expect has {key!r}, which nothing checks")
    if "claim" in case.expect and not {"status", "alternatives"} & set(case.expect):
        notes.compare("status", found.status, "undetermined" if case.expect["claim"] is None else "determined")
    for key, expected in case.expect.items():
        if key in _CHECKS:
            _CHECKS[key](notes, found, expected, case)
    return notes.found


def units(lines: Sequence[ClaimLine]) -> dict[str, int]:
    """Give the units by code."""
    total: Counter[str] = Counter()
    for line in lines:
        total[line.code] += line.units
    return dict(total)


def _status(notes: Departures, found: Determination, expected: str, _: Case) -> None:
    notes.compare("status", found.status, expected)


def _claim(notes: Departures, found: Determination, expected: Mapping[str, int] | None, case: Case) -> None:
    if expected is None:
        return
    claim = units(found.claim)
    if case.expect.get("partial"):
        claim = {code: number for code, number in claim.items() if code in expected}
    notes.compare("claim", claim, dict(expected))


def _partial(notes: Departures, found: Determination, expected: bool, case: Case) -> None:
    """Decides only how the claim is compared."""


def _raises(notes: Departures, found: Determination, expected: Sequence[str], case: Case) -> None:
    """Not told by a determination: whoever has the chart's facts compares it with `raised`."""


def _absent(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    notes.compare("absent", sorted(set(expected) & set(units(found.claim))), [])


def _modifiers(notes: Departures, found: Determination, expected: Mapping[str, Sequence[str]], _: Case) -> None:
    for code, marks in expected.items():
        carried = {mark for line in found.claim if line.code == code for mark in line.modifiers}
        if marks:
            notes.compare(f"modifiers of {code}", sorted(set(marks) & carried), sorted(set(marks)))
        else:
            notes.compare(f"modifiers of {code}", sorted(carried), [])


def _lines(notes: Departures, found: Determination, expected: Sequence[Mapping[str, Any]], _: Case) -> None:
    """Of each code that is named, exactly these lines, each compared by the keys that the case gives."""
    for code in dict.fromkeys(str(line["code"]) for line in expected):
        wanted = [_plain(line) for line in expected if line["code"] == code]
        keys = {key for line in wanted for key in line}
        held = [{key: value for key, value in line.as_dict().items() if key in keys} for line in found.claim]
        lines = [_plain(line) for line, whole in zip(held, found.claim, strict=True) if whole.code == code]
        notes.compare(f"lines of {code}", sorted(lines, key=repr), sorted(wanted, key=repr))


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = (int, list, type(None))
    return {key: value if isinstance(value, kept) else str(value) for key, value in sorted(line.items())}


def _diagnoses(notes: Departures, found: Determination, expected: Mapping[str, Any], _: Case) -> None:
    first, *then = found.diagnoses or (None,)
    for key, value in (("first_listed", first), ("then", then)):
        if key in expected:
            notes.compare(f"diagnoses.{key}", value, expected[key])


def _exclusions(what: str) -> Callable[[Departures, Determination, Any, Case], None]:
    def check(notes: Departures, found: Determination, expected: Sequence[Mapping[str, Any]], _: Case) -> None:
        """Exactly these, each compared by the keys that the case gives."""
        listed = [it.as_dict() for it in getattr(found, what)]
        keys = {key for it in expected for key in it} or {"subject", "name"}
        held = sorted([{key: it[key] for key in sorted(keys)} for it in listed], key=repr)
        notes.compare(what, held, sorted([{key: it.get(key) for key in sorted(keys)} for it in expected], key=repr))

    return check


def _edits(notes: Departures, found: Determination, expected: Sequence[str | Mapping[str, Any]], _: Case) -> None:
    shorts = {_short(it) for it in found.edits}
    for edit in expected:
        if isinstance(edit, str):
            notes.compare(f"edit {edit!r} among {sorted(shorts)}", edit in shorts, True)
        else:
            alike = [it for it in found.edits if all(it.get(key) == value for key, value in edit.items())]
            notes.compare(f"edit {dict(edit)}", bool(alike), True)


def _short(edit: Mapping[str, Any]) -> str:
    match edit["edit"]:
        case "add-on":
            return f"add-on {edit['code']}"
        case "pair":
            return f"pair {edit['with']}/{edit['code']} ({edit['indicator']})"
    return f"units {edit['code']} {edit['units']}>{edit['limit']} ({edit['indicator']})"


def _drug_lines(notes: Departures, found: Determination, expected: Any, _: Case) -> None:
    wanted = [{"code": code, **line} for code, line in expected.items()] if isinstance(expected, Mapping) else expected
    keys = {key for line in wanted for key in line} or {"code"}
    held = [{key: value for key, value in line.as_dict().items() if key in keys} for line in found.drug_lines]
    notes.compare("drug_lines", sorted(held, key=repr), sorted(map(_like(held), wanted), key=repr))


def _like(held: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    order = list(held[0]) if held else []
    return lambda line: {key: line[key] for key in [*order, *line] if key in line}


def _missing(notes: Departures, found: Determination, expected: Sequence[str | Mapping[str, Any]], _: Case) -> None:
    """Exactly these facts, by path, and whether they would change the claim where the case says so."""
    held = {it.fact: it.would_change for it in found.missing}
    wanted = {it if isinstance(it, str) else it["fact"]: it for it in expected}
    notes.compare("missing", sorted(held), sorted(wanted))
    for fact, it in wanted.items():
        if isinstance(it, Mapping) and "would_change" in it and fact in held:
            notes.compare(f"would_change of {fact}", held[fact], it["would_change"])


def _alternatives(notes: Departures, found: Determination, expected: Sequence[Mapping[str, Any]], _: Case) -> None:
    """Exactly these claims; the readings and facts that a case gives must be among those that lead to its claim."""
    wanted = {tuple(sorted(it["claim"].items())) for it in expected}
    held = {tuple(sorted(units(it.lines).items())) for it in found.alternatives}
    notes.compare("alternatives", sorted(held), sorted(wanted))
    for it in expected:
        ways = [
            way
            for rival in found.alternatives
            if units(rival.lines) == it["claim"]
            for way in ({**rival.readings, **rival.given, **rival.initial}, *rival.others)
        ]
        led = {**it.get("readings", {}), **it.get("given", {}), **it.get("initial", {})}
        fits = any(all(way.get(key) == value for key, value in led.items()) for way in ways)
        notes.compare(f"what leads to {dict(it['claim'])}, {ways}, has {led}", fits, True)


def _supplies(notes: Departures, found: Determination, expected: str, _: Case) -> None:
    names = {it.name for it in found.excluded}
    name = {"bundled": "supplies-bundled", "undetermined": "supplies-by-guideline"}[expected]
    notes.compare(f"{name} among {sorted(names)}", name in names, True)


_CHECKS: dict[str, Callable[[Departures, Determination, Any, Case], None]] = {
    "status": _status,
    "claim": _claim,
    "partial": _partial,
    "raises": _raises,
    "absent": _absent,
    "modifiers": _modifiers,
    "lines": _lines,
    "diagnoses": _diagnoses,
    "excluded": _exclusions("excluded"),
    "findings": _exclusions("findings"),
    "edits": _edits,
    "drug_lines": _drug_lines,
    "missing": _missing,
    "alternatives": _alternatives,
    "supplies": _supplies,
}
