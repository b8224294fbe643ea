"""Facts: what a policy may know of an encounter, and where in the chart each of it stands.

No text of the chart reaches the logic program. Ids become ``a1``, ``s1``, … in the order of the chart, drugs become
keys of the drug list (``u1``, … where it does not know them), and `Facts.names` leads back. The predicates are
documented in ``asp/vocabulary.lp``.

>>> from datetime import date
>>> from ivproof.chart.reading import Source, parse
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "administrations": [
...     {"id": "x", "drug": "%*", "route": "IV", "start": "09:00"}]}, Source("visit.json"))
>>> facts = facts_of(chart.encounter, DrugList({}, {}, {}))
>>> facts.text().splitlines()[-4:]
['ordered(a1,signed).', 'at(start(a1),32400).', 'on_day(start(a1),0).', 'order_of(a1,1).']
>>> facts.names["a1"], facts.names["u1"]
('x', '%*')
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import count
from math import ceil, floor
from typing import NamedTuple

from ivproof.chart import bounds
from ivproof.chart.clock import DAY, Moment, is_clock_time
from ivproof.chart.encounter import Administration, Encounter
from ivproof.chart.fields import Measured, compare_key
from ivproof.chart.refusal import Place, show
from ivproof.drugs.codes import CodeError, read_codes
from ivproof.drugs.listing import Code, Drug, DrugList, Match

WORDY, CUTS = 200, 10
"""A name of more characters is cut in every way to find its drug; what that takes for the square of its length."""

MANY = 500
"""A chart of so many facts, some forty administrations, is nothing out of the ordinary."""

REACTION = "reaction"
"""What the reason of a pause has to mention for its time to be the treatment of a reaction."""

ANY = "any"
"""What stands for any route or diagnosis in the facts on codes of their own."""

BY_BRAND = "_by_brand"
"""What tells the product that has its drug's key, where it is named by brand or code, from the drug named as such."""

LAST = 99991231
"""The day that no date of service comes after."""

WHOLE = 10
"""Volumes, rates and units are counted in tenths."""

VIAL = "vial"
"""The measure whose amount the NDC of a container tells."""

MOST = 100_000_000
"""More thousandths of a unit are no amount of a drug, and the numbers of the law end soon after."""


class Fact(NamedTuple):
    """One input fact: the predicate, its arguments as text, and the path of what it says in the chart."""

    predicate: str
    arguments: str
    place: Place

    def __str__(self) -> str:
        return f"{self.predicate}({self.arguments})" if self.arguments else self.predicate


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one encounter.

    `names` leads from a constant of the program to the id, drug or code in the chart; `shared` are the facts of the
    drug list about the drugs of this chart; `notes` what the drug list has to
    say on a name, or that it does not know it.
    """

    encounter: Encounter
    own: tuple[Fact, ...]
    shared: tuple[str, ...]
    names: Mapping[str, str]
    drugs: Mapping[str, Match | None]
    notes: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)

    def text(self) -> str:
        """Give the program text of all facts, for an encounter on its own."""
        return "\n".join([*(f"{fact}." for fact in self.shared), *(f"{fact}." for fact in self.own)])

    def listed_routes(self, subject: str) -> list[str]:
        """Give the routes, as a chart writes them, by which the drug list has a product of an administration."""
        said = (it.arguments.partition(",") for it in self.own if it.predicate == "listed_route")
        return [route.upper() for who, _, route in said if who == subject]

    def batch_text(self, key: str) -> str:
        """Give the program text of the encounter's own facts with `key` in front, for the batch rewriting."""
        return "".join(
            f"{name}({key},{arguments}).\n" if arguments else f"{name}({key}).\n" for name, arguments, _ in self.own
        )


def facts_of(encounter: Encounter, drugs: DrugList, payers: Iterable[str] = ()) -> Facts:
    """Translate an encounter; `payers` are those that the policy names, in lower case. Raises bounds.LimitError."""
    found = _Translation(encounter, drugs, frozenset(payers)).translate()
    if len(found.own) > MANY:
        _spend_on_pairs(found.own)
    return found


