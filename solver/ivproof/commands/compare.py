"""``ivproof policy compare``: what a change of the law does, rule by rule and over charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivproof.commands import completing
from ivproof.commands.common import (
    INTERRUPTED,
    REFUSED,
    UNDECIDED,
    JobsOption,
    ReadingOption,
    RecheckOption,
    UncheckedOption,
    load_policy,
    output_option,
    read_settings,
    require,
    say,
    show,
    telling_differences,
    telling_policy_errors,
    time_limit_option,
    worse,
    wrong,
)
from ivproof.commands.output import ending, spare_charts, write_whole

if TYPE_CHECKING:
    from ivproof.comparison import Comparison
    from ivproof.comparison.prices import Worth
    from ivproof.lab.change import Change
    from ivproof.lab.kinds import Kind
    from ivproof.lab.result import OverAllCharts
    from ivproof.lab.witness import Witness
    from ivproof.law.policy import Policy


class ComparisonFormat(StrEnum):
    """How a comparison is written."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


SAMPLE = (
    "These are stored charts, a sample: nothing is said of any other chart (--up-to N goes through all to that bound)."
)

MOST = 3
"""So many administrations at most are gone through over all charts."""


def compare(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="The present policy: its name or its folder.", autocompletion=completing.policies
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(
            metavar="NEW", help="The new policy: its name or its folder.", autocompletion=completing.policies
        ),
    ],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="Charts to code by both: YAML, JSON or JSON Lines, folders of them, or - for standard input. "
            "Without them, and without --up-to, only the rules are compared.",
            show_default=False,
        ),
    ] = None,
    reading: ReadingOption = None,
    unchecked: UncheckedOption = False,
    form: Annotated[
        ComparisonFormat,
        typer.Option("--format", help="table: for people. json: one document. html: a page that stands alone."),
    ] = ComparisonFormat.TABLE,
    output: Annotated[
        Path | None,
        output_option("Write it here, too: a page where the name ends in .html, else in .json one document."),
    ] = None,
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="End with status 1 where a chart has another claim.")
    ] = False,
    jobs: JobsOption = None,
    recheck: RecheckOption = None,
    up_to: Annotated[
        int | None,
        typer.Option(
            "--up-to",
            min=0,
            max=MOST,
            metavar="N",
            help="Compare over all charts with so many administrations at most, at every minute; no charts are needed.",
            show_default=False,
        ),
    ] = None,
    old_reading: Annotated[
        list[str] | None,
        typer.Option(
            "--old-reading",
            metavar="QUESTION=OPTION",
            help="With --up-to: settle a question under the present policy only. Can be repeated.",
            autocompletion=completing.readings,
            show_default=False,
        ),
    ] = None,
    new_reading: Annotated[
        list[str] | None,
        typer.Option(
            "--new-reading",
            metavar="QUESTION=OPTION",
            help="With --up-to: settle a question under the new policy only. Can be repeated.",
            autocompletion=completing.readings,
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="With --up-to: go on to every difference, also when the new policy has given more on one chart and "
            "less on another.",
        ),
    ] = False,
    seconds: Annotated[
        float,
        time_limit_option("With --up-to: end after so many seconds of computing."),
    ] = 120,
    kinds: Annotated[
        Path | None,
        typer.Option(
            "--kinds",
            metavar="FILE",
            help="With --up-to: go through the kinds of chart that this file names, and through no others.",
            show_default=False,
        ),
    ] = None,
    beside: Annotated[
        bool,
        typer.Option(
            "--reasons",
            help="With --up-to: then look, as long again, for a chart with the same claims of which something else is "
            "said: left out, missing, open, a line of a drug. It does not touch the verdict on claims.",
        ),
    ] = False,
    corpus: Annotated[
        Path | None,
        typer.Option(
            "--corpus",
            metavar="FILE",
            help="Compare over the stored charts of the present policy that `policy corpus` wrote: in seconds, and a "
            "sample of all charts.",
            show_default=False,
        ),
    ] = None,
    rates: Annotated[
        Path | None,
        typer.Option(
            "--prices",
            metavar="FILE",
            help="Say what the change is worth, by a CSV file: code, and rate or price in dollars a unit.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what a new policy changes: the rules, and the charts that have another claim, with the rules behind it.

    A reading that is set holds under both policies. With --up-to the two are compared over all charts to that bound:
    whether they are equivalent, the new one never gives more units or never less, and the smallest chart that differs.
    With --corpus they are compared over charts that are stored with the claims of the present one.

    Exit status: 0 when every chart was answered by both; 1 when an input was refused, or when a chart has another claim
    and --fail-on-change was given; 2 when the command line is wrong; 3 when a chart takes too much work to be decided;
    4 when engines differ; 130 when it was interrupted. With --up-to: 0 when the policies are equivalent to the bound, 1
    when a chart differs, 3 when none was found and not everything was gone through. With --corpus: 1 when a chart
    differs, 2 when the file is no corpus of the present policy.
    """
    page = _page(output, files or [], {"--prices": rates, "--kinds": kinds, "--corpus": corpus})
    _fitting(
        over_all=up_to is not None,
        needs_that=bool(old_reading or new_reading or everything or kinds or beside),
        corpus=corpus is not None,
        excluded=bool(files or reading or recheck or rates) or ComparisonFormat.HTML in {form, page},
    )
    prices = None if rates is None else _prices(rates)
    before, after = load_policy(old), load_policy(new)
    readings = read_settings(before, reading or [])
    read_settings(after, reading or [])
    settings = (
        read_settings(before, [*(reading or []), *(old_reading or [])]),
        read_settings(after, [*(reading or []), *(new_reading or [])]),
    )
    from ivproof.claim.batch import Job
    from ivproof.commands.running import gather
    from ivproof.comparison import Comparing, Comparison, law_changes
    from ivproof.comparison.charts import as_compared, as_told
    from ivproof.render.comparison import comparison_words

    with telling_policy_errors():
        found = Comparison.of(before, after, law_changes(before, after))
    shape = as_compared if ComparisonFormat.JSON in {form, page} else as_told
    job = Job(before, readings, shape, recheck.value if recheck else None, Comparing(after))
    if corpus is not None:
        status = _by_corpus(found, before, after, corpus)
    else:
        status = gather(files, job, jobs, found.add) if files else 0
    if status == INTERRUPTED:
        raise typer.Exit(status)
    if form is ComparisonFormat.TABLE:
        show(*comparison_words(found, coded=bool(files or corpus)), *([SAMPLE] if corpus else []))
    over_all = None
    if up_to is not None:
        from ivproof.lab.change import DRAWN
        from ivproof.lab.named import KindsError
        from ivproof.lab.result import compare as over_all_charts
        from ivproof.render.lab import reasons_words, verdict_words, witness_words

        def first(it: Witness) -> None:
            if form is ComparisonFormat.TABLE:
                show(*witness_words(it))

        with telling_differences():
            try:
                over_all = over_all_charts(
                    before,
                    after,
                    settings,
                    up_to,
                    seconds,
                    everything=everything,
                    seeds=worked_kinds,
                    first=first,
                    kinds=kinds,
                    charts=DRAWN if prices or {form, page} != {ComparisonFormat.TABLE, None} else 0,
                    beside=beside,
                )
            except KindsError as error:
                *lines, last = str(error).splitlines()
                for line in lines:
                    say(line)
                wrong(f"--kinds {last}")
        if form is ComparisonFormat.TABLE:
            show(*verdict_words(over_all, prices))
            if over_all.reasons is not None:
                show(*reasons_words(over_all.reasons))
        status = worse(status, _status(over_all))
    if form is not ComparisonFormat.TABLE or page or prices:
        from ivproof.lab.change import Change

        _write(Change(before, after, settings, found, over_all, prices), form, page, output)
    raise typer.Exit(REFUSED if fail_on_change and found.changed else status)


def _fitting(*, over_all: bool, needs_that: bool, corpus: bool, excluded: bool) -> None:
    """End the command where options stand together that do not fit, or what they need is not installed."""
    if needs_that and not over_all:
        wrong("--old-reading, --new-reading, --all, --kinds and --reasons: expected beside --up-to")
    if corpus and (over_all or excluded):
        wrong(
            "--corpus: expected a table or JSON, and neither charts nor --up-to, --reading, --recheck or --prices "
            "beside it: it has charts and claims of its own"
        )
    if over_all:
        require("z3", "a comparison over all charts")


def _by_corpus(found: Comparison, before: Policy, after: Policy, file: Path) -> int:
    """Count the charts of a corpus, and add those that have another claim; give the status."""
    from ivproof.lab.corpus import CorpusError, compared, read_corpus

    with telling_differences(), telling_policy_errors():
        try:
            stored = read_corpus(file, before)
            changed = list(compared(before, after, stored))
        except CorpusError as error:
            wrong(f"--corpus {error}")
    for it in changed:
        found.add(it)
    found.charts, found.corpus = len(stored.charts), stored.about
    return REFUSED if changed else 0


def _page(output: Path | None, files: Sequence[str], others: Mapping[str, Path | None]) -> ComparisonFormat | None:
    """What the file is that is written, which takes the place of nothing that is read."""
    spare_charts(files, output, others)
    return ending(
        output, {".html": ComparisonFormat.HTML, ".htm": ComparisonFormat.HTML, ".json": ComparisonFormat.JSON}
    )


def _write(found: Change, form: ComparisonFormat, page: ComparisonFormat | None, output: Path | None) -> None:
    """Write what is more than a table: what it is worth, the page, the document."""
    import json

    from ivproof.formats.plain import json_text
    from ivproof.render.change import change_page
    from ivproof.render.lab import worth_words

    if form is ComparisonFormat.TABLE and found.prices is not None:
        show(*worth_words(found))
    for wanted, file in ((form, None), (page, output)):
        if wanted is ComparisonFormat.JSON:
            write_whole(file, (json_text(json.dumps(found.as_dict(), indent=2, ensure_ascii=False)) + "\n").encode())
        elif wanted is ComparisonFormat.HTML:
            with telling_differences():
                write_whole(file, change_page(found).encode())


def _prices(file: Path) -> Worth:
    from ivproof.audit.beside import BesideError
    from ivproof.comparison.prices import Worth

    try:
        return Worth.read(file)
    except BesideError as error:
        wrong(f"--prices {error}")


def worked_kinds() -> Iterator[Kind]:
    """Give the worked cases of a checkout as kinds of chart, small ones first; of those that settle no question."""
    from ivproof.cases.files import Case, read_cases
    from ivproof.checks.coverage import cases_folder
    from ivproof.lab.witness import of_case

    folder = cases_folder()
    if folder is None:
        return
    files = sorted(folder.glob("law/**/*.yaml"))
    cases = [it for it in read_cases(files) if isinstance(it, Case) and not it.readings]
    for it in sorted(cases, key=lambda it: (len(it.encounter.administrations), it.file, it.name)):
        yield of_case(it.name, it.encounter)


def _status(found: OverAllCharts) -> int:
    from ivproof.lab.result import EQUIVALENT

    if found.witness is not None:
        return REFUSED
    return 0 if found.verdict == EQUIVALENT else UNDECIDED
