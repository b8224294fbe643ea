"""One encounter for a person at a terminal: the claim, what is not on it and why, what to ask, what is open.

In: a determination, its date of service, and the policy for the wordings. Out: text, coloured and as wide as the
console says. What comes from a chart is shown as it stands: nothing in it is taken for markup, and nothing reaches the
terminal as a command.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from rich.console import Console, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from ivproof.chart.encounter import Encounter
from ivproof.claim.determination import DETERMINED, ClaimLine, Determination, Exclusion, Reading, Rival
from ivproof.engine.claims import Units, in_words
from ivproof.formats.plain import plain
from ivproof.law.policy import Policy, PolicyError
from ivproof.render.printing import FAINT, heading, indented, printed, visible
from ivproof.report.legend import SEVERITIES

WIDE = 100
"""From this width on a claim is shown as a table with a column for everything."""

WAYS = 3
"""So many further ways to a claim are shown; the JSON has all of them."""

_STATUS = {
    "determined": ("green", "determined: one claim follows"),
    "ambiguous": ("yellow", "ambiguous: the policy leaves open which of several claims follows"),
    "undetermined": ("red", "undetermined: the claim depends on a fact that the chart does not give"),
    "undecided": ("red", "undecided: it takes more work than the limit allows"),
}
_COLOURS = {"fails": "red", "passes": "green"}
"""The colour of a severity, where it is not that of a warning."""


class ShownVisit(NamedTuple):
    """What is shown of one encounter."""

    date: date
    determination: Determination


def as_visit(encounter: Encounter, determination: Determination) -> ShownVisit:
    """Give what is shown of an encounter."""
    return ShownVisit(encounter.date, determination)


class TerminalView:
    """Shows encounters that were coded by one policy; `brief`, the claim, what to ask and what is left out."""

    def __init__(self, policy: Policy, console: Console, *, brief: bool = False) -> None:
        self.policy = policy
        self.console = console
        self.brief = brief

    def text(self, visit: ShownVisit) -> str:
        """Give the encounter as text for this view's console."""
        return printed(self.console, (*self._parts(visit), ""))

    def _parts(self, visit: ShownVisit) -> Iterator[RenderableType]:
        found = visit.determination
        yield from self._header(visit)
        yield from self._claim(visit)
        yield from self._drug_lines(found)
        if self.brief:
            yield from _assumed(found)
        else:
            yield from self._carriers(found)
            yield from _diagnoses(found)
            yield from self._questions(found)
        yield from self._rivals(found)
        title = "To ask, because the answer can change the claim or a line for a drug"
        yield from _missing(title, found, would_change=True)
        title = "Supposed as said; another purpose would change the claim"
        yield from _missing(title, found, would_change=True, supposed=True)
        yield from _missing("Not documented, and whether it changes the claim is not known", found, would_change=None)
        if not self.brief:
            yield from _missing("Not documented, but by itself no value changes the claim", found, would_change=False)
        yield from _doubted(found)
        yield from _exclusions("Not on the claim", found.excluded)
        yield from _exclusions("Findings", found.findings)
        yield from _edits(found)
        notes = [*found.why_undetermined, *found.notes]
        if notes:
            yield heading("Notes")
            yield from (indented(visible(note)) for note in notes)

    # --- what it is

    def _header(self, visit: ShownVisit) -> Iterator[RenderableType]:
        found = visit.determination
        colour, words = _STATUS[found.status]
        if found.status == "determined" and not found.claim:
            words = "determined: nothing is reportable"
        if found.why_undetermined:
            words = "undetermined: the policy gives no claim for this chart"
        title = Text.assemble((plain(found.encounter), "bold"), f"  {visit.date.isoformat()}  ")
        title.append(plain(self.policy.told), FAINT)
        yield title
        yield Text(words, f"bold {colour}")

    # --- the claim

    def _claim(self, visit: ShownVisit) -> Iterator[RenderableType]:
        found = visit.determination
        if not found.claim:
            if found.status != "determined":
                yield heading("Claim")
                yield indented(Text("No line holds in every case." if found.alternatives else "None yet."))
            return
        yield heading("Claim" if found.status == "determined" else "Holds in every case")
        dated = any(line.date != visit.date.isoformat() for line in found.claim)
        if self.console.width >= WIDE:
            yield indented(self._claim_table(found.claim, dated))
        else:
            yield from (indented(part) for line in found.claim for part in self._claim_lines(line, dated))

    def _claim_table(self, lines: Sequence[ClaimLine], dated: bool) -> Table:
        marked = any(line.modifiers for line in lines)
        placed = any(line.site for line in lines)
        columns = ["Code", "Units", *(["Mod."] if marked else []), "What", "Role", *(["Site"] if placed else [])]
        columns += [*(["Date"] if dated else []), "For", "Rules"]
        table = _table(columns)
        for line in lines:
            table.add_row(
                Text(line.code, "bold"),
                Text(str(line.units)),
                *([Text(" ".join(line.modifiers))] if marked else []),
                visible(self.label(line.code)),
                visible(_words(line.role)),
                *([visible(line.site or "")] if placed else []),
                *([Text(line.date)] if dated else []),
                visible(", ".join(line.administrations)),
                Text(", ".join(line.rules), FAINT),
            )
        return table

    def _claim_lines(self, line: ClaimLine, dated: bool) -> Iterator[RenderableType]:
        """A line of the claim on a narrow terminal: what is billed, and below it what for."""
        yield Text.assemble((_billed(line), "bold"), "  ", plain(self.label(line.code)))
        given = f"for {', '.join(line.administrations)}" if line.administrations else None
        more = [_words(line.role), line.site, line.date if dated else None, given]
        below = visible(" · ".join(part for part in more if part))
        below.append(f"  {', '.join(line.rules)}", FAINT)
        yield indented(below)

    def label(self, code: str) -> str:
        """What the law calls a code; nothing for one that does not come from the law."""
        wording = self.policy.wordings.get(self.policy.codes.get(code, ""))
        return wording.sentence.rstrip(".") if wording else ""

    def _drug_lines(self, found: Determination) -> Iterator[RenderableType]:
        if not found.drug_lines:
            return
        yield heading("Drug lines")
        table = _table(["Code", "Units", "Mod.", "For"])
        for line in found.drug_lines:
            modifiers = Text(" ".join(line.modifiers))
            given = visible(", ".join(line.administrations))
            table.add_row(Text(line.code, "bold"), Text(str(line.units)), modifiers, given)
        yield indented(table)

    def _carriers(self, found: Determination) -> Iterator[RenderableType]:
        """What names that hold their fluid were taken for: the rest is plain from the chart."""
        held = [it for it in found.taken if it.carrier is not None]
        if not held:
            return
        yield heading("Names with their fluid")
        for it in held:
            volume = f" {it.carrier_ml} ml" if it.carrier_ml is not None else ""
            fluid = f"{(it.carrier or '').replace('_', ' ')}{volume}"
            drugs = ", ".join(key.replace("_", " ") for key in (it.drug or "", *it.also))
            yield indented(visible(f"{it.administration}: {drugs} in {fluid}"))

    # --- what is open

    def _questions(self, found: Determination) -> Iterator[RenderableType]:
        mattering = [it for it in found.readings if it.matters and not it.departs]
        held = [it for it in found.readings if it.source == "set" and it not in mattering]
        assumed = [it for it in found.readings if it.source == "default" and it.departs]
        defined = [it for it in assumed if self.policy.question(it.question).defined]
        if held:
            yield heading("Readings that were set")
            for it in held:
                yield indented(visible(f"{it.question} {it.name} = {it.option or 'open'}"))
                yield from self._otherwise(it, found)
        if assumed:
            yield heading("Assumed where the policy leaves a question open")
            for it in (it for it in assumed if it not in defined):
                yield indented(visible(f"{it.question} {it.name}: {it.says} ({it.rests_on})"))
                yield from self._otherwise(it, found)
            if defined:
                # what a definition of the text decides comes last and in a line, so that it hides nothing
                listed = ", ".join(f"{it.question} {it.name}" for it in defined)
                yield indented(visible(f"and by definitions of the text itself: {listed}"))
        if mattering:
            yield heading("Open questions that change this claim")
            for it in mattering:
                question = self.policy.question(it.question)
                yield indented(visible(f"{question.number} {question.name}: {question.title}"))
                for option in question.options:
                    yield indented(visible(f"{option.letter} {option.name}: {option.says}"), 4)

    def _otherwise(self, reading: Reading, found: Determination) -> Iterator[RenderableType]:
        for option in self.policy.question(reading.question).options:
            said = _would(reading, option.letter, found)
            if said:
                yield indented(visible(f"{option.letter} {option.name} would {said}"), 4)

    def _rivals(self, found: Determination) -> Iterator[RenderableType]:
        if not found.alternatives:
            return
        yield heading("Claims that can follow")
        sites = len({line.site for rival in found.alternatives for line in rival.lines}) > 1
        table = _table(["", "Claim", "Follows if"])
        for n, rival in enumerate(found.alternatives, start=1):
            lines = (_billed(line) + (f" at {line.site}" if sites and line.site else "") for line in rival.lines)
            table.add_row(f"{n}", Text("\n".join(map(plain, lines)) or "nothing"), self._ways(rival))
        yield indented(table)

    def _ways(self, rival: Rival) -> Text:
        ways = [" and ".join(self._conditions({**rival.readings, **rival.given}, rival.initial)) or "otherwise"]
        ways += [" and ".join(self._conditions(other, {})) for other in rival.others[:WAYS]]
        if len(rival.others) > WAYS:
            ways.append(f"in {len(rival.others) - WAYS} further ways (all of them: --format json)")
        return Text("\nor ".join(plain(way) for way in ways))

    def _conditions(self, given: Mapping[str, str], initial: Mapping[str, str]) -> Iterator[str]:
        for name, value in given.items():
            try:
                question = self.policy.question(name)
            except PolicyError:
                yield f"{name} is {value}"
            else:
                yield f"{name} is {value} ({question.option(value).name})"
        for site, service in initial.items():
            yield f"{service} is the initial service at {site}"


