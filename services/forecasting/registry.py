"""The models a forecast may be made of, a row each.

A model is fitted on a panel as of some day and then forecasts from any later day of the same panel: `fit(panel, run)`
returns a function from a panel to forecasts (series, horizon). Models of single series have nothing to fit beforehand,
ARIMA excepted. A model that cannot be had raises NotFittedError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from services.forecasting import arima, linear, smoothing
from services.forecasting.boosting import OBJECTIVES, SETTINGS, Objective, fit_boosting, in_parts, is_small
from services.forecasting.panel import Panel, Values
from services.forecasting.run import Run

Forecaster = Callable[[Panel], Values]
NAIVE, GROWTH, REGRESSION, ARIMA = "seasonal naive", "a season ago with growth", "regression", "ARIMA"
#: What is used of few series before the backtest has much to say.
CAUTIOUS = "mean of a season ago, its growth and regression"


@dataclass(frozen=True)
class Model:
    """A row: name, how it is fitted, for which panels it is meant, and whether it learns from all series at once."""

    name: str
    fit: Callable[[Panel, Run], Forecaster]
    meant_for: Callable[[Panel], bool] = lambda panel: True
    shared: bool = False


@dataclass(frozen=True)
class Seasoned:
    """A panel's open values without their season, and how to put the season back on forecasts."""

    values: Values
    index: Values
    relative: bool

    @classmethod
    def of(cls, panel: Panel) -> Seasoned:
        """Return the values of a panel without their season, a factor where all are positive, else an amount."""
        values = open_values(panel)
        relative = is_positive(panel)
        season = panel.frequency.season
        index = smoothing.seasonal(values, season, relative=relative)
        there = index[:, np.arange(panel.periods) % season]
        return cls(values / there if relative else values - there, index, relative)

    def back(self, forecasts: Values) -> Values:
        """Return forecasts with the season of their periods."""
        first = self.values.shape[1]
        there = self.index[:, (first + np.arange(forecasts.shape[1])) % self.index.shape[1]]
        return forecasts * there if self.relative else forecasts + there


def open_values(panel: Panel) -> Values:
    """Return the values with closed cells as not recorded."""
    return np.where(panel.closed[:, : panel.periods], np.nan, panel.values)


def is_positive(panel: Panel) -> bool:
    """True when every open value is above 0, so that logarithms and factors make sense."""
    values = open_values(panel)
    return bool(np.isfinite(values).any() and np.nanmin(values) > 0)


def has_zeros(panel: Panel) -> bool:
    """True when a tenth or more of the open values are 0."""
    values = open_values(panel)
    return bool((values == 0).sum() > 0.1 * np.isfinite(values).sum())


def _local(run: Callable[[Panel], Values]) -> Callable[[Panel, Run], Forecaster]:
    return lambda panel, how: run


def _naive(panel: Panel) -> Values:
    return smoothing.seasonal_naive(panel.values, panel.horizon, panel.frequency.season)


def _growth(panel: Panel) -> Values:
    return smoothing.seasonal_growth(open_values(panel), panel.horizon, panel.frequency.season)


def _regression(panel: Panel) -> Values:
    return in_parts(panel, lambda part: linear.regression(part, logs=False))


def _cautious(panel: Panel) -> Values:
    return 0.5 * tidy(_naive(panel), panel) + 0.3 * tidy(_growth(panel), panel) + 0.2 * tidy(_regression(panel), panel)


def _smoothed(panel: Panel) -> Values:
    seasoned = Seasoned.of(panel)
    return seasoned.back(smoothing.smooth(seasoned.values, panel.horizon))


def _smoothed_logs(panel: Panel) -> Values:
    seasoned = Seasoned.of(panel)
    # What came after the earliest origin of a backtest need not be above 0.
    logs = np.log(np.where(seasoned.values > 0, seasoned.values, np.nan))
    return seasoned.back(np.exp(np.clip(smoothing.smooth(logs, panel.horizon), -50, 80)))


def _theta(panel: Panel) -> Values:
    seasoned = Seasoned.of(panel)
    flat = smoothing.smooth(seasoned.values, panel.horizon, trends=smoothing.TRENDS[:1])
    reach = min(panel.periods, max(5 * panel.frequency.season, 60))
    slope = smoothing.linear_slope(seasoned.values, reach)
    return seasoned.back(flat + 0.5 * slope[:, None] * np.arange(1, panel.horizon + 1))


def _autoregression(panel: Panel) -> Values:
    seasoned = Seasoned.of(panel)
    season = panel.frequency.season
    return seasoned.back(linear.pooled_autoregression(seasoned.values, panel.horizon, season, logs=seasoned.relative))


def _autoregression_raw(panel: Panel) -> Values:
    season = panel.frequency.season
    return linear.pooled_autoregression(open_values(panel), panel.horizon, season, logs=is_positive(panel))


def _boosted(objective: Objective) -> Callable[[Panel, Run], Forecaster]:
    return lambda panel, how: fit_boosting(panel, objective, how)


def _fit_arima(panel: Panel, how: Run) -> Forecaster:
    ahead = arima.fit_each(open_values(panel), panel.frequency.season, panel.horizon, how.until)
    return lambda later: ahead(open_values(later))


def _row(objective: Objective) -> Model:
    return Model(f"LightGBM, {objective.name}", _boosted(objective), objective.meant_for, shared=True)


MODELS: tuple[Model, ...] = (
    Model(NAIVE, _local(_naive)),
    Model(GROWTH, _local(_growth)),
    Model(CAUTIOUS, _local(_cautious), is_small),
    Model("exponential smoothing", _local(_smoothed)),
    Model("exponential smoothing of logarithms", _local(_smoothed_logs), is_positive),
    Model("theta", _local(_theta)),
    Model(
        "Croston (SBA, TSB)", _local(lambda panel: smoothing.intermittent(open_values(panel), panel.horizon)), has_zeros
    ),
    Model("pooled autoregression, seasonally adjusted", _local(_autoregression)),
    Model("pooled autoregression", _local(_autoregression_raw)),
    Model(REGRESSION, _local(_regression)),
    Model(
        "regression of logarithms",
        _local(lambda panel: in_parts(panel, lambda part: linear.regression(part, logs=True))),
        lambda panel: panel.nonnegative,
    ),
    Model(ARIMA, _fit_arima, is_small),
    *(_row(each) for each in OBJECTIVES),
)
#: Other settings of the models that learn from all series, by name, the most promising first.
VARIANTS: Mapping[str, tuple[Model, ...]] = {
    _row(each).name: tuple(_row(each.varied(rounds, **more)) for rounds, more in SETTINGS) for each in OBJECTIVES
}


def tidy(forecasts: Values, panel: Panel) -> Values:
    """Return forecasts as they may be: finite, 0 where closed, not negative for amounts that never are."""
    fallback = np.nan_to_num(smoothing.seasonal_naive(panel.values, panel.horizon, panel.frequency.season))
    found = np.where(np.isfinite(forecasts), forecasts, fallback)
    top = np.nanmax(np.abs(panel.values), axis=1, initial=0)[:, None] * 20 + 1
    found = np.clip(found, -top, top)
    found = np.where(panel.closed[:, panel.periods :], 0.0, found)
    return np.maximum(found, 0.0) if panel.nonnegative else found
