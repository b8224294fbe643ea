"""What people write where the format has another form for it, and there is one meaning: 0900, 9:05 am, IVP, “22”.

Only files that people write pass through here. Whatever has two meanings, and whatever is not known, stays as it is and
is refused with its place by `ivproof.chart.reading.parse`. What each field may hold is told by the model of a chart.

>>> in_format({"date": "3/25/2024", "administrations": [{"route": "IVPB", "start": "0900", "end": "11:15 am"}]})
{'date': '2024-03-25', 'administrations': [{'route': 'IV', 'start': '09:00', 'stop': '11:15', 'method': 'infusion'}]}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache, partial
from typing import Any, Literal, get_args, get_origin

from ivproof.chart.clock import Moment
from ivproof.chart.encounter import (
    AccessSite,
    Administration,
    BilledLine,
    Encounter,
    Part,
    Pause,
    Service,
    Vials,
)
from ivproof.chart.fields import LONGEST, number_as_text

Reader = Callable[[Any], Any]


def in_format(data: object) -> object:
    """Give a chart with other spellings of times, dates, codes, words and names of fields in the format's own.

    Nothing is changed but what has one meaning; `data` itself stays as it is.
    """
    return _part(Encounter, data)


def _part(model: type[Part], data: object) -> object:
    if not isinstance(data, Mapping):
        return data
    readers = _readers(model)
    names = _names(model, data)
    part = {
        name: reader(it) if (reader := readers.get(name)) else it for name, it in zip(names, data.values(), strict=True)
    }
    return _with_method(part) if model is Administration else part


# --- Names of fields

_OTHER_NAMES: Mapping[type[Part], Mapping[str, str]] = {
    Administration: {
        **dict.fromkeys(("started", "begin", "began", "start_time", "time_started", "time_start"), "start"),
        **dict.fromkeys(
            ("stopped", "end", "ended", "finished", "stop_time", "end_time", "time_stopped", "time_stop"), "stop"
        ),
    },
    Pause: {**dict.fromkeys(("start", "begin"), "from"), **dict.fromkeys(("stop", "end", "until"), "to")},
}
"""What people write for the name of a field."""


def _names(model: type[Part], data: Mapping[Any, Any]) -> list[Any]:
    """Give the names of the fields of a part as the format has them."""
    known = _known(model)
    if known.issuperset(data):
        return list(data)
    meant = [key if key in known else _meant(model, key) for key in data]
    # where a field stands there by two names, which one is meant is not for us to say
    return [key if new not in known or meant.count(new) > 1 else new for key, new in zip(data, meant, strict=True)]


def _meant(model: type[Part], name: object) -> object:
    if not isinstance(name, str) or len(name) > LONGEST:
        return name
    plain = _plain(name)
    return _OTHER_NAMES.get(model, {}).get(plain, plain)


def _plain(text: str) -> str:
    """Give a word in small letters, with a low line where it has a space or a dash."""
    return re.sub(r"[\s-]+", "_", text.strip().casefold())


@cache
def _known(model: type[Part]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())


# --- Values


@cache
def _readers(model: type[Part]) -> Mapping[str, Reader]:
    """Give what reads each field, of those of which there is more than one spelling."""
    found: dict[str, Reader] = {}
    for own, field in model.model_fields.items():
        name = field.alias or own
        reader = _BY_NAME.get(name) or _by_type(name, field.annotation)
        if reader is not None:
            found[name] = reader
    return found


def _types(annotation: Any) -> Iterator[Any]:
    """Give the plain types that an annotation is made of; of a literal its options."""
    if get_origin(annotation) is Literal:
        yield annotation
    elif parts := get_args(annotation):
        for it in parts:
            yield from _types(it)
    elif isinstance(annotation, type):
        yield annotation


def _by_type(name: str, annotation: Any) -> Reader | None:
    types = [*_types(annotation)]
    for it in types:
        if get_origin(it) is Literal:
            return _option(name, get_args(it))
        if issubclass(it, Part):
            return _parts(it) if get_origin(annotation) is tuple else partial(_part, it)
    readers: dict[type, Reader] = {Moment: _time, date: _date, bool: _flag, int: _number(name), float: _number(name)}
    return next((readers[it] for it in readers if it in types), None)


def _parts(model: type[Part]) -> Reader:
    """Read a list of parts: one alone is a list of one, and a word is a part where it says all of it."""
    word = _WORDS.get(model)

    def one(value: Any) -> Any:
        return _part(model, word(value) if word is not None and isinstance(value, (str, int)) else value)

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [one(it) for it in value]
        if isinstance(value, Mapping) and _known(model).issuperset(_names(model, value)):
            return [one(value)]
        words = _listed(value) if word is not None else []
        # of the name of a site nobody knows whether a comma is a part of it
        return [one(it) for it in words] if words and (len(words) == 1 or model is not AccessSite) else value

    return read


def _listed(value: object) -> list[str]:
    """Give the parts of a text that has commas or semicolons between them."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return []
    return [word for it in re.split("[,;]", value) if (word := it.strip())]


