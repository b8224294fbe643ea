"""Why two laws give different claims: the changed rules at which the two derivations part.

A unit that only one law gives is followed down, through what holds under that law and not under the other. Where a
condition says *not*, it goes on with what holds under the other law. It ends at rules that only one of the laws has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from ivproof.law.syntax import Program
from ivproof.law.trace import Instance
from ivproof.why.derivation import Derivation

SENT = ("unit", "modifier", "drug_line", "line_modifier", "discarded_line", "diagnosis_rank", "undetermined")
"""The predicates that make up what is sent to a payer, and what keeps it from being sent."""


class Side(NamedTuple):
    """One law's derivation of a claim, and the rules by which its questions have their options, by question."""

    derivation: Derivation
    defaults: Mapping[str, str]


def defaults_of(program: Program) -> dict[str, str]:
    """The id of the rule that gives each question its option, by the question's key."""
    return {str(rule.atom.arguments[0]): rule.id for rule in program.rules if rule.atom.name in {"default", "question"}}


def causes(old: Sequence[Side], new: Sequence[Side], changed: Collection[str]) -> tuple[str, ...]:
    """The changed rules (by id) because of which derivations under two laws give different claims; sorted.

    Where following the claims down meets none (what is counted differs by what is not there), it is every changed rule
    that was applied under one law and not in the same way under the other.
    """
    pairs = [(one, other) for one, other in product(old, new) if _roots(one) != _roots(other)]
    found = {name for pair in pairs for name in _met(*pair) if name in changed}
    if not found:
        found = {name for one, other in pairs for name, _ in _applied(one) ^ _applied(other) if name in changed}
    return tuple(sorted(found))


def _roots(side: Side) -> frozenset[str]:
    """The atoms that make up what is sent to a payer."""
    return frozenset(str(atom) for name in SENT for atom in side.derivation.of(name))


def _applied(side: Side) -> set[tuple[str, str]]:
    instances = [it for ways in side.derivation.ways.values() for it in ways]
    tables = side.derivation.tables.values()
    return {(it.rule.id, f"{it.rule}{sorted(it.bindings.items())}") for it in (*instances, *tables)}


def _met(old: Side, new: Side) -> Iterator[str]:
    """The rules met on the way down from what only one side has."""
    roots = {id(side): _roots(side) for side in (old, new)}
    waiting = [
        (here, there, atom)
        for here, there in ((old, new), (new, old))
        for atom in sorted(roots[id(here)] - roots[id(there)])
    ]
    seen = {(id(here), atom) for here, _, atom in waiting}
    while waiting:
        here, there, atom = waiting.pop()
        if atom in here.derivation.tables:
            yield here.derivation.tables[atom].rule.id
        for instance in here.derivation.reasons(atom):
            yield instance.rule.id
            yield from _otherwise_held(here, there, instance)
            needs = [(here, there, it) for it in _positive(instance) if it not in there.derivation.atoms]
            needs += [(there, here, it) for it in _denied(instance, there.derivation)]
            for need in needs:
                if (id(need[0]), need[2]) not in seen:
                    seen.add((id(need[0]), need[2]))
                    waiting.append(need)


def _otherwise_held(here: Side, there: Side, instance: Instance) -> Iterator[str]:
    """The rules by which the questions that a rule asks for have other options under the other law."""
    for literal in instance.rule.settled:
        key = str(literal.atom.arguments[0])
        held, other = here.derivation.held.get(key), there.derivation.held.get(key)
        if held is None or other is None or held.option != other.option:
            yield here.defaults.get(key, "")


def _positive(instance: Instance) -> Iterable[str]:
    yield from instance.positive
    for counted in instance.aggregates:
        for alternative in counted.alternatives:
            yield from alternative.positive
    for alternative in instance.alternatives:
        yield from alternative.positive


def _denied(instance: Instance, there: Derivation) -> Iterator[str]:
    """What a rule's negative conditions say does not hold, and does under the other law."""
    for pattern in instance.negative:
        if "_" not in re.split(r"[(),]", pattern):
            if pattern in there.atoms:
                yield pattern
            continue
        fits = re.compile(re.sub(r"(?<=[(,])_(?=[,)])", ".+", re.escape(pattern).replace("\\_", "_")))
        yield from sorted(atom for atom in there.atoms if fits.fullmatch(atom))
