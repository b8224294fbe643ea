"""The report of a visit: its data, the page and the document, whatever stands in the chart."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command import chart, given_iv, run, two_of_equal_rank, write_lines

from ivproof.chart.encounter import Encounter
from ivproof.chart.files import scan
from ivproof.chart.reading import Source, parse
from ivproof.law.policy import Policy
from ivproof.render.html import page
from ivproof.render.pdf import document
from ivproof.report.page import Report, report, steps, walk
from ivproof.why.why import Explainer

EXAMPLES = sorted(Path(__file__).parent.parent.joinpath("examples").glob("*.yaml"))
HOSTILE = "<script>document.title='owned'</script>"


@cache
def explainer() -> Explainer:
    return Explainer(Policy.load("out001"))


def read(data: dict[str, Any]) -> Encounter:
    found = parse(data, Source("chart")).encounter
    assert found is not None
    return found


def made(data: dict[str, Any]) -> Report:
    return report(explainer(), read(data), least_change=False)


@cache
def example(number: str) -> Report:
    [file] = [it for it in EXAMPLES if it.name.startswith(number)]
    [sheet] = scan([str(file)])
    found = sheet.chart().encounter
    assert found is not None
    return report(explainer(), found, least_change=False)


class Text(HTMLParser):
    """The text of a page and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


# --- the data


@pytest.mark.parametrize("number", [it.name[:2] for it in EXAMPLES])
def test_every_unit_of_every_line_has_a_proof_and_every_step_is_told_once(number: str) -> None:
    found = example(number)
    for claim in found.claims:
        for line in claim.lines:
            proofs = [it for it in line.proofs if not it.title.startswith("Modifier")]
            assert len(proofs) == line.units, line.code
            assert all(it.lines for it in proofs), line.code
            assert len(line.proofs) == len(proofs) + len(line.modifiers), line.code
        proofs = [it for line in claim.lines for it in line.proofs]
        proofs += [it.proof for it in claim.omitted] + [it for _, it in claim.drug_lines]
        told = [step.number for proof in proofs for step in steps(proof.lines)]
        seen = {it.number for proof in proofs for it in walk(proof.lines) if it.kind == "see"}
        assert len(told) == len(set(told))
        assert seen <= set(told)


def test_bars_carry_their_lines_and_name_their_thresholds() -> None:
    found = example("01")
    assert found.timeline is not None
    rows = {row.name: row for lane in found.timeline.lanes for row in lane.rows}
    assert rows["saline-1"].carries == ("96361 ×2",)
    assert any("103 minutes" in it and "91" in it for it in rows["saline-1"].measures)
    assert rows["morphine-3"].carries == ()
    assert [it.subject for it in found.claims[0].omitted][:1] == ["morphine-3"]


def test_the_timeline_shows_what_counts_and_what_does_not() -> None:
    found = made(
        chart(
            "E",
            given_iv("drug", "ceftriaxone", "09:00", "09:40", method="infusion"),
            given_iv("fluid", "normal saline", "09:20", "10:40", purpose="hydration"),
        )
    )
    assert found.timeline is not None
    [fluid] = [row for lane in found.timeline.lanes for row in lane.rows if row.name == "fluid"]
    assert [(bar.kind, bar.when[:11]) for bar in fluid.bars] == [
        ("beside", "09:20–09:40"),
        ("hydration", "09:40–10:40"),
    ]


def test_shared_time_and_pauses_are_told_apart() -> None:
    kinds: dict[str, list[str]] = {}
    for number in ("05", "07"):
        timeline = example(number).timeline
        assert timeline is not None
        kinds |= {row.name: [bar.kind for bar in row.bars] for lane in timeline.lanes for row in lane.rows}
    assert kinds["potassium-1"] == ["shared", "infusion"]
    assert kinds["rituximab-1"] == ["infusion", "pause", "infusion"]


def reached(found: Report, name: str) -> list[str]:
    """Where on the bars of an administration thresholds were reached, and which minutes these are."""
    assert found.timeline is not None
    [row] = [row for lane in found.timeline.lanes for row in lane.rows if row.name == name]
    return [f"{it.when} {it.text.partition(':')[0]}" for it in row.limits]


@pytest.mark.parametrize(
    ("stop", "places"),
    [
        ("09:15", []),
        ("09:16", ["09:16 Minute 16"]),
        ("10:30", ["09:16 Minute 16"]),
        ("10:31", ["09:16 Minute 16", "10:31 Minute 91"]),
        ("11:31", ["09:16 Minute 16", "10:31 Minute 91", "11:31 Minute 151"]),
    ],
)
def test_thresholds_that_an_infusion_reached_stand_on_its_bar(stop: str, places: list[str]) -> None:
    assert reached(made(chart("E", given_iv("drug", "ceftriaxone", "09:00", stop))), "drug") == places


