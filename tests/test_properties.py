"""What holds of every chart, tried on generated ones.

The same charts are tried in every run; with IVPROOF_EXPLORE in the environment they are new ones each time.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import clingo
import generate
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ivproof import recheck
from ivproof.claim.coding import Coder
from ivproof.claim.determination import ClaimLine
from ivproof.engine.engine import Answer, Engine
from ivproof.engine.second import claims_of
from ivproof.law.policy import Policy

Chart = dict[str, Any]


def trying(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize="IVPROOF_EXPLORE" not in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


@cache
def coder() -> Coder:
    return Coder(Policy.load("out001"))


def answers(charts: Sequence[Chart], engine: Engine | None = None) -> list[Answer]:
    facts = [coder().facts(generate.encounter(chart)) for chart in charts]
    return (engine or coder().engine).answer(facts)


def found(charts: Sequence[Chart]) -> list[object]:
    """Give what is compared of each chart: its status, and its claims by code, units, modifiers and date."""
    facts = [coder().facts(generate.encounter(chart)) for chart in charts]
    whole = [
        coder().determiner.determine(fact, answer, {})
        for fact, answer in zip(facts, coder().engine.answer(facts), strict=True)
    ]
    return [(it.status, lines(it.claim), sorted(lines(rival.lines) for rival in it.alternatives)) for it in whole]


def lines(claim: Iterable[ClaimLine]) -> list[tuple[str, int, tuple[str, ...], str]]:
    total: dict[tuple[str, tuple[str, ...], str], int] = {}
    for line in claim:
        key = (line.code, line.modifiers, line.date)
        total[key] = total.get(key, 0) + line.units
    return sorted((code, units, modifiers, day) for (code, modifiers, day), units in total.items())


def models(chart: Chart) -> list[recheck.Answer]:
    """Give every answer set of a chart."""
    second = coder().second
    return list(second.program.answers(second.question(coder().facts(generate.encounter(chart)))))


either = generate.charts() | generate.visits()


# --- What the law promises

INITIAL = {"initial_infusion", "initial_push", "initial_hydration"}
ADDED = {"sequential_infusion", "concurrent_infusion", "further_push", "repeat_push", "further_hour"}


@trying(30)
@given(either)
def test_each_site_with_a_service_that_may_be_initial_has_one_initial_service(chart: Chart) -> None:
    for model in models(chart):
        candidates = {atom[2] for atom in model.of("candidate", 2)}
        initial = [atom[2] for atom in model.of("initial", 2)]
        assert sorted(map(str, initial)) == sorted(map(str, candidates))


@trying(30)
@given(either)
def test_what_is_added_at_a_site_is_added_to_an_initial_service_there(chart: Chart) -> None:
    """Of one infusion of the site its first hour, of one push, or of hydration: whatever its initial service is.

    The exception is a second visit on the date, whose initial service the first one reported.
    """
    for model in models(chart):
        scopes = {(atom[1], atom[2]) for atom in model.of("in_scope", 2)}
        reported = {(atom[1], atom[2]) for atom in model.of("reported", 4)}
        led = {scope for service, scope in scopes for role in INITIAL if (service, role) in reported}
        taken = ("initial_place_taken",) in model
        for service, role in reported:
            where = {scope for it, scope in scopes if it == service}
            assert role not in ADDED or not where or taken or where <= led, (service, role)


# --- What makes no difference


@trying(25)
@given(either, st.randoms(use_true_random=False))
def test_the_order_of_the_file_changes_nothing(chart: Chart, rng: random.Random) -> None:
    other = deepcopy(chart)
    for part in ("administrations", "services"):
        rng.shuffle(other.get(part, []))
    assert len(set(map(repr, found([chart, other])))) == 1


@trying(25)
@given(either, either, st.randoms(use_true_random=False))
def test_what_was_charted_and_not_given_changes_nothing(chart: Chart, other: Chart, rng: random.Random) -> None:
    """Whatever another chart has, at the same sites, in the same bags, as the reason of the visit or gone on with."""
    held = deepcopy(chart)
    given_here = held["administrations"]
    for n, it in enumerate(deepcopy(other["administrations"])):
        row = {**it, "id": f"held-{n}", "done": False}
        row.pop("continues", None)
        row["site"] = rng.choice([site["id"] for site in held.get("access_sites", ())] or [None])
        if given_here and rng.random() < 0.5:
            row |= {"continues": given_here[0]["id"], "bag": given_here[0].get("bag", "held")}
        if len(row.get("start", "")) > 8 or len(row.get("stop", "")) > 8:
            row = {key: value for key, value in row.items() if key not in {"start", "stop", "pauses"}}
        given_here.insert(rng.randrange(len(given_here) + 1), row)
    for service in other.get("services", ()):
        held.setdefault("services", []).append({**service, "done": False})
    assert len(set(map(repr, found([chart, held])))) == 1


@trying(20)
@given(either, st.integers(1, 1500))
def test_another_date_changes_nothing_but_the_dates(chart: Chart, days: int) -> None:
    """Once the policy is in force."""
    assume(chart["date"] >= "2020-09-16")
    other = _on_date(chart, days)
    first, second = (re.sub(r"'\d{4}-\d\d-\d\d'", _since(it["date"]), repr(seen)) for it, seen in
                     zip((chart, other), found([chart, other]), strict=True))  # fmt: skip
    assert first == second


def _on_date(chart: Chart, days: int) -> Chart:
    def later(text: str) -> str:
        return (date.fromisoformat(text) + timedelta(days)).isoformat()

    moved: Chart = _with_texts(chart, lambda text: re.sub(r"^\d{4}-\d\d-\d\d", lambda it: later(it[0]), text))
    return moved


def _since(begin: str) -> Callable[[re.Match[str]], str]:
    return lambda match: str((date.fromisoformat(match[0].strip("'")) - date.fromisoformat(begin)).days)


def _with_texts(chart: Any, change: Any) -> Any:
    if isinstance(chart, dict):
        return {key: _with_texts(value, change) for key, value in chart.items()}
    if isinstance(chart, list):
        return [_with_texts(value, change) for value in chart]
    return change(chart) if isinstance(chart, str) else chart


CLOCK = re.compile(r"^(?P<day>\d{4}-\d\d-\d\dT)?(?P<hour>\d\d):(?P<minute>\d\d)(?P<rest>(:\d\d)?)$")


@trying(25)
@given(either, st.integers(-1439, 1439))
def test_another_time_of_day_changes_nothing(chart: Chart, minutes: int) -> None:
    """As long as nothing crosses midnight, and an inpatient order moves along."""
    times: list[int] = []
    days: set[str] = set()

    def note(text: str) -> str:
        if match := CLOCK.match(text):
            times.append(60 * int(match["hour"]) + int(match["minute"]))
            days.add(match["day"] or chart["date"] + "T")
        return text

    _with_texts(chart, note)
    assume(times and days == {chart["date"] + "T"} and all(0 <= it + minutes < 1439 for it in times))
    for it in chart["administrations"]:
        assume("start" not in it or "stop" not in it or it["stop"][-8:] >= it["start"][-8:])

    def move(text: str) -> str:
        match = CLOCK.match(text)
        if not match:
            return text
        at = 60 * int(match["hour"]) + int(match["minute"]) + minutes
        return f"{match['day'] or ''}{at // 60:02}:{at % 60:02}{match['rest']}"

    first, second = found([chart, _with_texts(chart, move)])
    assert first == second


HOSTILE = ["%*", "*%", "#script (python)", '"', "'", "\\", "\n", "). :- true.", "a1", "e0", "not ", "😀", "é", "{", "}",
           "\u202e", "\x00", "#show.", "_", "X", "<script>", "../", "0"]  # fmt: skip
names = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=4), min_size=1, max_size=6).map("".join)
long_names = st.integers(1, 490).map(lambda length: "%*" * length)


def _renamed(chart: Chart, ids: Sequence[str]) -> Chart:
    """Give the chart with other ids for everything that has one, and another name for every unknown drug."""
    new: dict[tuple[str, str], str] = {}

    def name(kind: str, text: str) -> str:
        return new.setdefault((kind, text), f"{ids[len(new) % len(ids)]}{len(new)}.")

    other = deepcopy(chart)
    other["id"] = name("chart", other["id"])
    for site in other.get("access_sites", []):
        for key in {"id", "replaces"} & site.keys():
            site[key] = name("site", site[key])
    for it in other["administrations"]:
        kinds = {"id": "given", "continues": "given", "site": "site", "bag": "bag", "dose": "dose", "lumen": "lumen"}
        for key in kinds.keys() & it.keys():
            it[key] = name(kinds[key], it[key])
        if it["drug"] in generate.UNKNOWN:
            it["drug"] = name("drug", it["drug"])
        for key in {"discontinued", "integral_to", "product"} & it.keys():
            it[key] = name(key, it[key])
    reason = other.get("primary_reason")
    if reason:
        other["primary_reason"] = [name("given", it) for it in ([reason] if isinstance(reason, str) else reason)]
    return other


@trying(20)
@given(either, st.lists(names | long_names, min_size=1, max_size=4))
def test_ids_and_names_of_unknown_drugs_change_nothing(chart: Chart, ids: list[str]) -> None:
    first, second = found([chart, _renamed(chart, ids)])
    assert first == second


@trying(6)
@given(st.lists(generate.charts(range(0, 4)) | generate.visits(), min_size=2, max_size=4))
def test_a_batch_gives_what_each_chart_gives_alone(charts: list[Chart]) -> None:
    encounters = [generate.encounter(chart | {"id": f"E{n}"}) for n, chart in enumerate(charts)]
    together = coder().code(encounters)
    alone = [coder().code([encounter])[0] for encounter in encounters]
    assert [it.as_dict() for it in together] == [it.as_dict() for it in alone]


# --- The two engines


@trying(12)
@given(either)
def test_both_engines_give_the_same_claims(chart: Chart) -> None:
    facts = coder().facts(generate.encounter(chart))
    assert coder().second.claims(facts) == claims_of(coder().engine.judge.answer([facts])[0])


@cache
def law() -> str:
    return "\n".join(text for name, text in coder().policy.texts.items() if not name.endswith("vocabulary.lp"))


@trying(14)
@given(generate.charts(range(0, 4)) | generate.visits(range(1, 4)))
def test_both_engines_derive_the_same_atoms_in_every_answer(chart: Chart) -> None:
    """Clingo reads the law's files as they stand here, without any of the rewritings."""
    facts = coder().facts(generate.encounter(chart))
    control = clingo.Control(["--warn=none", "--models=0"])
    control.add("base", [], f"{law()}\n{facts.text()}\n{_settings(coder().policy)}")
    control.ground([("base", [])])
    first: set[frozenset[str]] = set()
    control.solve(on_model=lambda model: first.add(frozenset(map(str, model.symbols(atoms=True)))))
    second = {frozenset(map(recheck.show, model.atoms)) for model in models(chart)}
    assert first == second


def _settings(policy: Policy) -> str:
    held: Mapping[str, str | None] = policy.settings()
    return "".join(f"open({key})." if option is None else f"reading({key},{option})." for key, option in held.items())


# --- Open questions


@cache
def asking() -> Engine:
    """The engine by a law that asks every chart every open question."""
    policy = coder().policy
    texts = {name: re.sub(r"^conditional\(\w+\)\.\n", "", text, flags=re.M) for name, text in policy.texts.items()}
    assert texts != policy.texts
    return Engine(replace(policy, texts=texts))


@trying(10)
@given(generate.charts(range(0, 4)) | generate.visits(range(1, 4)))
def test_a_question_that_a_chart_does_not_raise_changes_nothing(chart: Chart) -> None:
    [raised], [asked] = answers([chart]), answers([chart], asking())
    assert claims_of(raised) == claims_of(asked)
