"""The command line as a whole: how its help is laid out, and how it ends, which is never with a traceback.

What a traceback shows could stand in a chart, and nobody who codes visits reads one.
"""

from __future__ import annotations

import os
import sys
from inspect import cleandoc
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from ivproof.commands.common import FAULT, INTERRUPTED, REFUSED, say

TRACEBACK = "IVPROOF_TRACEBACK"
"""The variable of the environment that, where it is set, lets errors of this program through as Python shows them."""


class Commands(TyperGroup):
    """Commands whose help is as wide as the terminal, and not as the lines of the source."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command, its help without the line breaks inside paragraphs."""
        found = super().get_command(ctx, cmd_name)
        if found is not None and found.help:
            paragraphs = cleandoc(found.help).split("\n\n")
            found.help = "\n\n".join(" ".join(it.split()) for it in paragraphs)
        return found


class Guarded(Commands):
    """The commands, with every error that none of them foresees told in one line."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command; what cannot be written ends it with status 1, an error of this program with 4."""
        if sys.stdout is None:  # closed by the shell
            sys.stdout = _unwritable()
        try:
            try:
                return super().main(*args, **extra)
            finally:
                sys.stdout.flush()  # here, where it can be told that it fails, and not when Python ends
        except OSError as error:
            forget_output(error)
        except Exception as error:
            if os.environ.get(TRACEBACK):
                raise
            from ivproof.engine.faults import place_of

            say(f"ivproof: internal error: {place_of(error)} ({TRACEBACK}=1 shows where it comes from)")
            sys.exit(FAULT)
        sys.exit(REFUSED)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; where Ctrl-C ends one that has no word of its own for it, say that it did."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("ivproof: interrupted")
            raise typer.Exit(INTERRUPTED) from None


def _unwritable() -> TextIO:
    """A stream on which writing fails with an OSError, as on one that the system closed."""
    return TextIOWrapper(os.fdopen(os.open(os.devnull, os.O_RDONLY), "wb"), encoding="utf-8")


def forget_output(error: OSError) -> None:
    """Say what cannot be written, and let it go, so that Python does not try again when it ends."""
    if not isinstance(error, BrokenPipeError):  # else nobody reads on, and nobody needs to be told
        say(f"ivproof: {error.filename or 'cannot write standard output'}: {error.strerror or error}")
    with Path(os.devnull).open("w") as nowhere:
        try:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        except (OSError, ValueError):  # no stream of the system, as in tests
            return
