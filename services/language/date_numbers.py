"""Rules for the numbers of dates: counts, ordinals, units and years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from services.language import date_words as words
from services.language.date_reader import Reader, rule
from services.language.spans import Span

CENTURY = 2000


@dataclass(frozen=True)
class Unit:
    """A unit as it was said."""

    name: str
    fiscal: bool
    plural: bool


@rule
def count(reader: Reader, place: int) -> Iterator[tuple[int, int]]:
    """Read a number: `3`, `three`, `twenty-four`, `a couple of`."""
    after = reader.word(place + 1)
    if (value := reader.number(place)) is not None:
        if value and not (after in words.ORDINAL_ENDS and reader.glued(place + 1)):
            yield value, place + 1
        return
    start = reader.skip(place, "a")
    if reader.word(start) in ("couple", "pair"):
        yield 2, reader.skip(start + 1, "of")
    word = reader.word(start)
    if words.NUMBER_WORDS.get(word):
        tens = words.NUMBER_WORDS[word]
        ones = words.NUMBER_WORDS.get(reader.word(start + 1), 0)
        if word in words.TENS and 0 < ones < 10:
            yield tens + ones, start + 2
        else:
            yield tens, start + 1


@rule
def ordinal(reader: Reader, place: int) -> Iterator[tuple[int, int]]:
    """Read `1st`, `second`, `last`, `2nd last`, `second to last`; counting from the end is negative."""
    value, after = 0, place + 1
    if (number := reader.number(place, (1, 2))) and reader.word(place + 1) in words.ORDINAL_ENDS:
        if reader.glued(place + 1):
            value, after = number, place + 2
    elif reader.word(place) in words.ORDINAL_WORDS:
        value = words.ORDINAL_WORDS[reader.word(place)]
    elif reader.word(place) == "last":
        value = -1
        if (end := reader.phrase(place, "last but one")) > 0:
            yield -2, end
    if not value:
        return
    yield value, after
    end = reader.phrase(after, "to last") if reader.word(after) == "to" else reader.phrase(after, "last")
    if value > 1 and end > 0:
        yield -value, end


@rule
def unit(reader: Reader, place: int) -> Iterator[tuple[Unit, int]]:
    """Read a unit with what may stand before it: `fiscal year`, `full months`, `calendar quarter`, `half year`."""
    fiscal = False
    while reader.word(place) in (*words.WHOLE, "fiscal", "financial", "-"):
        fiscal = fiscal or reader.word(place) in words.FISCAL
        place += 1
    if reader.word(place) == "fy":
        yield Unit("year", True, False), place + 1
    name = words.UNIT_WORDS.get(reader.word(place))
    if name is None:
        return
    plural = reader.word(place) in words.PLURAL_UNITS
    if name == "half" and reader.word(place + 1) in ("year", "years"):
        yield Unit("half", fiscal, reader.word(place + 1) == "years"), place + 2
    yield Unit(name, fiscal, plural), place + 1
    if reader.word(place + 1) in ("period", "periods") and not plural:
        yield Unit(name, fiscal, False), place + 2


@rule
def year(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read a year that is named: `2011`, `the full year 2011`, `'11`, `FY11`, `fiscal 2010/11`, `the 1990s`."""
    start = reader.skip(place, "the", *words.WHOLE)
    if reader.word(start) in ("year", "cy"):
        start = reader.skip(start + 1, "year", "of")
    number = reader.number(start, (4,))
    if number is not None and 1900 <= number < 2200:
        if reader.word(start + 1) == "s" and reader.glued(start + 1):
            if number % 10 == 0:
                yield reader.clock.holding("decade", dt.date(number, 1, 1)), start + 2
            return
        yield reader.clock.year(number), start + 1
        if reader.word(start + 1) in words.FISCAL:
            yield reader.clock.year(number, fiscal=True), reader.skip(start + 2, "year")
    if reader.word(start) == "'" and (short := reader.number(start + 1, (2,))) is not None:
        yield reader.clock.year(_century(short)), start + 2
    if reader.word(start) in words.FISCAL:
        yield from _fiscal_year(reader, start + 1)


def _fiscal_year(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    place = reader.skip(place, "year", "yr", "'", "-")
    number = reader.number(place, (2, 4))
    if number is None:
        return
    named = _century(number) if number < 100 else number
    second = reader.number(place + 2, (2, 4)) if reader.word(place + 1) in ("/", "-") else None
    if second is not None:
        if (second - named) % 100 == 1:
            yield reader.clock.year(named + 1, fiscal=True), place + 3
        return
    yield reader.clock.year(named, fiscal=True), place + 1


def _century(short: int) -> int:
    return CENTURY + short if short < 70 else CENTURY - 100 + short


def _short_year(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read two digits that can only be a year: `Q2-11`, `2H11`, `Jan-11`, `Q3'10`, `Q3 10` where nothing follows."""
    start = place + 1 if reader.word(place) in ("-", "/", "'") and reader.glued(place) else place
    number = reader.number(start, (2,))
    if number is not None and reader.glued(start) and not (reader.word(start + 1) in "-/." and reader.glued(start + 1)):
        yield reader.clock.year(_century(number)), start + 1
    coded = reader.word(place - 2) in ("q", "h") and reader.glued(place - 1)
    if coded and number is not None and not reader.glued(start) and not reader.word(start + 1)[:1].isalnum():
        yield reader.clock.year(_century(number)), start + 1


def year_after(reader: Reader, place: int) -> Iterator[tuple[Span, int]]:
    """Read the year behind a month, quarter or day: `2011`, `, 2011`, `of 2011`, `'11`, `-11`."""
    start = place
    if reader.word(start) in (",", "-", "/", ".", "of", "in"):
        start += 1
    start = reader.skip(start, "the")
    yield from year(reader, start)
    yield from _short_year(reader, place)
