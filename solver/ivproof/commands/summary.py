"""Summaries of many charts: counted as they come, in flat memory, and written as a table, JSON or CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ivproof.commands.common import INTERRUPTED, LIMIT, emit, emit_json, show, table

if TYPE_CHECKING:
    from ivproof.claim.batch import Make
    from ivproof.claim.profiles import Profiles
    from ivproof.whatif.summary import Summary


def summarise(
    files: Sequence[str],
    profiles: Profiles,
    make: Make,
    what: str,
    titles: Mapping[str, str],
    form: str,
    jobs: int | None,
) -> int:
    """Count what decides over charts and write it; give the exit status."""
    from ivproof.claim.batch import Job
    from ivproof.commands.running import gather
    from ivproof.whatif.many import as_digest
    from ivproof.whatif.summary import Summary

    found = Summary(what, titles)
    policy, readings, _ = profiles.base
    job = Job(policy, readings, as_digest, recheck="none", make=profiles.make(lambda _: make), limit=LIMIT.work)
    status = gather(files, job, jobs, found.add)
    if status == INTERRUPTED:
        return status
    if form == "json":
        emit_json(found.as_dict())
    elif form == "csv":
        emit(found.csv())
    else:
        _show(found)
    return status


def _show(found: Summary) -> None:
    from rich.text import Text

    from ivproof.render.printing import visible

    what = found.what.replace("_", " ")
    shown = table("", "", "Charts", "What changes most often", "Smallest example")
    for name, title, count, lines, example in found.rows():
        changes = Text("\n").join(map(visible, lines))
        shown.add_row(visible(name), visible(title), count, changes, visible(example))
    charts = f"{found.charts} {'chart' if found.charts == 1 else 'charts'}"
    show(f"{charts}; on {found.charts - found.decided} one of the {what} changes the claim by itself")
    if found.entries:
        show("", shown)
