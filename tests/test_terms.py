import subprocess
import sys

import clingo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivproof.law.terms import (
    Function,
    Operation,
    String,
    Template,
    Term,
    TermError,
    Variable,
    atom,
    order,
    parse,
    split,
    substitute,
)

NAMES = st.from_regex(r"_?[a-z][A-Za-z0-9_']{0,4}", fullmatch=True).filter(lambda name: name != "not")
LEAVES = st.one_of(
    st.just(Function("")),
    st.integers(-(2**31), 2**31 - 1),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8).map(String),
    st.text('a"\\\n%*(),{}# ', max_size=8).map(String),
    NAMES.map(Function),
)
TERMS = st.recursive(
    LEAVES,
    lambda inner: st.builds(Function, NAMES | st.just(""), st.lists(inner, min_size=1, max_size=3).map(tuple)),
    max_leaves=12,
)


def symbol(term: Term) -> clingo.Symbol:
    """The solver's own symbol for a ground term."""
    match term:
        case int():
            return clingo.Number(term)
        case String():
            return clingo.String(term.value)
        case Function():
            return clingo.Function(term.name, [symbol(argument) for argument in term.arguments])
    raise AssertionError(term)


@settings(deadline=None)
@given(TERMS)
def test_the_solvers_text_reads_back_as_the_term(term: Term) -> None:
    text = str(symbol(term))
    assert parse(text) == term
    assert str(term) == text


@settings(deadline=None)
@given(TERMS)
def test_equal_texts_give_the_same_object(term: Term) -> None:
    assert parse(str(term)) is parse("".join(str(term)))


@settings(deadline=None)
@given(st.lists(TERMS, max_size=4), NAMES)
def test_split_gives_the_texts_of_the_arguments(terms: list[Term], name: str) -> None:
    assert split(str(Function(name, tuple(terms)))) == tuple(map(str, terms))
    assert split(str(Function("", tuple(terms)))) == tuple(map(str, terms))


@settings(deadline=None)
@given(TERMS, TERMS)
def test_order_is_the_solvers(left: Term, right: Term) -> None:
    assert (order(left) < order(right)) == (symbol(left) < symbol(right))


def test_the_bounds_of_the_order() -> None:
    terms = [parse(text) for text in ("#sup", "f(1)", '"a"', "a", "7", "-7", "#inf")]
    assert sorted(terms, key=order) == terms[::-1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f(",
        "f(1",
        "f(1))",
        "f(1,)",
        "(1,2,)",
        "f(,1)",
        ",",
        ")",
        '"a',
        "X",
        "1 2",
        "f (1)",
        "a b",
        "A(1)",
    ],
)
def test_what_is_no_ground_term_is_refused(text: str) -> None:
    with pytest.raises(TermError):
        parse(text)


def test_brackets_around_one_term_are_no_tuple() -> None:
    assert parse("(1)") == 1
    assert parse("(1,)") == Function("", (1,))
    assert parse("()") == Function("")


def test_an_atom_is_a_constant_or_a_function() -> None:
    assert atom("line(a1,2)").signature == ("line", 2)
    for text in ("1", '"line"', "(1,2)"):
        with pytest.raises(TermError):
            atom(text)


@settings(deadline=None)
@given(st.integers(-50, 50), st.integers(-50, 50), st.sampled_from("+-*/\\"))
def test_arithmetic_is_the_solvers(left: int, right: int, operator: str) -> None:
    control = clingo.Control(["--warn=none"])
    control.add(f"p(X{operator}Y) :- X = {left}, Y = {right}.")
    control.ground()
    expected = [atom.symbol.arguments[0].number for atom in control.symbolic_atoms]
    operation = Operation(operator, Variable("X"), Variable("Y"))
    try:
        assert [substitute(operation, {"X": left, "Y": right})] == expected
    except TermError:
        assert expected == []


def test_arithmetic_on_a_constant_is_refused() -> None:
    with pytest.raises(TermError):
        substitute(Operation("+", Function("a"), 1), {})


def test_a_template_is_filled_with_texts() -> None:
    term = Function(
        "p", (Variable("X"), String("{X}"), Function("", (Operation("+", Variable("Y"), 1),)), Variable("_"))
    )
    assert Template(term, ["X", "Y"]).fill(['f("{}")', "41"]) == 'p(f("{}"),"{X}",(42,),_)'


def test_the_reader_needs_no_solver() -> None:
    code = "import sys, ivproof.law.terms, ivproof.law.syntax; sys.exit('clingo' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
