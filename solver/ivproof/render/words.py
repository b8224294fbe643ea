"""Explanations for a person at a terminal: why a code is on the claim, why it is not, and a whole visit on one page.

In: explanations as data. Out: what rich can print. Whatever comes from a chart is shown as it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from ivproof.engine.claims import Units, in_words
from ivproof.formats.plain import plain
from ivproof.report.legend import KINDS
from ivproof.why.explanation import Assumed, Line, Step
from ivproof.why.naming import minutes as minutes_of

if TYPE_CHECKING:
    from ivproof.why.attempts import Attempt
    from ivproof.why.rather import Rather
    from ivproof.why.why import UnitReason, Why
    from ivproof.why.whynot import WhyNot

FAINT = "bright_black"

CARRYING = 3
"""So many times, comparisons and choices are shown with a line of a whole visit."""

ATTEMPTS = 2
"""So many rules that could have earned a code are shown; with every detail, all of them."""

BELOW = 3
"""So many steps deep it is told what stands against a code; with every detail, all of them."""

_IN_DETAIL = frozenset({"reading", "table"})
"""What is not told of steps below what stands against a code."""

_COLOURS: Mapping[str, str] = {
    "fact": "cyan",
    "list": "cyan",
    "table": "blue",
    "measure": "green",
    "counted": "green",
    "not": "magenta",
    "reading": "yellow",
    "choice": "yellow",
    "also": FAINT,
    "against": "red",
    "lacking": "red",
    "needed": "bold",
}
"""The lines that begin with what they are called, and in which colour."""
_STATUS = {
    "determined": ("green", "one claim follows"),
    "ambiguous": ("yellow", "an open question or choice leads to different claims"),
    "undetermined": ("red", "a fact is missing that the claim depends on"),
}


def why_words(why: Why) -> Iterator[RenderableType]:
    """Why a code is on the claim, unit by unit, in each claim that the chart leads to."""
    yield from (Text(plain(reason)) for reason in why.undetermined)
    for version in why.versions:
        yield from _leads(version.leads)
        if not version.units:
            yield Text(f"{why.code} is not on this claim; ivproof whynot tells why.")
        for (code, subject), units in _grouped(version.units).items():
            count = len(units)
            yield Text.assemble((f"{code} × {count}", "bold"), f"  for {plain(subject)}")
            for unit in units:
                yield Padding(_tree(unit.lines), (0, 0, 0, 2))
        if version.modifiers:
            yield Text("Modifiers", "bold")
            yield Padding(_tree(version.modifiers), (0, 0, 0, 2))
        yield from _assumed(version.assumed, why.defined)


def visit_words(why: Why) -> Iterator[RenderableType]:
    """A whole visit on one page: the claim with the reason of each line, what was left out, what was assumed."""
    colour, status = _STATUS.get(why.status, ("", why.status))
    status = "the policy gives no claim for this chart" if why.undetermined else status
    yield Text.assemble((plain(why.encounter), "bold"), "  ", (why.status, colour), f": {status}")
    yield from (Text(plain(reason)) for reason in why.undetermined)
    for version in why.versions:
        yield Text()
        yield from _leads(version.leads)
        yield Text("Claim" if version.claim else "Nothing is reported.", "bold")
        told: dict[int, Step] = {}
        said: set[str] = set()
        for (code, subject), units in _grouped(version.units).items():
            head = Text.assemble((f"{code} × {len(units)}", "bold"), f"  {plain(subject)}")
            yield Padding(head, (0, 0, 0, 2))
            for unit in units:
                _note(unit.lines, told)
            for lines in _telling(units):
                yield Padding(_short(lines, told, said, _id(subject)), (0, 0, 0, 6))
        if version.modifiers:
            yield Text("Modifiers", "bold")
        for line in version.modifiers:
            yield Padding(_short([line], told, said, ""), (0, 0, 0, 2))
        if version.excluded:
            yield Text("Left out", "bold")
        for exclusion, line in version.excluded:
            code = f" ({exclusion.code})" if exclusion.code else ""
            yield Padding(Text.assemble((plain(exclusion.subject), "bold"), code), (0, 0, 0, 2))
            yield Padding(_short([line], told, said, exclusion.subject), (0, 0, 0, 6))
        yield from _assumed(version.assumed, why.defined)
    if why.missing:
        yield Text()
        yield Text("Not charted", "bold")
        for missing in why.missing:
            yield Padding(Text(plain(missing)), (0, 0, 0, 2))


def why_not_words(found: WhyNot, *, detail: bool = False) -> Iterator[RenderableType]:
    """Why a code is not on the claim, what comes nearest, and the least change that would put it there."""
    about = f" for {plain(found.administration)}" if found.administration else ""
    if found.units:
        units = "one unit" if found.units == 1 else f"{found.units} units"
        yield Text.assemble((found.code, "bold"), f" is on the claim{about} with {units}; not with one more.")
    else:
        yield Text.assemble((found.code, "bold"), f" is not on the claim{about}.")
    yield from (Padding(Text(plain(reason)), (0, 0, 0, 2)) for reason in found.undetermined)
    yield from _leads(found.leads)
    told = {it.rule for it in found.attempts if it.left_out}
    for exclusion in (it for it in found.excluded if it.name not in told):
        rules = ", ".join(exclusion.rules)
        yield Padding(Text.assemble(plain(exclusion.reason), (f"  [{exclusion.name}] {rules}", FAINT)), (0, 0, 0, 2))
    shown = [it for it in found.attempts if detail or it.progress > 0]
    direct = [it for it in shown if not it.only_if_read] or shown
    for attempt in direct if detail else direct[:ATTEMPTS]:
        yield Padding(_attempt(attempt, detail=detail), (1, 0, 0, 2))
    for attempt in shown if detail else ():
        if attempt.only_if_read and attempt not in direct:
            yield Padding(_attempt(attempt, detail=detail), (1, 0, 0, 2))
    if not found.attempts and not found.units and not found.undetermined:
        yield Text("  No rule of the policy earns this code in this visit.")
    yield Text()
    yield from _change(found)


def rather_words(found: Rather) -> Iterator[RenderableType]:
    """Why a code and not another, in three sentences for each service: what it has, what that takes, where it fails."""
    yield from _leads(found.leads)
    for it in found.partings:
        who = plain(it.subject)
        yield Text.assemble((f"{found.code} rather than {found.other}", "bold"), f" for {who}")
        yield Padding(line_text(it.because, numbered=False), (0, 0, 0, 2))
        if it.also:
            yield Padding(Text(f"{found.other} is on the claim for it as well, with {it.also}."), (0, 0, 0, 2))
        if it.attempt is None:
            yield Padding(Text(f"No rule of the policy could give {found.other} for it."), (0, 0, 0, 2))
            continue
        took = "The policy leaves it out" if it.attempt.left_out else f"{found.other} would take this"
        cited = f"  [{it.attempt.rule}] {it.attempt.citation}".rstrip()
        yield Padding(Text.assemble(f"{took}: {plain(it.attempt.sentence)}", (cited, FAINT)), (0, 0, 0, 2))
        if it.fails:
            first, *end = it.fails
            said = [Text.assemble("It fails here: ", line_text(first, numbered=False))]
            said += [line_text(line, numbered=False) for line in end]
            yield Padding(Text("; ").join(said), (0, 0, 0, 2))


def _change(found: WhyNot) -> Iterator[RenderableType]:
    """What would give the code: readings and missing facts first, then what the chart would have to say otherwise."""
    search = found.search
    wish = f"one more unit of {found.code}" if found.units else found.code
    if found.readings:
        yield Text.assemble(("Readings", "bold"), f" that give {wish}, each by itself:")
        for it in found.readings:
            for letter, codes in it.otherwise.items():
                said = (
                    f"{it.question} {it.name} = {letter} would give {in_words(Units(codes))}; it is read as {it.option}"
                )
                yield Padding(Text(plain(said)), (0, 0, 0, 2))
    if found.missing:
        yield Text.assemble(("Not documented", "bold"), f", and of these some value gives {wish}:")
        for fact in found.missing:
            yield Padding(Text.assemble((plain(fact.fact), "cyan"), f": {plain(fact.message)}"), (0, 0, 0, 2))
    if search.change is None:
        other = "other " if found.missing else ""
        yield Text(f"None of {search.tried} {other}changed charts that were coded gives {wish}.")
        yield Text(f"Tried: {'; '.join(search.searched)}. Not tried: {search.not_tried}.", FAINT)
        return
    least = "Least change" if search.complete else "A change"
    yield Text.assemble((least, "bold"), f" that gives {wish}, of those tried ({search.tried} changed charts):")
    for edit in search.change.edits:
        minutes = (
            f"  ({minutes_of(60 * abs(edit.minutes))} {'later' if edit.minutes > 0 else 'earlier'})"
            if edit.minutes
            else ""
        )
        yield Padding(
            Text.assemble((plain(edit.place), "cyan"), f": {plain(edit.before)} → {plain(edit.after)}{minutes}"),
            (0, 0, 0, 2),
        )
    yield Text("A record may be corrected only to what happened.", FAINT)


def _attempt(attempt: Attempt, *, detail: bool) -> Tree:
    head = Text.assemble(plain(attempt.sentence), (f"  [{attempt.rule}] {attempt.citation}".rstrip(), FAINT))
    tree = Tree(head, guide_style=FAINT)
    for line in attempt.obstacles:
        _grow(tree, line, None if detail else 0 if attempt.left_out else BELOW)
    return tree


def _grouped(units: Iterable[UnitReason]) -> dict[tuple[str, str], list[UnitReason]]:
    found: dict[tuple[str, str], list[UnitReason]] = {}
    for unit in units:
        found.setdefault((unit.code, unit.subject), []).append(unit)
    return found


def _telling(units: Sequence[UnitReason]) -> list[Sequence[Line]]:
    """The reasons of units of one code: of several by the same rule, such as further hours, the last one tells all."""
    last = {_rule_of(unit.lines): unit.lines for unit in units}
    return list(last.values())


def _rule_of(lines: Iterable[Line]) -> str:
    return next((line.step.rule for line in lines if line.step is not None), "")


def _leads(leads: Sequence[str]) -> Iterator[RenderableType]:
    for lead in leads:
        yield Text.assemble(("If ", "yellow"), plain(lead))


def _assumed(assumed: Sequence[Assumed], defined: Collection[str]) -> Iterator[RenderableType]:
    """What was held of open questions: what was set or tried, and of the defaults those that decide.

    Those that a definition of the text decides come last, by number only.
    """
    told = [it for it in assumed if it.source != "default" or it.matters]
    if not told:
        return
    yield Text("Assumed", "bold")
    for it in told:
        if it.question in defined and it.source == "default":
            continue
        source = {"set": " (as set)", "tried": " (left open)"}.get(it.source, "")
        yield Padding(Text(plain(f"{it.question} {it.name} = {it.option}{source}: {it.says}")), (0, 0, 0, 2))
        for letter, codes in it.otherwise.items():
            yield Padding(Text(f"{letter} would give {in_words(Units(codes))}", FAINT), (0, 0, 0, 4))
        for letter, status in it.leaves_open.items():
            yield Padding(Text(f"{letter} would leave the claim {status}", FAINT), (0, 0, 0, 4))
    listed = [f"{it.question} {it.name}" for it in told if it.question in defined and it.source == "default"]
    if listed:
        yield Padding(Text(f"and by definitions of the text itself: {', '.join(listed)}", FAINT), (0, 0, 0, 2))


def _tree(lines: Iterable[Line]) -> Tree:
    tree = Tree("", hide_root=True, guide_style=FAINT)
    for line in lines:
        _grow(tree, line)
    return tree


def _grow(tree: Tree, line: Line, depth: int | None = None) -> None:
    """Add a line with what it rests on, so many steps deep (all of them where no depth is given)."""
    branch = tree.add(line_text(line, numbered=depth is None))
    if line.step is not None and depth != 0:
        for inner in line.step.lines:
            if depth is None or inner.kind not in _IN_DETAIL:
                _grow(branch, inner, None if depth is None else depth - 1)


def line_text(line: Line, *, numbered: bool = True) -> Text:
    """Give one line of an explanation, with its number or that of the step it refers to where it is `numbered`."""
    number = f"{line.number}. " if numbered and line.step is not None else ""
    text = Text.assemble((number, "bold"), _label(line), plain(line.text))
    if line.step is not None:
        text.append(f"  [{line.step.rule}] {line.step.citation}".rstrip(), FAINT)
        return text
    if line.number is not None:
        if numbered:
            text.append(f"  see {line.number}", FAINT)
        return text
    if line.places:
        text.append(f"  {plain(', '.join(line.places))}", FAINT)
    elif line.rule:
        text.append(f"  [{line.rule}]", FAINT)
    return text


def _label(line: Line) -> Text:
    return Text(f"{KINDS[line.kind]}: ", _COLOURS[line.kind]) if line.kind in _COLOURS else Text()


def _id(subject: str) -> str:
    """The id in the chart of what a unit is for, which may be a part of it."""
    return subject.partition(" from ")[0].rpartition(" of ")[2].partition(" on ")[0]


def _short(lines: Iterable[Line], told: dict[int, Step], known: set[str], subject: str) -> Text:
    """The first step with its rule, and the times, comparisons and choices that carry it.

    Those about the subject come first; others are told once, and `known` has those that were.
    """
    first = next((line for line in lines if line.kind in {"step", "see"}), None)
    if first is None:
        return Text("; ".join(plain(line.text) for line in lines))
    _note([first], told)
    step = first.step or told.get(first.number or 0)
    text = Text(plain(first.text))
    if step is None:
        return text
    text.append(f"  [{step.rule}] {step.citation}".rstrip(), FAINT)
    own = [(line.kind, line.text) for line in step.lines if line.kind == "not"]
    carrying = list(dict.fromkeys([*_carrying(step, told), *own]))
    mine = [it for it in carrying if subject and subject in it[1] and not (it[0] == "counted" and it[1] in known)]
    for kind, said in (mine or [it for it in carrying if it[1] not in known])[:CARRYING]:
        known.add(said)
        text.append("\n")
        text.append_text(_label(Line(kind, "")))
        text.append(plain(said))
    return text


def _note(lines: Iterable[Line], told: dict[int, Step]) -> None:
    """Keep the steps that some lines tell, for those that refer to them."""
    for line in lines:
        if line.step is not None:
            told.update({step.number: step for step in line.step.walk()})


def _carrying(step: Step, told: Mapping[int, Step]) -> Iterator[tuple[str, str]]:
    """The lengths, comparisons and choices of a step, or of the steps just below it that have them."""
    own = [(line.kind, line.text) for line in step.lines if line.kind in {"measure", "counted", "choice"}]
    if own:
        yield from own
        return
    rest = {number: it for number, it in told.items() if number != step.number}
    for line in step.lines:
        inner = line.step or rest.get(line.number or 0)
        if inner is not None:
            yield from _carrying(inner, rest)
