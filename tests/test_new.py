"""The chart to begin with, the list of fields, and what is said of what people type."""

from __future__ import annotations

import json
import re
from pathlib import Path

import field_list
import jsonschema  # type: ignore[import-untyped]
import pytest
from command import chart, given_iv, run

from ivproof.chart.encounter import Encounter, schema, template
from ivproof.chart.files import read

COMMENTED = re.compile(r"^(\s*)# (?=[a-z_]+: )", re.MULTILINE)


def test_the_template_is_coded_as_it_stands_and_with_every_line_that_it_offers(tmp_path: Path) -> None:
    path = tmp_path / "visit.yaml"
    assert run("new", path).exit_code == 0
    assert path.read_text("utf-8") == template() == run("new").stdout
    done = run("code", path, "--format", "json")
    assert done.exit_code == 0 and json.loads(done.stdout)["status"] == "determined"
    offered = COMMENTED.sub(r"\1", template())
    assert offered.count("\n") == template().count("\n") and offered != template()
    path.write_text(offered, "utf-8")
    [found] = read([path])
    assert found.refusals == () and found.encounter is not None
    assert found.encounter.payer == "medicare" and found.encounter.administrations[2].done is False
    left = {it for it in Encounter.model_fields if it not in offered}
    assert left == {"inpatient_order_at", "earlier_visit", "regulated_facility"}, "the template offers what is common"


def test_the_first_line_names_the_schema_beside_it_and_nothing_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "visit.yaml"
    assert run("new", "--schema", path).exit_code == 0
    first = path.read_text("utf-8").splitlines()[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads((tmp_path / name).read_text("utf-8")) == schema()
    [found] = read([path])
    jsonschema.validate(found.encounter and {"id": "A", "place_of_service": "22", "date": "2021-03-01"}, schema())
    path.write_text("mine", "utf-8")
    again = run("new", "--schema", path)
    assert again.exit_code == 2 and "which is not replaced" in again.stderr and path.read_text("utf-8") == "mine"
    assert run("new", "--schema", tmp_path / "second.yaml").exit_code == 0
    assert run("new", tmp_path / "visit.json").exit_code == 2
    assert run("new", "--schema").exit_code == 2
    assert run("new", tmp_path / "nowhere" / "visit.yaml").exit_code == 1


@pytest.mark.parametrize(
    ("name", "said"), [("-", "without one the chart goes to standard output"), ("visit", "found no ending, expected")]
)
def test_a_name_that_is_no_file_of_yaml_is_told(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("new", name)
    assert done.exit_code == 2 and said in done.stderr and not list(tmp_path.iterdir())


def test_the_document_lists_the_fields_that_there_are() -> None:
    text = field_list.DOCUMENT.read_text("utf-8")
    assert field_list.MARKED.findall(text) == [field_list.listed()], "python tests/tools/field_list.py"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{id: 17, place: 22, date: 2021-03-01}", "17: place: found a field .*did you mean place_of_service"),
        ("{id: A, place_of_service: 22, date: 2021-03-01, drugs: []}", "did you mean administrations"),
        ("{id: A, place_of_service: 22, date: 2021-03-01, iv_start: true}", r"did you mean services: \[iv_start\]"),
        ("{id: A, place_of_service: 22, date: 2021-03-01, notes: PIV}", "did you mean note"),
        (
            "{id: A, place_of_service: 22, date: 2021-03-01, administrations: [{drug: x, ndc: 1, route: IV}]}",
            "mean product",
        ),
        (
            "{id: A, place_of_service: 22, date: 2021-03-01, administrations: [{rxcui: 1, route: IV}]}",
            "mean drug: RxNorm",
        ),
        ("{id: A, place_of_service: 22, date: 2021-03-01, administrations: [{name: x, route: IV}]}", "mean drug"),
        ("{id: A, place_of_service: 22, date: 2021-03-01, administrations: [{drug: x, route: IV, time: 1}]}", "start"),
        ("id: A\n\tdate: 2021-03-01", "found text that is not YAML: a tab, expected spaces"),
        ("id: A\n  date: 2021-03-01", "an indent that does not fit"),
    ],
)
def test_what_is_typed_and_not_known_is_refused_with_what_is_meant(text: str, said: str) -> None:
    done = run("code", "-", stdin=text, columns=2000)
    assert done.exit_code == 1 and re.search(said, done.stderr), done.stderr


@pytest.mark.parametrize(
    ("number", "time"), [("930", '"09:30"'), ("23.00", '"23:00"'), ("9", '"09:00"'), ("975", ""), ("-5", "")]
)
def test_a_number_for_a_time_is_refused_with_the_time_that_it_may_be(number: str, time: str) -> None:
    text = (
        f"{{id: A, place_of_service: 22, date: 2021-03-01, administrations: [{{drug: x, route: IV, start: {number}}}]}}"
    )
    done = run("code", "-", stdin=text, columns=2000)
    assert done.exit_code == 1 and (f"perhaps {time}, in quotes" in done.stderr) is bool(time), done.stderr


def test_the_curly_quotes_of_a_word_processor_are_no_part_of_a_value(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "{id: A, place_of_service: “22”, date: “3/25/2021”, diagnoses: [“E86.0”],"
        " administrations: [{drug: cefepime, route: ‘IVPB’, start: “0900”, stop: “09:40”}]}",
        "utf-8",
    )
    [found] = read([path])
    assert found.encounter is not None and (found.encounter.place_of_service, found.encounter.diagnoses) == (
        "22",
        ("E86.0",),
    )
    [given] = found.encounter.administrations
    assert (given.route, given.method, given.start and given.start.text) == ("IV", "infusion", "09:00")


def test_words_for_a_method_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(chart("A", given_iv("a", "cefepime", "09:00", "09:40", method="IVPB"))), "utf-8")
    [found] = read([path])
    assert found.encounter is not None and found.encounter.administrations[0].method == "infusion"
