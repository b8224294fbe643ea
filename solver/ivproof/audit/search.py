"""What would make a billed claim right: other readings of the policy, and facts that the chart does not give.

A chart's *candidates* are the claims that it can lead to, each with a smallest way to it. They are worked out once for
a chart, and only where a claim does not follow as it is; then any number of billed claims is held against them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain, combinations, product

from ivproof.audit.model import Way
from ivproof.chart.bounds import TooManyWaysError
from ivproof.chart.clock import Moment
from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import WHOLE, Facts
from ivproof.claim.coding import Coder
from ivproof.claim.determination import ClaimLine, Determination
from ivproof.engine.choices import CLAIM, DRUG_LINES, Atoms, ClaimKey, claim_of
from ivproof.engine.engine import Answer
from ivproof.engine.explorer import Exploration
from ivproof.engine.nearby import ONE, TWO, NearExplorer
from ivproof.law.terms import Function, Term, parse, text_of
from ivproof.unknowns.changes import MOST, telling
from ivproof.unknowns.claims import OutOfReachError
from ivproof.unknowns.gaps import TIMES, probes
from ivproof.unknowns.moments import charted

SUPPOSED = 200
"""So many charts with a supposed fact are put to the engine together."""

BEST = 3
"""So many values of a missing fact, those that lead nearest to a claim, are tried together with other facts."""

_TOTAL = re.compile(r'total\("(\w+)",(\d+)\)')


DrugKey = frozenset[tuple[str, tuple[str, ...], Fraction]]
"""What the lines of drugs are compared by: code, modifiers, units."""


@dataclass(frozen=True)
class Candidate:
    """A claim that a chart can lead to, and the way to it; with the lines of its drugs, where these were asked for.

    `supposed` is the chart with a fact that it does not give, where the way is to suppose one.
    """

    claim: ClaimKey
    way: Way
    drugs: DrugKey | None = None
    supposed: Encounter | None = field(default=None, repr=False)

    @cached_property
    def by_code(self) -> Mapping[str, ClaimKey]:
        """What the claim says of each code."""
        return by_code(self.claim)

    @property
    def follows(self) -> bool:
        """Whether the policy gives a claim there at all: units may be found, and none of them follows."""
        return not any(it.startswith("undetermined(") for it in self.claim)


@dataclass(frozen=True)
class Candidates:
    """The claims that a chart can lead to, the smallest ways first.

    Where they are not `complete`, `within` says how many questions at most were read otherwise at once. `others` are
    those that come before any that are found further away.
    """

    all: tuple[Candidate, ...] = ()
    complete: bool = True
    within: int | None = None
    explored: Exploration | None = field(default=None, repr=False, compare=False)
    others: tuple[Candidate, ...] = field(default=(), repr=False, compare=False)

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
        ways = (it.way for it in self.all if it.follows and it.by_code.get(code, frozenset()) == wanted)
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
        marks.setdefault(str(administration), []).append(text_of(modifier))
    lines = [(text_of(code), marks.get(str(it), []), units) for it, code, units in atoms.get("drug_line", ())]
    lines += [(text_of(code), [text_of(mark)], units) for _, code, units, mark in atoms.get("discarded_line", ())]
    return drug_key((code, modifiers, int(str(units)) / WHOLE) for code, modifiers, units in lines)


def _parsed(atoms: Iterable[str]) -> Atoms:
    """Atoms by predicate, from their texts."""
    found: dict[str, list[tuple[Term, ...]]] = {}
    for text in sorted(atoms):
        term = parse(text)
        if isinstance(term, Function):
            found.setdefault(term.name, []).append(term.arguments)
    return found


def _claim_in(outcome: Iterable[str]) -> ClaimKey:
    """What a claim is compared by, among the atoms of an outcome."""
    return frozenset(atom for atom in outcome if atom.partition("(")[0] in CLAIM)


def _smallest_first(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Candidates by the size of their ways; of equal ones, as they come."""
    return tuple(sorted(candidates, key=lambda it: (it.way.size, bool(it.way.given))))


