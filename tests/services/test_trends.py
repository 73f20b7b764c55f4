"""Trends against pandas on the shop's lines."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from itertools import pairwise

import duckdb
import pandas as pd
import pytest

from services.buckets import after, start_of
from services.errors import QueryError
from services.model import Calendar
from services.periods import Compare, Grain, Period, Range
from services.query import Filter, SalesQuery, to_params
from services.sales import Sales
from services.seasons import pattern, seasonal_items, weekdays
from services.spine import spine, with_gaps
from services.trends import Line, Look, TrendQuery, read, trend
from tests.factories import SHOP_ROWS, House, MemoryCache, viewer_of

ANALYST = viewer_of("analyst")
BASE = TrendQuery(
    SalesQuery(measures=("revenue",), grain=Grain.MONTH, period=Period("last_12_months"), compare=Compare.YEAR)
)
ORDERS = replace(BASE, query=replace(BASE.query, measures=("orders",)))
AVERAGE = replace(BASE, query=replace(BASE.query, measures=("average",)))


@pytest.fixture(scope="module")
def facts() -> pd.DataFrame:
    with duckdb.connect() as connection:
        lines: pd.DataFrame = connection.execute(SHOP_ROWS).df()
    return lines.assign(revenue=lines["revenue"].astype(float))


@pytest.fixture(scope="module")
def asked(small_shop: House) -> Sales:
    return small_shop.sales(MemoryCache())


def within(facts: pd.DataFrame, covered: Range) -> pd.DataFrame:
    return facts[(facts["sold_at"] >= covered.start) & (facts["sold_at"] < covered.end)]


@pytest.mark.parametrize("grain", list(Grain))
def test_buckets_are_those_of_pandas(grain: Grain) -> None:
    codes = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
    days = pd.date_range("2023-12-20", "2025-03-05", freq="37h").to_pydatetime()
    for moment in days:
        period = pd.Timestamp(moment).to_period(codes[grain.value])
        start = start_of(moment.date(), grain, Calendar())
        assert start == period.start_time.date()
        assert after(start, grain, Calendar(), 3) == (period + 3).start_time.date()
    sunday = start_of(dt.date(2024, 2, 28), Grain.WEEK, Calendar(week_start="sunday"))
    assert sunday == dt.date(2024, 2, 25)
    buckets = list(spine(Range(days[0], days[-1]), grain, Calendar()))
    assert all(one.end == other.start for one, other in pairwise(buckets))
    assert buckets[0].start <= days[0]
    assert buckets[-1].start < days[-1] <= buckets[-1].end


def test_line_and_both_comparisons_are_sums_of_their_months(asked: Sales, facts: pd.DataFrame) -> None:
    made = trend(asked, replace(BASE, also=True), ANALYST)
    assert [line.kind for line in made.lines] == ["now", "year", "prior"]
    for line in made.lines:
        assert line.covered is not None
        assert math.fsum(v for v in line.values if not math.isnan(v)) == pytest.approx(
            within(facts, line.covered)["revenue"].sum()
        )
    now = within(facts, made.answer.window.now)
    months = now.groupby(now["sold_at"].dt.to_period("M"))["revenue"].sum()
    assert list(made.lines[0].values) == pytest.approx(list(months))
    assert made.partial == (True, *[False] * 11, True)


def test_running_average_reaches_back_before_the_period(asked: Sales, facts: pd.DataFrame) -> None:
    query = replace(BASE.query, period=Period(first=dt.date(2023, 8, 1), last=dt.date(2023, 12, 31)))
    line = trend(asked, replace(BASE, query=query, average=3), ANALYST).line("average")
    months = facts.groupby(facts["sold_at"].dt.to_period("M"))["revenue"].sum()
    wanted = months.rolling(3).mean().loc["2023-08":"2023-12"]
    assert line is not None
    assert list(line.values) == pytest.approx(list(wanted))
    early = replace(query, period=Period(first=dt.date(2023, 3, 1), last=dt.date(2023, 6, 30)))
    found = trend(asked, replace(BASE, query=early, average=3), ANALYST).line("average")
    assert found is not None
    assert [math.isnan(value) for value in found.values] == [True, True, False, False]


def test_looks(asked: Sales) -> None:
    plain = trend(asked, BASE, ANALYST).lines[0].values
    so_far = trend(asked, replace(BASE, look=Look.CUMULATIVE), ANALYST).lines[0].values
    index = trend(asked, replace(BASE, look=Look.INDEX), ANALYST).lines[0].values
    assert so_far[-1] == pytest.approx(math.fsum(plain))
    assert index[0] == 100
    assert index[-1] == pytest.approx(100 * plain[-1] / plain[0])


def test_shares_of_a_split_make_one_whole(asked: Sales) -> None:
    made = trend(asked, replace(BASE, look=Look.SHARE, split="country"), ANALYST)
    assert [line.kind for line in made.lines] == ["part"] * 5 + ["other"]
    for values in zip(*(line.values for line in made.lines), strict=True):
        assert math.fsum(values) == pytest.approx(1)
    chile = replace(BASE.query, filters=(Filter("country", "is", ("Chile",)),))
    alone = trend(asked, replace(BASE, look=Look.SHARE, query=chile), ANALYST).lines[0].values
    both = [trend(asked, replace(BASE, query=q), ANALYST).lines[0].values for q in (chile, BASE.query)]
    assert list(alone) == pytest.approx([part / whole for part, whole in zip(*both, strict=True)])


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (replace(ORDERS, look=Look.CUMULATIVE), "does not add up over time"),
        (replace(AVERAGE, look=Look.SHARE, split="country"), "is no part of a whole"),
        (replace(BASE, look=Look.SHARE), "Choose a split, or filter"),
    ],
)
def test_look_that_means_nothing_is_refused(asked: Sales, state: TrendQuery, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        trend(asked, state, ANALYST)


def test_nothing_is_zero_for_sums_and_unknown_for_averages(asked: Sales) -> None:
    nowhere = (Filter("country", "is", ("Nowhere",)),)
    for state, wanted in ((BASE, 0.0), (ORDERS, 0.0), (AVERAGE, math.nan)):
        found = trend(asked, replace(state, query=replace(state.query, filters=nowhere)), ANALYST).lines[0].values
        assert list(found) == pytest.approx([wanted] * 13, nan_ok=True)


def test_further_lines_are_drawn_over_the_same_buckets(asked: Sales) -> None:
    made = trend(asked, BASE, ANALYST)
    more = made.with_line(Line("forecast", tuple(1.0 for _ in made.buckets), "Forecast"))
    assert more.line("forecast") is not None
    with pytest.raises(QueryError, match="1 values for 13 buckets"):
        made.with_line(Line("forecast", (1.0,)))


def test_weekdays_are_means_of_all_their_days(asked: Sales, facts: pd.DataFrame) -> None:
    found, answer = weekdays(asked, replace(BASE.query, period=Period("all")), ANALYST)
    days = facts.groupby(facts["sold_at"].dt.normalize())["revenue"].sum().asfreq("D", fill_value=0)
    wanted = days.groupby(pd.DatetimeIndex(days.index).day_of_week).agg(["mean", "size"])
    assert [each.mean for each in found] == pytest.approx(list(wanted["mean"]))
    assert [each.days for each in found] == list(wanted["size"])
    assert answer.trust.rows == len(facts)


def test_pattern_holds_whole_buckets_of_all_the_data(asked: Sales, facts: pd.DataFrame) -> None:
    found = pattern(asked, BASE.query, Grain.MONTH, ANALYST)
    months = facts.groupby(facts["sold_at"].dt.to_period("M"))["revenue"].sum().iloc[:-1]
    assert list(found.values) == pytest.approx(list(months))


def test_no_season_is_shown_for_less_than_two_years(asked: Sales) -> None:
    assert seasonal_items(asked, BASE.query, "product", ANALYST)[0] == []
    assert seasonal_items(asked, AVERAGE.query, "product", ANALYST) == ([], None)


def test_seasons_of_the_sample(sales: Sales) -> None:
    """Hot water bottles sell before winter: the season starts in September and peaks in November, both years."""
    found, _ = seasonal_items(sales, SalesQuery(measures=("revenue",)), "product", ANALYST)
    bottle = next(each for each in found if each.label == "CHOCOLATE HOT WATER BOTTLE")
    assert (bottle.sure, bottle.season.start, bottle.season.peak, bottle.season.years) == (True, 9, 11, 2)
    assert sum(each.sure for each in found) < len(found)


def test_address_is_read_and_mistakes_are_said(small_shop: House) -> None:
    own = [("trends-also", "yes"), ("trends-average", "3"), ("trends-look", "index"), ("trends-split", "country")]
    found, notices = read([*to_params(BASE.query), *own], small_shop.model)
    assert found == replace(BASE, also=True, average=3, look=Look.INDEX, split="country")
    assert notices == ()
    wrong = [("trends-also", "maybe"), ("trends-average", "x"), ("trends-split", "contry"), ("trends-colour", "red")]
    found, notices = read(wrong, small_shop.model)
    assert (found.also, found.average, found.split) == (False, 0, "")
    assert len(notices) == 4
    assert "Did you mean 'country'" in notices[2]


def test_answer_with_gaps_has_every_bucket(asked: Sales) -> None:
    chile = (Filter("country", "is", ("Chile",)), Filter("product", "is", ("P7",)))
    answer = asked.answer(replace(BASE.query, filters=chile), ANALYST)
    filled = with_gaps(answer, asked.model.calendar)
    assert len(answer.frame) < len(filled.frame) == 13
    assert filled.frame["time"].is_monotonic_increasing
    assert filled.frame["revenue"].sum() == pytest.approx(answer.frame["revenue"].sum())
    assert with_gaps(asked.answer(replace(BASE.query, grain=None), ANALYST), asked.model.calendar).frame.shape[0] == 1
