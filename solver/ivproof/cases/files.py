"""Files of worked cases: a chart, the readings that are set, and what has to follow.

A case is checked as strictly as a chart: a key that nothing would look at is refused with its place, so that no
expectation is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from ivproof.chart.encounter import Encounter, WithoutTitles
from ivproof.chart.encounter import schema as encounter_schema
from ivproof.chart.files import Sheet, scan
from ivproof.chart.reading import parse
from ivproof.chart.refusal import Place, Problem, Refusal, Source, problem_of, refuse
from ivproof.drugs.listing import DrugList
from ivproof.importers.fhir import import_resource
from ivproof.law.policy import Policy, law_folder

Expected = Mapping[str, Any]

OUTPATIENT = "22"
"""The place of service of a chart that is imported for a case: a resource by itself does not say where it was."""

Setting = tuple[tuple[str, str], ...]
"""The questions that are not settled as by default, each with its option, in a fixed order."""


@dataclass(frozen=True)
class Case:
    """One worked case: `readings` are set, `rules` are the rules of the policy that it shows, on which `side`.

    `also` are charts of which the same has to follow.
    """

    name: str
    file: str
    encounter: Encounter
    readings: Mapping[str, str]
    expect: Expected
    rules: tuple[str, ...] = ()
    side: str = ""
    line: int | None = None
    also: tuple[Encounter, ...] = ()

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


@dataclass(frozen=True)
class Settled:
    """A case that no law is asked about: its chart was to be refused, or none could be imported.

    `departures` tell what is not as expected.
    """

    name: str
    file: str
    line: int | None
    departures: tuple[str, ...]

    @property
    def where(self) -> str:
        """The file, and the line on which the case begins where that is known."""
        return Source(self.file, self.line).where


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise PydanticCustomError("pattern", "{expected}", {"expected": "a regular expression"}) from error
    return text


_Patterns = list[Annotated[str, AfterValidator(_pattern)]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _field(description: str, **more: Any) -> Any:
    return Field(None, description=description, **more)


class _AuditLine(_Part):
    """A line of an audit, compared by the fields that stand here."""

    code: str = Field(description="Its code.")
    verdict: str | None = _field("The verdict on it.")
    of: list[str] | None = _field("The administrations whose service it is meant for.")
    rules: list[str] | None = _field("Rules that it cites, among others.")
    said: str | None = _field("A regular expression, case ignored, found in its message.")
    not_said: str | None = _field("The same, not found in its message.")
    right_if: dict[str, str] | None = _field("The smallest way under which it would be right: readings and facts.")


class _Expect(_Part):
    """What has to follow; what is not named is not compared."""

    status: Literal["determined", "ambiguous", "undetermined"] | None = _field(
        "Without it, and without `alternatives` and `claims`, a claim that is given has to be determined."
    )
    claim: dict[str, int] | None = _field(
        "Units by code: all of the claim, or of what holds in every case; null: not part of the case."
    )
    claims: list[dict[str, int]] | None = _field("The claims of `alternatives`, units by code: all and no other.")
    never: list[str] | None = _field("Codes that are on no claim, those of `alternatives` included.")
    partial: bool = Field(False, description="True: only the codes that `claim` names are compared.")
    absent: list[str] | None = _field("Codes that are not on the claim.")
    modifiers: dict[str, list[str]] | None = _field(
        "By code the modifiers that a line of it carries; an empty list: no line carries any."
    )
    modifiers_absent: dict[str, list[str]] | None = _field("By code the modifiers that no line of it carries.")
    lines: list[dict[str, Any]] | None = _field(
        "All lines of each code that is named, of the claim or of every claim that can follow, each compared by the "
        "fields that stand here."
    )
    diagnoses: dict[str, Any] | None = _field("`first_listed` and `then`, as far as they are named.")
    excluded: list[dict[str, Any]] | None = _field(
        "All that is left out of each subject that is named, by the fields that stand here; an empty list: nothing is."
    )
    findings: list[dict[str, Any]] | None = _field("The same of findings.")
    edits: list[str | dict[str, Any]] | None = _field(
        "Claim edits that the claim meets: fields of one, or a short form like `pair 96365/96372 (1)`."
    )
    drug_lines: dict[str, Any] | list[dict[str, Any]] | None = _field(
        "All lines of drugs, by code or as a list, compared by the fields that stand here."
    )
    not_drug_lines: list[dict[str, Any]] | None = _field("No line of a drug has all the fields of one of these.")
    missing: list[str | dict[str, Any]] | dict[str, bool | None] | None = _field(
        "As a list: the paths of all facts that the chart does not give; `would_change` says whether the claim hangs "
        "on one. By path: the fact is missing and the claim hangs on it (true) or does not; null: it is missing."
    )
    alternatives: list[dict[str, Any]] | None = _field(
        "All claims that can follow, each with `readings`, facts (`given`) or services (`initial`) that lead to it."
    )
    raises: list[str] | None = _field("The open questions that the chart raises, by number.")
    supplies: Literal["bundled", "undetermined"] | None = _field("What becomes of supplies.")
    asked: list[str] | None = _field(
        "Questions, by number, that are named: a reading that matters, or one that leads to an alternative."
    )
    asked_one_of: list[str] | None = _field("At least one of these questions is named.")
    named_or_said: _Patterns | None = _field("At least one of these questions is named or one of these texts is said.")
    said: _Patterns | None = _field(
        "Regular expressions, case ignored, each found in a reason, a message, a note, a finding, or in what is said "
        "of a reading."
    )
    not_said: _Patterns | None = _field("The same, found in no reason, message, note or finding.")
    not_cited: list[str] | None = _field("Rules that no line, exclusion, missing fact or reading that matters cites.")
    not_otherwise: dict[str, dict[str, dict[str, int]]] | None = _field(
        "By question and option a claim that this option is not said to give."
    )
    reason_rules: dict[str, list[str]] | None = _field(
        "By code the rules that the audit of the `billed` lines gives as the reason why it is not supported."
    )
    audit_lines: list[_AuditLine] | None = _field("Lines of the audit of the `billed` lines.")
    packet_not_said: _Patterns | None = _field(
        "Regular expressions, case ignored, not found in the packet of that audit."
    )
    also: list[dict[str, Any]] | None = _field(
        "Fields of the chart; with these in place of its own, the claims are the same and all else holds, too."
    )
    refused: bool = Field(False, description="True: the chart is refused, with its place.")


class _Worked(_Part):
    """A chart with what has to follow from it."""

    case: str = Field(min_length=1, description="The name of the case.")
    encounter: dict[str, Any] | None = _field("The chart.")
    resource: dict[str, Any] | None = _field("In place of the chart: what is to be imported (FHIR R4).")
    expect: _Expect
    readings: dict[str, str] = Field({}, description="Questions that are set, by number or name, to an option.")
    source: str | None = _field("Where the answer comes from.")
    why: str | None = _field("Why this has to follow.")
    note: str | None = _field("Anything else.")
    rules: list[str] = Field([], description="The rules of the policy's text that the case shows.")
    side: str | None = _field("On which side of these rules the case lies: applies, or does not.")
    about: dict[str, Any] | None = _field("Anything else that is known of the case; nothing is compared with it.")
    level: str | None = _field("How sure the source's answer is, such as hard, partial or disputed.")
    topic: str | None = _field("What the case is about.")
    out001: str | None = _field("Whether the policy gives the source's answer: agrees, differs or silent.")
    out001_claim: dict[str, int] | None = _field("Where the policy differs from the source: what it gives.")
    out001_modifiers: Any = _field("The same of modifiers, in words or by code; not compared.")
    source_readings: dict[str, str] | None = _field("The readings under which the source's answer follows.")
    difference: str | None = _field(
        "Why the policy departs from the source: then `out001_claim` is what is expected, and null an open question."
    )

    def expected(self) -> dict[str, Any]:
        """What has to follow by the policy."""
        if self.difference is None:
            return self.expect.model_dump(exclude_unset=True)
        return {"status": "ambiguous"} if self.out001_claim is None else {"claim": self.out001_claim}


class _Option(_Part):
    """What follows where one option of a question holds; compared are those of its fields that a case has, too."""

    says: str = Field(description="The option in words.")
    given: dict[str, Any] | None = _field("Fields of the chart that are another under this option.")
    claim: dict[str, int] | None = _field("Units by code.")
    status: Literal["determined", "ambiguous", "undetermined"] | None = None
    modifiers: dict[str, Any] | None = _field("By code, or of two visits by encounter and code.")
    edits: list[str | dict[str, Any]] | None = None
    drug_lines: dict[str, Any] | list[dict[str, Any]] | None = None
    diagnoses: dict[str, Any] | None = None
    supplies: Literal["bundled", "undetermined"] | None = None
    by_encounter: dict[str, dict[str, int] | None] | None = _field("Of two visits on one date, the claim of each.")


class _Question(_Part):
    """A question that the policy leaves open, as an example: a chart, and what each option makes of it."""

    question: str = Field(description="The question, by its number.")
    title: str | None = None
    refs: list[str] = []
    kind: str | None = None
    encounter: dict[str, Any]
    second_encounter: dict[str, Any] | None = _field("A second visit on the date.")
    assumes: dict[str, str] = Field({}, description="Other questions that are set.")
    options: dict[str, _Option] = Field(min_length=1)
    supported: str | None = _field("The option that is held; unresolved: the question is also left open.")
    note: str | None = None
    about: dict[str, Any] | None = None


def schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of a worked case, with that of its chart."""
    whole = encounter_schema()
    charts = {name: whole.pop(name) for name in ("$defs", "$schema", "title")}
    found = _Worked.model_json_schema(schema_generator=WithoutTitles)
    found["$defs"] = {**charts["$defs"], "Encounter": whole, "Expect": found["$defs"].pop("_Expect")}
    found["properties"]["encounter"] = {"$ref": "#/$defs/Encounter"}
    found["properties"]["expect"] = {"$ref": "#/$defs/Expect"}
    found["oneOf"] = [{"required": ["encounter"]}, {"required": ["resource"]}]
    return {"$schema": charts["$schema"], **found, "title": "ivproof worked case"}


