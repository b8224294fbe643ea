"""The drug list: what it holds, how a charted name is found, the days of its codes, and what it refuses."""

from __future__ import annotations

import csv
import doctest
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivproof.chart.facts import facts_of
from ivproof.chart.reading import Source, parse
from ivproof.drugs import listing, names
from ivproof.drugs.listing import KINDS, Code, Drug, DrugList, DrugListError, Match
from ivproof.drugs.names import folded, forms

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
FOLDER = ROOT / "asp" / "drugs"
DRUGS = DrugList.load(FOLDER)
DAY = date(2020, 10, 5)


def found(text: str, on: date = DAY) -> Match:
    match = DRUGS.find(text, on)
    assert match is not None, text
    return match


def key(text: str) -> str | None:
    match = DRUGS.find(text, DAY)
    return match.drug.key if match else None


def appendix_rows() -> list[dict[str, str]]:
    with (DATA / "appendix_a.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def noted_drugs() -> Iterator[tuple[str, str]]:
    for line in (DATA / "drugs_in_note.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            kind, names = line.split(":")
            yield from ((kind, name.strip()) for name in names.split(","))


# What the list holds


def test_the_list_is_large_and_every_kind_is_used() -> None:
    assert len(DRUGS) >= 250
    assert {drug.kind for drug in DRUGS} == KINDS


def test_keys_can_stand_in_a_logic_program() -> None:
    assert [drug.key for drug in DRUGS if not re.fullmatch("[a-z][a-z0-9_]*", drug.key) or drug.key == "not"] == []


@pytest.mark.parametrize("row", appendix_rows(), ids=lambda row: row["hcpcs_in_policy"])
def test_every_row_of_appendix_a_is_there_with_its_printed_code(row: dict[str, str]) -> None:
    # The CSV writes remarks of its own into the name: "bevacizumab (policy: ..)", "alemtuzumab 1 mg (..)".
    name = re.sub(r" \(policy.*\)|, (not otherwise specified|imported)$", "", row["drug"])
    name = re.sub(r" 10 mg \(reference product\)| biosimilar 10 mg| depot 7\.5 mg| acetate 1 mg", "", name)
    name = re.sub(r" 1 mg$| 50 mg$", "", re.sub(r" acetate$", "", name))
    drug = found(name).drug
    assert drug.printed
    assert row["hcpcs_in_policy"] in {p.printed_code.hcpcs for p in drug.products if p.printed_code}


def test_nothing_else_counts_as_printed_but_a_combination_of_printed_drugs() -> None:
    printed = {row["hcpcs_in_policy"] for row in appendix_rows()}
    codes = {p.printed_code.hcpcs for drug in DRUGS for p in drug.products if p.printed_code}
    assert codes == printed
    without_code = [drug.key for drug in DRUGS if drug.printed and drug.printed_code is None]
    assert without_code == ["pertuzumab_trastuzumab"]


@pytest.mark.parametrize(("brand", "printed"), [(r["brand"], r["hcpcs_in_policy"]) for r in appendix_rows()])
def test_printed_brands_find_the_drug_of_the_printed_code(brand: str, printed: str) -> None:
    names = re.sub(r"\(.*?\)", "", brand)  # "Soliris (policy: ..)", "(blank in policy; Doxil implied)"
    for name in filter(None, (n.strip() for n in re.split(r"[/,]", names))):
        assert printed in {p.printed_code.hcpcs for p in found(name).drug.products if p.printed_code}


@pytest.mark.parametrize(
    "misprint",
    [
        "limumab",
        "Alemtuzumb",
        "Plantinol",
        "Iriniotecan",
        "Solaris",
        "Fluoracil",
        "Ecluziumab",
        "BCG Interferon",
    ],
)
def test_misprints_of_the_policy_are_not_spellings(misprint: str) -> None:
    assert key(misprint) is None


@pytest.mark.parametrize("name", (DATA / "drugs_in_cases.txt").read_text(encoding="utf-8").splitlines())
def test_every_drug_of_the_cases_is_found(name: str) -> None:
    assert key(name)


CHEMOTHERAPY = {"antineoplastic", "antineoplastic_antibody", "antineoplastic_hormonal"}
KINDS_OF_NOTE = {
    "therapeutic": {"therapeutic", "supportive", "vitamin", "chemotherapy_modulator"},
    "electrolyte": {"electrolyte"},
    "hydration": {"saline", "balanced_fluid", "dextrose"},
    "flush": {"flush"},
    "chemotherapy": CHEMOTHERAPY,
    "review": {"immune_antibody"},
}


@pytest.mark.parametrize(("kind", "name"), list(noted_drugs()))
def test_every_drug_of_the_review_note_is_there_with_a_fitting_kind(kind: str, name: str) -> None:
    drug = found(name).drug
    assert drug.kind in KINDS_OF_NOTE[kind]
    assert not drug.printed or name.startswith("etoposide")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pembrolizumab", "antineoplastic_antibody"),
        ("Kadcyla", "antineoplastic_antibody"),
        ("Zoladex", "antineoplastic_hormonal"),
        ("infliximab", "immune_antibody"),
        ("Orencia", "immune_antibody"),
        ("Proleukin", "biologic_response_modifier"),
        ("BCG", "biologic_response_modifier"),
        ("dexrazoxane", "chemotherapy_modulator"),
        ("D5 1/2NS with KCl 20 mEq", "saline"),
        ("lactated Ringer's", "balanced_fluid"),
        ("D10W", "dextrose"),
        ("D50", "therapeutic"),
        ("3% saline", "therapeutic"),
        ("KCl", "electrolyte"),
        ("saline lock", "flush"),
        ("Omnipaque", "contrast"),
        ("Shingrix", "vaccine"),
        ("2 units PRBC", "blood_product"),
        ("fresh frozen plasma", "blood_product"),
        ("albumin 25%", "therapeutic"),
        ("Lutathera", "radionuclide"),
        ("F-18 FDG", "radionuclide"),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert found(name).drug.kind == kind


def test_hormonal_and_immunotherapy_flags() -> None:
    assert {d.key for d in DRUGS if d.hormonal} == {d.key for d in DRUGS if d.kind == "antineoplastic_hormonal"}
    for name in ("pembrolizumab", "rituximab", "ipilimumab", "aldesleukin", "BCG"):
        assert found(name).drug.immunotherapy, name
    for name in ("infliximab", "denosumab", "paclitaxel", "brentuximab", "Enhertu", "filgrastim"):
        assert not found(name).drug.immunotherapy, name


def test_codes_do_not_tell_the_kind() -> None:
    """A printed drug may have a J0 code, and a J9 code may belong to a hormone, an antidote or BCG."""
    first_letters: dict[str, set[str]] = {}
    for drug in DRUGS:
        for code in (code for product in drug.products for code in product.codes):
            first_letters.setdefault(code.hcpcs[:2], set()).add(drug.kind)
    assert CHEMOTHERAPY & first_letters["J0"]
    assert {"chemotherapy_modulator", "biologic_response_modifier", "immune_antibody"} <= first_letters["J9"]


# Finding a drug


@pytest.mark.parametrize(
    ("text", "drug"),
    [
        # one name in several writings
        *((text, "fluorouracil") for text in ("5FU", "5-FU", "5 fu", "5‑FU", "Adrucil", "5-fluorouracil")),
        *(
            (t, "dextrose_half_normal_saline")
            for t in ("D5-1/2NS", "D5 1/2 NS", "d5½ns", "D5 0.45% NaCl", "D5 half NS")
        ),
        *((t, "normal_saline") for t in ("NS", "0.9% NaCl", "normal saline 0.9%", "sodium chloride 0.9 %", ".9% NS")),
        *((t, "half_normal_saline") for t in ("1/2NS", "½ NS", "half-normal saline", "0.45% sodium chloride")),
        *((t, "lactated_ringers") for t in ("LR", "Ringer’s Lactate", "lactated ringers", "Lactated Ringers solution")),
        ("D5W", "dextrose_5_water"),
        ("MgSO4", "magnesium_sulfate"),
        ("adrenaline", "epinephrine"),
        ("paracetamol", "acetaminophen"),
        ("folinic acid", "leucovorin"),
        ("interferon α-2b", "interferon_alfa_2b"),
        ("Bacillus Calmette-Guérin", "bcg"),
        ("piperacillin/tazobactam", "piperacillin_tazobactam"),
        ("piperacillin and tazobactam", "piperacillin_tazobactam"),
        ("nab-paclitaxel", "paclitaxel_protein_bound"),
        ("Remicade®", "infliximab"),
        # with volumes, routes and strengths
        ("0.9% sodium chloride 1000 mL", "normal_saline"),
        ("NS 1,000 mL bolus", "normal_saline"),
        ("NS at 125 mL/hr", "normal_saline"),
        ("ondansetron 4 mg", "ondansetron"),
        ("Zofran 4mg IV push", "ondansetron"),
        ("ceftriaxone 1 g", "ceftriaxone"),
        ("Rocephin 1 gm IVPB", "ceftriaxone"),
        ("ceftriaxone 1 g in 50 mL", "ceftriaxone"),
        ("heparin 5,000 units/mL", "heparin"),
        ("heparin lock flush 100 units/mL", "heparin_flush"),
        ("vitamin B12 1000 mcg", "cyanocobalamin"),
        ("penicillin G potassium 4 million units", "penicillin_g"),
        ("potassium chloride 20 mEq in 100 mL", "potassium_chloride"),
        ("magnesium sulfate 2 g", "magnesium_sulfate"),
        # two names of one drug, and a drug in its carrier
        ("ondansetron (Zofran) 4 mg", "ondansetron"),
        ("Rituxan (rituximab)", "rituximab"),
        ("famotidine (PF) 20 mg/2 mL", "famotidine"),
        ("ceftriaxone 1 g in 100 mL NS", "ceftriaxone"),
        ("Decadron 10 mg in D5W", "dexamethasone"),
        # salts
        ("ceftriaxone sodium", "ceftriaxone"),
        ("doxorubicin hydrochloride", "doxorubicin"),
        ("Dexamethasone sodium phosphate 10 mg", "dexamethasone"),
        ("morphine sulfate", "morphine"),
        ("leucovorin calcium", "leucovorin"),
        # a ready-made bag with potassium is one drug
        ("NS with 40 KCl", "saline_potassium"),
        ("normal saline + 20 mEq KCl/L", "saline_potassium"),
        ("NS with 20KCl", "saline_potassium"),
        ("NS w/20 mEq KCl per liter @ 100 mL/hr", "saline_potassium"),
        ("KCl 20 mEq/L in 0.9% NaCl 1,000 mL", "saline_potassium"),
        ("D5-1/2NS+30mEq KCl/liter", "dextrose_half_normal_saline_potassium"),
        ("D5 1/2NS with KCl 20 mEq", "dextrose_half_normal_saline_potassium"),
        ("LR with 20 mEq KCl", "lactated_ringers_potassium"),
        ("0.9% sodium chloride with 20 mEq KCl", "saline_potassium"),
        ("20 mEq potassium chloride in dextrose 5% and 0.45% sodium chloride", "dextrose_half_normal_saline_potassium"),
        ("dextrose 5% in 0.45% NaCl w/40 KCl", "dextrose_half_normal_saline_potassium"),
        ("D5LR + 20 mEq/L KCl", "dextrose_lactated_ringers_potassium"),
        ("5% dextrose in water, 20 mEq potassium per liter", "dextrose_potassium"),
    ],
)
def test_spellings(text: str, drug: str) -> None:
    assert key(text) == drug


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "%", "mg", "4 mg", "IV push", "\n", "#script", "硫酸マグネシウム"),
        *("cef", "ceftriax", "ondansetrn", "vancomycinx", "ritux", "mab", "J06", "J0696X", "Rocephin Zofran"),
        *("7% saline", "0.9% ", "sodium chloride", "calcium", "potassium", "magnesium chloride"),
        *(
            "NS 20 mEq",
            "NS 2 g",
            "NS potassium phosphate 15 mmol",
            "LR sodium acetate",
            "ceftriaxone with 20 mEq KCl",
            "20 mEq KCl in vancomycin",
            "3% saline with 20 mEq KCl",
        ),
        *("ceftriaxone (Zofran)", "Truxima (Rituxan)", "normal saline (Zofran)", "ceftriaxone (Zofran) in NS"),
        *("ceftriaxone in vancomycin", "folfox", "J9999", "C9399", "J3490", "not otherwise specified"),
        "ceftriaxone %* ondansetron *%",
    ],
)
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    assert DRUGS.find(text, DAY) is None


