"""An open question is asked only of charts that can feel it: elsewhere no option of it changes the claim."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import product

import case_files
import generate
import pytest

from ivproof.chart.facts import Facts
from ivproof.claim.coding import Coder
from ivproof.engine.choices import OPEN, Resolution, claim_of
from ivproof.engine.engine import Answer, Engine
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")
BASE = Coder(POLICY)
UNRESOLVED = {question.key for question in POLICY.questions.values() if question.default is None}
TOGETHER = 150
WAYS = 12
"""Of more ways of settling what a chart raises, so many are tried."""


Readings = Mapping[str, str | None]


def settled(charts: Sequence[tuple[Facts, Readings]]) -> list[frozenset[str]]:
    """Give the claim of each chart by its readings; of rival services and facts not charted, the first is taken."""
    engine = Engine(POLICY, dict.fromkeys(POLICY.questions, "open"))
    found: list[frozenset[str]] = []
    for start in range(0, len(charts), TOGETHER):
        group = charts[start : start + TOGETHER]
        held = [tuple(Resolution(OPEN, key, option or "") for key, option in it.items()) for _, it in group]
        found += map(claim_of, engine._settled([facts for facts, _ in group], held))
    return found


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
    return {claim_of(it.atoms) for it in answer.alternatives} or {claim_of(answer.atoms)}


def by_readings_alone(answer: Answer) -> bool:
    """Tell whether nothing but open questions leads to rival claims."""
    ways = (way for it in answer.alternatives for way in (it.resolutions, *it.others))
    return not answer.supposed and all(it.predicate == OPEN for way in ways for it in way)


def departures(charts: Sequence[tuple[str, Facts, Readings]]) -> list[str]:
    """Tell where the claims by all ways of settling what is open are not those of the answer.

    A chart for which other readings than the defaults are held and which raises something is left out: the cases tell
    what its alternatives are.
    """
    usual = POLICY.settings()
    rules = [rule.text for rule in POLICY.batch_rules(usual)]
    asked = [{it.lower() for it in them} for them in case_files.raised(rules, [facts for _, facts, _ in charts])]
    plain = [n for n, (_, _, held) in enumerate(charts) if held == usual]
    answers = dict(zip(plain, BASE.engine.answer([charts[n][1] for n in plain]), strict=True))
    said = {n: claims(answer) for n, answer in answers.items()}
    partly = {n for n, answer in answers.items() if not by_readings_alone(answer)}
    tried: list[tuple[int, Readings]] = []
    for n, (_, _, held) in enumerate(charts):
        open_ = {key for key, option in held.items() if option is None}
        if n in said or not (asked[n] & open_ or open_ - UNRESOLVED):
            every = ways(open_, asked[n])
            some = every[:: -(-len(every) // WAYS)]
            if len(some) < len(every):
                partly.add(n)
            tried += [(n, {**held, **{key: way[key] for key in open_}}) for way in some]
    found: dict[int, dict[frozenset[str], Readings]] = {}
    for (n, way), claim in zip(tried, settled([(charts[n][1], way) for n, way in tried]), strict=True):
        said.setdefault(n, {claim})
        found.setdefault(n, {}).setdefault(claim, way)
    notes = []
    for n, by in found.items():
        name, _, held = charts[n]
        for claim in set(by) - said[n] if n in partly else said[n] ^ set(by):
            way = {key: option for key, option in by.get(claim, {}).items() if held[key] is None}
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
    """Give the cases, of those of the law every second one, by the readings that each sets."""
    cases = [*case_files.some(case_files.worked("law"), 3), *case_files.worked("published"), *case_files.options()]
    return [(f"{it.file}:{it.name}", BASE.facts(it.encounter), POLICY.settings(it.readings)) for it in cases]


@pytest.mark.parametrize("part", range(3 if case_files.WHOLE else 1))
def test_no_case_feels_a_question_that_it_does_not_raise(part: int) -> None:
    assert departures(worked()[part::3]) == []


def test_no_chart_feels_a_question_that_it_does_not_raise() -> None:
    assert departures(generated(100)) == []
