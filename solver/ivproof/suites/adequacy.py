"""Which changes of a law some cases do not tell apart, each with a small chart that would.

In: cases that are as the law has it. Out: the mutants of the law and the options of its questions that none of them
notices; where a chart of a pool does, the first one, with what the law and the changed law say of it.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ivproof.cases.files import Case
from ivproof.cases.running import judge as judge_cases
from ivproof.cases.writing import expectation
from ivproof.chart.encounter import dumps
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.engine.choices import OPEN
from ivproof.recheck.syntax import asked
from ivproof.suites.judge import TOLD, Judge, Notice
from ivproof.suites.mutants import Mutant, Notes, Operator, mutants
from ivproof.suites.pool import pool

OPTION = "option"
"""The kind of change that is another option of a question."""


@dataclass(frozen=True)
class Change:
    """A change of a law: a mutant of it, or another option of a question than is held by default."""

    mutant: Mutant | None = None
    option: tuple[str, str] | None = None

    @property
    def operator(self) -> str:
        """The kind of change."""
        return OPTION if self.mutant is None else self.mutant.operator.value

    @property
    def words(self) -> str:
        """The change in words."""
        if self.mutant is None:
            question, option = self.option or ("", "")
            return f"{question.upper()}={option}"
        it = self.mutant
        return f"{it.rule.id}{f' clause {it.rule.clause}' if it.rule.clause > 1 else ''}: {it.change}"

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        if self.mutant is None:
            question, option = self.option or ("", "")
            return {"kind": OPTION, "question": question.upper(), "option": option}
        it = self.mutant
        where = {"file": it.rule.file, "line": it.rule.line}
        return {"kind": self.operator, "rule": it.rule.id, "clause": it.rule.clause, "change": it.change, **where}


@dataclass(frozen=True)
class Shown:
    """A chart on which a change shows: what the law and the changed law say of it, as far as it is otherwise."""

    encounter: Mapping[str, Any]
    readings: Mapping[str, str]
    law: Mapping[str, Any]
    changed: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "encounter": dict(self.encounter),
            "readings": dict(self.readings),
            "law": dict(self.law),
            "changed": dict(self.changed),
        }


@dataclass
class Adequacy:
    """What cases hold a law to. `holes` are the changes that none notices, with a chart that would, if one is known."""

    judged: int
    changes: int
    explained: int
    holes: list[tuple[Change, Shown | None]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Cases that are not as the law has it, and tell nothing of its changes."""
    up_to: int = 0
    charts: int = 0
    """So many charts were looked at for one that would."""
    unfinished: list[str] = field(default_factory=list)

    @property
    def noticed(self) -> int:
        """How many changes some case notices."""
        return self.changes - len(self.holes)

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "cases": self.judged,
            "left_out": list(self.left_out),
            "changes": self.changes,
            "noticed": self.noticed,
            "explained": self.explained,
            "complete": not self.unfinished,
            "unfinished": list(self.unfinished),
            "bound": {"administrations": self.up_to, "charts": self.charts},
            "holes": [{**it.as_dict(), "chart": shown and shown.as_dict()} for it, shown in self.holes],
        }


def changes_of(coder: Coder, operators: Sequence[Operator]) -> tuple[list[Change], int]:
    """Give the changes of a law that are not explained to change nothing, and how many are. Raises PolicyError.

    Rules on which no determination rests are left as they are, and so are those that say when a question is open.
    """
    policy, notes = coder.policy, Notes.of(coder.policy)
    rules = coder.second.program.rules
    told, size = set(TOLD), -1
    while size != (size := len(told)):
        told |= {atom.signature for rule in rules if rule.head.signature in told for atom, _ in asked(rule)}
    heads = [it.head.signature in told and it.head.name != OPEN for it in rules]
    every = [it for it in mutants(policy.program, notes, operators) if heads[it.at]]
    found = [Change(it) for it in every if it.key not in notes.explained]
    mutated = len(found)
    usual = policy.settings()
    for key, question in policy.questions.items():
        found += [Change(option=(key, it.name)) for it in question.options if usual[key] not in (None, it.name)]
    return found, len(every) - mutated


