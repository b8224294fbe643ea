"""A chart that leads to more than can be gone through is told in one line by every command that looks at one visit."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import chart, run, write_lines

from ivproof.chart.bounds import TooManyWaysError
from ivproof.engine.engine import Engine


@pytest.mark.parametrize(
    "command",
    [("explain",), ("why", "96365"), ("whynot", "96367"), ("report", "-o", "page.html"), ("prove", "-o", "proof.json")],
    ids=lambda it: it[0],
)
def test_too_many_ways_are_told_in_one_line(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Engine, charts: object) -> None:
        raise TooManyWaysError("E: what is left open leads to more claims than can be gone through")

    monkeypatch.setattr(Engine, "answer", refuse)
    file = write_lines(tmp_path / "visit.jsonl", chart("E"))
    name, *rest = command
    options = [tmp_path / it if it.endswith((".html", "proof.json")) else it for it in rest]
    result = run(name, file, *options)
    assert result.exit_code == 3
    assert result.stderr == (
        "ivproof: E: what is left open leads to more claims than can be gone through. What makes it large: "
        "1 administration; questions held open: A21, A26, A37 and 6 more. Settle some of it, or allow more with "
        "--limit.\n"
    )
    assert sorted(it.name for it in tmp_path.iterdir()) == ["visit.jsonl"]
