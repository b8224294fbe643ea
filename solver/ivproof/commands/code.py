"""``ivproof code``: the claim of each chart, as a table for people or as JSON Lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivproof.commands.common import (
    INTERRUPTED,
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
    from ivproof.batch import Form, Job
    from ivproof.commands.output import Output
    from ivproof.policy import Policy


class Format(StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"


class Recheck(StrEnum):
    """Which answers the second engine derives again."""

    ALL = "all"
    SAMPLE = "sample"
    NONE = "none"


def code(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Charts: YAML, JSON or JSON Lines (also .gz), folders of them, or - for standard input.",
            show_default=False,
        ),
    ],
    policy: PolicyOption = "out001",
    reading: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUESTION=OPTION",
            help="Settle an open question: A9=B or tie_break=first; =open tries every option. Can be repeated; "
            "[bold]ivproof readings list[/] shows them.",
            autocompletion=complete_reading,
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="table: for people. json: JSON Lines, one encounter a line.")
    ] = Format.TABLE,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes for many charts; default: the cores.", show_default=False),
    ] = None,
    recheck: Annotated[
        Recheck | None,
        typer.Option(
            help="Which answers the second engine derives again. Default: all of up to 20 charts, a sample of more.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write here instead of to standard output. Until it is whole the name ends in .incomplete.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Give the claim of each chart, with what was left out and why, and what is assumed, missing or open.

    Exit status: 0 when every encounter was read and answered, 1 when an input was refused (one line each on standard
    error; the others are answered), 2 when the command line is wrong, 130 when it was interrupted.
    """
    by = load_policy(policy)
    readings = read_settings(by, reading or [])
    from ivproof.commands.output import Output

    try:
        sink = Output(output)
    except OSError as error:
        wrong(f"--output {output}: {error.strerror or error}")
    from ivproof.batch import Job

    shape, write = _json() if form is Format.JSON else _table(by, sink)
    with telling_policy_errors():
        status = _run(files, Job(by, readings, shape, recheck.value if recheck else None), jobs, write, sink)
    raise typer.Exit(status)


def _json() -> tuple[Form, Callable[[Any], bytes]]:
    from ivproof.batch import as_line

    return as_line, bytes


def _table(policy: Policy, sink: Output) -> tuple[Form, Callable[[Any], bytes]]:
    from rich.console import Console

    from ivproof.render.terminal import TerminalView, as_visit

    file = sys.stdout if sink.path is None else None
    encoding = sys.stdout.encoding if file else "utf-8"
    console = Console(file=file) if file else Console(width=120, no_color=True, force_terminal=False)
    view = TerminalView(policy, console)
    return as_visit, lambda visit: view.text(visit).encode(encoding, "backslashreplace")


def _run(files: list[str], job: Job, jobs: int | None, write: Callable[[Any], bytes], sink: Output) -> int:
    """Answer the charts; give the exit status."""
    from ivproof.batch import outcomes
    from ivproof.chart.files import scan
    from ivproof.commands.output import Interruption
    from ivproof.commands.progress import Counter
    from ivproof.law.language import LawError
    from ivproof.policy import PolicyError

    answered, status = 0, 0
    try:
        with (
            Interruption() as interruption,
            Counter(hidden=sink.path is None and sys.stdout.isatty()) as counter,
            _closing(outcomes(scan(files), job, jobs=jobs)) as found,
        ):
            for outcome in found:
                for problem in outcome.problems:
                    status = REFUSED
                    counter.say(problem)
                if outcome.result is not None:
                    lines = write(outcome.result)
                    with interruption.shield():
                        sink.write(lines)
                        answered += 1
                counter.advance()
        sink.finish(whole=True)
    except KeyboardInterrupt:
        sink.finish(whole=False)
        where = f"{sink.written} is whole up to there" if sink.path else "the output is whole up to there"
        say(f"ivproof: interrupted; {answered} {'chart was' if answered == 1 else 'charts were'} answered, {where}")
        return INTERRUPTED
    except (PolicyError, LawError):
        sink.discard()
        raise
    except BrokenPipeError:
        raise  # nobody reads on: the caller of the command knows
    except OSError as error:
        say(f"ivproof: cannot write {sink.written}: {error.strerror or error}; {answered} charts were answered")
        return REFUSED
    return status


@contextmanager
def _closing(found: Any) -> Iterator[Any]:
    """End the processes behind an iterator, however it is left."""
    try:
        yield found
    finally:
        found.close()
