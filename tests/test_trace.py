from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product

import pytest
from clingo import Control
from hypothesis import assume, given, settings
from random_programs import INPUTS, answer_sets, facts, programs

from ivproof.law.dependencies import shared
from ivproof.law.language import load
from ivproof.law.rewrite import batch, copy, specialise
from ivproof.law.syntax import Aggregate, Comparison, Literal, Program, Rule, all_variables, global_variables
from ivproof.law.terms import Function, String, Term, TermError, Variable, order, parse, substitute
from ivproof.law.trace import Instance, TracedProgram, trace


def law(text: str) -> Program:
    return load({"law.lp": text})


def applied(text: str, chart: str = "") -> list[Instance]:
    """The applied rules of a program with one answer set."""
    traced = trace(law(text))
    (answers,) = answer_sets(traced.text + chart)
    return traced.instances(sorted(answers))


def is_label(text: str) -> bool:
    return text.startswith(("_f", "_e"))


# A second, slow reading of the rules: all ways to satisfy a condition, by trying every value of a variable.

Condition = tuple[Literal | Comparison, ...]
Values = Mapping[str, Term]


def universe(answers: frozenset[str]) -> list[Term]:
    """The values that variables can take: what stands in an atom, and numbers for aggregates."""
    inside = {argument for text in answers if isinstance(a := parse(text), Function) for argument in a.arguments}
    return [*inside, *(number for number in range(26) if number not in inside), parse("#inf"), parse("#sup")]


