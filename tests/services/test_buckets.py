"""Months, quarters and years of every calendar: they follow each other, and engines cut them as Python does."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import buckets, formats, planner
from services.access import Viewer
from services.model import Calendar, SalesModel
from services.periods import Compare, Grain, Period
from services.query import SalesQuery
from services.sales import Sales
from tests.factories import MemoryCache

CALENDARS = st.builds(
    Calendar,
    week_start=st.sampled_from(["monday", "sunday"]),
    fiscal_start=st.integers(1, 12),
    weeks=st.sampled_from([None, "4-4-5", "4-5-4", "5-4-4"]),
)
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31))


@given(calendar=CALENDARS, day=DAYS, grain=st.sampled_from(list(Grain)), count=st.integers(-30, 30))
def test_every_day_lies_in_one_bucket(calendar: Calendar, day: dt.date, grain: Grain, count: int) -> None:
    start = buckets.start_of(day, grain, calendar)
    end = buckets.after(start, grain, calendar)
    assert start <= day < end
    assert buckets.start_of(start, grain, calendar) == buckets.start_of(end - dt.timedelta(days=1), grain, calendar)
    assert buckets.after(buckets.after(start, grain, calendar, count), grain, calendar, -count) == start
    listed = list(buckets.starts(day, day + dt.timedelta(days=800), grain, calendar))
    assert all(buckets.after(one, grain, calendar) == other for one, other in pairwise(listed))
    finer = buckets.made_of(grain, calendar)
    assert buckets.start_of(start, finer, Calendar()) == start or finer is Grain.WEEK


@given(calendar=CALENDARS, day=DAYS)
def test_a_year_is_four_quarters_of_three_months_with_names_of_their_own(
    sample_model: SalesModel, calendar: Calendar, day: dt.date
) -> None:
    model = sample_model.model_copy(update={"calendar": calendar})
    year = buckets.start_of(day, Grain.YEAR, calendar)
    last = buckets.after(year, Grain.YEAR, calendar) - dt.timedelta(days=1)
    for grain, count in ((Grain.YEAR, 1), (Grain.QUARTER, 4), (Grain.MONTH, 12)):
        found = list(buckets.starts(year, last, grain, calendar))
        assert len({formats.bucket(start, grain, model) for start in found}) == count
        assert found[0] == year


@pytest.mark.parametrize(
    ("calendar", "day", "names"),
    [
        (Calendar(), dt.date(2011, 1, 31), ("2011", "Q1 2011", "Jan 2011")),
        (Calendar(fiscal_start=4), dt.date(2011, 1, 31), ("2010/11", "Q4 2010/11", "Jan 2011")),
        # The National Retail Federation's year 2011 began on 30 January 2011.
        (
            Calendar(fiscal_start=2, weeks="4-5-4", week_start="sunday"),
            dt.date(2011, 1, 31),
            ("2011/12", "Q1 2011/12", "Feb 2011"),
        ),
    ],
)
def test_buckets_are_called_as_their_calendar_has_it(
    sample_model: SalesModel, calendar: Calendar, day: dt.date, names: tuple[str, ...]
) -> None:
    model = sample_model.model_copy(update={"calendar": calendar})
    starts = [buckets.start_of(day, grain, calendar) for grain in (Grain.YEAR, Grain.QUARTER, Grain.MONTH)]
    found = zip(starts, (Grain.YEAR, Grain.QUARTER, Grain.MONTH), strict=True)
    assert tuple(formats.bucket(start, grain, model) for start, grain in found) == names


@pytest.mark.parametrize("grain", [Grain.MONTH, Grain.QUARTER, Grain.YEAR])
@pytest.mark.parametrize(
    "calendar",
    [
        Calendar(fiscal_start=2, weeks="4-5-4", week_start="sunday"),
        Calendar(weeks="4-4-5"),
        Calendar(fiscal_start=3),
    ],
    ids=["454", "445", "fiscal"],
)
@pytest.mark.parametrize("only", [(), ("hour",)], ids=["from memory", "by SQL"])
def test_answers_fall_into_the_calendars_buckets(
    sales: Sales, everyone: Viewer, calendar: Calendar, grain: Grain, only: tuple[str, ...]
) -> None:
    model = sales.model.model_copy(update={"calendar": calendar})
    asked = Sales(model, sales._warehouse, MemoryCache())
    measures, period = ("revenue", "customers"), Period(first=dt.date(2010, 11, 5), last=dt.date(2011, 12, 9))
    query = SalesQuery(measures=measures, dimensions=only, grain=grain, period=period, compare=Compare.PRIOR)
    found = asked.answer(query, everyone)
    days = SalesQuery(measures=("revenue",), grain=Grain.DAY, period=period)
    by_day = asked.answer(days, everyone).frame
    starts = [buckets.start_of(day.date(), grain, calendar) for day in by_day["time"]]
    expected = by_day["revenue"].groupby(pd.to_datetime(starts).to_numpy()).sum()
    summed = found.frame.groupby("time")["revenue"].sum()
    summed = summed[summed != 0]
    assert [each.date() for each in summed.index] == [each.date() for each in expected.index]
    assert summed.tolist() == pytest.approx(expected.tolist(), abs=0.01)
    if not only:
        first = found.frame.iloc[1]
        end = buckets.after(first["time"].date(), grain, calendar) - dt.timedelta(days=1)
        one = SalesQuery(measures=("customers",), period=Period(first=first["time"].date(), last=min(end, period.last)))  # type: ignore[type-var]
        assert asked.answer(one, everyone).value("customers") == first["customers"]
    plan = planner.plan(model, query, found.window, everyone.scope)
    assert plan is not None
