"""Where answers go: standard output, or a file that has its name only when it is whole; and what Ctrl-C does to it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO, Self, TypeVar

import typer

from ivproof.commands.common import REFUSED, say, wrong

INCOMPLETE = ".incomplete"
"""What a file's name ends in until it is whole."""


class Output:
    """Takes whole lines. A file is written beside its place and renamed at the end.

    With `kept`, so many bytes of a file that an interrupted run left there are kept, and written on. Raises OSError
    where the file cannot be written.
    """

    def __init__(self, path: Path | None, kept: int = 0) -> None:
        self.path = path
        self._kept = kept
        # a device or a pipe cannot be renamed, and has no half-written state that anybody could find
        self.beside = path is not None and (not path.exists() or path.is_file())
        self._stream = self._open()

    def _open(self) -> BinaryIO:
        if self.path is None:
            return sys.stdout.buffer
        if not self._kept:
            return self.written.open("wb")
        stream = self.written.open("r+b")
        stream.truncate(self._kept)
        stream.seek(self._kept)
        return stream

    @property
    def written(self) -> Path:
        """The file that is written to."""
        if self.path is None:
            return Path("-")
        return self.path.with_name(self.path.name + INCOMPLETE) if self.beside else self.path

    def write(self, lines: bytes) -> None:
        """Write whole lines."""
        self._stream.write(lines)

    def flush(self) -> None:
        """Hand on what was written."""
        self._stream.flush()

    def finish(self, *, whole: bool) -> None:
        """Close; give the file its name if it is whole."""
        self._stream.flush()
        if self.path is None:
            return
        self._stream.close()
        if whole and self.beside:
            self.written.replace(self.path)

    def discard(self) -> None:
        """Close, and leave no file where nothing was to be written."""
        if self.path is not None:
            with suppress(OSError):  # where the disk is full, closing fails too
                self._stream.close()
            if self.beside:
                self.written.unlink(missing_ok=True)


T = TypeVar("T")


def ending(output: Path | None, known: Mapping[str, T]) -> T | None:
    """Give what the ending of an output stands for, None without one; end the command where it stands for nothing."""
    if output is None:
        return None
    found = known.get(output.suffix.casefold())
    if found is None:
        *others, last = [it for it in known if it]
        wrong(f"--output {output}: found the ending {output.suffix}, expected {', '.join(others)} or {last}")
    return found


def spare_charts(files: Iterable[str], output: Path | None) -> None:
    """End the command where its output would take the place of a chart."""
    if output is not None and output.is_file() and any(Path(it).is_file() and output.samefile(it) for it in files):
        wrong(f"--output {output}: found one of the charts, which it would replace; expected another name")


def write_whole(path: Path | None, content: bytes) -> None:
    """Write one document to a file, or to standard output; end the command where that cannot be done.

    What could not be written whole leaves no file.
    """
    if path is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        sink = Output(path)
    except OSError as error:
        wrong(f"--output {path}: {error.strerror or error}")
    try:
        sink.write(content)
        sink.finish(whole=True)
    except OSError as error:
        sink.discard()
        say(f"ivproof: cannot write {path}: {error.strerror or error}")
        raise typer.Exit(REFUSED) from error


class Interruption:
    """Makes Ctrl-C wait while a line is written: `KeyboardInterrupt` is raised between lines.

    A second one does not wait.
    """

    def __enter__(self) -> Self:
        self._shielded = False
        self._asked = 0
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked += 1
        if not self._shielded or self._asked > 1:
            raise KeyboardInterrupt

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Finish what is inside before an interruption counts."""
        self._shielded = True
        yield
        self._shielded = False
        if self._asked:
            raise KeyboardInterrupt
