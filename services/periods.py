"""Periods of time: presets, the like-for-like period before, the part that has not happened yet.

All ranges are half-open: `start <= moment < end`.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange as calendar_days
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from services import calendars
from services.errors import QueryError, UnknownNameError

if TYPE_CHECKING:
    from services.model import Calendar

DAY = dt.timedelta(days=1)


class Grain(StrEnum):
    """Size of a time bucket."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Compare(StrEnum):
    """What a period is compared with.

    `year` is the same dates a year before; `weeks` the same weekdays of the same weeks, for trade that follows the
    week; `easter` the same days around Easter, which moves.
    """

    NONE = "none"
    PRIOR = "prior"
    YEAR = "year"
    WEEKS = "weeks"
    EASTER = "easter"


@dataclass(frozen=True)
class Range:
    """Half-open range of moments."""

    start: dt.datetime
    end: dt.datetime

    @property
    def days(self) -> float:
        """Length in days."""
        return (self.end - self.start) / DAY

    @property
    def empty(self) -> bool:
        """True when no moment lies in it."""
        return self.end <= self.start


@dataclass(frozen=True)
class Coverage:
    """What the data cover: first moment, end (exclusive), and whether times of day are known."""

    start: dt.datetime
    end: dt.datetime
    has_hours: bool

    @property
    def last_day(self) -> dt.date:
        """The last day with data."""
        return (self.end - dt.timedelta(seconds=1)).date()


@dataclass(frozen=True)
class Shift:
    """How far a comparison period lies back: whole months, or days."""

    months: int = 0
    days: int = 0


@dataclass(frozen=True)
class Window:
    """A period made concrete.

    `asked` is the whole period; `now` its part up to the data's end (what is measured); `incomplete` says the
    two differ. `before` is the like-for-like comparison, None when none was asked; `before_known` is False
    when the data begin inside or after it, so that a change in per cent would compare unlike things.
    """

    asked: Range
    now: Range
    incomplete: bool
    before: Range | None = None
    shift: Shift = Shift()
    before_known: bool = False


@dataclass(frozen=True)
class Preset:
    """A named period: label and how to find its range from today and the calendar."""

    label: str
    find: Callable[[dt.date, Calendar, Coverage], tuple[dt.date, dt.date]]


def _quarter_start(day: dt.date, calendar: Calendar) -> dt.date:
    return add_months(day.replace(day=1), -((day.month - calendar.fiscal_start) % 3))


def add_months(day: dt.date, months: int) -> dt.date:
    """Return the same day `months` later, or the last day of that month when it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar_days(year, month + 1)[1]))


def _year_start(day: dt.date, calendar: Calendar) -> dt.date:
    start = day.replace(month=calendar.fiscal_start, day=1)
    return start if start <= day else add_months(start, -12)


def _months(start: Callable[[dt.date, Calendar], dt.date], length: int, back: int = 0) -> Preset:
    """Return a preset of `length` months, `back` such periods before the one that holds today."""

    def find(today: dt.date, calendar: Calendar, _: Coverage) -> tuple[dt.date, dt.date]:
        if calendar.weeks:
            return calendars.retail_span(today, calendar, length, back)
        first = add_months(start(today, calendar), -back * length)
        return first, add_months(first, length)

    return Preset("", find)


def _rolling(days: int) -> Preset:
    return Preset(f"Last {days} days", lambda today, _c, _d: (today - dt.timedelta(days=days - 1), today + DAY))


def _labelled(label: str, preset: Preset) -> Preset:
    return Preset(label, preset.find)


#: The periods a person can pick by name, in the order menus show them.
PRESETS: dict[str, Preset] = {
    "mtd": _labelled("This month", _months(lambda day, _: day.replace(day=1), 1)),
    "last_month": _labelled("Last month", _months(lambda day, _: day.replace(day=1), 1, back=1)),
    "qtd": _labelled("This quarter", _months(_quarter_start, 3)),
    "last_quarter": _labelled("Last quarter", _months(_quarter_start, 3, back=1)),
    "ytd": _labelled("This year", _months(_year_start, 12)),
    "last_year": _labelled("Last year", _months(_year_start, 12, back=1)),
    "last_7_days": _rolling(7),
    "last_30_days": _rolling(30),
    "last_90_days": _rolling(90),
    "last_12_months": Preset("Last 12 months", lambda today, _c, _d: (add_months(today, -12) + DAY, today + DAY)),
    "all": Preset("All data", lambda _t, _c, data: (data.start.date(), data.last_day + DAY)),
}


@dataclass(frozen=True)
class Period:
    """A period as asked: a preset's name, or a first and last day (both included)."""

    preset: str | None = None
    first: dt.date | None = None
    last: dt.date | None = None

    def __post_init__(self) -> None:
        if self.preset is not None:
            if self.first is not None or self.last is not None:
                raise QueryError("A period is a name or two dates, not both.")
            if self.preset not in PRESETS:
                raise UnknownNameError("period", self.preset, PRESETS)
            return
        if self.first is None or self.last is None:
            raise QueryError("A period needs a first and a last day.")
        if self.last < self.first:
            raise QueryError(f"The period ends ({self.last}) before it starts ({self.first}); swap the two dates.")

    def range(self, today: dt.date, calendar: Calendar, data: Coverage) -> Range:
        """Return the whole period, future included."""
        if self.preset is not None:
            start, end = PRESETS[self.preset].find(today, calendar, data)
        else:
            start, end = self.first or data.start.date(), min(self.last or today, dt.date.max - DAY) + DAY
        return Range(_midnight(start), _midnight(end))


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())


