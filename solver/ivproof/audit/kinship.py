"""Which codes are called by another for the same service, as the law's own tables have it.

Two codes are kin where the law's table of codes gives them to one role or to one class of service, or where a table of
roles (such as those of an initial service) has the roles of both; visits are kin of visits, and codes of one drug of
each other. The nearer, the likelier that the one was billed for the other. No code stands here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from ivproof.audit.marks import Marks
from ivproof.drugs.listing import DrugList
from ivproof.edits.tables import EditTables
from ivproof.law.policy import Policy
from ivproof.law.terms import Variable, text_of

SAME_TECHNIQUE = 1
"""Two roles that the law names alike: a first push and a further push. Which is which is the hierarchy's judgement."""

OTHER_CLASS = 2
"""What another class adds: the class of a drug is a fact that a biller seldom mistakes for another."""

SAME_TABLE = 3
"""Two roles that one table of the law has: two kinds of initial service. How a drug was given is a fact, too."""

SAME_CLASS = 4
"""Two roles of one class: a first hour and a further hour."""

OF_ONE_DRUG = 1
"""Two codes of one drug, or of visits."""

DISTINCT = "distinct"
"""What the law calls the modifier that sets a service apart; others of the edit tables may say the same."""

LESSENING = frozenset({"reduced", "discontinued"})
"""What the law calls the modifiers of a code of which not all was done: without them more is billed, not less."""


_MODIFIER = {"modifier": 2, "line_modifier": 1, "discarded_line": 3}
"""Where the modifier stands in what puts one on a line."""


class Kinship:
    """Tells how near two codes are, which codes and modifiers are judged at all, and what a modifier says."""

    def __init__(self, policy: Policy, tables: EditTables, drugs: DrugList) -> None:
        self._policy = policy
        self._tables = tables
        self._drugs = drugs
        self.marks = Marks(policy)

    def is_drug(self, code: str) -> bool:
        """Tell whether a code is that of a drug on the drug list."""
        return bool(self._drugs.of_code(code))

    def drugs(self, code: str) -> frozenset[str]:
        """The drugs (by key) that a code stands for."""
        return frozenset(it.key for it in self._drugs.of_code(code))

    def is_judged(self, code: str) -> bool:
        """Tell whether the policy or the claim edits have anything to say of a code that is no drug's."""
        return code in self._policy.codes or self._tables.is_visit(code) or code in self._tables.administrations

    def distance(self, one: str, other: str) -> int | None:
        """How near two different codes are: one of the numbers above, or None where they are no kin."""
        if self._tables.is_visit(one) and self._tables.is_visit(other):
            return OF_ONE_DRUG
        if self.drugs(one) & self.drugs(other):
            return OF_ONE_DRUG
        entries, others = self._entries.get(one, ()), self._entries.get(other, ())
        near = [
            near
            for role, of_class in entries
            for role_of_other, class_of_other in others
            if (near := self._near(role, of_class, role_of_other, class_of_other)) is not None
        ]
        return min(near, default=None)

    def _near(self, role: str, of_class: str, role_of_other: str, class_of_other: str) -> int | None:
        apart = OTHER_CLASS if of_class != class_of_other else 0
        if role == role_of_other:
            return apart
        if _last_word(role) == _last_word(role_of_other):
            return apart + SAME_TECHNIQUE
        if any(role in table and role_of_other in table for table in self._tables_of_roles):
            return apart + SAME_TABLE
        return None if apart else SAME_CLASS

    @cached_property
    def _entries(self) -> dict[str, list[tuple[str, str]]]:
        """The roles and classes of each code."""
        found: dict[str, list[tuple[str, str]]] = {}
        for rule in self._policy.program.rules:
            if rule.is_fact and rule.atom.signature == ("code", 3):
                role, of_class, code = rule.atom.arguments
                found.setdefault(text_of(code), []).append((str(role), str(of_class)))
        return found

    def rows(self, code: str) -> tuple[str, ...]:
        """The rows of the law's table of codes that have a code, as atoms."""
        return tuple(f'code({role},{of_class},"{code}")' for role, of_class in self._entries.get(code, ()))

    @cached_property
    def _tables_of_roles(self) -> list[set[str]]:
        """Tables of the law that list roles, and nothing else."""
        roles = {role for entries in self._entries.values() for role, _ in entries}
        found: dict[str, set[str]] = {}
        for rule in self._policy.program.rules:
            if rule.is_fact and len(rule.atom.arguments) == 1:
                found.setdefault(rule.atom.name, set()).add(str(rule.atom.arguments[0]))
        return [members for members in found.values() if members <= roles]

    def is_visit(self, code: str) -> bool:
        """Tell whether a code is that of a visit."""
        return self._tables.is_visit(code)

    # --- modifiers

    @cached_property
    def _modifiers(self) -> dict[str, str]:
        """The modifiers that the law can put on a line; each with its name in the law, where it has one."""
        found: dict[str, str] = {}
        for rule in self._policy.program.rules:
            name, arguments = rule.atom.name, rule.atom.arguments
            if name == "modifier_code":
                found[text_of(arguments[1])] = str(arguments[0])
            elif (place := _MODIFIER.get(name)) is not None and not isinstance(arguments[place], Variable):
                found.setdefault(text_of(arguments[place]), "")
        return found

    @cached_property
    def _distinct(self) -> str | None:
        return next((code for code, name in self._modifiers.items() if name == DISTINCT), None)

    def says(self, modifier: str) -> str | None:
        """The modifier of the law that says the same; None where the law knows none."""
        if modifier in self._modifiers:
            return modifier
        if self._distinct is not None and self._tables.open_alike(modifier, self._distinct):
            return self._distinct
        return None

    def known(self, modifiers: Iterable[str]) -> tuple[str, ...]:
        """What modifiers say that the law knows, sorted."""
        return tuple(sorted({said for it in modifiers if (said := self.says(it)) is not None}))

    def lessens(self, modifier: str) -> bool:
        """Tell whether a line with the modifier claims less than without it."""
        return self._modifiers.get(modifier) in LESSENING


def _last_word(role: str) -> str:
    """What a role is a kind of, by its name in the law: of ``further_push`` it is a push."""
    return role.rpartition("_")[2]
