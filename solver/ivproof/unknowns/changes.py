"""Whether a claim hangs on what its chart does not say, and a chart for each claim that such a fact leads to.

What each value leads to, and what several do together, is told by `whatif.missing`; here the first value that leads to
another claim is enough, or one value for each claim.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import Facts
from ivproof.engine.engine import Answer
from ivproof.unknowns.claims import ChartMinutes, Claims, Minutes, OutOfReachError
from ivproof.unknowns.gaps import TIMES, Gap, Hanging, Time, gaps, placed, probes

MOST = 400
"""So often at most is the law applied to one chart, to find out whether what it does not say changes the claim."""


CHANGES = Hanging(changes=True)
ANYTHING = Hanging(None, "none: it can be anything")


def hanging(
    minutes: Minutes, facts: Facts, answer: Answer, known: set[tuple[str, str]]
) -> dict[tuple[str, str], Hanging]:
    """Tell of each fact that an answer reports as missing, by subject and field, whether the claim hangs on it.

    It does with those that are `known` to change it. A time is looked for over all whole minutes of a day.
    """
    reported = [(str(it[0]), str(it[1]), str(it[2])) for it in answer.atoms.get("missing", ())]
    found = {(subject, field): CHANGES if (subject, field) in known else ANYTHING for subject, field, _ in reported}
    for subject, field in found.keys() - known:
        if field in TIMES and (place := facts.places[subject])[0] == "administrations":
            it = facts.encounter.administrations[int(place[1])]
            if getattr(it, field) is not None:  # charted, and doubted by the law
                found[subject, field] = Hanging(None, "the lengths at which a threshold of the law lies")
    waiting = [gap for gap in gaps(minutes.policy, facts, reported) if gap.key in found and gap.key not in known]
    if not waiting:
        return found
    chart = minutes.chart(facts.encounter)
    chart.most = MOST
    try:
        now = chart.claims(facts.encounter)
    except TooManyWaysError:
        return found | {gap.key: Hanging(None, FEW_WAYS) for gap in waiting}
    for gap in waiting:
        found[gap.key] = _hangs(chart, gap, now)
    return found


def telling(minutes: Minutes, facts: Facts, subject: str, field: str) -> Iterator[Encounter]:
    """Give the encounter with each value of a fact that the law reports: by subject (a1, …) and field.

    Of a time these are the lengths at thresholds, and one for each set of claims that its minutes lead to: all whole
    minutes are gone through. Nothing more is given where that takes more work than is allowed.
    """
    yield from probes(minutes.policy, facts, subject, field)
    for gap in gaps(minutes.policy, facts, [(subject, field, "")]):
        if gap.key == (subject, field) and gap.time is not None:
            yield from _at_minutes(minutes, facts, gap, gap.time)


def _at_minutes(minutes: Minutes, facts: Facts, gap: Gap, time: Time) -> Iterator[Encounter]:
    chart = minutes.chart(facts.encounter)
    chart.most = MOST
    met: set[Claims] = set()
    try:
        for base in _bases(facts.encounter, gap):
            moment = time.supposed(base)
            if moment is not None:
                for it in chart.along(moment, base).between(-moment.earlier.minutes, moment.later.minutes):
                    if it.value not in met:
                        met.add(it.value)
                        yield moment.moved(base, min(max(0, it.first), it.last))
    except (TooManyWaysError, OutOfReachError):
        return


FEW_WAYS = "some values only: the chart leads to too many claims"
FEW_TIMES = "some values only: the chart is too long"


def _hangs(chart: ChartMinutes, gap: Gap, now: Claims) -> Hanging:
    searched = gap.searched(chart.encounter)
    if not searched:
        return ANYTHING if gap.time is None else Hanging(None, "none: no time fits the others that are charted")
    try:
        return CHANGES if _changes(chart, gap, now) else Hanging(changes=False, searched=searched)
    except TooManyWaysError:
        return Hanging(None, FEW_WAYS)
    except OutOfReachError:
        return Hanging(None, FEW_TIMES)


def _changes(chart: ChartMinutes, gap: Gap, now: Claims) -> bool:
    """Whether some value of a gap leads to another claim."""
    for base in _bases(chart.encounter, gap):
        if gap.time is not None:
            if _moves(chart, gap.time, base, now):
                return True
        elif any(chart.claims(value.put(base)) != now for value in gap.values):
            return True
    return False


def _bases(encounter: Encounter, gap: Gap) -> Iterator[Encounter]:
    """The charts in which a missing fact is looked for: the chart itself, and with what it says little without.

    Of what has neither start nor stop the other one is supposed; beside a further site, that what else has no site was
    at the first one.
    """
    yield encounter
    if gap.time is not None and gap.field in TIMES:
        it = encounter.administrations[gap.time.at]
        if it.start is None and it.stop is None:
            yield replace(gap.time, field="stop" if gap.time.field == "start" else "start", place="").begun(encounter)
    elif gap.field == "site":
        yield placed(encounter, but=gap.subject)


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