def window(period: Period, compare: Compare, today: dt.date, calendar: Calendar, data: Coverage) -> Window:
    """Make a period concrete against the data; see Window."""
    asked = period.range(today, calendar, data)
    now = Range(asked.start, max(asked.start, min(asked.end, data.end)))
    incomplete = now != asked
    if compare is Compare.NONE:
        return Window(asked, now, incomplete)
    try:
        shift = _shift(asked, compare, calendar)
        before = _before(asked, now, shift)
    except (ValueError, OverflowError):  # it would begin before the calendar does
        return Window(asked, now, incomplete)
    if compare is Compare.PRIOR and calendar.weeks:
        before = Range(before.start, min(before.end, asked.start))
    return Window(asked, now, incomplete, before, shift, before.start >= _midnight(data.start.date()))


def _shift(asked: Range, compare: Compare, calendar: Calendar) -> Shift:
    if compare is not Compare.PRIOR:
        return _year_back(asked, compare, calendar)
    if calendar.weeks:
        return Shift(days=_retail_length(asked, calendar) or round(asked.days))
    if asked.start.day == 1 and asked.end.day == 1:
        return Shift(months=(asked.end.year - asked.start.year) * 12 + asked.end.month - asked.start.month)
    return Shift(days=round(asked.days))


def _year_back(asked: Range, compare: Compare, calendar: Calendar) -> Shift:
    first = asked.start.date()
    if compare is Compare.EASTER:
        return Shift(days=calendars.days_to_last_easter(_middle(asked)))
    if calendar.weeks:
        return Shift(days=calendars.days_to_same_retail_week(first, calendar))
    return Shift(days=calendars.days_to_same_week(first)) if compare is Compare.WEEKS else Shift(months=12)


def _middle(asked: Range) -> dt.date:
    return (asked.start + (asked.end - asked.start) / 2).date()


def _retail_length(asked: Range, calendar: Calendar) -> int:
    """Return the days of the retail month, quarter or year before the one that is asked for, 0 when it is none."""
    first, end = asked.start.date(), asked.end.date()
    for months in (1, 3, 12):
        if calendars.retail_span(first, calendar, months) == (first, end):
            return (first - calendars.retail_span(first, calendar, months, back=1)[0]).days
    return 0


def _before(asked: Range, now: Range, shift: Shift) -> Range:
    """Return the comparison of what has happened so far; raises where it would leave the calendar."""
    start = _back(asked.start, shift)
    end = _back(now.end, shift)
    if shift.months and end.day != now.end.day:
        # The day does not exist in the shorter month: all of that month has been "so far".
        end = _midnight(end.date() + DAY)
    return Range(start, end)


def _back(moment: dt.datetime, shift: Shift) -> dt.datetime:
    day = add_months(moment.date(), -shift.months) - dt.timedelta(days=shift.days)
    return dt.datetime.combine(day, moment.time())
