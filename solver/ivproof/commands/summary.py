"""Summaries of many charts: counted as they come, in flat memory, and written as a table, JSON or CSV."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ivproof.commands.common import INTERRUPTED, REFUSED, console, say, table, telling_policy_errors

if TYPE_CHECKING:
    from ivproof.batch import Make
    from ivproof.exploration.summary import Summary
    from ivproof.policy import Policy


def summarise(
    files: Sequence[str],
    policy: Policy,
    readings: Mapping[str, str],
    make: Make,
    what: str,
    titles: Mapping[str, str],
    form: str,
    jobs: int | None,
) -> int:
    """Count what decides over charts and write it; give the exit status."""
    from ivproof.batch import Job, outcomes
    from ivproof.chart.files import scan
    from ivproof.commands.progress import Counter
    from ivproof.exploration.many import as_digest
    from ivproof.exploration.summary import Summary

    found = Summary(what, titles)
    status = 0
    job = Job(policy, readings, as_digest, recheck="none", make=make)
    try:
        with telling_policy_errors(), Counter(hidden=False) as counter:
            for outcome in outcomes(scan(files), job, jobs=jobs):
                for problem in outcome.problems:
                    status = REFUSED
                    counter.say(problem)
                if outcome.result is not None:
                    found.add(outcome.result)
                counter.advance()
    except KeyboardInterrupt:
        say(f"ivproof: interrupted after {found.charts} charts; nothing was written")
        return INTERRUPTED
    if form == "json":
        sys.stdout.write(json.dumps(found.as_dict(), ensure_ascii=False, indent=2) + "\n")
    elif form == "csv":
        sys.stdout.write(found.csv())
    else:
        _print(found)
    return status


def _print(found: Summary) -> None:
    from rich.text import Text

    out = console()
    what = found.what.replace("_", " ")
    out.print(f"{found.charts} charts; of {found.decided} no single one of the {what} changes the claim")
    if found.entries:
        out.print()
        shown = table("", "", "Charts", "What changes most often", "Smallest example")
        for row in found.rows():
            shown.add_row(*map(Text, row))
        out.print(shown)
