"""Reads one chart that is already plain data: an encounter, or every reason why it is refused.

>>> chart = parse(
...     {
...         "id": "ENC-1",
...         "place_of_service": "22",
...         "date": "2020-10-05",
...         "administrations": [
...             {"id": "a", "drug": "ceftriaxone", "route": "IV", "start": "23:50", "stop": "00:20"}
...         ],
...     },
...     Source("visit.json"),
... )
>>> chart.encounter.administrations[0].stop
Moment(seconds=87600, day=1, text='00:20')

Files, folders and streams of charts are read by `ivproof.chart.files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import count
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from ivproof.chart.clock import Moment, read_stamp
from ivproof.chart.consistency import charted_times, check
from ivproof.chart.encounter import (
    AccessSite,
    Administration,
    BilledLine,
    Denial,
    EarlierVisit,
    Encounter,
    Part,
    Pause,
    Service,
    Vials,
)
from ivproof.chart.fields import LONGEST, charted_date, charted_time, charted_zone, compare_key, number_as_text
from ivproof.chart.refusal import Place, Problem, Refusal, Source, problem_of, refuse

__all__ = ["Chart", "Refusal", "Source", "parse"]


class Chart(NamedTuple):
    """What became of one chart: the encounter, or every reason why it is refused."""

    source: Source
    encounter: Encounter | None
    refusals: tuple[Refusal, ...] = ()


def parse(
    data: object,
    source: Source,
    lines: Mapping[Place, int] | None = None,
    problems: Sequence[Problem] = (),
) -> Chart:
    """Check one chart that is plain data, as a reader of JSON or YAML gives it.

    `source` says where it came from and `lines` which line each place inside it has, for the messages;
    `problems` are those its reader has found already. Nothing is raised and nothing changed: all that is
    wrong with the chart is in the refusals.
    """
    data = _with_ids(data)
    try:
        encounter = Encounter.model_validate(data)
        problems = [*problems, *check(encounter)]
    except ValidationError as error:
        problems = [*problems, *_problems(data, error)]
    if not problems:
        return Chart(source, encounter)
    name = number_as_text(data.get("id")) if isinstance(data, Mapping) else None
    refusals = [refuse(source, it, line=_line(it.path, lines), encounter=name) for it in problems]
    return Chart(source, None, tuple(sorted(refusals, key=lambda it: it.line or 0)))


def _with_ids(data: object) -> object:
    """Give a chart in which each administration without an id has one that is made of its drug and a number."""
    given = data.get("administrations") if isinstance(data, Mapping) else None
    if not isinstance(given, list) or all(not isinstance(it, Mapping) or it.get("id") is not None for it in given):
        return data
    ids = (number_as_text(it.get("id")) for it in given if isinstance(it, Mapping))
    taken = {compare_key(it) for it in ids if isinstance(it, str)}
    named = []
    numbered: dict[str, Iterator[int]] = {}
    for it in given:
        if isinstance(it, Mapping) and it.get("id") is None and isinstance(it.get("drug"), str):
            stem = _stem(it["drug"][:LONGEST])
            numbers = numbered.setdefault(stem, count(1))
            name = next(name for n in numbers if (name := f"{stem}-{n}") not in taken)
            it = {"id": name, **{key: value for key, value in it.items() if key != "id"}}  # noqa: PLW2901
        named.append(it)
    return {**data, "administrations": named}  # type: ignore[dict-item]


_REST = re.compile(r"(?:\s+(?:\d|\(|in\b)|\s*[,;/]).*", re.DOTALL)
"""What a printed name has after the drug: strength or dose, a brand in brackets, the carrier."""


def _stem(drug: str) -> str:
    """Give the beginning of a drug's name in the form of an id: ``ceftriaxone`` of ``cefTRIAXone 1 g in NS 50 mL``."""
    name = compare_key(drug).casefold().strip()
    short, whole = (re.sub(r"[\W_]+", "-", it).strip("-") for it in (_REST.sub("", name), name))
    return short or whole or "drug"


def _line(path: Place, lines: Mapping[Place, int] | None) -> int | None:
    """Find the line of a place, or of what it would stand in if it were there."""
    while lines and path and path not in lines:
        path = path[:-1]
    return lines.get(path) if lines else None


