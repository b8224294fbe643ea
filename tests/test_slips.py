"""What is charted and may be a slip of the pen: told, to be looked at, and refused where one is strict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import answers, chart, given_iv, run, write_lines

FAST = ("--no-assumptions", "--recheck", "none")
BAG = given_iv("bag", "vancomycin", "14:00", "13:00", method="infusion")


def answer(tmp_path: Path, *administrations: dict[str, Any], **fields: Any) -> dict[str, Any]:
    path = write_lines(tmp_path / "charts.jsonl", chart("E", *administrations, **fields))
    [found] = answers(run("code", path, "--format", "json", *FAST))
    return found


def test_a_stop_before_its_start_is_told_with_its_times_and_length(tmp_path: Path) -> None:
    found = answer(tmp_path, BAG)
    [note] = [it for it in found["notes"] if it.startswith("administrations[bag].stop")]
    for part in ("next day", "14:00 on 2020-10-05", "13:00 on 2020-10-06", "23 h"):
        assert part in note
    [missing] = [it for it in found["missing"] if it["fact"] == "administrations[bag].stop"]
    assert (missing["charted"], missing["would_change"], missing["rules"]) == ("13:00", True, ["R26"])


@pytest.mark.parametrize(
    ("bag", "fact"),
    [
        ({"start": "2020-10-05T14:00", "stop": "2020-10-25T15:00"}, "administrations[bag].stop"),
        ({"start": "2021-10-05T14:00", "stop": "2021-10-05T15:00"}, "administrations[bag].start"),
        ({"start": "14:00", "stop": "14:00"}, "administrations[bag].stop"),
    ],
)
def test_each_kind_of_slip_is_noted_and_to_be_looked_at(bag: dict[str, str], fact: str, tmp_path: Path) -> None:
    found = answer(tmp_path, {**BAG, **bag})
    assert any(it.startswith(fact) for it in found["notes"])
    assert fact in {it["fact"] for it in found["missing"] if "charted" in it}
    # the command that tells what to ask for tells what to look at, too
    visit = write_lines(tmp_path / "visit.jsonl", chart("slip", {**BAG, **bag}))
    assert f"{fact}: " in " ".join(run("missing", visit).stdout.split())


def test_ten_past_midnight_is_no_slip(tmp_path: Path) -> None:
    found = answer(tmp_path, {**BAG, "start": "23:40", "stop": "00:50"})
    assert not any("administrations[" in it for it in found["notes"])
    assert not any("charted" in it for it in found["missing"])


@pytest.mark.parametrize(
    "command", [("code", "--format", "json", *FAST), ("audit", "--format", "json", "--search", "none")]
)
def test_strict_refuses_a_slip_and_nothing_else(command: tuple[str, ...], tmp_path: Path) -> None:
    billed = [{"code": "96365", "units": 1}]
    charts = write_lines(tmp_path / "charts.jsonl", chart("right", billed=billed), chart("slip", BAG, billed=billed))
    name, *options = command
    assert len(run(name, charts, *options).stdout.splitlines()) == 2
    result = run(name, charts, "--strict", *options)
    assert result.exit_code == 1
    assert [json.loads(line)["encounter"] for line in result.stdout.splitlines()] == ["right"]
    [line] = result.stderr.splitlines()
    for part in ("charts.jsonl:2", "slip", "administrations[bag].stop", '"13:00"', "next day"):
        assert part in line


def test_strict_makes_no_packet_of_a_slip(tmp_path: Path) -> None:
    visit = write_lines(tmp_path / "visit.jsonl", chart("slip", BAG, billed=[{"code": "96365"}]))
    result = run("audit", visit, "--strict", "--search", "none", "-o", tmp_path / "packet.json")
    assert result.exit_code == 1
    assert "administrations[bag].stop" in result.stderr
    assert not (tmp_path / "packet.json").exists()


def test_a_claim_is_not_right_because_a_charted_time_might_be_wrong(tmp_path: Path) -> None:
    """What is charted may be a slip, but no claim is said to be supported by another time than the chart has."""
    visit = write_lines(tmp_path / "visit.jsonl", chart("slip", BAG, billed=[{"code": "96365", "units": 1}]))
    [audit] = answers(run("audit", visit, "--format", "json"))
    assert audit["verdict"] == "undercoded"
    assert not any("stop" in json.dumps(line["way"]) for line in audit["lines"])


# --- outputs


@pytest.mark.parametrize(
    "command", [("code",), ("audit",), ("prove",), ("report",), ("audit", "--summary"), ("code", "--format", "json")]
)
@pytest.mark.parametrize("name", ["out.doc", "out.pptx", "out.pdff"])
def test_an_ending_that_stands_for_nothing_is_refused(command: tuple[str, ...], name: str, tmp_path: Path) -> None:
    visit = write_lines(tmp_path / "visit.jsonl", chart("E", billed=[{"code": "96365"}]))
    result = run(*command, visit, "-o", tmp_path / name)
    assert result.exit_code == 2
    assert f".{name.partition('.')[2]}" in result.stderr
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(("form", "name"), [("csv", "out.parquet"), ("json", "out.csv"), ("csv", "out.jsonl")])
def test_a_form_and_an_ending_that_contradict_are_refused(form: str, name: str, tmp_path: Path) -> None:
    visit = write_lines(tmp_path / "visit.jsonl", chart("E"))
    result = run("code", visit, "--format", form, "-o", tmp_path / name)
    assert result.exit_code == 2
    assert f"--format {form}" in result.stderr
    assert not (tmp_path / name).exists()


def test_the_ending_of_an_output_gives_its_form(tmp_path: Path) -> None:
    visit = write_lines(tmp_path / "visit.jsonl", chart("E"))
    run("code", visit, *FAST, "-o", tmp_path / "claims.json")
    run("code", visit, *FAST, "-o", tmp_path / "claims.txt")
    assert json.loads((tmp_path / "claims.json").read_text("utf-8"))["encounter"] == "E"
    assert "determined" in (tmp_path / "claims.txt").read_text("utf-8")


def test_of_a_folder_the_files_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "charts"
    folder.mkdir()
    write_lines(folder / "a.jsonl", chart("A"), chart("B"))
    write_lines(folder / "b.jsonl", chart("C"), chart("D", date="today"))
    write_lines(folder / "c.jsonl", "{")
    assert run("code", folder, *FAST).stderr.splitlines()[-1] == "3 files: 1 answered, 2 refused"
    assert "answered" not in run("code", folder / "a.jsonl", *FAST).stderr


@pytest.mark.skipif(os.name != "posix", reason="the shell of other systems closes no stream")
def test_a_closed_standard_output_is_told_without_a_traceback(tmp_path: Path) -> None:
    visit = write_lines(tmp_path / "visit.jsonl", chart("E"))
    program = f"{sys.executable} -c 'from ivproof.cli import app; app()'"
    closed = subprocess.run(
        f"{program} code {visit} --no-assumptions >&-", shell=True, capture_output=True, text=True, check=False
    )
    assert closed.returncode == 1
    assert "standard output" in closed.stderr
    assert "internal error" not in closed.stderr
    whole = tmp_path / "out.json"
    other = subprocess.run(
        f"{program} code {visit} --no-assumptions -o {whole} >&-",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (other.returncode, other.stderr) == (0, "")
    assert json.loads(whole.read_text("utf-8"))["encounter"] == "E"