# --- parts that need no policy


def _would(reading: Reading, letter: str, found: Determination) -> str:
    """What another option would do to a claim; empty where it changes nothing."""
    if letter in reading.otherwise_status:
        return f"leave the claim {reading.otherwise_status[letter]}: {reading.otherwise_why[letter]}"
    beside = " and ".join(reading.beside(letter))
    codes = reading.otherwise.get(letter)
    if codes is None:
        return f"give {beside}" if beside else ""
    held: dict[str, int] = {}
    for line in found.claim:
        held[line.code] = held.get(line.code, 0) + line.units
    if found.status == DETERMINED and codes == held:
        return "give the same codes with other modifiers" + (f", and {beside}" if beside else "")
    return f"give {in_words(Units(codes))}" + (f", and {beside}" if beside else "")


def _assumed(found: Determination) -> Iterator[RenderableType]:
    """The readings that a claim depends on, by their numbers alone."""
    held = [it.question for it in found.readings if it.source == "default" and it.departs]
    given = [f"{it.question}={it.option or 'open'}" for it in found.readings if it.source == "set"]
    for words, some in (("Set", given), ("Assumed, and told without --brief", held)):
        if some:
            yield indented(visible(f"{words}: {', '.join(some)}"))


def _diagnoses(found: Determination) -> Iterator[RenderableType]:
    if found.diagnoses:
        first, *then = found.diagnoses
        yield heading("Diagnoses")
        yield indented(visible(f"{first} first listed" + (f", then {', '.join(then)}" if then else "")))


