"""What a change of the law does, in words for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ivproof.comparison import Comparison, RuleChange
from ivproof.comparison.law import REWORDED
from ivproof.formats.plain import plain

FAINT = "bright_black"

LISTED = 25
"""Up to so many charts are listed one by one; of more, those with the same difference for the same reason together."""


def comparison_words(found: Comparison, *, coded: bool) -> Iterator[RenderableType]:
    """Put a comparison into words: the rules first, then the charts where any were `coded`."""
    names = [it["name"] for it in (found.old, found.new)]
    digests = [it["digest"][:18] for it in (found.old, found.new)]
    yield Text(plain(f"{names[0]} → {names[1]}"), "bold")
    yield Text(f"{digests[0]} → {digests[1]}", FAINT)
    yield Text()
    rules = [it for it in found.rules if it.kind != REWORDED]
    reworded = len(found.rules) - len(rules)
    said = f"{_count(len(rules), 'rule')} of the law {'is' if len(rules) == 1 else 'are'} different"
    yield Text(said + (f", {_count(reworded, 'other')} only reworded" if reworded else ""))
    for rule in found.rules:
        yield from _rule(rule, found.touched[rule.id] if coded else None)
    if coded:
        yield Text()
        yield from _charts(found)


def _rule(rule: RuleChange, charts: int | None) -> Iterator[RenderableType]:
    what = f"  {rule.kind}  {plain(rule.citation)}  "
    yield Padding(Text.assemble((plain(rule.id), "bold"), what, (plain(rule.place), FAINT)), (0, 0, 0, 2))
    for sign, texts, style in (("-", rule.before, "red"), ("+", rule.after, "green")):
        for text in texts:
            yield Padding(Text(plain(f"{sign} {' '.join(text.split())}"), style), (0, 0, 0, 4))
    if charts is not None and rule.kind != REWORDED:
        on = _count(charts, "chart") if charts else "no chart"
        yield Padding(Text(f"stands behind another claim on {on}", FAINT), (0, 0, 0, 4))


def _charts(found: Comparison) -> Iterator[RenderableType]:
    reasons = f", {found.reasoned} the same for other reasons" if found.reasoned else ""
    have = "has" if len(found.changed) == 1 else "have"
    yield Text(f"{_count(found.charts, 'chart')}; {len(found.changed)} {have} another claim{reasons}", "bold")
    if not found.changed:
        return
    many = len(found.changed) > LISTED
    rows = found.grouped if many else [(1, it) for it in found.changed]
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = (*(["Charts"] if many else []), "Smallest" if many else "Chart", "Under the new law", "Because of")
    for column in columns:
        table.add_column(column, no_wrap=column in {"Charts", "Chart"}, overflow="fold")
    for charts, it in rows:
        because = Text("\n").join(Text(plain(name)) for name in it.because)
        count = [Text(str(charts))] if many else []
        table.add_row(*count, Text(plain(it.encounter)), Text(plain("; ".join(it.differences))), because)
    yield Padding(table, (0, 0, 0, 2))
    if found.units:
        yield Text()
        one = any(not it.units for it in found.changed)
        of = ", where each law gives one claim" if one else ""
        yield Text(f"Units in all{of}: {', '.join(f'{code} {n:+d}' for code, n in found.units.items())}")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
