"""``ivproof schema``: JSON Schemas of what goes in and what comes out."""

from __future__ import annotations

import typer

from ivproof.commands.common import emit_json
from ivproof.commands.guarding import Commands
from ivproof.formats.output import schema

app = typer.Typer(
    cls=Commands, no_args_is_help=True, help="Print the JSON Schema of a format; editors check and complete by it."
)


@app.command()
def encounter() -> None:
    """Print the JSON Schema of a chart."""
    from ivproof.chart.encounter import schema

    emit_json(schema())


@app.command()
def tables() -> None:
    """Print the JSON Schema of tables of charts, as lists of rows; `arrow` is the Arrow type of each column."""
    from ivproof.importers.columns import tables_schema

    emit_json(tables_schema())


@app.command()
def case() -> None:
    """Print the JSON Schema of a worked case, of which `policy test` judges many."""
    from ivproof.cases.files import schema

    emit_json(schema())


@app.command()
def mapping() -> None:
    """Print the JSON Schema of a mapping for `import mar`, as it is once its TOML is read."""
    from ivproof.importers.mapping import schema

    emit_json(schema())


@app.command()
def settings() -> None:
    """Print the JSON Schema of the settings, ivproof.toml, as they are once its TOML is read."""
    from ivproof.claim.profiles import schema

    emit_json(schema())


@app.command()
def determination() -> None:
    """Print the JSON Schema of an answer: of each line of `code --format json`."""
    from ivproof.claim.determination import Determination

    emit_json(schema(Determination))


@app.command()
def audit() -> None:
    """Print the JSON Schema of an audit: of each line of `audit --format json`."""
    from ivproof.audit.model import Audit

    emit_json(schema(Audit))


@app.command()
def packet() -> None:
    """Print the JSON Schema of a packet: of what `audit -o packet.json` writes."""
    from ivproof.packet.model import Packet

    emit_json(schema(Packet))


@app.command()
def proof() -> None:
    """Print the JSON Schema of a proof."""
    from ivproof.proof.schema import schema

    emit_json(schema())
