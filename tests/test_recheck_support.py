"""Why atoms are true, and why others are not, in the answers of the second engine."""

from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st
from recheck_programs import Generator, split

from ivproof.recheck import Program, parse, parse_facts, show
from ivproof.recheck.support import Failure, Instance, Support, text
from ivproof.recheck.terms import Atom, Value

LAW = """
% [infusion]
infusion(A) :- route(A, iv), ran(A, M), M >= 16, not discontinued(A, _).
% [by-order]
infusion(A) :- ordered(A, M), M > 15.
% [hours]
hour(A, 1) :- infusion(A).
hour(A, K + 1) :- hour(A, K), ran(A, M), M >= K * 60 + 31.
% [units]
units(A, N) :- infusion(A), N = #count { K : hour(A, K), K > 1 }, N > 0.
% [one-initial]
{ initial(A) : infusion(A), on(A, S) } = 1 :- site(S).
"""
CHART = """
route(a1, iv). ran(a1, 160). on(a1, s1).
route(a2, iv). ran(a2, 15). on(a2, s1).
route(a3, im). ran(a3, 30). ordered(a3, 10).
route(a4, iv). ran(a4, 40). discontinued(a4, reaction). discontinued(a4, pain).
route(a5, iv). ran(a5, 20). on(a5, s1).
site(s1).
"""


def support() -> Support:
    law = Program(parse(LAW))
    return Support(law, law.derive(parse_facts(CHART), [("initial", "a5")]))


def failed(failures: list[Failure]) -> dict[str, str]:
    return {one.rule.id: text(one.failed.element) if one.failed.element else "" for one in failures}


def test_an_instance_names_everything_that_it_stands_on() -> None:
    [instance] = support().instances(("infusion", "a1"))
    assert instance.rule.id == "infusion"
    assert instance.binding == {"A": "a1", "M": 160}
    route, ran, long_enough, not_discontinued = instance.checks
    assert (route.atoms, ran.atoms) == ((("route", "a1", "iv"),), (("ran", "a1", 160),))
    assert long_enough.values == (160, 16)
    assert not_discontinued.atoms == ()
    assert all(check.holds for check in instance.checks)


def test_calculated_heads_and_counted_elements() -> None:
    [instance] = support().instances(("hour", "a1", 3))
    assert instance.binding == {"A": "a1", "K": 2, "M": 160}
    [units] = support().instances(("units", "a1", None))
    [counted] = [check for check in units.checks if check.counted]
    assert counted.values == (2,)
    assert counted.counted == {(2,): (("hour", "a1", 2),), (3,): (("hour", "a1", 3),)}


def test_why_not_names_the_first_that_fails_with_what_makes_it_fail() -> None:
    why = support()
    too_short, not_ordered = why.why_not(("infusion", "a2"))
    assert failed([too_short, not_ordered]) == {"infusion": "M >= 16", "by-order": "ordered(A,M)"}
    assert too_short.failed.values == (15, 16)
    assert [check.atoms for check in too_short.checks] == [(("route", "a2", "iv"),), (("ran", "a2", 15),)]
    assert not_ordered.failed.atoms == ()

    wrong_route, ordered = why.why_not(("infusion", "a3"))
    assert wrong_route.failed.atoms == (("route", "a3", "im"),)  # what comes nearest
    assert ordered.failed.values == (10, 15)

    [discontinued, _] = why.why_not(("infusion", "a4"))
    assert discontinued.failed.atoms == (("discontinued", "a4", "reaction"), ("discontinued", "a4", "pain"))


def test_why_not_asks_only_rules_that_could_say_so_and_goes_as_far_as_it_can() -> None:
    [further] = support().why_not(("hour", "a1", 4))
    assert further.binding == {"A": "a1", "K": 3, "M": 160}
    assert further.failed.values == (160, 211)


def test_a_choice_that_fell_on_another() -> None:
    why = support()
    [chosen] = why.instances(("initial", "a5"))
    assert chosen.rule.id == "one-initial"
    [failure] = why.why_not(("initial", "a1"))
    assert failure.failed.element is None
    assert failure.failed.atoms == (("initial", "a5"),)
    [no_candidate] = why.why_not(("initial", "a2"))
    assert text(no_candidate.failed.element or 0) == "infusion(A)"


def test_any_argument() -> None:
    why = support()
    assert [show(instance.head) for instance in why.instances(("units", None, None))] == ["units(a1,2)"]
    assert {one.failed.values for one in why.why_not(("units", "a5", None))} == {(0, 0)}


def test_apply_checks_an_instance_that_somebody_claims() -> None:
    why = support()
    [rule, *_] = parse(LAW)
    assert isinstance(why.apply(rule, {"A": "a1", "M": 160}), Instance)
    wrong: list[dict[str, Value]] = [
        {"A": "a1", "M": 161},
        {"A": "a2", "M": 15},
        {"A": "a4", "M": 40},
        {"A": 7, "M": "x"},
    ]
    for binding in wrong:
        assert isinstance(why.apply(rule, binding), Failure)


def test_arithmetic_without_value_binds_nothing() -> None:
    program = Program(parse("% [minus]\nless(X) :- named(X), X - 1 = Y, Y > 0."))
    why = Support(program, program.derive(parse_facts("named(b)."), []))
    [failure] = why.why_not(("less", None))
    assert failure.failed.values == ()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_the_slow_search_finds_what_was_derived_and_nothing_else(seed: int) -> None:
    law, facts = split(Generator(seed).program())
    program = Program(parse(law))
    answers = list(islice(program.answers(parse_facts(facts)), 5))
    everything: set[Atom] = set().union(*(answer.atoms for answer in answers))
    for answer in answers:
        why = Support(program, answer)
        for atom in everything:
            instances = list(why.instances(atom))
            assert bool(instances) == (atom in answer and atom not in answer.facts)
            for instance in instances:
                assert instance.head == atom
                applied = why.apply(instance.rule, instance.binding)
                assert isinstance(applied, Instance)
                assert applied.head == atom
                assert {atom for check in instance.checks for atom in check.atoms} <= answer.atoms
            if atom not in answer:
                assert all(not failure.failed.holds for failure in why.failures(atom))
