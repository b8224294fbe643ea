"""The predicates of a law: what defines them, and what Python writes and reads. The table stands in ``asp/README.md``.

``python -m ivproof.checks.predicates`` prints the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ivproof.checks.lint import READ_BY_PEOPLE
from ivproof.engine.choices import CHOICES
from ivproof.engine.engine import SHOWN
from ivproof.law import dependencies
from ivproof.law.lifting import DRUG_PREDICATES
from ivproof.law.policy import Policy
from ivproof.law.terms import Signature

CHART = "the chart"
DRUG_LIST = "the drug list"
QUESTIONS_OPEN = {("open", 1)}
"""The input that the engine gives: which questions are held open."""

_FOR_POLICY = {("code", 3), ("threshold", 2), ("hour_mark", 2)}
"""Tables of the law that ``policy.py`` reads: the order of the codes, and lengths of time worth trying."""

_MEANING = re.compile(r"^% input (\w+)/(\d+): (.*(?:\n%   .*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Predicate:
    """A predicate: the files that define it, the Python that writes or reads it, and, of inputs, what it means."""

    name: str
    arity: int
    defined_in: tuple[str, ...]
    python: tuple[str, ...]
    meaning: str = ""


def predicates(policy: Policy) -> list[Predicate]:
    """Give the predicates of a policy: the inputs as the vocabulary has them, then what its rules define, by name.

    Raises LawError where the law cannot be read.
    """
    meanings = meanings_of(policy)
    inputs = [
        Predicate(name, arity, (_source((name, arity)),), _writers((name, arity)), meaning)
        for (name, arity), meaning in meanings.items()
    ]
    defined = [
        Predicate(signature[0], signature[1], tuple(dict.fromkeys(rule.file for rule in rules)), _readers(signature))
        for signature, rules in sorted(dependencies.defined(policy.program).items())
        if signature not in meanings
    ]
    return inputs + defined


def meanings_of(policy: Policy) -> dict[Signature, str]:
    """Give what the vocabulary says of each input, in its order."""
    found: dict[Signature, str] = {}
    for name, text in policy.texts.items():
        if name.endswith("vocabulary.lp"):
            for match in _MEANING.finditer(text):
                found[match[1], int(match[2])] = re.sub(r"\n% +", " ", match[3])
    return found


def markdown(policy: Policy) -> str:
    """Give the predicates as the table of the README."""
    lines = ["| predicate | arity | defined in | Python |", "|---|---|---|---|"]
    for it in predicates(policy):
        places = ", ".join(it.defined_in)
        lines.append(f"| `{it.name}` | {it.arity} | {places} | {', '.join(f'`{name}`' for name in it.python)} |")
    return "\n".join(lines) + "\n"


def _source(signature: Signature) -> str:
    if signature in QUESTIONS_OPEN or signature == ("reading", 2):
        return "the setting of the questions"
    return DRUG_LIST if signature in DRUG_PREDICATES else CHART


def _writers(signature: Signature) -> tuple[str, ...]:
    if signature in QUESTIONS_OPEN:
        return ("engine.py",)
    return ("policy.py",) if signature == ("reading", 2) else ("facts.py",)


def _readers(signature: Signature) -> tuple[str, ...]:
    name, arity = signature
    found = []
    if signature in READ_BY_PEOPLE | _FOR_POLICY:
        found.append("policy.py")
    if CHOICES.get(name) == arity + 1:
        found.append("engine.py")
    if SHOWN.get(name) == arity:
        found.append("determination.py")
    return tuple(found)


if __name__ == "__main__":
    print(markdown(Policy.load("out001")), end="")
