"""What "accepted" says: of which chart, by which law, under which readings which claims follow."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from command import two_of_equal_rank
from typer.testing import CliRunner

from ivproof.chart.encounter import digest
from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.cli import app
from ivproof.law.policy import Policy, law_folder
from ivproof.proof.maker import canonical, prove, seal
from ivproof.recheck.checker import Expected, check, installed, published_digest, read_law

POLICY = Policy.load("out001")
LAW = read_law(installed("out001"))
CHART = two_of_equal_rank("E")


def made(readings: dict[str, str], chart: dict[str, Any] = CHART) -> dict[str, Any]:
    encounter = parse(chart, Source("test")).encounter
    assert encounter is not None
    return prove(Coder(POLICY, readings), encounter)


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    return made({})


@pytest.fixture(scope="module")
def rival() -> dict[str, Any]:
    """One question is set, one is open and makes two claims."""
    return made({"A9": "open", "A13": "B"})


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def claim_of(proof: dict[str, Any]) -> dict[str, int]:
    [claim] = check(proof, LAW).plain()["claims"]
    return {line["code"]: line["units"] for line in claim}


def test_a_verdict_names_all_that_was_checked(plain: dict[str, Any]) -> None:
    found = check(plain, LAW).plain()
    encounter = parse(CHART, Source("test")).encounter
    assert encounter is not None
    [determination] = Coder(POLICY).code([encounter])
    assert (found["accepted"], found["verdict"], found["encounter"]) == (True, "accepted", "E")
    assert found["chart"] == digest(encounter)
    assert found["policy"] == {"id": "out001", "edition": POLICY.edition, "digest": POLICY.digest}
    assert found["status"] == determination.status
    assert {(it["code"], it["units"]) for it in found["claims"][0]} == {
        (line.code, line.units) for line in determination.claim
    }
    assert (found["readings"], found["undetermined"]) == ([], [])
    assert found["open"] == [key for key, it in POLICY.questions.items() if it.default is None]


def test_readings_that_were_set_and_questions_held_open_are_told(rival: dict[str, Any]) -> None:
    verdict = check(rival, LAW)
    found = verdict.plain()
    question, default = POLICY.question("A13"), POLICY.question("A13").default
    held = question.option("B").name
    assert {"question": "a13", "option": held, "default": default} in found["readings"]
    assert {it["question"] for it in found["readings"]} <= {"a13", "a9"}
    assert "a9" in found["open"]
    assert (found["status"], len(found["claims"])) == ("ambiguous", 2)


def test_a_modifier_stands_with_the_units_that_carry_it() -> None:
    sites = [{"id": "one"}, {"id": "two", "necessity": "protocol"}]
    given = [
        {"id": f"x{n}", "drug": drug, "route": "IV", "site": site, "start": f"0{n}:00", "stop": f"0{n}:40"}
        for n, (drug, site) in enumerate([("ceftriaxone", "one"), ("vancomycin", "two")], 7)
    ]
    proof = made({}, {**CHART, "access_sites": sites, "administrations": given})
    [claim] = check(proof, LAW).plain()["claims"]
    assert {"code": "96365", "units": 2, "modifiers": {"59": 1}} in claim


def test_nothing_is_proved_by_what_is_rejected(plain: dict[str, Any]) -> None:
    found = check({**plain, "version": 2}, LAW).plain()
    assert (found["accepted"], found["verdict"]) == (False, "rejected")
    assert {found[name] for name in ("encounter", "chart", "policy", "status", "claims", "readings", "open")} == {None}


# --- what somebody expects


def test_the_chart_that_is_at_hand_is_compared_field_by_field(plain: dict[str, Any]) -> None:
    assert check(plain, LAW, expected=Expected(chart={**CHART, "payer": None})).accepted
    other = deepcopy(CHART)
    other["administrations"][1]["stop"] = "23:59"
    verdict = check(plain, LAW, expected=Expected(chart=other))
    assert (verdict.verdict, verdict.step) == ("rejected", "chart")
    assert "administrations[1].stop" in verdict.reason
    assert check(plain, LAW, expected=Expected(chart={})).step == "chart"


def test_the_claim_has_to_be_the_one_claim(plain: dict[str, Any], rival: dict[str, Any]) -> None:
    claim = claim_of(plain)
    assert check(plain, LAW, expected=Expected(claim=claim)).accepted
    code = next(iter(claim))
    for other in ({**claim, code: claim[code] + 1}, {}, {**claim, "99999": 1}):
        assert check(plain, LAW, expected=Expected(claim=other)).step == "claim"
    assert check(rival, LAW, expected=Expected(claim=claim)).step == "claim"


def test_published_takes_no_reading_but_the_defaults(plain: dict[str, Any], rival: dict[str, Any]) -> None:
    wanted = Expected(published=published_digest(installed("out001")))
    assert check(plain, LAW, expected=wanted).accepted
    assert "a9" in check(made({"A9": "open"}), LAW, expected=wanted).reason
    assert "a13" in check(rival, LAW, expected=wanted).reason
    assert check(plain, None, expected=wanted).step == "law"
    for other in ("", "sha256:0"):  # an edition that nobody published, and a law that was changed since
        assert check(plain, LAW, expected=Expected(published=other)).step == "law"
    named = made({"A13": POLICY.question("A13").default or ""})
    assert check(named, LAW, expected=wanted).accepted


def test_the_command_says_it_and_has_a_status_for_each(
    plain: dict[str, Any], rival: dict[str, Any], tmp_path: Path
) -> None:
    proof, other, chart = tmp_path / "proof.json", tmp_path / "rival.json", tmp_path / "chart.json"
    proof.write_bytes(canonical(plain))
    other.write_bytes(canonical(rival))
    chart.write_text(json.dumps(CHART), "utf-8")
    claim = ",".join(f"{code}={units}" for code, units in claim_of(plain).items())
    drugs = law_folder() / "drugs"
    done = run(proof, "--chart", chart, "--claim", claim, "--published", "--drugs", drugs)
    assert done.exit_code == 0, done.output
    assert done.stdout.split("\n")[0] == "accepted"
    told = run(other).stdout
    assert "A13" in told
    assert "A9" in told
    assert POLICY.digest in told
    assert json.loads(run(other, "--format", "json").stdout) == check(rival, LAW).plain()
    assert run(proof, "--claim", "96365=7").exit_code == 1
    assert run(other, "--published").exit_code == 1
    chart.write_text(json.dumps({**CHART, "payer": "another"}), "utf-8")
    assert run(proof, "--chart", chart).exit_code == 1


@pytest.mark.parametrize("files", ["3", "[3]", '["../../x.lp"]', '["more.lp/"]'])
def test_a_policy_that_cannot_be_read_is_a_wrong_command_line(
    plain: dict[str, Any], tmp_path: Path, files: str
) -> None:
    (tmp_path / "proof.json").write_bytes(canonical(plain))
    (tmp_path / "asp").mkdir()
    (tmp_path / "asp" / "policy.toml").write_text(f'id = "out001"\nfiles = {files}\n', "utf-8")
    assert run(tmp_path / "proof.json", "--policy", tmp_path / "asp").exit_code == 2


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"id": "E"}', "\x00", '{"id": "E", "place_of_service": "x"}'])
def test_a_chart_that_is_none_is_no_rejection_of_the_proof(plain: dict[str, Any], tmp_path: Path, content: str) -> None:
    (tmp_path / "proof.json").write_bytes(canonical(plain))
    (tmp_path / "chart.json").write_text(content, "utf-8")
    done = run(tmp_path / "proof.json", "--chart", tmp_path / "chart.json")
    assert done.exit_code == 2
    assert not done.stdout


def test_of_several_charts_the_one_that_the_proof_names_is_compared(plain: dict[str, Any], tmp_path: Path) -> None:
    proof, charts = tmp_path / "proof.json", tmp_path / "charts.json"
    proof.write_bytes(canonical(plain))
    charts.write_text(json.dumps([{**CHART, "id": "D"}, CHART]), "utf-8")
    assert run(proof, "--chart", charts).exit_code == 0
    charts.write_text(json.dumps([{**CHART, "id": "D"}, {**CHART, "payer": "x"}]), "utf-8")
    assert run(proof, "--chart", charts).exit_code == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--claim", "96365"],
        ["--claim", "96365=0"],
        ["--claim", "96365=1,96365=1"],
        ["--chart", "/nowhere.yaml"],
        ["--published", "--embedded"],
        ["--limit", "-1"],
    ],
)
def test_a_wrong_expectation_is_a_wrong_command_line(plain: dict[str, Any], options: list[str], tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_bytes(canonical({**plain, "seal": seal(plain)}))
    assert run(proof, *options).exit_code in ({1, 2} if "--chart" in options else {2})


# --- statuses: 1 says that a proof was rejected, and nothing else


def test_a_drug_list_that_cannot_be_read_is_a_wrong_command_line(plain: dict[str, Any], tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_bytes(canonical(plain))
    for name in ("ingredients.csv", "products.csv", "next-door.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe,\n,,\n")
    done = run(proof, "--drugs", tmp_path)
    assert (done.exit_code, str(tmp_path) in done.stderr) == (2, True), done.output


def test_a_verdict_that_cannot_be_written_is_no_rejection(plain: dict[str, Any], tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_bytes(canonical(plain))
    command = f"{sys.executable} -m ivproof check {proof}"
    for into in (">&-", *([">/dev/full"] if Path("/dev/full").exists() else [])):
        done = subprocess.run(["sh", "-c", f"{command} {into}"], capture_output=True, text=True, check=False)
        assert done.returncode == 4, (into, done)
        assert done.stderr.count("cannot write standard output") == 1


def test_a_fault_of_the_program_is_no_rejection(
    plain: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("x")

    proof = tmp_path / "proof.json"
    proof.write_bytes(canonical(plain))
    for where in ("ivproof.recheck.checker._check_chart", "ivproof.recheck.telling.told"):
        with monkeypatch.context() as patched:
            patched.setattr(where, fail)
            assert run(proof).exit_code == 4, where
