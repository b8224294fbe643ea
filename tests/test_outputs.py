"""Every command that writes a file: over no input, into nothing odd, and whole or not at all where it is killed.

As many killed runs as one likes with ``KILLED=50 python -m pytest -n 0 tests/test_outputs.py -k killed``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from case_files import WHOLE
from command import chart, run, write_lines

KILLED = int(os.environ.get("KILLED", "1"))
"""How many runs of each command are killed."""

TESTS = Path(__file__).parent
EVENTS = TESTS / "records" / "epic-mar.csv"
EDITS = TESTS.parent / "asp" / "edits" / "ptp.csv"
IMPORT = ("import", "mar", "events.csv", "--preset", "epic-mar", "--place-of-service", "22")
EXPORT = ("export", "fhir", "visit.json", "--at", "2021-03-01T12:00:00Z", "--as", "task")
BILLED = chart("E-1", billed=[{"code": "96365"}])
BEFORE = b"of a run before\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with all that commands read."""
    monkeypatch.chdir(tmp_path)
    for name in ("visit.json", "visit.html", "visit.proof.json"):
        Path(name).write_text(json.dumps(BILLED), "utf-8")
    write_lines(Path("visits.jsonl"), *({**BILLED, "id": f"E-{n}"} for n in range(3)))
    Path("folder").mkdir()
    write_lines(Path("folder/visit.jsonl"), BILLED)
    Path("prices.csv").write_text("code,price\n96365,70\n", "utf-8")
    Path("groups.csv").write_text("encounter,coder\nE-1,x\n", "utf-8")
    Path("cover.toml").write_text('patient = "x"\n', "utf-8")
    Path("key").write_bytes(b"x" * 32)
    Path("events.csv").write_bytes(EVENTS.read_bytes())
    Path("ptp.csv").write_bytes(EDITS.read_bytes())
    return tmp_path


OVER_AN_INPUT = {
    "a chart": ("code", "visits.jsonl", "-o", "visits.jsonl"),
    "a chart by another name": ("prove", "visit.json", "-o", "folder/../visit.json"),
    "a chart of a folder": ("code", "folder", "-o", "folder/visit.jsonl"),
    "one that is audited": ("audit", "folder", "--format", "json", "-o", "folder/visit.jsonl"),
    "one that loses its ids": ("deidentify", "folder", "--key", "key", "-o", "folder/visit.jsonl"),
    "a chart that is called as a page": ("report", "visit.html", "-o", "visit.html"),
    "a chart beside two policies": ("policy", "compare", "out001", "cms", "visit.json", "-o", "visit.json"),
    "a chart that is called as a proof": ("audit", "visit.proof.json", "-o", "visit.json"),
    "prices": ("audit", "visits.jsonl", "--summary", "--prices", "prices.csv", "-o", "prices.csv"),
    "groups": ("audit", "visits.jsonl", "--summary", "--groups", "groups.csv", "-o", "groups.csv"),
    "claim edits": ("code", "visits.jsonl", "--ptp", "ptp.csv", "-o", "ptp.csv"),
    "a key that is made": ("deidentify", "visits.jsonl", "--key", "new", "--new-key", "-o", "new"),
    "events": (*IMPORT, "--check", "--report", "events.csv"),
    "the other output": (*IMPORT, "-o", "out.jsonl", "--report", "out.jsonl"),
}


@pytest.mark.parametrize("what", OVER_AN_INPUT)
def test_no_output_takes_the_place_of_what_is_read_or_written_beside_it(here: Path, what: str) -> None:
    before = {it: it.read_bytes() for it in here.rglob("*") if it.is_file()}
    done = run(*OVER_AN_INPUT[what])
    assert (done.exit_code, "which it would replace" in done.stderr) == (2, True), done.output
    assert {it: it.read_bytes() for it in here.rglob("*") if it.is_file()} == before


WRITERS: dict[str, tuple[tuple[str, ...], str]] = {
    "code": (("code", "visits.jsonl"), ".jsonl"),
    "code as a table": (("code", "visits.jsonl"), ".csv"),
    "audit": (("audit", "visits.jsonl", "--search", "none"), ".csv"),
    "a summary": (("audit", "visits.jsonl", "--summary", "--search", "none"), ".html"),
    "a packet": (("audit", "visit.json", "--search", "none"), ".html"),
    "the data of a packet": (("audit", "visit.json", "--search", "none"), ".json"),
    "report": (("report", "visit.json"), ".html"),
    "prove": (("prove", "visit.json"), ".json"),
    "export": (EXPORT, ".json"),
    "deidentify": (("deidentify", "visits.jsonl", "--key", "key"), ".jsonl"),
    "import": (IMPORT, ".jsonl"),
    "compare": (("policy", "compare", "out001", "cms", "visits.jsonl"), ".json"),
    "bundle": (("policy", "bundle", "out001"), ".tar.gz"),
}


