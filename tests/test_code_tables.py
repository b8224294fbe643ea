"""Tables of charts: they give what the same charts give as JSON Lines, and what is wrong is told by row and column."""

from __future__ import annotations

import datetime as dt
import json
import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import as_tables
import case_files
import jsonschema  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.ipc as pi  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from command import answers, chart, given_iv, run, write_lines

import ivproof
from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.files import read
from ivproof.chart.reading import Chart
from ivproof.importers import tables
from ivproof.importers.columns import PARTS, columns_of, tables_schema

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.yaml"))


@cache
def examples() -> tuple[dict[str, Any], ...]:
    return tuple(dumps(it.encounter) for it in read(EXAMPLES) if it.encounter is not None)


def write(
    folder: Path, charts: Sequence[dict[str, Any]], ending: str = ".parquet", **options: Any
) -> tuple[Path, Path]:
    """Write charts as two tables."""
    paths = (folder / f"encounters{ending}", folder / f"administrations{ending}")
    for path, rows in zip(paths, as_tables.rows_of(charts), strict=True):
        needed = ("id", "place_of_service", "date") if path.stem == "encounters" else ("encounter", "drug", "route")
        if ending == ".csv":
            path.write_text(as_tables.csv_text(rows, path.stem, needed), "utf-8")
            continue
        table = as_tables.arrow(rows, path.stem, fields=needed, **options)
        if ending == ".parquet":
            pq.write_table(table, path)
        else:
            with pi.new_file(path, table.schema) as file:
                file.write_table(table)
    return paths


def joined(*paths: Path) -> list[Chart]:
    return [it.chart() for it in tables.scan_tables(map(str, paths))]


def refused(*paths: Path) -> list[str]:
    return [str(it) for chart in joined(*paths) for it in chart.refusals]


# --- The same as JSON Lines


@cache
def every_case() -> dict[str, Encounter]:
    """The charts of all cases, numbered: some have one id."""
    found: dict[str, Encounter] = {}
    for folder in ("published", "law", "readings", "faults"):
        for file, data in case_files.documents(folder):
            if "encounter" in data:
                name = str(len(found))
                found[name] = case_files.encounter_of({**data["encounter"], "id": name}, file)
    return found


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_the_charts_of_all_cases_are_the_same_from_tables(ending: str, tmp_path: Path) -> None:
    """What comes from the tables is equal to the chart itself, so whatever follows from it is."""
    charts = every_case()
    assert len(charts) > 2000
    found = joined(*write(tmp_path, [dumps(it) for it in charts.values()], ending))
    assert [it.refusals for it in found if it.refusals] == []
    assert [it.encounter for it in found] == list(charts.values())


@cache
def as_lines(folder: Path) -> str:
    """What the examples give as JSON Lines."""
    lines = write_lines(folder / "charts.jsonl", *examples())
    return run("code", lines, "--format", "json", "--no-assumptions").stdout


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".csv"])
def test_rows_may_come_in_any_order(ending: str, tmp_path: Path) -> None:
    paths = write(tmp_path, examples(), ending)
    expected = joined(*paths)
    if ending == ".csv":
        head, *rows = paths[1].read_text("utf-8").splitlines(keepends=True)
        paths[1].write_text(head + "".join(reversed(rows)), "utf-8")
    else:
        table = pq.read_table(paths[1]) if ending == ".parquet" else pi.open_file(paths[1]).read_all()
        order = list(range(len(table)))
        random.Random(1).shuffle(order)
        pq.write_table(table.take(order), paths[1])
    assert [it.encounter for it in joined(*reversed(paths))] == [it.encounter for it in expected]


def test_the_examples_have_the_same_lines_from_tables(tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "charts.jsonl", *examples())
    options = ("--format", "json", "--no-assumptions", "--recheck", "none")
    assert run("code", *write(tmp_path, examples()), *options).stdout == run("code", lines, *options).stdout


