"""The times of a chart, and how far each can move in a chart that would still be accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from ivproof.chart.clock import DAY, Moment, in_zone, is_clock_time, read_stamp, wall_clock
from ivproof.chart.encounter import Administration, Encounter, Pause
from ivproof.unknowns.affine import MINUTE, Reach

WINDOW = 24 * 60
"""Minutes up to which a time is moved either way: beyond a day it would be another visit, not a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How many minutes a time can move one way, and what is in its way."""

    minutes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Charted:
    """A documented time: its place in the chart, the constant of the law for it, and how far it can move.

    `at` is the position of its administration, None for the inpatient order; `pause` that of the pause, from 0.
    """

    place: str
    constant: str
    field: str
    moment: Moment
    earlier: Bound
    later: Bound
    at: int | None = None
    pause: int | None = None

    @property
    def term(self) -> tuple[str | int, ...] | str:
        """The constant as the second engine has it."""
        if self.at is None:
            return self.constant
        name, _, _ = self.constant.partition("(")
        return (name, f"a{self.at + 1}") if self.pause is None else (name, f"a{self.at + 1}", self.pause + 1)

    @property
    def fact(self) -> tuple[str, tuple[str | int, ...] | str]:
        """The predicate that says it, and of what."""
        return "at", self.term

    step: ClassVar[int] = MINUTE
    """By how much that fact's number changes with a minute."""

    def time(self, encounter: Encounter) -> Moment:
        """This time in another chart with the same administrations."""
        part: object = encounter if self.at is None else encounter.administrations[self.at]
        if self.at is not None and self.pause is not None:
            part = encounter.administrations[self.at].pauses[self.pause]
        found: Moment = getattr(part, self.field)
        return found

    def moved(self, encounter: Encounter, minutes: int, reach: Reach | None = None) -> Encounter:
        """Give the chart with this time so many minutes later; with `reach`, as a number that goes on moving."""
        return _put(encounter, self, shifted(encounter, self.moment, minutes, reach))


@dataclass(frozen=True, slots=True)
class Ordered(Charted):
    """How long an administration was ordered to run, as if it were charted: a moment of so many minutes."""

    step: ClassVar[int] = 1

    @property
    def fact(self) -> tuple[str, tuple[str | int, ...] | str]:
        """The predicate that says it, and of what."""
        return "ordered_minutes", self.constant

    def time(self, encounter: Encounter) -> Moment:
        """The length in another chart with the same administrations."""
        assert self.at is not None
        return of_length(encounter.administrations[self.at].ordered_minutes or 0)

    def moved(self, encounter: Encounter, minutes: int, reach: Reach | None = None) -> Encounter:
        """Give the chart with this length by so many minutes longer."""
        assert self.at is not None
        given = list(encounter.administrations)
        more = self.moment.seconds // MINUTE + minutes
        given[self.at] = given[self.at].model_copy(update={"ordered_minutes": more})
        return encounter.model_copy(update={"administrations": tuple(given)})


def of_length(minutes: int) -> Moment:
    """A length as the moment so long after midnight, written as a chart writes a length."""
    return Moment(MINUTE * minutes, 0, str(minutes))


