"""Tables of a DuckDB file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import sqlalchemy as sa

from services.errors import LoadError
from services.intake.catalogues import (
    BATCH_ROWS,
    Catalogue,
    Source,
    SourceTable,
    declared_key,
    numeric_type,
    source_table,
    staged_digest,
)
from services.intake.staged import Staged
from services.model import ColumnType
from services.sqltext import name_of
from services.warehouse import HARDENED

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
def duckdb_source(address: sa.URL) -> Iterator[Source]:
    """Open a DuckDB file for reading; raises LoadError when there is none."""
    path = Path(str(address.database)).expanduser()
    if not path.is_file():
        raise LoadError(f"There is no file {path}.")
    with duckdb.connect(str(path), read_only=True, config={**HARDENED, "memory_limit": "512MB"}) as connection:
        yield _DuckdbSource(connection)


class _DuckdbSource(Source):
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
            (schema, table): source_table(
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
            declared_key(tables[schema, table], names, tables[schema, other], others)
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
        return Staged(table.name, path, types, count, staged_digest(table, path, None), first_row=1)
