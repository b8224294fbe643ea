"""The command line: what goes in, what comes out where, and with which status it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from command import answers, chart, given_iv, run, two_of_equal_rank, units, write_lines
from typer.main import get_command

from ivproof import cli

FAST = ("--format", "json", "--recheck", "none")


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "visit.jsonl", chart("E-1"))


# --- what goes in


def test_every_chart_of_a_file_gets_one_line_in_order(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", *(chart(f"E-{n}") for n in range(5)))
    result = run("code", file, *FAST)
    assert result.exit_code == 0, result.stderr
    assert [it["encounter"] for it in answers(result)] == [f"E-{n}" for n in range(5)]
    assert units(answers(result)[0]["claim"]) == {"96365": 1}


def test_charts_come_from_standard_input() -> None:
    result = run("code", "-", *FAST, stdin=json.dumps(chart("piped")))
    assert result.exit_code == 0
    assert [it["encounter"] for it in answers(result)] == ["piped"]


def test_a_folder_is_searched_and_several_inputs_keep_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    write_lines(folder / "below" / "b.jsonl", chart("B"))
    (folder / "a.json").write_text(json.dumps(chart("A")), "utf-8")
    last = write_lines(tmp_path / "first.jsonl", chart("C"))
    result = run("code", last, folder, *FAST)
    assert [it["encounter"] for it in answers(result)] == ["C", "A", "B"]


def test_json_lines_are_compact_and_keep_letters_as_they_are(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("Zoë"))
    line = run("code", file, *FAST).stdout
    assert line.startswith('{"encounter":"Zoë","policy":{"id":"out001"')


# --- with which status it ends


def test_a_refused_chart_does_not_stop_the_others(tmp_path: Path) -> None:
    broken = chart("E-2", given_iv("bag", "ceftriaxone", "9 o'clock", None))
    file = write_lines(tmp_path / "visits.jsonl", chart("E-1"), broken, "{not json", chart("E-1"), chart("E-3"))
    result = run("code", file, *FAST)
    assert result.exit_code == 1
    assert [it["encounter"] for it in answers(result)] == ["E-1", "E-3"]
    refusals = result.stderr.splitlines()
    assert len(refusals) == 3
    assert f"{file}:2" in refusals[0] and "administrations[0].start" in refusals[0]
    assert f"{file}:3" in refusals[1]
    assert f"{file}:4" in refusals[2] and "no earlier encounter" in refusals[2]


def test_a_file_that_is_not_there_is_refused_and_the_others_are_answered(visit: Path) -> None:
    result = run("code", "nowhere.yaml", visit, *FAST)
    assert result.exit_code == 1
    assert "nowhere.yaml" in result.stderr and len(answers(result)) == 1


def test_a_claim_that_is_not_determined_is_an_answer(tmp_path: Path) -> None:
    visit = chart("E", given_iv("x", "no-such-drug", "09:00", "10:00"))
    result = run("code", write_lines(tmp_path / "v.jsonl", visit), *FAST)
    assert result.exit_code == 0
    assert answers(result)[0]["status"] == "undetermined"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--reading", "A999=x"), ("'A999'", "A9 tie_break", "A101")),
        (("--reading", "tie_brake=first"), ("did you mean tie_break?",)),
        (("--reading", "A9=shortest"), ("A9 (tie_break)", "A (longest), B (first)")),
        (("--reading", "A9"), ("QUESTION=OPTION",)),
        (("--reading", "A9=A", "--reading", "A9=B"), ("twice",)),
        (("--reading", "A9=A", "--reading", "tie_break=first"), ("twice",)),
        (("--policy", "out002"), ("out002", "out001")),
        (("--format", "xml"), ("table", "json")),
        (("--jobs", "0"), ("--jobs",)),
        (("--output", "no/such/folder/out.jsonl"), ("no/such/folder/out.jsonl",)),
        (("--unknown",), ("--unknown",)),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_says_what_there_is(
    visit: Path, arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    result = run("code", visit, *arguments)
    assert result.exit_code == 2
    assert not result.stdout
    assert all(text in result.stderr for text in said), result.stderr


def test_a_command_without_files_is_wrong() -> None:
    assert run("code").exit_code == 2


# --- readings


@pytest.mark.parametrize(
    "setting", ["A9=first", "A9=B", "tie_break=first", "tie_break=b", "a9 = first", "tie-break=first"]
)
def test_a_reading_is_set_by_number_or_name_and_letter_or_name(tmp_path: Path, setting: str) -> None:
    file = write_lines(tmp_path / "visit.jsonl", two_of_equal_rank("E"))
    [found] = answers(run("code", file, *FAST, "--reading", setting))
    assert units(found["claim"]) == {"96365": 1, "96367": 1, "96366": 1}
    [held] = [it for it in found["readings"] if it["source"] == "set"]
    assert (held["question"], held["option"]) == ("A9", "first")
    assert held["matters"]
    assert held["otherwise"] == {"A": {"96365": 1, "96366": 2, "96368": 1}}


def test_an_opened_question_gives_every_claim(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visit.jsonl", two_of_equal_rank("E"))
    [found] = answers(run("code", file, *FAST, "--reading", "A9=open"))
    assert found["status"] == "ambiguous"
    assert {json.dumps(it["readings"]) for it in found["alternatives"]} == {'{"A9": "A"}', '{"A9": "B"}'}


def test_readings_can_be_listed_and_shown() -> None:
    listed = run("readings", "list").stdout
    assert "A1 " in listed and "tie_break" in listed and "A101" in listed
    for name in ("A9", "tie_break"):
        shown = run("readings", "show", name)
        assert shown.exit_code == 0
        assert "longest" in shown.stdout and "first" in shown.stdout and "held unless set" in shown.stdout
    assert "every one is tried" in run("readings", "show", "A26").stdout
    assert run("readings", "show", "A999").exit_code == 2


# --- the other commands


def test_policy_show_finds_rules_by_number_by_id_and_by_file() -> None:
    assert "drug-infusion-run" in run("policy", "show", "R30").stdout
    by_id = run("policy", "show", "threshold-infusion").stdout
    assert "threshold(infusion, 16)" in by_id and "R30" in by_id
    assert "higher-class" in run("policy", "show", "sequence.lp").stdout
    assert "higher-class" in run("policy", "show").stdout
    unknown = run("policy", "show", "threshold-infusoin")
    assert unknown.exit_code == 2 and "threshold-infusion" in unknown.stderr


def test_a_section_is_shown_with_its_rules_those_of_the_law_and_the_cases() -> None:
    lines = run("policy", "show", "iii.d.D").stdout.splitlines()
    numbers = [line.split()[0] for line in lines if re.match(r"R\d+ \(III\.D\.d, L", line)]
    assert numbers == [f"R{n}" for n in range(56, 65)]
    at = [
        next(n for n, line in enumerate(lines) if line.startswith(it)) for it in ("R57 (III", "long-chain ", "R58 (III")
    ]
    assert at == sorted(at)
    between = lines[at[0] : at[2]]
    assert any(line.startswith("Cases, ") for line in between)
    # a rule of the law that rests on two of them is printed once
    assert sum(line.startswith("threshold-hydration ") for line in lines) == 1
    assert any(line.endswith("[threshold-hydration]  see R56") for line in between)


def test_the_schema_of_a_chart_is_printed_as_json() -> None:
    assert "administrations" in json.loads(run("schema", "encounter").stdout)["properties"]


def test_the_version_and_the_help_are_printed() -> None:
    assert run("--version").stdout.startswith("ivproof ")
    for command in ((), ("code",), ("readings",), ("policy",), ("schema",)):
        assert run(*command, "--help").exit_code == 0


def test_help_and_wrong_options_load_nothing_heavy() -> None:
    script = (
        "import sys\nfrom ivproof.cli import app\n"
        "try: app(['code', '--help'])\nexcept SystemExit: pass\n"
        "print([it for it in ('clingo', 'networkx', 'lark', 'jinja2', 'ruamel.yaml') if it in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# --- where it goes


def test_a_file_gets_its_name_when_it_is_whole(visit: Path, tmp_path: Path) -> None:
    target = tmp_path / "claims.jsonl"
    target.write_text("of yesterday", "utf-8")
    result = run("code", visit, *FAST, "--output", target)
    assert result.exit_code == 0 and not result.stdout
    assert json.loads(target.read_text("utf-8"))["encounter"] == "E-1"
    assert not list(tmp_path.glob("*.incomplete"))


def test_a_law_that_cannot_be_read_is_a_wrong_command_and_leaves_no_file(visit: Path, tmp_path: Path) -> None:
    (tmp_path / "law").mkdir()
    described = 'id = "law"\ntitle = "Law"\nedition = "2020"\nfiles = ["rules.lp"]\n'
    (tmp_path / "law" / "policy.toml").write_text(described, "utf-8")
    (tmp_path / "law" / "rules.lp").write_text("a :- b, #minimize.", "utf-8")
    result = run("code", visit, *FAST, "--policy", tmp_path / "law", "--output", tmp_path / "claims.jsonl")
    assert result.exit_code == 2 and "rules.lp:1" in result.stderr
    assert not list(tmp_path.glob("claims*"))


def test_a_device_is_written_to_directly(visit: Path) -> None:
    assert run("code", visit, *FAST, "--output", os.devnull).exit_code == 0
    assert Path(os.devnull).exists()


def test_a_reader_that_goes_away_is_no_crash(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", *(chart(f"E-{n}") for n in range(450)))
    with subprocess.Popen(
        [sys.executable, "-c", "from ivproof.cli import app; app()", "code", str(file), *FAST, "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("to_file", [False, True])
def test_ctrl_c_leaves_whole_lines_and_says_how_many(tmp_path: Path, jobs: str, to_file: bool) -> None:
    count = 20_000  # more than can be answered before the signal comes
    file = write_lines(tmp_path / "visits.jsonl", *(chart(f"E-{n}") for n in range(count)))
    target = tmp_path / "claims.jsonl"
    options = [*FAST, "--jobs", jobs, *(["--output", str(target)] if to_file else [])]
    with subprocess.Popen(
        [sys.executable, "-c", "from ivproof.cli import app; app()", "code", str(file), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout and process.stderr
        written = tmp_path / "claims.jsonl.incomplete"
        first = b"" if to_file else process.stdout.readline()
        while to_file and not (written.exists() and written.stat().st_size) and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process
        out, error = process.stdout.read(), process.stderr.read()
    assert process.returncode == 130, error
    lines = (written.read_bytes() if to_file else first + out).splitlines()
    assert [json.loads(line)["encounter"] for line in lines] == [f"E-{n}" for n in range(len(lines))]
    assert 0 < len(lines) < count
    said = error.decode()
    assert re.search(rf"interrupted; {len(lines)} charts? (was|were) answered", said) and "Traceback" not in said
    assert not target.exists()
    if to_file:
        assert str(written) in said


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes that have names")
@pytest.mark.parametrize(
    "arguments", [("export", "fhir", "--at", "2021-03-01T12:00:00Z"), ("missing",)], ids=lambda it: it[0]
)
def test_ctrl_c_is_told_by_every_command(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    pipe = tmp_path / "charts.yaml"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "ivproof", *arguments, str(pipe)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
        pipe.open("wb"),  # it opens when the command waits for a chart
    ):
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (130, b"", b"ivproof: interrupted\n")


@pytest.mark.parametrize("command", [["code"], ["readings", "of"], ["policy", "coverage"]])
def test_help_is_broken_where_the_terminal_ends_and_not_where_the_source_does(command: list[str]) -> None:
    told = run(*command, "--help", columns=400).stdout
    [line] = [line for line in told.splitlines() if "xit status" in line]
    assert line.rstrip().endswith(".")


@pytest.mark.parametrize(
    "arguments",
    [("code", "--format", "json"), ("prove",), ("audit", "--format", "json"), ("audit",)],
    ids=" ".join,
)
def test_no_output_takes_the_place_of_a_chart(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    file = tmp_path / "visit.json"
    file.write_text(json.dumps(chart("E-1", billed=[{"code": "96365"}])), "utf-8")
    before = file.read_bytes()
    command, *rest = arguments
    result = run(command, file, *rest, "-o", tmp_path / "." / "visit.json")
    assert result.exit_code == 2
    assert "one of the charts" in result.stderr
    assert file.read_bytes() == before
    assert [it.name for it in tmp_path.iterdir()] == ["visit.json"]
    assert run(command, file, *rest, "-o", "-").exit_code == 2 and not Path("-").exists()


def test_the_help_has_groups_and_every_command_that_stands_alone_an_example_that_it_can_read() -> None:
    told = run("--help", columns=100).stdout
    groups = list(dict.fromkeys(it[2] for it in cli.COMMANDS))
    assert all(group in told for group in groups)
    commands: Any = get_command(cli.app)
    for name, _, _, example in cli.COMMANDS:
        if not example:  # it has commands of its own
            continue
        assert f"Example: ivproof {example}" in " ".join(run(name, "--help", columns=200).stdout.split())
        words = example.split()
        assert words[0] == name
        command = commands.get_command(typer.Context(commands), name)
        # what it cannot read, it refuses here
        command.make_context(name, words[1:], resilient_parsing=False).close()
