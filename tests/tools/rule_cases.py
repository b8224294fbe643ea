"""Finds for each rule of the law a case in whose record it founds a step, and keeps a list of such cases.

``python tests/tools/rule_cases.py`` adds cases for the rules that the list lacks; with ``--anew`` it goes through all
cases again (some minutes). The list has a line for each case, its file and its name: few cases that have all rules
between them. A test tells a step of each rule in them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from copy import copy
from pathlib import Path

import case_files
from case_files import Case, Setting

from ivproof.law.policy import Policy
from ivproof.law.syntax import Program
from ivproof.why.derivation import Derivation
from ivproof.why.record import Recorder, relevant
from ivproof.why.why import Explainer

LIST = Path(__file__).resolve().parents[1] / "cases" / "rules-explained.txt"


def expected(policy: Policy) -> set[str]:
    """The rules that can found a step of a claim: all with a condition, but for those that only raise questions.

    A rule that a reading turns into a fact of the law is among them: it is told as a table.
    """
    rules = policy.program.rules
    answered = Program(tuple(rule for rule in rules if rule.atom.name != "reading"))
    return {rule.id for rule in relevant(answered.rules) if not rule.is_fact}


def all_cases() -> list[Case]:
    """Every case that there is."""
    return [*case_files.worked("law"), *case_files.options(), *case_files.worked("published")]


def name(case: Case) -> str:
    """How a case stands in the list."""
    return f"{case.file}\t{case.name}"


def listed(policy: Policy) -> list[Case]:
    """The cases of the list that there are, those of one setting of the readings together."""
    lines = set(LIST.read_text("utf-8").splitlines())
    return sorted((it for it in all_cases() if name(it) in lines), key=lambda it: str(it.setting(policy)))


class Explainers:
    """Gives an explainer for each setting of the readings; all share what is the same for all, and one is kept."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._base = Explainer(policy)
        self._last: tuple[Setting, Explainer] = ((), self._base)

    def of(self, case: Case) -> Explainer:
        """The explainer for a case."""
        setting = case.setting(self.policy)
        if self._last[0] != setting:
            explainer = copy(self._base)
            explainer.coder = case_files.coder(self._base.coder, setting)
            explainer.recorder = Recorder(self.policy, dict(setting))
            self._last = (setting, explainer)
        return self._last[1]


def founding(derivation: Derivation) -> Iterator[tuple[str, str]]:
    """The rules that found an atom first of all, each with that atom; and the tables that a reading makes."""
    for head in derivation.ways:
        reasons = derivation.reasons(head)
        if reasons:
            yield reasons[0].rule.id, head
    for head, instance in derivation.tables.items():
        if instance.rule.settled:
            yield instance.rule.id, head


def had(explainers: Explainers, cases: Iterable[Case], wanted: Set[str]) -> Iterator[tuple[str, set[str]]]:
    """Give the name of each case with the wanted rules that it has."""
    for case in cases:
        answered = explainers.of(case).case(case.encounter)
        derivations = map(answered.derivation, answered.alternatives)
        yield name(case), {rule for it in derivations for rule, _ in founding(it)} & wanted


def fewest(found: Mapping[str, set[str]]) -> Iterator[str]:
    """Few cases that have all rules between them: again and again the one with most rules that are still lacking."""
    lacking = set().union(*found.values())
    while lacking:
        best = max(found, key=lambda it: (len(found[it] & lacking), it))
        lacking -= found[best]
        yield best


def write(*, anew: bool) -> None:
    """Write the list: with cases for the rules that it lacks; or, `anew`, from all cases."""
    policy = Policy.load("out001")
    wanted = expected(policy)
    kept = [] if anew else listed(policy)
    names = {name(it) for it in kept}
    explainers = Explainers(policy)
    found = dict(had(explainers, kept, wanted))
    for case in (it for it in all_cases() if name(it) not in names):
        if wanted <= set().union(*found.values()):
            break
        found.update(had(explainers, [case], wanted))
    taken = sorted(fewest(found))
    LIST.write_text("".join(f"{line}\n" for line in taken), "utf-8")
    print(f"{len(taken)} cases; without one: {', '.join(sorted(wanted - set().union(*found.values()))) or 'none'}")


if __name__ == "__main__":
    write(anew="--anew" in sys.argv[1:])
