"""A rule put into a policy of one's own: law, list of rules and case, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from command import chart, run, write_lines
from typer.testing import Result

from ivproof.law.policy import Policy


def test_a_rule_comes_with_number_sentence_and_case_or_not_at_all(
    edited: Callable[..., Policy], tmp_path: Path
) -> None:
    edited()
    folder = tmp_path / "asp/out001"
    shown = write_lines(tmp_path / "chart.jsonl", chart("A"))

    def put(name: str, number: str, rule: str, *where: str) -> Result:
        said = ("--section", "IV", "--says", "It is so.") if number == "R104" else ()
        options = ("--policy", str(folder), "--number", number, "--sentence", "{A} is left out.", *said, *where)
        return run("policy", "new-rule", name, *options, "--rule", rule, "--case", str(shown))

    done = put("not-here", "R104", "left_out(A, not_here) :- considered(A), drug(A, ceftriaxone).")
    assert done.exit_code == 0, done.stderr
    assert "out001/included.lp" in "".join(done.stdout.split()), "where the rules are that conclude the same"
    assert "determined 96365 ×1 becomes determined nothing" in " ".join(done.stdout.split())
    assert run("policy", "lint", "--policy", str(folder)).exit_code == 0
    kept = {it: it.read_bytes() for it in folder.rglob("*") if it.is_file()}
    case = folder / "cases/not-here.ivproof.yaml"
    assert b"rules: [R104]" in kept[case] and b"side: applies" in kept[case]
    assert run("policy", "test", str(case), "--policy", str(folder)).exit_code == 0

    done = put("unbound", "R30", "left_out(A, unbound) :- considered(B).")
    assert done.exit_code == 1 and "[unbound]" in done.stderr and "nothing was changed" in done.stderr
    assert {it: it.read_bytes() for it in folder.rglob("*") if it.is_file()} == kept

    done = put("unheard-of", "R30", "unheard_of(A) :- considered(A).")
    assert done.exit_code == 2 and "--in: found no file that has rules of what --rule concludes" in done.stderr
    done = put("elsewhere", "R30", "left_out(A, elsewhere) :- considered(A), drug(A, nothing).", "--in", "else.lp")
    assert done.exit_code == 2 and "--in else.lp: found no such file" in done.stderr
    done = put("by-hand", "R30", "left_out(A, by_hand) :- considered(A), drug(A, nothing).", "--in", "push.lp")
    assert done.exit_code == 0 and "out001/push.lp" in "".join(done.stdout.split())
