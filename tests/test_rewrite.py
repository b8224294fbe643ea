from itertools import product
from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_programs import INPUTS, answer_sets, facts, programs

from ivproof.law.dependencies import shared
from ivproof.law.language import LawError, load
from ivproof.law.rewrite import batch, copy, specialise
from ivproof.law.syntax import Program
from ivproof.law.terms import Function, atom


def law(text: str) -> Program:
    return load({"law.lp": text})


def given_as(chart: tuple[str, ...]) -> str:
    return "".join(f"{fact}. " for fact in chart)


# ------------------------------------------------------------------------------------------------ specialise


@settings(deadline=None)
@given(programs(settings=True), facts(), st.sampled_from("ab"), st.sampled_from(["q1", "q2", "Q"]))
def test_settling_a_question_equals_adding_the_fact(
    text: str, chart: tuple[str, ...], option: str, question: str
) -> None:
    asked = {
        "q1": "{ reading(q1,O) : option(O) } = 1.",
        "q2": "{ reading(q2,O) : option(O) } = 1 :- go.",
        "Q": "{ reading(Q,O) : option(O) } = 1 :- open(Q). open(q1). open(q2).",
    }[question]
    program = law(f"{text}\n{asked}")
    settled = answer_sets(specialise(program, {"q1": option}).text + given_as(chart))
    stated = f"reading(q1,{option})"
    added = answer_sets(f"{program.text}{given_as(chart)}{stated}.")
    assert settled == sorted((answers - {stated} for answers in added), key=sorted)


def test_a_settled_question_leaves_the_text_but_not_the_record() -> None:
    program = law(
        "p(X) :- q(X), reading(a9,longest), not reading(a9,first).\n"
        "p(X) :- q(X), reading(a9,first).\n"
        "p(X) :- r(X), not reading(a9,longest).\n"
        "n(N) :- N = #sum { X : q(X), reading(a9,longest); 5 : reading(a9,first); 7 : reading(a2,x) }.\n"
        "{ c(X) : q(X), not reading(a9,first) } = 1 :- reading(a2,y).\n"
    )
    rules = specialise(program, {"a9": "longest"}).rules
    assert [str(rule) for rule in rules] == [
        "p(X) :- q(X).",
        "n(N) :- #sum { X : q(X); 7 : reading(a2,x) } = N.",
        "{ c(X) : q(X) } = 1 :- reading(a2,y).",
    ]
    assert [str(literal) for literal in rules[0].settled] == ["reading(a9,longest)", "not reading(a9,first)"]
    assert [rule.line for rule in rules] == [1, 4, 5]


def test_what_would_set_a_settled_question_goes() -> None:
    program = law("reading(a9,first). reading(a2,x). { reading(a9,O) : option(O) } = 1 :- open(a9).")
    assert specialise(program, {"a9": "longest"}).text == "reading(a2,x).\n"


def test_settings_may_have_another_name_and_numbers_as_options() -> None:
    program = law("p :- setting(gap,30). q :- setting(gap,31), reading(gap,31).")
    assert specialise(program, {"gap": "30"}, "setting").text == "p.\n"


@pytest.mark.parametrize("literal", ["reading(a9,X)", "not reading(X,first)", "#count { 1 : reading(X,y) } = 0"])
def test_a_question_that_is_a_variable_is_refused(literal: str) -> None:
    with pytest.raises(LawError, match=r"law.lp:2: found .*reading.*expected constants in reading"):
        specialise(law(f"q.\np(X) :- q(X), {literal}."), {})


def test_a_setting_that_empties_a_choice_is_refused() -> None:
    with pytest.raises(LawError, match=r"law.lp:1: .*a choice that keeps alternatives"):
        specialise(law("{ c(X) : q(X), reading(a9,first) } = 1."), {"a9": "longest"})


# ----------------------------------------------------------------------------------------------------- batch