def test_timestamps_give_the_claims_of_clock_times() -> None:
    charts = [it for it in examples() if "time_zone" not in it]
    stamped = [as_tables.stamped(it) for it in charts]
    encounters, administrations = as_tables.rows_of(stamped)
    found = ivproof.code_frame(
        as_tables.arrow(encounters, "encounters", times="timestamps"),
        as_tables.arrow(administrations, "administrations", times="timestamps"),
        assumptions=False,
    )
    expected = ivproof.code(charts, assumptions=False)
    assert found.refused.num_rows == 0
    told = [json.loads(it) for it in found.determinations["json"].to_pylist()]
    claims = [it.as_dict()["claim"] for it in expected if isinstance(it, ivproof.Determination)]
    assert [it["claim"] for it in told] == claims
    assert [it["status"] for it in told] == [it.status for it in expected]


def test_an_instant_in_utc_is_dated_in_the_zone_of_the_chart() -> None:
    at = [dt.datetime(2021, 3, 2, 3, 30, tzinfo=dt.UTC), dt.datetime(2021, 3, 2, 4, 10, tzinfo=dt.UTC)]
    encounters = pa.table(
        {"id": [7], "place_of_service": [22], "date": [dt.datetime(2021, 3, 1)], "time_zone": ["America/New_York"]}
    )
    given = {"encounter": [7.0], "drug": ["ceftriaxone"], "route": ["IV"]}
    stamps = {"start": pa.array(at[:1], pa.timestamp("us", "UTC")), "stop": pa.array(at[1:], pa.timestamp("us", "UTC"))}
    found = ivproof.code_frame(encounters, pa.table({**given, **stamps}))
    assert found.refused.to_pylist() == []
    [line] = found.lines.to_pylist()
    assert (line["encounter"], line["code"], line["date"]) == ("7", "96365", dt.date(2021, 3, 1))
    local = pa.array(at[:1], pa.timestamp("us", "UTC")).cast(pa.timestamp("us", "America/New_York"))
    sheets = tables.tables_of(
        [
            tables.ArrowFrame("encounters", encounters, 0),
            tables.ArrowFrame("administrations", pa.table({**given, "start": local}), 0),
        ]
    ).sheets()
    encounter = next(iter(sheets)).chart().encounter
    assert encounter is not None and encounter.administrations[0].start is not None
    assert encounter.administrations[0].start.text == "2021-03-01T22:30-05:00[America/New_York]"


def test_parts_may_have_tables_of_their_own(tmp_path: Path) -> None:
    data = chart(
        "A",
        services=[{"kind": "flush"}, {"kind": "evaluation_and_management", "code": "99213"}],
        billed=[{"code": "96365", "units": 2, "modifiers": ["59", "XU"]}],
    )
    whole = write(tmp_path, [data])
    expected = joined(*whole)
    parts = []
    for name in ("services", "billed", "access_sites"):
        rows = [{"encounter": "A", "position": n, **it} for n, it in enumerate(data.pop(name))]
        parts.append(tmp_path / f"{name}.csv")
        text = as_tables.csv_text(rows[::-1], name)
        parts[-1].write_text(text.replace('"[""59"", ""XU""]"', "59 XU"), "utf-8")
    found = joined(*parts, *write(tmp_path, [data]))
    assert found[0].encounter == expected[0].encounter is not None


def test_nanoseconds_are_taken_where_nothing_is_lost() -> None:
    encounters = pa.table({"id": ["A"], "place_of_service": ["22"], "date": ["2021-03-01"]})
    for nanoseconds, text in ((1614589200 * 10**9, "2021-03-01T09:00"), (1614589200 * 10**9 + 1, None)):
        start = pa.array([nanoseconds], pa.timestamp("ns"))
        given = pa.table({"encounter": ["A"], "drug": ["cefepime"], "route": ["IV"], "start": start})
        if text is None:
            with pytest.raises(ivproof.TableError, match="times with parts of a microsecond"):
                ivproof.code_frame(encounters, given)
            continue
        frames = [tables.arrow_frame(name, it, 0) for name, it in (("e", encounters), ("a", given))]
        [sheet] = tables.tables_of(frames).sheets()
        assert sheet.content["administrations"] == [{"drug": "cefepime", "route": "IV", "start": text}]


# --- What is refused


