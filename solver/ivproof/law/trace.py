"""Traces programs: a label between body and head of every rule, from which an applied rule can be rebuilt.

Rule 7, ``head :- body``, becomes ``_f7(bindings) :- body.  head :- _f7(bindings).`` Alternative 0 of its
aggregates, or of a choice, gets ``_e(7, 0, (bindings), (own bindings)) :- _f7(bindings), condition.`` The
labels follow from what is there already, so the program keeps its answer sets. Each rule has a label of its
own, since one predicate for all would make one knot of the program: grounding takes twice as long. A label
carries nothing but values; the rest of an applied rule is compiled once per program and filled in when it is
asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from ivproof.law.syntax import (
    ANONYMOUS,
    Aggregate,
    Choice,
    Comparison,
    Element,
    Literal,
    Program,
    Rule,
    all_variables,
    fresh,
    global_variables,
    part_variables,
)
from ivproof.law.terms import (
    INFIMUM,
    SUPREMUM,
    Function,
    Signature,
    Template,
    Term,
    Variable,
    is_number,
    operations,
    order,
    parse,
    split,
)

_APPLIED = "_f"
_ALTERNATIVE = "_e"


@dataclass(frozen=True, slots=True)
class ComparedSides:
    """A comparison of an applied rule with the values of its two sides (``Gap > 30`` was ``35 > 30``)."""

    source: Comparison
    left: str
    right: str

    def __str__(self) -> str:
        """The comparison with its values."""
        return f"{self.left} {self.source.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class _Body:
    """The conditions of a rule or an element, compiled."""

    names: tuple[str, ...]
    positive: tuple[Template, ...]
    negative: tuple[Template, ...]
    comparisons: tuple[tuple[Comparison, Template, Template], ...]

    @classmethod
    def of(cls, condition: Iterable[Literal | Comparison], names: tuple[str, ...]) -> "_Body":
        parts = tuple(condition)
        literals = [part for part in parts if isinstance(part, Literal)]
        comparisons = [part for part in parts if isinstance(part, Comparison)]
        return cls(
            names,
            tuple(Template(part.atom, names) for part in literals if not part.negated),
            tuple(Template(part.atom, names) for part in literals if part.negated),
            tuple((part, Template(part.left, names), Template(part.right, names)) for part in comparisons),
        )


@dataclass(frozen=True, slots=True)
class _Applied:
    """What an instance and an alternative have in common: conditions, and the values of their variables."""

    _body: _Body
    _values: tuple[str, ...]

    @property
    def bindings(self) -> Mapping[str, str]:
        """Variable to the text of its value; each ``_`` of a positive literal is a variable Any, Any1, ..."""
        return dict(zip(self._body.names, self._values, strict=True))

    @property
    def positive(self) -> tuple[str, ...]:
        """The atoms that had to hold."""
        return tuple(template.fill(self._values) for template in self._body.positive)

    @property
    def negative(self) -> tuple[str, ...]:
        """The atoms that had to fail; ``_`` in one of them means: whatever the value."""
        return tuple(template.fill(self._values) for template in self._body.negative)

    @property
    def comparisons(self) -> tuple[ComparedSides, ...]:
        """The comparisons that had to hold, with their values."""
        return tuple(
            ComparedSides(source, left.fill(self._values), right.fill(self._values))
            for source, left, right in self._body.comparisons
        )


@dataclass(frozen=True, slots=True)
class ElementWay(_Applied):
    """One way to satisfy an element of an aggregate or a choice; ``bindings`` has its variables too.

    ``terms`` is the tuple that is counted; of a choice, the one atom that may be chosen.
    """

    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """An aggregate of an applied rule: everything that was counted, and the value of the bound."""

    source: Aggregate
    alternatives: tuple[ElementWay, ...]
    bound: str

    @property
    def value(self) -> str:
        """What the aggregate came to: each tuple of terms counts once, however many alternatives give it."""
        tuples = {alternative.terms for alternative in self.alternatives}
        if self.source.function == "#count":
            return str(len(tuples))
        first = [parse(terms[0]) for terms in tuples]
        if self.source.function == "#sum":
            return str(sum(filter(is_number, first)))
        if self.source.function == "#min":
            return str(min(first, key=order, default=SUPREMUM))
        return str(max(first, key=order, default=INFIMUM))

    def __str__(self) -> str:
        """Value, operator and bound."""
        return f"{self.value} {self.source.operator} {self.bound}"


@dataclass(frozen=True, slots=True)
class Instance(_Applied):
    """A rule of the law as it was applied once: its bindings, and all that made it applicable.

    ``head`` is the atom that it concludes. A choice has None there: its ``alternatives`` name the atoms,
    and those that hold in the answer set were chosen.
    """

    rule: Rule
    head: str | None
    aggregates: tuple[Counted, ...]
    alternatives: tuple[ElementWay, ...]


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of an aggregate or a choice, compiled; its values are the rule's and then its own."""

    body: _Body
    terms: tuple[Template, ...]

    def alternative(self, values: tuple[str, ...]) -> ElementWay:
        return ElementWay(self.body, values, tuple(template.fill(values) for template in self.terms))