def test_no_beginning_of_a_name_is_a_name_unless_the_list_says_so() -> None:
    names = {folded(s) for d in DRUGS for s in (d.name, d.key.replace("_", " "), *d.spellings)}
    names |= {folded(brand) for d in DRUGS for p in d.products for brand in p.brands}
    for drug in DRUGS:
        for length in range(3, len(drug.name)):
            match = DRUGS.find(drug.name[:length], DAY)
            assert match is None or {form.folded for form in forms(drug.name[:length])} & names


@given(st.text(max_size=40))
def test_any_text_is_found_or_not_but_never_fails(text: str) -> None:
    match = DRUGS.find(text, DAY)
    assert match == DRUGS.find(text, DAY)
    assert match is None or match.drug in set(DRUGS)


@given(
    st.sampled_from(sorted(DRUGS.drugs)),
    st.sampled_from(["{}", " {} ", "{} 4 mg", "({})", "{}."]),
    st.booleans(),
)
def test_case_marks_and_doses_change_nothing(drug: str, around: str, upper: bool) -> None:
    name = DRUGS.drugs[drug].name
    text = around.format(name.upper() if upper else name)
    expected = None if around == "{} 4 mg" and DRUGS.drugs[drug].kind in KINDS_OF_NOTE["hydration"] else drug
    assert key(text) == expected


