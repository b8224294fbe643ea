"""Judges worked cases by a policy; the cases with one setting of the questions are answered together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ivproof.cases.files import Case, Setting
from ivproof.cases.judging import departures
from ivproof.coding import TOGETHER, Coder
from ivproof.determination import Determination
from ivproof.facts import Facts
from ivproof.grounding import derive


@dataclass(frozen=True)
class Judged:
    """A case with what its determination says otherwise; nothing where it is as expected."""

    case: Case
    departures: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give what came of the case as plain data."""
        return {
            "case": self.case.name,
            "file": self.case.file,
            "line": self.case.line,
            "departures": list(self.departures),
        }


def judge(base: Coder, cases: Sequence[Case]) -> Iterator[Judged]:
    """Judge cases by the policy of a coder, whatever that coder has set; they come by setting and not in their order.

    Raises PolicyError where a case sets what the policy does not have.
    """
    for case, coder, found in determine(base, cases):
        told = departures(case, found)
        if "raises" in case.expect:
            told += _raised_otherwise(coder, case)
        yield Judged(case, tuple(told))


def determine(base: Coder, cases: Sequence[Case]) -> Iterator[tuple[Case, Coder, Determination]]:
    """Determine each case under its readings, those with one setting together; `base` lends its tables."""
    settings: dict[Setting, list[Case]] = {}
    for case in cases:
        settings.setdefault(case.setting(base.policy), []).append(case)
    for setting, alike in settings.items():
        coder = base.under(dict(setting))
        for start in range(0, len(alike), TOGETHER):
            some = alike[start : start + TOGETHER]
            for case, found in zip(some, coder.code([it.encounter for it in some]), strict=True):
                yield case, coder, found


def _raised_otherwise(coder: Coder, case: Case) -> list[str]:
    rules = [rule.text for rule in coder.policy.batch_rules(coder.determiner.settings)]
    [found] = raised(rules, [coder.facts(case.encounter)])
    wanted = set(case.expect["raises"])
    return [] if found == wanted else [f"raises: found {sorted(found)}, expected {sorted(wanted)}"]


def raised(rules: Iterable[str], charts: Sequence[Facts]) -> list[set[str]]:
    """Give the open questions that each chart raises by rules for many charts; nothing need be solved to know them."""
    shared = dict.fromkeys(fact for facts in charts for fact in facts.shared)
    own = (facts.batch_text(f"e{n}") for n, facts in enumerate(charts))
    found = derive("\n".join([*rules, *(f"{fact}." for fact in shared), *own]), {"raised": 2})
    return [{it.upper() for it in found.get(f"e{n}", {}).get("raised", ())} for n in range(len(charts))]
