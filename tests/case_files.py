"""Cases as data: reads the files under tests/cases and tells where a determination departs from what a case expects.

A case is an encounter, the readings that are set, and an `expect` in the form of the input format's section 3. Three
folders: `published` (worked examples and what their sources say), `readings` (each option of each open question) and
`law` (both sides of every rule and threshold).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import clingo
from ruamel.yaml import YAML

from ivproof.choices import OPEN, Resolution
from ivproof.coding import Coder
from ivproof.determination import ClaimLine, Determination, Determiner
from ivproof.encounter import Encounter, Source, parse
from ivproof.engine import Answer, Engine
from ivproof.facts import Facts
from ivproof.policy import Policy

FOLDER = Path(__file__).parent / "cases"

Expected = Mapping[str, Any]
Setting = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Case:
    """One worked case: `readings` are set, `rules` are the rules of the policy that it shows, on which `side`."""

    name: str
    file: str
    encounter: Encounter
    readings: Mapping[str, str]
    expect: Expected
    rules: tuple[str, ...] = ()
    side: str = ""

    def setting(self, policy: Policy) -> Setting:
        """Those of the readings that differ from the policy's defaults; cases with one setting share an engine."""
        usual = policy.settings()
        held = policy.settings(self.readings).items()
        return tuple(sorted((key, option or "open") for key, option in held if option != usual[key]))


@dataclass
class Departures:
    """What a determination says otherwise than the case."""

    found: list[str] = field(default_factory=list)

    def compare(self, what: str, found: object, expected: object) -> None:
        """Note a difference."""
        if found != expected:
            self.found.append(f"{what}: found {found!r}, expected {expected!r}")


# --- Files