@dataclass(frozen=True, slots=True)
class _Record:
    """A rule, compiled: all that is needed to rebuild its instances from the values in their labels.

    Each of ``aggregates`` has its bound and the numbers of its elements. A choice has no head and is
    element 0.
    """

    rule: Rule
    body: _Body
    head: Template | None
    elements: tuple[_Element, ...]
    aggregates: tuple[tuple[Aggregate, Template, range], ...]

    def instance(self, values: tuple[str, ...], found: Mapping[int, list[tuple[str, ...]]]) -> Instance:
        """The instance with ``values``, and by number of the element the values ``found`` for it."""
        head = self.head.fill(values) if self.head else None
        if not self.elements:
            return Instance(self.body, values, self.rule, head, (), ())
        groups = [
            tuple(element.alternative(values + own) for own in sorted(found.get(number, ())))
            for number, element in enumerate(self.elements)
        ]
        counted = (
            Counted(source, tuple(chain.from_iterable(groups[number] for number in numbers)), bound.fill(values))
            for source, bound, numbers in self.aggregates
        )
        return Instance(self.body, values, self.rule, head, tuple(counted), () if head else groups[0])


@dataclass(frozen=True)
class TracedProgram:
    """A program with labels: ``text`` for the solver, and the predicates of the labels, which it has to show.

    ``facts`` are the facts of the law; they hold always and have no label.
    """

    text: str
    labels: tuple[Signature, ...]
    facts: tuple[Instance, ...]
    _records: Mapping[int, _Record]

    @property
    def show(self) -> str:
        """Statements with which the solver shows the labels and, where nothing else says so, nothing else."""
        return "".join(f"#show {name}/{arity}.\n" for name, arity in self.labels)

    def instances(self, symbols: Iterable[str]) -> list[Instance]:
        """The applied rules that ``symbols`` (the texts of the shown atoms) tell of, in their order.

        Texts that are no labels are passed over.
        """
        applied: list[tuple[int, tuple[str, ...]]] = []
        found: defaultdict[tuple[int, tuple[str, ...]], dict[int, list[tuple[str, ...]]]] = defaultdict(dict)
        for text in symbols:
            if text.startswith(_APPLIED):
                applied.append((int(text[2:].partition("(")[0]), split(text)))
            elif text.startswith(_ALTERNATIVE):
                index, number, values, own = split(text)
                found[int(index), split(values)].setdefault(int(number), []).append(split(own))
        return [self._records[key[0]].instance(key[1], found.get(key, {})) for key in applied]


class CompiledLabels:
    """Rules that were compiled before, by the object: programs that share rules are traced sooner."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Rule, int, str, _Record]] = {}

    def of(self, rule: Rule) -> tuple[int, str, _Record]:
        """The number of a rule's label, its text with labels, and its record."""
        if id(rule) not in self._known:
            number = len(self._known)
            # the rule is kept too, since an object's id may be another's once it is gone
            self._known[id(rule)] = (rule, number, *_compile(number, rule))
        return self._known[id(rule)][1:]

    def __len__(self) -> int:
        """How many rules there are."""
        return len(self._known)


