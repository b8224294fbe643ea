"""Rows of CSV as a worksheet in an .xlsx file: for who opens a table by a double click."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from pathlib import Path

from ivproof.commands.output import Output
from ivproof.formats.extras import load
from ivproof.formats.spreadsheet import as_written

ENDING = ".xlsx"

_NUMBERS = ("units", "units_over", "units_under", "billed_units", "supported_units", "paid_units")
_AMOUNTS = ("paid_amount", "denied_amount", "dollars_over", "dollars_under")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?", re.ASCII)
_ANY_DAY = datetime(2000, 1, 1)
"""Stands for the day on which a worksheet was made: the same input gives the same bytes."""


def is_sheet(path: Path | None) -> bool:
    """Whether a path is that of a worksheet."""
    return path is not None and path.suffix.casefold() == ENDING


def sheet_or_file(path: Path | None, kept: int = 0) -> Output:
    """Give the output of rows or other lines: a worksheet where the path says so. Raises OSError as `Output` does."""
    return SheetOutput(path) if path is not None and is_sheet(path) else Output(path, kept)


class SheetOutput(Output):
    """Takes rows of CSV, the first with the names of the columns. A run that is interrupted leaves those up to there.

    Text is text, whatever it begins with: codes keep their digits, and nothing is a formula. Units and amounts are
    numbers.
    """

    def __init__(self, path: Path) -> None:
        """Begin the file. Raises OSError as `Output` does, MissingExtraError without the library."""
        self._library = load("xlsxwriter", f"a worksheet ({ENDING})")
        super().__init__(path)
        self._rows: list[list[str]] = []

    def write(self, lines: bytes) -> None:
        """Take whole rows."""
        self._rows += csv.reader(io.StringIO(lines.decode(), newline=""))

    def finish(self, *, whole: bool) -> None:
        """Write the worksheet and close."""
        file = io.BytesIO()
        book = self._library.Workbook(file, {"in_memory": True})
        book.set_properties({"created": _ANY_DAY})
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        head = self._rows[0] if self._rows else []
        numbers = {n for n, name in enumerate(head) if name in _NUMBERS or name in _AMOUNTS}
        for n, row in enumerate(self._rows):
            for column, cell in enumerate(row):
                if n and column in numbers and _NUMBER.fullmatch(cell):
                    sheet.write_number(n, column, float(cell))
                elif cell:
                    sheet.write_string(n, column, as_written(cell), bold if n == 0 else None)
        if self._rows:
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, len(self._rows) - 1, len(head) - 1)
        book.close()
        super().write(file.getvalue())
        super().finish(whole=whole)
