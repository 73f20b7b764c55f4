from __future__ import annotations

import datetime as dt

import dateutil.easter  # type: ignore[import-untyped]
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services import calendars
from services.errors import QueryError, UnknownNameError
from services.model import Calendar
from services.periods import PRESETS, Compare, Coverage, Period, Range, Shift, Window, add_months, window

DATA = Coverage(dt.datetime(2009, 12, 1, 7, 45), dt.datetime(2011, 12, 9, 12, 50, 1), has_hours=True)
TODAY = dt.date(2011, 12, 9)
CALENDAR = Calendar()
SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def between(first: str, last: str) -> Period:
    return Period(first=day(first), last=day(last))


def complete(until: str) -> Coverage:
    """Return coverage of whole days since 2000."""
    return Coverage(moment("2000-01-01"), moment(until), has_hours=False)


@pytest.mark.parametrize(
    ("preset", "start", "end"),
    [
        ("mtd", "2011-12-01", "2012-01-01"),
        ("last_month", "2011-11-01", "2011-12-01"),
        ("qtd", "2011-10-01", "2012-01-01"),
        ("last_quarter", "2011-07-01", "2011-10-01"),
        ("ytd", "2011-01-01", "2012-01-01"),
        ("last_year", "2010-01-01", "2011-01-01"),
        ("last_7_days", "2011-12-03", "2011-12-10"),
        ("last_30_days", "2011-11-10", "2011-12-10"),
        ("last_90_days", "2011-09-11", "2011-12-10"),
        ("last_12_months", "2010-12-10", "2011-12-10"),
        ("all", "2009-12-01", "2011-12-10"),
    ],
)
def test_preset(preset: str, start: str, end: str) -> None:
    assert Period(preset).range(TODAY, CALENDAR, DATA) == Range(moment(start), moment(end))


def test_every_preset_has_a_row_and_a_label() -> None:
    assert {row[0] for row in test_preset.pytestmark[0].args[1]} == PRESETS.keys()  # type: ignore[attr-defined]
    assert all(preset.label for preset in PRESETS.values())


@pytest.mark.parametrize(
    ("preset", "today", "start", "end"),
    [
        pytest.param("mtd", "2024-02-29", "2024-02-01", "2024-03-01", id="leap day, month"),
        pytest.param("last_month", "2024-03-31", "2024-02-01", "2024-03-01", id="31 March, last month"),
        pytest.param("last_month", "2024-01-01", "2023-12-01", "2024-01-01", id="New Year, last month"),
        pytest.param("qtd", "2024-03-31", "2024-01-01", "2024-04-01", id="end of a quarter"),
        pytest.param("last_quarter", "2024-01-01", "2023-10-01", "2024-01-01", id="New Year, last quarter"),
        pytest.param("ytd", "2024-12-31", "2024-01-01", "2025-01-01", id="New Year's Eve"),
        pytest.param("last_12_months", "2024-02-29", "2023-03-01", "2024-03-01", id="leap day, 12 months"),
        pytest.param("last_12_months", "2023-02-28", "2022-03-01", "2023-03-01", id="28 February, 12 months"),
        pytest.param("last_7_days", "2024-03-02", "2024-02-25", "2024-03-03", id="days over a leap day"),
    ],
)
def test_preset_at_an_edge(preset: str, today: str, start: str, end: str) -> None:
    assert Period(preset).range(day(today), CALENDAR, DATA) == Range(moment(start), moment(end))


@pytest.mark.parametrize(
    ("fiscal_start", "today", "start", "end"),
    [
        (1, "2011-03-31", "2011-01-01", "2012-01-01"),
        (4, "2011-03-31", "2010-04-01", "2011-04-01"),
        (4, "2011-04-01", "2011-04-01", "2012-04-01"),
        (10, "2011-12-09", "2011-10-01", "2012-10-01"),
        (12, "2011-12-09", "2011-12-01", "2012-12-01"),
        (12, "2011-11-30", "2010-12-01", "2011-12-01"),
    ],
)
def test_fiscal_year(fiscal_start: int, today: str, start: str, end: str) -> None:
    calendar = Calendar(fiscal_start=fiscal_start)
    this_year = Period("ytd").range(day(today), calendar, DATA)
    last_year = Period("last_year").range(day(today), calendar, DATA)
    assert this_year == Range(moment(start), moment(end))
    assert last_year.end == this_year.start
    assert last_year.start.date() == add_months(this_year.start.date(), -12)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2023-01-31", 1, "2023-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", -12, "2023-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2024-03-31", -1, "2024-02-29"),
        ("2024-12-15", 1, "2025-01-15"),
        ("2024-01-15", -1, "2023-12-15"),
        ("2024-05-05", 0, "2024-05-05"),
        ("0001-01-31", 0, "0001-01-31"),
    ],
)
def test_add_months(start: str, months: int, end: str) -> None:
    assert add_months(day(start), months) == day(end)


