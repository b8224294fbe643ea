"""The kinds of chart that are gone through: read off the format, the drug list and the constants of the laws.

What may be given is one drug of each kind that facts can tell apart, by each route and method. A feature is one way in
which a chart is not the plain one: a value of a field that the format lists, or one that the laws name; a time that is
missing; a service; a field that ties two administrations together. Nothing here knows what decides: a law that asks for
something is why a value is tried.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import combinations, combinations_with_replacement, product
from typing import Any

from ivproof.chart.consistency import VASCULAR
from ivproof.chart.encounter import AccessSite, Administration, EarlierVisit, Encounter, Service
from ivproof.drugs.listing import DrugList
from ivproof.drugs.records import Drug
from ivproof.lab.kinds import TIMES, Kind
from ivproof.recheck import Atom
from ivproof.recheck.syntax import Aggregate, Comparison, Literal, Pattern, Variable, names
from ivproof.unknowns.law import Law
from ivproof.unknowns.values import closed

Document = dict[str, Any]
Change = Callable[[Document], Document | None]

DATE = "2021-01-05"
PLACE = "22"
SITE = "site-1"
OTHER_SITE = "site-2"
UNLISTED = "drug that no list has"
NO_CODE = "00000"
"""A code of a service that no law names."""
CODE = re.compile(r'"[0-9A-Z]\d{4}"')
BOTH, BEGIN = ("start", "stop"), ("start",)
PAUSE = ("start", "from", "to", "stop")

LISTED_ELSEWHERE = {"id", "drug", "route", "method", "site", "start", "stop", "pauses", "done", "source", "note"}
"""Fields of an administration that are varied by kinds and features of their own, or say nothing to a law."""

FREE_TEXT: Mapping[str, Sequence[Any]] = {
    "product": ("product-1",),
    "lumen": ("distal",),
    "bag": ("bag-1",),
    "dose": ("dose-1",),
    "integral_to": ("a procedure",),
    "discontinued": ("a reason",),
    "amount": ("100 mg",),
    "vials": ([{"size": "500 mg", "count": 1}],),
}
"""A value of each field that takes any text: of an id, a name or a reason nothing is read but that it is there."""


@dataclass(frozen=True)
class Given:
    """A way in which something is given: the fields of an administration with the times that are charted."""

    fields: Mapping[str, Any]
    times: tuple[str, ...]
    words: str

    @property
    def vascular(self) -> bool:
        """Whether it goes into a vessel."""
        return self.fields["route"] in VASCULAR


@dataclass(frozen=True)
class Feature:
    """A way in which a chart is not the plain one; `change` gives the changed chart, None where it does not apply."""

    words: str
    change: Change


@dataclass
class Alphabet:
    """What charts are made of."""

    given: list[Given] = field(default_factory=list)
    core: list[Given] = field(default_factory=list)
    """Of each class of drug and method one: they are paired, and features are tried with them."""
    by_route: list[Given] = field(default_factory=list)
    """A drug that is chemotherapy and one that is not by every route: with them every feature is tried that is near."""
    single: list[Feature] = field(default_factory=list)
    """Features of a chart with one administration or none."""
    double: list[Feature] = field(default_factory=list)
    """Features that tie two administrations together."""


def plain(*given: Given) -> Document:
    """The plain chart: a facility's, outpatient, everything that goes into a vessel at one access."""
    return {
        "id": "E",
        "place_of_service": PLACE,
        "date": DATE,
        "access_sites": [{"id": SITE}],
        "administrations": [
            {"id": f"x{n}", **it.fields, **({"site": SITE} if it.vascular else {}), TIMES: list(it.times)}
            for n, it in enumerate(given, 1)
        ],
    }


