"""Every sentence is checked: the statements behind it are true by the second engine, and it has no number without one.

What is not looked at here yet is listed in `UNCHECKED`, with the reason.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import islice

import case_files
import pytest
import visits
from case_files import Case

from ivproof import recheck
from ivproof.audit.auditor import Auditor
from ivproof.audit.model import LineVerdict, Way
from ivproof.chart.clock import DAY, in_zone, read_stamp
from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.chart.facts import Facts
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.claim.statements import Apart, Applies, Bills, Fails, Holds, Judge, Reads, Statement, Supports, spoken
from ivproof.engine.claims import units_of
from ivproof.engine.second import SecondEngine
from ivproof.law.policy import Policy
from ivproof.packet.maker import PacketMaker
from ivproof.recheck import Program
from ivproof.unknowns.moments import charted as times
from ivproof.why.attempts import tries
from ivproof.why.derivation import Derivation
from ivproof.why.explanation import Line
from ivproof.why.why import Explainer, unit_reasons

POLICY = Policy.load("out001")
SENTENCES = {(it.id, it.clause): it.header.sentence for it in POLICY.program.rules if it.header}
TABLES = {str(it.atom): it.header.sentence for it in POLICY.program.rules if it.is_fact and it.header}

EVERY = 130
"""One case of our own in so many is told; all that are published are. `tests/tools/sentences.py` tells all."""

HELD: Counter[str] = Counter()
"""How many sentences were held against their statements, by what prints them."""

UNCHECKED = {
    "audit, ways with facts that the chart does not give": "charts coded with the fact; test_audit codes them",
    "whynot, first sentence of an attempt": "what a rule would have concluded: its statement is that the rule fails",
    "missing, the fewest facts to ask for": "that filling them in leaves nothing to ask: test_metamorphic",
    "whynot, that none of so many changed charts gives a code": "how far it was looked: test_least_change",
    "report and packet, words around the findings": "claims, rules and digests, no sentences about the chart",
    "readings of a chart with several claims": "what an option gives is then told by status, without codes",
}
"""What prints sentences about a chart and is not looked at here, and why."""

WAYS = 64
"""So many answers of the second engine are held against what is said of a chart with several claims."""

WITHOUT = {
    "class": "what would have to be of another class is put together from the classes that hold, which are its steps",
}
"""Attempts whose first sentence is that of no rule, and why."""


def lines_of(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        if line.step is not None:
            yield from lines_of(line.step.lines)


def law_words(statement: Statement) -> set[str]:
    """The numbers that stand in the law's own sentences behind a statement."""
    match statement:
        case Applies(rule, clause, _) | Fails(rule, clause, _):
            return spoken(SENTENCES.get((rule, clause), ""))
        case Reads(question, _):
            return {it for option in POLICY.questions[question].options for it in spoken(option.says)}
        case Holds(atom):
            return spoken(TABLES.get(atom, ""))
    return set()


def charted(facts: Facts) -> re.Pattern[str]:
    """What is called by name in a chart, the longest first: ids, drugs, codes; and the names of questions and rules."""
    encounter = facts.encounter
    found = {*facts.names.values(), *POLICY.codes, *encounter.diagnoses, encounter.place_of_service}
    found |= {it.drug for it in encounter.administrations} | {it.code or "" for it in encounter.services}
    found |= {question.number for question in POLICY.questions.values()}
    names = "|".join(map(re.escape, sorted(filter(None, found), key=len, reverse=True)))
    names += "".join(f"|{it}" for it in clocks(encounter))
    names += r"|services\[\d+\]|part \d+ of"  # what has no name of its own, and is counted
    return re.compile(rf"(?<![\w:])(?:{names})(?!\w|:\w)")


def clocks(encounter: Encounter) -> Iterator[str]:
    """The times of a chart as its clock shows them, where that is not how long after midnight they were."""
    for it in times(encounter):
        stamp = in_zone(read_stamp(it.moment.text), encounter.time_zone)
        if stamp.clock != it.moment.seconds % DAY:
            hours, rest = divmod(stamp.clock, 3600)
            yield from (f"{hours:02}:{rest // 60:02}:{rest % 60:02}", f"{hours:02}:{rest // 60:02}")


@cache
def named() -> Program:
    return SecondEngine(POLICY).named


