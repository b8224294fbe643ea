"""What the drug list knows: drugs, their products, the products' codes over time, and what a name matched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

How = Literal["ingredient", "brand", "hcpcs", "alias", "ndc", "rxnorm"]

KINDS = frozenset(
    {
        "antineoplastic",
        "antineoplastic_antibody",
        "antineoplastic_hormonal",
        "immune_antibody",
        "biologic_response_modifier",
        "chemotherapy_modulator",
        "supportive",
        "therapeutic",
        "vitamin",
        "electrolyte",
        "saline",
        "balanced_fluid",
        "dextrose",
        "diluent",
        "contrast",
        "vaccine",
        "flush",
        "blood_product",
        "radionuclide",
    }
)
FLUIDS = frozenset({"saline", "balanced_fluid", "dextrose"})
CARRIERS = FLUIDS | {"diluent"}
ADDITIONS = frozenset({"electrolyte", "vitamin"})
FORMS = frozenset(
    {"solution", "depot", "implant", "capsule", "tablet", "on_body_injector", "autoinjector", "instillation"}
)
ROUTES = frozenset({"IV", "IM", "SQ", "IA", "ID", "IT", "IP", "IPL", "IL", "PO"})
MEASURES = frozenset({"mg", "mcg", "g", "ml", "unit", "million_unit", "meq", "vial", "dose", "implant", "million_pfu"})


_KIND_OF_MEASURE = {
    **{"g": ("mass", 1_000_000), "mg": ("mass", 1000), "mcg": ("mass", 1)},
    **{"million_unit": ("unit", 1_000_000), "unit": ("unit", 1)},
}
"""Measures of one kind, with how many of the smallest one each makes; any other is of a kind of its own."""


@dataclass(frozen=True, slots=True)
class DrugSource:
    """Where a row of the list comes from, and as of which day."""

    id: str
    title: str
    publisher: str
    as_of: date
    used_for: str


@dataclass(frozen=True, slots=True)
class Code:
    """An HCPCS code of a product, the days on which it is in force and what one unit of it is.

    ``valid_from`` None: in force since before the list's first source (2018). ``start_unknown``: first seen
    on ``valid_from``; it began then or earlier. ``valid_to`` None: no source shows an end; ``checked`` is
    the day of the newest source that lists the code. ``amount`` None: not known, or no single amount (a
    fixed combination).
    """

    hcpcs: str
    valid_from: date | None = None
    valid_to: date | None = None
    start_unknown: bool = False
    amount: Decimal | None = None
    measure: str | None = None
    checked: date | None = None

    def in_force(self, on: date) -> bool:
        """Whether the list shows the code in force on that day."""
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_to is None or on <= self.valid_to)

    def units(self, number: Decimal, measure: str) -> Fraction | None:
        """How many units of the code an amount makes; None where its measure is of another kind or not known here.

        >>> Code("J9312", amount=Decimal(10), measure="mg").units(Decimal("0.679"), "g")
        Fraction(679, 10)
        """
        if self.amount is None or self.measure is None:
            return None
        kind, of_amount = _KIND_OF_MEASURE.get(measure, (measure, 1))
        own, of_unit = _KIND_OF_MEASURE.get(self.measure, (self.measure, 1))
        return Fraction(number) * of_amount / (Fraction(self.amount) * of_unit) if kind == own else None

    def __str__(self) -> str:
        """The code and what one unit of it is."""
        return self.hcpcs if self.amount is None else f"{self.hcpcs} ({self.amount} {self.measure})"


@dataclass(frozen=True, slots=True)
class Product:
    """A form in which an ingredient is sold: brands, dosage form, routes and codes over time.

    ``form`` None and empty ``routes``: the product does not say. ``printed_code`` is the code that the
    policy's Appendix A prints for it, even where it was wrong or had ended; ``note`` says what is wrong. A product
    ``of_others`` is no product but a name that leaves open which one it is: a biosimilar without its maker.
    """

    key: str
    brands: tuple[str, ...]
    form: str | None
    routes: tuple[str, ...]
    codes: tuple[Code, ...]
    printed_code: Code | None
    note: str
    of_others: bool = False

    def code_on(self, on: date) -> Code | None:
        """The code in force on that day, or None."""
        return next((code for code in self.codes if code.in_force(on)), None)

    def ended(self, on: date) -> bool:
        """Whether its name does not tell which code it has: it had codes and none after that day, or never one."""
        had = bool(self.codes) and all(it.valid_to is not None and it.valid_to < on for it in self.codes)
        return had or self.of_others

    def allows(self, route: str) -> bool:
        """Whether the product is given by that route, as far as it says."""
        return not self.routes or route in self.routes


@dataclass(frozen=True, slots=True)
class Drug:
    """An ingredient (or a fixed combination, or a ready-made fluid) and what the policy needs to know of it.

    ``printed``: Appendix A prints the ingredient. ``hormonal``: a hormonal antineoplastic.
    ``immunotherapy``: given against cancer it is antineoplastic immunotherapy. ``next_door``: ways of giving it that
    have codes of their own.
    """

    key: str
    name: str
    kind: str
    printed: bool
    hormonal: bool
    immunotherapy: bool
    spellings: tuple[str, ...]
    products: tuple[Product, ...]
    sources: tuple[str, ...]
    note: str
    next_door: tuple[NextDoor, ...] = ()

    @property
    def default_product(self) -> Product | None:
        """The product meant when only the ingredient is charted: the one that has the ingredient's key."""
        return next((product for product in self.products if product.key == self.key), None)

    @property
    def printed_code(self) -> Code | None:
        """The code that Appendix A prints for the drug: its default product's, or else the first printed."""
        default = self.default_product
        if default is not None and default.printed_code is not None:
            return default.printed_code
        return next((product.printed_code for product in self.products if product.printed_code), None)


