"""``ivproof deidentify``: charts without identifiers that lead to the same claims."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from ivproof.commands.charts import CHARTS_HELP, read_charts
from ivproof.commands.common import (
    REFUSED,
    PolicyOption,
    UncheckedOption,
    load_policy,
    output_option,
    say,
    telling_policy_errors,
    wrong,
)
from ivproof.commands.output import create, ending, spare_charts, write_whole
from ivproof.commands.running import charts


def deidentify(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help=CHARTS_HELP, show_default=False)],
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            metavar="FILE",
            help="A secret of at least 16 bytes. With the same key the same ids have the same tokens; whoever has it "
            "and the charts can undo it.",
            show_default=False,
        ),
    ],
    new_key: Annotated[bool, typer.Option("--new-key", help="Make the key, in a file that is not there yet.")] = False,
    policy: PolicyOption = "out001",
    unchecked: UncheckedOption = False,
    output: Annotated[
        Path | None,
        output_option("Write the charts here, as JSON Lines."),
    ] = None,
) -> None:
    """Give charts with tokens for ids, dates moved within the quarter, and no free text, which lead to the same claims.

    Times of day and intervals are kept. A visit that cannot be moved without crossing an edition, a quarter, a code or
    a clock change is refused. What is given is neither Safe Harbor nor free of risk: dates within a quarter, codes and
    times stay. Exit status: 0 when every chart was written, 1 when one was refused, 2 when the command line is wrong.
    """
    by = load_policy(policy)
    spare_charts(files, output, {"--key": key})
    ending(output, dict.fromkeys((".jsonl", ".ndjson", ""), "charts"))
    from ivproof.chart.encounter import dumps
    from ivproof.exports.deidentified import Deidentifier, NotMovableError
    from ivproof.formats.plain import json_text

    with telling_policy_errors():
        make = Deidentifier(by, _read(key, new=new_key))
    lines: list[str] = []
    dropped: Counter[str] = Counter()
    refused = 0
    for chart in read_charts(files):
        told = [str(it) for it in chart.refusals]
        if chart.encounter is not None:
            try:
                moved = make.moved(chart.encounter)
                lines.append(json_text(json.dumps(dumps(moved.encounter), ensure_ascii=False)) + "\n")
                dropped.update(moved.dropped)
            except NotMovableError as error:
                told = [f"{chart.source.where}: {chart.encounter.id}: found {error}"]
        refused += chart.encounter is None or bool(told)
        for it in told:
            say(it)
    write_whole(output, "".join(lines).encode(), charts(len(lines)))
    gone = ", ".join(f"{number} {field}" for field, number in sorted(dropped.items()) if number)
    say(f"{len(lines)} charts written, {refused} refused; free text dropped or replaced: {gone or 'none'}")
    raise typer.Exit(REFUSED if refused else 0)


def _read(path: Path, *, new: bool) -> bytes:
    """Read a key, or make it; end the command where that cannot be done."""
    from ivproof.exports.deidentified import LEAST_KEY

    try:
        if new:
            with create(path) as stream:
                stream.write(secrets.token_hex(32).encode() + b"\n")
        found = path.read_bytes().strip()
    except FileExistsError:
        wrong(f"--new-key: found {path}, which is not replaced; expected the name of a new file")
    except OSError as error:
        wrong(f"--key {path}: {error.strerror or error}; --new-key makes one")
    if len(found) < LEAST_KEY:
        wrong(f"--key {path}: found {len(found)} bytes, expected at least {LEAST_KEY}; --new-key makes one")
    return found
