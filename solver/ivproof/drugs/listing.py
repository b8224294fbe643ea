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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from ivproof.drugs.codes import CODES, CodeError, Codes, Named, ProductCode, read_codes
from ivproof.drugs.files import DrugListError, read
from ivproof.drugs.names import WITHOUT_STRENGTH, Printed, forms, printed, without_oral_form
from ivproof.drugs.records import (
    ADDITIONS,
    CARRIERS,
    FLUIDS,
    KINDS,
    Carrier,
    Code,
    Drug,
    DrugSource,
    How,
    Match,
    Product,
)

__all__ = [
    "KINDS",
    "Carrier",
    "Code",
    "Drug",
    "DrugList",
    "DrugListError",
    "DrugSource",
    "How",
    "Match",
    "Product",
]

_HCPCS: Final = re.compile(r"\s*([A-Za-z]\d{4})\s*")
_PER_LITRE: Final = r"\s*(?:(?:/|\bper\b)\s*(?:l|liter|litre)\b)?"
_MEQ: Final = rf"\d[\d.]*\s*(?:meq|mmol){_PER_LITRE}\s*(?:of\s+)?"
_POTASSIUM: Final = (
    rf"(?:(?:{_MEQ}|\d[\d.]*\s*)?(?:kcl|potassium chloride)(?:\s*\d[\d.]*\s*(?:meq|mmol))?|{_MEQ}potassium){_PER_LITRE}"
)
_THEN_POTASSIUM: Final = re.compile(rf"(?:\bw/|[\s,/+&-]){_POTASSIUM}\Z", re.IGNORECASE)
_POTASSIUM_IN: Final = re.compile(rf"{_POTASSIUM}\s+in\b", re.IGNORECASE)
POTASSIUM_CHLORIDE: Final = "potassium_chloride"
_SAYS_POTASSIUM: Final = re.compile(r"kcl|potassium", re.IGNORECASE)
_NO_CONTENT: Final = CARRIERS | {"flush", "vaccine", "blood_product"}
_BOUNDARY: Final = re.compile(
    r"\s*(?P<joiner>[+&,]|\b(?:with|and|plus|w)\b(?!/)|\bw/)\s*|\s*[-/]\s*|\s+(?:(?:diluted|mixed|added)\s+)?(?:(?:in|into|to)\s+)?"
)
_AFTER: Final = {"electrolyte": 1, "vitamin": 2}
_PREMIXED: Final = {"dextrose": "iso-osmotic dextrose"}
"""What a fluid without its strength is in a bag that comes ready-made."""
_CACHED_TEXTS: Final = 50_000
_NOT_SEEN: Final = ""


NO_CODES: Final = Codes(())

LISTS: Final = 4
"""So many drug lists are kept in memory: that of the law, and those beside copies of it."""


@dataclass(frozen=True, slots=True)
class _Coded:
    """A text that gives codes of products, and the match of what else it says (None: that is not known)."""

    codes: tuple[Named, ...]
    rest: str
    match: Match | str | None


