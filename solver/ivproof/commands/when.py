"""``ivproof policy when``: under what conditions a code follows, over all plain charts to a bound."""

from __future__ import annotations

from typing import Annotated

import typer

from ivproof.commands.common import (
    UNDECIDED,
    PolicyOption,
    ReadingOption,
    TableOrJson,
    TableOrJsonOption,
    UncheckedOption,
    emit_json,
    load_policy,
    read_settings,
    require,
    show,
    telling_differences,
    time_limit_option,
    up_to_option,
    wrong,
)


def when(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A code that the policy gives, like 96366.")],
    policy: PolicyOption = "out001",
    reading: ReadingOption = None,
    unchecked: UncheckedOption = False,
    up_to: Annotated[int, up_to_option(2, least=1)] = 1,
    seconds: Annotated[float, time_limit_option("End after so many seconds of computing.")] = 120,
    form: TableOrJsonOption = TableOrJson.TABLE,
) -> None:
    """Say under what conditions a code follows, in general and at every minute, each with a chart.

    Gone through are plain charts: nothing is missing, and no field says more than what is given and when.

    Exit status: 0 when all was gone through, 2 when the command line is wrong, 3 when something is unfinished, 4 when
    engines differ, 130 when it was interrupted.
    """
    require("z3", "a search over all charts")
    law = load_policy(policy)
    settings = read_settings(law, reading or [])
    if code not in law.codes:
        wrong(f"policy when: found {code!r}, expected a code of the policy: {', '.join(sorted(law.codes))}")
    from ivproof.claim.coding import Coder
    from ivproof.lab.when import when as followed
    from ivproof.render.lab import when_words

    with telling_differences():
        found = followed(Coder(law, settings), code, up_to, seconds)
    if form is TableOrJson.JSON:
        emit_json(found.as_dict())
    else:
        show(*when_words(found))
    raise typer.Exit(UNDECIDED if found.unfinished else 0)
