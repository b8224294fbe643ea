"""What follows for charts as FHIR R4: Tasks for what is missing, the Claim, DetectedIssues, Provenance with the proof.

Nothing is invented: whose claim it is, who makes it and who pays are no matter of a chart, so they are taken from the
resources that the chart came from, or as they are told; without them there is no Claim, and that is said. Resources are
made by fhir.resources, which checks them; their addresses follow from the chart: the same input gives the same bytes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal, get_args
from uuid import NAMESPACE_URL, uuid5

from ivproof.audit.auditor import Auditor
from ivproof.audit.model import Audit
from ivproof.chart.encounter import Encounter, digest
from ivproof.claim.coding import Coder
from ivproof.claim.determination import DETERMINED, UNDECIDED, ClaimLine, Determination, DrugLine
from ivproof.formats.extras import load
from ivproof.importers.resources import Index, Resource, name_of
from ivproof.proof.maker import Prover, canonical

Kind = Literal["task", "claim", "issue", "provenance"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What can be made of an answer."""

_ADMINISTRATION = re.compile(r"administrations\[(.+)\]\.(\w+)")
_HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
_CPT = "http://www.ama-assn.org/go/cpt"
_ICD = "http://hl7.org/fhir/sid/icd-10-cm"
_PLACE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
_TYPES = {"facility": "institutional", "professional": "professional"}

Fields = dict[str, Any]


@dataclass(frozen=True)
class Parties:
    """Whose visit it was, who claims and which coverage pays, as references; None where that is not known."""

    patient: str | None = None
    provider: str | None = None
    coverage: str | None = None

    def unless(self, told: Parties) -> Parties:
        """Give these, with what is told in place of them."""
        return Parties(told.patient or self.patient, told.provider or self.provider, told.coverage or self.coverage)

    def missing(self) -> list[str]:
        """Name what a Claim needs and is not known."""
        return [name for name in ("patient", "provider", "coverage") if getattr(self, name) is None]


