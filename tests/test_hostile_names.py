"""Every export stays what it is, whatever an id or a name on the chart contains: each is read by a real reader."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import pytest
from command import run

MARKS = {
    "first": "]]>\x1b[31m\x00\x07<!--&amp;--><script>alert(1)</script>",
    "second": "\u202e\u2066turned\u200f \u2028\u0085\x9b1m\ufeff\ufffe \U0001f489",
    "third": "%%{init: {}}%% end; --> n0 `**bold**` {a} [b] (c) |d| #quot; #35;",
    "fourth": '= #let x = [*b*] $m$ \\ #eval("1") @ref <label> "q" \'q\' \\N {{ x }} {% y %}\n\r\t',
}
NAMES = ["=CMD|' /C calc'!A0", "+1+1", "-2+3\t", "@SUM(A1)", "\t=1", "x" * 1_000]
CHART: dict[str, Any] = {
    "id": "=HYPERLINK(\"x\")]]>\x1b[2J\x00\u202e\u2028",
    "place_of_service": "22",
    "date": "2021-03-09",
    "payer": "@payer\x1b]0;owned\x07<b>",
    "access_sites": [{"id": MARKS["third"]}, {"id": NAMES[5]}],
    "administrations": [
        {"id": name + mark, "drug": NAMES[n] + mark, "class": "therapeutic", "route": "IV", "method": "infusion",
         "site": MARKS["third"] if n % 2 else NAMES[5], "start": f"{10 + n}:00", "stop": f"{10 + n}:40"}
        for n, (name, mark) in enumerate(MARKS.items())
    ],
    "services": [{"kind": "education", "reason": MARKS["fourth"]}],
    "billed": [{"code": "96365", "units": 2}, {"code": "96367", "units": 1}],
}  # fmt: skip
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@cache
def chart() -> Path:
    file = Path(mkdtemp()) / "chart.json"
    content = json.loads(json.dumps(CHART))
    content["services"][0].pop("reason")
    file.write_text(json.dumps(content), "utf-8")
    return file


def written(*arguments: str) -> str:
    result = run(arguments[0], chart(), *arguments[1:])
    assert result.exit_code == 0, result.output
    return result.stdout_bytes.decode()


@cache
def file_of(command: str, ending: str) -> bytes:
    output = chart().with_name(f"{command}{ending}")
    quick = ("--no-least-change",) if command == "report" else ("--search", "none")
    result = run(command, chart(), "-o", output, *quick)
    assert output.is_file(), result.output
    return output.read_bytes()


def test_the_names_are_on_the_chart_as_they_are() -> None:
    [found] = [json.loads(it) for it in written("code", "--format", "json").splitlines()]
    assert found["encounter"] == CHART["id"]


def test_graphml_is_read_by_a_reader_of_xml_and_of_graphs() -> None:
    text = written("explain", "--format", "graphml")
    ElementTree.fromstring(text)
    graph = nx.parse_graphml(text)
    assert graph.number_of_edges() > 10
    assert "alert(1)" in text


def test_dot_is_read_by_a_reader_of_dot() -> None:
    pydot = pytest.importorskip("pydot")
    text = written("why", "96365", "--format", "dot")
    [graph] = pydot.graph_from_dot_data(text)
    assert len(graph.get_edges()) > 10
    assert {it.get_name() for it in graph.get_nodes()} - {"node"} == set(
        re.findall(r"^  (n\d+) \[", text, re.MULTILINE)
    )
    assert not CONTROL.search(text)
    assert not TURNING.search(text)


LINE = re.compile(
    r"""  n\d+(\["[^"]*"\]|\(\["[^"]*"\]\)|\{"[^"]*"\}|\[/"[^"]*"/\])|  n\d+ (-->|-\.->) n\d+|flowchart\ BT|"""
)


def test_mermaid_has_one_statement_a_line_and_no_mark_of_its_own_in_a_label() -> None:
    text = written("explain", "--format", "mermaid")
    for line in text.split("\n"):
        assert LINE.fullmatch(line), line
    for label in re.findall(r'"([^"]*)"', text):
        assert not re.search(r"[`<>{}\[\]()|%;]", re.sub(r"#\d+;", "", label)), label
    assert not CONTROL.search(text)
    assert not TURNING.search(text)


@pytest.mark.parametrize("command", ["code", "audit", "missing", "margins"])
def test_lines_of_json_are_one_record_each(command: str) -> None:
    text = written(command, "--format", "json")
    if command in {"code", "audit"}:
        [line] = text.splitlines()  # which divides at U+2028 and U+0085 too
        assert json.loads(line)["encounter"] == CHART["id"]
    else:
        assert json.loads(text)
    assert not CONTROL.search(text.replace("\n", ""))
    assert not TURNING.search(text)


def test_a_table_of_findings_has_no_formula_and_its_columns() -> None:
    text = file_of("audit", ".csv").decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) > 1
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert not CONTROL.search(text.replace("\r\n", "").replace("\n", ""))


@pytest.mark.parametrize("command", ["report", "audit"])
def test_a_page_is_read_as_written_and_has_no_element_of_a_name(command: str) -> None:
    html5lib = pytest.importorskip("html5lib")
    text = file_of(command, ".html").decode()
    tree = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False).parse(text)
    assert "alert(1)" not in "".join(it.text or "" for it in tree.iter("script"))
    assert not [
        it for it in tree.iter() if isinstance(it.tag, str) and any(name.startswith("on") for name in it.attrib)
    ]
    assert "alert(1)" in "".join(tree.itertext())
    assert not CONTROL.search(text.replace("\n", ""))


@pytest.mark.parametrize("command", ["report", "audit"])
def test_a_document_is_set(command: str) -> None:
    assert file_of(command, ".pdf").startswith(b"%PDF-")


def parts_of(content: bytes) -> dict[str, Any]:
    """The parts of an Office document that are XML, each read."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        return {
            name: ElementTree.fromstring(packed.read(name))
            for name in packed.namelist()
            if "xml" in name or "rels" in name
        }