def test_how_it_was_found() -> None:
    assert (found("ceftriaxone").how, found("ceftriaxone").product) == ("ingredient", None)
    assert (found("paracetamol").how, found("paracetamol").product) == ("alias", None)
    rocephin, code = found("Rocephin"), found("j0696")
    assert rocephin.how == "brand" and rocephin.product and rocephin.product.key == "ceftriaxone"
    assert code.how == "hcpcs" and code.code and code.code.hcpcs == "J0696"
    assert (rocephin.notes, code.notes) == ((), ())


def test_of_two_names_the_one_that_settles_a_product_counts_and_a_carrier_is_noted() -> None:
    for text in ("Truxima (rituximab)", "rituximab (Truxima)", "rituximab-abbs (Truxima) 500 mg"):
        product = found(text).product
        assert product and product.key == "rituximab_abbs"
    carried = found("Rocephin 1 g in NS 50 mL")
    assert carried.product and carried.carrier
    assert (carried.carrier.drug.key, carried.carrier.ml) == ("normal_saline", Decimal(50))


def printed_names(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


@pytest.mark.parametrize("row", printed_names("names_of_records.csv"), ids=lambda row: row["printed"])
def test_the_names_of_records_are_found_with_their_carriers(row: dict[str, str]) -> None:
    match = found(row["printed"])
    other = {"piperacillin and tazobactam": "piperacillin_tazobactam", "insulin regular": "insulin"}
    assert match.drug.key == other.get(row["ingredient"]) or match.drug.name == row["ingredient"]
    carrier = match.carrier
    assert (carrier.drug.name if carrier else "") == row["carrier"]
    assert (str(carrier.ml) if carrier and carrier.ml is not None else "") == row["carrier_ml"]


@pytest.mark.parametrize("row", printed_names("printed_names.csv"), ids=lambda row: row["printed"])
def test_a_printed_name_is_found_by_its_parts_or_not_at_all(row: dict[str, str]) -> None:
    match = DRUGS.find(row["printed"], DAY)
    assert (match.drug.key if match else "") == row["drug"]
    carrier = match.carrier if match else None
    assert (carrier.drug.key if carrier else "") == row["fluid"]
    assert (str(carrier.ml) if carrier and carrier.ml is not None else "") == row["fluid_ml"]


def test_names_as_systems_print_them_are_found_and_none_is_found_wrong() -> None:
    rows = printed_names("names_of_systems.csv")
    lost: list[str] = []
    for row in rows:
        match = DRUGS.find(row["printed"], DAY)
        if match is None and row["drug"]:
            lost.append(row["printed"])
            continue
        carrier = match.carrier if match else None
        said = match.drug.key if match else "", carrier.drug.key if carrier else "", match.others if match else ()
        assert said[:2] == (row["drug"], row["fluid"]), row["printed"]
        assert " | ".join(it.drug.key for it in said[2]) == row["also"], row["printed"]
        assert (str(carrier.ml) if carrier and carrier.ml is not None else "") == row["fluid_ml"], row["printed"]
    assert len(rows) > 250
    assert len(lost) <= 0.02 * sum(bool(row["drug"]) for row in rows), lost


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("rituximab (Herceptin) 500 mg", "rituximab", "Herceptin"),
        ("cefTRIAXone (ZOFRAN) 1 g in sodium chloride 0.9 % 50 mL IVPB", "ceftriaxone", "Zofran"),
        ("inFLIXimab-dyyb (RENFLEXIS) 400 mg in NS 250 mL", "infliximab-dyyb", "Renflexis"),
        ("ondansetron (PEPCID) tablet 8 mg", "ondansetron", "Pepcid"),
    ],
)
def test_two_names_that_differ_are_named(text: str, one: str, other: str) -> None:
    assert DRUGS.find(text, DAY) is None
    assert DRUGS.differ(text, DAY) == (one, other)
    assert f"names {one} and {other}, which are not the same" in note_on(text)


