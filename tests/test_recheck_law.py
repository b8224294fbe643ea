"""The second engine reads the law as the first one does."""

import json
from pathlib import Path

import pytest

from ivproof.law.language import load
from ivproof.recheck import Program, plain, read, rebuilt

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
    rules = read(files)
    again = rebuilt(json.loads(json.dumps(plain(rules))))
    assert again == rules
    assert list(map(repr, again)) == list(map(repr, rules))


@pytest.mark.parametrize("data", [[99, "X"], [0], [0, "X", "Y"], ["0", "X"]])
def test_other_data_is_no_stored_rules(data: object) -> None:
    with pytest.raises(ValueError, match="no stored rules"):
        rebuilt(data)