@pytest.mark.parametrize(("start", "months"), [("9999-12-31", 0), ("9999-11-30", 1)])
def test_add_months_up_to_the_last_month(start: str, months: int) -> None:
    assert add_months(day(start), months) == day("9999-12-31").replace(day=day(start).day)


@pytest.mark.parametrize(
    ("period", "compare", "now", "before", "shift"),
    [
        pytest.param(
            Period("ytd"),
            Compare.YEAR,
            ("2011-01-01", "2011-12-09T12:50:01"),
            ("2010-01-01", "2010-12-09T12:50:01"),
            Shift(months=12),
            id="year so far",
        ),
        pytest.param(
            Period("ytd"),
            Compare.PRIOR,
            ("2011-01-01", "2011-12-09T12:50:01"),
            ("2010-01-01", "2010-12-09T12:50:01"),
            Shift(months=12),
            id="year so far, prior",
        ),
        pytest.param(
            Period("mtd"),
            Compare.PRIOR,
            ("2011-12-01", "2011-12-09T12:50:01"),
            ("2011-11-01", "2011-11-09T12:50:01"),
            Shift(months=1),
            id="month so far",
        ),
        pytest.param(
            Period("last_quarter"),
            Compare.PRIOR,
            ("2011-07-01", "2011-10-01"),
            ("2011-04-01", "2011-07-01"),
            Shift(months=3),
            id="quarter",
        ),
        pytest.param(
            Period("last_7_days"),
            Compare.PRIOR,
            ("2011-12-03", "2011-12-09T12:50:01"),
            ("2011-11-26", "2011-12-02T12:50:01"),
            Shift(days=7),
            id="seven days",
        ),
        pytest.param(
            between("2011-03-10", "2011-03-10"),
            Compare.PRIOR,
            ("2011-03-10", "2011-03-11"),
            ("2011-03-09", "2011-03-10"),
            Shift(days=1),
            id="one day",
        ),
        pytest.param(
            between("2011-01-01", "2011-02-28"),
            Compare.PRIOR,
            ("2011-01-01", "2011-03-01"),
            ("2010-11-01", "2011-01-01"),
            Shift(months=2),
            id="two calendar months",
        ),
        pytest.param(
            between("2012-05-01", "2012-05-31"),
            Compare.PRIOR,
            ("2012-05-01", "2012-05-01"),
            ("2012-04-01", "2012-04-01"),
            Shift(months=1),
            id="nothing of it has happened",
        ),
    ],
)
def test_window(period: Period, compare: Compare, now: tuple[str, str], before: tuple[str, str], shift: Shift) -> None:
    found = window(period, compare, TODAY, CALENDAR, DATA)
    assert found.now == Range(*map(moment, now))
    assert found.before == Range(*map(moment, before))
    assert found.shift == shift
    assert found.incomplete == (found.asked.end > DATA.end)


@pytest.mark.parametrize(
    ("until", "before_end"),
    [
        # March so far against February: what February lacks counts as all of February.
        pytest.param("2023-03-28T10:00", "2023-02-28T10:00", id="last day both months have"),
        pytest.param("2023-03-29T10:00", "2023-03-01T00:00", id="29th, not in February"),
        pytest.param("2023-03-31T23:00", "2023-03-01T00:00", id="31st, not in February"),
        pytest.param("2024-03-29T10:00", "2024-02-29T10:00", id="29th in a leap year"),
        pytest.param("2024-03-30T10:00", "2024-03-01T00:00", id="30th in a leap year"),
        pytest.param("2023-04-01T00:00", "2023-03-01T00:00", id="whole month"),
    ],
)
def test_month_against_a_shorter_one(until: str, before_end: str) -> None:
    data = Coverage(moment("2020-01-01"), moment(until), has_hours=True)
    found = window(
        between("2023-03-01", "2023-03-31") if until < "2024" else between("2024-03-01", "2024-03-31"),
        Compare.PRIOR,
        day("2024-06-01"),
        CALENDAR,
        data,
    )
    assert found.before is not None
    assert found.before.end == moment(before_end)


