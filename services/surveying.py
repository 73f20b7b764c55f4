"""Surveying: what the facts of a snapshot being built are like, and how many rows tables of them would have, about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import sqlalchemy as sa

from services.expressions import names_in
from services.measures import Aggregate, MeasurePlan
from services.model import SalesModel
from services.periods import Grain
from services.rollups import HOUR, WEEKDAY, Rollup
from services.sqltext import name_of, one, statement_text
from services.touched import Touched

#: A column with more values than this is kept only by the rollups made for it.
FEW = 400
#: Below this many lines the facts answer as fast as a rollup would.
WORTHWHILE = 200_000
DAY = dt.timedelta(days=1)
#: Lines that say how many rows a table would have, about, and the months they are spread over, at least.
SAMPLE_LINES, SAMPLE_MONTHS, SAMPLE = 1_000_000, 4, "sampled"


@dataclass(frozen=True)
class KeyColumn:
    """A facts column that may be a key, and how many values it has, about."""

    name: str
    values: int


@dataclass(frozen=True)
class Survey:
    """What the facts are like: how many lines, columns of few values, others that queries group by, distinct counts.

    A line of the view `SAMPLE` stands for `share` lines of them.
    """

    lines: int
    few: tuple[KeyColumn, ...]
    many: tuple[KeyColumn, ...]
    alone: Alone
    share: float = 1.0


def survey(connection: duckdb.DuckDBPyConnection, model: SalesModel) -> Survey | None:
    """Look at the facts in a snapshot being built; None where rollups are not worth their while."""
    (lines,) = one(connection, f"SELECT count(*) FROM {name_of(model.facts.table)}")  # noqa: S608 - a model's name
    if lines < WORTHWHILE or model.facts.place is not None or not model.rollups:
        return None
    few, many = _columns(connection, model, lines)
    names = tuple(column.name for column in few)
    alone = {each: _functional(connection, model, each, names) for each in distinct_counts(model)}
    return Survey(lines, tuple(few), tuple(many), alone, _sample(connection, model, lines))


def _sample(connection: duckdb.DuckDBPyConnection, model: SalesModel, lines: int) -> float:
    """Make the view of lines that estimates read, those of months spread evenly; return what a line stands for.

    Whole months: the rows of a table by day or month are those of its months, one after the other.
    """
    table, time = name_of(model.facts.table), name_of(model.facts.time)
    counted = f"SELECT date_trunc('month', {time})::TIMESTAMP AS m, count(*) FROM {table} GROUP BY 1 ORDER BY 1"  # noqa: S608 - a model's names
    months = connection.execute(counted).fetchall()
    step = max(1, min(lines // SAMPLE_LINES, len(months) // SAMPLE_MONTHS))
    chosen = months[step // 2 :: step]
    # A select for each: of one with many conditions, DuckDB reads all the lines.
    days = [Touched(model.facts.table, model.facts.time, month, month + DAY) for month, _ in chosen]
    parts = [f"SELECT * FROM {table} WHERE {each.within(Grain.MONTH)}" for each in days]  # noqa: S608 - as above
    whole = f"SELECT * FROM {table}"  # noqa: S608 - as above
    connection.execute(f"CREATE TEMP VIEW {SAMPLE} AS {' UNION ALL '.join(parts) if step > 1 else whole}")
    return lines / sum(count for _, count in chosen) if step > 1 else 1.0


#: Counts of distinct values, each with the columns of which a counted value has one; None when it has several days.
Alone = Mapping[Aggregate, tuple[str, ...] | None]


def distinct_counts(model: SalesModel) -> list[Aggregate]:
    """Return the counts of a column's distinct values that measures ask for."""
    plan = MeasurePlan(model, tuple(model.measures))
    counts = (each for each in plan.described.values() if each.function == "count_distinct")
    return [each for each in counts if each.source in model.facts.columns]


def _columns(
    connection: duckdb.DuckDBPyConnection, model: SalesModel, lines: int
) -> tuple[list[KeyColumn], list[KeyColumn]]:
    """Return the columns that queries group by or filter on: those with few values, and others worth a rollup."""
    wanted = {dimension.column for dimension in model.dimensions.values()}
    hidden = {dimension.column for dimension in model.dimensions.values() if dimension.hide}
    wanted |= {name for segment in model.segments.values() for name in names_in(segment.condition)} & hidden
    ordered = [name for name in model.facts.columns if name in wanted]
    counts = ", ".join(f"approx_count_distinct({name_of(name)})" for name in ordered)
    if not ordered:
        return [], []
    found = one(connection, f"SELECT {counts} FROM {name_of(model.facts.table)}")  # noqa: S608 - a model's names
    columns = [KeyColumn(name, count) for name, count in zip(ordered, found, strict=True)]
    few = sorted(
        (each for each in columns if each.values <= FEW), key=lambda each: (each.name not in hidden, each.values)
    )
    many = sorted((each for each in columns if FEW < each.values <= lines // 50), key=lambda each: each.values)
    return few, many


def _functional(
    connection: duckdb.DuckDBPyConnection, model: SalesModel, aggregate: Aggregate, keys: Sequence[str]
) -> tuple[str, ...] | None:
    """Return the keys of which each counted value has one; None when a value is seen on several days.

    Judged by a sample of values; `_proven` does it for all.
    """
    table, time, name = name_of(model.facts.table), name_of(model.facts.time), name_of(aggregate.source)
    counts = "".join(f", count(DISTINCT ({name}, {name_of(key)}))" for key in keys)
    total, days, *pairs = one(
        connection,
        f"SELECT count(DISTINCT {name}), count(DISTINCT ({name}, {time}::DATE)){counts} "  # noqa: S608 - a model's names
        f"FROM {table} WHERE hash({name}) % 64 = 0 AND {counted(model, aggregate)}",
    )
    if not total or days != total:
        return None
    return tuple(key for key, pair in zip(keys, pairs, strict=True) if pair == total)


def counted(model: SalesModel, aggregate: Aggregate) -> str:
    """Return the condition of the rows whose values are counted."""
    where = f"{name_of(aggregate.source)} IS NOT NULL"
    if aggregate.condition is None:
        return where
    compiled = statement_text(sa.select(sa.literal(1)).where(model.row_compiler.compile(aggregate.condition)))
    return f"{where} AND ({compiled.partition('WHERE')[2]})"


def _bucket(model: SalesModel, grain: Grain) -> str:
    return f"date_trunc('{grain.value}', {name_of(model.facts.time)})"


def cells_of(model: SalesModel, rollup: Rollup) -> list[str]:
    """Return the expressions a row of the rollup stands for, with their names."""
    time = name_of(model.facts.time)
    parts = {HOUR: f"hour({time})::INTEGER", WEEKDAY: f"isodow({time})::INTEGER"}
    cells = [f"{_bucket(model, rollup.grain)}::TIMESTAMP AS {time}"]
    cells += [f"{parts[part]} AS {name_of(part)}" for part in rollup.parts]
    cells += [name_of(key) for key in rollup.keys]
    return [*cells, name_of(rollup.entity)] if rollup.entity and rollup.entity not in rollup.keys else cells


def estimate(connection: duckdb.DuckDBPyConnection, model: SalesModel, found: Survey, rollup: Rollup) -> int:
    """Return about how many rows a rollup would have, after a sample of the lines."""
    cells = ", ".join(cell.split(" AS ")[0] for cell in cells_of(model, rollup))
    counted = f"approx_count_distinct(hash({cells}))"
    (rows,) = one(connection, f"SELECT {counted} FROM {SAMPLE}")  # noqa: S608 - a model's names
    return int(rows * found.share)