class Origins:
    """The resources that charts came from, as `ivproof import fhir` reads them."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        """Take the resources."""
        self._index = Index(resources)
        self._resources = resources

    def of(self, encounter: Encounter) -> Parties:
        """Give what the resources say of a visit; what two of them say differently is not known."""
        visit = self._index.find({"reference": encounter.id}, Resource({"resourceType": "Encounter"}, ""))
        given = {it.source for it in encounter.administrations if it.source is not None}
        doses = [it for it in self._resources if it.name in given]
        patients = {name_of(it.data.get("subject")) for it in ([visit] if visit else []) + doses}
        patient = _only(patients)
        covers = [
            it
            for it in self._resources
            if it.type == "Coverage"
            and it.data.get("status") == "active"
            and patient is not None
            and name_of(it.data.get("beneficiary")) == patient
        ]
        provider = name_of(visit.data.get("serviceProvider")) if visit is not None else None
        return Parties(patient, provider, _only({it.name for it in covers if it.id}))


def _only(found: Iterable[str | None]) -> str | None:
    known = {it for it in found if it is not None}
    return known.pop() if len(known) == 1 else None


@dataclass
class Exported:
    """The resources of one chart as entries of a bundle, and what could not be made, each as a sentence."""

    entries: list[Fields] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class FhirExport:
    """Makes FHIR of answers; made once and used for many charts."""

    def __init__(self, coder: Coder, at: str, kinds: Iterable[Kind] = KINDS) -> None:
        """Take what answers, the instant that resources are made at, and what is to be made."""
        self._coder = coder
        self._at = at
        self._kinds = frozenset(kinds)
        self._auditor = Auditor(coder.policy, coder.readings, coder=coder)
        self._prover = Prover(coder) if "provenance" in self._kinds else None

    def export(self, encounter: Encounter, determination: Determination, parties: Parties) -> Exported:
        """Give the resources of a chart that is answered. Raises record.RecordError as proofs do."""
        made = Exported()
        visit = _Visit(encounter, determination, parties, self._at, digest(encounter) + self._coder.policy.digest)
        claim: str | None = None
        if "claim" in self._kinds:
            if determination.status != DETERMINED:
                made.told.append(f"no Claim: the chart is {determination.status}")
            elif not (determination.claim or determination.drug_lines):
                made.told.append("no Claim: nothing is on it")
            elif missing := parties.missing():
                made.told.append(f"no Claim: found no {', no '.join(missing)}, expected a reference to each")
            else:
                claim = visit.add(made, visit.claim(), "claim")
        if "task" in self._kinds:
            for n, task in enumerate(visit.tasks()):
                visit.add(made, task, f"task {n}")
        if "issue" in self._kinds:
            audit = self._audit(encounter, determination)
            for n, issue in enumerate(visit.issues(claim, audit)):
                visit.add(made, issue, f"issue {n}")
        if self._prover is not None and determination.status != UNDECIDED:
            proof = base64.b64encode(canonical(self._prover.prove(encounter))).decode()
            binary = {"resourceType": "Binary", "contentType": "application/json", "data": proof}
            where = visit.add(made, binary, "proof")
            visit.add(made, visit.provenance(claim, where, self._coder), "provenance")
        return made

    def _audit(self, encounter: Encounter, determination: Determination) -> Audit | None:
        if not encounter.billed:
            return None
        [audit] = self._auditor.judge([(encounter, determination, encounter.billed)])
        return audit


class _Visit:
    """The resources of one visit."""

    def __init__(
        self, encounter: Encounter, determination: Determination, parties: Parties, at: str, chart: str
    ) -> None:
        self._encounter = encounter
        self._found = determination
        self._parties = parties
        self._at = at
        self._chart = chart
        self._sources = {it.id: it.source for it in encounter.administrations}

    def add(self, made: Exported, resource: Fields, what: str) -> str:
        """Add a resource to the bundle, checked; give its address, which follows from the chart and the law."""
        address = f"urn:uuid:{uuid5(NAMESPACE_URL, f'ivproof {self._chart} {what}')}"
        kind = resource["resourceType"]
        model = load(f"fhir.resources.R4B.{kind.lower()}", "FHIR")
        checked = getattr(model, kind).model_validate(resource)
        made.entries.append({"fullUrl": address, "resource": checked})
        return address

    # --- What refers to what

    def _patient(self) -> Fields | None:
        return None if self._parties.patient is None else {"reference": self._parties.patient}

    def _visit(self) -> Fields:
        name = self._encounter.id
        if name.startswith("Encounter/"):
            return {"reference": name}
        return {"type": "Encounter", "identifier": {"value": name}}

    def _administration(self, name: str) -> Fields:
        source = self._sources.get(name) or ""
        if source.startswith("MedicationAdministration/"):
            return {"reference": source}
        return {"type": "MedicationAdministration", "identifier": {"value": name}}

    # --- Resources

    def tasks(self) -> Iterator[Fields]:
        """Give the questions: what is missing, one a fact."""
        for it in self._found.missing:
            subject = _ADMINISTRATION.fullmatch(it.fact)
            yield _full(
                {
                    "resourceType": "Task",
                    "status": "requested",
                    "intent": "order",
                    "code": {"text": "Complete the record"},
                    "description": it.message,
                    "focus": self._administration(subject[1]) if subject else self._visit(),
                    "for": self._patient(),
                    "encounter": self._visit(),
                    "reasonCode": {"text": it.weight},
                    "input": [
                        {"type": {"text": "missing fact"}, "valueString": it.fact},
                        *({"type": {"text": "rule"}, "valueString": rule} for rule in it.rules),
                    ],
                }
            )

    def claim(self) -> Fields:
        """Give the claim: its lines, then those for drugs."""
        encounter, found = self._encounter, self._found
        every: list[ClaimLine | DrugLine] = [*found.claim, *found.drug_lines]
        lines = [(it.code, it.units, it.modifiers, it.date) for it in every]
        diagnoses = found.diagnoses
        return _full(
            {
                "resourceType": "Claim",
                "status": "draft",
                "type": _coded("http://terminology.hl7.org/CodeSystem/claim-type", _TYPES[encounter.claim_type]),
                "use": "claim",
                "patient": self._patient(),
                "created": self._at,
                "provider": {"reference": self._parties.provider},
                "priority": _coded("http://terminology.hl7.org/CodeSystem/processpriority", "normal"),
                "diagnosis": [
                    {"sequence": n, "diagnosisCodeableConcept": _coded(_ICD, code)}
                    for n, code in enumerate(diagnoses, start=1)
                ],
                "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": self._parties.coverage}}],
                "item": [
                    _full(
                        {
                            "sequence": n,
                            "productOrService": _procedure(code),
                            "modifier": [{"coding": [{"code": modifier}]} for modifier in modifiers],
                            "servicedDate": day,
                            "locationCodeableConcept": _coded(_PLACE, encounter.place_of_service),
                            "quantity": {"value": units},
                            "encounter": [self._visit()],
                        }
                    )
                    for n, (code, units, modifiers, day) in enumerate(lines, start=1)
                ],
            }
        )

    def issues(self, claim: str | None, audit: Audit | None) -> Iterator[Fields]:
        """Give what claim edits say of the claim, and of a billed one the lines that are anything but supported."""
        for edit in self._found.edits:
            yield self._issue(f"Claim edit: {edit.kind}", edit.message, claim)
        for line in audit.disputed if audit is not None else ():
            yield self._issue(f"Billed line: {line.kind.value.replace('_', ' ')}", line.message, claim)

    def _issue(self, code: str, detail: str, claim: str | None) -> Fields:
        return _full(
            {
                "resourceType": "DetectedIssue",
                "status": "final",
                "code": {"text": code},
                "patient": self._patient(),
                "implicated": [self._visit() if claim is None else {"reference": claim}],
                "detail": detail,
            }
        )

    def provenance(self, claim: str | None, proof: str, coder: Coder) -> Fields:
        """Say by what law an answer was derived from which chart, and where its proof is."""
        policy = coder.policy
        return {
            "resourceType": "Provenance",
            "target": [self._visit() if claim is None else {"reference": claim}],
            "recorded": self._at,
            "policy": [f"urn:ivproof:policy:{policy.id}:{policy.edition}:{policy.digest}"],
            "activity": {"text": "Coded by the written policy"},
            "agent": [{"who": {"display": f"ivproof {version('ivproof')}"}}],
            "entity": [
                {"role": "source", "what": {"identifier": {"value": digest(self._encounter)}, "display": "chart"}},
                {"role": "derivation", "what": {"reference": proof, "display": "proof"}},
            ],
        }


def bundle(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Give entries as a bundle in JSON, checked once more as a whole."""
    model = load("fhir.resources.R4B.bundle", "FHIR")
    found = model.Bundle(type="collection", entry=[model.BundleEntry(**it) for it in entries] or None)
    text: str = found.model_dump_json(exclude_none=True)
    return text.encode()


def _full(fields: Fields) -> Fields:
    """Give fields without those that nothing stands in."""
    return {key: it for key, it in fields.items() if it is not None and it != []}


def _coded(system: str, code: str) -> Fields:
    return {"coding": [{"system": system, "code": code}]}


def _procedure(code: str) -> Fields:
    """Give a code with the system that it is of: HCPCS begins with a letter, CPT with a digit."""
    return _coded(_HCPCS if code[:1].isalpha() else _CPT, code)
