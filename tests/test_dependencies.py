from hypothesis import given, settings
from random_programs import INPUTS, programs

from ivproof.law.dependencies import (
    circular_choices,
    defined,
    graph,
    shared,
    strata,
    undefined,
    unstratified,
    unused,
    used,
)
from ivproof.law.language import load
from ivproof.law.syntax import Program


def law(text: str) -> Program:
    return load({"law.lp": text})


def test_edges_tell_how_a_predicate_is_used() -> None:
    program = law(
        "p(X) :- q(X), not r(X).\np(X) :- X = #sum { Y : q(Y), not s(Y) }.\n{ c(X) : q(X) } = 1 :- not p(1).\n"
    )
    edges = {(body[0], head[0]): edge for body, head, edge in graph(program.rules).edges(data=True)}
    assert {names: edge["kinds"] for names, edge in edges.items()} == {
        ("q", "p"): {"positive", "aggregate"},
        ("r", "p"): {"negative"},
        ("s", "p"): {"negative", "aggregate"},
        ("q", "c"): {"positive", "choice"},
        ("p", "c"): {"negative", "choice"},
    }
    assert [rule.line for rule in edges["q", "p"]["rules"]] == [1, 2]


def test_strata_stand_on_earlier_ones() -> None:
    program = law("a(X) :- b(X), not c(X). t(X) :- a(X). t(X) :- u(X). u(X) :- t(X). d(X) :- #count { Y : u(Y) } = X.")
    groups = [sorted(name for name, _ in group) for group in strata(program)]
    assert groups == [["b"], ["c"], ["a"], ["t", "u"], ["d"]]


@settings(deadline=None)
@given(programs(choices=2))
def test_the_random_programs_are_stratified(text: str) -> None:
    program = law(text)
    assert unstratified(program) == circular_choices(program) == []
    assert undefined(program, INPUTS) == {}
    position = {name: number for number, group in enumerate(strata(program)) for name in group}
    assert all(position[body] <= position[head] for body, head in graph(program.rules).edges)


def test_a_loop_through_negation_or_an_aggregate_is_told() -> None:
    program = law("a :- not b.\nb :- c.\nc :- a.\nd(N) :- N = #count { X : e(X) }.\ne(X) :- d(X).\nf :- not a, f.\n")
    cycles = unstratified(program)
    assert [str(cycle) for cycle in cycles] == ["a/0, b/0, c/0 (law.lp:1)", "d/1, e/1 (law.lp:4)"]
    assert cycles[0].rules == (program.rules[0],)


def test_what_a_choice_concludes_counts_as_given() -> None:
    program = law(
        "{ first(A) : free(A) } = 1 :- go.\nfree(A) :- ran(A), not taken(A).\ntaken(A) :- first(A), late(A).\n"
    )
    assert unstratified(program) == []
    assert [str(cycle) for cycle in circular_choices(program)] == ["first/1, free/1, taken/1 (law.lp:1)"]


def test_shared_is_what_no_chart_can_change() -> None:
    program = law(
        "limit(16). route(iv). twice(X*2) :- limit(X), not route(im). long(A) :- ran(A,T), limit(T).\n"
        "short :- not long(_). option(a). { reading(O) : option(O) } = 1. q :- reading(a).\n"
        "r :- nowhere. im :- route(im).\n"
        "site(s0).\n"
    )
    inputs = {("ran", 2), ("site", 1)}
    assert shared(program, inputs) == {("limit", 1), ("route", 1), ("twice", 1), ("option", 1), ("im", 0)}


def test_what_is_asked_for_and_what_is_given() -> None:
    program = law("p(X) :- q(X), not r(X).\np(1).\nlost :- nowhere, #count { X : q(X), gone(X) } > 1.\n")
    assert [rule.line for rule in defined(program)["p", 1]] == [1, 2]
    assert [rule.line for rule in used(program)["q", 1]] == [1, 3]
    assert {name: [rule.line for rule in rules] for name, rules in undefined(program, {("q", 1)}).items()} == {
        ("r", 1): [1],
        ("nowhere", 0): [3],
        ("gone", 1): [3],
    }
    assert list(unused(program, {("p", 1)})) == [("lost", 0)]
