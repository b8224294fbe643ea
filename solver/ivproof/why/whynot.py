"""Why a code is not on the claim: for each rule that could earn it the first condition that fails; the least change.

The law is read backwards from a unit of the code. Each try is the one that gets furthest, and is followed down to what
fails in the end: something that the chart does not say, a length below its threshold, a rule that stands against it, or
a reading that is not held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated

from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.fields import compare_key
from ivproof.claim.determination import Exclusion, MissingFact
from ivproof.claim.statements import Gains, put_between
from ivproof.engine.choices import Atoms
from ivproof.engine.engine import Answer
from ivproof.formats.output import Called, Described, Inside
from ivproof.unknowns.changes import telling
from ivproof.unknowns.gaps import gaps, reported
from ivproof.whatif.least import Goal, LeastChange, least_change, reached
from ivproof.why.attempts import Attempt, tries
from ivproof.why.explanation import Assumed, Teller
from ivproof.why.why import ExplainedChart, Explainer, units_by_code


class NoSuchAdministrationError(ValueError):
    """An administration that the chart does not have."""


@dataclass(frozen=True, slots=True)
class WhyNot(Described):
    """Why a code is not on a claim (or not for one administration); `units` are those that it has.

    `readings` are those with an option that by itself gives more units of the code (of all administrations), `missing`
    the facts that the chart does not give and of which a value does, with the rule that asks for them. `says` is what
    stands behind the change and these facts: that the chart so changed has the code. `undetermined` says why the policy
    itself gives no claim, where it gives none; where nothing at all is coded, no rule is tried.
    """

    encounter: str
    code: str
    administration: Annotated[str | None, Called("for")]
    units: int
    attempts: tuple[Attempt, ...]
    excluded: tuple[Exclusion, ...]
    search: Annotated[LeastChange, Called("least_change")]
    leads: tuple[str, ...] = ()
    readings: tuple[Assumed, ...] = ()
    missing: tuple[MissingFact, ...] = ()
    says: Inside[tuple[Gains, ...]] = field(default=(), compare=False)
    undetermined: tuple[str, ...] = ()


def why_not(
    explainer: Explainer, encounter: Encounter, code: str, administration: str | None = None, *, detail: bool = False
) -> WhyNot:
    """Explain why a code is not on the claim, and the least change of the chart that would put it there.

    With `administration` (an id of the chart) it is asked for that one only. A code that is on the claim already is
    asked for one unit more. Raises NoSuchCodeError and NoSuchAdministrationError.
    """
    code = explainer.check(code)
    key = None if administration is None else key_of(encounter, administration)
    case = explainer.case(encounter)
    alternative = min(case.alternatives, key=lambda it: units_of(it.atoms if it else case.answer.atoms, code, key))
    derivation = case.derivation(alternative)
    teller = case.teller(derivation, detail=detail)
    atoms = case.answer.atoms if alternative is None else alternative.atoms
    units = units_of(atoms, code, key)

    def holds(answer: Answer) -> bool:
        versions = [it.atoms for it in answer.alternatives] or [answer.atoms]
        return not any(it.get("undetermined") for it in versions) and all(
            units_of(it, code, key) > units for it in versions
        )

    ids = [it.id for it in encounter.administrations]
    focus = () if administration is None else (ids[int(str(key)[1:]) - 1],)
    search = least_change(explainer.coder, encounter, holds, focus)
    excluded = tuple(_excluded(case, code, focus))
    # what was left out with this code, and what would have to change, is what is asked about
    about = [it.subject for it in excluded if it.code == code]
    about += [
        id_ for id_ in ids if search.change is not None and any(f"[{id_}]" in it.place for it in search.change.edits)
    ]
    rather = [key_of(encounter, it) for it in about if it in ids]
    missing = tuple(_missing(case, holds))
    filled = [chart for _, chart in missing] + ([search.change.encounter] if search.change is not None else [])
    undetermined = case.outline.why_undetermined
    judged = not undetermined or bool(atoms.get("unit"))
    return WhyNot(
        encounter.id,
        code,
        focus[0] if focus else None,
        units,
        tuple(tries(teller, code, key, rather)) if judged else (),
        excluded,
        search,
        case.leads(alternative, derivation),
        _readings(case, teller, code),
        tuple(fact for fact, _ in missing),
        tuple(Gains(put_between(dumps(encounter), dumps(it)), code, 1 if focus else units + 1) for it in filled),
        undetermined,
    )


def _readings(case: ExplainedChart, teller: Teller, code: str) -> tuple[Assumed, ...]:
    """The readings of which another option gives more units of a code, with these options only."""
    held = units_by_code(case.outline.claim).get(code, 0)
    found = []
    for it in case.assumed(teller, code):
        more = {letter: codes for letter, codes in it.otherwise.items() if codes.get(code, 0) > held}
        if more:
            found.append(replace(it, otherwise=more))
    return tuple(found)


def _missing(case: ExplainedChart, holds: Goal) -> Iterator[tuple[MissingFact, Encounter]]:
    """The facts that the chart does not give, of which some value that is tried gives what is asked for, with a chart.

    Where the chart leaves several claims open, the value has to give it in each that is then left.
    """
    policy, facts = case.coder.policy, case.facts
    gaps_by_place = {it.place: it for it in gaps(policy, facts, reported(case.answer))}
    for it in case.outline.missing:
        gap = gaps_by_place.get(it.fact)
        if gap is None:
            continue
        charts = [*telling(case.coder.minutes, facts, *gap.key)]
        for at in reached(case.coder, charts, holds)[:1]:
            yield replace(it, would_change=True), charts[at]


def key_of(encounter: Encounter, administration: str) -> str:
    """The constant of an administration by its id in the chart. Raises NoSuchAdministrationError."""
    wanted = compare_key(administration)
    for n, it in enumerate(encounter.administrations, 1):
        if compare_key(it.id) == wanted:
            return f"a{n}"
    known = ", ".join(it.id for it in encounter.administrations)
    raise NoSuchAdministrationError(f"found administration {administration!r}, expected one of: {known}")


def units_of(atoms: Atoms, code: str, administration: str | None) -> int:
    """How many units of a code a claim has; for one administration only where one is named."""
    wanted = f'"{code}"'
    services = {str(it[2]) for it in atoms.get("unit", ()) if str(it[0]) == wanted}
    if administration is not None:
        members = {(str(service), str(it)) for service, it in atoms.get("reported_with", ())}
        with_members = {service for service, _ in members}
        services = {
            it
            for it in services
            if (it, administration) in members or (it == administration and it not in with_members)
        }
    return sum(str(it[0]) == wanted and str(it[2]) in services for it in atoms.get("unit", ()))


def _excluded(case: ExplainedChart, code: str, focus: Iterable[str]) -> Iterator[Exclusion]:
    """What the determination itself says of the code, or of the administration."""
    wanted = set(focus)
    for exclusion in case.outline.excluded:
        if exclusion.subject in wanted or (not wanted and exclusion.code == code):
            yield exclusion
