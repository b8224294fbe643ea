"""Determinations: what the law gives for an encounter, in the form of the format's section 2.

A determination decides nothing. It puts the atoms of an answer into lines, names what was left out and why, and says
whether the claim is determined, ambiguous (an open question or a free choice changes it) or undetermined (a fact is
missing and the policy gives no answer without it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Any

from ivproof.chart.clock import is_clock_time
from ivproof.chart.encounter import Administration
from ivproof.chart.facts import WHOLE, Facts, day_of
from ivproof.chart.refusal import spell
from ivproof.claim.statements import Gives, Holds, Statement
from ivproof.engine.choices import FREE, OPEN, Atoms, Resolution
from ivproof.engine.claims import Units, in_words, or_else, units_of
from ivproof.engine.engine import Alternative, Answer
from ivproof.engine.nearby import Departure, Reached
from ivproof.formats.notebook import shown
from ivproof.law.policy import Policy, Wording
from ivproof.law.terms import Function, String, Term, parse
from ivproof.unknowns.gaps import Hanging

Otherwise = Mapping[Departure, Reached]
"""What other options of settled questions lead to, where that is not what the chart leads to as held."""

NONE: Otherwise = {}

NOTHING_BESIDE: Mapping[str, Otherwise] = {}

NOT_EXPLORED = "The chart leads to so much that it was not gone through what other options of questions would give."

DETERMINED = "determined"
"""The status of what leads to one claim."""

UNDECIDED = "undecided"
"""The status of what takes more work than is allowed."""

NAMED = 3
"""So many of several claims are named where another reading leads to them."""

VISIT = "visit-on-claim"
"""The law's rule that puts a visit on a claim: the code of a visit stands in the chart, in no table of the law."""

ENCOUNTER = "encounter"
"""The subject of what is missing from the encounter itself."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Why a line carries a modifier: in a sentence, with the policy's rules behind it."""

    modifier: str
    reason: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One line of a claim.

    `units` are HCPCS units, `site` is the id of the access site (None where none is documented), `date` the ISO date,
    `administrations` the ids of what it is for, in the order of the chart, `rules` the policy's rules behind it, those
    of its modifiers included; `marks` tell why it carries these.
    """

    code: str
    units: int
    modifiers: tuple[str, ...]
    role: str
    site: str | None
    date: str
    administrations: tuple[str, ...]
    rules: tuple[str, ...]
    marks: tuple[Mark, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the line as the format has it."""
        return {
            "code": self.code,
            "units": self.units,
            "modifiers": list(self.modifiers),
            "role": self.role,
            "site": self.site,
            "date": self.date,
            "administrations": list(self.administrations),
            "rules": list(self.rules),
        }


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Something that is not on the claim: what, the code it would have had (if one), and why.

    `name` is the id of the law's rule behind it. Of what would have had no one code, `kept_from` has those of its class
    that it might have taken but for the reason, and `by_route` those of other classes, by the way it was given. `says`
    is what stands behind the reason, `with_drug` whether the drug itself is left out, and not only the giving of it.
    """

    subject: str
    code: str | None
    reason: str
    rules: tuple[str, ...]
    name: str
    kept_from: tuple[str, ...] = field(default=(), compare=False)
    by_route: tuple[str, ...] = field(default=(), compare=False)
    says: tuple[Statement, ...] = field(default=(), compare=False)
    with_drug: bool = field(default=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Give the exclusion as the format has it."""
        return {
            "subject": self.subject,
            "code": self.code,
            "reason": self.reason,
            "rules": list(self.rules),
            "name": self.name,
        }


@dataclass(frozen=True, slots=True)
class MissingFact:
    """A fact that the chart does not give; `would_change` says whether the claim hangs on it.

    It does where some value of it, by itself, gives another claim (of a site: what else has none being at the first
    one), or where the alternatives suppose different values of it. It is None where that is not known, since not every
    value was tried. `searched` says which were, where none of them gives another claim. `charted` is what the chart has
    there, where it does give the fact, and it may be a slip of the pen. `says` is what stands behind the
    message.
    """

    fact: str
    would_change: bool | None
    message: str
    rules: tuple[str, ...]
    subject: str
    field: str
    searched: str = ""
    charted: str = ""
    says: tuple[Statement, ...] = ()

    @property
    def weight(self) -> str:
        """Whether the claim hangs on it in words, and where it does not or that is not known, what was tried."""
        if self.would_change:
            return "can change the claim"
        known = "may change the claim" if self.would_change is None else "by itself does not change the claim"
        return f"{known}; tried: {self.searched}" if self.searched else known

    def as_dict(self) -> dict[str, Any]:
        """Give the missing fact as the format has it."""
        return {
            "fact": self.fact,
            "would_change": self.would_change,
            **({"searched": self.searched} if self.searched else {}),
            **({"charted": self.charted} if self.charted else {}),
            "message": self.message,
            "rules": list(self.rules),
        }


