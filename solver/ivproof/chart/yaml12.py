r"""Plain data from YAML 1.2, with the line of every value.

Only the core schema is known, so that an unquoted ``10:30``, ``2020-10-05``, ``no`` or ``on`` is the text
that stands there. The data is built from a parser's events and not by its constructor: that gives lines to
the messages, keeps tags from making anything but plain data, and bounds what a few aliases can unfold to.

The parser is ruamel's. That of libyaml takes a twentieth of the time and knows YAML 1.1 only; it is taken for
documents without anything that the two read differently, and not for one that it refuses.

>>> [read] = read_documents([b"start: 10:30\n", b"premixed: no\n", b"pauses: [{from: 10:40}]\n"])
>>> read.data
{'start': '10:30', 'premixed': 'no', 'pauses': [{'from': '10:40'}]}
>>> read.lines["pauses", 0, "from"]
3
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

from ivproof.chart.refusal import Place, Problem, UnreadableError
from ivproof.formats.plain_file import AS_CSV, workbook

DEEPEST = 50
"""Levels of nesting; a chart has five."""

LARGEST = 1_000_000
"""Values that one chart may have, counting again what an alias repeats."""

_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_PADDED = re.compile(r"0[0-9]+", re.ASCII)
"""Digits that begin with 0 are no amount but a clock time (0930), a place (08) or an id: the zero is kept."""
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BETWEEN_DOCUMENTS = re.compile(r"(---|\.\.\.)(\s|$)")
_SAID = {
    "'\\t'": ("a tab", "spaces, which alone can indent YAML"),
    "mapping values are not allowed here": (
        "a second colon, or an indent that does not fit",
        "fields below each other, and text with a colon in quotes",
    ),
}
"""What is said where the parser's words help nobody, by a part of them."""
_STRING_TAGS = (None, "!", "tag:yaml.org,2002:str")
_ODD = re.compile("[\t\r\x85\u2028\u2029\ufeff]")
"""What ends a line in one version of YAML only, and tabs, which may stand in more places in version 1.1."""

SCALAR, ALIAS, DOCUMENT_END = "ScalarEvent", "AliasEvent", "DocumentEndEvent"
SEQUENCE, SEQUENCE_END = "SequenceStartEvent", "SequenceEndEvent"
MAPPING, MAPPING_END = "MappingStartEvent", "MappingEndEvent"


class _Event(NamedTuple):
    """What the builder needs of an event of either parser: the name of its class, which they share, and more."""

    kind: str
    line: int
    value: str
    quoted: bool
    tag: str | None
    anchor: str | None


def _event(it: Any) -> _Event:
    value, tag = getattr(it, "value", ""), getattr(it, "tag", None)
    quoted = bool(getattr(it, "style", None))
    return _Event(type(it).__name__, it.start_mark.line, value, quoted, tag, getattr(it, "anchor", None))


def _sooner(text: str) -> Iterator[Any] | None:
    """The events of a document as libyaml gives them; None where that cannot parse it as YAML 1.2.

    Of what stands nowhere the parsers tell different lines, and tags and anchors are left to the one that knows them.
    """
    import yaml  # noqa: PLC0415  (charts in JSON need none)

    if not yaml.__with_libyaml__ or _ODD.search(text):
        return None
    try:
        for it in yaml.parse(text, Loader=yaml.CSafeLoader):
            if getattr(it, "anchor", None) is not None or getattr(it, "tag", None) is not None:
                return None
            if isinstance(it, yaml.ScalarEvent) and not it.value and not it.style:
                return None
    except (yaml.YAMLError, ValueError):
        return None
    # a second time: all of them at once would take many times the memory of the text
    return cast(Iterator[Any], yaml.parse(text, Loader=yaml.CSafeLoader))


def _carefully(text: str, first_line: int) -> Iterator[Any]:
    """The events of a document as ruamel gives them, and its errors as our own: they must not quote the chart."""
    from ruamel.yaml import YAML  # noqa: PLC0415  (few charts need it)
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415
    from ruamel.yaml.reader import ReaderError  # noqa: PLC0415

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = None if mark is None else mark.line + first_line
        problem = wrong.problem or ""
        found, expected = next((it for part, it in _SAID.items() if part in problem), (problem, "YAML 1.2"))
        if "\xa0" in text:  # copied from a page or a word processor
            found, expected = "a no-break space", "plain spaces"
        raise UnreadableError(f"text that is not YAML: {found}", expected, line) from None
    except ReaderError as wrong:
        line = text.count("\n", 0, wrong.position) + first_line
        raise UnreadableError("a control character", "printable text", line) from None
    except (YAMLError, ValueError, RecursionError) as wrong:
        found = f"text that is not YAML: {type(wrong).__name__}"
        raise UnreadableError(found, "YAML 1.2", first_line) from None


class Read(NamedTuple):
    """One chart as plain data; `item` is its place where the document is a list."""

    data: object
    item: int | None
    lines: dict[Place, int]
    problems: tuple[Problem, ...]


def read_documents(lines: Iterable[bytes]) -> Iterator[Read | UnreadableError]:
    """Read every chart of every document; a document that is no YAML gives an error in its place.

    One document is held in memory at a time. Of a list, the charts before an error are given.
    """
    for text, first in _documents(lines):
        try:
            yield from _Builder(text, first).charts()
        except UnreadableError as wrong:
            yield wrong


