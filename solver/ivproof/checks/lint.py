"""Lint: what the rule language allows and a law that people read, cite and prove with must not have.

``language.load`` refuses what the engines do not understand. This module asks the rest: is every rule named, sourced
and worded; is every predicate defined and read; does time stay in one file; are choices the named ones;
can every question be answered; does every reason lead to a sentence.

>>> from ivproof.law.policy import Policy
>>> lint(Policy.load("out001"))
[]
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from ivproof.checks.effort import excessive
from ivproof.engine.choices import CHOICES
from ivproof.engine.engine import SHOWN
from ivproof.law import clockwork, dependencies
from ivproof.law.endless import endless
from ivproof.law.language import LawError, load
from ivproof.law.lifting import QUESTION_PREDICATES
from ivproof.law.options import asked_options, is_question, read_options
from ivproof.law.policy import Policy, PolicyError, policies
from ivproof.law.safety import unbound
from ivproof.law.sources import Sources
from ivproof.law.syntax import ANONYMOUS, Choice, Header, Program, Rule, all_variables, global_variables
from ivproof.law.terms import Function, Signature, String, Variable, operations, variables

READ_BY_PEOPLE = QUESTION_PREDICATES | {("option", 4)}
"""Facts about the questions: Python reads them from the law, not from an answer."""

REASONS = {
    ("excluded", 3): 2,
    ("modifier", 4): 3,
    ("left_out", 2): 1,
    ("without_code", 2): 1,
    ("not_reported_chain", 2): 1,
    ("missing", 3): 2,
    ("slip", 3): 2,
    ("finding", 2): 1,
    ("undetermined", 1): 0,
}
"""Predicates with a reason, and which argument it is: the sentence of the rule with that id is what people read."""

TIME = "time.lp"
VOCABULARY = "vocabulary.lp"

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NUMBERS = re.compile(r"\b[A-Z]\d+\b")
_CITED = re.compile(r"([B-Z]\d+(?:, [B-Z]\d+)*)(?: \(([^()]+)\))?")
_DERIVED = re.compile(r"derived from CPT \((F\d+(?:, F\d+)*)\): (\S.*)")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_HEADER = re.compile(r"^%\s*\[([^\]\s]+)\]", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something in a law that is not as it should be. `rule` is the id of the rule, "" where there is none."""

    file: str
    line: int
    rule: str
    found: str
    expected: str

    def __str__(self) -> str:
        """One line for a person."""
        rule = f" [{self.rule}]" if self.rule else ""
        return f"{self.file}:{self.line}:{rule} found {self.found}; expected {self.expected}"


def lint(policy: Policy) -> list[Finding]:
    """Give everything in the policy's law that is not as it should be, in the order of files and lines.

    An unreadable law gives the places where it leaves the rule language, and nothing else. Raises PolicyError where a
    list of sources beside the law cannot be read.
    """
    try:
        program = policy.program
    except LawError as error:
        return [Finding(it.file, it.line, "", it.found, it.expected) for it in error.problems]
    law = _Law(policy, program, Sources.of(policy))
    order = {name: n for n, name in enumerate(policy.texts)}
    found = dict.fromkeys(it for check in _CHECKS for it in check(law))
    return sorted(found, key=lambda it: (order.get(it.file, len(order)), it.file, it.line, it.rule, it.found))


def unfit(policy: Policy) -> list[str]:
    """Why a law is not to be used, one line each: what it reads and nothing defines, defaults and options that are
    none, rules without a header, circles, recursions without an end, and more work than can be gone through. Part of
    `lint`, and kept under the digest of the law. Raises LawError.
    """

    def found() -> list[str]:
        law = _Law(policy, policy.program, Sources({}, {}, {}))
        plain = (_without_header, _undefined, _settings, _safe, _stratified, _choices)
        problems = [str(it) for check in plain for it in check(law)]
        return problems or [str(it) for it in _endless(law)] or list(excessive(policy))

    return policy.kept.get("unfit", found, lambda plain: [str(it) for it in plain])


@dataclass(frozen=True)
class _Law:
    """A law and what is asked of it more than once."""

    policy: Policy
    program: Program
    sources: Sources

    @cached_property
    def headers(self) -> dict[Header, list[Rule]]:
        found: dict[Header, list[Rule]] = {}
        for rule in self.program.rules:
            if rule.header is not None:
                found.setdefault(rule.header, []).append(rule)
        return found

    @cached_property
    def options(self) -> dict[str, list[str]]:
        """The names of the options of each question."""
        found: dict[str, list[str]] = {}
        for rule in self.facts("option", 4):
            found.setdefault(str(rule.atom.arguments[0]), []).append(str(rule.atom.arguments[2]))
        return found

    def facts(self, name: str, arity: int) -> list[Rule]:
        return [rule for rule in self.program.rules if rule.is_fact and rule.atom.signature == (name, arity)]


