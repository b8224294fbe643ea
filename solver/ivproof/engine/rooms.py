"""The law cut into rooms: groups of rules that conclude what depends on one another, in the order of what they need.

A room's conclusions depend on nothing but the atoms that it is given and the questions that its own rules ask. That is
what makes it possible to go through all readings: a room is solved once for each distinct input, and where its
conclusions are the same whatever the reading, the question is of no interest there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ivproof.law import dependencies, rewrite
from ivproof.law.kept import rules, shaped
from ivproof.law.lifting import DRUG_PREDICATES
from ivproof.law.policy import Policy
from ivproof.law.syntax import (
    Aggregate,
    Choice,
    Comparison,
    Condition,
    Literal,
    Program,
    Rule,
    all_variables,
    choice_key,
    fresh,
    rule_conditions,
)
from ivproof.law.terms import Function, Signature, Variable

ENCOUNTER = ("encounter", 1)
"""The predicate that announces an encounter; `GIVEN` does so too."""

READING = ("reading", 2)
"""The predicate by which rules ask what is held of a question."""

GIVEN = "given"
"""What an encounter brings to a room: for each input of the room the number of its extension."""

CANDIDATE = "candidate_of_"
"""In front of the name of a predicate: what a choice may take, with the choice that it belongs to."""

ASKED_TOGETHER = 5
"""A room made of several asks at most so many questions: it is solved for every combination of their options."""


@dataclass(frozen=True, slots=True)
class RoomRule:
    """A rule of a room, rewritten for many inputs at once: its text, what it needs and the questions it asks."""

    text: str
    needs: frozenset[str]
    asks: tuple[str, ...]
    shared: frozenset[str]


@dataclass(frozen=True, slots=True)
class Room:
    """Rules that conclude `heads` from `inputs` (names of predicates with their arities), in one go.

    `choices` has the predicates of its choices.
    """

    number: int
    heads: tuple[Signature, ...]
    inputs: tuple[str, ...]
    rules: tuple[RoomRule, ...]
    choices: tuple[str, ...]

    def asked(self, present: Collection[str]) -> tuple[str, ...] | None:
        """The questions asked by the rules that can apply where there are atoms of these predicates; None if none can.

        What a rule needs of its own room is left out of account: more rules may seem to apply than do.
        """
        found: dict[str, None] | None = None
        for rule in self.rules:
            if rule.needs.issubset(present):
                found = {} if found is None else found
                found.update(dict.fromkeys(rule.asks))
        return None if found is None else tuple(found)


@dataclass(frozen=True)
class Rooms:
    """All rooms that can bear on `outcome`, in an order in which each stands after those that it needs.

    `forgotten` has, by position, the predicates and questions that no later room uses; `common` the rules that conclude
    the same for every chart.
    """

    order: tuple[Room, ...]
    common: tuple[str, ...]
    outcome: tuple[Signature, ...]
    used: frozenset[str]
    forgotten: Mapping[int, tuple[str, ...]]


def rooms(policy: Policy, outcome: Mapping[str, int]) -> Rooms:
    """Give the rooms of a policy's law that bear on these predicates (with their arities); they are kept."""
    name = f"rooms-{'-'.join(sorted(outcome))}"
    return policy.kept.get(name, lambda: _to_plain(cut(policy.program, policy.own_inputs, outcome)), _from_plain)


def cut(program: Program, inputs: Collection[Signature], outcome: Mapping[str, int]) -> Rooms:
    """Cut a law into rooms; `inputs` are the predicates of the facts of one chart."""
    wanted = tuple(outcome.items())
    law = [rule for rule in program.rules if rule.atom.signature != READING]
    needed = _cone(law, wanted)
    law = [rule for rule in law if rule.atom.signature in needed]
    listed = tuple(Rule(Function(name, (Function("any"),) * arity)) for name, arity in DRUG_PREDICATES)
    # a reading belongs to an encounter: without a rule that concludes it, it counts as given with the chart
    common = dependencies.shared(Program((*law, *listed)), {*inputs, READING})
    own = [rule for rule in law if rule.atom.signature not in common]
    opened = [_open(rule) for rule in own]
    lifted = rewrite.batch(Program(tuple(opened)), common).rules
    members = _members(own, common, wanted)
    members, ordered = _joined(own, members, _order(own, members, wanted))
    grouped: dict[int, list[tuple[Rule, Rule, Rule]]] = {}
    for rule, plain, text in zip(own, opened, lifted, strict=True):
        grouped.setdefault(members[rule.atom.signature], []).append((rule, plain, text))
    # what only the room itself uses need not be known outside
    public = {it for rule in own for it in _uses(rule) if it in members and members[it] != members[rule.atom.signature]}
    public |= set(wanted)
    order = tuple(_room(number, grouped[number], common, public) for number in ordered)
    last: dict[str, int] = {}
    for at, room in enumerate(order):
        last.update(dict.fromkeys((name for name, _ in room.heads), at))
        last.update(dict.fromkeys(room.inputs, at))
        last.update(dict.fromkeys((key for rule in room.rules for key in rule.asks), at))
    forgotten: dict[int, list[str]] = {}
    for name, at in last.items():
        if name not in outcome:
            forgotten.setdefault(at, []).append(name)
    return Rooms(
        order,
        tuple(str(rule) for rule in law if rule.atom.signature in common),
        wanted,
        frozenset(last),
        {at: tuple(names) for at, names in forgotten.items()},
    )


