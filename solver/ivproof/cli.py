"""The command line: ``ivproof``.

Exit status: 0 when every encounter was read and answered, whatever its status; 1 when an input was refused (the others
are answered all the same); 2 when the command line itself is wrong; 3 when a chart took more work than the limit allows
(the others are answered); 130 when it was interrupted.
"""

from __future__ import annotations

import gc
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_group

from ivproof.commands.common import SETTINGS, SETTINGS_FILE, wrong
from ivproof.commands.guarding import Guarded

gc.set_threshold(50_000)  # while modules and the law are read next to nothing of what is made is garbage

ANSWER = "Answer charts"
EXPLAIN = "Explain an answer"
DISPUTE = "Prove and dispute"
CARRY = "Bring charts in, and out"
OWN = "Own the policy"

COMMANDS: tuple[tuple[str, str, str, str], ...] = (
    ("code", "code:code", ANSWER, "code charts/ --summary"),
    ("missing", "missing:missing", ANSWER, "missing charts/ --summary"),
    ("new", "new:new", ANSWER, "new visit.yaml"),
    ("serve", "serve:serve", ANSWER, "serve charts/"),
    ("why", "explain:why", EXPLAIN, "why visit.yaml 96375 --rather-than 96376"),
    ("whynot", "explain:whynot", EXPLAIN, "whynot visit.yaml 96361"),
    ("explain", "explain:explain", EXPLAIN, "explain visit.yaml"),
    ("margins", "margins:margins", EXPLAIN, "margins visit.yaml"),
    ("report", "report:report", EXPLAIN, "report visit.yaml -o visit.html"),
    ("audit", "audit:audit", DISPUTE, "audit visit.yaml --for payer -o appeal.pdf"),
    ("prove", "proof:prove", DISPUTE, "prove visit.yaml -o proof.json"),
    ("check", "proof:check", DISPUTE, "check proof.json --chart visit.yaml"),
    ("checker", "checker:checker", DISPUTE, "checker -o checker --pyodide pyodide-314.0.7.tgz"),
    ("deidentify", "deidentify:deidentify", CARRY, "deidentify charts.jsonl --key key -o out.jsonl"),
    ("cache", "cache:cache", OWN, "cache --clear"),
    ("readings", "readings:app", EXPLAIN, ""),
    ("import", "imports:app", CARRY, ""),
    ("export", "exports:app", CARRY, ""),
    ("log", "log:app", CARRY, ""),
    ("schema", "schema:app", CARRY, ""),
    ("policy", "policy:app", OWN, ""),
    ("drugs", "drugs:app", OWN, ""),
)
"""Every command: its name, what it runs and the module of that, its group, and an example of one that stands alone."""


class Waiting(Guarded):
    """The commands by name, each made when it is asked for: the options of all take longer than a chart."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        waiting: dict[str, Any] = dict.fromkeys(name for name, *_ in COMMANDS)
        self.commands = waiting

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command, or None where there is none of that name."""
        for name, run, group, example in COMMANDS:
            if name == cmd_name and self.commands[name] is None:
                self.commands[name] = _made(name, run, group, example)
        return super().get_command(ctx, cmd_name)


def _made(name: str, run: str, group: str, example: str) -> Any:
    module, _, function = run.partition(":")
    found = getattr(import_module(f"ivproof.commands.{module}"), function)
    made = typer.Typer()
    if isinstance(found, typer.Typer):
        made.add_typer(found, name=name, rich_help_panel=group)
    else:
        made.command(name, rich_help_panel=group, epilog=f"Example: ivproof {example}")(found)
    return get_group(made).commands[name]


app = typer.Typer(
    name="ivproof",
    cls=Waiting,
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
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            envvar="IVPROOF_SETTINGS",
            help=f"The settings: policy, readings, profiles of payers. Default: {SETTINGS_FILE} of the working folder, "
            "where there is one.",
            show_default=False,
        ),
    ] = None,
    no_settings: Annotated[bool, typer.Option("--no-settings", help="Use no settings.")] = False,
) -> None:
    """Take the options that belong to no command."""
    if settings is not None and no_settings:
        wrong("--settings: found --no-settings beside it, expected one of them")
    SETTINGS.take(settings, used=not no_settings)
