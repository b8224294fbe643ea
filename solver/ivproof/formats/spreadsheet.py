"""Tables as CSV that a spreadsheet opens: text of a chart stays text there, and is never taken for a formula.

>>> table([["encounter", "units"], ["=1+1", -2]])
"encounter,units\\r\\n'=1+1,-2\\r\\n"
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from ivproof.formats.plain import plain

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(rows: Iterable[Sequence[object]]) -> str:
    """Give rows as CSV; the first names the columns."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_harmless(it) for it in row] for row in rows)
    return text.getvalue()


def guarded(text: str) -> str:
    """Give text as a cell that is no formula: one that would be begins with an apostrophe, or with one more."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def as_written(cell: str) -> str:
    """Give back the text that a cell was made of."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def _harmless(cell: object) -> object:
    return guarded(_CONTROL.sub(lambda found: plain(found[0]), cell)) if isinstance(cell, str) else cell