def test_leap_day_against_last_year() -> None:
    found = window(between("2024-02-01", "2024-02-29"), Compare.YEAR, TODAY, CALENDAR, complete("2025-01-01"))
    assert found.before == Range(moment("2023-02-01"), moment("2023-03-01"))


def test_leap_day_so_far_against_last_year() -> None:
    data = Coverage(moment("2000-01-01"), moment("2024-02-29T10:00"), has_hours=True)
    found = window(Period("ytd"), Compare.YEAR, day("2024-02-29"), CALENDAR, data)
    assert found.before == Range(moment("2023-01-01"), moment("2023-03-01"))


def test_no_comparison_asked() -> None:
    assert window(Period("ytd"), Compare.NONE, TODAY, CALENDAR, DATA).before is None


@pytest.mark.parametrize("compare", [Compare.YEAR, Compare.PRIOR])
def test_comparison_before_the_calendar_begins(compare: Compare) -> None:
    found = window(between("0001-01-01", "0001-12-31"), compare, TODAY, CALENDAR, DATA)
    assert (found.before, found.before_known) == (None, False)


def test_data_begin_within_the_comparison() -> None:
    assert window(Period("ytd"), Compare.YEAR, TODAY, CALENDAR, DATA).before_known
    assert not window(Period("last_year"), Compare.YEAR, TODAY, CALENDAR, DATA).before_known


def test_data_begin_during_the_first_day_of_the_comparison() -> None:
    found = window(between("2010-12-01", "2010-12-31"), Compare.YEAR, TODAY, CALENDAR, DATA)
    assert found.before_known


@pytest.mark.parametrize("has_hours", [False, True])
def test_all_of_data_that_end_at_midnight(*, has_hours: bool) -> None:
    data = Coverage(moment("2011-01-01"), moment("2012-01-01"), has_hours=has_hours)
    found = window(Period("all"), Compare.NONE, day("2011-12-31"), CALENDAR, data)
    assert found.asked == Range(moment("2011-01-01"), moment("2012-01-01"))
    assert not found.incomplete


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param({}, "needs a first and a last day", id="nothing"),
        pytest.param({"first": day("2011-01-01")}, "needs a first and a last day", id="first only"),
        pytest.param({"last": day("2011-01-01")}, "needs a first and a last day", id="last only"),
        pytest.param({"preset": "ytd", "first": day("2011-01-01")}, "a name or two dates, not both", id="both"),
        pytest.param({"first": day("2011-01-02"), "last": day("2011-01-01")}, "swap the two dates", id="backwards"),
    ],
)
def test_malformed_period(arguments: dict[str, dt.date], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        Period(**arguments)  # type: ignore[arg-type]


def test_unknown_preset_names_a_near_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'last_month'"):
        Period("lastmonth")


DATES = st.dates(dt.date(1990, 1, 1), dt.date(2040, 12, 31))
PERIODS = st.one_of(
    st.sampled_from(sorted(PRESETS)).map(Period),
    st.tuples(DATES, DATES).map(lambda pair: Period(first=min(pair), last=max(pair))),
)
COVERAGES = st.tuples(
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2040, 1, 1)), st.timedeltas(SECOND, 4000 * DAY)
).map(lambda pair: Coverage(pair[0], pair[0] + pair[1], has_hours=True))
CALENDARS = st.integers(1, 12).map(lambda month: Calendar(fiscal_start=month))


def made(period: Period, compare: Compare, data: Coverage, calendar: Calendar) -> Window:
    return window(period, compare, (data.end - SECOND).date(), calendar, data)


