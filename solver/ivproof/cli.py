"""The command line: ``ivproof``.

Exit status: 0 when every encounter was read and answered, whatever its status; 1 when an input was refused (the others
are answered all the same); 2 when the command line itself is wrong; 3 when a chart took more work than the limit allows
(the others are answered); 130 when it was interrupted.
"""

from __future__ import annotations

from typing import Annotated

import typer

from ivproof.commands import (
    audit,
    cache,
    checker,
    code,
    deidentify,
    drugs,
    explain,
    exports,
    imports,
    log,
    margins,
    missing,
    new,
    policy,
    proof,
    readings,
    report,
    schema,
    serve,
)
from ivproof.commands.guarding import Guarded

app = typer.Typer(
    name="ivproof",
    cls=Guarded,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they would show what stands in a chart
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Codes infusion visits from the chart by the written policy.",
    epilog="Exit status: 0 all answered, 1 an input was refused (the others are answered), 2 wrong command line, "
    "3 a chart took more work than --limit allows, 130 interrupted.",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"ivproof {version('ivproof')}")
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that belong to no command."""


app.command("code")(code.code)
app.command("audit")(audit.audit)
app.command("why")(explain.why)
app.command("whynot")(explain.whynot)
app.command("explain")(explain.explain)
app.command("margins")(margins.margins)
app.command("missing")(missing.missing)
app.command("prove")(proof.prove)
app.command("check")(proof.check)
app.command("checker")(checker.checker)
app.command("deidentify")(deidentify.deidentify)
app.command("new")(new.new)
app.command("report")(report.report)
app.command("serve")(serve.serve)
app.command("cache")(cache.cache)
app.add_typer(imports.app, name="import")
app.add_typer(log.app, name="log")
app.add_typer(exports.app, name="export")
app.add_typer(drugs.app, name="drugs")
app.add_typer(schema.app, name="schema")
app.add_typer(readings.app, name="readings")
app.add_typer(policy.app, name="policy")