def _problems(data: object, error: ValidationError) -> list[Problem]:
    """List everything that is wrong with a chart, given what pydantic found."""
    if not isinstance(data, Mapping):
        return [problem_of(detail, ()) for detail in error.errors()]
    if "encounter" in data and "place_of_service" not in data:
        if isinstance(data["encounter"], str):
            return [Problem((), "an answer about a chart", "a chart")]
        return [Problem((), "a worked case", "a chart, which in a case is what stands under `encounter`")]
    problems: list[Problem] = []
    details = error.errors(include_url=False)
    drugless = {it["loc"][:-1] for it in details if it["loc"][-1:] == ("drug",)}
    for detail in details:
        none = detail["type"] == "missing" or detail["input"] is None
        if none and detail["loc"][-1:] == ("id",) and detail["loc"][:-1] in drugless:
            continue  # it would be made of the drug
        problems.append(problem_of(detail, _fields_at(detail["loc"]), _elsewhere(detail["loc"])))
    # pydantic compares the parts only when each is in order; nobody should need a second round for that
    return problems + check(_as_far_as_readable(data))


def _fields_at(path: Place) -> list[str]:
    """List the fields that are known where `path` points into a chart."""
    return _fields_of(next((_PARTS[step] for step in reversed(path[:-1]) if step in _PARTS), Encounter))


def _fields_of(part: type[Part]) -> list[str]:
    return [field.alias or name for name, field in part.model_fields.items()]


def _elsewhere(path: Place) -> dict[str, str]:
    """Say of fields that belong to the encounter, for a path into a part of it, or to some part, where they belong."""
    if any(step in _PARTS for step in path[:-1]):
        return dict.fromkeys(set(_fields_of(Encounter)) - set(_fields_at(path)), "as a field of the encounter")
    parts = {name: _fields_of(_PARTS[name]) for name in ("administrations", "access_sites")}
    return {it: f"in {name}" for name, fields in reversed(parts.items()) for it in fields}


_PARTS: dict[str | int, type[Part]] = {
    "access_sites": AccessSite,
    "administrations": Administration,
    "pauses": Pause,
    "vials": Vials,
    "denied": Denial,
    "services": Service,
    "billed": BilledLine,
    "earlier_visit": EarlierVisit,
}


def _as_far_as_readable(data: Mapping[str, Any]) -> Encounter:
    """Make an encounter, for checking only, of what can be read in a chart that is not in order.

    It has what `check` compares: ids, references and times. Any of them is None where it cannot be read.
    """

    def text(raw: Mapping[str, Any], name: str) -> Any:
        value = number_as_text(raw.get(name))
        return value if isinstance(value, str) and value.strip() else None

    def time(raw: Mapping[str, Any], name: str) -> Moment | None:
        try:
            return charted_time(raw.get(name))
        except PydanticCustomError:
            return None

    def parts(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        value = raw.get(name)
        return [it if isinstance(it, Mapping) else {} for it in value] if isinstance(value, list) else []

    given = tuple(
        Administration.model_construct(
            id=text(raw, "id"),
            route=raw.get("route"),
            site=text(raw, "site"),
            continues=text(raw, "continues"),
            start=time(raw, "start"),
            stop=time(raw, "stop"),
            pauses=tuple(
                Pause.model_construct(from_=time(pause, "from"), to=time(pause, "to")) for pause in parts(raw, "pauses")
            ),
        )
        for raw in parts(data, "administrations")
    )
    sites = (
        AccessSite.model_construct(id=text(raw, "id"), replaces=text(raw, "replaces"))
        for raw in parts(data, "access_sites")
    )
    reasons = data.get("primary_reason")
    reasons = reasons if isinstance(reasons, list) else [reasons]
    try:
        zone = charted_zone(data.get("time_zone"))
    except PydanticCustomError:
        zone = None
    encounter = Encounter.model_construct(
        time_zone=zone,
        primary_reason=tuple(it for it in map(number_as_text, reasons) if isinstance(it, str)),
        inpatient_order_at=time(data, "inpatient_order_at"),
        access_sites=tuple(sites),
        administrations=given,
    )
    return encounter.model_copy(update={"date": _date_of(data, charted_times(encounter))})


ANY_DATE = date(2000, 1, 1)
"""Stands for the date of a chart that names none, where it decides nothing."""


def _date_of(data: Mapping[str, Any], times: Iterable[Moment]) -> date:
    """Read the date; where it is wrong take the first that a time names, so as not to blame both."""
    try:
        return charted_date(data.get("date"))
    except PydanticCustomError:
        days = [day for moment in times if (day := read_stamp(moment.text).day) is not None]
        return date.fromordinal(min(days)) if days else ANY_DATE
