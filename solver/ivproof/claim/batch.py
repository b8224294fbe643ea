"""Many charts: answered in chunks by several processes, in the order of the input, in flat memory.

A chunk of sheets goes to a process, and comes back as what became of each chart. Only a few chunks are under way at a
time, so that memory does not grow with the input; how charts are cut into chunks and how many processes there are
changes no byte of the answers. A chart on which the engine itself fails is reported as that and costs no other chart
its answer, even where it takes its process down.

>>> from ivproof.chart.files import scan
>>> from ivproof.law.policy import Policy
>>> chart = b'{"id": "A", "place_of_service": "22", "date": "2020-10-05"}'
>>> [outcome] = outcomes(scan(["-"], [chart]), Job(Policy.load("out001"), {}, as_line), jobs=1)
>>> outcome.encounter, outcome.result[:39]
('A', b'{"encounter":"A","policy":{"id":"out001')
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, Protocol

from ivproof.chart.bounds import TooManyWaysError, bounded, for_chart
from ivproof.chart.encounter import Encounter, digest
from ivproof.chart.files import AnySheet, UniqueIds
from ivproof.chart.refusal import Refusal, Source, show
from ivproof.claim.coding import Coder, Recheck, is_rechecked
from ivproof.claim.determination import Determination
from ivproof.engine.faults import place_of
from ivproof.formats.plain import json_text
from ivproof.law.policy import Policy
from ivproof.recheck.budget import WORK

try:
    import resource
except ImportError:  # Windows does not tell
    resource = None  # type: ignore[assignment]

CHUNK = 200
"""Charts that are answered together."""

RECHECKED = 20
"""Up to so many charts, every answer is derived again where nothing else is said."""

FEW = 400
"""So many charts are answered sooner than further processes have started."""

UNDER_WAY = 3
"""Chunks per process that are worked on or wait to be given back in their order."""

Form = Callable[[Encounter, Any], Any]
"""What is wanted of a chart and its answer: a function that a process can be sent, so one of a module."""


class Answers(Protocol):
    """Answers charts: a coder, or what stands on one."""

    def code(self, encounters: Sequence[Encounter], recheck: Recheck) -> Sequence[Any]:
        """Answer each encounter, in the order given; `recheck` says which answers are derived again."""

    def undecided(self, encounter: Encounter, why: str) -> Any:
        """Give what stands for the answer of an encounter that takes too much work; None where nothing does."""


GROWN = 100 * 2**20
"""A process that has grown by so many bytes makes way for a new one: the solver gives no term back that it has met."""

Make = Callable[[Policy, Mapping[str, str]], Answers]
"""Makes what answers charts; a process can be sent it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one chart: a result, refusals, or the place where the engine failed.

    `position` counts the charts of the input from 1; `encounter` is the id where the chart could be read.
    """

    position: int
    source: Source
    encounter: str | None
    result: Any = None
    refusals: tuple[Refusal, ...] = ()
    failure: str | None = None
    undecided: str = ""
    """Why the chart was not gone through to its end: it takes more work than is allowed."""
    digest: str = ""
    """Of the chart, where it could be read."""
    judged: bool = False
    """Whether the answer was derived by clingo and by the second engine, and did not differ."""

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each reason why there is no result; of a failure nothing that stands in the chart but its id."""
        if self.undecided:
            return (f"{self.source.where}: {self.undecided}",)
        if self.failure is None:
            return tuple(map(str, self.refusals))
        where = self.source.where + (f": {self.encounter}" if self.encounter else "")
        return (f"{where}: internal error, chart {self.position} of the input has no answer: {self.failure}",)


class Job(NamedTuple):
    """By what charts are answered, and in what form: everything that a process needs to know."""

    policy: Policy
    readings: Mapping[str, str]
    form: Form
    recheck: Recheck | None = None
    """Which answers are derived again; None: all of a few charts, a sample of many."""
    make: Make = Coder
    """Makes what answers the charts; what it answers is what the form is given."""
    limit: int = WORK
    """The work that one chart may take, in atoms that are looked at."""


def as_line(encounter: Encounter, determination: Determination) -> bytes:
    """Give a determination as one line of JSON Lines."""
    text = json_text(json.dumps(determination.as_dict(), ensure_ascii=False, separators=(",", ":")))
    return text.encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Strict:
    """A form of answers that are refused, as text that says why, where something charted may be a slip of the pen."""

    form: Form

    def __call__(self, encounter: Encounter, answer: Any) -> Any:
        """Give the answer in its form, or the reasons why there is none."""
        found: Determination = getattr(answer, "determination", answer)
        return slips(found) or self.form(encounter, answer)


