"""The law as plain data: nothing of it is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivproof.law import rewrite
from ivproof.law.kept import kept_of
from ivproof.law.plain_law import from_plain, to_plain
from ivproof.law.policy import Policy


def test_the_law_comes_back_as_it_was() -> None:
    law = Policy.load("out001").program
    again = from_plain(json.loads(json.dumps(to_plain(law))))
    assert again == law
    assert again.text == law.text
    assert [rule.header for rule in again.rules] == [rule.header for rule in law.rules]


def test_settled_questions_come_back_too() -> None:
    policy = Policy.load("out001")
    law = rewrite.specialise(policy.program, {"a1": "class_first"})
    assert any(rule.settled for rule in law.rules)
    assert from_plain(json.loads(json.dumps(to_plain(law)))) == law


def test_a_kept_law_is_the_law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVPROOF_CACHE", str(tmp_path))
    kept_of.cache_clear()
    read = Policy.load("out001").program
    assert list(tmp_path.glob("*-program.json"))
    kept_of.cache_clear()
    assert Policy.load("out001").program == read
