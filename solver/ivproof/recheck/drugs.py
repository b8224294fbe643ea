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
OPEN = "others"  # in the place of a code: a name that leaves open which of the other products is meant
LAST = 99991231  # the day that no date of service comes after
FLAGS = ("printed", "hormonal", "immunotherapy")
OF_PRODUCTS = {
    *("form", "code_in_force", "other_code", "ended_code"),
    *("charted_per_unit", "printed_code", "printed_per_unit"),
}
IN_UNITS = ("amount_in_units", "opened_in_units", "vial_in_units")
MOST = 100_000_000  # thousandths of a unit
ALONE = re.compile(r"\s*(?:\d{4,5}-\d{3,4}-\d\d?|\d{10,11})\s*", re.ASCII)
BESIDE = re.compile(r"[\s,;]*[(\[]?\b(ndc|rxnorm|rxcui)[\s:#]*(\d[\d-]*)[)\]]?", re.ASCII | re.IGNORECASE)
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
    """The files `ingredients.csv`, `products.csv`, `next-door.csv` and, where it is there, `codes.csv` of a folder.

    Raises OSError, or KeyError where a column lacks.
    """

    def __init__(self, folder: Path) -> None:
        self.ingredients = {row["key"]: row for row in _rows(folder / "ingredients.csv")}
        self.products: dict[str, list[Row]] = {}
        for row in _rows(folder / "products.csv"):
            own = {**row, "hcpcs": ""} if row["hcpcs"] == OPEN else row
            self.products.setdefault(row["ingredient"], []).append(own)
        self.next_door: dict[str, list[Row]] = {}
        for row in _rows(folder / "next-door.csv"):
            self.next_door.setdefault(row["drug"], []).append(row)
        self.amounts: dict[str, set[Decimal]] = {}
        for row in (row for rows in self.products.values() for row in rows if row["amount"]):
            self.amounts.setdefault(row["hcpcs"], set()).add(Decimal(row["amount"]))
        self.units: dict[str, set[tuple[str, str]]] = {}
        for row in (row for rows in self.products.values() for row in rows if row["hcpcs"]):
            self.units.setdefault(row["hcpcs"], set()).add((row["amount"], row["measure"]))
        self.spelled: dict[str, set[str]] = {}
        for drug in self.ingredients:
            for text in self._spellings(drug):
                self.spelled.setdefault(_folded(text), set()).add(drug)
        self.of_code: dict[str, set[str]] = {}
        for drug, rows in self.products.items():
            for code in {code for row in rows for code in (row["hcpcs"], row["printed_code"]) if code}:
                self.of_code.setdefault(code, set()).add(drug)
        self.coded: dict[tuple[str, str], list[Row]] = {}
        for row in _rows(folder / "codes.csv") if (folder / "codes.csv").exists() else ():
            self.coded.setdefault((row["system"], row["code"]), []).append(row)

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
        on = date.fromisoformat(chart["date"])
        drug_of = {str(it[1]): str(it[2]) for it in facts if it[0] == "drug"}
        named = [(f"a{n}", it) for n, it in enumerate(given, 1) if f"a{n}" in drug_of]  # what was given
        trusted = [self._name(it, drug_of[a], on) for a, it in named]
        texts = {a: self._with_codes(it["drug"], on) for a, it in named}
        fluids = [(str(it[1]), str(it[2]), str(it[3])) for it in facts if it[0] == "in_fluid" and len(it) == 4]
        for a, fluid, how in fluids:
            self._fluid(texts[a], drug_of[a], fluid, how)
        for a, product in ((str(it[1]), str(it[2])) for it in facts if it[0] == "product" and len(it) == 3):
            if drug_of[a] in self.ingredients and "product" not in given[int(a[1:]) - 1]:
                self._named_product(texts[a], drug_of[a], product)
        also = [(str(it[1]), str(it[2])) for it in facts if it[0] == "also_in" and len(it) == 3]
        for a, drug in also:
            self._addition(texts[a], drug)
        both = {*drug_of.values(), *(fluid for _, fluid, _ in fluids), *(drug for _, drug in also)}
        known = sorted({drug for drug in both if drug in self.ingredients})
        expected = {atom for drug in known for atom in self._listed(drug)}
        for wrong in sorted(map(show, expected ^ set(listed))):
            raise DrugError(f"{wrong}: the proof and the drug list differ")
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
            self._in_units(a, it, facts, on)
            if drug_of[a] in self.ingredients and {"billing_units", "discarded_units", "amount", "vials"} & set(it):
                self._all_codes(it, drug_of[a], on, codes.get(a, set()))
                trusted += self._left_out(it, drug_of[a], on, codes.get(a, set()), a in printed)
        return sorted({it for it in trusted if it})

    def _name(self, given: Mapping[str, Any], drug: str, on: date) -> str:
        """What is taken on trust of a charted name, or nothing."""
        text, folded = given["drug"], _folded(given["drug"])
        found, rest = _codes_in(text)
        meant = [self._stands_for(code, on) for code in found]
        if drug in self.ingredients:
            if any(it != {drug} for it in meant):
                raise DrugError(f"{text!r} has a code that is not one of {drug}")
            if not meant and not any(_folded(it) in folded for it in self._spellings(drug)):
                raise DrugError(f"{text!r} holds no spelling of {drug}")
            if "product" in given and drug not in (self._product_of(given["product"], on) or {drug}):
                raise DrugError(f"{given['product']!r} is no product of {drug}")
        elif not re.fullmatch(r"u\d+", drug):
            raise DrugError(f"the drug list has no {drug}")
        elif self._product_of(given.get("product", ""), on) and not self._may_be(given, on):
            return ""
        elif self._differ(given, on):
            return f"that {text!r} and the product {given['product']!r} are not the same"
        elif folded in self.spelled or (not rest and [*map(len, meant)] == [1]):
            raise DrugError(f"{text!r} is said to be unknown, and the drug list has it")
        elif any(len(it) >= TELLING and it in folded for it in self.spelled):
            return f"that {text!r} is no drug of the list, though it holds the name of one"
        return ""

    def _rows_of(self, code: tuple[str, str], on: date) -> list[Row]:
        """What a code of a product stands for on a day, or where nothing does on other days."""
        rows = self.coded.get(code, [])
        return [row for row in rows if _holds(row, on)] or rows

    def _stands_for(self, code: tuple[str, str], on: date) -> set[str]:
        """The drugs of a code of a product."""
        found = set[str]()
        for row in self._rows_of(code, on):
            found |= {row["drug"]} if row["drug"] else self.of_code.get(row["hcpcs"], set())
        return found

    def _with_codes(self, text: str, on: date) -> str:
        """A charted name, with what stands in the list beside the codes that it gives."""
        rows = [row for code in _codes_in(text)[0] for row in self._rows_of(code, on)]
        return " ".join([text, *(row[column] for row in rows for column in ("name", "hcpcs"))])

    def _product_of(self, text: str, on: date) -> set[str] | None:
        """The drugs that a charted product is of; None where that is not told."""
        found, rest = _codes_in(text)
        if found and not rest:
            return set[str]().union(*(self._stands_for(code, on) for code in found)) or None
        return self.spelled.get(_folded(text))

    def _may_be(self, given: Mapping[str, Any], on: date) -> bool:
        """Whether the product that a chart names is one of a drug that its name spells, as far as the list tells."""
        named, product = self._product_of(given["drug"], on), self._product_of(given["product"], on)
        return named is None or product is None or bool(named & product)

    def _differ(self, given: Mapping[str, Any], on: date) -> bool:
        """Whether a chart may name another drug, or another product of it, by its product than by its drug."""
        if "product" not in given:
            return False
        texts = [self._with_codes(given[name], on) for name in ("drug", "product")]
        held = [[it for it in self.spelled if it in _folded(text)] for text in texts]
        longest = [max(it, key=len, default="") for it in held]
        if not all(longest):
            return False
        both = self.spelled[longest[0]] & self.spelled[longest[1]]
        one, other = (self._products_in(text, both) for text in texts)
        return not both or bool(one and other and one.isdisjoint(other))

    def _products_in(self, text: str, drugs: Iterable[str]) -> set[str]:
        """The products of drugs whose brand or code a text holds."""
        folded = _folded(text)
        return {
            row["product"]
            for drug in drugs
            for row in self.products.get(drug, ())
            if any(_folded(it) in folded for it in (*_items(row["brands"]), row["hcpcs"]) if it)
        }

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

    def _in_units(self, a: str, given: Mapping[str, Any], facts: Sequence[Atom], on: date) -> None:
        """What was given and opened makes the units that are said, of the code in force and of the printed one."""
        codes = {show(it[2]).strip('"') for it in facts if it[0] in {"code_in_force", "printed_code"} and it[1] == a}
        said = {it for it in facts if it[0] in IN_UNITS and it[1] == a}
        for code in codes | {show(it[2]).strip('"') for it in said}:
            of_code = {(it[0], int(show(it[3]))) for it in said if show(it[2]).strip('"') == code}
            units = self.units.get(code, set()) if code in codes else set()
            held = self._in_container(given, code, on)
            if of_code not in ([set(_made(given, *unit, held)) for unit in units] or [set()]):
                raise DrugError(f"{', '.join(sorted(map(show, said))) or code}: the amounts charted make other units")

    def _in_container(self, given: Mapping[str, Any], hcpcs: str, on: date) -> Fraction | None:
        """How many units of a code a container has by the NDC that is charted; None where that is not told."""
        each = []
        for text in (given["drug"], given.get("product", "")):
            rows = [row for code in _codes_in(text)[0] for row in self.coded.get(code, ()) if _holds(row, on)]
            held = {Fraction(it["units"]) if it["units"] else None for it in rows if it["hcpcs"] == hcpcs}
            each.append(held.pop() if len(held) == 1 else None)
        told = {it for it in each if it is not None}
        return told.pop() if len(told) == 1 else None

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


