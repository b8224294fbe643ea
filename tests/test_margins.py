"""What hangs by a minute: how far each documented time can move before the claim is another one."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import generate
import pytest
from command import chart as plain_chart
from command import given_iv, run, two_of_equal_rank, write_lines
from hypothesis import given, settings

from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.engine.choices import ClaimKey
from ivproof.engine.second import DisagreementError, claims_of
from ivproof.law.policy import Policy
from ivproof.render.margins import sentence
from ivproof.unknowns.moments import WINDOW, Charted, charted
from ivproof.whatif.margins import Margin, margins_of


@cache
def coder() -> Coder:
    return Coder(Policy.load("out001"))


def visit(*administrations: dict[str, Any], **fields: Any) -> Encounter:
    return generate.encounter(plain_chart("E", *administrations, **fields))


def margins(*administrations: dict[str, Any], **fields: Any) -> dict[tuple[str, str], Margin]:
    """The margins of a determined visit, by place (without the word administrations) and way."""
    [settled] = margins_of(coder(), visit(*administrations, **fields)).settled
    return {(it.place.removeprefix("administrations"), it.way): it for it in settled.margins}


def first_engine(charts: list[Encounter]) -> list[frozenset[ClaimKey]]:
    """The claims by the first engine, which knows nothing of what finds the margins."""
    return [claims_of(answer) for answer in coder().engine.answer([coder().facts(it) for it in charts])]


def moment_at(chart: Encounter, place: str) -> Charted:
    return next(it for it in charted(chart) if it.place == place)


# --- what is told is so


def boundaries(chart: Encounter) -> tuple[list[Encounter], list[Encounter], list[Margin]]:
    """For each margin of a determined chart the chart one minute before it, and at it."""
    inside, beyond, found = [], [], []
    for it in margins_of(coder(), chart).settled[0].margins:
        moment = moment_at(chart, it.place)
        sign = 1 if it.way == "later" else -1
        last = it.limit.minutes if it.minutes is None else it.minutes - 1
        inside.append(moment.moved(chart, sign * last))
        if it.minutes is not None:
            beyond.append(moment.moved(chart, sign * it.minutes))
            found.append(it)
    return inside, beyond, found


@settings(max_examples=12, deadline=None)
@given(generate.visits(range(1, 4)))
def test_one_minute_less_than_a_margin_changes_nothing_and_the_margin_itself_does_as_said(data: dict[str, Any]) -> None:
    chart = generate.encounter(data)
    [before] = first_engine([chart])
    if len(before) > 1:
        return  # of an ambiguous chart each claim has margins of its own: see below
    inside, beyond, found = boundaries(chart)
    assert first_engine(inside) == [before] * len(inside)
    for claims, it in zip(first_engine(beyond), found, strict=True):
        assert claims != before or any(line.drugs for line in it.after)
        told = {frozenset(line.units.items()) for line in it.after}
        assert told == {units(claim) for claim in claims}


def units(claim: ClaimKey) -> frozenset[tuple[str, int]]:
    found = (text[len("total(") : -1].split(",") for text in claim if text.startswith("total("))
    return frozenset((code.strip('"'), int(count)) for code, count in found)


def test_every_single_minute_agrees_with_the_margins_of_a_small_visit() -> None:
    chart = visit(
        given_iv("ceftriaxone-1", "ceftriaxone", "09:00", "09:40"),
        given_iv("vancomycin-1", "vancomycin", "09:40", "11:11"),
    )
    [before] = first_engine([chart])
    for it in margins_of(coder(), chart).settled[0].margins:
        moment = moment_at(chart, it.place)
        sign = 1 if it.way == "later" else -1
        upto = min(it.limit.minutes, 100 if it.minutes is None else it.minutes)
        found = coder().engine.plain([coder().facts(moment.moved(chart, sign * n)) for n in range(upto + 1)])
        same = [frozenset(f"total({','.join(map(str, total))})" for total in atoms["total"]) for atoms in found]
        kept = frozenset(text for text in next(iter(before)) if text.startswith("total("))
        changed = [n for n, totals in enumerate(same) if totals != kept]
        assert changed == ([] if it.minutes is None or it.minutes > upto else [it.minutes])


# --- charts of which the margins can be worked out by hand


def test_an_infusion_of_91_minutes_has_none_to_lose() -> None:
    found = margins(given_iv("vancomycin-1", "vancomycin", "09:00", "10:31"))
    stop = found["[vancomycin-1].stop", "earlier"]
    assert stop.minutes == 1
    assert stop.at == "10:30"
    assert stop.change is not None
    assert dict(stop.change.lost) == {"96366": 1}
    assert not stop.change.gained
    assert "R54" in stop.rules
    assert sentence(stop) == "vancomycin-1 ran 91 minutes: one less (stop 10:30) loses 96366"
    start = found["[vancomycin-1].start", "later"]
    assert (start.minutes, start.at) == (1, "09:01")
    assert found["[vancomycin-1].stop", "later"].minutes == 60


def test_the_closest_calls_come_first() -> None:
    [settled] = margins_of(
        coder(), visit(given_iv("a", "ceftriaxone", "09:00", "09:20"), given_iv("b", "vancomycin", "09:20", "10:51"))
    ).settled
    minutes = [it.minutes for it in settled.margins]
    told = [it for it in minutes if it is not None]
    assert told == sorted(told)
    assert None not in minutes[: len(told)]
    assert settled.margins[0].subject == "b"


def test_a_time_moves_no_further_than_its_chart_would_be_accepted() -> None:
    found = margins(given_iv("a", "ceftriaxone", "09:00", "09:10"))
    start = found["[a].start", "later"]
    assert start.minutes is None
    assert (start.limit.minutes, start.limit.reason) == (10, "its stop")
    early = found["[a].start", "earlier"]
    assert early.minutes == 6  # 16 minutes in all
    push = margins(given_iv("a", "ceftriaxone", "09:00", None, method="push"))
    assert {it.minutes for it in push.values()} == {None}
    assert push["[a].start", "earlier"].limit.minutes == 9 * 60
    assert push["[a].start", "later"].limit.minutes == WINDOW


def test_pauses_move_between_the_ends_of_their_administration() -> None:
    infusion = given_iv(
        "a", "vancomycin", "09:00", "10:40", pauses=[{"from": "09:20", "to": "09:28", "reason": "other"}]
    )
    found = margins(infusion)
    # 92 minutes flowed: two more of pause, and the further hour is gone
    assert found["[a].pauses[0].from", "earlier"].minutes == 2
    assert found["[a].pauses[0].to", "later"].minutes == 2
    assert found["[a].pauses[0].from", "later"].limit.reason == "the end of the pause"
    assert found["[a].start", "later"].limit.minutes == 20
    assert "paused at 09:20" in sentence(found["[a].pauses[0].from", "earlier"])
    assert "a ran 100 minutes, pauses included: " in sentence(found["[a].stop", "later"])
    without = margins(given_iv("a", "vancomycin", "09:00", "10:32"))
    assert "pauses" not in sentence(without["[a].stop", "later"])


def test_margins_go_on_past_midnight() -> None:
    found = margins(given_iv("a", "vancomycin", "22:40", "23:50"))
    stop = found["[a].stop", "later"]
    assert stop.minutes == 21  # 91 minutes
    assert stop.at == "2020-10-06T00:11"
    early = margins(given_iv("a", "vancomycin", "00:20", "01:10"))["[a].start", "earlier"]
    assert early.minutes is None
    assert early.limit.reason == "the beginning of the date of service"


def test_times_charted_to_the_second_keep_their_seconds() -> None:
    report = margins_of(coder(), visit(given_iv("a", "vancomycin", "09:00:00", "10:30:20")))
    places = {
        (it.place.rpartition(".")[2], it.way): it
        for settled in report.settled
        for it in settled.margins
        if settled.readings.get("A21") in {None, "B"}
    }
    stop = places["stop", "later"]
    assert stop.minutes == 1
    assert stop.at == "10:31:20"
    assert sentence(stop).startswith("a ran 90 minutes 20 seconds: one more")


def test_offsets_stay_as_they_were_written() -> None:
    found = margins(given_iv("a", "vancomycin", "2020-10-05T09:00-04:00", "2020-10-05T10:31-04:00"))
    assert found["[a].stop", "earlier"].at == "2020-10-05T10:30-04:00"


def test_each_claim_of_an_ambiguous_chart_has_its_own_margins() -> None:
    chart = generate.encounter(
        plain_chart(
            "E",
            given_iv("a", "ceftriaxone", "09:00", "09:31"),
            given_iv("b", "ceftriaxone", "12:00", "12:31"),
        )
    )
    report = margins_of(coder(), chart)
    assert report.status == "ambiguous"
    assert len(report.settled) == len(first_engine([chart])[0])
    assert len({json.dumps(dict(it.readings)) for it in report.settled}) == len(report.settled)
    assert all(it.readings and len(it.claims) == 1 for it in report.settled)
    closest = {it.margins[0].minutes for it in report.settled}
    assert len(closest) > 1  # where minutes are added, another number of them is missing than where they are not


def test_the_margins_of_a_claim_are_those_of_a_chart_whose_questions_are_set_that_way() -> None:
    chart = visit(given_iv("a", "ceftriaxone", "09:00", "09:31"), given_iv("b", "ceftriaxone", "12:00", "12:31"))
    settled = margins_of(coder(), chart).settled[0]
    [alone] = margins_of(Coder(Policy.load("out001"), settled.readings), chart).settled
    assert not alone.readings
    assert alone.claims == settled.claims
    assert [it.as_dict() for it in alone.margins] == [it.as_dict() for it in settled.margins]


def test_a_claim_that_would_no_longer_be_one_claim_is_told_with_all_of_them() -> None:
    # whether an interval of pushes begins with the start or the stop of the first one is an open question (A55)
    found = margins(
        given_iv("a", "morphine", "09:00", "09:03", method="push"),
        given_iv("b", "morphine", "09:30", "09:31", method="push"),
    )
    later = found["[b].start", "later"]
    assert later.minutes == 1
    assert later.change is None
    assert len(later.after) == 2
    assert "leaves 2 claims" in sentence(later)


def test_a_difference_between_the_engines_is_an_error_and_not_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = coder().engine
    monkeypatch.setattr(engine, "plain", lambda charts: [{} for _ in charts])
    with pytest.raises(DisagreementError):
        margins_of(coder(), visit(given_iv("a", "vancomycin", "09:00", "10:31")))


# --- the command


def test_the_command_tells_it_in_words_and_as_json(tmp_path: Any) -> None:
    file = write_lines(
        tmp_path / "visit.jsonl", plain_chart("E", given_iv("vancomycin-1", "vancomycin", "09:00", "10:31"))
    )
    shown = run("margins", file)
    assert shown.exit_code == 0
    assert "vancomycin-1 ran 91 minutes: one less (stop 10:30) loses 96366" in shown.stdout
    found = json.loads(run("margins", file, "--format", "json").stdout)
    assert found["settled"][0]["margins"][0]["lost"] == {"96366": 1}
    assert run("margins", file, "--format", "json").stdout == run("margins", file, "--format", "json").stdout


def test_the_command_can_be_asked_for_close_calls_only(tmp_path: Any) -> None:
    file = write_lines(tmp_path / "visit.jsonl", plain_chart("E", given_iv("a", "vancomycin", "09:00", "10:33")))
    found = json.loads(run("margins", file, "--within", "3", "--format", "json").stdout)
    assert {it["minutes"] for it in found["settled"][0]["margins"]} == {3}
    assert "hangs on so little" in run("margins", file, "--within", "2").stdout


def test_the_command_takes_readings(tmp_path: Any) -> None:
    file = write_lines(tmp_path / "visit.jsonl", two_of_equal_rank("E"))
    one = json.loads(run("margins", file, "--reading", "A9=first", "--format", "json").stdout)
    assert one["status"] == "determined"
    assert run("margins", file, "--reading", "A9=nonsense").exit_code == 2
    assert run("margins", tmp_path / "none.yaml").exit_code == 1


def test_a_stop_without_a_date_is_not_moved_past_the_clock_time_of_its_start() -> None:
    """From 10:00 to 09:50 is a day less ten minutes; with the start at 09:50 as charted it would be nothing."""
    start, stop = charted(visit(given_iv("v", "vancomycin", "10:00", "09:50")))
    assert (start.earlier.minutes, start.earlier.reason) == (9, "the clock time of its stop")
    assert (stop.later.minutes, stop.later.reason) == (9, "the clock time of its start")


def test_a_time_is_not_moved_into_an_hour_that_its_clocks_skip_or_past_it() -> None:
    """At 02:00 of that night the clocks of New York show 03:00, so 01:30 to 03:30 is an hour."""
    night = {"date": "2021-03-14", "time_zone": "America/New_York"}
    start, stop = charted(visit(given_iv("v", "vancomycin", "01:30", "03:30"), **night))
    assert (start.later.minutes, start.later.reason) == (29, "the hour in which the clocks change")
    assert (stop.earlier.minutes, stop.earlier.reason) == (30, "the hour in which the clocks change")
    assert (start.earlier.minutes, stop.later.minutes) == (90, 1440)


def test_a_time_moves_a_day_where_no_clocks_change() -> None:
    night = {"date": "2021-03-16", "time_zone": "America/New_York"}
    start, stop = charted(visit(given_iv("v", "vancomycin", "01:30", "03:30"), **night))
    assert (start.later.minutes, stop.earlier.minutes) == (120, 120)
