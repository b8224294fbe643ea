"""The second engine has the answers that clingo has: on generated programs of the rule language."""

from hypothesis import given, settings
from hypothesis import strategies as st
from recheck_programs import ODD, SIMPLE, Generator, differs, from_clingo, from_recheck, shrunk


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32))
def test_generated_programs_have_the_answers_of_clingo(seed: int) -> None:
    program = Generator(seed).program()
    assert not differs(program), shrunk(program)


def test_terms_are_ordered_as_in_clingo() -> None:
    terms = [*SIMPLE, *ODD, "f(a,b)", "(b,)", "(0,a)", "g(b)", '"b"', '"a!"', '"a b"', "aa", "aB", "(a,b,c)"]
    program = [
        *(f"d({term})." for term in terms),
        "p(X,Y) :- d(X), d(Y), X < Y.",
        "q(X,Y) :- d(X), d(Y), X >= Y.",
    ]
    assert from_recheck(program) == from_clingo("\n".join(program))


def test_aggregates_over_nothing_and_over_what_is_no_number() -> None:
    program = [
        "d(b). d(2). d(-3). d(f(1)).",
        "s(N) :- N = #sum { X : d(X) }.",
        "s(N,X) :- d(X), N = #min { Y,X : d(Y), Y > X }.",
        "m(N) :- N = #max { X : d(X), not d(_) }.",
        "c(N) :- N = #count { X,1 : d(X) ; X : d(X) ; X,1 : e(X) }.",
        "low(X) :- X = #min { Y : d(Y) }.",
        "all :- #sum { X : d(X) } < a.",
    ]
    assert from_recheck(program) == from_clingo("\n".join(program))
