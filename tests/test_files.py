"""Files that are written: nothing of anybody is lost, two runs do not mix, and what is gone on with is the same."""

from __future__ import annotations

import fcntl
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command import two_of_equal_rank, write_lines
from typer.testing import CliRunner

from ivproof.cli import app
from ivproof.commands.output import Output, replace_whole

ATTACKS = int(os.environ.get("RESUME_ATTACKS", "6"))

CHART = {**two_of_equal_rank("E"), "billed": [{"code": "96365"}, {"code": "96366", "units": 2}]}


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(it) for it in arguments])


def charts(number: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**CHART, "id": f"E-{n}", **changes} for n in range(number)]


def audit(file: Path, out: Path, *more: str) -> Any:
    quick = ("--format", "json", "--search", "none", "--recheck", "none", "--jobs", "1")
    return run("audit", file, *quick, "-o", out, *more)


def cut_short(out: Path, number: int, *, notes: int | None = None) -> Path:
    """Leave what a run leaves that is killed after so many lines."""
    written = out.with_name(f"{out.name}.incomplete")
    note = written.with_name(f"{written.name}.run")
    whole = written.with_name("whole.incomplete.run")
    lines = out.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[:number]))
    note.write_bytes(b"".join(whole.read_bytes().splitlines(keepends=True)[: 1 + (notes or number)]))
    whole.unlink()
    out.unlink()
    return written


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A file of charts and the whole answer, with the notes that were beside it kept as `whole.incomplete.run`."""
    from ivproof.commands import resume

    file, out = write_lines(tmp_path / "charts.jsonl", *charts(8)), tmp_path / "out.jsonl"
    with monkeypatch.context() as patched:
        patched.setattr(resume.Notes, "close", lambda self: self._path.replace(tmp_path / "whole.incomplete.run"))
        assert audit(file, out).exit_code == 0
    return file, out


ENDINGS = {"prove": ".json", "code": ".jsonl", "report": ".html", "audit": ".html"}


@pytest.mark.parametrize(("command", "ending"), ENDINGS.items())
def test_a_file_that_is_called_as_an_unfinished_one_is_left_alone(tmp_path: Path, command: str, ending: str) -> None:
    file = tmp_path / f"a{ending}.incomplete"
    file.write_text(json.dumps(CHART), "utf-8")
    precious, link = tmp_path / "precious", tmp_path / f"b{ending}.incomplete"
    precious.write_text("precious", "utf-8")
    link.symlink_to(precious)
    for name in (f"a{ending}", f"b{ending}"):
        done = run(command, file, "-o", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert (tmp_path / name).is_file()
        assert not (tmp_path / name).is_symlink()
    assert json.loads(file.read_text("utf-8")) == CHART
    assert precious.read_text("utf-8") == "precious"
    assert {it.name for it in tmp_path.iterdir()} == {f"a{ending}", f"b{ending}", file.name, link.name, "precious"}


@pytest.mark.parametrize(("command", "ending"), ENDINGS.items())
def test_what_holds_a_chart_is_for_its_owner(tmp_path: Path, command: str, ending: str) -> None:
    file, out = tmp_path / "chart.json", tmp_path / f"out{ending}"
    file.write_text(json.dumps(CHART), "utf-8")
    assert run(command, file, "-o", out).exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_second_run_on_one_output_is_refused_and_the_first_is_whole(tmp_path: Path) -> None:
    file, out = write_lines(tmp_path / "charts.jsonl", *charts(3)), tmp_path / "out.jsonl"
    first = Output(out)
    first.write(b"of the first\n")
    for more in ((), ("--resume",)):
        done = audit(file, out, *more)
        assert (done.exit_code, "another run" in done.stderr) == (2, True), done.output
    assert run("code", file, "--format", "json", "-o", out).exit_code == 2
    first.finish(whole=True)
    assert out.read_bytes() == b"of the first\n"
    assert audit(file, out).exit_code == 0
    assert len(out.read_bytes().splitlines()) == 3


def test_two_processes_on_one_output_leave_one_whole_answer(tmp_path: Path) -> None:
    files = [write_lines(tmp_path / f"{name}.jsonl", *charts(40, payer=name)) for name in ("one", "two")]
    out = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "ivproof", "audit", "--format", "json", "--search", "none", "--jobs", "1", "-o"]
    processes = []
    for file in files:
        processes.append(subprocess.Popen([*command, str(out), str(file)], stderr=subprocess.DEVNULL))
        time.sleep(0.2)
    statuses = [it.wait() for it in processes]
    assert 0 in statuses
    assert set(statuses) <= {0, 2}
    lines = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [it["encounter"] for it in lines] == [f"E-{n}" for n in range(40)]


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    out = tmp_path / "out"
    left = Output(out)
    left.write(b"x\n")
    left.flush()
    fcntl.flock(left._stream, fcntl.LOCK_UN)  # as the system does for a process that ends
    again = Output(out)
    again.write(b"y\n")
    again.finish(whole=True)
    assert out.read_bytes() == b"y\n"


# --- --resume


def test_what_was_answered_is_kept_where_the_chart_is_the_same(answered: tuple[Path, Path]) -> None:
    file, out = answered
    whole = out.read_bytes()
    written = cut_short(out, 5)
    before = written.stat().st_ino
    assert audit(file, out, "--resume").exit_code == 0
    assert out.read_bytes() == whole
    assert out.stat().st_ino == before
    assert {it.name for it in out.parent.iterdir()} == {file.name, out.name}


@pytest.mark.parametrize("at", [0, 2, 4, 6])
def test_what_was_answered_of_a_chart_that_has_changed_is_answered_again(answered: tuple[Path, Path], at: int) -> None:
    file, out = answered
    cut_short(out, 5)
    changed = charts(8)
    changed[at]["billed"] = [{"code": "96365", "units": 7}]
    write_lines(file, *changed)
    assert audit(file, out, "--resume").exit_code == 0
    fresh = out.with_name("fresh.jsonl")
    audit(file, fresh)
    assert out.read_bytes() == fresh.read_bytes()
    assert json.loads(out.read_bytes().splitlines()[at])["verdict"] != "correct"


@pytest.mark.parametrize("change", ["fewer", "more", "another order", "refused"])
def test_an_input_with_other_charts_is_answered_as_from_the_beginning(answered: tuple[Path, Path], change: str) -> None:
    file, out = answered
    cut_short(out, 5)
    other: list[Any] = charts(8)
    match change:
        case "fewer":
            other = other[:3]
        case "more":
            other.insert(2, {**CHART, "id": "new"})
        case "another order":
            other.reverse()
        case _:
            other[1] = {**other[1], "place_of_service": "x"}
    write_lines(file, *other)
    status = audit(file, out, "--resume").exit_code
    fresh = out.with_name("fresh.jsonl")
    assert audit(file, fresh).exit_code == status == (change == "refused")
    assert out.read_bytes() == fresh.read_bytes()


def test_a_line_that_no_run_wrote_is_not_taken_over(answered: tuple[Path, Path]) -> None:
    file, out = answered
    whole = out.read_bytes()
    written = cut_short(out, 5)
    lines = written.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"verdict"', b'"forged":true,"verdict"')
    lines.append(b'{"encounter":"E-5","verdict":"correct"}\n')
    written.write_bytes(b"".join(lines))
    assert audit(file, out, "--resume").exit_code == 0
    assert out.read_bytes() == whole


@pytest.mark.parametrize("content", ["", "[]", "7", '"x"', "{", "\ufeff", '{"a": 1}', "null"])
def test_notes_of_another_shape_are_told(answered: tuple[Path, Path], content: str) -> None:
    file, out = answered
    written = cut_short(out, 5)
    written.with_name(f"{written.name}.run").write_text(content, "utf-8")
    done = audit(file, out, "--resume")
    assert (done.exit_code, "--resume" in done.stderr) == (2, True), done.output
    assert len(written.read_bytes().splitlines()) == 5


@pytest.mark.parametrize("line", [b"[]\n", b'{"a":1}\n', b"null\n", b'{"encounter":1,"verdict":2}\n', b"\xff\n"])
def test_lines_of_another_shape_are_made_again(answered: tuple[Path, Path], line: bytes) -> None:
    file, out = answered
    whole = out.read_bytes()
    written = cut_short(out, 2)
    written.write_bytes(written.read_bytes() + line)
    assert audit(file, out, "--resume").exit_code == 0
    assert out.read_bytes() == whole


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("--limit", "50"), "limit"),
        (("--strict",), "strict"),
        (("--reading", "A9=B"), "readings"),
        (("--recheck", "all"), "recheck"),
        (("--search", "one"), "search"),
    ],
)
def test_a_run_that_is_asked_something_else_does_not_go_on(
    answered: tuple[Path, Path], change: tuple[str, ...], word: str
) -> None:
    file, out = answered
    cut_short(out, 5)
    done = audit(file, out, "--resume", *change)
    assert (done.exit_code, word in done.stderr) == (2, True), done.output


def left(sink: Output, *, whole: bool) -> None:
    """End as a run does that is killed at its end."""
    sink.leave()


def test_what_was_left_undecided_is_tried_and_told_again(tmp_path: Path) -> None:
    times = {"start": "2020-10-05T09:00", "stop": "2021-09-05T09:00"}
    slip = {**CHART, "id": "slip", "administrations": [{**CHART["administrations"][0], **times}]}
    file, out = write_lines(tmp_path / "charts.jsonl", charts(1)[0], slip), tmp_path / "out.jsonl"
    limit = ("--limit", "1")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Output, "finish", left)
        first = audit(file, out, *limit)
    again = audit(file, out, *limit, "--resume")
    assert (first.exit_code, again.exit_code) == (3, 3)
    assert "slip" in again.stderr
    fresh = out.with_name("fresh.jsonl")
    assert audit(file, fresh, *limit).exit_code == 3
    assert out.read_bytes() == fresh.read_bytes()


def attacked(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """What a run left, as a fault or somebody else could have changed it; `other` is of another run."""
    lines = data.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    match rng.randrange(7):
        case 0:
            return data[: rng.randrange(len(data))]
        case 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        case 2:
            del lines[at]
        case 3:
            rng.shuffle(lines)
        case 4:
            lines[at:] = other.splitlines(keepends=True)[at:]
        case 5:
            place = rng.randrange(len(data))
            return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
        case _:
            lines[at] = lines[at][: rng.randrange(len(lines[at]))]
    return b"".join(lines)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_whatever_was_done_to_what_a_run_left_the_answer_is_as_from_the_beginning(tmp_path: Path, form: str) -> None:
    rng = random.Random(5)
    file, out = write_lines(tmp_path / "charts.jsonl", *charts(3)), tmp_path / "out"
    others = write_lines(tmp_path / "others.jsonl", *charts(3, billed=[{"code": "96374"}]))
    remains: list[tuple[bytes, bytes]] = []
    written, note = tmp_path / "out.incomplete", tmp_path / "out.incomplete.run"
    for it in (file, others):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Output, "finish", left)
            assert audit(it, out, "--format", form).exit_code == 0
        remains.append((written.read_bytes(), note.read_bytes()))
    (data, notes), (other, other_notes) = remains
    assert audit(file, out, "--format", form).exit_code == 0
    whole = out.read_bytes()
    for _ in range(ATTACKS):
        out.unlink(missing_ok=True)
        changes = rng.choice(["output", "notes", "both"])
        written.write_bytes(data if changes == "notes" else attacked(rng, data, other))
        note.write_bytes(notes if changes == "output" else attacked(rng, notes, other_notes))
        done = audit(file, out, "--format", form, "--resume")
        if done.exit_code:
            assert (done.exit_code, "--resume" in done.stderr) == (2, True), done.output
            assert audit(file, out, "--format", form).exit_code == 0
        assert out.read_bytes() == whole
        assert not written.exists()
        assert not note.exists()


def test_notes_that_are_a_link_are_not_followed(answered: tuple[Path, Path]) -> None:
    file, out = answered
    written = cut_short(out, 5)
    note = written.with_name(f"{written.name}.run")
    note.rename(note.with_name("elsewhere"))
    note.symlink_to(note.with_name("elsewhere"))
    assert audit(file, out, "--resume").exit_code == 2


# --- faults of the disk


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_document_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    out = tmp_path / "out"
    out.write_text("before", "utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(*((os, "fsync", full) if fails == "fsync" else (Path, "replace", full)))
        with pytest.raises(OSError, match="No space"):
            replace_whole(out, b"after")
    assert [it.name for it in tmp_path.iterdir()] == ["out"]
    assert out.read_text("utf-8") == "before"
    replace_whole(out, b"after")
    assert out.read_bytes() == b"after"
