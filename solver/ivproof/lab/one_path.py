"""What a second law concludes otherwise where all else is as the first one says.

The first law is applied. At the end of each way through it only the steps of the second law that are not the same are
applied, to what the first concluded of all else. Where they conclude what the first did, the second law concludes the
same altogether: its rules give neither more nor less from that, and nothing in it holds itself up, as what stands in a
circle with a changed rule was concluded anew from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy

from ivproof.lab.kinds import Template
from ivproof.recheck.terms import Signature
from ivproof.unknowns.affine import Region, written
from ivproof.unknowns.evaluator import Evaluator, Standing
from ivproof.unknowns.law import Law, Step
from ivproof.unknowns.relations import Relation


class OnePath:
    """Two laws as far as what changed rests on; they have the same questions open, and read the same facts of charts.

    `changed` are the predicates of which one has other rules or facts than the other; what the second concludes of
    `heads` among them is compared. `applied` makes a law ready, in one numbering with the other.
    """

    def __init__(
        self,
        first: Law,
        second: Law,
        applied: Callable[[Law], Evaluator],
        changed: Collection[Signature],
        heads: Collection[Signature],
    ) -> None:
        """Find the steps that have to be applied of the second law."""
        self.anew, steps = _anew(second, changed)
        """What the second law concludes anew."""
        self.chooses = any(step.choice for step in steps)
        """Whether one of these steps is a choice: what it takes would have to be known."""
        again = copy(second)
        again.steps = steps
        self._first, self._again = applied(first), applied(again)
        self.reads = self._first.law.reads | self._again.law.reads
        """The predicates that are read of a chart, or concluded on the way."""
        numbers, begin = self._first.law.numbers, self._again.law.begin
        self._begin = {n: begin[n] for n in (numbers[it] for it in self.anew)}
        left = self.anew - (set(changed) - set(heads))
        self._compared = {numbers[it]: it[0] for it in sorted(left)}

    def apart(self, template: Template, region: Region, here: Standing) -> set[str]:
        """Give the predicates of which the second law concludes something else where a region stands.

        Of all where a way through the first law leads nowhere: the second may go on there.
        """
        found: set[str] = set()
        lost = self._first.lost
        for state, held in self._first.ways(template.moving(region), here, template.stays):
            anew = list(state)
            for n, relation in self._begin.items():
                anew[n] = relation
            for other, _ in self._again.goes_on(anew, held, here):
                found.update(name for n, name in self._compared.items() if not _same(state[n], other[n]))
        return found if self._first.lost == lost else set(self._compared.values())


def _anew(law: Law, changed: Collection[Signature]) -> tuple[set[Signature], list[Step]]:
    """What has to be concluded anew, and by which steps: what changed, and what is concluded in a step with it."""
    anew, size = set(changed), -1
    while size != (size := len(anew)):
        steps = [step for step in law.steps if any(it.head in anew for it in step.rules)]
        anew.update(it.head for step in steps for it in step.rules)
    return anew, steps


def _same(one: Relation, other: Relation) -> bool:
    """Whether two relations hold the same atoms for as long as what was noted holds."""
    if one is other:
        return True
    return len(one.rows) == len(other.rows) and set(map(_written, one.rows)) == set(map(_written, other.rows))


def _written(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(map(written, row))
