"""Databases as sources: their catalogue, and their tables staged a batch at a time.

Nothing is ever written to them: sessions are read-only, files are opened read-only. Tables outside the default schema
are called `schema.table`. Columns of bytes are left out.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.pool import NullPool

from services.addresses import read_address, shown, without_secrets
from services.errors import LoadError, UnknownNameError
from services.intake.staged import DeclaredKey, Staged
from services.intake.writing import Refusals, TableWriter, column_names
from services.model import ColumnType
from services.sqltext import name_of
from services.warehouse import HARDENED, file_digest

CONNECT_SECONDS = 5
READ_SECONDS = 600
BATCH_ROWS = 5_000
#: Schemas that belong to the database system.
SYSTEM = re.compile(r"information_schema|pg_.*|mysql|performance_schema|sys|system|temp")
ARROW: dict[ColumnType, pa.DataType] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.TIME: pa.timestamp("us"),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.MONEY: pa.decimal128(18, 4),
}


@dataclass(frozen=True)
class SourceColumn:
    """A column of a database's table: `name` is what the staged column is called, `source` what the database says."""

    name: str
    source: str
    type: ColumnType


@dataclass(frozen=True)
class SourceTable:
    """A table or view; `rows` is about how many rows it has, None where the database does not know."""

    name: str
    schema: str | None
    source: str
    view: bool
    columns: tuple[SourceColumn, ...]
    key: tuple[str, ...]
    rows: int | None


@dataclass(frozen=True)
class Catalogue:
    """The tables and views of a database, and the foreign keys between them."""

    tables: tuple[SourceTable, ...]
    keys: tuple[DeclaredKey, ...]

    def table(self, name: str) -> SourceTable:
        """Return a table or view by its name; raises UnknownNameError with near matches."""
        found = next((table for table in self.tables if table.name == name), None)
        if found is None:
            raise UnknownNameError("table or view", name, (table.name for table in self.tables))
        return found


def catalogue(url: str) -> Catalogue:
    """Return what is in a database; raises LoadError when it cannot be reached or read."""
    address = read_address(url)
    with _explained(address), _opened(address) as source:
        return source.catalogue()


def stage_table(url: str, table: str, folder: Path, *, rows: int | None = None) -> Staged:
    """Copy a table or view, or its first `rows` rows, into a Parquet file below `folder`, a batch at a time.

    Raises UnknownNameError for one that is not there, LoadError when it cannot be read.
    """
    address = read_address(url)
    with _explained(address), _opened(address) as source:
        found = source.catalogue().table(table)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark = hashlib.sha256(f"{shown(address)} {table}".encode()).hexdigest()[:8]
        path = folder / f"{re.sub(r'[^A-Za-z0-9]', '_', table)[:60]}-{mark}.parquet"
        return source.stage(found, path, rows)


@contextlib.contextmanager
def _explained(address: sa.URL) -> Iterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, duckdb.Error, sqlite3.Error, OSError) as error:
        said = without_secrets(str(getattr(error, "orig", None) or error), address)
        raise LoadError(f"{shown(address)} cannot be read: {said[:300]}") from None


def _opened(address: sa.URL) -> contextlib.AbstractContextManager[_Source]:
    if address.get_backend_name() == "duckdb":
        return _duckdb_source(address)
    return _sql_source(address)


class _Source:
    """An open database."""

    def catalogue(self) -> Catalogue:
        raise NotImplementedError

    def stage(self, table: SourceTable, path: Path, rows: int | None) -> Staged:
        raise NotImplementedError


def _table(
    name: str,
    schema: str | None,
    source: str,
    columns: Sequence[tuple[str, ColumnType | None]],
    key: Sequence[str],
    *,
    view: bool,
    rows: int | None,
) -> SourceTable:
    """Return a table whose staged columns have names that differ by more than case; those without a type are left."""
    kept = [(column, kind) for column, kind in columns if kind is not None]
    names = column_names([column for column, _ in kept])
    made = tuple(SourceColumn(given, column, kind) for given, (column, kind) in zip(names, kept, strict=True))
    return SourceTable(name, schema, source, view, made, tuple(key), rows)


def _declared(table: SourceTable, columns: Sequence[str], other: SourceTable, others: Sequence[str]) -> DeclaredKey:
    return DeclaredKey(table.name, _staged_names(table, columns), other.name, _staged_names(other, others))


