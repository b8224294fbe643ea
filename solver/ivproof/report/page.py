"""The report of a visit as data: everything that a person needs to follow a claim, and nothing that is drawn yet.

>>> from ivproof.chart.reading import Source, parse
>>> from ivproof.law.policy import Policy
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "iv",
...                          "start": "09:00", "stop": "09:40"}]}, Source("visit.json"))
>>> found = report(Explainer(Policy.load("out001")), chart.encounter)
>>> [(line.code, line.units, line.keys) for line in found.claims[0].lines]
[('96365', 1, ('a1',))]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Annotated

from ivproof.chart.encounter import Encounter, digest, for_people
from ivproof.claim.determination import ClaimLine, Determination, DrugLine, Exclusion, MissingFact, Rival
from ivproof.edits.checker import Edit
from ivproof.formats.output import Called, Described
from ivproof.law.policy import Policy, PolicyError
from ivproof.law.terms import Function, parse
from ivproof.report.timeline import VisitTimeline, timeline
from ivproof.whatif.least import LeastChange
from ivproof.why.derivation import Derivation
from ivproof.why.explanation import Assumed, Line, Step, Teller
from ivproof.why.naming import Names
from ivproof.why.why import ExplainedChart, Explainer
from ivproof.why.whynot import why_not

PROVED = 6
"""Of so many rival claims each line is proved; of further ones the lines are shown."""


@dataclass(frozen=True, slots=True)
class Proof(Described):
    """Why something stands where it stands: a title, what it rests on, and the lengths that were compared."""

    title: str
    lines: Annotated[tuple[Line, ...], Called("because")]

    def measures(self) -> tuple[str, ...]:
        """The lengths that were compared with thresholds, in the order told."""
        return tuple(dict.fromkeys(it.text for it in walk(self.lines) if it.kind == "measure"))


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of a claim with its reasons: a proof for each unit and for each modifier.

    `keys` are those of the administrations that carry it, `administrations` their ids.
    """

    code: str
    label: str
    units: int
    modifiers: tuple[str, ...]
    role: str
    site: str | None
    date: str
    keys: tuple[str, ...]
    administrations: tuple[str, ...]
    rules: tuple[str, ...]
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Omission:
    """Something that is not billed: what, the code that it would have had, why, by which rules, and the proof.

    `search` is what came of looking for the least change of the chart that puts the code on the claim for it; None
    where there is no code to look for.
    """

    subject: str
    key: str
    code: str | None
    reason: str
    rules: tuple[str, ...]
    proof: Proof
    search: LeastChange | None = None


@dataclass(frozen=True, slots=True)
class ReportClaim:
    """A claim that the chart leads to; `leads` says by which readings or facts, where there are several."""

    number: int
    leads: tuple[str, ...]
    lines: tuple[ReportLine, ...]
    drug_lines: tuple[tuple[DrugLine, Proof], ...]
    omitted: tuple[Omission, ...]
    assumed: tuple[Assumed, ...]
    timeline: VisitTimeline | None


