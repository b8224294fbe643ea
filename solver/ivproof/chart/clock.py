"""Times of a chart: from what was written to a place on the axis of one encounter.

A chart writes a clock time (``09:30``) or an ISO 8601 date-time (``2020-10-05T09:30``, with an offset
``2020-10-05T09:30-04:00``, or with the zone too ``2020-10-05T09:30-04:00[America/New_York]``).
Reading takes two steps, because a clock time alone does not say its date: `read_stamp` reads the
text, `Timeline.at` gives it a date and counts seconds.

>>> line = Timeline(date(2020, 10, 5))
>>> line.at("00:10", start=read_stamp("23:30"))
Moment(seconds=87000, day=1, text='00:10')

Where the chart gives offsets or zones, the seconds are those that really went by, also in the night
in which the clocks change:

>>> start = read_stamp("2020-10-31T23:00-04:00[America/New_York]")
>>> line = Timeline(date(2020, 10, 31), anchor=start)
>>> line.at("03:00", start=start).seconds - line.at("2020-10-31T23:00-04:00").seconds
18000
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = 24 * 60 * 60

FARTHEST = 366
"""Days that a charted time may lie from its encounter's date; beyond it, one of the two is a slip."""

YEARS = range(1900, 2301)
"""Years that a chart may speak of."""

EXPECTED = "HH:MM, HH:MM:SS or an ISO 8601 date-time such as 2020-10-05T09:30"


class Moment(NamedTuple):
    """A charted time on the axis of its encounter.

    `seconds` went by since 00:00 of the encounter's date; `day` counts the calendar days from that
    date to the one on which the wall clock showed the time; `text` is what the chart says.
    """

    seconds: int
    day: int
    text: str


class Stamp(NamedTuple):
    """A time as written: `clock` in seconds after midnight, `offset` in seconds east of UTC.

    `day` is the ordinal of the date, None for a clock time.
    """

    clock: int
    day: int | None = None
    offset: int | None = None
    zone: str | None = None


class BadTimeError(ValueError):
    """A time that cannot be; its text says what could stand there instead."""


# Nearly every time of a chart is one of these 1,440, alone or behind a date.
_CLOCK = {f"{h:02}:{m:02}": (h * 60 + m) * 60 for h in range(24) for m in range(60)}

_WRITTEN = re.compile(
    r"""(?: (?P<date>\d{4}-\d\d-\d\d) [Tt ] )?
        (?P<minute>\d\d:\d\d) (?: :(?P<second>[0-5]\d) (?:\.(?P<fraction>\d+))? )?
        (?P<offset> [Zz] | [+-]\d\d(?::?\d\d)? )?
        (?: \[ !?(?P<zone>[A-Za-z][A-Za-z0-9_+/-]*) \] )?""",
    re.ASCII | re.VERBOSE,
)

_ONE_DIGIT = re.compile(r"\d:\d\d(:\d\d)?", re.ASCII)

_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*")

# Zone files that mean something else on every machine, or are not there on every one.
_LOCAL_ZONES = re.compile(r"localtime|posixrules|(posix|right)/.*")


@lru_cache(maxsize=4096)
def read_stamp(text: str) -> Stamp:
    """Read a time as written; raise `BadTimeError` where it is none.

    Costs 0.3 µs for ``HH:MM``, 1 µs for ``YYYY-MM-DDTHH:MM``, 5 µs for the rarer shapes, and next to
    nothing for a text that was read before.
    """
    clock = _CLOCK.get(text)
    if clock is not None:
        return Stamp(clock)
    if len(text) == 16 and text[10] == "T":
        clock = _CLOCK.get(text[11:])
        if clock is not None:
            return Stamp(clock, read_date(text[:10]).toordinal())
    return _read_rare(text.strip())


def is_clock_time(text: str) -> bool:
    """Whether a time is written without its date."""
    return read_stamp(text).day is None


@lru_cache(maxsize=1024)
def read_date(text: str) -> date:
    """Read a date written YYYY-MM-DD; raise `BadTimeError` where it is none."""
    try:
        # fromisoformat alone would also take 20201005 and week dates
        found = date.fromisoformat(text) if len(text) == 10 and text[4] == text[7] == "-" else None
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        expected = f"a date YYYY-MM-DD between {YEARS[0]} and {YEARS[-1]}"
        slashed = _SLASHED.fullmatch(text.strip())
        raise BadTimeError(expected + (_either(slashed) if slashed is not None else ""))
    return found


_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)", re.ASCII)
"""A date with slashes, of which it is not known whether the month comes first."""


