"""Audits that look for what would make a claim right: readings, facts that the chart does not give, equals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from case_files import Case, firsts, options, some, units
from command import chart, given_iv

from ivproof.audit.auditor import Auditor
from ivproof.audit.model import Audit, Kind, Verdict, Way
from ivproof.audit.search import key_of_lines
from ivproof.chart.encounter import BilledLine, Encounter
from ivproof.chart.reading import Source, parse
from ivproof.claim.coding import Coder
from ivproof.claim.determination import Determination
from ivproof.law.policy import Policy

POLICY = Policy.load("out001")
BASE = Coder(POLICY)


def encounter(data: Mapping[str, Any]) -> Encounter:
    found = parse(data, Source("visit.json"))
    assert found.encounter is not None, found.refusals
    return found.encounter


def bill(code: str, units: int = 1, *modifiers: str) -> BilledLine:
    return BilledLine(code=code, units=units, modifiers=modifiers)


def audited(data: Mapping[str, Any], *lines: BilledLine, readings: Mapping[str, str] | None = None) -> Audit:
    by = AUDITOR if readings is None else Auditor(POLICY, readings)
    visit = encounter(data).model_copy(update={"billed": lines})
    return by.audit([visit])[0]


AUDITOR = Auditor(POLICY, coder=BASE)


# --- each option of each reading


def determined(visit: Encounter, readings: Mapping[str, str]) -> Determination:
    """What follows under readings, with the first option of what is still open."""
    [found] = firsts(BASE, [(visit, readings)])
    return found


def option_of(case: Case) -> str:
    """The option that a case shows: ``A9=B``; of two visits, each is a case of its own."""
    return case.name.rpartition(" ")[2]


def by_assumption() -> dict[tuple[tuple[str, str], ...], list[tuple[str, Case]]]:
    """The options of all questions, by what their cases assume besides."""
    found: dict[tuple[tuple[str, str], ...], list[tuple[str, Case]]] = {}
    for case in some(options(), 2):
        question, equals, _ = option_of(case).partition("=")
        if equals:
            assumed = tuple(sorted((name, it) for name, it in case.readings.items() if name != question))
            found.setdefault(assumed, []).append((question, case))
    return found


def is_right(audit: Audit, case: Case, base: Determination, found: Determination, assumed: Mapping[str, str]) -> bool:
    """Whether a claim that follows from one option is found to be right under it, or under something as small."""
    if base.status == "determined" and key_of_lines(base.claim) == key_of_lines(found.claim):
        return audit.verdict is Verdict.CORRECT and audit.way == Way()
    way = audit.way
    if way is None or audit.verdict not in {Verdict.UNDER_READING, Verdict.IF_DOCUMENTED}:
        return False
    # readings of questions that have no default are named, and depart from nothing
    departing = [it for it in way.readings if POLICY.question(it).default is not None]
    kinds = {line.kind for line in audit.lines}
    if len(departing) > 1 or not kinds <= {Kind.SUPPORTED, Kind.UNDER_READING, Kind.IF_DOCUMENTED}:
        return False
    if way.given or way.initial or option_of(case) in {f"{name}={it}" for name, it in way.readings.items()}:
        return True
    again = determined(case.encounter, {**assumed, **way.readings})
    return key_of_lines(again.claim) == key_of_lines(found.claim)


def test_each_option_of_each_reading_is_correct_under_that_reading_or_less() -> None:
    """What a case assumes besides is set; then the claim of an option follows from that option or a smaller set."""
    wrong, looked = [], 0
    for assumption, cases in by_assumption().items():
        assumed = dict(assumption)
        by = Auditor(POLICY, assumed)
        visits = list(dict.fromkeys(it.encounter for _, it in cases))
        bases = dict(zip(visits, by.coder.code(visits), strict=True))
        told = dict(zip(bases, by.candidates(list(bases.items())), strict=True))
        followed = firsts(BASE, [(case.encounter, case.readings) for _, case in cases])
        for (_, case), found in zip(cases, followed, strict=True):
            base = bases[case.encounter]
            if found.why_undetermined:
                continue
            lines = [bill(it.code, it.units, *it.modifiers) for it in found.claim]
            [audit] = by.judge([(case.encounter, base, lines)], [told[case.encounter]])
            looked += 1
            if not is_right(audit, case, base, found, assumed):
                wrong.append(f"{case.name}: {audit.verdict.value} {audit.way} {units(found.claim)} {units(base.claim)}")
    assert not wrong, f"{len(wrong)} of {looked}:\n" + "\n".join(wrong)
    assert looked > 90


# --- readings


@pytest.mark.parametrize(("question", "option"), [("A38", "B"), ("A86", "B"), ("A86", "C")])
def test_an_open_question_that_changes_nothing_here_is_no_part_of_the_way(question: str, option: str) -> None:
    [case] = [case for case in options() if case.name == f"{question}={option}"]
    found = determined(case.encounter, case.readings)
    visit = case.encounter.model_copy(update={"billed": [bill(it.code, it.units, *it.modifiers) for it in found.claim]})
    assumed = {name: it for name, it in case.readings.items() if name != question}
    [audit] = Auditor(POLICY, assumed).audit([visit])
    assert audit.verdict is Verdict.UNDER_READING and audit.way is not None and len(audit.way.readings) == 1


TWO_DOSES = chart(
    "A26",
    given_iv("morning", "cefazolin", "08:00", "08:40"),
    given_iv("noon", "cefazolin", "14:00", "14:40"),
    given_iv("night", "cefazolin", "20:00", "20:40"),
)


@pytest.mark.parametrize(
    ("option", "lines"),
    [
        ("A", [bill("96365"), bill("96366")]),
        ("B", [bill("96365"), bill("96366", 2)]),
        ("C", [bill("96365"), bill("96376", 2)]),
        ("D", [bill("96365")]),
    ],
)
def test_where_the_policy_leaves_a_question_open_a_claim_is_right_under_its_option(
    option: str, lines: list[BilledLine]
) -> None:
    audit = audited(TWO_DOSES, *lines)
    assert audit.verdict is Verdict.UNDER_READING
    assert audit.way == Way({"A26": option})
    first, *others = audit.lines
    assert first.kind is Kind.SUPPORTED
    assert all(line.kind is Kind.UNDER_READING and line.way == Way({"A26": option}) for line in others)
    assert "A26" in audit.message and "leaves open" in audit.message


def test_a_line_names_no_open_question_that_it_does_not_hang_on() -> None:
    """Of two chemotherapies at once A37 says what the shorter is billed by; the longer's further hour hangs on A19."""
    pac, carbo = given_iv("p", "paclitaxel", "09:00", "10:30"), given_iv("c", "carboplatin", "09:10", "10:20")
    audit = audited(chart("A37", pac, carbo), bill("96413"), bill("96415"))
    [line] = [it for it in audit.lines if it.code == "96415"]
    assert audit.way == Way({"A19": "B", "A37": "A"})
    assert line.way == Way({"A19": "B"})
    assert "A37" not in line.message


