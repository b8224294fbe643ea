"""The vocabulary, the facts that Python writes and the table of predicates say the same."""

from pathlib import Path
from typing import Any

import pytest

from ivproof.chart.encounter import Administration, Encounter
from ivproof.chart.facts import Facts, facts_of
from ivproof.chart.reading import Source, parse
from ivproof.checks.predicates import markdown, meanings_of, predicates
from ivproof.drugs.listing import DrugList
from ivproof.law.policy import Policy, law_folder
from ivproof.law.terms import Signature, split

OF_THE_ENGINE = {("open", 1), ("reading", 2)}

FULL: dict[str, Any] = {
    "id": "E-full",
    "claim_type": "facility",
    "place_of_service": "22",
    "date": "2020-10-05",
    "time_zone": "America/New_York",
    "note": "for people",
    "payer": "Medicare",
    "primary_reason": "a",
    "diagnoses": ["C50.911"],
    "order": "signed",
    "inpatient_order_at": "2020-10-06T12:00",
    "earlier_visit": {"initial_reported": True, "line_left_in": True},
    "regulated_facility": True,
    "access_sites": [
        {"id": "one", "kind": "port", "necessity": "protocol"},
        {"id": "two", "kind": "peripheral", "replaces": "one"},
    ],
    "administrations": [
        {
            "id": "a",
            "drug": "trastuzumab",
            "product": "P",
            "class": "chemotherapy",
            "hormonal": False,
            "route": "IV",
            "method": "infusion",
            "site": "one",
            "lumen": "distal",
            "bag": "B",
            "premixed": True,
            "dose": "D",
            "ordered_minutes": 600,
            "form": "solution",
            "start": "2020-10-05T23:00",
            "stop": "2020-10-06T01:00",
            "pauses": [{"from": "23:10", "to": "23:15", "reason": "reaction"}],
            "purpose": "premedication",
            "volume_ml": 100,
            "rate_ml_per_h": 50,
            "pump": "portable",
            "pump_supplied_by": "clinic",
            "discontinued": "reaction",
            "diagnostic": True,
            "order": "verbal",
            "container": "single_dose",
            "billing_units": 4,
            "discarded_units": 1,
        },
        {"id": "b", "drug": "trastuzumab", "route": "IV", "site": "two", "continues": "a", "integral_to": "protocol"},
        {"id": "c", "drug": "leuprolide", "route": "IM", "site": "gluteal", "hormonal": True},
        {"id": "d", "drug": "methotrexate", "route": "IT", "spinal_puncture": True, "puncture_by": "another"},
        {"id": "e", "drug": "methotrexate", "route": "IT", "reservoir": True},
        {"id": "f", "drug": "bleomycin", "route": "IL", "lesions": 3},
        {
            "id": "g",
            "drug": "pembrolizumab",
            "route": "IV",
            "site": "one",
            "start": "23:30",
            "stop": "00:10",
            "amount": "200 mg",
            "vials": [{"size": "100 mg", "count": 2}],
            "source": "MAR p. 3",
            "note": "for people",
        },
        {"id": "h", "drug": "ondansetron", "route": "IV", "done": False},
        {"id": "i", "drug": "Botox", "route": "IM"},
        {"id": "j", "drug": "ceftriaxone 1 g in NS 50 mL IVPB", "route": "IV"},
        {"id": "k", "drug": "thiamine 100 mg and folic acid 1 mg in NS 1000 mL", "route": "IV"},
    ],
    "services": [
        {"kind": "evaluation_and_management", "code": "99213", "separately_identifiable": True},
        {"kind": "thoracentesis", "done": False},
    ],
}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.load("out001")


@pytest.fixture(scope="module")
def drugs() -> DrugList:
    return DrugList.load(law_folder() / "drugs")


def full(drugs: DrugList) -> Facts:
    chart = parse(FULL, Source("full.yaml"))
    assert chart.encounter is not None, chart.refusals
    return facts_of(chart.encounter, drugs, ("medicare",))


def written(facts: Facts) -> set[Signature]:
    own = {(fact.predicate, len(split(f"p({fact.arguments})"))) for fact in facts.own}
    shared = {(text.partition("(")[0], len(split(text))) for text in facts.shared}
    return own | shared


def test_the_chart_of_this_test_fills_every_field() -> None:
    encounter = parse(FULL, Source("full.yaml")).encounter
    assert encounter is not None
    for name in Encounter.model_fields.keys() - {"billed"}:
        assert getattr(encounter, name), name
    for name in Administration.model_fields:
        assert any(getattr(it, name) not in (None, ()) for it in encounter.administrations), name


def test_inputs_are_what_python_writes(policy: Policy, drugs: DrugList) -> None:
    found = written(full(drugs))
    drug_codes = {("code_in_force", 2), ("printed_code", 2), ("printed_per_unit", 2)}
    drug_codes |= {("other_code", 2), ("ended_code", 2), ("charted_per_unit", 2)}
    more = {**FULL, "administrations": [{"id": "z", "drug": "J9190", "route": "IV", "billing_units": 1}]}
    more["primary_reason"] = "z"
    for name in ("J9310", *(drug.name for drug in drugs.drugs.values())):
        if drug_codes <= found:
            break
        more["administrations"][0]["drug"] = name
        chart = parse(more, Source("more.yaml"))
        assert chart.encounter is not None, chart.refusals
        found |= written(facts_of(chart.encounter, drugs, ("medicare",)))
    assert found | OF_THE_ENGINE == policy.inputs


def test_every_input_says_what_it_means(policy: Policy) -> None:
    meanings = meanings_of(policy)
    assert meanings.keys() == policy.inputs
    assert all(meaning.endswith(".") for meaning in meanings.values())


def test_a_meaning_may_take_two_lines(policy: Policy) -> None:
    assert meanings_of(policy)["at", 2].endswith("midnight(D).")


def test_the_table_of_the_readme_is_true(policy: Policy) -> None:
    readme = Path(law_folder() / "README.md").read_text("utf-8")
    assert readme.endswith("\n\n" + markdown(policy)), "print the table anew: python -m ivproof.checks.predicates"


def test_every_predicate_of_the_law_is_in_the_table(policy: Policy) -> None:
    found = {(it.name, it.arity) for it in predicates(policy)}
    assert policy.program.signatures <= found


def test_the_table_tells_who_reads(policy: Policy) -> None:
    by_name = {it.name: it for it in predicates(policy)}
    assert by_name["drug"].python == ("facts.py",)
    assert by_name["drug"].defined_in == ("the chart",)
    assert by_name["unit"].python == ("determination.py",)
    assert by_name["unit"].defined_in == ("out001/claim.lp",)
    assert by_name["drug_kind"].defined_in == ("the drug list",)
    assert by_name["chosen"].python == ("engine.py",)
    assert by_name["initial_service"].python == ()
