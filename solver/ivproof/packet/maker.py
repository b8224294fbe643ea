"""Makes the packet of one claim: audits it, argues each line, and proves what the law gives.

>>> from ivproof.chart.reading import Source, parse
>>> chart = parse({"id": "E", "place_of_service": "22", "date": "2020-10-05", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "ceftriaxone", "route": "IV", "site": "iv", "start": "09:00",
...                          "stop": "09:40"}], "billed": [{"code": "96365", "units": 2}]}, Source("visit.json"))
>>> found = PacketMaker(Policy.load("out001")).make(chart.encounter, "visit.json")
>>> [(it.verdict, it.heading) for it in found.disputed]
[('units_too_many', 'units too many')]
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import PurePath

from ivproof.audit.auditor import Auditor, Look
from ivproof.audit.claims import differences
from ivproof.audit.matching import support
from ivproof.audit.model import Audit, Billed, Kind, LineVerdict, Supported, Verdict
from ivproof.audit.verdicts import times
from ivproof.chart.encounter import Denial, Encounter, digest, for_people
from ivproof.claim.coding import Coder
from ivproof.claim.determination import sorted_rules
from ivproof.edits.checker import Edit
from ivproof.edits.denials import Denials
from ivproof.edits.tables import EditFiles
from ivproof.importers.submitted import Submitted
from ivproof.law.policy import Policy, law_folder
from ivproof.law.sources import Sources
from ivproof.packet.answers import DenialAnswers
from ivproof.packet.arguments import Told, cited
from ivproof.packet.model import (
    Assumption,
    Cited,
    CitedRule,
    Enclosed,
    LineFinding,
    Nearest,
    Packet,
    Point,
    Refused,
)
from ivproof.packet.other_side import OtherSides
from ivproof.proof.maker import canonical, prove
from ivproof.report.page import label_of
from ivproof.report.timeline import VisitTimeline, timeline
from ivproof.why.derivation import Derivation
from ivproof.why.record import Recorder
from ivproof.why.why import ExplainedChart

DRAWN = 8
"""So many administrations are drawn with a line, unless more carry it."""

PROOF = "proof.json"
"""The name of the file of the proof, in the commands of a packet that does not bring it along."""

SENTENCES = {
    Verdict.CORRECT: "The claim is right as billed: every line follows from the chart.",
    Verdict.UNDER_READING: "The claim is right under a reading of the policy that is not held here.",
    Verdict.IF_DOCUMENTED: "The claim is right if something is documented that the chart does not give.",
    Verdict.OVERCODED: "The claim bills more than the chart supports.",
    Verdict.UNDERCODED: "The claim bills less than the chart supports.",
    Verdict.BOTH: "The claim bills more than the chart supports in some respects, and less in others.",
    Verdict.MODIFIERS: "The codes and units follow from the chart; a modifier is missing, or is not supported.",
    Verdict.UNDETERMINED: "The policy gives no claim for this chart.",
}
"""The verdict on a claim in one sentence."""

KINDS = {
    Kind.SUPPORTED: "supported",
    Kind.UNSUPPORTED: "not supported",
    Kind.TOO_MANY: "units too many",
    Kind.TOO_FEW: "units too few",
    Kind.MISSING: "missing from the claim",
    Kind.MODIFIER_MISSING: "modifier missing",
    Kind.MODIFIER_WRONG: "modifier not supported",
    Kind.WRONG_CODE: "wrong code for the service",
    Kind.UNDER_READING: "supported under a reading",
    Kind.IF_DOCUMENTED: "supported if documented",
    Kind.NOT_JUDGED: "not judged",
}
"""The verdict on a line in a few words."""


class PacketMaker:
    """Makes packets by one policy and one setting of its questions."""

    def __init__(
        self,
        policy: Policy,
        readings: Mapping[str, str] | None = None,
        *,
        edit_files: EditFiles | None = None,
        search: Look = "all",
        policy_name: str = "",
    ) -> None:
        """`policy_name` is how the policy was asked for, where the commands of the packet have to say it."""
        self.policy = policy
        self._readings = dict(readings or {})
        self.coder = Coder(policy, readings, edit_files, assumptions=True)
        self._auditor = Auditor(policy, readings, coder=self.coder, search=search)
        self._recorder = Recorder(policy, readings)
        self._sources = Sources.of(policy)
        self._settled = {policy.question(name).key for name in self._readings}
        self._name = policy_name
        chain = sorted(policy.chain, key=lambda it: -len(it.chain))  # what stands below has the last word
        self._texts = {number: it.name for it in chain for number in Sources.of(it).rules}
        self._denials = Denials.load(law_folder() / "edits")

    def make(self, encounter: Encounter, file: str, proof: str = PROOF, submitted: Submitted | None = None) -> Packet:
        """Make the packet of an encounter with its billed lines; `file` is where the chart stands.

        `submitted` is what a claim file says of the claim beside its lines.

        Raises second.DisagreementError where the second engine derives another answer, and record.RecordError where
        an answer cannot be recorded.
        """
        [audit] = self._auditor.code([encounter], "all")
        if submitted is not None:
            audit = replace(audit, submitted=submitted, notes=(*audit.notes, *differences(encounter, submitted)))
        case = ExplainedChart(self.coder, self._recorder, encounter)
        number = _nearest_claim(audit)
        derivation = case.derivation(case.alternatives[number])
        tellers = iter(lambda: case.teller(derivation), None)
        told = Told(self.policy, derivation, tellers)
        others = OtherSides(self.policy, audit, self._settled)
        rests = {n: told.atoms(line) for n, line in enumerate(audit.lines, 1)}
        answers = DenialAnswers(audit, encounter, told.names, self.coder.edits.tables)
        findings = tuple(self._findings(audit, told, rests, others, answers=answers, encounter=encounter))
        rules = tuple(self._rules(findings))
        return Packet(
            encounter=encounter.id,
            date=encounter.date.isoformat(),
            policy=f"{self.policy.name}, {self.policy.title}",
            edition=self.policy.dated,
            about=tuple(_about(encounter)),
            identity=(
                ("Policy", f"{self.policy.name}, edition {self.policy.edition}, {self.policy.digest}"),
                ("Chart", digest(encounter)),
                ("Made by", f"ivproof {version('ivproof')}, clingo {version('clingo')}"),
            ),
            verdict=audit.verdict.value,
            sentence=SENTENCES[audit.verdict],
            message=audit.message if audit.verdict is not Verdict.CORRECT else "",
            findings=findings,
            rules=rules,
            edits_billed=_edits(audit.edits_billed),
            edits_supported=_edits(audit.edits_supported),
            facts=told.relied(rests),
            assumed=tuple(self._assumed(audit)),
            undocumented=tuple(
                (it.fact, it.message, it.weight) for it in audit.determination.missing if not it.charted
            ),
            notes=audit.notes,
            proof=self._proof(encounter, file, proof),
            audit=audit,
            payer=encounter.payer or "",
            claim_number=(submitted.number if submitted else None) or "",
            drawn=self._whole(audit, told, findings),
            beside=tuple(self._beside(rules)),
            stands_on=_stands_on(self.policy),
        )

    def _whole(self, audit: Audit, told: Told, findings: Iterable[LineFinding]) -> VisitTimeline | None:
        """The part of the timeline that all lines rest on that are argued."""
        keys = dict.fromkeys(key for it in findings if it.drawn is not None for key in it.carried)
        return _drawn(told.derivation, _carries(audit, told), tuple(keys))

    def _rules(self, findings: Sequence[LineFinding]) -> Iterator[CitedRule]:
        """Every rule that is cited, once, with the lines that cite it."""
        lines: dict[str, list[int]] = {}
        rules: dict[str, Cited] = {}
        for finding in findings:
            for it in finding.rules:
                rules[it.number] = it
                lines.setdefault(it.number, []).append(finding.number)
        for number in sorted_rules(rules):
            it = rules[number]
            yield CitedRule(it.number, it.section, it.says, tuple(lines[number]), self._texts.get(number, ""))

    def _beside(self, rules: Sequence[CitedRule]) -> Iterator[CitedRule]:
        """The national rules that confirm rules of the text which are cited, with the lines that cite these."""
        cited_ = {it.number: it for it in rules}
        for it in self._sources.national.values():
            lines = {line for number in it.same if number in cited_ for line in cited_[number].lines}
            if lines and it.number not in cited_:
                known = [cited_[number] for number in it.same if number in cited_]
                sections = dict.fromkeys(f"{rule.text} {rule.section}" for rule in known)
                yield CitedRule(it.number, ", ".join(sections), it.says, tuple(sorted(lines)))

    # --- lines

    def _findings(
        self,
        audit: Audit,
        told: Told,
        rests: Mapping[int, Sequence[str]],
        others: OtherSides,
        *,
        answers: DenialAnswers,
        encounter: Encounter,
    ) -> Iterator[LineFinding]:
        carries = _carries(audit, told)
        alone = not audit.disputed
        for number, line in enumerate(audit.lines, 1):
            carried = told.carried(rests[number])
            left_out = told.keys(it.subject for it in line.excluded)
            nearest, about = self._nearest(line, told, left_out or carried)
            keys = tuple(dict.fromkeys((*carried, *left_out, *([about] if about and not carried else ()))))
            denied = line.billed.denied if line.billed is not None else ()
            places = line.billed.positions if line.billed is not None else ()
            refused = tuple(self._refused(n, it) for n in places if (it := _denial_of(encounter, n)) is not None)
            kinds = dict.fromkeys(kind for it in refused for kind in it.kinds)
            wanted = line.disputed or alone or line.edits or denied
            drawn = _drawn(told.derivation, carries, keys) if wanted else None
            shown = sum(len(lane.rows) for lane in drawn.lanes) if drawn else 0
            points = told.argue(rests[number], line.supported.sites if line.supported else ())
            # where something else comes nearest, what is left out of the code is not what was billed
            if line.disputed and not points and (carried or not nearest) and line.billed is not None and not line.drug:
                points = told.left_out(line.code, carried)
            if line.disputed and not points and not nearest:
                points = (
                    Point(0, "step", f"Nothing that the chart shows earns {line.code} by any rule of the policy."),
                )
            yield LineFinding(
                number=number,
                verdict=line.kind.value,
                heading=KINDS[line.kind] + (f", otherwise {KINDS[line.otherwise]}" if line.otherwise else ""),
                disputed=line.disputed,
                code=line.code,
                label=label_of(self.policy, line.code),
                billed=_part(line.billed),
                supported=_part(line.supported),
                over=line.over,
                under=line.under,
                message=line.message,
                points=points,
                nearest=nearest,
                rules=cited(self._sources, line.rules, points, nearest),
                other_side=others.of(line, number),
                edits=_edits(line.edits),
                drawn=drawn,
                carried=keys,
                left_out=len(told.derivation.facts.encounter.administrations) - shown if drawn else 0,
                denied=tuple(map(_denial, denied)),
                refused=refused,
                answers=answers.of(line, kinds),
                positions=places,
                modifiers=line.billed.modifiers if line.billed is not None else (),
            )

    def _refused(self, position: int, it: Denial) -> Refused:
        """What the payer said of a line, with what its codes mean."""
        codes = [*([it.reason] if it.reason else []), *it.remark]
        return Refused(
            position,
            it.group or "",
            it.reason or "",
            tuple(it.remark),
            it.text or "",
            it.date.isoformat() if it.date else "",
            it.amount,
            self._denials.kinds(it.reason, it.remark),
            tuple((code, label) for code in codes if (label := self._denials.label(code))),
        )

    def _nearest(self, line: LineVerdict, told: Told, keys: Sequence[str]) -> tuple[tuple[Nearest, ...], str]:
        """What comes nearest to earning what was billed beyond what is supported."""
        kind = line.otherwise or line.kind
        if kind not in {Kind.UNSUPPORTED, Kind.TOO_MANY, Kind.WRONG_CODE} or line.drug or line.billed is None:
            return (), ""
        if line.otherwise is not None and line.supported is not None:
            return (), ""  # what is argued is the claim that it stands on
        if any(line.billed.code in (it.code, *it.kept_from) for it in line.excluded):
            return (), ""  # the rule that keeps the code from the claim is the reason; no other one comes nearer
        found, about = told.nearest(line.billed.code, keys)
        return ((found,) if found else ()), about

    # --- what was assumed

    def _assumed(self, audit: Audit) -> Iterator[Assumption]:
        codes: dict[str, int] = {}
        for line in audit.determination.claim:
            codes[line.code] = codes.get(line.code, 0) + line.units
        for reading in audit.determination.readings:
            if not reading.matters:
                continue
            question = self.policy.question(reading.question)
            option = question.option(reading.option) if reading.option else None
            several = bool(audit.determination.alternatives)
            leads = {
                letter: _listed(given) if several else _changed(codes, given)
                for letter, given in reading.otherwise.items()
            }
            leads |= {letter: f"no one claim: {why}".rstrip(".") for letter, why in reading.otherwise_why.items()}
            for letter in reading.otherwise_beside:
                leads[letter] = ", and ".join([*([leads[letter]] if letter in leads else []), *reading.beside(letter)])
            otherwise = tuple(
                (it.letter, it.says.rstrip("."), leads[it.letter]) for it in question.options if it.letter in leads
            )
            if option is None:
                leads = _leads(audit, question.number)
                otherwise = tuple((it.letter, it.says.rstrip("."), leads.get(it.letter, "")) for it in question.options)
            yield Assumption(
                question.number,
                question.name,
                question.title,
                question.citation,
                option.letter if option else "",
                option.says.rstrip(".") if option else "",
                reading.source,
                question.note,
                otherwise,
            )

    # --- the proof

    def _proof(self, encounter: Encounter, file: str, name: str) -> Enclosed:
        made = prove(self.coder, encounter)
        content = canonical(made)
        # where the chart lies on the maker's machine is nobody's business
        chart = "chart.yaml" if file == "-" else PurePath(file).name
        asked = ["--encounter", encounter.id]
        asked += ["--policy", self._name] if self._name not in {"", "out001"} else []
        asked += [part for pair in self._readings.items() for part in ("--reading", "=".join(pair))]
        commands = (
            shlex.join(["ivproof", "prove", chart, *asked, "-o", name]),
            shlex.join(["sha256sum", name]),
            shlex.join(["ivproof", "check", name]),
        )
        return Enclosed(name, hashlib.sha256(content).hexdigest(), str(made["seal"]), len(content), commands, content)


def _stands_on(policy: Policy) -> str:
    """On what policy an overlay stands, and how many of its rules and open questions are another thing here."""
    below = policy.below
    if below is None:
        return ""
    here, there = policy.program.by_id, below.program.by_id
    shared = [name for name in here if name in there]
    replaced = sum(here[name][0].file != there[name][0].file for name in shared)
    both = [(it, below.questions[key]) for key, it in policy.questions.items() if key in below.questions]
    otherwise = sum(it.default != other.default for it, other in both)
    return (
        f"It stands on {below.name}, {below.title}, edition {below.dated}, whose rules hold where it says nothing "
        f"else: it replaces {replaced} of them, leaves {len(there) - len(shared)} out, adds {len(here) - len(shared)}, "
        f"and reads {otherwise} of the questions that the text leaves open otherwise."
    )


def _about(encounter: Encounter) -> Iterator[tuple[str, str]]:
    yield "Date of service", encounter.date.isoformat()
    yield "Claim", encounter.claim_type
    yield "Place of service", encounter.place_of_service
    if encounter.payer is not None:
        yield "Payer", encounter.payer
    if encounter.diagnoses:
        yield "Diagnoses", ", ".join(encounter.diagnoses)
    yield from for_people(encounter)


def _denial_of(encounter: Encounter, position: int) -> Denial | None:
    """What the payer said of the billed line at a place of the claim."""
    lines = encounter.billed or ()
    return lines[position].denied if position < len(lines) else None


def _denial(it: Denial) -> str:
    """Say what the payer said of a line."""
    said = [" ".join(filter(None, (it.group, it.reason)))]
    said += [f"remarks {', '.join(it.remark)}"] if it.remark else []
    said += [f"{it.amount:.2f} not paid"] if it.amount is not None else []
    when = f" on {it.date.isoformat()}" if it.date else ""
    codes = ", ".join(filter(None, said))
    words = f" In the payer's words: “{it.text}”" if it.text else ""
    return f"The payer denied this line{when}{f': {codes}' if codes else ''}.{words}"


def _part(part: Billed | Supported | None) -> str:
    return "" if part is None else times(part)


def _edits(edits: Iterable[Edit]) -> tuple[tuple[str, str], ...]:
    return tuple((it.severity, it.message) for it in edits)


def _nearest_claim(audit: Audit) -> int:
    """Which of the claims that the chart leads to the lines of the audit were held against."""
    said: dict[tuple[str, tuple[str, ...]], float] = {}
    for line in audit.lines:
        if line.supported is not None and not line.drug:
            key = line.supported.code, line.supported.modifiers
            said[key] = said.get(key, 0) + line.supported.units

    def distance(number: int) -> float:
        units = {(it.code, it.modifiers): it.units for it in support(audit.determination.alternatives[number].lines)}
        return sum(abs(units.get(key, 0) - said.get(key, 0)) for key in {*units, *said})

    rivals = range(len(audit.determination.alternatives))
    return min(rivals, key=distance, default=0)


def _listed(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{code} × {units}" for code, units in codes.items()) or "nothing"


def _changed(held: Mapping[str, int], given: Mapping[str, int]) -> str:
    """What is different in a claim with other units by code."""
    parts = []
    for code in dict.fromkeys((*held, *given)):
        old, new = held.get(code, 0), given.get(code, 0)
        if old != new:
            instead = f" instead of {old}" if old and new else ""
            parts.append(f"{code} × {new}{instead}" if new else f"no {code}")
    return ", ".join(parts)


def _leads(audit: Audit, question: str) -> dict[str, str]:
    """What each option of an open question leads to, in codes."""
    found: dict[str, dict[str, None]] = {}
    for rival in audit.determination.alternatives:
        codes: dict[str, int] = {}
        for line in rival.lines:
            codes[line.code] = codes.get(line.code, 0) + line.units
        claim = _listed(codes)
        for way in (rival.readings, *rival.others):
            if question in way:
                found.setdefault(way[question], {})[claim] = None
    return {letter: "; or ".join(claims) for letter, claims in found.items()}


# --- the timeline


def _carries(audit: Audit, told: Told) -> dict[str, list[str]]:
    """The supported lines that each administration carries."""
    found: dict[str, list[str]] = {}
    for line in audit.lines:
        if line.supported is not None and not line.drug:
            for key in told.keys(line.supported.administrations):
                text = "-".join((line.supported.code, *line.supported.modifiers))
                if text not in found.setdefault(key, []):
                    found[key].append(text)
    return found


def _drawn(derivation: Derivation, carries: Mapping[str, Sequence[str]], keys: Sequence[str]) -> VisitTimeline | None:
    """The part of the timeline that a line rests on: what carries it, and what ran beside it at the same site."""
    if not keys:
        return None
    shown = dict.fromkeys(keys)
    for key in _beside(derivation, keys):
        if len(shown) >= DRAWN:
            break
        shown[key] = None
    found = timeline(derivation, carries, {}, shown)
    return found if found.lanes else None


def _beside(derivation: Derivation, keys: Sequence[str]) -> list[str]:
    """Other administrations at the same sites, the nearest in time first, and what ran at other sites meanwhile."""
    given = {f"a{n}": it for n, it in enumerate(derivation.facts.encounter.administrations, 1) if it.done}
    sites = {given[key].site for key in keys if key in given}

    def span(key: str) -> tuple[int, int] | None:
        ends = [it.seconds for it in (given[key].start, given[key].stop) if it is not None]
        return (min(ends), max(ends)) if ends else None

    own = [it for key in keys if key in given and (it := span(key))]
    apart: dict[str, tuple[bool, int]] = {}
    for key, administration in given.items():
        other = span(key)
        if key not in keys and other and own:
            gap = min(max(other[0] - stop, start - other[1], 0) for start, stop in own)
            if administration.site in sites or not gap:
                apart[key] = administration.site not in sites, gap
    return sorted(apart, key=lambda key: (*apart[key], int(key[1:])))
