"""Times of a chart: seconds from the beginning of the date of service, as the chart's clocks and offsets say.

>>> axis = Axis(date(2020, 10, 5), [])
>>> axis.at("00:10", axis.stamp("23:30"))
(87000, 1)
>>> axis.stamp("2021-03-14T02:30[America/New_York]")
Traceback (most recent call last):
ivproof.recheck.times.TimeError: a time that the clocks of America/New_York show
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = 86_400
FARTHEST = 366  # days from the date of service
YEARS = range(1900, 2301)

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)[Tt ])?([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.0+)?)?"
    r"([Zz]|[+-]\d\d(?::?[0-5]\d)?)?(?:\[!?([A-Za-z][A-Za-z0-9_+/-]*)\])?",
    re.ASCII,
)
_FARTHEST_EAST = 18 * 3600
_NO_ZONE = re.compile(r"localtime|posixrules|(posix|right)/.*")  # files of zones that differ from machine to machine


class TimeError(ValueError):
    """A time that cannot be; says what could stand there."""


class Stamp(NamedTuple):
    """A time as written: seconds after midnight, and where given the day, the offset from UTC and the zone."""

    clock: int
    day: int | None
    offset: int | None
    zone: str | None


def calendar_date(text: object) -> date:
    """The date written YYYY-MM-DD. Raises TimeError."""
    found = _DATE.fullmatch(text) if isinstance(text, str) else None
    try:
        day = date(*map(int, found.groups())) if found else None
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise TimeError(f"a date YYYY-MM-DD from {YEARS[0]} to {YEARS[-1]}")
    return day


def known_zone(name: object) -> str:
    """The name of a time zone. Raises TimeError where none has it."""
    if not isinstance(name, str):
        raise TimeError("the name of a time zone")
    return _zone(name).key


class Axis:
    """The times of one chart; `texts` are all of them in the order of the chart, `zone` is the one that it names.

    Raises TimeError.
    """

    def __init__(self, begin: date, texts: Iterable[str], zone: str | None = None) -> None:
        self.begin = begin.toordinal()
        self.zone = zone
        stamps = map(self.stamp, texts)
        self.anchor = next((it for it in stamps if it.offset is not None), None)
        if zone:
            midnight = _wall(self.begin, 0).replace(tzinfo=_zone(zone))
            self.anchor = Stamp(0, self.begin, _seconds(midnight.utcoffset()), zone)
        self.at_midnight = 0
        if self.anchor:
            there = _offsets(self.begin, 0, self.anchor.zone) if self.anchor.zone else []
            self.at_midnight = there[0] if there else self.anchor.offset or 0

    @staticmethod
    def stamp(text: object) -> Stamp:
        """Read a time. Raises TimeError where it is none, or one that never was."""
        found = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
        if not found:
            raise TimeError("a time such as 09:30, or an ISO 8601 date-time")
        day, hour, minute, second, offset, zone = found.groups()
        clock = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
        if day is None:
            if offset or zone:
                raise TimeError("a date before a time with an offset or a zone")
            return Stamp(clock, None, None, None)
        ordinal = calendar_date(day).toordinal()
        if offset in {"Z", "z"}:
            return _of_utc(ordinal, clock, zone) if zone else Stamp(clock, ordinal, 0, None)
        east = _written(offset) if offset else None
        if zone:
            there = _offsets(ordinal, clock, zone)
            if not there:
                raise TimeError(f"a time that the clocks of {zone} show")
            if east is None and len(there) > 1:
                raise TimeError(f"an offset, since the clocks of {zone} show this time twice")
            if east is not None and east not in there:
                raise TimeError(f"an offset that {zone} has at this time")
            east = there[0] if east is None else east
        return Stamp(clock, ordinal, east, zone)

    def read(self, text: object) -> Stamp:
        """Read a time as the clocks of the chart's zone show it, where it names one. Raises TimeError."""
        stamp = self.stamp(text)
        if self.zone is None or stamp.day is None:
            return stamp
        if stamp.offset is not None:
            day, clock = divmod(stamp.day * DAY + stamp.clock - stamp.offset, DAY)
            return _of_utc(day, clock, self.zone)
        there = _offsets(stamp.day, stamp.clock, self.zone)
        if len(there) != 1:
            raise TimeError(f"a time that the clocks of {self.zone} show once")
        return Stamp(stamp.clock, stamp.day, there[0], self.zone)

    def at(self, text: object, start: Stamp | None = None, earliest: int = 0) -> tuple[int, int]:
        """The seconds and the calendar day of a time; a clock time before `start` is the next day's.

        `earliest` is the first day, counted from the date of service, that a date-time may name. Raises TimeError.
        """
        stamp = self.read(text)
        day = stamp.day
        if day is None:
            day = self.begin if start is None or start.day is None else start.day
            day += start is not None and stamp.clock < start.clock
        elif not earliest <= day - self.begin <= FARTHEST:
            raise TimeError(f"a date from day {earliest} to day {FARTHEST} of the encounter")
        seconds = (day - self.begin) * DAY + stamp.clock
        if self.anchor:
            meant = start if start is not None and start.offset is not None else self.anchor
            seconds -= self._east(stamp, day, meant) - self.at_midnight
        return seconds, day - self.begin

    @staticmethod
    def _east(stamp: Stamp, day: int, meant: Stamp) -> int:
        """The offset of a time in a chart with offsets; a clock time has that of the time it belongs to."""
        if stamp.offset is not None:
            return stamp.offset
        if stamp.day is not None:
            raise TimeError("an offset or a zone, as another date-time of the chart has")
        if not meant.zone:
            return meant.offset or 0
        there = _offsets(day, stamp.clock, meant.zone)
        if len(there) != 1:
            raise TimeError(f"a time that the clocks of {meant.zone} show once")
        return there[0]


def _written(offset: str) -> int:
    digits = offset[1:].replace(":", "").ljust(4, "0")
    east = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    if int(digits[:2]) * 3600 > _FARTHEST_EAST:
        raise TimeError("an offset of at most 18 hours")
    return -east if offset[0] == "-" else east


def _wall(day: int, clock: int) -> datetime:
    return datetime.fromordinal(day) + timedelta(seconds=clock)


def _zone(name: str) -> ZoneInfo:
    try:
        if not _NO_ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    raise TimeError("a zone of the IANA list")


def _seconds(offset: timedelta | None) -> int:
    return round(offset.total_seconds()) if offset is not None else 0


def _of_utc(day: int, clock: int, zone: str) -> Stamp:
    """A time in UTC on the clocks of a zone."""
    local = _wall(day, clock).replace(tzinfo=UTC).astimezone(_zone(zone))
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    return Stamp(seconds, local.toordinal(), _seconds(local.utcoffset()), zone)


def _offsets(day: int, clock: int, zone: str) -> list[int]:
    """The offsets at which the clocks of a zone show a time: one, none where it is skipped, two where it comes back."""
    place, wall = _zone(zone), _wall(day, clock)
    found = []
    for fold in (0, 1):
        east = _seconds(wall.replace(tzinfo=place, fold=fold).utcoffset())
        shown = (wall - timedelta(seconds=east)).replace(tzinfo=UTC).astimezone(place)
        if shown.replace(tzinfo=None) == wall and east not in found:
            found.append(east)
    return found