def _either(slashed: re.Match[str]) -> str:
    """Give the dates that one with slashes may be, for a message."""
    year = slashed[4] if len(slashed[4]) == 4 else f"20{slashed[4]}"
    pair = (slashed[1].zfill(2), slashed[3].zfill(2))
    known = [f"{year}-{month}-{day}" for month, day in (pair, pair[::-1]) if 1 <= int(month) <= 12 and int(day) <= 31]
    return f": {', or '.join(dict.fromkeys(known))}?" if known else ""


def _read_rare(text: str) -> Stamp:
    """Read any shape: with seconds, offset, zone."""
    parts = _WRITTEN.fullmatch(text)
    if parts is None:
        slashed = _SLASHED.match(text)
        either = _either(slashed) if slashed is not None and text[slashed.end() :].startswith((" ", "T")) else ""
        raise BadTimeError(f"0{text} (two digits)" if _ONE_DIGIT.fullmatch(text) else EXPECTED + either)
    if parts["minute"] == "24:00":
        raise BadTimeError("00:00, which after a later start is the next day's, or a date-time")
    if parts["minute"] not in _CLOCK:
        raise BadTimeError(f"hours from 00 to 23 and minutes from 00 to 59: {EXPECTED}")
    if (parts["fraction"] or "").strip("0"):
        raise BadTimeError("a time in whole seconds")
    clock = _CLOCK[parts["minute"]] + int(parts["second"] or 0)
    if parts["date"] is None:
        if parts["offset"] or parts["zone"]:
            raise BadTimeError("a date before a time that has an offset or a zone")
        return Stamp(clock)
    day = read_date(parts["date"]).toordinal()
    offset = _read_offset(parts["offset"]) if parts["offset"] else None
    if parts["zone"] is None:
        return Stamp(clock, day, offset)
    if parts["offset"] in ("Z", "z"):
        return _from_utc(clock, day, parts["zone"])
    return _in_zone(clock, day, offset, parts["zone"])


