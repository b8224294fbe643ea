"""Each rule of the law is told with whom it is about, when that was, and by its own name.

For every rule that can found a step of a claim a case is told with every detail (`tests/tools/rule_cases.py` finds
them), so that a rule whose sentence shows a constant of the program, a number of seconds or nothing at all is found
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import rule_cases

from ivproof.law.policy import Policy
from ivproof.law.syntax import Comparison, Literal, Rule
from ivproof.law.terms import Operation, Variable, variables
from ivproof.law.trace import Instance
from ivproof.why.derivation import Derivation
from ivproof.why.explanation import Line, Step
from ivproof.why.naming import UNKNOWN, Names, minutes

POLICY = Policy.load("out001")
CODE = re.compile(r"\b(?:[A-Z]\d{4}|\d{5})\b")
CONSTANT = re.compile(r"\b[a-z]+_[a-z]+")
KEY = re.compile(r"\b[a-z]\d+\b")
RAW = re.compile(r"[{}]|\b(?:start|stop|paused|resumed|alone|piece|lumen|on_date|midnight)\(|\bNone\b")
NUMBER = re.compile(r"(?<![\d.A-Z-])(?<!October )\d{4,}(?![\d-]| minutes| or more needed)")
"""A number that is no code and no year: a reader would take seconds for something else."""


class Told(NamedTuple):
    """How a rule is told: in which case, of which applied rule, and as which step (or, as a table, in which line)."""

    case: str
    derivation: Derivation
    instance: Instance
    step: Step

    @property
    def texts(self) -> list[str]:
        """Its sentence, and what its lines say."""
        return [self.step.sentence, *(it.text for it in self.step.lines)]

    def names(self, text: str) -> Iterator[str]:
        """What the constants in a text are called in the chart."""
        names = self.derivation.facts.names
        return (names[key] for key in KEY.findall(text) if key in names)


class Tables(NamedTuple):
    """How a rule is told that a reading has made a fact of the law."""

    case: str
    rule: Rule
    line: Line


def found() -> tuple[dict[str, Told], dict[str, Tables]]:
    """For each rule the first step of a listed case that it founds, told with every detail."""
    wanted = rule_cases.expected(POLICY)
    explainers = rule_cases.Explainers(POLICY)
    told: dict[str, Told] = {}
    tables: dict[str, Tables] = {}
    for case in rule_cases.listed(POLICY):
        answered = explainers.of(case).case(case.encounter)
        for alternative in answered.alternatives:
            derivation = answered.derivation(alternative)
            teller = answered.teller(derivation, detail=True)
            new = {rule: head for rule, head in rule_cases.founding(derivation) if rule in wanted - told.keys()}
            steps: dict[str, Step] = {}
            for rule, head in new.items():
                line = teller.step(head)
                steps.update({it.atom: it for it in (line.step.walk() if line.step is not None else ())})
                if line.kind == "table":
                    tables[rule] = Tables(case.name, derivation.tables[head].rule, line)
                else:
                    told[rule] = Told(f"{case.file}: {case.name}", derivation, derivation.reasons(head)[0], steps[head])
    return told, tables


def every_rule_is_told_in_some_case(told: dict[str, Told], tables: dict[str, Tables]) -> None:
    lacking = sorted(rule_cases.expected(POLICY) - told.keys() - tables.keys())
    assert not lacking, f"no listed case has these; python tests/tools/rule_cases.py adds some: {lacking}"


def a_step_cites_its_rule(told: dict[str, Told], tables: dict[str, Tables]) -> None:
    for rule, it in told.items():
        assert it.step.rule == rule, it.case
        assert it.instance.rule.header is not None
        assert it.step.citation == it.instance.rule.header.citation, (rule, it.case)
        assert it.step.source == it.instance.rule.place, (rule, it.case)


def what_a_reading_makes_a_table_is_told_with_its_sentence(told: dict[str, Told], tables: dict[str, Tables]) -> None:
    for rule, it in tables.items():
        assert it.line.rule == rule, it.case
        assert it.rule.header is not None
        assert it.rule.header.sentence in it.line.text, (rule, it.case)


def a_step_names_everything_that_it_is_about(told: dict[str, Told], tables: dict[str, Tables]) -> None:
    for rule, it in told.items():
        about = " ".join((it.step.atom, *it.instance.bindings.values()))
        said = " ".join(it.texts)
        for name in it.names(about):
            assert name in said, (rule, it.case, name, it.texts)


def a_step_tells_the_times_and_lengths_that_it_compares(told: dict[str, Told], tables: dict[str, Tables]) -> None:
    for rule, it in told.items():
        for value in compared(it):
            assert any(value in text for text in it.texts), (rule, it.case, value, it.texts)


def a_step_rests_on_the_facts_of_the_chart(told: dict[str, Told], tables: dict[str, Tables]) -> None:
    for rule, it in told.items():
        places = {place for line in it.step.lines for place in line.places}
        for atom in it.instance.positive:
            if it.derivation.origin(atom) == "chart":
                expected = {it.derivation.place(fact.place) for fact in it.derivation.chart[atom]}
                assert expected & places, (rule, it.case, atom)


def nothing_of_the_program_shows(told: dict[str, Told], tables: dict[str, Tables]) -> None:
    for rule, it in told.items():
        charted = sorted(set(it.derivation.facts.names.values()), key=len, reverse=True)
        assert UNKNOWN not in it.step.sentence, (rule, it.case, it.step.sentence)
        for text in (it.step.sentence, *(line.text for line in it.step.lines if line.kind != "reading")):
            plain = CODE.sub("", text)
            for name in charted:
                # the ids and drugs of a chart are no constants of the program
                plain = plain.replace(name, "")
            for shows in (RAW, KEY, NUMBER, CONSTANT):
                assert not shows.search(plain), (rule, it.case, text)


def test_every_rule_is_told_rightly() -> None:
    """One test: telling all rules takes minutes, and is done once."""
    told, tables = found()
    every_rule_is_told_in_some_case(told, tables)
    a_step_cites_its_rule(told, tables)
    what_a_reading_makes_a_table_is_told_with_its_sentence(told, tables)
    a_step_names_everything_that_it_is_about(told, tables)
    a_step_tells_the_times_and_lengths_that_it_compares(told, tables)
    a_step_rests_on_the_facts_of_the_chart(told, tables)
    nothing_of_the_program_shows(told, tables)


def compared(it: Told) -> Iterator[str]:
    """The times and lengths that a step compares, as a reader knows them."""
    rule, bindings = it.instance.rule, it.instance.bindings
    names = Names(it.derivation.facts, clock=it.derivation.clock)
    for part in rule.body:
        if isinstance(part, Comparison) and not defines(part):
            for name in (*variables(part.left), *variables(part.right)):
                kind = names.kind_of(rule, name)
                if kind == "time":
                    yield names.clock(int(bindings[name]))
                elif kind == "length" and not of_a_limit(rule, name):
                    yield minutes(int(bindings[name]))


def defines(part: Comparison) -> bool:
    """Whether a comparison only names a result."""
    return part.operator == "=" and isinstance(part.left, Variable) and isinstance(part.right, Operation)


def of_a_limit(rule: Rule, name: str) -> bool:
    """Whether a variable is a number of the law's tables."""
    tables = (it for it in rule.body if isinstance(it, Literal) and it.atom.name in {"threshold", "hour_mark", "limit"})
    return any(name in set(variables(it.atom)) for it in tables)
