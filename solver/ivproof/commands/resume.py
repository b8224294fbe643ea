"""Going on with a run that was cut short: what it has written whole is kept, and what it was asked must be the same.

A run leaves its lines in a file whose name ends in .incomplete, and beside it what it was asked. Lines are written in
the order of the charts, so the last ones may be cut; they are dropped and made again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivproof.chart.files import Sheet

ASKED = ".run"
"""What the name ends in of the file that says what an incomplete run was asked."""


class ResumeError(ValueError):
    """A run that cannot be gone on with; the message says why."""


@dataclass
class Done:
    """What a run that was cut short has written: encounters, verdicts, and how many bytes of it are whole."""

    encounters: list[str] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    size: int = 0


def note_asked(written: Path, asked: Mapping[str, Any]) -> None:
    """Note beside an incomplete output what the run is asked."""
    _beside(written).write_text(json.dumps(asked, sort_keys=True, indent=1) + "\n", "utf-8")


def forget_asked(written: Path) -> None:
    """Remove that note."""
    _beside(written).unlink(missing_ok=True)


def read_done(written: Path, asked: Mapping[str, Any], records: Records) -> Done:
    """Read what an incomplete run has done; nothing where there is none. Raises ResumeError."""
    if not written.exists() or not written.stat().st_size:
        return Done()
    try:
        before = json.loads(_beside(written).read_text("utf-8"))
    except (OSError, ValueError):
        raise ResumeError(f"{_beside(written)}: found nothing that says what the run was asked") from None
    # read back as it was written: JSON knows no tuples
    now = json.loads(json.dumps(asked))
    differing = [name for name in now if before.get(name) != now[name]]
    if differing:
        raise ResumeError(f"{written} was begun with another {', another '.join(differing)}; run without --resume")
    with written.open("rb") as stream:
        return records(stream)


Records = Callable[[Iterable[bytes]], Done]
"""Reads whole records from an incomplete output."""


def json_records(stream: Iterable[bytes]) -> Done:
    """Read JSON Lines, each an audit."""
    done = Done()
    for line in stream:
        if not line.endswith(b"\n"):
            break
        try:
            audit = json.loads(line)
        except ValueError:
            break
        done.encounters.append(audit["encounter"])
        done.verdicts[audit["verdict"]] += 1
        done.size += len(line)
    return done


def csv_records(stream: Iterable[bytes]) -> Done:
    """Read rows of a worksheet; those of the last encounter may not be all, and do not count."""
    from ivproof.audit.worksheet import encounter_and_verdict

    done = Done()
    at = 0
    last: tuple[str, str] | None = None
    for n, record in enumerate(_csv_lines(stream)):
        if n and (found := encounter_and_verdict(record)) != last:
            if last is not None:
                done.encounters.append(last[0])
                done.verdicts[last[1]] += 1
            done.size, last = at, found
        at += len(record)
        if not n:
            done.size = at
    return done


def _csv_lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines until no quote is open; what is not ended is left out."""
    record = b""
    for line in stream:
        record += line
        if record.count(b'"') % 2 == 0 and record.endswith(b"\r\n"):
            yield record
            record = b""


def rest(sheets: Iterable[Sheet], done: set[str]) -> Iterator[Sheet]:
    """Give the charts that are still to be answered; takes each id from `done` as it comes."""
    from ivproof.chart.consistency import compare_key

    for sheet in sheets:
        if done:
            encounter = sheet.chart().encounter
            if encounter is not None and compare_key(encounter.id) in done:
                done.remove(compare_key(encounter.id))
                continue
        yield sheet


def _beside(written: Path) -> Path:
    return written.with_name(written.name + ASKED)