def alphabet(
    drugs: DrugList,
    laws: Sequence[Law],
    payers: Iterable[str] = (),
    codes: Collection[str] = (),
    changed: Iterable[Atom] = (),
) -> Alphabet:
    """Make the alphabet for some laws; `codes` are those of claims, `changed` facts whose constants are tried each.

    Of other tables one constant stands for all that are in them in the same way.
    """
    found = Alphabet()
    named = _Named(laws, changed)
    for drug in _different(drugs, named):
        routes = _routes(drug)
        for route in routes:
            found.given += _ways(drug.name, route)
    found.given += [it for route in ("IV", "IM") for it in _ways(UNLISTED, route)]
    by_kind: dict[str, Drug] = {}
    for drug in drugs:
        if not drug.next_door and _familiar(drug) > _familiar(by_kind.get(drug.kind)):
            by_kind[drug.kind] = drug
    for route in closed(Administration, "route"):
        for kind in ("therapeutic", "antineoplastic"):
            found.by_route += _ways(by_kind[kind].name, route)
    found.given += found.by_route
    found.given = list({json.dumps([dict(it.fields), it.times], sort_keys=True): it for it in found.given}.values())
    found.core = _core(by_kind)
    found.single = [*_of_administrations(named), *_of_encounters(named, payers, codes)]
    found.double = list(_of_two())
    return found


def kinds(found: Alphabet, up_to: int, near: Callable[[Kind, Kind], int | None]) -> Iterator[Kind]:
    """Give the kinds of chart of up to so many administrations, small and plain ones first.

    `near` tells how far what a feature adds to the facts (the first is the plain kind, the second has it) is from what
    changed: 0 where the changed rules themselves read it, None where it is far. What is near comes first and is tried
    with two administrations; the nearest of it is tried two at a time.
    """
    yield from (it for it in _kinds(found, up_to, near) if it.size <= up_to)


def _kinds(found: Alphabet, up_to: int, near: Callable[[Kind, Kind], int | None]) -> Iterator[Kind]:
    nothing_given = Kind(plain(), "nothing given")
    yield nothing_given
    for it in {it.words: it for it in (*found.core, *found.given)}.values():
        yield Kind(plain(it), it.words)
    close: dict[str, tuple[int, Feature]] = {}
    waiting: list[tuple[int, Kind]] = []
    main = {"nothing given", *(it.words for it in found.core[::MAIN])}
    for base in [nothing_given, *(Kind(plain(it), it.words) for it in found.core)]:
        for feature in found.single:
            kind = changed(base, feature)
            if kind is None:
                continue
            far = near(base, kind)
            waiting.append((FAR if far is None else far, kind))
            if far is not None:
                close[feature.words] = min(
                    (far, feature), close.get(feature.words, (FAR, feature)), key=lambda it: it[0]
                )
    waiting.sort(key=lambda it: it[0])
    yield from (kind for far, kind in waiting if far == 0)
    if up_to >= 2:
        two = list(couples(found))
        short = [it for it in two if it.unknowns <= 1]
        yield from short
        at_once = [feature for far, feature in close.values() if far == 0]
        yield from (kind for base in short for it in at_once if (kind := changed(base, it)) is not None)
        yield from (it for it in two if it.unknowns > 1)
    yield from (kind for far, kind in waiting if 0 < far < FAR)
    for ways, least, most in ((found.given, 0, 0), (found.by_route, 1, FAR - 1)):
        for it in ways:
            base = Kind(plain(it), it.words)
            beside = [feature for far, feature in close.values() if least <= far <= most]
            yield from (kind for feature in beside if (kind := changed(base, feature)) is not None)
    if up_to >= 2:
        yield from _pairs(found, [feature for _, feature in close.values()], near)
    yield from (kind for far, kind in waiting if far == FAR and kind.words in main)
    some = _some_of_each(close.values())
    core = [nothing_given, *(Kind(plain(it), it.words) for it in found.core[::MAIN])]
    by_route = [Kind(plain(it), it.words) for it in found.by_route]
    for features, bases in ((some, core), (some[:AT_EVERY_ROUTE], by_route)):
        for (one, other), base in product(combinations(features, 2), bases):
            kind = changed(changed(base, one), other)
            if kind is not None:
                yield kind
    for count in range(3, up_to + 1):
        yield from several(found, count)


def broadly(found: Alphabet, up_to: int) -> Iterator[Kind]:
    """Give kinds of chart of up to so many administrations, where nothing is nearer than anything else.

    They are everything given alone, each feature with every second of the core or nothing, two of the core at one
    access, at two and tied together, and more of it at one access.
    """
    nothing_given = Kind(plain(), "nothing given")
    core = [Kind(plain(it), it.words) for it in found.core]
    yield nothing_given
    if up_to >= 1:
        yield from {it.words: Kind(plain(it), it.words) for it in (*found.core, *found.given)}.values()
    for base in (nothing_given, *(core[::MAIN] if up_to >= 1 else ())):
        yield from (kind for it in found.single if (kind := changed(base, it)) is not None)
    if up_to >= 2:
        two = list(couples(found))
        yield from two
        for base in two:
            tied = (changed(base, it) for it in found.double[1:] if not base.features)
            yield from (kind for kind in tied if kind is not None)
    for count in range(3, up_to + 1):
        yield from several(found, count)


