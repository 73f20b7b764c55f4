"""Dates in words: a table of expressions written from the conventions, and laws that hold on every day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.language.dates import DateText, read_date
from services.language.spans import DAY, Clock, Span, easter
from services.language.tokens import tokenize
from services.periods import add_months

TODAY = dt.date(2011, 12, 9)
CASES = [line.split("|") for line in (Path(__file__).parent / "dates.csv").read_text().splitlines()[1:]]
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31)) | st.sampled_from(
    [dt.date(2024, 2, 29), dt.date(2020, 12, 31), dt.date(2021, 1, 1), dt.date(2021, 1, 3), dt.date(2023, 3, 31)]
)
UNITS = {"month": 1, "quarter": 3, "year": 12}


def read(text: str, **options: Any) -> tuple[str, str] | None:
    found = read_date(text, Clock(TODAY, **options))
    return None if found is None else (str(found.start or ""), str(found.end or ""))


@pytest.mark.parametrize(("text", "start", "end"), CASES, ids=[case[0] for case in CASES])
def test_expressions(text: str, start: str, end: str) -> None:
    assert read(text) == (None if start == "REFUSE" else (start, end))


@pytest.mark.parametrize(
    ("text", "options", "start", "end"),
    [
        ("FY2014", {"fiscal_start": 4}, "2013-04-01", "2014-04-01"),
        ("fiscal year 2011", {"fiscal_start": 7}, "2010-07-01", "2011-07-01"),
        ("FY 2010/11", {"fiscal_start": 4}, "2010-04-01", "2011-04-01"),
        ("FY11 Q3", {"fiscal_start": 4}, "2010-10-01", "2011-01-01"),
        ("second quarter of FY2012", {"fiscal_start": 2}, "2011-05-01", "2011-08-01"),
        ("third fiscal quarter of 2011", {"fiscal_start": 4}, "2010-10-01", "2011-01-01"),
        ("last fiscal year", {"fiscal_start": 4}, "2010-04-01", "2011-04-01"),
        ("this financial year", {"fiscal_start": 10}, "2011-10-01", "2012-10-01"),
        ("fiscal year to date", {"fiscal_start": 4}, "2011-04-01", "2011-12-10"),
        ("FYTD", {"fiscal_start": 9}, "2011-09-01", "2011-12-10"),
        ("last fiscal quarter", {"fiscal_start": 2}, "2011-08-01", "2011-11-01"),
        ("first half of FY2011", {"fiscal_start": 4}, "2010-04-01", "2010-10-01"),
        ("June of FY2011", {"fiscal_start": 4}, "2010-06-01", "2010-07-01"),
        ("FY2011 march", {}, "2011-03-01", "2011-04-01"),
        ("previous 2 fiscal years", {"fiscal_start": 4}, "2009-04-01", "2011-04-01"),
        ("08/11/2011", {"day_first": False}, "2011-08-11", "2011-08-12"),
        ("8/11", {"day_first": False}, "2011-08-11", "2011-08-12"),
        ("25/11/2011", {"day_first": False}, "2011-11-25", "2011-11-26"),
        ("last week", {"week_start": "sunday"}, "2011-11-27", "2011-12-04"),
        ("this week", {"week_start": "sunday"}, "2011-12-04", "2011-12-11"),
        ("sunday to tuesday", {"week_start": "sunday"}, "2011-12-04", "2011-12-07"),
    ],
)
def test_parameters(text: str, options: dict[str, Any], start: str, end: str) -> None:
    assert read(text, **options) == (start, end)


@given(DAYS, st.sampled_from(list(UNITS)), st.integers(1, 24))
def test_whole_units_back_join_up(today: dt.date, unit: str, count: int) -> None:
    clock = Clock(today)
    many, current = read_date(f"last {count} {unit}s", clock), read_date(f"this {unit}", clock)
    before = read_date(f"{count} {unit}s ago", clock) if (unit, count) != ("year", 1) else read_date("last year", clock)
    assert many
    assert current
    assert before
    assert many.end == current.start
    assert many.start == before.start
    assert add_months(many.first, UNITS[unit] * count) == many.end
    assert current.first <= today < current.past


@given(DAYS, st.sampled_from(["day", "week"]), st.integers(1, 60))
def test_days_and_weeks_back(today: dt.date, unit: str, count: int) -> None:
    length = {"day": 1, "week": 7}[unit]
    found = read_date(f"past {count} {unit}s", Clock(today))
    assert found
    assert found.start
    assert found.end
    assert (found.end - found.start).days == count * length
    assert today - length * DAY < found.end <= today
    assert unit == "day" or found.start.weekday() == 0


@given(DAYS)
def test_bare_names_have_begun_and_are_the_latest(today: dt.date) -> None:
    clock = Clock(today)
    for text, months in (("february", 12), ("q3", 12), ("summer", 12), ("29 august", 12)):
        found = read_date(text, clock)
        assert found
        assert found.start
        assert found.start <= today < add_months(found.start, months)
    finished = read_date("last february", clock)
    assert finished
    assert finished.past <= today
    weekday = read_date("thursday", clock)
    assert weekday
    assert 0 <= (today - weekday.first).days < 7
    assert weekday.first.weekday() == 3


@given(DAYS)
def test_to_date_ends_today_and_last_year_to_date_lies_a_year_before(today: dt.date) -> None:
    clock = Clock(today)
    now, before = read_date("ytd", clock), read_date("last year to date", clock)
    assert now == Span(dt.date(today.year, 1, 1), today + DAY, "to_date")
    assert before
    assert before.start == dt.date(today.year - 1, 1, 1)
    assert before.end == add_months(today, -12) + DAY
    trailing = read_date("TTM", clock)
    assert trailing
    assert trailing.end == today + DAY


@given(st.integers(1990, 2060), st.integers(1, 53))
def test_iso_weeks(year: int, week: int) -> None:
    found = read_date(f"week {week} of {year}", Clock(TODAY))
    if week == 53 and dt.date(year, 12, 28).isocalendar().week < 53:
        assert found is None
    else:
        assert found
        assert found.first.isocalendar()[:3] == (year, week, 1)


@given(st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31)))
def test_a_day_reads_the_same_however_it_is_written(day: dt.date) -> None:
    wanted = Span(day, day + DAY, "day")
    for style in ("%Y-%m-%d", "%d/%m/%Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%A %d %B %Y", "%Y%m%d"):
        assert read_date(day.strftime(style), Clock(TODAY)) == wanted, style


@given(st.dates(dt.date(1995, 1, 1), dt.date(2050, 1, 1)), st.integers(0, 800))
def test_ranges_hold_both_ends(first: dt.date, days: int) -> None:
    last = first + days * DAY
    found = read_date(f"from {first:%d %B %Y} to {last:%d %B %Y}", Clock(TODAY))
    assert (found is None) == (days == 0) or found == Span(first, last + DAY)
    months = read_date(f"{first:%B %Y} through {add_months(last, 1):%B %Y}", Clock(TODAY))
    assert months == Span(first.replace(day=1), add_months(last.replace(day=1), 2))


@pytest.mark.parametrize(("year", "month", "day"), [(2000, 4, 23), (2008, 3, 23), (2011, 4, 24), (2038, 4, 25)])
def test_easter(year: int, month: int, day: int) -> None:
    assert easter(year) == dt.date(year, month, day)


WORDS = (
    "last next this first of the 3 31 q 5 may week 53 to from and before easter year 2011 ago mid half rolling - / fy"
)


@settings(max_examples=150)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=14) | st.text(max_size=80).map(lambda text: [text]))
def test_any_words_make_a_range_or_nothing(parts: list[str]) -> None:
    found = read_date(" ".join(parts), Clock(dt.date(2024, 2, 29)))
    if found is not None and found.start and found.end:
        assert found.start < found.end


def test_dates_stand_where_they_were_said() -> None:
    text = DateText(tokenize("orders in Q2 2011 and since may"), Clock(TODAY))
    assert [(date.form, date.first, date.past) for date in text.all()] == [("single", 2, 5), ("open", 6, 8)]
