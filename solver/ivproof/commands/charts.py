"""The charts that a command line names: files and folders of charts, or tables of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ivproof.commands.common import wrong

if TYPE_CHECKING:
    from ivproof.chart.files import AnySheet
    from ivproof.chart.reading import Chart

CHARTS_HELP = (
    "Charts: YAML, JSON or JSON Lines (also .gz), folders of them, or - for standard input; or tables of them, "
    "Parquet, Arrow or CSV: encounters and administrations, services and more."
)


def charts_of(files: Sequence[str]) -> Iterator[AnySheet]:
    """Find the charts that arguments name; end the command where tables stand beside other files."""
    from ivproof.chart.files import scan
    from ivproof.importers.tables import is_table, scan_tables

    tables = [it for it in files if is_table(it)]
    if not tables:
        return iter(scan(files))
    others = [it for it in files if not is_table(it)]
    if others:
        wrong(f"{others[0]}: found no table beside {tables[0]}, expected tables only, or charts only")
    return scan_tables(files)


def read_charts(files: Sequence[str]) -> Iterator[Chart]:
    """Read and check the charts that arguments name; an id that an earlier one has is refused."""
    from ivproof.chart.files import UniqueIds

    ids = UniqueIds()
    for sheet in charts_of(files):
        yield ids.check(sheet.chart())
