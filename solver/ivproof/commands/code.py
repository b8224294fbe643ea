"""``ivproof code``: the claim of each chart, as a table for people or as JSON Lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivproof.commands.charts import CHARTS_HELP, charts_of
from ivproof.commands.common import (
    INTERRUPTED,
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
    emit,
    emit_json,
    encoded,
    output_option,
    profiles_for,
    read_edit_files,
    require,
    show,
    table,
    telling_policy_errors,
    wrong,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ivproof.claim.batch import Form, Job
    from ivproof.claim.profiles import Profiles
    from ivproof.claim.tally import Tally
    from ivproof.commands.output import Output
    from ivproof.law.policy import Policy


class AnswerFormat(StrEnum):
    """How answers are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"


ENDINGS = {
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), AnswerFormat.JSON),
    **dict.fromkeys((".csv", ".xlsx"), AnswerFormat.CSV),
    ".parquet": AnswerFormat.PARQUET,
    **dict.fromkeys((".arrow", ".feather"), AnswerFormat.ARROW),
    **dict.fromkeys(("", ".txt", ".out", ".log"), AnswerFormat.TABLE),
}
"""The form that the ending of an output asks for, where --format does not."""

CASE_ENDINGS = dict.fromkeys((".yaml", ".yml"), AnswerFormat.TABLE)
"""The same of worked cases, which are YAML."""

FRAMES = (AnswerFormat.PARQUET, AnswerFormat.ARROW)
"""Forms that are written to a file only, with what the extra for tables brings."""


def code(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help=CHARTS_HELP,
            show_default=False,
        ),
    ],
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    form: Annotated[
        AnswerFormat | None,
        typer.Option(
            "--format",
            help="table: for people. json: JSON Lines, one encounter a line. csv: the claims, one line a row (also as "
            ".xlsx). "
            "parquet, arrow: one encounter a row, into a file. Default: what the ending of --output says, else table.",
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
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="Count over all charts: how many have which status, which codes with how many units, and what is to "
            "be asked.",
        ),
    ] = False,
    brief: Annotated[
        bool,
        typer.Option(
            "--brief",
            help="As a table, show of each chart the claim, what to ask and what is left out; of what is assumed the "
            "numbers alone.",
        ),
    ] = False,
    as_case: Annotated[
        bool,
        typer.Option(
            "--as-case",
            help="Write each chart with what follows from it as a worked case (YAML), which [bold]policy test[/] "
            "accepts as it stands.",
        ),
    ] = False,
    payer_compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--payer-compare",
            metavar="PAYER PAYER",
            help="Show one chart under the profiles that the settings have of two payers: both claims, where they "
            "part, and by which readings, limits and claim edits.",
            show_default=False,
        ),
    ] = None,
    ptp: PtpOption = None,
    mue: MueOption = None,
    add_on: AddOnOption = None,
    edits_of: EditsOfOption = None,
    output: Annotated[
        Path | None,
        output_option("Write here instead of to standard output. Until it is whole the name ends in .incomplete."),
    ] = None,
) -> None:
    """Give the claim of each chart, with what was left out and why, and what is assumed, missing or open.

    Exit status: 0 when every encounter was read and answered, 1 when an input was refused (one line each on standard
    error; the others are answered), 2 when the command line is wrong, 3 when a chart took more work than --limit allows
    (its status is undecided; the others are answered), 4 when ivproof itself failed on a chart, 130 when it was
    interrupted.
    """
    profiles = profiles_for(policy, reading, read_edit_files(ptp, mue, add_on, edits_of))
    by, readings, _ = profiles.base
    if payer_compare is not None:
        _of_two_payers(files, profiles, payer_compare, form, alone=not (as_case or summary or output))
        return
    if as_case and (summary or form is not None):
        wrong(f"--as-case: found {'--summary' if summary else '--format'} beside it, expected it without")
    if summary:
        from ivproof.claim.batch import Job
        from ivproof.claim.coding import Coder
        from ivproof.claim.tally import as_digest

        if output is not None or form in FRAMES:
            wrong("--summary: found a file to write, expected none: a summary goes to standard output")
        if strict:
            wrong("--summary: found --strict, expected it without: no chart is refused in a summary for a slip")
        coders = profiles.make(lambda _: Coder)
        job = Job(by, readings, as_digest, recheck.value if recheck else None, coders, LIMIT.work)
        raise typer.Exit(_summarise(files, job, form, jobs))
    from functools import partial

    from ivproof.claim.coding import Coder
    from ivproof.commands.frame_output import FrameOutput
    from ivproof.commands.output import ending, not_opened, spare_charts
    from ivproof.commands.sheet_output import sheet_or_file

    spare_charts(files, output, {"--ptp": ptp, "--mue": mue, "--add-on": add_on})
    written = ending(output, CASE_ENDINGS if as_case else ENDINGS)
    shape = form or written or AnswerFormat.TABLE
    if written not in {None, AnswerFormat.TABLE, shape}:
        wrong(f"--output {output}: found --format {shape.value}, expected {written.value if written else ''}")
    _writable(shape, output, brief=brief)
    charts = charts_of(files)
    told_too = assumptions and not as_case
    make = profiles.make(lambda files: partial(Coder, edit_files=files, assumptions=told_too))
    try:
        if shape in FRAMES and output is not None:
            sink: Output = FrameOutput(output, shape.value)
        else:
            sink = sheet_or_file(output)
    except OSError as error:
        not_opened(output, error)
    from ivproof.claim.batch import Job, Strict
    from ivproof.commands.running import files_told, run

    wanted, write = _form(shape, by, sink, brief=brief) if not as_case else _case(profiles)
    job = Job(by, readings, Strict(wanted) if strict else wanted, recheck.value if recheck else None, make, LIMIT.work)
    told: dict[str, bool] = {}
    with telling_policy_errors():
        status = run(charts, job, jobs, write, sink, told=told)
    if any(Path(it).is_dir() for it in files):
        files_told(told)
    raise typer.Exit(status)