def _at(rule: Rule, found: str, expected: str) -> Finding:
    return Finding(rule.file, rule.line, rule.id, found, expected)


def _about(header: Header, found: str, expected: str) -> Finding:
    return Finding(header.file, header.line, header.id, found, expected)


def _spell(signature: Signature) -> str:
    return f"{signature[0]}/{signature[1]}"


# --- ids, citations, sentences


def _ids(law: _Law) -> Iterator[Finding]:
    first: dict[str, Header] = {}
    for header, rules in law.headers.items():
        if not _ID.fullmatch(header.id):
            yield _about(header, f"id {header.id}", "small letters and digits, joined by hyphens")
        other = first.setdefault(header.id, header)
        if other is not header:
            yield _about(header, f"an id that {other.file}:{other.line} has already", "an id of its own")
        heads = {rule.atom.signature for rule in rules}
        if len(heads) > 1 and not is_question(rules):
            names = ", ".join(sorted(map(_spell, heads)))
            yield _about(header, f"rules for {names} under one header", "a header for each predicate")
    yield from _without_header(law)


def _without_header(law: _Law) -> Iterator[Finding]:
    for rule in law.program.without_header:
        yield _at(rule, "a rule without a header", "% [id] citation, and a sentence below it")


def _headers_without_rule(law: _Law) -> Iterator[Finding]:
    used = {(header.file, header.line) for header in law.headers}
    for file, text in law.policy.texts.items():
        for match in _HEADER.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if (file, line) not in used:
                yield Finding(file, line, match[1], "a header without a rule", "a rule right below it")


def _citations(law: _Law) -> Iterator[Finding]:
    known = law.sources.rules.keys() | law.sources.national.keys()
    for header, rules in law.headers.items():
        for number in _NUMBERS.findall(header.citation):
            if number[0] != "A" and number not in known:
                yield _about(header, f"{number}, which is in no list", "a rule of rules.toml or national.toml")
        cited = _CITED.fullmatch(header.citation)
        if cited is None and not _DERIVED.fullmatch(header.citation):
            expected = "R1, R2 (section), or derived from CPT (F1, F2): a reason"
            yield _about(header, f"citation {header.citation!r}", expected)
        if cited is not None and not is_question(rules):
            yield from _sections(law, header, cited[1].split(", "), cited[2])


def _sections(law: _Law, header: Header, numbers: Sequence[str], given: str | None) -> Iterator[Finding]:
    """The sections that a citation names are those of the rules that it names, no more and no less."""
    rules = [number for number in numbers if law.sources.section(number)]
    named = given.split(", ") if given else []
    for number in rules:
        if not any(law.sources.fits(section, number) for section in named):
            expected = f"its section, {law.sources.section(number)}"
            yield _about(header, f"{number} with ({', '.join(named)})", expected)
    for section in named:
        if not any(law.sources.fits(section, number) for number in rules):
            expected = f"the sections of {', '.join(rules)}" if rules else "a rule of the text that stands there"
            yield _about(header, f"section {section}", expected)


def _sentences(law: _Law) -> Iterator[Finding]:
    for header, rules in law.headers.items():
        if not header.sentence:
            yield _about(header, "no sentence", "a sentence below the citation")
        elif not header.sentence.endswith(".") and not is_question(rules):
            yield _about(header, f"a sentence that ends with {header.sentence[-1]!r}", "a full stop")
        for rule in rules:
            bound = {*variables(rule.atom), *global_variables(rule)}
            if isinstance(rule.head, Choice):
                bound |= all_variables(rule)
            for name in dict.fromkeys(_PLACEHOLDER.findall(header.sentence)):
                if name not in bound:
                    yield _at(rule, f"{{{name}}} in the sentence", "a variable of every clause of the rule")


def _reasons(law: _Law) -> Iterator[Finding]:
    """Each reason has a rule of that name, whose sentence speaks of its subject only: nothing else is filled in."""
    for rule in law.program.rules:
        place = REASONS.get(rule.atom.signature)
        reason = rule.atom.arguments[place] if place is not None else None
        if not isinstance(reason, Function) or reason.arguments:
            continue
        name = reason.name.replace("_", "-")
        named = law.program.by_id.get(name, ())
        if not named or named[0].header is None:
            yield _at(rule, f"reason {reason.name}", f"a rule with the id {name}, whose sentence gives the reason")
            continue
        first = named[0].atom.arguments[:1]
        allowed = {str(it) for it in first if not isinstance(it, Function)}
        for it in dict.fromkeys(_PLACEHOLDER.findall(named[0].header.sentence)):
            if it not in allowed:
                subject = "no variable" if not allowed else f"{{{min(allowed)}}} only"
                yield _at(named[0], f"{{{it}}} in the sentence of reason {reason.name}", subject)


