"""The law that is used is the law that was checked, and bears the name of an edition only where it is that edition."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command import answers, chart, run, write_lines

from ivproof.law.policy import Policy, PolicyError, law_folder, publish

FAST = ("--no-assumptions", "--recheck", "none")
EDITION = "edition 2020-09-16"


@pytest.fixture
def law(tmp_path: Path) -> Path:
    """A copy of the law, which can be changed."""
    for name in ("time.lp", "vocabulary.lp", "national.toml"):
        shutil.copy(law_folder() / name, tmp_path / name)
    return Path(shutil.copytree(law_folder() / "out001", tmp_path / "out001"))


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "visit.jsonl", chart("E", billed=[{"code": "96365"}]))


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")


def misspell(law: Path) -> None:
    change(law / "drug.lp", "printed(I)", "printd(I)")


def without_header(law: Path) -> None:
    with (law / "drug.lp").open("a") as file:
        file.write("\nclass_of(A, chemotherapy) :- administration(A).\n")


def default_that_is_none(law: Path) -> None:
    text = (law / "readings.lp").read_text("utf-8")
    line = next(it for it in text.splitlines() if it.startswith("default("))
    change(law / "readings.lp", line, line.replace(")", "_misspelt)"))


def default_and_unresolved(law: Path) -> None:
    text = (law / "readings.lp").read_text("utf-8")
    line = next(it for it in text.splitlines() if it.startswith("default("))
    key = line.removeprefix("default(").partition(",")[0]
    change(law / "readings.lp", line, f"{line}\nunresolved({key}).")


def slower(law: Path) -> None:
    """A change that lint has nothing against."""
    change(law.parent / "time.lp", "threshold(infusion, 16).", "threshold(infusion, 17).")


BROKEN = [misspell, without_header, default_that_is_none, default_and_unresolved]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("command", [("code", *FAST), ("audit",)])
def test_a_law_that_lint_rejects_is_refused_in_words(
    broken: object, command: tuple[str, ...], law: Path, visit: Path
) -> None:
    broken(law)  # type: ignore[operator]
    result = run(command[0], visit, *command[1:], "--policy", law)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert ".lp:" in result.stderr
    assert "--unchecked" in result.stderr


@pytest.mark.parametrize(
    "command",
    [("why", "VISIT", "96365"), ("prove", "VISIT"), ("missing", "VISIT"), ("margins", "VISIT"), ("explain", "VISIT"),
     ("whynot", "VISIT", "96366"), ("readings", "of", "VISIT"), ("policy", "test", "VISIT")],
)  # fmt: skip
def test_every_command_that_uses_a_law_refuses_it(command: tuple[str, ...], law: Path, visit: Path) -> None:
    misspell(law)
    words = [str(visit) if it == "VISIT" else it for it in command]
    result = run(*words, "--policy", law)
    assert result.exit_code == 2
    assert "policy lint rejects" in result.stderr


def test_a_law_that_lint_rejects_is_compared_with_no_other(law: Path) -> None:
    misspell(law)
    assert run("policy", "compare", "out001", law).exit_code == 2
    told = run("policy", "compare", "out001", law, "--unchecked")
    assert told.exit_code == 0
    assert "not checked" in told.stdout


def test_commands_that_only_look_at_a_law_take_any(law: Path) -> None:
    misspell(law)
    assert run("policy", "lint", "--policy", law).exit_code == 1
    assert run("policy", "show", "printed-drug", "--policy", law).exit_code == 0


def test_unchecked_is_told_in_every_answer(law: Path, visit: Path) -> None:
    misspell(law)
    options = (*FAST, "--policy", law, "--unchecked")
    [found] = answers(run("code", visit, *options, "--format", "json"))
    assert any("policy lint rejects it" in note and "printd" in note for note in found["notes"])
    assert "not checked" in run("code", visit, *options).stdout
    # answers that have no notes are told of it, too
    for command in (("why", visit, "96413"), ("whynot", visit, "96365"), ("margins", visit), ("readings", "of", visit)):
        assert "policy lint rejects it" in run(*command, "--policy", law, "--unchecked").stderr
    # the next command is told anew
    assert run("code", visit, *FAST, "--policy", law).exit_code == 2


def test_a_changed_copy_never_bears_the_name_of_the_edition(law: Path, visit: Path, tmp_path: Path) -> None:
    slower(law)
    policy = Policy.load(law)
    assert policy.standing == "changed"
    assert policy.told == f"changed copy of OUT001, {EDITION}, digest {policy.digest[:19]}"
    table = " ".join(run("code", visit, *FAST, "--policy", law).stdout.split())
    assert policy.told in table
    [found] = answers(run("code", visit, *FAST, "--policy", law, "--format", "json"))
    assert found["policy"]["edition"] == "changed copy of 2020-09-16"
    assert "changed copy of OUT001" in run("policy", "compare", "out001", law).stdout
    run("audit", visit, "--policy", law, "-o", tmp_path / "packet.json", "--search", "none")
    packet = json.loads((tmp_path / "packet.json").read_text("utf-8"))
    assert packet["policy"].startswith("changed copy of OUT001")
    assert policy.digest[:19] in packet["edition"]
    assert "changed copy" in " ".join(run("audit", visit, "--policy", law).stdout.split())


def test_an_unchanged_copy_is_the_edition(law: Path, visit: Path) -> None:
    assert Policy.load(law).standing == "published"
    assert f"OUT001, {EDITION}\n" in run("code", visit, *FAST, "--policy", law).stdout


def test_an_owner_publishes_a_change_under_an_edition_of_its_own(law: Path) -> None:
    slower(law)
    result = run("policy", "publish", "--policy", law)
    assert result.exit_code == 2
    assert "an edition of its own" in result.stderr
    with pytest.raises(PolicyError):
        publish(Policy.load(law), again=True)  # the edition is not the owner's to replace
    change(law / "policy.toml", "2020-09-16", "2026-01-01")
    assert Policy.load(law).standing == "own"
    assert "not published" in Policy.load(law).told
    assert run("policy", "publish", "--policy", law).exit_code == 0
    assert Policy.load(law).told == "OUT001, edition 2026-01-01"
    change(law.parent / "time.lp", "threshold(infusion, 17).", "threshold(infusion, 18).")
    assert Policy.load(law).standing == "changed"
    assert run("policy", "publish", "--policy", law).exit_code == 2
    assert run("policy", "publish", "--policy", law, "--again").exit_code == 0
    assert Policy.load(law).standing == "published"


def test_what_lint_rejects_is_not_published(law: Path) -> None:
    change(law / "policy.toml", "2020-09-16", "2026-01-01")
    misspell(law)
    assert run("policy", "publish", "--policy", law).exit_code == 1
    assert not (law.parent / "published.toml").exists()


def test_what_is_written_down_of_our_editions_is_so() -> None:
    """Where the package says which law its editions are, the law is that one: ivproof policy publish --again."""
    for file in law_folder().glob("*/policy.toml"):
        assert Policy.load(file.parent).standing == "published"


def test_the_drug_list_beside_a_copied_law_is_used(law: Path, tmp_path: Path) -> None:
    visit = write_lines(
        tmp_path / "new.jsonl",
        chart(
            "N", {"id": "x", "drug": "novelmab", "route": "IV", "site": "left-arm", "start": "09:00", "stop": "09:40"}
        ),
    )
    [before] = answers(run("code", visit, *FAST, "--policy", law, "--format", "json"))
    assert before["status"] == "undetermined"
    drugs = Path(shutil.copytree(law_folder() / "drugs", law.parent / "drugs"))
    text = (drugs / "ingredients.csv").read_text("utf-8")
    row = next(it for it in text.splitlines() if it.startswith("ceftriaxone,"))
    with (drugs / "ingredients.csv").open("a", encoding="utf-8") as file:
        file.write(row.replace("ceftriaxone", "novelmab") + "\n")
    [after] = answers(run("code", visit, *FAST, "--policy", law, "--format", "json"))
    assert after["status"] == "determined"
