"""NDC and RxNorm: their forms, what they stand for on a day, and a crosswalk brought in without losing what was."""

from __future__ import annotations

import csv
import json
from datetime import date
from itertools import product as product_of
from pathlib import Path
from typing import Any

import pytest
from chart_fuzz import facts_differ
from command import run

from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.facts import facts_of
from ivproof.chart.reading import Source, parse
from ivproof.drugs.codes import COLUMNS, CodeError, Codes, read_code, read_crosswalk, updated
from ivproof.drugs.files import DrugListError
from ivproof.drugs.listing import DrugList
from ivproof.law.policy import law_folder
from ivproof.recheck.drugs import DrugError, Drugs
from ivproof.recheck.steps import atom

FOLDER = law_folder() / "drugs"
DRUGS = DrugList.load(FOLDER)
HEAD = (
    "_2026_CODE,Short Description,LABELER NAME,NDC2,Drug Name,HCPCS dosage,PKG SIZE,PKG QTY,BILLUNITS,BILLUNITSPKG,,,"
)


def crosswalk(*rows: str) -> bytes:
    """A file as it is published: words above the head, Latin-1, empty columns."""
    lines = ["January 2026 ASP NDC - HCPCS Crosswalk,,,,", '"  Effective",,,', ",,,,,,", HEAD, *rows, ",,,,,,"]
    return "\r\n".join(lines).encode("latin-1")


def row(ndc: str, hcpcs: str, units: str, package: str, name: str = "Ceftriaxone") -> str:
    return f'{hcpcs},Words,"Maker, Inc®",{ndc},{name},250 MG,1,10,{units},{package},,,'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0409-7332-01", "NDC 00409-7332-01"),
        ("51144-050-01", "NDC 51144-0050-01"),
        ("12345-6789-1", "NDC 12345-6789-01"),
        ("00409-7332-01", "NDC 00409-7332-01"),
        ("ndc: 00409733201", "NDC 00409-7332-01"),
        ("RxCUI 0001664992", "RxNorm 1664992"),
        ("1664992", "RxNorm 1664992"),
    ],
)
def test_every_form_of_a_code_is_brought_to_one(text: str, code: str) -> None:
    assert str(read_code(text)) == code


def test_what_may_be_several_codes_is_none_of_them() -> None:
    with pytest.raises(CodeError, match="may be 00409-7332-01, 04097-0332-01, 04097-3320-01"):
        read_code("0409733201")
    for text in ("123-456-78", "ndc 1664992", "rxnorm 0409-7332-01", "1234567890123"):
        with pytest.raises(CodeError):
            read_code(text)
    assert read_code("ceftriaxone 250") is None and read_code("J0696") is None


def test_the_codes_of_the_package_are_in_order_and_lead_to_drugs_of_the_list() -> None:
    codes = Codes.load(FOLDER / "codes.csv", (it.key for it in DRUGS))
    assert codes.text() == (FOLDER / "codes.csv").read_text("utf-8")
    for it in codes.codes:
        assert it.source in DRUGS.sources
        if it.hcpcs:
            assert [drug.key for drug in DRUGS.of_code(it.hcpcs)] == [it.drug]
        assert it.units is None or (it.package_units is not None and it.units <= it.package_units)


