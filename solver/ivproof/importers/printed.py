"""Drug names as records print them: the drug as the list names it, and the fluid that it was mixed into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from ivproof.chart.fields import LARGEST
from ivproof.drugs.codes import CodeError, read_codes
from ivproof.drugs.listing import DrugList
from ivproof.drugs.names import printed
from ivproof.drugs.records import FLUIDS, Drug, Match


@dataclass(frozen=True)
class PrintedName:
    """What a printed name says.

    `drug` is how a chart writes the drug: as the list names it, or as printed where it is not `found`. `carrier`
    is the fluid that it was mixed into; where `added`, it is fluid with something added to it and may be more than a
    carrier. `ml` is the volume of that fluid, or of the drug where it is a fluid itself. `differ` are two names of
    different drugs that stand in one text; `product` is a code of the product that stands beside it. `others` are
    further drugs of the same bag that the name lists.
    """

    drug: str
    found: Match | None = None
    carrier: str | None = None
    added: bool = False
    ml: float | None = None
    differ: tuple[str, str] | None = None
    product: str | None = None
    others: tuple[PrintedName, ...] = ()

    @property
    def is_fluid(self) -> bool:
        """Whether it is a fluid of the list."""
        return self.found is not None and self.found.drug.kind in FLUIDS


@lru_cache(maxsize=10_000)
def nameless(text: str) -> bool:
    """Whether a text names no drug at all: nothing, or a container by itself.

    >>> nameless("Vial"), nameless("Syringe 10 mL"), nameless("ketorolac vial")
    (True, True, False)
    """
    ways = list(printed(text))
    return bool(ways) and all(not way.name and not way.aside for way in ways)


class PrintedNames:
    """Reads names by a drug list."""

    def __init__(self, drugs: DrugList) -> None:
        """Take the list."""
        self._drugs = drugs
        self._known: dict[tuple[str, date], PrintedName] = {}

    def read(self, text: str, on: date) -> PrintedName:
        """Read a name as it is printed, for a date of service."""
        key = (text, on)
        if key not in self._known:
            self._known[key] = self._read(" ".join(text.split()), on)
        return self._known[key]

    def _read(self, text: str, on: date) -> PrintedName:
        match = self._drugs.find(text, on)
        several = self._drugs.several(text) if match is None else (match, *match.others)
        if not several:
            return PrintedName(text, differ=self._drugs.differ(text, on))
        first, *others = several
        product = ndc(text)
        beside = tuple(PrintedName(it.drug.name, it) for it in others)
        written, carrier = first.drug.name if others else self._written(first, text, on), first.carrier
        if carrier is not None:
            ml = _ml(carrier.ml)
            return PrintedName(written, first, carrier.drug.name, carrier.added, ml, product=product, others=beside)
        way = next(printed(text), None)
        ml = _ml(way.ml) if way is not None and first.drug.kind in FLUIDS else None
        return PrintedName(written, first, ml=ml, product=product, others=beside)

    def _written(self, match: Match, text: str, on: date) -> str:
        """The name by which a chart is read to mean this drug and product, and no carrier."""
        drug: Drug = match.drug
        if match.how in {"ndc", "rxnorm"}:
            return drug.name
        if match.product is None or match.product is drug.default_product:
            return drug.name
        again = self._drugs.find(match.spelling, on)
        return match.spelling if again is not None and again.product is match.product else text


def ndc(text: str) -> str | None:
    """The NDC that a text gives, of 5-4-2 digits; None where it gives none, several, or one that may be several.

    >>> ndc("0409-7332-01"), ndc("ceftriaxone (NDC 00409733201)"), ndc("0409733201")
    ('00409-7332-01', '00409-7332-01', None)
    """
    try:
        named, _ = read_codes(text)
    except CodeError:
        return None
    found = [it.code for it in named if it.system == "ndc"]
    return found[0] if len(found) == 1 else None


def _ml(volume: Decimal | None) -> float | None:
    return float(volume) if volume is not None and volume <= LARGEST else None
