"""FHIR R4: the samples of the records' folder, and resources of our own with what they have to become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imported
import pytest
from command import run
from ruamel.yaml import YAML

from ivproof.drugs.codes import Codes
from ivproof.importers.fhir import ImportedResources, import_resource
from ivproof.law.policy import law_folder

FHIR = Path(__file__).parent / "records" / "fhir"
EXPECTED = YAML(typ="safe").load((FHIR / "expected.yaml").read_text("utf-8"))


def imports(tmp_path: Path, *files: Path, status: int = 0) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    charts, report = tmp_path / "charts.jsonl", tmp_path / "report.json"
    done = run("import", "fhir", *files, "--place-of-service", "22", "-o", charts, "--report", report)
    assert done.exit_code == status, done.output
    return [json.loads(line) for line in charts.read_text("utf-8").splitlines()], json.loads(report.read_text("utf-8"))


def test_the_samples_become_what_they_have_to(tmp_path: Path) -> None:
    charts, report = imports(tmp_path, FHIR)
    assert imported.report_differs(report, EXPECTED["report"]) == []
    assert imported.findings(report["findings"]) == imported.findings(EXPECTED["findings"])
    assert imported.charts(charts) == imported.charts(EXPECTED["charts"])
    products = {it["id"]: it.get("product") for chart in charts for it in chart["administrations"]}
    assert products["medadmin0301"] == "0069-2587-10"


def test_every_value_says_how_it_came(tmp_path: Path) -> None:
    _, report = imports(tmp_path, FHIR)
    for name, fields in EXPECTED["origins"].items():
        if isinstance(fields, str):
            assert report["origins"][name].startswith(fields.partition(":")[0])
            continue
        for field, how in fields.items():
            came = next(
                word for word in ("taken", "mapped", "left out", "contradicted", "not there") if word in how[:12]
            )
            assert report["origins"][name][field].startswith(came), (name, field)


def test_a_narrative_is_no_data(tmp_path: Path) -> None:
    charts, report = imports(tmp_path, FHIR / "qicore-medicationadministration-example.json")
    assert charts == []
    assert imported.report_differs(report, EXPECTED["alone"]) == []


def test_nobody_is_named(tmp_path: Path) -> None:
    imports(tmp_path, FHIR)
    written = "".join(path.read_text("utf-8") for path in tmp_path.iterdir())
    for secret in ("Donald", "Duck", "Pump", "pat1", "Careful", "f007"):
        assert secret not in written


# --- resources of our own


def given(**fields: Any) -> dict[str, Any]:
    """A dose of ceftriaxone into a vein, with other fields in place of its own; None leaves one out."""
    whole = {
        "resourceType": "MedicationAdministration",
        "id": "m1",
        "status": "completed",
        "medicationCodeableConcept": {"text": "ceftriaxone"},
        "subject": {"reference": "Patient/p", "display": "Somebody"},
        "context": {"reference": "Encounter/e"},
        "effectivePeriod": {"start": "2021-01-15T10:00:00-05:00", "end": "2021-01-15T10:30:00-05:00"},
        "dosage": {"route": {"text": "Intravenous"}},
        **fields,
    }
    return {key: value for key, value in whole.items() if value is not None}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in resources]}


def read(*resources: dict[str, Any], **options: Any) -> ImportedResources:
    whole = resources[0] if len(resources) == 1 else bundle(*resources)
    return import_resource(whole, imported.drugs(), **{"place_of_service": "22", **options})


def only(found: ImportedResources) -> dict[str, Any]:
    [chart] = found.charts
    [one] = chart["administrations"]
    return dict(one)


def kinds(found: ImportedResources) -> set[str]:
    return {it["kind"] for it in found.report["findings"]}


def snomed(code: str, display: str | None = None) -> dict[str, Any]:
    coding = {"system": "http://snomed.info/sct", "code": code}
    return {"coding": [coding if display is None else {**coding, "display": display}]}


@pytest.mark.parametrize(
    "dosage",
    [
        {"text": "infuse over 60 minutes"},
        {"text": "IV over 1 hour"},
        {"text": "a 2-hour infusion"},
        {"text": "over 5 to 10 min"},
        {"rateQuantity": {"value": 4, "unit": "min", "code": "min"}},
        {"rateQuantity": {"value": 2, "unit": "h", "code": "h"}},
        {"dose": {"value": 1000, "unit": "mL", "code": "mL"}, "rateQuantity": {"value": 100, "code": "mL/h"}},
        {
            "text": "1 g in 1 L at the rate below",
            "rateRatio": {"numerator": {"value": 100, "code": "mL"}, "denominator": {"value": 1, "code": "h"}},
        },
        {"text": "100 mL at 100 mL/hr"},
        {"text": "over 1 1/2 hours"},
        {"text": "1 g IV every 15 min"},
    ],
)
def test_a_period_that_anything_contradicts_is_no_running_time(dosage: dict[str, Any]) -> None:
    found = read(given(dosage={"route": {"text": "Intravenous"}, **dosage}))
    assert only(found).get("stop") is None
    assert only(found)["start"] == "2021-01-15T10:00:00-05:00"
    assert kinds(found) == {"period_contradicted"}
    assert found.report["origins"]["m1"]["stop"].startswith("contradicted")


@pytest.mark.parametrize(
    "dosage",
    [
        {},
        {"text": "infuse over 30 minutes"},
        {"text": "over 29 min"},
        {"text": "infuse over half an hour"},
        {"text": "over 20-40 minutes"},
        {"text": "1 g IV every 12 hours for 3 days, max 4 g over 24 hours"},
        {"rateQuantity": {"value": 30, "unit": "min", "code": "min"}},
        {"dose": {"value": 50, "unit": "mL", "code": "mL"}, "rateQuantity": {"value": 100, "code": "mL/h"}},
    ],
)
def test_a_period_that_nothing_contradicts_is_the_running_time(dosage: dict[str, Any]) -> None:
    found = read(given(dosage={"route": {"text": "Intravenous"}, **dosage}))
    assert only(found)["stop"] == "2021-01-15T10:30:00-05:00"
    assert kinds(found) == set()


@pytest.mark.parametrize(
    "route",
    [
        snomed("34206005", "Intravenous route"),
        snomed("78421000", "Intravenous"),
        {"coding": snomed("47625008")["coding"], "text": "IM"},
        {"coding": [*snomed("47625008")["coding"], *snomed("78421000")["coding"]]},
        {"text": "Intravenous or intramuscular"},
    ],
)
def test_a_route_that_is_contradicted_is_not_picked(route: dict[str, Any]) -> None:
    found = read(given(dosage={"route": route}))
    assert found.charts == []
    assert found.report["left_out"] == {"route_contradicted": 1}
    assert kinds(found) == {"route_contradicted"}


def test_a_route_that_the_text_contradicts_is_not_picked() -> None:
    found = read(given(dosage={"route": snomed("34206005"), "text": "2 g IV push"}))
    assert (found.charts, kinds(found)) == ([], {"route_contradicted"})


def test_a_route_in_the_text_only_is_a_route() -> None:
    assert only(read(given(dosage={"text": "1 g IM once"})))["route"] == "IM"


@pytest.mark.parametrize("dosage", [{}, {"route": {"text": "by the usual way"}}, {"route": snomed("1")}])
def test_no_route_is_guessed(dosage: dict[str, Any]) -> None:
    found = read(given(dosage=dosage))
    assert (found.charts, found.report["left_out"]) == ([], {"no_route": 1})


@pytest.mark.parametrize(
    ("medication", "reason"),
    [
        ({"text": "ceftriaxone", "coding": [{"display": "vancomycin"}]}, "drug_contradicted"),
        ({"text": "ondansetron (Toradol) 4 mg"}, "drug_contradicted"),
        ({"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "0069-2587-10"}]}, "drug_not_named"),
        ({}, "drug_not_named"),
    ],
)
def test_a_drug_that_is_contradicted_or_not_named_is_left_out(medication: dict[str, Any], reason: str) -> None:
    found = read(given(medicationCodeableConcept=medication))
    assert (found.charts, found.report["left_out"]) == ([], {reason: 1})


@pytest.mark.parametrize(
    ("codes", "product", "noticed"),
    [
        (["0069-2587-10"], "0069-2587-10", set()),
        (["51144-050-01"], "51144-050-01", set()),
        (["51144-0050-1"], "51144-0050-1", set()),
        (["51144005001"], "51144005001", set()),
        (["0069258710"], None, {"product_unclear"}),
        (["0069-2587-10", "51144-050-01"], None, {"product_unclear"}),
        (["0069-2587-10", "0069-2587-10"], "0069-2587-10", set()),
    ],
)
def test_a_code_of_a_product_is_taken_where_its_parts_are_known(
    codes: list[str], product: str | None, noticed: set[str]
) -> None:
    codings = [{"system": "http://hl7.org/fhir/sid/ndc", "code": it, "display": "vancomycin"} for it in codes]
    found = read(given(medicationCodeableConcept={"coding": codings}))
    assert (only(found).get("product"), kinds(found)) == (product, noticed)


RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


@pytest.mark.parametrize(
    ("system", "code", "display", "drug", "reason"),
    [
        ("http://hl7.org/fhir/sid/ndc", "0409-7332-01", None, "ceftriaxone", None),
        (RXNORM, "1807507", None, "vancomycin", None),
        (RXNORM, "1807507", "vancomycin", "vancomycin", None),
        (RXNORM, "1807507", "ceftriaxone", None, "drug_contradicted"),
        (RXNORM, "99999999", None, None, "drug_not_named"),
        ("http://example.org", "1807507", None, None, "drug_not_named"),
    ],
)
def test_a_code_that_is_known_names_the_drug_and_may_contradict_its_words(
    system: str, code: str, display: str | None, drug: str | None, reason: str | None
) -> None:
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    codes = Codes.load(law_folder() / "drugs" / "codes.csv")
    found = read(given(medicationCodeableConcept={"coding": [coding]}), codes=codes)
    if drug is None:
        assert (found.charts, found.report["left_out"]) == ([], {reason: 1})
        return
    assert imported.drug(only(found)["drug"]) == imported.drug(drug)


def test_a_name_with_a_carrier_is_one_bag_of_two() -> None:
    named = "vancomycin (VANCOCIN) 1,250 mg in sodium chloride 0.9 % 250 mL IVPB"
    [chart] = read(given(medicationCodeableConcept={"text": named})).charts
    drug, carrier = chart["administrations"]
    assert (drug["drug"], "purpose" in drug) == ("vancomycin", False)
    assert (imported.drug(carrier["drug"]), carrier["purpose"], carrier["volume_ml"]) == (
        imported.drug("normal saline"),
        "carrier",
        250,
    )
    assert drug["bag"] == carrier["bag"]
    assert [it["stop"] for it in (drug, carrier)] == ["2021-01-15T10:30:00-05:00"] * 2


@pytest.mark.parametrize("often", ["every 12 hours", "q 8h", "q6-8h", "BID", "twice daily"])
def test_a_period_in_which_the_next_dose_comes_is_no_running_time(often: str) -> None:
    days = {"start": "2021-01-15T10:00:00-05:00", "end": "2021-01-17T10:00:00-05:00"}
    found = read(given(effectivePeriod=days, dosage={"text": f"1.5 g IV {often}"}))
    assert (only(found).get("stop"), kinds(found)) == (None, {"period_contradicted"})
    found = read(given(effectivePeriod=days, dosage={"text": "by pump, IV"}))
    assert (only(found)["stop"], kinds(found)) == ("2021-01-17T10:00:00-05:00", {"period_of_days"})


@pytest.mark.parametrize("status", ["in-progress", "on-hold"])
def test_what_is_not_done_yet_has_no_stop(status: str) -> None:
    found = read(given(status=status))
    assert (only(found).get("stop"), kinds(found)) == (None, {"no_stop"})


@pytest.mark.parametrize(
    ("fields", "state", "reason"),
    [
        ({"status": "entered-in-error"}, "voided", "entered_in_error"),
        ({"status": "not-done"}, "left_out", "not_given"),
        ({"notGiven": True}, "left_out", "not_given"),
        (
            {"status": "on-hold", "statusReason": [{"text": "Not administered because contraindicated"}]},
            "left_out",
            "not_given",
        ),
        ({"statusReason": [{"coding": [{"display": "Drug not taken"}]}]}, "left_out", "status_contradicted"),
        ({"status": "unknown"}, "left_out", "status_not_known"),
        ({"status": None}, "left_out", "status_not_known"),
        ({"modifierExtension": [{"url": "x", "valueBoolean": True}]}, "left_out", "modifier_extension"),
        ({"occurencePeriod": {"start": "2021-01-15"}}, "left_out", "not_r4"),
    ],
)
def test_what_was_not_given_or_not_understood_is_in_no_chart(fields: dict[str, Any], state: str, reason: str) -> None:
    found = read(given(**fields))
    assert (found.charts, found.report[state]) == ([], {reason: 1})


@pytest.mark.parametrize(
    ("fields", "start", "noticed"),
    [
        ({"effectiveDateTime": "2021-01-15T10:00:00-05:00"}, "2021-01-15T10:00:00-05:00", set()),
        ({"effectiveDateTime": "2021-01-15T10:00:00.250-05:00"}, "2021-01-15T10:00:00-05:00", set()),
        ({"effectiveDateTime": "2021-01-15"}, None, {"date_without_time"}),
        ({"effectivePeriod": {"start": "2021-01-15", "end": "2021-01-16"}}, None, {"date_without_time"}),
        ({"effectiveDateTime": "2021-01-15T10:00:00"}, None, {"time_without_offset"}),
        (
            {"effectivePeriod": {"start": "2021-01-15T10:00:00Z", "end": "2021-01-15T09:00:00Z"}},
            None,
            {"period_contradicted"},
        ),
        (
            {"effectivePeriod": {"start": "2021-01-15T10:00:00-05:00", "end": "2021-01-15T15:00:00Z"}},
            "2021-01-15T10:00:00-05:00",
            {"instant"},
        ),
        ({"effectivePeriod": {"start": "2021-01-15T10:00:00-05:00"}}, "2021-01-15T10:00:00-05:00", {"no_stop"}),
    ],
)
def test_what_a_time_says(fields: dict[str, Any], start: str | None, noticed: set[str]) -> None:
    fields = {"effectivePeriod": None, **fields}
    found = read(given(**fields))
    assert (only(found).get("start"), only(found).get("stop"), kinds(found)) == (start, None, noticed)
    assert found.charts[0]["date"] == "2021-01-15"


VISIT = {
    "resourceType": "Encounter",
    "id": "e",
    "status": "finished",
    "identifier": [{"system": "urn:csn", "value": "7"}],
}


@pytest.mark.parametrize(
    ("context", "visits"),
    [
        ({"type": "Encounter", "identifier": {"system": "urn:csn", "value": "7"}}, 1),
        ({"identifier": {"system": "urn:csn", "value": "7"}}, 1),
        ({"type": "Encounter", "identifier": {"system": "urn:other", "value": "7"}}, 2),
        ({"type": "Location", "identifier": {"system": "urn:csn", "value": "7"}}, 2),
        ({"reference": "https://a.example/fhir/Encounter/e"}, 1),
        ({"reference": "https://b.example/fhir/Encounter/e"}, 2),
    ],
)
def test_a_visit_is_found_by_its_identifier_and_not_on_another_server(context: dict[str, Any], visits: int) -> None:
    whole = bundle(VISIT, given(), given(id="m2", context=context))
    whole["entry"][0]["fullUrl"] = "https://a.example/fhir/Encounter/e"
    found = import_resource(whole, imported.drugs(), place_of_service="22")
    assert len(found.charts) == visits
    assert sum(len(it["administrations"]) for it in found.charts) == 2


def test_of_two_visits_with_one_identifier_none_is_picked() -> None:
    by_identifier = {"type": "Encounter", "identifier": {"system": "urn:csn", "value": "7"}}
    found = read(VISIT, {**VISIT, "id": "f"}, given(), given(id="m2", context=by_identifier))
    assert [len(it["administrations"]) for it in found.charts] == [1, 1]


def test_what_a_visit_refers_to_is_in_its_chart() -> None:
    request = {
        "resourceType": "MedicationRequest",
        "id": "r",
        "status": "active",
        "intent": "order",
        "dosageInstruction": [{"text": "1 g IV", "timing": {"repeat": {"duration": 30, "durationUnit": "min"}}}],
    }
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "EMER"},
        "location": [{"location": {"reference": "Location/ed"}}],
        "diagnosis": [
            {"condition": {"reference": "Condition/c2"}, "rank": 2},
            {"condition": {"reference": "Condition/c1"}, "rank": 1},
        ],
    }
    place = {
        "resourceType": "Location",
        "id": "ed",
        "type": [
            {
                "coding": [
                    {
                        "system": "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set",
                        "code": "23",
                    }
                ]
            }
        ],
    }
    conditions = [
        {
            "resourceType": "Condition",
            "id": name,
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]},
        }
        for name, code in (("c1", "J18.9"), ("c2", "E87.6"))
    ]
    coverage = {
        "resourceType": "Coverage",
        "id": "k",
        "status": "active",
        "subscriberId": "1EG4-TE5-MK73",
        "beneficiary": {"reference": "Patient/p"},
        "payor": [{"display": "Medicare"}],
    }
    procedure = {
        "resourceType": "Procedure",
        "id": "l",
        "status": "completed",
        "encounter": {"reference": "Encounter/e"},
        "code": {"text": "Lumbar puncture"},
    }
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": "Somebody"}]}
    dose = given(request={"reference": "MedicationRequest/r"})
    found = read(dose, request, encounter, place, *conditions, coverage, procedure, patient)
    [chart] = found.charts
    assert chart["id"] == "Encounter/e"
    assert (chart["place_of_service"], chart["diagnoses"], chart["payer"]) == ("23", ["J18.9", "E87.6"], "medicare")
    assert chart["services"] == [{"kind": "lumbar_puncture"}]
    assert chart["administrations"][0]["ordered_minutes"] == 30
    assert found.report["resources"] == {"read": 9, "used": 8, "voided": 0, "left_out": 1}
    assert found.report["left_out"] == {"type_not_read": 1}
    assert "Somebody" not in json.dumps([found.charts, found.report])
    assert "1EG4" not in json.dumps([found.charts, found.report])


def test_a_bag_of_several_ingredients_is_one_bag_whatever_they_are() -> None:
    ingredients = [
        "Clinimix 4.25/10 (4.25% Amino Acid in 10% Dextrose) Injection, 1000ml",
        "Intralipid 20%",
        "ketorolac",
    ]
    medication = {
        "resourceType": "Medication",
        "id": "tpn",
        "ingredient": [{"itemCodeableConcept": {"coding": [{"display": it}]}} for it in ingredients],
    }
    dosage = {
        "text": "1000mL infused at 50ml/hour for 4 hours - hung at 1000 hours",
        "route": snomed("255560000", "Intravenous"),
        "method": {"text": "PICC line"},
        "dose": {"value": 1000, "unit": "mL", "code": "mL"},
    }
    dose = given(
        contained=[medication],
        medicationCodeableConcept=None,
        medicationReference={"reference": "#tpn"},
        dosage=dosage,
        effectivePeriod={"start": "2021-01-15T10:00:00-05:00", "end": "2021-01-15T14:00:00-05:00"},
    )
    found = read(dose)
    given_ = found.charts[0]["administrations"]
    assert [(it["id"], it["bag"], it.get("stop"), it.get("method")) for it in given_] == [
        (f"m1-{number}", "m1", None, "infusion") for number in (1, 2, 3)
    ]
    assert found.report["origins"]["m1"]["method"] == "mapped, dosage.text"
    assert "1000 mL at 50 mL/h" in found.report["origins"]["m1"]["stop"]
    assert kinds(found) == {"period_contradicted"}


def test_an_order_of_another_length_contradicts_the_period() -> None:
    request = {
        "resourceType": "MedicationRequest",
        "id": "r",
        "status": "active",
        "dosageInstruction": [{"text": "infuse over 4 hours"}],
    }
    found = read(given(request={"reference": "MedicationRequest/r"}), request)
    assert (only(found).get("stop"), only(found)["ordered_minutes"]) == (None, 240)
    assert kinds(found) == {"period_contradicted"}


def test_doses_of_a_patient_without_encounters_are_no_visit_by_guess() -> None:
    found = read(given(context=None), given(id="m2", context=None))
    assert (found.charts, found.report["left_out"]) == ([], {"no_encounter": 2})


def test_the_newest_version_counts_and_a_copy_is_a_copy() -> None:
    old = given(meta={"versionId": "1"}, status="in-progress")
    new = given(meta={"versionId": "2"})
    found = read(old, new, new)
    assert only(found)["stop"] == "2021-01-15T10:30:00-05:00"
    assert found.report["resources"] == {"read": 3, "used": 1, "voided": 2, "left_out": 0}
    found = read(given(), given(status="stopped"))
    assert (found.charts, found.report["left_out"]) == ([], {"copies_differ": 2})


def test_a_method_that_is_contradicted_is_not_written_down() -> None:
    method = {"coding": snomed("420620005")["coding"], "text": "Continuous infusion"}
    found = read(given(dosage={"route": {"text": "Intravenous"}, "method": method}))
    assert ("method" in only(found), kinds(found)) == (False, {"method_contradicted"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("{", "no JSON"),
        ("<Bundle/>", "JSON"),
        ('{"id": "x"}', "resourceType"),
        ("[1, 2]", "resourceType"),
        ('{"resourceType": "Bundle", "entry": [{"resource": 7}]}', "resourceType"),
        ('{"resourceType": "Patient", "resourceType": "Patient"}', "second time"),
    ],
)
def test_damaged_input_is_refused_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text, "utf-8")
    done = run("import", "fhir", file, "--place-of-service", "22", "-o", tmp_path / "out.jsonl")
    assert done.exit_code == 1
    assert str(file) in done.output.replace("\n", "")
    assert words.rsplit(maxsplit=1)[-1].casefold() in done.output.casefold()
    assert not (tmp_path / "out.jsonl").exists()


def test_fields_of_a_wrong_shape_do_no_harm() -> None:
    for wrong in ("x", 7, [], {}, None, [1], {"coding": 5}, {"coding": [None]}, {"reference": 3}):
        for key in ("medicationCodeableConcept", "context", "subject", "effectivePeriod", "dosage", "request"):
            found = read({**given(), key: wrong})
            assert sum(found.report["resources"][it] for it in ("used", "voided", "left_out")) == 1


def test_ndjson_and_bundles_are_read_alike(tmp_path: Path) -> None:
    some = [given(), given(id="m2", effectivePeriod={"start": "2021-01-15T11:00:00-05:00"})]
    (tmp_path / "a.ndjson").write_text("".join(json.dumps(it) + "\n" for it in some), "utf-8")
    (tmp_path / "b.json").write_text(json.dumps(bundle(*some)), "utf-8")
    lines, _ = imports(tmp_path, tmp_path / "a.ndjson")
    whole, _ = imports(tmp_path, tmp_path / "b.json")
    assert lines == whole
    assert [it["id"] for it in whole[0]["administrations"]] == ["m1", "m2"]


def test_other_json_in_a_folder_is_left_out_and_counted(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "a package"}', "utf-8")
    (folder / "dose.json").write_text(json.dumps(given()), "utf-8")
    charts, report = imports(tmp_path, folder)
    assert (len(charts), report["resources"]["read"], report["left_out"]) == (1, 2, {"type_not_read": 1})
    imports_of_one = run("import", "fhir", folder / "package.json", "--place-of-service", "22", "--check")
    assert imports_of_one.exit_code == 1
