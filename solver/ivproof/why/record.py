"""Records how an answer came about: the law once more over one chart, with a label for every applied rule.

The choices are settled beforehand, as in the answer that is to be recorded: questions are worked into the rules, and
what a chart leaves free is given to the solver as an assumption. The solver gets only rules that can apply to the chart
and that something on a claim can depend on, since preparing a rule costs it the same whether the rule applies or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import clingo

from ivproof.chart.facts import Facts
from ivproof.engine.choices import CLAIM, FREE, OPEN, Atoms, Resolution, claim_of
from ivproof.engine.direct import LARGE
from ivproof.engine.engine import SHOWN, Alternative, Answer
from ivproof.engine.grounding import grounded, shown
from ivproof.engine.selection import Selection
from ivproof.law import rewrite
from ivproof.law.lifting import patterns
from ivproof.law.policy import Policy
from ivproof.law.syntax import Choice, Literal, Program, Rule, rule_atoms
from ivproof.law.terms import Signature
from ivproof.law.trace import CompiledLabels, Instance, TracedProgram, trace

TRACED = 64
"""How many selections of traced rules are kept in memory."""

COMPILED = 20_000
"""How many rules are kept compiled for traces."""

Settings = Mapping[str, str]
"""The option of every question, by key; none is open."""

_Assumption: TypeAlias = tuple[clingo.Symbol, bool] | int


class RecordError(RuntimeError):
    """The record of an answer makes another claim than the answer: an internal error."""


@dataclass(frozen=True, slots=True)
class Held:
    """The option that is held of a question in one answer: by default, as set, or tried since the question is open."""

    question: str
    option: str
    source: str


@dataclass(frozen=True)
class Record:
    """The applied rules of one answer set: those of the law's tables, and those that this chart made apply.

    `chosen` are the atoms that choices settled on, `clock` says which arguments are times (`Policy.clock`).
    """

    facts: Facts
    held: Mapping[str, Held]
    tables: tuple[Instance, ...]
    applied: tuple[Instance, ...]
    chosen: frozenset[str]
    clock: Mapping[str, str]


@dataclass(frozen=True)
class Traced:
    """A traced program, its text with what it shows, and the predicates (with arities) that choices conclude."""

    program: TracedProgram
    text: str
    choices: Mapping[str, int]

    @staticmethod
    def of(rules: tuple[Rule, ...], compiled: CompiledLabels | None = None) -> Traced:
        """Trace rules, and show what a claim is compared by and what choices conclude."""
        program = trace(Program(rules), compiled)
        choices = dict(rule.atom.signature for rule in rules if isinstance(rule.head, Choice))
        shown = "".join(f"#show {name}/{arity}.\n" for name, arity in {**CLAIM, **choices}.items())
        return Traced(program, program.text + program.show + shown, choices)


class Recorder:
    """Records answers of one policy and one setting of its questions.

    >>> from ivproof.claim.coding import Coder
    >>> policy = Policy.load("out001")
    >>> recorder = Recorder(policy)
    """

    def __init__(self, policy: Policy, readings: Mapping[str, str] | None = None) -> None:
        self.policy = policy
        self.settings = policy.settings(readings)
        self.set_by_user = {policy.question(name).key for name in readings or {}}
        self._programs: dict[tuple[tuple[str, str], ...], Program] = {}
        self._selections: dict[tuple[tuple[str, str], ...], tuple[tuple[Rule, ...], Selection]] = {}
        self._traced: dict[tuple[object, ...], Traced] = {}

    def record(self, facts: Facts, answer: Answer, alternative: Alternative | None = None) -> Record:
        """Record one answer; of a chart with rival claims, that of `alternative` (the first where none is given).

        Raises RecordError where the record does not make the claim of the answer.
        """
        if alternative is None and answer.alternatives:
            alternative = answer.alternatives[0]
        atoms = answer.atoms if alternative is None else alternative.atoms
        resolutions = () if alternative is None else alternative.resolutions
        held = self._held(resolutions)
        possible = answer.predicates if alternative is None else alternative.predicates
        traced = self._program(facts, {key: it.option for key, it in held.items()}, possible)
        control = grounded([traced.text, facts.text()], watched=len(facts.own) > LARGE)
        left = _choices(control, traced.choices)
        for wanted in _assumptions(left, resolutions, atoms):
            found = shown(control, wanted) or []
            claim = {text for text in found if text.partition("(")[0] in CLAIM}
            if claim == claim_of(atoms):
                chosen = frozenset(it for it in found if it.partition("(")[0] in traced.choices)
                return Record(
                    facts, held, traced.program.facts, tuple(traced.program.instances(found)), chosen, self.policy.clock
                )
        raise RecordError(f"{facts.encounter.id}: the record gives {sorted(claim)}, not {sorted(claim_of(atoms))}")

    def _held(self, resolutions: Iterable[Resolution]) -> dict[str, Held]:
        """The option of each question; one that is open and changes nothing takes its first option."""
        tried = {it.subject: it.value for it in resolutions if it.predicate == OPEN}
        found = {}
        for key, option in self.settings.items():
            source = "tried" if option is None else "set" if key in self.set_by_user else "default"
            found[key] = Held(key, option or tried.get(key) or self.policy.questions[key].options[0].name, source)
        return found

    def settled(self, settings: Settings) -> Program:
        """The law under these settings, without the rules that nothing on a claim depends on."""
        key = tuple(sorted(settings.items()))
        if key not in self._programs:
            program = rewrite.specialise(self.policy.program, settings)
            self._programs[key] = Program(relevant(program.rules))
        return self._programs[key]

    def _program(self, facts: Facts, settings: Settings, possible: frozenset[str] | None) -> Traced:
        rules, selection = self._choosing(settings)
        present = frozenset(selection.present([facts], lifted=False))
        key = (tuple(sorted(settings.items())), present, possible)
        if key not in self._traced:
            if len(self._traced) > TRACED:
                self._traced.clear()
            kept = (rules[n] for n in selection.possible(present))
            # where it is known of which predicates anything holds, rules that need others are left out too
            applied = tuple(it for it in kept if possible is None or _needs(it) <= possible)
            self._traced[key] = Traced.of(applied, compiled_before())
        return self._traced[key]

    def _choosing(self, settings: Settings) -> tuple[tuple[Rule, ...], Selection]:
        """The law under these settings, ready to be chosen from."""
        key = tuple(sorted(settings.items()))
        if key not in self._selections:
            rules = self.settled(settings).rules
            self._selections[key] = rules, Selection(map(patterns, rules))
        return self._selections[key]


def _needs(rule: Rule) -> set[str]:
    return {part.atom.name for part in rule.body if isinstance(part, Literal) and not part.negated}


class _Shared:
    compiled = CompiledLabels()


def compiled_before() -> CompiledLabels:
    """The rules that were compiled before, by any recorder: most are the same under every setting."""
    if len(_Shared.compiled) > COMPILED:
        _Shared.compiled = CompiledLabels()
    return _Shared.compiled


def relevant(rules: tuple[Rule, ...], roots: Mapping[str, int] = SHOWN) -> tuple[Rule, ...]:
    """The rules on which some predicates can depend, by default those that a determination is made of."""
    by_head: dict[Signature, list[Rule]] = {}
    for rule in rules:
        by_head.setdefault(rule.atom.signature, []).append(rule)
    waiting: list[Signature] = list(roots.items())
    seen = set(waiting)
    while waiting:
        for rule in by_head.get(waiting.pop(), ()):
            new = {atom.signature for atom in rule_atoms(rule)} - seen
            seen |= new
            waiting += new
    return tuple(rule for rule in rules if rule.atom.signature in seen)


def _choices(control: clingo.Control, predicates: Mapping[str, int]) -> dict[tuple[str, str], dict[str, int]]:
    """The choices that the grounded program leaves: by what is chosen, each value with its literal."""
    left: dict[tuple[str, str], dict[str, int]] = {}
    for name, arity in predicates.items():
        for atom in control.symbolic_atoms.by_signature(name, arity):
            if not atom.is_fact:
                first, *rest = map(str, atom.symbol.arguments)
                subject, value = (rest[0], first) if name == FREE else (first, rest[0]) if rest else ("", first)
                left.setdefault((name, subject), {})[value] = atom.literal
    return left


def _assumptions(
    left: Mapping[tuple[str, str], Mapping[str, int]], resolutions: Iterable[Resolution], atoms: Atoms
) -> Iterator[list[_Assumption]]:
    """What to take of each choice: as the answer settles it; first with the first value of the others, then without.

    Which of several equals is initial shows in the answer. It is no free choice where a supposition decides it.
    """
    given = {it.choice: it.value for it in resolutions}
    initial = [f"initial({service},{scope})" for service, scope in atoms.get("initial", ())]
    settled: list[_Assumption] = [(clingo.parse_term(text), True) for text in initial]
    others: list[_Assumption] = []
    for (name, subject), values in sorted(left.items()):
        value = given.get((name, subject), "")
        if name != FREE and value in values:
            settled.append(values[value])
        elif name != FREE:
            others.append(values[min(values)])
    yield settled + others
    if others:
        yield settled
