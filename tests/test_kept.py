"""The cache: nothing in it is believed or executed, none of another user is read, and it does not grow without end."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from visits import visit

from ivproof.claim.coding import Coder
from ivproof.cli import app
from ivproof.engine.second import DisagreementError
from ivproof.law import kept
from ivproof.law.kept import Kept, rules, shaped
from ivproof.law.policy import Policy

CHART = visit({"id": "x", "drug": "ceftriaxone", "start": "09:00", "stop": "09:12"})
"""Twelve minutes: a push, as long as the threshold of an infusion is 16."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("IVPROOF_CACHE", str(tmp_path / "cache"))
    yield tmp_path / "cache"
    (tmp_path / "cache").chmod(0o700)


def claim() -> list[str]:
    kept.kept_of.cache_clear()  # as in a process that has not yet read anything
    policy = Policy.load("out001")
    assert policy.program.rules
    [found] = Coder(policy).code([CHART], recheck="all")
    return [line.code for line in found.claim]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A cache with all that coding the chart needs, and what the chart is coded as."""
    folder = tmp_path_factory.mktemp("filled") / "cache"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IVPROOF_CACHE", str(folder))
        return folder, claim()


@pytest.fixture
def fresh(filled: tuple[Path, list[str]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the chart is coded as; the folder holds all that it needs, and making that anew takes no time."""
    source, found = filled
    shutil.copytree(source, folder)
    value = Kept._value

    def quick(self: Kept, name: str, make: Callable[[], Any], read: Callable[[Any], Any]) -> Any:
        made = source / f"{self.key}-{name}.json"
        return value(self, name, (lambda: json.loads(made.read_bytes())["value"]) if made.exists() else make, read)

    monkeypatch.setattr(Kept, "_value", quick)
    return found


def write(path: Path, change: Callable[[Any], Any], *, signed: bool) -> None:
    """Change what a file of the cache holds; `signed` with its digest made anew, as somebody would who knows it."""
    data = json.loads(path.read_bytes())
    content = json.dumps(change(data["value"])).encode()
    digest = hashlib.sha256(content).hexdigest() if signed else data["sha256"]
    path.write_bytes(b'{"sha256": "' + digest.encode() + b'", "value":\n' + content + b"\n}\n")
    assert json.loads(path.read_bytes())["sha256"] == digest


def replaced(old: str, new: str) -> Callable[[Any], Any]:
    def change(value: Any) -> Any:
        text = json.dumps(value)
        assert old in text
        return json.loads(text.replace(old, new))

    return change


def test_what_is_kept_gives_the_same_answer(folder: Path, fresh: list[str]) -> None:
    assert any(folder.iterdir())
    assert claim() == fresh
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("content", ["{}", "[]", "null", "7", "", "[" * 99_999, '{"sha256": "", "value":\n1\n}\n'])
def test_a_file_of_any_other_shape_is_made_anew(folder: Path, fresh: list[str], content: str) -> None:
    for path in folder.iterdir():
        path.write_text(content, "utf-8")
    assert claim() == fresh
    assert all(len(path.read_bytes()) > 2 * len(content) or len(content) > 10 for path in folder.iterdir())


@pytest.mark.parametrize("value", [{}, [], None, 7, "x", [[]], [None], {"a": 1}, [["a", 1]]])
def test_a_file_with_its_digest_made_anew_that_has_another_shape_is_made_anew(
    folder: Path, fresh: list[str], value: Any
) -> None:
    for path in folder.iterdir():
        if "edits" not in path.name and value not in ([], {}):  # these may well be a list or a table of nothing
            write(path, lambda _: value, signed=True)
    assert claim() == fresh


def test_a_changed_threshold_is_noticed(folder: Path, fresh: list[str]) -> None:
    for path in folder.glob("*-batch-*.json"):
        write(path, replaced("threshold(infusion,16)", "threshold(infusion,10)"), signed=False)
    assert claim() == fresh


@pytest.mark.usefixtures("fresh")
def test_a_changed_threshold_with_its_digest_made_anew_does_not_deceive_the_second_engine(folder: Path) -> None:
    [second] = folder.glob("*-second-engine.json")
    write(second, replaced('["threshold", "infusion", 16]', '["threshold", "infusion", 10]'), signed=True)
    for path in folder.glob("*-batch-*.json"):
        write(path, replaced("threshold(infusion,16)", "threshold(infusion,10)"), signed=True)
    with pytest.raises(DisagreementError):
        claim()


