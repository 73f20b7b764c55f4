from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import LoadError
from services.intake.texts import BLANKS, check, expected, looks_like, unparseable_sql, value_sql
from services.model import ColumnType
from services.recipe import Typing

QUICK = settings(max_examples=60, deadline=None)
NUMBERS = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)
PAIRS = [(d, t) for d in ".," for t in ("", ",", ".", " ", "'") if d != t]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def values(connection: duckdb.DuckDBPyConnection, texts: list[Any], typing: Typing) -> list[tuple[Any, bool]]:
    """Return for each text its value and whether it is unparseable."""
    connection.execute("CREATE OR REPLACE TABLE texts (n INTEGER, t VARCHAR)")
    connection.executemany("INSERT INTO texts VALUES (?, ?)", list(enumerate(texts)))
    column = '"t"'
    sql = f"SELECT {value_sql(column, typing)}, {unparseable_sql(column, typing)} FROM texts ORDER BY n"
    return [(value, bad) for value, bad in connection.execute(sql).fetchall()]


def grouped(digits: str, thousands: str) -> str:
    """Return the digits in groups of three."""
    head = len(digits) % 3
    parts = [digits[:head], *(digits[place : place + 3] for place in range(head, len(digits), 3))]
    return thousands.join(part for part in parts if part)


NEGATIVES = ("-{}", "- {}", "−{}", "({})", "{}-", "( {} )")


@st.composite
def written(draw: st.DrawFn, decimal: str, thousands: str) -> tuple[str, Decimal]:
    """Return a number as people write it, and what it is."""
    whole = draw(st.integers(0, 10**9))
    places = draw(st.integers(0, 4))
    fraction = draw(st.integers(0, 10**places - 1)) if places else 0
    digits = str(whole) if not thousands or draw(st.booleans()) else grouped(str(whole), thousands)
    text = digits + (f"{decimal}{fraction:0{places}d}" if places else "")
    value = Decimal(f"{whole}.{fraction:0{places}d}" if places else whole)
    if draw(st.booleans()):
        return draw(st.sampled_from(NEGATIVES)).format(text), -value
    return text, value


@pytest.mark.parametrize(("decimal", "thousands"), PAIRS)
@QUICK
@given(data=st.data())
def test_numbers_of_every_convention(
    connection: duckdb.DuckDBPyConnection, decimal: Any, thousands: Any, data: st.DataObject
) -> None:
    made = data.draw(st.lists(written(decimal, thousands), min_size=1, max_size=20))
    typing = Typing(type=ColumnType.NUMBER, decimal=decimal, thousands=thousands)
    found = values(connection, [text for text, _ in made], typing)
    assert found == [(float(value), False) for _, value in made]
    assert all(looks_like(text, typing) for text, _ in made)


SIGNS = ("${}", "€ {}", "{} €", "{}\u00a0kr", "USD {}", "{} chf", "R$ {}", "Rs.{}", "£{}", "{} zł", "RM{}")


@QUICK
@given(data=st.data())
def test_money_with_signs(connection: duckdb.DuckDBPyConnection, data: st.DataObject) -> None:
    made = data.draw(st.lists(st.tuples(written(",", "."), st.sampled_from(SIGNS)), min_size=1, max_size=20))
    texts = [_signed(text, sign) for (text, _), sign in made]
    found = values(connection, texts, Typing(type=ColumnType.MONEY, decimal=",", thousands="."))
    assert found == [(value, False) for (_, value), _ in made]


def _signed(text: str, sign: str) -> str:
    """Put a currency sign inside the brackets or the minus of a number."""
    for start, end in (("( ", " )"), ("(", ")"), ("- ", ""), ("-", ""), ("−", ""), ("", "-")):
        if text.startswith(start) and text.endswith(end) and (start or end):
            inner = text[len(start) : len(text) - len(end)]
            return f"{start.strip()}{sign.format(inner)}{end.strip()}"
    return sign.format(text)


@QUICK
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.sampled_from(["", ".0", ".00", "."])), min_size=1))
def test_whole_numbers(connection: duckdb.DuckDBPyConnection, made: list[tuple[int, str]]) -> None:
    found = values(connection, [f"{number}{tail}" for number, tail in made], Typing(type=ColumnType.INTEGER))
    assert found == [(number, False) for number, _ in made]


FORMATS = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M",
    "%Y%m%d",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%A, %d %B %Y",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%y",
)


