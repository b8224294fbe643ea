"""Explanations as data: why a unit is on the claim, step by step, each with its rule and what it rests on.

A step says in the words of its rule what follows, and from what: facts of the chart with their places, lengths against
their thresholds, other steps, what did not hold, what was counted, what was left to choice, and which reading was held.
What several steps rest on is told once and referred to after that. Helpers of the law (positions, segments, the layer
of time) are folded into the step that asks for them, unless every detail is wanted. Words for people come after this,
in `render`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Annotated, Any

from ivproof.claim.statements import Absent, Applies, Holds, Reads, Statement, as_dict, with_values
from ivproof.formats.output import After, Called, Described
from ivproof.law.policy import Policy
from ivproof.law.syntax import Choice, Literal, Rule
from ivproof.law.terms import Function, Term, parse
from ivproof.law.trace import Counted, Instance
from ivproof.why.absence import Absence, match
from ivproof.why.counting import RANK, counted_words, kind_counted
from ivproof.why.derivation import Derivation
from ivproof.why.instead import instead
from ivproof.why.lacking import Lacking, pattern_of
from ivproof.why.measures import Measures, strongest
from ivproof.why.naming import Names

TECHNICAL_FILES = ("time.lp",)
"""Files whose predicates are folded into the steps that ask for them."""

_TECHNICAL = """
unit reported code_class initial_service infusion push drug_service fluid service run_of part includes gives substance
holds contends candidate stands_for_initial site_scope raw_access at_access on_line line home main_site plain_site
plain_before has_main_site bout_at bout_fluid bout_includes bout_holds has_clock stretch outpatient flows flows_from
chain chain_at piece_of drug_flows runs_on injection_counts concurrent_in first_concurrent vein listed_at day_of
has_no_code stands_still needed restarted takes_from leaves_to precedes chemotherapy_drug fluid_drug
reported_visit is_left_out concurrent_may_stand site_of_service access_order untimed_service given_as_push has_purpose
repeat_role leaders claimed claimed_with flows_at_all counted_with_other first_by_letter
highest_rank hydration_role first_hour_lacking initial_at_own_site beside_initial
"""
TECHNICAL = frozenset(_TECHNICAL.split())
"""Predicates outside these files that are folded too: they say the same thing again, or carry it on."""

REPEATING = {
    "class-of-single": "class_of",
    "left-out": "left_out",
    "chain-excluded": "not_reported_chain",
    "push-without-code": "without_code",
}
"""Rules that are folded although others with their conclusion are told: they only hand on an atom of that predicate."""

LEAVING_OUT = frozenset({"excluded", "left_out"})
"""Predicates that keep something from the claim."""

CITED = "cited"
"""A line that is not told: a rule whose citation goes to the step that its own step was folded into."""

COMPARING = {"leads": "unsurpassed"}
"""Predicates that pick one of several, and what they pick from."""

_QUIET = """
encounter administration charted_position order_of service_position diagnosis_position on_day access_site
product billable considered text_applies position candidates service_date reached_date begins_on hour_mark active_mark
threshold interval first_hour_role initial_role charted_to_the_second in_scope scope access single_access counts_as
"""
QUIET = frozenset(_QUIET.split())
"""Predicates that are left out unless every detail is wanted: they hold of everything, or only break ties."""


@dataclass(frozen=True, slots=True)
class Line(Described):
    """One thing that a step rests on.

    `kind` is ``fact`` (of the chart), ``list`` (of the drug list), ``table`` (of the law), ``step``, ``see`` (a step
    told before, by its number), ``measure``, ``counted``, ``not``, ``reading``, ``choice`` or ``also`` (another way).
    `says` are the statements behind its text.
    """

    kind: str
    text: str
    places: tuple[str, ...] = ()
    step: Step | None = None
    number: int | None = None
    rule: str = ""
    says: tuple[Statement, ...] = field(default=(), compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The line as plain data, without what is empty."""
        plain: dict[str, Any] = {"kind": self.kind, "text": self.text}
        if self.places:
            plain["places"] = list(self.places)
        if self.number is not None:
            plain["number"] = self.number
        if self.rule:
            plain["rule"] = self.rule
        if self.says:
            plain["says"] = [as_dict(it) for it in self.says]
        if self.step is not None:
            plain["step"] = self.step.as_dict()
        return plain


