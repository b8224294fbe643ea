"""Programs without choices: the solver only has to ground them, and everything that is true is a fact."""

from __future__ import annotations

from collections.abc import Mapping

import clingo


def consequences(program: str) -> dict[str, list[str]]:
    """Give what a program derives, by predicate, as the text of the atoms."""
    found: dict[str, list[str]] = {}
    control = _ground(program)  # named, since the atoms do not keep it alive
    for atom in control.symbolic_atoms:
        found.setdefault(atom.symbol.name, []).append(str(atom.symbol))
    return found


def derive(program: str, predicates: Mapping[str, int]) -> dict[str, dict[str, list[str]]]:
    """Give what a program derives: by first argument and predicate, the text of the other arguments."""
    control = _ground(program)  # named, since the atoms do not keep it alive
    atoms = control.symbolic_atoms
    found: dict[str, dict[str, list[str]]] = {}
    for name, arity in predicates.items():
        for atom in atoms.by_signature(name, arity):
            inner = str(atom.symbol)[len(name) + 1 : -1]
            first, _, rest = inner.partition(",")
            found.setdefault(first, {}).setdefault(name, []).append(rest)
    return found


def _ground(program: str) -> clingo.Control:
    control = clingo.Control(["--warn=none"])
    control.add("base", [], program)
    control.ground([("base", [])])
    return control
