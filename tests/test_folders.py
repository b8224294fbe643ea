"""Commands about one visit, over a folder of them: what is refused costs no other chart its turn."""

from pathlib import Path

import pytest
from command import chart, run, write_lines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "charts"
    found.mkdir()
    write_lines(found / "a.jsonl", chart("../E-1"))
    write_lines(found / "b.jsonl", {**chart("E-2"), "date": "yesterday"})
    write_lines(found / "c.jsonl", chart("E-3"))
    return found


def test_a_page_is_written_of_each_visit_inside_the_folder_that_is_named(folder: Path, tmp_path: Path) -> None:
    result = run("report", folder, "-o", tmp_path / "pages", "--no-least-change")
    assert result.exit_code == 1 and "E-2: date" in result.stderr
    assert sorted(it.name for it in (tmp_path / "pages").iterdir()) == ["001-.._E-1.html", "002-E-3.html"]
    assert "96365" in (tmp_path / "pages" / "002-E-3.html").read_text("utf-8")
    assert run("report", folder, "-o", tmp_path / "one.html").exit_code == 2


def test_a_code_is_explained_for_each_chart_that_has_it(folder: Path) -> None:
    result = run("why", folder, "96365")
    assert result.exit_code == 1 and result.stdout.count("96365 × 1  for bag") == 2
    assert run("why", folder, "96366").stdout == ""
    assert run("why", folder, "99999").exit_code == 2


def test_brief_is_the_claim_and_the_numbers_of_what_is_assumed(folder: Path) -> None:
    whole, brief = (run("code", folder / "c.jsonl", *more).stdout for more in ((), ("--brief",)))
    assert "96365" in brief and len(brief) < len(whole)
    assert "Diagnoses" in whole and "Diagnoses" not in brief
    assert run("code", folder / "c.jsonl", "--brief", "--format", "json").exit_code == 2
