import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import answer_sets, facts, programs

from ivproof.law.language import LawError, load
from ivproof.law.syntax import Header
from ivproof.law.terms import Function, String

LAW = """\
% What this file is about, with an example of a header in passing: see [1].

% [drug-infusion] R30, R29 (III.B)
% {A} ran at least
% {T} minutes.
technique(A, infusion) :- drug(A), % a remark
    route(A, iv),
    ran_at_least(A, T).  % another
technique(A, infusion) :- pump(A).

technique(A, none) :- unknown(A).

% [thresholds] derived from CPT (F23): OUT001 is silent
threshold(infusion, 16). threshold(push, 0).
% pushes
threshold(push_again, -31).

first(5).
% [initial] A9
{ initial(A) : candidate(A), not outranked(A) } = 1 :- site(S).
other :- technique(A, _).
"""


def test_a_rule_has_the_header_above_it() -> None:
    rules = load({"law.lp": LAW}).rules
    header = Header("drug-infusion", "R30, R29 (III.B)", "{A} ran at least {T} minutes.", "law.lp", 3)
    assert (rules[0].header, rules[0].clause, rules[0].place) == (header, 1, "law.lp:6")
    assert header.references == ("R30", "R29")
    assert rules[0].text.splitlines()[1] == "    route(A, iv),"
    assert rules[0].text.endswith("ran_at_least(A, T).")
    assert str(rules[0]) == "technique(A,infusion) :- drug(A), route(A,iv), ran_at_least(A,T)."


def test_facts_and_adjoining_clauses_share_a_header() -> None:
    program = load({"law.lp": LAW})
    assert [(rule.id, rule.clause) for rule in program.rules] == [
        ("drug-infusion", 1),
        ("drug-infusion", 2),
        ("", 1),
        ("thresholds", 1),
        ("thresholds", 2),
        ("thresholds", 3),
        ("thresholds", 4),
        ("initial", 1),
        ("", 1),
    ]
    assert [rule.line for rule in program.without_header] == [11, 21]
    assert [rule.line for rule in program.by_id["thresholds"]] == [14, 14, 16, 18]
    header = program.by_id["thresholds"][0].header
    assert header is not None
    assert header.citation == "derived from CPT (F23): OUT001 is silent"


def test_a_header_does_not_reach_into_the_next_file() -> None:
    program = load({"a.lp": "% [a] R1\np(1).", "b.lp": "p(2)."})
    assert [rule.place for rule in program.without_header] == ["b.lp:1"]


def test_a_program_survives_pickling() -> None:
    program = load({"law.lp": LAW})
    again = pickle.loads(pickle.dumps(program))
    assert again == program
    assert hash(again) == hash(program)


@settings(deadline=None)
@given(programs(settings=True, choices=2), facts())
def test_the_text_of_a_program_means_what_the_file_means(text: str, chart: tuple[str, ...]) -> None:
    program = load({"law.lp": text})
    given_facts = "".join(f"{fact}. " for fact in chart)
    assert answer_sets(program.text + given_facts) == answer_sets(text + given_facts)
    assert load({"law.lp": program.text}).text == program.text


