"""Which recursions of a law could go on for ever: those that build new terms or numbers without a bound.

A value gets into an argument of a predicate by the rules that conclude it. It is *bounded* if it can only be one of
finitely many. Without recursion every argument is. In a recursion, a rule hands on what a variable has, or builds
something of it: a function around it, or a number calculated from it. This module accepts a law if every argument of
every predicate is found to be bounded by one of the following, applied until nothing changes:

- *Given elsewhere*: the variable also stands as an argument that is bounded already, or equals what is calculated
  from variables that do.
- *Handed on*: no rule of the recursion builds anything; or it puts no more functions around a variable than it took
  off.
- *Counted up to a limit*: whatever is built is J + c, with c a positive number, and the rule compares: J or J + c,
  times and plus what is fixed, is below a number that is fixed.
- *Beside a counter*: all of it passes through one predicate, in which another argument is bounded and grows by a
  positive number in every rule that builds something, and never shrinks.

It is a sufficient condition, so laws that would end may be refused. What is accepted has finitely many atoms for every
chart, which says nothing of how many.

>>> from ivproof.law.language import load
>>> [rule.line for rule in endless(load({"a.lp": "p(0). p(X+1) :- p(X)."}))]
[1]
>>> endless(load({"a.lp": "p(0). p(X+1) :- p(X), X < 9."}))
()
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ivproof.law import clockwork
from ivproof.law.syntax import ANONYMOUS, Aggregate, Choice, Comparison, Literal, Program, Rule, part_variables
from ivproof.law.terms import Function, Operation, Signature, Term, Variable, variables

if TYPE_CHECKING:
    import networkx as nx  # at run time only where a graph is asked for: it takes as long to load as a chart to code

Place: TypeAlias = tuple[Signature, int]
"""An argument of a predicate, counted from 0."""


class _Source(NamedTuple):
    """Where a variable can have its value from: an argument of a literal, and what was built around it since."""

    place: Place
    literal: Literal
    name: str
    """The variable that stands in the literal."""
    depth: int
    """Functions around it that were put there, less those that were taken off."""
    calculated: bool


class _Edge(NamedTuple):
    source: _Source
    target: Place
    rule: Rule

    @property
    def builds(self) -> bool:
        return self.source.calculated or self.source.depth > 0


def endless(program: Program, given: Collection[Signature] = ()) -> tuple[Rule, ...]:
    """Give the rules of a stratified and safe law that build something in a recursion without a bound that is known.

    `given` are predicates that a chart may have facts of beside those that rules conclude.
    """
    import networkx as nx  # noqa: PLC0415

    rules = [_Rule(rule) for rule in program.rules if not rule.is_fact]
    heads: dict[Signature, list[Rule]] = {}
    for rule in program.rules:
        heads.setdefault(rule.atom.signature, []).append(rule)
    bounded = {(signature, n) for it in rules for signature, n in it.places() if signature not in heads}
    numbers = _numbers(program, given)
    while True:
        graph: nx.MultiDiGraph[Place] = nx.MultiDiGraph()
        graph.add_nodes_from(
            (signature, n) for signature in heads for n in range(signature[1]) if (signature, n) not in bounded
        )
        for it in rules:
            for edge in it.edges(bounded):
                graph.add_edge(edge.source.place, edge.target, edge=edge)
        unsettled: set[Place] = set()
        faults: dict[int, Rule] = {}
        found: set[Place] = set()
        for component in _from_below(graph):
            inside: list[_Edge] = [about["edge"] for _, _, about in graph.subgraph(component).edges(data=True)]
            builds = [edge for edge in inside if edge.builds]
            if any(before in unsettled for place in component for before in graph.predecessors(place)):
                unsettled |= component
            elif not builds or _counts(inside, bounded, numbers) or _beside_a_counter(inside, bounded):
                found |= component
            else:
                unsettled |= component
                faults |= {id(edge.rule): edge.rule for edge in builds}
        if not found:
            order = {id(rule): n for n, rule in enumerate(program.rules)}
            return tuple(sorted(faults.values(), key=lambda rule: order[id(rule)]))
        bounded |= found


def _from_below(graph: nx.MultiDiGraph[Place]) -> Iterator[set[Place]]:
    import networkx as nx  # noqa: PLC0415

    plain: nx.DiGraph[Place] = nx.DiGraph()
    plain.add_nodes_from(graph.nodes)
    plain.add_edges_from(graph.edges())
    components = nx.condensation(plain)
    for node in nx.topological_sort(components):
        yield components.nodes[node]["members"]


@dataclass(frozen=True)
class _Rule:
    """A rule, and where each of its variables can have its value from."""

    rule: Rule
    conditions: tuple[Literal | Comparison | Aggregate, ...] = field(init=False)

    def __post_init__(self) -> None:
        head = self.rule.head
        chosen = head.condition if isinstance(head, Choice) else ()
        object.__setattr__(self, "conditions", (*self.rule.body, *chosen))

    def places(self) -> Iterator[Place]:
        """Every argument of a predicate that the rule asks for."""
        for literal in clockwork.literals(self.rule):
            yield from ((literal.atom.signature, n) for n in range(len(literal.atom.arguments)))

    def sources(self, bounded: set[Place]) -> dict[str, list[_Source]]:
        """Give each variable its sources; none for one that has finitely many values, whatever the rest has."""
        found: dict[str, list[_Source]] = {}
        fixed: set[str] = set()
        for part in self.conditions:
            if isinstance(part, Literal) and not part.negated:
                for n, term in enumerate(part.atom.arguments):
                    place = (part.atom.signature, n)
                    for name, depth, calculated in _occurrences(term):
                        if place in bounded and not calculated:
                            fixed.add(name)
                        found.setdefault(name, []).append(_Source(place, part, name, -depth, calculated))
        for name in fixed:
            found[name] = []
        bound = set(found)
        changed = True
        while changed:
            changed = False
            for name, others, built in self._equations():
                needed = {it for it, _, _ in others}
                if not needed <= bound or name in fixed:
                    continue
                if all(not found[it] for it in needed):
                    fixed.add(name)
                    found[name] = []
                elif name in bound:
                    continue  # it has sources of its own, and one way of being bounded is enough
                else:
                    found[name] = [
                        source._replace(depth=source.depth + depth, calculated=source.calculated or calculated or built)
                        for it, depth, calculated in others
                        for source in found[it]
                    ]
                bound.add(name)
                changed = True
        return found

    def _equations(self) -> Iterator[tuple[str, list[tuple[str, int, bool]], bool]]:
        """A variable, the variables that it is made of with what is built around each, and whether in other ways."""
        outside = {name for part in self.conditions for name in part_variables(part)}
        for part in self.conditions:
            match part:
                case Comparison(left, "=", right):
                    for one, other in ((left, right), (right, left)):
                        # to solve an equation for a variable is a calculation, or takes functions off
                        for name, _, _ in _occurrences(one):
                            yield name, list(_occurrences(other)), isinstance(one, Operation)
                case Aggregate(function, elements, "=", bound):
                    shared = {name for it in elements for name in part_variables(it)} & outside
                    # a count is no greater than there are atoms that do not depend on the rule
                    made = [] if function == "#count" else [(it, 0, True) for it in sorted(shared - {ANONYMOUS})]
                    for name, _, _ in _occurrences(bound):
                        yield name, made, False

    def edges(self, bounded: set[Place]) -> Iterator[_Edge]:
        """How values get into the arguments of the head from arguments that are not known to be bounded."""
        sources = self.sources(bounded)
        for n, term in enumerate(self.rule.atom.arguments):
            target = (self.rule.atom.signature, n)
            if target in bounded:
                continue
            for name, depth, calculated in _occurrences(term):
                for it in sources.get(name, ()):
                    built = it._replace(depth=it.depth + depth, calculated=it.calculated or calculated)
                    if it.place not in bounded or built.calculated:
                        yield _Edge(built, target, self.rule)


def _occurrences(term: Term, depth: int = 0, calculated: bool = False) -> Iterator[tuple[str, int, bool]]:
    """The named variables of a term, how many functions are around each, and whether it is calculated with."""
    match term:
        case Variable(name):
            if name != ANONYMOUS:
                yield name, depth, calculated
        case Function(_, arguments):
            for it in arguments:
                yield from _occurrences(it, depth + 1, calculated)
        case Operation(_, left, right):
            yield from _occurrences(left, depth, True)
            yield from _occurrences(right, depth, True)


# --- counters


def _step(edge: _Edge, place: int) -> int | None:
    """By how much a value of a literal's argument grows on its way into the same argument of the head, if by a number.

    None where it is not known to be a constant number, 0 where it is handed on.
    """
    argument, head = edge.source.literal.atom.arguments, edge.rule.atom.arguments
    if place >= len(argument) or not isinstance(argument[place], Variable):
        return None
    return _more(head[place], argument[place], edge.rule)


def _more(term: Term, than: Term, rule: Rule) -> int | None:
    if term == than:
        return 0
    for it in (term, *(_equal(term, rule) if isinstance(term, Variable) else ())):
        match it:
            case Operation("+", one, int(more)) | Operation("+", int(more), one) if one == than:
                return more
    return None


def _equal(term: Variable, rule: Rule) -> Iterator[Term]:
    for part in rule.body:
        match part:
            case Comparison(left, "=", right) if left == term:
                yield right
            case Comparison(left, "=", right) if right == term:
                yield left


def _counts(edges: Iterable[_Edge], bounded: set[Place], numbers: set[Place]) -> bool:
    """Whether all that these edges build are numbers that are counted up to a limit."""
    for edge in edges:
        if not edge.builds:
            if edge.source.depth < 0:
                return False  # what was inside a function may be less than what was counted
            continue
        source = edge.source
        [before] = [source.literal.atom.arguments[source.place[1]]]
        after = edge.rule.atom.arguments[edge.target[1]]
        if not isinstance(before, Variable) or (_more(after, before, edge.rule) or 0) <= 0:
            return False
        counted = {before.name, *([after.name] if isinstance(after, Variable) else [])}
        if not any(_limits(part, counted, edge.rule, bounded, numbers) for part in edge.rule.body):
            return False
    return True


def _limits(part: object, counted: set[str], rule: Rule, bounded: set[Place], numbers: set[Place]) -> bool:
    """Whether a comparison keeps what is counted below a number that is fixed."""
    match part:
        case Comparison(low, "<" | "<=", high) | Comparison(high, ">" | ">=", low):
            fixed = {name for name, it in _Rule(rule).sources(bounded).items() if not it} - counted
            return (
                set(variables(high)) <= fixed
                and _is_number(high, rule, numbers)
                and _grows_with(low, counted)
                and set(variables(low)) <= fixed | counted
            )
    return False


def _grows_with(term: Term, counted: set[str]) -> bool:
    """Whether a term is the greater by at least one the greater what is counted is."""
    match term:
        case Variable(name):
            return name in counted
        case Operation("+", left, right):
            one, other = (left, right) if set(variables(left)) & counted else (right, left)
            return _grows_with(one, counted) and not set(variables(other)) & counted
        case Operation("-", left, right):
            return _grows_with(left, counted) and not set(variables(right)) & counted
        case Operation("*", int(factor), other) | Operation("*", other, int(factor)):
            return factor > 0 and _grows_with(other, counted)
    return False


def _beside_a_counter(edges: Iterable[_Edge], bounded: set[Place]) -> bool:
    """Whether all these edges pass through one predicate, with a bounded argument that counts what is built."""
    listed = list(edges)
    predicates = {edge.target[0] for edge in listed} | {edge.source.place[0] for edge in listed}
    if len(predicates) != 1:
        return False
    [predicate] = predicates
    for n in range(predicate[1]):
        steps = [(_step(edge, n), edge.builds) for edge in listed]
        if (predicate, n) in bounded and all(it is not None and it >= (1 if built else 0) for it, built in steps):
            return True
    return False


# --- numbers


def _numbers(program: Program, given: Collection[Signature]) -> set[Place]:
    """The arguments that can be nothing but numbers: of a chart the times, of the law what is written or calculated."""
    heads: dict[Signature, list[Rule]] = {}
    for rule in program.rules:
        heads.setdefault(rule.atom.signature, []).append(rule)
    found = {(signature, n) for signature in heads if signature not in given for n in range(signature[1])}
    found |= {(signature, n) for signature, places in clockwork.ENTRY.items() for n in places}
    changed = True
    while changed:
        changed = False
        for signature, rules in heads.items():
            for n in range(signature[1]):
                if (signature, n) in found and not all(_is_number(it.atom.arguments[n], it, found) for it in rules):
                    found.remove((signature, n))
                    changed = True
    return found


def _is_number(term: Term, rule: Rule, numbers: set[Place]) -> bool:
    match term:
        case int() | Operation():
            return True
        case Variable():
            for part in _Rule(rule).conditions:
                match part:
                    case Literal(Function(name, arguments), False) if term in arguments:
                        places = [n for n, it in enumerate(arguments) if it == term]
                        if any(((name, len(arguments)), n) in numbers for n in places):
                            return True
                    case Comparison(one, "=", other) if term in {one, other}:
                        if any(isinstance(it, int | Operation) for it in (one, other)):
                            return True
                    case Aggregate("#sum" | "#count", _, "=", bound) if bound == term:
                        return True
    return False
