"""What would make a billed claim right: other readings of the policy, and facts that the chart does not give.

A chart's *candidates* are the claims that it can lead to, each with a smallest way to it. They are worked out once for
a chart, and only where a claim does not follow as it is; then any number of billed claims is held against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol

from ivproof.audit.model import Way
from ivproof.chart.clock import Moment
from ivproof.coding import Coder
from ivproof.determination import ClaimLine, Determination
from ivproof.encounter import Encounter
from ivproof.engine import CLAIM, Answer, Atoms, ClaimKey, Resolution
from ivproof.facts import WHOLE, Facts
from ivproof.hypotheses import what_ifs
from ivproof.law.terms import Function, String, Term, parse

SUPPOSED = 200
"""So many charts with a supposed fact are put to the engine together."""


class Reachable(Protocol):
    """A claim that a chart can lead to, and a smallest set of readings (and what else) that leads to it."""

    @property
    def claim(self) -> ClaimKey:
        """Units by code, and by code and modifier."""

    @property
    def readings(self) -> Mapping[str, str]:
        """Options by question: those that depart from what is held, and those of questions without a default."""

    @property
    def given(self) -> Sequence[Resolution]:
        """What is supposed of facts that the chart does not give."""

    @property
    def initial(self) -> Sequence[Resolution]:
        """Which of equals is the initial service."""


class Explored(Protocol):
    """Every claim that a chart can lead to, unless there are too many."""

    @property
    def claims(self) -> Sequence[Reachable]:
        """The claims, those of fewest readings first."""

    @property
    def complete(self) -> bool:
        """False where there are so many that none are told."""


class Explores(Protocol):
    """Explores charts over all questions of a policy."""

    def explore(self, charts: Sequence[Facts]) -> Sequence[Explored]:
        """Explore charts, in the order given."""


DrugKey = frozenset[tuple[str, tuple[str, ...], Fraction]]
"""What the lines of drugs are compared by: code, modifiers, units."""

DRUG_LINES = {"drug_line": 3, "line_modifier": 2, "discarded_line": 4}
"""Predicates (with their arities) of the lines of drugs."""


@dataclass(frozen=True)
class Candidate:
    """A claim that a chart can lead to, and the way to it; with the lines of its drugs, where these were asked for."""

    claim: ClaimKey
    way: Way
    drugs: DrugKey | None = None

    @cached_property
    def by_code(self) -> Mapping[str, ClaimKey]:
        """What the claim says of each code."""
        return by_code(self.claim)


@dataclass(frozen=True)
class Candidates:
    """The claims that a chart can lead to, the smallest ways first; not `complete` where there were too many."""

    all: tuple[Candidate, ...] = ()
    complete: bool = True

    def whole(self, claim: ClaimKey, drugs: DrugKey | None = None) -> Way | None:
        """The smallest way to a claim, where `drugs` are given with just these lines of drugs."""
        return next((it.way for it in self.all if it.claim == claim and drugs in (None, it.drugs)), None)

    def drug_part(self, drugs: DrugKey, code: str, within: Way | None = None) -> Way | None:
        """The smallest way under which the lines of one drug code are right."""
        wanted = {it for it in drugs if it[0] == code}
        found = (
            it for it in self.all if it.drugs is not None and {one for one in it.drugs if one[0] == code} == wanted
        )
        return next((it.way for it in found if within is None or _is_within(it.way, within)), None)

    def part(self, claim: Mapping[str, ClaimKey], code: str, within: Way | None = None) -> Way | None:
        """The smallest way under which a claim is right in one code; `within` another way, where one is given."""
        wanted = claim.get(code, frozenset())
        ways = (it.way for it in self.all if it.by_code.get(code, frozenset()) == wanted)
        return next((it for it in ways if within is None or _is_within(it, within)), None)


def by_code(claim: ClaimKey) -> dict[str, ClaimKey]:
    """Sort what a claim says by code."""
    found: dict[str, set[str]] = {}
    for atom in claim:
        if '"' in atom:
            found.setdefault(atom.split('"')[1], set()).add(atom)
    return {code: frozenset(atoms) for code, atoms in found.items()}


def key_of(units: Iterable[tuple[str, int, Sequence[str]]]) -> ClaimKey:
    """What a claim is compared by, from units and modifiers by code."""
    total: dict[str, int] = {}
    marked: dict[tuple[str, str], int] = {}
    for code, number, modifiers in units:
        total[code] = total.get(code, 0) + number
        for it in modifiers:
            marked[code, it] = marked.get((code, it), 0) + number
    atoms = [f'total("{code}",{number})' for code, number in total.items()]
    return frozenset([*atoms, *(f'total_with("{code}","{it}",{number})' for (code, it), number in marked.items())])


def drug_key(lines: Iterable[tuple[str, Sequence[str], float]]) -> DrugKey:
    """What lines of drugs are compared by, from code, modifiers and units."""
    found: dict[tuple[str, tuple[str, ...]], Fraction] = {}
    for code, modifiers, units in lines:
        key = code, tuple(sorted(modifiers))
        found[key] = found.get(key, Fraction()) + Fraction(str(units))
    return frozenset((*key, units) for key, units in found.items())


def _drug_key_of(atoms: Atoms) -> DrugKey:
    marks: dict[str, list[str]] = {}
    for administration, modifier in atoms.get("line_modifier", ()):
        marks.setdefault(str(administration), []).append(_text(modifier))
    lines = [(_text(code), marks.get(str(it), []), units) for it, code, units in atoms.get("drug_line", ())]
    lines += [(_text(code), [_text(mark)], units) for _, code, units, mark in atoms.get("discarded_line", ())]
    return drug_key((code, modifiers, int(str(units)) / WHOLE) for code, modifiers, units in lines)


def _text(term: Term) -> str:
    return term.value if isinstance(term, String) else str(term)


def _parsed(atoms: Iterable[str]) -> Atoms:
    """Atoms by predicate, from their texts."""
    found: dict[str, list[tuple[Term, ...]]] = {}
    for text in sorted(atoms):
        term = parse(text)
        if isinstance(term, Function):
            found.setdefault(term.name, []).append(term.arguments)
    return found


def key_of_lines(lines: Iterable[ClaimLine]) -> ClaimKey:
    """What a claim of a determination is compared by."""
    return key_of((line.code, line.units, line.modifiers) for line in lines)


class WaySearch:
    """Finds what charts can lead to, by one policy and one setting of its questions.

    `drugs` explores the lines of drugs too: there are more claims then, and few claims need it.
    """

    def __init__(self, coder: Coder, explorer: Explores, *, drugs: bool = False) -> None:
        self._coder = coder
        self._explorer = explorer
        self._drugs = drugs

    def candidates(self, encounters: Sequence[Encounter], found: Sequence[Determination]) -> list[Candidates]:
        """Give what each encounter can lead to, in the order given."""
        charts = [self._coder.facts(it) for it in encounters]
        explored = self._explorer.explore(charts) if charts else ()
        supposed = self._suppositions(charts, found)
        return [
            Candidates(
                tuple(
                    sorted(
                        (*self._alternatives(it), *self._reachable(facts, one), *more),
                        key=lambda candidate: (candidate.way.size, bool(candidate.way.given)),
                    )
                ),
                one.complete,
            )
            for facts, it, one, more in zip(charts, found, explored, supposed, strict=True)
        ]

    def _reachable(self, facts: Facts, found: Explored) -> Iterator[Candidate]:
        keys = self._coder.policy.questions
        for it in found.claims:
            _, given, initial = self._coder.determiner.spell(facts, [*it.given, *it.initial])
            readings = {keys[key].number: keys[key].option(option).letter for key, option in it.readings.items()}
            claim = frozenset(atom for atom in it.claim if atom.partition("(")[0] in CLAIM)
            drugs = _drug_key_of(_parsed(it.claim)) if self._drugs else None
            yield Candidate(claim, Way(_in_order(readings), given, initial), drugs)

    def _alternatives(self, found: Determination) -> Iterator[Candidate]:
        """The claims that the determination itself has, where it is not determined."""
        for it in () if self._drugs else found.alternatives:
            yield Candidate(key_of_lines(it.lines), Way(it.readings, it.given, it.initial))

    # --- facts that the chart does not give

    def _suppositions(self, charts: Sequence[Facts], found: Sequence[Determination]) -> list[list[Candidate]]:
        """What each chart leads to with one missing fact given, for those that would change the claim."""
        policy = self._coder.policy
        waiting: list[tuple[int, Mapping[str, str], Facts]] = []
        for n, (facts, determination) in enumerate(zip(charts, found, strict=True)):
            keys = {facts.names[key]: key for key, place in facts.places.items() if place[0] == "administrations"}
            for it in determination.missing:
                if it.would_change and it.subject in keys:
                    for other in what_ifs(policy, facts, keys[it.subject], it.field):
                        waiting.append((n, _differences(facts.encounter, other), self._coder.facts(other)))
        candidates: list[list[Candidate]] = [[] for _ in charts]
        for start in range(0, len(waiting), SUPPOSED):
            some = waiting[start : start + SUPPOSED]
            for (n, given, facts), answer in zip(some, self._coder.engine.answer([it for *_, it in some]), strict=True):
                candidates[n] += self._supposed(facts, given, answer)
        return candidates

    def _supposed(self, facts: Facts, given: Mapping[str, str], answer: Answer) -> Iterator[Candidate]:
        if not answer.alternatives:
            atoms = (f"{name}({','.join(map(str, it))})" for name in CLAIM for it in answer.atoms.get(name, ()))
            yield Candidate(frozenset(atoms), Way(given=given), self._drugs_in(answer.atoms))
        for it in answer.alternatives:
            readings, more, initial = self._coder.determiner.spell(facts, it.resolutions)
            yield Candidate(it.claim, Way(readings, {**given, **more}, initial), self._drugs_in(it.atoms))

    def _drugs_in(self, atoms: Atoms) -> DrugKey | None:
        return _drug_key_of(atoms) if self._drugs else None


def _differences(encounter: Encounter, other: Encounter) -> dict[str, str]:
    """What was supposed: the fields of administrations that differ, by path."""
    found = {}
    for one, it in zip(encounter.administrations, other.administrations, strict=True):
        for field in type(one).model_fields:
            value = getattr(it, field)
            if value != getattr(one, field):
                found[f"administrations[{one.id}].{field}"] = value.text if isinstance(value, Moment) else _plain(value)
    return found


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_order(readings: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(readings.items(), key=lambda it: int(it[0][1:])))


def _is_within(way: Way, other: Way) -> bool:
    pairs = ((way.readings, other.readings), (way.given, other.given), (way.initial, other.initial))
    return all(one.items() <= more.items() for one, more in pairs)