def documents(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the file name and the data of every case under a folder; a file may hold one, a list, or YAML documents."""
    reader = YAML(typ="safe")
    for path in sorted((FOLDER / folder).rglob("*.yaml")):
        for document in reader.load_all(path.read_text("utf-8")):
            for data in document if isinstance(document, list) else [document]:
                yield f"{folder}/{path.name}", data


def encounter_of(data: object, file: str) -> Encounter:
    """Read the encounter of a case; a case whose chart is refused is no case."""
    chart = parse(data, Source(file))
    if chart.encounter is None:
        raise ValueError("\n".join(map(str, chart.refusals)))
    return chart.encounter


def _texts(data: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (data or {}).items()}


def worked(folder: str) -> list[Case]:
    """Give the cases of `published` or `law`.

    A published case that departs from the policy says so: `source_readings` are the readings under which the source's
    answer follows; where there are none, `difference` gives the reason, and what the policy itself gives is tested.
    """
    cases = []
    for file, data in documents(folder):
        expect: Expected = data["expect"]
        if "difference" in data:
            claim = data["out001_claim"]
            expect = {"status": "ambiguous"} if claim is None else {"claim": claim}
        cases.append(
            Case(
                data["case"],
                file,
                encounter_of(data["encounter"], file),
                _texts(data.get("source_readings", data.get("readings"))),
                expect,
                tuple(data.get("rules", ())),
                data.get("side", ""),
            )
        )
    return cases


def options() -> list[Case]:
    """Give a case for each option of each question, and one with the question left open where none is supported."""
    return [case for file, data in documents("readings") for case in _options(file, data)]


def _options(file: str, data: Mapping[str, Any]) -> Iterator[Case]:
    question, assumed, refs = data["question"], _texts(data.get("assumes")), tuple(data["refs"])
    for letter, option in data["options"].items():
        chart = {**deepcopy(data["encounter"]), **option.get("given", {})}
        expect = {key: option[key] for key in _OF_OPTION if key in option}
        held = {**assumed, question: letter}
        if "by_encounter" in option:
            yield from _two_visits(file, data, letter, option, held)
        else:
            yield Case(f"{question}={letter}", file, encounter_of(chart, file), held, expect, refs)
    if data["supported"] == "unresolved":
        claims = [{"readings": {question: letter}, "claim": it["claim"]} for letter, it in data["options"].items()]
        expect = {"status": "ambiguous", "alternatives": claims}
        yield Case(f"{question} open", file, encounter_of(data["encounter"], file), assumed, expect, refs)


_OF_OPTION = ("claim", "status", "modifiers", "edits", "drug_lines", "diagnoses", "supplies")


def _two_visits(
    file: str, data: Mapping[str, Any], letter: str, option: Mapping[str, Any], held: Mapping[str, str]
) -> Iterator[Case]:
    """Two visits on one date: the second is told of the first by `earlier_visit`."""
    for key in ("encounter", "second_encounter"):
        chart = deepcopy(data[key])
        if key == "second_encounter":
            chart["earlier_visit"] = {"initial_reported": True, "line_left_in": False}
        name = chart["id"]
        expect = {"claim": option["by_encounter"][name]}
        if name in option.get("modifiers", {}):
            expect["modifiers"] = option["modifiers"][name]
        yield Case(f"{name} {data['question']}={letter}", file, encounter_of(chart, file), held, expect)


# --- Answers


def coder(base: Coder, setting: Setting) -> Coder:
    """Give a coder for another setting of the questions, which shares the tables of `base`."""
    other, readings = copy(base), dict(setting)
    other.engine, other.determiner = Engine(base.policy, readings), Determiner(base.policy, readings)
    return other


@cache
def _every(name: str) -> Engine:
    """An engine that holds nothing, so that each chart can have its own options."""
    policy = Policy.load(name)
    return Engine(policy, dict.fromkeys(policy.questions, "open"))


def firsts(base: Coder, visits: Sequence[tuple[Encounter, Mapping[str, str]]]) -> list[Determination]:
    """Determine visits, each under its own readings, all at once; of what is left open, the first option holds."""
    policy = base.policy
    found = []
    for start in range(0, len(visits), 200):
        some = visits[start : start + 200]
        charts = [base.facts(encounter) for encounter, _ in some]
        held = [
            tuple(Resolution(OPEN, key, it) for key, it in policy.settings(readings).items() if it is not None)
            for _, readings in some
        ]
        answers = _every(policy.id)._settled(charts, held)
        for (_, readings), facts, atoms in zip(some, charts, answers, strict=True):
            found.append(Determiner(policy, readings).determine(facts, Answer(atoms), {}))
    return found


def raised(rules: Iterable[str], charts: Sequence[Facts]) -> list[set[str]]:
    """Give the open questions that each chart raises by rules for many charts; nothing need be solved to know them."""
    control = clingo.Control(["--warn=none"])
    shared = dict.fromkeys(fact for facts in charts for fact in facts.shared)
    texts = [*rules, *(f"{fact}." for fact in shared), *(facts.batch_text(f"e{n}") for n, facts in enumerate(charts))]
    control.add("base", [], "\n".join(texts))
    control.ground([("base", [])])
    found: list[set[str]] = [set() for _ in charts]
    for atom in control.symbolic_atoms.by_signature("raised", 2):
        assert atom.is_fact, f"{atom.symbol} is not known before anything is solved"
        key, question = map(str, atom.symbol.arguments)
        found[int(key[1:])].add(question.upper())
    return found


def determine(base: Coder, cases: Sequence[Case]) -> dict[tuple[str, str], Determination]:
    """Give the determination of each case, by file and name; the cases with one setting are answered together."""
    settings: dict[Setting, list[Case]] = {}
    for case in cases:
        settings.setdefault(case.setting(base.policy), []).append(case)
    return {
        (case.file, case.name): found
        for setting, alike in settings.items()
        for case, found in zip(alike, coder(base, setting).code([case.encounter for case in alike]), strict=True)
    }


# --- What a determination says otherwise


def departures(case: Case, found: Determination) -> list[str]:
    """Compare a determination with every key that the case expects; empty where they agree."""
    notes = Departures()
    for key in case.expect:
        if key not in _CHECKS:
            notes.found.append(f"expect has {key!r}, which nothing checks")
    if "claim" in case.expect and not {"status", "alternatives"} & set(case.expect):
        notes.compare("status", found.status, "undetermined" if case.expect["claim"] is None else "determined")
    for key, expected in case.expect.items():
        if key in _CHECKS:
            _CHECKS[key](notes, found, expected, case)
    return notes.found


def units(lines: Sequence[ClaimLine]) -> dict[str, int]:
    """Give the units by code."""
    total: Counter[str] = Counter()
    for line in lines:
        total[line.code] += line.units
    return dict(total)


def _status(notes: Departures, found: Determination, expected: str, _: Case) -> None:
    notes.compare("status", found.status, expected)


def _claim(notes: Departures, found: Determination, expected: Mapping[str, int] | None, case: Case) -> None:
    if expected is None:
        return
    claim = units(found.claim)
    if case.expect.get("partial"):
        claim = {code: number for code, number in claim.items() if code in expected}
    notes.compare("claim", claim, dict(expected))


def _partial(notes: Departures, found: Determination, expected: bool, case: Case) -> None:
    """Decides only how the claim is compared."""


def _raises(notes: Departures, found: Determination, expected: Sequence[str], case: Case) -> None:
    """Not told by a determination: whoever has the chart's facts compares it with `raised`."""


def _absent(notes: Departures, found: Determination, expected: Sequence[str], _: Case) -> None:
    notes.compare("absent", sorted(set(expected) & set(units(found.claim))), [])


def _modifiers(notes: Departures, found: Determination, expected: Mapping[str, Sequence[str]], _: Case) -> None:
    for code, marks in expected.items():
        carried = {mark for line in found.claim if line.code == code for mark in line.modifiers}
        if marks:
            notes.compare(f"modifiers of {code}", sorted(set(marks) & carried), sorted(set(marks)))
        else:
            notes.compare(f"modifiers of {code}", sorted(carried), [])


def _lines(notes: Departures, found: Determination, expected: Sequence[Mapping[str, Any]], _: Case) -> None:
    """Of each code that is named, exactly these lines, each compared by the keys that the case gives."""
    for code in dict.fromkeys(str(line["code"]) for line in expected):
        wanted = [_plain(line) for line in expected if line["code"] == code]
        keys = {key for line in wanted for key in line}
        held = [{key: value for key, value in line.as_dict().items() if key in keys} for line in found.claim]
        lines = [_plain(line) for line, whole in zip(held, found.claim, strict=True) if whole.code == code]
        notes.compare(f"lines of {code}", sorted(lines, key=repr), sorted(wanted, key=repr))


def _plain(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = (int, list, type(None))
    return {key: value if isinstance(value, kept) else str(value) for key, value in sorted(line.items())}


def _diagnoses(notes: Departures, found: Determination, expected: Mapping[str, Any], _: Case) -> None:
    first, *then = found.diagnoses or (None,)
    for key, value in (("first_listed", first), ("then", then)):
        if key in expected:
            notes.compare(f"diagnoses.{key}", value, expected[key])


def _exclusions(what: str) -> Callable[[Departures, Determination, Any, Case], None]:
    def check(notes: Departures, found: Determination, expected: Sequence[Mapping[str, Any]], _: Case) -> None:
        """Exactly these, each compared by the keys that the case gives."""
        listed = [it.as_dict() for it in getattr(found, what)]
        keys = {key for it in expected for key in it} or {"subject", "name"}
        held = sorted([{key: it[key] for key in sorted(keys)} for it in listed], key=repr)
        notes.compare(what, held, sorted([{key: it.get(key) for key in sorted(keys)} for it in expected], key=repr))

    return check


def _edits(notes: Departures, found: Determination, expected: Sequence[str | Mapping[str, Any]], _: Case) -> None:
    shorts = {_short(it) for it in found.edits}
    for edit in expected:
        if isinstance(edit, str):
            notes.compare(f"edit {edit!r} among {sorted(shorts)}", edit in shorts, True)
        else:
            alike = [it for it in found.edits if all(it.get(key) == value for key, value in edit.items())]
            notes.compare(f"edit {dict(edit)}", bool(alike), True)


def _short(edit: Mapping[str, Any]) -> str:
    match edit["edit"]:
        case "add-on":
            return f"add-on {edit['code']}"
        case "pair":
            return f"pair {edit['with']}/{edit['code']} ({edit['indicator']})"
    return f"units {edit['code']} {edit['units']}>{edit['limit']} ({edit['indicator']})"


def _drug_lines(notes: Departures, found: Determination, expected: Any, _: Case) -> None:
    wanted = [{"code": code, **line} for code, line in expected.items()] if isinstance(expected, Mapping) else expected
    keys = {key for line in wanted for key in line} or {"code"}
    held = [{key: value for key, value in line.as_dict().items() if key in keys} for line in found.drug_lines]
    notes.compare("drug_lines", sorted(held, key=repr), sorted(map(_like(held), wanted), key=repr))


def _like(held: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    order = list(held[0]) if held else []
    return lambda line: {key: line[key] for key in [*order, *line] if key in line}


def _missing(notes: Departures, found: Determination, expected: Sequence[str | Mapping[str, Any]], _: Case) -> None:
    """Exactly these facts, by path, and whether they would change the claim where the case says so."""
    held = {it.fact: it.would_change for it in found.missing}
    wanted = {it if isinstance(it, str) else it["fact"]: it for it in expected}
    notes.compare("missing", sorted(held), sorted(wanted))
    for fact, it in wanted.items():
        if isinstance(it, Mapping) and "would_change" in it and fact in held:
            notes.compare(f"would_change of {fact}", held[fact], it["would_change"])


def _alternatives(notes: Departures, found: Determination, expected: Sequence[Mapping[str, Any]], _: Case) -> None:
    """Exactly these claims; the readings and facts that a case gives must be among those that lead to its claim."""
    wanted = {tuple(sorted(it["claim"].items())) for it in expected}
    held = {tuple(sorted(units(it.lines).items())) for it in found.alternatives}
    notes.compare("alternatives", sorted(held), sorted(wanted))
    for it in expected:
        ways = [
            way
            for rival in found.alternatives
            if units(rival.lines) == it["claim"]
            for way in ({**rival.readings, **rival.given, **rival.initial}, *rival.others)
        ]
        led = {**it.get("readings", {}), **it.get("given", {}), **it.get("initial", {})}
        fits = any(all(way.get(key) == value for key, value in led.items()) for way in ways)
        notes.compare(f"what leads to {dict(it['claim'])}, {ways}, has {led}", fits, True)


def _supplies(notes: Departures, found: Determination, expected: str, _: Case) -> None:
    names = {it.name for it in found.excluded}
    name = {"bundled": "supplies-bundled", "undetermined": "supplies-by-guideline"}[expected]
    notes.compare(f"{name} among {sorted(names)}", name in names, True)


_CHECKS: dict[str, Callable[[Departures, Determination, Any, Case], None]] = {
    "status": _status,
    "claim": _claim,
    "partial": _partial,
    "raises": _raises,
    "absent": _absent,
    "modifiers": _modifiers,
    "lines": _lines,
    "diagnoses": _diagnoses,
    "excluded": _exclusions("excluded"),
    "findings": _exclusions("findings"),
    "edits": _edits,
    "drug_lines": _drug_lines,
    "missing": _missing,
    "alternatives": _alternatives,
    "supplies": _supplies,
}
