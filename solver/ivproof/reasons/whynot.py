"""Why a code is not on the claim: for each rule that could earn it the first condition that fails; the least change.

The law is read backwards from a unit of the code. Each try is the one that gets furthest, and is followed down to what
fails in the end: something that the chart does not say, a length below its threshold, a rule that stands against it, or
a reading that is not held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ivproof.choices import Atoms
from ivproof.derivation import Derivation
from ivproof.determination import Exclusion
from ivproof.encounter import Encounter, compare_key
from ivproof.engine import Answer
from ivproof.explanation import Line, Teller
from ivproof.law.syntax import Aggregate, Choice, Comparison, Literal, Rule
from ivproof.law.terms import Function, Term, Variable, parse, variables
from ivproof.reasons.absence import READING, Failure
from ivproof.reasons.least import Search, least_change
from ivproof.reasons.why import Case, Explainer

DEPTH = 12
"""How many rules deep a failure is followed."""


class NoSuchAdministrationError(ValueError):
    """An administration that the chart does not have."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A rule that could have earned the code: for whom, what it says, and what fails, from the rule down.

    `key` is the constant of the administration or other service that it is about.
    """

    rule: str
    citation: str
    sentence: str
    subject: str
    obstacles: tuple[Line, ...]
    only_if_read: bool
    progress: int
    key: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The attempt as plain data."""
        plain = {
            name: getattr(self, name)
            for name in ("rule", "citation", "sentence", "subject", "only_if_read", "progress")
        }
        return {**plain, "obstacles": [line.as_dict() for line in self.obstacles]}


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a code is not on a claim (or not for one administration); `units` are those that it has."""

    encounter: str
    code: str
    administration: str | None
    units: int
    attempts: tuple[Attempt, ...]
    excluded: tuple[Exclusion, ...]
    search: Search
    leads: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The explanation as plain data."""
        return {
            "encounter": self.encounter,
            "code": self.code,
            "for": self.administration,
            "units": self.units,
            "attempts": [it.as_dict() for it in self.attempts],
            "excluded": [it.as_dict() for it in self.excluded],
            "least_change": self.search.as_dict(),
            "leads": list(self.leads),
        }


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
    attempts = tuple(tries(teller, code, key))

    def holds(answer: Answer) -> bool:
        versions = [it.atoms for it in answer.alternatives] or [answer.atoms]
        return not any(it.get("undetermined") for it in versions) and all(
            units_of(it, code, key) > units for it in versions
        )

    focus = () if administration is None else (encounter.administrations[int(str(key)[1:]) - 1].id,)
    search = least_change(explainer.coder, encounter, holds, focus)
    return WhyNot(
        encounter.id,
        code,
        focus[0] if focus else None,
        units,
        attempts,
        tuple(_excluded(case, code, focus)),
        search,
        case.leads(alternative),
    )


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


def _excluded(case: Case, code: str, focus: Iterable[str]) -> Iterator[Exclusion]:
    """What the determination itself says of the code, or of the administration."""
    wanted = set(focus)
    for exclusion in case.determination.excluded:
        if exclusion.subject in wanted or (not wanted and exclusion.code == code):
            yield exclusion


# --- the tries


def tries(teller: Teller, code: str, administration: str | None) -> Iterator[Attempt]:
    """For each rule that could earn the code: the try that gets furthest."""
    derivation = teller.derivation
    best: dict[str, Attempt] = {}
    for entry in derivation.of("code"):
        role, class_, text = entry.arguments
        if str(text) != f'"{code}"':
            continue
        for subject in _subjects(derivation, administration):
            own = _classes(derivation, subject)
            fits = not own or any(it.arguments[1] == class_ for it in own)
            if not fits:
                if f"class {class_}" not in best:
                    best[f"class {class_}"] = _wrong_class(teller, subject, class_, own)
                continue
            asked = Function("earns", (subject, role, Variable("K")))
            for failure in teller.absence.failures(asked):
                rule = failure.rule
                name = f"{rule.id}#{rule.clause}"
                if not _gives(teller, rule, role) or (name in best and failure.passed <= best[name].progress):
                    continue
                obstacles = tuple(Follow(teller).down(failure))
                attempt = Attempt(
                    rule.id,
                    rule.header.citation if rule.header else "",
                    teller.lacking.unfounded(rule, asked, failure.bindings),
                    teller.names.term(subject),
                    obstacles,
                    obstacles[-1:] != () and obstacles[-1].kind == "reading",
                    0 if failure.under_other_reading and not failure.otherwise_holds else failure.passed + 1,
                    teller.names.subject(str(subject)),
                )
                best[name] = attempt
    yield from sorted(best.values(), key=lambda it: (it.only_if_read, -it.progress))


def _gives(teller: Teller, rule: Rule, role: Term) -> bool:
    """Whether a rule can conclude a role: one that takes it from another predicate may not know it."""
    asked = rule.atom.arguments[1]
    if not isinstance(asked, Variable):
        return True
    for part in rule.body:
        if isinstance(part, Literal) and not part.negated and asked in part.atom.arguments:
            n = part.atom.arguments.index(asked)
            heads = [it.atom.arguments[n] for it in teller.absence.rules(part.atom.signature)]
            if not any(isinstance(it, Variable) or it == role for it in heads):
                return False
    return True


