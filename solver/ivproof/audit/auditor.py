"""Audits billed claims: codes the chart, compares line by line, and looks for what would make the claim right.

>>> from ivproof.chart.reading import Source, parse
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "iv", "start": "09:00",
...                          "stop": "09:40"}], "billed": [{"code": "96365", "units": 2}]}, Source("visit.json"))
>>> [audit] = Auditor(Policy.load("out001")).audit([chart.encounter])
>>> audit.verdict.value, [(line.kind.value, line.over) for line in audit.lines]
('overcoded', [('units_too_many', 1)])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from ivproof.audit.claim_edits import BilledEdits, Matched
from ivproof.audit.kinship import Kinship
from ivproof.audit.matching import Piece, bill, cost_of, match, support, support_drugs
from ivproof.audit.model import Audit, Billed, Kind, LineVerdict, Supported, Way
from ivproof.audit.overall import VerdictWords, overall, units_by_code
from ivproof.audit.search import (
    Candidates,
    DrugKey,
    WaySearch,
    by_code,
    drug_key,
    key_of,
    key_of_lines,
)
from ivproof.audit.verdicts import VISIT_KIND, Compared, Judge, about, times, unjudged
from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.claim.coding import Coder, Recheck
from ivproof.claim.determination import ClaimLine, Determination, Exclusion, Reading
from ivproof.claim.statements import Absent
from ivproof.edits.tables import EditFiles
from ivproof.engine.choices import ClaimKey
from ivproof.engine.nearby import FAR, TWO
from ivproof.law.policy import Policy

Look = Literal["all", "two", "one", "none"]
"""How much is gone through: any number of questions read otherwise at once, up to two, one by itself, or nothing."""

FURTHER: Mapping[Look, tuple[int, ...]] = {"one": (), "two": (TWO,), "all": (TWO, FAR)}
"""What is gone through one after the other, where one question read otherwise does not make a claim right."""

ONCE = "concurrent_infusion"
"""The role that is reported once, however many services have it."""

_SAID = 1
"""What it costs to match units to a service that the determination itself keeps from that code; the least of all."""


@dataclass(frozen=True)
class _Base:
    """One of the claims that a chart leads to, to compare with: the only one, or one of several and the way to it."""

    claim: tuple[ClaimLine, ...]
    excluded: tuple[Exclusion, ...]
    way: Way


@dataclass(frozen=True)
class Draft:
    """A billed claim compared with what the chart leads to, before anything is looked for that would make it right."""

    matched: Matched
    determination: Determination
    way: Way
    lines: tuple[LineVerdict, ...]
    drugs: tuple[tuple[str, tuple[str, ...], int], ...]
    notes: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is worth looking for what would make the claim right; not where a claim of the chart is billed."""
        return any(line.disputed and line.way is None for line in self.lines)

    @property
    def disputes_drugs(self) -> bool:
        """Whether a line of a drug is disputed, so that these have to be looked at, too."""
        return any(line.drug and line.disputed for line in self.lines)


