"""Paging: a page of order lines -> the few days it lies in, so that a deep page costs what the first one does.

Lines come in the order of their time unless a query says otherwise, so the lines per day tell which days a page lies
in; images count them under the same filters and row scope.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services import sql
from services.model import SalesModel
from services.periods import Grain, Range, Window
from services.query import SalesQuery

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Page:
    """A page within fewer days: the same rows, the offset counted from their first."""

    query: SalesQuery
    window: Window


def counting(model: SalesModel, query: SalesQuery) -> SalesQuery | None:
    """Return the query for the lines per day of a query for lines; None for filters that measures do not take."""
    if any(condition.field not in model.dimensions for condition in query.filters):
        return None
    first = model.overview.measures[0]
    return SalesQuery(
        measures=(first,), grain=Grain.DAY, period=query.period, filters=query.filters, segments=query.segments
    )


def by_time(model: SalesModel, query: SalesQuery) -> bool:
    """Tell whether a query's lines come in the order of their time."""
    return not query.sort or query.sort[0].field == model.facts.time


def narrowed(query: SalesQuery, window: Window, days: pd.DataFrame) -> Page:
    """Return the page of a query whose lines come in the order of time; `days` is the answer to `counting`."""
    if query.limit is None:
        return Page(query, window)
    descending = not query.sort or query.sort[0].descending
    days = days.sort_values("time", ascending=not descending)
    ends = np.cumsum(days[sql.ROWS].to_numpy())
    first = int(np.searchsorted(ends, query.offset, "right"))
    last = min(int(np.searchsorted(ends, query.offset + query.limit, "left")), len(ends) - 1)
    if first >= len(ends):
        return Page(replace(query, offset=0), replace(window, now=Range(window.now.start, window.now.start)))
    moments = sorted((days["time"].iloc[first], days["time"].iloc[last]))
    start, end = moments[0].to_pydatetime(), (moments[1] + DAY).to_pydatetime()
    before = int(ends[first - 1]) if first else 0
    now = Range(max(start, window.now.start), min(end, window.now.end))
    return Page(replace(query, offset=query.offset - before), replace(window, now=now))
