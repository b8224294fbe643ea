"""``ivproof missing``: what the chart does not say, and what to ask for."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ivproof.commands.code import Format
from ivproof.commands.common import (
    REFUSED,
    PolicyOption,
    console,
    load_policy,
    read_settings,
    say,
    telling_policy_errors,
)
from ivproof.commands.explain import EncounterOption, FileArgument, ReadingOption, pick


def missing(
    file: FileArgument,
    encounter: EncounterOption = None,
    policy: PolicyOption = "out001",
    reading: ReadingOption = None,
    form: Annotated[Format, typer.Option("--format", help="table: for people. json: one object.")] = Format.TABLE,
) -> None:
    """Tell what the chart does not say, the claims that each possible value leads to, and the fewest facts to ask for.

    Times are gone through over every whole minute of a day, and what is told was solved again on both sides of each
    boundary.
    """
    by = load_policy(policy)
    readings = read_settings(by, reading or [])
    chart = pick(file, encounter)
    from ivproof.coding import Coder
    from ivproof.minutes.evaluator import TooManyWaysError
    from ivproof.missing import missing_facts
    from ivproof.render.missing import missing_words

    with telling_policy_errors():
        try:
            report = missing_facts(Coder(by, readings), chart)
        except TooManyWaysError as error:
            say(f"ivproof: {chart.id}: {error}")
            raise typer.Exit(REFUSED) from None
    if form is Format.JSON:
        typer.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
        return
    out = console()
    for words in missing_words(report, chart):
        out.print(words)
