"""``ivproof readings``: the questions that a policy leaves open, and what they do to charts.

``readings list`` and ``readings show`` are about the policy; with a file, the command is about its charts.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivproof.commands import completing
from ivproof.commands.charts import CHARTS_HELP
from ivproof.commands.common import (
    INTERRUPTED,
    JobsOption,
    LimitOption,
    PolicyOption,
    ReadingOption,
    UncheckedOption,
    emit_json,
    load_policy,
    profiles_for,
    say,
    show,
    table,
    telling_policy_errors,
    wrong,
)
from ivproof.commands.each import each_chart
from ivproof.commands.guarding import Commands
from ivproof.commands.one import EncounterOption, pick, telling_engine_errors
from ivproof.formats.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from ivproof.chart.encounter import Encounter
    from ivproof.chart.refusal import Source
    from ivproof.law.policy import Policy, Question
    from ivproof.whatif.readings import ReadingsOfCharts

OF_CHARTS = "of"
"""The command that is meant where the first word names no other: its arguments are files."""

CLAIMS = 12
"""So many claims of a chart are shown unless more are asked for."""


class _FilesToo(Commands):
    """A group of commands that takes files where no command is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = next(iter(args), "--help")
        if first not in {*self.commands, "--help", "-h"} and not first.startswith(("--install", "--show-completion")):
            args = [OF_CHARTS, *args]
        return super().parse_args(ctx, args)


