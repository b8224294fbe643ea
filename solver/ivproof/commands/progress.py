"""How far a long run has come, on standard error where that is a terminal that does not show the answers themselves."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING, Self

from ivproof.commands.common import say
from ivproof.formats.plain import plain

if TYPE_CHECKING:
    from rich.progress import Progress

FROM = 50
"""So many charts are done before anything is shown: a few take no time."""


class Counter:
    """Counts charts, and lets lines be written without disturbing what it shows."""

    def __init__(self, *, hidden: bool) -> None:
        """Count; `hidden` where answers go to the terminal themselves."""
        self.done = 0
        self._begun = monotonic()
        self._hidden = hidden or not sys.stderr.isatty()
        self._shown: Progress | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def advance(self) -> None:
        """Count one more."""
        self.done += 1
        if self._shown is None and self.done >= FROM and not self._hidden:
            self._shown = self._show()
        if self._shown is not None:
            rate = f"{self.done / (monotonic() - self._begun):,.0f} a second"
            self._shown.update(self._shown.tasks[0].id, completed=self.done, rate=rate)

    def _show(self) -> Progress:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        done, rate = TextColumn("{task.completed:,.0f} charts"), TextColumn("{task.fields[rate]}")
        console = Console(stderr=True)
        shown = Progress(SpinnerColumn(), done, rate, TimeElapsedColumn(), console=console, refresh_per_second=5)
        shown.add_task("", total=None, rate="")
        return self._open.enter_context(shown)

    def say(self, line: str) -> None:
        """Write a line to standard error."""
        if self._shown is None:
            say(line)
            return
        from rich.text import Text

        self._shown.console.print(Text(plain(line)), soft_wrap=True)
