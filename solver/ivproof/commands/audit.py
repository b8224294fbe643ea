"""``ivproof audit``: billed claims against their charts, line by line or summed up."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivproof.commands import completing
from ivproof.commands.common import (
    LIMIT,
    REFUSED,
    AddOnOption,
    EditsOfOption,
    JobsOption,
    LimitOption,
    MueOption,
    PolicyOption,
    PtpOption,
    ReadingOption,
    RecheckOption,
    StrictOption,
    UncheckedOption,
    encoded,
    output_option,
    profiles_for,
    read_edit_files,
    require,
    say,
    telling_policy_errors,
    wrong,
)
from ivproof.formats.plain import json_text

if TYPE_CHECKING:
    from ivproof.audit.auditor import Look
    from ivproof.audit.beside import Groups, Prices
    from ivproof.audit.claims import Claims
    from ivproof.audit.many import Found
    from ivproof.audit.summary import Summary
    from ivproof.chart.files import AnySheet
    from ivproof.claim.batch import Form
    from ivproof.claim.profiles import Profiles
    from ivproof.commands.output import Output
    from ivproof.commands.resume import Done, Notes, Records
    from ivproof.commands.running import Note
    from ivproof.law.policy import Policy

PACKETS = {".pdf", ".html", ".docx", ".json"}
"""Endings of an output that is a packet to be sent, where neither --format nor --summary says otherwise."""


class AuditFormat(StrEnum):
    """How findings are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Audience(StrEnum):
    """Whom a packet is for."""

    PAYER = "payer"
    INTERNAL = "internal"


class SearchExtent(StrEnum):
    """How much is gone through to find what would make a wrong claim right; see `ivproof.audit.auditor.Look`."""

    ALL = "all"
    TWO = "two"
    ONE = "one"
    NONE = "none"


FEW = 20
"""Of so many claims everything is gone through, of more what one question read otherwise makes of them."""

ENDINGS = {
    **dict.fromkeys((".csv", ".xlsx"), AuditFormat.CSV),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), AuditFormat.JSON),
    **dict.fromkeys((".pdf", ".html", ".docx", "", ".txt", ".out", ".log"), AuditFormat.TABLE),
}
"""The form that the ending of an output asks for, where --format does not."""


