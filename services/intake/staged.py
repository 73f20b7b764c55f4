"""What intake makes of one table of a source: a Parquet file of texts, or of the source's own values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from services.model import ColumnType
from services.recipe import Reading

#: Column of a staged table that holds the row's number in its source.
ROW = "__row"


@dataclass(frozen=True)
class Part:
    """One table inside a source: a file, a member of an archive, a sheet of a workbook."""

    source: Path
    name: str
    member: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class DeclaredKey:
    """A foreign key of a database's catalogue: `columns` of `table` point at `other_columns` of `other`.

    Tables are named as their staged ones are.
    """

    table: str
    columns: tuple[str, ...]
    other: str
    other_columns: tuple[str, ...]


@dataclass(frozen=True)
class Staged:
    """A table of a source, ready to be typed.

    `path` is a Parquet file with the columns of `columns` (name -> type; TEXT as it stood in the source unless the
    source has types of its own) and, when `first_row` is None, ROW. Otherwise the first row has the number
    `first_row` and the others follow. `rows` counts the records of the source, refused ones included; `refused` is
    a Parquet file (row, column, value, reason) of records whose structure is broken, or None.
    """

    name: str
    path: Path
    columns: dict[str, ColumnType]
    rows: int
    digest: str
    first_row: int | None = None
    refused: Path | None = None
    refused_rows: int = 0
    reading: Reading = field(default_factory=Reading)

    def relation(self) -> str:
        """Return a DuckDB select of ROW and the columns."""
        file = str(self.path).replace("'", "''")
        if self.first_row is None:
            return f"SELECT * FROM read_parquet('{file}')"
        return (
            f"SELECT file_row_number + {self.first_row} AS {ROW}, * EXCLUDE (file_row_number) "
            f"FROM read_parquet('{file}', file_row_number = true)"
        )
