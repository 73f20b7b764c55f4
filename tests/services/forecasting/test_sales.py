"""Forecasts of measures: whole periods only, parts that add up, the rows of the viewer and nobody else's."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from services.access import Permission, RowScope, Viewer
from services.database import migrate, open_database
from services.errors import AccessDeniedError, QueryError, UserError
from services.forecasting import page, requests, whatif
from services.forecasting.landing import Landings, landings
from services.forecasting.leaders import leaders
from services.forecasting.overlay import overlaid
from services.forecasting.page import together
from services.forecasting.record import TrackRecord
from services.forecasting.registry import NAIVE
from services.forecasting.sales import REST, TOTAL, forecast
from services.periods import Grain, Period
from services.planning import Planning
from services.query import Filter, SalesQuery
from services.sales import Sales
from services.trends import Look, TrendQuery, trend
from tests.benchmarks.forecast_sample import AHEAD, held_back

# What is computed from answers is the same on both engines; once is enough.
pytestmark = [
    pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session"),
    pytest.mark.usefixtures("engine"),
]

MONTHLY = SalesQuery(measures=("revenue",), grain=Grain.MONTH)
BANDS = ["lo95", "lo80", "mean", "hi80", "hi95"]


def test_forecast_starts_after_the_last_whole_month_and_repeats(sales: Sales, everyone: Viewer) -> None:
    found = forecast(sales, MONTHLY, everyone, 3)
    assert [f"{moment:%Y-%m}" for moment in found.frame["time"]] == ["2011-12", "2012-01", "2012-02"]
    assert len(found.history) == 24
    assert found.notes == ("The last period is not over yet and is left out.",)
    assert (found.frame[BANDS].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert {score.model for score in found.scores} >= {NAIVE, "theta"}
    pd.testing.assert_frame_equal(found.frame, forecast(sales, MONTHLY, everyone, 3).frame)


def test_parts_add_up_to_the_total(sales: Sales, everyone: Viewer) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=("country",), grain=Grain.WEEK)
    found = forecast(sales, query, everyone, 8, parts=5)
    total = found.frame[found.frame["key"] == TOTAL].set_index("time")["mean"]
    parts = found.frame[found.frame["key"] != TOTAL].groupby("time")["mean"].sum()
    np.testing.assert_allclose(parts, total)
    assert found.frame["key"].nunique() == 7
    assert REST in set(found.frame["key"])
    # The interval of a sum is not the sum of the intervals.
    widths = (found.frame["hi80"] - found.frame["lo80"]).groupby(found.frame["key"] == TOTAL).sum()
    assert widths[True] < widths[False]
    added = together(found).set_index("key")
    assert added["mean"][TOTAL] == pytest.approx(total.sum())
    assert added["share"].drop(index=TOTAL).sum() == pytest.approx(1.0)
    assert (added["lo80"] < added["mean"]).all()
    assert (added["mean"] < added["hi80"]).all()


def test_a_rate_is_forecast_without_adding_up(sales: Sales, everyone: Viewer) -> None:
    query = SalesQuery(measures=("average_order_value",), dimensions=("country",), grain=Grain.MONTH)
    found = forecast(sales, query, everyone, 2, parts=2)
    assert "This measure does not add up over its parts, so neither do the forecasts." in found.notes


def test_the_last_weeks_held_back_are_foreseen_better_than_by_seasonal_naive(sales: Sales, everyone: Viewer) -> None:
    held = held_back(sales, everyone, [AHEAD])
    assert held.wape(held.naive) == pytest.approx(0.097, abs=0.001)
    assert held.wape(held.said["mean"]) < 0.8 * held.wape(held.naive)
    assert held.within(80) >= 0.6


def test_only_the_viewers_rows_count(sales: Sales, everyone: Viewer) -> None:
    spain = Viewer(5, "a@b", "manager", everyone.permissions, RowScope.of({"country": ["Spain"]}))
    scoped = forecast(sales, MONTHLY, spain, 2)
    filtered = forecast(sales, replace(MONTHLY, filters=(Filter("country", "is", ("Spain",)),)), everyone, 2)
    pd.testing.assert_frame_equal(scoped.frame, filtered.frame)
    nobody = Viewer(6, "c@d", "manager", frozenset(), RowScope.of({"country": ["Spain"]}))
    with pytest.raises(AccessDeniedError):
        forecast(sales, MONTHLY, nobody, 2)


def test_what_cannot_be_forecast_is_said(sales: Sales, everyone: Viewer) -> None:
    with pytest.raises(UserError, match="24 whole periods; a forecast of 24 needs 28"):
        forecast(sales, MONTHLY, everyone, 24)
    with pytest.raises(UserError, match="by year is not offered"):
        forecast(sales, SalesQuery(measures=("revenue",), grain=Grain.YEAR), everyone, 1)
    with pytest.raises(UserError, match="1 to 36"):
        forecast(sales, MONTHLY, everyone, 40)
    with pytest.raises(UserError, match="two dimensions"):
        leaders(sales, MONTHLY, everyone, 1)


def test_leaders_are_listed_per_place(sales: Sales, everyone: Viewer) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=("country", "product"), grain=Grain.MONTH)
    listed = leaders(sales, query, everyone, 1, places=2, ranks=3)
    assert listed["rank"].tolist() == [1, 2, 3, 1, 2, 3]
    assert listed["place"].nunique() == 2
    assert listed["chance"].between(0, 1).all()
    assert (listed["lo80"] <= listed["hi80"]).all()


def test_landing_is_what_there_is_and_the_forecast_of_the_rest(sales: Sales, everyone: Viewer) -> None:
    query = SalesQuery(measures=("revenue", "orders", "customers", "return_rate"), period=Period("qtd"))
    found = landings(sales, query, everyone)
    # Customers of two days may be the same, a rate adds up to nothing.
    assert set(found) == {"revenue", "orders"}
    so_far = sales.answer(query, everyone)
    for name, each in found.items():
        assert so_far.value(name) < each.low < each.expected < each.high
        assert each.chance(each.low) > 0.85
        assert each.chance(each.high, up_is_good=False) > 0.85
    assert landings(sales, replace(query, period=Period("last_quarter")), everyone) == {}
    # A period that begins after the end of the data is forecast whole; a longer one lands higher.
    days = [Period(first=dt.date(2011, 12, first), last=dt.date(2011, 12, 31)) for first in (1, 15, 25)]
    ends = [landings(sales, replace(query, period=each), everyone)["revenue"].expected for each in days]
    assert ends[0] > ends[1] > ends[2] >= 0
    nobody = Viewer(6, "c@d", "manager", everyone.permissions - {Permission.FORECAST_RUN}, everyone.scope)
    assert Landings(sales).of(query, nobody) == {}
    kept = Landings(sales)
    assert kept.of(query, everyone) is kept.of(query, everyone)


def test_overlay_carries_on_the_chart_it_lies_over(sales: Sales, everyone: Viewer) -> None:
    asked = TrendQuery(replace(MONTHLY, period=Period("last_12_months")), ahead=4)
    plain = trend(sales, asked, everyone)
    more = overlaid(plain, sales, everyone, 4)
    found = forecast(sales, MONTHLY, everyone, 4)
    line = more.line("forecast")
    assert line is not None
    # The last bucket, which is not over, is forecast too.
    assert len(more.buckets) == len(plain.buckets) + 3
    assert list(line.values[-4:]) == found.total["mean"].tolist()
    assert np.isnan(line.values[:-4]).all()
    assert more.lines[0].values[: len(plain.buckets)] == plain.lines[0].values
    for wrong, words in (
        (replace(asked, look=Look.INDEX), "over values in one line"),
        (replace(asked, query=replace(MONTHLY, period=Period("last_year"))), "ends before the data do"),
    ):
        with pytest.raises(UserError, match=words):
            overlaid(trend(sales, wrong, everyone), sales, everyone, 4)


def test_targets_of_the_periods_ahead_have_a_chance(sales: Sales, everyone: Viewer, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'app.db'}")
    migrate(engine)
    planning = Planning(engine, sales.model)
    planning.replace_targets(
        "measure,from,to,value\nrevenue,2011-12-01,2011-12-31,1000\nrevenue,2012-01-01,2012-01-31,2000000", everyone
    )
    asked, _ = page.read([("forecast-by", "month"), ("forecast-ahead", "2")], sales.model)
    found = forecast(sales, asked.query, everyone, 2)
    wanted = page.targets(found, planning, everyone)
    assert wanted.tolist() == [1000, 2_000_000]
    reach = page.reach(found, asked, wanted)
    assert reach is not None
    assert reach.chances[0].amount == 2_001_000
    assert 0 <= reach.chances[0].chance <= 1
    further = page.targets(forecast(sales, asked.query, everyone, 3), planning, everyone)
    assert np.isnan(further[2])


def test_what_a_forecast_is_made_of_adds_up_to_it(sales: Sales, everyone: Viewer) -> None:
    found = forecast(sales, MONTHLY, everyone, 3)
    made = page.made_of(found)
    assert [each.forecast for each in made] == pytest.approx(found.total["mean"].tolist())
    values = found.history["value"].to_numpy()
    assert [each.level + each.season for each in made] == pytest.approx(values[-12:-9].tolist())


def test_price_elasticity_is_found_behind_products_and_seasons() -> None:
    draw = np.random.default_rng(3)
    product, month = (each.ravel() for each in np.meshgrid(np.arange(40), np.arange(24)))
    price = np.exp(draw.normal(0, 1, 40)[product] + draw.normal(0, 0.15, len(product)))
    season = 1 + 0.5 * np.sin(month / 2)
    pieces = np.exp(draw.normal(3, 1, 40))[product] * season * price**-1.5 * np.exp(draw.normal(0, 0.2, len(product)))
    cells = pd.DataFrame({"product": product.astype("str"), "month": month, "pieces": pieces, "money": pieces * price})
    found = whatif.estimate(cells)
    assert found is not None
    assert found.low < -1.5 < found.high
    assert found.high - found.low < 0.4
    assert whatif.estimate(cells.assign(money=cells["pieces"])) is None
    assert whatif.estimate(cells[cells["month"] < 3]) is None


def test_other_prices_move_pieces_and_money_apart(sales: Sales, everyone: Viewer) -> None:
    assert whatif.offered(sales.model, "revenue")
    assert not whatif.offered(sales.model, "orders")
    found = whatif.elasticity(sales, MONTHLY, everyone)
    assert found is not None
    money, pieces = (whatif.scenarios(sales.model, name, found) for name in ("revenue", "units"))
    for one, other in zip(money, pieces, strict=True):
        assert one.low <= one.factor <= one.high
        assert one.factor == pytest.approx(other.factor * (1 + one.change))
    assert next(each for each in money if not each.change).factor == 1


def test_programs_get_what_the_page_shows(sales: Sales, everyone: Viewer) -> None:
    asked = requests.read(b'{"query": {"measures": ["revenue"], "grain": "month"}, "horizon": 2}')
    found = forecast(sales, asked.query, everyone, asked.horizon)
    answer = json.loads(requests.write(found))
    assert [row["time"] for row in answer["rows"]] == ["2011-12-01", "2012-01-01"]
    assert [row["mean"] for row in answer["rows"]] == found.frame["mean"].tolist()
    assert sum(model["weight"] for model in answer["models"]) == pytest.approx(1)
    for text, words in (
        (b"{}", "query: Field required"),
        (b'{"query": {"measures": ["revenue"]}, "horizon": 0}', "horizon: Input should be greater"),
        (b"nothing", "not a forecast"),
    ):
        with pytest.raises(QueryError, match=words):
            requests.read(text)


def test_published_forecasts_are_scored_by_what_came(sales: Sales, everyone: Viewer, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'app.db'}")
    migrate(engine)
    record = TrackRecord(engine, sales.model)
    found = forecast(sales, MONTHLY, everyone, 2)
    number = record.publish(found, everyone)
    (kept,) = record.kept(sales, everyone)
    assert (kept.number, kept.due, kept.periods) == (number, 0, 2)
    assert np.isnan(kept.wape)
    # The same forecast, said two months earlier: both periods are over.
    early = found.frame.assign(time=found.frame["time"] - pd.DateOffset(months=2))
    record.publish(replace(found, frame=early), everyone)
    kept = record.kept(sales, everyone)[0]
    came, said = found.history["value"].to_numpy()[-2:], early["mean"].to_numpy()
    assert kept.due == 2
    assert kept.wape == pytest.approx(float(np.abs(said - came).sum() / came.sum()))
    assert kept.bias == pytest.approx(float((said - came).sum() / came.sum()))
    spain = Viewer(5, "a@b", "manager", everyone.permissions, RowScope.of({"country": ["Spain"]}))
    assert record.kept(sales, spain) == []
    with pytest.raises(UserError, match="no interval"):
        record.publish(replace(found, frame=found.frame.assign(lo80=np.nan)), everyone)
