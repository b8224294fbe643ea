"""Packages that only some forms of input and output need: which extra brings each, and what is said without it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

EXTRAS = {"typst": "pdf", "pyarrow": "tables", "pyx12": "x12"}
"""Each package, and the extra of ivproof that installs it."""


class MissingExtraError(ImportError):
    """A package that is not installed; the message says what needed it, and the command that installs it."""


def need(package: str, what: str) -> None:
    """Raise MissingExtraError where a package is not installed that `what` needs, such as "a PDF"."""
    if find_spec(package) is None:
        extra = EXTRAS[package]
        raise MissingExtraError(f"found no {package}, which {what} needs, expected: pip install 'ivproof[{extra}]'")


def load(module: str, what: str) -> Any:
    """Import a module of such a package. Raises MissingExtraError."""
    need(module.partition(".")[0], what)
    return import_module(module)
