"""Judges mutants of a law by worked cases: which case, if any, has another answer than it expects.

In: a coder and cases. Out: of a mutant the first case that notices it, or none. The first engine answers the charts
that a change can concern, many at a time, with each case's readings as facts of its chart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import clingo
import networkx

from ivproof.cases.files import Case
from ivproof.cases.judging import ASSUMING, departures
from ivproof.cases.running import raised
from ivproof.chart.facts import Fact, Facts
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.engine.choices import CLAIM, candidate_rank
from ivproof.engine.engine import Answer, Engine
from ivproof.engine.rooms import cut
from ivproof.engine.search import Found, Search
from ivproof.engine.selection import Selection
from ivproof.engine.solving import RoomSolver, shared_facts
from ivproof.engine.trial import Solved, Tried
from ivproof.law import dependencies, rewrite
from ivproof.law.lifting import DRUG_PREDICATES, BatchRule
from ivproof.law.policy import Policy
from ivproof.law.syntax import Literal, Program, Rule, rule_conditions
from ivproof.law.terms import Function, Signature
from ivproof.suites.mutants import Mutant

CHUNKS = (6, 24, 80)
"""How many cases are judged together: few at first, since most changes are noticed at once."""


class _ChangedEngine(Engine):
    """The engine over a law in which one rule stands otherwise, and in which each chart brings its own readings."""

    rules: list[Rule]
    program: Program
    change: tuple[int, Rule | None] | None = None
    mutated: tuple[int, Rule | None] = (-1, None)
    raised: dict[int, set[str]]

    @property
    def quickly(self) -> bool:
        """Never: the compiled law is the one that stands in the files."""
        return False

    def _ground(self, charts: Sequence[Facts], ways: Any = None) -> Any:
        """Ground as ever, and note which questions each chart raises."""
        control, choices = super()._ground(charts, ways)
        for facts in charts:
            self.raised[id(facts)] = set()
        for atom in control.symbolic_atoms.by_signature("raised", 2):
            key, question = map(str, atom.symbol.arguments)
            self.raised[id(charts[int(key[1:])])].add(question.upper())
        return control, choices

    def _rivals(
        self,
        charts: Sequence[Facts],
        rivals: Sequence[int],
        asked: Sequence[Sequence[str]],
        first: Sequence[Solved],
    ) -> dict[int, Tried]:
        """Find rival claims by the search alone: to try ways, a question has to be settled for all charts or none."""
        found = self._search([charts[n] for n in rivals], [asked[n] for n in rivals])
        return {n: Tried(it, ()) for n, it in zip(rivals, found, strict=True)}

    def _search(self, charts: Sequence[Facts], asked: Sequence[Sequence[str]]) -> list[Found]:
        """Search as ever, in rooms of the changed law, with what each chart's own readings leave open."""
        rules = list(self.program.rules)
        if self.change is not None:
            at, instead = self.mutated
            rules[at : at + 1] = [] if instead is None else [instead]
        changed = cut(Program(tuple(rules)), self.policy.own_inputs | _OPEN, CLAIM)
        options = {key: tuple(it.name for it in question.options) for key, question in self.policy.questions.items()}
        conditional = {str(rule.atom.arguments[0]) for rule in rules if rule.atom.signature == ("conditional", 1)}
        held = []
        for facts in charts:
            settled = dict(it.arguments.split(",") for it in facts.own if it.predicate == "reading")
            raised = {it.lower() for it in self.raised[id(facts)]}
            held.append(
                {
                    key: (settled.get(key, names[0]),)
                    for key, names in options.items()
                    if key in settled or (key in conditional and key not in raised)
                }
            )
        return Search(RoomSolver(changed, shared_facts(changed, charts)), options).run(charts, candidate_rank, held)

    def put(self, change: tuple[int, Rule | None] | None) -> None:
        """Let one rule stand otherwise, or (None) the law as it is."""
        self.change = change
        rules = [*self.batch]
        if change is not None:
            at, instead = change
            rules[at : at + 1] = [] if instead is None else [BatchRule.of(instead)]
        self._rules, self._selection = rules, Selection(it[:2] for it in rules)
        self._laws.clear()

    @cached_property
    def texts(self) -> list[str]:
        return [it.text for it in self.batch]

    @cached_property
    def batch(self) -> list[BatchRule]:
        return [BatchRule.of(it) for it in self.rules]


