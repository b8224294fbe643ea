"""Files of CMS: editions and dates of the tables, the public layouts, and errors that say where and what."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from ivproof.edits.files import EditFileError, read_add_on, read_modifiers, read_mue, read_ptp, read_ranges
from ivproof.edits.tables import EditLine, EditTables, Layout, Setting

EDITS = Path(__file__).parents[1] / "asp" / "edits"
TABLES = EditTables.load(EDITS)

PTP = (
    "CPT only copyright 2025 American Medical Association.  All rights reserved.\t\t\t\t\t\t\n"
    "Column1/Column 2 Edits\t\t\t\t\t\t\n"
    "Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\n"
    "\t\tprior to 1996\tDate\tDate\t0=not allowed\t\n"
    "\t\t\t\t*=no data\t1=allowed\t\n"
    "\t\t\t\t\t9=not applicable\t\n"
    "96365\t96372\t \t20060101\t*\t1\tStandards of medical / surgical practice\n"
    "96365\t96360\t \t20060101\t20201231\t1\tMore extensive procedure\n"
    "96365\t96374\t \t20210101\t*\t0\tMore extensive procedure\n"
    "96365\t96377\t \t20060101\t20060101\t9\tMore extensive procedure\n"
    "11042\t97597\t*\t19960101\t*\t1\tMore extensive procedure\n"
)
MUE = (
    '"CPT codes are copyright 2025 American Medical Association, all rights reserved.",,,\n'
    '"HCPCS/\nCPT Code",Outpatient Hospital Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n'
    "96365,3,1 Line Edit,Clinical: Data\n"
    "A0021,0,2 Date of Service Edit: Policy,CMS Policy\n"
)
ADD_ON = (
    "AOC_Edit_Type,Add-On_Code,AOC_DelDT,Primary_Code,Primary_Code_DelDT,AOC_Edit_EffDT,AOC_Edit_DelDT,"
    "Special_Instruction_Notes\n"
    "1,96366,,96365,,2013091,,\n"
    "1,96366,,96360,,2013091,2020274,\n"
    "1,96415,,96413,2020275,2013091,,\n"
    "1,96417,2020001,96413,,2013091,,\n"
    "2,99999,,CCCCC,,2013091,,Contractor Defined Primary Codes\n"
)


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8", newline="")
    return file


def facts(tables: EditTables, *codes: str, on: date = date(2020, 10, 5), setting: Setting = "hospital") -> list[str]:
    wanted = ("pair(", "limit(", "add_on(", "may_carry(")
    lines = [EditLine(code) for code in codes]
    return [fact for fact in tables.facts(lines, setting, on) if fact.startswith(wanted)]


# Editions and dates


@pytest.mark.parametrize("setting", get_args(Setting))
@pytest.mark.parametrize("layout", get_args(Layout))
def test_every_shipped_table_has_an_edition(setting: Setting, layout: Layout) -> None:
    edition = TABLES.edition(setting, layout, date(2020, 10, 5))
    assert edition is not None
    assert edition.name.startswith("2024 Q3")
    assert edition.source


def test_a_claim_of_another_time_is_said_to_be_judged_by_these_editions() -> None:
    assert TABLES.caveat("hospital", date(2024, 8, 1)) is None
    caveat = TABLES.caveat("hospital", date(2020, 10, 5))
    assert caveat is not None
    assert "2020-10-05" in caveat
    assert "2024 Q3" in caveat


def test_the_edition_of_the_date_is_taken(tmp_path: Path) -> None:
    for file in ("modifiers.csv", "evaluation.csv"):
        written(tmp_path, file, (EDITS / file).read_text(encoding="utf-8"))
    head = 'program = "edits.lp"\nmodifiers = "modifiers.csv"\nevaluation = "evaluation.csv"\n'
    table = '[[table]]\nlayout = "mue"\nfile = "{0}.csv"\nsettings = ["hospital"]\nedition = "{0}"\nsource = "CMS"\n'
    index = head
    for name, limit, first, last in (
        ("new", 5, "2021-01-01", "2021-03-31"),
        ("old", 3, "2020-10-01", "2020-12-31"),
    ):
        written(tmp_path, f"{name}.csv", MUE.replace("96365,3", f"96365,{limit}"))
        index += table.format(name) + f"from = {first}\nuntil = {last}\n"
    written(tmp_path, "edits.toml", index)
    tables = EditTables.load(tmp_path)
    limits = {on: facts(tables, "96365", on=on) for on in (date(2019, 1, 1), date(2020, 12, 31), date(2021, 1, 1))}
    assert [one for (one,) in limits.values()] == [f'limit(0,"96365",{units},1)' for units in (3, 3, 5)]


def test_a_pair_counts_from_its_effective_to_its_deletion_date(tmp_path: Path) -> None:
    tables = TABLES.with_files("hospital", ptp=[written(tmp_path, "ccioph.txt", PTP)])

    def pairs(on: date) -> set[str]:
        found = facts(tables, "96365", "96360", "96374", "96377", "96372", on=on)
        return {fact[len('pair(0,"96365","') : -1] for fact in found if fact.startswith("pair(")}

    assert pairs(date(2005, 12, 31)) == set()
    assert pairs(date(2020, 12, 31)) == {'96372",1', '96360",1'}
    assert pairs(date(2021, 1, 1)) == {'96372",1', '96374",0'}


def test_an_add_on_row_ends_with_its_edit_its_primary_or_its_code(tmp_path: Path) -> None:
    tables = TABLES.with_files("hospital", add_on=[written(tmp_path, "aoc.csv", ADD_ON)])

    def carried(on: date) -> list[str]:
        return [one for one in facts(tables, "96366", "96415", "96417", on=on) if one.startswith("may_carry")]

    assert carried(date(2013, 3, 31)) == []
    assert carried(date(2020, 9, 30)) == [
        'may_carry(0,"96366","96365")', 'may_carry(0,"96366","96360")', 'may_carry(0,"96415","96413")'
    ]  # fmt: skip
    assert carried(date(2020, 10, 2)) == ['may_carry(0,"96366","96365")']
    assert 'add_on(0,"96417",1)' not in facts(tables, "96417")


def test_the_deleted_pairs_of_the_transfusion_are_not_reported() -> None:
    assert not [one for one in facts(TABLES, "36430", "96365") if one.startswith("pair")]


# Loading a user's files


def test_files_of_cms_replace_the_shipped_ones_for_their_setting_only(tmp_path: Path) -> None:
    tables = TABLES.with_files(
        "hospital",
        ptp=[written(tmp_path, "ccioph.txt", PTP)],
        mue=[written(tmp_path, "MCR_MUE_OutpatientHospitalServices.csv", MUE)],
        add_on=[written(tmp_path, "aoc.csv", ADD_ON)],
        edition="2025 Q4",
    )
    assert facts(tables, "96365", "96372") == ['pair(0,"96365","96372",1)', 'limit(0,"96365",3,1)']
    assert facts(tables, "99999") == ['add_on(0,"99999",2)']
    assert facts(tables, "96365", setting="practitioner") == facts(TABLES, "96365", setting="practitioner")
    edition = tables.edition("hospital", "mue", date(2025, 11, 1))
    assert edition is not None
    assert edition.name == "2025 Q4"
    assert tables.caveat("hospital", date(2025, 11, 1)) is None


def test_pairs_that_do_not_concern_drug_administration_are_kept_on_demand(tmp_path: Path) -> None:
    file = written(tmp_path, "ccioph.txt", PTP)
    assert facts(TABLES.with_files("hospital", ptp=[file]), "11042", "97597") == []
    every = TABLES.with_files("hospital", ptp=[file], every_code=True)
    assert facts(every, "11042", "97597") == ['pair(0,"11042","97597",1)']


def test_the_same_pairs_are_read_from_comma_and_tab_separated_files(tmp_path: Path) -> None:
    tabs = written(tmp_path, "one.txt", PTP)
    commas = written(tmp_path, "two.csv", PTP.replace("\t", ","))
    assert list(read_ptp(tabs)) == list(read_ptp(commas))
    assert len(list(read_ptp(tabs))) == 5


def test_several_files_of_one_layout_are_read_together(tmp_path: Path) -> None:
    head, rows = PTP.split("96365\t96372", 1)
    parts = [
        written(tmp_path, "f1.txt", head + "96365\t96372\t\t20060101\t*\t1\tx\n"),
        written(tmp_path, "f2.txt", head + "96413\t96365\t\t20060101\t*\t1\tx\n"),
    ]
    tables = TABLES.with_files("hospital", ptp=parts)
    found = [fact for fact in facts(tables, "96365", "96372", "96413") if fact.startswith("pair")]
    assert found == ['pair(0,"96365","96372",1)', 'pair(0,"96413","96365",1)']
    assert rows


ROW = "96365\t96372\t \t20060101\t*\t1"
BROKEN_PTP = [
    (PTP.replace(ROW, "9636\t96372\t \t20060101\t*\t1"), 7, "column 1 '9636'", "code of five"),
    (PTP.replace(ROW, "96365\t9637x\t \t20060101\t*\t1"), 7, "column 2 '9637x'", "code of five"),
    (PTP.replace(ROW, "96365\t96372\t \t2006-01-01\t*\t1"), 7, "effective '2006-01-01'", "YYYYMMDD"),
    (PTP.replace(ROW, "96365\t96372\t \t20060101\t20201331\t1"), 7, "deletion '20201331'", "YYYYMMDD"),
    (PTP.replace(ROW, "96365\t96372\t \t20060101\t*\t2"), 7, "modifier '2'", "0, 1, 9"),
    (PTP.replace(ROW, "96365\t96372"), 7, "3 columns", "6 columns"),
    (PTP.replace("Deletion", "Removal"), 0, "a header without deletion", "effective, deletion"),
    (PTP.split("96365", 1)[0], 0, "no row", "NCCI PTP"),
    ("", 0, "no header", "NCCI PTP"),
]


@pytest.mark.parametrize(("text", "line", "found", "expected"), BROKEN_PTP)
def test_a_broken_file_of_pairs_is_refused_with_its_place(
    tmp_path: Path, text: str, line: int, found: str, expected: str
) -> None:
    file = written(tmp_path, "ccioph.txt", text)
    with pytest.raises(EditFileError) as caught:
        list(read_ptp(file))
    assert (caught.value.file, caught.value.line) == (file, line)
    assert found in caught.value.found
    assert expected in caught.value.expected
    assert str(file) in str(caught.value)


def test_limits_of_the_other_setting_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "mue.csv", MUE)
    with pytest.raises(EditFileError, match=r"hospital services.*practitioner services"):
        TABLES.with_files("practitioner", mue=[file])


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("96365,3,", "96365,three,", "mue value 'three'"),
        ("1 Line Edit", "4 Some Edit", "adjudication '4 Some Edit'"),
        ("1 Line Edit", "", "adjudication ''"),
        ("96365,", "96 365,", "hcpcs '96 365'"),
    ],
)
def test_a_broken_limit_is_refused(tmp_path: Path, old: str, new: str, found: str) -> None:
    file = written(tmp_path, "mue.csv", MUE.replace(old, new))
    with pytest.raises(EditFileError) as caught:
        list(read_mue(file, "hospital"))
    assert found in str(caught.value)
    assert "line 4" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("1,96366,,96365", "4,96366,,96365", "aoc edit type '4'"),
        ("1,96366,,96365", "1,96366,,", "primary code ''"),
        ("96365,,2013091", "96365,,2013366", "aoc edit effdt '2013366'"),
    ],
)
def test_a_broken_add_on_row_is_refused(tmp_path: Path, old: str, new: str, found: str) -> None:
    file = written(tmp_path, "aoc.csv", ADD_ON.replace(old, new))
    with pytest.raises(EditFileError) as caught:
        list(read_add_on(file))
    assert found in str(caught.value)
    assert "line 2" in str(caught.value)


def test_a_spreadsheet_an_archive_and_a_missing_file_are_refused_in_words(tmp_path: Path) -> None:
    for name in ("ccioph.xlsx", "ccioph.zip"):
        with pytest.raises(EditFileError, match=r"tab-separated as \.txt"):
            list(read_ptp(tmp_path / name))
    with pytest.raises(EditFileError, match="No such file"):
        list(read_ptp(tmp_path / "nowhere.txt"))


def test_broken_lists_of_modifiers_and_ranges_are_refused(tmp_path: Path) -> None:
    modifiers = (EDITS / "modifiers.csv").read_text(encoding="utf-8").replace("59,hospital", "59,clinic", 1)
    with pytest.raises(EditFileError, match="setting 'clinic'; expected one of hospital, practitioner"):
        list(read_modifiers(written(tmp_path, "modifiers.csv", modifiers)))
    with pytest.raises(EditFileError, match="code of five"):
        list(read_ranges(written(tmp_path, "ranges.csv", "First Code,Last Code\n99201,99\n")))


def test_a_folder_without_a_complete_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EditFileError, match=r"edits\.toml.*No such file"):
        EditTables.load(tmp_path)
    written(tmp_path, "edits.toml", '[[table]]\nlayout = "mue"\n')
    with pytest.raises(EditFileError, match="nothing under 'edition'"):
        EditTables.load(tmp_path)
    written(tmp_path, "edits.toml", "[[table")
    with pytest.raises(EditFileError, match=r"edits\.toml"):
        EditTables.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('layout = "mue"', 'layout = "mues"', "layout 'mues'; expected one of ptp, mue, add-on"),
        ('["hospital"]', '["clinic"]', "settings 'clinic'; expected one of hospital, practitioner"),
        ("until = 2024-09-30", 'until = "2024-09-30"', "until '2024-09-30'; expected a date"),
    ],
)
def test_a_table_entry_that_means_nothing_is_refused(tmp_path: Path, old: str, new: str, found: str) -> None:
    for file in EDITS.iterdir():
        written(tmp_path, file.name, file.read_text(encoding="utf-8"))
    index = (EDITS / "edits.toml").read_text(encoding="utf-8")
    written(tmp_path, "edits.toml", index.replace(old, new, 1))
    with pytest.raises(EditFileError) as caught:
        EditTables.load(tmp_path)
    assert found in str(caught.value)
