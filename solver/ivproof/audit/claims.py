"""Billed claims from a file beside the charts: CSV, JSON or JSON Lines, a line of a claim a row, or X12 (837, 835).

A row names its encounter, the code, the units (1 where left out) and the modifiers. In CSV the first row names the
columns, and modifiers stand in one cell or in several; in JSON a row is an object, or an encounter has its lines under
`billed`. A file whose rows name no encounter is the claim of a single chart. A file that cannot be used is refused as a
whole, with the place, what was found and what was expected.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.chart.fields import compare_key
from ivproof.chart.refusal import Source, UnreadableError, problem_of, refuse
from ivproof.chart.strict_json import read_line
from ivproof.formats.extras import MissingExtraError
from ivproof.formats.plain_file import AS_CSV, workbook
from ivproof.importers import x12
from ivproof.importers.submitted import Submitted, SubmittedLine

ENCOUNTER = ("encounter", "encounter_id", "id", "account", "claim")
"""Names that the column of the encounter may have, the likeliest first."""

CODE = ("code", "hcpcs", "cpt", "hcpcs_code", "cpt_code", "procedure_code", "billed_code")
UNITS = ("units", "unit", "quantity", "qty", "billed_units")
MODIFIERS = ("modifiers", "modifier", "mod", "mods", "billed_modifiers")

X12_ENDINGS = {".837", ".835", ".837p", ".837i", ".x12", ".edi"}
"""Endings of files that are X12 whatever is in them; others are by what they begin with."""

_SEVERAL = re.compile(r"[\s,;|/-]+")


class ClaimFileError(ValueError):
    """A file of claims that cannot be used; the message names the place, what was found and what was expected."""


class _Row(NamedTuple):
    place: str
    encounter: str | None
    line: dict[str, Any]


@dataclass(frozen=True)
class Claims:
    """Billed lines by encounter; under None those of a file that names no encounter.

    `submitted` is what else an X12 file says of the claims; `told` and `refused` are what is to be said of that file:
    its account and what was noticed, and the claims that cannot be used. `unused` says of an encounter whose claims
    are in the file, and none of them among the lines, what became of them.
    """

    file: str
    lines: Mapping[str | None, tuple[BilledLine, ...]]
    submitted: Mapping[str, Submitted] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unused: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def read(path: Path) -> Claims:
        """Read a file of claims. Raises ClaimFileError."""
        try:
            text = path.read_bytes()
        except OSError as error:
            raise ClaimFileError(f"{path}: {error.strerror or error}") from None
        if (packed := workbook(text)) is not None:
            raise ClaimFileError(f"{path}: found {packed}, expected {AS_CSV}")
        if path.suffix.lower() in X12_ENDINGS or x12.LOOKS_LIKE.match(text):
            return _x12(str(path), text)
        rows = _csv_rows(str(path), text) if path.suffix.lower() in {".csv", ".txt", ".tsv"} else _json_rows(path, text)
        found: dict[str | None, list[BilledLine]] = {}
        for row in rows:
            key = None if row.encounter is None else compare_key(row.encounter)
            lines = found.setdefault(key, [])
            if row.line:
                lines.append(_line(row))
        if None in found and len(found) > 1:
            raise ClaimFileError(f"{path}: found lines with and without an encounter, expected one or the other")
        return Claims(str(path), {key: tuple(lines) for key, lines in found.items()})

    def of(self, encounter: str) -> tuple[BilledLine, ...] | None:
        """The billed lines of an encounter; None where the file has none for it."""
        return self.lines.get(compare_key(encounter), self.lines.get(None))

    def of_file(self, encounter: str) -> Submitted | None:
        """What an X12 file says of the claim of an encounter."""
        return self.submitted.get(compare_key(encounter))

    @property
    def is_of_one_chart(self) -> bool:
        """Whether the rows name no encounter."""
        return None in self.lines


def nothing_billed(claims: Claims | None, encounter: str) -> str:
    """Say why an encounter has no claim to be judged: its own in the file is not used, or there is none."""
    if claims is not None and (why := claims.unused.get(compare_key(encounter))):
        return (
            f"its claim in {claims.file} was {why} and is not judged, expected one that can be held against the chart"
        )
    return "found nothing that was billed, expected `billed` in the chart or lines of --claim"


def _line(row: _Row) -> BilledLine:
    try:
        return BilledLine.model_validate(row.line)
    except ValidationError as error:
        problem = problem_of(error.errors(include_url=False)[0], list(BilledLine.model_fields))
        raise ClaimFileError(str(refuse(Source(row.place), problem))) from None


# --- X12


def _x12(file: str, content: bytes) -> Claims:
    try:
        found = x12.read(content)
    except (x12.X12Error, MissingExtraError) as error:
        raise ClaimFileError(f"{file}: {error}") from None
    lines: dict[str | None, tuple[BilledLine, ...]] = {}
    refused = dict(found.refused)
    for key, claim in found.claims.items():
        if unclear := [it for it in claim.left_out if it.code]:
            # without the line it would be said that its code was not billed
            refused[key] = "; ".join(
                f"segment {it.segment}: {claim.encounter}: found a line of {it.code} that is left out ({it.reason}), "
                "expected one that can be held against a chart; the claim is not judged"
                for it in unclear
            )
            continue
        lines[key] = tuple(_line(_Row(f"{file}: segment {it.segment}", key, _billed(it, claim))) for it in claim.lines)
    unused = {
        compare_key(it.encounter): f"left out ({it.reason})"
        for it in found.left_out
        if it.encounter is not None and compare_key(it.encounter) not in found.claims
    }
    return Claims(
        file,
        lines,
        found.claims,
        tuple(f"{file}: {it}" for it in (found.told, *found.notes)),
        tuple(f"{file}: {it}" for it in refused.values()),
        unused | dict.fromkeys(refused, "refused"),
    )


def _billed(it: SubmittedLine, claim: Submitted) -> dict[str, Any]:
    line: dict[str, Any] = {"code": it.code, "units": it.units, "modifiers": list(it.modifiers)}
    if (denial := it.denial) is not None:
        said = denial.as_dict()
        del said["units"]
        line["denied"] = {**said, "date": claim.produced}
    return line


def differences(encounter: Encounter, claim: Submitted) -> Iterator[str]:
    """Say where a submitted claim and the chart are not of one mind on the visit itself; none of the two is picked."""
    if claim.claim_type is not None and claim.claim_type != encounter.claim_type:
        yield f"The claim file has a {claim.claim_type} claim, the chart is judged as a {encounter.claim_type} one."
    if claim.place_of_service is not None and claim.place_of_service != encounter.place_of_service:
        yield f"The claim file has place of service {claim.place_of_service}, the chart {encounter.place_of_service}."
    if claim.diagnoses and set(claim.diagnoses) != set(encounter.diagnoses):
        charted = ", ".join(encounter.diagnoses) or "none"
        yield f"The claim file has the diagnoses {', '.join(claim.diagnoses)}, the chart {charted}."
    dates = sorted({it.date for it in claim.lines if it.date})
    if dates and dates[0] != encounter.date.isoformat():
        yield f"The first line of the claim file is of {dates[0]}, the chart begins on {encounter.date.isoformat()}."


# --- CSV


def _csv_rows(file: str, content: bytes) -> Iterator[_Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClaimFileError(f"{file}: found bytes that are not UTF-8 at {error.start}, expected a CSV file") from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = [re.sub(r"[^a-z0-9]+", "_", it.strip().lower()).strip("_") for it in next(rows, [])]
        twice = next((it for n, it in enumerate(names) if it and it in names[:n]), None)
        if twice is not None:
            raise ClaimFileError(f"{file}:1: found the column {twice} a second time, expected each column once")
        code, units = _place(names, CODE), _place(names, UNITS)
        encounter = _place(names, ENCOUNTER)
        if code is None:
            raise ClaimFileError(
                f"{file}:1: found no column of codes, expected the columns encounter, code, units, modifiers"
            )
        marks = [n for n, name in enumerate(names) if re.sub(r"_?\d+$", "", name) in MODIFIERS]
        for cells in rows:
            if not any(it.strip() for it in cells):
                continue
            place = f"{file}:{rows.line_num}"
            if len(cells) > len(names) and any(it.strip() for it in cells[len(names) :]):
                # a modifier after a comma that is not in quotes would be lost
                raise ClaimFileError(f"{place}: found {len(cells)} cells, expected {len(names)}, as the first row has")
            whole = [*cells, *[""] * (len(names) - len(cells))]
            yield _Row(place, _name(place, whole, encounter), _cells(whole, code, units, marks))
    except csv.Error as error:
        raise ClaimFileError(f"{file}:{rows.line_num}: found {error}, expected a row of CSV") from None


def _place(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(it) for it in known if it in names), None)


def _name(place: str, cells: Sequence[str], column: int | None) -> str | None:
    if column is None:
        return None
    if not cells[column].strip():
        raise ClaimFileError(f"{place}: found no encounter, expected its id")
    return cells[column].strip()


def _cells(cells: Sequence[str], code: int, units: int | None, marks: Sequence[int]) -> dict[str, Any]:
    line: dict[str, Any] = {"code": cells[code].strip()}
    if units is not None and cells[units].strip():
        # a spreadsheet writes whole numbers as it likes: 2, 2.0
        text = re.sub(r"\.0+$", "", cells[units].strip())
        line["units"] = int(text) if text.isascii() and text.isdigit() else text
    line["modifiers"] = [it for n in marks for it in _SEVERAL.split(cells[n].strip()) if it]
    return line


# --- JSON


def _json_rows(path: Path, content: bytes) -> Iterator[_Row]:
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        for number, line in enumerate(content.splitlines(), start=1):
            if line.strip():
                yield from _of_object(f"{path}:{number}", _read(f"{path}:{number}", line))
        return
    data = _read(str(path), content)
    if isinstance(data, Mapping) and not {*ENCOUNTER, *CODE, "billed"} & set(data):
        data = [{"encounter": name, "billed": lines} for name, lines in data.items()]
    for number, it in enumerate(data if isinstance(data, list) else [data]):
        yield from _of_object(f"{path}: [{number}]", it)


def _read(place: str, content: bytes) -> Any:
    try:
        data, problems = read_line(content.removeprefix(b"\xef\xbb\xbf"))
    except UnreadableError as error:
        place = place if error.line in (None, 1) else f"{place}:{error.line}"
        raise ClaimFileError(f"{place}: found {error.problem.found}, expected billed lines in JSON") from None
    for it in problems:
        raise ClaimFileError(str(refuse(Source(place), it)))
    return data


def _of_object(place: str, it: Any) -> Iterator[_Row]:
    """A line of a claim, or an encounter with its lines."""
    if not isinstance(it, Mapping):
        raise ClaimFileError(f"{place}: found no object, expected encounter, code, units, modifiers")
    name = next((it[key] for key in ENCOUNTER if key in it), None)
    if name is not None and not isinstance(name, str):
        raise ClaimFileError(f"{place}: found an encounter that is no text, expected its id in quotes")
    if "billed" in it or "lines" in it:
        lines = it.get("billed", it.get("lines"))
        if not isinstance(lines, list):
            raise ClaimFileError(
                f"{place}: found billed lines that are no list, expected [{{code, units, modifiers}}, ...]"
            )
        if not lines:
            yield _Row(place, name, {})
        for number, line in enumerate(lines):
            yield _Row(f"{place}[{number}]", name, _known(f"{place}[{number}]", line))
        return
    yield _Row(place, name, _known(place, it))


def _known(place: str, line: Any) -> dict[str, Any]:
    if not isinstance(line, Mapping):
        raise ClaimFileError(f"{place}: found no object, expected code, units, modifiers")
    found = {key: value for key, value in line.items() if key not in ENCOUNTER}
    if isinstance(found.get("modifiers"), str):
        found["modifiers"] = [it for it in _SEVERAL.split(found["modifiers"].strip()) if it]
    return found or {"code": None}