def key_of_lines(lines: Iterable[ClaimLine]) -> ClaimKey:
    """What a claim of a determination is compared by."""
    return key_of((line.code, line.units, line.modifiers) for line in lines)


class WaySearch:
    """Finds what charts can lead to, by one policy and one setting of its questions.

    First what one question changes by itself, which is soon had; what lies further only where it is asked for. `drugs`
    explores the lines of drugs too: there are more claims then, and few claims need it.
    """

    def __init__(self, coder: Coder, readings: Mapping[str, str] | None = None, *, drugs: bool = False) -> None:
        self._coder = coder
        self._readings = readings
        self._outcome = {**CLAIM, **DRUG_LINES} if drugs else CLAIM
        self._explorers: dict[int, NearExplorer] = {}
        self._drugs = drugs

    def one(self, encounters: Sequence[Encounter], found: Sequence[Determination]) -> list[Candidates]:
        """Give what each encounter leads to with one question read otherwise, or with a fact that it does not give."""
        charts = [self._coder.facts(it) for it in encounters]
        supposed = self._suppositions(charts, found)
        candidates = []
        near = self._explorer(ONE).explore(charts)
        for facts, determination, one, more in zip(charts, found, near, supposed, strict=True):
            others = (*self._alternatives(determination), *self._reachable(facts, one), *more)
            candidates.append(
                Candidates(_smallest_first(others), False, 0 if one.diagram is None else ONE, one, others)
            )
        return candidates

    def further(
        self,
        encounters: Sequence[Encounter],
        found: Sequence[Determination],
        before: Sequence[Candidates],
        most: int,
    ) -> list[Candidates]:
        """Give what each encounter leads to with so many questions read otherwise; as before where it is too much.

        The readings that go with a supposed fact are gone through, too.
        """
        charts = [self._coder.facts(it) for it in encounters]
        explored = self._explorer(most).explore(charts)
        supposed = self._suppositions(charts, found, thorough=True) if most == TWO else [[] for _ in charts]
        candidates = []
        for facts, one, less, more in zip(charts, explored, before, supposed, strict=True):
            others = (*less.others, *more)
            all_ = _smallest_first((*others, *self._reachable(facts, one)))
            # by what could be gone through it is told what of a way is needed
            told, within = (less.explored, less.within) if one.diagram is None else (one, most)
            candidates.append(Candidates(all_, one.complete, None if one.complete else within, told, others))
        return candidates

    def _explorer(self, most: int) -> NearExplorer:
        if most not in self._explorers:
            self._explorers[most] = NearExplorer(self._coder.policy, self._readings, self._outcome, most=most)
        return self._explorers[most]

    def _reachable(self, facts: Facts, found: Exploration) -> Iterator[Candidate]:
        keys = self._coder.policy.questions
        for it in found.claims:
            _, given, initial = self._coder.determiner.spell(facts, [*it.given, *it.initial])
            readings = {keys[key].number: keys[key].option(option).letter for key, option in it.readings.items()}
            drugs = _drug_key_of(_parsed(it.claim)) if self._drugs else None
            yield Candidate(_claim_in(it.claim), Way(_in_order(readings), given, initial), drugs)

    def _alternatives(self, found: Determination) -> Iterator[Candidate]:
        """The claims that the determination itself has, where it is not determined."""
        for it in () if self._drugs else found.alternatives:
            yield Candidate(key_of_lines(it.lines), Way(it.readings, it.given, it.initial))

    def smaller(self, candidates: Candidates, wanted: ClaimKey, way: Way, code: str = "") -> Way:
        """Leave out of a way to a claim the open questions whose every option leads there, as the others are held.

        With `code`, `wanted` is what the claim says of it, and every question that this does not hang on is left out.
        """
        settings, questions = self._coder.engine.settings, self._coder.policy.questions
        keys = {questions[key].number: key for key in questions}
        readings = {keys[number]: questions[keys[number]].option(it).name for number, it in way.readings.items()}
        found = candidates.explored
        open_ = [key for key in readings if settings[key] is None]
        if found is None or self._drugs or not open_ or way.size < 2 or way.given or way.initial:
            return way
        held = {key: option for key in found.mattering if (option := settings[key]) is not None}

        def follows(readings: Mapping[str, str]) -> bool:
            claims = found.under({**held, **readings})
            return bool(claims) and all((by_code(it).get(code, frozenset()) if code else it) == wanted for it in claims)

        own = [{key: it} for key, it in readings.items()]
        others = (
            {key: it.name} for key in found.mattering for it in questions[key].options if it.name != held.get(key)
        )
        least = next(filter(follows, own if code else chain(own, others)), None)
        if least is None:
            least = readings
            for key in readings if code else open_:
                rest = {other: it for other, it in least.items() if other != key}
                least = rest if follows(rest) else least
        return Way(_in_order({questions[key].number: questions[key].option(it).letter for key, it in least.items()}))

    def ranged(self, candidates: Candidates, way: Way) -> Way:
        """Give the first and the last time of a range, where a way is one time that the chart does not give."""
        fields = {path.rpartition(".")[2] for path in way.given}
        supposed = next((it.supposed for it in candidates.all if it.supposed is not None and it.way == way), None)
        if way.size != 1 or not fields or not fields <= {*TIMES} or supposed is None:
            return way
        [path] = way.given
        moment = next(it for it in charted(supposed) if it.place == path)
        chart = self._coder.minutes.chart(supposed)
        chart.most = MOST
        try:
            claims = chart.along(moment)
            before = claims.change(moment.earlier.minutes, -1)
            after = claims.change(moment.later.minutes, 1)
        except (TooManyWaysError, OutOfReachError):
            return way
        first = -moment.earlier.minutes if before is None else before[0] + 1
        last = moment.later.minutes if after is None else after[0] - 1
        begin, end = (moment.time(moment.moved(supposed, it)).text for it in (first, last))
        return replace(way, given={path: begin}, until={path: end} if last > first else {})

    def own(self, encounter: Encounter, claim: Mapping[str, ClaimKey], way: Way, code: str) -> Way:
        """Leave out of a way to one of several claims what the lines of a code do not hang on."""
        if way.size < 2 or way.given or way.initial:
            return way
        [explored] = self._explorer(ONE).explore([self._coder.facts(encounter)])
        if explored.diagram is None:
            return way
        return self.smaller(Candidates(explored=explored), claim.get(code, frozenset()), way, code)

    # --- facts that the chart does not give

    def _suppositions(
        self, charts: Sequence[Facts], found: Sequence[Determination], *, thorough: bool = False
    ) -> list[list[Candidate]]:
        """What each chart leads to with one missing fact given, for those that would change the claim.

        Of values that lead to the same the first is told. `thorough` goes through what each of them leaves open, and
        through every minute of a missing time.
        """
        policy, engine = self._coder.policy, self._coder.engine
        waiting: list[tuple[int, Mapping[str, str], Facts]] = []
        for n, (facts, determination) in enumerate(zip(charts, found, strict=True)):
            keys = {facts.names[key]: key for key, place in facts.places.items() if place[0] == "administrations"}
            for it in determination.missing:
                if it.would_change is not False and not it.charted and it.subject in keys:
                    of = (facts, keys[it.subject], it.field)
                    for other in telling(self._coder.minutes, *of) if thorough else probes(policy, *of):
                        waiting.append((n, _differences(facts.encounter, other), self._coder.facts(other)))
        candidates: list[list[Candidate]] = [[] for _ in charts]
        told: set[object] = set()
        for start in range(0, len(waiting), SUPPOSED):
            some = waiting[start : start + SUPPOSED]
            supposed = [facts for *_, facts in some]
            answers = engine.answer(supposed) if thorough else [Answer(atoms) for atoms in engine.plain(supposed)]
            for (n, given, facts), answer in zip(some, answers, strict=True):
                for one in self._supposed(facts, given, answer):
                    key = (n, one.claim, one.drugs, tuple(given), tuple(one.way.readings.items()))
                    if key not in told:
                        told.add(key)
                        candidates[n].append(one)
        return candidates

    def _supposed(self, facts: Facts, given: Mapping[str, str], answer: Answer) -> Iterator[Candidate]:
        if not answer.alternatives:
            yield Candidate(claim_of(answer.atoms), Way(given=given), self._drugs_in(answer.atoms), facts.encounter)
        for it in answer.alternatives:
            readings, more, initial = self._coder.determiner.spell(facts, it.resolutions)
            yield Candidate(it.claim, Way(readings, {**given, **more}, initial), self._drugs_in(it.atoms))

    # --- several facts together

    def together(self, encounter: Encounter, base: ClaimKey, candidates: Candidates, claim: ClaimKey) -> Way | None:
        """Find several missing facts that together lead to a claim, of those that each lead nearer to it."""
        far = _distance(base, claim)
        nearer: dict[tuple[str, ...], list[tuple[int, Candidate]]] = {}
        for it in candidates.all:
            if it.supposed is not None and it.supposed.access_sites == encounter.access_sites:
                away = _distance(it.claim, claim)
                if away < far:
                    nearer.setdefault(tuple(it.way.given), []).append((away, it))
        facts = [[it for _, it in sorted(found, key=lambda it: it[0])[:BEST]] for found in nearer.values()]
        ways: list[tuple[Candidate, ...]] = [way for pair in combinations(facts, 2) for way in product(*pair)]
        ways += [tuple(it[0] for it in several) for n in range(3, len(facts) + 1) for several in combinations(facts, n)]
        tried = [(_given(way), self._coder.facts(_merged(encounter, way))) for way in ways[:SUPPOSED]]
        answers = self._coder.engine.answer([facts for _, facts in tried])
        for (given, supposed), answer in zip(tried, answers, strict=True):
            for it in self._supposed(supposed, given, answer):
                if it.claim == claim:
                    return it.way
        return None

    def _drugs_in(self, atoms: Atoms) -> DrugKey | None:
        return _drug_key_of(atoms) if self._drugs else None


