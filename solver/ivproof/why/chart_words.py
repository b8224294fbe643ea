"""What the chart, the drug list and the law's tables say, or leave out, in words: a pattern for each input predicate.

``{0}``, ``{1}``, … stand for the arguments of a fact, already in words. The tables of kinds say which arguments are
numbers of a special kind (a day, a date, tenths of something).
"""

from __future__ import annotations

from collections.abc import Mapping

DAYS = {
    ("unit", 4),
    ("day_of", 1),
    ("began_on", 1),
    ("service_day", 1),
    ("run_day", 1),
    ("flows_past_midnight", 1),
    ("bout_day", 1),
    ("completed", 3),
    ("on_day", 1),
    ("straddles_midnight", 0),
}
"""Arguments that are days, 0 being the date of service."""

DATES = {("service_date", 0), ("begins_on", 1)}
"""Arguments that are dates, written YYYYMMDD."""

TENTHS = {
    *((name, 1) for name in ("volume", "rate", "billing_units", "discarded_units")),
    *((name, 2) for name in ("charted_units", "drug_units", "units_in_force", "converted_units")),
    *((name, 2) for name in ("drug_line", "discarded_line", "dose_units")),
    *((name, 1) for name in ("left_over", "left_in_vials")),
}
"""Arguments that count tenths."""

THOUSANDTHS = {
    *((name, 1) for name in ("printed_per_unit", "charted_per_unit")),
    *((name, 2) for name in ("amount_in_units", "opened_in_units", "vial_in_units")),
}
"""Arguments that count thousandths."""

PLACES = {
    **dict.fromkeys(("position", "start_position", "first_concurrent", "adds_to"), 1),
    **dict.fromkeys(("next_apart", "last_before", "gives_from"), 2),
}.items()
"""Arguments that are places in the order of starts: thousands, and the number of a part of what is in that place."""

ACCESSES = {
    *((name, 1) for name in ("contends", "candidate", "stands_for_initial", "unsurpassed", "leads", "longest")),
    *((name, 1) for name in ("initial", "chosen", "repeats_a_leader", "in_scope", "scope", "site_scope")),
    *((name, 1) for name in ("at_access", "chain_at", "bout_at", "access", "raw_access", "single_access")),
    *((name, 0) for name in ("leaders", "highest_rank", "first_position", "unpicked", "has_initial", "reason_at")),
}
"""Arguments that are an access, which may be several sites that count as one."""

KINDS: Mapping[tuple[str, int], str] = {
    **dict.fromkeys(DAYS, "day"),
    **dict.fromkeys(DATES, "date"),
    **dict.fromkeys(TENTHS, "tenths"),
    **dict.fromkeys(THOUSANDTHS, "thousandths"),
    **dict.fromkeys(PLACES, "place"),
    **dict.fromkeys(ACCESSES, "access"),
}
"""The kind of number that an argument is, or that it is an access; of times and lengths `Policy.clock` tells."""

