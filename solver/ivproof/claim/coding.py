"""Coding: from encounters to determinations, with everything that stands in them.

>>> from ivproof.chart.reading import Source, parse
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "iv",
...                          "start": "09:00", "stop": "09:40"}]}, Source("visit.json"))
>>> [determination] = Coder(Policy.load("out001")).code([chart.encounter])
>>> determination.status, [(line.code, line.units) for line in determination.claim]
('determined', [('96365', 1)])
"""

from __future__ import annotations

import gc
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeVar

from ivproof.chart import bounds
from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import Facts, facts_of
from ivproof.claim.determination import UNDECIDED, Determination
from ivproof.claim.determiner import Determiner, Otherwise
from ivproof.drugs.listing import DrugList
from ivproof.edits.checker import Edit, EditChecker, EditLine, setting_of
from ivproof.edits.tables import EditFiles, EditTables
from ivproof.engine.choices import CLAIM, DIAGNOSES, DRUG_LINES, Atoms
from ivproof.engine.engine import Answer, Engine, edit_solver
from ivproof.engine.nearby import ONE, Departed, NearExplorer
from ivproof.engine.second import SecondEngine, claims_of, same
from ivproof.law.policy import Policy, law_folder
from ivproof.recheck.budget import LimitError
from ivproof.unknowns.gaps import Hanging, probes

if TYPE_CHECKING:
    from ivproof.unknowns.claims import Minutes

BESIDE = {"drug_lines": DRUG_LINES, "diagnoses": DIAGNOSES}
"""What a reading may decide on a claim beside the services; each with its predicates."""

Recheck = Literal["all", "sample", "none"]
"""Which answers the second engine derives again."""

TOGETHER = 200
"""So many charts are given to the engine together."""

SAMPLE = 50
"""One chart in this many is in the sample of a batch."""


def is_rechecked(encounter: str, recheck: Recheck) -> bool:
    """Whether the answer to the encounter with that id is derived again: each, one of a sample, or none."""
    return recheck == "all" or (recheck == "sample" and zlib.crc32(encounter.encode()) % SAMPLE == 0)


