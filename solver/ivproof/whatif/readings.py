"""Which questions of the policy decide over one chart, what each answer leads to, and what stands under all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ivproof.chart.facts import Facts
from ivproof.claim.chart_names import ChartNames
from ivproof.claim.statements import Leads
from ivproof.engine.choices import DIAGNOSES, DRUG_LINES, FREE, Resolution
from ivproof.engine.claims import Units, at_least, at_most, units_of
from ivproof.engine.explorer import Exploration, Explorer
from ivproof.formats.output import OPTIONAL, After, Called, Described
from ivproof.law.policy import Policy, Question
from ivproof.law.terms import parse

Matters = Literal["alone", "together"]

NOTED = {"finding": 2, "excluded": 3}
"""Predicates (with their arities) of what is noted beside the claim, and of what is left out of it and why."""

BESIDE = {"drug lines": DRUG_LINES, "diagnoses": DIAGNOSES, "exclusions and findings": NOTED}
"""What questions may decide beside the claim for the services; the last takes longer than the claim itself."""


@dataclass(frozen=True)
class Decided(Described):
    """A question that decides over a chart.

    `held` is the option held by default (None where there is none), `matters` whether it changes the claim alone or
    only together with others, `leads` what each option leads to that alone leads elsewhere: a claim, or several where
    something else is open.
    """

    question: Question
    held: str | None
    matters: Matters
    leads: Mapping[str, tuple[Units, ...]]

    def as_dict(self) -> dict[str, Any]:
        """The question as plain data: every option, who holds it, and what it leads to."""
        return {
            "question": self.question.number,
            "name": self.question.name,
            "title": self.question.title,
            "rests_on": self.question.citation,
            "matters": self.matters,
            "held": self.held,
            "options": [
                {
                    "letter": option.letter,
                    "option": option.name,
                    "says": option.says,
                    "held_by_default": option.name == self.question.default,
                    **_led(self.leads.get(option.name, ())),
                }
                for option in self.question.options
            ],
            "note": self.question.note,
        }


def _lines(claim: Units) -> tuple[tuple[str, int], ...]:
    """The units of a claim by code, and by code and modifier."""
    marked = ((f"{code}-{mark}", n) for code, marks in claim.modifiers.items() for mark, n in marks.items())
    return (*claim.codes.items(), *marked)


def _led(claims: Sequence[Units]) -> dict[str, Any]:
    """What an option leads to as plain data: a claim, or several."""
    if len(claims) == 1:
        return {"claim": claims[0].as_dict()}
    return {"claims": [it.as_dict() for it in claims]} if claims else {}


@dataclass(frozen=True)
class Led(Described):
    """A claim with a smallest set of readings that leads to it: number of the question to letter of the option."""

    claim: Annotated[Units, After("initial")]
    readings: Mapping[str, str]
    given: Annotated[Mapping[str, str], OPTIONAL]
    initial: Annotated[Mapping[str, str], OPTIONAL]


@dataclass(frozen=True)
class ChartReadings(Described):
    """What the readings of a policy make of one chart.

    `base` is the claim under the readings held, the first option of a question without a default. `beside` has further
    questions, which decide over something else than the claim for the services, `facts` what the chart does not give
    and that decides. Without `complete` the chart leads to more than could be gone through, and nothing else is told.
    """

    encounter: str
    policy: Mapping[str, str]
    base: Annotated[Units, Called("held")]
    questions: tuple[Decided, ...]
    claims: tuple[Led, ...]
    beside: Annotated[Mapping[str, tuple[str, ...]], Called("beside_the_claim")]
    facts: Annotated[tuple[str, ...], After("questions")]
    complete: Annotated[bool, After("policy")] = True

    @property
    def says(self) -> tuple[Leads, ...]:
        """What stands behind the claims that are told: what the chart leads to with each option, or set of them."""
        first = {it.question.number: it.question.options[0].letter for it in self.questions if it.held is None}
        options = [
            Leads((), tuple(map(_lines, claims)), ((asked.question.number, name),))
            for asked in self.questions
            for name, claims in asked.leads.items()
        ]
        led = [
            Leads((), (_lines(it.claim),), tuple({**first, **it.readings}.items()), bool(it.given or it.initial))
            for it in self.claims
        ]
        return (Leads((), (_lines(self.base),), tuple(first.items()), among=True), *options, *led)

    @property
    def certain(self) -> Annotated[dict[str, int], After("base")]:
        """The units of each code that stand in every claim."""
        return at_least(it.claim for it in self.claims)

    @property
    def possible(self) -> Annotated[dict[str, int], After("certain")]:
        """The most units of each code that some claim has."""
        return at_most(it.claim for it in self.claims)


class ReadingsOfCharts:
    """Finds out what readings make of charts, by one policy and one setting of its questions."""

    def __init__(self, policy: Policy, readings: Mapping[str, str] | None = None) -> None:
        self.policy = policy
        self._settings = policy.settings(readings)
        self._explorer = Explorer(policy, readings)
        self._beside = {what: Explorer(policy, readings, outcome) for what, outcome in BESIDE.items()}
        self._about = policy.about

    def of(self, facts: Facts, beside: Collection[str] = ("drug lines", "diagnoses")) -> ChartReadings:
        """Give what the readings make of one chart, and of what stands beside its claim (some of `BESIDE`)."""
        [found] = self._explorer.explore([facts])
        others: dict[str, tuple[str, ...]] = {}
        for what in (it for it in BESIDE if it in beside):
            [it] = self._beside[what].explore([facts])
            keys = [key for key in it.mattering if key not in found.mattering]
            if keys:
                others[what] = tuple(self.policy.questions[key].number for key in keys)
        return self._form(facts, found, others)

    def explore(self, charts: Sequence[Facts]) -> list[Exploration]:
        """Give what charts lead to, in the order given."""
        return self._explorer.explore(charts)

    def _form(self, facts: Facts, found: Exploration, beside: Mapping[str, tuple[str, ...]]) -> ChartReadings:
        names = ChartNames(facts)
        alone = found.alone or {}
        questions = [
            Decided(
                self.policy.questions[key],
                self._settings[key],
                "alone" if key in alone else "together",
                {
                    option: tuple(units_of(self.policy, claim) for claim in sorted(claims, key=sorted))
                    for option, claims in alone.get(key, {}).items()
                },
            )
            for key in found.mattering
        ]
        claims = [
            Led(
                units_of(self.policy, it.claim),
                {self.policy.questions[key].number: self._letter(key, option) for key, option in it.readings.items()},
                {names.supposed_fact(way): names.supposed_value(way) for way in it.given},
                {names.site(parse(way.subject)) or way.subject: names.subject(parse(way.value)) for way in it.initial},
            )
            for it in found.claims
        ]
        return ChartReadings(
            facts.encounter.id,
            self._about,
            units_of(self.policy, found.base),
            tuple(questions),
            tuple(claims),
            beside,
            tuple(names.supposed_fact(Resolution(*choice, "")) for choice in found.assumed if choice[0] != FREE),
            found.complete,
        )

    def _letter(self, key: str, option: str) -> str:
        return self.policy.questions[key].option(option).letter