def _of_two_payers(
    files: list[str], profiles: Profiles, payers: tuple[str, str], form: AnswerFormat | None, *, alone: bool
) -> None:
    """Compare two payers on one chart; end the command where another form of answers is asked for."""
    from ivproof.commands.payers import compare_payers

    if not alone or form not in {None, AnswerFormat.TABLE, AnswerFormat.JSON}:
        wrong("--payer-compare: found another form or an output, expected --format table or json alone")
    compare_payers(files, profiles, payers, as_json=form is AnswerFormat.JSON)


def _writable(shape: AnswerFormat, output: Path | None, *, brief: bool) -> None:
    """End the command where a form cannot be written there, or not with what is installed, or not briefly."""
    from ivproof.commands.sheet_output import is_sheet

    if brief and shape is not AnswerFormat.TABLE:
        wrong(f"--brief: found --format {shape.value}, expected table")
    if shape in FRAMES:
        require("pyarrow", f"--format {shape.value}")
        if output is None:
            wrong(f"--format {shape.value}: found no --output, expected the file to write")
    if is_sheet(output):
        require("xlsxwriter", "a worksheet (.xlsx)")
        if shape is not AnswerFormat.CSV:
            wrong(f"--output {output}: found --format {shape.value}, expected csv: the worksheet of the claims")


def _summarise(files: list[str], job: Job, form: AnswerFormat | None, jobs: int | None) -> int:
    """Count over charts and write it; give the exit status."""
    from ivproof.claim.tally import Tally
    from ivproof.commands.running import gather

    found = Tally()
    status = gather(files, job, jobs, found.add)
    if status == INTERRUPTED:
        return status
    if form is AnswerFormat.JSON:
        emit_json(found.as_dict())
    elif form is AnswerFormat.CSV:
        emit(found.csv())
    else:
        show(*_tallied(found, job.policy))
    return status


def _tallied(found: Tally, policy: Policy) -> Iterator[RenderableType]:
    from ivproof.commands.running import charts as counted
    from ivproof.render.printing import visible
    from ivproof.report.page import label_of

    told = found.as_dict()
    statuses = ", ".join(f"{n} {name}" for name, n in told["statuses"].items())
    yield f"{counted(found.charts)}{f': {statuses}' if statuses else ''}"
    if found.empty:
        yield f"On {found.empty} no line stands in every claim that can follow."
    if found.asked:
        kinds = ", ".join(f"{name.replace('_', ' ')} ({n})" for name, n in told["ask"].items())
        yield f"On {found.asked} a missing fact can change the claim: {kinds}"
    if found.codes:
        shown = table("Code", "Charts", "Units", "What")
        for code, charts, units in found.codes:
            shown.add_row(visible(code), str(charts), str(units), visible(label_of(policy, code)))
        yield ""
        yield shown


def _form(shape: AnswerFormat, policy: Policy, sink: Output, *, brief: bool) -> tuple[Form, Callable[[Any], bytes]]:
    """What is made of an answer where it is found, and what is written of that."""
    from ivproof.claim.batch import as_line
    from ivproof.commands.frame_output import FrameOutput
    from ivproof.frames.answers import claim_header, claim_rows, determination_row

    if shape is AnswerFormat.JSON:
        return as_line, bytes
    if shape is AnswerFormat.CSV:
        sink.write(claim_header())
        return claim_rows, bytes
    if isinstance(sink, FrameOutput):
        return determination_row, sink.add
    return _table(policy, sink, brief=brief)


def _case(profiles: Profiles) -> tuple[Form, Callable[[Any], bytes]]:
    from ivproof.cases.writing import AsCase

    return AsCase(profiles), bytes


def _table(policy: Policy, sink: Output, *, brief: bool) -> tuple[Form, Callable[[Any], bytes]]:
    from ivproof.render.printing import console_of
    from ivproof.render.terminal import TerminalView, as_visit

    if sink.path is not None:
        to_file = TerminalView(policy, console_of(None), brief=brief)
        return as_visit, lambda visit: to_file.text(visit).encode()
    view = TerminalView(policy, console_of(sys.stdout), brief=brief)
    return as_visit, lambda visit: encoded(view.text(visit))