FACTS: Mapping[str, str] = {
    "encounter": "there is a visit",
    "claim_type": "the claim is a {0} claim",
    "place": "the place of service is {0}",
    "service_date": "the date of service is {0}",
    "payer": "the payer is {0}",
    "main_reason": "{0} is charted as the main reason of the visit",
    "earlier_visit": "an earlier visit on the same date: {0}",
    "regulated_facility": "the facility is charted as one with a guideline of its own for supplies",
    "diagnosis": "diagnosis {1} is charted",
    "diagnosis_position": "diagnosis {0} is the {1} in the chart",
    "diagnosis_chapter": "diagnosis {0} belongs to chapter {1}",
    "diagnosis_category": "diagnosis {0} belongs to category {1}",
    "access_site": "site {0} is listed",
    "site_kind": "site {0} is charted as {1}",
    "necessity": "site {0} was required: {1}",
    "replaces": "site {0} is a restart of {1}",
    "administration": "{0} is charted",
    "charted_position": "{0} is the {1} in the chart",
    "order_of": "{0} is the {1} in the order of starts",
    "drug": "{0} gives {1}",
    "in_fluid": "the name of {0} says that it was mixed into {1}",
    "also_in": "the name of {0} says that {1} is in the bag as well",
    "product": "{0} gives the product {1}",
    "route": "{0} was given {1}",
    "charted_method": "{0} is charted as {1}",
    "charted_class": "the chart gives {0} the class {1}",
    "charted_hormonal": "whether {0} is hormonal is charted: {1}",
    "site": "{0} was given at {1}",
    "injected_at": "{0} was given at {1}",
    "lumen": "{0} ran through lumen {1}",
    "bag": "{0} came from bag {1}",
    "premixed": "whether {0} came ready-made is charted: {1}",
    "dose": "{0} belongs to dose {1}",
    "continues": "{0} goes on with {1}",
    "form": "the form of {0} is {1}",
    "purpose": "the purpose of {0} is charted as {1}",
    "volume": "{0} has a volume of {1} ml",
    "rate": "{0} ran at {1} ml an hour",
    "pump": "{0} ran by a {1} pump",
    "pump_supplied_by": "the pump of {0} was supplied by the {1}",
    "ordered_minutes": "{0} was ordered to run for {1} minutes",
    "lesions": "lesions that {0} went into: {1}",
    "spinal_puncture": "whether a puncture was part of {0} is charted: {1}",
    "puncture_by": "the puncture for {0} was done by {1}",
    "reservoir": "whether {0} went through a reservoir is charted: {1}",
    "integral": "{0} is charted as part of a procedure, a transfusion or a protocol",
    "diagnostic": "{0} is charted as diagnostic",
    "discontinued": "{0} is charted as given up early",
    "ordered": "the order of {0}: {1}",
    "container": "{0} came from a {1} container",
    "billing_units": "{1} units of {0} were given",
    "discarded_units": "{1} units of {0} were discarded",
    "amount_charted": "the amount of {0} that was given is charted",
    "vials_charted": "the vials that were opened for {0} are charted",
    "amount_in_units": "the amount of {0} that was given makes {2} units of {1}",
    "opened_in_units": "the vials opened for {0} held {2} units of {1}",
    "vial_in_units": "a vial opened for {0} held {2} units of {1}",
    "listed_route": "the drug list has {1} for {0}",
    "code_in_force": "the code in force for the drug of {0} is {1}",
    "other_code": "{0} may be another product, whose code is {1}",
    "ended_code": "{0} is charted under {1}, which is not in force on the date of service",
    "charted_per_unit": "a unit of the code under which {0} is charted makes {1} of a unit of the code in force",
    "printed_code": "the policy prints {1} for the drug of {0}",
    "printed_per_unit": "a unit of {0} makes {1} of a unit of the printed code",
    "on_day": "{0} falls on {1}",
    "pause": "pause {1} of {0} is charted",
    "pause_reason": "the reason of {0} is charted as {1}",
    "service_position": "{0} is the {1} in the chart",
    "other_service": "{0} is charted as {1}",
    "service_code": "{0} is charted with code {1}",
    "separately_identifiable": "{0} is charted as significant and separate",
    "not_done": "{0} is charted as not done",
    "not_given": "{0} is charted as not given",
    "withheld_route": "{0} was to be given {1}",
    "counted_as_next_day": "{0} is earlier by the clock than the start, and counted as of the next day",
    "drug_kind": "{0} is listed as {1}",
    "printed": "{0} is on the policy's printed list",
    "hormonal": "{0} is listed as hormonal",
    "immunotherapy": "{0} is listed as immunotherapy",
    "own_codes": "{0} is listed under codes of its own ({1}): route {2}, diagnosis {3}",
    "code": "{0} of class {1}: code {2}",
}
"""What a fact says."""

