"""What the second engine's parser takes, what it refuses and how it says so, and what comments belong to a rule."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivproof.recheck import FactError, LawError, Program, parse, parse_facts, read, show
from ivproof.recheck.syntax import text


@pytest.mark.parametrize(
    ("law", "said"),
    [
        (":- p.", "one head"),
        (":~ p. [1]", "one head"),
        ("p | q.", "disjunctions"),
        ("p ; q.", "disjunctions"),
        ("p(1;2).", "pools"),
        ("p :- q ; r.", "pools"),
        ("p(1..3).", "intervals"),
        ("-p.", "classical negation"),
        ("p :- -q.", "classical negation"),
        ("p(X) :- q(Y), X = -Y.", "minus"),
        ("p :- not not q.", "`not` stands once"),
        ("p :- not X < 3, q(X).", "cannot stand here|comparison"),
        ("p :- not #count { X : q(X) } = 1.", "aggregate"),
        ("p :- 1 < #count { X : q(X) } < 3.", "comparison"),
        ("p :- #sum+ { X : q(X) } = 1.", "comparison|cannot"),
        ("p :- q : r.", "conditional"),
        ("p :- -1 < X < 2, q(X).", "comparison"),
        ("p(X) :- q(X), X == 2.", "comparison"),
        ("{ p : q ; r : s } = 1.", "pools"),
        ("{ p : q } = 2.", "= 1"),
        ("1 { p : q } 1.", "cannot stand"),
        ("{ p } = 1.", "cannot stand"),
        ("#show p/1.", "directives"),
        ("#const n = 3.", "directives"),
        ("#minimize { 1 : p }.", "directives"),
        ("#include 'x.lp'.", "directives"),
        ("p(#inf).", "directives"),
        ("p :- #true.", "directives"),
        ("p(@f(1)).", "scripts"),
        ("p :- &sum { x } <= 1.", "theory"),
        ("%* long *% p.", "block comments"),
        ("p(007).", "leading zeros"),
        ("p(0x1F).", "decimal"),
        ("p(2147483648).", "32 bits"),
        ("p(X) :- q(X), X < -2147483648.", "32 bits"),
        ('p("a\nb").', "string"),
        ('p("\\t").', "string"),
        ("p(a').", "cannot stand"),
        ("p(f()).", "cannot stand"),
        ("p(X) :- q(X), X = a + 1.", "no number"),
        ('p(X + "1") :- q(X).', "no number"),
        ("p(X / 0) :- q(X).", "division by zero"),
        ("p(" + "f(" * 60 + "a" + ")" * 61 + ".", "nested"),
        ("p(" + "X+" * 60 + "X) :- q(X).", "nested"),
        ("not(a).", "not"),
        ("p. \0 q.", "NUL"),
        ("p :- q", "full stop"),
    ],
)
def test_refuses_what_is_outside_the_language(law: str, said: str) -> None:
    with pytest.raises(LawError, match=said) as caught:
        parse("ok(a).\n\n" + law, "law.lp")
    assert caught.value.file == "law.lp"
    assert caught.value.line >= 3


def test_says_where() -> None:
    with pytest.raises(LawError) as caught:
        parse("p(a).\np(b). % 1..2\nq(X) :-\n  p(X),\n  X = 1..2.", "asp/out001/push.lp")
    assert str(caught.value).startswith("asp/out001/push.lp:5: found '..2.': intervals")


@pytest.mark.parametrize(
    ("law", "variable"),
    [
        ("p(X).", "X"),
        ("p(X) :- not q(X).", "X"),
        ("p(X) :- q(Y), X < Y.", "X"),
        ("p(_) :- q(_).", "_"),
        ("p(X) :- q(X), not r(X, Y).", "Y"),
        ("p(X) :- q(X + 1).", "X"),
        ("p :- q(X), #count { Y : r(X) } > 0.", "Y"),
        ("p(N) :- N = #count { X : r(X, N) }.", "N"),
        ("p(X) :- #count { X : r(X) } > 0.", "X"),
        ("p(X) :- X = X.", "X"),
        ("{ p(X, Y) : q(X) } = 1 :- r(Z).", "Y"),
        ("p :- q(X), X < _.", "_"),
    ],
)
def test_refuses_a_rule_whose_variables_get_no_value(law: str, variable: str) -> None:
    with pytest.raises(LawError, match=f"law:1: unsafe: nothing gives a value to (.*, )?{variable}"):
        Program(parse(law))


@pytest.mark.parametrize(
    "law",
    [
        "p(X) :- d(X), not q(X). q(X) :- d(X), not p(X).",
        "p :- d, not p.",
        "p(N) :- N = #count { X : p(X) }.",
        "{ p(X) : q(X) } = 1 :- d. q(X) :- p(X).",
        "{ p(X) : d(X) } = 1 :- not q. q :- p(a).",
        "{ p(X) : d(X) } = 1. p(b) :- not p(a).",
        "p(X) :- d(X), q(X). q(X) :- #sum { Y : r(Y) } > 0, d(X). r(X) :- p(X).",
    ],
)
def test_refuses_circles_through_negation(law: str) -> None:
    with pytest.raises(LawError, match=r"law:1: not stratified: .* by way of .*law:1"):
        Program(parse(law))


def test_one_predicate_may_be_defined_in_parts() -> None:
    law = Program(parse("class(X, plain) :- d(X), not class(X, odd). class(X, odd) :- d(X), not list(X)."))
    answer = law.derive(parse_facts("d(a). d(b). list(a)."))
    assert set(map(show, answer.of("class", 2))) == {"class(a,plain)", "class(b,odd)"}


# Comments


def test_headers() -> None:
    rules = parse("""
