"""The second engine reads the law as the first one does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ivproof.law.language import load
from ivproof.recheck import Program, parse, plain, read, rebuilt

LAW = Path(__file__).parent.parent / "asp"
POLICY = [LAW / "time.lp", *sorted((LAW / "out001").glob("*.lp"))]
EDITS = sorted((LAW / "edits").glob("*.lp"))


@pytest.mark.parametrize("files", [POLICY, EDITS], ids=["policy", "edits"])
def test_both_engines_read_the_same_rules(files: list[Path]) -> None:
    theirs = load({str(file): file.read_text("utf-8") for file in files}).rules
    ours = read(files)
    assert [(rule.file, rule.line) for rule in ours] == [(rule.file, rule.line) for rule in theirs]
    for rule, other in zip(ours, theirs, strict=True):
        assert other.header is not None
        assert rule.head.signature == other.atom.signature
        assert len(rule.body) == len(other.body)
        assert (rule.id, rule.citation, rule.sentence, rule.clause) == (
            other.header.id,
            other.header.citation,
            other.header.sentence,
            other.clause,
        )
    assert Program(ours).rules == ours


@pytest.mark.parametrize("files", [POLICY, EDITS], ids=["policy", "edits"])
def test_stored_rules_come_back_as_they_were(files: list[Path]) -> None:
    for file in files:
        rules = read([file])
        again = rebuilt(json.loads(json.dumps(plain(rules))), file.read_text("utf-8"), str(file))
        said = [(rule.head, rule.condition, rule.body, rule.file) for rule in again]
        assert said == [(rule.head, rule.condition, rule.body, rule.file) for rule in rules]
        assert list(map(repr, said)) == [repr((it.head, it.condition, it.body, it.file)) for it in rules]


LAW_TEXT = """
p(X) :- q(X, _, _), X > 15, not r(X).  % "a comment"
{ c(X,Y) : d(Y) } = 1 :- p(X).
n(N) :- N = #count { X : p(X) }, s("a  b"), N + 2 * (N - 1) > 7.
"""


def changed(data: Any, *path: int | slice, to: Any) -> Any:
    """The data with something else at a place."""
    found = json.loads(json.dumps(data))
    inside = found
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = to
    return found


def test_stored_rules_are_taken_only_where_they_say_what_the_text_says() -> None:
    data = plain(parse(LAW_TEXT))
    assert [it.body for it in rebuilt(data, LAW_TEXT)] == [it.body for it in parse(LAW_TEXT)]
    assert data[0][2][1] == ["c", ">", ["v", "X"], 15]
    others: list[Any] = [
        None,
        {},
        [],
        7,
        [7],
        [[]],
        changed(data, 0, 2, 1, 3, to=16),
        changed(data, 0, 2, 1, 1, to=">="),
        changed(data, 0, 2, 1, 1, to="> 0 or "),
        changed(data, 0, 2, 1, 3, to=True),
        changed(data, 0, 2, 1, 3, to=15.0),
        changed(data, 0, 2, 0, 4, to=["v", "_1"]),  # both `_` one variable: the text would be the same
        changed(data, 0, 2, 2, 0, to="p"),
        changed(data, 0, 2, 2, slice(0, 2), to=["p", "notr"]),  # without spaces the text would be the same
        changed(data, 0, 0, 0, to="x\n"),
        changed(data, 2, 2, 0, 1, to="[__import__('os').abort(),count][1]"),
        changed(data, 2, 2, 0, 1, to="sum"),
        changed(data, 2, 2, 1, 2, to='"a b"'),
        changed(data, 1, 1, to=None),
        data[:2],
        [*data, data[0]],
    ]
    for other in others:
        with pytest.raises(ValueError):
            rebuilt(other, LAW_TEXT)
    for text in (LAW_TEXT.replace("15", "16"), LAW_TEXT.replace("q(", "q q("), LAW_TEXT.replace("a  b", "a b")):
        with pytest.raises(ValueError):
            rebuilt(data, text)


def test_a_law_in_the_order_that_was_kept_answers_as_one_that_is_ordered_anew() -> None:
    rules = read(POLICY)
    law = Program(rules)
    assert Program(rules, order=json.loads(json.dumps(law.order))).strata == law.strata


@pytest.mark.parametrize(
    "change",
    [
        lambda order: order[::-1],
        lambda order: order[:-1],
        lambda order: [*order, order[0]],
        lambda order: [[[0, 0], False, False], *order[1:]],
        lambda order: [[[0, 1, 2, 3], True, False]],  # a circle through `not`
        lambda order: [[group, False, open_] for group, _, open_ in order],  # a recursion that is applied once
    ],
)
def test_an_order_in_which_a_rule_stands_before_what_it_depends_on_is_none(change: Callable[[Any], Any]) -> None:
    rules = parse("a(X) :- b(X). c(X) :- b(X), not a(X). a(Y) :- a(X), next(X, Y). { d(X) : c(X) } = 1 :- b(_).")
    law = Program(rules)
    assert [recursive for _, recursive, _ in law.order] == [False, True, False, False]
    with pytest.raises(ValueError):
        Program(rules, order=change(law.order))
