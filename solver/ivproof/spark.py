"""Charts in a data frame of Spark, coded where they are: `ivproof.spark.code(df)`.

Each row is a chart, or with `administrations` its own frame each row is an encounter. A row gives the line of JSON that
``ivproof code --format json`` writes. Spark and the Java that it needs are installed apart: ``pip install
'ivproof[spark]'``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ivproof.chart.fields import number_as_text
from ivproof.chart.refusal import Problem, Refusal, Source, refuse, show
from ivproof.claim.batch import Job, Outcome, outcomes
from ivproof.claim.coding import Coder, Recheck
from ivproof.formats.extras import load
from ivproof.frames.answers import determination_row
from ivproof.frames.coding import arrow_schema
from ivproof.importers.columns import OWN_TABLE, columns_of
from ivproof.importers.tables import (
    WHOLE,
    TableError,
    TableSheet,
    arrow_frame,
    check_columns,
    in_order,
    key_of,
    whole_charts,
)
from ivproof.law.policy import Policy

OUT = "encounter string, status string, policy_digest string, json string, problems array<string>"
"""The columns that come out. A chart that has no answer has the status refused or failed, and its problems."""

_TIMES = "__ivproof_times"
_KEY = "__ivproof_key"
_OWNER = "__ivproof_owner"
"""The encounter that joined administrations belong to."""


def code(
    encounters: Any,
    administrations: Any = None,
    *,
    policy: str | Policy = "out001",
    readings: Mapping[str, str] | None = None,
    assumptions: bool = True,
    recheck: Recheck = "sample",
) -> Any:
    """Code charts of a data frame of Spark; give a data frame with the columns `OUT`, a row for each.

    The columns are those of tables (``ivproof schema tables``). `administrations` is a column of the encounters, an
    array of records, or a frame of its own, which is then joined to them. Rows of which another has the same id are
    refused, wherever they are, and so are administrations of no encounter. Nothing is computed before Spark is asked
    for it. Raises TableError where a column is not known or lacking, PolicyError where there is no such policy,
    question or option.
    """
    functions = load("pyspark.sql.functions", "a data frame of Spark")
    law = Policy.load(policy) if isinstance(policy, str) else policy
    law.settings(readings)
    charts = encounters if administrations is None else _joined(functions, encounters, administrations)
    _check("encounters", [it for it in charts.columns if it != _OWNER])
    key = functions.udf(_key, "string")
    keyed = charts.withColumn(_KEY, key(functions.col("id")))
    several = keyed.groupBy(_KEY).count().where("count > 1").withColumnRenamed("count", _TIMES)
    counted = keyed.join(functions.broadcast(several), _KEY, "left").drop(_KEY)
    # Spark makes one part of what is small in bytes, and coding takes time and not bytes
    spread = counted.repartition(_parts(encounters.sparkSession))
    return spread.mapInArrow(_Coding(law, tuple((readings or {}).items()), assumptions, recheck), OUT)


def _parts(session: Any) -> int:
    """Into how many parts charts are spread: one for each core; over a connection as many as Spark shuffles into."""
    try:
        return int(session.sparkContext.defaultParallelism)
    except Exception:  # of another kind in each release; a session over a connection has no context
        return int(session.conf.get("spark.sql.shuffle.partitions"))


class _Columns:
    """The names of the columns of a frame, to be looked at."""

    def __init__(self, file: str, names: list[str]) -> None:
        self.file = file
        self.names = names


def _check(kind: str, names: list[str]) -> None:
    frame: Any = _Columns(kind, names)
    check_columns(kind, frame, *((WHOLE,) if kind == "encounters" else ()))
    if kind == "encounters" and OWN_TABLE not in names:
        problem = Problem((), f"no column {OWN_TABLE}", "it, or a frame of administrations beside the encounters")
        raise TableError(refuse(Source(kind), problem))


def _joined(functions: Any, encounters: Any, administrations: Any) -> Any:
    """Give encounters with their administrations in a column, in the order of their positions."""
    _check(OWN_TABLE, administrations.columns)
    if "position" not in administrations.columns:  # rows of Spark have no order of their own
        problem = Problem((), "no column position", "it: the rows of a frame of Spark have no order")
        raise TableError(refuse(Source(OWN_TABLE), problem))
    own = [it.name for it in columns_of(OWN_TABLE) if it.name in administrations.columns and it.name != "encounter"]
    key = functions.udf(_key, "string")
    given = (
        administrations.withColumn(_KEY, key(functions.col("encounter")))
        .groupBy(_KEY)
        .agg(functions.collect_list(functions.struct(*own)).alias(OWN_TABLE))
    )
    known = encounters.withColumn(_KEY, key(functions.col("id")))
    return known.join(given, _KEY, "full_outer").withColumnRenamed(_KEY, _OWNER)


# --- On the workers


def _key(value):  # type: ignore[no-untyped-def]  # hints would make Spark look for a function of pandas
    return key_of(value)


class _Coding:
    """Codes the batches of one partition."""

    def __init__(self, law: Policy, readings: tuple[tuple[str, str], ...], assumptions: bool, recheck: Recheck) -> None:
        self.law = law
        self.readings = readings
        self.assumptions = assumptions
        self.recheck = recheck

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Give the answers of batches as batches."""
        arrow = load("pyarrow", "a data frame of Spark")
        make: Callable[..., Coder] = partial(_coder, assumptions=self.assumptions)
        job = Job(self.law, dict(self.readings), determination_row, self.recheck, make)
        texts = arrow.list_(arrow.string())
        schema = arrow_schema(arrow, "determinations").append(arrow.field("problems", texts))
        for batch in batches:
            table = arrow.Table.from_batches([batch])
            marks = {it: table.column(it).to_pylist() for it in (_TIMES, _OWNER) if it in table.column_names}
            frame = arrow_frame("encounters", table.drop_columns(list(marks)), 0)
            sheets = (_sheet(index, it, marks) for index, it in whole_charts(frame))
            rows = [_row(it) for it in outcomes(sheets, job, jobs=1)]
            yield from arrow.Table.from_pylist(rows, schema=schema).to_batches()


