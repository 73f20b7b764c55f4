"""Words for what figures and tables show."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from services import formats
from services.model import SalesModel
from services.periods import Grain, Range

UNKNOWN = "(not given)"


def of(frame: pd.DataFrame, dimension: str) -> list[str]:
    """Return what each row's value of a dimension is called."""
    column = f"{dimension}__label" if f"{dimension}__label" in frame else dimension
    return [UNKNOWN if pd.isna(value) else str(value) for value in frame[column]]


def cut(text: str, length: int) -> str:
    """Return the text with an ellipsis when it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


#: What a time bucket is called.
bucket = formats.bucket


def two_lines(moment: dt.date, grain: Grain | None, model: SalesModel) -> tuple[str, str]:
    """Return a bucket's name along an axis and what larger unit it is in: ("Nov", "2011"), ("14 Nov", "2011")."""
    name = bucket(moment, grain, model).removeprefix("from ")
    first, _, year = name.rpartition(" ")
    return (first, year) if first else (name, "")


def range_of(covered: Range, model: SalesModel) -> str:
    """Return a range by its first and last day."""
    return formats.range_text(covered.start, covered.end, model)


def data(**values: str) -> dict[str, Any]:
    """Return data attributes for a Dash component: `data(field="role")`."""
    return {f"data-{name.replace('_', '-')}": value for name, value in values.items()}


def aria(**names: str) -> dict[str, Any]:
    """Return ARIA attributes for a Dash component: `aria(label="Filters")`."""
    return {f"aria-{name}": value for name, value in names.items()}
