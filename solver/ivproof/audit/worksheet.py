"""The auditor's worksheet: one row a line, in columns that a spreadsheet can sort and count."""

from __future__ import annotations

import csv
import io

from ivproof.audit.beside import Prices
from ivproof.audit.model import Audit, Billed, LineVerdict, Supported
from ivproof.chart.encounter import Denial
from ivproof.formats.spreadsheet import as_written, table

COLUMNS = (
    "encounter",
    "date_of_service",
    "payer",
    "claim_verdict",
    "line",
    "line_verdict",
    "billed_code",
    "billed_units",
    "billed_modifiers",
    "supported_code",
    "supported_units",
    "supported_modifiers",
    "units_over",
    "units_under",
    "role",
    "site",
    "supported_dates",
    "administrations",
    "finding",
    "rules",
    "right_if_read",
    "right_if_documented",
    "claim_edits",
    "policy",
    "edition",
    "hangs_on",
    "paid_units",
    "paid_amount",
    "denied",
    "denied_remarks",
    "denied_amount",
    "dollars_over",
    "dollars_under",
)
"""The columns, in their order; new ones come at the end."""

_PAYER = COLUMNS[-7:-2]


def header() -> bytes:
    """Give the row with the names of the columns."""
    return table([COLUMNS]).encode()


def rows(audit: Audit, prices: Prices | None = None) -> bytes:
    """Give the rows of one claim, with dollars where there are prices; one without any line has a row all the same."""
    lines = [[*_row(audit, line), *_dollars(line, prices)] for line in audit.lines]
    empty = [""] * (len(COLUMNS) - 9 - len(_PAYER))
    return table(lines or [[*_claim(audit), *empty, *_policy(audit), "", *[""] * (len(_PAYER) + 2)]]).encode()


def _dollars(line: LineVerdict, prices: Prices | None) -> list[str]:
    """What the units beyond and short of what is supported come to; empty for a code without a price."""
    parts = (line.billed, line.over), (line.supported, line.under)
    known = prices.by_code if prices else {}
    return [f"{float(known[it.code]) * units:.2f}" if it and units and it.code in known else "" for it, units in parts]


def _row(audit: Audit, line: LineVerdict) -> list[str]:
    way = line.way
    readings = [f"{name}={option}" for name, option in way.readings.items()] if way else []
    given = [f"{path} = {value}" for path, value in way.times.items()] if way else []
    initial = [f"initial at {site} = {name}" for site, name in way.initial.items()] if way else []
    part = line.supported
    return [
        *_claim(audit),
        ", ".join(str(it + 1) for it in line.billed.positions) if line.billed else "",
        line.kind.value,
        *_part(line.billed),
        *_part(line.supported),
        _number(line.over),
        _number(line.under),
        ", ".join(it.replace("_", " ") for it in part.roles) if part else "",
        ", ".join(part.sites) if part else "",
        ", ".join(part.dates) if part else "",
        ", ".join(part.administrations) if part else "",
        line.message,
        ", ".join(line.rules),
        "; ".join([*readings, *initial]),
        "; ".join(given),
        "; ".join(it.message for it in line.edits),
        *_policy(audit),
        ", ".join(line.hangs_on),
        *_payer(audit, line.billed),
    ]


def _payer(audit: Audit, billed: Billed | None) -> list[str]:
    """What was paid and denied of the billed lines; where the file has them."""
    if billed is None:
        return [""] * len(_PAYER)
    submitted = audit.submitted.lines if audit.submitted else ()
    lines = [submitted[it] for it in billed.positions if it < len(submitted)]
    paid = [it for it in lines if it.paid is not None]
    units = [it.paid_units for it in paid if it.paid_units is not None]
    amounts = [it.amount for it in billed.denied if it.amount is not None]
    return [
        _number(sum(units)) if units else "",
        f"{sum(it.paid or 0 for it in paid):.2f}" if paid else "",
        ", ".join(told(it) for it in billed.denied),
        " ".join(dict.fromkeys(code for it in billed.denied for code in it.remark)),
        f"{sum(amounts):.2f}" if amounts else "",
    ]


def told(denial: Denial) -> str:
    """Name a denial by its group and reason, or in its words."""
    return " ".join(filter(None, (denial.group, denial.reason))) or denial.text or "without a reason"


def _claim(audit: Audit) -> list[str]:
    return [audit.encounter, audit.date, audit.payer or "", audit.verdict.value]


def _policy(audit: Audit) -> list[str]:
    return [str(audit.policy["id"]), str(audit.policy["edition"])]


def _part(part: Billed | Supported | None) -> list[str]:
    return ["", "", ""] if part is None else [part.code, _number(part.units), " ".join(part.modifiers)]


def _number(units: float) -> str:
    return str(units)


def encounter_and_verdict(record: bytes) -> tuple[str, str]:
    """Read back of which encounter a row is, and the verdict on its claim."""
    [cells] = csv.reader(io.StringIO(record.decode(), newline=""))
    return as_written(cells[0]), cells[3]
