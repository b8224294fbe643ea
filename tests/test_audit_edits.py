"""The claim edits in an audit: each row of the national list shows, on the claim and on the lines that it concerns."""

from __future__ import annotations

import re

import pytest
from command import chart, given_iv
from test_edits import ADD_ONS, PAIRS, UNITS

from ivproof.audit.auditor import Auditor
from ivproof.audit.model import Audit
from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.chart.reading import Source, parse
from ivproof.law.policy import Policy

AUDITOR = Auditor(Policy.load("out001"), search="none")


def visit(claim_type: str = "facility") -> Encounter:
    data = chart("edits", given_iv("bag", "ceftriaxone", "09:00", "09:40"), claim_type=claim_type)
    found = parse(data, Source("visit.json")).encounter
    assert found is not None
    return found


VISITS = {claim_type: visit(claim_type) for claim_type in ("facility", "professional")}
FOUND = {name: AUDITOR.coder.code([it])[0] for name, it in VISITS.items()}


def audits(claims: list[list[BilledLine]], claim_type: str = "facility") -> list[Audit]:
    return AUDITOR.judge([(VISITS[claim_type], FOUND[claim_type], lines) for lines in claims])


def bill(code: str, units: int = 1, *modifiers: str) -> BilledLine:
    return BilledLine(code=code, units=units, modifiers=modifiers)


@pytest.mark.parametrize("claim_type", VISITS)
def test_each_limit_of_units_shows_one_unit_above_it_and_not_before(claim_type: str) -> None:
    claims, limits = [], []
    for code, hospital, practitioner, _ in UNITS:
        limit = int(re.findall(r"\d+", hospital if claim_type == "facility" else practitioner)[0])
        limits.append((code, limit))
        # two lines of a code count together
        claims.append([bill(code), *([bill(code, limit)] if limit else [])])
    for (code, limit), audit in zip(limits, audits(claims, claim_type), strict=True):
        [edit] = [it for it in audit.edits_billed if it.kind == "units"]
        assert (edit.code, edit.units, edit.limit) == (code, limit + 1, limit)
        assert any(edit in line.edits for line in audit.lines if line.billed)
    below = audits([[bill(code, limit)] for code, limit in limits if limit], claim_type)
    assert not [it for audit in below for it in audit.edits_billed if it.kind == "units"]


def test_each_pair_shows_on_the_line_of_its_second_code() -> None:
    claims = [[bill(one), bill(other)] for one, other, _ in PAIRS]
    for (one, other, indicator), audit in zip(PAIRS, audits(claims), strict=True):
        pairs = [it for it in audit.edits_billed if it.kind == "pair" and it.other == one and it.code == other]
        assert [it.indicator for it in pairs] == [indicator], (one, other)
        on = {line.billed.code for line in audit.lines if line.billed and pairs[0] in line.edits}
        assert on == {other}


def test_each_add_on_code_shows_without_a_primary_and_not_beside_one() -> None:
    alone = audits([[bill(code)] for code in ADD_ONS])
    assert all("add-on" in [it.kind for it in audit.edits_billed] for audit in alone)
    # a primary may be an add-on code itself, and lack its own
    beside = [(code, [bill(code), bill(primary)]) for code, primaries in ADD_ONS.items() for primary in primaries]
    for (code, _), audit in zip(beside, audits([lines for _, lines in beside]), strict=True):
        assert not [it for it in audit.edits_billed if it.kind == "add-on" and it.code == code]


def test_the_edits_of_what_is_supported_are_those_of_the_determination() -> None:
    for name, found in FOUND.items():
        [audit] = audits([[bill("96372"), bill("96523")]], name)
        assert audit.edits_supported == found.edits
