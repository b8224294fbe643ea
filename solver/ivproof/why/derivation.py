"""The derivation of an answer: from facts of the chart, over every applied rule, to the units of the claim.

All ways to an atom are kept. A way that leads through the atom itself founds nothing; what is shown is acyclic: each
step rests on steps before it. Graphs are built for what is asked and nothing else, and leave as node-link JSON,
GraphML, Graphviz DOT or Mermaid.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ivproof.chart.facts import Fact, Facts
from ivproof.chart.refusal import Place, spell
from ivproof.formats.plain import plain
from ivproof.law.syntax import Choice
from ivproof.law.terms import Function, parse
from ivproof.law.trace import Instance
from ivproof.why.record import Held, Record

if TYPE_CHECKING:
    import networkx as nx  # takes longer to load than a visit takes to derive: only graphs need it


class Derivation:
    """How one answer of one encounter came about."""

    def __init__(self, record: Record) -> None:
        self.facts: Facts = record.facts
        self.held: Mapping[str, Held] = record.held
        self.chosen = record.chosen
        self.clock = record.clock
        self.chart: dict[str, list[Fact]] = defaultdict(list)
        for fact in record.facts.own:
            self.chart[str(fact)].append(fact)
        self.listed = frozenset(record.facts.shared)
        self.tables = {str(instance.head): instance for instance in record.tables}
        self._applied = record.applied

    # --- what holds, and by which rules

    @cached_property
    def ways(self) -> Mapping[str, tuple[Instance, ...]]:
        """Every applied rule by the atom that it concludes; a choice counts for the atom that it settled on."""
        found: dict[str, list[Instance]] = defaultdict(list)
        for instance in self._applied:
            if instance.head is not None:
                found[instance.head].append(instance)
            for alternative in instance.alternatives:
                if alternative.terms[0] in self.chosen:
                    found[alternative.terms[0]].append(instance)
        return {head: tuple(instances) for head, instances in found.items()}

    @cached_property
    def atoms(self) -> frozenset[str]:
        """Every atom that holds."""
        return frozenset({*self.chart, *self.listed, *self.tables, *self.ways})

    @cached_property
    def by_predicate(self) -> Mapping[str, tuple[Function, ...]]:
        """Every atom that holds, as a term, by its predicate."""
        found: dict[str, list[Function]] = defaultdict(list)
        for text in sorted(self.atoms):
            term = parse(text)
            if isinstance(term, Function):
                found[term.name].append(term)
        return {name: tuple(terms) for name, terms in found.items()}

    def of(self, predicate: str) -> tuple[Function, ...]:
        """The atoms of one predicate, in the order of their texts."""
        return self.by_predicate.get(predicate, ())

    @cached_property
    def merged(self) -> Mapping[str, tuple[str, ...]]:
        """By the constant of an access the other sites that were used and count as one with it, in their order."""
        used = {it.arguments[0] for it in self.of("used_site")}
        found: dict[str, list[str]] = defaultdict(list)
        for site, access in (it.arguments for it in self.of("counts_as")):
            if site != access and site in used:
                found[str(access)].append(str(site))
        return {access: tuple(sorted(sites, key=self.facts.places.__getitem__)) for access, sites in found.items()}

    def units(self, code: str | None = None) -> list[str]:
        """The units of the claim, or of one code on it."""
        return [str(unit) for unit in self.of("unit") if code is None or str(unit.arguments[0]) == f'"{code}"']

    def origin(self, atom: str) -> str:
        """Where an atom comes from: chart, drug list, law (a table), choice or rule; absent where it does not hold."""
        if atom in self.chart:
            return "chart"
        if atom in self.listed:
            return "drug list"
        if atom in self.tables:
            return "law"
        if atom in self.chosen:
            return "choice"
        return "rule" if atom in self.ways else "absent"

    # --- the order in which it follows

    @cached_property
    def founded(self) -> Mapping[str, int]:
        """Each atom with the length of the shortest derivation of it: 0 for what is given."""
        rank = dict.fromkeys((*self.chart, *self.listed, *self.tables), 0)
        lacking: dict[int, int] = {}
        waiting: dict[str, list[int]] = defaultdict(list)
        heads: list[tuple[str, Instance]] = [(head, it) for head, ways in self.ways.items() for it in ways]
        level: list[str] = []
        for n, (head, instance) in enumerate(heads):
            needed = {atom for atom in _needs(instance, head) if atom not in rank}
            lacking[n] = len(needed)
            for atom in needed:
                waiting[atom].append(n)
            if not needed:
                level.append(head)
        depth = 1
        while level:
            fresh = [atom for atom in dict.fromkeys(level) if atom not in rank]
            rank.update(dict.fromkeys(fresh, depth))
            depth += 1
            level = []
            for atom in fresh:
                for n in waiting[atom]:
                    lacking[n] -= 1
                    if lacking[n] == 0:
                        level.append(heads[n][0])
        return rank

    def reasons(self, atom: str) -> tuple[Instance, ...]:
        """The applied rules that found an atom on atoms before it; the shortest derivation comes first."""
        rank = self.founded
        own = rank.get(atom, 0)
        found = []
        for instance in self.ways.get(atom, ()):
            deepest = max((rank.get(it, 0) for it in _needs(instance, atom)), default=0)
            if deepest < own:
                found.append((deepest, instance.rule.line, instance))
        return tuple(instance for *_, instance in sorted(found, key=lambda it: it[:2]))

    # --- graphs

    def graph(self, atoms: Iterable[str] | None = None) -> nx.DiGraph[str]:
        """The derivation of some atoms (all units where none are named): acyclic, from reasons to results."""
        import networkx as nx  # noqa: PLC0415 (see above)

        found: nx.DiGraph[str] = nx.DiGraph(encounter=self.facts.encounter.id)
        waiting = list(self.units() if atoms is None else atoms)
        seen = set(waiting)
        while waiting:
            atom = waiting.pop()
            found.add_node(atom, **self._about(atom))
            for instance in self.reasons(atom):
                name = instance_name(instance)
                found.add_node(name, **self._about_rule(instance))
                found.add_edge(name, atom, role="concludes")
                for role, need in _conditions(instance, atom):
                    if role == "not":
                        found.add_node(f"not {need}", kind="absence", label=f"not {need}")
                        found.add_edge(f"not {need}", name, role=role)
                        continue
                    found.add_edge(need, name, role=role)
                    if need not in seen:
                        seen.add(need)
                        waiting.append(need)
                for literal in instance.rule.settled:
                    found.add_node(str(literal), **self._about_reading(str(literal.atom.arguments[0])))
                    found.add_edge(str(literal), name, role="reading")
        return found

    def _about(self, atom: str) -> dict[str, Any]:
        about: dict[str, Any] = {"kind": self.origin(atom), "label": atom}
        if atom in self.chart:
            about["place"] = "; ".join(dict.fromkeys(self.place(fact.place) for fact in self.chart[atom]))
        if atom in self.tables:
            rule = self.tables[atom].rule
            about |= {"rule": rule.id, "source": rule.place}
        return about

    def _about_rule(self, instance: Instance) -> dict[str, Any]:
        rule = instance.rule
        header = rule.header
        compared = [*map(str, instance.comparisons), *map(str, instance.aggregates)]
        return {
            "kind": "choice rule" if isinstance(rule.head, Choice) else "applied rule",
            "label": rule.id,
            "rule": rule.id,
            "clause": rule.clause,
            "citation": header.citation if header else "",
            "sentence": header.sentence if header else "",
            "source": rule.place,
            "values": json.dumps(dict(instance.bindings), sort_keys=True),
            "compared": "; ".join(compared),
        }

    def _about_reading(self, key: str) -> dict[str, Any]:
        held = self.held[key]
        return {"kind": "reading", "label": f"{key.upper()} = {held.option}", "source": held.source}

    def place(self, place: Place) -> str:
        """A place in the chart, with the id of the administration or site that it is about."""
        if len(place) > 1 and place[0] in {"administrations", "access_sites"}:
            listed = getattr(self.facts.encounter, str(place[0]))
            return spell((f"{place[0]}[{listed[int(place[1])].id}]", *place[2:]))
        return spell(place)


def instance_name(instance: Instance) -> str:
    """A name for an applied rule that no other one has: its id, clause and values."""
    return f"{instance.rule.id}#{instance.rule.clause}({','.join(instance.bindings.values())})"


def _needs(instance: Instance, head: str) -> Iterator[str]:
    """What had to hold: of the body, of what was counted, and of a choice for the atom that it settled on."""
    return (atom for role, atom in _conditions(instance, head) if role != "not")


def _conditions(instance: Instance, head: str) -> Iterator[tuple[str, str]]:
    """The atoms of an applied rule with their parts in it: ``needs``, ``counts``, ``offers`` or ``not``."""
    for atom in instance.positive:
        yield "needs", atom
    for atom in instance.negative:
        yield "not", atom
    for counted in instance.aggregates:
        for alternative in counted.alternatives:
            yield from (("counts", atom) for atom in alternative.positive)
            yield from (("not", atom) for atom in alternative.negative)
    for alternative in instance.alternatives:
        if alternative.terms[0] == head:
            yield from (("offers", atom) for atom in alternative.positive)


# --- exports


def node_link(graph: nx.DiGraph[str]) -> dict[str, Any]:
    """The graph as plain data in the node-link form of networkx, nodes and edges in a fixed order."""
    import networkx as nx  # noqa: PLC0415

    plain: dict[str, Any] = nx.node_link_data(graph, edges="edges")
    plain["nodes"].sort(key=lambda node: node["id"])
    plain["edges"].sort(key=lambda edge: (edge["source"], edge["target"]))
    return plain


def graphml(graph: nx.DiGraph[str]) -> str:
    """The graph as GraphML; characters that XML does not have are written out."""
    import networkx as nx  # noqa: PLC0415

    def clean(about: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _in_xml(it) if isinstance(it, str) else it for name, it in about.items()}

    written: nx.DiGraph[str] = nx.DiGraph()
    written.add_nodes_from((_in_xml(node), clean(about)) for node, about in graph.nodes(data=True))
    written.add_edges_from((_in_xml(one), _in_xml(other), clean(it)) for one, other, it in graph.edges(data=True))
    buffer = BytesIO()
    nx.write_graphml(written, buffer)
    return buffer.getvalue().decode()


def dot(graph: nx.DiGraph[str]) -> str:
    """The graph in the language of Graphviz."""
    numbers = _numbers(graph)
    lines = ["digraph derivation {", "  rankdir=BT;", '  node [fontname="Helvetica"];']
    for node, number in numbers.items():
        about = graph.nodes[node]
        shape = _SHAPES.get(about.get("kind", ""), "box")
        lines.append(f"  {number} [label={_quoted(about.get('label', node))}, shape={shape}];")
    lines += [f"  {numbers[it[0]]} -> {numbers[it[1]]}{_DASHED.get(it[2], '')};" for it in _edges(graph)]
    return "\n".join([*lines, "}", ""])


def mermaid(graph: nx.DiGraph[str]) -> str:
    """The graph as a Mermaid flowchart."""
    numbers = _numbers(graph)
    lines = ["flowchart BT"]
    for node, number in numbers.items():
        about = graph.nodes[node]
        opening, closing = _BRACKETS.get(about.get("kind", ""), ("[", "]"))
        text = plain(str(about.get("label", node)))
        lines.append(f'  {number}{opening}"{_MEANT_BY_MERMAID.sub(lambda it: f"#{ord(it[0])};", text)}"{closing}')
    for source, target, role in _edges(graph):
        lines.append(f"  {numbers[source]} {'-.->' if role in _DASHED else '-->'} {numbers[target]}")
    return "\n".join([*lines, ""])


_SHAPES = {"chart": "note", "applied rule": "ellipse", "choice rule": "diamond", "absence": "plaintext", "law": "box3d"}
_DASHED = {"not": " [style=dashed]", "reading": " [style=dotted]"}
_BRACKETS = {"applied rule": ("([", "])"), "choice rule": ("{", "}"), "chart": ("[/", "/]")}


def _numbers(graph: nx.DiGraph[str]) -> dict[str, str]:
    return {node: f"n{n}" for n, node in enumerate(sorted(graph.nodes))}


def _edges(graph: nx.DiGraph[str]) -> list[tuple[str, str, str]]:
    return sorted((source, target, str(about["role"])) for source, target, about in graph.edges(data=True))


def _quoted(text: object) -> str:
    """A text in quotes of Graphviz, line breaks as such, and nothing in it that a terminal or a reader of it obeys."""
    lines = (plain(line).replace("\\", "\\\\").replace('"', '\\"') for line in str(text).split("\n"))
    return '"' + "\\n".join(lines) + '"'


_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MEANT_BY_MERMAID = re.compile(r"""["'`#&<>;%{}\[\]()|\\*_~]""")


def _in_xml(text: str) -> str:
    return _NOT_IN_XML.sub(lambda found: plain(found[0]), text)
