"""The engine on series as people have them: nothing of the future is seen, bounds are in order, nothing breaks it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import UserError
from services.forecasting import backtest as backtesting
from services.forecasting import engine
from services.forecasting.backtest import Backtest
from services.forecasting.engine import Forecasts, forecast
from services.forecasting.features import Features, Samples, horizon_of
from services.forecasting.frequency import FREQUENCIES, dates_of, inferred, ordinals
from services.forecasting.intervals import BANDS, Errors
from services.forecasting.panel import Panel, Shape, read
from services.forecasting.registry import MODELS, NAIVE, Model
from services.forecasting.run import Run

LOCAL = tuple(model for model in MODELS if not model.shared)
QUICK = Run(rows=2_000)
IN_ORDER = ("lo95", "lo80", "mean", "hi80", "hi95")


def panel_of(values: np.ndarray, frequency: str = "month", horizon: int = 6, known: np.ndarray | None = None) -> Panel:
    """Return rows of numbers as a panel; `known` (series, periods + horizon) is one column known in advance."""
    count, periods = values.shape
    ticks = np.arange(600, 600 + periods + horizon)
    dates = dates_of(ticks, FREQUENCIES[frequency])
    ids = [f"s{row}" for row in range(count)]
    train = pd.DataFrame(
        {"series_id": np.repeat(ids, periods), "date": np.tile(dates[:periods], count), "value": values.ravel()}
    )
    future = pd.DataFrame({"series_id": np.repeat(ids, horizon), "date": np.tile(dates[periods:], count)})
    if known is not None:
        train["flag"], future["flag"] = known[:, :periods].ravel(), known[:, periods:].ravel()
    return read(train, Shape(horizon, FREQUENCIES[frequency]), future)


def waves(count: int, periods: int, season: int, seed: int = 0) -> np.ndarray:
    """Return series with a season and a trend of sizes far apart."""
    draw = np.random.default_rng(seed)
    time = np.arange(periods)
    rows = [
        10.0 ** draw.uniform(0, 5)
        * (1 + 0.004 * time + 0.3 * np.sin(2 * np.pi * time / season) + draw.normal(0, 0.05, periods))
        for _ in range(count)
    ]
    return np.asarray(np.maximum(np.vstack(rows), 0.0))


def assert_sound(found: Forecasts) -> None:
    bounds = [found.bands[name] for name in IN_ORDER]
    assert np.isfinite(found.bands["mean"]).all()
    stated = np.isfinite(found.bands["lo95"])
    for lower, upper in itertools.pairwise(bounds):
        assert (lower[stated] <= upper[stated]).all()
    if found.panel.nonnegative:
        assert (found.bands["mean"] >= 0).all()
        assert (found.bands["lo95"][stated] >= 0).all()
    assert sum(found.weights.values()) == pytest.approx(1)


amounts = st.one_of(
    st.floats(0, 1e6), st.sampled_from([0.0, 0.0, 0.0, 1.0, np.nan, np.inf, -np.inf, 1e308, -1e4, 1e-12])
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_series_get_a_sound_forecast(data: st.DataObject) -> None:
    frequency = data.draw(st.sampled_from(["day", "week", "month", "quarter", "year"]))
    lengths = data.draw(st.lists(st.integers(1, 70), min_size=1, max_size=4))
    horizon = data.draw(st.integers(1, 8))
    rows = []
    for number, length in enumerate(lengths):
        values = data.draw(st.lists(amounts, min_size=length, max_size=length))
        start = data.draw(st.integers(0, 40))
        ticks = 600 + start + np.arange(length) * data.draw(st.sampled_from([1, 1, 1, 3]))
        rows += [
            (f"s{number}", date, value)
            for date, value in zip(dates_of(ticks, FREQUENCIES[frequency]), values, strict=True)
        ]
    twice = data.draw(st.integers(0, 3))
    train = pd.DataFrame(rows + rows[:twice], columns=["series_id", "date", "value"])
    try:
        panel = read(train, Shape(horizon, FREQUENCIES[frequency]))
    except UserError:
        assert not (train["value"].abs() < 1e100).any()
        return
    assert_sound(forecast(panel, QUICK, LOCAL))


def test_hard_series_among_good_ones_are_forecast() -> None:
    values = waves(12, 60, 12)
    values[0, :57] = np.nan
    values[1] = 0
    values[2] = 0
    values[2, 30] = 1e6
    values[3, 20:32] = np.nan
    values[4] = 7
    found = forecast(panel_of(values), QUICK)
    assert_sound(found)
    assert (found.bands["mean"][1] == 0).all()
    assert found.bands["mean"][4] == pytest.approx(7, rel=0.05)
    # No interval is made up: a constant series of a panel with errors has a narrow one.
    assert (found.bands["hi80"][4] - found.bands["lo80"][4] < 2).all()


SOME = np.random.default_rng(2).uniform(50, 150, 48)


def rows_of(values: np.ndarray, first: str = "2018-01-01", step: int = 1) -> pd.DataFrame:
    dates = pd.date_range(first, periods=len(values) * step, freq="MS")[::step]
    return pd.DataFrame({"series_id": "a", "date": dates, "value": values})


def with_value(at: int, value: float) -> np.ndarray:
    return np.where(np.arange(len(SOME)) == at, value, SOME)


@pytest.mark.parametrize(
    ("train", "low", "high"),
    [
        pytest.param(rows_of(SOME[:3]), 0, 200, id="three points"),
        pytest.param(rows_of(SOME * 0), 0, 0, id="all zeros"),
        pytest.param(rows_of(with_value(20, 1e7)), 0, 1e7, id="one spike"),
        pytest.param(pd.concat([rows_of(SOME), rows_of(SOME[:9] * 1.1)]), 30, 170, id="duplicated dates"),
        pytest.param(pd.concat([rows_of(SOME[:20]), rows_of(SOME[20:], "2020-09-01")]), 30, 170, id="a gap of a year"),
        pytest.param(pd.concat([rows_of(SOME), rows_of(SOME[:3] * 1e6, "2030-01-01")]), 0, 200, id="future dates"),
        pytest.param(rows_of(with_value(7, np.nan)), 30, 170, id="nan"),
        pytest.param(rows_of(with_value(7, np.inf)), 30, 170, id="inf"),
        pytest.param(rows_of(np.full(48, 7.0)), 6.9, 7.1, id="constant"),
    ],
)
def test_bad_history_gives_a_sensible_forecast(train: pd.DataFrame, low: float, high: float) -> None:
    future = rows_of(np.zeros(6), "2022-01-01").drop(columns="value")
    found = forecast(read(train, Shape(6, FREQUENCIES["month"], nonnegative=True), future), QUICK, LOCAL)
    assert_sound(found)
    assert found.bands["mean"].min() >= low
    assert found.bands["mean"].max() <= high


def test_many_series_go_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BLOCK", 25)
    said: list[float] = []
    panel = panel_of(waves(60, 40, 12))
    found = forecast(panel, QUICK, LOCAL, progress=lambda stage, share: said.append(share))
    assert_sound(found)
    assert len(said) == 4
    assert said == sorted(said)
    alone = forecast(panel.of(np.arange(20, 40)), QUICK, LOCAL)
    np.testing.assert_allclose(found.bands["mean"][20:40], alone.bands["mean"])


def test_three_points_alone_have_no_interval() -> None:
    found = forecast(panel_of(np.array([[3.0, 5.0, 4.0]])), QUICK)
    assert found.weights == {NAIVE: 1.0}
    assert (found.bands["mean"] == 4).all()
    assert all(np.isnan(found.bands[name]).all() for name in BANDS if name != "mean")


def test_rows_are_cleaned_and_it_is_said() -> None:
    dates = pd.date_range("2020-01-01", periods=40, freq="MS")
    train = pd.DataFrame({"series_id": "a", "date": dates, "value": np.arange(40.0)})
    late = pd.DataFrame({"series_id": ["a", "a"], "date": [dates[5], "2024-01-01"], "value": [99.0, 1e9]})
    bad = pd.DataFrame({"series_id": ["a", "a"], "date": [dates[6], "soon"], "value": [np.inf, 1.0]})
    future = pd.DataFrame({"series_id": "a", "date": pd.date_range("2023-05-01", periods=3, freq="MS")})
    panel = read(pd.concat([train, late, bad]), Shape(3), future)
    assert panel.frequency.name == "month"
    assert panel.values[0].tolist() == [0, 1, 2, 3, 4, 99, *range(6, 40)]
    assert panel.notes["a"] == (
        "2 rows without a number or a date were left out; 1 rows lie in the time to be forecast and were left out; "
        "1 dates stood twice, the later row counts"
    )


@pytest.mark.parametrize("name", list(FREQUENCIES))
def test_dates_and_ticks_go_round(name: str) -> None:
    frequency = FREQUENCIES[name]
    ticks = np.arange(500, 900)
    dates = dates_of(ticks, frequency)
    assert ordinals(dates, frequency).tolist() == ticks.tolist()
    assert inferred(dates) is frequency


def flagged(seed: int = 1) -> Panel:
    values = waves(20, 80, 12, seed)
    known = (np.random.default_rng(seed).random((20, 86)) < 0.2).astype("float64")
    values *= 1 + known[:, :80]
    return panel_of(values, known=known)


def test_backtest_does_not_see_what_came_after_its_origins() -> None:
    panel = flagged()
    first = backtesting.run(panel, QUICK)
    changed = panel.values.copy()
    # Whatever the earliest origin may not know is made absurd.
    hidden = first.offsets[-1]
    changed[:, -hidden:] = 1e7
    second = backtesting.run(replace(panel, values=changed), QUICK)
    for name, found in first.forecasts.items():
        np.testing.assert_array_equal(found[-1], second.forecasts[name][-1], err_msg=name)


def test_a_leak_would_be_caught() -> None:
    panel = flagged()
    whole = panel.values

    def peeks(view: Panel) -> np.ndarray:
        ahead = np.hstack([whole, np.zeros((len(whole), view.horizon))])
        return ahead[:, view.periods : view.periods + view.horizon]

    leaking = Model("peeks", lambda panel, how: peeks)
    first = backtesting.run(panel, QUICK, (leaking,)).forecasts["peeks"]
    whole = whole * 2
    second = backtesting.run(panel, QUICK, (leaking,)).forecasts["peeks"]
    assert not np.array_equal(first, second)


def test_features_of_a_sample_do_not_change_with_what_came_after_its_origin() -> None:
    panel = flagged()
    origin = 50
    samples = Samples(np.repeat(np.arange(20), 6), np.full(120, origin), np.tile(np.arange(1, 7), 20))
    changed = panel.values.copy()
    changed[:, origin:] = np.random.default_rng(5).uniform(0, 1e9, changed[:, origin:].shape)
    one = Features(panel)
    other = Features(replace(panel, values=changed))
    pd.testing.assert_frame_equal(one.build(samples), other.build(samples))
    np.testing.assert_array_equal(one.level(samples), other.level(samples))
    # As of the end they are what the panel cut there gives.
    cut = panel.before(panel.periods - origin)
    pd.testing.assert_frame_equal(Features(cut).build(horizon_of(cut)), one.build(samples))


def test_known_columns_are_used_and_results_repeat() -> None:
    panel = flagged(3)
    found, again = forecast(panel, QUICK), forecast(panel, QUICK)
    for name in BANDS:
        np.testing.assert_array_equal(found.bands[name], again.bands[name])
    # The flag doubles sales; without knowing it nobody can tell which months it stands in.
    blind = replace(panel, known=panel.known[..., :0], names=())
    errors = [np.nanmean(each.backtest.errors(_past(each))) for each in (found, forecast(blind, QUICK))]
    assert errors[0] < 0.7 * errors[1]


def _past(found: Forecasts) -> np.ndarray:
    return np.asarray(sum(found.backtest.forecasts[name] * share for name, share in found.weights.items()))


def test_nothing_is_sold_where_a_known_column_rules_it_out() -> None:
    values = waves(6, 200, 7)
    open_days = np.ones((6, 214))
    open_days[:, 6::7] = 0
    panel = panel_of(values * open_days[:, :200], "day", 14, known=open_days)
    found = forecast(panel, QUICK, LOCAL)
    shut = open_days[:, 200:] == 0
    assert (found.bands["mean"][shut] == 0).all()
    assert (found.bands["hi95"][shut] == 0).all()
    assert (found.bands["mean"][~shut] > 0).all()


def test_nothing_worse_than_seasonal_naive_is_used() -> None:
    pattern = np.tile(np.random.default_rng(1).uniform(0, 1000, (5, 12)), (1, 6))
    found = forecast(panel_of(pattern), QUICK, LOCAL)
    assert found.weights == {NAIVE: 1.0}
    np.testing.assert_allclose(found.bands["mean"], pattern[:, :6])


def test_bounds_hold_what_they_say() -> None:
    draw = np.random.default_rng(4)
    noise = draw.gamma(4, 25, (150, 66))
    found = forecast(panel_of(noise[:, :60]), QUICK, LOCAL)
    came = noise[:, 60:]
    for level, low, high in ((0.80, "lo80", "hi80"), (0.95, "lo95", "hi95")):
        share = ((came >= found.bands[low]) & (came <= found.bands[high])).mean()
        assert share == pytest.approx(level, abs=0.04)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_bounds_widen_with_the_level_as_far_as_errors_did(share: float) -> None:
    draw = np.random.default_rng(9)
    level = np.exp(draw.uniform(-0.6, 0.6, (4, 40)))
    past = 100 * np.repeat(level[:, :, None], 6, axis=2)
    truth = past + draw.normal(0, 10, past.shape) * level[:, :, None] ** share
    counted = np.ones(truth.shape, bool)
    tested = Backtest((6, 9, 12, 15), {}, truth, counted, np.full(40, 10.0), 5.0)
    usual, doubled = (Errors.of(tested, past, np.full((40, 6), amount)).spread for amount in (100.0, 200.0))
    assert np.median(doubled / usual) == pytest.approx(2**share, abs=0.25)


def test_time_that_has_run_out_still_gives_a_forecast() -> None:
    found = forecast(flagged(), Run(until=0.0))
    assert_sound(found)
    assert found.weights == {NAIVE: 1.0}
