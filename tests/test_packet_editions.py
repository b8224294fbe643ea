"""What is written for a payer and what for the inside: answers to denials, exhibits, authority, amounts, and forms."""

from __future__ import annotations

import html
import io
import re
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import case_files
import docx
import pytest
from command import chart, given_iv, run, write_lines

from ivproof.audit.model import Kind
from ivproof.chart.reading import Source, parse
from ivproof.edits.denials import KINDS, Denials
from ivproof.law.policy import Policy, law_folder
from ivproof.law.sources import Sources
from ivproof.packet.blocks import Document
from ivproof.packet.maker import PacketMaker
from ivproof.packet.model import Packet
from ivproof.packet.writing import Cover, CoverError, NothingToArgueError, document
from ivproof.render.docx import word_document
from ivproof.render.html import packet_page

WON = Path(__file__).parent.parent / "examples" / "12-won-dispute.yaml"

VISIT = {
    "id": "V1",
    "place_of_service": "22",
    "date": "2022-05-17",
    "payer": "Plan",
    "diagnoses": ["C50.911"],
    "access_sites": [
        {"id": "port", "kind": "port"},
        {"id": "arm", "necessity": "incompatible", "source": "sheet p. 2, RN"},
    ],
    "administrations": [
        {**given_iv("paclitaxel-1", "paclitaxel", "09:00", "12:05"), "site": "port", "source": "MAR p. 3, RN"},
        {**given_iv("carboplatin-1", "carboplatin", "09:30", "10:20"), "site": "arm"},
    ],
}
BILLED: list[dict[str, Any]] = [
    {"code": "96413"},
    {"code": "96413", "modifiers": ["59"]},
    {"code": "96415", "units": 2},
]


@cache
def maker(policy: str) -> PacketMaker:
    return PacketMaker(Policy.load(policy), search="one")


def made(line: int, name: str = "V1", policy: str = "out001", **denied: Any) -> Packet:
    """The packet of the visit with one line denied."""
    billed = [dict(it) for it in BILLED]
    billed[line]["denied"] = {"group": "CO", **denied}
    return packet_of(billed, name, policy)


def packet_of(billed: list[dict[str, Any]], name: str = "V1", policy: str = "out001") -> Packet:
    """The packet of the visit with these lines billed."""
    found = parse({**VISIT, "id": name, "billed": billed}, Source("visit")).encounter
    assert found is not None
    return maker(policy).make(found, "visit.yaml")


def words(written: Document) -> str:
    """What a page says, without its markup."""
    page = re.sub(r"(?s)<(style|svg)\b.*?</\1>", " ", packet_page(written))
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


DENIALS = [data for file, data in case_files.documents("faults") if file.endswith("/audit-denials.yaml")]


@pytest.mark.parametrize("case", [pytest.param(it, id=it["case"]) for it in case_files.some(DENIALS, 7, first=3)])
def test_both_editions_name_the_reason_and_the_rules_that_the_audit_names(case: dict[str, Any]) -> None:
    """What auditors deny most: the inside is told why, the payer what stands, and nothing that does not."""
    billed = [{**it, "denied": {"group": "CO", "reason": "97"}} for it in case["encounter"]["billed"]]
    packet = maker("out001").make(case_files.encounter_of({**case["encounter"], "billed": billed}, "visit"), "visit")
    lines = dict(zip((it.number for it in packet.findings), packet.audit.lines, strict=True))
    for it in packet.findings:
        assert it.message == lines[it.number].message
        assert {*lines[it.number].rules} <= {rule.number for rule in it.rules}
    for wanted in case["expect"].get("audit_lines", ()):
        same = [it for it in packet.findings if lines[it.number].code == wanted["code"]]
        assert any({*wanted.get("rules", ())} <= {rule.number for rule in it.rules} for it in same)
        assert re.search(wanted.get("said", ""), " ".join(it.message for it in same), re.IGNORECASE)
    inside = words(document([packet], "internal"))
    assert all(" ".join(it.message.split()) in inside for it in packet.findings)
    stands = {n for n, it in lines.items() if it.kind is Kind.SUPPORTED}
    if not stands:
        with pytest.raises(NothingToArgueError):
            document([packet], "payer")
        return
    outside = words(document([packet], "payer"))
    for it in packet.findings:
        assert (f"Line {it.number}:" in outside) is (it.number in stands)
        if it.number in stands:
            assert all(" ".join(rule.says.split()) in outside for rule in it.rules)
        else:
            assert " ".join(it.message.split()) not in outside


def test_every_code_of_a_denial_is_of_a_kind_and_every_kind_has_its_answer() -> None:
    known = Denials.load(law_folder() / "edits")
    assert {kind for kind, _ in known.codes.values()} == set(KINDS)
    assert all(label for _, label in known.codes.values())
    remarks = {code for code in known.codes if re.fullmatch(r"[MN]A?\d+", code)}
    # of each kind a reason and a remark
    few = {(kind, code in remarks): code for code, (kind, _) in known.codes.items()}
    waiting = list(few.items())
    while some := waiting[: len(BILLED)]:  # each line of a claim is denied for another one
        del waiting[: len(BILLED)]
        billed = [
            {**line, "denied": {"group": "CO", "remark" if remark else "reason": code}}
            for line, ((_, remark), code) in zip(BILLED, some, strict=False)
        ]
        for ((kind, _), code), finding in zip(some, packet_of(billed).findings, strict=False):
            assert [it.kind for it in finding.answers] == [kind], code


