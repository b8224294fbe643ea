"""Derives every answer of a program bottom-up: stratum by stratum, trying every resolution of every choice.

>>> from .parser import parse
>>> program = Program(parse("{ first(A) : given(A) } = 1 :- given(_).  later(A) :- given(A), not first(A)."))
>>> for answer in program.answers([("given", "a1"), ("given", "a2")]):
...     print(*map(show, answer.of("first", 1)), *map(show, answer.of("later", 1)))
first(a1) later(a2)
first(a2) later(a1)
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Any

from .budget import LARGEST_RULE, READIED, Budget, LimitError
from .codegen import Fire, compiled
from .plan import check, choice_key
from .strata import Stratum, noted, restored, stratify
from .syntax import Literal, Rule, arithmetic_in, asked, names, size
from .terms import Atom, Signature, Value, show, signature

ROUNDS = 20_000  # of one recursion: no law counts that far, so that one without end is noticed


class NoAnswerError(ValueError):
    """There is no answer with the choices that were asked for."""


class Relation:
    """The atoms of one predicate, in the order in which they were derived."""

    __slots__ = ("_indexes", "rows", "shared")

    def __init__(self, rows: dict[Atom, None], *, shared: bool = False) -> None:
        """A relation; if `shared`, several branches hold it, and who adds to it copies it first."""
        self.rows = rows
        self.shared = shared
        self._indexes: dict[tuple[int, ...], dict[Any, list[Atom]]] = {}

    def index(self, work: Budget, *positions: int) -> Mapping[Any, Sequence[Atom]]:
        """The atoms by some arguments, counted from 1: by the value of one, or by the tuple of several."""
        found = self._indexes.get(positions)
        if found is None:
            work.spend(len(self.rows))
            found = self._indexes[positions] = {}
            key = itemgetter(*positions)
            for row in self.rows:
                found.setdefault(key(row), []).append(row)
        return found

    def add(self, rows: Iterable[Atom], work: Budget) -> dict[Atom, None]:
        """Add atoms; gives those that are new."""
        new = {row: None for row in rows if row not in self.rows}
        self.rows.update(new)
        work.spend(len(new) * len(self._indexes))
        for positions, index in self._indexes.items():
            key = itemgetter(*positions)
            for row in new:
                index.setdefault(key(row), []).append(row)
        return new


Relations = dict[Signature, Relation]
Atoms = dict[Signature, dict[Atom, None]]  # by predicate, in order


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice rule for one way to satisfy its body, and how it was resolved."""

    rule: Rule
    binding: Mapping[str, Value]  # of the variables that the choice shares with its body
    candidates: tuple[Atom, ...]
    chosen: Atom | None = None


@dataclass(frozen=True)
class Answer:
    """A set of atoms that follows from the facts, and the choices that led to it."""

    facts: frozenset[Atom]
    relations: Mapping[Signature, Relation]
    choices: tuple[Choice, ...] = ()

    @cached_property
    def atoms(self) -> frozenset[Atom]:
        """Every atom that is true: facts of the chart, facts of the law, and what follows."""
        return frozenset(chain.from_iterable(relation.rows for relation in self.relations.values()))

    def of(self, name: str, arguments: int) -> Collection[Atom]:
        """The true atoms of one predicate, in the order in which they were derived."""
        relation = self.relations.get((name, arguments))
        return relation.rows if relation else ()

    def __contains__(self, atom: Atom) -> bool:
        """Is the atom true?"""
        return atom in self.of(*signature(atom))