def odd(kind: str, out: Path) -> Path:
    """Where a command is told to write."""
    match kind:
        case "a folder":
            out.mkdir()
        case "in no folder":
            return Path("none") / out
        case "in a file":
            return Path("visit.json") / out
        case "a full device":
            out.symlink_to("/dev/full")
        case "a link to another's file":
            Path("other").write_bytes(BEFORE)
            out.symlink_to("other")
        case "a link to nothing":
            out.symlink_to("nowhere")
        case "a link to itself":
            out.symlink_to(out)
        case "a name too long":
            return Path("x" * 250 + out.suffix)
    return out


ODD = ["a link to itself", "a full device", "a link to another's file", "a folder", "in no folder", "in a file",
       "a link to nothing", "a name too long"]  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_an_odd_place_for_the_output_is_refused_in_words_or_replaced(here: Path, name: str) -> None:
    words, ending = WRITERS[name]
    for kind in ODD if WHOLE else ODD[:3]:
        out = odd(kind, Path(f"out-{ODD.index(kind)}{ending}"))
        done = run(*words, "-o", out)
        assert done.exception is None or isinstance(done.exception, SystemExit), (kind, done.exception)
        assert done.exit_code in {0, 1, 2} and "internal" not in done.stderr, (kind, done.stderr)
        assert kind != "a full device" or (done.exit_code, "No space left" in done.stderr) == (1, True), done.stderr
        assert not list(here.rglob("*.incomplete*")), kind
    assert (here / "other").read_bytes() == BEFORE
    assert (here / "visit.json").read_text("utf-8") == json.dumps(BILLED)


@pytest.mark.skipif(sys.platform == "win32", reason="no process is told how large its files may be")
@pytest.mark.parametrize("name", ["audit", "code", "import", "a packet"])
def test_a_file_that_may_not_grow_is_told_and_the_next_run_clears_what_was_left(here: Path, name: str) -> None:
    import resource

    words, ending = WRITERS[name]
    out = here / f"out{ending}"
    out.write_bytes(BEFORE)
    before = {*here.iterdir()}

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))

    command = [sys.executable, "-m", "ivproof", *words, "-o", str(out)]
    env = {**os.environ, "IVPROOF_CACHE": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True, preexec_fn=small, check=False)
    assert (done.returncode, "File too large" in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_bytes() == BEFORE
    run(*words, "-o", out)
    assert out.read_bytes() != BEFORE
    assert {*here.iterdir()} == before


KILLABLE = ("code", "audit", "a packet", "import", "deidentify")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process is killed there without a word")
@pytest.mark.parametrize("name", KILLABLE)
def test_a_run_killed_at_any_moment_loses_nothing_and_the_next_one_is_whole(here: Path, name: str) -> None:
    words, ending = WRITERS[name]
    write_lines(Path("visits.jsonl"), *({**BILLED, "id": f"E-{n}"} for n in range(60)))
    out = here / f"out{ending}"
    command = [sys.executable, "-m", "ivproof", *words, "-o", str(out)]
    if name in {"code", "audit"}:
        command += ["--recheck", "none", "--jobs", "2" if name == "code" else "1"]
    env = {**os.environ, "IVPROOF_CACHE": str(here / "cache")}

    def went(*more: str, kill: float | None = None) -> int:
        process = subprocess.Popen([*command, *more], env=env, stderr=subprocess.DEVNULL, start_new_session=True)
        if kill is None:
            return process.wait()
        time.sleep(kill)
        process.kill()
        return process.wait()

    begin = time.monotonic()
    ended = went()
    whole, lasted = out.read_bytes(), time.monotonic() - begin
    files = {*here.iterdir()}
    rng = random.Random()
    for _ in range(KILLED):
        out.write_bytes(BEFORE)
        at = rng.uniform(0.2, 1) * lasted
        if (status := went(kill=at)) != -signal.SIGKILL:
            assert (status, out.read_bytes()) == (ended, whole)
            continue
        assert out.read_bytes() in {BEFORE, whole}, at
        left = [it for it in here.glob("*.incomplete") if it.read_bytes()]
        assert went(*(["--resume"] if name == "audit" and left else [])) == ended, at
        assert out.read_bytes() == whole, at
        assert {*here.iterdir()} == files, at