def tags(tree: Any) -> set[str]:
    return {str(it.tag).rpartition("}")[2] for it in tree.iter()}


def test_a_worksheet_has_text_in_its_cells_and_no_formula_or_link() -> None:
    parts = parts_of(file_of("audit", ".xlsx"))
    assert "xl/worksheets/sheet1.xml" in parts
    for name, tree in parts.items():
        assert not tags(tree) & {"f", "hyperlink", "hyperlinks", "externalReference", "dde", "oleLink"}, name
        assert not [it for it in tree.iter() if it.get("TargetMode") == "External"], name
    cells = "".join(
        "".join(tree.itertext()) for name, tree in parts.items() if "sharedStrings" in name or "sheet" in name
    )
    assert "=HYPERLINK" in cells


def test_a_word_document_is_read_and_has_no_field_or_link_of_a_name() -> None:
    docx = pytest.importorskip("docx")
    content = file_of("audit", ".docx")
    for name, tree in parts_of(content).items():
        assert not tags(tree) & {"hyperlink", "altChunk", "object"}, name
        assert not [it for it in tree.iter() if it.get("TargetMode") == "External"], name
        said = [it.text or "" for it in tree.iter() if str(it.tag).endswith("}instrText")]
        assert not [it for it in said if it.split()[:1] not in (["PAGE"], ["NUMPAGES"])], name
    found = docx.Document(io.BytesIO(content))
    text = "".join(it.text for it in found.element.body.iter() if it.text)
    assert "alert(1)" in text and not CONTROL.search(text.replace("\n", "").replace("\t", ""))


def test_resources_are_read_by_a_reader_of_fhir() -> None:
    bundle = pytest.importorskip("fhir.resources.R4B.bundle")
    sent = (
        "--at",
        "2021-03-01T12:00:00Z",
        "--patient",
        "Patient/1",
        "--provider",
        "Organization/1",
        "--coverage",
        "Coverage/1",
    )
    result = run("export", "fhir", chart(), *sent)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout_bytes)
    bundle.Bundle.model_validate(found)
    ids = [it["resource"].get("id", "x") for it in found["entry"]]
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", it) for it in ids)
    for it in found["entry"]:
        divs = [it["resource"]["text"]["div"]] if "text" in it["resource"] else []
        assert all("script" not in tags(ElementTree.fromstring(div)) for div in divs)


@pytest.mark.parametrize(
    "arguments",
    [("code",), ("explain",), ("audit",), ("why", "96365"), ("missing",), ("margins",)],
)
def test_nothing_on_a_terminal_is_obeyed(arguments: tuple[str, ...]) -> None:
    text = written(*arguments)
    assert not CONTROL.search(text.replace("\n", ""))
    assert not TURNING.search(text)


def test_half_a_character_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "half.json"
    file.write_text(json.dumps({**CHART, "id": "\ud83d"}), "utf-8")
    result = run("code", file)
    assert result.exit_code == 1
    assert not result.stdout
