"""The facts of a chart, translated once more: what the law may know of an encounter, and where it stands in the chart.

`asp/vocabulary.lp` says what each fact means. Every field of a chart has its fact or is named here among those that
have none; a field that is neither is an error. Only the drug list speaks of what the chart does not hold: which drug a
name is, and its codes. What a proof states of these is taken over as `Listed`, and can be compared with the list.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from .chart import key, times
from .drugs import one_form
from .terms import Atom, Value, show
from .times import FARTHEST, Axis, calendar_date

Fact = tuple[str, str]  # the atom and the place as a JSON Pointer

NEVER = 10**9
WHOLE = 10  # volumes, rates and units are counted in tenths

WITHOUT_FACT = {
    "": {"id", "billed", "order", "time_zone", "note"},  # the order is a fact of each administration, the zone of times
    "administrations": {"id", "source", "note"},
    "access_sites": {"id", "source", "note"},
    "services": set[str](),
    "pauses": set[str](),
    "earlier_visit": set[str](),
}
FIELDS = {
    "": "claim_type place_of_service date payer primary_reason diagnoses inpatient_order_at earlier_visit "
    "regulated_facility access_sites administrations services",
    "administrations": "done drug product class hormonal route method site lumen bag premixed dose continues "
    "ordered_minutes form start stop pauses purpose volume_ml rate_ml_per_h pump pump_supplied_by lesions "
    "spinal_puncture puncture_by reservoir integral_to diagnostic discontinued order container billing_units "
    "discarded_units amount vials",
    "access_sites": "kind necessity replaces",
    "services": "kind done code separately_identifiable",
    "pauses": "from to reason",
    "earlier_visit": "initial_reported line_left_in",
}
AS_CHARTED = {
    "class": "charted_class",
    "method": "charted_method",
    "purpose": "purpose",
    "pump": "pump",
    "pump_supplied_by": "pump_supplied_by",
    "ordered_minutes": "ordered_minutes",
    "lesions": "lesions",
    "puncture_by": "puncture_by",
    "container": "container",
}
YES_OR_NO = {
    "hormonal": "charted_hormonal",
    "premixed": "premixed",
    "spinal_puncture": "spinal_puncture",
    "reservoir": "reservoir",
}
NAMED = {"lumen": "l", "bag": "b", "dose": "q"}
TENTHS = {
    "volume_ml": "volume",
    "rate_ml_per_h": "rate",
    "billing_units": "billing_units",
    "discarded_units": "discarded_units",
}
MARKED = {  # that it is charted is all that counts
    **{"integral_to": "integral", "discontinued": "discontinued"},
    **{"amount": "amount_charted", "vials": "vials_charted"},
}
OF_THE_LIST = (  # of a drug, beside its kind; of routes and other codes there may be several
    *("form", "listed_route", "code_in_force", "other_code", "ended_code"),
    *("charted_per_unit", "printed_code", "printed_per_unit"),
)
IN_UNITS = {"amount_in_units": "amount", "opened_in_units": "vials", "vial_in_units": "vials"}
COUNTED = {"billing_units", "discarded_units", "amount", "vials"}  # where one is charted, the codes are facts


class TranslationError(ValueError):
    """Something that has no translation; says what."""


class Listed:
    """What a proof says of drugs that does not stand in the chart: by administration, the atoms of each predicate."""

    def __init__(self, stated: Iterable[Atom]) -> None:
        self.drug: dict[Value, Value] = {}
        self.fluid: dict[Value, Atom] = {}
        self.also: dict[Value, list[Atom]] = {}
        self.product: dict[Value, Value] = {}
        self.others: dict[tuple[Value, Value], list[Atom]] = {}
        for atom in stated:
            if atom[0] == "drug" and len(atom) == 3:
                self.drug[atom[1]] = atom[2]
            elif atom[0] == "product" and len(atom) == 3:
                self.product[atom[1]] = atom[2]
            elif atom[0] == "in_fluid" and len(atom) == 4:
                self.fluid[atom[1]] = atom
            elif atom[0] == "also_in" and len(atom) == 3:
                self.also.setdefault(atom[1], []).append(atom)
            elif (atom[0] in OF_THE_LIST and len(atom) == 3) or (atom[0] in IN_UNITS and len(atom) == 4):
                self.others.setdefault((atom[0], atom[1]), []).append(atom)


def quoted(text: str) -> str:
    """A string as the law writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def translate(chart: Mapping[str, Any], listed: Listed, payers: Collection[str]) -> Iterator[Fact]:
    """The facts of a chart in its normal form. Raises TranslationError."""
    return _Translation(chart, listed, payers).facts()


