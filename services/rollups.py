"""Rollups: small tables of a snapshot that answer for the facts.

Each holds, per bucket of time and combination of values of some columns, the aggregates of the model's measures, in
a form that can be aggregated again. `choose` picks them from the model and the data, `build` makes them, the planner
proves which of them may answer a query.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import duckdb
import orjson
import sqlalchemy as sa

from services.errors import RebuildError
from services.expressions import Element, names_in
from services.measures import Aggregate, MeasurePlan
from services.model import SalesModel
from services.periods import Grain
from services.sqltext import name_of, one, statement_text
from services.touched import Touched
from services.warehouse import Snapshot, rows_of

#: A column with more values than this is kept only by the rollups made for it.
FEW = 400
#: Below this many lines the facts answer as fast as a rollup would.
WORTHWHILE = 200_000
ROWS, HOUR, WEEKDAY = "__rows", "__hour", "__weekday"
DAY = dt.timedelta(days=1)
#: Lines that say how many rows a table would have, about, and the months they are spread over, at least.
SAMPLE_LINES, SAMPLE_MONTHS, SAMPLE = 1_000_000, 4, "sampled"
#: How partial results of an aggregate are put together.
AGAIN: Mapping[str, str] = {"sum": "sum", "count": "sum", "count_distinct": "sum", "min": "min", "max": "max"}


@dataclass(frozen=True)
class Rollup:
    """A rollup: its table, what each row stands for, and what it holds.

    `keys` are facts columns kept as they are, `parts` parts of the time beside the bucket; of `highest` columns the
    highest value of each row is kept. `states` maps an aggregate's text to its column. A rollup with an `entity`
    holds no states but the distinct values of that column, for `aggregate`. Of `masks` columns each row keeps the set
    of values behind it, and nothing else of the row can be told apart by them. An `image` is in memory, see images.py;
    its `highest` columns depend on its keys.
    """

    table: str
    grain: Grain
    keys: tuple[str, ...]
    parts: tuple[str, ...] = ()
    highest: tuple[str, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict, hash=False)
    entity: str = ""
    aggregate: str = ""
    rows: int = 0
    masks: tuple[str, ...] = ()
    image: bool = False

    def same(self, other: Rollup) -> bool:
        """Tell whether both have rows for the same, in whatever order of their keys."""
        mine, its = (({*each.keys}, {*each.parts}, each.masks, each.entity, each.aggregate) for each in (self, other))
        return self.grain is other.grain and mine == its

    @cached_property
    def label(self) -> str:
        """What the rollup is, for people."""
        return f"{self.grain.value}{self.columns}"

    @cached_property
    def columns(self) -> str:
        """What its rows are told apart by beside the time, for people."""
        sets = [f"set of {name}" for name in self.masks]
        by = "".join(f" × {name}" for name in (*(part.strip("_") for part in self.parts), *self.keys, *sets))
        named = f"{by} × {self.entity} ({self.aggregate})" if self.entity else by
        return f"{named}, in memory" if self.image else named


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


@dataclass(frozen=True)
class Tuning:
    """What people chose beside what is chosen for them: tables to have, and those not to have, by their `columns`."""

    add: tuple[Rollup, ...] = ()
    drop: tuple[str, ...] = ()

    def of(self, columns: Collection[str]) -> list[list[Rollup]]:
        """Return the tables to have whose keys are among some columns, each as the only one of its alternatives."""
        return [[each] for each in self.add if {*each.keys} <= {*columns}]

    def allows(self, wanted: Rollup, made: Iterable[Rollup]) -> bool:
        """Tell whether a table is to be made beside those made before."""
        return wanted.columns not in self.drop and not any(each.same(wanted) for each in made)


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


def build(
    connection: duckdb.DuckDBPyConnection, model: SalesModel, found: Survey | None, tuning: Tuning
) -> list[Rollup]:
    """Choose and make the rollups of the facts in a snapshot being built, and the table `rollups` that lists them."""
    made: list[Rollup] = []
    connection.execute("CREATE TABLE rollups (definition VARCHAR)")
    if found is not None:
        budget = int(found.lines * model.rollups)
        few, many = (tuple(column.name for column in columns) for columns in (found.few, found.many))
        for alternatives in (*tuning.of(model.facts.columns), *choose(few, many, found.alone)):
            wanted = first_that_fits(alternatives, lambda each: estimate(connection, model, found, each) <= budget)  # noqa: B023 - called at once
            if wanted is not None and tuning.allows(wanted, made):
                rollup = _make(connection, model, wanted, f"rollup_{len(made)}", found.alone)
                budget -= rollup.rows
                made.append(rollup)
    _write_down(connection, made)
    return made


def _write_down(connection: duckdb.DuckDBPyConnection, made: Iterable[Rollup]) -> None:
    definitions = [[orjson.dumps(asdict(rollup)).decode()] for rollup in made]
    if definitions:
        connection.executemany("INSERT INTO rollups VALUES (?)", definitions)


def first_that_fits(alternatives: Sequence[Rollup], fits: Callable[[Rollup], bool]) -> Rollup | None:
    """Return the first that fits of alternatives of which each has fewer rows than the one before.

    Looking at one takes a scan of many lines, so the last is looked at before those in the middle.
    """
    if not alternatives or fits(alternatives[0]):
        return alternatives[0] if alternatives else None
    if len(alternatives) == 1 or not fits(alternatives[-1]):
        return None
    too_many, few_enough = 0, len(alternatives) - 1
    while few_enough - too_many > 1:
        middle = (few_enough + too_many) // 2
        too_many, few_enough = (too_many, middle) if fits(alternatives[middle]) else (middle, few_enough)
    return alternatives[few_enough]


def read(definitions: Sequence[str]) -> tuple[Rollup, ...]:
    """Return the rollups a snapshot lists."""
    return tuple(rollup_from(orjson.loads(text)) for text in definitions)


def rollup_from(row: Mapping[str, Any]) -> Rollup:
    """Return the rollup that was written down as JSON."""
    lists = {name: tuple(row.get(name, ())) for name in ("keys", "parts", "highest", "masks")}
    return Rollup(**{**row, **lists, "grain": Grain(row["grain"])})


def rollups_of(snapshot: Snapshot) -> tuple[Rollup, ...]:
    """Return the rollups of a version; none where a version of Salescope without them made it."""
    there = sa.text(
        "SELECT count(*) AS tables FROM information_schema.tables "
        "WHERE table_name = 'rollups' AND table_schema = current_schema()"
    )
    if snapshot.coverage is not None or not rows_of(snapshot, there)[0]["tables"]:
        return ()
    return read([row["definition"] for row in rows_of(snapshot, sa.text("SELECT definition FROM rollups"))])


#: Counts of distinct values, each with the columns of which a counted value has one; None when it has several days.
Alone = Mapping[Aggregate, tuple[str, ...] | None]


def choose(few: tuple[str, ...], many: Sequence[str], alone: Alone) -> Iterator[list[Rollup]]:
    """Yield what is worth having, the most useful first, as alternatives of which the first that fits is made.

    `few` are columns of few values, `many` others that queries group by.
    """
    prefixes = [few[:count] for count in range(len(few), -1, -1)]
    yield [Rollup("", Grain.DAY, keys) for keys in prefixes]
    for kept in dict.fromkeys(kept for kept in alone.values() if kept is not None and kept != few):
        yield [Rollup("", Grain.DAY, kept)]
    for column in many:
        yield [Rollup("", Grain.MONTH, (*keys, column)) for keys in prefixes]
    yield [Rollup("", Grain.MONTH, keys, (HOUR, WEEKDAY)) for keys in prefixes]
    for each in (each for each, kept in alone.items() if kept is None):
        yield [Rollup("", Grain.MONTH, keys, entity=each.source, aggregate=each.text) for keys in prefixes]


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


def _cells(model: SalesModel, rollup: Rollup) -> list[str]:
    """Return the expressions a row of the rollup stands for, with their names."""
    time = name_of(model.facts.time)
    parts = {HOUR: f"hour({time})::INTEGER", WEEKDAY: f"isodow({time})::INTEGER"}
    cells = [f"{_bucket(model, rollup.grain)}::TIMESTAMP AS {time}"]
    cells += [f"{parts[part]} AS {name_of(part)}" for part in rollup.parts]
    cells += [name_of(key) for key in rollup.keys]
    return [*cells, name_of(rollup.entity)] if rollup.entity and rollup.entity not in rollup.keys else cells


def estimate(connection: duckdb.DuckDBPyConnection, model: SalesModel, found: Survey, rollup: Rollup) -> int:
    """Return about how many rows a rollup would have, after a sample of the lines."""
    cells = ", ".join(cell.split(" AS ")[0] for cell in _cells(model, rollup))
    counted = f"approx_count_distinct(hash({cells}))"
    (rows,) = one(connection, f"SELECT {counted} FROM {SAMPLE}")  # noqa: S608 - a model's names
    return int(rows * found.share)


def _make(connection: duckdb.DuckDBPyConnection, model: SalesModel, wanted: Rollup, table: str, alone: Alone) -> Rollup:
    if wanted.entity:
        return _make_entities(connection, model, wanted, table)
    plan = MeasurePlan(model, tuple(model.measures))
    aggregates = [column for column, each in plan.described.items() if _adds_up(each, wanted, alone)]
    highest = tuple(
        name
        for dimension in model.dimensions.values()
        if dimension.column in wanted.keys
        for name in (dimension.label_column, dimension.code_column)
        if name is not None and name not in wanted.keys
    )
    wanted = replace(wanted, highest=tuple(dict.fromkeys(highest)))
    connection.execute(f"CREATE TABLE {table} AS {_select(model, wanted, plan, aggregates)} ORDER BY 1")
    (rows,) = one(connection, f"SELECT count(*) FROM {table}")  # noqa: S608 - a name made here
    distinct = [column for column in aggregates if plan.described[column].function == "count_distinct"]
    lost = {column for column in distinct if not _proven(connection, model, plan.aggregates[column], table, column)}
    states = {plan.described[column].text: column for column in aggregates if column not in lost}
    return replace(wanted, table=table, states=states, rows=rows)


def _select(
    model: SalesModel, rollup: Rollup, plan: MeasurePlan, aggregates: Iterable[str], within: str = "true"
) -> str:
    """Return the select of a rollup's rows: of all the facts, or those within a condition."""
    cells = _cells(model, rollup)
    columns = [*cells, f"count(*)::BIGINT AS {ROWS}"]
    labelled = [plan.aggregates[column].label(column) for column in aggregates]
    if labelled:
        selected = statement_text(sa.select(*labelled).select_from(model.table))
        columns.append(selected.removeprefix("SELECT ").rpartition("FROM")[0].strip())
    columns += [f"max({name_of(name)}) AS {name_of(name)}" for name in rollup.highest]
    return (
        f"SELECT {', '.join(columns)} FROM {name_of(model.facts.table)} WHERE {within} "  # noqa: S608 - a model's names
        f"GROUP BY {', '.join(map(str, range(1, len(cells) + 1)))}"
    )