SUPPOSED = frozenset({"purpose"})
"""Facts that the policy supposes and does not ask for: they come after those that it asks for, and hide none."""


def _missing(
    title: str, found: Determination, *, would_change: bool | None, supposed: bool = False
) -> Iterator[RenderableType]:
    table = _table(["Fact", "What follows", *([] if would_change else ["Tried"]), "Rules"])
    for it in found.missing:
        apart = bool(would_change) and it.field in SUPPOSED
        if it.would_change is would_change and apart is supposed and not it.charted:
            tried = [] if would_change else [visible(it.searched)]
            table.add_row(visible(it.fact), visible(it.message), *tried, Text(", ".join(it.rules), FAINT))
    if table.row_count:
        yield heading(title)
        yield indented(table)


def _doubted(found: Determination) -> Iterator[RenderableType]:
    table = _table(["Fact", "Charted", "What it looks like", "Rules"])
    for it in found.missing:
        if it.charted:
            rules = Text(", ".join(it.rules), FAINT)
            table.add_row(visible(it.fact), visible(it.charted), visible(it.message), rules)
    if table.row_count:
        yield heading("To look at in the record, because it may be a slip")
        yield indented(table)


def _exclusions(title: str, found: Sequence[Exclusion]) -> Iterator[RenderableType]:
    if not found:
        return
    coded = any(it.code for it in found)
    yield heading(title)
    table = _table(["Of", *(["Code"] if coded else []), "Why", "Rules"])
    for it in found:
        code = [Text(it.code or "")] if coded else []
        table.add_row(visible(it.subject), *code, visible(it.reason), Text(", ".join(it.rules), FAINT))
    yield indented(table)


def _edits(found: Determination) -> Iterator[RenderableType]:
    if not found.edits:
        return
    yield heading("Claim edits: what a payer says to this claim, apart from the policy")
    for edit in found.edits:
        severity = edit.severity
        words = Text(SEVERITIES.get(severity, _words(severity)), _COLOURS.get(severity, "yellow"))
        yield indented(Text.assemble(words, ": ", plain(edit.message)))


def _billed(line: ClaimLine) -> str:
    return "-".join((line.code, *line.modifiers)) + f" × {line.units}"


def _words(name: str) -> str:
    return name.replace("_", " ")


_KEPT_WHOLE = {"Code", "Units", "Mod.", "Date"}


def _table(columns: Iterable[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style=FAINT, show_edge=False)
    for column in columns:
        justify: JustifyMethod = "right" if column == "Units" else "left"
        table.add_column(column, no_wrap=column in _KEPT_WHOLE, overflow="fold", justify=justify)
    return table
