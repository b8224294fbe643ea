"""Checks proofs: accepts one only if everything in it follows from the law and the chart, and nothing is missing.

>>> check(b"[]").reason
'the document is no object'

What is checked, in this order: the document's form and seal; the law's digest; the chart's digest; the facts, which are
translated from the chart again; every answer of the law, derived anew for every way to settle the choices, against the
stated claims; every step; every atom that holds has its step; and the evidence of every ``not``.
"""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .budget import KEPT, WORK, Budget, LimitError
from .chart import ChartError, normal
from .document import PROOF, RejectionError, expect_form, read, short
from .drugs import DrugError, Drugs
from .evaluator import Answer, Program
from .facts import IN_UNITS, OF_THE_LIST, Listed, TranslationError, translate
from .overlay import laid_over
from .parser import parse
from .steps import StepError, atom, denials, evidence, rewrite, same
from .support import Support
from .syntax import LawError, Literal, Rule
from .terms import Atom, show

FORMAT, VERSION = "ivproof proof", 1
NAMES = "policy.toml"  # says how a policy is called, of what edition it is, and which files make up its law
PUBLISHED = "published.toml"  # says of each edition which digest its law has
LARGEST_LAW = 2_000_000  # characters: six times those of the installed law
CLAIM = (("total", 2), ("total_with", 3), ("undetermined", 1))
LINES = (
    ("discarded_line", 4),
    ("drug_line", 3),
    ("excluded", 3),
    ("line_modifier", 2),
    ("modifier", 4),
    ("unit", 5),
)
DRUG_LIST = {("drug_kind", 2), ("printed", 1), ("hormonal", 1), ("immunotherapy", 1), ("own_codes", 6)}

ACCEPTED, REJECTED, UNDECIDED, FAULT = "accepted", "rejected", "undecided", "fault"
"""What a verdict may be: `UNDECIDED` where a limit was met, `FAULT` where this program failed."""


@dataclass(frozen=True, slots=True)
class Line:
    """A code of a claim with its units, and of each modifier how many of the units carry it."""

    code: str
    units: int
    modifiers: Mapping[str, int]

    def __str__(self) -> str:
        """The line as it is told: `96374 ×2 (59 ×1)`."""
        carried = ", ".join(f"{name} ×{units}" for name, units in self.modifiers.items())
        return f"{self.code} ×{self.units}" + (f" ({carried})" if carried else "")


@dataclass(frozen=True, slots=True)
class Reading:
    """A question that is not held as it would be if nobody had set it: another option than the default, or any where
    there is none; "open" where it has a default and is held open."""

    question: str
    option: str
    default: str | None


