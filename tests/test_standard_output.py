"""What commands write where it cannot be written as it stands: other encodings, narrow terminals, full disks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import chart, given_iv, run, write_lines

FULL = Path("/dev/full")


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ivproof", *map(str, arguments)],
        capture_output=True,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    given = given_iv("tröpfchen-\u2603", "ceftriaxone", "09:00", "09:40")
    return write_lines(tmp_path / "visit.jsonl", chart("Zoë", given))


@pytest.mark.parametrize(
    "arguments",
    [("why", "96365"), ("explain",), ("readings",), ("missing",), ("margins",)],
    ids=lambda given: given[0],
)
def test_what_an_encoding_lacks_is_written_out(visit: Path, arguments: tuple[str, ...]) -> None:
    name, *rest = arguments
    done = command(name, visit, *rest, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr.decode()
    assert b"\\xeb" in done.stdout or b"\\u2603" in done.stdout


@pytest.mark.parametrize("name", ["readings", "missing", "margins"])
def test_json_is_utf_8_in_every_locale(visit: Path, name: str) -> None:
    done = command(name, visit, "--format", "json", PYTHONIOENCODING="latin-1")
    assert json.loads(done.stdout.decode("utf-8"))["encounter"] == "Zoë"


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [("readings", "list"), ("schema", "encounter"), ("--version",)], ids=" ".join)
def test_a_full_disk_is_told_in_one_line(arguments: tuple[str, ...]) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ivproof", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1
    [line] = done.stderr.decode().splitlines()
    assert "standard output" in line


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_document_that_cannot_be_written_is_no_wrong_command_line(visit: Path) -> None:
    result = run("prove", visit, "-o", FULL)
    assert result.exit_code == 1
    assert str(FULL) in result.stderr


@pytest.mark.parametrize("columns", [0, 1])
def test_no_terminal_is_too_narrow_to_be_told_the_claim(visit: Path, columns: int) -> None:
    result = run("code", visit, columns=columns)
    assert "96365 × 1" in result.stdout


def test_no_terminal_is_too_narrow_to_be_told_whole_codes(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visit.jsonl", chart("E-1", billed=[{"code": "96365", "units": 2}]))
    rows = run("audit", file, "--summary", columns=40).stdout.splitlines()
    assert "96365      1      0     0.0 %     1      0" in [row.strip() for row in rows]


def test_no_line_ends_in_blanks(visit: Path) -> None:
    for arguments in (["explain", visit], ["readings", "list"], ["readings", visit], ["policy", "show"]):
        assert not [line for line in run(*arguments).stdout.splitlines() if line != line.rstrip()]


def test_an_error_that_no_command_foresees_is_told_without_what_it_says(
    visit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("Mrs Miller")

    monkeypatch.setattr("ivproof.render.missing.missing_words", fail)
    result = run("missing", visit)
    assert result.exit_code == 4
    assert "internal error: KeyError" in result.stderr
    assert "Miller" not in result.stderr + result.stdout
    monkeypatch.setenv("IVPROOF_TRACEBACK", "1")
    assert isinstance(run("missing", visit).exception, KeyError)
