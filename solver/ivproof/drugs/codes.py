"""Codes of products and drugs beside HCPCS: National Drug Codes and RxNorm, each with the days on which it is known.

>>> str(read_code("0069-2587-10")), str(read_code("51144-050-01")), str(read_code("RxNorm 1807507"))
('NDC 00069-2587-10', 'NDC 51144-0050-01', 'RxNorm 1807507')
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from ivproof.drugs.files import DrugFileProblem, DrugListError
from ivproof.formats.plain_file import read_text
from ivproof.formats.spreadsheet import as_written, guarded

COLUMNS = ("system", "code", "drug", "hcpcs", "name", "units", "package_units", "valid_from", "valid_to", "source")
"""The columns of ``codes.csv``; its README explains them."""

SYSTEMS = {"ndc": "NDC", "rxnorm": "RxNorm"}
"""Systems of codes, and how they are written for people."""

SEEN_BY = "<="
"""Before a day in `valid_from`: the code was first seen on it and may be older."""

CODES = "codes.csv"

_PREFIX = re.compile(r"(?P<system>ndc|rxnorm|rxcui|rx)?[\s:#]*(?P<code>[\d-]+)", re.IGNORECASE | re.ASCII)
_NDC = re.compile(r"(\d{4})-(\d{4})-(\d{2})|(\d{5})-(\d{3})-(\d{2})|(\d{5})-(\d{4})-(\d{1,2})", re.ASCII)
_NDC_ALONE = re.compile(r"\s*(?:\d{4,5}-\d{3,4}-\d{1,2}|\d{10,11})\s*", re.ASCII)
_BEHIND_WORD = re.compile(r"[\s,;]*[(\[]?\b(ndc|rxnorm|rxcui)[\s:#]*(\d[\d-]*)[)\]]?", re.IGNORECASE | re.ASCII)
_HCPCS = re.compile(r"[A-Z0-9]\d{4}", re.ASCII)
_WIDTHS = (5, 4, 2)


class CodeError(ValueError):
    """A text that looks like a code and is none, or may be several; its text says what was expected."""


class Named(NamedTuple):
    """A code of a system: of an NDC all eleven digits, with dashes."""

    system: str
    code: str

    def __str__(self) -> str:
        """Write it for people."""
        return f"{SYSTEMS[self.system]} {self.code}"


def read_code(text: str) -> Named | None:
    """Read an NDC in any of its forms, or an RxNorm number; None for what looks like neither. Raises CodeError.

    Ten digits without dashes are three codes, and none of them is picked.
    """
    found = _PREFIX.fullmatch(text.strip())
    if found is None:
        return None
    system, code = (found["system"] or "").casefold(), found["code"]
    if parts := _NDC.fullmatch(code):
        if system.startswith("rx"):
            raise CodeError("a number of RxNorm, without dashes")
        return Named(
            "ndc", "-".join(it.zfill(width) for it, width in zip(filter(None, parts.groups()), _WIDTHS, strict=True))
        )
    if "-" in code:
        raise CodeError("an NDC of 4-4-2, 5-3-2, 5-4-1 or 5-4-2 digits")
    if len(code) == 11 and not system.startswith("rx"):
        return Named("ndc", f"{code[:5]}-{code[5:9]}-{code[9:]}")
    if len(code) == 10 and not system.startswith("rx"):
        one, two, three = f"0{code}", f"{code[:5]}0{code[5:]}", f"{code[:9]}0{code[9:]}"
        each = ", ".join(f"{it[:5]}-{it[5:9]}-{it[9:]}" for it in (one, two, three))
        raise CodeError(f"an NDC with its dashes: without them ten digits may be {each}")
    if system == "ndc" or (len(code) > 8 and not system):
        raise CodeError("an NDC of ten digits with dashes, or of eleven")
    return Named("rxnorm", str(int(code)))


@dataclass(frozen=True, slots=True)
class ProductCode:
    """A code with what it stands for: a drug of the list, or an HCPCS code, or both; `name` as its source has it.

    `units` and `package_units` are units of the HCPCS code in one container and in the package, where they are known.
    `begin` None: no bound is known; `begin_unknown`: first seen on that day, it may be older.
    """

    named: Named
    drug: str
    hcpcs: str
    name: str
    units: Decimal | None
    package_units: Decimal | None
    begin: date | None
    begin_unknown: bool
    end: date | None
    source: str

    def holds(self, on: date) -> bool:
        """Whether nothing says that it does not hold on a day: what begins before it was seen is not known."""
        return (self.begin_unknown or self.begin is None or self.begin <= on) and (self.end is None or on <= self.end)

    @property
    def days(self) -> str:
        """Since when and until when it is known, in words; empty where no bound is known."""
        begin = "" if self.begin is None else f"{'seen on' if self.begin_unknown else 'from'} {self.begin}"
        return ", ".join(filter(None, (begin, f"until {self.end}" if self.end is not None else "")))

    def row(self) -> list[str]:
        """Give it as a row of ``codes.csv``, which people open in a spreadsheet."""
        begin = "" if self.begin is None else f"{SEEN_BY if self.begin_unknown else ''}{self.begin}"
        numbers = ("" if it is None else str(it) for it in (self.units, self.package_units))
        end = "" if self.end is None else str(self.end)
        return [*self.named, self.drug, self.hcpcs, guarded(self.name), *numbers, begin, end, guarded(self.source)]


def read_codes(text: str) -> tuple[tuple[Named, ...], str]:
    """Read the codes that a charted name gives, and give what else it says. Raises CodeError.

    An NDC may stand by itself, with its dashes or in eleven digits; beside a name, or of RxNorm, it stands behind its
    word: any other number may be one of the house.

    >>> read_codes("ceftriaxone 1 g (NDC 0409-7332-01)")
    ((Named(system='ndc', code='00409-7332-01'),), 'ceftriaxone 1 g')
    >>> read_codes("1807507")
    ((), '1807507')
    """
    if not any(map(str.isdigit, text)):
        return (), text
    alone = _NDC_ALONE.fullmatch(text)
    found = [f"ndc {text}"] if alone else [f"{it[1]} {it[2]}" for it in _BEHIND_WORD.finditer(text)]
    named = dict.fromkeys(it for it in map(read_code, found) if it is not None)
    return tuple(named), "" if alone else " ".join(_BEHIND_WORD.sub(" ", text).split())


class Codes:
    """The codes of a file, to be searched."""

    def __init__(self, codes: Sequence[ProductCode]) -> None:
        """Take codes that were read."""
        self.codes = codes
        self._by_name: dict[Named, list[ProductCode]] = {}
        for it in codes:
            self._by_name.setdefault(it.named, []).append(it)

    @staticmethod
    def load(file: Path, drugs: Iterable[str] | None = None) -> Codes:
        """Read a file. Raises DrugListError with every problem found, FileError or OSError where it is no text file.

        With `drugs` the drugs of codes have to be among these keys.
        """
        return Codes(list(_read(file, None if drugs is None else frozenset(drugs))))

    def find(self, named: Named, on: date) -> tuple[ProductCode, ...]:
        """Give what a code stands for: what holds on a day before what does not."""
        return tuple(sorted(self._by_name.get(named, ()), key=lambda it: not it.holds(on)))

    def text(self) -> str:
        """Give the codes as a file."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(it.row() for it in self.codes)
        return out.getvalue()