def _subjects(derivation: Derivation, administration: str | None) -> list[Term]:
    """Who could earn a code: services, stretches of hydration, administrations, other services."""
    pieces = {str(it.arguments[1]): it.arguments[0] for it in reversed(derivation.of("piece_of"))}
    services = [it.arguments[0] for it in derivation.of("service") if str(it.arguments[0]) not in pieces]
    chains = [it.arguments[0] for it in derivation.of("chain") if it.arguments[0] == it.arguments[1]]
    members = {(str(it.arguments[0]), str(it.arguments[1])) for it in derivation.of("includes")}
    for bout in derivation.of("piece_of"):
        inside = {member for service, member in members if service == str(bout.arguments[1])}
        members |= {(str(bout.arguments[0]), member) for member in inside}
    covered = {member for _, member in members}
    alone = [it.arguments[0] for it in derivation.of("administration") if str(it.arguments[0]) not in covered]
    others = [it.arguments[0] for it in derivation.of("other_service")]
    found = [*services, *chains, *alone, *others]
    if administration is None:
        return found
    own = [it for it in found if (str(it), administration) in members or str(it) == administration]
    return own or [parse(administration)]


def _classes(derivation: Derivation, subject: Term) -> list[Function]:
    """The atoms that give the class by which something is coded; of a stretch of hydration, that of its fluid."""
    own = [it for it in derivation.of("code_class") if it.arguments[0] == subject]
    fluids = [it.arguments[1] for it in derivation.of("piece_of") if it.arguments[0] == subject]
    return own or [it for it in derivation.of("class") if it.arguments[0] in fluids]


def _wrong_class(teller: Teller, subject: Term, class_: Term, own: list[Function]) -> Attempt:
    who = teller.names.term(subject)
    found = ", ".join(str(it.arguments[1]) for it in own)
    lines = tuple(line for it in own for line in teller.unit(str(it)))
    sentence = f"{who} would have to be coded as {class_}"
    obstacles = (Line("against", f"{who} is coded as {found}"), *lines)
    return Attempt("class", "", sentence, who, obstacles, False, 1, teller.names.subject(str(subject)))


class Follow:
    """Follows a failure from the rule that could conclude something down to what fails in the end."""

    def __init__(self, teller: Teller) -> None:
        self.teller = teller
        self._seen: set[str] = set()

    def down(self, failure: Failure, depth: int = 0) -> Iterator[Line]:
        """The failing condition, and what is behind it."""
        teller, failed = self.teller, failure.failed
        if failed is None:
            yield Line("against", "the choice fell on another")
        elif isinstance(failed, Comparison):
            yield self._comparison(failure)
        elif isinstance(failed, Literal) and failed.atom.signature == READING:
            yield self._reading(failed)
        elif isinstance(failed, Literal) and failed.negated:
            yield self._against(failed.atom)
        elif isinstance(failed, Literal):
            rules = teller.absence.rules(failed.atom.signature)
            if not rules:
                yield Line("lacking", teller.lacking.uncharted(failed.atom))
            elif str(failed.atom) not in self._seen and depth < DEPTH:
                self._seen.add(str(failed.atom))
                yield from self._deeper(failed.atom, depth)

    def _deeper(self, atom: Function, depth: int) -> Iterator[Line]:
        teller = self.teller
        failures = teller.absence.failures(atom)
        if not failures:
            rule = teller.absence.rules(atom.signature)[0]
            yield Line("lacking", teller.lacking.unfounded(rule, atom), rule=rule.id)
            return
        nearest = max(failures, key=lambda it: (not self._by_choice(it), it.nearness))
        if isinstance(nearest.source, Aggregate):
            other = Function(atom.name, (*atom.arguments[:-1], Variable("_")))
            if any(True for _ in teller.absence.matches(other, {})):
                yield self._against(other)
                return
        if teller.detail or not teller.folds(nearest.rule):
            text = teller.lacking.unfounded(nearest.rule, atom, nearest.bindings)
            yield Line("needed", text, rule=nearest.rule.id)
        yield from self.down(nearest, depth + 1)
        for failure in failures:
            if failure is not nearest and failure.otherwise_holds and isinstance(failure.failed, Literal):
                yield self._reading(failure.failed)

    def _by_choice(self, failure: Failure) -> bool:
        """Whether a rule fails because a choice did not fall on something: what comes before the choice says more."""
        if not isinstance(failure.failed, Literal) or failure.failed.negated:
            return False
        rules = self.teller.absence.rules(failure.failed.atom.signature)
        return bool(rules) and all(isinstance(rule.head, Choice) for rule in rules)

    def _comparison(self, failure: Failure) -> Line:
        text = self.teller.lacking.shortfall(failure)
        if not text and isinstance(failure.failed, Comparison):
            text = f"it would take {failure.failed.left} {failure.failed.operator} {failure.failed.right}"
        return Line("measure", text, rule=failure.rule.id)

    def _against(self, atom: Function) -> Line:
        """What holds and should not, with its reasons."""
        teller = self.teller
        if any(variables(atom)):
            holding = next((str(it) for it, _ in teller.absence.matches(atom, {})), str(atom))
        else:
            holding = str(atom)
        line = teller.step(holding)
        return Line("against", line.text, line.places, line.step, line.number, line.rule)

    def _reading(self, literal: Literal) -> Line:
        key, option = map(str, literal.atom.arguments)
        question = self.teller.policy.questions[key]
        held = question.option(self.teller.derivation.held[key].option)
        other = question.option(option)
        text = (
            f"only if {question.number} ({question.name}) were read as {other.name} ({other.says}); held is {held.name}"
        )
        return Line("reading", text)
