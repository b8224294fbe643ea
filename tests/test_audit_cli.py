"""`ivproof audit`: what goes in, in which forms findings come out, and that an interrupted run loses nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command import chart, given_iv, run, write_lines
from typer.testing import Result

from ivproof.audit.worksheet import COLUMNS, header
from ivproof.commands.resume import csv_records, json_records

QUICK = ("--recheck", "none")
RIGHT = [{"code": "96365"}]


def visit(name: str, *billed: dict[str, Any]) -> dict[str, Any]:
    return chart(name, billed=list(billed))


def verdicts(result: Result) -> dict[str, str]:
    return {it["encounter"]: it["verdict"] for it in map(json.loads, result.stdout.splitlines())}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A claim that is right, one of too many units, one with a line too few, one with both."""
    return write_lines(
        tmp_path / "mixed.jsonl",
        visit("right", {"code": "96365"}),
        visit("over", {"code": "96365", "units": 2}),
        visit("under"),
        visit("both", {"code": "96367"}, {"code": "96523"}),
    )


# --- forms


def test_json_has_a_line_for_each_claim_with_its_verdict(mixed: Path) -> None:
    result = run("audit", mixed, "--format", "json", *QUICK)
    assert result.exit_code == 0, result.stderr
    assert verdicts(result) == {
        "right": "correct",
        "over": "overcoded",
        "under": "undercoded",
        "both": "overcoded_and_undercoded",
    }
    over = json.loads(result.stdout.splitlines()[1])
    assert over["units"] == {"over": {"96365": 1}, "under": {}}
    [line] = over["lines"]
    assert (line["verdict"], line["billed"]["units"], line["supported"]["units"]) == ("units_too_many", 2, 1)
    assert line["supported"]["administrations"] == ["bag"] and "R40" in line["rules"]


def test_the_table_says_the_verdict_and_the_reason_of_each_line(mixed: Path) -> None:
    said = run("audit", mixed, *QUICK).stdout
    for text in ("overcoded", "units too many", "missing from the claim", "unsupported", "R40", "not supported"):
        assert text in said


def test_the_worksheet_has_a_row_for_each_line(mixed: Path) -> None:
    result = run("audit", mixed, "--format", "csv", *QUICK)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == list(COLUMNS)
    assert [(it["encounter"], it["line"], it["line_verdict"]) for it in rows] == [
        ("right", "1", "supported"),
        ("over", "1", "units_too_many"),
        ("under", "", "missing_from_claim"),
        ("both", "1", "wrong_code"),
        ("both", "2", "unsupported"),
    ]
    assert rows[1]["units_over"] == "1" and rows[2]["supported_code"] == "96365"
    assert all(it["date_of_service"] == "2020-10-05" and it["policy"] == "out001" for it in rows)


def test_a_spreadsheet_takes_nothing_in_the_worksheet_for_a_formula(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "v.jsonl", visit('=HYPERLINK("x")', {"code": "96365"}))
    [row] = csv.DictReader(io.StringIO(run("audit", file, "--format", "csv", *QUICK).stdout))
    assert row["encounter"] == '\'=HYPERLINK("x")'


def test_the_summary_counts_by_code_by_error_and_by_question(mixed: Path, tmp_path: Path) -> None:
    equals = write_lines(
        tmp_path / "equals.jsonl",
        {
            **chart(
                "A9",
                given_iv("short", "ceftriaxone", "10:00", "10:30", method="infusion"),
                given_iv("long", "vancomycin", "10:00", "13:00", method="infusion"),
            ),
            "billed": [{"code": "96365"}, {"code": "96367"}, {"code": "96366"}],
        },
    )
    found = json.loads(run("audit", mixed, equals, "--summary", "--format", "json", *QUICK).stdout)
    assert found["claims"] == 5 and found["accuracy"] == 0.2
    assert found["verdicts"]["overcoded"] == 1 and found["encounters"]["undercoded"] == ["under"]
    assert found["encounters"]["correct_under_reading"] == ["A9"]
    assert found["codes"]["96365"]["right"] == 2 and found["codes"]["96365"]["over"] == 1
    assert found["errors"]["unsupported"] == {"claims": 1, "lines": 1, "over": 1, "under": 0}
    assert found["questions"]["A9"]["options"]["B"] >= 1
    table = run("audit", mixed, "--summary", *QUICK).stdout
    assert "4 claims audited" in table and "25.0 %" in table and "wrong code" in table
    rows = list(csv.DictReader(io.StringIO(run("audit", mixed, "--summary", "--format", "csv", *QUICK).stdout)))
    assert {(it["item"], it["verdict"]) for it in rows if it["table"] == "claim"} >= {("over", "overcoded")}


