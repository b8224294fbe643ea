"""What a chart says in more than one place must agree: its ids, its references and its times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ivproof.chart.clock import FARTHEST, BadTimeError, Moment, Stamp, Timeline, read_stamp
from ivproof.chart.encounter import Administration, Encounter, Part
from ivproof.chart.fields import compare_key
from ivproof.chart.refusal import Place, Problem, choices, show

VASCULAR = ("IV", "IA")
"""Routes on which the site of an administration is an access site."""


def check(encounter: Encounter) -> list[Problem]:
    """Give every time of a new encounter its place on the encounter's axis; list what does not agree."""
    placing = _Placing(encounter)
    placing.place_all()
    return [*_references(encounter), *placing.problems]


# --- Ids and references


def _references(encounter: Encounter) -> list[Problem]:
    """Find ids that are there twice, references to ids that are not there, and circles."""
    sites, given = encounter.access_sites, encounter.administrations
    problems: list[Problem] = []
    site_ids = _unique("access_sites", [site.id for site in sites], problems)
    given_ids = _unique("administrations", [administration.id for administration in given], problems)

    def look_up(path: Place, name: str | None, known: Mapping[str, int] | None, kind: str) -> int | None:
        if name is None or known is None:
            return None
        found = known.get(compare_key(name))
        if found is None:
            listed = choices(name, list(known)) if known else "the chart lists none"
            problems.append(Problem(path, show(name), f"the id of an {kind}: {listed}"))
        return found

    for i, name in enumerate(encounter.primary_reason):
        look_up(("primary_reason", i), name, given_ids, "administration")
    replaced = [
        look_up(("access_sites", i, "replaces"), site.replaces, site_ids, "access site") for i, site in enumerate(sites)
    ]
    continued = [
        look_up(("administrations", i, "continues"), it.continues, given_ids, "administration")
        for i, it in enumerate(given)
    ]
    for i, it in enumerate(given):
        if it.route in VASCULAR:
            look_up(("administrations", i, "site"), it.site, site_ids, "access site")
    for i in _circles(replaced):
        path = ("access_sites", i, "replaces")
        problems.append(Problem(path, show(sites[i].replaces), "a site that does not replace this one in turn"))
    for i in _circles(continued):
        path = ("administrations", i, "continues")
        problems.append(Problem(path, show(given[i].continues), "one that does not go on with this one in turn"))
    return problems


def _unique(part: str, names: Sequence[str | None], problems: list[Problem]) -> dict[str, int] | None:
    """Number the ids of a list and report those that are there twice; None where one could not be read."""
    known: dict[str, int] = {}
    for i, name in enumerate(names):
        first = i if name is None else known.setdefault(compare_key(name), i)
        if first != i:
            problems.append(Problem((part, i, "id"), show(name), f"another id than {part}[{first}] has"))
    return None if None in names else known


def _circles(follows: Sequence[int | None]) -> Iterator[int]:
    """Give one member of every circle in which each item follows another.

    >>> list(_circles([1, 2, 0, None, 4, 3]))
    [0, 4]
    """
    seen_from: dict[int, int] = {}
    for origin in range(len(follows)):
        at: int | None = origin
        while at is not None and at not in seen_from:
            seen_from[at] = origin
            at = follows[at]
        if at is not None and seen_from[at] == origin:
            yield at


# --- Times


