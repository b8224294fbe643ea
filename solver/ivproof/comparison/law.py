"""Two editions of a law side by side: the rules that only one of them has, by their ids.

>>> from ivproof.law.policy import Policy
>>> policy = Policy.load("out001")
>>> law_changes(policy, policy)
()
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from ivproof.formats.output import Called, Described
from ivproof.law.policy import Policy
from ivproof.law.syntax import Rule

ADDED, REMOVED, CHANGED, REWORDED = "added", "removed", "changed", "reworded"


@dataclass(frozen=True)
class RuleChange(Described):
    """A rule of the law that is not the same in two editions.

    `kind` is added, removed, changed, or reworded where only its citation or its sentence is another one. `before` and
    `after` have the clauses (of a reworded rule, citation and sentence) that only one edition has; `place` is where it
    stands, in the new law if it is there.
    """

    id: Annotated[str, Called("rule")]
    kind: str
    citation: str
    place: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def law_changes(old: Policy, new: Policy) -> tuple[RuleChange, ...]:
    """Compare two laws rule by rule, whatever file a rule stands in; the order is that of the new law.

    Raises LawError where one of them cannot be read.
    """
    before, after = _by_id(old.program.rules), _by_id(new.program.rules)
    found = []
    for name in dict.fromkeys((*after, *before)):
        were, are = before.get(name, []), after.get(name, [])
        only_old, only_new = _without(were, are), _without(are, were)
        first = (are or were)[0]
        citation = first.header.citation if first.header else ""
        if only_old or only_new:
            kind = CHANGED if were and are else ADDED if are else REMOVED
            found.append(RuleChange(name, kind, citation, first.place, only_old, only_new))
        elif (said := _said(were[0])) != (says := _said(first)):
            found.append(RuleChange(name, REWORDED, citation, first.place, (said,), (says,)))
    return tuple(found)


def _by_id(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.id or rule.place, []).append(rule)
    return found


def _without(rules: Iterable[Rule], others: Iterable[Rule]) -> tuple[str, ...]:
    """The clauses that the others lack, as they are written; how they are laid out is no difference."""
    left = Counter(map(str, others))
    found = []
    for rule in rules:
        if left[str(rule)]:
            left[str(rule)] -= 1
        else:
            found.append(rule.text)
    return tuple(found)


def _said(rule: Rule) -> str:
    return f"{rule.header.citation}: {rule.header.sentence}" if rule.header else ""