def test_a_code_is_told_with_its_drug_its_units_and_its_days(tmp_path: Path) -> None:
    done = run("drugs", "find", "0409-7332-01", "--on", "2026-02-01", "--format", "json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0 and found["drug"] == "ceftriaxone" and found["products"][0]["code"] == "J0696 (250 mg)"
    assert found["codes"][0] | {"source": ""} == {
        "system": "ndc",
        "code": "00409-7332-01",
        "name": "Ceftriaxone",
        "hcpcs": "J0696",
        "units": 4,
        "package_units": 40,
        "valid_from": "2026-01-01",
        "first_seen": True,
        "valid_to": None,
        "source": "",
    }
    assert json.loads(run("drugs", "find", "rxnorm 1807507", "--format", "json").stdout)["drug"] == "vancomycin"
    for text, words in (("0409733201", "with its dashes"), ("11111-1111-11", "is not among the codes")):
        done = run("drugs", "find", text)
        assert done.exit_code == 1 and words in done.stderr
    own = tmp_path / "own.csv"
    own.write_text(f"{','.join(COLUMNS)}\nndc,11111-1111-11,,J0000,Nothing,,,2020-01-01,2020-02-01,mine\n", "utf-8")
    done = run("drugs", "find", "11111-1111-11", "--codes", own, "--on", "2020-03-01", columns=200)
    assert done.exit_code == 1 and "from 2020-01-01, until 2020-02-01; not on 2020-03-01" in done.stdout
    assert "is J0000, which no drug of the list has" in done.stderr


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+Plus", "-Minus", "@At", "'=Quoted", "'Plain'"])
def test_a_name_is_no_formula_in_the_file_and_is_read_as_it_was(tmp_path: Path, name: str) -> None:
    file, codes = tmp_path / "crosswalk.csv", tmp_path / "codes.csv"
    file.write_bytes(crosswalk(row("00001-0001-01", "J0000", "1", "1", name)))
    update = ("drugs", "update", "--asp-crosswalk", file, "--codes", codes, "--as-of", "2026-01-01")
    assert run(*update, "--write").exit_code == 0
    [cells] = list(csv.DictReader(codes.read_text("utf-8").splitlines()))
    assert not cells["name"].startswith(("=", "+", "-", "@"))
    assert [it.name for it in Codes.load(codes).codes] == [name]
    assert "0 begin, 0 end, 0 have other units" in run(*update).stdout


def test_a_crosswalk_is_shown_before_it_is_written_and_nothing_is_lost(tmp_path: Path) -> None:
    file, codes = tmp_path / "crosswalk.csv", tmp_path / "codes.csv"
    first = [
        row("00409-7332-01", "J0696", "4", "40"),
        row("00409-7333-04", "J0696", "4", "40"),
        row("00001-0001-01", "J0000", "1", "1", "New"),
    ]
    file.write_bytes(crosswalk(*first))
    update = ("drugs", "update", "--asp-crosswalk", file, "--codes", codes)
    done = run(*update, "--as-of", "2026-01-01", columns=200)
    assert done.exit_code == 0 and not codes.exists()
    assert "+ NDC 00409-7332-01  J0696  Ceftriaxone  4 units a container, 40 a package" in done.stdout
    assert "3 begin, 0 end, 0 have other units" in done.stdout
    assert run(*update, "--as-of", "2026-01-01", "--write").exit_code == 0
    assert "0 begin, 0 end, 0 have other units" in run(*update, "--as-of", "2026-01-01").stdout
    file.write_bytes(
        crosswalk(row("00409-7332-01", "J0696", "4", "80"), first[2], row("00002-0002-02", "J0696", "1", "1"))
    )
    done = run(*update, "--as-of", "2026-04-01", "--write", columns=200)
    assert (
        "~ NDC 00409-7332-01  J0696  Ceftriaxone  4 units a container, 40 a package, now 4 units a container, 80"
        in done.stdout
    )
    assert "1 begin, 1 end, 1 have other units" in done.stdout
    assert codes.read_text("utf-8").splitlines()[1:] == [
        "ndc,00001-0001-01,,J0000,New,1,1,<=2026-01-01,,asp-crosswalk-2026-01",
        "ndc,00002-0002-02,ceftriaxone,J0696,Ceftriaxone,1,1,2026-04-01,,asp-crosswalk-2026-04",
        "ndc,00409-7332-01,ceftriaxone,J0696,Ceftriaxone,4,40,<=2026-01-01,2026-03-31,asp-crosswalk-2026-01",
        "ndc,00409-7332-01,ceftriaxone,J0696,Ceftriaxone,4,80,2026-04-01,,asp-crosswalk-2026-04",
        "ndc,00409-7333-04,ceftriaxone,J0696,Ceftriaxone,4,40,<=2026-01-01,2026-03-31,asp-crosswalk-2026-01",
    ]
    for day, package in (("2026-03-31", 40), ("2026-04-01", 80)):
        told = json.loads(
            run("drugs", "find", "0409-7332-01", "--codes", codes, "--on", day, "--format", "json").stdout
        )
        assert told["codes"][0]["package_units"] == package
    written = codes.read_bytes()
    done = run(*update, "--as-of", "2026-01-01", "--write", columns=200)
    assert done.exit_code == 1 and "2026-04-01 or later" in done.stderr and codes.read_bytes() == written
    done = run(*update, "--as-of", "2026-07-02", columns=200)
    assert done.exit_code == 2 and "first day of a quarter" in done.stderr


def test_what_is_no_crosswalk_or_no_list_of_codes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    for content, words in (
        (b"a,b\n1,2\n", "expected a table with the columns NDC2"),
        (crosswalk(row("0409733201", "J0696", "4", "40")), "expected an NDC with its dashes"),
        (crosswalk(row("00409-7332-01", "none", "4", "40")), "expected an NDC and an HCPCS code in line 5"),
    ):
        file.write_bytes(content)
        done = run("drugs", "update", "--asp-crosswalk", file, "--as-of", "2026-01-01", columns=200)
        assert done.exit_code == 1 and words in done.stderr
    file.write_text(
        f"{','.join(COLUMNS)}\nndc,0409-7332-01,nobody,j,x,-1,?,2026,,s\nndc,00409-7332-01,,,x,,,,,s\n", "utf-8"
    )
    with pytest.raises(DrugListError) as error:
        Codes.load(file, ["ceftriaxone"])
    told = [(it.row, it.column) for it in error.value.problems]
    assert told == [(2, it) for it in ("code", "drug", "hcpcs", "units", "package_units", "valid_from")] + [(3, "drug")]
    assert run("drugs", "find", "0409-7332-01", "--codes", file).exit_code == 1


def test_rxnorm_and_what_has_ended_are_left_alone_by_a_crosswalk() -> None:
    codes = Codes.load(FOLDER / "codes.csv")
    change = updated(codes, [], date(2026, 4, 1))
    assert {it.named.system for it in change.ended} == {"ndc"} and not change.added
    again = updated(change.codes, [], date(2026, 7, 1))
    assert again.codes.text() == change.codes.text() and not again.ended
    found = read_crosswalk(
        crosswalk(row("00409-7332-01", "J0696", "4", "40")), date(2026, 1, 1), {"J0696": "ceftriaxone"}
    )
    assert [str(it.named) for it in found] == ["NDC 00409-7332-01"]


# --- In a chart

ON = date(2026, 2, 2)
CHARTED = [
    *("ceftriaxone", "Rocephin 1 g", "cefazolin", "J0696", "kit of the house", "0409-7332-01", "ndc 00409733201"),
    *(
        "RxNorm 1807507",
        "1807507",
        "0409733201",
        "NDC 99999-9999-99",
        "NDC 00338-5003-41",
        "vancomycin (RxCUI 1807507)",
    ),
    *("ceftriaxone 1 g (NDC 0409-7332-01)", "cefazolin, NDC 0409-7332-01", "vancomycin"),
    *("RxNorm 1807507 NDC 0409-7332-01", "NDC 0409-7332-01 NDC 00409-7333-04", "Inflectra", "infliximab", "Remicade"),
    *("50242-051-21", "Rituxan Hycela (NDC 50242-0108-01)", "Rituxan (NDC 50242-108-01)", "rituximab"),
]
"""Names and codes, which agree, contradict each other, or are not known."""


def charted(**fields: Any) -> Encounter:
    """A visit with one infusion."""
    its = {"id": "x", "route": "IV", "start": "09:00", "stop": "09:40", **fields}
    found = parse(
        {"id": "E", "place_of_service": "22", "date": str(ON), "administrations": [its]}, Source("x")
    ).encounter
    assert found is not None
    return found


def facts(**fields: Any) -> set[str]:
    return {str(it) for it in facts_of(charted(**fields), DRUGS).own}


@pytest.mark.parametrize(
    "text", ["NDC 0409-7332-01", "0409-7332-01", "00409-7332-01", "00409733201", "ndc:0409-7332-01", "J0696"]
)
def test_a_chart_may_name_a_drug_by_its_code(text: str) -> None:
    found = facts(drug=text, billing_units=4)
    assert {"drug(a1,ceftriaxone)", "product(a1,ceftriaxone_by_brand)", 'code_in_force(a1,"J0696")'} <= found


def test_a_name_beside_a_code_is_of_the_same_drug_or_nothing_is_found() -> None:
    assert DRUGS.find("ceftriaxone 1 g (NDC 0409-7332-01)", ON) is not None
    for text, one, other in (
        ("cefazolin, NDC 0409-7332-01", "cefazolin", "NDC 00409-7332-01 (ceftriaxone)"),
        ("RxNorm 1807507 NDC 0409-7332-01", "RxNorm 1807507 (vancomycin)", "NDC 00409-7332-01 (ceftriaxone)"),
    ):
        assert DRUGS.find(text, ON) is None
        assert DRUGS.differ(text, ON) == (one, other)
        assert facts_of(charted(drug=text), DRUGS).notes == (
            f'administrations[x].drug: "{text}" names {one} and {other}, which are not the same.',
        )


@pytest.mark.parametrize(
    ("drug", "product"),
    [("cefazolin", "0409-7332-01"), ("cefazolin", "Rocephin"), ("Inflectra", "Remicade"), ("cefazolin", "J0696")],
)
def test_a_product_of_another_drug_is_told_and_neither_is_taken(drug: str, product: str) -> None:
    found = facts_of(charted(drug=drug, product=product), DRUGS)
    assert "drug(a1,u1)" in {str(it) for it in found.own}
    assert [it.endswith("so neither is taken.") for it in found.notes] == [True]


def test_a_number_that_may_be_anything_is_no_drug_and_says_why() -> None:
    for text, words in (("0409733201", "with its dashes"), ("NDC 99999-9999-99", "not among the codes")):
        found = facts_of(charted(drug=text), DRUGS)
        assert "drug(a1,u1)" in {str(it) for it in found.own} and words in found.notes[0]
    assert DRUGS.find("1807507", ON) is None


@pytest.mark.parametrize("its", [{"drug": "NDC 0409-7332-01"}, {"drug": "ceftriaxone", "product": "00409733201"}])
def test_vials_of_an_ndc_are_units_of_its_code(its: dict[str, str]) -> None:
    found = facts(**its, amount="2 vials", vials=[{"size": "1 vial", "count": 3}])
    assert {f'{it}(a1,"J0696",{n})' for it, n in (("amount_in_units", 8000), ("opened_in_units", 12000))} <= found
    assert 'vial_in_units(a1,"J0696",4000)' in found


def test_vials_without_an_ndc_or_of_two_are_no_units() -> None:
    for its in ({"drug": "ceftriaxone"}, {"drug": "NDC 0409-7332-01", "product": "0409-7337-01"}):
        assert not any(it.startswith("amount_in_units") for it in facts(**its, amount="2 vials"))


def test_one_ndc_in_two_writings_is_one_product() -> None:
    one, other = (facts(drug="ceftriaxone", product=it) for it in ("0409-7332-01", "NDC 00409733201"))
    assert one == other


def test_the_second_engine_has_the_same_of_every_name_and_code() -> None:
    checker = Drugs(FOLDER)
    for drug, product, amount in product_of(CHARTED, [None, *CHARTED], [None, "2 vials", "1 g"]):
        fields = {"drug": drug, "product": product, "amount": amount, "vials": [{"size": "1 vial"}] if amount else []}
        encounter = charted(**fields)
        assert not facts_differ(encounter, dumps(encounter), DRUGS), fields
        found = facts_of(encounter, DRUGS)
        own, listed = ([atom(str(it)) for it in some] for some in (found.own, found.shared))
        checker.check(dumps(encounter), own, listed)


@pytest.mark.parametrize(
    ("its", "old", "new"),
    [
        ({"drug": "NDC 0409-7332-01"}, "drug(a1,ceftriaxone)", "drug(a1,cefazolin)"),
        ({"drug": "NDC 0409-7332-01"}, "drug(a1,ceftriaxone)", "drug(a1,u1)"),
        ({"drug": "cefazolin", "product": "0409-7332-01"}, "drug(a1,u1)", "drug(a1,cefazolin)"),
        ({"drug": "ceftriaxone", "product": "0409-7332-01"}, "drug(a1,ceftriaxone)", "drug(a1,u1)"),
        ({"drug": "Rocephin", "product": "0409-7332-01"}, "drug(a1,ceftriaxone)", "drug(a1,u1)"),
        ({"drug": "NDC 0409-7332-01", "amount": "2 vials"}, '"J0696",8000', '"J0696",9000'),
        ({"drug": "ceftriaxone", "amount": "1 g"}, '"J0696",4000', '"J0696",5000'),
    ],
)
def test_the_second_engine_notices_another_drug_or_amount_of_a_code(its: dict[str, str], old: str, new: str) -> None:
    encounter = charted(**its)
    found = facts_of(encounter, DRUGS)
    kinds = [f"drug_kind({new[8:-1]},therapeutic)"] if new.startswith("drug(a1,c") else found.shared
    forged = [str(it).replace(old, new) for it in found.own]
    assert forged != [str(it) for it in found.own]
    with pytest.raises(DrugError, match=r"code|product|unknown|units"):
        Drugs(FOLDER).check(dumps(encounter), [atom(it) for it in forged], [atom(it) for it in kinds])


def test_a_code_for_other_days_finds_its_drug_and_tells_no_units(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(f"{','.join(COLUMNS)}\nndc,11111-1111-11,,J0696,Ceftriaxone,4,40,2027-01-01,,mine\n", "utf-8")
    listed = DRUGS.with_codes(Codes.load(file))
    match = listed.find("11111-1111-11", ON)
    assert match is not None and match.drug.key == "ceftriaxone"
    assert match.notes == (f"NDC 11111-1111-11 is known for other days than {ON}: from 2027-01-01",)
    assert listed.in_container("11111-1111-11", "J0696", ON) is None
    assert listed.in_container("11111-1111-11", "J0696", date(2027, 1, 1)) == 4


def test_an_ndc_settles_the_product_and_its_vials_count_by_the_code_of_the_day() -> None:
    for text, product in (("50242-051-21", "rituximab"), ("NDC 50242-0108-01", "rituximab_sc")):
        match = DRUGS.find(text, ON)
        assert match is not None and match.product is not None and match.product.key == product
    assert DRUGS.in_container("50242-051-21", "J9312", ON) == 10
    assert DRUGS.in_container("50242-051-21", "J9310", ON) is None  # the code before it had another unit
    assert DRUGS.find("Rituxan (NDC 50242-108-01)", ON) is None
