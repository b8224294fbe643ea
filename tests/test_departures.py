"""The two short ways to what a chart leaves open: trying few ways, and one departure at a time."""

from __future__ import annotations

import random
from collections.abc import Sequence

import case_files
import generate
import pytest

from ivproof.choices import ClaimKey, candidate_rank, claim_of
from ivproof.coding import Coder
from ivproof.engine import Answer, Engine
from ivproof.exploration import trial
from ivproof.exploration.explorer import Explorer
from ivproof.facts import Facts
from ivproof.law import language
from ivproof.policy import Policy
from ivproof.rewrite import OFFERED, SETTLED, settleable

POLICY = Policy.load("out001")
CODER = Coder(POLICY)


def cases() -> list[Facts]:
    return [CODER.facts(case.encounter) for case in [*case_files.worked("law")[::3], *case_files.options()[::2]]]


def visits(count: int) -> list[Facts]:
    charts = (generate.visit(random.Random(seed), name=f"E{seed}") for seed in range(700, 700 + count))
    return [CODER.facts(generate.encounter(chart)) for chart in charts]


def ways(answer: Answer) -> dict[ClaimKey, tuple[object, object]]:
    return {it.claim: (it.resolutions, it.others) for it in answer.alternatives}


def in_charts(charts: Sequence[Facts], engine: Engine) -> list[Answer]:
    return [it for at in range(0, len(charts), 100) for it in engine.answer(charts[at : at + 100])]


@pytest.mark.parametrize("charts", [cases(), visits(150)], ids=["cases", "visits"])
def test_trying_and_searching_find_the_same(charts: list[Facts], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(POLICY)
    tried = in_charts(charts, engine)
    assert sum(len(it.alternatives) > 1 for it in tried) > 10
    monkeypatch.setattr(trial, "FEW", 0)
    for facts, one, other in zip(charts, tried, in_charts(charts, engine), strict=True):
        assert ways(one) == ways(other), facts.encounter.id
        assert one.atoms == other.atoms
        for it in one.alternatives:
            assert claim_of(it.atoms) == it.claim


def test_a_chart_with_many_ways_is_left_to_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(POLICY)
    searched: list[int] = []
    search = engine._search

    def counted(charts: Sequence[Facts], asked: Sequence[Sequence[str]]) -> object:
        searched.append(len(charts))
        return search(charts, asked)

    monkeypatch.setattr(engine, "_search", counted)
    charts = visits(60)
    engine.answer(charts)
    few = sum(searched)
    monkeypatch.setattr(trial, "FEW", 2)
    engine.answer(charts)
    assert few < sum(searched) - few < len(charts)


def test_a_departure_changes_what_the_chart_read_so_gives() -> None:
    """Every option of every question, with nothing left out because it is not felt: some charts, some questions."""
    explorer = Explorer(POLICY)
    charts = visits(30)
    departed = explorer.depart(charts)
    usual = {it.key: it.default or it.options[0].name for it in POLICY.questions.values()}
    changed = sum(len(it.changed) for it in departed)
    assert changed > 60
    tried = [(q, o.name) for q in POLICY.questions.values() for o in q.options if o.name != usual[q.key]]
    for question, option in tried[:: len(tried) // 15]:
        engine = Engine(POLICY, usual | {question.key: option})
        base = Engine(POLICY, usual)
        for facts, found, atoms, before in zip(charts, departed, engine.plain(charts), base.plain(charts), strict=True):
            assert found.base == claim_of(before), facts.encounter.id
            told = found.changed.get((question.key, option), found.base)
            assert told == claim_of(atoms), (facts.encounter.id, question.number, option)


def test_equals_are_ranked_alike_by_departures() -> None:
    charts = visits(40)
    firsts = [claim_of(it) for it in Engine(POLICY).plain(charts)]
    assert [it.base for it in Explorer(POLICY).depart(charts)] == firsts
    assert candidate_rank(charts[0])("a1") < candidate_rank(charts[0])("a2")


def test_a_settled_choice_is_given_and_not_made() -> None:
    law = language.load({"law.lp": "% [c] R1\n% One.\n{ picked(X, Y) : fits(X, Y) } = 1 :- there(Y).\n"})
    [rule] = settleable(law).rules
    assert str(rule) == "{ picked(X,Y) : fits(X,Y) } = 1 :- there(Y), not settled(picked,Y)."
    for name in ("settled(X, a)", "offered(X, a, b)"):
        with pytest.raises(ValueError, match="taken"):
            settleable(language.load({"law.lp": f"% [c] R1\n% One.\np(X) :- {name}.\n"}))
    assert SETTLED == ("settled", 2)
    assert OFFERED == ("offered", 3)


def test_a_choice_from_a_list_of_the_law_takes_the_first_of_it() -> None:
    law = language.load(
        {
            "law.lp": "% [c] R1\n% One.\n{ picked(Y, X) : shape(X) } = 1 :- there(Y).\n"
            "% [l] R1\n% Two.\nshape(square).\nshape(round).\n"
        }
    )
    assert [str(rule) for rule in settleable(law).rules][:2] == [
        "picked(Y,round) :- there(Y), not settled(picked,Y).",
        "offered(picked,Y,X) :- there(Y), not settled(picked,Y), shape(X).",
    ]


def test_what_the_chart_does_not_say_is_not_open_while_the_law_is_grounded() -> None:
    """Every sum of minutes that an open site leaves possible would be grounded: too many in some of these charts."""
    engine = Engine(POLICY, {"A16": "ask"})
    charts = [
        CODER.facts(generate.encounter(generate.chart(random.Random(seed), range(6), name=f"E{seed}")))
        for seed in range(150)
    ]
    control, left = engine._ground(charts)
    asked = [key for key, choices in left.items() if ("supposed_sites", "") in choices]
    assert len(asked) > 10
    assert all(it.is_fact for it in control.symbolic_atoms.by_signature("supposed_sites", 2))
    assert all(left[key]["supposed_sites", ""] == ["one_site", "own_sites"] for key in asked)
