"""``ivproof new``: a chart to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ivproof.commands.common import REFUSED, emit, say, wrong
from ivproof.commands.output import create, ending_of
from ivproof.formats.plain import json_text

SCHEMA = "ivproof-encounter.schema.json"
"""The name of the schema beside a chart."""


def new(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Where to write it; without one it is printed.", show_default=False),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            help=f"Write the JSON Schema of charts beside it as {SCHEMA}, and name it in the first line, by which "
            "editors check and complete.",
        ),
    ] = False,
) -> None:
    """Give a chart with comments that can be coded as it stands, to be changed. No file is replaced."""
    from ivproof.chart.encounter import schema as schema_of
    from ivproof.chart.encounter import template

    if file is None:
        if schema:
            wrong("--schema: found no FILE, expected the chart to write it beside")
        emit(template())
        return
    if file == Path("-"):
        wrong("-: expected the name of a file in .yaml; without one the chart goes to standard output")
    if file.suffix.casefold() not in {".yaml", ".yml"}:
        wrong(f"{file}: found {ending_of(file)}, expected .yaml")
    text = template()
    if schema:
        printed = json_text(json.dumps(schema_of(), ensure_ascii=False, indent=2)) + "\n"
        _create(file.with_name(SCHEMA), printed, again=True)
        text = f"# yaml-language-server: $schema={SCHEMA}\n{text}"
    _create(file, text)


def _create(path: Path, text: str, *, again: bool = False) -> None:
    """Write a file that is not there; `again` allows one that has this text already. End the command otherwise."""
    try:
        with create(path) as stream:
            stream.write(text.encode())
    except FileExistsError:
        if not (again and path.is_file() and path.read_bytes() == text.encode()):
            wrong(f"{path}: found something of that name, which is not replaced; expected another name")
    except OSError as error:
        say(f"ivproof: cannot write {path}: {error.strerror or error}")
        raise typer.Exit(REFUSED) from error