def shifted(encounter: Encounter, moment: Moment, minutes: int, reach: Reach | None = None) -> Moment:
    """A time so many minutes later, as the chart would write it; an offset stays as it was written.

    In a chart that names its zone the offset is the one that the zone had.
    """
    begin = encounter.date
    stamp = in_zone(read_stamp(moment.text), encounter.time_zone)
    local = moment.day * DAY + stamp.clock + MINUTE * minutes
    day, clock = divmod(local, DAY)
    text = f"{clock // 3600:02}:{clock % 3600 // 60:02}" + (f":{clock % 60:02}" if clock % 60 else "")
    if stamp.day is not None or day != moment.day:
        text = f"{date.fromordinal(begin.toordinal() + day).isoformat()}T{text}"
    if stamp.offset is not None:
        sign = "-" if stamp.offset < 0 else "+"
        text += f"{sign}{abs(stamp.offset) // 3600:02}:{abs(stamp.offset) % 3600 // 60:02}"
    seconds = moment.seconds + MINUTE * minutes
    if reach is None:
        return Moment(seconds, day, text)
    # which day it is has to be noted too: the facts name it
    return Moment(reach.number(seconds, MINUTE), reach.number(local, MINUTE) // DAY, text)


def _put(encounter: Encounter, where: Charted, moment: Moment) -> Encounter:
    if where.at is None:
        return encounter.model_copy(update={where.field: moment})
    given = list(encounter.administrations)
    it = given[where.at]
    if where.pause is None:
        given[where.at] = it.model_copy(update={where.field: moment})
    else:
        pauses = list(it.pauses)
        pauses[where.pause] = pauses[where.pause].model_copy(update={where.field: moment})
        given[where.at] = it.model_copy(update={"pauses": tuple(pauses)})
    return encounter.model_copy(update={"administrations": tuple(given)})


def charted(encounter: Encounter) -> Iterator[Charted]:
    """Give every documented time of a chart, in its order."""
    for at, it in enumerate(encounter.administrations):
        if not it.done:
            continue
        name = f"administrations[{it.id}]"
        for field in ("start", "stop"):
            moment: Moment | None = getattr(it, field)
            if moment is not None:
                earlier, later = _room(encounter, it, field, moment)
                yield Charted(f"{name}.{field}", f"{field}(a{at + 1})", field, moment, earlier, later, at)
        for n, pause in enumerate(it.pauses):
            for field, predicate in (("from_", "paused"), ("to", "resumed")):
                moment = getattr(pause, field)
                if moment is not None:
                    earlier, later = _room_of_pause(encounter, it, n, field, moment)
                    place = f"{name}.pauses[{n}].{field.removesuffix('_')}"
                    constant = f"{predicate}(a{at + 1},{n + 1})"
                    yield Charted(place, constant, field, moment, earlier, later, at, n)
    moment = encounter.inpatient_order_at
    if moment is not None:
        earlier, later = (_window(encounter, moment, way) for way in (-1, 1))
        yield Charted("inpatient_order_at", "inpatient_order", "inpatient_order_at", moment, earlier, later)


WINDOW_REACHED = "a day away"
MIDNIGHT_REACHED = "the beginning of the date of service"
CLOCKS_REACHED = "the hour in which the clocks change"


def _window(encounter: Encounter, moment: Moment, way: int) -> Bound:
    """How far a time can move whatever else is charted: a day, or up to where the clocks of the visit's zone change.

    Beyond that the same minutes later are another clock time, which may come twice that night or never.
    """
    zone = encounter.time_zone
    if zone is None:
        return Bound(WINDOW, WINDOW_REACHED)

    def gone(minutes: int) -> int:
        seconds = moment.seconds + way * MINUTE * minutes
        day, clock = wall_clock(encounter.date, zone, seconds)
        return day * DAY + clock - seconds

    near, far = 0, WINDOW
    if gone(near) == gone(far):
        return Bound(WINDOW, WINDOW_REACHED)
    while far - near > 1:
        between = (near + far) // 2
        near, far = (between, far) if gone(between) == gone(0) else (near, between)
    return Bound(near, CLOCKS_REACHED)


def _between(
    encounter: Encounter, moment: Moment, lows: dict[str, int | None], highs: dict[str, int | None]
) -> tuple[Bound, Bound]:
    """How far a time can move between others, given in seconds with what they are called."""
    local = moment.day * DAY + in_zone(read_stamp(moment.text), encounter.time_zone).clock
    earlier = [_window(encounter, moment, -1), Bound(local // MINUTE, MIDNIGHT_REACHED)]
    later = [_window(encounter, moment, 1)]
    earlier += [Bound((moment.seconds - low) // MINUTE, name) for name, low in lows.items() if low is not None]
    later += [Bound((high - moment.seconds) // MINUTE, name) for name, high in highs.items() if high is not None]

    def least(bounds: list[Bound]) -> Bound:
        return min(bounds, key=lambda it: it.minutes)

    return least(earlier), least(later)


def _room(encounter: Encounter, it: Administration, field: str, moment: Moment) -> tuple[Bound, Bound]:
    inner = [time.seconds for pause in it.pauses for time in (pause.from_, pause.to) if time is not None]
    # a stop without a date is the next one after the start: past each other's clock they would lie a day nearer
    rolled = it.start is not None and it.stop is not None and it.stop.day > it.start.day and is_clock_time(it.stop.text)
    if field == "start":
        lows = {"the clock time of its stop": it.stop.seconds - DAY + MINUTE if rolled and it.stop else None}
        highs = {"its stop": _seconds(it.stop), "its pause": min(inner, default=None)}
        return _between(encounter, moment, lows, highs)
    lows = {"its start": _seconds(it.start), "its pause": max(inner, default=None)}
    highs = {"the clock time of its start": it.start.seconds + DAY - MINUTE if rolled and it.start else None}
    return _between(encounter, moment, lows, highs)


def _room_of_pause(encounter: Encounter, it: Administration, n: int, field: str, moment: Moment) -> tuple[Bound, Bound]:
    own = it.pauses[n]
    lows = {"its start": _seconds(it.start)}
    highs = {"its stop": _seconds(it.stop)}
    if field == "from_":
        highs["the end of the pause"] = _seconds(own.to)
    else:
        lows["the beginning of the pause"] = _seconds(own.from_)
    before, after = _neighbours(it.pauses, n)
    lows["the pause before"], highs["the pause after"] = before, after
    return _between(encounter, moment, lows, highs)


def _neighbours(pauses: tuple[Pause, ...], n: int) -> tuple[int | None, int | None]:
    """When the pause before one ends, and when the next one begins, as far as they are whole."""

    def spans(choose: Callable[[int], bool]) -> Iterator[tuple[int, int, int]]:
        for at, it in enumerate(pauses):
            if it.from_ is not None and it.to is not None and choose(at):
                yield it.from_.seconds, it.to.seconds, at

    own = next(spans(lambda at: at == n), None)
    if own is None:
        return None, None
    others = list(spans(lambda at: at != n))
    before = max((end for begin, end, at in others if (begin, end, at) < own), default=None)
    after = min((begin for begin, end, at in others if (begin, end, at) > own), default=None)
    return before, after


def _seconds(moment: Moment | None) -> int | None:
    return None if moment is None else moment.seconds