@pytest.mark.parametrize(
    ("line", "denied", "said"),
    [
        (2, {"reason": "151"}, ("number of units", "2 units of 96415", "paclitaxel-1", "185 minutes; 151 or more")),
        (1, {"reason": "151"}, ("at most 1 of this code on one date", "can be exceeded")),
        (1, {"reason": "97"}, ("part of another service", "No other line that the record supports is for it")),
        (2, {"reason": "97"}, ("96413 (initial)", "is reported as well", "further hour")),
        (
            1,
            {"reason": "252"},
            (
                "documentation",
                "Where the record has it: arm: sheet p. 2, RN",
                "carboplatin-1 (carboplatin, 09:30–10:20)",
            ),
        ),
        (1, {"reason": "50"}, ("medical necessity", "clinical question", "C50.911", "arm was required: incompatible")),
        (1, {"reason": "18"}, ("duplicate", "96413 × 1 is for paclitaxel-1", "neither repeats the other")),
        (2, {"reason": "107"}, ("add-on without its primary service", "96415 is added to 96413")),
        (1, {"reason": "4"}, ("modifier", "what the policy gives it: 59", "Modifier 59: ")),
        (0, {"reason": "4"}, ("no modifier, and it was billed with none",)),
        (1, {"remark": "N522"}, ("duplicate",)),
    ],
)
def test_the_answer_is_to_the_reason(line: int, denied: dict[str, Any], said: tuple[str, ...]) -> None:
    text = words(document([made(line, **denied)], "payer"))
    assert all(it in text for it in said), text


def test_a_code_that_is_not_known_has_no_answer_but_the_argument() -> None:
    packet = made(1, reason="999", text="see bulletin 7")
    assert packet.denied[0].answers == ()
    text = words(document([packet], "payer"))
    assert "CO 999" in text
    assert "“see bulletin 7”" in text
    assert "is the initial infusion" in text
    assert "not known here" in words(document([packet], "internal"))


def test_other_readings_warnings_and_own_numbers_are_for_the_inside_alone() -> None:
    packet = made(1, reason="151", amount=312.4)
    outside, inside = (words(document([packet], it)) for it in ("payer", "internal"))
    for text in ("not to be sent", "Option B", "The other side", "will be denied", "MUE", "2024 Q3", "No page of"):
        assert text in inside, text
        assert text not in outside, text
    assert re.findall(r"\b[ARF]\d{1,3}\b", outside.partition("How to check")[0].replace("Z51.11", "")) == []
    assert re.search(r"\bR\d+\b", inside)


def test_exhibits_stand_with_their_page_and_are_cited_in_the_argument() -> None:
    packet = made(1, reason="151")
    text = words(document([packet], "payer"))
    numbers = {it.subject: n for n, it in enumerate(packet.facts, 1)}
    assert {it.subject: it.source for it in packet.facts}["arm"] == "sheet p. 2, RN"
    assert f"site arm was required: incompatible. [Exhibit {numbers['arm']}]" in text
    assert f"ran 50 minutes; 16 or more needed. [Exhibit {numbers['carboplatin-1']}]" in text
    assert "sheet p. 2, RN" in text
    assert "MAR p. 3, RN" in text
    assert "source" in words(document([packet], "internal")).partition("No page of the record")[2]


def test_authority_is_the_text_by_its_sections_and_national_rules_beside_it() -> None:
    text = words(document([made(1, reason="151")], "payer"))
    authority = text.partition("Authority")[2]
    assert "OUT001 III.D.a" in authority
    assert re.search(r"N\d \(with OUT001 II\) CMS manual 100-04 ch. 4", authority)
    assert re.search(r"\[[^\]]*N1[^\]]*\]", text)  # the modifier is derived from CPT: OUT001 prints none
    sources = Sources.of(Policy.load("out001"))
    assert all(number in sources.rules for it in sources.national.values() for number in it.same)
    for says in (it.says for it in sources.rules.values()):
        assert authority.count(says) <= 1


def test_authority_of_an_overlay_says_what_is_its_own_and_on_what_it_stands() -> None:
    authority = words(document([made(1, policy="cms", reason="151")], "payer")).partition("Authority")[2]
    changes = tomllib.loads((law_folder() / "cms" / "policy.toml").read_text("utf-8"))
    assert f"replaces {len(changes['replaces'])} of them, leaves {len(changes['removes'])} out" in authority
    assert "It stands on OUT001" in authority and "OUT001 is cited by its sections; N1 to N" in authority


