"""Packages that only some forms of input and output need: which extra brings each, and what is said without it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

EXTRAS = {
    "docx": "docx",
    "fastapi": "serve",
    "fhir": "fhir",
    "pyarrow": "tables",
    "pyspark": "spark",
    "pyx12": "x12",
    "starlette": "serve",
    "typst": "pdf",
    "uvicorn": "serve",
    "xlsxwriter": "tables",
    "z3": "lab",
}
"""Each package by the name that it is imported by, and the extra of ivproof that installs it."""

APART = ("spark",)
"""Extras that `all` leaves out: too large for who does not need them."""

DISTRIBUTIONS = {"docx": "python-docx", "fhir": "fhir.resources", "z3": "z3-solver"}
"""What a package is installed as, where that is another name."""


class MissingExtraError(ImportError):
    """A package that is not installed: what needed it (`found`), and the command that installs it (`expected`)."""

    def __init__(self, package: str, what: str) -> None:
        """Keep both for the message."""
        self.found = f"no {DISTRIBUTIONS.get(package, package)}, which {what} needs"
        self.expected = f"pip install 'ivproof[{EXTRAS[package]}]'"
        super().__init__(f"found {self.found}, expected: {self.expected}")


def need(package: str, what: str) -> None:
    """Raise MissingExtraError where a package is not installed that `what` needs, such as "a PDF"."""
    if find_spec(package) is None:
        raise MissingExtraError(package, what)


def load(module: str, what: str) -> Any:
    """Import a module of such a package. Raises MissingExtraError."""
    need(module.partition(".")[0], what)
    return import_module(module)
