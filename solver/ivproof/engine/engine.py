"""The first engine: clingo grounds and solves the law over the facts of charts.

All charts of a call are grounded together by the batch rewriting, with the first option of every open question held.
One answer set is taken as *the* answer: each choice takes its first candidate, in an order that depends on the chart
alone. Charts that raise an open question, or whose claim grounding alone does not settle, may have rival claims; only
these are searched through (see `engine.search`), and each of their claims is solved again for its atoms.

In a process that has charts enough they are answered by the compiled law (see `engine.direct`), which takes one after
the other and is sooner; what leads to many ways is left to clingo. Which ones were is said, and `Engine.judge` has
clingo derive them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import clingo

from ivproof.chart import bounds
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.facts import Facts
from ivproof.engine.choices import (
    CHOICES,
    CLAIM,
    DIAGNOSES,
    DRUG_LINES,
    FREE,
    OPEN,
    Atoms,
    ClaimKey,
    Resolution,
    candidate_rank,
    claim_of,
    resolution_of,
)
from ivproof.engine.direct import LARGE, Direct, First, asked, texts
from ivproof.engine.grounding import grounded, shown
from ivproof.engine.rooms import Rooms, rooms
from ivproof.engine.search import Found, Search
from ivproof.engine.selection import Selection
from ivproof.engine.solving import Choice, RoomSolver, shared_facts
from ivproof.engine.trial import Solved, Trial, Tried
from ivproof.law import language, rewrite
from ivproof.law.kept import Kept, rules, shaped
from ivproof.law.policy import Policy
from ivproof.law.rewrite import OFFERED, SETTLED
from ivproof.law.terms import arguments_in

SHOWN = {
    "unit": 5,
    "modifier": 4,
    "excluded": 3,
    "instead_of": 3,
    "kept_from": 3,
    "kept_from_by_route": 3,
    "drug_left_out": 2,
    "bundled": 2,
    "not_reached": 3,
    "missing": 3,
    "finding": 2,
    "slip": 3,
    "picked_by": 2,
    "initial": 2,
    "reported_at": 2,
    "reported_with": 2,
    "line_day": 2,
    **DRUG_LINES,
    **DIAGNOSES,
    **CLAIM,
}
"""Predicates (with their arities) that a determination is made of."""

LAWS = 64
"""How many selections of rules are kept in memory."""

WAYS = 200
"""So many charts are solved together, if they are small."""

ALONE = 2
"""The arity of a choice's predicate where the chart has one such choice only: the encounter, and what is taken."""

TAKEN = 0
"""In place of a literal: what is taken is settled while the law is grounded."""

NO_ANSWER = "the law has no answer set; choices and strata forbid that"

Assumed = tuple[Resolution, ...]
"""Ways of settling choices."""

