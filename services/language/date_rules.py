"""Rules that put dates together: parts of periods, and periods counted from another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from services.language import date_words as words
from services.language.date_atoms import day_month, day_number, holiday, weekday
from services.language.date_numbers import count, ordinal, unit, year, year_after
from services.language.date_qualified import qualified, this_unit
from services.language.date_reader import Reader, Value, rule
from services.language.date_relative import near, relative, to_date
from services.language.date_written import cycle, settled, written
from services.language.spans import DAY, Cycle, Span, add, back_from, nth
from services.periods import add_months

FILLERS = ("in", "on", "during", "for", "over", "within", "at", "throughout", "across")
WHOLE_OF = ("all of", "the whole of", "whole of", "the entirety of", "the course of", "the entire", "the whole", "all")


@rule
def whole(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read a period that something can be part of."""
    start = reader.skip(place, "the") if reader.phrase(place, "the month of") < 0 else place
    for read in (written, near, relative, qualified, year):
        yield from read(reader, start)
    yield from this_unit(reader, place)
    for named, end in cycle(reader, start):
        if named.name not in ("weekday", "day_number") and (span := settled(reader, named)) is not None:
            yield span, end
    for length, name in ((1, "month"), (3, "quarter")):
        for n, after in ordinal(reader, start):
            for found, then in unit(reader, after):
                if found.name == name and length < 3:
                    for outer, end in whole(reader, reader.skip(then, "of", "in")) if reader.word(then) == "of" else ():
                        if (span := nth(outer, name, n, reader.clock)) is not None:
                            yield span, end