def several(found: Alphabet, count: int) -> Iterator[Kind]:
    """So many administrations at one access, some of each class."""
    for some in combinations_with_replacement(found.core, count):
        yield Kind(plain(*some), " and ".join(it.words for it in some))


FAR = 9
MOST_AT_ONCE, OF_ONE_FIELD = 24, 2
"""Of the features that are near, so many at most are tried two at a time, the nearest, and so many of one field."""

AT_EVERY_ROUTE = 10
"""So many of these, the nearest, are tried two at a time by every route."""


def _some_of_each(close: Iterable[tuple[int, Feature]]) -> list[Feature]:
    """The features that are tried two at a time."""
    fields: Counter[str] = Counter()
    found: list[Feature] = []
    for _, feature in sorted(close, key=lambda it: it[0]):
        name = feature.words.partition(":")[0]
        fields[name] += 1
        if fields[name] <= OF_ONE_FIELD and len(found) < MOST_AT_ONCE:
            found.append(feature)
    return found


MAIN = 2
"""What is far from what changed is tried with each second of the core."""


def couples(found: Alphabet) -> Iterator[Kind]:
    """Two administrations and nothing else: with few unknown times first, at one access and at two."""
    couples = sorted(combinations_with_replacement(found.core, 2), key=lambda it: sum(len(one.times) for one in it))
    for it in couples:
        base = Kind(plain(*it), f"{it[0].words} and {it[1].words}")
        yield base
        if (apart := changed(base, found.double[0])) is not None:
            yield apart


def _pairs(found: Alphabet, close: Sequence[Feature], near: Callable[[Kind, Kind], int | None]) -> Iterator[Kind]:
    """Two administrations with a feature that is near to what changed."""
    bases = [it for it in couples(found) if not it.features]
    for base in bases:
        for feature in found.double[1:]:
            kind = changed(base, feature)
            if kind is not None and near(base, kind) is not None:
                yield kind
    for base in bases:
        yield from (kind for it in close if (kind := changed(base, it)) is not None)


def changed(kind: Kind | None, feature: Feature) -> Kind | None:
    """Give a kind with a feature more; None where it does not apply."""
    if kind is None:
        return None
    document = feature.change(json.loads(json.dumps(kind.document)))
    if document is None or document == kind.document:
        return None
    return Kind(document, kind.words, (*kind.features, feature.words))


# --- what is given


def _ways(drug: str, route: str) -> Iterator[Given]:
    """A drug by a route: into a vessel as an infusion and as a push, otherwise at one time."""
    if route in VASCULAR:
        yield Given({"drug": drug, "route": route}, BOTH, f"{drug} {route} from start to stop")
        yield Given({"drug": drug, "route": route, "method": "push"}, BEGIN, f"{drug} {route} push")
    else:
        yield Given({"drug": drug, "route": route}, BEGIN, f"{drug} {route}")


def _core(by_kind: Mapping[str, Drug]) -> list[Given]:
    named = {kind: drug.name for kind, drug in by_kind.items()}
    found: list[Given] = []
    for kind in ("therapeutic", "antineoplastic"):
        found += _ways(named[kind], "IV")
        found += _ways(named[kind], "IM")
    found += _ways(named["supportive"], "IV")
    found += [next(_ways(named[kind], "IV")) for kind in ("saline", "balanced_fluid", "antineoplastic_antibody")]
    found += _ways(named["antineoplastic_hormonal"], "IM")
    return found


WELL_KNOWN = frozenset({"ceftriaxone", "paclitaxel", "ondansetron", "normal_saline", "lactated_ringers", "rituximab"})
"""Keys of drugs that every ward has: which drug stands for its kind decides nothing, and a reader is to know it."""


def _familiar(drug: Drug | None) -> tuple[bool, int]:
    """How likely a reader is to know a drug: one that every ward has; else by how much the list has of it."""
    return (False, -1) if drug is None else (drug.key in WELL_KNOWN, len(drug.products) + len(drug.spellings))


