"""Rules for the small parts of dates: months, days, weeks, quarters, seasons, holidays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from services.language import date_words as words
from services.language.date_numbers import count, ordinal, unit
from services.language.date_reader import Reader, rule
from services.language.spans import DAY, WEEK, Cycle, Span, day_of, nth, yearly
from services.periods import add_months


@rule
def numbered(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read quarters and halves: `Q2`, `2Q`, `second quarter`, `quarter 2`, `fiscal Q3`, `H1`, `first half`."""
    start = reader.skip(place, "the")
    fiscal = reader.word(start) in words.FISCAL
    start += fiscal
    for letter, name, most in (("q", "quarter", 4), ("h", "half", 2)):
        first, second = reader.word(start), reader.word(start + 1)
        if first == letter and (n := reader.number(start + 1, (1,))) and (letter == "q" or reader.glued(start + 1)):
            yield from _part(reader, name, n, most, fiscal, start + 2)
        if second == letter and reader.glued(start + 1) and (n := reader.number(start, (1,))):
            yield from _part(reader, name, n, most, fiscal, start + 2)
    for n, after in ordinal(reader, start):
        for found, end in unit(reader, after):
            if found.name in ("quarter", "half") and not found.plural:
                most = 4 if found.name == "quarter" else 2
                place_in_year = n if n > 0 else most + 1 + n
                if n > 0 or reader.word(end) in ("of", "in"):
                    yield from _part(reader, found.name, place_in_year, most, fiscal or found.fiscal, end)
    for found, after in unit(reader, start):
        if found.name in ("quarter", "half") and not found.plural:
            for n, end in count(reader, after):
                yield from _part(reader, found.name, n, 4 if found.name == "quarter" else 2, found.fiscal, end)


def _part(reader: Reader, name: str, n: int, most: int, fiscal: bool, end: int) -> Iterator[tuple[Cycle, int]]:  # noqa: FBT001 - a column of the call sites' table
    if not 1 <= n <= most:
        return
    clock = reader.clock

    def at(number: int) -> Span | None:
        return nth(clock.year(number, fiscal=fiscal), name, n, clock)

    yield yearly("fiscal" if fiscal else name, at, (name, n)), end


