"""Applies the law to one chart again and again while a time of it moves, doing anew only what the time touches.

What does not see a number that moves is remembered by what it was made of: relations that hold the same atoms are the
same object, and a step that gets the same objects gives what it gave before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from operator import itemgetter
from typing import Any

from ivproof.chart import bounds
from ivproof.chart.bounds import TooManyWaysError
from ivproof.recheck import Atom
from ivproof.recheck.evaluator import ROUNDS
from ivproof.recheck.terms import Signature
from ivproof.unknowns.affine import moves, written
from ivproof.unknowns.law import Law, Ready, Step, asks, holds
from ivproof.unknowns.relations import Relation

WAYS = 2000
"""So many ways of settling choices are gone through at one minute; a chart with more is not answered."""

TOO_MANY = f"there are more than {WAYS} ways of settling what is left open"

State = list[Relation]
Claim = frozenset[Atom]
Outcomes = tuple[frozenset[tuple[Any, ...]], frozenset[tuple[str, str]]]
"""A claim, and the options of open questions on the way to it."""

Outcome = tuple[tuple[int, Relation], ...]
"""Relations that a step has made, by the number of their predicate."""


class Database:
    """The relations by predicate, as a rule's function asks for them."""

    __slots__ = ("numbers", "state")

    def __init__(self, numbers: Mapping[Signature, int], state: State) -> None:
        self.numbers = numbers
        self.state = state

    def __getitem__(self, signature: Signature) -> Relation:
        return self.state[self.numbers[signature]]


class _Step:
    """A step with the numbers of the predicates that it touches, and what it gave before for one chart."""

    __slots__ = ("key", "memory", "questions", "rules", "step")

    def __init__(
        self,
        step: Step,
        key: Callable[[State], Any],
        rules: Sequence[tuple[Ready, tuple[int, ...], int]],
        questions: Sequence[tuple[str, int, int]],
    ) -> None:
        self.step, self.key, self.rules, self.questions = step, key, rules, questions
        self.memory: dict[Any, Outcome] = {}
        """What the step gave for relations in which nothing moves."""

    @staticmethod
    def of(step: Step, numbers: Mapping[Signature, int]) -> _Step:
        """Find the numbers of the predicates that a step touches."""
        touched = [numbers[it] for it in step.touches]
        return _Step(
            step,
            itemgetter(*touched, *touched[:1]),  # a tuple even where it is one
            [(it, tuple(numbers[need] for need in it.needs), numbers[it.head]) for it in step.rules],
            [(key, numbers[asks(key)], numbers[holds(key)]) for key in step.questions],
        )

    def fresh(self) -> _Step:
        """The same step, for another chart."""
        return _Step(self.step, self.key, self.rules, self.questions)


class Standing:
    """What is known where numbers that move stand as they do: what they are part of, and what steps gave for that.

    All of it holds as long as what was noted on the way does. Of several charts in which the same numbers stand at the
    same point, the later ones do anew only what their facts touch.
    """

    __slots__ = ("fleeting", "moving")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.fleeting: dict[tuple[_Step, Any], Outcome] = {}
        self.moving: dict[Any, Relation] = {}

    def mark(self) -> tuple[int, int]:
        """Give how much is known, for `back`."""
        return len(self.fleeting), len(self.moving)

    def back(self, mark: tuple[int, int]) -> None:
        """Forget what came after a mark."""
        while len(self.fleeting) > mark[0]:
            self.fleeting.popitem()
        while len(self.moving) > mark[1]:
            self.moving.popitem()


