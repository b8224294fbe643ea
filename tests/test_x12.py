"""Claims and remittances in X12: what reaches the audit, what replaces what, what is refused and with which segment."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from command import run
from jsonschema import validate  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from ivproof.audit.claims import Claims
from ivproof.audit.model import Audit
from ivproof.chart.fields import compare_key
from ivproof.formats.output import schema
from ivproof.importers import x12

SAMPLES = Path(__file__).parent / "records" / "x12"
EXPECTED: dict[str, Any] = YAML(typ="safe").load((SAMPLES / "expected.yaml").read_text("utf-8"))
NAMES = ("ALPHA", "BETA", "GAMMA", "EX0000002", "EX0000003", "EX0000009", "19500101", "19610101", "EXAMPLEVILLE")
QUICK = ("--recheck", "none", "--search", "none", "--format", "json")


def sample(name: str) -> str:
    return (SAMPLES / name).read_text("ascii")


def read(text: str) -> x12.X12File:
    return x12.read(text.encode())


def of_837(*claims: str) -> str:
    """A file with these claims of one line each."""
    body = "".join(
        f"CLM*{claim}~HI*ABK:A419~LX*1~SV2*0260*HC:{code}*100*UN*{units}~DTP*472*D8*20210615~"
        for claim, code, units in (it.split(" ") for it in claims)
    )
    return enveloped("837", "BHT*0019*00*0001*20210701*0900*CH~" + body)


def of_835(*claims: str) -> str:
    return enveloped("835", "DTM*405*20210719~LX*1~" + "".join(claims))


def enveloped(kind: str, body: str) -> str:
    head = sample("claims-837i.txt").partition("GS*")[0].strip()
    count = body.count("~") + 2
    return (
        f"{head}GS*HC*A*B*20210701*0900*1*X*005010X223A2~ST*{kind}*0001~{body}SE*{count}*0001~GE*1*1~IEA*1*000000602~"
    )


def units(file: x12.X12File, encounter: str) -> dict[str, int]:
    return {it.code: it.units for it in file.claims[compare_key(encounter)].lines}


def adds_up(file: x12.X12File) -> bool:
    held = sum(len(it.lines) for it in file.claims.values())
    return file.used == held and file.lines == file.used + file.voided + len(file.left_out)


# --- the samples


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_is_read_as_it_says_itself(name: str) -> None:
    found = read(sample(name))
    assert adds_up(found) and not found.refused and not found.left_out
    assert {it.encounter for it in found.claims.values()} == set(EXPECTED[name])
    for encounter, expected in EXPECTED[name].items():
        plain = found.claims[compare_key(encounter)].as_dict()
        for key in ("claim_type", "place_of_service", "bill_type", "diagnoses", "replaces_an_earlier_claim"):
            if key in expected:
                assert plain[key] == expected[key], key
        for line, wanted in zip(plain["lines"], expected["lines"], strict=True):
            said = {**wanted, "date": wanted["date"].isoformat(), "modifiers": wanted.get("modifiers", [])}
            assert {key: line[key] for key in said} == said
        if "paid" in expected:
            assert {it["code"]: it["paid"]["units"] for it in plain["lines"]} == expected["paid"]
        denied = [(it["code"], it["denied"]) for it in plain["lines"] if it["denied"]]
        for (code, denial), wanted in zip(denied, expected.get("denied", ()), strict=True):
            assert (code, denial["units"], denial["amount"]) == (wanted["code"], wanted["units"], wanted["amount"])
            assert (denial["group"], denial["reason"]) == (wanted["group"], wanted["reason"])
            assert denial["remark"] == ([wanted["remark"]] if "remark" in wanted else [])


def test_a_remittance_is_audited_with_what_was_paid_and_denied(tmp_path: Path) -> None:
    claim = tmp_path / "remit.txt"
    claim.write_text(sample("remittance-835.txt"), "ascii")
    before = sorted(tmp_path.iterdir())
    result = run("audit", SAMPLES / "charts.yaml", "--claim", claim, *QUICK)
    assert result.exit_code == 0, result.stderr
    assert sorted(tmp_path.iterdir()) == before
    audits = {it["encounter"]: it for it in map(json.loads, result.stdout.splitlines())}
    for it in audits.values():
        validate(it, schema(Audit))
    [denied] = [it["billed"] for it in audits["OPD-602"]["lines"] if it["billed"]["denied"]]
    assert denied["code"] == "96360"
    assert denied["denied"] == [{"group": "CO", "reason": "97", "date": "2021-07-19", "amount": 300}]
    assert audits["INF-501"]["submitted"]["lines"][3]["denied"]["remark"] == ["M119"]
    assert "3 claims, 12 lines read: 12 used, 0 voided, 0 left out" in result.stderr
    for name in NAMES:
        assert name not in result.stdout + result.stderr


def test_the_table_and_the_worksheet_say_what_was_paid() -> None:
    arguments = ("audit", SAMPLES / "charts.yaml", "--claim", SAMPLES / "remittance-835.txt", *QUICK[:4])
    table = run(*arguments).stdout
    assert "What the payer did" in table and "CO 97 (300.00)" in table and "0 of 50" in table
    rows = list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout)))
    [row] = [it for it in rows if it["billed_code"] == "96360"]
    assert (row["paid_units"], row["paid_amount"], row["denied"], row["denied_amount"]) == (
        "0",
        "0.00",
        "CO 97",
        "300.00",
    )
    [row] = [it for it in rows if it["billed_code"] == "J1745"]
    assert (row["denied"], row["denied_remarks"]) == ("CO 16", "M119")


def test_a_chart_that_differs_from_its_claim_is_told_and_neither_is_picked(tmp_path: Path) -> None:
    text = sample("claims-837p.txt").replace("11:B:1", "22:B:1").replace("ABK:M0579", "ABK:M0580")
    claim = tmp_path / "claim.837"
    claim.write_text(text, "ascii")
    result = run("audit", SAMPLES / "charts.yaml", "--claim", claim, *QUICK)
    [audit] = map(json.loads, result.stdout.splitlines())
    assert "The claim file has place of service 22, the chart 11." in audit["notes"]
    assert "The claim file has the diagnoses M05.80, the chart M05.79." in audit["notes"]


def test_denials_of_a_chart_stand_in_its_audit(tmp_path: Path) -> None:
    chart = {
        "id": "A",
        "place_of_service": "22",
        "date": "2021-03-01",
        "administrations": [
            {"id": "x", "drug": "ceftriaxone", "route": "IV", "method": "infusion", "start": "09:00", "stop": "09:40"}
        ],
        "billed": [{"code": "96365", "denied": {"group": "CO", "reason": "50", "remark": ["N115"], "amount": 80.5}}],
    }
    file = tmp_path / "a.json"
    file.write_text(json.dumps(chart), "utf-8")
    [audit] = map(json.loads, run("audit", file, *QUICK).stdout.splitlines())
    [denial] = audit["lines"][0]["billed"]["denied"]
    assert denial == {"group": "CO", "reason": "50", "remark": ["N115"], "amount": 80.5}
    assert "96365: CO 50, N115, 80.50" in run("audit", file, *QUICK[:4]).stdout


# --- which claim holds


def test_a_claim_that_replaces_voids_the_lines_before_it() -> None:
    found = read(of_837("A*100***13:A:1 96365 1", "A*100***13:A:7 96365 2"))
    assert units(found, "A") == {"96365": 2} and found.voided == 1 and adds_up(found)
    assert found.claims["A"].replaces


def test_a_claim_that_replaces_one_elsewhere_says_so() -> None:
    found = read(of_837("A*100***13:A:7 96365 2"))
    assert units(found, "A") == {"96365": 2}
    assert found.notes == ("A: segment 5: this claim replaces an earlier claim; that one is not in the file",)


def test_a_void_leaves_nothing_billed() -> None:
    found = read(of_837("A*100***13:A:1 96365 1", "A*100***13:A:8 96365 1"))
    assert found.claims["A"].voided and not found.claims["A"].lines
    assert found.voided == 2 and adds_up(found)


def test_a_copy_is_voided_and_claims_not_alike_are_refused() -> None:
    same = read(of_837("A*100***13:A:1 96365 1", "A*100***13:A:1 96365 1"))
    assert units(same, "A") == {"96365": 1} and same.voided == 1 and adds_up(same)
    other = read(of_837("A*100***13:A:1 96365 1", "A*100***13:A:1 96365 2", "B*100***13:A:1 96365 1"))
    assert set(other.claims) == {"B"} and len(other.refused) == 1 and adds_up(other)
    assert "segments 5, 10" in other.refused["A"]


def test_late_charges_add_to_their_claim() -> None:
    found = read(of_837("A*100***13:A:1 96365 1", "A*100***13:A:5 96375 1"))
    assert units(found, "A") == {"96365": 1, "96375": 1} and adds_up(found)


def test_a_reversal_takes_a_payment_back_and_the_next_one_holds() -> None:
    paid = "CLP*A*1*100*80**MB*X*13*1~SVC*HC:96365*100*80**1~CAS*CO*45*20~"
    back = "CLP*A*22*-100*-80**MB*X*13*1~SVC*HC:96365*-100*-80**1~CAS*CO*45*-20~"
    again = "CLP*A*1*100*0**MB*Y*13*1~SVC*HC:96365*100*0**0**1~CAS*CO*50*100~"
    found = read(of_835(paid, back, again))
    [line] = found.claims["A"].lines
    assert line.denied == 1 and line.paid == 0 and found.voided == 2 and adds_up(found)
    assert found.claims["A"].replaces


def test_several_adjustments_are_told_and_none_is_picked() -> None:
    text = of_835("CLP*A*1*100*0**MB*X*13*1~SVC*HC:96365*100*0**0**1~CAS*CO*45*20**97*80~")
    denial = read(text).claims["A"].lines[0].denial
    assert denial is not None
    assert denial.as_dict() == {
        "units": 1,
        "group": None,
        "reason": None,
        "remark": [],
        "text": "CO 45: 20.00, CO 97: 80.00",
        "amount": 100.0,
    }


def test_what_the_patient_owes_is_no_denial() -> None:
    owed = read(of_835("CLP*A*1*100*0**MB*X*13*1~SVC*HC:96365*100*0**1~CAS*PR*1*100~"))
    assert owed.claims["A"].lines[0].denied is None
    unpaid = read(of_835("CLP*A*1*100*0**MB*X*13*1~SVC*HC:96365*100*0**1~CAS*CO*50*100~"))
    assert unpaid.claims["A"].lines[0].denied == 1


def test_the_code_that_was_billed_is_kept_where_another_was_paid() -> None:
    found = read(of_835("CLP*A*1*100*60**MB*X*13*1~SVC*HC:96374*100*60**1*HC:96365*1~CAS*CO*45*40~"))
    assert units(found, "A") == {"96365": 1} and found.claims["A"].lines[0].paid_as == "96374"


def test_a_payment_that_does_not_add_up_is_told() -> None:
    found = read(of_835("CLP*A*1*100*60**MB*X*13*1~SVC*HC:96365*100*60**1~CAS*CO*45*30~"))
    assert found.notes == ("A: segment 7: charged 100.00, paid 60.00, adjusted 30.00, which does not add up",)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("HC:96365", "", "no CPT or HCPCS code"),
        ("HC:96365", "HP:10101", "no CPT or HCPCS code"),
        ("*UN*1", "*MJ*15", "counted in other than units"),
        ("*UN*1", "*UN*1.5", "units are no whole number from 1"),
        ("*UN*1", "*UN", "no units"),
    ],
)
def test_a_line_that_cannot_be_held_against_a_chart_is_left_out_with_its_reason(
    old: str, new: str, reason: str
) -> None:
    found = read(of_837("A*100***13:A:1 96365 1").replace(old, new))
    assert [it.reason for it in found.left_out] == [reason] and adds_up(found)


# --- files


def test_several_transactions_and_other_separators_are_read() -> None:
    one = sample("claims-837i.txt")
    body = one[one.index("ST*") : one.index("GE*")]
    second = body.replace("0001~", "0002~").replace("*0001*005010", "*0002*005010").replace("OPD-60", "OPD-70")
    both = one.replace("GE*1*1", second.replace("\n", "") + "GE*2*1")
    assert {it.encounter for it in read(both).claims.values()} == {"OPD-602", "OPD-603", "OPD-702", "OPD-703"}
    other = one.replace("~\n", "~").replace("*", "|").replace(":", ">").replace("~", "\n")
    assert read(other).claims.keys() == read(one).claims.keys()
    assert read(one.replace("\n", "\r\n")).claims == read(one).claims


def refused(text: str) -> str:
    with pytest.raises(x12.X12Error) as error:
        read(text)
    assert not any(it in str(error.value) for it in NAMES)
    return str(error.value)


def test_a_file_that_breaks_off_is_refused_with_its_segment() -> None:
    segments = sample("claims-837i.txt").split("~\n")
    for count in (2, 3, 20, 30, 60, 61, 62):
        assert refused("~\n".join(segments[:count]) + "~\n").startswith(f"segment {count + 1}: "), count
    assert refused(sample("claims-837i.txt")[:-12]).startswith("segment 63: ")


def test_a_file_without_its_isa_or_with_segments_lost_is_refused() -> None:
    text = sample("claims-837i.txt")
    assert refused(text.partition("~\n")[2]).startswith("segment 1: found no ISA")
    assert refused(text.replace("LX*2~\n", "")).startswith("segment 28 (SV2): ")
    assert refused(text.replace("DTP*434*D8*20210615~\n", "")).startswith("segment 60 (SE): ")
    assert refused(text.replace("LX*2~\n", "~\n")).startswith("segment 28: ")
    assert refused(text.replace("HC:96365*420", "HC:96365*4x0")).startswith("segment 26 (SV2): ")
    assert refused(text.replace("CLM*OPD-602", "CLM*")).startswith("segment 20 (CLM): ")
    assert refused(text.replace("ST*837", "ST*277")).startswith("segment 3 (ST): ")
    assert refused("ISA*00*~").startswith("segment 1: ")


def test_the_command_refuses_a_broken_file_before_anything_is_audited(tmp_path: Path) -> None:
    claim = tmp_path / "cut.txt"
    claim.write_text(sample("remittance-835.txt")[:905], "ascii")
    result = run("audit", SAMPLES / "charts.yaml", "--claim", claim, *QUICK)
    assert result.exit_code == 2 and not result.stdout
    assert "cut.txt: segment 31: found text after the last whole segment" in result.stderr
    claim.write_text(sample("remittance-835.txt").partition("~\n")[2], "ascii")
    assert "segment 1: found no ISA" in run("audit", SAMPLES / "charts.yaml", "--claim", claim, *QUICK).stderr


def test_a_claim_with_a_line_that_cannot_be_held_against_a_chart_is_not_judged(tmp_path: Path) -> None:
    """It would be said that the code of that line was not billed."""
    file = tmp_path / "claims.837"
    file.write_text(of_837("A*100***13:A:1 96365 1").replace("*UN*1", "*MJ*15"), "utf-8")
    claims = Claims.read(file)
    assert claims.of("A") is None
    [refused] = claims.refused
    assert "96365" in refused and "counted in other than units" in refused and "not judged" in refused
    file.write_text(of_837("A*100***13:A:1 96365 1").replace("HC:96365", "HP:10101"), "utf-8")
    assert Claims.read(file).of("A") == ()


@pytest.mark.parametrize(
    ("old", "new", "why"), [("*UN*1", "*MJ*15", "was refused"), (":A:1", ":A:X", "frequency code is not known")]
)
def test_a_claim_that_is_not_used_is_not_said_to_be_missing(tmp_path: Path, old: str, new: str, why: str) -> None:
    file = tmp_path / "claims.837"
    file.write_text(sample("claims-837i.txt").replace(old, new), "ascii")
    for more in (QUICK, ["--encounter", "OPD-602", "-o", tmp_path / "packet.html"]):
        result = run("audit", SAMPLES / "charts.yaml", "--claim", file, *more, columns=200)
        said = [it for it in result.stderr.splitlines() if "OPD-602: " in it]
        assert any("its claim in" in it and why in it and "is not judged" in it for it in said), result.stderr
        assert not any("nothing that was billed" in it for it in said)
