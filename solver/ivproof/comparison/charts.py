"""Charts coded by two laws: what is different on the claim, and the changed rules behind it (see `batch.Job`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import Facts
from ivproof.claim.coding import Coder, Recheck
from ivproof.claim.determination import ClaimLine, Determination
from ivproof.comparison.causes import Side, causes, defaults_of
from ivproof.comparison.law import REWORDED, law_changes
from ivproof.engine.claims import Units, difference, in_words
from ivproof.engine.engine import Alternative, Answer
from ivproof.engine.second import claims_of
from ivproof.law.policy import Policy
from ivproof.why.derivation import Derivation
from ivproof.why.record import Recorder, relevant

FOLLOWED = 4
"""Of claims that only one law gives, so many are followed down to the rules behind them."""

RAISED = {"raised": 1}
"""The predicate by which the law asks an open question of a chart."""

SAME, REASONS, CLAIM = "same", "reasons", "claim"


@dataclass(frozen=True)
class Compared:
    """What two laws make of one chart.

    `kind` is claim where the claim, the drug lines or the order of the diagnoses is another one; reasons where only
    what is left out, missing or found is; same where nothing is. `differences` says so in words; `units` are those that
    the new law gives more (fewer: negative) by code, where each law gives one claim. `because` are the ids of the
    changed rules behind it.
    """

    encounter: str
    size: int
    kind: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    differences: tuple[str, ...] = ()
    units: tuple[tuple[str, int], ...] = ()
    because: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the comparison as plain data."""
        return {
            "encounter": self.encounter,
            "kind": self.kind,
            "differences": list(self.differences),
            "units": dict(self.units),
            "because": list(self.because),
            "before": dict(self.before),
            "after": dict(self.after),
        }


@dataclass(frozen=True)
class Comparing:
    """Makes what codes charts by a law and by a new one, in this process or another; see `batch.Job`."""

    new: Policy
    readings: Mapping[str, str] | None = None
    """The questions that are settled under the new law, where they are not those under the present one."""

    def __call__(self, policy: Policy, readings: Mapping[str, str]) -> _Both:
        """Make it, for the present policy and a setting of its questions, which holds under both where no other is."""
        return _Both(policy, self.new, readings, readings if self.readings is None else self.readings)


class _Law:
    """One of the two laws, ready to code and to record."""

    def __init__(self, policy: Policy, readings: Mapping[str, str]) -> None:
        self.coder = Coder(policy, readings)
        self.recorder = Recorder(policy, readings)
        self.defaults = defaults_of(policy.program)
        self.asking = {rule.id for rule in relevant(policy.program.rules, RAISED)}

    def sides(self, facts: Facts, answer: Answer, others: frozenset[Any]) -> list[Side]:
        """The derivations of the claims that the other law does not give; of the first claim where it gives all."""
        rivals: Sequence[Alternative | None] = answer.alternatives or [None]
        own = [it for it in rivals if it is not None and it.claim not in others]
        return [
            Side(Derivation(self.recorder.record(facts, answer, it)), self.defaults)
            for it in islice(own or rivals[:1], FOLLOWED)
        ]


class _Both:
    def __init__(self, old: Policy, new: Policy, readings: Mapping[str, str], new_readings: Mapping[str, str]) -> None:
        self.old, self.new = _Law(old, readings), _Law(new, new_readings)
        self.changed = {it.id for it in law_changes(old, new) if it.kind != REWORDED}
        self.settled_alike = readings == new_readings

    def code(self, encounters: Sequence[Encounter], recheck: Recheck, *, changes: bool = True) -> list[Compared]:
        """Code each encounter by both laws, and compare; without `changes` not what missing facts would change."""
        pairs = zip(
            encounters,
            self.old.coder.code(encounters, recheck, changes=changes),
            self.new.coder.code(encounters, recheck, changes=changes),
            strict=True,
        )
        return [self._compared(*it) for it in pairs]

    def undecided(self, encounter: Encounter, why: str) -> None:
        """Nothing stands for a chart that takes too much work: it is told, and not compared."""

    def _compared(self, encounter: Encounter, before: Determination, after: Determination) -> Compared:
        kind = CLAIM if _claim(before) != _claim(after) else REASONS if _reasons(before) != _reasons(after) else SAME
        about = (encounter.id, len(encounter.administrations), kind)
        if kind == SAME:
            return Compared(*about, {}, {})
        if kind == REASONS:
            return Compared(*about, _plain(before), _plain(after))
        return Compared(
            *about,
            _plain(before),
            _plain(after),
            differences=tuple(_differences(before, after)),
            units=_more(before, after),
            because=self._because(encounter),
        )

    def _because(self, encounter: Encounter) -> tuple[str, ...]:
        laws = (self.old, self.new)
        facts = [law.coder.facts(encounter) for law in laws]
        if len(self.changed) == 1 and self.settled_alike and facts[0].text() == facts[1].text():
            return tuple(self.changed)  # nothing else is different
        answers = [law.coder.engine.answer([it])[0] for law, it in zip(laws, facts, strict=True)]
        claims = [claims_of(answer) for answer in answers]
        old = self.old.sides(facts[0], answers[0], claims[1])
        new = self.new.sides(facts[1], answers[1], claims[0])
        found = causes(old, new, self.changed)
        # one claim more or less can follow because a question is asked or not, which no derivation tells
        return found or tuple(sorted(self.changed & (self.old.asking | self.new.asking)))