def test_a_bad_row_refuses_its_encounter_only_and_names_file_row_and_column(tmp_path: Path) -> None:
    charts = [
        chart("A", given_iv("bag", "ceftriaxone", "09:00", "9:40")),
        chart("B"),
        chart("C", given_iv("x", "cefepime", "09:00", "09:40"), given_iv("y", "cefepime", "10:00", None, route="IX")),
        {**chart("D"), "place_of_service": "2"},
    ]
    paths = write(tmp_path, charts)
    done = run("code", *paths, "--format", "json", columns=400)
    assert done.exit_code == 1
    assert [it["encounter"] for it in answers(done)] == ["B"]
    told = done.stderr.splitlines()
    assert told[0] == f'{paths[1]}:2: A: column stop: found "9:40", expected 09:40 (two digits)'
    assert told[1].startswith(f'{paths[1]}:5: C: column route: found "IX", expected IV, ')
    assert told[2].startswith(f'{paths[0]}:5: D: column place_of_service: found "2", expected a code of two digits')


def test_what_belongs_to_no_chart_or_to_two_is_refused(tmp_path: Path) -> None:
    rows, given = as_tables.rows_of([chart("A"), chart("B"), chart("B"), chart("C"), chart("D")])
    given[0]["encounter"] = "Z"
    given[1]["encounter"] = None
    given.append({**given[3], "id": "more"})
    encounters, administrations = tmp_path / "e.parquet", tmp_path / "a.parquet"
    pq.write_table(as_tables.arrow(rows, "encounters"), encounters)
    pq.write_table(as_tables.arrow(given, "administrations"), administrations)
    assert refused(encounters, administrations) == [
        f'{encounters}:3: B: column id: found "B" in 2 rows, expected an id that no other row has',
        f'{encounters}:4: B: column id: found "B" in 2 rows, expected an id that no other row has',
        f"{administrations}:7: C: column position: found 0 a second time, expected a place that no other row of it has",
        f'{administrations}:2: column encounter: found "Z", expected the id of an encounter of {encounters}',
        f"{administrations}:3: column encounter: found nothing, expected the id of an encounter of {encounters}",
    ]
    assert [it.encounter.id for it in joined(encounters, administrations) if it.encounter] == ["A", "D"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"drugs": ["x"]}, "column drugs: found a column that is not known here, expected one of .*did you mean drug"),
        ({"route": None}, "column route: found no such column, expected it in a table of administrations"),
        ({"drug": None, "route": None}, "found the columns .*, expected a table of encounters"),
    ],
)
def test_a_table_with_other_columns_is_refused_as_a_whole(
    columns: dict[str, Any], message: str, tmp_path: Path
) -> None:
    encounters, administrations = write(tmp_path, [chart("A", {"drug": "cefepime", "route": "IV"})])
    table = pq.read_table(administrations).to_pydict() | columns
    pq.write_table(pa.table({key: it for key, it in table.items() if it is not None}), administrations)
    done = run("code", encounters, administrations, "--format", "json", columns=2000)
    assert done.exit_code == 1 and not done.stdout
    told = done.stderr.strip()
    assert re.search(message, told) and told.startswith(str(administrations)), told


def test_encounters_without_their_administrations_are_not_coded(tmp_path: Path) -> None:
    encounters, administrations = write(tmp_path, [chart("A")])
    done = run("code", encounters, columns=400)
    assert done.exit_code == 1 and "no table of administrations beside it" in done.stderr and not done.stdout
    done = run("code", encounters, administrations, administrations, columns=400)
    assert done.exit_code == 1 and "a second table of administrations" in done.stderr
    done = run("code", encounters, EXAMPLES[0], columns=400)
    assert done.exit_code == 2 and "found no table beside" in done.stderr
    administrations.write_bytes(administrations.read_bytes()[:-20])
    done = run("code", encounters, administrations, columns=400)
    assert done.exit_code == 1 and "found a damaged Parquet file, expected a whole one" in done.stderr


def test_other_commands_take_tables_as_code_does(tmp_path: Path) -> None:
    charts = [chart("A", billed=[{"code": "96365"}]), chart("B", billed=[{"code": "96375"}])]
    paths = write(tmp_path, charts)
    lines = write_lines(tmp_path / "charts.jsonl", *charts)
    for command, options in (("audit", ()), ("readings", ("--encounter", "B"))):
        from_tables = run(command, *paths, "--format", "json", *options)
        assert from_tables.exit_code == 0 and from_tables.stdout
        assert from_tables.stdout == run(command, lines, "--format", "json", *options).stdout
    done = run("why", paths[0], "96365")
    assert done.exit_code == 2 and "this command looks at one visit" in done.stderr
    none = write(tmp_path, [])
    done = run("code", *none)
    assert done.exit_code == 1 and f"{none[0]}: found an empty table, expected at least one chart" in done.stderr