def test_nothing_in_the_cache_is_executed(folder: Path, fresh: list[str], tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"[__import__('pathlib').Path({str(mark)!r}).touch(),count][1]"
    script = f"#script (python)\nimport pathlib\npathlib.Path({str(mark)!r}).touch()\n#end."
    [second] = folder.glob("*-second-engine.json")
    write(second, replaced('"count"', json.dumps(code)), signed=True)
    for path in folder.glob("*-batch-*.json"):
        write(path, lambda value: [*value, ["p", [], script]], signed=True)
    [program] = folder.glob("*-program.json")
    write(program, replaced('"#count"', json.dumps(script)), signed=True)
    assert claim() == fresh
    assert not mark.exists()


@pytest.mark.skipif(os.name != "posix", reason="who may write is told by the mode of a file")
def test_what_others_can_write_is_not_used(folder: Path) -> None:
    kept_ = Kept("law")
    path = folder / f"{kept_.key}-x.json"
    assert kept_.get("x", lambda: 1, int) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Kept("law").get("x", lambda: 2, int) == 1
    path.chmod(0o620)
    assert Kept("law").get("x", lambda: 3, int) == 3
    folder.chmod(0o777)
    assert Kept("law").get("x", lambda: 4, int) == 4
    done = CliRunner().invoke(app, ["cache"])
    assert (done.exit_code, "others can write" in done.output) == (1, True)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="who owns a file")
def test_what_is_another_user_s_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Kept("law").get("x", lambda: 1, int) == 1
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert Kept("law").get("x", lambda: 2, int) == 2
    assert kept.why_unused(folder) == "it belongs to another user"


def test_no_link_is_followed(folder: Path, tmp_path: Path) -> None:
    kept_ = Kept("law")
    assert kept_.get("x", lambda: 1, int) == 1
    path = folder / f"{kept_.key}-x.json"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert Kept("law").get("x", lambda: 2, int) == 2
    assert not path.is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe that has a name")
def test_a_pipe_is_not_waited_for_and_what_is_larger_than_all_that_is_kept_is_not_read(folder: Path) -> None:
    kept_ = Kept("law")
    assert kept_.get("x", lambda: 1, int) == 1
    path = folder / f"{kept_.key}-x.json"
    path.unlink()
    os.mkfifo(path, 0o600)
    assert Kept("law").get("x", lambda: 2, int) == 2
    assert path.is_file()
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    assert Kept("law").get("x", lambda: 3, int) == 3
    assert path.stat().st_size < 1000


def test_a_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert Kept("law").get("x", lambda: 1, int) == 1
    assert list(folder.iterdir()) == []


def test_what_was_written_first_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_FILES", 3)
    Kept("law").get("own", lambda: 0, int)
    (folder / "notes.txt").write_text("of somebody else", "utf-8")
    (folder / "tmpabc.part").write_text("", "utf-8")
    os.utime(folder / "tmpabc.part", (1, 1))
    for n in range(5):
        Kept("law").get(f"x{n}", lambda: 0, int)
        os.utime(next(folder.glob(f"*-x{n}.json")), (time.time() - 100 + n,) * 2)
    Kept("law").get("last", lambda: 0, int)
    names = {path.name.partition("-")[2] or path.name for path in folder.iterdir()}
    assert names == {"last.json", "own.json", "x4.json", "notes.txt"}


def test_the_command_shows_and_clears_it(folder: Path) -> None:
    assert CliRunner().invoke(app, ["cache"]).exit_code == 0
    Kept("law").get("x", lambda: 1, int)
    (folder / "notes.txt").write_text("of somebody else", "utf-8")
    done = CliRunner().invoke(app, ["cache"])
    assert "1 file" in done.stdout
    assert CliRunner().invoke(app, ["cache", "--clear"]).exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_rules_hold_no_script_and_no_inclusion() -> None:
    text = 'p(X) :- q(X,"50% #script @f"), N = #count { Y : r(Y) }, not s(-N).'
    assert rules([text, {"a": [text]}, 7]) == [text, {"a": [text]}, 7]
    for wrong in ("#script (lua)", '#include "x".', "p(@f()).", "&diff { a } <= 1.", "%*", "#const a = 1.", '"'):
        with pytest.raises(ValueError, match="no rule"):
            rules({"a": [wrong]})


def test_a_shape_is_kept_to() -> None:
    assert shaped({"a": ["x"]}, {str: [str]}) == {"a": ["x"]}
    assert shaped(None, str | None) is None
    for value, shape in (([1], [str]), ([1, 2], (int,)), (True, int), ([], {str: int}), ({"a": 1}, {str: str})):
        with pytest.raises(ValueError, match="another shape"):
            shaped(value, shape)
