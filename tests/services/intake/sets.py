"""The real sets beside the repository, staged; a test that needs one that is missing skips."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from services.intake.files import find, stage
from services.intake.staged import DeclaredKey, Staged
from services.model import ColumnType

DATA = Path(__file__).parents[4] / "shared" / "data"
TYPES = {
    "SMALLINT": ("BIGINT", ColumnType.INTEGER),
    "INTEGER": ("BIGINT", ColumnType.INTEGER),
    "FLOAT": ("DOUBLE", ColumnType.NUMBER),
    "DATE": ("TIMESTAMP", ColumnType.TIME),
    "VARCHAR": ("VARCHAR", ColumnType.TEXT),
}


def paths(*patterns: str) -> list[Path]:
    """Return the files of a set; skips the test when there are none."""
    found = [path for pattern in patterns for path in sorted(DATA.glob(pattern))]
    if not found:
        pytest.skip(f"{', '.join(patterns)} is not among the shared data")
    return found


def staged_set(folder: Path, *patterns: str) -> list[Staged]:
    """Return the staged tables of the files of a set."""
    return [stage(part, folder) for path in paths(*patterns) for part in find(path)]


def northwind(folder: Path, *, typed: bool) -> tuple[list[Staged], list[DeclaredKey]]:
    """Return the tables of the Northwind dump, with their own types or as texts, and its foreign keys."""
    (dump,) = paths("northwind/northwind_postgres.sql")
    text = dump.read_text(encoding="utf-8")
    tables = []
    with duckdb.connect() as connection:
        for statement in re.findall(r"^(?:CREATE TABLE|INSERT INTO) .*?;$", text, re.DOTALL | re.MULTILINE):
            connection.execute(statement.replace("bytea", "varchar"))
        names = [row[0] for row in connection.execute("SHOW TABLES").fetchall()]
        for name in names:
            described = connection.execute(f"DESCRIBE {name}").fetchall()
            columns = {row[0]: TYPES[row[1]] for row in described if row[1] in TYPES}
            kinds = {column: kind if typed else ColumnType.TEXT for column, (_, kind) in columns.items()}
            casts = ", ".join(
                f"CAST({column} AS {sql if typed else 'VARCHAR'}) AS {column}" for column, (sql, _) in columns.items()
            )
            path = folder / f"{name}.parquet"
            connection.execute(f"COPY (SELECT {casts} FROM {name}) TO '{path}' (FORMAT parquet)")
            rows = connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            tables.append(Staged(name, path, kinds, rows, name, first_row=1))
    found = re.findall(r"ALTER TABLE ONLY (\w+)\s+ADD CONSTRAINT \w+ FOREIGN KEY \((\w+)\) REFERENCES (\w+);", text)
    primary = dict(re.findall(r"ALTER TABLE ONLY (\w+)\s+ADD CONSTRAINT \w+ PRIMARY KEY \((\w+)\);", text))
    keys = [DeclaredKey(table, (column,), other, (primary[other],)) for table, column, other in found]
    return tables, keys
