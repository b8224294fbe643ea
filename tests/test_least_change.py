"""The least change of a chart, against all smaller changes of it: each is coded, and none gives what is asked for."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import generate
import pytest
from case_files import WHOLE
from visits import visit

from ivproof.chart.encounter import AccessSite, Encounter
from ivproof.law.policy import Policy
from ivproof.whatif.least import NOT_TRIED, Change, FactChange, _corrected, is_possible, moment
from ivproof.whatif.margins import margins_of
from ivproof.why.why import Explainer
from ivproof.why.whynot import units_of, why_not

SALINE = {"id": "s", "drug": "normal saline", "purpose": "hydration"}
CEFTRIAXONE = {"id": "x", "drug": "ceftriaxone"}


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(Policy.load("out001"))


@pytest.fixture(autouse=True)
def _short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look through a few pairs only: the searches of these tests find what they look for before."""
    monkeypatch.setattr("ivproof.whatif.least.PAIRS", 30)


def least(explainer: Explainer, chart: Encounter, code: str, administration: str | None = None) -> Change:
    change = why_not(explainer, chart, code, administration).search.change
    assert change is not None
    return change


def units(explainer: Explainer, charts: list[Encounter], code: str) -> list[int]:
    """The units of a code on the claim of each chart."""
    answers = explainer.coder.engine.answer([explainer.coder.facts(it) for it in charts])
    claims = [[it.atoms for it in answer.alternatives] or [answer.atoms] for answer in answers]
    return [min(units_of(atoms, code, None) for atoms in versions) for versions in claims]


def gives(explainer: Explainer, chart: Encounter, change: Change, code: str) -> bool:
    """Whether the changed chart has a unit more."""
    before, after = units(explainer, [chart, change.encounter], code)
    return after > before


def none_gives(explainer: Explainer, chart: Encounter, smaller: Iterable[Encounter], code: str) -> bool:
    """Whether no smaller change gives a unit more."""
    [before] = units(explainer, [chart], code)
    tried = [it for it in smaller if is_possible(it)]
    assert tried
    return max(units(explainer, tried, code)) <= before


def with_one(chart: Encounter, at: int, **fields: object) -> Encounter:
    given = list(chart.administrations)
    given[at] = given[at].model_copy(update=fields)
    return chart.model_copy(update={"administrations": tuple(given)})


def moved(chart: Encounter, fewer_than: int) -> Iterator[Encounter]:
    """Each charted time moved by fewer minutes, either way."""
    for at, it in enumerate(chart.administrations):
        for field in ("start", "stop"):
            charted = getattr(it, field)
            for minutes in range(1, fewer_than) if charted is not None else ():
                for sign in (1, -1):
                    yield with_one(chart, at, **{field: moment(charted.seconds + sign * 60 * minutes)})


def documented(chart: Encounter) -> Iterator[Encounter]:
    """Each thing that the chart leaves out, documented."""
    for at, it in enumerate(chart.administrations):
        if it.start is not None and it.stop is None:
            for minutes in range(1, 200):
                yield with_one(chart, at, stop=moment(it.start.seconds + 60 * minutes))
        for field, values in LEFT_OUT.items():
            if getattr(it, field) is None:
                for value in values:
                    yield with_one(chart, at, **{field: value})
        if (it.order or chart.order) != "signed":
            yield with_one(chart, at, order="signed")
    for at, site in enumerate(chart.access_sites):
        if site.necessity is None:
            sites = list(chart.access_sites)
            sites[at] = site.model_copy(update={"necessity": "protocol"})
            yield chart.model_copy(update={"access_sites": tuple(sites)})


def otherwise(chart: Encounter) -> Iterator[Encounter]:
    """Each thing that the chart says, said otherwise."""
    for at, it in enumerate(chart.administrations):
        for field, values in SAID.items():
            for value in values:
                if value != getattr(it, field):
                    yield with_one(chart, at, **{field: value})
        for site in chart.access_sites:
            if site.id != it.site:
                yield with_one(chart, at, site=site.id)


