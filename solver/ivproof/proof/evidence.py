"""Why an atom does not hold: for each clause that could conclude it, the first of its conditions that fails.

The conditions of a clause are looked at in the order of the text; one whose variables have no values yet waits for
those that give them. A clause fails at the first condition which no way to satisfy the ones before it gets past. The
solver finds it: each clause becomes a chain of rules, one for each condition, over the atoms that hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ivproof.engine.grounding import grounded
from ivproof.law.syntax import (
    Aggregate,
    Choice,
    Comparison,
    Element,
    Literal,
    Program,
    Rule,
    all_variables,
    fresh,
    part_variables,
)
from ivproof.law.terms import Function, Operation, Signature, Term, Variable, split, variables

Part = Literal | Comparison | Aggregate
Asked = tuple[Signature, tuple[int, ...]]

_FAILED = "_d"


class Absences:
    """Tells of one law why atoms do not hold."""

    def __init__(self, law: Program) -> None:
        self._clauses: dict[Signature, list[Rule]] = defaultdict(list)
        for rule in law.rules:
            self._clauses[rule.atom.signature].append(rule)
        self._chains: dict[Asked, list[_Chain]] = {}

    def evidence(self, patterns: Iterable[str], holding: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """Give the evidence for each pattern, an atom in which an argument may be ``_`` (whatever it is).

        `holding` are all atoms that hold. Raises ValueError where a pattern holds.
        """
        asked = sorted(set(patterns))
        chains: dict[int, _Chain] = {}
        numbers: dict[Asked, int] = {}
        by_pattern: list[list[int]] = []
        lines: list[str] = []
        for n, pattern in enumerate(asked):
            name, _, _ = pattern.partition("(")
            arguments = split(pattern)
            known = tuple(i for i, it in enumerate(arguments) if it != "_")
            shape = ((name, len(arguments)), known)
            if shape not in numbers:
                numbers[shape] = len(numbers)
                if shape not in self._chains:
                    self._chains[shape] = [_Chain(rule, known) for rule in self._clauses.get(shape[0], ())]
            first = numbers[shape] * _CLAUSES
            for m, chain in enumerate(self._chains[shape]):
                if first + m not in chains:
                    chains[first + m] = chain
                    lines += chain.text(first + m, f"_ask{numbers[shape]}")
            by_pattern.append([first + m for m in range(len(self._chains[shape]))])
            values = "".join(f",{arguments[i]}" for i in known)
            lines.append(f"_ask{numbers[shape]}({n}{values}).")
        reached = _solve(lines, holding)
        return {
            pattern: [chains[number].failure(*reached[number, n]) for number in by_pattern[n] if (number, n) in reached]
            for n, pattern in enumerate(asked)
        }


_CLAUSES = 1000
"""More than any predicate has clauses."""


class _Chain:
    """A clause as a chain of rules, for atoms of which the arguments in `known` have values."""

    def __init__(self, rule: Rule, known: Sequence[int]) -> None:
        self._named = all_variables(rule)
        taken = set(self._named)

        def new(name: str) -> str:
            found = fresh(name, taken)
            taken.add(found)
            return found

        self.rule = rule
        self.number = new("I")
        self.start: list[str] = []
        bound: dict[str, None] = {}
        extra: list[Comparison] = []
        for i in known:
            term = rule.atom.arguments[i]
            if _arithmetic(term):
                name = new("H")
                extra.append(Comparison(term, "=", Variable(name)))
                self.start.append(name)
                bound[name] = None
            else:
                self.start.append(str(term))
                bound.update(dict.fromkeys(variables(term)))
        self.carried = [dict(bound)]
        local = _shared(rule)
        parts: list[Part] = [*rule.body, *(rule.head.condition if isinstance(rule.head, Choice) else ())]
        waiting: list[tuple[int, Part]] = [*((0, it) for it in extra), *enumerate(parts, 1)]
        self.order: list[tuple[int, Part]] = []
        while waiting:
            at = next(n for n, (_, part) in enumerate(waiting) if _ready(part, bound, local))
            part = waiting.pop(at)
            self.order.append(part)
            bound.update(dict.fromkeys(name for name in part_variables(part[1]) if name != "_"))
            self.carried.append(dict(bound))
        self.given = [name for name in self.carried[0] if name not in set(self.start)]

    def text(self, number: int, asked: str) -> Iterator[str]:
        """The rules; chain `number` starts from the predicate `asked`."""
        before = f"{asked}({','.join([self.number, *self.start])})"
        for k, carried in enumerate(self.carried):
            label = f"_w{number}_{k}({','.join([self.number, *carried])})"
            condition = f", {self.order[k - 1][1]}" if k else ""
            yield f"{label} :- {before}{condition}."
            named = [name for name in carried if name in self._named]
            yield (
                f"{_FAILED}({number},{self.number},{k},({','.join(named)},)) :- {label}."
                if named
                else (f"{_FAILED}({number},{self.number},{k},()) :- {label}.")
            )
            before = label

    def failure(self, k: int, ways: Sequence[tuple[str, ...]]) -> dict[str, Any]:
        """Tell at which condition the clause fails, after the first `k` in their order held in these ways."""
        named = [name for name in self.carried[k] if name in self._named]
        tried = [dict(sorted(zip(named, values, strict=True))) for values in ways]
        found: dict[str, Any] = {"rule": self.rule.id, "clause": self.rule.clause}
        if k == len(self.order):
            if not isinstance(self.rule.head, Choice):
                raise ValueError(f"{self.rule.place}: the clause applies, and what it concludes is said not to hold")
            found["fails"] = 0
            found["condition"] = "chosen"
        else:
            place, part = self.order[k]
            found["fails"] = place
            found["condition"] = _written(part) if place else "head"
        found["tried"] = sorted(tried, key=lambda it: list(it.values()))
        return found


def _solve(lines: Iterable[str], holding: Iterable[str]) -> dict[tuple[int, int], tuple[int, list[tuple[str, ...]]]]:
    """How far each chain got for each pattern, and in which ways."""
    holds = "".join(f"{atom}.\n" for atom in holding)
    control = grounded(["\n".join(lines), f"#show {_FAILED}/4.", holds])
    reached: dict[tuple[int, int], tuple[int, list[tuple[str, ...]]]] = {}
    for it in control.symbolic_atoms.by_signature(_FAILED, 4):
        number, pattern, place, values = split(str(it.symbol))
        key, k = (int(number), int(pattern)), int(place)
        best, ways = reached.get(key, (-1, []))
        if k > best:
            best, ways = k, []
            reached[key] = (best, ways)
        if k == best:
            ways.append(split(values))
    return reached


# --- in which order conditions can be looked at


def _ready(part: Part, bound: Mapping[str, None], shared: frozenset[str]) -> bool:
    def known(names: Iterable[str]) -> bool:
        return all(name in bound or name == "_" for name in names)

    match part:
        case Literal(atom, negated):
            return known(variables(atom)) if negated else known(_only_calculated(atom))
        case Comparison(left, operator, right):
            if known(variables(left)) and known(variables(right)):
                return True
            sides = ((left, right), (right, left)) if operator == "=" else ()
            return any(known(variables(one)) and known(_only_calculated(other)) for one, other in sides)
    inside = {name for element in part.elements for name in part_variables(element)} & shared
    assigned = part.operator == "=" and isinstance(part.bound, Variable)
    return known(inside) and (assigned or known(variables(part.bound)))


def _shared(rule: Rule) -> frozenset[str]:
    """The variables that all of a rule shares; others belong to an element of an aggregate or to the choice."""
    names = {name for part in rule.body for name in part_variables(part)}
    if not isinstance(rule.head, Choice):
        names.update(variables(rule.head))
    return frozenset(names - {"_"})


def _only_calculated(term: Term) -> set[str]:
    """The variables that occur in calculations alone: matching gives them no value."""
    return set(variables(term)) - set(_plain(term))


def _plain(term: Term) -> Iterator[str]:
    match term:
        case Variable(name):
            yield name
        case Function():
            for argument in term.arguments:
                yield from _plain(argument)


def _arithmetic(term: Term) -> bool:
    return isinstance(term, Operation) or (isinstance(term, Function) and any(map(_arithmetic, term.arguments)))


# --- conditions as they are written in a law


def _written(part: Part) -> str:
    match part:
        case Literal(atom, negated):
            return "not " * negated + _term(atom)
        case Comparison(left, operator, right):
            return f"{_term(left)} {operator} {_term(right)}"
    inside = "; ".join(map(_element, part.elements))
    return f"{part.function} {{ {inside} }} {part.operator} {_term(part.bound)}"


def _element(element: Element) -> str:
    return f"{','.join(map(_term, element.terms))} : {', '.join(map(_written, element.condition))}"


def _term(term: Term) -> str:
    match term:
        case Operation(operator, left, right):
            bracketed: Callable[[Term], str] = lambda it: f"({_term(it)})" if isinstance(it, Operation) else _term(it)  # noqa: E731
            return f"{bracketed(left)}{operator}{bracketed(right)}"
        case Function(name, arguments) if arguments:
            return str(Function(name, tuple(Function(_term(it)) for it in arguments)))
    return str(term)
