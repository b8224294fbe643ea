"""The packet of a claim: what it argues, what it says for the other side, and what is written of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from command import chart, given_iv, run, two_of_equal_rank, write_lines

from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.chart.files import scan
from ivproof.chart.reading import Source, parse
from ivproof.law.policy import Policy
from ivproof.packet.maker import PacketMaker
from ivproof.packet.model import LineFinding, Packet
from ivproof.packet.writing import document
from ivproof.render.html import packet_page
from ivproof.render.pdf import packet_document

EXAMPLES = Path(__file__).parent.parent / "examples"
LOST, WON = EXAMPLES / "11-lost-dispute.yaml", EXAMPLES / "12-won-dispute.yaml"
NIGHT = EXAMPLES / "08-overnight-observation.yaml"
HOSTILE = "<script>document.title='owned'</script>"


@cache
def maker(*, search: bool = True) -> PacketMaker:
    return PacketMaker(Policy.load("out001"), search="all" if search else "none")


@cache
def example(file: Path) -> Packet:
    [sheet] = scan([str(file)])
    found = sheet.chart().encounter
    assert found is not None
    return maker().make(found, str(file))


def read(data: dict[str, Any]) -> Encounter:
    found = parse(data, Source("chart")).encounter
    assert found is not None
    return found


def made(data: dict[str, Any], *billed: dict[str, Any], search: bool = False) -> Packet:
    return maker(search=search).make(read({**data, "billed": list(billed)}), "visit.json")


def by_code(packet: Packet) -> dict[str, LineFinding]:
    return {it.code: it for it in packet.findings}


def said(finding: LineFinding) -> str:
    """Everything that is argued of a line."""
    parts = [it.text for it in finding.points] + [it.text for near in finding.nearest for it in near.fails]
    return " ".join([finding.message, *parts])


def antibiotic(*more: dict[str, Any], stop: str = "10:20") -> dict[str, Any]:
    return chart("E", given_iv("drug", "ceftriaxone", "09:00", stop, method="infusion"), *more)


def second_push() -> dict[str, Any]:
    return given_iv("again", "Zofran", "10:15", None, method="push")


# --- what is argued


def test_every_disputed_line_is_argued_with_its_rules_and_what_was_measured() -> None:
    found = by_code(example(LOST))
    assert {code for code, it in found.items() if it.disputed} == {"96366", "96361", "96376"}
    for code, rule, measured in (
        ("96366", "R54", "80 minutes; 91 or more needed"),
        ("96361", "R57", "25 minutes; 31 or more needed"),
        ("96376", "R53", "20 minutes; more than 30 needed"),
    ):
        assert rule in {it.number for it in found[code].rules}, code
        assert measured in said(found[code]), code
        # what the policy leaves out is argued by the rule that does so: no other comes nearer
        assert bool(found[code].nearest) is (code == "96366")
        assert all(it.code == code for it in found[code].nearest)
    assert all(it.section and it.says for line in found.values() for it in line.rules)


@pytest.mark.parametrize(
    ("visit", "billed", "verdict", "rule", "argued"),
    [
        (antibiotic(), [{"code": "96365", "units": 2}], "units_too_many", "R40", "ran 80 minutes"),
        (antibiotic(stop="12:10"), [{"code": "96365"}, {"code": "96366"}], "units_too_few", "R54", "further hour 2"),
        (antibiotic(second_push()), [{"code": "96365"}], "missing_from_claim", "R52", "again"),
        (antibiotic(second_push()), [{"code": "96365"}, {"code": "96374"}], "wrong_code", "R52", "added push"),
        (antibiotic(), [{"code": "96365"}, {"code": "96361"}], "unsupported", "R80", "hydration"),
        (antibiotic(), [{"code": "96365", "modifiers": ["59"]}], "modifier_wrong", "R40", "initial"),
    ],
)
def test_each_kind_of_dispute_has_its_argument(
    visit: dict[str, Any], billed: list[dict[str, Any]], verdict: str, rule: str, argued: str
) -> None:
    [found] = made(visit, *billed).disputed
    assert found.verdict == verdict
    assert rule in {it.number for it in found.rules}
    assert argued in said(found)
    assert found.other_side.holds


def test_a_code_that_cannot_be_earned_is_told_by_what_comes_nearest() -> None:
    [found] = made(antibiotic(second_push()), {"code": "96365"}, {"code": "96374"}).disputed
    [near] = found.nearest
    assert near.code == "96374"
    assert near.citation.startswith("R")
    assert near.fails


def test_what_nothing_in_the_chart_comes_near_is_told_as_that() -> None:
    visit = chart("E", given_iv("fluid", "normal saline", "09:00", "10:00", purpose="hydration"))
    found = by_code(made(visit, {"code": "96360"}, {"code": "99285"}, {"code": "96413"}))
    assert "by any rule of the policy" in said(found["99285"])
    assert "hydration" in said(found["96413"])


def test_the_other_side_stands_on_a_reading_that_is_named_with_what_is_held_and_why() -> None:
    found = by_code(example(LOST))
    for code, question, letter in (("96366", "A19", "B"), ("96376", "A52", "B")):
        side = found[code].other_side
        assert side.holds == "does not hold"
        assert f"{question} (" in side.argument
        assert f"option {letter}" in side.argument
        assert "option A" in side.answer
        assert "default" in side.answer
        [stand] = side.stands
        assert stand.citation in side.answer
    side = found["96361"].other_side
    assert side.holds == "none was found"
    assert "No reading of the policy gives this line as it was billed, and no missing fact as far as it was tried" in (
        side.answer
    )


def test_an_open_question_is_called_unresolved() -> None:
    [sheet] = scan([str(NIGHT)])
    night = sheet.chart().encounter
    assert night is not None
    units = {"96365": 1, "96361": 4, "96375": 1, "96376": 1}
    billed = tuple(BilledLine(code=code, units=number, modifiers=()) for code, number in units.items())
    found = maker(search=False).make(night.model_copy(update={"billed": billed}), "night.json")
    assert found.verdict == "correct_under_reading"
    [disputed] = found.disputed
    assert disputed.other_side.holds == "unresolved"
    assert [(it.question, it.letter) for it in disputed.other_side.stands] == [("A26", "C")]
    [open_] = [it for it in found.assumed if it.source == "open"]
    assert open_.question == "A26"
    assert {letter for letter, _, _ in open_.otherwise} == {"A", "B", "C", "D"}


def test_a_missing_fact_is_the_other_sides_argument_and_is_told_as_undocumented() -> None:
    visit = chart("E", given_iv("drug", "ceftriaxone", "09:00", None, method="infusion"))
    found = made(visit, {"code": "96365"}, search=True)
    assert found.verdict == "correct_if_documented"
    [line] = found.disputed
    assert line.other_side.holds == "not documented"
    assert "administrations[drug].stop as 09:16 to 10:30, 96365 × 1 would be right." in line.other_side.argument
    assert [fact for fact, _, _ in found.undocumented] == ["administrations[drug].stop"]


def test_what_holds_without_a_reading_is_not_said_to_follow_from_it() -> None:
    professional = chart(
        "E",
        given_iv("v", "vancomycin", "08:00", "09:00", method="infusion"),
        claim_type="professional",
        place_of_service="23",
        services=[{"kind": "evaluation_and_management", "code": "99284", "separately_identifiable": True}],
    )
    found = made(professional, {"code": "96365"}, {"code": "99284", "modifiers": ["25"]}, search=True)
    infusion, visit = found.disputed
    assert infusion.verdict == visit.verdict == "supported_under_reading"
    assert "belongs to the facility's claim" in infusion.points[0].text
    text = packet_page(document([found], "internal"))
    assert text.count("What follows from the chart, as it is read here:") == 2 and ", so read:" not in text
    # the modifier is what is disputed of the visit
    assert "99284-25 × 1 would be right." in visit.other_side.argument


def test_without_a_search_it_is_not_said_that_there_is_no_argument() -> None:
    [found] = made(antibiotic(), {"code": "96365"}, {"code": "96361"}).disputed
    assert found.other_side.holds == "not looked for"


def test_a_right_claim_is_defended_line_by_line_and_its_edits_stand_apart() -> None:
    found = example(WON)
    assert found.verdict == "correct"
    assert found.disputed == ()
    for line in found.standing:
        assert line.points, line.code
        assert line.drawn is not None
    second = next(it for it in found.findings if it.billed.startswith("96413-59"))
    assert "incompatible" in said(second)
    assert "R11" in {it.number for it in second.rules}
    assert {it.question for it in second.other_side.stands} >= {"A13"}
    assert [severity for severity, _ in found.edits_billed] == ["appealable"]


def test_what_the_payer_denied_comes_first_and_is_argued_although_the_chart_supports_it() -> None:
    denied = {"group": "CO", "reason": "97", "remark": ["M15"], "text": HOSTILE, "date": "2021-03-02", "amount": 120}
    found = made(antibiotic(second_push()), {"code": "96365"}, {"code": "96375", "denied": denied})
    [line] = found.denied
    assert (line.code, line.disputed, found.disputed) == ("96375", False, ())
    assert [it.code for it in found.standing] == ["96365"]
    [sentence] = line.denied
    codes = "CO 97, remarks M15, 120.00 not paid"
    assert sentence == f"The payer denied this line on 2021-03-02: {codes}. In the payer's words: “{HOSTILE}”"
    assert line.points
    assert line.drawn is not None
    page = packet_page(document([found], "internal"))
    assert HOSTILE not in page
    assert page.index("Lines that the payer denied") < page.index(codes) < page.index("Lines that stand")
    assert packet_document(document([found], "internal")).startswith(b"%PDF")


def test_only_what_a_line_rests_on_is_drawn_and_what_carries_it_is_marked() -> None:
    many = [given_iv(f"push-{n}", "Zofran", f"{9 + n:02}:00", None, method="push") for n in range(12)]
    found = made(chart("E", *many), {"code": "96374", "units": 2}, {"code": "96376", "units": 11})
    line = next(it for it in found.disputed if it.code == "96374")
    assert line.drawn is not None
    rows = [row.key for lane in line.drawn.lanes for row in lane.rows]
    assert set(line.carried) <= set(rows)
    assert line.left_out == len(many) - len(rows) > 0


def test_facts_have_their_places_and_assumptions_their_consequences() -> None:
    found = example(LOST)
    relied = {it.subject: it for it in found.facts}
    assert relied["zofran-1"].place == "administrations[zofran-1]"
    assert ("began at 10:05", "start") in relied["zofran-1"].facts
    assert 5 in relied["zofran-2"].lines
    [repeats] = [it for it in found.assumed if it.question == "A52"]
    assert (repeats.letter, repeats.source) == ("A", "default")
    assert repeats.otherwise == (("B", "Every push is listed", "96376 × 1"),)


def test_two_lines_of_one_code_do_not_lean_on_the_same_unit() -> None:
    pushes = [given_iv(f"p{n}", "Zofran", f"{10 + n}:00", None, method="push") for n in range(3)]
    found = made(antibiotic(*pushes), {"code": "96365"}, {"code": "96375"}, {"code": "96376"}, {"code": "96374"})
    leaning = [key for it in found.findings if it.supported.startswith("96376") for key in it.carried]
    assert len(leaning) == len(set(leaning)) == 2


def test_nothing_billed_and_nothing_supported_is_a_packet_too() -> None:
    found = made({"id": "E", "place_of_service": "22", "date": "2020-10-05"})
    assert found.findings == ()
    assert packet_document(document([found], "internal")).startswith(b"%PDF")
    assert "Nothing was billed" in packet_page(document([found], "internal"))


# --- the page and the document


def hostile() -> Packet:
    visit = chart(
        f"{HOSTILE}\u202e",
        given_iv('a"onload="x', HOSTILE, "09:00", "09:40"),
        given_iv("{{ 7 * 7 }}", '#eval("1") $x$ *bold*', "10:00", None, method="push"),
        payer='"><img src=x onerror=alert(1)>',
    )
    return made(visit, {"code": "96365"}, {"code": "96361"})


def test_a_page_says_it_all_and_names_nothing_outside_itself() -> None:
    html = packet_page(document([example(LOST)], "internal"))
    for text in ("ED-3310", "The claim bills more than the chart supports", "A19", "R54", "III.D.c", "sha256"):
        assert text in html
    assert "http" not in re.sub(r"http-equiv", "", html)
    assert "<script" not in html
    assert "default-src 'none'" in html
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_nothing_from_a_chart_is_markup() -> None:
    found = hostile()
    html = packet_page(document([found], "internal"))
    assert "<script" not in html
    assert "<img" not in html
    assert 'a"onload' not in html
    assert "{{ 7 * 7 }}" in html
    assert "\u202e" not in html
    assert packet_document(document([found], "internal")).startswith(b"%PDF")


@pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext is not installed (apt-get install poppler-utils)"
)
@pytest.mark.parametrize(("file", "pages"), [(LOST, range(3, 5)), (WON, range(3, 5))])
def test_the_pages_are_numbered_with_the_encounter_and_none_is_empty(file: Path, pages: range, tmp_path: Path) -> None:
    found, pdf = example(file), tmp_path / "packet.pdf"
    pdf.write_bytes(packet_document(document([found], "internal")))
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    sheets = text.split("\f")[:-1]
    assert len(sheets) in pages
    for number, sheet in enumerate(sheets, 1):
        foot = sheet.strip().splitlines()[-1]
        assert foot.split() == f"Encounter {found.encounter}, {found.date} Page {number} of {len(sheets)}".split()
        assert len(sheet.split()) > 60, number
    flat = " ".join(text.split())
    for line in found.findings:
        assert f"Line {line.number}:" in flat
        assert " ".join(line.other_side.answer.split()[:6]) in flat
    assert found.proof.sha256 in flat
    assert found.proof.commands[0] in flat


def test_the_same_claim_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    file, seeded = tmp_path / "packet.pdf", {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", "from ivproof.cli import app; app()", "audit", str(LOST), "-o", str(file)]
    subprocess.run(command, env=seeded, check=True)
    assert file.read_bytes() == packet_document(document([example(LOST)], "internal"))


# --- the command


def test_the_command_writes_each_form_and_the_proof_that_it_names(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visit.jsonl", {**antibiotic(), "billed": [{"code": "96365", "units": 2}]})
    for name in ("packet.html", "packet.json"):
        result = run("audit", file, "-o", tmp_path / name, "--search", "none")
        assert result.exit_code == 0, result.stderr
    assert "units too many" in (tmp_path / "packet.html").read_text("utf-8")
    data = json.loads((tmp_path / "packet.json").read_text("utf-8"))
    assert data["format"] == "ivproof packet"
    assert data["audit"]["verdict"] == data["verdict"] == "overcoded"
    proof = tmp_path / data["proof"]["file"]
    assert proof.name == "packet.proof.json"
    assert hashlib.sha256(proof.read_bytes()).hexdigest() == data["proof"]["sha256"]
    assert run("check", proof).exit_code == 0
    again = run("prove", file, "--encounter", "E", "-o", tmp_path / "again.json")
    assert again.exit_code == 0, again.stderr
    assert (tmp_path / "again.json").read_bytes() == proof.read_bytes()
    assert not list(tmp_path.glob("*.incomplete"))


def test_the_command_says_what_was_set_and_where_the_claim_comes_from(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", two_of_equal_rank("A"), two_of_equal_rank("B"))
    claim, output = tmp_path / "claim.csv", tmp_path / "packet.json"
    claim.write_text("encounter,code,units\nB,96365,1\nB,96366,2\nB,96367,1\n", "utf-8")
    options = ("--encounter", "B", "--reading", "A9=first", "--fail-on", "overcoded,undercoded", "--search", "none")
    result = run("audit", file, "-o", output, "--claim", claim, *options)
    data = json.loads(output.read_text("utf-8"))
    assert data["encounter"] == "B"
    assert result.exit_code == (data["verdict"] in {"overcoded", "undercoded"})
    assert any("--reading" in it and "=first" in it for it in data["proof"]["commands"])
    assert str(tmp_path) not in output.read_text("utf-8")
    assert {it["question"]: it["source"] for it in data["assumed"]}.get("A9") == "set"


@pytest.mark.parametrize(
    ("charts", "options", "status", "words"),
    [
        ([chart("A", billed=[]), chart("B", billed=[])], (), 2, ("several", "--encounter", "A, B")),
        ([chart("A", billed=[]), chart("B", billed=[])], ("--encounter", "C"), 2, ("--encounter C", "no encounter")),
        ([chart("A")], (), 1, ("nothing that was billed", "--claim")),
        ([{"id": "A"}], (), 1, ("place_of_service",)),
        ([chart("A", billed=[])], ("--resume",), 2, ("--resume", "packet")),
    ],
)
def test_what_cannot_be_a_packet_is_refused(
    tmp_path: Path, charts: list[Any], options: tuple[str, ...], status: int, words: tuple[str, ...]
) -> None:
    file, output = write_lines(tmp_path / "visits.jsonl", *charts), tmp_path / "packet.html"
    result = run("audit", file, "-o", output, *options)
    assert result.exit_code == status, result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    assert sorted(it.name for it in tmp_path.iterdir()) == ["visits.jsonl"]


def test_an_encounter_is_picked_for_a_packet_only(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("A", billed=[]))
    result = run("audit", file, "--encounter", "A")
    assert result.exit_code == 2
    assert "packet" in result.stderr


def test_a_packet_shows_notes_and_where_the_record_has_what_and_the_law_knows_nothing_of_it() -> None:
    bag = given_iv(
        "drug", "ceftriaxone", "09:00", "10:20", note="given by the night shift", source="MAR p. 3, RN, 11:04"
    )
    plain, noted = (
        made(data, {"code": "96365"})
        for data in (antibiotic(), chart("E", bag, note="port would not flush", time_zone="America/New_York"))
    )
    about = dict(noted.about)
    assert about["Note"] == "port would not flush"
    assert about["Record of drug"] == "MAR p. 3, RN, 11:04"
    assert about["Note on drug"] == "given by the night shift"
    assert "night shift" in packet_page(document([noted], "internal"))
    assert noted.verdict == plain.verdict
    assert "night shift" not in json.dumps(json.loads(noted.proof.content)["facts"])


def test_each_rule_is_printed_once_with_the_lines_that_rest_on_it() -> None:
    found = example(WON)
    assert [it.number for it in found.rules] == list(dict.fromkeys(it.number for it in found.rules))
    for rule in found.rules:
        assert rule.lines == tuple(
            it.number for it in found.findings if rule.number in {one.number for one in it.rules}
        )
    page = packet_page(document([found], "internal"))
    for rule in found.rules:
        assert page.count(f'id="rule-{rule.number}"') == 1


def test_a_class_is_cited_to_the_rule_that_speaks_of_it() -> None:
    said = [
        point.citation for it in example(WON).findings for point in it.points if "the class of its drug" in point.text
    ]
    assert said
    assert all("R17" in it and not {"R18", "R20"} & set(re.findall(r"R\d+", it)) for it in said)
