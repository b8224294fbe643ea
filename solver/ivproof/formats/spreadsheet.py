"""Tables as CSV that a spreadsheet opens: text of a chart stays text there, and is never taken for a formula.

>>> table([["encounter", "units"], ["=1+1", -2]])
"encounter,units\\r\\n'=1+1,-2\\r\\n"
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table(rows: Iterable[Sequence[object]]) -> str:
    """Give rows as CSV; the first names the columns."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_harmless(it) for it in row] for row in rows)
    return text.getvalue()


def as_written(cell: str) -> str:
    """Give back the text that a cell was made of."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
