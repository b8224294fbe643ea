r"""Plain data from JSON that is taken at its word.

A field that stands twice in one object is a problem and not its last value, and what is no JSON is told
without repeating any of it.

>>> data, problems = read_line(b'{"start": "10:00", "start": "11:00"}')
>>> problems
(Problem(path=('start',), found='this field a second time', expected='each field once'),)
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

from ivproof.chart.refusal import Place, Problem, UnreadableError
from ivproof.formats.plain_file import AS_CSV, workbook

Value = tuple[object, tuple[Problem, ...]]
"""Plain data, and the fields that stand twice in it."""


def read_line(line: bytes) -> Value:
    """Read one value: a line of JSON Lines, or a whole text."""
    text = decode(line)
    value, end = _value(text, _skip(text, 0))
    if _skip(text, end) < len(text):
        raise _not_json("Extra data", text, end)
    return value


def read_text(text: str) -> Iterator[tuple[int | None, int, Value]]:
    """Give each chart of a JSON text: its place in the list if it is in one, where it begins, what it is."""
    at = _skip(text, 0)
    if at == len(text):
        return
    if text[at] != "[":
        value, end = _value(text, at)
        if _skip(text, end) < len(text):
            raise _not_json("Extra data", text, end)
        yield None, at, value
        return
    at = _skip(text, at + 1)
    item = 0
    while item or text[at : at + 1] != "]":
        value, end = _value(text, at)
        yield item, at, value
        at = _skip(text, end)
        if text[at : at + 1] == "]":
            break
        if text[at : at + 1] != ",":
            raise _not_json("Expecting ',' delimiter", text, at)
        at = _skip(text, at + 1)
        item += 1
    if _skip(text, at + 1) < len(text):
        raise _not_json("Extra data", text, at + 1)


def decode(raw: bytes) -> str:
    """Decode UTF-8, or say where it is none."""
    if (found := workbook(raw)) is not None:
        raise UnreadableError(found, AS_CSV)
    try:
        return raw.decode()
    except UnicodeDecodeError as wrong:
        column = wrong.start - raw.rfind(b"\n", 0, wrong.start)
        line = raw.count(b"\n", 0, wrong.start) + 1
        found = f"a byte that is not UTF-8 at place {column} of the line"
        raise UnreadableError(found, "text in UTF-8", line) from None


class _TwiceError(Exception):
    """A field stands twice in one object."""


class _Doubled(dict[str, object]):
    """An object that has some of its fields twice."""

    twice: tuple[str, ...]


def _fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _TwiceError
    return fields


def _fields_and_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = _Doubled(pairs)
    fields.twice = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_fields)
_DECODER_OF_DOUBLES = json.JSONDecoder(object_pairs_hook=_fields_and_doubles)
_SPACE = re.compile(r"[ \t\n\r]*")


def _value(text: str, at: int) -> tuple[Value, int]:
    """Read the value that begins at `at`; give it and where it ends."""
    try:
        return _raw_value(text, at)
    except json.JSONDecodeError as wrong:
        raise _not_json(wrong.msg.removesuffix(" at"), text, wrong.pos) from None
    except RecursionError:
        raise UnreadableError("too many levels inside each other", "a chart", _line(text, at)) from None
    except ValueError:  # Python reads no more than some thousands of digits
        raise UnreadableError("a number of very many digits", "a chart", _line(text, at)) from None


def _raw_value(text: str, at: int) -> tuple[Value, int]:
    try:
        data, end = _DECODER.raw_decode(text, at)
    except _TwiceError:  # rare: read it again, and find out where
        data, end = _DECODER_OF_DOUBLES.raw_decode(text, at)
        return (data, tuple(_doubles(data, ()))), end
    return (data, ()), end


def _doubles(value: object, path: Place) -> Iterator[Problem]:
    if isinstance(value, _Doubled):
        for name in value.twice:
            yield Problem((*path, name), "this field a second time", "each field once")
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _doubles(item, (*path, step))


def _not_json(why: str, text: str, at: int) -> UnreadableError:
    column = at - text.rfind("\n", 0, at)
    found = f"text that is not JSON: {why} at column {column}"
    return UnreadableError(found, "a chart in JSON", _line(text, at))


def _skip(text: str, at: int) -> int:
    """Give where the next character stands that is no space."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