class Auditor:
    """Audits claims by one policy and one setting of its questions; made once and used for many.

    `coder` tells what follows; by default one is made. `search` says how much is gone through to find what would make
    a wrong claim right.
    """

    def __init__(
        self,
        policy: Policy,
        readings: Mapping[str, str] | None = None,
        *,
        edit_files: EditFiles | None = None,
        coder: Coder | None = None,
        search: Look = "all",
    ) -> None:
        self.policy = policy
        self.coder = coder or Coder(policy, readings, edit_files)
        self.search = search
        self._readings = readings
        self._kinship = Kinship(policy, self.coder.edits.tables, self.coder.drugs)
        self._judge = Judge(policy, self._kinship)
        self._words = VerdictWords(policy, self.coder.engine.settings)
        self._edits = BilledEdits(self.coder.edits)

    def code(self, encounters: Sequence[Encounter], recheck: Recheck = "none") -> list[Audit]:
        """Audit each encounter by its billed lines, in the order given. Raises as a coder does."""
        found = self.coder.code(encounters, recheck)
        return self.judge([(*it, it[0].billed) for it in zip(encounters, found, strict=True)])

    def audit(self, encounters: Sequence[Encounter]) -> list[Audit]:
        """Audit each encounter by its billed lines, in the order given."""
        return self.code(encounters)

    def judge(
        self,
        claims: Sequence[tuple[Encounter, Determination, Sequence[BilledLine]]],
        candidates: Sequence[Candidates] | None = None,
    ) -> list[Audit]:
        """Audit billed lines against determinations that are at hand, in the order given.

        `candidates` are what the charts can lead to, where that is at hand too.
        """
        drafts = [self._draft(*it) for it in claims]
        ways: list[Candidates | None] = [*candidates] if candidates is not None else [None] * len(drafts)
        if candidates is None and self.search != "none":
            for drugs in (False, True):
                waiting = [n for n, it in enumerate(drafts) if it.is_open and it.disputes_drugs is drugs]
                for n, it in zip(waiting, self._look([drafts[n] for n in waiting], drugs), strict=True):
                    ways[n] = it
        settled = [self._settle(draft, it if draft.is_open else None) for draft, it in zip(drafts, ways, strict=True)]
        if self.search != "none":
            settled = self._with_questions(settled, drafts)
        return self._edits.add(settled, [draft.matched for draft in drafts])

    def _with_questions(self, audits: Sequence[Audit], drafts: Sequence[Draft]) -> list[Audit]:
        """Name at each disputed line the questions that decide over its codes, as coding the chart names them."""
        wrong = [n for n, it in enumerate(audits) if it.disputed]
        if self.coder.explorer is not None:
            readings = {n: drafts[n].determination.readings for n in wrong}
        else:
            found = self._assuming.code([drafts[n].matched.encounter for n in wrong], changes=False)
            readings = {n: it.readings for n, it in zip(wrong, found, strict=True)}
        return [
            replace(it, lines=tuple(self._hanging(line, readings[n], it.determination) for line in it.lines))
            if n in readings
            else it
            for n, it in enumerate(audits)
        ]

    def _hanging(self, line: LineVerdict, readings: Sequence[Reading], found: Determination) -> LineVerdict:
        """A disputed line with the questions that change it: the units of its codes, or the line for a drug."""
        codes = {part.code for part in (line.billed, line.supported) if part is not None}
        if not line.disputed or line.kind is Kind.NOT_JUDGED:
            return line
        if line.drug:
            held_lines = sorted(it.text for it in found.drug_lines if it.code in codes)
            names = [
                reading.question
                for reading in readings
                for led in reading.otherwise_beside.values()
                if any(_lines_of(codes, lines) != held_lines for lines in led.get("drug_lines", ()))
            ]
        else:
            held = Counter[str]()
            for it in found.claim:
                held[it.code] += it.units
            names = [
                reading.question
                for reading in readings
                if reading.otherwise_status
                or any(given.get(code, 0) != held[code] for given in reading.otherwise.values() for code in codes)
            ]
            ways = [way for rival in found.alternatives for way in (rival.readings, *rival.others)]
            if line.way is not None and line.supported is not None and line.way.readings:
                ways = [line.way.readings]  # what leads to the line is known, and the rest to other lines
            names += [it.question for it in readings if any(it.question in way for way in ways)]
        return replace(line, hangs_on=tuple(dict.fromkeys(names)))

    @cached_property
    def _assuming(self) -> Coder:
        return self.coder.assuming()

    def candidates(self, charts: Sequence[tuple[Encounter, Determination]], *, drugs: bool = False) -> list[Candidates]:
        """Give what charts can lead to with one question read otherwise, or a fact that they do not give.

        A claim that does not follow as it is can be held against it. With `drugs`, lines of drugs are part of it.
        """
        if not charts:
            return []
        search = self._drug_search if drugs else self._search
        return search.one([it for it, _ in charts], [it for _, it in charts])

    def _look(self, drafts: Sequence[Draft], drugs: bool) -> list[Candidates]:
        """Give what the charts of claims can lead to; further away only where that makes no claim right."""
        found = self.candidates([(it.matched.encounter, it.determination) for it in drafts], drugs=drugs)
        for most in FURTHER[self.search]:
            wrong = [
                n
                for n, (draft, it) in enumerate(zip(drafts, found, strict=True))
                if not it.complete and self._whole(draft, it) is None
            ]
            search = self._drug_search if drugs else self._search
            charts = [drafts[n].matched.encounter for n in wrong]
            determined = [drafts[n].determination for n in wrong]
            more = search.further(charts, determined, [found[n] for n in wrong], most)
            for n, it in zip(wrong, more, strict=True):
                found[n] = it
        return found

    @cached_property
    def _search(self) -> WaySearch:
        return WaySearch(self.coder, self._readings)

    @cached_property
    def _drug_search(self) -> WaySearch:
        return WaySearch(self.coder, self._readings, drugs=True)

    # --- comparing

    def _draft(self, encounter: Encounter, found: Determination, lines: Sequence[BilledLine]) -> Draft:
        """Compare a billed claim with the nearest of the claims that its chart leads to."""
        numbered = list(enumerate(lines))
        left_out = (found.excluded, *(it.excluded for it in found.alternatives))
        kept = {code for some in left_out for it in some for code in it.kept_from}
        kept |= {it.subject for it in found.bundled}
        drugs = [it for it in numbered if self._kinship.is_drug(it[1].code)]
        judged = [it for it in numbered if it not in drugs and self._is_judged(it[1].code, kept)]
        others = [it for it in numbered if it not in drugs and it not in judged]
        billed = bill(judged, self._kinship)
        bases = [_Base(it.lines, it.excluded, Way(it.readings, it.given, it.initial)) for it in found.alternatives]
        best: tuple[float, _Base, list[Supported], list[Piece]] | None = None
        for base in bases or [_Base(found.claim, found.excluded, Way())]:
            supported = support(base.claim)
            meant = _meant_otherwise(supported, base.excluded)
            pieces = match(billed, supported, self._cost(base.excluded), self._kinship, meant)
            cost = cost_of(pieces)
            if best is None or cost < best[0]:
                best = cost, base, supported, pieces
        assert best is not None
        _, base, supported, pieces = best
        services = {f"services[{n}] ({it.kind})": it.code or "" for n, it in enumerate(encounter.services)}
        visit = any(it.kind == VISIT_KIND for it in encounter.services)
        case = Compared(billed, supported, pieces, found, base.excluded, services, has_visit=visit)
        judgements = self._judge.lines(case)
        if found.alternatives:
            judgements = [self._held_open(it, found, base.way, encounter, base.claim) for it in judgements]
        judgements += self._drug_lines(encounter, found, base.excluded, drugs)
        judgements += [self._outside(place, line) for place, line in others]
        marks = sorted({it for _, line in (*judged, *drugs) for it in line.modifiers if not self._kinship.says(it)})
        notes = [f"Modifier {mark} is none that the policy speaks of, and was not judged." for mark in marks]
        if found.drug_lines and not drugs:
            notes.append("No drug is on the billed claim; the lines of drugs were not judged.")
        lines_ = tuple(sorted(judgements, key=_place))
        matched = Matched(encounter, tuple(lines), base.claim, billed, supported, pieces)
        held = tuple(
            (it.billed.code, self._kinship.known(it.billed.modifiers), it.billed.units)
            for it in lines_
            if it.drug and it.billed and it.kind is not Kind.NOT_JUDGED
        )
        return Draft(matched, found, base.way, lines_, held, tuple(notes))

    def _is_judged(self, code: str, kept: Collection[str]) -> bool:
        """Whether anything can be said of a code: by the policy, by claim edits, or as one that is included."""
        return self._kinship.is_judged(code) or code in kept

    def _cost(self, excluded: Sequence[Exclusion]) -> Any:
        left_out = {(it.subject, it.code) for it in excluded}

        def cost(one: Billed, other: Supported) -> int | None:
            near = self._kinship.distance(one.code, other.code)
            if near is None:
                return None
            said = any((name, one.code) in left_out for name in other.administrations)
            return _SAID if said else 1 + _SAID + near

        return cost

    def _held_open(
        self, line: LineVerdict, found: Determination, way: Way, encounter: Encounter, lines: Sequence[ClaimLine]
    ) -> LineVerdict:
        """A line that stands in this claim of the chart and not in every other stands under what leads here.

        That nothing else leads to it is not said: another fact, or another value, may give it as well.
        """
        if line.kind is not Kind.SUPPORTED or line.supported is None or line.billed is None:
            return line
        units = [
            sum(it.units for it in rival.lines if (it.code, it.modifiers) == (line.code, line.supported.modifiers))
            for rival in found.alternatives
        ]
        other = next((it for it in units if it != line.supported.units), None)
        if other is None:
            return line
        kind = Kind.UNSUPPORTED if not other else Kind.TOO_MANY if other < line.supported.units else Kind.TOO_FEW
        if self.search != "none":
            way = self._search.own(encounter, by_code(key_of_lines(lines)), way, line.code)
        said = f"{times(line.billed)} is supported{about(line.supported)} if {self._words.way(way)}."
        return replace(self._under(replace(line, kind=kind), way), message=said)

    def _drug_lines(
        self,
        encounter: Encounter,
        found: Determination,
        excluded: Sequence[Exclusion],
        numbered: Sequence[tuple[int, BilledLine]],
    ) -> list[LineVerdict]:
        """Compare the lines of drugs; a claim without any is one of administrations only."""
        if not numbered:
            return []
        left_out = {it.subject: it for it in excluded if it.code is None}
        uncounted = self._uncounted(encounter, found, left_out)
        keys = {it.id: f"a{n}" for n, it in enumerate(encounter.administrations, 1)}
        gone = {name for name, it in left_out.items() if it.with_drug}

        def unjudged_for(code: str) -> str:
            """Why lines of a code are not judged; empty where they are."""
            keys = sorted(self._kinship.drugs(code) & uncounted.keys())
            return next((uncounted[it] for it in keys if uncounted[it] not in gone), "")

        held = [it for it in numbered if not unjudged_for(it[1].code)]
        # of a drug whose lines are not judged, none is missing either
        counted = [it for it in found.drug_lines if not unjudged_for(it.code)]
        billed, supported = bill(held, self._kinship), support_drugs(counted, self._kinship)
        pieces = match(billed, supported, self._cost(()), self._kinship)
        codes = {
            name: [it.code for it in billed if key in self._kinship.drugs(it.code)] for key, name in uncounted.items()
        }
        reasons = [replace(it, kept_from=tuple(codes.get(it.subject, ()))) for it in excluded if it.with_drug]
        for it in supported:
            # what has a line and is left out all the same is so in part: of what was discarded
            reasons += [
                replace(one, kept_from=(it.code,))
                for one in excluded
                if one.code is None and one.subject in it.administrations
            ]
        case = Compared(billed, supported, pieces, found, reasons, drug=True)
        lines = self._judge.lines(case)
        for place, line in numbered:
            if (place, line) not in held:
                name = unjudged_for(line.code)
                why = f"{name} was given, and the chart does not say how many units."
                text = f"is not judged: {left_out[name].reason if name in left_out else why}"
                behind = left_out[name].says if name in left_out else (Absent(f"billing_units({keys[name]},_)"),)
                lines.append(replace(unjudged(place, line, text, behind), drug=True))
        return lines

    def _uncounted(self, encounter: Encounter, found: Determination, left_out: Collection[str]) -> dict[str, str]:
        """Drugs given in an entry without units that goes on with none whose units are charted; each with the entry.

        An entry that is left out tells it of a drug only where no other one does.
        The units of a bag stand on one of its entries, and so do those of an infusion that is charted in several.
        """
        match = {it.id: self.coder.drugs.find(it.drug, encounter.date) for it in encounter.administrations}
        drug = {name: it.drug.key for name, it in match.items() if it is not None}
        counted = {name for line in found.drug_lines for name in line.administrations}
        # one unit is of one service, but for what is reported once for all that ran beside
        services = [set(it.administrations) for it in found.claim if it.units == 1 and it.role != ONCE]
        bags: dict[str, set[str]] = {}
        for it in encounter.administrations:
            if it.bag:
                bags.setdefault(it.bag, set()).add(it.id)
        together = [*services, *bags.values()]
        uncounted: dict[str, str] = {}
        given = {key for name, key in drug.items() if name not in left_out}
        for name, key in drug.items():
            if name in left_out and key in given:
                continue
            same = {it for some in together if name in some for it in some if drug.get(it) == key}
            if not (same | {name}) & counted:
                uncounted.setdefault(key, name)
        return uncounted

    def _outside(self, place: int, line: BilledLine) -> LineVerdict:
        return unjudged(place, line, "is not judged: neither the policy nor the drug list knows the code.")

    # --- looking for what would make it right

    def _settle(self, draft: Draft, candidates: Candidates | None) -> Audit:
        """Give the audit; of a claim that does not follow as it is, with what would make it right."""
        lines = draft.lines
        wrong = [line for line in lines if line.disputed and line.way is None]
        whole: Way | None = None if wrong else draft.way
        if candidates is not None and wrong:
            claim, drugs = self._keys(draft)
            whole = candidates.whole(claim, drugs)
            if whole is None and drugs is None and draft.determination.missing:
                base = key_of_lines(draft.matched.claim)
                whole = self._search.together(draft.matched.encounter, base, candidates, claim)
            if whole is not None and drugs is None:
                whole = self._search.smaller(candidates, claim, whole)
            parts = by_code(claim)
            lines = tuple(self._with_way(line, candidates, parts, drugs, whole) for line in lines)
            whole = whole and self._search.ranged(candidates, whole)
        if whole is None and draft.determination.why_undetermined:
            lines = tuple(replace(it, kind=Kind.NOT_JUDGED, over=0) if it.disputed else it for it in lines)
        over, under = units_by_code(lines)
        searched = candidates is not None and candidates.complete
        within = candidates.within if candidates is not None and wrong else None
        verdict = overall(draft.determination, lines, whole, self._kinship)
        return Audit(
            encounter=draft.matched.encounter.id,
            policy=draft.determination.policy,
            verdict=verdict,
            message=self._words.claim(verdict, lines, whole, searched=searched, within=within),
            lines=lines,
            over=over,
            under=under,
            way=whole,
            searched=searched or not wrong,
            within=within,
            edits_billed=(),
            edits_supported=draft.determination.edits,
            determination=draft.determination,
            notes=(*draft.determination.why_undetermined, *draft.determination.notes, *draft.notes),
            date=draft.matched.encounter.date.isoformat(),
            payer=draft.matched.encounter.payer,
        )

    def _keys(self, draft: Draft) -> tuple[ClaimKey, DrugKey | None]:
        """What a billed claim is compared by, and the lines of its drugs where these are disputed."""
        units = [(it.code, it.units, self._kinship.known(it.modifiers)) for it in draft.matched.billed]
        return key_of(units), drug_key(draft.drugs) if draft.disputes_drugs else None

    def _whole(self, draft: Draft, candidates: Candidates) -> Way | None:
        return candidates.whole(*self._keys(draft))

    def _with_way(
        self,
        line: LineVerdict,
        candidates: Candidates,
        parts: Mapping[str, ClaimKey],
        drugs: DrugKey | None,
        whole: Way | None,
    ) -> LineVerdict:
        """Say of a disputed line under what it would be right: within what makes the claim right, or alone."""
        if not line.disputed:
            return line

        def part(within: Way | None) -> Way | None:
            if line.drug:
                return None if drugs is None else candidates.drug_part(drugs, line.code, within)
            found = candidates.part(parts, line.code, within)
            wanted = parts.get(line.code, frozenset())
            return found and self._search.smaller(candidates, wanted, found, line.code)

        if whole is not None:
            return self._under(line, self._search.ranged(candidates, part(whole) or whole))
        if line.way is not None:
            return line
        alone = part(None)
        return replace(line, way=alone and self._search.ranged(candidates, alone))

    def _under(self, line: LineVerdict, way: Way) -> LineVerdict:
        kind = Kind.IF_DOCUMENTED if way.given else Kind.UNDER_READING
        otherwise = line.otherwise or line.kind
        said = self._words.way(way)
        return replace(line, kind=kind, otherwise=otherwise, way=way, message=f"{line.message} It is right if {said}.")


def _meant_otherwise(supported: Sequence[Supported], excluded: Sequence[Exclusion]) -> Counter[str]:
    """By code how many services are kept from it of which nothing is supported: units of it are meant for these."""
    names = {name for it in supported for name in it.administrations}
    return Counter(code for _, code in {(it.subject, it.code) for it in excluded if it.subject not in names} if code)


def _place(line: LineVerdict) -> tuple[bool, int]:
    """Billed lines in their order, then what is missing from the claim."""
    return (False, line.billed.positions[0]) if line.billed else (True, 0)


def _lines_of(codes: Collection[str], lines: str) -> list[str]:
    """Of lines for drugs in words (``J0897-JZ × 60, J3420 × 1``) those of some codes, in the order of their text."""
    return sorted(it for it in lines.split(", ") if it.partition(" ")[0].partition("-")[0] in codes)