def trace(program: Program, compiled: CompiledLabels | None = None) -> TracedProgram:
    """``program`` with a label for every way in which a rule is applied; its answer sets stay the same."""
    known = compiled if compiled is not None else CompiledLabels()
    found = [known.of(rule) for rule in program.rules]
    records = {number: record for number, _, record in found}
    facts = tuple(record.instance((), {}) for record in records.values() if record.rule.is_fact)
    applied = ((f"{_APPLIED}{n}", len(r.body.names)) for n, r in records.items() if not r.rule.is_fact)
    labels = (*applied, (_ALTERNATIVE, 4))
    return TracedProgram("".join(text for _, text, _ in found), labels, facts, records)


def _compile(index: int, rule: Rule) -> tuple[str, _Record]:
    """The text with labels for one rule, and its record."""
    taken = set(all_variables(rule))
    parts = (part if isinstance(part, Aggregate) else _named(part, taken) for part in rule.body)
    named = replace(rule, body=tuple(parts))
    names = global_variables(named)
    label = Function(f"{_APPLIED}{index}", tuple(map(Variable, names)))
    lines = [rule]
    if not rule.is_fact:
        defined = _calculated(() if isinstance(rule.head, Choice) else (rule.head,), taken)
        lines = [Rule(label, (*named.body, *defined)), replace(rule, body=(Literal(label),))]

    chosen = [Element((rule.head.atom,), rule.head.condition)] if isinstance(rule.head, Choice) else []
    sources = [part for part in rule.body if isinstance(part, Aggregate)]
    elements: list[_Element] = []
    for number, element in enumerate(chain(chosen, *(source.elements for source in sources))):
        condition = tuple(_named(part, taken) for part in element.condition)
        inside = part_variables(Element(element.terms, condition))
        own = tuple(dict.fromkeys(name for name in inside if name not in {ANONYMOUS, *names}))
        head = Function(_ALTERNATIVE, (index, number, _tuple(names), _tuple(own)))
        lines.append(Rule(head, (Literal(label), *condition, *_calculated(element.terms, taken))))
        terms = tuple(Template(term, names + own) for term in element.terms)
        elements.append(_Element(_Body.of(condition, names + own), terms))

    aggregates: list[tuple[Aggregate, Template, range]] = []
    first = len(chosen)
    for source in sources:
        numbers = range(first, first + len(source.elements))
        aggregates.append((source, Template(source.bound, names), numbers))
        first = numbers.stop
    body = _Body.of((part for part in named.body if not isinstance(part, Aggregate)), names)
    conclusion = None if isinstance(rule.head, Choice) else Template(rule.head, names)
    record = _Record(rule, body, conclusion, tuple(elements), tuple(aggregates))
    return "".join(f"{line}\n" for line in lines), record


def _calculated(terms: Iterable[Term], taken: set[str]) -> list[Comparison]:
    """Conditions that the arithmetic in ``terms`` has a result: a rule without one does not apply."""
    return [Comparison(_new(taken), "=", operation) for term in terms for operation in operations(term)]


def _new(taken: set[str]) -> Variable:
    """A variable that the rule does not have yet."""
    name = fresh("Any", taken)
    taken.add(name)
    return Variable(name)


def _tuple(names: tuple[str, ...]) -> Function:
    return Function("", tuple(map(Variable, names)))


def _named(part: Literal | Comparison, taken: set[str]) -> Literal | Comparison:
    """``part`` with a variable of its own for each ``_`` of a positive literal: labels have its value."""
    if isinstance(part, Comparison) or part.negated:
        return part

    def name(term: Term) -> Term:
        match term:
            case Variable(name="_"):
                return _new(taken)
            case Function() if term.arguments:
                return Function(term.name, tuple(map(name, term.arguments)))
        return term

    return Literal(Function(part.atom.name, tuple(map(name, part.atom.arguments))))
