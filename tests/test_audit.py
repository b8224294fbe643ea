"""Audits of changed claims: every case's right claim is right, and each change of it gets the verdict of that change.

Each case is coded once, under the readings that it sets; all the claims that one change makes of any case's claim are
then held against what follows, tens of thousands in all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from copy import copy
from functools import cache
from pathlib import Path

import pytest
from case_files import Case, Setting, firsts, options, some, units, worked

from ivproof.audit.auditor import Auditor
from ivproof.audit.model import Audit, Kind, LineVerdict, Verdict
from ivproof.chart.encounter import BilledLine
from ivproof.claim.coding import Coder
from ivproof.claim.determination import ClaimLine, Determination
from ivproof.law.policy import Policy

ROOT = Path(__file__).parents[1]
POLICY = Policy.load("out001")
BASE = Coder(POLICY)
FOLDERS = ("published", "law", "readings")
CODES = tuple(POLICY.codes)
DISTINCT = "59"
REDUCED, DISCONTINUED = "52", "53"
VISIT = "25"
INITIAL = {"initial"}
INJECTIONS = {"injection", "hormonal_injection", "on_body_injection"}
PUMP = "96416"
RANKED = (PUMP, "96413", "96409", "96365", "96374", "96360")
"""The codes of initial services, the highest first (III.D); that of a pump is one only as A87 is read as B."""


@cache
def auditor(setting: Setting) -> Auditor:
    """An auditor for one setting of the questions, without a search: it asks no engine for anything."""
    coder = copy(BASE)
    coder.engine = copy(BASE.engine)
    coder.engine.settings = POLICY.settings(dict(setting))
    return Auditor(POLICY, dict(setting), coder=coder, search="none")


@cache
def coded(folder: str) -> list[tuple[Case, Determination]]:
    """The cases of a folder, each with what follows under its readings; the first option of what is open holds.

    Of the law's own cases every second one is taken.
    """
    cases = options() if folder == "readings" else some(worked(folder), 2 if folder == "law" else 1)
    found = firsts(BASE, [(case.encounter, case.readings) for case in cases])
    return list(zip(cases, found, strict=True))


@cache
def determined(folder: str) -> list[tuple[Case, Determination]]:
    """Those for which the policy has a claim."""
    return [(case, it) for case, it in coded(folder) if it.status == "determined"]


def billed(lines: Sequence[ClaimLine]) -> list[BilledLine]:
    return [bill(it.code, it.units, *it.modifiers) for it in lines]


def bill(code: str, units: int = 1, *modifiers: str) -> BilledLine:
    return BilledLine(code=code, units=units, modifiers=modifiers)


def audits(case: Case, found: Determination, claims: Sequence[Sequence[BilledLine]]) -> list[Audit]:
    by = auditor(case.setting(POLICY))
    return by.judge([(case.encounter, found, claim) for claim in claims])


class Notes:
    """What departs from what was expected, with how many claims were looked at."""

    def __init__(self) -> None:
        self.claims = 0
        self.found: list[str] = []

    def expect(self, case: Case, what: str, agrees: bool, audit: Audit) -> None:
        self.claims += 1
        if not agrees:
            said = [(it.kind.value, it.code, it.billed and it.billed.units, it.rules) for it in audit.lines]
            self.found.append(f"{case.file} {case.name}: {what}: {audit.verdict.value} {said}")

    def report(self, at_least: int) -> None:
        assert not self.found, f"{len(self.found)} of {self.claims}:\n" + "\n".join(self.found[:20])
        assert self.claims >= at_least, f"only {self.claims} claims were audited"


def only(audit: Audit, kind: Kind) -> LineVerdict | None:
    """The one disputed line, where it is of that kind."""
    disputed = audit.disputed
    return disputed[0] if len(disputed) == 1 and disputed[0].kind is kind else None


def alike(found: Determination, line: ClaimLine) -> list[ClaimLine]:
    return [it for it in found.claim if (it.code, it.modifiers) == (line.code, line.modifiers)]


def rules_behind(found: Determination, line: ClaimLine) -> set[str]:
    """The rules behind all units of a code with the same modifiers: they are one line of an audit."""
    return {rule for it in alike(found, line) for rule in it.rules}


def left_out(line: LineVerdict | None) -> set[str]:
    """The rules by which the policy leaves out what a line was billed for."""
    return {rule for it in (line.excluded if line else ()) for rule in it.rules}


def rules_of_code(code: str) -> set[str]:
    return set(POLICY.wordings[POLICY.codes[code]].references) if code in POLICY.codes else {"R91"}


@cache
def apart() -> frozenset[tuple[str, str]]:
    """The pairs of codes that the public pair file keeps apart and a modifier lets both be paid."""
    rows = csv.DictReader((ROOT / "asp/edits/ptp.csv").read_text("utf-8").splitlines())
    allowed = "Modifier 0=not allowed 1=allowed 9=not applicable"
    return frozenset((row["Column 1"], row["Column 2"]) for row in rows if row[allowed] == "1")


def rule_of_modifier(case: Case, found: Determination, line: ClaimLine, modifier: str) -> set[str]:
    """The rules that ask for a modifier on such a line: read from the policy and its list of national rules by hand."""
    if modifier != DISTINCT:
        return {VISIT: {"R91"}, DISCONTINUED: {"F42"}, REDUCED: {"F31"}}[modifier]
    asked: set[str] = set()
    if any((it.code, line.code) in apart() and it.date == line.date for it in found.claim):
        asked |= {"F9", "F24"}
    if line.role in INITIAL:
        before = case.encounter.earlier_visit
        others = [it for it in found.claim if it.code in RANKED and it is not line and it.site != line.site]
        others = [it for it in others if it.code != PUMP or case.readings.get("A87") == "B"]
        # of equals the first site leads, and the line that carries the modifier is not it
        second = any(RANKED.index(it.code) <= RANKED.index(line.code) for it in others)
        if second or (before is not None and before.initial_reported):
            asked |= {"R11"}
    return asked or {"R85"}


def changes(folder: str) -> Iterator[tuple[Case, Determination, int, ClaimLine]]:
    for case, found in determined(folder):
        for n, line in enumerate(found.claim):
            yield case, found, n, line


# --- the right claim


@pytest.mark.parametrize(("folder", "cases"), [("published", 53), ("law", 800), ("readings", 220)])
def test_the_right_claim_of_every_case_is_correct_and_each_line_cites_its_rules(folder: str, cases: int) -> None:
    notes = Notes()
    for case, found in determined(folder):
        split = [it.model_copy(update={"units": 1}) for it in billed(found.claim) for _ in range(it.units)]
        claims = {"as it is": billed(found.claim), "split and turned around": split[::-1]}
        for what, audit in zip(claims, audits(case, found, list(claims.values())), strict=True):
            right = audit.verdict is Verdict.CORRECT and not audit.over and not audit.under
            right = right and audit.way is not None and not audit.way.size
            right = right and all(line.kind is Kind.SUPPORTED for line in audit.lines)
            said = {(it.code, it.supported and it.supported.modifiers): set(it.rules) for it in audit.lines}
            right = right and said == {(it.code, it.modifiers): rules_behind(found, it) for it in found.claim}
            notes.expect(case, what, right, audit)
    notes.report(2 * cases)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_line_with_a_modifier_cites_the_rule_that_asks_for_it_and_a_line_without_does_not(folder: str) -> None:
    seen: dict[str, set[str]] = {}
    for case, found, _, line in changes(folder):
        asked = [rule_of_modifier(case, found, line, mark) for mark in line.modifiers]
        assert all(it <= set(line.rules) for it in asked), (case.file, case.name, line)
        told: dict[str, set[str]] = {}
        for it in line.marks:
            told.setdefault(it.modifier, set()).update(it.rules)
        assert told == dict(zip(line.modifiers, asked, strict=True)), (case.file, case.name, line)
        if not line.modifiers:
            assert not set(line.rules) & {"F9", "F24", "F31", "F42"} - rules_of_code(line.code), (
                case.file,
                case.name,
                line,
            )
        for mark, rules in told.items():
            seen.setdefault(mark, set()).update(rules)
    if folder == "law":
        assert seen == {DISTINCT: {"R11", "R85", "F9", "F24"}, VISIT: {"R91"}, DISCONTINUED: {"F42"}, REDUCED: {"F31"}}


# --- one change each


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_dropped_line_is_missing_with_the_rules_that_give_it(folder: str) -> None:
    notes = Notes()
    for case, found, n, line in changes(folder):
        [audit] = audits(case, found, [[it for m, it in enumerate(billed(found.claim)) if m != n]])
        several = len(alike(found, line)) > 1
        said = only(audit, Kind.TOO_FEW if several else Kind.MISSING)
        right = audit.verdict is Verdict.UNDERCODED and said is not None and said.under == line.units
        right = right and said is not None and said.code == line.code and set(said.rules) == rules_behind(found, line)
        notes.expect(case, f"without {line.code}", right and audit.under == {line.code: line.units}, audit)
    notes.report(100)


@pytest.mark.parametrize("folder", FOLDERS)
def test_units_changed_by_one_are_too_many_or_too_few(folder: str) -> None:
    notes = Notes()
    for case, found, n, line in changes(folder):
        for change, kind, verdict in ((1, Kind.TOO_MANY, Verdict.OVERCODED), (-1, Kind.TOO_FEW, Verdict.UNDERCODED)):
            if line.units + change < 1:
                continue
            claim = billed(found.claim)
            claim[n] = claim[n].model_copy(update={"units": line.units + change})
            [audit] = audits(case, found, [claim])
            said = only(audit, kind)
            rules = rules_behind(found, line) | left_out(said)
            right = audit.verdict is verdict and said is not None and set(said.rules) == rules
            right = right and (audit.over, audit.under) == (
                ({line.code: 1}, {}) if change > 0 else ({}, {line.code: 1})
            )
            notes.expect(case, f"{line.code} {change:+}", right, audit)
    notes.report(100)


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_added_line_is_unsupported_with_the_rule_it_would_need(folder: str) -> None:
    notes = Notes()
    for case, found in some(determined(folder), 4):
        codes = [code for code in CODES if code not in units(found.claim)]
        told = audits(case, found, [[*billed(found.claim), bill(code)] for code in codes])
        for code, audit in zip(codes, told, strict=True):
            unreached = [it for it in found.unreached if code in it.by_route]
            somewhere = {rule for it in (*found.excluded, *unreached) for rule in it.rules}
            said = only(audit, Kind.UNSUPPORTED)
            right = audit.verdict is Verdict.OVERCODED and said is not None and audit.over == {code: 1}
            left_out = {rule for it in found.excluded if it.code == code for rule in it.rules}
            right = right and said is not None and set(said.rules) >= (left_out | rules_of_code(code))
            # and no rule but these, those that leave out something that is kin to it, and those of an hour not reached
            right = right and said is not None and set(said.rules) <= (somewhere | rules_of_code(code))
            notes.expect(case, f"with {code}", right, audit)
    notes.report({"published": 500, "law": 7_500, "readings": 2_000}[folder])


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_line_under_a_sibling_code_is_the_wrong_code_for_the_same_service(folder: str) -> None:
    notes = Notes()
    kinship = auditor(())._kinship
    for case, found in some(determined(folder), 3):
        swapped = [
            (n, line, code)
            for n, line in enumerate(found.claim)
            for code in CODES
            if code not in units(found.claim)
            and kinship.distance(code, line.code) is not None
            # what the chart has and leaves out of the claim is what such a line was billed for
            and code not in {it.code for it in found.excluded}
        ]
        claims = []
        for n, line, code in swapped:
            claims.append(billed(found.claim))
            claims[-1][n] = bill(code, line.units)
        for (_, line, code), audit in zip(swapped, audits(case, found, claims), strict=True):
            said = only(audit, Kind.WRONG_CODE)
            right = audit.verdict is Verdict.BOTH and said is not None and said.code == code
            right = right and said is not None and said.supported is not None and said.supported.code == line.code
            right = right and (audit.over, audit.under) == ({code: line.units}, {line.code: line.units})
            # without a rule that leaves it out, what says no is the rule that would have had to apply
            rules = rules_behind(found, line) | rules_of_code(line.code) | (left_out(said) or rules_of_code(code))
            notes.expect(
                case, f"{code} for {line.code}", right and said is not None and set(said.rules) == rules, audit
            )
    notes.report({"published": 150, "law": 1_600, "readings": 600}[folder])


@pytest.mark.parametrize(("folder", "marks"), [("published", 3), ("law", 60), ("readings", 10)])
def test_a_removed_modifier_is_missing_with_the_rule_that_asks_for_it(folder: str, marks: int) -> None:
    notes = Notes()
    for case, found, n, line in changes(folder):
        for mark in line.modifiers:
            claim = billed(found.claim)
            claim[n] = claim[n].model_copy(update={"modifiers": tuple(it for it in line.modifiers if it != mark)})
            [audit] = audits(case, found, [claim])
            said = only(audit, Kind.MODIFIER_MISSING)
            right = said is not None and mark in said.message and not audit.over and not audit.under
            # without a modifier that says that not all was done, more is claimed than was done
            less = mark in {REDUCED, DISCONTINUED}
            right = right and audit.verdict is (Verdict.OVERCODED if less else Verdict.MODIFIERS)
            right = right and said is not None and set(said.rules) == rule_of_modifier(case, found, line, mark)
            notes.expect(case, f"{line.code} without {mark}", right, audit)
    notes.report(marks)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_modifier_too_many_is_wrong_with_the_rule_that_would_have_had_to_ask_for_it(folder: str) -> None:
    notes = Notes()
    for case, found, n, line in changes(folder):
        if line.modifiers or any(it.code == line.code and it.modifiers for it in found.claim):
            continue
        for given, mark in (("XU", DISTINCT), (DISCONTINUED, DISCONTINUED)):
            claim = billed(found.claim)
            claim[n] = claim[n].model_copy(update={"modifiers": (given,)})
            [audit] = audits(case, found, [claim])
            said = only(audit, Kind.MODIFIER_WRONG)
            less = mark in {REDUCED, DISCONTINUED}
            right = audit.verdict is (Verdict.UNDERCODED if less else Verdict.MODIFIERS)
            # where no rule asks for it on such a service, none of them does
            asked = {"F42"} if mark == DISCONTINUED else set()
            if mark == DISTINCT and line.role in {*INITIAL, "further_hour"}:
                asked |= {"R11"}
            if (
                mark == DISTINCT
                and line.code in CODES
                and any(code in CODES and line.code == other for code, other in apart())
            ):
                asked |= {"F9", "F24"}
            if mark == DISTINCT and line.role in INJECTIONS:
                asked |= {"R85"}
            asked = asked or {"F9", "F24", "R11", "R85"}
            right = right and said is not None and given in said.message and set(said.rules) == asked
            notes.expect(case, f"{line.code} with {given}", right, audit)
    notes.report(200)


# --- where the policy gives no claim


def test_where_the_policy_gives_no_claim_no_line_is_judged() -> None:
    notes = Notes()
    for folder in FOLDERS:
        for case, found in coded(folder):
            if found.status == "undetermined":
                [audit] = audits(case, found, [[bill("96365"), bill("96375")]])
                right = audit.verdict is Verdict.UNDETERMINED and not audit.over and not audit.under
                right = right and all(line.kind is Kind.NOT_JUDGED for line in audit.lines)
                notes.expect(case, "nothing follows", right, audit)
    notes.report(5)


# --- where the chart leads to several claims


def test_each_of_several_claims_is_right_under_what_leads_to_it() -> None:
    """Of charts that a question, a missing fact or equals leave open, under what is held by default."""
    notes = Notes()
    cases = [case for folder in FOLDERS for case, it in coded(folder) if not case.setting(POLICY)]
    charts = list(dict.fromkeys(case.encounter for case in cases))
    named = {case.encounter: case for case in cases}
    facts = [BASE.facts(it) for it in charts]
    for chart, one, answer in zip(charts, facts, BASE.engine.answer(facts), strict=True):
        found = BASE.determiner.determine(one, answer, {})
        case, rivals = named[chart], found.alternatives
        for rival, audit in zip(rivals, audits(case, found, [billed(it.lines) for it in rivals]), strict=True):
            verdict = Verdict.IF_DOCUMENTED if rival.given else Verdict.UNDER_READING
            way = audit.way
            right = audit.verdict is verdict and way is not None and not audit.over and not audit.under
            right = right and way is not None and way.readings == rival.readings and way.given == rival.given
            right = right and all(line.rules and not line.over for line in audit.lines)
            in_all = {(it.code, it.units) for it in found.claim}
            alone = {(it.code, it.billed and it.billed.units) for it in audit.lines if it.kind is Kind.SUPPORTED}
            notes.expect(
                case, f"under {rival.readings or rival.given or rival.initial}", right and alone <= in_all, audit
            )
    notes.report(80)


# --- lines of drugs


def test_the_lines_of_drugs_cite_their_rule_and_that_of_their_modifier() -> None:
    notes = Notes()
    on_drugs = {"JW": {"R93"}, "JZ": {"R93", "F39"}}
    seen: set[str] = set()
    for folder in FOLDERS:
        for case, found in determined(folder):
            lines = [bill(it.code, int(it.units), *it.modifiers) for it in found.drug_lines]
            if not lines or any(it.units != int(it.units) for it in found.drug_lines):
                continue
            claim = billed(found.claim)
            [audit] = audits(case, found, [[*claim, *lines]])
            right = audit.verdict is Verdict.CORRECT
            for it in (it for it in audit.lines if it.drug):
                marks = it.supported.modifiers if it.supported else ()
                seen.update(marks)
                right = right and set(it.rules) == {"R93"}.union(*(on_drugs[mark] for mark in marks))
            notes.expect(case, "with drugs", right, audit)
            for n, line in enumerate(lines):
                others = [it for m, it in enumerate(lines) if m != n]
                if others and not any(it.code == line.code for it in others):
                    [audit] = audits(case, found, [[*claim, *others]])
                    missing = only(audit, Kind.MISSING)
                    agrees = missing is not None and missing.code == line.code and "R93" in missing.rules
                    notes.expect(case, f"without {line.code}", agrees, audit)
                [audit] = audits(case, found, [[*claim, *others, line.model_copy(update={"units": line.units + 1})]])
                many = only(audit, Kind.TOO_MANY)
                notes.expect(case, f"{line.code} +1", many is not None and audit.over == {line.code: 1}, audit)
                if "JZ" in line.modifiers:
                    [audit] = audits(case, found, [[*claim, *others, bill(line.code, line.units)]])
                    bare = only(audit, Kind.MODIFIER_MISSING)
                    notes.expect(case, f"{line.code} bare", bare is not None and bare.rules == ("F39",), audit)
    notes.report(40)
    assert seen == {"JW", "JZ"}
