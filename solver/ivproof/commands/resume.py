"""Going on with a run that was cut short: what it has written whole is kept where the charts are the same still.

A run leaves its lines in a file whose name ends in .incomplete. Beside it stands what it was asked, and of each chart,
before its line is written, its id, its digest and the line's hash. Lines are written in the order
of the charts, so the last ones may be cut: these are made again, and so is all from the first chart that has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ivproof.commands.output import beside, incomplete, open_own

if TYPE_CHECKING:
    from ivproof.chart.files import AnySheet


class ResumeError(ValueError):
    """A run that cannot be gone on with; the message says why."""


class Written(NamedTuple):
    """What a run has written of one encounter: its verdict, where in the file it ends, and the hash of it."""

    encounter: str
    verdict: str
    end: int
    hash: str


class Noted(NamedTuple):
    """A chart that a run has come to: its id, its digest, and the hash of what was written of it, if anything was."""

    encounter: str
    digest: str
    written: str


@dataclass
class Done:
    """What a run that was cut short has written whole; `head` bytes stand before the first record."""

    records: list[Written] = field(default_factory=list)
    head: int = 0

    @property
    def encounters(self) -> list[str]:
        """The encounters, in their order."""
        return [it.encounter for it in self.records]

    @property
    def verdicts(self) -> Counter[str]:
        """How often each verdict was given."""
        return Counter(it.verdict for it in self.records)

    @property
    def size(self) -> int:
        """How many bytes are whole."""
        return self.records[-1].end if self.records else self.head


class Notes:
    """What is noted beside an incomplete output, in the note that lies there. Raises OSError."""

    def __init__(self, written: Path, asked: Mapping[str, Any], noted: Sequence[Noted] = ()) -> None:
        self._path = beside(written)
        self._again = Counter(it for it in noted if not it.written)
        lines = [json.dumps(asked, sort_keys=True), *map(json.dumps, noted)]
        content = "".join(f"{line}\n" for line in lines).encode()
        self._stream = open_own(self._path, os.O_RDWR)
        if self._stream.read(len(content)) == content:  # what is kept of a run's notes stays as it is
            self._stream.truncate(len(content))
        else:
            self._stream.seek(0)
            self._stream.truncate(0)
            self._stream.write(content)
        self._stream.flush()

    def add(self, encounter: str, digest: str, lines: bytes) -> None:
        """Note a chart, before anything of it is written."""
        it = Noted(encounter, digest, _hash(lines) if lines else "")
        if self._again[it]:  # noted by the run before, and only told again
            self._again[it] -= 1
            return
        self._stream.write(json.dumps(it).encode() + b"\n")
        self._stream.flush()

    def close(self) -> None:
        """Close; the note goes when the output gets its name."""
        self._stream.close()


def read_done(path: Path, asked: Mapping[str, Any], records: Records) -> tuple[Done, list[Noted]]:
    """Read what an incomplete run has done; nothing where there is none. Raises ResumeError."""
    written = incomplete(path)
    if not written.is_symlink() and (not written.exists() or not written.stat().st_size):
        return Done(), []
    try:
        with open_own(beside(written)) as stream:
            first, *lines = stream.read().decode().splitlines()
            before = json.loads(first)
            noted = [Noted(*it) for line in lines if (it := _plain(line)) is not None]
        if not isinstance(before, dict):
            raise ValueError(first)
    except (OSError, ValueError):
        raise ResumeError(f"{beside(written)}: found nothing that says what the run was asked") from None
    # read back as it was written: JSON knows no tuples
    now = json.loads(json.dumps(asked))
    differing = [name for name in now if before.get(name) != now[name]]
    if differing:
        raise ResumeError(f"{written} was begun with another {', another '.join(differing)}; run without --resume")
    try:
        with open_own(written) as stream:
            return records(stream), noted
    except (OSError, ValueError) as error:
        raise ResumeError(f"{written}: {getattr(error, 'strerror', None) or 'it is not what a run leaves'}") from None


def _plain(line: str) -> list[Any] | None:
    """A note as it was written; None for one that is cut."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    fits = isinstance(found, list) and list(map(type, found)) == [str, str, str]
    return found if fits else None


def unchanged(
    sheets: Iterable[AnySheet], done: Done, noted: Sequence[Noted]
) -> tuple[Done, list[Noted], Iterator[AnySheet]]:
    """Compare the charts with those of the run: give what is still so of it, and the charts that are to be answered.

    Charts of which nothing was written are answered again, so that it is told again why.
    """
    from ivproof.chart.encounter import digest

    same: list[Noted] = []
    again: list[AnySheet] = []
    kept = 0
    rest = iter(sheets)
    for it in noted:
        if it.written and [(one.encounter, one.hash) for one in done.records[kept : kept + 1]] != [(it[0], it[2])]:
            break  # noted, and not written, or changed since
        sheet, encounter = None, None
        for sheet in rest:
            encounter = sheet.chart().encounter
            if encounter is not None:
                break
            again.append(sheet)
        if sheet is None or encounter is None:
            break
        if not it.written or (encounter.id, digest(encounter)) != it[:2]:
            again.append(sheet)
        if (encounter.id, digest(encounter)) != it[:2]:
            break
        kept += bool(it.written)
        same.append(it)
    return Done(done.records[:kept], done.head), same, chain(again, rest)


Records = Callable[[Iterable[bytes]], Done]
"""Reads whole records from an incomplete output."""


def json_records(stream: Iterable[bytes]) -> Done:
    """Read JSON Lines, each an audit, as far as they are."""
    done = Done()
    for line in stream:
        try:
            audit = json.loads(line) if line.endswith(b"\n") else None
        except (ValueError, RecursionError):
            break
        if not isinstance(audit, dict):
            break
        encounter, verdict = audit.get("encounter"), audit.get("verdict")
        if not isinstance(encounter, str) or not isinstance(verdict, str):
            break
        done.records.append(Written(encounter, verdict, done.size + len(line), _hash(line)))
    return done


def csv_records(stream: Iterable[bytes]) -> Done:
    """Read rows of a worksheet; those of the last encounter may not be all, and do not count."""
    from ivproof.audit.worksheet import encounter_and_verdict, header

    done = Done()
    at = 0
    last: tuple[str, str] | None = None
    rows = b""
    for n, record in enumerate(_csv_lines(stream)):
        if not n and record != header():
            break
        if n and (found := encounter_and_verdict(record)) != last:
            if last is not None:
                done.records.append(Written(*last, at, _hash(rows)))
            last, rows = found, b""
        at += len(record)
        rows += record
        if not n:
            done.head = at
    return done


def _hash(lines: bytes) -> str:
    return hashlib.sha256(lines).hexdigest()


def _csv_lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines until no quote is open; what is not ended is left out."""
    record = b""
    for line in stream:
        record += line
        if record.count(b'"') % 2 == 0 and record.endswith(b"\r\n"):
            yield record
            record = b""
