"""Where the law parts from what a case expects, as far as that can be told: the rule at which it does.

Of a changed copy of a published edition it is the first changed rule behind another claim, where the edition gives
another one. Else it is, of a code with too many units, the rules that these rest on, and of one with too few the rules
that could have given it, each with what fails there.
"""

from __future__ import annotations

from collections.abc import Iterator

from ivproof.cases.files import Case
from ivproof.cases.judging import units
from ivproof.chart.bounds import TooManyWaysError
from ivproof.claim.coding import Coder
from ivproof.comparison.charts import CLAIM, Comparing
from ivproof.comparison.law import law_changes
from ivproof.law.policy import Policy, PolicyError, policies
from ivproof.recheck.budget import LimitError
from ivproof.why.attempts import tries
from ivproof.why.why import Explainer

FEW = 3
"""So many rules that could have given a code are named; `ivproof whynot` has all."""


def parting(policy: Policy, case: Case) -> list[str]:
    """Give lines that say at which rules the law parts from the claim that a case expects; empty where none is known.

    It is asked of a case that is not as expected: both ways code its chart again.
    """
    try:
        return list(_changed(policy, case)) or list(_codes(policy, case))
    except (LimitError, TooManyWaysError):
        return []  # that the case departs stands without it


def _changed(policy: Policy, case: Case) -> Iterator[str]:
    """The first changed rule behind another claim than that of the edition that was copied."""
    if policy.standing != "changed" or policy.id not in policies():
        return
    edition = Policy.load(policy.id)
    if edition.edition != policy.edition:
        return
    try:
        edition.settings(case.readings)
    except PolicyError:
        return  # a question that only the changed copy has
    [found] = Comparing(policy)(edition, case.readings).code([case.encounter], "none")
    if found.kind != CLAIM or not found.because:
        return
    yield f"other than by {edition.told}: {'; '.join(found.differences)}"
    first = next(it for it in law_changes(edition, policy) if it.id in found.because)
    yield f"first changed rule behind it: {first.id}, {first.citation}, {first.place}"
    yield from (f"  - {it}" for it in first.before)
    yield from (f"  + {it}" for it in first.after)


def _codes(policy: Policy, case: Case) -> Iterator[str]:
    """Of each code with other units than are expected the rules behind it, or what keeps it from the claim."""
    expected = case.expect.get("claim")
    if expected is None:
        return
    [found] = Coder(policy, case.readings).code([case.encounter], changes=False)
    held = units(found.claim)
    if held == expected:
        return
    asked = Explainer(policy, case.readings).case(case.encounter)
    for code in sorted(set(held) | set(expected)):
        if held.get(code, 0) > expected.get(code, 0) and not (case.expect.get("partial") and code not in expected):
            rules = dict.fromkeys(rule for line in found.claim if line.code == code for rule in line.rules)
            yield f"{code} ×{held[code]} rests on {', '.join(rules)}"
        elif held.get(code, 0) < expected.get(code, 0) and code in policy.codes:
            teller = asked.teller(asked.derivation(asked.alternatives[0]))
            # what fails by itself stands last: before it, the steps that need it
            attempts = sorted(tries(teller, code, None), key=lambda it: it.left_out)
            for it in attempts[:FEW]:
                why = f": {it.obstacles[-1].text}" if it.obstacles else ""
                end = "leaves it out" if it.left_out else "does not give it"
                yield f"{code}: {it.rule}, {it.citation}, {end}{why}"