@settings(max_examples=60, deadline=None)
@given(programs(settings=True), st.lists(facts(), min_size=1, max_size=3), st.booleans())
def test_a_batch_gives_each_chart_its_own_answers(text: str, charts: list[tuple[str, ...]], all_lone: bool) -> None:
    program = law(text + "\n{ reading(q2,O) : option(O) } = 1.")
    alike = frozenset() if all_lone else shared(program, INPUTS)
    singles = [answer_sets(program.text + given_as(chart)) for chart in charts]
    assume(prod(map(len, singles)) <= 64)
    lifted = "".join(
        f"encounter(e{number}). {given_as(tuple(map(str, (lift(fact, number) for fact in chart))))}\n"
        for number, chart in enumerate(charts)
    )
    together = answer_sets(batch(program, alike).text + lifted)

    def one(answers: frozenset[str], number: int) -> frozenset[str]:
        own = set()
        for found in map(atom, answers):
            if found.signature in alike:
                own.add(str(found))
            elif found.name != "encounter" and found.arguments[0] == Function(f"e{number}"):
                own.add(str(Function(found.name, found.arguments[1:])))
        return frozenset(own)

    numbers = range(len(charts))
    combined = {tuple(one(answers, number) for number in numbers) for answers in together}
    assert len(combined) == len(together)
    assert combined == set(product(*singles))


def lift(fact: str, number: int) -> Function:
    found = atom(fact)
    return Function(found.name, (Function(f"e{number}"), *found.arguments))


def test_the_encounter_stands_in_front_of_what_the_chart_decides() -> None:
    program = law(
        "limit(16). double(X*2) :- limit(X).\n"
        "long(E) :- ran(E,T), limit(L), T >= L.\n"
        "none :- not long(_), double(X).\n"
        "all(N) :- N = #sum { T,A : ran(A,T), not long(A), limit(_) }.\n"
        "{ first(A) : ran(A,_) } = 1.\n"
    )
    assert batch(program, shared(program, {("ran", 2)})).text.splitlines() == [
        "limit(16).",
        "double((X*2)) :- limit(X).",
        "long(E1,E) :- ran(E1,E,T), limit(L), T >= L.",
        "none(E) :- encounter(E), not long(E,_), double(X).",
        "all(E,N) :- encounter(E), #sum { T,A : ran(E,A,T), not long(E,A), limit(_) } = N.",
        "{ first(E,A) : ran(E,A,_) } = 1 :- encounter(E).",
    ]


def test_a_policy_may_ask_whether_there_is_an_encounter() -> None:
    program = law("none(0) :- encounter, not ran(_).")
    assert batch(program, ()).text == "none(E,0) :- encounter(E), not ran(E,_).\n"


def test_what_depends_on_the_chart_cannot_be_shared() -> None:
    with pytest.raises(ValueError, match=r"law.lp:1: long/1 depends on the chart"):
        batch(law("long(A) :- ran(A)."), {("long", 1)})


@pytest.mark.parametrize("text", ["limit(1,2). p :- limit(X).", "p :- encounter(1), q."])
def test_predicates_that_would_meet_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="would meet"):
        batch(law(text), {("limit", 2), ("encounter", 1)})


# ------------------------------------------------------------------------------------------------------ copy


@settings(deadline=None)
@given(programs(), programs(), facts())
def test_copies_stand_over_one_chart_without_touching(one: str, two: str, chart: tuple[str, ...]) -> None:
    laws = {"a": law(one), "b": law(two)}
    text = "".join(copy(program, tag, INPUTS).text for tag, program in laws.items()) + given_as(chart)
    together = answer_sets(text)
    singles = [answer_sets(program.text + given_as(chart)) for program in laws.values()]

    def marked(answers: frozenset[str], tag: str) -> frozenset[str]:
        found = (atom(text) for text in answers)
        return frozenset(str(f if f.signature in INPUTS else Function(f"{f.name}__{tag}", f.arguments)) for f in found)

    pairs = product(*([marked(answers, tag) for answers in s] for tag, s in zip(laws, singles, strict=True)))
    assert together == sorted((a | b for a, b in pairs), key=sorted)


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ValueError, match="p__v2/1"):
        copy(law("p(X) :- p__v2(X)."), "v2", ())
