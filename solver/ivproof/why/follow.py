"""Follows what fails from the rule that could conclude something down to what fails in the end."""

from __future__ import annotations

from collections.abc import Iterator

from ivproof.claim.statements import Absent, Holds, Reads
from ivproof.law.syntax import Aggregate, Choice, Comparison, Literal
from ivproof.law.terms import Function, Variable, variables
from ivproof.why.absence import READING, Failure, Part
from ivproof.why.explanation import Line, Teller
from ivproof.why.lacking import fails
from ivproof.why.naming import UNKNOWN

DEPTH = 12
"""How many rules deep a failure is followed."""


class Follow:
    """Follows a failure from the rule that could conclude something down to what fails in the end."""

    def __init__(self, teller: Teller) -> None:
        self.teller = teller
        self.unsaid: list[Function] = []
        """The facts that the chart would have to say, and does not."""
        self._seen: set[str] = set()

    def down(self, failure: Failure, depth: int = 0) -> Iterator[Line]:
        """The failing condition, and what is behind it."""
        teller, failed = self.teller, failure.failed
        if failed is None:
            yield Line("against", "the choice fell on another", says=(fails(failure),))
        elif isinstance(failed, Comparison):
            yield self._comparison(failure)
        elif isinstance(failed, Literal) and failed.atom.signature == READING:
            # another reading is named only where nothing else stands against it
            rest = None if failure.otherwise_holds else teller.absence.apart_from_readings(failure)
            if rest is None:
                yield self._reading(failed)
            else:
                yield from self.down(rest, depth + 1)
        elif isinstance(failed, Literal) and failed.negated:
            yield self._against(failed.atom)
        elif isinstance(failed, Literal):
            rules = teller.absence.rules(failed.atom.signature)
            if not rules:
                # the chart may say something else instead
                self.unsaid.append(failed.atom)
                kind = "against" if teller.lacking.is_otherwise(failed.atom) else "lacking"
                yield Line(kind, teller.lacking.uncharted(failed.atom), says=(fails(failure),))
            elif str(failed.atom) not in self._seen and depth < DEPTH:
                self._seen.add(str(failed.atom))
                below = list(self._deeper(failed.atom, depth))
                yield from below or self._held(failure)

    def _deeper(self, atom: Function, depth: int) -> Iterator[Line]:
        teller = self.teller
        failures = teller.absence.failures(atom)
        if not failures:
            rules = teller.absence.rules(atom.signature)
            rule = next((it for it in rules if teller.absence.could_be(it, atom)), None)
            if rule is None:
                return
            yield Line("lacking", teller.lacking.told(rule, atom), rule=rule.id, says=(absent(atom),))
            return
        nearest = max(failures, key=lambda it: (not self._by_choice(it), not it.by_reading, it.nearness))
        if isinstance(nearest.source, Aggregate):
            other = Function(atom.name, (*atom.arguments[:-1], Variable("_")))
            if any(True for _ in teller.absence.matches(other, {})):
                yield self._against(other)
                return
        below = list(self.down(nearest, depth + 1))
        if teller.detail or not teller.folds(nearest.rule):
            text = teller.lacking.unfounded(nearest.rule, atom, nearest.bindings)
            # what does not even name whom it is about says less than what is behind it
            if not below or UNKNOWN not in text:
                said = teller.lacking.told(nearest.rule, atom, nearest.bindings)
                yield Line("needed", said, rule=nearest.rule.id, says=(fails(nearest),))
        yield from below
        for failure in failures:
            if failure is not nearest and failure.otherwise_holds and isinstance(failure.failed, Literal):
                yield self._reading(failure.failed)

    def _held(self, failure: Failure) -> Iterator[Line]:
        """What the chart says that does not fit: the last fact before what fails, where no rule could conclude that."""
        facts = [it for it in failure.held if str(it) in self.teller.derivation.chart]
        if facts:
            _, _, rest = str(facts[-1]).partition("(")
            yield Line("against", self.teller.names.fact(facts[-1].name, rest[:-1]), says=(Holds(str(facts[-1])),))

    def _by_choice(self, failure: Failure) -> bool:
        """Whether a rule fails because a choice did not fall on something: what comes before the choice says more."""
        if not isinstance(failure.failed, Literal) or failure.failed.negated:
            return False
        rules = self.teller.absence.rules(failure.failed.atom.signature)
        return bool(rules) and all(isinstance(rule.head, Choice) for rule in rules)

    def _comparison(self, failure: Failure) -> Line:
        if text := self.teller.lacking.shortfall(failure):
            says = (fails(failure), *self.teller.measures.behind)
            return Line("measure", text, rule=failure.rule.id, says=says)
        return Line("lacking", self._unlike(failure.failed), rule=failure.rule.id, says=(fails(failure),))

    def _unlike(self, failed: Part | None) -> str:
        """What a comparison of two things that are no lengths asks for."""
        if not isinstance(failed, Comparison):
            return ""
        left, right = self.teller.names.term(failed.left), self.teller.names.term(failed.right)
        if failed.operator == "!=":
            return f"it would take another one than {left}"
        return f"it would take {left} to be {right}" if failed.operator == "=" else f"{left} {failed.operator} {right}"

    def _against(self, atom: Function) -> Line:
        """What holds and should not, with its reasons."""
        teller = self.teller
        if any(variables(atom)):
            holding = next((str(it) for it, _ in teller.absence.matches(atom, {})), str(atom))
        else:
            holding = str(atom)
        line = teller.step(holding)
        return Line("against", line.text, line.places, line.step, line.number, line.rule, line.says)

    def _reading(self, literal: Literal) -> Line:
        key, option = map(str, literal.atom.arguments)
        question = self.teller.policy.questions[key]
        held = question.option(self.teller.derivation.held[key].option)
        other = question.option(option)
        otherwise = f"only if {question.number} ({question.name}) were read as {other.name}: {other.says}"
        text = f"{otherwise.rstrip('.')}; it is read as {held.name}"
        return Line("reading", text, says=(Absent(str(literal.atom)), Reads(key, held.name)))


def absent(atom: Function) -> Absent:
    """That nothing like an atom holds, whatever its variables stand for."""
    return Absent(str(Function(atom.name, tuple(Function("_") if any(variables(it)) else it for it in atom.arguments))))
