"""Goes through everything that is left open in charts, room by room, and keeps apart only what differs.

A *state* is what is true of a chart so far, as some of the questions are answered. Each room (see `rooms`) is solved by
clingo once for every distinct input and every answer to the questions that it asks; a state parts only where the
conclusions differ, and states that agree on all that is still to be used become one again. So questions that change
nothing cost nothing, and questions that change different things do not multiply before they meet. What comes out is a
decision diagram from answers to outcomes, which leaves out no combination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ivproof.chart import bounds
from ivproof.chart.facts import Facts
from ivproof.engine.choices import FREE, OPEN, Resolution
from ivproof.engine.diagram import Diagram
from ivproof.engine.rooms import CANDIDATE, Room
from ivproof.engine.solving import Candidate, Choice, Held, Outcome, RoomSolver, True_, Visit

STATES = 20_000
"""With more states than this a chart is given up: no one could read the claims that it leads to."""

Rank = Callable[[str], tuple[int, str]]
"""What ranks the candidates of a chart's choices."""


@dataclass(slots=True, eq=False)
class State:
    """What is true of a chart so far: the number of each predicate's extension, and what questions may still be held.

    `leads` is set once it is known: to the outcome, to another state, or to one state for each value of a choice.
    """

    true: dict[str, int]
    held: dict[str, tuple[str, ...]]
    leads: State | tuple[Choice, tuple[tuple[tuple[str, ...], State], ...]] | Outcome | None = None