@dataclass(frozen=True, slots=True)
class OptionOutcome:
    """An option of an open question, with the numbers of the claims that it can lead to."""

    letter: str
    name: str
    says: str
    claims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that the policy leaves open and that changes the claim."""

    number: str
    name: str
    title: str
    citation: str
    note: str
    options: tuple[OptionOutcome, ...]


@dataclass(frozen=True, slots=True)
class CodeInClaims:
    """A code with its units in each of several claims."""

    code: str
    label: str
    units: tuple[int, ...]

    @property
    def same(self) -> bool:
        """Whether all claims have as many."""
        return len(set(self.units)) == 1


@dataclass(frozen=True)
class Report:
    """Everything that is shown of one visit.

    `about` are the pairs of the header, `certain` the lines that hold in every claim.
    """

    encounter: str
    date: str
    policy: str
    edition: str
    status: str
    verdict: str
    about: tuple[tuple[str, str], ...]
    digests: tuple[tuple[str, str], ...]
    claims: tuple[ReportClaim, ...]
    compared: tuple[CodeInClaims, ...]
    questions: tuple[OpenQuestion, ...]
    missing: tuple[MissingFact, ...]
    findings: tuple[Exclusion, ...]
    edits: tuple[Edit, ...]
    diagnoses: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def timeline(self) -> VisitTimeline | None:
        """The timeline of the first claim."""
        return self.claims[0].timeline if self.claims else None

    @property
    def certain(self) -> bool:
        """Whether there is one claim only."""
        return len(self.claims) == 1


_VERDICTS = {
    "determined": "One claim follows from the chart and the policy.",
    "ambiguous": "The policy leaves open which of several claims follows.",
    "undetermined": "The claim depends on a fact that the chart does not give.",
}


def verdict_of(found: Determination) -> str:
    """Say in a sentence what follows from a chart; nothing where it takes more work than the limit allows to tell."""
    if found.why_undetermined:
        return "The policy gives no claim for this chart."
    if found.status == "determined" and not found.claim:
        return "Nothing that the chart shows is reportable."
    return _VERDICTS.get(found.status, "")


def report(explainer: Explainer, encounter: Encounter, *, least_change: bool = True) -> Report:
    """Put together the report of one visit; `least_change` also looks for what would put back what is left out.

    Raises second.DisagreementError where the second engine derives another answer, and record.RecordError where an
    answer cannot be recorded.
    """
    case = explainer.case(encounter)
    case.coder.second.check(case.facts, case.answer)
    found = case.determination
    claims = tuple(_claim(case, number) for number in range(len(case.alternatives)))
    if least_change and len(claims) == 1:
        claims = (
            replace(claims[0], omitted=tuple(_with_change(explainer, encounter, it) for it in claims[0].omitted)),
        )
    return Report(
        encounter=encounter.id,
        date=encounter.date.isoformat(),
        policy=_title(explainer.policy),
        edition=explainer.policy.dated,
        status=found.status,
        verdict=verdict_of(found),
        about=tuple(_about(encounter)),
        digests=(
            ("Policy", f"{explainer.policy.name}, edition {explainer.policy.edition}, {explainer.policy.digest}"),
            ("Chart", digest(encounter)),
            ("Checked", "a second engine, which shares no code with the first, derives the same"),
            ("Made by", f"ivproof {version('ivproof')}, clingo {version('clingo')}"),
        ),
        claims=claims,
        compared=_compared(explainer.policy, claims) if len(claims) > 1 else (),
        questions=tuple(_questions(explainer.policy, found)),
        missing=tuple(it for it in found.missing if not it.charted),
        findings=found.findings,
        edits=found.edits,
        diagnoses=found.diagnoses,
        notes=(*found.why_undetermined, *found.notes),
    )


def walk(lines: Iterable[Line]) -> Iterator[Line]:
    """Lines and all lines of the steps told under them."""
    for line in lines:
        yield line
        if line.step is not None:
            yield from walk(line.step.lines)


def steps(lines: Iterable[Line]) -> Iterator[Step]:
    """The steps that are told under some lines."""
    return (it.step for it in walk(lines) if it.step is not None)


def _without_repetition(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines without references to what the steps among them tell or refer to already."""
    told = {it.number for line in lines if line.step is not None for it in walk([line])}
    return tuple(it for it in lines if it.kind != "see" or it.number not in told)


def _title(policy: Policy) -> str:
    return f"Changed copy of {policy.title}" if policy.standing == "changed" else policy.title


def _about(encounter: Encounter) -> Iterator[tuple[str, str]]:
    yield "Date of service", encounter.date.isoformat()
    yield "Claim", encounter.claim_type
    yield "Place of service", encounter.place_of_service
    if encounter.payer is not None:
        yield "Payer", encounter.payer
    yield "Order", encounter.order
    yield from for_people(encounter)


def label_of(policy: Policy, code: str) -> str:
    """What the law calls a code; nothing for one that does not come from the law."""
    wording = policy.wordings.get(policy.codes.get(code, ""))
    return wording.sentence.rstrip(".") if wording else ""


def _with_change(explainer: Explainer, encounter: Encounter, it: Omission) -> Omission:
    """The omission with the least change that puts its code on the claim."""
    given = {administration.id for administration in encounter.administrations}
    if it.code is None or it.code not in explainer.policy.codes or it.subject not in given:
        return it
    return replace(it, search=why_not(explainer, encounter, it.code, it.subject).search)


# --- a claim


def _claim(case: ExplainedChart, number: int) -> ReportClaim:
    alternative = case.alternatives[number]
    found = case.determination
    rival: Rival | None = found.alternatives[number] if found.alternatives else None
    billed = rival.lines if rival is not None else found.claim
    policy = case.coder.policy
    if number >= PROVED:
        lines = tuple(_line(policy, case.facts.names, line, ()) for line in billed)
        return ReportClaim(number + 1, case.leads(alternative), lines, (), (), (), None)
    derivation = case.derivation(alternative)
    teller = case.teller(derivation)
    told = _Told(derivation, teller)
    lines = tuple(_line(policy, case.facts.names, line, told.proofs(line)) for line in billed)
    drug_lines = tuple((line, told.drug_line(line)) for line in found.drug_lines)
    omitted = tuple(told.omissions(found.excluded if rival is None else rival.excluded))
    carries: dict[str, list[str]] = {}
    measures: dict[str, list[str]] = {}
    for line in lines:
        for key in line.keys:
            units = f" ×{line.units}" if len(line.keys) == 1 else ""
            carries.setdefault(key, []).append("-".join((line.code, *line.modifiers)) + units)
            measures.setdefault(key, []).extend(it for proof in line.proofs for it in proof.measures())
    for it in omitted:
        measures.setdefault(it.key, []).extend(it.proof.measures())
    about = {key: [text for text in texts if case.facts.names[key] in text] for key, texts in measures.items() if key}
    return ReportClaim(
        number + 1,
        case.leads(alternative, derivation),
        lines,
        drug_lines,
        omitted,
        teller.assumed(),
        timeline(derivation, carries, about),
    )