class Reality:
    """What the second engine says of one claim of a chart."""

    def __init__(self, derivation: Derivation) -> None:
        held = {key: it.option for key, it in derivation.held.items()}
        engine = SecondEngine(POLICY, held)
        program = named()
        wanted = {it for it in derivation.chosen if not it.startswith(("reading(", "open("))}
        answers = program.answers(engine.question(derivation.facts))
        answer = next(it for it in answers if all(holds(it, atom) for atom in wanted))
        self.judge = Judge(program, answer)
        self.named = charted(derivation.facts)

    def departures(self, line: Line) -> Iterator[str]:
        """What is wrong with a line: a statement that is not true, or a number without a statement."""
        HELD["reasons"] += 1
        for it in line.says:
            if not self.judge.holds(it):
                yield f"not true: {it} behind {line.kind}: {line.text}"
        if not line.says:
            yield f"nothing behind {line.kind}: {line.text}"
        known = {word for it in line.says for word in self.judge.words(it) | law_words(it)}
        lacking = spoken(self.named.sub(" ", line.text)) - known
        if lacking:
            yield f"{sorted(lacking)} of no statement in {line.kind}: {line.text} {line.says}"


def holds(answer: object, atom: str) -> bool:
    [found] = recheck.parse_facts(f"{atom}.")
    return found in answer  # type: ignore[operator]


def told(explainer: Explainer, encounter: Encounter) -> Iterator[str]:
    """What is wrong with the lines of a whole visit, and of what is said of the codes that are not on it."""
    case = explainer.case(encounter)
    for alternative in case.alternatives:
        derivation = case.derivation(alternative)
        reality = Reality(derivation)
        teller = case.teller(derivation)
        lines = [line for unit in unit_reasons(teller) for line in unit.lines]
        lines += [teller.step(str(it)) for it in derivation.of("modifier")]
        lines += [teller.step(str(it)) for it in derivation.of("excluded")]
        lines += [teller.step(str(it)) for it in derivation.of("missing")]
        for line in lines_of(lines):
            yield from reality.departures(line)
        on_claim = {str(it.arguments[0]) for it in derivation.of("unit")}
        for code in [it for it in POLICY.codes if f'"{it}"' not in on_claim][:: max(1, len(POLICY.codes) // 6)]:
            for attempt in tries(case.teller(derivation), code, None):
                for line in lines_of(attempt.obstacles):
                    yield from reality.departures(line)
                if attempt.rule not in WITHOUT and not (attempt.says and all(map(reality.judge.holds, attempt.says))):
                    yield f"not true: {attempt.says} behind {attempt.sentence}"
                HELD["reasons"] += 1
                known = {word for it in attempt.says for word in reality.judge.words(it) | law_words(it)}
                lacking = spoken(reality.named.sub(" ", attempt.sentence)) - known
                if lacking and attempt.rule not in WITHOUT:
                    yield f"{sorted(lacking)} of no statement in {attempt.sentence} {attempt.says}"


class Charted:
    """A chart with what is derived of it, once for all that is said of it."""

    def __init__(self, coder: Coder, encounter: Encounter) -> None:
        self.encounter = encounter
        self.facts = coder.facts(encounter)
        self.held = dict(coder.determiner.settings)
        self._coder = coder

    @cached_property
    def found(self) -> Determination:
        """What the coder says of it."""
        [found] = self._coder.code([self.encounter])
        return found

    @cached_property
    def answers(self) -> list[recheck.Answer]:
        """The answers of the second engine, of which there may be very many."""
        return list(islice(named().answers(SecondEngine(POLICY, _set(self.held)).question(self.facts)), WAYS))

    @cached_property
    def judges(self) -> list[Judge]:
        return [Judge(named(), it) for it in self.answers]


def determined(chart: Charted) -> Iterator[str]:
    """What is wrong with what a determination leaves out, misses and says of other options."""
    found, facts, judges = chart.found, chart.facts, chart.judges
    rivals = [it.excluded for it in found.alternatives] or [found.excluded]
    said = [(it.reason, it.name, it.says) for some in rivals for it in (*some, *found.findings)]
    said += [(it.message, "", it.says) for it in found.missing]
    names = charted(facts)
    HELD["determinations"] += len(said)
    for text, name, says in said:
        if not says or not any(all(map(judge.holds, says)) for judge in judges):
            yield f"not true: {says} behind {text}"
        known = {word for clause in (1, 2, 3) for word in spoken(SENTENCES.get((name, clause), ""))}
        lacking = spoken(names.sub(" ", text)) - known - {word for it in says for word in judges[0].words(it)}
        if lacking:
            yield f"{sorted(lacking)} of no statement in {text}"
    if found.alternatives:
        return
    for reading in found.readings:
        for it in reading.says_otherwise:
            question = POLICY.question(it.question)
            HELD["determinations"] += 1
            engine = SecondEngine(POLICY, {**_set(chart.held), question.key: question.option(it.option).name})
            claims = {tuple(units_of(POLICY, claim).codes.items()) for claim in engine.claims(facts)}
            if it.codes not in claims:
                yield f"not true: {it}, the second engine gives {claims}"


def _set(held: Mapping[str, str | None]) -> dict[str, str]:
    return {key: option or "open" for key, option in held.items()}


def packet(maker: PacketMaker, chart: Charted) -> Iterator[str]:
    """What is wrong with the points of a packet whose claim bills each code once that a chart could have."""
    lines = tuple(BilledLine(code=code, units=1, modifiers=()) for code in list(POLICY.codes)[::9])
    made = maker.make(chart.encounter.model_copy(update={"billed": lines}), "visit.json")
    judges = chart.judges
    for finding in made.findings:
        for point in (*finding.points, *(it for near in finding.nearest for it in near.fails)):
            HELD["packets"] += 1
            if point.says and not any(all(map(judge.holds, point.says)) for judge in judges):
                yield f"not true: {point.says} behind {point.text}"
            if not point.says and not point.text.startswith("Nothing that"):
                yield f"nothing behind {point.text}"


CLAIMS = 3
"""So many changed claims are made of each chart."""


def changed(encounter: Encounter, found: Determination, seed: int) -> list[BilledLine]:
    """A claim as somebody might bill it: what follows, with units or a code changed, a line dropped or added."""
    chance = random.Random(f"{encounter.id} {seed}")
    lines = [BilledLine(code=it.code, units=it.units, modifiers=it.modifiers) for it in found.claim]
    lines += [
        BilledLine(code=it.code, units=int(it.units), modifiers=it.modifiers)
        for it in found.drug_lines
        if it.units == int(it.units)
    ]
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines)) if lines else None
        match chance.choice(["units", "code", "drop", "add", "modifier"]):
            case "units" if at is not None:
                lines[at] = lines[at].model_copy(update={"units": lines[at].units + chance.randint(1, 2)})
            case "code" if at is not None:
                lines[at] = lines[at].model_copy(update={"code": chance.choice(BILLED)})
            case "drop" if at is not None:
                del lines[at]
            case "modifier" if at is not None:
                lines[at] = lines[at].model_copy(update={"modifiers": (chance.choice(["59", "25", "JW"]),)})
            case _:
                lines.append(BilledLine(code=chance.choice(BILLED), units=chance.randint(1, 3), modifiers=()))
    return lines


