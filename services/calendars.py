"""Calendars that are not the plain one: Easter, ISO weeks, fiscal years, retail years of whole weeks (4-4-5)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.model import Calendar

DAY, WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
#: Weeks per month of a quarter, by the name of the pattern.
PATTERNS = {"4-4-5": (4, 4, 5), "4-5-4": (4, 5, 4), "5-4-4": (5, 4, 4)}


def easter(year: int) -> dt.date:
    """Return Easter Sunday of a year in the Gregorian calendar.

    Meeus, Astronomical Algorithms (1991), chapter 8, after the anonymous algorithm in Nature, 20 April 1876.
    """
    golden, century, rest = year % 19, *divmod(year, 100)
    leap, left = divmod(century, 4)
    moon = (19 * golden + century - leap - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    sunday = (32 + 2 * left + 2 * (rest // 4) - moon - rest % 4) % 7
    shifted = (golden + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * shifted + 114, 31)
    return dt.date(year, month, day + 1)


def days_to_last_easter(day: dt.date) -> int:
    """Return how many days before a day the same day around Easter lies, one year earlier: whole weeks."""
    return (easter(day.year) - easter(day.year - 1)).days


def days_to_same_week(day: dt.date) -> int:
    """Return how many days before a day the same weekday of the same ISO week lies, one year earlier.

    Week 53 of a long year has none; it goes with week 52 of the year before.
    """
    year, week, weekday = day.isocalendar()
    last = dt.date(year - 1, 12, 28).isocalendar().week
    return (day - dt.date.fromisocalendar(year - 1, min(week, last), weekday)).days


def retail_start(year: int, calendar: Calendar) -> dt.date:
    """Return the first day of a retail year: the first day of a week that is nearest to the fiscal start.

    With weeks from Sunday and a start in February this is the calendar of the National Retail Federation.
    """
    first = 6 if calendar.week_start == "sunday" else 0
    nearest = dt.date(year, calendar.fiscal_start, 1) + 3 * DAY
    return nearest - DAY * ((nearest.weekday() - first) % 7)


def retail_year(day: dt.date, calendar: Calendar) -> int:
    """Return the calendar year in which the retail year of a day begins, near its fiscal start."""
    year = day.year + 1
    while retail_start(year, calendar) > day:
        year -= 1
    return year


def retail_periods(year: int, calendar: Calendar) -> list[dt.date]:
    """Return the first days of the twelve months of a retail year, and of the year after it.

    A year of 53 weeks has its extra week in the last month.
    """
    starts, day = [], retail_start(year, calendar)
    for weeks in PATTERNS[calendar.weeks or "4-4-5"] * 4:
        starts.append(day)
        day += WEEK * weeks
    return [*starts, retail_start(year + 1, calendar)]


def retail_span(day: dt.date, calendar: Calendar, months: int, back: int = 0) -> tuple[dt.date, dt.date]:
    """Return the retail month (1), quarter (3) or year (12) that holds a day, or the one `back` of it: [first, end)."""
    year = retail_year(day, calendar)
    starts = retail_periods(year, calendar)
    index = max(number for number in range(12) if starts[number] <= day) // months - back
    moved, index = divmod(index, 12 // months)
    starts = retail_periods(year + moved, calendar)
    return starts[index * months], starts[(index + 1) * months]


def days_to_same_retail_week(day: dt.date, calendar: Calendar) -> int:
    """Return how many days before a day the same day of the same retail week lies, one year earlier.

    The 53rd week of a long year goes with the 52nd of the year before.
    """
    year = retail_year(day, calendar)
    this, before = retail_start(year, calendar), retail_start(year - 1, calendar)
    days = (this - before).days
    week, weeks_before = (day - this).days // 7, days // 7
    return days + 7 * max(0, week - weeks_before + 1)
