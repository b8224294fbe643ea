"""What stands in the place of something that does not hold: which other service is initial, which drugs came before.

That a service is not the initial one, or gives a drug for the first time, is the first thing that is disputed, and no
rule concludes it: it is that nothing else holds. What is told is what was there instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ivproof.law.terms import Function, Term
from ivproof.why.derivation import Derivation
from ivproof.why.naming import Names

INITIAL = "initial_service"

BEFORE = {"again": "infusion", "pushed_before": "push", "drug_infused": "infusion"}
"""Predicates that say that a drug was given before (or at all, as an infusion), and what of it they look at."""

ANY_TIME = frozenset({"drug_infused"})
"""Those of them that ask for no order."""


class Instead(NamedTuple):
    """What is said, and the atoms behind it, the first of which may be told as a step."""

    said: str
    atoms: tuple[str, ...]


def instead(derivation: Derivation, names: Names, atom: Function) -> Iterator[Instead]:
    """What holds in the place of an atom that does not; nothing for predicates that are not known here."""
    if len(atom.arguments) != 1:
        return
    subject = atom.arguments[0]
    if atom.name == INITIAL:
        yield from _initial(derivation, names, subject)
    elif atom.name in BEFORE:
        yield from _before(derivation, names, atom.name, subject)


def _initial(derivation: Derivation, names: Names, subject: Term) -> Iterator[Instead]:
    """The service that is initial where this one could have been."""
    scopes = [it.arguments[1] for it in derivation.of("in_scope") if it.arguments[0] == subject]
    for it in derivation.of("initial"):
        other, scope = it.arguments
        if scope in scopes and other != subject:
            said = f"{names.term(subject)} is not the initial service; {names.term(other)} is"
            yield Instead(said, (str(it), f"in_scope({subject},{scope})"))


def _before(derivation: Derivation, names: Names, predicate: str, subject: Term) -> Iterator[Instead]:
    """What was given before at the same place: none of it gives what this gives."""
    given = {str(it.arguments[1]): it for it in derivation.of("gives") if it.arguments[0] == subject}
    scopes = {str(it.arguments[1]): it for it in derivation.of("in_scope") if it.arguments[0] == subject}
    kind = BEFORE[predicate]
    of_kind = {str(it.arguments[0]) for it in derivation.of(kind)}
    initial = {str(it.arguments[0]) for it in derivation.of("initial_service")}
    place = {str(it.arguments[0]): it for it in derivation.of("position")}
    own = place.get(str(subject))
    if not given or own is None:
        return
    others: dict[str, list[str]] = {}
    behind: list[str] = [str(it) for it in given.values()]
    for it in derivation.of("in_scope"):
        other = str(it.arguments[0])
        if other == str(subject) or str(it.arguments[1]) not in scopes or other not in of_kind or other not in place:
            continue
        earlier = _number(place[other]) < _number(own)
        if not earlier and predicate not in ANY_TIME and not (predicate == "again" and other in initial):
            continue
        drugs = [drug for drug in derivation.of("gives") if str(drug.arguments[0]) == other]
        if any(str(drug.arguments[1]) in given for drug in drugs):
            return  # something else than the drug makes the difference, which the law's own rules tell
        others[names.term(it.arguments[0])] = [names.term(drug.arguments[1]) for drug in drugs]
        behind += map(str, drugs)
    what = " and ".join(dict.fromkeys(names.term(it.arguments[1]) for it in given.values()))
    when = "infused" if predicate in ANY_TIME else f"{_DONE[kind]} before"
    if others:
        listed = ", ".join(_with_drug(other, drugs) for other, drugs in others.items())
        yield Instead(f"{what} was not {when}; what was {_DONE[kind]}{_SPAN[predicate]}: {listed}", tuple(behind))
    else:
        yield Instead(f"{what} was not {when}", tuple(behind))


def _with_drug(other: str, drugs: list[str]) -> str:
    """An administration with what it gives, unless it is called by that."""
    new = [it for it in drugs if it.casefold() != other.casefold()]
    return f"{other} ({', '.join(new)})" if new else other


def _number(position: Function) -> int:
    found = position.arguments[1]
    return found if isinstance(found, int) else 0


_DONE = {"infusion": "infused", "push": "pushed"}
_SPAN = {"again": "", "pushed_before": " before it", "drug_infused": ""}
