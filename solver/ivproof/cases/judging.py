"""Judging: where a determination departs from what a worked case expects (section 3 of the format).

Each key of `expect` is compared by its own rule; what a case does not mention is not compared.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.cases.files import Case
from ivproof.claim.determination import ClaimLine, Determination, Exclusion, MissingFact


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

    What is not told by a determination (`ELSEWHERE`) is compared by whoever has the rest (`cases.running`).
    """
    notes = Departures()
    for key in case.expect:
        if key not in _CHECKS and key not in ELSEWHERE:
            notes.found.append(f"expect has {key!r}, which nothing checks")
    if case.expect.get("claim") is not None and not {"status", "alternatives", "claims"} & set(case.expect):
        notes.compare("status", found.status, "determined")
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
        of_code = [line.as_dict() for line in found.claim or _every_line(found) if line.code == code]
        lines = [_plain({key: value for key, value in line.items() if key in keys}) for line in of_code]
        if not found.claim:  # several claims may share a line
            lines = [line for n, line in enumerate(lines) if line not in lines[:n]]
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
        """Of each subject that is named exactly these, by the keys that the case gives; an empty list: none at all."""
        named = {it.get("subject") for it in expected}
        listed = [it.as_dict() for it in getattr(found, what) if not expected or named & {None, it.subject}]
        keys = {key for it in expected for key in it} or {"subject", "name"}
        held = sorted([{key: it[key] for key in sorted(keys)} for it in listed], key=repr)
        notes.compare(what, held, sorted([{key: it.get(key) for key in sorted(keys)} for it in expected], key=repr))

    return check


def _edits(notes: Departures, found: Determination, expected: Sequence[str | Mapping[str, Any]], _: Case) -> None:
    shorts = {it.short for it in found.edits}
    for edit in expected:
        if isinstance(edit, str):
            notes.compare(f"edit {edit!r} among {sorted(shorts)}", edit in shorts, True)
        else:
            alike = [it for it in found.edits if edit.items() <= it.as_dict().items()]
            notes.compare(f"edit {dict(edit)}", bool(alike), True)


def _drug_lines(notes: Departures, found: Determination, expected: Any, _: Case) -> None:
    wanted = [{"code": code, **line} for code, line in expected.items()] if isinstance(expected, Mapping) else expected
    keys = {key for line in wanted for key in line} or {"code"}
    held = [{key: value for key, value in line.as_dict().items() if key in keys} for line in found.drug_lines]
    notes.compare("drug_lines", sorted(held, key=repr), sorted(map(_like(held), wanted), key=repr))


