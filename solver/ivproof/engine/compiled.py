"""The law as Python functions: applied to one chart after another, and to what a chart becomes when little changes.

The rules are the second engine's, as its own generator compiles them (`recheck.codegen`). What each of them concludes
of a chart is kept, so that of a changed chart only the rules that see a difference are applied again. What is explained
or proved is clingo's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any, TypeAlias

from ivproof.recheck import Atom, Rule
from ivproof.recheck.budget import KEPT, Budget
from ivproof.recheck.codegen import Fire, source
from ivproof.recheck.evaluator import ROUNDS
from ivproof.recheck.strata import Stratum, stratify
from ivproof.recheck.syntax import Literal, Pattern, asked
from ivproof.recheck.terms import AGGREGATES, Signature, Value, below, calculate, signature

Rows: TypeAlias = Mapping[Atom, None]
"""Atoms of one predicate."""

Made: TypeAlias = dict[Signature, dict[Atom, None]]
"""What a step concludes, by predicate."""

Take: TypeAlias = Callable[[Sequence[Atom]], Atom | None]
"""Says which of several candidates a choice takes; None where that is not settled."""

NONE: dict[Atom, None] = {}

PATTERNS = 1000
"""Of so many sets of predicates that charts give, the steps that are possible stay in memory."""


def none_of(candidates: Sequence[Atom]) -> None:
    """Settle no choice."""


def first_of(candidates: Sequence[Atom]) -> Atom:
    """Take the first candidate of each choice."""
    return candidates[0]


class Relation:
    """The atoms of one predicate; it never changes."""

    __slots__ = ("_indexes", "rows")

    def __init__(self, rows: dict[Atom, None]) -> None:
        """Hold these atoms."""
        self.rows = rows
        self._indexes: dict[tuple[int, ...], dict[Any, list[Atom]]] = {}

    def index(self, *positions: int) -> Mapping[Any, Sequence[Atom]]:
        """The atoms by some arguments, counted from 1: by the value of one, or by the tuple of several."""
        found = self._indexes.get(positions)
        if found is None:
            found = self._indexes[positions] = {}
            key = itemgetter(*positions)
            for row in self.rows:
                found.setdefault(key(row), []).append(row)
        return found


class SeveralError(Exception):
    """A choice has several candidates, of which none is said to be taken among them; or none of them can be."""

    def __init__(self, candidates: Sequence[Atom]) -> None:
        """Name the candidates; none where there is no answer."""
        super().__init__()
        self.candidates = candidates


@dataclass(slots=True)
class Derived:
    """What follows from the facts of a chart.

    `given` are the facts, `relations` everything that is true, `made` what each step concluded, by its number, and
    `taken` what its choices took.
    """

    given: Mapping[Signature, Rows]
    relations: dict[Signature, Relation]
    made: dict[int, Made]
    taken: dict[int, tuple[Atom, ...]]

    def rows(self, signature: Signature) -> Rows:
        """The true atoms of a predicate."""
        found = self.relations.get(signature)
        return NONE if found is None else found.rows


class Compiled:
    """A law that is ready for one chart after another."""

    def __init__(self, rules: Iterable[Rule], strata: Sequence[Stratum] | None = None) -> None:
        """Order the rules, unless the strata are given. Raises LawError where the law is not stratified."""
        facts: dict[Signature, dict[Atom, None]] = {}
        waiting = []
        for rule in rules:
            for it in (rule.head.signature, *(atom.signature for atom, _ in asked(rule))):
                facts.setdefault(it, {})
            if rule.is_fact:
                facts[rule.head.signature][rule.fact] = None
            else:
                waiting.append(rule)
        self._law = {it: Relation(rows) for it, rows in facts.items()}
        self._present = {it for it, relation in self._law.items() if relation.rows}
        self._steps = [_Step(it) for it in (stratify(waiting) if strata is None else strata)]
        self._of: dict[frozenset[Signature], list[tuple[int, _Step]]] = {}
        self._makers: dict[Signature, list[int]] = {}
        readers: dict[Signature, dict[Value | None, list[int]]] = {}
        for n, step in enumerate(self._steps):
            for it, first in step.reads:
                readers.setdefault(it, {None: []}).setdefault(first, []).append(n)
            for it in step.heads:
                self._makers.setdefault(it, []).append(n)
        # by the first argument that a rule asks for; under None are those that may mean any
        self._readers: dict[Signature, dict[Value | None, tuple[int, ...]]] = {
            it: {first: tuple({*mine, *each[None]}) for first, mine in each.items()} for it, each in readers.items()
        }

    def derive(self, given: Mapping[Signature, Rows], work: Budget, take: Take = none_of) -> Derived:
        """Give what follows from facts; `take` says which of several candidates are taken.

        Raises SeveralError, and LimitError where it takes more work than that.
        """
        found = Derived(given, dict(self._law), {}, {})
        relations, made = found.relations, found.made
        for it in given:
            relations[it] = self._whole(found, it)
        steps = self._possible(frozenset(given))
        work.spend(len(steps))
        present = self._present.union(given)
        for n, step in steps:
            # sooner than to ask each relation, and half of the steps go no further
            if step.least <= present and (concluded := step.apply(found, n, take, work)):
                made[n] = concluded
                present.update(concluded)
        return found

    def _possible(self, given: frozenset[Signature]) -> Sequence[tuple[int, _Step]]:
        """The steps that can conclude something where facts of these predicates are given."""
        found = self._of.get(given)
        if found is None:
            if len(self._of) >= PATTERNS:
                self._of.clear()
            found = self._of[given] = []
            present = self._present.union(given)
            for n, step in enumerate(self._steps):
                if step.least <= present:
                    found.append((n, step))
                    present.update(step.heads)
        return found

    def vary(
        self,
        base: Derived,
        less: Sequence[Atom],
        more: Sequence[Atom],
        work: Budget,
        take: Take = none_of,
        *,
        anew: bool = False,
    ) -> Derived:
        """Give what follows with fewer and with more facts than those of `base`; that itself where it is the same.

        `take` is asked about the choices that see a difference; with `anew` about all. Raises as `derive` does.
        """
        changed: dict[Signature, list[Atom]] = {}
        for atom in (*less, *more):
            changed.setdefault(signature(atom), []).append(atom)
        relations = base.relations
        if not all(base.rows(it) for it in changed):
            relations = {**relations, **{it: Relation({**base.rows(it), **_of(more, it)}) for it in changed}}
        seeing = (n for it, atoms in changed.items() for n in self._seeing(it, atoms))
        felt = {n for n in seeing if n in base.made or self._steps[n].can_apply(relations)}
        if anew:
            felt.update(base.taken)
        if not felt:
            return base
        given = dict(base.given)
        for it in changed:
            rows = given[it] = dict(given.get(it, NONE))
            for atom in _of(less, it):
                rows.pop(atom, None)
            rows.update(_of(more, it))
        found = Derived(given, dict(base.relations), dict(base.made), dict(base.taken))
        for it in changed:
            found.relations[it] = self._whole(found, it)
        work.spend(len(felt))
        return found if self._again(found, sorted(felt), take, work) else base

    def _again(self, found: Derived, waiting: list[int], take: Take, work: Budget) -> bool:
        """Apply these steps again, and those that see what they conclude otherwise than before; say if some did."""
        relations, made = found.relations, found.made
        queued = set(waiting)
        otherwise = False
        while waiting:
            n = heappop(waiting)
            step = self._steps[n]
            applies = step.can_apply(relations)
            if step.alone is not None:
                rows: dict[Atom, None] = {}
                if applies:
                    step.alone.fire(relations, rows)
                head = step.alone.head
                then = made[n][head] if n in made else NONE
                if rows == then:
                    continue
                if rows:
                    work.spend(KEPT * len(rows))
                    made[n] = {head: rows}
                else:
                    del made[n]
                relations[head] = self._whole(found, head)
                differing: dict[Signature, Iterable[Atom]] = {head: rows.keys() ^ then.keys()}
            else:
                before = made.pop(n, {})
                kept = {head: relations[head] for head in step.heads}
                relations.update({head: self._whole(found, head) for head in step.heads})
                taken = found.taken.pop(n, None)
                concluded = step.apply(found, n, take, work) if applies else {}
                if concluded:
                    made[n] = concluded
                differing = {}
                for head in step.heads:
                    if concluded.get(head) == before.get(head):
                        relations[head] = kept[head]
                    else:
                        differing[head] = concluded.get(head, NONE).keys() ^ before.get(head, NONE).keys()
                otherwise = otherwise or found.taken.get(n) != taken
            otherwise = otherwise or bool(differing)
            # of what a later step still concludes, too: that may rest on what is no longer so
            for it, atoms in differing.items():
                for reader in self._seeing(it, atoms):
                    if reader > n and reader not in queued:
                        queued.add(reader)
                        heappush(waiting, reader)
        return otherwise

    def _seeing(self, it: Signature, atoms: Iterable[Atom]) -> Iterable[int]:
        """The steps that may see some of these atoms of a predicate."""
        readers = self._readers.get(it)
        if readers is None:
            return ()
        every = readers[None]
        return every if len(readers) == 1 else {n for atom in atoms for n in readers.get(atom[1], every)}

    def _whole(self, found: Derived, it: Signature) -> Relation:
        """The atoms of a predicate: those of the law, those given, and those that steps concluded."""
        law = self._law.get(it)
        rows = dict(law.rows) if law is not None else {}
        rows.update(found.given.get(it, NONE))
        made = found.made
        for maker in self._makers.get(it, ()):
            if maker in made and it in made[maker]:
                rows.update(made[maker][it])
        return Relation(rows)


def _of(atoms: Iterable[Atom], predicate: Signature) -> dict[Atom, None]:
    return {it: None for it in atoms if signature(it) == predicate}


class _Rule:
    """A rule with its functions, which are made when they are first needed."""

    def __init__(self, rule: Rule, fed: Iterable[Signature]) -> None:
        positive = [it for it in rule.body if isinstance(it, Literal) and not it.negated]
        self.rule = rule
        self.head = rule.head.signature
        self.needs = tuple(dict.fromkeys(it.atom.signature for it in positive))
        self._fed = [it for it in positive if it.atom.signature in fed]

    def __getstate__(self) -> dict[str, object]:
        """What another process is sent: it makes functions of its own."""
        return {name: it for name, it in self.__dict__.items() if name not in {"fire", "fire_on_new"}}

    @cached_property
    def fire(self) -> Fire:
        return _function(self.rule)

    @cached_property
    def fire_on_new(self) -> list[tuple[Signature, Fire]]:
        return [(it.atom.signature, _function(self.rule, it)) for it in self._fed]


class _Step:
    """Rules that are applied together, after all that they depend on."""

    def __init__(self, stratum: Stratum) -> None:
        fed = {it.head.signature for it in stratum.rules} if stratum.recursive else set()
        every = [_Rule(it, fed) for it in stratum.rules]
        self._rules = [it for it in every if it.rule.condition is None]
        self._choices = [it for it in every if it.rule.condition is not None]
        self.alone = self._rules[0] if len(every) == len(self._rules) == 1 and not stratum.recursive else None
        self._needs = tuple(it.needs for it in every)
        self.least = frozenset.intersection(*map(frozenset, self._needs))
        self.heads = tuple(dict.fromkeys(it.head for it in every))
        self.reads = tuple(
            dict.fromkeys((atom.signature, _first(atom)) for it in stratum.rules for atom, _ in asked(it))
        )

    def can_apply(self, relations: Mapping[Signature, Relation]) -> bool:
        """Whether some rule finds an atom for each of its positive literals."""
        for needs in self._needs:
            for it in needs:
                if not relations[it].rows:
                    break
            else:
                return True
        return False

    def apply(self, found: Derived, n: int, take: Take, work: Budget) -> Made:
        """Add what the step concludes; give it by predicate."""
        if self.alone is not None:
            rows: dict[Atom, None] = {}
            self.alone.fire(found.relations, rows)
            if not rows:
                return {}
            head = self.alone.head
            work.spend(KEPT * len(rows))
            if found.relations[head].rows:
                _add(found.relations, head, rows)
            else:
                found.relations[head] = Relation(rows)
            return {head: rows}
        made: Made = {}
        self._close(found, made, None, work)
        if self._choices:
            chosen = self._take(found, made, take, work)
            if chosen:
                found.taken[n] = chosen
        return made

    def _close(self, found: Derived, made: Made, start: Made | None, work: Budget) -> None:
        relations = found.relations
        derived: Made = {} if start is None else start
        for rule in self._rules if start is None else ():
            if all(relations[need].rows for need in rule.needs):
                rule.fire(relations, derived.setdefault(rule.head, {}))
        for _ in range(ROUNDS):
            new: Made = {}
            for head, rows in derived.items():
                if rows:
                    work.spend(KEPT * len(rows))
                    made.setdefault(head, {}).update(rows)
                    if added := _add(relations, head, rows):
                        new[head] = added
            if not new:
                return
            derived = {}
            for rule in self._rules:
                for it, fire in rule.fire_on_new:
                    if it in new:
                        fire(relations, derived.setdefault(rule.head, {}), new[it])
        raise self._rules[0].rule.error(f"the recursion has not ended after {ROUNDS} rounds")

    def _take(self, found: Derived, made: Made, take: Take, work: Budget) -> tuple[Atom, ...]:
        """Let every choice take a candidate; one that is true anyway counts as taken. Raises SeveralError."""
        relations = found.relations
        cases: list[tuple[Signature, list[Atom]]] = []
        for choice in self._choices:
            ways: dict[object, dict[Atom, None]] = {}
            if all(relations[need].rows for need in choice.needs):
                choice.fire(relations, ways)
            cases += ((choice.head, list(candidates)) for candidates in ways.values())
        for head, candidates in cases:
            if not _true(candidates, relations[head]):
                it = take(candidates) if len(candidates) > 1 else next(iter(candidates), None)
                if it is None:
                    raise SeveralError(candidates)
                self._close(found, made, {head: {it: None}}, work)
        chosen = [_true(candidates, relations[head]) for head, candidates in cases]
        if not all(len(it) == 1 for it in chosen):  # there is no answer this way
            raise SeveralError([])
        return tuple(it for [it] in chosen)


def _true(candidates: Iterable[Atom], relation: Relation) -> list[Atom]:
    return [it for it in candidates if it in relation.rows]


def _first(atom: Pattern) -> Value | None:
    """The first argument of what a rule asks for, where only an atom with that very one can be meant."""
    first = atom.arguments[0] if atom.arguments else None
    return first if isinstance(first, int | str) else None


def _add(relations: dict[Signature, Relation], head: Signature, rows: Rows) -> dict[Atom, None]:
    """Add atoms to a relation; give those that are new."""
    relation = relations[head]
    known = relation.rows
    new = {row: None for row in rows if row not in known}
    if new:
        relations[head] = Relation({**known, **new})
    return new


def _function(rule: Rule, over_new: Literal | None = None) -> Fire:
    """A rule as a function. What it does is counted by the step."""
    space: dict[str, Any] = {"below": below, "calculate": calculate, **AGGREGATES}
    exec(compile(source(rule, over_new, bounded=False), f"<{rule.file}:{rule.line}>", "exec"), space)
    fire: Fire = space["rule"]
    return fire
