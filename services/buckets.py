"""Buckets of time in the model's calendar: months, quarters and years may be fiscal ones, or whole weeks (4-4-5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from services import calendars
from services.periods import DAY, Grain, add_months

if TYPE_CHECKING:
    from services.model import Calendar

#: How many months the buckets have that are made of months.
MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}


def by_weeks(grain: Grain, calendar: Calendar) -> bool:
    """Tell whether buckets of this grain are whole weeks of a retail year, which no engine can cut by itself."""
    return calendar.weeks is not None and grain in MONTHS


def later(grain: Grain, calendar: Calendar) -> int:
    """Return by how many months buckets begin later than the plain ones: 1 where quarters begin in February."""
    plain = grain not in MONTHS or by_weeks(grain, calendar)
    return 0 if plain else (calendar.fiscal_start - 1) % MONTHS[grain]


def made_of(grain: Grain, calendar: Calendar) -> Grain:
    """Return the largest plain grain whose buckets never cross a border of these: what a small table must keep."""
    if by_weeks(grain, calendar):
        return Grain.DAY
    return Grain.MONTH if later(grain, calendar) else grain


def start_of(day: dt.date, grain: Grain, calendar: Calendar) -> dt.date:
    """Return the first day of the bucket that a day lies in."""
    if grain is Grain.DAY:
        return day
    if grain is Grain.WEEK:
        first = 6 if calendar.week_start == "sunday" else 0
        return day - DAY * ((day.weekday() - first) % 7)
    if by_weeks(grain, calendar):
        return calendars.retail_span(day, calendar, MONTHS[grain])[0]
    return add_months(day.replace(day=1), -((day.month - 1 - later(grain, calendar)) % MONTHS[grain]))


def after(start: dt.date, grain: Grain, calendar: Calendar, count: int = 1) -> dt.date:
    """Return the first day of the bucket `count` after the one that begins at `start`; before it, when negative."""
    if by_weeks(grain, calendar):
        return calendars.retail_span(start, calendar, MONTHS[grain], back=-count)[0]
    if grain in MONTHS:
        return add_months(start, MONTHS[grain] * count)
    return start + DAY * (7 if grain is Grain.WEEK else 1) * count


def starts(first: dt.date, last: dt.date, grain: Grain, calendar: Calendar) -> Iterator[dt.date]:
    """Yield the first day of every bucket that has one of the days from `first` to `last`."""
    start = start_of(first, grain, calendar)
    while start <= last:
        yield start
        start = after(start, grain, calendar)


def place(start: dt.date, calendar: Calendar) -> tuple[int, int]:
    """Return the year in which the fiscal year of a day begins, near its first month, and the month in it from 0."""
    if calendar.weeks:
        year = calendars.retail_year(start, calendar)
        months = calendars.retail_periods(year, calendar)[:12]
        return year, max(number for number, month in enumerate(months) if month <= start)
    months_on = (start.month - calendar.fiscal_start) % 12
    return start.year - (start.month < calendar.fiscal_start), months_on


def month_of(start: dt.date, calendar: Calendar) -> tuple[int, int]:
    """Return the month that a bucket is called by, as (year, 1 to 12): a retail month may begin days before it."""
    if not calendar.weeks:
        return start.year, start.month
    year, index = place(start, calendar)
    on, month = divmod(calendar.fiscal_start - 1 + index, 12)
    return year + on, month + 1


def floor(moment: dt.datetime, grain: Grain) -> dt.datetime:
    """Return the start of the plain day, month or year of a moment."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if grain is Grain.YEAR:
        return day.replace(month=1, day=1)
    return day.replace(day=1) if grain is Grain.MONTH else day


#: Days from the first of a bucket that lie in the next one, whatever its length.
_BEYOND = {Grain.DAY: 1, Grain.MONTH: 32, Grain.YEAR: 367}


def ceiling(moment: dt.datetime, grain: Grain) -> dt.datetime:
    """Return the first start of a plain day, month or year that is not before a moment."""
    start = floor(moment, grain)
    if start == moment:
        return moment
    try:
        return floor(start + dt.timedelta(days=_BEYOND[grain]), grain)
    except OverflowError:
        return dt.datetime(9999, 12, 31, 23, 59, 59)
