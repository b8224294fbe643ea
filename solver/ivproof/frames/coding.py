"""Charts that a program holds, coded as `ivproof code` codes files: dictionaries, and frames.

>>> [found] = code([{"id": "E", "place_of_service": "22", "date": "2021-03-01", "access_sites": [{"id": "iv"}],
...     "administrations": [{"id": "x", "drug": "vancomycin", "route": "IV", "site": "iv",
...                          "start": "0900", "stop": "10:31 am"}]}])
>>> [(line.code, line.units) for line in found.claim]
[('96365', 1), ('96366', 1)]
>>> [refused] = code([{"id": "E", "date": "2021-03-01"}])
>>> print(refused)
charts: E: [0].place_of_service: found nothing, expected place_of_service, which is required
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from ivproof.chart.encounter import Encounter, dumps
from ivproof.chart.files import AnySheet, Sheet
from ivproof.chart.refusal import Problem, Refusal, Source, UnreadableError, refuse
from ivproof.claim.batch import Form, Job, Outcome, outcomes
from ivproof.claim.coding import Coder, Recheck
from ivproof.claim.determination import Determination
from ivproof.formats.extras import load
from ivproof.frames.answers import COLUMNS, Row, rows_of
from ivproof.importers.tables import ArrowFrame, TableError, Tables, arrow_frame, check_columns
from ivproof.law.policy import Policy


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Stands for the answer of a chart that has none, and says why.

    `status` is ``refused`` where the chart cannot be used (`refusals` has every reason), ``failed`` where ivproof
    itself failed on it. `encounter` is the id where the chart could be read.
    """

    encounter: str | None
    status: str
    problems: tuple[str, ...]
    refusals: tuple[Refusal, ...] = ()

    def __str__(self) -> str:
        """Give the reasons, one a line."""
        return "\n".join(self.problems)


def code(
    charts: Mapping[str, Any] | Encounter | Iterable[Mapping[str, Any] | Encounter],
    *,
    policy: str | Policy = "out001",
    readings: Mapping[str, str] | None = None,
    assumptions: bool = True,
    recheck: Recheck | None = None,
    jobs: int = 1,
) -> list[Determination | Unanswered]:
    """Code charts that are dictionaries in the format of chart files; give an answer for each, in their order.

    A chart that cannot be used has an `Unanswered` in its place, and the others are answered. `readings` settle
    questions (``{"A9": "longest"}``), `assumptions`, `recheck` and `jobs` are the options of the command. Raises
    PolicyError where there is no such policy, question or option, ValueError where `recheck` or `jobs` is none.
    """
    given = [charts] if isinstance(charts, Mapping | Encounter) else charts
    sheets = (
        Sheet(Source("charts", None, n), dumps(it) if isinstance(it, Encounter) else it) for n, it in enumerate(given)
    )
    found = _outcomes(sheets, _determination, policy, readings, assumptions=assumptions, recheck=recheck, jobs=jobs)
    return [it.result if it.result is not None else _unanswered(it) for it in found]


def _determination(_: Encounter, found: Determination) -> Determination:
    return found


def _unanswered(outcome: Outcome) -> Unanswered:
    name = outcome.encounter or next((it.encounter for it in outcome.refusals if it.encounter), None)
    status = "refused" if outcome.failure is None else "failed"
    return Unanswered(name, status, outcome.problems, outcome.refusals)


def _outcomes(
    sheets: Iterable[AnySheet],
    form: Form,
    policy: str | Policy,
    readings: Mapping[str, str] | None,
    *,
    assumptions: bool,
    recheck: Recheck | None,
    jobs: int,
) -> Iterator[Outcome]:
    law = Policy.load(policy) if isinstance(policy, str) else policy
    law.settings(readings)  # refused before any chart is read
    if recheck not in {None, *get_args(Recheck)}:
        raise ValueError(f"recheck: found {recheck!r}, expected one of {', '.join(get_args(Recheck))}, or None")
    if jobs < 1:
        raise ValueError(f"jobs: found {jobs}, expected 1 or more")
    job = Job(law, dict(readings or {}), form, recheck, partial(Coder, assumptions=assumptions))
    return outcomes(sheets, job, jobs=jobs)


# --- Frames


