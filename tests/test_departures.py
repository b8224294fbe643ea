"""The two short ways to what a chart leaves open: trying few ways, and one departure at a time."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import case_files
import clingo
import generate
import pytest
import visits as small

from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import Facts
from ivproof.claim.coding import Coder
from ivproof.engine import trial
from ivproof.engine.choices import ClaimKey, candidate_rank, claim_of
from ivproof.engine.engine import Answer, Engine
from ivproof.engine.nearby import ONE, NearExplorer
from ivproof.law import language
from ivproof.law.policy import Policy, Question, law_folder
from ivproof.law.rewrite import OFFERED, SETTLED, settleable

POLICY = Policy.load("out001")
CODER = Coder(POLICY)


def cases() -> list[Facts]:
    return [
        CODER.facts(case.encounter)
        for case in [*case_files.some(case_files.worked("law"), 8), *case_files.some(case_files.options(), 5)]
    ]


def visits(count: int) -> list[Facts]:
    charts = (generate.visit(random.Random(seed), name=f"E{seed}") for seed in range(700, 700 + count))
    return [CODER.facts(generate.encounter(chart)) for chart in charts]


def ways(answer: Answer) -> dict[ClaimKey, tuple[object, object]]:
    return {it.claim: (it.resolutions, it.others) for it in answer.alternatives}


def in_charts(charts: Sequence[Facts], engine: Engine) -> list[Answer]:
    return [it for at in range(0, len(charts), 100) for it in engine.answer(charts[at : at + 100])]


@pytest.mark.parametrize("charts", [cases(), visits(80)], ids=["cases", "visits"])
def test_trying_and_searching_find_the_same(charts: list[Facts], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(POLICY)
    tried = in_charts(charts, engine)
    assert sum(len(it.alternatives) > 1 for it in tried) > 7
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


def under(settings: dict[str, str], charts: list[Facts]) -> list[tuple[str, frozenset[ClaimKey]]]:
    """The status and the claims of charts coded anew, with nothing known of what is held otherwise."""
    coder = CODER.under(settings)
    found = []
    for facts, answer in zip(charts, in_charts(charts, coder.engine), strict=True):
        claims = frozenset(it.claim for it in answer.alternatives) or frozenset([claim_of(answer.atoms)])
        found.append((coder.determiner.determine(facts, answer, {}).status, claims))
    return found


TRIED = [
    (question, option.name)
    for question in POLICY.questions.values()
    for option in question.options
    if option.name != question.default
]
OPENING = [
    (POLICY.question(number), option) for number, option in (("A8", "B"), ("A25", "B"), ("A31", "B"), ("A11", "B"))
]


@pytest.mark.parametrize("part", [0, *([1] if case_files.WHOLE else [])])
def test_a_departure_leads_where_the_chart_read_so_leads(part: int) -> None:
    """Coded anew with each option: what is stated of it is so, and what nothing is stated of is as without it."""
    charts = [*visits(10), *case_files.some(cases(), 28, part)]
    departed = NearExplorer(POLICY, most=ONE).depart(charts)
    explored = NearExplorer(POLICY, most=ONE).explore(charts)
    assert sum(len(it.changed) for it in departed) > 20
    base = under({}, charts)
    some = [(question, question.option(option).name) for question, option in OPENING]
    some += TRIED[:: len(TRIED) // 6] if part == 0 else TRIED[1 :: len(TRIED) // 14]
    opened = 0
    for question, option in some:
        anew = under({question.key: option}, charts)
        for n, (facts, found, before, after) in enumerate(zip(charts, departed, base, anew, strict=True)):
            assert frozenset(found.base.ways) == before[1], facts.encounter.id
            told = found.changed.get((question.key, option), found.base)
            assert frozenset(told.ways) == after[1], (facts.encounter.id, question.number, option)
            alone = (explored[n].alone or {}).get(question.key, {})
            assert alone.get(option, before[1]) == after[1], (facts.encounter.id, question.number, option)
            opened += after[0] != "determined" == before[0]
    assert opened


@pytest.mark.parametrize(("question", "option"), OPENING, ids=lambda it: getattr(it, "number", it))
def test_an_option_that_leaves_the_claim_open_is_named_and_said_to_give_no_claim(
    question: Question, option: str
) -> None:
    chart = visits_of(question.number)
    [found] = Coder(POLICY, assumptions=True).code([chart])
    [anew] = CODER.under({question.number: option}).code([chart])
    reading = next(it for it in found.readings if it.question == question.number)
    assert found.status == "determined" != anew.status
    assert reading.matters
    assert option not in reading.otherwise
    assert reading.otherwise_status[option] == anew.status
    assert reading.otherwise_why[option]
    assert reading.as_dict()["otherwise_status"] == {**reading.otherwise_status}


def visits_of(number: str) -> Encounter:
    """A chart that is determined, and not with the other option of a question."""
    infusion = {"id": "x", "drug": "vancomycin", "method": "infusion", "start": "08:00", "stop": "09:00"}
    match number:
        case "A8":
            push = {"id": "y", "drug": "ondansetron", "method": "push", "start": "09:05"}
            return small.visit(infusion, push, place_of_service="23")
        case "A25":
            pause = {"from": "08:30", "to": "09:00", "reason": "reaction"}
            return small.visit({**infusion, "drug": "rituximab", "stop": "10:00", "pauses": [pause]})
        case "A31":
            return small.visit({**infusion, "start": "23:00", "stop": "01:00"})
    return small.visit(infusion, earlier_visit={"initial_reported": True, "line_left_in": True})


def test_equals_are_ranked_alike_by_departures() -> None:
    charts = visits(40)
    firsts = [claim_of(it) for it in Engine(POLICY).plain(charts)]
    assert [it.base.first for it in NearExplorer(POLICY, most=ONE).depart(charts)] == firsts
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


def test_a_choice_from_a_list_that_follows_from_the_chart_takes_the_first_of_it() -> None:
    law = language.load({"law.lp": "% [c] R1\n% One.\n{ picked(Y, X) : fits(X) } = 1 :- there(Y).\n"})
    text = "".join(f"{rule}\n" for rule in settleable(law).rules)
    control = clingo.Control()
    control.add("base", [], f"{text} there(a). fits(s10). fits(s2). fits(t) :- not fits(u). {{ fits(v) }} :- fits(w).")
    control.ground([("base", [])])
    assert [str(it.symbol) for it in control.symbolic_atoms.by_signature("picked", 2)] == ["picked(a,s10)"]
    offered = {str(it.symbol.arguments[2]) for it in control.symbolic_atoms.by_signature("offered", 3)}
    assert offered == {"s10", "s2", "t"}
    control = clingo.Control()
    control.add("base", [], f"{text} there(a). fits(s1). settled(picked,a).")
    control.ground([("base", [])])
    assert not list(control.symbolic_atoms.by_signature("picked", 2))


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


@pytest.mark.parametrize(
    ("settings", "places"), [({}, ["s1", "s2"]), ({"A16": "ask"}, ["own_sites", "s1", "s2"])], ids=["default", "ask"]
)
def test_one_of_several_documented_places_is_not_open_while_the_law_is_grounded(
    settings: dict[str, str], places: list[str]
) -> None:
    """Both sites were needed, so nothing tells at which of them the third drug was given."""
    drugs = [("x", "vancomycin", "arm"), ("y", "ceftriaxone", "port"), ("z", "famotidine", None)]
    given = [
        {"id": name, "drug": drug, "site": site, "method": "infusion", "start": "08:00", "stop": "09:00"}
        for name, drug, site in drugs
    ]
    sites = [{"id": it, "necessity": "protocol"} for it in ("arm", "port")]
    engine = Engine(POLICY, settings)
    control, left = engine._ground([CODER.facts(small.visit(*given, access_sites=sites))])
    assert left["e0"]["supposed_sites", ""] == places
    assert [it.is_fact for it in control.symbolic_atoms.by_signature("supposed_sites", 2)] == [True]


def test_a_choice_on_which_no_claim_depends_stays_open(tmp_path: Path) -> None:
    """A law without the rule that reads the supposed number of lesions: the number is chosen, and decides nothing."""
    folder = tmp_path / "asp"
    shutil.copytree(law_folder(), folder)
    file = folder / "out001" / "chemotherapy.lp"
    text = file.read_text("utf-8")
    rule = "lesion_count(X) :- supposed_lesions(X)."
    assert text.count(rule) == 1
    file.write_text(text.replace(rule, ""), "utf-8")
    lesions = {"id": "a", "drug": "methotrexate", "route": "IL"}
    chart = {"id": "E", "place_of_service": "22", "date": "2020-10-05", "administrations": [lesions]}
    [found] = Coder(Policy.load(folder / "out001")).code([generate.encounter(chart)])
    assert (found.status, found.claim) == ("determined", ())
