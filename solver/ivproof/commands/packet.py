"""The packet of ``ivproof audit -o packet.pdf``: claims as something that can be sent, or decided on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import typer

from ivproof.commands.common import REFUSED, require, say, telling_policy_errors, wrong
from ivproof.commands.one import pick_of, telling_engine_errors
from ivproof.formats.plain import json_text

if TYPE_CHECKING:
    from ivproof.audit.auditor import Look
    from ivproof.audit.claims import Claims
    from ivproof.chart.encounter import BilledLine, Encounter
    from ivproof.claim.profiles import Profiles
    from ivproof.packet.blocks import Document
    from ivproof.packet.model import Packet
    from ivproof.packet.writing import Cover, Edition

PROOF = ".proof.json"
"""What the name of the proof ends in that is written beside a packet as data."""

WORD = ".docx"


@dataclass(frozen=True)
class Wish:
    """What kind of packet is asked for: for whom, of which encounters or of which payer's, with what on its cover."""

    edition: Edition | None = None
    encounters: Sequence[str] = ()
    payer: str | None = None
    cover: Path | None = None


def write_packet(
    files: Sequence[str],
    wish: Wish,
    output: Path,
    profiles: Profiles,
    name: str,
    claims: Claims | None,
    *,
    search: Look,
    strict: bool = False,
) -> tuple[str, ...]:
    """Write the packet of claims; give their verdicts. Ends the command where there is none to write.

    A page or a document says how to make the proof; with a packet as data, the proof is written beside it.
    """
    kind = output.suffix.lower()
    if kind in {".pdf", WORD}:
        require("typst" if kind == ".pdf" else "docx", "a PDF" if kind == ".pdf" else f"a document ({WORD})")
    cover = _cover(wish.cover)
    if kind == ".json" and (wish.edition or wish.cover or len(wish.encounters) > 1 or wish.payer):
        wrong(f"--output {output}: found the data of one packet, expected .pdf, .html or {WORD} for an edition of it")
    picked = _picked(files, wish, claims, several=kind != ".json")
    from ivproof.claim.batch import slips
    from ivproof.commands.output import spare_charts, write_whole
    from ivproof.packet.maker import PROOF as PLAIN
    from ivproof.packet.maker import PacketMaker

    proof = output.with_name(output.stem + PROOF) if kind == ".json" else None
    spare_charts(files, proof, option="the proof beside --output,")

    @cache
    def maker(payer: str | None) -> PacketMaker:
        policy, readings, files = profiles.of(payer)
        return PacketMaker(policy, readings, edit_files=files, search=search, policy_name=PurePath(name).name)

    packets: list[Packet] = []
    for n, (encounter, file) in enumerate(picked, 1):
        beside = proof.name if proof else PLAIN if len(picked) == 1 else f"proof-{n}.json"
        policy, readings, _ = profiles.of(encounter.payer)
        with telling_policy_errors(), telling_engine_errors(encounter, policy.settings(readings)):
            submitted = claims.of_file(encounter.id) if claims else None
            packets.append(maker(profiles.key(encounter.payer)).make(encounter, file, beside, submitted))
        if strict and (doubted := slips(packets[-1].audit.determination)):
            say(f"{file}: {encounter.id}: {doubted}")
            raise typer.Exit(REFUSED)
    if proof is not None:
        write_whole(proof, packets[0].proof.content, "its proof")
        data = json.dumps(packets[0].as_dict(), ensure_ascii=False, indent=1)
        write_whole(output, (json_text(data) + "\n").encode(), "the data of a packet")
    else:
        edition = wish.edition or "internal"
        claims_told = "1 claim" if len(packets) == 1 else f"{len(packets)} claims"
        for_whom = "for the payer" if edition == "payer" else "internal, not to be sent"
        write_whole(output, _content(_written(packets, edition, cover), kind), f"{claims_told}, {for_whom}")
    return tuple(it.verdict for it in packets)


