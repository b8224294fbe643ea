"""Audits of changed claims: every case's right claim is right, and each change of it gets the verdict of that change.

Each case is coded once; thousands of billed claims are then held against the one determination.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import pytest
from case_files import Case, Setting, coder, options, units, worked

from ivproof.audit.auditor import Auditor
from ivproof.audit.model import Audit, Kind, LineVerdict, Verdict
from ivproof.coding import Coder
from ivproof.determination import ClaimLine, Determination
from ivproof.encounter import BilledLine
from ivproof.engine import Answer
from ivproof.policy import Policy

POLICY = Policy.load("out001")
BASE = Coder(POLICY)
FOLDERS = ("published", "law", "readings")


@cache
def auditor(setting: Setting) -> Auditor:
    """An auditor for one setting of the questions, without a search."""
    return Auditor(POLICY, dict(setting), coder=coder(BASE, setting), search=False)


@cache
def coded(folder: str) -> list[tuple[Case, Determination]]:
    """The cases of a folder for which the policy has a claim, each with what follows.

    Of the law's, those that set no reading: each setting takes an engine of its own, and `readings` has all of them.
    """
    cases = options() if folder == "readings" else worked(folder)
    cases = [case for case in cases if folder != "law" or not case.setting(POLICY)]
    settings: dict[Setting, list[Case]] = {}
    for case in cases:
        settings.setdefault(case.setting(POLICY), []).append(case)
    found = []
    for setting, alike in settings.items():
        by = auditor(setting).coder
        charts = [by.facts(case.encounter) for case in alike]
        # the first option of what is open, and not whether a missing fact would change anything: that takes most of
        # the time, and is asked for a search only
        for case, facts, atoms in zip(alike, charts, by.engine.plain(charts), strict=True):
            found.append((case, by.determiner.determine(facts, Answer(atoms), {})))
    return [(case, it) for case, it in found if it.status == "determined"]


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


def rules_of_code(code: str) -> set[str]:
    return set(POLICY.wordings[POLICY.codes[code]].references) if code in POLICY.codes else {"R91"}


def changes(folder: str) -> Iterator[tuple[Case, Determination, int, ClaimLine]]:
    for case, found in coded(folder):
        for n, line in enumerate(found.claim):
            yield case, found, n, line


# --- the right claim


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_right_claim_of_every_case_is_correct(folder: str) -> None:
    notes = Notes()
    for case, found in coded(folder):
        split = [it.model_copy(update={"units": 1}) for it in billed(found.claim) for _ in range(it.units)]
        for what, claim in (("as it is", billed(found.claim)), ("split and turned around", split[::-1])):
            [audit] = audits(case, found, [claim])
            right = audit.verdict is Verdict.CORRECT and not audit.over and not audit.under
            right = right and all(line.kind is Kind.SUPPORTED and line.rules for line in audit.lines)
            right = right and audit.way is not None and not audit.way.size
            notes.expect(case, what, right, audit)
    notes.report(100)


# --- one change each


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_dropped_line_is_missing_with_the_rules_that_give_it(folder: str) -> None:
    notes = Notes()
    for case, found, n, line in changes(folder):
        [audit] = audits(case, found, [[it for m, it in enumerate(billed(found.claim)) if m != n]])
        several = len(alike(found, line)) > 1
        said = only(audit, Kind.TOO_FEW if several else Kind.MISSING)
        right = audit.verdict is Verdict.UNDERCODED and said is not None and said.under == line.units
        right = right and said is not None and said.code == line.code and set(said.rules) >= set(line.rules)
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
            right = audit.verdict is verdict and said is not None and set(said.rules) >= set(line.rules)
            right = right and (audit.over, audit.under) == (
                ({line.code: 1}, {}) if change > 0 else ({}, {line.code: 1})
            )
            notes.expect(case, f"{line.code} {change:+}", right, audit)
    notes.report(100)


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_added_line_is_unsupported_with_the_rule_it_would_need(folder: str) -> None:
    notes = Notes()
    for case, found in coded(folder):
        for code in list(POLICY.codes)[:: 3 if folder == "published" else 9]:
            if code in units(found.claim):
                continue
            [audit] = audits(case, found, [[*billed(found.claim), bill(code)]])
            said = only(audit, Kind.UNSUPPORTED)
            right = audit.verdict is Verdict.OVERCODED and said is not None and audit.over == {code: 1}
            left_out = {rule for it in found.excluded if it.code == code for rule in it.rules}
            right = right and said is not None and set(said.rules) >= (left_out | rules_of_code(code))
            notes.expect(case, f"with {code}", right, audit)
    notes.report(500)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_line_under_a_sibling_code_is_the_wrong_code_for_the_same_service(folder: str) -> None:
    notes = Notes()
    kinship = auditor(())._kinship
    for case, found, n, line in changes(folder):
        kin = [
            it for it in POLICY.codes if it not in units(found.claim) and kinship.distance(it, line.code) is not None
        ]
        for code in kin[:: 2 if folder == "published" else 5]:
            claim = billed(found.claim)
            claim[n] = bill(code, line.units)
            [audit] = audits(case, found, [claim])
            said = only(audit, Kind.WRONG_CODE)
            right = audit.verdict is Verdict.BOTH and said is not None and said.code == code
            right = right and said is not None and said.supported is not None and said.supported.code == line.code
            right = right and (audit.over, audit.under) == ({code: line.units}, {line.code: line.units})
            right = right and said is not None and set(said.rules) >= rules_of_code(line.code)
            notes.expect(case, f"{code} for {line.code}", right, audit)
    notes.report(100)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_removed_modifier_is_missing_with_the_rule_that_asks_for_it(folder: str) -> None:
    notes = Notes()
    for case, found, n, line in changes(folder):
        for mark in line.modifiers:
            claim = billed(found.claim)
            claim[n] = claim[n].model_copy(update={"modifiers": tuple(it for it in line.modifiers if it != mark)})
            [audit] = audits(case, found, [claim])
            said = only(audit, Kind.MODIFIER_MISSING)
            right = said is not None and mark in said.message and not audit.over and not audit.under
            # without a modifier that says that not all was done, more is claimed than was done
            less = mark in {"52", "53"}
            right = right and audit.verdict is (Verdict.OVERCODED if less else Verdict.UNDERCODED)
            asking = {id_ for id_ in POLICY.wordings if id_.startswith("modifier-")}
            rules = [set(POLICY.wordings[it].references) for it in asking]
            right = right and said is not None and any(set(said.rules) == it for it in rules)
            notes.expect(case, f"{line.code} without {mark}", right, audit)
    notes.report(3)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_modifier_too_many_is_wrong(folder: str) -> None:
    notes = Notes()
    for case, found, n, line in changes(folder):
        if line.modifiers or any(it.code == line.code and it.modifiers for it in found.claim):
            continue
        claim = billed(found.claim)
        claim[n] = claim[n].model_copy(update={"modifiers": ("XU",)})
        [audit] = audits(case, found, [claim])
        said = only(audit, Kind.MODIFIER_WRONG)
        right = audit.verdict is Verdict.OVERCODED and said is not None and "XU" in said.message
        notes.expect(case, f"{line.code} with XU", right, audit)
    notes.report(100)
