"""Charts under one setting of the questions, answered by the compiled law (see `compiled`) where that pays.

Preparing the law takes as long as clingo takes for some twenty charts, and each chart after that a fraction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from math import prod
from typing import Any

from ivproof import recheck
from ivproof.chart import bounds
from ivproof.chart.facts import Facts
from ivproof.engine.choices import CHOICES, OPEN, Resolution, candidate_rank, resolution_of
from ivproof.engine.compiled import Compiled, Derived, FactChange, Rows, SeveralError, Take, Wanted, first_of, none_of
from ivproof.engine.solving import Choice
from ivproof.law.policy import Policy
from ivproof.recheck import Atom
from ivproof.recheck.terms import Signature, show, signature

MANY = 16
"""The law is compiled where clingo would take as long as for so many charts one by one."""

TOGETHER = 12
"""So many charts that are answered together take clingo as long as one by itself."""

KEPT = 400
"""Of so many charts what follows is kept at most, until that is forgotten."""

CHANGES = 1000
"""Of so many changes of what is held it is kept who sees them."""

LARGE = 500
"""A chart with more facts than this, some forty administrations, is left to clingo."""

WAYS = 16
"""What leads to more ways than this is left to clingo, which sees of some choices that no claim depends on them."""

NONE_HELD: Mapping[str, str] = {}

CONDITIONAL, RAISED = ("conditional", 1), ("raised", 1)
"""Which open questions arise only where they are raised, and what raises one."""


def program(policy: Policy) -> recheck.Program:
    """Give a policy's law, read by the second engine's own parser.

    What it read is kept between runs, and taken only where it says what the law's text says; that the rules are safe
    was seen when they were read. All settings of the questions share it.
    """
    texts = policy.rules_by_file
    parsed: list[recheck.Program] = []

    def plain() -> Any:
        parsed.append(named(policy))
        rules = {name: recheck.plain(_parsed(text, name)) for name, text in texts.items()}
        return {"rules": rules, "order": parsed[0].order}

    def read(kept: Any) -> recheck.Program:
        if parsed:
            return parsed[0]
        files = (recheck.rebuilt(kept["rules"][name], text, name) for name, text in texts.items())
        return recheck.Program(chain.from_iterable(files), order=kept["order"])

    return policy.kept.get("second-engine", plain, read)


def named(policy: Policy) -> recheck.Program:
    """Give the same law with the names of its rules, which what is kept between runs leaves out."""
    return recheck.Program(rule for name, text in policy.rules_by_file.items() for rule in _parsed(text, name))


def _compiled(law: recheck.Program) -> Compiled:
    return Compiled(law.rules, law.strata)


@lru_cache(maxsize=64)
def _parsed(text: str, name: str) -> tuple[recheck.Rule, ...]:
    """The rules of a file; of a law that is changed, mostly one file is."""
    return recheck.parse(text, name)


@lru_cache(maxsize=1 << 15)
def _atom(text: str) -> Atom:
    [found] = recheck.parse_facts(f"{text}.")
    return found


def atoms_of(facts: Facts) -> list[Atom]:
    """Give the facts of a chart in the second engine's form."""
    return [_atom(it) for it in (*facts.shared, *map(str, facts.own))]


def resolution_by(atom: Atom) -> Resolution:
    """Give the way of settling a choice that an atom of its predicate is."""
    return resolution_of(str(atom[0]), [show(it) for it in atom[1:]])


@dataclass(frozen=True, slots=True)
class First:
    """What follows with some choices settled, and the first candidate taken for those `left`, each with all of them."""

    derived: Derived
    left: Mapping[Choice, Sequence[str]]
    settled: frozenset[Choice]

    @property
    def choices(self) -> Mapping[Choice, Sequence[str]]:
        """All choices that nobody settled, those that had one candidate too."""
        found: dict[Choice, list[str]] = {}
        for atom in chain.from_iterable(self.derived.taken.values()):
            it = resolution_by(atom)
            if it.choice not in self.settled and it.choice not in self.left:
                found.setdefault(it.choice, []).append(it.value)
        return {**found, **self.left}