def _option(name: str, options: tuple[str, ...]) -> Reader:
    """Read one of some words in large or small letters, with spaces or dashes for its low lines."""
    known = {_plain(it): it for it in options} | _SHORT.get(name, {})

    def read(value: Any) -> Any:
        if not isinstance(value, str) or value in options or len(value) > LONGEST:
            return value
        return known.get(_plain(_unquoted(value)), value)

    return read


_SHORT = {
    "kind": {
        **dict.fromkeys(("piv", "peripheral_iv"), "peripheral"),
        **dict.fromkeys(("port_a_cath", "portacath", "mediport"), "port"),
        **dict.fromkeys(("cvc", "central_line"), "central"),
    },
    "purpose": dict.fromkeys(("kvo", "tko", "keep_vein_open"), "keep_open"),
}
"""Other words for an option, by field."""


def _flag(value: Any) -> Any:
    return _YES_NO.get(value.strip().casefold(), value) if isinstance(value, str) else value


_YES_NO = {"yes": True, "y": True, "no": False, "n": False}


_UNITS = {
    "volume_ml": r"ml|cc",
    "rate_ml_per_h": r"(?:ml|cc)\s*(?:/|per)\s*(?:hour|hr|h)",
    "ordered_minutes": r"min|mins|minutes",
}
"""The unit that the name of a field says, and a number may repeat."""


def _number(name: str) -> Reader:
    written = re.compile(
        rf"\s*(\d{{1,9}})(\.\d{{1,9}})?\s*(?:{_UNITS[name]})?\s*" if name in _UNITS else r"\s*(\d{1,9})(\.\d{1,9})?\s*",
        re.ASCII | re.IGNORECASE,
    )

    def read(value: Any) -> Any:
        found = written.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            return value
        return float(found[1] + found[2]) if found[2] else int(found[1])

    return read