LEFT_OUT: dict[str, tuple[Any, ...]] = {"purpose": ("hydration", "replacement"), "method": ("infusion",)}
SAID: dict[str, tuple[Any, ...]] = {
    "method": ("push", "infusion", None),
    "purpose": ("hydration", None),
}


@pytest.mark.parametrize(
    ("given", "code", "minutes"),
    [
        ([{**CEFTRIAXONE, "start": "09:00"}], "96365", 16),
        ([{**SALINE, "start": "09:00"}], "96360", 31),
        ([{**SALINE, "start": "09:00"}, {**CEFTRIAXONE, "start": "12:00", "stop": "12:30"}], "96361", 31),
    ],
)
def test_a_stop_that_is_not_documented_is_the_earliest_that_is_enough(
    explainer: Explainer, given: list[dict[str, Any]], code: str, minutes: int
) -> None:
    chart = visit(*given)
    change = least(explainer, chart, code)
    at = next(n for n, it in enumerate(chart.administrations) if it.stop is None)
    start, stop = chart.administrations[at].start, change.encounter.administrations[at].stop
    assert start is not None
    assert stop is not None
    assert stop.seconds - start.seconds == 60 * minutes
    assert gives(explainer, chart, change, code)
    shorter = (with_one(chart, at, stop=moment(start.seconds + 60 * less)) for less in range(1, minutes))
    assert none_gives(explainer, chart, shorter, code)


@pytest.mark.parametrize(
    ("given", "code", "edit", "minutes"),
    [
        # too much of its own for a concurrent one: it would have to end earlier, or begin earlier
        (
            [
                {**CEFTRIAXONE, "start": "09:00", "stop": "10:40"},
                {"id": "y", "drug": "vancomycin", "start": "10:00", "stop": "11:00"},
            ],
            "96368",
            "stop",
            -5,
        ),
        # a further hour of the longer of two
        (
            [
                {**CEFTRIAXONE, "start": "09:00", "stop": "10:25"},
                {"id": "y", "drug": "vancomycin", "start": "10:30", "stop": "11:00"},
            ],
            "96366",
            "stop",
            6,
        ),
        # hydration between two drugs, cut short by the second one
        (
            [
                {**CEFTRIAXONE, "start": "09:00", "stop": "09:30"},
                {**SALINE, "start": "09:30", "stop": "10:10"},
                {"id": "y", "drug": "vancomycin", "start": "09:58", "stop": "10:40"},
            ],
            "96361",
            "start",
            3,
        ),
    ],
)
def test_no_time_moved_by_less_gives_it_and_nothing_that_could_be_documented(
    explainer: Explainer, given: list[dict[str, Any]], code: str, edit: str, minutes: int
) -> None:
    chart = visit(*(dict(it, method="infusion") for it in given))
    change = least(explainer, chart, code)
    [only] = change.edits
    assert abs(only.minutes) == abs(minutes)
    assert only.place.endswith(edit) or gives_too(explainer, chart, code, edit, minutes)
    assert gives(explainer, chart, change, code)
    assert none_gives(explainer, chart, [*moved(chart, abs(minutes)), *documented(chart)], code)


def gives_too(explainer: Explainer, chart: Encounter, code: str, field: str, minutes: int) -> bool:
    """Whether a change that is just as small gives it as well: then either may be told."""
    [before] = units(explainer, [chart], code)
    alike = [
        with_one(chart, at, **{field: moment(getattr(it, field).seconds + 60 * minutes)})
        for at, it in enumerate(chart.administrations)
    ]
    return max(units(explainer, [it for it in alike if is_possible(it)], code)) > before