ABSENT: Mapping[str, str] = {
    "claim_type": "the claim is no {0} claim",
    "place": "the place of service is not {0}",
    "payer": "the payer is not {0}",
    "main_reason": "the chart names no main reason of the visit",
    "earlier_visit": "no earlier visit on the same date is charted",
    "regulated_facility": "the facility is not charted as one with a guideline of its own for supplies",
    "diagnosis": "no diagnosis is charted",
    "diagnosis_chapter": "no diagnosis of this chapter is charted",
    "diagnosis_category": "no diagnosis of this category is charted",
    "access_site": "no such access site is listed",
    "site_kind": "no site is charted as {1}",
    "necessity": "no reason is charted why site {0} was required",
    "replaces": "site {0} is not charted as a restart of another",
    "drug": "the drug of {0} is another",
    "in_fluid": "the name of {0} says of no fluid that it was mixed into it",
    "also_in": "the name of {0} says of no other drug that it is in the bag",
    "route": "{0} was not given {1}",
    "charted_method": "{0} is not charted as {1}",
    "charted_class": "the chart gives {0} no class",
    "charted_hormonal": "the chart does not say whether {0} is hormonal",
    "site": "no access site is charted for {0}",
    "injected_at": "no place is charted for {0}",
    "lumen": "no lumen is charted for {0}",
    "bag": "no bag is charted for {0}",
    "premixed": "{0} is not charted as ready-made",
    "dose": "{0} is not charted as part of a dose",
    "continues": "{0} is not charted as going on with another",
    "form": "the form of {0} is not charted as {1}",
    "purpose": "the chart gives no purpose of {0}",
    "volume": "the chart gives no volume of {0}",
    "rate": "the chart gives no rate of {0}",
    "pump": "no pump is charted for {0}",
    "pump_supplied_by": "the chart does not say who supplied the pump of {0}",
    "ordered_minutes": "the chart does not say how long {0} was ordered to run",
    "lesions": "the chart gives no number of lesions for {0}",
    "spinal_puncture": "the chart does not say whether a puncture was part of {0}",
    "puncture_by": "the chart does not say who did the puncture for {0}",
    "reservoir": "{0} is not charted as given through a reservoir",
    "integral": "{0} is not charted as part of a procedure, a transfusion or a protocol",
    "diagnostic": "{0} is not charted as diagnostic",
    "discontinued": "{0} is not charted as given up early",
    "ordered": "the chart gives no order for {0}",
    "container": "the chart does not give the container of {0}",
    "billing_units": "the chart gives no units of {0}",
    "discarded_units": "the chart does not say what was discarded of {0}",
    "amount_charted": "the chart gives no amount of {0}",
    "vials_charted": "the chart does not say which vials were opened for {0}",
    "amount_in_units": "nothing tells how many units the amount of {0} makes",
    "opened_in_units": "nothing tells how many units the vials of {0} held",
    "vial_in_units": "nothing tells how many units a vial of {0} held",
    "listed_route": "the drug list has no product of {0} that is given {1}",
    "code_in_force": "no code is in force for the drug of {0}",
    "other_code": "no other product of the drug of {0} has a code of its own",
    "ended_code": "{0} is not charted under a code that is not in force",
    "charted_per_unit": "the drug list does not tell how the units of {0} convert",
    "printed_code": "the policy prints no code for the drug of {0}",
    "printed_per_unit": "the code of {0} counts in the same unit as the printed one",
    "at": "the chart does not give {0}",
    "on_day": "the chart does not give {0}",
    "pause": "no such pause of {0} is charted",
    "pause_reason": "no such reason of {0} is charted",
    "other_service": "{0} is not charted as {1}",
    "service_code": "no code is charted for {0}",
    "separately_identifiable": "{0} is not charted as significant and separate",
    "not_done": "{0} is not charted as not done",
    "not_given": "{0} is not charted as not given",
    "withheld_route": "{0} was not to be given {1}",
    "counted_as_next_day": "{0} is not earlier by the clock than the start",
    "drug_kind": "the drug list does not know {0}",
    "printed": "{0} is not on the policy's printed list",
    "hormonal": "{0} is not listed as hormonal",
    "immunotherapy": "{0} is not listed as immunotherapy",
    "own_codes": "{0} is not listed under codes of its own",
}
"""What is said where there is no such fact."""

VALUES: Mapping[str, Mapping[str, str]] = {
    "charted_method": {"push": "a push", "infusion": "an infusion"},
    "earlier_visit": {"initial_reported": "it reported its initial service", "line_left_in": "it left the line in"},
    "puncture_by": {"this_biller": "this biller", "another": "another biller"},
    "container": {"single_dose": "single-dose", "multi_dose": "multi-dose"},
    "site_kind": {"picc": "a PICC", "peripheral": "peripheral", "central": "central", "port": "a port"},
    "ordered": {"protocol": "by protocol"},
}
"""Words for values of a predicate where their constants would not do."""

ORDINALS = frozenset({"diagnosis_position", "charted_position", "order_of", "service_position"})
"""Predicates whose second argument is a place in an order."""

CONSTANTS: Mapping[str, str] = {
    "encounter": "the encounter",
    "assumed": "the one assumed site",
    "inpatient_order": "the inpatient order",
    "iv": "IV",
    "im": "IM",
    "sq": "SQ",
    "ia": "IA",
    "it": "IT",
    "ip": "IP",
    "ipl": "IPL",
    "il": "IL",
    "id": "ID",
    "po": "PO",
}
"""Words for constants wherever they stand."""


def ordinal(number: int) -> str:
    """A number in an order: 1st, 2nd, 3rd, 4th, …, 11th, …"""
    last = 0 if number % 100 in {11, 12, 13} else number % 10
    ending = {1: "st", 2: "nd", 3: "rd"}.get(last, "th")
    return f"{number}{ending}"


def parts(number: int, of: int) -> str:
    """A number that counts parts of one: 25 tenths are 2.5."""
    return f"{number / of:g}"