def _cone(law: list[Rule], wanted: Collection[Signature]) -> frozenset[Signature]:
    import networkx as nx  # noqa: PLC0415  (only where rooms are not kept yet)

    graph = dependencies.graph(law)
    return frozenset(wanted).union(*(nx.ancestors(graph, it) for it in wanted if it in graph))


def _members(own: list[Rule], common: Collection[Signature], wanted: Collection[Signature]) -> dict[Signature, int]:
    """The number of the room in which each predicate is concluded."""
    import networkx as nx  # noqa: PLC0415  (only where rooms are not kept yet)

    graph = dependencies.graph(own)
    graph.remove_nodes_from(set(common) | {READING})
    components = sorted(map(sorted, nx.strongly_connected_components(graph)))
    concluded = {rule.atom.signature for rule in own}
    kept = [component for component in components if not concluded.isdisjoint(component)]
    return _fused(own, {it: n for n, component in enumerate(kept) for it in component}, wanted)


def _fused(own: list[Rule], members: dict[Signature, int], wanted: Collection[Signature]) -> dict[Signature, int]:
    """Let a room whose conclusions only one other room uses become a part of that one.

    Between the two, states would part by questions that most often make no difference any more in the end.
    """
    fixed = {members[rule.atom.signature] for rule in own if isinstance(rule.head, Choice)}
    fixed |= {members[it] for it in wanted if it in members}
    asks: dict[int, set[str]] = {number: set() for number in members.values()}
    users: dict[int, set[int]] = {number: set() for number in members.values()}
    for rule in own:
        number = members[rule.atom.signature]
        asks[number].update(asked_by(rule))
        for it in _uses(rule):
            if it in members and members[it] != number:
                users[members[it]].add(number)
    into: dict[int, int] = {}
    changed = True
    while changed:
        changed = False
        for number in sorted(users):
            using = {_root(into, it) for it in users[number]} - {number}
            if number in into or number in fixed or len(using) != 1:
                continue
            [user] = using
            if len(asks[number] | asks[user]) <= ASKED_TOGETHER:
                into[number] = user
                asks[user] |= asks[number]
                changed = True
    return {it: _root(into, number) for it, number in members.items()}


def _joined(
    own: list[Rule], members: Mapping[Signature, int], ordered: Sequence[int]
) -> tuple[dict[Signature, int], list[int]]:
    """Let rooms that follow one another and neither ask nor choose be one: between them no state parts."""
    parting = {members[rule.atom.signature] for rule in own if isinstance(rule.head, Choice) or asked_by(rule)}
    into: dict[int, int] = {}
    for before, number in pairwise(ordered):
        if number not in parting and before not in parting:
            into[number] = _root(into, before)
    return {it: _root(into, number) for it, number in members.items()}, [it for it in ordered if it not in into]


def _root(into: Mapping[int, int], number: int) -> int:
    while number in into:
        number = into[number]
    return number


def _order(own: list[Rule], members: Mapping[Signature, int], wanted: Collection[Signature]) -> list[int]:
    """The rooms in an order in which each stands after those that it needs, and as close to them as can be.

    A question is not to part states before somebody wants to know, so what needs least itself comes last before its use
    (the order in which R. Sethi and J. D. Ullman evaluate expressions with few registers, J. ACM 17, 1970).
    """
    import networkx as nx  # noqa: PLC0415  (only where rooms are not kept yet)

    graph: nx.DiGraph[int] = nx.DiGraph()
    for rule in own:
        number = members[rule.atom.signature]
        graph.add_node(number)
        graph.add_edges_from((members[it], number) for it in _uses(rule) if it in members and members[it] != number)
    depth: dict[int, int] = {}
    for number in nx.topological_sort(graph):
        depth[number] = 1 + max((depth[it] for it in graph.predecessors(number)), default=0)
    found: dict[int, None] = {}

    def visit(number: int) -> None:
        if number not in found:
            for it in sorted(graph.predecessors(number), key=lambda it: (-depth[it], it)):
                visit(it)
            found[number] = None

    for number in sorted({members[it] for it in wanted if it in members}, key=lambda it: (-depth[it], it)):
        visit(number)
    return list(found)


def _uses(rule: Rule) -> Iterator[Signature]:
    for _, condition in rule_conditions(rule):
        yield from (part.atom.signature for part in condition if isinstance(part, Literal))


