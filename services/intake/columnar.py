"""Parquet files -> staged tables: the file itself, or a copy where its columns need another form."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb

from services.errors import LoadError
from services.intake.limits import Limits
from services.intake.staged import Staged
from services.intake.writing import check_columns, column_names, confined
from services.model import ColumnType
from services.recipe import Reading
from services.sqltext import name_of, one, path_of
from services.warehouse import file_digest

#: DuckDB types that are taken as they are.
PLAIN = {
    "VARCHAR": ColumnType.TEXT,
    "DATE": ColumnType.TIME,
    "TIMESTAMP": ColumnType.TIME,
    "TIMESTAMP_NS": ColumnType.TIME,
    "TIMESTAMP_MS": ColumnType.TIME,
    "TIMESTAMP_S": ColumnType.TIME,
    "TINYINT": ColumnType.INTEGER,
    "SMALLINT": ColumnType.INTEGER,
    "INTEGER": ColumnType.INTEGER,
    "BIGINT": ColumnType.INTEGER,
    "UTINYINT": ColumnType.INTEGER,
    "USMALLINT": ColumnType.INTEGER,
    "UINTEGER": ColumnType.INTEGER,
    "FLOAT": ColumnType.NUMBER,
    "DOUBLE": ColumnType.NUMBER,
}
#: DuckDB types that are written in another form: the SQL for a column {0}, and what comes of it.
CAST = {
    "TIMESTAMP WITH TIME ZONE": ("CAST({0} AS TIMESTAMP)", ColumnType.TIME),
    "UBIGINT": ("CAST({0} AS VARCHAR)", ColumnType.TEXT),
    "HUGEINT": ("CAST({0} AS VARCHAR)", ColumnType.TEXT),
    "BOOLEAN": ("CAST({0} AS VARCHAR)", ColumnType.TEXT),
    "BLOB": ("decode({0})", ColumnType.TEXT),
}
NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")
#: Names that reading a Parquet file gives a meaning.
TAKEN = frozenset({"file_row_number", "filename", "file_index"})


def stage_parquet(name: str, path: Path, target: Path, limits: Limits, *, temporary: bool) -> Staged:
    """Return a Parquet file as a staged table; a `temporary` file becomes `target`.

    Every value is read once, so that damage shows here. Raises LoadError.
    """
    digest = file_digest(path)
    try:
        with confined(path, target.parent) as connection:
            columns, selected = _columns(name, connection, path, limits)
            if selected:
                sql = f"COPY (SELECT {selected} FROM read_parquet('{path_of(path)}')) TO '{path_of(target)}'"
                (rows,) = one(connection, f"{sql} (FORMAT parquet)")
            else:
                values = ", ".join(f"max(hash({name_of(column)}))" for column in columns)
                (rows, *_) = one(connection, f"SELECT count(*), {values} FROM read_parquet('{path_of(path)}')")
    except duckdb.Error as error:
        raise LoadError(f"{name} is no readable Parquet file: {_first_line(error)} Export it again.") from None
    if not rows:
        raise LoadError(f"{name} has columns ({', '.join(list(columns)[:5])}) and no records.")
    if temporary and not selected:
        shutil.move(path, target)
    place = target if temporary or selected else path
    return Staged(name, place, columns, rows, digest, first_row=1, reading=Reading(format="parquet"))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")[:300] + "."


def _columns(
    name: str, connection: duckdb.DuckDBPyConnection, path: Path, limits: Limits
) -> tuple[dict[str, ColumnType], str]:
    """Return the columns, and the SQL that selects them where the file's own will not do."""
    described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path_of(path)}')").fetchall()
    check_columns(name, len(described), limits)
    own = [str(row[0]) for row in described]
    names = _names(own)
    forms = [_form(kind) for _, kind, *_ in described]
    columns = {column: kind for column, (_, kind) in zip(names, forms, strict=True)}
    if own == names and all(form == "{0}" for form, _ in forms):
        return columns, ""
    return columns, ", ".join(
        f"{form.format(name_of(before))} AS {name_of(after)}"
        for before, after, (form, _) in zip(own, names, forms, strict=True)
    )


def _names(own: Sequence[str]) -> list[str]:
    return column_names([f"{name} (1)" if name.lower() in TAKEN else name for name in own])


def _form(kind: str) -> tuple[str, ColumnType]:
    if kind.startswith("DECIMAL"):
        return "{0}", ColumnType.MONEY
    if kind.startswith(NESTED) or kind.endswith("]"):
        return "CAST(to_json({0}) AS VARCHAR)", ColumnType.TEXT
    if kind in PLAIN:
        return "{0}", PLAIN[kind]
    return CAST.get(kind, ("CAST({0} AS VARCHAR)", ColumnType.TEXT))
