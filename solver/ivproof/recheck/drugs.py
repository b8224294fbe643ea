"""What a proof says of drugs, compared with the files of a drug list.

Which drug a name means is decided by rules about spellings, salts and strengths that are not repeated here. What is
checked: the charted text holds a spelling of the drug, or is none of any drug where it is said to be unknown; and all
that is said of the drug's kind, form and codes stands in the list for the date of service.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

from .terms import Atom, parse_facts, show

Row = Mapping[str, str]
TELLING = 5  # letters of a name that is not found inside another word by chance
CARRYING = {"saline", "balanced_fluid", "dextrose", "diluent"}
ADDED = {"electrolyte", "vitamin"}
LAST = 99991231  # the day that no date of service comes after
FLAGS = ("printed", "hormonal", "immunotherapy")
OF_PRODUCTS = {
    *("form", "code_in_force", "other_code", "ended_code"),
    *("charted_per_unit", "printed_code", "printed_per_unit"),
}
IN_UNITS = ("amount_in_units", "opened_in_units", "vial_in_units")
MOST = 100_000_000  # thousandths of a unit
MEASURES = (  # how the measure of an amount may begin, what kind it is, and how many of the least of its kind it makes
    *(
        ("mg", "mass", 1000),
        ("milligram", "mass", 1000),
        ("mcg", "mass", 1),
        ("ug", "mass", 1),
        ("microgram", "mass", 1),
    ),
    *(("ml", "ml", 1), ("milliliter", "ml", 1), ("cc", "ml", 1), ("meq", "meq", 1), ("mmol", "mmol", 1)),
    *(("millionpfu", "millionpfu", 1), ("millionunit", "unit", 1_000_000), ("millioniu", "unit", 1_000_000)),
    *(("unit", "unit", 1), ("iu", "unit", 1), ("vial", "vial", 1), ("dose", "dose", 1), ("implant", "implant", 1)),
    *(("g", "mass", 1_000_000), ("u", "unit", 1)),
)


class DrugError(ValueError):
    """Something about a drug that the list does not say."""


class Drugs:
    """The files `ingredients.csv`, `products.csv` and `next-door.csv` of a folder.

    Raises OSError, or KeyError where a column lacks.
    """

    def __init__(self, folder: Path) -> None:
        self.ingredients = {row["key"]: row for row in _rows(folder / "ingredients.csv")}
        self.products: dict[str, list[Row]] = {}
        for row in _rows(folder / "products.csv"):
            self.products.setdefault(row["ingredient"], []).append(row)
        self.next_door: dict[str, list[Row]] = {}
        for row in _rows(folder / "next-door.csv"):
            self.next_door.setdefault(row["drug"], []).append(row)
        self.amounts: dict[str, set[Decimal]] = {}
        for row in (row for rows in self.products.values() for row in rows if row["amount"]):
            self.amounts.setdefault(row["hcpcs"], set()).add(Decimal(row["amount"]))
        self.units: dict[str, set[tuple[str, str]]] = {}
        for row in (row for rows in self.products.values() for row in rows if row["hcpcs"]):
            self.units.setdefault(row["hcpcs"], set()).add((row["amount"], row["measure"]))
        self.spelled = {_folded(text) for drug in self.ingredients for text in self._spellings(drug)}

    def _spellings(self, drug: str) -> list[str]:
        row = self.ingredients[drug]
        found = [drug, row["name"], *_items(row["spellings"])]
        for product in self.products.get(drug, ()):
            found += [product["product"], *_items(product["brands"]), product["hcpcs"]]
        return [text for text in found if text]

    def check(self, chart: Mapping[str, Any], facts: Sequence[Atom], listed: Sequence[Atom]) -> list[str]:
        """Compare everything that is said of drugs with the list; gives what still is taken on trust.

        Raises DrugError.
        """
        given = chart.get("administrations", ())
        drug_of = {str(it[1]): str(it[2]) for it in facts if it[0] == "drug"}
        named = [(f"a{n}", it) for n, it in enumerate(given, 1) if f"a{n}" in drug_of]  # what was given
        trusted = [self._name(it["drug"], drug_of[a]) for a, it in named]
        fluids = [(str(it[1]), str(it[2]), str(it[3])) for it in facts if it[0] == "in_fluid" and len(it) == 4]
        for a, fluid, how in fluids:
            self._fluid(given[int(a[1:]) - 1]["drug"], drug_of[a], fluid, how)
        for a, product in ((str(it[1]), str(it[2])) for it in facts if it[0] == "product" and len(it) == 3):
            if drug_of[a] in self.ingredients and "product" not in given[int(a[1:]) - 1]:
                self._named_product(given[int(a[1:]) - 1]["drug"], drug_of[a], product)
        also = [(str(it[1]), str(it[2])) for it in facts if it[0] == "also_in" and len(it) == 3]
        for a, drug in also:
            self._addition(given[int(a[1:]) - 1]["drug"], drug)
        both = {*drug_of.values(), *(fluid for _, fluid, _ in fluids), *(drug for _, drug in also)}
        known = sorted({drug for drug in both if drug in self.ingredients})
        expected = {atom for drug in known for atom in self._listed(drug)}
        for wrong in sorted(map(show, expected ^ set(listed))):
            raise DrugError(f"{wrong}: the proof and the drug list differ")
        on = date.fromisoformat(chart["date"])
        for a, drug in drug_of.items():
            if drug in self.ingredients:
                self._routes(drug, {str(it[2]) for it in facts if it[0] == "listed_route" and it[1] == a})
        ended = {str(it[1]): show(it[2]).strip('"') for it in facts if it[0] == "ended_code" and len(it) == 3}
        codes: dict[str, set[str]] = {}
        for fact in facts:
            if fact[0] in OF_PRODUCTS and len(fact) == 3:
                a = str(fact[1])
                self._product(fact, drug_of[a], given[int(a[1:]) - 1], on, ended.get(a, ""))
                if fact[0] in {"code_in_force", "other_code"}:
                    codes.setdefault(a, set()).add(show(fact[2]).strip('"'))
        printed = {str(it[1]) for it in facts if it[0] == "printed_code"}
        for a, it in named:
            self._in_units(a, it, facts)
            if drug_of[a] in self.ingredients and {"billing_units", "discarded_units", "amount", "vials"} & set(it):
                self._all_codes(it, drug_of[a], on, codes.get(a, set()))
                trusted += self._left_out(it, drug_of[a], on, codes.get(a, set()), a in printed)
        return sorted({it for it in trusted if it})

    def _name(self, text: str, drug: str) -> str:
        """What is taken on trust of a charted name, or nothing."""
        folded = _folded(text)
        if drug in self.ingredients:
            if not any(_folded(it) in folded for it in self._spellings(drug)):
                raise DrugError(f"{text!r} holds no spelling of {drug}")
        elif not re.fullmatch(r"u\d+", drug):
            raise DrugError(f"the drug list has no {drug}")
        elif folded in self.spelled:
            raise DrugError(f"{text!r} is said to be unknown, and the drug list has it")
        elif any(len(it) >= TELLING and it in folded for it in self.spelled):
            return f"that {text!r} is no drug of the list, though it holds the name of one"
        return ""

    def _named_product(self, text: str, drug: str, product: str) -> None:
        """A product that a name is said to settle is one of the drug, and the name holds its brand or its code."""
        if product == drug:
            return
        named = drug if product == f"{drug}_by_brand" else product
        rows = [row for row in self.products.get(drug, ()) if row["product"] == named]
        spelled = [it for row in rows for it in (*_items(row["brands"]), row["hcpcs"]) if it]
        if not any(_folded(it) in _folded(text) for it in spelled):
            raise DrugError(f"{text!r} holds no name of a product {product} of {drug}")

    def _fluid(self, text: str, drug: str, fluid: str, how: str) -> None:
        """A fluid that a name is said to hold is one of the list, spelled there; only an addition is added to it."""
        if fluid not in self.ingredients or self.ingredients[fluid]["kind"] not in CARRYING:
            raise DrugError(f"the drug list has no fluid {fluid}")
        folded = _folded(text)
        if not any(_folded(it) in folded for it in self._spellings(fluid)):
            raise DrugError(f"{text!r} holds no spelling of {fluid}")
        if how == "addition" and self.ingredients[drug]["kind"] not in ADDED:
            raise DrugError(f"{drug} is no electrolyte or vitamin, and is said to be added to {fluid}")

    def _addition(self, text: str, drug: str) -> None:
        """What a name is said to hold besides its drug is an electrolyte or a vitamin of the list, spelled there."""
        if drug not in self.ingredients or self.ingredients[drug]["kind"] not in ADDED:
            raise DrugError(f"{drug} is no electrolyte or vitamin of the drug list")
        if not any(_folded(it) in _folded(text) for it in self._spellings(drug)):
            raise DrugError(f"{text!r} holds no spelling of {drug}")

    def _in_units(self, a: str, given: Mapping[str, Any], facts: Sequence[Atom]) -> None:
        """What was given and opened makes the units that are said, of the code in force and of the printed one."""
        codes = {show(it[2]).strip('"') for it in facts if it[0] in {"code_in_force", "printed_code"} and it[1] == a}
        said = {it for it in facts if it[0] in IN_UNITS and it[1] == a}
        for code in codes | {show(it[2]).strip('"') for it in said}:
            of_code = {(it[0], int(show(it[3]))) for it in said if show(it[2]).strip('"') == code}
            units = self.units.get(code, set()) if code in codes else set()
            if of_code not in ([set(_made(given, *unit)) for unit in units] or [set()]):
                raise DrugError(f"{', '.join(sorted(map(show, said))) or code}: the amounts charted make other units")

    def _listed(self, drug: str) -> list[Atom]:
        row = self.ingredients[drug]
        flags = ((flag, drug) for flag in FLAGS if row[flag] == "yes")
        return [("drug_kind", drug, row["kind"]), *flags, *self._own_codes(drug)]

    def _own_codes(self, drug: str) -> Iterator[Atom]:
        for row in self.next_door.get(drug, ()):
            begin = int(row["valid_from"].replace("-", "") or 0)
            end = int(row["valid_to"].replace("-", "") or LAST)
            for route in _items(row["routes"]) or ["any"]:
                for code in _items(row["diagnoses"]) or ["any"]:
                    [found] = parse_facts(f'own_codes({drug},{row["way"]},{route.lower()},"{code}",{begin},{end}).')
                    yield found

    def _routes(self, drug: str, stated: set[str]) -> None:
        """The routes said of an administration are those of one product of its drug, or of all where all have some."""
        by_product: dict[str, set[str]] = {}
        for row in self.products.get(drug, ()):
            by_product.setdefault(row["product"], set()).update(it.lower() for it in _items(row["routes"]))
        together = set[str]().union(*by_product.values()) if all(by_product.values()) else set()
        if stated not in [together, *by_product.values()]:
            raise DrugError(f"{', '.join(sorted(stated)) or 'no route'}: the drug list does not say so of {drug}")

    def _may_be_meant(self, given: Mapping[str, Any], drug: str) -> list[Mapping[str, str]]:
        """The products that a name may mean: of what is charted by the ingredient's name alone those by that route."""
        products = self.products.get(drug, [])
        if not self._by_name(given, drug):
            return products
        routes = {row["product"]: _items(row["routes"]) for row in products if row["routes"]}
        return [row for row in products if given["route"] in routes.get(row["product"], [given["route"]])]

    def _by_name(self, given: Mapping[str, Any], drug: str) -> bool:
        """Whether what was given is charted by the ingredient's name alone."""
        row = self.ingredients[drug]
        names = {_folded(it) for it in (drug, row["name"], *_items(row["spellings"]))}
        return "product" not in given and "form" not in given and _folded(given["drug"]) in names

    def _all_codes(self, given: Mapping[str, Any], drug: str, on: date, stated: set[str]) -> None:
        """Of what is charted by the ingredient's name alone every code by that route may be meant."""
        for row in self._may_be_meant(given, drug) if self._by_name(given, drug) else ():
            if row["hcpcs"] and _in_force(row, on) and row["hcpcs"] not in stated:
                raise DrugError(
                    f"{row['hcpcs']} may be meant by {given['drug']!r} on {on}, and the proof does not say so"
                )

    def _left_out(
        self, given: Mapping[str, Any], drug: str, on: date, stated: set[str], printed: bool
    ) -> Iterator[str]:
        """What the list has of a drug whose units are charted, and the proof does not say: taken on trust."""
        now = [row for row in self._may_be_meant(given, drug) if row["hcpcs"] and _in_force(row, on)]
        if now and not stated:
            yield f"that {given['drug']!r} has no code in force on {on}, though a product of {drug} has"
        if not printed and any(row["printed_code"] and row["hcpcs"] in stated for row in now):
            yield f"that {given['drug']!r} has no printed code, though a product of {drug} has"

    def _product(self, fact: Atom, drug: str, given: Mapping[str, Any], on: date, ended: str) -> None:
        products = self.products.get(drug, [])
        if fact[0] == "form":
            possible = {row["form"] for row in products} | {given.get("form", "")}
        elif fact[0] == "printed_per_unit":
            possible = {str(it) for it in self._ratios(products, on)}
        elif fact[0] == "charted_per_unit":
            now = {row["hcpcs"] for row in products if _in_force(row, on)}
            possible = {str(it) for it in self._thousandths({ended}, now)}
        elif fact[0] == "ended_code":
            old = {row["hcpcs"] for row in products} - {row["hcpcs"] for row in products if _in_force(row, on)}
            charted = {text.strip().upper() for text in (given["drug"], given.get("product", ""))}
            possible = {f'"{code}"' for code in old & charted}
        else:
            rows = [row for row in products if fact[0] == "printed_code" or _in_force(row, on)]
            possible = {f'"{row["printed_code" if fact[0] == "printed_code" else "hcpcs"]}"' for row in rows}
        if show(fact[2]) not in possible - {"", '""'}:
            raise DrugError(f"{show(fact)}: the drug list does not say so of {drug} on {on}")

    def _ratios(self, products: Sequence[Row], on: date) -> set[Decimal]:
        """How many thousandths of a unit of a printed code one unit of a code in force may be."""
        now = {row["hcpcs"] for row in products if _in_force(row, on)}
        return self._thousandths(now, {row["printed_code"] for row in products})

    def _thousandths(self, ones: Iterable[str], others: Iterable[str]) -> set[Decimal]:
        """How many thousandths of a unit of one code a unit of another is, where that comes out even."""
        amounts = [[it for code in codes for it in self.amounts.get(code, ())] for codes in (ones, others)]
        found = {1000 * one / other for one in amounts[0] for other in amounts[1] if other}
        return {it.to_integral_value() for it in found if it == it.to_integral_value()}


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _items(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _in_force(row: Row, on: date) -> bool:
    begun = not row["valid_from"] or date.fromisoformat(row["valid_from"].removeprefix("<=")) <= on
    return begun and (not row["valid_to"] or on <= date.fromisoformat(row["valid_to"]))


def _made(given: Mapping[str, Any], amount: str, measure: str) -> Iterator[tuple[str, int]]:
    """What an administration says of amounts, in thousandths of a unit of that amount."""
    if not amount:
        return
    unit = _measured(f"{amount} {measure.replace('_', ' ')}")
    dose = _measured(given["amount"]) if "amount" in given else None
    if dose and dose[1] == unit[1] and (found := ceil(1000 * dose[0] / unit[0])) <= MOST:
        yield "amount_in_units", found
    vials = [(*_measured(it["size"]), it.get("count", 1)) for it in given.get("vials", ())]
    if not vials or any(kind != unit[1] for _, kind, _ in vials):
        return
    held = floor(sum(1000 * size / unit[0] * number for size, _, number in vials))
    if held <= MOST:
        yield "opened_in_units", held
        yield from (("vial_in_units", ceil(1000 * size / unit[0])) for size, _, _ in vials)


def _measured(text: str) -> tuple[Fraction, str]:
    """An amount in the least measure of its kind, and the kind."""
    plain = re.sub(r"\s+", "", text.casefold().replace("\u00b5", "u").replace("\u03bc", "u"))
    words = plain.lstrip("0123456789.,")
    number = plain.removesuffix(words)
    _, kind, times = next(it for it in MEASURES if words.startswith(it[0]))
    return Fraction(number.replace(",", "")) * times, kind
