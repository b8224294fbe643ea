"""One step of a proof, and the evidence for one ``not``, written anew from the law and the answer.

A step names its rule, the values of the rule's variables and the atoms that it uses. All else in it follows, is derived
here, and must be what the proof says.
"""

import json
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .evaluator import Answer
from .support import Failure, Instance, Support, match, substitute, text
from .syntax import Aggregate, Case, Comparison, Element, Literal, Pattern, Rule, Variable, names, shared_names
from .terms import Atom, Value, compare, order, parse_facts, show

Binding = Mapping[str, Value]
Written = Mapping[str, Any]


class StepError(ValueError):
    """Something in a step or in evidence that does not follow; says what."""


def same(left: object, right: object) -> bool:
    """Are two pieces of a document the same? 1, 1.0 and true are not."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def value(text: object) -> Value:
    """The ground term with that text. Raises StepError."""
    found = _term(text) if isinstance(text, str) else None
    if found is None:
        raise StepError(f"{text!r} is no term")
    return found


def atom(text: object) -> Atom:
    """The ground atom with that text. Raises StepError."""
    found = _atom(text) if isinstance(text, str) else None
    if found is None:
        raise StepError(f"{text!r} is no atom")
    return found


@lru_cache(maxsize=1 << 14)
def _term(text: str) -> Value | None:
    try:
        [(_, found)] = parse_facts(f"term({text}).")
    except ValueError:
        return None
    return found if show(found) == text else None


@lru_cache(maxsize=1 << 14)
def _atom(text: str) -> Atom | None:
    try:
        [found] = parse_facts(f"{text}.")
    except ValueError:
        return None
    return found if show(found) == text else None


def rewrite(step: Written, rule: Rule, support: Support, before: Container[Atom]) -> dict[str, Any]:
    """The step as it must be, for its rule, its values and the atoms that it uses, which must stand in `before`.

    Raises StepError where it is no instance of the rule, or uses what does not stand before it.
    """
    if not isinstance(step.get("with"), dict):
        raise StepError("it does not say with which values its rule is applied")
    binding = {name: value(found) for name, found in step["with"].items()}
    expected = {name for name in _outer(rule) if not Variable(name).anonymous}
    if binding.keys() != expected:
        raise StepError(f"it gives values to {_list(binding)}, and its rule has the variables {_list(expected)}")
    head = atom(step.get("atom"))
    full = match(zip(rule.head.arguments, head[1:], strict=True), binding) if _alike(rule.head, head) else None
    if full is None:
        raise StepError(f"its rule concludes {text(rule.head)}, which with these values is not {show(head)}")
    instance = support.apply(rule, full)
    if isinstance(instance, Failure):
        failed = instance.failed.element
        raise StepError(
            f"its rule does not apply: {f'{text(failed)} does not hold' if failed else 'another was chosen'}"
        )
    parts: Sequence[Element] = (*rule.body, *(rule.condition or ()))
    used = _used(step, parts, full, before)
    new: dict[str, Any] = {
        "atom": show(head),
        "rule": rule.id,
        "clause": rule.clause,
        "with": step["with"],
        "uses": step.get("uses", []),
        "absent": [denied(it.atom, used) for it in parts if isinstance(it, Literal) and it.negated],
        "compares": [
            [_shown(it.left, used), it.operator, _shown(it.right, used)] for it in parts if isinstance(it, Comparison)
        ],
        "counts": _counts(step, rule, instance, used, before),
    }
    if rule.condition is not None:
        new["candidates"] = _candidates(rule, full, support.answer)
    return {name: part for name, part in new.items() if part or name == "with"}


def _outer(rule: Rule) -> set[str]:
    return names([part.bound if isinstance(part, Aggregate) else part for part in rule.body])


def _alike(pattern: Pattern, found: Atom) -> bool:
    return pattern.signature == (found[0], len(found) - 1)


def _list(found: object) -> str:
    return ", ".join(sorted(found)) if found else "none"  # type: ignore[call-overload]


def _shown(term: Any, binding: Binding) -> str:
    return show(substitute(term, binding))


def denied(pattern: Pattern, binding: Binding) -> str:
    """What a ``not`` denies: the atom, with ``_`` where it says: whatever it is."""
    return show((pattern.name, *wanted(pattern, binding, "_")))


def wanted(pattern: Pattern, binding: Binding, unknown: Any = None) -> tuple[Any, ...]:
    """The arguments of a denied atom; `unknown` for each ``_``. Raises StepError for a ``_`` inside a term."""
    found = []
    for term in pattern.arguments:
        if isinstance(term, Variable) and term.anonymous:
            found.append(unknown)
        elif names([term]) <= binding.keys():
            found.append(substitute(term, binding))
        else:
            raise StepError(f"not {text(pattern)}: a `_` inside a term is not supported in proofs")
    return tuple(found)


def _used(
    step: Written, parts: Sequence[Element | Literal | Comparison], binding: Binding, before: Container[Atom]
) -> Binding:
    """The values of all variables, if the atoms that a step uses are those of its conditions, one by one."""
    literals = [part for part in parts if isinstance(part, Literal) and not part.negated]
    stated = step.get("uses", [])
    if not isinstance(stated, list) or len(stated) != len(literals):
        raise StepError(f"its rule needs {len(literals)} atoms, and it uses {len(stated)}")
    for literal, written in zip(literals, stated, strict=True):
        found = atom(written)
        fits = (
            match(zip(literal.atom.arguments, found[1:], strict=True), binding) if _alike(literal.atom, found) else None
        )
        if fits is None:
            raise StepError(f"it uses {written} for {text(literal)}, which it does not fit")
        if found not in before:
            raise StepError(f"it uses {written}, which does not stand before it")
        binding = fits
    return binding


def _counts(
    step: Written, rule: Rule, instance: Instance, binding: Binding, before: Container[Atom]
) -> list[dict[str, Any]]:
    aggregates = [part for part in rule.body if isinstance(part, Aggregate)]
    stated = step.get("counts", [])
    if not isinstance(stated, list) or len(stated) != len(aggregates):
        raise StepError(f"its rule counts {len(aggregates)} times, and it {len(stated)} times")
    found = []
    for aggregate, written in zip(aggregates, stated, strict=True):
        [check] = [check for check in instance.checks if check.element is aggregate]
        ways = {_terms(way): way for way in written.get("counted", ())}
        result, bound = (*check.values, *check.values)[:2]
        shared = {name: known for name, known in binding.items() if name in shared_names(rule)}
        counted = []
        for terms in sorted(check.counted, key=lambda it: tuple(map(order, it))):
            texts = list(map(show, terms))
            if tuple(texts) not in ways:
                raise StepError(f"it does not count ({', '.join(texts)})")
            counted.append(_way(ways[tuple(texts)], aggregate.cases, terms, shared, before))
        found.append({"compares": [show(result), aggregate.operator, show(bound)], "counted": counted})
    return found


def _terms(way: Written) -> tuple[str, ...]:
    return tuple(map(str, way.get("terms", ())))


def _way(
    way: Written, cases: Sequence[Case], terms: tuple[Value, ...], binding: Binding, before: Container[Atom]
) -> dict[str, Any]:
    """One way to what is counted, as it must be."""
    reason = "it counts what its rule does not"
    for case in cases:
        try:
            used = _used(way, case.condition, binding, before)
            fits = match(zip(case.terms, terms, strict=True), used) if len(terms) == len(case.terms) else None
        except StepError as error:
            reason = str(error)
            continue
        if fits is not None and all(_holds(part, fits) for part in case.condition if isinstance(part, Comparison)):
            absent = [denied(it.atom, fits) for it in case.condition if isinstance(it, Literal) and it.negated]
            return {"terms": list(map(show, terms)), "uses": way.get("uses", []), "absent": absent}
    raise StepError(reason)


def _holds(comparison: Comparison, binding: Binding) -> bool:
    if not names([comparison.left, comparison.right]) <= binding.keys():
        return False
    left, right = substitute(comparison.left, binding), substitute(comparison.right, binding)
    return left is not None and right is not None and compare(left, comparison.operator, right)


def _candidates(rule: Rule, binding: Binding, answer: Answer) -> list[str]:
    for choice in answer.choices:
        if choice.rule is rule and choice.binding.items() <= binding.items():
            return sorted(map(show, choice.candidates))
    raise StepError("there is nothing to choose")


# --- what is denied


def denials(step_rule: Rule, step: Written, support: Support) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each atom that a step denies, with its evidence to be looked for: its text, and the atom with None for ``_``."""
    binding = {name: value(found) for name, found in step["with"].items()}
    full = match(zip(step_rule.head.arguments, atom(step["atom"])[1:], strict=True), binding) or binding
    parts: Sequence[Any] = (*step_rule.body, *(step_rule.condition or ()))
    used = _bind(step, parts, full)
    yield from _denials(parts, used)
    aggregates = [part for part in step_rule.body if isinstance(part, Aggregate)]
    for aggregate, count in zip(aggregates, step.get("counts", ()), strict=True):
        for way in count["counted"]:
            for case in aggregate.cases:
                try:
                    fits = _bind(way, case.condition, used)
                    yield from _denials(case.condition, fits)
                except (StepError, KeyError):
                    continue


