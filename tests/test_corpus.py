"""A stored corpus of a law: both sides of each change of a claim, edits held against them, files that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import run

from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.lab.cells import Cell
from ivproof.lab.corpus import Corpus, CorpusError, _edge, _points, compared, corpus, read_corpus
from ivproof.lab.kinds import TIMES, Kind
from ivproof.lab.pair import Side
from ivproof.lab.witness import Said
from ivproof.law.policy import Policy
from ivproof.unknowns.affine import PathCondition

POLICY = Policy.load("out001")
Edit = Callable[..., Policy]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus of charts with nothing given, and by hand some with an infusion."""
    coder = Coder(POLICY)
    found = corpus(coder, 0, 120)
    file = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    infusion = {"id": "x1", "drug": "ceftriaxone", "route": "IV", "site": "iv", TIMES: ["start", "stop"]}
    plain = {"id": "E", "place_of_service": "22", "date": "2021-01-05", "access_sites": [{"id": "iv"}]}
    kind = Kind({**plain, "administrations": [infusion]}, "an infusion")
    lines = found.written().splitlines()
    for n, point in enumerate(dict.fromkeys(_points(Side(coder), kind, set(), 1e9)), len(lines)):
        document = {**kind.written(point), "id": f"corpus-{n}"}
        chart = parse(document, Source("chart")).encounter
        assert chart is not None
        [answer] = coder.code([chart], "all", changes=False)
        lines.append(json.dumps({"chart": document, **Said.of(answer.as_dict()).as_dict()}))
    about = {**found.about, "charts": len(lines) - 1}
    file.write_text("\n".join([json.dumps(about), *lines[1:]]) + "\n", "utf-8")
    return file


def lengths(found: Corpus) -> set[int]:
    charts = [it.document["administrations"] for it in found.charts if it.document["administrations"]]
    minutes = [[int(it[name][:2]) * 60 + int(it[name][3:]) for name in ("start", "stop")] for [it] in charts]
    return {stop - start for start, stop in minutes}


def test_it_has_the_last_minute_before_each_change_of_the_claim_and_the_first_after(stored: Path) -> None:
    found = read_corpus(stored, POLICY)
    assert {15, 16, 90, 91, 150, 151} <= lengths(found)
    assert len(found.charts) > 50 and all(it.said.status for it in found.charts)


def test_an_edge_is_the_last_point_at_which_all_conditions_hold() -> None:
    cell = Cell(
        (5, 5), (PathCondition((1, 0), "<=", 9), PathCondition((1, -1), "!=", 2), PathCondition((0, 1), "=", 5)), None
    )
    assert _edge(cell, 0, 1) == ((6, 5), (7, 5))
    assert _edge(cell, 0, -1) == ((5, 5), None)
    assert _edge(cell, 1, 1) == ((5, 5), (5, 6))


def test_an_edit_of_a_minute_is_felt_and_one_that_says_the_same_is_not(stored: Path, edited: Edit) -> None:
    found = read_corpus(stored, POLICY)
    [felt] = compared(POLICY, edited(("time.lp", "threshold(infusion, 16).", "threshold(infusion, 17).")), found)
    assert felt.kind == "claim" and dict(felt.units) == {"96365": -1, "96374": 1}
    assert felt.because == ("threshold-infusion",)
    assert list(compared(POLICY, POLICY, found)) == []


def test_the_command_says_that_it_is_a_sample(stored: Path, edited: Edit, tmp_path: Path) -> None:
    edited(("time.lp", "threshold(infusion, 16).", "threshold(infusion, 17)."))
    law = str(tmp_path / "asp/out001")
    done = run("policy", "compare", "out001", law, "--corpus", str(stored))
    assert done.exit_code == 1 and "1 has another claim" in done.stdout and "a sample" in done.stdout
    same = run("policy", "compare", "out001", "out001", "--corpus", str(stored), "--format", "json")
    plain: dict[str, Any] = json.loads(same.stdout)
    assert same.exit_code == 0 and plain["other_claim"] == 0 and plain["corpus"]["charts"] == plain["charts"]
    assert "verdict" not in plain
    beside = run("policy", "compare", "out001", law, "--corpus", str(stored), "--up-to", "1")
    assert beside.exit_code == 2 and "--corpus: expected" in beside.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [], ":1: found no JSON object"),
        (lambda lines: lines[1:], ":1: found no corpus of format 1"),
        (lambda lines: [lines[0].replace("sha256:", "sha256:0"), *lines[1:]], ":1: found a corpus of another law"),
        (lambda lines: lines[:-1], "charts, expected"),
        (lambda lines: [lines[0], "{}", *lines[2:]], ":2: found no chart with its claims"),
        (lambda lines: [lines[0], lines[1].replace("22", "xx"), *lines[2:]], ":2: found no chart with its claims"),
    ],
)
def test_what_is_no_corpus_of_the_law_is_refused_with_its_place(
    change: Callable[[list[str]], list[str]], said: str, stored: Path, tmp_path: Path
) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text("\n".join(change(stored.read_text("utf-8").splitlines())), "utf-8")
    with pytest.raises(CorpusError) as error:
        read_corpus(file, POLICY)
    assert said in str(error.value) and "other.jsonl" in str(error.value)
