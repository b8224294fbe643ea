"""From an answer to a determination: atoms put into lines, what was left out with its reason; nothing is decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ivproof.chart.facts import WHOLE, Facts, day_of
from ivproof.claim.chart_names import ChartNames
from ivproof.claim.determination import (
    DETERMINED,
    ClaimLine,
    Determination,
    DrugLine,
    Exclusion,
    Mark,
    MissingFact,
    Reading,
    Rival,
    Taken,
    sorted_rules,
    status_of,
)
from ivproof.claim.statements import Holds
from ivproof.engine.choices import FREE, OPEN, Atoms, Resolution
from ivproof.engine.claims import Units, in_words, or_else, units_of
from ivproof.engine.engine import Alternative, Answer
from ivproof.engine.nearby import Departure, Reached
from ivproof.law.policy import Policy, Wording
from ivproof.law.terms import Function, Term, parse, text_of
from ivproof.unknowns.gaps import Hanging

Otherwise = Mapping[Departure, Reached]
"""What other options of settled questions lead to, where that is not what the chart leads to as held."""

NONE: Otherwise = {}

NOTHING_BESIDE: Mapping[str, Otherwise] = {}

NOT_EXPLORED = "The chart leads to so much that it was not gone through what other options of questions would give."

NAMED = 3
"""So many of several claims are named where another reading leads to them."""

VISIT = "visit-on-claim"
"""The law's rule that puts a visit on a claim: the code of a visit stands in the chart, in no table of the law."""

INITIAL = "initial"
"""The role of an initial service, whatever its technique."""

_ROLES = dict.fromkeys(("initial_infusion", "initial_push", "initial_hydration"), INITIAL)


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
        undetermined = [text_of(it[0]) for it in answer.atoms.get("undetermined", ())]
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
            name = text_of(why).replace("_", "-")
            mark = Mark(
                text_of(modifier),
                self._sentence(name, names.subject(service)),
                sorted_rules(self._wording(name).references),
            )
            marked.setdefault((service, text_of(code)), set()).add(mark)
        accesses = {atom[0]: atom[1] for atom in atoms.get("reported_at", ())}
        included: dict[Term, set[str]] = {}
        for service, administration in atoms.get("reported_with", ()):
            included.setdefault(service, set()).add(str(administration))
        picked = {service: text_of(by) for service, by in atoms.get("picked_by", ())}
        groups: dict[tuple[Any, ...], _Group] = {}
        for code, role, service, _, day in atoms.get("unit", ()):
            mine = marked.get((service, text_of(code)), set())
            marks = tuple(sorted({it.modifier for it in mine}))
            key = (text_of(code), marks, str(role), accesses.get(service), day)
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
        return Rival(readings, given, initial, tuple(others), lines, excluded, alternative.resolutions)

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
        return ChartNames(facts).fact(subject, text_of(what))

    # --- what is not on the claim

    def _exclusions(self, names: ChartNames, atoms: Atoms, predicate: str) -> tuple[Exclusion, ...]:
        instead = {(service, why): text_of(code) for service, why, code in atoms.get("instead_of", ())}
        kept, by_route = (_codes_kept(atoms.get(name, ())) for name in ("kept_from", "kept_from_by_route"))
        with_drug = {(subject, why) for subject, why in atoms.get("drug_left_out", ())}
        found = {}
        for atom in atoms.get(predicate, ()):
            subject, why = atom[0], atom[-1]
            name = text_of(why).replace("_", "-")
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
            code, name = text_of(atom[0]), text_of(atom[1]).replace("_", "-")
            rules = sorted_rules(self._wording(name).references)
            says = (Holds(str(Function("bundled", tuple(atom)))),)
            yield Exclusion(code, code, self._sentence(name, code), rules, name, says=says)

    def _unreached(self, names: ChartNames, atoms: Atoms) -> Iterator[Exclusion]:
        """Codes that something given would have had, had it run longer as far as is documented."""
        for atom in sorted(atoms.get("not_reached", ()), key=lambda it: (names.rank(it[0]), str(it))):
            subject, code, name = names.subject(atom[0]), text_of(atom[1]), text_of(atom[2]).replace("_", "-")
            rules = sorted_rules(self._wording(name).references)
            says = (Holds(str(Function("not_reached", tuple(atom)))),)
            yield Exclusion(subject, None, self._sentence(name, subject), rules, name, by_route=(code,), says=says)

    def _missing(
        self, names: ChartNames, answer: Answer, hanging: Mapping[tuple[str, str], Hanging]
    ) -> tuple[MissingFact, ...]:
        found = []
        for subject, what, why in answer.atoms.get("missing", ()):
            name = text_of(why).replace("_", "-")
            fact = names.fact(subject, text_of(what))
            message = self._sentence(name, names.subject(subject))
            changes, searched = hanging.get((str(subject), text_of(what)), Hanging(None))
            rules = sorted_rules(self._wording(name).references)
            charted = names.charted(subject, text_of(what))
            who, says = names.subject(subject), (Holds(str(Function("missing", (subject, what, why)))),)
            one = MissingFact(fact, changes, message, rules, who, text_of(what), searched, charted, says)
            found.append((names.rank(subject), one))
        return tuple(it for _, it in sorted(found, key=lambda pair: (pair[0], pair[1].fact)))

    def _slips(self, names: ChartNames, atoms: Atoms) -> Iterator[str]:
        """What is charted and may be a slip of the pen, each in a sentence with the times that it is about."""
        ranked = sorted(atoms.get("slip", ()), key=lambda it: (names.rank(it[0]), str(it[2])))
        for subject, what, why in ranked:
            sentence = self._sentence(text_of(why).replace("_", "-"), names.subject(subject))
            yield f"{names.fact(subject, text_of(what))}: {sentence} {names.span(subject)}See what the record has."

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


def _codes_kept(atoms: Iterable[tuple[Term, ...]]) -> dict[tuple[Term, Term], tuple[str, ...]]:
    """Codes, in their order, by what is left out and why."""
    found: dict[tuple[Term, Term], set[str]] = {}
    for subject, why, code in atoms:
        found.setdefault((subject, why), set()).add(text_of(code))
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
        marks.setdefault(administration, []).append(text_of(modifier))
    days = {administration: int(str(day)) for administration, day in atoms.get("line_day", ())}
    discarded = [(it[:3], (text_of(it[3]),), 1) for it in atoms.get("discarded_line", ())]
    given = [(it, tuple(sorted(marks.get(it[0], ()))), 0) for it in atoms.get("drug_line", ())]
    grouped: dict[tuple[int, str, tuple[str, ...], int], dict[str, int]] = {}
    for (administration, code, tenths), modifiers, after in given + discarded:
        key = (days.get(administration, 0), text_of(code), modifiers, after)
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
        (int(str(group)), int(str(place)), text_of(code)) for code, group, place in atoms.get("diagnosis_rank", ())
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
