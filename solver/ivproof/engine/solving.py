"""Solves rooms: each once for every distinct input and every answer to the questions that its rules ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from ivproof.chart import bounds
from ivproof.chart.facts import Facts
from ivproof.engine.choices import resolution_of
from ivproof.engine.grounding import consequences, derive
from ivproof.engine.rooms import CANDIDATE, GIVEN, Room, Rooms
from ivproof.law.terms import arguments_in

EMPTY = 0
"""The number of the extension without atoms."""

TOGETHER = 400
"""So many inputs are put to the solver together, if they are small."""

Choice = tuple[str, str]
"""What is chosen: the predicate (a reading, a supposed fact, one of several equals) and what it is about."""

Outcome = frozenset[str]
"""The atoms of the outcome."""

True_ = dict[str, int]
"""What is true: the number of each predicate's extension."""

Held = tuple[tuple[str, str], ...]
"""What is held of some questions."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a state brings to a room: extensions, and what it may hold of each question that is asked."""

    given: tuple[int, ...]
    asked: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    def ways(self) -> Iterator[Held]:
        """Every way of answering."""
        return product(*([(key, it) for it in values] for key, values in zip(self.asked, self.values, strict=True)))


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a choice may take: its value, and the arguments of the atom that says so."""

    choice: Choice
    value: str
    arguments: str


@dataclass
class _Extensions:
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


def shared_facts(rooms: Rooms, charts: Iterable[Facts]) -> dict[str, list[str]]:
    """Give what is the same for all charts, by predicate: facts of the law, and of the drugs that the charts name."""
    given = dict.fromkeys(fact for facts in charts for fact in facts.shared)
    return consequences("\n".join((*rooms.common, *(f"{fact}." for fact in given))))


class RoomSolver:
    """Solves the rooms of one law for the states of charts, and remembers what came of it."""

    def __init__(self, rooms: Rooms, shared: Mapping[str, Sequence[str]]) -> None:
        """`shared` are the facts that all charts share, by predicate."""
        self.rooms = rooms
        self._shared = shared
        self._extensions = _Extensions()
        self._solved: dict[int, dict[tuple[tuple[int, ...], Held], True_]] = {}
        self._asked: dict[tuple[int, tuple[int, ...]], tuple[str, ...] | None] = {}

    def begin(self, facts: Facts) -> True_:
        """Give what is true of a chart before any room."""
        atoms: dict[str, list[str]] = {}
        for fact in facts.own:
            if fact.predicate in self.rooms.used:
                atoms.setdefault(fact.predicate, []).append(fact.arguments)
        return {name: self._extensions.number(texts) for name, texts in atoms.items()}

    def asked(self, room: Room, true: True_) -> tuple[tuple[int, ...], tuple[str, ...] | None]:
        """Give what a state brings to a room, and the questions that are asked of it; None: no rule can apply."""
        given = tuple([true.get(name, EMPTY) for name in room.inputs])
        known = (room.number, given)
        if known not in self._asked:
            self._asked[known] = room.asked(true)
        return given, self._asked[known]

    def solve(self, room: Room, wanted: Iterable[tuple[tuple[int, ...], Held]]) -> None:
        """Solve a room for those inputs that are new."""
        solved = self._solved.setdefault(room.number, {})
        waiting = list(dict.fromkeys(it for it in wanted if it not in solved))
        texts = self._extensions.texts
        for some in bounds.parts(waiting, lambda it: sum(len(texts[number]) for number in it[0]), TOGETHER):
            self._solve_some(room, some)

    def concluded(self, room: Room, given: tuple[int, ...], held: Held) -> True_:
        """Give what a solved room concludes."""
        return self._solved[room.number][given, held]

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

    def candidates(self, name: str, true: True_) -> list[list[Candidate]]:
        """Take the candidates of a predicate's choices out of what is true, choice by choice."""
        groups: dict[str, list[Candidate]] = {}
        for text in self._extensions.texts[true.pop(CANDIDATE + name, EMPTY)]:
            choice, *arguments = map(str, arguments_in(text))
            way = resolution_of(name, arguments)
            groups.setdefault(choice, []).append(Candidate(way.choice, way.value, ",".join(arguments)))
        return list(groups.values())

    def choose(self, name: str, candidate: Candidate, true: True_) -> None:
        """Let a choice take a candidate."""
        held = self._extensions.texts[true.get(name, EMPTY)]
        true[name] = self._extensions.number((*held, candidate.arguments))

    def outcome(self, true: True_) -> Outcome:
        """Give the outcome of a state that went through all rooms."""
        return frozenset(
            f"{name}({text})"
            for name, _ in self.rooms.outcome
            for text in self._extensions.texts[true.get(name, EMPTY)]
        )