@given(PERIODS, st.sampled_from(Compare), COVERAGES, CALENDARS)
def test_now_lies_within_asked(period: Period, compare: Compare, data: Coverage, calendar: Calendar) -> None:
    found = made(period, compare, data, calendar)
    assert found.asked.start < found.asked.end
    assert found.now.start == found.asked.start
    assert found.now.start <= found.now.end <= found.asked.end
    assert found.incomplete == (found.now != found.asked)
    assert found.now.empty or found.now.end <= data.end


@given(PERIODS, st.sampled_from([Compare.YEAR, Compare.PRIOR]), COVERAGES, CALENDARS)
def test_comparison_is_as_long_as_what_has_happened(
    period: Period, compare: Compare, data: Coverage, calendar: Calendar
) -> None:
    found = made(period, compare, data, calendar)
    assert found.before is not None
    if found.shift.days:
        assert found.before.days == found.now.days
    else:
        # Months differ by up to 3 days, and a leap day may lie in either range.
        assert abs(found.before.days - found.now.days) <= 4
    assert found.before.end <= found.now.start or found.shift.months == 12
    assert not found.before.end > found.now.end
    assert found.before.empty <= found.now.empty or found.now.empty


@given(PERIODS, COVERAGES, CALENDARS)
def test_prior_period_ends_where_a_complete_one_starts(period: Period, data: Coverage, calendar: Calendar) -> None:
    found = made(period, Compare.PRIOR, data, calendar)
    assume(not found.incomplete)
    assert found.before is not None
    assert found.before.end == found.now.start


@given(st.dates(), st.dates(), st.sampled_from(Compare), COVERAGES)
def test_any_dates_of_the_calendar(one: dt.date, two: dt.date, compare: Compare, data: Coverage) -> None:
    found = made(Period(first=min(one, two), last=max(one, two)), compare, data, CALENDAR)
    assert found.now.start <= found.now.end


@pytest.mark.parametrize("compare", Compare)
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
        ("9999-12-01", "9999-12-31"),
        ("0001-01-01", "9999-12-31"),
    ],
)
def test_edges_of_the_calendar(first: str, last: str, compare: Compare) -> None:
    found = window(between(first, last), compare, TODAY, CALENDAR, DATA)
    assert found.now.start <= found.now.end


@given(DATES, st.integers(-600, 600))
def test_months_there_and_back(start: dt.date, months: int) -> None:
    there = add_months(start, months)
    assert (there.year * 12 + there.month) - (start.year * 12 + start.month) == months
    assert there.day == start.day or (there + DAY).day == 1
    assert start.day > 28 or add_months(there, -months) == start


# Calendars that are not the plain one


RETAIL = Calendar(week_start="sunday", fiscal_start=2, weeks="4-5-4")


@given(st.integers(1900, 2200))
def test_easter_is_the_one_of_dateutil(year: int) -> None:
    assert calendars.easter(year) == dateutil.easter.easter(year)


@pytest.mark.parametrize(
    ("first", "last", "before_first", "before_last"),
    [
        pytest.param("2024-03-25", "2024-04-01", "2023-04-03", "2023-04-10", id="Holy Week 31 March against 9 April"),
        pytest.param("2025-04-14", "2025-04-21", "2024-03-25", "2024-04-01", id="20 April against 31 March"),
    ],
)
def test_easter_against_easter(first: str, last: str, before_first: str, before_last: str) -> None:
    found = window(between(first, last), Compare.EASTER, day("2026-01-01"), CALENDAR, complete("2026-01-01"))
    assert found.before == Range(moment(before_first), moment(before_last) + DAY)


@pytest.mark.parametrize(
    ("first", "last", "before_first"),
    [
        pytest.param("2024-02-12", "2024-02-18", "2023-02-13", id="week 7"),
        pytest.param("2020-12-28", "2021-01-03", "2019-12-23", id="week 53 goes with week 52"),
        pytest.param("2021-01-04", "2021-01-10", "2019-12-30", id="week 1 after a year of 53"),
        pytest.param("2024-02-29", "2024-02-29", "2023-03-02", id="a leap day is a Thursday of week 9"),
    ],
)
def test_same_weeks_last_year(first: str, last: str, before_first: str) -> None:
    found = window(between(first, last), Compare.WEEKS, day("2025-01-01"), CALENDAR, complete("2025-01-01"))
    assert found.before is not None
    assert found.before.start == moment(before_first)
    assert found.before.start.weekday() == found.asked.start.weekday()
    assert found.before.days == found.asked.days