class Direct:
    """A law under one setting of its questions; of open ones the first option is held."""

    def __init__(self, policy: Policy, first: Mapping[str, str]) -> None:
        """Take, of each question, the option that is held."""
        self._policy = policy
        self._readings: dict[Atom, None] = {(OPEN, key, option): None for key, option in first.items()}
        self._options: dict[str, list[Atom]] = {
            key: [(OPEN, key, it.name) for it in question.options] for key, question in policy.questions.items()
        }
        self._bases: dict[int, tuple[Facts, Derived]] = {}
        self._changes: dict[object, FactChange] = {}
        self._seen = 0

    def expect(self, charts: int, *, alone: bool = False) -> None:
        """Be told of so many more charts: clingo would answer them together, or each takes it as long as one alone."""
        self._seen += charts if alone else 1 + charts // TOGETHER

    def prepare(self) -> None:
        """Be ready from the first chart on."""
        self._seen = MANY

    @property
    def ready(self) -> bool:
        """Whether there were charts enough for the law to be compiled."""
        return self._seen >= MANY

    def fits(self, facts: Facts) -> bool:
        """Whether a chart is small enough; what a larger one takes is watched while clingo grounds it."""
        return len(facts.own) <= LARGE

    @cached_property
    def _listed(self) -> frozenset[str]:
        """The choices that take one of a list that the law gives."""
        return frozenset(it for it in CHOICES if self._policy.offered(it))

    @cached_property
    def law(self) -> Compiled:
        """The compiled law, which all settings of a policy share."""
        return self._policy.kept.held("compiled", lambda: _compiled(program(self._policy)))

    def base(self, facts: Facts) -> Derived:
        """Give what follows from a chart. Raises compiled.SeveralError where that leaves a choice."""
        return self.along(facts, none_of)

    def first(self, facts: Facts, way: Sequence[Resolution]) -> First | None:
        """Give what follows from a chart with some choices settled, and the first candidate taken for the others.

        None of a chart that is left to clingo.
        """
        if not self.fits(facts):
            return None
        settled = {it.choice: it.value for it in way if it.predicate != OPEN}
        held = {it.subject: it.value for it in way if it.predicate == OPEN}
        left: dict[Choice, Sequence[str]] = {}
        rank = candidate_rank(facts)

        def take(candidates: Sequence[Atom]) -> Atom | None:
            atoms = {resolution_by(atom).value: atom for atom in candidates}
            choice = resolution_by(candidates[0]).choice
            if choice in settled:
                return atoms.get(settled[choice])
            # the first of what the law lists is the first in the order of terms
            left[choice] = sorted(atoms, key=None if choice[0] in self._listed else rank)
            return atoms[left[choice][0]] if prod(map(len, left.values())) <= WAYS else None

        try:
            kept = id(facts) in self._bases
            found = self.along(facts, take, held) if way or kept else self._kept(facts, take)
        except SeveralError:
            return None
        return First(found, left, frozenset(settled))

    def _kept(self, facts: Facts, take: Take) -> Derived:
        """What follows from a chart whatever is taken of its choices, which is kept until `forget`."""
        found = self._bases.get(id(facts))
        if found is not None:
            return found[1]
        if len(self._bases) >= KEPT:
            self._bases.clear()
        derived = self._derived(facts, take, NONE_HELD)
        self._bases[id(facts)] = (facts, derived)
        return derived

    def forget(self) -> None:
        """Keep nothing of the charts that were answered."""
        self._bases.clear()

    def along(self, facts: Facts, take: Take, held: Mapping[str, str] = NONE_HELD) -> Derived:
        """Give what follows along one way: with other options of some questions held, and what choices take.

        Raises compiled.SeveralError where that settles too little.
        """
        try:
            base = self._kept(facts, first_of)
        except SeveralError:  # the first of each is no answer
            return self._derived(facts, take, held)
        return self.held(base, held, take, anew=True)

    def _derived(self, facts: Facts, take: Take, held: Mapping[str, str]) -> Derived:
        given: dict[Signature, dict[Atom, None]] = {}
        for atom in atoms_of(facts):
            given.setdefault(signature(atom), {})[atom] = None
        readings: Rows = self._readings
        if held:
            others = {(OPEN, key, option): None for key, option in held.items()}
            readings = {it: None for it in self._readings if it[1] not in held} | others
        return self.law.derive({**given, (OPEN, 2): readings}, bounds.current(), take)

    def held(
        self,
        base: Derived,
        options: Mapping[str, str],
        take: Take = none_of,
        *,
        anew: bool = False,
        wanted: Wanted = None,
    ) -> Derived:
        """Give what follows with other options of some questions held; that itself where it is the same.

        With `anew` every choice is taken anew, else those that see a difference. Of what follows only the `wanted`
        predicates are asked for, if they are named. Raises compiled.SeveralError.
        """
        now = base.given[OPEN, 2]
        more = {key: option for key, option in options.items() if (OPEN, key, option) not in now}
        less = {key: str(it[2]) for key in more for it in self._options[key] if it in now}
        change = self.change(less, more, wanted)
        return self.law.vary(base, change, bounds.current(), take, anew=anew)

    def change(self, less: Mapping[str, str], more: Mapping[str, str], wanted: Wanted) -> FactChange:
        """Give the change from some options of questions to others."""
        key = (*less.items(), None, *more.items()), wanted
        found = self._changes.get(key)
        if found is None:
            if len(self._changes) >= CHANGES:
                self._changes.clear()
            then, now = ([(OPEN, *it) for it in each.items()] for each in (less, more))
            found = self._changes[key] = self.law.change(then, now, wanted)
        return found

    def tells(self, facts: Facts, others: Iterable[Facts], predicates: Mapping[str, int]) -> bool:
        """Whether of some predicates (with their arities) something else holds in one of the charts like this one.

        Of several candidates the first is taken: the chart itself has to lead to one claim whichever is.
        """
        if not self.fits(facts):
            return False
        try:
            base = self.base(facts)
        except SeveralError:
            try:
                base = self.along(facts, first_of)
            except SeveralError:
                return False
        then = dict.fromkeys(atoms_of(facts))
        wanted = frozenset(predicates.items())
        for other in others:
            now = dict.fromkeys(atoms_of(other))
            less, more = [it for it in then if it not in now], [it for it in now if it not in then]
            try:
                found = self.law.vary(base, self.law.change(less, more, wanted), bounds.current(), first_of)
            except SeveralError:
                continue
            if any(found.rows(it) != base.rows(it) for it in predicates.items()):
                return True
        return False


def asked(found: Derived, open_: Iterable[str]) -> list[str]:
    """Give those of the open questions that a chart raises."""
    conditional, raised = found.rows(CONDITIONAL), found.rows(RAISED)
    return [it for it in open_ if ("conditional", it) not in conditional or ("raised", it) in raised]


def texts(found: Derived, predicates: Mapping[str, int]) -> dict[str, list[str]]:
    """Give what holds of some predicates (with their arities): by name, the arguments of each atom as text."""
    shown = {name: [",".join(map(show, it[1:])) for it in found.rows((name, n))] for name, n in predicates.items()}
    return {name: it for name, it in shown.items() if it}
