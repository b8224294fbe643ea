"""``ivproof drugs``: what the drug list knows of a name or a code."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands.common import REFUSED, emit, emit_json, say, wrong
from ivproof.commands.guarding import Commands
from ivproof.formats.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ivproof.drugs.listing import Match

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Look into the drug list.")


class Format(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSON = "json"


@app.callback()
def drugs() -> None:
    """Look into the drug list."""


@app.command()
def find(
    name: Annotated[str, typer.Argument(metavar="NAME|CODE", help="A drug as a chart writes it, or an HCPCS code.")],
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="Date of service; today where none is given.")] = "",
    form: Annotated[Format, typer.Option("--format", help="table: for people. json: one object.")] = Format.TABLE,
) -> None:
    """Tell what a drug name or a code is taken for: the drug, its kind, brands, routes and codes on a date.

    Exit status: 0 when it is found, 1 when it is not, 2 when the command line is wrong.
    """
    from ivproof.drugs.listing import DrugList
    from ivproof.law.policy import law_folder

    try:
        day = date.fromisoformat(on) if on else date.today()
    except ValueError:
        wrong(f"--on: found {on}, expected a date like 2020-10-05")
    listed = DrugList.load(law_folder() / "drugs")
    match = listed.find(name, day)
    if match is None:
        near = listed.suggest(name)
        say(f"ivproof: {name} is not on the drug list" + (f"; perhaps {', '.join(near)}" if near else ""))
        raise typer.Exit(REFUSED)
    if form is Format.JSON:
        emit_json(_told(match, day))
    else:
        emit("".join(f"{plain(line)}\n" for line in _lines(match, day)))


def _told(match: Match, day: date) -> dict[str, object]:
    """What is known of a match, as plain data."""
    drug, carrier = match.drug, match.carrier
    products = [match.product] if match.product else drug.products
    return {
        "drug": drug.key,
        "name": drug.name,
        "kind": drug.kind,
        "printed": drug.printed,
        "hormonal": drug.hormonal,
        "immunotherapy": drug.immunotherapy,
        "found_as": match.how,
        "spelling": match.spelling,
        "carrier": carrier.drug.key if carrier else None,
        "carrier_ml": float(carrier.ml) if carrier and carrier.ml is not None else None,
        "on": day.isoformat(),
        "products": [
            {
                "product": it.key,
                "brands": list(it.brands),
                "form": it.form,
                "routes": list(it.routes),
                "code": str(code) if (code := it.code_on(day)) else None,
                "printed_code": it.printed_code.hcpcs if it.printed_code else None,
            }
            for it in products
        ],
        "codes_of_its_own": [
            {"way": it.way, "routes": list(it.routes), "codes": list(it.codes)} for it in drug.next_door
        ],
        "notes": list(match.notes),
    }


def _lines(match: Match, day: date) -> Iterator[str]:
    """The same for people."""
    drug, carrier = match.drug, match.carrier
    flags = [name for name in ("printed", "hormonal", "immunotherapy") if getattr(drug, name)]
    yield f"{drug.name} ({drug.key}): {drug.kind.replace('_', ' ')}{''.join(f', {it}' for it in flags)}"
    yield f"  found as {match.how}: {match.spelling}"
    if carrier:
        volume = f", {carrier.ml} ml" if carrier.ml is not None else ""
        yield f"  in {carrier.drug.name}{volume}"
    for it in [match.product] if match.product else drug.products:
        code = it.code_on(day)
        parts = [", ".join(it.brands), it.form or "", " ".join(it.routes), f"{code} on {day}" if code else ""]
        yield f"  {it.key}: {'; '.join(part for part in parts if part) or 'nothing more is known'}"
    for way in drug.next_door:
        yield f"  codes of its own: {way.way.replace('_', ' ')} ({', '.join(way.codes)})"
    yield from (f"  {note}" for note in match.notes)