def slips(found: Determination) -> str:
    """What is charted and may be a slip of the pen, as a reason to refuse the chart; nothing where nothing is."""
    doubted = [it for it in found.missing if it.charted]
    return "; ".join(f"{it.fact}: found {show(it.charted)}, expected no slip: {it.message}" for it in doubted)


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def outcomes(
    sheets: Iterable[AnySheet],
    job: Job,
    *,
    jobs: int | None = None,
    chunk: int = CHUNK,
    few: int = FEW,
    seen: Iterable[tuple[Source, str]] = (),
) -> Generator[Outcome, None, None]:
    """Answer charts, in their order.

    `jobs` is the number of processes (default: the cores); with 1, or for no more than `few` charts, none is started.
    `seen` are encounters (by source and id) that were answered before: another chart with such an id is refused.
    Close the iterator (or leave the loop by an exception) to stop early: the processes are ended.
    """
    ids = UniqueIds()
    for source, name in seen:
        ids.repeated(source, name)
    numbered = enumerate(sheets, start=1)
    wanted = cores() if jobs is None else jobs
    first = list(islice(numbered, max(few if wanted > 1 else 0, RECHECKED) + 1))
    if job.recheck is None:
        job = job._replace(recheck="all" if len(first) <= RECHECKED else "sample")
    charts = chain(first, numbered)
    chunks = iter(lambda: list(islice(charts, chunk)), [])
    found = _in_processes(chunks, job, wanted) if wanted > 1 and len(first) > few else _in_this_process(chunks, job)
    try:
        for outcome in found:
            yield _once(ids, outcome)
    finally:
        found.close()


def _once(ids: UniqueIds, outcome: Outcome) -> Outcome:
    """Refuse a chart whose id an earlier one of the batch has."""
    if outcome.encounter is None:
        return outcome
    repeated = ids.repeated(outcome.source, outcome.encounter)
    return outcome if repeated is None else replace(outcome, result=None, refusals=(repeated,), failure=None)


# --- One process

_Chunk = Sequence[tuple[int, AnySheet]]


class _Failed(NamedTuple):
    """Stands for the answer of a chart on which the engine failed."""

    where: str


class _Undecided(NamedTuple):
    """Stands for the answer of a chart that takes more work than is allowed."""

    why: str


class _Worker:
    """Answers chunks, with everything loaded that takes time to load."""

    def __init__(self, job: Job) -> None:
        self.form = job.form
        self.recheck: Recheck = job.recheck or "none"
        self.limit = job.limit
        self.coder = job.make(job.policy, job.readings)
        settings = job.policy.settings(job.readings)
        self.open = [key.upper() for key, option in settings.items() if option is None]

    def answer(self, charts: _Chunk) -> list[Outcome]:
        found = [self._checked(position, sheet) for position, sheet in charts]
        ready = [n for n, (_, encounter) in enumerate(found) if encounter is not None]
        encounters = [encounter for _, encounter in found if encounter is not None]
        for n, encounter, answer in zip(ready, encounters, self._code(encounters), strict=True):
            outcome = found[n][0]
            found[n] = (self._formed(outcome, encounter, answer), None)
        return [outcome for outcome, _ in found]

    def _checked(self, position: int, sheet: AnySheet) -> tuple[Outcome, Encounter | None]:
        try:
            chart = sheet.chart()
        except Exception as error:  # whatever it is, the other charts are to be answered
            return Outcome(position, sheet.source, None, failure=place_of(error)), None
        if chart.encounter is None:
            return Outcome(position, sheet.source, None, refusals=chart.refusals), None
        return Outcome(position, sheet.source, chart.encounter.id, digest=digest(chart.encounter)), chart.encounter

    def _code(self, encounters: Sequence[Encounter]) -> list[Any]:
        """Code together, or where that fails in halves, to lose no more than the chart at fault."""
        if not encounters:
            return []
        if len(encounters) == 1:
            return [self._alone(encounters[0])]
        try:
            # together they may take no more than one by itself: what takes more is answered in halves
            with bounded(self.limit):
                return list(self.coder.code(encounters, self.recheck))
        except Exception:
            half = len(encounters) // 2
        return [answer for some in (encounters[:half], encounters[half:]) for answer in self._code(some)]

    def _alone(self, encounter: Encounter) -> Any:
        try:
            with for_chart(encounter, self.limit, self.open):
                [answer] = self.coder.code([encounter], self.recheck)
        except TooManyWaysError as error:
            return _Undecided(str(error))
        except Exception as error:
            return _Failed(place_of(error))
        return answer

    def _formed(self, outcome: Outcome, encounter: Encounter, answer: Any) -> Outcome:
        if isinstance(answer, _Failed):
            return replace(outcome, failure=answer.where)
        if isinstance(answer, _Undecided):
            outcome = replace(outcome, undecided=answer.why)
            answer = self.coder.undecided(encounter, answer.why)
            if answer is None:
                return outcome
        try:
            judged = is_rechecked(encounter.id, self.recheck) and not outcome.undecided
            return replace(outcome, result=self.form(encounter, answer), judged=judged)
        except Exception as error:
            return replace(outcome, failure=place_of(error))


