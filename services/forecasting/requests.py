"""Forecasts as programs ask for them and get them: JSON, and CSV for many series."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.errors import QueryError
from services.exports import safe_cell
from services.forecasting.sales import MOST_PARTS, REST, Outlook
from services.jobs import JobInfo, JobState
from services.query import SalesQuery

#: Rows of a large forecast that are written at once.
CHUNK = 10_000


class Asked(BaseModel):
    """What a program asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: SalesQuery
    horizon: int = Field(ge=1, le=370)
    parts: int = Field(default=10, ge=1, le=MOST_PARTS)

    @property
    def many(self) -> bool:
        """True for forecasts of more than one series; those are jobs."""
        return bool(self.query.dimensions)


def read(text: bytes) -> Asked:
    """Return what a JSON text asks for; raises QueryError that names the place of a mistake."""
    try:
        return Asked.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise QueryError(f"This is not a forecast: {place}: {first['msg']}, found {first['input']!r:.200}.") from None


def write(found: Outlook) -> bytes:
    """Return a forecast as JSON; what is not known is null."""
    rows = found.frame.to_dict("records")
    return orjson.dumps(
        {
            "rows": [{**row, "time": f"{row['time']:%Y-%m-%d}"} for row in rows],
            "models": [asdict(score) for score in found.scores],
            "origins": found.origins,
            "coverage": dict(zip(("80", "95"), found.coverage, strict=True)),
            "notes": found.notes,
            "version": found.version,
        },
        default=lambda value: value.item() if isinstance(value, np.generic) else str(value),
    )


def told(job: JobInfo, address: str) -> dict[str, Any]:
    """Return a job as programs see it; `address` is where it is asked for."""
    facts = {name: value for name, value in (job.result or {}).items() if name != "sha256"}
    return {
        "job": job.id,
        "state": "cancelling" if job.cancelling else job.state.value,
        "stage": job.stage,
        "share": job.share,
        "url": address,
        "error": job.error or None,
        "result": {**facts, "url": f"{address}/result"} if job.state is JobState.DONE else None,
    }


def csv_of(path: Path) -> Iterator[bytes]:
    """Yield the rows of a result as CSV, some at a time, with no text in them that a spreadsheet would run."""
    file = pq.ParquetFile(path)
    yield _lines([file.schema_arrow.names])
    for batch in file.iter_batches(CHUNK):
        yield _lines([_cell(value) for value in row.values()] for row in batch.to_pylist())


def json_of(path: Path) -> Iterator[bytes]:
    """Yield the rows of a result as one JSON object, `{"rows": […]}`, some at a time."""
    yield b'{"rows":['
    first = True
    for batch in pq.ParquetFile(path).iter_batches(CHUNK):
        for row in batch.to_pylist():
            yield (b"" if first else b",") + orjson.dumps({**row, "time": f"{row['time']:%Y-%m-%d}"})
            first = False
    yield b"]}"


def _cell(value: Any) -> Any:
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d}"
    return safe_cell("" if value == REST else value)


def _lines(rows: Iterator[list[Any]] | list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
