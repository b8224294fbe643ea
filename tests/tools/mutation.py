"""Changes the law one rule and one number at a time, and tells which changes no case notices.

    python tests/tools/mutation.py [--jobs 2] [--only sequence.lp] [--rule shares-time --rule contested]

Every rule of the law is deleted, every number in a table or beside a comparison is moved by one (a date by a day, a
rank past its neighbour, since ranks only order), and all cases under tests/cases are judged by the changed law. A
change that no case notices is a hole in the cases, unless mutation.toml explains why it changes nothing.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import clingo
import networkx
from case_files import FAILING, Case, departures, options, raised, worked

from ivproof.cases.judging import ASSUMING
from ivproof.chart.facts import Fact, Facts
from ivproof.claim.coding import Coder
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
from ivproof.law.syntax import Choice, Comparison, Literal, Program, Rule, rule_conditions
from ivproof.law.terms import Function, Operation, Signature, Term

EXPLAINED = Path(__file__).with_name("mutation.toml")
TABLES = ("readings.lp", "asked.lp")
"""The files whose facts are words about the questions, which no engine reads, or keep small what is tried."""

ORDERS = ("rank_class_first", "rank_method_first", "rank", "class_weight")
"""Predicates whose numbers only order: moving one by one means past its neighbour."""

DATED = ("begins_on",)
CHUNKS = (6, 24, 80)
"""How many cases are judged together: few at first, since most changes are noticed at once."""


@dataclass(frozen=True)
class Mutant:
    """A change of the law: rule number `at` is gone, or another stands in its place."""

    at: int
    rule: Rule
    change: str
    instead: Rule | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """What mutation.toml names it by."""
        return self.rule.id, self.rule.clause, self.change


# --- Changes


def mutants(program: Program) -> Iterator[Mutant]:
    """Give every change of the law."""
    pools = {name: set(_numbers_of(program, name)) for name in ORDERS}
    # each of the two tables stands beside the single ranks, never beside the other one
    for name in ("rank_class_first", "rank_method_first"):
        pools[name] |= pools["rank"]
    pools["rank"] |= pools["rank_class_first"] | pools["rank_method_first"]
    for at, rule in enumerate(program.rules):
        if rule.file.endswith(TABLES) and rule.is_fact:
            continue
        yield Mutant(at, rule, "deleted")
        for changed, old, new in _moved(rule, sorted(pools.get(rule.atom.name, ()))):
            yield Mutant(at, rule, f"{old} to {new}", changed)


def _numbers_of(program: Program, name: str) -> Iterator[int]:
    for rule in program.rules:
        if rule.atom.name == name:
            yield from (it for it in rule.atom.arguments if isinstance(it, int))


def _moved(rule: Rule, pool: Sequence[int]) -> Iterator[tuple[Rule, int, int]]:
    """Give the rule with each of its numbers moved: those of a fact, of a rank, and alone beside a comparison."""
    if not isinstance(rule.head, Choice) and (rule.is_fact or rule.atom.name in ORDERS):
        for head, old, new in _with_numbers_moved(rule.head, rule.atom.name, pool):
            if isinstance(head, Function):
                yield replace(rule, head=head), old, new
    for place, part in enumerate(rule.body):
        if isinstance(part, Comparison):
            for side in ("left", "right"):
                value = getattr(part, side)
                if isinstance(value, int):
                    for new in (value - 1, value + 1):
                        changed = replace(part, left=new) if side == "left" else replace(part, right=new)
                        yield replace(rule, body=(*rule.body[:place], changed, *rule.body[place + 1 :])), value, new


def _with_numbers_moved(term: Term, name: str, pool: Sequence[int]) -> Iterator[tuple[Term, int, int]]:
    match term:
        case int():
            yield from ((new, term, new) for new in _neighbours(term, name, pool))
        case Function(function, arguments):
            for place, argument in enumerate(arguments):
                for changed, old, new in _with_numbers_moved(argument, name, pool):
                    yield Function(function, (*arguments[:place], changed, *arguments[place + 1 :])), old, new
        case Operation(operator, left, right):
            for changed, old, new in _with_numbers_moved(left, name, pool):
                yield Operation(operator, changed, right), old, new
            for changed, old, new in _with_numbers_moved(right, name, pool):
                yield Operation(operator, left, changed), old, new


def _neighbours(number: int, name: str, pool: Sequence[int]) -> list[int]:
    if name in DATED:
        day = date(number // 10000, number // 100 % 100, number % 100)
        return [int((day + timedelta(days=step)).strftime("%Y%m%d")) for step in (-1, 1)]
    if name in ORDERS:
        at = pool.index(number)
        return [*([pool[at - 1] - 1] if at else []), *([pool[at + 1] + 1] if at + 1 < len(pool) else [])]
    return [number - 1, number + 1]


# --- Judging


class _ChangedEngine(Engine):
    """The engine over a law in which one rule stands otherwise, and in which each chart brings its own readings."""

    rules: list[Rule]
    program: Program
    change: tuple[int, Rule | None] | None = None
    mutated: tuple[int, Rule | None] = (-1, None)
    raised: dict[int, set[str]]

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
    """Judges changes of the law by all cases, whatever readings they set: these are facts of their charts here."""

    def __init__(self, base: Coder) -> None:
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
        cases = [
            case for case in [*worked("law"), *worked("published"), *options()] if (case.file, case.name) not in FAILING
        ]
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
        return departures(self.cases[place], self.determiner.determine(self.facts[place], answer, {}))

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


# --- The command


_JUDGES: list[Judge] = []


def _judge(mutant: Mutant) -> str | None:
    return _JUDGES[0].noticed(mutant)


def explained() -> dict[tuple[str, int, str], str]:
    """Give the changes that change nothing, with the reason."""
    listed = tomllib.loads(EXPLAINED.read_text("utf-8")).get("mutant", []) if EXPLAINED.exists() else []
    return {(it["rule"], it.get("clause", 1), it["change"]): it["reason"] for it in listed}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when every change is noticed or explained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--only", default="", help="only rules of files whose name ends so")
    parser.add_argument("--rule", action="append", default=[], metavar="ID", help="only this rule (may be repeated)")
    parser.add_argument("--killers", action="store_true", help="say which case notices each change")
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    judge = Judge(Coder(Policy.load("out001")))
    if failing := judge.failing():
        print("these cases fail by the law as it stands:", *failing, sep="\n")
        return 2
    _JUDGES.append(judge)
    listed = [
        it
        for it in mutants(judge.program)
        if it.rule.file.endswith(chosen.only) and (not chosen.rule or it.rule.id in chosen.rule)
    ]
    if unknown := set(chosen.rule) - {rule.id for rule in judge.program.rules}:
        parser.error(f"no such rule: {', '.join(sorted(unknown))}")
    known = explained()
    survivors, alive = [], 0
    with multiprocessing.get_context("fork").Pool(chosen.jobs) as pool:
        for mutant, case in zip(listed, pool.imap(_judge, listed, chunksize=4), strict=True):
            survivors += [mutant] if case is None else []
            alive += case is None and mutant.key not in known
            if chosen.killers or (case is None and mutant.key not in known):
                said = f": {case}" if chosen.killers else ""
                print(
                    f"{mutant.rule.place:32} [{mutant.rule.id}] clause {mutant.rule.clause}, {mutant.change}{said}",
                    flush=True,
                )
    noticed = known.keys() - {mutant.key for mutant in survivors}
    idle = [] if chosen.only or chosen.rule else sorted(noticed)
    for rule, clause, change in idle:
        print(f"mutation.toml explains [{rule}] clause {clause}, {change}, which a case notices or which is not there")
    print(
        f"{len(listed)} mutants, {len(listed) - len(survivors)} killed, {len(survivors) - alive} explained, "
        f"{alive} alive ({time.monotonic() - begun:.0f} s)"
    )
    return 1 if alive or idle else 0


if __name__ == "__main__":
    sys.exit(main())