class Coder:
    """Codes encounters by one policy and one setting of its questions; made once and used for many."""

    def __init__(
        self,
        policy: Policy,
        readings: Mapping[str, str] | None = None,
        edit_files: EditFiles | None = None,
        *,
        assumptions: bool = False,
    ) -> None:
        """Load everything; raises EditFileError where a user's file of claim edits cannot be read.

        With `assumptions` every determination has the readings held by default that its claim depends on.
        """
        self.policy = policy
        self.readings = readings
        self.edit_files = edit_files
        self.drugs = DrugList.load(policy.drugs_folder)
        self.engine = Engine(policy, readings)
        self.explorer = self._explorer() if assumptions else None
        self.determiner = Determiner(policy, readings)
        tables = policy.kept.held("edits", lambda: EditTables.load(law_folder() / "edits"))
        if edit_files is not None:
            tables = edit_files.into(tables)
        self.second = SecondEngine(policy, readings)
        self.edits = EditChecker(tables, edit_solver(tables.program))

    def __reduce__(self) -> tuple[Callable[..., Coder], tuple[object, ...]]:
        """Be sent to another process as what it is made of; there it is made again, and reads its files again."""
        return _made, (self.policy, self.readings, self.edit_files, self.explorer is not None)

    def _explorer(self) -> NearExplorer:
        outcome = {**CLAIM, **DRUG_LINES, **DIAGNOSES}
        direct = self.engine.direct
        return NearExplorer(self.policy, self.readings, outcome, most=ONE, fixed=False, direct=direct)

    def _alike(self) -> Coder:
        """The same coder with all that it has loaded; to copy one is to make it again, as in another process."""
        other = object.__new__(Coder)
        other.__dict__.update(self.__dict__)
        return other

    def under(self, readings: Mapping[str, str]) -> Coder:
        """Give a coder for another setting of the questions, which shares the drug list and the claim edits."""
        other = self._alike()
        other.__dict__.pop("minutes", None)
        other.readings = readings
        other.engine, other.second = Engine(self.policy, readings), SecondEngine(self.policy, readings)
        other.determiner = Determiner(self.policy, readings)
        other.explorer = other._explorer() if self.explorer is not None else None
        return other

    def assuming(self, assumptions: bool = True) -> Coder:
        """Give a coder of the same setting that tells the readings held by default, or does not, as on making one."""
        if assumptions is (self.explorer is not None):
            return self
        other = self._alike()
        other.explorer = other._explorer() if assumptions else None
        return other

    @cached_property
    def minutes(self) -> Minutes:
        """The law made ready for questions about times."""
        from ivproof.unknowns.claims import Minutes  # noqa: PLC0415  (few charts need it)

        return Minutes(self.policy, self.drugs, self.engine, self.second)

    def facts(self, encounter: Encounter) -> Facts:
        """Give the facts of an encounter, as this policy asks for them."""
        return facts_of(encounter, self.drugs, self.policy.payers)

    def code(
        self, encounters: Sequence[Encounter], recheck: Recheck = "none", *, changes: bool = True
    ) -> list[Determination]:
        """Determine each encounter, in the order given.

        Without `changes` it is not looked for whether a missing fact changes the claim, which takes the most work.
        `recheck` says which answers clingo and the second engine derive again: all, a sample that depends on nothing
        but the encounters' ids, or none. Raises second.DisagreementError where they differ, and where the charts take
        more work than is allowed (see `chart.bounds`) LimitError or TooManyWaysError. Of one chart by itself what
        facts and readings would change is left out rather, and that is said.
        """
        charts = [self.facts(encounter) for encounter in encounters]
        with _uncollected():
            try:
                return self._with_edits(encounters, self._determined(charts, recheck, changes=changes))
            finally:
                self.engine.direct.forget()

    def _determined(self, charts: Sequence[Facts], recheck: Recheck, *, changes: bool) -> list[Determination]:
        answers = self.engine.answer(charts)
        self._judge(
            [
                (facts, answer)
                for facts, answer in zip(charts, answers, strict=True)
                if is_rechecked(facts.encounter.id, recheck)
            ]
        )
        hanging: Sequence[Mapping[tuple[str, str], Hanging]] | None
        otherwise: Sequence[tuple[Otherwise | None, Mapping[str, Otherwise]]] | None
        alone = len(charts) == 1
        hanging = _within(lambda: self._hanging(charts, answers), alone=alone) if changes else [{} for _ in charts]
        if hanging is None:
            hanging = [_not_tried(it) for it in answers]
        otherwise = _within(lambda: self._otherwise(charts, answers), alone=alone)
        if otherwise is None:
            otherwise = [(None, {}) for _ in charts]
        return [
            self.determiner.determine(facts, answer, its, *other)
            for facts, answer, its, other in zip(charts, answers, hanging, otherwise, strict=True)
        ]

    def _judge(self, answered: Sequence[tuple[Facts, Answer]]) -> None:
        """Derive answers again, each by clingo and by the second engine. Raises second.DisagreementError."""
        others = [(facts, answer) for facts, answer in answered if not answer.by_clingo]
        for (facts, answer), judged in zip(others, self.engine.judge.answer([it for it, _ in others]), strict=True):
            same(facts, claims_of(answer), claims_of(judged))
        for facts, answer in answered:
            self.second.check(facts, answer)

    def undecided(self, encounter: Encounter, why: str) -> Determination:
        """Give the determination of an encounter that takes more work than is allowed: none, and why."""
        return Determination(encounter.id, self.policy.about, UNDECIDED, notes=(why,))

    def outline(self, facts: Facts, answer: Answer) -> Determination:
        """Determine one chart by its answer, with the readings that decide; without edits and changes of facts."""
        [otherwise] = _within(lambda: self._otherwise([facts], [answer]), alone=True) or [(None, {})]
        return self.determiner.determine(facts, answer, {}, *otherwise)

    def _otherwise(
        self, charts: Sequence[Facts], answers: Sequence[Answer]
    ) -> list[tuple[Otherwise | None, Mapping[str, Otherwise]]]:
        """Tell what other options of settled questions lead to, where that is not what the chart leads to as held.

        It is told of the claim for the services, and of what stands beside it. The first is None where the chart leads
        to so much that it was not gone through.
        """
        if self.explorer is None:
            return [({}, {}) for _ in charts]
        settings = self.determiner.settings

        def settled(departed: Departed) -> Otherwise:
            return {it: reached for it, reached in departed.changed.items() if settings[it[0]] is not None}

        found: list[tuple[Otherwise | None, Mapping[str, Otherwise]]] = []
        departed = self.explorer.depart_in(charts, [CLAIM, *BESIDE.values()])
        for facts, answer, (claim, *beside) in zip(charts, answers, departed, strict=True):
            if not claim.complete:
                found.append((None, {}))
                continue
            # found by another search, so that every claim is derived twice
            same(facts, claims_of(answer), frozenset(claim.base.ways))
            found.append((settled(claim), {what: settled(it) for what, it in zip(BESIDE, beside, strict=True)}))
        return found

    def _hanging(self, charts: Sequence[Facts], answers: Sequence[Answer]) -> list[dict[tuple[str, str], Hanging]]:
        """Tell of each missing fact whether some value of it, by itself, leads to another claim.

        Every value is gone through; where that is too much, those that lie at a threshold of the law are tried.
        """
        found = [self._at_every_value(*it) for it in zip(charts, answers, strict=True)]
        supposed = [
            (n, key, probes(self.policy, facts, *key))
            for n, (facts, answer) in enumerate(zip(charts, answers, strict=True))
            for key, told in found[n].items()
            # where there are several claims, another first one does not tell that they are others
            if told.changes is None and not answer.alternatives
        ]
        # the value that most often tells comes first, and the others are tried only where it did not
        for most in (1, None):
            waiting = (
                (n, key, self.facts(encounter))
                for n, key, encounters in supposed
                if found[n][key].changes is None
                for encounter in islice(encounters, most)
            )
            while some := list(islice(waiting, TOGETHER)):
                claims = self.engine.plain([facts for _, _, facts in some])
                for (n, key, _), claim in zip(some, claims, strict=True):
                    if _said(claim) != _said(answers[n].atoms):
                        found[n][key] = Hanging(changes=True)
        return found

    def _at_every_value(self, facts: Facts, answer: Answer) -> dict[tuple[str, str], Hanging]:
        missing = {(str(it[0]), str(it[1])) for it in answer.atoms.get("missing", ())}
        if not missing:
            return {}
        from ivproof.unknowns.changes import hanging  # noqa: PLC0415  (few charts need it)

        known = {it for it in missing if _varies(answer, it, facts) or self._soon_tells(facts, answer, it)}
        return hanging(self.minutes, facts, answer, known)

    def _soon_tells(self, facts: Facts, answer: Answer, missing: tuple[str, str]) -> bool:
        """Whether one of the first values that are tried of a missing fact leads to another claim."""
        if answer.alternatives or not self.engine.direct.ready:
            return False
        others = (self.facts(it) for it in probes(self.policy, facts, *missing))
        return self.engine.direct.tells(facts, others, SAID)

    def _with_edits(self, encounters: Sequence[Encounter], found: Sequence[Determination]) -> list[Determination]:
        """Add what claim edits say; where several claims can follow, what they say to every one of them.

        What holds in every claim is no claim itself: an add-on code in it may have another primary in each.
        """
        rivals = [[rival.lines for rival in it.alternatives] or [it.claim] for it in found]
        checked = iter(
            self.edits.check_many(
                (
                    [EditLine(it.code, it.units, it.modifiers, date.fromisoformat(it.date)) for it in lines],
                    setting_of(encounter.claim_type),
                    encounter.date,
                )
                for encounter, claims in zip(encounters, rivals, strict=True)
                for lines in claims
            )
        )
        told = []
        for it, claims in zip(found, rivals, strict=True):
            edits = _met_by_all([next(checked) for _ in claims])
            told.append(replace(it, edits=edits) if edits else it)
        return told


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage: what follows from each chart is kept as long as the charts are, and going through all of it
    again and again takes as long as to derive it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _made(policy: Policy, readings: Mapping[str, str] | None, edit_files: EditFiles | None, assumptions: bool) -> Coder:
    return Coder(policy, readings, edit_files, assumptions=assumptions)


