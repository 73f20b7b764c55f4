"""Frames: columns of values -> the frame that an answer promises, and its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from services import sql
from services.model import TIME_PARTS, ColumnType, SalesModel
from services.query import SalesQuery

NUMERIC = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)


def frame_of(model: SalesModel, query: SalesQuery, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return the frame of an answer, in the types that `Answer` promises."""
    return pd.DataFrame({name: _column(model, query, name, values) for name, values in columns.items()})


def _column(model: SalesModel, query: SalesQuery, name: str, values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return values
    numeric = query.columns and model.facts.columns[name].type in NUMERIC
    if numeric or name.removesuffix("__before") in query.measures:
        return np.array([np.nan if value is None else float(value) for value in values], "float64")
    if name in ("time", sql.ROWS, sql.ALL_ROWS, *TIME_PARTS):
        return np.array(values, dtype="datetime64[us]" if name == "time" else "int64")
    return pd.Series(values, dtype=None if values else "object")


def arrow_stream(frame: pd.DataFrame) -> bytes:
    """Return the rows as an Arrow IPC stream."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def from_arrow_stream(value: bytes) -> pd.DataFrame | None:
    """Return the rows of an Arrow IPC stream; None for bytes that are none."""
    try:
        frame: pd.DataFrame = pa.ipc.open_stream(value).read_all().to_pandas()
    except (pa.ArrowException, OSError):
        return None
    return frame
