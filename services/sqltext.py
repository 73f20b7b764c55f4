"""Small pieces of DuckDB SQL text: names, paths, types, and statements written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
from duckdb_engine import Dialect


def statement_text(statement: sa.Select[Any]) -> str:
    """Return a statement as DuckDB SQL with its parameters written in."""
    # The default parameter style would double every percent sign.
    compiled = statement.compile(dialect=Dialect(paramstyle="qmark"), compile_kwargs={"literal_binds": True})
    return str(compiled)


def literal_type(kind: sa.types.TypeEngine[Any]) -> str:
    """Return a type as DuckDB SQL writes it."""
    return str(kind.compile(dialect=Dialect()))


def name_of(name: str) -> str:
    """Return any name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'


def path_of(path: Path) -> str:
    """Return a path as the inside of a SQL text."""
    return text_of(str(path))


def text_of(text: str) -> str:
    """Return a text as the inside of a SQL text."""
    return text.replace("'", "''")


def one(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[str] | None = None) -> tuple[Any, ...]:
    """Return the only row of a statement."""
    # DuckDB 2 refuses further work on a connection whose result was not fetched to its end.
    (row,) = connection.execute(sql, parameters or []).fetchall()
    return tuple(row)