def read_cases(files: Iterable[str | Path]) -> Iterator[Case | Settled | tuple[Refusal, ...]]:
    """Read the cases of files, of folders and of standard input; of one that cannot be used, every reason why.

    An example of an open question (`question`, `options`) is a case for each option.
    """
    for sheet in scan(files):
        data, _ = sheet.data()
        if isinstance(data, dict) and "question" in data and "case" not in data:
            yield from _options(sheet, data)
        else:
            yield _read(sheet)


def _options(sheet: Sheet, data: dict[str, Any]) -> Iterator[Case | tuple[Refusal, ...]]:
    """A case for each option of a question, and one with the question left open where no option is held."""
    try:
        it = _Question.model_validate(data)
    except ValidationError as error:
        yield tuple(_refusals(sheet.source, error, sheet.lines or {}, data.get("question")))
        return

    def case(name: str, chart: dict[str, Any], held: Mapping[str, str], expect: Expected) -> Case | tuple[Refusal, ...]:
        read = parse(chart, sheet.source)
        if read.encounter is None:
            return read.refusals
        return Case(name, sheet.source.file, read.encounter, held, expect, tuple(it.refs), line=sheet.source.line)

    for letter, option in it.options.items():
        held = {**it.assumes, it.question: letter}
        if option.by_encounter is None:
            expect = option.model_dump(exclude_unset=True, include={*_OF_OPTION})
            yield case(f"{it.question}={letter}", {**it.encounter, **(option.given or {})}, held, expect)
            continue
        for chart in (it.encounter, it.second_encounter or {}):
            name = str(chart.get("id"))
            claim = option.by_encounter.get(name)
            expect = {"status": "undetermined"} if claim is None else {"claim": claim}
            if name in (option.modifiers or {}):
                expect["modifiers"] = (option.modifiers or {})[name]
            if chart is not it.encounter:
                # the second is told of the first
                chart = {**chart, "earlier_visit": {"initial_reported": True, "line_left_in": False}}  # noqa: PLW2901
            yield case(f"{name} {it.question}={letter}", chart, held, expect)
    if it.supported == "unresolved":
        claims = [{"readings": {it.question: letter}, "claim": one.claim} for letter, one in it.options.items()]
        expect = {"status": "ambiguous", "alternatives": claims}
        yield case(f"{it.question} open", it.encounter, it.assumes, expect)


