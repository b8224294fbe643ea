"""Changes the law one rule and one number at a time, and tells which changes no case notices.

    python tests/mutation.py [--jobs 2] [--only sequence.lp]

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
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import case_files
import clingo
from case_files import Case, coder, departures, options, worked

from ivproof import dependencies, rewrite
from ivproof.coding import Coder
from ivproof.determination import Determination
from ivproof.engine import SHOWN, Answer, Engine
from ivproof.facts import Facts
from ivproof.policy import DRUG_PREDICATES, Policy
from ivproof.syntax import Choice, Comparison, Literal, Program, Rule, rule_conditions
from ivproof.terms import Function, Operation, Signature, Term

EXPLAINED = Path(__file__).with_name("mutation.toml")
TABLES = "readings.lp"
"""The file whose facts are words about the questions; no engine reads them."""

ORDERS = ("rank_class_first", "rank_method_first", "rank", "class_weight")
"""Predicates whose numbers only order: moving one by one means past its neighbour."""

DATED = ("begins_on",)
CHUNKS = (10, 30, 60)
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
    pools = {name: sorted(set(_numbers_of(program, name))) for name in ORDERS}
    ranks = sorted({number for name, pool in pools.items() if name != "class_weight" for number in pool})
    for at, rule in enumerate(program.rules):
        if rule.file.endswith(TABLES) and rule.is_fact:
            continue
        yield Mutant(at, rule, "deleted")
        for changed, old, new in _moved(rule, pools["class_weight"] if rule.atom.name == "class_weight" else ranks):
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


class Lines:
    """The batch rewriting rule by rule, so that a changed rule needs no other to be written again."""

    def __init__(self, policy: Policy, program: Program) -> None:
        self.program = program
        fixed = {key: option for key, option in policy.settings().items() if option is not None}
        listed = tuple(Rule(Function(name, (Function("any"),) * arity)) for name, arity in DRUG_PREDICATES)
        settled = rewrite.specialise(program, fixed)
        # by the unchanged law: deleting the last rule of a predicate does not make it an input
        self.shared = dependencies.shared(Program((*settled.rules, *listed)), policy.own_inputs)
        self._kept: dict[tuple[int, tuple[str | None, ...]], tuple[Rule | None, str]] = {}
        self._asking: dict[tuple[int, str], str] = {}
        self._questions = [_questions(rule) for rule in program.rules]

    def lifted(self, at: int, fixed: Mapping[str, str]) -> tuple[Rule | None, str]:
        """Give rule number `at` as a setting's program has it, and its text; None where the setting drops it."""
        key = (at, tuple(fixed.get(question) for question in self._questions[at]))
        if key not in self._kept:
            rule = self.lift(self.program.rules[at], fixed)
            self._kept[key] = (rule, str(rule or ""))
        return self._kept[key]

    def asking(self, at: int, fixed: Mapping[str, str]) -> str:
        """Give rules that say in which encounters conditions reach for rule number `at` and for what it asks."""
        rule, text = self.lifted(at, fixed)
        if rule is None:
            return ""
        key = (at, text)
        if key not in self._asking:
            self._asking[key] = "\n".join(_asking(at, rule, self.shared))
        return self._asking[key]

    def lift(self, rule: Rule, fixed: Mapping[str, str]) -> Rule | None:
        """Give any rule as a setting's program has it."""
        settled = rewrite.specialise(Program((rule,)), fixed)
        return rewrite.batch(settled, self.shared).rules[0] if settled.rules else None


def _asking(at: int, rule: Rule, shared: Collection[Signature]) -> Iterator[str]:
    encounter = rule.atom.arguments[0]
    body = tuple(part for part in rule.body if isinstance(part, Literal) and not part.negated)
    yield str(Rule(Function("reached", (at, encounter)), body))
    for _, condition in rule_conditions(rule):
        for part in condition:
            if isinstance(part, Literal) and part.atom.signature in shared:
                beside = tuple(it for it in condition if isinstance(it, Literal) and not it.negated)
                yield str(Rule(Function("reached", (part.atom, encounter)), (*body, *beside)))


