"""What a chart does not say, in words: what to ask for, and what each answer would lead to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivproof.chart.encounter import Administration, Encounter
from ivproof.formats.plain import plain
from ivproof.unknowns.lines import ClaimLines
from ivproof.whatif.missing import Missing, MissingReport, ValueOutcome

SHOWN = 4
"""Of the ranges of a missing time so many are shown; the others are in the JSON."""


MINUTES = 60
"""Of an hour."""

TURNS = 3
"""So many times at which the claim becomes another one are named beside a question."""


def missing_words(report: MissingReport, encounter: Encounter) -> Iterator[RenderableType]:
    """Put a report into words: first what to ask for."""
    one, *others = report.claims
    said = f", as charted {_claims([one])}" if not others else ", as charted one of these:"
    if one.undetermined and not one.units and not others:
        said = f". {_claims([one])}"
    yield Text.assemble((plain(report.encounter), "bold"), f": {report.status}{said}")
    if others:
        yield from (Padding(Text(_claims([it])), (0, 0, 0, 2)) for it in report.claims)
    if not report.facts:
        yield Text("The chart lacks nothing that the policy asks for.")
        yield from _notes(report)
        return
    yield Text()
    if report.ask:
        these = "this" if len(report.ask) == 1 else "these"
        yield Text(f"To settle the claim, ask for {these}:", "bold")
        for n, place in enumerate(report.ask, 1):
            fact = report.fact(place)
            yield Padding(Text(f"{n}. {question(fact, encounter)}{turns(fact)}"), (0, 0, 0, 2))
        if report.raises:
            yield Text(f"Some answers raise further questions: {', '.join(map(plain, report.raises))}.")
    else:
        yield Text(_nothing(report), "bold")
    for fact in report.facts:
        yield Text()
        yield Text.assemble((plain(fact.place), "bold"), f": {matter(fact)}")
        for message in fact.messages:
            yield Padding(Text(f"{plain(message)} {', '.join(fact.rules)}", "bright_black"), (0, 0, 0, 2))
        if fact.outcomes:
            yield Padding(_table(fact.outcomes), (0, 0, 0, 2))
    yield from _notes(report)


def _nothing(report: MissingReport) -> str:
    """What is said where there is nothing to ask for."""
    if any(fact.matters == "not asked for" for fact in report.facts):
        return "Nothing that the policy asks for changes the claim, of what was tried."
    return "No value that was tried of what is missing changes the claim."


def _notes(report: MissingReport) -> Iterator[RenderableType]:
    """What may be a slip, what the drug list has to say, and what was not looked at."""
    if report.notes:
        yield Text()
        yield from (Text(plain(it)) for it in report.notes)
    notes = []
    if not report.complete:
        notes.append(f"Looked at in pairs: all {len(report.facts)} facts together are too many.")
    if any(it.first for fact in report.facts for it in fact.outcomes):
        together = ""
        if len(report.facts) > 1:
            hours, ranges = report.combined_minutes // MINUTES, report.combined_ranges
            together = f", and together with other facts in up to {ranges} ranges of {hours} hours"
        notes.append(f"Each time was gone through by itself up to a day{together}.")
    untried = [fact.place for fact in report.facts if fact.matters == "not tried"]
    if untried:
        notes.append(f"Not tried, since it can be anything or no time fits: {', '.join(map(plain, untried))}.")
    if notes:
        yield Text()
        yield Text(" ".join(notes), "bright_black")


def question(fact: Missing, encounter: Encounter) -> str:
    """Say what to ask for, with what the chart says of it."""
    given = next((it for it in encounter.administrations if it.id == fact.subject), None)
    if given is None:
        site = next((it.id for it in encounter.access_sites if it.id == fact.subject), None)
        return plain(fact.place if site is None else f"{fact.field.replace('_', ' ')} of access {site}")
    known = _known(given)
    return plain(f"{fact.field.replace('_', ' ')} of {given.id}{f' ({known})' if known else ''}")


def turns(fact: Missing) -> str:
    """When the claim becomes another one, of a fact that is a time."""
    turns = [it.first for it in fact.outcomes[1:] if it.first is not None]
    if not turns:
        return ""
    return f": another claim from {', '.join(turns[:TURNS])}{', …' if len(turns) > TURNS else ''}"


def _known(given: Administration) -> str:
    """What tells an administration from others: its drug where its id does not say it, and its times."""
    parts = [] if given.drug.casefold() in given.id.casefold() else [given.drug]
    if given.start is not None:
        parts.append(f"started {given.start.text}")
    if given.stop is not None:
        parts.append(f"stopped {given.stop.text}")
    return ", ".join(parts)


def matter(fact: Missing) -> str:
    """Say whether a fact matters, and beside what."""
    if fact.matters == "together":
        others = ", ".join(f"{place} = {value}" for place, value in fact.when.items())
        return f"matters only together with others, as with {plain(others)}"
    return {
        "alone": "matters",
        "no": "no value that was tried changes the claim",
        "not tried": "not tried",
        "not asked for": "not asked for, the policy does without it",
    }[fact.matters]


def _table(outcomes: Sequence[ValueOutcome]) -> Table:
    found = Table(box=None, pad_edge=False, show_header=False)
    found.add_column(no_wrap=True)
    found.add_column(overflow="fold")
    # where the codes for giving are one, the lines of the drugs tell the outcomes apart
    alike = len({_claims(it.claims) for it in outcomes}) == 1
    said = _drugs if alike and len({_drugs(it.claims) for it in outcomes}) > 1 else _claims
    if all(it.first is None for it in outcomes):  # values, not times: those with one outcome stand together
        texts: dict[str, list[str]] = {}
        for it in outcomes:
            texts.setdefault(said(it.claims), []).append(it.text)
        for outcome, some in texts.items():
            found.add_row(Text(plain(" or ".join(some))), Text(outcome))
        return found
    for it in outcomes[:SHOWN]:
        found.add_row(Text(plain(it.text)), Text(said(it.claims)))
    rest = outcomes[SHOWN:]
    if rest:
        last = rest[-1].last or rest[-1].text
        found.add_row(Text(f"and {len(rest)} more, up to"), Text(f"{plain(last)}: {said(rest[-1].claims)}"))
    return found


def _drugs(claims: Sequence[ClaimLines]) -> str:
    lines = dict.fromkeys(tuple(f"{line} ×{units:g}" for line, units in it.drugs.items()) for it in claims)
    return " or ".join(plain(", ".join(it)) or "no drug line" for it in lines)


def _claims(claims: Sequence[ClaimLines]) -> str:
    return " or ".join(plain(str(it)) for it in claims)
