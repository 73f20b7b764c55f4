"""Public holidays, known in advance: how much of what a series sells lies in countries that have one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache

import holidays
import numpy as np
import pandas as pd

from services.forecasting.frequency import Frequency, Ordinals, dates_of, ordinals
from services.forecasting.panel import Panel, Values
from services.geography import country_code

NAME = "public_holiday"
#: Ticks short enough for a single day to matter.
SHORT = ("day", "week")
#: Names of the attribute that holds a series' country.
COLUMNS = ("country", "country_code")
#: Dates beyond these years are placeholders.
YEARS = (1900, 2100)


def with_feasts(panel: Panel, shares: Sequence[Mapping[str, float]]) -> Panel:
    """Return the panel with the column `NAME`: the public holidays in each period, of each country by its share.

    `shares` has per series what part of it each ISO 3166 country is; nothing changes for series without, nor where no
    country has a known calendar or the periods are longer than weeks.
    """
    if panel.frequency.name not in SHORT or not panel.real_dates or not any(shares):
        return panel
    ticks = panel.last[:, None] - panel.periods + 1 + np.arange(panel.periods + panel.horizon)[None]
    unique, place = np.unique(ticks, return_inverse=True)
    place = place.reshape(ticks.shape)
    column = np.zeros(ticks.shape)
    for code in sorted({code for each in shares for code in each}):
        share = np.array([each.get(code, 0.0) for each in shares])
        column += share[:, None] * _counts(code, unique, panel.frequency)[place]
    return panel.with_known(NAME, column) if column.any() else panel


def shares_of(static: pd.DataFrame | None, ids: Sequence[str]) -> list[dict[str, float]]:
    """Return the country of each series that its attributes name, under a column of `COLUMNS`."""
    name = next((name for name in COLUMNS if static is not None and name in static), None)
    if static is None or name is None:
        return [{} for _ in ids]
    said = static.assign(series_id=static["series_id"].astype("str")).drop_duplicates("series_id")
    codes = {value: country_code(str(value)) for value in said[name].dropna().unique()}
    found = dict(zip(said["series_id"], said[name].map(codes), strict=True))
    return [{code: 1.0} if isinstance(code := found.get(each), str) else {} for each in ids]


def _counts(code: str, ticks: Ordinals, frequency: Frequency) -> Values:
    """Return the number of a country's public holidays in each of some ticks in order; 0 where none are known."""
    years = dates_of(ticks[[0, -1]], frequency).year
    days = [day for year in range(max(years[0], YEARS[0]), min(years[1], YEARS[1]) + 1) for day in _days(code, year)]
    if not days:
        return np.zeros(len(ticks))
    feasts, numbers = np.unique(ordinals(pd.DatetimeIndex(days), frequency), return_counts=True)
    return pd.Series(numbers, feasts).reindex(ticks, fill_value=0).to_numpy("float64")


@cache
def _days(code: str, year: int) -> tuple[dt.date, ...]:
    """Return a country's public holidays of a year; none for a country whose calendar is not known."""
    try:
        return tuple(holidays.country_holidays(code, years=year))
    except NotImplementedError:
        return ()
