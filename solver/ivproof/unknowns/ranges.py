"""Goes over all minutes by ranges: each ask answers for a whole range, and the next begins where that one ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range(Generic[T]):
    """The minutes from `first` to `last`, both included, and what holds at each of them."""

    first: int
    last: int
    value: T


class Ranges(Generic[T]):
    """What holds at each minute; `ask` gives it for one minute, with the range over which it stays.

    What `ask` gives as None for an end of the range is no end at all.
    """

    def __init__(self, ask: Callable[[int], tuple[T, int | None, int | None]]) -> None:
        """Ask nothing yet."""
        self._ask = ask
        self._known: list[Range[T]] = []

    def at(self, minute: int) -> Range[T]:
        """The range around a minute, as far as one ask tells."""
        for it in self._known:
            if it.first <= minute <= it.last:
                return it
        value, first, last = self._ask(minute)
        found = Range(minute - FAR if first is None else first, minute + FAR if last is None else last, value)
        self._known.append(found)
        return found

    def between(self, first: int, last: int) -> list[Range[T]]:
        """The ranges that cover these minutes, in order; neighbours that hold the same are one."""
        found: list[Range[T]] = []
        for it in self._walk(first, last):
            if found and found[-1].value == it.value:
                found[-1] = Range(found[-1].first, it.last, it.value)
            else:
                found.append(it)
        return found

    def _walk(self, first: int, last: int) -> Iterator[Range[T]]:
        minute = first
        while minute <= last:
            it = self.at(minute)
            yield Range(minute, min(it.last, last), it.value)
            minute = it.last + 1

    def change(self, minutes: int, way: int) -> tuple[int, T] | None:
        """The first minute up to so many away, later (1) or earlier (-1), at which something else holds than at 0."""
        held = self.at(0).value
        found = self.first(minutes, way, lambda value: value != held)
        return None if found is None else (found, self.at(found).value)

    def first(self, minutes: int, way: int, wanted: Callable[[T], bool], begin: int = 0) -> int | None:
        """The first minute up to so many away, later (1) or earlier (-1), from `begin` on, at which this is wanted."""
        step = begin
        while step <= minutes:
            it = self.at(way * step)
            if wanted(it.value):
                return way * step
            step = (it.last if way > 0 else -it.first) + 1
        return None


FAR = 10**6
"""A range without an end is taken to go on for this many minutes."""