def _holds(row: Row, on: date) -> bool:
    """Whether a code of a product is known for a day; where it was only seen first on one, it may be older."""
    begun = not row["valid_from"] or row["valid_from"].startswith("<=") or date.fromisoformat(row["valid_from"]) <= on
    return begun and (not row["valid_to"] or on <= date.fromisoformat(row["valid_to"]))


def _codes_in(text: str) -> tuple[list[tuple[str, str]], str]:
    """The codes of products that a text gives, each in its one form, and what else it says.

    >>> _codes_in("ceftriaxone (NDC 409-7332-01)")  # three digits begin no NDC
    ([], 'ceftriaxone (NDC 409-7332-01)')
    >>> _codes_in("ceftriaxone (NDC 0409-7332-01)")
    ([('ndc', '00409-7332-01')], 'ceftriaxone')
    """
    if re.fullmatch(ALONE, text):
        places, rest = [("ndc", text.strip())], ""
    else:
        places = [(it[1].casefold(), it[2]) for it in re.finditer(BESIDE, text)]
        rest = re.sub(BESIDE, " ", text)
    found = [("ndc", _eleven(code)) if word == "ndc" else ("rxnorm", _number_of(code)) for word, code in places]
    if any(code is None for _, code in found):
        return [], text
    return list(dict.fromkeys((system, str(code)) for system, code in found)), rest.strip()


