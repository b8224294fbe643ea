"""The record of a derivation: founded, complete, and leading from the chart to the units of the claim."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from xml.etree import ElementTree

import case_files
import generate
import networkx as nx
import pytest
from visits import EQUALS, LONG_DAY, visit

from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy
from ivproof.law.syntax import Literal
from ivproof.why.derivation import Derivation, dot, graphml, instance_name, mermaid, node_link
from ivproof.why.record import Recorder


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.load("out001")


@pytest.fixture(scope="module")
def coder(policy: Policy) -> Coder:
    return Coder(policy)


def derive(coder: Coder, encounter: Encounter, readings: dict[str, str] | None = None) -> Derivation:
    facts = coder.facts(encounter)
    [answer] = coder.engine.answer([facts])
    return Derivation(Recorder(coder.policy, readings).record(facts, answer))


def test_the_record_has_the_units_of_the_claim(coder: Coder) -> None:
    derivation = derive(coder, LONG_DAY)
    [determination] = coder.code([LONG_DAY])
    claimed = {line.code: line.units for line in determination.claim}
    assert {code: len(derivation.units(code)) for code in claimed} == claimed
    assert len(derivation.units()) == sum(claimed.values())


def test_every_condition_of_every_applied_rule_holds(coder: Coder) -> None:
    derivation = derive(coder, LONG_DAY)
    for ways in derivation.ways.values():
        for instance in ways:
            assert derivation.atoms.issuperset(instance.positive), instance.rule.id
            for atom in instance.negative:
                assert "_" in atom or atom not in derivation.atoms, (instance.rule.id, atom)


def test_the_graph_is_acyclic_and_ends_in_given_things(coder: Coder) -> None:
    derivation = derive(coder, LONG_DAY)
    graph = derivation.graph()
    assert nx.is_directed_acyclic_graph(graph)
    given = {"chart", "drug list", "law", "absence", "reading"}
    for node, degree in graph.in_degree():
        if degree == 0:
            kind = graph.nodes[node]["kind"]
            founded = kind in given or not any(True for _ in derivation.ways.get(node, ()))
            assert founded or kind in {"applied rule", "choice rule"}, node


def test_each_unit_goes_back_to_the_times_of_its_administration(coder: Coder) -> None:
    derivation = derive(coder, LONG_DAY)
    for code, id_ in (("96413", "pacli"), ("96417", "carbo"), ("96367", "onda"), ("96368", "mag")):
        [unit] = derivation.units(code)
        graph = derivation.graph([unit])
        places = {graph.nodes[it].get("place", "") for it in nx.ancestors(graph, unit)}
        assert {f"administrations[{id_}].start", f"administrations[{id_}].stop"} <= places


def test_assumed_readings_are_in_the_record(coder: Coder) -> None:
    derivation = derive(coder, EQUALS, None)
    graph = derivation.graph()
    readings = [about for _, about in graph.nodes(data=True) if about["kind"] == "reading"]
    assert readings
    assert {about["source"] for about in readings} <= {"default", "set", "tried"}


def test_two_ways_to_one_atom_are_both_kept(coder: Coder) -> None:
    # A drug that is on the printed list and an antineoplastic is chemotherapy twice over.
    derivation = derive(coder, LONG_DAY)
    assert {it.rule.id for it in derivation.ways["chemotherapy_drug(paclitaxel)"]} == {
        "printed-drug",
        "antineoplastic-drug",
    }
    assert len(derivation.reasons("chemotherapy_drug(paclitaxel)")) == 2


def test_a_way_through_itself_founds_nothing(coder: Coder) -> None:
    bag = {"bag": "B", "start": "09:00", "stop": "10:00"}
    drugs = ("ceftriaxone", "ondansetron", "dexamethasone")
    derivation = derive(coder, visit(*({"id": drug, "drug": drug, **bag} for drug in drugs)))
    circular = {it.rule.id for it in derivation.ways["together(a1,a2)"]} - {
        it.rule.id for it in derivation.reasons("together(a1,a2)")
    }
    assert derivation.founded["together(a1,a2)"] > derivation.founded["goes_with(a1,a2)"]
    assert nx.is_directed_acyclic_graph(derivation.graph(["together(a1,a2)", "together(a2,a1)"]))
    assert circular == {"goes-with-through-another"}


def test_a_free_choice_is_recorded_as_it_was_settled(coder: Coder) -> None:
    derivation = derive(coder, EQUALS)
    assert derivation.chosen == {"chosen(a1,s1)"}
    [way] = derivation.reasons("chosen(a1,s1)")
    assert {it.terms[0] for it in way.alternatives} == {"chosen(a1,s1)", "chosen(a2,s1)"}
    assert derivation.origin("chosen(a1,s1)") == "choice"


def test_every_rival_claim_can_be_recorded(policy: Policy) -> None:
    readings = {"A9": "open"}
    coder = Coder(policy, readings)
    encounter = visit(
        {"id": "long", "drug": "ceftriaxone", "start": "09:00", "stop": "11:40"},
        {"id": "short", "drug": "vancomycin", "start": "11:45", "stop": "12:30"},
    )
    facts = coder.facts(encounter)
    [answer] = coder.engine.answer([facts])
    recorder = Recorder(policy, readings)
    for alternative in answer.alternatives:
        derivation = Derivation(recorder.record(facts, answer, alternative))
        assert set(alternative.claim) <= derivation.atoms
        assert all(held.option for held in derivation.held.values())


def test_comparisons_have_their_values(coder: Coder) -> None:
    derivation = derive(coder, LONG_DAY)
    [way] = derivation.reasons("ran_at_least(a1,infusion)")
    assert [str(it) for it in way.comparisons] == ["1200 >= 960"]


def test_exports_hold_the_same_graph(coder: Coder) -> None:
    derivation = derive(coder, LONG_DAY)
    graph = derivation.graph(derivation.units("96367"))
    plain = json.loads(json.dumps(node_link(graph)))
    assert {node["id"] for node in plain["nodes"]} == set(graph.nodes)
    assert len(plain["edges"]) == graph.number_of_edges()
    names = "{http://graphml.graphdrawing.org/xmlns}"
    read = ElementTree.fromstring(graphml(graph))
    assert len(read.findall(f".//{names}node")) == graph.number_of_nodes()
    assert dot(graph).count(" -> ") == graph.number_of_edges()
    assert mermaid(graph).count(">") >= graph.number_of_edges()


def test_texts_of_the_chart_cannot_break_an_export(coder: Coder) -> None:
    encounter = visit(
        {"id": 'x"]; <b>', "drug": 'a"<script>', "class": "therapeutic", "start": "09:00", "stop": "09:40"}
    )
    derivation = derive(coder, encounter)
    graph = derivation.graph()
    assert "<script>" not in mermaid(graph)
    ElementTree.fromstring(graphml(graph))
    assert dot(graph).count("\n") == graph.number_of_nodes() + graph.number_of_edges() + 4


def test_settled_readings_stay_with_the_rules(coder: Coder) -> None:
    derivation = derive(coder, EQUALS)
    used = {str(it) for ways in derivation.ways.values() for way in ways for it in way.rule.settled}
    assert all(isinstance(it, Literal) for ways in derivation.ways.values() for way in ways for it in way.rule.settled)
    assert any(text.startswith("reading(a9,") for text in used)


def test_a_record_leaves_out_only_rules_that_did_not_apply(coder: Coder) -> None:
    """An answer tells of which predicates something can hold; the record takes no other rules."""
    recorder = Recorder(coder.policy)
    usual = [it.encounter for it in case_files.some([it for it in case_files.worked("law") if not it.readings], 60)]
    visits = [generate.encounter(generate.visit(random.Random(seed), name=f"E{seed}")) for seed in range(12)]
    narrowed = 0
    for encounter in (*usual, *visits):
        facts = coder.facts(encounter)
        [answer] = coder.engine.answer([facts])
        for way in answer.alternatives or (None,):
            whole = replace(answer, predicates=None)
            all_ways = way if way is None else replace(way, predicates=None)
            found, expected = recorder.record(facts, answer, way), recorder.record(facts, whole, all_ways)
            assert found.chosen == expected.chosen, facts.encounter.id
            assert sorted(map(instance_name, found.applied)) == sorted(map(instance_name, expected.applied))
            narrowed += (answer if way is None else way).predicates is not None
    assert narrowed > 25
