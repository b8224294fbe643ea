"""``ivproof policy corpus``: charts on both sides of where a law's claim changes, stored for CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivproof.commands.common import (
    UNDECIDED,
    PolicyOption,
    UncheckedOption,
    load_policy,
    output_option,
    require,
    say,
    show,
    telling_differences,
    telling_policy_errors,
    time_limit_option,
    up_to_option,
)
from ivproof.commands.output import write_whole


def corpus(
    file: Annotated[Path, output_option("Where the corpus is written.", "FILE")],
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    up_to: Annotated[int, up_to_option(2)] = 1,
    seconds: Annotated[float, time_limit_option("Look for charts for so many seconds.")] = 600,
) -> None:
    """Write charts on both sides of where a law's claim changes, with the claims: `policy compare --corpus` takes them.

    Of every kind of chart it has one for each claim and, where one time moves and the claim becomes another, the last
    minute before and the first after. Each chart is coded by both engines, all questions as they are by default.

    Exit status: 0 when it is written, 2 when the command line is wrong, 3 when it is written and something is
    unfinished, 4 when engines differ, 130 when it was interrupted.
    """
    require("z3", "a search for charts")
    law = load_policy(policy)
    from ivproof.claim.coding import Coder
    from ivproof.lab.corpus import corpus as made

    with telling_policy_errors(), telling_differences():
        found = made(Coder(law), up_to, seconds)
    write_whole(file, found.written().encode(), f"{len(found.charts)} charts")
    show(
        f"{len(found.charts)} charts of {found.about['kinds_of_chart']} kinds with up to {up_to} "
        f"administration{'' if up_to == 1 else 's'}: {file}"
    )
    for line in found.about["unfinished"]:
        say(f"unfinished: {line}")
    raise typer.Exit(UNDECIDED if found.about["unfinished"] else 0)