@settings(deadline=None)
@given(st.text('a"\\\n%*{}#.:- é', max_size=12))
def test_a_string_stays_what_it_is(value: str) -> None:
    program = load({"law.lp": f'% [a] R1\np({String(value)}, "%* % [b] R2"). q(1). % after\n'})
    assert [rule.id for rule in program.rules] == ["a", "a"]
    assert program.rules[0].head == Function("p", (String(value), String("%* % [b] R2")))
    assert program.rules[0].text == f'p({String(value)}, "%* % [b] R2").'
    assert answer_sets(program.text) == [{f'p({String(value)},"%* % [b] R2")', "q(1)"}]


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("p(1..2).", "1..2", "an integer, a constant"),
        ("p(1;2).", "p(1;2)", "an atom"),
        ("p(#inf).", "#inf", "an integer, a constant"),
        ("p(-A) :- q(A).", "-A", "an integer, a constant"),
        ("p(A**2) :- q(A).", "A**2", "arithmetic with + - *"),
        ("p(@f(1)).", "@f(1)", "an integer, a constant"),
        ("p(|A|) :- q(A).", "|A|", "an integer, a constant"),
        ("_p(1).", "_p(1)", "an atom"),
        ("-p.", "-p", "an atom"),
        ("p :- -q.", "-q", "an atom"),
        ("not p :- q.", "not p", "one atom"),
        ("a | b.", "a; b", "one atom"),
        (":- a.", "#false", "one atom"),
        ("{ a : b }.", "{ a: b }", "{ h(..) : lit, .. } = 1"),
        ("{ a } = 1.", "1 = { a }", "{ h(..) : lit, .. } = 1"),
        ("{ a : b; c : d } = 1.", "{ a: b; c: d }", "{ h(..) : lit, .. } = 1"),
        ("1 { a : b } 1.", "1 <= { a: b } <= 1", "{ h(..) : lit, .. } = 1"),
        ("{ a : b } = 2.", "2 = { a: b }", "{ h(..) : lit, .. } = 1"),
        ("#count { 1 : a : b } = 1.", "#count", "one atom"),
        ("p :- not not q.", "not not q", "p(..), not p(..)"),
        ("p :- 1 < A < 2, q(A).", "1 < A < 2", "a comparison"),
        ("p :- not 1 < 2.", "not 1 < 2", "a comparison"),
        ("p :- #true.", "#true", "a comparison"),
        ("p :- a : b.", "a: b", "p(..), not p(..)"),
        ("p :- { a } = 1.", "{ a }", "an aggregate"),
        ("p :- not #count { 1 : a } = 1.", "not 1 = #count", "without not"),
        ("p :- 1 <= #count { 1 : a } <= 3.", "1 <= #count", "with one bound"),
        ("p :- #count { 1 : a }.", "#count", "with one bound"),
        ("p :- #sum+ { 1 : a } = 1.", "#sum+", "#sum, #count, #min or #max"),
        ("p :- #count { 1 } = 1.", "#count { 1 }", "terms : literals"),
        ("p(_) :- q.", "p(_)", "_ only inside"),
        ("p :- q(A), _ < A.", "_ < A", "_ only inside"),
        ("p :- #count { _ : q(_) } > 1.", "#count", "_ only inside"),
        ("#const n = 3.", "#const", "a fact, a rule, or a choice"),
        ("#show p/1.", "#show", "a fact, a rule, or a choice"),
        ("#program base.", "#program base", "a fact, a rule, or a choice"),
        ("#external a.", "#external", "a fact, a rule, or a choice"),
        ("#minimize { 1 : a }.", ":~ a", "a fact, a rule, or a choice"),
        (":~ a. [1]", ":~ a", "a fact, a rule, or a choice"),
        ("#script (python)\n#end.", "#script", "a fact, a rule, or a choice"),
        ('#include "other.lp".', "#include", "a fact, a rule, or a choice"),
        ("p :- &x.", "&x", "p(..), not p(..)"),
        ("%* a block *%", "%*", "a % comment"),
        ("p q.", "syntax error", "a fact, a rule, or a choice"),
    ],
)
def test_what_is_outside_the_language_is_refused_with_its_place(text: str, found: str, expected: str) -> None:
    with pytest.raises(LawError) as refusal:
        load({"good.lp": "p.", "bad.lp": f"a.\n{text}\nb.\n"})
    problem = refusal.value.problems[0]
    assert (problem.file, problem.line) == ("bad.lp", 2)
    assert found in problem.found
    assert expected in problem.expected
    assert str(problem).startswith("bad.lp:2: found ")


def test_all_problems_of_all_files_are_told() -> None:
    with pytest.raises(LawError) as refusal:
        load({"a.lp": "p(1..2).\nq.\n:- q.", "b.lp": "#show q/0."})
    assert [(problem.file, problem.line) for problem in refusal.value.problems] == [
        ("a.lp", 1),
        ("a.lp", 3),
        ("b.lp", 1),
    ]


def test_an_included_file_is_refused_even_if_it_exists(tmp_path: Path) -> None:
    path = tmp_path / "other.lp"
    path.write_text("p(1). p(2).")
    with pytest.raises(LawError) as refusal:
        load({"a.lp": f'a.\n#include "{path}".'})
    assert [str(problem)[:23] for problem in refusal.value.problems] == ["a.lp:2: found #include;"]
