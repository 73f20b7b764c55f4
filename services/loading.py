"""Loading: files -> normalised Parquet -> a new snapshot of the warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
from duckdb_engine import Dialect

from services import expressions
from services.errors import LoadError, UnknownNameError
from services.geography import country_code
from services.model import SQL_TYPES, SalesModel
from services.recipe import Mapped, MostFrequent, Recipe, Source, digest
from services.warehouse import Warehouse, rows_of

Progress = Callable[[str, float], None]
#: Line ids of one load lie below this; the load's number is added in multiples of it.
LOAD_STRIDE = 10**10


@dataclass(frozen=True)
class Load:
    """A load as the ledger of a snapshot keeps it. rows_read = rows_kept + rows_left_out."""

    digest: str
    name: str
    rows_read: int
    rows_kept: int
    rows_left_out: int
    first_time: dt.datetime
    last_time: dt.datetime
    loaded_at: dt.datetime
    loaded_by: str


@dataclass(frozen=True)
class Loaded:
    """Outcome of `load`: the ledger entry, the live version, and whether anything changed."""

    load: Load
    version: int
    changed: bool


def load(
    warehouse: Warehouse,
    model: SalesModel,
    recipe: Recipe,
    folder: Path,
    *,
    by: str,
    progress: Progress = lambda stage, share: None,
) -> Loaded:
    """Load the recipe's files and publish a new snapshot.

    The same content under the same recipe is recognised and changes nothing. Raises LoadError; the live
    snapshot then stays as it is.
    """
    for source in recipe.sources:
        if not (folder / source.file).is_file():
            raise LoadError(f"The file {folder / source.file} named by the recipe {recipe.name!r} does not exist.")
    with warehouse.writing():
        progress("Reading the ledger", 0.02)
        identity = digest(recipe, folder)
        ledger = loads(warehouse)
        for entry in ledger:
            if entry.digest == identity:
                return Loaded(entry, warehouse.live().version, changed=False)
        entry = _normalise(warehouse, model, recipe, folder, identity, by, progress)
        progress("Building the snapshot", 0.6)
        pointer = warehouse.publish(
            lambda connection: _build(connection, warehouse.root, model, [*ledger, entry]),
            entry.loaded_at.isoformat(timespec="seconds"),
        )
        progress("Published", 1.0)
        return Loaded(entry, pointer.version, changed=True)


def loads(warehouse: Warehouse) -> list[Load]:
    """Return the ledger of the live snapshot, oldest first; empty before the first load."""
    if warehouse.pointer() is None:
        return []
    rows = rows_of(warehouse.current(), sa.text("SELECT * FROM loads ORDER BY loaded_at"))
    return [Load(**row) for row in rows]


def _normalise(
    warehouse: Warehouse,
    model: SalesModel,
    recipe: Recipe,
    folder: Path,
    identity: str,
    by: str,
    progress: Progress,
) -> Load:
    """Write the recipe's rows as the model's columns into `loads/<digest>.parquet` and return the ledger entry."""
    target = _parquet(warehouse.root, identity)
    target.parent.mkdir(exist_ok=True, mode=0o700)
    try:
        with duckdb.connect(config={"memory_limit": "2GB"}) as connection:
            rows_read = _stage(connection, model, recipe, folder, progress)
            progress("Naming and coding", 0.4)
            joins = [*_most_frequent(connection, recipe), *_country_codes(connection, recipe)]
            progress("Keeping the load", 0.5)
            _write(connection, model, joins, target)
            time = _name(model.facts.time)
            kept, first, last = _one(
                connection,
                f"SELECT count(*), min({time}), max({time}) FROM read_parquet(?)",  # noqa: S608
                [str(target)],
            )
    except duckdb.Error as error:
        raise LoadError(f"The recipe {recipe.name!r} cannot load its files: {error}") from error
    if not kept:
        target.unlink()
        raise LoadError(f"The recipe {recipe.name!r} leaves no row of the {rows_read} it read.")
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return Load(identity, recipe.name, rows_read, kept, rows_read - kept, first, last, now, by)


def _parquet(root: Path, identity: str) -> Path:
    return root / "loads" / f"{identity}.parquet"


def _stage(
    connection: duckdb.DuckDBPyConnection, model: SalesModel, recipe: Recipe, folder: Path, progress: Progress
) -> int:
    """Fill the table `stage` from all sources; return the number of rows read."""
    rows_read = 0
    for number, source in enumerate(recipe.sources):
        progress(f"Reading {source.file}", 0.05 + 0.3 * number / len(recipe.sources))
        view = f"source_{number}"
        connection.read_parquet(str(folder / source.file), file_row_number=True).create_view(view)
        statement = _source_select(connection, model, recipe, source, view, rows_read)
        verb = f"CREATE TABLE stage AS {statement}" if number == 0 else f"INSERT INTO stage {statement}"
        connection.execute(verb)
        rows_read += _one(connection, f"SELECT count(*) FROM {view}")[0]  # noqa: S608 - a name made here
    return rows_read


def _source_select(
    connection: duckdb.DuckDBPyConnection,
    model: SalesModel,
    recipe: Recipe,
    source: Source,
    view: str,
    offset: int,
) -> str:
    found = [row[0] for row in connection.execute(f"DESCRIBE {view}").fetchall()]
    table = sa.table(view, *(sa.column(name) for name in found))
    names: dict[str, expressions.Element] = {name: table.c[name] for name in found}
    key = (table.c.file_row_number + sa.literal_column(str(offset + 1))).label(model.facts.key)
    selected: list[sa.ColumnElement[Any]] = [sa.cast(key, sa.BigInteger).label(model.facts.key)]
    for name, rule in {**recipe.let, **recipe.columns}.items():
        element = _column(names, rule)
        if name in recipe.columns:
            if name not in model.facts.columns:
                raise LoadError(f"The recipe fills a column {name!r} that the model {model.name!r} does not have.")
            element = sa.cast(element, SQL_TYPES[model.facts.columns[name].type])
        names[name] = element
        selected.append(element.label(name))
    statement = sa.select(*selected).select_from(table)
    if source.where is not None:
        statement = statement.where(expressions.Compiler(names).compile(source.where))
    return _literal(statement)


def _column(names: Mapping[str, expressions.Element], rule: str | Mapped) -> expressions.Element:
    compiler = expressions.Compiler(names)
    if isinstance(rule, str):
        return compiler.compile(rule)
    value = compiler.compile(rule.value)
    return sa.case(rule.replace, value=value, else_=value)


def _most_frequent(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """Make a table per such column; yield (column, its SQL in the final select, join)."""
    for name, rule in recipe.most_frequent.items():
        connection.execute(f"CREATE TABLE most_{name} AS {_most_frequent_select(connection, rule)}")
        otherwise = f"stage.{_name(rule.otherwise)}"
        yield name, f"coalesce(most_{name}.value, {otherwise})", _join(f"most_{name}", rule.per)


def _most_frequent_select(connection: duckdb.DuckDBPyConnection, rule: MostFrequent) -> str:
    found = [row[0] for row in connection.execute("DESCRIBE stage").fetchall()]
    for wanted in (rule.per, rule.value, rule.otherwise):
        if wanted not in found:
            raise UnknownNameError("column under most_frequent", wanted, found)
    stage = sa.table("stage", *(sa.column(name, sa.String()) for name in found))
    key, value = stage.c[rule.per].label("key"), stage.c[rule.value].label("value")
    rank = sa.func.row_number().over(partition_by=key, order_by=(sa.func.count().desc(), value)).label("rank")
    counted = (
        sa.select(key, value, rank)
        .where(expressions.Compiler(dict(stage.c)).compile(rule.where), sa.func.coalesce(value, "") != "")
        .group_by(key, value)
        .subquery()
    )
    return _literal(sa.select(counted.c.key, counted.c.value).where(counted.c.rank == 1))


def _country_codes(connection: duckdb.DuckDBPyConnection, recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    for name, of in recipe.country_codes.items():
        found = connection.execute(f"SELECT DISTINCT {_name(of)} FROM stage").fetchall()  # noqa: S608
        connection.execute(f"CREATE TABLE code_{name} (key VARCHAR, value VARCHAR)")
        connection.executemany(
            f"INSERT INTO code_{name} VALUES (?, ?)",  # noqa: S608 - a name of the recipe, checked by its pattern
            [[country, country_code(country)] for (country,) in found if country],
        )
        yield name, f"code_{name}.value", _join(f"code_{name}", of)


def _join(table: str, key: str) -> str:
    return f"LEFT JOIN {table} ON {table}.key = stage.{_name(key)}"


def _write(
    connection: duckdb.DuckDBPyConnection, model: SalesModel, joins: list[tuple[str, str, str]], target: Path
) -> None:
    made = {name: sql for name, sql, _ in joins}
    filled = {row[0] for row in connection.execute("DESCRIBE stage").fetchall()}
    missing = [name for name in model.facts.columns if name not in filled and name not in made]
    if missing:
        raise LoadError(
            f"The recipe does not fill {', '.join(missing)}, which the model {model.name!r} has. "
            "Add them to the recipe's columns, or take them out of the model."
        )
    columns = ", ".join(f"{made.get(name, f'stage.{_name(name)}')} AS {_name(name)}" for name in model.facts.columns)
    joined = " ".join(join for *_, join in joins)
    partial = target.with_suffix(".part")
    connection.execute(f"COPY (SELECT {columns} FROM stage {joined}) TO '{_quoted(partial)}' (FORMAT parquet)")  # noqa: S608
    partial.replace(target)


def _build(connection: duckdb.DuckDBPyConnection, root: Path, model: SalesModel, ledger: list[Load]) -> None:
    """Fill a new snapshot: facts sorted by time, the ledger, and what the data cover."""
    time, key, table = _name(model.facts.time), _name(model.facts.key), _name(model.facts.table)
    parts = " UNION ALL ".join(
        f"SELECT * REPLACE ({key} + {number * LOAD_STRIDE} AS {key}) "  # noqa: S608
        f"FROM read_parquet('{_quoted(_parquet(root, entry.digest))}')"
        for number, entry in enumerate(ledger)
    )
    connection.execute(f"CREATE TABLE {table} AS SELECT * FROM ({parts}) ORDER BY {time}, {key}")  # noqa: S608
    connection.execute(
        "CREATE TABLE loads (digest VARCHAR PRIMARY KEY, name VARCHAR, rows_read BIGINT, rows_kept BIGINT, "
        "rows_left_out BIGINT, first_time TIMESTAMP, last_time TIMESTAMP, loaded_at TIMESTAMP, loaded_by VARCHAR)"
    )
    connection.executemany(
        "INSERT INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [list(vars(entry).values()) for entry in ledger]
    )
    connection.execute(
        f"CREATE TABLE coverage AS SELECT count(*) AS line_count, min({time}) AS first_time, "  # noqa: S608
        f"max({time}) AS last_time, bool_or({time} <> date_trunc('day', {time})) AS has_hours, "
        f"'{model.name}' AS model_name FROM {table}"
    )
    (stored,) = _one(connection, "SELECT line_count FROM coverage")
    expected = sum(entry.rows_kept for entry in ledger)
    if stored != expected:
        raise LoadError(f"The snapshot holds {stored} rows, the loads {expected}; nothing was published.")


def _literal(statement: sa.Select[Any]) -> str:
    # The default parameter style would double every percent sign.
    compiled = statement.compile(dialect=Dialect(paramstyle="qmark"), compile_kwargs={"literal_binds": True})
    return str(compiled)


def _name(name: str) -> str:
    """Return a name of a model or recipe (whose pattern has no quotes) as SQL takes any name."""
    return f'"{name}"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _one(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[str] | None = None) -> tuple[Any, ...]:
    # DuckDB 2 refuses further work on a connection whose result was not fetched to its end.
    (row,) = connection.execute(sql, parameters or []).fetchall()
    return tuple(row)