@pytest.mark.parametrize("text", ["rituximab (Rituxan)", "ceftriaxone (XYZZYMAB)", "ondansetron", "Plantinol", ""])
def test_names_that_agree_or_are_not_known_do_not_differ(text: str) -> None:
    assert DRUGS.differ(text, DAY) is None


def test_several_drugs_of_one_name_are_told_and_none_is_picked() -> None:
    text = "ondansetron 8 mg and dexamethasone 10 mg in NS 50 mL IVPB"
    assert DRUGS.find(text, DAY) is None
    each = DRUGS.several(text)
    assert [(it.drug.key, it.carrier and it.carrier.drug.key) for it in each] == [
        ("ondansetron", "normal_saline"),
        ("dexamethasone", "normal_saline"),
    ]
    assert "names several drugs (ondansetron, dexamethasone)" in note_on(text)
    assert DRUGS.several("ceftriaxone in vancomycin") == DRUGS.several("ondansetron and xyzzy") == ()


def note_on(drug: str) -> str:
    given = [{"id": "x", "drug": drug, "route": "IV"}]
    chart = {"id": "E", "place_of_service": "22", "date": DAY.isoformat(), "administrations": given}
    encounter = parse(chart, Source("visit.json")).encounter
    assert encounter
    return " ".join(facts_of(encounter, DRUGS).notes)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("KCl 20 mEq and magnesium sulfate 2 g in NS 1000 mL", ["potassium_chloride"]),
        ("magnesium sulfate 2 g and KCl 20 mEq in NS 1000 mL", ["potassium_chloride"]),
        ("NS 1000 mL with KCl 20 mEq and magnesium sulfate 2 g", ["potassium_chloride"]),
        ("magnesium sulfate 2 g in NS 1000 mL", []),
    ],
)
def test_the_order_of_additions_in_a_name_tells_nothing(text: str, others: list[str]) -> None:
    match = found(text)
    assert match.drug.key == "magnesium_sulfate"
    assert match.carrier and (match.carrier.drug.key, match.carrier.added) == ("normal_saline", True)
    assert [it.drug.key for it in match.others] == others


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("ondansetron (ZOFRAN) tablet 8 mg", "ondansetron_oral"),
        ("ondansetron (ZOFRAN) injection 4 mg", "ondansetron"),
        ("acetaminophen (TYLENOL) tablet 650 mg", None),
        ("diphenhydramine 25 mg capsule PO", None),
    ],
)
def test_a_word_for_what_is_swallowed_never_settles_an_injection(text: str, product: str | None) -> None:
    match = found(text)
    assert (match.product.key if match.product else None) == product


