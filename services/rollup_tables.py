"""Rollup tables: chooses the rollups of a snapshot being built, makes them, and brings them up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace

import duckdb
import orjson
import sqlalchemy as sa

from services.errors import RebuildError
from services.expressions import Element
from services.measures import Aggregate, MeasurePlan
from services.model import SalesModel
from services.periods import Grain
from services.rollups import AGAIN, HOUR, ROWS, WEEKDAY, Rollup, Tuning, read
from services.sqltext import name_of, one, statement_text
from services.surveying import Alone, Survey, cells_of, counted, estimate
from services.touched import Touched


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
    cells = cells_of(model, rollup)
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
        f"SELECT DISTINCT {', '.join(cells_of(model, rollup))} "  # noqa: S608 - a model's names
        f"FROM {name_of(model.facts.table)} WHERE {within} AND {counted(model, aggregate)}"
    )