def test_a_line_that_no_option_supports_is_unsupported_although_a_question_is_open() -> None:
    audit = audited(TWO_DOSES, bill("96365"), bill("96366", 2), bill("96375"))
    assert audit.verdict is Verdict.OVERCODED and audit.over == {"96375": 1}
    assert [it.kind for it in audit.lines] == [Kind.SUPPORTED, Kind.UNDER_READING, Kind.UNSUPPORTED]
    assert audit.searched and audit.way is None and "No reading" in audit.message


LONG = chart("A18", given_iv("bag", "ceftriaxone", "09:00", "11:00", method="infusion"))


def test_a_departure_from_what_is_held_is_named_with_what_is_held() -> None:
    two_equals = chart(
        "A9",
        given_iv("short", "ceftriaxone", "10:00", "10:30", method="infusion"),
        given_iv("long", "vancomycin", "10:00", "13:00", method="infusion"),
    )
    held = audited(two_equals, bill("96365"), bill("96366", 2), bill("96368"))
    assert held.verdict is Verdict.CORRECT and not held.disputed
    audit = audited(two_equals, bill("96365"), bill("96367"), bill("96366"))
    assert audit.verdict is Verdict.UNDER_READING and audit.way == Way({"A9": "B"})
    assert "longest is held" in audit.message
    read_so = audited(two_equals, bill("96365"), bill("96367"), bill("96366"), readings={"A9": "B"})
    assert read_so.verdict is Verdict.CORRECT


