"""Many claims: what a process needs to audit charts as they come, and the forms in which it hands audits back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ivproof.audit import worksheet
from ivproof.audit.auditor import Auditor
from ivproof.audit.claims import Claims
from ivproof.audit.model import Audit
from ivproof.audit.summary import digest
from ivproof.coding import Recheck
from ivproof.edits.tables import EditFiles
from ivproof.encounter import Encounter
from ivproof.policy import Policy


class Found(NamedTuple):
    """What came of a claim: its verdict, and the audit in the form wanted. Without a claim, `form` is None."""

    verdict: str
    form: Any


NOTHING = Found("", None)
"""Of a chart that nothing was billed for."""


@dataclass(frozen=True)
class Auditing:
    """Makes what audits charts, in this process or another; see `batch.Job`."""

    claims: Claims | None = None
    edit_files: EditFiles | None = None
    search: bool = True

    def __call__(self, policy: Policy, readings: Mapping[str, str]) -> _Audits:
        """Make it, for a policy and a setting of its questions."""
        return _Audits(Auditor(policy, readings, edit_files=self.edit_files, search=self.search), self.claims)


class _Audits:
    """Audits charts by their billed lines, or by those of a file of claims."""

    def __init__(self, auditor: Auditor, claims: Claims | None) -> None:
        self._auditor = auditor
        self._claims = claims

    def code(self, encounters: Sequence[Encounter], recheck: Recheck) -> list[Audit | None]:
        """Audit each encounter; None where nothing says what was billed."""
        claims = [_with_claim(it, self._claims) for it in encounters]
        audits = iter(self._auditor.code([it for it in claims if it is not None], recheck))
        return [None if it is None else next(audits) for it in claims]


def _with_claim(encounter: Encounter, claims: Claims | None) -> Encounter | None:
    """The encounter with its billed lines; None where neither the chart nor the file has any."""
    lines = claims.of(encounter.id) if claims else None
    if lines is not None:
        return encounter.model_copy(update={"billed": lines})
    # an empty list says that nothing was billed; no list says nothing
    return encounter if "billed" in encounter.model_fields_set else None


# --- forms


def as_audit(_: Encounter, audit: Audit | None) -> Found:
    """Give the audit itself."""
    return NOTHING if audit is None else Found(audit.verdict.value, audit)


def as_line(_: Encounter, audit: Audit | None) -> Found:
    """Give the audit as one line of JSON Lines."""
    return NOTHING if audit is None else Found(audit.verdict.value, _line(audit.as_dict()))


def as_rows(_: Encounter, audit: Audit | None) -> Found:
    """Give the audit as rows of the worksheet."""
    return NOTHING if audit is None else Found(audit.verdict.value, worksheet.rows(audit))


def as_digest(_: Encounter, audit: Audit | None) -> Found:
    """Give as one line of JSON Lines what a summary needs of the audit."""
    return NOTHING if audit is None else Found(audit.verdict.value, _line(digest(audit)))


def _line(plain: Mapping[str, Any]) -> bytes:
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
