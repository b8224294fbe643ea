"""Where answers go: standard output, or a file that has its name only when it is whole; and what Ctrl-C does to it."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn, Self, TypeVar

import typer

from ivproof.commands.common import REFUSED, say, wrong

try:
    import fcntl
except ImportError:  # a system without such locks
    fcntl = None  # type: ignore[assignment]

INCOMPLETE = ".incomplete"
"""What a file's name ends in until it is whole."""

ASKED = ".run"
"""What the name ends in of the note beside an incomplete file: that a run is writing it, and what that was asked."""

PRIVATE = 0o600
"""What is written holds charts, or what follows from them: it is for its owner."""

_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


class Output:
    """Takes whole lines. A file is written beside its place, under a name that no other has, and renamed at the end.

    Beside it lies a note that it is a run's, as long as it is not whole: the next run on the same output replaces what
    one that was killed has left. With `kept`, so many bytes of what it left are kept, and written on. Raises OSError
    where the file cannot be written, or where another run is writing it.
    """

    def __init__(self, path: Path | None, kept: int = 0) -> None:
        self.path = path
        # a device or a pipe cannot be renamed, and has no half-written state that anybody could find
        self.beside = path is not None and (not path.exists() or path.is_file())
        self.written = Path("-") if path is None else path
        """The file that is written to."""
        self.holds = ""
        """What is in it, for the line that says that it was written."""
        self._stream = self._open(kept)

    def _open(self, kept: int) -> BinaryIO:
        if self.path is None:
            return sys.stdout.buffer
        if not self.beside:
            return self.path.open("wb")
        if kept:
            self.written = incomplete(self.path)
            stream = open_own(self.written, os.O_RDWR)
            lock(stream, self.written, self.path)
            self._cut(stream, kept)
        else:
            self.written, stream = _new(self.path)
        return stream

    @staticmethod
    def _cut(stream: BinaryIO, kept: int) -> None:
        stream.truncate(kept)
        stream.seek(kept)

    @property
    def told(self) -> str:
        """What it is called in a message."""
        return "standard output" if self.path is None else str(self.written)

    def write(self, lines: bytes) -> None:
        """Write whole lines."""
        self._stream.write(lines)

    def flush(self) -> None:
        """Hand on what was written."""
        self._stream.flush()

    def begin_again(self) -> None:
        """Forget what was written to a file that has not its name yet."""
        self._stream.flush()
        self._cut(self._stream, 0)

    def finish(self, *, whole: bool) -> None:
        """Close; give the file its name if it is whole."""
        self._stream.flush()
        if self.path is None:
            return
        if whole and self.beside:
            os.fsync(self._stream.fileno())
            if fcntl is not None:  # as long as it is open, it is locked
                self.written.replace(self.path)
        self._stream.close()
        if whole and self.beside:
            if fcntl is None:
                self.written.replace(self.path)
            beside(self.written).unlink(missing_ok=True)
            tell_written(self.path, self.holds, self.path.stat().st_size)

    def leave(self) -> None:
        """Close where no more can be written: what was written stays, if it is anything."""
        if self.path is None:
            return
        with suppress(OSError):  # where the disk is full, closing fails too
            self._stream.close()
        with suppress(OSError):
            if self.beside and not self.written.stat().st_size:
                self._remove()

    def discard(self) -> None:
        """Close, and leave no file where nothing was to be written."""
        if self.path is not None:
            if self.beside:
                self._remove()
            with suppress(OSError):  # where the disk is full, closing fails too
                self._stream.close()

    def _remove(self) -> None:
        # the note last: what lies there without one is somebody else's
        self.written.unlink(missing_ok=True)
        beside(self.written).unlink(missing_ok=True)


def tell_written(path: Path, holds: str, size: int) -> None:
    """Say what was written, where a person looks: what it holds, if that is known, and its bytes."""
    if sys.stderr.isatty():
        amount = f"{size} bytes" if size < KILO else f"{size / KILO:,.0f} KB"
        say(f"ivproof: wrote {path} ({f'{holds}, ' if holds else ''}{amount})")


KILO = 1000
"""Bytes of a kilobyte, in which sizes are told."""


def incomplete(path: Path) -> Path:
    """Give the name under which a run writes a file until it is whole, unless another file has it."""
    return path.with_name(path.name + INCOMPLETE)


def beside(written: Path) -> Path:
    """Give the name of the note beside an incomplete file."""
    return written.with_name(written.name + ASKED)


def create(path: Path) -> BinaryIO:
    """Create a file that is the owner's. Raises FileExistsError where anything has that name, be it a link."""
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, PRIVATE)
    return os.fdopen(number, "r+b")


def _new(path: Path) -> tuple[Path, BinaryIO]:
    """Create a file beside a path. What an interrupted run left is replaced; what else has that name is left alone."""
    for number in count(1):
        first = incomplete(path)
        written = first if number == 1 else first.with_name(f"{first.name}-{number}")
        if _is_of_a_run(written):
            with open_own(written) as left:
                lock(left, written, path)
                written.unlink()
            beside(written).unlink(missing_ok=True)
        elif not written.exists() and _is_note(beside(written)):
            beside(written).unlink()  # of a run that was ended between giving its file its name and removing the note
        if beside(written).is_symlink() or beside(written).exists():
            continue
        try:
            stream = create(written)
        except FileExistsError:
            with suppress(FileNotFoundError), suppress_links(), open_own(written) as other:
                lock(other, written, path)  # somebody else's file may have that name, but no other run
            if number == MOST_NAMES:
                raise
            continue
        try:
            lock(stream, written, path)
            with create(beside(written)) as note:
                note.write(NOTHING_ASKED)
        except OSError as error:
            with suppress(OSError):  # where the disk is full, closing fails too
                stream.close()
            if error.errno != errno.EBUSY:
                written.unlink(missing_ok=True)
                beside(written).unlink(missing_ok=True)
            raise
        return written, stream
    raise AssertionError  # counting has no end