def test_what_is_set_is_not_searched() -> None:
    visit = {**TWO_DOSES, "id": "set"}
    audit = audited(visit, bill("96365"), bill("96376", 2), readings={"A26": "A"})
    assert audit.verdict is Verdict.BOTH and audit.way is None and audit.searched


def test_without_a_search_nothing_is_said_of_other_readings() -> None:
    by = Auditor(POLICY, coder=BASE, search="none")
    visit = encounter(LONG).model_copy(update={"billed": (bill("96365", 2), bill("96366"))})
    [audit] = by.audit([visit])
    assert audit.verdict is Verdict.OVERCODED and not audit.searched and "reading" not in audit.message


# --- facts that the chart does not give


def test_a_claim_is_correct_if_documented_where_a_missing_stop_would_make_it_right() -> None:
    visit = chart("stop", given_iv("bag", "ceftriaxone", "09:00", None, method="infusion"))
    assert audited(visit, bill("96374")).verdict is Verdict.CORRECT
    audit = audited(visit, bill("96365"), bill("96366"))
    assert audit.verdict is Verdict.IF_DOCUMENTED
    assert audit.way is not None and list(audit.way.given) == ["administrations[bag].stop"]
    assert not audit.way.readings
    assert {it.kind for it in audit.lines} == {Kind.IF_DOCUMENTED}
    assert "administrations[bag].stop is 10:31 to 11:30, which" in audit.message
    # the whole range does it, and not a minute more
    assert audit.way.as_dict() == {
        "given": {"administrations[bag].stop": "10:31"},
        "until": {"administrations[bag].stop": "11:30"},
    }
    for stop, right in (("10:30", False), ("10:31", True), ("11:30", True), ("11:31", False)):
        found = audited(chart("stop", given_iv("bag", "ceftriaxone", "09:00", stop)), bill("96365"), bill("96366"))
        assert (found.verdict is Verdict.CORRECT) is right


def test_the_range_of_a_missing_time_begins_before_the_value_that_was_tried_first() -> None:
    visit = chart(
        "night",
        given_iv("drug", "vancomycin", "21:00", "22:55", method="infusion"),
        given_iv("saline", "normal saline", "22:00", None, method="infusion", purpose="hydration"),
    )
    audit = audited(visit, bill("96365"), bill("96366"), bill("96361"))
    assert audit.verdict is Verdict.IF_DOCUMENTED and audit.way is not None
    # hydration is alone from 22:55 on, and is reported from its 31st minute
    assert audit.way.given == {"administrations[saline].stop": "23:26"}


def test_a_line_of_one_of_several_claims_names_what_it_needs_itself() -> None:
    visit = chart(
        "two",
        given_iv("v", "vancomycin", "08:00", "08:40", method="infusion"),
        given_iv("w", "vancomycin", "14:00", "14:40", method="infusion"),
        given_iv("h", "hydromorphone", "09:00", "09:10", method="push"),
        given_iv("i", "hydromorphone", "09:35", "09:40", method="push"),
    )
    audit = audited(visit, bill("96365"), bill("96366"), bill("96375"), bill("96376"))
    assert audit.way is not None and audit.way.readings == {"A26": "B", "A55": "A"}
    ways = {it.code: it.way.readings for it in audit.lines if it.way is not None}
    # with the later bag read as a repeat push there would be two of these
    assert ways == {"96366": {"A26": "B"}, "96376": {"A26": "B", "A55": "A"}}
    assert "A55" not in {it.code: it for it in audit.lines}["96366"].hangs_on