@dataclass(frozen=True, slots=True)
class Step(Described):
    """Something that follows: its number, sentence and rule, and what it rests on."""

    number: int
    atom: Annotated[str, After("source")]
    sentence: str
    rule: str
    citation: str
    source: str
    lines: Annotated[tuple[Line, ...], Called("because")]

    def walk(self) -> Iterable[Step]:
        """The step and every step told under it."""
        yield self
        for line in self.lines:
            if line.step is not None:
                yield from line.step.walk()


@dataclass(frozen=True, slots=True)
class Assumed(Described):
    """An option that was held of a question and that the explanation rests on.

    `matters` says whether it decides: whether another option by itself gives another claim (or other units of the code
    that is explained); `otherwise` has these claims, by letter: units by code; `leaves_open` the options that lead to
    no one claim, by letter, with the status that they lead to.
    """

    question: str
    name: str
    option: str
    says: str
    source: str
    matters: bool = False
    otherwise: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    leaves_open: Annotated[Mapping[str, str], Called("otherwise_status")] = field(default_factory=dict)


class Teller:
    """Tells steps of one derivation, each once; `decisive` are the choices (their predicates) that change the claim."""

    def __init__(
        self, policy: Policy, derivation: Derivation, *, detail: bool = False, decisive: Iterable[str] = ()
    ) -> None:
        self.policy = policy
        self.derivation = derivation
        self.names = Names(derivation.facts, derivation.merged, derivation.clock)
        self.absence = Absence(policy, derivation)
        self.measures = Measures(derivation, self.names)
        self.lacking = Lacking(derivation, self.absence, self.names, self.measures)
        self.detail = detail
        self.decisive = frozenset(decisive)
        self._cited = {it.id: it.header.citation for it in policy.program.rules if it.header}
        self._several_sites = len(derivation.facts.encounter.access_sites) > 1
        self._told: dict[str, int] = {}
        self._number = 0
        self._assumed: dict[str, None] = {}
        self._facts: set[str] = set()

    def fresh(self) -> Teller:
        """Something that tells steps of the same derivation from the beginning: nothing is told yet."""
        other = copy(self)
        other.names = Names(self.derivation.facts, self.derivation.merged, self.derivation.clock)
        other._told, other._number, other._assumed, other._facts = {}, 0, {}, set()
        return other

    # --- steps

    def step(self, atom: str) -> Line:
        """The step by which an atom follows, told now or before; a fact of the chart is a line of its own."""
        if atom in self._told:
            return Line("see", self.sentence(atom, full=False), number=self._told[atom], says=self._says(atom))
        reasons = self.derivation.reasons(atom)
        if not reasons:
            return self._given(atom)
        handed_on = self._handed_on(reasons[0])
        if handed_on:
            return self.step(handed_on)
        self._number += 1
        number = self._number
        self._told[atom] = number
        first, *others = reasons
        rule = first.rule
        sentence = self.sentence(atom)
        plain = self.sentence(atom, full=False)
        also = [it for it in (self._other(it, atom) for it in others) if it.text != plain]
        collected = self._lines(first, atom)
        lines = tuple(_once([*(it for it in collected if it.kind != CITED), *also]))
        citation = self._citation(rule, [it.rule for it in collected if it.kind == CITED])
        step = Step(number, atom, sentence, rule.id, citation, rule.place, lines)
        return Line("step", step.sentence, step=step, number=number, rule=rule.id, says=self._says(atom))

    def _says(self, atom: str) -> tuple[Statement, ...]:
        """What the sentence of an atom states: that it holds, by a rule with its values."""
        return (Holds(atom), *(applies(it) for it in self.derivation.reasons(atom)[:1]))

    def _citation(self, rule: Rule, folded: Iterable[str]) -> str:
        """What a step cites: its own rule's citation, and those of the rules that were folded into it and decide."""
        own = rule.header.citation if rule.header else ""
        others = [it for it in dict.fromkeys(folded) if it != rule.id]
        named = (f"[{it}] {self._cited[it]}" for it in others if self._cited[it] != own)
        return "; ".join(filter(None, (own, *named)))

    def unit(self, atom: str) -> tuple[Line, ...]:
        """What a unit of the claim rests on: what earns it, its class, and the entry of the table with its code."""
        lines: list[Line] = []
        for reason in self.derivation.reasons(atom)[:1]:
            self._collect(reason, atom, lines, {atom}, shown=False)
        code = _code_of(self.derivation, atom)
        if code and not self.detail:
            lines.append(self._given(code))
        return tuple(_once(it for it in lines if it.kind != CITED))

    def _handed_on(self, instance: Instance) -> str:
        """What a rule only hands on; "" for any other rule, and where every detail is wanted."""
        if not self.detail and instance.rule.atom.name in COMPARING and instance.head is not None:
            # what stands alone is the longest, or the first, of nothing
            return self._alone(parse(instance.head))
        name = "" if self.detail else REPEATING.get(instance.rule.id, "")
        return next((atom for atom in instance.positive if name and atom.startswith(f"{name}(")), "")

    def _alone(self, head: Term) -> str:
        """What a rule that picks one of several rests on where there is only one; "" where there are more."""
        if not isinstance(head, Function):
            return ""
        subject, scope = head.arguments
        equals = [it for it in self.derivation.of(COMPARING[head.name]) if it.arguments[1] == scope]
        return str(equals[0]) if len(equals) == 1 and equals[0].arguments[0] == subject else ""

    def sentence(self, atom: str, *, full: bool = True) -> str:
        """What an atom says, in the words of the rule that founds it."""
        reasons = self.derivation.reasons(atom)
        if not reasons:
            return self._given(atom).text
        return self.names.sentence(reasons[0].rule, reasons[0].bindings, atom, full=full)

    def assumed(self) -> tuple[Assumed, ...]:
        """The readings that the steps told so far rest on, in their order."""
        keys = sorted(self._assumed, key=lambda it: int(it[1:]))
        return tuple(self.held(self.policy.questions[key].number) for key in keys)

    def held(self, number: str) -> Assumed:
        """What is held of a question in this derivation."""
        question = self.policy.question(number)
        held = self.derivation.held[question.key]
        option = question.option(held.option)
        return Assumed(question.number, question.name, option.name, option.says, held.source)

    # --- what a step rests on

    def _lines(self, instance: Instance, head: str) -> list[Line]:
        lines: list[Line] = []
        self._collect(instance, head, lines, {head}, shown=True)
        kept = set(strongest(it.text for it in lines if it.kind == "measure"))
        return [it for it in lines if it.kind != "measure" or it.text in kept]

    def _collect(self, instance: Instance, head: str, lines: list[Line], seen: set[str], *, shown: bool) -> None:
        """Add what an applied rule rests on; where it is folded (not `shown`), only facts, lengths and steps."""
        counts = any(self._worth_counting(it, instance, shown=shown) for it in instance.aggregates)
        listed = {
            part.atom.name
            for it in instance.aggregates
            for element in it.source.elements
            for part in element.condition
            if isinstance(part, Literal)
        }
        for atom in instance.positive:
            # that there is something to count is seen from what was counted
            if counts and not self.detail and atom.partition("(")[0] in listed:
                self._note_readings(atom, seen)
            else:
                self._condition(atom, lines, seen, direct=shown)
        texts = self.measures.of(instance, all_of_them=self.detail)
        for text in texts:
            lines.append(Line("measure", text, rule=instance.rule.id, says=(applies(instance), *self.measures.behind)))
        for counted in instance.aggregates:
            told = self._worth_counting(counted, instance, shown=shown)
            if told:
                counted_atoms = (Holds(it) for way in counted.alternatives for it in way.positive)
                behind: tuple[Statement, ...] = (applies(instance), *counted_atoms)
                lines.append(Line("counted", counted_words(self.names, counted), says=behind))
            for atom in (atom for alternative in counted.alternatives for atom in alternative.positive):
                if told and not self.detail:
                    self._note_readings(atom, seen)
                else:
                    self._condition(atom, lines, seen)
        for alternative in instance.alternatives:
            if alternative.terms[0] == head:
                lines.append(self._choice(instance, head))
        if shown or self.detail:
            left_out = instance.rule.atom.name in LEAVING_OUT
            negations = (self._negation(atom, left_out=left_out) for atom in instance.negative)
            lines += [line for negation in negations for line in negation]
        for literal in instance.rule.settled:
            key = str(literal.atom.arguments[0])
            self._assumed.setdefault(key)
            if shown or counts or self.detail:
                lines.append(self._reading(key))

    def _condition(self, atom: str, lines: list[Line], seen: set[str], *, direct: bool = False) -> None:
        """Add one condition: as a step, as a fact (told once, unless the step names it itself), or folded."""
        if atom in seen:
            return
        seen.add(atom)
        name = atom.partition("(")[0]
        if not self.detail and name in QUIET and not self._joins_sites(atom):
            self._note_readings(atom, seen)
            return
        reasons = self.derivation.reasons(atom)
        if not reasons:
            told = atom in self._facts and not direct
            if atom in self.derivation.tables:
                self._cite(self.derivation.tables[atom], lines)
            if self.detail or not (told or self.derivation.origin(atom) == "law"):
                self._facts.add(atom)
                lines.append(self._given(atom))
        elif self.detail or not self._folded(name, reasons[0].rule):
            lines.append(self.step(atom))
        else:
            self._cite(reasons[0], lines)
            self._collect(reasons[0], atom, lines, seen, shown=False)

    def _joins_sites(self, atom: str) -> bool:
        """Whether an atom says that one site counts as another."""
        term = parse(atom) if atom.startswith("counts_as(") and self._several_sites else None
        return isinstance(term, Function) and term.arguments[0] != term.arguments[1]

    def _cite(self, instance: Instance, lines: list[Line]) -> None:
        """Hand the citation of a rule that is not told on to the step that stands for it, where the rule decides.

        It does where it looks at the chart, the drug list or a table itself, and the law has other rules by which the
        same could be concluded; what only carries a conclusion on, and arithmetic, decides nothing.
        """
        rule = instance.rule
        rivals = {it.id for it in self.absence.rules(rule.atom.signature)}
        looks = rule.is_fact or any(self._is_given(it) for it in instance.positive)
        if len(rivals) > 1 and looks and not self.detail and not self._technical(rule) and rule.header:
            lines.append(Line(CITED, rule.header.sentence, rule=rule.id))

    def _is_given(self, atom: str) -> bool:
        """Whether an atom is a fact that says something: of the chart, the drug list or a table of the law."""
        return atom.partition("(")[0] not in QUIET and not self.derivation.reasons(atom)

    def _note_readings(self, atom: str, seen: set[str]) -> None:
        """Take note of the readings behind something that is not told."""
        waiting = [atom]
        while waiting:
            for instance in self.derivation.reasons(waiting.pop())[:1]:
                self._assumed.update(dict.fromkeys(str(it.atom.arguments[0]) for it in instance.rule.settled))
                new = [it for it in instance.positive if it not in seen]
                seen.update(new)
                waiting += new

    def folds(self, rule: Rule) -> bool:
        """Whether a rule is told only when every detail is wanted."""
        return self._folded(rule.atom.name, rule) or rule.atom.name in QUIET

    def _folded(self, name: str, rule: Rule) -> bool:
        return name in TECHNICAL or rule.id in REPEATING or self._technical(rule)

    def _technical(self, rule: Rule) -> bool:
        return rule.file.endswith(TECHNICAL_FILES)

    def _given(self, atom: str) -> Line:
        """A line for something that no rule concludes."""
        name, _, rest = atom.partition("(")
        text = self.names.fact(name, rest[:-1])
        says = (Holds(atom),)
        match self.derivation.origin(atom):
            case "chart":
                places = (self.derivation.place(it.place) for it in self.derivation.chart[atom])
                return Line("fact", text, tuple(dict.fromkeys(places)), says=says)
            case "drug list":
                return Line("list", text, says=says)
            case "law":
                rule = self.derivation.tables[atom].rule
                said = self.names.sentence(rule, {}, atom)
                return Line("table", f"{text}. {said}" if rule.is_fact else said, rule=rule.id, says=says)
        return Line("fact", text, says=says)

    def _other(self, instance: Instance, atom: str) -> Line:
        text = self.names.sentence(instance.rule, instance.bindings, atom)
        return Line("also", text, rule=instance.rule.id, says=(applies(instance),))

    def _reading(self, key: str) -> Line:
        held, question = self.derivation.held[key], self.policy.questions[key]
        option = question.option(held.option)
        text = f"{question.number} ({question.name}) = {option.name}, {_SOURCES[held.source]}: {option.says}"
        return Line("reading", text, says=(Reads(key, held.option),))

    # --- what was counted, chosen, or did not hold

    def _worth_counting(self, counted: Counted, instance: Instance, *, shown: bool) -> bool:
        """Whether an aggregate is told: one of the layer of time only where it weighs lengths."""
        if len(counted.alternatives) < 2 and not self.detail:
            return False
        if not self._technical(instance.rule):
            return shown or kind_counted(self.names, counted) == RANK
        weighed = counted.source.function in {"#min", "#max"} and len(counted.alternatives) > 1
        return weighed and kind_counted(self.names, counted) == "length"

    def _choice(self, instance: Instance, head: str) -> Line:
        """What a choice offered, what was taken, and whether it matters."""
        offered = [it for it in (parse(it.terms[0]) for it in instance.alternatives) if isinstance(it, Function)]
        taken = parse(head)
        made = instance.rule.head
        condition = made.condition if isinstance(made, Choice) else ()
        # of two arguments, the second is what was chosen where the first is the same in all
        n = 1 if len({it.arguments[0] for it in offered}) == 1 and len(offered[0].arguments) > 1 else 0
        named = [self.names.term(it.arguments[n]) for it in offered]
        one = self.names.term(taken.arguments[n]) if isinstance(taken, Function) else head
        word = "either" if len(named) == 2 else "any"
        decides = head.partition("(")[0] in self.decisive
        same = "the claim depends on it" if decides else "the claim is the same"
        text = f"{word} could be taken: {', '.join(named)}; here it is {one}; {same}"
        parts = [it for it in condition if isinstance(it, Literal) and not it.negated]
        taken_from = ((it, match(instance.rule.atom, one, {}) or {}) for one in offered for it in parts)
        fitting = (next(self.absence.matches(it.atom, values), None) for it, values in taken_from)
        says = (Holds(str(it[0])) for it in fitting if it is not None)
        return Line("choice", text, says=(Holds(head), applies(instance), *says))

    def _worth_telling(self, atom: str) -> bool:
        name = atom.partition("(")[0]
        if self.detail:
            return True
        rules = self.absence.rules((name, _arity(atom)))
        return name not in QUIET | TECHNICAL and not (rules and self._technical(rules[0]))

    def _negation(self, atom: str, *, left_out: bool) -> Iterator[Line]:
        """Something that did not hold, and the nearest reason for that; nothing where there is nothing to tell.

        What is `left_out` is so because of what did not hold: a length that is short is then what it rests on.
        """
        others = list(instead(self.derivation, self.names, pattern_of(atom)))
        for it in others:
            yield Line("not", it.said, says=(Absent(atom), *map(Holds, it.atoms)))
            if parse_name(it.atoms[0]) == "initial":
                yield self.step(it.atoms[0])
        if others:
            return
        if not self._worth_telling(atom):
            return
        found = self.lacking.negation(atom)
        says = (Absent(atom), *found.says)
        if not found.said:
            yield Line(found.kind, found.reason, says=says)
        elif found.measured:
            # a length that is short says it all; how two moments stand to each other needs what it was looked at for
            if found.between and not left_out and not self.detail:
                yield Line("not", f"{found.said} — {found.reason}", rule=found.rule, says=says)
                return
            if self.detail:
                yield Line("not", found.said, rule=found.rule, says=says)
            yield Line("measure", found.reason, rule=found.rule, says=says)
        elif self.detail or (found.reason and not found.silent):
            text = " — ".join(it for it in (found.said, found.reason) if it)
            yield Line("not", text, rule=found.rule, says=says)


def applies(instance: Instance) -> Applies:
    """That a rule applied, with the values of its variables."""
    return Applies(instance.rule.id, instance.rule.clause, with_values(instance.bindings))


def _code_of(derivation: Derivation, unit: str) -> str:
    """The entry of the law's table of codes behind a unit."""
    for reason in derivation.reasons(unit)[:1]:
        for reported in reason.positive:
            for way in derivation.reasons(reported)[:1]:
                return next((atom for atom in way.positive if atom.startswith("code(")), "")
    return ""


def parse_name(atom: str) -> str:
    """The predicate of an atom by its text."""
    return atom.partition("(")[0]


def _arity(atom: str) -> int:
    return len(pattern_of(atom).arguments)


def _once(lines: Iterable[Line]) -> list[Line]:
    """The lines without repetitions."""
    return list(dict.fromkeys(lines))


_SOURCES = {"default": "the default", "set": "as set", "tried": "left open"}
