"""The margins of a chart: for each documented time the minute, either way, at which the claim becomes another one.

Every whole minute is covered, and what is told is solved again with the first engine at both sides of each boundary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ivproof.chart.clock import Moment
from ivproof.chart.encounter import Encounter, dumps
from ivproof.claim.determination import Rival
from ivproof.claim.statements import Leads, put_between
from ivproof.formats.output import Described, Inside
from ivproof.unknowns.affine import MINUTE
from ivproof.unknowns.check import Checked
from ivproof.unknowns.claims import ChartMinutes, Claims, Settling
from ivproof.unknowns.lines import ClaimLines, Difference, Reader, difference
from ivproof.unknowns.moments import Bound, Charted, charted

if TYPE_CHECKING:
    from ivproof.claim.coding import Coder

EARLIER, LATER = -1, 1


@dataclass(frozen=True)
class Margin(Described):
    """How far one time can move one way.

    `minutes` is the first number of minutes at which the claim is another one, and `at` the time then charted; both
    are None where no claim changes up to `limit`. `ran` is how long its administration is charted to have run, from
    start to stop, and `ran_then` how long it would; `paused` says that it stood still within. `says` is what stands
    behind it: what the chart leads to on both sides of the boundary, or as far as it was moved without a change.
    """

    place: str
    charted: str
    way: str
    minutes: int | None
    at: str | None
    limit: Bound
    before: tuple[ClaimLines, ...]
    after: tuple[ClaimLines, ...] = ()
    subject: str | None = None
    ran: int | None = None
    ran_then: int | None = None
    paused: bool = False
    rules: tuple[str, ...] = ()
    says: tuple[Leads, ...] = field(default=(), compare=False)

    @property
    def change(self) -> Difference | None:
        """What the claim loses and gains; None where there is no change, or several claims on one side."""
        if len(self.before) == 1 and len(self.after) == 1:
            return difference(self.before[0], self.after[0])
        return None

    def as_dict(self) -> dict[str, Any]:
        """The margin as plain data."""
        found: dict[str, Any] = {
            "place": self.place,
            "charted": self.charted,
            "way": self.way,
            "minutes": self.minutes,
            "at": self.at,
            "searched_minutes": self.limit.minutes,
            "searched_to": self.limit.reason,
        }
        if self.minutes is not None:
            found["ran"] = _whole(self.ran)
            found["would_run"] = _whole(self.ran_then)
            change = self.change
            found |= change.as_dict() if change is not None else {"lost": None, "gained": None}
            found["claims"] = [it.as_dict() for it in self.after]
            found["rules"] = list(self.rules)
        return found


@dataclass(frozen=True)
class SettledMargins(Described):
    """The margins under one way of settling what is open; nothing is settled where the chart is determined."""

    readings: Mapping[str, str]
    given: Mapping[str, str]
    initial: Mapping[str, str]
    claims: tuple[ClaimLines, ...]
    margins: tuple[Margin, ...]


@dataclass(frozen=True)
class MarginReport(Described):
    """The margins of one chart. `asked` counts how often the law was applied, `checked` the first engine's answers."""

    encounter: str
    policy: Mapping[str, str]
    status: str
    settled: tuple[SettledMargins, ...]
    asked: Inside[int] = field(default=0, compare=False)
    checked: Inside[int] = field(default=0, compare=False)

    def within(self, minutes: int) -> MarginReport:
        """The report with only those margins at which the claim changes within so many minutes."""

        def near(settled: SettledMargins) -> SettledMargins:
            kept = tuple(it for it in settled.margins if it.minutes is not None and it.minutes <= minutes)
            return replace(settled, margins=kept)

        return replace(self, settled=tuple(map(near, self.settled)))


def margins_of(coder: Coder, encounter: Encounter) -> MarginReport:
    """Find the margins of a chart; where it is ambiguous, those of each of its claims.

    Raises TooManyWaysError for a chart with too many choices, and DisagreementError where the engines differ.
    """
    facts = coder.facts(encounter)
    [answer] = coder.engine.answer([facts])
    determination = coder.determiner.determine(facts, answer, {})
    search = _Search(coder.minutes.chart(encounter), Reader(coder.policy, facts))
    nothing: list[tuple[Settling, Rival | None]] = [(Settling(), None)]
    rivals = [
        (Settling.of(it.resolutions), rival)
        for it, rival in zip(answer.alternatives, determination.alternatives, strict=True)
    ]
    settled = tuple(search.settled(settling, rival) for settling, rival in rivals or nothing)
    search.checked.compare()
    return MarginReport(
        encounter.id, determination.policy, determination.status, settled, search.chart.asked, search.checked.count
    )


