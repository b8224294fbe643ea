"""What SECURITY.md says is held by tests is: each test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMED = re.findall(r"`((?:tests/[\w/]+|\w+)\.py)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text("utf-8"))


def test_it_names_tests() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize(("file", "function"), NAMED, ids="::".join)
def test_a_test_that_it_names_is_there(file: str, function: str) -> None:
    path = ROOT / file if file.startswith("tests/") else ROOT / "tests" / "tools" / file
    assert f"def {function}" in path.read_text("utf-8")