def _coder(law: Policy, readings: Mapping[str, str], *, assumptions: bool) -> Coder:
    """Give a coder; a process of Spark answers many partitions, and loads the law once."""
    key = (law.digest, tuple(readings.items()), assumptions)
    if key not in _CODERS:
        _CODERS[key] = Coder(law, readings, assumptions=assumptions)
    return _CODERS[key]


_CODERS: dict[Any, Coder] = {}


def _sheet(index: int, sheet: TableSheet, marks: Mapping[str, list[Any]]) -> TableSheet:
    """Give a chart, with what is wrong with it beside the others."""
    content, wrong = dict(sheet.content), []
    name, given = content.get("id"), content.get(OWN_TABLE) or []
    if times := marks[_TIMES][index]:
        wrong.append(Problem(("id",), f"{show(name)} in {times} rows", "an id that no other row has"))
    if _OWNER in marks:
        order, misplaced = in_order([it.pop("position", None) for it in given])
        content[OWN_TABLE] = [given[it] for it in order]
        wrong += (Problem((OWN_TABLE, at, "position"), it.found, it.expected) for at, it in misplaced)
        if name is None and given:
            owner = marks[_OWNER][index]
            found = f"those of {'nothing' if owner is None else show(owner)}"
            return replace(
                sheet,
                refusals=(_told(sheet.source, Problem((OWN_TABLE,), found, "an encounter of that id")),),
                content={},
            )
    told = (_told(sheet.source, it, number_as_text(name)) for it in wrong)
    return replace(sheet, content=content, refusals=(*sheet.refusals, *told))


def _told(source: Source, problem: Problem, name: object = None) -> Refusal:
    return refuse(source, problem, encounter=name)


def _row(outcome: Outcome) -> dict[str, Any]:
    if outcome.result is not None:
        return {**outcome.result, "problems": list(outcome.problems)}
    name = outcome.encounter or next((it.encounter for it in outcome.refusals if it.encounter), None)
    status = "refused" if outcome.failure is None else "failed"
    return {"encounter": name, "status": status, "problems": list(outcome.problems)}