class DrugList:
    """The drug list, ready to be searched. ``DrugList.load(folder)`` reads one."""

    def __init__(
        self,
        drugs: Mapping[str, Drug],
        sources: Mapping[str, DrugSource],
        names: Mapping[str, Match],
        codes: Codes = NO_CODES,
    ) -> None:
        """Take tables that were read; ``names`` has the match of every spelling in its folded form."""
        self.drugs: Final = drugs
        self.sources: Final = sources
        self.codes: Final = codes
        self._names = names
        self._codes: dict[str, list[tuple[Drug, Product, Code]]] = {}
        for drug in drugs.values():
            for product in drug.products:
                for code in product.codes:
                    self._codes.setdefault(code.hcpcs, []).append((drug, product, code))
        # A charted text, with its match, or the HCPCS code that it is, or None when nothing is known of it.
        self._texts: dict[str, Match | str | _Coded | None] = {}
        self._dated: dict[tuple[str, date], Match] = {}
        self._suggested: dict[str, tuple[str, ...]] = {}

    @staticmethod
    def load(folder: Path) -> DrugList:
        """Read the files of a folder, ``codes.csv`` where it is there; of the same files, once.

        Raises DrugListError, with every problem found, when the list contradicts itself: a spelling of two
        drugs, two codes of a product on one day, a value outside its list, a date that is none.
        """
        folder = Path(folder)
        return _loaded(folder, tuple(it.read_bytes() for it in sorted(folder.glob("*.csv"))))

    def __len__(self) -> int:
        """How many drugs the list has."""
        return len(self.drugs)

    def __iter__(self) -> Iterator[Drug]:
        """The drugs, in the order of their keys."""
        return iter(self.drugs.values())

    def find(self, text: str, on: date) -> Match | None:
        """The drug that a charted name stands for on the date of service; None when it is not known.

        A text seen before costs a dictionary look-up. A code outside its days still finds its drug, with a
        note. A name and a code of different drugs, or of different products, are not found.
        """
        found = self._texts.get(text, _NOT_SEEN)
        if found == _NOT_SEEN:
            if len(self._texts) >= _CACHED_TEXTS:
                self._texts.clear()
            found = self._texts[text] = self._look_up(text)
        if isinstance(found, _Coded):
            return self._by_product_codes(found, on)
        return self._on_day(found, on)

    def _on_day(self, found: Match | str | None, on: date) -> Match | None:
        """A match, or what an HCPCS code means on a day."""
        return self._by_code(found, on) if isinstance(found, str) else found

    def with_codes(self, codes: Codes) -> DrugList:
        """The same list with other codes of products."""
        return DrugList(self.drugs, self.sources, self._names, codes)

    def drugs_of(self, code: ProductCode) -> tuple[str, ...]:
        """The drugs that a code of a product stands for, by key: its own, or those of its HCPCS code."""
        return (code.drug,) if code.drug else tuple(it.key for it in self.of_code(code.hcpcs))

    def coded(self, text: str, on: date) -> tuple[ProductCode, ...]:
        """What the codes of products in a text stand for, what holds on a day before what does not."""
        try:
            named, _ = read_codes(text)
        except CodeError:
            return ()
        return tuple(row for it in named for row in self.codes.find(it, on))

    def in_container(self, text: str, hcpcs: str, on: date) -> Decimal | None:
        """How many units of an HCPCS code a container has whose NDC is in the text; None where that is not told."""
        found = {it.units for it in self.coded(text, on) if it.hcpcs == hcpcs and it.holds(on)}
        return found.pop() if len(found) == 1 else None

    def code_unknown(self, text: str, on: date) -> str | None:
        """Why the code of a product in a text tells no drug; None where the text has none, or it does tell one."""
        try:
            named, _ = read_codes(text)
        except CodeError as error:
            return f"expected {error}"
        for it in named:
            rows = self._rows(it, on)
            keys = {key for row in rows for key in self.drugs_of(row)}
            if not rows:
                return f"{it} is not among the codes of the drug list: name the drug"
            if len(keys) != 1:
                codes = " or ".join(sorted({row.hcpcs for row in rows}))
                whose = "several drugs have" if keys else "no drug of the list has"
                return f"{it} is {codes}, which {whose}: name the drug"
        return None

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

    def _look_up(self, text: str) -> Match | str | _Coded | None:
        """The match of a text, or the codes that it gives (what a code means depends on the day)."""
        text = " ".join(text.split())
        code = _HCPCS.fullmatch(text)
        if code and code[1].upper() in self._codes:
            return code[1].upper()
        try:
            codes, rest = read_codes(text)
        except CodeError:
            return None
        if codes:
            known = self._look_up(rest) if rest else None
            return _Coded(codes, rest, known if not isinstance(known, _Coded) else None)
        return self._named(text)

    def _named(self, text: str) -> Match | None:
        return self._injected(text) or self._by_mouth(text)

    def _injected(self, text: str) -> Match | None:
        return self._rider(text) or self._by_name(text) or self._with_potassium(text) or self._as_printed(text)

    def _by_mouth(self, text: str) -> Match | None:
        """A drug with a word for a form that is swallowed: its product of such a form, where the list has one."""
        plain = without_oral_form(text)
        match = self._injected(plain) if plain != text else None
        if match is None or match.carrier is not None or match.drug.kind in CARRIERS:
            return None
        if match.product is not None and "PO" in match.product.routes:
            return match
        swallowed = [it for it in match.drug.products if it.routes == ("PO",)]
        return replace(match, product=swallowed[0] if len(swallowed) == 1 else None)

    def differ(self, text: str, on: date) -> tuple[str, str] | None:
        """Two names in one text, one of them in brackets, that are names of different drugs or products.

        >>> DrugList.load(Path("asp/drugs")).differ("rituximab (Herceptin) 500 mg", date(2020, 10, 5))
        ('rituximab', 'Herceptin')
        """
        coded = self._texts.get(text) if self.find(text, on) is None else None
        if isinstance(coded, _Coded):
            return self._coded_differ(coded, on)
        for way in printed(without_oral_form(text)):
            one = self._held(way.name) or self._in_carrier(way)
            for other in filter(None, map(self._one_drug, way.aside)):
                if one is not None and not one.others and _agreed(one, other) is None:
                    return one.spelling, other.spelling
        return None

    def several(self, text: str) -> tuple[Match, ...]:
        """The drugs of a name that lists several which are no mere additions, each with their fluid; else nothing."""
        if self._injected(text) is not None:
            return ()
        for way in printed(text):
            for one, _, other in reversed(list(_cuts(way.name))):
                fluid = self._carrier(other, way)
                if fluid is not None and not way.aside and (each := self._several(one)):
                    return tuple(replace(it, carrier=Carrier(fluid, way.ml)) for it in each)
            if not way.aside and (each := self._several(way.name)):
                return each
        return ()

    def _several(self, text: str) -> tuple[Match, ...]:
        each = self._each(text)
        known = len({it.drug.key for it in each}) == len(each) and all(it.drug.kind not in _NO_CONTENT for it in each)
        return each if known else ()

    def _by_name(self, text: str) -> Match | None:
        for form in forms(text):
            match = self._names.get(form.folded)
            # A fluid with a dose of something in it, or with a salt, is not that fluid.
            if match and not (form.stage >= WITHOUT_STRENGTH and match.drug.kind in CARRIERS):
                return match
        return None

    def _rider(self, text: str) -> Match | None:
        """Potassium and fluid in one name: a dose in a volume or in a small bag is a rider, else the ready-made bag."""
        if not _SAYS_POTASSIUM.search(text):
            return None
        way = next(printed(text), None)
        match = self._in_carrier(way) if way is not None else None
        if way is None or match is None or match.carrier is None or match.drug.kind != "electrolyte":
            return None
        if match.others:
            return match if not way.aside else None
        in_volume = way.ml is not None and not self._begins_with_fluid(way)
        if way.dosed and not way.per_litre and (way.piggyback or in_volume):
            return match
        if match.drug.key != POTASSIUM_CHLORIDE or match.carrier.drug.kind not in FLUIDS:
            return None
        return self._by_name(f"{match.carrier.drug.name} with potassium chloride")

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

    def _as_printed(self, text: str) -> Match | None:
        """A name as a record prints it, `generic (BRAND) dose in CARRIER volume container`: every part is known.

        What stands in brackets has to be a name of the same drug. Where it is one of another, or of none, the
        name is not found.
        """
        for way in printed(text):
            match = self._one_drug(way.name) or self._in_carrier(way)
            if match is not None and way.dosed and match.drug.kind in CARRIERS:
                match = None
            for aside in way.aside:
                match = _agreed(match, self._one_drug(aside)) or self._spelled_out(match, aside)
            if match is not None:
                return match
        return None

    def _spelled_out(self, match: Match | None, aside: str) -> Match | None:
        """An addition that is a mixture itself, with its drugs in brackets: "banana bag (thiamine, folic acid)"."""
        listed = self._each(aside)
        if match is None or match.drug.kind not in ADDITIONS or match.others:
            return None
        both = _together((match, *listed)) if listed else None
        return replace(both, carrier=match.carrier) if both is not None and both.only_additions else None

    def _one_drug(self, text: str) -> Match | None:
        """A name, or two names of one drug: "Rituxan rituximab", "Humira/adalimumab"."""
        match = self._by_name(text)
        if match is not None:
            return match
        halves = ((self._by_name(one), self._by_name(other)) for one, _, other in _cuts(text))
        return next((both for one, other in halves if one and (both := _agreed(one, other))), None)

    def _in_carrier(self, way: Printed) -> Match | None:
        """A drug in a fluid: "ceftriaxone in normal saline", "heparin/D5W", "normal saline + vancomycin"."""
        cuts = list(_cuts(way.name))
        behind = ((self._carrier(other, way), one) for one, _, other in reversed(cuts))
        before = ((self._carrier(one, way), other) for one, joiner, other in cuts if joiner)
        for fluid, rest in (*behind, *before):
            held = self._held(rest) if fluid is not None else None
            if fluid is None or held is None or held.drug.kind in _NO_CONTENT:
                continue
            if held.product is None or held.product.routes != ("PO",):
                # an electrolyte in a litre is fluid with something in it, in less it is a drug in what carries it
                added = held.drug.kind in ADDITIONS and way.ml is not None and way.ml % 1000 == 0
                return replace(held, carrier=Carrier(fluid, way.ml, added and not way.piggyback))
        return None

    def _held(self, text: str) -> Match | None:
        """What a bag holds besides its fluid: a drug, and any electrolytes and vitamins; or these alone."""
        return self._one_drug(text) or _together(self._each(text))

    def _each(self, text: str) -> tuple[Match, ...]:
        """The drugs of a list of drugs, where every part is one: "magnesium sulfate, thiamine and folic acid"."""
        for one, joiner, other in _cuts(text):
            if joiner and (first := self._one_drug(one)):
                last = self._one_drug(other)
                rest = (last,) if last is not None else self._each(other)
                if rest:
                    return (first, *rest)
        return ()

    def _carrier(self, text: str, way: Printed) -> Drug | None:
        if way.premixed and text.strip() in _PREMIXED:
            text = _PREMIXED[text.strip()]
        match = self._by_name(text)
        return match.drug if match is not None and match.drug.kind in CARRIERS else None

    def _begins_with_fluid(self, way: Printed) -> bool:
        return any(self._carrier(one, way) is not None for one, _, _ in _cuts(way.name))

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

    def _rows(self, named: Named, on: date) -> tuple[ProductCode, ...]:
        """What a code stands for: what holds on a day, or, where nothing does, what is known of other days."""
        rows = self.codes.find(named, on)
        return tuple(it for it in rows if it.holds(on)) or rows

    def _by_product_code(self, named: Named, on: date) -> Match | None:
        """The drug of a code of a product, with the product and the HCPCS code of the day as far as it tells them."""
        rows = self._rows(named, on)
        if len(drugs := {key for it in rows for key in self.drugs_of(it)}) != 1:
            return None
        drug = self.drugs[drugs.pop()]
        each = [self._named(it.name) for it in rows]  # the name may settle a brand, or say that it comes in a fluid
        same = [it for it in each if it is not None and it.drug is drug and not it.others]
        match = same[0] if len(same) == len(rows) else Match(drug, None, "ingredient", drug.name)
        product, code = match.product, None
        if len(codes := {it.hcpcs for it in rows}) == 1 and (hcpcs := codes.pop()) in self._codes:
            by_code = self._by_code(hcpcs, on)
            if by_code.drug is drug:
                code = by_code.code if by_code.code is not None and by_code.code.in_force(on) else None
                product = by_code.product or product
        note = () if rows[0].holds(on) else (f"{named} is known for other days than {on}: {rows[0].days}",)
        how: How = "ndc" if named.system == "ndc" else "rxnorm"
        return replace(match, product=product, code=code, how=how, spelling=str(named), notes=note)

    def _by_product_codes(self, coded: _Coded, on: date) -> Match | None:
        """What codes of products mean, and the name beside them: all are of one drug and product, or none is."""
        found = [self._by_product_code(it, on) for it in coded.codes]
        if coded.rest:
            found.append(self._on_day(coded.match, on))
        each = [it for it in found if it is not None]
        if len(each) < len(found) or len({it.drug.key for it in each}) > 1:
            return None
        if len({it.product.key for it in each if it.product is not None}) > 1:
            return None
        first = next((it for it in each if it.product is not None), each[0])
        with_carrier = next((it for it in reversed(each) if it.carrier is not None), first)
        notes = tuple(dict.fromkeys(note for it in each for note in it.notes))
        return replace(first, carrier=with_carrier.carrier, others=each[-1].others, notes=notes)

    def _coded_differ(self, coded: _Coded, on: date) -> tuple[str, str] | None:
        """What differs in a text that gives codes of products: two of them, or one and the name beside it."""
        if coded.rest and coded.match is None:
            return self.differ(coded.rest, on)
        each = [(str(it), self._by_product_code(it, on)) for it in coded.codes]
        if coded.rest:
            each.insert(0, (coded.rest, self._on_day(coded.match, on)))
        told = [f"{text} ({it.drug.name})" if text != coded.rest else text for text, it in each if it is not None]
        return (told[0], told[1]) if len(told) == len(each) and len(told) > 1 else None


