"""A policy of somebody else: what it must not do is refused in words, before the solver or a chart is asked."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from command import chart, run, write_lines
from small_policy import HEADER, small_policy

from ivproof.checks.lint import unfit
from ivproof.engine.choices import CHOICES
from ivproof.law.endless import endless
from ivproof.law.language import LawError, load
from ivproof.law.policy import Policy, PolicyError
from ivproof.law.safety import unbound
from ivproof.law.sources import Sources
from ivproof.recheck import LawError as SecondLawError
from ivproof.recheck import Program, parse
from ivproof.recheck.budget import Budget, LimitError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small law, to which something can be added."""
    return small_policy(tmp_path)


def refused(folder: Path, tmp_path: Path) -> str:
    """What `code` says of the policy, which it does not use."""
    result = run("code", write_lines(tmp_path / "visit.jsonl", chart("E-1")), "--policy", str(folder))
    assert result.exit_code == 2, result.output
    assert not result.stdout
    return result.stderr


def added(folder: Path, *rules: str) -> None:
    """Put rules into a file of the law, each under a header of its own."""
    headed = (f"{HEADER.format(f'added-{n}')}{rule}\n" for n, rule in enumerate(rules))
    (folder / "more.lp").write_text("\n".join(headed), "utf-8")


def test_the_small_law_is_used(folder: Path, tmp_path: Path) -> None:
    assert unfit(Policy.load(folder)) == []


STATEMENTS = {
    '#include "/etc/passwd".': "#include",
    '#script (python)\nimport os\nos.system("touch MARK")\n#end.': "#script",
    "#script (lua)\n#end.": "#script",
    "#external given(1).": "#external",
    "#const n = 7.": "#const",
    "#theory t { }.": "#theory",
    "#heuristic unit(A,B,C,D,E) : unit(A,B,C,D,E). [1,true]": "#heuristic",
    "#minimize { 1 : encounter }.": ":~",
    ":~ encounter. [1@1]": ":~",
    "big(1..1000000000).": "1..1000000000",
    "big(99999999999).": "a number of 11 digits",
    ":- encounter.": "#false",
    "big(@open(1)).": "@open(1)",
    "&diff { a - b } <= 3.": "&diff",
    "#show.": "#show",
    "#project encounter.": "#project",
    "#edge (1,2).": "#edge",
    "#defined big/1.": "#defined",
    "%* a comment that may hide what follows *%": "%*",
    f"big({'f(' * 60}1{')' * 60}).": "too many brackets",
    f"big({'-' * 200_000}1).": "too many signs",
    f"big({'| ' * 100_000}1{'|' * 100_000}).": "too many signs",
    f"big({'+'.join(['1'] * 1500)}).": "a term of too many levels",
    f"big({','.join(['1'] * 2500)}).": "a statement of too many names",
    'big("no end': "a text that does not end on its line",
    "big(\x001).": "\\x00",
    "big(\x1b[31m).": "\\x1b",
    "b\u0456g(1).": "\u0456",
}


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda it: ascii(it[:30]))
def test_what_is_no_rule_is_refused_with_its_line(statement: str) -> None:
    with pytest.raises(LawError) as told:
        load({"good.lp": "p.", "bad.lp": f"p.\n{statement}\n"})
    [problem, *_] = told.value.problems
    assert (problem.file, problem.line) == ("bad.lp", 2)
    assert STATEMENTS[statement] in problem.found
    assert not Path("MARK").exists()


