"""Proofs: a document with which anybody can check an answer, who trusts neither clingo nor this program.

It stands alone: the text of the law, the chart and its facts, and for each claim that the law leads to every atom that
holds, each concluded by a rule from what stands before it, and of each ``not`` why nothing concludes what it denies.
The same input gives the same bytes. ``recheck/checker.py`` checks proofs and shares no code with this module.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from ivproof.chart.encounter import Encounter, digest, dumps
from ivproof.chart.refusal import Place
from ivproof.claim.coding import Coder
from ivproof.engine.choices import CLAIM, claim_of
from ivproof.engine.engine import Alternative, Answer
from ivproof.engine.second import claims_of
from ivproof.law.syntax import Choice, all_variables
from ivproof.law.terms import order, parse
from ivproof.law.trace import Counted, Instance
from ivproof.law.trace import ElementWay as Way
from ivproof.proof.evidence import Absences
from ivproof.proof.record import QUESTIONS, FullRecorder
from ivproof.why.derivation import Derivation

FORMAT = "ivproof proof"
VERSION = 1

LINES = ("drug_line", "discarded_line", "excluded", "line_modifier", "modifier", "unit")
"""Predicates of what is on a claim, beside those by which claims are compared."""


def prove(coder: Coder, encounter: Encounter) -> dict[str, Any]:
    """Give the proof of the answer for one encounter, by the policy and the readings of `coder`.

    Raises record.RecordError where the record does not make the claim of the answer.
    """
    return Prover(coder).prove(encounter)


def canonical(proof: Mapping[str, Any]) -> bytes:
    """Give a proof as bytes: JSON with sorted keys, one item of a list a line."""
    return (json.dumps(proof, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def seal(proof: Mapping[str, Any]) -> str:
    """Give ``sha256:`` and the hash of a proof without its seal."""
    plain = {name: value for name, value in proof.items() if name != "seal"}
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class Prover:
    """Proves the answers of one coder; made once and used for many encounters."""

    def __init__(self, coder: Coder) -> None:
        self.coder = coder
        self.policy = coder.policy
        readings = {key: option or "open" for key, option in coder.engine.settings.items()}
        self._recorder = FullRecorder(self.policy, readings)
        self._absences = Absences(self.policy.program)
        self._variables: dict[tuple[str, int], frozenset[str]] = {}
        self._options = [
            str(rule.atom) for rule in self.policy.program.rules if rule.is_fact and rule.atom.signature in QUESTIONS
        ]

    def prove(self, encounter: Encounter) -> dict[str, Any]:
        """Give the proof for one encounter."""
        facts = self.coder.facts(encounter)
        [answer] = self.coder.engine.judge.answer([facts])
        determination = self.coder.determiner.determine(facts, answer, {})
        rivals: list[Alternative | None] = [*answer.alternatives] or [None]
        answers = [self._answer(Derivation(self._recorder.record(facts, answer, it))) for it in rivals]
        proof = {
            "format": FORMAT,
            "version": VERSION,
            "made_with": {"ivproof": version("ivproof"), "clingo": version("clingo")},
            "policy": {
                "id": self.policy.id,
                "edition": self.policy.edition,
                "digest": self.policy.digest,
                "law": [{"file": name, "text": text} for name, text in self.policy.texts.items()],
            },
            "chart": {"encounter": encounter.id, "digest": digest(encounter), "content": dumps(encounter)},
            "facts": sorted(
                ({"atom": str(it), "place": pointer(it.place)} for it in facts.own),
                key=lambda it: (it["place"], it["atom"]),
            ),
            "drug_list": sorted(facts.shared),
            "settings": self._settings(),
            "outcome": {"status": determination.status, "claims": _claims(answer)},
            "answers": sorted(answers, key=lambda it: it["claim"]),
        }
        return {**proof, "seal": seal(proof)}

    def _settings(self) -> list[dict[str, str]]:
        set_by_user = self.coder.determiner.set_by_user
        return [
            {"question": key, "source": "open"}
            if option is None
            else {"question": key, "option": option, "source": "set" if key in set_by_user else "default"}
            for key, option in self.coder.engine.settings.items()
        ]

    def _answer(self, derivation: Derivation) -> dict[str, Any]:
        """One way to settle the choices, with all that follows."""
        rank = derivation.founded
        given = {*derivation.chart, *derivation.listed, *derivation.tables}
        depth = dict.fromkeys(given, 0)
        steps = []
        denied: set[str] = set()
        for atom in sorted(set(derivation.ways) - given, key=lambda it: rank[it]):
            step = self._step(_reason(derivation, atom), atom)
            depth[atom] = 1 + max((depth[it] for it in _uses(step)), default=0)
            steps.append(step)
            denied.update(_denied(step))
        steps.sort(key=lambda it: (depth[it["atom"]], it["atom"]))
        evidence = self._absences.evidence(denied, [*derivation.atoms, *self._options])
        lines = [str(it) for name in LINES for it in derivation.of(name)]
        return {
            "claim": sorted(it for name in CLAIM for it in map(str, derivation.of(name))),
            "lines": sorted(lines),
            "chosen": sorted(it for it in derivation.chosen if it not in given),
            "steps": steps,
            "absent": [{"atom": atom, "clauses": clauses} for atom, clauses in evidence.items()],
        }

    def _step(self, instance: Instance, atom: str) -> dict[str, Any]:
        """An applied rule as a step; of an empty part of it nothing is said."""
        rule = instance.rule
        if (rule.id, rule.clause) not in self._variables:
            self._variables[rule.id, rule.clause] = all_variables(rule)
        own = self._variables[rule.id, rule.clause]
        step: dict[str, Any] = {
            "atom": atom,
            "rule": rule.id,
            "clause": rule.clause,
            "with": {name: value for name, value in sorted(instance.bindings.items()) if name in own},
            "uses": list(instance.positive),
            "absent": list(instance.negative),
            "compares": [[it.left, it.source.operator, it.right] for it in instance.comparisons],
            "counts": [_count(it) for it in instance.aggregates],
        }
        if isinstance(rule.head, Choice):
            step["candidates"] = sorted({way.terms[0] for way in instance.alternatives})
            way = min((it for it in instance.alternatives if it.terms[0] == atom), key=lambda it: it.positive)
            step["uses"] += way.positive
            step["absent"] += way.negative
            step["compares"] += [[it.left, it.source.operator, it.right] for it in way.comparisons]
        return {name: value for name, value in step.items() if value or name == "with"}


def pointer(place: Place) -> str:
    """Give the place of a fact in the chart as a JSON Pointer; "" is the chart as a whole."""
    return "".join(f"/{step}" for step in place)


def _claims(answer: Answer) -> list[list[str]]:
    if not answer.alternatives:
        return [sorted(claim_of(answer.atoms))]
    return sorted(map(sorted, claims_of(answer)))


def _reason(derivation: Derivation, atom: str) -> Instance:
    """The applied rule that a proof gives for an atom: of the shortest derivations the first in the law."""
    rank = derivation.founded

    def place(it: Instance) -> tuple[object, ...]:
        deepest = max((rank[need] for need in _used(it, atom)), default=0)
        return deepest, it.rule.file, it.rule.line, tuple(it.bindings.values())

    return min(derivation.reasons(atom), key=place)


def _used(instance: Instance, atom: str) -> Iterator[str]:
    yield from instance.positive
    for way in instance.alternatives:
        if way.terms[0] == atom:
            yield from way.positive


def _count(counted: Counted) -> dict[str, Any]:
    """What an aggregate came to; each different tuple of terms with one way to it."""
    ways: dict[tuple[str, ...], Way] = {}
    for way in sorted(counted.alternatives, key=lambda it: (it.positive, it.negative)):
        ways.setdefault(way.terms, way)
    return {
        "compares": [counted.value, counted.source.operator, counted.bound],
        "counted": [
            {"terms": list(terms), "uses": list(ways[terms].positive), "absent": list(ways[terms].negative)}
            for terms in sorted(ways, key=lambda it: [order(parse(term)) for term in it])
        ],
    }


def _uses(step: Mapping[str, Any]) -> Iterator[str]:
    """Every atom on which a step rests."""
    return _all(step, "uses")


def _denied(step: Mapping[str, Any]) -> Iterator[str]:
    """Every atom that must not hold for a step."""
    return _all(step, "absent")


def _all(step: Mapping[str, Any], part: str) -> Iterator[str]:
    yield from step.get(part, ())
    for count in step.get("counts", ()):
        for way in count["counted"]:
            yield from way[part]
