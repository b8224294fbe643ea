"""Proofs that are honest but for what they are said to be about: the answer of another chart, setting or claim.

A forger takes a proof whose steps all hold, and lets the chart say something that the facts do not, a question be asked
twice, a claim stand with the answer of another, or a drug be called by a name that only looks like its own. Digests and
seal are made anew. None of these may be accepted.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from forgeries import KINDS as FORGERIES
from forgeries import about, given

from ivproof.recheck.checker import hash_of
from ivproof.recheck.facts import Listed, translate
from ivproof.recheck.steps import atom

Proof = dict[str, Any]
Chart = dict[str, Any]
KINDS: dict[str, Callable[[random.Random, Proof], Proof | bytes | None]] = {}


def kind(
    change: Callable[[random.Random, Proof], Proof | bytes | None],
) -> Callable[[random.Random, Proof], Proof | bytes | None]:
    """Take a kind of forgery into the list; it gives None where a proof has nothing to forge in this way."""
    name = change.__name__.replace("_", " ")
    assert name not in FORGERIES
    KINDS[name] = change
    return change


def unsaid(change: Callable[[random.Random, Chart], None]) -> None:
    """Take a kind that lets the chart say something else than the facts; None where they say the same after all."""

    def forged(rng: random.Random, proof: Proof) -> Proof | None:
        content = json.loads(json.dumps(proof["chart"]["content"]))
        change(rng, content)
        stated = Listed([atom(it["atom"]) for it in proof["facts"]])
        try:
            facts = {*translate(content, stated, {"medicare"})}
        except Exception:  # whatever the format says of it, the facts are not its own
            facts = set()
        if facts == {(it["atom"], it["place"]) for it in proof["facts"]}:
            return None
        digest = hash_of(content)
        return {**proof, "chart": {"content": content, "digest": digest, "encounter": content["id"]}}

    forged.__name__ = change.__name__
    kind(forged)


# --- the chart says what the facts do not


@unsaid
def the_claim_is_a_physician_s(rng: random.Random, content: Chart) -> None:
    content["claim_type"] = "facility" if content.get("claim_type") == "professional" else "professional"


@unsaid
def the_place_is_another(rng: random.Random, content: Chart) -> None:
    content["place_of_service"] = rng.choice(
        [it for it in ("11", "19", "22", "23") if it != content["place_of_service"]]
    )


@unsaid
def the_date_is_of_another_edition(rng: random.Random, content: Chart) -> None:
    content["date"] = rng.choice(["2015-01-02", "2018-06-30", "2026-12-31"])


@unsaid
def a_dose_was_not_given(rng: random.Random, content: Chart) -> None:
    rng.choice(given(content))["done"] = False


@unsaid
def a_service_was_done_that_is_not_counted(rng: random.Random, content: Chart) -> None:
    content.setdefault("services", []).append({"kind": rng.choice(["flush", "declotting", "transfusion"])})


@unsaid
def the_payer_is_another(rng: random.Random, content: Chart) -> None:
    content["payer"] = "another" if str(content.get("payer", "")).casefold() == "medicare" else "Medicare"


@unsaid
def times_are_those_of_another_zone(rng: random.Random, content: Chart) -> None:
    """Each time has the offset of UTC, and the chart a zone hours away."""
    content["time_zone"] = rng.choice(["America/New_York", "Asia/Kathmandu"])
    for it in given(content):
        for name in ("start", "stop"):
            if re.fullmatch(r"\d\d:\d\d", str(it.get(name))):
                it[name] = f"{content['date']}T{it[name]}+00:00"
        it.pop("pauses", None)


@unsaid
def a_run_goes_past_midnight(rng: random.Random, content: Chart) -> None:
    it = rng.choice(given(content))
    it["start"], it["stop"] = "23:50", "00:20"


@unsaid
def two_are_in_one_bag(rng: random.Random, content: Chart) -> None:
    for it in given(content)[:2]:
        it["bag"] = "shared"


@unsaid
def administrations_stand_in_another_order(rng: random.Random, content: Chart) -> None:
    given(content).reverse()


@unsaid
def diagnoses_stand_in_another_order(rng: random.Random, content: Chart) -> None:
    content["diagnoses"] = ["Z51.11", *content.get("diagnoses", [])]


@unsaid
def an_administration_is_left_out_of_the_chart_alone(rng: random.Random, content: Chart) -> None:
    given(content).pop()


@unsaid
def the_order_is_none(rng: random.Random, content: Chart) -> None:
    content["order"] = "none"


# --- names that look like others


@kind
def a_drug_only_looks_like_one_of_the_list(rng: random.Random, proof: Proof) -> Proof | None:
    """With the facts of the one that it looks like."""
    content = json.loads(json.dumps(proof["chart"]["content"]))
    listed = [n for n, _ in enumerate(given(content), 1) if f"drug(a{n},u" not in json.dumps(proof["facts"])]
    if not listed:  # what looks like an unknown drug is one, too
        return None
    it = given(content)[rng.choice(listed) - 1]
    looks = it["drug"].translate(str.maketrans({"e": "\u0435", "o": "\u043e", "a": "\u0430"}))
    if looks == it["drug"]:
        return None
    it["drug"] = looks
    return {**proof, "chart": {**proof["chart"], "content": content, "digest": hash_of(content)}}


@kind
def a_question_only_looks_like_one(rng: random.Random, proof: Proof) -> Proof:
    it = rng.choice(proof["settings"])
    it["question"] = it["question"].replace("a", "\u0430", 1)
    return proof


@kind
def a_code_only_looks_like_one(rng: random.Random, proof: Proof) -> Proof | None:
    digits = str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19")
    claims = [it for it in proof["outcome"]["claims"] if it]
    if not claims:
        return None
    claim = rng.choice(claims)
    n = rng.randrange(len(claim))
    claim[n] = re.sub(r'"(.*)"', lambda it: f'"{it[1].translate(digits)}"', claim[n])
    return proof


@kind
def the_edition_only_looks_like_the_published_one(rng: random.Random, proof: Proof) -> Proof:
    part = rng.choice(["edition", "id"])
    text = proof["policy"][part]
    looks = rng.choice([text + "\u200b", text.upper() + " ", text.replace("0", "\u041e", 1), text.replace("1", "l", 1)])
    return {**proof, "policy": {**proof["policy"], part: looks}}


# --- questions and choices


@kind
def a_question_is_settled_twice(rng: random.Random, proof: Proof) -> Proof:
    n = rng.randrange(len(proof["settings"]))
    proof["settings"].insert(n + rng.randint(0, 1), {**proof["settings"][n], "option": "other", "source": "set"})
    return proof


@kind
def a_question_is_left_unsaid(rng: random.Random, proof: Proof) -> Proof:
    proof["settings"].pop(rng.randrange(len(proof["settings"])))
    return proof


@kind
def a_default_passes_as_held_open(rng: random.Random, proof: Proof) -> Proof | None:
    """The one way that was proved is said to be all that there are of an open question."""
    found = [n for n, it in enumerate(proof["settings"]) if "option" in it]
    n = rng.choice(found)
    proof["settings"][n] = {"question": proof["settings"][n]["question"], "source": "open"}
    key = proof["settings"][n]["question"]
    return proof if any(f"reading({key}," in it for it in _uses(proof)) else None


@kind
def a_reading_is_a_fact(rng: random.Random, proof: Proof) -> Proof:
    it = rng.choice([it for it in proof["settings"] if "option" in it])
    return {**proof, "facts": [*proof["facts"], {"atom": f"reading({it['question']},{it['option']})", "place": ""}]}


@kind
def something_is_supposed_of_what_is_known(rng: random.Random, proof: Proof) -> Proof:
    answer = rng.choice(proof["answers"])
    drug = rng.choice(["ceftriaxone", "u1", "a1"])
    new = f"supposed_class({drug},{rng.choice(['chemotherapy', 'hydration'])})"
    answer["chosen"] = sorted({*answer["chosen"], new})
    return proof


def _uses(proof: Proof) -> list[str]:
    """What the steps of the answers rest on."""
    return [used for answer in proof["answers"] for step in answer["steps"] for used in step["uses"]]


# --- answers and claims


@kind
def two_codes_have_each_others_units(rng: random.Random, proof: Proof) -> Proof | None:
    """In the claims that are stated, and in those of the answers."""
    pairs = [re.fullmatch(r'total\("(.+)",(\d+)\)', it) for it in proof["outcome"]["claims"][0]]
    units = {it[1]: it[2] for it in pairs if it}
    if len({*units.values()}) < 2:
        return None
    one, other = next((a, b) for a in units for b in units if units[a] != units[b])
    swapped = {f'total("{a}",{units[a]})': f'total("{a}",{units[b]})' for a, b in ((one, other), (other, one))}
    for claim in (proof["outcome"]["claims"][0], *(it["claim"] for it in proof["answers"])):
        claim[:] = sorted(swapped.get(it, it) for it in claim)
    return proof


@kind
def two_answers_have_each_others_claims(rng: random.Random, proof: Proof) -> Proof | None:
    if len(proof["answers"]) < 2:
        return None
    one, other = proof["answers"][:2]
    one["claim"], other["claim"] = other["claim"], one["claim"]
    return proof


@kind
def a_line_is_for_another_administration(rng: random.Random, proof: Proof) -> Proof | None:
    answer = rng.choice(proof["answers"])
    found = [n for n, it in enumerate(answer["lines"]) if re.search(r",a\d+,", it)]
    if not found:
        return None
    n = rng.choice(found)
    answer["lines"][n] = re.sub(r",a(\d+),", lambda it: f",a{int(it[1]) % 7 + 1},", answer["lines"][n], count=1)
    answer["lines"].sort()
    return proof


@kind
def the_answers_are_those_of_a_shorter_visit(rng: random.Random, proof: Proof) -> Proof | None:
    """Each part holds of the chart without its last administration; the facts are those of the whole one."""
    content = json.loads(json.dumps(proof["chart"]["content"]))
    if len(given(content)) < 2:
        return None
    given(content).pop()
    shorter = about(proof, content, prove=True)
    if shorter["answers"] == proof["answers"]:
        return None
    return {**proof, "answers": shorter["answers"], "outcome": shorter["outcome"]}


@kind
def the_chart_is_two(rng: random.Random, proof: Proof) -> Proof:
    content = proof["chart"]["content"]
    two: Any = rng.choice([[content, content], {"encounters": [content]}, {"encounter": content}, [content]])
    return {**proof, "chart": {**proof["chart"], "content": two, "digest": hash_of(two)}}


@kind
def a_part_has_more_levels_than_any(rng: random.Random, proof: Proof) -> bytes:
    text = json.dumps({**proof, "made_with": "HERE"})
    levels = rng.choice([100, 10_000, 300_000])
    return text.replace(
        '"HERE"', rng.choice(["[" * levels + "]" * levels, '{"a":' * levels + "1" + "}" * levels])
    ).encode()
