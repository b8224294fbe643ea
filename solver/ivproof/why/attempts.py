"""What comes nearest to earning a code: for each rule that could earn it, whom it fails for and what fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from ivproof.claim.statements import Holds, Statement
from ivproof.formats.output import After, Described, Inside
from ivproof.law.syntax import Literal, Rule
from ivproof.law.terms import Function, Term, Variable, parse
from ivproof.why.derivation import Derivation
from ivproof.why.explanation import Line, Teller
from ivproof.why.follow import Follow
from ivproof.why.lacking import fails

NO_DRUG = Function("other")
"""The class of what is no administration: nothing else could be of it, nor it of another one."""

OF_ANOTHER_CLASS = 3
"""So many things are named that would have to be of another class, where nothing comes nearer."""


@dataclass(frozen=True, slots=True)
class Attempt(Described):
    """A rule that could have earned the code: for whom, what it says, and what fails, from the rule down.

    `key` is the constant of the administration or other service that it is about; `left_out` says that the rule itself
    leaves it out, and the obstacles are its reasons. `says` are the statements behind the sentence: that the rule
    fails, or that it leaves out.
    """

    rule: str
    citation: str
    sentence: str
    subject: str
    obstacles: Annotated[tuple[Line, ...], After("progress")]
    only_if_read: bool
    progress: int
    key: Inside[str] = ""
    left_out: Inside[bool] = False
    says: Inside[tuple[Statement, ...]] = ()


def tries(teller: Teller, code: str, administration: str | None, rather: Sequence[str] = ()) -> Iterator[Attempt]:
    """For each rule that could earn the code: the try that gets furthest, one about the first of `rather` first.

    What is of another class than the code is told only where nothing comes nearer, or where it was asked about.
    """

    def order(it: Attempt) -> tuple[bool, int, bool, bool, int]:
        place = rather.index(it.key) if it.key in rather else len(rather)
        of_the_role = it.left_out and it not in in_another_role
        return it.only_if_read, place, not of_the_role, not _is_measured(it), -it.progress

    in_another_role: list[Attempt] = []
    best: dict[str, Attempt] = {}
    others: dict[str, Attempt] = {}
    for role, class_ in _entries(teller.derivation, code):
        for subject in _subjects(teller.derivation, administration):
            own = _classes(teller.derivation, subject)
            if own and class_ not in own:
                kept = list(_kept_from(teller, subject, code))
                for attempt in kept:
                    _keep(best, f"{attempt.rule} {attempt.key}", attempt, order)
                if not kept and NO_DRUG not in (class_, *own):
                    others.setdefault(f"{subject} {class_}", _wrong_class(teller, subject, class_, own))
                continue
            left_out = list(_left_out(teller, subject, role))
            earning = [] if left_out else list(_earning(teller, subject, role))
            if not any(_is_measured(it) for _, it in earning):
                # what earns nothing at all has its reason in whatever role it was left out of
                in_another_role += [] if left_out else _left_out(teller, subject, None)
                left_out = left_out or [it for it in in_another_role if it.key == teller.names.subject(str(subject))]
            for attempt in left_out:
                _keep(best, f"{attempt.rule} {attempt.key}", attempt, order)
            if not left_out:
                for name, attempt in earning:
                    _keep(best, name, attempt, order)
    for subject in _left_out_beside(teller, administration):
        # of another class it could have no such code; what was not given has none
        for attempt in _kept_from(teller, subject, code, by_route=not _classes(teller.derivation, subject)):
            _keep(best, f"{attempt.rule} {attempt.key}", attempt, order)
    found = sorted(best.values(), key=order)
    yield from found
    if not any(it.progress for it in found):
        yield from list(others.values())[:OF_ANOTHER_CLASS]


def _entries(derivation: Derivation, code: str) -> Iterator[tuple[Term, Term]]:
    """The roles and classes for which the law's table has a code."""
    for entry in derivation.of("code"):
        role, class_, text = entry.arguments
        if str(text) == f'"{code}"':
            yield role, class_


def _keep(best: dict[str, Attempt], name: str, attempt: Attempt, order: Callable[[Attempt], Any]) -> None:
    """Keep an attempt where it is the best one of its name."""
    if name not in best or order(attempt) < order(best[name]):
        best[name] = attempt


def _earning(teller: Teller, subject: Term, role: Term) -> Iterator[tuple[str, Attempt]]:
    """For each rule by which a subject could earn a role, or of what is numbered the next unit: what fails."""
    held = [
        it.arguments[2]
        for it in teller.derivation.of("earns")
        if it.arguments[0] == subject and it.arguments[1] == role
    ]
    numbers = [it for it in held if isinstance(it, int)]
    asked = Function("earns", (subject, role, max(numbers) + 1 if numbers else Variable("K")))
    for failure in teller.absence.failures(asked):
        rule = failure.rule
        if not _gives(teller, rule, role):
            continue
        follow = Follow(teller.fresh())
        obstacles = tuple(follow.down(failure))
        if _is_part(subject) and any(it.arguments[:1] == (subject,) for it in follow.unsaid):
            continue  # of a part of something the chart says nothing: the rule is about other things
        near = replace(failure, bindings=teller.lacking.completed(failure))
        read = bool(obstacles) and obstacles[-1].kind == "reading"
        far = failure.under_other_reading and not failure.otherwise_holds
        yield (
            f"{rule.id}#{rule.clause}",
            Attempt(
                rule.id,
                rule.header.citation if rule.header else "",
                teller.lacking.told(rule, asked, near.bindings),
                teller.names.term(subject),
                obstacles,
                read,
                0 if far or (failure.by_reading and not read) else failure.passed + 1,
                teller.names.subject(str(subject)),
                says=(fails(near),),
            ),
        )