def renew(connection: duckdb.DuckDBPyConnection, model: SalesModel, touched: Touched) -> None:
    """Make the rows anew of all buckets that touched days lie in; raises RebuildError where that does not do."""
    plan = MeasurePlan(model, tuple(model.measures))
    described = {each.text: each for each in plan.described.values()}
    listed = connection.execute("SELECT definition FROM rollups").fetchall()
    made = []
    for rollup in read([row[0] for row in listed]):
        for text in rollup.states:
            if described[text].function == "count_distinct":
                require_alone(connection, model, described[text], rollup.keys, touched)
        within = touched.within(rollup.grain)
        rows = (
            _entities(model, rollup, described[rollup.aggregate], within)
            if rollup.entity
            else _select(model, rollup, plan, rollup.states.values(), within)
        )
        connection.execute(f"DELETE FROM {rollup.table} WHERE {within}")  # noqa: S608 - names made here
        connection.execute(f"INSERT INTO {rollup.table} BY NAME {rows} ORDER BY 1")
        (count,) = one(connection, f"SELECT count(*) FROM {rollup.table}")  # noqa: S608 - a name made here
        made.append(replace(rollup, rows=count))
    connection.execute("DELETE FROM rollups")
    _write_down(connection, made)


def require_alone(
    connection: duckdb.DuckDBPyConnection,
    model: SalesModel,
    aggregate: Aggregate,
    keys: Sequence[str],
    touched: Touched,
) -> None:
    """Raise RebuildError unless each counted value of touched days has one day and one value of each key."""
    table, name, within = name_of(model.facts.table), name_of(aggregate.source), touched.within(Grain.DAY)
    where = counted(model, aggregate)
    cells = ", ".join((name, f"{name_of(model.facts.time)}::DATE", *map(name_of, keys)))
    values, pairs = one(
        connection,
        f"SELECT count(DISTINCT {name}), count(DISTINCT ({cells})) FROM {table} WHERE {within} AND {where}",  # noqa: S608 - a model's names
    )
    (elsewhere,) = one(
        connection,
        f"SELECT count(*) FROM {table} SEMI JOIN (SELECT DISTINCT {name} FROM {table} WHERE {within} AND {where}) "  # noqa: S608 - as above
        f"USING ({name}) WHERE NOT ({within}) AND {where}",
    )
    if values != pairs or elsewhere:
        raise RebuildError(f"{aggregate.text} adds up no longer.")


