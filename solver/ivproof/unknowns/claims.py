"""The claims of one chart at every minute of one of its times.

Exact over all whole minutes: what each comparison of the law notes says for how long an answer holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ivproof.chart import bounds
from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import Facts, facts_of
from ivproof.drugs.listing import DrugList
from ivproof.engine.choices import CLAIM, DRUG_LINES, FREE, OPEN, Resolution
from ivproof.engine.direct import atoms_of
from ivproof.engine.engine import Engine
from ivproof.engine.second import SecondEngine
from ivproof.law.policy import Policy
from ivproof.recheck import Atom, Value, parse_facts
from ivproof.recheck.terms import Signature
from ivproof.unknowns.affine import Reach
from ivproof.unknowns.evaluator import Claim, Evaluator, Numbered
from ivproof.unknowns.law import Law
from ivproof.unknowns.moments import Charted
from ivproof.unknowns.ranges import Ranges

Claims = frozenset[Claim]
"""The claims that a chart can lead to: one, where it is determined."""


class OutOfReachError(RuntimeError):
    """A question to which the law would have to be applied more often than is allowed."""


class Minutes:
    """A law under one setting of its questions, ready for questions about times; made once and used for many charts."""

    def __init__(self, policy: Policy, drugs: DrugList, engine: Engine, second: SecondEngine) -> None:
        """Prepare the law as the second engine reads it; the first one is asked again about what is found."""
        self.policy, self.drugs, self.engine = policy, drugs, engine
        self.law = Law(second.program, second.settings)
        self.options = {key: [it.name for it in question.options] for key, question in policy.questions.items()}
        self._numbered: dict[tuple[Signature, ...], Numbered] = {}

    def chart(self, encounter: Encounter, more: Mapping[str, int] | None = None) -> ChartMinutes:
        """Look at one chart; `more` are predicates (with their arities) that claims are told apart by as well."""
        compared = tuple({**CLAIM, **DRUG_LINES, **(more or {})}.items())
        law = self._numbered.get(compared)
        if law is None:
            with bounds.free():
                law = self._numbered[compared] = Numbered(self.law, self.options, compared)
        return ChartMinutes(self, encounter, Evaluator(law))

    def facts(self, encounter: Encounter) -> Facts:
        """The facts of a chart; times in it may move."""
        return facts_of(encounter, self.drugs, self.policy.payers)


@dataclass(frozen=True, slots=True)
class Settling:
    """A way of settling what a chart and a policy leave open: options of questions, and what is taken of choices."""

    held: Mapping[str, str] = field(default_factory=dict)
    taken: tuple[Atom, ...] = ()

    @staticmethod
    def of(resolutions: Iterable[Resolution]) -> Settling:
        """The settling that an alternative of the first engine rests on."""
        held: dict[str, str] = {}
        taken: list[Atom] = []
        for it in resolutions:
            if it.predicate == OPEN:
                held[it.subject] = it.value
            elif it.predicate == FREE:
                taken += parse_facts(f"{it.predicate}({it.value},{it.subject}).")
            else:
                taken += parse_facts(f"{it.predicate}({it.subject}{',' if it.subject else ''}{it.value}).")
        return Settling(held, tuple(taken))


@dataclass
class ChartMinutes:
    """One chart: its claims, and those of the charts that it becomes when a time moves.

    `asked` counts how often the law was applied; where it would be more than `most`, OutOfReachError is raised.
    """

    minutes: Minutes
    encounter: Encounter
    evaluator: Evaluator
    asked: int = 0
    most: int | None = None

    def claims(self, encounter: Encounter, settling: Settling | None = None) -> Claims:
        """The claims of a chart like this one."""
        settling = settling or Settling()
        self._count()
        atoms = atoms_of(self.minutes.facts(encounter))
        return self.evaluator.claims(atoms, settling.held, settling.taken)

    def along(
        self,
        moved: Charted,
        encounter: Encounter | None = None,
        settling: Settling | None = None,
        also: Sequence[Charted] = (),
    ) -> Ranges[Claims]:
        """The claims at each minute by which a time of the chart (or one like it) moves; `also` others by as much."""
        base = encounter or self.encounter
        by = settling or Settling()

        def ask(minute: int) -> tuple[Claims, int | None, int | None]:
            reach = Reach()
            self._count()
            variant = base
            for time in (moved, *also):
                variant = time.moved(variant, minute, reach)
            atoms = atoms_of(self.minutes.facts(variant))
            steps: dict[Value, int] = {time.fact: time.step for time in (moved, *also)}
            found = self.evaluator.claims(_moving(atoms, steps, reach), by.held, by.taken)
            return (
                found,
                None if reach.first is None else minute + reach.first,
                None if reach.last is None else minute + reach.last,
            )

        return Ranges(ask)

    def _count(self) -> None:
        if self.most is not None and self.asked >= self.most:
            raise OutOfReachError
        self.asked += 1


def _moving(atoms: Sequence[Atom], steps: Mapping[Value, int], reach: Reach) -> Iterator[Atom]:
    """The facts, with the times and lengths that move as numbers that do; `steps` has by how much."""
    for atom in atoms:
        if atom[:2] in steps:
            yield (*atom[:2], reach.number(int(str(atom[2])), steps[atom[:2]]))
        else:
            yield atom
