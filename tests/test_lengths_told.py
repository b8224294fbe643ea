"""A length is told with what makes it up: stretches, pauses, pushes, further administrations; ranks by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from visits import visit

from ivproof.chart.encounter import Encounter
from ivproof.law.policy import Policy
from ivproof.why.explanation import Line
from ivproof.why.why import Explainer, Version
from ivproof.why.whynot import why_not

SALINE = {"id": "s", "drug": "normal saline", "purpose": "hydration", "method": "infusion"}
CEFTRIAXONE = {"id": "x", "drug": "ceftriaxone", "method": "infusion"}
MORPHINE = {"drug": "morphine", "method": "push"}


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(Policy.load("out001"))


def walk(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        if line.step is not None:
            yield from walk(line.step.lines)


def version(explainer: Explainer, chart: Encounter) -> Version:
    [found] = explainer.explain(chart).versions
    return found


def texts(found: Version, kind: str) -> list[str]:
    lines = [line for unit in found.units for line in unit.lines]
    return [it.text for it in walk([*lines, *(line for _, line in found.excluded)]) if it.kind == kind]


def one_with(lines: Iterable[str], *parts: str) -> str:
    return next(text for text in lines if all(part in text for part in parts))


def test_hydration_tells_the_stretches_in_which_it_ran_alone(explainer: Explainer) -> None:
    chart = visit({**CEFTRIAXONE, "start": "10:00", "stop": "11:20"}, {**SALINE, "start": "10:00", "stop": "11:45"})
    found = version(explainer, chart)
    assert one_with(texts(found, "measure"), "11:20–11:45", "25 minutes", "31 or more")
    [(exclusion, line)] = [it for it in found.excluded if it[0].name == "short-hydration"]
    assert exclusion.subject == "s"
    assert any("25 minutes" in it.text for it in walk([line]) if it.kind == "measure")


def test_hydration_tells_which_push_takes_how_much_off(explainer: Explainer) -> None:
    chart = visit(
        {**SALINE, "start": "10:05", "stop": "11:50"}, {**MORPHINE, "id": "m", "start": "10:10", "stop": "10:12"}
    )
    assert one_with(texts(version(explainer, chart), "measure"), "10:05–11:50", "2 minutes of m", "103 minutes")


def test_the_time_of_its_own_is_told_by_its_stretches(explainer: Explainer) -> None:
    chart = visit(
        {**CEFTRIAXONE, "start": "13:00", "stop": "14:40"},
        {"id": "p", "drug": "potassium chloride", "purpose": "replacement", "start": "14:00", "stop": "15:00"},
    )
    assert one_with(texts(version(explainer, chart), "measure"), "p has 14:40–15:00 for itself", "20 minutes")


def test_a_pause_is_told_with_the_times(explainer: Explainer) -> None:
    chart = visit({**CEFTRIAXONE, "start": "09:00", "stop": "10:00", "pauses": [{"from": "09:20", "to": "09:30"}]})
    [unit] = version(explainer, chart).units
    assert "09:00–10:00, stood still 09:20–09:30" in unit.lines[0].text
    assert one_with([it.text for it in walk(unit.lines)], "ran 50 minutes")


def test_minutes_that_are_added_name_both(explainer: Explainer) -> None:
    chart = visit(
        {**CEFTRIAXONE, "start": "09:00", "stop": "09:40"},
        {**CEFTRIAXONE, "id": "y", "start": "10:00", "stop": "10:40", "continues": "x"},
    )
    assert one_with(texts(version(explainer, chart), "measure"), "x with y ran 80 minutes")


def test_a_push_too_soon_tells_the_interval_to_the_last_one_that_counts(explainer: Explainer) -> None:
    pushes = [{**MORPHINE, "id": f"m{n}", "start": start} for n, start in enumerate(("10:20", "11:00", "11:20"), 1)]
    chart = visit({**CEFTRIAXONE, "start": "10:00", "stop": "10:30"}, *pushes)
    [(_, line)] = version(explainer, chart).excluded
    assert any(
        all(part in it.text for part in ("m2 (11:00)", "m3 (11:20)", "20 minutes", "more than 30"))
        for it in walk([line])
        if it.kind == "measure"
    )


def test_ranks_are_told_as_such_and_places_in_an_order_by_name(explainer: Explainer) -> None:
    chart = visit(
        {**CEFTRIAXONE, "start": "10:00", "stop": "10:30"},
        {**MORPHINE, "id": "first", "start": "10:40"},
        {**MORPHINE, "id": "second", "start": "11:40"},
        {**MORPHINE, "id": "third", "start": "12:40"},
    )
    counted = texts(version(explainer, chart), "counted")
    assert one_with(counted, "hierarchy", "x, then first")
    assert not any("40" in it for it in counted)
    assert one_with(counted, "second, first", "the last: second")


def test_a_modifier_is_told_with_its_code(explainer: Explainer) -> None:
    chart = visit(
        {**CEFTRIAXONE, "start": "10:00", "stop": "10:30"},
        {"id": "y", "drug": "vancomycin", "site": "port", "start": "10:00", "stop": "11:00"},
        access_sites=[{"id": "arm"}, {"id": "port", "necessity": "protocol"}],
    )
    [line] = version(explainer, chart).modifiers
    assert line.text.startswith("96365-59: ")


@pytest.mark.parametrize(
    ("given", "code", "rule"),
    [
        ([{**SALINE, "purpose": "keep_open", "start": "10:00", "stop": "11:00"}], "96360", "keep-open"),
        ([{**CEFTRIAXONE, "route": "PO", "site": None, "start": "10:00"}], "96365", "by-mouth"),
        (
            [{**CEFTRIAXONE, "start": "10:00", "stop": "11:20"}, {**SALINE, "start": "10:00", "stop": "11:45"}],
            "96361",
            "short-hydration",
        ),
    ],
)
def test_what_the_law_leaves_out_is_told_first_of_an_absence(
    explainer: Explainer, given: list[dict[str, Any]], code: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivproof.whatif.least.PAIRS", 2)
    first = why_not(explainer, visit(*given), code).attempts[0]
    assert first.left_out
    assert first.rule == rule
    assert first.obstacles


def test_an_absence_tells_nothing_of_another_class_where_something_comes_nearer(explainer: Explainer) -> None:
    chart = visit({**CEFTRIAXONE, "start": "10:00", "stop": "10:15"}, {**MORPHINE, "id": "m", "start": "10:40"})
    attempts = why_not(explainer, chart, "96365").attempts
    assert attempts
    assert all(it.rule != "class" for it in attempts)
    assert any("15 minutes" in line.text for line in attempts[0].obstacles if line.kind == "measure")


def test_each_fluid_that_ran_too_short_is_told_with_its_own_minutes(explainer: Explainer) -> None:
    chart = visit(
        {**SALINE, "start": "08:00", "stop": "08:25"}, {**SALINE, "id": "t", "start": "08:31", "stop": "08:55"}
    )
    found = why_not(explainer, chart, "96360")
    said = [[it.text for it in walk(one.obstacles) if it.kind == "measure"] for one in found.attempts if one.left_out]
    assert [["25 minutes" in text, "24 minutes" in text] for [text] in said] == [[True, False], [False, True]]