def _questions(rule: Rule) -> tuple[str, ...]:
    """The questions whose setting decides what becomes of a rule."""
    if rule.atom.name == "reading":
        return ()
    atoms = (part.atom for _, condition in rule_conditions(rule) for part in condition if isinstance(part, Literal))
    return tuple(str(atom.arguments[0]) for atom in atoms if atom.signature == ("reading", 2))


class _ChangedEngine(Engine):
    """The engine over a law in which one rule stands otherwise."""

    lifted: list[Rule | None]
    texts: list[str]
    change: tuple[int, Rule | None] | None = None

    def _law(self, present: frozenset[str]) -> str:
        at, instead = self.change or (-1, None)
        texts = (str(instead or "") if n == at else self.texts[n] for n in self._possible(present))
        return "\n".join([*texts, *_shown()])

    def possible_for(self, charts: Iterable[Facts], shared: Iterable[str]) -> list[int]:
        """The rules that can apply to these charts."""
        present = {fact.predicate for facts in charts for fact in facts.own}
        present |= {fact.partition("(")[0] for fact in shared} | ({"open"} if self.open else set())
        return self._possible(frozenset(present))

    def _possible(self, present: frozenset[str]) -> list[int]:
        """The rules that can apply where only facts of these predicates are given."""
        if present not in self.possible:
            heads, kept = set(present), set[int]()
            waiting = [(n, rule.atom.name, _needs(rule)) for n, rule in enumerate(self.lifted) if rule is not None]
            while True:
                ready = [it for it in waiting if heads.issuperset(it[2])]
                if not ready:
                    break
                kept.update(n for n, _, _ in ready)
                heads.update(head for _, head, _ in ready)
                waiting = [it for it in waiting if it[0] not in kept]
            self.possible[present] = sorted(kept)
        return self.possible[present]

    @cached_property
    def possible(self) -> dict[frozenset[str], list[int]]:
        return {}


def _needs(rule: Rule) -> set[str]:
    return {part.atom.name for part in rule.body if isinstance(part, Literal) and not part.negated}


def _shown() -> list[str]:
    return [f"#show {name}/{arity + 1}." for name, arity in SHOWN.items()]


class Setting:
    """All cases with one setting of the questions, and what the unchanged law says of them."""

    def __init__(self, base: Coder, lines: Lines, readings: case_files.Setting, cases: list[Case]) -> None:
        self.cases = cases
        self.lines = lines
        settings = base.policy.settings(dict(readings))
        self.fixed = {key: option for key, option in settings.items() if option is not None}
        self.coder = coder(base, readings)
        self.engine = _ChangedEngine(base.policy, dict(readings))
        kept = [lines.lifted(at, self.fixed) for at in range(len(lines.program.rules))]
        self.engine.lifted, self.engine.texts = [it[0] for it in kept], [it[1] for it in kept]
        self.facts = [base.facts(case.encounter) for case in cases]
        self.found = self.coder.code([case.encounter for case in cases])
        self.answers = self.engine.answer(self.facts)
        self.reached = self._reach()

    def _reach(self) -> dict[str, list[int]]:
        """Tell for each rule, and each atom of a shared table, the cases in which conditions reach for it.

        Only the positive conditions are asked for: where they fail, no change of the rule or the table can matter.
        """
        control = clingo.Control(["--warn=none"])
        shared = dict.fromkeys(fact for facts in self.facts for fact in facts.shared)
        possible = self.engine.possible_for(self.facts, shared)
        control.add("base", [], "\n".join(self.engine.texts[at] for at in possible))
        for at in possible:
            if self.lines.program.rules[at].atom.signature not in self.lines.shared:
                control.add("base", [], self.lines.asking(at, self.fixed))
        opened = "".join(f"open({key}).\n" for key in self.engine.open)
        control.add("base", [], "".join(f"{fact}.\n" for fact in shared) + opened)
        control.add("base", [], "".join(facts.batch_text(f"e{n}") for n, facts in enumerate(self.facts)))
        control.ground([("base", [])])
        found: dict[str, set[int]] = {}
        for atom in control.symbolic_atoms.by_signature("reached", 2):
            what, encounter = atom.symbol.arguments
            found.setdefault(str(what), set()).add(int(encounter.name[1:]))
        return {what: sorted(places) for what, places in found.items()}

    def failing(self) -> list[str]:
        """Give the cases that fail by the unchanged law."""
        return [
            f"{case.file}:{case.name}: {departures(case, found)}"
            for case, found in zip(self.cases, self.found, strict=True)
            if departures(case, found)
        ]

    def noticed(self, mutant: Mutant, places: Sequence[int]) -> str | None:
        """Give a case among those at `places` that fails by the changed law."""
        before = self.engine.lifted[mutant.at]
        after = self.lines.lift(mutant.instead, self.fixed) if mutant.instead is not None else None
        if before is None or before == after:
            return None
        self.engine.change = (mutant.at, after)
        try:
            sizes = iter(CHUNKS)
            while places:
                size = next(sizes, CHUNKS[-1])
                if case := self._noticed(places[:size]):
                    return case
                places = places[size:]
        except RuntimeError as error:  # the changed law is no program any more, or has no answer
            return str(error)
        finally:
            self.engine.change = None
        return None

    def _noticed(self, places: Sequence[int]) -> str | None:
        answers = self.engine.answer([self.facts[place] for place in places])
        for place, answer in zip(places, answers, strict=True):
            if answer != self.answers[place] and departures(self.cases[place], self._determined(place, answer)):
                return f"{self.cases[place].file}:{self.cases[place].name}"
        return None

    def _determined(self, place: int, answer: Answer) -> Determination:
        before, facts = self.found[place], self.facts[place]
        changes = {(_key(facts, it.subject), it.field): it.would_change for it in before.missing}
        return replace(self.coder.determiner.determine(facts, answer, changes), edits=before.edits)


