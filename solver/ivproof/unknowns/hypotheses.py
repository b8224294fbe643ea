"""What a chart might have said: the chart again with a missing fact filled in, for each value that could matter.

Times are tried on both sides of every threshold of the law, so that a stop which would change the claim is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ivproof.chart.clock import DAY, Moment
from ivproof.chart.encounter import AccessSite, Administration, Encounter
from ivproof.chart.facts import Facts
from ivproof.law.policy import Policy

ASSUMED = Moment(12 * 60 * 60, 0, "12:00")
"""When an administration is supposed to have begun in a chart without a single time."""


class Hanging(NamedTuple):
    """Whether a claim hangs on a missing fact, the others staying as they are.

    `changes` is None where that is not known: not every value could be tried. `searched` says which values were, where
    none of them leads to another claim.
    """

    changes: bool | None
    searched: str = ""


def what_ifs(policy: Policy, facts: Facts, subject: str, field: str) -> Iterator[Encounter]:
    """Give the encounter once for each value that the missing field of a subject (a1, …) might have."""
    encounter = facts.encounter
    place = facts.places.get(subject)
    if place is None or place[0] != "administrations":
        return
    at = int(place[1])
    it = encounter.administrations[at]
    match field:
        case "stop" | "start":
            # whatever is charted of it may be a slip
            for start, stop in _runs(it.model_copy(update={field: None}), encounter, policy.probes):
                yield _with(encounter, at, start=start, stop=stop)
        case "site":
            yield from _sites(encounter, at)
        case "purpose":
            for purpose in ("hydration", "keep_open"):
                yield _with(encounter, at, purpose=purpose)
        case "spinal_puncture":
            for flag in (True, False):
                yield _with(encounter, at, spinal_puncture=flag)
        case "container":
            for container in ("single_dose", "multi_dose"):
                yield _with(encounter, at, container=container)
        case "product":
            for fact in facts.own:
                if fact.predicate in {"code_in_force", "other_code"} and fact.arguments.startswith(f"{subject},"):
                    yield _with(encounter, at, product=fact.arguments.partition(",")[2].strip('"'))
        case "route":
            for route in facts.listed_routes(subject):
                yield _with(encounter, at, route=route)
        case "discarded_units":
            for units in (0, 1):
                yield _with(encounter, at, discarded_units=units)


def _with(encounter: Encounter, at: int, **fields: object) -> Encounter:
    given = list(encounter.administrations)
    given[at] = given[at].model_copy(update=fields)
    return encounter.model_copy(update={"administrations": tuple(given)})


def _moment(seconds: int) -> Moment:
    day, rest = divmod(seconds, DAY)
    return Moment(seconds, day, f"{rest // 3600:02}:{rest % 3600 // 60:02}")


def _runs(it: Administration, encounter: Encounter, minutes: Sequence[int]) -> Iterator[tuple[Moment, Moment]]:
    """Runs of each length that could matter, from the documented end, or from the first time in the chart."""
    times = (
        time
        for other in encounter.administrations
        if other.done
        for time in (other.start, other.stop)
        if time is not None
    )
    start = it.start if it.stop is None else None
    if start is None and it.stop is None:
        start = min(times, default=ASSUMED)
    for length in minutes:
        if start is not None:
            yield start, _moment(start.seconds + 60 * length)
        elif it.stop is not None and it.stop.seconds >= 60 * length:
            yield _moment(it.stop.seconds - 60 * length), it.stop


def _sites(encounter: Encounter, at: int) -> Iterator[Encounter]:
    """The administration at each listed site, and at a further one that was needed."""
    for site in encounter.access_sites:
        yield _with(encounter, at, site=site.id)
    taken = {site.id for site in encounter.access_sites}
    names = [name for name in ("one", "another", "a third") if name not in taken][:2]
    sites: Iterable[AccessSite] = encounter.access_sites
    if not encounter.access_sites:
        given = tuple(
            it if it.route != "IV" or it.site is not None else it.model_copy(update={"site": names[0]})
            for it in encounter.administrations
        )
        sites = (AccessSite(id=names[0], kind=None, necessity=None, replaces=None),)
        encounter = encounter.model_copy(update={"administrations": given})
    further = AccessSite(id=names[1], kind=None, necessity="protocol", replaces=None)
    yield _with(encounter.model_copy(update={"access_sites": (*sites, further)}), at, site=names[1])
