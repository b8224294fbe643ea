"""What the record says to a payer's reason for a denial, for a line that the chart supports.

Each kind of reason has its answer, made of what is known of the claim: which services it is for, what else is reported
for them, which codes it is added to, what is documented where. What could be held against the answer is told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ivproof.audit.model import Audit, Kind, LineVerdict, Supported
from ivproof.chart.encounter import Encounter
from ivproof.edits.checker import setting_of
from ivproof.edits.files import OF_PAYER
from ivproof.edits.tables import EditTables
from ivproof.packet.model import DenialAnswer
from ivproof.why.naming import Names

NAMES = {
    "units": "number of units",
    "bundling": "part of another service",
    "documentation": "documentation",
    "necessity": "medical necessity",
    "duplicate": "duplicate",
    "primary": "add-on without its primary service",
    "modifier": "modifier",
}
"""What each kind of reason is called."""


class DenialAnswers:
    """Answers reasons for denials on one claim."""

    def __init__(self, audit: Audit, encounter: Encounter, names: Names, tables: EditTables) -> None:
        self._encounter = encounter
        self._names = names
        self._tables = tables
        self._lines = [it for it in audit.lines if it.supported is not None and not it.drug]
        self._keys = {it.id: f"a{n}" for n, it in enumerate(encounter.administrations, 1)}
        self._sourced = {it.id: it.source for it in encounter.recorded if it.source}

    def of(self, line: LineVerdict, kinds: Iterable[str]) -> tuple[DenialAnswer, ...]:
        """Give the answers to some kinds of reasons; none for a line that is not supported as it was billed."""
        if line.kind is not Kind.SUPPORTED or line.supported is None or line.drug:
            return ()
        made: Mapping[str, Callable[[LineVerdict, Supported], DenialAnswer]] = {
            "units": self._units,
            "bundling": self._bundling,
            "documentation": self._documentation,
            "necessity": self._necessity,
            "duplicate": self._duplicate,
            "primary": self._primary,
            "modifier": self._modifier,
        }
        return tuple(made[it](line, line.supported) for it in kinds)

    def _units(self, line: LineVerdict, it: Supported) -> DenialAnswer:
        said = f"The record supports {_units(it)}, {self._for(it)}; what {_each(it)} rests on is told below."
        more = [
            f"Medicare expects at most {edit.limit} of this code on one date; that limit can be exceeded where the "
            "record supports the units."
            for edit in line.edits
            if edit.kind == "units" and edit.severity == "appealable" and edit.indicator != OF_PAYER
        ]
        flat = [
            edit.message
            for edit in line.edits
            if edit.kind == "units" and (edit.severity == "fails" or edit.indicator == OF_PAYER)
        ]
        return DenialAnswer("units", (said, *more), tuple(flat))

    def _bundling(self, line: LineVerdict, it: Supported) -> DenialAnswer:
        mine = set(it.administrations)
        others = [other for other in self._lines if other is not line and other.supported is not None]
        shared = [
            other.supported for other in others if other.supported and mine & set(other.supported.administrations)
        ]
        first = f"This line is {self._for(it)}."
        if shared:
            codes = _listed(f"{other.code} ({_listed(other.roles)})" for other in shared)
            rest = f"Of the same administration {codes} is reported as well; this line is its {_listed(it.roles)}."
        else:
            rest = (
                "No other line that the record supports is for it."
                if len(mine) == 1
                else ("No other line that the record supports is for these.")
            )
        pairs = [edit for edit in line.edits if edit.kind == "pair"]
        passing = [
            f"The national edit on {edit.other} with {edit.code} lets both stand where a modifier says that they "
            "are distinct; the modifier stands on the claim."
            for edit in pairs
            if edit.severity == "passes"
        ]
        return DenialAnswer(
            "bundling", (first, rest, *passing), tuple(e.message for e in pairs if e.severity != "passes")
        )

    def _documentation(self, line: LineVerdict, it: Supported) -> DenialAnswer:
        subjects = [*it.administrations, *(site for site in it.sites if site in self._sourced)]
        there = [name for name in subjects if name in self._sourced]
        lacking = [name for name in subjects if name not in self._sourced]
        said = f"What the line rests on is documented: it is {self._for(it)}."
        where = f"Where the record has it: {'; '.join(f'{it}: {self._sourced[it]}' for it in there)}." if there else ""
        flanks = [f"The chart does not say on which page the record has {_listed(lacking)}."] if lacking else []
        return DenialAnswer("documentation", tuple(filter(None, (said, where))), tuple(flanks))

    def _necessity(self, line: LineVerdict, it: Supported) -> DenialAnswer:
        given = {one.id: one for one in self._encounter.administrations}
        orders = {given[name].order or self._encounter.order for name in it.administrations if name in given}
        needed = [
            f"Access {site.id} was required: {site.necessity}."
            for site in self._encounter.access_sites
            if site.id in it.sites and site.necessity
        ]
        codes = self._encounter.diagnoses
        found = [
            "Whether a treatment was needed is a clinical question, which the rules of coding do not answer. What the "
            f"record shows: this line is {self._for(it)}.",
            f"Diagnoses documented: {', '.join(codes)}." if codes else "",
            f"The order was {_listed(sorted(orders))}."
            if orders <= {"signed", "verbal", "protocol"} and orders
            else "",
            *needed,
        ]
        flanks = [] if codes else ["The chart gives no diagnosis."]
        flanks += ["No order is documented."] if "none" in orders else []
        return DenialAnswer("necessity", tuple(filter(None, found)), tuple(flanks))

    def _duplicate(self, line: LineVerdict, it: Supported) -> DenialAnswer:
        same = [other.supported for other in self._lines if other.code == line.code and other.supported is not None]
        if len(same) == 1:
            return DenialAnswer(
                "duplicate", (f"The record supports {_units(it)} once, {self._for(it)}.", self._apart(it))
            )
        told = [f"{'-'.join((one.code, *one.modifiers))} × {one.units} is {self._for(one)}" for one in same]
        known = [set(one.administrations) for one in same]
        apart = sum(map(len, known)) == len(set().union(*known))
        end = "They are for different administrations: neither repeats the other." if apart else ""
        return DenialAnswer("duplicate", tuple(filter(None, (f"{_listed(told)}.", end))))

    def _apart(self, it: Supported) -> str:
        return f"What {_each(it)} rests on is told below."

    def _primary(self, line: LineVerdict, it: Supported) -> DenialAnswer:
        setting = setting_of(self._encounter.claim_type)
        known = self._tables.primaries(it.code, setting, self._encounter.date)
        there = dict.fromkeys(
            other.code for other in self._lines if other.code in known and other.billed and other.kind is Kind.SUPPORTED
        )
        if there:
            return DenialAnswer(
                "primary", (f"{it.code} is added to {_listed(there)}, on this claim and supported by the record.",)
            )
        if not known:
            return DenialAnswer("primary", (f"{it.code} is no add-on code by the national edits in use here.",))
        return DenialAnswer("primary", (), (f"No code that {it.code} may be added to is billed and supported.",))

    def _modifier(self, line: LineVerdict, it: Supported) -> DenialAnswer:
        if not it.modifiers:
            return DenialAnswer("modifier", ("The policy gives this line no modifier, and it was billed with none.",))
        marks = [f"Modifier {mark.modifier}: {mark.reason}" for mark in it.marks]
        return DenialAnswer(
            "modifier", (f"The line carries what the policy gives it: {_listed(it.modifiers)}.", *marks)
        )

    # --- words

    def _for(self, it: Supported) -> str:
        """Say which administrations a line is for, with drug and times, and where."""
        keys = self._keys
        who = [self._names.introduced(keys[name]) if name in keys else name for name in it.administrations]
        at = f" at {_listed(it.sites)}" if it.sites else ""
        return f"for {_listed(who)}{at}" if who else f"as {_listed(it.roles)}"


def _units(it: Supported) -> str:
    return f"{it.units} unit{'' if it.units == 1 else 's'} of {it.code}"


def _each(it: Supported) -> str:
    return "it" if it.units == 1 else "each"


def _listed(words: Iterable[str]) -> str:
    """Some words in a row: a, b and c."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def sentences(answers: Iterable[DenialAnswer]) -> Iterator[tuple[str, str]]:
    """Give the answers for a reader: what each is about, and what is said."""
    for it in answers:
        if it.sentences:
            yield NAMES[it.kind], " ".join(it.sentences)