# --- predicates


def _undefined(law: _Law) -> Iterator[Finding]:
    for signature, rules in dependencies.undefined(law.program, law.policy.inputs).items():
        for rule in rules:
            yield _at(rule, f"{_spell(signature)}, which nothing defines", f"a rule or an input of {VOCABULARY}")


def _predicates(law: _Law) -> Iterator[Finding]:
    inputs = law.policy.inputs
    yield from _undefined(law)
    outputs = READ_BY_PEOPLE | set(SHOWN.items()) | {("reading", 2)}
    for signature, rules in dependencies.unused(law.program, outputs).items():
        yield _at(rules[0], f"{_spell(signature)}, which nobody reads", "a rule or a part of the answer that reads it")
    for signature in sorted(dependencies.defined(law.program).keys() & inputs - {("reading", 2)}):
        rule = dependencies.defined(law.program)[signature][0]
        yield _at(rule, f"a rule for the input {_spell(signature)}", "inputs come from the chart only")
    asked = dependencies.used(law.program)
    for signature in sorted(inputs - asked.keys()):
        file, line = _where(law, f"% input {_spell(signature)}:")
        yield Finding(file, line, "", f"input {_spell(signature)}, which no rule reads", "a rule that reads it")


def _editions(law: _Law) -> Iterator[Finding]:
    """The days from which rules of an overlay hold are editions of it."""
    for rule in law.facts("begins_on", 2):
        day = str(rule.atom.arguments[1])
        if law.policy.below is not None and rule.file in law.policy.own and _day(day) not in law.policy.editions:
            yield _at(rule, f"a rule that begins on {_day(day)}", "an edition of that day in policy.toml")


def _day(number: str) -> str:
    return f"{number[:4]}-{number[4:6]}-{number[6:]}"


def _where(law: _Law, text: str) -> tuple[str, int]:
    for name, content in law.policy.texts.items():
        if (at := content.find(text)) >= 0:
            return name, content.count("\n", 0, at) + 1
    return VOCABULARY, 1


def _vocabulary(law: _Law) -> Iterator[Finding]:
    for name, text in law.policy.texts.items():
        if not name.endswith(VOCABULARY):
            continue
        try:
            rules = load({name: text}).rules
        except LawError as error:
            yield from (Finding(it.file, it.line, "", it.found, "comments only") for it in error.problems)
        else:
            yield from (_at(rule, f"rule {rule}", "comments only: rules here are not read") for rule in rules)


def _files(law: _Law) -> Iterator[Finding]:
    base = law.policy.folder.resolve()
    read = {(base.parent / name).resolve() for name in law.policy.written}
    for path in sorted(base.glob("*.lp")):
        if path not in read:
            name = f"{base.name}/{path.name}"
            yield Finding(name, 1, "", "a file that policy.toml does not name", "every file named")


# --- time, negation, choices


def _clock(law: _Law) -> Iterator[Finding]:
    timed = clockwork.seconds(rule for rule in law.program.rules if rule.file.endswith(TIME))
    for rule in law.program.rules:
        if rule.file.endswith(TIME):
            continue
        for term in clockwork.terms(rule):
            for operation in operations(term):
                yield _at(rule, f"arithmetic {operation}", f"arithmetic in {TIME} only")
        named = Counter(name for term in clockwork.terms(rule) for name in variables(term))
        for literal in clockwork.literals(rule):
            given = (literal.atom.arguments[n] for n in timed.get(literal.atom.signature, ()))
            # a variable that stands nowhere else is as good as _
            if any(not isinstance(it, Variable) or named[it.name] > 1 for it in given if str(it) != "_"):
                yield _at(rule, f"{literal.atom}, which gives seconds", f"a comparison that {TIME} makes")


def _stratified(law: _Law) -> Iterator[Finding]:
    cycles = dependencies.unstratified(law.program) + dependencies.circular_choices(law.program)
    for cycle in cycles:
        names = ", ".join(map(_spell, cycle.predicates))
        expected = "negation and aggregates over what is settled before, and choices over what is not chosen"
        for rule in cycle.rules:
            yield _at(rule, f"a circle through {names}", expected)


def _safe(law: _Law) -> Iterator[Finding]:
    for rule in law.program.rules:
        for name in unbound(rule):
            yield _at(rule, f"variable {name}, which nothing binds", "a positive literal or an equation with it")


def _given() -> frozenset[Signature]:
    """The predicates that a chart may have facts of, whatever the vocabulary of a law says."""
    found: set[Signature] = set()
    for name in policies():
        with suppress(PolicyError):  # an overlay that no longer fits is told of where it is used
            found |= Policy.load(name).inputs
    return frozenset(found)


