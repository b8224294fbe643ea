"""``ivproof report``: one visit as a page or a document, with its timeline, its claim and every proof."""

from __future__ import annotations

import re
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands.common import (
    LimitOption,
    PolicyOption,
    ReadingOption,
    UncheckedOption,
    basis_for,
    output_option,
    profiles_for,
    require,
    telling_policy_errors,
    wrong,
)
from ivproof.commands.one import EncounterOption, FileArgument, pick, telling_engine_errors

if TYPE_CHECKING:
    from ivproof.chart.encounter import Encounter
    from ivproof.chart.refusal import Source


def report(
    file: FileArgument,
    output: Annotated[
        Path,
        output_option(
            "Write here: a page where the name ends in .html, a document where it ends in .pdf; of a folder of "
            "charts a folder of pages."
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

    Of a folder each visit is written, by number and id.
    The page opens from disk and asks nothing of any network. The same chart gives the same bytes.
    """
    from ivproof.commands.output import ending, spare_charts, write_whole

    if Path(file).is_dir():
        if encounter is not None:
            wrong(f"--encounter {encounter}: found a folder, expected the file that has it")
        raise typer.Exit(_each(file, output, policy, reading, least_change=least_change))
    spare_charts([file], output)
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


def _each(folder: str, output: Path, policy: str, reading: list[str] | None, *, least_change: bool) -> int:
    """Write the page of each visit of a folder into another one; give the exit status."""
    from ivproof.commands.each import each_chart
    from ivproof.commands.output import ending_of, write_whole
    from ivproof.render.html import page
    from ivproof.report.page import report as made
    from ivproof.why.why import Explainer

    if output.suffix or output.is_file():
        wrong(f"--output {output}: found {ending_of(output)}, expected a folder for the pages of {folder}")
    profiles = profiles_for(policy, reading)
    explainers = cache(lambda payer: Explainer(*profiles.of(payer)))
    numbers = count(1)

    def one(encounter: Encounter, _: Source) -> int:
        found = made(explainers(profiles.key(encounter.payer)), encounter, least_change=least_change)
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", encounter.id)[:NAMED]
        write_whole(output / f"{next(numbers):03d}-{name}.html", page(found).encode(), f"the visit {encounter.id}")
        return 0

    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        wrong(f"--output {output}: {error.strerror or error}")
    with telling_policy_errors():
        return each_chart([folder], one)


NAMED = 60
"""So many characters of an id stand in the name of a page."""
