"""A load that waits to be published, and the report of what it could not take."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import duckdb

from services.errors import LoadError
from services.exports import safe_cell
from services.sqltext import path_of
from services.yamlfile import Definition


class Prepared(Definition):
    """A load that waits to be published. rows_read = rows_kept + rows_left_out + rows_rejected.

    `totals` are exact sums of the numeric facts columns over the rows kept; `unmatched` counts, per lookup, the
    rows that found nothing in it; `lookup_rejected` the refused rows of the lookups.
    """

    folder: Path
    digest: str
    name: str
    model: str
    rows_read: int
    rows_kept: int
    rows_left_out: int
    rows_rejected: int
    lookup_rejected: int
    first_time: dt.datetime | None
    last_time: dt.datetime | None
    totals: dict[str, Decimal]
    files: tuple[str, ...]
    key: tuple[str, ...]
    unmatched: dict[str, int]

    @property
    def facts(self) -> Path:
        """The lines, with the model's columns."""
        return self.folder / "facts.parquet"

    @property
    def report(self) -> Path:
        """The reject report: source, row, column, value, reason; rows left out are in it too."""
        return self.folder / "rejects.parquet"

    @property
    def refused(self) -> int:
        """Rows of any table that could not be taken."""
        return self.rows_rejected + self.lookup_rejected

    def discard(self) -> None:
        """Throw the prepared load away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def discard_alike(self) -> None:
        """Throw away all prepared loads of this content, those of killed processes too."""
        for folder in self.folder.parent.glob(f"{self.digest}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def read_prepared(folder: Path) -> Prepared:
    """Return what was prepared in a folder; raises LoadError when it is gone."""
    try:
        return Prepared.model_validate_json((folder / "prepared.json").read_bytes())
    except (OSError, ValueError):
        raise LoadError("The prepared load is no longer there. Load the files again.") from None


def rejects(report: Path, limit: int) -> list[tuple[Any, ...]]:
    """Return the first rows of a reject report: source, row, column, value, reason; rows left out come last."""
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT * FROM read_parquet('{path_of(report)}') "  # noqa: S608 - quoted by sqltext
            f'ORDER BY "column" IS NULL, source, "row" LIMIT {int(limit)}'
        ).fetchall()


def write_rejects(report: Path, stream: TextIO) -> None:
    """Write a whole reject report as CSV that no spreadsheet takes for formulas."""
    writer = csv.writer(stream)
    writer.writerow(["source", "row", "column", "value", "reason"])
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM read_parquet('{path_of(report)}')")  # noqa: S608 - quoted by sqltext
        while rows := found.fetchmany(10_000):
            writer.writerows([[safe_cell(cell) for cell in row] for row in rows])
