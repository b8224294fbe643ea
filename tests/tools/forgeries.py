"""Proofs that somebody made who has the public prover and the checker's own code: everything is made anew.

A forger writes a chart that no visit can be, translates it as the checker does, lets the prover make the steps of it,
and makes every digest and the seal. Or proves by other readings, another law, other facts of drugs, and says that they
are the published ones. None of these may be accepted.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any
from unittest.mock import patch

from ivproof.chart.encounter import Encounter
from ivproof.chart.facts import Fact
from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.law.policy import Policy
from ivproof.proof.maker import Prover, canonical, seal
from ivproof.recheck.chart import ChartError, normal
from ivproof.recheck.checker import hash_of
from ivproof.recheck.facts import Listed, translate
from ivproof.recheck.steps import atom, same

Proof = dict[str, Any]
Chart = dict[str, Any]
KINDS: dict[str, Callable[[random.Random, Proof], Proof | bytes | None]] = {}

CHARTS: set[str] = set()
"""The kinds whose chart the format refuses. They have to be rejected for it, whatever the steps are."""

PROVED = 0.1
"""How many of them have steps that the prover made of the forged facts; the others have those of the honest chart.

The chart is judged before steps are looked at, and by itself; so it is enough to see that it is what is rejected.
"""


def kind(
    change: Callable[[random.Random, Proof], Proof | bytes | None],
) -> Callable[[random.Random, Proof], Proof | bytes | None]:
    """Take a kind of forgery into the list; it gives None where a proof has nothing to forge in this way."""
    KINDS[change.__name__.replace("_", " ")] = change
    return change


def of_a_chart(change: Callable[[random.Random, Chart], bool | None]) -> None:
    """Take a kind that makes a chart into one that the format refuses; False where the chart has nothing for it."""

    def forged(rng: random.Random, proof: Proof) -> Proof | None:
        content = json.loads(json.dumps(proof["chart"]["content"]))
        if change(rng, content) is False:
            return None
        try:
            admitted = same(normal(content), content)
        except ChartError:
            admitted = False
        return None if admitted else about(proof, content, prove=rng.random() < PROVED)

    forged.__name__ = change.__name__
    kind(forged)
    CHARTS.add(change.__name__.replace("_", " "))


# --- what a forger does


@cache
def policy() -> Policy:
    """The law, read once: what is prepared of it serves every setting."""
    return Policy.load("out001")


@lru_cache(maxsize=40)
def prover(settings: tuple[tuple[str, str], ...]) -> Prover:
    return Prover(Coder(policy(), dict(settings)))


def prover_of(proof: Proof) -> Prover:
    """The prover with the readings of a proof."""
    return prover(_settings(proof))


def _settings(proof: Proof) -> tuple[tuple[str, str], ...]:
    return tuple((it["question"], it.get("option", "open")) for it in proof["settings"])


def about(proof: Proof, content: Chart, *, prove: bool) -> Proof:
    """The proof of another chart: facts as the checker translates them, digests and seal made anew; steps if asked."""
    stated = [atom(it["atom"]) for it in proof["facts"]]
    try:
        facts = list(translate(content, Listed(stated), {"medicare"}))
    except Exception:  # a forger whose translation fails keeps the facts that there are
        facts = [(it["atom"], it["place"]) for it in proof["facts"]]
    return by_facts(proof, content, facts, proof["drug_list"], prove=prove)


def by_facts(
    proof: Proof, content: Chart, facts: list[tuple[str, str]], listed: list[str], *, prove: bool = True
) -> Proof:
    """A proof from these facts, whatever the chart says; where nothing can be proved of them, with the old steps."""
    honest = json.dumps(proof["chart"]["content"])
    written = _proved(honest, _settings(proof), tuple(facts), tuple(listed)) if prove else None
    made: Proof
    if written is None:
        made = json.loads(json.dumps(proof))
        made["facts"] = sorted(
            ({"atom": it, "place": place} for it, place in facts), key=lambda it: (it["place"], it["atom"])
        )
    else:
        made = {**json.loads(written), "policy": proof["policy"]}
    made["settings"] = proof["settings"]
    made["chart"] = {"content": content, "digest": hash_of(_encodable(content)), "encounter": content.get("id", "")}
    return made


@lru_cache(maxsize=200)
def _proved(
    honest: str, settings: tuple[tuple[str, str], ...], facts: tuple[tuple[str, str], ...], listed: tuple[str, ...]
) -> bytes | None:
    """What the prover makes of these facts in place of an honest chart's, without the law; None where it makes nothing.

    Many forged charts have the same facts, and a proof rests on nothing else of a chart.
    """
    encounter, maker = _read(honest), prover(settings)
    forged = replace(maker.coder.facts(encounter), own=tuple(_fact(*it) for it in facts), shared=listed)
    try:
        with patch.object(maker.coder, "facts", lambda _: forged):
            return canonical({**maker.prove(encounter), "policy": None})
    except Exception:  # the chart is so broken that the prover cannot make anything of it
        return None


def _fact(text: str, place: str) -> Fact:
    predicate, _, rest = text.partition("(")
    return Fact(predicate, rest[:-1], tuple(place.split("/")[1:]))


def _encodable(content: Chart) -> Any:
    return json.loads(json.dumps(content).replace("\\ud83d", "?"))


def given(content: Chart) -> list[Chart]:
    found: list[Chart] = content.get("administrations", [])
    return found


def some(rng: random.Random, content: Chart) -> Chart:
    """One of the administrations, or one that is added."""
    if not given(content):
        content["administrations"] = [{"id": "added", "drug": "ceftriaxone", "route": "IM"}]
    return rng.choice(given(content))


def timed(rng: random.Random, content: Chart) -> Chart:
    """One of the administrations, with a start and a stop on the day of the chart."""
    it = some(rng, content)
    it.pop("pauses", None)
    it["start"], it["stop"] = "09:00", "09:20"
    return it


def stamp(content: Chart, rest: str) -> str:
    return f"{content['date']}T{rest}"


# --- charts: times


@of_a_chart
def a_pause_lies_outside_its_administration(rng: random.Random, content: Chart) -> None:
    hour = rng.randint(10, 20)
    timed(rng, content)["pauses"] = [{"from": f"{hour}:{rng.randint(10, 59)}", "to": f"{hour + 2}:00"}]


@of_a_chart
def a_pause_begins_before_its_administration(rng: random.Random, content: Chart) -> None:
    it = timed(rng, content)
    it["start"] = stamp(content, "09:00")
    it["pauses"] = [{"from": stamp(content, f"0{rng.randint(0, 8)}:{rng.randint(10, 59)}"), "to": "09:10"}]


@of_a_chart
def a_pause_ends_before_it_begins(rng: random.Random, content: Chart) -> None:
    it = timed(rng, content)
    it["pauses"] = [{"from": stamp(content, f"09:1{rng.randint(1, 9)}"), "to": stamp(content, "09:05")}]


@of_a_chart
def pauses_overlap(rng: random.Random, content: Chart) -> None:
    last = rng.randint(10, 19)
    timed(rng, content)["pauses"] = [{"from": "09:01", "to": f"09:{last}"}, {"from": "09:05", "to": "09:20"}]


@of_a_chart
def a_pause_stands_twice(rng: random.Random, content: Chart) -> None:
    timed(rng, content)["pauses"] = [{"from": "09:01", "to": f"09:{rng.randint(10, 19)}"}] * 2


@of_a_chart
def a_stop_lies_before_its_start(rng: random.Random, content: Chart) -> None:
    it = timed(rng, content)
    it["start"], it["stop"] = stamp(content, f"1{rng.randint(0, 9)}:00"), stamp(content, "09:20")


@of_a_chart
def an_offset_is_none_of_its_zone(rng: random.Random, content: Chart) -> None:
    it = timed(rng, content)
    it["start"] = stamp(content, f"09:00+0{rng.randint(1, 9)}:00[America/New_York]")
    it["stop"] = stamp(content, "20:00[America/New_York]")


@of_a_chart
def an_offset_is_of_no_zone_on_earth(rng: random.Random, content: Chart) -> None:
    it = timed(rng, content)
    it["start"], it["stop"] = stamp(content, f"09:00+{rng.randint(19, 23)}:59"), stamp(content, "10:00-23:59")


@of_a_chart
def an_offset_has_too_many_minutes(rng: random.Random, content: Chart) -> None:
    it = timed(rng, content)
    it["start"], it["stop"] = stamp(content, f"09:00-02:{rng.randint(60, 99)}"), stamp(content, "10:00-02:00")


@of_a_chart
def one_time_has_an_offset_and_another_none(rng: random.Random, content: Chart) -> None:
    it = timed(rng, content)
    it["start"], it["stop"] = stamp(content, f"09:00-0{rng.randint(3, 9)}:00"), stamp(content, "20:00")


@of_a_chart
def an_hour_is_skipped(rng: random.Random, content: Chart) -> None:
    content["date"] = "2021-03-14"
    it = timed(rng, content)
    it["start"] = f"2021-03-14T02:{rng.randint(10, 59)}[America/New_York]"


@of_a_chart
def an_hour_comes_twice_and_no_offset_says_which(rng: random.Random, content: Chart) -> None:
    content["date"] = "2021-11-07"
    it = timed(rng, content)
    it["start"] = f"2021-11-07T01:{rng.randint(10, 59)}[America/New_York]"


@of_a_chart
def a_zone_is_a_folder_or_a_file_of_the_machine(rng: random.Random, content: Chart) -> None:
    timed(rng, content)["start"] = stamp(content, f"09:00[{rng.choice(['America', 'localtime', 'posixrules', 'etc'])}]")


@of_a_chart
def the_zone_of_the_chart_is_none(rng: random.Random, content: Chart) -> None:
    content["time_zone"] = rng.choice(["America", "Mars/Olympus", "localtime", "", 5, "../UTC"])


@of_a_chart
def a_time_lies_before_the_date_of_service(rng: random.Random, content: Chart) -> None:
    timed(rng, content)["start"] = f"20{rng.randint(10, 15)}-01-01T09:00"


@of_a_chart
def a_time_lies_years_later(rng: random.Random, content: Chart) -> None:
    timed(rng, content)["stop"] = f"20{rng.randint(27, 60)}-01-01T09:00"


@of_a_chart
def a_clock_shows_what_no_clock_shows(rng: random.Random, content: Chart) -> None:
    timed(rng, content)["stop"] = rng.choice(["24:00", "9:30", "09:60", "09:30:60", "09:30:00.5", "0930", "25:00"])


@of_a_chart
def a_date_is_none_of_the_calendar(rng: random.Random, content: Chart) -> None:
    content["date"] = rng.choice(["20210504", "2021-02-29", "2021-W18-2", "2021-5-4", "2021-05-04T09:00", "1066-10-14"])


# --- charts: values


@of_a_chart
def a_flag_is_a_word(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["diagnostic", "hormonal", "premixed", "reservoir", "spinal_puncture", "done"])
    some(rng, content)[name] = rng.choice(["false", "no", "true", "yes", ""])


@of_a_chart
def a_flag_is_a_number(rng: random.Random, content: Chart) -> None:
    some(rng, content)[rng.choice(["diagnostic", "premixed", "reservoir"])] = rng.choice([0, 1, 0.0])


@of_a_chart
def a_flag_of_the_facility_is_a_word(rng: random.Random, content: Chart) -> None:
    content["regulated_facility"] = rng.choice(["no", "false", 0, 1, []])


@of_a_chart
def an_earlier_visit_is_told_with_words(rng: random.Random, content: Chart) -> None:
    content["earlier_visit"] = {"initial_reported": rng.choice(["no", "false", 0, []])}


@of_a_chart
def a_class_is_none_of_the_format(rng: random.Random, content: Chart) -> None:
    some(rng, content)["class"] = rng.choice(["biologic", "Chemotherapy", "", "chemotherapy "])


@of_a_chart
def a_class_makes_a_fact_of_another_arity(rng: random.Random, content: Chart) -> None:
    some(rng, content)["class"] = rng.choice(["hydration,b", "therapeutic),push(a1", "a(b)"])


@of_a_chart
def a_route_is_none_of_the_format(rng: random.Random, content: Chart) -> None:
    some(rng, content)["route"] = rng.choice(["iv", "SC", "intravenous", "IV ", "\u0406V"])


@of_a_chart
def a_word_is_none_of_its_field(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["purpose", "method", "pump", "puncture_by", "container", "form", "order", "pump_supplied_by"])
    some(rng, content)[name] = rng.choice(["other", "PUSH", "push\n", "Infusion", "none of these"])


@of_a_chart
def a_word_of_the_encounter_is_none_of_its_field(rng: random.Random, content: Chart) -> None:
    content[rng.choice(["claim_type", "order"])] = rng.choice(["FACILITY", "both", "unsigned", "", None])


@of_a_chart
def a_number_is_negative(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["lesions", "billing_units", "discarded_units", "ordered_minutes", "volume_ml"])
    some(rng, content)[name] = -rng.randint(1, 99)


@of_a_chart
def a_count_has_a_fraction(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["lesions", "billing_units", "ordered_minutes"])
    some(rng, content)[name] = rng.choice([1.0, 2.5, 0.999, 8.0])


@of_a_chart
def a_number_is_a_text(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["lesions", "billing_units", "volume_ml", "rate_ml_per_h", "ordered_minutes"])
    some(rng, content)[name] = rng.choice(["5", "1e3", "abc", "1e3000000", "NaN", "\u0665"])


@of_a_chart
def a_number_is_far_too_large(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["lesions", "billing_units", "volume_ml", "rate_ml_per_h"])
    some(rng, content)[name] = rng.choice([10**7, 2**31, 10**30, 1_000_001])


@of_a_chart
def a_number_is_true(rng: random.Random, content: Chart) -> None:
    some(rng, content)[rng.choice(["lesions", "billing_units", "volume_ml", "ordered_minutes"])] = True


@of_a_chart
def a_value_is_an_object(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["volume_ml", "drug", "site", "purpose", "diagnostic", "start", "amount", "id"])
    some(rng, content)[name] = rng.choice([{}, [], {"value": 1}, ["IV"]])


@of_a_chart
def an_amount_is_of_no_unit(rng: random.Random, content: Chart) -> None:
    some(rng, content)["amount"] = rng.choice(["5", "0 mg", "5 parsecs", "1,2 mg", 5, "-1 mg", "\u0665 mg"])


# --- charts: names


@of_a_chart
def one_goes_on_with_itself(rng: random.Random, content: Chart) -> None:
    it = some(rng, content)
    it["continues"] = it["id"]


@of_a_chart
def two_go_on_with_each_other(rng: random.Random, content: Chart) -> bool | None:
    if len(given(content)) < 2:
        return False
    one, two = rng.sample(given(content), 2)
    one["continues"], two["continues"] = two["id"], one["id"]
    return None


@of_a_chart
def one_goes_on_with_nobody(rng: random.Random, content: Chart) -> None:
    some(rng, content)["continues"] = f"nobody {rng.random()}"


@of_a_chart
def a_site_replaces_itself(rng: random.Random, content: Chart) -> None:
    sites = content.setdefault("access_sites", [{"id": "arm"}])
    site = rng.choice(sites)
    site["replaces"] = site["id"]


@of_a_chart
def sites_replace_each_other(rng: random.Random, content: Chart) -> None:
    sites = content.setdefault("access_sites", [])
    sites += [{"id": "round", "replaces": "about"}, {"id": "about", "replaces": "round"}]


@of_a_chart
def a_site_is_not_listed(rng: random.Random, content: Chart) -> None:
    it = some(rng, content)
    it["route"], it["site"] = "IV", f"leg {rng.random()}"


@of_a_chart
def the_main_reason_is_nobody(rng: random.Random, content: Chart) -> None:
    content["primary_reason"] = [f"nobody {rng.random()}"]


@of_a_chart
def two_have_one_id(rng: random.Random, content: Chart) -> None:
    it = some(rng, content)
    content["administrations"].append({**it, "drug": rng.choice(["ketorolac", "vancomycin"])})


@of_a_chart
def two_have_one_id_but_for_spaces(rng: random.Random, content: Chart) -> None:
    it = some(rng, content)
    content["administrations"].append({**it, "id": f"{it['id']}{rng.choice([' ', chr(9), chr(0xA0)])}"})


@of_a_chart
def two_have_one_id_but_for_how_an_accent_is_written(rng: random.Random, content: Chart) -> None:
    it = some(rng, content)
    it["id"] = "caf\u00e9"
    content.pop("primary_reason", None)
    content["administrations"].append({**it, "id": "cafe\u0301"})


@of_a_chart
def a_place_of_service_is_none(rng: random.Random, content: Chart) -> None:
    content["place_of_service"] = rng.choice(["xx", '22"', "022", "2", "\uff12\uff12", "22 ", "", 222, -1, 2.2, None])


@of_a_chart
def a_name_is_nothing(rng: random.Random, content: Chart) -> None:
    some(rng, content)[rng.choice(["id", "drug"])] = rng.choice(["", " ", "\t", "\u2003", None, True])


@of_a_chart
def a_name_is_half_a_character(rng: random.Random, content: Chart) -> None:
    some(rng, content)[rng.choice(["drug", "lumen", "integral_to"])] = "\ud83d"


@of_a_chart
def a_diagnosis_is_no_code(rng: random.Random, content: Chart) -> None:
    content["diagnoses"] = [rng.choice(["E860", "e86.0", "E86.", 'E86.0",d2', "dehydration", "E86.01234", 7])]


@of_a_chart
def a_billed_line_is_none(rng: random.Random, content: Chart) -> None:
    content["billed"] = rng.choice(
        ["whatever", [["96365"]], [{"code": "96365", "units": 0}], [{"code": 96365}], [{"code": "96365", "units": 1.5}]]
    )


@of_a_chart
def a_service_is_none(rng: random.Random, content: Chart) -> None:
    kind_ = rng.choice(["surgery", "Flush", "flush ", "flush),unit(a", ""])
    content["services"] = [*content.get("services", []), {"kind": kind_}]


# --- charts: fields, and forms that are not the normal one


@of_a_chart
def a_field_looks_like_another(rng: random.Random, content: Chart) -> None:
    it = some(rng, content)
    name = rng.choice(sorted(set(it) - {"id"}))
    alike = name.replace("o", "\u043e").replace("i", "\u0456").replace("d", "\u0501").replace("s", "\u0455")
    it[alike if alike != name else f"{name}\u200b"] = it[name]


@of_a_chart
def a_field_stands_there_with_a_space_too(rng: random.Random, content: Chart) -> None:
    name = rng.choice(sorted(content))
    content[rng.choice([f" {name}", f"{name} ", name.upper()])] = content[name]


@of_a_chart
def a_field_is_of_another_part(rng: random.Random, content: Chart) -> None:
    content[rng.choice(["route", "stop", "drug"])] = "IV"


@of_a_chart
def a_null_stands_for_what_is_not_charted(rng: random.Random, content: Chart) -> None:
    it = some(rng, content)
    it[rng.choice([name for name in ("pump", "lesions", "dose", "class", "lumen", "product") if name not in it])] = None


@of_a_chart
def a_default_is_written_out(rng: random.Random, content: Chart) -> bool | None:
    name, value = rng.choice([("claim_type", "facility"), ("order", "signed"), ("services", []), ("billed", [])])
    if name in content:
        return False
    content[name] = value
    return None


@of_a_chart
def an_abbreviation_stands_for_its_long_form(rng: random.Random, content: Chart) -> None:
    match rng.randrange(4):
        case 0:
            content["place_of_service"] = int(content["place_of_service"])
        case 1:
            content["services"] = ["flush"]
        case 2:
            content["primary_reason"] = some(rng, content)["id"]
        case _:
            content["administrations"] = [*given(content), {"drug": "ketorolac", "route": "IM"}]


@of_a_chart
def a_list_is_an_object(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["administrations", "access_sites", "services", "diagnoses"])
    content[name] = {str(n): it for n, it in enumerate(content.get(name, []))}


# --- charts: what is small to write and large to read


@of_a_chart
def a_text_is_longer_than_any(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["id", "drug", "lumen", "bag", "discontinued", "amount"])
    some(rng, content)[name] = rng.choice(["x", "ab ", "\u0300\u0316", "5 ", "5 mg "]) * rng.randint(1001, 20_000)
    content.pop("primary_reason", None)


@of_a_chart
def a_number_has_hundreds_of_digits(rng: random.Random, content: Chart) -> None:
    name = rng.choice(["volume_ml", "rate_ml_per_h", "lesions", "billing_units", "ordered_minutes", "id", "bag"])
    some(rng, content)[name] = rng.choice([1, -1]) * 10 ** rng.randint(1000, 4000)
    content.pop("primary_reason", None)


@of_a_chart
def a_value_has_many_levels(rng: random.Random, content: Chart) -> None:
    levels: Any = "x"
    for _ in range(rng.randint(2, 150)):
        levels = [levels] if rng.random() < 0.5 else {"note": levels}
    some(rng, content)[rng.choice(["note", "drug", "pauses", "vials", "start"])] = levels


@of_a_chart
def three_go_on_in_a_circle(rng: random.Random, content: Chart) -> None:
    names = [f"{name} {rng.randint(0, 99)}" for name in ("one", "two", "three")]
    more = [{"id": it, "drug": "ketorolac", "route": "IM", "continues": names[n - 1]} for n, it in enumerate(names)]
    content["administrations"] = [*given(content), *more]


@of_a_chart
def the_zone_of_the_chart_shows_an_hour_twice(rng: random.Random, content: Chart) -> None:
    content["date"], content["time_zone"] = "2021-11-07", "America/New_York"
    it = timed(rng, content)
    it["start"], it["stop"] = f"2021-11-07T01:{rng.randint(10, 59)}", "2021-11-07T05:00"


@of_a_chart
def a_vial_holds_nothing(rng: random.Random, content: Chart) -> None:
    some(rng, content)["vials"] = [
        rng.choice([{"size": "500 mg", "count": 0}, {"count": 2}, {"size": "0 mg"}, {"size": "5e2 mg"}, "500 mg"])
    ]


@of_a_chart
def a_denial_is_none(rng: random.Random, content: Chart) -> None:
    denied = rng.choice([{"group": "co"}, {"reason": "B123456"}, {"remark": "m15"}, {"date": "2021-13-01"}, "CO-97"])
    content["billed"] = [{"code": "96365", "denied": denied}]


@of_a_chart
def an_earlier_visit_says_more_than_it_can(rng: random.Random, content: Chart) -> None:
    content["earlier_visit"] = {rng.choice(["initial", "line left in", "Initial_Reported"]): True}


@kind
def a_field_of_the_chart_stands_twice(rng: random.Random, proof: Proof) -> bytes | None:
    """The second one counts for Python; a reader sees the first."""
    text = canonical({**proof, "seal": seal(proof)}).decode()
    found = [it for it in re.finditer(r'"(drug|route|stop|start|site)": ("[^"]*")', text) if it.start() > 100]
    if not found:
        return None
    it = rng.choice(found)
    return (text[: it.start()] + f'"{it[1]}": "another", ' + text[it.start() :]).encode()


@kind
def the_proof_is_of_another_encounter(rng: random.Random, proof: Proof) -> Proof:
    proof["chart"]["encounter"] = f"{proof['chart']['encounter']}{rng.randint(0, 9)}"
    return proof


# --- readings, law


def _reproved(proof: Proof, question: str, option: str) -> Proof | None:
    settings = dict(_settings(proof)) | {question: option}
    written = _under(json.dumps(proof["chart"]["content"]), tuple(settings.items()))
    return None if written is None else {**json.loads(written), "policy": proof["policy"]}


@lru_cache(maxsize=200)
def _under(honest: str, settings: tuple[tuple[str, str], ...]) -> bytes | None:
    """The proof of a chart under these settings, without the law; None where there are too many ways."""
    try:
        return canonical({**prover(settings).prove(_read(honest)), "policy": None})
    except Exception:
        return None


def _read(honest: str) -> Encounter:
    encounter = parse(json.loads(honest), Source("forged")).encounter
    assert encounter is not None
    return encounter


def _other_option(rng: random.Random, proof: Proof) -> tuple[str, str]:
    """A question that the proof speaks of, with an option that is not its default."""
    questions = policy().questions
    asked = set(re.findall(r"reading\((\w+),", json.dumps(proof["answers"]))) or set(questions)
    question = questions[rng.choice(sorted(asked & set(questions)))]
    return question.key, rng.choice([it.name for it in question.options if it.name != question.default])


@kind
def another_reading_passes_as_the_default(rng: random.Random, proof: Proof) -> Proof | None:
    question, option = _other_option(rng, proof)
    found = _reproved(proof, question, option)
    if found is None or policy().questions[question].default is None:
        return None
    for it in found["settings"]:
        if it["question"] == question:
            it["source"] = "default"
    return found


@kind
def another_reading_is_proved_under_the_settings_of_the_default(rng: random.Random, proof: Proof) -> Proof | None:
    found = _reproved(proof, *_other_option(rng, proof))
    if found is None or same(found["answers"], proof["answers"]):
        return None
    return {**found, "settings": proof["settings"]}


@kind
def of_an_open_question_one_option_is_proved(rng: random.Random, proof: Proof) -> Proof | None:
    question, option = _other_option(rng, proof)
    opened, one = _reproved(proof, question, "open"), _reproved(proof, question, option)
    if opened is None or one is None or same(opened["answers"], one["answers"]):
        return None
    if same(opened["outcome"], one["outcome"]) and len(opened["answers"]) == 1:
        return None  # the question decides nothing here
    return {**one, "settings": opened["settings"]}


@kind
def of_an_open_question_an_alternative_is_dropped(rng: random.Random, proof: Proof) -> Proof | None:
    found = _reproved(proof, _other_option(rng, proof)[0], "open")
    if found is None or len(found["answers"]) < 2:
        return None
    n = rng.randrange(len(found["answers"]))
    found["answers"].pop(n)
    found["outcome"]["claims"].pop(n)
    if len(found["answers"]) == 1:
        found["outcome"]["status"] = "determined"
    return found


@cache
def _by_another_law(threshold: int, settings: tuple[tuple[str, str], ...]) -> Prover:
    texts = {
        name: text.replace("threshold(infusion, 16)", f"threshold(infusion, {threshold})")
        for name, text in policy().texts.items()
    }
    assert texts != policy().texts
    return Prover(Coder(replace(policy(), texts=texts), dict(settings)))


def _other_law(rng: random.Random, proof: Proof) -> Proof:
    law = rng.choice([10, 31]), _settings(proof)
    found: Proof = json.loads(_proved_by_another_law(json.dumps(proof["chart"]["content"]), *law))
    return found


@lru_cache(maxsize=20)
def _proved_by_another_law(honest: str, threshold: int, settings: tuple[tuple[str, str], ...]) -> bytes:
    return canonical(_by_another_law(threshold, settings).prove(_read(honest)))


@kind
def another_law_stands_under_the_published_digest(rng: random.Random, proof: Proof) -> Proof:
    found = _other_law(rng, proof)
    return {**found, "policy": {**found["policy"], "digest": proof["policy"]["digest"]}}


@kind
def another_law_stands_under_the_published_name(rng: random.Random, proof: Proof) -> Proof:
    return _other_law(rng, proof)


@kind
def another_law_is_applied_and_the_published_one_shown(rng: random.Random, proof: Proof) -> Proof | None:
    found = _other_law(rng, proof)
    if same(found["answers"], proof["answers"]):
        return None
    return {**found, "policy": proof["policy"]}


@kind
def a_file_of_the_law_has_another_name(rng: random.Random, proof: Proof) -> Proof:
    file = rng.choice(proof["policy"]["law"])
    file["file"] = f"x/{file['file']}"
    return proof


@kind
def a_file_of_the_law_stands_twice(rng: random.Random, proof: Proof) -> Proof:
    proof["policy"]["law"].append(dict(rng.choice(proof["policy"]["law"])))
    return proof


# --- drugs, of which the chart says only the name


def _with_listed(proof: Proof, facts: Iterator[tuple[str, str]], listed: list[str]) -> Proof:
    return by_facts(proof, proof["chart"]["content"], sorted(facts, key=lambda it: it[::-1]), sorted(set(listed)))


def _drugs(proof: Proof) -> list[str]:
    return sorted({str(atom(it)[1]) for it in proof["drug_list"]})


def _renamed(proof: Proof, old: str, new: str) -> Iterator[tuple[str, str]]:
    for it in proof["facts"]:
        yield re.sub(rf"^(drug\(a\d+),{old}\)$", rf"\1,{new})", it["atom"]), it["place"]


@kind
def a_drug_of_the_list_is_of_another_kind(rng: random.Random, proof: Proof) -> Proof | None:
    if not proof["drug_list"]:
        return None
    drug = rng.choice(_drugs(proof))
    new = rng.choice(["antineoplastic", "therapeutic", "hydration", "vaccine", "contrast"])
    listed = [re.sub(rf"^drug_kind\({drug},\w+\)", f"drug_kind({drug},{new})", it) for it in proof["drug_list"]]
    facts = ((it["atom"], it["place"]) for it in proof["facts"])
    return None if listed == proof["drug_list"] else _with_listed(proof, facts, listed)


@kind
def a_drug_of_the_list_is_taken_for_another(rng: random.Random, proof: Proof) -> Proof | None:
    if not proof["drug_list"]:
        return None
    old = rng.choice(_drugs(proof))
    new = rng.choice([it for it in ("paclitaxel", "ceftriaxone", "infliximab", "ondansetron") if it != old])
    listed = [it.replace(f"({old}", f"({new}") for it in proof["drug_list"]]
    return _with_listed(proof, _renamed(proof, old, new), listed)


@kind
def a_drug_of_the_list_passes_as_unknown(rng: random.Random, proof: Proof) -> Proof | None:
    if not proof["drug_list"]:
        return None
    old = rng.choice(_drugs(proof))
    listed = [it for it in proof["drug_list"] if f"({old}," not in it and f"({old})" not in it]
    return _with_listed(proof, _renamed(proof, old, "u1"), listed)


@kind
def an_unknown_drug_passes_as_one_of_the_list(rng: random.Random, proof: Proof) -> Proof | None:
    if not any(re.match(r"drug\(a\d+,u\d+\)", it["atom"]) for it in proof["facts"]):
        return None
    kind_ = rng.choice(["antineoplastic", "therapeutic"])
    return _with_listed(proof, _renamed(proof, r"u\d+", "zoledronic_acid"), [
        *proof["drug_list"], f"drug_kind(zoledronic_acid,{kind_})",
    ])  # fmt: skip


@kind
def a_drug_has_a_flag_that_the_list_does_not_give_it(rng: random.Random, proof: Proof) -> Proof | None:
    if not proof["drug_list"]:
        return None
    drug = rng.choice(_drugs(proof))
    flag = rng.choice(["printed", "hormonal", "immunotherapy"])
    fact = f"{flag}({drug})"
    listed = [it for it in proof["drug_list"] if it != fact]
    facts = ((it["atom"], it["place"]) for it in proof["facts"])
    return _with_listed(proof, facts, listed if len(listed) < len(proof["drug_list"]) else [*listed, fact])


@kind
def a_drug_has_the_code_of_another(rng: random.Random, proof: Proof) -> Proof | None:
    if not proof["drug_list"]:
        return None
    content = json.loads(json.dumps(proof["chart"]["content"]))
    known = [n for n, it in enumerate(given(content), 1) if f"drug(a{n},u" not in json.dumps(proof["facts"])]
    n = rng.choice(known)
    content["administrations"][n - 1] |= {"billing_units": rng.randint(1, 9)}
    facts = [(it["atom"], it["place"]) for it in proof["facts"] if not it["atom"].startswith("billing_units")]
    where = f"/administrations/{n - 1}"
    units = content["administrations"][n - 1]["billing_units"]
    facts += [(f"billing_units(a{n},{10 * units})", f"{where}/billing_units")]
    facts += [(f'code_in_force(a{n},"{rng.choice(["J9999", "J9355", "Q5117"])}")', f"{where}/drug")]
    return by_facts(proof, content, sorted(facts, key=lambda it: it[::-1]), proof["drug_list"])


@kind
def a_fact_of_the_drug_list_stands_twice(rng: random.Random, proof: Proof) -> Proof | None:
    if not proof["drug_list"]:
        return None
    proof["drug_list"] = sorted([*proof["drug_list"], rng.choice(proof["drug_list"])])
    return proof