def _met_by_all(claims: Sequence[tuple[Edit, ...]]) -> tuple[Edit, ...]:
    """The edits that every one of several claims meets, in the order of the first; of units those of the fewest."""
    if len(claims) == 1:
        return claims[0]

    def key(edit: Edit) -> tuple[str, str, str | None, str]:
        return edit.kind, edit.code, edit.other, edit.severity

    by_claim = [{key(edit): edit for edit in edits} for edits in claims]
    shared = (key(edit) for edit in claims[0] if all(key(edit) in edits for edits in by_claim))
    return tuple(
        min((edits[it] for edits in by_claim), key=lambda edit: edit.units or 0) for it in dict.fromkeys(shared)
    )


T = TypeVar("T")


def _within(work: Callable[[], T], *, alone: bool) -> T | None:
    """Do what an answer can do without, within a share of the work that is left.

    Where that is not enough it is left out of an answer that is given `alone`; others are then answered one by one.
    """
    try:
        with bounds.a_share():
            return work()
    except LimitError:
        if alone:
            return None
        raise


def _not_tried(answer: Answer) -> Mapping[tuple[str, str], Hanging]:
    """What is told of the missing facts of a chart that is too large to try their values."""
    return {(str(it[0]), str(it[1])): Hanging(None, TOO_LARGE) for it in answer.atoms.get("missing", ())}


TOO_LARGE = "none: the chart is too large"


SAID = {**{name: n for name, n in CLAIM.items() if name != "undetermined"}, **DRUG_LINES}
"""Predicates (with their arities) that a missing fact may change."""


def _said(atoms: Atoms) -> object:
    return [atoms.get(name, ()) for name in SAID]


_SUPPOSITION = {
    "class": "supposed_class",
    "primary_reason": "supposed_reason",
    "lesions": "supposed_lesions",
    "site": "supposed_sites",
}


def _varies(answer: Answer, key: tuple[str, str], facts: Facts) -> bool:
    """Whether the claims of an answer differ by what is supposed of the missing fact."""
    subject, field = key
    predicate = _SUPPOSITION.get(field)
    drug = next(
        (
            it.arguments.partition(",")[2]
            for it in facts.own
            if it.predicate == "drug" and it.arguments.startswith(f"{subject},")
        ),
        "",
    )
    return any(
        resolution.predicate == predicate and resolution.subject in {"", drug}
        for alternative in answer.alternatives
        for way in (alternative.resolutions, *alternative.others)
        for resolution in way
    )
