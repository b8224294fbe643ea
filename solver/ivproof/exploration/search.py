"""Goes through everything that is left open in charts, room by room, and keeps apart only what differs.

A *state* is what is true of a chart so far, as some of the questions are answered. Each room (see `rooms`) is solved by
clingo once for every distinct input and every answer to the questions that it asks; a state parts only where the
conclusions differ, and states that agree on all that is still to be used become one again. So questions that change
nothing cost nothing, and questions that change different things do not multiply before they meet. What comes out is a
decision diagram from answers to outcomes, which leaves out no combination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, product

from ivproof.engine import FREE, OPEN, derive, resolution_of
from ivproof.exploration.diagram import Diagram
from ivproof.exploration.rooms import CANDIDATE, GIVEN, Room, Rooms
from ivproof.facts import Facts
from ivproof.law.terms import Function, parse

Choice = tuple[str, str]
"""What is chosen: the predicate (a reading, a supposed fact, one of several equals) and what it is about."""

Outcome = frozenset[str]
"""The atoms of the outcome."""

STATES = 20_000
"""With more states than this a chart is given up: no one could read the claims that it leads to."""

EMPTY = 0
"""The number of the extension without atoms."""

TOGETHER = 400
"""So many inputs are put to the solver together."""


class TooManyWaysError(RuntimeError):
    """A chart whose open questions lead to more different states than can be gone through."""


@dataclass(slots=True, eq=False)
class State:
    """What is true of a chart so far: the number of each predicate's extension, and what questions may still be held.

    `leads` is set once it is known: to the outcome, to another state, or to one state for each value of a choice.
    """

    true: dict[str, int]
    held: dict[str, tuple[str, ...]]
    leads: State | tuple[Choice, tuple[tuple[tuple[str, ...], State], ...]] | Outcome | None = None


@dataclass(slots=True, eq=False)
class _Chart:
    """A chart on its way: its states, and how candidates are ranked in it."""

    rank: Callable[[str], tuple[int, str]]
    root: State
    states: list[State]
    touched: set[str]
    given_up: bool = False


Held = tuple[tuple[str, str], ...]
Concluded = dict[str, int]


@dataclass(frozen=True, slots=True)
class _Visit:
    """What a state brings to a room: extensions, and what it may hold of each question that is asked."""

    given: tuple[int, ...]
    asked: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    def ways(self) -> Iterator[Held]:
        """Every way of answering."""
        return product(*([(key, it) for it in values] for key, values in zip(self.asked, self.values, strict=True)))


@dataclass
class _Texts:
    """Extensions of predicates by number: each the texts of its atoms' arguments, in order."""

    numbers: dict[tuple[str, ...], int] = field(default_factory=lambda: {(): EMPTY})
    texts: list[tuple[str, ...]] = field(default_factory=lambda: [()])

    def number(self, texts: Iterable[str]) -> int:
        key = tuple(sorted(texts))
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.texts)
            self.texts.append(key)
        return found


