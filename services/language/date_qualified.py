"""Rules that name a period inside another: `Q1 this year`, `March of 2011`, `the current month`."""

from __future__ import annotations

from collections.abc import Iterator

from services.language.date_atoms import month, numbered
from services.language.date_numbers import unit, year, year_after
from services.language.date_reader import Reader, rule
from services.language.date_relative import relative
from services.language.date_written import cycle, occurrence, settled
from services.language.spans import Cycle, Span


@rule
def qualified(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read something that comes again inside a named period: `Q1 this year`, `Monday last week`."""
    for named, after in cycle(reader, place):
        for whole, end in year_after(reader, after):
            yield from _inside(reader, named, whole, end)
        start = reader.skip(after, "of", "in", "from", ",", "the")
        for whole, end in (*relative(reader, start), *_named_period(reader, named, start)):
            yield from _inside(reader, named, whole, end)
        if named.name == "winter" and (n := reader.number(after, (4,))) and reader.word(after + 1) in ("/", "-"):
            second = reader.number(after + 2, (2, 4))
            if second is not None and (second - n) % 100 == 1 and (span := named.at(n)) is not None:
                yield span, after + 3
    for whole, after in (*year(reader, place), *relative(reader, place)):
        if whole.unit not in ("year", "half", "quarter", "month", "week"):
            continue
        start = reader.skip(after, "'s", ",", "-", "/", ".", ":", "'")
        for named, end in cycle(reader, start):
            yield from _inside(reader, named, whole, end)


def _named_period(reader: Reader, named: Cycle, place: int) -> Iterator[tuple[Span, int]]:
    """Read the month, quarter or week that a weekday or day number lies in."""
    if named.name in ("day_number", "weekday") and reader.word(place - 1) in ("of", "in", "the"):
        yield from (*qualified_month(reader, place), *this_unit(reader, place))


def _inside(reader: Reader, named: Cycle, whole: Span, end: int) -> Iterator[tuple[Span, int]]:
    counted = named.name == "fiscal" or (named.part is not None and named.part[0] in ("month_name", "isoweek"))
    if counted and whole.unit == "year" and not whole.fiscal:
        span = occurrence(named, whole.first.year)
    elif named.name in ("weekday", "day_number") and whole.unit == "year":
        return
    else:
        span = named.within(whole, reader.clock)
    if span is not None:
        yield span, end


@rule
def qualified_month(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read a month or quarter, settled on a year."""
    for named, after in (*month(reader, place), *numbered(reader, place)):
        done = False
        for whole, end in (*year_after(reader, after), *relative(reader, reader.skip(after, "of", "in"))):
            for found in _inside(reader, named, whole, end):
                done = True
                yield found
        if not done and (span := settled(reader, named)) is not None:
            yield span, after


@rule
def this_unit(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `the month`, `the year` as the current one."""
    if reader.word(place - 1) != "the" and reader.word(place) != "the":
        return
    for found, end in unit(reader, reader.skip(place, "the")):
        if not found.plural and found.name in ("week", "month", "quarter", "half", "year"):
            yield reader.clock.holding(found.name, reader.clock.today, fiscal=found.fiscal), end
