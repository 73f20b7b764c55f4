"""Questions and dates of a file -> predictions in the neutral form, one JSON object per line."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from services.errors import UserError
from services.language.asking import Reading, Vocabulary, read
from services.language.dates import read_date
from services.language.spans import Clock
from services.model import SalesModel


def rows_of(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of JSON lines; raises UserError with the line that is not one."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UserError(f"Line {number} is not JSON ({error}); each line must be an object.") from None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise UserError(f"Line {number} has no text; each line must be an object with id and text.")
        yield row


def clock_for(row: Mapping[str, Any], clock: Clock) -> Clock:
    """Return the clock of a row: its `ref`, `fiscal_start_month` and `date_order` where it has them."""
    try:
        today = dt.date.fromisoformat(row["ref"]) if row.get("ref") else clock.today
    except (TypeError, ValueError):
        raise UserError(f"The ref of row {row.get('id')!r} is {row['ref']!r}; write it like 2011-12-09.") from None
    return replace(
        clock,
        today=today,
        fiscal_start=int(row.get("fiscal_start_month") or clock.fiscal_start),
        day_first=row.get("date_order", "DMY" if clock.day_first else "MDY") == "DMY",
    )


def date_predictions(rows: Iterable[Mapping[str, Any]], clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield {"id", "start", "end", "ms"} per row, {"id", "none": true, "ms"} where no date was understood."""
    for row in rows:
        started = time.perf_counter()
        span = read_date(row["text"][:500], clock_for(row, clock))
        ms = round((time.perf_counter() - started) * 1000, 3)
        if span is None:
            yield {"id": row.get("id"), "none": True, "ms": ms}
        else:
            ends = {"start": span.start and str(span.start), "end": span.end and str(span.end)}
            yield {"id": row.get("id"), **ends, "ms": ms}


def predictions(rows: Iterable[Mapping[str, Any]], vocabulary: Vocabulary, clock: Clock) -> Iterator[dict[str, Any]]:
    """Yield {"id", "interpretation", "confidence", "clarify", "ms"} per row, by the names of the neutral form."""
    for row in rows:
        started = time.perf_counter()
        try:
            reading = read(row["text"], vocabulary, clock_for(row, clock))
        except UserError:
            yield {"id": row.get("id"), "interpretation": None, "confidence": 0.0, "clarify": True, "ms": 0.0}
            continue
        ms = round((time.perf_counter() - started) * 1000, 3)
        yield {"id": row.get("id"), **prediction(reading, vocabulary.model), "ms": ms}


def prediction(reading: Reading, model: SalesModel) -> dict[str, Any]:
    """Return a reading in the neutral form, with `reason` and `words` of what is missing.

    Where one stretch of words was not understood, the closest reading is given, to be asked back.
    """
    found: dict[str, Any] = {
        "interpretation": neutral(reading, model) if reading.closest or not reading.faults else None,
        "confidence": round(reading.confidence, 4),
        "clarify": not reading.answerable,
    }
    if reading.faults:
        found |= {"reason": reading.faults[0][0], "words": [words for _, words in reading.faults if words]}
    return found


def neutral(reading: Reading, model: SalesModel) -> dict[str, Any]:
    """Return the neutral form with measures, dimensions and values called as the model's aliases say."""
    spelled = {name: each.spelled for name, each in model.dimensions.items() if each.spelled}
    named = {name: each.alias for name, each in model.measures.items() if each.alias}
    named |= {name: each.alias for name, each in model.dimensions.items() if each.alias}
    renamed: dict[str, Any] = _renamed(reading.form.neutral(spelled), named)
    return renamed


#: Keys of the neutral form that hold names of measures or dimensions.
_NAMING = ("measures", "dimensions", "dim", "measure", "per", "by", "limit_per")


def _renamed(value: Any, named: Mapping[str, str | None], key: str = "") -> Any:
    if isinstance(value, dict):
        return {each: _renamed(found, named, each) for each, found in value.items()}
    if isinstance(value, list):
        return [_renamed(found, named, key) for found in value]
    return named.get(value, value) if key in _NAMING and isinstance(value, str) else value
