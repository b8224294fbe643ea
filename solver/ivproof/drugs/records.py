"""What the drug list knows: drugs, their products, the products' codes over time, and what a name matched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

How = Literal["ingredient", "brand", "hcpcs", "alias"]

KINDS = frozenset(
    {
        "antineoplastic",
        "antineoplastic_antibody",
        "antineoplastic_hormonal",
        "immune_antibody",
        "biologic_response_modifier",
        "chemotherapy_modulator",
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
FORMS = frozenset(
    {"solution", "depot", "implant", "capsule", "tablet", "on_body_injector", "autoinjector", "instillation"}
)
ROUTES = frozenset({"IV", "IM", "SQ", "IA", "ID", "IT", "IP", "IPL", "IL", "PO"})
MEASURES = frozenset({"mg", "mcg", "g", "ml", "unit", "million_unit", "meq", "vial", "dose", "implant", "million_pfu"})


@dataclass(frozen=True, slots=True)
class Source:
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

    def __str__(self) -> str:
        """The code and what one unit of it is."""
        return self.hcpcs if self.amount is None else f"{self.hcpcs} ({self.amount} {self.measure})"


@dataclass(frozen=True, slots=True)
class Product:
    """A form in which an ingredient is sold: brands, dosage form, routes and codes over time.

    ``form`` None and empty ``routes``: the product does not say. ``printed_code`` is the code that the
    policy's Appendix A prints for it, even where it was wrong or had ended; ``note`` says what is wrong.
    """

    key: str
    brands: tuple[str, ...]
    form: str | None
    routes: tuple[str, ...]
    codes: tuple[Code, ...]
    printed_code: Code | None
    note: str

    def code_on(self, on: date) -> Code | None:
        """The code in force on that day, or None."""
        return next((code for code in self.codes if code.in_force(on)), None)

    def allows(self, route: str) -> bool:
        """Whether the product is given by that route, as far as it says."""
        return not self.routes or route in self.routes


@dataclass(frozen=True, slots=True)
class Drug:
    """An ingredient (or a fixed combination, or a ready-made fluid) and what the policy needs to know of it.

    ``printed``: Appendix A prints the ingredient. ``hormonal``: a hormonal antineoplastic.
    ``immunotherapy``: given against cancer it is antineoplastic immunotherapy.
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

    def code_on(self, on: date, route: str | None = None) -> Code | None:
        """The code in force on that day of the default product, or of the only other of that route."""
        default = self.default_product
        if default is not None and (route is None or default.allows(route)):
            return default.code_on(on)
        others = [product for product in self.products if route is not None and route in product.routes]
        codes = [code for code in (product.code_on(on) for product in others) if code is not None]
        return codes[0] if len(codes) == 1 else None


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
    fluid that the name says the drug was mixed into.
    """

    drug: Drug
    product: Product | None
    how: How
    spelling: str
    code: Code | None = None
    notes: tuple[str, ...] = ()
    carrier: Carrier | None = None

    def code_on(self, on: date, route: str | None = None) -> Code | None:
        """The code in force on that day of the product that matched, or else of the drug."""
        return self.product.code_on(on) if self.product else self.drug.code_on(on, route)

    @property
    def printed_code(self) -> Code | None:
        """The code that Appendix A prints for the product that matched; for the drug, when no product did."""
        return self.product.printed_code if self.product else self.drug.printed_code
