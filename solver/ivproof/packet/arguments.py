"""The argument for what is found of a line: in plain words, with its rules, and what it rests on in the chart.

Everything is read from the derivation of the answer, from the audit and from the policy; nothing is judged here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from ivproof.audit.model import LineVerdict, Supported
from ivproof.claim.determination import sorted_rules
from ivproof.claim.statements import Applies, Holds, Statement
from ivproof.law.policy import Policy
from ivproof.law.sources import Sources
from ivproof.law.terms import Function, Term, parse
from ivproof.packet.model import Cited, Nearest, Point, Relied
from ivproof.why.attempts import Attempt, tries
from ivproof.why.derivation import Derivation
from ivproof.why.explanation import QUIET, Line, Teller
from ivproof.why.naming import Names

DEEP = 3
"""So many steps deep an argument is told; what lies below is in the proof."""

IN_FULL = 3
"""So many units of a line are argued in full."""

FAILING = 2
"""So many things are told that fail in what comes nearest to a code."""

UNSAID = "…"
"""What stands in a sentence for what nobody knows."""


class Told:
    """Tells the reasons of lines from one derivation; each line by itself, so that each argument stands alone."""

    def __init__(self, policy: Policy, derivation: Derivation, teller: Iterable[Teller]) -> None:
        self.policy = policy
        self.derivation = derivation
        self.names = Names(derivation.facts, derivation.merged, derivation.clock)
        self._tellers = iter(teller)
        self._with: dict[str, set[str]] = {}
        for service, administration in (it.arguments for it in derivation.of("reported_with")):
            self._with.setdefault(str(service), set()).add(self.names.term(administration))
        self._told: set[str] = set()

    def keys(self, names: Iterable[str]) -> tuple[str, ...]:
        """The keys (a1, …) of administrations by their ids, in the order of the chart."""
        wanted = set(names)
        given = self.derivation.facts.encounter.administrations
        return tuple(f"a{n}" for n, it in enumerate(given, 1) if it.id in wanted)

    # --- what a line rests on

    def atoms(self, line: LineVerdict) -> list[str]:
        """The atoms that are told of a line: its units and modifiers, or what leaves it out.

        A unit is told of one line only, so that lines of the same code do not lean on the same unit.
        """
        found: list[str] = []
        if line.supported is not None:
            found += self._drug_atoms(line.supported) if line.drug else self._unit_atoms(line.supported)
        for it in line.excluded:
            for atom in self.derivation.of("excluded"):
                same = self.names.term(parse(self.names.subject(str(atom.arguments[0])))) == it.subject
                if same and str(atom.arguments[-1]).replace("_", "-") == it.name:
                    found.append(str(atom))
        return list(dict.fromkeys(found))

    def carried(self, atoms: Iterable[str]) -> tuple[str, ...]:
        """The keys of the administrations that the units and lines of drugs among some atoms are for."""
        names: set[str] = set()
        for term in map(parse, atoms):
            if isinstance(term, Function) and term.name in {"unit", "drug_line", "discarded_line"}:
                names |= self._administrations(term.arguments[2 if term.name == "unit" else 0])
        return self.keys(names)

    def _administrations(self, service: Term) -> set[str]:
        """The ids of the administrations behind a service."""
        return self._with.get(str(service)) or {self.names.term(parse(self.names.subject(str(service))))}

    def _unit_atoms(self, supported: Supported) -> list[str]:
        mine = sorted((it for it in self.derivation.of("unit") if self._is_for(it, supported)), key=self._order_of)
        units = [it for it in mine if str(it) not in self._told][: int(supported.units)] or mine
        self._told.update(map(str, units))
        services = {str(it.arguments[2]) for it in units}
        marks = [
            str(it)
            for it in self.derivation.of("modifier")
            if str(it.arguments[0]) in services
            and self.names.term(it.arguments[1]) == supported.code
            and self.names.term(it.arguments[2]) in supported.modifiers
        ]
        return [*map(str, units), *marks]

    def _order_of(self, unit: Function) -> tuple[int, str]:
        """The place of a unit in the order of the chart."""
        ids = [it.id for it in self.derivation.facts.encounter.administrations]
        places = [ids.index(name) for name in self._administrations(unit.arguments[2]) if name in ids]
        return min(places, default=len(ids)), str(unit)

    def _is_for(self, unit: Function, supported: Supported) -> bool:
        code, _, service, *_ = unit.arguments
        if self.names.term(code) != supported.code:
            return False
        return not supported.administrations or self._administrations(service) <= set(supported.administrations)

    def _drug_atoms(self, supported: Supported) -> list[str]:
        return [
            str(atom)
            for predicate in ("drug_line", "discarded_line")
            for atom in self.derivation.of(predicate)
            if self.names.term(atom.arguments[1]) == supported.code
            and (not supported.administrations or self.names.term(atom.arguments[0]) in supported.administrations)
        ]

    # --- in words

    def argue(self, atoms: Collection[str], sites: Collection[str]) -> tuple[Point, ...]:
        """The argument for some atoms, from what is concluded down to what it rests on; and what is said of `sites`."""
        teller = next(self._tellers)
        points: list[Point] = []
        for n, atom in enumerate(atoms):
            lines = teller.unit(atom) if atom.startswith("unit(") else (teller.step(atom),)
            # of many units the first ones are argued in full, and of the others what they come to
            points += (it for it in _points(lines, 0) if n < IN_FULL or it.depth == 0)
        return self._placed(_once((*points, *self._of_sites(atoms, sites))))

    def _placed(self, points: Iterable[Point]) -> tuple[Point, ...]:
        """Points with the administrations and sites that they speak of, by the constants of their statements."""
        return tuple(replace(it, on=tuple(self._subjects(it.says))) for it in points)

    def _subjects(self, says: Iterable[Statement]) -> Iterator[str]:
        """The ids of what some statements speak of, in the order of the chart."""
        facts = self.derivation.facts
        texts = [value for it in says for value in _values(it)]
        named = {name for text in texts for name in _CONSTANT.findall(_QUOTED.sub("", text))}
        sites = {it.id for it in facts.encounter.access_sites}
        yield from (it.id for n, it in enumerate(facts.encounter.administrations, 1) if f"a{n}" in named)
        yield from (id_ for constant, id_ in facts.names.items() if constant in named and id_ in sites)

    def _of_sites(self, atoms: Collection[str], sites: Collection[str]) -> Iterator[Point]:
        """What the chart says of access sites and some atoms rest on."""
        for atom in self._facts(atoms):
            facts = [it for it in self.derivation.chart[atom] if it.place[:1] == ("access_sites",)]
            if any(self._about(it.place) in sites for it in facts):
                name, _, rest = atom.partition("(")
                places = ", ".join(sorted(self.derivation.place(it.place) for it in facts))
                yield Point(0, "fact", _ended(self.names.fact(name, rest[:-1])), places, (Holds(atom),))

    def nearest(self, code: str, keys: Collection[str]) -> tuple[Nearest | None, str]:
        """What comes nearest to earning a code, for some administrations or for any; and whom it is about.

        A rule that keeps something from the claim earns nothing: it is no rule that comes near, and does not fail.
        """
        if code not in self.policy.codes:
            return None, ""
        teller = next(self._tellers)
        found = [it for key in keys or (None,) for it in tries(teller, code, key) if not it.left_out]
        # what only another reading would earn belongs to the other side, unless a length is short all the same
        fitting = [it for it in found if it.progress > 0 and it.obstacles and (_measured(it) or not it.only_if_read)]
        # that a drug is of another class is told where no rule comes near
        fitting = [it for it in fitting if it.citation] or fitting
        if not fitting:
            return None, ""
        best = max(fitting, key=lambda it: (_measured(it), it.progress))
        # a length tells most; else what fails in the end, and what it was needed for
        fails = tuple(_once(_failing(best.obstacles)))
        lengths = tuple(it for it in fails if it.kind == "measure")
        last = slice(-FAILING, None) if best.citation else slice(FAILING)
        told = tuple(it for it in fails if UNSAID not in it.text)
        failing = self._placed(lengths or (told or fails)[last])
        return Nearest(code, _ended(best.sentence), best.citation, failing), best.key

    def left_out(self, code: str, keys: Collection[str]) -> tuple[Point, ...]:
        """What the law itself says of what it leaves out of a code, with what that rests on."""
        if code not in self.policy.codes:
            return ()
        teller = next(self._tellers)
        found = [it for key in keys or (None,) for it in tries(teller, code, key) if it.left_out]
        points: list[Point] = []
        for it in found[:FAILING]:
            points += [Point(0, "step", _ended(it.sentence), it.citation, it.says), *_points(it.obstacles, 1)]
        return self._placed(_once(points))

    # --- the chart

    def relied(self, by_line: Mapping[int, Collection[str]]) -> tuple[Relied, ...]:
        """What the chart says of each subject that some lines rest on, in the order of the chart."""
        found: dict[str, dict[tuple[str, str], None]] = {}
        stands: dict[str, str] = {}
        lines: dict[str, set[int]] = {}
        for number, atoms in by_line.items():
            for atom in self._with_times(self._facts(atoms)):
                name, _, rest = atom.partition("(")
                text = self.names.fact(name, rest[:-1])
                for fact in self.derivation.chart[atom]:
                    about = self._about(fact.place)
                    stands[about] = self.derivation.place(fact.place[:2]) if about else ""
                    place = self.derivation.place(fact.place).removeprefix(stands[about]).lstrip(".")
                    found.setdefault(about, {})[text.removeprefix(f"{about} "), place] = None
                    lines.setdefault(about, set()).add(number)
        order = self._order()
        encounter = self.derivation.facts.encounter
        sources = {it.id: it.source or "" for it in encounter.recorded}
        return tuple(
            Relied(
                about,
                stands[about],
                tuple(sorted(facts, key=lambda it: it[1])),
                tuple(sorted(lines[about])),
                sources.get(about, ""),
            )
            for about, facts in sorted(found.items(), key=lambda it: order.get(it[0], -1))
        )

    def _with_times(self, atoms: Collection[str]) -> list[str]:
        """Facts, and when what they are about began and stopped: what is not so rests on that too."""
        places = {fact.place[:2] for atom in atoms for fact in self.derivation.chart[atom]}
        times = [
            atom
            for atom, facts in self.derivation.chart.items()
            if atom.startswith("at(") and any(it.place[:2] in places for it in facts)
        ]
        return list(dict.fromkeys((*atoms, *times)))

    def _order(self) -> dict[str, int]:
        encounter = self.derivation.facts.encounter
        ids = [*(it.id for it in encounter.access_sites), *(it.id for it in encounter.administrations)]
        return {name: n for n, name in enumerate(ids)}

    def _about(self, place: tuple[str | int, ...]) -> str:
        """The administration or site that a fact is about; "" for the visit as a whole."""
        if len(place) > 1 and place[0] in {"administrations", "access_sites"}:
            encounter, number = self.derivation.facts.encounter, int(place[1])
            sites = place[0] == "access_sites"
            return encounter.access_sites[number].id if sites else encounter.administrations[number].id
        return ""

    def _facts(self, atoms: Collection[str]) -> list[str]:
        """The facts of the chart that some atoms rest on, by the first way to each."""
        waiting, seen = list(atoms), set(atoms)
        found = []
        while waiting:
            atom = waiting.pop()
            if atom in self.derivation.chart:
                if atom.partition("(")[0] not in QUIET:
                    found.append(atom)
                continue
            for instance in self.derivation.reasons(atom)[:1]:
                needs = [*instance.positive]
                needs += [it for counted in instance.aggregates for way in counted.alternatives for it in way.positive]
                needs += [it for way in instance.alternatives if way.terms[0] == atom for it in way.positive]
                new = [it for it in dict.fromkeys(needs) if it not in seen]
                seen.update(new)
                waiting += new
        return sorted(found)


def _failing(lines: Iterable[Line]) -> Iterator[Point]:
    """What fails, without what it rests on."""
    for line in lines:
        if line.kind in {"measure", "counted", "against", "lacking", "needed", "step"}:
            yield Point(0, line.kind, _ended(line.text), line.step.citation if line.step else "", line.says)


def _points(lines: Iterable[Line], depth: int) -> Iterator[Point]:
    """What is said of some lines; of what lies too deep only the lengths that were compared."""
    for line in lines:
        if line.step is not None:
            if depth < DEEP:
                yield Point(depth, line.kind, line.step.sentence, line.step.citation, line.says)
            yield from _points(line.step.lines, min(depth + 1, DEEP))
        elif line.kind == "measure" or (line.kind in {"counted", "against", "lacking", "needed"} and depth < DEEP):
            yield Point(depth, line.kind, _ended(line.text), says=line.says)


def _once(points: Iterable[Point]) -> Iterator[Point]:
    """The points without those that say again what was said."""
    said = set()
    for it in points:
        if it.text not in said:
            said.add(it.text)
            yield it


def _measured(attempt: Attempt) -> bool:
    return any(it.kind == "measure" for it in attempt.obstacles)


def _ended(text: str) -> str:
    text = text.rstrip()
    return text if text.endswith((".", "…", "?", "!")) else f"{text}."


# --- rules


def cited(
    sources: Sources, numbers: Iterable[str], points: Iterable[Point], nearest: Iterable[Nearest]
) -> tuple[Cited, ...]:
    """The rules with these numbers and those that an argument cites, each with its section of the policy's text."""
    texts = [*(it.citation for it in points), *(it.citation for it in nearest)]
    all_ = sorted_rules((*numbers, *(it for text in texts for it in _NUMBER.findall(text))))
    return tuple(_cited(sources, number) for number in all_)


def _cited(sources: Sources, number: str) -> Cited:
    rule, national = sources.rules.get(number), sources.national.get(number)
    section, says = (rule.section, rule.says) if rule else ("national", national.says if national else "")
    return Cited(number, section, says.replace(">=", "≥").replace("<=", "≤"))


def _values(it: Statement) -> Iterator[str]:
    """The terms that a statement has."""
    if isinstance(it, Applies):
        yield from (value for _, value in it.values)
    elif isinstance(it, Holds):
        yield it.atom


_NUMBER = re.compile(r"\b[FR]\d+\b")
_CONSTANT = re.compile(r"\b[a-z][a-z_0-9]*\b")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