def test_two_missing_stops_that_would_make_a_claim_right_together_are_found() -> None:
    visit = chart(
        "two",
        given_iv("cefepime", "cefepime", "09:00", "09:40", method="infusion"),
        given_iv("vancomycin", "vancomycin", "10:00", None, method="infusion"),
        given_iv("saline", "normal saline", "13:00", None, method="infusion", purpose="hydration"),
    )
    assert audited(visit, bill("96365"), bill("96375")).verdict is Verdict.CORRECT
    audit = audited(visit, bill("96365"), bill("96366"), bill("96367"), bill("96361"))
    assert audit.verdict is Verdict.IF_DOCUMENTED and audit.way is not None
    assert set(audit.way.given) == {"administrations[vancomycin].stop", "administrations[saline].stop"}
    [hydration] = [line for line in audit.lines if line.code == "96361"]
    assert hydration.way is not None and list(hydration.way.given) == ["administrations[saline].stop"]
    assert audited(visit, bill("96365"), bill("96366"), bill("96367"), bill("96417")).way is None


def test_an_unknown_drug_makes_a_claim_correct_if_its_class_is_documented() -> None:
    visit = chart("class", given_iv("x", "no-such-drug", "09:00", "10:00", method="infusion"))
    audit = audited(visit, bill("96413"))
    assert audit.verdict is Verdict.IF_DOCUMENTED and audit.way is not None
    assert audit.way.given == {"class of no-such-drug": "chemotherapy"}
    assert audited(visit, bill("96417")).verdict in {Verdict.BOTH, Verdict.OVERCODED}


def test_where_the_policy_gives_no_claim_the_lines_are_not_judged_unless_a_reading_gives_one() -> None:
    early = {**LONG, "date": "2018-03-01"}
    audit = audited(early, bill("96365"), bill("96366"))
    assert audit.verdict is Verdict.UNDETERMINED and not audit.over
    assert {it.kind for it in audit.lines} == {Kind.NOT_JUDGED}
    between = {**LONG, "date": "2020-01-15"}
    audit = audited(between, bill("96365"), bill("96366"))
    assert audit.verdict is Verdict.UNDER_READING and audit.way is not None and "A100" in audit.way.readings
    assert {it.kind for it in audit.lines} == {Kind.UNDER_READING}


# --- what the lines of a claim may be


def test_split_lines_count_as_one_and_keep_their_places() -> None:
    audit = audited(LONG, bill("96366"), bill("96365"))
    assert audit.verdict is Verdict.CORRECT
    longer = chart("split", given_iv("bag", "ceftriaxone", "09:00", "12:00", method="infusion"))
    audit = audited(longer, bill("96366"), bill("96365"), bill("96366"))
    assert audit.verdict is Verdict.CORRECT
    assert [(it.code, it.billed and it.billed.positions) for it in audit.lines] == [("96366", (0, 2)), ("96365", (1,))]


TWO_SITES: dict[str, Any] = {
    **chart("sites"),
    "access_sites": [
        {"id": "left", "kind": "peripheral"},
        {"id": "right", "kind": "peripheral", "necessity": "incompatible"},
    ],
    "administrations": [
        {**given_iv("a", "vancomycin", "10:00", "11:00"), "site": "left"},
        {**given_iv("b", "ceftriaxone", "10:00", "10:30"), "site": "right"},
    ],
}


def test_units_of_one_code_are_told_apart_by_their_modifiers() -> None:
    assert audited(TWO_SITES, bill("96365"), bill("96365", 1, "59")).verdict is Verdict.CORRECT
    same = audited(TWO_SITES, bill("96365"), bill("96365", 1, "XU"))
    assert same.verdict is Verdict.CORRECT, "XU says what 59 says"
    together = audited(TWO_SITES, bill("96365", 2))
    assert [(it.kind, it.billed and it.billed.units) for it in together.lines] == [
        (Kind.SUPPORTED, 1),
        (Kind.MODIFIER_MISSING, 1),
    ]
    assert together.lines[1].rules == ("R11",) and "further access site" in together.lines[1].message
    assert together.verdict is Verdict.MODIFIERS and not together.under


def test_a_modifier_that_the_policy_does_not_speak_of_is_not_judged() -> None:
    audit = audited(LONG, bill("96365", 1, "PO"), bill("96366", 1, "PO"))
    assert audit.verdict is Verdict.CORRECT and any("PO" in note for note in audit.notes)


