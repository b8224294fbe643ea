"""Text for a terminal or a file from what rich lays out: never narrower than can be read, no blanks at line ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from ivproof.formats.plain import plain

NARROWEST = 60
"""Columns that are taken even where the terminal says it has fewer, or none at all: rich would cut codes and counts."""

OF_FILE = 120
"""Columns of what is written to a file."""

FAINT = "bright_black"


def console_of(file: TextIO | None) -> Console:
    """Give the console of a terminal or pipe, or that of a file, which has neither a width nor colours of its own.

    Nothing that is printed there is taken for markup, emoji or something to highlight.
    """
    if file is None:
        return Console(width=OF_FILE, no_color=True, force_terminal=False, highlight=False, emoji=False, markup=False)
    found = Console(file=file, highlight=False, emoji=False, markup=False)
    found.width = max(found.width, NARROWEST)
    return found


def printed(console: Console, parts: Iterable[RenderableType]) -> str:
    """Give parts as the console would print them, without the blanks that fill its lines."""
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().split("\n")[:-1])


def visible(text: str) -> Text:
    """Text from a chart as it stands: no character in it is obeyed."""
    return Text(plain(text))


def heading(title: str) -> Text:
    """The title of a part, after an empty line."""
    return Text(f"\n{title}", "bold")


def indented(part: RenderableType, by: int = 2) -> Padding:
    """A part as far to the right as what stands under a title."""
    return Padding(part, (0, 0, 0, by), expand=False)