def test_a_threshold_is_where_the_time_that_counts_reaches_it() -> None:
    paused = given_iv("paused", "ceftriaxone", "09:00", "11:00", pauses=[{"from": "09:10", "to": "09:30"}])
    assert reached(made(chart("E", paused)), "paused") == ["09:36 Minute 16", "10:51 Minute 91"]
    beside = [
        given_iv("drug", "ceftriaxone", "09:00", "09:40"),
        given_iv("fluid", "normal saline", "09:20", "11:20", purpose="hydration"),
    ]
    assert reached(made(chart("E", *beside)), "fluid") == ["10:11 Minute 31", "11:11 Minute 91"]
    assert reached(example("05"), "potassium-1") == ["14:56 Minute 16"]


def test_a_threshold_may_be_reached_in_the_next_bag() -> None:
    bags = [
        given_iv("one", "normal saline", "09:00", "09:20", purpose="hydration"),
        given_iv("two", "normal saline", "09:20", "10:00", purpose="hydration"),
    ]
    found = made(chart("E", *bags))
    assert reached(found, "one") == []
    assert reached(found, "two") == ["09:31 Minute 31"]


def test_the_minutes_on_the_bars_come_from_the_readings_that_are_held() -> None:
    found = report(
        Explainer(Policy.load("out001"), {"A17": "B"}),
        read(chart("E", given_iv("drug", "ceftriaxone", "09:00", "10:40"))),
        least_change=False,
    )
    assert reached(found, "drug") == ["09:16 Minute 16", "10:32 Minute 92"]


def test_thresholds_are_told_on_hover_to_a_screen_reader_and_in_the_table() -> None:
    html = page(made(chart("E", given_iv("drug", "ceftriaxone", "09:00", "09:40"))))
    told = "Minute 16: long enough for an infusion."
    assert f"<title>drug, 09:16: {told}</title>" in html
    assert re.search(rf"<desc[^>]*>[^<]*09:16 {told}", html)
    assert re.search(rf"<td>09:16 {told}", html)


def test_bars_lie_on_the_axis() -> None:
    for file in EXAMPLES:
        timeline = example(file.name[:2]).timeline
        assert timeline is not None
        for row in (row for lane in timeline.lanes for row in lane.rows):
            assert all(0 <= bar.at <= bar.at + bar.width <= 1 for bar in row.bars), row
            assert all(0 <= mark <= 1 for mark in row.marks), row
            for limit in row.limits:
                assert any(bar.at < limit.at <= bar.at + bar.width + 1e-5 for bar in row.bars), row


def test_rival_claims_stand_side_by_side_with_the_options_that_lead_to_them() -> None:
    found = example("08")
    assert found.status == "ambiguous"
    assert len(found.claims) == 3
    differing = {row.code for row in found.compared if not row.same}
    assert differing == {"96366", "96376"}
    [question] = found.questions
    assert question.number == "A26"
    assert {it.letter: it.claims for it in question.options} == {"A": (1,), "B": (2,), "C": (3,), "D": (1,)}


def test_a_missing_stop_is_asked_for_and_drawn_open() -> None:
    found = example("10")
    assert {it.fact for it in found.missing if it.would_change} == {
        "administrations[vancomycin-1].stop",
        "administrations[saline-1].stop",
    }
    assert found.timeline is not None
    rows = {row.name: row for lane in found.timeline.lanes for row in lane.rows}
    assert [bar.kind for bar in rows["saline-1"].bars] == ["open"]


def test_a_fluid_without_stop_is_no_push_where_the_chart_does_not_say_so() -> None:
    data = chart(
        "E",
        given_iv("first", "ceftriaxone", "09:00", "09:40"),
        given_iv("fluid", "normal saline", "10:00", None),
        given_iv("by-hand", "Zofran", "10:10", None, method="push"),
    )
    found = made(data)
    assert found.timeline is not None
    rows = {row.name: row for lane in found.timeline.lanes for row in lane.rows}
    assert [bar.kind for bar in rows["fluid"].bars] == ["open"]
    assert not rows["fluid"].marks
    assert rows["by-hand"].marks


def test_what_is_not_billed_has_the_least_change_that_puts_it_on_the_claim() -> None:
    data = chart(
        "E",
        given_iv("short", "ceftriaxone", "09:00", "09:40"),
        given_iv("fluid", "normal saline", "10:00", "10:30", purpose="hydration"),
    )
    found = report(explainer(), read(data))
    [left] = found.claims[0].omitted
    assert left.subject == "fluid"
    assert left.search is not None
    assert left.search.change is not None
    assert sum(abs(edit.minutes) for edit in left.search.change.edits) == 1


def test_a_visit_without_anything_has_a_report() -> None:
    found = report(explainer(), read({"id": "E", "place_of_service": "22", "date": "2020-10-05"}))
    assert found.claims[0].lines == ()
    assert "Nothing" in found.verdict
    assert document(found).startswith(b"%PDF")
    assert "Nothing" in page(found)