@pytest.mark.parametrize("form", FORMATS)
@QUICK
@given(times=st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2067, 12, 31)), min_size=1, max_size=20))
def test_dates_of_every_format(connection: duckdb.DuckDBPyConnection, form: str, times: list[dt.datetime]) -> None:
    texts = [moment.strftime(form) for moment in times]
    wanted = [(dt.datetime.strptime(text, form), False) for text in texts]
    assert values(connection, texts, Typing(type=ColumnType.TIME, formats=(form,))) == wanted


@QUICK
@given(st.lists(st.datetimes(dt.datetime(1900, 3, 1), dt.datetime(2200, 1, 1)), min_size=1, max_size=20))
def test_spreadsheet_days(connection: duckdb.DuckDBPyConnection, times: list[dt.datetime]) -> None:
    times = [moment.replace(microsecond=0) for moment in times]
    texts = [str((moment - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)) for moment in times]
    found = values(connection, texts, Typing(type=ColumnType.TIME, formats=("excel",)))
    assert found == [(moment, False) for moment in times]


@QUICK
@given(st.lists(st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)), min_size=1, max_size=20))
def test_weeks_and_quarters(connection: duckdb.DuckDBPyConnection, days: list[dt.date]) -> None:
    iso = [day.isocalendar() for day in days]
    weeks = values(connection, [f"{y}-W{w:02d}" for y, w, _ in iso], Typing(type=ColumnType.TIME, formats=("week",)))
    assert [value.date() for value, _ in weeks] == [dt.date.fromisocalendar(y, w, 1) for y, w, _ in iso]
    texts = [f"Q{(day.month + 2) // 3} {day.year}" for day in days]
    quarters = values(connection, texts, Typing(type=ColumnType.TIME, formats=("quarter",)))
    assert [value.date() for value, _ in quarters] == [dt.date(d.year, (d.month + 2) // 3 * 3 - 2, 1) for d in days]


@pytest.mark.parametrize(
    ("typing", "text"),
    [
        *(
            (Typing(type=kind), text)
            for kind in NUMBERS
            for text in ("inf", "NaN", "1_000", "0x1F", "one", "1 2", "--5", "+")
        ),
        (Typing(type=ColumnType.NUMBER), "1e400"),
        (Typing(type=ColumnType.INTEGER), "9223372036854775808"),
        (Typing(type=ColumnType.INTEGER), "1.5"),
        (Typing(type=ColumnType.INTEGER), "1e3"),
        (Typing(type=ColumnType.MONEY), "99999999999999999"),
        (Typing(type=ColumnType.MONEY), "12%"),
        (Typing(type=ColumnType.MONEY), "$"),
        (Typing(type=ColumnType.NUMBER), "$5"),
        (Typing(type=ColumnType.NUMBER, thousands=","), "1,23"),
        (Typing(type=ColumnType.NUMBER, decimal=","), "1.234"),
        (Typing(type=ColumnType.NUMBER, decimal=",", thousands="."), "1.23"),
        (Typing(type=ColumnType.NUMBER, decimal=",", thousands="."), "1,234.5"),
        (Typing(type=ColumnType.TIME, formats=("%Y%m%d",)), "2011013"),
        (Typing(type=ColumnType.TIME, formats=("%d/%m/%Y",)), "31/02/2011"),
        (Typing(type=ColumnType.TIME, formats=("%d/%m/%Y",)), "01/02/11"),
        (Typing(type=ColumnType.TIME, formats=("%d/%m/%Y",)), "01/02/2011 10:00"),
        (Typing(type=ColumnType.TIME, formats=("%Y-%m-%d %H:%M",)), "2011-01-01 24:30"),
        (Typing(type=ColumnType.TIME, formats=("week",)), "2018-W53"),
        (Typing(type=ColumnType.TIME, formats=("quarter",)), "2018-Q5"),
        (Typing(type=ColumnType.TIME, formats=("year",)), "218"),
        (Typing(type=ColumnType.TIME, formats=("excel",)), "0.5"),
    ],
    ids=str,
)
def test_what_is_no_value(connection: duckdb.DuckDBPyConnection, typing: Typing, text: str) -> None:
    assert values(connection, [text], typing) == [(None, True)]


@pytest.mark.parametrize("kind", list(ColumnType))
def test_blank_and_missing_are_neither_values_nor_mistakes(
    connection: duckdb.DuckDBPyConnection, kind: ColumnType
) -> None:
    texts = [None, "", *BLANKS, " \u00a0\t", "na", " na\u00a0", "it's"]
    found = values(connection, texts, Typing(type=kind, formats=("%Y",), missing=("na", "it's")))
    assert found == [(None, False)] * len(texts)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12,34,567.5", 1234567.5),
        ("1.5E+05", 150000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("+7", 7.0),
        ("\ufeff 8 ", 8.0),
    ],
)
def test_unusual_numbers(connection: duckdb.DuckDBPyConnection, text: str, value: float) -> None:
    assert values(connection, [text], Typing(type=ColumnType.NUMBER, thousands=",")) == [(value, False)]


def test_percent_is_divided(connection: duckdb.DuckDBPyConnection) -> None:
    typing = Typing(type=ColumnType.NUMBER, decimal=",", percent=True)
    assert values(connection, ["12,5 %", "12%", "-3%", "12"], typing) == [
        (0.125, False),
        (0.12, False),
        (-0.03, False),
        (0.12, False),
    ]


def test_a_zone_is_read_over(connection: duckdb.DuckDBPyConnection) -> None:
    typing = Typing(type=ColumnType.TIME, formats=("%Y-%m-%dT%H:%M:%S%z",))
    texts = ["2011-01-31T10:00:00Z", "2011-01-31T10:00:00+02:00", "2011-01-31T10:00:00 UTC", "2011-01-31T10:00:00-0530"]
    assert values(connection, texts, typing) == [(dt.datetime(2011, 1, 31, 10), False)] * 4
    assert values(connection, ["2011-01-31T10:00:00"], typing) == [(None, True)]


def test_formats_are_tried_in_their_order(connection: duckdb.DuckDBPyConnection) -> None:
    first = Typing(type=ColumnType.TIME, formats=("%d/%m/%Y", "%m/%d/%Y", "quarter"))
    found = values(connection, ["03/04/2011", "04/30/2011", "2011-Q2"], first)
    assert [value for value, _ in found] == [dt.datetime(2011, 4, 3), dt.datetime(2011, 4, 30), dt.datetime(2011, 4, 1)]


@pytest.mark.parametrize(
    ("sql", "source", "typing", "value"),
    [
        ("20110131", ColumnType.INTEGER, Typing(type=ColumnType.TIME, formats=("%Y%m%d",)), dt.datetime(2011, 1, 31)),
        ("17850.0::DOUBLE", ColumnType.NUMBER, Typing(type=ColumnType.INTEGER), 17850),
        ("1.25::DOUBLE", ColumnType.NUMBER, Typing(type=ColumnType.MONEY), Decimal("1.2500")),
        ("'nan'::DOUBLE", ColumnType.NUMBER, Typing(type=ColumnType.INTEGER), None),
        ("7", ColumnType.INTEGER, Typing(), "7"),
        ("DATE '2011-01-31'", ColumnType.TIME, Typing(type=ColumnType.TIME), dt.datetime(2011, 1, 31)),
    ],
)
def test_columns_with_types_of_their_own(
    connection: duckdb.DuckDBPyConnection, sql: str, source: ColumnType, typing: Typing, value: Any
) -> None:
    row = connection.execute(
        f"SELECT {value_sql('v', typing, source)}, {unparseable_sql('v', typing, source)} FROM (SELECT {sql} AS v)"
    ).fetchall()
    assert row == [(value, False)]


@pytest.mark.parametrize("text", ["'; DROP TABLE t; --", "\\", "%", ":name", '"', "a''b", "{0}"])
def test_marks_and_formats_are_literals(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert values(connection, [text, "x"], Typing(missing=(text,))) == [(None, False), ("x", False)]
    typing = Typing(type=ColumnType.TIME, formats=(f"{text.replace('%', '')}%Y",))
    assert values(connection, [f"{text.replace('%', '')}2011"], typing) == [(dt.datetime(2011, 1, 1), False)]


@pytest.mark.parametrize("form", ["%Q", "%Y-%e", "%"])
def test_unknown_part_of_a_format(form: str) -> None:
    with pytest.raises(LoadError, match="not known"):
        check(Typing(type=ColumnType.TIME, formats=(form,)))


def test_one_mark_cannot_mean_two_things() -> None:
    with pytest.raises(LoadError, match="both the decimal and the thousands"):
        check(Typing(type=ColumnType.NUMBER, decimal=".", thousands="."))


@pytest.mark.parametrize(
    ("typing", "words"),
    [
        (Typing(), "a text"),
        (Typing(type=ColumnType.TIME, formats=("%d/%m/%Y",)), "a date (%d/%m/%Y)"),
        (Typing(type=ColumnType.NUMBER, decimal=",", thousands="."), "a number (1.234,5)"),
        (Typing(type=ColumnType.NUMBER, percent=True), "a number (1234.5%)"),
    ],
)
def test_expected_says_how_it_is_written(typing: Typing, words: str) -> None:
    assert expected(typing) == words
