"""The second engine reads the law as the first one does."""

from pathlib import Path

import pytest

from ivproof.law.language import load
from ivproof.recheck import Program, read

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