def _unquoted(value: object) -> Any:
    """Give text without the curly quotes that a word processor put around it."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    curly = len(text) > 1 and (text[0], text[-1]) in (("“", "”"), ("‘", "’"))
    return text[1:-1].strip() if curly else value


def _code(value: Any) -> Any:
    """Read a code in small letters, and one of five digits that stands there as a number: it has lost no zero."""
    if type(value) is int and 10_000 <= value <= 99_999:
        return str(value)
    return _unquoted(value).upper() if isinstance(value, str) else value


def _modifiers(value: Any) -> Any:
    if isinstance(value, (str, int)):
        value = _listed(value) or [value]
    if not isinstance(value, list):
        return value
    return [it.strip().upper() if isinstance(it, str) else _two_digits(it) for it in value]


def _two_digits(value: Any) -> Any:
    return str(value) if type(value) is int and 10 <= value <= 99 else value


_ICD = re.compile(r"([A-Z]\d[0-9A-Z])\.?([0-9A-Z]{1,4})?", re.ASCII)
"""A code of ICD-10-CM in capitals; its dot, which people leave out, can only stand behind the third sign."""


def _diagnoses(value: Any) -> Any:
    """Read diagnoses that are a list, or words of one text."""
    if isinstance(value, str):
        codes = [_diagnosis(word) for it in _listed(value) for word in it.split()]
        return codes if codes and all(map(_ICD.fullmatch, codes)) else value
    return [_diagnosis(it) for it in value] if isinstance(value, list) else value


def _diagnosis(value: Any) -> Any:
    code = _unquoted(value)
    found = _ICD.fullmatch(code.strip().upper()) if isinstance(code, str) else None
    return ".".join(it for it in found.groups() if it) if found else code


_BY_NAME: Mapping[str, Reader] = {
    "place_of_service": _unquoted,
    "diagnoses": _diagnoses,
    "code": _code,
    "modifiers": _modifiers,
}

_BILLED = re.compile(r"(\w{5})((?:-\w\w)*)(?:\s*[x×*]\s*(\d{1,6}))?", re.ASCII | re.IGNORECASE)


def billed_line(text: str) -> dict[str, Any]:
    """Read a billed line that is a text: ``96365-59 ×2``; one that is no code stays and is refused."""
    found = _BILLED.fullmatch(text.strip())
    if found is None:
        return {"code": text}
    line: dict[str, Any] = {"code": found[1].upper(), "units": int(found[3] or 1)}
    return {**line, "modifiers": found[2].upper().split("-")[1:]} if found[2] else line


_BETWEEN = (r"\s*(?:–|—|\bto\b)\s*", r"\s*-(?=\s*\d\d?:?\d\d\b)")


def span(text: str) -> dict[str, str | None]:
    """Read a pause that is a text, ``10:00–10:20``; a time that is not there, or is ``?``, is not documented."""
    parts = next((it for sign in _BETWEEN if len(it := re.split(sign, text, maxsplit=1)) > 1), [text, ""])
    first, last = (it.strip() for it in parts)
    return {"from": None if first in {"", "?"} else first, "to": None if last in {"", "?"} else last}


_WORDS: Mapping[type[Part], Callable[[Any], Any]] = {
    AccessSite: lambda word: {"id": number_as_text(word)},
    BilledLine: lambda word: billed_line(word) if isinstance(word, str) else {"code": word},
    Pause: lambda word: span(word) if isinstance(word, str) else word,
    Vials: lambda word: {"size": word},
    Service: lambda word: word,  # a service may be a word in the format itself
}
"""What a word says that stands in the place of a part."""


# --- Routes

_METHODS = {
    **dict.fromkeys(("ivp", "iv push", "slow push", "slow iv push", "pushed"), "push"),
    **dict.fromkeys(("ivpb", "iv piggyback", "piggyback", "iv infusion", "drip", "iv drip", "infused"), "infusion"),
}
"""Words for a method, in small letters. A bolus may be either."""

_ROUTES: Mapping[str, tuple[str, str | None]] = {
    **dict.fromkeys(("iv push", "ivp", "slow iv push", "slow ivp"), ("IV", "push")),
    **dict.fromkeys(("ivpb", "iv piggyback", "iv infusion", "iv drip"), ("IV", "infusion")),
    **dict.fromkeys(("intravenous", "intravenously"), ("IV", None)),
    **dict.fromkeys(("intramuscular", "intramuscularly", "im injection"), ("IM", None)),
    **dict.fromkeys(
        ("subcutaneous", "subcutaneously", "subcut", "subq", "sub-q", "sub q", "sc", "sq injection"), ("SQ", None)
    ),
    **dict.fromkeys(("intra-arterial", "intraarterial"), ("IA", None)),
    **dict.fromkeys(("oral", "orally", "by mouth"), ("PO", None)),
    "intrathecal": ("IT", None),
    "intradermal": ("ID", None),
    "intraperitoneal": ("IP", None),
    "intrapleural": ("IPL", None),
    "intralesional": ("IL", None),
    **{it.casefold(): (it, None) for it in get_args(Administration.model_fields["route"].annotation)},
}
"""Words for a route, in small letters: the route, and the method that the word says as well."""


def _with_method(given: dict[Any, Any]) -> dict[Any, Any]:
    """Read the words for route and method of an administration, of which one may say both."""
    method = given.get("method")
    if isinstance(method, str) and len(method) <= LONGEST:
        given["method"] = method = _METHODS.get(_spoken(_unquoted(method)), _unquoted(method))
    word = given.get("route")
    if isinstance(word, str) and len(word) <= LONGEST:
        given["route"] = _unquoted(word)
        known = _ROUTES.get(_spoken(given["route"]))
        # where word and field name different methods, the chart contradicts itself
        if known is not None and (known[1] is None or method in (None, known[1])):
            given["route"] = known[0]
            if known[1] is not None:
                given["method"] = known[1]
    return given


def _spoken(word: str) -> str:
    """Give words in small letters, without the dots of an abbreviation: i.v. push."""
    return " ".join(word.replace(".", "").casefold().split())


# --- Times and dates

_CLOCK = re.compile(
    r"(?P<hour>\d\d):?(?P<minute>[0-5]\d)(?P<second>:[0-5]\d)?\s*(?:h|hr|hrs|hours)?\.?"
    r"|(?P<hour12>\d\d?)(?::?(?P<minute12>[0-5]\d)(?P<second12>:[0-5]\d)?)?\s*(?P<half>[ap])\.?(?:m\.?)?",
    re.ASCII | re.IGNORECASE,
)
_DAY = re.compile(r"(?P<day>.*\d{4}|\d{4}[-/]\d\d?[-/]\d\d?)(?P<between>[T ]|,? +)(?P<clock>\d{1,2}.*)", re.ASCII)

_UNKNOWN = {"", "?", "n/a", "na", "none", "unknown", "not documented", "not charted", "not recorded"}
"""Words for a time that is not documented, in small letters; so are dashes."""


def _time(value: object) -> object:
    """Read 0900, 9:05 am, 3/25/2024 1:30 PM. A number stays one and is refused: it might as well be minutes."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return value
    text = str(value := _unquoted(value)).strip()
    if text.casefold().strip("-–—") in _UNKNOWN:
        return None
    clock, day = text, ""
    if found := _DAY.fullmatch(text):
        clock, read = found["clock"], _date(found["day"])
        day = f"{read}{'T' if found['between'] == 'T' else ' '}"
    return f"{day}{told}" if (told := _clock(clock)) is not None else value


