"""An audit of many claims: dollars, intervals, groups, what a sample says of all, and the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from command import chart, given_iv, run, write_lines

from ivproof.audit.beside import BesideError, Groups, Prices
from ivproof.audit.estimate import share, whole
from ivproof.audit.summary import Summary

QUICK = ("--search", "none")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Three claims, prices, and who coded them: one right, one with an hour too many, one that forgot a push."""
    bag = given_iv("drug", "ceftriaxone", "09:00", "10:20", method="infusion")
    push = given_iv("again", "Zofran", "10:10", None, method="push")
    charts = write_lines(
        tmp_path / "charts.jsonl",
        chart("A", bag, payer="Plan", billed=[{"code": "96365"}]),
        chart("B", bag, payer="Plan", billed=[{"code": "96365"}, {"code": "96366", "units": 2}]),
        chart("<i>C</i>", bag, push, payer="Other", billed=[{"code": "96365"}]),
    )
    prices, groups = tmp_path / "prices.csv", tmp_path / "groups.csv"
    prices.write_text("CPT,Price\n96366,$60.50\n96375,40\n", "utf-8")
    groups.write_text("Encounter,Coder,Unit\nA,Ann,ED\nB,<b>Bo</b>,ED\n<i>C</i>,Ann,Onc\n", "utf-8")
    return charts, prices, groups


def summed(charts: Path, *options: Any) -> dict[str, Any]:
    result = run("audit", charts, "--summary", "--format", "json", *QUICK, *options)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_units_are_dollars_and_what_was_forgotten_is_money_left(files: tuple[Path, Path, Path]) -> None:
    charts, prices, groups = files
    found = summed(charts, "--prices", prices, "--groups", groups)
    assert found["dollars"]["over"] == 121.0
    assert found["dollars"]["under"] == 40.0
    assert found["dollars"]["codes"] == {
        "96366": {"over": 121.0, "under": 0.0},
        "96375": {"over": 0.0, "under": 40.0},
    }
    assert found["dollars"]["unpriced"] == []
    by = found["groups"]
    assert {name: (it["claims"], it["correct"], it["dollars_over"]) for name, it in by["coder"].items()} == {
        "Ann": (2, 1, 0.0),
        "<b>Bo</b>": (1, 0, 121.0),
    }
    assert by["unit"]["Onc"]["dollars_under"] == by["payer"]["Other"]["dollars_under"] == 40.0
    rows = run("audit", charts, "--format", "csv", "--prices", prices, *QUICK).stdout.splitlines()
    assert rows[0].endswith("dollars_over,dollars_under")
    assert sum(it.endswith(",121.00,") for it in rows) == sum(it.endswith(",,40.00") for it in rows) == 1


def test_a_code_without_a_price_is_named_and_counts_nothing(files: tuple[Path, Path, Path]) -> None:
    charts, prices, _ = files
    prices.write_text("code;price\n96375;40\n", "utf-8")
    result = run("audit", charts, "--summary", "--prices", prices, *QUICK)
    assert "Without a price, and counted as nothing: 96366" in result.stdout
    assert "0.00 dollars billed beyond what the charts support, 40.00 left unbilled" in result.stdout


@pytest.mark.parametrize(("count", "of"), [(0, 10), (7, 10), (10, 10), (50, 200), (1, 1)])
def test_an_interval_is_where_the_score_test_does_not_reject(count: int, of: int) -> None:
    z = NormalDist().inv_cdf(0.975)
    for end, edge in zip(share(count, of), (0.0, 1.0), strict=True):
        if 0 < end < 1:
            assert abs(count / of - end) == pytest.approx(z * (end * (1 - end) / of) ** 0.5)
        else:
            assert end == edge


def test_a_sample_says_what_it_tells_of_all_and_too_few_give_no_interval() -> None:
    some = [0.0] * 20 + [100.0] * 20
    found = whole(some, 400)
    assert found.total == 20000
    assert found.low is not None and found.high is not None and found.limit is not None
    assert found.low < found.limit < found.total < found.high
    assert whole(some, 40).low == whole(some, 40).high == 2000  # all were drawn: nothing is open
    assert whole(some[:29], 400).limit is None


def test_the_population_is_said_and_is_no_smaller_than_the_sample(files: tuple[Path, Path, Path]) -> None:
    charts, prices, _ = files
    found = summed(charts, "--prices", prices, "--population", "300")
    assert found["sample"]["over"] == {"total": 12100.0, "low": None, "high": None, "limit": None}
    result = run("audit", charts, "--summary", "--prices", prices, "--population", "300", *QUICK)
    assert "of fewer than 30 claims no interval is given" in " ".join(result.stdout.split())
    assert run("audit", charts, "--summary", "--population", "2", *QUICK).exit_code == 2


def test_claims_are_counted_by_minutes_from_a_boundary() -> None:
    total = Summary()
    for minutes in (1, 5, 61, 400, None):
        plain: dict[str, Any] = {
            "encounter": "E",
            "payer": "",
            "verdict": "correct",
            "way": None,
            "over": {},
            "under": {},
        }
        total.add({**plain, "lines": [], "edits": [], "minutes": minutes})
    counts = total.as_dict()["minutes"]
    assert {name: n for name, n in counts.items() if n} == {"1–2": 1, "3–5": 1, "61 or more": 2, "none found": 1}


def test_the_page_stands_alone_and_nothing_in_it_is_markup_of_a_chart(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    charts, prices, groups = files
    pages = []
    for jobs in (1, 2):
        output = tmp_path / f"audit-{jobs}.html"
        options = ("--prices", prices, "--groups", groups, "--population", "300", "--jobs", str(jobs), "-o", output)
        result = run("audit", charts, "--summary", *options, *QUICK)
        assert result.exit_code == 0, result.stderr
        pages.append(output.read_text("utf-8"))
    page = pages[0]
    assert pages[1] == page
    assert "http" not in re.sub("http-equiv", "", page)
    assert "<script" not in page and "<i>C" not in page and "<b>Bo" not in page
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    for it in ("121.00 dollars billed beyond", "Minutes from a boundary", "By coder", "96366 (0 of 1)", "Wilson"):
        assert it in text, it
    ran = re.search(r"11–15 (\d+) 16–30 (\d+)", text)
    assert ran is not None  # 80 minutes: 11 more reach a further hour
    assert ran[1] == "3"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code,price\n", "no row"),
        ("code\n96365\n", "no column of prices"),
        ("code,price\n96365,x\n", "the price 'x'"),
        ("code,price\n96365,-1\n", "0 or more"),
        ("code,price\n96365,nan\n", "0 or more"),
        ("code,price\n96365,1\n96365,1\n", ":3: found 96365 a second time"),
        ("code,price\n96365,\n", "nothing under price"),
        ("code,price\n96365,1,2\n", "found 3 cells"),
    ],
)
def test_prices_that_cannot_be_used_are_refused(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(BesideError, match=re.escape(words)):
        Prices.read(file)


def test_groups_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    for text, words in (("encounter\nA\n", "no column but"), ("encounter,coder\nA,x\na,y\n", "a second time")):
        file.write_text(text, "utf-8")
        if "second" in words:
            file.write_text("encounter,coder\nA,x\nA,y\n", "utf-8")
        with pytest.raises(BesideError, match=words):
            Groups.read(file)


@pytest.mark.parametrize("option", ["--groups", "--population"])
def test_what_only_a_summary_has_is_refused_without_one(option: str, files: tuple[Path, Path, Path]) -> None:
    charts, _, groups = files
    result = run("audit", charts, option, groups if option == "--groups" else "5")
    assert result.exit_code == 2
    assert "--summary" in result.stderr