@pytest.mark.parametrize(
    ("text", "drug", "added"),
    [
        ("potassium chloride 10 mEq in sodium chloride 0.9% 100 mL IVPB", "potassium_chloride", False),
        ("KCl 20 mEq in 0.9% NaCl 250 mL", "potassium_chloride", False),
        ("sodium chloride 0.9 % 100 mL with potassium chloride 10 mEq IVPB", "potassium_chloride", False),
        ("KCl 20 mEq in 0.9% NaCl 1,000 mL", "potassium_chloride", True),
        ("magnesium sulfate 2 g in NS 1 L", "magnesium_sulfate", True),
        ("vancomycin 1 g in NS 1 L", "vancomycin", False),
        ("KCl 20 mEq/L in 0.9% NaCl 1,000 mL", "saline_potassium", None),
        ("NS 1000 mL with 20 mEq KCl", "saline_potassium", None),
    ],
)
def test_a_dose_of_an_electrolyte_in_fluid_is_no_ready_made_bag(text: str, drug: str, added: bool | None) -> None:
    match = found(text)
    assert match.drug.key == drug
    assert (match.carrier.added if match.carrier else None) == added


@pytest.mark.parametrize("brand", ["ROCEPHIN", "ZOFRAN", "VANCOCIN", "TAXOL", "REMICADE", "XYZZY"])
@pytest.mark.parametrize("generic", ["cefTRIAXone", "ondansetron", "vancomycin", "PACLitaxel", "inFLIXimab"])
def test_a_brand_of_another_drug_is_refused(generic: str, brand: str) -> None:
    same = ("ROCEPHIN", "cefTRIAXone"), ("ZOFRAN", "ondansetron"), ("VANCOCIN", "vancomycin"), ("TAXOL", "PACLitaxel")
    match = DRUGS.find(f"{generic} ({brand}) 500 mg in sodium chloride 0.9 % 250 mL IVPB", DAY)
    assert (match is not None) == ((brand, generic) in {*same, ("REMICADE", "inFLIXimab")})


def test_form_and_route_come_with_the_brand_or_the_code() -> None:
    implant, capsule, on_body = (
        found("Supprelin LA").product,
        found("J8560").product,
        found("Neulasta Onpro").product,
    )
    assert implant and (implant.form, implant.routes) == ("implant", ("SQ",))
    assert capsule and (capsule.form, capsule.routes) == ("capsule", ("PO",))
    assert on_body and on_body.form == "on_body_injector"
    assert found("etoposide").product is None
    injected = found("Zoladex").product
    assert injected and injected.form == "depot", "called an implant, but injected"


def test_a_suggestion_is_a_known_spelling_and_never_a_match() -> None:
    assert DRUGS.find("ondansetrn", DAY) is None
    assert "ondansetron" in DRUGS.suggest("ondansetrn 4 mg")
    assert DRUGS.suggest("zzzzzz") == []
    assert all(DRUGS.find(s, DAY) for s in DRUGS.suggest("Plantinol"))
    spelled = DRUGS.suggest("nornal saline")
    assert len({match.drug.key for s in spelled if (match := DRUGS.find(s, DAY))}) == len(spelled) > 1


@pytest.mark.parametrize(
    ("charted", "perhaps"),
    [
        ("cefriaxone", "; perhaps ceftriaxone is meant"),
        ("zzyzximab", ""),
        ("Nornal Saline", "; perhaps normal saline, D5 normal saline or normal saline with KCl is meant"),
    ],
)
def test_a_name_that_the_list_does_not_know_is_noted_with_what_may_be_meant(charted: str, perhaps: str) -> None:
    administration = {"id": "x", "drug": charted, "route": "IV", "class": "therapeutic"}
    chart = {"id": "E", "place_of_service": "22", "date": DAY.isoformat(), "administrations": [administration]}
    encounter = parse(chart, Source("visit.json")).encounter
    assert encounter is not None
    facts = facts_of(encounter, DRUGS)
    assert facts.notes == (f'administrations[x].drug: "{charted}" is not on the drug list{perhaps}.',)


# Codes and days


@pytest.mark.parametrize(
    ("name", "on", "code"),
    [
        ("rituximab", date(2018, 12, 31), "J9310 (100 mg)"),
        ("rituximab", date(2019, 1, 1), "J9312 (10 mg)"),
        ("rituximab", date(2020, 10, 1), "J9312 (10 mg)"),
        ("Truxima", date(2020, 10, 1), "Q5115 (10 mg)"),
        ("Inflectra", date(2018, 3, 31), "Q5102 (10 mg)"),
        ("Inflectra", date(2018, 4, 1), "Q5103 (10 mg)"),
        ("Renflexis", date(2018, 4, 1), "Q5104 (10 mg)"),
        ("pembrolizumab", DAY, "J9271 (1 mg)"),
        ("ceftriaxone", DAY, "J0696 (250 mg)"),
        ("etoposide", DAY, "J9181 (10 mg)"),
        ("etoposide capsule", DAY, "J8560 (50 mg)"),
        ("copanlisib", date(2018, 7, 1), "C9030 (1 mg)"),
        ("copanlisib", date(2019, 1, 1), "J9057 (1 mg)"),
        ("durvalumab", date(2018, 12, 31), "C9492 (10 mg)"),
        ("durvalumab", date(2019, 7, 1), "J9173 (10 mg)"),
        ("adalimumab", date(2024, 12, 31), "J0135 (20 mg)"),
        ("adalimumab", date(2025, 1, 1), "J0139 (1 mg)"),
        ("cyclophosphamide", date(2024, 3, 31), "J9070 (100 mg)"),
        ("cyclophosphamide", date(2024, 4, 1), "J9075 (5 mg)"),
        ("eculizumab", date(2025, 4, 1), "J1299 (2 mg)"),
        ("BCG", date(2019, 6, 30), "J9031 (1 dose)"),
        ("BCG", date(2019, 7, 1), "J9030 (1 mg)"),
        ("Neulasta", date(2022, 1, 1), "J2506 (0.5 mg)"),
        ("copanlisib", date(2018, 6, 30), "None"),
        ("teniposide", date(2026, 1, 1), "None"),
        ("Vyxeos", DAY, "J9153"),
        ("famotidine", DAY, "None"),
    ],
)
def test_the_code_in_force(name: str, on: date, code: str) -> None:
    assert str(found(name, on).code_on(on)) == code


