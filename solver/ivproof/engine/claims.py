"""Claims as they are compared: codes with their units, and units by modifier; and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from ivproof.formats.output import OPTIONAL, Described
from ivproof.law.policy import Policy
from ivproof.law.terms import Function, parse, text_of


@dataclass(frozen=True)
class Units(Described):
    """A claim by code: units, units by modifier, and what makes it undetermined (names of the law)."""

    codes: Mapping[str, int]
    modifiers: Annotated[Mapping[str, Mapping[str, int]], OPTIONAL] = field(default_factory=dict)
    undetermined: Annotated[tuple[str, ...], OPTIONAL] = ()


def units_of(policy: Policy, claim: Iterable[str]) -> Units:
    """Read a claim that is given as atoms; codes stand in the order of the policy."""
    codes: dict[str, int] = {}
    modifiers: dict[str, dict[str, int]] = {}
    undetermined = []
    for text in claim:
        term = parse(text)
        assert isinstance(term, Function)
        arguments = [*map(text_of, term.arguments)]
        match term.name:
            case "total":
                codes[arguments[0]] = int(arguments[1])
            case "total_with":
                modifiers.setdefault(arguments[0], {})[arguments[1]] = int(arguments[2])
            case "undetermined":
                undetermined.append(arguments[0])
    place = {code: n for n, code in enumerate(policy.codes)}
    ordered = sorted(codes, key=lambda code: (place.get(code, len(place)), code))
    return Units(
        {code: codes[code] for code in ordered if codes[code]},
        {code: dict(sorted(modifiers[code].items())) for code in ordered if code in modifiers},
        tuple(sorted(undetermined)),
    )


def at_least(claims: Iterable[Units]) -> dict[str, int]:
    """The units of each code that every claim has."""
    found = list(claims)
    first = found[0].codes if found else {}
    least = {code: min(it.codes.get(code, 0) for it in found) for code in first}
    return {code: units for code, units in least.items() if units}


def at_most(claims: Iterable[Units]) -> dict[str, int]:
    """The most units of each code that some claim has."""
    found: dict[str, int] = {}
    for it in claims:
        for code, units in it.codes.items():
            found[code] = max(units, found.get(code, 0))
    return found


def in_words(claim: Units) -> str:
    """A claim in one line: ``96365, 96366 ×2, 96372 (59)``."""
    parts = []
    for code, units in claim.codes.items():
        by = claim.modifiers.get(code, {})
        marks = ", ".join(mark if n == units else f"{mark} ×{n}" for mark, n in by.items())
        parts.append(f"{code}{f' ×{units}' if units > 1 else ''}{f' ({marks})' if marks else ''}")
    parts += [f"undetermined: {name.replace('_', ' ')}" for name in claim.undetermined]
    return ", ".join(parts) or "nothing"


def difference(before: Units, after: Units) -> str:
    """What is different in the second of two claims, in words; empty where nothing is."""
    found = []
    for code in dict.fromkeys((*before.codes, *after.codes)):
        old, new = before.codes.get(code, 0), after.codes.get(code, 0)
        if old == 0:
            found.append(f"and {code}{f' ×{new}' if new > 1 else ''}")
        elif new == 0:
            found.append(f"no {code}")
        elif old != new:
            found.append(f"{code} ×{new} instead of ×{old}")
        elif before.modifiers.get(code) != after.modifiers.get(code):
            found.append(f"{code} {_marked(after, code)} instead of {_marked(before, code)}")
    gone = set(before.undetermined) - set(after.undetermined)
    come = set(after.undetermined) - set(before.undetermined)
    found += [f"no longer undetermined ({name.replace('_', ' ')})" for name in sorted(gone)]
    found += [f"undetermined: {name.replace('_', ' ')}" for name in sorted(come)]
    return ", ".join(found)


def _marked(claim: Units, code: str) -> str:
    marks = claim.modifiers.get(code)
    return f"with {', '.join(marks)}" if marks else "without modifier"


def or_else(number: int) -> str:
    """Name what is left of several claims, of which the first were told: ``another``, ``one of 3 others``."""
    return "another" if number == 1 else f"one of {number} others"
