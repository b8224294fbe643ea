"""Why a code is on the claim, why it is not, and the whole visit: explanations of a determination as data.

>>> from ivproof.chart.reading import Source, parse
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "iv",
...                          "start": "09:00", "stop": "09:40"}]}, Source("visit.json"))
>>> why = Explainer(Policy.load("out001")).why(chart.encounter, "96365")
>>> [unit.subject for unit in why.versions[0].units]
['x']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any

from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import Facts
from ivproof.claim.coding import Coder
from ivproof.claim.determination import ClaimLine, Determination, Exclusion, Reading, Rival
from ivproof.edits.tables import EditFiles
from ivproof.engine.choices import FREE, OPEN, Resolution
from ivproof.engine.engine import Alternative, Answer
from ivproof.formats.output import Called, Described, Inside
from ivproof.law.policy import Policy
from ivproof.law.terms import Function, Term, parse
from ivproof.why.derivation import Derivation
from ivproof.why.explanation import Assumed, Line, Teller
from ivproof.why.naming import Names
from ivproof.why.record import Recorder


class NoSuchCodeError(ValueError):
    """A code that the policy cannot put on a claim."""


@dataclass(frozen=True, slots=True)
class UnitReason(Described):
    """One unit of a claim: its code, whom it is for, and what it rests on."""

    code: str
    subject: str
    role: str
    date: str
    lines: Annotated[tuple[Line, ...], Called("because")]


@dataclass(frozen=True, slots=True)
class Version(Described):
    """A claim that the chart leads to, and the reasons of what was asked about; `leads` says what leads to it."""

    leads: tuple[str, ...]
    claim: tuple[ClaimLine, ...]
    units: tuple[UnitReason, ...]
    modifiers: tuple[Line, ...]
    excluded: tuple[tuple[Exclusion, Line], ...]
    assumed: tuple[Assumed, ...]

    def as_dict(self) -> dict[str, Any]:
        """The version as plain data."""
        return {
            "leads": list(self.leads),
            "claim": [line.as_dict() for line in self.claim],
            "units": [unit.as_dict() for unit in self.units],
            "modifiers": [line.as_dict() for line in self.modifiers],
            "excluded": [{**exclusion.as_dict(), "because": line.as_dict()} for exclusion, line in self.excluded],
            "assumed": [it.as_dict() for it in self.assumed],
        }


@dataclass(frozen=True, slots=True)
class Why(Described):
    """Why a code is on the claim, unit by unit (or, without a code, the whole visit).

    `defined` are the questions (by number) whose default a definition of the text itself decides; `undetermined` says
    why the policy itself gives no claim, where it gives none.
    """

    encounter: str
    code: str | None
    status: str
    versions: tuple[Version, ...]
    missing: tuple[str, ...]
    defined: Inside[frozenset[str]] = frozenset()
    undetermined: tuple[str, ...] = ()


class ExplainedChart:
    """One encounter with its answer, from which everything about it is explained."""

    def __init__(self, coder: Coder, recorder: Recorder, encounter: Encounter) -> None:
        self.coder = coder
        self.recorder = recorder
        self.encounter = encounter
        self.facts: Facts = coder.facts(encounter)
        self.answer: Answer = coder.engine.judge.answer([self.facts])[0]

    @cached_property
    def determination(self) -> Determination:
        """What the coder says of the encounter, with claim edits and with what missing facts would change."""
        return self.coder.code([self.encounter])[0]

    @cached_property
    def outline(self) -> Determination:
        """What the coder says of the encounter without these, with the readings that decide."""
        return self.coder.outline(self.facts, self.answer)

    @property
    def alternatives(self) -> tuple[Alternative | None, ...]:
        """The rival claims; a single None where there is one claim only."""
        return self.answer.alternatives or (None,)

    def derivation(self, alternative: Alternative | None) -> Derivation:
        """The derivation of one of the claims."""
        return Derivation(self.recorder.record(self.facts, self.answer, alternative))

    def teller(self, derivation: Derivation, *, detail: bool = False) -> Teller:
        """Something that tells the steps of one of the claims."""
        decisive = {it.predicate for one in self.answer.alternatives for it in one.resolutions}
        return Teller(self.coder.policy, derivation, detail=detail, decisive=decisive)

    def assumed(self, teller: Teller, code: str | None = None) -> tuple[Assumed, ...]:
        """The readings that a claim rests on, in their order: those that decide it (or units of a code), and others.

        Others were asked for on the way to what was told, and no other option of them gives another claim by itself.
        """
        used = {it.question: it for it in teller.assumed()}
        for reading in self.outline.readings:
            if not reading.matters or reading.only_beside:
                continue
            it = used.get(reading.question) or teller.held(reading.question)
            matters = code is None or self.decides(reading, code)
            used[reading.question] = replace(
                it, matters=matters, otherwise=reading.otherwise, leaves_open=reading.otherwise_status
            )
        return tuple(sorted(used.values(), key=lambda it: self.coder.policy.question(it.question).order))

    def decides(self, reading: Reading, code: str) -> bool:
        """Whether another option of a question gives other units of a code, or leaves the claim open."""
        if not reading.otherwise or reading.otherwise_status:
            return reading.matters
        held = units_by_code(self.outline.claim)
        return any(codes.get(code, 0) != held.get(code, 0) for codes in reading.otherwise.values())

    def leads(self, alternative: Alternative | None, derivation: Derivation | None = None) -> tuple[str, ...]:
        """What leads to one of several claims, in words; `derivation` is that of the claim, where there is one."""
        if alternative is None:
            return ()
        names = Names(self.facts, derivation.merged if derivation else None)
        return tuple(self._lead(names, it) for it in alternative.resolutions)

    def _lead(self, names: Names, it: Resolution) -> str:
        if it.predicate == OPEN:
            question = self.coder.policy.questions[it.subject]
            return f"{question.number} ({question.name}) = {it.value}: {question.option(it.value).says}"
        if it.predicate == FREE:
            return f"{names.term(parse(it.value))} is taken as initial at {names.access(parse(it.subject))}"
        about = f" of {names.term(parse(it.subject))}" if it.subject else ""
        what = _SUPPOSED.get(it.predicate, it.predicate.removeprefix("supposed_").replace("_", " "))
        return f"the {what}{about} is taken to be: {names.term(parse(it.value))}"


class Explainer:
    """Explains encounters by one policy and one setting of its questions."""

    def __init__(
        self, policy: Policy, readings: Mapping[str, str] | None = None, edit_files: EditFiles | None = None
    ) -> None:
        self.policy = policy
        self.coder = Coder(policy, readings, edit_files, assumptions=True)
        self.recorder = Recorder(policy, readings)

    @cached_property
    def defined(self) -> frozenset[str]:
        """The questions whose default a definition of the text itself decides, by number."""
        return frozenset(it.number for it in self.policy.questions.values() if it.defined)

    def case(self, encounter: Encounter) -> ExplainedChart:
        """Answer an encounter, for its explanations."""
        return ExplainedChart(self.coder, self.recorder, encounter)

    def check(self, code: str) -> str:
        """Give the code as the law writes it. Raises NoSuchCodeError, which names those that there are."""
        wanted = code.strip().upper()
        if wanted not in self.policy.codes:
            known = ", ".join(self.policy.codes)
            raise NoSuchCodeError(f"found code {code!r}, expected one that the policy can put on a claim: {known}")
        return wanted

    def why(self, encounter: Encounter, code: str, *, detail: bool = False) -> Why:
        """Explain the units of a code, in every claim that the chart leads to. Raises NoSuchCodeError."""
        return self._explain(encounter, code.strip().upper(), detail=detail)

    def explain(self, encounter: Encounter, *, detail: bool = False) -> Why:
        """Explain a whole visit: the claim, what was left out, what was assumed."""
        return self._explain(encounter, None, detail=detail)

    def _explain(self, encounter: Encounter, code: str | None, *, detail: bool) -> Why:
        case = self.case(encounter)
        determination = case.outline
        versions = tuple(self._version(case, n, code, detail=detail) for n in range(len(case.alternatives)))
        if code is not None and not any(version.units for version in versions):
            self.check(code)
        missing = tuple(f"{it.fact}: {it.message}" for it in determination.missing)
        undetermined = determination.why_undetermined
        return Why(encounter.id, code, determination.status, versions, missing, self.defined, undetermined)

    def _version(self, case: ExplainedChart, number: int, code: str | None, *, detail: bool) -> Version:
        alternative = case.alternatives[number]
        rivals: tuple[Rival, ...] = case.outline.alternatives
        claim = rivals[number].lines if rivals else case.outline.claim
        derivation = case.derivation(alternative)
        teller = case.teller(derivation, detail=detail)
        units = tuple(unit_reasons(teller, code))
        marks = [it for it in derivation.of("modifier") if code is None or str(it.arguments[1]) == f'"{code}"']
        modifiers = tuple(_marked(teller, mark) for mark in marks)
        excluded = tuple(self._excluded(case, derivation, teller)) if code is None else ()
        leads = case.leads(alternative, derivation)
        return Version(leads, claim, units, modifiers, excluded, case.assumed(teller, code))

    def _excluded(
        self, case: ExplainedChart, derivation: Derivation, teller: Teller
    ) -> Iterator[tuple[Exclusion, Line]]:
        """What was left out, each with the step that says why."""
        names = Names(case.facts)
        for exclusion in case.outline.excluded:
            for atom in derivation.of("excluded"):
                subject, why = atom.arguments[0], atom.arguments[-1]
                same = names.term(parse(names.subject(str(subject)))) == exclusion.subject
                if same and str(why).replace("_", "-") == exclusion.name:
                    yield exclusion, teller.step(str(atom))
                    break


def units_by_code(lines: Iterable[ClaimLine]) -> dict[str, int]:
    """The units of each code on a claim."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.code] = found.get(line.code, 0) + line.units
    return found