BILLED = [*POLICY.codes, "99211", "99214", "A4216", "J7030", "J1642", "J3370", "J0696", "J9035", "99199"]


def audited(auditor: Auditor, chart: Charted, lines: Sequence[BilledLine]) -> Iterator[str]:
    """What is wrong with the sentences of an audit: of its lines, of its claim, and of what would make it right."""
    [audit] = auditor.judge([(chart.encounter, chart.found, lines)])
    if chart.found.why_undetermined:
        return
    bills = [(it.code, it.units, tuple(it.modifiers)) for it in lines]
    judges = [Judge(named(), it, bills) for it in chart.answers]
    known_names = charted(chart.facts)
    HELD["audits"] += len(audit.lines) + 1
    for line in audit.lines:
        if not line.says or not any(all(map(judge.holds, line.says)) for judge in judges):
            yield f"not true: {line.says} behind {line.message}"
        known = {word for it in line.says for word in judges[0].words(it) | law_words(it)}
        names = {word for it in line.excluded for n in (1, 2, 3) for word in spoken(SENTENCES.get((it.name, n), ""))}
        marks = {word for it in (line.billed, line.supported) if it for word in it.modifiers} | _given(line.way)
        lacking = spoken(known_names.sub(" ", line.message)) - known - names - marks
        if lacking:
            yield f"{sorted(lacking)} of no statement in {line.message} {line.says}"
        if line.way is not None and line.way.readings and not line.way.given and not line.drug:
            yield from _not_right(line, chart.held, chart.facts, bills)
    for supported, units in _sums(audit.lines).items():
        if not any(judge.units(*supported[:2], drug=supported[2]) == units for judge in judges):
            yield f"not true: the lines support {units} of {supported}"
    codes = {f"{n:g}" for it in (audit.over, audit.under) for n in it.values()} | {*audit.over, *audit.under}
    if spoken(known_names.sub(" ", audit.message)) - codes - _given(audit.way):
        yield f"a number of no statement in {audit.message}"


def _given(way: Way | None) -> set[str]:
    """The numbers of facts that a chart does not give, which `UNCHECKED` speaks of."""
    return {word for it in ((*way.given.values(), *way.until.values()) if way else ()) for word in spoken(it)}