def adequacy(
    coder: Coder,
    cases: Sequence[Case],
    up_to: int,
    seconds: float,
    *,
    operators: Sequence[Operator] = (Operator.DELETED, Operator.NUMBER, Operator.COMPARISON),
    jobs: int = 1,
    told: Callable[[], None] = lambda: None,
) -> Adequacy:
    """Say what cases do not tell apart; ends after so many seconds. Without `up_to` no chart is looked for.

    `told` is called after each change that was gone through. Raises PolicyError.
    """
    until = time.monotonic() + seconds
    judged = {id(it.case): it for it in judge_cases(coder, cases)}
    wrong = [it for it in cases if judged[id(it)].departures]
    judge = Judge(coder, [it for it in cases if not judged[id(it)].departures])
    changes, explained = changes_of(coder, operators)
    found = Adequacy(len(judge.cases), len(changes), explained, up_to=up_to)
    found.left_out = [f"{it.where}: {it.name}" for it in (*wrong, *(judge.cases[n] for n in judge.left_out))]
    open_ = []
    options = judge.options()
    for change, notices in noticing(judge, changes, 1, jobs, until):
        told()
        if notices is None:
            found.unfinished.append(f"{change.words}: the time was up")
        elif not notices and change.option not in options:
            open_.append(change)
    found.changes -= len(found.unfinished)
    shown: dict[int, Shown] = {}
    if up_to and open_ and time.monotonic() < until:
        charts = chart_judge(coder, up_to)
        found.charts = charts.asked
        for n, (change, notices) in enumerate(noticing(charts, open_, 1, jobs, until)):
            told()
            if notices is None:
                found.unfinished.append(f"{change.words}: no chart was looked for, the time was up")
            elif notices:
                shown[n] = _shown(charts, notices[0])
    found.holes = [(change, shown.get(n)) for n, change in enumerate(open_)]
    return found


def chart_judge(coder: Coder, up_to: int, more: Sequence[Case] = ()) -> Judge:
    """Give a judge by charts of a pool, for which everything that the law says of them counts."""
    base: dict[str, Mapping[str, Any]] = {}

    def compared(case: Case, found: Determination) -> list[str]:
        now = expectation(found)
        return sorted(key for key in now if now[key] != base.get(case.name, {}).get(key))

    charts = [*pool(coder, up_to), *((it, "") for it in more)]
    judge = Judge(coder, [it for it, _ in charts], compared)
    judge.keep_different([kind for _, kind in charts])
    for n, it in enumerate(judge.cases):
        found = judge.determination(n)
        base[it.name] = {} if found is None else expectation(found)
    judge.begin()
    return judge


def _shown(judge: Judge, notice: Notice) -> Shown:
    case = judge.cases[notice.place]
    law, changed = ({} if it is None else expectation(it) for it in (judge.determination(notice.place), notice.found))
    keys = [key for key in changed or law if changed.get(key) != law.get(key)]
    return Shown(
        dumps(case.encounter),
        case.readings,
        {it: law[it] for it in keys if it in law},
        {it: changed[it] for it in keys if it in changed},
    )


# --- many changes, in several processes

_JUDGES: list[tuple[Judge, int, float]] = []


def noticing(
    judge: Judge, changes: Sequence[Change], most: int, jobs: int, until: float
) -> Iterator[tuple[Change, list[Notice] | None]]:
    """Give each change with the first cases that notice it, as `Judge.noticing` does; None after `until`."""
    _JUDGES[:] = [(judge, most, until)]
    try:
        if jobs <= 1:
            yield from zip(changes, map(_noticing, changes), strict=True)
            return
        with multiprocessing.get_context("fork").Pool(jobs) as workers:
            yield from zip(changes, workers.imap(_noticing, changes, chunksize=4), strict=True)
    finally:
        _JUDGES.clear()


def _noticing(change: Change) -> list[Notice] | None:
    judge, most, until = _JUDGES[0]
    if time.monotonic() > until:
        return None
    return [] if change.mutant is None else judge.noticing(change.mutant, most)
