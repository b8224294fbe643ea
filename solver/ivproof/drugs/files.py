"""Reads the four files of a drug list and refuses what cannot be right, every problem at once.

The columns are explained in ``asp/drugs/README.md``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from ivproof.drugs.names import folded
from ivproof.drugs.records import FORMS, KINDS, MEASURES, ROUTES, Code, Drug, DrugSource, How, Match, NextDoor, Product
from ivproof.formats.plain_file import FileError, read_text

INGREDIENT_COLUMNS = (
    *("key", "name", "kind", "printed", "hormonal", "immunotherapy"),
    *("spellings", "sources", "note"),
)
PRODUCT_COLUMNS = (
    *("product", "ingredient", "brands", "form", "routes"),
    *("hcpcs", "valid_from", "valid_to", "amount", "measure"),
    *("printed_code", "sources", "note"),
)
NEXT_DOOR_COLUMNS = (
    *("drug", "way", "routes", "diagnoses", "valid_from", "valid_to"),
    *("codes", "sources", "note"),
)
SOURCE_COLUMNS = ("id", "title", "publisher", "as_of", "used_for")

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_HCPCS = re.compile(r"[A-Z]\d{4}")
_DIAGNOSIS = re.compile(r"[A-Z]\d[0-9A-Z]")
_YES_NO = frozenset({"yes", "no"})
_IMMUNOTHERAPY_KINDS = frozenset({"antineoplastic_antibody", "biologic_response_modifier"})
OF_OTHERS = "others"
"""What stands in the column of codes where a name leaves open which of the other products of its drug is meant."""

_SEEN_BY = "<="  # before a day in valid_from: the code was first seen on it and may be older


class DrugFileProblem(NamedTuple):
    """One thing in the list that cannot be right: where it stands, what was found and what was expected."""

    file: str
    row: int
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        """One line for a message."""
        return f"{self.file}, row {self.row}, {self.column}: found {self.found!r}, expected {self.expected}"


class DrugListError(ValueError):
    """The drug list cannot be used; ``problems`` has every reason."""

    def __init__(self, problems: Sequence[DrugFileProblem]) -> None:
        """Keep the problems and put each on a line of the message."""
        self.problems = tuple(problems)
        super().__init__("\n  ".join(["the drug list cannot be used:", *map(str, problems)]))


class DrugTables(NamedTuple):
    """A list that was read: drugs and sources by key, and the match of every spelling in its folded form."""

    drugs: dict[str, Drug]
    sources: dict[str, DrugSource]
    names: dict[str, Match]


def read(folder: Path) -> DrugTables:
    """The list in a folder. Raises DrugListError with every problem found in its files."""
    return _Reader(folder).read()


class _Line(dict[str, str]):
    """A row of a file by column; ``row`` is its number as an editor counts."""

    row = 0


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[DrugFileProblem] = []
        self.file = ""
        self.row = 0
        self.sources: dict[str, DrugSource] = {}
        self.codes: dict[int, Code] = {}  # by row of products.csv
        self.codes_by_name: dict[str, Code] = {}

    def read(self) -> DrugTables:
        for line in self._lines("sources.csv", SOURCE_COLUMNS):
            self._source(line)
        ingredients: dict[str, _Line] = {}
        for line in self._lines("ingredients.csv", INGREDIENT_COLUMNS):
            self._check_ingredient(line, ingredients)
            ingredients[line["key"]] = line
        products: dict[str, list[_Line]] = {}
        for line in self._lines("products.csv", PRODUCT_COLUMNS):
            self._check_product(line, ingredients, products)
            products.setdefault(line["product"], []).append(line)
        for line in (line for lines in products.values() for line in lines if _has_code(line)):
            self.codes[line.row] = code = self._code(line)
            self.codes_by_name.setdefault(code.hcpcs, code)
        sold: dict[str, list[Product]] = {}
        for lines in products.values():
            sold.setdefault(lines[0]["ingredient"], []).append(self._product(lines))
        beside: dict[str, list[NextDoor]] = {}
        for line in self._lines("next-door.csv", NEXT_DOOR_COLUMNS):
            beside.setdefault(line["drug"], []).append(self._next_door(line, ingredients))
        drugs = {key: self._drug(line, sold.get(key, []), beside.get(key, [])) for key, line in ingredients.items()}
        names = self._names(drugs, ingredients, products)
        self._check_codes(drugs, products)
        if self.problems:
            raise DrugListError(self.problems)
        return DrugTables(drugs, self.sources, names)

    # Reading rows and values

    def _problem(self, column: str, found: str, expected: str) -> None:
        self.problems.append(DrugFileProblem(self.file, self.row, column, found, expected))

    def _lines(self, file: str, columns: tuple[str, ...]) -> Iterator[_Line]:
        self.file, self.row = file, 1
        try:
            text = read_text(self.folder / file)
        except (OSError, FileError) as error:
            self._problem("file", str(error), f"a readable UTF-8 file {file}")
            return
        reader = csv.reader(text.splitlines())
        header = tuple(next(reader, ()))
        if header != columns:
            self._problem("header", ",".join(header), ",".join(columns))
            return
        for values in reader:
            self.row = reader.line_num
            if len(values) != len(columns):
                self._problem("row", ",".join(values), f"{len(columns)} columns")
                continue
            line = _Line(zip(columns, values, strict=True))
            line.row = self.row
            yield line

    def _one_of(self, column: str, value: str, allowed: frozenset[str]) -> None:
        if value not in allowed:
            self._problem(column, value, "one of " + ", ".join(sorted(allowed)))

    def _shaped(self, column: str, value: str, shape: re.Pattern[str], expected: str) -> None:
        if not shape.fullmatch(value):
            self._problem(column, value, expected)

    def _day(self, column: str, value: str) -> date | None:
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            self._problem(column, value, "a day like 2019-01-01")
            return None

    def _check_sources(self, line: _Line) -> None:
        if not line["sources"]:
            self._problem("sources", "", "at least one id of sources.csv")
        for unknown in (i for i in _split(line["sources"]) if i not in self.sources):
            self._problem("sources", unknown, "an id of sources.csv")

    # The three files

    def _source(self, line: _Line) -> None:
        as_of = self._day("as_of", line["as_of"])
        if line["id"] in self.sources:
            self._problem("id", line["id"], "an id that no row above has")
        if not line["as_of"]:
            self._problem("as_of", "", "the day of the source")
        day = as_of or date.min
        self.sources[line["id"]] = DrugSource(line["id"], line["title"], line["publisher"], day, line["used_for"])

    def _check_ingredient(self, line: _Line, above: Mapping[str, _Line]) -> None:
        self._shaped("key", line["key"], _KEY, "lower-case letters, digits and _, a letter first")
        if line["key"] in above:
            self._problem("key", line["key"], "a key that no row above has")
        if not line["name"]:
            self._problem("name", "", "a name")
        self._one_of("kind", line["kind"], KINDS)
        for flag in ("printed", "hormonal", "immunotherapy"):
            self._one_of(flag, line[flag], _YES_NO)
        if (line["hormonal"] == "yes") != (line["kind"] == "antineoplastic_hormonal"):
            self._problem("hormonal", line["hormonal"], "yes exactly for the kind antineoplastic_hormonal")
        if line["immunotherapy"] == "yes" and line["kind"] not in _IMMUNOTHERAPY_KINDS:
            self._problem("immunotherapy", "yes", f"no for the kind {line['kind']}")
        self._check_sources(line)

    def _check_product(
        self, line: _Line, ingredients: Mapping[str, _Line], above: Mapping[str, Sequence[_Line]]
    ) -> None:
        self._shaped("product", line["product"], _KEY, "lower-case letters, digits and _, a letter first")
        ingredient = ingredients.get(line["ingredient"])
        if ingredient is None:
            self._problem("ingredient", line["ingredient"], "a key of ingredients.csv")
        elif line["printed_code"] and ingredient["printed"] != "yes":
            self._problem("printed_code", line["printed_code"], "nothing, as the ingredient is not printed")
        if line["form"]:
            self._one_of("form", line["form"], FORMS)
        for route in _split(line["routes"]):
            self._one_of("routes", route, ROUTES)
        if line["printed_code"]:
            self._shaped("printed_code", line["printed_code"], _HCPCS, "a letter and four digits, or nothing")
        for first in above.get(line["product"], ())[:1]:
            for column in ("ingredient", "form", "routes"):
                if line[column] != first[column]:
                    self._problem(column, line[column], f"{first[column]!r} as in row {first.row}")
            for column in ("brands", "printed_code"):
                if line[column]:
                    self._problem(column, line[column], f"nothing, as row {first.row} begins the product")
        if _has_code(line):
            self._shaped("hcpcs", line["hcpcs"], _HCPCS, f"a letter and four digits, {OF_OTHERS!r}, or nothing")
            begin = self._day("valid_from", line["valid_from"].removeprefix(_SEEN_BY))
            end = self._day("valid_to", line["valid_to"])
            if begin and end and end < begin:
                self._problem("valid_to", line["valid_to"], f"a day not before {begin}")
            self._check_amount(line)
        else:
            for column in ("valid_from", "valid_to", "amount", "measure"):
                if line[column]:
                    self._problem(column, line[column], "nothing in a row without a code")
        self._check_sources(line)

    def _check_amount(self, line: _Line) -> None:
        if not line["amount"] and not line["measure"]:
            return
        self._one_of("measure", line["measure"], MEASURES)
        if (_amount(line["amount"]) or 0) <= 0:
            self._problem("amount", line["amount"], "a number above 0, together with its measure")

    # What the rows say

    def _product(self, lines: Sequence[_Line]) -> Product:
        first = lines[0]
        codes = tuple(self.codes[line.row] for line in lines if _has_code(line))
        printed = first["printed_code"]
        printed_code = self.codes_by_name.get(printed, Code(printed)) if printed else None
        note = " ".join(line["note"] for line in lines if line["note"])
        brands, routes = _split(first["brands"]), _split(first["routes"])
        of_others = first["hcpcs"] == OF_OTHERS
        return Product(first["product"], brands, first["form"] or None, routes, codes, printed_code, note, of_others)

    def _code(self, line: _Line) -> Code:
        begin, sources = line["valid_from"], _split(line["sources"])
        return Code(
            hcpcs=line["hcpcs"],
            valid_from=_day_or_none(begin.removeprefix(_SEEN_BY)),
            valid_to=_day_or_none(line["valid_to"]),
            start_unknown=begin.startswith(_SEEN_BY),
            amount=_amount(line["amount"]),
            measure=line["measure"] or None,
            checked=max((self.sources[i].as_of for i in sources if i in self.sources), default=None),
        )

    def _next_door(self, line: _Line, ingredients: Mapping[str, _Line]) -> NextDoor:
        if line["drug"] not in ingredients:
            self._problem("drug", line["drug"], "a key of ingredients.csv")
        self._shaped("way", line["way"], _KEY, "lower-case letters, digits and _, a letter first")
        for route in _split(line["routes"]):
            self._one_of("routes", route, ROUTES)
        for code in _split(line["diagnoses"]):
            self._shaped("diagnoses", code, _DIAGNOSIS, "the first three characters of a diagnosis, like I63")
        if not line["codes"]:
            self._problem("codes", "", "the codes that it has")
        begin, end = self._day("valid_from", line["valid_from"]), self._day("valid_to", line["valid_to"])
        self._check_sources(line)
        parts = (_split(line[column]) for column in ("routes", "diagnoses", "codes"))
        routes, diagnoses, codes = parts
        return NextDoor(line["way"], routes, diagnoses, begin, end, codes)

    def _drug(self, line: _Line, products: Sequence[Product], beside: Sequence[NextDoor]) -> Drug:
        return Drug(
            key=line["key"],
            name=line["name"],
            kind=line["kind"],
            printed=line["printed"] == "yes",
            hormonal=line["hormonal"] == "yes",
            immunotherapy=line["immunotherapy"] == "yes",
            spellings=_split(line["spellings"]),
            products=tuple(products),
            sources=_split(line["sources"]),
            note=line["note"],
            next_door=tuple(beside),
        )

    # What the list as a whole must not contradict

    def _names(
        self,
        drugs: Mapping[str, Drug],
        ingredients: Mapping[str, _Line],
        products: Mapping[str, Sequence[_Line]],
    ) -> dict[str, Match]:
        """Every spelling, folded, with what it stands for; no spelling stands for two things."""
        names: dict[str, Match] = {}

        def add(column: str, spelling: str, drug: Drug, product: Product | None, how: How) -> None:
            form = folded(spelling)
            known = names.get(form)
            if not form:
                self._problem(column, spelling, "a spelling with letters or digits")
            elif _HCPCS.fullmatch(spelling.upper()):
                self._problem(column, spelling, "a name; codes stand in the column hcpcs of products.csv")
            elif known is None:
                names[form] = Match(drug, product, how, spelling)
            elif how != "ingredient" or known.drug is not drug:
                owner = known.product.key if known.product else known.drug.key
                self._problem(column, spelling, f"a spelling that is not yet {owner} ({known.spelling!r})")

        for key, drug in drugs.items():
            self.file, self.row = "ingredients.csv", ingredients[key].row
            add("name", drug.name, drug, None, "ingredient")
            if key != drug.name:
                add("key", key.replace("_", " "), drug, None, "ingredient")
            for spelling in drug.spellings:
                add("spellings", spelling, drug, None, "alias")
        for drug in drugs.values():
            for product in drug.products:
                self.file, self.row = "products.csv", products[product.key][0].row
                for brand in product.brands:
                    add("brands", brand, drug, product, "brand")
        return names

    def _check_codes(self, drugs: Mapping[str, Drug], products: Mapping[str, Sequence[_Line]]) -> None:
        """No code of two ingredients, and no two codes of a product on one day."""
        owners: dict[str, str] = {}
        for drug in drugs.values():
            for product in drug.products:
                self.file, self.row = "products.csv", products[product.key][0].row
                for code in product.codes:
                    owner = owners.setdefault(code.hcpcs, drug.key)
                    if owner != drug.key:
                        self._problem("hcpcs", code.hcpcs, f"a code that is not that of {owner} already")
                in_order = sorted(product.codes, key=lambda code: code.valid_from or date.min)
                for before, after in pairwise(in_order):
                    if before.valid_to is None or before.valid_to >= (after.valid_from or date.min):
                        until = f"an end of {before.hcpcs} before {after.hcpcs} begins ({after.valid_from})"
                        self._problem("valid_to", str(before.valid_to or ""), until)


def _has_code(line: _Line) -> bool:
    """Whether a row of a product has a code of its own."""
    return line["hcpcs"] not in {"", OF_OTHERS}


@lru_cache(maxsize=1024)  # sources, routes and empty cells come again and again
def _split(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split("|") if part.strip())


def _day_or_none(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return None


def _amount(value: str) -> Decimal | None:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
