"""The timeline of a visit as data: for every access site what ran through it, when, and how much of it counts.

Places on the axis are fractions from 0 to 1, so that any drawing can use them. What counts is read from the
derivation of the answer; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from ivproof.chart.clock import DAY, Moment
from ivproof.chart.encounter import Administration, Encounter
from ivproof.chart.fields import compare_key
from ivproof.formats.output import Described, Keywords
from ivproof.law.terms import Function, Term
from ivproof.report.limits import ReachedLength, arguments_of, reached
from ivproof.why.derivation import Derivation
from ivproof.why.naming import Names, minutes

TICKS = 8
"""At most so many marks stand on the axis."""

SHORTEST = 20 * 60
"""The axis is at least so many seconds long."""

MARGIN = 0.03
"""So much of the axis stays free at both ends, for marks that stand at the first and the last moment."""

TAIL = 0.06
"""So far is drawn what has no documented end."""

_STEPS = (5 * 60, 10 * 60, 15 * 60, 30 * 60, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY)


Share = Annotated[float, "A place on the axis, from 0 to 1.", Keywords(minimum=0, maximum=1)]


@dataclass(frozen=True, slots=True)
class Tick(Described):
    """A mark on the axis."""

    at: Share
    label: Annotated[str, "The time of day; where a day begins, the month and the day."]


@dataclass(frozen=True, slots=True)
class Bar(Described):
    """A stretch of time.

    `kind` is ``infusion``, ``hydration`` or ``other`` for what flows and counts, ``shared`` for time that counts for
    another infusion, ``beside`` for hydration that does not count, ``push`` for the minutes of a push, ``pause`` for
    where it stood still, ``open`` where no end is documented.
    """

    kind: Annotated[str, "What flows and counts (infusion, hydration, push, other), or what does not, or is open."]
    at: Share
    width: Share
    when: Annotated[str, "From when to when."]
    text: Annotated[str, "What is to be known of it."]


@dataclass(frozen=True, slots=True)
class ReachedLimit(Described):
    """Where a length was reached."""

    at: Share
    when: Annotated[str, "The time of day."]
    text: Annotated[str, "What it made of what flows."]


@dataclass(frozen=True, slots=True)
class TimelineRow(Described):
    """One administration."""

    key: Annotated[str, "Its key."]
    name: Annotated[str, "Its id."]
    drug: Annotated[str, "The drug as charted."]
    technique: Annotated[str, "How it was given, as the law sees it."]
    when: Annotated[str, "When, in words."]
    bars: Annotated[tuple[Bar, ...], "Stretches of time."]
    marks: Annotated[tuple[Share, ...], "Moments."]
    carries: Annotated[tuple[str, ...], "The lines of the claim that it carries."] = ()
    measures: Annotated[tuple[str, ...], "Lengths that were compared with thresholds."] = ()
    limits: Annotated[tuple[ReachedLimit, ...], "Where thresholds were reached."] = ()


@dataclass(frozen=True, slots=True)
class Lane(Described):
    """What went through one access site, or by a way that needs none."""

    title: Annotated[str, "The site."]
    about: Annotated[str, "What is charted of it."]
    rows: Annotated[tuple[TimelineRow, ...], "The administrations."]


@dataclass(frozen=True, slots=True)
class VisitTimeline(Described):
    """The lanes of a visit on one axis."""

    begins: Annotated[str, "Where the axis begins."]
    ends: Annotated[str, "Where it ends."]
    ticks: Annotated[tuple[Tick, ...], "Marks on the axis."]
    lanes: Annotated[tuple[Lane, ...], "The lanes."]


@dataclass
class _Axis:
    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first

    def at(self, seconds: int) -> float:
        return round(MARGIN + (1 - 2 * MARGIN) * (seconds - self.first) / self.length, 5)

    def bar(self, kind: str, start: int, stop: int, when: str, text: str) -> Bar:
        return Bar(kind, self.at(start), round(self.at(stop) - self.at(start), 5), when, text)


@dataclass
class _Service:
    """What the derivation says of a service: how it was given, and which stretches of it count for nothing."""

    technique: str = ""
    lost: list[tuple[int, int, str]] = field(default_factory=list)


def timeline(
    derivation: Derivation,
    carries: Mapping[str, Sequence[str]],
    measures: Mapping[str, Sequence[str]],
    only: Collection[str] | None = None,
) -> VisitTimeline:
    """Draw up the timeline of a visit.

    `carries` gives for the key of an administration (a1, …) the lines of the claim that it is part of, `measures` what
    was compared with thresholds. `only` are the keys of those that are drawn, on an axis of their own.
    """
    encounter, names = derivation.facts.encounter, Names(derivation.facts)
    given = [(f"a{n}", it) for n, it in enumerate(encounter.administrations, 1) if it.done]
    given = [(key, it) for key, it in given if only is None or key in only]
    axis = _axis([it for _, it in given])
    services, lengths = _services(derivation), reached(derivation)
    rows: dict[str | None, list[TimelineRow]] = {}
    for key, it in sorted(given, key=lambda pair: _order(pair[1])):
        service = services.get(key, _Service())
        site = compare_key(it.site) if it.site is not None and it.route in {"IV", "IA"} else None
        lane = site if site is not None else "" if it.route in {"IV", "IA"} else None
        rows.setdefault(lane, []).append(
            TimelineRow(
                key,
                it.id,
                it.drug,
                _technique(it, service),
                _when(it, service, names),
                tuple(_bars(it, service, axis, names)) if axis else (),
                tuple(_marks(it, service, axis)) if axis else (),
                tuple(carries.get(key, ())),
                tuple(dict.fromkeys(measures.get(key, ()))),
                tuple(_limits(lengths.get(key, ()), axis, names)) if axis else (),
            )
        )
    return VisitTimeline(
        names.clock(axis.first) if axis else "",
        names.clock(axis.last) if axis else "",
        tuple(_ticks(axis, names)) if axis else (),
        tuple(_lanes(encounter, rows)),
    )


def _lanes(encounter: Encounter, rows: Mapping[str | None, list[TimelineRow]]) -> Iterator[Lane]:
    for site in encounter.access_sites:
        about = [site.kind, f"needed: {site.necessity}" if site.necessity else None]
        about.append(f"restart of {site.replaces}" if site.replaces else None)
        if found := rows.get(compare_key(site.id)):
            yield Lane(site.id, ", ".join(it for it in about if it), tuple(found))
    if found := rows.get(""):
        yield Lane("Vascular, site not documented", "", tuple(found))
    if found := rows.get(None):
        yield Lane("Without vascular access", "", tuple(found))


# --- the axis


def _axis(given: Iterable[Administration]) -> _Axis | None:
    times = [moment.seconds for it in given for moment in _moments(it)]
    if not times:
        return None
    first, last = min(times), max(times)
    middle = SHORTEST - (last - first)
    return _Axis(first, last) if middle <= 0 else _Axis(max(0, first - middle // 2), last + middle // 2)


def _moments(it: Administration) -> Iterator[Moment]:
    for moment in (it.start, it.stop, *(end for pause in it.pauses for end in (pause.from_, pause.to))):
        if moment is not None:
            yield moment


def _ticks(axis: _Axis, names: Names) -> Iterator[Tick]:
    step = next((it for it in _STEPS if axis.length / it <= TICKS), DAY * -(-axis.length // (DAY * TICKS)))
    for seconds in range(-(-axis.first // step) * step, axis.last + 1, step):
        day, rest = divmod(seconds, DAY)
        label = names.day(day)[5:] if rest == 0 and day else f"{rest // 3600:02}:{rest % 3600 // 60:02}"
        yield Tick(axis.at(seconds), label)


# --- one administration


def _order(it: Administration) -> int:
    """By the clock, and of those that begin together in the order of the chart."""
    moment = it.start or it.stop
    return moment.seconds if moment else 10**9


def _when(it: Administration, service: _Service, names: Names) -> str:
    if it.start is None and it.stop is None:
        return "no time documented"
    if it.stop is None:
        if not _flows(it, service):
            return names.time(it.start)
        ordered = f", ordered for {it.ordered_minutes} min" if it.ordered_minutes else ""
        return f"{names.time(it.start)}, no stop documented{ordered}"
    if it.start is None:
        return f"until {names.time(it.stop)}, no start documented"
    length = f"{(it.stop.seconds - it.start.seconds) // 60} min"
    return f"{names.span(it.start, it.stop)} ({length})"


def _technique(it: Administration, service: _Service) -> str:
    if service.technique:
        return service.technique
    return f"{it.route}, charted as {it.method}" if it.method else it.route


def _flows(it: Administration, service: _Service) -> bool:
    """Whether it took time, as far as is known: of a fluid that is not said to be pushed it is not known how much."""
    if service.technique or it.method:
        return service.technique in {"infusion", "hydration"} or it.method == "infusion"
    return it.route in {"IV", "IA"}


def _marks(it: Administration, service: _Service, axis: _Axis) -> Iterator[float]:
    """Moments that are drawn as marks: what has no length, or was pushed."""
    moment = it.start or it.stop
    if moment is None or (it.start is not None and it.stop is not None and service.technique != "push"):
        return
    if service.technique == "push" or not _flows(it, service):
        yield axis.at(moment.seconds)


def _bars(it: Administration, service: _Service, axis: _Axis, names: Names) -> Iterator[Bar]:
    kind = service.technique if service.technique in {"infusion", "hydration", "push"} else "other"
    if it.start is not None and it.stop is None and _flows(it, service):
        at = axis.at(it.start.seconds)
        yield Bar("open", at, round(min(TAIL, 1 - at), 5), _when(it, service, names), "The chart gives no stop.")
    if it.start is None or it.stop is None:
        return
    lost = [
        (pause.from_.seconds, pause.to.seconds, "pause", f"Stood still{f': {pause.reason}' if pause.reason else ''}.")
        for pause in it.pauses
        if pause.from_ is not None and pause.to is not None
    ]
    for start, stop, what in service.lost:
        clipped = max(start, it.start.seconds), min(stop, it.stop.seconds)
        if clipped[0] < clipped[1]:
            lost.append((*clipped, what, _LOST[what]))
    at = it.start.seconds
    for start, stop, what, text in sorted(lost):
        if at < start:
            yield axis.bar(kind, at, start, _span(names, at, start), _COUNTS.get(kind, ""))
        yield axis.bar(what, start, stop, _span(names, start, stop), text)
        at = max(at, stop)
    if at < it.stop.seconds:
        yield axis.bar(kind, at, it.stop.seconds, _span(names, at, it.stop.seconds), _COUNTS.get(kind, ""))


def _limits(lengths: Iterable[ReachedLength], axis: _Axis, names: Names) -> Iterator[ReachedLimit]:
    for it in lengths:
        yield ReachedLimit(axis.at(it.seconds), names.clock(it.seconds), it.text)


def _span(names: Names, start: int, stop: int) -> str:
    return f"{names.clock(start)}–{names.clock(stop)}, {minutes(stop - start)}"


_COUNTS = {"infusion": "Infusion time.", "hydration": "Hydration that counts.", "push": "Push."}
_LOST = {
    "shared": "Time shared with another infusion, for which it counts.",
    "beside": "Hydration that does not count.",
}


# --- what the derivation says


def _services(derivation: Derivation) -> dict[str, _Service]:
    """What is known of the service of each administration, by the administration's key."""
    by_service: dict[str, _Service] = {}
    for predicate, technique in (("infusion", "infusion"), ("push", "push"), ("fluid", "hydration")):
        for atom in derivation.of(predicate):
            if len(atom.arguments) == 1:
                by_service.setdefault(str(atom.arguments[0]), _Service()).technique = technique
    for service, start, stop in _shared(derivation):
        if service in by_service:
            by_service[service].lost.append((start, stop, "shared"))
    for service, start, stop in _beside(derivation):
        if service in by_service:
            by_service[service].lost.append((start, stop, "beside"))
    found = {}
    for atom in derivation.of("includes"):
        service, administration = map(str, atom.arguments)
        if service in by_service:
            found[administration] = by_service[service]
    return found


