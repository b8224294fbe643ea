"""Cuts a program into strata: groups of rules that are evaluated one after the other.

A rule depends on every rule whose head may be an atom that its body asks for. Rules that depend on each other
in a circle form one stratum; no circle may lead through `not`, an aggregate or a choice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .budget import KEPT, Budget
from .syntax import Arithmetic, Function, Pattern, Rule, Term, Variable, asked, text
from .terms import Signature


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rules that are evaluated together."""

    rules: tuple[Rule, ...]
    recursive: bool  # one of them feeds another or itself
    open: bool  # one of them is a choice or depends on one


def stratify(rules: Sequence[Rule], work: Budget | None = None) -> list[Stratum]:
    """The strata, each after all that it depends on; those that no choice can touch come first.

    Raises LawError where a rule depends on itself through negation, an aggregate or a choice, LimitError where it takes
    more than `work`.
    """
    work = work or Budget()
    heads: dict[Signature, list[int]] = defaultdict(list)
    for number, rule in enumerate(rules):
        heads[rule.head.signature].append(number)
    edges: list[dict[int, bool]] = []  # of each rule: the rules it depends on, and whether strictly
    for number, rule in enumerate(rules):
        edges.append({})
        for atom, strict in _needs(rule):
            work.spend(KEPT * len(heads[atom.signature]))
            for other in heads[atom.signature]:
                if may_meet(atom, rules[other].head) and (atom is not rule.head or other != number):
                    edges[number][other] = strict or edges[number].get(other, False)
    strata: list[Stratum] = []
    place: dict[int, int] = {}
    for circle in circles(edges):
        inside = [(number, other) for number in circle for other in edges[number] if other in circle]
        for number, other in inside:
            if edges[number][other]:
                head, there = text(rules[number].head), rules[other]
                raise rules[number].error(
                    f"not stratified: {head} depends on itself through `not`, an aggregate or a choice, "
                    f"by way of {text(there.head)} ({there.file}:{there.line})"
                )
        below = {place[other] for number in circle for other in edges[number] if other not in circle}
        chooses = any(rules[number].condition is not None for number in circle)
        place.update(dict.fromkeys(circle, len(strata)))
        group = tuple(rules[number] for number in sorted(circle))
        strata.append(Stratum(group, bool(inside), chooses or any(strata[index].open for index in below)))
    return sorted(strata, key=lambda stratum: stratum.open)


def noted(strata: Iterable[Stratum], rules: Sequence[Rule]) -> list[Any]:
    """Strata of these rules as lists and numbers: of each the numbers of its rules, and what else it is."""
    numbers = {id(rule): number for number, rule in enumerate(rules)}
    return [[[numbers[id(rule)] for rule in it.rules], it.recursive, it.open] for it in strata]


def restored(rules: Sequence[Rule], data: Any) -> list[Stratum]:
    """Give back what `noted` made of the strata of these rules, which is sooner than to find them.

    Raises ValueError where a rule would be applied before one that it depends on.
    """
    strata = [Stratum(tuple([rules[number] for number in group]), recursive, open_) for group, recursive, open_ in data]
    place = {id(rule): at for at, stratum in enumerate(strata) for rule in stratum.rules}
    if not len(place) == len(rules) == sum(len(it.rules) for it in strata):
        raise ValueError("not every rule has one place")
    makers: dict[Signature, list[Rule]] = defaultdict(list)
    last: dict[Signature, int] = {}
    for at, stratum in enumerate(strata):
        for rule in stratum.rules:
            makers[rule.head.signature].append(rule)
            last[rule.head.signature] = at
    for at, stratum in enumerate(strata):
        for rule in stratum.rules:
            for atom, strict in _needs(rule):
                if last.get(atom.signature, -1) < at:
                    continue
                for other in makers[atom.signature]:
                    known = place[id(other)] < at or (place[id(other)] == at and stratum.recursive and not strict)
                    if not known and may_meet(atom, other.head) and not (atom is rule.head and other is rule):
                        raise ValueError("a rule stands before one that it depends on")
    return strata


def _needs(rule: Rule) -> list[tuple[Pattern, bool]]:
    """What a rule asks for, as `asked` says; an atom that is derived without choosing counts as the chosen one."""
    needs = list(asked(rule))
    if rule.condition is not None:
        needs.append((rule.head, False))
    return needs


def may_meet(left: Term | Pattern, right: Term | Pattern) -> bool:
    """Could the two stand for the same atom or term? May say yes wrongly, never no."""
    if isinstance(left, Variable | Arithmetic) or isinstance(right, Variable | Arithmetic):
        return True
    first, second = (
        (term.name, *term.arguments) if isinstance(term, Function | Pattern) else term for term in (left, right)
    )
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(may_meet, first, second))
    return first == second


def circles(edges: Sequence[dict[int, bool]]) -> Iterator[set[int]]:
    """Tarjan's strongly connected components, without recursion; each after all that it points to."""
    seen: dict[int, int] = {}  # when each node was first met
    low: dict[int, int] = {}  # the earliest node on the path that each reaches
    path: list[int] = []  # nodes whose component is not complete
    for root in range(len(edges)):
        work = [] if root in seen else [root]
        rest = {root: iter(edges[root])}
        while work:
            node = work[-1]
            if node not in seen:
                seen[node] = low[node] = len(seen)
                path.append(node)
            for other in rest[node]:
                if other not in seen:
                    work.append(other)
                    rest[other] = iter(edges[other])
                    break
                if other in low:
                    low[node] = min(low[node], seen[other])
            else:
                work.pop()
                if low[node] == seen[node]:
                    start = path.index(node)
                    yield set(path[start:])
                    for done in path[start:]:
                        del low[done]
                    del path[start:]
                elif work:
                    low[work[-1]] = min(low[work[-1]], low[node])
