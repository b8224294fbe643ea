"""Two laws on one path: first only the rules up to what changed, the whole of both only where these differ.

That is enough. What the two laws have in common concludes the same from the same; so where all that the changed rules
conclude is the same, with the same choices and options on the way, everything else is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ivproof.claim.coding import Coder
from ivproof.engine.choices import CHOICES, CLAIM
from ivproof.engine.direct import atoms_of
from ivproof.lab.kinds import Kind, Template
from ivproof.lab.one_path import OnePath
from ivproof.lab.rewriting import only_one_has, renamed, renaming
from ivproof.lab.unfolding import put_together
from ivproof.recheck import Atom
from ivproof.recheck.syntax import Arithmetic, Function, Pattern, Variable, asked
from ivproof.recheck.terms import Signature
from ivproof.unknowns.affine import Region
from ivproof.unknowns.evaluator import Evaluator, Numbered, Numbering, Outcomes, Standing
from ivproof.unknowns.law import Law, Ready

ORDER = ("order_of", 2)

WHOLE = (*CLAIM.items(), *((name, arity - 1) for name, arity in CHOICES.items() if name != "reading"))
"""What claims, and with them the status, are made of; the arities of choices count the encounter."""

NO_ANSWER = "undetermined"
"""The predicate of the reasons for which a law gives no claim, whatever else it concludes."""

Answers = frozenset[Outcomes]


class Side:
    """A law under a setting of its questions; `compared` are the predicates of what is compared of its answers."""

    def __init__(self, coder: Coder, compared: Sequence[Signature] = WHOLE) -> None:
        """Read the law as the second engine does."""
        self.compared = compared
        self.policy = coder.policy
        self.coder = coder
        self.minutes = coder.minutes
        self.law: Law = self.minutes.law

    def called_as(self, other: Side) -> Side:
        """Give this law with the names of predicates that another has for them, where only names differ."""
        found = copy(self)
        names = renaming(other.law, self.law, {*self.policy.inputs, *other.policy.inputs})
        found.law = renamed(self.law, names)
        return found

    def as_told_with(self, other: Side) -> tuple[Side, Side]:
        """Give this law and another without the rules that only divide those of the other."""
        found = copy(self), copy(other)
        found[0].law, found[1].law = put_together(self.law, other.law, {*self.policy.inputs, *other.policy.inputs})
        return found

    def applied(self, law: Law, compared: Iterable[Signature]) -> Evaluator:
        """Make a part of the law ready to be applied."""
        return Evaluator(Numbered(law, self.minutes.options, tuple(compared)))

    @cached_property
    def felt(self) -> set[Signature]:
        """The predicates on which what is compared rests: what others conclude changes nothing of it."""
        return cone(self.law, self.compared)

    @cached_property
    def whole(self) -> Evaluator:
        """The law as far as what is compared rests on it."""
        return self.applied(self.law.only(self.felt), self.compared)

    def atoms(self, kind: Kind) -> tuple[Any, list[Atom]] | None:
        """Give a kind's chart at its sample point with its facts; None where the format refuses it."""
        encounter = kind.read(kind.sample)
        return None if encounter is None else (encounter, atoms_of(self.minutes.facts(encounter)))


def fits(pattern: Any, value: Any) -> bool:
    """Whether a term of a rule could be this value."""
    if isinstance(pattern, Variable | Arithmetic):
        return True
    if isinstance(pattern, Function):
        same = isinstance(value, tuple) and value[0] == pattern.name and len(value) - 1 == len(pattern.arguments)
        return same and all(map(fits, pattern.arguments, value[1:]))
    return bool(pattern == value)


def reads(patterns: Iterable[Pattern], atom: Atom) -> bool:
    """Whether one of some patterns could be an atom."""
    signature = (atom[0], len(atom) - 1)
    return any(it.signature == signature and all(map(fits, it.arguments, atom[1:])) for it in patterns)


def cone(law: Law, heads: Collection[Signature]) -> set[Signature]:
    """Every predicate on which some predicates rest, and they themselves."""
    wanted = set(heads)
    size = -1
    while size != (size := len(wanted)):
        for rule in law.rules:
            if rule.head in wanted:
                wanted.update(atom.signature for atom, _ in asked(rule.rule))
    return wanted


