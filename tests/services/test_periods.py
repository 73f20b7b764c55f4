from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

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
