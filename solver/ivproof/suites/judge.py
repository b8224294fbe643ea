"""Judges changes of a law by worked cases: which case, if any, has another answer than it expects.

In: a coder and cases. Out: of a change the first cases that notice it. The second engine's law is applied over numbers
(`unknowns`) with one rule in another's place: what a change does not touch is remembered from the law as it is, and a
case whose rule concludes the same as before is not asked at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

from ivproof import recheck
from ivproof.cases.files import Case, Setting
from ivproof.cases.judging import ASSUMING, departures
from ivproof.chart import bounds
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.facts import Facts
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.engine.choices import CLAIM
from ivproof.engine.direct import atoms_of
from ivproof.engine.engine import SHOWN, Answer
from ivproof.engine.explorer import Explorer
from ivproof.lab.pair import cone, reads
from ivproof.law.terms import parse
from ivproof.recheck import Atom
from ivproof.recheck.syntax import Pattern, asked
from ivproof.recheck.terms import Signature
from ivproof.suites.mutants import Mutant
from ivproof.unknowns.evaluator import Database, Evaluator, Numbered, State
from ivproof.unknowns.law import Ready, settled
from ivproof.unknowns.relations import Relation

TOLD: tuple[Signature, ...] = tuple(SHOWN.items())
"""The predicates that a determination is made of, as the second engine has them."""

OF_CLAIMS = {"claim", "claims", "alternatives"}

SEVERAL = {"claims", "alternatives"}
"""What a case has to expect to notice that one of several claims is another."""

AFRESH = 150
"""After so many changes what is remembered is forgotten: it has been made for laws that are not asked any more."""

Ways = frozenset[tuple[Relation, ...]]
"""What a determination is made of, on each way of settling what is open."""

Compared = Callable[[Case, Determination], list[str]]


@dataclass(frozen=True)
class Notice:
    """A case that notices a change: its place among the cases, and what it then has otherwise."""

    place: int
    told: tuple[str, ...]
    found: Determination | None
    """What the changed law says of its chart, where that is one claim."""


class Judge:
    """Judges changes of the law by cases. `compared` tells what a determination says otherwise than a case."""

    def __init__(self, coder: Coder, cases: Sequence[Case], compared: Compared = departures) -> None:
        """Apply the law to all charts. Raises PolicyError where a case sets what the policy does not have."""
        self.cases = [_short(it) for it in cases]
        self.compared = compared
        self.left_out: list[int] = []
        """Places of cases of which the law does not get to an end."""
        groups: dict[Setting, list[int]] = {}
        for place, case in enumerate(self.cases):
            groups.setdefault(case.setting(coder.policy), []).append(place)
        self._groups = {
            setting: _Applied(coder.under(dict(setting)) if setting else coder, self.cases, places)
            for setting, places in groups.items()
        }
        self._coder = coder
        self.left_out = sorted(it for group in self._groups.values() for it in group.left_out)
        self.begin()

    def begin(self) -> None:
        """Take what each case has otherwise by the law as it is for what it has anyway."""
        self._first = {
            place: self._judged(group, place, group.base[place])[0]
            for group in self._groups.values()
            for place in group.base
        }

    def keep_different(self, kinds: Sequence[str]) -> None:
        """Leave out a case of whose kind another one has the same answer; of the kind "" all stay."""
        for group in self._groups.values():
            seen: set[tuple[str, object]] = set()
            for place, ways in list(group.base.items()):
                key = kinds[place], written(ways)
                if kinds[place] and key in seen:
                    group.leave(place)
                seen.add(key)

    @property
    def asked(self) -> int:
        """How many cases are asked."""
        return sum(len(it.base) for it in self._groups.values())

    def determination(self, place: int) -> Determination | None:
        """Give what the law says of a case's chart, where it gets to an end with one claim."""
        for group in self._groups.values():
            if place in group.base:
                return group.determination(place, group.base[place])
        return None

    def noticing(self, mutant: Mutant, most: int = 1) -> list[Notice]:
        """Give the first cases that notice a change of the law, so many at most."""
        found: list[Notice] = []
        for group in self._groups.values():
            for place, ways in group.changed(mutant):
                found += self._notice(group, place, ways)
                if len(found) >= most:
                    break
        return sorted(found, key=lambda it: it.place)[:most]

    def options(self) -> dict[tuple[str, str], int]:
        """Give each option of a question by which the claim of a case is another, with the first such case."""
        found: dict[tuple[str, str], int] = {}
        for setting, group in self._groups.items():
            explorer = Explorer(self._coder.policy, dict(setting))
            places = [
                it for it in group.base if self.compared is not departures or OF_CLAIMS & self.cases[it].expect.keys()
            ]
            for place, explored in zip(places, explorer.explore([group.facts[it][0] for it in places]), strict=True):
                for question, options in (explored.alone or {}).items():
                    for option, claims in options.items():
                        if explored.base not in claims or len(claims) > 1:
                            found[question, option] = min(place, found.get((question, option), place))
        return found

    def _notice(self, group: _Applied, place: int, ways: Ways) -> Iterator[Notice]:
        told, found = self._judged(group, place, ways)
        more = [it for it in told if it not in self._first[place]]
        if more:
            yield Notice(place, tuple(more), found)

    def _judged(self, group: _Applied, place: int, ways: Ways) -> tuple[list[str], Determination | None]:
        """What a case has otherwise. Of several claims it is told which they are, if the case looks at that."""
        case = self.cases[place]
        found = group.determination(place, ways)
        if found is not None:
            return self.compared(case, found), found
        claims = sorted({it for one in written(ways) for it in [tuple(a for a in one if a.split("(")[0] in CLAIM)]})
        looked_at = SEVERAL & case.expect.keys() or self.compared is not departures
        return [f"claims: {claims}" if looked_at else "status: several claims"], None


