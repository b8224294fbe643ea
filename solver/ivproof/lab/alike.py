"""Which kinds of chart some laws cannot tell apart: what is known of one of them is known of all.

They have the same times within the same bounds, and the same facts as far as a rule can read them, but for the names of
drugs and products that no rule names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ivproof.lab.kinds import Kind, Template
from ivproof.lab.pair import fits
from ivproof.recheck import Atom
from ivproof.recheck.syntax import Pattern, nodes
from ivproof.recheck.terms import Signature
from ivproof.unknowns.law import Law

OF_ADMINISTRATIONS = {"drug", "product", "in_fluid", "also_in"}
"""Input facts whose second argument is a drug or a product."""
OF_DRUGS = {"drug_kind", "printed", "hormonal", "immunotherapy", "own_codes"}
"""Input facts whose first argument is one."""


class Alike:
    """Tells kinds of chart by what `laws`, whose conditions are `patterns`, can read of them."""

    def __init__(self, patterns: Iterable[Pattern], laws: Sequence[Law]) -> None:
        self.patterns = by_signature(patterns)
        self._constants = {it for law in laws for ready in law.rules for it in nodes(ready.rule) if isinstance(it, str)}
        self._constants |= {it for law in laws for it in _facts_name(law)}

    def key(self, kind: Kind, templates: Iterable[Template]) -> object:
        """Give what is the same for kinds that are alike."""
        return (kind.bounds, kind.slots, *map(self._read, {id(it): it for it in templates}.values()))

    def _read(self, template: Template) -> tuple[object, ...]:
        """What can be read of a chart: the facts, with names for drugs and products that no rule names, in their order.

        And how the names stand among those that a rule names, and which drug comes first by the alphabet.
        """
        named = _drugs(template)
        names = {name: f"name {n}" for n, name in enumerate(it for it in named if it not in self._constants)}
        drugs = [drug.casefold() for drug, _ in template.names.values()]
        return (
            frozenset(_plain(it, names) for it in template.stays if matches(self.patterns, it)),
            tuple(it if it in self._constants else "" for it in named),
            tuple(sorted(set(drugs)).index(it) for it in drugs),
        )


def by_signature(patterns: Iterable[Pattern]) -> dict[Signature, list[Pattern]]:
    """Gather patterns by their predicate, each once."""
    found: dict[Signature, dict[Pattern, None]] = {}
    for it in patterns:
        found.setdefault(it.signature, {})[it] = None
    return {signature: list(some) for signature, some in found.items()}


def matches(patterns: Mapping[Signature, list[Pattern]], atom: Atom) -> bool:
    """Whether one of some patterns could be an atom."""
    some = patterns.get((str(atom[0]), len(atom) - 1), ())
    return any(all(map(fits, it.arguments, atom[1:])) for it in some)


def _drugs(template: Template) -> list[str]:
    """The keys of the drugs and products of a chart, in their order."""
    found = {str(it[2]) for it in template.stays if it[0] in OF_ADMINISTRATIONS}
    return sorted(found | {str(it[1]) for it in template.stays if it[0] in OF_DRUGS})


def _plain(atom: Atom, names: Mapping[str, str]) -> Atom:
    """An atom with other names for drugs and products."""
    return (atom[0], *(names.get(it, it) if isinstance(it, str) else it for it in atom[1:]))


def _facts_name(law: Law) -> Iterator[str]:
    for fact in law.facts:
        yield from (it for it in fact[1:] if isinstance(it, str))
