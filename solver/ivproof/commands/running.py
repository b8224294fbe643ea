"""Answering charts from the command line: interruptible, with a count of how far it has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from ivproof.commands.common import FAULT, INTERRUPTED, REFUSED, UNDECIDED, say, worse

if TYPE_CHECKING:
    from ivproof.chart.files import AnySheet
    from ivproof.chart.refusal import Source
    from ivproof.claim.batch import Job, Outcome
    from ivproof.commands.output import Output

Write = Callable[[Any], bytes | str]
"""From a result to what is written of it; text is not written but told as a problem of the chart."""

Note = Callable[[str, str, bytes], None]
"""Takes the id of a chart, its digest, and what will be written of it, which may be nothing."""


def run(
    sheets: Iterable[AnySheet],
    job: Job,
    jobs: int | None,
    write: Write,
    sink: Output,
    *,
    seen: Iterable[tuple[Source, str]] = (),
    note: Note | None = None,
    finish: Callable[[], None] | None = None,
    told: dict[str, bool] | None = None,
) -> int:
    """Answer charts and write the answers; give the exit status.

    `note` is told of each chart that could be read, before anything is written of it. `told` is filled with the files,
    and whether every chart of each was answered. `finish` closes the output in place of `sink.finish`, where more is to
    be done than to give it its name.
    """
    from ivproof.claim.batch import outcomes
    from ivproof.commands.output import Interruption
    from ivproof.commands.progress import Counter
    from ivproof.law.language import LawError
    from ivproof.law.policy import PolicyError

    answered, judged, status = 0, 0, 0
    try:
        with (
            Interruption() as interruption,
            Counter(hidden=sink.path is None and sys.stdout.isatty()) as counter,
            _closing(outcomes(sheets, job, jobs=jobs, seen=seen)) as found,
        ):
            for outcome in found:
                for problem in outcome.problems:
                    status = worse(status, _status(outcome))
                    counter.say(problem)
                file = outcome.source.file
                if told is not None:
                    told[file] = told.get(file, True) and not outcome.problems
                if outcome.result is not None:
                    lines = outcome.result if isinstance(outcome.result, str) else write(outcome.result)
                    if note is not None and outcome.encounter is not None:
                        # what was left undecided is noted as not written: whoever goes on tries it, and tells it, again
                        kept = lines if isinstance(lines, bytes) and not outcome.undecided else b""
                        note(outcome.encounter, outcome.digest, kept)
                    if isinstance(lines, str):
                        if told is not None:
                            told[file] = False
                        status = worse(status, REFUSED)
                        counter.say(f"{outcome.source.where}: {outcome.encounter}: {lines}")
                    else:
                        with interruption.shield():
                            sink.write(lines)
                            if sink.path is not None:
                                sink.flush()  # a run that is killed loses nothing that was answered
                            answered += 1
                            judged += outcome.judged
                elif note is not None and outcome.encounter is not None:
                    note(outcome.encounter, outcome.digest, b"")
                counter.advance()
        sink.holds = charts(answered) + _judged(judged, answered)
        (finish or partial(sink.finish, whole=True))()
    except KeyboardInterrupt:
        sink.finish(whole=False)
        written = sink.written if sink.path else "the output"
        say(f"ivproof: interrupted; {count(answered)} answered, {written} is whole up to there")
        return INTERRUPTED
    except (PolicyError, LawError):
        sink.discard()
        raise
    except BrokenPipeError:
        raise  # nobody reads on: the caller of the command knows
    except OSError as error:
        sink.leave()
        say(f"ivproof: cannot write {sink.told}: {error.strerror or error}; {count(answered)} answered")
        return REFUSED
    return status


def _judged(number: int, answered: int) -> str:
    return f", {number} of them derived by clingo and by the second engine: none differs" if number < answered else ""


def gather(files: Sequence[str], job: Job, jobs: int | None, add: Callable[[Any], None]) -> int:
    """Answer charts and count the answers, of which nothing is written before the last one; give the exit status."""
    from ivproof.claim.batch import outcomes
    from ivproof.commands.charts import charts_of
    from ivproof.commands.common import telling_policy_errors
    from ivproof.commands.progress import Counter

    added, status = 0, 0
    try:
        with telling_policy_errors(), Counter(hidden=False) as counter:
            for outcome in outcomes(charts_of(files), job, jobs=jobs):
                for problem in outcome.problems:
                    status = worse(status, _status(outcome))
                    counter.say(problem)
                if outcome.result is not None:
                    add(outcome.result)
                    added += 1
                counter.advance()
    except KeyboardInterrupt:
        say(f"ivproof: interrupted after {added} charts; nothing was written")
        return INTERRUPTED
    return status


def _status(outcome: Outcome) -> int:
    """The exit status of a chart that was not answered."""
    return UNDECIDED if outcome.undecided else REFUSED if outcome.failure is None else FAULT


def files_told(told: Mapping[str, bool]) -> None:
    """Say how many files were answered, and how many not or not wholly."""
    answered = sum(told.values())
    files = "1 file" if len(told) == 1 else f"{len(told)} files"
    say(f"{files}: {answered} answered, {len(told) - answered} refused")


def count(answered: int) -> str:
    """Say of how many charts something is told."""
    return f"{charts(answered)} {'was' if answered == 1 else 'were'}"


def charts(number: int) -> str:
    """Say how many charts there are."""
    return "1 chart" if number == 1 else f"{number} charts"


@contextmanager
def _closing(found: Any) -> Iterator[Any]:
    """End the processes behind an iterator, however it is left."""
    try:
        yield found
    finally:
        found.close()