def written(ways: Ways) -> frozenset[tuple[str, ...]]:
    """What holds on each way, as text."""
    return frozenset(tuple(sorted(recheck.show(row) for it in one for row in it.rows)) for one in ways)


class _Applied:
    """A law under one setting, applied to the charts of some cases."""

    def __init__(self, coder: Coder, cases: Sequence[Case], places: Iterable[int]) -> None:
        self.coder, self._cases = coder, cases
        self.settings = coder.second.settings
        whole = coder.minutes.law
        self.law = whole.only(cone(whole, TOLD))
        self._place_of = {it.rule: n for n, step in enumerate(self.law.steps) for it in step.rules}
        self._fresh()
        self.facts: dict[int, tuple[Facts, list[Atom]]] = {}
        self.base: dict[int, Ways] = {}
        self.left_out: list[int] = []
        for place in places:
            facts = coder.facts(cases[place].encounter)
            self.facts[place] = facts, atoms_of(facts)
            ways = self.ways(place, self.facts[place])
            if ways is None:
                self.left_out.append(place)
            else:
                self.base[place] = ways

    def leave(self, place: int) -> None:
        """Ask a case no more."""
        for kept in (self.base, self.facts, self._states):
            kept.pop(place, None)

    def _fresh(self) -> None:
        self._numbered = Numbered(self.law, self.coder.minutes.options, TOLD)
        self._evaluator = Evaluator(self._numbered)
        self._states: dict[int, list[State]] = {}
        self._asked = 0

    def ways(self, place: int, facts: tuple[Facts, list[Atom]]) -> Ways | None:
        """What follows from the facts of a chart; None where there are too many ways."""
        try:
            with bounds.free():
                states = [state for state, _ in self._evaluator.ways(facts[1])]
        except TooManyWaysError:
            return None
        self._states.setdefault(place, states)
        return frozenset(tuple(state[n] for n in self._numbered.compared) for state in states)

    def determination(self, place: int, ways: Ways) -> Determination | None:
        """Put one way into words; None where there are several."""
        if len(ways) != 1:
            return None
        facts = self.facts[place][0] if place in self.facts else self.coder.facts(self._cases[place].encounter)
        atoms = {
            name: sorted((tuple(parse(recheck.show(it)) for it in row[1:]) for row in relation.rows), key=str)
            for (name, _), relation in zip(TOLD, next(iter(ways)), strict=True)
            if relation.rows
        }
        return self.coder.determiner.determine(facts, Answer(atoms), {})

    def changed(self, mutant: Mutant) -> Iterator[tuple[int, Ways]]:
        """Give the charts of which a changed law says otherwise, with what it says."""
        rule = self._rules[mutant.at]
        instead = None
        if mutant.instead is not None:
            [parsed] = recheck.parse(str(mutant.instead), rule.file)
            instead = settled(replace(parsed, file=rule.file, line=rule.line), self.settings)
        old = settled(rule, self.settings)
        if old is None or (not rule.is_fact and old.rule not in self._place_of):
            return  # under this setting the rule says nothing, or nothing that is told
        self._asked += 1
        if self._asked > AFRESH:
            self._fresh()
        for place, facts in self.facts.items():
            if place not in self.base or (place not in self._states and self.ways(place, facts) is None):
                continue
            if not self._may_matter(old, instead, self._states[place]):
                continue
            states = self._states.pop(place)
            with self._put(old, instead):
                try:
                    found = self.ways(place, facts)
                except recheck.LawError:  # a recursion of the changed law does not end
                    found = frozenset()
            self._states[place] = states
            if found is not None and written(found) != written(self.base[place]):
                yield place, found

    @cached_property
    def _rules(self) -> Sequence[recheck.Rule]:
        return self.coder.second.program.rules

    def _may_matter(self, old: Ready, instead: Ready | None, states: Sequence[State]) -> bool:
        """Whether a rule, and the one in its place, can conclude other things from what holds of a chart."""
        numbers = self._numbered.numbers
        if old.rule.is_fact:
            readers = self._readers(old.rule.fact) + (self._readers(instead.rule.fact) if instead else [])
            return any(all(state[numbers[it]].rows for it in reader.needs) for state in states for reader in readers)
        if self.law.steps[self._place_of[old.rule]].choice:
            return any(all(state[numbers[it]].rows for it in old.needs) for state in states)
        for state in states:
            made: list[dict[Atom, None]] = [{}, {}]
            for it, rows in zip((old, instead), made, strict=True):
                if it is not None and all(state[numbers[need]].rows for need in it.needs):
                    it.fire(Database(numbers, state), rows)
            if made[0].keys() != made[1].keys():
                return True
        return False

    def _readers(self, fact: Atom) -> list[Ready]:
        patterns = self._asking.get((str(fact[0]), len(fact) - 1), ())
        return [it for it, atom in patterns if reads([atom], fact)]

    @cached_property
    def _asking(self) -> Mapping[Signature, list[tuple[Ready, Pattern]]]:
        """The rules that read a predicate, each with what it reads of it."""
        found: dict[Signature, list[tuple[Ready, Pattern]]] = {}
        for it in self.law.rules:
            for atom, _ in asked(it.rule):
                found.setdefault(atom.signature, []).append((it, atom))
        return found

    @contextmanager
    def _put(self, old: Ready, instead: Ready | None) -> Iterator[None]:
        """Let another rule stand in one's place."""
        if old.rule.is_fact:
            number = self._numbered.numbers[old.head]
            relation = self._numbered.begin[number]
            rows = [it for it in relation.rows if it != old.rule.fact]
            if instead is not None:
                rows.append(instead.rule.fact)
            self._numbered.begin[number] = Relation(rows, relation.timed)
            try:
                yield
            finally:
                self._numbered.begin[number] = relation
            return
        with self._evaluator.with_another(self._place_of[old.rule], old, instead):
            yield


def _short(case: Case) -> Case:
    """A case without what an answer of the law does not tell: claim edits, what other options or facts would change."""
    expect = {key: value for key, value in case.expect.items() if key not in ASSUMING | NOT_TOLD}
    if isinstance(expect.get("missing"), Mapping):
        expect["missing"] = dict.fromkeys(expect["missing"])
    elif "missing" in expect:
        expect["missing"] = [it if isinstance(it, str) else it["fact"] for it in expect["missing"]]
    return replace(case, expect=expect)


NOT_TOLD = {"edits", "raises", "reason_rules", "packet_not_said", "audit_lines"}
"""What a case may expect that is made of more than an answer of the law."""
