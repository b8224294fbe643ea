"""The comparison of the two engines, on a few charts; the command takes as many as are wanted."""

from __future__ import annotations

from typing import Any

import differential
import pytest


def test_the_engines_agree_on_a_few_charts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVPROOF_CACHE", "")
    assert differential.main(["--charts", "60", "--jobs", "1", "--seed", "3000200"]) == 0
    assert "60 charts" in capsys.readouterr().out


def test_a_difference_is_shown_on_the_smallest_chart() -> None:
    def pushed(chart: dict[str, Any]) -> bool:
        return any(it.get("method") == "push" for it in chart.get("administrations", []))

    chart = next(it for it in map(differential.generated, range(1000)) if pushed(it))
    assert differential.smallest(chart, pushed) == {"administrations": [{"method": "push"}]}


def office(**given: dict[str, str]) -> dict[str, Any]:
    chart = {"id": "E", "place_of_service": "11", "date": "2020-09-16"}
    return chart | {"administrations": [{"id": name, "route": "IV", **it} for name, it in given.items()]}


ONCE_DIFFERENT = {
    "an open reading decides whether the main reason is asked for": (
        office(a={"drug": "doxorubicin", "order": "protocol"}, b={"drug": "diphenhydramine"}),
        {},
    ),
    "so it does for what is mixed in a bag": (
        office(a={"drug": "famotidine", "order": "protocol", "bag": "one"}, b={"drug": "normal saline", "bag": "one"}),
        {},
    ),
    "what is supposed of the site would, too, if there were two candidates": (
        office(a={"drug": "no such drug"}),
        {"A16": "ask", "A96": "counts"},
    ),
}


@pytest.mark.parametrize("name", ONCE_DIFFERENT)
def test_charts_that_once_showed_a_difference(name: str) -> None:
    chart, readings = ONCE_DIFFERENT[name]
    assert not differential.differ(chart, differential.Engines(readings))