class _Search:
    def __init__(self, chart: ChartMinutes, reader: Reader) -> None:
        self.chart = chart
        self.reader = reader
        self.checked = Checked(chart)
        self._plain = dumps(chart.encounter)
        self._rival: Rival | None = None

    def settled(self, settling: Settling, rival: Rival | None) -> SettledMargins:
        """The margins under one settling."""
        self._rival = rival
        claims = self.chart.claims(self.chart.encounter, settling)
        found = [it for moment in charted(self.chart.encounter) for it in self._both(moment, settling)]
        found.sort(key=lambda it: (it.minutes is None, it.minutes or 0))
        return SettledMargins(
            rival.readings if rival else {},
            rival.given if rival else {},
            rival.initial if rival else {},
            self.reader.all(claims),
            tuple(found),
        )

    def _both(self, moment: Charted, settling: Settling) -> Iterator[Margin]:
        ranges = self.chart.along(moment, settling=settling)
        before = ranges.at(0).value
        for way, limit in ((EARLIER, moment.earlier), (LATER, moment.later)):
            found = ranges.change(limit.minutes, way)
            if found is not None:
                last = found[0] - way
                self.checked.add(moment.moved(self.chart.encounter, last), ranges.at(last).value, settling)
                self.checked.add(moment.moved(self.chart.encounter, found[0]), found[1], settling)
            yield self._margin(moment, way, limit, before, found)

    def _margin(
        self, moment: Charted, way: int, limit: Bound, before: Claims, found: tuple[int, Claims] | None
    ) -> Margin:
        given = self.chart.encounter.administrations
        subject = None if moment.at is None else given[moment.at].id
        name = "earlier" if way == EARLIER else "later"
        was = self.reader.all(before)
        if found is None:
            far = moment.moved(self.chart.encounter, way * limit.minutes)
            says = (self._leads(far, was),)
            return Margin(moment.place, moment.moment.text, name, None, None, limit, was, subject=subject, says=says)
        step, claims = found
        then = moment.moved(self.chart.encounter, step)
        after = self.reader.all(claims)
        beside = moment.moved(self.chart.encounter, step - way)
        codes = _codes(was, after)
        return Margin(
            moment.place,
            moment.moment.text,
            name,
            abs(step),
            moment.time(then).text,
            limit,
            was,
            after,
            subject,
            _length(self.chart.encounter, moment.at),
            _length(then, moment.at),
            moment.at is not None and bool(given[moment.at].pauses),
            self.reader.rules(codes),
            (self._leads(self.chart.encounter, was), self._leads(beside, was), self._leads(then, after)),
        )

    def _leads(self, encounter: Encounter, claims: Sequence[ClaimLines]) -> Leads:
        """That a chart leads to these claims, as what is open is settled."""
        rival = self._rival
        read = () if rival is None else tuple(rival.readings.items())
        put = put_between(self._plain, dumps(encounter))
        among = rival is not None and bool(rival.given or rival.initial)
        return Leads(put, tuple(tuple(it.units.items()) for it in claims), read, among)


def _codes(before: Sequence[ClaimLines], after: Sequence[ClaimLines]) -> Sequence[str]:
    return [code for one in before for other in after for code in difference(one, other).codes]


def _length(encounter: Encounter, at: int | None) -> int | None:
    """How many seconds an administration is charted to have run, its pauses not taken off."""
    if at is None:
        return None
    start: Moment | None = encounter.administrations[at].start
    stop: Moment | None = encounter.administrations[at].stop
    return None if start is None or stop is None else stop.seconds - start.seconds


def _whole(seconds: int | None) -> int | float | None:
    """Seconds in minutes."""
    if seconds is None:
        return None
    return seconds // MINUTE if seconds % MINUTE == 0 else seconds / MINUTE
