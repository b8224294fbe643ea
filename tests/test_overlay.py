"""A policy that stands on another one: what it changes holds, and what does not fit is refused in words."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import case_files
import pytest
from case_files import Case
from command import chart, run, write_lines
from small_policy import HEADER, small_policy

from ivproof.cases.files import read_cases
from ivproof.cases.running import judge
from ivproof.checks.coverage import coverage
from ivproof.checks.lint import lint
from ivproof.claim.coding import Coder
from ivproof.law.bundle import pack, read
from ivproof.law.overlay import pins
from ivproof.law.policy import Policy, PolicyError, law_folder
from ivproof.recheck.checker import digest_of, read_law


@pytest.fixture
def below(tmp_path: Path) -> Policy:
    """A small law with a question, to stand on."""
    folder = small_policy(tmp_path)
    (folder / "more.lp").write_text(
        "% [a1-which] R30\n% Which is it?\n"
        'question(a1, which, "gap").\noption(a1, a, one, "One.").\noption(a1, b, other, "Other.").\n'
        'default(a1, one).\nnote(a1, "As it was.").\n\n'
        "% --- a section\n\n"
        "% [open] R2 (I)\n% Each is tried.\n"
        "{ reading(Q, O) : option(Q, L, O, T) } = 1 :- open(Q).\n\n"
        f"{HEADER.format('taken')}taken(b) :- reading(a1, other).\n",
        "utf-8",
    )
    return Policy.load(folder)


def overlay(below: Policy, described: str, rules: str = "", name: str = "over") -> Path:
    """Write an overlay of the small law; give its folder."""
    folder = below.folder.parent / name
    folder.mkdir(exist_ok=True)
    files = '\nfiles = ["own.lp"]' if rules else ""
    head = f'id = "{name}"\ntitle = "Over"\nedition = "1"\nextends = "small"{files}\n'
    (folder / "policy.toml").write_text(head + described, "utf-8")
    (folder / "own.lp").write_text(rules or "\n", "utf-8")
    return folder


def pin(below: Policy, rule: str) -> str:
    return pins(below.texts)[rule]


def rules(policy: Policy) -> dict[str, list[str]]:
    return {id_: [str(rule) for rule in found] for id_, found in policy.program.by_id.items()}


def told(folder: Path) -> str:
    with pytest.raises(PolicyError) as error:
        Policy.load(folder)
    assert "policy.toml: " in str(error.value)
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_law(folder)
    return str(error.value)


def test_a_rule_is_replaced_and_another_taken_out_and_all_keep_their_places(below: Policy) -> None:
    described = f'[replaces]\nunit = "{pin(below, "unit")}"\n[removes]\ntaken = "{pin(below, "taken")}"\n'
    over = Policy.load(overlay(below, described, f"{HEADER.format('unit')}unit(A, z, b, c, d) :- drug(A, I).\n"))
    found, was = rules(over), rules(below)
    assert found.keys() == was.keys() - {"taken"}
    assert found["unit"] == ["unit(A,z,b,c,d) :- drug(A,I)."]
    assert {id_ for id_ in found if found[id_] != was[id_]} == {"unit"}
    assert [it.place for it in over.program.rules if it.id == "open"] == [
        it.place for it in below.program.rules if it.id == "open"
    ]
    assert (over.below, over.payers) == (below, below.payers)


def test_a_question_is_settled_with_its_source(below: Policy) -> None:
    described = '[readings]\na1 = { option = "other", because = ["F7", "F8"], says = "It is the other." }\n'
    question = Policy.load(overlay(below, described)).question("a1")
    assert (question.default, question.note, question.citation) == ("other", "It is the other. (F7, F8)", "R30, F7, F8")
    left = '[readings]\nA1 = { option = "open", because = ["F7"], says = "Nobody knows." }\n'
    assert Policy.load(overlay(below, left)).question("a1").default is None
    same = '[readings]\nA1 = { option = "one", because = ["F7"] }\n'
    question = Policy.load(overlay(below, same)).question("a1")
    assert (question.default, question.note, question.citation) == ("one", "As it was.", "R30, F7")


@pytest.mark.parametrize("name", ["cms", "small"])
def test_the_checker_makes_the_same_law_by_itself(below: Policy, name: str) -> None:
    folder = law_folder() / "cms"
    if name == "small":
        described = (
            f'[replaces]\nunit = "{pin(below, "unit")}"\n[removes]\ntaken = "{pin(below, "taken")}"\n'
            '[readings]\na1 = { option = "other", because = ["F7"], says = "So." }\n'
        )
        folder = overlay(below, described, f"{HEADER.format('unit')}unit(A, z, b, c, d) :- drug(A, I).\n")
    texts = read_law(folder)
    described = texts.pop("policy.toml")
    assert "extends" in described
    assert texts == dict(Policy.load(folder).texts)
    assert digest_of(texts) == Policy.load(folder).digest


REFUSED = {
    "the rule changed since": ('[replaces]\nunit = "0123456789abcdef"\n', "unit"),
    "found no such rule below": ('[replaces]\nnobody = "0123456789abcdef"\n', "unit"),
    "expected a rule of that id in the files": ('[replaces]\nnone = "PIN-none"\nunit = "PIN-unit"\n', "unit"),
    "expected no rule of that id in the files": ('[removes]\nunit = "PIN-unit"\n', "unit"),
    'expected it in replaces: "PIN-unit"': ("", "unit"),
    "readings, A9: found no such question": ('[readings]\na9 = { option = "one", because = ["F7"] }\n', ""),
    "found another option than below, expected says": (
        '[readings]\na1 = { option = "other", because = ["F7"] }\n',
        "",
    ),
    "expected an option, because": ('[readings]\na1 = { option = "other", says = "So." }\n', ""),
    "because (the numbers": ('[readings]\na1 = { option = "other", because = ["so"] }\n', ""),
    "a plain sentence": ('[readings]\na1 = { option = "other", because = ["F7"], says = "a\\"). b(" }\n', ""),
    "expected the digest of that rule as text": ("[removes]\ntaken = 7\n", ""),
    "removes: found 7, expected a table": ("removes = 7\n", ""),
}


@pytest.mark.parametrize("expected", REFUSED)
def test_what_does_not_fit_is_refused(below: Policy, expected: str) -> None:
    described, rule = REFUSED[expected]
    named = re.sub("PIN-([a-z]+)", lambda it: pin(below, it[1]), described)
    text = f"{HEADER.format(rule)}unit(A, z, b, c, d) :- drug(A, I).\n" if rule else ""
    folder = overlay(below, named, text)
    if "PIN" in expected or not expected.startswith(
        ("found another", "expected an", "because", "a plain", "expected the")
    ):
        wanted = re.sub("PIN-([a-z]+)", lambda it: pin(below, it[1]), expected)
        assert wanted in told(folder)
    else:  # of its form the checker of proofs says nothing: it makes what follows, and the digests differ
        with pytest.raises(PolicyError, match=re.escape(expected)):
            Policy.load(folder)


def test_a_change_underneath_is_a_conflict_and_no_drift(below: Policy, tmp_path: Path) -> None:
    described = f'[removes]\ntaken = "{pin(below, "taken")}"\n'
    folder = overlay(below, described)
    Policy.load(folder)
    file = below.folder / "more.lp"
    file.write_text(file.read_text("utf-8").replace("taken(b) :-", "taken(c) :-"), "utf-8")
    assert "removes, taken: found" in told(folder)
    result = run("code", write_lines(tmp_path / "visit.jsonl", chart("E-1")), "--policy", str(folder))
    assert result.exit_code == 2
    assert "the rule changed since the overlay was written over it" in result.stderr


def test_a_change_that_the_overlay_does_not_touch_is_taken_over(below: Policy) -> None:
    folder = overlay(below, f'[removes]\ntaken = "{pin(below, "taken")}"\n')
    file = below.folder / "law.lp"
    file.write_text(file.read_text("utf-8").replace("unit(A, a,", "unit(A, y,"), "utf-8")
    assert rules(Policy.load(folder))["unit"] == ["unit(A,y,b,c,d) :- drug(A,I)."]


def test_an_overlay_stands_on_an_overlay_and_on_no_circle(below: Policy) -> None:
    first = Policy.load(overlay(below, f'[removes]\ntaken = "{pin(below, "taken")}"\n'))
    folder = overlay(below, f'[removes]\nnone = "{pin(first, "none")}"\n', name="top")
    text = (folder / "policy.toml").read_text("utf-8")
    (folder / "policy.toml").write_text(text.replace('"small"', '"over"'), "utf-8")
    top = Policy.load(folder)
    assert rules(top).keys() == rules(below).keys() - {"taken", "none"}
    assert [it.id for it in top.chain] == ["top", "over", "small"]
    texts = read_law(folder)
    assert digest_of({name: text for name, text in texts.items() if name != "policy.toml"}) == top.digest
    over = folder.parent / "over" / "policy.toml"
    over.write_text(over.read_text("utf-8").replace('"small"', '"top"'), "utf-8")
    assert "which stands on this policy" in told(folder)
    assert "which stands on this policy" in told(over.parent)


@pytest.mark.parametrize("name", ["../small", "/tmp", "", "a b"])
def test_what_is_no_name_of_a_policy_is_not_looked_for(below: Policy, name: str) -> None:
    folder = overlay(below, "")
    file = folder / "policy.toml"
    file.write_text(file.read_text("utf-8").replace('"small"', f'"{name}"'), "utf-8")
    assert "extends: found" in told(folder)


def test_changes_without_a_policy_below_are_refused(below: Policy) -> None:
    file = below.folder / "policy.toml"
    file.write_text(file.read_text("utf-8") + '[removes]\nunit = "0"\n', "utf-8")
    with pytest.raises(PolicyError, match="removes: expected beside extends"):
        Policy.load(below.folder)


def test_a_bundle_has_both_and_makes_the_same_law(below: Policy, tmp_path: Path) -> None:
    over = Policy.load(overlay(below, f'[removes]\ntaken = "{pin(below, "taken")}"\n'))
    found = read(pack(over).packed())
    assert {"over/policy.toml", "small/policy.toml", "small/law.lp", "vocabulary.lp"} <= found.files.keys()
    into = tmp_path / "elsewhere"
    into.mkdir()
    assert Policy.load(found.unpack(into)).digest == over.digest


def test_an_overlay_of_an_installed_policy_lies_anywhere(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    text = Policy.load("out001").texts["out001/drug.lp"]
    taken = pins({"drug.lp": text})["supporting-drug"]
    also = pins(Policy.load("out001").texts)["other-diagnoses"]
    described = (
        f'id = "ours"\ntitle = "Ours"\nedition = "1"\nextends = "out001"\n[removes]\nsupporting-drug = "{taken}"\n'
    )
    (folder / "policy.toml").write_text(f'{described}other-diagnoses = "{also}"\n', "utf-8")
    law = Policy.load(folder)
    row = coverage(law, None).rule("R5")
    assert (row.encoded, row.set_aside, row.gap) == ((), ("other-diagnoses",), "")
    assert [it.rule for it in lint(law)] == ["a85-supporting-drug"]  # no rule reads either of its options any more
    visit = write_lines(tmp_path / "visit.jsonl", chart("E-1"))
    result = run("prove", visit, "--policy", str(folder), "-o", str(tmp_path / "proof.json"))
    assert result.exit_code == 0, result.stderr
    assert run("check", str(tmp_path / "proof.json"), "--policy", str(folder)).exit_code == 0
    assert run("check", str(tmp_path / "proof.json"), "--policy", str(law_folder() / "out001")).exit_code == 1
    assert json.loads((tmp_path / "proof.json").read_text("utf-8"))["policy"]["id"] == "ours"


def test_the_example_follows_its_cases() -> None:
    folder = case_files.FOLDER.parents[1] / "examples" / "contractor"
    cases = [it for it in read_cases([case_files.FOLDER / "contractor"]) if isinstance(it, Case)]
    coder = Coder(Policy.load(folder))
    assert lint(coder.policy) == []
    assert len(cases) == 6
    assert [it.as_dict() for it in judge(coder, cases) if it.departures] == []
    below = Coder(Policy.load("cms"))
    assert [bool(it.departures) for it in judge(below, cases)].count(True) >= 4


def test_what_stands_on_a_law_is_published_again_with_it(tmp_path: Path) -> None:
    shutil.copytree(law_folder(), tmp_path / "asp")
    laws = tmp_path / "asp"
    for folder in [laws / "out001", laws / "cms"]:
        file = folder / "policy.toml"
        file.write_text(re.sub(r'^edition = ".*"', 'edition = "ours"', file.read_text("utf-8"), flags=re.M), "utf-8")
        assert run("policy", "publish", "--policy", str(folder)).exit_code == 0
    file = laws / "out001" / "drug.lp"
    file.write_text(
        file.read_text("utf-8").replace("{I} supports the chemotherapy", "{I} helps the chemotherapy"), "utf-8"
    )
    assert Policy.load(laws / "cms").standing == "changed"
    result = run("policy", "publish", "--policy", str(laws / "out001"), "--again")
    assert result.exit_code == 0, result.stderr
    assert [Policy.load(laws / it).standing for it in ("out001", "cms")] == ["published", "published"]
