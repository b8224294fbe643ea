"""A policy's coverage and predicates as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ivproof.checks.coverage import Coverage, OptionRow, Place, QuestionRow, RuleRow
from ivproof.checks.predicates import Predicate

FAINT = "bright_black"

PLACES = 3
"""So many rules of the law are named in a row; the JSON has all of them."""


def coverage_tables(found: Coverage) -> Iterator[RenderableType]:
    """Give the tables of the rules and of the questions, and what is missing in words."""
    rules = _table("Rule", "Section", "Says", "Encoded in", "Cases")
    for row in found.rules:
        rules.add_row(row.text.number, row.text.section, Text(row.text.says), _encoded(row), _cases(row, found))
    yield rules
    yield Text()
    questions = _table("No.", "Question", "Option", "Read by", "Cases")
    for question in found.questions:
        for n, option in enumerate(question.options):
            first = (question.number, Text(question.name)) if n == 0 else ("", Text())
            held = "*" if option.name == question.default else ""
            cases = _count(option.cases) if found.cases else Text()
            questions.add_row(*first, Text(f"{option.letter}{held} {option.name}"), _read_by(question, option), cases)
    yield questions
    yield Text()
    yield from summary(found)


def coverage_detail(row: RuleRow | QuestionRow) -> Iterator[RenderableType]:
    """Give one row in full: every place in the law and every case."""
    if isinstance(row, RuleRow):
        stands = ", ".join(filter(None, (row.text.section, row.text.lines)))
        yield Text.assemble((row.text.number, "bold"), f"  {stands}")
        yield Text(row.text.says)
        if row.text.explains:
            yield Text(f"Decides nothing by itself: {row.text.explains}")
        yield from _listed("Encoded in", list(map(str, row.encoded)))
        yield from _listed("Set aside with", list(row.set_aside))
        yield from _listed("Questions", list(row.questions))
        for side, names in row.cases.items():
            yield from _listed(f"Cases, {side}", list(names))
        yield from _listed("Cases of readings", list(row.options))
        return
    yield Text.assemble((row.number, "bold"), f"  {row.name}")
    yield Text(row.title)
    for option in row.options:
        held = " (held)" if option.name == row.default else ""
        yield Text.assemble("\n", (f"{option.letter} {option.name}{held}", "bold"), f"  {option.says}")
        if option.unexpressed:
            yield Text(f"No rule can tell it: {option.unexpressed}")
        yield from _listed("Read by", list(map(str, option.read_by)))
        yield from _listed("Cases", list(option.cases))


def _listed(title: str, names: Sequence[str]) -> Iterator[Text]:
    if names:
        yield Text(f"{title}:")
        yield from (Text(f"  {name}") for name in names)


def summary(found: Coverage) -> Iterator[Text]:
    """Give the coverage in a few lines: how much there is of what, and what is missing."""
    options = sum(len(question.options) for question in found.questions)
    explains = sum(1 for row in found.rules if row.text.explains)
    yield Text(f"{len(found.rules)} rules of the text, of which {explains} only explain or refer to other sources.")
    yield Text(f"{len(found.questions)} open questions with {options} options; * marks the one that is held.")
    if found.cases is None:
        yield Text("The cases are not part of an installed package: run this in a checkout to see them.", FAINT)
    elif found.topics:
        yield Text(f"{sum(found.topics.values())} published cases: {_topics(found)}.")
    yield from (Text(line, "red") for line in found.gaps)
    if not found.gaps:
        aside = ", set aside by the overlay" if any(row.set_aside for row in found.rules) else ""
        yield Text(
            f"Every rule is encoded{aside} or says why not; every question's options can be told apart.", "green"
        )
    yield from (Text(f"not tested: {line}", "yellow") for line in found.untested)


def pairs_summary(features: int, without: Sequence[tuple[str, str]]) -> Iterator[Text]:
    """Tell how many pairs of so many features stand together in a case, and name those `without` one."""
    every = features * (features - 1) // 2
    yield Text(f"{every - len(without)} of {every} pairs of {features} features of the chart format have a case.")
    yield from (Text(f"not tested together: {one}, {other}", "yellow") for one, other in without)


def predicates_table(found: Iterable[Predicate]) -> Table:
    """Give the predicates with the files that define them and the Python that writes or reads them."""
    table = _table("Predicate", "Defined in", "Python", "Meaning")
    for it in found:
        places = ", ".join(it.defined_in)
        table.add_row(f"{it.name}/{it.arity}", Text(places), Text(", ".join(it.python)), Text(it.meaning))
    return table


def _table(*columns: str) -> Table:
    found = Table(box=None, pad_edge=False, header_style="bold")
    for n, column in enumerate(columns):
        found.add_column(column, no_wrap=n == 0, overflow="fold")
    return found


def _encoded(row: RuleRow) -> Text:
    found = _named(row.encoded)
    if row.text.explains:
        found = Text(row.text.explains, FAINT)
    elif row.set_aside:
        found = Text(f"set aside: {', '.join(row.set_aside)}", FAINT)
    elif row.gap:
        found = Text(row.gap, "red")
    return found


def _read_by(question: QuestionRow, option: OptionRow) -> Text:
    if option.unexpressed:
        return Text(option.unexpressed, FAINT)
    if option.read_by:
        return _named(option.read_by)
    return Text(question.gap, "red") if question.gap else Text("the rules without this question's", FAINT)


def _named(places: Sequence[Place]) -> Text:
    names = list(dict.fromkeys(place.rule for place in places))
    further = f" and {len(names) - PLACES} more" if len(names) > PLACES else ""
    return Text(", ".join(names[:PLACES]) + further)


def _cases(row: RuleRow, found: Coverage) -> Text:
    if found.cases is None:
        return Text()
    sides = [f"{side} {len(names)}" for side, names in row.cases.items()]
    if row.options:
        sides.append(f"readings {len(row.options)}")
    return Text(", ".join(sides))


def _count(names: Sequence[str]) -> Text:
    return Text(str(len(names))) if names else Text("none", "red")


def _topics(found: Coverage) -> str:
    return ", ".join(f"{topic} {number}" for topic, number in found.topics.items())