NOTHING_ASKED = b"{}\n"
"""The note beside a file of which nothing has to be known but that a run is writing it."""

MOST_NAMES = 100
"""So many names are tried for a file that is not whole yet."""


def open_own(path: Path, how: int = os.O_RDONLY) -> BinaryIO:
    """Open a file to read, or to change, if it is one: neither a link nor a pipe. Raises OSError."""
    stream: BinaryIO = os.fdopen(os.open(path, how | _FLAGS), "rb" if how == os.O_RDONLY else "r+b")
    if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        return stream
    stream.close()
    raise OSError(errno.EINVAL, "it is no file", str(path))


@contextmanager
def suppress_links() -> Iterator[None]:
    """Pass over what is no file that could be opened; that another run is writing is not passed over."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise


def _is_of_a_run(written: Path) -> bool:
    """Whether a run left the file: it says beside it what it was asked, or was ended before it had written anything."""
    try:
        left = written.lstat()
        return stat.S_ISREG(left.st_mode) and (not left.st_size or stat.S_ISREG(beside(written).lstat().st_mode))
    except OSError:
        return False


def _is_note(path: Path) -> bool:
    """Whether a file says what a run was asked."""
    try:
        with open_own(path) as stream:
            return isinstance(json.loads(stream.readline()), dict)
    except (OSError, ValueError):
        return False


def lock(stream: BinaryIO, written: Path, path: Path) -> None:
    """Take the lock of a file as long as it is open. Raises OSError where another run has it, or has put its own there.

    `path` is the output whose unfinished file it is.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        taken = not os.path.samestat(os.fstat(stream.fileno()), written.lstat())
    except (BlockingIOError, FileNotFoundError):
        taken = True
    except OSError:  # a file system without locks
        return
    if taken:
        raise OSError(errno.EBUSY, "another run is writing it", str(path))


def replace_whole(path: Path, content: bytes, holds: str = "") -> None:
    """Put a document in the place of a path, whole or not at all, and say so with what it `holds`. Raises OSError."""
    sink = Output(path)
    sink.holds = holds
    try:
        sink.write(content)
        sink.finish(whole=True)
    except OSError:
        with suppress(OSError):
            sink.discard()
        raise


@contextmanager
def whole_folder(into: Path) -> Iterator[Path]:
    """Give a new folder to fill, which has its name when all is in it; what was not finished is removed.

    Raises OSError where it cannot be written.
    """
    from tempfile import TemporaryDirectory

    into.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".ivproof-", dir=into.parent) as unfinished:
        folder = Path(unfinished, into.name)
        folder.mkdir()
        yield folder
        folder.rename(into)


T = TypeVar("T")


def ending(output: Path | None, known: Mapping[str, T]) -> T | None:
    """Give what the ending of an output stands for, None without one; end the command where it stands for nothing."""
    if output is None:
        return None
    found = known.get(output.suffix.casefold())
    if found is None:
        *others, last = [it for it in known if it]
        wrong(f"--output {output}: found {ending_of(output)}, expected {', '.join(others)} or {last}")
    return found


def ending_of(path: Path) -> str:
    """Say what the ending of a name is."""
    return f"the ending {path.suffix}" if path.suffix else "no ending"


def spare_charts(
    files: Iterable[str],
    output: Path | None,
    others: Mapping[str, Path | Sequence[Path] | None] | None = None,
    *,
    option: str = "--output",
    what: str = "one of the charts",
) -> None:
    """End the command where its output would take the place of an input, or is ``-``, a file that nobody means.

    `option` names the output, `what` the `files`; `others` are what else is read or written, by the option that it
    came from. A folder of charts is read in whole.
    """
    if output is None:
        return
    if output == Path("-"):
        without = "; what goes to standard output goes there without --output" if option == "--output" else ""
        wrong(f"{option} -: expected the name of a file{without}")
    from ivproof.chart.files import reads

    read = [(what, Path(it)) for it in files if it != "-"]
    for name, some in (others or {}).items():
        read += [(f"the file of {name}", it) for it in ([some] if isinstance(some, Path) else some or ())]
    for words, it in read:
        if _same(output, it) or (output.is_file() and it.is_dir() and reads(it, output)):
            wrong(f"{option} {output}: found {words}, which it would replace; expected another name")


def _same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, be it there or not."""
    with suppress(OSError):
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)  # a link that leads round in a circle, too


def write_whole(path: Path | None, content: bytes, holds: str = "") -> None:
    """Write one document to a file, or to standard output; end the command where that cannot be done.

    What could not be written whole leaves no file; what was written is told with what it `holds`.
    """
    if path is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        replace_whole(path, content, holds)
    except OSError as error:
        not_opened(path, error)


FULL = {getattr(errno, name) for name in ("ENOSPC", "EFBIG", "EDQUOT") if hasattr(errno, name)}
"""Why nothing more can be written where the command line is right."""


def not_opened(path: Path | None, error: OSError) -> NoReturn:
    """End the command where its output cannot be opened, or not be written whole."""
    if error.errno not in FULL:
        wrong(f"--output {path}: {error.strerror or error}")
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
