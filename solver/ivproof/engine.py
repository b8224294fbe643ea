"""The first engine: clingo grounds and solves the law over the facts of charts.

All charts of a call are grounded together by the batch rewriting. The program's own choices show whether an answer is
unique: the initial service among equals, the options of an open question, what a chart does not say. One answer set
is taken as *the* answer (each choice takes its first candidate, in an order that depends on the chart alone); what
holds in all answer sets and what holds in some (cautious and brave consequences) tell which charts have rival claims,
and only these are gone through one by one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import clingo

from ivproof import rewrite
from ivproof.facts import Facts
from ivproof.kept import Kept
from ivproof.law import language
from ivproof.law.terms import Function, Term, parse
from ivproof.policy import Policy

Atoms = Mapping[str, Sequence[tuple[Term, ...]]]
"""Atoms of one encounter by predicate: the arguments of each, in a fixed order."""

ClaimKey = frozenset[str]
"""What makes two claims the same: units by code, units by code and modifier, and what is not determined."""

CLAIM = {"total": 2, "total_with": 3, "undetermined": 1}
"""Predicates (with their arities) that a claim is compared by."""

SHOWN = {
    "unit": 5,
    "modifier": 3,
    "excluded": 3,
    "instead_of": 3,
    "missing": 3,
    "finding": 2,
    "picked_by": 2,
    "initial": 2,
    "reported_at": 2,
    "reported_with": 2,
    "drug_line": 3,
    "line_modifier": 2,
    "discarded_line": 4,
    "diagnosis_rank": 3,
    **CLAIM,
}
"""Predicates (with their arities) that a determination is made of."""

LAWS = 512
"""How many selections of rules are kept in memory."""

TRIED = 256
"""Up to so many ways of settling the choices of a chart are tried together with those of other charts."""

GROUP = 4
"""Charts whose rival claims are looked for together: what clingo has to tell apart grows faster than their number."""

WAYS = 64
"""So many ways of settling the open questions of charts are put to the solver together."""

LONG = 12
"""Charts of more administrations are answered with each way of settling their open questions as a chart of its own."""

FREE = "chosen"
"""The choice among services of equal rank."""

UNASKED = ""
"""The value of a choice that is not there, because nothing asks for it."""

OPEN = "reading"
"""The choice among the options of an open question."""


@dataclass(frozen=True, slots=True, order=True)
class Resolution:
    """One way of settling a choice: of a question, of a fact that the chart does not give, or among equals.

    `predicate` names the choice, `subject` what it is about (a question's key, a drug, an access site) and `value` what
    is     taken.
    """

    predicate: str
    subject: str
    value: str

    @property
    def choice(self) -> tuple[str, str]:
        """What is chosen: the predicate and what it is about."""
        return self.predicate, self.subject


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of several claims that a chart can lead to.

    `resolutions` is a smallest way of getting there; `others` are the further ways, among the choices that matter.
    """

    claim: ClaimKey
    atoms: Atoms
    resolutions: tuple[Resolution, ...]
    others: tuple[tuple[Resolution, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the law gives for one encounter: the atoms of the answer, and the rival claims where there are several.

    `supposed` are the choices about facts that the chart does not give, whether they matter or not.
    """

    atoms: Atoms
    alternatives: tuple[Alternative, ...] = ()
    supposed: tuple[tuple[str, str], ...] = ()


@dataclass
class _Choices:
    """The choices that a grounded program leaves, by encounter and by what is chosen."""

    literals: dict[str, dict[tuple[str, str], dict[str, int]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, encounter: str, resolution: Resolution, literal: int) -> None:
        self.literals[encounter].setdefault(resolution.choice, {})[resolution.value] = literal


class Engine:
    """Answers charts by one policy and one setting of its questions.

    >>> from ivproof.policy import Policy
    >>> engine = Engine(Policy.load("out001"), {})
    """

    def __init__(self, policy: Policy, readings: Mapping[str, str] | None = None) -> None:
        self.policy = policy
        self.settings = policy.settings(readings)
        self.open = sorted((key for key, option in self.settings.items() if option is None), key=lambda k: int(k[1:]))
        self._rules = policy.batch_rules(self.settings)
        self._first = {key: policy.questions[key].options[0].name for key in self.open}
        self._laws: dict[frozenset[str], str] = {}

    def _law(self, present: frozenset[str]) -> str:
        """The rules that can apply where only the facts of these predicates are given.

        Preparing a rule costs the solver the same whether it can apply or not, and for a single chart that is most of
        the time.
        """
        if present not in self._laws:
            if len(self._laws) > LAWS:
                self._laws.clear()
            possible, kept, waiting = set(present), [], list(enumerate(self._rules))
            while True:
                ready = [(n, rule) for n, rule in waiting if possible.issuperset(rule.needs)]
                if not ready:
                    break
                kept += ready
                waiting = [(n, rule) for n, rule in waiting if not possible.issuperset(rule.needs)]
                possible.update(rule.head for _, rule in ready)
            self._laws[present] = "\n".join(rule.text for _, rule in sorted(kept)) + "\n" + _show(SHOWN)
        return self._laws[present]

    def answer(self, charts: Sequence[Facts]) -> list[Answer]:
        """Give the answer of each encounter, in the order given."""
        answers: list[Answer | None] = [
            self._answer_long(facts) if len(facts.encounter.administrations) > LONG else None for facts in charts
        ]
        others = iter(self._together([facts for facts, it in zip(charts, answers, strict=True) if it is None]))
        return [next(others) if it is None else it for it in answers]

    def plain(self, charts: Sequence[Facts]) -> list[Atoms]:
        """Give the answer of each encounter with the first option held of every open question: sooner than `answer`."""
        keys = {f"e{n}": facts for n, facts in enumerate(charts)}
        control, _ = self._ground(keys, held=[self._first] * len(charts))
        found = _by_encounter(_model(control))
        return [_sort(found.get(key, {})) for key in keys]

    def _answer_long(self, facts: Facts) -> Answer | None:
        """Answer a chart of many administrations, or give None where it has other choices to make."""
        control, _ = self._ground({"e0": facts}, held=[self._first])
        return self._settle_each({"e0": facts}, self._asked(control, ["e0"])).get("e0")

    def _asked(self, control: clingo.Control, keys: Iterable[str]) -> dict[str, list[str]]:
        """The open questions that each chart of a grounded program raises."""
        conditional = {str(atom.symbol.arguments[0]) for atom in control.symbolic_atoms.by_signature("conditional", 1)}
        raised = {tuple(map(str, atom.symbol.arguments)) for atom in control.symbolic_atoms.by_signature("raised", 2)}
        return {key: [it for it in self.open if it not in conditional or (key, it) in raised] for key in keys}

    def _settle_each(self, charts: Mapping[str, Facts], asked: Mapping[str, Sequence[str]]) -> dict[str, Answer]:
        """Answer charts with each way of settling their open questions as a chart of its own, in which all is certain.

        With a question open, times and counts become guesses, and grounding grows with every combination of them. Left
        out are charts that have other choices to make, or too many ways.
        """
        plans = {}
        for key, questions in asked.items():
            options = {
                (OPEN, it): dict.fromkeys((option.name for option in self.policy.questions[it].options), 0)
                for it in questions
            }
            plan = _Plan(options, {0})
            if questions and len(plan.ways) <= TRIED:
                plans[key] = plan
        tried = [(key, n) for key, plan in plans.items() for n in range(len(plan.ways))]
        unsure: set[str] = set()
        for start in range(0, len(tried), WAYS):
            group = {f"w{m}": at for m, at in enumerate(tried[start : start + WAYS])}
            held = [
                self._first | {question: value for (_, question), value in plans[key].values(n)}
                for key, n in group.values()
            ]
            control, choices = self._ground({way: charts[key] for way, (key, _) in group.items()}, held=held)
            if _undecided(control):
                unsure |= {group[way][0] for way in _rivals(control, group)}
            unsure |= {group[way][0] for way, by in choices.literals.items() if any(it[0] != FREE for it in by)}
            found = _by_encounter(_model(control))
            for way, (key, n) in group.items():
                plans[key].note(n, found.get(way, {}))
        answers = {}
        for key, plan in plans.items():
            if key not in unsure:
                alternatives = plan.alternatives()
                answers[key] = Answer(_sort(plan.first()), alternatives if len(alternatives) > 1 else ())
        return answers

    def _together(self, charts: Sequence[Facts]) -> list[Answer]:
        """Answer charts in one program, with the open questions as choices."""
        if not charts:
            return []
        keys = {f"e{n}": facts for n, facts in enumerate(charts)}
        control, choices = self._ground(keys)
        found = {key: _sort(atoms) for key, atoms in _by_encounter(_model(control)).items()}
        undecided = _undecided(control)
        asked = self._asked(control, [key for key in keys if key in undecided])
        settled = self._settle_each(keys, asked)
        explored = {key: answer.alternatives for key, answer in settled.items()}
        open_ = [key for key in keys if key in undecided and key not in settled]
        for start in range(0, len(open_), GROUP):
            explored |= self._explore({key: keys[key] for key in open_[start : start + GROUP]})
        supposed = {
            key: tuple(sorted(it for it in by if it[0] not in {FREE, OPEN})) for key, by in choices.literals.items()
        }
        return [Answer(found.get(key, {}), explored.get(key, ()), supposed.get(key, ())) for key in keys]

    def possible(self, charts: Sequence[Facts]) -> list[frozenset[str]]:
        """Give, for each encounter, the atoms that some claim of it has: much faster than to tell the claims apart."""
        keys = {f"e{n}": facts for n, facts in enumerate(charts)}
        control, _ = self._ground(keys)
        # one candidate preferred over the others would make each answer set much like the one before
        control.configuration.solver.heuristic = "Vsids"  # type: ignore[union-attr]
        found: dict[str, set[str]] = {key: set() for key in keys}
        for text in _consequences(control, "brave", ()):
            found[text[text.index("(") + 1 :].partition(",")[0]].add(_strip(text))
        return [frozenset(found[key]) for key in keys]

    def _ground(
        self,
        keys: Mapping[str, Facts],
        observer: clingo.Observer | None = None,
        held: Sequence[Mapping[str, str]] | None = None,
    ) -> tuple[clingo.Control, _Choices]:
        """Ground the law over charts; `held` settles the open questions of each of them."""
        control = clingo.Control(["--warn=none", "--heuristic=Domain"])
        if observer is not None:
            control.register_observer(observer)
        shared = dict.fromkeys(fact for facts in keys.values() for fact in facts.shared)
        present = {fact.predicate for facts in keys.values() for fact in facts.own}
        present |= {fact.partition("(")[0] for fact in shared}
        if self.open:
            present.add("open" if held is None else "reading")
        control.add("base", [], self._law(frozenset(present)))
        control.add(
            "base",
            [],
            "".join(f"{fact}.\n" for fact in shared) + self._questions(keys, held),
        )
        control.add("base", [], "".join(facts.batch_text(key) for key, facts in keys.items()))
        control.ground([("base", [])])
        choices = _Choices()
        self._prefer(control, keys, choices)
        return control, choices

    def _questions(self, keys: Iterable[str], held: Sequence[Mapping[str, str]] | None) -> str:
        """The facts that open the open questions, or settle them for each chart."""
        if held is None:
            return "".join(f"open({key}).\n" for key in self.open)
        pairs = zip(keys, held, strict=True)
        return "".join(f"reading({key},{question},{it}).\n" for key, by in pairs for question, it in by.items())

    def _prefer(self, control: clingo.Control, keys: Mapping[str, Facts], choices: _Choices) -> None:
        """Let each choice take its first candidate, in an order that depends on the chart alone."""
        found: list[tuple[str, Resolution, int, tuple[Any, ...]]] = []
        positions: dict[str, dict[str, int]] = {}
        for name, arity in CHOICES.items():
            for atom in control.symbolic_atoms.by_signature(name, arity):
                if atom.is_fact:
                    continue
                encounter, *arguments = map(str, atom.symbol.arguments)
                resolution = resolution_of(name, arguments)
                if encounter not in positions:
                    positions[encounter] = _positions(keys[encounter])
                rank = self._rank(positions[encounter], resolution)
                found.append((encounter, resolution, atom.literal, rank))
        if not found:
            return
        found.sort(key=lambda it: (it[1].predicate == FREE, it[0], it[1].choice, it[3]))
        with control.backend() as backend:
            for n, (encounter, resolution, literal, _) in enumerate(found):
                choices.add(encounter, resolution, literal)
                level = len(found) - n
                backend.add_heuristic(literal, clingo.backend.HeuristicType.True_, level, level, [])

    def _rank(self, positions: Mapping[str, int], resolution: Resolution) -> tuple[Any, ...]:
        if resolution.predicate == OPEN:
            names = [option.name for option in self.policy.questions[resolution.subject].options]
            return (names.index(resolution.value),)
        return (_position(positions, resolution.value), resolution.value)

    # --- rival claims

    def _explore(self, charts: Mapping[str, Facts]) -> dict[str, tuple[Alternative, ...]]:
        """List the distinct claims of those charts that have several, each with a smallest way to it.

        The charts are independent of each other, so one answer set tries one way in each of them.
        """
        used = _Used()
        control, choices = self._ground(charts, used)
        rivals = _rivals(control, charts)
        plans = {key: _Plan(choices.literals[key], used.body) for key in charts if key in rivals}
        alone = {key for key, plan in plans.items() if plan.entangled or len(plan.ways) > TRIED}
        while True:
            together = {key: plan for key, plan in plans.items() if key not in alone}
            unsure = self._try_together(control, together)
            if not unsure:
                break
            alone |= unsure
        found = {key: plan.alternatives() for key, plan in together.items()}
        return {key: found.get(key) or self._alternatives(charts[key]) for key in plans}

    def _try_together(self, control: clingo.Control, plans: Mapping[str, _Plan]) -> set[str]:
        """Try every way of every plan; give the charts in which equals lead to different claims."""
        unsure: set[str] = set()
        for n in range(max((len(plan.ways) for plan in plans.values()), default=0)):
            wanted = [literal for plan in plans.values() for literal in plan.literals(n)]
            by = _by_encounter(_model(control, wanted))
            trying = {key: plan for key, plan in plans.items() if n < len(plan.ways)}
            for key, plan in trying.items():
                plan.note(n, by.get(key, {}))
            if any(plan.free for plan in trying.values()):
                unsure |= _rivals(control, {key: plan for key, plan in trying.items() if plan.free}, wanted)
        return unsure

    def _alternatives(self, facts: Facts) -> tuple[Alternative, ...]:
        """List the distinct claims of one chart by itself, where choices hang on each other or on equals."""
        used = _Used()
        control, choices = self._ground({"e0": facts}, used)
        plan = _Plan(choices.literals["e0"], used.body)
        _project(control)
        table: Table = {}
        for n, values in enumerate(plan.ways):
            if claims := _claims(control, plan.literals(n)):
                table[values] = claims
        live, table = _without_idle(plan.live, table)
        found = []
        for claim in dict.fromkeys(claim for claims in table.values() for claim in sorted(claims, key=sorted)):
            leading = [values for values, claims in table.items() if claim in claims]
            smallest, others = _smallest(live, table, claim, leading)
            wanted = plan.settle(dict(zip(live, leading[0], strict=True)))
            atoms = _sort(_by_encounter(_model(control, wanted, claim))["e0"])
            initial = _free_resolutions(atoms, choices.literals["e0"]) if len(table[leading[0]]) > 1 else ()
            found.append(Alternative(claim, atoms, (*smallest, *initial), others))
        return tuple(found)


class _Plan:
    """The ways of settling the choices of one chart that can change anything, and what each leads to."""

    def __init__(self, ways: Mapping[tuple[str, str], Mapping[str, int]], used: set[int]) -> None:
        self._literals = ways
        idle = {choice for choice, values in ways.items() if choice[0] == OPEN and used.isdisjoint(values.values())}
        self._fixed = [next(iter(ways[choice].values())) for choice in idle]
        self.live = [choice for choice in ways if choice[0] != FREE and choice not in idle]
        self.free = any(choice[0] == FREE for choice in ways)
        # what is supposed of a fact may itself hang on a reading, or on what else is supposed
        self.entangled = any(choice[0] not in {FREE, OPEN} for choice in self.live)
        self.ways: list[Assignment] = list(product(*(self._values(choice) for choice in self.live)))
        self._found: dict[Assignment, tuple[ClaimKey, dict[str, list[str]]]] = {}

    def literals(self, n: int) -> list[int]:
        """What to assume for the nth way; the last one where there are fewer."""
        return self.settle(dict(zip(self.live, self.ways[min(n, len(self.ways) - 1)], strict=True)))

    def settle(self, values: Mapping[tuple[str, str], str]) -> list[int]:
        """What to assume for these values of some choices."""
        wanted = list(self._fixed)
        for choice, value in values.items():
            literals = self._literals[choice]
            wanted += [literals[value]] if value != UNASKED else [-literal for literal in literals.values()]
        return wanted

    def _values(self, choice: tuple[str, str]) -> list[str]:
        """What a choice may take; what is supposed of a fact may also not be asked for, as others are settled."""
        return [*self._literals[choice], *([UNASKED] if choice[0] not in {FREE, OPEN} else [])]

    def values(self, n: int) -> list[tuple[tuple[str, str], str]]:
        """What the nth way takes for each choice."""
        return list(zip(self.live, self.ways[n], strict=True))

    def note(self, n: int, atoms: dict[str, list[str]]) -> None:
        """Keep what the nth way leads to."""
        claim = frozenset(f"{name}({arguments})" for name in CLAIM for arguments in atoms.get(name, ()))
        self._found[self.ways[n]] = (claim, atoms)

    def first(self) -> dict[str, list[str]]:
        """Give the atoms that the first way leads to."""
        return self._found[self.ways[0]][1]

    def alternatives(self) -> tuple[Alternative, ...]:
        """Give the distinct claims in the order in which they were found."""
        live, table = _without_idle(self.live, {way: frozenset([claim]) for way, (claim, _) in self._found.items()})
        kept = [self.live.index(choice) for choice in live]
        found = []
        for claim in dict.fromkeys(claim for claim, _ in self._found.values()):
            leading = [values for values, claims in table.items() if claim in claims]
            smallest, others = _smallest(live, table, claim, leading)
            first = next(
                atoms
                for way, (other, atoms) in self._found.items()
                if other == claim and tuple(way[n] for n in kept) == leading[0]
            )
            found.append(Alternative(claim, _sort(first), smallest, others))
        return tuple(found)


# --- Ground programs and models


class _Used(clingo.Observer):
    """Notes which literals stand in a rule's body, so that questions which touch nothing can be told."""

    def __init__(self) -> None:
        self.body: set[int] = set()

    def rule(self, choice: bool, head: Sequence[int], body: Sequence[int]) -> None:
        self.body.update(map(abs, body))

    def weight_rule(self, choice: bool, head: Sequence[int], lower_bound: int, body: Sequence[tuple[int, int]]) -> None:
        self.body.update(abs(literal) for literal, _ in body)


CHOICES = {
    FREE: 3,
    OPEN: 3,
    "supposed_class": 3,
    "supposed_reason": 2,
    "supposed_sites": 2,
    "supposed_lesions": 2,
}


def resolution_of(name: str, arguments: Sequence[str]) -> Resolution:
    """Give the way of settling a choice that an atom of its predicate is."""
    if name == FREE:
        return Resolution(name, arguments[1], arguments[0])
    return Resolution(name, "", arguments[0]) if len(arguments) == 1 else Resolution(name, arguments[0], arguments[1])


def _show(predicates: Mapping[str, int]) -> str:
    return "".join(f"#show {name}/{arity + 1}.\n" for name, arity in predicates.items())


def _positions(facts: Facts) -> dict[str, int]:
    """The positions of a chart's administrations, by their constants."""
    pairs = (fact.arguments.split(",") for fact in facts.own if fact.predicate == "order_of")
    return {administration: int(position) for administration, position in pairs}


def candidate_rank(facts: Facts) -> Callable[[str], tuple[int, str]]:
    """Give what ranks the candidates of a chart's choices: the first of them is taken where nothing else decides."""
    positions = _positions(facts)
    return lambda value: (_position(positions, value), value)


def _position(positions: Mapping[str, int], subject: str) -> int:
    """The position of the first administration that a term names; 0 where it names none."""
    term = parse(subject)
    while isinstance(term, Function):
        if term.name in positions:
            return positions[term.name]
        if not term.arguments:
            break
        term = term.arguments[0]
    return 0


def _model(control: clingo.Control, assumptions: Iterable[int] = (), claim: ClaimKey | None = None) -> list[str]:
    """The shown atoms of the first answer set, where `claim` is given of the first that makes that claim."""
    wanted: list[tuple[clingo.Symbol, bool] | int] = [*assumptions]
    if claim is not None:
        wanted += [
            (clingo.parse_term(f"{atom[: atom.index('(')]}(e0,{atom[atom.index('(') + 1 :]}"), True) for atom in claim
        ]
    control.configuration.solve.enum_mode = "auto"  # type: ignore[union-attr]
    with control.solve(assumptions=wanted, yield_=True) as handle:
        model = handle.model()
        if model is None:
            raise RuntimeError("the law has no answer set; choices and strata forbid that")
        return [str(symbol) for symbol in model.symbols(shown=True)]


def _consequences(control: clingo.Control, mode: str, assumptions: Sequence[int]) -> set[str]:
    control.configuration.solve.enum_mode = mode  # type: ignore[union-attr]
    control.configuration.solve.models = 0  # type: ignore[union-attr]
    last: set[str] = set()

    def keep(model: clingo.Model) -> None:
        last.update(str(it) for it in model.symbols(shown=True) if it.name in CLAIM)

    # each model narrows (or widens) the set; reading only the last one saves most of the time
    control.solve(assumptions=list(assumptions), on_last=keep)
    control.configuration.solve.enum_mode = "auto"  # type: ignore[union-attr]
    control.configuration.solve.models = 1  # type: ignore[union-attr]
    return last


def _undecided(control: clingo.Control) -> set[str]:
    """The encounters whose claim grounding alone does not settle; the others have no rival claims."""
    return {
        str(atom.symbol.arguments[0])
        for name, arity in CLAIM.items()
        for atom in control.symbolic_atoms.by_signature(name, arity + 1)
        if not atom.is_fact
    }


def _rivals(control: clingo.Control, keys: Iterable[str], assumptions: Sequence[int] = ()) -> set[str]:
    """The encounters with more than one claim: what some answer set says and not all of them."""
    differing = _consequences(control, "brave", assumptions) ^ _consequences(control, "cautious", assumptions)
    return {text[text.index("(") + 1 :].partition(",")[0] for text in differing}.intersection(keys)


def _project(control: clingo.Control) -> None:
    """Let answer sets that make the same claim count as one."""
    atoms = [
        atom.literal
        for name, arity in CLAIM.items()
        for atom in control.symbolic_atoms.by_signature(name, arity + 1)
        if not atom.is_fact
    ]
    with control.backend() as backend:
        backend.add_project(atoms)


def _by_encounter(shown: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for text in shown:
        name, _, rest = text.partition("(")
        encounter, _, arguments = rest[:-1].partition(",")
        found.setdefault(encounter, {}).setdefault(name, []).append(arguments)
    return found


def _sort(atoms: Mapping[str, Iterable[str]]) -> Atoms:
    return {name: [_arguments(text) for text in sorted(texts)] for name, texts in sorted(atoms.items())}


def _arguments(text: str) -> tuple[Term, ...]:
    term = parse(f"atom({text})")
    return term.arguments if isinstance(term, Function) else (term,)


# --- Assignments and the claims that they lead to

Assignment = tuple[str, ...]
Table = dict[Assignment, frozenset[ClaimKey]]


def _claims(control: clingo.Control, assumptions: Sequence[int]) -> frozenset[ClaimKey]:
    """The claims of all answer sets under assumptions."""
    control.configuration.solve.models = 0  # type: ignore[union-attr]
    control.configuration.solve.project = "project"  # type: ignore[union-attr]
    found: set[ClaimKey] = set()
    with control.solve(assumptions=list(assumptions), yield_=True) as handle:
        for model in handle:
            found.add(frozenset(_strip(str(it)) for it in model.symbols(shown=True) if it.name in CLAIM))
    control.configuration.solve.models = 1  # type: ignore[union-attr]
    control.configuration.solve.project = "no"  # type: ignore[union-attr]
    return frozenset(found)


def _strip(text: str) -> str:
    """An atom without its encounter."""
    name, _, rest = text.partition("(")
    return f"{name}({rest.partition(',')[2]}"


def _without_idle(live: list[tuple[str, str]], table: Table) -> tuple[list[tuple[str, str]], Table]:
    """Drop the choices that change nothing, whatever the others are."""
    for choice in list(live):
        at = live.index(choice)
        rest: dict[Assignment, set[frozenset[ClaimKey]]] = {}
        for values, claims in table.items():
            rest.setdefault(values[:at] + values[at + 1 :], set()).add(claims)
        if all(len(claims) == 1 for claims in rest.values()):
            live = live[:at] + live[at + 1 :]
            table = {values: next(iter(claims)) for values, claims in rest.items()}
    return live, table


def _smallest(
    live: Sequence[tuple[str, str]], table: Table, claim: ClaimKey, leading: Sequence[Assignment]
) -> tuple[tuple[Resolution, ...], tuple[tuple[Resolution, ...], ...]]:
    """A smallest partial assignment that leads to the claim, and every full one beside the first."""

    def leads(partial: Mapping[int, str]) -> bool:
        agreeing = (
            claims for values, claims in table.items() if all(values[n] == value for n, value in partial.items())
        )
        return all(claim in claims for claims in agreeing)

    kept = dict(enumerate(leading[0]))
    for n in list(kept):
        without = {m: value for m, value in kept.items() if m != n}
        if leads(without):
            kept = without

    def spell(values: Mapping[int, str]) -> tuple[Resolution, ...]:
        return tuple(Resolution(*live[n], value) for n, value in values.items() if value != UNASKED)

    return spell(kept), tuple(spell(dict(enumerate(values))) for values in leading[1:])


def _free_resolutions(atoms: Atoms, ways: Mapping[tuple[str, str], Mapping[str, int]]) -> tuple[Resolution, ...]:
    """Which of several equals the claim makes initial."""
    free = {subject for predicate, subject in ways if predicate == FREE}
    initial = ((str(service), str(scope)) for service, scope in atoms.get("initial", ()))
    return tuple(Resolution(FREE, scope, service) for service, scope in initial if scope in free)


# --- Programs without choices


def consequences(program: str) -> dict[str, list[str]]:
    """Give what a program without choices derives, by predicate, as the text of the atoms."""
    control = clingo.Control(["--warn=none"])
    control.add("base", [], program)
    control.ground([("base", [])])
    found: dict[str, list[str]] = {}
    for atom in control.symbolic_atoms:
        found.setdefault(atom.symbol.name, []).append(str(atom.symbol))
    return found


def derive(program: str, predicates: Mapping[str, int]) -> dict[str, dict[str, list[str]]]:
    """Give what a program without choices derives: by first argument and predicate, the text of the other arguments."""
    control = clingo.Control(["--warn=none"])
    control.add("base", [], program)
    control.ground([("base", [])])
    found: dict[str, dict[str, list[str]]] = {}
    for name, arity in predicates.items():
        for atom in control.symbolic_atoms.by_signature(name, arity):
            inner = str(atom.symbol)[len(name) + 1 : -1]
            first, _, rest = inner.partition(",")
            found.setdefault(first, {}).setdefault(name, []).append(rest)
    return found


# --- The claim edits


def edit_solver(law: Path) -> Callable[[Sequence[tuple[str, ...]]], list[list[str]]]:
    """Give a function that solves the claim edits: from the facts of each claim to the atoms of its verdict."""
    kept: list[str] = []

    def text() -> str:
        if not kept:
            source = law.read_text("utf-8")
            digest = hashlib.sha256(source.encode()).hexdigest()
            kept.append(Kept(digest).get("edits", lambda: _edit_program(source)))
        return kept[0]

    def solve(claims: Sequence[tuple[str, ...]]) -> list[list[str]]:
        control = clingo.Control(["--warn=none"])
        control.add("base", [], text())
        control.add("base", [], "".join(_lifted(f"e{n}", fact) for n, facts in enumerate(claims) for fact in facts))
        control.ground([("base", [])])
        found: list[list[str]] = [[] for _ in claims]
        for shown in _model(control):
            key = shown[shown.index("(") + 1 :].partition(",")[0]
            found[int(key[1:])].append(_strip(shown))
        return found

    return solve


def _edit_program(source: str) -> str:
    program = rewrite.batch(language.load({"edits.lp": source}), ())
    return program.text + "#show edit/4.\n"


def _lifted(key: str, fact: str) -> str:
    name, bracket, rest = fact.partition("(")
    return f"{name}({key},{rest}.\n" if bracket else f"{name}({key}).\n"