Left = Mapping[str, Mapping[Choice, Sequence[str]]]
"""Choices that grounding does not settle, by encounter, with their candidates in order."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of several claims that a chart can lead to.

    `resolutions` is a smallest way of getting there; `others` are the further ways, among the choices that matter.
    `predicates`, where it is told, has every predicate of which something can hold on that way.
    """

    claim: ClaimKey
    atoms: Atoms
    resolutions: Assumed
    others: tuple[Assumed, ...] = ()
    predicates: frozenset[str] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the law gives for one encounter: the atoms of the answer, and the rival claims where there are several.

    `supposed` are the choices about facts that the chart does not give, whether they matter or not. `predicates`, where
    it is told, has every predicate of which something can hold: rules that need others did not apply. `by_clingo` says
    whether clingo derived it; else the compiled law did.
    """

    atoms: Atoms
    alternatives: tuple[Alternative, ...] = ()
    supposed: tuple[tuple[str, str], ...] = ()
    predicates: frozenset[str] | None = field(default=None, compare=False)
    by_clingo: bool = field(default=True, compare=False)


class Engine:
    """Answers charts by one policy and one setting of its questions.

    >>> from ivproof.law.policy import Policy
    >>> engine = Engine(Policy.load("out001"), {})
    """

    def __init__(self, policy: Policy, readings: Mapping[str, str] | None = None) -> None:
        self.policy = policy
        self.settings = policy.settings(readings)
        self.open = sorted((key for key, option in self.settings.items() if option is None), key=lambda k: int(k[1:]))
        self._rules = policy.batch_rules(self.settings)
        self._selection = Selection(it[:2] for it in self._rules)
        self._first = {key: policy.questions[key].options[0].name for key in self.open}
        self._laws: dict[frozenset[int], str] = {}
        self._by_clingo_only = False
        self.direct = Direct(
            policy, {**self._first, **{key: it for key, it in self.settings.items() if it is not None}}
        )

    def _law(self, present: frozenset[int]) -> str:
        """The rules that can apply where facts of these patterns are given."""
        if present not in self._laws:
            if len(self._laws) > LAWS:
                self._laws.clear()
            self._laws[present] = (
                "\n".join(self._rules[n].text for n in self._selection.possible(present)) + "\n" + _show(SHOWN)
            )
        return self._laws[present]

    def answer(self, charts: Sequence[Facts]) -> list[Answer]:
        """Give the answer of each encounter, in the order given.

        Raises TooManyWaysError where a chart leads to more than can be gone through.
        """
        if not charts:
            return []
        self.direct.expect(len(charts))
        quick = self._quick(charts, [()] * len(charts))
        first, raised = self._first_of(charts, quick)
        rivals = [n for n, it in enumerate(first) if raised[n] or not it.decided]
        searched = self._rivals(charts, rivals, raised, first)
        alternatives = self._alternatives(charts, searched)
        return [
            Answer(
                it.atoms,
                alternatives.get(n, ()),
                _supposed(it, searched.get(n)),
                it.predicates,
                by_clingo=quick[n] is None and not (n in searched and self.quickly),
            )
            for n, it in enumerate(first)
        ]

    @cached_property
    def judge(self) -> Engine:
        """The same engine, by which clingo derives everything."""
        other = copy(self)
        other.__dict__.pop("_trial", None)
        other._by_clingo_only = True
        return other

    @property
    def quickly(self) -> bool:
        """Whether charts are answered by the compiled law, where that can."""
        return self.direct.ready and not self._by_clingo_only

    def _first_of(self, charts: Sequence[Facts], quick: Sequence[First | None]) -> tuple[list[Solved], list[list[str]]]:
        """Solve each encounter with the first option of open questions; give with it those that it raises."""
        rest = [facts for facts, it in zip(charts, quick, strict=True) if it is None]
        solved: list[Solved] = []
        raised: list[list[str]] = []
        if rest:
            control, left = self._ground(rest)
            solved, raised = self._read(control, left, rest), self._asked(control, len(rest))
        others = zip(solved, raised, strict=True)
        alone = len(charts) == 1
        both = [next(others) if it is None else (self._solved(it, alone), asked(it.derived, self.open)) for it in quick]
        return [it for it, _ in both], [it for _, it in both]

    def _quick(self, charts: Sequence[Facts], ways: Sequence[Assumed]) -> list[First | None]:
        """What the compiled law gives; None where it is left to clingo."""
        if not self.quickly:
            return [None] * len(charts)
        return [self.direct.first(facts, way) for facts, way in zip(charts, ways, strict=True)]

    def _solved(self, first: First, alone: bool = False) -> Solved:
        relations = first.derived.relations
        holds = frozenset(name for (name, _), it in relations.items() if it.rows) if alone and not first.left else None
        return Solved(_sort(texts(first.derived, SHOWN)), first.choices, not first.left, holds)

    def plain(self, charts: Sequence[Facts]) -> list[Atoms]:
        """Give the answer of each encounter with the first option held of every open question: sooner than `answer`."""
        return self._settled(charts, [()] * len(charts))

    def _settled(self, charts: Sequence[Facts], ways: Sequence[Assumed]) -> list[Atoms]:
        """Give the atoms of each encounter with some choices settled, and the first option of other open questions."""
        return [it.atoms for it in self._solve(charts, ways)]

    def _solve(self, charts: Sequence[Facts], ways: Sequence[Assumed]) -> list[Solved]:
        """Solve each encounter with some choices settled, and the first option of other open questions."""
        quick = self._quick(charts, ways)
        rest = [it[:2] for it in zip(charts, ways, quick, strict=True) if it[2] is None]
        solved: list[Solved] = []
        for some in bounds.parts(rest, lambda it: len(it[0].own), WAYS):
            own = [facts for facts, _ in some]
            solved += self._read(*self._ground(own, [way for _, way in some]), own)
        others = iter(solved)
        return [next(others) if it is None else self._solved(it) for it in quick]

    def _read(self, control: clingo.Control, left: Left, charts: Sequence[Facts]) -> list[Solved]:
        atoms, unsettled = _by_encounter(_model(control)), _undecided(control) | _offered(control)
        alone = _predicates(control) if all(it is charts[0] for it in charts) else None
        found: list[Solved] = []
        for key in (f"e{n}" for n in range(len(charts))):
            open_ = left.get(key, {})
            # what else is left took the first of a list, and something else may hold with another
            predicates = alone if all(name == FREE for name, _ in open_) else None
            found.append(Solved(_sort(atoms.get(key, {})), open_, key not in unsettled, predicates))
        return found

    def _asked(self, control: clingo.Control, count: int) -> list[list[str]]:
        """The open questions that each chart of a grounded program raises."""
        if not self.open:
            return [[]] * count
        conditional = {str(atom.symbol.arguments[0]) for atom in control.symbolic_atoms.by_signature("conditional", 1)}
        raised = {tuple(map(str, atom.symbol.arguments)) for atom in control.symbolic_atoms.by_signature("raised", 2)}
        return [[it for it in self.open if it not in conditional or (f"e{n}", it) in raised] for n in range(count)]

    def _ground(self, charts: Sequence[Facts], ways: Sequence[Assumed] | None = None) -> tuple[clingo.Control, Left]:
        """Ground the law over charts, with some choices settled; give the choices that are left."""
        large = any(len(facts.own) > LARGE for facts in charts)
        control = grounded([self.program_text(charts, ways)], ["--heuristic=Domain"], watched=large)
        return control, self._prefer(control, charts)

    def program_text(self, charts: Sequence[Facts], ways: Sequence[Assumed] | None = None) -> str:
        """Give the program that is solved for charts answered together: the rules that can apply, and the facts.

        Some choices may be settled; open questions have their first option otherwise.
        """
        settled = ways or [()] * len(charts)
        shared = dict.fromkeys(fact for facts in charts for fact in facts.shared)
        present = self._selection.present(charts, lifted=True)
        for name in {it.predicate for way in settled for it in way} | ({OPEN} if self.open else set()):
            present.update(self._selection.whatever(name))
        text = [self._law(frozenset(present))]
        text += (f"{fact}.\n" for fact in shared)
        for n, (facts, way) in enumerate(zip(charts, settled, strict=True)):
            readings = self._first | {it.subject: it.value for it in way if it.predicate == OPEN}
            text += (f"reading(e{n},{question},{it}).\n" for question, it in readings.items())
            for it in way:
                if it.predicate != OPEN:
                    text.append(f"{it.predicate}(e{n},{it.arguments}).\n")
                    text.append(f"{SETTLED[0]}(e{n},{it.predicate},{it.subject or 'all'}).\n")
            text.append(facts.batch_text(f"e{n}"))
        return "".join(text)

    def _prefer(self, control: clingo.Control, charts: Sequence[Facts]) -> Left:
        """Let each choice take its first candidate, in an order that depends on the chart alone."""
        found: list[tuple[str, Resolution, tuple[Any, ...], int]] = []
        ranks: dict[str, Callable[[str], tuple[int, str]]] = {}

        def add(encounter: str, resolution: Resolution, literal: int) -> None:
            if encounter not in ranks:
                ranks[encounter] = candidate_rank(charts[int(encounter[1:])])
            # of a list the law itself took the first in the order of terms
            rank = (0, resolution.value) if literal == TAKEN else ranks[encounter](resolution.value)
            found.append((encounter, resolution, rank, literal))

        for name, arity in CHOICES.items():
            for atom in control.symbolic_atoms.by_signature(name, arity):
                if not atom.is_fact:
                    encounter, *arguments = map(str, atom.symbol.arguments)
                    add(encounter, resolution_of(name, arguments), atom.literal)
        for atom in control.symbolic_atoms.by_signature(OFFERED[0], OFFERED[1] + 1):
            encounter, name, of, value = map(str, atom.symbol.arguments)
            add(encounter, Resolution(name, of if CHOICES[name] > ALONE else "", value), TAKEN)
        if not found:
            return {}
        found.sort(key=lambda it: (it[1].predicate == FREE, it[0], it[1].choice, it[2]))
        with control.backend() as backend:
            for n, (_, _, _, literal) in enumerate(found):
                if literal != TAKEN:
                    level = len(found) - n
                    backend.add_heuristic(literal, clingo.backend.HeuristicType.True_, level, level, [])
        left: dict[str, dict[Choice, list[str]]] = {}
        for encounter, resolution, _, _ in found:
            left.setdefault(encounter, {}).setdefault(resolution.choice, []).append(resolution.value)
        return left

    # --- rival claims

    @cached_property
    def _rooms(self) -> Rooms:
        return rooms(self.policy, CLAIM)

    @cached_property
    def _options(self) -> dict[str, tuple[str, ...]]:
        """What may be held of each question."""
        return {
            key: (held,) if held is not None else tuple(option.name for option in self.policy.questions[key].options)
            for key, held in self.settings.items()
        }

    @cached_property
    def _trial(self) -> Trial:
        return Trial(self._solve, self._options, [room.choices for room in self._rooms.order if room.choices])

    def _rivals(
        self,
        charts: Sequence[Facts],
        rivals: Sequence[int],
        asked: Sequence[Sequence[str]],
        first: Sequence[Solved],
    ) -> dict[int, Tried]:
        """Find every claim of some of the charts, over the open questions that each raises and its other choices."""
        ranks = {n: candidate_rank(charts[n]) for n in rivals}
        tried = self._trial.run(
            [charts[n] for n in rivals], [asked[n] for n in rivals], [first[n] for n in rivals], [*ranks.values()]
        )
        found = {n: it for n, it in zip(rivals, tried, strict=True) if it is not None}
        many = [n for n in rivals if n not in found]
        searched = self._search([charts[n] for n in many], [asked[n] for n in many])
        return found | {n: Tried(it, ()) for n, it in zip(many, searched, strict=True)}

    def _search(self, charts: Sequence[Facts], asked: Sequence[Sequence[str]]) -> list[Found]:
        """Find every claim of charts, over the open questions that each raises and its other choices."""
        if not charts:
            return []
        idle = [{key: (first,) for key, first in self._first.items() if key not in raised} for raised in asked]
        search = Search(RoomSolver(self._rooms, shared_facts(self._rooms, charts)), self._options)
        found = search.run(charts, candidate_rank, idle)
        for facts, it in zip(charts, found, strict=True):
            if it.given_up:
                raise TooManyWaysError(
                    f"{facts.encounter.id}: what is left open leads to more claims than can be gone through; "
                    "more facts, or readings that are set, would leave fewer"
                )
        return found

    def _alternatives(
        self, charts: Sequence[Facts], searched: Mapping[int, Tried]
    ) -> dict[int, tuple[Alternative, ...]]:
        """List the distinct claims of those charts that have several, each with a smallest way to it."""
        several = [
            (n, claim, ways, it.leaf(claim, ways[0]))
            for n, it in searched.items()
            if not it.found.determined
            for claim, ways in it.found.ways().items()
        ]
        new = [(n, ways[0]) for n, _, ways, leaf in several if leaf is None]
        waiting = iter(self._solve([charts[n] for n, _ in new], [way for _, way in new]))
        found: dict[int, list[Alternative]] = {}
        for n, claim, ways, leaf in several:
            it = next(waiting) if leaf is None else leaf.solved
            if claim != claim_of(it.atoms):
                raise RuntimeError("a claim that the search found does not follow from the way to it")
            predicates = it.predicates if leaf is None or self._usual(set(leaf.way).difference(ways[0])) else None
            found.setdefault(n, []).append(Alternative(claim, it.atoms, ways[0], ways[1:], predicates))
        return {n: tuple(it) for n, it in found.items()}

    def _usual(self, settled: Iterable[Resolution]) -> bool:
        """Whether choices are settled as where nobody settles them; which of several equals is taken may differ."""
        return all(it.predicate == FREE or self._first.get(it.subject) == it.value for it in settled)


def _supposed(first: Solved, tried: Tried | None) -> tuple[Choice, ...]:
    """The choices about facts that the chart does not give, among all that were met."""
    met = {*first.left, *(tried.found.met if tried is not None else ())}
    return tuple(sorted(it for it in met if it[0] not in {FREE, OPEN}))


# --- Ground programs and models


def _show(predicates: Mapping[str, int]) -> str:
    return "".join(f"#show {name}/{arity + 1}.\n" for name, arity in predicates.items())


def _model(control: clingo.Control) -> list[str]:
    """The shown atoms of the first answer set."""
    found = shown(control)
    if found is None:
        raise RuntimeError(NO_ANSWER)
    return found


def _undecided(control: clingo.Control) -> set[str]:
    """The encounters whose claim grounding alone does not settle; the others have no rival claims."""
    return {
        str(atom.symbol.arguments[0])
        for name, arity in CLAIM.items()
        for atom in control.symbolic_atoms.by_signature(name, arity + 1)
        if not atom.is_fact
    }


def _offered(control: clingo.Control) -> set[str]:
    """The encounters in which a choice from a list took the first of it while the law was grounded."""
    offers = control.symbolic_atoms.by_signature(OFFERED[0], OFFERED[1] + 1)
    return {str(atom.symbol.arguments[0]) for atom in offers}


def _predicates(control: clingo.Control) -> frozenset[str]:
    """The predicates of which a grounded program has an atom."""
    atoms = control.symbolic_atoms
    return frozenset(name for name, arity, _ in atoms.signatures if next(atoms.by_signature(name, arity), None))


def _by_encounter(atoms: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for text in atoms:
        name, _, rest = text.partition("(")
        encounter, _, arguments = rest[:-1].partition(",")
        found.setdefault(encounter, {}).setdefault(name, []).append(arguments)
    return found


def _sort(atoms: Mapping[str, Iterable[str]]) -> Atoms:
    return {name: [arguments_in(text) for text in sorted(texts)] for name, texts in sorted(atoms.items())}


# --- The claim edits


def edit_solver(law: Path) -> Callable[[Sequence[tuple[str, ...]]], list[list[str]]]:
    """Give a function that solves the claim edits: from the facts of each claim to the atoms of its verdict."""
    kept: list[str] = []

    def text() -> str:
        if not kept:
            source = law.read_text("utf-8")
            digest = hashlib.sha256(source.encode()).hexdigest()
            found = Kept(digest).get("edits", lambda: _edit_program(source), lambda it: rules(shaped(it, str)))
            kept.append(str(found))
        return kept[0]

    def solve(claims: Sequence[tuple[str, ...]]) -> list[list[str]]:
        own = "".join(_lifted(f"e{n}", fact) for n, facts in enumerate(claims) for fact in facts)
        control = grounded([text(), own])
        found: list[list[str]] = [[] for _ in claims]
        for edit in _model(control):
            key = edit[edit.index("(") + 1 :].partition(",")[0]
            found[int(key[1:])].append(_strip(edit))
        return found

    return solve


def _strip(text: str) -> str:
    """An atom without its encounter."""
    name, _, rest = text.partition("(")
    return f"{name}({rest.partition(',')[2]}"


def _edit_program(source: str) -> str:
    program = rewrite.batch(language.load({"edits.lp": source}), ())
    return program.text + "#show edit/4.\n"


def _lifted(key: str, fact: str) -> str:
    name, bracket, rest = fact.partition("(")
    return f"{name}({key},{rest}.\n" if bracket else f"{name}({key}).\n"
