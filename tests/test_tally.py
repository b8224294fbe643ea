"""Many charts in one view: statuses, codes with their units, and what is to be asked."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

from command import answers, chart, given_iv, run, write_lines

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_it_counts_what_each_chart_says() -> None:
    told = answers(run("code", EXAMPLES, "--format", "json", "--no-assumptions"))
    found = json.loads(run("code", EXAMPLES, "--summary", "--format", "json").stdout)
    assert found["charts"] == len(told) == 13
    statuses = [it["status"] for it in told]
    assert found["statuses"] == {name: statuses.count(name) for name in ("determined", "ambiguous")}
    claims = [Counter[str]() for _ in told]
    for claim, it in zip(claims, told, strict=True):
        for line in it["claim"]:
            claim[line["code"]] += line["units"]
    for it in found["codes"]:
        of_code = [claim[it["code"]] for claim in claims if it["code"] in claim]
        assert (it["charts"], it["units"]) == (len(of_code), sum(of_code))
    assert {it["code"] for it in found["codes"]} == {code for claim in claims for code in claim}
    asked = [{it["fact"].rpartition(".")[2] for it in one["missing"] if it["would_change"]} for one in told]
    assert found["with_something_to_ask"] == sum(map(bool, asked)) == 2 and found["ask"] == {"stop": 2}


def test_it_is_told_in_words_and_as_csv_and_refusals_are_told(tmp_path: Path) -> None:
    charts = [chart("A"), chart("B", given_iv("x", "vancomycin", "09:00", None, method="infusion")), {"id": "C"}]
    file = write_lines(tmp_path / "charts.jsonl", *charts)
    words = run("code", file, "--summary")
    assert words.exit_code == 1 and "place_of_service" in words.stderr
    assert (
        words.stdout.startswith("2 charts: 2 determined\n")
        and "On 1 a missing fact can change the claim: stop (1)" in words.stdout
    )
    rows = list(csv.reader(io.StringIO(run("code", file, "--summary", "--format", "csv").stdout)))
    assert rows[0] == ["kind", "name", "charts", "units"] and ["status", "determined", "2", ""] in rows
    assert ["code", "96365", "1", "1"] in rows and ["ask", "stop", "1", ""] in rows


def test_what_a_summary_cannot_be_is_told(tmp_path: Path) -> None:
    for words in (("-o", str(tmp_path / "x.json")), ("--format", "parquet"), ("--strict",)):
        done = run("code", EXAMPLES, "--summary", *words)
        assert done.exit_code == 2 and "--summary" in done.stderr
    assert not list(tmp_path.iterdir())