def _adds_up(aggregate: Aggregate, wanted: Rollup, alone: Alone) -> bool:
    """Tell whether partial results of an aggregate can be put together, as far as a sample shows."""
    if aggregate.function != "count_distinct":
        return aggregate.function in AGAIN
    kept = alone.get(aggregate)
    return kept is not None and not wanted.parts and set(wanted.keys) <= {*kept}


def _proven(
    connection: duckdb.DuckDBPyConnection, model: SalesModel, counted: Element, table: str, column: str
) -> bool:
    """Tell whether counts of distinct values add up; drop the column when they do not.

    They do when each value stands in one row only, which is so when the sum is the whole count.
    """
    (total,) = one(connection, f"SELECT sum({column}) FROM {table}")  # noqa: S608 - names made here
    if (total or 0) == one(connection, statement_text(sa.select(counted).select_from(model.table)))[0]:
        return True
    connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    return False


def _make_entities(connection: duckdb.DuckDBPyConnection, model: SalesModel, wanted: Rollup, table: str) -> Rollup:
    plan = MeasurePlan(model, tuple(model.measures))
    (aggregate,) = {each for each in plan.described.values() if each.text == wanted.aggregate}
    connection.execute(f"CREATE TABLE {table} AS {_entities(model, wanted, aggregate)} ORDER BY 1")
    (rows,) = one(connection, f"SELECT count(*) FROM {table}")  # noqa: S608 - a name made here
    return Rollup(table, wanted.grain, wanted.keys, entity=wanted.entity, aggregate=wanted.aggregate, rows=rows)


def _entities(model: SalesModel, rollup: Rollup, aggregate: Aggregate, within: str = "true") -> str:
    """Return the select of the distinct values a rollup keeps: of all the facts, or those within a condition."""
    return (
        f"SELECT DISTINCT {', '.join(_cells(model, rollup))} "  # noqa: S608 - a model's names
        f"FROM {name_of(model.facts.table)} WHERE {within} AND {counted(model, aggregate)}"
    )
