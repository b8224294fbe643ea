"""Proofs that say the same thing in a form that somebody hopes is read otherwise: by a person, or by the checker.

Types that compare as equal, spellings of atoms and places that name the same, parts that stand twice, facts and answers
put where nobody may look. The seal is made anew, and so is every digest that the change concerns.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from ivproof.proof.maker import canonical, seal
from ivproof.recheck.checker import digest_of, hash_of

Proof = dict[str, Any]
Change = Callable[[random.Random, Proof], Proof | bytes | None]
KINDS: dict[str, Change] = {}


def kind(change: Change) -> Change:
    """Take a kind of forgery into the list; it gives None where a proof has nothing to forge in this way."""
    KINDS[change.__name__.replace("_", " ")] = change
    return change


def sealed(proof: Proof) -> bytes:
    return canonical({**proof, "seal": seal(proof)})


def steps(proof: Proof) -> list[dict[str, Any]]:
    return [step for answer in proof["answers"] for step in answer["steps"]]


def law_anew(proof: Proof) -> Proof:
    proof["policy"]["digest"] = digest_of({it["file"]: it["text"] for it in proof["policy"]["law"]})
    return proof


def chart_anew(proof: Proof) -> Proof:
    proof["chart"]["digest"] = hash_of(proof["chart"]["content"])
    return proof


# --- types and numbers


@kind
def a_whole_number_is_written_with_a_point(rng: random.Random, proof: Proof) -> Proof:
    step = rng.choice(steps(proof))
    match rng.randrange(3):
        case 0:
            step["clause"] = float(step["clause"])
        case 1:
            proof["version"] = 1.0
        case _:
            for it in proof["answers"][0]["absent"]:
                for clause in it["clauses"]:
                    clause["fails"] = float(clause["fails"])
    return proof


@kind
def a_truth_stands_for_one(rng: random.Random, proof: Proof) -> Proof | None:
    ones = [it for it in steps(proof) if it["clause"] == 1]
    rng.choice(ones)["clause"] = True
    return proof


@kind
def a_number_stands_as_text(rng: random.Random, proof: Proof) -> Proof:
    if rng.random() < 0.5:
        proof["version"] = "1"
    else:
        step = rng.choice(steps(proof))
        step["clause"] = str(step["clause"])
    return proof


@kind
def a_clause_has_a_number_of_four_hundred_digits(rng: random.Random, proof: Proof) -> Proof:
    rng.choice(steps(proof))["clause"] = rng.choice([10**400, -1, 0, 2**63, 10**20])
    return proof


@kind
def a_number_in_an_atom_is_spelled_otherwise(rng: random.Random, proof: Proof) -> Proof | None:
    """036000 and +36000 are 36000 to many readers."""
    facts = [it for it in proof["facts"] if re.search(r"[,(]\d+\)", it["atom"])]
    if not facts:
        return None
    fact = rng.choice(facts)
    spelled = rng.choice(["0", "+", "-0", " ", "0x", "\u0660", "1_"])
    fact["atom"] = re.sub(r"([,(])(\d+\))$", rf"\g<1>{spelled}\g<2>", fact["atom"])
    return proof


@kind
def an_atom_is_spelled_with_spaces(rng: random.Random, proof: Proof) -> Proof:
    part = rng.choice([*proof["facts"], *steps(proof)])
    part["atom"] = rng.choice([" {}", "{} ", "{}.", "({})", "{},", "not {}", "{}\n", "-{}"]).format(part["atom"])
    return proof


@kind
def a_claim_is_of_digits_that_look_the_same(rng: random.Random, proof: Proof) -> Proof | None:
    texts = [it for it in proof["outcome"]["claims"][0] if '"9' in it]
    if not texts:
        return None
    old = rng.choice(texts)
    new = old.replace("9", rng.choice(["\uff19", "\u0669", "9\u200b"]), 1)
    text = json.dumps({"outcome": proof["outcome"], "answers": proof["answers"]}, ensure_ascii=False)
    changed = json.loads(text.replace(json.dumps(old, ensure_ascii=False), json.dumps(new, ensure_ascii=False)))
    return {**proof, **changed}


@kind
def a_code_is_a_number(_: random.Random, proof: Proof) -> Proof | None:
    text = json.dumps({"outcome": proof["outcome"], "answers": proof["answers"]}, ensure_ascii=False)
    changed = re.sub(r'total\(\\"(9\d{4})\\"', r"total(\1", text)
    return None if changed == text else {**proof, **json.loads(changed)}


@kind
def a_code_has_no_units_or_far_too_many(rng: random.Random, proof: Proof) -> Proof | None:
    text = json.dumps({"outcome": proof["outcome"], "answers": proof["answers"]}, ensure_ascii=False)
    units = rng.choice(["0", "-1", "1000000", "99999999999999999999"])
    changed = re.sub(r'(total\(\\"9\d{4}\\",)\d+', rf"\g<1>{units}", text)
    return None if changed == text else {**proof, **json.loads(changed)}


# --- parts that stand twice, or where nobody looks


@kind
def a_part_of_a_step_stands_twice(rng: random.Random, proof: Proof) -> bytes:
    text = sealed(proof).decode()
    found = list(re.finditer(r'"(rule|atom|clause)": ', text))
    it = rng.choice(found)
    name = rng.choice([it[1], it[1].replace("a", "\\u0061").replace("u", "\\u0075")])
    value = rng.choice(['"another"', "1", "null", "[]"])
    return (text[: it.start()] + f'"{name}": {value}, ' + text[it.start() :]).encode()


@kind
def a_part_has_a_name_that_looks_the_same(rng: random.Random, proof: Proof) -> Proof:
    name = rng.choice(["outcome", "answers", "facts", "settings"])
    alike = name.replace("o", "\u043e").replace("a", "\u0430").replace("e", "\u0435")
    proof[alike] = proof[name] if rng.random() < 0.5 else []
    return proof


@kind
def an_answer_stands_twice(rng: random.Random, proof: Proof) -> Proof:
    n = rng.randrange(len(proof["answers"]))
    proof["answers"].insert(n, proof["answers"][n])
    proof["outcome"]["claims"].insert(n, proof["outcome"]["claims"][n])
    proof["outcome"]["status"] = rng.choice(["determined", "ambiguous", "undetermined"])
    return proof


@kind
def nothing_is_answered(rng: random.Random, proof: Proof) -> Proof:
    if rng.random() < 0.5:
        proof["answers"], proof["outcome"] = [], {"status": "determined", "claims": []}
    else:
        proof["answers"][0] = {"claim": [], "lines": [], "chosen": [], "steps": [], "absent": []}
        proof["answers"], proof["outcome"] = proof["answers"][:1], {"status": "determined", "claims": [[]]}
    return proof


@kind
def a_line_of_the_claim_is_left_unsaid(rng: random.Random, proof: Proof) -> Proof | None:
    answer = rng.choice(proof["answers"])
    if not answer["lines"]:
        return None
    answer["lines"].remove(rng.choice(answer["lines"]))
    return proof


@kind
def a_modifier_is_left_unsaid(_: random.Random, proof: Proof) -> Proof | None:
    texts = [[it for it in claim if not it.startswith("total_with")] for claim in proof["outcome"]["claims"]]
    if texts == proof["outcome"]["claims"]:
        return None
    proof["outcome"]["claims"] = texts
    for answer, claim in zip(proof["answers"], texts, strict=True):
        answer["claim"] = claim
        answer["lines"] = [it for it in answer["lines"] if not it.startswith(("modifier", "line_modifier"))]
    return proof


@kind
def more_is_chosen_than_there_is(rng: random.Random, proof: Proof) -> Proof:
    answer = rng.choice(proof["answers"])
    answer["chosen"] = rng.choice([
        [*answer["chosen"], *answer["chosen"], "encounter"],
        [*answer["chosen"], "reading(a9,longest)"],
        [f" {it}" for it in answer["chosen"]] or [""],
    ])  # fmt: skip
    return proof


def claimed_codes(proof: Proof) -> list[str]:
    """The codes of all claims that a proof states, in order."""
    return sorted({it.split('"')[1] for claim in proof["outcome"]["claims"] for it in claim if '"' in it})


@kind
def one_of_several_claims_is_the_only_one(rng: random.Random, proof: Proof) -> Proof | None:
    if len(proof["answers"]) < 2:
        return None
    answer = rng.choice(proof["answers"])
    proof["answers"] = [answer]
    proof["outcome"] = {"status": rng.choice(["determined", "ambiguous"]), "claims": [answer["claim"]]}
    return proof


@kind
def a_code_is_another_one_everywhere(rng: random.Random, proof: Proof) -> Proof | None:
    """In claim, lines, steps and evidence, and in the law, whose digest is made anew."""
    codes = claimed_codes(proof)
    if not codes:
        return None
    old, new = rng.choice(codes), rng.choice(["96416", "96521", "99999"])
    law = [{**it, "text": it["text"].replace(old, new)} for it in proof["policy"]["law"]]
    changed = json.loads(json.dumps({name: proof[name] for name in ("outcome", "answers")}).replace(old, new))
    return law_anew({**proof, **changed, "policy": {**proof["policy"], "law": law}})


@kind
def a_sentence_of_the_law_says_otherwise(rng: random.Random, proof: Proof) -> Proof:
    """What a person reads above a rule; the rules are the same, and the digest is made anew."""
    file = rng.choice([it for it in proof["policy"]["law"] if "\n% " in it["text"]])
    line = rng.choice([it for it in file["text"].split("\n") if it.startswith("% ") and len(it) > 20])
    file["text"] = file["text"].replace(line, f"{line[:-2]} unless it is billed{line[-1]}", 1)
    return law_anew(proof)


# --- facts and steps


@kind
def what_the_law_should_conclude_is_a_fact(rng: random.Random, proof: Proof) -> Proof:
    made = rng.choice([
        'unit("96366",further_hour,a1,2,0)', 'total("96365",9)', "threshold(infusion,1)", "reading(a9,first)",
        "ran_at_least(a1,infusion)", "initial(all,a1)", "open(a9)", "text_applies", "hour_mark(over_30,1)",
    ])  # fmt: skip
    proof["facts"].append({"atom": made, "place": rng.choice(["", "/administrations/0", "/billed/0"])})
    proof["facts"].sort(key=lambda it: (it["place"], it["atom"]))
    return proof


@kind
def what_the_law_should_conclude_is_in_the_drug_list(rng: random.Random, proof: Proof) -> Proof | None:
    if not proof["drug_list"]:
        return None
    drug = re.search(r"\((\w+)", proof["drug_list"][0])
    assert drug
    made = rng.choice([
        f"drug({drug[1]},{drug[1]})", f'code("{drug[1]}",a,b)', f"class({drug[1]},chemotherapy)", "encounter",
        f"antineoplastic({drug[1]})", f"drug_kind({drug[1]},antineoplastic,x)", f"prolonged({drug[1]})",
    ])  # fmt: skip
    proof["drug_list"] = sorted({*proof["drug_list"], made})
    return proof


@kind
def a_place_is_spelled_otherwise(rng: random.Random, proof: Proof) -> Proof | None:
    facts = [it for it in proof["facts"] if re.search(r"/\d+", it["place"])]
    if not facts:
        return None
    fact = rng.choice(facts)
    fact["place"] = rng.choice([
        re.sub(r"/(\d+)", r"/0\1", fact["place"]), re.sub(r"/(\d+)", r"/-\1", fact["place"]), fact["place"] + "/",
        "#" + fact["place"], fact["place"].replace("/", "//", 1), fact["place"].upper(),
    ])  # fmt: skip
    return proof


@kind
def two_administrations_have_each_others_times(rng: random.Random, proof: Proof) -> Proof | None:
    given = proof["chart"]["content"].get("administrations", [])
    timed = [it for it in given if "start" in it and "stop" in it]
    if len(timed) < 2:
        return None
    one, two = rng.sample(timed, 2)
    if (one["start"], one["stop"]) == (two["start"], two["stop"]):
        return None
    one["start"], one["stop"], two["start"], two["stop"] = two["start"], two["stop"], one["start"], one["stop"]
    return chart_anew(proof)


@kind
def two_steps_rest_on_each_other(rng: random.Random, proof: Proof) -> Proof | None:
    chained = [it for it in steps(proof) if it.get("uses")]
    step = rng.choice(chained)
    users = [it for it in chained if step["atom"] in it["uses"]]
    if not users:
        return None
    step["uses"][rng.randrange(len(step["uses"]))] = rng.choice(users)["atom"]
    return proof


@kind
def two_values_of_a_step_change_places(rng: random.Random, proof: Proof) -> Proof | None:
    found = [it for it in steps(proof) if len(set(it["with"].values())) > 1]
    if not found:
        return None
    values = rng.choice(found)["with"]
    one, two = rng.choice([(a, b) for a in values for b in values if values[a] != values[b]])
    values[one], values[two] = values[two], values[one]
    return proof


@kind
def facts_stand_in_another_order(rng: random.Random, proof: Proof) -> Proof | None:
    if len(proof["facts"]) < 2:
        return None
    if rng.random() < 0.5:
        proof["facts"].insert(0, dict(rng.choice(proof["facts"])))
    else:
        proof["facts"].append(proof["facts"].pop(rng.randrange(len(proof["facts"]) - 1)))
    return proof


@kind
def a_step_rests_on_itself(rng: random.Random, proof: Proof) -> Proof:
    step = rng.choice([it for it in steps(proof) if it.get("uses")])
    step["uses"][rng.randrange(len(step["uses"]))] = step["atom"]
    return proof


@kind
def a_value_is_given_to_a_variable_that_the_rule_does_not_have(rng: random.Random, proof: Proof) -> Proof:
    rng.choice(steps(proof))["with"][rng.choice(["Zz", "_", "", "S ", "\u0405"])] = "a1"
    return proof


@kind
def the_steps_are_those_of_another_answer(rng: random.Random, proof: Proof) -> Proof | None:
    if len(proof["answers"]) < 2:
        return None
    n = rng.randrange(1, len(proof["answers"]))
    proof["answers"][0]["steps"] = proof["answers"][n]["steps"]
    proof["answers"][0]["absent"] = proof["answers"][n]["absent"]
    return proof


@kind
def an_absence_has_evidence_of_a_rule_less(rng: random.Random, proof: Proof) -> Proof | None:
    found = [it for answer in proof["answers"] for it in answer["absent"] if it["clauses"]]
    if not found:
        return None
    it = rng.choice(found)
    it["clauses"] = rng.choice(
        [it["clauses"][1:], it["clauses"] * 2, it["clauses"][::-1] if len(it["clauses"]) > 1 else []]
    )
    return proof


# --- settings and law


@kind
def the_questions_stand_otherwise(rng: random.Random, proof: Proof) -> Proof:
    found = proof["settings"]
    match rng.randrange(4):
        case 0:
            found.append(dict(rng.choice(found)))
        case 1:
            found.remove(rng.choice(found))
        case 2:
            found.reverse()
        case _:
            found.append({"question": "a999", "source": "open"})
    return proof


@kind
def an_option_is_of_another_question(rng: random.Random, proof: Proof) -> Proof:
    held = [it for it in proof["settings"] if "option" in it]
    it = rng.choice(held)
    it["option"] = rng.choice([other["option"] for other in held if other["option"] != it["option"]])
    it["source"] = "set"
    return proof if not _has(proof, it["question"], it["option"]) else {**proof, "version": 2}


def _has(proof: Proof, question: str, option: str) -> bool:
    text = "".join(it["text"] for it in proof["policy"]["law"])
    return re.search(rf"option\({question}, *\w+, *{option},", text) is not None


@kind
def an_open_question_has_an_option_too(rng: random.Random, proof: Proof) -> Proof | None:
    it = rng.choice(proof["settings"])
    if it["source"] == "open":
        it["option"] = "longest"
    else:
        it["source"] = rng.choice(["open", "Default", "default ", "user", ""])
    return proof


@kind
def the_files_of_the_law_stand_in_another_order(rng: random.Random, proof: Proof) -> Proof:
    law = proof["policy"]["law"]
    one, two = rng.sample(range(len(law)), 2)
    law[one], law[two] = law[two], law[one]
    return law_anew(proof)


@kind
def a_file_is_added_to_the_law(rng: random.Random, proof: Proof) -> Proof:
    text = rng.choice(["", "% nothing\n", "nobody_asks(1).\n", 'total("96366", 9) :- encounter.\n'])
    proof["policy"]["law"].append({"file": f"out001/more{rng.randint(0, 99)}.lp", "text": text})
    return law_anew(proof)


@kind
def the_law_has_another_line_end(rng: random.Random, proof: Proof) -> Proof:
    file = rng.choice(proof["policy"]["law"])
    file["text"] = rng.choice([file["text"].replace("\n", "\r\n"), file["text"] + "\n", "\ufeff" + file["text"]])
    return law_anew(proof)


@kind
def a_digest_is_spelled_otherwise(rng: random.Random, proof: Proof) -> Proof:
    part = rng.choice([proof["policy"], proof["chart"]])
    digest = part["digest"]
    spelled = [digest.upper(), digest.replace("sha256", "sha512"), digest[7:], f"{digest} ", digest[:-1]]
    part["digest"] = rng.choice(spelled)
    return proof


@kind
def the_policy_is_named_by_a_path(rng: random.Random, proof: Proof) -> Proof:
    proof["policy"]["id"] = rng.choice(["out001/../out001", "OUT001", "./out001", "out001 ", "\u043eut001", ""])
    return proof


# --- the document as bytes


@kind
def something_stands_around_the_document(rng: random.Random, proof: Proof) -> bytes:
    data = sealed(proof)
    return rng.choice([
        b"\xef\xbb\xbf" + data, data + data, data + b"\0", data + b"{}", b"[" + data + b"]", b"// proof\n" + data,
        data.decode().encode("utf-16"), data.decode().encode("utf-32"), data.replace(b'"', b"'"), b"\x1f\x8b" + data,
    ])  # fmt: skip


@kind
def the_seal_is_of_other_spaces(rng: random.Random, proof: Proof) -> bytes:
    made = {**proof, "seal": seal(proof)}
    made["seal"] = rng.choice([made["seal"].upper(), made["seal"][7:], made["seal"] + " ", "", "sha256:" + "0" * 64])
    return canonical(made)
