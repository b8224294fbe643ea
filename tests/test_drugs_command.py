"""``ivproof drugs find`` and what a determination says of names: what each was taken for."""

from __future__ import annotations

import json

import pytest
from command import run

from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy

PRINTED = "cefTRIAXone (ROCEPHIN) 2 g in sodium chloride 0.9 % 50 mL IVPB"


def test_a_printed_name_is_told_by_its_parts() -> None:
    found = json.loads(run("drugs", "find", PRINTED, "--on", "2020-10-05", "--format", "json").stdout)
    assert (found["drug"], found["carrier"], found["carrier_ml"]) == ("ceftriaxone", "normal_saline", 50)
    assert [it["code"] for it in found["products"]] == ["J0696 (250 mg)"]


def test_the_code_is_that_of_the_date() -> None:
    for day, code in (("2018-12-31", "J9310 (100 mg)"), ("2019-01-01", "J9312 (10 mg)")):
        assert code in run("drugs", "find", "Rituxan", "--on", day).stdout


def test_codes_next_door_are_told() -> None:
    assert "64615" in run("drugs", "find", "Botox").stdout


def test_what_is_not_known_is_no_drug_and_may_have_a_likeness() -> None:
    done = run("drugs", "find", "cefriaxone")
    assert done.exit_code == 1 and not done.stdout
    assert "ceftriaxone" in done.stderr
    assert run("drugs", "find", "ceftriaxone (Zofran) 1 g in NS 50 mL").exit_code == 1
    assert run("drugs", "find", "ceftriaxone", "--on", "yesterday").exit_code == 2


@pytest.mark.parametrize("name", ["", "  "])
def test_no_name_is_no_question(name: str) -> None:
    done = run("drugs", "find", name)
    assert done.exit_code == 2 and done.stderr == f'ivproof: found "{name}", expected the name of a drug or a code\n'


def test_codes_that_are_not_there_are_told() -> None:
    done = run("drugs", "find", "0409-7332-01", "--codes", "no-such-file.csv")
    assert done.exit_code == 2 and "no-such-file.csv" in done.stderr


def test_a_determination_says_what_each_name_was_taken_for() -> None:
    given = [
        {"id": "a", "drug": PRINTED, "route": "IV", "start": "09:00", "stop": "09:30"},
        {"id": "b", "drug": "xyzzymab", "class": "therapeutic", "route": "IM", "start": "09:00"},
    ]
    chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "administrations": given}, Source("x"))
    assert chart.encounter is not None
    [found] = Coder(Policy.load("out001")).code([chart.encounter], "all")
    one, other = found.as_dict()["drugs"]
    assert (one["name"], one["drug"], one["product"]) == (PRINTED, "ceftriaxone", "ceftriaxone")
    assert (one["kind"], one["carrier"], one["carrier_ml"]) == ("therapeutic", "normal_saline", 50)
    assert (other["administration"], other["drug"], other["carrier"]) == ("b", None, None)
