"""Audits for a person at a terminal: the verdict, the lines with their reasons, the claim edits; and summaries.

What comes from a chart or a claim is shown as it stands, as in `render.terminal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from ivproof.audit.estimate import ENOUGH
from ivproof.audit.model import Audit, Billed, Kind, LineVerdict, Supported, Verdict
from ivproof.audit.summary import Summary
from ivproof.audit.verdicts import times
from ivproof.audit.worksheet import told
from ivproof.edits.checker import Edit
from ivproof.formats.plain import plain
from ivproof.law.policy import Policy
from ivproof.render.printing import FAINT, heading, indented, printed, visible
from ivproof.report.legend import SEVERITIES

VERDICTS = {
    Verdict.CORRECT: ("green", "correct"),
    Verdict.UNDER_READING: ("yellow", "correct under a reading"),
    Verdict.IF_DOCUMENTED: ("yellow", "correct if documented"),
    Verdict.OVERCODED: ("red", "overcoded"),
    Verdict.UNDERCODED: ("red", "undercoded"),
    Verdict.BOTH: ("red", "overcoded and undercoded"),
    Verdict.MODIFIERS: ("red", "modifiers not right"),
    Verdict.UNDETERMINED: ("yellow", "undetermined"),
}
"""The colour of each verdict on a claim, and its words."""

KINDS = {
    Kind.SUPPORTED: ("green", "supported"),
    Kind.UNSUPPORTED: ("red", "unsupported"),
    Kind.TOO_MANY: ("red", "units too many"),
    Kind.TOO_FEW: ("red", "units too few"),
    Kind.MISSING: ("red", "missing from the claim"),
    Kind.MODIFIER_MISSING: ("red", "modifier missing"),
    Kind.MODIFIER_WRONG: ("red", "modifier wrong"),
    Kind.WRONG_CODE: ("red", "wrong code"),
    Kind.UNDER_READING: ("yellow", "under a reading"),
    Kind.IF_DOCUMENTED: ("yellow", "if documented"),
    Kind.NOT_JUDGED: (FAINT, "not judged"),
}
"""The colour of each verdict on a line, and its words."""


class AuditView:
    """Shows audits by one policy."""

    def __init__(self, policy: Policy, console: Console) -> None:
        self.policy = policy
        self.console = console

    def text(self, audit: Audit) -> str:
        """Give an audit as text for this view's console."""
        return printed(self.console, (*self._parts(audit), ""))

    def summary(self, summary: Summary) -> str:
        """Give a summary as text for this view's console."""
        return printed(self.console, (*self._summary(summary.as_dict()), ""))

    # --- one audit

    def _parts(self, audit: Audit) -> Iterator[RenderableType]:
        colour, words = VERDICTS[audit.verdict]
        title = Text.assemble((plain(audit.encounter), "bold"), f"  {audit.date}  ")
        title.append(plain(self.policy.told), FAINT)
        yield title
        yield Text(words, f"bold {colour}")
        yield visible(audit.message)
        yield heading("Lines")
        table = _table("Billed", "Supported", "Verdict", "For", "Rules")
        for line in audit.lines:
            colour, words = KINDS[line.kind]
            names = visible(", ".join(line.supported.administrations) if line.supported else "")
            rules = Text(", ".join(line.rules), FAINT)
            table.add_row(_part(line.billed), _part(line.supported), Text(words, colour), names, rules)
        yield indented(table) if audit.lines else indented(Text("None billed, none supported."))
        found = [line for line in audit.lines if line.kind is not Kind.SUPPORTED]
        if found:
            yield heading("Findings")
            for line in found:
                why = line.message if line.way is None or line.otherwise else f"{line.message} {self._alone(line)}"
                yield indented(visible(why))
                told = () if line.way is None else line.way.readings
                if more := [it for it in line.hangs_on if it not in told]:
                    asked = ", ".join(f"{it} ({self.policy.question(it).name})" for it in more)
                    gives = "another line for the drug" if line.drug else "other units or no one claim"
                    these = "these, too," if len(more) < len(line.hangs_on) else "these"
                    yield indented(Text(f"Read otherwise, {these} give {gives}: {asked}.", FAINT), 4)
        yield from _payer(audit)
        yield from _edits("Claim edits of what was billed, apart from the policy", audit.edits_billed)
        yield from _edits("Claim edits of what is supported", audit.edits_supported)
        if audit.notes:
            yield heading("Notes")
            yield from (indented(visible(note)) for note in audit.notes)

    def _alone(self, line: LineVerdict) -> str:
        """What would make a line right that is not enough for the claim."""
        way = line.way
        parts = [self._read(name, it) for name, it in way.readings.items()] if way else []
        parts += [f"{path} = {value}" for path, value in way.times.items()] if way else []
        parts += [f"{name} as initial" for name in way.initial.values()] if way else []
        return f"By itself it would be right with {', '.join(parts)}." if parts else ""

    def _read(self, number: str, letter: str) -> str:
        question = self.policy.question(number)
        return f"{number} ({question.name}) read as {letter} ({question.option(letter).name})"

    # --- a summary

    def _summary(self, plain_: Mapping[str, Any]) -> Iterator[RenderableType]:
        claims = plain_["claims"]
        yield Text(
            f"{claims} {'claim' if claims == 1 else 'claims'} audited, {_share(plain_['accuracy'])} correct", "bold"
        )
        if plain_["interval"]:
            yield Text(interval_told(plain_["interval"]), FAINT)
        yield Text(f"{plain_['units']['over']} units too many, {plain_['units']['under']} units too few")
        yield from map(Text, dollars_told(plain_))
        table = _table("Verdict", "Claims")
        for verdict, (colour, words) in VERDICTS.items():
            if count := plain_["verdicts"][verdict.value]:
                table.add_row(Text(words, colour), str(count))
        yield from _titled("By verdict", table)
        table = _table("Code", "Lines", "Right", "Accuracy", "Over", "Under")
        for code, it in plain_["codes"].items():
            table.add_row(
                visible(code), *(str(it[key]) for key in ("lines", "right")), _share(it["accuracy"]), *_units(it)
            )
        yield from _titled("By code", table)
        table = _table("Error", "Claims", "Lines", "Over", "Under")
        for kind, it in plain_["errors"].items():
            table.add_row(KINDS[Kind(kind)][1], str(it["claims"]), str(it["lines"]), *_units(it))
        yield from _titled("By kind of error", table)
        for column, names in plain_["groups"].items():
            table = _table(column.replace("_", " ").capitalize(), "Claims", "Accuracy", "Interval", "Over", "Under")
            for name, it in names.items():
                low, high = it["interval"]
                shares = _share(it["accuracy"]), f"{100 * low:.0f}–{100 * high:.0f} %"
                table.add_row(visible(name or "–"), str(it["claims"]), *shares, *_units(it))
            yield from _titled(f"By {column.replace('_', ' ')}", table) if len(names) > 1 else ()
        table = _table("Question", "Claims", "Lines", "Read as")
        for number, it in plain_["questions"].items():
            question = self.policy.question(number)
            options = ", ".join(f"{letter} {question.option(letter).name} ({n})" for letter, n in it["options"].items())
            table.add_row(f"{number} {question.name}", str(it["claims"]), str(it["lines"]), options)
        yield from _titled("Lines that would be right if a question were read otherwise", table)
        table = _table("Fact", "Claims", "Lines")
        for fact, it in plain_["facts"].items():
            table.add_row(visible(fact), str(it["claims"]), str(it["lines"]))
        yield from _titled("Lines that would be right if the chart said so", table)
        table = _table("Edit", "Claims")
        for edit, count in plain_["edits"].items():
            table.add_row(edit, str(count))
        yield from _titled("Claims that meet a claim edit", table)
        wrong = {name: ids for name, ids in plain_["encounters"].items() if name != Verdict.CORRECT.value}
        if wrong:
            yield heading("Claims that are not correct")
            for name, ids in wrong.items():
                yield indented(Text.assemble((f"{VERDICTS[Verdict(name)][1]}: ", "bold"), ", ".join(map(plain, ids))))


