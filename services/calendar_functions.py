"""Row functions of the expression language that make times from parts, and parts from times."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

Element = sa.ColumnElement[Any]
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ONE_DAY: Element = sa.literal_column("INTERVAL '1' DAY")
ONE_HOUR: Element = sa.literal_column("INTERVAL '1' HOUR")


def make_time(year: Element, month: Element | None = None, day: Element | None = None) -> Element:
    """Return midnight of a day given in parts; NULL where there is no such day."""
    y, m, d = (sa.cast(sa.literal(1) if part is None else part, sa.Integer) for part in (year, month, day))
    sound = sa.and_(y.between(1000, 9999), m.between(1, 12), d.between(1, 31))
    first = sa.func.make_timestamp(y, m, 1, 0, 0, 0, type_=sa.DateTime())
    made: Element = sa.type_coerce(first + (d - 1) * ONE_DAY, sa.DateTime())
    same = sa.extract("month", made) == m
    return sa.case((sa.and_(sound, same), made), else_=sa.null())


def month_number(name: Element) -> Element:
    """Return the number of an English month by its first three letters."""
    short = sa.func.lower(sa.func.left(sa.func.trim(name), 3), type_=sa.String())
    numbers = {month: number for number, month in enumerate(MONTHS, start=1)}
    return sa.case(numbers, value=short, else_=sa.null())


def month_start(time: Element) -> Element:
    """Return midnight of the first day of a time's month."""
    return sa.func.date_trunc("month", time, type_=sa.DateTime())


def at(day: Element, clock: Element) -> Element:
    """Return a day at a time of day, given as a time or as the hour."""
    midnight = sa.func.date_trunc("day", day, type_=sa.DateTime())
    if isinstance(clock.type, sa.Integer | sa.Numeric):
        return sa.type_coerce(midnight + sa.cast(clock, sa.Integer) * ONE_HOUR, sa.DateTime())
    since = clock - sa.func.date_trunc("day", clock, type_=sa.DateTime())
    return sa.type_coerce(sa.case((clock.is_(None), midnight), else_=midnight + since), sa.DateTime())
