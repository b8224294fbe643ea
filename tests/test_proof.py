"""Proofs: the same each time, complete in themselves, in their published form, and accepted by the second engine."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from case_files import Case, options, some, worked
from command import two_of_equal_rank
from typer.testing import CliRunner

from ivproof.chart.encounter import Encounter
from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.cli import app
from ivproof.law.policy import Policy, law_folder
from ivproof.proof.maker import canonical, prove, seal
from ivproof.proof.schema import schema
from ivproof.recheck.checker import check, hash_of, installed, read_law
from ivproof.recheck.drugs import Drugs
from ivproof.recheck.steps import atom as read

POLICY = Policy.load("out001")
LAW = read_law(installed("out001"))
DRUGS = Drugs(law_folder() / "drugs")
EXAMPLES = Path(__file__).parent.parent / "examples"
CODERS: dict[tuple[tuple[str, str], ...], Coder] = {}


def coder(case: Case | None = None) -> Coder:
    readings = case.readings if case else {}
    key = tuple(sorted(readings.items()))  # not what they come to: a proof says which the user set, defaults or not
    if key not in CODERS:
        CODERS[key] = Coder(POLICY, readings)
    return CODERS[key]


def encounter(**fields: Any) -> Encounter:
    found = parse({**two_of_equal_rank("E"), **fields}, Source("test")).encounter
    assert found is not None
    return found


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return prove(coder(), encounter())


@pytest.fixture
def proof(made: dict[str, Any]) -> dict[str, Any]:
    """A copy for each test: some change theirs."""
    return deepcopy(made)


PUBLISHED = some(worked("published"), 2)
READINGS = some(options(), 24)
LAW_CASES = some(worked("law"), 80)


MIXTURE = "KCl 20 mEq and magnesium sulfate 2 g in NS 1 L"
TRUSTED = {
    "amount-of-a-mixture": (
        f"that {MIXTURE!r} has no code in force on 2020-10-05, though a product of magnesium_sulfate has",
    )
}
"""What is left on trust, by the name of the case."""


@pytest.mark.parametrize("case", [*PUBLISHED, *READINGS, *LAW_CASES], ids=lambda it: it.name)
def test_an_honest_proof_is_accepted(case: Case) -> None:
    found = prove(coder(case), case.encounter)
    verdict = check(canonical(found), LAW, DRUGS)
    assert verdict.accepted, verdict
    # a name of several drugs has no code of its own, which the checker does not work out
    assert verdict.trusted == TRUSTED.get(case.name, ())


def test_the_claim_proved_is_the_claim_that_is_given(proof: dict[str, Any]) -> None:
    [determination] = coder().code([encounter()])
    lines = {f'total("{line.code}",{line.units})' for line in determination.claim}
    assert proof["outcome"] == {"status": determination.status, "claims": [sorted(lines)]}


def test_the_same_chart_gives_the_same_bytes(proof: dict[str, Any], tmp_path: Path) -> None:
    data = canonical(proof)
    assert canonical(prove(Coder(POLICY), encounter())) == data
    file = tmp_path / "chart.json"
    file.write_text(json.dumps(two_of_equal_rank("E")), "utf-8")
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", "from ivproof.cli import app; app()", "prove", str(file)],
            capture_output=True,
            env={"PYTHONHASHSEED": seed},
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == data


def test_the_document_is_of_its_schema(proof: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(canonical(proof)), schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**proof, "note": ""}, schema())


def test_it_stands_alone(proof: dict[str, Any], tmp_path: Path) -> None:
    verdict = check(canonical(proof))
    assert verdict.accepted
    assert verdict.trusted[0] == "the law that the proof brings along"
    folder = Path(__file__).parent.parent / "solver" / "ivproof" / "recheck"
    script = (
        "import sys\n"
        "sys.modules['clingo'] = sys.modules['pydantic'] = sys.modules['networkx'] = None\n"
        f"sys.path.insert(0, {str(folder.parent)!r})\n"
        "from recheck.checker import check\n"
        "assert 'ivproof' not in sys.modules\n"
        "assert check(sys.stdin.buffer.read()).accepted\n"
        "assert 'ivproof' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], input=canonical(proof), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_every_atom_used_stands_before_and_every_denial_has_its_evidence(proof: dict[str, Any]) -> None:
    [answer] = proof["answers"]
    known = {it["atom"] for it in proof["facts"]} | set(proof["drug_list"])
    known |= {f"reading({it['question']},{it['option']})" for it in proof["settings"] if "option" in it}
    law = "\n".join(it["text"] for it in proof["policy"]["law"])
    evidence = {it["atom"] for it in answer["absent"]}
    for step in answer["steps"]:
        for atom in step.get("uses", ()):
            assert atom in known or f"{atom}." in law.replace(", ", ","), (step["atom"], atom)
        assert set(step.get("absent", ())) <= evidence
        known.add(step["atom"])


def test_a_rival_claim_has_its_own_steps_and_choices() -> None:
    case = Case("open", "", encounter(), {"A9": "open"}, {})
    found = prove(coder(case), case.encounter)
    assert found["outcome"]["status"] == "ambiguous"
    assert [answer["claim"] for answer in found["answers"]] == found["outcome"]["claims"]
    assert sorted(answer["chosen"] for answer in found["answers"]) == [["reading(a9,first)"], ["reading(a9,longest)"]]


@pytest.mark.parametrize(
    "times",
    [
        ("2020-10-05T23:50", "00:20"),
        ("2020-10-31T23:00-04:00[America/New_York]", "03:00"),
        ("2020-10-05T10:00+02:00", "11:30"),
        ("10:00:30", "10:31:00"),
        ("2020-10-05T14:00Z[America/New_York]", "2020-10-05T15:00Z[America/New_York]"),
    ],
)
def test_times_of_every_kind_are_read_alike(times: tuple[str, str]) -> None:
    given = {"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "left-arm", "start": times[0], "stop": times[1]}
    found = encounter(date=times[0][:10] if "-" in times[0] else "2020-10-05", administrations=[given])
    assert str(check(prove(coder(), found), LAW)).startswith("accepted")


def test_another_law_is_noticed(proof: dict[str, Any]) -> None:
    law = {name: f"{text}\n" if name.endswith("push.lp") else text for name, text in LAW.items()}
    assert "not about this law" in check(proof, law).reason


def test_with_a_drug_list_a_known_drug_cannot_pass_as_unknown_unnoticed() -> None:
    drugs = Drugs(law_folder() / "drugs")
    proof = prove(coder(), encounter(administrations=[{"id": "x", "drug": "not vancomycin", "route": "PO"}]))
    verdict = check(proof, LAW, drugs)
    assert verdict.accepted
    assert ["not vancomycin" in it for it in verdict.trusted] == [True]
    proof["chart"]["content"]["administrations"][0]["drug"] = "vancomycin"
    proof["chart"]["digest"] = hash_of(proof["chart"]["content"])
    verdict = check({**proof, "seal": seal(proof)}, LAW, drugs)
    assert (verdict.accepted, verdict.step) == (False, "drugs")


def test_what_was_not_given_needs_no_drug_of_the_list() -> None:
    given = [{"drug": drug, "route": "PO", "done": False} for drug in ("vancomycin", "unheard-of")]
    found = encounter(administrations=[*given, {"drug": "ceftriaxone", "route": "PO"}], services=["flush"])
    assert check(prove(coder(), found), LAW, Drugs(law_folder() / "drugs")).accepted


def test_a_code_that_is_not_said_though_the_drug_has_one_is_on_trust() -> None:
    drugs = Drugs(law_folder() / "drugs")
    given = {"id": "x", "drug": "Herceptin", "route": "IV", "start": "09:00", "stop": "09:40", "billing_units": 44}
    proof = prove(coder(), encounter(administrations=[given]))
    assert check(proof, LAW, drugs).trusted == ()
    facts = [it for it in proof["facts"] if not it["atom"].startswith("code_in_force")]
    assert len(facts) < len(proof["facts"])
    said = [read(it["atom"]) for it in facts]
    [trusted] = drugs.check(proof["chart"]["content"], said, [read(it) for it in proof["drug_list"]])
    assert "Herceptin" in trusted


def test_every_field_of_a_chart_has_its_fact(proof: dict[str, Any]) -> None:
    proof = json.loads(canonical(proof))
    content = proof["chart"]["content"]
    content["administrations"][0]["colour"] = "red"
    proof["chart"]["digest"] = hash_of(content)
    verdict = check({**proof, "seal": seal(proof)}, LAW)
    assert (verdict.accepted, verdict.step) == (False, "chart")
    assert "colour" in verdict.reason


# --- the commands


def run(*arguments: object, given: bytes = b"") -> Any:
    return CliRunner().invoke(app, [str(it) for it in arguments], input=given)


def test_a_proof_from_the_command_line_is_checked_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    assert run("prove", EXAMPLES / "03-folfox.yaml", "-o", path).exit_code == 0
    done = run("check", path)
    assert (done.exit_code, done.stdout.split("\n")[0]) == (0, "accepted")
    assert run("check", path, "--policy", law_folder() / "out001").exit_code == 0
    done = run("check", path, "--embedded", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["accepted"]) == (0, True)
    path.write_text(path.read_text("utf-8").replace('"a2"', '"a3"', 1), "utf-8")
    done = run("check", path)
    assert (done.exit_code, "rejected" in done.stdout) == (1, True)


def test_a_wrong_command_line_is_told(tmp_path: Path) -> None:
    assert run("check", tmp_path / "none.json").exit_code == 2
    path = tmp_path / "proof.json"
    run("prove", EXAMPLES / "03-folfox.yaml", "-o", path)
    assert run("check", path, "--policy", tmp_path).exit_code == 2
    assert run("check", path, "--policy", tmp_path, "--embedded").exit_code == 2
    assert run("prove", EXAMPLES).exit_code == 2
    assert run("prove", tmp_path / "none.yaml").exit_code == 1


def test_checking_loads_no_clingo(proof: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    path.write_bytes(canonical(proof))
    script = (
        "import sys\nfrom ivproof.cli import app\n"
        "try:\n    app()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "assert not {'clingo', 'networkx'} & sys.modules.keys()\n"
        "own = {it.split('.')[1] for it in sys.modules if it.startswith('ivproof.')}\n"
        "assert own <= {'cli', 'commands', 'formats', 'recheck', 'render'}, own"
    )
    done = subprocess.run([sys.executable, "-c", script, "check", str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_a_document_of_endless_brackets_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_text("[" * 1_000_000, "utf-8")
    result = run("check", file)
    assert result.exit_code == 1
    assert result.stdout.startswith("rejected")