def _bind(step: Written, parts: Sequence[Any], binding: Binding) -> Binding:
    return _used(step, parts, binding, _Everything())


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True


def _denials(parts: Sequence[Any], binding: Binding) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for part in parts:
        if isinstance(part, Literal) and part.negated:
            yield denied(part.atom, binding), (part.atom.name, *wanted(part.atom, binding))


def evidence(pattern: Sequence[Any], support: Support) -> list[dict[str, Any]]:
    """Why an atom does not hold: of each clause that could conclude it the first condition that fails.

    Raises StepError where it holds.
    """
    relation = support.answer.of(str(pattern[0]), len(pattern) - 1)
    if any(all(want in {None, has} for want, has in zip(pattern, row, strict=True)) for row in relation):
        raise StepError("it holds")
    by_rule: dict[int, list[Failure]] = defaultdict(list)
    for failure in support.failures(pattern):
        by_rule[id(failure.rule)].append(failure)
    return [_failed(failures) for failures in by_rule.values()]


def _failed(failures: Sequence[Failure]) -> dict[str, Any]:
    rule = failures[0].rule
    furthest = max(len(failure.checks) for failure in failures)
    last = [failure for failure in failures if len(failure.checks) == furthest]
    element = last[0].failed.element
    parts: Sequence[Any] = (*rule.body, *(rule.condition or ()))
    place = next((n for n, part in enumerate(parts, 1) if part is element), 0)
    condition = "chosen" if element is None else text(element) if place else "head"
    tried: dict[str, dict[str, str]] = {}
    for failure in last:
        values = {name: show(found) for name, found in sorted(failure.binding.items())}
        tried.setdefault(json.dumps(list(values.values())), values)
    return {
        "rule": rule.id,
        "clause": rule.clause,
        "fails": place,
        "condition": condition,
        "tried": sorted(tried.values(), key=lambda it: list(it.values())),
    }
