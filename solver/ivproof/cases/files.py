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
from ivproof.encounter import Encounter, WithoutTitles, parse
from ivproof.encounter import schema as encounter_schema
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


def _field(description: str, **more: Any) -> Any:
    return Field(None, description=description, **more)


class _Expect(_Part):
    """What has to follow; what is not named is not compared."""

    status: Literal["determined", "ambiguous", "undetermined"] | None = _field(
        "Without it and without alternatives, a claim has to be determined, and null stands for undetermined."
    )
    claim: dict[str, int] | None = _field("Units by code: all of the claim, or of what holds in every case.")
    partial: bool = Field(False, description="True: only the codes that `claim` names are compared.")
    absent: list[str] | None = _field("Codes that are not on the claim.")
    modifiers: dict[str, list[str]] | None = _field(
        "By code the modifiers that a line of it carries; an empty list: no line carries any."
    )
    lines: list[dict[str, Any]] | None = _field(
        "All lines of each code that is named, each compared by the fields that stand here."
    )
    diagnoses: dict[str, Any] | None = _field("`first_listed` and `then`, as far as they are named.")
    excluded: list[dict[str, Any]] | None = _field("All that is left out, compared by the fields that stand here.")
    findings: list[dict[str, Any]] | None = _field("All findings, compared by the fields that stand here.")
    edits: list[str | dict[str, Any]] | None = _field(
        "Claim edits that the claim meets: fields of one, or a short form like `pair 96365/96372 (1)`."
    )
    drug_lines: dict[str, Any] | list[dict[str, Any]] | None = _field(
        "All lines of drugs, by code or as a list, compared by the fields that stand here."
    )
    missing: list[str | dict[str, Any]] | None = _field(
        "The paths of all facts that the chart does not give; `would_change` says whether the claim hangs on one."
    )
    alternatives: list[dict[str, Any]] | None = _field(
        "All claims that can follow, each with `readings`, facts (`given`) or services (`initial`) that lead to it."
    )
    raises: list[str] | None = _field("The open questions that the chart raises, by number.")
    supplies: Literal["bundled", "undetermined"] | None = _field("What becomes of supplies.")


class _Worked(_Part):
    """A chart with what has to follow from it."""

    case: str = Field(min_length=1, description="The name of the case.")
    encounter: dict[str, Any] = Field(description="The chart.")
    expect: _Expect
    readings: dict[str, str] = Field({}, description="Questions that are set, by number or name, to an option.")
    source: str | None = _field("Where the answer comes from.")
    why: str | None = _field("Why this has to follow.")
    note: str | None = _field("Anything else.")
    rules: list[str] = Field([], description="The rules of the policy's text that the case shows.")
    side: str | None = _field("On which side of these rules the case lies: applies, or does not.")


def schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a worked case, with that of its chart."""
    whole = encounter_schema()
    charts = {name: whole.pop(name) for name in ("$defs", "$schema", "title")}
    found = _Worked.model_json_schema(schema_generator=WithoutTitles)
    found["$defs"] = {**charts["$defs"], "Encounter": whole, "Expect": found["$defs"].pop("_Expect")}
    found["properties"]["encounter"] = {"$ref": "#/$defs/Encounter"}
    found["properties"]["expect"] = {"$ref": "#/$defs/Expect"}
    return {"$schema": charts["$schema"], **found, "title": "ivproof worked case"}


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
