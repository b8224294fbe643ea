"""Many charts: answered in chunks by several processes, in the order of the input, in flat memory.

A chunk of sheets goes to a process, and comes back as what became of each chart. Only a few chunks are under way at a
time, so that memory does not grow with the input; how charts are cut into chunks and how many processes there are
changes no byte of the answers. A chart on which the engine itself fails is reported as that and costs no other chart
its answer, even where it takes its process down.

>>> from ivproof.charts import scan
>>> from ivproof.policy import Policy
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
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import chain, islice
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, NamedTuple

from ivproof.charts import Sheet, UniqueIds
from ivproof.coding import Coder, Recheck
from ivproof.determination import Determination
from ivproof.encounter import Encounter
from ivproof.policy import Policy
from ivproof.refusal import Refusal, Source
from ivproof.second import DisagreementError

CHUNK = 200
"""Charts that are answered together."""

RECHECKED = 20
"""Up to so many charts, the second engine derives every answer again where nothing else is said."""

FEW = 400
"""So many charts are answered sooner than further processes have started."""

UNDER_WAY = 3
"""Chunks per process that wait, are worked on, or wait to be given back."""

Form = Callable[[Encounter, Determination], Any]
"""What is wanted of a chart: a function that a process can be sent, so one of a module."""


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

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each reason why there is no result; of a failure nothing that stands in the chart but its id."""
        if self.failure is None:
            return tuple(map(str, self.refusals))
        where = self.source.file if self.source.line is None else f"{self.source.file}:{self.source.line}"
        name = f": {self.encounter}" if self.encounter else ""
        return (f"{where}{name}: internal error, chart {self.position} of the input has no answer: {self.failure}",)


class Job(NamedTuple):
    """By what charts are answered, and in what form: everything that a process needs to know."""

    policy: Policy
    readings: Mapping[str, str]
    form: Form
    recheck: Recheck | None = None
    """Which answers the second engine derives again; None: all of a few charts, a sample of many."""


