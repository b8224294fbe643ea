"""What is said about an input that cannot be used: where it stands, what was found, what was expected.

>>> source = Source("visit.yaml", 1)
>>> str(refuse(source, Problem(("administrations", 2, "route"), '"IVP"', "IV, IM or SQ"), line=9))
'visit.yaml:9: administrations[2].route: found "IVP", expected IV, IM or SQ'
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from pydantic_core import ErrorDetails

Place = tuple[str | int, ...]
"""A place inside a chart: ``("administrations", 2, "stop")``."""

SHOWN = 60
"""Characters of an offending value that a message repeats."""

LISTED = 40
"""Names that a message lists."""

LOOKED_THROUGH = 200
"""Of so many names the one that was meant is looked for: a chart may have thousands of ids, and as many wrong ones."""


class Source(NamedTuple):
    """Where a chart came from: the file, the line it begins on, its place in the file's list."""

    file: str
    line: int | None = None
    item: int | None = None

    @property
    def where(self) -> str:
        """The file, and the line where there is one."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Problem(NamedTuple):
    """One thing wrong with a chart; `found` and `expected` are words for the reader."""

    path: Place
    found: str
    expected: str


class UnreadableError(ValueError):
    """Text from which no chart can be taken at all; `problem` says why, `line` where."""

    def __init__(self, found: str, expected: str, line: int | None = None) -> None:
        """Keep what was found and expected for the message."""
        super().__init__(found)
        self.problem = Problem((), found, expected)
        self.line = line


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why an input is not used.

    `place` is the path inside the file, empty for the file itself; `line` counts from 1; `encounter`
    is the chart's id where it could be read.
    """

    file: str
    place: str
    found: str
    expected: str
    message: str
    line: int | None = None
    encounter: str | None = None

    def __str__(self) -> str:
        """Give file and line, encounter, place and message as far as there are any."""
        where = Source(self.file, self.line).where
        return ": ".join(part for part in (where, self.encounter, self.place, self.message) if part)


def refuse(source: Source, problem: Problem, *, line: int | None = None, encounter: object = None) -> Refusal:
    """Turn a problem into a refusal; `line` is the problem's own line where that is known."""
    path = problem.path if source.item is None else (source.item, *problem.path)
    return Refusal(
        file=source.file,
        place=spell(path),
        found=problem.found,
        expected=problem.expected,
        message=f"found {problem.found}, expected {problem.expected}",
        line=source.line if line is None else line,
        encounter=show(encounter)[1:-1] if isinstance(encounter, str) and encounter else None,
    )


def spell(path: Place) -> str:
    """Write a path as it is said: ``administrations[2].stop``.

    >>> spell((3, "administrations", 2, "stop"))
    '[3].administrations[2].stop'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{_escaped(step)}" for step in path)
    return text.removeprefix(".")


def show(value: object) -> str:
    """Name a value in a message: a scalar as JSON writes it and not too long, the rest by its kind.

    >>> show("9:00"), show(22), show({"id": "ENC-1"}), show(None)
    ('"9:00"', '22', 'fields', 'null')
    """
    match value:
        case str():
            return f'"{_escaped(value if len(value) <= SHOWN else value[:SHOWN] + "…")}"'
        case None | bool():
            return json.dumps(value)
        case int():
            return str(value) if abs(value) < 10**SHOWN else "a number of very many digits"
        case float():
            return repr(value)
        case Mapping():
            return "fields"
        case Sequence():
            return "a list"
    return f"a {type(value).__name__}"


def _escaped(text: str) -> str:
    """Write text so that no character in it can break the line or move the terminal's cursor."""
    return json.dumps(text, ensure_ascii=not text.isprintable())[1:-1]


def choices(name: object, known: Sequence[str]) -> str:
    """List what could stand in the place of `name`, and what was likely meant.

    >>> choices("iv", ["IV", "IM", "PO"])
    'IV, IM or PO (did you mean IV?)'
    """
    *others, last = [_escaped(option) for option in known[:LISTED]]
    listed = f"{', '.join(others)} or {last}" if others else last
    if len(known) > LISTED:
        listed += ", and more"
    near = _nearest(name, known, 0.7)  # words of two letters are like many
    return f"{listed} (did you mean {_escaped(near)}?)" if near else listed


