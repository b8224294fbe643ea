"""A policy that cannot be read: which file, what was found, what was expected."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command import chart, run, write_lines

from ivproof.law.kept import cache_folder
from ivproof.law.policy import Policy, PolicyError, law_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the law, in which something can be broken."""
    shutil.copytree(law_folder(), tmp_path / "asp")
    return tmp_path / "asp" / "out001"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("files = [", "policy.toml"),
        ('title = "x"', "id: found nothing"),
        ('id = "x"\ntitle = "y"\nedition = 2020-01-01', "files: found nothing, expected a list"),
        ('id = "x"\ntitle = "y"\nedition = 2020-01-01\nfiles = 3', "files: found something else"),
        ('id = "x"\ntitle = "y"\nedition = 2020-01-01\nfiles = [3]', "files: found something else"),
        ('id = "x"\ntitle = ["y"]\nedition = 2020-01-01\nfiles = ["a.lp"]', "title: found something else"),
        ('id = "x"\ntitle = "y"\nedition = 2020-01-01\nfiles = ["../../x.lp"]', "x.lp"),
    ],
)
def test_a_description_that_cannot_be_used_says_why(folder: Path, text: str, said: str) -> None:
    (folder / "policy.toml").write_text(text, "utf-8")
    with pytest.raises(PolicyError) as told:
        Policy.load(folder)
    assert said in str(told.value)


def test_a_file_of_the_law_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "push.lp").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match=r"push\.lp:1: found a byte that is not UTF-8"):
        Policy.load(folder)


def test_a_law_without_its_folder_is_told_on_the_command_line(tmp_path: Path) -> None:
    visit = write_lines(tmp_path / "visit.jsonl", chart("E-1"))
    for name in ("", "out01", str(visit), str(tmp_path)):
        result = run("code", visit, "--policy", name)
        assert result.exit_code == 2
        assert "out001" in result.stderr


def test_a_law_that_may_not_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", closed)
    with pytest.raises(PolicyError, match="Permission denied"):
        Policy.load(folder)


def test_a_user_without_a_home_keeps_nothing_and_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("IVPROOF_CACHE", raising=False)
    assert cache_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/ivproof")
