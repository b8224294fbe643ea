"""Checks proofs: accepts one only if everything in it follows from the law and the chart, and nothing is missing.

>>> check(b"[]").reason
'the document is no object'

What is checked, in this order: the document's form and seal; the law's digest; the chart's digest; the facts, which are
translated from the chart again; every answer of the law, derived anew for every way to settle the choices, against the
stated claims; every step; every atom that holds has its step; and the evidence of every ``not``.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from .chart import ChartError, normal
from .drugs import DrugError, Drugs
from .evaluator import Answer, Program
from .facts import Listed, TranslationError, translate
from .parser import parse
from .steps import StepError, atom, denials, evidence, rewrite, same
from .support import Support
from .syntax import Literal, Rule
from .terms import Atom, show

FORMAT, VERSION = "ivproof proof", 1
NAMES = "policy.toml"  # says how a policy is called, of what edition it is, and which files make up its law
PARTS = (
    "answers",
    "chart",
    "drug_list",
    "facts",
    "format",
    "made_with",
    "outcome",
    "policy",
    "seal",
    "settings",
    "version",
)
MOST = 100_000  # answers that are gone through: a proof cannot keep the checker busy for ever
CLAIM = (("total", 2), ("total_with", 3), ("undetermined", 1))
LINES = (
    ("discarded_line", 4),
    ("drug_line", 3),
    ("excluded", 3),
    ("line_modifier", 2),
    ("modifier", 4),
    ("unit", 5),
)
DRUG_LIST = {("drug_kind", 2), ("printed", 1), ("hormonal", 1), ("immunotherapy", 1)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a proof is accepted; if not, where it fails and why; and what was taken on trust."""

    accepted: bool
    step: str = ""
    reason: str = ""
    trusted: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The verdict in one line."""
        if self.accepted:
            return "accepted" + (f" (on trust: {'; '.join(self.trusted)})" if self.trusted else "")
        return f"rejected: {self.step}: {self.reason}" if self.step else f"rejected: {self.reason}"


class RejectionError(ValueError):
    """Something in a proof that is not so; `step` says where."""

    def __init__(self, reason: str, step: str = "") -> None:
        super().__init__(reason)
        self.step = step


def check(
    proof: Mapping[str, Any] | bytes, law: Mapping[str, str] | None = None, drugs: Drugs | None = None
) -> Verdict:
    """Check a proof against the texts of a law, by file; with None against the law that is in the proof itself.

    Where `policy.toml` is among the texts, the policy's id and edition are compared with it too.
    `drugs` is a drug list to compare with; without one what the proof says of drugs is taken on trust. Nothing is
    raised: whatever is wrong with the document is in the verdict.
    """
    try:
        document = _read(proof) if isinstance(proof, bytes) else proof
        trusted = _check(document, law, drugs)
    except RejectionError as error:
        return Verdict(False, error.step, str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        return Verdict(False, "", f"the document is not in order ({type(error).__name__}: {error})")
    return Verdict(True, trusted=tuple(trusted))


def named_policy(proof: bytes) -> str:
    """The id of the policy that a proof is about; "" where it does not say."""
    try:
        return str(json.loads(proof)["policy"]["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def installed(policy: str) -> Path:
    """The folder of a policy that is installed with this program, or stands beside it in a checkout.

    Raises ValueError for what is no name of a policy.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", policy):
        raise ValueError(f"{policy!r} is no name of a policy")
    here = Path(__file__).resolve()
    inside = here.parents[1] / "asp"
    return (inside if inside.is_dir() else here.parents[3] / "asp") / policy


def read_law(folder: Path) -> dict[str, str]:
    """The texts of a policy's law by file, as its `policy.toml` lists them, and that file under its bare name.

    Raises OSError, ValueError, or KeyError where it lists none.
    """
    described = (folder / NAMES).read_text("utf-8")
    above = folder.resolve().parent
    files = {
        (folder / file).resolve().relative_to(above).as_posix(): (folder / file).read_text("utf-8")
        for file in tomllib.loads(described)["files"]
    }
    return {**files, NAMES: described}


def digest_of(law: Mapping[str, str]) -> str:
    """``sha256:`` and the hash of a law: of each file's name and text, in order."""
    total = hashlib.sha256()
    for name, text in law.items():
        body = text.encode()
        total.update(name.encode() + b"\0" + str(len(body)).encode() + b"\0" + body)
    return f"sha256:{total.hexdigest()}"


@lru_cache(maxsize=16)
def _answers(program: Program, question: tuple[Atom, ...]) -> tuple[Answer, ...]:
    """Every answer; kept for those who check many proofs about one chart."""
    found = tuple(islice(program.answers(question), MOST + 1))
    if len(found) > MOST:
        raise RejectionError(f"there are more than {MOST} ways to settle the choices")
    return found