# --- what is compared


def _claims(found: Determination) -> list[tuple[ClaimLine, ...]]:
    return [it.lines for it in found.alternatives] or [found.claim]


def _line(line: ClaimLine) -> tuple[Any, ...]:
    return line.code, line.units, line.modifiers, line.date


def _claim(found: Determination) -> object:
    """Everything of a determination that is sent to a payer."""
    claims = sorted(sorted(map(_line, lines)) for lines in _claims(found))
    drugs = sorted((it.code, it.units, it.modifiers, it.administrations, it.date) for it in found.drug_lines)
    return found.status, found.why_undetermined, claims, drugs, found.diagnoses


def _reasons(found: Determination) -> object:
    left_out = sorted((it.subject, it.code or "", it.name) for it in (*found.excluded, *found.findings))
    return left_out, sorted((it.fact, it.would_change) for it in found.missing)


def _plain(found: Determination) -> dict[str, Any]:
    whole = found.as_dict()
    names = ("status", "claim", "alternatives", "drug_lines", "diagnoses", "excluded", "findings", "missing")
    return {name: whole[name] for name in names}


def _units(lines: Iterable[ClaimLine]) -> Units:
    codes: Counter[str] = Counter()
    modifiers: dict[str, Counter[str]] = {}
    for line in lines:
        codes[line.code] += line.units
        for mark in line.modifiers:
            modifiers.setdefault(line.code, Counter())[mark] += line.units
    return Units(codes, modifiers)


def _more(before: Determination, after: Determination) -> tuple[tuple[str, int], ...]:
    if before.alternatives or after.alternatives:
        return ()
    units = Counter(_units(after.claim).codes)
    units.subtract(_units(before.claim).codes)
    return tuple((code, n) for code, n in sorted(units.items()) if n)


def _differences(before: Determination, after: Determination) -> Iterable[str]:
    old, new = ([_units(lines) for lines in _claims(it)] for it in (before, after))
    if before.status != after.status:
        yield f"{after.status} instead of {before.status}"
    if len(old) == len(new) == 1:
        told = difference(old[0], new[0])
        if told:
            yield told
    elif set(map(in_words, old)) != set(map(in_words, new)):
        yield f"{' or '.join(map(in_words, new))} instead of {' or '.join(map(in_words, old))}"
    if _codes(before) == _codes(after) and _lines(before) != _lines(after):
        yield "the same units on other dates or lines"
    if before.drug_lines != after.drug_lines:
        yield "other lines of drugs"
    if before.diagnoses != after.diagnoses:
        yield f"diagnoses {', '.join(after.diagnoses) or 'none'} instead of {', '.join(before.diagnoses) or 'none'}"
    if before.why_undetermined != after.why_undetermined:
        yield " ".join(after.why_undetermined) or "the policy has an answer"


def _codes(found: Determination) -> list[str]:
    return sorted(in_words(_units(lines)) for lines in _claims(found))


def _lines(found: Determination) -> list[list[tuple[Any, ...]]]:
    return sorted(sorted(map(_line, lines)) for lines in _claims(found))


def as_compared(_: Encounter, compared: Compared) -> Compared:
    """Give the comparison as it is."""
    return compared


def as_told(_: Encounter, compared: Compared) -> Compared:
    """Give the comparison without the determinations, which are the most of it."""
    return replace(compared, before={}, after={})
