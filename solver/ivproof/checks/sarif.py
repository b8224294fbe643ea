"""Findings of `policy lint` as SARIF 2.1.0, which code hosts show beside the lines (OASIS, sections 3.13 to 3.30)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ivproof.checks.lint import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULE = "law"
"""The one rule of SARIF under which all findings stand: what is found and expected says the rest."""


def sarif(findings: Sequence[Finding], folder: Path) -> dict[str, Any]:
    """Give findings as a SARIF log; `folder` is where the files are from which findings name them."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "ivproof policy lint",
                        "version": version("ivproof"),
                        "rules": [{"id": RULE, "shortDescription": {"text": "A law keeps to its own rules."}}],
                    }
                },
                "results": [_result(it, folder) for it in findings],
            }
        ],
    }


def _result(finding: Finding, folder: Path) -> dict[str, Any]:
    rule = f"[{finding.rule}] " if finding.rule else ""
    return {
        "ruleId": RULE,
        "level": "error",
        "message": {"text": f"{rule}found {finding.found}; expected {finding.expected}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(folder / finding.file)},
                    "region": {"startLine": max(1, finding.line)},
                }
            }
        ],
    }


def _uri(file: Path) -> str:
    """A path from the working folder where it is below it, else in full."""
    whole, here = file.resolve(), Path.cwd().resolve()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else whole.as_uri()
