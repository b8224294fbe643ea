"""Drug names as records print them: the drug as the list names it, and the fluid that it was mixed into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from ivproof.drugs.listing import DrugList
from ivproof.drugs.records import FLUIDS, Match


@dataclass(frozen=True)
class Printed:
    """What a printed name says.

    `drug` is how a chart writes the drug: as the list names it, or as printed where it is not `found`. `carrier`
    is the fluid that it was mixed into, `ml` the volume of that fluid, or of the drug where it is a fluid itself.
    `differ` are two names of different drugs that stand in one text.
    """

    drug: str
    found: Match | None = None
    carrier: str | None = None
    ml: float | None = None
    differ: tuple[str, str] | None = None
    product: str | None = None


class Names:
    """Reads names by a drug list."""

    def __init__(self, drugs: DrugList) -> None:
        """Take the list."""
        self._drugs = drugs
        self._known: dict[tuple[str, date], Printed] = {}

    def read(self, text: str, on: date) -> Printed:
        """Read a name as it is printed, for a date of service."""
        key = (text, on)
        if key not in self._known:
            self._known[key] = self._read(" ".join(text.split()), on)
        return self._known[key]

    def _read(self, text: str, on: date) -> Printed:
        for cut in re.finditer(r"\bin\b", text, re.IGNORECASE):
            drug, fluid = text[: cut.start()].strip(), text[cut.end() :].strip()
            carrier = self._fluid(fluid, on)
            if carrier is None:
                continue
            match = self._find(drug, on)
            if match is not None and match.drug.kind in FLUIDS:
                continue
            differ = self._differ(drug, on)
            return Printed(self._written(match, drug, on), match, carrier, volume_ml(fluid), differ)
        match = self._find(text, on)
        ml = volume_ml(text) if match is not None and match.drug.kind in FLUIDS else None
        return Printed(self._written(match, text, on), match, None, ml, self._differ(text, on))

    def _find(self, text: str, on: date) -> Match | None:
        plain = _CONTAINER.sub(" ", text)
        bare = _BRACKETS.sub(" ", plain)
        for it in (text, plain, bare, re.sub(r"\d[\d.,]*\s*\w+/[\w.]+", " ", bare)):
            found = self._drugs.find(" ".join(it.split()), on)
            if found is not None:
                return found if self._differ(text, on) is None else None
        return None

    def _differ(self, text: str, on: date) -> tuple[str, str] | None:
        inside = _BRACKETS.search(text)
        if inside is None:
            return None
        other = self._drugs.find(inside[1], on)
        bare = _CONTAINER.sub(" ", _BRACKETS.sub(" ", text))
        one = self._drugs.find(" ".join(bare.split()), on)
        if one is None or other is None or one.drug is other.drug:
            return None
        return one.drug.name, other.drug.name

    def _fluid(self, text: str, on: date) -> str | None:
        bare = " ".join(_VOLUME.sub(" ", _CONTAINER.sub(" ", _BRACKETS.sub(" ", text))).split())
        if bare.casefold() in ("sterile water", "water for injection", "sterile water for injection"):
            return "sterile water"
        found = self._drugs.find(bare, on)
        return found.drug.name if found is not None and found.drug.kind in FLUIDS else None

    def _written(self, match: Match | None, text: str, on: date) -> str:
        if match is None:
            return text
        if match.product is not None and match.product is not match.drug.default_product:
            again = self._drugs.find(match.spelling, on)
            return match.spelling if again is not None and again.product is match.product else text
        return match.drug.name


_CONTAINER = re.compile(
    r"\b(?:IVPB|infusion|chemo|injection|syringe|bolus|vaccine|tablet|capsule|MBP|mini[- ]?bag(?: plus)?)\b",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\(([^()]*)\)")
_VOLUME = re.compile(r"(?<![\w./%])(\d[\d,]*(?:\.\d+)?)\s*(mL|L)\b(?!\s*/)", re.IGNORECASE)


def volume_ml(text: str) -> float | None:
    """Give the volume that stands in a name, in millilitres; None where none does, or several.

    >>> volume_ml("sodium chloride 0.9 % bolus 1,000 mL"), volume_ml("morphine 4 mg/mL")
    (1000.0, None)
    """
    found = {float(it[1].replace(",", "")) * (1000 if it[2].casefold() == "l" else 1) for it in _VOLUME.finditer(text)}
    return found.pop() if len(found) == 1 else None
