"""The atoms of a predicate while a time moves: what is looked up tells for how long it is found, or not found.

A number that moves may come to equal another one only at another minute. Where two atoms agree in all but such numbers,
each look-up of one compares it with the other, so that the minute at which they would be one is noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from ivproof.recheck import Atom, Value
from ivproof.recheck.terms import AGGREGATES
from ivproof.unknowns.affine import moves

Key = Any
"""What an index is asked for: a value, or a tuple of values where several arguments are known."""


def _outline(value: Value) -> Value:
    """A value with every number in it left out."""
    if isinstance(value, tuple):
        return tuple(map(_outline, value))
    return 0 if isinstance(value, int) else value


class _Watched(dict[Key, Any]):
    """A dictionary that compares what is looked up with the keys that it could come to equal."""

    __slots__ = ("alike", "moving")

    def __init__(self, pairs: Any, *, moving: bool) -> None:
        super().__init__(pairs)
        self.moving = moving
        """Whether a key holds a number that moves."""
        self.alike: dict[Key, list[Key]] | None = None

    def _watch(self, key: Key) -> None:
        if not self.moving and not moves(key):
            return
        if self.alike is None:
            self.alike = {}
            for other in self:
                self.alike.setdefault(_outline(other), []).append(other)
        for other in self.alike.get(_outline(key), ()):
            if key == other:
                continue  # comparing them has noted for how long

    def __contains__(self, key: object) -> bool:
        self._watch(key)
        return super().__contains__(key)

    def get(self, key: Key, default: Any = None) -> Any:
        self._watch(key)
        return super().get(key, default)


class Relation:
    """The atoms of one predicate, in the order in which they were derived; it never changes.

    `timed` are the arguments, counted from 1, that can hold a time.
    """

    __slots__ = ("_indexes", "moving", "rows", "timed")

    rows: dict[Atom, Any]

    def __init__(self, rows: Iterable[Atom], timed: frozenset[int]) -> None:
        """Hold these atoms."""
        self.timed = timed
        self.moving = False
        if timed:
            found = dict.fromkeys(rows)
            self.moving = any(moves(row[at]) for row in found for at in timed)
            self.rows = _Watched(found, moving=self.moving)
        else:
            self.rows = dict.fromkeys(rows)
        self._indexes: dict[tuple[int, ...], Mapping[Key, Sequence[Atom]]] = {}

    def index(self, *positions: int) -> Mapping[Key, Sequence[Atom]]:
        """The atoms by some arguments, as the second engine's relations give them."""
        found = self._indexes.get(positions)
        if found is None:
            grouped: dict[Key, list[Atom]] = {}
            key = itemgetter(*positions)
            for row in self.rows:
                grouped.setdefault(key(row), []).append(row)
            if self.timed.isdisjoint(positions):
                found = grouped
            else:
                found = _Watched(grouped, moving=self.moving and any(map(moves, grouped)))
            self._indexes[positions] = found
        return found


def _noting(aggregate: Any) -> Any:
    """An aggregate that notes when two of the tuples that it counts apart would be one."""

    def noted(tuples: Mapping[tuple[Value, ...], None]) -> Value:
        if len(tuples) > 1 and any(map(moves, tuples)):
            alike: dict[Value, list[tuple[Value, ...]]] = {}
            for one in tuples:
                alike.setdefault(_outline(one), []).append(one)
            for some in alike.values():
                for n, one in enumerate(some):
                    for other in some[:n]:
                        if one == other:
                            continue
        found: Value = aggregate(tuples)
        return found

    return noted


AGGREGATES_NOTED = {name: _noting(aggregate) for name, aggregate in AGGREGATES.items()}
"""The aggregates of the rule language, by name."""