def _read_offset(text: str) -> int:
    """Read ``Z``, ``+02:00``, ``+0200`` or ``+02`` as seconds east of UTC."""
    if text in "Zz":
        return 0
    digits = text[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 18 or minutes > 59:
        raise BadTimeError("an offset between -18:00 and +18:00")
    return (hours * 60 + minutes) * (-60 if text[0] == "-" else 60)


def _from_utc(clock: int, day: int, zone: str) -> Stamp:
    """Settle a time in UTC that names the zone whose clocks the reader would have seen."""
    utc = _wall(clock, day)
    local = utc.replace(tzinfo=UTC).astimezone(_zone(zone)).replace(tzinfo=None)
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    return Stamp(seconds, local.toordinal(), round((local - utc).total_seconds()), zone)


def _in_zone(clock: int, day: int, offset: int | None, zone: str) -> Stamp:
    """Settle a time on the clocks of `zone`; `offset`, where written, must be one they have then."""
    if offset is None:
        return Stamp(clock, day, _only_offset(clock, day, zone), zone)
    there = offsets(clock, day, zone)
    if not there:
        raise BadTimeError(_skipped(zone))
    if offset not in there:
        raise BadTimeError(f"{_in_words(there)}, which {zone} has at this time")
    return Stamp(clock, day, offset, zone)


def _only_offset(clock: int, day: int, zone: str) -> int:
    """Give the offset of a wall-clock time; one that occurs never or twice is a `BadTimeError`."""
    there = offsets(clock, day, zone)
    if not there:
        raise BadTimeError(_skipped(zone))
    if len(there) > 1:
        twice = f"the clocks of {zone} show this time twice that night"
        raise BadTimeError(f"a date-time with {_in_words(there)}: {twice}")
    return there[0]


def in_zone(stamp: Stamp, zone: str | None) -> Stamp:
    """Give a time with a date as the clocks of `zone` show it; a clock time, and without a zone any, as it is.

    A date-time without an offset was read there; one that occurs never or twice is a `BadTimeError`.

    >>> in_zone(read_stamp("2020-10-06T01:30Z"), "America/New_York")[::2] == (77400, -4 * 3600)
    True
    """
    if zone is None or stamp.day is None:
        return stamp
    if stamp.offset is None:
        return _in_zone(stamp.clock, stamp.day, None, zone)
    day, clock = divmod(stamp.day * DAY + stamp.clock - stamp.offset, DAY)
    return _from_utc(clock, day, zone)


def zone_anchor(begin: date, zone: str) -> Stamp:
    """Give 00:00 of a date in a zone; where the clocks skip it, with the offset before."""
    offset = datetime(begin.year, begin.month, begin.day, tzinfo=_zone(zone)).utcoffset()
    return Stamp(0, begin.toordinal(), round(offset.total_seconds()) if offset is not None else 0, zone)


def known_zone(name: str) -> str:
    """Give the name of a zone back; raise `BadTimeError` where the IANA list has none of that name."""
    _zone(name)
    return name


def wall_clock(begin: date, zone: str, seconds: int) -> tuple[int, int]:
    """Give the day, from that of `begin`, and the time of day that clocks of `zone` show so long after its 00:00."""
    anchor = zone_anchor(begin, zone)
    day, clock = divmod(begin.toordinal() * DAY + seconds - (anchor.offset or 0), DAY)
    local = _from_utc(clock, day, zone)
    return (local.day or 0) - begin.toordinal(), local.clock


def _skipped(zone: str) -> str:
    return f"a time that exists: the clocks of {zone} skip this one that night"


def _in_words(seconds: tuple[int, ...]) -> str:
    """Write offsets as in ``the offset -04:00 or -05:00``."""
    signed = (f"{'-' if s < 0 else '+'}{abs(s) // 3600:02}:{abs(s) % 3600 // 60:02}" for s in seconds)
    return "the offset " + " or ".join(signed)


def offsets(clock: int, day: int, zone: str) -> tuple[int, ...]:
    """List the offsets at which the clocks of `zone` show `clock` on `day`.

    That is one, but none in the hour that is skipped and two in the hour that comes twice.
    """
    place = _zone(zone)
    wall = _wall(clock, day)
    found: dict[int, None] = {}
    for fold in (0, 1):
        aware = wall.replace(tzinfo=place, fold=fold)
        back = aware.astimezone(UTC).replace(tzinfo=None)
        if aware.astimezone(UTC).astimezone(place).replace(tzinfo=None) == wall:
            found[round((wall - back).total_seconds())] = None
    return tuple(found)


def _wall(clock: int, day: int) -> datetime:
    return datetime.fromordinal(day) + timedelta(seconds=clock)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        if _LOCAL_ZONES.fullmatch(name):
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # an unknown name, a path, a folder of zones
        named = f", not {name}" if _ZONE_NAME.fullmatch(name) else ""  # else it may be anything
        raise BadTimeError(f"a zone of the IANA list, such as America/New_York{named}") from None


class Timeline:
    """The axis of one encounter: 0 is 00:00 of its date.

    `anchor` is the chart's first date-time that carries an offset, None where none does. It says in
    which offset or zone the date begins, and in which the clock times stand that no date-time of
    their own administration explains.
    """

    def __init__(self, begin: date, anchor: Stamp | None = None, zone: str | None = None) -> None:
        """Lay the axis through 00:00 of `begin`; in `zone`, if one is named, every time is read and dated."""
        self._begin = begin.toordinal()
        self._zone = zone
        if zone is not None:
            anchor = zone_anchor(begin, zone)
        self._anchor = anchor
        self._begin_offset = 0
        if anchor is not None:
            midnight = offsets(0, self._begin, anchor.zone) if anchor.zone else ()
            self._begin_offset = midnight[0] if midnight else anchor.offset or 0

    def stamp(self, text: str) -> Stamp:
        """Read a time as the clocks of the chart's zone show it. Raises `BadTimeError`."""
        return in_zone(read_stamp(text), self._zone)

    def at(self, text: str, *, start: Stamp | None = None, earliest: int = 0) -> Moment:
        """Place a time that is written `text`.

        A clock time belongs to the encounter's date, or to the day of `start` where that is a
        date-time; where it is earlier than `start` it is the next day's. `earliest` is the first day,
        counted from the encounter's date, that a date-time may name. Raises `BadTimeError`.
        """
        stamp = self.stamp(text)
        day = stamp.day
        if day is None:
            day = self._begin if start is None or start.day is None else start.day
            if start is not None and stamp.clock < start.clock:
                day += 1
        elif not earliest <= day - self._begin <= FARTHEST:
            near = "on or after" if earliest == 0 and day < self._begin else f"within {FARTHEST} days of"
            raise BadTimeError(f"a date-time {near} the encounter's date {date.fromordinal(self._begin)}")
        seconds = (day - self._begin) * DAY + stamp.clock
        if self._anchor is not None:
            # a clock time is meant as its administration's start is, else as the first date-time is
            meant = start if start is not None and start.offset is not None else self._anchor
            seconds -= _offset(stamp, day, meant) - self._begin_offset
        return Moment(seconds, day - self._begin, text)


def _offset(stamp: Stamp, day: int, meant: Stamp) -> int:
    """Give a time's offset on `day` in a chart with offsets; a clock time takes that of `meant`."""
    if stamp.offset is not None:
        return stamp.offset
    if stamp.day is not None:
        raise BadTimeError("an offset or a zone: date-times of one chart all carry one or none does")
    return _only_offset(stamp.clock, day, meant.zone) if meant.zone else meant.offset or 0