def _different(drugs: DrugList, named: _Named) -> Iterator[Drug]:
    """One drug of each kind that the facts of the drug list can tell apart, and every one that a law names."""
    seen: set[object] = set()
    for drug in drugs:
        ways = tuple(sorted({it.way for it in drug.next_door}))
        key = (drug.kind, drug.printed, drug.hormonal, drug.immunotherapy, ways)
        if key not in seen or drug.key in named.constants:
            seen.add(key)
            yield drug


def _routes(drug: Drug) -> list[str]:
    """The routes by which a drug is tried: those that its products have, else into a vein and a muscle."""
    own = dict.fromkeys(route for product in drug.products for route in product.routes)
    own.update(dict.fromkeys(route for way in drug.next_door for route in way.routes))
    return list(own) or ["IV", "IM"]


# --- features


def _field(name: str, value: object, at: int = 0) -> Feature:
    def change(document: Document) -> Document | None:
        given = document["administrations"]
        if len(given) <= at:
            return None
        given[at][name] = value
        return document

    return Feature(f"{name}: {_said(value)}{f' (of the {ORDINAL[at]})' if at else ''}", change)


ORDINAL = ("first", "second", "third")


def _said(value: object) -> str:
    """Write a value as a chart in YAML has it."""
    return json.dumps(value, ensure_ascii=False).replace('"', "")


def _top(name: str, value: object) -> Feature:
    def change(document: Document) -> Document | None:
        document[name] = value
        return document

    return Feature(f"{name}: {_said(value)}", change)


def _timed(words: str, times: tuple[str, ...] | None, needs: str = "start") -> Feature:
    """Other times of the first administration."""

    def change(document: Document) -> Document | None:
        given = document["administrations"]
        if not given or needs not in given[0][TIMES]:
            return None
        given[0][TIMES] = list(times or ())
        return document

    return Feature(words, change)


def _of_administrations(named: _Named) -> Iterator[Feature]:
    yield _timed("no stop", BEGIN, "stop")
    yield _timed("no start", ("stop",), "stop")
    yield _timed("no start, no stop", None)
    yield _timed("start and stop", BOTH)
    yield _timed("a pause", PAUSE, "stop")
    yield _timed("a pause without its end", ("start", "from", "stop"), "stop")
    yield _timed("a pause without its begin", ("start", "to", "stop"), "stop")
    yield from _pause_reasons()
    yield _field("done", False)
    for name, said in Administration.model_fields.items():
        alias = said.alias or name
        if alias in LISTED_ELSEWHERE or name == "continues":
            continue
        values: Iterable[Any] = closed(Administration, name) or FREE_TEXT.get(name, ())
        if not values:
            values = named.numbers(PREDICATES.get(name, name), PER.get(name, 1))
        yield from (_field(alias, value) for value in values)
    yield from (_field("method", it) for it in closed(Administration, "method"))

    def without_site(document: Document) -> Document | None:
        if not any("site" in it for it in document["administrations"]):
            return None
        for it in document["administrations"]:
            it.pop("site", None)
        return document

    def without_sites(document: Document) -> Document | None:
        found = without_site(document)
        if found is not None:
            found.pop("access_sites", None)
        return found

    def at_listed_site(document: Document) -> Document | None:
        if not document["administrations"] or "site" in document["administrations"][0]:
            return None
        document["administrations"][0]["site"] = SITE
        return document

    yield Feature("no site on an administration", without_site)
    yield Feature("no site anywhere", without_sites)
    yield Feature("injected at a listed site", at_listed_site)
    yield _field("drug", UNLISTED)

    def in_saline(document: Document) -> Document | None:
        if not document["administrations"]:
            return None
        document["administrations"][0]["drug"] += " in normal saline 100 ml"
        return document

    yield Feature("mixed into saline", in_saline)


PREDICATES = {"volume_ml": "volume", "rate_ml_per_h": "rate"}
"""Fields whose fact has another name."""

PER = {"volume_ml": 10, "rate_ml_per_h": 10, "billing_units": 10, "discarded_units": 10}
"""Fields that the law counts in such parts."""


