"""Times of a record: read by the formats that a mapping gives, in the zone of the house.

>>> clock = HouseClock(["%Y-%m-%d %H:%M", "%Y-%m-%d"], "America/New_York")
>>> clock.read("2024-03-10 05:30").written
'2024-03-10T05:30:00-04:00'
>>> clock.read("2024-03-10").trouble, clock.read("2024-11-03 01:30").trouble
('date_without_time', 'time_shown_twice')
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ivproof.chart.clock import offsets

NO_TIME = "no_time"
UNREADABLE = "time_not_readable"
DATE_ONLY = "date_without_time"
TWICE = "time_shown_twice"
SKIPPED = "time_skipped"
NO_OFFSET = "time_without_offset"

TROUBLES = {
    NO_TIME: "no time is given",
    UNREADABLE: "the time is in none of the formats of the mapping",
    DATE_ONLY: "a date only",
    TWICE: "the clocks showed this time twice that night, and no offset says which is meant",
    SKIPPED: "the clocks skipped this time that night",
    NO_OFFSET: "no offset, while other times of the record have one, and no zone is given",
}
"""What keeps a text from being a time, in words."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What a text says of a time. `at` is None where it says none; `trouble` then says why.

    `day` is the date on the clocks of the house; `rank` orders what happened, and is there wherever a day is.
    """

    at: dt.datetime | None = None
    day: dt.date | None = None
    rank: float | None = None
    trouble: str | None = None
    like: str = ""

    @property
    def why(self) -> str:
        """Why it is no time, in words; of a text in no known form also how it is written, without what it says."""
        return TROUBLES[str(self.trouble)] + (f", written like {self.like}" if self.like else "")

    @property
    def has_offset(self) -> bool:
        """Whether it is a time with an offset."""
        return self.at is not None and self.at.tzinfo is not None

    def without_offset(self) -> ClockReading:
        """The reading of a time without an offset among others that have one: no time of the same axis."""
        return self if self.at is None or self.has_offset else ClockReading(None, self.day, self.rank, NO_OFFSET)

    @property
    def written(self) -> str | None:
        """The time as a chart writes it."""
        return iso(self.at)


_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[+-]\d\d(?::?\d\d)?|Z)?)?", re.ASCII)


def _like(text: str) -> str:
    """How a text is written: 0 for each digit, a for each letter.

    >>> _like("11/03/24 4.40pm")
    '00/00/00 0.00aa'
    """
    return "".join("0" if it.isdigit() else "a" if it.isalpha() else it for it in text[:40])


def iso(at: dt.datetime | None) -> str | None:
    """A time as a chart has it; None for none."""
    return None if at is None else at.isoformat(timespec="seconds")


class HouseClock:
    """Reads the times of one input. Without a zone, times are those of the place, or keep the offset they have.

    What is written as ISO 8601 has it, is read by every mapping, but where one has the day before the month there.
    """

    def __init__(self, formats: Sequence[str], zone: str | None) -> None:
        """Take the formats of `strptime` that a time may have, and the IANA name of the zone of the house."""
        self.zone = zone
        self._formats = [(it, "%H" in it or "%I" in it or "%T" in it or "%X" in it or "%c" in it) for it in formats]
        self._iso = not any("%Y-%d" in it for it in formats)
        self._place = None if zone is None else ZoneInfo(zone)
        self._known: dict[object, ClockReading] = {}

    def read(self, value: object) -> ClockReading:
        """Read a text, or what a table holds as a time or date."""
        found = self._known.get(value)
        if found is None:
            found = self._known[value] = self._read(value)
        return found

    def _read(self, value: object) -> ClockReading:
        if isinstance(value, dt.datetime):
            return self.settle(value)
        if isinstance(value, dt.date):
            return self._date(value)
        text = str(value).strip()
        if not text:
            return ClockReading(trouble=NO_TIME)
        for form, has_clock in self._formats:
            try:
                found = dt.datetime.strptime(text, form)
            except ValueError:
                continue
            return self.settle(found) if has_clock else self._date(found.date())
        if self._iso and _ISO.fullmatch(text):
            try:
                found = dt.datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-"))
            except ValueError:
                return ClockReading(trouble=UNREADABLE, like=_like(text))
            return self.settle(found) if len(text) > len("2024-11-03") else self._date(found.date())
        return ClockReading(trouble=UNREADABLE, like=_like(text))

    def settle(self, found: dt.datetime) -> ClockReading:
        """Give a time its offset, where one is known, and its date on the clocks of the house."""
        found = found.replace(microsecond=0)
        if found.tzinfo is not None:
            if self._place is not None:
                found = found.astimezone(self._place)
            return ClockReading(found, found.date(), found.timestamp())
        if self._place is None:
            return ClockReading(found, found.date(), found.replace(tzinfo=dt.UTC).timestamp())
        seconds = found.hour * 3600 + found.minute * 60 + found.second
        there = offsets(seconds, found.toordinal(), str(self.zone))
        here = found.replace(tzinfo=self._place)
        if len(there) != 1:
            return ClockReading(None, found.date(), here.timestamp(), TWICE if there else SKIPPED)
        return ClockReading(here, found.date(), here.timestamp())

    def _date(self, day: dt.date) -> ClockReading:
        midnight = dt.datetime.combine(day, dt.time(), self._place or dt.UTC)
        return ClockReading(None, day, midnight.timestamp(), DATE_ONLY)