@dataclass(frozen=True)
class Part:
    """One law's part of a comparison: the rules and the facts that only it has, and what has to be applied of it."""

    side: Side
    rules: tuple[Ready, ...]
    facts: tuple[Atom, ...]
    law: Law
    whole: Evaluator


class Pair:
    """Two laws, ready to be compared at a point of a kind of chart.

    `heads` are the predicates in which they can differ by themselves; without any they conclude the same of every
    chart. `beside` are predicates that can differ, too, and on which no claim for services rests. `runs` counts how
    often both were applied, `whole` how often to the end.
    """

    def __init__(self, old: Side, new: Side) -> None:
        """Find what differs."""
        sides = self.old, self.new = old.as_told_with(new.called_as(old))
        lists = [
            [(it.name, it.read_bytes()) for it in sorted(side.policy.drugs_folder.glob("*.csv"))] for side in sides
        ]
        # facts rest on the chart, the drug list and the payers that a policy names
        self._facts_alike = lists[0] == lists[1] and set(old.policy.payers) == set(new.policy.payers)
        self._known: dict[int, tuple[Kind, tuple[Any, list[Atom]] | None]] = {}
        rules = only_one_has(self.old.law, self.new.law)
        facts = [_read(side.law, set(side.law.facts) - set(other.law.facts)) for side, other in (sides, sides[::-1])]
        heads = {it.head for some in rules for it in some}
        heads |= {it.head for side in sides for it in side.law.rules if _uses(it, (*facts[0], *facts[1]))}
        self.beside = sorted(heads - sides[0].felt - sides[1].felt)
        heads &= sides[0].felt | sides[1].felt
        between = set(_between(sides, heads))
        self.heads = sorted(heads - between)
        # what one of the laws concludes at some minutes the other need not conclude again
        self._numbering = Numbering((side.law for side in sides), (it for side in sides for it in side.compared))
        self._one: Evaluator | None = None
        self.parts = tuple(self._part(*it) for it in zip(sides, rules, facts, strict=True))
        self.patterns = [atom for part in self.parts for rule in part.law.rules for atom, _ in asked(rule.rule)]
        facts_of = {(str(it[0]), len(it) - 1) for part in self.parts for it in part.facts}
        self._path = self._joined({*self.heads, *between, *facts_of}) if self.heads else None
        # what is applied to a stage's facts of a chart may read their order, whichever law it is of
        reads = [part.law.signatures() if self._path is None else self._path.reads for part in self.parts]
        self._ordered = [
            [ORDER in stage, ORDER in part.whole.law.reads] for stage, part in zip(reads, self.parts, strict=True)
        ]
        self.runs = self.whole = 0

    @property
    def on_one_path(self) -> bool:
        """Whether the new law is looked at only where the old one parts from it."""
        return self._path is not None

    def _joined(self, changed: Collection[Signature]) -> OnePath | None:
        """Both laws on one path; None where other questions are open, other facts read, or a choice is not the same."""
        one, other = self.old.law, self.new.law
        inputs = {*self.old.policy.inputs, *self.new.policy.inputs}
        if one.open != other.open or self.old.minutes.options != self.new.minutes.options:
            return None
        if not self._facts_alike or not inputs.isdisjoint(changed):
            return None
        wanted, size = set(changed), -1
        while size != (size := len(wanted)):
            wanted = cone(other, cone(one, wanted))
        found = OnePath(
            one.only(wanted), other.only(wanted), lambda it: self._applied(self.old, it), changed, self.heads
        )
        return None if found.chooses or not inputs.isdisjoint(found.anew) else found

    def _part(self, side: Side, rules: Sequence[Ready], facts: Sequence[Atom]) -> Part:
        whole = self._applied(side, side.law.only(side.felt), side.compared)
        return Part(side, tuple(rules), tuple(facts), side.law.only(cone(side.law, self.heads)), whole)

    def _applied(self, side: Side, law: Law, compared: Iterable[Signature] = ()) -> Evaluator:
        """Make a part of a law ready; what was found by another is known to it."""
        numbered = Numbered(law, side.minutes.options, tuple(dict.fromkeys(compared)), self._numbering)
        self._one = Evaluator(numbered, self._one)
        return self._one

    def templates(self, kind: Kind) -> tuple[Templates, Templates] | None:
        """Give the facts of a kind for the stage and for the whole, of each law; None where it is refused."""
        read = self._known.pop(id(kind), None) or (kind, self.old.atoms(kind))
        before = read[1]
        after = before if self._facts_alike else self.new.atoms(kind)
        if before is None or after is None:
            return None
        old, new = (
            [Template.of(kind, *atoms, ordered=it) for it in its]
            for atoms, its in zip((before, after), self._ordered, strict=True)
        )
        alike = self._facts_alike and self._ordered[0] == self._ordered[1]
        return (old[0], old[0] if alike else new[0]), (old[1], new[1])

    def looked_at(self, kind: Kind) -> list[Atom] | None:
        """Give the facts of a kind for the old law, and keep them until its templates are asked for."""
        if id(kind) not in self._known:
            self._known[id(kind)] = kind, self.old.atoms(kind)
        _, found = self._known[id(kind)]
        return None if found is None else found[1]

    def stage(self, templates: Templates, region: Region, here: Standing | None = None) -> set[str]:
        """Give the predicates of which the laws conclude something else where a region stands; empty where of none.

        `here` is what is known where the region stands.
        """
        self.runs += 1
        here = here or Standing()
        if self._path is not None:
            return self._path.apart(templates[0], region, here)
        one, other = self.stages(templates, region, here)
        if one == other:
            return set()
        mine, theirs = ({atom for atoms, _ in side for atom in atoms} for side in (one, other))
        return {str(atom[0]) for atom in mine ^ theirs} or {""}

    def stages(self, templates: Templates, region: Region, here: Standing | None = None) -> tuple[Answers, Answers]:
        """Give what each law by itself concludes of what changed, and the choices on the way; `here` as for `stage`."""
        one, other = (
            stage.outcomes(it.moving(region), here, it.stays) for stage, it in zip(self._stages, templates, strict=True)
        )
        return one, other

    @cached_property
    def _stages(self) -> tuple[Evaluator, ...]:
        """Each law up to what changed, ready to be applied."""
        found = []
        for part in self.parts:
            choices = sorted(it for it in part.law.signatures() if it[0] in CHOICES and it[0] != "reading")
            found.append(self._applied(part.side, part.law, [*self.heads, *choices]))
        return tuple(found)

    def answers(self, templates: Templates, region: Region, here: Standing | None = None) -> tuple[Answers, Answers]:
        """Give what the whole of each law concludes where a region stands; `here` as for `stage`."""
        self.whole += 1
        here = here or Standing()
        one, other = (
            part.whole.outcomes(it.moving(region), here, it.stays)
            for part, it in zip(self.parts, templates, strict=True)
        )
        return one, other