def holds(part: Literal | Comparison, values: Values, answers: frozenset[str]) -> bool:
    try:
        if isinstance(part, Literal):
            pattern = substitute(part.atom, values)
            matching = any(matches(pattern, parse(text)) for text in answers)
            return matching != part.negated
        left, right = order(substitute(part.left, values)), order(substitute(part.right, values))
    except TermError:
        return False
    return {
        "=": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[part.operator]


def matches(pattern: Term, ground: Term) -> bool:
    if isinstance(pattern, Variable):
        return True
    if isinstance(pattern, Function) and isinstance(ground, Function):
        same = pattern.name == ground.name and len(pattern.arguments) == len(ground.arguments)
        return same and all(map(matches, pattern.arguments, ground.arguments))
    return pattern == ground


def ways(
    condition: Condition, names: tuple[str, ...], values: Values, answers: frozenset[str], terms: list[Term]
) -> Iterator[Values]:
    for combination in product(terms, repeat=len(names)):
        attempt = {**values, **dict(zip(names, combination, strict=True))}
        if all(holds(part, attempt, answers) for part in condition):
            yield attempt


def counted(aggregate: Aggregate, values: Values, answers: frozenset[str], terms: list[Term]) -> set[tuple[str, ...]]:
    found = set()
    for element in aggregate.elements:
        probe = Rule(Function("x"), element.condition)
        names = tuple(name for name in global_variables(probe) if name not in values)
        for way in ways(element.condition, names, values, answers, terms):
            with suppress(TermError):
                found.add(tuple(str(substitute(term, way)) for term in element.terms))
    return found


def expected(rule: Rule, answers: frozenset[str]) -> set[frozenset[tuple[str, str]]]:
    """The bindings with which a rule applies in an answer set."""
    terms = universe(answers)
    aggregates = [part for part in rule.body if isinstance(part, Aggregate)]
    others = tuple(part for part in rule.body if not isinstance(part, Aggregate))
    names = global_variables(rule)
    assigned = [str(part.bound) for part in aggregates if isinstance(part.bound, Variable)]
    free = tuple(name for name in names if name not in assigned)
    literals = tuple(part for part in others if not all_variables(Rule(Function("x"), (part,))) & set(assigned))
    rest = tuple(part for part in others if part not in literals)
    found = set()
    for way in ways(literals, free, {}, answers, terms):
        values = dict(way)
        possible = True
        for aggregate in aggregates:
            value = worth(aggregate.function, counted(aggregate, values, answers, terms))
            if isinstance(aggregate.bound, Variable):
                values[aggregate.bound.name] = value
            else:
                possible &= holds(Comparison(value, aggregate.operator, aggregate.bound), values, answers)
        with suppress(TermError):
            substitute(rule.atom, values)
            if possible and all(holds(part, values, answers) for part in rest):
                found.add(frozenset((name, str(values[name])) for name in names))
    return found


def worth(function: str, tuples: set[tuple[str, ...]]) -> Term:
    first = sorted((parse(terms[0]) for terms in tuples), key=order)
    match function:
        case "#count":
            return len(tuples)
        case "#sum":
            return sum(term for term in first if isinstance(term, int))
        case "#min":
            return first[0] if first else parse("#sup")
    return first[-1] if first else parse("#inf")


@settings(deadline=None)
@given(programs(settings=True, choices=2), facts())
def test_tracing_keeps_the_answer_sets(text: str, chart: tuple[str, ...]) -> None:
    program = law(text + "\n{ reading(q1,O) : option(O) } = 1 :- go.")
    given_facts = "".join(f"{fact}. " for fact in chart)
    plain = answer_sets(program.text + given_facts)
    traced = answer_sets(trace(program).text + given_facts)
    unlabelled = [frozenset(atom for atom in answers if not is_label(atom)) for answers in traced]
    assert sorted(unlabelled, key=sorted) == plain


@settings(max_examples=60, deadline=None)
@given(programs(), facts())
def test_the_instances_are_all_ways_in_which_rules_apply(text: str, chart: tuple[str, ...]) -> None:
    program = law(text)
    traced = trace(program)
    for labelled in answer_sets(traced.text + "".join(f"{fact}. " for fact in chart))[:2]:
        answers = frozenset(text for text in labelled if not is_label(text))
        instances = traced.instances(sorted(labelled))
        check_conditions(instances, answers)
        for rule in program.rules:
            names = global_variables(rule)
            bindings = {frozenset((name, i.bindings[name]) for name in names) for i in instances if i.rule == rule}
            assert bindings == (set() if rule.is_fact else expected(rule, answers)), str(rule)
        concluded = {i.head for i in instances} | {fact.head for fact in traced.facts} | set(chart)
        concluded |= {x.terms[0] for i in instances for x in i.alternatives if x.terms[0] in answers}
        assert concluded - {None} == answers


def check_conditions(instances: list[Instance], answers: frozenset[str]) -> None:
    """Everything that an instance names as its reason is so."""
    terms = universe(answers)
    for instance in instances:
        assert instance.head is None or instance.head in answers
        for part in (
            instance,
            *instance.alternatives,
            *(x for a in instance.aggregates for x in a.alternatives),
        ):
            assert set(part.positive) <= answers
            for pattern in map(parse_pattern, part.negative):
                assert not any(matches(pattern, parse(text)) for text in answers)
            for compared in part.comparisons:
                truth = Comparison(parse(compared.left), compared.source.operator, parse(compared.right))
                assert holds(truth, {}, answers)
        values = {name: parse(text) for name, text in instance.bindings.items()}
        for aggregate in instance.aggregates:
            tuples = {x.terms for x in aggregate.alternatives}
            assert tuples == counted(aggregate.source, values, answers, terms)
            assert holds(
                Comparison(parse(aggregate.value), aggregate.source.operator, parse(aggregate.bound)),
                {},
                answers,
            )
        assert instance.head or sum(x in answers for x in {x.terms[0] for x in instance.alternatives}) == 1


def parse_pattern(text: str) -> Term:
    """A negative atom; ``_`` is written as a constant that the random programs do not have."""
    term = parse(text.replace("_", "anything"))
    return substitute_anything(term)


def substitute_anything(term: Term) -> Term:
    if term == Function("anything"):
        return Variable("_")
    if isinstance(term, Function):
        return Function(term.name, tuple(map(substitute_anything, term.arguments)))
    return term


def test_an_instance_tells_all_of_its_rule() -> None:
    (instance,) = applied(
        "% [further-hours] R52 (III)\n% {A} ran {H} further hours.\n"
        "hours(A,(H+1)*2) :- ran(A,T,_), H = #sum { N,B : part(A,B,N), not left_out(B,_), N > L }, limit(L),"
        " T-L >= 2*H, not stopped(A,_,L+1), A != other.",
        "ran(a1,300,start). part(a1,b1,40). part(a1,b2,40). part(a1,b3,16). part(a1,b4,50). left_out(b4,x)."
        "limit(16). stopped(a1,x,16).",
    )
    assert instance.rule.id == "further-hours"
    assert instance.head == "hours(a1,162)"
    assert instance.bindings == {"A": "a1", "T": "300", "Any": "start", "H": "80", "L": "16"}
    assert instance.positive == ("ran(a1,300,start)", "limit(16)")
    assert instance.negative == ("stopped(a1,_,17)",)
    assert [str(comparison) for comparison in instance.comparisons] == ["284 >= 160", "a1 != other"]
    (total,) = instance.aggregates
    assert (total.value, str(total)) == ("80", "80 = 80")
    assert [(x.terms, x.positive, x.negative) for x in total.alternatives] == [
        (("40", "b1"), ("part(a1,b1,40)",), ("left_out(b1,_)",)),
        (("40", "b2"), ("part(a1,b2,40)",), ("left_out(b2,_)",)),
    ]
    assert [str(x.comparisons[0]) for x in total.alternatives] == ["40 > 16", "40 > 16"]


def test_every_alternative_of_an_atom_is_there() -> None:
    instances = applied(
        "p(X) :- q(X,_). p(X) :- s(X). p(X) :- X = #count { Y : q(_,Y) }.", "q(1,a). q(1,b). q(2,b). s(2)."
    )
    found = sorted((i.head, i.positive, i.rule.clause, len(i.aggregates)) for i in instances if i.head)
    assert [(head, positive) for head, positive, _, _ in found] == [
        ("p(1)", ("q(1,a)",)),
        ("p(1)", ("q(1,b)",)),
        ("p(2)", ()),
        ("p(2)", ("q(2,b)",)),
        ("p(2)", ("s(2)",)),
    ]


def test_one_tuple_that_is_given_twice_counts_once() -> None:
    (instance,) = applied("n(N) :- N = #count { X : q(X,_) }.", "q(1,a). q(1,b).")
    (count,) = instance.aggregates
    assert count.value == "1"
    assert [x.positive for x in count.alternatives] == [("q(1,a)",), ("q(1,b)",)]


@pytest.mark.parametrize(
    ("aggregate", "value"), [("#min", "-3"), ("#max", "s"), ("#sum", "1"), ("#count", "3"), ("#max", "#inf")]
)
def test_the_value_of_an_aggregate(aggregate: str, value: str) -> None:
    chart = "" if value == "#inf" else "q(-3). q(4). q(s)."
    (instance,) = applied(f"v(N) :- N = {aggregate} {{ X : q(X) }}.", chart)
    assert instance.aggregates[0].value == value
    assert instance.head == f"v({value})"


def test_a_choice_names_its_alternatives() -> None:
    traced = trace(law("{ first(A) : ran(A,T), not late(A), T > 0 } = 1 :- site(S), go(_)."))
    chart = "site(s1). go(x). ran(a1,5). ran(a2,7). ran(a3,9). late(a3). ran(a4,0)."
    found = answer_sets(traced.text + chart)
    assert len(found) == 2
    for answers in found:
        (instance,) = traced.instances(sorted(answers))
        assert instance.head is None
        assert instance.positive == ("site(s1)", "go(x)")
        assert [(x.terms, x.positive, x.negative) for x in instance.alternatives] == [
            (("first(a1)",), ("ran(a1,5)",), ("late(a1)",)),
            (("first(a2)",), ("ran(a2,7)",), ("late(a2)",)),
        ]
        assert sum(x.terms[0] in answers for x in instance.alternatives) == 1


def test_a_choice_with_an_aggregate_in_its_body_keeps_them_apart() -> None:
    traced = trace(law("{ first(A) : ran(A) } = 1 :- #count { B : ran(B) } >= 2, #count { B : late(B); 7 : go } = 1."))
    (instance,) = traced.instances(answer_sets(traced.text + "ran(a1). ran(a2). go.")[0])
    assert [x.terms for x in instance.alternatives] == [("first(a1)",), ("first(a2)",)]
    assert [[x.terms for x in a.alternatives] for a in instance.aggregates] == [[("a1",), ("a2",)], [("7",)]]


def test_a_rule_whose_arithmetic_has_no_result_does_not_apply() -> None:
    instances = applied("p(12/X) :- q(X). n(N) :- N = #sum { 12/X,X : q(X) }.", "q(0). q(a). q(5).")
    assert [i.head for i in instances] == ["p(2)", "n(2)"]
    assert [x.terms for x in instances[1].aggregates[0].alternatives] == [("2", "5")]


def test_facts_of_the_law_have_no_label() -> None:
    traced = trace(law("% [limits] R29\nlimit(16). limit(15+16).\np(X) :- limit(X)."))
    assert [(fact.head, fact.rule.id, fact.rule.clause) for fact in traced.facts] == [
        ("limit(16)", "limits", 1),
        ("limit(31)", "limits", 2),
    ]
    assert len(traced.instances(answer_sets(traced.text)[0])) == 2


@pytest.mark.parametrize("value", ['a"b', "a\\", "a\nb", "%* x *%", "{0} {} {A}", "a,(b", ")", "#script (python)", ""])
def test_a_string_comes_back_as_it_was(value: str) -> None:
    text = str(String(value))
    (instance,) = applied(
        f"p(X,{text}) :- q(X,Y), not r({text},_), Y != {text}, #count {{ {text},X : q(X,_) }} = 1.",
        f"q({text},7).",
    )
    assert instance.bindings == {"X": text, "Y": "7"}
    assert parse(instance.bindings["X"]) == String(value)
    assert instance.head == f"p({text},{text})"
    assert instance.negative == (f"r({text},_)",)
    assert [str(comparison) for comparison in instance.comparisons] == [f"7 != {text}"]
    assert instance.aggregates[0].alternatives[0].terms == (text, text)


def test_the_grounder_still_decides_what_is_certain() -> None:
    """The labels of different rules do not make one big loop of the program: what was a fact stays one."""
    traced = trace(
        law(
            "b(X) :- a(X), not c(X). d(N) :- N = #count { X : b(X) }. e(X) :- d(X), not f."
            "t(X) :- b(X). t(X) :- t(X), e(_)."
        )
    )
    control = Control(["--warn=none"])
    control.add(traced.text + "a(1). a(2). c(2).")
    control.ground()
    assert all(atom.is_fact for atom in control.symbolic_atoms)
    assert str(next(control.symbolic_atoms.by_signature("e", 1)).symbol) == "e(1)"


def test_settled_questions_are_told_with_the_rule() -> None:
    traced = trace(specialise(law("p(X) :- q(X), reading(a9,longest)."), {"a9": "longest"}))
    (instance,) = traced.instances(answer_sets(traced.text + "q(1).")[0])
    assert instance.positive == ("q(1)",)
    assert [str(literal) for literal in instance.rule.settled] == ["reading(a9,longest)"]


@settings(max_examples=30, deadline=None)
@given(programs(), facts())
def test_other_rewritings_can_be_traced(text: str, chart: tuple[str, ...]) -> None:
    program = law(text)
    plain = trace(program)
    given_facts = "".join(f"{fact}. " for fact in chart)
    found = answer_sets(plain.text + given_facts)
    assume(len(found) == 1)
    bound = [(i.rule.text, i.head) for i in plain.instances(sorted(found[0]))]

    version = trace(copy(program, "v2", INPUTS))
    instances = version.instances(sorted(answer_sets(version.text + given_facts)[0]))
    assert [(i.rule.text, i.head and i.head.replace("__v2", "")) for i in instances] == bound

    many = trace(batch(program, shared(program, INPUTS)))
    lifted = "".join(f"{fact.replace('(', '(e1,') if '(' in fact else fact + '(e1)'}. " for fact in chart)
    instances = many.instances(sorted(answer_sets(many.text + "encounter(e1). " + lifted)[0]))
    assert sorted(i.rule.text for i in instances) == sorted(text for text, _ in bound)


def test_the_solver_can_be_asked_to_show_the_labels_only() -> None:
    traced = trace(law("limit(1). p(X) :- q(X), limit(_). n :- #count { X : p(X) } > 0."))
    control = Control(["--warn=none"])
    control.add(f"{traced.text}{traced.show}q(1).")
    control.ground()
    found: list[str] = []
    control.solve(on_model=lambda model: found.extend(map(str, model.symbols(shown=True))))
    assert [i.head for i in traced.instances(sorted(found))] == ["p(1)", "n"]
    assert all(map(is_label, found))


def test_a_traced_program_reads_only_labels() -> None:
    traced: TracedProgram = trace(law("p(X) :- q(X)."))
    assert [i.head for i in traced.instances(["q(1)", "_f0(1)", "p(1)", "zzz"])] == ["p(1)"]
