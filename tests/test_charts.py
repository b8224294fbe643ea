"""Charts from files, folders and streams; what is said about broken ones."""

from __future__ import annotations

import errno
import gzip
import io
import itertools
import json
import os
import pickle
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivproof.chart import yaml12
from ivproof.chart.encounter import Administration, Encounter
from ivproof.chart.files import read, scan
from ivproof.chart.reading import Chart, Source, parse
from ivproof.chart.refusal import UnreadableError
from ivproof.chart.yaml12 import Read, read_documents

HERE = Path(__file__).parent
BROKEN = HERE / "broken"


def expectations() -> dict[str, list[dict[str, object]]]:
    with (HERE / "broken.yaml").open("rb") as stream:
        [document] = read_documents(stream)
    assert isinstance(document, Read)
    assert isinstance(document.data, dict)
    return document.data


EXPECTED = expectations()


def test_every_broken_chart_has_its_expectation() -> None:
    assert {path.name for path in BROKEN.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_broken_chart_is_refused_in_words_that_help(name: str) -> None:
    refusals = [refusal for chart in read([BROKEN / name]) for refusal in chart.refusals]
    said = [str(refusal) for refusal in refusals]
    assert [refusal.place for refusal in refusals] == [expected["place"] for expected in EXPECTED[name]], said
    for refusal, expected in zip(refusals, EXPECTED[name], strict=True):
        assert str(refusal).startswith(str(BROKEN / name))
        assert expected.get("line") in (None, refusal.line), said
        words = expected["words"]
        assert isinstance(words, list)
        assert [word for word in words if word not in refusal.message and word != refusal.encounter] == []


def test_broken_charts_do_not_keep_each_other_from_being_told() -> None:
    alone = sum(len(list(read([BROKEN / name]))) for name in EXPECTED)
    assert len(list(read([BROKEN]))) == alone


# --- The same chart in every layout

PLAIN: dict[str, Any] = {
    "id": "ENC-1",
    "place_of_service": "22",
    "date": "2020-10-05",
    "administrations": [
        {
            "id": "a",
            "drug": "Käfer \u00b5g",
            "route": "IV",
            "start": "10:30",
            "stop": "11:00",
            "premixed": True,
        }
    ],
}
SECOND = PLAIN | {"id": "ENC-2"}
AS_YAML = """\
id: ENC-1
place_of_service: "22"
date: 2020-10-05        # unquoted, like the times
administrations:
  - {id: a, drug: Käfer \u00b5g, route: IV, start: 10:30, stop: 11:00, premixed: true}
"""
AS_JSON = json.dumps(PLAIN, ensure_ascii=False)
TWO_AS_YAML = f"{AS_YAML}---\n{AS_YAML.replace('ENC-1', 'ENC-2')}"
TWO_AS_LIST = "".join(
    "- " + text.replace("\n", "\n  ").rstrip() + "\n" for text in (AS_YAML, AS_YAML.replace("ENC-1", "ENC-2"))
)
TWO_AS_LINES = f"{AS_JSON}\n\n{json.dumps(SECOND)}\n"

LAYOUTS = [
    (".yaml", AS_YAML, 1),
    (".yml", TWO_AS_YAML, 2),
    (".yaml", f"%YAML 1.2\n---\n{TWO_AS_YAML}...\n", 2),
    (".yaml", TWO_AS_LIST, 2),
    (".yaml", AS_JSON, 1),
    (".json", AS_JSON, 1),
    (".json", json.dumps(PLAIN, indent=2), 1),
    (".json", json.dumps([PLAIN, SECOND], indent=2), 2),
    (".json", json.dumps([PLAIN, SECOND]), 2),
    (".jsonl", TWO_AS_LINES, 2),
    (".ndjson", TWO_AS_LINES.rstrip(), 2),
]


def encounters(charts: Iterable[Chart]) -> list[Encounter]:
    found = []
    for chart in charts:
        assert chart.encounter is not None, [str(refusal) for refusal in chart.refusals]
        found.append(chart.encounter)
    return found


def expected_encounters(number: int) -> list[Encounter]:
    return encounters(parse(data, Source("x")) for data in (PLAIN, SECOND)[:number])


@pytest.mark.parametrize(("ending", "text", "number"), LAYOUTS)
def test_a_chart_is_the_same_in_every_layout(tmp_path: Path, ending: str, text: str, number: int) -> None:
    expected = expected_encounters(number)
    raw = text.encode()
    for name, content in {
        f"plain{ending}": raw,
        f"mark{ending}": b"\xef\xbb\xbf" + raw,
        f"lines{ending.upper()}": raw.replace(b"\n", b"\r\n"),
        f"packed{ending}.gz": gzip.compress(raw),
        "of-unknown-ending": raw,
    }.items():
        (tmp_path / name).write_bytes(content)
        assert encounters(read([tmp_path / name])) == expected, name
    assert encounters(read(["-"], io.BytesIO(raw))) == expected
    assert encounters(read(["-"], io.StringIO(text))) == expected
    assert encounters(read(["-"], io.TextIOWrapper(io.BytesIO(raw)))) == expected


READ_OTHERWISE = [
    "a: b\tc\n", "a:\t- b\n", "a: b\x85c: d\n", "a: b\u2028c: d\n", "a: b\r\nc: d\n", "\ufeffa: b\n",
    "- \n\n- a\n", "a: &x [1]\nb: *x\n", "a: !!str 1\n", "a: ! 1\n", "{a:1}\n", '{"a":1}\n', "[a, ]\n", "a: 010\n",
    'a: "\\/ \\x41"\n', "a: {b: 10:30, c: [x:y]}\n", "a: yes\nb: 0o17\nc: 1_000\nd: 1:30\n", "a: [b\n",
    "? a\n: b\n", "a: |\n  b\n",
]  # fmt: skip


@pytest.mark.parametrize("text", READ_OTHERWISE)
def test_both_parsers_of_yaml_give_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(text.encode(), monkeypatch, sooner=True) == told(text.encode(), monkeypatch, sooner=False)


def test_both_parsers_of_yaml_read_files_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [*BROKEN.glob("*.yaml"), *(HERE.parent / "examples").glob("*.yaml")]
    each = [path.read_bytes() for path in files]
    sooner = [told(raw, monkeypatch, sooner=True) for raw in each]
    assert sooner == [told(raw, monkeypatch, sooner=False) for raw in each]
    assert sum(yaml12._sooner(raw.decode(errors="replace")) is not None for raw in each) > len(each) // 2


def told(raw: bytes, monkeypatch: pytest.MonkeyPatch, *, sooner: bool) -> list[object]:
    """What is read of a text, by the parser of libyaml where that can, or by none but the careful one."""
    with monkeypatch.context() as patch:
        if not sooner:
            patch.setattr(yaml12, "_sooner", lambda _: None)
        try:
            found = [*read_documents(io.BytesIO(raw))]
        except UnreadableError as wrong:
            found = [wrong]
    return [it if isinstance(it, Read) else (it.problem, it.line) for it in found]


def test_standard_input_is_told_by_what_stands_in_it() -> None:
    for text in (
        "{id: ENC-1, place_of_service: '22', date: 2020-10-05}",
        '[{"id": "ENC-1",\n"place_of_service":"22",\n"date": "2020-10-05"}]',
    ):
        [encounter] = encounters(read(["-"], io.StringIO(text)))
        assert encounter.id == "ENC-1"


def test_a_broken_first_line_leaves_the_others() -> None:
    for first in ("{]}", AS_JSON[:-2] + "}"):
        charts = list(read(["-"], io.StringIO(f"{first}\n{TWO_AS_LINES}")))
        assert [chart.encounter is None for chart in charts] == [True, False, False]
        assert charts[0].refusals[0].line == 1


# --- Files and folders


def test_a_folder_is_read_in_order_and_without_what_is_no_chart(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    for number, name in enumerate(["a.jsonl", "b/1.yaml", "b/2.json", "c.yml"]):
        (tmp_path / name).write_text(json.dumps(PLAIN | {"id": str(number)}))
    for name in ("b/README.md", ".git/x.yaml", ".hidden.yaml"):
        (tmp_path / name).write_text("not a chart")
    assert [encounter.id for encounter in encounters(read([tmp_path]))] == ["0", "1", "2", "3"]
    assert [encounter.id for encounter in encounters(read([str(tmp_path / "c.yml"), tmp_path / "b"]))] == [
        "3",
        "1",
        "2",
    ]


def test_a_folder_that_cannot_be_listed_is_refused_and_the_rest_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "chart.json").write_text(AS_JSON)
    look = os.scandir

    def closed(path: str) -> Any:
        if Path(path).name == "closed":  # as for whoever has no right to it; root has every right
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return look(path)

    monkeypatch.setattr("os.scandir", closed)
    whole, refused = read([tmp_path])
    assert whole.encounter is not None
    assert "Permission denied" in str(refused.refusals[0])
    assert refused.refusals[0].file == str(tmp_path / "closed")


def test_gzipped_text_without_a_name_that_says_so_is_called_that() -> None:
    [refused] = read(["-"], io.BytesIO(gzip.compress(AS_JSON.encode())))
    assert "gzipped" in str(refused.refusals[0])


def test_an_empty_name_is_not_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chart.json").write_text(AS_JSON)
    monkeypatch.chdir(tmp_path)
    [refused] = read([""])
    assert refused.encounter is None
    assert "no name of a file" in str(refused.refusals[0])


def test_what_is_not_there_is_refused_and_the_rest_answered(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "chart.json").write_text(AS_JSON)
    names = ["nowhere.json", "empty", "null\0.json", "x" * 300, "chart.json"]
    charts = list(read(tmp_path / name for name in names))
    assert [len(chart.refusals) for chart in charts] == [1, 1, 1, 1, 0]
    assert "no such file" in charts[0].refusals[0].message
    assert "without charts" in charts[1].refusals[0].message


def test_an_id_is_unique_in_a_batch_and_not_in_a_file_only(tmp_path: Path) -> None:
    for name in ("1.json", "2.json"):
        (tmp_path / name).write_text(AS_JSON)
    first, second = read([tmp_path])
    assert first.encounter is not None
    assert second.encounter is None
    assert second.refusals[0].place == "id"
    assert second.refusals[0].file.endswith("2.json")


def test_lines_are_told_in_later_documents_and_items(tmp_path: Path) -> None:
    broken = AS_YAML.replace("route: IV", "route: VI")
    for text, line in ((f"{AS_YAML}---\n{broken}", 11), ("[]\n---\n" + TWO_AS_LIST.replace("IV", "VI"), 7)):
        (tmp_path / "charts.yaml").write_text(text)
        refusals = [refusal for chart in read([tmp_path / "charts.yaml"]) for refusal in chart.refusals]
        assert line in [refusal.line for refusal in refusals]


# --- Streams


def endless() -> Iterator[bytes]:
    for number in itertools.count():
        yield json.dumps(PLAIN | {"id": str(number)}).encode() + b"\n"


def test_json_lines_are_answered_before_the_stream_ends() -> None:
    charts = itertools.islice(read(["-"], endless()), 1000)
    assert [encounter.id for encounter in encounters(charts)] == [str(number) for number in range(1000)]


def test_memory_does_not_grow_with_the_number_of_charts() -> None:
    charts = read(["-"], endless())
    next(charts)
    tracemalloc.start()
    for _ in itertools.islice(charts, 2000):
        pass
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 2000 * 150  # hashes of ids and a few caches; the charts themselves take 5 KB each


def test_sheets_can_be_sent_to_other_processes(tmp_path: Path) -> None:
    for ending, text, number in LAYOUTS:
        (tmp_path / f"chart{ending}").write_text(text)
        sheets = [pickle.loads(pickle.dumps(sheet)) for sheet in scan([tmp_path / f"chart{ending}"])]
        assert encounters(sheet.chart() for sheet in sheets) == expected_encounters(number)


# --- Whatever comes


@pytest.mark.parametrize("ending", ["json", "jsonl", "yaml"])
@pytest.mark.parametrize("levels", [60, 2000, 100_000])
def test_deep_nesting_is_refused(tmp_path: Path, ending: str, levels: int) -> None:
    path = tmp_path / f"deep.{ending}"
    path.write_text('{"id": ' * levels)
    assert [chart.encounter for chart in read([path])] == [None]
    path.write_text('{"id": ' + "[" * levels + "]" * levels + "}")
    assert [chart.encounter for chart in read([path])] == [None]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_no_input_raises(raw: bytes) -> None:
    assert all(chart.encounter is None for chart in read(["-"], io.BytesIO(raw)))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([text.encode() for _, text, _ in LAYOUTS]))
def test_no_damaged_chart_raises(data: st.DataObject, raw: bytes) -> None:
    at = data.draw(st.integers(0, len(raw) - 1))
    damage = data.draw(st.binary(max_size=2) | st.sampled_from([b'"', b"}", b"]", b":", b"\n", b"- ", b"&a ", b"*a"]))
    damaged = raw[:at] + damage + raw[at + data.draw(st.integers(0, 2)) :]
    for chart in read(["-"], io.BytesIO(damaged)):
        assert (chart.encounter is None) == bool(chart.refusals)
        assert all(str(refusal).isprintable() for refusal in chart.refusals)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.data(), VALUES)
def test_no_value_in_any_place_raises(data: st.DataObject, value: object) -> None:
    fields = data.draw(st.sampled_from(sorted(Encounter.model_fields)))
    part = data.draw(st.sampled_from(sorted(Administration.model_fields)))
    chart = PLAIN | {fields: value}
    chart = chart if data.draw(st.booleans()) else PLAIN | {"administrations": [{"id": "a", part: value}]}
    read_chart = parse(chart, Source("x"))
    assert (read_chart.encounter is None) == bool(read_chart.refusals)
