"""What is given out as data, said once: plain data and its JSON Schema, both read off the fields of a dataclass.

Every field is given out, in order, under its own name. What else is to be known of it stands in its annotation: a text
describes it, and there are the marks below. A property whose return is annotated so is
given out as well.

>>> @dataclass(frozen=True, slots=True)
... class Line(Described):
...     '''One line.'''
...
...     code: Annotated[str, "The code."]
...     units: Annotated[Count, "Units."]
...     note: Annotated[str, "A remark.", OPTIONAL] = ""
...     rank: Inside[int] = 0
...
...     @property
...     def text(self) -> Annotated[str, "Code and units.", After("code")]:
...         return f"{self.code} × {self.units}"
>>> Line("96365", 1).as_dict()
{'code': '96365', 'text': '96365 × 1', 'units': 1}
>>> schema(Line)["properties"]["units"]
{'type': 'integer', 'minimum': 0, 'description': 'Units.'}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Called:
    """A mark of a field that is given out under another name."""

    name: str


@dataclass(frozen=True, slots=True)
class After:
    """A mark of a field or property that is given out right after the field of that name."""

    field: str


class Keywords:
    """A mark of a field of which more is said in its schema."""

    def __init__(self, **more: object) -> None:
        self.more = more


OPTIONAL = object()
"""A mark of a field that is left out where it is empty."""

INSIDE = object()
"""A mark of a field that stays within the program."""

T = TypeVar("T")

Inside = Annotated[T, INSIDE]
Count = Annotated[int, Keywords(minimum=0)]
Amount = Annotated[int | float, Keywords(minimum=0)]
Date = Annotated[str, Keywords(format="date")]


class Described:
    """A dataclass that is given out."""

    __slots__ = ()

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data, in a fixed order."""
        kind = type(self)
        return (_WRITERS.get(kind) or _writer(kind))(self)

    @classmethod
    def record(cls, below: dict[str, Schema]) -> Schema:
        """Give the JSON Schema of what is given out; what it refers to is put below."""
        given = parts(cls)
        return {
            "type": "object",
            "description": " ".join((cls.__doc__ or "").partition("\n\n")[0].split()),
            "properties": {it.key: _schema(it.type, below) for it in given},
            "required": [it.key for it in given if not it.optional],
        }


@dataclass(frozen=True, slots=True)
class DescribedField:
    """A field or property as it is given out: under which name, where it is found, its type with what is said of it."""

    key: str
    attribute: str
    type: Any
    optional: bool


def parts(kind: type[Described]) -> tuple[DescribedField, ...]:
    """Give what a class gives out, in order."""
    hints = get_type_hints(kind, include_extras=True)
    given = {it.name: hints[it.name] for it in fields(kind)}  # type: ignore[arg-type]  # each is a dataclass
    for name in (
        name for above in reversed(kind.__mro__) for name, it in vars(above).items() if isinstance(it, property)
    ):
        get = getattr(kind, name).fget
        if get.__annotations__["return"].startswith("Annotated["):
            given[name] = get_type_hints(get, include_extras=True)["return"]
    given = {name: it for name, it in given.items() if INSIDE not in _notes(it)}
    follows = {name: next((it.field for it in _notes(of) if isinstance(it, After)), None) for name, of in given.items()}
    return tuple(_part(it, given[it]) for it in _in_order(follows, None))


def _in_order(follows: Mapping[str, str | None], after: str | None) -> Iterator[str]:
    for name, it in follows.items():
        if it == after:
            yield name
            yield from _in_order(follows, name)


def _part(name: str, of: Any) -> DescribedField:
    notes = _notes(of)
    key = next((it.name for it in notes if isinstance(it, Called)), name)
    return DescribedField(key, name, of, OPTIONAL in notes)


def _writer(kind: type[Described]) -> Callable[[Described], dict[str, Any]]:
    """A function that writes what a class gives out.

    It is put together as one expression, such as ``{"code": it.code, "rules": [*it.rules]}``: every chart of a batch
    is written by it, and going through the parts each time takes five times as long.
    """
    entries = []
    for part in parts(kind):
        value = f"it.{part.attribute}"
        entry = f"{part.key!r}: {_plain(part.type, value)}"
        entries.append(f"**({{}} if {value} in empty else {{{entry}}})" if part.optional else entry)
    names: dict[str, Any] = {"empty": (None, "", (), {})}
    found: Callable[[Described], dict[str, Any]] = eval(f"lambda it: {{{', '.join(entries)}}}", names)
    _WRITERS[kind] = found
    return found


