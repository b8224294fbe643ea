"""``ivproof policy suite``: a small suite of generated cases that notices the changes of a law."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivproof.commands.adequacy import LISTED
from ivproof.commands.common import (
    REFUSED,
    UNDECIDED,
    JobsOption,
    PolicyOption,
    UncheckedOption,
    load_policy,
    output_option,
    require,
    say,
    show,
    telling_policy_errors,
    time_limit_option,
    up_to_option,
    wrong,
)

NAME = "suite.ivproof.yaml"
"""The file that is written: `policy test` judges it, and pytest collects it."""


def suite(
    folder: Annotated[Path, output_option(f"Where {NAME} is written.", "FOLDER")],
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    up_to: Annotated[int, up_to_option(2)] = 1,
    conditions: Annotated[
        bool, typer.Option("--conditions", help="Leave out conditions of rules, too, one at a time.")
    ] = False,
    minimum: Annotated[
        bool,
        typer.Option("--minimum", help="Do not stop before no fewer of the charts would do."),
    ] = False,
    seconds: Annotated[float, time_limit_option("Look for charts for so many seconds.")] = 1800,
    jobs: JobsOption = None,
) -> None:
    """Write a small suite of generated cases that notices the changes of a law that some generated chart notices.

    A case says what the law says now, not that this is right: it is to be read before it is kept.

    Exit status: 0 when every change is noticed, 1 when one is not, 2 when the command line is wrong, 3 when something
    is unfinished, 130 when it was interrupted.
    """
    require("z3", "a search for charts")
    law = load_policy(policy)
    file = folder / NAME
    if file.exists():
        wrong(f"-o {folder}: found {NAME} in it, expected a folder without one: nothing is written over")
    from ivproof.cases.writing import as_item
    from ivproof.claim.batch import cores
    from ivproof.claim.coding import Coder
    from ivproof.commands.output import write_whole
    from ivproof.commands.progress import Counter
    from ivproof.formats.plain import plain
    from ivproof.suites.mutants import Operator
    from ivproof.suites.suite import KILLERS
    from ivproof.suites.suite import suite as made

    try:  # before the search, which takes long
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        wrong(f"-o {folder}: {error.strerror or error}")
    operators = [it for it in Operator if conditions or it is not Operator.CONDITION]
    with telling_policy_errors(), Counter(hidden=False) as counter:
        found = made(
            Coder(law),
            up_to,
            seconds,
            operators=operators,
            minimum=minimum,
            jobs=jobs or cores(),
            told=counter.advance,
        )
    write_whole(file, ("".join(map(as_item, found.cases)) or "[]\n").encode(), f"{len(found.cases)} cases")
    show(
        f"{len(found.cases)} cases, which notice {found.noticed} of {found.changes} changes of the law: {file}",
        f"They are {'the fewest' if found.least else 'few, perhaps not the fewest,'} of {found.charts} charts with up "
        f"to {up_to} administration{'' if up_to == 1 else 's'}, of each change the {KILLERS} smallest that notice it, "
        "all questions as they are by default.",
    )
    for it in found.rest[:LISTED]:
        show(plain(f"  not noticed: {it.words}"))
    if len(found.rest) > LISTED:
        show(f"  and {len(found.rest) - LISTED} more, which `ivproof policy adequacy {file} --up-to 0` lists")
    for line in found.unfinished[:LISTED]:
        say(f"unfinished: {line}")
    raise typer.Exit(UNDECIDED if found.unfinished else REFUSED if found.rest else 0)