def _staged_names(table: SourceTable, columns: Sequence[str]) -> tuple[str, ...]:
    names = {column.source: column.name for column in table.columns}
    return tuple(names.get(column, column) for column in columns)


# PostgreSQL, MySQL, MariaDB and SQLite, by SQLAlchemy


class Engine(NamedTuple):
    """How a kind of database is opened for reading, and what only it knows of its tables."""

    open: Callable[[sa.URL], sa.Engine]
    begin: tuple[str, ...]
    schemas: Callable[[sa.Inspector], list[str | None]]
    sizes: str
    typed: bool = True


def _open_postgresql(address: sa.URL) -> sa.Engine:
    options = f"{address.query.get('options', '')} -c default_transaction_read_only=on -c client_encoding=UTF8"
    return sa.create_engine(
        address.difference_update_query(["options"]),
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": options, "application_name": "salescope load"},
    )


def _open_mysql(address: sa.URL) -> sa.Engine:
    timeouts = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "charset": "utf8mb4"}
    return sa.create_engine(address, poolclass=NullPool, connect_args=timeouts)


def _open_sqlite(address: sa.URL) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        path = Path(str(address.database)).expanduser().resolve()
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _other_schemas(inspector: sa.Inspector) -> list[str | None]:
    default = inspector.default_schema_name
    others = [name for name in inspector.get_schema_names() if name != default and not SYSTEM.fullmatch(name)]
    return [None, *others]


ENGINES: dict[str, Engine] = {
    "postgresql": Engine(
        _open_postgresql,
        (),
        _other_schemas,
        # A partition's rows are those of its table.
        "SELECT n.nspname, c.relname, CASE WHEN c.relispartition THEN -2 ELSE c.reltuples END "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'f')",
    ),
    "mysql": Engine(
        _open_mysql,
        ("SET SESSION TRANSACTION READ ONLY",),
        lambda inspector: [None],
        "SELECT table_schema, table_name, coalesce(table_rows, -1) FROM information_schema.tables "
        "WHERE table_schema = database() AND table_type = 'BASE TABLE'",
    ),
    "sqlite": Engine(_open_sqlite, (), lambda inspector: [None], "", typed=False),
}


@contextlib.contextmanager
def _sql_source(address: sa.URL) -> Iterator[_Source]:
    how = ENGINES[address.get_backend_name()]
    engine = how.open(address)
    try:
        with engine.connect() as connection:
            for statement in how.begin:
                connection.exec_driver_sql(statement)
            connection.commit()
            yield _SqlSource(connection, how)
    finally:
        engine.dispose()


