"""Buckets of time: where each begins and ends, as the statements cut them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from services import buckets
from services.model import Calendar
from services.periods import Grain, Range
from services.sales import Answer

#: How many buckets make a season, and what the season is called.
SEASONS = {
    Grain.DAY: (7, "week"),
    Grain.WEEK: (52, "year"),
    Grain.MONTH: (12, "year"),
    Grain.QUARTER: (4, "year"),
}


def spine(covered: Range, grain: Grain, calendar: Calendar) -> Iterator[Range]:
    """Yield every bucket that has a part in a range, in their order and whole."""
    start = buckets.start_of(covered.start.date(), grain, calendar)
    while (begins := dt.datetime.combine(start, dt.time())) < covered.end:
        start = buckets.after(start, grain, calendar)
        yield Range(begins, dt.datetime.combine(start, dt.time()))


def with_gaps(answer: Answer, calendar: Calendar) -> Answer:
    """Return an answer by time and nothing else with a row for every bucket of its period, in their order.

    Buckets that the answer does not have are empty.
    """
    if answer.query.grain is None:
        return answer
    starts = [bucket.start for bucket in spine(answer.window.now, answer.query.grain, calendar)]
    frame = answer.frame.dropna(subset=["time"]).set_index("time")
    known = frame.index.union(pd.DatetimeIndex(starts).astype(frame.index.dtype)).rename("time")
    return replace(answer, frame=frame.reindex(known).reset_index())