def _sums(lines: Sequence[LineVerdict]) -> dict[tuple[str, tuple[str, ...], bool], float]:
    """What lines support by code and modifiers, whole."""
    found: dict[tuple[str, tuple[str, ...], bool], float] = {}
    for line in lines:
        if line.supported is not None and not (line.billed and line.over == line.billed.units and not line.under):
            key = line.supported.code, line.supported.modifiers, line.drug
            found[key] = found.get(key, 0) + line.supported.units
    return found


def _not_right(
    line: LineVerdict, held: Mapping[str, str | None], facts: Facts, bills: Sequence[tuple[str, int, tuple[str, ...]]]
) -> Iterator[str]:
    """A way of readings under which a line is said to be right, and under which no claim has its units."""
    assert line.way is not None
    read = {
        POLICY.question(it).key: POLICY.question(it).option(letter).name for it, letter in line.way.readings.items()
    }
    engine = SecondEngine(POLICY, {**_set(held), **read})
    wanted = sum(units for code, units, _ in bills if code == line.code)
    claims = [units_of(POLICY, claim).codes.get(line.code, 0) for claim in engine.claims(facts)]
    if wanted not in claims:
        yield f"not true: {line.way} gives {claims} of {line.code}, billed are {wanted}"


def cases() -> list[Case]:
    return [*case_files.some(case_files.worked("published"), 2), *case_files.some(case_files.worked("law"), EVERY)]


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(POLICY)


@pytest.fixture(scope="module")
def coder() -> Coder:
    return Coder(POLICY, assumptions=True)


@pytest.fixture(scope="module")
def maker() -> PacketMaker:
    return PacketMaker(POLICY, search="none")


@pytest.mark.parametrize("case", [pytest.param(it, id=f"{it.file}:{it.name}") for it in cases()])
def test_every_statement_behind_a_reason_is_true_and_no_number_is_without_one(case: Case, explainer: Explainer) -> None:
    by = Explainer(POLICY, dict(case.setting(POLICY))) if case.setting(POLICY) else explainer
    assert list(dict.fromkeys(told(by, case.encounter))) == []


SOME = case_files.some([it for it in cases() if not it.setting(POLICY)], 3)


@pytest.mark.parametrize("case", [pytest.param(it, id=f"{it.file}:{it.name}") for it in SOME])
def test_what_a_determination_says_is_true(case: Case, coder: Coder) -> None:
    assert list(determined(Charted(coder, case.encounter))) == []


@pytest.mark.parametrize("case", [pytest.param(it, id=f"{it.file}:{it.name}") for it in SOME[::4]])
def test_what_a_packet_argues_is_true(case: Case, maker: PacketMaker) -> None:
    assert list(packet(maker, Charted(maker.coder, case.encounter))) == []


@pytest.fixture(scope="module")
def auditor() -> Auditor:
    return Auditor(POLICY, search="one")


@pytest.mark.parametrize("case", [pytest.param(it, id=f"{it.file}:{it.name}") for it in SOME[1::3]])
def test_what_an_audit_says_of_a_changed_claim_is_true(case: Case, auditor: Auditor) -> None:
    chart = Charted(auditor.coder, case.encounter)
    for seed in range(CLAIMS):
        lines = changed(case.encounter, chart.found, seed)
        assert list(audited(auditor, chart, lines)) == [], [(it.code, it.units) for it in lines]


def test_a_false_statement_of_a_claim_is_found() -> None:
    [answer] = islice(named().answers(SecondEngine(POLICY).question(Coder(POLICY).facts(visits.LONG_DAY))), 1)
    judge = Judge(named(), answer, [("96413", 1, ())])
    has, bills = Supports("96413", (), 1), Bills("96413", (), 1)
    assert judge.holds(has)
    assert judge.holds(bills)
    assert judge.holds(Apart(bills, has, 0))
    assert not judge.holds(Supports("96413", (), 2))
    assert not judge.holds(Supports("96413", ("59",), 1))
    assert not judge.holds(Bills("96413", (), 2))
    assert not judge.holds(Apart(bills, has, 1))


def test_a_false_statement_and_a_number_without_one_are_found(explainer: Explainer) -> None:
    case = explainer.case(visits.LONG_DAY)
    derivation = case.derivation(None)
    reality = Reality(derivation)
    assert list(reality.departures(Line("fact", "x ran 47 minutes", says=(Holds("encounter"),))))
    assert list(reality.departures(Line("fact", "it is so", says=(Holds("route(a1,im)"),))))
    assert list(reality.departures(Line("fact", "it is so")))
    assert not list(reality.departures(Line("fact", "it is so", says=(Holds("encounter"),))))