class _Placing:
    """Places the times of one encounter, and collects what cannot be."""

    def __init__(self, encounter: Encounter) -> None:
        self.problems: list[Problem] = []
        self._encounter = encounter
        # only a date-time with an offset or a zone is longer than 2020-10-05T09:30
        long = (moment.text for moment in charted_times(encounter) if len(moment.text) > 16)
        anchor = next((stamp for text in long if (stamp := read_stamp(text)).offset is not None), None)
        self._line = Timeline(encounter.date, anchor, encounter.time_zone)
        self._without_offsets = anchor is None and encounter.time_zone is None

    def place_all(self) -> None:
        self._place(self._encounter, "inpatient_order_at", (), earliest=-FARTHEST)
        for i, it in enumerate(self._encounter.administrations):
            path = ("administrations", i)
            begun = self._stamp(it.start)
            start = self._place(it, "start", path)
            stop = self._place(it, "stop", path, start=begun)
            if start is not None and stop is not None and stop.seconds < start.seconds:
                self._report((*path, "stop"), stop, f"a time not before the start, {show(start.text)}")
                stop = None
            if it.pauses:
                self._place_pauses(it, path, begun, start, stop)

    def _place_pauses(
        self, it: Administration, path: Place, begun: Stamp | None, start: Moment | None, stop: Moment | None
    ) -> None:
        spans: list[tuple[int, int, int]] = []
        for i, pause in enumerate(it.pauses):
            here = (*path, "pauses", i)
            first = self._place(pause, "from_", here, start=begun)
            last = self._place(pause, "to", here, start=begun or self._stamp(pause.from_))
            inside = [self._within(it, (*here, name), start, stop) for it, name in ((first, "from"), (last, "to"))]
            if first is None or last is None or not all(inside):
                continue  # what is no part of the administration needs no second reason
            if last.seconds < first.seconds:
                expected = f"a time not before the pause began, {show(first.text)}; a later day needs a date-time"
                self._report((*here, "to"), last, expected)
            else:
                spans.append((first.seconds, last.seconds, i))
        last_end, longest = float("-inf"), 0
        for begin, end, i in sorted(spans):
            if begin < last_end:
                expected = f"a pause that does not begin within pauses[{longest}]"
                self._report((*path, "pauses", i, "from"), it.pauses[i].from_, expected)
            if end > last_end:
                last_end, longest = end, i

    def _within(self, moment: Moment | None, path: Place, start: Moment | None, stop: Moment | None) -> bool:
        """Whether a time of a pause is between start and stop, as far as these are known; report one that is not."""
        if moment is None:
            return True
        if start is not None and moment.seconds < start.seconds:
            self._report(path, moment, f"a time not before the start, {show(start.text)}")
            return False
        if stop is not None and moment.seconds > stop.seconds:
            since = "" if start is None else f"from the start, {show(start.text)}, "
            self._report(path, moment, f"a time within the administration: {since}to the stop, {show(stop.text)}")
            return False
        return True

    def _place(
        self, part: Part, name: str, path: Place, *, start: Stamp | None = None, earliest: int = 0
    ) -> Moment | None:
        """Place the time in a field of a part; None where it is not charted or cannot be."""
        written: Moment | None = getattr(part, name)
        if written is None:
            return None
        if (
            self._without_offsets
            and len(written.text) == 5
            and (start is None or (start.day is None and start.clock <= written.seconds))
        ):
            return written  # a clock time of the encounter's date, as nearly all are: it stands right already
        try:
            moment = self._line.at(written.text, start=start, earliest=earliest)
        except BadTimeError as wrong:
            self._report((*path, name.removesuffix("_")), written, str(wrong))
            return None
        # the part is frozen for everybody else: nobody has seen it before its encounter is complete
        part.__dict__[name] = moment
        return moment

    def _stamp(self, moment: Moment | None) -> Stamp | None:
        """How a time was read; None where it is not charted or cannot be, which is reported where it is placed."""
        try:
            return None if moment is None else self._line.stamp(moment.text)
        except BadTimeError:
            return None

    def _report(self, path: Place, moment: Moment | None, expected: str) -> None:
        self.problems.append(Problem(path, show(moment and moment.text), expected))


def charted_times(encounter: Encounter) -> Iterator[Moment]:
    """Give the times of an encounter in the order of the chart."""
    for it in encounter.administrations:
        yield from (moment for moment in (it.start, it.stop) if moment is not None)
        for pause in it.pauses:
            yield from (moment for moment in (pause.from_, pause.to) if moment is not None)
    if encounter.inpatient_order_at is not None:
        yield encounter.inpatient_order_at
