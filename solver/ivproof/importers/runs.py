"""From the events of one order to its administrations: what was started, stood still, went on and ended.

The events of one drug of one order are taken by time, at one time by line. Where no line says which of two events at
one time came first, the one comes first that the other can follow: the stop of a bag before the start of the next.
Nothing here reads a clock or a word: an event has its kind and its time already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ivproof.importers.account import Natural
from ivproof.importers.clock import ClockReading

Tell = Callable[[str, str, Sequence["Event"]], None]
"""Takes the kind of a finding, its message and the events that show it."""


@dataclass(eq=False)
class Event:
    """Something that a row says was done.

    `item` is the row in the account, `part` the place among several events of one row, `content` what the row says in
    all: it settles the order where nothing else does.
    """

    item: int
    kind: str
    word: str
    time: ClockReading
    line: Natural | None = None
    part: int = 0
    content: str = ""
    begins_row: bool = False
    ends_row: bool = False
    starts_without_run: bool = False
    no_stop: tuple[int, str] | None = None
    reason: str | None = None
    left_out: str | None = None

    @property
    def clock(self) -> str:
        """The time in words."""
        if self.time.at is not None:
            return f"{self.time.at:%Y-%m-%d %H:%M}"
        return "without a time" if self.time.day is None else f"on {self.time.day}"


@dataclass(eq=False)
class RunPause:
    """A stretch in which it stood still."""

    begin: dt.datetime
    end: dt.datetime
    reason: str | None = None


@dataclass(eq=False)
class Run:
    """One administration. Start and stop are None where no row says them."""

    first: Event
    start: dt.datetime | None = None
    stop: dt.datetime | None = None
    pauses: list[RunPause] = field(default_factory=list)
    rate_changes: int = 0
    events: list[Event] = field(default_factory=list)
    continues: Run | None = None
    of_a_bag: bool = False
    ended_paused: bool = False
    started_while_running: bool = False
    from_running: bool = False

    @property
    def day(self) -> dt.date | None:
        """The first day that a row of it names."""
        days = [it.time.day for it in self.events if it.time.day is not None]
        return min(days, default=None)

    @property
    def begins(self) -> float:
        """Where it stands among others: its start, or else the first event that a row gives."""
        ranks = [it.time.rank for it in self.events if it.time.rank is not None]
        return min(ranks, default=0.0)


_RANKS = {
    "idle": ("start", "bag", "single", "push", "resume", "rate", "pause", "stop"),
    "running": ("rate", "pause", "resume", "stop", "single", "push", "bag", "start"),
    "paused": ("resume", "rate", "pause", "stop", "single", "push", "bag", "start"),
}
"""Which of several events at one time comes first where no line says it, by what the order does then."""

_LATE = ("stop", "rate", "pause", "resume")


class Machine:
    """Follows one drug of one order."""

    def __init__(self, tell: Tell, *, new_bag_stops: bool = False) -> None:
        """Take whom to tell what is noticed, and whether a new bag says that the one before it was done."""
        self._tell = tell
        self._new_bag_stops = new_bag_stops
        self._runs: list[Run] = []
        self._run: Run | None = None
        self._paused: Event | None = None
        self._between: Event | None = None
        self.stops_by_new_bag = 0

    def follow(self, events: Iterable[Event]) -> list[Run]:
        """Give the administrations that the events tell of, in their order."""
        waiting = sorted(events, key=_by_time)
        while waiting:
            first = _by_time(waiting[0])
            alike = [it for it in waiting if _by_time(it) == first and it.line == waiting[0].line]
            free = [it for it in alike if not any(it.item == other.item and other.part < it.part for other in alike)]
            event = min(free, key=self._turn) if len(free) > 1 else free[0]
            waiting.remove(event)
            self._take(event)
        self._end()
        return self._runs

    def _turn(self, event: Event) -> tuple[int, int, str]:
        state = "idle" if self._run is None else "paused" if self._paused or self._between else "running"
        if event.begins_row and self._between is not None:
            return (0, event.part, event.content)  # the next row of a chain goes on where the one before it ended
        order = _RANKS[state]
        return (order.index(event.kind), event.part, event.content)

    def _take(self, event: Event) -> None:
        if event.kind not in ("single", "push", "start", "bag", "stop") and event.time.at is None:
            event.left_out = event.time.trouble
            self._tell(str(event.time.trouble), f"{event.word}: {event.time.why}", [event])
            return
        if event.time.trouble:
            if event.time.day is None and event.kind not in ("single", "push"):
                event.left_out = event.time.trouble
                self._tell(event.time.trouble, f"{event.word}: {event.time.why}", [event])
                return
            what = "stop" if event.kind == "stop" else "start"
            self._tell(event.time.trouble, f"{event.word} {event.clock}: {event.time.why}; no {what}", [event])
        {
            "single": self._dose,
            "push": self._dose,
            "start": self._start,
            "bag": self._bag,
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            "rate": self._rate,
        }[event.kind](event)

    def _dose(self, event: Event) -> None:
        self._runs.append(Run(event, event.time.at, events=[event], from_running=self._run is not None))

    def _open(self, event: Event, *, bag: bool = False, continues: Run | None = None) -> Run:
        self._run = Run(event, event.time.at, events=[event], continues=continues, of_a_bag=bag)
        self._runs.append(self._run)
        self._paused = self._between = None
        return self._run

    def _start(self, event: Event) -> None:
        old = self._run
        if event.begins_row and old is not None and self._goes_on(old, event):
            return
        if old is None:
            last = self._runs[-1] if self._runs else None
            follows = event.begins_row and last is not None and last.stop is not None and last.stop == event.time.at
            self._open(event, continues=last if follows else None)
            return
        if self._paused is not None:
            self._end_paused(old)
            self._open(event)
            return
        self._open(event).started_while_running = True
        # a row that is a stretch of time has its own stop
        first = "" if event.begins_row else ", the first without a stop"
        message = f"{event.word} {event.clock} while the run before it had no stop: two administrations{first}"
        self._tell("start_while_running", message, [old.first, event])

    def _goes_on(self, run: Run, event: Event) -> bool:
        """The next row of a chain: after a change of rate it goes on, after a gap there was a pause."""
        before, at = self._paused or self._between, event.time.at
        if before is None or at is None or before.time.at is None or at < before.time.at:
            return False
        run.events.append(event)
        if at > before.time.at:
            run.pauses.append(RunPause(before.time.at, at, before.reason))
        elif self._paused is not None:
            self._no_pause(before, event)
        self._paused = self._between = None
        return True

    def _bag(self, event: Event) -> None:
        old = self._run
        if old is None:
            self._open(event, bag=True)
        elif self._paused is not None:
            self._end_paused(old)
            self._open(event, bag=True, continues=old)
        else:
            self._open(event, bag=True, continues=old)
            if self._new_bag_stops and event.time.at is not None:
                old.stop = event.time.at
                self.stops_by_new_bag += 1
            else:
                message = (
                    f"{event.word} {event.clock} while the one before it ran; the stop of the old bag is not charted"
                )
                self._tell("bag_change_without_stop", message, [old.first, event])

    def _stop(self, event: Event) -> None:
        run = self._run
        own = self._begun_by_its_row(event)
        if own is not None and own is not run:
            own.events.append(event)
            own.stop = event.time.at
            return
        if run is None:
            run = Run(event, None, event.time.at, events=[event])
            self._runs.append(run)
            self._tell(
                "stop_without_start", f"{event.word} {event.clock} and nothing that began; kept with no start", [event]
            )
            return
        start, stop = run.start, event.time.at
        if event.no_stop is not None and start is not None and stop is not None:
            minutes, reason = event.no_stop
            if stop - start <= dt.timedelta(minutes=minutes):
                event.left_out = reason
                self._tell(
                    reason, f"{event.word} {event.clock}, within {_minutes(minutes)} of the start, is no stop", [event]
                )
                self._run = self._paused = self._between = None
                return
        run.events.append(event)
        run.stop = stop if self._paused is None else self._paused.time.at
        self._run = self._paused = self._between = None

    def _begun_by_its_row(self, event: Event) -> Run | None:
        """The run without a stop that the row of a stop began or went on with, where the row is a stretch of time."""
        if not event.ends_row:
            return None
        begun = (it for it in reversed(self._runs) if it.stop is None)
        return next((it for it in begun if any(one.item == event.item for one in it.events)), None)

    def _pause(self, event: Event) -> None:
        if self._run is None:
            self._aside(event, "pause_without_run", "nothing ran")
        elif self._paused is not None:
            event.left_out = "nothing_new"
        else:
            self._run.events.append(event)
            self._paused, self._between = event, None

    def _resume(self, event: Event) -> None:
        if self._run is None and event.starts_without_run and not self._runs:
            self._open(event)
            self._tell(
                "resume_as_start", f"{event.word} {event.clock} and nothing before it: taken as the start", [event]
            )
        elif self._run is None or self._paused is None:
            why = "nothing ran" if self._run is None else "it ran"
            self._aside(event, "resume_without_pause", why)
        else:
            self._run.events.append(event)
            begin, end = self._paused.time.at, event.time.at
            if begin is not None and end is not None and begin < end:
                self._run.pauses.append(RunPause(begin, end, self._paused.reason))
            else:
                self._no_pause(self._paused, event)
            self._paused = None

    def _rate(self, event: Event) -> None:
        if self._run is None:
            self._aside(event, "rate_without_run", "nothing ran")
            return
        self._run.events.append(event)
        self._run.rate_changes += 1
        if event.ends_row:
            self._between = event

    def _aside(self, event: Event, reason: str, why: str) -> None:
        event.left_out = reason
        self._tell(reason, f"{event.word} {event.clock} while {why}", [event])

    def _no_pause(self, begin: Event, end: Event) -> None:
        words = begin.word if begin.item == end.item else f"{begin.word}, {end.word}"
        message = f"{words} {begin.clock}: a stand of no minutes, not charted as a pause"
        self._tell("status_change_without_pause", message, [begin, end] if begin.item != end.item else [begin])

    def _end_paused(self, run: Run) -> None:
        """A pause that nothing ends is the stop."""
        if self._paused is None:
            return
        run.stop, run.ended_paused = self._paused.time.at, True
        message = f"{self._paused.word} {self._paused.clock} and neither restarted nor stopped; it ends with the pause"
        self._tell("ended_paused", message, [self._paused])
        self._run = self._paused = None

    def _end(self) -> None:
        run = self._run
        if run is None:
            return
        if self._paused is not None:
            self._end_paused(run)
        else:
            self._tell("no_stop", f"{run.first.word} {run.first.clock} and nothing that ends it", [run.first])


def _by_time(event: Event) -> tuple[float, Natural]:
    rank = event.time.rank or 0.0
    if event.time.at is None and event.kind in _LATE:
        rank += 86_399  # a stop of which only the day is known comes after what happened that day
    return (rank, event.line or ())


def _minutes(count: int) -> str:
    return "a minute" if count == 1 else f"{count} minutes"