def test_what_the_chart_does_not_support_is_not_argued_and_nothing_at_all_is_refused(tmp_path: Path) -> None:
    bag = given_iv("drug", "ceftriaxone", "09:00", "10:20", method="infusion")
    good = {"code": "96365", "denied": {"reason": "97", "amount": 50}}
    bad = {"code": "96366", "denied": {"reason": "151", "amount": 20}}
    file = write_lines(tmp_path / "v.jsonl", chart("E", bag, billed=[good, bad]))
    result = run("audit", file, "-o", tmp_path / "p.html", "--for", "payer", "--search", "none")
    assert result.exit_code == 0, result.stderr
    assert "line 2, 96366 × 1, is not contested: not supported" in result.stderr
    page = (tmp_path / "p.html").read_text("utf-8")
    assert "Not contested: 96366 × 1." in page
    assert "50.00" in page
    assert "20.00" not in page
    assert "medical record supports the line below as it was billed" in page
    file = write_lines(tmp_path / "w.jsonl", chart("E", bag, billed=[bad]))
    result = run("audit", file, "-o", tmp_path / "q.html", "--for", "payer", "--search", "none")
    assert result.exit_code == 1
    assert "E: found no line that the chart supports" in result.stderr
    assert not (tmp_path / "q.html").exists()


def test_several_claims_of_a_payer_are_one_packet_with_a_summary_of_amounts(tmp_path: Path) -> None:
    bag = given_iv("drug", "ceftriaxone", "09:00", "10:20", method="infusion")
    denied = [{"code": "96365", "denied": {"reason": "97", "amount": it}} for it in (50.25, 70, 1)]
    charts = [
        chart("A", bag, payer="Plan", billed=[denied[0]]),
        chart("B", bag, payer="plan", billed=[denied[1]]),
        chart("C", bag, payer="Plan", billed=[{"code": "96365"}]),
        chart("D", bag, payer="Other", billed=[denied[2]]),
    ]
    file, output = write_lines(tmp_path / "v.jsonl", *charts), tmp_path / "p.html"
    result = run("audit", file, "-o", output, "--for", "payer", "--search", "none")
    assert result.exit_code == 2
    assert "several payers (Other, Plan)" in result.stderr or "several payers (Other, plan)" in result.stderr
    cover = tmp_path / "cover.toml"
    cover.write_text('level = "first"\nprovider = "Example <b>Hospital</b>"\n[numbers]\nA = "ICN-7"\n', "utf-8")
    options = ("--for", "payer", "--payer", "PLAN", "--cover", cover, "--search", "none")
    assert run("audit", file, "-o", output, *options).exit_code == 0
    page = output.read_text("utf-8")
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "supports the 2 lines below" in text
    assert "Together 120.25" in text
    assert "Account A" in text
    assert "Account B" in text
    assert "ICN-7" in text
    assert "first" in text
    assert "<b>Hospital" not in page
    assert text.count("An infusion runs more than 15 minutes and up to one hour.") == 1
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert run("audit", file, "-o", output, "--encounter", "A", "--encounter", "D", "--search", "none").exit_code == 0
    inside = " ".join(re.sub(r"<[^>]*>", " ", output.read_text("utf-8")).split())
    assert "Together 51.25 51.25" in inside


@pytest.mark.parametrize(
    ("text", "words_"),
    [("level: x", "no TOML"), ("lvl = 'x'", "lvl: found a name"), ("level = 3", "level: found no text"),
     ("[numbers]\nA = 3", "numbers: found no table of texts")],
)  # fmt: skip
def test_a_cover_that_cannot_be_used_is_refused(text: str, words_: str) -> None:
    with pytest.raises(CoverError, match=re.escape(words_)):
        Cover.read(text)


def test_a_document_for_a_word_processor_says_the_same_and_is_the_same_each_time(tmp_path: Path) -> None:
    written = document([made(1, reason="151", amount=312.4, text="<b>no</b>\x1b")], "payer")
    content = word_document(written)
    assert content == word_document(written)
    assert {it.date_time[0] for it in zipfile.ZipFile(io.BytesIO(content)).infolist()} == {2000}
    found = docx.Document(io.BytesIO(content))
    texts = [it.text for it in found.paragraphs] + [
        cell.text for it in found.tables for row in it.rows for cell in row.cells
    ]
    said = " ".join(texts)
    for it in ("Appeal of denied lines", "312.40", "“<b>no</b>", "is the initial infusion", "sheet p. 2, RN", "Signed"):
        assert it in said, it
    assert len(found.inline_shapes) == 1
    assert "carboplatin-1: infusion" in found.inline_shapes[0]._inline.docPr.get("descr")
    output = tmp_path / "packet.docx"
    assert run("audit", WON, "-o", output, "--for", "payer", "--search", "none").exit_code == 0
    assert docx.Document(str(output)).core_properties.title == "Appeal of denied lines, encounter ONC-417"


@pytest.mark.parametrize("options", [("--for", "payer"), ("--payer", "x"), ("--cover", "x")])
def test_an_edition_is_of_a_packet_only(options: tuple[str, ...], tmp_path: Path) -> None:
    result = run("audit", WON, *options)
    assert result.exit_code == 2
    assert options[0] in result.stderr
    assert "packet" in result.stderr