class _Compiled:
    """A rule and its Python functions, which are made when they are first needed."""

    def __init__(self, rule: Rule, stratum: Stratum) -> None:
        positive = [part for part in rule.body if isinstance(part, Literal) and not part.negated]
        fed = {other.head.signature for other in stratum.rules} if stratum.recursive else set()
        self.rule = rule
        self.head = rule.head.signature
        self.needs = [literal.atom.signature for literal in positive]
        self.fed = [literal for literal in positive if literal.atom.signature in fed]

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: it makes functions of its own."""
        return {name: it for name, it in self.__dict__.items() if name not in {"fire", "fire_on_new"}}

    @cached_property
    def fire(self) -> Fire:
        return compiled(self.rule)

    @cached_property
    def fire_on_new(self) -> list[tuple[Signature, Fire]]:
        """For each literal that the stratum itself feeds: the rule over the new atoms of that literal."""
        return [(literal.atom.signature, compiled(self.rule, literal)) for literal in self.fed]

    @cached_property
    def tests(self) -> list[tuple[Signature, Atom, bool]]:
        """The literals of the body that have no variable: predicate, atom, and whether it must not hold."""
        found = []
        for part in self.rule.body:
            if isinstance(part, Literal) and not names([part]) and not any(arithmetic_in(part.atom)):
                arguments: tuple[Any, ...] = part.atom.arguments
                found.append((part.atom.signature, (part.atom.name, *arguments), part.negated))
        return found

    def applies(self, relations: Relations) -> bool:
        """Can the body be true, as far as is seen at once? If not, the rule need not be tried, nor compiled."""
        for predicate in self.needs:
            if not relations[predicate].rows:
                return False
        return all((atom in relations[predicate].rows) is not negated for predicate, atom, negated in self.tests)


@dataclass(slots=True)
class _Branch:
    """Where a search stands: the strata before `stratum` are done, and of its `cases` those before `case`."""

    relations: Relations
    chosen: Atom | None = None  # for the case before, to be added before going on
    stratum: int = 0
    cases: list[Choice] = field(default_factory=list)
    case: int = 0
    choices: tuple[Choice, ...] = ()


class Program:
    """Rules, ready to be applied to the facts of one chart after another."""

    def __init__(self, rules: Iterable[Rule], work: Budget | None = None, *, order: Any = None) -> None:
        """Raises LawError for a rule that is unsafe or a program that is not stratified.

        Raises LimitError for a rule too large, or where it takes more than `work`. With the `order` of a program of the
        same rules they were looked at when that was made; raises ValueError where it is no order of them.
        """
        work = work or Budget()
        self.rules = tuple(rules)
        self._law: Relations = {}
        for rule in self.rules:
            if order is None:
                if (parts := size(rule)) > LARGEST_RULE:
                    raise LimitError(f"{rule.file}:{rule.line}: the rule has more than {LARGEST_RULE} parts")
                work.spend(READIED * parts + parts**2)
                check(rule)
            for predicate in [rule.head.signature, *(atom.signature for atom, _ in asked(rule))]:
                self._law.setdefault(predicate, Relation({}, shared=True))
            if rule.is_fact:
                self._law[rule.head.signature].add([rule.fact], work)
        waiting = [rule for rule in self.rules if not rule.is_fact]
        self.strata = stratify(waiting, work) if order is None else restored(waiting, order)
        self._strata: list[tuple[list[_Compiled], list[_Compiled]]] = []  # of each its rules and its choices
        for stratum in self.strata:
            group = [_Compiled(rule, stratum) for rule in stratum.rules]
            choices = [one for one in group if one.rule.condition is not None]
            self._strata.append(([one for one in group if one not in choices], choices))

    @property
    def order(self) -> list[Any]:
        """In which order its rules are applied, as lists and numbers: what a program of the same rules can be given."""
        return noted(self.strata, [rule for rule in self.rules if not rule.is_fact])

    def answers(
        self, facts: Iterable[Atom], prefer: Collection[Atom] = (), work: Budget | None = None
    ) -> Iterator[Answer]:
        """Every answer, one at a time, no two with the same atoms; candidates in `prefer` are tried first.

        What does not depend on a choice is derived once. Raises LawError if a recursion does not end, LimitError where
        it takes more than `work`.
        """
        return self._search(facts, lambda candidates: sorted(candidates, key=lambda atom: atom not in prefer), work)

    def derive(self, facts: Iterable[Atom], choices: Collection[Atom] = ()) -> Answer:
        """The answer in which just these atoms are chosen; where there is one candidate it may be left out.

        Raises NoAnswerError if there is no such answer, LawError if a recursion does not end.
        """
        wanted = frozenset(choices)
        for answer in self._search(facts, lambda few: [a for a in few if a in wanted or len(few) == 1]):
            if wanted <= {choice.chosen for choice in answer.choices}:
                return answer
        raise NoAnswerError(f"no answer has the choices {', '.join(sorted(map(show, wanted))) or '(none)'}")

    def _search(
        self, facts: Iterable[Atom], pick: Callable[[tuple[Atom, ...]], list[Atom]], work: Budget | None = None
    ) -> Iterator[Answer]:
        work = work or Budget()
        given: Atoms = {}
        for atom in facts:
            given.setdefault(signature(atom), {})[atom] = None
        nothing = Relation({}, shared=True)
        start = _Branch({**dict.fromkeys(given, nothing), **self._law})
        _add(start.relations, given, work)
        waiting = [start]
        while waiting:
            branch = waiting.pop()
            work.spend(len(branch.relations) + len(branch.cases))
            if not self._advance(branch, work):
                continue
            if branch.stratum == len(self._strata):
                yield Answer(frozenset(chain(*given.values())), branch.relations, branch.choices)
                continue
            for relation in branch.relations.values():
                relation.shared = True
            for atom in reversed(pick(branch.cases[branch.case].candidates)):
                next_ = replace(branch, relations=dict(branch.relations), chosen=atom, case=branch.case + 1)
                waiting.append(next_)

    def _advance(self, branch: _Branch, work: Budget) -> bool:
        """Go on to the end, or to the next case without a true candidate; false if a case ever has two."""
        relations = branch.relations
        while branch.stratum < len(self._strata):
            rules, choices = self._strata[branch.stratum]
            if branch.chosen is None:
                _close(rules, relations, work)
                branch.cases = [case for choice in choices for case in _cases(choice, relations, work)]
                branch.case = 0
            else:
                _close(rules, relations, work, {signature(branch.chosen): {branch.chosen: None}})
                branch.chosen = None
            while branch.case < len(branch.cases):
                if not _true(branch.cases[branch.case], relations):
                    return True
                branch.case += 1
            for case in branch.cases:  # all of them: a later choice may have made a second candidate true
                true = _true(case, relations)
                if len(true) != 1:
                    return False
                branch.choices += (replace(case, chosen=true[0]),)
            branch.stratum += 1
        return True


def _close(rules: list[_Compiled], relations: Relations, work: Budget, start: Atoms | None = None) -> None:
    """Add all that the rules of a stratum derive; with `start`, what these atoms add to a closed stratum."""
    derived: Atoms = {} if start is None else start
    for one in rules if start is None else ():
        if one.applies(relations):
            one.fire(relations, derived.setdefault(one.head, {}), work)
    new = _add(relations, derived, work)
    for _ in range(ROUNDS):
        derived = {}
        for one in rules if new else ():
            for predicate, fire in one.fire_on_new:
                if predicate in new:
                    fire(relations, derived.setdefault(one.head, {}), work, new[predicate])
        new = _add(relations, derived, work)
        if not new:
            return
    raise rules[0].rule.error(f"the recursion has not ended after {ROUNDS} rounds")


def _add(relations: Relations, atoms: Atoms, work: Budget) -> Atoms:
    """Add atoms to their relations; gives those that are new."""
    new: Atoms = {}
    for predicate, rows in atoms.items():
        if rows:
            if relations[predicate].shared:
                work.spend(len(relations[predicate].rows))
                relations[predicate] = Relation(dict(relations[predicate].rows))
            if added := relations[predicate].add(rows, work):
                new[predicate] = added
    return new


def _cases(choice: _Compiled, relations: Relations, work: Budget) -> Iterator[Choice]:
    """The choice for each way to satisfy its body."""
    found: dict[tuple[Value, ...], dict[Atom, None]] = {}
    if choice.applies(relations):
        choice.fire(relations, found, work)
    for values, candidates in found.items():
        binding = dict(zip(choice_key(choice.rule), values, strict=True))
        yield Choice(choice.rule, binding, tuple(candidates))


def _true(case: Choice, relations: Relations) -> list[Atom]:
    return [atom for atom in case.candidates if atom in relations[case.rule.head.signature].rows]
