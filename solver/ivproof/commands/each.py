"""Doing something with each chart of some files: what goes wrong with one is told, and costs no other its turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from ivproof.commands.charts import read_charts
from ivproof.commands.common import FAULT, LIMIT, REFUSED, UNDECIDED, say, worse

if TYPE_CHECKING:
    from ivproof.chart.encounter import Encounter
    from ivproof.chart.refusal import Source


def each_chart(
    files: Sequence[str],
    work: Callable[[Encounter, Source], int],
    held_open: Callable[[Encounter], Sequence[str]] = lambda _: (),
    undecided: Callable[[Encounter, str], None] = lambda _encounter, _why: None,
) -> int:
    """Do work with each chart, which gives a status of its own; give the exit status of all.

    Each may take as much work as --limit says; `held_open` are the questions that make it large, `undecided` is told
    where that is not enough.
    """
    from ivproof.chart.bounds import TooManyWaysError, for_chart
    from ivproof.engine.faults import place_of
    from ivproof.law.language import LawError
    from ivproof.law.policy import PolicyError

    status = 0
    for chart in read_charts(files):
        for refusal in chart.refusals:
            say(str(refusal))
            status = worse(status, REFUSED)
        if chart.encounter is None:
            continue
        encounter = chart.encounter
        try:
            with for_chart(encounter, LIMIT.work, held_open(encounter)):
                status = worse(status, work(encounter, chart.source))
        except (PolicyError, LawError, OSError, typer.Exit):
            raise  # not of this chart alone
        except TooManyWaysError as error:
            say(f"{chart.source.where}: {error}")
            undecided(encounter, str(error))
            status = worse(status, UNDECIDED)
        except Exception as error:  # whatever it is, the other charts are to be answered
            say(f"{chart.source.where}: {encounter.id}: internal error: {place_of(error)}")
            status = worse(status, FAULT)
    return status