@dataclass(frozen=True, slots=True)
class Proved:
    """What an accepted proof proves: of this chart, by this law, under these readings, exactly these claims follow."""

    encounter: str
    chart: str
    """Digest of the chart."""
    policy: str
    edition: str
    law: str
    """Digest of the law."""
    status: str
    claims: tuple[tuple[Line, ...], ...]
    undetermined: tuple[str, ...]
    """What the law says is missing for a claim to follow."""
    readings: tuple[Reading, ...]
    open: tuple[str, ...]
    """Questions that are held open, so that the claims are those of all their options."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What somebody expects of a proof, beside that it is one.

    `chart` is plain data, in any form that the format admits. `claim` gives each code of the one claim its units.
    `published` is the digest of a published edition (see `published_digest`), "" where none was: the law has to be that
    one, may not be the proof's own, and every question must have its default, or be open without one.
    """

    chart: Any = None
    claim: Mapping[str, int] | None = None
    published: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a proof is accepted, and what it proves; if not, where it fails and why; and what was taken on trust."""

    accepted: bool
    step: str = ""
    reason: str = ""
    trusted: tuple[str, ...] = ()
    verdict: str = ACCEPTED
    proved: Proved | None = None

    def __str__(self) -> str:
        """The verdict in one line."""
        if self.accepted:
            return "accepted" + (f" (on trust: {'; '.join(self.trusted)})" if self.trusted else "")
        return f"{self.verdict}: {self.step}: {self.reason}" if self.step else f"{self.verdict}: {self.reason}"

    def plain(self) -> dict[str, Any]:
        """The verdict as plain data: what is proved stands beside it, and is null where nothing is."""
        it = self.proved
        return {
            "accepted": self.accepted,
            "verdict": self.verdict,
            "step": self.step,
            "reason": self.reason,
            "encounter": it and it.encounter,
            "chart": it and it.chart,
            "policy": it and {"id": it.policy, "edition": it.edition, "digest": it.law},
            "status": it and it.status,
            "claims": it and [list(map(asdict, claim)) for claim in it.claims],
            "undetermined": it and list(it.undetermined),
            "readings": it and list(map(asdict, it.readings)),
            "open": it and list(it.open),
            "trusted": list(self.trusted),
        }


def check(
    proof: Mapping[str, Any] | bytes,
    law: Mapping[str, str] | None = None,
    drugs: Drugs | None = None,
    expected: Expected | None = None,
    limit: int = WORK,
) -> Verdict:
    """Check a proof against the texts of a law, by file; with None against the law that is in the proof itself.

    Where `policy.toml` is among the texts, the policy's id and edition are compared with it too.
    `drugs` is a drug list to compare with; without one what the proof says of drugs is taken on trust. `limit` bounds
    the work (see `budget`). Nothing is raised: whatever is wrong is in the verdict.
    """
    try:
        document = read(proof) if isinstance(proof, bytes) else proof
        proved, trusted = _check(document, law, drugs, expected or Expected(), Budget(limit))
    except (RejectionError, StepError) as error:
        return Verdict(False, getattr(error, "step", ""), str(error), verdict=REJECTED)
    except (LimitError, LawError) as error:  # a recursion without end is found while the law is applied
        return Verdict(False, "", str(error), verdict=UNDECIDED)
    except (MemoryError, RecursionError) as error:
        return Verdict(False, "", f"it takes more memory than there is ({type(error).__name__})", verdict=UNDECIDED)
    except Exception as error:
        return Verdict(False, "", f"this checker failed: {type(error).__name__}: {error}", verdict=FAULT)
    return Verdict(True, trusted=tuple(trusted), proved=proved)


def named_policy(proof: bytes) -> str:
    """The id of the policy that a proof is about; "" where it does not say."""
    return _named(proof, "policy", "id")


def named_encounter(proof: bytes) -> str:
    """The id of the encounter that a proof is about; "" where it does not say."""
    return _named(proof, "chart", "encounter")


def _named(proof: bytes, *path: str) -> str:
    try:
        found = read(proof)
        for step in path:
            found = found[step]
    except (RejectionError, LimitError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) else ""


def installed(policy: str) -> Path:
    """The folder of a policy that is installed with this program, or stands beside it in a checkout.

    Raises ValueError for what is no name of a policy.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", policy):
        raise ValueError(f"{policy!r} is no name of a policy")
    here = Path(__file__).resolve()
    inside = here.parents[1] / "asp"
    return (inside if inside.is_dir() else here.parents[3] / "asp") / policy


def published_digest(folder: Path) -> str:
    """The digest under which the edition of a policy was published beside its folder; "" where it was not.

    Raises OSError, ValueError, or KeyError where a file is not of its form.
    """
    described = tomllib.loads(_text(folder / NAMES))
    try:
        published = tomllib.loads(_text(folder.resolve().parent / PUBLISHED))
    except FileNotFoundError:
        return ""
    return str(published.get(described["id"], {}).get(str(described["edition"]), ""))


def read_law(folder: Path) -> dict[str, str]:
    """The texts of a policy's law by file, as its `policy.toml` lists them, and that file under its bare name.

    Of an overlay they are those of the law that it makes with the policy below it. Raises OSError, ValueError, or
    KeyError where it lists none.
    """
    described = _text(folder / NAMES)
    return {**_law_of(folder, tomllib.loads(described), ()), NAMES: described}


def _law_of(folder: Path, described: Mapping[str, Any], over: tuple[Path, ...]) -> dict[str, str]:
    above = folder.resolve().parent
    extends = described.get("extends")
    files: dict[str, str] = {}
    for file in described["files"] if extends is None else described.get("files", ()):
        path = Path(os.path.normpath(folder.resolve() / file))
        files[path.relative_to(above).as_posix()] = _text(path)
    if extends is None:
        return files
    name = str(extends)
    below = above / name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else installed(name)
    below = below if (below / NAMES).is_file() else installed(name)
    if below.resolve() in (*over, folder.resolve()):
        raise ValueError(f"{folder / NAMES} stands on itself")
    return laid_over(_law_of(below, tomllib.loads(_text(below / NAMES)), (*over, folder.resolve())), files, described)