def _line(policy: Policy, names: Mapping[str, str], line: ClaimLine, proofs: Iterable[Proof]) -> ReportLine:
    keys = {name: key for key, name in reversed(list(names.items())) if key[:1] == "a" and key[1:].isdigit()}
    return ReportLine(
        line.code,
        label_of(policy, line.code),
        line.units,
        line.modifiers,
        line.role.replace("_", " "),
        line.site,
        line.date,
        tuple(keys[name] for name in line.administrations if name in keys),
        line.administrations,
        line.rules,
        tuple(proofs),
    )


class _Told:
    """Tells the reasons of the lines of one claim; what two of them share is told once."""

    def __init__(self, derivation: Derivation, teller: Teller) -> None:
        self.derivation = derivation
        self.teller = teller
        self.names = Names(derivation.facts, derivation.merged, derivation.clock)
        self._with: dict[str, set[str]] = {}
        for service, administration in (it.arguments for it in derivation.of("reported_with")):
            self._with.setdefault(str(service), set()).add(self.names.term(administration))
        self._left = list(derivation.of("unit"))

    def proofs(self, line: ClaimLine) -> Iterator[Proof]:
        """The reasons of each unit of a line, then of its modifiers."""
        mine = [it for it in self._left if self._stands_on(it, line)][: line.units]
        self._left = [it for it in self._left if it not in mine]
        for n, unit in enumerate(mine, 1):
            of = f"Unit {n} of {line.units}" if line.units > 1 else "The unit"
            who = self.names.term(unit.arguments[2])
            reasons = _without_repetition(self.teller.unit(str(unit)))
            yield Proof(f"{of}: {str(unit.arguments[1]).replace('_', ' ')}, {who}", reasons)
        services = {str(it.arguments[2]) for it in mine}
        for mark in self.derivation.of("modifier"):
            service, code, modifier, _ = mark.arguments
            if str(service) in services and self.names.term(code) == line.code:
                yield Proof(f"Modifier {self.names.term(modifier)}", (self.teller.step(str(mark)),))

    def _stands_on(self, unit: Function, line: ClaimLine) -> bool:
        code, _, service, _, day = unit.arguments
        if self.names.term(code) != line.code or not isinstance(day, int) or self.names.day(day) != line.date:
            return False
        mine = self._with.get(str(service)) or {self.names.term(parse(self.names.subject(str(service))))}
        return not line.administrations or mine <= set(line.administrations)

    def drug_line(self, line: DrugLine) -> Proof:
        """The reasons of a line for the drug itself."""
        discarded = self.derivation.of("discarded_line")
        marked = [it for it in discarded if self.names.term(it.arguments[3]) in line.modifiers]
        atoms = marked or self.derivation.of("drug_line")
        mine = [
            self.teller.step(str(atom))
            for atom in atoms
            if self.names.term(atom.arguments[0]) in line.administrations
            and self.names.term(atom.arguments[1]) == line.code
        ]
        return Proof("The line for the drug", tuple(mine))

    def omissions(self, excluded: Iterable[Exclusion]) -> Iterator[Omission]:
        """What is not billed, with the steps that say why; what is not so in this claim is left out."""
        for it in excluded:
            for atom in self.derivation.of("excluded"):
                key = self.names.subject(str(atom.arguments[0]))
                same = self.names.term(parse(key)) == it.subject
                if same and str(atom.arguments[-1]).replace("_", "-") == it.name:
                    proof = Proof("Why", (self.teller.step(str(atom)),))
                    yield Omission(it.subject, key, it.code, it.reason, it.rules, proof)
                    break
            else:
                yield Omission(it.subject, "", it.code, it.reason, it.rules, Proof("Why", ()))


# --- what is open


def _compared(policy: Policy, claims: Sequence[ReportClaim]) -> tuple[CodeInClaims, ...]:
    """The codes of several claims side by side, in the order in which the claims have them."""
    per_claim = []
    for claim in claims:
        units: dict[str, int] = {}
        for line in claim.lines:
            name = "-".join((line.code, *line.modifiers))
            units[name] = units.get(name, 0) + line.units
        per_claim.append(units)
    codes = dict.fromkeys(code for units in per_claim for code in units)
    return tuple(
        CodeInClaims(code, label_of(policy, code.partition("-")[0]), tuple(units.get(code, 0) for units in per_claim))
        for code in codes
    )


def _questions(policy: Policy, found: Determination) -> Iterator[OpenQuestion]:
    leads: dict[str, dict[str, list[int]]] = {}
    for n, rival in enumerate(found.alternatives, 1):
        for way in (rival.readings, *rival.others):
            for number, letter in way.items():
                claims = leads.setdefault(number, {}).setdefault(letter, [])
                if n not in claims:
                    claims.append(n)
    for reading in found.readings:
        if not reading.matters or reading.departs:
            continue
        try:
            question = policy.question(reading.question)
        except PolicyError:
            continue
        options = tuple(
            OptionOutcome(it.letter, it.name, it.says, tuple(leads.get(question.number, {}).get(it.letter, ())))
            for it in question.options
        )
        yield OpenQuestion(question.number, question.name, question.title, question.citation, question.note, options)