def _cuts(text: str) -> Iterator[tuple[str, str, str]]:
    """The two parts of a text at each of its boundaries, with the word or mark that joins them."""
    for found in _BOUNDARY.finditer(text):
        one, other = text[: found.start()], text[found.end() :]
        if one and other:
            yield one, found["joiner"] or "", other


def _together(each: Sequence[Match]) -> Match | None:
    """Several drugs of one bag as one match: at most one is no electrolyte or vitamin; their order tells nothing."""
    if len({it.drug.key for it in each}) < len(each) or not each or any(it.drug.kind in _NO_CONTENT for it in each):
        return None
    first, *others = sorted(each, key=lambda it: (_AFTER.get(it.drug.kind, 0), it.drug.key))
    return replace(first, others=tuple(others)) if all(it.drug.kind in ADDITIONS for it in others) else None


def _agreed(one: Match | None, other: Match | None) -> Match | None:
    """What two names mean that have to be names of one drug, and of one product where both settle one."""
    if one is None or other is None or one.drug is not other.drug:
        return None
    if one.product and other.product:
        return one if one.product is other.product else None
    return one if one.product else replace(other, carrier=one.carrier) if other.product else one


def _not_in_force(match: Match, code: Code, on: date) -> str:
    when = f"it ended on {code.valid_to}"
    if code.valid_to is None or on <= code.valid_to:
        when = f"it {'is first listed' if code.start_unknown else 'began'} on {code.valid_from}"
    codes = match.codes_on(on)
    now = str(codes.meant) if codes.meant else " or ".join(map(str, codes.others))
    return f"{code.hcpcs} was not in force on {on}: {when}" + (f"; in force then: {now}" if now else "")


@lru_cache(maxsize=LISTS)
def _loaded(folder: Path, contents: tuple[bytes, ...]) -> DrugList:
    """Read a folder whose files hold this."""
    tables = read(folder)
    codes = Codes.load(folder / CODES, tables.drugs) if (folder / CODES).exists() else NO_CODES
    return DrugList(*tables, codes)
