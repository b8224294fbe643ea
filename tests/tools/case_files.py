"""Cases as data: the files under tests/cases, read with what only they have, and answered.

A case is an encounter, the readings that are set, and an `expect` in the form of the input format's section 3. Four
folders: `published` (worked examples and what their sources say), `readings` (each option of each open question),
`law` (both sides of every rule and threshold) and `faults` (what was found wrong in answers, as cases of its own test).
Those that are not answered rightly stand in one list, `faults/open.toml`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from ivproof.cases.files import Case, Expected, Setting, read_cases
from ivproof.cases.judging import departures as departures_of
from ivproof.cases.judging import units
from ivproof.cases.running import determine as determined
from ivproof.cases.running import raised
from ivproof.chart.encounter import Encounter
from ivproof.chart.reading import Source, parse
from ivproof.chart.yaml12 import Read, read_documents
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.claim.determiner import Determiner
from ivproof.engine.choices import OPEN, Resolution
from ivproof.engine.engine import Answer, Engine
from ivproof.law.policy import Policy

__all__ = [
    "WHOLE",
    "Case",
    "Setting",
    "departures",
    "determine",
    "documents",
    "firsts",
    "options",
    "raised",
    "some",
    "units",
    "worked",
]

FOLDER = Path(__file__).resolve().parents[1] / "cases"


WHOLE = bool(os.environ.get("IVPROOF_TEST_WHOLE"))
"""Whether tests take every case, of which they take some otherwise."""

T = TypeVar("T")


def some(items: Sequence[T], every: int, first: int = 0) -> list[T]:
    """Give one of so many, from the first on; all of them where the whole is asked for."""
    return list(items if WHOLE else items[first::every])


FAILING = frozenset(
    (file, name)
    for files in tomllib.loads((FOLDER / "faults" / "open.toml").read_text("utf-8")).values()
    for file, names in files.items()
    for name in names
)
"""The file and the name of each case that is not answered as it should be."""


def failing(file: str, name: str) -> Sequence[pytest.MarkDecorator]:
    """The mark of a case that has to fail, as long as it stands in the list; none of another."""
    return [pytest.mark.xfail(reason="in faults/open.toml", strict=True)] if (file, name) in FAILING else []


# --- Files


@cache
def documents(folder: str) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Give the file name and the data of every case under a folder; a file may hold one, a list, or YAML documents.

    Reading them all takes a second, so a process does it once.
    """
    return tuple(
        (f"{folder}/{path.name}", cast(dict[str, Any], read.data))
        for path in sorted((FOLDER / folder).rglob("*.yaml"))
        for read in read_documents(path.read_bytes().splitlines(keepends=True))
        if isinstance(read, Read)
    )


def encounter_of(data: object, file: str) -> Encounter:
    """Read the encounter of a case; a case whose chart is refused is no case."""
    chart = parse(data, Source(file))
    if chart.encounter is None:
        raise ValueError("\n".join(map(str, chart.refusals)))
    return chart.encounter


def _texts(data: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (data or {}).items()}


@cache
def worked(folder: str) -> tuple[Case, ...]:
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
    return tuple(cases)


@cache
def options() -> tuple[Case, ...]:
    """Give a case for each option of each question, and one with the question left open where none is supported."""
    cases = []
    for case in read_cases([FOLDER / "readings"]):
        if not isinstance(case, Case):
            raise ValueError(f"no case: {case}")
        cases.append(replace(case, file=f"readings/{Path(case.file).name}", line=None))
    return tuple(cases)


# --- Answers


def departures(case: Case, found: Determination) -> list[str]:
    """Compare a determination with a case; one of our own names all that is left out or found, where it names any."""
    told = departures_of(case, found)
    for key in ("excluded", "findings") if case.file.startswith("law/") else ():
        if key in case.expect:
            named = {it.get("subject") for it in case.expect[key]}
            others = sorted({it.subject for it in getattr(found, key)} - named) if None not in named else []
            told += [f"{key}: found {it}, which is not expected" for it in others]
    return told


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


def coder(base: Coder, setting: Setting) -> Coder:
    """Give a coder for another setting of the questions, which shares the tables of `base`."""
    return base.under(dict(setting))


def determine(base: Coder, cases: Sequence[Case]) -> dict[tuple[str, str], Determination]:
    """Give the determination of each case, by file and name."""
    return {(case.file, case.name): found for case, _, found in determined(base, cases)}


class Determinations:
    """The determinations of cases, made as they are asked for: a process that tests some cases does not pay for all.

    Up to `TOGETHER` cases of one setting, which mostly stand near each other, are answered together.
    """

    def __init__(self, base: Coder, cases: Sequence[Case]) -> None:
        self._base = base
        settings: dict[Setting, list[Case]] = {}
        for case in cases:
            settings.setdefault(case.setting(base.policy), []).append(case)
        groups = (some[n : n + TOGETHER] for some in settings.values() for n in range(0, len(some), TOGETHER))
        self._group = {(case.file, case.name): group for group in groups for case in group}
        self._found: dict[tuple[str, str], Determination] = {}

    def of(self, case: Case) -> Determination:
        """Give the determination of one of the cases."""
        key = (case.file, case.name)
        if key not in self._found:
            self._found |= determine(self._base, self._group[key])
        return self._found[key]


TOGETHER = 40
