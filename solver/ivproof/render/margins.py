"""Margins in words: a sentence for each time that the claim hangs on, and what nothing hangs on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivproof.formats.plain import plain
from ivproof.unknowns.lines import ClaimLines
from ivproof.whatif.margins import Margin, MarginReport, SettledMargins
from ivproof.why.naming import minutes as length

MINUTE = 60
_SAID = {"start": "started at", "stop": "stopped at", "from": "paused at", "to": "went on at"}


def sentence(margin: Margin) -> str:
    """Say what becomes of the claim, as in ``vancomycin-1 ran 91 minutes: one less (stop 10:30) loses 96366``."""
    who = plain(margin.subject or "")
    field = margin.place.rpartition(".")[2]
    charted = f"{who} {_SAID[field]} {margin.charted}" if who else f"inpatient order at {margin.charted}"
    if margin.minutes is None:
        return f"{charted}: no change up to {_limit(margin)}"
    outcome = outcome_words(margin)
    if field in {"start", "stop"} and margin.ran is not None and margin.ran_then is not None:
        more = "more" if margin.ran_then > margin.ran else "less"
        still = ", pauses included" if margin.paused else ""
        return f"{who} ran {length(margin.ran)}{still}: {_count(margin.minutes)} {more} ({field} {margin.at}) {outcome}"
    unit = "minute" if margin.minutes == 1 else "minutes"
    return f"{charted}: {_count(margin.minutes)} {unit} {margin.way} ({margin.at}) {outcome}"


def outcome_words(margin: Margin) -> str:
    """Say what the claim loses and gains; where there are several claims, which ones there would be."""
    change = margin.change
    if change is not None and change.codes:
        return str(change)
    if len(margin.after) == 1:
        return f"leaves one claim: {margin.after[0]}"
    return f"leaves {len(margin.after)} claims: {' or '.join(map(_short, margin.after))}"


def margin_words(report: MarginReport) -> Iterator[RenderableType]:
    """Put the margins of a chart into words and tables, the closest calls first."""
    yield Text.assemble((plain(report.encounter), "bold"), f": {report.status}")
    for settled in report.settled:
        yield Text()
        yield Text(_heading(settled), "bold")
        told = [it for it in settled.margins if it.minutes is not None]
        still = [it for it in settled.margins if it.minutes is None]
        if told:
            yield _table(told)
        elif not still:
            yield Padding(Text("No time of this chart hangs on so little."), (0, 0, 0, 2))
        if still:
            yield Text("Nothing changes by any other move, up to a day:", "bright_black")
            for line in _still(still):
                yield Padding(Text(line, "bright_black"), (0, 0, 0, 2))


def _table(margins: Sequence[Margin]) -> RenderableType:
    found = Table(box=None, pad_edge=False, header_style="bold")
    found.add_column("Minutes", justify="right", no_wrap=True)
    found.add_column("What would happen", overflow="fold")
    found.add_column("Rules", overflow="fold")
    for it in margins:
        signed = it.minutes if it.way == "later" else -(it.minutes or 0)
        found.add_row(f"{signed:+d}", Text(sentence(it)), ", ".join(it.rules))
    return found


def _still(margins: Sequence[Margin]) -> Iterator[str]:
    """A line for each time that can move without a change, with how far it was moved."""
    by: dict[str, list[Margin]] = {}
    for it in margins:
        by.setdefault(it.place, []).append(it)
    for same in by.values():
        far = ", ".join(f"{it.way} up to {_limit(it)}" for it in same)
        yield f"{plain(same[0].place)} {same[0].charted}: {far}"


def _heading(settled: SettledMargins) -> str:
    ways = {**settled.readings, **settled.given, **settled.initial}
    by = ", ".join(f"{name} = {value}" for name, value in ways.items())
    claims = " or ".join(map(_short, settled.claims))
    return f"With {plain(by)}: {claims}" if by else f"Claim: {claims}"


def _short(claim: ClaimLines) -> str:
    return plain(str(claim))


def _limit(margin: Margin) -> str:
    minutes = margin.limit.minutes
    return f"{margin.limit.reason} ({length(minutes * MINUTE)})"


def _count(minutes: int) -> str:
    return "one" if minutes == 1 else str(minutes)