@pytest.mark.parametrize(
    ("name", "on", "way", "meant", "others"),
    [
        ("Q5102", DAY, ("IV", None), None, {"Q5103", "Q5104"}),  # a code of two products, each with a successor
        ("J9310", DAY, ("IV", None), "J9312", set()),  # its product has another code now
        ("J9044", date(2023, 5, 2), ("IV", None), None, {"J9041", "J9046", "J9048", "J9049"}),  # ended, nothing follows
        ("J9044", DAY, ("IV", None), "J9044", set()),
        ("J9070", date(2024, 5, 1), ("IV", None), "J9075", {"J9073", "J9074"}),  # makers that got codes when it ended
        ("bortezomib", DAY, ("IV", None), "J9041", {"J9044"}),
        ("Velcade", DAY, ("IV", None), "J9041", set()),
        ("trastuzumab", DAY, ("SQ", None), "J9356", set()),  # one product is given under the skin
        ("leuprolide", DAY, ("IM", None), None, {"J9217", "J1950"}),
        ("leuprolide", DAY, ("SQ", "implant"), "J9219", set()),
        ("adalimumab", DAY, ("IV", None), None, set()),
        ("rituximab", date(2018, 12, 31), ("IV", None), "J9310", set()),
    ],
)
def test_codes_that_may_be_meant(
    name: str, on: date, way: tuple[str, str | None], meant: str | None, others: set[str]
) -> None:
    codes = found(name, on).codes_on(on, *way)
    assert (codes.meant and codes.meant.hcpcs) == meant
    assert {code.hcpcs for code in codes.others} == others


def test_a_code_that_ended_is_never_said_to_be_the_reference_product_now() -> None:
    [note] = found("Q5102").notes
    assert "J1745" not in note
    assert "Q5103" in note and "Q5104" in note


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("rituximab", "J9310 (100 mg)"),
        ("Rituxan", "J9310 (100 mg)"),
        ("copanlisib", "C9399"),
        ("Supprelin LA", "J1675 (10 mcg)"),
        ("Avastin", "C9257 (0.25 mg)"),
        ("etoposide", "J8560 (50 mg)"),
        ("leuprolide", "J9218 (1 mg)"),
        ("Eligard", "J9217 (7.5 mg)"),
        ("Lipodox", "Q2049 (10 mg)"),
        ("Doxil", "Q2050 (10 mg)"),
        ("Simponi", "J1602 (1 mg)"),
        ("Truxima", "None"),
        ("ceftriaxone", "None"),
    ],
)
def test_the_printed_code(name: str, printed: str) -> None:
    assert str(found(name).printed_code) == printed


@pytest.mark.parametrize(
    ("name", "route", "code"),
    [
        ("ustekinumab", "SQ", "J3357"),
        ("trastuzumab", "SQ", "J9356"),
        ("trastuzumab", "IV", "J9355"),
        ("etoposide", "PO", "J8560"),
        ("bortezomib", "SQ", "J9041"),
        ("golimumab", "SQ", None),
        ("ceftriaxone", "IM", "J0696"),
    ],
)
def test_the_route_picks_the_product(name: str, route: str, code: str | None) -> None:
    on = date(2020, 10, 5)
    in_force = found(name).code_on(on, route)
    assert (in_force.hcpcs if in_force else None) == code


def test_a_code_outside_its_days_still_finds_its_drug_and_says_so() -> None:
    ended = found("J9310", date(2020, 10, 1))
    assert ended.drug.key == "rituximab"
    assert [word in ended.notes[0] for word in ("J9310", "2018-12-31", "J9312")] == [True] * 3
    assert found("J9310", date(2018, 10, 1)).notes == ()
    early = found("J9312", date(2018, 12, 31))
    assert early.drug.key == "rituximab" and "2019-01-01" in early.notes[0]
    unknown_start = found("J9277", DAY)
    assert unknown_start.drug.key == "pembrolizumab" and "first listed" in unknown_start.notes[0]


def test_a_code_that_products_share_settles_no_product() -> None:
    match = found("Q5102", date(2018, 1, 1))
    assert (match.drug.key, match.product, match.notes) == ("infliximab", None, ())


