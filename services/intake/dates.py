"""Which date formats a text could be written in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

#: Orders of day, month and year that texts of only digits leave open; ANY where the text itself tells.
DAY_FIRST, MONTH_FIRST, YEAR_FIRST, ANY = "day first", "month first", "year first", "any"
MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?"
)
WEEKDAY = r"((?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? )?"
CLOCK = re.compile(
    r"(?P<gap>[T ]| - |, )?(?P<hour>\d{1,2}):(?P<minute>\d{2})(?P<second>:\d{2})?(?P<part>\.\d{1,9})?"
    r"(?P<noon> ?[AaPp][Mm])?(?P<zone> ?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?$"
)
EARLIEST, LATEST = 1900, 2100


class Dated(NamedTuple):
    """A format a text fits, and the order of day and month it assumes."""

    order: str
    format: str


@lru_cache(maxsize=65_536)
def dated(text: str) -> tuple[Dated, ...]:
    """Return the formats `text` fits; empty when it is no date. Orders that its digits exclude are not among them."""
    clock, head = "", text
    found = CLOCK.search(text)
    if found and found.start() > 0 and found["gap"]:
        head, clock = text[: found.start()], _clock(found)
        if not clock:
            return ()
    return tuple(
        Dated(order, f"{form}{clock}" if form not in NAMED else form) for order, form in _days(head, bool(clock))
    )


def clock(text: str) -> str | None:
    """Return the format of a time of day such as 9:05 or 09:05:00 PM; None when it is none."""
    found = CLOCK.match(text)
    if not found or found["gap"] or found["zone"]:
        return None
    return _clock(found) or None


def _clock(found: re.Match[str]) -> str:
    hour = int(found["hour"])
    if hour > (12 if found["noon"] else 23) or int(found["minute"]) > 59:
        return ""
    parts = [found["gap"] or "", "%I" if found["noon"] else "%H", ":%M", ":%S" if found["second"] else ""]
    if found["part"]:
        parts.append(".%f" if len(found["part"]) <= 7 else ".%n")
    if found["noon"]:
        parts.append(" %p" if found["noon"].startswith(" ") else "%p")
    return "".join(parts) + ("%z" if found["zone"] else "")


NAMED = ("year", "quarter", "week")
QUARTER = re.compile(r"(?:(?:19|20)\d\d[-/. ]?[QqTt][1-4]|(?:[QqTt][1-4]|[1-4][QqTt])[-/. ]?(?:19|20)\d\d)$")
WEEK = re.compile(
    r"(?:(?:19|20)\d\d[-/. ]?(?:[Ww]|KW|[Ww]eek) ?\d{1,2}|(?:[Ww]|KW|[Ww]eek) ?\d{1,2}[-/. ](?:19|20)\d\d)$"
)


def _days(text: str, clocked: bool) -> Iterator[tuple[str, str]]:  # noqa: FBT001
    for pattern, build in PATTERNS:
        found = pattern.fullmatch(text)
        if found:
            yield from build(found)
    if not clocked:
        if QUARTER.match(text):
            yield ANY, "quarter"
        if WEEK.match(text):
            yield ANY, "week"


def _year_month_day(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    year, gap, second, third = int(found[1]), found[2], int(found[3]), int(found[4])
    if EARLIEST <= year <= LATEST:
        if second <= 12 and third <= 31:
            yield ANY, f"%Y{gap}%m{gap}%d"
        elif second <= 31 and third <= 12:
            yield ANY, f"%Y{gap}%d{gap}%m"


def _short_year(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    yield from _day_or_month_first(found)
    first, gap, second, third = int(found[1]), found[2], int(found[3]), int(found[4])
    if len(found[4]) == 2 and len(found[1]) == 2 and second <= 12 and third <= 31 and third > 0 and first >= 0:
        yield YEAR_FIRST, f"%y{gap}%m{gap}%d"


def _day_or_month_first(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    first, gap, second, year = int(found[1]), found[2], int(found[3]), found[4]
    form = "%Y" if len(year) == 4 else "%y"
    if len(year) == 4 and not EARLIEST <= int(year) <= LATEST:
        return
    if 1 <= first <= 31 and 1 <= second <= 12:
        yield DAY_FIRST, f"%d{gap}%m{gap}{form}"
    if 1 <= first <= 12 and 1 <= second <= 31:
        yield MONTH_FIRST, f"%m{gap}%d{gap}{form}"


def _compact(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if EARLIEST <= year <= LATEST and 1 <= month <= 12 and 1 <= day <= 31:
        yield ANY, "%Y%m%d"


def _year_month(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    if EARLIEST <= int(found[1]) <= LATEST and 1 <= int(found[3]) <= 12:
        yield ANY, f"%Y{found[2]}%m"


def _month_year(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    if EARLIEST <= int(found[3]) <= LATEST and 1 <= int(found[1]) <= 12:
        yield ANY, f"%m{found[2]}%Y"


def _month_form(word: str) -> str:
    return "%b" if len(word) == 3 else "%B"


def _year_form(text: str) -> str:
    return "%Y" if len(text) == 4 else "%y"


def _named_day_first(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    weekday, day, gap, word, gap_after, year = found.groups()
    if 1 <= int(day) <= 31:
        yield ANY, f"{_weekday(weekday)}%d{gap}{_month_form(word)}{gap_after}{_year_form(year)}"


def _named_month_first(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    weekday, word, gap, day, gap_after, year = found.groups()
    if 1 <= int(day) <= 31:
        yield ANY, f"{_weekday(weekday)}{_month_form(word)}{gap}%d{gap_after}{_year_form(year)}"


def _weekday(text: str | None) -> str:
    if not text:
        return ""
    name = text.rstrip(", ")
    return ("%a" if len(name) == 3 else "%A") + text[len(name) :]


def _named_month_year(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    yield ANY, f"{_month_form(found[1])}{found[2]}{_year_form(found[3])}"


def _year_named_month(found: re.Match[str]) -> Iterator[tuple[str, str]]:
    yield ANY, f"%Y{found[2]}{_month_form(found[3])}" + (f"{found[4]}%d" if found[5] else "")


PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), build)
    for pattern, build in (
        (r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})", _year_month_day),
        (r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})", _day_or_month_first),
        (r"(\d{1,2})([-/.])(\d{1,2})\2(\d{2})", _short_year),
        (r"(\d{4})(\d{2})(\d{2})", _compact),
        (r"(\d{4})([-/.])(\d{1,2})", _year_month),
        (r"(\d{1,2})([-/.])(\d{4})", _month_year),
        (rf"{WEEKDAY}(\d{{1,2}})([-/. ]?|\. )([A-Za-z]{{3,9}})([-/. ]?|, )(\d{{4}}|\d{{2}})", _named_day_first),
        (rf"{WEEKDAY}([A-Za-z]{{3,9}})([-/. ])(\d{{1,2}})(, ?|[-/ ])(\d{{4}})", _named_month_first),
        (rf"({MONTH})([-/. '’]*)(\d{{4}}|\d{{2}})", _named_month_year),
        (rf"(\d{{4}})([-/. ]?)({MONTH})(?:([-/. ]?)(\d{{1,2}}))?", _year_named_month),
    )
)
