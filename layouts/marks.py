"""What a mark on screen carries so that it can be clicked: which measure, which values of which fields.

Figures: `trace |= marks.on(answer, measure, names)`. Tables: `tables.answer_table` does it. The browser
(assets/salescope/frame.js) sends the mark with the tile's query to callbacks/panel.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pandas as pd

from layouts import labels
from services.sales import Answer


def fields(answer: Answer) -> list[str]:
    """Return what tells the rows of an answer apart: `time` and the dimensions."""
    return [*(["time"] if answer.query.grain else []), *answer.query.dimensions]


def rows(answer: Answer, names: Sequence[str], frame: pd.DataFrame | None = None) -> list[list[Any]]:
    """Return per row what it is called and its values in the order of `fields`; times as dates, blanks as None."""
    frame = answer.frame if frame is None else frame
    columns = [_plain(frame[field]) for field in fields(answer)]
    return [list(each) for each in zip(names, *columns, strict=False)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(value) else f"{value:%Y-%m-%d}" for value in column]
    return [None if pd.isna(value) else str(value) for value in column]


def meta(answer: Answer, measure: str) -> dict[str, Any]:
    """Return what the rows' values stand for."""
    return {"measure": measure, "fields": fields(answer)}


def on(answer: Answer, measure: str, names: Sequence[str], frame: pd.DataFrame | None = None) -> dict[str, Any]:
    """Return what makes the points of a trace marks: one point per row of the answer (or of `frame`, its part)."""
    return {"meta": meta(answer, measure), "customdata": rows(answer, names, frame)}


def alone(measure: str, row: Sequence[Any] = ("",), names: Sequence[str] = ()) -> dict[str, Any]:
    """Return the attributes that make a button a mark of its own: no values for a total."""
    return labels.data(
        mark=orjson.dumps(list(row)).decode(), meta=orjson.dumps({"measure": measure, "fields": list(names)}).decode()
    )
