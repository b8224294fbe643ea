"""What each question changes by itself in a chart, by the compiled law: what `nearby` finds room by room, sooner.

The law is applied under what is held, along every way of settling what that leaves open, and each of these again with
one question read otherwise; of that only what sees the difference is applied (see `compiled`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ivproof.chart.facts import Facts
from ivproof.engine.choices import OPEN, candidate_rank
from ivproof.engine.compiled import Derived, Relation, SeveralError, Take, none_of
from ivproof.engine.diagram import Diagram
from ivproof.engine.direct import CONDITIONAL, RAISED, Direct, asked, resolution_by, texts
from ivproof.engine.search import diagram_of
from ivproof.engine.solving import Choice, Outcome
from ivproof.recheck import Atom

WAYS = 32
"""A chart with more ways of settling what is left open is gone through room by room."""

ENDS = 100
"""So many ends for each of these ways are looked at in one chart, over all departures."""


class ManyWaysError(Exception):
    """A chart leads to more ways than are looked at one by one, or to none."""


class OthersError(Exception):
    """A choice that was settled has other candidates as well."""


@dataclass(frozen=True, slots=True)
class _End:
    """What follows along one way: with these options of open questions, and these candidates taken."""

    derived: Derived
    held: Mapping[str, str]
    taken: Mapping[Atom, Collection[Atom]]


@dataclass(frozen=True, slots=True)
class _Fork:
    """A choice, and where each of its values leads."""

    choice: Choice
    branches: Mapping[str, _Fork | _End]


def _ends(at: _Fork | _End) -> Iterator[_End]:
    if isinstance(at, _End):
        yield at
    else:
        for branch in at.branches.values():
            yield from _ends(branch)


@dataclass(frozen=True, slots=True)
class Near:
    """What a chart leads to: its diagram, the node of what is held, and that of each departure that is felt."""

    diagram: Diagram[Choice, Outcome]
    base: int
    departed: Mapping[tuple[str, str], int]


class Departing:
    """Applies a law to charts under what is held, and with one question read otherwise."""

    def __init__(
        self,
        direct: Direct,
        options: Mapping[str, tuple[str, ...]],
        held: Mapping[str, str],
        outcome: Mapping[str, int],
    ) -> None:
        """`options` are those of the questions, `held` says which is held of those that are not open, and `outcome` are
        the predicates (with their arities) that are compared."""
        self.direct = direct
        self.options = options
        self.held = held
        self.open = [key for key in options if key not in held]
        self.outcome = outcome
        self.wanted = frozenset({*outcome.items(), CONDITIONAL, RAISED})

    @cached_property
    def departures(self) -> Sequence[tuple[str, str, frozenset[int]]]:
        """Each option of each question that is held otherwise, with the steps that see the difference."""
        return [
            (key, option, frozenset(self.direct.change({key: held}, {key: option}, self.wanted).seeing))
            for key, held in self.held.items()
            for option in self.options[key]
            if option != held
        ]

    @cached_property
    def seeing(self) -> Sequence[int]:
        """The steps that see some departure."""
        return sorted(frozenset().union(*(seeing for _, _, seeing in self.departures)))

    def near(self, facts: Facts) -> Near:
        """Go through one chart. Raises ManyWaysError, of a large chart too."""
        if not self.direct.fits(facts):
            raise ManyWaysError
        return _Chart(self, facts).near()


class _Chart:
    def __init__(self, law: Departing, facts: Facts) -> None:
        self._law, self._direct, self._facts = law, law.direct, facts
        self.diagram = diagram_of(law.options, candidate_rank(facts))
        self._left = WAYS
        self._leaves: dict[tuple[Relation | None, ...], int] = {}

    def near(self) -> Near:
        try:
            root = self._tree(lambda take: self._direct.along(self._facts, take), {}, {})
        except OthersError:
            raise ManyWaysError from None
        self._left = ENDS * WAYS
        base = self.diagram.ordered(self._node(root))
        departed: dict[tuple[str, str], int] = {}
        applicable = {n for end in _ends(root) for n in self._direct.law.applicable(end.derived, self._law.seeing)}
        for key, option, seeing in self._law.departures:
            if applicable.isdisjoint(seeing):
                continue
            other = self._departed(root, key, option)
            if other is not root:
                node = self.diagram.ordered(self._node(other))
                if node != base:
                    departed[key, option] = node
        return Near(self.diagram, base, departed)

    def _departed(self, root: _Fork | _End, key: str, option: str) -> _Fork | _End:
        try:
            return self._again(root, key, option)
        except OthersError:
            held = {key: option}
        try:
            return self._tree(lambda take: self._direct.along(self._facts, take, held), held, {})
        except OthersError:
            raise ManyWaysError from None

    def _tree(
        self,
        derive: Callable[[Take], Derived],
        held: Mapping[str, str],
        taken: Mapping[Atom, Collection[Atom]],
        before: _End | None = None,
    ) -> _Fork | _End:
        """Go along every way of settling what is left open; `before` is given where nothing follows otherwise.

        Raises OthersError.
        """
        try:
            found = derive(_settled(taken) if taken else none_of)
        except SeveralError as several:
            some = several.candidates
            if not some:
                raise ManyWaysError from None
            if not taken.keys().isdisjoint(some):
                raise OthersError from None
            choice = resolution_by(some[0]).choice
            ways = {resolution_by(it).value: {**taken, it: some} for it in some}
            return _Fork(choice, {value: self._tree(derive, held, way) for value, way in ways.items()})
        if before is not None and found is before.derived:
            return before
        for key in asked(found, self._law.open):
            if key not in held:
                ways_on = [{**held, key: option} for option in self._law.options[key]]
                return _Fork((OPEN, key), {it[key]: self._with(found, it, taken) for it in ways_on})
        self._left -= 1
        if self._left < 0:
            raise ManyWaysError
        return _End(found, held, taken)

    def _with(
        self,
        base: Derived,
        held: Mapping[str, str],
        taken: Mapping[Atom, Collection[Atom]],
        before: _End | None = None,
    ) -> _Fork | _End:
        return self._tree(
            lambda more: self._direct.held(base, held, more, wanted=self._law.wanted), held, taken, before
        )

    def _again(self, at: _Fork | _End, key: str, option: str) -> _Fork | _End:
        """The same with another option of a settled question held; itself where nothing follows otherwise."""
        if isinstance(at, _Fork):
            branches = {value: self._again(it, key, option) for value, it in at.branches.items()}
            same = all(branches[value] is it for value, it in at.branches.items())
            return at if same else _Fork(at.choice, branches)
        return self._with(at.derived, {**at.held, key: option}, at.taken, at)

    def _node(self, at: _Fork | _End) -> int:
        if isinstance(at, _Fork):
            return self.diagram.node(at.choice, {value: self._node(it) for value, it in at.branches.items()})
        relations = at.derived.relations
        # what nothing changed is the very relation that it was
        seen = tuple(map(relations.get, self._law.outcome.items()))
        leaf = self._leaves.get(seen)
        if leaf is None:
            held = texts(at.derived, self._law.outcome)
            leaf = self.diagram.leaf(frozenset(f"{name}({it})" for name, each in held.items() for it in each))
            self._leaves[seen] = leaf
        return leaf


def _settled(taken: Mapping[Atom, Collection[Atom]]) -> Take:
    """Take what is taken, where it was taken among these very candidates."""

    def take(candidates: Sequence[Atom]) -> Atom | None:
        found = [it for it in candidates if it in taken and all(other in taken[it] for other in candidates)]
        return found[0] if len(found) == 1 else None

    return take
