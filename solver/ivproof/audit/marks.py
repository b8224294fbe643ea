"""Which rules of the law ask for a modifier, and which give the line of a drug, read from the rules themselves.

What a determination puts on a line comes with its reason. Here stands what could have put a modifier on a line that
does not carry it, and what is behind the lines of drugs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from ivproof.determination import Mark, sorted_rules
from ivproof.law.syntax import Literal, Rule
from ivproof.law.terms import Function, String, Term, Variable
from ivproof.policy import Policy

ASKED = "modifier"
"""The predicate that puts a modifier on a code: for what, which code, which modifier, why."""

DRUG = "drug_line"
"""The predicate of the line of a drug."""

ON_DRUGS = ("line_modifier", "discarded_line")
"""The predicates that put a modifier on the line of a drug; the modifier stands last."""


class Marks:
    """Tells which rules stand behind modifiers, by one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def asking(self, code: str, modifier: str) -> tuple[str, ...]:
        """The rules that ask for a modifier of the law on a code; where none speaks of that code, on any."""
        able = [rule for rule in self._asking if modifier in self._given(rule)]
        fits = {rule.id: self._fits(rule, code) for rule in able}
        # a rule that names the kind of service comes before one that would have it on any
        for wanted in ((True,), (None,), (False,)):
            if found := [rule for rule in able if fits[rule.id] in wanted]:
                return _references(found)
        return ()

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
            return {_text(term)}
        found: set[str] = set()
        for atom in _positive(rule):
            if term in atom.arguments and (rows := self._tables.get(atom.name)):
                place = atom.arguments.index(term)
                found |= {_text(row[place]) for row in rows if _agree(atom.arguments, row)}
        return found

    def _fits(self, rule: Rule, code: str) -> bool | None:
        """Whether a rule speaks of the role or class of a code; None where it speaks of neither."""
        entries = [row for row in self._tables.get("code", ()) if _text(row[2]) == code]
        roles, classes = {str(row[0]) for row in entries}, {str(row[1]) for row in entries}
        all_classes = {str(row[1]) for row in self._tables.get("code", ())}
        said: bool | None = None
        for atom in _positive(rule):
            if atom.name == "reported" and len(atom.arguments) > 1:
                wanted = self._roles(rule, atom.arguments[1])
                if wanted is not None:
                    said = said is not False and bool(wanted & roles)
            elif named := all_classes & {str(it) for it in atom.arguments[1:] if isinstance(it, Function)}:
                said = said is not False and bool(named & classes)
        return said

    def _roles(self, rule: Rule, role: Term) -> set[str] | None:
        """The roles that a rule asks for; None where any will do."""
        if not isinstance(role, Variable):
            return {str(role)}
        tables = [it for it in _positive(rule) if it.arguments == (role,) and it.name in self._tables]
        if not tables:
            return None
        return set.intersection(*({str(row[0]) for row in self._tables[it.name]} for it in tables))


def _positive(rule: Rule) -> Iterator[Function]:
    return (part.atom for part in rule.body if isinstance(part, Literal) and not part.negated)


def _agree(pattern: Sequence[Term], row: Sequence[Term]) -> bool:
    return all(isinstance(one, Variable) or one == other for one, other in zip(pattern, row, strict=True))


def _last(rule: Rule) -> str:
    return _text(rule.atom.arguments[-1])


def _text(term: Term) -> str:
    return term.value if isinstance(term, String) else str(term)


def _references(rules: Iterable[Rule]) -> tuple[str, ...]:
    return sorted_rules(number for rule in rules if rule.header for number in rule.header.references)
