"""Times of a chart: seconds from the beginning of the date of service, as the chart's clocks and offsets say.

>>> axis = Axis(date(2020, 10, 5), [])
>>> axis.at("00:10", axis.stamp("23:30"))
(87000, 1)
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = 86_400

_TIME = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)[Tt ])?([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.0+)?)?"
    r"([Zz]|[+-]\d\d(?::?\d\d)?)?(?:\[!?([A-Za-z][A-Za-z0-9_+/-]*)\])?",
    re.ASCII,
)


class Stamp(NamedTuple):
    """A time as written: seconds after midnight, and where given the day, the offset from UTC and the zone."""

    clock: int
    day: int | None
    offset: int | None
    zone: str | None


class Axis:
    """The times of one chart; `texts` are all of them in the order of the chart."""

    def __init__(self, begin: date, texts: Iterable[str]) -> None:
        self.begin = begin.toordinal()
        stamps = map(self.stamp, texts)
        self.anchor = next((it for it in stamps if it.offset is not None), None)
        self.at_midnight = 0
        if self.anchor:
            self.at_midnight = _offset(self.begin, 0, self.anchor)

    @staticmethod
    def stamp(text: str) -> Stamp:
        """Read a time. Raises ValueError where it is none."""
        found = _TIME.fullmatch(text.strip())
        if not found:
            raise ValueError(f"{text!r} is no time")
        day, hour, minute, second, offset, zone = found.groups()
        clock = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
        if day is None:
            return Stamp(clock, None, None, None)
        ordinal = date.fromisoformat(day).toordinal()
        east = None
        if offset:
            digits = offset[1:].replace(":", "").ljust(4, "0")
            east = (int(digits[:2]) * 60 + int(digits[2:])) * 60 * (-1 if offset[0] == "-" else 1) if digits else 0
        if offset in {"Z", "z"}:
            east = 0
            if zone:
                local = (_wall(ordinal, clock).replace(tzinfo=UTC)).astimezone(ZoneInfo(zone))
                seconds = local.hour * 3600 + local.minute * 60 + local.second
                return Stamp(seconds, local.toordinal(), _east(local), zone)
        elif zone and east is None:
            east = _offset(ordinal, clock, Stamp(0, None, None, zone))
        return Stamp(clock, ordinal, east, zone)

    def at(self, text: str, start: Stamp | None = None) -> tuple[int, int]:
        """The seconds and the calendar day of a time; a clock time before `start` is the next day's."""
        stamp = self.stamp(text)
        day = stamp.day
        if day is None:
            day = self.begin if start is None or start.day is None else start.day
            day += start is not None and stamp.clock < start.clock
        seconds = (day - self.begin) * DAY + stamp.clock
        if self.anchor:
            meant = start if start is not None and start.offset is not None else self.anchor
            east = stamp.offset if stamp.offset is not None else _offset(day, stamp.clock, meant)
            seconds -= east - self.at_midnight
        return seconds, day - self.begin


def _wall(day: int, clock: int) -> datetime:
    return datetime.fromordinal(day) + timedelta(seconds=clock)


def _east(moment: datetime) -> int:
    offset = moment.utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0


def _offset(day: int, clock: int, like: Stamp) -> int:
    """The offset of a clock time, in the zone of another time or else as that one has it."""
    if like.zone:
        return _east(_wall(day, clock).replace(tzinfo=ZoneInfo(like.zone)))
    return like.offset or 0
