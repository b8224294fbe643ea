"""What people write where the format has another form for it, and there is one meaning: 0900, 9:05 am, IVP, “22”.

Only files that people write pass through here. Whatever has two meanings, and whatever is not known, stays as it is and
is refused with its place by `ivproof.chart.reading.parse`.

>>> in_format({"date": "3/25/2024", "administrations": [{"route": "IVPB", "start": "0900", "end": "11:15 am"}]})
{'date': '2024-03-25', 'administrations': [{'route': 'IV', 'start': '09:00', 'stop': '11:15', 'method': 'infusion'}]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_MILITARY = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2}[T ])?(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)")
_HALF_DAY = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2}[T ])?(?P<hour>0?[1-9]|1[0-2])(?::(?P<minute>[0-5]\d))?\s*(?P<half>[ap])\.?m\.?",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")

_TIMES = ("start", "stop", "from", "to", "inpatient_order_at")
_OTHER_NAMES = {"end": "stop", "stopped": "stop", "started": "start", "begin": "start"}

_METHODS = {
    **dict.fromkeys(("ivp", "iv push"), "push"),
    **dict.fromkeys(("ivpb", "iv piggyback", "piggyback", "iv infusion"), "infusion"),
}
"""Words for a method, in small letters."""

_ROUTES: Mapping[str, tuple[str, str | None]] = {
    "iv push": ("IV", "push"),
    "ivp": ("IV", "push"),
    "ivpb": ("IV", "infusion"),
    "iv piggyback": ("IV", "infusion"),
    "iv infusion": ("IV", "infusion"),
    "intravenous": ("IV", None),
    "intramuscular": ("IM", None),
    "subcutaneous": ("SQ", None),
    "subcut": ("SQ", None),
    "subq": ("SQ", None),
    "sub-q": ("SQ", None),
    "sc": ("SQ", None),
    "oral": ("PO", None),
    "by mouth": ("PO", None),
    "intrathecal": ("IT", None),
    "intradermal": ("ID", None),
}
"""Words for a route, in small letters: the route, and the method that the word says as well."""


def in_format(data: object) -> object:
    """Give a chart with other spellings of times, dates, routes and names of fields in the format's own.

    Nothing is changed but what has one meaning; `data` itself stays as it is.
    """
    if not isinstance(data, Mapping):
        return data
    chart = {key: _time(value) if key in _TIMES else value for key, value in data.items()}
    if "place_of_service" in chart:
        chart["place_of_service"] = _unquoted(chart["place_of_service"])
    if isinstance(codes := chart.get("diagnoses"), list):
        chart["diagnoses"] = [_unquoted(it) for it in codes]
    if "date" in chart:
        chart["date"] = _date(chart["date"])
    given = chart.get("administrations")
    if isinstance(given, list):
        chart["administrations"] = [_administration(it) if isinstance(it, Mapping) else it for it in given]
    return chart


def _administration(data: Mapping[Any, Any]) -> dict[Any, Any]:
    # where both names stand there, which one is meant is not for us to say
    named = {(new if (new := _OTHER_NAMES.get(key, key)) not in data else key): it for key, it in data.items()}
    written = {key: _time(it) if key in _TIMES else it for key, it in named.items()}
    if isinstance(pauses := written.get("pauses"), list):
        written["pauses"] = [_pause(it) if isinstance(it, Mapping) else it for it in pauses]
    word = _unquoted(written.get("route"))
    if "route" in written:
        written["route"] = word
    known = _ROUTES.get(" ".join(word.casefold().split())) if isinstance(word, str) else None
    method = _unquoted(written.get("method"))
    if isinstance(method, str):
        written["method"] = _METHODS.get(" ".join(method.casefold().split()), method)
    # where word and field name different methods, the chart contradicts itself
    if known is not None and (known[1] is None or written.get("method") in (None, known[1])):
        written["route"] = known[0]
        if known[1] is not None:
            written["method"] = known[1]
    return written


def _unquoted(value: object) -> Any:
    """Give text without the curly quotes that a word processor put around it."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    curly = len(text) > 1 and (text[0], text[-1]) in (("“", "”"), ("‘", "’"))
    return text[1:-1].strip() if curly else value


def _pause(data: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: _time(it) if key in _TIMES else it for key, it in data.items()}


def _time(value: object) -> object:
    """Read 0900 and 9:05 am. A number stays one and is refused: it might as well be minutes."""
    if not isinstance(value, str):
        return value
    text = str(value := _unquoted(value)).strip()
    if found := _MILITARY.fullmatch(text):
        return f"{found['day'] or ''}{found['hour']}:{found['minute']}"
    if found := _HALF_DAY.fullmatch(text):
        hour = int(found["hour"]) % 12 + (12 if found["half"] in "pP" else 0)
        return f"{found['day'] or ''}{hour:02}:{found['minute'] or '00'}"
    return value


def _date(value: object) -> object:
    """Read 3/25/2024 and 25/3/2024, of which one number is no month; of 3/2/2024 nobody knows the order."""
    value = _unquoted(value)
    found = _SLASHED.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return value
    first, second, year = int(found[1]), int(found[2]), found[3]
    readings = {(month, day) for month, day in ((first, second), (second, first)) if 1 <= month <= 12}
    if len(readings) != 1:
        return value
    [(month, day)] = readings
    return f"{year}-{month:02}-{day:02}"