def test_the_summary_adds_up_to_the_lines(mixed: Path) -> None:
    lines = [json.loads(it) for it in run("audit", mixed, "--format", "json", *QUICK).stdout.splitlines()]
    found = json.loads(run("audit", mixed, "--summary", "--format", "json", *QUICK).stdout)
    for side in ("over", "under"):
        assert found["units"][side] == sum(sum(it["units"][side].values()) for it in lines)
        assert found["units"][side] == sum(it[side] for it in found["codes"].values())
        assert found["units"][side] == sum(it[side] for it in found["errors"].values())


def test_the_ending_of_the_output_says_the_form(mixed: Path, tmp_path: Path) -> None:
    run("audit", mixed, "-o", tmp_path / "out.csv", *QUICK)
    assert (tmp_path / "out.csv").read_text("utf-8").startswith("encounter,")
    run("audit", mixed, "-o", tmp_path / "out.jsonl", *QUICK)
    assert len((tmp_path / "out.jsonl").read_text("utf-8").splitlines()) == 4
    run("audit", mixed, "--summary", "-o", tmp_path / "sum.json", *QUICK)
    assert json.loads((tmp_path / "sum.json").read_text("utf-8"))["claims"] == 4


# --- status


@pytest.mark.parametrize(
    ("names", "status"),
    [("overcoded", 1), ("undercoded,overcoded", 1), ("correct_if_documented", 0), ("correct-under-reading", 0)],
)
def test_fail_on_ends_with_1_where_a_claim_has_that_verdict(mixed: Path, names: str, status: int) -> None:
    assert run("audit", mixed, "--fail-on", names, "--format", "json", *QUICK).exit_code == status
    assert run("audit", mixed, "--fail-on", names, "--summary", *QUICK).exit_code == status


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fail-on", "wrong"), ("--fail-on", "'wrong'", "overcoded_and_undercoded")),
        (("--resume",), ("--resume", "--output")),
        (("--resume", "-o", "x.txt"), ("--resume", "--format json")),
        (("-o", "no/such/folder/out.csv"), ("no/such/folder/out.csv",)),
        (("--claim", "nowhere.csv"), ("nowhere.csv",)),
        (("--format", "xml"), ("table", "json", "csv")),
        (("--mue", "nowhere.csv"), ("nowhere.csv",)),
        (("--reading", "A9"), ("QUESTION=OPTION",)),
    ],
)
def test_a_wrong_command_line_ends_with_2(mixed: Path, arguments: tuple[str, ...], said: tuple[str, ...]) -> None:
    result = run("audit", mixed, *arguments)
    assert result.exit_code == 2 and not result.stdout
    assert all(text in result.stderr for text in said), result.stderr


def test_a_chart_without_billed_lines_is_refused_and_an_empty_claim_is_a_claim(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "v.jsonl", chart("none"), visit("empty"), visit("full", {"code": "96365"}))
    result = run("audit", file, "--format", "json", *QUICK)
    assert result.exit_code == 1
    assert verdicts(result) == {"empty": "undercoded", "full": "correct"}
    assert "none" in result.stderr and "`billed`" in result.stderr and f"{file}:1" in result.stderr


# --- claims beside the charts


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("claim.csv", "encounter,code,units,modifiers\nA,96365,1,\nB,96365,2,59 25\nB,96366,,\n"),
        ("claim.csv", "\ufeffEncounter ID;HCPCS;Qty;Mod1;Mod2\r\nA;96365;1.0;;\r\nB;96365;2;59;25\r\nB;96366;;;\r\n"),
        ("claim.tsv", "encounter\tcode\tunits\tmodifiers\nA\t96365\t1\t\nB\t96365\t2\t59,25\nB\t96366\t1\t\n"),
        (
            "claim.json",
            '[{"encounter": "A", "code": "96365"}, {"encounter": "B", "code": "96366"},'
            ' {"encounter": "B", "code": "96365", "units": 2, "modifiers": ["59", "25"]}]',
        ),
        (
            "claim.json",
            '{"A": [{"code": "96365"}], "B": [{"code": "96365", "units": 2, "modifiers": "59 25"}, {"code": "96366"}]}',
        ),
        (
            "claim.jsonl",
            '{"encounter": "A", "billed": [{"code": "96365"}]}\n'
            '{"encounter": "B", "billed": [{"code": "96366"}, {"code": "96365", "modifiers": ["59", "25"]}]}\n',
        ),
    ],
)
def test_what_was_billed_can_stand_beside_the_charts(tmp_path: Path, name: str, text: str) -> None:
    file = write_lines(tmp_path / "v.jsonl", chart("A"), chart("B"))
    (tmp_path / name).write_text(text, "utf-8", newline="")
    result = run("audit", file, "--claim", tmp_path / name, "--format", "json", *QUICK)
    assert result.exit_code == 0, result.stderr
    one, other = map(json.loads, result.stdout.splitlines())
    assert one["verdict"] == "correct"
    told = {
        (it["billed"]["code"], it["billed"]["units"], *it["billed"]["modifiers"])
        for it in other["lines"]
        if it["billed"]
    }
    assert {(it[0], it[2:]) for it in told} == {("96365", ("59", "25")), ("96366", ())}


