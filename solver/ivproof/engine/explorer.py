"""Every claim that a chart can lead to, over all questions of a policy, and which questions decide between them.

>>> from ivproof.claim.coding import Coder
>>> from ivproof.chart.reading import Source, parse
>>> from ivproof.law.policy import Policy
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "iv",
...                          "start": "09:00", "stop": "10:30"}]}, Source("visit.json"))
>>> policy = Policy.load("out001")
>>> [found] = Explorer(policy).explore([Coder(policy).facts(chart.encounter)])
>>> [(sorted(it.claim), dict(it.readings)) for it in found.claims][:1]
[(['total("96365",1)'], {})]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ivproof.chart.facts import Facts
from ivproof.engine.choices import CLAIM, FREE, OPEN, ClaimKey, Resolution, candidate_rank
from ivproof.engine.diagram import Diagram
from ivproof.engine.rooms import Rooms, rooms
from ivproof.engine.search import Search
from ivproof.engine.solving import Choice, Outcome, RoomSolver, shared_facts
from ivproof.law.policy import Policy

MANY = 40
"""So many charts are gone through together."""


@dataclass(frozen=True, slots=True)
class Reachable:
    """A claim that a chart can lead to.

    `readings` is a smallest set of readings that leads to it: question to option, those that depart from what is held
    by default and those of questions without a default. `given` is what must be so of facts that the chart does not
    give, and `initial` which of equals is the initial service.
    """

    claim: ClaimKey
    readings: Mapping[str, str]
    given: tuple[Resolution, ...] = ()
    initial: tuple[Resolution, ...] = ()


@dataclass(frozen=True)
class Exploration:
    """What a chart leads to over everything that is left open.

    `base` is the claim under the defaults, and the first option of each question that has none. `alone` has the
    questions of which some option by itself leads to other claims than what is held does, with the claims of each such
    option; `together` those that change something only together with others. `assumed` are the choices other than
    readings that matter, `touched` the questions that change something on the way to the claim. Without `complete` the
    chart leads to so many that they were not gone through, and everything else is empty.
    """

    claims: tuple[Reachable, ...] = ()
    base: ClaimKey = frozenset()
    alone: Mapping[str, Mapping[str, frozenset[ClaimKey]]] | None = None
    together: tuple[str, ...] = ()
    assumed: tuple[Choice, ...] = ()
    touched: tuple[str, ...] = ()
    complete: bool = True
    diagram: tuple[Diagram[Choice, Outcome], int] | None = field(default=None, compare=False, repr=False)

    @property
    def mattering(self) -> tuple[str, ...]:
        """The questions that decide between claims, by number."""
        return tuple(sorted((*(self.alone or ()), *self.together), key=number))

    @cached_property
    def certain(self) -> ClaimKey:
        """What stands in every claim: the cautious part."""
        return frozenset.intersection(*(it.claim for it in self.claims)) if self.claims else frozenset()

    @cached_property
    def possible(self) -> ClaimKey:
        """What stands in some claim: the brave part."""
        return frozenset().union(*(it.claim for it in self.claims))

    def under(self, readings: Mapping[str, str]) -> frozenset[ClaimKey]:
        """Give the claims that follow with these options (question to option) held, whatever else is open."""
        if self.diagram is None:
            return frozenset()
        diagram, at = self.diagram
        for key, option in readings.items():
            settled = diagram.restrict(at, (OPEN, key), option)
            if settled is None:
                return frozenset()
            at = settled
        return frozenset(diagram.leaves(at))


class Explorer:
    """Explores charts by one policy; made once and used for many.

    `readings` settles questions, which then count as no longer open (unless not `fixed`: then they only take the place
    of the defaults); `outcome` are the predicates that are compared.
    """

    def __init__(
        self,
        policy: Policy,
        readings: Mapping[str, str] | None = None,
        outcome: Mapping[str, int] = CLAIM,
        *,
        fixed: bool = True,
    ) -> None:
        self.policy = policy
        self._outcome = outcome
        settings = policy.settings(readings)
        given = {policy.question(name).key for name in readings or {}}
        self._options: dict[str, tuple[str, ...]] = {}
        self._base: dict[Choice, str] = {}
        self._first: dict[Choice, str] = {}
        for key, question in policy.questions.items():
            held = settings[key]
            names = tuple(option.name for option in question.options)
            self._options[key] = (held,) if fixed and key in given and held is not None else names
            self._first[OPEN, key] = names[0] if held is None else held
            if held is not None:
                self._base[OPEN, key] = held

    @cached_property
    def _rooms(self) -> Rooms:
        return rooms(self.policy, self._outcome)

    def explore(self, charts: Sequence[Facts]) -> list[Exploration]:
        """Explore charts, in the order given."""
        found: list[Exploration] = []
        for start in range(0, len(charts), MANY):
            some = charts[start : start + MANY]
            search = Search(RoomSolver(self._rooms, shared_facts(self._rooms, some)), self._options)
            found += [
                Exploration(complete=False) if it.given_up else self._read(it.diagram, it.root, it.touched)
                for it in search.run(some, candidate_rank)
            ]
        return found

    def _read(self, diagram: Diagram[Choice, Outcome], root: int, touched: Iterable[str]) -> Exploration:
        """Read off the diagram what decides, and where it leads."""
        ways = diagram.ways(root, self._base)
        claims = [
            self._reachable(claim, [Resolution(choice[0], choice[1], value) for choice, value in way])
            for claim, way in ways.items()
        ]
        claims.sort(key=self._place)
        base = diagram.value(root, self._first)
        assert base is not None
        support = diagram.support(root)
        held = frozenset(diagram.leaves(root, self._base))
        alone: dict[str, Mapping[str, frozenset[ClaimKey]]] = {}
        for key in sorted((subject for predicate, subject in support if predicate == OPEN), key=number):
            options = {
                it: frozenset(diagram.leaves(root, {**self._base, (OPEN, key): it})) for it in self._options[key]
            }
            changed = {it: claims for it, claims in options.items() if claims != held}
            if changed:
                alone[key] = changed
        return Exploration(
            tuple(claims),
            base,
            alone,
            tuple(sorted((it for predicate, it in support if predicate == OPEN and it not in alone), key=number)),
            tuple(sorted(choice for choice in support if choice[0] != OPEN)),
            tuple(sorted(touched, key=number)),
            diagram=(diagram, root),
        )

    def _place(self, it: Reachable) -> tuple[object, ...]:
        """Where a claim stands among the others: those of few readings first, by question and option."""
        options = [(number(key), self._options[key].index(option)) for key, option in it.readings.items()]
        return len(it.readings) + len(it.given), options, sorted(it.claim)

    def _reachable(self, claim: Outcome, way: Sequence[Resolution]) -> Reachable:
        return Reachable(
            claim,
            {it.subject: it.value for it in way if it.predicate == OPEN},
            tuple(it for it in way if it.predicate not in {OPEN, FREE}),
            tuple(it for it in way if it.predicate == FREE),
        )


def number(key: str) -> int:
    """The number of a question, by its key."""
    return int(key[1:])
