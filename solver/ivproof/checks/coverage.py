"""Coverage: where the law encodes each rule of the text and reads each option of each question, and what tests it.

>>> from ivproof.law.policy import Policy
>>> found = coverage(Policy.load("out001"), None)
>>> len(found.rules), len(found.questions), found.gaps
(103, 115, [])
>>> found.rule("R45").encoded[0].rule
'concurrent-unit-of'
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ivproof.formats.output import Described
from ivproof.law.options import is_question, read_options
from ivproof.law.policy import Policy, PolicyError, law_folder
from ivproof.law.sources import Sources, TextRule
from ivproof.law.syntax import Header, Program, Rule

DERIVED = "derived"
"""How a citation begins that rests on no rule of the text, though it may mention one."""


NATIONAL = "F"
"""The letter of the numbers of national rules."""


@dataclass(frozen=True, slots=True)
class Place(Described):
    """A rule of the law, by its id, and where it stands."""

    rule: str
    file: str
    line: int

    def __str__(self) -> str:
        """The id, the file and the line."""
        return f"{self.rule} ({self.file}:{self.line})"


@dataclass(frozen=True)
class RuleRow:
    """A rule of the text: what of the law cites it, the questions it leaves open, and the cases on each side of it.

    `cases` leads from a side, as the cases call it, to their names; `options` are the readings that have a case.
    `set_aside` are the rules of the law below that encoded it, where an overlay replaces or takes out all of them.
    """

    text: TextRule
    encoded: tuple[Place, ...]
    questions: tuple[str, ...]
    cases: Mapping[str, tuple[str, ...]]
    options: tuple[str, ...]
    set_aside: tuple[str, ...] = ()

    @property
    def gap(self) -> str:
        """What is wrong with the row; "" where the rule is encoded, set aside, or says why it need not be."""
        done = self.encoded or self.text.explains or self.set_aside
        return "" if done else "not encoded, and no reason given"

    def as_dict(self) -> dict[str, Any]:
        """Give the row as plain data."""
        return {
            "rule": self.text.number,
            "section": self.text.section,
            "lines": self.text.lines,
            "says": self.text.says,
            "explains": self.text.explains or None,
            "encoded": [place.as_dict() for place in self.encoded],
            "set_aside": list(self.set_aside),
            "questions": list(self.questions),
            "cases": {side: list(names) for side, names in self.cases.items()},
            "options": list(self.options),
        }


@dataclass(frozen=True)
class OptionRow:
    """An option of a question: the rules that ask for it, or why none can, and the cases that set it."""

    letter: str
    name: str
    says: str
    unexpressed: str
    read_by: tuple[Place, ...]
    cases: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give the row as plain data."""
        return {
            "option": self.letter,
            "name": self.name,
            "says": self.says,
            "unexpressed": self.unexpressed or None,
            "read_by": [place.as_dict() for place in self.read_by],
            "cases": list(self.cases),
        }


@dataclass(frozen=True)
class QuestionRow:
    """A question that the text leaves open, with its options; `default` is the name of the one held, or None."""

    number: str
    name: str
    title: str
    default: str | None
    options: tuple[OptionRow, ...]

    @property
    def gap(self) -> str:
        """What is wrong with the row; "" where rules tell the options apart, or it says why not.

        One option may be what the rules say without being asked.
        """
        silent = [it.name for it in self.options if not it.read_by and not it.unexpressed]
        return f"no rule reads {', '.join(silent)}, and no reason given" if len(silent) > 1 else ""

    def as_dict(self) -> dict[str, Any]:
        """Give the row as plain data."""
        options = [option.as_dict() for option in self.options]
        names = {"question": self.number, "name": self.name, "title": self.title, "default": self.default}
        return {**names, "options": options}


