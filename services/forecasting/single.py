"""Forecasts of one series: candidates compared by rolling-origin backtests against seasonal naive.

Models: seasonal naive; ETS and SARIMA as implemented by statsmodels. Intervals are split-conformal: quantiles of the
backtest's absolute errors, step by step. Source of the error measure: MASE, Hyndman & Koehler (2006).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.tsa.holtwinters import ExponentialSmoothing
from statsmodels.tsa.statespace.sarimax import SARIMAX

from services.access import Viewer
from services.errors import UserError
from services.periods import Compare, Grain
from services.query import SalesQuery
from services.sales import Sales

Values = NDArray[np.float64]
Model = Callable[[Values, int, int], Values]
#: Season length per grain.
SEASONS: Mapping[Grain, int] = {Grain.WEEK: 52, Grain.MONTH: 12, Grain.QUARTER: 4, Grain.DAY: 7}
FREQUENCIES: Mapping[Grain, str] = {Grain.WEEK: "W-MON", Grain.MONTH: "MS", Grain.QUARTER: "QS", Grain.DAY: "D"}
#: Backtest origins: as many as the history allows between these two.
FEWEST_ORIGINS, MOST_ORIGINS = 4, 12
NAIVE = "seasonal naive"


def seasonal_naive(history: Values, horizon: int, season: int) -> Values:
    """Return the values of one season ago; of the last point where less than a season is known."""
    last = history[-season:] if len(history) >= season else history[-1:]
    return np.resize(last, horizon)


def ets(history: Values, horizon: int, season: int) -> Values:
    """Return additive exponential smoothing with damped trend; seasonal from two seasons of history on."""
    seasonal = {"seasonal": "add", "seasonal_periods": season} if len(history) >= 2 * season else {}
    return np.asarray(ExponentialSmoothing(history, trend="add", damped_trend=True, **seasonal).fit().forecast(horizon))


def sarima(history: Values, horizon: int, season: int) -> Values:
    """Return the airline model (0,1,1)(0,1,1); without its seasonal part below two seasons of history."""
    seasonal = (0, 1, 1, season) if len(history) >= 2 * season and season <= 12 else (0, 0, 0, 0)
    fitted = SARIMAX(history, order=(0, 1, 1), seasonal_order=seasonal).fit(disp=False)
    return np.asarray(fitted.forecast(horizon))


MODELS: Mapping[str, Model] = {NAIVE: seasonal_naive, "ETS": ets, "SARIMA": sarima}


@dataclass(frozen=True)
class Forecast:
    """A forecast and why it is believed.

    `frame`: `time` (bucket starts), `mean`, `lo80`, `hi80`, `lo95`, `hi95`, float64 in the measure's unit. `scores`:
    mean absolute scaled error of each model over the backtest, smaller is better; `model` is the one used.
    """

    model: str
    frame: pd.DataFrame
    scores: Mapping[str, float]
    history: int


def forecast(sales: Sales, query: SalesQuery, viewer: Viewer, horizon: int) -> Forecast:
    """Return the forecast of the query's first measure at its grain, for `horizon` buckets after the last whole one.

    Raises UserError when the history is too short or the grain has no season.
    """
    grain = query.grain or Grain.MONTH
    if grain not in SEASONS:
        raise UserError(f"A forecast by {grain.value} is not offered; allowed: {', '.join(SEASONS)}.")
    query = replace(query, grain=grain, dimensions=(), compare=Compare.NONE, limit=None)
    answer = sales.answer(query, viewer)
    series = answer.frame.dropna(subset=["time"]).set_index("time")[query.measures[0]]
    if answer.window.incomplete or answer.window.now.end >= sales.coverage().end:
        series = series.iloc[:-1]
    if grain is Grain.WEEK and sales.model.calendar.week_start == "sunday":
        series.index = series.index + pd.Timedelta(days=1)
    return predict(series.asfreq(FREQUENCIES[grain]).fillna(0.0), SEASONS[grain], horizon)


def predict(series: pd.Series[float], season: int, horizon: int) -> Forecast:
    """Return the forecast of a regular series without gaps (DatetimeIndex with a frequency, float64).

    The model with the smallest backtest error is used, seasonal naive unless another beats it.
    """
    history: Values = np.asarray(series, "float64")
    first = max(8, horizon)
    origins = list(range(len(history) - horizon, first - 1, -1))[:MOST_ORIGINS]
    if len(origins) < FEWEST_ORIGINS:
        needed = first + horizon + FEWEST_ORIGINS - 1
        raise UserError(
            f"The history has {len(history)} whole periods; a forecast of {horizon} needs {needed}. "
            "Ask for fewer periods or a finer grain."
        )
    errors = {name: _errors(model, history, origins, horizon, season) for name, model in MODELS.items()}
    scale = float(np.mean(np.abs(np.diff(history)))) or 1.0
    scores = {name: float(np.mean(rows)) / scale for name, rows in errors.items()}
    best = min(scores, key=lambda name: (scores[name], name != NAIVE))
    mean = _run(MODELS[best], history, horizon, season)
    index = pd.DatetimeIndex(series.index)
    frame = pd.DataFrame({"time": pd.date_range(index[-1], periods=horizon + 1, freq=index.freq)[1:]})
    frame["mean"] = mean
    for level in (80, 95):
        # Wider with the horizon: the errors of all steps up to this one.
        widths = [np.quantile(errors[best][:, : step + 1], level / 100, method="higher") for step in range(horizon)]
        frame[f"lo{level}"], frame[f"hi{level}"] = np.minimum(mean, np.maximum(mean - widths, 0.0)), mean + widths
    return Forecast(best, frame, scores, len(history))


def _errors(model: Model, history: Values, origins: list[int], horizon: int, season: int) -> Values:
    """Return absolute errors, a row per origin and a column per step; models see only what lies before the origin."""
    rows = []
    for origin in origins:
        truth = history[origin : origin + horizon]
        rows.append(np.abs(_run(model, history[:origin], horizon, season) - truth))
    return np.vstack(rows)


def _run(model: Model, history: Values, horizon: int, season: int) -> Values:
    with warnings.catch_warnings():
        # Convergence warnings of a poor fit: the backtest judges it.
        warnings.simplefilter("ignore")
        try:
            values = np.asarray(model(history, horizon, season), "float64")
        except (ValueError, np.linalg.LinAlgError):
            # statsmodels raises these where a history is too short or too flat for the model.
            return seasonal_naive(history, horizon, season)
    return values if np.isfinite(values).all() else seasonal_naive(history, horizon, season)
