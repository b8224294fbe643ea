"""Two laws over all charts to a bound: cells that cover every minute once, charts that differ, and no word too much."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import combinations
from operator import sub
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from command import run
from cover import cover, faults

from ivproof.claim.coding import Coder
from ivproof.lab.along import Along
from ivproof.lab.alphabet import alphabet
from ivproof.lab.cells import Cell, cells, drawn
from ivproof.lab.families import _together
from ivproof.lab.kinds import TIMES, Kind, Template
from ivproof.lab.one_path import OnePath
from ivproof.lab.pair import Pair, Side
from ivproof.lab.result import EQUIVALENT, NEVER_MORE, UNFINISHED, compare
from ivproof.lab.search import Difference, Gone, Search
from ivproof.lab.solver import Space
from ivproof.lab.when import when
from ivproof.lab.witness import Replay, Witness, of_case, witness
from ivproof.law.policy import Policy
from ivproof.recheck import Program
from ivproof.recheck import parse as parse_rules
from ivproof.unknowns.affine import PathCondition, Region, Slopes
from ivproof.unknowns.evaluator import Evaluator, Numbered, Numbering, Standing
from ivproof.unknowns.law import Law, Ready, Step, asks

POLICY = Policy.load("out001")
Edit = Callable[..., Policy]

BOTH, BEGIN = ["start", "stop"], ["start"]


@cache
def side() -> Side:
    return Side(Coder(POLICY))


def given(drug: str, times: list[str], **fields: Any) -> dict[str, Any]:
    return {"drug": drug, "route": "IV", "site": "iv", TIMES: times, **fields}


def kind(*administrations: dict[str, Any], **chart: Any) -> Kind:
    numbered = [{"id": f"x{n}", **it} for n, it in enumerate(administrations, 1)]
    plain = {"id": "E", "place_of_service": "22", "date": "2021-01-05", "access_sites": [{"id": "iv"}]}
    return Kind({**plain, "administrations": numbered, **chart}, "a chart")


# --- numbers over several unknowns


def test_a_region_notes_linear_conditions_on_all_unknowns() -> None:
    region = Region([0, 20, 50])
    first, second = region.time(1, 20 * 60), region.time(2, 50 * 60)
    assert (second - first) // 60 == 30 and not second - first >= 31 * 60
    assert first != second and first + second < 100 * 60
    assert [str(it) for it in region.conditions] == ["-x1 + x2 <= 30", "x1 - x2 != 0", "x1 + x2 <= 99"] or {
        PathCondition((0, -1, 1), "<=", 30),
        PathCondition((0, 1, -1), "!=", 0),
        PathCondition((0, 1, 1), "<=", 99),
    } <= set(region.conditions)
    assert all(it.holds((0, 20, 50)) for it in region.conditions)
    assert not PathCondition((0, -1, 1), "<=", 30).holds((0, 20, 51))


def test_numbers_that_change_alike_are_equal_everywhere() -> None:
    region = Region([5])
    moved = region.number(300, Slopes((60,)))
    assert moved == region.number(300, Slopes((60,))) and moved - region.number(240, Slopes((60,))) == 60
    assert not region.conditions


# --- cells


KINDS = {
    "two pushes of one drug": kind(*[given("ondansetron", BEGIN, method="push")] * 2),
    "an infusion": kind(given("ceftriaxone", BOTH)),
    "chemotherapy and a push": kind(given("paclitaxel", BOTH), given("ondansetron", BEGIN, method="push")),
    "fluid and an injection": kind(
        given("normal saline", BOTH, purpose="hydration"), {"drug": "ketorolac", "route": "IM", TIMES: BEGIN}
    ),
    "a pause": kind(given("ceftriaxone", ["start", "from", "to", "stop"])),
    "no stop, and two sites": kind(
        given("ceftriaxone", BEGIN),
        given("vancomycin", BOTH, site="other"),
        access_sites=[{"id": "iv"}, {"id": "other", "necessity": "protocol"}],
    ),
    "an office": kind(
        given("normal saline", BOTH),
        given("ondansetron", BEGIN, method="push"),
        place_of_service="11",
        primary_reason=["x1"],
    ),
    "a professional claim": kind(given("ceftriaxone", BOTH), claim_type="professional", place_of_service="11"),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_minute_lies_in_one_cell_and_the_first_engine_has_its_claim(name: str) -> None:
    found = cover(side(), KINDS[name])
    assert len({it.value for it in found}) > 1
    assert faults(side(), KINDS[name], found, 120, seed=7) == []


def test_cells_that_leave_out_or_cover_twice_or_have_another_claim_are_noticed() -> None:
    chart = KINDS["an infusion"]
    found = cover(side(), chart)
    another = next(it for it in found if it.value != found[0].value)
    assert any("lies in no cell" in it for it in faults(side(), chart, found[1:], 0, seed=7))
    assert any("lies in 2 cells" in it for it in faults(side(), chart, [*found, *found], 120, seed=7))
    swapped = [replace(it, value=another.value if it.value == found[0].value else found[0].value) for it in found]
    assert any("clingo derives other claims" in it for it in faults(side(), chart, swapped, 120, seed=7))


# --- differences


def first_difference(
    new: Policy, up_to: int, readings: dict[str, str] | None = None, seconds: float = 60
) -> Witness | Gone:
    """The first chart that differs, coded by both engines under both laws; or what was gone through."""
    replay = Replay(POLICY, new, {}, readings or {})
    pair = Pair(Side(replay.both.old.coder), Side(replay.both.new.coder))
    shown: list[Difference] = []

    def stop(found: Difference) -> bool:
        shown.append(found)
        return True

    gone = Search(pair, up_to, replay.same).run(process_time() + seconds, found=stop)
    return witness(pair, replay, shown[0]) if shown else gone


def minutes(found: Witness) -> tuple[int, int]:
    """How long the one administration runs at the edge, and a minute further."""
    assert found.edge is not None and found.beyond is not None

    def length(chart: Any) -> int:
        [it] = chart["administrations"]
        (begin, end) = (int(it[name][:2]) * 60 + int(it[name][3:]) for name in ("start", "stop"))
        return end - begin

    return length(found.edge.encounter), length(found.beyond.encounter)


def test_a_threshold_moved_by_a_minute_is_found_at_that_minute(edited: Edit) -> None:
    found = first_difference(edited(("time.lp", "threshold(infusion, 16).", "threshold(infusion, 17).")), 1)
    assert isinstance(found, Witness) and found.shown.differs
    assert minutes(found)[0] == 16 and minutes(found)[1] in {15, 17}
    assert found.shown.rules == ("threshold-infusion",)
    assert found.beyond is not None and not found.beyond.differs


def test_a_dropped_condition_and_a_deleted_rule_are_found(edited: Edit) -> None:
    rule = "technique(S, infusion) :- drug_service(S), run_of(S, A), not given_by_hand(A), ran_at_least(S, infusion), "
    dropped = edited(("out001/service.lp", rule, rule.replace("ran_at_least(S, infusion), ", "")))
    found = first_difference(dropped, 1)
    assert isinstance(found, Witness) and "infusion-by-time" in found.shown.rules


def test_another_option_of_a_question_is_found_with_two_administrations() -> None:
    found = first_difference(POLICY, 2, {"A44": "pushes_too"})
    assert isinstance(found, Witness) and len(found.shown.encounter["administrations"]) == 2
    assert found.shown.old.status == found.shown.new.status == "determined"


ODD = {
    "a missing site": ("site-assumed", "only-site-assumed"),
    "a service": ("visit-reported",),
    "an unknown drug": ("supposed-class",),
    "a professional claim": ("professional-claim-in-facility",),
    "a rare route and what is charted for it": ("has-lesions",),
}
"""What a rule needs to be felt at all, and rules of which that is true."""


def without(*names: str) -> list[tuple[str, str, str]]:
    """Deletes rules, with all their clauses and headers."""
    found = []
    for name in names:
        rules = POLICY.program.by_id[name]
        text = POLICY.texts[rules[0].file]
        begin = text.index(f"% [{name}] ")
        end = text.find("\n% [", begin)
        found.append((rules[0].file, text[begin : end if end > 0 else len(text)], ""))
    return found


@pytest.mark.parametrize("what", ODD)
def test_what_only_an_odd_chart_feels_is_never_called_equivalent(what: str, edited: Edit) -> None:
    found = first_difference(edited(*without(*ODD[what])), 1, seconds=4)
    if isinstance(found, Witness):
        assert found.shown.differs and set(found.shown.rules) <= set(ODD[what])
    else:
        assert found.unfinished


def test_a_law_under_other_names_and_in_another_order_is_equivalent_on_any_chart(edited: Edit, tmp_path: Path) -> None:
    new = edited()
    folder = tmp_path / "asp"
    for file in folder.rglob("*.lp"):
        text = file.read_text("utf-8").replace("counts_as(", "stands_for(")
        file.write_text(text, "utf-8")
    new = Policy.load(folder / "out001")
    found = compare(POLICY, new, ({}, {}), 2, 60)
    assert found.verdict == EQUIVALENT and found.complete and not found.rules_differ
    bound = found.as_dict()["bound"]
    assert bound["administrations"] == 2 and bound["minutes"] and bound["kinds"] and bound["features"]


VISIT = "visit(V, C) :- other_service(V, evaluation_and_management), service_code(V, C), text_applies."


BEFORE, AFTER = "other_service(V, evaluation_and_management), ", "service_code(V, C)"
REWRITTEN = {
    "in two pieces": "evaluated(W) :- text_applies, other_service(W, evaluation_and_management).\n"
    "visit(V, C) :- evaluated(V), service_code(V, C).",
    "in three pieces, one within the other": "evaluated(V) :- other_service(V, evaluation_and_management).\n"
    "applied(V) :- evaluated(V), text_applies.\nvisit(V, C) :- service_code(V, C), applied(V).",
    "in two cases": VISIT.replace(AFTER, f"{AFTER}, professional_in_facility")
    + "\n"
    + VISIT.replace(AFTER, f"{AFTER}, not professional_in_facility"),
    "two ways to a piece": f"evaluated(V) :- {BEFORE}professional_in_facility.\n"
    f"evaluated(V) :- {BEFORE}not professional_in_facility.\n"
    "visit(V, C) :- evaluated(V), service_code(V, C), text_applies.",
    "and a rule that adds nothing": VISIT
    + "\n"
    + VISIT.replace(AFTER, f"{AFTER}, professional_in_facility, other_service(V, _)"),
}
OTHERWISE = {
    "in two cases that are not all": VISIT.replace(AFTER, f"{AFTER}, professional_in_facility")
    + "\n"
    + VISIT.replace(AFTER, f"{AFTER}, not claim_type(professional)"),
    "in two cases of which one asks for more": VISIT.replace(AFTER, f"{AFTER}, professional_in_facility")
    + "\n"
    + VISIT.replace(AFTER, f"{AFTER}, not professional_in_facility, claim_type(professional)"),
    "a piece that loses which service it was": "evaluated :- other_service(V, evaluation_and_management).\n"
    "visit(V, C) :- evaluated, service_code(V, C), text_applies.",
    "a piece that is denied": "evaluated(V) :- other_service(V, evaluation_and_management).\n"
    "visit(V, C) :- service_code(V, C), not evaluated(V), text_applies.",
}


@pytest.mark.parametrize("what", REWRITTEN)
def test_a_rule_written_in_other_rules_is_equivalent_on_any_chart(what: str, edited: Edit) -> None:
    found = compare(POLICY, edited(("out001/claim.lp", VISIT, REWRITTEN[what])), ({}, {}), 0, 60)
    assert found.verdict == EQUIVALENT and found.complete and not found.rules_differ
    assert found.bound["administrations"] == 0 and found.bound["kinds_of_chart"]


@pytest.mark.parametrize("what", OTHERWISE)
def test_a_rule_that_says_something_else_is_not(what: str, edited: Edit) -> None:
    pair = Pair(*(Side(Coder(it)) for it in (POLICY, edited(("out001/claim.lp", VISIT, OTHERWISE[what])))))
    assert pair.heads


def test_what_leaves_a_question_open_is_kept_where_only_one_law_has_it() -> None:
    """Else no option of it is tried in that law, and the laws seem to part where the same follows from each option."""
    open_, settled = (Side(Coder(POLICY, readings)) for readings in ({}, {"A21": "over_the_limit"}))
    pair = Pair(open_, settled)
    assert asks("a21") in {it.head for it in pair.old.law.rules}
    assert asks("a21") not in {it.head for it in pair.new.law.rules}


def test_what_the_new_law_alone_reads_of_the_order_of_a_chart_is_known(edited: Edit) -> None:
    """A visit that is not reported beside two administrations; the old rule rests on no order of these."""
    new = edited(("out001/claim.lp", VISIT, VISIT.replace(AFTER, f"{AFTER}, not order_of(_, 2)")))
    pair = Pair(*(Side(Coder(it)) for it in (POLICY, new)))
    service = {"kind": "evaluation_and_management", "code": "99213", "separately_identifiable": True}
    push = given("ondansetron", BEGIN, method="push")
    for some, apart in (((push,), False), ((push, given("ceftriaxone", BOTH)), True)):
        templates = pair.templates(kind(*some, services=[service]))
        assert templates is not None
        assert bool(pair.stage(templates[0], Region((30,) * (2 * len(some) - 2)))) is apart


def lacking(rule: Ready) -> Side:
    """The law without one of its rules."""
    found = copy(side())
    found.__dict__.pop("felt", None)
    found.law = copy(found.law)
    steps = (Step(tuple(it for it in step.rules if it is not rule), step.recursive) for step in found.law.steps)
    found.law.steps = [step for step in steps if step.rules]
    return found


def test_a_rule_that_one_law_lacks_is_looked_at_also_where_no_other_concludes_the_same() -> None:
    rules = [it for it in side().law.rules if it.head in side().felt]
    counted = Counter(it.head for it in rules)
    only = [it for it in rules if counted[it.head] == 1]
    some = [*only[:: len(only) // 12], *rules[:: len(rules) // 12]]
    for rule in some:
        pair = Pair(side(), lacking(rule))
        fewer = (other.rule for other in rules if other.rule.head == rule.rule.head and other is not rule)
        assert pair.heads or any(set(it.body) < set(rule.rule.body) for it in fewer), rule
        looked_at = {it.head for part in pair.parts for it in part.law.rules}
        assert looked_at.issuperset(pair.heads), rule


def test_another_option_is_found_where_one_rule_alone_reads_the_question() -> None:
    """Of A62 one rule was the only one for what it concludes, and without it the law was called equivalent."""
    replay = Replay(POLICY, POLICY, {}, {"A62": "ignored"})
    pair = Pair(Side(replay.both.old.coder), Side(replay.both.new.coder))
    fluid, push = given("sodium chloride 0.9%", BOTH), given("ondansetron", BOTH, method="push")
    templates = pair.templates(kind(fluid, push))
    assert templates is not None
    half_an_hour_beside_a_push = Region((31, 10, 11))
    assert pair.stage(templates[0], half_an_hour_beside_a_push)
    before, after = pair.answers(templates[1], half_an_hour_beside_a_push)
    assert before != after


def test_a_rule_in_pieces_that_are_not_put_together_is_equivalent_to_the_bound(edited: Edit) -> None:
    pieces = (
        "evaluated(V, yes) :- other_service(V, evaluation_and_management), text_applies.\n"
        "visit(V, C) :- evaluated(V, yes), service_code(V, C)."
    )
    found = compare(POLICY, edited(("out001/claim.lp", VISIT, pieces)), ({}, {}), 0, 60)
    assert found.verdict == EQUIVALENT and found.complete and found.rules_differ
    assert found.gone.cells and found.bound["administrations"] == 0


def test_where_a_way_through_one_law_leads_nowhere_the_other_is_looked_at() -> None:
    """Two candidates come true in the first law, which has no answer then; in the second one does."""
    text = "cand(a). cand(b). { taken(X) : cand(X) } = 1 :- go. taken(X) :- forced(X). forced(a) :- go. forced(b) :- go"
    laws = [Law(Program(parse_rules(f"{text}{it}.", "law")), {}) for it in ("", ", odd")]
    numbering = Numbering(laws)

    def applied(law: Law) -> Evaluator:
        return Evaluator(Numbered(law, {}, (), numbering))

    path = OnePath(laws[0], laws[1], applied, [("forced", 1)], [("forced", 1)])
    for facts, apart in (([("go",)], {"forced"}), ([("go",), ("odd",)], {"forced"}), ([], set())):
        template = Template(kind(), tuple(facts), {}, ordered=False)
        assert path.apart(template, Region(()), Standing()) == apart


def test_pairs_of_any_of_some_and_any_of_others_are_listed_once() -> None:
    pairs = [f"{one} IV push and {other} IV from start to stop" for one in ("a", "b") for other in ("c", "d", "e")]
    assert _together(pairs, None) == "a or b IV push and c, d or e IV from start to stop"
    assert _together(pairs[:2], None) == "a IV push and c or d IV from start to stop"
    assert _together(pairs[:-1], None).count(" or ") == 4  # not every pair: each is named
    assert _together(["a IV push", "b IV push"], 1) == "a or 1 others IV push"


TOGETHER = "together(R, S) :- goes_with(R, S).", "together(S, R) :- goes_with(R, S)."
OWN = "own_time_at_least(S, infusion) :- own_time(S, N), threshold(infusion, M), N >= 60 * M."
CHANGED = {
    "a limit": [("time.lp", "threshold(infusion, 16).", "threshold(infusion, 31).")],
    "a rule in a circle": [("time.lp", OWN, OWN.replace("60", "120"))],
    "a circle that would hold itself up": [
        ("out001/service.lp", TOGETHER[0], "together(R, S) :- goes_with(R, S), together(S, R)."),
        ("out001/service.lp", TOGETHER[1], "together(S, R) :- goes_with(R, S), together(R, S)."),
    ],
    "a limit in two steps": [
        ("time.lp", "threshold(push_interval, 30).", "threshold(push_interval, M) :- interval(M).\ninterval(45).")
    ],
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_one_law_concludes_is_looked_at_only_where_the_other_parts_from_it(what: str, edited: Edit) -> None:
    """Where nothing is told apart both laws give the same by themselves, and where something is, a rule says more."""
    pair = Pair(*(Side(Coder(it)) for it in (POLICY, edited(*CHANGED[what]))))
    assert pair.on_one_path
    push = given("ondansetron", BEGIN, method="push")
    charts = [
        kind(given("ceftriaxone", BOTH)),
        kind(given("ceftriaxone", BOTH), given("ceftriaxone", BOTH)),
        kind(given("ceftriaxone", BOTH), given("sodium chloride 0.9%", BOTH)),
        kind(push, push),
        kind(given("ceftriaxone", BOTH), push),
    ]
    apart = 0
    for one in charts:
        templates = pair.templates(one)
        assert templates is not None
        for n, point in enumerate(drawn(one.bounds, one.reach, 40)):
            told = pair.stage(templates[0], Region(point))
            before, after = pair.stages(templates[0], Region(point))
            assert bool(told) == (before != after), (one.document, point)
            apart += bool(told)
            if n % 8 == 0 and not told:
                whole = pair.answers(templates[1], Region(point))
                assert whole[0] == whole[1]
    assert apart


RAN = "ran_at_least(S, infusion) :- ran(S, N), threshold(infusion, M), N >= 60 * M."


def stage_of(pair: Pair, of: Kind) -> Callable[[Region, Standing | None], bool]:
    templates = pair.templates(of)
    assert templates is not None
    return lambda region, here: not pair.stage(templates[0], region, here)


@pytest.mark.parametrize(
    ("but", "more", "differs"),
    [
        ("", "", 0),
        (', not place("11")', "", 585),
        (", not odd(N)", 'odd(N) :- ran(_, N), N = 1020, place("11").', 1),
    ],
)
def test_kinds_go_along_with_another_where_nothing_differs_at_any_minute(
    but: str, more: str, differs: int, edited: Edit
) -> None:
    """No difference is passed over: not where a fact beside the times brings it, and not one of a single minute."""
    pieces = f"ran_enough(S, yes) :- ran(S, N), threshold(infusion, M), N >= 60 * M{but}.\n{more}\n"
    new = edited(("time.lp", RAN, pieces + "ran_at_least(S, infusion) :- ran_enough(S, yes)."))
    pair, along, until = Pair(*(Side(Coder(it)) for it in (POLICY, new))), Along(), process_time() + 60
    base, payer, office = (
        kind(given("ceftriaxone", BOTH), **chart)
        for chart in ({}, {"payer": "medicare"}, {"place_of_service": "11", "primary_reason": ["x1"]})
    )
    silent, space = stage_of(pair, base), Space(base.unknowns, base.bounds)
    went = list(cells(space, base.reach, lambda region: silent(region, None)))
    assert len(went) > 1 and all(it.value for it in went)
    assert along.goes(payer, silent, until) is None  # nothing is remembered yet
    along.remember(base, silent, [Cell(it.point, it.conditions, None) for it in went])
    for other, parted in ((payer, 0), (office, differs), (payer, 0)):
        alone = stage_of(pair, other)
        assert sum(not alone(Region((n,)), None) for n in range(601)) == parted
        assert (along.goes(other, alone, until) is None) is bool(parted)


def test_of_a_chart_without_an_answer_no_difference_is_told(edited: Edit) -> None:
    """A visit on a date on which the text does not apply: units would follow, but the law has no answer."""
    new = edited(("out001/claim.lp", VISIT, VISIT.replace(", text_applies", "")))
    found = first_difference(new, 0)
    assert isinstance(found, Gone) and not found.differences


def test_less_on_some_charts_and_more_on_none_is_never_more(edited: Edit) -> None:
    new = edited(*without("visit-alone"))
    found = compare(POLICY, new, ({}, {}), 0, 60)
    assert found.verdict == NEVER_MORE and found.complete and found.witness is not None
    assert found.witness.shown.new.claims == ((),) and len(found.witness.shown.old.claims[0]) == 1
    assert found.families and all(n < 0 for it in found.families for n in it.change.values())


def test_what_changes_no_claim_is_named_beside_the_verdict(edited: Edit) -> None:
    found = compare(POLICY, edited(*without("visit-not-separate")), ({}, {}), 0, 60)
    assert found.verdict == EQUIVALENT and not found.rules_differ and "excluded" in found.beside


def test_another_reason_to_have_no_answer_is_no_difference(edited: Edit) -> None:
    old, new = "undetermined(edition_before_any) :-", "undetermined(edition_not_at_hand) :-"
    found = first_difference(edited(("out001/setting.lp", old, new)), 0)
    assert isinstance(found, Gone) and not found.differences


def test_a_change_that_no_chart_of_the_bound_can_feel_is_unfinished(edited: Edit) -> None:
    """A limit of ten days lies outside of what is gone through: that nothing differs is no proof."""
    found = compare(POLICY, edited(("time.lp", "limit(run, 14400).", "limit(run, 14401).")), ({}, {}), 0, 20)
    assert found.verdict == UNFINISHED and found.witness is None
    assert any("limit(run" in it for it in found.gone.unfinished)


def test_a_case_that_differs_is_shown_with_what_it_needs_alone(edited: Edit) -> None:
    """What a case has beside it goes, and what differs stays."""
    more = kind(
        given("ondansetron", [], method="push", start="09:00"),
        given("vancomycin", [], start="09:10", stop="10:40"),
        services=[{"kind": "iv_start"}],
        diagnoses=["E86.0"],
    )
    encounter = more.read(())
    assert encounter is not None
    new = edited(("time.lp", "threshold(infusion, 16).", "threshold(infusion, 91)."))
    replay = Replay(POLICY, new, {}, {})
    pair = Pair(Side(replay.both.old.coder), Side(replay.both.new.coder))
    gone = Search(pair, 0, replay.same).run(process_time() + 60, [of_case("a-case", encounter)])
    shown = gone.differences
    found = witness(pair, replay, shown[0])
    assert found.case == "a-case" and found.shown.differs
    assert [it["drug"] for it in found.shown.encounter["administrations"]] == ["vancomycin"]
    assert "services" not in found.shown.encounter or not found.shown.encounter["services"]


def test_the_alphabet_has_every_way_to_chart_that_the_format_lists() -> None:
    found = alphabet(side().coder.drugs, [side().law], POLICY.payers, POLICY.codes)
    words = {it.words.partition(":")[0] for it in found.single}
    assert {"no stop", "no site anywhere", "services", "claim_type", "drug", "diagnoses", "earlier_visit"} <= words


def test_ctrl_c_while_the_solver_thinks_ends_the_search() -> None:
    unknowns, holes = 40, 39  # more pigeons than holes: no solver has that in a second
    slopes = [tuple(int(n == m) for m in range(unknowns)) for n in range(unknowns)]
    bounds = [
        it for n in slopes for it in (PathCondition(n, "<=", holes - 1), PathCondition(tuple(-m for m in n), "<=", 0))
    ]
    apart = [tuple(map(sub, a, b)) for a, b in combinations(slopes, 2)]
    space = Space(unknowns, [*bounds, *(PathCondition(it, "!=", 0) for it in apart)])
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        space.point()


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("ivproof.lab.when", "when", ("when", "96366")),
        ("ivproof.lab.result", "compare", ("compare", "out001", "out001", "--up-to", "0")),
    ],
)
def test_ctrl_c_in_a_search_is_told(
    module: str, name: str, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module(module), name, ended)
    done = run("policy", *arguments)
    assert (done.exit_code, done.stderr) == (130, "ivproof: interrupted\n")


# --- one law


def test_when_a_code_follows_is_told_as_a_condition_on_the_times() -> None:
    found = when(side().coder, "96366", 1, 60, [KINDS["an infusion"], KINDS["two pushes of one drug"]])
    first, second = found.followed[:2]
    assert first.units == (1, 1) and first.exact and first.conditions == ("it runs 91 to 150 minutes",)
    assert second.units == (2, 2) and second.conditions == ("it runs 151 to 210 minutes",)
    assert found.as_dict()["complete"] and len(found.kinds) == 2


def test_a_code_that_no_policy_has_is_refused() -> None:
    done = run("policy", "when", "12345")
    assert done.exit_code == 2 and "96366" in done.stderr


# --- the command


def test_the_command_says_the_verdict_with_its_bound(edited: Edit, tmp_path: Path) -> None:
    edited(("time.lp", "threshold(infusion, 16).", "threshold(infusion, 17)."))
    law = str(tmp_path / "asp/out001")
    done = run("policy", "compare", "out001", law, "--up-to", "1", "--time-limit", "3", "--format", "json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["witness"]["old"] != found["witness"]["new"]
    assert found["witness"]["edge"] and found["witness"]["rules"] == ["threshold-infusion"]
    assert found["bound"]["administrations"] == 1 and found["bound"]["kinds"]
    assert found["families"] and found["verdict"] in {"incomparable", "unfinished"}
    assert found["complete"] is not bool(found["unfinished"])


def test_a_reading_of_one_law_alone_needs_the_search() -> None:
    assert run("policy", "compare", "out001", "out001", "--new-reading", "A44=pushes_too").exit_code == 2


def test_a_law_is_equivalent_to_itself() -> None:
    done = run("policy", "compare", "out001", "out001", "--up-to", "1")
    assert done.exit_code == 0 and "Equivalent" in done.stdout


# --- kinds that a file names, what else is said, what it is worth, and the page


NAMED = """\
administrations:
- {drug: "<b>ceftriaxone</b>", route: IV, class: therapeutic}
- {drug: normal saline, route: IV, times: [start]}
settings: [{place_of_service: "22"}, {place_of_service: "11"}]
sites: [two sites]
features: ["purpose: hydration"]
"""
NO_STOP = "excluded(S, R, hydration_without_stop) :- fluid_without_stop(S), hydration_role(S, R)."


def test_a_comparison_by_a_file_of_kinds_has_two_levels_amounts_and_a_page(edited: Edit, tmp_path: Path) -> None:
    edited(
        ("time.lp", "threshold(infusion, 16).", "threshold(infusion, 31)."),
        ("out001/hydration.lp", NO_STOP, NO_STOP.replace(").", "), payer(medicare).")),
    )
    kinds, rates, page = tmp_path / "kinds.yaml", tmp_path / "rates.csv", tmp_path / "change.html"
    kinds.write_text(NAMED, "utf-8")
    rates.write_text("code,rate\n96365,200\n96374,150.5\n", "utf-8")
    options = ("--all", "--reasons", "--kinds", str(kinds), "--prices", str(rates), "-o", str(page), "--format", "json")
    done = run("policy", "compare", "out001", str(tmp_path / "asp/out001"), "--up-to", "1", *options)
    assert done.exit_code == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["complete"] and found["bound"]["named"]["settings"] == ["place_of_service: 22", "place_of_service: 11"]
    assert set(found["bound"]["features"]) == {"place_of_service: 11", "purpose: hydration"}
    [family] = [it for it in found["families"] if it["change"] == {"96365": -1, "96374": 1}]
    assert family["amount"] == -49.5 and family["chart"]["rules"] == ["threshold-infusion"]
    assert family["conditions"] == ["it runs 16 to 30 minutes"] and family["exact"]
    assert found["prices"]["families"][0]["rules"] == ["threshold-infusion"] and len(found["prices"]["cautions"]) == 2
    beside = found["reasons"]
    assert beside["verdict"] == "different" and beside["witness"]["new"] == {}
    assert beside["witness"]["old"] == {"left_out": ["x1 96360: hydration-without-stop"]}
    html = page.read_text("utf-8")
    assert "−$49.50" in html and "hydration-without-stop" in html and "<script" not in html
    assert "<b>" not in html and html.count('class="track"') == 2 * len(found["families"])


def test_a_file_of_kinds_that_names_what_is_not_there_is_told_with_its_places(tmp_path: Path) -> None:
    kinds = tmp_path / "kinds.yaml"
    kinds.write_text("administrations: [{drug: x, route: IW}]\nsites: [three]\nfeatures: [no stopp]\n", "utf-8")
    done = run("policy", "compare", "out001", "out001", "--up-to", "1", "--kinds", str(kinds))
    assert done.exit_code == 2
    for said in ("kinds.yaml:1: administrations[0].route: found", "kinds.yaml:2: sites[0]: found", "mean no stop?"):
        assert said in done.stderr