@dataclass(frozen=True)
class Coverage:
    """The rules and questions of a policy with what covers them.

    `cases` is the folder of the cases, or None where there is none (the tests are not part of an installed package);
    `topics` are the published cases by topic. Of an overlay `own` are the numbers that its rules cite: only these are
    asked for cases, for the cases of the policy below are judged by that one.
    """

    policy: str
    rules: tuple[RuleRow, ...]
    questions: tuple[QuestionRow, ...]
    topics: Mapping[str, int]
    cases: Path | None
    own: frozenset[str] | None = None

    @property
    def gaps(self) -> list[str]:
        """What is neither encoded nor explained, one line each."""
        rows = [(row.text.number, row.gap) for row in self.rules] + [(row.number, row.gap) for row in self.questions]
        return [f"{number}: {gap}" for number, gap in rows if gap]

    @property
    def untested(self) -> list[str]:
        """The rules with fewer than two sides tested and the options without a case; nothing without cases."""
        if self.cases is None:
            return []
        rules = [
            f"{row.text.number}: {'only ' + ', '.join(row.cases) if row.cases else 'no case'}"
            for row in self.rules
            if len(row.cases) < 2 and not row.text.explains and (self.own is None or row.text.number in self.own)
        ]
        if self.own is not None:
            return rules
        options = [
            f"{row.number}={option.letter}: no case"
            for row in self.questions
            for option in row.options
            if not option.cases
        ]
        return rules + options

    def rule(self, number: str) -> RuleRow:
        """Give the row of a rule. Raises KeyError where there is none."""
        return self._by_number[number]

    def row(self, number: str) -> RuleRow | QuestionRow:
        """Give the row of a rule (R30) or a question (A9, tie_break). Raises PolicyError where there is none."""
        wanted = number.strip().casefold().replace("-", "_")
        for rule in self.rules:
            if wanted == rule.text.number.casefold():
                return rule
        for question in self.questions:
            if wanted in {question.number.casefold(), question.name}:
                return question
        raise PolicyError(f"found {number!r}, expected the number of a rule like R30 or of a question like A9")

    @cached_property
    def _by_number(self) -> dict[str, RuleRow]:
        return {row.text.number: row for row in self.rules}

    def as_dict(self) -> dict[str, Any]:
        """Give everything as plain data, in the order of the numbers."""
        return {
            "policy": self.policy,
            "rules": [row.as_dict() for row in self.rules],
            "questions": [row.as_dict() for row in self.questions],
            "published_cases_by_topic": dict(self.topics),
            "cases": None if self.cases is None else "read",
            "gaps": self.gaps,
            "untested": self.untested,
        }


def cases_folder(policy: Policy | None = None) -> Path | None:
    """Give the folder of the cases in a checkout, of an overlay its own where it has one.

    None for an installed package, which carries no tests.
    """
    folder = law_folder().parent / "tests" / "cases"
    if policy is not None and policy.below is not None and (folder / policy.id).is_dir():
        folder /= policy.id
    return folder if folder.is_dir() else None


def coverage(policy: Policy, cases: Path | None) -> Coverage:
    """Say what covers each rule and question of a policy.

    `cases` has the folders law, published and readings, each with worked cases in YAML; None leaves them out. Raises
    PolicyError where a case or a list of sources cannot be read.
    """
    tests = _Cases() if cases is None else _read(policy, cases)
    encoded, questions = _encodings(policy.program)
    read = read_options(policy.program)
    sources = Sources.of(policy)
    texts = dict(sources.rules)
    under: Mapping[str, list[Place]] = {}
    own = None
    if policy.below is not None:  # what it changes of the policy below rests on sources of its own
        texts |= {it.number: it.as_text for it in sources.national.values()}
        under, _ = _encodings(policy.below.program)
        own = frozenset(
            number
            for rule in policy.program.rules
            if rule.header is not None and rule.file in policy.own
            for number in rule.header.references
        )
    rows = tuple(
        RuleRow(
            text,
            tuple(encoded.get(number, ())),
            tuple(questions.get(number, ())),
            {side: tuple(names) for side, names in sorted(tests.by_rule.get(number, {}).items())},
            tuple(tests.options_by_rule.get(number, ())),
            () if number in encoded else tuple(place.rule for place in under.get(number, ())),
        )
        for number, text in texts.items()
    )
    asked = tuple(
        QuestionRow(
            it.number,
            it.name,
            it.title,
            it.default,
            tuple(
                OptionRow(
                    option.letter,
                    option.name,
                    option.says,
                    option.unexpressed,
                    _places(read.get((it.key, option.name), ())),
                    tuple(tests.by_option.get((it.key, option.name), ())),
                )
                for option in it.options
            ),
        )
        for it in policy.questions.values()
    )
    return Coverage(policy.id, rows, asked, dict(sorted(tests.topics.items())), cases, own)


