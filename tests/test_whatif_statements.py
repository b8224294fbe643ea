"""What is said of other values, times and readings is checked: by the second engine, on the chart that says otherwise.

Behind each sentence of `missing`, `margins`, `readings` and of the least change stands what would be put into the chart
and what it would lead to. `tests/tools/sentences.py` looks at all cases.
"""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Iterable, Iterator

import generate
import pytest
import visits
from case_files import Case
from rich.console import Console, RenderableType
from test_statements import HELD, POLICY, SOME, charted
from test_statements import _set as held_as_set

from ivproof.chart.clock import Moment
from ivproof.chart.encounter import Encounter, dumps
from ivproof.claim.coding import Coder
from ivproof.claim.statements import Gains, Leads, put_between, spoken, with_put
from ivproof.engine.claims import Units as Claim
from ivproof.engine.claims import in_words, units_of
from ivproof.engine.second import SecondEngine
from ivproof.render.margins import sentence
from ivproof.render.missing import matter, question, turns
from ivproof.render.readings import readings_words
from ivproof.whatif.margins import margins_of
from ivproof.whatif.missing import missing_facts
from ivproof.whatif.readings import ReadingsOfCharts
from ivproof.why.why import Explainer
from ivproof.why.whynot import why_not


class Worlds:
    """What the second engine says of a chart that said otherwise, or was read otherwise."""

    def __init__(self, coder: Coder, encounter: Encounter) -> None:
        self.coder = coder
        self.chart = dumps(encounter)
        self.named = charted(coder.facts(encounter))
        self._claims: dict[object, list[Claim]] = {}

    def claims(self, put: tuple[tuple[str, str], ...], read: tuple[tuple[str, str], ...]) -> list[Claim]:
        """The claims of the chart that says this otherwise and is read so."""
        if (key := (put, read)) not in self._claims:
            chart = generate.encounter(with_put(self.chart, put))
            held = held_as_set(self.coder.determiner.settings)
            held |= {POLICY.question(n).key: POLICY.question(n).option(letter).name for n, letter in read}
            claims = SecondEngine(POLICY, held).claims(self.coder.facts(chart))
            self._claims[key] = [units_of(POLICY, claim) for claim in claims]
        return self._claims[key]

    def holds(self, it: Leads | Gains) -> bool:
        match it:
            case Gains(put, code, units):
                return all(claim.codes.get(code, 0) >= units for claim in self.claims(put, ()))
            case Leads(put, claims, read, among):
                told = {frozenset(claim) for claim in claims}
                marked = any("-" in code for claim in claims for code, _ in claim)
                found = {frozenset(lines(claim, marked=marked)) for claim in self.claims(put, read)}
                return told <= found if among else told == found

    def departures(self, text: str, says: Iterable[Leads | Gains], known: Iterable[str] = ()) -> Iterator[str]:
        """What is wrong with a sentence: nothing behind it, something that is not so, a number without a statement."""
        says = list(says)
        HELD["what if"] += 1
        if not says:
            yield f"nothing behind {text}"
        for it in says:
            if not self.holds(it):
                yield f"not true: {it} behind {text}"
        words = {word for it in says for word in it.words(self.chart)} | {word for it in known for word in spoken(it)}
        lacking = spoken(self.named.sub(" ", text)) - words
        if lacking:
            yield f"{sorted(lacking)} of no statement in {text} {says}"


def lines(claim: Claim, *, marked: bool) -> Iterator[tuple[str, int]]:
    yield from claim.codes.items()
    for code, marks in claim.modifiers.items() if marked else ():
        yield from ((f"{code}-{mark}", units) for mark, units in marks.items())


def missing_told(coder: Coder, encounter: Encounter) -> Iterator[str]:
    """What is wrong with what is said of the facts that a chart does not give."""
    found, worlds = missing_facts(coder, encounter), Worlds(coder, encounter)
    now = Leads((), tuple(tuple(it.units.items()) for it in found.claims))
    yield from worlds.departures(" or ".join(map(str, found.claims)), [now])
    for fact in found.facts:
        for it in fact.outcomes:
            yield from worlds.departures(f"{it.text}: {' or '.join(map(str, it.claims))}", it.says)
        behind = [says for it in fact.outcomes for says in it.says] or [now]
        charted_times = [it for one in encounter.administrations for it in (_text(one.start), _text(one.stop))]
        yield from worlds.departures(f"{question(fact, encounter)}{turns(fact)}", behind, charted_times)
        if fact.matters == "together":
            yield from worlds.departures(matter(fact), fact.says)
            if len({it.claims for it in fact.says}) < len(fact.says) or len(fact.says) < 2:
                yield f"it does not matter so: {matter(fact)} {fact.says}"
        if fact.matters == "no" and any(it != found.claims for it in (one.claims for one in fact.outcomes)):
            yield f"it matters: {fact.place}"


def _text(moment: Moment | None) -> str:
    return "" if moment is None else moment.text


def margins_told(coder: Coder, encounter: Encounter) -> Iterator[str]:
    """What is wrong with what is said of how far times can move."""
    worlds = Worlds(coder, encounter)
    for settled in margins_of(coder, encounter).settled:
        for it in settled.margins:
            known = [it.charted, str(it.limit.minutes), f"{(it.ran or 0) // 60} {(it.ran or 0) % 60}"]
            before, after = (Counter(dict(says.claims[0])) for says in (it.says[0], it.says[-1]))
            known += map(str, (*(before - after).values(), *(after - before).values()))
            yield from worlds.departures(sentence(it), it.says, known)