def _shared(derivation: Derivation) -> Iterator[tuple[str, int, int]]:
    """Segments of an infusion that count for another one."""
    counted = {str(it.arguments[0]): it.arguments[1] for it in derivation.of("counted_time")}
    own = {str(it.arguments[0]): it.arguments[1] for it in derivation.of("own_time")}
    others = {str(it.arguments[0]): it.arguments[1] for it in derivation.of("sharers")}
    taken = {
        (str(service), number)
        for service, number, last, what in arguments_of(derivation, "segment_after")
        if str(what) == "taken" and last == others.get(str(service))
    }
    for service, number, start, stop in arguments_of(derivation, "segment"):
        key = str(service)
        whole = counted.get(key, own.get(key)) != own.get(key)
        if (key, number) in taken and not whole and isinstance(start, int) and isinstance(stop, int):
            yield key, start, stop


def _beside(derivation: Derivation) -> Iterator[tuple[str, int, int]]:
    """Stretches of hydration that count for nothing: beside a drug, or too short."""
    held = {str(it.arguments[1]) for it in derivation.of("bout_holds")}
    counting = {str(it.arguments[1]) for it in derivation.of("chain") if str(it.arguments[0]) in held}
    counts: dict[str, set[Term]] = {}
    for piece, start, _ in arguments_of(derivation, "piece_span"):
        if str(piece) in counting and isinstance(piece, Function):
            counts.setdefault(str(piece.arguments[0]), set()).add(start)
    for service, start, stop in arguments_of(derivation, "fluid_segment"):
        if start not in counts.get(str(service), set()) and isinstance(start, int) and isinstance(stop, int):
            yield str(service), start, stop
