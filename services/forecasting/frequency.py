"""How a series ticks: frequencies, their seasons, and dates as whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from services.errors import UserError

Ordinals = NDArray[np.int64]
#: Days between 1970-01-01, a Thursday, and the Monday before.
THURSDAY = 3


@dataclass(frozen=True)
class Frequency:
    """A tick: its name, its season in ticks, and a longer season where the tick has two (days: the year)."""

    name: str
    season: int
    year: int
    alias: str


FREQUENCIES: Mapping[str, Frequency] = {
    "hour": Frequency("hour", 24, 168, "h"),
    "day": Frequency("day", 7, 365, "D"),
    "week": Frequency("week", 52, 52, "W"),
    "month": Frequency("month", 12, 12, "MS"),
    "quarter": Frequency("quarter", 4, 4, "QS"),
    "year": Frequency("year", 1, 1, "YS"),
}
#: First letters of pandas' aliases.
ALIASES = {"H": "hour", "D": "day", "B": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year", "A": "year"}
#: Longest median gap between dates, in days, for each tick.
GAPS = ((0.9, "hour"), (4, "day"), (20, "week"), (60, "month"), (200, "quarter"))
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def named(alias: str) -> Frequency:
    """Return the frequency of a pandas alias (`D`, `W-MON`, `MS`) or of our own name; UserError for another."""
    found = alias.lower() if alias.lower() in FREQUENCIES else ALIASES.get(alias[:1].upper(), "")
    if not found:
        raise UserError(f"The frequency {alias!r} is not known; allowed: {', '.join(FREQUENCIES)} or a pandas alias.")
    return FREQUENCIES[found]


def inferred(dates: pd.DatetimeIndex) -> Frequency:
    """Return the frequency the median gap between different dates speaks for; a day where there is only one date."""
    days = np.diff(np.unique(dates.to_numpy("datetime64[s]").astype("int64"))) / 86400
    gap = float(np.median(days)) if len(days) else 1.0
    return FREQUENCIES[next((name for limit, name in GAPS if gap < limit), "year")]


def ordinals(dates: pd.DatetimeIndex, frequency: Frequency) -> Ordinals:
    """Return the number of the tick each date lies in; one apart for neighbours. Weeks begin on a Monday."""
    if frequency.name in MONTHS:
        months = dates.year.to_numpy("int64") * 12 + dates.month.to_numpy("int64") - 1
        return np.asarray(months // MONTHS[frequency.name], "int64")
    seconds = dates.to_numpy("datetime64[s]").astype("int64")
    if frequency.name == "hour":
        return np.asarray(seconds // 3600, "int64")
    days = seconds // 86400
    return np.asarray((days + THURSDAY) // 7 if frequency.name == "week" else days, "int64")


def dates_of(numbers: Ordinals, frequency: Frequency) -> pd.DatetimeIndex:
    """Return the first date of each tick."""
    if frequency.name in MONTHS:
        months = np.asarray(numbers * MONTHS[frequency.name] - 1970 * 12, "int64")
        return pd.DatetimeIndex(months.astype("datetime64[M]"))
    if frequency.name == "hour":
        return pd.DatetimeIndex(np.asarray(numbers, "int64").astype("datetime64[h]"))
    days = numbers * 7 - THURSDAY if frequency.name == "week" else numbers
    return pd.DatetimeIndex(np.asarray(days, "int64").astype("datetime64[D]"))