def _plain(rule: Rule) -> tuple[Literal, ...]:
    """The positive conditions of a rule's body."""
    return tuple(part for part in rule.body if isinstance(part, Literal) and not part.negated)


class Judge:
    """Judges changes of the law by cases, whatever readings they set: these are facts of their charts here.

    `compared` tells what a determination says otherwise than a case.
    """

    def __init__(
        self, base: Coder, cases: Sequence[Case], compared: Callable[[Case, Determination], list[str]] = departures
    ) -> None:
        self.compared = compared
        # what words and defaults say of the questions stays out, as in the solver's program
        kept = (rule for rule in base.policy.program.rules if rule.atom.name not in _WORDS)
        self.program = Program(tuple(kept))
        listed = tuple(Rule(Function(name, (Function("any"),) * arity)) for name, arity in DRUG_PREDICATES - _OPEN)
        # by the unchanged law: deleting the last rule of a predicate does not make it an input
        own = base.policy.own_inputs | _OPEN
        self.shared = dependencies.shared(Program((*self.program.rules, *listed)), own)
        self.determiner = base.determiner
        self.engine = _ChangedEngine(base.policy, {})
        # no question is the engine's to settle: the charts bring what is held, and what is open
        self.engine.open, self.engine._first = [], {}
        self.engine.raised, self.engine.program = {}, self.program
        self.engine.rules = [self.lift(rule) for rule in self.program.rules]
        self.engine.put(None)
        self.cases = [_short(case) for case in cases]
        self.facts = [_with_readings(base.facts(case.encounter), base.policy, case) for case in self.cases]
        self.answers = self.engine.answer(self.facts)
        self.asking = _leading_to("raised", self.program)
        self.listing = [place for place, case in enumerate(self.cases) if "raises" in case.expect]
        self.reached = self._reach()
        self.deep = _deep(self.program, self.shared)

    def lift(self, rule: Rule) -> Rule:
        """Give a rule as it stands in the program for many charts."""
        return rewrite.batch(Program((rule,)), self.shared).rules[0]

    def failing(self) -> list[str]:
        """Give the cases that fail by the unchanged law."""
        found = [
            f"{case.file}:{case.name}: {notes}"
            for place, case in enumerate(self.cases)
            if (notes := self._departures(place, self.answers[place]))
        ]
        return [*found, *([f"{case} raises other questions"] if (case := self._asks_otherwise()) else [])]

    def noticed(self, mutant: Mutant) -> str | None:
        """Give a case that fails by the changed law, or None."""
        places = self._places(mutant)
        self.engine.mutated = (mutant.at, mutant.instead)
        self.engine.put((mutant.at, self.lift(mutant.instead) if mutant.instead is not None else None))
        sizes = iter(CHUNKS)
        try:
            if mutant.at in self.asking and (case := self._asks_otherwise()):
                return case
            while places:
                size = next(sizes, CHUNKS[-1])
                if case := self._noticed(places[:size]):
                    return case
                places = places[size:]
        except (
            RuntimeError,
            ValueError,
            networkx.NetworkXException,
        ) as error:  # the changed law is no program any more, or has no answer
            return str(error)
        finally:
            self.engine.put(None)
        return None

    def _noticed(self, places: Sequence[int]) -> str | None:
        answers = self.engine.answer([self.facts[place] for place in places])
        for place, answer in zip(places, answers, strict=True):
            if answer != self.answers[place] and self._departures(place, answer):
                return f"{self.cases[place].file}:{self.cases[place].name}"
        return None

    def _departures(self, place: int, answer: Answer) -> list[str]:
        return self.compared(self.cases[place], self.determiner.determine(self.facts[place], answer, {}))

    def _asks_otherwise(self) -> str | None:
        """Give a case that raises other questions than it lists."""
        changed, instead = self.engine.change or (-1, None)
        texts = (str(instead or "") if n == changed else self.engine.texts[n] for n in self.asking)
        raises = raised(texts, [self.facts[place] for place in self.listing])
        for place, questions in zip(self.listing, raises, strict=True):
            case = self.cases[place]
            if questions != set(case.expect["raises"]):
                return f"{case.file}:{case.name}"
        return None

    def _places(self, mutant: Mutant) -> list[int]:
        """The cases that the change can concern, those of the law's own first."""
        rule = mutant.rule
        if rule.atom.signature not in self.shared:
            return self.reached.get(str(mutant.at), [])
        if rule.is_fact and rule.atom.signature not in self.deep:
            return self.reached.get(str(rule.atom), [])
        return list(range(len(self.cases)))

    def _reach(self) -> dict[str, list[int]]:
        """Tell for each rule, and each atom of a shared table, the cases in which conditions reach for it.

        Only the positive conditions are asked for: where they fail, no change of the rule or the table can matter.
        """
        found: dict[str, list[int]] = {}
        asked = "\n".join(
            line
            for at, rule in enumerate(self.engine.rules)
            if self.program.rules[at].atom.signature not in self.shared
            for line in _asking(at, rule, self.shared)
        )
        for start in range(0, len(self.facts), CHUNKS[-1]):
            charts = self.facts[start : start + CHUNKS[-1]]
            control = clingo.Control(["--warn=none"])
            shared = dict.fromkeys(fact for facts in charts for fact in facts.shared)
            control.add("base", [], "\n".join([*self.engine.texts, asked, *(f"{fact}." for fact in shared)]))
            control.add("base", [], "".join(facts.batch_text(f"e{start + n}") for n, facts in enumerate(charts)))
            control.ground([("base", [])])
            for atom in control.symbolic_atoms.by_signature("reached", 2):
                what, encounter = atom.symbol.arguments
                found.setdefault(str(what), []).append(int(encounter.name[1:]))
        return {what: sorted(set(places)) for what, places in found.items()}