def test_what_is_said_otherwise_comes_only_where_no_time_and_nothing_documented_gives_it(explainer: Explainer) -> None:
    chart = visit(
        {**CEFTRIAXONE, "method": "infusion", "start": "09:00", "stop": "09:30"},
        {"id": "y", "drug": "ketorolac", "method": "push", "start": "09:40", "diagnostic": True},
    )
    change = least(explainer, chart, "96375")
    assert [it.place for it in change.edits] == ["administrations[y].diagnostic"]
    assert gives(explainer, chart, change, "96375")
    assert none_gives(explainer, chart, [*moved(chart, 21), *documented(chart)], "96375")


def test_no_other_route_is_ever_told_and_nothing_that_was_not_given(explainer: Explainer) -> None:
    chart = visit(
        {**CEFTRIAXONE, "method": "infusion", "start": "09:00", "stop": "09:30"},
        {"id": "y", "drug": "ketorolac", "route": "IM", "site": None, "start": "09:40"},
        {"id": "z", "drug": "vancomycin", "start": "10:00", "stop": "11:00", "done": False},
    )
    for code in ("96375", "96367"):
        search = why_not(explainer, chart, code).search
        assert search.change is None or {it.place.rpartition(".")[2] for it in search.change.edits}.isdisjoint(
            {"route", "done"}
        )
        assert "route" in search.not_tried


def test_what_would_take_a_drug_off_the_claim_is_no_way_to_a_code(explainer: Explainer) -> None:
    # without rituximab, or with it as another product, the infusion before it would be the initial service
    chart = visit(
        {"id": "x", "drug": "methylprednisolone", "method": "infusion", "start": "08:55", "stop": "09:20"},
        {"id": "y", "drug": "rituximab", "method": "infusion", "start": "09:25", "stop": "13:40"},
        place_of_service="11",
        claim_type="professional",
        primary_reason=["y"],
    )
    search = why_not(explainer, chart, "96365").search
    assert search.change is not None
    assert [(it.place, it.after) for it in search.change.edits] == [("primary_reason", "x")]
    assert "form" in search.not_tried and "without an order" in search.not_tried
    tried = {edit.place for it in _corrected(explainer.coder, chart) for edit in it.edits}
    assert not [it for it in tried if it.endswith((".form", ".order"))]


def test_no_drug_is_said_to_have_been_given_for_a_test(explainer: Explainer) -> None:
    chart = visit({"id": "y", "drug": "ceftriaxone", "method": "infusion", "start": "09:00", "stop": "10:40"})
    tried = {(edit.place, edit.after) for it in _corrected(explainer.coder, chart) for edit in it.edits}
    assert ("administrations[y].diagnostic", "False") in tried
    assert ("administrations[y].diagnostic", "True") not in tried
    assert "for a test" in NOT_TRIED


BESIDE_A_LONG_INFUSION = visit(
    {**CEFTRIAXONE, "method": "infusion", "start": "08:00", "stop": "13:00"},
    {**SALINE, "start": "09:00", "stop": "11:30"},
)


def test_far_away_too_the_least_change_is_the_least(explainer: Explainer) -> None:
    """Further than an hour, at a length that is no threshold, and as far as the margins say."""
    search = why_not(explainer, BESIDE_A_LONG_INFUSION, "96361").search
    assert search.change is not None
    [only] = search.change.edits
    [settled] = margins_of(explainer.coder, BESIDE_A_LONG_INFUSION).settled
    gained = [it.minutes for it in settled.margins if it.change is not None and "96361" in it.change.gained]
    assert abs(only.minutes) == min(it for it in gained if it is not None) == 91
    assert search.complete
    assert gives(explainer, BESIDE_A_LONG_INFUSION, search.change, "96361")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8 if WHOLE else 4))
