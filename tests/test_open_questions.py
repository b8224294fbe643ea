"""An open question is asked only of charts that can feel it: elsewhere no option of it changes the claim."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import case_files
import generate
import pytest

from ivproof.choices import CLAIM
from ivproof.coding import Coder
from ivproof.engine import Answer, Engine
from ivproof.facts import Fact, Facts
from ivproof.policy import Policy

POLICY = Policy.load("out001")
BASE = Coder(POLICY)
UNRESOLVED = {question.key for question in POLICY.questions.values() if question.default is None}
TOGETHER = 150
WAYS = 12
"""Of more ways of settling what a chart raises, so many are tried."""


Readings = Mapping[str, str | None]


def settled_engine() -> Engine:
    """Give an engine in which every chart brings its own option of every question."""
    engine = Engine(POLICY, dict.fromkeys(POLICY.questions, "open"))
    engine.open = []
    return engine


def settle(facts: Facts, readings: Readings) -> Facts:
    """Give the facts of a chart with these readings held."""
    held = (Fact("reading", f"{key},{option}", ()) for key, option in readings.items())
    return replace(facts, own=(*facts.own, *held))


def ways(open_: set[str], asked: set[str]) -> list[dict[str, str]]:
    """Settle every open question that is asked each way; those that are not asked go round through their options."""
    options = {key: [option.name for option in POLICY.questions[key].options] for key in sorted(open_)}
    felt = [key for key in options if key in asked or key not in UNRESOLVED]
    every = list(product(*(options[key] for key in felt)))
    most = max(map(len, options.values()), default=1)
    settled = (dict(zip(felt, every[n % len(every)], strict=True)) for n in range(max(len(every), most)))
    return [
        {key: way.get(key, names[n % len(names)]) for key, names in options.items()} for n, way in enumerate(settled)
    ]


def claims(answer: Answer) -> set[frozenset[str]]:
    """Give every claim of an answer."""
    answers = [it.atoms for it in answer.alternatives] or [answer.atoms]
    return {
        frozenset(f"{name}{list(map(str, it))}" for name in CLAIM for it in atoms.get(name, ())) for atoms in answers
    }


def departures(charts: Sequence[tuple[str, Facts, Readings]]) -> list[str]:
    """Tell where the claims by all ways of settling what is open are not those of the answer.

    A chart for which other readings than the defaults are held and which raises something is left out: the cases tell
    what its alternatives are.
    """
    engine, usual = settled_engine(), POLICY.settings()
    rules = [rule.text for rule in POLICY.batch_rules(usual)]
    asked = [{it.lower() for it in them} for them in case_files.raised(rules, [facts for _, facts, _ in charts])]
    plain = [n for n, (_, _, held) in enumerate(charts) if held == usual]
    said = dict(zip(plain, map(claims, BASE.engine.answer([charts[n][1] for n in plain])), strict=True))
    tried, cut_short = [], set()
    for n, (_, _, held) in enumerate(charts):
        open_ = {key for key, option in held.items() if option is None}
        if n in said or not (asked[n] & open_ or open_ - UNRESOLVED):
            every = ways(open_, asked[n])
            some = every[:: -(-len(every) // WAYS)]
            if len(some) < len(every):
                cut_short.add(n)
            tried += [(n, {**held, **{key: way[key] for key in open_}}) for way in some]
    found: dict[int, dict[frozenset[str], Readings]] = {}
    for start in range(0, len(tried), TOGETHER):
        group = tried[start : start + TOGETHER]
        for (n, way), answer in zip(group, engine.answer([settle(charts[n][1], it) for n, it in group]), strict=True):
            of_way = claims(answer)
            said.setdefault(n, of_way)
            for claim in of_way:
                found.setdefault(n, {}).setdefault(claim, way)
    notes = []
    for n, claims_ in found.items():
        name, _, held = charts[n]
        for claim in set(claims_) - said[n] if n in cut_short else said[n] ^ set(claims_):
            way = {key: option for key, option in claims_.get(claim, {}).items() if held[key] is None}
            notes.append(f"{name} raises {sorted(asked[n])}; {sorted(claim)} by {way or 'no way'}")
    return notes


def generated(count: int) -> list[tuple[str, Facts, Readings]]:
    """Give tangles and visits."""
    kinds = {"chart": generate.chart, "visit": generate.visit}
    return [
        (f"{name} {seed}", BASE.facts(generate.encounter(make(random.Random(seed)))), POLICY.settings())
        for name, make in kinds.items()
        for seed in range(count // 2)
    ]


def worked() -> list[tuple[str, Facts, Readings]]:
    """Give every case, by the readings that it sets."""
    cases = [*case_files.worked("law"), *case_files.worked("published"), *case_files.options()]
    return [(f"{it.file}:{it.name}", BASE.facts(it.encounter), POLICY.settings(it.readings)) for it in cases]


@pytest.mark.parametrize("part", range(4))
def test_no_case_feels_a_question_that_it_does_not_raise(part: int) -> None:
    assert departures(worked()[part::4]) == []


def test_no_chart_feels_a_question_that_it_does_not_raise() -> None:
    assert departures(generated(200)) == []
