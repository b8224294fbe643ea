"""The drug list: what a charted name stands for, and which code it had on the date of service.

The list is data in ``asp/drugs`` (its README explains every column). A drug is found by its ingredient, a
brand, an HCPCS code or another spelling that the list gives, each read as ``drug_names`` says. Nothing is
ever matched by the beginning of a name or by likeness; a name that is not found has no class.

    >>> drugs = DrugList.load(Path("asp/drugs"))
    >>> on = date(2020, 10, 5)
    >>> match = drugs.find("Rocephin 1 g IVPB", on)
    >>> match.drug.key, match.how, str(match.code_on(on))
    ('ceftriaxone', 'brand', 'J0696 (250 mg)')
    >>> drugs.find("ceftri", on) is None, drugs.suggest("ceftriaxon")
    (True, ['ceftriaxone'])
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Final

from ivproof.drugs.files import DrugListError, Problem, read
from ivproof.drugs.names import WITHOUT_STRENGTH, forms
from ivproof.drugs.records import FLUIDS, KINDS, Code, Drug, How, Match, Product, Source

__all__ = [
    "KINDS",
    "Code",
    "Drug",
    "DrugList",
    "DrugListError",
    "How",
    "Match",
    "Problem",
    "Product",
    "Source",
]

_HCPCS: Final = re.compile(r"\s*([A-Za-z]\d{4})\s*")
_BRACKETS: Final = re.compile(r"([^()]+)\(([^()]+)\)([^()]*)")
_IN_FLUID: Final = re.compile(r"(.+)\bin\b(.+)", re.IGNORECASE | re.DOTALL)
_PER_LITRE: Final = r"\s*(?:(?:/|\bper\b)\s*(?:l|liter|litre)\b)?"
_MEQ: Final = rf"\d[\d.]*\s*(?:meq|mmol){_PER_LITRE}\s*(?:of\s+)?"
_POTASSIUM: Final = (
    rf"(?:(?:{_MEQ}|\d[\d.]*\s*)?(?:kcl|potassium chloride)(?:\s*\d[\d.]*\s*(?:meq|mmol))?|{_MEQ}potassium){_PER_LITRE}"
)
_THEN_POTASSIUM: Final = re.compile(rf"(?:\bw/|[\s,/+&-]){_POTASSIUM}\Z", re.IGNORECASE)
_POTASSIUM_IN: Final = re.compile(rf"{_POTASSIUM}\s+in\b", re.IGNORECASE)
_MADE_UP: Final = FLUIDS | {"electrolyte", "vitamin", "flush"}
_CACHED_TEXTS: Final = 50_000
_NOT_SEEN: Final = ""


class DrugList:
    """The drug list, ready to be searched. ``DrugList.load(folder)`` reads one."""

    def __init__(self, drugs: Mapping[str, Drug], sources: Mapping[str, Source], names: Mapping[str, Match]) -> None:
        """Take tables that were read; ``names`` has the match of every spelling in its folded form."""
        self.drugs: Final = drugs
        self.sources: Final = sources
        self._names = names
        self._codes: dict[str, list[tuple[Drug, Product, Code]]] = {}
        for drug in drugs.values():
            for product in drug.products:
                for code in product.codes:
                    self._codes.setdefault(code.hcpcs, []).append((drug, product, code))
        # A charted text, with its match, or the HCPCS code that it is, or None when nothing is known of it.
        self._texts: dict[str, Match | str | None] = {}
        self._dated: dict[tuple[str, date], Match] = {}
        self._suggested: dict[str, tuple[str, ...]] = {}

    @staticmethod
    def load(folder: Path) -> DrugList:
        """Read ``ingredients.csv``, ``products.csv`` and ``sources.csv`` of a folder (about 20 ms).

        Raises DrugListError, with every problem found, when the list contradicts itself: a spelling of two
        drugs, two codes of a product on one day, a value outside its list, a date that is none.
        """
        return DrugList(*read(Path(folder)))

    def __len__(self) -> int:
        """How many drugs the list has."""
        return len(self.drugs)

    def __iter__(self) -> Iterator[Drug]:
        """The drugs, in the order of their keys."""
        return iter(self.drugs.values())

    def find(self, text: str, on: date) -> Match | None:
        """The drug that a charted name stands for on the date of service; None when it is not known.

        A text seen before costs a dictionary look-up. A code outside its days still finds its drug, with a
        note.
        """
        found = self._texts.get(text, _NOT_SEEN)
        if found == _NOT_SEEN:
            if len(self._texts) >= _CACHED_TEXTS:
                self._texts.clear()
            found = self._texts[text] = self._look_up(text)
        return self._by_code(found, on) if isinstance(found, str) else found

    def of_code(self, hcpcs: str) -> tuple[Drug, ...]:
        """The drugs that an HCPCS code stands for on any day, or that the policy prints it for; mostly one."""
        return self._by_hcpcs.get(hcpcs, ())

    @cached_property
    def _by_hcpcs(self) -> dict[str, tuple[Drug, ...]]:
        found: dict[str, dict[str, Drug]] = {}
        for drug in self.drugs.values():
            for product in drug.products:
                for code in (*product.codes, *([product.printed_code] if product.printed_code else [])):
                    found.setdefault(code.hcpcs, {})[drug.key] = drug
        return {code: tuple(drugs.values()) for code, drugs in found.items()}

    def suggest(self, text: str) -> list[str]:
        """Up to three known spellings that look like the text, for a message; never for matching.

        Of spellings of one drug only the nearest is given. A text seen before costs a dictionary look-up.
        """
        found = self._suggested.get(text)
        if found is None:
            if len(self._suggested) >= _CACHED_TEXTS:
                self._suggested.clear()
            found = self._suggested[text] = self._alike(text)
        return list(found)

    def _alike(self, text: str) -> tuple[str, ...]:
        from difflib import get_close_matches  # noqa: PLC0415 - only needed where something went wrong

        names = list(self._names)
        near: dict[str, str] = {}
        for form in forms(text):
            for name in get_close_matches(form.folded, names, 3, 0.75):
                near.setdefault(self._names[name].drug.key, self._names[name].spelling)
        return tuple(near.values())[:3]

    def _look_up(self, text: str) -> Match | str | None:
        """The match of a text, or the HCPCS code that it is (what a code means depends on the day)."""
        text = " ".join(text.split())
        code = _HCPCS.fullmatch(text)
        if code and code[1].upper() in self._codes:
            return code[1].upper()
        return self._by_name(text) or self._by_two_names(text) or self._with_potassium(text) or self._in_carrier(text)

    def _by_name(self, text: str) -> Match | None:
        for form in forms(text):
            match = self._names.get(form.folded)
            # A fluid with a dose of something in it, or with a salt, is not that fluid.
            if match and not (form.stage >= WITHOUT_STRENGTH and match.drug.kind in FLUIDS):
                return match
        return None

    def _by_two_names(self, text: str) -> Match | None:
        """A name with another in brackets, "ondansetron (Zofran) 4 mg", when both are names of one drug."""
        brackets = _BRACKETS.fullmatch(text)
        if brackets is None:
            return None
        one, other = self._by_name(f"{brackets[1]} {brackets[3]}"), self._by_name(brackets[2])
        if one is None or other is None or one.drug is not other.drug:
            return None
        if one.product and other.product:
            return one if one.product is other.product else None
        return one if one.product else other

    def _with_potassium(self, text: str) -> Match | None:
        """A fluid and potassium chloride in one name, in any writing of the fluid: the ready-made bag of both."""
        if first := _POTASSIUM_IN.match(text):
            fluid = self._by_name(text[first.end() :])
        elif last := _THEN_POTASSIUM.search(text):
            fluid = self._by_name(text[: last.start()])
        else:
            return None
        if fluid is None or fluid.drug.kind not in FLUIDS:
            return None
        return self._by_name(f"{fluid.drug.name} with potassium chloride")

    def _in_carrier(self, text: str) -> Match | None:
        """A drug charted in a fluid, "ceftriaxone 1 g in 50 mL NS": the fluid is its carrier.

        Not so an electrolyte or a vitamin: with those the bag is what it is by its content.
        """
        mixture = _IN_FLUID.fullmatch(text)
        if mixture is None:
            return None
        match, fluid = self._by_name(mixture[1]), self._by_name(mixture[2])
        if match is None or fluid is None or fluid.drug.kind not in FLUIDS or match.drug.kind in _MADE_UP:
            return None
        return replace(match, notes=(f"charted in {fluid.drug.name}, its carrier",))

    def _by_code(self, hcpcs: str, on: date) -> Match:
        if (known := self._dated.get((hcpcs, on))) is not None:
            return known
        rows = self._codes[hcpcs]
        in_force = [row for row in rows if row[2].in_force(on)]
        drug, product, code = (in_force or rows)[0]
        shared = len({other.key for _, other, _ in in_force or rows}) > 1
        match = Match(drug, None if shared else product, "hcpcs", hcpcs, code)
        if not in_force:
            match = Match(drug, match.product, "hcpcs", hcpcs, code, (_not_in_force(match, code, on),))
        if len(self._dated) >= _CACHED_TEXTS:
            self._dated.clear()
        self._dated[hcpcs, on] = match
        return match


def _not_in_force(match: Match, code: Code, on: date) -> str:
    when = f"it ended on {code.valid_to}"
    if code.valid_to is None or on <= code.valid_to:
        when = f"it {'is first listed' if code.start_unknown else 'began'} on {code.valid_from}"
    now = match.code_on(on)
    return f"{code.hcpcs} was not in force on {on}: {when}" + (f"; in force then: {now}" if now else "")