def _short(case: Case) -> Case:
    """A case without what an answer of the law does not tell: claim edits, what other options or facts would change."""
    expect = {key: value for key, value in case.expect.items() if key != "edits" and key not in ASSUMING}
    if isinstance(expect.get("missing"), Mapping):
        expect["missing"] = dict.fromkeys(expect["missing"])
    elif "missing" in expect:
        expect["missing"] = [it if isinstance(it, str) else it["fact"] for it in expect["missing"]]
    return replace(case, expect=expect)


def _with_readings(facts: Facts, policy: Policy, case: Case) -> Facts:
    held = policy.settings(case.readings).items()
    settled = [Fact("reading", f"{key},{option}", ()) for key, option in held if option is not None]
    return replace(
        facts, own=(*facts.own, *settled, *(Fact("open", key, ()) for key, option in held if option is None))
    )


def _asking(at: int, rule: Rule, shared: Collection[Signature]) -> Iterator[str]:
    encounter = rule.atom.arguments[0]
    yield str(Rule(Function("reached", (at, encounter)), _plain(rule)))
    for _, condition in rule_conditions(rule):
        beside = tuple(it for it in condition if isinstance(it, Literal) and not it.negated)
        for part in condition:
            if isinstance(part, Literal) and part.atom.signature in shared:
                yield str(Rule(Function("reached", (part.atom, encounter)), (*_plain(rule), *beside)))


def _leading_to(name: str, program: Program) -> set[int]:
    """The numbers of the rules that an atom of a predicate may rest on."""
    wanted, found = {name}, set[int]()
    while more := {n for n, rule in enumerate(program.rules) if n not in found and rule.atom.name in wanted}:
        found |= more
        wanted |= {
            part.atom.name
            for n in more
            for _, condition in rule_conditions(program.rules[n])
            for part in condition
            if isinstance(part, Literal)
        }
    return found


def _deep(program: Program, shared: Collection[Signature]) -> set[Signature]:
    """Shared predicates that lead to other shared ones: whom they concern is not looked into."""
    leading = [rule for rule in program.rules if rule.body and rule.atom.signature in shared]
    return {
        part.atom.signature
        for rule in leading
        for _, condition in rule_conditions(rule)
        for part in condition
        if isinstance(part, Literal)
    }


_WORDS = ("question", "default", "unresolved", "note")
_OPEN = frozenset({("open", 1)})
