"""``ivproof missing``: what the chart does not say, and what to ask for."""

from __future__ import annotations

from typing import Annotated

import typer

from ivproof.commands.common import (
    JobsOption,
    LimitOption,
    PolicyOption,
    ReadingOption,
    UncheckedOption,
    basis_for,
    emit_json,
    profiles_for,
    show,
    telling_policy_errors,
    wrong,
)
from ivproof.commands.one import EncounterOption, FileArgument, pick, telling_engine_errors
from ivproof.commands.readings import ReadingsFormat


def missing(
    file: FileArgument,
    encounter: EncounterOption = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="Count over many charts (a file or a folder): which missing fact decides over how many, of a time as "
            "far as runs of the length of each threshold of the law tell.",
        ),
    ] = False,
    jobs: JobsOption = None,
    form: Annotated[
        ReadingsFormat, typer.Option("--format", help="table: for people. json: one object. csv: of the summary only.")
    ] = ReadingsFormat.TABLE,
) -> None:
    """Tell what the chart does not say, the claims that each possible value leads to, and the fewest facts to ask for.

    Times are gone through over every whole minute of a day, and what is told was solved again on both sides of each
    boundary.
    """
    if summary:
        if encounter is not None:
            wrong("--summary is of all charts: it goes without --encounter")
        from ivproof.commands.summary import summarise
        from ivproof.whatif.many import Gaps

        raise typer.Exit(
            summarise([file], profiles_for(policy, reading), Gaps(), "missing_facts", {}, form.value, jobs)
        )
    if form is ReadingsFormat.CSV:
        wrong("--format csv is for --summary")
    chart = pick(file, encounter)
    basis = basis_for(policy, reading, chart.payer)
    from ivproof.claim.coding import Coder
    from ivproof.render.missing import missing_words
    from ivproof.whatif.missing import missing_facts

    with telling_policy_errors(), telling_engine_errors(chart, basis.policy.settings(basis.readings)):
        report = missing_facts(Coder(*basis), chart)
    if form is ReadingsFormat.JSON:
        emit_json(report.as_dict())
    else:
        show(*missing_words(report, chart))