def _text(path: Path) -> str:
    if not path.is_file() and path.exists():  # a pipe would be waited for
        raise ValueError(f"{path} is no file")
    with path.open("rb") as file:
        data = file.read(LARGEST_LAW + 1)
    if len(data) > LARGEST_LAW:
        raise ValueError(f"{path} has more than {LARGEST_LAW} bytes")
    return data.decode().replace("\r\n", "\n")


def digest_of(law: Mapping[str, str]) -> str:
    """``sha256:`` and the hash of a law: of each file's name and text, in order."""
    total = hashlib.sha256()
    for name, text in law.items():
        body = text.encode()
        total.update(name.encode() + b"\0" + str(len(body)).encode() + b"\0" + body)
    return f"sha256:{total.hexdigest()}"


# --- the document


def hash_of(value: object) -> str:
    """``sha256:`` and the hash of a value as JSON with sorted keys and without spaces: of a chart, of a proof."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _expect(found: object, expected: object, what: str) -> None:
    if not same(found, expected):
        raise RejectionError(f"{what}: found {short(found)}, expected {short(expected)}")


def _check(
    proof: Any, law: Mapping[str, str] | None, drugs: Drugs | None, expected: Expected, work: Budget
) -> tuple[Proved, list[str]]:
    expect_form(proof, PROOF, "the document")
    _expect([proof["format"], proof["version"]], [FORMAT, VERSION], "format and version")
    _check_chart(proof["chart"], expected)
    _expect(proof["seal"], hash_of({name: part for name, part in proof.items() if name != "seal"}), "seal")
    trusted = [] if law is not None else ["the law that the proof brings along"]
    program = _law(proof["policy"], law)
    rules = program.rules
    facts, listed = _facts(proof, rules, drugs)
    trusted += listed
    settings, readings = _settings(proof["settings"], rules)
    question = [*facts, *settings]
    found = _outcome(proof["outcome"], proof["answers"], program.answers(question, work=work), work)
    proved = _proved(proof, readings, [it["question"] for it in proof["settings"] if it["source"] == "open"])
    _meets(proved, law, expected)
    for n, (stated, answer) in enumerate(zip(proof["answers"], found, strict=True), 1):
        _Derivation(rules, Support(program, answer, work), question, f"answer {n}").check(stated)
    return proved, trusted


def _proved(proof: Mapping[str, Any], readings: Sequence[Reading], open_: Sequence[str]) -> Proved:
    policy, chart, outcome = proof["policy"], proof["chart"], proof["outcome"]
    claims = [[atom(it) for it in claim] for claim in outcome["claims"]]
    return Proved(
        chart["encounter"],
        chart["digest"],
        policy["id"],
        policy["edition"],
        policy["digest"],
        outcome["status"],
        tuple(map(_lines, claims)),
        tuple(sorted({show(it[1]) for claim in claims for it in claim if it[0] == "undetermined"})),
        tuple(readings),
        tuple(open_),
    )


def _lines(claim: Sequence[Atom]) -> tuple[Line, ...]:
    carried: dict[str, dict[str, int]] = {}
    for it in claim:
        if it[0] == "total_with":
            carried.setdefault(show(it[1]), {})[show(it[2]).strip('"')] = _whole(it[3])
    totals = [(show(it[1]), _whole(it[2])) for it in claim if it[0] == "total"]
    return tuple(Line(code.strip('"'), units, carried.get(code, {})) for code, units in totals)


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise RejectionError(f"units: found {value}, expected a number", "outcome")
    return value


def _meets(proved: Proved, law: Mapping[str, str] | None, expected: Expected) -> None:
    """Compare what a proof is said to prove with what is expected of it."""
    if expected.published is not None and law is None:
        raise RejectionError("the law is the proof's own, and no published one", "law")
    if expected.published is not None and proved.law != expected.published:
        held = expected.published or "none"
        raise RejectionError(f"the law is not as it was published: found {proved.law}, expected {held}", "law")
    if expected.published is not None and proved.readings:
        named = ", ".join(it.question for it in proved.readings)
        raise RejectionError(f"not every question is held as published: {named}", "settings")
    if expected.claim is not None:
        found = [{it.code: it.units for it in claim} for claim in proved.claims]
        if found != [dict(expected.claim)] or proved.undetermined:
            said = " or ".join(", ".join(map(str, claim)) or "nothing" for claim in proved.claims)
            wanted = ", ".join(f"{code} ×{units}" for code, units in expected.claim.items()) or "nothing"
            raise RejectionError(f"it is about {said}, expected {wanted}", "claim")


def _check_chart(chart: Mapping[str, Any], expected: Expected) -> None:
    try:
        content = normal(chart["content"])
        wanted = content if expected.chart is None else normal(expected.chart)
    except ChartError as error:
        raise RejectionError(str(error), "chart") from None
    if not same(chart["content"], content):
        raise RejectionError(f"it is not in its normal form; {_differing(chart['content'], content, '')}", "chart")
    _expect(chart["digest"], hash_of(content), "digest of the chart")
    _expect(chart["encounter"], content["id"], "encounter")
    if not same(content, wanted):
        raise RejectionError(f"the proof is about another chart; {_differing(content, wanted, '')}", "chart")


def _differing(found: Any, wanted: Any, place: str) -> str:
    """Where two pieces of plain data differ first."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        parts = [(f"{place}.{name}".strip("."), found.get(name), wanted.get(name)) for name in {**found, **wanted}]
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        parts = [(f"{place}[{n}]", one, other) for n, (one, other) in enumerate(zip(found, wanted, strict=True))]
    else:
        return f"{place}: found {short(found)}, expected {short(wanted)}"
    return next((_differing(one, other, where) for where, one, other in parts if not same(one, other)), "")