def one_form(product: str) -> str:
    """A charted product, an NDC or a number of RxNorm as it is written for people."""
    text = unicodedata.normalize("NFC", product).strip()
    found, rest = _codes_in(text)
    if len(found) != 1 or rest:
        return text
    return f"{'NDC' if found[0][0] == 'ndc' else 'RxNorm'} {found[0][1]}"


def _eleven(code: str) -> str | None:
    """An NDC as 5-4-2; None where its digits cannot be told apart."""
    parts = code.split("-") if "-" in code else [code[:5], code[5:9], code[9:]] if len(code) == 11 else []
    if [*map(len, parts)] not in ([4, 4, 2], [5, 3, 2], [5, 4, 1], [5, 4, 2]):
        return None
    return f"{parts[0]:0>5}-{parts[1]:0>4}-{parts[2]:0>2}"


def _number_of(code: str) -> str | None:
    return str(int(code)) if code.isdigit() else None


def _made(given: Mapping[str, Any], amount: str, measure: str, held: Fraction | None) -> Iterator[tuple[str, int]]:
    """What an administration says of amounts, in thousandths of a unit of that amount; `held` is what one vial has."""
    unit = _measured(f"{amount} {measure.replace('_', ' ')}") if amount else None

    def units(text: str) -> Fraction | None:
        size, kind = _measured(text)
        if unit is not None and kind == unit[1]:
            return size / unit[0]
        return size * held if kind == "vial" and held is not None else None

    dose = units(given["amount"]) if "amount" in given else None
    if dose is not None and (found := ceil(1000 * dose)) <= MOST:
        yield "amount_in_units", found
    vials = [(units(it["size"]), it.get("count", 1)) for it in given.get("vials", ())]
    known = [(size, number) for size, number in vials if size is not None]
    if not vials or len(known) < len(vials):
        return
    opened = floor(sum(1000 * size * number for size, number in known))
    if opened <= MOST:
        yield "opened_in_units", opened
        yield from (("vial_in_units", ceil(1000 * size)) for size, _ in known)


def _measured(text: str) -> tuple[Fraction, str]:
    """An amount in the least measure of its kind, and the kind."""
    plain = re.sub(r"\s+", "", text.casefold().replace("\u00b5", "u").replace("\u03bc", "u"))
    words = plain.lstrip("0123456789.,")
    number = plain.removesuffix(words)
    _, kind, times = next(it for it in MEASURES if words.startswith(it[0]))
    return Fraction(number.replace(",", "")) * times, kind
