"""Which rules of the law ask for a modifier, and which give the line of a drug, read from the rules themselves.

What a determination puts on a line comes with its reason. Here stands what could have put a modifier on a line that
does not carry it, and what is behind the lines of drugs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

from ivproof.claim.determination import Mark, sorted_rules
from ivproof.law.policy import Policy
from ivproof.law.syntax import Literal, Rule
from ivproof.law.terms import Function, Term, Variable, text_of

ASKED = "modifier"
"""The predicate that puts a modifier on a code: for what, which code, which modifier, why."""

DRUG = "drug_line"
"""The predicate of the line of a drug."""

LINES = {"reported": 2, "line_on": 3}
"""The predicates of what is reported: what for, in which role and, up to that place, of which class."""

ON_DRUGS = ("line_modifier", "discarded_line")
"""The predicates that put a modifier on the line of a drug; the modifier stands last."""


class Marks:
    """Tells which rules stand behind modifiers, by one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._told: dict[tuple[str, str], tuple[str, ...]] = {}

    def asking(self, code: str, modifier: str) -> tuple[str, ...]:
        """The rules that ask for a modifier of the law on a code; where none speaks of that code, on any."""
        if (code, modifier) not in self._told:
            able = [rule for rule in self._asking if modifier in self._given(rule)]
            self._told[code, modifier] = _references([it for it in able if self._speaks_of(it, code)] or able)
        return self._told[code, modifier]

    def of_drug(self, modifiers: Iterable[str]) -> tuple[str, ...]:
        """The rules behind the line of a drug that carries these modifiers."""
        wanted = set(modifiers)
        return _references([*self._lines, *(rule for rule in self._on_drugs if _last(rule) in wanted)])

    def on_drug(self, modifier: str, administrations: Sequence[str]) -> tuple[Mark, ...]:
        """Why the line of a drug carries a modifier."""
        found = []
        for rule in self._on_drugs:
            wording = self._policy.wordings.get(rule.id)
            if _last(rule) == modifier and wording is not None:
                who = " and ".join(administrations)
                sentence = wording.sentence.replace("{" + wording.variable + "}", who)
                found.append(Mark(modifier, sentence, sorted_rules(wording.references)))
        return tuple(found)

    # --- the rules

    @cached_property
    def _asking(self) -> list[Rule]:
        return [it for it in self._policy.program.rules if it.atom.name == ASKED and len(it.atom.arguments) > 2]

    @cached_property
    def _lines(self) -> list[Rule]:
        return [it for it in self._policy.program.rules if it.atom.name == DRUG]

    @cached_property
    def _on_drugs(self) -> list[Rule]:
        return [it for it in self._policy.program.rules if it.atom.name in ON_DRUGS]

    @cached_property
    def _tables(self) -> dict[str, list[tuple[Term, ...]]]:
        """The facts of the law by predicate."""
        found: dict[str, list[tuple[Term, ...]]] = {}
        for rule in self._policy.program.rules:
            if rule.is_fact:
                found.setdefault(rule.atom.name, []).append(rule.atom.arguments)
        return found

    def _given(self, rule: Rule) -> set[str]:
        """The modifiers that a rule can give: the one it prints, or those of the table that it takes it from."""
        term = rule.atom.arguments[2]
        if not isinstance(term, Variable):
            return {text_of(term)}
        found: set[str] = set()
        for atom in _positive(rule):
            if term in atom.arguments and (rows := self._tables.get(atom.name)):
                place = atom.arguments.index(term)
                found |= {text_of(row[place]) for row in rows if _agree(atom.arguments, row)}
        return found

    def _speaks_of(self, rule: Rule, code: str) -> bool:
        """Whether a rule is about services in the role of a code, and of no other class than the code's."""
        entries = [row for row in self._tables.get("code", ()) if text_of(row[2]) == code]
        kinds = {(str(row[0]), str(row[1])) for row in entries}
        roles, classes = {role for role, _ in kinds}, {of for _, of in kinds}
        foreign = {str(row[1]) for row in self._tables.get("code", ())} - classes
        named = {str(it) for atom in _positive(rule) for it in atom.arguments[1:] if isinstance(it, Function)}
        return not named & foreign and any(wanted & roles for wanted in self._roles(rule, kinds))

    def _roles(self, rule: Rule, kinds: Collection[tuple[str, str]]) -> Iterator[set[str]]:
        """The roles that parts of a rule speak of: by name, by a table, or as what they are earned by.

        `kinds` are the roles of a code, each with its class: a table may name a role in one class only.
        """
        subject = rule.atom.arguments[0]
        for atom in _positive(rule):
            if atom.name in LINES and atom.arguments[:1] == (subject,):
                role, *of = atom.arguments[1 : LINES[atom.name]]
                if not isinstance(role, Variable):
                    yield {str(role)}
                for table in _positive(rule):
                    if role in table.arguments and table.name in self._tables:
                        places = [table.arguments.index(it) for it in (role, *of) if it in table.arguments]
                        told = {tuple(str(row[n]) for n in places) for row in self._tables[table.name]}
                        yield {kind[0] for kind in kinds if kind[: len(places)] in told}
            elif atom.arguments[:1] == (subject,):
                yield {
                    str(earned.atom.arguments[1])
                    for earned in self._earning
                    for it in _positive(earned)
                    if it.signature == atom.signature and it.arguments[:1] == earned.atom.arguments[:1]
                }

    @cached_property
    def _earning(self) -> list[Rule]:
        return [it for it in self._policy.program.rules if it.atom.name == "earns"]


def _positive(rule: Rule) -> Iterator[Function]:
    return (part.atom for part in rule.body if isinstance(part, Literal) and not part.negated)


def _agree(pattern: Sequence[Term], row: Sequence[Term]) -> bool:
    return all(isinstance(one, Variable) or one == other for one, other in zip(pattern, row, strict=True))


def _last(rule: Rule) -> str:
    return text_of(rule.atom.arguments[-1])


def _references(rules: Iterable[Rule]) -> tuple[str, ...]:
    return sorted_rules(number for rule in rules if rule.header for number in rule.header.references)
