"""What has to hold of a law whatever the chart: rules over what it concludes, which conclude that something is broken.

An invariant is a rule for ``broken(..)`` below a header like those of the law. It reads what the law concludes and the
facts of the chart. Where it reads ``earlier(p(..))``, that is what follows when the stop of the administration
``moved(A)`` is one minute earlier; each charted stop is moved in turn. Other rules of the file help these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ivproof import recheck
from ivproof.claim.coding import Coder
from ivproof.engine.choices import CHOICES, OPEN, resolution_of
from ivproof.engine.direct import atoms_of
from ivproof.lab.kinds import Kind, Slot, Template
from ivproof.lab.pair import ORDER, cone, reads
from ivproof.law import language
from ivproof.law.policy import Policy, PolicyError
from ivproof.recheck import Atom, Rule
from ivproof.recheck.syntax import Function, Literal, Pattern, Variable, asked
from ivproof.recheck.terms import Signature
from ivproof.unknowns.affine import MINUTE, Region
from ivproof.unknowns.evaluator import Evaluator, Numbered
from ivproof.unknowns.law import Law

BROKEN = "broken"
EARLIER, MOVED = ("earlier", 1), ("moved", 1)
"""What is said of the second chart, in which a stop is a minute earlier."""

SETTING = {(OPEN, 2), ("open", 1)}


@dataclass(frozen=True)
class Invariant:
    """One of a file: the id, the citation and the sentence of its header, its rules, and whether it moves a stop."""

    id: str
    citation: str
    sentence: str
    rules: tuple[Rule, ...]
    moves: bool


@dataclass(frozen=True)
class Invariants:
    """A file of them. `single` are the rules over one chart, `moving` those over two."""

    name: str
    text: str
    listed: tuple[Invariant, ...]
    single: tuple[Rule, ...]
    moving: tuple[Rule, ...]

    def written(self, one: Invariant, rules: Sequence[Rule]) -> str:
        """Give some of the rules as the first engine's parser reads them, of the invariants only this one."""
        wanted = {it.line for it in rules if it.head.name != BROKEN or it.id == one.id}
        return "\n".join(str(it) for it in language.load({self.name: self.text}).rules if it.line in wanted)


def default_file(policy: Policy) -> Path:
    """Give the file of the invariants that ship with a policy, which stands beside its folder."""
    return policy.folder.parent / "invariants.lp"


def read_invariants(file: Path, policy: Policy) -> Invariants:
    """Read a file of invariants of a policy.

    Raises PolicyError or LawError (of either parser) for one that is none: with file, line, found and expected.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{file}: found {error}, expected a file of invariants") from None
    language.load({file.name: text})
    rules = recheck.parse(text, file.name)
    known = {rule.atom.signature for rule in policy.program.rules} | policy.inputs
    own = {it.head.signature for it in rules}
    moving = {EARLIER, MOVED}
    while more := {it.head.signature for it in rules if it.head.name != BROKEN and _reads(it, moving)} - moving:
        moving |= more
    for rule in rules:
        _check(rule, known, own, moving)
    second = tuple(it for it in rules if it.head.signature in moving or _reads(it, moving))
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.head.name == BROKEN:
            groups.setdefault(rule.id, []).append(rule)
    if not groups:
        raise PolicyError(f"{file.name}:1: found no rule for {BROKEN}(..), expected one for each invariant")
    listed = (
        Invariant(id_, its[0].citation, its[0].sentence, tuple(its), any(it in second for it in its))
        for id_, its in groups.items()
    )
    return Invariants(file.name, text, tuple(listed), tuple(it for it in rules if it not in second), second)


def _reads(rule: Rule, some: Collection[Signature]) -> bool:
    return any(atom.signature in some for atom, _ in asked(rule))


def _check(rule: Rule, known: Collection[Signature], own: Collection[Signature], moving: Collection[Signature]) -> None:
    """Refuse a rule that is none of an invariant. Raises LawError."""
    if rule.condition is not None:
        raise rule.error("found a choice, expected a rule or a fact")
    if rule.head.signature in known or rule.head.signature in (EARLIER, MOVED):
        raise rule.error(f"found a rule for {_spell(rule.head.signature)}, expected a predicate that the law has not")
    if rule.head.name == BROKEN and not (rule.id and rule.sentence):
        raise rule.error(f"found {BROKEN} without a header, expected '% [id] citation' and a sentence above it")
    for atom, _ in asked(rule):
        asks = [atom]
        if atom.signature == EARLIER:
            inner = _inner(atom)
            if inner is None:
                raise rule.error("found earlier of a variable or a number, expected a predicate in it")
            asks = [inner]
        for it in asks:
            if it.name == BROKEN or (it.signature in SETTING and _reads(rule, moving)):
                raise rule.error(
                    f"found {_spell(it.signature)} in a body, expected what a law concludes or a chart says"
                )
            if it.signature not in known and it.signature not in own and it.signature != MOVED:
                raise rule.error(
                    f"found {_spell(it.signature)}, expected a predicate of the law, of its inputs or of this file"
                )


def _inner(atom: Pattern) -> Pattern | None:
    """The pattern inside `earlier(..)`."""
    [term] = atom.arguments
    if isinstance(term, Function):
        return Pattern(term.name, term.arguments)
    return Pattern(term) if isinstance(term, str) and not term.startswith('"') else None


def _spell(signature: Signature) -> str:
    return f"{signature[0]}/{signature[1]}"


# --- what one chart breaks

Way = tuple[frozenset[Atom], Mapping[tuple[str, str], str]]
"""What holds on one way of settling what is left open, as far as it is read, and what is taken on it."""

Breach = tuple[str, str]
"""The id of an invariant, and what the rule says it is about, as the law's terms."""


