"""Each write, flush, sync, rename and removal of a run fails in turn, or the run is killed there: nothing is lost.

What stood under the name of the output stands there still, or the whole answer does; what a run left is gone on with,
and comes to the same bytes.
"""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from command import two_of_equal_rank, write_lines
from typer.testing import CliRunner

from ivproof.cli import app
from ivproof.formats.plain_file import replace_text

CHART = {**two_of_equal_rank("E"), "billed": [{"code": "96365"}, {"code": "96366", "units": 2}]}
BEFORE = b"of a run before\n"
KILLED = 137


class Disk:
    """Counts what is asked of the files that are written, and fails or kills at one of the steps."""

    def __init__(self, at: int = 0, *, kill: bool = False) -> None:
        self.at = at
        self.kill = kill
        self.steps: list[str] = []

    def step(self, what: str, before: Callable[[], object] = lambda: None) -> None:
        """Come to a step; `before` is what it still does where it fails."""
        self.steps.append(what)
        if len(self.steps) == self.at:
            before()
            if self.kill:
                os._exit(KILLED)
            raise OSError(errno.ENOSPC, "No space left on device")

    def wrapped(self, opener: Callable[..., Any]) -> Callable[..., Any]:
        """Open as before; what is opened to write is a stream of this disk."""

        def opened(*args: Any, **kwargs: Any) -> Any:
            if any(isinstance(it, str) and set(it) & set("wa+") and set(it) <= set("rwab+") for it in args):
                self.step("open")
                return Stream(opener(*args, **kwargs), self)
            return opener(*args, **kwargs)

        return opened

    def counted(self, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Do as before, as a step."""

        def done(*args: Any, **kwargs: Any) -> Any:
            self.step(what)
            return function(*args, **kwargs)

        return done

    def put_under(self, patched: pytest.MonkeyPatch) -> None:
        """Let everything that writes files write on this disk."""

        patched.setattr(os, "fdopen", self.wrapped(os.fdopen))
        patched.setattr(Path, "open", self.wrapped(Path.open))
        patched.setattr(os, "fsync", self.counted("fsync", os.fsync))
        patched.setattr(Path, "replace", self.counted("replace", Path.replace))
        patched.setattr(Path, "unlink", self.counted("unlink", Path.unlink))


class Stream:
    """A file on a disk that may be full: half of what does not fit is written."""

    def __init__(self, inner: Any, disk: Disk) -> None:
        self._inner = inner
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        def half() -> None:
            self._inner.write(data[: len(data) // 2])
            self._inner.flush()

        self._disk.step("write", half)
        self._inner.write(data)

    def flush(self) -> None:
        self._disk.step("flush")
        self._inner.flush()

    def truncate(self, size: int) -> None:
        self._disk.step("truncate")
        self._inner.truncate(size)

    def close(self) -> None:
        try:
            self._disk.step("close")
        finally:
            self._inner.close()


QUICK = ("--recheck", "none", "--jobs", "1")
RUNS = {
    "audit.csv": ("audit", "--format", "csv", "--search", "none", *QUICK),
    "sum.csv": ("audit", "--format", "csv", "--summary", "--search", "none", *QUICK),
    "code.jsonl": ("code", "--format", "json", "--no-assumptions", *QUICK),
    "proof.json": ("prove", "--encounter", "E-0"),
}
"""The ways in which commands write files, by the name of what is written: line by line with notes, and whole."""


class Desk:
    """A folder with charts, and what a command writes there."""

    def __init__(self, folder: Path, name: str, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.patch = patch
        self.command = RUNS[name]
        self.out = folder / name
        self.charts = write_lines(folder / "charts.jsonl", *({**CHART, "id": f"E-{n}"} for n in range(2)))
        self.written = self.charts.read_bytes()

    def run(self, disk: Disk, *more: str) -> Any:
        with self.patch.context() as patched:
            disk.put_under(patched)
            command, *options = self.command
            return CliRunner().invoke(app, [command, str(self.charts), *options, *more, "-o", str(self.out)])

    def killed(self, at: int) -> int:
        """The status of a run, in a process of its own, that is killed at a step."""
        child = os.fork()
        if not child:
            status = 1
            with suppress(BaseException):
                status = self.run(Disk(at, kill=True)).exit_code
            os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def clear(self) -> None:
        """Leave the charts, and what was written before."""
        for it in self.folder.iterdir():
            if it != self.charts:
                it.unlink()
        self.out.write_bytes(BEFORE)

    @property
    def names(self) -> set[str]:
        return {it.name for it in self.folder.iterdir()}


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, request.param, monkeypatch)


def whole_of(desk: Desk) -> tuple[bytes, list[str]]:
    """What the command writes where nothing fails, and its steps."""
    desk.run(Disk())  # what is kept of the law, too, is written by the first run
    disk = Disk()
    assert desk.run(disk).exit_code == 0
    return desk.out.read_bytes(), disk.steps


def goes_on(desk: Desk, whole: bytes, *more: str) -> None:
    """A further run writes all of it, leaves nothing else, and has touched no chart."""
    done = desk.run(Disk(), *more)
    assert done.exit_code == 0, done.output
    assert desk.out.read_bytes() == whole
    assert desk.names == {desk.charts.name, desk.out.name}
    assert desk.charts.read_bytes() == desk.written


@pytest.mark.parametrize("desk", ["audit.csv", "proof.json"], indirect=True)
def test_whatever_fails_the_output_is_as_before_or_whole_and_the_next_run_completes_it(desk: Desk) -> None:
    whole, steps = whole_of(desk)
    assert len(steps) > 3
    for at in range(1, len(steps) + 1):
        desk.clear()
        done = desk.run(Disk(at))
        where = f"step {at}: {steps[at - 1]} of {steps}"
        assert done.exception is None or isinstance(done.exception, SystemExit), (where, done.exception)
        assert desk.out.read_bytes() in ({BEFORE, whole} if done.exit_code else {whole}), where
        assert not done.exit_code or "No space left" in done.stderr, (where, done.output)
        del done  # what it holds has the lock, as the process would have
        gc.collect()
        goes_on(desk, whole, *(["--resume"] if desk.command[0] == "audit" and at % 2 else []))


@pytest.mark.parametrize("desk", ["sum.csv", "code.jsonl"], indirect=True)
def test_wherever_it_is_killed_the_output_is_as_before_or_whole_and_the_next_run_completes_it(desk: Desk) -> None:
    whole, steps = whole_of(desk)
    for at in range(1, len(steps) + 1):
        desk.clear()
        assert desk.killed(at) == KILLED
        assert desk.out.read_bytes() in {BEFORE, whole}, f"step {at}: {steps[at - 1]} of {steps}"
        goes_on(desk, whole, *(["--resume"] if desk.command[0] == "audit" else []))


def test_a_file_of_a_policy_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rules.toml"

    def replaced(disk: Disk) -> None:
        with monkeypatch.context() as patched:
            disk.put_under(patched)
            replace_text(file, b"after" * 1000)

    counted = Disk()
    file.write_bytes(BEFORE)
    file.chmod(0o640)
    replaced(counted)
    assert file.read_bytes() == b"after" * 1000
    assert file.stat().st_mode & 0o777 == 0o640
    assert {"write", "fsync", "replace"} <= set(counted.steps)
    for at in range(1, len(counted.steps) + 1):
        file.write_bytes(BEFORE)
        with suppress(OSError):
            replaced(Disk(at))
        assert file.read_bytes() == BEFORE, counted.steps[at - 1]
        assert [it.name for it in tmp_path.iterdir()] == [file.name], counted.steps[at - 1]
        if not (child := os.fork()):
            with suppress(BaseException):
                replaced(Disk(at, kill=True))
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED
        assert file.read_bytes() == BEFORE, counted.steps[at - 1]
        for left in set(tmp_path.iterdir()) - {file}:
            left.unlink()
