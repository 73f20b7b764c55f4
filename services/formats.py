"""Numbers, money, shares and dates as people of the model's locale write them."""

from __future__ import annotations

import datetime as dt
import math
from functools import lru_cache

from babel import Locale, numbers

from services.model import Format, SalesModel

NOTHING = "–"


@lru_cache(maxsize=8)
def _symbol(currency: str, locale: str) -> str:
    return str(numbers.get_currency_symbol(currency, locale))


def exact(value: float, kind: Format, model: SalesModel) -> str:
    """Return the value in full, money with its minor units; a dash for no value."""
    if math.isnan(value):
        return NOTHING
    match kind:
        case Format.CURRENCY:
            return str(numbers.format_currency(value, model.currency, locale=model.locale))
        case Format.INTEGER:
            return str(numbers.format_decimal(round(value), locale=model.locale))
        case Format.PERCENT:
            return str(numbers.format_percent(value, format="#,##0.00%", locale=model.locale))
        case _:
            return str(numbers.format_decimal(value, locale=model.locale))


def short(value: float, kind: Format, model: SalesModel) -> str:
    """Return the value in few characters (20.5M, £534); a dash for no value."""
    if math.isnan(value):
        return NOTHING
    if kind is Format.PERCENT:
        return str(numbers.format_percent(value, format="#,##0.0%", locale=model.locale))
    if abs(value) < (1_000 if kind is Format.CURRENCY else 1_000_000):
        return exact(value, kind, model)
    rounded = float(f"{value:.3g}")
    digits = 2 - math.floor(math.log10(abs(rounded))) % 3
    if kind is Format.CURRENCY:
        return str(
            numbers.format_compact_currency(rounded, model.currency, locale=model.locale, fraction_digits=digits)
        )
    return str(numbers.format_compact_decimal(rounded, locale=model.locale, fraction_digits=digits))


def change(now: float, before: float) -> float:
    """Return the relative change; NaN when there is nothing to compare with."""
    if math.isnan(now) or math.isnan(before) or before == 0:
        return math.nan
    return (now - before) / abs(before)


def change_text(share: float, model: SalesModel) -> str:
    """Return a relative change with its sign, such as +4.1%."""
    if math.isnan(share):
        return NOTHING
    share = round(share, 3) + 0.0  # no minus before a change that rounds to nothing
    return str(numbers.format_percent(share, format="+#,##0.0%;-#,##0.0%", locale=model.locale))


def currency_prefix(model: SalesModel) -> str:
    """Return the currency symbol that axis labels begin with."""
    return _symbol(model.currency, model.locale)


def day(moment: dt.date, model: SalesModel) -> str:
    """Return a date, such as 9 Dec 2011."""
    return f"{moment.day} {Locale.parse(model.locale).months['format']['abbreviated'][moment.month]} {moment.year}"


def moment_text(moment: dt.datetime, model: SalesModel) -> str:
    """Return a date with its time of day, such as 9 Dec 2011, 12:50."""
    return f"{day(moment.date(), model)}, {moment:%H:%M}"


def range_text(start: dt.datetime, end: dt.datetime, model: SalesModel) -> str:
    """Return a half-open range by its first and last day."""
    last = (end - dt.timedelta(seconds=1)).date() if end > start else start.date()
    return f"{day(start.date(), model)} – {day(last, model)}" if last != start.date() else day(last, model)


@lru_cache(maxsize=8)
def weekdays(locale: str) -> tuple[str, ...]:
    """Return the short names of the weekdays, Monday first."""
    names = Locale.parse(locale).days["format"]["abbreviated"]
    return tuple(str(names[index]) for index in range(7))