class _SqlSource(_Source):
    def __init__(self, connection: sa.Connection, how: Engine) -> None:
        self._connection, self._how = connection, how

    def catalogue(self) -> Catalogue:
        inspector = sa.inspect(self._connection)
        sizes = self._sizes()
        tables: dict[tuple[str | None, str], SourceTable] = {}
        foreign: list[tuple[SourceTable, ReflectedForeignKeyConstraint]] = []
        for schema in self._how.schemas(inspector):
            views = {*inspector.get_view_names(schema), *self._stored_views(inspector, schema)}
            keys = inspector.get_multi_pk_constraint(schema, kind=ObjectKind.ANY)
            links = inspector.get_multi_foreign_keys(schema, kind=ObjectKind.ANY)
            for place, columns in inspector.get_multi_columns(schema, kind=ObjectKind.ANY).items():
                size = sizes.get((schema or inspector.default_schema_name, place[1]), -1)
                if size == -2:
                    continue
                made = _table(
                    f"{schema}.{place[1]}" if schema else place[1],
                    schema,
                    place[1],
                    [(column["name"], column_type(column["type"])) for column in columns],
                    keys[place]["constrained_columns"] if keys.get(place) else (),
                    view=place[1] in views,
                    rows=size if size >= 0 else None,
                )
                tables[place] = made
                foreign += [(made, link) for link in links.get(place, [])]
        declared = [
            _declared(table, link["constrained_columns"], tables[other], link["referred_columns"])
            for table, link in foreign
            if (other := (link["referred_schema"], link["referred_table"])) in tables
        ]
        return Catalogue(tuple(sorted(tables.values(), key=lambda table: table.name)), tuple(declared))

    def _stored_views(self, inspector: sa.Inspector, schema: str | None) -> list[str]:
        return inspector.get_materialized_view_names(schema) if self._connection.dialect.name == "postgresql" else []

    def _sizes(self) -> Mapping[tuple[str | None, str], int]:
        if not self._how.sizes:
            return {}
        rows = self._connection.exec_driver_sql(self._how.sizes).all()
        return {(schema, table): int(size) for schema, table, size in rows}

    def stage(self, table: SourceTable, path: Path, rows: int | None) -> Staged:
        columns = table.columns if self._how.typed else self._found_types(table)
        place = sa.table(
            sa.quoted_name(table.source, True),
            *(sa.column(sa.quoted_name(column.source, True)) for column in columns),
            schema=sa.quoted_name(table.schema, True) if table.schema else None,
        )
        statement = sa.select(*place.c).order_by(*(place.c[name] for name in table.key if name in place.c)).limit(rows)
        streamed = self._connection.execution_options(stream_results=True, yield_per=BATCH_ROWS)
        writer = TableWriter(path, [column.name for column in columns], [ARROW[column.type] for column in columns])
        refusals = Refusals(path.with_suffix(".refused.parquet"))
        convert = [_CONVERT[column.type] for column in columns]
        try:
            number = 0
            for number, row in enumerate(streamed.execute(statement), 1):
                _add(writer, refusals, number, row, columns, convert)
        finally:
            writer.close()
            refused = refusals.close()
        types = {column.name: column.type for column in columns}
        digest = _digest(table, path, refused)
        return Staged(table.name, path, types, number, digest, refused=refused, refused_rows=refusals.count)

    def _found_types(self, table: SourceTable) -> tuple[SourceColumn, ...]:
        """Return the columns of an SQLite table by the values they hold; what it declares binds nobody."""
        found: list[SourceColumn] = []
        for column in table.columns:
            kinds = self._connection.exec_driver_sql(
                f"SELECT DISTINCT typeof({name_of(column.source)}) FROM {name_of(table.source)}"
            ).scalars()
            held = set(kinds) - {"null"}
            if held != {"blob"}:
                kind = ColumnType.INTEGER if held == {"integer"} else ColumnType.NUMBER
                if not held or not held <= {"integer", "real"}:
                    kind = ColumnType.TEXT
                found.append(SourceColumn(column.name, column.source, kind))
        return tuple(found)


def column_type(kind: sa.types.TypeEngine[Any]) -> ColumnType | None:
    """Return what a column of a database becomes; None for bytes, which nothing can be made of."""
    if isinstance(kind, sa.LargeBinary | sa.types._Binary):
        return None
    if isinstance(kind, sa.Integer):
        # An unsigned number may be larger than any signed one.
        huge = getattr(kind, "unsigned", False) and isinstance(kind, sa.BigInteger)
        return ColumnType.TEXT if huge else ColumnType.INTEGER
    if isinstance(kind, sa.Float):
        return ColumnType.NUMBER
    if isinstance(kind, sa.Numeric):
        return numeric_type(kind.precision, kind.scale)
    if isinstance(kind, sa.DateTime | sa.Date):
        return ColumnType.TIME
    return ColumnType.TEXT


def numeric_type(precision: int | None, scale: int | None) -> ColumnType:
    """Return the type that holds exact numbers of so many digits."""
    fits = precision is not None and precision - (scale or 0) <= 14 and (scale or 0) <= 4
    return ColumnType.MONEY if fits else ColumnType.NUMBER


def _add(
    writer: TableWriter,
    refusals: Refusals,
    number: int,
    row: Sequence[Any],
    columns: Sequence[SourceColumn],
    convert: Sequence[Callable[[Any], Any]],
) -> None:
    cells: list[Any] = []
    for column, change, value in zip(columns, convert, row, strict=True):
        try:
            cells.append(None if value is None else change(value))
        except (ValueError, TypeError, InvalidOperation, OverflowError):
            refusals.add(number, str(value), f"not a {column.type.value} value as the table declares", column.name)
            return
    writer.add(number, cells, sum(len(cell) for cell in cells if isinstance(cell, str)))


def _whole(value: Any) -> int:
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise OverflowError
    return number


def _money(value: Any) -> Decimal:
    return Decimal(value).quantize(Decimal("0.0001"))


def _time(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    raise ValueError


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str).decode()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