def _spend_on_pairs(facts: Iterable[Fact]) -> None:
    """Take off what pairs of facts take that conclude nothing: clingo tells of what it concludes alone.

    Facts of one predicate may be looked at pair by pair; of the predicate that has most, which stands for all.
    """
    bounds.spend(max(Counter(it.predicate for it in facts).values()) ** 2)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _one_form(product: str) -> str:
    """A charted product, an NDC in its one form."""
    text = compare_key(product)
    try:
        codes, rest = read_codes(text)
    except CodeError:
        return text
    return str(codes[0]) if len(codes) == 1 and not rest else text


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


class _Translation:
    def __init__(self, encounter: Encounter, drugs: DrugList, payers: frozenset[str]) -> None:
        self.encounter = encounter
        self.drugs = drugs
        self.payers = payers
        self.own: list[Fact] = []
        self.shared: dict[str, None] = {}
        self.names: dict[str, str] = {}
        self.matches: dict[str, Match | None] = {}
        self.notes: dict[str, None] = {}
        self.places: dict[str, Place] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.counters: dict[str, count[int]] = {}
        # what was charted and not given is nothing that anything else could refer to
        self.given = {compare_key(it.id): f"a{n}" for n, it in enumerate(encounter.administrations, 1) if it.done}
        self.sites = {compare_key(it.id): f"s{n}" for n, it in enumerate(encounter.access_sites, 1)}

    def translate(self) -> Facts:
        self._encounter()
        self._diagnoses()
        self._sites()
        self._services()
        last_day = 0
        for n, administration in enumerate(self.encounter.administrations):
            if administration.done:
                last_day = max(last_day, self._administration(n, administration))
            else:
                self._not_given(n, administration)
        self._order()
        for day in range(1, last_day + 1):
            self._add("at", f"midnight({day}),{day * DAY}", ("date",))
        return Facts(
            self.encounter,
            tuple(self.own),
            tuple(self.shared),
            self.names,
            self.matches,
            tuple(self.notes),
            self.places,
        )

    def _add(self, predicate: str, arguments: str, place: Place) -> None:
        self.own.append(Fact(predicate, arguments, place))

    def _key(self, kind: str, text: str) -> str:
        """The constant for a text that only has to be told apart from others of its kind."""
        found = self.keys.get((kind, text))
        if found is None:
            found = f"{kind}{next(self.counters.setdefault(kind, count(1)))}"
            self.keys[kind, text] = found
            self.names[found] = text
        return found

    def _moment(self, name: str, moment: Moment | None, place: Place) -> int:
        if moment is None:
            return 0
        self._add("at", f"{name},{moment.seconds}", place)
        self._add("on_day", f"{name},{moment.day}", place)
        return moment.day

    def _encounter(self) -> None:
        it = self.encounter
        self._add("encounter", "", ())
        self._add("claim_type", it.claim_type, ("claim_type",))
        self._add("place", _quoted(it.place_of_service), ("place_of_service",))
        self._add("service_date", it.date.strftime("%Y%m%d"), ("date",))
        if it.payer is not None:
            payer = compare_key(it.payer).casefold()
            self._add("payer", payer if payer in self.payers else "other", ("payer",))
        for n, reason in enumerate(it.primary_reason):
            if given := self.given.get(compare_key(reason)):
                self._add("main_reason", given, ("primary_reason", n))
        if it.earlier_visit is not None:
            for name in ("initial_reported", "line_left_in"):
                if getattr(it.earlier_visit, name):
                    self._add("earlier_visit", name, ("earlier_visit", name))
        if it.regulated_facility:
            self._add("regulated_facility", "", ("regulated_facility",))
        self._moment("inpatient_order", it.inpatient_order_at, ("inpatient_order_at",))

    def _diagnoses(self) -> None:
        for n, code in enumerate(self.encounter.diagnoses):
            place: Place = ("diagnoses", n)
            key = f"d{n + 1}"
            self.names[key] = code
            self._add("diagnosis", f"{key},{_quoted(code)}", place)
            self._add("diagnosis_position", f"{key},{n + 1}", place)
            self._add("diagnosis_chapter", f"{key},{_quoted(code[:1])}", place)
            self._add("diagnosis_category", f"{key},{_quoted(code[:3])}", place)

    def _sites(self) -> None:
        for n, site in enumerate(self.encounter.access_sites):
            place: Place = ("access_sites", n)
            key = f"s{n + 1}"
            self.names[key] = site.id
            self.places[key] = place
            self._add("access_site", key, (*place, "id"))
            if site.kind is not None:
                self._add("site_kind", f"{key},{site.kind}", (*place, "kind"))
            if site.necessity is not None:
                self._add("necessity", f"{key},{site.necessity}", (*place, "necessity"))
            if site.replaces is not None:
                self._add("replaces", f"{key},{self.sites[compare_key(site.replaces)]}", (*place, "replaces"))

    def _services(self) -> None:
        for n, service in enumerate(self.encounter.services):
            place: Place = ("services", n)
            key = f"v{n + 1}"
            self.names[key] = f"services[{n}] ({service.kind})"
            self.places[key] = place
            if not service.done:
                self._add("not_done", f"{key},{service.kind}", (*place, "done"))
                continue
            self._add("other_service", f"{key},{service.kind}", (*place, "kind"))
            self._add("service_position", f"{key},{n + 1}", place)
            if service.code is not None:
                self._add("service_code", f"{key},{_quoted(service.code)}", (*place, "code"))
            if service.separately_identifiable:
                self._add("separately_identifiable", key, (*place, "separately_identifiable"))

    def _not_given(self, n: int, it: Administration) -> None:
        """Translate what was charted and not given: that, and the route, is all that the law may know of it."""
        place: Place = ("administrations", n)
        a = f"a{n + 1}"
        self.names[a] = it.id
        self.places[a] = place
        self._add("not_given", a, (*place, "done"))
        self._add("withheld_route", f"{a},{it.route.lower()}", (*place, "route"))

    def _administration(self, n: int, it: Administration) -> int:
        """Translate one administration; give the last calendar day it touches."""
        place: Place = ("administrations", n)
        a = f"a{n + 1}"
        self.names[a] = it.id
        self.places[a] = place
        self._add("administration", a, (*place, "id"))
        self._add("charted_position", f"{a},{n + 1}", place)
        self._drug(a, it, place)
        self._add("route", f"{a},{it.route.lower()}", (*place, "route"))
        for name, predicate in _CONSTANTS.items():
            if (value := getattr(it, name)) is not None:
                self._add(predicate, f"{a},{value}", (*place, "class" if name == "drug_class" else name))
        for name, predicate in _FLAGS.items():
            if (value := getattr(it, name)) is not None:
                self._add(predicate, f"{a},{_yes(value)}", (*place, name))
        for name, (predicate, kind) in _LABELS.items():
            if (value := getattr(it, name)) is not None:
                self._add(predicate, f"{a},{self._key(kind, compare_key(value))}", (*place, name))
        for name, predicate in _TENTHS.items():
            if (value := getattr(it, name)) is not None:
                self._add(predicate, f"{a},{int(Decimal(str(value)) * WHOLE)}", (*place, name))
        if it.site is not None and it.route in {"IV", "IA"}:
            self._add("site", f"{a},{self.sites[compare_key(it.site)]}", (*place, "site"))
        elif it.site is not None:
            spot = self.sites.get(compare_key(it.site)) or self._key("w", compare_key(it.site).casefold())
            self._add("injected_at", f"{a},{spot}", (*place, "site"))
        if it.continues is not None and (before := self.given.get(compare_key(it.continues))):
            self._add("continues", f"{a},{before}", (*place, "continues"))
        if it.integral_to is not None:
            self._add("integral", a, (*place, "integral_to"))
        if it.diagnostic:
            self._add("diagnostic", a, (*place, "diagnostic"))
        if it.discontinued is not None:
            self._add("discontinued", a, (*place, "discontinued"))
        if it.order is not None:
            self._add("ordered", f"{a},{it.order}", (*place, "order"))
        else:
            self._add("ordered", f"{a},{self.encounter.order}", ("order",))
        last = self._moment(f"start({a})", it.start, (*place, "start"))
        last = max(last, self._moment(f"stop({a})", it.stop, (*place, "stop")))
        if it.start is not None and it.stop is not None and it.stop.day > it.start.day and is_clock_time(it.stop.text):
            self._add("counted_as_next_day", f"stop({a})", (*place, "stop"))
        for k, pause in enumerate(it.pauses, 1):
            where = (*place, "pauses", k - 1)
            reason = compare_key(pause.reason).casefold() if pause.reason is not None else ""
            self._add("pause", f"{a},{k}", where)
            self._add(
                "pause_reason",
                f"pause({a},{k}),{'reaction' if REACTION in reason else 'other'}",
                (*where, "reason"),
            )
            self._moment(f"paused({a},{k})", pause.from_, (*where, "from"))
            self._moment(f"resumed({a},{k})", pause.to, (*where, "to"))
        return last

    def _drug(self, a: str, it: Administration, place: Place) -> None:
        name = compare_key(it.drug)
        if len(name) > WORDY:
            bounds.spend(CUTS * len(name) ** 2)
        match = self.drugs.find(it.drug, self.encounter.date)
        where = (*place, "drug")
        differ = self._product_differs(match, it)
        if differ is not None:
            match = None
            self.notes[f"administrations[{it.id}].product: {differ}"] = None
        elif match is None:
            self.notes[self._unknown(it)] = None
        if match is None:
            key = self._key("u", name.casefold())
            self.names[key] = it.drug
        else:
            key = match.drug.key
            self.names[key] = match.drug.name
            self._drug_facts(match.drug)
            self.notes.update(dict.fromkeys(match.notes))
        self.matches[a] = self._product(match, it) if match is not None else None
        self._add("drug", f"{a},{key}", where)
        if match is not None and match.carrier is not None:
            fluid = match.carrier.drug
            self.names[fluid.key] = fluid.name
            self._drug_facts(fluid)
            self._add("in_fluid", f"{a},{fluid.key},{'addition' if match.carrier.added else 'carrier'}", where)
        for other in match.others if match is not None else ():
            self.names[other.drug.key] = other.drug.name
            self._drug_facts(other.drug)
            self._add("also_in", f"{a},{other.drug.key}", where)
        if it.product is not None:
            product, where_from = self._key("p", _one_form(it.product)), (*place, "product")
        elif match is not None:  # a strength, a carrier or a container in the name makes no other product of it
            named = match.product.key if match.product else ""
            product, where_from = (f"{key}{BY_BRAND}" if named == key else named or key), where
            self.names.setdefault(product, match.spelling)
        else:
            product, where_from = self._key("p", name.casefold()), where
        self._add("product", f"{a},{product}", where_from)
        form = it.form or (match.product.form if match is not None and match.product is not None else None)
        if form is not None:
            self._add("form", f"{a},{form}", where if it.form is None else (*place, "form"))
        if match is not None:
            for route in sorted(self._product(match, it).routes):
                self._add("listed_route", f"{a},{route.lower()}", where)
        if it.amount is not None:
            self._add("amount_charted", a, (*place, "amount"))
        if it.vials:
            self._add("vials_charted", a, (*place, "vials"))
        charted = it.billing_units is not None or it.discarded_units is not None or it.amount is not None or it.vials
        if match is not None and charted and not match.only_additions:
            self._codes(a, match, it, place)

    def _unknown(self, it: Administration) -> str:
        place = f"administrations[{it.id}].drug: {show(it.drug)}"
        if differ := self.drugs.differ(it.drug, self.encounter.date):
            return f"{place} names {differ[0]} and {differ[1]}, which are not the same."
        if why := self.drugs.code_unknown(it.drug, self.encounter.date):
            return f"{place} is not on the drug list: {why}."
        if several := self.drugs.several(it.drug):
            each = ", ".join(match.drug.name for match in several)
            return f"{place} names several drugs ({each}): each needs an entry of its own, in the same bag."
        near = self.drugs.suggest(it.drug)
        perhaps = f"; perhaps {', '.join(near[:-1])}{' or ' if near[:-1] else ''}{near[-1]} is meant" if near else ""
        return f"{place} is not on the drug list{perhaps}."

    def _product(self, match: Match, it: Administration) -> Match:
        """What is meant where the chart names the product too, by brand, code or its key in the drug list."""
        told = match.product is not None and match.code is None and not match.product.ended(self.encounter.date)
        if it.product is None or told:
            return match
        text = compare_key(it.product)
        keyed = next((product for product in match.drug.products if product.key == text.casefold()), None)
        if keyed is not None:
            return replace(match, product=keyed, code=None)
        named = self.drugs.find(text, self.encounter.date)
        if named is None or named.drug is not match.drug or (named.product is None and named.code is None):
            return match
        return replace(match, product=named.product, code=named.code)

    def _product_differs(self, match: Match | None, it: Administration) -> str | None:
        """What the chart names as product that is not the drug, or the product, that it names; None where it can be."""
        if it.product is None or match is None:
            return None
        text = compare_key(it.product)
        if any(product.key == text.casefold() for product in match.drug.products):
            return None
        other = self.drugs.find(text, self.encounter.date)
        if other is None:
            codes = self.drugs.coded(text, self.encounter.date)
            drugs = {key for row in codes for key in self.drugs.drugs_of(row)}
            if not drugs or match.drug.key in drugs:
                return None
        elif other.drug is match.drug:
            one, two = match.product, other.product
            if match.code is not None or one is None or two is None or one is two or one.ended(self.encounter.date):
                return None
        name = f" ({other.drug.name})" if other is not None and other.how in {"ndc", "rxnorm"} else ""
        return f"{show(it.product)}{name} is not what {show(it.drug)} names, so neither is taken."

    def _codes(self, a: str, named: Match, it: Administration, whole: Place) -> None:
        place = (*whole, "drug")
        match = self._product(named, it)
        now, others = match.codes_on(self.encounter.date, it.route, it.form)
        printed, charted = match.printed_code, named.code or match.code
        if charted is not None and charted.in_force(self.encounter.date) and now not in {None, charted}:
            now, others = None, (charted, *([now] if now else []))  # the code and the product disagree
        if now is not None:
            self._add("code_in_force", f"{a},{_quoted(now.hcpcs)}", place)
        for other in others:
            self._add("other_code", f"{a},{_quoted(other.hcpcs)}", place)
        if charted is not None and not charted.in_force(self.encounter.date):
            self._add("ended_code", f"{a},{_quoted(charted.hcpcs)}", place)
            self._ratio("charted_per_unit", a, charted, now, place)
        if printed is not None:
            self._add("printed_code", f"{a},{_quoted(printed.hcpcs)}", place)
            if now is not None and now.amount != printed.amount:
                self._ratio("printed_per_unit", a, now, printed, place)
        for code in {it.hcpcs: it for it in (now, printed) if it is not None}.values():
            self._in_units(a, code, it, whole)

    def _units(self, code: Code, measured: Measured, it: Administration) -> Fraction | None:
        """How many units of a code an amount makes, by the unit of the code; of vials, by what the NDC has in one."""
        found = code.units(measured.number, measured.unit)
        if found is not None or measured.unit != VIAL:
            return found
        texts = (it.drug, *([it.product] if it.product is not None else []))
        each = [self.drugs.in_container(text, code.hcpcs, self.encounter.date) for text in texts]
        told = {held for held in each if held is not None}
        return Fraction(measured.number) * Fraction(told.pop()) if len(told) == 1 else None

    def _in_units(self, a: str, code: Code, it: Administration, place: Place) -> None:
        """What was given and opened, in thousandths of a unit of a code, as far as their measures are of its kind."""
        given = self._units(code, it.amount, it) if it.amount is not None else None
        sizes = [(self._units(code, vial.size, it), vial.count) for vial in it.vials]
        held = [(size, number) for size, number in sizes if size is not None]
        if given is not None and (thousandths := ceil(1000 * given)) <= MOST:
            self._add("amount_in_units", f"{a},{_quoted(code.hcpcs)},{thousandths}", (*place, "amount"))
        opened = floor(1000 * sum(size * number for size, number in held))
        if held and len(held) == len(sizes) and opened <= MOST:
            self._add("opened_in_units", f"{a},{_quoted(code.hcpcs)},{opened}", (*place, "vials"))
            for size in sorted({ceil(1000 * size) for size, _ in held}):
                self._add("vial_in_units", f"{a},{_quoted(code.hcpcs)},{size}", (*place, "vials"))

    def _ratio(self, predicate: str, a: str, one: Code, other: Code | None, place: Place) -> None:
        """How many thousandths of a unit of one code a unit of another is, where that is known and comes out even."""
        if other is None or one.amount is None or other.amount is None or one.measure != other.measure:
            return
        thousandths = 1000 * one.amount / other.amount
        if thousandths == int(thousandths):
            self._add(predicate, f"{a},{int(thousandths)}", place)

    def _drug_facts(self, drug: Drug) -> None:
        self.shared[f"drug_kind({drug.key},{drug.kind})"] = None
        if drug.printed:
            self.shared[f"printed({drug.key})"] = None
        if drug.hormonal:
            self.shared[f"hormonal({drug.key})"] = None
        if drug.immunotherapy:
            self.shared[f"immunotherapy({drug.key})"] = None
        for way in drug.next_door:
            begin, end = (day.strftime("%Y%m%d") if day else bound for day, bound in ((way.begin, 0), (way.end, LAST)))
            for route in way.routes or (ANY,):
                for code in way.diagnoses or (ANY,):
                    found = f"{drug.key},{way.way},{route.lower()},{_quoted(code)},{begin},{end}"
                    self.shared[f"own_codes({found})"] = None

    def _order(self) -> None:
        """Order the administrations by what a reader sees, so that their order in the file decides nothing."""
        seen = [
            (n, it.start and it.start.seconds, it.stop and it.stop.seconds, it.drug, it.id)
            for n, it in enumerate(self.encounter.administrations)
            if it.done
        ]
        for position, n in enumerate(in_order(seen), 1):
            self._add("order_of", f"a{n + 1},{position}", ("administrations", n))


