"""ARIMA on series with known answers, and on series that have none."""

from __future__ import annotations

import numpy as np
import pytest

from services.forecasting import arima
from services.forecasting.arima import NotFittedError
from services.forecasting.engine import forecast
from services.forecasting.registry import ARIMA, CAUTIOUS, MODELS, NAIVE
from services.forecasting.run import Run
from tests.services.forecasting.test_engine import assert_sound, panel_of, waves

HORIZON = 6
SMALL = tuple(model for model in MODELS if model.name in (NAIVE, CAUTIOUS, ARIMA))


def autoregression(phi: float, level: float, count: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, count)
    values = np.zeros(count)
    for at in range(1, count):
        values[at] = phi * values[at - 1] + noise[at]
    return values + level


def test_autoregression_is_recovered() -> None:
    values = autoregression(0.8, 50, 250, 3)
    # Ordinary least squares of each value on the one before, which for this order is what likelihood comes to.
    slope, constant = np.polyfit(values[:-1], values[1:], 1)
    expected, last = [], values[-1]
    for _ in range(HORIZON):
        last = constant + slope * last
        expected.append(last)
    found = arima.fit(values, 1)
    assert (found.form.order[1], found.form.constant) == (0, True)
    assert found.ahead(values, HORIZON) == pytest.approx(expected, abs=0.25)


def test_random_walk_goes_on_by_its_mean_step() -> None:
    values = np.cumsum(np.random.default_rng(5).normal(2, 1, 200))
    step = (values[-1] - values[0]) / (len(values) - 1)
    found = arima.fit(values, 1)
    assert (found.form.order[1], found.form.constant) == (1, True)
    assert found.ahead(values, HORIZON) == pytest.approx(values[-1] + step * np.arange(1, HORIZON + 1), abs=0.5)
    # Later values move the forecast, not the parameters.
    later = found.ahead(np.append(values, values[-1] + 40), HORIZON)
    assert later - found.ahead(values, HORIZON) == pytest.approx(np.full(HORIZON, 40 + step), abs=4)


@pytest.mark.parametrize(("season", "count"), [(12, 72), (52, 130)])
def test_season_is_carried_on(season: int, count: int) -> None:
    values = 100 + 30 * np.sin(2 * np.pi * np.arange(count + HORIZON) / season)
    noise = np.random.default_rng(8).normal(0, 2, count)
    values[3:count] += noise[3:]
    values[:3] = np.nan
    ahead = arima.fit(values[:count], season).ahead(values[:count], HORIZON)
    assert ahead == pytest.approx(values[count:], abs=6)


ODD = {
    "nothing": np.full(60, np.nan),
    "three": np.array([3.0, 5.0, 4.0]),
    "zeros": np.zeros(60),
    "line": np.arange(60.0),
    "spike": np.where(np.arange(60) == 20, 1e7, 3.0),
    "huge": np.random.default_rng(1).uniform(1e98, 9e99, 60),
    "pattern": np.tile(np.arange(12.0), 5),
    "gap": np.where((np.arange(60) > 20) & (np.arange(60) < 45), np.nan, np.arange(60.0) % 7),
}
REFUSED = ("nothing", "three", "zeros", "pattern")


@pytest.mark.parametrize("name", list(ODD))
def test_odd_series_get_a_forecast_or_a_reason(name: str) -> None:
    try:
        ahead = arima.fit(ODD[name], 12).ahead(ODD[name], HORIZON)
    except NotFittedError:
        assert name in REFUSED
    else:
        assert np.isfinite(ahead).all()


def test_the_engine_tries_it_on_one_series_and_says_why_not_on_others() -> None:
    values = np.maximum(autoregression(0.9, 40, 90, 2), 0)
    one = forecast(panel_of(values[None]), models=SMALL)
    assert_sound(one)
    assert ARIMA in one.backtest.forecasts
    assert one.weights[ARIMA] > 0
    constant = forecast(panel_of(np.full((1, 60), 7.0)), models=SMALL)
    assert constant.backtest.left_out == ("ARIMA was not tried: the values do not vary.",)
    several = panel_of(waves(3, 60, 12))
    (words,) = forecast(several, models=SMALL).backtest.left_out
    assert "there are 3" in words
    assert ARIMA not in forecast(several, Run(until=0.0), SMALL).backtest.forecasts


def test_it_is_not_used_where_seasonal_naive_is_better() -> None:
    # Too short a history for a season of its own, though it comes back to the last digit.
    pattern = np.tile(np.random.default_rng(1).uniform(0, 1000, 12), 3)
    found = forecast(panel_of(pattern[None]), models=SMALL)
    assert ARIMA in found.backtest.forecasts
    assert ARIMA not in found.weights