def _in_this_process(chunks: Iterator[_Chunk], job: Job) -> Generator[Outcome, None, None]:
    worker = _Worker(job)
    for charts in chunks:
        yield from worker.answer(charts)


# --- Several processes


def _serve(connection: Connection, job: Job) -> None:
    """Answer chunks as they come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked, see _out_of_reach
    worker = _Worker(job)
    loaded = _most_held()
    while True:
        try:
            charts = connection.recv()
        except EOFError:  # the first process is gone
            return
        found = worker.answer(charts)
        connection.send((found, _most_held() - loaded))


def _most_held() -> int:
    """The most memory that this process has held, in bytes; 0 where the system does not tell."""
    if resource is None:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class _Process:
    """A process that works on one chunk at a time."""

    def __init__(self, job: Job) -> None:
        context = _context()
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, job), daemon=True)
        with _out_of_reach():
            self._process.start()
        theirs.close()  # so that the end of the process is the end of the connection
        self.charts: _Chunk = ()
        self.number = 0
        self.grown = 0

    def give(self, number: int, charts: _Chunk) -> None:
        """Hand over a chunk; whether the process lives shows when the answer is taken."""
        self.number, self.charts = number, charts
        with suppress(OSError):
            self.connection.send(charts)

    def take(self) -> list[Outcome] | None:
        """Wait for the answer; None where the process died of the chunk."""
        try:
            found: list[Outcome]
            found, self.grown = self.connection.recv()
        except (EOFError, OSError):
            return None
        return found

    def close(self) -> None:
        """End the process, whatever it works on."""
        self._process.terminate()
        self._process.join()
        self.connection.close()


@contextmanager
def _out_of_reach() -> Iterator[None]:
    """Keep Ctrl-C from what is started here. It reaches all processes of a terminal; only the first one decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which would let the signal through again, if it were started below
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _context() -> Any:
    """How processes are started: never as copies of this one, which may have threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _in_processes(chunks: Iterator[_Chunk], job: Job, jobs: int) -> Generator[Outcome, None, None]:
    """Keep all processes busy, hold a bounded number of chunks, and give the outcomes back in order."""
    # raises here what would end each process, and keeps what they all need to work out
    job.make(job.policy, job.readings)
    processes = [_Process(job) for _ in range(jobs)]
    busy: dict[Any, _Process] = {}
    done: dict[int, list[Outcome]] = {}
    given = back = 0
    try:
        while True:
            idle = [process for process in processes if process.connection not in busy]
            for process, charts in zip(idle[: jobs * UNDER_WAY - (given - back)], chunks, strict=False):
                process.give(given, charts)
                busy[process.connection] = process
                given += 1
            if back in done:
                yield from done.pop(back)
                back += 1
            elif not busy:
                return
            else:
                for connection in wait(list(busy)):
                    process = busy.pop(connection)
                    found = process.take()
                    if found is None or process.grown > GROWN:
                        process.close()
                        processes[processes.index(process)] = _Process(job)
                    if found is None:
                        found = list(_alone(process.charts, job))
                    done[process.number] = found
    finally:
        for process in processes:
            process.close()


def _alone(charts: _Chunk, job: Job) -> Iterator[Outcome]:
    """Answer a chunk of which a process died: in halves that each have a process, down to the chart at fault."""
    process = _Process(job)
    try:
        process.give(0, charts)
        found = process.take()
    finally:
        process.close()
    if found is not None:
        yield from found
    elif len(charts) == 1:
        [(position, sheet)] = charts
        yield Outcome(position, sheet.source, None, failure="the process that worked on it ended")
    else:
        half = len(charts) // 2
        yield from _alone(charts[:half], job)
        yield from _alone(charts[half:], job)