@rule
def month(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read a month's name: `June`, `the month of June`."""
    start = reader.skip(place, "the")
    if reader.phrase(start, "month of") > 0:
        start += 2
    number = words.MONTH_WORDS.get(reader.word(start))
    if number is not None:
        end = start + 1
        if reader.word(end) == "." and len(reader.word(start)) < 5 and reader.glued(end):
            yield month_cycle(reader, number), end + 1
        yield month_cycle(reader, number), end


def month_cycle(reader: Reader, number: int) -> Cycle:
    """Return a month as it comes every year."""
    return yearly("month", lambda y: reader.clock.holding("month", dt.date(y, number, 1)), ("month_name", number))


@rule
def day_month(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read a day and month without a year: `8 November`, `Nov 8th`, `the 8th of November`, `8/11`."""
    start = place
    if reader.word(start) in words.WEEKDAY_WORDS:
        start = reader.skip(start + 1, ",", "the")
    start = reader.skip(start, "the")
    if (day := reader.number(start, (1, 2))) is not None:
        after = start + 1
        if reader.word(after) in words.ORDINAL_ENDS and reader.glued(after):
            after += 1
        after = reader.skip(after, "of", "-")
        if (named := words.MONTH_WORDS.get(reader.word(after))) is not None:
            yield _day_month(named, day), reader.skip(after + 1, ".") if reader.glued(after + 1) else after + 1
        if reader.word(start + 1) == "/" and (second := reader.number(start + 2, (1, 2))) and reader.glued(start + 2):
            named, day = (second, day) if reader.clock.day_first else (day, second)
            if named <= 12 and reader.word(start + 3) != "/":
                yield _day_month(named, day), start + 3
    for n, after in ordinal(reader, start):
        named = words.MONTH_WORDS.get(reader.word(after + (reader.word(after) == "of")))
        if n > 0 and named and reader.word(start) in words.ORDINAL_WORDS:
            yield _day_month(named, n), after + 1 + (reader.word(after) == "of")
    if (named := words.MONTH_WORDS.get(reader.word(start))) is not None:
        yield from _month_day(reader, named, start + 1)


def _month_day(reader: Reader, named: int, place: int) -> Iterator[tuple[Cycle, int]]:
    start = reader.skip(place, "the", ".")
    day = reader.number(start, (1, 2))
    if day is not None:
        after = start + 1
        if reader.word(after) in words.ORDINAL_ENDS and reader.glued(after):
            yield _day_month(named, day), after + 1
        elif reader.word(after) not in (*words.UNIT_WORDS, *words.MONTH_WORDS):
            yield _day_month(named, day), after
    for n, after in ordinal(reader, start):
        if n > 0 and reader.word(start) in words.ORDINAL_WORDS and reader.word(after) not in words.UNIT_WORDS:
            yield _day_month(named, n), after


def _day_month(named: int, day: int) -> Cycle:
    return yearly("day", lambda y: day_of(dt.date(y, named, day)) if 1 <= day <= 31 else None)


@rule
def weekday(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read a weekday's name."""
    start = reader.skip(place, "the")
    number = words.WEEKDAY_WORDS.get(reader.word(start))
    if number is not None:
        yield weekday_cycle(reader, number), start + 1


def weekday_cycle(reader: Reader, number: int) -> Cycle:
    """Return a weekday as it comes every week."""
    first = reader.clock.start_of("week", dt.date(2000, 1, 6))
    offset = (number - first.weekday()) % 7

    def at(weeks: int) -> Span:
        return day_of(first + weeks * WEEK + offset * DAY)

    return Cycle(at, lambda day: (day - first).days // 7, "weekday")


@rule
def day_number(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read a day of the month: `the 15th`."""
    start = reader.skip(place, "the")
    day = reader.number(start, (1, 2))
    if day is None or reader.word(start + 1) not in words.ORDINAL_ENDS or not reader.glued(start + 1):
        return

    def at(months: int) -> Span | None:
        return day_of(dt.date(months // 12, months % 12 + 1, day))

    following = reader.word(start + 2)
    if following not in words.UNIT_WORDS and following not in words.WEEKDAY_WORDS and following != "last":
        yield Cycle(at, lambda found: found.year * 12 + found.month - 1, "day_number"), start + 2


@rule
def week_number(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read a week's number: `week 12`, `wk 45`, `W45`, `CW 12`, `ISO week 53`."""
    start = reader.skip(place, "the", "iso", "calendar")
    if reader.word(start) in ("week", "wk", "cw", "kw") or (reader.word(start) == "w" and reader.glued(start + 1)):
        after = reader.skip(start + 1, "no", ".", "number", "#", "nr")
        n = reader.number(after, (1, 2))
        ended = reader.word(after + 1) in (*words.MONTH_WORDS, "th", "st", "nd", "rd")
        if n is not None and 1 <= n <= 53 and not ended:
            yield week_cycle(reader, n), after + 1


def week_cycle(reader: Reader, number: int) -> Cycle:
    """Return an ISO week as it comes every year."""
    return Cycle(
        lambda y: reader.clock.week(y, number), lambda day: day.isocalendar().year, "week", ("isoweek", number)
    )


@rule
def season(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read a season: `summer`, `the winter season`."""
    start = reader.skip(place, "the")
    first = words.SEASON_WORDS.get(reader.word(start))
    if first is None:
        return

    def at(number: int) -> Span:
        begins = dt.date(number, first, 1)
        return Span(begins, add_months(begins, 3), "season")

    cycle = yearly("winter" if first == 12 else "season", at)
    yield cycle, start + 1
    if reader.word(start + 1) in ("season", "months"):
        yield cycle, start + 2


@rule
def holiday(reader: Reader, place: int) -> Iterator[tuple[Cycle, int]]:
    """Read a day or season with a name."""
    start = reader.skip(place, "the")
    for length in range(6, 0, -1):
        name = " ".join(reader.texts[start : start + length])
        find = words.HOLIDAYS.get(name)
        if find is not None:
            yield yearly("holiday", find), start + length
            return
