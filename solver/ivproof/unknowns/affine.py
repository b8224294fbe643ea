"""Numbers that know how they change when a time of the chart moves, and for how long what is seen of them holds.

>>> reach = Reach()
>>> ran = reach.number(45 * 60, 60)
>>> ran - 5 * 60 >= 31 * 60
True
>>> reach.first, reach.last
(-9, None)

So far the answer is the same from 9 minutes earlier on. With `ran == other` false, the minute at which they would be
equal ends the range; with it true, and the two changing differently, the range is this minute alone.

Where several times move, each by itself, a number has a slope for every one of them, and what is compared is noted in a
`Region`: linear conditions on all of them, which are exact.

>>> region = Region([20, 50])
>>> start, stop = region.time(0, 20 * 60), region.time(1, 50 * 60)
>>> stop - start >= 31 * 60
False
>>> [str(it) for it in region.conditions]
['-x0 + x1 <= 30']
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from operator import mul
from typing import Any, NamedTuple, TypeAlias

MINUTE = 60
"""Seconds by which a moved time changes with each step."""


class Reach:
    """The steps, counted from where the law is applied, over which everything that was compared stays as it is.

    `first` and `last` are None while nothing limits them.
    """

    __slots__ = ("first", "last")

    def __init__(self) -> None:
        """Begin without limits."""
        self.first: int | None = None
        self.last: int | None = None

    def number(self, value: int, slope: int) -> int:
        """Give a number that changes by `slope` with each step; a plain one where it does not change."""
        if slope == 0:
            return int(value)
        found = int.__new__(Affine, value)
        found.slope = slope
        found.reach = self
        return found

    def at_most(self, last: int) -> None:
        """Let the range end after `last` at the latest."""
        if self.last is None or last < self.last:
            self.last = last

    def at_least(self, first: int) -> None:
        """Let the range begin at `first` at the earliest."""
        if self.first is None or first > self.first:
            self.first = first

    def not_positive(self, value: int, slope: int) -> None:
        """Keep to the steps at which `value`, not above 0 now, does not rise above it."""
        if slope > 0:
            self.at_most(-value // slope)
        elif slope < 0:
            self.at_least(-(value // slope))

    def not_zero(self, value: int, slope: int) -> None:
        """Keep to the steps on this side of the one at which `value`, other than 0 now, would be 0, if there is one."""
        if slope and value % slope == 0:
            step = -value // slope
            if step > 0:
                self.at_most(step - 1)
            else:
                self.at_least(step + 1)

    def stay_zero(self, slope: int) -> None:
        """Keep to the steps at which what is 0 now, and changes by `slope`, is 0."""
        if slope:
            self.only_here()

    def only_here(self) -> None:
        """Keep to this one step."""
        self.at_most(0)
        self.at_least(0)


@dataclass(frozen=True, slots=True)
class Slopes:
    """How a number changes with each of several unknowns: counts like a number, and is false where it does not."""

    of: tuple[int, ...]

    def __bool__(self) -> bool:
        return any(self.of)

    def __neg__(self) -> Slopes:
        return Slopes(tuple(-it for it in self.of))

    def __add__(self, other: Slope) -> Slopes:
        if isinstance(other, Slopes):
            return Slopes(tuple(one + two for one, two in zip(self.of, other.of, strict=True)))
        return self

    def __sub__(self, other: Slope) -> Slopes:
        return self + -other

    def __rsub__(self, _: int) -> Slopes:
        return -self

    def __mul__(self, factor: int) -> Slopes:
        return Slopes(tuple(it * factor for it in self.of))

    def __floordiv__(self, divisor: int) -> Slopes:
        return Slopes(tuple(it // divisor for it in self.of))


Slope: TypeAlias = int | Slopes
"""How a number changes: with each step of one time, or with each of several unknowns. The number 0: not at all."""


class PathCondition(NamedTuple):
    """A linear condition on unknown whole numbers: the sum of `slopes` times them is <=, = or != `bound`."""

    slopes: tuple[int, ...]
    operator: str
    bound: int

    def holds(self, point: Sequence[int]) -> bool:
        """Whether it holds at a point."""
        value: int = sum(map(mul, self.slopes, point))
        if self.operator == "<=":
            return value <= self.bound
        return (value == self.bound) is (self.operator == "=")

    def __str__(self) -> str:
        terms = [(it, f"{'' if abs(it) == 1 else abs(it)}x{n}") for n, it in enumerate(self.slopes) if it]
        first = "-" if terms[0][0] < 0 else ""
        left = first + terms[0][1] + "".join(f" {'-' if it < 0 else '+'} {name}" for it, name in terms[1:])
        return f"{left} {self.operator} {self.bound}"


class Region:
    """The values of several unknowns, around those at which the law is applied, that leave all that is compared.

    `conditions` are what was noted, in the order in which it was; together they are exact: wherever they hold, the law
    goes the same way, and wherever it goes the same way they hold.
    """

    __slots__ = ("conditions", "here")

    def __init__(self, here: Sequence[int]) -> None:
        """Begin without conditions, at this value of each unknown."""
        self.here = tuple(here)
        self.conditions: dict[PathCondition, None] = {}

    def time(self, unknown: int, value: int) -> int:
        """Give a time in seconds, `value` here, that moves by a minute with each step of an unknown."""
        return self.number(value, Slopes(tuple(MINUTE if n == unknown else 0 for n in range(len(self.here)))))

    def number(self, value: int, slope: Slope) -> int:
        """Give a number that is `value` here and changes by `slope`; a plain one where it does not change."""
        if not slope:
            return int(value)
        found = int.__new__(Affine, value)
        found.slope = slope
        found.reach = self
        return found

    def not_positive(self, value: int, slope: Slope) -> None:
        """Keep to where `value`, not above 0 here, is not above 0."""
        self._note(value, slope, "<=")

    def not_zero(self, value: int, slope: Slope) -> None:
        """Keep to where `value`, other than 0 here, is not 0."""
        self._note(value, slope, "!=")

    def stay_zero(self, slope: Slope) -> None:
        """Keep to where what is 0 here, and changes by `slope`, is 0."""
        self._note(0, slope, "=")

    def only_here(self) -> None:
        """Keep to these values of all unknowns: what is not linear."""
        for n in range(len(self.here)):
            self.stay_zero(Slopes(tuple(int(n == other) for other in range(len(self.here)))))

    def _note(self, value: int, slope: Slope, operator: str) -> None:
        if not isinstance(slope, Slopes) or not slope:
            return
        bound = sum(map(mul, slope.of, self.here)) - value
        divisor = gcd(*slope.of)
        if operator != "<=":
            if bound % divisor:
                return  # whole numbers never are equal there
            if next(filter(None, slope.of)) < 0:  # both ways to write it are one condition
                divisor = -divisor
        self.conditions[PathCondition(tuple(it // divisor for it in slope.of), operator, bound // divisor)] = None


class Affine(int):
    """An integer with its change per step; whatever is compared is noted in its reach.

    It equals and hashes as the integer that it is now: what is looked up finds what it would find now.
    """

    slope: Any
    reach: Reach | Region

    __hash__ = int.__hash__

    # --- comparisons

    def __lt__(self, other: Any) -> bool:
        value = int(self) - int(other)
        slope = self.slope - slope_of(other)
        if value < 0:
            self.reach.not_positive(value + 1, slope)
            return True
        self.reach.not_positive(-value, -slope)
        return False

    def __le__(self, other: Any) -> bool:
        value = int(self) - int(other)
        slope = self.slope - slope_of(other)
        if value <= 0:
            self.reach.not_positive(value, slope)
            return True
        self.reach.not_positive(1 - value, -slope)
        return False

    def __gt__(self, other: Any) -> bool:
        return not self.__le__(other)

    def __ge__(self, other: Any) -> bool:
        return not self.__lt__(other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int):
            return False
        value = int(self) - int(other)
        slope = self.slope - slope_of(other)
        if value:
            self.reach.not_zero(value, slope)
            return False
        self.reach.stay_zero(slope)
        return True

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __bool__(self) -> bool:
        return self.__ne__(0)

    # --- arithmetic

    def __add__(self, other: int) -> int:
        return self.reach.number(int(self) + int(other), self.slope + slope_of(other))

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        return self.reach.number(int(self) - int(other), self.slope - slope_of(other))

    def __rsub__(self, other: int) -> int:
        return self.reach.number(int(other) - int(self), slope_of(other) - self.slope)

    def __neg__(self) -> int:
        return self.reach.number(-int(self), -self.slope)

    def __abs__(self) -> int:
        return self if self >= 0 else -self

    def __mul__(self, other: int) -> int:
        if slope_of(other):
            self.reach.only_here()
            return int(self) * int(other)
        return self.reach.number(int(self) * int(other), self.slope * int(other))

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> int:
        if slope_of(other) or other <= 0:
            self.reach.only_here()
            return int(self) // int(other)
        if stays_exact(int(other)) and divides(int(other), self.slope):
            return self.reach.number(int(self) // other, self.slope // other)
        quotient, rest = divmod(int(self), int(other))
        self.reach.not_positive(-rest, -self.slope)
        self.reach.not_positive(rest - other + 1, self.slope)
        return quotient

    def __rfloordiv__(self, other: int) -> int:
        self.reach.only_here()
        return int(other) // int(self)

    def __mod__(self, other: int) -> int:
        return self - (self // other) * other

    def __rmod__(self, other: int) -> int:
        self.reach.only_here()
        return int(other) % int(self)


def slope_of(value: object) -> Any:
    """How a value changes; 0 for a plain number."""
    return value.slope if isinstance(value, Affine) else 0


def divides(divisor: int, slope: Slope) -> bool:
    """Whether a number that changes so still changes by whole numbers when it is divided."""
    return not any(it % divisor for it in (slope.of if isinstance(slope, Slopes) else (slope,)))


def stays_exact(divisor: int) -> bool:
    """Whether a time divided by this changes by whole numbers; divided by anything else it is taken to stand still.

    Without this a day of the calendar, which changes once in many steps, would count as something that moves.
    """
    return MINUTE % divisor == 0


def moves(value: object) -> bool:
    """Whether a term holds a number that changes."""
    if isinstance(value, tuple):
        return any(map(moves, value))
    return type(value) is Affine


def written(value: object) -> object:
    """A term with each number that changes as its value and its slope, by which it can be told from others."""
    if isinstance(value, tuple):
        return tuple(map(written, value))
    return ("", int(value), value.slope) if isinstance(value, Affine) else value
