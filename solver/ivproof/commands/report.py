"""``ivproof report``: one visit as a page or a document, with its timeline, its claim and every proof."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ivproof.commands.common import (
    LimitOption,
    PolicyOption,
    ReadingOption,
    UncheckedOption,
    basis_for,
    require,
    telling_policy_errors,
)
from ivproof.commands.one import EncounterOption, FileArgument, pick, telling_engine_errors


def report(
    file: FileArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write here: a page where the name ends in .html, a document where it ends in .pdf.",
            show_default=False,
        ),
    ],
    encounter: EncounterOption = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    least_change: Annotated[
        bool,
        typer.Option(
            "--least-change/--no-least-change",
            help="Look for the least change of the chart that would put back what is left out; can take some seconds.",
        ),
    ] = True,
) -> None:
    """Write one visit down: timeline, claim, the proof of each line, what was left out and why, what is open.

    The page opens from disk and asks nothing of any network. The same chart gives the same bytes.
    """
    from ivproof.commands.output import ending, write_whole

    kind = ending(output, {".html": ".html", ".htm": ".html", ".pdf": ".pdf"})
    if kind == ".pdf":
        require("typst", "a PDF")
    chosen = pick(file, encounter)
    basis = basis_for(policy, reading, chosen.payer)
    from ivproof.report import page as reports
    from ivproof.why.why import Explainer

    with telling_policy_errors(), telling_engine_errors(chosen, basis.policy.settings(basis.readings)):
        found = reports.report(Explainer(*basis), chosen, least_change=least_change)
    if kind == ".pdf":
        from ivproof.render.pdf import document

        content = document(found)
    else:
        from ivproof.render.html import page

        content = page(found).encode()
    write_whole(output, content, f"the visit {chosen.id}")
