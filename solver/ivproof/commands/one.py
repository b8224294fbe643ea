"""One encounter of a file: the arguments of the commands that look at a single visit, and how it is picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ivproof.commands.common import REFUSED, complete_reading, say, wrong

if TYPE_CHECKING:
    from ivproof.encounter import Encounter

SHOWN = 5
"""So many encounters are named where one has to be picked."""

FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="The chart: YAML, JSON or JSON Lines (also .gz), or - for standard input.",
        show_default=False,
    ),
]
EncounterOption = Annotated[
    str | None, typer.Option("--encounter", metavar="ID", help="The encounter, where the file has several.")
]
ReadingOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="QUESTION=OPTION",
        help="Settle an open question, as for [bold]ivproof code[/]. Can be repeated.",
        autocompletion=complete_reading,
        show_default=False,
    ),
]


def pick(file: str, wanted: str | None) -> Encounter:
    """Read the encounter that is asked for; end the command where it is not there, or is refused.

    A file that holds a broken chart is refused too, unless `wanted` says which of the others is meant.
    """
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
    if problems and (wanted is None or not found):
        raise typer.Exit(REFUSED)
    if wanted is not None:
        wrong(f"--encounter {wanted}: {'more than one' if found else 'no'} encounter of {file} has that id")
    if not found:
        wrong(f"{file}: no chart in it")
    names = ", ".join(it.id for it in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    wrong(f"{file} has several encounters; pick one with --encounter: {names}{more}")
