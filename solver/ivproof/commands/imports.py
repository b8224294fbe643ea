"""``ivproof import``: charts from records as they are exported, and an account of every row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivproof.commands.common import REFUSED, output_option, say, show, table, wrong
from ivproof.commands.drugs import CodesOption, codes_of
from ivproof.commands.guarding import Commands
from ivproof.commands.output import ending, spare_charts, write_whole
from ivproof.commands.running import charts as counted

if TYPE_CHECKING:
    from ivproof.chart.refusal import Refusal
    from ivproof.importers.mapping import EventMapping

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Make charts from records as they are exported; every row is used, voided or left out with a reason.",
)

PlaceOption = Annotated[
    str | None,
    typer.Option(
        "--place-of-service",
        metavar="NN",
        help="CMS place-of-service code of the visits of which nothing else says the place.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    output_option("Write the charts here, as JSON Lines."),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write the account here: the sums, what was noticed, and what became of each row.",
        show_default=False,
    ),
]
CheckOption = Annotated[bool, typer.Option("--check", help="Only count; write no charts.")]


@app.command()
def mar(
    events: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EVENTS...",
            help="Tables of administration events, CSV or Parquet, one row an event.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", metavar="NAME", help="A mapping that comes with the package.", show_default=False),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="A mapping of your own, in TOML.", show_default=False)
    ] = None,
    encounters: Annotated[
        str | None,
        typer.Option(
            "--encounters", metavar="FILE", help="A table of the visits: place, diagnoses, payer.", show_default=False
        ),
    ] = None,
    place_of_service: PlaceOption = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone",
            metavar="ZONE",
            help="IANA name of the zone of the house, like America/New_York.",
            show_default=False,
        ),
    ] = None,
    keep_not_given: Annotated[
        bool,
        typer.Option(
            "--keep-not-given",
            help="Keep doses that were charted and not given in the charts, as `done: false`; they decide nothing.",
        ),
    ] = False,
    output: OutputOption = None,
    report: ReportOption = None,
    check: CheckOption = False,
    print_map: Annotated[
        bool, typer.Option("--print-map", help="Print the mapping, to be copied and changed.")
    ] = False,
) -> None:
    """Make charts from lists of administration events (MAR): a state machine for each order.

    Exit status: 0 when all was read, whatever was left out with a reason; 1 when something was refused; 2 when the
    command line is wrong.
    """
    by, text = _mapping(preset, mapping)
    if print_map:
        from ivproof.commands.common import emit

        emit(text)
        return
    if not events:
        wrong("expected one or more tables of events")
    if zone is not None:
        _check_zone(zone)
    _check_place(place_of_service)
    _check_outputs([*events, *([encounters] if encounters else [])], output, report, {"--map": mapping}, check=check)
    from ivproof.importers.events import read_events

    found = read_events(
        events,
        by,
        _drugs(),
        encounters=encounters,
        place_of_service=place_of_service,
        zone=zone,
        keep_not_given=keep_not_given,
        mapped_by=f"preset {preset}" if preset else str(mapping),
    )
    _finish("rows", found.charts, found.report, found.refusals, None if check else output, report)


def _mapping(preset: str | None, file: Path | None) -> tuple[EventMapping, str]:
    from ivproof.importers.mapping import MappingError, load, preset_text, presets

    if (preset is None) == (file is None):
        wrong(f"expected one of --map FILE and --preset NAME ({', '.join(presets())})")
    try:
        if preset is not None:
            text = preset_text(preset)
            return load(text, f"preset {preset}"), text
        assert file is not None
        text = file.read_text("utf-8")
        found = load(text, str(file))
    except MappingError as error:
        wrong(str(error))
    except (OSError, UnicodeDecodeError) as error:
        wrong(f"--map {file}: {getattr(error, 'strerror', None) or 'found no text in UTF-8'}")
    if found.time.zone is not None:
        _check_zone(found.time.zone)
    return found, text


def _check_zone(zone: str) -> None:
    from ivproof.chart.clock import BadTimeError, offsets

    try:
        offsets(0, 730_000, zone)
    except BadTimeError as error:
        wrong(f"--zone {zone}: expected {error}")


def _check_place(code: str | None) -> None:
    if code is not None and not (len(code) == 2 and code.isascii() and code.isdecimal()):
        wrong(f"--place-of-service {code}: expected a CMS code of two digits, such as 22")


def _check_outputs(
    inputs: Sequence[str], output: Path | None, report: Path | None, others: Mapping[str, Path | None], *, check: bool
) -> None:
    if output is None and not check:
        wrong("expected -o FILE for the charts, or --check")
    spare_charts(inputs, output, others, what="an input")
    spare_charts(inputs, report, {**others, "--output": output}, what="an input", option="--report")
    ending(output, dict.fromkeys((".jsonl", ".ndjson", ""), "charts"))


def _drugs() -> Any:
    from ivproof.drugs.listing import DrugList
    from ivproof.law.policy import law_folder

    return DrugList.load(law_folder() / "drugs")


def _finish(
    unit: str,
    charts: Sequence[Mapping[str, Any]],
    told: Mapping[str, Any],
    refusals: Sequence[Refusal],
    output: Path | None,
    report: Path | None,
) -> None:
    """Write what was made, tell the sums, end with the status."""
    for refusal in refusals:
        say(str(refusal))
    if told:
        if output is not None:
            lines = (json.dumps(it, ensure_ascii=False) + "\n" for it in charts)
            write_whole(output, "".join(lines).encode(), counted(len(charts)))
        if report is not None:
            write_whole(report, (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode(), "the account")
        _tell(unit, told)
    raise typer.Exit(REFUSED if refusals else 0)


def _tell(unit: str, told: Mapping[str, Any]) -> None:
    from collections import Counter

    from ivproof.formats.plain import plain

    def reasons(state: str) -> str:
        counted = ", ".join(f"{number} {reason.replace('_', ' ')}" for reason, number in told[state].items())
        return f" ({counted})" if counted else ""

    sums, given = told[unit], told["administrations"]
    show(
        f"{sums['read']} {unit} read: {sums['used']} used, {sums['voided']} voided{reasons('voided')}, "
        f"{sums['left_out']} left out{reasons('left_out')}"
    )
    show(
        f"{given['encounters']} encounters, {given['administrations']} administrations, of them "
        f"{given['of_them_carriers']} carriers; {given['with_pauses']} with pauses, "
        f"{given['without_start']} without a start, {given['without_stop']} without a stop"
    )
    kinds = Counter[str]()
    for finding in told["findings"]:
        kinds[finding["kind"]] += finding["count"]
    if kinds:
        first = {it["kind"]: it for it in reversed(told["findings"])}
        found = table("noticed", "times", "first in", "there")
        for kind in sorted(kinds):
            it = first[kind]
            where = " ".join(str(it[key]) for key in ("encounter", "order", "resource") if key in it)
            found.add_row(kind.replace("_", " "), str(kinds[kind]), plain(where), plain(it["message"]))
        show("", found)
    if unknown := told["drugs_not_found"]:
        show("", f"{len(unknown)} names are no drug of the list; their charts keep them as printed:")
        show("  " + "; ".join(plain(it["printed"]) for it in unknown[:20]) + ("; …" if len(unknown) > 20 else ""))
    if says := told.get("says"):
        show("", plain(says))


@app.command()
def fhir(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="FHIR R4 in JSON: bundles, single resources, NDJSON, folders of them.",
            show_default=False,
        ),
    ],
    place_of_service: PlaceOption = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--map",
            metavar="FILE",
            help="A file in TOML whose table [place_of_service] gives the code of locations (reference, name or type) "
            "and of classes of encounters.",
            show_default=False,
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone", metavar="ZONE", help="IANA name of the zone that dates are dates in.", show_default=False
        ),
    ] = None,
    codes: CodesOption = None,
    output: OutputOption = None,
    report: ReportOption = None,
    check: CheckOption = False,
) -> None:
    """Make charts from FHIR R4: MedicationAdministration and what it refers to.

    Every field has its origin in the report, and how it came: taken, mapped, left out or contradicted. Exit status: 0
    when all was read, whatever was left out with a reason; 1 when something was refused; 2 when the command line is
    wrong.
    """
    if zone is not None:
        _check_zone(zone)
    _check_place(place_of_service)
    _check_outputs(files, output, report, {"--map": mapping, "--codes": codes}, check=check)
    from ivproof.importers.fhir import read_fhir

    places = None if mapping is None else _places(mapping)
    listed = _drugs()
    known = codes_of(codes, listed)
    found = read_fhir(files, listed, place_of_service=place_of_service, places=places, zone=zone, codes=known)
    _finish("resources", found.charts, found.report, found.refusals, None if check else output, report)


def _places(file: Path) -> Mapping[str, str]:
    from ivproof.importers.mapping import MappingError, load_places

    try:
        return load_places(file.read_text("utf-8"), str(file))
    except MappingError as error:
        wrong(str(error))
    except (OSError, UnicodeDecodeError) as error:
        wrong(f"--map {file}: {getattr(error, 'strerror', None) or 'found no text in UTF-8'}")
