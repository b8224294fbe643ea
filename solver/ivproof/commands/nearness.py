"""How many minutes a claim is from a boundary, beside what a summary counts of its audit."""

from __future__ import annotations

import json
from typing import Any

from ivproof.audit.many import Found, as_digest
from ivproof.audit.model import Audit
from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.claim.profiles import Profiles
from ivproof.formats.plain import json_text
from ivproof.whatif.margins import margins_of


class Closest:
    """Gives digests with ``minutes``: the fewest by which one charted time may move until the claim is another."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self._coders: dict[str | None, Coder] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what each process makes for itself."""
        return {"_profiles": self._profiles, "_coders": {}}

    def __call__(self, encounter: Encounter, audit: Audit | None) -> Found:
        """Give the digest."""
        found = as_digest(encounter, audit)
        if found.form is None:
            return found
        payer = self._profiles.key(encounter.payer)
        if payer not in self._coders:
            self._coders[payer] = Coder(*self._profiles.of(payer))
        settled = margins_of(self._coders[payer], encounter).settled
        near = [it.minutes for one in settled for it in one.margins if it.minutes is not None]
        data = {**json.loads(found.form), "minutes": min(near, default=None)}
        line = json_text(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) + "\n"
        return found._replace(form=line.encode())
