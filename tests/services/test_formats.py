from __future__ import annotations

import datetime as dt
import math

import pytest
from babel import numbers
from hypothesis import given
from hypothesis import strategies as st

from services import formats
from services.model import Format, SalesModel

NAN = math.nan
DASH = "–"


def of(model: SalesModel, currency: str, locale: str) -> SalesModel:
    return model.model_copy(update={"currency": currency, "locale": locale})


@pytest.mark.parametrize(
    ("value", "kind", "short", "exact"),
    [
        (20_522_679.86, Format.CURRENCY, "£20.5M", "£20,522,679.86"),
        (512.094, Format.CURRENCY, "£512.09", "£512.09"),
        (999.99, Format.CURRENCY, "£999.99", "£999.99"),
        (9_999.99, Format.CURRENCY, "£10K", "£9,999.99"),
        (10_000, Format.CURRENCY, "£10K", "£10,000.00"),
        (123_456, Format.CURRENCY, "£123K", "£123,456.00"),
        (999_999, Format.CURRENCY, "£1M", "£999,999.00"),
        (-25_000, Format.CURRENCY, "-£25K", "-£25,000.00"),
        (0, Format.CURRENCY, "£0.00", "£0.00"),
        (5_878, Format.INTEGER, "5,878", "5,878"),
        (11_239_345, Format.INTEGER, "11.2M", "11,239,345"),
        (40_076.4, Format.INTEGER, "40,076", "40,076"),
        (1_500_000_000, Format.NUMBER, "1.5B", "1,500,000,000"),
        (12.3456, Format.NUMBER, "12.346", "12.346"),
        (0.12345, Format.PERCENT, "12.3%", "12.34%"),
        (-0.5, Format.PERCENT, "-50.0%", "-50.00%"),
        (NAN, Format.CURRENCY, DASH, DASH),
        (NAN, Format.INTEGER, DASH, DASH),
        (NAN, Format.PERCENT, DASH, DASH),
        (NAN, Format.NUMBER, DASH, DASH),
    ],
)
def test_number(sample_model: SalesModel, value: float, kind: Format, short: str, exact: str) -> None:
    assert (formats.short(value, kind, sample_model), formats.exact(value, kind, sample_model)) == (short, exact)


@pytest.mark.parametrize(
    ("currency", "locale", "value", "exact"),
    [
        ("EUR", "de_DE", 1234.5, "1.234,50\xa0€"),
        ("JPY", "ja_JP", 1234.5, "￥1,234"),
        ("JPY", "en_GB", 1234.5, "JP¥1,234"),
        ("USD", "en_US", -3.456, "-$3.46"),
        ("BHD", "de_DE", 1.2345, "1,234\xa0BHD"),
    ],
)
def test_money_of_a_place(sample_model: SalesModel, currency: str, locale: str, value: float, exact: str) -> None:
    assert formats.exact(value, Format.CURRENCY, of(sample_model, currency, locale)) == exact


@pytest.mark.parametrize(
    ("now", "before", "share"),
    [(110, 100, 0.1), (90, 100, -0.1), (0, 100, -1), (50, -100, 1.5), (-150, -100, -0.5), (0, 0, NAN), (1, 0, NAN)],
)
def test_change(now: float, before: float, share: float) -> None:
    assert formats.change(now, before) == pytest.approx(share, nan_ok=True)


@pytest.mark.parametrize(("now", "before"), [(NAN, 1), (1, NAN), (NAN, NAN)])
def test_change_from_or_to_nothing(now: float, before: float) -> None:
    assert math.isnan(formats.change(now, before))


@pytest.mark.parametrize(
    ("share", "text"), [(0.041, "+4.1%"), (-0.041, "-4.1%"), (12.3, "+1,230.0%"), (0, "+0.0%"), (NAN, DASH)]
)
def test_change_text(sample_model: SalesModel, share: float, text: str) -> None:
    assert formats.change_text(share, sample_model) == text


@pytest.mark.parametrize("share", [-0.0001, -0.0])
def test_no_minus_before_zero(sample_model: SalesModel, share: float) -> None:
    assert "-" not in formats.change_text(share, sample_model)


@given(value=st.floats(-1e14, 1e14), kind=st.sampled_from(Format))
def test_every_number_is_written(sample_model: SalesModel, value: float, kind: Format) -> None:
    assert formats.exact(value, kind, sample_model)
    short = formats.short(value, kind, sample_model)
    assert short
    assert kind is Format.PERCENT or len(short) <= len("-£9,999.999")


def test_dates(sample_model: SalesModel) -> None:
    assert formats.day(dt.date(2011, 12, 9), sample_model) == "9 Dec 2011"
    assert formats.moment_text(dt.datetime(2011, 12, 9, 8, 5), sample_model) == "9 Dec 2011, 08:05"


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2011-01-01", "2011-12-09T12:50:01", "1 Jan 2011 – 9 Dec 2011"),
        ("2011-01-01", "2012-01-01", "1 Jan 2011 – 31 Dec 2011"),
        ("2011-01-01", "2011-01-02", "1 Jan 2011"),
        ("2011-01-01", "2011-01-01", "1 Jan 2011"),
    ],
)
def test_range(sample_model: SalesModel, start: str, end: str, text: str) -> None:
    found = formats.range_text(dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end), sample_model)
    assert found == text


def test_currency_prefix(sample_model: SalesModel) -> None:
    assert formats.currency_prefix(sample_model) == "£"


@pytest.mark.parametrize(("locale", "first", "last"), [("en_GB", "Mon", "Sun"), ("de_DE", "Mo", "So")])
def test_weekdays_begin_on_monday(locale: str, first: str, last: str) -> None:
    days = formats.weekdays(locale)
    assert len(days) == 7
    assert (days[0].rstrip("."), days[-1].rstrip(".")) == (first, last)


@given(
    value=st.floats(-1e15, 1e15) | st.decimals(-(10**9), 10**9, places=3).map(float),
    locale=st.sampled_from(["en_GB", "de_DE", "fr_FR", "de_CH", "es_ES", "pl_PL", "hi_IN", "ar_EG", "sv_SE", "ja_JP"]),
    currency=st.sampled_from(["GBP", "EUR", "JPY", "BHD"]),
)
def test_numbers_are_written_as_babel_writes_them(
    sample_model: SalesModel, value: float, locale: str, currency: str
) -> None:
    model = of(sample_model, currency, locale)
    money, share = numbers.format_currency(value, currency, locale=locale), round(value, 3) + 0.0
    assert formats.exact(value, Format.CURRENCY, model) == money
    assert formats.exact(value, Format.INTEGER, model) == numbers.format_decimal(round(value), locale=locale)
    assert formats.exact(value, Format.PERCENT, model) == numbers.format_percent(value, "#,##0.00%", locale=locale)
    pattern = "+#,##0.0%;-#,##0.0%"
    assert formats.change_text(share, model) == numbers.format_percent(share, pattern, locale=locale)