def _like(held: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    order = list(held[0]) if held else []
    return lambda line: {key: line[key] for key in [*order, *line] if key in line}


def _missing(
    notes: Departures,
    found: Determination,
    expected: Mapping[str, bool | None] | Sequence[str | Mapping[str, Any]],
    case: Case,
) -> None:
    """By path these facts among others; as a list exactly these; and whether they would change the claim.

    A path may name an administration by its place in the chart: of an imported one the case does not know the id.
    """
    held = {it.fact: it.would_change for it in found.missing}
    if isinstance(expected, Mapping):
        ids = {
            f"administrations[{n}].": f"administrations[{it.id}]."
            for n, it in enumerate(case.encounter.administrations)
        }
        for path, changes in expected.items():
            place = path[: path.find(".") + 1]
            fact = path if path in held else path.replace(place, ids.get(place, place), 1)
            notes.compare(f"{fact} among {sorted(held)}", fact in held, True)
            if changes is not None and fact in held:
                notes.compare(f"would_change of {fact}", held[fact], changes)
        return
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


def _claims(notes: Departures, found: Determination, expected: Sequence[Mapping[str, int]], _: Case) -> None:
    held = {tuple(sorted(units(it.lines).items())) for it in found.alternatives}
    notes.compare("claims", sorted(held), sorted({tuple(sorted(it.items())) for it in expected}))


def _every_line(found: Determination) -> list[ClaimLine]:
    """The lines of the claim and of every claim that can follow."""
    return [*found.claim, *(line for rival in found.alternatives for line in rival.lines)]


def _never(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    notes.compare("never", sorted(set(expected) & set(units(_every_line(found)))), [])


def _modifiers_absent(notes: Departures, found: Determination, expected: Mapping[str, Sequence[str]], _: Case) -> None:
    for code, marks in expected.items():
        carried = {mark for line in _every_line(found) if line.code == code for mark in line.modifiers}
        notes.compare(f"modifiers of {code} that are to be absent", sorted(carried & set(marks)), [])


def _not_drug_lines(notes: Departures, found: Determination, expected: Sequence[Mapping[str, Any]], _: Case) -> None:
    for line in expected:
        alike = [it.as_dict() for it in found.drug_lines]
        alike = [it for it in alike if all(key in it and it[key] == value for key, value in line.items())]
        notes.compare(f"drug lines like {dict(line)}", alike, [])


def _named(found: Determination) -> set[str]:
    """The numbers of the questions that an answer names: as readings that matter, or as what leads to a claim."""
    ways = [way for rival in found.alternatives for way in (rival.readings, *rival.others)]
    return {it.question for it in found.readings if it.matters} | {key for way in ways for key in way}


def _asked(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    notes.compare("questions named", sorted(set(expected) & _named(found)), sorted(set(expected)))


def _asked_one_of(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    named = _named(found)
    notes.compare(f"one of {list(expected)} among {sorted(named)}", bool(named & set(expected)), True)


def _named_or_said(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    named, texts = _named(found), _texts(found, readings=True)
    held = [it for it in expected if it in named or _holds(it, texts)]
    notes.compare(f"one of {list(expected)} named among {sorted(named)}, or said", bool(held), True)


def _texts(found: Determination, *, readings: bool) -> list[str]:
    """The reasons, messages, notes and findings of an answer; with `readings`, what it says of these, too."""
    said = [it.reason for it in (*found.excluded, *found.findings)]
    said += [it.reason for rival in found.alternatives for it in rival.excluded]
    said += [mark.reason for line in _every_line(found) for mark in line.marks]
    said += [it.message for it in found.missing]
    said += [it.message for it in found.edits]
    said += [*found.why_undetermined, *found.notes]
    if readings:
        said += [text for it in found.readings for text in (it.says, it.rests_on)]
    return said


def _holds(pattern: str, texts: Iterable[str]) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for text in texts)


def _said(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    texts = _texts(found, readings=True)
    notes.compare(f"said, of {len(texts)} texts", [it for it in expected if _holds(it, texts)], list(expected))


def _not_said(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    notes.compare("said that is not to be", said_of(expected, _texts(found, readings=False)), [])


def said_of(patterns: Iterable[str], texts: Iterable[str]) -> list[str]:
    """Give the texts in which one of the patterns is found, case ignored."""
    patterns = list(patterns)
    return [text for text in texts if any(_holds(it, [text]) for it in patterns)]


def _not_cited(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    notes.compare("rules cited that are not to be", sorted(set(expected) & set(_cited(found))), [])


def _cited(found: Determination) -> Iterator[str]:
    """The rules that lines, exclusions, missing facts and the readings that matter cite."""
    excluded = [*found.excluded, *(it for rival in found.alternatives for it in rival.excluded)]
    cites: Sequence[ClaimLine | Exclusion | MissingFact] = [*_every_line(found), *excluded, *found.missing]
    for it in cites:
        yield from it.rules
    for reading in found.readings:
        if reading.matters:
            yield from re.findall(r"\bR\d+\b", reading.rests_on)


def _not_otherwise(
    notes: Departures, found: Determination, expected: Mapping[str, Mapping[str, Mapping[str, int]]], _: Case
) -> None:
    given = {it.question: it.otherwise for it in found.readings}
    for question, options in expected.items():
        for option, claim in options.items():
            told = given.get(question, {}).get(option)
            notes.compare(f"{question}={option} is said to give {dict(claim)}", told == claim, False)


def _supplies(notes: Departures, found: Determination, expected: str, _: Case) -> None:
    names = {it.name for it in found.excluded}
    name = {"bundled": "supplies-bundled", "undetermined": "supplies-by-guideline"}[expected]
    notes.compare(f"{name} among {sorted(names)}", name in names, True)


_CHECKS: dict[str, Callable[[Departures, Determination, Any, Case], None]] = {
    "status": _status,
    "claim": _claim,
    "partial": _partial,
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
    "claims": _claims,
    "never": _never,
    "modifiers_absent": _modifiers_absent,
    "not_drug_lines": _not_drug_lines,
    "asked": _asked,
    "asked_one_of": _asked_one_of,
    "named_or_said": _named_or_said,
    "said": _said,
    "not_said": _not_said,
    "not_cited": _not_cited,
    "not_otherwise": _not_otherwise,
}

ASSUMING = frozenset({"asked", "asked_one_of", "named_or_said", "said", "not_cited", "not_otherwise"})
"""What looks at the readings held by default on which a claim rests."""

CHANGING = frozenset({"missing"})
"""What looks at whether missing facts change the claim."""

ELSEWHERE = frozenset({"raises", "reason_rules", "packet_not_said", "audit_lines", "also", "refused"})
"""What is not told by one determination."""