@dataclass(frozen=True, slots=True)
class DrugLine:
    """A line for the drug itself, apart from the claim for giving it: what has one code, date and modifiers.

    `administrations` are the ids of what the units are of, in the order of the chart; `date` is the ISO date.
    """

    code: str
    units: int | float
    modifiers: tuple[str, ...]
    administrations: tuple[str, ...]
    date: str

    @property
    def administration(self) -> str:
        """The first of the administrations."""
        return self.administrations[0]

    @property
    def text(self) -> str:
        """Code, modifiers and units: ``J9035-JZ × 40``."""
        return f"{'-'.join((self.code, *self.modifiers))} × {self.units}"

    def as_dict(self) -> dict[str, Any]:
        """Give the line as the format has it."""
        return {
            "code": self.code,
            "units": self.units,
            "modifiers": list(self.modifiers),
            "administration": self.administration,
            "administrations": list(self.administrations),
            "date": self.date,
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """What a charted name was taken for: the drug and its kind in the drug list, and the product that it settles.

    `carrier` is the fluid that the name says it was mixed into, with its millilitres, and `also` are the electrolytes
    and vitamins that it says are in it as well. `drug` is None where the list
    does not know the name, or nothing was given.
    """

    administration: str
    name: str
    drug: str | None = None
    kind: str | None = None
    product: str | None = None
    carrier: str | None = None
    carrier_ml: int | float | None = None
    also: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "administration": self.administration,
            "name": self.name,
            "drug": self.drug,
            "kind": self.kind,
            "product": self.product,
            "carrier": self.carrier,
            "carrier_ml": self.carrier_ml,
            "also": list(self.also),
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """An option held of a question: by default, as set, or for want of a default each in turn (open).

    `says` is the option in words, `rests_on` what the question rests on, and `otherwise` has the claim that another
    option gives by itself: letter to units by code. Where it gives no one claim, `otherwise_status` has the status that
    it leads to, and `otherwise_why` what it leaves open. `otherwise_beside` has what it changes beside the services, by
    letter: the ``drug_lines`` or the ``diagnoses`` that it gives, in words; several where something else is open.
    """

    question: str
    name: str
    option: str | None
    source: str
    matters: bool
    says: str = ""
    rests_on: str = ""
    otherwise: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    otherwise_status: Mapping[str, str] = field(default_factory=dict)
    otherwise_why: Mapping[str, str] = field(default_factory=dict)
    otherwise_beside: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def says_otherwise(self) -> tuple[Gives, ...]:
        """What stands behind the claims that other options give."""
        return tuple(Gives(self.question, it, tuple(codes.items())) for it, codes in self.otherwise.items())

    def beside(self, letter: str) -> Iterator[str]:
        """What an option changes beside the services, in words: ``the diagnoses E86.0, C50.911``."""
        for what, led in self.otherwise_beside.get(letter, {}).items():
            yield f"the {what.replace('_', ' ')} {'; or '.join(led)}"

    @property
    def only_beside(self) -> bool:
        """Whether it decides over nothing but lines of drugs and diagnoses."""
        return bool(self.otherwise_beside) and not (self.otherwise or self.otherwise_status or self.option is None)

    @property
    def departs(self) -> bool:
        """Whether another option by itself leads elsewhere than what is held."""
        return bool(self.otherwise or self.otherwise_status or self.otherwise_beside)

    def as_dict(self) -> dict[str, Any]:
        """Give the reading as the format has it."""
        found: dict[str, Any] = {
            "question": self.question,
            "name": self.name,
            "option": self.option,
            "source": self.source,
            "matters": self.matters,
            "says": self.says,
            "rests_on": self.rests_on,
        }
        if self.otherwise:
            found["otherwise"] = {letter: dict(codes) for letter, codes in self.otherwise.items()}
        if self.otherwise_status:
            found["otherwise_status"] = dict(self.otherwise_status)
            found["otherwise_why"] = dict(self.otherwise_why)
        if self.otherwise_beside:
            found["otherwise_beside"] = {
                letter: {what: list(it) for what, it in led.items()} for letter, led in self.otherwise_beside.items()
            }
        return found


@dataclass(frozen=True, slots=True)
class Rival:
    """One of several claims, and what leads to it: readings by number, facts by path, which of equals is initial.

    `others` are further ways to the same claim, `excluded` is what is not on it; `resolutions` are what leads to it in
    the law's own terms.
    """

    lines: tuple[ClaimLine, ...]
    excluded: tuple[Exclusion, ...]
    readings: Mapping[str, str]
    given: Mapping[str, str]
    initial: Mapping[str, str]
    others: tuple[Mapping[str, str], ...]
    resolutions: tuple[Resolution, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the alternative as the format has it."""
        found: dict[str, Any] = {"readings": dict(self.readings)}
        if self.given:
            found["given"] = dict(self.given)
        if self.initial:
            found["initial"] = dict(self.initial)
        if self.others:
            found["also"] = [dict(other) for other in self.others]
        found["claim"] = [line.as_dict() for line in self.lines]
        found["excluded"] = [it.as_dict() for it in self.excluded]
        return found


@dataclass(frozen=True)
class Determination:
    """What follows for one encounter from one policy.

    `unreached` has further hours and prolonged infusions that an audit may ask for: what did not run long enough for
    one, or has no stop to show it, with the code in `by_route`. It is no part of the format.
    """

    encounter: str
    policy: Mapping[str, str]
    status: str
    claim: tuple[ClaimLine, ...]
    excluded: tuple[Exclusion, ...]
    drug_lines: tuple[DrugLine, ...]
    diagnoses: tuple[str, ...]
    readings: tuple[Reading, ...]
    alternatives: tuple[Rival, ...]
    missing: tuple[MissingFact, ...]
    findings: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()
    why_undetermined: tuple[str, ...] = ()
    edits: tuple[Mapping[str, Any], ...] = field(default=())
    taken: tuple[Taken, ...] = ()
    bundled: tuple[Exclusion, ...] = ()
    unreached: tuple[Exclusion, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the determination as the format has it: plain data, in a fixed order."""
        return {
            "encounter": self.encounter,
            "policy": dict(self.policy),
            "status": self.status,
            "claim": [line.as_dict() for line in self.claim],
            "excluded": [it.as_dict() for it in self.excluded],
            "edits": [dict(it) for it in self.edits],
            "drug_lines": [it.as_dict() for it in self.drug_lines],
            "drugs": [it.as_dict() for it in self.taken],
            "diagnoses": {
                "first_listed": self.diagnoses[0] if self.diagnoses else None,
                "then": list(self.diagnoses[1:]),
            },
            "readings": [it.as_dict() for it in self.readings],
            "alternatives": [it.as_dict() for it in self.alternatives],
            "missing": [it.as_dict() for it in self.missing],
            "findings": [it.as_dict() for it in self.findings],
            "notes": [*self.why_undetermined, *self.notes],
        }

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        lines = [(it.code, it.units, it.modifiers, it.role, it.administrations, it.rules) for it in self.claim]
        drugs = [(it.code, it.units, it.modifiers, "drug", it.administrations, ()) for it in self.drug_lines]
        return shown(
            f"{self.encounter}: {self.status}",
            ("Code", "Units", "Modifiers", "Role", "For", "Rules"),
            [*lines, *drugs],
            {
                "Not on the claim": [f"{it.subject}: {it.reason}" for it in self.excluded],
                "Other claims": [_listed(it.lines) for it in self.alternatives],
                "Missing": [f"{it.fact}: {it.message}" for it in self.missing],
                "Findings": [f"{it.subject}: {it.reason}" for it in self.findings],
                "Notes": [*self.why_undetermined, *self.notes],
            },
        )


def _listed(lines: Iterable[ClaimLine]) -> str:
    """Name the lines of a claim in one line: ``96365, 96366-59 × 2``."""
    named = ("-".join((it.code, *it.modifiers)) + (f" × {it.units}" if it.units > 1 else "") for it in lines)
    return ", ".join(named) or "nothing"


class Determiner:
    """Puts answers into determinations, for one policy and one setting of its questions."""

    def __init__(self, policy: Policy, readings: Mapping[str, str] | None = None) -> None:
        self.policy = policy
        self.settings = policy.settings(readings)
        self.set_by_user = {policy.question(name).key for name in readings or {}}
        self._order = {code: n for n, code in enumerate(policy.codes)}
        self._about = policy.about

    def determine(
        self,
        facts: Facts,
        answer: Answer,
        hanging: Mapping[tuple[str, str], Hanging],
        otherwise: Otherwise | None = NONE,
        beside: Mapping[str, Otherwise] = NOTHING_BESIDE,
    ) -> Determination:
        """Put one answer into words; `hanging` says of missing facts whether the claim hangs on them, if it is known.

        `otherwise` has what other options of settled questions lead to, as far as that was looked into; it is None
        where that is too much to be gone through. `beside` has the same of ``drug_lines`` and ``diagnoses``.
        """
        names = ChartNames(facts)
        undetermined = [_text(it[0]) for it in answer.atoms.get("undetermined", ())]
        rivals = tuple(self._rival(names, it) for it in answer.alternatives)
        claims = [rival.lines for rival in rivals]
        lines = () if undetermined else self._lines(names, answer.atoms)
        return Determination(
            encounter=facts.encounter.id,
            policy=self._about,
            status=status_of([(it.resolutions, *it.others) for it in answer.alternatives], undetermined),
            claim=_common(claims) if claims else lines,
            excluded=_in_all(
                [rival.excluded for rival in rivals] or [self._exclusions(names, answer.atoms, "excluded")]
            ),
            drug_lines=_drug_lines(names, answer.atoms),
            diagnoses=_diagnoses(answer.atoms),
            readings=self._readings(names, answer, otherwise or {}, beside),
            alternatives=rivals,
            missing=self._missing(names, answer, hanging),
            findings=self._exclusions(names, answer.atoms, "finding"),
            notes=(
                *self.policy.warnings,
                *self.policy.remarks,
                *self._slips(names, answer.atoms),
                *facts.notes,
                *(() if otherwise is not None else (NOT_EXPLORED,)),
            ),
            why_undetermined=tuple(self._sentence(it.replace("_", "-"), "") for it in undetermined),
            taken=tuple(_taken(facts)),
            bundled=tuple(self._bundled(answer.atoms)),
            unreached=tuple(self._unreached(names, answer.atoms)),
        )

    # --- lines

    def _lines(self, names: ChartNames, atoms: Atoms) -> tuple[ClaimLine, ...]:
        marked: dict[tuple[Term, str], set[Mark]] = {}
        for service, code, modifier, why in atoms.get("modifier", ()):
            name = _text(why).replace("_", "-")
            mark = Mark(
                _text(modifier),
                self._sentence(name, names.subject(service)),
                sorted_rules(self._wording(name).references),
            )
            marked.setdefault((service, _text(code)), set()).add(mark)
        accesses = {atom[0]: atom[1] for atom in atoms.get("reported_at", ())}
        included: dict[Term, set[str]] = {}
        for service, administration in atoms.get("reported_with", ()):
            included.setdefault(service, set()).add(str(administration))
        picked = {service: _text(by) for service, by in atoms.get("picked_by", ())}
        groups: dict[tuple[Any, ...], _Group] = {}
        for code, role, service, _, day in atoms.get("unit", ()):
            mine = marked.get((service, _text(code)), set())
            marks = tuple(sorted({it.modifier for it in mine}))
            key = (_text(code), marks, str(role), accesses.get(service), day)
            group = groups.setdefault(key, _Group())
            group.units += 1
            group.marks |= mine
            group.administrations |= included.get(service) or names.administration(service)
            if service in picked and str(role) in _ROLES:
                group.rules.update(self._wording(f"picked-by-{picked[service].replace('_', '-')}").references)
        lines = []
        for (code, marks, role, where, day), group in groups.items():
            rules = {*group.rules, *self._wording(self.policy.codes.get(code, VISIT)).references}
            rules.update(rule for it in group.marks for rule in it.rules)
            lines.append(
                ClaimLine(
                    code,
                    group.units,
                    marks,
                    _ROLES.get(role, role),
                    None if where is None else names.sites(where, group.administrations),
                    day_of(names.facts.encounter.date, int(str(day))).isoformat(),
                    names.in_order(group.administrations),
                    sorted_rules(rules),
                    tuple(sorted(group.marks)),
                )
            )
        return tuple(
            sorted(
                lines,
                key=lambda it: (
                    it.role != INITIAL,
                    self._order.get(it.code, len(self._order)),
                    it.code,
                    it.date,
                    it.site or "",
                    it.modifiers,
                ),
            )
        )

    def spell(
        self, facts: Facts, resolutions: Iterable[Resolution]
    ) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Name what choices settle: readings by number, facts by path, which of equals is initial by site."""
        return self._spell(ChartNames(facts), resolutions)

    def _rival(self, names: ChartNames, alternative: Alternative) -> Rival:
        readings, given, initial = self._spell(names, alternative.resolutions)
        others = []
        for other in alternative.others:
            also, also_given, _ = self._spell(names, other)
            others.append({**also, **also_given})
        lines = self._lines(names, alternative.atoms)
        excluded = self._exclusions(names, alternative.atoms, "excluded")
        return Rival(lines, excluded, readings, given, initial, tuple(others), alternative.resolutions)

    def _spell(
        self, names: ChartNames, resolutions: Iterable[Resolution]
    ) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        readings: dict[str, str] = {}
        given: dict[str, str] = {}
        initial: dict[str, str] = {}
        for it in resolutions:
            if it.predicate == OPEN:
                question = self.policy.questions[it.subject]
                readings[question.number] = question.option(it.value).letter
            elif it.predicate == FREE:
                initial[names.site(parse(it.subject)) or it.subject] = names.subject(parse(it.value))
            else:
                given[names.supposed_fact(it)] = names.supposed_value(it)
        return readings, given, initial

    def fact(self, facts: Facts, subject: Term, what: Term) -> str:
        """Name the path of a missing fact."""
        return ChartNames(facts).fact(subject, _text(what))

    # --- what is not on the claim

    def _exclusions(self, names: ChartNames, atoms: Atoms, predicate: str) -> tuple[Exclusion, ...]:
        instead = {(service, why): _text(code) for service, why, code in atoms.get("instead_of", ())}
        kept, by_route = (_codes_kept(atoms.get(name, ())) for name in ("kept_from", "kept_from_by_route"))
        with_drug = {(subject, why) for subject, why in atoms.get("drug_left_out", ())}
        found = {}
        for atom in atoms.get(predicate, ()):
            subject, why = atom[0], atom[-1]
            name = _text(why).replace("_", "-")
            who = names.subject(subject)
            code = instead.get((subject, why))
            found[who, name, code or ""] = (
                names.rank(subject),
                Exclusion(
                    who,
                    code,
                    self._sentence(name, who),
                    sorted_rules(self._wording(name).references),
                    name,
                    kept.get((subject, why), ()),
                    by_route.get((subject, why), ()) if code is None else (),
                    (Holds(str(Function(predicate, tuple(atom)))),),
                    (subject, why) in with_drug,
                ),
            )
        return tuple(
            it for _, it in sorted(found.values(), key=lambda pair: (pair[0], pair[1].name, pair[1].code or ""))
        )

    def _bundled(self, atoms: Atoms) -> Iterator[Exclusion]:
        """Codes that stand for what is included or never beside what is given, whether or not it is charted."""
        for atom in sorted(atoms.get("bundled", ()), key=str):
            code, name = _text(atom[0]), _text(atom[1]).replace("_", "-")
            rules = sorted_rules(self._wording(name).references)
            says = (Holds(str(Function("bundled", tuple(atom)))),)
            yield Exclusion(code, code, self._sentence(name, code), rules, name, says=says)

    def _unreached(self, names: ChartNames, atoms: Atoms) -> Iterator[Exclusion]:
        """Codes that something given would have had, had it run longer as far as is documented."""
        for atom in sorted(atoms.get("not_reached", ()), key=lambda it: (names.rank(it[0]), str(it))):
            subject, code, name = names.subject(atom[0]), _text(atom[1]), _text(atom[2]).replace("_", "-")
            rules = sorted_rules(self._wording(name).references)
            says = (Holds(str(Function("not_reached", tuple(atom)))),)
            yield Exclusion(subject, None, self._sentence(name, subject), rules, name, by_route=(code,), says=says)

    def _missing(
        self, names: ChartNames, answer: Answer, hanging: Mapping[tuple[str, str], Hanging]
    ) -> tuple[MissingFact, ...]:
        found = []
        for subject, what, why in answer.atoms.get("missing", ()):
            name = _text(why).replace("_", "-")
            fact = names.fact(subject, _text(what))
            message = self._sentence(name, names.subject(subject))
            changes, searched = hanging.get((str(subject), _text(what)), Hanging(None))
            rules = sorted_rules(self._wording(name).references)
            charted = names.charted(subject, _text(what))
            who, says = names.subject(subject), (Holds(str(Function("missing", (subject, what, why)))),)
            one = MissingFact(fact, changes, message, rules, who, _text(what), searched, charted, says)
            found.append((names.rank(subject), one))
        return tuple(it for _, it in sorted(found, key=lambda pair: (pair[0], pair[1].fact)))

    def _slips(self, names: ChartNames, atoms: Atoms) -> Iterator[str]:
        """What is charted and may be a slip of the pen, each in a sentence with the times that it is about."""
        ranked = sorted(atoms.get("slip", ()), key=lambda it: (names.rank(it[0]), str(it[2])))
        for subject, what, why in ranked:
            sentence = self._sentence(_text(why).replace("_", "-"), names.subject(subject))
            yield f"{names.fact(subject, _text(what))}: {sentence} {names.span(subject)}See what the record has."

    def _readings(
        self, names: ChartNames, answer: Answer, otherwise: Otherwise, beside: Mapping[str, Otherwise]
    ) -> tuple[Reading, ...]:
        mattering = {
            resolution.subject
            for alternative in answer.alternatives
            for resolutions in (alternative.resolutions, *alternative.others)
            for resolution in resolutions
            if resolution.predicate == OPEN
        }
        departing = {key for led in (otherwise, *beside.values()) for key, _ in led}
        found = []
        for key, held in self.settings.items():
            if key not in self.set_by_user and key not in mattering and key not in departing:
                continue
            question = self.policy.questions[key]
            source = "set" if key in self.set_by_user else "open" if held is None else "default"
            others: dict[str, Mapping[str, int]] = {}
            status: dict[str, str] = {}
            why: dict[str, str] = {}
            for option in question.options:
                reached = otherwise.get((key, option.name))
                if reached is not None:
                    first = units_of(self.policy, reached.first)
                    leads = status_of([] if len(reached.ways) == 1 else [*reached.ways.values()], first.undetermined)
                    if leads == DETERMINED:
                        others[option.letter] = first.codes
                    else:
                        status[option.letter], why[option.letter] = leads, self._open(first, reached)
            apart = {
                option.letter: {
                    what: _beside(names, what, led[key, option.name])
                    for what, led in beside.items()
                    if (key, option.name) in led
                }
                for option in question.options
            }
            matters = key in mattering or key in departing
            says = "" if held is None else question.option(held).says
            about = (question.number, question.name, held, source, matters, says, question.citation)
            found.append(Reading(*about, others, status, why, {it: led for it, led in apart.items() if led}))
        return tuple(found)

    def _open(self, first: Units, reached: Reached) -> str:
        """What is left open where no one claim follows."""
        if first.undetermined:
            return " ".join(self._sentence(it.replace("_", "-"), "") for it in first.undetermined)
        claims = [in_words(units_of(self.policy, claim)) for claim in reached.ways]
        more = f"; or {or_else(len(claims) - NAMED)}" if len(claims) > NAMED else ""
        return f"{'; or '.join(claims[:NAMED])}{more}"

    def _wording(self, name: str) -> Wording:
        return self.policy.wordings.get(name) or Wording("", (), "", "", "")

    def _sentence(self, name: str, subject: str) -> str:
        wording = self._wording(name)
        return wording.sentence.replace("{" + wording.variable + "}", subject)


@dataclass
class _Group:
    units: int = 0
    administrations: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    marks: set[Mark] = field(default_factory=set)


class ChartNames:
    """Leads from the constants of the program back to the chart."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def subject_key(self, term: Term) -> str:
        """The administration or other service that a term is about."""
        while isinstance(term, Function) and term.name not in self.facts.places and term.arguments:
            term = term.arguments[0]
        return str(term)

    def administration(self, term: Term) -> set[str]:
        """The administration that a term is about, or nothing where it is about another service."""
        key = self.subject_key(term)
        place = self.facts.places.get(key, ())
        return {key} if place[:1] == ("administrations",) else set()

    def subject(self, term: Term) -> str:
        """Give the id of the administration or other service that a term is about."""
        key = self.subject_key(term)
        return self.facts.names.get(key, key)

    def rank(self, term: Term) -> tuple[int, int]:
        """Give the place of what a term is about in the order of the chart."""
        key = self.subject_key(term)
        place = self.facts.places.get(key)
        if place is None:
            return (0, 0)
        return (1 if key.startswith("a") else 2, int(place[-1]))

    def in_order(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Give the ids behind constants, in the order of the chart."""
        ranked = sorted(keys, key=lambda key: self.rank(parse(key)))
        return tuple(self.facts.names.get(key, key) for key in ranked)

    def site(self, access: Term) -> str | None:
        """The id of an access site, with the lumen where that counts; None for one that is only assumed."""
        if not isinstance(access, Function):
            return None
        if access.name in {"lumen", "on_date"}:
            inner, detail = access.arguments
            where = self.site(inner)
            lumen = self.facts.names.get(str(detail), str(detail))
            return f"{where} ({lumen})" if access.name == "lumen" else where
        return self.facts.names.get(str(access))

    @cached_property
    def _charted_at(self) -> Mapping[str, str]:
        """The constant of the site of each administration that is charted at one."""
        return dict(it.arguments.split(",") for it in self.facts.own if it.predicate == "site")

    def sites(self, access: Term, administrations: Iterable[str]) -> str | None:
        """The sites at which administrations are charted that were given through an access: it may be several in one.

        What is charted at none is at the access that is taken for it.
        """
        if not isinstance(access, Function) or access.arguments:
            return self.site(access)
        used = sorted(
            {self._charted_at.get(key, str(access)) for key in administrations} & {*self.facts.names},
            key=lambda key: self.facts.places[key],
        )
        return ", ".join(self.facts.names[key] for key in used) or self.site(access)

    def _given(self, subject: Term) -> Administration | None:
        place = self.facts.places.get(str(subject), ())
        return self.facts.encounter.administrations[int(place[1])] if place[:1] == ("administrations",) else None

    def charted(self, subject: Term, what: str) -> str:
        """The start or stop of an administration as charted; nothing of what is not, and of anything else."""
        it = self._given(subject)
        moment = getattr(it, what) if it is not None and what in {"start", "stop"} else None
        return "" if moment is None else moment.text

    def span(self, subject: Term) -> str:
        """From when to when an administration is counted, in a sentence; nothing where no start is charted."""
        it = self._given(subject)
        if it is None or it.start is None:
            return ""
        begin = self.facts.encounter.date
        told = [
            f"{moment.text} on {day_of(begin, moment.day)}" if is_clock_time(moment.text) else moment.text
            for moment in (it.start, it.stop)
            if moment is not None
        ]
        if it.stop is None:
            return f"It is counted from {told[0]}. "
        minutes = (it.stop.seconds - it.start.seconds) // 60
        length = f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
        return f"It is counted from {told[0]} to {told[1]}: {length}. "

    def fact(self, subject: Term, what: str) -> str:
        """The path of a missing fact, with ids in the brackets."""
        key = str(subject)
        if key == ENCOUNTER:
            return what
        place = self.facts.places.get(key)
        if place is None:
            return f"{key}.{what}"
        if place[0] in {"administrations", "access_sites"}:
            return f"{place[0]}[{self.facts.names[key]}].{what}"
        return f"{spell(place)}.{what}"

    def supposed_fact(self, resolution: Resolution) -> str:
        """Name the fact that the chart does not give and that a resolution supposes."""
        what = resolution.predicate.removeprefix("supposed_")
        if what == "class":
            drug = self.facts.names.get(resolution.subject, resolution.subject)
            return f"class of {drug}"
        return {"reason": "primary_reason", "sites": "access_sites", "lesions": "lesions"}.get(what, what)

    def supposed_value(self, resolution: Resolution) -> str:
        """Name what a resolution supposes of a fact."""
        if resolution.predicate == "supposed_reason":
            return self.subject(parse(resolution.value))
        if resolution.predicate == "supposed_sites":
            return self.site(parse(resolution.value)) or resolution.value
        return resolution.value


INITIAL = "initial"
"""The role of an initial service, whatever its technique."""

_ROLES = dict.fromkeys(("initial_infusion", "initial_push", "initial_hydration"), INITIAL)


def _text(term: Term) -> str:
    return term.value if isinstance(term, String) else str(term)


@lru_cache(maxsize=1 << 12)
def _rule_order(rule: str) -> tuple[str, int]:
    number = re.search(r"\d+", rule)
    return rule[:1], int(number[0]) if number else 0


def sorted_rules(rules: Iterable[str]) -> tuple[str, ...]:
    """Give the numbers of rules once each, in the order of the policy's text."""
    return tuple(sorted(set(rules), key=_rule_order))


def _codes_kept(atoms: Iterable[tuple[Term, ...]]) -> dict[tuple[Term, Term], tuple[str, ...]]:
    """Codes, in their order, by what is left out and why."""
    found: dict[tuple[Term, Term], set[str]] = {}
    for subject, why, code in atoms:
        found.setdefault((subject, why), set()).add(_text(code))
    return {key: tuple(sorted(codes)) for key, codes in found.items()}


def _amount(tenths: int) -> int | float:
    whole, rest = divmod(tenths, WHOLE)
    return whole if rest == 0 else tenths / WHOLE


def _taken(facts: Facts) -> Iterator[Taken]:
    """What the name of each administration was taken for, in the order of the chart."""
    for n, it in enumerate(facts.encounter.administrations, 1):
        match = facts.drugs.get(f"a{n}")
        if match is None:
            yield Taken(it.id, it.drug)
            continue
        carrier, product = match.carrier, match.product
        ml = carrier.ml if carrier is not None else None
        yield Taken(
            it.id,
            it.drug,
            match.drug.key,
            match.drug.kind,
            product.key if product is not None else None,
            carrier.drug.key if carrier is not None else None,
            None if ml is None else int(ml) if ml == int(ml) else float(ml),
            tuple(other.drug.key for other in match.others),
        )


def _drug_lines(names: ChartNames, atoms: Atoms) -> tuple[DrugLine, ...]:
    marks: dict[Term, list[str]] = {}
    for administration, modifier in atoms.get("line_modifier", ()):
        marks.setdefault(administration, []).append(_text(modifier))
    days = {administration: int(str(day)) for administration, day in atoms.get("line_day", ())}
    discarded = [(it[:3], (_text(it[3]),), 1) for it in atoms.get("discarded_line", ())]
    given = [(it, tuple(sorted(marks.get(it[0], ()))), 0) for it in atoms.get("drug_line", ())]
    grouped: dict[tuple[int, str, tuple[str, ...], int], dict[str, int]] = {}
    for (administration, code, tenths), modifiers, after in given + discarded:
        key = (days.get(administration, 0), _text(code), modifiers, after)
        grouped.setdefault(key, {})[str(administration)] = int(str(tenths))
    found = []
    for (day, hcpcs, modifiers, after), units in grouped.items():
        line = DrugLine(
            hcpcs,
            _amount(sum(units.values())),
            modifiers,
            names.in_order(units),
            day_of(names.facts.encounter.date, day).isoformat(),
        )
        found.append((min(names.rank(parse(key)) for key in units), after, modifiers, line))
    return tuple(line for *_, line in sorted(found, key=lambda it: it[:3]))


def _diagnoses(atoms: Atoms) -> tuple[str, ...]:
    ranked = sorted(
        (int(str(group)), int(str(place)), _text(code)) for code, group, place in atoms.get("diagnosis_rank", ())
    )
    return tuple(dict.fromkeys(code for *_, code in ranked))


def _beside(names: ChartNames, what: str, reached: Reached) -> tuple[str, ...]:
    """The drug lines, or the diagnoses, that something leads to, in words; several where something else is open."""
    found = []
    for outcome in (reached.first, *sorted(reached.ways, key=sorted)):
        atoms: dict[str, list[tuple[Term, ...]]] = {}
        for term in map(parse, sorted(outcome)):
            assert isinstance(term, Function)
            atoms.setdefault(term.name, []).append(term.arguments)
        parts = [it.text for it in _drug_lines(names, atoms)] if what == "drug_lines" else _diagnoses(atoms)
        found.append(", ".join(parts) or "none")
    return tuple(dict.fromkeys(found))


def _in_all(exclusions: Sequence[tuple[Exclusion, ...]]) -> tuple[Exclusion, ...]:
    """What is left out in every case."""
    return tuple(it for it in exclusions[0] if all(it in others for others in exclusions[1:]))


def _common(claims: Sequence[tuple[ClaimLine, ...]]) -> tuple[ClaimLine, ...]:
    """What holds in every claim: each code with the fewest units that any claim gives it."""
    held: list[ClaimLine] = []
    for line in claims[0]:
        same = [
            [it for it in claim if (it.code, it.modifiers, it.date) == (line.code, line.modifiers, line.date)]
            for claim in claims
        ]
        if not all(same):
            continue
        units = min(sum(it.units for it in lines) for lines in same)
        if any(it.code == line.code and it.modifiers == line.modifiers and it.date == line.date for it in held):
            continue
        shared = set.intersection(*({name for it in lines for name in it.administrations} for lines in same))
        held.append(
            replace(
                line,
                units=units,
                administrations=tuple(name for name in line.administrations if name in shared),
                rules=sorted_rules(set.intersection(*({rule for it in lines for rule in it.rules} for lines in same))),
                marks=tuple(sorted(set.intersection(*({mark for it in lines for mark in it.marks} for lines in same)))),
            )
        )
    return tuple(held)


def status_of(alternatives: Sequence[Sequence[Sequence[Resolution]]], undetermined: Sequence[str]) -> str:
    """Give the status of what leads to several claims, from the ways to each of them; of one claim there are none.

    `undetermined` has the reasons for which the law itself gives no claim.
    """
    if undetermined:
        return "undetermined"
    if not alternatives:
        return DETERMINED
    # A fact is what is missing as soon as it alone, all readings kept, gives another claim.
    kept = [
        (n, {it.choice: it.value for it in way if it.predicate in {OPEN, FREE}})
        for n, ways in enumerate(alternatives)
        for way in ways
    ]
    by_fact = any(
        n != m and all(two.get(choice, value) == value for choice, value in one.items())
        for (n, one), (m, two) in combinations(kept, 2)
    )
    return "undetermined" if by_fact else "ambiguous"