class Numbering:
    """Numbers of predicates and steps that several laws have in common, as parts of one law do, or two editions."""

    def __init__(self, laws: Iterable[Law], compared: Iterable[Signature] = ()) -> None:
        """Number every predicate that these laws read or conclude, and those that are compared."""
        laws = list(laws)
        signatures = dict.fromkeys([*(it for law in laws for it in law.signatures()), *compared])
        self.numbers = {signature: n for n, signature in enumerate(signatures)}
        self.timed = [
            frozenset[int]().union(*(law.timed.get(signature, ()) for law in laws)) for signature in signatures
        ]
        self._steps: dict[object, _Step] = {}
        self._begin: dict[tuple[int, tuple[Atom, ...]], Relation] = {}

    def step(self, step: Step) -> _Step:
        """Give a step with its numbers; the same object for the same rules."""
        key = (tuple((it.rule, *sorted(it.wants.items())) for it in step.rules), step.recursive)
        found = self._steps.get(key)
        if found is None:
            found = self._steps[key] = _Step.of(step, self.numbers)
        return found

    def begin(self, number: int, rows: Sequence[Atom]) -> Relation:
        """Give the relation of a predicate as a law's facts make it; the same object for the same facts."""
        key = (number, tuple(rows))
        found = self._begin.get(key)
        if found is None:
            found = self._begin[key] = Relation(rows, self.timed[number])
        return found


class Numbered:
    """A law whose predicates have numbers: what the evaluators of all charts share.

    `compared` are the predicates that make up a claim.
    """

    def __init__(
        self,
        law: Law,
        options: Mapping[str, Sequence[str]],
        compared: Sequence[Signature],
        numbering: Numbering | None = None,
    ) -> None:
        """Take the law and, of each open question, its options; `numbering` is what it has in common with others."""
        self.options = options
        numbering = numbering or Numbering([law], compared)
        self.numbers, self.timed = numbering.numbers, numbering.timed
        self.reads = frozenset(law.signatures())
        """The predicates that the law reads or concludes; there may be numbers for others."""
        self.compared = [self.numbers[signature] for signature in compared]
        self.steps = [numbering.step(it) for it in law.steps]
        rows = self.by_number(law.facts)
        self.begin = [numbering.begin(n, rows.get(n, ())) for n in range(len(self.numbers))]
        self.given = frozenset(rows)
        """The predicates of which the law itself gives facts."""
        self._possible: dict[frozenset[int], list[int]] = {}
        self._reached: dict[frozenset[int], set[int]] = {}

    def by_number(self, atoms: Iterable[Atom]) -> dict[int, list[Atom]]:
        """Atoms by the number of their predicate; what no rule reads changes nothing, and is left out."""
        found: dict[int, list[Atom]] = {}
        for atom in atoms:
            number = self.numbers.get((str(atom[0]), len(atom) - 1))
            if number is not None:
                found.setdefault(number, []).append(atom)
        return found

    def possible(self, present: frozenset[int]) -> list[int]:
        """The steps that can conclude something from facts of these predicates."""
        found = self._possible.get(present)
        if found is None:
            reached = set(present)
            size = -1
            while size != (size := len(reached)):
                for step in self.steps:
                    reached.update(head for _, needs, head in step.rules if reached.issuperset(needs))
            found = [n for n, it in enumerate(self.steps) if any(reached.issuperset(needs) for _, needs, _ in it.rules)]
            if len(self._possible) < MOST_KEPT:
                self._possible[present] = found
        return found

    def reached(self, given: frozenset[int]) -> set[int]:
        """The steps, by identity, whose outcome can hang on facts of these predicates, or that settle what is open."""
        found = self._reached.get(given)
        if found is None:
            touched = set(given)
            found = self._reached[given] = set()
            for it in self.steps:
                its = [self.numbers[signature] for signature in it.step.touches]
                if it.step.choice or it.questions or not touched.isdisjoint(its):
                    found.add(id(it.step))
                    touched.update(head for _, _, head in it.rules)
        return found


MOST_KEPT = 10_000
"""Of so many sets of predicates it is kept which steps they lead to."""


