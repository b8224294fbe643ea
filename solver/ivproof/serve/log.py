r"""The log of decisions: a line for each answer, chained so that none can be changed, taken out or put between unseen.

A line is JSON: when, which question, by which law and readings, the digest of the chart, and what came of it. Nothing
of the chart is in it but codes and units of its claim. Each line has the hash of the one before; whoever keeps the hash
of the last one elsewhere can tell that nothing up to there was changed, and nobody else can: the chain has no key.

>>> written = []
>>> log = DecisionLog(written.append, clock=lambda: "2026-01-02T03:04:05+00:00")
>>> log.add({"decision": "d1", "question": "code"})
>>> log.add({"decision": "d2", "question": "code"})
>>> verify(written).count
2
>>> verify([written[0], written[1].replace(b"d2", b"d3")]).last == log.last
False
>>> verify([written[1]])
Traceback (most recent call last):
ivproof.serve.log.LogError: line 1: found number 2, expected 1
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

FIRST = "sha256:" + "0" * 64
"""What the first line has in place of the hash of one before."""

LONGEST = 1_000_000
"""So many bytes may a line have."""


class LogError(ValueError):
    """A log that is not as it was written: the line, what was found and what was expected."""


@dataclass(frozen=True)
class Verified:
    """A log whose chain holds: how many lines it has, the hash of the last, when the first and last were written."""

    count: int
    last: str
    begins: str = ""
    ends: str = ""


def now() -> str:
    """Give the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class DecisionLog:
    """Writes lines, from whichever threads they come."""

    def __init__(self, write: Callable[[bytes], object], after: Verified | None = None, clock: Callable[[], str] = now):
        """Go on after the lines that there are; `write` is given whole lines, and raises OSError where it cannot."""
        self._write = write
        self._clock = clock
        self._lock = Lock()
        self.count = after.count if after else 0
        self.last = after.last if after else FIRST

    def add(self, decision: Mapping[str, Any]) -> None:
        """Write a decision down. Raises OSError."""
        with self._lock:
            line = {"number": self.count + 1, "time": self._clock(), **decision, "before": self.last}
            raw = json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            self._write(raw)
            self.count, self.last = self.count + 1, hash_of(raw)


def hash_of(line: bytes) -> str:
    """Give the hash of a line, its end included."""
    return "sha256:" + hashlib.sha256(line).hexdigest()


def verify(lines: Iterable[bytes], noted: str | None = None) -> Verified:
    """Check the chain of a log. Raises LogError where it does not hold.

    `noted` is the hash of a line that somebody has kept; some line has to have it.
    """
    last, count, begins, ends, met = FIRST, 0, "", "", noted in {None, FIRST}
    for number, raw in enumerate(lines, start=1):
        line = _read(number, raw)
        for name, expected in (("number", number), ("before", last)):
            if line.get(name) != expected or isinstance(line.get(name), bool):
                found = f"line {number}: found {name} {_short(line.get(name))}, expected {expected}"
                if name == "before" and number > 1:
                    found += f", the hash of line {number - 1}: one of the two is not as it was written"
                raise LogError(found)
        last, count = hash_of(raw), number
        met = met or last == noted
        ends = str(line.get("time"))
        begins = begins or ends
    if not met:
        raise LogError(f"found no line with the hash {noted}, expected the one that was noted among {count}")
    return Verified(count, last, begins, ends)


def _read(number: int, raw: bytes) -> dict[str, Any]:
    try:
        line = json.loads(raw) if len(raw) <= LONGEST else None
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict) or not raw.endswith(b"\n"):
        raise LogError(f"line {number}: found what is no whole line of a log, expected a JSON object")
    return line


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) < len(FIRST) + 1 else text[: len(FIRST)] + "…"


def outcome(question: str, decided: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a log says of an answer of the service: nothing of the chart but its digest, codes and units."""
    answer = decided["answer"]
    found = {name: decided[name] for name in ("decision", "policy", "readings", "chart")}
    status = answer.get("verdict") or answer.get("status") or answer.get("outcome", {}).get("status")
    units: dict[str, int] = {}
    if question in {"code", "done"}:
        for line in answer["claim"]:
            units[line["code"]] = units.get(line["code"], 0) + line["units"]
        found["claim"] = units
    return {**found, "question": question, "status": status}
