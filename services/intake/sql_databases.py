"""Tables of PostgreSQL, MySQL, MariaDB and SQLite, read by SQLAlchemy."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.pool import NullPool

from services.intake.catalogues import (
    BATCH_ROWS,
    Catalogue,
    Source,
    SourceColumn,
    SourceTable,
    declared_key,
    numeric_type,
    source_table,
    staged_digest,
)
from services.intake.staged import Staged
from services.intake.writing import Refusals, TableWriter
from services.model import ColumnType

CONNECT_SECONDS = 5
READ_SECONDS = 600
#: Schemas that belong to the database system.
SYSTEM = re.compile(r"information_schema|pg_.*|mysql|performance_schema|sys|system|temp")
ARROW: dict[ColumnType, pa.DataType] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.TIME: pa.timestamp("us"),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.MONEY: pa.decimal128(18, 4),
}


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
def sql_source(address: sa.URL) -> Iterator[Source]:
    """Open a database for reading; raises SQLAlchemyError when it cannot be reached."""
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


class _SqlSource(Source):
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
                made = source_table(
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
            declared_key(table, link["constrained_columns"], tables[other], link["referred_columns"])
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
        place = _place(table, columns)
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
        digest = staged_digest(table, path, refused)
        return Staged(table.name, path, types, number, digest, refused=refused, refused_rows=refusals.count)

    def _found_types(self, table: SourceTable) -> tuple[SourceColumn, ...]:
        """Return the columns of an SQLite table by the values they hold; what it declares binds nobody."""
        found: list[SourceColumn] = []
        for column in table.columns:
            kinds = sa.select(sa.func.typeof(_place(table, [column]).c[column.source])).distinct()
            held = set(self._connection.execute(kinds).scalars()) - {"null"}
            if held != {"blob"}:
                kind = ColumnType.INTEGER if held == {"integer"} else ColumnType.NUMBER
                if not held or not held <= {"integer", "real"}:
                    kind = ColumnType.TEXT
                found.append(SourceColumn(column.name, column.source, kind))
        return tuple(found)


def _place(table: SourceTable, columns: Sequence[SourceColumn]) -> sa.TableClause:
    return sa.table(
        sa.quoted_name(table.source, True),
        *(sa.column(sa.quoted_name(column.source, True)) for column in columns),
        schema=sa.quoted_name(table.schema, True) if table.schema else None,
    )


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
