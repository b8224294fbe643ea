"""Matching billed units to services: nothing is lost, nothing counted twice, and the nearest services are found."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import permutations

from case_files import worked
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from visits import visit

from ivproof.audit.auditor import Auditor
from ivproof.audit.matching import cost_of, match
from ivproof.audit.model import Billed, Kind, Supported, Verdict
from ivproof.audit.search import key_of, key_of_lines
from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.claim.determination import Determination
from ivproof.engine.engine import Answer
from ivproof.law.policy import Policy

AUDITOR = Auditor(Policy.load("out001"), search="none")
CODES = sorted(AUDITOR.policy.codes)


@cache
def charts() -> list[tuple[Encounter, Determination]]:
    cases = [case for case in worked("published") if not case.setting(AUDITOR.policy)]
    by = AUDITOR.coder
    facts = [by.facts(case.encounter) for case in cases]
    plain = by.engine.plain(facts)
    found = [by.determiner.determine(one, Answer(atoms), {}) for one, atoms in zip(facts, plain, strict=True)]
    return [(case.encounter, it) for case, it in zip(cases, found, strict=True) if not it.why_undetermined]


LINES = st.lists(
    st.builds(
        BilledLine,
        code=st.sampled_from(CODES),
        units=st.integers(1, 4),
        modifiers=st.sampled_from([(), (), (), ("59",), ("XU",), ("25",), ("PO",)]),
    ),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(st.data(), LINES)
def test_units_of_any_claim_add_up(data: st.DataObject, others: list[BilledLine]) -> None:
    """What was billed is what is supported, and what is over, without what is under: code by code."""
    encounter, found = data.draw(st.sampled_from(charts()), label="chart")
    own = [BilledLine(code=it.code, units=it.units, modifiers=it.modifiers) for it in found.claim]
    lines = data.draw(st.permutations(own), label="own")[: data.draw(st.integers(0, len(own)), label="kept")] + others
    [audit] = AUDITOR.judge([(encounter, found, lines)])
    billed, supported = Counter[str](), Counter[str]()
    for line in lines:
        billed[line.code] += line.units
    for it in found.claim:
        supported[it.code] += it.units
    for code in {*billed, *supported}:
        assert billed[code] - supported[code] == audit.over.get(code, 0) - audit.under.get(code, 0)
    told = Counter[str]()
    for one in audit.lines:
        if one.billed:
            told[one.billed.code] += one.billed.units
    assert told == billed, "every billed unit stands on one line of the audit"
    known = AUDITOR._kinship.known
    same = key_of((it.code, it.units, known(it.modifiers)) for it in lines) == key_of_lines(found.claim)
    assert (audit.verdict is Verdict.CORRECT) == same
    assert (not audit.disputed) == same
    assert all(line.message and (line.rules or line.kind is Kind.NOT_JUDGED) for line in audit.lines)


COSTS = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(1, 5))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 4), st.integers(0, 4), COSTS)
def test_as_many_as_can_be_are_matched_at_the_least_cost(
    left: int, right: int, near: dict[tuple[int, int], int]
) -> None:
    billed = [Billed(f"B{n}", 1) for n in range(left)]
    supported = [Supported(f"S{n}", 1) for n in range(right)]
    pieces = match(billed, supported, lambda one, other: near.get((int(one.code[1]), int(other.code[1]))))
    pairs = [(it.billed, it.supported) for it in pieces if it.billed is not None and it.supported is not None]
    assert len({it for it, _ in pairs}) == len({it for _, it in pairs}) == len(pairs)
    best = min(
        (
            (-sum(known), sum(near[pair] for pair, it in zip(chosen, known, strict=True) if it))
            for order in permutations(range(max(left, right)))
            for chosen in [[(n, order[n]) for n in range(left) if order[n] < right]]
            for known in [[pair in near for pair in chosen]]
        ),
        default=(0, 0),
    )
    assert (-len(pairs), sum(near[it] for it in pairs if None not in it)) == best
    assert cost_of(pieces) == best[1] + 1000 * (left + right - 2 * len(pairs))


KINDS = {
    "pemetrexed": "infusion",
    "carboplatin": "infusion",
    "cefazolin": "infusion",
    "vancomycin": "infusion",
    "ondansetron": "push",
    "ketorolac": "push",
    "famotidine": "push",
}
"""Drugs of two classes, each with how it is given; those that are pushed are of one class."""


@st.composite
def visits_of_two_classes(draw: st.DrawFn) -> Encounter:
    """Two to five drugs one after the other at one site, each given once and long enough."""
    drugs = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=5, unique=True))
    given, clock = [], 8 * 60
    for drug in drugs:
        length = 45 if KINDS[drug] == "infusion" else 3
        start, stop = (f"{at // 60:02}:{at % 60:02}" for at in (clock, clock + length))
        given.append({"id": drug[:4], "drug": drug, "method": KINDS[drug], "start": start, "stop": stop})
        clock += length + 5
    return visit(*given)


def _assignments(billed: list[str], meant: list[str]) -> int:
    """The least that any assignment of wrong codes to services costs, tried one by one."""
    far = 1_000
    kinship = AUDITOR._kinship

    def near(one: str, other: str) -> int:
        found = kinship.distance(one, other)
        return far if found is None else found

    return min(sum(map(near, way, meant)) for way in permutations(billed))


@settings(max_examples=60, deadline=None)
@given(visits_of_two_classes(), st.data())
def test_of_two_wrong_lines_each_is_held_against_the_service_that_it_was_billed_for(
    chart: Encounter, data: st.DataObject
) -> None:
    """Two services have wrong codes: by their place in the hierarchy or by their class, never by how they ran."""
    [found] = AUDITOR.coder.code([chart])
    services = [it for it in found.claim if len(it.administrations) == 1 and it.units == 1]
    assume(len(services) > 1)
    wrong = data.draw(st.permutations(services), label="wrong")[:2]
    kinship, codes = AUDITOR._kinship, {it.code for it in found.claim}
    billed = [(it.code, it) for it in services if it not in wrong]
    for it in wrong:
        near = [code for code in CODES if code not in codes and kinship.distance(code, it.code) in (1, 2)]
        assume(near)
        billed.append((data.draw(st.sampled_from(near), label=f"for {it.code}"), it))
    lines = [
        BilledLine(code=code, units=1, modifiers=()) for code, _ in data.draw(st.permutations(billed), label="billed")
    ]
    [audit] = AUDITOR.judge([(chart, found, lines)])
    changed = [line for line in audit.lines if line.kind is Kind.WRONG_CODE and line.billed and line.supported]
    costs = [
        distance
        for line in changed
        if line.billed and line.supported
        if (distance := kinship.distance(line.billed.code, line.supported.code)) is not None
    ]
    meant = [it.code for code, it in billed if code != it.code]
    said = {(it.subject, it.code) for it in found.excluded}
    assume(not any((name, code) in said for code, _ in billed for it in services for name in it.administrations))
    assert sum(costs) <= _assignments([code for code, it in billed if code != it.code], meant)
    for line in changed:
        assert line.billed
        assert line.supported
        # how a drug ran is what was seen: no push is held against an infusion where each has its own
        [given_as] = {KINDS[it.drug] for it in chart.administrations if it.id in line.supported.administrations}
        true = {KINDS[chart_drug(chart, it.administrations[0])] for code, it in billed if code == line.billed.code}
        assert given_as in true


def chart_drug(chart: Encounter, name: str) -> str:
    return next(it.drug for it in chart.administrations if it.id == name)


def test_a_line_meant_for_what_is_left_out_takes_no_other_service() -> None:
    """The fluid ran too short: its line fails for that reason, and the push that was forgotten is missing."""
    chart = visit(
        {"id": "v", "drug": "vancomycin", "method": "infusion", "start": "09:00", "stop": "10:00"},
        {"id": "o", "drug": "ondansetron", "method": "push", "start": "10:05"},
        {"id": "s", "drug": "normal saline", "purpose": "hydration", "start": "10:10", "stop": "10:35"},
    )
    [found] = AUDITOR.coder.code([chart])
    [audit] = AUDITOR.judge([(chart, found, [BilledLine(code=it, units=1, modifiers=()) for it in ("96365", "96361")])])
    kinds = {line.code: (line.kind, line.message) for line in audit.lines}
    assert kinds["96361"][0] is Kind.UNSUPPORTED
    assert "25 minutes" in kinds["96361"][1] or "less than 31" in kinds["96361"][1]
    assert kinds["96375"][0] is Kind.MISSING
