"""Each kind of finding has a small law that triggers it; the law that comes with the package has none."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import clingo
import pytest
from command import run
from small_policy import small_policy

from ivproof.checks.lint import Finding, lint
from ivproof.law.language import load
from ivproof.law.policy import Policy
from ivproof.law.safety import unbound

RULES = """
[within]
"III.A" = ["III"]
[[rules]]
number = "R1"
section = "I"
lines = "L1"
says = "One."
[[rules]]
number = "R2"
section = "III.A"
lines = "L2"
says = "Two."
"""

NATIONAL = """
[[facts]]
number = "F1"
says = "National."
"""

VOCABULARY = """% input drug/2: its drug.
% input at/2: a moment and its second.
% input reading/2: the option that is held.
% input open/1: an open question.
"""

TIME = """
% [begins] R2 (III.A)
% {M} is at second {S}.
begins(M, S) :- at(M, S).

% [long] R2 (III.A)
% {M} is late.
late(M) :- begins(M, S), S + 1 > 60.
"""

LAW = """
% [given] R1, R2 (I, III.A)
% {A} is given.
given(A) :- drug(A, I), late(M), reading(a1, yes).

% [unit] derived from CPT (F1): the text is silent
% {A} takes {C}.
unit(C, role, A, 1, 0) :- given(A), code(C), not is_excluded(A).

% [codes] R1 (I)
% The codes.
code("96365").

% [is-excluded] R1 (I)
% {A} is excluded.
is_excluded(A) :- excluded(A, none, no_reason).

% [no-reason] R1 (I)
% {A} has no reason.
excluded(A, none, no_reason) :- drug(A, I), not given(A).

% [a1-first] R1
% Is it so?
question(a1, first, "gap").
option(a1, a, yes, "Yes.").
option(a1, b, no, "No.").
default(a1, yes).

