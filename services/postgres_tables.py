"""Tables of a new version: copied from the DuckDB file they were built in to a schema of PostgreSQL."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from services.errors import SalescopeError
from services.sqltext import name_of

BATCH_ROWS = 20_000
#: DuckDB types and their PostgreSQL ones. Texts sort by their bytes, as DuckDB sorts them.
TYPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"VARCHAR", 'text COLLATE "C"'),
        (r"BIGINT|UINTEGER", "bigint"),
        (r"INTEGER|USMALLINT", "integer"),
        (r"SMALLINT|U?TINYINT", "smallint"),
        (r"UBIGINT|U?HUGEINT", "numeric(39, 0)"),
        (r"DECIMAL(\(\d+,\s?\d+\))", r"numeric\1"),
        (r"DOUBLE", "double precision"),
        (r"FLOAT", "real"),
        (r"BOOLEAN", "boolean"),
        (r"TIMESTAMP(_S|_MS)?", "timestamp"),
        (r"DATE", "date"),
    )
)
#: What the text format of COPY says otherwise, and the one character PostgreSQL has no room for.
ESCAPES = ((r"'\'", r"'\\'"), ("chr(9)", r"'\t'"), ("chr(10)", r"'\n'"), ("chr(13)", r"'\r'"))
NUL = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Copied:
    """A table of a new version: its columns (name -> DuckDB type) and how many rows it has."""

    name: str
    columns: dict[str, str]
    rows: int


def copy_all(built: duckdb.DuckDBPyConnection, writer: psycopg.Connection[Any], schema: str) -> list[Copied]:
    """Make a schema of all tables that were built; return them."""
    writer.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    rows = built.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'main' ORDER BY table_name, ordinal_position"
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    return [_copy(built, writer, schema, name, columns) for name, columns in tables.items()]


def _copy(
    built: duckdb.DuckDBPyConnection,
    writer: psycopg.Connection[Any],
    schema: str,
    name: str,
    columns: dict[str, str],
) -> Copied:
    table = sql.Identifier(schema, name)
    kinds = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(_type(kind))) for column, kind in columns.items()]
    writer.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(kinds)))
    rows = 0
    lines = built.sql(_lines(name, columns)).to_arrow_reader(BATCH_ROWS)
    with writer.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        for batch in lines:
            column = batch.column(0)
            rows += len(column)
            copy.write(_content(column))
    for column, kind in columns.items():
        if kind.startswith("TIMESTAMP"):
            writer.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.Identifier(column)))
    writer.execute(sql.SQL("ANALYZE {}").format(table))
    return Copied(name, columns, rows)


def _type(kind: str) -> Any:
    for pattern, found in TYPES:
        match = pattern.fullmatch(kind)
        if match:
            return match.expand(found)
    raise SalescopeError(f"A column of the DuckDB type {kind} has no place in PostgreSQL.")


def _lines(name: str, columns: dict[str, str]) -> str:
    """Return the DuckDB select of a table's rows as lines of COPY's text format."""
    values = ", ".join(f"coalesce({_escaped(column, kind)}, '\\N')" for column, kind in columns.items())
    return f"SELECT concat_ws(chr(9), {values}) || chr(10) FROM {name_of(name)}"  # noqa: S608 - names are quoted


def _escaped(column: str, kind: str) -> str:
    if kind != "VARCHAR":
        return f"CAST({name_of(column)} AS VARCHAR)"
    value = name_of(column)
    for character, written in (*ESCAPES, ("chr(0)", f"'{NUL}'")):
        value = f"replace({value}, {character}, {written})"
    return value


def _content(texts: Any) -> memoryview:
    """Return the bytes of all texts of an Arrow column, one after the other."""
    _, offsets, content = texts.buffers()
    bounds = memoryview(offsets).cast("i")
    return memoryview(content)[bounds[texts.offset] : bounds[texts.offset + len(texts)]]


def digest_of(tables: list[Copied]) -> str:
    """Return a digest of the tables, their columns and the numbers of their rows."""
    shape = sorted((table.name, sorted(table.columns), table.rows) for table in tables)
    return hashlib.sha256(repr(shape).encode()).hexdigest()


def present(connection: psycopg.Connection[Any], schema: str) -> list[Copied]:
    """Return the tables of a schema; the types of their columns are left out."""
    rows = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s", [schema]
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column in rows:
        tables.setdefault(table, {})[column] = ""
    count = sql.SQL("SELECT count(*) FROM {}")
    return [
        Copied(name, columns, connection.execute(count.format(sql.Identifier(schema, name))).fetchall()[0][0])
        for name, columns in tables.items()
    ]