def audit(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Charts with their `billed` lines: YAML, JSON or JSON Lines (also .gz), folders of them, or - for "
            "standard input.",
            show_default=False,
        ),
    ],
    claim: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What was billed, beside the charts: CSV or JSON with encounter, code, units, modifiers; or X12, "
            "claims (837) or a remittance (835), by what is in it.",
            show_default=False,
        ),
    ] = None,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    reading: ReadingOption = None,
    limit: LimitOption = None,
    form: Annotated[
        AuditFormat | None,
        typer.Option(
            "--format",
            help="table: for people. json: JSON Lines, one claim a line. csv: the worksheet, a row for each line of a "
            "claim. Default: what the ending of --output says, else table.",
            show_default=False,
        ),
    ] = None,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="Sum the claims up: by verdict, code, kind of error, question, payer and what --groups has. With an "
            "--output that ends in .html: a page with plots, and how many minutes claims are from a boundary.",
        ),
    ] = False,
    prices: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Dollars a unit (CSV: code, price): what is over and what is left is dollars, too.",
            show_default=False,
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Who coded what where (CSV: encounter, and columns such as coder, unit): --summary by each.",
            show_default=False,
        ),
    ] = None,
    population: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="NUMBER",
            help="From so many claims these were drawn at random: --summary says what they tell of all.",
            show_default=False,
        ),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VERDICT,...",
            help="End with status 1 where a claim has one of these verdicts: overcoded, undercoded, ...",
            autocompletion=completing.verdicts,
            show_default=False,
        ),
    ] = None,
    search: Annotated[
        SearchExtent | None,
        typer.Option(
            "--search",
            help="Look for missing facts and readings under which a wrong claim would be right. one: one question read "
            "otherwise. two: up to two at once. all: any number. none: do not look. Default: all for a packet and for "
            "up to 20 claims, one for more.",
            show_default=False,
        ),
    ] = None,
    jobs: JobsOption = None,
    recheck: RecheckOption = None,
    strict: StrictOption = False,
    ptp: PtpOption = None,
    mue: MueOption = None,
    add_on: AddOnOption = None,
    edits_of: EditsOfOption = None,
    output: Annotated[
        Path | None,
        output_option(
            "Write here instead of to standard output. A name that ends in .pdf, .html or .docx makes a packet of "
            "one claim or of several with denied lines; one in .json its data, with the proof beside it (.proof.json). "
            "One that ends in .csv or .xlsx makes the worksheet. Until a file is whole its name ends in .incomplete."
        ),
    ] = None,
    encounter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            autocompletion=completing.encounters,
            help="The encounter of a packet, where the charts are several; may be given more than once. Default: of "
            "several those with a denied line.",
            show_default=False,
        ),
    ] = None,
    edition: Annotated[
        Audience | None,
        typer.Option(
            "--for",
            help="Whom a packet is for. payer: the appeal, with what the chart supports alone. internal: all of it, "
            "with other readings, warnings of claim edits and gaps; not to be sent. Default: internal.",
            show_default=False,
        ),
    ] = None,
    payer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The payer of a packet, where charts have several.", show_default=False),
    ] = None,
    cover: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What the cover of a packet says (TOML): level, provider, provider_id, patient, member_id, to, due, "
            "contact, signed_by, and a table numbers (encounter = claim number). What is missing is left blank.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an interrupted run has left of --output.")
    ] = False,
) -> None:
    """Hold billed claims against their charts: what stands, what does not, what was forgotten, and what would decide.

    Exit status: 0 when every claim was audited, whatever came of it; 1 when an input was refused or a claim has a
    verdict of --fail-on; 2 when the command line is wrong; 3 when a chart took more work than --limit allows (the
    others are audited); 4 when ivproof itself failed on a chart; 130 when it was interrupted.
    """
    profiles = profiles_for(policy, reading, read_edit_files(ptp, mue, add_on, edits_of))
    by, readings, _ = profiles.base
    failing = _verdicts(fail_on or [])
    claims = _claims(claim)
    from ivproof.commands.output import ending, spare_charts
    from ivproof.commands.sheet_output import is_sheet

    written = ending(output, ENDINGS)
    tables = {"--claim": claim, "--prices": prices, "--groups": groups, "--ptp": ptp, "--mue": mue, "--add-on": add_on}
    spare_charts(files, output, {**tables, "--cover": cover})
    if output is not None and form is None and not summary and output.suffix.lower() in PACKETS:
        if resume:
            wrong("--resume: found a packet, expected --format json, --format csv or --summary")
        from ivproof.commands.packet import Wish, write_packet

        look: Look = (search or SearchExtent.ALL).value
        wish = Wish(edition.value if edition else None, encounter or (), payer, cover)
        verdicts = write_packet(files, wish, output, profiles, policy, claims, search=look, strict=strict)
        raise typer.Exit(REFUSED if set(verdicts) & set(failing) else 0)
    _of_packets({"--encounter": encounter, "--for": edition, "--payer": payer, "--cover": cover})
    shape = form or written or AuditFormat.TABLE
    if resume and output is None:
        wrong("--resume: found no --output, expected the file that the interrupted run was to write")
    if is_sheet(output):
        require("xlsxwriter", "a worksheet (.xlsx)")
        if resume or summary or shape is not AuditFormat.CSV:
            wrong(f"--output {output}: found --resume, --summary or another --format, expected a worksheet of lines")
    page = summary and output is not None and output.suffix.lower() == ".html"
    if page and form is not None:
        wrong(f"--output {output}: found another --format, expected a page of --summary")
    beside = _beside(prices, groups, population, summary=summary)
    if resume and shape is AuditFormat.TABLE and not summary:
        wrong("--resume: found a table, expected --format json, --format csv or --summary")
    from ivproof.audit.many import Auditing
    from ivproof.claim.batch import Job, Strict
    from ivproof.commands.charts import charts_of
    from ivproof.commands.running import run
    from ivproof.law.policy import law_folder

    found = charts_of(files)
    first = [] if search else list(islice(found, FEW + 1))
    kind = search or (SearchExtent.ONE if len(first) > FEW else SearchExtent.ALL)
    asked = {
        "policy": [by.id, by.edition, by.digest, by.payers, by.warnings],
        "settings": [it.policy.remarks for it in (profiles.base, *profiles.by_payer.values())],
        "readings": by.settings(readings),
        "claim file": _digest([claim] if claim else []),
        "claim edits": _digest([*(ptp or ()), *(mue or ()), *(add_on or ()), *([edits_of.value] if edits_of else ())]),
        "drug list": _digest(sorted((law_folder() / "drugs").glob("*.csv"))),
        "table of claim edits": _digest(sorted(it for it in (law_folder() / "edits").iterdir() if it.is_file())),
        "version of the program": version("ivproof"),
        "form": "summary" if summary else shape.value,
        "search": kind.value,
        "page": page,
        "prices and groups": [_digest([it for it in (prices, groups) if it]), population],
        "limit": LIMIT.work,
        "recheck": recheck.value if recheck else None,
        "strict": strict,
    }
    report = _Report(
        by, shape, summary=summary, output=output, claims=claims, beside=beside, page=profiles if page else None
    )
    sheets = report.open(chain(first, found), asked, resume=resume)
    make = profiles.make(lambda files: Auditing(claims, files, kind.value))
    job = Job(
        by,
        readings,
        Strict(report.form) if strict else report.form,
        recheck.value if recheck else None,
        make,
        LIMIT.work,
    )
    with telling_policy_errors():
        status = run(
            sheets, job, jobs, report.write, report.sink, seen=report.seen, note=report.note, finish=report.finish
        )
    if report.problems or (status == 0 and any(report.verdicts[it] for it in failing)):
        status = status or REFUSED
    raise typer.Exit(status)


