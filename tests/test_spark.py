"""Charts in a data frame of Spark: the lines of the command, whatever partition a row is in."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import as_tables
import pytest
from command import chart, given_iv, run, two_of_equal_rank, write_lines

from ivproof.importers.tables import TableError

pytest.importorskip("pyspark", reason="pip install 'ivproof[spark]'")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java", allow_module_level=True)

pytestmark = pytest.mark.slow

CHARTS = [
    chart("A", given_iv("a", "ceftriaxone", "09:00", "10:31"), {"id": "b", "drug": "ketorolac", "route": "IM"}),
    chart("B", given_iv("a", "ceftriaxone", "09:00", "9:30")),
    two_of_equal_rank("C"),
    *(chart(f"N{n}") for n in range(6)),
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession  # type: ignore[import-not-found, unused-ignore]

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = (
        builder.config("spark.sql.shuffle.partitions", "3").config("spark.sql.adaptive.enabled", "false").getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def frames(spark: Any, charts: list[dict[str, Any]]) -> tuple[Any, Any]:
    encounters, administrations = as_tables.rows_of(charts)
    return (
        spark.createDataFrame(as_tables.arrow(encounters, "encounters")).repartition(3),
        spark.createDataFrame(as_tables.arrow(administrations, "administrations")).repartition(2),
    )


def test_the_lines_are_those_of_the_command_and_what_is_wrong_is_told(spark: Any, tmp_path: Path) -> None:
    import ivproof.spark

    encounters, administrations = frames(spark, CHARTS)
    twice = encounters.where("id = 'N0'").unionByName(encounters)
    more = administrations.where("encounter = 'A'").limit(1)
    lost = more.selectExpr("'Z' encounter", *(it for it in more.columns if it != "encounter"))
    out = ivproof.spark.code(twice, administrations.unionByName(lost), readings={"A9": "B"})
    assert out.columns == ["encounter", "status", "policy_digest", "json", "problems"]
    rows = [it.asDict() for it in out.collect()]
    lines = write_lines(tmp_path / "c.jsonl", *(it for it in CHARTS if it["id"] not in {"B", "N0"}))
    expected = run("code", lines, "--format", "json", "--reading", "A9=B").stdout.splitlines()
    assert sorted(it["json"] for it in rows if it["json"] is not None) == sorted(expected)
    refused = sorted((it["encounter"] or "", *it["problems"]) for it in rows if it["status"] == "refused")
    assert refused == [
        ("", 'encounters: administrations: found those of "Z", expected an encounter of that id'),
        ("B", 'encounters: B: column administrations[0].stop: found "9:30", expected 09:30 (two digits)'),
        ("N0", 'encounters: N0: id: found "N0" in 2 rows, expected an id that no other row has'),
        ("N0", 'encounters: N0: id: found "N0" in 2 rows, expected an id that no other row has'),
    ]


def test_a_row_may_be_a_whole_chart_with_timestamps(spark: Any) -> None:
    import ivproof
    import ivproof.spark

    start, stop = dt.datetime(2021, 3, 1, 9), dt.datetime(2021, 3, 1, 10, 31)
    schema = (
        "id string, place_of_service string, date date, "
        "administrations array<struct<drug: string, route: string, start: timestamp_ntz, stop: timestamp_ntz>>"
    )
    rows = [(f"E{n}", "22", dt.date(2021, 3, 1), [("vancomycin", "IV", start, stop)]) for n in range(4)]
    out = ivproof.spark.code(spark.createDataFrame(rows, schema).repartition(2), assumptions=False)
    same = {"place_of_service": "22", "date": "2021-03-01"}
    given = {"drug": "vancomycin", "route": "IV", "start": "2021-03-01T09:00", "stop": "2021-03-01T10:31"}
    [found] = ivproof.code({"id": "E", **same, "administrations": [given]}, assumptions=False)
    assert isinstance(found, ivproof.Determination)
    units = [(it.code, it.units) for it in found.claim]
    import json

    told = [[(it["code"], it["units"]) for it in json.loads(row["json"])["claim"]] for row in out.collect()]
    assert told == [units] * 4


def test_a_frame_with_other_columns_is_refused_before_anything_is_computed(spark: Any) -> None:
    import ivproof.spark

    encounters, administrations = frames(spark, CHARTS[:1])
    with pytest.raises(TableError, match="no column administrations"):
        ivproof.spark.code(encounters)
    with pytest.raises(TableError, match="administrations: found no column position"):
        ivproof.spark.code(encounters, administrations.drop("position"))
    with pytest.raises(TableError, match="column colour: found a column that is not known"):
        ivproof.spark.code(encounters.selectExpr("*", "'red' colour"), administrations)


def test_what_is_small_in_bytes_is_spread_over_the_cores(spark: Any) -> None:
    import ivproof.spark

    rows = [
        {"id": f"S{n}", "place_of_service": "22", "date": dt.date(2021, 3, 1), "administrations": None}
        for n in range(16)
    ]
    types = "id string, place_of_service string, date date, administrations array<struct<drug string, route string>>"
    found = ivproof.spark.code(spark.createDataFrame(rows, types).coalesce(1), assumptions=False, recheck="none")
    assert found.rdd.getNumPartitions() == spark.sparkContext.defaultParallelism
    parts = found.rdd.glom().map(len).collect()
    assert sum(parts) == len(rows) and max(parts) < len(rows)
