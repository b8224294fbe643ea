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
    complete_reading,
    load_policy,
    read_settings,
    say,
    telling_policy_errors,
    wrong,
)
from ivproof.render.plain import plain

if TYPE_CHECKING:
    from ivproof.encounter import Encounter
    from ivproof.recheck.checker import Verdict


class Format(StrEnum):
    """How a verdict is written."""

    TEXT = "text"
    JSON = "json"


def prove(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A chart: YAML, JSON or JSON Lines, or - for standard input.")
    ],
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
    policy: PolicyOption = "out001",
    reading: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUESTION=OPTION",
            help="Settle an open question: A9=B or tie_break=first; =open tries every option. Can be repeated.",
            autocompletion=complete_reading,
            show_default=False,
        ),
    ] = None,
    encounter: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Which encounter, where the file has several.", show_default=False),
    ] = None,
) -> None:
    """Write a proof of the claim of one chart, which [bold]ivproof check[/] checks without clingo.

    Exit status: 0 when the proof is written, 1 when the chart was refused, 2 when the command line is wrong.
    """
    by = load_policy(policy)
    readings = read_settings(by, reading or [])
    found = _encounter(file, encounter)
    from ivproof.coding import Coder
    from ivproof.commands.output import Output
    from ivproof.proof.maker import canonical
    from ivproof.proof.maker import prove as make

    with telling_policy_errors():
        document = canonical(make(Coder(by, readings), found))
    try:
        sink = Output(output)
        sink.write(document)
        sink.finish(whole=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        wrong(f"--output {output}: {error.strerror or error}")


def _encounter(file: str, wanted: str | None) -> Encounter:
    from ivproof.chart.files import read

    charts = list(read([file]))
    found = [it.encounter for it in charts if it.encounter and wanted in {None, it.encounter.id}]
    if len(found) == 1 and (wanted is not None or len(charts) == 1):
        return found[0]
    refusals = [refusal for it in charts for refusal in it.refusals]
    if found or (charts and not refusals):
        names = ", ".join(it.encounter.id for it in charts[:10] if it.encounter)
        asked = (
            f"no encounter {wanted}" if wanted is not None else f"{len(charts)} encounters; name one with --encounter"
        )
        wrong(f"{file} has {asked}: {names}")
    for refusal in refusals:
        say(str(refusal))
    raise typer.Exit(REFUSED)


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
            wrong(
                f"no law to check against: {error}; name its folder with --policy, or trust the proof's with --embedded"
            )
    verdict = verdict_on(document, law, listed)
    typer.echo(_json(verdict) if form is Format.JSON else _text(verdict))
    raise typer.Exit(0 if verdict.accepted else REFUSED)


def _text(verdict: Verdict) -> str:
    first, *trusted = "accepted" if verdict.accepted else plain(str(verdict)), *verdict.trusted
    return "\n".join([first, *(f"on trust: {plain(it)}" for it in trusted)])


def _json(verdict: Verdict) -> str:
    import json
    from dataclasses import asdict

    return json.dumps(asdict(verdict), ensure_ascii=False)
