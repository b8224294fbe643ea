"""Whether what was gone through could have shown a difference: each changed rule applied, each condition decided.

That nothing was found says something only of charts on which the change is at work. So of each rule that only one law
has it is looked whether it was applied on some chart, and of each of its conditions that the other law's rule does not
have, whether it once decided: everything else in the rule held, and it did not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ivproof.lab.kinds import Template
from ivproof.lab.pair import Part, Side, fits
from ivproof.recheck import LawError
from ivproof.recheck.syntax import Comparison, Element, Literal, Pattern, Rule, names, text
from ivproof.recheck.terms import Signature
from ivproof.unknowns.affine import Region
from ivproof.unknowns.evaluator import Evaluator
from ivproof.unknowns.law import Ready, Step

PROBE: Signature = ("probe", 1)
OTHERWISE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


@dataclass(frozen=True)
class Probe:
    """Something that has to be seen once: the rule that is applied where it is, and what it means in words."""

    rule: Ready
    words: str


def probes(part: Part, other: Part) -> list[Probe]:
    """What has to be seen of the rules that only one law has."""
    found: list[Probe] = []
    for rule in part.rules:
        if rule.head not in part.side.felt:
            continue
        place = f"the rule for {text(rule.rule.head)} in {rule.rule.file}"
        found.append(Probe(rule, f"{place} was applied on no chart"))
        for element in _own(rule, other):
            denied = _denied(rule, element)
            if denied is not None:
                found.append(Probe(denied, f"the condition {text(element)} of {place} decided on no chart"))
    return found


def _own(rule: Ready, other: Part) -> list[Element]:
    """The conditions of a rule that the rule of the other law nearest to it does not have."""
    mine = [text(it) for it in rule.rule.body]

    def shared(candidate: Ready) -> int:
        theirs = {text(it) for it in candidate.rule.body}
        return sum(it in theirs for it in mine)

    rivals = [it for it in other.law.rules if it.head == rule.head]
    if not rivals:
        return []
    nearest = {text(it) for it in max(rivals, key=shared).rule.body}
    return [it for it, written in zip(rule.rule.body, mine, strict=True) if written not in nearest]


def _denied(rule: Ready, element: Element) -> Ready | None:
    """The rule with one of its conditions turned round; None where that cannot be said."""
    rest = [it for it in rule.rule.body if it is not element]
    bound = names(it for it in rest if isinstance(it, Literal) and not it.negated)
    turned: Element
    if isinstance(element, Literal):
        turned = Literal(element.atom, not element.negated)
    elif isinstance(element, Comparison):
        turned = replace(element, operator=OTHERWISE[element.operator])
    else:
        return None
    own = {it for it in names([element]) if not (it[0] == "_" and it[1:].isdigit())}
    return Ready(replace(rule.rule, body=(*rest, turned)), rule.wants) if own <= bound else None


class Watch:
    """Looks for what has to be seen, of one law; `waiting` is what was not yet."""

    def __init__(self, part: Part, some: Sequence[Probe]) -> None:
        self.part = part
        self.waiting = dict(enumerate(some))
        self._evaluator = self._made()

    def _made(self) -> Evaluator | None:
        rules = []
        for n, probe in list(self.waiting.items()):
            rule = probe.rule.rule
            ready = Ready(Rule(Pattern(PROBE[0], (n,)), None, rule.body, rule.file, rule.line), probe.rule.wants)
            try:
                _ = ready.fire
            except LawError:
                continue  # a variable stands in this condition alone
            rules.append(ready)
        if not rules:
            return None
        law = self.part.side.law.only({it.head for it in self.part.law.rules})
        law.steps = [*law.steps, *(Step((it,), False) for it in rules)]
        return self.part.side.applied(law, [PROBE])

    def look(self, template: Template, point: Sequence[int]) -> None:
        """Look at one chart."""
        if self._evaluator is None:
            return
        seen = {
            int(atom[1])
            for atoms, _ in self._evaluator.outcomes(template.at(Region(point)))
            for atom in atoms
            if int(atom[1]) in self.waiting
        }
        if seen:
            for n in seen:
                del self.waiting[n]
            self._evaluator = self._made()


def heads_of_facts(side: Side, facts: Iterable[tuple[object, ...]]) -> Iterator[tuple[str, set[Signature]]]:
    """Each of some facts in words, with the predicates that rules conclude from it."""
    for fact in facts:
        heads = {
            rule.head
            for rule in side.law.rules
            for it in rule.rule.body
            if isinstance(it, Literal)
            and it.atom.name == fact[0]
            and len(it.atom.arguments) == len(fact) - 1
            and all(map(fits, it.atom.arguments, fact[1:]))
        }
        if heads & side.felt:
            yield f"{fact[0]}({', '.join(map(str, fact[1:]))})", heads & side.felt
