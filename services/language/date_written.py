"""Rules for dates in digits, and for anything that comes again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from services.language.date_atoms import day_month, day_number, holiday, month, numbered, season, week_number, weekday
from services.language.date_reader import Reader, Value, rule
from services.language.spans import Cycle, Span, day_of

CYCLES = (day_month, numbered, month, week_number, season, holiday, weekday, day_number)


def settled(reader: Reader, value: Value) -> Span | None:
    """Return the period a value stands for on its own: the latest one that has begun."""
    return value if isinstance(value, Span) else value.begun(reader.clock.today)


@rule
def cycle(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read anything that comes again."""
    for read in CYCLES:
        yield from read(reader, place)


@rule
def written(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read dates in digits: `2011-11-08`, `08/11/2011`, `8.11.11`, `2010/09`, `09/2010`, `20111108`, `2011-W12`."""
    first, sign = reader.number(place, (1, 2, 4, 8)), reader.word(place + 1)
    if first is None or (reader.word(place - 1) in ("-", "/", ".") and reader.glued(place) and place > 0):
        return
    text = reader.word(place)
    if len(text) == 8:
        yield day_of(dt.date(first // 10000, first // 100 % 100, first % 100)), place + 1
    second, third = reader.number(place + 2, (1, 2, 4)), reader.number(place + 4, (1, 2, 4))
    if sign in ("-", "/") and reader.word(place + 2) == "w" and len(text) == 4:
        week = reader.number(place + 3, (1, 2))
        if week and (span := reader.clock.week(first, week)):
            yield span, place + 4
    if sign not in ("-", "/", ".") or second is None or not (reader.glued(place + 1) and reader.glued(place + 2)):
        return
    if third is not None and reader.word(place + 3) == sign and reader.glued(place + 4):
        yield from _three(reader, text, reader.word(place + 2), reader.word(place + 4), place + 5)
        return
    if reader.word(place + 3) == sign and reader.glued(place + 3):
        return
    if len(text) == 4 and 1 <= second <= 12 and len(reader.word(place + 2)) < 3:
        yield reader.clock.holding("month", dt.date(first, second, 1)), place + 3
    if len(text) < 3 and 1 <= first <= 12 and 1900 <= second < 2200:
        yield reader.clock.holding("month", dt.date(second, first, 1)), place + 3


def _three(reader: Reader, one: str, two: str, three: str, end: int) -> Iterator[tuple[Span, int]]:
    a, b, c = int(one), int(two), int(three)
    if len(one) == 4 and len(two) < 3 and len(three) < 3:
        yield day_of(dt.date(a, b, c)), end
    if len(one) < 3 and len(two) < 3 and len(three) in (2, 4):
        named = c if c > 99 else 2000 + c if c < 70 else 1900 + c
        day, month_ = (a, b) if reader.clock.day_first else (b, a)
        if month_ > 12 >= day:
            day, month_ = month_, day
        yield day_of(dt.date(named, month_, day)), end


def occurrence(named: Cycle, number: int) -> Span | None:
    """Return an occurrence, None where there is none in the calendar."""
    try:
        return named.at(number)
    except (ValueError, OverflowError):
        return None