def _key(facts: Facts, name: str) -> str:
    return next((key for key, known in facts.names.items() if known == name and key in facts.places), name)


class Judge:
    """Judges changes of the law by all cases."""

    def __init__(self, base: Coder) -> None:
        # what words and defaults say of the questions stays out, as in the solver's program
        kept = [rule for rule in base.policy.program.rules if rule.atom.name not in _WORDS]
        self.program = Program(tuple(kept))
        self.lines = Lines(base.policy, self.program)
        groups: dict[case_files.Setting, list[Case]] = {(): []}
        for case in [*worked("law"), *worked("published"), *options()]:
            groups.setdefault(case.setting(base.policy), []).append(case)
        self.settings = [Setting(base, self.lines, readings, cases) for readings, cases in groups.items() if cases]
        self.deep = _deep(self.program, self.lines.shared)

    def noticed(self, mutant: Mutant) -> str | None:
        """Give a case that fails by the changed law, or None."""
        asked = [(setting, self._places(setting, mutant)) for setting in self.settings]
        return next((case for setting, places in asked if places and (case := setting.noticed(mutant, places))), None)

    def _places(self, setting: Setting, mutant: Mutant) -> list[int]:
        """The cases that the change can concern."""
        rule = mutant.rule
        if rule.atom.signature not in self.lines.shared:
            return setting.reached.get(str(mutant.at), [])
        if rule.is_fact and rule.atom.signature not in self.deep:
            return setting.reached.get(str(rule.atom), [])
        return list(range(len(setting.cases)))


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
    parser.add_argument("--killers", action="store_true", help="say which case notices each change")
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    judge = Judge(Coder(Policy.load("out001")))
    if failing := [line for setting in judge.settings for line in setting.failing()]:
        print("these cases fail by the law as it stands:", *failing, sep="\n")
        return 2
    _JUDGES.append(judge)
    listed = [it for it in mutants(judge.program) if it.rule.file.endswith(chosen.only)]
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
    idle = [] if chosen.only else [key for key in known if key not in {mutant.key for mutant in survivors}]
    for rule, clause, change in idle:
        print(f"mutation.toml explains [{rule}] clause {clause}, {change}, which a case notices or which is not there")
    print(
        f"{len(listed)} mutants, {len(listed) - len(survivors)} killed, {len(survivors) - alive} explained, "
        f"{alive} alive ({time.monotonic() - begun:.0f} s)"
    )
    return 1 if alive or idle else 0


if __name__ == "__main__":
    sys.exit(main())