def test_a_code_that_is_nobodys_here_is_not_judged() -> None:
    audit = audited(LONG, bill("96365"), bill("96366"), bill("80053"), bill("J9999", 4))
    assert audit.verdict is Verdict.CORRECT
    assert [it.kind for it in audit.lines] == [Kind.SUPPORTED, Kind.SUPPORTED, Kind.NOT_JUDGED, Kind.NOT_JUDGED]


def test_an_initial_billed_as_sequential_is_the_wrong_code_for_its_service() -> None:
    visit = chart("seq", given_iv("a", "vancomycin", "09:00", "10:00"), given_iv("b", "ceftriaxone", "10:00", "10:30"))
    audit = audited(visit, bill("96367", 2))
    assert [(it.kind, it.supported and it.supported.code) for it in audit.lines] == [
        (Kind.WRONG_CODE, "96365"),
        (Kind.SUPPORTED, "96367"),
    ]


def test_a_visit_is_judged_by_the_chart() -> None:
    visit = {
        **LONG,
        "services": [{"kind": "evaluation_and_management", "code": "99213", "separately_identifiable": True}],
    }
    right = (bill("96365"), bill("96366"))
    assert audited(visit, *right, bill("99213", 1, "25")).verdict is Verdict.CORRECT
    other = audited(visit, *right, bill("99214", 1, "25"))
    assert other.lines[2].kind is Kind.WRONG_CODE and "R91" in other.lines[2].rules
    bare = audited(visit, *right, bill("99213"))
    assert bare.lines[2].kind is Kind.MODIFIER_MISSING and bare.lines[2].rules == ("R91",)
    part = {**LONG, "services": [{"kind": "evaluation_and_management", "code": "99213"}]}
    unsaid = audited(part, *right, bill("99213", 1, "25"))
    assert unsaid.lines[2].kind is Kind.UNSUPPORTED and "significant and separate" in unsaid.lines[2].message
    none = audited(LONG, *right, bill("99213", 1, "25"))
    assert none.lines[2].kind is Kind.UNSUPPORTED and none.verdict is Verdict.OVERCODED


# --- drugs


def drug_visit(**fields: Any) -> dict[str, Any]:
    given = given_iv("bag", "ceftriaxone", "09:00", "09:40", container="single_dose", billing_units=4, **fields)
    return {**chart("drug", given), "date": "2023-09-12"}


def test_drug_lines_are_compared_where_the_claim_has_any() -> None:
    visit = {**drug_visit(discarded_units=1), "payer": "medicare"}
    assert audited(visit, bill("96365")).verdict is Verdict.CORRECT
    assert audited(visit, bill("96365"), bill("J0696", 4), bill("J0696", 1, "JW")).verdict is Verdict.CORRECT
    lacking = audited(visit, bill("96365"), bill("J0696", 4))
    assert [(it.kind, it.code) for it in lacking.disputed] == [(Kind.MISSING, "J0696")]
    many = audited(visit, bill("96365"), bill("J0696", 6), bill("J0696", 1, "JW"))
    assert many.verdict is Verdict.OVERCODED and many.over == {"J0696": 2}


def test_a_modifier_of_discarded_drug_that_only_medicare_wants_is_lacking_under_a_reading_for_others() -> None:
    visit = drug_visit(discarded_units=1)
    lacking = audited(visit, bill("96365"), bill("J0696", 4))
    assert lacking.verdict is Verdict.UNDER_READING and lacking.way is not None
    assert lacking.way.readings == {"A103": "B"}
    [line] = lacking.disputed
    assert (line.kind, line.otherwise, line.code) == (Kind.UNDER_READING, Kind.MISSING, "J0696")


def test_the_lines_of_drugs_are_searched_where_they_are_disputed() -> None:
    visit = {**drug_visit(discarded_units=0), "payer": "medicare"}
    right = audited(visit, bill("96365"), bill("J0696", 4, "JZ"))
    assert right.verdict is Verdict.CORRECT
    bare = audited(visit, bill("96365"), bill("J0696", 4))
    assert bare.verdict is Verdict.UNDER_READING and bare.way is not None and list(bare.way.readings) == ["A97"]
    [line] = bare.disputed
    assert line.kind is Kind.UNDER_READING and line.otherwise is Kind.MODIFIER_MISSING
    many = audited(visit, bill("96365"), bill("J0696", 9, "JZ"))
    assert many.verdict is Verdict.OVERCODED and many.searched and many.way is None