def _clock(text: str) -> str | None:
    """Read the time of a day; None where it is none, or has two meanings as 9:30 has."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    if found["half"] is None:
        return f"{found['hour']}:{found['minute']}{found['second'] or ''}" if int(found["hour"]) < 24 else None
    if not 1 <= (hour := int(found["hour12"])) <= 12:
        return None
    hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    return f"{hour:02}:{found['minute12'] or '00'}{found['second12'] or ''}"


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})(?:([/.-])(\d{1,2})\2(\d{1,2})|(\d\d)(\d\d))", re.ASCII)
_NAMED = re.compile(
    r"(?:(\d{1,2})[ -]?([a-z]{3,9})\.?|([a-z]{3,9})\.? (\d{1,2})),?[ -]?(\d{4})", re.ASCII | re.IGNORECASE
)


def _date(value: object) -> object:
    """Read 3/25/2024 and 25/3/2024, of which one number is no month; of 3/2/2024 nobody knows the order."""
    value = _unquoted(value)
    text = str(value).strip() if isinstance(value, str) or type(value) is int else ""
    readings = set()
    if found := _SLASHED.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        readings = {(year, *it) for it in ((first, second), (second, first)) if 1 <= it[0] <= 12}
    elif found := _YEAR_FIRST.fullmatch(text):
        readings = {(int(found[1]), int(found[3] or found[5]), int(found[4] or found[6]))}
    elif found := _NAMED.fullmatch(text):
        months = [n for n, it in enumerate(_MONTHS, 1) if (found[2] or found[3]).casefold().startswith(it)]
        readings = {(int(found[5]), n, int(found[1] or found[4])) for n in months}
    if len(readings) != 1:
        return value
    [(year, month, day)] = readings
    return f"{year:04}-{month:02}-{day:02}"
