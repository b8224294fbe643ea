"""What a coder reads: everything of a determination is there, at any width, and nothing of a chart is obeyed."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import chart, given_iv, run, two_of_equal_rank, write_lines
from rich.cells import cell_len
from rich.console import Console

from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.formats.plain import plain
from ivproof.law.policy import Policy
from ivproof.render.terminal import TerminalView, as_visit

POLICY = Policy.load("out001")
WIDTHS = (60, 79, 100, 160)


def shown(data: dict[str, Any], width: int = 120, readings: dict[str, str] | None = None, **console: Any) -> str:
    encounter = parse(data, Source("visit.json")).encounter
    assert encounter is not None
    [determination] = Coder(POLICY, readings).code([encounter], "none")
    view = TerminalView(POLICY, Console(file=io.StringIO(), width=width, **console))
    return view.text(as_visit(encounter, determination))


def flat(text: str) -> str:
    """The text without the breaks that the width makes."""
    return " ".join(text.split())


def full() -> dict[str, Any]:
    """Two sites, a modifier, an oral drug, a drug line, a claim edit, a missing stop."""
    sites = [{"id": "left-arm"}, {"id": "port", "kind": "port", "necessity": "incompatible"}]
    return chart(
        "two-lines",
        given_iv("taxol", "paclitaxel", "09:00", "12:10") | {"site": "port"},
        given_iv("vanc", "vancomycin", "13:00", "14:40"),
        given_iv("zofran", "ondansetron", "15:00", None),
        {"id": "pill", "drug": "acetaminophen", "route": "PO"},
        {"id": "shot", "drug": "J0696", "route": "IM", "billing_units": 4},
        access_sites=sites,
        diagnoses=["C50.911", "Z51.11"],
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_of_a_determination_is_there_at_any_width(width: int) -> None:
    text = shown(full(), width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    for part in (
        "two-lines", "2020-10-05", "OUT001, edition", "determined",
        "96413", "96365", "96372", "59", "port", "left-arm", "taxol", "vanc", "R40",
        "pill", "by mouth", "J0696", "C50.911 first listed",
        "To ask", "stop", "Claim edits", "apart from the policy",
    ):  # fmt: skip
        assert part in flat(text), part


def test_a_code_is_shown_with_the_label_that_the_law_gives_it() -> None:
    label = POLICY.wordings[POLICY.codes["96365"]].sentence.rstrip(".")
    assert label in shown(chart("E"))


def test_every_claim_of_an_open_question_is_shown_with_what_leads_to_it() -> None:
    text = flat(shown(two_of_equal_rank("E"), readings={"A9": "open"}))
    assert "ambiguous" in text and "Holds in every case" in text
    question = POLICY.question("A9")
    assert question.title in text
    for option in question.options:
        assert option.says in text
        assert f"A9 is {option.letter} ({option.name})" in text
    assert "96368" in text and "96367" in text


def test_a_missing_fact_is_asked_for_with_what_each_value_leads_to() -> None:
    text = flat(shown(chart("E", given_iv("x", "mysterymab", "09:00", "10:40"))))
    assert "undetermined" in text and "No line holds in every case" in text
    assert "class of mysterymab is chemotherapy" in text and "class of mysterymab is therapeutic" in text
    assert "administrations[x].class" in text


def test_an_empty_claim_says_that_nothing_is_reportable() -> None:
    text = shown(chart("E", {"id": "pill", "drug": "acetaminophen", "route": "PO"}))
    assert "nothing is reportable" in text and "pill" in text


def test_a_reading_that_was_set_is_named() -> None:
    assert "A9 tie_break = first" in flat(shown(two_of_equal_rank("E"), readings={"A9": "B"}))


# --- what a chart says is shown and not obeyed

HOSTILE = "[red]x[/red] :smile: \x1b[31m\x1b]0;title\x07\u202e"


@pytest.mark.parametrize("width", WIDTHS)
def test_markup_and_control_characters_are_shown_as_they_stand(width: int) -> None:
    given = given_iv(HOSTILE, HOSTILE, "09:00", "10:40") | {"site": HOSTILE}
    data = chart(HOSTILE, given, access_sites=[{"id": HOSTILE}])
    text = shown(data, width)
    assert not set(text) & set("\x1b\x07\u202e\r")
    for part in ("[red]x[/red]", ":smile:", "\\x1b[31m", "\\u202e"):
        assert part in "".join(text.split()), part


def test_a_refusal_cannot_reach_the_terminal_either(tmp_path: Path) -> None:
    broken = chart("E\x1b[2J", given_iv("x", "ceftriaxone", "\x1b[2J", None))
    file = write_lines(tmp_path / "[red]\x1b[2J.jsonl", broken)
    result = run("code", file)
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr and "[red]" in result.stderr and len(result.stderr.splitlines()) == 1


def test_plain_keeps_letters_of_all_languages() -> None:
    assert plain("Zoë 鈴木") == "Zoë 鈴木"
    assert plain("a\nb\x00\ud800") == "a\\nb\\x00\\ud800"


# --- colour


def test_colour_is_for_terminals_only() -> None:
    assert "\x1b[" in shown(chart("E"), force_terminal=True, no_color=False)
    assert "\x1b[" not in shown(chart("E"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color_is_honoured_on_a_terminal(tmp_path: Path, environment: dict[str, str], coloured: bool) -> None:
    file = write_lines(tmp_path / "visit.jsonl", chart("E"))
    master, slave = os.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    command = [sys.executable, "-c", "from ivproof.cli import app; app()", "code", str(file), "--recheck", "none"]
    subprocess.run(command, stdout=slave, check=True, env={**kept, "TERM": "xterm-256color", **environment})
    os.close(slave)
    text = os.read(master, 100_000).decode()
    os.close(master)
    assert bool(re.search(r"\x1b\[[\d;]*3\dm", text)) is coloured
    assert "determined" in text