class Search:
    """The search through the charts of one call."""

    def __init__(
        self, rooms: Rooms, shared: Mapping[str, Sequence[str]], options: Mapping[str, tuple[str, ...]]
    ) -> None:
        """`shared` are the facts that all charts share, by predicate; `options` what may be held of each question.

        `touched` has, for each chart of a run, the questions that change something of it, be it not the claim.
        """
        self._rooms = rooms
        self._shared = shared
        self._options = options
        self._extensions = _Texts()
        self.touched: list[set[str]] = []
        self._solved: dict[int, dict[tuple[tuple[int, ...], Held], Concluded]] = {}
        self._asked: dict[tuple[int, tuple[int, ...]], tuple[str, ...] | None] = {}

    def run(
        self, charts: Sequence[Facts], rank: Callable[[Facts], Callable[[str], tuple[int, str]]]
    ) -> list[tuple[Diagram[Choice, Outcome], int] | None]:
        """Give the diagram of each chart, with its root; None where there are too many ways."""
        under_way = [self._begin(facts, rank(facts)) for facts in charts]
        self.touched = [chart.touched for chart in under_way]
        for at, room in enumerate(self._rooms.order):
            live = [chart for chart in under_way if not chart.given_up]
            visits = [[self._visit(room, state) for state in chart.states] for chart in live]
            self._solve(room, visits)
            for chart, mine in zip(live, visits, strict=True):
                self._advance(at, room, chart, mine)
        return [None if chart.given_up else self._diagram(chart) for chart in under_way]

    def _begin(self, facts: Facts, rank: Callable[[str], tuple[int, str]]) -> _Chart:
        atoms: dict[str, list[str]] = {}
        for fact in facts.own:
            atoms.setdefault(fact.predicate, []).append(fact.arguments)
        used = self._rooms.used
        true = {name: self._extensions.number(texts) for name, texts in atoms.items() if name in used}
        root = State(true, {})
        return _Chart(rank, root, [root], set())

    # --- solving a room

    def _visit(self, room: Room, state: State) -> _Visit | None:
        """What a state brings to a room, and the answers that it allows; None: no rule can apply."""
        given = tuple(state.true.get(name, EMPTY) for name in room.inputs)
        known = (room.number, given)
        if known not in self._asked:
            self._asked[known] = room.asked(state.true)
        asked = self._asked[known]
        return None if asked is None else _Visit(given, asked, tuple(self._held(state, key) for key in asked))

    def _solve(self, room: Room, visits: Iterable[Iterable[_Visit | None]]) -> None:
        """Solve a room for every input that is new."""
        wanted: dict[tuple[tuple[int, ...], Held], None] = {}
        solved = self._solved.setdefault(room.number, {})
        for visit in dict.fromkeys(chain.from_iterable(visits)):
            if visit is not None:
                wanted.update(
                    dict.fromkeys((visit.given, held) for held in visit.ways() if (visit.given, held) not in solved)
                )
        waiting = list(wanted)
        for start in range(0, len(waiting), TOGETHER):
            self._solve_some(room, waiting[start : start + TOGETHER])

    def _held(self, state: State, key: str) -> tuple[str, ...]:
        return state.held.get(key) or self._options[key]

    def _solve_some(self, room: Room, wanted: Sequence[tuple[tuple[int, ...], Held]]) -> None:
        rules: dict[str, None] = {}
        shared: dict[str, None] = {}
        seen: dict[tuple[str, int], None] = {}
        text: list[str] = []
        for n, (given, held) in enumerate(wanted):
            key = f"k{n}"
            inputs = dict(zip(room.inputs, given, strict=True))
            seen.update(dict.fromkeys(inputs.items()))
            present = {name for name, number in inputs.items() if number != EMPTY}
            for rule in room.rules:
                if rule.needs <= present:
                    rules[rule.text] = None
                    shared.update(dict.fromkeys(rule.shared))
            text.append(f"{GIVEN}({','.join(map(str, (key, *given)))}).")
            text += (f"reading({key},{question},{it})." for question, it in held)
        for name, number in seen:
            atoms = self._extensions.texts[number]
            text += (f"{name}({number},{arguments})." if arguments else f"{name}({number})." for arguments in atoms)
        facts = (f"{fact}." for name in shared for fact in self._shared.get(name, ()))
        found = derive("\n".join((*rules, *facts, *text)), {name: arity + 1 for name, arity in room.heads})
        solved = self._solved[room.number]
        for n, (given, held) in enumerate(wanted):
            mine = found.get(f"k{n}", {})
            solved[given, held] = {name: self._extensions.number(mine[name]) for name, _ in room.heads if name in mine}

    # --- parting and joining states

    def _advance(self, at: int, room: Room, chart: _Chart, visits: Sequence[_Visit | None]) -> None:
        """Take the states of a chart through a room."""
        ends = [
            end
            for state, visit in zip(chart.states, visits, strict=True)
            for end in self._enter(room, state, visit, chart)
        ]
        # states differ in something that is still to be used; they can only become one when something is forgotten
        chart.states = self._joined(at, ends) if at in self._rooms.forgotten else ends
        if len(chart.states) > STATES:
            chart.given_up, chart.states = True, []

    def _enter(self, room: Room, state: State, visit: _Visit | None, chart: _Chart) -> list[State]:
        """Give the states that a state parts into as a room's conclusions are added."""
        if visit is None:
            return [state]
        solved = self._solved[room.number]
        ways = list(visit.ways())
        first = solved[visit.given, ways[0]]
        if all(solved[visit.given, held] == first for held in ways):
            state.true.update(first)
            ends = [state]
        else:
            table = {held: solved[visit.given, held] for held in ways}
            ends = self._part(state, visit.asked, table, chart)
        if room.choices:
            ends = [end for it in ends for end in self._choose(room, it, chart)]
        return ends

    def _part(self, state: State, asked: Sequence[str], table: Mapping[Held, Concluded], chart: _Chart) -> list[State]:
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

    def _choose(self, room: Room, state: State, chart: _Chart) -> list[State]:
        """Part a state by what a room's choices may take."""
        ends = [state]
        for name in room.choices:
            number = state.true.pop(CANDIDATE + name, EMPTY)
            groups: dict[str, list[str]] = {}
            for text in self._extensions.texts[number]:
                choice, value = _cut(text)
                groups.setdefault(choice, []).append(value)
            for values in groups.values():
                ends = [end for it in ends for end in self._take(name, values, it, chart)]
        return ends

    def _take(self, name: str, values: list[str], state: State, chart: _Chart) -> list[State]:
        way = {it: resolution_of(name, [str(argument) for argument in _arguments(it)]) for it in values}
        ranked = sorted(values, key=lambda it: chart.rank(way[it].value))
        if len(ranked) == 1:
            self._add(state, name, ranked[0])
            return [state]
        ends = [State(dict(state.true), dict(state.held)) for _ in ranked]
        for end, value in zip(ends, ranked, strict=True):
            self._add(end, name, value)
        branches = tuple(((way[it].value,), end) for it, end in zip(ranked, ends, strict=True))
        state.leads = (way[ranked[0]].choice, branches)
        return ends

    def _add(self, state: State, name: str, value: str) -> None:
        held = self._extensions.texts[state.true.get(name, EMPTY)]
        state.true[name] = self._extensions.number((*held, value))

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

    def _diagram(self, chart: _Chart) -> tuple[Diagram[Choice, Outcome], int]:
        diagram: Diagram[Choice, Outcome] = Diagram(_place)
        numbers: dict[int, int] = {}
        for state in chart.states:
            state.leads = frozenset(
                f"{name}({text})"
                for name, _ in self._rooms.outcome
                for text in self._extensions.texts[state.true.get(name, EMPTY)]
            )

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

        return diagram, diagram.ordered(number(chart.root))


def _place(choice: Choice) -> tuple[int, int, str]:
    """The order in which a diagram asks: questions by number, then what is supposed of facts, then equals."""
    predicate, subject = choice
    if predicate == OPEN:
        return 0, int(subject[1:]), ""
    return (2 if predicate == FREE else 1), 0, f"{predicate} {subject}"


def _arguments(text: str) -> tuple[object, ...]:
    term = parse(f"atom({text})")
    return term.arguments if isinstance(term, Function) else (term,)


def _cut(text: str) -> tuple[str, str]:
    """Which choice a candidate belongs to, and the arguments that it would have."""
    choice, *arguments = _arguments(text)
    return str(choice), ",".join(map(str, arguments))
