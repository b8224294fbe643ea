"""The questions in a law: which rules put them, and which rules ask for each option."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ivproof.law import clockwork
from ivproof.law.syntax import Program, Rule


def is_question(rules: Sequence[Rule]) -> bool:
    """Whether the rules under one header put a question: its sentence is a title, and it cites no sections."""
    return any(rule.atom.signature == ("question", 3) for rule in rules)


def read_options(program: Program) -> dict[tuple[str, str], tuple[Rule, ...]]:
    """Give the rules that ask for each option, by question and option."""
    found: dict[tuple[str, str], list[Rule]] = {}
    for rule, key, name in asked_options(program):
        rules = found.setdefault((key, name), [])
        if rule not in rules:
            rules.append(rule)
    return {option: tuple(rules) for option, rules in found.items()}


def asked_options(program: Program) -> Iterator[tuple[Rule, str, str]]:
    """Give each literal that asks for an option: its rule, the question and the option."""
    for rule in program.rules:
        for literal in clockwork.literals(rule):
            if literal.atom.signature == ("reading", 2):
                key, name = literal.atom.arguments
                yield rule, str(key), str(name)
