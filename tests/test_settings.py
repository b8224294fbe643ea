"""The settings file: what it settles, that the command line wins, that it is told, and what is refused of it."""

import json
from pathlib import Path

import pytest
from command import answers, chart, run, write_lines
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ivproof.claim.profiles import profiles, read, schema
from ivproof.law.policy import Policy

EXAMPLE = Path(__file__).parents[1] / "examples" / "01-ed-dehydration.yaml"
TEXT = """
limit = 50
[readings]
A9 = "first"
[payers.aetna]
limits = {"96361" = 1}
[payers.aetna.readings]
repeat_pushes = "every_one"
[payers.Cigna.readings]
A44 = "B"
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with settings, and the example for two payers and for one without a profile."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ivproof.toml").write_text(TEXT, "utf-8")
    for payer in ("AETNA", "cigna", "other"):
        text = EXAMPLE.read_text("utf-8").replace("id: ED-2041", f"id: {payer}").replace("payer: ", "# ")
        (tmp_path / f"{payer}.yaml").write_text(f"payer: {payer}\n{text}", "utf-8")
    return tmp_path


def test_each_chart_is_answered_by_the_profile_of_its_payer_and_says_so(here: Path) -> None:
    result = run("code", "AETNA.yaml", "cigna.yaml", "other.yaml", "--no-assumptions", "--format", "json")
    aetna, cigna, other = answers(result)
    # morphine-3 came too soon, and repeat_pushes read as every_one reports it all the same
    of_pushes = [{it["code"]: it["units"] for it in one["claim"]}.get("96376") for one in (aetna, cigna, other)]
    assert of_pushes == [2, None, 1]
    assert [it["code"] for it in aetna["edits"] if it.get("indicator") == 4] == ["96361"]
    assert "the payer's own limit" in aetna["edits"][0]["message"]
    said = "Settings of ivproof.toml, payer aetna: A9=first, A52=every_one, at most 1 of 96361 a day."
    assert aetna["notes"] == [said]
    assert other["notes"] == ["Settings of ivproof.toml: A9=first."]
    assert "limit 50" in result.stderr and "profiles of payers: aetna, Cigna" in result.stderr
    # an explanation of one chart goes by the same profile
    assert "96376 × 1  for morphine-3" in run("why", "AETNA.yaml", "96376").stdout


def test_the_command_line_wins_and_no_settings_means_none(here: Path) -> None:
    [found] = answers(run("code", "AETNA.yaml", "--reading", "A52=A", "--policy", "out001", "--format", "json"))
    assert {it["code"]: it["units"] for it in found["claim"]}["96376"] == 1
    assert "A52" not in found["notes"][0]
    result = run("--no-settings", "code", "AETNA.yaml", "--format", "json")
    assert (answers(result)[0]["notes"], result.stderr) == ([], "")
    (here / "ivproof.toml").write_text('policy = "cms"\n', "utf-8")
    assert run("policy", "show", "R58").stderr.count("settings of") == 1
    result = run("code", "other.yaml", "--format", "json")
    assert answers(result)[0]["policy"]["id"] == "cms" and result.stderr.count("settings of") == 1
    assert "policy cms" in result.stderr
    [found] = answers(run("code", "other.yaml", "--policy", "out001", "--format", "json"))
    assert (found["policy"]["id"], found["notes"]) == ("out001", [])


def test_two_payers_part_by_the_readings_that_are_needed_and_by_limits(here: Path) -> None:
    result = run("code", "other.yaml", "--payer-compare", "aetna", "cigna", "--format", "json")
    found = json.loads(result.stdout)
    assert found["units"]["96376"] == [2, 0] and not found["same"]
    assert [it["question"] for it in found["causes"]] == ["A44"]
    assert found["causes"][0]["alone"]["changes"] and found["read_otherwise_too"] == ["A52"]
    assert [it["edits_alone"] != [] for it in found["payers"]] == [True, False]
    told = run("code", "other.yaml", "--payer-compare", "aetna", "cigna").stdout
    assert "A44 sequential_minimum: aetna reads A infusions_only, cigna B pushes_too" in told
    wrong = run("code", "other.yaml", "--payer-compare", "aetna", "cigma")
    assert wrong.exit_code == 2 and "did you mean Cigna?" in wrong.stderr


def test_the_desk_answers_by_the_profile_too(here: Path) -> None:
    pytest.importorskip("fastapi", reason="FastAPI is not installed (pip install -e '.[dev]')")
    from ivproof.serve.answering import Service
    from ivproof.serve.asking import Asked

    law = Policy.load("out001")
    found = profiles(read(TEXT, "ivproof.toml"), Path("ivproof.toml"), law, {}, None, chosen=False)
    service = Service(law, found.base.readings, profiles=found)
    for payer, expected in (("AETNA", 2), ("other", 1)):
        decided = service.code(Asked(chart=(here / f"{payer}.yaml").read_text("utf-8")))
        assert {it["code"]: it["units"] for it in decided["answer"]["claim"]}["96376"] == expected
        assert ("A52" in decided["readings"]["set"]) == (payer == "AETNA")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\npolcy = "cms"\n', ":2: polcy: found a field that is not known here"),
        ('[payers.a]\n\n[payers.a.readngs]\nA9 = "B"\n', ":3: payers.a.readngs: found a field that is not known here"),
        ('[readings]\n# one\nA9 = "longst"\n', ":3: readings.A9: found A9 (tie_break): found option 'longst'"),
        ('[readings]\nA9 = "B"\ntie_break = "A"\n', ":3: readings.tie_break: found A9 is set twice"),
        ("[payers.a]\nlimits = {\n", ": found text that is no TOML"),
        ("[payers.a]\n[payers.A]\n", ":2: payers.A: found a payer that a is, too"),
        ("[edits]\nmue = ['none.csv']\n", "none.csv: found"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "house.toml"
    file.write_text(text, "utf-8")
    visit = write_lines(tmp_path / "visit.jsonl", chart("E-1"))
    result = run("--settings", str(file), "code", str(visit))
    assert result.exit_code == 2 and said in result.stderr and not result.stdout


def test_the_schema_is_one_of_what_is_read() -> None:
    Draft202012Validator.check_schema(schema())
    Draft202012Validator(schema()).validate({"policy": "cms", "payers": {"a": {"limits": {"96361": 2}}}})
    assert [*Draft202012Validator(schema()).iter_errors({"polcy": "cms"})]
