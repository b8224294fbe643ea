"""Why one code and not another: for each service that has the one, where the way to the other ends.

Both ways are of one claim of the chart: what the law concludes for the code that is there, the rule that comes nearest
to giving the other for the same service, and what fails there. Where the law leaves the service out of the other code,
that is the end of the way.

>>> from ivproof.chart.reading import Source, parse
>>> from ivproof.law.policy import Policy
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "iv",
...                          "start": "09:00", "stop": "09:40"}]}, Source("visit.json"))
>>> [found] = rather(Explainer(Policy.load("out001")), chart.encounter, "96365", "96374").partings
>>> found.subject, found.fails[-1].text
('x', 'x is not charted as a push')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ivproof.chart.encounter import Encounter
from ivproof.engine.choices import Atoms
from ivproof.formats.output import After, Called, Described
from ivproof.law.terms import Function
from ivproof.why.attempts import Attempt, tries
from ivproof.why.derivation import Derivation
from ivproof.why.explanation import Line, Teller
from ivproof.why.why import Explainer, NoSuchCodeError
from ivproof.why.whynot import key_of, units_of


@dataclass(frozen=True, slots=True)
class Parting(Described):
    """A service with a code: why it has it, the rule that comes nearest to another, and where that fails.

    `also` are the units of the other code that it has as well; `attempt` is None where no rule could give it that code.
    """

    subject: Annotated[str, Called("for")]
    because: Line
    attempt: Annotated[Attempt | None, Called("nearest")]
    also: int

    @property
    def left_out(self) -> Annotated[bool, After("attempt")]:
        """Whether the rule that comes nearest leaves the service out."""
        return self.attempt is not None and self.attempt.left_out

    @property
    def fails(self) -> Annotated[tuple[Line, ...], After("left_out")]:
        """What fails: a condition of the rule, and what it comes down to; nothing where the law leaves it out."""
        if self.attempt is None or self.attempt.left_out or not self.attempt.obstacles:
            return ()
        first, *further = self.attempt.obstacles
        if first.kind != "needed" or not further:  # of a class, the first says all
            return (first,)
        return first, next((it for it in further if it.kind != "needed"), further[-1])


@dataclass(frozen=True, slots=True)
class Rather(Described):
    """Why a code and not another; `leads` says what leads to the claim that is told of, where there are several."""

    encounter: str
    code: str
    other: Annotated[str, Called("rather_than")]
    leads: tuple[str, ...]
    partings: tuple[Parting, ...]


def rather(
    explainer: Explainer, encounter: Encounter, code: str, other: str, administration: str | None = None
) -> Rather:
    """Tell why services have a code and not another, in the first claim of the chart that has the code.

    With `administration` (an id of the chart) it is told of that one only. Raises NoSuchCodeError, also where the claim
    does not have the code, and NoSuchAdministrationError.
    """
    code, other = explainer.check(code), explainer.check(other)
    if code == other:
        raise NoSuchCodeError(f"found code {code} twice, expected another one")
    key = None if administration is None else key_of(encounter, administration)
    case = explainer.case(encounter)
    for alternative in case.alternatives:
        derivation = case.derivation(alternative)
        of_code = [it for it in derivation.of("unit") if str(it.arguments[0]) == f'"{code}"']
        units = [it for it in of_code if _is_for(derivation, it, key)]
        if units:
            atoms = case.answer.atoms if alternative is None else alternative.atoms
            teller = case.teller(derivation)
            firsts = {str(it.arguments[2]): it for it in reversed(units)}  # of several units of a service the first
            services = dict.fromkeys(str(it.arguments[2]) for it in units)
            found = tuple(_parting(teller, firsts[it], other, atoms) for it in services)
            return Rather(encounter.id, code, other, case.leads(alternative, derivation), found)
    about = f" for {administration}" if administration else ""
    raise NoSuchCodeError(f"found no {code} on the claim{about}, expected a code that is there: ask `whynot` of others")


def _is_for(derivation: Derivation, unit: Function, key: str | None) -> bool:
    """Whether a unit is for an administration, itself or with others."""
    service = str(unit.arguments[2])
    members = {str(it.arguments[1]) for it in derivation.of("reported_with") if str(it.arguments[0]) == service}
    return key is None or key in (members or {service})


def _parting(teller: Teller, unit: Function, other: str, atoms: Atoms) -> Parting:
    service = unit.arguments[2]
    key = teller.names.subject(str(service))
    because = next(it for it in teller.fresh().unit(str(unit)) if it.step is not None)
    found = list(tries(teller, other, key))
    nearest = next((it for it in found if not it.only_if_read and it.progress), next(iter(found), None))
    return Parting(teller.names.term(service), because, nearest, units_of(atoms, other, key))