def _endless(law: _Law) -> Iterator[Finding]:
    for rule in endless(law.program, law.policy.inputs | _given()):
        expected = "a recursion that builds nothing, counts up to a limit, or stands beside a counter"
        yield _at(rule, f"{rule.atom} in a recursion that may never end", expected)


def _choices(law: _Law) -> Iterator[Finding]:
    known = {(name, arity - 1) for name, arity in CHOICES.items()}
    for rule in law.program.rules:
        if isinstance(rule.head, Choice) and rule.atom.signature not in known:
            names = ", ".join(_spell(it) for it in sorted(known))
            yield _at(rule, f"a choice of {_spell(rule.atom.signature)}", f"one of the named choices: {names}")


# --- questions


def _questions(law: _Law) -> Iterator[Finding]:
    yield from _settings(law)
    read = read_options(law.program)
    for rule in law.facts("question", 3):
        key = str(rule.atom.arguments[0])
        options = law.options.get(key, [])
        if len(options) < 2:
            yield _at(rule, f"question {key} with {len(options)} options", "two options or more")
        said = {str(it.atom.arguments[1]) for it in law.facts("unexpressed", 3) if str(it.atom.arguments[0]) == key}
        unread = [name for name in options if not read.get((key, name)) and name not in said]
        # one option may be what the rules say without being asked
        if len(unread) > 1:
            expected = "rules that tell the options apart, or unexpressed(question, option, why)"
            yield _at(rule, f"options {', '.join(unread)} of {key}, which no rule reads", expected)
    for rule in law.facts("unexpressed", 3):
        key, name = map(str, rule.atom.arguments[:2])
        if read.get((key, name)):
            yield _at(rule, f"unexpressed {name} of {key}, which a rule reads", "an option that no rule can tell")


def _settings(law: _Law) -> Iterator[Finding]:
    """Each question has one default or is unresolved, and what is held or asked of a question is an option of it."""
    for rule in law.facts("question", 3):
        key = str(rule.atom.arguments[0])
        given = law.facts("default", 2) + law.facts("unresolved", 1)
        settled = [it for it in given if str(it.atom.arguments[0]) == key]
        if len(settled) != 1:
            yield _at(rule, f"question {key} with {len(settled)} defaults", "one default, or unresolved")
    for rule in law.facts("default", 2) + law.facts("unexpressed", 3):
        key, name = map(str, rule.atom.arguments[:2])
        if name not in law.options.get(key, ()):
            yield _at(rule, f"{rule.atom.name} {name} of {key}", "the name of an option of that question")
    for rule, key, name in asked_options(law.program):
        if key not in law.options:
            yield _at(rule, f"reading({key}, {name})", "a question of the policy")
        elif name not in law.options[key]:
            yield _at(rule, f"reading({key}, {name})", f"an option of {key}: {', '.join(law.options[key])}")


# --- codes


def _codes(law: _Law) -> Iterator[Finding]:
    """A code stands in one place, so that it can be changed in one place.

    The same digits may be a place of service and a modifier: a code is one together with what it is a code of, which is
    told by the variables through which arguments pass their values on.
    """
    kinds: nx.Graph[object] = nx.Graph()
    places: dict[tuple[Signature, int, str], list[Rule]] = {}
    for rule in law.program.rules:
        if rule.atom.signature in READ_BY_PEOPLE:
            continue
        for atom in (rule.atom, *(literal.atom for literal in clockwork.literals(rule))):
            for n, argument in enumerate(atom.arguments):
                kinds.add_node((atom.signature, n))
                if isinstance(argument, Variable) and argument.name != ANONYMOUS:
                    kinds.add_edge((atom.signature, n), (rule, argument.name))
                elif isinstance(argument, String):
                    places.setdefault((atom.signature, n, argument.value), []).append(rule)
    kind = {node: n for n, nodes in enumerate(nx.connected_components(kinds)) for node in nodes}
    found: dict[tuple[int, str], dict[Header | None, Rule]] = {}
    for (signature, n, text), rules in places.items():
        for rule in rules:
            found.setdefault((kind[signature, n], text), {}).setdefault(rule.header, rule)
    for (_, text), by_header in found.items():
        first, *others = by_header.values()
        for rule in others:
            yield _at(rule, f'"{text}", which {first.place} has too', "a code in one place, and its name elsewhere")


_CHECKS: tuple[Callable[[_Law], Iterator[Finding]], ...] = (
    _ids,
    _headers_without_rule,
    _citations,
    _sentences,
    _reasons,
    _predicates,
    _vocabulary,
    _files,
    _editions,
    _clock,
    _safe,
    _stratified,
    _endless,
    _choices,
    _questions,
    _codes,
)