def _written(packets: Sequence[Packet], edition: Edition, cover: Cover | None) -> Document:
    """The document of an edition; what it leaves out is said."""
    from ivproof.packet.writing import NothingToArgueError, document, left_to_payer

    try:
        written = document(packets, edition, cover)
    except NothingToArgueError as error:
        names = ", ".join(it.encounter for it in packets)
        say(f"{names}: {error}; --for internal tells why")
        raise typer.Exit(REFUSED) from None
    if edition == "payer":
        for packet in packets:
            for it in left_to_payer(packet):
                say(f"{packet.encounter}: line {it.number}, {it.billed}, is not contested: {it.heading}")
    return written


def _content(written: Document, kind: str) -> bytes:
    if kind == ".pdf":
        from ivproof.render.pdf import packet_document

        return packet_document(written)
    if kind == WORD:
        from ivproof.render.docx import word_document

        return word_document(written)
    from ivproof.render.html import packet_page

    return packet_page(written).encode()


def _cover(path: Path | None) -> Cover | None:
    if path is None:
        return None
    from ivproof.formats.plain_file import FileError, read_text
    from ivproof.packet.writing import Cover, CoverError

    try:
        return Cover.read(read_text(path))
    except OSError as error:
        wrong(f"--cover {path}: {error.strerror or error}")
    except (CoverError, FileError) as error:
        wrong(f"--cover {path}: {error}")


def _picked(files: Sequence[str], wish: Wish, claims: Claims | None, *, several: bool) -> list[tuple[Encounter, str]]:
    """The encounters of a packet with their billed lines, and the files that they stand in.

    Those that are named; else the only one; else, of several, those with a denied line, which have one payer.
    """
    if wish.encounters:
        return [_billed(*pick_of(files, it), claims) for it in wish.encounters]
    from ivproof.chart.fields import compare_key
    from ivproof.commands.charts import charts_of

    sheets = [] if "-" in files else list(charts_of(files))
    if len(sheets) < 2 or not several:
        return [_billed(*pick_of(files, None), claims)]
    found: list[tuple[Encounter, str]] = []
    problems: list[str] = []
    for sheet in sheets:
        chart = sheet.chart()
        problems += map(str, chart.refusals)
        lines = _lines(chart.encounter, claims) if chart.encounter is not None else None
        if chart.encounter is not None and lines and any(it.denied for it in lines):
            found.append((chart.encounter.model_copy(update={"billed": lines}), sheet.source.file))
    if wish.payer is not None:
        asked = compare_key(wish.payer).casefold()
        found = [it for it in found if compare_key(it[0].payer or "").casefold() == asked]
    for it in problems:
        say(it)
    if problems:
        raise typer.Exit(REFUSED)
    payers = {compare_key(it.payer or "").casefold(): it.payer or "no payer" for it, _ in found}
    if not found and wish.payer is None:
        return [_billed(*pick_of(files, None), claims)]  # which says that one has to be named
    if not found:
        wrong(f"--payer {wish.payer}: found no chart of this payer with a denied line, expected one")
    if len(payers) > 1:
        wrong(f"found denied lines of several payers ({', '.join(sorted(payers.values()))}), expected --payer with one")
    return found


def _lines(encounter: Encounter, claims: Claims | None) -> tuple[BilledLine, ...] | None:
    return (claims.of(encounter.id) if claims else None) or encounter.billed


def _billed(encounter: Encounter, file: str, claims: Claims | None) -> tuple[Encounter, str]:
    """An encounter with its billed lines; ends the command where nothing says what was billed."""
    lines = claims.of(encounter.id) if claims else None
    if lines is not None:
        encounter = encounter.model_copy(update={"billed": lines})
    elif "billed" not in encounter.model_fields_set:
        from ivproof.audit.claims import nothing_billed

        say(f"{file}: {encounter.id}: {nothing_billed(claims, encounter.id)}")
        raise typer.Exit(REFUSED)
    return encounter, file