def readings_told(readings: ReadingsOfCharts, coder: Coder, encounter: Encounter) -> Iterator[str]:
    """What is wrong with what is said of what readings lead to."""
    found, worlds = readings.of(coder.facts(encounter)), Worlds(coder, encounter)
    if found.complete:
        text = " ".join(_plain_text(it) for it in readings_words(found, None))
        titles = [it.question.title for it in found.questions]
        counted = [str(n) for n in range(1, len(found.claims) + 1)]
        for it in found.says:
            yield from worlds.departures("", [it])
        words = {word for it in found.says for word in it.words(worlds.chart)}
        words |= {word for it in (*titles, *counted) for word in spoken(it)}
        lacking = spoken(worlds.named.sub(" ", text)) - words
        if lacking:
            yield f"{sorted(lacking)} of no statement in {text}"


def change_told(explainer: Explainer, encounter: Encounter, code: str) -> Iterator[str]:
    """What is wrong with what is said of what would put a code on the claim."""
    found, worlds = why_not(explainer, encounter, code), Worlds(explainer.coder, encounter)
    for it in found.says:
        if not worlds.holds(it):
            yield f"not true: {it}"
    if found.search.change is not None:
        for edit in found.search.change.edits:
            known = [edit.before, *(str(it) for it in (abs(edit.minutes), 1) if it)]
            yield from worlds.departures(f"{edit.after} ({abs(edit.minutes) or ''})", found.says, known)
    for reading in found.readings:
        for letter, codes in reading.otherwise.items():
            leads = Leads((), (tuple(codes.items()),), ((reading.question, letter),))
            yield from worlds.departures(in_words(Claim(codes)), [leads])


def _plain_text(it: RenderableType) -> str:
    written = io.StringIO()
    Console(width=400, file=written, color_system=None).print(it)
    return written.getvalue()


def _given(coder: Coder) -> dict[str, str]:
    held = {key: option or "open" for key, option in coder.determiner.settings.items()}
    return {key: it for key, it in held.items() if it != (POLICY.questions[key].default or "open")}


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(POLICY)


@pytest.mark.parametrize("case", [pytest.param(it, id=f"{it.file}:{it.name}") for it in SOME[::2]])
def test_what_is_said_of_missing_facts_is_true(case: Case, explainer: Explainer) -> None:
    assert list(missing_told(explainer.coder, case.encounter)) == []


@pytest.mark.parametrize("case", [pytest.param(it, id=f"{it.file}:{it.name}") for it in SOME[1::7]])
def test_what_is_said_of_margins_is_true(case: Case, explainer: Explainer) -> None:
    assert list(margins_told(explainer.coder, case.encounter)) == []


@pytest.mark.parametrize("case", [pytest.param(it, id=f"{it.file}:{it.name}") for it in SOME[2::5]])
def test_what_is_said_of_readings_is_true(case: Case, explainer: Explainer) -> None:
    assert list(readings_told(ReadingsOfCharts(POLICY), explainer.coder, case.encounter)) == []


@pytest.mark.parametrize(("code", "at"), [("96366", 0), ("96365", 1), ("96361", 2)])
def test_what_is_said_of_the_least_change_is_true(code: str, at: int, explainer: Explainer) -> None:
    chart = generate.encounter(generate.visit(random.Random(at), range(2, 4), name=f"E{at}"))
    assert list(change_told(explainer, chart, code)) == []


@pytest.mark.parametrize("seed", [11, 12])
def test_what_is_said_of_generated_charts_is_true(seed: int, explainer: Explainer) -> None:
    chart = generate.encounter(generate.chart(random.Random(seed), range(1, 4), name=f"C{seed}"))
    assert list(missing_told(explainer.coder, chart)) == []
    assert list(margins_told(explainer.coder, chart)) == []
    assert list(readings_told(ReadingsOfCharts(POLICY), explainer.coder, chart)) == []


def test_what_is_not_so_and_a_number_without_a_statement_are_found(explainer: Explainer) -> None:
    chart = visits.visit({"id": "x", "drug": "ceftriaxone", "start": "09:00", "stop": "10:30"})
    worlds = Worlds(explainer.coder, chart)
    as_it_is = Leads((), ((("96365", 1),),))
    longer = (("administrations[0].stop", '"10:31"'),)
    assert not list(worlds.departures("96365", [as_it_is]))
    assert not list(
        worlds.departures(
            "x ran 90 minutes: one more (stop 10:31) gains 96366",
            [as_it_is, Leads(longer, ((("96365", 1), ("96366", 1)),))],
        )
    )
    assert list(worlds.departures("x ran 95 minutes", [as_it_is]))
    assert list(worlds.departures("96365", []))
    assert list(worlds.departures("96365", [Leads(longer, ((("96365", 1),),))]))
    assert list(worlds.departures("96366", [Gains((), "96366", 1)]))
    assert not list(worlds.departures("96366", [Gains(longer, "96366", 1)]))


def test_what_is_put_into_a_chart_is_what_it_says_otherwise() -> None:
    one, other = dumps(visits.LONG_DAY), dumps(visits.EQUALS)
    assert with_put(one, put_between(one, other)) == other
    assert put_between(one, one) == ()
