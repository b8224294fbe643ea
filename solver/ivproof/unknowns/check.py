"""What was found over all minutes, held against the first engine: at each boundary, on both of its sides."""

from __future__ import annotations

from ivproof.chart.encounter import Encounter
from ivproof.engine.choices import CLAIM, claim_of
from ivproof.engine.second import DisagreementError
from ivproof.recheck import show
from ivproof.unknowns.claims import ChartMinutes, Claims, Settling


class Checked:
    """Charts and the claims that were found for them, to be compared all at once."""

    def __init__(self, chart: ChartMinutes) -> None:
        """Nothing is to be compared yet."""
        self.chart = chart
        self.count = 0
        self._waiting: list[tuple[Encounter, Claims]] = []

    def add(self, encounter: Encounter, claims: Claims, settling: Settling) -> None:
        """Compare later: these are the claims of this chart under this settling.

        The first engine is asked with what it takes first of everything open, so its claim is one of all of them.
        """
        again = self.chart.claims(encounter, settling)
        if again != claims:
            raise _differ(encounter)
        if settling.held or settling.taken:
            claims = self.chart.claims(encounter)
        self._waiting.append((encounter, claims))

    def compare(self) -> None:
        """Ask the first engine. Raises DisagreementError where it has a claim that was not found."""
        if not self._waiting:
            return
        minutes = self.chart.minutes
        found = minutes.engine.plain([minutes.facts(encounter) for encounter, _ in self._waiting])
        self.count += len(found)
        for (encounter, claims), atoms in zip(self._waiting, found, strict=True):
            first = claim_of(atoms)
            if all(first != {show(atom) for atom in claim if atom[0] in CLAIM} for claim in claims):
                raise _differ(encounter)
        self._waiting.clear()


def _differ(encounter: Encounter) -> DisagreementError:
    return DisagreementError(
        f"{encounter.id}: the two engines differ on what follows when a time moves. "
        "Please report this as an error of ivproof."
    )
