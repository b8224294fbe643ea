"""Files of worked cases: a chart, the readings that are set, and what has to follow.

A case is checked as strictly as a chart: a key that nothing would look at is refused with its place, so that no
expectation is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ivproof.chart.files import Sheet, scan
from ivproof.chart.refusal import Place, Problem, Refusal, Source, problem_of, refuse
from ivproof.encounter import Encounter, parse
from ivproof.policy import Policy

Expected = Mapping[str, Any]
Setting = tuple[tuple[str, str], ...]
"""The questions that are not settled as by default, each with its option, in a fixed order."""


@dataclass(frozen=True)
class Case:
    """One worked case: `readings` are set, `rules` are the rules of the policy that it shows, on which `side`."""

    name: str
    file: str
    encounter: Encounter
    readings: Mapping[str, str]
    expect: Expected
    rules: tuple[str, ...] = ()
    side: str = ""
    line: int | None = None

    @property
    def where(self) -> str:
        """The file, and the line on which the case begins where that is known."""
        return Source(self.file, self.line).where

    def setting(self, policy: Policy) -> Setting:
        """Those of the readings that differ from the policy's defaults; cases with one setting share an engine.

        Raises PolicyError where the policy has no such question or option.
        """
        usual = policy.settings()
        held = policy.settings(self.readings).items()
        return tuple(sorted((key, option or "open") for key, option in held if option != usual[key]))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Expect(_Part):
    status: Literal["determined", "ambiguous", "undetermined"] | None = None
    claim: dict[str, int] | None = None
    partial: bool = False
    raises: list[str] | None = None
    absent: list[str] | None = None
    modifiers: dict[str, list[str]] | None = None
    lines: list[dict[str, Any]] | None = None
    diagnoses: dict[str, Any] | None = None
    excluded: list[dict[str, Any]] | None = None
    findings: list[dict[str, Any]] | None = None
    edits: list[str | dict[str, Any]] | None = None
    drug_lines: dict[str, Any] | list[dict[str, Any]] | None = None
    missing: list[str | dict[str, Any]] | None = None
    alternatives: list[dict[str, Any]] | None = None
    supplies: Literal["bundled", "undetermined"] | None = None


class _Worked(_Part):
    case: str = Field(min_length=1)
    encounter: dict[str, Any]
    expect: _Expect
    readings: dict[str, str] = {}
    source: str | None = None
    why: str | None = None
    note: str | None = None
    rules: list[str] = []
    side: str | None = None


def read_cases(files: Iterable[str | Path]) -> Iterator[Case | tuple[Refusal, ...]]:
    """Read the cases of files, of folders and of standard input; of one that cannot be used, every reason why."""
    for sheet in scan(files):
        yield _read(sheet)


def _read(sheet: Sheet) -> Case | tuple[Refusal, ...]:
    data, problems = sheet.data()
    lines = sheet.lines or {}
    name = data.get("case") if isinstance(data, dict) else None
    if problems:
        return tuple(refuse(sheet.source, it, line=_line(it.path, lines), encounter=name) for it in problems)
    if isinstance(data, dict) and "place_of_service" in data and "encounter" not in data:
        expected = "a worked case, which has the chart under `encounter` and what follows from it under `expect`"
        return (refuse(sheet.source, Problem((), "a chart", expected), encounter=data.get("id")),)
    try:
        worked = _Worked.model_validate(data)
    except ValidationError as error:
        return tuple(_refusals(sheet.source, error, lines, name))
    inside = {path[1:]: line for path, line in lines.items() if path[:1] == ("encounter",)}
    chart = parse(worked.encounter, sheet.source, inside)
    if chart.encounter is None:
        return chart.refusals
    return Case(
        worked.case,
        sheet.source.file,
        chart.encounter,
        worked.readings,
        worked.expect.model_dump(exclude_unset=True),
        tuple(worked.rules),
        worked.side or "",
        sheet.source.line,
    )


def _refusals(source: Source, error: ValidationError, lines: Mapping[Place, int], name: object) -> Iterator[Refusal]:
    for detail in error.errors(include_url=False):
        known = _Expect.model_fields if detail["loc"][:1] == ("expect",) else _Worked.model_fields
        problem = problem_of(detail, list(known))
        yield refuse(source, problem, line=_line(problem.path, lines), encounter=name)


def _line(path: Place, lines: Mapping[Place, int]) -> int | None:
    """The line of a place, or of what it would stand in if it were there."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)
