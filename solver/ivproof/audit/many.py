"""Many claims: what a process needs to audit charts as they come, and the forms in which it hands audits back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ivproof.audit import worksheet
from ivproof.audit.auditor import Auditor, Look
from ivproof.audit.beside import Prices
from ivproof.audit.claims import Claims, differences
from ivproof.audit.model import Audit, Verdict
from ivproof.audit.summary import digest
from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Recheck
from ivproof.edits.tables import EditFiles
from ivproof.formats.plain import json_text
from ivproof.law.policy import Policy


class Found(NamedTuple):
    """What came of a claim: its verdict, and the audit in the form wanted.

    Where nothing says what was billed, the verdict is empty and the form None.
    """

    encounter: str
    verdict: str
    form: Any


@dataclass(frozen=True)
class Auditing:
    """Makes what audits charts, in this process or another; see `batch.Job`."""

    claims: Claims | None = None
    edit_files: EditFiles | None = None
    search: Look = "all"

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
        return [None if it is None else self._with_file(it, next(audits)) for it in claims]

    def _with_file(self, encounter: Encounter, audit: Audit) -> Audit:
        """The audit with what an X12 file says of the claim, and where that and the chart differ."""
        submitted = self._claims.of_file(encounter.id) if self._claims else None
        if submitted is None:
            return audit
        of_file = [f"The claim file, {it}." for it in submitted.notes]
        of_file += [f"Segment {it.segment} of the claim file is left out: {it.reason}." for it in submitted.left_out]
        notes = (*audit.notes, *of_file, *differences(encounter, submitted))
        return replace(audit, submitted=submitted, notes=notes)

    def undecided(self, encounter: Encounter, why: str) -> Audit:
        """Give the audit of an encounter that takes more work than is allowed: nothing is said of its lines."""
        found = self._auditor.coder.undecided(encounter, why)
        return Audit(
            encounter=encounter.id,
            policy=found.policy,
            verdict=Verdict.UNDETERMINED,
            message=why,
            lines=(),
            over={},
            under={},
            way=None,
            searched=False,
            edits_billed=(),
            edits_supported=(),
            determination=found,
            date=encounter.date.isoformat(),
            payer=encounter.payer,
            within=0,
        )


def _with_claim(encounter: Encounter, claims: Claims | None) -> Encounter | None:
    """The encounter with its billed lines; None where neither the chart nor the file has any."""
    lines = claims.of(encounter.id) if claims else None
    if lines is not None:
        return encounter.model_copy(update={"billed": lines})
    # an empty list says that nothing was billed; no list says nothing
    return encounter if "billed" in encounter.model_fields_set else None


# --- forms


def as_audit(encounter: Encounter, audit: Audit | None) -> Found:
    """Give the audit itself."""
    return Found(encounter.id, "" if audit is None else audit.verdict.value, audit)


def as_line(encounter: Encounter, audit: Audit | None) -> Found:
    """Give the audit as one line of JSON Lines."""
    return _found(encounter, audit, lambda it: _line(it.as_dict()))


@dataclass(frozen=True)
class AsRows:
    """Gives the audit as rows of the worksheet, with dollars where there are prices."""

    prices: Prices | None = None

    def __call__(self, encounter: Encounter, audit: Audit | None) -> Found:
        """Give the rows."""
        return _found(encounter, audit, lambda it: worksheet.rows(it, self.prices))


def as_digest(encounter: Encounter, audit: Audit | None) -> Found:
    """Give as one line of JSON Lines what a summary needs of the audit."""
    return _found(encounter, audit, lambda it: _line(digest(it)))


def _found(encounter: Encounter, audit: Audit | None, form: Callable[[Audit], bytes]) -> Found:
    return as_audit(encounter, None) if audit is None else Found(encounter.id, audit.verdict.value, form(audit))


def _line(plain: Mapping[str, Any]) -> bytes:
    return json_text(json.dumps(plain, ensure_ascii=False, separators=(",", ":"))).encode() + b"\n"
