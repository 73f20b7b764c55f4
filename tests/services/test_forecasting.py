"""Forecasts of one series: what is used must have beaten seasonal naive, and sees nothing of the future."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from services.access import Viewer
from services.errors import UserError
from services.forecasting.single import MODELS, NAIVE, ets, forecast, predict, seasonal_naive
from services.periods import Grain
from services.query import SalesQuery
from services.sales import Sales

# What is computed from answers is the same on both engines; once is enough.
pytestmark = [
    pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session"),
    pytest.mark.usefixtures("engine"),
]

BANDS = ["lo95", "lo80", "mean", "hi80", "hi95"]


def series(values: list[float] | np.ndarray) -> pd.Series[float]:
    return pd.Series(np.asarray(values, "float64"), index=pd.date_range("2020-01-01", periods=len(values), freq="MS"))


def test_seasonal_naive_repeats_the_last_season() -> None:
    history = np.arange(1.0, 25.0)
    assert seasonal_naive(history, 14, 12).tolist() == [*range(13, 25), 13, 14]
    assert seasonal_naive(np.array([3.0, 5.0]), 3, 12).tolist() == [5, 5, 5]


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.ModelWarning")
@pytest.mark.parametrize("name", list(MODELS))
def test_model_finds_a_season_with_trend(name: str) -> None:
    months = np.arange(72)
    truth = 100 + months + 20 * np.sin(2 * np.pi * months / 12)
    found = MODELS[name](truth[:60], 12, 12)
    # A year of trend is what seasonal naive misses.
    assert np.abs(found - truth[60:]).mean() <= 12.01


def test_bands_hold_most_of_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.forecasting.single.MODELS", {NAIVE: seasonal_naive, "ETS": ets})
    inside = []
    for seed in range(20):
        values = np.random.default_rng(seed).normal(100, 10, 72)
        found = predict(series(values[:66]), 12, 6)
        assert found.scores[found.model] <= found.scores[NAIVE]
        inside += list((values[66:] >= found.frame["lo95"]) & (values[66:] <= found.frame["hi95"]))
    assert 0.85 <= np.mean(inside) <= 1.0


def test_bands_are_nested_and_never_negative() -> None:
    values = np.maximum(np.random.default_rng(3).normal(2, 6, 60), 0)
    found = predict(series(values), 12, 6).frame
    assert (found[BANDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (found[BANDS] >= 0).all(axis=None)
    assert found["time"].tolist() == pd.date_range("2025-01-01", periods=6, freq="MS").tolist()


def test_naive_is_used_where_nothing_beats_it() -> None:
    pattern = np.tile(np.random.default_rng(1).uniform(0, 1000, 12), 5)
    assert predict(series(pattern), 12, 6).model == NAIVE


def test_backtest_sees_nothing_after_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    def watcher(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
        seen.append(history)
        return seasonal_naive(history, horizon, season)

    monkeypatch.setattr("services.forecasting.single.MODELS", {NAIVE: watcher})
    values = np.arange(60.0)
    predict(series(values), 12, 6)
    assert [len(history) for history in seen] == [*range(54, 42, -1), 60]
    assert all((history == values[: len(history)]).all() for history in seen)


def test_forecast_of_the_sample_starts_after_the_last_whole_month(sales: Sales, everyone: Viewer) -> None:
    found = forecast(sales, SalesQuery(measures=("revenue",), grain=Grain.MONTH), everyone, 3)
    assert found.history == 24
    assert [f"{moment:%Y-%m}" for moment in found.frame["time"]] == ["2011-12", "2012-01", "2012-02"]
    again = forecast(sales, SalesQuery(measures=("revenue",), grain=Grain.MONTH), everyone, 3)
    pd.testing.assert_frame_equal(found.frame, again.frame)


def test_short_history_is_refused(sales: Sales, everyone: Viewer) -> None:
    with pytest.raises(UserError, match="24 whole periods; a forecast of 12 needs 27"):
        forecast(sales, SalesQuery(measures=("revenue",), grain=Grain.MONTH), everyone, 12)
    with pytest.raises(UserError, match="by year is not offered"):
        forecast(sales, SalesQuery(measures=("revenue",), grain=Grain.YEAR), everyone, 1)