# --- the document


def _read(data: bytes) -> Mapping[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise RejectionError("a part of the document is there twice")
        return found

    def constant(name: str) -> Any:
        raise RejectionError(f"{name} is not JSON")

    try:
        found = json.loads(data.decode(), object_pairs_hook=once, parse_constant=constant)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RejectionError(f"the document is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise RejectionError("the document is no object")
    return found


def _parts(found: Any, names: Sequence[str], what: str) -> None:
    if not isinstance(found, Mapping):
        raise RejectionError(f"{what} is no object")
    lacking, unknown = sorted(set(names) - set(found)), sorted(set(found) - set(names))
    if lacking or unknown:
        said = [f"it lacks {', '.join(lacking)}"] * bool(lacking) + [f"it has {', '.join(unknown)}"] * bool(unknown)
        raise RejectionError(f"{what} has the wrong parts: {' and '.join(said)}")


def hash_of(value: object) -> str:
    """``sha256:`` and the hash of a value as JSON with sorted keys and without spaces: of a chart, of a proof."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _expect(found: object, expected: object, what: str) -> None:
    if not same(found, expected):
        raise RejectionError(f"{what}: found {_short(found)}, expected {_short(expected)}")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _check(proof: Mapping[str, Any], law: Mapping[str, str] | None, drugs: Drugs | None) -> list[str]:
    _parts(proof, PARTS, "the document")
    _expect([proof["format"], proof["version"]], [FORMAT, VERSION], "format and version")
    _parts(proof["made_with"], ("clingo", "ivproof"), "made_with")
    if not all(isinstance(it, str) for it in proof["made_with"].values()):
        raise RejectionError("made_with has no versions")
    _parts(proof["policy"], ("digest", "edition", "id", "law"), "policy")
    _parts(proof["chart"], ("content", "digest", "encounter"), "chart")
    _parts(proof["outcome"], ("claims", "status"), "outcome")
    _expect(proof["seal"], hash_of({name: part for name, part in proof.items() if name != "seal"}), "seal")
    trusted = [] if law is not None else ["the law that the proof brings along"]
    program = _law(proof["policy"], law)
    rules = program.rules
    facts, listed = _facts(proof, rules, drugs)
    trusted += listed
    question = [*facts, *_settings(proof["settings"], rules)]
    answers = _answers(program, tuple(question))
    _outcome(proof["outcome"], proof["answers"], answers)
    for n, stated in enumerate(proof["answers"], 1):
        where = f"answer {n}"
        _parts(stated, ("absent", "chosen", "claim", "lines", "steps"), where)
        chosen = [it for it in answers if same(_chosen(it), stated["chosen"])]
        if len(chosen) != 1:
            raise RejectionError(f"no way to settle the choices is {_short(stated['chosen'])}", where)
        _Derivation(rules, program, chosen[0], question, where).check(stated)
    return trusted


# --- law, chart, facts, settings


def _law(policy: Mapping[str, Any], law: Mapping[str, str] | None) -> Program:
    for file in policy["law"]:
        _parts(file, ("file", "text"), "a file of the law")
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
    return _program(tuple(embedded.items()))


@lru_cache(maxsize=4)
def _program(law: tuple[tuple[str, str], ...]) -> Program:
    """The rules of a law, ready to be applied; many proofs are about one law."""
    return Program(rule for name, text in law if not name.endswith("vocabulary.lp") for rule in parse(text, name))


def _facts(proof: Mapping[str, Any], rules: Sequence[Rule], drugs: Drugs | None) -> tuple[list[Atom], list[str]]:
    chart = proof["chart"]
    _expect(chart["digest"], hash_of(chart["content"]), "digest of the chart")
    try:
        _expect(chart["content"], normal(chart["content"]), "form of the chart")
    except ChartError as error:
        raise RejectionError(str(error), "chart") from None
    _expect(chart["encounter"], chart["content"]["id"], "encounter")
    stated = []
    for fact in proof["facts"]:
        _parts(fact, ("atom", "place"), "a fact")
        stated.append((atom(fact["atom"]), fact["place"]))
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
    of_list = [show(it) for it, _ in stated if it[0] in {"drug", "code_in_force", "printed_code", "printed_per_unit"}]
    said = ", ".join(sorted([*of_list, *proof["drug_list"]]))
    return [*given, *listed], [f"of the drug list: {said}"] if said else []


def _payer(part: Literal) -> Iterator[str]:
    if part.atom.signature == ("payer", 1) and isinstance(part.atom.arguments[0], str):
        yield part.atom.arguments[0]


def _listed(stated: Sequence[str], facts: Sequence[tuple[Atom, str]]) -> list[Atom]:
    """The facts of the drug list: about known drugs of this chart, of each one kind."""
    found = [atom(text) for text in stated]
    _expect(list(stated), sorted(set(stated)), "order of the drug list")
    drugs = {it[2] for it, _ in facts if it[0] == "drug" and len(it) == 3}
    known = {drug for drug in drugs if not (str(drug)[:1] == "u" and str(drug)[1:].isdigit())}
    for it in found:
        if (it[0], len(it) - 1) not in DRUG_LIST or it[1] not in known:
            raise RejectionError(f"{show(it)} is not about a drug of the chart", "drug_list")
    kinds = sorted(show(it[1]) for it in found if it[0] == "drug_kind")
    _expect(kinds, sorted(map(str, known)), "drugs that have a kind")
    return found


def _settings(stated: Sequence[Mapping[str, Any]], rules: Sequence[Rule]) -> list[Atom]:
    """What is held of each question: an option that it has, by default the default."""
    facts = [rule.fact for rule in rules if rule.is_fact]
    questions = [str(it[1]) for it in facts if (it[0], len(it)) == ("question", 4)]
    options = {(str(it[1]), str(it[3])) for it in facts if (it[0], len(it)) == ("option", 5)}
    default = {str(it[1]): str(it[2]) for it in facts if (it[0], len(it)) == ("default", 3)}
    _expect([it["question"] for it in stated], questions, "questions")
    found: list[Atom] = []
    for it in stated:
        key, option, source = it["question"], it.get("option"), it["source"]
        if source == "open":
            _parts(it, ("question", "source"), f"setting of {key}")
            found.append(("open", key))
            continue
        _parts(it, ("option", "question", "source"), f"setting of {key}")
        if (key, option) not in options or source not in {"set", "default"}:
            raise RejectionError(f"{key} has no option {option!r}", "settings")
        if source == "default" and default.get(key) != option:
            raise RejectionError(f"{option} is not the default of {key}", "settings")
        found.append(("reading", key, str(option)))
    return found


# --- outcome


def _texts(answer: Answer, predicates: Sequence[tuple[str, int]]) -> list[str]:
    return sorted(show(it) for name, arity in predicates for it in answer.of(name, arity))


def _chosen(answer: Answer) -> list[str]:
    return sorted({show(it.chosen) for it in answer.choices if it.chosen is not None})


def _outcome(outcome: Mapping[str, Any], stated: Sequence[Mapping[str, Any]], answers: Sequence[Answer]) -> None:
    """Every way to settle the choices leads to a stated claim, and each stated claim is led to."""
    claims = sorted({tuple(_texts(answer, CLAIM)) for answer in answers})
    _expect(outcome["claims"], list(map(list, claims)), "claims, of all ways to settle the choices")
    _expect([it["claim"] for it in stated], outcome["claims"], "claims of the answers")
    _expect(outcome["status"], _status(answers, claims), "status")


def _status(answers: Sequence[Answer], claims: Sequence[Sequence[str]]) -> str:
    """Undetermined where a fact is missing as soon as it alone, all else kept, gives another claim."""
    if len(claims) == 1:
        return "undetermined" if any(it.startswith("undetermined(") for it in claims[0]) else "determined"
    held: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for answer in answers:
        kept = tuple(it for it in _chosen(answer) if it.startswith("reading("))
        held.setdefault(kept, set()).add(tuple(_texts(answer, CLAIM)))
    supposed = any(it.startswith("supposed_") for answer in answers for it in _chosen(answer))
    return "undetermined" if supposed and any(len(it) > 1 for it in held.values()) else "ambiguous"


# --- one answer


class _Derivation:
    """The steps of one answer, checked one by one."""

    def __init__(
        self, rules: Sequence[Rule], program: Program, answer: Answer, given: Sequence[Atom], where: str
    ) -> None:
        self.clauses = {(rule.id, rule.clause): rule for rule in rules}
        self.support = Support(program, answer)
        self.answer, self.where = answer, where
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
                raise RejectionError(f"{_short(step.get('atom'))}: {error}", where) from None
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
        for it in stated:
            _parts(it, ("atom", "clauses"), "evidence")
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
                    f"{it['atom']}: found {_short(it['clauses'])}, expected {_short(found)}", f"{where} {n}"
                )


def _difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    for name in sorted({*expected, *found}):
        if not same(expected.get(name), found.get(name)):
            return f"{name}: found {_short(found.get(name))}, expected {_short(expected.get(name))}"
    return "it differs"