def unit_reasons(teller: Teller, code: str | None = None) -> Iterator[UnitReason]:
    """The units of a claim (or of one code), each with its reasons: initial services first, then as the visit went."""
    derivation, names = teller.derivation, teller.names
    units = [unit for unit in derivation.of("unit") if code is None or str(unit.arguments[0]) == f'"{code}"']
    place = {str(it.arguments[0]): int(str(it.arguments[1])) for it in derivation.of("order_of")}
    initial = {str(it.arguments[0]) for it in derivation.of("initial_service")}

    def order(unit: Function) -> tuple[Any, ...]:
        _, role, service, number, _ = unit.arguments
        begins = place.get(names.subject(str(service)), 10**6)
        return str(service) not in initial, begins, str(service), str(role) == "further_hour", number

    for unit in sorted(units, key=order):
        text, role, service, _, day = unit.arguments
        yield UnitReason(
            names.term(text),
            names.term(service),
            str(role).replace("_", " "),
            _date(names, day),
            teller.unit(str(unit)),
        )


def _marked(teller: Teller, mark: Function) -> Line:
    """Why a code carries a modifier."""
    _, code, modifier, *_ = map(teller.names.term, mark.arguments)
    line = teller.step(str(mark))
    return replace(line, text=f"{code}-{modifier}: {line.text}")


def _date(names: Names, day: Term) -> str:
    return names.day(day) if isinstance(day, int) else str(day)


_SUPPOSED = {
    "supposed_class": "class",
    "supposed_reason": "main reason of the visit",
    "supposed_lesions": "number of lesions",
    "supposed_sites": "place of what has no documented site",
}