def _encodings(program: Program) -> tuple[dict[str, list[Place]], dict[str, list[str]]]:
    """The rules of the law that cite each number, and the questions that do.

    What is derived from national rules encodes those and no rule of the text that it mentions.
    """
    headers: dict[Header, list[Rule]] = {}
    for rule in program.rules:
        if rule.header is not None:
            headers.setdefault(rule.header, []).append(rule)
    places: dict[str, list[Place]] = {}
    questions: dict[str, list[str]] = {}
    for header, rules in headers.items():
        derived = header.citation.startswith(DERIVED)
        for number in dict.fromkeys(header.references):
            if derived and number[0] != NATIONAL:
                continue
            if is_question(rules):
                questions.setdefault(number, []).append(str(rules[0].atom.arguments[0]).upper())
            if not is_question(rules) or number[0] == NATIONAL:  # which settles the question
                places.setdefault(number, []).append(Place(header.id, rules[0].file, rules[0].line))
    return places, questions


def _places(rules: Sequence[Rule]) -> tuple[Place, ...]:
    return tuple(Place(rule.id, rule.file, rule.line) for rule in rules)


# --- cases


class _Cases:
    """The names of the cases, by what they test."""

    def __init__(self) -> None:
        self.by_rule: dict[str, dict[str, list[str]]] = {}
        self.by_option: dict[tuple[str, str], list[str]] = {}
        self.options_by_rule: dict[str, list[str]] = {}
        self.topics: Counter[str] = Counter()


def _read(policy: Policy, folder: Path) -> _Cases:
    tests = _Cases()
    for data in documents(folder / "law"):
        for number in data.get("rules", ()):
            sides = tests.by_rule.setdefault(str(number), {})
            sides.setdefault(str(data.get("side", "")) or "not said", []).append(str(data["case"]))
        _set(policy, tests, data.get("readings"), str(data["case"]))
    for data in documents(folder / "published"):
        tests.topics[str(data.get("topic", "other"))] += 1
        _set(policy, tests, data.get("source_readings", data.get("readings")), str(data["case"]))
    for data in documents(folder / "readings"):
        for letter in data["options"]:
            name = f"{data['question']}={letter}"
            _set(policy, tests, {data["question"]: letter}, name)
            for number in data.get("refs", ()):
                tests.options_by_rule.setdefault(str(number), []).append(name)
    return tests


def _set(policy: Policy, tests: _Cases, readings: Mapping[str, Any] | None, case: str) -> None:
    for number, letter in (readings or {}).items():
        if str(letter) == "open":
            continue
        question = policy.question(str(number))
        tests.by_option.setdefault((question.key, question.option(str(letter)).name), []).append(case)


def documents(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Give the cases under a folder as data, in the order of the files; a file holds one, a list, or several documents.

    Raises PolicyError where a file is no YAML.
    """
    reader = YAML(typ="safe")
    for path in sorted(folder.rglob("*.yaml")):
        try:
            for document in reader.load_all(path.read_text("utf-8")):
                yield from document if isinstance(document, list) else [document]
        except (YAMLError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path}: {error}") from error