class Watched:
    """A law with invariants, ready to be applied to kinds of chart."""

    def __init__(self, coder: Coder, invariants: Invariants) -> None:
        """Take a law and what has to hold of it. Raises PolicyError where an invariant compares times of two charts."""
        self.coder, self.invariants = coder, invariants
        self.names = [it.id for it in invariants.listed]
        single = [self._named(it) for it in invariants.single]
        law = Law(recheck.Program([*coder.second.program.rules, *single]), coder.second.settings)
        own = {it.head.signature for it in invariants.moving}
        twice = {atom.signature for rule in invariants.moving for atom in _asked(rule)} - own - {MOVED}
        heads = {it.head.signature for it in single if it.head.name.startswith(BROKEN)}
        wanted = cone(law, heads | twice)
        choices = {it for it in wanted if it[0] in CHOICES and it[0] != OPEN}
        self.law = law.only(wanted)
        self._numbered = Numbered(self.law, coder.minutes.options, sorted(heads | twice | choices))
        self._evaluator = Evaluator(self._numbered)
        self._heads, self._twice, self._choices = sorted(heads), sorted(twice), sorted(choices)
        for signature in self._twice:
            if law.timed.get(signature):
                raise PolicyError(
                    f"{invariants.name}: found {_spell(signature)}, which holds times, in a rule on two charts; "
                    "expected what holds no time: compare times in a rule of its own, over one chart"
                )
        self._second = recheck.Program(map(self._named, invariants.moving))
        self._compared: dict[object, frozenset[Breach]] = {}
        self.unseen: dict[tuple[str, Pattern], Signature] = {}
        """Conditions of the invariants that were met on no chart so far, by the rule's id."""
        for rule in (it for one in invariants.listed for it in one.rules):
            for part in rule.body:
                if isinstance(part, Literal) and not part.negated and part.atom.signature not in own | {MOVED}:
                    atom = _inner(part.atom) if part.atom.signature == EARLIER else part.atom
                    if atom is not None:
                        self.unseen[rule.id, atom] = atom.signature

    def _named(self, rule: Rule) -> Rule:
        """A rule whose conclusion that something is broken says what."""
        if rule.head.name != BROKEN:
            return rule
        return replace(rule, head=Pattern(f"{BROKEN} {self.names.index(rule.id)}", rule.head.arguments))

    @property
    def patterns(self) -> list[Pattern]:
        """What the law and the invariants read."""
        return [atom for rule in self.law.rules for atom, _ in asked(rule.rule)] + [
            Pattern(name, (Variable("_"),) * arity) for name, arity in self._twice
        ]

    def template(self, kind: Kind) -> Template | None:
        """Give the facts of a kind; None where the format refuses it."""
        encounter = kind.read(kind.sample)
        if encounter is None:
            return None
        atoms = atoms_of(self.coder.minutes.facts(encounter))
        return Template.of(kind, encounter, atoms, ordered=ORDER in self._numbered.numbers)

    def stops(self, template: Template) -> Iterator[Slot]:
        """Give the stops that are moved, where an invariant moves any."""
        if self.invariants.moving:
            yield from (it for it in template.kind.slots if it.field == "stop" and it.at in template.names)

    def broken(self, template: Template, region: Region) -> frozenset[Breach]:
        """Say what is broken on one chart where a region stands. Raises TooManyWaysError."""
        found: set[Breach] = set()
        for _ in self._ways(template.at(region), found):
            pass
        return frozenset(found)

    def broken_by(self, template: Template, region: Region, stop: Slot) -> frozenset[Breach]:
        """Say what is broken where a stop is a minute earlier than it is there. Raises TooManyWaysError."""
        if not _can_be_earlier(template.kind, region, stop):
            return frozenset()
        ways, others = (list(self._ways(template.at(region, it))) for it in (None, stop))
        return frozenset(self._two(ways, others, f"a{stop.at + 1}"))

    def _ways(self, facts: Sequence[Atom], found: set[Breach] | None = None) -> Iterator[Way]:
        """What holds on each way; what is broken on one chart is added to what was found."""
        for state, held in self._evaluator.ways(facts):

            def rows(signature: Signature) -> Iterable[Atom]:
                return state[self._numbered.numbers[signature]].rows  # noqa: B023  # used in this turn alone

            if found is not None:
                found |= {self._breach(atom) for head in self._heads for atom in rows(head)}
            for key, signature in list(self.unseen.items()):
                if signature in self._numbered.numbers and any(reads([key[1]], it) for it in rows(signature)):
                    del self.unseen[key]
            taken = taken_of(atom for it in self._choices for atom in rows(it))
            taken |= {(OPEN, key): option for key, option in held.items()}
            yield frozenset(atom for it in self._twice for atom in rows(it)), taken

    def _breach(self, atom: Atom) -> Breach:
        about = ", ".join(recheck.show(it) if isinstance(it, tuple) else str(it) for it in atom[1:])
        return self.names[int(str(atom[0]).removeprefix(f"{BROKEN} "))], about

    def _two(self, ways: Sequence[Way], others: Sequence[Way], moved: str) -> set[Breach]:
        """What is broken between a chart and the one with an earlier stop, on ways that settle the same alike."""
        return {breach for here, there in settled_alike(ways, others) for breach in self._between(here, there, moved)}

    def _between(self, here: frozenset[Atom], there: frozenset[Atom], moved: str) -> frozenset[Breach]:
        key = here, there, moved
        found = self._compared.get(key)
        if found is None:
            found = frozenset(map(self._breach, broken_between(self._second, here, there, moved)))
            self._compared[key] = found
        return found


