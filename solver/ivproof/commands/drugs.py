"""``ivproof drugs``: what the drug list knows of a name or a code, and codes of products brought up to date."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands.common import REFUSED, TableOrJson, TableOrJsonOption, emit, emit_json, say, wrong
from ivproof.commands.guarding import Commands
from ivproof.commands.output import replace_whole
from ivproof.formats.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from ivproof.drugs.codes import Codes, Named, ProductCode
    from ivproof.drugs.listing import DrugList, Match

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Look into the drug list.")


CodesOption = Annotated[
    Path | None,
    typer.Option(
        "--codes",
        metavar="FILE",
        help="Codes of products of your own, in the columns of asp/drugs/codes.csv, in place of those of the package.",
        show_default=False,
    ),
]


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        wrong(f"{option}: found {text}, expected a date like 2020-10-05")


@app.callback()
def drugs() -> None:
    """Look into the drug list."""


@app.command()
def find(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|CODE", help="A drug as a chart writes it; an HCPCS code, an NDC, RxNorm and its number."
        ),
    ],
    codes: CodesOption = None,
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="Date of service; today where none is given.")] = "",
    form: TableOrJsonOption = TableOrJson.TABLE,
) -> None:
    """Tell what a drug name or a code is taken for: the drug, its kind, brands, routes and codes on a date.

    Exit status: 0 when it is found, 1 when it is not, 2 when the command line is wrong.
    """
    from ivproof.drugs.listing import DrugList
    from ivproof.law.policy import law_folder

    if not name.strip():
        wrong(f'found "{name}", expected the name of a drug or a code')
    day = _day("--on", on) if on else date.today()
    listed = DrugList.load(law_folder() / "drugs")
    listed = listed.with_codes(codes_of(codes, listed))
    coded: tuple[ProductCode, ...] = ()
    if listed.find(name, day) is None and (named := _named(name)) is not None:
        coded = listed.codes.find(named, day)
        if not coded:
            say(f"ivproof: {named} is not among the codes")
            raise typer.Exit(REFUSED)
        name = str(named)
    match = listed.find(name, day)
    coded = coded or listed.coded(name, day)
    if match is None and coded:
        emit_json(_coded(coded)) if form is TableOrJson.JSON else emit("".join(_code_lines(coded, day)))
    if match is None:
        say(f"ivproof: {name} is not on the drug list{_instead(listed, name, day)}")
        raise typer.Exit(REFUSED)
    if form is TableOrJson.JSON:
        emit_json({**_told(match, day), **_coded(coded)})
    else:
        emit("".join([*_code_lines(coded, day), *(f"{plain(line)}\n" for line in _lines(match, day))]))


@app.command()
def update(
    crosswalk: Annotated[
        Path,
        typer.Option(
            "--asp-crosswalk",
            metavar="FILE",
            help="The NDC-HCPCS crosswalk of the Centers for Medicare & Medicaid Services of a quarter, CSV.",
            show_default=False,
        ),
    ],
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DATE", help="The first day of its quarter.", show_default=False)
    ],
    codes: CodesOption = None,
    write: Annotated[bool, typer.Option("--write", help="Write it; without this it is only shown.")] = False,
) -> None:
    """Tell what a crosswalk changes in the codes of products, and with --write change them.

    What is new begins with the day, what is gone ends the day before, what has other units begins anew; nothing is
    taken away. Exit status: 0, 1 when the codes or the crosswalk cannot be read or written, 2 when the command line is
    wrong.
    """
    from ivproof.drugs.codes import CodeError, read_crosswalk, updated
    from ivproof.drugs.listing import DrugList
    from ivproof.law.policy import law_folder

    day = _day("--as-of", as_of)
    if (day.month % 3, day.day) != (1, 1):
        wrong(f"--as-of: found {as_of}, expected the first day of a quarter, such as {day.year}-04-01")
    listed = DrugList.load(law_folder() / "drugs")
    drug_of = {code.hcpcs: drug.key for drug in listed for product in drug.products for code in product.codes}
    try:
        found = read_crosswalk(crosswalk.read_bytes(), day, drug_of)
        change = updated(codes_of(codes, listed, begin=True), found, day)
    except CodeError as error:
        say(f"ivproof: {crosswalk}: expected {error}")
        raise typer.Exit(REFUSED) from error
    except OSError as error:
        wrong(f"--asp-crosswalk {crosswalk}: {error.strerror or error}")
    for mark, some in (("+", change.added), ("-", change.ended)):
        for it in some[:SHOWN]:
            emit(plain(f"{mark} {it.named}  {it.hcpcs}  {it.name}  {_units(it)}") + "\n")
        if len(some) > SHOWN:
            emit(f"{mark} and {len(some) - SHOWN} more\n")
    for old, new in change.changed[:SHOWN]:
        emit(plain(f"~ {new.named}  {new.hcpcs}  {new.name}  {_units(old)}, now {_units(new)}") + "\n")
    emit(f"{len(change.added)} begin, {len(change.ended)} end, {len(change.changed)} have other units\n")
    if write:
        target = codes or law_folder() / "drugs" / "codes.csv"
        try:
            replace_whole(target, change.codes.text().encode())
        except OSError as error:
            say(f"ivproof: cannot write {target}: {error.strerror or error}; --codes names another file")
            raise typer.Exit(REFUSED) from error


SHOWN = 20
"""So many changes of a kind are shown one by one."""


def _units(it: ProductCode) -> str:
    return f"{it.units or '?'} units a container, {it.package_units or '?'} a package"


def _named(text: str) -> Named | None:
    """Read a code; end the command where it may be several."""
    from ivproof.drugs.codes import CodeError, read_code

    try:
        return read_code(text)
    except CodeError as error:
        say(f"ivproof: found {text}, expected {error}")
        raise typer.Exit(REFUSED) from error


def codes_of(file: Path | None, listed: DrugList, *, begin: bool = False) -> Codes:
    """Read the codes that come with the package, or those of a file; end the command where that cannot be read.

    With `begin`, a file that is not there has none yet.
    """
    from ivproof.drugs.codes import CODES, Codes
    from ivproof.drugs.files import DrugListError
    from ivproof.formats.plain_file import FileError
    from ivproof.law.policy import law_folder

    if begin and file is not None and not file.exists():
        return Codes(())
    try:
        return Codes.load(file or law_folder() / "drugs" / CODES, (it.key for it in listed))
    except DrugListError as error:
        for problem in error.problems[:SHOWN]:
            say(str(problem))
        raise typer.Exit(REFUSED) from error
    except (OSError, FileError) as error:
        wrong(f"--codes {file}: {getattr(error, 'strerror', None) or error}")


def _instead(listed: DrugList, name: str, day: date) -> str:
    """Why a name is not found, or what may be meant."""
    if differ := listed.differ(name, day):
        return f": {differ[0]} and {differ[1]} are not the same"
    if why := listed.code_unknown(name, day):
        return f": {why}"
    near = listed.suggest(name)
    return f"; perhaps {', '.join(near)}" if near else ""


def _coded(codes: Sequence[ProductCode]) -> dict[str, object]:
    """What a code stands for, as plain data; nothing where the drug was found by another name."""
    if not codes:
        return {}
    return {
        "codes": [
            {
                "system": it.named.system,
                "code": it.named.code,
                "name": it.name,
                "hcpcs": it.hcpcs or None,
                "units": _number(it.units),
                "package_units": _number(it.package_units),
                "valid_from": it.begin.isoformat() if it.begin else None,
                "first_seen": it.begin_unknown,
                "valid_to": it.end.isoformat() if it.end else None,
                "source": it.source,
            }
            for it in codes
        ]
    }


def _number(it: Decimal | None) -> int | float | None:
    return None if it is None else int(it) if it == int(it) else float(it)


def _code_lines(codes: Sequence[ProductCode], day: date) -> Iterator[str]:
    """The same for people."""
    for it in codes:
        code = f", {it.hcpcs}, {_units(it)}" if it.hcpcs else ""
        gone = "" if it.holds(day) else f"; not on {day}"
        yield plain(f"{it.named}: {it.name}{code} ({it.days or 'no days known'}{gone}; {it.source})") + "\n"


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
    how = "code" if match.how in ("ndc", "rxnorm") else match.how
    yield f"  found as {how}: {match.spelling}"
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