def _pause_reasons() -> Iterator[Feature]:
    def change(document: Document) -> Document | None:
        given = document["administrations"]
        if not given or "stop" not in given[0][TIMES]:
            return None
        given[0][TIMES] = list(PAUSE)
        given[0]["pauses"] = [{"reason": "reaction"}]
        return document

    yield Feature("a pause for a reaction", change)


def _of_encounters(named: _Named, payers: Iterable[str], codes: Collection[str]) -> Iterator[Feature]:
    yield from (_top("claim_type", it) for it in closed(Encounter, "claim_type"))
    yield from (_top("order", it) for it in closed(Encounter, "order"))
    places = [it for it in named.texts("place", 0) if it != PLACE]
    yield from (_top("place_of_service", it) for it in (*places, "99"))
    yield from (_top("payer", it) for it in (*payers, "another payer"))
    yield _top("regulated_facility", True)
    for name in EarlierVisit.model_fields:
        yield _top("earlier_visit", {name: True})
    yield _top("earlier_visit", dict.fromkeys(EarlierVisit.model_fields, True))
    yield _top("inpatient_order_at", "12:20")
    for day in named.days():
        yield _top("date", day)
    for name in ("diagnosis", "diagnosis_category"):
        yield from (_top("diagnoses", [it]) for it in named.texts(name, 1))
    yield from (_top("diagnoses", [f"{it}00"]) for it in named.texts("diagnosis_chapter", 1))
    yield _top("primary_reason", ["x1"])
    professional = {"claim_type": "professional"}
    for place in (*places, "99"):
        yield _several(
            f"claim_type: professional, place_of_service: {place}", {**professional, "place_of_service": place}
        )
        yield _several(
            f"place_of_service: {place}, primary_reason: the first",
            {"place_of_service": place, "primary_reason": ["x1"]},
        )
    for kind in closed(Service, "kind"):
        yield _top("services", [{"kind": kind}])
        yield _top("services", [{"kind": kind, "done": False}])
    for code in (NO_CODE, *(it for it in named.codes() if it not in codes)):
        service = {"kind": "evaluation_and_management", "code": code}
        yield _top("services", [service])
        yield _top("services", [{**service, "separately_identifiable": True}])
    yield _top("services", [{"kind": "declotting", "code": NO_CODE}])
    for kind in closed(AccessSite, "kind"):
        yield _top("access_sites", [{"id": SITE, "kind": kind}])
    for necessity in closed(AccessSite, "necessity"):
        yield _top("access_sites", [{"id": SITE, "necessity": necessity}])
    yield _top("access_sites", [{"id": OTHER_SITE}, {"id": SITE, "replaces": OTHER_SITE}])


def _several(words: str, fields: Mapping[str, Any]) -> Feature:
    return Feature(words, lambda document: {**document, **fields})


def _of_two() -> Iterator[Feature]:
    def both(words: str, name: str, value: str) -> Feature:
        def change(document: Document) -> Document | None:
            for it in document["administrations"]:
                it[name] = value
            return document

        return Feature(words, change)

    def at_two_sites(words: str, **about: Any) -> Feature:
        def change(document: Document) -> Document | None:
            second = document["administrations"][1]
            if "site" not in second:
                return None
            second["site"] = OTHER_SITE
            document["access_sites"] = [{"id": SITE}, {"id": OTHER_SITE, **about}]
            return document

        return Feature(words, change)

    def continued(document: Document) -> Document | None:
        first, second = document["administrations"]
        if first["drug"] != second["drug"]:
            return None
        second["continues"] = first["id"]
        return document

    def second_without_site(document: Document) -> Document | None:
        return document if document["administrations"][1].pop("site", None) else None

    yield at_two_sites("at two sites, the second one needed", necessity="protocol")
    yield at_two_sites("at two sites")
    yield at_two_sites("at two sites, the second one in place of the first", replaces=SITE)
    yield both("in one bag", "bag", "bag-1")
    yield both("of one dose", "dose", "dose-1")
    yield Feature("the second one goes on with the first", continued)
    yield Feature("the second one without a site", second_without_site)
    for at in (0, 1):
        reason = [f"x{at + 1}"]
        yield _several(
            f"primary_reason: the {ORDINAL[at]}, place_of_service: 11",
            {"place_of_service": "11", "primary_reason": reason},
        )


# --- what a law names


