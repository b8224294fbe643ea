"""Readings for a person at a terminal: which questions decide over a chart, what each leads to, what stands anyway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivproof.engine.claims import difference, in_words, or_else
from ivproof.formats.plain import plain
from ivproof.render.words import line_text
from ivproof.whatif.readings import ChartReadings, Decided, Led
from ivproof.why.idle import Asking, Idle

FAINT = "bright_black"

CLAIMS = 3
"""So many claims of one option are shown; the data has all of them."""


def readings_words(found: ChartReadings, limit: int | None) -> Iterator[RenderableType]:
    """Give the readings of a chart; at most `limit` of its claims."""
    yield Text(plain(found.encounter), "bold")
    if not found.complete:
        yield Text("  The readings lead to more different claims than could be gone through.", "red")
        return
    if len(found.claims) == 1:
        yield Text.assemble("  One claim under every reading: ", (in_words(found.claims[0].claim), "bold"))
    else:
        yield from _claims(found, limit)
    for what, numbers in found.beside.items():
        yield Padding(Text(f"Not over the claim, but over the {what}: {', '.join(numbers)}"), (1, 0, 0, 2))


def _claims(found: ChartReadings, limit: int | None) -> Iterator[RenderableType]:
    summary = Table.grid(padding=(0, 2))
    summary.add_column(no_wrap=True)
    summary.add_column()
    summary.add_row("As held", Text(in_words(found.base), "bold"))
    summary.add_row("Under every reading", _units(found.certain) or "nothing")
    summary.add_row("At most", _units(found.possible))
    yield Padding(summary, (0, 0, 0, 2))
    alone = [it for it in found.questions if it.matters == "alone"]
    if alone:
        yield Padding(Text("Questions that change the claim by themselves"), (1, 0, 0, 2))
        yield Padding(_questions(found, alone), (0, 0, 0, 4))
    together = [it for it in found.questions if it.matters == "together"]
    if together:
        names = ", ".join(f"{it.question.number} {it.question.name}" for it in together)
        yield Padding(Text(f"Only together with others: {names}"), (1, 0, 0, 2))
    if found.facts:
        yield Padding(
            Text(f"What the chart does not give decides too: {', '.join(map(plain, found.facts))}"), (1, 0, 0, 2)
        )
    shown = found.claims if limit is None else found.claims[:limit]
    yield Padding(Text(f"{len(found.claims)} different claims, each with readings that lead to it"), (1, 0, 0, 2))
    claims = Table.grid(padding=(0, 2))
    decide = {it.question.number for it in alone}
    for it in shown:
        # an open question that changes nothing by itself is not needed for what follows as all is held
        held = in_words(it.claim) == in_words(found.base) and not (
            it.given or it.initial or decide & it.readings.keys()
        )
        claims.add_row(Text("as held" if held else _way(it), "cyan"), Text(in_words(it.claim)))
    yield Padding(claims, (0, 0, 0, 4))
    if len(shown) < len(found.claims):
        yield Text(
            f"    and {len(found.claims) - len(shown)} more: --limit 0 shows them, --format json has them all", FAINT
        )


def _questions(found: ChartReadings, questions: list[Decided]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for n, column in enumerate(("No.", "Question", "Option", "Claim")):
        table.add_column(column, no_wrap=n == 0, overflow="fold")
    for it in questions:
        first = True
        for option in it.question.options:
            held = option.name == it.held
            if option.name in it.leads:
                ways = [difference(found.base, claim) or "as held" for claim in it.leads[option.name]]
                leads = "\nor ".join(ways[:CLAIMS])
                if len(ways) > CLAIMS:
                    leads += f"\nor {or_else(len(ways) - CLAIMS)}"
            else:
                leads = "held" if held else "the same"
            table.add_row(
                it.question.number if first else "",
                Text(it.question.title if first else ""),
                Text(f"{option.letter}{'*' if option.name == it.question.default else ''} {option.name}"),
                Text(leads, FAINT if option.name not in it.leads else ""),
            )
            first = False
    return table


def _units(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{code}{f' ×{units}' if units > 1 else ''}" for code, units in codes.items())


def _way(led: Led) -> str:
    parts = [f"{number}={letter}" for number, letter in led.readings.items()]
    parts += [f"{plain(fact)}: {plain(value)}" for fact, value in led.given.items()]
    parts += [f"initial at {plain(site)}: {plain(service)}" for site, service in led.initial.items()]
    return ", ".join(parts) or "as held"


def idle_words(found: Idle) -> Iterator[RenderableType]:
    """Tell why a question does not decide over a chart."""
    question = found.question
    yield Text.assemble((f"{question.number} {question.name}", "bold"), f": {question.title}")
    if found.touches:
        yield Text("It changes something on the way to the claim, but the claim is the same whatever is held.")
    else:
        yield Text("It changes nothing: whatever is held of the other questions, nothing follows from it here.")
    alike: dict[object, list[Asking]] = {}
    for asking in found.rules:
        alike.setdefault((asking.applies, asking.obstacles), []).append(asking)
    for group in alike.values():
        for asking in group:
            head = Text.assemble(plain(asking.sentence), (f"  [{asking.rule}] {asking.citation}".rstrip(), FAINT))
            yield Padding(head, (0, 0, 0, 2))
        if group[0].applies:
            yield Padding(Text("can apply", FAINT), (0, 0, 0, 4))
        for line in group[0].obstacles:
            yield Padding(line_text(line), (0, 0, 0, 4))