@given(st.dates(dt.date(1990, 1, 1), dt.date(2090, 12, 31)))
def test_weekday_and_week_number_stay(one: dt.date) -> None:
    then = one - dt.timedelta(days=calendars.days_to_same_week(one))
    assert then.isocalendar().year == one.isocalendar().year - 1
    assert then.weekday() == one.weekday()
    assert then.isocalendar().week in (
        one.isocalendar().week,
        one.isocalendar().week - 1 if one.isocalendar().week == 53 else 0,
    )


@pytest.mark.parametrize(
    ("year", "start", "weeks"),
    [(2022, "2022-01-30", 52), (2023, "2023-01-29", 53), (2024, "2024-02-04", 52), (2017, "2017-01-29", 53)],
)
def test_retail_year_is_that_of_the_national_retail_federation(year: int, start: str, weeks: int) -> None:
    assert calendars.retail_start(year, RETAIL) == day(start)
    assert (calendars.retail_start(year + 1, RETAIL) - day(start)).days == 7 * weeks


@given(
    one=st.dates(dt.date(1990, 1, 1), dt.date(2090, 12, 31)),
    weeks=st.sampled_from(sorted(calendars.PATTERNS)),
    fiscal_start=st.integers(1, 12),
    week_start=st.sampled_from(["monday", "sunday"]),
    months=st.sampled_from([1, 3, 12]),
)
def test_retail_periods_tile_time(one: dt.date, weeks: str, fiscal_start: int, week_start: str, months: int) -> None:
    calendar = Calendar.model_validate({"weeks": weeks, "fiscal_start": fiscal_start, "week_start": week_start})
    start, end = calendars.retail_span(one, calendar, months)
    assert start <= one < end
    assert start.weekday() == (6 if week_start == "sunday" else 0)
    assert (end - start).days % 7 == 0
    before = calendars.retail_span(one, calendar, months, back=1)
    assert before[1] == start
    assert calendars.retail_span(before[0], calendar, months) == before
    length = {1: (28, 42), 3: (91, 98), 12: (364, 371)}[months]
    assert length[0] <= (end - start).days <= length[1]


@pytest.mark.parametrize(
    ("preset", "compare", "today", "now", "before"),
    [
        pytest.param(
            "mtd", Compare.PRIOR, "2024-03-05", ("2024-03-03", "2024-03-06"), ("2024-02-04", "2024-02-07"),
            id="three days in",
        ),
        pytest.param(
            "mtd", Compare.PRIOR, "2024-04-06", ("2024-03-03", "2024-04-07"), ("2024-02-04", "2024-03-03"),
            id="five weeks against all of four",
        ),
        pytest.param(
            "last_year", Compare.YEAR, "2024-06-01", ("2023-01-29", "2024-02-04"), ("2022-01-30", "2023-02-05"),
            id="53 weeks against 53",
        ),
        pytest.param(
            "ytd", Compare.YEAR, "2024-02-10", ("2024-02-04", "2024-02-11"), ("2023-01-29", "2023-02-05"),
            id="week 1 against week 1 after a year of 53",
        ),
    ],
)  # fmt: skip
def test_retail_window(
    preset: str, compare: Compare, today: str, now: tuple[str, str], before: tuple[str, str]
) -> None:
    data = complete(str(day(today) + DAY))
    found = window(Period(preset), compare, day(today), RETAIL, data)
    assert found.now == Range(moment(now[0]), moment(now[1]))
    assert found.before == Range(moment(before[0]), moment(before[1]))


def test_fiscal_quarters_begin_with_the_fiscal_year() -> None:
    calendar = Calendar(fiscal_start=2)
    assert Period("qtd").range(day("2024-04-30"), calendar, DATA) == Range(moment("2024-02-01"), moment("2024-05-01"))
    assert Period("qtd").range(day("2024-01-31"), calendar, DATA) == Range(moment("2023-11-01"), moment("2024-02-01"))
