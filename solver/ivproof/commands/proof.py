"""``ivproof prove`` and ``ivproof check``: a proof of an answer, and the verdict of the second engine on it."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands.common import (
    REFUSED,
    PolicyOption,
    ReadingOption,
    emit_json,
    load_policy,
    read_settings,
    show,
    telling_policy_errors,
    wrong,
)
from ivproof.commands.one import EncounterOption, FileArgument, pick, telling_engine_errors
from ivproof.render.plain import plain

if TYPE_CHECKING:
    from ivproof.recheck.checker import Verdict


class Format(StrEnum):
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
    reading: ReadingOption = None,
) -> None:
    """Write a proof of the claim of one chart, which [bold]ivproof check[/] checks without clingo.

    Exit status: 0 when the proof is written, 1 when the chart was refused, 2 when the command line is wrong.
    """
    by = load_policy(policy)
    readings = read_settings(by, reading or [])
    from ivproof.commands.output import spare_charts, write_whole

    spare_charts([file], output)
    chart = pick(file, encounter)
    from ivproof.coding import Coder
    from ivproof.proof.maker import canonical
    from ivproof.proof.maker import prove as make

    with telling_policy_errors(), telling_engine_errors(chart.id):
        document = canonical(make(Coder(by, readings), chart))
    write_whole(output, document)


def check(
    proof: Annotated[str, typer.Argument(metavar="PROOF", help="A proof, or - for standard input.")],
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder of the policy to check against; default: the installed policy that the proof names.",
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
    form: Annotated[Format, typer.Option("--format", help="text: one line for people. json: an object.")] = Format.TEXT,
) -> None:
    """Check a proof with the second engine, which shares no code with the one that made it.

    Exit status: 0 accepted, 1 rejected, 2 when the command line is wrong.
    """
    if embedded and policy is not None:
        wrong("--policy and --embedded exclude each other")
    from ivproof.recheck.checker import check as verdict_on
    from ivproof.recheck.checker import installed, named_policy, read_law
    from ivproof.recheck.drugs import Drugs

    try:
        document = sys.stdin.buffer.read() if proof == "-" else Path(proof).read_bytes()
        listed = None if drugs is None else Drugs(drugs)
    except (OSError, KeyError) as error:
        wrong(f"cannot read {getattr(error, 'filename', None) or proof}: {getattr(error, 'strerror', None) or error}")
    law = None
    if not embedded:
        name = named_policy(document)
        try:
            law = read_law(policy or installed(name)) if policy or name else {}
        except (OSError, ValueError, KeyError) as error:
            why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
            wrong(f"no law to check against: {why}; name its folder with --policy, or trust the proof's by --embedded")
    verdict = verdict_on(document, law, listed)
    if form is Format.JSON:
        from dataclasses import asdict

        emit_json(asdict(verdict), indent=None)
    else:
        show(_text(verdict))
    raise typer.Exit(0 if verdict.accepted else REFUSED)


def _text(verdict: Verdict) -> str:
    first, *trusted = "accepted" if verdict.accepted else plain(str(verdict)), *verdict.trusted
    return "\n".join([first, *(f"on trust: {plain(it)}" for it in trusted)])