def _is_part(subject: Term) -> bool:
    """Whether something is no entry of the chart but what the law makes of one."""
    return isinstance(subject, Function) and bool(subject.arguments)


def _is_measured(attempt: Attempt) -> bool:
    """Whether a length against its threshold stands against it."""
    return any(line.kind == "measure" for line in attempt.obstacles)


def _left_out(teller: Teller, subject: Term, role: Term | None) -> Iterator[Attempt]:
    """What the law itself says of something that it leaves out: of a role, or of everything.

    Without a role it is what is said in any, of what earns nothing.
    """
    derivation, key = teller.derivation, teller.names.subject(str(subject))
    own = {str(subject), key}
    atoms = [*derivation.of("left_out")]
    if role is not None:
        atoms = [*(it for it in derivation.of("excluded") if it.arguments[1] == role), *atoms]
    elif not any(str(it.arguments[2]) in own for it in derivation.of("unit")):
        atoms = [*derivation.of("excluded"), *atoms]
    return (_reason(teller, subject, it) for it in atoms if str(it.arguments[0]) in own)


def _left_out_beside(teller: Teller, administration: str | None) -> list[Term]:
    """What is left out and could earn nothing itself: it was not given, or is part of what earns."""
    looked_at = {str(it) for it in _subjects(teller.derivation, administration)}
    found = dict.fromkeys(it.arguments[0] for it in teller.derivation.of("excluded"))
    asked_for = (it for it in found if administration in (None, teller.names.subject(str(it))))
    return [it for it in asked_for if str(it) not in looked_at]


def _kept_from(teller: Teller, subject: Term, code: str, *, by_route: bool = True) -> Iterator[Attempt]:
    """Why the law keeps something from a code, or from all that could be given that way."""
    derivation, own = teller.derivation, {str(subject), teller.names.subject(str(subject))}
    names = ("kept_from", "instead_of", "kept_from_by_route")
    reasons = {
        str(why)
        for name in names[: 3 if by_route else 2]
        for who, why, kept in (it.arguments for it in derivation.of(name))
        if str(who) in own and str(kept) == f'"{code}"'
    }
    for atom in derivation.of("excluded"):
        if str(atom.arguments[0]) in own and str(atom.arguments[2]) in reasons:
            yield _reason(teller, subject, atom)


def _reason(teller: Teller, subject: Term, atom: Function) -> Attempt:
    """That something is left out, with the reasons for it."""
    line = teller.fresh().step(str(atom))
    lines = line.step.lines if line.step is not None else ()
    citation = line.step.citation if line.step is not None else ""
    who, key = teller.names.term(subject), teller.names.subject(str(subject))
    return Attempt(line.rule, citation, line.text.rstrip("."), who, lines, False, 1, key, left_out=True, says=line.says)


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


def _classes(derivation: Derivation, subject: Term) -> list[Term]:
    """The classes by which something is coded; of a stretch of hydration, that of its fluid."""
    own = [it for it in derivation.of("code_class") if it.arguments[0] == subject]
    fluids = [it.arguments[1] for it in derivation.of("piece_of") if it.arguments[0] == subject]
    found = own or [it for it in derivation.of("class") if it.arguments[0] in fluids]
    found = found or [it for it in derivation.of("class_of") if it.arguments[0] == subject]
    return list(dict.fromkeys(it.arguments[1] for it in found))


def _wrong_class(teller: Teller, subject: Term, class_: Term, own: list[Term]) -> Attempt:
    who, key = teller.names.term(subject), teller.names.subject(str(subject))
    found = ", ".join(map(teller.names.term, own))
    fresh = teller.fresh()
    lines = (fresh.step(str(it)) for it in teller.derivation.of("class_of") if str(it.arguments[0]) == key)
    sentence = f"{who} would have to be coded as {teller.names.term(class_)}"
    classes = ("code_class", "class_of")
    behind = (
        it for name in classes for it in teller.derivation.of(name) if str(it.arguments[0]) in {str(subject), key}
    )
    pieces = (it for it in teller.derivation.of("piece_of") if it.arguments[0] == subject)
    says = tuple(Holds(str(it)) for it in (*(it for it in behind if it.arguments[1] in own), *pieces))
    obstacles = (Line("against", f"{who} is coded as {found}", says=says), *lines)
    return Attempt("class", "", sentence, who, obstacles, False, 1, key)
