"""FHIR R4 into charts: MedicationAdministration and what it refers to.

Every field of a chart has its origin in the report, and how it came: taken, mapped, left out, contradicted. A period is
the running time only where nothing contradicts it; a code that says another thing than its words is reported, and where
the chart needs it (the drug, the route) the resource is left out.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ivproof.chart.consistency import VASCULAR
from ivproof.chart.refusal import Refusal, Source
from ivproof.drugs.codes import CodeError, Codes, read_code
from ivproof.drugs.listing import DrugList
from ivproof.importers.account import Account, natural
from ivproof.importers.charts import Given, access_sites, checked, figures
from ivproof.importers.clock import TROUBLES, ClockReading, HouseClock, iso
from ivproof.importers.dosage import amount_of, lengths_said, ordered_length, rate_of
from ivproof.importers.printed import PrintedName, PrintedNames, nameless
from ivproof.importers.resources import Index, Resource, name_of, part, parts, read_resources, same, text
from ivproof.importers.terms import (
    ICD10CM,
    METHOD_CODES,
    METHOD_WORDS,
    NDC,
    NDC_FORM,
    NOT_DONE,
    PLACES,
    ROUTE_CODES,
    ROUTE_WORDS,
    RXNORM,
    SERVICES,
    SNOMED,
    StatedLength,
    plain_name,
    volume,
)
from ivproof.importers.words import Voices, Words, diagnosis

_ANY_DAY = date(2020, 10, 5)
"""The day on which a name is read where nothing says a day; only codes as names depend on it."""
_READ = frozenset(
    {
        "MedicationAdministration",
        "MedicationRequest",
        "Medication",
        "Encounter",
        "Condition",
        "Procedure",
        "Coverage",
        "Location",
        "Organization",
    }
)
_WITHOUT_STOP = ("in-progress", "on-hold")
_GIVEN = ("completed", "stopped", *_WITHOUT_STOP)
_UNCONFIRMED = frozenset({"unconfirmed", "provisional", "differential", "refuted"})


@dataclass
class ImportedResources:
    """The charts, as plain data, and the report; `refusals` are there where an input could not be read."""

    charts: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)


NO_CODES = Codes(())

_SYSTEMS = {NDC: "ndc", RXNORM: "rxnorm"}
"""Systems of codes that the list of codes has."""


def read_fhir(
    files: Sequence[str],
    drugs: DrugList,
    *,
    place_of_service: str | None = None,
    places: Mapping[str, str] | None = None,
    zone: str | None = None,
    codes: Codes = NO_CODES,
) -> ImportedResources:
    """Read files and folders of FHIR; where one of them cannot be read, there is no chart.

    `places` gives the CMS place-of-service code of a location (its reference, name or type) or of a class of encounter;
    `codes` say which drug an NDC or an RxNorm number is of.
    """
    resources, refusals = read_resources(files)
    if refusals:
        return ImportedResources(refusals=refusals)
    return import_resources(resources, drugs, place_of_service=place_of_service, places=places, zone=zone, codes=codes)


def import_resource(
    data: Mapping[str, Any], drugs: DrugList, *, place_of_service: str, file: str = "", codes: Codes = NO_CODES
) -> ImportedResources:
    """Make the chart of one resource, or of one bundle."""
    found = [Resource(data, file)]
    if data.get("resourceType") == "Bundle":
        inside = (it for it in parts(data, "entry") if isinstance(part(it, "resource", "resourceType"), str))
        found = [Resource(it["resource"], file, text(it, "fullUrl") or None) for it in inside]
    return import_resources(found, drugs, place_of_service=place_of_service, codes=codes)


def import_resources(
    resources: Sequence[Resource],
    drugs: DrugList,
    *,
    place_of_service: str | None = None,
    places: Mapping[str, str] | None = None,
    zone: str | None = None,
    codes: Codes = NO_CODES,
) -> ImportedResources:
    """Make the charts of resources that were read."""
    return _Reader(resources, drugs, place_of_service, places or {}, zone, codes=codes).finish()


class _LeftOut(Exception):  # noqa: N818 - no error: an administration that is in no chart
    """Why an administration is in no chart; `finding` says what is to be seen of it."""

    def __init__(self, reason: str, finding: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.finding = finding


@dataclass(eq=False)
class _Dose:
    """An administration as its resource says it."""

    resource: Resource
    visit: str
    subject: str
    given: list[Given]
    uses: list[Resource]
    rank: float | None
    day: date | None


class _Reader:
    """Makes charts of the resources of one input."""

    def __init__(
        self,
        resources: Sequence[Resource],
        drugs: DrugList,
        place: str | None,
        places: Mapping[str, str],
        zone: str | None,
        *,
        codes: Codes,
    ) -> None:
        self._names = PrintedNames(drugs)
        self._drug_list = drugs
        self._codes = codes
        self._place = place
        self._places = {key.casefold(): code for key, code in places.items()}
        self._clock = HouseClock([], zone)
        self.account = Account("resources")
        self._origins: dict[str, dict[str, str] | str] = {}
        self._unknown: dict[str, set[int]] = defaultdict(set)
        self._labels: Counter[str] = Counter()
        for it in resources:
            it.item = self.account.read(it.file, None, resource=it.name)
        self._resources = list(self._distinct(resources))
        self._index = Index(self._resources)
        self._of_visit: dict[tuple[str, str | None], list[Resource]] = defaultdict(list)
        for it in sorted(self._resources, key=_id):
            whose = it.data.get("beneficiary") if it.type == "Coverage" else it.data.get("encounter")
            self._of_visit[it.type, name_of(whose)].append(it)

    # --- What counts

    def _distinct(self, resources: Sequence[Resource]) -> Iterator[Resource]:
        """Of a resource that is there several times one counts: the newest, or none where that is not said."""
        alike: dict[tuple[str, ...], list[Resource]] = defaultdict(list)
        for number, it in enumerate(resources):
            key = (it.url,) if it.url and not it.id else (it.name, "") if it.id else (it.name, str(number))
            alike[tuple(map(str, key))].append(it)
        for some in alike.values():
            newest = max(map(_version, some))
            first, *others = [it for it in some if _version(it) == newest]
            if not all(same(first, it) for it in others):
                for it in some:
                    self.account.leave_out(it.item, "copies_differ")
                self._tell("copies_differ", first, "the same resource several times, saying different things")
                continue
            yield first
            for it in some:
                if it is not first:
                    self.account.void(it.item, "second_copy" if same(first, it) else "older_version")

    def finish(self) -> ImportedResources:
        """Make the charts and the report."""
        found = ImportedResources()
        doses = list(self._doses())
        visits: dict[str, list[_Dose]] = defaultdict(list)
        alone: dict[str, list[_Dose]] = defaultdict(list)
        for dose in doses:
            (visits[dose.visit] if dose.visit else alone[dose.subject]).append(dose)
        for some in alone.values():
            if len(some) == 1:
                visits[some[0].resource.name] = some
                continue
            for dose in some:
                self._leave_out(
                    dose.resource, "no_encounter", "no encounter, and others of this patient have none either"
                )
        made: list[list[Given]] = []
        for name in sorted(visits, key=natural):
            given = self._chart(name, visits[name], found)
            if given:
                made.append(given)
        for it in self._resources:
            if self.account.fate(it.item) is None:
                self._aside(it)
        sums = self.account.report()
        found.report = {
            **{key: sums[key] for key in ("resources", "voided", "left_out")},
            "administrations": figures(made),
            "findings": [{key: it[key] for key in it if key != "encounter"} for it in sums["findings"]],
            "time_zone": self._clock.zone,
            "drugs_not_found": [
                {"printed": printed, "resources": sorted(self.account.of(it)["resource"] for it in items)}
                for printed, items in sorted(self._unknown.items())
            ],
            "origins": self._origins,
            "fates": sums["fates"],
        }
        if self._clock.zone is None:
            found.report["says"] = "no zone is given: the date of a visit is that of its first time as it is written"
        return found

    def _aside(self, it: Resource) -> None:
        """Say why a resource is in no chart that nothing has spoken of."""
        if text(it.data, "status") == "entered-in-error" or _coded(
            it.data.get("verificationStatus"), "entered-in-error"
        ):
            self.account.void(it.item, "entered_in_error")
        else:
            self.account.leave_out(it.item, "not_referred_to" if it.type in _READ else "type_not_read")

    def _tell(self, kind: str, it: Resource, message: str) -> None:
        self.account.find(kind, message, [it.item], resource=it.id or it.name)

    def _leave_out(self, it: Resource, reason: str, message: str) -> None:
        self.account.leave_out(it.item, reason)
        self._tell(reason, it, message)
        self._origins[it.id or it.name] = f"left out: {message}"

    # --- One administration

    def _doses(self) -> Iterator[_Dose]:
        for it in self._resources:
            if it.type != "MedicationAdministration":
                continue
            status = text(it.data, "status")
            if status == "entered-in-error":
                self.account.void(it.item, "entered_in_error")
                self._origins[it.id or it.name] = "voided: status entered-in-error"
                continue
            try:
                yield self._dose(it, status)
            except _LeftOut as left:
                self.account.leave_out(it.item, left.reason)
                self._origins[it.id or it.name] = f"left out: {left.finding or left.reason}"
                if left.finding:
                    self._tell(left.reason, it, left.finding)

    def _dose(self, it: Resource, status: str) -> _Dose:
        data = it.data
        if status == "not-done" or data.get("notGiven") is True or data.get("wasNotGiven") is True:
            raise _LeftOut("not_given")
        if any(NOT_DONE.search(words) for reason in parts(data, "statusReason") for words in _words(reason)):
            # the example of HL7 itself has it with on-hold
            if status == "on-hold":
                raise _LeftOut("not_given")
            raise _LeftOut("status_contradicted", f"the status {status}, and a reason why it was not done")
        if data.get("modifierExtension") or part(data, "dosage", "modifierExtension"):
            raise _LeftOut("modifier_extension", "an extension that changes what the resource means")
        if "medication" in data or any(key.startswith("occuren") for key in data):
            raise _LeftOut("not_r4", "fields of another release of FHIR than R4")
        if status not in _GIVEN:
            raise _LeftOut("status_not_known", f"the status {status or 'is not there'}; expected {', '.join(_GIVEN)}")
        origins: dict[str, str] = {}
        uses: list[Resource] = []
        dosage = part(data, "dosage") if isinstance(data.get("dosage"), Mapping) else {}
        start, stop, period, rank, day = self._times(it, status, origins)
        drugs = self._drugs(it, day or _ANY_DAY, origins, uses)
        route = self._route(it, dosage, origins)
        request = self._index.find(data.get("request"), it)
        if request is not None and request.type == "MedicationRequest":
            if text(request.data, "status") == "entered-in-error":
                request = None
            else:
                uses.append(request)
        ordered = ordered_length(request)
        if stop is not None and period is not None:
            said = list(lengths_said(dosage, drugs))
            if ordered is not None:
                said.append(ordered._replace(words=f"an order of {ordered.words}"))
            stop = self._stop(it, said, period, stop, origins)
        both: dict[str, Any] = {"start": iso(start), "stop": iso(stop)}
        if start is not None and stop is None and "effectivePeriod" in data and "stop" not in origins:
            origins["stop"] = (
                "not there: effectivePeriod.end" if status not in _WITHOUT_STOP else f"not there: status {status}"
            )
            self._tell("no_stop", it, f"a start and no stop; status {status}")
        both["method"] = self._method(it, dosage, origins)
        both["site"] = self._site(it, dosage, route, origins)
        if (rate := rate_of(dosage)) is not None:
            both["rate_ml_per_h"] = rate
        if ordered is not None and ordered.least == ordered.most and ordered.least == int(ordered.least) >= 1:
            both["ordered_minutes"] = int(ordered.least)
            origins["ordered_minutes"] = f"taken, MedicationRequest {ordered.words}"
        both["source"] = it.name
        given = self._given(it, drugs, route, both, dosage)
        amount = amount_of(dosage)
        if amount is not None and len(drugs) == 1 and status == "completed":
            given[0].fields["amount"] = amount
            origins["amount"] = "taken, dosage.dose"
        self._origins[it.id or it.name] = origins
        visit = self._visit(it)
        return _Dose(it, visit, name_of(data.get("subject")) or "", given, uses, rank, day)

    def _visit(self, it: Resource) -> str:
        """The encounter of an administration, as it is referred to."""
        context = it.data.get("context")
        name = name_of(context)
        found = self._index.find(context, it)
        if found is not None and found.type == "Encounter":
            return found.name if found.id and not text(context, "reference").startswith("#") else f"{it.name} encounter"
        if name is None and not text(context, "reference") and text(context, "identifier", "value"):
            return f"Encounter {text(context, 'identifier', 'value')}"
        if name is None or not name.startswith("Encounter/"):
            return ""
        # one of that name that is here was not found: it is of another server
        return text(context, "reference") if self._index.is_elsewhere(context) else name

    def _given(
        self, it: Resource, drugs: Sequence[PrintedName], route: str, both: Mapping[str, Any], dosage: Mapping[str, Any]
    ) -> list[Given]:
        """The administrations: of each drug one, in one bag where there are several, and of a carrier one beside it."""
        label = self._label(it)
        found: list[dict[str, Any]] = []
        for number, printed in enumerate(drugs, start=1):
            own: dict[str, Any] = {"id": f"{label}-{number}" if len(drugs) > 1 else label, "drug": printed.drug}
            if printed.product is not None:
                own["product"] = printed.product
            ml = printed.ml if printed.carrier is None else None
            if ml is None and len(drugs) > 1 and printed.is_fluid:
                ml = volume(text(dosage, "text"))
            if ml is not None:
                own["volume_ml"] = ml
            found.append({**own, "route": route, **both})
            if printed.carrier is not None:
                beside = {"id": f"{own['id']}-carrier", "drug": printed.carrier, "route": route}
                if not printed.added:
                    beside["purpose"] = "carrier"
                carried = {key: value for key, value in both.items() if key != "ordered_minutes"}
                found.append({**beside, "volume_ml": printed.ml, **carried})
        if len(found) > 1:
            for one in found:
                one["bag"] = label
        for printed in drugs:
            if printed.found is None:
                self._unknown[printed.drug].add(it.item)
        return [Given(one, str(one["drug"]), items={it.item}) for one in found]

    def _label(self, it: Resource) -> str:
        """The id of an administration: that of its resource, with a number where another one has it already."""
        self._labels[it.id or it.type] += 1
        times = self._labels[it.id or it.type]
        return (it.id or it.type) + (f"-again-{times}" if times > 1 else "")

    # --- The drug

    def _drugs(self, it: Resource, on: date, origins: dict[str, str], uses: list[Resource]) -> list[PrintedName]:
        """What was given: one drug, or what a mixture is made of."""
        concept, where = part(it.data, "medicationCodeableConcept"), "medicationCodeableConcept"
        ingredients: list[Mapping[str, Any]] = []
        reference = it.data.get("medicationReference")
        if reference is not None:
            medication = self._index.find(reference, it)
            if medication is not None and medication.type == "Medication":
                inside = text(reference, "reference").startswith("#")
                where = "contained Medication" if inside else medication.name
                if text(medication.data, "status") == "entered-in-error":
                    raise _LeftOut("medication_entered_in_error", f"{where} is entered in error")
                if not inside:
                    uses.append(medication)
                concept, ingredients = part(medication.data, "code"), parts(medication.data, "ingredient")
                where += ".code"
            elif text(reference, "display"):
                concept, where = {"text": text(reference, "display")}, "medicationReference.display"
            else:
                raise _LeftOut("medication_not_in_input", "")
        elif not isinstance(concept, Mapping):
            raise _LeftOut("no_drug", "nothing says what was given")
        named = self._concept(concept, on)
        product = self._product(it, concept, where, origins)
        if not any(printed.found for printed, _ in named) and ingredients:
            return self._ingredients(ingredients, where.removesuffix(".code"), on, origins)
        if len(ingredients) == 1:
            named += self._concept(_item(ingredients[0]), on)
        printed = self._one(named, where)
        if product is not None and not printed.others:
            printed = replace(printed, product=product)
        how = f"NDC {product} ({_form(product)})" if product else f'"{printed.drug}"'
        origins["drug"] = f"mapped, {where}, {how}"
        return [printed, *printed.others]

    def _concept(self, concept: object, on: date) -> list[tuple[PrintedName, str]]:
        """Read each name that a concept has: its text, and the words of its codes; then the codes that are known."""
        words = [it for it in dict.fromkeys(_words(concept)) if not nameless(it)]
        return [*((self._names.read(plain_name(it), on), it) for it in words), *self._of_codes(concept, on)]

    def _of_codes(self, concept: object, on: date) -> Iterator[tuple[PrintedName, str]]:
        """Give the drugs that the codes of a concept are of, where each is of one."""
        for coding in parts(concept, "coding"):
            system = _SYSTEMS.get(text(coding, "system"))
            try:
                named = read_code(f"{system} {text(coding, 'code')}") if system is not None else None
            except CodeError:
                continue
            found = self._codes.find(named, on) if named is not None else ()
            keys = {key for it in found for key in self._drug_list.drugs_of(it)}
            if len(keys) == 1:
                yield self._names.read(self._drug_list.drugs[keys.pop()].name, on), str(named)

    def _one(self, named: Sequence[tuple[PrintedName, str]], where: str) -> PrintedName:
        """The drug that names agree on; where they do not the resource is left out."""
        for printed, words in named:
            if printed.differ is not None:
                one, other = printed.differ
                raise _LeftOut("drug_contradicted", f'{where}: "{words}" names {one} and {other}')
        found = {printed.found.drug.key: (printed, words) for printed, words in named if printed.found is not None}
        if len(found) > 1:
            told = ", ".join(f'"{words}"' for _, words in found.values())
            raise _LeftOut("drug_contradicted", f"{where}: several drugs: {told}")
        if not named:
            raise _LeftOut("drug_not_named", f"{where} has a code and no words for it, or nothing")
        known = [printed for printed, _ in named if printed.found is not None]
        return max(known, key=lambda it: it.carrier is not None) if known else named[0][0]

    def _ingredients(
        self, ingredients: Sequence[Mapping[str, Any]], where: str, on: date, origins: dict[str, str]
    ) -> list[PrintedName]:
        """The drugs of a mixture that has no name of its own."""
        each = [self._one(self._concept(_item(it), on), f"{where}.ingredient[{n}]") for n, it in enumerate(ingredients)]
        places = " and ".join(f"[{n}]" for n in range(len(each)))
        origins["drug"] = f"mapped, {where}.ingredient{places}"
        if any(it.is_fluid for it in each):
            return each
        together = self._names.read(" and ".join(it.drug for it in each), on)
        return (
            [together]
            if len(each) > 1 and together.found is not None and together.carrier is None and not together.others
            else each
        )

    def _product(self, it: Resource, concept: object, where: str, origins: dict[str, str]) -> str | None:
        """The NDC of what was given; none where there are several, or where its parts cannot be told."""
        codings = [coding for coding in parts(concept, "coding") if text(coding, "system") == NDC]
        codes = list(dict.fromkeys(code for coding in codings if (code := text(coding, "code"))))
        if len(codes) == 1 and NDC_FORM.fullmatch(codes[0]):
            return codes[0]
        if codes:
            why = (
                "several NDC" if len(codes) > 1 else "an NDC is 4-4-2, 5-3-2, 5-4-1 or 5-4-2 digits with dashes, or 11"
            )
            origins["product"] = f"left out: {where}: {why}"
            self._tell("product_unclear", it, f"{where}: {why}; not written down")
        return None

    # --- How it was given

    def _route(self, it: Resource, dosage: Mapping[str, Any], origins: dict[str, str]) -> str:
        voices = Voices()
        for number, coding in enumerate(parts(dosage, "route", "coding")):
            code, display = text(coding, "code"), text(coding, "display")
            meant = ROUTE_CODES.get(text(coding, "system"), {}).get(code)
            voices.hear(f"dosage.route.coding[{number}].code", code, [meant] if meant else [])
            voices.hear(f"dosage.route.coding[{number}].display", display, ROUTE_WORDS.of(display))
        words = text(dosage, "route", "text")
        voices.hear("dosage.route.text", words, ROUTE_WORDS.of(words))
        where = "dosage.route" if voices.says is not None else "dosage.text"
        _hear_text(voices, dosage, ROUTE_WORDS)
        if voices.differ:
            raise _LeftOut("route_contradicted", f"different routes: {voices.told}")
        if voices.says is None:
            raise _LeftOut("no_route", f"no route that is known: {voices.told or 'none is given'}")
        origins["route"] = f"mapped, {where}"
        return voices.says

    def _method(self, it: Resource, dosage: Mapping[str, Any], origins: dict[str, str]) -> str | None:
        voices = Voices()
        for coding in parts(dosage, "method", "coding"):
            meant = METHOD_CODES.get(text(coding, "system"), {}).get(text(coding, "code"))
            voices.hear("code", text(coding, "code"), [meant] if meant else [])
            voices.hear("display", text(coding, "display"), METHOD_WORDS.of(text(coding, "display")))
        voices.hear("text", text(dosage, "method", "text"), METHOD_WORDS.of(text(dosage, "method", "text")))
        where = "dosage.method" if parts(dosage, "method", "coding") else "dosage.method.text"
        unknown = voices.told if voices.says is None and not voices.differ else ""
        _hear_text(voices, dosage, METHOD_WORDS)
        if unknown or not isinstance(dosage.get("method"), Mapping):
            where = "dosage.text"
        if voices.differ:
            origins["method"] = f"contradicted: {where}: {voices.told}; not written down"
            self._tell("method_contradicted", it, f"different ways of giving it: {voices.told}")
            return None
        if voices.says is not None:
            origins["method"] = f"mapped, {where}"
        elif unknown:
            origins["method"] = "left out: dosage.method names no way of giving it that is known"
        return voices.says

    def _site(self, it: Resource, dosage: Mapping[str, Any], route: str, origins: dict[str, str]) -> str | None:
        site = dosage.get("site")
        if not isinstance(site, Mapping):
            return None
        if route not in VASCULAR:
            origins["site"] = "left out: the place of an injection is no vascular access"
            return None
        codes = [text(coding, "code") for coding in parts(site, "coding") if text(coding, "system") == SNOMED]
        if codes:
            words = f"the SNOMED code {codes[0]} is a structure of the body and no access"
            origins["site"] = f"left out: {words}; reported"
            self._tell("site_not_an_access", it, words)
            return None
        named = text(site, "text") or next((text(coding, "display") for coding in parts(site, "coding")), "")
        if named:
            origins["site"] = "taken, dosage.site"
        return named or None

    # --- When

    def _times(
        self, it: Resource, status: str, origins: dict[str, str]
    ) -> tuple[dt.datetime | None, dt.datetime | None, float | None, float | None, date | None]:
        """Start, stop as the period has it, the length of the period, and where it stands among others."""
        data = it.data
        period = data.get("effectivePeriod")
        if not isinstance(period, Mapping):
            start = self._read(it, data.get("effectiveDateTime"), "effectiveDateTime", "start", origins)
            return start.at, None, None, start.rank, start.day
        start = self._read(it, period.get("start"), "effectivePeriod.start", "start", origins)
        if period.get("end") is None:
            return start.at, None, None, start.rank, start.day
        stop = self._read(it, period["end"], "effectivePeriod.end", "stop", origins)
        rank, day = (start.rank, start.day) if start.day is not None else (stop.rank, stop.day)
        if status in _WITHOUT_STOP:
            origins["stop"] = f"not there: status {status}"
            self._tell("no_stop", it, f"status {status}: the end of the period is no stop")
            return start.at, None, None, rank, day
        minutes = 0.0
        if start.at is not None and stop.at is not None:
            minutes = (stop.at - start.at).total_seconds() / 60
        elif start.day is not None and stop.day is not None and stop.day < start.day:
            minutes = -1.0  # whatever the hour
        else:
            return start.at, stop.at, None, rank, day
        if minutes == 0:
            origins["stop"] = "left out: the period ends when it starts, so it is an instant, and an instant is a start"
            self._tell("instant", it, "the period ends when it starts; a start without a stop")
            return start.at, None, None, rank, day
        if minutes < 0:
            origins["start"] = origins["stop"] = "contradicted: the period ends before it starts; not written down"
            self._tell("period_contradicted", it, "the period ends before it starts; neither time is written down")
            return None, None, None, rank, day
        return start.at, stop.at, minutes, rank, day

    def _read(self, it: Resource, value: object, where: str, field_name: str, origins: dict[str, str]) -> ClockReading:
        found = self._reading(value)
        if found.at is not None:
            origins[field_name] = f"taken, {where}"
        else:
            trouble = str(found.trouble)
            origins[field_name] = f"left out: {where}: {TROUBLES[trouble]}"
            if trouble != "no_time" or field_name == "start":
                self._tell(trouble, it, f"{where}: {TROUBLES[trouble]}; no {field_name}")
        return found

    def _reading(self, value: object) -> ClockReading:
        written = value.strip() if isinstance(value, str) else ""
        if not written:
            return ClockReading(trouble="no_time")
        try:
            if len(written) == 10:
                return self._clock.read(date.fromisoformat(written))
            found = dt.datetime.fromisoformat(written)
        except ValueError:
            return ClockReading(trouble="date_without_time" if len(written) in (4, 7) else "time_not_readable")
        if found.tzinfo is None and self._clock.zone is None:
            rank = found.replace(tzinfo=dt.UTC).timestamp()
            return ClockReading(None, found.date(), rank, "time_without_offset")
        return self._clock.settle(found)

    def _stop(
        self,
        it: Resource,
        said: Sequence[StatedLength],
        period: float,
        stop: dt.datetime,
        origins: dict[str, str],
    ) -> dt.datetime | None:
        """The end of a period, unless something says that the period is not the running time."""
        against = [length for length in said if length.contradicts(period)]
        if against:
            words = ", ".join(length.words for length in against)
            told = f"a period of {period:g} minutes, {words}"
            origins["stop"] = f"contradicted: {told}; not written down, asked"
            self._tell("period_contradicted", it, f"{told}; the stop is not written down")
            return None
        if period > 1440:
            self._tell(
                "period_of_days", it, f"a period of {period:g} minutes that nothing contradicts; the stop is its end"
            )
        agrees = [length for length in said if length.least > 0]
        if agrees:
            origins["stop"] = (
                f"taken, effectivePeriod.end: {agrees[0].words} agrees with the {period:g} minutes of the period"
            )
        return stop

    # --- The chart

    def _chart(self, name: str, doses: Sequence[_Dose], found: ImportedResources) -> list[Given]:
        items = [dose.resource.item for dose in doses]
        encounter = self._encounter(name, doses)
        origins: dict[str, str] = {}
        used: list[Resource] = [] if encounter is None else [encounter]
        reason, message = "", ""
        if encounter is not None and text(encounter.data, "status") in ("entered-in-error", "cancelled"):
            reason = "encounter_not_held"
            message = f"the encounter is {text(encounter.data, 'status')}"
        day = self._day(doses, encounter, origins)
        place, why = self._place_of(encounter, used, origins)
        if not reason and place is None:
            reason, message = why, _PLACES[why]
        if not reason and day is None:
            reason, message = "no_date", "nothing says on which date it was"
        if reason:
            for dose in doses:
                self._leave_out(dose.resource, reason, message)
            return []
        ordered = sorted(doses, key=lambda it: (it.rank or 0.0, natural(it.resource.name)))
        given = [it for dose in ordered for it in dose.given]
        chart: dict[str, Any] = {
            "id": name,
            "place_of_service": place,
            "date": str(day),
            "time_zone": self._clock.zone,
            "payer": self._payer(encounter, doses, used, origins),
            "diagnoses": self._diagnoses(encounter, name, used, origins),
            "access_sites": access_sites(given),
            "administrations": [
                {key: value for key, value in it.fields.items() if value is not None or key in ("start", "stop")}
                for it in given
            ],
            "services": self._services(name, used, origins),
        }
        whole, refusals = checked(chart, Source(f"encounter {name}"))
        if whole is None:
            found.refusals += refusals
            for item in items:
                self.account.leave_out(item, "chart_refused")
            self.account.find("chart_refused", str(refusals[0].message), items, resource=name)
            return []
        found.charts.append(whole)
        self._origins[name] = origins
        for it in [*(dose.resource for dose in doses), *(use for dose in doses for use in dose.uses), *used]:
            if it.item >= 0:
                self.account.use(it.item)
        return given

    def _encounter(self, name: str, doses: Sequence[_Dose]) -> Resource | None:
        it = doses[0].resource
        found = self._index.find(it.data.get("context"), it)
        return found if found is not None and found.type == "Encounter" else None

    def _day(self, doses: Sequence[_Dose], encounter: Resource | None, origins: dict[str, str]) -> date | None:
        days = [(dose.rank, dose.day) for dose in doses if dose.rank is not None and dose.day is not None]
        if days:
            origins["date"] = "taken, the date of the first administration"
            return min(days)[1]
        begun = None if encounter is None else self._reading(part(encounter.data, "period", "start")).day
        if begun is not None:
            origins["date"] = "taken, Encounter.period.start"
        return begun

    def _place_of(
        self, encounter: Resource | None, used: list[Resource], origins: dict[str, str]
    ) -> tuple[str | None, str]:
        """The place of service: by the codes or the mapped words of the locations, by the class, or as given."""
        if encounter is not None:
            codes: dict[str, None] = {}
            for at in parts(encounter.data, "location"):
                location = self._index.find(at.get("location"), encounter)
                for code in self._codes_of(at.get("location"), location):
                    codes[code] = None
                    if location is not None:
                        used.append(location)
            if len(codes) > 1:
                return None, "place_contradicted"
            if codes:
                origins["place_of_service"] = "mapped, Encounter.location"
                return next(iter(codes)), ""
            for words in (text(encounter.data, "class", "code"), text(encounter.data, "class", "display")):
                if words.casefold() in self._places:
                    origins["place_of_service"] = "mapped, Encounter.class"
                    return self._places[words.casefold()], ""
        if self._place is not None:
            origins["place_of_service"] = "given with the command"
            return self._place, ""
        return None, "no_place_of_service"

    def _codes_of(self, reference: object, location: Resource | None) -> Iterator[str]:
        words = [name_of(reference) or "", text(reference, "display")]
        if location is not None:
            words.append(text(location.data, "name"))
            for kind in parts(location.data, "type"):
                words.append(text(kind, "text"))
                for coding in parts(kind, "coding"):
                    code = text(coding, "code")
                    if (
                        PLACES in text(coding, "system").casefold().replace("_", "-")
                        and len(code) == 2
                        and code.isdecimal()
                    ):
                        yield code
                    words += [code, text(coding, "display")]
        yield from (self._places[it.casefold()] for it in words if it.casefold() in self._places)

    def _diagnoses(
        self, encounter: Resource | None, name: str, used: list[Resource], origins: dict[str, str]
    ) -> list[str]:
        listed: list[tuple[tuple[int, int], Resource]] = []
        if encounter is not None:
            for number, it in enumerate(parts(encounter.data, "diagnosis")):
                condition = self._index.find(it.get("condition"), encounter)
                rank = it.get("rank")
                if condition is not None and condition.type == "Condition":
                    listed.append(((rank if isinstance(rank, int) else 1_000_000, number), condition))
        named = {id(it) for _, it in listed}
        others = self._of_visit["Condition", name]
        listed += [((2_000_000, n), it) for n, it in enumerate(others) if id(it) not in named]
        codes: dict[str, None] = {}
        for _, it in sorted(listed, key=lambda pair: pair[0]):
            code = self._icd(it)
            if code is not None:
                codes[code] = None
                used.append(it)
        if codes:
            origins["diagnoses"] = "taken, Condition.code"
        return list(codes)

    def _icd(self, it: Resource) -> str | None:
        """The ICD-10-CM code of a condition; None, with the reason, where it has none that counts."""
        if _coded(it.data.get("verificationStatus"), "entered-in-error"):
            return None
        if any(_coded(it.data.get("verificationStatus"), status) for status in _UNCONFIRMED):
            self.account.leave_out(it.item, "diagnosis_not_confirmed")
            return None
        codings = [coding for coding in parts(it.data, "code", "coding") if text(coding, "system") in ICD10CM]
        codes = list(dict.fromkeys(code for coding in codings if (code := diagnosis(text(coding, "code")))))
        if len(codes) == 1:
            return codes[0]
        reason = "diagnosis_contradicted" if codes else "diagnosis_not_icd10"
        self.account.leave_out(it.item, reason)
        self._tell(reason, it, "several ICD-10-CM codes" if codes else "no ICD-10-CM code")
        return None

    def _payer(
        self, encounter: Resource | None, doses: Sequence[_Dose], used: list[Resource], origins: dict[str, str]
    ) -> str | None:
        patients = {dose.subject for dose in doses if dose.subject}
        held: list[tuple[int, str, Resource]] = []
        for it in (it for patient in sorted(patients) for it in self._of_visit["Coverage", patient]):
            if text(it.data, "status") != "active":
                self.account.leave_out(it.item, "coverage_not_active")
                continue
            for payor in parts(it.data, "payor"):
                whose = self._index.find(payor, it)
                named = text(whose.data, "name") if whose is not None and whose.type == "Organization" else ""
                order = it.data.get("order")
                if name := named or text(payor, "display"):
                    held.append((order if isinstance(order, int) else 1, name.casefold(), it))
        first = [it for it in held if it[0] == min(order for order, _, _ in held)] if held else []
        if len({name for _, name, _ in first}) > 1:
            for _, _, it in first:
                self.account.leave_out(it.item, "payer_contradicted")
            self._tell("payer_contradicted", first[0][2], "several payers, and which comes first is not said")
            return None
        if not first or (patients and len(patients) > 1):
            return None
        origins["payer"] = "taken, Coverage.payor"
        used += [it for _, _, it in first]
        return first[0][1]

    def _services(self, name: str, used: list[Resource], origins: dict[str, str]) -> list[dict[str, Any]]:
        found = []
        for it in self._of_visit["Procedure", name]:
            status, code = text(it.data, "status"), part(it.data, "code")
            if status == "entered-in-error":
                continue
            kinds = {SERVICES[w] for word in _words(code) if (w := plain_name(word).casefold()) in SERVICES}
            if len(kinds) != 1 or status not in ("completed", "not-done"):
                self.account.leave_out(it.item, "procedure_not_mapped" if len(kinds) != 1 else "procedure_not_done_yet")
                continue
            found.append({"kind": kinds.pop(), **({"done": False} if status == "not-done" else {})})
            origins[f"services[{len(found) - 1}]"] = f"mapped, {it.name}.code"
            used.append(it)
        return found


_PLACES = {
    "place_contradicted": "the locations of the encounter are different places of service",
    "no_place_of_service": "nothing says where it was; --place-of-service gives it for such visits",
}


def _version(it: Resource) -> tuple[int, str]:
    version = text(it.data, "meta", "versionId")
    return (int(version) if version.isdecimal() else 0, text(it.data, "meta", "lastUpdated"))


def _id(it: Resource) -> tuple[Any, ...]:
    return natural(it.name)


def _words(concept: object) -> list[str]:
    """The text of a concept, and the words of its codes."""
    words = [text(concept, "text"), *(text(coding, "display") for coding in parts(concept, "coding"))]
    return [it for it in words if it]


def _coded(concept: object, code: str) -> bool:
    return any(text(coding, "code") == code for coding in parts(concept, "coding"))


def _item(ingredient: Mapping[str, Any]) -> Mapping[str, Any]:
    """The name of an ingredient: its concept, or the words of what it refers to."""
    concept = part(ingredient, "itemCodeableConcept")
    return concept if isinstance(concept, Mapping) else {"text": text(ingredient, "itemReference", "display")}


def _form(ndc: str) -> str:
    return "-".join(str(len(it)) for it in ndc.split("-")) if "-" in ndc else f"{len(ndc)} digits"


def _hear_text(voices: Voices, dosage: Mapping[str, Any], known: Words) -> None:
    """Take what the text of a dosage says, unless it speaks of several things itself."""
    words = text(dosage, "text")
    if len(meant := known.of(words)) == 1:
        voices.hear("dosage.text", f"({meant[0]})", meant)  # not the text, which is free
