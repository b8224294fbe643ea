"""``ivproof margins``: what hangs by a minute."""

from __future__ import annotations

from typing import Annotated

import typer

from ivproof.commands.common import (
    LimitOption,
    PolicyOption,
    ReadingOption,
    TableOrJson,
    TableOrJsonOption,
    UncheckedOption,
    basis_for,
    emit_json,
    show,
    telling_policy_errors,
)
from ivproof.commands.one import EncounterOption, FileArgument, pick, telling_engine_errors


def margins(
    file: FileArgument,
    encounter: EncounterOption = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    within: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="MINUTES",
            help="Only where the claim changes within so many minutes.",
            show_default=False,
        ),
    ] = None,
    form: TableOrJsonOption = TableOrJson.TABLE,
) -> None:
    """Tell how far each documented time can move before the claim is another one, the closest calls first.

    Every whole minute up to a day either way is covered; what is told was solved again on both sides of each boundary.
    """
    chart = pick(file, encounter)
    basis = basis_for(policy, reading, chart.payer)
    from ivproof.claim.coding import Coder
    from ivproof.render.margins import margin_words
    from ivproof.whatif.margins import margins_of

    with telling_policy_errors(), telling_engine_errors(chart, basis.policy.settings(basis.readings)):
        report = margins_of(Coder(*basis), chart)
    if within is not None:
        report = report.within(within)
    if form is TableOrJson.JSON:
        emit_json(report.as_dict())
    else:
        show(*margin_words(report))
