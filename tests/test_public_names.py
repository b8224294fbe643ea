"""The package's public names: listed once, loaded when asked for."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import ivproof

PACKAGE = Path(ivproof.__file__).parent
MODULES = sorted(
    ".".join(("ivproof", *path.relative_to(PACKAGE).with_suffix("").parts))
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py" and ">>> " in path.read_text("utf-8")
)


def test_every_public_name_is_there() -> None:
    assert all(getattr(ivproof, name) is not None for name in ivproof.__all__)


def test_the_package_itself_loads_next_to_nothing() -> None:
    code = "import sys, ivproof; print([m for m in ('clingo', 'pydantic', 'networkx', 'lark') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", ["ivproof", *MODULES])
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