@dataclass(frozen=True, slots=True)
class NextDoor:
    """A way of giving a drug that has codes of its own, outside the policy.

    ``way`` names it; ``routes`` and ``diagnoses`` (the first characters of their codes) are those that it goes by,
    any where there are none; ``begin`` and ``end`` are the days on which it holds, None for no bound.
    """

    way: str
    routes: tuple[str, ...]
    diagnoses: tuple[str, ...]
    begin: date | None
    end: date | None
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Carrier:
    """The fluid that a name says the drug was mixed into, and its volume in millilitres where the name gives one.

    `added` is true where it is fluid with something added, a litre or more of it named with the dose of an
    electrolyte in it, rather than a drug in what only carries it.
    """

    drug: Drug
    ml: Decimal | None = None
    added: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """What a charted name was found to be.

    ``product`` is the brand or code that matched (None for an ingredient, and for a name or code that
    several products of the ingredient share); ``code`` the HCPCS code, when the chart gave one; ``notes``
    say what the reader should know, such as a code that was not in force on the day; ``carrier`` is the
    fluid that the name says the drug was mixed into, and ``others`` the electrolytes and vitamins that it says
    are in it as well.
    """

    drug: Drug
    product: Product | None
    how: How
    spelling: str
    code: Code | None = None
    notes: tuple[str, ...] = ()
    carrier: Carrier | None = None
    others: tuple[Match, ...] = ()

    @property
    def only_additions(self) -> bool:
        """Whether the name holds several electrolytes or vitamins and no other drug: each has units of its own."""
        return bool(self.others) and self.drug.kind in ADDITIONS

    def products(self, route: str | None = None, form: str | None = None) -> tuple[Product, ...]:
        """The products that may be meant, as far as the route and the form tell.

        Of a code these are the products that it was a code of, of an ingredient all.
        """
        if self.product is not None:
            return (self.product,)
        found = self.drug.products
        if self.code is not None:
            found = tuple(it for it in found if any(code.hcpcs == self.code.hcpcs for code in it.codes))
        by_route = tuple(it for it in found if route is None or it.allows(route))
        by_form = tuple(it for it in by_route if form is not None and (it.form or "solution") == form)
        return by_form or by_route

    def codes_on(self, on: date, route: str | None = None, form: str | None = None) -> Codes:
        """The codes in force on that day that may be meant."""
        if self.code is not None and self.code.in_force(on):
            return Codes(self.code, ())
        products = self.products(route, form)
        found = _in_force(products, on)
        ended = self.code is not None or (self.product is not None and self.product.ended(on))
        if ended and not found:  # without a successor of the same product
            others = _in_force(self._others(route, form), on)
            if self.product is not None and self.product.of_others:
                others = tuple(it for it in others if it not in _in_force(self._reference, on))
            return Codes(None, others)
        default = self.drug.default_product
        if self.code is None and self.product is None and default in products and default is not None:
            meant = default.code_on(on)
            return Codes(meant, tuple(it for it in found if meant is None or it.hcpcs != meant.hcpcs))
        if len(found) != 1:
            return Codes(None, found)
        if self.code is None or self.product is None:
            return Codes(found[0], ())
        # makers that the code was for as well, until they got codes of their own when it ended
        split = [it for it in self._others(route, form) if self._begins_where_it_ended(it.codes)]
        return Codes(found[0], tuple(it for it in _in_force(split, on) if it != found[0]))

    @property
    def _reference(self) -> tuple[Product, ...]:
        """The product that its ingredient names, which a biosimilar is not."""
        return tuple(it for it in self.drug.products if it.key == self.drug.key)

    def _others(self, route: str | None, form: str | None) -> tuple[Product, ...]:
        return replace(self, code=None, product=None).products(route, form)

    def _begins_where_it_ended(self, codes: Sequence[Code]) -> bool:
        end = self.code.valid_to if self.code is not None else None
        begun = [it.valid_from for it in codes]
        return end is not None and end + timedelta(days=1) in begun and all(it is not None and it > end for it in begun)

    def code_on(self, on: date, route: str | None = None) -> Code | None:
        """The code in force on that day of what is meant; None where that is not told."""
        return self.codes_on(on, route).meant

    @property
    def routes(self) -> frozenset[str]:
        """The routes of the product that matched, or of all products of the drug; empty where one is not restricted."""
        products = [self.product] if self.product else self.drug.products
        return frozenset().union(*(it.routes for it in products)) if all(it.routes for it in products) else frozenset()

    @property
    def printed_code(self) -> Code | None:
        """The code that Appendix A prints for what matched; for the drug, where no product and no code did."""
        if self.product is None and self.code is None:
            return self.drug.printed_code
        printed = {it.printed_code.hcpcs: it.printed_code for it in self.products() if it.printed_code is not None}
        return next(iter(printed.values())) if len(printed) == 1 else None


class Codes(NamedTuple):
    """Codes that may be meant: the one that is, where that is told, and the others that may be as well."""

    meant: Code | None
    others: tuple[Code, ...]


def _in_force(products: Iterable[Product], on: date) -> tuple[Code, ...]:
    """The codes of products on that day, each once."""
    codes = (product.code_on(on) for product in products)
    return tuple({code.hcpcs: code for code in codes if code is not None}.values())
