"""``ivproof policy prove``: whether what has to hold of a law holds, over all charts to a bound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivproof.commands.common import (
    REFUSED,
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
    telling_policy_errors,
    time_limit_option,
    up_to_option,
    wrong,
)
from ivproof.commands.compare import MOST, worked_kinds


def prove(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="INVARIANTS",
            help="A file of invariants. Default: those that ship with the policy, invariants.lp beside its folder.",
            show_default=False,
        ),
    ] = None,
    policy: PolicyOption = "out001",
    reading: ReadingOption = None,
    unchecked: UncheckedOption = False,
    up_to: Annotated[int, up_to_option(MOST)] = 1,
    seconds: Annotated[float, time_limit_option("End after so many seconds of computing.")] = 300,
    form: TableOrJsonOption = TableOrJson.TABLE,
) -> None:
    """Prove what has to hold of every claim, over all charts to a bound, or show a chart on which it does not.

    An invariant is a rule for broken(..) over what the law concludes, below a header and a sentence as in the law.
    Where it reads earlier(P), that is what follows with a stop one minute earlier.

    Exit status: 0 when all hold to the bound, 1 when one is broken, 2 when the command line or the file is wrong, 3
    when none is broken and something is unfinished, 4 when engines differ, 130 when it was interrupted.
    """
    require("z3", "a proof over all charts")
    law = load_policy(policy)
    settings = read_settings(law, reading or [])
    from ivproof.claim.coding import Coder
    from ivproof.lab.invariants import default_file, read_invariants
    from ivproof.lab.proving import prove as proved
    from ivproof.recheck import LawError
    from ivproof.render.lab import proving_words

    try:
        with telling_policy_errors(), telling_differences():
            invariants = read_invariants(file or default_file(law), law)
            found = proved(Coder(law, settings), invariants, up_to, seconds, seeds=worked_kinds())
    except LawError as error:
        wrong(str(error))
    if form is TableOrJson.JSON:
        emit_json({"policy": law.about, "file": invariants.name, **found.as_dict()})
    else:
        show(*proving_words(found))
    raise typer.Exit(REFUSED if found.broken else 0 if found.complete else UNDECIDED)
