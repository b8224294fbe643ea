"""One chart under the profiles of two payers: both claims, where they part, and by what.

In: an encounter and two bases of one law. Out: data; words stand in the command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ivproof.chart.encounter import Encounter
from ivproof.claim.coding import Coder
from ivproof.claim.determination import ClaimLine, Determination
from ivproof.claim.profiles import Basis
from ivproof.edits.checker import Edit
from ivproof.law.policy import Question


@dataclass(frozen=True)
class Cause:
    """A question that two payers read otherwise, by which their claims part.

    `options` are the letters and names that each holds, ``open`` where it tries every one; `alone` what the first
    payer's chart would lead to with this alone read as the second does.
    """

    number: str
    name: str
    options: tuple[str, str]
    alone: Determination
    changes: bool


@dataclass(frozen=True)
class Parted:
    """A chart under two payers.

    `causes` lead from the first claim to the second, and none of them can be left out; `idle` are the further questions
    that the payers read otherwise. `by_payer` tells that the law itself names one of the payers, and that is needed.
    """

    encounter: str
    payers: tuple[str, str]
    found: tuple[Determination, Determination]
    causes: tuple[Cause, ...]
    idle: tuple[str, ...]
    by_payer: bool

    @property
    def same(self) -> bool:
        """Whether both claims are the same."""
        return sent(self.found[0]) == sent(self.found[1])

    @property
    def lines(self) -> dict[str, tuple[float, float]]:
        """The units under each payer, by code with its modifiers."""
        first, second = map(_units, self.found)
        return {line: (first.get(line, 0), second.get(line, 0)) for line in {**first, **second}}

    def edits(self) -> tuple[list[Edit], list[Edit], list[Edit]]:
        """The claim edits that both claims meet, those of the first alone, and those of the second alone."""
        first, second = (list(it.edits) for it in self.found)
        return (
            [it for it in first if it in second],
            [it for it in first if it not in second],
            [it for it in second if it not in first],
        )

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        both, *alone = self.edits()
        return {
            "encounter": self.encounter,
            "same": self.same,
            "payers": [
                {"payer": payer, "edits_alone": [it.as_dict() for it in own], "determination": found.as_dict()}
                for payer, found, own in zip(self.payers, self.found, alone, strict=True)
            ],
            "units": {line: list(units) for line, units in self.lines.items()},
            "causes": [
                {
                    "question": it.number,
                    "name": it.name,
                    "options": list(it.options),
                    "alone": {"status": it.alone.status, "units": _units(it.alone), "changes": it.changes},
                }
                for it in self.causes
            ],
            "read_otherwise_too": list(self.idle),
            "by_the_law_on_payers": self.by_payer,
            "edits_of_both": [it.as_dict() for it in both],
        }


def parted(encounter: Encounter, payers: tuple[str, str], bases: tuple[Basis, Basis]) -> Parted:
    """Code a chart under two payers and find by what the claims part.

    What is told of readings was coded: each cause by itself, and that the claim of the second payer does not come
    about where one of them is left out. Raises second.DisagreementError where the engines differ.
    """
    policy = bases[0].policy
    charts = tuple(encounter.model_copy(update={"payer": it}) for it in payers)
    coders = [Coder(*it) for it in bases]
    first, second = (coder.code([chart], "all")[0] for coder, chart in zip(coders, charts, strict=True))
    settings = [coder.engine.settings for coder in coders]
    differing = [key for key in settings[0] if settings[0][key] != settings[1][key]]

    def under(changed: frozenset[str], chart: Encounter) -> Determination:
        """The first payer's settings with some read as the second has them."""
        held = {key: settings[1 if key in changed else 0][key] or "open" for key in settings[0]}
        return coders[0].under(held).code([chart], "all", changes=False)[0]

    needed = differing if sent(first) != sent(second) else []
    chart = charts[1]
    for key in [*needed]:
        rest = [it for it in needed if it != key]
        if sent(under(frozenset(rest), chart)) == sent(second):
            needed = rest
    by_payer = sent(first) != sent(second) and sent(under(frozenset(needed), charts[0])) != sent(second)
    causes = []
    for key in needed:
        alone = under(frozenset({key}), charts[0])
        question = policy.questions[key]
        options = (_option(question, settings[0][key]), _option(question, settings[1][key]))
        causes.append(Cause(question.number, question.name, options, alone, sent(alone) != sent(first)))
    idle = tuple(policy.questions[key].number for key in differing if key not in needed)
    return Parted(encounter.id, payers, (first, second), tuple(causes), idle, by_payer)


def sent(found: Determination) -> object:
    """What of a determination tells one claim from another."""
    return (
        found.status,
        _lines(found.claim),
        found.drug_lines,
        found.diagnoses,
        [_lines(it.lines) for it in found.alternatives],
    )


def _lines(lines: tuple[ClaimLine, ...]) -> list[object]:
    return [(it.code, it.units, it.modifiers, it.site, it.date, it.administrations) for it in lines]


def _units(found: Determination) -> dict[str, float]:
    lines: list[tuple[str, tuple[str, ...], float]] = [(it.code, it.modifiers, it.units) for it in found.claim]
    lines += [(it.code, it.modifiers, it.units) for it in found.drug_lines]
    units: dict[str, float] = {}
    for code, modifiers, number in lines:
        name = "-".join((code, *modifiers))
        units[name] = units.get(name, 0) + number
    return units


def _option(question: Question, option: str | None) -> str:
    return "open" if option is None else f"{question.option(option).letter} {option}"
