"""``ivproof prove`` and ``ivproof check``: a proof of an answer, and the verdict of the second engine on it."""

from __future__ import annotations

import csv
import re
import sys
from contextlib import nullcontext
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ivproof.commands.common import (
    FAULT,
    REFUSED,
    UNDECIDED,
    WRONG,
    LimitOption,
    PolicyOption,
    ReadingOption,
    UncheckedOption,
    basis_for,
    emit_json,
    policy_folder,
    show,
    telling_policy_errors,
    wrong,
)
from ivproof.commands.guarding import forget_output
from ivproof.commands.one import EncounterOption, FileArgument, pick, telling_engine_errors
from ivproof.formats.plain import plain


class VerdictFormat(StrEnum):
    """How a verdict is written."""

    TEXT = "text"
    JSON = "json"


def prove(
    file: FileArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PROOF",
            help="Write here instead of to standard output.",
            show_default=False,
        ),
    ] = None,
    encounter: EncounterOption = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
) -> None:
    """Write a proof of the claim of one chart, which [bold]ivproof check[/] checks without clingo.

    Exit status: 0 when the proof is written, 1 when the chart was refused, 2 when the command line is wrong,
    3 when it took more work than --limit allows, 4 when this program failed.
    """
    from ivproof.commands.output import ending, spare_charts, write_whole

    ending(output, dict.fromkeys((".json", "", ".txt", ".proof"), True))
    spare_charts([file], output)
    chart = pick(file, encounter)
    basis = basis_for(policy, reading, chart.payer)
    from ivproof.claim.coding import Coder
    from ivproof.proof.maker import canonical
    from ivproof.proof.maker import prove as make

    with telling_policy_errors(), telling_engine_errors(chart, basis.policy.settings(basis.readings)):
        document = canonical(make(Coder(*basis), chart))
    write_whole(output, document, f"the proof of {chart.id}")


def check(
    proof: Annotated[str, typer.Argument(metavar="PROOF", help="A proof, or - for standard input.")],
    chart: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The chart that the proof has to be about.", show_default=False),
    ] = None,
    claim: Annotated[
        str | None,
        typer.Option(
            metavar="CODE=UNITS,...",
            help="The claim that has to be proved, and no other: each code with its units; '' for nothing.",
            show_default=False,
        ),
    ] = None,
    published: Annotated[
        bool,
        typer.Option("--published", help="The law has to be the installed edition, and no reading set."),
    ] = False,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The policy to check against, a folder or a file of `policy bundle`; default: the installed one "
            "that the proof names.",
            show_default=False,
        ),
    ] = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Check against the law that the proof itself brings along.")
    ] = False,
    drugs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Compare what is said of drugs with this drug list.", show_default=False),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Look at no more than so many millions of atoms.", show_default="100"),
    ] = None,
    form: Annotated[
        VerdictFormat, typer.Option("--format", help="text: for people. json: an object.")
    ] = VerdictFormat.TEXT,
) -> None:
    """Check a proof with the second engine, which shares no code with the one that made it, and say what it proves.

    Exit status: 0 accepted, 1 rejected, 2 when the command line is wrong, 3 when a limit was met before it was decided,
    4 when this program failed, or its verdict could not be written.
    """
    if embedded and policy is not None:
        wrong("--policy and --embedded exclude each other")
    if published and (embedded or policy is not None):
        wrong("--published asks for the installed policy: it excludes --policy and --embedded")
    from ivproof.recheck.budget import WORK
    from ivproof.recheck.checker import Expected, installed, named_encounter, named_policy, published_digest, read_law
    from ivproof.recheck.checker import check as verdict_on
    from ivproof.recheck.document import LARGEST
    from ivproof.recheck.drugs import Drugs
    from ivproof.recheck.telling import told

    units = None if claim is None else _units(claim)
    try:
        with nullcontext(sys.stdin.buffer) if proof == "-" else Path(proof).open("rb") as file:
            document = file.read(LARGEST + 1)  # one too many tells that there is more
    except (OSError, ValueError) as error:
        wrong(f"cannot read {proof}: {getattr(error, 'strerror', None) or error}")
    try:
        listed = None if drugs is None else Drugs(drugs)
    except (OSError, KeyError, ValueError, csv.Error) as error:
        wrong(f"cannot read {getattr(error, 'filename', None) or drugs}: {getattr(error, 'strerror', None) or error}")
    about = None if chart is None else _chart(chart, named_encounter(document))
    law = digest = None
    if not embedded:
        name = named_policy(document)
        try:
            digest = (published_digest(installed(name)) if name else "") if published else None
            law = read_law(Path(policy_folder(str(policy))) if policy else installed(name)) if policy or name else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
            wrong(f"no law to check against: {why}; name its folder with --policy, or trust the proof's by --embedded")
    verdict = verdict_on(document, law, listed, Expected(about, units, digest), limit * 10**6 if limit else WORK)
    try:
        if form is VerdictFormat.JSON:
            emit_json(verdict.plain(), indent=None)
        else:
            show("\n".join(map(plain, told(verdict))))
    except OSError as error:  # neither "accepted" nor "rejected" may be read from the status where nothing was said
        forget_output(error)
        raise typer.Exit(FAULT) from None
    raise typer.Exit(STATUS[verdict.verdict])


STATUS = {"accepted": 0, "rejected": REFUSED, "undecided": UNDECIDED, "fault": FAULT}


def _units(claim: str) -> dict[str, int]:
    """Read ``96365=1,96366=2``; end the command where it is something else."""
    found: dict[str, int] = {}
    for part in claim.split(",") if claim else ():
        written = re.fullmatch(r"\s*([0-9A-Z]{5})\s*=\s*([1-9][0-9]{0,6})\s*", part)
        if written is None or written[1] in found:
            wrong(f"--claim: found {part!r}, expected codes with their units, each once, such as 96365=1,96366=2")
        found[written[1]] = int(written[2])
    return found


def _chart(file: Path, encounter: str) -> object:
    """The chart of a file, of several the one of that encounter; end the command where there is none."""
    from ivproof.chart.encounter import dumps
    from ivproof.chart.files import scan
    from ivproof.commands.one import pick

    try:
        only = len(list(islice(scan([str(file)]), 2))) == 1
        return dumps(pick(str(file), None if only else encounter))
    except typer.Exit:
        raise typer.Exit(WRONG) from None  # told already; it is not the proof that is refused
