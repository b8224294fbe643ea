"""Rules that are left out because nothing of a chart can meet them would not have applied."""

from __future__ import annotations

from case_files import options, some, worked

from ivproof.claim.coding import Coder
from ivproof.engine.grounding import consequences
from ivproof.engine.selection import Selection
from ivproof.law import language
from ivproof.law.lifting import BatchRule
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")
CODER = Coder(POLICY)


def test_a_law_with_all_its_rules_derives_the_same() -> None:
    every = POLICY.batch_rules(POLICY.settings())
    for case in [*some(worked("law"), 200, 3), *some(options(), 90)]:
        facts = CODER.facts(case.encounter)
        text = CODER.engine.program_text([facts])
        missing = [it.text for it in every if it.text not in text]
        assert len(missing) > len(every) / 5
        assert atoms(text) == atoms("\n".join([text, *missing])), case.name


def atoms(program: str) -> set[str]:
    return {it for found in consequences(program).values() for it in found}


def test_a_rule_is_kept_where_its_constants_may_be_met() -> None:
    text = "p(E,a) :- q(E,X,b). r(E) :- p(E,a). r(E) :- p(E,c). s(E) :- q(E,start(X),d). t(E) :- listed(X,7), chart(E)."
    rules = [BatchRule.of(it) for it in language.load({"law.lp": text}).rules]
    selection = Selection(it[:2] for it in rules)

    def heads(*present: int) -> list[str]:
        return [rules[n].head[0] for n in selection.possible(present)]

    chart = [*selection.met("chart", "", own=True)]
    assert heads() == []
    assert heads(*selection.met("q", "a1,b", own=True)) == ["p", "r"]
    assert heads(*selection.met("q", "start(a1),d", own=True)) == ["s"]
    assert heads(*selection.met("q", "stop(a1),d", own=True)) == []
    assert heads(*selection.met("q", '"start(a1),b",d', own=True)) == []
    assert heads(*chart, *selection.met("listed", "x,7", own=False)) == ["t"]
    assert heads(*chart, *selection.met("listed", "x,8", own=False)) == []
    assert heads(*selection.whatever("q")) == ["p", "r", "s"]