# --- law, chart, facts, settings


def _law(policy: Mapping[str, Any], law: Mapping[str, str] | None) -> Program:
    embedded = {file["file"]: file["text"] for file in policy["law"]}
    if len(embedded) != len(policy["law"]):
        raise RejectionError("a file of the law is there twice")
    _expect(policy["digest"], digest_of(embedded), "digest of the law in the proof")
    if law is not None:
        texts = {name: text for name, text in law.items() if name != NAMES}
        _expect(policy["digest"], digest_of(texts), "digest of the law: the proof is not about this law")
        if NAMES in law:
            described = tomllib.loads(law[NAMES])
            stated = [policy["id"], policy["edition"]]
            _expect(stated, [described["id"], str(described["edition"])], "policy and its edition")
    try:
        return _program(tuple(embedded.items()))
    except LawError as error:
        raise RejectionError(str(error), "law") from None


@lru_cache(maxsize=4)
def _program(law: tuple[tuple[str, str], ...]) -> Program:
    """The rules of a law, ready to be applied; many proofs are about one law."""
    if sum(len(text) for _, text in law) > LARGEST_LAW:
        raise LimitError(f"the law has more than {LARGEST_LAW} characters")
    rules = [rule for name, text in law if not name.endswith("vocabulary.lp") for rule in parse(text, name)]
    return Program(rules, Budget(WORK))


def _facts(proof: Mapping[str, Any], rules: Sequence[Rule], drugs: Drugs | None) -> tuple[list[Atom], list[str]]:
    chart = proof["chart"]
    stated = []
    for fact in proof["facts"]:
        try:
            stated.append((atom(fact["atom"]), fact["place"]))
        except StepError as error:
            raise RejectionError(str(error), "facts") from None
    payers = {it for rule in rules for part in rule.body if isinstance(part, Literal) for it in _payer(part)}
    try:
        ours = list(translate(chart["content"], Listed(it for it, _ in stated), payers))
    except TranslationError as error:
        raise RejectionError(str(error), "facts") from None
    expected = sorted(ours, key=lambda it: (it[1], it[0]))
    theirs = [(fact["atom"], fact["place"]) for fact in proof["facts"]]
    for missing in [it for it in expected if it not in set(theirs)]:
        raise RejectionError(
            f"the chart says {missing[0]} at {missing[1] or 'its top'}, and the proof does not", "facts"
        )
    for extra in [it for it in theirs if it not in set(expected)]:
        raise RejectionError(f"the proof says {extra[0]} at {extra[1] or 'its top'}, and the chart does not", "facts")
    _expect(theirs, expected, "order of the facts")
    listed = _listed(proof["drug_list"], stated)
    given = [it for it, _ in stated]
    if drugs is not None:
        try:
            return [*given, *listed], drugs.check(chart["content"], given, listed)
        except DrugError as error:
            raise RejectionError(str(error), "drugs") from None
    of_list = [
        show(it) for it, _ in stated if it[0] in {"drug", "in_fluid", "also_in", *IN_UNITS, *OF_THE_LIST} - {"form"}
    ]
    said = ", ".join(sorted([*of_list, *proof["drug_list"]]))
    return [*given, *listed], [f"of the drug list: {said}"] if said else []


