"""``ivproof why``, ``ivproof whynot``, ``ivproof explain``: the reasons of a claim, of an absence, of a whole visit."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands import completing
from ivproof.commands.common import (
    LimitOption,
    PolicyOption,
    ReadingOption,
    UncheckedOption,
    basis_for,
    emit,
    emit_json,
    profiles_for,
    show,
    telling_policy_errors,
    wrong,
)
from ivproof.commands.one import EncounterOption, FileArgument, pick, telling_engine_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from ivproof.chart.encounter import Encounter
    from ivproof.chart.refusal import Source
    from ivproof.why.why import Explainer, Why


class ExplanationFormat(StrEnum):
    """How an explanation is written."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"
    GRAPHML = "graphml"


class PlainFormat(StrEnum):
    """How an explanation of an absence is written: there is no graph of what did not happen."""

    TEXT = "text"
    JSON = "json"


CodeArgument = Annotated[
    str,
    typer.Argument(
        metavar="CODE",
        help="The code, as it stands on a claim.",
        autocompletion=completing.codes,
        show_default=False,
    ),
]
FormatOption = Annotated[
    ExplanationFormat, typer.Option("--format", help="text, json, or the derivation as a graph: dot, mermaid, graphml.")
]
DetailOption = Annotated[bool, typer.Option("--detail", help="Every step, helpers of the law included.")]