def _plain(of: Any, value: str, depth: int = 0) -> str:
    """An expression for the plain data of a value of a type; `value` is an expression for the value."""
    of = get_args(of)[0] if _notes(of) else of
    inner, options, each = get_args(of), _options(of), f"each{depth}"
    if NoneType in options:
        [written] = {_plain(it, value, depth) for it in options if it is not NoneType}
        return written if written == value else f"(None if {value} is None else {written})"
    origin = get_origin(of) or of
    if origin is tuple and inner[-1] is Ellipsis:
        written = _plain(inner[0], each, depth + 1)
        return f"[*{value}]" if written == each else f"[{written} for {each} in {value}]"
    if origin is tuple:
        return f"[*{value}]"
    if not isinstance(origin, type):
        return value
    if issubclass(origin, Mapping):
        written = _plain(inner[1], each, depth + 1)
        return (
            f"{{**{value}}}" if written == each else f"{{k{depth}: {written} for k{depth}, {each} in {value}.items()}}"
        )
    if issubclass(origin, Described):
        return f"{value}.as_dict()"
    return f"{value}.value" if issubclass(origin, Enum) else value


def schema(kind: type[Described]) -> Schema:
    """Give the JSON Schema (draft 2020-12) of what a class gives out, titled by its name."""
    below: dict[str, Schema] = {}
    return {"$schema": DRAFT, "title": kind.__name__, **kind.record(below), "$defs": below}


def _schema(of: Any, below: dict[str, Schema]) -> Schema:
    notes = _notes(of)
    found = _bare(get_args(of)[0] if notes else of, below)
    for note in notes:
        if isinstance(note, Keywords):
            found |= note.more
    said = [it for it in notes if isinstance(it, str)]
    return {**found, "description": said[-1]} if said else found


def _bare(of: Any, below: dict[str, Schema]) -> Schema:
    """The schema of a type of which nothing more is said."""
    inner, options = get_args(of), [it for it in _options(of) if it is not NoneType]
    if NoneType in _options(of):
        [one] = options
        return _or_null(_schema(one, below))
    if options == [int, float]:
        return {"type": "number"}
    match get_origin(of) or of:
        case origin if origin is Literal:
            return {"type": "string", "enum": [*inner]}
        case origin if origin is Any:
            return {}
        case origin if origin is tuple and inner[-1] is not Ellipsis:
            columns = [_schema(it, below) for it in inner]
            return {"type": "array", "prefixItems": columns, "minItems": len(columns), "maxItems": len(columns)}
        case origin if origin is tuple:
            return {"type": "array", "items": _schema(inner[0], below)}
        case origin if issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": _schema(inner[1], below)}
        case origin if issubclass(origin, Described):
            return _reference(origin, below)
        case origin if issubclass(origin, Enum):
            return {"type": "string", "enum": [it.value for it in origin]}
        case origin:
            return {"type": _NAMES[origin]}


def _reference(kind: type[Described], below: dict[str, Schema]) -> Schema:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
    if name not in below:
        below[name] = {}  # it may hold more of its own kind
        below[name] = kind.record(below)
    return {"$ref": f"#/$defs/{name}"}


def _or_null(found: Schema) -> Schema:
    if "type" not in found:
        return {"oneOf": [found, {"type": "null"}]}
    more = {"enum": [*found["enum"], None]} if "enum" in found else {}
    return {**found, **more, "type": [found["type"], "null"]}


def _notes(of: Any) -> tuple[Any, ...]:
    """What is said of a type in its annotation."""
    return tuple(of.__metadata__) if get_origin(of) is Annotated else ()


def _options(of: Any) -> tuple[Any, ...]:
    return get_args(of) if get_origin(of) in {Union, UnionType} else (of,)


_WRITERS: dict[type[Described], Callable[[Described], dict[str, Any]]] = {}

_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number"}
