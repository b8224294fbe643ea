"""The law as Python functions: applied to one chart after another, and to what a chart becomes when little changes.

The rules are the second engine's, as its own generator compiles them (`recheck.codegen`). What each of them concludes
of a chart is kept, so that of a changed chart only the rules that see a difference are applied again. What is explained
or proved is clingo's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

    def __init__(self, rows: Rows) -> None:
        """Hold these atoms, which nobody changes any more."""
        self.rows = rows
        self._indexes: dict[tuple[int, ...], dict[Any, list[Atom]]] | None = None

    def index(self, *positions: int) -> Mapping[Any, Sequence[Atom]]:
        """The atoms by some arguments, counted from 1: by the value of one, or by the tuple of several."""
        if self._indexes is None:
            self._indexes = {}
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


Wanted: TypeAlias = frozenset[Signature] | None
"""Predicates of which it is asked what follows; None where that is all."""

Readers: TypeAlias = Mapping[Signature, Mapping[Value | None, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class FactChange:
    """Fewer and more facts, their predicates, and the steps that may see the difference and bear on what is wanted."""

    less: tuple[Atom, ...]
    more: tuple[Atom, ...]
    predicates: tuple[Signature, ...]
    seeing: tuple[int, ...]
    wanted: Wanted


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
        for n, step in enumerate(self._steps):
            for it in step.heads:
                self._makers.setdefault(it, []).append(n)
        self._readers: dict[Wanted, Readers] = {}

    def _readers_for(self, wanted: Wanted) -> Readers:
        """The steps that ask for a predicate, of those on which what is wanted may rest.

        By the first argument that a rule asks for; under None are those that may mean any.
        """
        found = self._readers.get(wanted)
        if found is None:
            readers: dict[Signature, dict[Value | None, list[int]]] = {}
            for n in self._bearing(wanted):
                for it, first in self._steps[n].reads:
                    readers.setdefault(it, {None: []}).setdefault(first, []).append(n)
            found = self._readers[wanted] = {
                it: {first: tuple({*mine, *each[None]}) for first, mine in each.items()} for it, each in readers.items()
            }
        return found

    def _bearing(self, wanted: Wanted) -> Iterable[int]:
        """The steps on which some of these predicates may rest, or a choice; all of them where it is None."""
        if wanted is None:
            return range(len(self._steps))
        asked_for = set(wanted)
        found = []
        for n in reversed(range(len(self._steps))):
            step = self._steps[n]
            if step.chooses or not asked_for.isdisjoint(step.heads):
                asked_for.update(it for it, _ in step.reads)
                found.append(n)
        return reversed(found)

    def change(self, less: Iterable[Atom], more: Iterable[Atom], wanted: Wanted = None) -> FactChange:
        """Give a change of facts; of what follows only the `wanted` predicates are asked for, if they are named."""
        changed: dict[Signature, list[Atom]] = {}
        less, more = tuple(less), tuple(more)
        for atom in (*less, *more):
            changed.setdefault(signature(atom), []).append(atom)
        readers = self._readers_for(wanted)
        steps = self._steps
        seeing = {
            n
            for it, atoms in changed.items()
            for atom in atoms
            for n in _seeing(readers, it, [atom])
            if steps[n].sees(atom)
        }
        return FactChange(less, more, tuple(changed), tuple(sorted(seeing)), wanted)

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
            if not step.least <= present:  # sooner than to ask each relation, and half of the steps go no further
                continue
            if step.alone is None:
                concluded = step.apply(found, n, take, work)
            else:
                rows: dict[Atom, None] = {}
                step.alone.fire(relations, rows)
                if not rows:
                    continue
                work.spend(KEPT * len(rows))
                head = step.alone.head
                if relations[head].rows:
                    _add(relations, head, rows)
                else:
                    relations[head] = Relation(rows)
                concluded = {head: rows}
            if concluded:
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

    def applicable(self, found: Derived, steps: Iterable[int]) -> Iterator[int]:
        """Those of these steps that concluded something, or might where little is otherwise."""
        return (n for n in steps if n in found.made or self._steps[n].can_apply(found.relations))

    def vary(
        self, base: Derived, change: FactChange, work: Budget, take: Take = none_of, *, anew: bool = False
    ) -> Derived:
        """Give what follows with fewer and with more facts than those of `base`; that itself where it is the same.

        What is not wanted of it may be as it was. `take` is asked about the choices that see a difference; with `anew`
        about all. Raises as `derive` does.
        """
        relations, steps, made = base.relations, self._steps, base.made
        if not all(base.rows(it) for it in change.predicates):
            new = {it: Relation({**base.rows(it), **_of(change.more, it)}) for it in change.predicates}
            relations = {**relations, **new}
        felt = [n for n in change.seeing if n in made or steps[n].can_apply(relations)]
        if anew:
            felt = sorted({*felt, *base.taken})
        if not felt:
            return base
        given = dict(base.given)
        for it in change.predicates:
            rows = given[it] = dict(given.get(it, NONE))
            for atom in _of(change.less, it):
                rows.pop(atom, None)
            rows.update(_of(change.more, it))
        found = Derived(given, dict(base.relations), dict(made), dict(base.taken))
        for it in change.predicates:
            found.relations[it] = self._whole(found, it)
        work.spend(len(felt))
        return found if self._again(found, felt, self._readers_for(change.wanted), take, work) else base

    def _again(self, found: Derived, waiting: list[int], readers: Readers, take: Take, work: Budget) -> bool:
        """Apply these steps again, and those that see what they conclude otherwise than before; say if some did."""
        relations, made = found.relations, found.made
        queued = set(waiting)
        otherwise = False
        while waiting:
            n = heappop(waiting)
            step = self._steps[n]
            applies = step.can_apply(relations)
            if step.alone is not None:
                head = step.alone.head
                then = made[n][head] if n in made else NONE
                if not applies and not then:
                    continue
                rows: dict[Atom, None] = {}
                if applies:
                    step.alone.fire(relations, rows)
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
                for reader in _seeing(readers, it, atoms):
                    if reader > n and reader not in queued:
                        queued.add(reader)
                        heappush(waiting, reader)
        return otherwise

    def _whole(self, found: Derived, it: Signature) -> Relation:
        """The atoms of a predicate: those of the law, those given, and those that steps concluded."""
        law, made = self._law.get(it), found.made
        parts = [NONE if law is None else law.rows, found.given.get(it, NONE)]
        parts += [made[maker].get(it, NONE) for maker in self._makers.get(it, ()) if maker in made]
        rows: Rows = NONE
        for part in parts:
            if part:
                rows = {**rows, **part} if rows else part
        return Relation(rows)


def _seeing(readers: Readers, it: Signature, atoms: Iterable[Atom]) -> Iterable[int]:
    """The steps that may see some of these atoms of a predicate."""
    mine = readers.get(it)
    if mine is None:
        return ()
    every = mine[None]
    return every if len(mine) == 1 else {n for atom in atoms for n in mine.get(atom[1], every)}


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
        self.chooses = bool(self._choices)
        self._needs = tuple(it.needs for it in every)
        self.least = frozenset.intersection(*map(frozenset, self._needs))
        self.heads = tuple(dict.fromkeys(it.head for it in every))
        self._asks = tuple(dict.fromkeys(atom for it in stratum.rules for atom, _ in asked(it)))
        self.reads = tuple(dict.fromkeys((atom.signature, _first(atom)) for atom in self._asks))

    def sees(self, atom: Atom) -> bool:
        """Whether some rule may ask for that atom."""
        name, *values = atom
        return any(
            it.name == name
            and len(it.arguments) == len(values)
            and all(part == value for part, value in zip(it.arguments, values, strict=True) if isinstance(part, _KNOWN))
            for it in self._asks
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
        """Add what a step of several rules concludes; give it by predicate."""
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


_KNOWN = (int, str, tuple)
"""What stands for itself in a rule."""


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
