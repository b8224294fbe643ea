"""The packet of ``ivproof audit -o packet.pdf``: one claim as something that can be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, NoReturn

import typer

from ivproof.commands.common import REFUSED, say, telling_policy_errors, wrong

if TYPE_CHECKING:
    from ivproof.audit.claims import Claims
    from ivproof.edits.tables import EditFiles
    from ivproof.encounter import Encounter
    from ivproof.packet.model import Packet
    from ivproof.policy import Policy

SHOWN = 5
"""So many encounters are named where one has to be picked."""

PROOF = ".proof.json"
"""What the name of the proof ends in that is written beside a packet as data."""


def write_packet(
    files: Sequence[str],
    wanted: str | None,
    output: Path,
    policy: Policy,
    name: str,
    readings: Mapping[str, str],
    claims: Claims | None,
    edit_files: EditFiles | None,
    *,
    search: bool,
) -> str:
    """Write the packet of one claim; give its verdict. Ends the command where there is none to write.

    A page or a document says how to make the proof; with a packet as data, the proof is written beside it.
    """
    encounter, file = _pick(files, wanted, claims)
    from ivproof.packet.maker import PROOF as PLAIN
    from ivproof.packet.maker import PacketMaker
    from ivproof.reasons.record import RecordError
    from ivproof.second import DisagreementError

    kind = output.suffix.lower()
    proof = output.with_name(output.stem + PROOF) if kind == ".json" else None
    try:
        with telling_policy_errors():
            maker = PacketMaker(policy, readings, edit_files=edit_files, search=search, policy_name=PurePath(name).name)
            packet = maker.make(encounter, file, proof.name if proof else PLAIN)
    except (DisagreementError, RecordError) as error:
        say(f"ivproof: internal error: {error}")
        raise typer.Exit(REFUSED) from error
    if proof is not None:
        _write(proof, packet.proof.content)
    _write(output, _content(packet, kind))
    return packet.verdict


def _content(packet: Packet, kind: str) -> bytes:
    if kind == ".json":
        return (json.dumps(packet.as_dict(), ensure_ascii=False, indent=1) + "\n").encode()
    if kind == ".pdf":
        from ivproof.render.pdf import packet_document

        return packet_document(packet)
    from ivproof.render.html import packet_page

    return packet_page(packet).encode()


def _write(path: Path, content: bytes) -> None:
    from ivproof.commands.output import Output

    try:
        sink = Output(path)
        sink.write(content)
        sink.finish(whole=True)
    except OSError as error:
        wrong(f"--output {path}: {error.strerror or error}")


def _pick(files: Sequence[str], wanted: str | None, claims: Claims | None) -> tuple[Encounter, str]:
    """Read the encounter that is asked for, with its billed lines; and the file that it stands in."""
    from ivproof.chart.consistency import compare_key
    from ivproof.chart.files import scan

    found: list[tuple[Encounter, str]] = []
    problems: list[str] = []
    for sheet in scan(files):
        chart = sheet.chart()
        if chart.encounter is None:
            problems += map(str, chart.refusals)
        elif wanted is None or compare_key(chart.encounter.id) == compare_key(wanted):
            found.append((chart.encounter, sheet.source.file))
    if len(found) != 1 or (problems and wanted is None):
        _tell(", ".join(files), wanted, [it.id for it, _ in found], problems)
    encounter, file = found[0]
    lines = claims.of(encounter.id) if claims else None
    if lines is not None:
        encounter = encounter.model_copy(update={"billed": lines})
    elif "billed" not in encounter.model_fields_set:
        say(
            f"{file}: {encounter.id}: found nothing that was billed, expected `billed` in the chart or lines of --claim"
        )
        raise typer.Exit(REFUSED)
    return encounter, file


def _tell(files: str, wanted: str | None, found: Sequence[str], problems: Sequence[str]) -> NoReturn:
    """Say why no encounter can be picked."""
    for problem in problems:
        say(problem)
    if problems and not found:
        raise typer.Exit(REFUSED)
    if wanted is not None:
        wrong(
            f"--encounter {wanted}: found {len(found) or 'no'} encounter{'s' if len(found) > 1 else ''} with that id "
            f"in {files}, expected one"
        )
    if not found:
        wrong(f"{files}: no chart in it")
    names = ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
    wrong(f"a packet is of one claim; {files} has several encounters, pick one with --encounter: {names}")
