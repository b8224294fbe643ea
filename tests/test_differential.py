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
