"""``ivproof policy compare``: what a change of the law does, rule by rule and over charts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ivproof.commands.common import (
    INTERRUPTED,
    REFUSED,
    JobsOption,
    ReadingOption,
    RecheckOption,
    UncheckedOption,
    complete_policy,
    emit_json,
    load_policy,
    read_settings,
    show,
    telling_policy_errors,
)


class Format(StrEnum):
    """How the comparison is written."""

    TABLE = "table"
    JSON = "json"


def compare(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="The present policy: its name or its folder.", autocompletion=complete_policy
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(metavar="NEW", help="The new policy: its name or its folder.", autocompletion=complete_policy),
    ],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="Charts to code by both: YAML, JSON or JSON Lines, folders of them, or - for standard input. "
            "Without them only the rules are compared.",
            show_default=False,
        ),
    ] = None,
    reading: ReadingOption = None,
    unchecked: UncheckedOption = False,
    form: Annotated[Format, typer.Option("--format", help="table: for people. json: one object.")] = Format.TABLE,
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="End with status 1 where a chart has another claim.")
    ] = False,
    jobs: JobsOption = None,
    recheck: RecheckOption = None,
) -> None:
    """Show what a new policy changes: the rules, and the charts that have another claim, with the rules behind it.

    A reading that is set holds under both policies.

    Exit status: 0 when every chart was answered by both; 1 when an input was refused, or when a chart has another claim
    and --fail-on-change was given; 2 when the command line is wrong; 3 when a chart takes too much work to be decided;
    130 when it was interrupted.
    """
    before, after = load_policy(old), load_policy(new)
    readings = read_settings(before, reading or [])
    read_settings(after, reading or [])
    from ivproof.claim.batch import Job
    from ivproof.commands.running import gather
    from ivproof.comparison import Comparing, Comparison, law_changes
    from ivproof.comparison.charts import as_compared, as_told
    from ivproof.render.comparison import comparison_words

    with telling_policy_errors():
        found = Comparison.of(before, after, law_changes(before, after))
    shape = as_compared if form is Format.JSON else as_told
    job = Job(before, readings, shape, recheck.value if recheck else None, Comparing(after))
    status = gather(files, job, jobs, found.add) if files else 0
    if status == INTERRUPTED:
        raise typer.Exit(status)
    if form is Format.JSON:
        emit_json(found.as_dict())
    else:
        show(*comparison_words(found, coded=bool(files)))
    raise typer.Exit(REFUSED if fail_on_change and found.changed else status)