Templates = tuple[Template, Template]


def _between(sides: Sequence[Side], heads: Collection[Signature]) -> Iterator[Signature]:
    """Predicates that are read only where something is concluded that is compared: there it shows what they change."""
    rules = [rule for side in sides for rule in side.law.rules]
    for head in heads:
        if any(head in side.compared for side in sides):
            continue
        if all(it.head in heads for it in rules if any(atom.signature == head for atom, _ in asked(it.rule))):
            yield head


def _read(law: Law, facts: Iterable[Atom]) -> list[Atom]:
    """Of some facts those that a rule of the law could read."""
    patterns = [atom for rule in law.rules for atom, _ in asked(rule.rule)]
    return sorted((it for it in facts if reads(patterns, it)), key=repr)


def _uses(rule: Ready, facts: Sequence[Atom]) -> bool:
    patterns = [atom for atom, _ in asked(rule.rule)]
    return any(reads(patterns, fact) for fact in facts)


def claims_of(answers: Answers) -> frozenset[frozenset[Any]]:
    """The claims among what a law concludes, without the ways to them; where it has no answer, only that."""
    claims = ([atom for atom in atoms if atom[0] in CLAIM] for atoms, _ in answers)
    none = frozenset([(NO_ANSWER,)])
    return frozenset(none if any(it[0] == NO_ANSWER for it in claim) else frozenset(claim) for claim in claims)


def units_of(claim: Iterable[Any]) -> dict[str, int]:
    """The units of each code of a claim."""
    return {str(atom[1]).strip('"'): int(atom[2]) for atom in claim if atom[0] == "total" and int(atom[2])}
