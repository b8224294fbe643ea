"""The compiled law against clingo and against the second engine: whole charts, changed charts, random programs."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

import case_files
import generate
import pytest
import random_programs
from hypothesis import given, settings

from ivproof import recheck
from ivproof.chart.facts import Facts
from ivproof.claim.coding import BESIDE, Coder
from ivproof.engine import direct
from ivproof.engine.choices import CLAIM, DIAGNOSES, DRUG_LINES
from ivproof.engine.compiled import Compiled, Derived, Relation, SeveralError, first_of
from ivproof.engine.nearby import ONE, NearExplorer
from ivproof.engine.second import DisagreementError
from ivproof.law.policy import Policy
from ivproof.recheck import Atom
from ivproof.recheck.budget import Budget, LimitError
from ivproof.recheck.terms import Signature, signature
from ivproof.unknowns.gaps import probes

POLICY = Policy.load("out001")


def warm(readings: dict[str, str] | None = None, *, assumptions: bool = False) -> Coder:
    """A coder that has had charts enough for the law to be compiled."""
    coder = Coder(POLICY, readings, assumptions=assumptions)
    coder.engine.direct.prepare()
    return coder


CODER = warm()

TOTAL: Signature = ("total", 2)


def charts(count: int, first: int = 0) -> list[Facts]:
    """Visits, and charts that hold anything, by turns."""
    drawn = (
        generate.visit(rng, name=f"E{seed}") if seed % 2 else generate.chart(rng, range(1, 5), name=f"E{seed}")
        for seed in range(first, first + count)
        for rng in [random.Random(seed)]
    )
    return [CODER.facts(generate.encounter(it)) for it in drawn]


def test_charts_alone_and_together_have_clingos_answer() -> None:
    facts = [*charts(10), *(CODER.facts(it.encounter) for it in case_files.some(case_files.worked("law"), 120))]
    alone = [answer for it in facts for answer in CODER.engine.answer([it])]
    judged = CODER.engine.judge.answer(facts)
    assert alone == CODER.engine.answer(facts) == judged
    assert [it.by_clingo for it in judged] == [True] * len(facts)
    assert sum(not it.by_clingo for it in alone) > len(facts) * 0.4
    assert any(it.alternatives for it in alone)


def explorer(by: direct.Direct | None) -> NearExplorer:
    outcome = {**CLAIM, **DRUG_LINES, **DIAGNOSES}
    return NearExplorer(POLICY, None, outcome, most=ONE, fixed=False, direct=by)


def test_what_each_question_changes_is_what_the_search_finds() -> None:
    facts = [*charts(4, 500), *(CODER.facts(it.encounter) for it in case_files.some(case_files.worked("law"), 40))]
    parts = [CLAIM, *BESIDE.values()]
    sooner, searched = explorer(CODER.engine.direct).depart_in(facts, parts), explorer(None).depart_in(facts, parts)
    assert sooner == searched
    assert sum(len(claim.changed) for claim, *_ in sooner) > 40
    assert [list(it.changed) for it, *_ in sooner] == [list(it.changed) for it, *_ in searched]


def test_a_changed_chart_is_as_if_it_had_been_derived_anew() -> None:
    law, changed = CODER.engine.direct.law, 0
    for facts in charts(3, 900):
        try:
            base = CODER.engine.direct.base(facts)
        except SeveralError:
            continue
        kept = {it: dict(relation.rows) for it, relation in base.relations.items()}
        for subject, field, *_ in CODER.engine.answer([facts])[0].atoms.get("missing", ()):
            for encounter in probes(POLICY, facts, str(subject), str(field)):
                other = CODER.facts(encounter)
                then, now = set(direct.atoms_of(facts)), set(direct.atoms_of(other))
                varied = partial(law.vary, base, law.change(then - now, now - then), Budget())
                alike(varied, partial(anew, law, other), then ^ now)
                changed += 1
        for key, question in POLICY.questions.items():
            for option in question.options[:1] if key in CODER.engine.open else question.options:
                under = {key: option or first(key) for key, option in CODER.engine.settings.items()}
                by = direct.Direct(POLICY, under | {key: option.name})
                alike(partial(CODER.engine.direct.held, base, {key: option.name}), partial(by.base, facts))
                changed += 1
        assert kept == {it: relation.rows for it, relation in base.relations.items()}
    assert changed > 100


def first(key: str) -> str:
    return POLICY.questions[key].options[0].name


def anew(law: Compiled, facts: Facts) -> Derived:
    return law.derive(by_predicate([*direct.atoms_of(facts), *held_now()]), Budget())


def held_now() -> list[Atom]:
    return [("reading", key, option or first(key)) for key, option in CODER.engine.settings.items()]


def by_predicate(atoms: Iterable[Atom]) -> dict[Signature, dict[Atom, None]]:
    found: dict[Signature, dict[Atom, None]] = {}
    for it in atoms:
        found.setdefault(signature(it), {})[it] = None
    return found


def alike(one: Callable[[], Derived], other: Callable[[], Derived], facts: Collection[Atom] = ()) -> None:
    assert everything(one, facts) == everything(other, facts)


def everything(derive: Callable[[], Derived], facts: Collection[Atom]) -> set[Atom] | None:
    try:
        relations = derive().relations.items()
        # where a fact or the option of a question makes no difference, what was there before may stay
        rows = (relation.rows for predicate, relation in relations if predicate != ("reading", 2))
        return {atom for each in rows for atom in each if atom not in facts}
    except SeveralError:
        return None


@settings(deadline=None, max_examples=150)
@given(random_programs.programs(choices=1), random_programs.facts(), random_programs.facts())
def test_random_programs(text: str, facts: tuple[str, ...], others: tuple[str, ...]) -> None:
    rules = recheck.parse(text)
    law, program = Compiled(rules), recheck.Program(rules)
    unseen = {*recheck.parse_facts("".join(f"{it}." for it in (*facts, *others)))}

    def atoms(some: Sequence[str]) -> list[Atom]:
        return recheck.parse_facts("".join(f"{it}." for it in some))

    def agrees(found: Derived, some: Sequence[str]) -> None:
        # a fact that no rule sees may stay where it was
        answers = {it.atoms - unseen for it in program.answers(atoms(some))}
        assert frozenset(atom for relation in found.relations.values() for atom in relation.rows) - unseen in answers

    def derived(some: Sequence[str]) -> Derived | None:
        try:
            found = law.derive(by_predicate(atoms(some)), Budget(), first_of)
        except SeveralError:
            return None
        agrees(found, some)
        return found

    base = derived(facts)
    if base is None:
        return
    less = [it for it in atoms(facts) if it not in atoms(others)]
    more = [it for it in atoms(others) if it not in atoms(facts)]
    try:
        found = law.vary(base, law.change(less, more), Budget(), first_of)
    except SeveralError:
        return
    agrees(found, others)
    for wanted in found.relations.keys() - law.change(less, more).predicates:
        other = law.vary(base, law.change(less, more, frozenset([wanted])), Budget(), first_of)
        assert other.rows(wanted) == found.rows(wanted)


def test_what_rested_on_itself_and_on_a_fact_goes_with_the_fact() -> None:
    rules = "beside(X, Y) :- near(X, Y).  beside(X, Z) :- beside(X, Y), beside(Y, Z)."
    law = Compiled(recheck.parse(f"{rules}  alone(X) :- p(X), not beside(X, _)."))
    facts = recheck.parse_facts("p(1). p(2). p(3). near(1,2). near(2,1).")
    base = law.derive(by_predicate(facts), Budget())
    assert [*base.rows(("alone", 1))] == [("alone", 3)]
    found = law.vary(base, law.change(recheck.parse_facts("near(1,2). near(2,1)."), []), Budget())
    assert not found.rows(("beside", 2))
    assert {*found.rows(("alone", 1))} == {("alone", n) for n in (1, 2, 3)}


def test_several_candidates_are_named() -> None:
    law = Compiled(recheck.parse("{ first(A) : given(A) } = 1 :- given(_).  later(A) :- given(A), not first(A)."))
    facts = by_predicate(recheck.parse_facts("given(1). given(2)."))
    with pytest.raises(SeveralError) as several:
        law.derive(facts, Budget())
    assert several.value.candidates == [("first", 1), ("first", 2)]
    assert [*law.derive(facts, Budget(), lambda some: some[1]).rows(("later", 1))] == [("later", 1)]
    assert [*law.derive(facts, Budget(), first_of).rows(("first", 1))] == [("first", 1)]
    [only] = law.derive(by_predicate(recheck.parse_facts("given(3).")), Budget()).taken.values()
    assert only == (("first", 3),)


def test_what_is_derived_takes_work() -> None:
    law = Compiled(recheck.parse("pair(X, Y) :- p(X), p(Y)."))
    facts = by_predicate(("p", n) for n in range(100))
    with pytest.raises(LimitError):
        law.derive(facts, Budget(100_000))


def test_a_difference_takes_the_place_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    [chart] = charts(1, 1)
    for coder in (warm(), warm(assumptions=True)):
        monkeypatch.setattr(coder, "facts", lambda _: chart)
        [found] = coder.code([chart.encounter], "all")
        assert found.claim
        derived = coder.engine.direct.base(chart)
        derived.relations[TOTAL] = Relation({})
        with pytest.raises(DisagreementError, match=r"^E1: derived in two ways, the claims differ: "):
            coder.code([chart.encounter], "all")


def test_departures_are_compared_with_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    [chart] = charts(1, 1)
    coder = warm(assumptions=True)
    monkeypatch.setattr(coder, "facts", lambda _: chart)
    derived = coder.engine.direct.base(chart)
    derived.relations[TOTAL] = Relation({})
    monkeypatch.setattr(coder, "engine", coder.engine.judge)
    with pytest.raises(DisagreementError, match="E1: "):
        coder.code([chart.encounter])


def test_a_coder_that_tells_readings_shares_what_the_plain_one_has() -> None:
    plain = warm()
    told = plain.assuming()
    assert told.engine is plain.engine
    assert told.explorer is not None
    assert told.explorer._direct is plain.engine.direct
    assert told.assuming(False).explorer is None