class Evaluator:
    """Applies a law to the charts that one chart becomes while a time moves."""

    def __init__(self, law: Numbered, beside: Evaluator | None = None) -> None:
        """Take the law; what an evaluator `beside` this one found by a law of the same numbering is known here, too."""
        self.law = law
        self._steps: dict[int, _Step] = {} if beside is None else beside._steps
        self._known: dict[Any, Relation] = {} if beside is None else beside._known
        self._steps_of: dict[frozenset[int], list[_Step]] = {}
        self._here = Standing()
        self._still: tuple[tuple[Atom, ...], frozenset[int], State, list[_Step]] | None = None
        self._taken: frozenset[Atom] = frozenset()
        self._claims: dict[tuple[Relation, ...], Claim] = {}
        self.lost = 0
        """So many ways led nowhere, as more than one candidate of a choice came true on them."""

    def claims(
        self, facts: Iterable[Atom], held: Mapping[str, str] | None = None, taken: Iterable[Atom] = ()
    ) -> frozenset[Claim]:
        """Give every claim that follows from facts; numbers in them that move note for how long it does.

        `held` settles open questions, `taken` are candidates that are chosen wherever they can be. Raises
        TooManyWaysError.
        """
        self._taken = frozenset(taken)
        return frozenset(self._claim(state) for state, _ in _bounded(self.states(facts, held or {})))

    def outcomes(
        self, facts: Iterable[Atom], here: Standing | None = None, stays: tuple[Atom, ...] = ()
    ) -> frozenset[Outcomes]:
        """Give every claim that follows from facts, each with the options of open questions on the way to it.

        Numbers that move stand as `affine.written` writes them: two outcomes are equal where they stay equal for as
        long as what was noted holds. `here` is what is known where they stand, `stays` are as for `states`. Raises
        TooManyWaysError.
        """
        return frozenset(
            (frozenset(tuple(map(written, atom)) for atom in self._claim(state)), frozenset(held.items()))
            for state, held in self.ways(facts, here, stays)
        )

    @contextmanager
    def with_another(self, step: int, old: Ready, instead: Ready | None) -> Iterator[None]:
        """Let another rule with the same head stand in the place of one, or none, while the context is entered.

        `step` is the number of the step that has it. What other steps gave before is still known.
        """
        it = self._step(step)
        kept = it.rules, it.memory
        numbers = self.law.numbers
        put = (
            []
            if instead is None
            else [(instead, tuple(numbers[need] for need in instead.needs), numbers[instead.head])]
        )
        it.rules = [new for one in it.rules for new in (put if one[0].rule == old.rule else [one])]
        it.memory = {}
        try:
            yield
        finally:
            it.rules, it.memory = kept

    def ways(
        self, facts: Iterable[Atom], here: Standing | None = None, stays: tuple[Atom, ...] = ()
    ) -> Iterator[tuple[State, Mapping[str, str]]]:
        """Give what `states` gives with nothing settled. Raises TooManyWaysError."""
        self._taken = frozenset()
        return _bounded(self.states(facts, {}, here, stays))

    def states(
        self,
        facts: Iterable[Atom],
        held: Mapping[str, str],
        here: Standing | None = None,
        stays: tuple[Atom, ...] = (),
    ) -> Iterator[tuple[State, Mapping[str, str]]]:
        """Give the relations that follow from facts, along every way of settling what is open, with its options.

        `stays` are facts in which nothing moves; what follows from them alone is kept as long as the same object comes.
        """
        self._here = Standing() if here is None else here
        rows = self.law.by_number(facts)
        before, steps = self._before(stays, frozenset(rows))
        begin = list(before)
        for number, atoms in rows.items():
            begin[number] = self._extended(number, begin[number], atoms)
        return self._ends(steps, begin, held)

    def goes_on(
        self, state: State, held: Mapping[str, str], here: Standing | None = None
    ) -> Iterator[tuple[State, Mapping[str, str]]]:
        """Give what all steps of the law conclude from relations as a state has them; `held` and `here` as before."""
        self._here = Standing() if here is None else here
        return self._ends([self._step(n) for n in range(len(self.law.steps))], state, held)

    def _before(self, stays: tuple[Atom, ...], moving: frozenset[int]) -> tuple[State, list[_Step]]:
        """What follows from facts that stay, whatever facts of these predicates come; and the steps that are left."""
        if not stays:
            return self.law.begin, self._steps_from(self.law.given | moving)
        if self._still is None or self._still[0] is not stays or self._still[1] != moving:
            rows = self.law.by_number(stays)
            state = list(self.law.begin)
            for number, atoms in rows.items():
                state[number] = self._extended(number, state[number], atoms)
            reached = self.law.reached(moving)
            left: list[_Step] = []
            for step in self._steps_from(self.law.given.union(rows, moving)):
                if id(step.step) in reached:
                    left.append(step)
                    continue
                for number, relation in self._applied(step, state, {}):
                    state[number] = relation
            self._still = stays, moving, state, left
        return self._still[2:]

    def _claim(self, state: State) -> Claim:
        parts = tuple(state[n] for n in self.law.compared)
        claim = self._claims.get(parts)
        if claim is None:
            claim = frozenset(atom for part in parts for atom in part.rows)
            if not any(part.moving for part in parts):
                self._claims[parts] = claim
        return claim

    def _extended(self, number: int, relation: Relation, rows: Iterable[Atom]) -> Relation:
        """A relation with more atoms; the same object for the same atoms."""
        known = relation.rows
        new = [row for row in rows if not dict.__contains__(known, row)]
        if not new:
            return relation
        timed = self.law.timed[number]
        if relation.moving or any(moves(row[at]) for row in new for at in timed):
            # two numbers that are equal now and change differently are not the same
            key: Any = (relation, frozenset(tuple(map(written, row)) for row in new))
            table = self._here.moving
        else:
            key = (relation, frozenset(new))
            table = self._known
        found = table.get(key)
        if found is None:
            bounds.keep(len(new))
            bounds.spend(len(known))
            found = table[key] = Relation([*known, *new], timed)
        return found

    def _steps_from(self, present: frozenset[int]) -> list[_Step]:
        """The steps that can conclude something from facts of these predicates, with what they gave before."""
        found = self._steps_of.get(present)
        if found is None:
            found = self._steps_of[present] = [self._step(n) for n in self.law.possible(present)]
        return found

    def _step(self, n: int) -> _Step:
        """A step of the law with what it gave before."""
        numbered = self.law.steps[n]
        step = self._steps.get(id(numbered))
        if step is None:
            step = self._steps[id(numbered)] = numbered.fresh()
        return step

    # --- from step to step

    def _ends(
        self, steps: Sequence[_Step], begin: State, settled: Mapping[str, str]
    ) -> Iterator[tuple[State, Mapping[str, str]]]:
        """Go through all steps, along every way of settling what is open."""
        waiting: list[tuple[State, int, Mapping[str, str]]] = [(begin, 0, settled)]
        while waiting:
            state, at, held = waiting.pop()
            bounds.spend(len(steps) - at)
            for n in range(at, len(steps)):
                step = steps[n]
                if step.step.choice or step.questions:
                    open_ = [key for key, asked, _ in step.questions if key not in held and state[asked].rows]
                    if open_ or step.step.choice:
                        after = self._tried(step, state, held, open_)
                        waiting += [(it, n + 1, by) for it, by in reversed(after)]
                        break
                    outcome = self._applied(step, state, _options(step, state, held))
                else:
                    found = step.memory.get(step.key(state))
                    outcome = self._applied(step, state, {}) if found is None else found
                for number, relation in outcome:
                    state[number] = relation
            else:
                yield state, held

    def _tried(
        self, step: _Step, state: State, held: Mapping[str, str], questions: Sequence[str]
    ) -> list[tuple[State, Mapping[str, str]]]:
        """A step under each way of settling its open questions; they stay open where that makes no difference."""
        found: list[tuple[list[State], Mapping[str, str]]] = []
        outcomes: dict[Outcome, None] = {}
        for options in product(*(self.law.options[key] for key in questions)):
            settled = {**held, **dict(zip(questions, options, strict=True))} if questions else held
            taken = _options(step, state, settled)
            if step.step.choice:
                found.append((self._chosen(step, state, taken), settled))
                continue
            outcome = self._applied(step, state, taken)
            outcomes[outcome] = None
            after = list(state)
            for number, relation in outcome:
                after[number] = relation
            found.append(([after], settled))
        if len(outcomes) == 1:
            return [(found[0][0][0], held)]
        return [(after, settled) for afters, settled in found for after in afters]

    def _applied(self, step: _Step, state: State, options: Mapping[str, str]) -> Outcome:
        relations = step.key(state)
        key = (*relations, *(options.get(it[0]) for it in step.questions)) if step.questions else relations
        found = step.memory.get(key)
        if found is None:
            found = self._here.fleeting.get((step, key))
        if found is None:
            found = self._fired(step, state, options)
            if any(it.moving for it in relations):
                self._here.fleeting[step, key] = found
            else:
                step.memory[key] = found
        return found

    def _fired(self, step: _Step, state: State, options: Mapping[str, str]) -> Outcome:
        rules = [it for it in step.rules if not it[0].wants or _wanted(it[0], options)]
        after = state
        for _ in range(ROUNDS):
            made: dict[int, dict[Atom, None]] = {}
            database = Database(self.law.numbers, after)
            for rule, needs, head in rules:
                for need in needs:
                    if not after[need].rows:
                        break
                else:
                    bounds.spend(sum(len(after[need].rows) for need in needs))
                    rule.fire(database, made.setdefault(head, {}))
            grown: list[tuple[int, Relation]] = []
            for head, rows in made.items():
                if rows:
                    relation = self._extended(head, after[head], rows)
                    if relation is not after[head]:
                        grown.append((head, relation))
            if grown and not step.step.recursive:
                return tuple(grown)
            if not grown:
                break
            if after is state:
                after = list(state)
            for head, relation in grown:
                after[head] = relation
        else:
            raise rules[0][0].rule.error(f"the recursion has not ended after {ROUNDS} rounds")
        heads = dict.fromkeys(head for _, _, head in rules)
        return tuple((head, after[head]) for head in heads if after[head] is not state[head])

    def _chosen(self, step: _Step, state: State, options: Mapping[str, str]) -> list[State]:
        """The states after a choice: one for each way of taking one candidate of every case."""
        if not step.rules:  # the law is asked without this choice
            return [list(state)]
        [(rule, needs, head)] = step.rules
        if not all(state[need].rows for need in needs) or not _wanted(rule, options):
            return [list(state)]
        cases: dict[tuple[Any, ...], dict[Atom, None]] = {}
        rule.fire(Database(self.law.numbers, state), cases)
        states = [list(state)]
        for candidates in cases.values():
            states = [
                after
                for before in states
                for after in ([before] if _true(candidates, before[head]) else self._each(before, head, candidates))
            ]
            if len(states) > WAYS:
                raise TooManyWaysError(TOO_MANY)
        kept = [it for it in states if all(len(_true(case, it[head])) == 1 for case in cases.values())]
        self.lost += len(states) - len(kept)
        return kept

    def _each(self, state: State, head: int, candidates: Iterable[Atom]) -> Iterator[State]:
        for atom in self._taken.intersection(candidates) or candidates:
            after = list(state)
            after[head] = self._extended(head, state[head], [atom])
            yield after


def _bounded(states: Iterator[tuple[State, Mapping[str, str]]]) -> Iterator[tuple[State, Mapping[str, str]]]:
    """What follows along so many ways at most. Raises TooManyWaysError where there are more."""
    for ways, found in enumerate(states, 1):
        if ways > WAYS:
            raise TooManyWaysError(TOO_MANY)
        yield found


def _options(step: _Step, state: State, held: Mapping[str, str]) -> dict[str, str]:
    """The options of a step's open questions: those held where they are asked for, and those that the law takes."""
    found = {key: held[key] for key, asked, _ in step.questions if key in held and state[asked].rows}
    for key, _, taken in step.questions:
        for _, option in state[taken].rows:
            found[key] = str(option)
    return found


def _wanted(rule: Ready, options: Mapping[str, str]) -> bool:
    return all(options.get(question) == option for question, option in rule.wants.items())


def _true(candidates: Iterable[Atom], relation: Relation) -> list[Atom]:
    return [atom for atom in candidates if atom in relation.rows]
