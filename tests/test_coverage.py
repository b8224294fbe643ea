"""Where the law encodes each rule and reads each option, and what the cases test."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ivproof.checks.coverage import Coverage, cases_folder, coverage
from ivproof.checks.predicates import predicates
from ivproof.cli import app
from ivproof.law.policy import Policy, PolicyError
from ivproof.render.policy import coverage_tables, predicates_table

CASE = """
case: {name}
rules: [{rules}]
side: {side}
readings: {{{readings}}}
encounter: {{}}
expect: {{}}
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.load("out001")


@pytest.fixture(scope="module")
def shipped(policy: Policy) -> Coverage:
    return coverage(policy, cases_folder())


def folder(path: Path, **cases: str) -> Path:
    for name, text in cases.items():
        sub, _, stem = name.partition("_")
        (path / sub).mkdir(exist_ok=True)
        (path / sub / f"{stem}.yaml").write_text(text)
    return path


def test_every_rule_and_question_has_a_row(shipped: Coverage) -> None:
    assert [row.text.number for row in shipped.rules] == [f"R{n}" for n in range(1, 104)]
    assert [row.number for row in shipped.questions] == [f"A{n}" for n in range(1, len(shipped.questions) + 1)]


def test_no_row_lacks_an_encoding_and_a_reason(shipped: Coverage) -> None:
    assert shipped.gaps == []


def test_every_option_has_a_case(shipped: Coverage) -> None:
    assert [line for line in shipped.untested if line.startswith("A")] == []


def test_a_rule_has_the_places_that_cite_it(shipped: Coverage, policy: Policy) -> None:
    row = shipped.rule("R44")
    assert {place.rule for place in row.encoded} >= {"codes-concurrent", "concurrent-infusion"}
    for place in row.encoded:
        line = policy.texts[place.file].splitlines()[place.line - 1]
        assert line.strip()
        assert not line.startswith("%")
    assert "A39" in row.questions


def test_what_is_derived_encodes_no_rule(shipped: Coverage) -> None:
    assert "codes-prolonged-therapeutic" not in {place.rule for place in shipped.rule("R71").encoded}


def test_rules_that_only_explain_say_so(shipped: Coverage) -> None:
    assert [row.text.number for row in shipped.rules if row.text.explains] == ["R1", "R2", "R24", "R26", "R27"]


def test_an_option_has_the_rules_that_read_it(shipped: Coverage) -> None:
    [question] = [row for row in shipped.questions if row.number == "A9"]
    assert question.default == "longest"
    read = {option.name: {place.rule for place in option.read_by} for option in question.options}
    assert read == {"longest": {"longest-time"}, "first": {"first-listed"}}
    assert "A9=A" in question.options[0].cases


def test_an_option_that_no_rule_can_tell_says_why(shipped: Coverage) -> None:
    [question] = [row for row in shipped.questions if row.number == "A7"]
    assert "primary_reason" in question.options[0].unexpressed


def test_cases_stand_on_their_side(policy: Policy, tmp_path: Path) -> None:
    one = CASE.format(name="one", rules="R34, R53", side="applies", readings='A9: B, a18: "not_enough"')
    two = CASE.format(name="two", rules="R34", side="does not apply", readings="a21: open")
    found = coverage(policy, folder(tmp_path, law_cases=f"{one}---{two}"))
    assert found.rule("R34").cases == {"applies": ("one",), "does not apply": ("two",)}
    assert found.rule("R53").cases == {"applies": ("one",)}
    assert "R53: only applies" in found.untested
    assert not any(line.startswith("R34:") for line in found.untested)
    assert "A9=A: no case" in found.untested
    assert "A9=B: no case" not in found.untested
    assert "A18=A: no case" not in found.untested


def test_published_cases_are_counted_by_topic(policy: Policy, tmp_path: Path) -> None:
    found = coverage(policy, folder(tmp_path, published_we="- {case: a, topic: push}\n- {case: b, topic: push}\n"))
    assert found.topics == {"push": 2}


def test_without_the_tests_folder_it_says_so(policy: Policy) -> None:
    found = coverage(policy, None)
    assert found.untested == []
    assert found.as_dict()["cases"] is None
    assert "not part of an installed package" in text(found)


def test_a_rule_without_encoding_or_reason_is_a_gap(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    (small / "policy.toml").write_text('id = "small"\ntitle = "Small"\nedition = "1"\nfiles = ["law.lp"]\n')
    (small / "rules.toml").write_text(
        '[[rules]]\nnumber = "R1"\nsection = "I"\nlines = "L1"\nsays = "Some [rule]."\n'
        '[[rules]]\nnumber = "R2"\nsection = "I"\nlines = "L1"\nsays = "Other."\nexplains = "Only explains."\n'
    )
    (small / "law.lp").write_text(
        '% [a1-so] R1\n% So?\nquestion(a1, so, "gap").\noption(a1, a, yes, "Yes.").\noption(a1, b, no, "No.").\n'
    )
    found = coverage(Policy.load(small), None)
    assert found.gaps == [
        "R1: not encoded, and no reason given",
        "A1: no rule reads yes, no, and no reason given",
    ]
    assert "Some [rule]." in text(found)


def test_a_case_that_cannot_be_read_is_told(policy: Policy, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"bad\.yaml"):
        coverage(policy, folder(tmp_path, law_bad="{"))


def test_a_case_with_an_unknown_reading_is_told(policy: Policy, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="A999"):
        coverage(policy, folder(tmp_path, law_bad=CASE.format(name="x", rules="R1", side="in", readings="A999: B")))


def test_it_is_plain_data(shipped: Coverage) -> None:
    found = json.loads(json.dumps(shipped.as_dict()))
    assert found["rules"][29]["rule"] == "R30"
    assert found["rules"][29]["encoded"][0].keys() == {"rule", "file", "line"}
    assert found["questions"][8]["options"][1]["name"] == "first"


def text(found: Coverage) -> str:
    console = Console(file=StringIO(), width=200)
    for part in coverage_tables(found):
        console.print(part)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_tables_name_rules_and_options(shipped: Coverage) -> None:
    shown = text(shipped)
    assert "concurrent-infusion" in shown
    assert "tie_break" in shown
    assert "A* longest" in shown


def test_the_table_of_predicates_names_files_and_meanings(policy: Policy) -> None:
    console = Console(file=StringIO(), width=200)
    console.print(predicates_table(predicates(policy)))
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue()
    assert "necessity/2" in shown
    assert "why a further site was required" in shown


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["policy", *arguments])
    return found.exit_code, found.output


def test_the_command_gives_the_rows_as_json(tmp_path: Path) -> None:
    status, output = run("coverage", "--format", "json", "--cases", str(tmp_path))
    assert status == 0
    assert len(json.loads(output)["rules"]) == 103


def test_the_command_shows_one_row_in_full(tmp_path: Path) -> None:
    status, output = run("coverage", "r34", "--cases", str(tmp_path))
    assert status == 0
    assert "repeat-push (out001/push.lp:" in output
    status, output = run("coverage", "tie-break", "--cases", str(tmp_path))
    assert status == 0
    assert "first-listed (out001/hierarchy.lp:" in output


def test_the_command_refuses_a_number_that_there_is_not(tmp_path: Path) -> None:
    status, output = run("coverage", "R104", "--cases", str(tmp_path))
    assert status == 2
    assert "R104" in output


def test_the_command_shows_the_predicates() -> None:
    status, output = run("show", "--predicates")
    assert status == 0
    assert "earns/3" in output
