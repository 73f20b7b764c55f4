"""What there is in a database: tables, columns, keys; the same whatever kind of database it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.errors import UnknownNameError
from services.intake.staged import DeclaredKey, Staged
from services.intake.writing import column_names
from services.model import ColumnType
from services.warehouse import file_digest

BATCH_ROWS = 5_000


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


class Source(Protocol):
    """An open database."""

    def catalogue(self) -> Catalogue:
        """Return what is in it."""

    def stage(self, table: SourceTable, path: Path, rows: int | None) -> Staged:
        """Copy a table, or its first `rows` rows, into the Parquet file `path`, a batch at a time."""


def source_table(
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


def declared_key(table: SourceTable, columns: Sequence[str], other: SourceTable, others: Sequence[str]) -> DeclaredKey:
    """Return a foreign key of `table` to `other`, by the names of the staged columns."""
    return DeclaredKey(table.name, _staged_names(table, columns), other.name, _staged_names(other, others))


def _staged_names(table: SourceTable, columns: Sequence[str]) -> tuple[str, ...]:
    names = {column.source: column.name for column in table.columns}
    return tuple(names.get(column, column) for column in columns)


def numeric_type(precision: int | None, scale: int | None) -> ColumnType:
    """Return the type that holds exact numbers of so many digits."""
    fits = precision is not None and precision - (scale or 0) <= 14 and (scale or 0) <= 4
    return ColumnType.MONEY if fits else ColumnType.NUMBER


def staged_digest(table: SourceTable, path: Path, refused: Path | None) -> str:
    """Return the SHA-256 of a staged table: its name, its rows and those that were refused."""
    parts = [table.name, file_digest(path), file_digest(refused) if refused else ""]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()