def taken_of(choices: Iterable[Atom]) -> dict[tuple[str, str], str]:
    """Give what the atoms of choices say is taken."""
    found = (resolution_of(str(atom[0]), [recheck.show(it) for it in atom[1:]]) for atom in choices)
    return {it.choice: it.value for it in found}


def settled_alike(ways: Sequence[Way], others: Sequence[Way]) -> Iterator[tuple[frozenset[Atom], frozenset[Atom]]]:
    """Give ways of two charts in pairs that settle the same alike, wherever the second one can settle it so at all."""
    for here, taken in ways:
        for there, other in others:
            if all(
                other.get(key, value) == value or all(it.get(key) != value for _, it in others)
                for key, value in taken.items()
            ):
                yield here, there


def broken_between(rules: recheck.Program, here: Iterable[Atom], there: Iterable[Atom], moved: str) -> Iterator[Atom]:
    """Give what rules on two charts find broken, of which an administration's stop was moved, by the second engine."""
    facts = [*here, *((EARLIER[0], it if len(it) > 1 else it[0]) for it in there), (MOVED[0], moved)]
    yield from (atom for atom in rules.derive(facts).atoms if str(atom[0]).startswith(BROKEN))


def _asked(rule: Rule) -> Iterator[Pattern]:
    """What a rule reads of each of two charts."""
    for atom, _ in asked(rule):
        inner = _inner(atom) if atom.signature == EARLIER else atom
        if inner is not None:
            yield inner


def _can_be_earlier(kind: Kind, region: Region, stop: Slot) -> bool:
    """Whether a stop can be a minute earlier and still come after the other times of its administration."""

    def time(slot: Slot) -> int:
        return 0 if slot.unknown is None else region.time(slot.unknown, MINUTE * region.here[slot.unknown])

    own = [it for it in kind.slots if it.at == stop.at and it != stop]
    return all(time(it) <= time(stop) - MINUTE for it in own)