# --- the page


def hostile() -> dict[str, Any]:
    return chart(
        f"{HOSTILE}\u202e",
        given_iv(
            'a"onload="x', HOSTILE, "09:00", "09:40", pauses=[{"from": "09:05", "to": "09:10", "reason": HOSTILE}]
        ),
        given_iv("{{ 7 * 7 }}", '#eval("1") $x$ *bold*', "10:00", None, method="push"),
        payer='"><img src=x onerror=alert(1)>',
    )


def test_nothing_from_a_chart_is_markup() -> None:
    found = Text(page(made(hostile())))
    assert found.tags.count("script") == 1
    assert found.tags.count("style") == 1
    assert "img" not in found.tags
    assert not any(name.startswith("on") for name, _ in found.attributes)
    assert HOSTILE in found.text
    assert "{{ 7 * 7 }}" in found.text
    assert "\u202e" not in found.text


def test_a_page_names_nothing_outside_itself() -> None:
    html = page(example("02"))
    found = Text(html)
    assert "http" not in re.sub(r"http-equiv", "", html)
    links = {value for name, value in found.attributes if name in {"href", "src"} and value}
    assert all(it.startswith("#") or it == "data:," for it in links)
    [policy] = [value for name, value in found.attributes if name == "content" and value and "default-src" in value]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_every_reference_of_a_page_leads_somewhere_and_no_id_is_there_twice() -> None:
    for number in ("01", "08"):
        found = Text(page(example(number)))
        ids = [value for name, value in found.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        assert {str(value)[1:] for name, value in found.attributes if name == "href" and str(value)[:1] == "#"} <= set(
            ids
        )
        labels = {it for name, value in found.attributes if name == "aria-labelledby" for it in str(value).split()}
        assert labels <= set(ids)


# --- the document


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.parametrize("number", ["01", "08", "10"])
def test_the_document_has_pages_and_is_the_same_again(number: str) -> None:
    pdf = document(example(number))
    assert pdf.startswith(b"%PDF")
    assert pages(pdf) >= 2
    assert document(example(number)) == pdf


@pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext is not installed (apt-get install poppler-utils)"
)
def test_the_document_says_on_numbered_pages_what_the_page_says(tmp_path: Path) -> None:
    file = tmp_path / "visit.pdf"
    file.write_bytes(document(example("01")))
    text = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
    for said in (
        "ED-2041",
        "96361",
        "103 minutes; 91 or more needed",
        "morphine-3 followed a push",
        "hydration that counts",
    ):
        assert said in text, said
    sheets = text.split("\f")[:-1]
    assert all(f"{n} of {len(sheets)}" in sheet and len(sheet.split()) > 20 for n, sheet in enumerate(sheets, 1))


def test_the_document_takes_nothing_from_a_chart_for_markup() -> None:
    assert pages(document(made(hostile()))) >= 1


# --- the command


def test_the_command_writes_a_page_and_a_document_and_the_same_bytes_again(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visit.jsonl", chart("E-1"))
    for name in ("visit.html", "visit.pdf"):
        first, second = tmp_path / f"1-{name}", tmp_path / f"2-{name}"
        for output in (first, second):
            result = run("report", file, "-o", output)
            assert result.exit_code == 0, result.stderr
        assert first.read_bytes() == second.read_bytes()
    assert not list(tmp_path.glob("*.incomplete"))


def test_the_command_picks_an_encounter_and_holds_the_readings_that_are_set(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visits.jsonl", chart("E-1"), two_of_equal_rank("E-2"))
    output = tmp_path / "out.html"
    result = run("report", file, "-o", output)
    assert result.exit_code == 2
    assert "E-1, E-2" in result.stderr
    assert not output.exists()
    result = run("report", file, "-o", output, "--encounter", "E-2", "--reading", "A9=first")
    assert result.exit_code == 0, result.stderr
    assert "as set" in output.read_text("utf-8")


@pytest.mark.parametrize(("name", "status"), [("out.txt", 2), ("no/such/folder/out.html", 2)])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, name: str, status: int) -> None:
    file = write_lines(tmp_path / "visit.jsonl", chart("E-1"))
    result = run("report", file, "-o", tmp_path / name)
    assert result.exit_code == status
    assert name in result.stderr


def test_a_refused_chart_is_told(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "visit.jsonl", {"id": "E-1"})
    result = run("report", file, "-o", tmp_path / "out.html")
    assert result.exit_code == 1
    assert "place_of_service" in result.stderr


def test_where_the_engines_differ_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivproof.engine.second.SecondEngine._some_claims", lambda self, facts: (frozenset(), True))
    file, output = write_lines(tmp_path / "visit.jsonl", chart("E-1")), tmp_path / "out.html"
    result = run("report", file, "-o", output)
    assert result.exit_code == 4
    assert "the two engines differ" in result.stderr
    assert not output.exists()
