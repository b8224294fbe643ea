"""Charts without identifiers: nothing that names anybody is left, and the claim and the proof are what they were."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import case_files
import pytest
from command import chart, given_iv, run, write_lines

from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.files import read
from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.exports.deidentified import Deidentifier, Moved, NotMovableError
from ivproof.law.policy import Policy
from ivproof.proof.maker import prove

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))
POLICY = Policy.load("out001")
MAKE = Deidentifier(POLICY, b"a key of sixteen bytes or more")
CODER = Coder(POLICY)


def examples() -> list[Encounter]:
    return [it.encounter for it in read(EXAMPLES) if it.encounter is not None]


def read_chart(data: dict[str, Any]) -> Encounter:
    found = parse(data, Source("x"))
    assert found.encounter is not None, found.refusals
    return found.encounter


def named_again(text: str, moved: Moved) -> str:
    """Text about a moved chart with the names and the dates that the chart had."""
    for token, name in moved.names.items():
        text = text.replace(token, name)
    first = moved.encounter.date
    for n in range(-5, 6):
        day = first + timedelta(n)
        text = text.replace(day.isoformat(), f"<{n}>").replace(day.strftime("%Y%m%d"), f"<{n}>")
    return text


def test_the_claims_of_all_examples_are_the_same_up_to_renaming() -> None:
    charts = examples()
    assert len(charts) >= len(EXAMPLES)
    all_moved = [MAKE.moved(it) for it in charts]
    found = CODER.code(charts), CODER.code([it.encounter for it in all_moved])
    for encounter, moved, before, after in zip(charts, all_moved, *found, strict=True):
        assert moved.days and moved.encounter.date == encounter.date + timedelta(moved.days)
        same = Moved(encounter, {}, 0, {})
        told = json.dumps(after.as_dict(), ensure_ascii=False)
        assert named_again(told, moved) == named_again(json.dumps(before.as_dict(), ensure_ascii=False), same)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_proof_is_the_same_up_to_renaming(number: int) -> None:
    encounter = examples()[number]
    moved = MAKE.moved(encounter)
    proofs = []
    for it, names in ((encounter, Moved(encounter, {}, 0, {})), (moved.encounter, moved)):
        proof = prove(CODER, it)
        proofs.append(
            {key: named_again(json.dumps(proof[key]), names) for key in ("facts", "outcome", "answers", "drug_list")}
        )
    assert proofs[0] == proofs[1]


def test_the_law_is_given_the_same_facts_of_every_case_that_can_be_moved() -> None:
    refused, charts = [], 0
    for folder in ("published", "readings", "faults"):
        for file, data in case_files.documents(folder):
            if "encounter" not in data:
                continue
            encounter = case_files.encounter_of(data["encounter"], file)
            try:
                moved = MAKE.moved(encounter).encounter
            except NotMovableError as error:
                refused.append((file, data["case"], str(error)))
                continue
            charts += 1
            quarter = (encounter.date.year, (encounter.date.month - 1) // 3)
            assert (moved.date.year, (moved.date.month - 1) // 3) == quarter and moved.date != encounter.date
    assert charts > 200 and not refused


@pytest.mark.parametrize("unknown", ["aaa", "mmm", "zzz"])
def test_a_drug_that_is_not_known_keeps_its_place_among_those_of_the_same_minute(unknown: str) -> None:
    drugs = ("ceftriaxone", f"{unknown} study drug", "ondansetron", f"other {unknown}")
    given = [given_iv(f"x{n}", drug, "09:00", None) for n, drug in enumerate(drugs)]
    for key in (b"sixteen bytes or", b"another sixteen "):
        moved = Deidentifier(POLICY, key).moved(read_chart(chart("A", *given)))
        names = [it.drug for it in moved.encounter.administrations]
        assert unknown not in " ".join(names)
        assert sorted(range(4), key=names.__getitem__) == sorted(range(4), key=drugs.__getitem__)


SECRET = "Jane Doe"


def test_nothing_that_could_name_anybody_is_left() -> None:
    data = chart(
        f"MRN 4711 {SECRET}",
        given_iv(f"{SECRET} 1", "ceftriaxone", "2021-02-03T09:00", "2021-02-03T09:40", note=SECRET, source=SECRET)
        | {"bag": SECRET, "dose": SECRET, "lumen": SECRET, "discontinued": SECRET, "integral_to": SECRET}
        | {"pauses": [{"from": "09:10", "to": "09:12", "reason": f"Reaction of {SECRET}"}], "product": SECRET},
        {"id": f"{SECRET} 2", "drug": f"drug of {SECRET}", "route": "IM", "site": f"arm of {SECRET}"},
        date="2021-02-03",
        note=SECRET,
        payer=f"plan of {SECRET}",
        primary_reason=f"{SECRET} 1",
        access_sites=[{"id": "left-arm"}, {"id": SECRET, "replaces": "left-arm"}],
        billed=[{"code": "96365", "denied": {"text": SECRET, "date": "2021-03-02", "reason": "97"}}],
    )
    moved = MAKE.moved(read_chart(data))
    text = json.dumps(dumps(moved.encounter))
    assert not re.search("jane|doe|4711|2021-02-03|2021-03-02|left-arm", text, re.IGNORECASE)
    denied = date(2021, 3, 2) + timedelta(moved.days)
    assert dumps(moved.encounter)["billed"][0]["denied"] == {"date": denied.isoformat(), "reason": "97"}
    assert moved.encounter.administrations[0].pauses[0].reason == "reaction"
    assert moved.dropped == {
        "note": 2, "source": 1, "payer": 1, "text": 1, "drug": 1, "product": 1, "discontinued": 1, "integral_to": 1,
        "pauses.reason": 1,
    }  # fmt: skip


def test_the_same_key_gives_the_same_tokens_and_another_key_others() -> None:
    encounter = read_chart(chart("A"))
    assert MAKE.moved(encounter) == Deidentifier(POLICY, b"a key of sixteen bytes or more").moved(encounter)
    other = Deidentifier(POLICY, b"another key of sixteen bytes").moved(encounter)
    assert not set(other.names) & set(MAKE.moved(encounter).names)
    assert not set(MAKE.moved(read_chart(chart("B"))).names) & set(other.names)
    with pytest.raises(ValueError, match="expected at least 16"):
        Deidentifier(POLICY, b"short")


@pytest.mark.parametrize(
    ("fields", "movable"),
    [
        ({"date": "2021-03-31", "start": "23:50", "stop": "00:20"}, False),
        ({"date": "2021-03-31", "start": "23:20", "stop": "23:50"}, True),
        ({"date": "2020-09-15", "start": "23:50", "stop": "00:20"}, False),
        ({"date": "2021-03-13", "start": "23:50", "stop": "03:20", "time_zone": "America/New_York"}, False),
        ({"date": "2021-03-13", "start": "23:50", "stop": "03:20"}, True),
    ],
)
def test_what_would_cross_an_edition_a_quarter_or_a_clock_change_is_refused(
    fields: dict[str, str], movable: bool
) -> None:
    times = given_iv("x", "ceftriaxone", fields.pop("start"), fields.pop("stop"))
    encounter = read_chart(chart("A", times, **fields))
    if movable:
        assert MAKE.moved(encounter).days
        return
    with pytest.raises(NotMovableError) as error:
        MAKE.moved(encounter)
    assert not re.search(r"20\d\d-", str(error.value))


def test_no_visit_is_moved_over_a_clock_change_of_its_zone() -> None:
    for n in range(40):
        before = MAKE.moved(read_chart(chart(f"A{n}", date="2021-02-20", time_zone="America/New_York"))).encounter
        assert date(2021, 1, 1) <= before.date < date(2021, 3, 13)


def test_the_command_writes_what_can_be_moved_and_tells_the_rest(tmp_path: Path) -> None:
    late = chart("late", given_iv("x", "ceftriaxone", "23:50", "00:20"), date="2021-03-31")
    lines = write_lines(tmp_path / "c.jsonl", chart("A", note="free"), late, chart("A"), {"id": "B"})
    key, out = tmp_path / "key", tmp_path / "out.jsonl"
    assert run("deidentify", lines, "--key", key, "-o", out).exit_code == 2
    done = run("deidentify", lines, "--key", key, "--new-key", "-o", out, columns=400)
    assert done.exit_code == 1 and key.stat().st_mode & 0o077 == 0
    assert "1 charts written, 3 refused; free text dropped or replaced: 1 note" in done.stderr
    assert f"{lines}:2: late: found a visit that cannot be moved without crossing" in done.stderr
    first = out.read_text("utf-8")
    assert len(first.splitlines()) == 1 and run("code", out).exit_code == 0
    assert run("deidentify", lines, "--key", key).stdout == first
    assert run("deidentify", lines, "--key", key, "--new-key").exit_code == 2
    assert run("deidentify", lines, "--key", lines, "-o", lines).exit_code == 2
    done = run("deidentify", lines, "--key", key, "-o", key)
    assert done.exit_code == 2 and "found the file of --key, which it would replace" in done.stderr