def _nearest(name: object, known: Sequence[str], cutoff: float = 0.6) -> str | None:
    if len(known) > LOOKED_THROUGH:
        return None
    by_folded = {option.casefold(): option for option in known}
    near = get_close_matches(name.casefold(), by_folded, n=1, cutoff=cutoff) if isinstance(name, str) else []
    return by_folded[near[0]] if near else None


def _meant(name: object, known: Sequence[str]) -> str | None:
    """Give the field that is meant by a word that people write for it; None where no such field is known here."""
    found = _MEANT.get(name.casefold()) if isinstance(name, str) else None
    return found if found is not None and found.partition(":")[0] in known else None


_MEANT = {
    **dict.fromkeys(("name", "medication", "med", "ingredient"), "drug"),
    **dict.fromkeys(("time", "given", "given_at"), "start"),
    **dict.fromkeys(("drugs", "medications", "meds", "infusions", "injections"), "administrations"),
    **dict.fromkeys(("place", "pos"), "place_of_service"),
    **dict.fromkeys(("notes", "comment", "comments", "remark"), "note"),
    **dict.fromkeys(("dx", "diagnosis", "icd10"), "diagnoses"),
    **dict.fromkeys(("sites", "access", "lines"), "access_sites"),
    **dict.fromkeys(("ndc", "ndc_code", "ndc11"), "product"),
    **dict.fromkeys(("rxnorm", "rxcui"), "drug: RxNorm and its number"),
    "iv_start": "services: [iv_start]",
    "finish": "stop",
    "volume": "volume_ml",
    "rate": "rate_ml_per_h",
}
"""What people write for a field, in small letters, and the field."""

_PHRASES = {
    "string_type": "text",
    "string_unicode": "text that is valid Unicode",
    "string_pattern_mismatch": "text that is not empty",
    "string_too_long": "text of at most {max_length} characters",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "greater_than_equal": "a number of {ge} or more",
    "less_than_equal": "a number of {le} or less",
    "tuple_type": "a list",
    "model_type": "fields, each with its name",
    "invalid_key": "names of fields that are text",
}
"""What was expected, by the kind of error that pydantic reports."""

_SHAPES = {
    "access_sites": {"model_type": "{id: left-arm}", "tuple_type": "[{id: left-arm}]"},
    "administrations": {"model_type": '{drug: ceftriaxone, route: IV, start: "09:00"}'},
    "diagnoses": {"tuple_type": "[E86.0, R11.2]"},
    "pauses": {"model_type": '{from: "10:00", to: "10:20"}', "tuple_type": '[{from: "10:00", to: "10:20"}]'},
    "services": {"model_type": "{kind: iv_start}", "tuple_type": "[{kind: iv_start}]"},
    "vials": {"model_type": "{size: 100 mg, count: 1}", "tuple_type": "[{size: 100 mg, count: 1}]"},
}
"""How what is often written as a text is written, by field and kind of error."""


def problem_of(error: ErrorDetails, fields: Sequence[str], elsewhere: Mapping[str, str] | None = None) -> Problem:
    """Put an error of pydantic into the words of this project; `fields` are those known at its place.

    `elsewhere` says of fields that are known at other places where that is.
    """
    kind, path, value, context = error["type"], error["loc"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return Problem(path, "nothing", f"{path[-1]}, which is required")
    if kind == "extra_forbidden":
        if elsewhere and (where := elsewhere.get(str(path[-1]))):
            return Problem(path, "a field that is not known here", f"it {where}")
        near = _meant(path[-1], fields) or _nearest(path[-1], fields)
        expected = f"a known field (did you mean {near}?)" if near else f"one of {choices(None, fields)}"
        return Problem(path, "a field that is not known here", expected)
    if kind == "literal_error":
        return Problem(path, show(value), choices(value, re.findall(r"'(.*?)'", context["expected"])))
    if kind in ("model_type", "tuple_type") and isinstance(value, str):
        # what stands there is not shown: it may be a note about a patient
        field = next((it for it in reversed(path) if isinstance(it, str)), "")
        shown = _SHAPES.get(field, {}).get(kind)
        return Problem(path, "text", _PHRASES[kind] + (f", such as {shown}" if shown else ""))
    # what was raised by the checks of this project says itself what it expects
    phrase = _PHRASES[kind].format(**context) if kind in _PHRASES else error["msg"]
    expected = context.get("expected", phrase)
    if kind in ("shape", "string_type") and isinstance(value, int | float):
        expected += ", in quotes"  # an unquoted 22 in YAML is a number
    return Problem(path, show(value), expected)