def _distance(one: ClaimKey, other: ClaimKey) -> int:
    """How many units two claims differ in."""
    totals = [{code: int(units) for atom in it for code, units in _TOTAL.findall(atom)} for it in (one, other)]
    return sum(abs(totals[0].get(code, 0) - totals[1].get(code, 0)) for code in {*totals[0], *totals[1]})


def _given(way: Sequence[Candidate]) -> dict[str, str]:
    return {path: value for it in way for path, value in it.way.given.items()}


def _merged(encounter: Encounter, way: Sequence[Candidate]) -> Encounter:
    """The chart with all the facts of several suppositions."""
    given = list(encounter.administrations)
    for supposed in (it.supposed for it in way if it.supposed is not None):
        for n, (one, other) in enumerate(zip(encounter.administrations, supposed.administrations, strict=True)):
            changed = {name: value for name, value in other if value != getattr(one, name)}
            if changed:
                given[n] = given[n].model_copy(update=changed)
    return encounter.model_copy(update={"administrations": tuple(given)})


def _differences(encounter: Encounter, other: Encounter) -> dict[str, str]:
    """What was supposed: the fields of administrations that differ, by path."""
    found = {}
    for one, it in zip(encounter.administrations, other.administrations, strict=True):
        for name in type(one).model_fields:
            value = getattr(it, name)
            if value != getattr(one, name):
                found[f"administrations[{one.id}].{name}"] = value.text if isinstance(value, Moment) else _plain(value)
    return found


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_order(readings: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(readings.items(), key=lambda it: int(it[0][1:])))


def _is_within(way: Way, other: Way) -> bool:
    pairs = ((way.readings, other.readings), (way.given, other.given), (way.initial, other.initial))
    return all(one.items() <= more.items() for one, more in pairs)
