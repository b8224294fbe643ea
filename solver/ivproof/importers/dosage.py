"""What a dosage of FHIR R4 says of the amount, the rate and the running time of what was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic_core import PydanticCustomError

from ivproof.chart.fields import LARGEST, charted_amount
from ivproof.importers.printed import PrintedName
from ivproof.importers.resources import Resource, part, parts, text
from ivproof.importers.terms import StatedLength, intervals, lengths, millilitres_of, minutes_of, rates, volume


def _quantity(value: object) -> tuple[float, str] | None:
    """A number and its unit, as far as it is one that a chart may hold."""
    number = part(value, "value")
    unit = text(value, "code") or text(value, "unit")
    if not isinstance(number, int | float) or isinstance(number, bool) or not unit:
        return None
    return (float(number), unit) if 0 <= number <= LARGEST else None


def amount_of(dosage: Mapping[str, Any]) -> str | None:
    """What was given, as a chart has it; None where the dose is no amount of a drug."""
    dose = _quantity(dosage.get("dose"))
    try:
        if dose is None:
            return None
        number = format(Decimal(repr(dose[0])), "f").removesuffix(".0")
        return charted_amount(f"{number} {dose[1]}").text
    except (PydanticCustomError, ArithmeticError):
        return None


def rate_of(dosage: Mapping[str, Any]) -> float | None:
    """The rate of a dosage in millilitres an hour, where it is one of volume in time."""
    ratio = dosage.get("rateRatio")
    above, below = _quantity(part(ratio, "numerator")), _quantity(part(ratio, "denominator"))
    one = _quantity(dosage.get("rateQuantity"))
    if one is not None and "/" in one[1]:
        volume_unit, time = one[1].split("/", 1)
        above, below = (one[0], volume_unit), (1.0, time)
    if above is None or below is None:
        return None
    ml, minutes = millilitres_of(*above), minutes_of(*below)
    rate = ml * 60 / minutes if ml is not None and minutes else None
    return round(rate, 3) if rate is not None and rate <= LARGEST else None


def lengths_said(dosage: Mapping[str, Any], drugs: Sequence[PrintedName]) -> Iterator[StatedLength]:
    """What a dosage says of the running time: a rate in time, a volume by a rate, a length in its text."""
    rate = _quantity(dosage.get("rateQuantity"))
    minutes = None if rate is None else minutes_of(*rate)
    if rate is not None and minutes is not None:
        yield StatedLength(minutes, minutes, f"a rate of {rate[0]:g} {rate[1]}")
    words = text(dosage, "text")
    dose = _quantity(dosage.get("dose"))
    volumes = [None if dose is None else millilitres_of(*dose), *(it.ml for it in drugs), volume(words)]
    ml = next((it for it in volumes if it is not None), None)
    per_hour = rate_of(dosage)
    for speed in dict.fromkeys([*([per_hour] if per_hour else []), *rates(words)]):
        if ml is not None and speed > 0:
            yield StatedLength(ml * 60 / speed, ml * 60 / speed, f"{ml:g} mL at {speed:g} mL/h")
    yield from (length._replace(words=f"a text of {length.words!r}") for length in lengths(words))
    yield from (often._replace(words=f"a dose {often.words}") for often in intervals(words))


def ordered_length(request: Resource | None) -> StatedLength | None:
    """The length that an order gives; None where it gives none, or several."""
    found: dict[tuple[float, float], StatedLength] = {}
    for it in parts(request.data if request else None, "dosageInstruction"):
        repeat = part(it, "timing", "repeat")
        longest = part(repeat, "durationMax")
        value, unit = part(repeat, "duration"), text(repeat, "durationUnit")
        some: Iterable[StatedLength] = lengths(text(it, "text"))
        if isinstance(value, int | float) and (minutes := minutes_of(value, unit)) is not None:
            most = minutes_of(longest, unit) if isinstance(longest, int | float) else None
            some = [StatedLength(minutes, most or minutes, f"{value:g} {unit}"), *some]
        for one in parts(it, "doseAndRate"):
            rate = _quantity(one.get("rateQuantity"))
            if rate is not None and (minutes := minutes_of(*rate)) is not None:
                some = [StatedLength(minutes, minutes, f"{rate[0]:g} {rate[1]}"), *some]
        for length in some:
            found.setdefault((length.least, length.most), length)
    return next(iter(found.values())) if len(found) == 1 else None
