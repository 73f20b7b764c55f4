"""What the readers of every format write with: tables of texts, reports of refused records, names of columns."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.errors import LoadError
from services.intake.limits import Limits
from services.intake.staged import ROW
from services.sqltext import text_of

#: Cells and bytes a writer holds before it writes them out.
BATCH_CELLS = 400_000
BATCH_BYTES = 16_000_000
NAME_LENGTH = 100
VALUE_LENGTH = 200
REFUSED = pa.schema([("row", pa.int64()), ("column", pa.string()), ("value", pa.string()), ("reason", pa.string())])


class TableWriter:
    """Writes records into a Parquet file, a batch at a time; columns without `types` are texts, empty ones NULL."""

    def __init__(self, path: Path, columns: Sequence[str], types: Sequence[pa.DataType] | None = None) -> None:
        texts = [pa.string()] * len(columns)
        self._schema = pa.schema([(ROW, pa.int64()), *zip(columns, types or texts, strict=True)])
        self._writer = pq.ParquetWriter(path, self._schema, compression="snappy")
        self._rows: list[Sequence[Any]] = []
        self._numbers: list[int] = []
        self._held = 0
        self._most = max(1, BATCH_CELLS // (len(columns) + 1))
        self.written = 0

    def add(self, number: int, cells: Sequence[Any], size: int = 0) -> None:
        """Add the record with this row number; `size` is about the bytes it takes."""
        self._numbers.append(number)
        self._rows.append(cells)
        self._held += size
        if len(self._rows) >= self._most or self._held >= BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            columns: list[Sequence[Any]] = [self._numbers, *zip(*self._rows, strict=True)]
            arrays = [_array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
            self.written += len(self._rows)
        self._rows, self._numbers, self._held = [], [], 0

    def close(self) -> None:
        """Write what is held and end the file."""
        self._flush()
        self._writer.close()


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    array = pa.array(values, kind)
    return pc.if_else(pc.equal(array, ""), None, array) if kind == pa.string() else array


def refused_path(target: Path) -> Path:
    """Return where the refused records of a staged table go."""
    return target.with_suffix(".refused.parquet")


class Refusals:
    """Collects refused records into a report, written when there is a first one; `count` says how many."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.first: list[str] = []
        self._held: list[dict[str, Any]] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, number: int, value: str, reason: str, column: str | None = None) -> None:
        """Add a refused record with the beginning of what it holds."""
        self.count += 1
        if len(self.first) < 3:
            self.first.append(f"row {number}: {reason}")
        self._held.append({"row": number, "column": column, "value": printable(value), "reason": reason})
        if len(self._held) >= 10_000:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, REFUSED)
        self._writer.write_table(pa.Table.from_pylist(self._held, REFUSED))
        self._held = []

    def close(self) -> Path | None:
        """End the report and return it; None when no record was refused."""
        if not self.count:
            return None
        self._flush()
        if self._writer is not None:
            self._writer.close()
        return self.path


def printable(text: str) -> str:
    """Return the beginning of a text, with what no report can hold replaced."""
    return text[:VALUE_LENGTH].encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")


def column_names(cells: Sequence[str | None]) -> list[str]:
    """Return names for columns from the cells above them: on one line, not too long, not empty, all different.

    Databases do not tell upper from lower case in names, so `Name` and `name` count as the same. ROW is taken.
    """
    names: list[str] = []
    taken = {ROW}
    for number, cell in enumerate(cells, 1):
        name = _clean(cell or "") or f"column {number}"
        unique, copy = name, 1
        while unique.casefold() in taken:
            copy += 1
            unique = f"{name} ({copy})"
        taken.add(unique.casefold())
        names.append(unique)
    return names


def _clean(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 20 * NAME_LENGTH])
    return re.sub(r"\s+", " ", shown).strip()[:NAME_LENGTH].strip()


def check_columns(name: str, columns: int, limits: Limits) -> None:
    """Raise LoadError for more columns than allowed."""
    if columns > limits.columns:
        raise LoadError(f"{name} has {columns:,} columns; at most {limits.columns:,} are allowed (limit columns).")


@contextlib.contextmanager
def confined(source: Path, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB that can read one file, write into one folder and do nothing else outside itself."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".spill-") as spill, duckdb.connect() as connection:
        for setting, value in (
            ("memory_limit", "'512MB'"),
            ("temp_directory", f"'{text_of(spill)}'"),
            ("autoinstall_known_extensions", "false"),
            ("autoload_known_extensions", "false"),
            ("allow_community_extensions", "false"),
            ("python_enable_replacements", "false"),
            ("allowed_paths", f"['{text_of(str(source))}']"),
            ("allowed_directories", f"['{text_of(str(folder))}/']"),
            ("enable_external_access", "false"),
            ("lock_configuration", "true"),
        ):
            connection.execute(f"SET {setting} = {value}")
        yield connection
