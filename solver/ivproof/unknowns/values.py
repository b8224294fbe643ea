"""What may stand in a field of a chart, where the format lists it: read off the model, so that no value is left out."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ivproof.chart.encounter import Part


@cache
def closed(part: type[Part], field: str) -> tuple[Any, ...]:
    """Give every value that a field (by its name in the model) can have; nothing where it takes anything.

    >>> from ivproof.chart.encounter import Administration
    >>> closed(Administration, "container"), closed(Administration, "drug")
    (('single_dose', 'multi_dose'), ())
    """
    known = part.model_fields.get(field)
    return () if known is None else _values(known.annotation)


def _values(kind: Any) -> tuple[Any, ...]:
    if kind is bool:
        return True, False
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments
    if origin is Annotated:
        return _values(arguments[0])
    if origin in (Union, UnionType):
        inner = [_values(it) for it in arguments if it is not type(None)]
        return sum(inner, ()) if all(inner) else ()
    return ()