def asked_by(rule: Rule) -> tuple[str, ...]:
    """Give the questions that a rule asks, by key."""
    asked = (
        str(part.atom.arguments[0])
        for _, condition in rule_conditions(rule)
        for part in condition
        if isinstance(part, Literal) and part.atom.signature == READING
    )
    return tuple(dict.fromkeys(asked))


def _open(rule: Rule) -> Rule:
    """A choice as the rule that names its candidates; other rules as they are."""
    if not isinstance(rule.head, Choice):
        return rule
    atom = rule.head.atom
    key = Function("", tuple(map(Variable, choice_key(rule))))
    head = Function(CANDIDATE + atom.name, (key if key.arguments else Function("all"), *atom.arguments))
    return Rule(head, (*rule.body, *rule.head.condition), rule.header, rule.clause, rule.file, rule.line)


def _room(
    number: int,
    rules: list[tuple[Rule, Rule, Rule]],
    common: Collection[Signature],
    public: Collection[Signature],
) -> Room:
    # a choice is taken outside, among candidates
    heads = sorted(
        {plain.atom.signature for rule, plain, _ in rules if rule.atom.signature in public or rule is not plain}
    )
    concluded = {rule.atom.signature for rule, _, _ in rules}
    inputs = {
        name
        for rule, _, _ in rules
        for name, arity in _uses(rule)
        if (name, arity) not in common and (name, arity) not in concluded and (name, arity) != READING
    }
    choices = tuple(sorted({rule.atom.name for rule, _, _ in rules if isinstance(rule.head, Choice)}))
    found = []
    for rule, plain, lifted in rules:
        positive = {part.atom.signature for part in plain.body if isinstance(part, Literal) and not part.negated}
        needs = frozenset(name for name, arity in positive if name in inputs)
        shared = frozenset(name for name, arity in _uses(rule) if (name, arity) in common)
        found.append(RoomRule(str(_given(lifted, sorted(inputs), common)), needs, asked_by(rule), shared))
    return Room(number, tuple(heads), tuple(sorted(inputs)), tuple(found), choices)


def _given(rule: Rule, inputs: Sequence[str], common: Collection[Signature]) -> Rule:
    """A lifted rule that finds the atoms of its inputs under the numbers of their extensions.

    So what many encounters have in common is given to the solver once.
    """
    place = rule.atom.arguments[0]
    taken = all_variables(rule)
    variable = {name: Variable(fresh(f"N{n}", taken)) for n, name in enumerate(inputs)}
    used: dict[str, None] = {}

    def numbered(part: Literal) -> Literal:
        atom = part.atom
        # the lifted arity is one more; what all charts share has kept its own
        if atom.name not in variable or atom.signature in common:
            return part
        used[atom.name] = None
        return replace(part, atom=Function(atom.name, (variable[atom.name], *atom.arguments[1:])))

    def condition(parts: Condition) -> Condition:
        return tuple(numbered(part) if isinstance(part, Literal) else part for part in parts)

    body: list[Literal | Comparison | Aggregate] = []
    for part in rule.body:
        if isinstance(part, Aggregate):
            elements = (replace(element, condition=condition(element.condition)) for element in part.elements)
            body.append(replace(part, elements=tuple(elements)))
        elif not isinstance(part, Literal):
            body.append(part)
        elif part.atom.signature != ENCOUNTER:
            body.append(numbered(part))
    # every column has a variable: for ``_`` the solver would make a projection of its own
    columns = (variable[name] for name in inputs)
    return replace(rule, body=(Literal(Function(GIVEN, (place, *columns))), *body))


def _to_plain(found: Rooms) -> dict[str, Any]:
    """Rooms as data that JSON can hold."""
    return {
        "order": [
            [
                room.number,
                list(room.heads),
                list(room.inputs),
                [[rule.text, sorted(rule.needs), list(rule.asks), sorted(rule.shared)] for rule in room.rules],
                list(room.choices),
            ]
            for room in found.order
        ],
        "common": list(found.common),
        "outcome": list(found.outcome),
        "used": sorted(found.used),
        "forgotten": {str(at): list(names) for at, names in found.forgotten.items()},
    }


def _from_plain(data: Any) -> Rooms:
    rules(data)
    order = tuple(
        Room(
            number,
            tuple((name, arity) for name, arity in heads),
            tuple(inputs),
            tuple(
                RoomRule(text, frozenset(needs), tuple(asks), frozenset(shared)) for text, needs, asks, shared in room
            ),
            tuple(choices),
        )
        for number, heads, inputs, room, choices in shaped(data["order"], [_ROOM])
    )
    return Rooms(
        order,
        tuple(shaped(data["common"], [str])),
        tuple((name, arity) for name, arity in shaped(data["outcome"], [(str, int)])),
        frozenset(shaped(data["used"], [str])),
        {int(at): tuple(names) for at, names in shaped(data["forgotten"], {str: [str]}).items()},
    )


_ROOM = (int, [(str, int)], [str], [(str, [str], [str], [str])], [str])
"""The shape of a room that is kept."""
