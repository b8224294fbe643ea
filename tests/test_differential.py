"""The comparison of the two engines, on a few charts; the command takes as many as are wanted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import differential
import generate
import pytest
from field_list import TITLES
from pydantic import BaseModel


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


def fields(part: BaseModel) -> Iterator[tuple[type[BaseModel], str]]:
    """The fields of a chart's parts that say something else than where they are left out."""
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if field.is_required() or value != field.default:
            yield type(part), name
        for it in value if isinstance(value, tuple) else (value,):
            if isinstance(it, BaseModel):
                yield from fields(it)


def test_wild_charts_have_every_field_of_the_format_and_up_to_forty_administrations() -> None:
    charts = [generate.encounter(generate.wild(random.Random(n))) for n in range(400)]
    found = {it for chart in charts for it in fields(chart)}
    assert {(part, name) for part in TITLES.values() for name in part.model_fields} <= found
    sizes = [len(chart.administrations) for chart in charts]
    assert min(sizes) == 0
    assert max(sizes) == 40
    assert sum(size >= differential.LARGE for size in sizes) > 100
