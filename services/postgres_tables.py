"""Tables of a new version: copied from the DuckDB file they were built in to a schema of PostgreSQL."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from services.errors import SalescopeError
from services.periods import Grain
from services.rollups import read
from services.sqltext import name_of, one
from services.touched import Touched

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
    rows: int = 0


@dataclass(frozen=True)
class Before:
    """The schema of the version before, and the days in which a new version differs from it."""

    schema: str
    touched: Touched


def copy_all(
    built: duckdb.DuckDBPyConnection, writer: psycopg.Connection[Any], schema: str, before: Before | None = None
) -> list[Copied]:
    """Make a schema of all tables that were built; return them.

    Rows of days that are as they were come from the version `before`, where it has them.
    """
    writer.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    rows = built.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_catalog = current_database() AND table_schema = 'main' ORDER BY table_name, ordinal_position"
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    grains = _grains(built, before.touched) if before else {}
    return [_table(built, writer, schema, Copied(name, columns), before, grains) for name, columns in tables.items()]


def _table(
    built: duckdb.DuckDBPyConnection,
    writer: psycopg.Connection[Any],
    schema: str,
    wanted: Copied,
    before: Before | None,
    grains: Mapping[str, Grain],
) -> Copied:
    """Make a table and fill it."""
    name, columns = wanted.name, wanted.columns
    target, taken, within = _create(writer, schema, name, columns), 0, "true"
    if before is not None and name in grains:
        within = before.touched.within(grains[name])
        taken = _take_over(built, writer, before.schema, target, name, within)
    copied = _copy(built, writer, target, _lines(name, columns, within if taken else "true"))
    _finish(writer, target, columns)
    return replace(wanted, rows=taken + copied)


def _grains(built: duckdb.DuckDBPyConnection, touched: Touched) -> dict[str, Grain]:
    """Return the tables whose rows belong to a bucket of time, and how long these are."""
    listed = built.execute("SELECT definition FROM rollups").fetchall()
    return {touched.table: Grain.DAY} | {each.table: each.grain for each in read([row[0] for row in listed])}


def _take_over(
    built: duckdb.DuckDBPyConnection,
    writer: psycopg.Connection[Any],
    schema: str,
    target: sql.Identifier,
    name: str,
    within: str,
) -> int:
    """Fill a table with the rows of the one before that are not `within`; return how many.

    Not one where these are not as many as were built, or of another kind.
    """
    (expected,) = one(built, f"SELECT count(*) FROM {name_of(name)} WHERE NOT {within}")  # noqa: S608 - names are quoted
    there = writer.execute("SELECT to_regclass(%s)", [sql.Identifier(schema, name).as_string()]).fetchone()
    if there is None or there[0] is None:
        return 0
    taken = sql.SQL("INSERT INTO {} SELECT * FROM {} WHERE NOT {}")
    try:
        with writer.transaction():
            found = writer.execute(taken.format(target, sql.Identifier(schema, name), sql.SQL(within))).rowcount
            if found != expected:
                raise psycopg.Rollback
    except psycopg.errors.DatatypeMismatch:
        return 0
    return found if found == expected else 0


def _create(writer: psycopg.Connection[Any], schema: str, name: str, columns: dict[str, str]) -> sql.Identifier:
    table = sql.Identifier(schema, name)
    kinds = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(_type(kind))) for column, kind in columns.items()]
    writer.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(kinds)))
    return table


def _copy(built: duckdb.DuckDBPyConnection, writer: psycopg.Connection[Any], table: sql.Identifier, select: str) -> int:
    """Copy the lines of a select into a table; return how many."""
    rows = 0
    lines = built.sql(select).to_arrow_reader(BATCH_ROWS)
    with writer.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        for batch in lines:
            column = batch.column(0)
            rows += len(column)
            copy.write(_content(column))
    return rows


def _finish(writer: psycopg.Connection[Any], table: sql.Identifier, columns: dict[str, str]) -> None:
    """Make the indexes of a table that is filled."""
    for column, kind in columns.items():
        if kind.startswith("TIMESTAMP"):
            writer.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.Identifier(column)))
    writer.execute(sql.SQL("ANALYZE {}").format(table))


def _type(kind: str) -> Any:
    for pattern, found in TYPES:
        match = pattern.fullmatch(kind)
        if match:
            return match.expand(found)
    raise SalescopeError(f"A column of the DuckDB type {kind} has no place in PostgreSQL.")


def _lines(name: str, columns: dict[str, str], within: str) -> str:
    """Return the DuckDB select of a table's rows within a condition, as lines of COPY's text format."""
    values = ", ".join(f"coalesce({_escaped(column, kind)}, '\\N')" for column, kind in columns.items())
    return f"SELECT concat_ws(chr(9), {values}) || chr(10) FROM {name_of(name)} WHERE {within}"  # noqa: S608 - names are quoted


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