def as_line(encounter: Encounter, determination: Determination) -> bytes:
    """Give a determination as one line of JSON Lines."""
    text = json.dumps(determination.as_dict(), ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def outcomes(
    sheets: Iterable[Sheet], job: Job, *, jobs: int | None = None, chunk: int = CHUNK, few: int = FEW
) -> Generator[Outcome, None, None]:
    """Answer charts, in their order.

    `jobs` is the number of processes (default: the cores); with 1, or for no more than `few` charts, none is started.
    Close the iterator (or leave the loop by an exception) to stop early: the processes are ended.
    """
    ids = UniqueIds()
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

_Chunk = Sequence[tuple[int, Sheet]]


class _Worker:
    """Answers chunks, with everything loaded that takes time to load."""

    def __init__(self, job: Job) -> None:
        self.form = job.form
        self.recheck: Recheck = job.recheck or "none"
        self.coder = Coder(job.policy, job.readings)

    def answer(self, charts: _Chunk) -> list[Outcome]:
        found = [self._checked(position, sheet) for position, sheet in charts]
        ready = [n for n, (_, encounter) in enumerate(found) if encounter is not None]
        encounters = [encounter for _, encounter in found if encounter is not None]
        for n, encounter, answer in zip(ready, encounters, self._code(encounters), strict=True):
            outcome = found[n][0]
            found[n] = (self._formed(outcome, encounter, answer), None)
        return [outcome for outcome, _ in found]

    def _checked(self, position: int, sheet: Sheet) -> tuple[Outcome, Encounter | None]:
        try:
            chart = sheet.chart()
        except Exception as error:  # whatever it is, the other charts are to be answered
            return Outcome(position, sheet.source, None, failure=_place_of(error)), None
        name = None if chart.encounter is None else chart.encounter.id
        return Outcome(position, sheet.source, name, refusals=chart.refusals), chart.encounter

    def _code(self, encounters: Sequence[Encounter]) -> list[Determination | str]:
        """Code together, or where that fails one by one, to lose no more than the chart at fault."""
        if not encounters:
            return []
        try:
            return list(self.coder.code(encounters, self.recheck))
        except Exception as error:
            if len(encounters) == 1:
                return [_place_of(error)]
        return [answer for encounter in encounters for answer in self._code([encounter])]

    def _formed(self, outcome: Outcome, encounter: Encounter, answer: Determination | str) -> Outcome:
        if isinstance(answer, str):
            return replace(outcome, failure=answer)
        try:
            return replace(outcome, result=self.form(encounter, answer))
        except Exception as error:
            return replace(outcome, failure=_place_of(error))


def _in_this_process(chunks: Iterator[_Chunk], job: Job) -> Generator[Outcome, None, None]:
    worker = _Worker(job)
    for charts in chunks:
        yield from worker.answer(charts)


def _place_of(error: BaseException) -> str:
    """Name an error by its kind and place in this package: its message could repeat what stands in a chart.

    That two engines differ is said in full: the message has codes and units only.
    """
    if isinstance(error, DisagreementError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent.name in {"ivproof", "render"}]
    where = [f" in {Path(frame.filename).name}:{frame.lineno}" for frame in own[-1:]]
    return type(error).__name__ + "".join(where)


# --- Several processes

_worker: _Worker | None = None  # one for each process


def _begin(job: Job) -> None:
    """Prepare a process. Ctrl-C reaches all processes of a terminal: only the first one decides what it means."""
    global _worker  # noqa: PLW0603 - a process of a pool keeps what it works with in its module
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker = _Worker(job)


def _work(charts: _Chunk) -> list[Outcome]:
    if _worker is None:
        raise RuntimeError("the process was not prepared")
    return _worker.answer(charts)


def _context() -> BaseContext:
    """How processes are started: never as copies of this one, which may have threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


class _Pool:
    """Processes for one job; `close` ends them, without waiting for what they still work on."""

    def __init__(self, job: Job, jobs: int) -> None:
        self._before = set(multiprocessing.active_children())
        self._executor = ProcessPoolExecutor(jobs, _context(), initializer=_begin, initargs=(job,))

    def submit(self, charts: _Chunk) -> Future[list[Outcome]]:
        try:
            return self._executor.submit(_work, charts)
        except BrokenProcessPool as error:
            failed: Future[list[Outcome]] = Future()
            failed.set_exception(error)
            return failed

    def close(self) -> None:
        processes = set(multiprocessing.active_children()) - self._before
        for process in processes:
            process.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for process in processes:
            process.join()


def _in_processes(chunks: Iterator[_Chunk], job: Job, jobs: int) -> Generator[Outcome, None, None]:
    """Keep all processes busy with a bounded number of chunks, and give the outcomes back in order."""
    under_way: deque[tuple[_Chunk, Future[list[Outcome]]]] = deque()
    pool = _Pool(job, jobs)
    try:
        while True:
            for charts in islice(chunks, jobs * UNDER_WAY - len(under_way)):
                under_way.append((charts, pool.submit(charts)))
            if not under_way:
                break
            charts, future = under_way.popleft()
            try:
                found = future.result()
            except BrokenProcessPool:
                # a process died, and with it all chunks under way: which chart it was shows when they are alone
                lost = [charts, *(waiting for waiting, _ in under_way)]
                under_way.clear()
                pool.close()
                for part in lost:
                    yield from _alone(part, job)
                pool = _Pool(job, jobs)
            else:
                yield from found
    finally:
        pool.close()


def _alone(charts: _Chunk, job: Job) -> Iterator[Outcome]:
    """Answer a chunk in a process of its own; where that dies, each half, down to the chart at fault."""
    pool = _Pool(job, 1)
    try:
        yield from pool.submit(charts).result()
    except BrokenProcessPool:
        if len(charts) == 1:
            [(position, sheet)] = charts
            yield Outcome(position, sheet.source, None, failure="the process that worked on it ended")
        else:
            half = len(charts) // 2
            yield from _alone(charts[:half], job)
            yield from _alone(charts[half:], job)
    finally:
        pool.close()
