"""Decision diagrams: a function of many choices, kept as a graph in which equal parts stand once.

A node asks for the value of one variable and leads to another node for each value; a leaf is what follows. Which
variables matter, what follows from an assignment, and the fewest departures from a base that lead somewhere are read
off the graph, whatever the number of assignments (R. E. Bryant, Graph-Based Algorithms for Boolean Function
Manipulation, IEEE Trans. Computers 35, 1986; with more than two values a node: Srinivasan et al., ICCAD 1990).

>>> it = Diagram(order=lambda variable: variable)
>>> x, y = it.leaf("x"), it.leaf("y")
>>> root = it.ordered(it.node("b", {"1": it.node("a", {"1": x, "2": y}), "2": y}))
>>> sorted(it.support(root)), it.value(root, {"a": "1", "b": "1"})
(['a', 'b'], 'x')
>>> it.ways(root, {"a": "1", "b": "2"})
{'y': (), 'x': (('b', '1'),)}
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from ivproof.chart import bounds

Variable = TypeVar("Variable", bound=Hashable)
Leaf = TypeVar("Leaf", bound=Hashable)

Way = tuple[tuple[Any, str], ...]
"""Some variables with their values."""


class Diagram(Generic[Variable, Leaf]):
    """Nodes of decision diagrams; equal ones have the same number.

    A variable need not have all its values at every node: what is not there cannot be.
    """

    def __init__(self, order: Callable[[Variable], Any], rank: Callable[[Variable, str], Any] | None = None) -> None:
        """`order` gives the place of a variable in the order in which `ordered` asks, `rank` that of a value."""
        self._order = order
        self._rank = rank or (lambda _, value: value)
        self._numbers: dict[object, int] = {}
        self._leaves: dict[int, Leaf] = {}
        self._nodes: dict[int, tuple[Variable, dict[str, int]]] = {}
        self._supports: dict[int, frozenset[Variable]] = {}
        self._restricted: dict[tuple[int, Variable, str], int | None] = {}
        self._ordered: dict[int, int] = {}

    def leaf(self, value: Leaf) -> int:
        """Give the leaf with that value."""
        number = self._numbers.setdefault(("leaf", value), len(self._numbers))
        self._leaves[number] = value
        return number

    def node(self, variable: Variable, children: Mapping[str, int]) -> int:
        """Give the node that asks for a variable; where every value leads to the same, there is nothing to ask."""
        if len(set(children.values())) == 1:
            return next(iter(children.values()))
        key = (variable, tuple(children.items()))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._numbers)
            self._nodes[number] = (variable, dict(children))
        return number

    def support(self, number: int) -> frozenset[Variable]:
        """Give the variables that are asked for from a node on; of an ordered one, just those that matter."""
        found = self._supports.get(number)
        if found is None:
            if number in self._leaves:
                found = frozenset()
            else:
                variable, children = self._nodes[number]
                found = frozenset({variable}).union(*(self.support(child) for child in children.values()))
            self._supports[number] = found
        return found

    def values(self, number: int, variable: Variable) -> list[str]:
        """Give the values that a variable has from a node on, in the order in which they are met."""
        found: dict[str, None] = {}
        for at in self._reached(number, lambda it: self._children(it) if variable in self.support(it) else ()):
            if at in self._nodes and self._nodes[at][0] == variable:
                found.update(dict.fromkeys(self._nodes[at][1]))
        return list(found)

    def _children(self, number: int) -> Iterable[int]:
        return () if number in self._leaves else self._nodes[number][1].values()

    def _reached(self, number: int, follow: Callable[[int], Iterable[int]]) -> Iterator[int]:
        """What is met from a node on, each once and the first ways first; `follow` gives where to go from there."""
        seen: set[int] = set()
        waiting = [number]
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                yield at
                waiting += reversed([*follow(at)])

    def restrict(self, number: int, variable: Variable, value: str) -> int | None:
        """Give the node with one variable settled; None where it cannot have that value."""
        if variable not in self.support(number):
            return number
        key = (number, variable, value)
        if key not in self._restricted:
            asked, children = self._nodes[number]
            if asked == variable:
                child = children.get(value)
                found = None if child is None else self.restrict(child, variable, value)
            else:
                settled = {it: self.restrict(child, variable, value) for it, child in children.items()}
                kept = {it: child for it, child in settled.items() if child is not None}
                found = self.node(asked, kept) if kept else None
            self._restricted[key] = found
        return self._restricted[key]

    def ordered(self, number: int) -> int:
        """Give the node that stands for the same function and asks for the variables in order, each at most once."""
        found = self._ordered.get(number)
        if found is None:
            if number in self._leaves:
                found = number
            else:
                first = min(self.support(number), key=self._order)
                values = sorted(self.values(number, first), key=lambda value: self._rank(first, value))
                settled = {value: self.restrict(number, first, value) for value in values}
                found = self.node(first, {it: self.ordered(at) for it, at in settled.items() if at is not None})
            self._ordered[number] = found
        return found

    def mapped(self, number: int, change: Callable[[Leaf], Leaf]) -> int:
        """Give the node that stands for the function whose leaves are what becomes of those from a node on."""
        found: dict[int, int] = {}

        def visit(at: int) -> int:
            if at not in found:
                if at in self._leaves:
                    found[at] = self.leaf(change(self._leaves[at]))
                else:
                    variable, children = self._nodes[at]
                    found[at] = self.node(variable, {value: visit(child) for value, child in children.items()})
            return found[at]

        return self.ordered(visit(number))

    def value(self, number: int, assignment: Mapping[Variable, str]) -> Leaf | None:
        """Give what follows from an assignment; what it does not settle takes its first value. None: it cannot be."""
        while number not in self._leaves:
            variable, children = self._nodes[number]
            value = assignment.get(variable)
            child = next(iter(children.values())) if value is None else children.get(value)
            if child is None:
                return None
            number = child
        return self._leaves[number]

    def ways(self, number: int, base: Mapping[Variable, str]) -> dict[Leaf, Way]:
        """Give every leaf from an ordered node on, each with a smallest way to it.

        A way has the variables that must depart from the base, and those on it for which there is no base. Of ways as
        short as each other it is the one that departs latest.
        """
        best: dict[int, dict[int, Way]] = {}

        def visit(at: int) -> dict[int, Way]:
            if at in best:
                return best[at]
            found: dict[int, Way] = {}
            if at in self._leaves:
                found[at] = ()
            else:
                variable, children = self._nodes[at]
                held = base.get(variable)
                # the base first, so that a departure has to be shorter to take its place
                for value in sorted(children, key=lambda it: it != held):
                    for leaf, rest in visit(children[value]).items():
                        way = rest if value == held else ((variable, value), *rest)
                        if leaf not in found or len(way) < len(found[leaf]):
                            found[leaf] = way
            best[at] = found
            return found

        return {self._leaves[leaf]: way for leaf, way in visit(number).items()}

    def paths(self, number: int) -> dict[Leaf, list[Way]]:
        """Give every leaf from an ordered node on, with all that leads to it, shortened to what is needed.

        Whatever else is chosen, a shortened way leads to its leaf and to no other. The shortest stands first.
        """
        found: dict[Leaf, list[Way]] = {}
        waiting: list[tuple[int, Way]] = [(number, ())]
        while waiting:
            at, way = waiting.pop()
            bounds.keep(1 + len(way))
            if at in self._leaves:
                found.setdefault(self._leaves[at], []).append(way)
            else:
                variable, children = self._nodes[at]
                waiting += [(child, (*way, (variable, value))) for value, child in reversed(children.items())]
        return {
            leaf: sorted(dict.fromkeys(self._shortened(number, way, leaf) for way in ways), key=len)
            for leaf, ways in found.items()
        }

    def _shortened(self, number: int, way: Way, leaf: Leaf) -> Way:
        kept = way
        for step in way:
            bounds.keep(1)
            rest = tuple(it for it in kept if it != step)
            if self._always(number, dict(rest), leaf):
                kept = rest
        return kept

    def _always(self, number: int, settled: Mapping[Any, str], leaf: Leaf) -> bool:
        """Whether everything that agrees with what is settled can be, and leads to one leaf."""

        def follow(at: int) -> Iterable[int]:
            if at in self._leaves or self._nodes[at][0] not in settled:
                return self._children(at)
            variable, children = self._nodes[at]
            return [children[settled[variable]]] if settled[variable] in children else ()

        for at in self._reached(number, follow):
            if at in self._leaves:
                if self._leaves[at] != leaf:
                    return False
            elif not follow(at):
                return False
        return True

    def leaves(self, number: int, assignment: Mapping[Variable, str] | None = None) -> list[Leaf]:
        """Give every leaf from a node on that an assignment can lead to, in the order in which they are met."""
        settled = assignment or {}

        def follow(at: int) -> Iterable[int]:
            value = None if at in self._leaves else settled.get(self._nodes[at][0])
            if value is None:
                return self._children(at)
            child = self._nodes[at][1].get(value)
            return () if child is None else (child,)

        met = (self._leaves[at] for at in self._reached(number, follow) if at in self._leaves)
        return list(dict.fromkeys(met))