def _of_packets(options: Mapping[str, object]) -> None:
    """Refuse options that only a packet has."""
    for option, given in options.items():
        if given is not None:
            wrong(f"{option}: found no packet, expected --output with a name that ends in .pdf, .html, .docx or .json")


def _verdicts(given: Iterable[str]) -> list[str]:
    """The verdicts of --fail-on, checked."""
    from ivproof.audit.model import Verdict

    found = [it.strip().replace("-", "_") for text in given for it in text.split(",")]
    known = [it.value for it in Verdict]
    for it in found:
        if it not in known:
            wrong(f"--fail-on: found {it!r}, expected some of {', '.join(known)}")
    return found


def _claims(path: Path | None) -> Claims | None:
    if path is None:
        return None
    from ivproof.audit.claims import ClaimFileError, Claims

    try:
        found = Claims.read(path)
    except ClaimFileError as error:
        wrong(str(error))
    for it in (*found.told, *found.refused):
        say(it)
    return found


@dataclass(frozen=True)
class _Beside:
    """What stands beside an audit of many."""

    prices: Prices | None
    groups: Groups | None
    population: int | None

    def summary(self) -> Summary:
        """Give what sums up with it."""
        from ivproof.audit.summary import Summary

        return Summary(self.prices, self.groups, self.population)


def _beside(prices: Path | None, groups: Path | None, population: int | None, *, summary: bool) -> _Beside:
    from ivproof.audit.beside import BesideError, Groups, Prices

    if (groups or population) and not summary:
        wrong(f"{'--groups' if groups else '--population'}: found no --summary, expected one")
    try:
        return _Beside(Prices.read(prices) if prices else None, Groups.read(groups) if groups else None, population)
    except BesideError as error:
        wrong(str(error))


def _digest(parts: Iterable[Path | str]) -> str:
    """Identify files by what is in them."""
    import hashlib

    total = hashlib.sha256()
    for it in parts:
        total.update(it.read_bytes() if isinstance(it, Path) else it.encode())
    return total.hexdigest()