def test_a_file_without_encounters_is_the_claim_of_one_chart(tmp_path: Path) -> None:
    claim = tmp_path / "claim.csv"
    claim.write_text("code,units\n96365,1\n", "utf-8")
    one = write_lines(tmp_path / "one.jsonl", chart("A"))
    assert verdicts(run("audit", one, "--claim", claim, "--format", "json", *QUICK)) == {"A": "correct"}
    two = write_lines(tmp_path / "two.jsonl", chart("A"), chart("B"))
    result = run("audit", two, "--claim", claim, "--format", "json", *QUICK)
    assert result.exit_code == 1 and "names no encounters" in result.stderr


def test_a_claim_of_no_chart_is_told_and_a_chart_of_no_claim_refused(tmp_path: Path) -> None:
    claim = tmp_path / "claim.csv"
    claim.write_text("encounter,code\nA,96365\nGONE,96365\n", "utf-8")
    file = write_lines(tmp_path / "v.jsonl", chart("A"), chart("B"))
    result = run("audit", file, "--claim", claim, "--format", "json", *QUICK)
    assert result.exit_code == 1 and verdicts(result) == {"A": "correct"}
    assert "GONE" in result.stderr and "B: found nothing that was billed" in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("c.csv", "encounter,units\nA,1\n", ("c.csv:1", "no column of codes")),
        ("c.csv", "encounter,code,units\nA,96365,many\n", ("c.csv:2", "many")),
        ("c.csv", "encounter,code,units\nA,96365,0\n", ("c.csv:2",)),
        ("c.csv", "encounter,code\nA,96365-59\n", ("c.csv:2",)),
        ("c.csv", "encounter,code\n,96365\n", ("c.csv:2", "no encounter")),
        ("c.json", "{", ("c.json", "not JSON")),
        ("c.json", '[{"encounter": 7, "code": "96365"}]', ("c.json: [0]", "quotes")),
        ("c.json", '[{"encounter": "A", "code": "96365", "unit_price": 3}]', ("c.json: [0]", "unit_price")),
        ("c.json", '[{"encounter": "A", "code": "96365"}, {"code": "96366"}]', ("with and without",)),
        ("c.json", '[{"encounter": "A", "billed": 3}]', ("no list",)),
        ("c.csv", "encounter,code,units,modifiers\nA,96365,1,59,25\n", ("c.csv:2", "5 cells", "expected 4")),
        ("c.csv", "encounter,code,code\nA,96365,96366\n", ("c.csv:1", "the column code a second time")),
        ("c.csv", 'encounter,code\nA,96365\nA,"96366\n', ("c.csv:3", "end of data")),
        ("c.json", '{"A": [{"code": "96365"}], "A": [{"code": "96366"}]}', ("c.json", "A", "a second time")),
        ("c.json", "[" * 100_000, ("c.json", "levels")),
    ],
)
def test_a_file_of_claims_that_cannot_be_read_says_where_and_what(
    mixed: Path, tmp_path: Path, name: str, text: str, said: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    result = run("audit", mixed, "--claim", tmp_path / name)
    assert result.exit_code == 2
    assert all(it in result.stderr for it in said), result.stderr


# --- a user's own claim edits


def test_newer_files_of_claim_edits_take_the_place_of_those_at_hand(tmp_path: Path) -> None:
    limits = tmp_path / "mue.csv"
    limits.write_text(
        "HCPCS/CPT Code,Outpatient Hospital Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n"
        "96365,0,2 Date of Service Edit: Policy,\n",
        "utf-8",
    )
    file = write_lines(tmp_path / "v.jsonl", visit("A", {"code": "96365"}))
    plain = json.loads(run("audit", file, "--format", "json", *QUICK).stdout)
    assert plain["edits"] == {"billed": [], "supported": []}
    newer = json.loads(run("audit", file, "--mue", limits, "--format", "json", *QUICK).stdout)
    assert newer["verdict"] == "correct"
    assert [(it["edit"], it["severity"]) for it in newer["edits"]["billed"]] == [("units", "fails")]
    coded = json.loads(run("code", file, "--mue", limits, "--format", "json", *QUICK).stdout)
    assert [(it["edit"], it["limit"]) for it in coded["edits"]] == [("units", 0)]
    wrong = run("code", file, "--mue", limits, "--edits-of", "practitioner")
    assert wrong.exit_code == 2 and "hospital" in wrong.stderr


# --- an interrupted run


def claims(count: int) -> list[Any]:
    """Claims right and wrong, one that is refused, and an id that comes twice."""
    found: list[Any] = [
        visit(f"E-{n}", {"code": "96365", "units": 1 + n % 2}, *([{"code": "96375"}] if n % 3 == 0 else []))
        for n in range(count)
    ]
    found[count // 3] = "{broken"
    found[count // 2] = visit("E-1", {"code": "96365"})
    return found


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from ivproof.cli import app; app()", *map(str, arguments)]


@pytest.mark.parametrize("form", [("--format", "json"), ("--format", "csv"), ("--summary", "--format", "json")])
def test_a_killed_run_resumes_and_loses_or_doubles_nothing(tmp_path: Path, form: tuple[str, ...]) -> None:
    file = write_lines(tmp_path / "claims.jsonl", *claims(240))
    out = tmp_path / "out.txt"
    asked: tuple[str | Path, ...] = ("audit", file, *form, *QUICK, "--search", "none", "--jobs", "1", "-o")
    whole = tmp_path / "whole.txt"
    assert run(*asked, whole).exit_code == 1
    # charts come through a pipe, so that the run is alive when it is killed, with half of them answered
    half = command("audit", "-", *form, *QUICK, "--search", "none", "--jobs", "1", "-o", out)
    process = subprocess.Popen(half, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(b"".join(file.read_bytes().splitlines(keepends=True)[:230]))
    process.stdin.flush()
    written = out.with_name(out.name + ".incomplete")
    deadline = time.monotonic() + 60
    while not (written.exists() and written.stat().st_size > 2000) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    assert not out.exists() and written.stat().st_size > 2000
    with written.open("ab") as cut:
        cut.write(b'{"encounter":"half of a li')
    result = run(*asked, out, "--resume")
    assert result.exit_code == 1 and "no earlier encounter" in result.stderr
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(it.name for it in tmp_path.iterdir()) == ["claims.jsonl", "out.txt", "whole.txt"]


def test_nothing_to_resume_is_a_run_from_the_beginning(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert run("audit", mixed, "--format", "json", *QUICK, "-o", out, "--resume").exit_code == 0
    assert len(out.read_text("utf-8").splitlines()) == 4


def test_a_run_that_was_asked_something_else_is_not_resumed(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run("audit", mixed, "--format", "json", *QUICK, "-o", out)
    written = out.with_name("out.jsonl.incomplete")
    written.write_bytes(out.read_bytes())
    assert run("audit", mixed, "--format", "json", *QUICK, "-o", out, "--resume").exit_code == 2
    written.with_name("out.jsonl.incomplete.run").write_text('{"form": "csv"}', "utf-8")
    result = run("audit", mixed, "--format", "json", *QUICK, "-o", out, "--resume")
    assert result.exit_code == 2 and "another" in result.stderr and "form" in result.stderr


def test_what_is_not_whole_does_not_count() -> None:
    lines = [b'{"encounter":"A","verdict":"correct"}\n', b'{"encounter":"B","verdict":"overcoded"}\n', b'{"encounter":']
    done = json_records(lines)
    assert done.encounters == ["A", "B"] and done.size == len(lines[0]) + len(lines[1])
    rows = [
        header(),
        b'A,d,,correct,"two\r\n',
        b'lines"\r\n',
        b"B,d,,overcoded,1\r\n",
    ]
    done = csv_records(rows)
    assert done.encounters == ["A"] and done.verdicts == {"correct": 1} and done.size == sum(map(len, rows[:3]))
    assert csv_records(rows[:1]).size == len(rows[0]) and csv_records([b"encou"]).size == 0
    assert csv_records([b"encounter,other\r\n", *rows[1:]]).size == 0  # of another edition of the worksheet


def test_a_time_that_makes_one_line_right_is_told_as_its_range(tmp_path: Path) -> None:
    billed = [{"code": "96365"}, {"code": "96366"}, {"code": "96372"}]
    bag = given_iv("bag", "ceftriaxone", "09:00", None, method="infusion")
    file = write_lines(tmp_path / "stop.jsonl", chart("STOP", bag, billed=billed))
    told = " ".join(run("audit", str(file), *QUICK).stdout.split())
    assert "By itself it would be right with administrations[bag].stop = 10:31 to 11:30." in told