def interval_told(interval: Sequence[float]) -> str:
    """Say how far a share may lie off, and of what that holds."""
    low, high = interval
    return (
        f"The share lies between {100 * low:.1f} and {100 * high:.1f} % (95 %, Wilson's score interval), if these "
        "claims were drawn at random from those that are meant."
    )


def dollars_told(summary: Mapping[str, Any]) -> Iterator[str]:
    """Say what the units come to, and what that says of all claims from which these were drawn."""
    money, sample = summary.get("dollars"), summary.get("sample")
    if money:
        yield f"{money['over']:.2f} dollars billed beyond what the charts support, {money['under']:.2f} left unbilled"
        if money["unpriced"]:
            yield f"Without a price, and counted as nothing: {', '.join(money['unpriced'])}"
    if sample:
        yield f"Drawn from {sample['population']} claims."
        for name, what in (("over", "billed beyond what the charts support"), ("under", "left unbilled")):
            if name in sample:
                yield _estimate(what, sample[name])


def _estimate(what: str, it: Mapping[str, Any]) -> str:
    said = f"All of these: an estimated {it['total']:.2f} dollars {what}"
    if it["low"] is None:
        return f"{said}; of fewer than {ENOUGH} claims no interval is given."
    return (
        f"{said}, between {it['low']:.2f} and {it['high']:.2f} (95 %, mean per claim); lower limit, one-sided at 90 %: "
        f"{it['limit']:.2f}."
    )