_CONVERT: dict[ColumnType, Callable[[Any], Any]] = {
    ColumnType.TEXT: _text,
    ColumnType.TIME: _time,
    ColumnType.INTEGER: _whole,
    ColumnType.NUMBER: float,
    ColumnType.MONEY: _money,
}


def _digest(table: SourceTable, path: Path, refused: Path | None) -> str:
    parts = [table.name, file_digest(path), file_digest(refused) if refused else ""]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


# DuckDB files

#: DuckDB types, what they become and how they are written; the first that matches counts.
DUCKDB_TYPES: tuple[tuple[str, ColumnType | None, str], ...] = (
    (r"BLOB", None, ""),
    (r"U?(TINYINT|SMALLINT|INTEGER)|BIGINT", ColumnType.INTEGER, "BIGINT"),
    (r"DOUBLE|FLOAT", ColumnType.NUMBER, "DOUBLE"),
    (r"DATE|TIMESTAMP(_S|_MS|_NS)?", ColumnType.TIME, "TIMESTAMP"),
    (r".*", ColumnType.TEXT, "VARCHAR"),
)


def _duckdb_type(kind: str) -> tuple[ColumnType | None, str]:
    exact = re.fullmatch(r"DECIMAL\((\d+),\s?(\d+)\)", kind)
    if exact:
        money = numeric_type(int(exact[1]), int(exact[2])) is ColumnType.MONEY
        return (ColumnType.MONEY, "DECIMAL(18, 4)") if money else (ColumnType.NUMBER, "DOUBLE")
    return next((made, written) for pattern, made, written in DUCKDB_TYPES if re.fullmatch(pattern, kind))


@contextlib.contextmanager
def _duckdb_source(address: sa.URL) -> Iterator[_Source]:
    path = Path(str(address.database)).expanduser()
    if not path.is_file():
        raise LoadError(f"There is no file {path}.")
    with duckdb.connect(str(path), read_only=True, config={**HARDENED, "memory_limit": "512MB"}) as connection:
        yield _DuckdbSource(connection)


class _DuckdbSource(_Source):
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def catalogue(self) -> Catalogue:
        columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for schema, table, column, kind in self._rows(
            "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_catalog = current_database() ORDER BY table_schema, table_name, ordinal_position"
        ):
            columns.setdefault((schema, table), []).append((column, kind))
        sizes = {
            (schema, table): rows
            for schema, table, rows in self._rows("SELECT schema_name, table_name, estimated_size FROM duckdb_tables()")
        }
        constraints = self._rows(
            "SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table, "
            "referenced_column_names FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY')"
        )
        keys = {(schema, table): names for schema, table, kind, names, *_ in constraints if kind == "PRIMARY KEY"}
        tables = {
            (schema, table): _table(
                table if schema == "main" else f"{schema}.{table}",
                schema,
                table,
                [(column, _duckdb_type(kind)[0]) for column, kind in found],
                keys.get((schema, table), ()),
                view=(schema, table) not in sizes,
                rows=sizes.get((schema, table)),
            )
            for (schema, table), found in columns.items()
        }
        declared = tuple(
            _declared(tables[schema, table], names, tables[schema, other], others)
            for schema, table, kind, names, other, others in constraints
            if kind == "FOREIGN KEY"
        )
        return Catalogue(tuple(tables.values()), declared)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()

    def stage(self, table: SourceTable, path: Path, rows: int | None) -> Staged:
        place = f"{name_of(table.schema or 'main')}.{name_of(table.source)}"
        kinds = {name: kind for name, kind, *_ in self._rows(f"DESCRIBE {place}")}
        written = ", ".join(
            f"CAST({name_of(column.source)} AS {_duckdb_type(kinds[column.source])[1]}) AS {name_of(column.name)}"
            for column in table.columns
        )
        limit = "" if rows is None else f" LIMIT {rows}"
        batches = self._connection.sql(f"SELECT {written} FROM {place}{limit}").to_arrow_reader(BATCH_ROWS)
        count = 0
        with pq.ParquetWriter(path, batches.schema, compression="snappy") as writer:
            for batch in batches:
                writer.write_batch(batch)
                count += len(batch)
        types = {column.name: column.type for column in table.columns}
        return Staged(table.name, path, types, count, _digest(table, path, None), first_row=1)