@dataclass(slots=True, eq=False)
class OpenChart:
    """A chart on its way: its states, and how candidates are ranked in it."""

    rank: Callable[[str], tuple[int, str]]
    root: State
    states: list[State]
    touched: set[str]
    met: set[Choice]
    given_up: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a chart leads to: a decision diagram with its root, the questions that touch it, other choices on the way.

    Where the chart was given up there is no diagram. With `cut` the search left something out (see `nearby`).
    """

    diagram: Diagram[Choice, Outcome]
    root: int
    touched: frozenset[str]
    met: frozenset[Choice]
    given_up: bool = False
    cut: bool = False

    @property
    def determined(self) -> bool:
        """Whether everything leads to the same."""
        return not self.diagram.support(self.root)

    def ways(self) -> dict[Outcome, tuple[tuple[Resolution, ...], ...]]:
        """Give every outcome with the ways to it, a shortest first."""
        paths = self.diagram.paths(self.root)
        return {
            outcome: tuple(tuple(Resolution(choice[0], choice[1], value) for choice, value in way) for way in ways)
            for outcome, ways in paths.items()
        }


class Search:
    """The search through the charts of one call."""

    def __init__(self, solver: RoomSolver, options: Mapping[str, tuple[str, ...]]) -> None:
        """`options` are what may be held of each question, in their order."""
        self._solver = solver
        self._rooms = solver.rooms
        self._options = options

    def run(
        self,
        charts: Sequence[Facts],
        rank: Callable[[Facts], Rank],
        held: Sequence[Mapping[str, tuple[str, ...]]] | None = None,
    ) -> list[Found]:
        """Give what each chart leads to; `held` may leave less to be held of some questions, for each chart."""
        given = held or [{}] * len(charts)
        under_way = [self._begin(facts, rank(facts), its) for facts, its in zip(charts, given, strict=True)]
        for at, room in enumerate(self._rooms.order):
            bounds.keep(sum(len(chart.states) for chart in under_way))
            live = [chart for chart in under_way if not chart.given_up]
            visits = [[self._visit(room, state) for state in chart.states] for chart in live]
            wanted = (it for chart, mine in zip(live, visits, strict=True) for it in self._wanted(chart, mine))
            self._solver.solve(room, wanted)
            for chart, mine in zip(live, visits, strict=True):
                self._advance(at, room, chart, mine)
        return [self._found(chart) for chart in under_way]

    def _begin(self, facts: Facts, rank: Rank, held: Mapping[str, tuple[str, ...]]) -> OpenChart:
        root = State(self._solver.begin(facts), {key: it for key, it in held.items() if key in self._rooms.used})
        return OpenChart(rank, root, [root], set(), set())

    def _visit(self, room: Room, state: State) -> Visit | None:
        given, asked = self._solver.asked(room, state.true)
        return None if asked is None else Visit(given, asked, tuple(self._held(state, key) for key in asked))

    def _held(self, state: State, key: str) -> tuple[str, ...]:
        return state.held.get(key) or self._options[key]

    def _wanted(
        self,
        chart: OpenChart,
        visits: Sequence[Visit | None],
    ) -> Iterable[tuple[tuple[int, ...], Held]]:
        """What a room is to be solved for: what the states of a chart bring, with every answer that is looked at."""
        brought = dict.fromkeys(visit for visit in visits if visit is not None)
        return ((visit.given, held) for visit in brought for held in visit.ways())

    def _ways(self, state: State, visit: Visit) -> Iterable[Held]:
        """The answers that are looked at in a state."""
        return visit.ways()

    def _too_many(self, states: Sequence[State]) -> bool:
        return len(states) > STATES

    # --- parting and joining states

    def _advance(self, at: int, room: Room, chart: OpenChart, visits: Sequence[Visit | None]) -> None:
        """Take the states of a chart through a room."""
        ends = [
            end
            for state, visit in zip(chart.states, visits, strict=True)
            for end in self._enter(room, state, visit, chart)
        ]
        # states differ in something that is still to be used; they can only become one when something is forgotten
        chart.states = self._joined(at, ends) if at in self._rooms.forgotten else ends
        if self._too_many(chart.states):
            chart.given_up, chart.states = True, []

    def _enter(self, room: Room, state: State, visit: Visit | None, chart: OpenChart) -> list[State]:
        """Give the states that a state parts into as a room's conclusions are added."""
        if visit is None:
            return [state]
        table = {held: self._solver.concluded(room, visit.given, held) for held in self._ways(state, visit)}
        bounds.keep(len(table))
        ends = self._part(state, visit.asked, table, chart)
        if room.choices:
            ends = [end for it in ends for end in self._choose(room, it, chart)]
        return ends

    def _part(self, state: State, asked: Sequence[str], table: Mapping[Held, True_], chart: OpenChart) -> list[State]:
        """Part a state by the questions that make a difference to what is concluded."""
        first = next(iter(table.values()))
        if all(concluded == first for concluded in table.values()):
            state.true.update(first)
            return [state]
        key, *rest = asked
        groups: dict[object, list[str]] = {}
        for value in self._held(state, key):
            mine = tuple((held[1:], tuple(it.items())) for held, it in table.items() if held[0] == (key, value))
            groups.setdefault(mine, []).append(value)
        ends = []
        branches = []
        for values in groups.values():
            inner = {held[1:]: it for held, it in table.items() if held[0] == (key, values[0])}
            part = state if len(groups) == 1 else State(dict(state.true), {**state.held, key: tuple(values)})
            branches.append((tuple(values), part))
            ends += self._part(part, rest, inner, chart)
        if len(groups) > 1:
            state.leads = ((OPEN, key), tuple(branches))
            chart.touched.add(key)
        return ends

    def _choose(self, room: Room, state: State, chart: OpenChart) -> list[State]:
        """Part a state by what a room's choices may take."""
        ends = [state]
        for name in room.choices:
            for candidates in self._solver.candidates(name, state.true):
                bounds.keep(len(ends) * len(candidates))
                ends = [end for it in ends for end in self._take(name, candidates, it, chart)]
        return ends

    def _take(self, name: str, candidates: list[Candidate], state: State, chart: OpenChart) -> list[State]:
        state.true.pop(CANDIDATE + name, None)
        chart.met.add(candidates[0].choice)
        if len(candidates) == 1:
            self._solver.choose(name, candidates[0], state.true)
            return [state]
        ranked = sorted(candidates, key=lambda it: chart.rank(it.value))
        ends = [State(dict(state.true), dict(state.held)) for _ in ranked]
        for end, candidate in zip(ends, ranked, strict=True):
            self._solver.choose(name, candidate, end.true)
        branches = tuple(((it.value,), end) for it, end in zip(ranked, ends, strict=True))
        state.leads = (ranked[0].choice, branches)
        return ends

    def _joined(self, at: int, states: Iterable[State]) -> list[State]:
        """Forget what is not used any more, and let states become one that are the same from here on."""
        forgotten = self._rooms.forgotten[at]
        found: dict[object, State] = {}
        for state in states:
            for name in forgotten:
                state.true.pop(name, None)
                state.held.pop(name, None)
            key = (frozenset(state.true.items()), frozenset(state.held.items()))
            other = found.setdefault(key, state)
            if other is not state:
                state.leads = other
        return list(found.values())

    # --- the diagram

    def _found(self, chart: OpenChart) -> Found:
        """Make the diagram of a chart that went through all rooms."""

        diagram = diagram_of(self._options, chart.rank)
        if chart.given_up:
            return Found(diagram, diagram.leaf(frozenset()), frozenset(), frozenset(), given_up=True)
        numbers: dict[int, int] = {}
        for state in chart.states:
            state.leads = self._solver.outcome(state.true)

        def number(state: State) -> int:
            path = [state]
            while isinstance(path[-1].leads, State) and id(path[-1]) not in numbers:
                path.append(path[-1].leads)
            last = path[-1]
            found = numbers.get(id(last))
            if found is None:
                if isinstance(last.leads, tuple):
                    variable, branches = last.leads
                    children: dict[str, int] = {}
                    for values, branch in branches:
                        children.update(dict.fromkeys(values, number(branch)))
                    found = diagram.node(variable, children)
                elif isinstance(last.leads, frozenset):
                    found = diagram.leaf(last.leads)
                else:
                    raise AssertionError("a state that leads nowhere")
            numbers.update((id(it), found) for it in path)
            return found

        root = diagram.ordered(number(chart.root))
        return Found(diagram, root, frozenset(chart.touched), frozenset(chart.met), cut=chart.cut)


def diagram_of(options: Mapping[str, Sequence[str]], rank: Rank) -> Diagram[Choice, Outcome]:
    """Give an empty diagram for a chart: `options` are those of the questions, `rank` ranks what else may be taken."""

    def place(choice: Choice, value: str) -> tuple[int, str]:
        predicate, subject = choice
        return (options[subject].index(value), "") if predicate == OPEN else rank(value)

    return Diagram(_place, place)


def _place(choice: Choice) -> tuple[int, int, str]:
    """The order in which a diagram asks: questions by number, then what is supposed of facts, then equals."""
    predicate, subject = choice
    if predicate == OPEN:
        return 0, int(subject[1:]), ""
    return (2 if predicate == FREE else 1), 0, f"{predicate} {subject}"