class _Report:
    """Where findings go and in which form, and what is kept in mind of them: verdicts, refusals, what is summed up."""

    def __init__(
        self,
        policy: Policy,
        shape: AuditFormat,
        *,
        summary: bool,
        output: Path | None,
        claims: Claims | None,
        beside: _Beside,
        page: Profiles | None,
    ) -> None:
        """`page` has by what charts are answered, where the summary is to be a page."""
        from ivproof.audit.many import AsRows, as_audit, as_digest, as_line
        from ivproof.commands.resume import csv_records, json_records

        self._policy = policy
        self._shape = shape
        self._path = output
        self._claims = claims
        self._summing = summary
        self._beside = beside
        self._as_page = page is not None
        self._records: Records = csv_records if shape is AuditFormat.CSV and not summary else json_records
        forms: dict[AuditFormat, Form] = {
            AuditFormat.TABLE: as_audit,
            AuditFormat.JSON: as_line,
            AuditFormat.CSV: AsRows(beside.prices),
        }
        self.form = forms[shape]
        if summary:
            self.form = as_digest
        if page is not None:
            from ivproof.commands.nearness import Closest

            self.form = Closest(page)
        self.verdicts: Counter[str] = Counter()
        self.problems = len(claims.refused) if claims else 0
        self._audited: set[str] = set()
        self._total: Summary | None = None
        self._show: Callable[[Any], bytes] = bytes
        self._notes: Notes | None = None
        self.note: Note | None = None
        self.sink: Output

    def open(self, sheets: Iterable[AnySheet], asked: dict[str, Any], *, resume: bool) -> Iterable[AnySheet]:
        """Open the output; with `resume`, after what an interrupted run has left. Gives the charts to be answered."""
        from ivproof.commands.output import not_opened
        from ivproof.commands.resume import Done, Noted, Notes, ResumeError, read_done, unchanged
        from ivproof.commands.sheet_output import sheet_or_file

        done = Done()
        noted: list[Noted] = []
        if resume and self._path is not None:
            try:
                done, noted = read_done(self._path, asked, self._records)
            except ResumeError as error:
                wrong(f"--resume: {error}")
            done, noted, sheets = unchanged(sheets, done, noted)
        try:
            self.sink = sheet_or_file(self._path, done.size if done.records else 0)
            if self.sink.beside:
                self._notes = Notes(self.sink.written, asked, noted)
                self.note = self._notes.add
        except OSError as error:
            not_opened(self._path, error)
        self._begin(done)
        return sheets

    def _begin(self, done: Done) -> None:
        from ivproof.chart.fields import compare_key
        from ivproof.chart.refusal import Source

        self.verdicts += done.verdicts
        self._audited |= set(map(compare_key, done.encounters))
        if self._summing and not self.sink.beside:
            self._total = self._beside.summary()
        self.seen = [(Source(str(self.sink.written)), name) for name in done.encounters]
        if self._shape is AuditFormat.TABLE and not self._summing:
            self._show = self._table()
        if self._shape is AuditFormat.CSV and not self._summing and not done.records:
            from ivproof.audit.worksheet import header

            self.sink.write(header())

    def write(self, found: Found) -> bytes | str:
        """Give what is written of an audit, or why there is none."""
        from ivproof.audit.claims import nothing_billed
        from ivproof.chart.fields import compare_key

        if not found.verdict:
            self.problems += 1
            return nothing_billed(self._claims, found.encounter)
        if self._claims is not None and self._claims.is_of_one_chart and self._audited:
            self.problems += 1
            return f"found another chart, expected one: {self._claims.file} names no encounters"
        self._audited.add(compare_key(found.encounter))
        self.verdicts[found.verdict] += 1
        if self._total is not None:
            self._total.add(json.loads(found.form))
            return b""
        return self._show(found.form)

    def finish(self) -> None:
        """Close the output, and say what was asked for and not found."""
        for name in self._claims.lines if self._claims else ():
            if name is not None and name not in self._audited:
                self.problems += 1
                say(f"{self._claims.file if self._claims else ''}: {name}: no chart of this encounter was audited")
        if self._notes is not None:
            self._notes.close()
        if self._summing:
            self._sum_up()
        self.sink.finish(whole=True)

    # --- forms

    def _sum_up(self) -> None:
        """Sum up; what goes to a file was noted there before, so that an interrupted run can go on."""
        total = self._total
        if total is None:
            total = self._beside.summary()
            self.sink.flush()
            with self.sink.written.open("rb") as stream:
                for line in stream:
                    total.add(json.loads(line))
            self.sink.begin_again()
        if total.population is not None and total.population < total.claims:
            wrong(f"--population {total.population}: found {total.claims} claims, expected as many to draw from")
        self.sink.write(self._summary(total))

    def _summary(self, total: Summary) -> bytes:
        if self._as_page:
            from ivproof.render.html import audit_page

            return audit_page(total.as_dict(), self._policy).encode()
        if self._shape is AuditFormat.CSV:
            return total.as_csv()
        if self._shape is AuditFormat.JSON:
            return json_text(json.dumps(total.as_dict(), ensure_ascii=False)).encode() + b"\n"
        return self._encoded(lambda view: view.summary(total))

    def _table(self) -> Callable[[Any], bytes]:
        return lambda it: self._encoded(lambda view: view.text(it))

    def _encoded(self, text: Callable[[Any], str]) -> bytes:
        from ivproof.render.audit import AuditView
        from ivproof.render.printing import console_of

        if self._path is not None:
            return text(AuditView(self._policy, console_of(None))).encode()
        return encoded(text(AuditView(self._policy, console_of(sys.stdout))))