def test_a_drug_whose_units_are_not_charted_is_not_judged_and_one_not_given_is_unsupported() -> None:
    visit = {**chart("drug"), "date": "2023-09-12"}
    audit = audited(visit, bill("96365"), bill("J0696", 4), bill("J3370", 2))
    assert [it.kind for it in audit.lines] == [Kind.SUPPORTED, Kind.NOT_JUDGED, Kind.UNSUPPORTED]
    assert audit.verdict is Verdict.OVERCODED and "no drug with this code" in audit.lines[2].message


# --- claim edits, beside the policy


def test_both_claims_are_held_against_the_edits_and_neither_verdict_mixes_with_the_other() -> None:
    visit = chart(
        "edits", given_iv("a", "vancomycin", "09:00", "10:00"), given_iv("b", "ceftriaxone", "10:00", "10:30")
    )
    audit = audited(visit, bill("96367", 2))
    assert [it.kind for it in audit.edits_billed] == ["add-on"] and not audit.edits_supported
    assert all(line.edits for line in audit.lines)
    [note] = [it for it in audit.notes if "edits of" in it]
    assert "2024 Q3" in note
    right = audited(visit, bill("96365"), bill("96367"))
    assert right.verdict is Verdict.CORRECT and not right.edits_billed and not right.notes


def test_a_claim_can_be_right_by_policy_and_fail_an_edit() -> None:
    audit = audited(TWO_SITES, bill("96365"), bill("96365", 1, "59"), readings={})
    assert audit.verdict is Verdict.CORRECT
    office = {**TWO_SITES, "claim_type": "professional", "place_of_service": "11", "primary_reason": "a"}
    audit = audited(office, bill("96365"), bill("96365", 1, "59"))
    assert audit.verdict is Verdict.CORRECT and [it.kind for it in audit.edits_billed] == ["units"]
    assert audit.edits_supported == audit.edits_billed


def test_units_of_several_days_are_counted_day_by_day() -> None:
    visit = chart("days", given_iv("a", "normal saline", "20:00", "2020-10-06T23:00", purpose="hydration"))
    found = BASE.code([encounter(visit)])[0]
    days = {it.date for it in found.claim}
    lines = [bill(it.code, it.units) for it in found.claim]
    audit = audited(visit, *lines)
    assert audit.verdict is Verdict.CORRECT and audit.edits_billed == audit.edits_supported
    assert len(days) >= 1


def test_the_same_audit_gives_the_same_data() -> None:
    one, other = (audited(TWO_DOSES, bill("96365"), bill("96367", 2)).as_dict() for _ in range(2))
    assert one == other


def test_what_the_drug_list_has_to_say_stands_in_the_audit() -> None:
    given = {"id": "x", "drug": "cefriaxone", "class": "therapeutic", "route": "IV", "start": "09:00", "stop": "10:00"}
    found = audited(
        {"id": "E", "place_of_service": "22", "date": "2020-10-05", "administrations": [given]}, bill("96365")
    )
    assert "perhaps ceftriaxone is meant" in found.notes[0]


def test_a_line_for_a_drug_names_the_questions_that_change_that_line_and_no_other() -> None:
    vial = {"size": "60 mg", "count": 1}
    biologic = {"id": "a", "drug": "Prolia", "route": "SQ", "amount": "60 mg", "vials": [vial]}
    vitamin = {"id": "b", "drug": "cyanocobalamin 1000 mcg", "route": "IM", "amount": "1000 mcg"}
    visit = chart("E", biologic | {"container": "single_dose"}, vitamin, date="2025-02-11")
    found = {line.code: line.hangs_on for line in audited(visit, bill("J0897", 60)).lines if line.drug}
    assert found == {"J0897": ("A97", "A103"), "J3420": ()}
