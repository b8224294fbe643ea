"""What a payer's reason for a denial says: the codes of reasons (CARC) and remarks (RARC), and what kind each is of.

The list is data of the law (``denials.csv``); the labels are our own. A code that is not in it is of no kind.

>>> denials = Denials({"97": ("bundling", "included in another"), "M15": ("bundling", "bundled")})
>>> denials.kinds("97", ["M15"]), denials.label("97"), denials.kinds("999", [])
(('bundling',), 'included in another', ())
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ivproof.formats.plain_file import read_text

FILE = "denials.csv"

KINDS = ("units", "bundling", "documentation", "necessity", "duplicate", "primary", "modifier")
"""What a denial can be about."""


@dataclass(frozen=True)
class Denials:
    """Codes of denials: each with its kind and what it says."""

    codes: Mapping[str, tuple[str, str]]

    @classmethod
    def load(cls, folder: Path) -> Denials:
        """Read the list. Raises OSError, KeyError where it has other columns, ValueError for another kind."""
        rows = csv.DictReader(read_text(folder / FILE).splitlines())
        found = {it["Code"]: (it["Kind"], it["Label"]) for it in rows}
        for code, (kind, _) in found.items():
            if kind not in KINDS:
                raise ValueError(f"{folder / FILE}: {code}: found the kind {kind}, expected one of {', '.join(KINDS)}")
        return cls(found)

    def kinds(self, reason: str | None, remarks: Iterable[str]) -> tuple[str, ...]:
        """What a denial is about by its codes, the reason's first; empty where none of them is known."""
        given = [*([reason] if reason else []), *remarks]
        return tuple(dict.fromkeys(self.codes[it][0] for it in given if it in self.codes))

    def label(self, code: str) -> str:
        """What a code says, in our words; "" for one that is not known."""
        return self.codes.get(code, ("", ""))[1]
