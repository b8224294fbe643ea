"""The packet of ``ivproof audit -o packet.pdf``: one claim as something that can be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import typer

from ivproof.commands.common import REFUSED, require, say, telling_policy_errors
from ivproof.commands.one import pick_of, telling_engine_errors
from ivproof.formats.plain import json_text

if TYPE_CHECKING:
    from ivproof.audit.auditor import Look
    from ivproof.audit.claims import Claims
    from ivproof.chart.encounter import Encounter
    from ivproof.edits.tables import EditFiles
    from ivproof.law.policy import Policy
    from ivproof.packet.model import Packet

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
    search: Look,
    strict: bool = False,
) -> str:
    """Write the packet of one claim; give its verdict. Ends the command where there is none to write.

    A page or a document says how to make the proof; with a packet as data, the proof is written beside it.
    """
    if output.suffix.lower() == ".pdf":
        require("typst", "a PDF")
    encounter, file = _billed(files, wanted, claims)
    from ivproof.claim.batch import slips
    from ivproof.commands.output import write_whole
    from ivproof.packet.maker import PROOF as PLAIN
    from ivproof.packet.maker import PacketMaker

    kind = output.suffix.lower()
    proof = output.with_name(output.stem + PROOF) if kind == ".json" else None
    with telling_policy_errors(), telling_engine_errors(encounter, policy.settings(readings)):
        maker = PacketMaker(policy, readings, edit_files=edit_files, search=search, policy_name=PurePath(name).name)
        packet = maker.make(encounter, file, proof.name if proof else PLAIN)
    if strict and (doubted := slips(packet.audit.determination)):
        say(f"{file}: {encounter.id}: {doubted}")
        raise typer.Exit(REFUSED)
    if proof is not None:
        write_whole(proof, packet.proof.content)
    write_whole(output, _content(packet, kind))
    return packet.verdict


def _content(packet: Packet, kind: str) -> bytes:
    if kind == ".json":
        return (json_text(json.dumps(packet.as_dict(), ensure_ascii=False, indent=1)) + "\n").encode()
    if kind == ".pdf":
        from ivproof.render.pdf import packet_document

        return packet_document(packet)
    from ivproof.render.html import packet_page

    return packet_page(packet).encode()


def _billed(files: Sequence[str], wanted: str | None, claims: Claims | None) -> tuple[Encounter, str]:
    """Read the encounter that is asked for, with its billed lines; and the file that it stands in."""
    encounter, file = pick_of(files, wanted)
    lines = claims.of(encounter.id) if claims else None
    if lines is not None:
        encounter = encounter.model_copy(update={"billed": lines})
    elif "billed" not in encounter.model_fields_set:
        say(
            f"{file}: {encounter.id}: found nothing that was billed, expected `billed` in the chart or lines of --claim"
        )
        raise typer.Exit(REFUSED)
    return encounter, file
