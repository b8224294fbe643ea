r"""Charts from files, folders and streams: YAML, JSON and JSON Lines, one chart or many, plain or gzipped.

`read` gives what became of every chart, in order. It holds in memory one chart of a JSON Lines file, one
document of a YAML file, the whole text of a JSON file. Where several processes check charts, `scan` gives
the sheets in one, `Sheet.chart` checks them in the others, and `UniqueIds` finds ids that come twice.

>>> from io import BytesIO
>>> lines = BytesIO(b'{"id": "A", "place_of_service": "22", "date": "2020-10-05"}\n{"id": \n')
>>> for chart in read(["-"], lines):
...     print(chart.encounter.id if chart.encounter else chart.refusals[0])
A
standard input:2: found text that is not JSON: Expecting value at column 7, expected a chart in JSON
"""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple, Protocol, cast

from ivproof.chart.fields import compare_key
from ivproof.chart.reading import Chart, parse
from ivproof.chart.refusal import Place, Problem, Refusal, Source, UnreadableError, refuse, show
from ivproof.chart.strict_json import decode, read_line, read_text
from ivproof.chart.written import in_format
from ivproof.chart.yaml12 import read_documents

STDIN = "-"
"""Stands for standard input among the paths."""

STDIN_NAME = "standard input"

_EXPECTED_FILE = "a chart file, a folder with charts, or - for standard input"


class Sheet(NamedTuple):
    """One chart as found, not yet checked; it can be sent to another process.

    `content` is plain data, or one line of JSON Lines, or None where `problems` leave nothing to check.
    """

    source: Source
    content: object
    lines: Mapping[Place, int] | None = None
    problems: tuple[Problem, ...] = ()

    def data(self) -> tuple[object, tuple[Problem, ...]]:
        """Give what stands there as plain data, and what is wrong with it; None where there is nothing to check."""
        if not isinstance(self.content, bytes):
            return self.content, self.problems
        try:
            return read_line(self.content)
        except UnreadableError as wrong:
            return None, (wrong.problem,)

    def chart(self) -> Chart:
        """Check the chart."""
        content, problems = self.data()
        if content is None and problems:
            return Chart(self.source, None, tuple(refuse(self.source, problem) for problem in problems))
        return parse(in_format(content), self.source, self.lines, problems)


class AnySheet(Protocol):
    """One chart as found, wherever: in a file, in rows of tables, in the memory of a program."""

    @property
    def source(self) -> Source:
        """Where it came from."""

    def chart(self) -> Chart:
        """Check the chart."""


class UniqueIds:
    """Refuses an encounter whose id an earlier one of the same batch has."""

    def __init__(self) -> None:
        """Begin a batch."""
        self._seen: set[int] = set()  # of hashes: 100,000 ids take 8 MB

    def check(self, chart: Chart) -> Chart:
        """Give the chart back, refused if its id is not its own."""
        if chart.encounter is None:
            return chart
        repeated = self.repeated(chart.source, chart.encounter.id)
        return chart if repeated is None else Chart(chart.source, None, (repeated,))

    def repeated(self, source: Source, name: str) -> Refusal | None:
        """Take note of the id of an encounter; refuse it if an earlier one has it."""
        key = hash(compare_key(name))
        if key not in self._seen:
            self._seen.add(key)
            return None
        problem = Problem(("id",), show(name), "an id that no earlier encounter of the batch has")
        return refuse(source, problem, encounter=name)


def read(paths: Iterable[str | Path], stdin: Iterable[bytes | str] | None = None) -> Iterator[Chart]:
    """Read and check the charts of files, of folders and all below them, and of standard input (``-``).

    Nothing that stands in an input raises: what cannot be used is refused, and the rest is answered.
    """
    ids = UniqueIds()
    for sheet in scan(paths, stdin):
        yield ids.check(sheet.chart())


def scan(paths: Iterable[str | Path], stdin: Iterable[bytes | str] | None = None) -> Iterator[Sheet]:
    """Find the charts of files, folders and standard input, in order and without checking them.

    In a folder these are the files with a known ending, sorted, but no hidden ones. A file that is named
    itself may have any ending: its content decides. `stdin` may be a stream or lines, of bytes or of text.
    """
    for path in paths:
        if str(path) == STDIN:
            stream = sys.stdin if stdin is None else stdin
            yield from _scan_lines(getattr(stream, "buffer", stream), STDIN_NAME, _guess)
        elif path == "":  # a variable of a script that is not set; as a path it would be the folder one stands in
            yield _nothing('""', "no name of a file", _EXPECTED_FILE)
        else:
            yield from _scan_path(Path(path))


# --- Files

Reader = Callable[[Iterator[bytes], str], Iterator[Sheet]]


