"""Public holidays: those of the countries a series is sold in, by their shares, and of use to the models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from services.access import Viewer
from services.forecasting import feasts, markets
from services.forecasting.engine import forecast
from services.forecasting.frequency import FREQUENCIES, dates_of
from services.forecasting.panel import Panel, Shape, read
from services.forecasting.registry import REGRESSION
from services.forecasting.sales import REST, TOTAL
from services.periods import Grain, Period
from services.query import SalesQuery
from services.sales import Sales
from tests.services.forecasting.test_engine import LOCAL, QUICK, panel_of


def daily(series: dict[str, np.ndarray], first: str, horizon: int) -> Panel:
    frames = [
        pd.DataFrame({"series_id": name, "date": pd.date_range(first, periods=len(values)), "value": values})
        for name, values in series.items()
    ]
    return read(pd.concat(frames), Shape(horizon, FREQUENCIES["day"]))


def dated(panel: Panel, row: int = 0) -> pd.Series:
    assert panel.names[-1] == feasts.NAME
    ticks = panel.last[row] - panel.periods + 1 + np.arange(panel.periods + panel.horizon)
    return pd.Series(panel.known[row, :, -1], dates_of(ticks, panel.frequency))


def test_holidays_of_each_country_count_by_its_share() -> None:
    panel = daily({"one": np.ones(400), "other": np.ones(400)}, "2011-06-01", 30)
    found = feasts.with_feasts(panel, [{"USA": 0.25, "GBR": 0.5}, {}])
    days = dated(found)
    assert days["2012-07-04"] == 0.25
    assert days["2012-01-02"] == 0.75
    assert days["2012-05-07"] == 0.5
    assert days["2012-05-08"] == 0
    assert not found.known[1].any()
    weeks = feasts.with_feasts(panel_of(np.ones((1, 60)), "week"), [{"GBR": 1.0}])
    assert dated(weeks)["1981-12-21"] == 2
    assert dated(weeks)["1982-01-04"] == 0
    for untouched, shares in (
        (panel, [{}, {}]),
        (panel, [{"XXX": 1.0}, {}]),
        (panel_of(np.ones((1, 30))), [{"GBR": 1}]),
    ):
        assert feasts.with_feasts(untouched, shares) is untouched


def test_attributes_name_the_country_of_a_series() -> None:
    static = pd.DataFrame(
        {"series_id": [1, 2, 3], "country": ["Germany", "gb", "Nowhere"], "state": ["CA", "TX", "WI"]}
    )
    assert feasts.shares_of(static, ["2", "1", "3", "4"]) == [{"GBR": 1.0}, {"DEU": 1.0}, {}, {}]
    assert feasts.shares_of(static.drop(columns="country"), ["1"]) == [{}]


def test_sales_of_holidays_come_back_on_holidays() -> None:
    draw = np.random.default_rng(6)
    first, horizon = "2009-03-01", 28
    days = pd.date_range(first, periods=1375 + horizon)
    plain = {f"s{row}": draw.uniform(90, 110, 1375) for row in range(6)}
    column = feasts.with_feasts(daily(plain, first, horizon), [{"GBR": 1.0}] * 6).known[0, :, -1]
    sold = {name: values * (1 - 0.7 * column[:1375]) for name, values in plain.items()}
    knowing = feasts.with_feasts(daily(sold, first, horizon), [{"GBR": 1.0}] * 6)
    models = tuple(model for model in LOCAL if model.name in ("seasonal naive", REGRESSION))
    ahead = pd.Series(forecast(knowing, QUICK, models).bands["mean"][0], days[1375:])
    assert ahead["2012-12-25":"2012-12-26"].max() < 60
    assert ahead["2012-12-18":"2012-12-19"].min() > 80


@pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session")
@pytest.mark.usefixtures("engine")
def test_shares_are_those_of_what_is_sold(sales: Sales, everyone: Viewer) -> None:
    query = SalesQuery(measures=("average_order_value",), grain=Grain.WEEK, period=Period("all"))
    (total,) = markets.shares(sales, query, everyone, [TOTAL])
    assert 0.8 < total["GBR"] < 1
    assert 0.95 < sum(total.values()) <= 1
    by_country = SalesQuery(measures=("revenue",), dimensions=("country",), grain=Grain.WEEK, period=Period("all"))
    whole, german, rest = markets.shares(sales, by_country, everyone, [TOTAL, "Germany", REST])
    assert whole == pytest.approx(total)
    assert german == {"DEU": 1.0}
    assert "DEU" not in rest
    assert rest["GBR"] > total["GBR"]
