"""What a chart leads to within a few departures from what is held: the part of the search that many claims can have.

A claim in dispute mostly hangs on one reading, now and then on two. Going through all that is left open finds those as
well, but takes many times as long in a chart where a dozen questions make a difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from ivproof.chart.facts import Facts
from ivproof.engine.choices import CLAIM, OPEN, Resolution, candidate_rank
from ivproof.engine.departing import Departing, ManyWaysError, Near
from ivproof.engine.direct import Direct
from ivproof.engine.explorer import MANY, Exploration, Explorer, number
from ivproof.engine.search import Found, OpenChart, Rank, Search, State
from ivproof.engine.solving import Candidate, Choice, Held, Outcome, RoomSolver, True_, Visit, shared_facts
from ivproof.law.policy import Policy

ONE, TWO = 1, 2
"""One question, and two, are read otherwise than they are held."""

FAR = 101
"""More questions than a policy has: nothing is beyond."""

TOGETHER = 200
"""So many charts are asked together what single questions change."""

STATES = 4_000
"""With more states than this a chart is given up: what could still be found takes longer than anyone waits."""

BEYOND: Outcome = frozenset({"beyond"})
"""Where a way leads that departs in more questions than that."""


Departure = tuple[str, str]
"""A question, and the option that is held instead."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What a chart leads to under one setting: every claim with the ways to it, and the first.

    The first takes the first option and candidate of all that is open.
    """

    first: Outcome
    ways: Mapping[Outcome, tuple[tuple[Resolution, ...], ...]]


@dataclass(frozen=True, slots=True)
class Departed:
    """What a chart leads to under what is held, and under each departure by itself that leads to other claims.

    Without `complete` the chart leads to so much that it was not gone through, and nothing else is told.
    """

    base: Reached
    changed: Mapping[Departure, Reached] = field(default_factory=dict)
    complete: bool = True


class NearExplorer(Explorer):
    """Explores charts near to what is held; what questions without a default leave open is gone through all the same.

    What it finds is complete where nothing that was left out could lead elsewhere.
    """

    def __init__(
        self,
        policy: Policy,
        readings: Mapping[str, str] | None = None,
        outcome: Mapping[str, int] = CLAIM,
        *,
        most: int = TWO,
        fixed: bool = True,
        direct: Direct | None = None,
    ) -> None:
        """`most` says how many questions may be read otherwise at once; by `direct` single ones are told sooner."""
        super().__init__(policy, readings, outcome, fixed=fixed)
        self.most = most
        self._direct = direct

    def explore(self, charts: Sequence[Facts]) -> list[Exploration]:
        """Explore charts, in the order given."""
        found: list[Exploration] = []
        for it in self._search(charts, MANY):
            if it.given_up:
                found.append(Exploration(complete=False))
                continue
            read = self._read(it.diagram, it.root, it.touched)
            within = tuple(one for one in read.claims if one.claim != BEYOND)
            found.append(replace(read, claims=within, complete=not it.cut))
        return found

    def depart(self, charts: Sequence[Facts]) -> list[Departed]:
        """Tell what each question changes by itself in charts, in the order given, whatever else they leave open."""
        return [found for [found] in self.depart_in(charts, [[name for name, _ in self._rooms.outcome]])]

    def depart_in(self, charts: Sequence[Facts], parts: Sequence[Collection[str]]) -> list[list[Departed]]:
        """Tell it of each part of what is compared by itself: a part is some of its predicates."""
        given_up = Departed(Reached(frozenset(), {}), complete=False)
        sooner = self._sooner(charts, parts)
        searched = self._search([it for it, found in zip(charts, sooner, strict=True) if found is None], TOGETHER)

        def read(it: Found) -> list[Departed]:
            return [given_up if it.given_up else self._departed(_part_of(it, part)) for part in parts]

        return [read(next(searched)) if found is None else found for found in sooner]

    def _sooner(self, charts: Sequence[Facts], parts: Sequence[Collection[str]]) -> list[list[Departed] | None]:
        """Tell it by the compiled law, of those charts that do not lead to too many ways."""
        if self._direct is not None:
            self._direct.expect(len(charts), alone=True)
        if self._direct is None or not self._direct.ready:
            return [None] * len(charts)
        held = {key: option for (_, key), option in self._base.items()}
        departing = Departing(self._direct, self._options, held, self._outcome)

        def departed(facts: Facts) -> list[Departed] | None:
            try:
                found = departing.near(facts)
            except ManyWaysError:
                return None
            return [self._departed_of(found, part) for part in parts]

        return [departed(facts) for facts in charts]

    def _departed_of(self, near: Near, part: Collection[str]) -> Departed:
        diagram = near.diagram

        def reached(node: int) -> Reached:
            first = diagram.value(node, {})
            assert first is not None
            return Reached(first, Found(diagram, node, frozenset(), frozenset()).ways())

        base = diagram.mapped(near.base, lambda it: _within(it, part))
        claims = frozenset(diagram.leaves(base))
        departed = {it: diagram.mapped(node, lambda it: _within(it, part)) for it, node in near.departed.items()}
        for choice in diagram.support(base):
            if choice[0] == OPEN:  # of an open question every option is a departure
                settled = {it: diagram.restrict(base, choice, it) for it in self._options[choice[1]]}
                departed.update({(choice[1], it): node for it, node in settled.items() if node is not None})
        changed = {
            departure: reached(node)
            for departure, node in sorted(departed.items(), key=self._place_of)
            if frozenset(diagram.leaves(node)) != claims
        }
        return Departed(reached(base), changed)

    def _place_of(self, it: tuple[Departure, int]) -> tuple[int, int]:
        key, option = it[0]
        return number(key), self._options[key].index(option)

    def _search(self, charts: Sequence[Facts], together: int) -> Iterator[Found]:
        held = {key: option for (_, key), option in self._base.items()}
        for start in range(0, len(charts), together):
            some = charts[start : start + together]
            search = _Nearby(RoomSolver(self._rooms, shared_facts(self._rooms, some)), self._options, held, self.most)
            yield from search.run(some, candidate_rank)

    def _departed(self, found: Found) -> Departed:
        diagram, root = found.diagram, found.root
        base = frozenset(diagram.leaves(root, self._base))
        changed: dict[Departure, Reached] = {}
        for key in sorted((subject for predicate, subject in diagram.support(root) if predicate == OPEN), key=number):
            for option in self._options[key]:
                under = {**self._base, (OPEN, key): option}
                if option != self._base.get((OPEN, key)) and frozenset(diagram.leaves(root, under)) != base:
                    changed[key, option] = self._reached(found, under)
        return Departed(self._reached(found, self._base), changed)

    def _reached(self, found: Found, under: Mapping[Choice, str]) -> Reached:
        """What follows with these options held, with the ways there through all else that is open."""
        at: int | None = found.root
        for choice, option in under.items():
            at = None if at is None else found.diagram.restrict(at, choice, option)
        assert at is not None
        first = found.diagram.value(at, self._first)
        assert first is not None
        return Reached(first, replace(found, root=at).ways())


def _part_of(found: Found, part: Collection[str]) -> Found:
    """What was found, with only these predicates in what follows."""
    return replace(found, root=found.diagram.mapped(found.root, lambda it: _within(it, part)))


def _within(outcome: Outcome, part: Collection[str]) -> Outcome:
    return outcome if outcome == BEYOND else frozenset(it for it in outcome if it.partition("(")[0] in part)


class _Nearby(Search):
    """A search that goes no further than so many departures from what is held."""

    def __init__(
        self, solver: RoomSolver, options: Mapping[str, tuple[str, ...]], base: Mapping[str, str], most: int
    ) -> None:
        super().__init__(solver, options)
        self._base = base
        self._most = most
        self._departed: dict[int, int] = {}

    def _begin(self, facts: Facts, rank: Rank, held: Mapping[str, tuple[str, ...]]) -> OpenChart:
        chart = super()._begin(facts, rank, held)
        self._departed[id(chart.root)] = 0
        return chart

    def _wanted(self, chart: OpenChart, visits: Sequence[Visit | None]) -> Iterable[tuple[tuple[int, ...], Held]]:
        wanted: dict[tuple[tuple[int, ...], Held], None] = {}
        for state, visit in zip(chart.states, visits, strict=True):
            if visit is not None:
                near = self._ways(state, visit)
                wanted.update(dict.fromkeys((visit.given, it) for it in near))
                chart.cut |= len(near) < prod(map(len, visit.values))
        return wanted

    def _too_many(self, states: Sequence[State]) -> bool:
        return len(states) > STATES

    def _ways(self, state: State, visit: Visit) -> list[Held]:
        """The ways of answering that depart in few enough questions."""
        left = self._most - self._departed[id(state)]
        ways: list[tuple[Held, int]] = [((), left)]
        for key, values in zip(visit.asked, visit.values, strict=True):
            usual = self._base.get(key)
            counts = usual in values
            ways = [
                ((*way, (key, it)), rest - (counts and it != usual))
                for way, rest in ways
                for it in values
                if rest or not counts or it == usual
            ]
        return [way for way, _ in ways]

    def _part(self, state: State, asked: Sequence[str], table: Mapping[Held, True_], chart: OpenChart) -> list[State]:
        first = next(iter(table.values()))
        if all(concluded == first for concluded in table.values()):
            state.true.update(first)
            return [state]
        key, *rest = asked
        values = self._held(state, key)
        usual = self._base.get(key)
        counts = usual in values
        inner: dict[str, dict[Held, True_]] = {}
        for held, concluded in table.items():
            inner.setdefault(held[0][1], {})[held[1:]] = concluded
        groups: list[list[str]] = []
        # what is held comes first: with it, more of the other questions may depart
        for value in sorted(inner, key=lambda it: it != usual):
            for group in groups:
                if inner[value].items() <= inner[group[0]].items():
                    group.append(value)
                    break
            else:
                groups.append([value])
        beyond = tuple(value for value in values if value not in inner)
        if len(groups) == 1 and not beyond:
            return self._part(state, rest, inner[groups[0][0]], chart)
        ends = []
        branches = []
        for group in groups:
            part = State(dict(state.true), {**state.held, key: tuple(it for it in values if it in group)})
            branches.append((part.held[key], part))
            self._departed[id(part)] = self._departed[id(state)] + (counts and usual not in group)
            ends += self._part(part, rest, inner[group[0]], chart)
        if beyond:
            branches.append((beyond, State({}, {}, BEYOND)))
        state.leads = ((OPEN, key), tuple(branches))
        chart.touched.add(key)
        return ends

    def _take(self, name: str, candidates: list[Candidate], state: State, chart: OpenChart) -> list[State]:
        ends = super()._take(name, candidates, state, chart)
        for end in ends:
            self._departed[id(end)] = self._departed[id(state)]
        return ends

    def _joined(self, at: int, states: Iterable[State]) -> list[State]:
        before = list(states)
        found = super()._joined(at, before)
        for state in before:
            if isinstance(state.leads, State):
                other = id(state.leads)
                self._departed[other] = min(self._departed[other], self._departed[id(state)])
        return found