def test_no_smaller_change_of_a_time_gives_it(explainer: Explainer, seed: int) -> None:
    """Every minute of every time of generated charts, up to what is told."""
    rng = random.Random(seed)
    chart = generate.encounter(generate.visit(rng, range(2, 4), f"L{seed}"))
    for code in ("96366", "96367", "96361"):
        search = why_not(explainer, chart, code).search
        if search.change is not None and len(search.change.edits) == 1 and search.change.edits[0].minutes:
            [only] = search.change.edits
            assert gives(explainer, chart, search.change, code)
            nearer = [*moved(chart, min(abs(only.minutes), 120))]
            assert not nearer or none_gives(explainer, chart, nearer, code)


def test_what_was_looked_through_is_said_and_where_nothing_was_found_it_is_not_all(explainer: Explainer) -> None:
    search = why_not(explainer, visit({**CEFTRIAXONE, "start": "09:00", "stop": "09:40"}), "96413").search
    assert search.change is None
    assert not search.complete
    data = search.as_dict()
    assert data["searched"] == list(search.searched)
    assert "class" in data["not_tried"]


def test_two_facts_come_only_where_no_single_one_gives_it(explainer: Explainer) -> None:
    chart = visit(
        {**CEFTRIAXONE, "method": "infusion", "start": "09:00", "stop": "09:30"},
        {"id": "y", "drug": "vancomycin", "method": "infusion", "start": "09:40", "stop": "10:20"},
    )
    change = least(explainer, chart, "96365")
    assert len(change.edits) == 2
    assert gives(explainer, chart, change, "96365")
    single = [*moved(chart, 21), *documented(chart), *otherwise(chart)]
    assert none_gives(explainer, chart, single, "96365")
    # each of the two alone is not enough either
    for edit in change.edits:
        assert not gives(explainer, chart, without(chart, change, edit), "96365")


def without(chart: Encounter, change: Change, edit: FactChange) -> Change:
    """The change without one of its edits, which are about a site and who was given at it."""
    fields = (
        {"administrations": chart.administrations}
        if "administrations" in edit.place
        else {
            "access_sites": tuple(
                AccessSite(id=it.id, kind=None, necessity=None, replaces=None) for it in change.encounter.access_sites
            )
        }
    )
    return Change(change.edits, change.kind, change.encounter.model_copy(update=fields))


@pytest.mark.parametrize("order", ["none", "signed"])
def test_an_order_is_asked_for_where_there_is_none(explainer: Explainer, order: str) -> None:
    chart = visit({**CEFTRIAXONE, "method": "infusion", "order": order, "start": "09:00", "stop": "09:14"})
    change = least(explainer, chart, "96365")
    fields = [it.place.rpartition(".")[2] for it in change.edits]
    assert ("order" in fields) == (order == "none")
    assert gives(explainer, chart, change, "96365")
    assert none_gives(explainer, chart, [*moved(chart, 2), *documented(chart)], "96365")


def test_the_class_is_asked_for_of_a_drug_that_is_not_known_and_of_no_other(explainer: Explainer) -> None:
    unknown = visit({"id": "x", "drug": "zzyzxumab", "method": "infusion", "start": "09:00", "stop": "09:40"})
    change = least(explainer, unknown, "96413")
    assert [(it.place, it.after) for it in change.edits] == [("administrations[x].class", "chemotherapy")]
    known = visit({**CEFTRIAXONE, "method": "infusion", "start": "09:00", "stop": "09:40"})
    assert why_not(explainer, known, "96413").search.change is None


def test_a_time_on_the_next_day_is_told_as_such(explainer: Explainer) -> None:
    chart = visit({**SALINE, "start": "23:50"})
    [only] = least(explainer, chart, "96360").edits
    assert only.before == "not charted"
    assert only.after == "00:21 on the next day"


def test_nothing_else_of_the_chart_changes(explainer: Explainer) -> None:
    chart = visit({**CEFTRIAXONE, "start": "09:00", "stop": "09:15"})
    changed = least(explainer, chart, "96365").encounter
    times = {"start": chart.administrations[0].start, "stop": chart.administrations[0].stop}
    assert with_one(changed, 0, **times) == chart