def in_order(given: Iterable[tuple[int, int | None, int | None, str, str]]) -> list[int]:
    """Order administrations by what a reader sees of them; each is its number, start, stop (in seconds), drug and id.

    >>> in_order([(0, 3600, None, "ondansetron", "x"), (1, 1800, 3600, "saline", "y"), (2, None, None, "saline", "z")])
    [1, 0, 2]
    """
    never = 10**9

    def seen(it: tuple[int, int | None, int | None, str, str]) -> tuple[int, int, str, str]:
        _, start, stop, drug, name = it
        begin = never if start is None else start
        return begin, -(begin if stop is None else stop), compare_key(drug).casefold(), compare_key(name)

    return [it[0] for it in sorted(given, key=seen)]


_CONSTANTS = {
    "drug_class": "charted_class",
    "method": "charted_method",
    "purpose": "purpose",
    "pump": "pump",
    "pump_supplied_by": "pump_supplied_by",
    "ordered_minutes": "ordered_minutes",
    "lesions": "lesions",
    "puncture_by": "puncture_by",
    "container": "container",
}
_FLAGS = {
    "hormonal": "charted_hormonal",
    "premixed": "premixed",
    "spinal_puncture": "spinal_puncture",
    "reservoir": "reservoir",
}
_LABELS = {"lumen": ("lumen", "l"), "bag": ("bag", "b"), "dose": ("dose", "q")}
_TENTHS = {
    "volume_ml": "volume",
    "rate_ml_per_h": "rate",
    "billing_units": "billing_units",
    "discarded_units": "discarded_units",
}


def day_of(encounter_date: date, day: int) -> date:
    """Give the calendar date of a day of the program, 0 being the date of service."""
    return date.fromordinal(encounter_date.toordinal() + day)
