"""What the shell completes: names of policies, questions and options, rules and codes of a policy, ids in a chart.

Each function is given what was typed so far, and gives what can stand there, with a word on it where there is one.
Nothing is loaded before it is asked for, and what cannot be read completes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ivproof.chart.encounter import Encounter
    from ivproof.law.policy import Policy

Completed = Iterator[tuple[str, str]]

FEW = 50
"""So many charts of a file are looked at for their ids."""


def policies(incomplete: str) -> list[str]:
    """Complete the name of a policy."""
    from ivproof.law.policy import policies as known

    return [name for name in known() if name.startswith(incomplete)]


def questions(ctx: typer.Context, incomplete: str) -> Completed:
    """Complete the number or name of a question."""
    for law in _law(ctx):
        for question in law.questions.values():
            yield from _begun(((it, question.title) for it in (question.number, question.name)), incomplete)


def readings(ctx: typer.Context, incomplete: str) -> Completed:
    """Complete QUESTION=OPTION."""
    name, equals, option = incomplete.partition("=")
    if not equals:
        yield from ((f"{found}=", title) for found, title in questions(ctx, name))
        return
    from ivproof.law.policy import PolicyError

    for law in _law(ctx):
        with suppress(PolicyError):
            for it in law.question(name).options:
                if it.name.startswith(option) or it.letter.startswith(option.upper()):
                    yield f"{name}={it.name}", f"{it.letter}: {it.says}"
            if "open".startswith(option):
                yield f"{name}=open", "Try every option."


def codes(ctx: typer.Context, incomplete: str) -> Completed:
    """Complete a code that the policy can put on a claim."""
    for law in _law(ctx):
        labels = ((code, law.wordings[rule].sentence) for code, rule in law.codes.items())
        yield from _begun(labels, incomplete)


def rules(ctx: typer.Context, incomplete: str) -> Completed:
    """Complete the id of a rule of the law, or the number of a rule of its text."""
    from ivproof.law.sources import Sources

    for law in _law(ctx):
        yield from _begun(((rule, it.sentence) for rule, it in law.wordings.items()), incomplete)
        yield from _begun(((number, it.says) for number, it in Sources.of(law).rules.items()), incomplete)


def encounters(ctx: typer.Context, incomplete: str) -> Completed:
    """Complete the id of an encounter of the files that stand on the command line."""
    yield from _begun(((it.id, it.date.isoformat()) for it in _charts(ctx)), incomplete)


def administrations(ctx: typer.Context, incomplete: str) -> Completed:
    """Complete the id of an administration of the chart that stands on the command line."""
    wanted = ctx.params.get("encounter")
    for chart in _charts(ctx):
        if wanted in {None, chart.id}:
            yield from _begun(((it.id, it.drug) for it in chart.administrations), incomplete)


def verdicts(incomplete: str) -> Completed:
    """Complete verdicts with commas between them."""
    from ivproof.audit.model import Verdict

    before, comma, last = incomplete.rpartition(",")
    yield from _begun(((f"{before}{comma}{it.value}", "") for it in Verdict if it.value.startswith(last)), "")


def _begun(found: Iterable[tuple[str, str]], incomplete: str) -> Completed:
    begun = incomplete.casefold()
    return ((name, says) for name, says in found if name.casefold().startswith(begun))


def _law(ctx: typer.Context) -> Iterator[Policy]:
    """The policy that was asked for, if it can be loaded."""
    from ivproof.law.language import LawError
    from ivproof.law.policy import Policy, PolicyError

    with suppress(PolicyError, LawError):
        yield Policy.load(str(ctx.params.get("policy") or "out001"))


def _charts(ctx: typer.Context) -> Iterator[Encounter]:
    """The first charts of the files that were named; standard input is left alone."""
    from itertools import islice

    from ivproof.chart.files import scan

    # while the value of an option is typed, no argument has its name yet
    named = ctx.params.get("files") or [ctx.params.get("file") or "", *ctx.args]
    for sheet in islice(scan([it for it in named if Path(it).exists() and it]), FEW):
        chart = sheet.chart().encounter
        if chart is not None:
            yield chart
