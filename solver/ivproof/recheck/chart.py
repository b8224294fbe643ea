"""Whether a chart is one that the encounter format admits, and the one form in which a proof holds it.

A proof may only be about a chart: an impossible time or a value that the format does not know could lead to a claim
that no visit earns. `normal` takes plain data, as JSON gives it, refuses what the format refuses, and gives the form in
which equal charts are equal: every list as a list, text for the number of an id or a place, an object for the word of
a service, an id for every administration, and no field that has its default or is null.

>>> normal({"id": "E", "place_of_service": "22", "date": "2020-10-05", "payer": None, "claim_type": "facility"})
{'id': 'E', 'place_of_service': '22', 'date': '2020-10-05'}
>>> normal({"id": "E", "place_of_service": "22", "date": "2020-10-05", "services": [{"kind": "flush", "done": "no"}]})
Traceback (most recent call last):
ivproof.recheck.chart.ChartError: services[0].done: found "no", expected true or false
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

from .times import FARTHEST, Axis, Stamp, TimeError, calendar_date, known_zone

LARGEST = 1_000_000  # of any number of a chart
LONGEST, LONGEST_NOTE = 1_000, 100_000  # characters of a text, and of one for people
VASCULAR = {"IV", "IA"}  # routes whose site is an access site
REQUIRED = object()  # in the place of a default

Chart: TypeAlias = Mapping[str, Any]
Reader: TypeAlias = Callable[[Any, str], Any]  # takes a value and its place; gives the value in its normal form
Fields: TypeAlias = Mapping[str, tuple[Reader, Any]]  # of each field its reader and its default


class ChartError(ValueError):
    """A chart that the format does not admit; says where and why."""

    def __init__(self, place: str, found: object, expected: str) -> None:
        """Say what was found, and what the format has there."""
        try:
            shown = json.dumps(found, ensure_ascii=True, default=str)
        except ValueError:  # a number of thousands of digits
            shown = "what cannot be shown"
        shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
        super().__init__(f"{place or 'the chart'}: found {shown}, expected {expected}")


def key(text: str) -> str:
    """What ids and names are compared by: trimmed, with one spelling of each accent.

    What is longer than a chart may hold is refused; to normalize it could take hours.
    """
    return (unicodedata.normalize("NFC", text) if len(text) <= LONGEST else text).strip()


def normal(data: object) -> dict[str, Any]:
    """The normal form of a chart. Raises ChartError for what the format does not admit."""
    chart: dict[str, Any] = _part(_CHART)(_named(data), "")
    _check_names(chart)
    _check_times(chart)
    return chart


def times(chart: Chart) -> Iterator[str]:
    """The times of a chart in its order."""
    for it in chart.get("administrations", ()):
        yield from (it[name] for name in ("start", "stop") if name in it)
        for pause in it.get("pauses", ()):
            yield from (pause[name] for name in ("from", "to") if name in pause)
    if "inpatient_order_at" in chart:
        yield chart["inpatient_order_at"]


# --- values

_MEASURED = re.compile(r"\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*([a-z\u00b5\u03bc ]+)", re.ASCII | re.IGNORECASE)
_MEASURES = (
    "mg|milligrams?|(mc|u|\u03bc)g|micrograms?|gm?|grams?|ml|milliliters?|cc|meq|mmol|"
    "(million )?(units?|iu)|u|million pfu|vials?|doses?|implants?"
)
_BLANK = {*map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)))}
_BLANK |= {*map(chr, (0x2028, 0x2029, 0x202F, 0x205F, 0x3000))}


def _text(value: Any, place: str, longest: int = LONGEST) -> Any:
    if not isinstance(value, str) or _BLANK.issuperset(value) or re.search("[\ud800-\udfff]", value):
        raise ChartError(place, value, "text")
    if len(value) > longest:
        raise ChartError(place, f"{len(value)} characters", f"a text of at most {longest}")
    return value


def _note(value: Any, place: str) -> Any:
    return _text(value, place, LONGEST_NOTE)


def _whole(value: Any) -> bool:
    """Whether it is a whole number, and none of more digits than a text may have."""
    return type(value) is int and value.bit_length() <= 3 * LONGEST


def _id(value: Any, place: str) -> Any:
    return _text(str(value) if _whole(value) else value, place)


def _place_of_service(value: Any, place: str) -> Any:
    return _shape("[0-9]{2}", "two digits")(f"{value:02}" if _whole(value) else value, place)


def _reason(value: Any, place: str) -> Any:
    return _shape("[A-Z]?[0-9]{1,3}", "an adjustment reason code")(str(value) if _whole(value) else value, place)


def _service(value: Any, place: str) -> Any:
    """A service, or the words that name its kind."""
    if isinstance(value, str):
        value = {"kind": re.sub(r"[\s-]+", "_", value.strip().casefold())}
    return _part(_SERVICE)(value, place)


def _measured(value: Any, place: str) -> Any:
    found = _MEASURED.fullmatch(value) if isinstance(value, str) and len(value) <= LONGEST else None
    unit = " ".join(found[2].casefold().split()) if found else ""
    if not found or not re.fullmatch(_MEASURES, unit) or not 0 < Decimal(found[1].replace(",", "")) <= LARGEST:
        raise ChartError(place, value, "an amount above 0 with its unit, such as 500 mg")
    return value


def _zone(value: Any, place: str) -> Any:
    return _timely(lambda: known_zone(value), value, place)


def _flag(value: Any, place: str) -> Any:
    if not isinstance(value, bool):
        raise ChartError(place, value, "true or false")
    return value


def _number(least: int) -> Reader:
    def read(value: Any, place: str) -> Any:
        if type(value) is not int or not least <= value <= LARGEST:
            raise ChartError(place, value, f"a whole number from {least} to {LARGEST}")
        return value

    return read


def _amount(value: Any, place: str) -> Any:
    if type(value) not in {int, float} or not 0 <= value <= LARGEST:  # what is no number is not between them either
        raise ChartError(place, value, f"a number from 0 to {LARGEST}")
    return int(value) if value == int(value) else value


def _shape(pattern: str, expected: str) -> Reader:
    compiled = re.compile(pattern)

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ChartError(place, value, expected)
        return value

    return read


def _one_of(words: str) -> Reader:
    known = words.split()

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, str) or value not in known:
            raise ChartError(place, value, f"one of {', '.join(known)}")
        return value

    return read


def _time(value: Any, place: str) -> Any:
    return _timely(lambda: Axis.stamp(value), value, place) and value


def _date(value: Any, place: str) -> Any:
    return _timely(lambda: calendar_date(value), value, place) and value


def _timely(read: Callable[[], Any], value: Any, place: str) -> Any:
    try:
        return read()
    except TimeError as error:
        raise ChartError(place, value, str(error)) from None


def _list(reader: Reader) -> Reader:
    def read(value: Any, place: str) -> Any:
        if not isinstance(value, list):
            raise ChartError(place, value, "a list")
        return [reader(it, f"{place}[{n}]") for n, it in enumerate(value)]

    return read


def _one_or_more(reader: Reader) -> Reader:
    return lambda value, place: _list(reader)([value] if type(value) in {str, int} else value, place)


def _named(data: Any) -> Any:
    """The chart with an id for each administration that has none: its drug and the first number that is free."""
    given = data.get("administrations") if isinstance(data, dict) else None
    if not isinstance(given, list):
        return data
    ids = (it.get("id") for it in given if isinstance(it, dict))
    taken = {key(str(it)) for it in ids if isinstance(it, str) or _whole(it)}
    found = []
    numbers: dict[str, int] = {}
    for it in given:
        if isinstance(it, dict) and it.get("id") is None and isinstance(it.get("drug"), str):
            name = key(it["drug"][:LONGEST]).casefold().strip()
            # without what a printed name has after the drug: amount, brackets, carrier, what a comma or slash begins
            cut = re.search(r"\s+(?:\d|\(|in\b)|\s*[,;/]", name)
            words = re.findall(r"[^\W_]+", name[: cut.start()] if cut else name) or re.findall(r"[^\W_]+", name)
            stem = "-".join(words) or "drug"
            number = numbers.get(stem, 0) + 1
            while f"{stem}-{number}" in taken:
                number += 1
            numbers[stem] = number
            found.append({**it, "id": f"{stem}-{number}"})
        else:
            found.append(it)
    return {**data, "administrations": found}


def _part(fields: Fields) -> Reader:
    def read(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise ChartError(place, value, "an object")
        dot = f"{place}." if place else ""
        for name in value:
            if name not in fields:
                raise ChartError(place, name, f"one of the fields {', '.join(fields)}")
        found = {}
        for name, (reader, default) in fields.items():
            given = value.get(name)
            if given is None and (name not in value or default is None or default == []):
                if default is REQUIRED:
                    raise ChartError(place, sorted(value), f"the field {name}")
                continue
            read_value = reader(given, f"{dot}{name}")
            if read_value != default:
                found[name] = read_value
        return found

    return read


# --- the format

_CODE = _shape("[0-9A-Z]{5}", "a code of five digits or capitals")
_ORDER = "signed verbal protocol none"

_SITE: Fields = {
    "id": (_id, REQUIRED),
    "kind": (_one_of("peripheral picc port central arterial"), None),
    "necessity": (_one_of("protocol incompatible condition"), None),
    "replaces": (_id, None),
    "source": (_note, None),
    "note": (_note, None),
}
_PAUSE: Fields = {"from": (_time, None), "to": (_time, None), "reason": (_text, None)}
_VIALS: Fields = {"size": (_measured, REQUIRED), "count": (_number(1), 1)}
_ADMINISTRATION: Fields = {
    "id": (_id, REQUIRED),
    "drug": (_text, REQUIRED),
    "done": (_flag, True),
    "product": (_text, None),
    "class": (_one_of("chemotherapy therapeutic hydration"), None),
    "hormonal": (_flag, None),
    "route": (_one_of("IV IM SQ IA ID IT IP IPL IL PO"), REQUIRED),
    "method": (_one_of("push infusion"), None),
    "site": (_id, None),
    "lumen": (_text, None),
    "bag": (_id, None),
    "premixed": (_flag, None),
    "dose": (_id, None),
    "continues": (_id, None),
    "ordered_minutes": (_number(1), None),
    "form": (_one_of("solution suspension emulsion powder capsule tablet implant on_body_injector"), None),
    "start": (_time, None),
    "stop": (_time, None),
    "pauses": (_list(_part(_PAUSE)), []),
    "purpose": (_one_of("hydration keep_open carrier flush reaction_treatment premedication replacement"), None),
    "volume_ml": (_amount, None),
    "rate_ml_per_h": (_amount, None),
    "pump": (_one_of("portable stationary implantable"), None),
    "pump_supplied_by": (_one_of("clinic supplier"), None),
    "lesions": (_number(1), None),
    "spinal_puncture": (_flag, None),
    "puncture_by": (_one_of("this_biller another"), None),
    "reservoir": (_flag, None),
    "integral_to": (_text, None),
    "diagnostic": (_flag, None),
    "discontinued": (_text, None),
    "order": (_one_of(_ORDER), None),
    "container": (_one_of("single_dose multi_dose"), None),
    "billing_units": (_number(0), None),
    "discarded_units": (_number(0), None),
    "amount": (_measured, None),
    "vials": (_list(_part(_VIALS)), []),
    "source": (_note, None),
    "note": (_note, None),
}
_SERVICE: Fields = {
    "kind": (
        _one_of(
            "local_anesthesia iv_start port_access flush supplies drug_preparation monitoring education "
            "evaluation_and_management fluoroscopy lumbar_puncture thoracentesis declotting blood_draw "
            "reaction_treatment transfusion"
        ),
        REQUIRED,
    ),
    "done": (_flag, True),
    "code": (_CODE, None),
    "separately_identifiable": (_flag, None),
}
_DENIED: Fields = {
    "group": (_one_of("CO CR OA PI PR"), None),
    "reason": (_reason, None),
    "remark": (_one_or_more(_shape("[A-Z]{1,2}[0-9]{1,4}", "a remark code")), []),
    "text": (_note, None),
    "date": (_date, None),
    "amount": (_amount, None),
}
_BILLED: Fields = {
    "code": (_CODE, REQUIRED),
    "units": (_number(1), 1),
    "modifiers": (_list(_shape("[0-9A-Z]{2}", "two digits or capitals")), []),
    "denied": (_part(_DENIED), None),
}
_EARLIER: Fields = {"initial_reported": (_flag, None), "line_left_in": (_flag, None)}
_CHART: Fields = {
    "id": (_id, REQUIRED),
    "claim_type": (_one_of("facility professional"), "facility"),
    "place_of_service": (_place_of_service, REQUIRED),
    "date": (_date, REQUIRED),
    "time_zone": (_zone, None),
    "note": (_note, None),
    "payer": (_text, None),
    "primary_reason": (_one_or_more(_id), []),
    "diagnoses": (_list(_shape(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?", "an ICD-10-CM code")), []),
    "order": (_one_of(_ORDER), "signed"),
    "inpatient_order_at": (_time, None),
    "earlier_visit": (_part(_EARLIER), None),
    "regulated_facility": (_flag, False),
    "access_sites": (_list(_part(_SITE)), []),
    "administrations": (_list(_part(_ADMINISTRATION)), []),
    "services": (_list(_service), []),
    "billed": (_list(_part(_BILLED)), []),
}


# --- what one field says about another


def _check_names(chart: Chart) -> None:
    """Ids that are there once, references to what is there, and no circles."""
    given, sites = chart.get("administrations", ()), chart.get("access_sites", ())
    names, places = _names("administrations", given), _names("access_sites", sites)
    for n, reason in enumerate(chart.get("primary_reason", ())):
        _known(f"primary_reason[{n}]", reason, names)
    for n, it in enumerate(given):
        if it["route"] in VASCULAR and "site" in it:
            _known(f"administrations[{n}].site", it["site"], places)
    _check_circles("administrations", "continues", given, names)
    _check_circles("access_sites", "replaces", sites, places)


def _names(part: str, items: Iterable[Chart]) -> dict[str, int]:
    found: dict[str, int] = {}
    for n, it in enumerate(items):
        if found.setdefault(key(it["id"]), n) != n:
            raise ChartError(f"{part}[{n}].id", it["id"], "an id that no other has")
    return found


def _known(place: str, name: str, names: Mapping[str, int]) -> int:
    if key(name) not in names:
        raise ChartError(place, name, "an id that is there")
    return names[key(name)]


def _check_circles(part: str, field: str, items: Sequence[Chart], names: Mapping[str, int]) -> None:
    after = {n: _known(f"{part}[{n}].{field}", it[field], names) for n, it in enumerate(items) if field in it}
    ends: set[int] = set()  # from here one comes to an end
    for first in after:
        path: dict[int, None] = {}
        at: int | None = first
        while at is not None and at not in ends:
            if at in path:
                raise ChartError(f"{part}[{at}].{field}", items[at][field], "no circle")
            path[at] = None
            at = after.get(at)
        ends.update(path)


def _check_times(chart: Chart) -> None:
    """Times that can be: near the date, in order, pauses within their administration and apart."""
    axis = Axis(calendar_date(chart["date"]), times(chart), chart.get("time_zone"))

    def at(place: str, part: Chart, name: str, start: Stamp | None = None, earliest: int = 0) -> int | None:
        if name not in part:
            return None
        seconds: int = _timely(lambda: axis.at(part[name], start, earliest)[0], part[name], f"{place}{name}")
        return seconds

    at("", chart, "inpatient_order_at", earliest=-FARTHEST)
    for n, it in enumerate(chart.get("administrations", ())):
        place = f"administrations[{n}]."
        begun = None
        if "start" in it:
            begun = _timely(partial(axis.read, it["start"]), it["start"], f"{place}start")
        start, stop = at(place, it, "start"), at(place, it, "stop", begun)
        if start is not None and stop is not None and stop < start:
            raise ChartError(f"{place}stop", it["stop"], "a time not before the start")
        still: list[tuple[int, int]] = []
        for k, pause in enumerate(it.get("pauses", ())):
            here = f"{place}pauses[{k}]."
            begin = at(here, pause, "from", begun)
            since = begun or (axis.read(pause["from"]) if "from" in pause else None)
            ends = begin, at(here, pause, "to", since)
            for seconds in ends:
                if seconds is not None and start is not None and seconds < start:
                    raise ChartError(here[:-1], pause, "a pause after the start")
                if seconds is not None and stop is not None and seconds > stop:
                    raise ChartError(here[:-1], pause, "a pause before the stop")
            if ends[0] is not None and ends[1] is not None:
                if ends[1] < ends[0]:
                    raise ChartError(here[:-1], pause, "a pause that ends after it began")
                still.append((ends[0], ends[1]))
        still.sort()
        if any(later[0] < earlier[1] for earlier, later in pairwise(still)):
            raise ChartError(f"{place}pauses", it["pauses"], "pauses that are apart")
