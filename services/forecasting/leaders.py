"""Which values of one dimension will sell most within each value of another, such as products per country."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from services.access import Viewer
from services.errors import UserError
from services.forecasting.engine import Forecasts
from services.forecasting.engine import forecast as forecast_of
from services.forecasting.intervals import Errors
from services.forecasting.panel import Values
from services.forecasting.run import Run
from services.forecasting.sales import ROWS, checked, end_of_whole_periods, panel_of, regular
from services.overview import rank_segments
from services.periods import Period
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales

#: Candidates for each rank asked for, and futures drawn.
CANDIDATES, DRAWS = 3, 400


def leaders(
    sales: Sales, query: SalesQuery, viewer: Viewer, horizon: int, *, places: int = 6, ranks: int = 5
) -> pd.DataFrame:
    """Return who will sell most over the next `horizon` periods: the first `ranks` of the query's second dimension.

    A row per place (the `places` largest values of the first dimension) and rank: `place`, `place_label`, `key`,
    `label`, `rank`, `mean`, `lo80`, `hi80` of the sum over the horizon, `before` (the same number of last whole
    periods) and `chance`, the share of drawn futures in which it is among the first `ranks` of its place. Futures take
    the errors of the backtest, a whole origin at a time, so that sums have intervals of their own. Raises UserError
    without two dimensions or rows.
    """
    if len(query.dimensions) != 2:
        raise UserError(f"Leaders need two dimensions, where and what; {len(query.dimensions)} were given.")
    asked = replace(checked(replace(query, dimensions=()), horizon), dimensions=query.dimensions)
    asked = replace(asked, segments=rank_segments(asked, sales.model))
    pairs = _pairs(sales, asked, viewer, places, ranks * CANDIDATES)
    series = _history(sales, asked, viewer, pairs)
    found = forecast_of(panel_of(series, asked, horizon), Run(rows=ROWS, expected=True))
    listed = pairs.set_index("series_id").loc[list(found.panel.ids)].reset_index()
    drawn = futures(found)
    listed["mean"] = found.bands["mean"].sum(1)
    listed["before"] = found.panel.values[:, -horizon:].sum(1)
    for name, level in (("lo80", 0.1), ("hi80", 0.9)):
        listed[name] = np.quantile(drawn, level, axis=0) if len(drawn) else np.nan
    return _ranked(listed, drawn, ranks)


def _pairs(sales: Sales, query: SalesQuery, viewer: Viewer, places: int, each: int) -> pd.DataFrame:
    """Return the pairs that may lead: within the largest places, what sold most in the last twelve months."""
    measure, (where, what) = query.measures[0], query.dimensions
    year = replace(query, grain=None, period=Period("last_12_months"), sort=(Sort(measure, descending=True),))
    biggest = sales.answer(replace(year, dimensions=(where,), limit=places), viewer).frame.dropna(subset=[where])
    keys = tuple(biggest[where].astype("str"))
    if not keys:
        raise UserError("There are no rows to forecast for you here. Choose other filters.")
    within = replace(year, filters=(*year.filters, Filter(where, "is", keys)), limit=50_000)
    frame = sales.answer(within, viewer).frame.dropna(subset=[where, what]).groupby(where, sort=False).head(each)
    made = pd.DataFrame({"place": frame[where].astype("str"), "key": frame[what].astype("str")})
    for column, name in (("place_label", where), ("label", what)):
        made[column] = (frame[f"{name}__label"] if f"{name}__label" in frame else frame[name]).astype("str")
    order = {key: number for number, key in enumerate(keys)}
    made = made.sort_values("place", key=lambda places: places.map(order), kind="stable")
    return made.assign(series_id=[f"{number:05}" for number in range(len(made))])


def _history(sales: Sales, query: SalesQuery, viewer: Viewer, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the whole periods of every pair as a long frame."""
    measure, (where, what) = query.measures[0], query.dimensions
    only = tuple(Filter(name, "is", tuple(pairs[key].unique())) for name, key in ((where, "place"), (what, "key")))
    frame = sales.answer(replace(query, filters=(*query.filters, *only)), viewer).frame.dropna(subset=["time"])
    end = end_of_whole_periods(sales, pd.DatetimeIndex(frame["time"]), query)
    frame = frame[frame["time"] < end].assign(place=frame[where].astype("str"), key=frame[what].astype("str"))
    frame = frame.merge(pairs[["place", "key", "series_id"]], on=["place", "key"])
    return regular(frame.rename(columns={"time": "date", measure: "value"})[["series_id", "date", "value"]], query)


def futures(found: Forecasts, weights: Values | None = None) -> Values:
    """Return drawn sums over the horizon (draws, series), each period by its weight; nothing without a backtest."""
    if not len(found.past):
        return np.zeros((0, len(found.panel.ids)))
    errors = Errors.of(found.backtest, found.past, found.bands["mean"])
    draw = np.random.default_rng(7)
    origin = draw.integers(0, len(errors.relative), DRAWS)
    # Signs are drawn as well: what fell short at an origin may go beyond it the next time.
    sign = draw.choice([-1.0, 1.0], DRAWS)[:, None, None]
    error = np.nan_to_num(errors.relative[origin]) * errors.spread[None, :, None] * sign
    drawn = found.bands["mean"][None] + error
    drawn = np.maximum(drawn, 0.0) if found.panel.nonnegative else drawn
    return np.asarray(drawn.sum(2) if weights is None else drawn @ weights)


def _ranked(listed: pd.DataFrame, drawn: Values, ranks: int) -> pd.DataFrame:
    listed["chance"] = np.nan
    for _, rows in listed.groupby("place", sort=False).indices.items() if len(drawn) else ():
        places = (-drawn[:, rows]).argsort(1).argsort(1)
        listed.loc[listed.index[rows], "chance"] = (places < ranks).mean(0)
    listed["rank"] = listed.groupby("place", sort=False)["mean"].rank(ascending=False, method="first").astype("int64")
    order = {place: number for number, place in enumerate(listed["place"].unique())}
    kept = listed[listed["rank"] <= ranks]
    kept = kept.assign(order=kept["place"].map(order)).sort_values(["order", "rank"])
    columns = ["place", "place_label", "rank", "key", "label", "mean", "lo80", "hi80", "before", "chance"]
    return kept[columns].reset_index(drop=True)