def _read(file: Path, drugs: frozenset[str] | None) -> Iterator[ProductCode]:
    rows = csv.reader(read_text(file).splitlines())
    problems: list[DrugFileProblem] = []
    if (head := tuple(next(rows, ()))) != COLUMNS:
        raise DrugListError([DrugFileProblem(file.name, 1, "", ",".join(head), ",".join(COLUMNS))])
    seen: set[tuple[Named, str, str]] = set()
    found = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(COLUMNS):
            problems.append(DrugFileProblem(file.name, number, "", f"{len(row)} fields", f"{len(COLUMNS)}"))
            continue
        its = dict(zip(COLUMNS, row, strict=True))
        wrong = [
            DrugFileProblem(file.name, number, column, its[column], expected) for column, expected in _wrong(its, drugs)
        ]
        if not wrong:
            code = _code(its)
            key = (code.named, code.hcpcs, its["valid_from"])
            if key in seen:
                wrong = [
                    DrugFileProblem(
                        file.name, number, "code", its["code"], "a code and first day that no row before has"
                    )
                ]
            seen.add(key)
            found.append(code)
        problems += wrong
    if problems:
        raise DrugListError(problems)
    yield from found


def _wrong(its: Mapping[str, str], drugs: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """Say what is wrong in a row: the column and what was expected."""
    if its["system"] not in SYSTEMS:
        yield "system", " or ".join(SYSTEMS)
    else:
        try:
            named = read_code(f"{its['system']} {its['code']}")
        except CodeError as error:
            yield "code", str(error)
        else:
            if named is None or named != (its["system"], its["code"]):
                yield "code", str(named.code) if named else "digits"
    if its["drug"] and drugs is not None and its["drug"] not in drugs:
        yield "drug", "a key of ingredients.csv"
    if its["hcpcs"] and not _HCPCS.fullmatch(its["hcpcs"]):
        yield "hcpcs", "an HCPCS code"
    if not (its["drug"] or its["hcpcs"]):
        yield "drug", "a drug or an HCPCS code"
    for column in ("units", "package_units"):
        if its[column] and _amount(its[column]) is None:
            yield column, "a number above 0"
    for column in ("valid_from", "valid_to"):
        text = its[column].removeprefix(SEEN_BY) if column == "valid_from" else its[column]
        if text and _day(text) is None:
            yield column, "a date like 2020-10-05"


def _code(its: Mapping[str, str]) -> ProductCode:
    begin = its["valid_from"]
    return ProductCode(
        Named(its["system"], its["code"]),
        its["drug"],
        its["hcpcs"],
        as_written(its["name"]),
        _amount(its["units"]),
        _amount(its["package_units"]),
        _day(begin.removeprefix(SEEN_BY)),
        begin.startswith(SEEN_BY),
        _day(its["valid_to"]),
        as_written(its["source"]),
    )


def _amount(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and found > 0 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


# --- The crosswalk that the Centers for Medicare & Medicaid Services publish each quarter

_HEAD = {"ndc": ("NDC2", "NDC"), "name": ("Drug Name",), "units": ("BILLUNITS",), "package_units": ("BILLUNITSPKG",)}


_CROSSWALK = "asp-crosswalk-"
"""What the source of a code begins with that a crosswalk brought; year and month of its quarter follow."""


def read_crosswalk(raw: bytes, as_of: date, drug_of: Mapping[str, str]) -> list[ProductCode]:
    """Read an ASP NDC-HCPCS crosswalk as it is published (CSV): what was in force on a day, by NDC.

    `drug_of` leads from an HCPCS code to the drug that it stands for. Raises CodeError where the file is no such table,
    or a row of it cannot be read.
    """
    text = raw.decode("utf-8-sig") if _is_utf8(raw) else raw.decode("latin-1")
    rows = csv.reader(io.StringIO(text, newline=""))
    places: dict[str, int] = {}
    for row in rows:
        cells = [it.strip() for it in row]
        places = {key: cells.index(name) for key, names in _HEAD.items() for name in names if name in cells}
        code = next((n for n, it in enumerate(cells) if it.endswith("_CODE") or it == "HCPCS"), None)
        if len(places) == len(_HEAD) and code is not None:
            places["hcpcs"] = code
            break
    else:
        raise CodeError("a table with the columns NDC2, Drug Name, BILLUNITS, BILLUNITSPKG and the HCPCS code")
    found: dict[tuple[str, str], ProductCode] = {}
    for row in rows:
        cells = [it.strip() for it in row]
        if not any(cells):
            continue
        its = {key: cells[place] if place < len(cells) else "" for key, place in places.items()}
        named = read_code(f"ndc {its['ndc']}") if its["ndc"] else None
        if named is None or not _HCPCS.fullmatch(its["hcpcs"]):
            raise CodeError(f"an NDC and an HCPCS code in line {rows.line_num}")
        code_of = ProductCode(
            named,
            drug_of.get(its["hcpcs"], ""),
            its["hcpcs"],
            " ".join(its["name"].split()),
            _amount(its["units"]),
            _amount(its["package_units"]),
            as_of,
            True,
            None,
            f"{_CROSSWALK}{as_of:%Y-%m}",
        )
        found.setdefault((named.code, its["hcpcs"]), code_of)
    return list(found.values())


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class Update:
    """What a crosswalk changes in codes: each as what was and what is; and the codes as they are then."""

    added: tuple[ProductCode, ...]
    ended: tuple[ProductCode, ...]
    changed: tuple[tuple[ProductCode, ProductCode], ...]
    codes: Codes


def updated(codes: Codes, crosswalk: Sequence[ProductCode], as_of: date) -> Update:
    """Bring a crosswalk into codes: what is new begins, what is gone ends the day before, other units begin anew.

    Only NDC of an HCPCS code are touched, and of these only what holds on that day. Raises CodeError where the codes
    already have a later crosswalk: what that one took out would begin again, and without an end.
    """
    days = [it.begin for it in codes.codes if it.begin and it.source.startswith(_CROSSWALK)]
    if as_of < max(days, default=as_of):
        raise CodeError(f"a crosswalk of {max(days)} or later: the codes have one of that day already")
    present = {
        (it.named.code, it.hcpcs): it
        for it in codes.codes
        if it.named.system == "ndc" and it.hcpcs and it.end is None and (it.begin is None or it.begin <= as_of)
    }
    new = {(it.named.code, it.hcpcs): it for it in crosswalk}
    before = as_of - timedelta(days=1)
    replaced: dict[ProductCode, list[ProductCode]] = {}
    changed, ended = [], []
    for key, it in present.items():
        other = new.get(key)
        if other is None:
            ended.append(it)
            replaced[it] = [replace(it, end=before)]
        elif (other.units, other.package_units) != (it.units, it.package_units):
            begun = replace(other, begin_unknown=False)
            changed.append((it, begun))
            replaced[it] = [begun] if it.begin == as_of else [replace(it, end=before), begun]
    first = not present
    added = [it if first else replace(it, begin_unknown=False) for key, it in new.items() if key not in present]
    kept = [other for it in codes.codes for other in replaced.get(it, [it])]
    order = sorted([*kept, *added], key=lambda it: (it.named.system, it.named.code.zfill(13), it.begin or date.min))
    return Update(tuple(added), tuple(ended), tuple(changed), Codes(order))
