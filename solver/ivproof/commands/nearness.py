"""How many minutes a claim is from a boundary, beside what a summary counts of its audit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ivproof.audit.many import Found, as_digest
from ivproof.audit.model import Audit
from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.formats.plain import json_text
from ivproof.law.policy import Policy
from ivproof.whatif.margins import margins_of


class Closest:
    """Gives digests with ``minutes``: the fewest by which one charted time may move until the claim is another."""

    def __init__(self, policy: Policy, readings: Mapping[str, str]) -> None:
        self._made_of = policy, dict(readings)
        self._coder: Coder | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what each process makes for itself."""
        return {"_made_of": self._made_of, "_coder": None}

    def __call__(self, encounter: Encounter, audit: Audit | None) -> Found:
        """Give the digest."""
        found = as_digest(encounter, audit)
        if found.form is None:
            return found
        if self._coder is None:
            self._coder = Coder(*self._made_of)
        settled = margins_of(self._coder, encounter).settled
        near = [it.minutes for one in settled for it in one.margins if it.minutes is not None]
        data = {**json.loads(found.form), "minutes": min(near, default=None)}
        line = json_text(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) + "\n"
        return found._replace(form=line.encode())