def test_two_codes_of_a_product_are_never_in_force_on_one_day() -> None:
    for drug in DRUGS:
        for product in drug.products:
            for one, other in combinations(product.codes, 2):
                days = [d for d in (one.valid_from, one.valid_to, other.valid_from, other.valid_to, DAY) if d]
                assert not any(one.in_force(day) and other.in_force(day) for day in days), product.key


def test_every_code_finds_its_own_drug_on_each_of_its_ends() -> None:
    for drug in DRUGS:
        for code in (code for product in drug.products for code in product.codes):
            for day in (code.valid_from, code.valid_to):
                match = DRUGS.find(code.hcpcs, day or DAY)
                assert match and match.drug is drug
                assert day is None or not match.notes


def test_days_of_codes_hold_at_their_ends() -> None:
    code = Code("X0000", date(2019, 1, 1), date(2019, 6, 30), amount=Decimal(10), measure="mg")
    days = (date(2018, 12, 31), date(2019, 1, 1), date(2019, 6, 30), date(2019, 7, 1))
    assert [code.in_force(day) for day in days] == [False, True, True, False]
    assert Code("X0000").in_force(date.min) and Code("X0000").in_force(date.max)


def test_every_row_names_its_sources() -> None:
    used = {source for drug in DRUGS for source in drug.sources}
    with (FOLDER / "products.csv").open(encoding="utf-8", newline="") as file:
        used |= {s.strip() for row in csv.DictReader(file) for s in row["sources"].split("|")}
    with (FOLDER / "next-door.csv").open(encoding="utf-8", newline="") as file:
        used |= {s.strip() for row in csv.DictReader(file) for s in row["sources"].split("|")}
    with (FOLDER / "codes.csv").open(encoding="utf-8", newline="") as file:
        used |= {row["source"] for row in csv.DictReader(file)}
    assert used == set(DRUGS.sources)
    assert all(code.checked for d in DRUGS for p in d.products for code in p.codes)


def test_the_examples_in_the_documentation_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for module in (listing, names):
        results = doctest.testmod(module)
        assert results.attempted and not results.failed


def test_drugs_know_their_products() -> None:
    for drug in DRUGS:
        defaults = [product for product in drug.products if product.key == drug.key]
        assert drug.products == () or [drug.default_product] == defaults
    assert isinstance(DRUGS.drugs["rituximab"], Drug)


# What is refused


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, old
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def add(file: str, row: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / file).open("a", encoding="utf-8") as out:
            out.write(row + "\n")

    return change


def drug_row(key: str, spellings: str = "", kind: str = "therapeutic", flags: str = "no,no,no") -> str:
    return f"{key},{key},{kind},{flags},{spellings},names,"


