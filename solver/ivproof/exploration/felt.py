"""Which departures a chart can feel: rules that tell, beside the law, which questions are asked of it to any effect.

A departure (see `departures`) changes nothing unless a rule that asks its question would conclude something else: one
of the other option something new, or one of the held option something that no rule of the other option concludes. What
holds of a chart is then still all that follows, and nothing need be solved. The rules tell too much rather than too
little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ivproof import rewrite
from ivproof.exploration.rooms import READING, asked_by
from ivproof.law import dependencies
from ivproof.law.syntax import Choice, Literal, Program, Rule
from ivproof.law.terms import Function, Signature, Variable
from ivproof.policy import QUESTION_PREDICATES, BatchRule, Policy

FELT = "felt"
"""``felt(QUESTION, OPTION)``: holding this option instead may change something."""


def felt_rules(policy: Policy, settings: Mapping[str, str | None]) -> list[BatchRule]:
    """Give the rules that conclude `FELT` beside the law with these settings, for many charts; they are kept."""
    return [BatchRule(*it) for it in policy.kept_for("felt", settings, lambda: _rules(policy, settings))]


def _rules(policy: Policy, settings: Mapping[str, str | None]) -> list[BatchRule]:
    law = [rule for rule in policy.program.rules if rule.atom.signature not in QUESTION_PREDICATES | {READING}]
    together = _together(law)
    found: list[Rule] = []
    for rule in law:
        for key in asked_by(rule):
            others = {name: it for name, it in settings.items() if it is not None and name != key}
            # what the other questions take away is not asked either
            for settled in rewrite.specialise(Program((rule,)), others).rules:
                found += _of(policy, settled, key, settings[key], together)
    variables = question, option, head = Variable("Q"), Variable("O"), Variable("H")
    lost = Literal(Function("lost", (question, head)))
    instead = Literal(Function("kept", variables), negated=True)
    found.append(Rule(Function(FELT, (question, option)), (lost, Literal(Function("other", variables[:2])), instead)))
    found += (
        Rule(Function("other", (Function(key), Function(option.name))))
        for key, held in settings.items()
        for option in policy.questions[key].options
        if option.name != held
    )
    return policy.lifted(Program(tuple(dict.fromkeys(found))), settings)


def _together(law: list[Rule]) -> dict[Signature, int]:
    """Predicates that depend on one another have the same number."""
    import networkx as nx  # noqa: PLC0415  (only where the rules are not kept yet)

    components = nx.strongly_connected_components(dependencies.graph(law))
    return {it: n for n, component in enumerate(components) for it in component}


def _of(policy: Policy, rule: Rule, key: str, held: str | None, together: Mapping[Signature, int]) -> Iterator[Rule]:
    """The rules that tell whether one rule makes a question felt."""
    asking = [part for part in rule.body if isinstance(part, Literal) and _asks(part, key)]
    rest = tuple(part for part in rule.body if part not in asking)
    question = Function(key)
    options = [option.name for option in policy.questions[key].options]
    alone = len(asking) == 1 and not asking[0].negated and key not in asked_by(replace(rule, body=rest))
    if held is None or not alone or isinstance(rule.head, Choice):
        # an aggregate that asks may come to anything, so only what is plainly needed counts
        needed = tuple(part for part in rest if isinstance(part, Literal) and not part.negated)
        yield from (Rule(Function(FELT, (question, Function(it))), needed) for it in options if it != held)
        return
    option = str(asking[0].atom.arguments[1])
    if option == held:
        yield Rule(Function("lost", (question, rule.atom)), rest)
        return
    new = Literal(rule.atom, negated=True)
    yield Rule(Function(FELT, (question, Function(option))), (*rest, new))
    own = together[rule.atom.signature]
    if all(together.get(part.atom.signature) != own for part in rest if isinstance(part, Literal)):
        # a conclusion that rests on itself would not be kept
        yield Rule(Function("kept", (question, Function(option), rule.atom)), rest)


def _asks(part: Literal, key: str) -> bool:
    return part.atom.signature == READING and str(part.atom.arguments[0]) == key
