"""Which predicate depends on which: what the lint and the batch rewriting ask about a program."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ivproof.law.syntax import Choice, Literal, Program, Rule, rule_conditions
from ivproof.law.terms import Signature

if TYPE_CHECKING:
    import networkx as nx  # at run time only where a graph is asked for: it takes as long to load as a chart to code


@dataclass(frozen=True, slots=True)
class Cycle:
    """Predicates that depend on one another, and the rules of the law that are at fault."""

    predicates: tuple[Signature, ...]
    rules: tuple[Rule, ...]

    def __str__(self) -> str:
        """The predicates, and where the rules stand."""
        names = ", ".join(f"{name}/{arity}" for name, arity in self.predicates)
        return f"{names} ({', '.join(rule.place for rule in self.rules)})"


def graph(rules: Iterable[Rule]) -> nx.DiGraph[Signature]:
    """The predicates, with an edge from each one in a condition to the one that the rule concludes.

    An edge has ``rules``, the rules that make it, and ``kinds``, the ways in which they do: "positive",
    "negative", "aggregate" (inside one) and "choice" (the rule is one).
    """
    import networkx as nx  # noqa: PLC0415

    found: nx.DiGraph[Signature] = nx.DiGraph()
    for rule in rules:
        head = rule.atom.signature
        found.add_node(head)
        for body, kinds in _uses(rule):
            if not found.has_edge(body, head):
                found.add_edge(body, head, kinds=set(), rules=[])
            edge = found.edges[body, head]
            edge["kinds"] |= kinds
            if rule not in edge["rules"]:
                edge["rules"].append(rule)
    return found


def _uses(rule: Rule) -> Iterator[tuple[Signature, set[str]]]:
    """The predicates in the conditions of a rule, and how they are used."""
    choice = {"choice"} if isinstance(rule.head, Choice) else set()
    for kind, condition in rule_conditions(rule):
        for part in condition:
            if isinstance(part, Literal):
                sign = "negative" if part.negated else "positive"
                yield part.atom.signature, {sign} | choice | ({kind} - {"body"})


def strata(program: Program) -> list[frozenset[Signature]]:
    """The predicates from the bottom up: groups of what depends on one another, after what they need."""
    import networkx as nx  # noqa: PLC0415

    components = nx.condensation(graph(program.rules))
    first = {node: min(components.nodes[node]["members"]) for node in components}
    ordered = nx.lexicographical_topological_sort(components, key=first.__getitem__)
    return [frozenset(components.nodes[node]["members"]) for node in ordered]


def unstratified(program: Program) -> list[Cycle]:
    """Cycles through a negation or an aggregate. What a choice concludes counts as given from outside."""
    plain = (rule for rule in program.rules if not isinstance(rule.head, Choice))
    return _cycles(graph(plain), {"negative", "aggregate"})


def circular_choices(program: Program) -> list[Cycle]:
    """Cycles through a choice: its alternatives depend on what is chosen, so no order decides."""
    return _cycles(graph(program.rules), {"choice"})


def _cycles(dependencies: nx.DiGraph[Signature], kinds: Collection[str]) -> list[Cycle]:
    """The predicates that reach each other over an edge of one of ``kinds``, with the rules of such edges."""
    import networkx as nx  # noqa: PLC0415

    cycles = []
    for component in nx.strongly_connected_components(dependencies):
        edges = [edge for _, _, edge in dependencies.subgraph(component).edges(data=True)]
        rules = [rule for edge in edges if not edge["kinds"].isdisjoint(kinds) for rule in edge["rules"]]
        if rules:
            cycles.append(Cycle(tuple(sorted(component)), tuple(dict.fromkeys(rules))))
    return sorted(cycles, key=lambda cycle: cycle.predicates)


def shared(program: Program, inputs: Collection[Signature]) -> frozenset[Signature]:
    """The predicates that are the same for every chart: facts of the law, and what follows from them alone.

    ``inputs`` are the predicates of the chart's facts. These, what no rule concludes, what a choice
    concludes, and everything that depends on them belongs to one encounter.
    """
    concluded = {rule.atom.signature for rule in program.rules}
    leads: dict[Signature, set[Signature]] = {}
    own = set(inputs)
    for rule in program.rules:
        head = rule.atom.signature
        if isinstance(rule.head, Choice):
            own.add(head)
        for it in rule.signatures:
            leads.setdefault(it, set()).add(head)
    own.update(leads.keys() - concluded)
    waiting = list(own)
    while waiting:
        new = leads.get(waiting.pop(), set()) - own
        own |= new
        waiting += new
    return frozenset(concluded - own)


def defined(program: Program) -> dict[Signature, tuple[Rule, ...]]:
    """Each predicate that rules conclude, with these rules."""
    return _group((rule.atom.signature, rule) for rule in program.rules)


def used(program: Program) -> dict[Signature, tuple[Rule, ...]]:
    """Each predicate that stands in a condition, with the rules that ask for it."""
    return _group((predicate, rule) for rule in program.rules for predicate in dict(_uses(rule)))


def undefined(program: Program, inputs: Collection[Signature]) -> dict[Signature, tuple[Rule, ...]]:
    """The predicates that rules ask for and neither a rule nor the chart gives, with these rules."""
    given = {*inputs, *defined(program)}
    return {predicate: rules for predicate, rules in used(program).items() if predicate not in given}


def unused(program: Program, outputs: Collection[Signature]) -> dict[Signature, tuple[Rule, ...]]:
    """The predicates that rules conclude and nobody asks for, neither a rule nor a reader of ``outputs``."""
    asked = {*outputs, *used(program)}
    return {predicate: rules for predicate, rules in defined(program).items() if predicate not in asked}


def _group(pairs: Iterable[tuple[Signature, Rule]]) -> dict[Signature, tuple[Rule, ...]]:
    groups: dict[Signature, list[Rule]] = {}
    for signature, rule in pairs:
        groups.setdefault(signature, []).append(rule)
    return {signature: tuple(rules) for signature, rules in groups.items()}