def test_cells_of_csv_have_one_meaning(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(
        "id;place_of_service;date;diagnoses;regulated_facility;access_sites\n"
        '1;22;3/25/2021;E86.0, R11.10;TRUE;"[{""id"": ""l""}]"\n2;22;2021-03-25;;maybe;[\n',
        "utf-8",
    )
    (tmp_path / "a.csv").write_text(
        "encounter,drug,route,site,start,end,volume_ml\n1,normal saline,IVPB,l,0900,,500.5\n", "utf-8"
    )
    assert "column end: found a column that is not known here" in refused(tmp_path / "e.csv", tmp_path / "a.csv")[0]
    (tmp_path / "a.csv").write_text(
        "encounter,drug,route,site,start,stop,volume_ml\n1,normal saline,IVPB,l,0900,,500.5\n", "utf-8"
    )
    first, second = joined(tmp_path / "e.csv", tmp_path / "a.csv")
    assert first.encounter is not None and dumps(first.encounter) == {
        "id": "1",
        "place_of_service": "22",
        "date": "2021-03-25",
        "diagnoses": ["E86.0", "R11.10"],
        "regulated_facility": True,
        "access_sites": [{"id": "l"}],
        "administrations": [
            {
                "id": "normal-saline-1",
                "drug": "normal saline",
                "route": "IV",
                "method": "infusion",
                "site": "l",
                "start": "09:00",
                "volume_ml": 500.5,
            }
        ],
    }
    told = [str(it) for it in second.refusals]
    assert "column access_sites: found text that is not JSON" in told[0]
    assert 'column regulated_facility: found "maybe", expected true or false' in told[1]


# --- What comes out


def test_every_form_of_output_says_the_same(tmp_path: Path) -> None:
    few = examples()[9:]
    paths = write(tmp_path, [*few, chart("none", {"id": "x", "drug": "aspirin", "route": "PO"})])
    for ending in ("parquet", "arrow", "csv", "jsonl"):
        done = run("code", *paths, "--no-assumptions", "--recheck", "none", "-o", tmp_path / f"out.{ending}")
        assert done.exit_code == 0
    lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["encounter", "status", "policy_digest", "json"]
    assert table["json"].to_pylist() == lines
    assert pi.open_file(tmp_path / "out.arrow").read_all().equals(table)
    found = [json.loads(it) for it in lines]
    assert table["status"].to_pylist() == [it["status"] for it in found]
    head, *rows = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert head == "encounter,status,line,code,units,modifiers,role,site,date,administrations,rules"
    expected = sum(len(it["claim"]) + len(it["drug_lines"]) or 1 for it in found)
    assert len(rows) == expected and rows[-1] == "none,determined,,,,,,,,,"
    again = run("code", *map(str, EXAMPLES[9:]), "--no-assumptions", "--recheck", "none", "--format", "csv").stdout
    assert again.splitlines()[1:] == rows[:-1]
    assert not list(tmp_path.glob("*incomplete*"))


def test_binary_forms_go_into_files_only() -> None:
    done = run("code", EXAMPLES[0], "--format", "parquet")
    assert done.exit_code == 2 and "expected the file to write" in done.stderr


def test_the_schema_allows_what_is_read_and_names_the_types() -> None:
    printed = json.loads(run("schema", "tables").stdout)
    assert printed == tables_schema() and list(printed["properties"]) == list(PARTS)
    jsonschema.Draft202012Validator.check_schema(printed)
    encounters, administrations = as_tables.rows_of(examples())
    jsonschema.validate({"encounters": encounters, "administrations": administrations}, printed)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"encounters": [{**encounters[0], "colour": "red"}]}, printed)
    types = {it.name: it.arrow for it in columns_of("administrations")}
    assert (types["start"], types["volume_ml"], types["lesions"]) == ("timestamp[s]", "double", "int64")