% [open-reading] R1 (I)
% Question {Q} is open.
{ reading(Q, O) : option(Q, L, O, T) } = 1 :- open(Q).
"""

Lint = Callable[..., list[Finding]]


@pytest.fixture
def findings(tmp_path: Path) -> Lint:
    """Lint the small law, with one text in it replaced, or something added."""

    def run(old: str = "", new: str = "", *, more: str = "", time: str = "", vocabulary: str = "") -> list[Finding]:
        assert old in LAW
        folder = tmp_path / "small"
        folder.mkdir()
        (folder / "policy.toml").write_text(
            'id = "small"\ntitle = "Small"\nedition = "1"\nfiles = ["../vocabulary.lp", "../time.lp", "law.lp"]\n'
        )
        (folder / "rules.toml").write_text(RULES)
        (tmp_path / "national.toml").write_text(NATIONAL)
        (tmp_path / "vocabulary.lp").write_text(VOCABULARY + vocabulary)
        (tmp_path / "time.lp").write_text(TIME + time)
        (folder / "law.lp").write_text((LAW.replace(old, new, 1) if old else LAW) + more)
        return lint(Policy.load(folder))

    return run


def test_the_law_is_clean() -> None:
    assert [str(finding) for finding in lint(Policy.load("out001"))] == []


def test_the_small_law_is_clean(findings: Lint) -> None:
    assert findings() == []


BROKEN = {
    "id in capitals": ("[given]", "[Given]", "Given", "small letters"),
    "id of two headers": ("[unit]", "[given]", "given", "an id of its own"),
    "two predicates under one header": (
        'code("96365").',
        'code("96365").\nother("1").',
        "codes",
        "a header for each predicate",
    ),
    "no header": ("% [unit] derived from CPT (F1): the text is silent\n% {A} takes {C}.\n", "", "", "% [id] citation"),
    "header without a rule": ("% [a1-first]", "% [lost] R1 (I)\n% Lost.\n\n% [a1-first]", "lost", "a rule right below"),
    "no citation": ("[codes] R1 (I)", "[codes]", "codes", "R1, R2 (section)"),
    "citation of another form": ("[codes] R1 (I)", "[codes] see R1", "codes", "R1, R2 (section)"),
    "no such rule": ("[codes] R1 (I)", "[codes] R9 (I)", "codes", "rules.toml or national.toml"),
    "no such national rule": ("(F1): the", "(F9): the", "unit", "rules.toml or national.toml"),
    "derived without a reason": ("(F1): the text is silent", "(F1)", "unit", "a reason"),
    "no section": ("[codes] R1 (I)", "[codes] R1", "codes", "its section, I"),
    "section of another rule": ("[codes] R1 (I)", "[codes] R1 (III.A)", "codes", "its section, I"),
    "section of no cited rule": ("[codes] R1 (I)", "[codes] R1 (I, III.A)", "codes", "the sections of R1"),
    "no sentence": ("% The codes.\n", "", "codes", "a sentence"),
    "no full stop": ("% The codes.", "% The codes", "codes", "a full stop"),
    "variable that is not there": ("{A} is given.", "{B} is given.", "given", "a variable of every clause"),
    "undefined predicate": ("late(M), reading", "never(M), reading", "given", "a rule or an input"),
    "predicate that nobody reads": (", not is_excluded(A)", "", "is-excluded", "that reads it"),
    "rule for an input": ("is_excluded(A) :- ex", "drug(A, A) :- ex", "is-excluded", "from the chart only"),
    "arithmetic": ("code(C), not", "code(C), 1 + 1 > 1, not", "unit", "arithmetic in time.lp only"),
    "arithmetic in an aggregate": (
        "code(C), not",
        "code(C), 0 < #sum { 1 + 1, B : given(B) }, not",
        "unit",
        "arithmetic in time.lp only",
    ),
    "seconds": ("late(M), reading", "begins(M, S), begins(A, S), late(M), reading", "given", "that time.lp makes"),
    "unbound variable": ("not is_excluded(A)", "not is_excluded(B)", "unit", "a positive literal or an equation"),
    "negation in a circle": ("drug(A, I), not given(A)", "drug(A, I), not is_excluded(A)", "no-reason", "settled"),
    "choice without a name": (
        "given(A) :- drug(A, I), late(M), reading(a1, yes).",
        "{ given(A) : drug(A, I) } = 1 :- late(M), reading(a1, yes).",
        "given",
        "one of the named choices",
    ),
    "choice in a circle": ("{ reading(Q, O) : option", "{ reading(Q, O) : given(A), option", "open-reading", "settled"),
    "reading of no question": ("reading(a1, yes)", "reading(a2, yes)", "given", "a question of the policy"),
    "reading of no option": ("reading(a1, yes)", "reading(a1, maybe)", "given", "an option of a1: yes, no"),
    "options that nobody reads": (", reading(a1, yes)", "", "a1-first", "tell the options apart"),
    "one option": ('option(a1, b, no, "No.").\n', "", "a1-first", "two options or more"),
    "no default": ("default(a1, yes).\n", "", "a1-first", "one default, or unresolved"),
    "two defaults": ("default(a1, yes).\n", "default(a1, yes).\nunresolved(a1).\n", "a1-first", "one default"),
    "default that is no option": ("default(a1, yes)", "default(a1, maybe)", "a1-first", "the name of an option"),
    "unexpressed, though read": (
        "default(a1, yes).\n",
        'default(a1, yes).\nunexpressed(a1, yes, "Why.").\n',
        "a1-first",
        "an option that no rule can tell",
    ),
    "reason without a rule": ("[no-reason]", "[other-reason]", "other-reason", "a rule with the id no-reason"),
    "reason with another variable": ("{A} has no reason.", "{A} has no reason, {I}.", "no-reason", "{A} only"),
    "code in two places": ("code(C), not", 'code(C), C != "x", code("96365"), not', "codes", "a code in one place"),
}


@pytest.mark.parametrize(("old", "new", "rule", "expected"), BROKEN.values(), ids=BROKEN.keys())
def test_finds(findings: Lint, old: str, new: str, rule: str, expected: str) -> None:
    found = findings(old, new)
    assert any(it.rule == rule and expected in it.expected for it in found), found


@pytest.mark.parametrize(
    "statement",
    ["#minimize { 1, A : given(A) }.", ":~ given(A). [1]", ":- given(A).", "#maximize { 1 : given(A) }.", "a ; b."],
)
def test_finds_what_is_outside_the_rule_language(findings: Lint, statement: str) -> None:
    found = findings(more=statement + "\n")
    assert [(it.file, it.line) for it in found] == [("small/law.lp", LAW.count("\n") + 1)]


def test_finds_an_input_that_no_rule_reads(findings: Lint) -> None:
    [found] = findings(vocabulary="% input lost/1: nobody asks.\n")
    assert (found.file, found.line, found.found) == ("vocabulary.lp", 5, "input lost/1, which no rule reads")


def test_finds_a_rule_in_the_vocabulary(findings: Lint) -> None:
    [found] = findings(vocabulary="drug(a1, b).\n")
    assert (found.file, found.line) == ("vocabulary.lp", 5)


def test_finds_a_file_that_the_policy_does_not_name(findings: Lint, tmp_path: Path) -> None:
    assert findings() == []
    (tmp_path / "small" / "more.lp").write_text("p.\n")
    assert [it.file for it in lint(Policy.load(tmp_path / "small"))] == ["small/more.lp"]


def test_a_sentence_speaks_of_every_clause(findings: Lint) -> None:
    found = findings(
        more="\n% [two] R1 (I)\n% {A} is {B}.\nexcluded(A, B, why) :- drug(A, B).\nexcluded(X, B, why) :- drug(X, B).\n"
    )
    assert [(it.rule, it.found) for it in found if "sentence" in it.found] == [("two", "{A} in the sentence")]


def test_the_variables_of_an_aggregate_are_not_those_of_the_rule(findings: Lint) -> None:
    found = findings("{A} takes {C}.", "{A} takes {C} for {B}.")
    assert [it.rule for it in found] == ["unit"]
    assert "{B}" in found[0].found


def test_places_and_modifiers_may_have_the_same_digits(findings: Lint) -> None:
    more = "\n% [modifier] R1 (I)\n% {A} has a modifier.\n"
    more += 'modifier(A, C, "96365", modifier) :- given(A), unit(C, R, A, K, D).\n'
    assert findings(more=more) == []


def test_seconds_may_be_passed_over(findings: Lint) -> None:
    assert findings("late(M), reading", "begins(M, S), late(M), reading") == []


def test_a_day_is_no_second(findings: Lint) -> None:
    day = "\n% [day] R2 (III.A)\n% {M} is on day {D}.\nday(M, D) :- begins(M, S), D = S / 86400.\n"
    assert findings("late(M), reading", "day(M, D), day(M, D), late(M), reading", time=day) == []


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("a(X).", ("X",)),
        ("a :- b(X), not c(Y).", ("Y",)),
        ("a :- b(_), not c(_).", ()),
        ("a(X) :- b(Y), X = Y + 1.", ()),
        ("a(Z) :- (X, Y) = Z, b(Z).", ()),
        ("a(Y) :- X > 3, b(Y).", ("X",)),
        ("a(N) :- N = #count { Y : b(Y) }.", ()),
        ("a(N) :- N = #count { Y : b(X) }.", ("Y",)),
        ("a(Y) :- #sum { X : b(X, Y) } > 3.", ("Y",)),
        ("{ a(X) : b(X) } = 1 :- c(Z).", ()),
        ("{ a(X) : b(Y) } = 1 :- c(Z).", ("X",)),
    ],
)
def test_variables_that_nothing_binds_are_those_that_clingo_calls_unsafe(rule: str, names: tuple[str, ...]) -> None:
    [read] = load({"a.lp": rule}).rules
    assert unbound(read) == names
    control = clingo.Control(logger=lambda *_: None)
    control.add("base", [], rule)
    with nullcontext() if not names else pytest.raises(RuntimeError):
        control.ground([("base", [])])


def test_a_finding_is_one_line(findings: Lint) -> None:
    [found] = findings("% The codes.", "% The codes")
    assert str(found) == "small/law.lp:10: [codes] found a sentence that ends with 's'; expected a full stop"


def test_a_list_that_cannot_be_read_is_told(findings: Lint, tmp_path: Path) -> None:
    from ivproof.law.policy import PolicyError

    assert findings() == []
    (tmp_path / "small" / "rules.toml").write_text("[[rules")
    with pytest.raises(PolicyError, match=r"rules\.toml"):
        lint(Policy.load(tmp_path / "small"))


def test_findings_are_written_as_sarif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = small_policy(tmp_path)
    (folder / "law.lp").write_text("% [odd] R30 (III.B)\n% Something.\ntotal(A, 1) :- nothing(A).\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    done = run("policy", "lint", "--policy", "small", "--format", "sarif")
    log = json.loads(done.stdout)
    assert done.exit_code == 1 and log["version"] == "2.1.0" and not done.stderr
    [work] = log["runs"]
    assert {it["ruleId"] for it in work["results"]} == {it["id"] for it in work["tool"]["driver"]["rules"]}
    places = [it["locations"][0]["physicalLocation"] for it in work["results"]]
    assert {"artifactLocation": {"uri": "small/law.lp"}, "region": {"startLine": 3}} in places
    assert any("nothing/1" in it["message"]["text"] for it in work["results"])
    clean = run("policy", "lint", "--format", "sarif")
    assert clean.exit_code == 0 and json.loads(clean.stdout)["runs"][0]["results"] == []
