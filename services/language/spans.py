"""Periods of the calendar as half-open ranges of days, and the arithmetic of their units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from services.periods import add_months

DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(days=7)
#: Units that are whole months, by their length.
MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12, "decade": 120}
#: Units that are whole days, by their length.
DAYS = {"day": 1, "week": 7, "fortnight": 14, "weekend": 7}


@dataclass(frozen=True)
class Span:
    """Days from `start` to before `end`; None is an open side.

    `unit` is the unit it is one of; `fiscal` says that years count from the fiscal start; `opens` is where a range
    that begins with it starts, when that is not `start`.
    """

    start: dt.date | None
    end: dt.date | None
    unit: str = ""
    fiscal: bool = field(default=False, compare=False)
    opens: dt.date | None = field(default=None, compare=False)

    @property
    def first(self) -> dt.date:
        """The first day; the earliest there is for an open side."""
        return self.start or dt.date.min

    @property
    def past(self) -> dt.date:
        """The day after the last one; the latest there is for an open side."""
        return self.end or dt.date.max


@dataclass(frozen=True)
class Clock:
    """What dates are read against: today, first month of fiscal years, first day of weeks, order of digits."""

    today: dt.date
    fiscal_start: int = 1
    week_start: str = "monday"
    day_first: bool = True

    def start_of(self, unit: str, day: dt.date, *, fiscal: bool = False) -> dt.date:
        """Return the first day of the unit that holds `day`."""
        if unit in ("week", "fortnight", "weekend"):
            back = (day.weekday() + (1 if self.week_start == "sunday" else 0)) % 7
            return day - back * DAY
        if unit == "day":
            return day
        if unit == "decade":
            return dt.date(day.year - day.year % 10, 1, 1)
        length, first = MONTHS[unit], (self.fiscal_start if fiscal else 1)
        return dt.date(day.year, day.month, 1) if length == 1 else _block(day, length, first)

    def holding(self, unit: str, day: dt.date, *, fiscal: bool = False, back: int = 0) -> Span:
        """Return the unit that holds `day`, or the one `back` before it."""
        start = add(self.start_of(unit, day, fiscal=fiscal), unit, -back)
        if unit == "weekend":
            start += 5 * DAY if self.week_start == "monday" else 6 * DAY
            return Span(start, start + 2 * DAY, unit)
        return Span(start, add(start, unit, 1), unit, fiscal)

    def year(self, number: int, *, fiscal: bool = False) -> Span:
        """Return a year; a fiscal one is named by the year it ends in."""
        start = dt.date(number, 1, 1)
        if fiscal and self.fiscal_start > 1:
            start = dt.date(number - 1, self.fiscal_start, 1)
        return Span(start, add_months(start, 12), "year", fiscal)

    def week(self, year: int, number: int) -> Span | None:
        """Return an ISO week of a year, None when it has no such week."""
        try:
            start = dt.date.fromisocalendar(year, number, 1)
        except ValueError:
            return None
        start -= DAY if self.week_start == "sunday" else 0 * DAY
        return Span(start, start + WEEK, "week")


def _block(day: dt.date, length: int, first: int) -> dt.date:
    months = (day.year * 12 + day.month - first) // length * length + first - 1
    return dt.date(months // 12, months % 12 + 1, 1)


def add(day: dt.date, unit: str, count: int) -> dt.date:
    """Return the day `count` units later."""
    if unit in MONTHS:
        return add_months(day, MONTHS[unit] * count)
    return day + DAYS[unit] * count * DAY


def back_from(day: dt.date, unit: str, count: int) -> dt.date:
    """Return the start of the `count` units that end before `day`; whole months stay whole months."""
    return add(day, unit, -count)


@dataclass(frozen=True)
class Cycle:
    """Something that comes again: a month, a weekday, a holiday. `at(n)` is its nth occurrence, None where it has none.

    `index(day)` is the number of the occurrence about that day. `part` is (unit, n) for the nth unit of a year.
    """

    at: Callable[[int], Span | None] = field(compare=False)
    index: Callable[[dt.date], int] = field(compare=False)
    name: str = ""
    part: tuple[str, int] | None = None

    def latest(self, holds: Callable[[Span], bool], near: dt.date) -> Span | None:
        """Return the latest occurrence about `near` of which `holds` is true."""
        about = self.index(near)
        spans = (_safe(self.at, about + step) for step in range(2, -9, -1))
        return next((span for span in spans if span is not None and holds(span)), None)

    def earliest(self, holds: Callable[[Span], bool], near: dt.date) -> Span | None:
        """Return the earliest occurrence about `near` of which `holds` is true."""
        about = self.index(near)
        spans = (_safe(self.at, about + step) for step in range(-2, 9))
        return next((span for span in spans if span is not None and holds(span)), None)

    def begun(self, today: dt.date) -> Span | None:
        """Return the latest occurrence that has begun."""
        return self.latest(lambda span: span.first <= today, today)

    def within(self, whole: Span, clock: Clock) -> Span | None:
        """Return the occurrence that starts inside a longer period; None when there is none or more than one."""
        if whole.start is None or whole.end is None:
            return None
        if self.part and self.part[0] in {**MONTHS, **DAYS} and whole.unit == "year":
            return nth(whole, *self.part, clock)
        if (whole.end - whole.start).days > 370:
            return None
        about = range(self.index(whole.start) - 1, self.index(whole.end) + 2)
        spans = [_safe(self.at, number) for number in about]
        inside = [s for s in spans if s is not None and whole.start <= s.first < whole.end]
        return inside[0] if len(inside) == 1 else None


def _safe(at: Callable[[int], Span | None], number: int) -> Span | None:
    try:
        return at(number)
    except (ValueError, OverflowError):
        return None


def yearly(name: str, at: Callable[[int], Span | None], part: tuple[str, int] | None = None) -> Cycle:
    """Return a cycle with one occurrence a year."""
    return Cycle(at, lambda day: day.year, name, part)


def nth(whole: Span, unit: str, number: int, clock: Clock, count: int = 1) -> Span | None:
    """Return `count` units inside a period: from the `number`th on, or for -1 the last ones, -2 the one before.

    Weeks are ISO weeks and belong to the period that holds their Thursday; weekends to the one that holds their
    Saturday. None when the period is open or too short.
    """
    if whole.start is None or whole.end is None or number == 0:
        return None
    if unit in ("week", "weekend", "fortnight"):
        return _nth_week(whole.start, whole.end, unit, number, clock, count)
    if unit == whole.unit:
        return None
    if unit in MONTHS and (whole.start.day != 1 or whole.end.day != 1):
        return None
    if number > 0:
        start = add(whole.start, unit, number - 1)
        end = add(start, unit, count)
    else:
        end = add(whole.end, unit, number + 1)
        start = add(end, unit, -count)
    inside = whole.start <= start and end <= whole.end
    return Span(start, end, unit if count == 1 else "", whole.fiscal) if inside else None


def _nth_week(first_day: dt.date, past: dt.date, unit: str, number: int, clock: Clock, count: int) -> Span | None:
    if unit == "fortnight":
        unit, count = "week", 2 * count
    marker = 5 if unit == "weekend" else 3
    first = first_day + (marker - first_day.weekday()) % 7 * DAY
    total = ((past - DAY) - first).days // 7 + 1
    position = number - 1 if number > 0 else total + number - (count - 1)
    if not 0 <= position <= total - count:
        return None
    start = first + position * WEEK
    if unit == "weekend":
        return Span(start, start + 2 * DAY, unit) if count == 1 else None
    start -= 3 * DAY + (DAY if clock.week_start == "sunday" else 0 * DAY)
    return Span(start, start + count * WEEK, "week" if count == 1 else "")


def day_of(day: dt.date) -> Span:
    """Return one day as a span."""
    return Span(day, day + DAY, "day")


def easter(year: int) -> dt.date:
    """Return Easter Sunday of the Gregorian calendar (Meeus/Jones/Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    length = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * length) // 451
    month, day = divmod(h + length - 7 * m + 114, 31)
    return dt.date(year, month, day + 1)


def weekday_in(year: int, month: int, weekday: int, number: int) -> dt.date:
    """Return the `number`th Monday (0) to Sunday (6) of a month; -1 is the last one."""
    if number > 0:
        first = dt.date(year, month, 1)
        return first + (weekday - first.weekday()) % 7 * DAY + (number - 1) * WEEK
    last = add_months(dt.date(year, month, 1), 1) - DAY
    return last - (last.weekday() - weekday) % 7 * DAY


def shifted(span: Span, years: int) -> Span:
    """Return the same days `years` later; 29 February becomes 28 February."""
    start = add_months(span.first, 12 * years) if span.start else None
    end = add_months(span.past, 12 * years) if span.end else None
    return replace(span, start=start, end=end)
