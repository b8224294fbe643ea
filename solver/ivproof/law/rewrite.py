"""Rewrites programs: settle questions, serve many charts at once, let two policies stand over one chart.

Each rewriting is a pure function from program to program, done once per policy. The fourth one, which
records the applied rules, stands in law/trace.py.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from ivproof.law.language import LawError
from ivproof.law.syntax import (
    Aggregate,
    Choice,
    Comparison,
    Condition,
    Element,
    Literal,
    Program,
    Rule,
    all_variables,
    choice_key,
    fresh,
    rule_conditions,
)
from ivproof.law.terms import Function, Signature, Term, Variable, parse, variables
from ivproof.law.tokens import TokenProblem

SETTLED: Signature = ("settled", 2)
"""What says that a choice, by its predicate and what it is about, is not made but given."""

OFFERED: Signature = ("offered", 3)
"""What a choice that is not given may take: its predicate, what it is about, and an alternative."""


def specialise(program: Program, fixed: Mapping[str, str], predicate: str = "reading") -> Program:
    """``program`` with the questions in ``fixed`` (question to option) settled; others stay as they are.

    A literal ``reading(q, o)`` or ``not reading(q, o)`` of a settled question is taken out where it is true
    (``Rule.settled`` remembers it); where it is false, its rule or its element of an aggregate goes. Rules
    that would set a settled question go too. The result has the answer sets that ``program`` has when
    nothing but the facts ``reading(q, o)`` sets these questions, without these facts.

    Raises ``LawError`` for a condition in which question or option is not ground, and for a choice whose
    alternatives the settings take away.
    """
    signature = (predicate, 2)
    _check_settings(program, signature)

    def truth(part: Literal | Comparison | Aggregate) -> bool | None:
        """Whether the settings make a part of a condition true or false; None where they say nothing."""
        if not isinstance(part, Literal) or part.atom.signature != signature:
            return None
        question, option = map(str, part.atom.arguments)
        return None if question not in fixed else (fixed[question] == option) != part.negated

    def remaining(condition: Condition) -> Condition:
        return tuple(part for part in condition if truth(part) is None)

    def settle(rule: Rule) -> Rule | None:
        if signature not in rule.signatures:
            return rule
        body = [part for part in rule.body if truth(part) is None]
        if any(truth(part) is False for part in rule.body):
            return None
        if rule.atom.signature == signature:
            question = rule.atom.arguments[0]
            if str(question) in fixed:
                return None
            if any(variables(question)):  # it may go on to set the others
                body += [Comparison(question, "!=", parse(name)) for name in fixed]
        for place, part in enumerate(body):
            if isinstance(part, Aggregate):
                possible = (e for e in part.elements if not any(truth(c) is False for c in e.condition))
                elements = (replace(element, condition=remaining(element.condition)) for element in possible)
                body[place] = replace(part, elements=tuple(elements))
        head = rule.head
        if isinstance(head, Choice):
            if any(truth(part) is False for part in head.condition):
                raise LawError([_problem(rule, str(head), "a choice that keeps alternatives")])
            head = replace(head, condition=remaining(head.condition))
        true = (part for part in rule.body if isinstance(part, Literal) and truth(part))
        return replace(rule, head=head, body=tuple(body), settled=(*rule.settled, *true))

    return Program(tuple(rule for rule in map(settle, program.rules) if rule is not None))


def _check_settings(program: Program, signature: Signature) -> None:
    """Refuses conditions on settings that are not ground."""
    problems = [
        _problem(rule, str(part), f"constants in {signature[0]}(..)")
        for rule in program.rules
        if signature in rule.signatures
        for _, condition in rule_conditions(rule)
        for part in condition
        if isinstance(part, Literal) and part.atom.signature == signature and any(variables(part.atom))
    ]
    if problems:
        raise LawError(problems)


def _problem(rule: Rule, found: str, expected: str) -> TokenProblem:
    return TokenProblem(rule.file, rule.line, found, expected)


def batch(program: Program, shared: Collection[Signature], encounter: str = "encounter") -> Program:
    """``program`` for many charts at once: what is not ``shared`` gets the encounter in front.

    ``shared`` is what ``dependencies.shared`` finds, or less. Each chart's facts carry its id as first
    argument, and the fact ``encounter(id)`` announces it. Raises ``ValueError`` where a shared predicate
    depends on one that is not, or where a predicate with its new arity would meet another one.
    """
    lone = own_predicates(program, shared, encounter)
    return Program(tuple(lift(rule, lone, encounter) for rule in program.rules))


def own_predicates(
    program: Program, shared: Collection[Signature], encounter: str = "encounter"
) -> frozenset[Signature]:
    """The predicates of a program that get the encounter in front. Raises ``ValueError`` where they meet others."""
    lone = program.signatures - set(shared)
    lifted = {(name, arity + 1) for name, arity in lone}
    given = program.signatures - lone
    if clash := (lifted | {(encounter, 1)}) & given:
        raise ValueError(f"with an encounter in front these predicates would meet others: {_names(clash)}")
    return lone


def lift(rule: Rule, lone: Collection[Signature], encounter: str = "encounter") -> Rule:
    """One rule of ``batch``: the predicates ``lone`` get the encounter in front. Raises ``ValueError`` as that does."""
    if rule.atom.signature not in lone:
        if not rule.signatures.isdisjoint(lone):
            shared_name = _names([rule.atom.signature])
            raise ValueError(f"{rule.place}: {shared_name} depends on the chart and cannot be shared")
        return rule
    place = Variable(fresh("E", all_variables(rule)))

    def add(atom: Function) -> Function:
        return Function(atom.name, (place, *atom.arguments)) if atom.signature in lone else atom

    renamed = _rename(rule, add)
    positive = (part.atom for part in rule.body if isinstance(part, Literal) and not part.negated)
    if any(atom.signature in lone for atom in positive):
        return renamed
    return replace(renamed, body=(Literal(Function(encounter, (place,))), *renamed.body))


def settleable(program: Program) -> Program:
    """``program`` in which a choice is not made where ``settled(PREDICATE, KEY)`` holds (``all`` without a key).

    What the choice takes can then be given as a fact, and nothing else stays possible. A choice from a list, which is
    all that one predicate of one argument holds of, is never made: it takes the first of the list in the order of
    terms, and ``offered`` tells what it could take. A grounder that left it open would have to foresee all that may
    follow from it, such as every sum of minutes. Raises ``ValueError`` where the program has ``settled/2`` or
    ``offered/3`` already.
    """
    if taken := program.signatures & {SETTLED, OFFERED}:
        raise ValueError(f"the name {_names(taken)} is taken")
    derived = {rule.atom.signature for rule in program.rules if not rule.is_fact}
    lists: dict[Signature, list[Term]] = {}
    for rule in program.rules:
        if rule.atom.signature not in derived and len(rule.atom.arguments) == 1:
            lists.setdefault(rule.atom.signature, []).append(rule.atom.arguments[0])

    def rewritten(rule: Rule) -> list[Rule]:
        if not isinstance(rule.head, Choice):
            return [rule]
        key = tuple(map(Variable, choice_key(rule)))
        of = key[0] if len(key) == 1 else Function("", key) if key else Function("all")
        name = Function(rule.atom.name)
        body = (*rule.body, Literal(Function(SETTLED[0], (name, of)), negated=True))
        match rule.head.condition:
            case (Literal(atom=Function(arguments=(Variable() as taken,)) as listed, negated=False) as part,):
                offered = replace(rule, head=Function(OFFERED[0], (name, of, taken)), body=(*body, part))
                if listed.signature in lists:
                    first = min(lists[listed.signature], key=str)
                    arguments = tuple(first if it == taken else it for it in rule.atom.arguments)
                    return [replace(rule, head=Function(rule.atom.name, arguments), body=body), offered]
                each = Variable(fresh("Each", all_variables(rule)))
                every = Literal(Function(listed.name, (each,)))
                least = Aggregate("#min", (Element((each,), (every,)),), "=", taken)
                return [replace(rule, head=rule.atom, body=(*body, part, least)), offered]
        return [replace(rule, body=body)]

    return Program(tuple(it for rule in program.rules for it in rewritten(rule)))


def copy(program: Program, tag: str, keep: Collection[Signature]) -> Program:
    """``program`` with ``__tag`` behind every predicate not in ``keep`` (the chart's input predicates).

    Copies with different tags can stand together over one chart: they share nothing but ``keep``. Raises
    ``ValueError`` if a new name is taken.
    """
    renamed = {signature: f"{signature[0]}__{tag}" for signature in program.signatures - set(keep)}
    if clash := {(name, arity) for (_, arity), name in renamed.items()} & program.signatures:
        raise ValueError(f"names that the tag {tag!r} would give are taken: {_names(clash)}")

    def version(atom: Function) -> Function:
        return replace(atom, name=renamed.get(atom.signature, atom.name))

    return Program(tuple(_rename(rule, version) for rule in program.rules))


def _names(signatures: Iterable[Signature]) -> str:
    return ", ".join(f"{name}/{arity}" for name, arity in sorted(signatures))


def _rename(rule: Rule, rename: Callable[[Function], Function]) -> Rule:
    """``rule`` with ``rename`` applied to each of its atoms."""

    def condition(parts: Condition) -> Condition:
        return tuple(replace(part, atom=rename(part.atom)) if isinstance(part, Literal) else part for part in parts)

    def part(part: Literal | Comparison | Aggregate) -> Literal | Comparison | Aggregate:
        if isinstance(part, Aggregate):
            elements = (replace(element, condition=condition(element.condition)) for element in part.elements)
            return replace(part, elements=tuple(elements))
        return condition((part,))[0]

    head, body = rule.head, tuple(map(part, rule.body))
    if isinstance(head, Choice):
        return replace(rule, head=Choice(rename(head.atom), condition(head.condition)), body=body)
    return replace(rule, head=rename(head), body=body)
