"""A suite of cases that notices the changes of a law, made from generated charts: each has what the law says of it now.

In: a law. Out: few cases, what they notice when they are judged as any cases are, and the changes that none does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.cases.files import Case
from ivproof.cases.writing import case_of, expectation
from ivproof.claim.coding import Coder
from ivproof.engine.cover import least_cover
from ivproof.suites.adequacy import Change, changes_of, chart_judge, noticing
from ivproof.suites.judge import Judge
from ivproof.suites.mutants import Operator

KILLERS = 20
"""Of a change so many charts that notice it are kept, small ones first; the smallest suite is one of these."""

COVERING = 30.0
"""So many seconds it is looked for a smaller suite, where it is not to be the smallest."""


@dataclass
class Suite:
    """Cases as plain data, with what they notice. `least` says that no fewer of the charts looked at would do."""

    cases: list[dict[str, Any]]
    changes: int
    noticed: int
    rest: list[Change]
    least: bool
    up_to: int
    charts: int
    unfinished: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give what is said of it as plain data."""
        return {
            "cases": len(self.cases),
            "changes": self.changes,
            "noticed": self.noticed,
            "least": self.least,
            "complete": not self.unfinished,
            "unfinished": list(self.unfinished),
            "bound": {"administrations": self.up_to, "charts": self.charts, "of_a_change": KILLERS},
            "rest": [it.as_dict() for it in self.rest],
        }


def suite(
    coder: Coder,
    up_to: int,
    seconds: float,
    *,
    operators: Sequence[Operator],
    minimum: bool = False,
    jobs: int = 1,
    told: Callable[[], None] = lambda: None,
) -> Suite:
    """Make a suite from charts of up to so many administrations; charts are looked for so many seconds.

    With `minimum` it does not stop before no fewer of these charts would do. `told` is called after each change that
    was gone through. Raises PolicyError.
    """
    until = time.monotonic() + seconds
    changes, _ = changes_of(coder, operators)
    charts = chart_judge(coder, up_to)
    options = charts.options()
    covers: dict[int, list[int]] = {}
    unfinished: list[str] = []
    for n, (change, notices) in enumerate(noticing(charts, changes, KILLERS, jobs, until)):
        told()
        places = [it.place for it in notices or ()]
        if change.option in options:
            places = [options[change.option]]
        if places:
            covers[n] = places
        elif notices is None:
            unfinished.append(f"{change.words}: the time was up")
    chosen, least = least_cover(covers, float("inf") if minimum else COVERING)
    encounters = [charts.cases[it].encounter for it in chosen]
    coded = coder.code(encounters, changes=False)
    plain = [case_of(encounter, found, {}) for encounter, found in zip(encounters, coded, strict=True)]
    cases = [Case(it.id, "suite", it, {}, expectation(found)) for it, found in zip(encounters, coded, strict=True)]
    judge = Judge(coder, cases)
    told_apart = judge.options()
    rest: list[Change] = []
    for change, notices in noticing(judge, changes, 1, jobs, float("inf")):
        if not notices and change.option not in told_apart:
            rest.append(change)
    return Suite(plain, len(changes), len(changes) - len(rest), rest, least, up_to, charts.asked, unfinished)
