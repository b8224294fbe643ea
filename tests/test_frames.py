"""Charts that a program holds: dictionaries, frames of several kinds, a coder that is sent to another process."""

from __future__ import annotations

import importlib
import json
import pickle
from pathlib import Path
from typing import Any

import as_tables
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from command import chart, given_iv, run, two_of_equal_rank, write_lines

import ivproof
from ivproof.audit.auditor import Auditor
from ivproof.chart.encounter import dumps
from ivproof.chart.reading import Source, parse
from ivproof.frames.answers import COLUMNS
from ivproof.law.policy import Policy, PolicyError

CHARTS = [
    chart("A", given_iv("a", "ceftriaxone", "09:00", "10:31"), {"id": "b", "drug": "ketorolac", "route": "IM"}),
    chart("B", given_iv("a", "ceftriaxone", "09:00", "9:30")),
    chart("C", given_iv("<i>&", "normal saline", "09:00", None)),
    two_of_equal_rank("D"),
]


class Streams:
    """What gives nothing but Arrow streams."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def frames() -> tuple[pa.Table, pa.Table]:
    encounters, administrations = as_tables.rows_of(CHARTS)
    return as_tables.arrow(encounters, "encounters"), as_tables.arrow(administrations, "administrations")


def kind(name: str) -> Any:
    """A way to make a frame of pyarrow one of another kind; skipped where that package is not installed."""
    if name == "streams":
        return Streams
    if name == "pandas":
        pytest.importorskip("pandas")
        return lambda table: table.to_pandas()
    return importlib.import_module(name).from_arrow if pytest.importorskip(name) else None


def records(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame, whatever its kind; lists as such."""
    found = frame.to_arrow() if type(frame).__module__.startswith("polars") else pa.table(frame)
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


@pytest.mark.parametrize("name", ["streams", "pandas", "polars", "duckdb"])
def test_frames_of_each_kind_give_the_lines_of_the_command_in_frames_of_that_kind(name: str, tmp_path: Path) -> None:
    make = kind(name)
    encounters, administrations = map(make, frames())
    found = ivproof.code_frame(encounters, administrations, readings={"A9": "B"}, assumptions=False)
    lines = write_lines(tmp_path / "c.jsonl", *CHARTS)
    expected = run("code", lines, "--format", "json", "--reading", "A9=B", "--no-assumptions")
    assert [it["json"] for it in records(found.determinations)] == expected.stdout.splitlines()
    assert type(found.lines) is (pa.Table if name == "streams" else type(encounters))
    determinations = [json.loads(it["json"]) for it in records(found.determinations)]
    for table in ("lines", "excluded", "missing"):
        key = "claim" if table == "lines" else table
        told = [(it["encounter"], line) for it in determinations for line in it[key]]
        rows = records(getattr(found, table))
        assert len(rows) == len(told)
        for row, (encounter, line) in zip(rows, told, strict=True):
            assert list(row) == list(COLUMNS[table])
            assert row["encounter"] == encounter and row["rules"] == line["rules"]
            assert str(row.get("date")) == str(line.get("date"))
    drugs = [(it["encounter"], line["code"], line["units"]) for it in determinations for line in it["drug_lines"]]
    assert [(it["encounter"], it["code"], it["units"]) for it in records(found.drug_lines)] == drugs
    [refused] = records(found.refused)
    assert {key: refused[key] for key in ("table", "row", "column", "encounter", "found")} == {
        "table": "administrations",
        "row": 2,
        "column": "stop",
        "encounter": "B",
        "found": '"9:30"',
    }


def test_what_is_no_frame_is_refused_without_repeating_what_stands_in_it() -> None:
    encounters, administrations = frames()
    with pytest.raises(ivproof.TableError, match="encounters: found a list that is no table of Arrow"):
        ivproof.code_frame(["secret"], administrations)
    with pytest.raises(ivproof.TableError, match="administrations: column colour: found a column that is not known"):
        ivproof.code_frame(encounters, administrations.append_column("colour", pa.nulls(len(administrations))))
    with pytest.raises(ivproof.TableError, match="administrations: column drug: found no such column"):
        ivproof.code_frame(encounters, administrations.drop_columns("drug"))
    with pytest.raises(PolicyError):
        ivproof.code_frame(encounters, administrations, readings={"A9": "Z"})


def test_dictionaries_are_coded_in_their_order_and_a_refused_one_stands_in_its_place(tmp_path: Path) -> None:
    found = ivproof.code(CHARTS)
    assert [it.status for it in found] == ["determined", "refused", "determined", "determined"]
    expected = run("code", write_lines(tmp_path / "c.jsonl", *CHARTS), "--format", "json").stdout.splitlines()
    told = [it.as_dict() for it in found if isinstance(it, ivproof.Determination)]
    assert told == [json.loads(it) for it in expected]
    refused = found[1]
    assert isinstance(refused, ivproof.Unanswered) and refused.encounter == "B"
    assert str(refused) == 'charts: B: [1].administrations[0].stop: found "9:30", expected 09:30 (two digits)'
    encounter = parse(CHARTS[0], Source("x")).encounter
    assert encounter is not None
    again = ivproof.code([encounter, {**dumps(encounter), "id": "other"}, CHARTS[0]])
    assert again[0] == found[0] and [it.status for it in again] == ["determined", "determined", "refused"]
    repeated = ivproof.code([CHARTS[0], CHARTS[0]], assumptions=False)
    assert [it.status for it in repeated] == ["determined", "refused"]


def test_a_coder_is_pickled_with_its_readings_and_codes_the_same() -> None:
    coder = ivproof.Coder(Policy.load("out001"), assumptions=True).under({"A9": "A"})
    again = pickle.loads(pickle.dumps(coder))
    assert (again.readings, again.explorer is not None, again.policy.digest) == ({"A9": "A"}, True, coder.policy.digest)
    assert pickle.loads(pickle.dumps(coder.assuming(False))).explorer is None
    encounter = parse(CHARTS[3], Source("x")).encounter
    assert encounter is not None and again.code([encounter], changes=False) == coder.code([encounter], changes=False)


def test_public_names_are_offered_for_completion() -> None:
    assert set(ivproof.__all__) <= set(dir(ivproof)) and dir(ivproof) == sorted(dir(ivproof))


def test_a_notebook_shows_an_answer_and_obeys_nothing_in_it() -> None:
    billed, _, hydration, _ = ivproof.code(CHARTS, assumptions=False)
    assert isinstance(hydration, ivproof.Determination) and isinstance(billed, ivproof.Determination)
    html = hydration._repr_html_()
    assert html.startswith("<p>C: determined</p>") and "<summary>Not on the claim (1)</summary>" in html
    assert "&lt;i&gt;&amp;" in html and "<i>" not in html and "<table>" not in html
    assert "<td>96365</td><td>1</td><td></td><td>initial</td><td>a</td>" in billed._repr_html_()
    encounter = parse({**CHARTS[0], "billed": [{"code": "96365", "units": 3}]}, Source("x")).encounter
    assert encounter is not None
    audit = Auditor(Policy.load("out001")).audit([encounter])[0]._repr_html_()
    assert audit.startswith("<p>A: overcoded and undercoded. Billed and not supported: 96365 × 2")
    assert "<td>wrong code</td><td>96365 × 1</td><td>96366 × 1</td>" in audit


@pytest.mark.parametrize("option", [{"recheck": "al"}, {"jobs": 0}])
def test_an_option_that_is_none_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        ivproof.code([], **option)
