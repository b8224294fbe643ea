"""``ivproof log``: the log of decisions that `serve --decision-log` writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ivproof.commands.common import REFUSED, say, show, wrong
from ivproof.commands.guarding import Commands
from ivproof.formats.plain import plain

if TYPE_CHECKING:
    from ivproof.serve.log import DecisionLog

app = typer.Typer(
    cls=Commands, no_args_is_help=True, help="The log of decisions that [bold]serve --decision-log[/] writes."
)


@app.callback()
def log() -> None:
    """Take the options that belong to no command."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The log.", show_default=False)],
    noted: Annotated[
        str | None,
        typer.Option(
            "--noted",
            metavar="HASH",
            help="A hash that was noted before: some line has to have it, so that nothing up to there was changed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check that no line of a log was changed, taken out or put between.

    Whoever may write the file can write another whole one: note the hash of the last line elsewhere, and ask for it by
    --noted. Exit status: 0 when the chain holds, 1 when it does not, 2 when the command line is wrong.
    """
    from ivproof.serve.log import LogError
    from ivproof.serve.log import verify as check

    try:
        with file.open("rb") as stream:
            found = check(_lines(stream), noted)
    except OSError as error:
        wrong(f"cannot read {file}: {error.strerror or error}")
    except LogError as error:
        say(f"{file}: {error}")
        raise typer.Exit(REFUSED) from None
    when = f", {found.begins} to {found.ends}" if found.count else ""
    show(plain(f"{found.count} decision{'' if found.count == 1 else 's'}{when}"), plain(f"last line {found.last}"))


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Give lines; of one that is longer than any of a log no more than its beginning, which is none."""
    from ivproof.serve.log import LONGEST

    while line := stream.readline(LONGEST + 1):
        yield line


def opened(path: Path) -> DecisionLog:
    """Open a log to go on with, or begin one that is its owner's alone; end the command where that cannot be done."""
    import os

    from ivproof.commands.output import create, lock, open_own
    from ivproof.serve.log import DecisionLog, LogError
    from ivproof.serve.log import verify as check

    try:
        try:
            stream = create(path)
        except FileExistsError:
            stream = open_own(path, os.O_RDWR)
        lock(stream, path, path)
        after = check(_lines(stream))
    except OSError as error:
        wrong(f"--decision-log {path}: {error.strerror or error}")
    except LogError as error:
        wrong(f"--decision-log {path}: {error}")

    def write(line: bytes) -> None:
        stream.write(line)
        stream.flush()

    return DecisionLog(write, after)