def _documents(lines: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    """Split a stream into documents, each with the number of its first line."""
    held: list[str] = []
    number = 0
    for number, raw in enumerate(lines, start=1):
        try:
            line = raw.decode()
        except UnicodeDecodeError as wrong:
            if number == 1 and (packed := workbook(raw)) is not None:
                raise UnreadableError(packed, AS_CSV) from None
            found = f"a byte that is not UTF-8, at place {wrong.start + 1} of the line"
            raise UnreadableError(found, "text in UTF-8", number) from None
        if _BETWEEN_DOCUMENTS.match(line):
            # no document may have such a line inside, whatever is quoted there
            yield "".join(held), number - len(held)
            held = []
            line = line.replace("---", "   ", 1) if line.startswith("---") else "\n"
        held.append(line if not line.startswith("%") else "\n")
    yield "".join(held), number - len(held) + 1


class _Builder:
    """Builds the charts of one document from its events."""

    def __init__(self, text: str, first_line: int) -> None:
        self._text = text
        self._first_line = first_line
        self._anchored: dict[str, tuple[object, int]] = {}
        self._lines: dict[Place, int] = {}
        self._problems: list[Problem] = []
        self._size = 0

    def charts(self) -> Iterator[Read]:
        """Give the charts: the items of a list, or the one there is, or none in an empty document."""
        self._events = map(_event, _sooner(self._text) or _carefully(self._text, self._first_line))
        for event in self._events:
            if event.kind == SEQUENCE:
                for item, child in enumerate(self._until(SEQUENCE_END)):
                    yield self._chart(child, item)
            elif event.kind in {SCALAR, ALIAS, MAPPING}:
                chart = self._chart(event, None)
                list(self._until(DOCUMENT_END))  # an error after the chart is one in the chart
                if chart.data is not None:
                    yield chart

    def _until(self, end: str) -> Iterator[_Event]:
        for event in self._events:
            if event.kind == end:
                return
            yield event

    def _chart(self, event: _Event, item: int | None) -> Read:
        self._lines, self._problems, self._size = {}, [], 0
        data = self._value(event, ())
        return Read(data, item, self._lines, tuple(self._problems))

    def _value(self, event: _Event, path: Place) -> object:
        """Build the value that begins with `event`."""
        self._lines[path] = line = event.line + self._first_line
        before = self._size
        self._size += 1
        if self._size > LARGEST:
            raise UnreadableError(f"more than {LARGEST:,} values in one chart", "a chart", line)
        if len(path) > DEEPEST:
            raise UnreadableError(f"more than {DEEPEST} levels inside each other", "a chart", line)
        value: object
        match event.kind:
            case "AliasEvent":
                return self._repeat(event, line)
            case "ScalarEvent":
                value = self._scalar(event, line)
            case "SequenceStartEvent":
                value = [self._value(it, (*path, i)) for i, it in enumerate(self._until(SEQUENCE_END))]
            case "MappingStartEvent":
                value = self._mapping(path)
            case _:
                raise UnreadableError("text that is not YAML", "YAML 1.2", line)
        if event.kind != SCALAR and event.tag not in (None, "!"):
            raise UnreadableError("a tag", "plain data", line)
        if event.anchor:
            self._anchored[event.anchor] = (value, self._size - before)
        return value

    def _mapping(self, path: Place) -> dict[str, object]:
        fields: dict[str, object] = {}
        for key in self._until(MAPPING_END):
            line = key.line + self._first_line
            if key.kind != SCALAR:
                raise UnreadableError("a name of a field that is no text", "text", line)
            name = key.value
            here = (*path, name)
            value = self._value(next(self._events), here)
            self._lines[here] = line  # the name's own line serves better than that of a list below it
            if name in fields:
                self._problems.append(Problem(here, "this field a second time", "each field once"))
            fields[name] = value
        return fields

    def _repeat(self, event: _Event, line: int) -> object:
        if event.anchor not in self._anchored:
            raise UnreadableError("an alias to nothing above it", "an anchor before its alias", line)
        value, size = self._anchored[event.anchor]
        self._size += size
        return value

    def _scalar(self, event: _Event, line: int) -> object:
        """Resolve a scalar by the core schema of YAML 1.2, but that digits after a 0 are text."""
        text = event.value
        if event.tag not in _STRING_TAGS:
            raise UnreadableError("a tag", "plain data", line)
        if event.tag is not None or event.quoted or _PADDED.fullmatch(text):
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        try:
            if _INTEGER.fullmatch(text):
                return int(text)
            if _BASED.fullmatch(text):
                return int(text, 0)
        except ValueError:  # Python reads no more than some thousands of digits
            raise UnreadableError(f"a number of {len(text)} digits", "a smaller number", line) from None
        if _NOT_FINITE.fullmatch(text):
            return float(text.replace(".", ""))
        return float(text) if _FLOAT.fullmatch(text) else text


def text_of(data: object) -> str:
    """Give plain data (a chart, a case) as YAML, in the order of its fields; the reader above gives it back."""
    from ruamel.yaml import YAML  # noqa: PLC0415  (what reads charts seldom writes any)
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    writer = YAML(typ="safe", pure=True)
    writer.version = (1, 2)
    writer.default_flow_style = None  # what has no parts of its own stands in one line
    writer.width = 110
    writer.sort_base_mapping_type_on_output = cast(Any, False)
    writer.allow_unicode = True
    out = io.StringIO()
    try:
        writer.dump(data, out)
    except (YAMLError, UnicodeError):  # a text that YAML cannot hold
        return json.dumps(data, ensure_ascii=True, indent=1)
    return out.getvalue().removeprefix("%YAML 1.2\n---\n")
