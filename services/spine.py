"""Buckets of time: where each begins and ends, as the statements cut them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from services.model import Calendar
from services.periods import DAY, Grain, Range, add_months
from services.sales import Answer

MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}
#: How many buckets make a season, and what the season is called.
SEASONS = {
    Grain.DAY: (7, "week"),
    Grain.WEEK: (52, "year"),
    Grain.MONTH: (12, "year"),
    Grain.QUARTER: (4, "year"),
}


def start_of(moment: dt.datetime, grain: Grain, calendar: Calendar) -> dt.datetime:
    """Return the beginning of the bucket that a moment lies in."""
    day = moment.date()
    if grain in MONTHS:
        length = MONTHS[grain]
        day = day.replace(month=day.month - (day.month - 1) % length, day=1)
    elif grain is Grain.WEEK:
        first = 6 if calendar.week_start == "sunday" else 0
        day -= dt.timedelta(days=(day.weekday() - first) % 7)
    return dt.datetime.combine(day, dt.time())


def after(start: dt.datetime, grain: Grain, count: int = 1) -> dt.datetime:
    """Return the beginning of the bucket `count` after the one that begins at `start`; before it, when negative."""
    if grain in MONTHS:
        return dt.datetime.combine(add_months(start.date(), MONTHS[grain] * count), dt.time())
    return start + DAY * (7 if grain is Grain.WEEK else 1) * count


def spine(covered: Range, grain: Grain, calendar: Calendar) -> Iterator[Range]:
    """Yield every bucket that has a part in a range, in their order and whole."""
    start = start_of(covered.start, grain, calendar)
    while start < covered.end:
        end = after(start, grain)
        yield Range(start, end)
        start = end


def with_gaps(answer: Answer, calendar: Calendar) -> Answer:
    """Return an answer by time and nothing else with a row for every bucket of its period, in their order.

    Buckets that the answer does not have are empty.
    """
    if answer.query.grain is None:
        return answer
    buckets = [bucket.start for bucket in spine(answer.window.now, answer.query.grain, calendar)]
    frame = answer.frame.dropna(subset=["time"]).set_index("time")
    known = frame.index.union(pd.DatetimeIndex(buckets).astype(frame.index.dtype)).rename("time")
    return replace(answer, frame=frame.reindex(known).reset_index())