class _Named:
    """The constants of some laws: the values at which something may be decided."""

    def __init__(self, laws: Sequence[Law], changed: Iterable[Atom]) -> None:
        self.laws = laws
        self.changed = set(changed)
        rules = [rule.rule for law in laws for rule in law.rules]
        self.rules = list(dict.fromkeys(rules))
        self.facts: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
        for fact in dict.fromkeys(fact for law in laws for fact in law.facts):
            self.facts.setdefault((str(fact[0]), len(fact) - 1), []).append(fact)
        self.constants: set[str] = set()
        for rule in self.rules:
            self._collect([rule.head, *rule.body])
        self.constants |= {
            it for facts in self.facts.values() for fact in facts for it in fact[1:] if isinstance(it, str)
        }

    def _collect(self, nodes: Sequence[Any]) -> None:
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            match node:
                case str():
                    self.constants.add(node)
                case Literal(atom):
                    waiting += atom.arguments
                case Pattern(_, arguments):
                    waiting += arguments
                case Comparison(left, _, right):
                    waiting += (left, right)
                case Aggregate(_, cases, _, _):
                    waiting += (part for case in cases for part in case.condition)
                case tuple():
                    waiting += node

    def beside(self, name: str, at: int) -> set[Any]:
        """The constants that an argument of an input predicate is compared with, in a rule or through a table."""
        found: set[Any] = set()
        for rule in self.rules:
            literals = [it for it in rule.body if isinstance(it, Literal)]
            literals += [
                it
                for part in rule.body
                if isinstance(part, Aggregate)
                for case in part.cases
                for it in case.condition
                if isinstance(it, Literal)
            ]
            comparisons = [it for it in rule.body if isinstance(it, Comparison)]
            for literal in literals:
                if literal.atom.name != name or len(literal.atom.arguments) <= at:
                    continue
                term = literal.atom.arguments[at]
                if not isinstance(term, Variable):
                    if isinstance(term, int | str):
                        found.add(term)
                    continue
                linked = {term.name}
                for comparison in comparisons:
                    inside = names([comparison])
                    if term.name in inside:
                        linked |= inside
                        found |= {it for it in (comparison.left, comparison.right) if isinstance(it, int | str)}
                for other in literals:
                    for n, argument in enumerate(other.atom.arguments):
                        if isinstance(argument, Variable) and argument.name in linked:
                            found |= self._column(other.atom.signature, n + 1)
        return found

    def _column(self, signature: tuple[str, int], at: int) -> set[Any]:
        """What stands in a table at one place: one constant for each way to go on, and all of the changed rows."""
        found: dict[object, Any] = {}
        for fact in sorted(self.facts.get(signature, ()), key=repr):
            if isinstance(fact[at], int | str):
                rest = (*fact[:at], *fact[at + 1 :])
                found.setdefault(fact if fact in self.changed else rest, fact[at])
        return set(found.values())

    def texts(self, name: str, at: int) -> list[str]:
        """The texts among them, without their quotes."""
        return sorted({str(it).strip('"') for it in self.beside(name, at) if str(it).startswith('"')})

    def numbers(self, name: str, parts: int) -> list[int | float]:
        """The numbers that a field has to be tried with: on both sides of each that it is compared with."""
        known = {int(it) for it in self.beside(name, 1) if isinstance(it, int)}
        around = {it + step for it in (known or {parts}) for step in (-1, 0, 1)}
        around |= {0, parts, 2 * parts}
        return sorted({it / parts if it % parts else it // parts for it in around if it >= 0})

    def codes(self) -> list[str]:
        """Codes that tables name, one for all that stand in them in the same way."""
        found = {
            it
            for signature in self.facts
            for at in range(1, signature[1] + 1)
            for it in self._column(signature, at)
            if isinstance(it, str) and CODE.fullmatch(it)
        }
        return sorted(it.strip('"') for it in found)

    def days(self) -> list[str]:
        """The dates that a law names, and the day before each."""
        found: set[date] = set()
        numbers = {
            it
            for facts in self.facts.values()
            for fact in facts
            for it in fact[1:]
            if isinstance(it, int) and 19000101 <= it <= 22991231
        }
        for number in numbers:
            try:
                day = date(number // 10000, number // 100 % 100, number % 100)
            except ValueError:
                continue
            found |= {day, day - timedelta(days=1)}
        return [it.isoformat() for it in sorted(found)]