class ReadingsFormat(StrEnum):
    """How the readings of charts are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


app = typer.Typer(
    cls=_FilesToo,
    no_args_is_help=True,
    subcommand_metavar="FILE...|COMMAND [ARGS]...",
    help="The questions that the policy's text leaves open. With [bold]list[/] and [bold]show[/]: what they are. With "
    "files: which of them decide over these charts, and what each answer leads to "
    "([bold]ivproof readings of --help[/] shows the options).",
)


@app.command(OF_CHARTS)
def of_charts(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help=CHARTS_HELP,
            show_default=False,
        ),
    ],
    encounter: EncounterOption = None,
    why: Annotated[
        str | None,
        typer.Option(
            "--why",
            metavar="QUESTION",
            help="Show why this question does not decide over the chart (one chart).",
            autocompletion=completing.questions,
            show_default=False,
        ),
    ] = None,
    exclusions: Annotated[
        bool,
        typer.Option("--exclusions", help="Also tell which questions decide only over what is left out, and why."),
    ] = False,
    most: Annotated[
        int, typer.Option("--claims", min=0, metavar="N", help="Show at most so many claims of a chart; 0 shows all.")
    ] = CLAIMS,
    summary: Annotated[
        bool,
        typer.Option("--summary", help="Count over all charts: which question decides alone over how many, and how."),
    ] = False,
    unresolved: Annotated[
        bool, typer.Option("--unresolved", help="Only questions without a default, the others as held.")
    ] = False,
    jobs: JobsOption = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    form: Annotated[
        ReadingsFormat,
        typer.Option(
            "--format", help="table: for people. json: JSON Lines, one encounter a line. csv: of the summary only."
        ),
    ] = ReadingsFormat.TABLE,
) -> None:
    """Tell which questions decide over charts: alone, or only together; every claim, with readings that lead to it.

    All questions of the policy are open here, whatever is held by default; --reading settles one. Exit status: 0 when
    every chart was read, 1 when one was refused, 3 when one took more work than --limit allows (the others are
    answered).
    """
    profiles = profiles_for(policy, reading)
    by = profiles.base.policy
    if summary:
        if encounter is not None or why is not None:
            wrong("--summary is of all charts: it goes without --encounter and --why")
        from ivproof.commands.summary import summarise
        from ivproof.whatif.many import Questions

        titles = {it.number: it.title for it in by.questions.values()}
        raise typer.Exit(summarise(files, profiles, Questions(unresolved), "questions", titles, form.value, jobs))
    if form is ReadingsFormat.CSV:
        wrong("--format csv is for --summary")

    def settings(payer: str | None) -> dict[str, str]:
        held = {it.key: it.default for it in by.questions.values() if unresolved and it.default is not None}
        given = profiles.of(payer).readings
        return held | {by.question(name).key: option for name, option in given.items()}

    if why is not None:
        with telling_policy_errors():
            chart = pick(_one(files), encounter)
            _why(by, settings(chart.payer), by.question(why), chart)
        return
    from ivproof.whatif.readings import ReadingsOfCharts

    finders = cache(lambda payer: ReadingsOfCharts(by, settings(payer)))
    with telling_policy_errors():
        finders(None)
    status = _each(by, lambda it: finders(profiles.key(it)), files, encounter, form, most, exclusions=exclusions)
    raise typer.Exit(status)


def _each(
    policy: Policy,
    finder: Callable[[str | None], ReadingsOfCharts],
    files: list[str],
    encounter: str | None,
    form: ReadingsFormat,
    most: int,
    *,
    exclusions: bool,
) -> int:
    """Tell the readings of every chart, or of the encounter that is asked for; give the exit status.

    `finder` gives what finds them for the charts of a payer.
    """
    from ivproof.chart.fields import compare_key
    from ivproof.claim.coding import Coder
    from ivproof.commands.running import count
    from ivproof.render.readings import readings_words
    from ivproof.whatif.readings import BESIDE

    wanted = None if encounter is None else compare_key(encounter)
    with telling_policy_errors():
        coder = Coder(policy)
    beside = [what for what in BESIDE if exclusions or what != list(BESIDE)[-1]]
    told = 0

    def one(chart: Encounter, _: Source) -> int:
        nonlocal told
        if wanted is not None and compare_key(chart.id) != wanted:
            return 0
        found = finder(chart.payer).of(coder.facts(chart), beside)
        told += 1
        if form is ReadingsFormat.JSON:
            emit_json(found.as_dict(), indent=None)
        else:
            show(*readings_words(found, most or None), "")
        return 0

    def undecided(chart: Encounter, why: str) -> None:
        if form is ReadingsFormat.JSON:
            emit_json({"encounter": chart.id, "status": "undecided", "notes": [why]}, indent=None)

    try:
        status = each_chart(files, one, undecided=undecided)
    except KeyboardInterrupt:
        say(f"ivproof: interrupted; {count(told)} answered")
        return INTERRUPTED
    if encounter is not None and not told and not status:
        wrong(f"--encounter {encounter}: no encounter of {', '.join(files)} has that id")
    return status


def _one(files: list[str]) -> str:
    if len(files) != 1:
        raise typer.BadParameter("--why takes one file")
    return files[0]


def _why(policy: Policy, settings: dict[str, str], question: Question, chart: Encounter) -> None:
    """Show why a question does not decide over a chart, or that it does."""
    from ivproof.engine.explorer import Explorer
    from ivproof.render.readings import idle_words
    from ivproof.why.idle import why_idle
    from ivproof.why.why import Explainer

    with telling_engine_errors(chart, policy.settings(settings)):
        explainer = Explainer(policy, settings)
        case = explainer.case(chart)
        [found] = Explorer(policy, settings).explore([case.facts])
    if question.key in found.mattering:
        how = "alone" if question.key in (found.alone or {}) else "together with others"
        show(plain(f"{question.number} ({question.name}) decides over {chart.id}, {how}."))
        return
    teller = case.teller(case.derivation(case.alternatives[0]))
    show(*idle_words(why_idle(policy, teller, question, touches=question.key in found.touched)))


@app.command("list")
def list_(policy: PolicyOption = "out001") -> None:
    """List the questions with their options; * marks the one that is held unless --reading sets another."""
    from rich.text import Text

    with telling_policy_errors():
        questions = load_policy(policy).questions.values()
        found = table("No.", "Name", "Question", "Options")
        for question in questions:
            options = (f"{it.letter}{'*' if it.name == question.default else ''} {it.name}" for it in question.options)
            held = "" if question.default else "open: "
            found.add_row(question.number, Text(question.name), Text(question.title), Text(held + ", ".join(options)))
        show(found)


@app.command("show")
def show_(
    question: Annotated[
        str,
        typer.Argument(
            metavar="QUESTION", help="Its number or name: A26, tie_break.", autocompletion=completing.questions
        ),
    ],
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
) -> None:
    """Show one question: what is open, its options, which one is held and why."""
    with telling_policy_errors():
        show(*_parts(load_policy(policy).question(question)))


def _parts(question: Question) -> Iterator[RenderableType]:
    """What is said of one question."""
    from rich.text import Text

    from ivproof.render.printing import FAINT, indented

    yield Text(f"{question.number} {question.name}", "bold")
    yield question.title
    yield Text(f"{question.kind}; rests on {question.citation}", FAINT)
    yield ""
    options = table("", "Option", "")
    options.show_header = False
    for option in question.options:
        held = Text("held unless set otherwise", "green") if option.name == question.default else Text("")
        options.add_row(Text(option.letter, "bold"), Text.assemble((option.name, "bold"), ": ", option.says), held)
    yield indented(options)
    if question.default is None:
        yield indented("No option is supported: every one is tried, and each claim that follows is listed.")
    if question.note:
        yield f"\n{question.note}"
    last = question.options[-1]
    setting = f"--reading {question.number}={last.letter} or --reading {question.name}={last.name}"
    yield Text(f"\nSet it with {setting}.", FAINT)