def _payer(part: Literal) -> Iterator[str]:
    if part.atom.signature == ("payer", 1) and isinstance(part.atom.arguments[0], str):
        yield part.atom.arguments[0]


def _listed(stated: Sequence[str], facts: Sequence[tuple[Atom, str]]) -> list[Atom]:
    """The facts of the drug list: about known drugs of this chart, of each one kind."""
    found = [atom(text) for text in stated]
    _expect(list(stated), sorted(set(stated)), "order of the drug list")
    drugs = {it[2] for it, _ in facts if (it[0], len(it)) in {("drug", 3), ("in_fluid", 4), ("also_in", 3)}}
    known = {drug for drug in drugs if not (str(drug)[:1] == "u" and str(drug)[1:].isdigit())}
    for it in found:
        if (it[0], len(it) - 1) not in DRUG_LIST or it[1] not in known:
            raise RejectionError(f"{show(it)} is not about a drug of the chart", "drug_list")
    kinds = sorted(show(it[1]) for it in found if it[0] == "drug_kind")
    _expect(kinds, sorted(map(str, known)), "drugs that have a kind")
    return found


def _settings(stated: Sequence[Mapping[str, Any]], rules: Sequence[Rule]) -> tuple[list[Atom], list[Reading]]:
    """What is held of each question, an option that it has, by default the default; and where it is another."""
    facts = [rule.fact for rule in rules if rule.is_fact]
    questions = [str(it[1]) for it in facts if (it[0], len(it)) == ("question", 4)]
    options = {(str(it[1]), str(it[3])) for it in facts if (it[0], len(it)) == ("option", 5)}
    default = {str(it[1]): str(it[2]) for it in facts if (it[0], len(it)) == ("default", 3)}
    _expect([it["question"] for it in stated], questions, "questions")
    found: list[Atom] = []
    readings: list[Reading] = []
    for it in stated:
        key, option, source = it["question"], it.get("option"), it["source"]
        if source == "open":
            if option is not None:
                raise RejectionError(f"{key} is open and has the option {option}", "settings")
            found.append(("open", key))
            readings += [Reading(key, "open", default[key])] if key in default else []
            continue
        if (key, option) not in options or source not in {"set", "default"}:
            raise RejectionError(f"{key} has no option {option!r}", "settings")
        if source == "default" and default.get(key) != option:
            raise RejectionError(f"{option} is not the default of {key}", "settings")
        found.append(("reading", key, str(option)))
        if default.get(key) != option:
            readings.append(Reading(key, str(option), default.get(key)))
    return found, readings


# --- outcome


def _texts(answer: Answer, predicates: Sequence[tuple[str, int]]) -> list[str]:
    return sorted(show(it) for name, arity in predicates for it in answer.of(name, arity))


def _chosen(answer: Answer) -> list[str]:
    return sorted({show(it.chosen) for it in answer.choices if it.chosen is not None})


def _outcome(
    outcome: Mapping[str, Any], stated: Sequence[Mapping[str, Any]], answers: Iterator[Answer], work: Budget
) -> list[Answer]:
    """Every way to settle the choices leads to a stated claim, and each stated claim is led to.

    Gives the answers in which the choices are settled as the stated answers say. No others are kept, and none is looked
    for after the first that leads elsewhere.
    """
    claims = sorted({tuple(it) for it in outcome["claims"]})
    _expect(outcome["claims"], list(map(list, claims)), "order of the claims")
    _expect([it["claim"] for it in stated], outcome["claims"], "claims of the answers")
    places = {tuple(it["chosen"]): n for n, it in enumerate(stated)}
    found: dict[int, Answer] = {}
    led_to = dict.fromkeys(claims, False)
    held: dict[tuple[str, ...], set[int]] = {}
    numbers = {claim: n for n, claim in enumerate(claims)}
    supposed = False
    for answer in answers:
        claim = tuple(_texts(answer, CLAIM))
        if claim not in led_to:
            raise RejectionError(f"a way to settle the choices leads to {short(claim)}, which is not stated", "outcome")
        led_to[claim] = True
        chosen = tuple(_chosen(answer))
        work.spend(KEPT * (1 + len(chosen)))
        held.setdefault(tuple(it for it in chosen if it.startswith("reading(")), set()).add(numbers[claim])
        supposed = supposed or any(it.startswith("supposed_") for it in chosen)
        if chosen in places and found.setdefault(places[chosen], answer) is not answer:
            raise RejectionError(f"there is more than one way to settle the choices as {short(chosen)}", "answers")
    if missing := [claim for claim, met in led_to.items() if not met]:
        raise RejectionError(f"no way to settle the choices leads to {short(missing[0])}", "outcome")
    if not claims:
        raise RejectionError("the law has no answer for this chart", "outcome")
    for n, it in enumerate(stated):
        if n not in found:
            raise RejectionError(f"no way to settle the choices is {short(it['chosen'])}", f"answer {n + 1}")
    _expect(outcome["status"], _status(claims, supposed and any(len(it) > 1 for it in held.values())), "status")
    return [found[n] for n in range(len(stated))]


