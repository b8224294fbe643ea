"""Matching billed units to services: nothing is lost, nothing counted twice, and the nearest services are found."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import permutations

from case_files import worked
from hypothesis import given, settings
from hypothesis import strategies as st

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
