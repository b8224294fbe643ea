"""Claim edits: the tables against the national list, the severities, the dates, and files of CMS."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import clingo
import pytest
from command import chart, given_iv

from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.edits.checker import (
    Edit,
    EditChecker,
    EditLine,
    EditTables,
    Setting,
    edit_facts,
    edits_from_atoms,
    setting_of,
)
from ivproof.law.policy import Policy

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
TABLES = EditTables.load(ROOT / "asp" / "edits")
DAY = date(2020, 10, 5)
SETTINGS: tuple[Setting, ...] = ("hospital", "practitioner")


def solve(claims: Sequence[Sequence[str]]) -> list[list[str]]:
    """Decide by clingo itself, one claim at a time."""
    answers = []
    for facts in claims:
        control = clingo.Control(["--warn=none"])
        control.load(str(TABLES.program))
        control.add("base", [], "".join(f"{fact}.\n" for fact in facts))
        control.ground([("base", [])])
        with control.solve(yield_=True) as handle:
            answers.append([str(atom) for atom in next(iter(handle)).symbols(atoms=True)])
    return answers


CHECKER = EditChecker(TABLES, solve)


def check(*lines: EditLine, setting: Setting = "hospital", on: date = DAY) -> list[Edit]:
    return list(CHECKER.check(lines, setting, on))


def bill(*codes: str) -> list[EditLine]:
    """Lines of a unit each, or as in "96415*2"; modifiers behind a dash: "96365-59"."""
    lines = []
    for text in codes:
        code, _, units = text.partition("*")
        code, *modifiers = code.split("-")
        lines.append(EditLine(code, int(units or 1), tuple(modifiers)))
    return lines


def shorts(edits: Iterable[Edit]) -> list[str]:
    return [edit.short for edit in edits]


# The national list, row by row


def national_units() -> list[tuple[str, str, str, list[str]]]:
    rows = []
    for line in (DATA / "national-units.md").read_text(encoding="utf-8").splitlines()[2:]:
        label, hospital, practitioner, primaries = (cell.strip() for cell in line.split("|")[1:-1])
        rows.append((label.split()[0], hospital, practitioner, re.findall(r"\w{5}", primaries)))
    return rows


def national_pairs() -> list[tuple[str, str, int]]:
    rows = []
    for line in (DATA / "national-pairs.md").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"- (\w{5}): (.*)", line):
            for indicator, codes in re.findall(r"\((\d)\) ([^;(]*)", match[2]):
                rows += [(match[1], code, int(indicator)) for code in codes.split() if code != "-"]
    return rows


UNITS, PAIRS = national_units(), national_pairs()
ADD_ONS = {code: primaries for code, _, _, primaries in UNITS if primaries}


def test_the_national_list_was_read_whole() -> None:
    assert len(UNITS) == 40
    assert len(ADD_ONS) == 12
    assert len(PAIRS) == 242


@pytest.mark.parametrize(
    ("setting", "code", "cell"),
    [(setting, code, cell) for code, *cells, _ in UNITS for setting, cell in zip(SETTINGS, cells, strict=True)],
)
def test_units_up_to_the_limit_pass_and_one_more_does_not(setting: Setting, code: str, cell: str) -> None:
    match = re.fullmatch(r"(\d+) \(MAI (\d)\)", cell)
    assert match is not None
    limit, indicator = int(match[1]), int(match[2])
    with_primary = [EditLine(primary) for primary in ADD_ONS.get(code, [])[:1]]

    def of_code(units: int) -> list[Edit]:
        return [one for one in check(*with_primary, EditLine(code, units), setting=setting) if one.kind == "units"]

    assert of_code(limit) == []
    (over,) = of_code(limit + 1)
    assert (over.code, over.units, over.limit, over.indicator) == (code, limit + 1, limit, indicator)
    assert over.severity == {2: "fails", 3: "appealable"}[indicator]
    assert ("appeal" in over.message) == (indicator == 3)
    assert ("absolute" in over.message) == (indicator == 2)


@pytest.mark.parametrize("code", [code for code, *_ in UNITS])
@pytest.mark.parametrize("setting", SETTINGS)
def test_an_add_on_code_stands_with_its_primaries_and_with_no_other_code(setting: Setting, code: str) -> None:
    allowed = ADD_ONS.get(code, [])
    for other, *_ in UNITS if allowed else []:
        add_on = [one for one in check(*bill(other, code), setting=setting) if one.short == f"add-on {code}"]
        if other in allowed:
            assert add_on == [], other
        else:
            (edit,) = add_on
            assert edit.severity == "fails"
            assert all(primary in edit.message for primary in allowed)
    alone = shorts(check(EditLine(code), setting=setting))
    assert (f"add-on {code}" in alone) == bool(allowed)


@pytest.mark.parametrize(("column_1", "column_2", "indicator"), PAIRS)
def test_a_pair_is_reported_with_its_indicator(column_1: str, column_2: str, indicator: int) -> None:
    visit = column_2 in {"99211", "G0463"}
    bare = next(one for one in check(*bill(column_1, column_2)) if one.kind == "pair")
    assert bare.short == f"pair {column_1}/{column_2} ({indicator})"
    assert bare.severity == ("needs_modifier" if indicator else "fails")
    assert (bare.code, bare.other) == (column_2, column_1)
    for modifier in ("25", "59", "XE", "XP", "XS", "XU"):
        marked = next(one for one in check(*bill(column_1, f"{column_2}-{modifier}")) if one.kind == "pair")
        fits = (modifier == "25") == visit
        assert marked.short == bare.short
        assert marked.severity == (bare.severity if not indicator or not fits else "passes"), modifier


def test_no_pair_is_reported_that_the_list_does_not_have() -> None:
    known = {(one, two) for one, two, _ in PAIRS}
    codes = sorted({code for pair in known for code in pair} | {code for code, *_ in UNITS})
    edits = check(*(EditLine(code) for code in codes))
    assert {(one.other, one.code) for one in edits if one.kind == "pair"} == known


# What the readings of the open questions expect

READINGS = [
    ("A1 B, A23 B", "96365 96411", ["add-on 96411"]),
    ("A3 C, A70 B", "96365 96360", ["pair 96365/96360 (1)"]),
    ("A4 A", "96360 96372", ["pair 96360/96372 (1)"]),
    ("A4 A, with the modifier", "96360 96372-59", ["pair 96360/96372 (1)"]),
    ("A4 B", "96372 96361", ["add-on 96361"]),
    ("A5 B", "96401 96367", ["add-on 96367"]),
    ("A6 A", "96373 96361", ["add-on 96361"]),
    ("A13 A", "96413 96365-59 96375", ["pair 96413/96365 (1)"]),
    ("A39 A", "96409 96367 96368", ["add-on 96368"]),
    ("A87 B", "96416 96417 96415 96368 96411", ["add-on 96417", "add-on 96415", "add-on 96411"]),
    ("A92 A", "96365 99211-25", ["pair 96365/99211 (1)"]),
    ("A1 A", "96409 96367", []),
    ("A2 A", "96374 96361", []),
    ("A2 B", "96360 96375", []),
    ("A5 A", "96401 96365", []),
    ("A6 B", "96373 96360", []),
    ("A12 A", "96365 96365-59", []),
    ("A39 B", "96409 96367", []),
    ("A87 A", "96413 96415 96368 96411 96416", []),
]


@pytest.mark.parametrize(("claim", "expected"), [row[1:] for row in READINGS], ids=[row[0] for row in READINGS])
def test_the_readings_meet_the_edits_they_name(claim: str, expected: list[str]) -> None:
    assert shorts(check(*bill(*claim.split()))) == expected


def test_two_initial_services_at_two_sites_can_be_appealed() -> None:
    (edit,) = check(*bill("96413", "96413-59"))
    assert edit.short == "units 96413 2>1 (3)"
    assert edit.severity == "appealable"
    assert edit.lines == (0, 1)


# Severities


def test_one_line_without_the_modifier_leaves_the_pair_closed_for_that_line() -> None:
    edits = check(*bill("96365", "96372-59", "96372"))
    assert [(one.lines, one.severity) for one in edits] == [((1,), "passes"), ((2,), "needs_modifier")]


def test_a_modifier_in_column_1_counts_for_practitioners_since_july_2019_only() -> None:
    def severity(setting: Setting, on: date, *codes: str) -> str:
        return next(one.severity for one in check(*bill(*codes), setting=setting, on=on) if one.kind == "pair")

    marked_first = ("96365-XS", "96372")
    assert severity("practitioner", date(2019, 7, 1), *marked_first) == "passes"
    assert severity("practitioner", date(2019, 6, 30), *marked_first) == "needs_modifier"
    assert severity("hospital", date(2019, 7, 1), *marked_first) == "needs_modifier"
    assert severity("practitioner", date(2019, 6, 30), "96365", "96372-XS") == "passes"
    # on a visit, only the visit's own modifier counts
    assert severity("practitioner", DAY, "96365-59", "99211") == "needs_modifier"


def test_the_x_modifiers_open_nothing_before_2015() -> None:
    (before,) = check(*bill("96365", "96372-XS"), on=date(2014, 12, 31))
    (after,) = check(*bill("96365", "96372-XS"), on=date(2015, 1, 1))
    assert (before.severity, after.severity) == ("needs_modifier", "passes")


def test_units_are_counted_over_all_lines_of_one_date() -> None:
    days = [date(2020, 10, 5), date(2020, 10, 6)]
    same_day = [
        EditLine("96375", 4, (), days[0]),
        EditLine("96375", 3, ("59",), days[0]),
        EditLine("96374"),
    ]
    (edit,) = check(*same_day)
    assert (edit.short, edit.lines) == ("units 96375 7>6 (3)", (0, 1))
    assert check(EditLine("96374", date=days[0]), *(EditLine("96375", 4, (), day) for day in days)) == []


def test_pairs_are_met_on_one_date_only() -> None:
    assert check(EditLine("96365", date=DAY), EditLine("96372", date=date(2020, 10, 6))) == []


def test_over_midnight_a_hospital_keeps_its_primary_and_a_practitioner_does_not() -> None:
    lines = [EditLine("96374", date=DAY), EditLine("96375", date=date(2020, 10, 6))]
    assert check(*lines, setting="hospital") == []
    assert shorts(check(*lines, setting="practitioner")) == ["add-on 96375"]


def test_a_line_without_units_bills_nothing() -> None:
    assert shorts(check(*bill("96365*0", "96366"))) == ["add-on 96366"]


def test_an_empty_claim_meets_no_edit() -> None:
    assert check() == []


def test_the_determination_form_names_edit_code_severity_and_message() -> None:
    (edit,) = check(*bill("96409", "96367", "96368"))
    form = edit.as_dict()
    assert form["edit"] == "add-on"
    assert (form["code"], form["severity"]) == ("96368", "fails")
    assert "96413" in str(form["message"])
    (pair,) = check(*bill("96365", "96360"))
    assert pair.as_dict()["with"] == "96365"
    assert pair.as_dict()["indicator"] == 1


def test_the_setting_follows_the_claim_type() -> None:
    assert (setting_of("facility"), setting_of("professional")) == ("hospital", "practitioner")


# From lines to facts and back


def test_text_of_the_claim_does_not_reach_the_program() -> None:
    wild = [EditLine('96365"). edit(l1,add_on("x"),fails', 1, ('59"). boom',)), EditLine("not in 96365")]
    assert edit_facts(wild, TABLES, "hospital", DAY) == ["setting(hospital)"]


def test_facts_hold_only_rows_that_concern_the_claim() -> None:
    facts = edit_facts(bill("96365", "96360", "96372-59"), TABLES, "hospital", DAY)
    pairs = [fact for fact in facts if fact.startswith("pair(")]
    assert pairs == ['pair(0,"96360","96372",1)', 'pair(0,"96365","96360",1)', 'pair(0,"96365","96372",1)']
    assert {fact.split(",")[1] for fact in facts if fact.startswith("limit(")} == {
        '"96365"',
        '"96360"',
        '"96372"',
    }


def test_a_claim_that_no_edit_can_tell_apart_is_solved_once() -> None:
    asked: list[int] = []

    def counting(claims: Sequence[Sequence[str]]) -> list[list[str]]:
        asked.append(len(claims))
        return solve(claims)

    checker = EditChecker(TABLES, counting)
    claims = [(bill("96365", "96372"), SETTINGS[0], date(2020, 10, day)) for day in (5, 6, 7)]
    claims.append((bill("96413"), SETTINGS[0], DAY))
    answers = checker.check_many(claims)
    assert asked == [2]
    assert answers[0] == answers[2] != answers[3]
    assert checker.check(*claims[0]) == answers[0]
    assert asked == [2]


def test_an_indicator_of_9_and_a_code_without_listed_primaries(tmp_path: Path) -> None:
    (tmp_path / "ptp.csv").write_text(
        "Column 1,Column 2,Prior to 1996,Effective Date,Deletion Date,Modifier\n96365,96377,,20060101,20201231,9\n",
        encoding="utf-8",
    )
    (tmp_path / "aoc.csv").write_text(
        "AOC_Edit_Type,Add-On_Code,AOC_DelDT,Primary_Code,Primary_Code_DelDT,AOC_Edit_EffDT,AOC_Edit_DelDT\n"
        "3,96366,,96365,,,\n2,99999,,CCCCC,,,\n",
        encoding="utf-8",
    )
    tables = TABLES.with_files("hospital", ptp=[tmp_path / "ptp.csv"], add_on=[tmp_path / "aoc.csv"])
    checker = EditChecker(tables, solve)
    assert checker.check(bill("96365", "96377", "96366"), "hospital", DAY) == ()
    edits = checker.check(bill("96366", "99999"), "hospital", DAY)
    assert [(one.short, one.severity) for one in edits] == [
        ("add-on 96366", "payer_decides"),
        ("add-on 99999", "payer_decides"),
    ]


def test_an_answer_without_the_facts_is_read_too() -> None:
    (edit,) = edits_from_atoms(['edit(l3,add_on("96411"),fails)', 'bills(l3,"96411",0)'])
    assert (edit.short, edit.severity, edit.lines) == ("add-on 96411", "fails", (2,))


# --- where several claims can follow


def of_unknown_drug(*others: dict[str, Any], **fields: Any) -> Determination:
    """The answer for a visit with a drug that is in no list: as many claims as it may have classes."""
    given = given_iv("unknown", "zyxxonib", "09:00", "10:00")
    encounter = parse(chart("E-1", given, *others, **fields), Source("visit.json")).encounter
    assert encounter is not None
    [found] = Coder(Policy.load()).code([encounter], "none")
    assert found.status == "undetermined"
    assert len(found.alternatives) > 1
    return found


def test_an_add_on_code_that_has_a_primary_in_each_claim_meets_no_edit() -> None:
    found = of_unknown_drug(given_iv("push", "Zofran", "11:00", None, method="push"))
    assert [line.code for line in found.claim] == ["96375"]
    assert {line.code for rival in found.alternatives for line in rival.lines} == {"96365", "96413", "96375"}
    assert found.edits == ()


def test_an_edit_that_every_claim_meets_is_told() -> None:
    sites = [{"id": "left-arm"}, {"id": "right-arm", "necessity": "protocol"}, {"id": "port", "necessity": "protocol"}]
    found = of_unknown_drug(
        given_iv("second", "paclitaxel", "09:00", "10:00", site="right-arm"),
        given_iv("third", "carboplatin", "09:00", "10:00", site="port"),
        access_sites=sites,
    )
    assert {(it.kind, it.code) for it in found.edits} >= {("units", "96413")}


def test_the_law_keeps_apart_what_the_pair_file_keeps_apart() -> None:
    """A modifier is derived for every pair of codes that one opens, visits apart, and for no other."""
    table: dict[str, set[tuple[str, ...]]] = {}
    for rule in Policy.load("out001").program.rules:
        if rule.is_fact and rule.atom.name in {"code", "keeps_apart", "of_group"}:
            arguments = tuple(str(getattr(it, "value", it)) for it in rule.atom.arguments)
            table.setdefault(rule.atom.name, set()).add(arguments)
    codes: dict[tuple[str, ...], str] = {(role, of): code for role, of, code in table["code"]}
    derived = {
        (codes[role, of], codes[other, its])
        for role, of, group in table["keeps_apart"]
        for name, other, its in table["of_group"]
        if name == group
    }
    rows = csv.DictReader((ROOT / "asp/edits/ptp.csv").read_text("utf-8").splitlines())
    # alone on a claim, or included in another code: no pair of theirs is ever met on a derived claim
    never = {codes[key] for key in codes if key[1] == "other"}
    opened = {
        (row["Column 1"], row["Column 2"])
        for row in rows
        if row["Modifier 0=not allowed 1=allowed 9=not applicable"] == "1"
        and {row["Column 1"], row["Column 2"]} <= set(codes.values()) - never
    }
    assert derived == opened