def _scan_path(path: Path) -> Iterator[Sheet]:
    """Give the sheets of a file, or of all files of a folder."""
    try:
        if path.is_dir():
            files, closed = _charts_below(path)
            for file in files:
                yield from _scan_path(file)
            for wrong in closed:
                yield _nothing(str(wrong.filename), wrong.strerror or "an unreadable folder", "a folder to read")
            if not files and not closed:
                yield _nothing(str(path), "a folder without charts", f"files ending in {', '.join(_READERS)}")
            return
        with _open(path) as stream:
            yield from _scan_lines(stream, str(path), _READERS.get(_ending(path), _guess))
    except FileNotFoundError:
        yield _nothing(str(path), "no such file", _EXPECTED_FILE)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        yield _nothing(str(path), "a damaged gzip file", "a whole one")
    except OSError as wrong:
        yield _nothing(str(path), wrong.strerror or "an unreadable file", _EXPECTED_FILE)


def _open(path: Path) -> IO[bytes]:
    try:
        return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
    except ValueError:  # a null character, which no path can have
        raise FileNotFoundError from None


def _scan_lines(stream: Iterable[bytes | str], file: str, reader: Reader) -> Iterator[Sheet]:
    """Give the sheets of one file; what is wrong with the file as a whole is a sheet too."""
    none = True
    try:
        for sheet in reader(_utf8(stream), file):
            none = False
            yield sheet
    except UnreadableError as wrong:
        yield _unreadable(file, wrong)
    else:
        if none:
            yield _nothing(file, "an empty file", "at least one chart")


def _utf8(stream: Iterable[bytes | str]) -> Iterator[bytes]:
    """Give lines of bytes, without the mark that some systems put before UTF-8."""
    for number, line in enumerate(stream):
        raw = line.encode(errors="surrogatepass") if isinstance(line, str) else line
        if number == 0:
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise UnreadableError("text in UTF-16", "text in UTF-8")
            if raw.startswith(b"\x1f\x8b"):
                raise UnreadableError("gzipped text", "plain text, or a file whose name ends in .gz")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        yield raw


def _charts_below(folder: Path) -> tuple[list[Path], list[OSError]]:
    """List the files below a folder that have a known ending, but nothing hidden; and why folders cannot be read."""
    closed: list[OSError] = []
    found: list[Path] = []
    for at, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(at).relative_to(folder)
        found += [below / name for name in names if not name.startswith(".") and _ending(Path(name)) in _READERS]
    files = [folder / path for path in sorted(found) if _is_file(folder / path)]
    return files, sorted(closed, key=lambda wrong: str(wrong.filename))


def reads(folder: Path, file: Path) -> bool:
    """Whether a file is among those that are read where the folder is given."""
    try:
        below = Path(os.path.realpath(file)).relative_to(os.path.realpath(folder))
    except ValueError:
        return False
    return _ending(file) in _READERS and not any(name.startswith(".") for name in below.parts)


def _is_file(path: Path) -> bool:
    """Whether a path is a file; one that cannot be looked at is refused when it is opened."""
    try:
        return path.is_file()
    except OSError:
        return True


def _ending(path: Path) -> str:
    return (Path(path.stem) if path.suffix == ".gz" else path).suffix.lower()


def _unreadable(file: str, wrong: UnreadableError) -> Sheet:
    return Sheet(Source(file, wrong.line), None, problems=(wrong.problem,))


def _nothing(file: str, found: str, expected: str) -> Sheet:
    return _unreadable(file, UnreadableError(found, expected))


# --- Formats


def _yaml(lines: Iterator[bytes], file: str) -> Iterator[Sheet]:
    for part in read_documents(lines):
        if isinstance(part, UnreadableError):
            yield _unreadable(file, part)
        else:
            source = Source(file, part.lines[()], part.item)
            yield Sheet(source, part.data, part.lines, part.problems)


def _json_lines(lines: Iterator[bytes], file: str) -> Iterator[Sheet]:
    for number, line in enumerate(lines, start=1):
        if not line.isspace():
            yield Sheet(Source(file, number), line.rstrip())


def _json(lines: Iterator[bytes], file: str) -> Iterator[Sheet]:
    text = decode(b"".join(lines))
    line, counted = 1, 0
    for item, at, (data, problems) in read_text(text):
        line, counted = line + text.count("\n", counted, at), at
        yield Sheet(Source(file, line, item), data, problems=problems)


def _guess(lines: Iterator[bytes], file: str) -> Iterator[Sheet]:
    """Tell JSON, JSON Lines and YAML apart by the first two lines that are not blank."""
    held: list[bytes] = []
    telling: list[bytes] = []
    for line in lines:
        held.append(line)
        if not line.isspace():
            telling.append(line.strip())
        if len(telling) == 2:
            break
    text = b"\n".join(telling)
    reader = _yaml
    # YAML may begin with a brace too, but hardly with a name in quotation marks behind it
    if text.startswith((b"{", b"[")) and text.lstrip(b"{[ \t\n").startswith((b'"', b"}", b"]")):
        reader = _json_lines if _is_one_a_line(*telling) else _json
    yield from reader(chain(held, lines), file)


def _is_one_a_line(first: bytes, second: bytes = b"{") -> bool:
    """Tell whether the first line is a whole object, or was meant as one before another."""
    if not first.startswith(b"{"):
        return False
    try:
        read_line(first)
    except UnreadableError:
        return first.endswith(b"}") and second.startswith(b"{")
    return True


_READERS: dict[str, Reader] = {
    ".yaml": _yaml,
    ".yml": _yaml,
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
