"""Two laws over all charts, in words for a terminal: the chart that differs, the verdict, and to what it is bound."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from ivproof.comparison.prices import CAUTIONS, Worth
from ivproof.formats.plain import plain
from ivproof.lab.change import Change
from ivproof.lab.kinds import ALONE, LONGEST, NOON
from ivproof.lab.proving import HOLDS, IS_BROKEN, Breaking, Proving
from ivproof.lab.proving import UNFINISHED as NOT_TO_THE_END
from ivproof.lab.reasons import DIFFERENT, SAME, Reasons
from ivproof.lab.reasons import UNFINISHED as NO_MORE_KNOWN
from ivproof.lab.result import EQUIVALENT, INCOMPARABLE, NEVER_LESS, NEVER_MORE, UNFINISHED, OverAllCharts
from ivproof.lab.when import When
from ivproof.lab.witness import Said, Shown, Witness

FAINT = "bright_black"

MOST_KINDS = 3
"""So many kinds of chart are told of which the same holds; --format json has all."""

LISTED = 12
"""So many families and things unfinished are told; --format json has all."""

VERDICTS = {
    EQUIVALENT: "Equivalent: on no chart to the bound do the status or the claims for services differ.",
    NEVER_MORE: "Never more: on no chart to the bound does the new law give more units of any code.",
    NEVER_LESS: "Never less: on no chart to the bound does the new law give fewer units of any code.",
    INCOMPARABLE: "Incomparable: the new law gives more units of a code on some chart, and fewer on some.",
    UNFINISHED: "Unfinished: nothing is said of the charts that were not gone through.",
}


BESIDE_VERDICTS = {
    SAME: "Beside the claims: on no chart to the bound is something else said.",
    DIFFERENT: "Beside the claims: of a chart with the same claims something else is said.",
    NO_MORE_KNOWN: "Beside the claims: unfinished, nothing else was found, and not everything was gone through.",
}


def witness_words(found: Witness) -> Iterator[RenderableType]:
    """Tell of a chart that differs, and of where it does not any more."""
    yield Text()
    yield Text("A chart that differs" + (f", from the case {found.case}" if found.case else ""), "bold")
    yield from _shown(found.shown)
    if found.edge is not None and found.beyond is not None:
        if found.edge.encounter != found.shown.encounter:
            yield Padding(Text(f"at the edge: {_chart(found.edge)}", FAINT), (0, 0, 0, 2))
        yield Padding(Text(f"no longer:   {_chart(found.beyond)}", FAINT), (0, 0, 0, 2))


def _shown(found: Shown) -> Iterator[RenderableType]:
    yield Padding(Text(_chart(found)), (0, 0, 0, 2))
    yield Padding(Text(f"old law: {_said(found.old)}"), (0, 0, 0, 2))
    yield Padding(Text(f"new law: {_said(found.new)}"), (0, 0, 0, 2))
    if found.rules:
        yield Padding(Text(f"because of {', '.join(map(plain, found.rules))}"), (0, 0, 0, 2))


def _chart(found: Shown) -> str:
    return chart_line(found.encounter)


def chart_line(document: Mapping[str, Any]) -> str:
    """A chart in one line: what was given, and the rest as it is written."""
    plain_sites = [{"id": it["site"]} for it in document["administrations"] if "site" in it][:1]
    given = "; ".join(
        _given(dict(it), several=len(document.get("access_sites", ())) > 1) for it in document["administrations"]
    )
    rest = {
        key: value
        for key, value in document.items()
        if key not in {"id", "administrations"} and not (key == "access_sites" and value in (plain_sites, []))
    }
    return plain(f"{given or 'nothing given'} ({', '.join(f'{key} {_value(it)}' for key, it in rest.items())})")


def _given(it: dict[str, object], *, several: bool) -> str:
    words = [str(it.pop("drug")), str(it.pop("route"))]
    start, stop = it.pop("start", None), it.pop("stop", None)
    if "method" in it:
        words.append(str(it.pop("method")))
    if start or stop:
        words.append(f"{start or 'start not charted'}{f'–{stop}' if stop else ''}")
    it.pop("id", None)
    if not several:
        it.pop("site", None)
    return " ".join([*words, *(f"{key} {_value(value)}" for key, value in it.items())])


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _said(said: Said) -> str:
    def line(code: str, units: int, marks: Sequence[str]) -> str:
        return code + (f" ×{units}" if units > 1 else "") + (f" ({', '.join(marks)})" if marks else "")

    claims = [", ".join(line(*it) for it in claim) or "nothing" for claim in said.claims]
    return f"{said.status}: {' or '.join(claims)}"


def verdict_words(found: OverAllCharts, prices: Worth | None = None) -> Iterator[RenderableType]:
    """Tell the verdict and its bound, the differences in families (with `prices` their worth), and what is left."""
    gone = found.gone
    if found.families:
        yield Text()
        yield Text("Differences that were found", "bold")
        worth = [f"{dollars(prices.amount(it.change))}  " if prices else "" for it in found.families]
        yield from _listed([a + it.sentence(MOST_KINDS) for a, it in zip(worth, found.families, strict=True)])
    yield Text()
    yield Text(VERDICTS[found.verdict], "bold")
    if found.verdict == UNFINISHED and found.witness is not None:
        ways = " and ".join(f"{it} units of some code" for it in sorted(gone.ways)) or "as many units of each code"
        yield Text(f"Where they differ on those that were, the new law gives {ways}.")
    if not found.rules_differ:
        yield Text(
            "As questions are held, the rules on which claims rest conclude the same in both, on any chart: they "
            "differ at most in names, in order and in how they are divided."
        )
    yield from (Text(it, FAINT) for it in bound_words(found))
    if gone.unfinished:
        yield Text()
        yield Text("Not gone through, or not to the end", "bold")
        yield from _listed(gone.unfinished)


def worth_words(found: Change) -> Iterator[RenderableType]:
    """Tell what a change is worth by a file of rates, by the changed rules behind it, with what has to be known."""
    assert found.prices is not None
    yield Text()
    yield Text(plain(f"Worth by the rates of {found.prices.file}"), "bold")
    for what, listed in (("made-up chart", found.families_by_rule), ("chart", found.charts_by_rule)):
        for one in listed:
            span = dollars(one.least) if one.least == one.most else f"{dollars(one.least)} to {dollars(one.most)}"
            whole = f", {dollars(one.sum)} in all" if what == "chart" else ""
            yield Padding(
                Text(plain(f"{' with '.join(one.rules) or 'no rule'}: {_count(one.charts, what)}, {span} each{whole}")),
                (0, 0, 0, 2),
            )
    if found.without_rate:
        yield Text(f"Without a rate, and so without an amount: {', '.join(found.without_rate)}.", FAINT)
    yield from (Text(it, FAINT) for it in CAUTIONS)


def dollars(amount: Decimal | None) -> str:
    """An amount for a reader; a dash where it is not known."""
    return "–" if amount is None else f"{'−' if amount < 0 else '+' if amount else ''}${abs(amount):,.2f}"


def reasons_words(found: Reasons) -> Iterator[RenderableType]:
    """Tell whether something else is said of charts with the same claims, with the bound of that."""
    gone, it = found.gone, found.witness
    yield Text()
    yield Text(BESIDE_VERDICTS[found.verdict], "bold")
    if it is not None:
        yield Padding(Text(chart_line(it.encounter)), (0, 0, 0, 2))
        yield Padding(Text(f"both laws: {_said(it.said)}"), (0, 0, 0, 2))
        for name, side in (("old", it.old), ("new", it.new)):
            told = "; ".join(f"{what.replace('_', ' ')} {', '.join(words)}" for what, words in side.items() if words)
            yield Padding(Text(plain(f"only the {name} law: {told or 'nothing'}")), (0, 0, 0, 2))
    yield Text(
        "Compared were, where the claims are the same, what is left out and why, findings, missing facts, questions "
        "that are open and change the claim, lines of drugs and the order of the diagnoses.",
        FAINT,
    )
    yield Text(_through(gone.kinds, gone.up_to, gone.cells, f"and {_count(gone.seeds, 'case')}"), FAINT)
    if gone.unfinished:
        yield from _listed(gone.unfinished)


def bound_words(found: OverAllCharts) -> Iterator[str]:
    """Tell to what a verdict is bound: what was compared, and what was gone through."""
    gone = found.gone
    more = "" if found.reasons else " (--reasons goes through these, too)"
    yield f"Compared are the status and the claims for services, not lines of drugs, diagnoses or reasons{more}."
    if found.beside:
        yield plain(f"Changed rules on which no claim rests conclude {', '.join(found.beside)}.")
    yield _through(gone.kinds, gone.up_to, gone.cells, f"and {_count(gone.seeds, 'case')}")
    yield f"Given: {_gathered(gone.given, ' ', last=True)}."
    if found.named is not None:
        it = found.named.as_dict()
        yield plain(
            f"Only kinds of chart that {it['file']} names: every combination of what is given, in each setting "
            f"({'; '.join(it['settings'])}), of two at {' or '.join(it['sites'])}, plain and with each of these one at "
            f"a time: {_gathered(it['features'], ': ') or 'nothing'}. Nothing is said of any other chart."
        )
        return
    yield (
        "Beside the plain chart, one at a time with some of what is given, what is read near to what changed by every "
        "route, and what the changed rules read themselves with everything: "
        f"{_gathered(gone.features, ': ') or 'nothing'}."
    )
    yield f"With two administrations, some of each class: {_gathered(gone.paired_features, ': ') or 'nothing more'}."


def proving_words(found: Proving) -> Iterator[RenderableType]:
    """Tell of each invariant whether it holds to the bound, or a chart on which it does not."""
    for it in found.invariants.listed:
        verdict = found.verdict(it)
        yield Text.assemble((f"{it.id}  ", "bold"), OUTCOMES[verdict], (f"  {it.citation}", FAINT))
        yield Padding(Text(plain(it.sentence)), (0, 0, 0, 2))
        if verdict == IS_BROKEN:
            yield from _breaking(found.broken[it.id])
        elif it.id in found.unseen:
            conditions = ", ".join(found.unseen[it.id])
            yield Padding(Text(plain(f"met on no chart: {conditions}"), FAINT), (0, 0, 0, 2))
    yield Text()
    cases = f"{_count(found.cases, 'case')} among them, of whatever size"
    yield Text(_through(found.kinds, found.up_to, found.cells, cases), FAINT)
    yield Text(f"Given: {_gathered(found.given, ' ', last=True)}.", FAINT)
    yield Text(
        f"Beside the plain chart, one at a time with some of it: {_gathered(found.features, ': ') or 'nothing'}.", FAINT
    )
    yield Text(
        f"With two administrations, some of each class: {_gathered(found.paired_features, ': ') or 'nothing more'}.",
        FAINT,
    )
    if found.unfinished:
        yield Text("Not gone through, or not to the end", "bold")
        yield from _listed(found.unfinished)


def _through(kinds: int, up_to: int, cells: int, cases: str) -> str:
    """What was gone through, to which bound."""
    return (
        f"Gone through: {_count(kinds, 'kind')} of chart with up to {_count(up_to, 'administration')}, in "
        f"{_count(cells, 'cell')}, {cases}, at every whole minute. "
        f"One administration runs up to {ALONE} minutes, of two or with a pause each up to "
        f"{LONGEST}, and begins within as many of the other. The first time is {NOON // 60}:{NOON % 60:02}, "
        "all are of one date, and of two that are alike the first begins first."
    )


OUTCOMES = {HOLDS: "holds to the bound", IS_BROKEN: "is broken", NOT_TO_THE_END: "is not proved: unfinished"}


def _breaking(found: Breaking) -> Iterator[RenderableType]:
    yield Padding(Text(chart_line(found.encounter)), (0, 0, 0, 2))
    yield Padding(Text(f"{_said(found.said)}{f' (about {plain(found.about)})' if found.about else ''}"), (0, 0, 0, 4))
    if found.earlier is not None:
        encounter, said = found.earlier
        yield Padding(Text(chart_line(encounter)), (0, 0, 0, 2))
        yield Padding(Text(_said(said)), (0, 0, 0, 4))


def when_words(found: When) -> Iterator[RenderableType]:
    """Tell when a code follows, each time with a chart."""
    if not found.followed:
        yield Text(f"{found.code} follows on no chart that was gone through.", "bold")
    for it in found.followed:
        yield Text(plain(it.sentence(found.code, MOST_KINDS)))
        yield Padding(Text(f"as in: {chart_line(it.encounter)}", FAINT), (0, 0, 0, 2))
    yield Text()
    yield Text(
        f"Gone through: {_count(len(found.kinds), 'kind')} of plain chart with up to "
        f"{_count(found.up_to, 'administration')}, in {_count(found.cells, 'cell')}, at every whole minute. "
        f"One administration runs up to {ALONE} minutes, of two each up to {LONGEST}, and begins within as many of "
        "the other.",
        FAINT,
    )
    if found.unfinished:
        yield Text("Not gone through, or not to the end", "bold")
        yield from _listed(found.unfinished)


def _gathered(words: Iterable[str], mark: str, *, last: bool = False) -> str:
    """Words of one field, or of one way to give something, together."""
    found: dict[str, list[str]] = {}
    for it in words:
        way = next((way for way in WAYS if it.endswith(way)), "") if last else ""
        head, value = (way, it.removesuffix(way)) if last else it.split(mark, 1) if mark in it else (it, "")
        found.setdefault(head.strip(), []).append(value.strip())
    listed = (
        f"{head}{': ' if head and any(some) else ''}{', '.join(filter(None, some))}" for head, some in found.items()
    )
    return plain("; ".join(listed))


WAYS = (" from start to stop", " push")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _listed(lines: Sequence[str]) -> Iterator[RenderableType]:
    for line in lines[:LISTED]:
        yield Padding(Text(plain(line)), (0, 0, 0, 2))
    if len(lines) > LISTED:
        yield Padding(Text(f"and {len(lines) - LISTED} more (--format json)", FAINT), (0, 0, 0, 2))
