"""``ivproof code``: the claim of each chart, as a table for people or as JSON Lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivproof.commands.common import (
    LIMIT,
    AddOnOption,
    EditsOfOption,
    JobsOption,
    LimitOption,
    MueOption,
    PolicyOption,
    PtpOption,
    ReadingOption,
    RecheckOption,
    StrictOption,
    UncheckedOption,
    encoded,
    load_policy,
    read_edit_files,
    read_settings,
    telling_policy_errors,
    wrong,
)

if TYPE_CHECKING:
    from ivproof.claim.batch import Form
    from ivproof.commands.output import Output
    from ivproof.law.policy import Policy


class Format(StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"


ENDINGS = {
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), Format.JSON),
    **dict.fromkeys(("", ".txt", ".out", ".log"), Format.TABLE),
}
"""The form that the ending of an output asks for, where --format does not."""


def code(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Charts: YAML, JSON or JSON Lines (also .gz), folders of them, or - for standard input.",
            show_default=False,
        ),
    ],
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="table: for people. json: JSON Lines, one encounter a line. Default: what the ending of --output "
            "says, else table.",
            show_default=False,
        ),
    ] = None,
    jobs: JobsOption = None,
    recheck: RecheckOption = None,
    strict: StrictOption = False,
    assumptions: Annotated[
        bool,
        typer.Option(
            "--assumptions/--no-assumptions",
            help="List the readings held by default on which each claim depends, and what others would give. "
            "Without them many charts are coded several times faster.",
        ),
    ] = True,
    ptp: PtpOption = None,
    mue: MueOption = None,
    add_on: AddOnOption = None,
    edits_of: EditsOfOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write here instead of to standard output. Until it is whole the name ends in .incomplete.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Give the claim of each chart, with what was left out and why, and what is assumed, missing or open.

    Exit status: 0 when every encounter was read and answered, 1 when an input was refused (one line each on standard
    error; the others are answered), 2 when the command line is wrong, 3 when a chart took more work than --limit allows
    (its status is undecided; the others are answered), 4 when ivproof itself failed on a chart, 130 when it was
    interrupted.
    """
    by = load_policy(policy)
    readings = read_settings(by, reading or [])
    from functools import partial

    from ivproof.claim.coding import Coder
    from ivproof.commands.output import Output, ending, spare_charts

    spare_charts(files, output)
    written = ending(output, ENDINGS)
    make = partial(Coder, edit_files=read_edit_files(ptp, mue, add_on, edits_of), assumptions=assumptions)
    try:
        sink = Output(output)
    except OSError as error:
        wrong(f"--output {output}: {error.strerror or error}")
    from ivproof.chart.files import scan
    from ivproof.claim.batch import Job, Strict
    from ivproof.commands.running import files_told, run

    shape, write = _json() if (form or written) is Format.JSON else _table(by, sink)
    job = Job(by, readings, Strict(shape) if strict else shape, recheck.value if recheck else None, make, LIMIT.work)
    told: dict[str, bool] = {}
    with telling_policy_errors():
        status = run(scan(files), job, jobs, write, sink, told=told)
    if any(Path(it).is_dir() for it in files):
        files_told(told)
    raise typer.Exit(status)


def _json() -> tuple[Form, Callable[[Any], bytes]]:
    from ivproof.claim.batch import as_line

    return as_line, bytes


def _table(policy: Policy, sink: Output) -> tuple[Form, Callable[[Any], bytes]]:
    from ivproof.render.printing import console_of
    from ivproof.render.terminal import TerminalView, as_visit

    if sink.path is not None:
        to_file = TerminalView(policy, console_of(None))
        return as_visit, lambda visit: to_file.text(visit).encode()
    view = TerminalView(policy, console_of(sys.stdout))
    return as_visit, lambda visit: encoded(view.text(visit))
