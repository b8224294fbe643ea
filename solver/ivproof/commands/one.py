"""One encounter of a file: the arguments of the commands that look at a single visit, and how it is picked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ivproof.commands import completing
from ivproof.commands.common import FAULT, LIMIT, REFUSED, UNDECIDED, say, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ivproof.chart.encounter import Encounter

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
    str | None,
    typer.Option(
        "--encounter",
        metavar="ID",
        help="The encounter, where the file has several.",
        autocompletion=completing.encounters,
    ),
]


@contextmanager
def telling_engine_errors(encounter: Encounter, settings: Mapping[str, str | None]) -> Iterator[None]:
    """Allow an encounter as much work as --limit says, and tell that it has no answer: it leads to too much, or
    something is wrong with this program.

    `settings` has what is held of each question.
    """
    from ivproof.chart.bounds import TooManyWaysError, for_chart
    from ivproof.engine.second import DisagreementError
    from ivproof.why.record import RecordError

    try:
        with for_chart(encounter, LIMIT.work, [key.upper() for key, option in settings.items() if option is None]):
            yield
    except TooManyWaysError as error:
        say(f"ivproof: {error}")
        raise typer.Exit(UNDECIDED) from None
    except (DisagreementError, RecordError) as error:
        say(f"ivproof: internal error: {error}")
        raise typer.Exit(FAULT) from error


def pick(file: str, wanted: str | None) -> Encounter:
    """Read the encounter of a file that is asked for; end the command where it is not there, or is refused."""
    from ivproof.importers.tables import is_table

    if is_table(file):  # which would be asked for the others that belong to it, and there is no place to name them
        wrong(f"{file}: found a table, expected a chart file: this command looks at one visit")
    return pick_of([file], wanted)[0]


def pick_of(files: Sequence[str], wanted: str | None) -> tuple[Encounter, str]:
    """Read the encounter that is asked for, and tell which file it stands in.

    Files that hold a broken chart are refused, unless `wanted` says which of the others is meant.
    """
    from ivproof.chart.fields import compare_key
    from ivproof.commands.charts import charts_of

    found: list[tuple[Encounter, str]] = []
    problems: list[str] = []
    for sheet in charts_of(files):
        chart = sheet.chart()
        if chart.encounter is None:
            problems += map(str, chart.refusals)
        elif wanted is None or compare_key(chart.encounter.id) == compare_key(wanted):
            found.append((chart.encounter, sheet.source.file))
    if len(found) != 1 or (problems and wanted is None):
        _tell(", ".join(files), wanted, [it for it, _ in found], problems)
    return found[0]


def _tell(files: str, wanted: str | None, found: list[Encounter], problems: list[str]) -> NoReturn:
    """Say why no encounter can be picked."""
    for problem in problems:
        say(problem)
    if problems and (wanted is None or not found):
        raise typer.Exit(REFUSED)
    if wanted is not None:
        wrong(f"--encounter {wanted}: {'more than one' if found else 'no'} encounter of {files} has that id")
    if not found:
        wrong(f"{files}: no chart in it")
    names = ", ".join(it.id for it in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    wrong(f"{files} has several encounters; pick one with --encounter: {names}{more}")