def test_an_included_file_is_not_opened(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.lp")  # who opened it would wait for ever
    (folder / "more.lp").write_text(f'\n#include "{tmp_path / "pipe.lp"}".\n', "utf-8")
    assert "small/more.lp:2: found #include" in refused(folder, tmp_path)


ENDLESS = {
    "a number that grows": ("big(0).", "big(X+1) :- big(X)."),
    "one that shrinks": ("big(0).", "big(X-1) :- big(X), X < 9."),
    "a term that grows": ("big(a).", "big(f(X)) :- big(X)."),
    "through two predicates": ("big(0).", "other(Y) :- big(X), Y = X + 1.", "big(X) :- other(X)."),
    "up to a limit that is no number": ("big(0).", "big(Y) :- big(X), Y = X + 1, drug(_, I), Y < I."),
    "with a sum of what grows": ("big(1).", "big(N) :- big(X), N = #sum { X,A : drug(A, _); 1 : encounter }."),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_recursion_that_may_never_end_is_refused(folder: Path, name: str) -> None:
    added(folder, *ENDLESS[name])
    said = unfit(Policy.load(folder))
    assert said
    assert all("small/more.lp:" in it and "recursion that may never end" in it for it in said)


def test_a_refused_policy_is_told_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    added(folder, *ENDLESS["a number that grows"])
    assert "small/more.lp:7: [added-1] found big((X+1)) in a recursion that may never end" in refused(folder, tmp_path)


EXCESSIVE = {
    "a product of everything with everything": (
        " ".join(f"big({n})." for n in range(80)),
        "huge(A,B,C,D,E) :- big(A), big(B), big(C), big(D), big(E).",
        "no chart",
    ),
    "a product over what is charted": (
        "big(0).",
        "huge(A,B,C,D,E,F,G,H) :- " + ", ".join(f"drug({it}, _)" for it in "ABCDEFGH") + ".",
        "a made-up visit",
    ),
    "a number that is counted for years": ("big(0).", "big(X+1) :- big(X), X < 1000000000.", "no chart"),
    "numbers of many digits": (
        " ".join(f"upto({n})." for n in range(40)),
        "big(K,M*M+7) :- big(J,M), K = J + 1, upto(K).",
        "no chart",
    ),
}


@pytest.mark.parametrize("name", EXCESSIVE)
def test_a_law_that_takes_too_much_is_refused(folder: Path, name: str) -> None:
    facts, rule, where = EXCESSIVE[name]
    added(folder, facts, rule, "big(0,7).")
    [said] = unfit(Policy.load(folder))
    assert "cannot be gone through" in said
    assert where in said


def test_a_choice_of_the_laws_own_is_refused(folder: Path) -> None:
    added(folder, " ".join(f"of({n})." for n in range(40)), "{ pick(X,Y) : of(Y) } = 1 :- of(X).")
    assert any("a choice of pick/2" in it for it in unfit(Policy.load(folder)))


@pytest.mark.parametrize("name", [name for name, arity in CHOICES.items() if arity == 3])
def test_a_named_choice_in_too_many_ways_is_refused(folder: Path, name: str) -> None:
    added(folder, " ".join(f"of({n})." for n in range(40)), f"{{ {name}(X,Y) : of(Y) }} = 1 :- of(X).")
    [said] = unfit(Policy.load(folder))
    assert "ways to settle the choices of no chart" in said


# --- files


def test_the_law_of_the_package_is_fit() -> None:
    assert unfit(Policy.load("out001")) == []


NAMES = [
    "/etc/passwd",
    "../../x.lp",
    "../.ssh/id_rsa",
    "more.lp\x00",
    "a b.lp",
    "-.txt",
    "..",
    "more.LP",
    "m\u043ere.lp",
    "",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_of_an_odd_name_is_refused(folder: Path, name: str) -> None:
    text = (folder / "policy.toml").read_text("utf-8")
    (folder / "policy.toml").write_text(
        text.replace('"more.lp"', f'"{ascii(name)[1:-1]}"'.replace("\\x00", "\\u0000")), "utf-8"
    )
    with pytest.raises(PolicyError, match=r"policy\.toml"):
        Policy.load(folder)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside.lp", "law.lp"])
def test_a_link_is_refused(folder: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "outside.lp").write_text("secret.", "utf-8")
    (folder / "more.lp").unlink()
    (folder / "more.lp").symlink_to(target)
    said = refused(folder, tmp_path)
    assert "more.lp: found a link" in said
    assert "secret" not in said


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.lp").write_text("secret.", "utf-8")
    (folder / "sub").symlink_to(tmp_path / "elsewhere")
    text = (folder / "policy.toml").read_text("utf-8")
    (folder / "policy.toml").write_text(text.replace('"more.lp"', '"sub/more.lp"'), "utf-8")
    assert "found a link" in refused(folder, tmp_path)


def test_a_pipe_is_not_waited_for(folder: Path, tmp_path: Path) -> None:
    (folder / "more.lp").unlink()
    os.mkfifo(folder / "more.lp")
    assert "more.lp: found no file" in refused(folder, tmp_path)


@pytest.mark.parametrize("file", ["policy.toml", "more.lp"])
def test_a_file_that_is_too_large_is_not_read(folder: Path, file: str) -> None:
    with (folder / file).open("ab") as opened:
        opened.truncate(5_000_000_000)
    with pytest.raises(PolicyError, match=f"{file}: found 5000000000 bytes, expected at most"):
        Policy.load(folder)


def test_a_list_of_sources_that_is_too_large_is_not_read(folder: Path) -> None:
    with (folder / "rules.toml").open("wb") as opened:
        opened.truncate(5_000_000_000)
    with pytest.raises(PolicyError, match="found 5000000000 bytes"):
        Sources.of(Policy.load(folder))


# --- what is accepted ends


ARGUMENTS = ["X", "Y", "X+1", "1+Y", "X-1", "X*2", "f(X)", "f(Y)", "f(X+1)", "Z", "N", "0", "g(X,Y)"]
BODIES = [
    *("Z = X + 1", "Z = f(X)", "X = f(Z)", "Y = Z", "X < 5", "Y < 5", "Z <= 7", "X + 1 < 9", "X > 0", "2 * Z < L"),
    *("lim(L), X < L", "lim(L), Z < L", "odd(L), Z < L", "lim(L), L + 0 >= X", "lim(Z)", "lim(X)", "not d(X)"),
    *("N = #sum { X,L : lim(L) }", "N = #count { L : lim(L), L < X }", "N = #max { L + X : lim(L) }"),
]
INSIDE = ["X", "Y", "Z", "f(X)", "f(Y)", "X", "Y"]


def recursive_law(rng: random.Random) -> str:
    def atom(arguments: list[str]) -> str:
        name, arity = rng.choice([("p", 1), ("q", 2), ("r", 2)])
        return f"{name}({','.join(rng.choice(arguments) for _ in range(arity))})"

    lines = ["lim(3). lim(6).", "odd(a). odd(4).", "p(0). p(f(f(a))).", "q(0,1). q(f(1),a).", "r(1,1)."]
    for _ in range(rng.randint(1, 3)):
        body = [atom(INSIDE) for _ in range(rng.randint(1, 2))] + rng.choices(BODIES, k=rng.randint(0, 3))
        lines.append(f"{atom(ARGUMENTS)} :- {', '.join(body)}.")
    return "\n".join(lines)


def test_a_recursion_that_is_accepted_ends() -> None:
    """By the second engine, which counts its work."""
    seen = {True: 0, False: 0}
    for seed in range(LAWS):
        text = recursive_law(random.Random(seed))
        law = load({"a.lp": text})
        if any(map(unbound, law.rules)):
            continue
        ends = not endless(law)
        try:
            program = Program(parse(text))
        except SecondLawError:
            continue  # an order of the body that it does not find, a circle through an aggregate
        seen[ends] += 1
        if ends:
            assert list(program.answers([], work=Budget(3_000_000)))
    assert min(seen.values()) > 20, seen


LAWS = int(os.environ.get("RECURSIVE_LAWS", "600"))
"""How many are made; a long run sets more."""


def test_the_engine_tells_what_does_not_end() -> None:
    with pytest.raises(LimitError):
        list(Program(parse("p(0). p(X+1) :- p(X).")).answers([], work=Budget(100_000)))