@dataclass(frozen=True)
class Frames:
    """What follows for encounters, in frames of the kind that came in; their columns stand in `frames.answers.COLUMNS`.

    `determinations` has a row for each encounter that is answered, in their order, with all that is said of it under
    `json`. `lines`, `drug_lines`, `excluded` and `missing` have the parts of it. `refused` names table, row and column
    of what cannot be used, the rows counted from 0.
    """

    determinations: Any
    lines: Any
    drug_lines: Any
    excluded: Any
    missing: Any
    refused: Any


def code_frame(
    encounters: Any,
    administrations: Any,
    policy: str | Policy = "out001",
    readings: Mapping[str, str] | None = None,
    *,
    services: Any = None,
    access_sites: Any = None,
    billed: Any = None,
    assumptions: bool = True,
    recheck: Recheck | None = None,
    jobs: int = 1,
) -> Frames:
    """Code encounters that are rows of frames: of pyarrow, pandas, polars, DuckDB, whatever gives Arrow streams.

    The columns are those that ``ivproof schema tables`` prints. A row that cannot be used refuses its encounter, and
    the others are answered. The frames that come out are of the kind of `encounters` where that is pandas, polars or
    DuckDB, else tables of pyarrow. Raises TableError where a frame is no such table, MissingExtraError where pyarrow is
    not installed, PolicyError and ValueError as `code` does.
    """
    arrow = load("pyarrow", "a frame")
    given = {
        "encounters": encounters,
        "administrations": administrations,
        "services": services,
        "access_sites": access_sites,
        "billed": billed,
    }
    frames = {name: _frame(arrow, name, it) for name, it in given.items() if it is not None}
    for name, frame in frames.items():
        check_columns(name, frame)
    tables = Tables(frames.pop("encounters"), frames)
    found = _outcomes(tables.sheets(), rows_of, policy, readings, assumptions=assumptions, recheck=recheck, jobs=jobs)
    rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for outcome in found:
        for name, some in (outcome.result or {}).items():
            rows[name] += some
        if outcome.result is None:
            rows["refused"] += _refused(outcome)
    return Frames(**{name: _of_kind(encounters, arrow_table(arrow, name, some)) for name, some in rows.items()})


def _frame(arrow: Any, name: str, given: Any) -> ArrowFrame:
    """Take a frame as a table of Arrow. Raises TableError."""
    try:
        return arrow_frame(name, arrow.table(given), 0)
    except UnreadableError as error:
        raise TableError(refuse(Source(name), error.problem)) from None
    except (arrow.ArrowException, TypeError, ValueError):  # their messages repeat what stands in a chart
        found = f"a {type(given).__name__} that is no table of Arrow"
        expected = "a frame that gives Arrow streams, with one type in each column"
        raise TableError(refuse(Source(name), Problem((), found, expected))) from None


def arrow_table(arrow: Any, name: str, rows: Iterable[Row]) -> Any:
    """Give rows as a table of pyarrow, with the types of that name."""
    types = COLUMNS[name]
    days = [key for key, it in types.items() if it.startswith("date")]
    taken = [{**row, **{key: dt.date.fromisoformat(row[key]) for key in days if row[key]}} for row in rows]
    return arrow.Table.from_pylist(taken, schema=arrow_schema(arrow, name))


def arrow_schema(arrow: Any, name: str) -> Any:
    """Give the schema of a table that comes out."""
    types = {
        "string": arrow.string(),
        "list<string>": arrow.list_(arrow.string()),
        "int64": arrow.int64(),
        "double": arrow.float64(),
        "bool": arrow.bool_(),
        "date32[day]": arrow.date32(),
    }
    return arrow.schema([(key, types[it]) for key, it in COLUMNS[name].items()])


def _refused(outcome: Outcome) -> Iterator[Row]:
    told = outcome.refusals or (Refusal("encounters", "", "", "", "\n".join(outcome.problems), outcome.source.line),)
    for it in told:
        yield {
            "table": it.file,
            "row": it.line,
            "column": it.place.removeprefix("column ") or None,
            "encounter": it.encounter or outcome.encounter,
            "found": it.found or None,
            "expected": it.expected or None,
            "message": it.message,
        }


def _of_kind(like: Any, table: Any) -> Any:
    """Give a table of pyarrow as a frame of the kind of another."""
    kind = type(like).__module__.partition(".")[0].lstrip("_")
    if kind == "pandas":
        return table.to_pandas()
    # whoever hands in such a frame has loaded the package
    return sys.modules[kind].from_arrow(table) if kind in {"polars", "duckdb"} else table
