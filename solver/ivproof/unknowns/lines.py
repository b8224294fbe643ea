"""Claims as people and files read them: units by code, modifiers, drug lines, and how two claims differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from ivproof.chart.facts import WHOLE, Facts
from ivproof.formats.output import OPTIONAL, Called, Described
from ivproof.law.policy import Policy
from ivproof.recheck import Value
from ivproof.unknowns.claims import Claims
from ivproof.unknowns.evaluator import Claim


def _text(value: Value) -> str:
    text = str(value)
    return text[1:-1] if text.startswith('"') else text


def _listed(units: Mapping[str, float], joined: str = ", ") -> str:
    """Lines and their units, as in ``96365, 96366 ×2``."""
    return joined.join(name if count == 1 else f"{name} ×{count:g}" for name, count in units.items())


@dataclass(frozen=True)
class ClaimLines(Described):
    """One claim: units by code, by code and modifier, of drugs, and why there is none where there is none."""

    units: Annotated[Mapping[str, int], Called("claim")]
    modifiers: Annotated[Mapping[str, int], OPTIONAL]
    drugs: Annotated[Mapping[str, float], Called("drug_lines"), OPTIONAL]
    undetermined: Annotated[tuple[str, ...], OPTIONAL] = ()

    def __str__(self) -> str:
        """The claim in one line."""
        return _listed(self.units) or (self.undetermined[0] if self.undetermined else "nothing to report")


class Reader:
    """Reads the claims of one chart."""

    def __init__(self, policy: Policy, facts: Facts) -> None:
        """Take the policy for its codes and sentences, and the facts of the chart for its names."""
        self.policy = policy
        self.names = facts.names
        self._order = {code: n for n, code in enumerate(policy.codes)}

    def lines(self, claim: Claim) -> ClaimLines:
        """Read one claim."""
        units: dict[str, int] = {}
        modifiers: dict[str, int] = {}
        drugs: dict[str, float] = {}
        why: list[str] = []
        for atom in claim:
            name, *arguments = (_text(it) for it in atom)
            match name, arguments:
                case "total", [code, count]:
                    units[code] = int(count)
                case "total_with", [code, modifier, count]:
                    modifiers[f"{code}-{modifier}"] = int(count)
                case "drug_line", [given, code, tenths]:
                    drugs[f"{code} for {self.names.get(given, given)}"] = int(tenths) / WHOLE
                case "line_modifier", [given, modifier]:
                    drugs[f"modifier {modifier} for {self.names.get(given, given)}"] = 1
                case "discarded_line", [given, code, tenths, modifier]:
                    drugs[f"{code}-{modifier} for {self.names.get(given, given)}"] = int(tenths) / WHOLE
                case "undetermined", [reason]:
                    wording = self.policy.wordings.get(reason.replace("_", "-"))
                    why.append(wording.sentence if wording else reason)
        in_order = dict(sorted(units.items(), key=lambda it: (self._order.get(it[0], len(self._order)), it[0])))
        return ClaimLines(in_order, dict(sorted(modifiers.items())), dict(sorted(drugs.items())), tuple(sorted(why)))

    def all(self, claims: Claims) -> tuple[ClaimLines, ...]:
        """Read every claim, in a fixed order."""
        return tuple(sorted(map(self.lines, claims), key=lambda it: repr(it.as_dict())))

    def rules(self, codes: Iterable[str]) -> tuple[str, ...]:
        """The rules of the policy's text behind codes."""
        found: dict[str, None] = {}
        for code in codes:
            wording = self.policy.wordings.get(self.policy.codes.get(code.partition("-")[0], ""))
            if wording is not None:
                found.update(dict.fromkeys(wording.references))
        return tuple(sorted(found, key=lambda rule: (rule[:1], int("".join(filter(str.isdigit, rule)) or 0), rule)))


@dataclass(frozen=True)
class Difference(Described):
    """What one claim has less and more than another: units by line."""

    lost: Mapping[str, float]
    gained: Mapping[str, float]

    @property
    def codes(self) -> tuple[str, ...]:
        """The lines that differ."""
        return (*self.lost, *self.gained)

    def __str__(self) -> str:
        """The difference in words; the line of a code that has one modifier less or more stays on the claim."""

        def listed(units: Mapping[str, float]) -> str:
            return _listed({_of_line(name): count for name, count in units.items()}, " and ")

        parts = [f"loses {listed(self.lost)}"] if self.lost else []
        parts += [f"gains {listed(self.gained)}"] if self.gained else []
        return ", ".join(parts)


def _of_line(name: str) -> str:
    """A modifier as that of its line: ``the modifier of 96372-59``; any other line as it is."""
    return f"the modifier of {name}" if "-" in name and " " not in name else name


def difference(before: ClaimLines, after: ClaimLines) -> Difference:
    """Tell what a claim loses and gains: in codes, else in modifiers, else in drug lines."""
    for one, other in (
        (before.units, after.units),
        (before.modifiers, after.modifiers),
        (before.drugs, after.drugs),
    ):
        names = dict.fromkeys([*one, *other])
        more: dict[str, float] = {name: other.get(name, 0) - one.get(name, 0) for name in names}
        if any(more.values()):
            return Difference(
                {name: -units for name, units in more.items() if units < 0},
                {name: units for name, units in more.items() if units > 0},
            )
    return Difference({}, {})
