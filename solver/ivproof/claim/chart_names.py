"""From the constants of the program back to the chart: ids, places and times as they are charted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from ivproof.chart.clock import is_clock_time
from ivproof.chart.encounter import Administration
from ivproof.chart.facts import Facts, day_of
from ivproof.chart.refusal import spell
from ivproof.engine.choices import Resolution
from ivproof.law.terms import Function, Term, parse

ENCOUNTER = "encounter"
"""The subject of what is missing from the encounter itself."""


class ChartNames:
    """Leads from the constants of the program back to the chart."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def subject_key(self, term: Term) -> str:
        """The administration or other service that a term is about."""
        while isinstance(term, Function) and term.name not in self.facts.places and term.arguments:
            term = term.arguments[0]
        return str(term)

    def administration(self, term: Term) -> set[str]:
        """The administration that a term is about, or nothing where it is about another service."""
        key = self.subject_key(term)
        place = self.facts.places.get(key, ())
        return {key} if place[:1] == ("administrations",) else set()

    def subject(self, term: Term) -> str:
        """Give the id of the administration or other service that a term is about."""
        key = self.subject_key(term)
        return self.facts.names.get(key, key)

    def rank(self, term: Term) -> tuple[int, int]:
        """Give the place of what a term is about in the order of the chart."""
        key = self.subject_key(term)
        place = self.facts.places.get(key)
        if place is None:
            return (0, 0)
        return (1 if key.startswith("a") else 2, int(place[-1]))

    def in_order(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Give the ids behind constants, in the order of the chart."""
        ranked = sorted(keys, key=lambda key: self.rank(parse(key)))
        return tuple(self.facts.names.get(key, key) for key in ranked)

    def site(self, access: Term) -> str | None:
        """The id of an access site, with the lumen where that counts; None for one that is only assumed."""
        if not isinstance(access, Function):
            return None
        if access.name in {"lumen", "on_date"}:
            inner, detail = access.arguments
            where = self.site(inner)
            lumen = self.facts.names.get(str(detail), str(detail))
            return f"{where} ({lumen})" if access.name == "lumen" else where
        return self.facts.names.get(str(access))

    @cached_property
    def _charted_at(self) -> Mapping[str, str]:
        """The constant of the site of each administration that is charted at one."""
        return dict(it.arguments.split(",") for it in self.facts.own if it.predicate == "site")

    def sites(self, access: Term, administrations: Iterable[str]) -> str | None:
        """The sites at which administrations are charted that were given through an access: it may be several in one.

        What is charted at none is at the access that is taken for it.
        """
        if not isinstance(access, Function) or access.arguments:
            return self.site(access)
        used = sorted(
            {self._charted_at.get(key, str(access)) for key in administrations} & {*self.facts.names},
            key=lambda key: self.facts.places[key],
        )
        return ", ".join(self.facts.names[key] for key in used) or self.site(access)

    def _given(self, subject: Term) -> Administration | None:
        place = self.facts.places.get(str(subject), ())
        return self.facts.encounter.administrations[int(place[1])] if place[:1] == ("administrations",) else None

    def charted(self, subject: Term, what: str) -> str:
        """The start or stop of an administration as charted; nothing of what is not, and of anything else."""
        it = self._given(subject)
        moment = getattr(it, what) if it is not None and what in {"start", "stop"} else None
        return "" if moment is None else moment.text

    def span(self, subject: Term) -> str:
        """From when to when an administration is counted, in a sentence; nothing where no start is charted."""
        it = self._given(subject)
        if it is None or it.start is None:
            return ""
        begin = self.facts.encounter.date
        told = [
            f"{moment.text} on {day_of(begin, moment.day)}" if is_clock_time(moment.text) else moment.text
            for moment in (it.start, it.stop)
            if moment is not None
        ]
        if it.stop is None:
            return f"It is counted from {told[0]}. "
        minutes = (it.stop.seconds - it.start.seconds) // 60
        length = f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
        return f"It is counted from {told[0]} to {told[1]}: {length}. "

    def fact(self, subject: Term, what: str) -> str:
        """The path of a missing fact, with ids in the brackets."""
        key = str(subject)
        if key == ENCOUNTER:
            return what
        place = self.facts.places.get(key)
        if place is None:
            return f"{key}.{what}"
        if place[0] in {"administrations", "access_sites"}:
            return f"{place[0]}[{self.facts.names[key]}].{what}"
        return f"{spell(place)}.{what}"

    def supposed_fact(self, resolution: Resolution) -> str:
        """Name the fact that the chart does not give and that a resolution supposes."""
        what = resolution.predicate.removeprefix("supposed_")
        if what == "class":
            drug = self.facts.names.get(resolution.subject, resolution.subject)
            return f"class of {drug}"
        return {"reason": "primary_reason", "sites": "access_sites", "lesions": "lesions"}.get(what, what)

    def supposed_value(self, resolution: Resolution) -> str:
        """Name what a resolution supposes of a fact."""
        if resolution.predicate == "supposed_reason":
            return self.subject(parse(resolution.value))
        if resolution.predicate == "supposed_sites":
            return self.site(parse(resolution.value)) or resolution.value
        return resolution.value