BROKEN: dict[str, tuple[Callable[[Path], None], str, tuple[str, ...]]] = {
    "spelling of two drugs": (
        add("ingredients.csv", drug_row("newdrug", "Zofran tablets | 5 f.u.")),
        "ingredients.csv",
        ("5 f.u.", "fluorouracil"),
    ),
    "brand of two products": (
        add("products.csv", "newproduct,ceftriaxone,Zo-fran,,,,,,,,,names,"),
        "products.csv",
        ("Zo-fran", "Zofran"),
    ),
    "name is a brand": (
        add("ingredients.csv", drug_row("rocephin")),
        "products.csv",
        ("Rocephin", "rocephin"),
    ),
    "key twice": (
        add("ingredients.csv", drug_row("ceftriaxone")),
        "ingredients.csv",
        ("ceftriaxone", "no row above"),
    ),
    "key with a capital": (
        add("ingredients.csv", drug_row("Newdrug")),
        "ingredients.csv",
        ("Newdrug", "lower-case"),
    ),
    "unknown kind": (
        add("ingredients.csv", drug_row("newdrug", kind="poison")),
        "ingredients.csv",
        ("poison", "saline"),
    ),
    "unknown flag": (
        add("ingredients.csv", drug_row("newdrug", flags="perhaps,no,no")),
        "ingredients.csv",
        ("printed", "perhaps", "yes"),
    ),
    "hormonal without the kind": (
        add("ingredients.csv", drug_row("newdrug", flags="no,yes,no")),
        "ingredients.csv",
        ("hormonal", "antineoplastic_hormonal"),
    ),
    "immunotherapy of an electrolyte": (
        add("ingredients.csv", drug_row("newdrug", kind="electrolyte", flags="no,no,yes")),
        "ingredients.csv",
        ("immunotherapy", "electrolyte"),
    ),
    "unknown source": (
        add("ingredients.csv", "newdrug,newdrug,therapeutic,no,no,no,,hearsay,"),
        "ingredients.csv",
        ("hearsay", "sources.csv"),
    ),
    "no source": (
        add("ingredients.csv", "newdrug,newdrug,therapeutic,no,no,no,,,"),
        "ingredients.csv",
        ("sources",),
    ),
    "code as a spelling": (
        add("ingredients.csv", drug_row("newdrug", "J1234")),
        "ingredients.csv",
        ("J1234", "products.csv"),
    ),
    "empty spelling": (
        add("ingredients.csv", drug_row("newdrug", "--")),
        "ingredients.csv",
        ("--", "letters"),
    ),
    "no name": (
        add("ingredients.csv", "newdrug,,therapeutic,no,no,no,,names,"),
        "ingredients.csv",
        ("name",),
    ),
    "too few columns": (
        add("ingredients.csv", "newdrug,newdrug"),
        "ingredients.csv",
        ("newdrug", "9 columns"),
    ),
    "other header": (
        replace("products.csv", "product,ingredient", "ingredient,product"),
        "products.csv",
        ("header", "product,ingredient"),
    ),
    "ingredient that is not there": (
        add("products.csv", "newproduct,nodrug,,,,,,,,,,names,"),
        "products.csv",
        ("nodrug", "ingredients.csv"),
    ),
    "code of two drugs": (
        add("products.csv", "newproduct,famotidine,,,,J0696,,,,,,names,"),
        "products.csv",
        ("J0696", "ceftriaxone"),
    ),
    "two codes on one day": (
        add("products.csv", "ceftriaxone,ceftriaxone,,,,J0000,2019-01-01,,,,,names,"),
        "products.csv",
        ("J0696", "2019-01-01"),
    ),
    "days that overlap by one": (
        replace("products.csv", "J9310,,2018-12-31", "J9310,,2019-01-01"),
        "products.csv",
        ("J9310", "2019-01-01"),
    ),
    "end before the beginning": (
        replace("products.csv", "C9030,2018-07-01,2018-12-31", "C9030,2018-07-01,2018-06-30"),
        "products.csv",
        ("2018-06-30", "2018-07-01"),
    ),
    "a date that is none": (
        replace("products.csv", "J9312,2019-01-01", "J9312,2019-02-30"),
        "products.csv",
        ("2019-02-30", "valid_from"),
    ),
    "amount without measure": (
        replace("products.csv", "J0696,,,250,mg", "J0696,,,250,"),
        "products.csv",
        ("measure", "mg"),
    ),
    "amount that is none": (
        replace("products.csv", "J0696,,,250,mg", "J0696,,,much,mg"),
        "products.csv",
        ("much", "above 0"),
    ),
    "amount of nothing": (
        replace("products.csv", "J0696,,,250,mg", "J0696,,,0,mg"),
        "products.csv",
        ("amount", "0"),
    ),
    "code of another shape": (
        replace("products.csv", "J0696,,,250,mg", "J696,,,250,mg"),
        "products.csv",
        ("J696", "four digits"),
    ),
    "unknown form": (
        add("products.csv", "newproduct,famotidine,,powder,,,,,,,,names,"),
        "products.csv",
        ("powder", "implant"),
    ),
    "unknown route": (
        add("products.csv", "newproduct,famotidine,,,IV | SC,,,,,,,names,"),
        "products.csv",
        ("SC", "SQ"),
    ),
    "rows of a product that disagree": (
        add("products.csv", "ceftriaxone,ceftriaxone,,capsule,,J0000,,2000-01-01,,,,names,"),
        "products.csv",
        ("capsule", "row"),
    ),
    "days without a code": (
        add("products.csv", "newproduct,famotidine,,,,,2019-01-01,,,,,names,"),
        "products.csv",
        ("valid_from", "without a code"),
    ),
    "printed code of a drug that is not printed": (
        add("products.csv", "newproduct,famotidine,,,,,,,,,J0000,names,"),
        "products.csv",
        ("J0000", "not printed"),
    ),
    "source without a day": (
        add("sources.csv", "rumour,A rumour,nobody,,nothing"),
        "sources.csv",
        ("as_of",),
    ),
    "source twice": (
        add("sources.csv", "names,Names,nobody,2020-01-01,nothing"),
        "sources.csv",
        ("names", "above"),
    ),
    "file that is not there": (lambda folder: (folder / "sources.csv").unlink(), "sources.csv", ("file",)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_list_that_contradicts_itself_is_refused_with_place_and_reason(name: str, tmp_path: Path) -> None:
    change, file, words = BROKEN[name]
    folder = shutil.copytree(FOLDER, tmp_path / "drugs")
    change(folder)
    with pytest.raises(DrugListError) as error:
        DrugList.load(folder)
    said = [str(problem) for problem in error.value.problems if problem.file == file and problem.row > 0]
    assert any(all(word in line for word in words) for line in said), said
    assert "expected" in str(error.value)


def test_every_problem_is_told_at_once_with_its_row(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "drugs")
    rows = len((folder / "ingredients.csv").read_text(encoding="utf-8").splitlines())
    add("ingredients.csv", drug_row("One", kind="poison"))(folder)
    add("ingredients.csv", drug_row("two", kind="potion"))(folder)
    with pytest.raises(DrugListError) as error:
        DrugList.load(folder)
    places = {(p.row, p.column, p.found) for p in error.value.problems}
    assert places == {(rows + 1, "key", "One"), (rows + 1, "kind", "poison"), (rows + 2, "kind", "potion")}


def test_the_list_has_no_spelling_that_says_nothing_new() -> None:
    for drug in DRUGS:
        names = [
            drug.name,
            *drug.spellings,
            *(brand for product in drug.products for brand in product.brands),
        ]
        assert len({folded(name) for name in names}) == len(names), drug.key
