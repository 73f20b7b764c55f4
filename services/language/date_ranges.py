"""Rules for A to B: `May to July`, `13-15 July 2011`, `weeks 10 to 12`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from services.language import date_words as words
from services.language.date_atoms import day_month, week_cycle
from services.language.date_numbers import year_after
from services.language.date_reader import Reader, Value, rule
from services.language.date_rules import period, with_opening
from services.language.spans import DAY, Cycle, Span


@rule
def ranges(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read A to B."""
    between = reader.word(place) == "between"
    start = place + (between or reader.word(place) == "from")
    start = reader.skip(start, "the", "period") if reader.phrase(start, "the period") > 0 else start
    start = reader.skip(start, "from") if start > place else start
    for left, after in (*period(reader, start), *_since_to(reader, start)):
        middle = _through(reader, after, between=between)
        if middle < 0:
            continue
        if reader.word(after) == "to" and reader.word(middle) in ("date", "present") and isinstance(left, Span):
            yield Span(left.start, reader.clock.today + DAY), middle + 1
        for right, end in period(reader, middle):
            if isinstance(right, Cycle) and (reader.number(end, (4,)) or 0) in range(1900, 2200):
                continue
            if (span := _stretch(reader, left, right, _joined_by(reader, after, between=between))) is not None:
                yield span, end
        if isinstance(left, Cycle) and left.name == "day":
            yield from _same_month(reader, start, left, middle)
    yield from _day_to_date(reader, start, between=between)
    yield from _weeks(reader, start)


def _joined_by(reader: Reader, place: int, *, between: bool) -> str:
    return "to" if between else reader.word(place)


def _through(reader: Reader, place: int, *, between: bool) -> int:
    """Return the place after the word that leads from A to B, -1 without one."""
    place = reader.skip(place, ",") if reader.word(place + 1) in words.THROUGH else place
    if reader.word(place) in ("and", "&") and not between:
        return reader.skip(place + 1, "the")
    if reader.word(place) in words.THROUGH:
        return reader.skip(place + 1, "to", "until", "till", "the", "and", "including", "including")
    return reader.skip(place + 2, "the", "and", "including", "to") if reader.phrase(place, "up to") > 0 else -1


def _since_to(reader: Reader, place: int) -> Iterator[tuple[Value, int]]:
    if reader.word(place) == "since":
        yield from period(reader, place + 1)


def _same_month(reader: Reader, start: int, left: Cycle, middle: int) -> Iterator[tuple[Span, int]]:
    """Read the second day of `July 13 thru 15, 2011`."""
    day = reader.number(middle, (1, 2))
    if day is None or reader.word(start) not in (*words.MONTH_WORDS, *words.WEEKDAY_WORDS):
        return
    end = middle + 1
    if reader.word(end) in words.ORDINAL_ENDS and reader.glued(end):
        end += 1

    def at(year: int) -> Span | None:
        first = left.at(year)
        return Span(first.start, first.first.replace(day=day) + DAY) if first and first.first.day < day else None

    yield from _yearly(reader, Cycle(at, left.index, "day"), end)


def _day_to_date(reader: Reader, place: int, *, between: bool) -> Iterator[tuple[Span, int]]:
    """Read `13-15 July 2011`, `between the 3rd and the 9th of May`."""
    start = reader.skip(place, "the")
    day = reader.number(start, (1, 2))
    if day is None:
        return
    after = start + 1
    if reader.word(after) in words.ORDINAL_ENDS and reader.glued(after):
        after += 1
    if (middle := _through(reader, after, between=between)) < 0:
        return
    for right, end in day_month(reader, middle):

        def at(year: int, right: Cycle = right) -> Span | None:
            last = right.at(year)
            return Span(last.first.replace(day=day), last.end) if last and day < last.first.day else None

        if reader.word(middle) not in words.MONTH_WORDS:
            yield from _yearly(reader, Cycle(at, right.index, "day"), end)


def _weeks(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read `weeks 10 to 12 of 2011`."""
    if reader.word(place) not in ("weeks", "wks"):
        return
    first = reader.number(place + 1, (1, 2))
    middle = _through(reader, place + 2, between=True)
    last = reader.number(middle, (1, 2)) if middle > 0 else None
    if not first or not last or not first < last <= 53:
        return
    one, two = week_cycle(reader, first), week_cycle(reader, last)

    def at(year: int) -> Span | None:
        begins, ends = one.at(year), two.at(year)
        return Span(begins.start, ends.end) if begins and ends else None

    yield from _yearly(reader, Cycle(at, one.index, "week"), middle + 1)


def _yearly(reader: Reader, named: Cycle, end: int) -> Iterator[tuple[Span, int]]:
    years = list(year_after(reader, end))
    for outer, after in years:
        if (span := named.at(outer.first.year)) is not None:
            yield span, after
    if not years:
        until = reader.clock.today + DAY
        if (span := named.latest(lambda s: s.past <= until, reader.clock.today)) is not None:
            yield span, end


def _stretch(reader: Reader, left: Value, right: Value, word: str) -> Span | None:
    """Return the range from the start of A to the end of B; a side without a year takes it from the other."""
    first, last = _ends(reader.clock.today, left, right)
    if first is None or last is None or first.start is None or last.end is None or first.start >= last.end:
        return None
    contained = last.start is not None and first.start <= last.start and last.end <= first.past
    if (contained and last.unit != "day") or (word in ("and", "&") and first.end != last.start):
        return None
    return Span(with_opening(first).start, last.end)


def _ends(today: dt.date, left: Value, right: Value) -> tuple[Span | None, Span | None]:
    """Return both ends of a range; a pair of Nones when they do not make one."""
    if isinstance(right, Span):
        if isinstance(left, Span) or right.start is None:
            return (left if isinstance(left, Span) else None), right
        start = right.start
        return left.latest(lambda s: s.past <= start, start), right
    if isinstance(left, Span):
        last = right.earliest(lambda s: s.first >= left.past, left.first)
        return left, None if left.unit == "year" else last
    last = right.latest(lambda s: s.past <= today + DAY, today)
    if last is None:
        return None, None
    begins = last.first
    first = left.latest(lambda s: s.past <= begins, begins)
    return (first, last) if first and (last.past - first.first).days <= 366 else (None, None)
