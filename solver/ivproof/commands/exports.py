"""``ivproof export``: what follows for charts, in the form of other systems."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands.charts import CHARTS_HELP
from ivproof.commands.common import (
    REFUSED,
    LimitOption,
    PolicyOption,
    ReadingOption,
    UncheckedOption,
    output_option,
    profiles_for,
    require,
    say,
    telling_policy_errors,
    worse,
    wrong,
)
from ivproof.commands.each import each_chart
from ivproof.commands.guarding import Commands
from ivproof.commands.output import ending, spare_charts, write_whole

if TYPE_CHECKING:
    from ivproof.chart.encounter import Encounter
    from ivproof.chart.refusal import Source
    from ivproof.exports.fhir import Origins

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Give what follows for charts in the form of other systems.")


class Made(StrEnum):
    """What is made of an answer."""

    TASK = "task"
    CLAIM = "claim"
    ISSUE = "issue"
    PROVENANCE = "provenance"


_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})")


@app.callback()
def exports() -> None:
    """Give what follows for charts in the form of other systems."""


@app.command()
def fhir(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help=CHARTS_HELP, show_default=False)],
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="INSTANT",
            help="When this is made, such as 2021-03-01T12:00:00Z: Claim and Provenance have to say it.",
            show_default=False,
        ),
    ],
    made: Annotated[
        list[Made] | None,
        typer.Option(
            "--as",
            help="task: a question to the nurse for each missing fact. claim. issue: claim edits and disputed lines. "
            "provenance: chart, law and proof. Can be repeated; default: all.",
            show_default=False,
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="The FHIR that the charts were imported from: it says patient, provider and coverage.",
            show_default=False,
        ),
    ] = None,
    patient: Annotated[
        str | None,
        typer.Option("--patient", metavar="REFERENCE", help="Patient of all the charts.", show_default=False),
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="REFERENCE", help="Who claims, where nothing says it.", show_default=False),
    ] = None,
    coverage: Annotated[
        str | None,
        typer.Option("--coverage", metavar="REFERENCE", help="What pays, where nothing says it.", show_default=False),
    ] = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    output: Annotated[
        Path | None,
        output_option("Write here: one bundle of all in .json, one a chart and line in .ndjson."),
    ] = None,
) -> None:
    """Give FHIR R4: a Task for each missing fact, the Claim, DetectedIssues, and Provenance with the proof.

    A Claim is made where one claim follows and patient, provider and coverage are known; where not, that is told.
    Exit status: 0 when all charts were exported, 1 when one was refused or has no Claim that was asked for, 2 when the
    command line is wrong, 3 when a chart took more work than --limit allows, 4 when ivproof itself failed on one, 130
    when it was interrupted.
    """
    require("fhir", "export fhir")
    if not _INSTANT.fullmatch(at):
        wrong(f"--at {at}: expected an instant such as 2021-03-01T12:00:00Z")
    profiles = profiles_for(policy, reading)
    spare_charts(files, output)
    spare_charts(origin or [], output, what="the file of --from")
    lines = ending(output, {".json": False, "": False, ".ndjson": True, ".jsonl": True}) or False
    from ivproof.claim.coding import Coder
    from ivproof.exports.fhir import KINDS, Exported, FhirExport, Parties, bundle

    origins, refused = _origins(origin or [])
    told = Parties(patient, provider, coverage)
    found: list[Exported] = []
    kinds = [kind for kind in KINDS if not made or Made(kind) in made]

    @cache
    def by(payer: str | None) -> tuple[Coder, FhirExport]:
        with telling_policy_errors():
            coder = Coder(*profiles.of(payer))
            return coder, FhirExport(coder, at, kinds)

    def unsettled(encounter: Encounter) -> list[str]:
        settings = by(profiles.key(encounter.payer))[0].engine.settings
        return [key.upper() for key, option in settings.items() if option is None]

    def one(encounter: Encounter, source: Source) -> int:
        coder, export = by(profiles.key(encounter.payer))
        made = export.export(encounter, coder.code([encounter])[0], origins.of(encounter).unless(told))
        found.append(made)
        for it in made.told:
            say(f"{source.where}: {encounter.id}: {it}")
        return REFUSED if made.told else 0

    status = worse(REFUSED if refused else 0, each_chart(files, one, unsettled))
    bundles = [it.entries for it in found] if lines else [[entry for it in found for entry in it.entries]]
    entries = sum(map(len, bundles))
    write_whole(output, b"".join(bundle(it) + b"\n" for it in bundles), f"{entries} resources")
    raise typer.Exit(status)


def _origins(files: list[str]) -> tuple[Origins, int]:
    """Read the FHIR that charts came from; tell what of it cannot be read, and how many that are."""
    from ivproof.exports.fhir import Origins
    from ivproof.importers.resources import read_resources

    resources, refusals = read_resources(files)
    for refusal in refusals:
        say(str(refusal))
    return Origins(resources), len(refusals)