class _Translation:
    def __init__(self, chart: Mapping[str, Any], listed: Listed, payers: Collection[str]) -> None:
        self.chart, self.listed, self.payers = chart, listed, payers
        self.given: list[Mapping[str, Any]] = list(chart.get("administrations", ()))
        self.names = {key(it["id"]): f"a{n}" for n, it in enumerate(self.given, 1)}
        self.withheld = {f"a{n}" for n, it in enumerate(self.given, 1) if it.get("done") is False}
        self.sites = {key(it["id"]): f"s{n}" for n, it in enumerate(chart.get("access_sites", ()), 1)}
        self.numbers: dict[str, dict[str, str]] = {}
        self.axis = Axis(calendar_date(chart["date"]), times(chart), chart.get("time_zone"))
        self._check_fields()

    def _check_fields(self) -> None:
        pauses = [pause for it in self.given for pause in it.get("pauses", ())]
        lists = [(name, self.chart.get(name, ())) for name in ("administrations", "access_sites", "services")]
        earlier = [self.chart["earlier_visit"]] if "earlier_visit" in self.chart else []
        for part, items in (("", [self.chart]), *lists, ("pauses", pauses), ("earlier_visit", earlier)):
            known = {*FIELDS[part].split(), *WITHOUT_FACT[part]}
            for item in items:
                if unknown := sorted(set(item) - known):
                    raise TranslationError(f"the field {unknown[0]} of {part or 'the chart'} has no translation")

    def _number(self, kind: str, text: str) -> str:
        """The constant for a text that only has to be told apart from others of its kind: b1, b2, …"""
        known = self.numbers.setdefault(kind, {})
        return known.setdefault(text, f"{kind}{len(known) + 1}")

    def facts(self) -> Iterator[Fact]:
        chart = self.chart
        yield "encounter", ""
        yield f"claim_type({chart.get('claim_type', 'facility')})", "/claim_type"
        yield f"place({quoted(chart['place_of_service'])})", "/place_of_service"
        yield f"service_date({chart['date'].replace('-', '')})", "/date"
        if "payer" in chart:
            payer = key(chart["payer"]).casefold()
            yield f"payer({payer if payer in self.payers else 'other'})", "/payer"
        for n, reason in enumerate(chart.get("primary_reason", ())):
            if self.names[key(reason)] not in self.withheld:
                yield f"main_reason({self.names[key(reason)]})", f"/primary_reason/{n}"
        for name, flag in chart.get("earlier_visit", {}).items():
            if flag:
                yield f"earlier_visit({name})", f"/earlier_visit/{name}"
        if chart.get("regulated_facility"):
            yield "regulated_facility", "/regulated_facility"
        if "inpatient_order_at" in chart:
            at = self.axis.at(chart["inpatient_order_at"], earliest=-FARTHEST)
            yield from self._moment("inpatient_order", at, "/inpatient_order_at")
        for n, code in enumerate(chart.get("diagnoses", ())):
            facts = (("", quoted(code)), ("_position", n + 1), ("_chapter", quoted(code[0])))
            for what, value in (*facts, ("_category", quoted(code[:3]))):
                yield f"diagnosis{what}(d{n + 1},{value})", f"/diagnoses/{n}"
        yield from self._sites()
        yield from self._services()
        yield from self._administrations()

    def _moment(self, name: str, at: tuple[int, int], place: str) -> Iterator[Fact]:
        yield f"at({name},{at[0]})", place
        yield f"on_day({name},{at[1]})", place

    def _sites(self) -> Iterator[Fact]:
        for n, site in enumerate(self.chart.get("access_sites", ())):
            s, place = f"s{n + 1}", f"/access_sites/{n}"
            yield f"access_site({s})", f"{place}/id"
            if "kind" in site:
                yield f"site_kind({s},{site['kind']})", f"{place}/kind"
            if "necessity" in site:
                yield f"necessity({s},{site['necessity']})", f"{place}/necessity"
            if "replaces" in site:
                yield f"replaces({s},{self.sites[key(site['replaces'])]})", f"{place}/replaces"

    def _services(self) -> Iterator[Fact]:
        for n, service in enumerate(self.chart.get("services", ())):
            v, place = f"v{n + 1}", f"/services/{n}"
            if not service.get("done", True):  # nothing else of it is a fact
                yield f"not_done({v},{service['kind']})", f"{place}/done"
                continue
            yield f"other_service({v},{service['kind']})", f"{place}/kind"
            yield f"service_position({v},{n + 1})", place
            if "code" in service:
                yield f"service_code({v},{quoted(service['code'])})", f"{place}/code"
            if service.get("separately_identifiable"):
                yield f"separately_identifiable({v})", f"{place}/separately_identifiable"

    def _administrations(self) -> Iterator[Fact]:
        seen: list[tuple[tuple[Any, ...], int]] = []
        last_day = 0
        for n, it in enumerate(self.given):
            if f"a{n + 1}" in self.withheld:  # nothing else of it is a fact, but its route
                yield f"not_given(a{n + 1})", f"/administrations/{n}/done"
                yield f"withheld_route(a{n + 1},{it['route'].lower()})", f"/administrations/{n}/route"
                continue
            yield from self._charted(n, it)
            start = self.axis.at(it["start"]) if "start" in it else None
            begun = self.axis.read(it["start"]) if "start" in it else None
            stop = self.axis.at(it["stop"], begun) if "stop" in it else None
            for name, found in (("start", start), ("stop", stop)):
                if found:
                    yield from self._moment(f"{name}(a{n + 1})", found, f"/administrations/{n}/{name}")
                    last_day = max(last_day, found[1])
            if start and stop and stop[1] > start[1] and self.axis.stamp(it["stop"]).day is None:
                yield f"counted_as_next_day(stop(a{n + 1}))", f"/administrations/{n}/stop"
            yield from self._pauses(n, it)
            begin = start[0] if start else NEVER
            names = key(it["drug"]).casefold(), key(it["id"])
            seen.append(((begin, -(stop[0] if stop else begin), *names), n))
        for position, (_, n) in enumerate(sorted(seen), 1):
            yield f"order_of(a{n + 1},{position})", f"/administrations/{n}"
        for day in range(1, last_day + 1):
            yield f"at(midnight({day}),{day * 86_400})", "/date"

    def _charted(self, n: int, it: Mapping[str, Any]) -> Iterator[Fact]:
        a, place = f"a{n + 1}", f"/administrations/{n}"
        yield f"administration({a})", f"{place}/id"
        yield f"charted_position({a},{n + 1})", place
        yield from self._drug(a, it, place)
        yield f"route({a},{it['route'].lower()})", f"{place}/route"
        for name, predicate in AS_CHARTED.items():
            if name in it:
                yield f"{predicate}({a},{it[name]})", f"{place}/{name}"
        for name, predicate in YES_OR_NO.items():
            if name in it:
                yield f"{predicate}({a},{'yes' if it[name] else 'no'})", f"{place}/{name}"
        for name, kind in NAMED.items():
            if name in it:
                yield f"{name}({a},{self._number(kind, key(it[name]))})", f"{place}/{name}"
        for name, predicate in TENTHS.items():
            if name in it:
                yield f"{predicate}({a},{int(Decimal(str(it[name])) * WHOLE)})", f"{place}/{name}"
        for name, predicate in MARKED.items():
            if it.get(name):
                yield f"{predicate}({a})", f"{place}/{name}"
        if it.get("diagnostic"):
            yield f"diagnostic({a})", f"{place}/diagnostic"
        if "site" in it:
            name = key(it["site"])
            if it["route"] in {"IV", "IA"}:
                yield f"site({a},{self.sites[name]})", f"{place}/site"
            else:
                yield f"injected_at({a},{self.sites.get(name) or self._number('w', name.casefold())})", f"{place}/site"
        if "continues" in it and self.names[key(it["continues"])] not in self.withheld:
            yield f"continues({a},{self.names[key(it['continues'])]})", f"{place}/continues"
        if "order" in it:
            yield f"ordered({a},{it['order']})", f"{place}/order"
        else:
            yield f"ordered({a},{self.chart.get('order', 'signed')})", "/order"

    def _pauses(self, n: int, it: Mapping[str, Any]) -> Iterator[Fact]:
        begun = self.axis.read(it["start"]) if "start" in it else None
        for k, pause in enumerate(it.get("pauses", ()), 1):
            place, which = f"/administrations/{n}/pauses/{k - 1}", f"a{n + 1},{k}"
            yield f"pause({which})", place
            reaction = "reaction" in key(pause.get("reason", "")).casefold()
            yield f"pause_reason(pause({which}),{'reaction' if reaction else 'other'})", f"{place}/reason"
            if "from" in pause:
                yield from self._moment(f"paused({which})", self.axis.at(pause["from"], begun), f"{place}/from")
            if "to" in pause:
                since = begun or (self.axis.read(pause["from"]) if "from" in pause else None)
                yield from self._moment(f"resumed({which})", self.axis.at(pause["to"], since), f"{place}/to")

    def _drug(self, a: str, it: Mapping[str, Any], place: str) -> Iterator[Fact]:
        name = key(it["drug"]).casefold()
        stated = self.listed.drug.get(a)
        if not isinstance(stated, str):
            raise TranslationError(f"no fact says which drug {a} is")
        unknown = stated[:1] == "u" and stated[1:].isdigit()
        drug = self._number("u", name) if unknown else stated
        yield f"drug({a},{drug})", f"{place}/drug"
        if not unknown and a in self.listed.fluid:
            yield show(self.listed.fluid[a]), f"{place}/drug"
            for atom in self.listed.also.get(a, ()):
                yield show(atom), f"{place}/drug"
        if "product" in it:
            yield f"product({a},{self._number('p', one_form(it['product']))})", f"{place}/product"
        elif unknown:
            yield f"product({a},{self._number('p', name)})", f"{place}/drug"
        else:
            product = self.listed.product.get(a, stated)
            yield f"product({a},{show(product)})", f"{place}/drug"
        if "form" in it:
            yield f"form({a},{it['form']})", f"{place}/form"
        known = () if unknown else OF_THE_LIST
        counted = any(it.get(name) not in (None, []) for name in COUNTED)
        for predicate, field in IN_UNITS.items():
            for atom in self.listed.others.get((predicate, a), []) if known and it.get(field) else []:
                yield show(atom), f"{place}/{field}"
        for predicate in known if counted else known[:2]:
            if predicate == "form" and "form" in it:
                continue
            atoms = self.listed.others.get((predicate, a), [])
            for atom in atoms if predicate in {"listed_route", "other_code"} else atoms[:1]:
                yield show(atom), f"{place}/drug"