def why(
    file: FileArgument,
    code: CodeArgument,
    encounter: EncounterOption = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    form: FormatOption = ExplanationFormat.TEXT,
    detail: DetailOption = False,
    other: Annotated[
        str | None,
        typer.Option(
            "--rather-than",
            metavar="CODE",
            help="Tell where the way to this code ends instead: what it would take, and what fails.",
            autocompletion=completing.codes,
            show_default=False,
        ),
    ] = None,
    administration: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="ADMINISTRATION",
            help="With --rather-than: for this administration only.",
            autocompletion=completing.administrations,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Tell why a code is on the claim, unit by unit: each step with its rule, down to the chart.

    Of a folder it is told of each chart that has the code.
    """
    if other is None and administration is not None:
        wrong("--for: found no --rather-than, expected the code that it is told against")
    if Path(file).is_dir():
        if encounter is not None or other is not None or form not in {ExplanationFormat.TEXT, ExplanationFormat.JSON}:
            wrong(f"{file}: found a folder, expected one chart for --encounter, --rather-than or a graph")
        raise typer.Exit(_why_of_each(file, code, policy, reading, form, detail=detail))
    if other is not None and form not in {ExplanationFormat.TEXT, ExplanationFormat.JSON}:
        wrong(f"--rather-than: found --format {form.value}, expected text or json")
    from ivproof.render.words import why_words
    from ivproof.why.why import NoSuchCodeError

    explainer, chart = _prepare(file, encounter, policy, reading)
    if other is not None:
        _rather(explainer, chart, code, other, administration, form)
        return
    try:
        with telling_engine_errors(chart, explainer.coder.engine.settings):
            if form in {ExplanationFormat.TEXT, ExplanationFormat.JSON}:
                found = explainer.why(chart, code, detail=detail)
                _write(found, why_words(found), form)
            else:
                _graphs(explainer, chart, form, explainer.check(code))
    except NoSuchCodeError as error:
        wrong(str(error))


def explain(
    file: FileArgument,
    encounter: EncounterOption = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    form: FormatOption = ExplanationFormat.TEXT,
    detail: DetailOption = False,
) -> None:
    """Tell a whole visit on one page: the claim and why, what was left out, what was assumed."""
    from ivproof.render.words import visit_words, why_words

    explainer, chart = _prepare(file, encounter, policy, reading)
    with telling_engine_errors(chart, explainer.coder.engine.settings):
        if form in {ExplanationFormat.TEXT, ExplanationFormat.JSON}:
            found = explainer.explain(chart, detail=detail)
            _write(found, why_words(found) if detail else visit_words(found), form)
        else:
            _graphs(explainer, chart, form, None)


def _rather(
    explainer: Explainer, chart: Encounter, code: str, other: str, administration: str | None, form: ExplanationFormat
) -> None:
    """Tell why a code and not another."""
    from ivproof.render.words import rather_words
    from ivproof.why.rather import rather
    from ivproof.why.why import NoSuchCodeError
    from ivproof.why.whynot import NoSuchAdministrationError

    try:
        with telling_engine_errors(chart, explainer.coder.engine.settings):
            found = rather(explainer, chart, code, other, administration)
    except (NoSuchCodeError, NoSuchAdministrationError) as error:
        wrong(str(error))
    if form is ExplanationFormat.JSON:
        emit_json(found.as_dict())
    else:
        show(*rather_words(found))


def whynot(
    file: FileArgument,
    code: CodeArgument,
    administration: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="ADMINISTRATION",
            help="For this administration only.",
            autocompletion=completing.administrations,
            show_default=False,
        ),
    ] = None,
    encounter: EncounterOption = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    form: Annotated[PlainFormat, typer.Option("--format", help="text or json.")] = PlainFormat.TEXT,
    detail: DetailOption = False,
) -> None:
    """Tell why a code is not on the claim, and the least change of the chart that would put it there."""
    from ivproof.render.words import why_not_words
    from ivproof.why.why import NoSuchCodeError
    from ivproof.why.whynot import NoSuchAdministrationError, why_not

    explainer, chart = _prepare(file, encounter, policy, reading)
    try:
        with telling_engine_errors(chart, explainer.coder.engine.settings):
            found = why_not(explainer, chart, code, administration, detail=detail)
    except (NoSuchCodeError, NoSuchAdministrationError) as error:
        wrong(str(error))
    if form is PlainFormat.JSON:
        emit_json(found.as_dict())
    else:
        show(*why_not_words(found, detail=detail))


def _why_of_each(
    folder: str, code: str, policy: str, reading: list[str] | None, form: ExplanationFormat, *, detail: bool
) -> int:
    """Tell why a code is on the claims of the charts of a folder that have it; give the exit status."""
    from ivproof.commands.each import each_chart
    from ivproof.formats.plain import plain
    from ivproof.render.printing import heading
    from ivproof.render.words import why_words
    from ivproof.why.why import Explainer, NoSuchCodeError

    profiles = profiles_for(policy, reading)
    explainers = cache(lambda payer: Explainer(*profiles.of(payer)))

    def one(encounter: Encounter, _: Source) -> int:
        try:
            found = explainers(profiles.key(encounter.payer)).why(encounter, code, detail=detail)
        except NoSuchCodeError as error:
            wrong(str(error))
        if not any(it.units for it in found.versions):
            return 0
        if form is ExplanationFormat.JSON:
            emit_json(found.as_dict(), indent=None)
        else:
            show(heading(plain(encounter.id)), *why_words(found))
        return 0

    with telling_policy_errors():
        return each_chart([folder], one)


def _prepare(file: str, encounter: str | None, policy: str, reading: list[str] | None) -> tuple[Explainer, Encounter]:
    chart = pick(file, encounter)
    basis = basis_for(policy, reading, chart.payer)
    from ivproof.why.why import Explainer

    with telling_policy_errors():
        return Explainer(*basis), chart


def _write(found: Why, words: Iterable[RenderableType], form: ExplanationFormat) -> None:
    if form is ExplanationFormat.JSON:
        emit_json(found.as_dict())
    else:
        show(*words)


def _graphs(explainer: Explainer, chart: Encounter, form: ExplanationFormat, code: str | None) -> None:
    """Write the derivation of a code (or of the whole claim), one graph for each claim that the chart leads to."""
    from ivproof.why import derivation as graphs

    write = {
        ExplanationFormat.DOT: graphs.dot,
        ExplanationFormat.MERMAID: graphs.mermaid,
        ExplanationFormat.GRAPHML: graphs.graphml,
    }[form]
    case = explainer.case(chart)
    for alternative in case.alternatives:
        derivation = case.derivation(alternative)
        emit(write(derivation.graph(derivation.units(code))))
