"""Changes proofs in every way that somebody could try, and counts those that are accepted: there must be none.

Counted with them are those at which the checker fails, and charts that no visit can be where they are rejected for
something else than the chart.

    python tests/tools/tamper.py --each 1000

Whoever changes a proof here knows its format: the seal is made anew after every change, and where it helps, so are the
digests of law and chart; the kinds of `forgeries` make the whole proof anew. What is not tried, since the proof goes on
to prove the same:

- other versions under `made_with`: nothing rests on them;
- another atom for a `_` of a condition, or another rule, where both conclude the same atom from what stands before;
- "set" for "default" (or the other way round, where the option is the default): who settled a question decides nothing;
- spaces and line breaks between the parts of the document;
- names and free texts of the chart of which no fact says more than that they are there, with the chart's digest made
  anew: that is an honest proof of the chart with the other text.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import forged_answers
import forged_documents
import forgeries
from case_files import Case, options, worked

from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy, law_folder
from ivproof.proof.maker import canonical, prove, seal
from ivproof.recheck.checker import FAULT, Verdict, check, digest_of, hash_of, installed, read_law
from ivproof.recheck.drugs import Drugs
from ivproof.recheck.steps import same

Proof = dict[str, Any]
Change = Callable[[random.Random, Proof], Proof | bytes | None]

KINDS: dict[str, Change] = {}
"""The kinds of this module, those of `forged_documents`, and those of `forgeries`, where everything is made anew."""


def kind(change: Change) -> Change:
    """Take a kind of change into the list; it gives None where a proof has nothing to change in this way."""
    KINDS[change.__name__.replace("_", " ").strip()] = change
    return change


# --- what is there to change


def steps(proof: Proof) -> list[dict[str, Any]]:
    return [step for answer in proof["answers"] for step in answer["steps"]]


def with_part(proof: Proof, part: str) -> list[dict[str, Any]]:
    return [step for step in steps(proof) if step.get(part)]


def atoms(proof: Proof) -> list[str]:
    return [*(it["atom"] for it in proof["facts"]), *(it["atom"] for it in steps(proof))]


def other(rng: random.Random, values: list[Any], than: Any) -> Any:
    """Another one of some values, or one that is surely different."""
    left = [it for it in values if it != than]
    return rng.choice(left) if left else f"{than}x"


def altered(rng: random.Random, atom: str, known: set[str]) -> str:
    """The atom with one thing changed: a number, or a constant; none that holds already."""
    places = list(re.finditer(r"[a-z][a-z_]*\d+|\d+|(?<=[(,])[a-z_]+(?=[,)])", atom))
    for _ in range(20):
        if not places:
            break
        found = rng.choice(places)
        text = found[0]
        number = re.search(r"\d+$", text)
        new = f"{text[: number.start()]}{int(number[0]) + rng.randint(1, 90)}" if number else f"{text}x"
        changed = atom[: found.start()] + new + atom[found.end() :]
        if changed not in known:
            return changed
    return f"{atom.partition('(')[0]}_x" if "(" not in atom else atom.replace("(", "_x(", 1)


# --- kinds: facts and chart


@kind
def a_fact_says_something_else(rng: random.Random, proof: Proof) -> Proof:
    fact = rng.choice(proof["facts"])
    fact["atom"] = altered(rng, fact["atom"], set(atoms(proof)))
    return proof


@kind
def a_fact_stands_elsewhere(rng: random.Random, proof: Proof) -> Proof:
    fact = rng.choice(proof["facts"])
    fact["place"] = other(rng, [it["place"] for it in proof["facts"]], fact["place"])
    return proof


@kind
def a_fact_is_left_out(rng: random.Random, proof: Proof) -> Proof:
    proof["facts"].pop(rng.randrange(len(proof["facts"])))
    return proof


@kind
def a_fact_is_added(rng: random.Random, proof: Proof) -> Proof:
    fact = dict(rng.choice(proof["facts"]))
    fact["atom"] = altered(rng, fact["atom"], set(atoms(proof)))
    proof["facts"] = sorted([*proof["facts"], fact], key=lambda it: (it["place"], it["atom"]))
    return proof


@kind
def a_drug_is_of_another_kind(rng: random.Random, proof: Proof) -> Proof | None:
    if not proof["drug_list"]:
        return None
    n = rng.randrange(len(proof["drug_list"]))
    proof["drug_list"][n] = altered(rng, proof["drug_list"][n], set(proof["drug_list"]))
    proof["drug_list"].sort()
    return proof


@kind
def a_time_of_the_chart_is_changed(rng: random.Random, proof: Proof) -> Proof | None:
    given = proof["chart"]["content"].get("administrations", [])
    timed = [(it, name) for it in given for name in ("start", "stop") if name in it]
    if not timed:
        return None
    it, name = rng.choice(timed)
    clock = re.search(r"\d\d:\d\d", it[name])
    assert clock is not None
    minute = (int(clock[0][:2]) * 60 + int(clock[0][3:]) + rng.randint(1, 600)) % 1440
    it[name] = it[name].replace(clock[0], f"{minute // 60:02}:{minute % 60:02}")
    proof["chart"]["digest"] = hash_of(proof["chart"]["content"])
    return proof


@kind
def a_part_of_the_chart_is_left_out(rng: random.Random, proof: Proof) -> Proof | None:
    given = [(it, name) for it in proof["chart"]["content"].get("administrations", []) for name in it if name != "id"]
    if not given:
        return None
    it, name = rng.choice(given)
    del it[name]
    proof["chart"]["digest"] = hash_of(proof["chart"]["content"])
    return proof


@kind
def the_chart_is_another_than_its_digest(rng: random.Random, proof: Proof) -> Proof:
    proof["chart"]["content"]["payer"] = f"payer {rng.random()}"
    return proof


# --- kinds: law and settings


@kind
def a_rule_reads_otherwise(rng: random.Random, proof: Proof) -> Proof:
    rules = [
        (file, line)
        for file in proof["policy"]["law"]
        for line in file["text"].split("\n")
        if ":-" in line and "%" not in line
    ]
    file, line = rng.choice(rules)
    head, body = line.split(":-", 1)
    changes = [body.replace("not ", "", 1), re.sub(r"\d+", lambda it: str(int(it[0]) + 1), body, count=1), body + " "]
    new = rng.choice([it for it in changes if it != body])
    file["text"] = file["text"].replace(line, f"{head}:-{new}", 1)
    proof["policy"]["digest"] = digest_of({it["file"]: it["text"] for it in proof["policy"]["law"]})
    return proof


@kind
def the_law_has_another_digest(rng: random.Random, proof: Proof) -> Proof:
    proof["policy"]["digest"] = "sha256:" + rng.randbytes(32).hex()
    return proof


@kind
def another_policy_is_named(rng: random.Random, proof: Proof) -> Proof:
    name = rng.choice(["id", "edition"])
    proof["policy"][name] = f"{proof['policy'][name]}{rng.randint(0, 9)}"
    return proof


@kind
def a_question_is_settled_otherwise(rng: random.Random, proof: Proof) -> Proof:
    setting = rng.choice(proof["settings"])
    if "option" not in setting:
        setting |= {"option": "first", "source": "set"}
    elif rng.random() < 0.5:
        setting["option"] = f"{setting['option']}_x"
    else:
        del setting["option"]
        setting["source"] = "open"
    return proof


# --- kinds: steps


@kind
def a_variable_has_another_value(rng: random.Random, proof: Proof) -> Proof | None:
    found = with_part(proof, "with")
    step = rng.choice(found)
    name = rng.choice(sorted(step["with"]))
    step["with"][name] = other(rng, [value for it in found for value in it["with"].values()], step["with"][name])
    return proof


@kind
def a_step_concludes_something_else(rng: random.Random, proof: Proof) -> Proof:
    step = rng.choice(steps(proof))
    step["atom"] = altered(rng, step["atom"], set(atoms(proof)))
    return proof


@kind
def a_step_cites_another_rule(rng: random.Random, proof: Proof) -> Proof:
    found = steps(proof)
    step = rng.choice(found)
    name = step["rule"], step["clause"]
    step["rule"], step["clause"] = other(rng, [(it["rule"], it["clause"]) for it in found], name)
    return proof


@kind
def a_step_is_left_out(rng: random.Random, proof: Proof) -> Proof:
    found = rng.choice(proof["answers"])["steps"]
    found.pop(rng.randrange(len(found)))
    return proof


@kind
def a_step_is_added(rng: random.Random, proof: Proof) -> Proof:
    found = rng.choice(proof["answers"])["steps"]
    n = rng.randrange(len(found))
    step = deepcopy(found[n])
    if rng.random() < 0.7:
        step["atom"] = altered(rng, step["atom"], set(atoms(proof)))
    found.insert(n + 1, step)
    return proof


@kind
def two_steps_change_places(rng: random.Random, proof: Proof) -> Proof:
    found = rng.choice(proof["answers"])["steps"]
    one, two = rng.sample(range(len(found)), 2)
    found[one], found[two] = found[two], found[one]
    return proof


@kind
def a_step_uses_what_does_not_hold(rng: random.Random, proof: Proof) -> Proof:
    step = rng.choice(with_part(proof, "uses"))
    n = rng.randrange(len(step["uses"]))
    step["uses"][n] = altered(rng, step["uses"][n], set(atoms(proof)))
    return proof


@kind
def a_step_uses_less(rng: random.Random, proof: Proof) -> Proof:
    step = rng.choice(with_part(proof, "uses"))
    step["uses"].pop(rng.randrange(len(step["uses"])))
    return proof


@kind
def a_comparison_has_other_values(rng: random.Random, proof: Proof) -> Proof | None:
    found = with_part(proof, "compares")
    if not found:
        return None
    comparison = rng.choice(rng.choice(found)["compares"])
    side = rng.randrange(3)
    comparison[side] = other(rng, ["=", "<", ">="], comparison[side]) if side == 1 else f"{comparison[side]}1"
    return proof


@kind
def an_aggregate_counts_otherwise(rng: random.Random, proof: Proof) -> Proof | None:
    found = with_part(proof, "counts")
    if not found:
        return None
    count = rng.choice(rng.choice(found)["counts"])
    if count["counted"] and rng.random() < 0.7:
        n = rng.randrange(len(count["counted"]))
        if rng.random() < 0.5:
            count["counted"].pop(n)
        else:
            count["counted"].append(deepcopy(count["counted"][n]))
    else:
        count["compares"][0] += "1"
    return proof


@kind
def a_candidate_of_a_choice_is_left_out(rng: random.Random, proof: Proof) -> Proof | None:
    found = with_part(proof, "candidates")
    if not found:
        return None
    step = rng.choice(found)
    step["candidates"].pop(rng.randrange(len(step["candidates"])))
    return proof


# --- kinds: what is denied


@kind
def a_negation_is_left_out(rng: random.Random, proof: Proof) -> Proof | None:
    found = with_part(proof, "absent")
    if not found:
        return None
    step = rng.choice(found)
    step["absent"].pop(rng.randrange(len(step["absent"])))
    if not step["absent"]:
        del step["absent"]
    return proof


@kind
def a_negation_denies_something_else(rng: random.Random, proof: Proof) -> Proof | None:
    found = with_part(proof, "absent")
    if not found:
        return None
    step = rng.choice(found)
    n = rng.randrange(len(step["absent"]))
    step["absent"][n] = altered(rng, step["absent"][n], set(atoms(proof)))
    return proof


@kind
def evidence_is_changed(rng: random.Random, proof: Proof) -> Proof | None:
    found = [clause for answer in proof["answers"] for it in answer["absent"] for clause in it["clauses"]]
    if not found:
        return None
    clause = rng.choice(found)
    name = rng.choice(["rule", "clause", "fails", "condition", "tried"])
    if name == "tried":
        clause["tried"] = clause["tried"][1:] if rng.random() < 0.5 else [*clause["tried"], {"X": "a1"}]
    else:
        clause[name] = clause[name] + 1 if isinstance(clause[name], int) else f"{clause[name]}x"
    return proof


@kind
def evidence_is_left_out(rng: random.Random, proof: Proof) -> Proof | None:
    found = [it for answer in proof["answers"] for it in answer["absent"] if it["clauses"]]
    if not found:
        return None
    if rng.random() < 0.5:
        it = rng.choice(found)
        it["clauses"].pop(rng.randrange(len(it["clauses"])))
    else:
        absent = rng.choice([answer["absent"] for answer in proof["answers"] if answer["absent"]])
        absent.pop(rng.randrange(len(absent)))
    return proof


# --- kinds: claim, alternatives, resolutions


@kind
def a_unit_of_the_claim_is_changed(rng: random.Random, proof: Proof) -> Proof | None:
    """Everywhere in the document, as one who wants another claim would do it."""
    totals = [it for claim in proof["outcome"]["claims"] for it in claim if re.fullmatch(r'total\("\w+",\d+\)', it)]
    if not totals:
        return None
    total = rng.choice(totals)
    code, number = total[:-1].rsplit(",", 1)
    new = f"{code},{int(number) + rng.randint(1, 9)})"
    found: Proof = json.loads(json.dumps(proof).replace(json.dumps(total)[1:-1], json.dumps(new)[1:-1]))
    return found


@kind
def a_code_of_the_claim_is_changed(rng: random.Random, proof: Proof) -> Proof | None:
    """In claim, lines and steps; the law is left as it is."""
    codes = forged_documents.claimed_codes(proof)
    if not codes:
        return None
    code = rng.choice(codes)
    new = other(rng, ["96365", "96366", "96367", "96374", "96413", "99999"], code)
    for part in ("outcome", "answers"):
        proof[part] = json.loads(json.dumps(proof[part]).replace(code, new))
    return proof


@kind
def another_status_is_stated(rng: random.Random, proof: Proof) -> Proof:
    found = proof["outcome"]
    found["status"] = other(rng, ["determined", "ambiguous", "undetermined"], found["status"])
    return proof


@kind
def an_alternative_is_left_out(rng: random.Random, proof: Proof) -> Proof | None:
    if len(proof["answers"]) < 2:
        return None
    n = rng.randrange(len(proof["answers"]))
    proof["answers"].pop(n)
    proof["outcome"]["claims"].pop(n)
    if len(proof["answers"]) == 1:
        proof["outcome"]["status"] = "determined"
    return proof


@kind
def an_alternative_is_added(rng: random.Random, proof: Proof) -> Proof:
    answer = deepcopy(rng.choice(proof["answers"]))
    answer["claim"] = [*answer["claim"], f'total("9{rng.randint(1000, 9999)}",1)']
    proof["answers"].append(answer)
    proof["outcome"]["claims"].append(answer["claim"])
    proof["outcome"]["status"] = "ambiguous"
    return proof


@kind
def a_choice_is_settled_otherwise(rng: random.Random, proof: Proof) -> Proof | None:
    found = [answer for answer in proof["answers"] if answer["chosen"]]
    if not found:
        return None
    answer = rng.choice(found)
    n = rng.randrange(len(answer["chosen"]))
    candidates = [it for step in answer["steps"] for it in step.get("candidates", ())]
    same = [it for it in candidates if it.partition("(")[0] == answer["chosen"][n].partition("(")[0]]
    answer["chosen"][n] = other(rng, same, answer["chosen"][n])
    answer["chosen"].sort()
    return proof


@kind
def two_answers_change_their_steps(rng: random.Random, proof: Proof) -> Proof | None:
    if len(proof["answers"]) < 2:
        return None
    one, two = rng.sample(proof["answers"], 2)
    one["steps"], two["steps"] = two["steps"], one["steps"]
    return proof


# --- kinds: the document


@kind
def the_format_is_of_another_version(rng: random.Random, proof: Proof) -> Proof:
    if rng.random() < 0.2:
        proof["format"] = rng.choice(["proof", None, "ivproof proof 1"])
    else:
        proof["version"] = rng.choice([0, 2, 1.0, True, "1", None, rng.randint(3, 99)])
    return proof


@kind
def a_part_is_added(rng: random.Random, proof: Proof) -> Proof:
    parts = [
        proof,
        proof["policy"],
        proof["chart"],
        proof["outcome"],
        *steps(proof),
        *proof["answers"],
        *proof["facts"],
    ]
    rng.choice(parts)[rng.choice(["note", "uses2", "x"])] = rng.randint(0, 9)
    return proof


@kind
def the_file_is_truncated(rng: random.Random, proof: Proof) -> bytes:
    data = canonical(proof)
    return data[: rng.randrange(len(data) - 2)]


@kind
def a_letter_is_changed(rng: random.Random, proof: Proof) -> bytes:
    """Anywhere, and the seal is not made anew."""
    text = canonical(proof).decode()
    places = [n for n in (rng.randrange(len(text)) for _ in range(200)) if text[n].isalnum()]
    n = places[0]
    new: str = other(rng, list("abcdefghij0123456789"), text[n])
    return (text[:n] + new + text[n + 1 :]).encode()


KINDS |= forged_documents.KINDS
KINDS |= forgeries.KINDS
KINDS |= forged_answers.KINDS


# --- running


class Bench:
    """Honest proofs, and the law and the drug list to check them against."""

    def __init__(self, cases: list[Case]) -> None:
        self.law = read_law(installed("out001"))
        self.drugs = Drugs(law_folder() / "drugs")
        policy = Policy.load("out001")
        coders: dict[object, Coder] = {}
        self.proofs: list[Proof] = []
        for case in cases:
            coder = coders.setdefault(case.setting, Coder(policy, case.readings))
            self.proofs.append(prove(coder, case.encounter))

    def check(self, proof: Proof | bytes) -> Verdict:
        return check(proof, self.law, self.drugs)

    def changed(self, name: str, number: int, seed: int = 0) -> Iterator[Proof | bytes]:
        """Proofs that are changed in one way, each differently."""
        rng = random.Random(f"{seed} {name}")
        missed = 0
        while number and missed < 50 * len(self.proofs):
            original = rng.choice(self.proofs)
            found = KINDS[name](rng, _copy(original))
            missed += 1
            if found is None or (isinstance(found, dict) and same(found, original)):
                continue
            number, missed = number - 1, 0
            yield found if isinstance(found, bytes) else {**found, "seal": _sealed(found)}


def _sealed(proof: Proof) -> str:
    try:
        return seal(proof)
    except UnicodeEncodeError:  # half a character has no bytes, and so no seal
        return ""


def _copy(proof: Proof) -> Proof:
    """A copy to be changed; the texts of the law are shared until they are."""
    found: Proof = json.loads(json.dumps({**proof, "policy": None}))
    return {**found, "policy": {**proof["policy"], "law": [dict(it) for it in proof["policy"]["law"]]}}


def small_cases() -> list[Case]:
    """Visits of few administrations that show much: choices, pauses, rival claims, missing facts, aggregates."""
    names = ("A9=B", "A3=A", "A9 open")
    found = [case for case in options() if case.name in names]
    found += sorted(worked("published"), key=lambda it: len(it.encounter.administrations))[:5]
    chart = parse(TWO_EQUALS, Source("tamper"))
    assert chart.encounter is not None
    open_ = {"A9": "open", "A20": "open"}
    return [*found, Case("two equals", "", chart.encounter, {}, {}), Case("rivals", "", chart.encounter, open_, {})]


TWO_EQUALS = {
    "id": "two-equals",
    "place_of_service": "22",
    "date": "2020-10-05",
    "access_sites": [{"id": "iv"}],
    "administrations": [
        {"id": "one", "drug": "ceftriaxone", "route": "IV", "site": "iv", "start": "10:00", "stop": "10:30"},
        {"id": "two", "drug": "vancomycin", "route": "IV", "site": "iv", "start": "10:00", "stop": "13:00"},
        {"id": "three", "drug": "unheard-of", "route": "IV", "site": "iv", "start": "13:10", "stop": "13:12"},
    ],
}


def count(name: str, each: int, seed: int) -> tuple[str, int, int, float]:
    """Change proofs in one way; give how many were tried, how many accepted, and the seconds it took."""
    bench, begun, tried, accepted = _bench(), time.perf_counter(), 0, 0
    for changed in bench.changed(name, each, seed):
        tried += 1
        verdict = bench.check(changed)
        elsewhere = name in forgeries.CHARTS and verdict.step != "chart"
        if verdict.accepted or verdict.verdict == FAULT or elsewhere:
            accepted += 1
            data = changed if isinstance(changed, bytes) else canonical(changed)
            Path(f"accepted-{name.replace(' ', '-')}-{accepted}.json").write_bytes(data)
    return name, tried, accepted, time.perf_counter() - begun


@cache
def _bench() -> Bench:
    return Bench(small_cases())


def main() -> None:
    parser = argparse.ArgumentParser(description="Change proofs and count the changed ones that are accepted.")
    parser.add_argument("--each", type=int, default=1000, help="changed proofs of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=None, help="processes; default: the cores")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind; can be repeated")
    asked = parser.parse_args()
    for proof in _bench().proofs:
        verdict = _bench().check(canonical(proof))
        if not verdict.accepted:
            raise SystemExit(f"an honest proof is {verdict}")
    print(f"{len(_bench().proofs)} honest proofs accepted", flush=True)
    kinds = asked.kind or list(KINDS)
    all_tried = all_accepted = 0
    with ProcessPoolExecutor(asked.jobs) as pool:
        work = [pool.submit(count, name, asked.each, asked.seed) for name in kinds]
        for name, tried, accepted, seconds in map(Future.result, work):
            print(f"{name}: {tried} tried, {accepted} accepted, {seconds:.1f} s", flush=True)
            all_tried, all_accepted = all_tried + tried, all_accepted + accepted
    print(f"{len(kinds)} kinds, {all_tried} changed proofs, {all_accepted} accepted")
    raise SystemExit(all_accepted > 0)


if __name__ == "__main__":
    main()
