"""Whether a claim hangs on what its chart does not say: the short answer, for every determination.

`report` tells what each value leads to; here the first value that leads to another claim is enough.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ivproof.encounter import Encounter
from ivproof.engine import Answer
from ivproof.facts import Facts
from ivproof.minutes.claims import ChartMinutes, Claims
from ivproof.missing.gaps import Gap, Time, gaps

if TYPE_CHECKING:
    from ivproof.coding import Coder


def would_change(coder: Coder, facts: Facts, answer: Answer) -> dict[tuple[str, str], bool]:
    """Tell of each fact that an answer reports as missing, by subject and field, whether any value changes the claim.

    A time is looked for over all whole minutes. Raises TooManyWaysError for a chart with too many choices.
    """
    reported = [(str(it[0]), str(it[1]), str(it[2])) for it in answer.atoms.get("missing", ())]
    found = {(subject, field): False for subject, field, _ in reported}
    if not found:
        return found
    chart = coder.minutes.chart(facts.encounter)
    now = chart.claims(facts.encounter)
    for gap in gaps(coder.policy, facts, reported):
        if gap.key in found:
            found[gap.key] = _changes(chart, gap, now)
    return found


def _changes(chart: ChartMinutes, gap: Gap, now: Claims) -> bool:
    """Whether some value of a gap leads to another claim.

    Of what has neither start nor stop one tells little without the other, so both are supposed.
    """
    encounter = chart.encounter
    if gap.time is None:
        return any(chart.claims(value.put(encounter)) != now for value in gap.values)
    charts = [encounter]
    it = encounter.administrations[gap.time.at]
    if it.start is None and it.stop is None:
        other = replace(gap.time, field="stop" if gap.time.field == "start" else "start", place="")
        charts.append(other.begun(encounter))
    return any(_moves(chart, gap.time, base, now) for base in charts)


def _moves(chart: ChartMinutes, time: Time, encounter: Encounter, now: Claims) -> bool:
    moment = time.supposed(encounter)
    if moment is None:
        return False
    ranges = chart.along(moment, encounter)
    return (
        ranges.at(0).value != now
        or ranges.change(moment.later.minutes, 1) is not None
        or ranges.change(moment.earlier.minutes, -1) is not None
    )