def _titled(title: str, table: Table) -> Iterator[RenderableType]:
    if table.row_count:
        yield heading(title)
        yield indented(table)


def _payer(audit: Audit) -> Iterator[RenderableType]:
    """What was paid and what was denied, line by line as it was submitted; or the denials that the chart tells."""
    lines = audit.submitted.lines if audit.submitted else ()
    if any(it.paid is not None for it in lines):
        table = _table("Line", "Charged", "Paid", "Units paid", "Not paid because")
        for number, it in enumerate(lines, start=1):
            why = [f"{a.group} {a.reason} ({a.amount:.2f})" for a in it.adjustments] + list(it.remarks)
            units = "–" if it.paid_units is None else f"{it.paid_units:g} of {it.units}"
            share = Text(units, "red" if it.denied else "")
            name = f"{number} {'-'.join([it.code, *it.modifiers])}"
            table.add_row(visible(name), _money(it.charge), _money(it.paid), share, visible(", ".join(why)))
        yield from _titled("What the payer did", table)
        return
    # a bundle of which only some units stand is two lines of the audit, and was denied once
    bundles = {line.billed.positions: line.billed for line in audit.lines if line.billed and line.billed.denied}
    if bundles:
        yield heading("Denied by the payer")
    for billed in bundles.values():
        for denial in billed.denied:
            words = [told(denial), *denial.remark, *([denial.text] if denial.text and denial.reason else [])]
            amount = [] if denial.amount is None else [_money(denial.amount)]
            yield indented(visible(f"{billed.code}: {', '.join([*words, *amount])}"))


def _money(amount: float | None) -> str:
    return "–" if amount is None else f"{amount:.2f}"


def _edits(title: str, edits: Sequence[Edit]) -> Iterator[RenderableType]:
    if edits:
        yield heading(title)
        for edit in edits:
            yield indented(visible(f"{SEVERITIES[edit.severity]}: {edit.message}"))


def _part(part: Billed | Supported | None) -> Text:
    return visible("–" if part is None else times(part))


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _units(counts: Mapping[str, Any]) -> tuple[str, str]:
    return str(counts["over"]), str(counts["under"])


_NUMBERS = {"Claims", "Lines", "Right", "Accuracy", "Over", "Under", "Charged", "Paid", "Units paid"}
_KEPT_WHOLE = {"Code", "Billed", "Supported", *_NUMBERS}


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style=FAINT, show_edge=False)
    for column in columns:
        justify: JustifyMethod = "right" if column in _NUMBERS else "left"
        table.add_column(column, no_wrap=column in _KEPT_WHOLE, overflow="fold", justify=justify)
    return table
