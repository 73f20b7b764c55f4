"""The batches of orders a snapshot has taken in: a table that goes from one snapshot to the next.

It stands in the snapshot so that the orders and the memory of having taken them change in one step.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from services.warehouse import Warehouse, rows_of

_SCHEMA = pa.schema(
    [
        ("batch", pa.string()),
        ("content", pa.string()),
        ("rows", pa.int64()),
        ("load", pa.string()),
        ("received_at", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class Batch:
    """A batch of orders: its id, a digest of its content, its rows, the digest of its load ("" before), its time."""

    batch: str
    content: str
    rows: int
    load: str
    received_at: dt.datetime


def published(warehouse: Warehouse, batch: str | None = None) -> list[Batch]:
    """Return the batches in the live snapshot, or the one with an id."""
    if warehouse.pointer() is None:
        return []
    snapshot = warehouse.current()
    there = sa.text(
        "SELECT count(*) AS found FROM information_schema.tables WHERE table_name = 'batches' "
        "AND table_schema = current_schema()"
    )
    if not rows_of(snapshot, there)[0]["found"]:
        return []
    asked = sa.text("SELECT * FROM batches WHERE :batch IS NULL OR batch = :batch").bindparams(
        sa.bindparam("batch", batch, sa.String())
    )
    return [Batch(**row) for row in rows_of(snapshot, asked)]


def carry(connection: duckdb.DuckDBPyConnection, warehouse: Warehouse) -> None:
    """Make the table in a new snapshot, with the batches of the live one."""
    connection.execute(
        "CREATE TABLE batches (batch VARCHAR, content VARCHAR, rows BIGINT, load VARCHAR, received_at TIMESTAMP)"
    )
    add(connection, published(warehouse))


def add(connection: duckdb.DuckDBPyConnection, batches: Iterable[Batch]) -> None:
    """Add batches to the table of a new snapshot."""
    table = pa.Table.from_pylist([asdict(each) for each in batches], schema=_SCHEMA)
    if table.num_rows:
        connection.from_arrow(table).insert_into("batches")