def _status(claims: Sequence[Sequence[str]], missing: bool) -> str:
    """Undetermined where a fact is missing as soon as it alone, all else kept, gives another claim."""
    if len(claims) == 1:
        return "undetermined" if any(it.startswith("undetermined(") for it in claims[0]) else "determined"
    return "undetermined" if missing else "ambiguous"


# --- one answer


class _Derivation:
    """The steps of one answer, checked one by one."""

    def __init__(self, rules: Sequence[Rule], support: Support, given: Sequence[Atom], where: str) -> None:
        self.clauses = {(rule.id, rule.clause): rule for rule in rules}
        self.support = support
        self.answer, self.where = support.answer, where
        self.given = {*given, *(rule.fact for rule in rules if rule.is_fact)}

    def check(self, stated: Mapping[str, Any]) -> None:
        """Raises RejectionError where something does not follow, is missing or too much."""
        for what, predicates in (("claim", CLAIM), ("lines", LINES)):
            try:
                _expect(stated[what], _texts(self.answer, predicates), what)
            except RejectionError as error:
                raise RejectionError(str(error), self.where) from None
        depth = dict.fromkeys(self.given, 0)
        denied: dict[str, tuple[Any, ...]] = {}
        last: tuple[int, str] = (0, "")
        for n, step in enumerate(stated["steps"], 1):
            where = f"{self.where}, step {n}"
            try:
                place = self._step(step, depth, denied)
            except StepError as error:
                raise RejectionError(f"{short(step.get('atom'))}: {error}", where) from None
            if place <= last:
                raise RejectionError(f"{step['atom']} stands out of order", where)
            last = place
        for missing in sorted(show(it) for it in self.answer.atoms - depth.keys()):
            raise RejectionError(f"{missing} follows, and no step concludes it", f"{self.where}, steps")
        self._absent(stated["absent"], denied)

    def _step(
        self, step: Mapping[str, Any], depth: dict[Atom, int], denied: dict[str, tuple[Any, ...]]
    ) -> tuple[int, str]:
        name, clause = step.get("rule"), step.get("clause")
        rule = self.clauses.get((name, clause)) if isinstance(name, str) and type(clause) is int else None
        if rule is None or rule.is_fact:
            raise StepError(f"the law has no rule {name}, clause {clause}")
        found = rewrite(step, rule, self.support, depth)
        if not same(found, step):
            raise StepError(_difference(found, step))
        head = atom(step["atom"])
        if head in depth:
            raise StepError("it holds already")
        uses = [*step.get("uses", ())]
        uses += [it for count in step.get("counts", ()) for way in count["counted"] for it in way["uses"]]
        depth[head] = 1 + max((depth[atom(it)] for it in uses), default=0)
        denied.update(denials(rule, step, self.support))
        return depth[head], step["atom"]

    def _absent(self, stated: Sequence[Mapping[str, Any]], denied: Mapping[str, tuple[Any, ...]]) -> None:
        where = f"{self.where}, absent"
        if wrong := sorted({it["atom"] for it in stated} ^ denied.keys()):
            raise RejectionError(f"{wrong[0]}: what the steps deny and what has evidence differ", where)
        _expect([it["atom"] for it in stated], sorted(denied), "order of the evidence")
        for n, it in enumerate(stated, 1):
            try:
                found = evidence(denied[it["atom"]], self.support)
            except StepError as error:
                raise RejectionError(f"{it['atom']}: {error}", f"{where} {n}") from None
            if not same(found, it["clauses"]):
                raise RejectionError(
                    f"{it['atom']}: found {short(it['clauses'])}, expected {short(found)}", f"{where} {n}"
                )


def _difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    for name in sorted({*expected, *found}):
        if not same(expected.get(name), found.get(name)):
            return f"{name}: found {short(found.get(name))}, expected {short(expected.get(name))}"
    return "it differs"
