"""``ivproof report``: one visit as a page or a document, with its timeline, its claim and every proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ivproof.commands.common import (
    REFUSED,
    PolicyOption,
    complete_reading,
    load_policy,
    read_settings,
    say,
    telling_policy_errors,
    wrong,
)

if TYPE_CHECKING:
    from ivproof.encounter import Encounter

SHOWN = 5
"""So many encounters are named where one has to be picked."""


def report(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="The chart: YAML, JSON or JSON Lines (also .gz), or - for standard input.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write here: a page where the name ends in .html, a document where it ends in .pdf.",
            show_default=False,
        ),
    ],
    encounter: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The encounter, where the file has several.", show_default=False),
    ] = None,
    policy: PolicyOption = "out001",
    reading: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUESTION=OPTION",
            help="Settle an open question, as for [bold]ivproof code[/]. Can be repeated.",
            autocompletion=complete_reading,
            show_default=False,
        ),
    ] = None,
    least_change: Annotated[
        bool,
        typer.Option(
            "--least-change/--no-least-change",
            help="Look for the least change of the chart that would put back what is left out; can take some seconds.",
        ),
    ] = True,
) -> None:
    """Write one visit down: timeline, claim, the proof of each line, what was left out and why, what is open.

    The page opens from disk and asks nothing of any network. The same chart gives the same bytes.
    """
    kind = output.suffix.casefold()
    if kind not in {".html", ".htm", ".pdf"}:
        wrong(f"--output {output}: expected a name that ends in .html or .pdf")
    by = load_policy(policy)
    readings = read_settings(by, reading or [])
    from ivproof.commands.output import Output

    chosen = _pick(file, encounter)
    from ivproof.reasons.record import RecordError
    from ivproof.reasons.why import Explainer
    from ivproof.report import page as reports
    from ivproof.second import DisagreementError

    try:
        with telling_policy_errors():
            found = reports.report(Explainer(by, readings), chosen, least_change=least_change)
    except (DisagreementError, RecordError) as error:
        say(f"ivproof: internal error: {error}")
        raise typer.Exit(REFUSED) from error
    if kind == ".pdf":
        from ivproof.render.pdf import document

        content = document(found)
    else:
        from ivproof.render.html import page

        content = page(found).encode()
    try:
        sink = Output(output)
        sink.write(content)
        sink.finish(whole=True)
    except OSError as error:
        wrong(f"--output {output}: {error.strerror or error}")


def _pick(file: str, wanted: str | None) -> Encounter:
    """Read the encounter that is asked for; end the command where it is not there, or is refused."""
    from ivproof.chart.files import scan

    found: list[Encounter] = []
    problems: list[str] = []
    for sheet in scan([file]):
        chart = sheet.chart()
        if chart.encounter is None:
            problems += map(str, chart.refusals)
        elif wanted is None or chart.encounter.id == wanted:
            found.append(chart.encounter)
    if len(found) != 1 or (problems and wanted is None):
        _tell(file, wanted, found, problems)
    return found[0]


def _tell(file: str, wanted: str | None, found: list[Encounter], problems: list[str]) -> NoReturn:
    """Say why no encounter can be picked."""
    for problem in problems:
        say(problem)
    if problems and not found:
        raise typer.Exit(REFUSED)
    if wanted is not None:
        wrong(
            f"--encounter {wanted}: {'no encounter' if not found else 'more than one encounter'} of {file} has that id"
        )
    if not found:
        wrong(f"{file}: no chart in it")
    names = ", ".join(it.id for it in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    wrong(f"{file} has several encounters; pick one with --encounter: {names}{more}")
