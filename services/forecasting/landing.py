"""Where a period that is not over will end: what there is, and a forecast of the rest."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from services.access import Permission, Viewer
from services.adding import Adding, adding
from services.forecasting.engine import forecast as forecast_of
from services.forecasting.frequency import FREQUENCIES
from services.forecasting.leaders import futures
from services.forecasting.panel import Shape, Values, read
from services.forecasting.registry import CAUTIOUS, GROWTH, MODELS, NAIVE, REGRESSION
from services.forecasting.run import Run
from services.forecasting.sales import FEWEST, STEPS, end_of_whole_periods, regular
from services.periods import DAY, Compare, Grain, Period, Range
from services.query import SalesQuery
from services.sales import Sales

#: Days left up to which the rest is forecast day by day; of more it is by week.
BY_DAY = 62
#: Days left that are not forecast any more: that far ahead the page says nothing.
FARTHEST = 400
STEP_DAYS = {Grain.DAY: 1, Grain.WEEK: 7}
#: Landings kept per process.
KEPT = 200
#: Models that take a moment only: a page asks for this by itself.
QUICK = tuple(model for model in MODELS if model.name in (NAIVE, GROWTH, CAUTIOUS, REGRESSION))


@dataclass(frozen=True)
class Landing:
    """What a measure will be at the end of the period: expected, and its 80 % interval, NaN where none is known.

    `drawn` are the futures behind the interval.
    """

    expected: float
    low: float
    high: float
    drawn: Values = field(repr=False, compare=False)

    def chance(self, target: float, *, up_is_good: bool = True) -> float:
        """Return the share of futures that reach a target, or stay below it; NaN where none were drawn."""
        if not len(self.drawn):
            return float("nan")
        return float((self.drawn >= target).mean() if up_is_good else (self.drawn <= target).mean())


class Landings:
    """Landings of the live data, each computed once per data version, row scope and query."""

    def __init__(self, sales: Sales) -> None:
        self._sales, self._lock = sales, threading.Lock()
        self._kept: OrderedDict[tuple[int, str, bytes, Range], Mapping[str, Landing]] = OrderedDict()

    def of(self, query: SalesQuery, viewer: Viewer) -> Mapping[str, Landing]:
        """Return the landing of each measure of a query that has one: none where its period is over.

        Measures whose periods do not add up, such as averages, have none. Without the permission to run forecasts
        there are none at all.
        """
        window = self._sales.window(query)
        if not viewer.may(Permission.FORECAST_RUN) or not window.incomplete:
            return {}
        key = (self._sales.version(), viewer.scope.fingerprint, query.to_json(), window.asked)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = landings(self._sales, query, viewer)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def landings(sales: Sales, query: SalesQuery, viewer: Viewer) -> dict[str, Landing]:
    """Return the landing of each measure of a query whose values add up over time, for the whole period asked."""
    whole = sales.window(query).asked
    end = sales.coverage().end
    left = (whole.end - end) / DAY
    names = tuple(name for name in query.measures if adding(sales.model, name) is not Adding.RATIO)
    if not names or not 0 < left <= FARTHEST:
        return {}
    grain = Grain.DAY if left <= BY_DAY else Grain.WEEK
    plain = replace(query, measures=names, dimensions=(), compare=Compare.NONE, sort=(), limit=None)
    asked = replace(plain, grain=grain, period=Period("all"))
    frame = sales.answer(asked, viewer).frame.dropna(subset=["time"])
    if frame.empty:
        return {}
    begin = pd.Timestamp(end_of_whole_periods(sales, pd.DatetimeIndex(frame["time"]), asked))
    history = frame[frame["time"] < begin]
    names = tuple(name for name in names if _adds_over_time(sales, asked, viewer, history, name, begin))
    weights = _weights(begin, whole, grain)
    if not names or len(history) < len(weights) + FEWEST:
        return {}
    series = history.melt(id_vars="time", value_vars=list(names), var_name="series_id")
    series = regular(series.rename(columns={"time": "date"}).astype({"value": "float64"}), asked)
    panel = read(series, Shape(len(weights), FREQUENCIES[grain.value]))
    found = forecast_of(panel, Run(expected=True), QUICK)
    ahead, drawn = found.bands["mean"] @ weights, futures(found, weights)
    so_far = _so_far(sales, asked, viewer, whole, begin)
    made = {}
    for row, name in enumerate(panel.ids):
        futures_of = so_far[name] + drawn[:, row]
        low, high = np.quantile(futures_of, [0.1, 0.9]) if len(drawn) else (np.nan, np.nan)
        made[name] = Landing(so_far[name] + float(ahead[row]), float(low), float(high), futures_of)
    return made


def _weights(begin: pd.Timestamp, whole: Range, grain: Grain) -> Values:
    """Return the share of each period from `begin` on that lies within the whole."""
    starts = pd.date_range(begin, whole.end - dt.timedelta(seconds=1), freq=STEPS[grain]).to_pydatetime()
    length = STEP_DAYS[grain] * DAY
    inside = [(min(start + length, whole.end) - max(start, whole.start)) / length for start in starts]
    return np.asarray(np.maximum(inside, 0.0), "float64")


def _so_far(sales: Sales, asked: SalesQuery, viewer: Viewer, whole: Range, begin: pd.Timestamp) -> dict[str, float]:
    """Return what there is from the period's start up to where the forecast begins."""
    last = begin.date() - DAY
    if last < whole.start.date():
        return dict.fromkeys(asked.measures, 0.0)
    done = replace(asked, grain=None, period=Period(first=whole.start.date(), last=last))
    answer = sales.answer(done, viewer)
    return {name: float(np.nan_to_num(answer.value(name))) for name in asked.measures}


def _adds_over_time(
    sales: Sales, asked: SalesQuery, viewer: Viewer, history: pd.DataFrame, name: str, begin: pd.Timestamp
) -> bool:
    """Tell whether the periods of a measure add up: sums do, counts of distinct things where the data show it."""
    if adding(sales.model, name) is Adding.SUM:
        return True
    first = history["time"].min().date() if len(history) else begin.date()
    if first >= begin.date():
        return False
    whole = replace(asked, grain=None, measures=(name,), period=Period(first=first, last=begin.date() - DAY))
    return float(history[name].sum()) == sales.answer(whole, viewer).value(name)