_OF_OPTION = ("claim", "status", "modifiers", "edits", "drug_lines", "diagnoses", "supplies")


def _read(sheet: Sheet) -> Case | Settled | tuple[Refusal, ...]:
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
    source = sheet.source
    if (worked.encounter is None) is (worked.resource is None):
        found = "neither" if worked.encounter is None else "both"
        return (refuse(source, Problem((), found, "either `encounter` or `resource`"), encounter=name),)
    if worked.encounter is None:
        worked.encounter, reasons = _imported(worked.resource or {}, source.file)
        if worked.encounter is None:
            told = () if worked.expect.refused else (f"resource: no chart can be made of it: {reasons}",)
            return Settled(worked.case, source.file, source.line, told)
    inside = {path[1:]: line for path, line in lines.items() if path[:1] == ("encounter",)}
    chart = parse(worked.encounter, source, inside)
    if worked.expect.refused:
        refused = (
            () if chart.encounter is None else ("refused: found a chart that is read, expected that it is refused",)
        )
        return Settled(worked.case, source.file, source.line, refused)
    if chart.encounter is None:
        return chart.refusals
    also = [parse({**worked.encounter, **fields}, source) for fields in worked.expect.also or ()]
    if any(it.encounter is None for it in also):
        return tuple(refusal for it in also for refusal in it.refusals)
    return Case(
        worked.case,
        source.file,
        chart.encounter,
        worked.readings if worked.source_readings is None else worked.source_readings,
        worked.expected(),
        tuple(worked.rules),
        worked.side or "",
        source.line,
        tuple(it.encounter for it in also if it.encounter is not None),
    )


def _imported(resource: dict[str, Any], file: str) -> tuple[dict[str, Any] | None, str]:
    """Give the chart of a resource, as of a hospital's outpatient where it does not say; or why there is none."""
    found = import_resource(resource, _drugs(), place_of_service=OUTPATIENT, file=file)
    reasons = [it["message"] for it in found.report["findings"]] or list(found.report["left_out"])
    return (found.charts[0], "") if len(found.charts) == 1 else (None, "; ".join(reasons))


@cache
def _drugs() -> DrugList:
    return DrugList.load(law_folder() / "drugs")


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
