"""How much work one chart may take, and what is said where it would take more.

Work is counted as the checker counts it (see `recheck.budget`): one for each atom that is looked at, more for each that
is kept, so that the same chart ends in the same way everywhere. What grounds, searches or derives takes its work off
the budget that holds where it is called; where none does, there is no bound.

>>> with bounded(3):
...     spend(2)
...     spend(2)
Traceback (most recent call last):
ivproof.recheck.budget.LimitError: it takes more work than the limit allows
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from ivproof.chart.clock import DAY
from ivproof.chart.consistency import VASCULAR
from ivproof.chart.encounter import Encounter
from ivproof.recheck.budget import KEPT, WORK, Budget, LimitError

MILLION = 10**6


class TooManyWaysError(RuntimeError):
    """A chart that leads to more than can be gone through; the message has nothing of it but ids and numbers."""


T = TypeVar("T")

_NOW: ContextVar[Budget | None] = ContextVar("work", default=None)


@contextmanager
def bounded(work: int) -> Iterator[Budget]:
    """Allow so much work to what is done inside. Raises LimitError."""
    token = _NOW.set(Budget(work))
    try:
        yield current()
    finally:
        _NOW.reset(token)


@contextmanager
def free() -> Iterator[None]:
    """Take nothing off for what is done inside: it is prepared once, for all charts, and belongs to none of them."""
    token = _NOW.set(None)
    try:
        yield
    finally:
        _NOW.reset(token)


SHARE = 4
"""What an answer can do without may take one part in so many of the work that is left."""


@contextmanager
def a_share() -> Iterator[None]:
    """Allow what is done inside a share of the work that is left, beside what is left for the answer itself."""
    with bounded(current().left // SHARE):
        yield


def parts(items: Sequence[T], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """Cut what is solved together into parts of at most so many, and of no more facts than memory has room for.

    `size` tells how many facts one of them has.
    """
    some: list[T] = []
    facts = 0
    for it in items:
        own = size(it)
        if some and (len(some) == most or facts + own > FACTS):
            yield some
            some, facts = [], 0
        some.append(it)
        facts += own
    if some:
        yield some


FACTS = 20_000
"""So many facts are solved together, or atoms that stand for them: those of some two hundred usual charts."""


def current() -> Budget:
    """Give the budget that holds here."""
    return _NOW.get() or Budget()


def spend(work: int) -> None:
    """Take work off the budget that holds here. Raises LimitError."""
    budget = _NOW.get()
    if budget is not None:
        budget.spend(work)


def keep(atoms: int) -> None:
    """Take off what it costs to keep so many atoms. Raises LimitError."""
    spend(KEPT * atoms)


@contextmanager
def for_chart(encounter: Encounter, work: int = WORK, held_open: Sequence[str] = ()) -> Iterator[None]:
    """Allow one chart so much work. Raises TooManyWaysError, which says what makes the chart large.

    `held_open` are the numbers of the questions for which no option is held.
    """
    try:
        with bounded(work):
            yield
    except LimitError:
        many = f"it takes more work than is allowed ({work // MILLION} million atoms)"
        raise TooManyWaysError(_text(encounter, many, held_open)) from None
    except TooManyWaysError as error:
        raise TooManyWaysError(_text(encounter, str(error), held_open)) from None


def _text(encounter: Encounter, why: str, held_open: Sequence[str]) -> str:
    said = why.removeprefix(f"{encounter.id}: ")
    makes = "; ".join(large(encounter, held_open))
    return f"{encounter.id}: {said}. What makes it large: {makes}. Settle some of it, or allow more with --limit."


FEW = 3
"""So many ids and questions are named."""

MANY = 30
"""So many administrations, pauses and days are nothing out of the ordinary."""


def large(encounter: Encounter, held_open: Sequence[str] = ()) -> list[str]:
    """Say what makes a chart large and what would settle it: a phrase for each, with numbers and ids."""
    given = [it for it in encounter.administrations if it.done]
    into_vessels = [it for it in given if it.route in VASCULAR]
    found = ["1 administration" if len(given) == 1 else f"{len(given)} administrations"]
    if (pauses := sum(len(it.pauses) for it in given)) > MANY:
        found.append(f"{pauses} pauses")
    lists = (
        ("access sites", encounter.access_sites),
        ("services", encounter.services),
        ("diagnoses", encounter.diagnoses),
        ("main reasons", encounter.primary_reason),
    )
    found += [f"{len(it)} {name}" for name, it in lists if len(it) > MANY]
    days = max((it.stop.seconds - it.start.seconds for it in given if it.start and it.stop), default=0) // DAY
    if days > MANY:
        found.append(f"a run of {days} days")
    without = (
        ("start", [it.id for it in given if it.start is None]),
        ("stop", [it.id for it in into_vessels if it.stop is None and it.method != "push"]),
        ("site", [it.id for it in into_vessels if it.site is None]),
    )
    found += [f"{len(ids)} without a {field} ({_named(ids)})" for field, ids in without if ids]
    return found + ([f"questions held open: {_named(held_open)}"] if held_open else [])


def _named(names: Iterable[str]) -> str:
    every = [*names]
    more = len(every) - FEW
    return ", ".join(every[:FEW]) + (f" and {more} more" if more > 0 else "")