% Not a header: nothing here is [id] like.

% [first] R30, R29 (III.B)
% {A} ran at least {T} minutes:
%   an infusion.
infusion(A) :- ran(A, T),
    % [inside] a comment inside a rule is no header
    T >= 16. % [trailing] nor one behind it

% [silent] derived from CPT (F23): OUT001 is silent
push(A) :- ran(A, T), T < 16.
push(A) :- shot(A).
other(A) :- shot(A).

% [thresholds] R29
% Minutes.
threshold(infusion, 16).

% A note in between.
threshold(hydration, 31). limit(24).
last(A) :- limit(A).

last(A) :- threshold(A, _).
""")
    assert [(rule.head.name, rule.id, rule.clause, rule.line) for rule in rules] == [
        ("infusion", "first", 1, 7),
        ("push", "silent", 1, 12),
        ("push", "silent", 2, 13),
        ("other", "", 1, 14),
        ("threshold", "thresholds", 1, 18),
        ("threshold", "thresholds", 2, 21),
        ("limit", "thresholds", 3, 21),
        ("last", "", 1, 22),
        ("last", "", 1, 24),
    ]
    assert rules[0].citation == "R30, R29 (III.B)"
    assert rules[0].sentence == "{A} ran at least {T} minutes: an infusion."
    assert rules[1].citation == "derived from CPT (F23): OUT001 is silent"
    assert rules[1].sentence == ""


def test_reads_files_with_any_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "law.lp"
    path.write_bytes("% [é-is-no-id] x\r\n% [a-1] R1\r\n% Für {X}.\r\np(X) :-\r\n  q(X).".encode())
    [rule] = read([path])
    assert (rule.id, rule.citation, rule.sentence, rule.file) == ("a-1", "R1", "Für {X}.", str(path))


@pytest.mark.parametrize(
    "element",
    [
        "p(X)",
        "not q(_,f(X),(a,))",
        "X-(Y-1) >= -2",
        '#count { X,1 : p(X), not r; Y : Y = "é" } = N',
        "#sum { X : p(X) } < (X,Y)",
    ],
)
def test_elements_are_printed_as_they_are_written(element: str) -> None:
    [rule] = parse(f"h(X) :- {element}.")
    assert [text(part) for part in rule.body] == [element]


def test_rules_compare_by_what_they_say() -> None:
    assert parse("p(X) :- q(X, _), r(_).") == parse("\n\np(X):-q(X,_),r(_).")
    assert parse("p(X) :- q(X).") != parse("p(Y) :- q(Y).")


# Facts

names = st.from_regex(r"_*[a-z][A-Za-z0-9_]{0,5}", fullmatch=True).filter(lambda name: name != "not")
strings = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
)
values = st.recursive(
    st.one_of(st.integers(-(2**31) + 1, 2**31 - 1), names, strings),
    lambda inner: st.one_of(
        st.tuples(names, inner),
        st.tuples(names, inner, inner),
        st.tuples(st.just(""), inner),
        st.tuples(st.just(""), inner, inner),
    ),
    max_leaves=6,
)
atoms = st.one_of(st.tuples(names), st.tuples(names, values), st.tuples(names, values, values))


@given(st.lists(atoms, max_size=4))
def test_facts_survive_a_round_trip(facts: list[tuple[str, ...]]) -> None:
    written = " ".join(show(fact) + "." for fact in facts)
    assert parse_facts(written) == facts
    assert [rule.fact for rule in parse(written)] == facts


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("p(X).", "line 1: found 'X"),
        ("p(a)", "ends where a full stop"),
        ("p(a", "ends where a full stop"),
        ("p(", "ends where a ground term"),
        ("p(a).\nq(a,).", "line 2: found '\\)"),
        ("p((a)).", "found '\\)"),
        ("p(a)). ", "found '\\)"),
        ("p(a b).", "expected the end of the term"),
        ("(a,b).", "expected a fact"),
        ('"a".', "expected a fact"),
        ("3.", "expected a fact"),
        ("p :- q.", "expected the end"),
        ("p(1+1).", "found '\\+"),
        ("p(--1).", "found '-"),
        ("p(01).", "found '0"),
        ("p(3000000000).", "32 bits"),
        ('p("a\n").', "found '\""),
        ("not.", "found 'not"),
        ("p(not).", "found 'not"),
        ("p(#inf).", "found '#"),
        ("p(" * 60 + "a" + ")" * 60 + ".", "line 1"),
        ("p(\xa0a).", "line 1"),
        ("p(a)\0.", "line 1"),
    ],
)
def test_refuses_what_is_no_fact(written: str, said: str) -> None:
    with pytest.raises(FactError, match=said):
        parse_facts(written)