@rule
def part(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read parts of periods: `first five months of 2011`, `late May`, `mid-2010`, `2nd last week of October 2018`."""
    start = reader.skip(place, "the")
    for n, after in ordinal(reader, start):
        for size, then in (*count(reader, after), (1, after)):
            for found, end in unit(reader, then):
                if (size == 1) == (not found.plural) or then > after:
                    yield from _units_of(reader, found.name, n, size, end)
        for named, then in weekday(reader, after):
            for outer, end in _container(reader, then):
                yield from _weekday_of(named, n, outer, end)
    for found, after in unit(reader, start):
        for n, then in count(reader, after):
            if not found.plural and found.name in ("month", "week", "quarter", "day"):
                yield from _units_of(reader, found.name, n, 1, then)
    yield from _third(reader, start)
    if reader.word(start) in ("week", "weekend") or reader.phrase(start, "week of") > 0:
        yield from _week_of(reader, start)
    yield from _week_named(reader, place)


def _container(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    if reader.word(place) in ("of", "in"):
        yield from whole(reader, place + 1)
    elif reader.word(place) in words.MONTH_WORDS or (reader.number(place, (4,)) and reader.word(place) < "2200"):
        yield from whole(reader, place)


def _units_of(reader: Reader, name: str, n: int, size: int, place: int) -> Iterator[tuple[Span, int]]:
    for outer, end in _container(reader, place):
        if name == "half" and outer.unit == "month" and outer.start and outer.end:
            middle = outer.start + 15 * DAY
            yield (Span(outer.start, middle) if n == 1 else Span(middle, outer.end)), end
        elif (size == 1 or n in (1, -1)) and (span := nth(outer, name, n, reader.clock, size)) is not None:
            yield span, end


def _weekday_of(named: Cycle, n: int, outer: Span, end: int) -> Iterator[tuple[Span, int]]:
    if outer.start is None or outer.end is None or (outer.end - outer.start).days > 370:
        return
    about = range(named.index(outer.start) - 1, named.index(outer.end) + 2)
    days = [span for number in about if (span := named.at(number)) and outer.start <= span.first < outer.end]
    position = n - 1 if n > 0 else n
    if -len(days) <= position < len(days):
        yield days[position], end


def _third(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `early May`, `late last month`, `the end of 1989`, `mid-2010`."""
    which = words.PART_WORDS.get(reader.word(place))
    if which is None:
        return
    after = reader.skip(place + 1, "-", "part", "in")
    said = reader.word(place)
    noun = said in ("beginning", "start", "begin", "end", "middle")
    if noun and reader.word(after) != "of":
        return
    outers = whole(reader, reader.skip(after, "of"))
    for outer, end in outers:
        if outer.start is None or outer.end is None:
            continue
        thirds = {"year": 4, "quarter": 1}
        if outer.unit == "month":
            edges = (outer.start, outer.start + 10 * DAY, outer.start + 20 * DAY, outer.end)
        elif outer.unit in thirds:
            edges = tuple(add_months(outer.start, thirds[outer.unit] * step) for step in range(4))  # type: ignore[assignment]
        else:
            continue
        opens = add_months(outer.start, 6) if which == 1 and outer.unit == "year" else None
        yield Span(edges[which], edges[which + 1], "part", opens=opens), end


def _week_of(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `week commencing 7 Nov`, `week ending D`, `the week of Christmas`, `w/c 7 Nov`, `weekend of 5 November`."""
    name = "weekend" if reader.word(place) == "weekend" else "week"
    after = reader.skip(place + 1, "commencing", "beginning", "starting", "ending", "ended", "of", "on", "the")
    if after == place + 1:
        return
    for day, end in (*qualified(reader, after), *written(reader, after), *near(reader, after)):
        if day.unit == "day" and day.start is not None:
            yield reader.clock.holding(name, day.start), end
    for named, end in (*day_month(reader, after), *holiday(reader, after), *day_number(reader, after)):
        day_ = settled(reader, named)
        if day_ is not None and day_.start is not None and day_.unit == "day":
            yield reader.clock.holding(name, day_.start), end


def _week_named(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `w/c 7 Nov`, `w/e 13 Nov 2011` and `Christmas week 2010`."""
    start = reader.skip(place, "the")
    if reader.word(start) == "w" and reader.word(start + 1) == "/" and reader.word(start + 2) in ("c", "e", "b"):
        for read in (qualified, written, day_month):
            for value, end in read(reader, start + 3):
                day = settled(reader, value)
                if day is not None and day.unit == "day" and day.start:
                    yield reader.clock.holding("week", day.start), end
    for named, after in holiday(reader, start):
        if reader.word(after) == "week":
            spans = [(settled(reader, named), after + 1)]
            for outer, end in (*year_after(reader, after + 1), *relative(reader, after + 1)):
                spans = [(named.within(outer, reader.clock), end)]
            for span, end in spans:
                if span is not None and span.unit == "day" and span.start:
                    yield reader.clock.holding("week", span.start), end


@rule
def anchored(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read periods that end or begin at another: `the two months before June 2011`, `year to March 2011`."""
    start = reader.skip(place, "the")
    sizes = list(count(reader, start))
    for n, after in (*sizes, (1, start)):
        for found, then in unit(reader, after):
            if found.name in ("weekend", "decade") or (after == start and found.plural):
                continue
            plain = reader.word(then)
            for heads, side in _ANCHORS:
                for head in heads:
                    end = reader.phrase(then, head)
                    if end > 0 and not (plain == "to" and found.plural is False and found.name in ("day", "week")):
                        yield from _anchor(reader, found.name, n, after > start, side, end)


_ANCHORS = (
    (("before", "prior to", "preceding", "leading up to", "leading to", "ahead of", "running up to"), "before"),
    (("after", "following"), "after"),
    (
        (
            "to the end of",
            "ending in",
            "ending",
            "ended",
            "ending on",
            "through",
            "up to",
            "up to and including",
            "to",
            "until the end of",
            "until",
            "ending with",
            "up to the end of",
            "to end of",
            "to end",
            "ending at the end of",
        ),
        "to",
    ),
    (("from", "starting", "starting in", "starting from", "beginning", "beginning in", "commencing"), "from"),
)


def _anchor(reader: Reader, name: str, n: int, counted: bool, side: str, place: int) -> Iterator[tuple[Span, int]]:  # noqa: FBT001 - as above
    if not counted and side in ("to", "from"):
        sizes = {"year": ("month", 12), "quarter": ("month", 3), "half": ("month", 6), "fortnight": ("day", 14)}
        if name not in sizes:
            return
        name, n = sizes[name]
    singles = (*written(reader, place), *qualified(reader, place), *year(reader, place), *_settled(reader, place))
    for span, end in (*singles, *part(reader, place), *near(reader, place), *relative(reader, place)):
        if span.start is None or span.end is None:
            continue
        days = span.unit == "day"
        if side == "before":
            yield Span(back_from(span.start, name, n), span.start, "anchored"), end
        elif side == "after":
            yield Span(span.end, add(span.end, name, n), "anchored"), end
        elif side == "to" and not (span.unit == "day" and reader.word(end - 1) in ("now",)):
            yield Span(back_from(span.end, name, n), span.end, "anchored"), end
        elif side == "from" and (days or span.unit in ("month", "week", "quarter", "year")):
            yield Span(span.start, add(span.start, name, n), "anchored"), end


def _settled(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    for named, end in cycle(reader, place):
        if (span := settled(reader, named)) is not None:
            yield span, end


@rule
def period(reader: Reader, place: int) -> Iterator[tuple[Value, int]]:
    """Read any period that stands on its own."""
    for text in WHOLE_OF:
        if (end := reader.phrase(place, text)) > 0:
            yield from whole(reader, end)
    for read in (written, near, relative, to_date, qualified, year, part, anchored):
        yield from read(reader, place)
    yield from cycle(reader, place)
    if reader.word(place) == "back" and reader.word(place + 1) in FILLERS:
        yield from period(reader, place + 2)
    start = reader.skip(place, "the")
    if start > place:
        for read in (written, relative, qualified, year):
            yield from read(reader, start)


def with_opening(span: Span) -> Span:
    """Return a period as the beginning of a range: `mid-2010` begins a range on 1 July."""
    return replace(span, start=span.opens, opens=None) if span.opens else span
